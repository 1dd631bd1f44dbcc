//! Two outcomes at once. The models are fitted apart, so that their posteriors say nothing of how the two hang together:
//! Fréchet's bounds hold whatever the dependence, the product under independence.

use serde::Serialize;

use super::{Direction, EffectRow, Population};
use crate::study::{Decision, HigherIs};

/// The probability that both hold: at least, at most, and under independence.
#[derive(Debug, Clone, Serialize)]
pub struct JointRow {
    #[serde(flatten)]
    pub population: Population,
    /// In words of rates.
    pub statement: String,
    pub outcome: String,
    pub direction: Direction,
    pub outcome_b: String,
    pub direction_b: Direction,
    pub low: f64,
    pub high: f64,
    pub independent: f64,
}

/// Every pair of outcomes in every population, both ways each.
pub fn rows(decision: &Decision, effects: &[EffectRow], populations: &[Population]) -> Vec<JointRow> {
    let mut rows = Vec::new();
    let both = [Direction::Benefit, Direction::Harm];
    for population in populations {
        let here: Vec<&EffectRow> = effects.iter().filter(|e| e.population == *population).collect();
        for (i, a) in here.iter().enumerate() {
            for b in &here[i + 1..] {
                for (da, db) in both.into_iter().flat_map(|da| both.map(|db| (da, db))) {
                    let (p, q) = (of(a, da), of(b, db));
                    let words = [(a, da), (b, db)].map(|(e, d)| rate(decision, &e.outcome, d));
                    rows.push(JointRow {
                        population: population.clone(),
                        statement: words.join(", "),
                        outcome: a.outcome.clone(),
                        direction: da,
                        outcome_b: b.outcome.clone(),
                        direction_b: db,
                        low: (p + q - 1.0).max(0.0),
                        high: p.min(q),
                        independent: p * q,
                    });
                }
            }
        }
    }
    rows
}

fn of(effect: &EffectRow, direction: Direction) -> f64 {
    match direction {
        Direction::Benefit => effect.benefit,
        Direction::Harm => effect.harm,
    }
}

/// "more deaths".
fn rate(decision: &Decision, outcome: &str, direction: Direction) -> String {
    let found = decision.outcomes.iter().find(|o| o.name == outcome);
    let Some(study) = found.map(|o| &o.study) else { return String::new() };
    let more = (study.outcome.higher_is == HigherIs::Better) == (direction == Direction::Benefit);
    let what = if study.outcome.event == "events" { &study.outcome.name } else { &study.outcome.event };
    format!("{} {what}", if more { "more" } else { "fewer" })
}
