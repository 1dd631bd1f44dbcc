//! A bound on a rule's probability, calibrated to a wished error under the fixed truths, and tried on fresh replications.

use serde::Serialize;

use super::super::Mean;
use super::super::belief::Asked;
use super::operating::{OfTruth, RuleAt, rules};
use super::replicate::{Columns, Row};
use super::truths::Truth;
use crate::study::Bound;

/// Bounds have so many decimals.
const UNIT: f64 = 1e-4;

/// The error that is wished for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Wished {
    /// The most that the probability of a wrong yes may be.
    pub error: f64,
    /// Whether that is of a wrong yes in any subgroup; otherwise of each subgroup apart.
    pub familywise: bool,
}

/// One rule's calibrated bound.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Calibration {
    /// The rule.
    pub rule: String,
    /// The error that was wished for.
    pub wished: Wished,
    /// The bound as it is declared: of the rule's first criterion that requires a probability of at least so much.
    pub declared: f64,
    /// The lowest bound, to four decimals, whose error is no more than wished; none where no bound is, or nothing is wrong
    /// under the fixed truths.
    pub bound: Option<f64>,
    /// The greatest error with the declared bound over the fixed truths; none where no yes is wrong under them.
    pub declared_error: Option<Mean>,
    /// The greatest error with the calibrated bound, in the replications that it was found with.
    pub error: Option<Mean>,
    /// The same in fresh replications.
    pub fresh_error: Option<Mean>,
}

/// One family of chances of a wrong yes: by replication the largest bound at which the rule still says it.
struct Chance {
    reaches: Vec<f64>,
}

/// Every rule that has such a bound.
pub fn calibrated(
    asked: &Asked<'_>,
    truths: &[Truth],
    columns: &Columns,
    (rows, fresh): (&[&Row], &[&Row]),
    wished: Wished,
) -> Vec<Calibration> {
    let mut all = Vec::new();
    for rule in rules(asked) {
        let Some((at, declared)) = rule.criteria.iter().enumerate().find_map(|(i, c)| match c.bound {
            Bound::AtLeast(b) => Some((i, b)),
            Bound::Below(_) => None,
        }) else {
            continue;
        };
        let found = chances(asked, truths, columns, rows, (&rule, at), wished);
        let again = chances(asked, truths, columns, fresh, (&rule, at), wished);
        let bound = if rows.is_empty() { None } else { bound_for(&found, wished.error) };
        all.push(Calibration {
            rule: rule.name.to_string(),
            wished,
            declared,
            bound,
            declared_error: greatest(&found, declared),
            error: bound.and_then(|b| greatest(&found, b)),
            fresh_error: bound.and_then(|b| greatest(&again, b)),
        });
    }
    all
}

fn chances(
    asked: &Asked<'_>,
    truths: &[Truth],
    columns: &Columns,
    rows: &[&Row],
    (rule, at): (&RuleAt<'_>, usize),
    wished: Wished,
) -> Vec<Chance> {
    let mut all = Vec::new();
    let Some(first) = rows.first() else { return all };
    // Of fixed truths: under drawn ones a yes is now right, now wrong.
    for (t, _) in truths.iter().enumerate().filter(|(_, t)| !t.told.risks.is_empty()) {
        let of = OfTruth { asked, columns, truth: t };
        let wrong: Vec<usize> = (0..asked.populations.len()).filter(|p| !of.right(first, rule, *p)).collect();
        let reach = |row: &Row, p: usize| {
            let others = (0..rule.criteria.len()).filter(|i| *i != at).all(|i| of.met(row, rule, i, p));
            let x = columns.probability(row, t, (rule.first + at, p));
            if others && x.is_finite() { x } else { f64::NEG_INFINITY }
        };
        if wished.familywise && !wrong.is_empty() {
            let most = |row: &&Row| wrong.iter().map(|p| reach(row, *p)).fold(f64::NEG_INFINITY, f64::max);
            all.push(Chance { reaches: rows.iter().map(most).collect() });
        } else {
            all.extend(
                wrong.iter().map(|p| Chance { reaches: rows.iter().map(|row| reach(row, *p)).collect() }),
            );
        }
    }
    all
}

/// The lowest bound in units whose error is no more than this in each of these; none where there are none, or none is below 1.
fn bound_for(chances: &[Chance], error: f64) -> Option<f64> {
    let lowest = |chance: &Chance| {
        let mut reaches = chance.reaches.clone();
        reaches.sort_by(|a, b| b.total_cmp(a));
        let allowed = libm::floor(error * reaches.len() as f64) as usize;
        // As many may reach the bound; the next must lie below it.
        let next = reaches.get(allowed).copied().unwrap_or(0.0).max(0.0);
        (libm::floor(next / UNIT) + 1.0) * UNIT
    };
    let bound = chances.iter().map(lowest).fold(f64::NEG_INFINITY, f64::max);
    // Of decimals, not of sums of them.
    let bound = (bound / UNIT).round() / (1.0 / UNIT).round();
    (bound > 0.0 && bound < 1.0).then_some(bound)
}

fn greatest(chances: &[Chance], bound: f64) -> Option<Mean> {
    let error = |c: &Chance| Mean::share(c.reaches.iter().map(|x| *x >= bound));
    chances.iter().map(error).max_by(|a, b| a.value.total_cmp(&b.value))
}
