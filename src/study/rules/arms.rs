//! Several active arms: counts of each, what is assumed of their effects, and what flat priors need.

use super::super::problem::{Fault, Part, PriorPart, Problem};
use super::super::{
    ArmPriors, Data, HeterogeneityPrior, Pooling, RelatedArms, Scale, SubgroupCounts, Treatment, Written,
};
use super::parameters::heterogeneity_parameters;
use crate::error::ErrorKind;

/// What is said of several arms, as far as it is said.
#[derive(Debug, Clone, Default)]
pub(crate) struct StatedArms {
    pub related: Option<RelatedArms>,
    pub between: Option<Written<HeterogeneityPrior>>,
    pub interaction: Option<Written<HeterogeneityPrior>>,
}

/// Every subgroup has counts of every arm; several active arms have counts of events.
pub(crate) fn arms(treatment: &Treatment, data: &Data) -> Result<(), Problem> {
    let wanted = treatment.arms.len();
    let Data::Counts(rows) = data else {
        if !treatment.has_several_arms() {
            return Ok(());
        }
        let message = "several active arms, and the outcome is no count of events";
        return Err(Problem::new(Part::Arm(2), ErrorKind::Rule, message).help(
            "several arms go with kind = \"binary\": effects of several arms on other scales are correlated estimates, with `covariance`",
        ));
    };
    match rows.iter().position(|row| row.arms.len() != wanted) {
        Some(group) => {
            let row = &rows[group];
            let message =
                format!("subgroup `{}` has counts of {} arms, of {wanted}", row.name, row.arms.len());
            Err(Problem::new(Part::Group(group), ErrorKind::Rule, message)
                .help("give every arm's: one without patients has 0 events of 0"))
        }
        None => Ok(()),
    }
}

/// What is assumed of several active arms; none where there is one, of which nothing may be said.
pub(crate) fn arm_priors(
    treatment: &Treatment,
    (pooling, heterogeneity): (Pooling, Option<&Written<HeterogeneityPrior>>),
    stated: StatedArms,
    scale: Scale,
) -> Result<Option<ArmPriors>, Problem> {
    let StatedArms { related, between, interaction } = stated;
    let problem = |part, message: &str, help: &str| {
        Err(Problem::new(Part::Prior(part), ErrorKind::Rule, message).help(help))
    };
    let (arms, rest) = (PriorPart::Arms, PriorPart::Interaction);
    if !treatment.has_several_arms() {
        const ONE: &str = "leave it out: there is one active arm";
        if related.is_some() || between.is_some() {
            return problem(arms, "how active arms are related", ONE);
        }
        return if interaction.is_some() {
            problem(rest, "a prior of an interaction of arms", ONE)
        } else {
            Ok(None)
        };
    }
    let related_or_default = related.unwrap_or_default();
    let together = related_or_default == RelatedArms::Exchangeable && pooling != Pooling::None;
    match (&between, related_or_default, pooling) {
        (Some(_), RelatedArms::Separate, _) => {
            return problem(
                arms,
                "a prior of the spread between arms that are separate",
                "leave it out, or set arms = \"exchangeable\" in [model]",
            );
        }
        (Some(_), _, Pooling::None) => {
            return problem(
                arms,
                "a prior of the spread between arms without pooling",
                "leave it out: every effect is by itself",
            );
        }
        _ => {}
    }
    if interaction.is_some() && pooling != Pooling::Partial {
        return problem(
            rest,
            "a prior of an interaction without partial pooling",
            "leave it out, or set pooling = \"partial\"",
        );
    }
    for (part, prior) in [(arms, &between), (rest, &interaction)] {
        if let Some(prior) = prior {
            heterogeneity_parameters(&prior.distribution, scale)
                .map_err(|fault| fault.of(Part::Prior(part)))?;
        }
    }
    let between = between.or_else(|| heterogeneity.cloned()).filter(|_| together);
    if together && between.is_none() {
        return Err(Problem::new(
            Part::Prior(arms),
            ErrorKind::Missing,
            "the prior of the spread between arms is missing",
        )
        .help("write arms = \"half-normal(0.5)\" in [prior]")
        .help("or arms = \"separate\" in [model]: each arm around a mean of its own"));
    }
    let interaction = interaction.or_else(|| heterogeneity.cloned()).filter(|_| pooling == Pooling::Partial);
    Ok(Some(ArmPriors { related: related_or_default, between, interaction }))
}

/// A flat effect prior gives a posterior of several arms only where the data bound the effects that stand under it.
pub(crate) fn flat_arms(pooling: Pooling, related: RelatedArms, data: &Data) -> Result<(), Fault> {
    let Some(rows) = data.counts() else { return Ok(()) };
    let arms = rows.first().map_or(0, |row| row.arms.len());
    let bounded = |row: &SubgroupCounts, arm: usize| row.control().is_bounded() && row.arms[arm].is_bounded();
    let somewhere = |arm: usize| rows.iter().any(|row| bounded(row, arm));
    let enough = match (pooling, related) {
        (Pooling::None, _) => rows.iter().all(|row| (1..arms).all(|arm| bounded(row, arm))),
        (_, RelatedArms::Separate) => (1..arms).all(somewhere),
        (_, RelatedArms::Exchangeable) => (1..arms).any(somewhere),
    };
    if enough {
        return Ok(());
    }
    let help = "arms without events, or with nothing else, leave the effect unbounded; write a proper prior";
    Err(Fault::new(ErrorKind::Rule, "with a flat effect prior these data give no posterior", help))
}

/// A notice for every arm of a subgroup that has no patients.
pub(crate) fn empty_cells(treatment: &Treatment, data: &Data) -> Vec<String> {
    let of = |row: &SubgroupCounts| {
        let empty = row.arms.iter().zip(&treatment.arms).filter(|(counts, _)| counts.total == 0);
        let names: Vec<&str> = empty.map(|(_, name)| name.as_str()).collect();
        (!names.is_empty()).then(|| {
            format!(
                "{}: no patients had {}: the prior and the other subgroups and arms alone speak there.",
                row.name,
                names.join(", nor ")
            )
        })
    };
    data.counts().into_iter().flatten().filter_map(of).collect()
}
