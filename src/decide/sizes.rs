//! How large: probabilities over all sizes of effect, in bands, and in people.

use serde::Serialize;

use super::{Known, Population};
use crate::posterior::{Axis, Direction, Quantiles, Statement, mass_within, region};
use crate::study::Decision;

/// Sizes on a curve, beside those that are listed.
const STEPS: usize = 200;

/// A curve ends at the first multiple of this beyond which either way less than [`NEGLIGIBLE`] lies.
const END: f64 = 0.05;
const NEGLIGIBLE: f64 = 5e-4;

/// The effect on one outcome in one population.
#[derive(Debug, Clone, Serialize)]
pub struct EffectRow {
    /// The outcome's name in the decision.
    pub outcome: String,
    /// For whom the numbers are.
    #[serde(flatten)]
    pub population: Population,
    /// The median of the control arm's risk, 0 to 1: the risk that text names, as `fit` does.
    pub median_risk_control: f64,
    /// The mean of the control arm's risk, 0 to 1, on which expected utilities rest.
    pub mean_risk_control: f64,
    /// The mean of the active arm's risk, 0 to 1.
    pub mean_risk_active: f64,
    /// The mean of the risk difference, active minus control.
    pub mean_risk_difference: f64,
    /// The risk difference, active minus control: median and central 95 % interval.
    pub risk_difference: Quantiles,
    /// The risk difference in whole people among 1,000: its median, and the interval's two ends.
    pub per_1000: [i64; 3],
    /// P(benefit).
    pub benefit: f64,
    /// P(harm).
    pub harm: f64,
    /// Whether the numbers come from draws, not from integration.
    pub sampled: bool,
}

impl EffectRow {
    /// P(benefit) or P(harm).
    pub fn probability(&self, direction: Direction) -> f64 {
        match direction {
            Direction::Benefit => self.benefit,
            Direction::Harm => self.harm,
        }
    }
}

/// The probability of an effect in one direction beyond one size.
#[derive(Debug, Clone, Serialize)]
pub struct CurveRow {
    /// The outcome's name in the decision.
    pub outcome: String,
    /// For whom the numbers are.
    #[serde(flatten)]
    pub population: Population,
    /// Benefit or harm.
    pub direction: Direction,
    /// The size: a risk difference as a magnitude, 0 for any effect in the direction.
    pub threshold: f64,
    /// P(effect in the direction beyond the size).
    pub probability: f64,
}

/// The probability of an effect in one direction between two sizes.
#[derive(Debug, Clone, Serialize)]
pub struct BandRow {
    /// The outcome's name in the decision.
    pub outcome: String,
    /// For whom the numbers are.
    #[serde(flatten)]
    pub population: Population,
    /// Benefit or harm.
    pub direction: Direction,
    /// `trivial`, `small`, `moderate` or `large`.
    pub band: &'static str,
    /// The band's lower end: a risk difference as a magnitude.
    pub from: f64,
    /// The band's upper end; none for the large band, which has none.
    pub to: Option<f64>,
    /// P(effect in the direction within the band).
    pub probability: f64,
}

pub struct Sizes {
    pub effect: EffectRow,
    pub curve: Vec<CurveRow>,
    pub listed: Vec<CurveRow>,
    pub bands: Vec<BandRow>,
}

/// P(effect beyond `size` in a direction), from the risk difference's distribution function.
pub fn beyond(direction: Direction, size: f64, sign: f64, below: &dyn Fn(f64) -> f64) -> f64 {
    let statement = match direction {
        Direction::Benefit => Statement::BenefitAtLeast,
        Direction::Harm => Statement::HarmAtLeast,
    };
    // At a size of 0 both are open intervals from no effect.
    mass_within(region(statement, size, Axis::Additive, sign), below).clamp(0.0, 1.0)
}

pub fn sizes(decision: &Decision, known: &Known<'_>, populations: &[Population]) -> Sizes {
    let outcome = &decision.outcomes[known.outcome];
    let population = &populations[known.population];
    let sign = outcome.study.outcome.higher_is.sign();
    let difference = known.risks.difference();
    let below = |x: f64| difference.cdf(x);
    let mut listed: Vec<f64> = vec![0.0];
    let rules = decision.rules.iter().flat_map(|r| &r.criteria).filter(|c| c.outcome == known.outcome);
    let asked = outcome.thresholds.iter().copied().chain(outcome.bands.into_iter().flatten());
    listed.extend(asked.chain(rules.map(|c| c.threshold)));
    listed.sort_by(f64::total_cmp);
    listed.dedup();
    let most = listed.last().copied().unwrap_or(0.0);
    let reaches = |t: f64| {
        beyond(Direction::Benefit, t, sign, &below) > NEGLIGIBLE
            || beyond(Direction::Harm, t, sign, &below) > NEGLIGIBLE
    };
    let end = (1..20).map(|k| END * f64::from(k)).find(|&t| t >= most && !reaches(t)).unwrap_or(1.0);
    let mut at: Vec<f64> = (0..=STEPS).map(|k| end * k as f64 / STEPS as f64).collect();
    at.extend(&listed);
    at.sort_by(f64::total_cmp);
    at.dedup();
    let mut curve = Vec::with_capacity(2 * at.len());
    for direction in [Direction::Benefit, Direction::Harm] {
        // Rounding in the integrals never makes a curve rise.
        let mut least = 1.0_f64;
        for &threshold in &at {
            least = least.min(beyond(direction, threshold, sign, &below));
            curve.push(CurveRow {
                outcome: outcome.name.clone(),
                population: population.clone(),
                direction,
                threshold,
                probability: least,
            });
        }
    }
    let is_listed = |row: &&CurveRow| listed.contains(&row.threshold);
    let rows: Vec<CurveRow> = curve.iter().filter(is_listed).cloned().collect();
    let probability = |direction, t: f64| {
        let row = rows.iter().find(|r| r.direction == direction && r.threshold == t);
        row.map_or(f64::NAN, |r| r.probability)
    };
    let bands = outcome.bands.map_or_else(Vec::new, |[small, moderate, large]| {
        let parts = [
            ("trivial", 0.0, Some(small)),
            ("small", small, Some(moderate)),
            ("moderate", moderate, Some(large)),
            ("large", large, None),
        ];
        let both = [Direction::Benefit, Direction::Harm].into_iter();
        both.flat_map(|d| parts.map(|part| (d, part)))
            .map(|(direction, (band, from, to))| BandRow {
                outcome: outcome.name.clone(),
                population: population.clone(),
                direction,
                band,
                from,
                to,
                probability: probability(direction, from) - to.map_or(0.0, |t| probability(direction, t)),
            })
            .collect()
    });
    let q = |p: f64| difference.quantile(p);
    let quantiles = Quantiles { median: q(0.5), q2_5: q(0.025), q97_5: q(0.975) };
    let people = |x: f64| libm::round(1000.0 * x) as i64;
    let [control, active] = known.risks.means();
    let effect = EffectRow {
        outcome: outcome.name.clone(),
        population: population.clone(),
        median_risk_control: known.risks.median_control(),
        mean_risk_control: control,
        mean_risk_active: active,
        mean_risk_difference: active - control,
        per_1000: [quantiles.median, quantiles.q2_5, quantiles.q97_5].map(people),
        risk_difference: quantiles,
        benefit: probability(Direction::Benefit, 0.0),
        harm: probability(Direction::Harm, 0.0),
        sampled: known.risks.is_sampled(),
    };
    Sizes { effect, curve, listed: rows, bands }
}
