//! Effect priors × heterogeneity priors × pooling, all refitted.

use serde::Serialize;

use super::distinct::distinct;
use super::priors::PriorSet;
use super::reference::Reference;
use super::refit::{Answers, Refits};
use crate::model::{HeterogeneityPrior, LocationPrior};
use crate::parallel;
use crate::posterior::{Measure, Statement};
use crate::study::{Pooling, Study, four_decimals};

/// The probability of one statement under one effect prior, one heterogeneity prior and one pooling.
#[derive(Debug, Clone, Serialize)]
pub struct GridRow {
    /// The name of the set of priors whose effect prior it is.
    pub prior: String,
    /// The heterogeneity prior in words; none under complete pooling.
    pub heterogeneity: Option<String>,
    /// How the subgroups are pooled.
    pub pooling: Pooling,
    /// The name of the subgroup that the statement is about.
    pub subgroup: String,
    /// What the probability is the probability of.
    pub statement: Statement,
    /// The measure of effect that the statement is about.
    pub measure: Measure,
    /// The size of effect in the statement, on the measure's own scale: a magnitude for "at least", else the value of no
    /// effect.
    pub threshold: f64,
    /// The statement's probability; none where the refit gave no number.
    pub probability: Option<f64>,
}

/// The heterogeneity priors of the grid: the usual five on ratio scales; on others the same in units of the stated one.
pub fn heterogeneity_priors(study: &Study) -> Vec<(String, HeterogeneityPrior)> {
    let stated = study.priors.heterogeneity.as_ref().map(|h| h.distribution.scale()).filter(|s| *s > 0.0);
    let unit = match stated {
        Some(scale) if !study.outcome.scale.is_ratio() => 2.0 * scale,
        _ => Reference::of(study).tau,
    };
    let half_normal = |scale: f64| {
        let scale = scale * unit;
        (format!("half-normal({})", four_decimals(scale)), HeterogeneityPrior::HalfNormal { scale })
    };
    let half = 0.5 * unit;
    vec![
        half_normal(0.25),
        half_normal(0.5),
        half_normal(1.0),
        (
            format!("half-student-t(4, {})", four_decimals(half)),
            HeterogeneityPrior::HalfStudentT { df: 4.0, scale: half },
        ),
        (
            format!("half-cauchy({})", four_decimals(half)),
            HeterogeneityPrior::HalfStudentT { df: 1.0, scale: half },
        ),
    ]
}

/// Whose effect prior, which prior of τ in words and as a distribution, and the pooling.
type Cell<'a> = (&'a PriorSet, Option<(String, HeterogeneityPrior)>, Pooling);

/// All combinations, proper effect priors first. Priors of the baseline stay as the study states them.
pub fn grid(refits: &Refits<'_>, sets: &[PriorSet]) -> Vec<GridRow> {
    let study = refits.study;
    let mut cells: Vec<Cell<'_>> = Vec::new();
    for set in sets.iter().filter(|s| s.priors.effect.distribution.is_proper()) {
        for prior in heterogeneity_priors(study) {
            for pooling in [Pooling::Partial, Pooling::None] {
                cells.push((set, Some(prior.clone()), pooling));
            }
        }
        cells.push((set, None, Pooling::Complete));
    }
    asked(refits, &cells, |pooling, effect, prior| refits.all(pooling, effect, prior))
}

/// P(better) of every subgroup under all proper effect priors and all heterogeneity priors, partially pooled.
pub fn of_benefit(refits: &Refits<'_>, sets: &[PriorSet]) -> Vec<GridRow> {
    let mut cells: Vec<Cell<'_>> = Vec::new();
    for set in sets.iter().filter(|s| s.priors.effect.distribution.is_proper()) {
        let priors = heterogeneity_priors(refits.study).into_iter();
        cells.extend(priors.map(|prior| (set, Some(prior), Pooling::Partial)));
    }
    let mut rows = asked(refits, &cells, |pooling, effect, prior| refits.effects(pooling, effect, prior));
    rows.retain(|r| r.statement == Statement::Benefit);
    rows
}

/// A row for every cell and question. Cells of the same priors, whosever they are, are asked once.
fn asked(
    refits: &Refits<'_>,
    cells: &[Cell<'_>],
    ask: impl Fn(Pooling, &LocationPrior, Option<&HeterogeneityPrior>) -> Answers + Sync,
) -> Vec<GridRow> {
    let priors = |(set, prior, pooling): &'_ Cell<'_>| {
        (*pooling, set.priors.effect.distribution.clone(), prior.as_ref().map(|p| p.1))
    };
    let priors: Vec<_> = cells.iter().map(priors).collect();
    let (distinct, places) = distinct(&priors);
    let answers: Vec<Answers> =
        parallel::map(&distinct, |(pooling, effect, prior)| ask(*pooling, effect, prior.as_ref()));
    let answers = places.into_iter().map(|place| answers[place].clone());
    let rows = cells.iter().zip(answers).flat_map(|((set, prior, pooling), answers)| {
        refits.questions.iter().zip(answers).map(move |(q, probability)| GridRow {
            prior: set.name.clone(),
            heterogeneity: prior.as_ref().map(|p| p.0.clone()),
            pooling: *pooling,
            subgroup: q.name.clone(),
            statement: q.statement,
            measure: q.measure,
            threshold: q.threshold,
            probability,
        })
    });
    rows.collect()
}
