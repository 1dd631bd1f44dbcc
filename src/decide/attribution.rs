//! Successes that would have happened anyway, failures that would have been successes: bounds from the two risks alone
//! (Tian & Pearl, Ann Math Artif Intell 2000;28:287), valid without confounding.

use serde::Serialize;

use super::risks::Shares;
use super::{Known, Population};
use crate::posterior::Quantiles;
use crate::study::{Decision, HigherIs};

/// A share of patients, bounded below and above, each bound with its posterior.
#[derive(Debug, Clone, Serialize)]
pub struct AttributionRow {
    pub outcome: String,
    #[serde(flatten)]
    pub population: Population,
    /// `successes_anyway`: of those who do well with the treatment, how many would have without it.
    /// `failures_avoidable`: of those who do badly with it, how many would have done well without.
    pub quantity: &'static str,
    pub low: Quantiles,
    pub high: Quantiles,
}

/// Both quantities. With q the risks of a good outcome: successes anyway lie between max(0, q₀ + q₁ − 1)/q₁ =
/// max(0, 1 − (1 − q₀)/q₁) and min(1, q₀/q₁); failures avoidable between max(0, q₀ − q₁)/(1 − q₁) =
/// max(0, 1 − (1 − q₀)/(1 − q₁)) and min(1, q₀/(1 − q₁)). Each is a monotone function of one ratio of shares.
pub fn rows(decision: &Decision, known: &Known<'_>, populations: &[Population]) -> Vec<AttributionRow> {
    let outcome = &decision.outcomes[known.outcome];
    let good_is_event = outcome.study.outcome.higher_is == HigherIs::Better;
    // Shares by good outcomes, in terms of events.
    let ratio = |control_good: bool, active_good: bool| {
        known.risks.shares(Shares {
            control_event: control_good == good_is_event,
            active_event: active_good == good_is_event,
        })
    };
    let low = |control_good, active_good| {
        let d = ratio(control_good, active_good);
        let at = |p: f64| (1.0 - d.quantile(1.0 - p)).max(0.0);
        Quantiles { median: at(0.5), q2_5: at(0.025), q97_5: at(0.975) }
    };
    let high = |control_good, active_good| {
        let d = ratio(control_good, active_good);
        let at = |p: f64| d.quantile(p).min(1.0);
        Quantiles { median: at(0.5), q2_5: at(0.025), q97_5: at(0.975) }
    };
    let row = |quantity, active_good| AttributionRow {
        outcome: outcome.name.clone(),
        population: populations[known.population].clone(),
        quantity,
        low: low(false, active_good),
        high: high(true, active_good),
    };
    vec![row("successes_anyway", true), row("failures_avoidable", false)]
}
