//! What the data say of effects and baselines, roughly: where the sampler's coordinates are placed. Any hints give the same
//! posterior; good ones make it nearly a standard normal.

use super::level::Hints;
use super::prior_slope::LocationSlope;
use super::{
    BaselinePrior, BinomialPair, HeterogeneityPrior, Likelihood, LocationPrior, Model, NormalEstimate,
    Nuisance, Side,
};
use crate::numeric::logistic;

impl Hints {
    /// Those of some subgroups.
    pub fn of(&self, group: &[usize]) -> Hints {
        let pick = |v: &[f64]| group.iter().map(|&g| v[g]).collect();
        Hints { estimates: pick(&self.estimates), information: pick(&self.information) }
    }
}

/// The log odds of an arm and their information, half an event and half a non-event added; nothing for an empty arm. Where
/// there are covariates, those of the rows.
pub fn arm_hints(model: &Model, counts: &[BinomialPair], side: Side) -> Hints {
    if let Some(rows) = &model.rows {
        let (estimates, information) = rows.cell_hints();
        let cells = match side {
            Side::Control => 0..counts.len(),
            Side::Active => counts.len()..2 * counts.len(),
        };
        let moved = counts.iter().map(|pair| pair.hint(side).0 - pair.arm(side).hint().0);
        let estimates = estimates[cells.clone()].iter().zip(moved).map(|(x, m)| x + m).collect();
        return Hints { estimates, information: information[cells].to_vec() };
    }
    let told = told_by_labels(model);
    let hints = counts.iter().map(|pair| pair.hint(side));
    let (estimates, information) = hints.map(|(x, information)| (x, told * information)).unzip();
    Hints { estimates, information }
}

/// The part of the information about a true subgroup that is left where labels may be wrong, roughly: Youden's index,
/// squared.
fn told_by_labels(model: &Model) -> f64 {
    let Some(m) = &model.misclassification else { return 1.0 };
    let mean = |n: &[Nuisance; 2]| 0.5 * (logistic(n[0].rough().0) + logistic(n[1].rough().0));
    let youden = mean(&m.sensitivity) + mean(&m.specificity) - 1.0;
    (youden * youden).max(0.05)
}

/// What the data say of each θ: exactly for estimates, roughly for counts, with α integrated out.
pub fn effect_hints(model: &Model) -> Hints {
    match &model.likelihood {
        Likelihood::Estimates(rows) => {
            let (estimates, information) = rows.iter().map(NormalEstimate::hint).unzip();
            Hints { estimates, information }
        }
        Likelihood::Counts(counts) => {
            let [control, active] = [Side::Control, Side::Active].map(|side| arm_hints(model, counts, side));
            let (centre, precision) = match &model.baseline {
                BaselinePrior::Independent(prior) => LocationSlope::of(prior).stand_in(),
                BaselinePrior::Exchangeable { mean, sd } => {
                    let (centre, precision) = LocationSlope::of(mean).stand_in();
                    let spread = sd.typical();
                    let variance = if precision > 0.0 { 1.0 / precision } else { f64::INFINITY };
                    (centre, 1.0 / (variance + spread * spread))
                }
            };
            let mut hints = Hints { estimates: Vec::new(), information: Vec::new() };
            for g in 0..counts.len() {
                let (i0, i1) = (control.information[g], active.information[g]);
                let known = i0 + precision;
                let informative = i1 > 0.0 && known > 0.0;
                let alpha = (i0 * control.estimates[g] + precision * centre) / known;
                hints.estimates.push(if informative { active.estimates[g] - alpha } else { 0.0 });
                hints.information.push(if informative { i1 * known / (i1 + known) } else { 0.0 });
            }
            hints
        }
    }
}

/// The rough precision of a subgroup effect before its own data.
pub fn effect_precision(effect: &LocationPrior, scale: &HeterogeneityPrior) -> f64 {
    let (_, precision) = LocationSlope::of(effect).stand_in();
    let tau = scale.typical();
    if precision > 0.0 { 1.0 / (1.0 / precision + tau * tau) } else { 0.0 }
}

/// What the data say of each α with θ integrated out.
pub fn baseline_hints(control: &Hints, active: &Hints, effect_precision: f64) -> Hints {
    let mut hints = Hints { estimates: Vec::new(), information: Vec::new() };
    for g in 0..control.estimates.len() {
        let (i0, i1) = (control.information[g], active.information[g]);
        // The active arm tells of α only as far as θ is known: θ is taken as near its prior's centre, 0 in most cases.
        let through =
            if i1 + effect_precision > 0.0 { i1 * effect_precision / (i1 + effect_precision) } else { 0.0 };
        let total = i0 + through;
        let x = if total > 0.0 {
            (i0 * control.estimates[g] + through * active.estimates[g]) / total
        } else {
            0.0
        };
        hints.estimates.push(x);
        hints.information.push(total);
    }
    hints
}
