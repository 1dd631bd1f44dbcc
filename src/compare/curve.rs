//! The conclusion as a curve over the scale of the heterogeneity prior.

use serde::Serialize;

use super::LINES;
use super::priors::{PriorSet, STATED};
use super::refit::Refits;
use crate::exact::Distribution;
use crate::exact::{ExactPosterior, Resolution};
use crate::model::Model;
use crate::numeric::{crossing, invert_increasing};
use crate::parallel;
use crate::posterior::{Empirical, Measure, Quantiles, Report, Statement, Target};
use crate::study::{HeterogeneityPrior, Pooling, Study};

/// The probability of one statement at one scale of the prior of τ.
#[derive(Debug, Clone, Serialize)]
pub struct CurvePoint {
    /// The name of the set of priors whose prior of τ is scaled.
    pub prior: String,
    /// The scale of the prior of τ: its scale, mean, median, upper end or fixed value, depending on its family.
    pub scale: f64,
    /// The name of the subgroup that the statement is about.
    pub subgroup: String,
    /// Benefit or harm in the subgroup.
    pub statement: Statement,
    /// The measure of effect that the statement is about.
    pub measure: Measure,
    /// The size of effect in the statement, on the measure's own scale: a magnitude for "at least", else the value of no
    /// effect.
    pub threshold: f64,
    /// The statement's probability; none where the refit gave no number.
    pub probability: Option<f64>,
}

/// A scale of the prior of τ at which a statement's probability crosses a line.
#[derive(Debug, Clone, Serialize)]
pub struct Crossing {
    /// The name of the set of priors whose prior of τ is scaled.
    pub prior: String,
    /// The name of the subgroup that the statement is about.
    pub subgroup: String,
    /// Benefit or harm in the subgroup.
    pub statement: Statement,
    /// The measure of effect that the statement is about.
    pub measure: Measure,
    /// The size of effect in the statement, on the measure's own scale: a magnitude for "at least", else the value of no
    /// effect.
    pub threshold: f64,
    /// The probability that is crossed: one of [`LINES`](crate::compare::LINES).
    pub line: f64,
    /// The scale of the prior of τ at the crossing.
    pub scale: f64,
    /// Whether the probability grows with the scale there.
    pub rising: bool,
}

/// A measure of how much subgroups differ, before and after the data.
#[derive(Debug, Clone, Serialize)]
pub struct HeterogeneityRow {
    /// What is measured: `tau`, or `difference` for |θ_A − θ_B|.
    pub quantity: &'static str,
    /// The first subgroup of a difference; none for τ.
    pub subgroup: Option<String>,
    /// The second subgroup of a difference; none for τ.
    pub subgroup_b: Option<String>,
    /// The quantity before the data, on the scale of θ: median and central 95 % interval.
    pub prior: Quantiles,
    /// The quantity after the data, on the scale of θ: median and central 95 % interval.
    pub posterior: Quantiles,
}

/// Steps of a quarter of a doubling, from a thirty-second of the stated scale to eight times it.
const STEPS: std::ops::RangeInclusive<i32> = -20..=12;
const A_DOUBLING: f64 = 4.0;

/// A step of whole doublings where every refit is a whole fit of many subgroups.
const COARSE_STEP: usize = 4;

fn scales(refits: &Refits<'_>, stated: &HeterogeneityPrior) -> Vec<f64> {
    let step = if refits.is_coarse() { COARSE_STEP } else { 1 };
    STEPS.step_by(step).map(|k| libm::exp2(f64::from(k) / A_DOUBLING) * stated.scale()).collect()
}

/// How many refits a curve takes that are counted.
pub fn planned(refits: &Refits<'_>, set: &PriorSet) -> usize {
    let stated = set.priors.heterogeneity.as_ref().map(|h| h.distribution);
    let varied = stated.filter(|h| h.scale() > 0.0 && refits.study.pooling != Pooling::Complete);
    varied.filter(|_| refits.is_coarse()).map_or(0, |h| scales(refits, &h).len())
}

/// The curve of one set of priors, and its crossings. Nothing under complete pooling, which has no τ.
pub fn curve(refits: &Refits<'_>, set: &PriorSet) -> (Vec<CurvePoint>, Vec<Crossing>) {
    let pooling = refits.study.pooling;
    let Some(stated) = set.priors.heterogeneity.as_ref().map(|h| h.distribution) else {
        return (Vec::new(), Vec::new());
    };
    let effect = &set.priors.effect.distribution;
    if pooling == Pooling::Complete || stated.scale() == 0.0 {
        return (Vec::new(), Vec::new());
    }
    let at = |scale: f64| {
        let prior = stated.scaled(scale / stated.scale());
        refits.effects(pooling, effect, Some(&prior))
    };
    let scales = scales(refits, &stated);
    if refits.is_sampled() {
        let target = |scale: &f64| {
            let heterogeneity = Some(stated.scaled(scale / stated.scale()));
            Target { pooling, effect: effect.clone(), heterogeneity }
        };
        refits.ask(&scales.iter().map(target).collect::<Vec<Target>>());
    }
    let answers = parallel::map(&scales, |&s| at(s));
    let (mut points, mut crossings) = (Vec::new(), Vec::new());
    let asked = refits.questions.iter().enumerate();
    for (i, q) in asked.filter(|(_, q)| matches!(q.statement, Statement::Benefit | Statement::Harm)) {
        let curve: Vec<Option<f64>> = answers.iter().map(|a| a[i]).collect();
        points.extend(scales.iter().zip(&curve).map(|(&scale, &probability)| CurvePoint {
            prior: set.name.clone(),
            scale,
            subgroup: q.name.clone(),
            statement: q.statement,
            measure: q.measure,
            threshold: q.threshold,
            probability,
        }));
        for line in LINES {
            for (pair, ends) in curve.windows(2).zip(scales.windows(2)) {
                let [Some(a), Some(b)] = *pair else { continue };
                if (a > line) == (b > line) {
                    continue;
                }
                let ends = [ends[0], ends[1]].map(libm::log);
                let found = if refits.is_sampled() || refits.is_coarse() {
                    Some(ends[0] + (ends[1] - ends[0]) * (line - a) / (b - a))
                } else {
                    let excess = |x: f64| {
                        let prior = stated.scaled(libm::exp(x) / stated.scale());
                        refits.one(i, pooling, effect, Some(&prior)).map(|p| p - line)
                    };
                    crossing((ends[0], a - line), (ends[1], b - line), 1e-8, excess)
                };
                // Where a refit on the way fails, the line between the two ends.
                let found = found.unwrap_or(ends[0] + (ends[1] - ends[0]) * (line - a) / (b - a));
                crossings.push(Crossing {
                    prior: set.name.clone(),
                    subgroup: q.name.clone(),
                    statement: q.statement,
                    measure: q.measure,
                    threshold: q.threshold,
                    line,
                    scale: libm::exp(found),
                    rising: b > a,
                });
            }
        }
    }
    (points, crossings)
}

/// τ and |θ_A − θ_B| before and after the data, under the stated priors; nothing where they are fixed or not shared.
pub fn heterogeneity(study: &Study, report: Option<&Report>, most_pairs: usize) -> Vec<HeterogeneityRow> {
    let model = Model::of(study);
    let fixed = study
        .priors
        .heterogeneity
        .as_ref()
        .is_none_or(|h| matches!(h.distribution, HeterogeneityPrior::Fixed { .. }));
    if study.pooling != Pooling::Partial || fixed || !model.effect.is_proper() {
        return Vec::new();
    }
    let names = study.data.names();
    let Ok(before) = ExactPosterior::new(&model.of_effects_alone(2), Resolution::default()) else {
        return Vec::new();
    };
    let after = ExactPosterior::new(&model, Resolution::default()).ok();
    let draws = report.filter(|r| r.checks.ok).and_then(|r| r.sampled.as_ref());
    let mut rows = Vec::new();
    let tau_after = match (&after, draws.and_then(|d| d.tau.as_ref())) {
        (Some(after), _) => after.tau().map(|d| three(|p| d.quantile(p))),
        (None, Some(tau)) => {
            let tau = Empirical::of(tau);
            Some(three(|p| tau.quantile(p)))
        }
        _ => None,
    };
    if let (Some(prior), Some(posterior)) = (before.tau(), tau_after) {
        let prior = three(|p| prior.quantile(p));
        rows.push(HeterogeneityRow { quantity: "tau", subgroup: None, subgroup_b: None, prior, posterior });
    }
    let prior = absolute(&*before.pair(0, 1).difference);
    let pairs: Vec<(usize, usize)> =
        (0..names.len()).flat_map(|a| (a + 1..names.len()).map(move |b| (a, b))).collect();
    if pairs.len() > most_pairs {
        return rows;
    }
    let of_pair = |&(a, b): &(usize, usize)| {
        let posterior = match (&after, draws) {
            (Some(after), _) => {
                let pair = after.pair(a, b);
                if !pair.settled {
                    return None;
                }
                absolute(&*pair.difference)
            }
            (None, Some(draws)) => {
                let size: Vec<f64> = draws.difference(a, b).iter().map(|d| d.abs()).collect();
                let size = Empirical::of(&size);
                three(|p| size.quantile(p))
            }
            _ => return None,
        };
        Some(HeterogeneityRow {
            quantity: "difference",
            subgroup: Some(names[a].to_string()),
            subgroup_b: Some(names[b].to_string()),
            prior,
            posterior,
        })
    };
    let found: Vec<Option<HeterogeneityRow>> = parallel::map(&pairs, of_pair);
    rows.extend(found.into_iter().flatten());
    rows
}

fn three(quantile: impl Fn(f64) -> f64) -> Quantiles {
    Quantiles { median: quantile(0.5), q2_5: quantile(0.025), q97_5: quantile(0.975) }
}

/// Quantiles of the absolute value.
fn absolute(d: &dyn Distribution) -> Quantiles {
    let within = |x: f64| d.cdf(x) - d.cdf(-x);
    three(|p| {
        let mut reach = 1.0;
        while within(reach) < p && reach < 1e9 {
            reach *= 2.0;
        }
        invert_increasing(0.0, reach, p, within)
    })
}

/// A crossing near the stated scale of the prior of τ: that prior decides whether the statement's probability exceeds the
/// line.
#[derive(Debug, Clone, PartialEq)]
pub struct Hinge {
    /// The name of the subgroup that the statement is about.
    pub subgroup: String,
    /// Benefit or harm in the subgroup.
    pub statement: Statement,
    /// The probability that is crossed: one of [`LINES`](crate::compare::LINES).
    pub line: f64,
    /// The scale of the prior of τ at the crossing, within a factor of four of the stated one.
    pub scale: f64,
    /// Whether the probability is above the line for scales above this one.
    pub rising: bool,
}

/// A crossing within this factor of the stated scale is reported.
pub const NEAR: f64 = 4.0;

/// Crossings of the leaning statement near the stated scale.
pub fn hinges(crossings: &[Crossing], stated: f64) -> Vec<Hinge> {
    crossings
        .iter()
        .filter(|c| c.prior == STATED && c.scale > stated / NEAR && c.scale < stated * NEAR)
        // The half is crossed by both statements at once: reported for benefit.
        .filter(|c| c.line > 0.5 || c.statement == Statement::Benefit)
        .map(|c| Hinge {
            subgroup: c.subgroup.clone(),
            statement: c.statement,
            line: c.line,
            scale: c.scale,
            rising: c.rising,
        })
        .collect()
}
