//! What the data say of effects and baselines, roughly: where the sampler's coordinates are placed. Any hints give the same
//! posterior; good ones make it nearly a standard normal.

use super::{BinomialPair, Cells, NormalEstimate, Observation, Side};
use crate::model::level::Hints;
use crate::model::prior_slope::LocationSlope;
use crate::numeric::logistic;
use crate::study::{BaselinePrior, HeterogeneityPrior, LocationPrior, Misclassification, Nuisance};

impl Hints {
    /// Those of some subgroups.
    pub fn of(&self, group: &[usize]) -> Hints {
        let pick = |v: &[f64]| group.iter().map(|&g| v[g]).collect();
        Hints {
            estimates: pick(&self.estimates),
            information: pick(&self.information),
            open: pick(&self.open),
        }
    }

    /// Of children that are bounded on both sides.
    pub fn closed(estimates: Vec<f64>, information: Vec<f64>) -> Hints {
        let open = vec![0.0; estimates.len()];
        Hints { estimates, information, open }
    }
}

/// The log odds of an arm and their information, half an event and half a non-event added; nothing for an empty arm. Where
/// there are covariates, those of the rows.
pub fn arm_hints(of: &Cells, side: Side) -> Hints {
    let counts = of.pairs();
    if let Some(levels) = of.levels() {
        let (estimates, information) = levels.arm_hints(side as usize).into_iter().unzip();
        let moved = counts.iter().map(|pair| pair.hint(side).0 - pair.own_hint(side).0);
        let estimates: Vec<f64> = estimates;
        return Hints::closed(estimates.iter().zip(moved).map(|(x, m)| x + m).collect(), information);
    }
    if let Some(rows) = of.rows() {
        let (estimates, information) = rows.cell_hints();
        let cells = match side {
            Side::Control => 0..counts.len(),
            Side::Active => counts.len()..2 * counts.len(),
        };
        let moved = counts.iter().map(|pair| pair.hint(side).0 - pair.arm(side).hint().0);
        let estimates = estimates[cells.clone()].iter().zip(moved).map(|(x, m)| x + m).collect();
        let open = counts.iter().map(|pair| pair.arm(side).open_side()).collect();
        return Hints { estimates, information: information[cells].to_vec(), open };
    }
    let told = of.misclassification().map_or(1.0, told_by_labels);
    let hints = counts.iter().map(|pair| pair.hint(side));
    let (estimates, information): (Vec<f64>, Vec<f64>) = hints.map(|(x, i)| (x, told * i)).unzip();
    // Any label can be that of an event elsewhere.
    // An arm on one side of the primary cut may be bounded by other cuts.
    let open = |pair: &BinomialPair| {
        if of.misclassification().is_some() || of.levels().is_some() {
            0.0
        } else {
            pair.arm(side).open_side()
        }
    };
    Hints { estimates, information, open: counts.iter().map(open).collect() }
}

/// To which side both arms leave an effect open at a given baseline, of which the control arm's log odds depend on the effect
/// by −`below`; 0 where they do to neither, or to both.
fn open_effect(counts: &BinomialPair, [control, active]: [f64; 2], below: f64) -> f64 {
    // Whether anything keeps the effect from going to the side.
    let bounded = |side: f64| {
        let by_active = counts.active.total > 0.0 && active != side;
        let by_control = below > 0.0 && counts.control.total > 0.0 && control != -side;
        by_active || by_control
    };
    match (bounded(-1.0), bounded(1.0)) {
        (false, true) => -1.0,
        (true, false) => 1.0,
        _ => 0.0,
    }
}

/// The part of the information about a true subgroup that is left where labels may be wrong, roughly: Youden's index,
/// squared.
fn told_by_labels(m: &Misclassification) -> f64 {
    let mean = |n: &[Nuisance; 2]| 0.5 * (logistic(n[0].rough().0) + logistic(n[1].rough().0));
    let youden = mean(&m.sensitivity) + mean(&m.specificity) - 1.0;
    (youden * youden).max(0.05)
}

/// How much more an arm that leaves the effect open is taken to say than its hint has. Its likelihood ends in a wall that is
/// exponentially steep, which half the unit makes gentle; the open side has a unit of its own. Where the baseline lies between
/// the arms it meets the same walls, and the effect's unit alone changes nothing for the better.
const STEEP: f64 = 4.0;

/// What the data say of each θ: exactly for estimates, roughly for counts, with α integrated out.
pub fn effect_hints(observation: &Observation) -> Hints {
    match observation {
        Observation::Estimates(rows) => {
            let (estimates, information) = rows.iter().map(NormalEstimate::hint).unzip();
            Hints::closed(estimates, information)
        }
        Observation::Correlated(correlated) => {
            let (estimates, information) = correlated.hints();
            Hints::closed(estimates, information)
        }
        Observation::Cells(cells) => {
            let [control, active] = [Side::Control, Side::Active].map(|side| arm_hints(cells, side));
            let (centre, precision) = match &cells.baselines().prior {
                BaselinePrior::Independent(prior) => LocationSlope::of(prior).stand_in(),
                BaselinePrior::Exchangeable { mean, sd } => {
                    let (centre, precision) = LocationSlope::of(mean).stand_in();
                    let spread = sd.typical();
                    let variance = if precision > 0.0 { 1.0 / precision } else { f64::INFINITY };
                    (centre, 1.0 / (variance + spread * spread))
                }
            };
            let below = cells.baselines().of.control_share();
            let mut hints = Hints::closed(Vec::new(), Vec::new());
            for (g, pair) in cells.pairs().iter().enumerate() {
                let (i0, i1) = (control.information[g], active.information[g]);
                // The margin of θ in the normal over (α, θ) of both arms and α's prior, of precisions I₀ + I₁ + P for α,
                // I₀s² + I₁(1 − s)² for θ and I₁(1 − s) − I₀s between them.
                let (above, through) = (1.0 - below, i0 * below * below + i1 * (1.0 - below) * (1.0 - below));
                let known = i0 * i1 + precision * through;
                let weighted = i1 * (i0 + above * precision) * active.estimates[g]
                    - i0 * (i1 + below * precision) * control.estimates[g]
                    - precision * (above * i1 - below * i0) * centre;
                let informative = known > 0.0;
                hints.estimates.push(if informative { weighted / known } else { 0.0 });
                hints.information.push(if informative { known / (i0 + i1 + precision) } else { 0.0 });
                let told = cells.misclassification().is_none() && cells.levels().is_none();
                let open =
                    if told { open_effect(pair, [control.open[g], active.open[g]], below) } else { 0.0 };
                if open != 0.0 && below == 0.0 {
                    hints.information[g] *= STEEP;
                }
                hints.open.push(open);
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

/// What the data say of each α with θ integrated out, which is taken as near its prior's centre, 0 in most cases. `below` is
/// the control arm's share s of θ.
pub fn baseline_hints([control, active]: [&Hints; 2], below: f64, effect_precision: f64) -> Hints {
    let (above, p) = (1.0 - below, effect_precision);
    let mut hints = Hints::closed(Vec::new(), Vec::new());
    for g in 0..control.estimates.len() {
        let (i0, i1) = (control.information[g], active.information[g]);
        // The margin of α in the normal of `effect_hints`, with the prior on θ instead.
        let known = i0 * i1 + p * (i0 + i1);
        let weighted =
            i0 * (above * i1 + p) * control.estimates[g] + i1 * (below * i0 + p) * active.estimates[g];
        let of_effect = below * below * i0 + above * above * i1 + p;
        // Of an effect of which nothing at all is known, an arm that does not depend on it is left.
        let (x, information) =
            if of_effect > 0.0 { (weighted / known, known / of_effect) } else { (control.estimates[g], i0) };
        hints.estimates.push(if information > 0.0 { x } else { 0.0 });
        hints.information.push(information);
        hints.open.push(0.0);
    }
    hints
}
