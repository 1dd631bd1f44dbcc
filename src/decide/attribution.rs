//! Successes that would have happened anyway, failures that would have been successes: bounds from the two risks alone
//! (Tian & Pearl, Ann Math Artif Intell 2000;28:287), valid without confounding.

use serde::Serialize;

use super::risks::{Risks, Shares};
use super::{Known, Population};
use crate::posterior::Quantiles;
use crate::study::{Decision, HigherIs};

/// A share of patients whose outcome is due to the treatment or would have come anyway, bounded from the two risks alone
/// (Tian & Pearl, Ann Math Artif Intell 2000;28:287).
#[derive(Debug, Clone, Serialize)]
pub struct AttributionRow {
    /// The outcome's name in the decision.
    pub outcome: String,
    /// For whom the numbers are.
    #[serde(flatten)]
    pub population: Population,
    /// `successes_anyway`: of those who do well with the treatment, how many would have without it.
    /// `failures_avoidable`: of those who do badly with it, how many would have done well without.
    pub quantity: &'static str,
    /// The least that the share can be, 0 to 1: posterior median and central 95 % interval.
    pub low: Quantiles,
    /// The most that the share can be, 0 to 1: posterior median and central 95 % interval.
    pub high: Quantiles,
}

/// Both quantities of one outcome in one population.
pub fn rows(decision: &Decision, known: &Known<'_>, populations: &[Population]) -> Vec<AttributionRow> {
    let outcome = &decision.outcomes[known.outcome];
    let good_is_event = outcome.study.outcome.higher_is == HigherIs::Better;
    let row = |quantity, doing_well| {
        let [low, high] = bounds(&known.risks, good_is_event, doing_well);
        let population = populations[known.population].clone();
        AttributionRow { outcome: outcome.name.clone(), population, quantity, low, high }
    };
    vec![row("successes_anyway", true), row("failures_avoidable", false)]
}

/// Of patients who do well (or badly) with the treatment, the share who would have done well without: with q the risks of a
/// good outcome, successes anyway lie between max(0, q₀ + q₁ − 1)/q₁ = max(0, 1 − (1 − q₀)/q₁) and min(1, q₀/q₁), failures
/// avoidable between max(0, q₀ − q₁)/(1 − q₁) = max(0, 1 − (1 − q₀)/(1 − q₁)) and min(1, q₀/(1 − q₁)). Each is a monotone
/// function of one ratio of shares.
fn bounds(risks: &Risks<'_>, good_is_event: bool, doing_well: bool) -> [Quantiles; 2] {
    // Shares by good outcomes, in terms of events.
    let ratio = |control_good: bool| {
        risks.shares(Shares {
            control_event: control_good == good_is_event,
            active_event: doing_well == good_is_event,
        })
    };
    let (bad, good) = (ratio(false), ratio(true));
    let three = |at: &dyn Fn(f64) -> f64| Quantiles { median: at(0.5), q2_5: at(0.025), q97_5: at(0.975) };
    [three(&|p| (1.0 - bad.quantile(1.0 - p)).max(0.0)), three(&|p| good.quantile(p).min(1.0))]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A deterministic sequence in (0, 1).
    struct Sequence(u64);

    impl Sequence {
        fn next(&mut self) -> f64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 11) as f64 / (1_u64 << 53) as f64
        }
    }

    /// What is true of the shares lies within the bounds for every table of potential outcomes, and reaches them.
    #[test]
    fn simulated_potential_outcomes_stay_within_the_bounds_and_reach_them() {
        let mut sequence = Sequence(1);
        for _ in 0..2000 {
            let (q0, q1) = (0.01 + 0.98 * sequence.next(), 0.01 + 0.98 * sequence.next());
            // Patients who would do well under both: anything between the Fréchet bounds, the ends among them.
            let (least, most) = ((q0 + q1 - 1.0).max(0.0), q0.min(q1));
            for good_is_event in [true, false] {
                let turned = |q: f64| if good_is_event { q } else { 1.0 - q };
                let risks =
                    Risks::Sampled { control: vec![turned(q0)], active: vec![turned(q1)], above: Vec::new() };
                let mut reached = [[f64::INFINITY, f64::NEG_INFINITY]; 2];
                for share in [0.0, sequence.next(), 1.0] {
                    let both = least + share * (most - least);
                    // P(well without | well with), P(well without | badly with).
                    for (seen, truth) in reached.iter_mut().zip([both / q1, (q0 - both) / (1.0 - q1)]) {
                        *seen = [seen[0].min(truth), seen[1].max(truth)];
                    }
                }
                for (doing_well, seen) in [true, false].into_iter().zip(reached) {
                    let [low, high] = bounds(&risks, good_is_event, doing_well).map(|q| q.median);
                    assert!((low - seen[0]).abs() < 1e-12, "{q0} {q1}: {low} where {} is reached", seen[0]);
                    assert!((high - seen[1]).abs() < 1e-12, "{q0} {q1}: {high} where {} is reached", seen[1]);
                }
            }
        }
    }
}
