//! How far pooling draws each subgroup towards the others.

use super::empirical::Empirical;
use super::estimand::Measure;
use super::fit::Fit;
use super::fitting::Fitting;
use crate::exact::Distribution;
use crate::study::{Pooling, Study};

/// A subgroup's median effect, alone and as modelled.
#[derive(Debug, Clone, serde::Serialize)]
pub struct ShrinkageRow {
    /// The subgroup's name.
    pub subgroup: String,
    /// The measure of both medians.
    pub measure: Measure,
    /// The median without pooling, under the same priors, on the measure's own scale.
    pub alone: f64,
    /// The median as modelled, with partial pooling, on the measure's own scale.
    pub modelled: f64,
}

/// Each subgroup's median effect without pooling, under the same priors, and as modelled. Empty where subgroups are
/// not partially pooled, or cannot be fitted alone.
pub fn shrinkage<'a>(study: &Study, fit: &Fit, how: impl Into<Fitting<'a>>) -> Vec<ShrinkageRow> {
    let names = study.data.names();
    if study.pooling != Pooling::Partial || !study.priors.effect.distribution.is_proper() {
        return Vec::new();
    }
    let alone = Study { pooling: Pooling::None, ..study.clone() };
    let Ok(alone) = Fit::effects_under(&alone, &study.priors, how) else { return Vec::new() };
    let (Some(alone), Some(modelled)) = (medians(&alone, names.len()), medians(fit, names.len())) else {
        return Vec::new();
    };
    let out = |x: f64| if study.outcome.scale.is_ratio() { libm::exp(x) } else { x };
    names
        .iter()
        .zip(alone.iter().zip(&modelled))
        .map(|(name, (alone, modelled))| ShrinkageRow {
            subgroup: (*name).to_string(),
            measure: Measure::of(study.outcome.scale),
            alone: out(*alone),
            modelled: out(*modelled),
        })
        .collect()
}

/// Medians of θ by subgroup.
fn medians(fit: &Fit, subgroups: usize) -> Option<Vec<f64>> {
    match fit.exact() {
        Some(exact) => Some((0..subgroups).map(|g| exact.theta(g).quantile(0.5)).collect()),
        None => {
            let draws = fit.report()?.sampled.as_ref()?;
            Some(draws.theta.iter().map(|column| Empirical::of(column).quantile(0.5)).collect())
        }
    }
}
