//! Rules: yes where every criterion holds, no where one does not, undecided where that can't be told.

use serde::Serialize;

use super::sizes::beyond;
use super::{Known, Population};
use crate::posterior::{CriterionRow, Direction, Verdict};
use crate::study::{Bound, Decision};

/// A rule's verdict in one population.
#[derive(Debug, Clone, Serialize)]
pub struct RuleRow {
    /// The rule's name.
    pub name: String,
    /// For whom the verdict is.
    #[serde(flatten)]
    pub population: Population,
    /// Yes where every criterion holds, no where one does not, undecided where that can't be told.
    pub verdict: Verdict,
    /// The criteria, each with the probability that it is judged by.
    pub criteria: Vec<CriterionRow>,
}

/// A sampled probability within twice `mcse` of its bound decides nothing.
pub fn rules(
    decision: &Decision,
    known: &[Known<'_>],
    populations: &[Population],
    mcse: f64,
) -> Vec<RuleRow> {
    let mut rows = Vec::new();
    for rule in &decision.rules {
        for (p, population) in populations.iter().enumerate() {
            let criteria: Vec<CriterionRow> = rule
                .criteria
                .iter()
                .map(|c| {
                    let outcome = &decision.outcomes[c.outcome];
                    let direction = if c.harm { Direction::Harm } else { Direction::Benefit };
                    let found = known.iter().find(|k| k.population == p && k.outcome == c.outcome);
                    let probability = found.map(|k| {
                        let d = k.risks.difference();
                        let sign = outcome.study.outcome.higher_is.sign();
                        beyond(direction, c.threshold, sign, &|x| d.cdf(x))
                    });
                    let (required, at_least) = match c.bound {
                        Bound::AtLeast(b) => (b, true),
                        Bound::Below(b) => (b, false),
                    };
                    let unsure = if found.is_some_and(|k| k.risks.is_sampled()) { 2.0 * mcse } else { 0.0 };
                    let verdict = match probability {
                        None => Verdict::Undecided,
                        Some(x) if (x - required).abs() < unsure => Verdict::Undecided,
                        Some(x) if (x >= required) == at_least => Verdict::Yes,
                        Some(_) => Verdict::No,
                    };
                    CriterionRow {
                        outcome: outcome.name.clone(),
                        of: outcome.study.outcome.name.clone(),
                        direction,
                        threshold: c.threshold,
                        required,
                        at_least,
                        probability,
                        verdict,
                    }
                })
                .collect();
            let any = |v: Verdict| criteria.iter().any(|c| c.verdict == v);
            let verdict = if any(Verdict::No) {
                Verdict::No
            } else if any(Verdict::Undecided) {
                Verdict::Undecided
            } else {
                Verdict::Yes
            };
            rows.push(RuleRow { name: rule.name.clone(), population: population.clone(), verdict, criteria });
        }
    }
    rows
}
