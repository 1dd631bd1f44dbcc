//! Priors beside the study that they are of: what pooling and outcome ask for, and what flat ones need.

use super::super::problem::{Fault, Part, PriorPart, Problem};
use super::super::{
    BaselineOf, BaselinePrior, Data, HeterogeneityPrior, LocationPrior, Pooling, Priors, Scale,
    SubgroupCounts,
};
use super::{effect_parameters, parameters::check_df};
use crate::error::ErrorKind;

/// A prior of the heterogeneity is there unless pooling is complete.
pub(crate) fn fitting_heterogeneity(pooling: Pooling, given: bool) -> Result<(), Problem> {
    let problem = |kind, message| Problem::new(Part::Prior(PriorPart::Heterogeneity), kind, message);
    match (given, pooling) {
        (true, Pooling::Complete) => {
            let message = "a heterogeneity prior under complete pooling";
            Err(problem(ErrorKind::Rule, message)
                .help("complete pooling has one effect for all: leave the prior out, or set pooling = \"partial\""))
        }
        (false, _) if pooling != Pooling::Complete => Err(problem(ErrorKind::Missing, "`heterogeneity` is missing")
            .help("it matters too much for a silent default: write heterogeneity = \"half-normal(0.5)\", or half-normal(0.25) … half-normal(1) on log ratios")
            .help("or set pooling = \"complete\" in [model], which needs none")),
        _ => Ok(()),
    }
}

/// Only counts have baselines.
pub(crate) fn fitting_baseline(counts: bool, (prior, of): (bool, bool)) -> Result<(), (PriorPart, Fault)> {
    let fault = |part, message: &str| {
        Err((part, Fault::new(ErrorKind::Rule, message, "estimates have no baseline: leave it out")))
    };
    match (counts, prior, of) {
        (false, true, _) => fault(PriorPart::Baseline, "a baseline prior for published estimates"),
        (false, false, true) => fault(PriorPart::BaselineOf, "`baseline_of` for published estimates"),
        _ => Ok(()),
    }
}

/// A flat effect prior gives a posterior only where the data bound the effect.
pub(crate) fn flat_effect(pooling: Pooling, baseline_of: BaselineOf, data: &Data) -> Result<(), Fault> {
    let Some(rows) = data.counts() else { return Ok(()) };
    // An arm that has both outcomes bounds its log odds; where the effect moves it, the baseline's prior bounds the rest.
    let bounded = |row: &SubgroupCounts| {
        row.active().is_bounded() || baseline_of.control_share() > 0.0 && row.control().is_bounded()
    };
    let enough = match pooling {
        Pooling::None => rows.iter().all(bounded),
        _ => rows.iter().any(bounded),
    };
    if enough {
        return Ok(());
    }
    let help = match baseline_of {
        BaselineOf::Control => {
            "an active arm without events, or with nothing else, leaves the effect unbounded; write a proper prior"
        }
        BaselineOf::Arms => {
            "arms without events, or with nothing else, leave the effect unbounded; write a proper prior"
        }
    };
    Err(Fault::new(ErrorKind::Rule, "with a flat effect prior these data give no posterior", help))
}

/// A magnitude above 1, of an effect on the log odds ratio.
pub(crate) fn expected_odds_ratio(expected: f64, scale: Scale) -> Result<(), Problem> {
    let problem = |kind, message: String| Problem::new(Part::ExpectedOddsRatio, kind, message);
    if scale != Scale::LogOddsRatio {
        let measure = scale.measure_in_words();
        let message = format!("the library's priors are on odds ratios, the model's effect is a {measure}");
        return Err(problem(ErrorKind::Rule, message).help("leave [library] out"));
    }
    if expected > 1.0 && expected.is_finite() {
        return Ok(());
    }
    Err(problem(ErrorKind::Value, format!("expected_odds_ratio is {expected}")).help(
        "it is a magnitude, above 1 and toward benefit; the program derives the direction from `higher_is`",
    ))
}

/// What is assumed of effects that are not normal around their mean: numbers within what makes sense on `scale`, and no more
/// than the pooling asks for.
pub(crate) fn fitting_spread(pooling: Pooling, priors: &Priors, scale: Scale) -> Result<(), Problem> {
    let at = |part, kind, message: String| Problem::new(Part::Prior(part), kind, message);
    if let Some(alone) = priors.alone.as_ref().filter(|_| pooling != Pooling::ExchangeableOrNot) {
        let (part, key) = match alone.prior {
            Some(_) => (PriorPart::StandAlone, "stand_alone"),
            None => (PriorPart::Exchangeable, "exchangeable"),
        };
        let message = format!("`{key}` under {} pooling", pooling.in_words());
        return Err(at(part, ErrorKind::Rule, message)
            .help("it goes with pooling = \"exchangeable or not\" in [model]: leave it out, or set that"));
    }
    if !pooling.is_integrated_alone() {
        return Ok(());
    }
    if let Some(df) = priors.degrees {
        check_df(df).map_err(|fault| fault.of(Part::Prior(PriorPart::Effects)))?;
    }
    if matches!(
        priors.heterogeneity.as_ref().map(|h| h.distribution),
        Some(HeterogeneityPrior::Fixed { value: 0.0 })
    ) {
        let message = "a heterogeneity of 0, under which effects have no distribution around their mean";
        return Err(at(PriorPart::Heterogeneity, ErrorKind::Rule, message.to_string())
            .help("fix it above 0, or set pooling = \"complete\""));
    }
    if pooling == Pooling::ExchangeableOrNot { stand_alone(priors, scale) } else { Ok(()) }
}

fn stand_alone(priors: &Priors, scale: Scale) -> Result<(), Problem> {
    let at = |part, kind, message: String| Problem::new(Part::Prior(part), kind, message);
    let alone = priors.alone.clone().unwrap_or_default();
    let w = alone.exchangeable;
    if !(0.0..=1.0).contains(&w) {
        return Err(at(PriorPart::Exchangeable, ErrorKind::Value, format!("exchangeable is {w}"))
            .help("it is a probability, from 0 (every subgroup stands alone) to 1 (partial pooling)"));
    }
    if let Some(prior) = &alone.prior {
        let of = Part::Prior(PriorPart::StandAlone);
        effect_parameters(&prior.distribution, scale).map_err(|fault| fault.of(of.clone()))?;
        if !matches!(&prior.distribution, LocationPrior::Normals(normals) if normals.len() == 1) {
            let message = format!("`{}`, which is not one normal distribution", prior.words);
            return Err(Problem::new(of, ErrorKind::Value, message).help(
                "the effect of a subgroup that stands alone has a normal prior: write normal(mean, sd)",
            ));
        }
    }
    if !priors.effect.distribution.is_proper() {
        let message = "a flat effect prior, and subgroups may all stand alone".to_string();
        return Err(at(PriorPart::Effect, ErrorKind::Rule, message).help(
            "the data then say nothing of the mean effect, and there is no posterior: write a proper prior, such as normal(0, 1)",
        ));
    }
    Ok(())
}

/// Effects that are not normal around their mean are integrated, which independent baselines alone allow.
pub(crate) fn fitting_baselines(pooling: Pooling, priors: &Priors) -> Result<(), Fault> {
    let exchangeable = priors.baseline.as_ref().map(|b| &b.distribution);
    if !pooling.is_integrated_alone() || !matches!(exchangeable, Some(BaselinePrior::Exchangeable { .. })) {
        return Ok(());
    }
    Err(Fault::new(
        ErrorKind::Unavailable,
        format!("exchangeable baselines {}", beside(pooling)),
        "these effects are integrated, and only sampling covers exchangeable baselines: write independent ones, such as baseline = \"normal(0, 2.5)\"",
    ))
}

/// What stands in the way of effects that are not normal around their mean.
pub(crate) fn integrated_alone(pooling: Pooling, what: Option<&str>) -> Result<(), Problem> {
    let Some(what) = what.filter(|_| pooling.is_integrated_alone()) else { return Ok(()) };
    let part = if pooling == Pooling::StudentT { PriorPart::Effects } else { PriorPart::Pooling };
    Err(Problem::new(Part::Prior(part), ErrorKind::Unavailable, format!("{what} {}", beside(pooling)))
        .help("these effects are integrated from counts, or from estimates with independent errors: leave one of the two out, or set pooling = \"partial\""))
}

fn beside(pooling: Pooling) -> &'static str {
    match pooling {
        Pooling::StudentT => "beside Student t effects",
        _ => "beside pooling = \"exchangeable or not\"",
    }
}
