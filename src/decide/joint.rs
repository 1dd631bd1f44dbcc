//! Two outcomes at once. The models are fitted apart, so that their posteriors have no information on how the two are
//! correlated: Fréchet's bounds hold whatever the dependence, the product under independence.

use serde::Serialize;

use super::{EffectRow, Population};
use crate::posterior::{Bounded, Direction, Rate};
use crate::study::Decision;

/// The probability that two outcomes move in two given directions at once.
#[derive(Debug, Clone, Serialize)]
pub struct JointRow {
    /// For whom the numbers are.
    #[serde(flatten)]
    pub population: Population,
    /// The first outcome's name in the decision.
    pub outcome: String,
    /// Whether the first outcome shows benefit or harm.
    pub direction: Direction,
    /// The second outcome's name in the decision.
    pub outcome_b: String,
    /// Whether the second outcome shows benefit or harm.
    pub direction_b: Direction,
    /// Which way the rates of the two outcomes' events move.
    pub rates: [Rate; 2],
    /// The probability of both: bounds whatever their dependence, and the value under independence.
    #[serde(flatten)]
    pub probability: Bounded,
}

/// The probability that both of two statements hold, whose probabilities are p and q.
pub fn both(p: f64, q: f64) -> Bounded {
    Bounded { low: (p + q - 1.0).max(0.0), high: p.min(q), independent: p * q }
}

/// Every pair of outcomes in every population, both ways each.
pub fn rows(decision: &Decision, effects: &[EffectRow], populations: &[Population]) -> Vec<JointRow> {
    let mut rows = Vec::new();
    let ways = [Direction::Benefit, Direction::Harm];
    let study = |name: &str| decision.outcomes.iter().find(|o| o.name == name).map(|o| &o.study);
    for population in populations {
        let here: Vec<&EffectRow> = effects.iter().filter(|e| e.population == *population).collect();
        for (i, a) in here.iter().enumerate() {
            for b in &here[i + 1..] {
                let (Some(of_a), Some(of_b)) = (study(&a.outcome), study(&b.outcome)) else { continue };
                for (da, db) in ways.into_iter().flat_map(|da| ways.map(|db| (da, db))) {
                    rows.push(JointRow {
                        population: population.clone(),
                        outcome: a.outcome.clone(),
                        direction: da,
                        outcome_b: b.outcome.clone(),
                        direction_b: db,
                        rates: [Rate::of(of_a, da), Rate::of(of_b, db)],
                        probability: both(a.probability(da), b.probability(db)),
                    });
                }
            }
        }
    }
    rows
}
