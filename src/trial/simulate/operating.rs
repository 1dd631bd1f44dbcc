//! What replications come to: how often a rule says yes and is right, and how good the estimates are.

use serde::Serialize;

use super::super::Mean;
use super::super::belief::{Asked, holds};
use super::Simulation;
use super::replicate::{Columns, Kept, Row};
use super::truths::Truth;
use crate::study::{Bound, Criterion};

/// How often a rule says yes in one subgroup under one truth.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClaimRow {
    /// The truth.
    pub truth: String,
    /// The rule.
    pub rule: String,
    /// The subgroup.
    pub subgroup: Option<String>,
    /// Whether a yes is right under a fixed truth; none where it is drawn.
    pub right: Option<bool>,
    /// P(yes).
    pub yes: Mean,
    /// Of the replications with a yes, the share in which it is right; none without any.
    pub right_of_yes: Option<Mean>,
}

/// A rule over all subgroups under one truth.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FamilyRow {
    /// The truth.
    pub truth: String,
    /// The rule; none for reversals, which are of rules of benefit and rules of harm together.
    pub rule: Option<String>,
    /// P(a yes in any subgroup).
    pub any: Option<Mean>,
    /// P(a wrong yes in any subgroup).
    pub any_wrong: Option<Mean>,
    /// P(benefit is claimed in one subgroup and harm in another, and it is not so): of reversals alone.
    pub wrong_reversal: Option<Mean>,
}

/// Estimates of one outcome in one subgroup under one truth.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EstimateRow {
    /// The truth.
    pub truth: String,
    /// The outcome.
    pub outcome: String,
    /// The subgroup.
    pub subgroup: String,
    /// The mean of the posterior mean risk difference minus the true one.
    pub bias_difference: Mean,
    /// The mean of the posterior mean effect minus the true one, on the scale of θ.
    pub bias_effect: Mean,
    /// The share of central 95 % intervals of the effect that hold the true one.
    pub coverage: Mean,
    /// The mean width of these intervals, on the scale of θ.
    pub width: Mean,
}

/// One rule's place among all criteria.
pub struct RuleAt<'a> {
    pub name: &'a str,
    pub criteria: &'a [Criterion],
    pub first: usize,
}

/// Every rule with the number of its first criterion.
pub fn rules<'a>(asked: &Asked<'a>) -> Vec<RuleAt<'a>> {
    let mut first = 0;
    asked
        .decision
        .rules
        .iter()
        .map(|rule| {
            let found = RuleAt { name: &rule.name, criteria: &rule.criteria, first };
            first += rule.criteria.len();
            found
        })
        .collect()
}

/// Reads rows of one truth.
pub struct OfTruth<'a> {
    pub asked: &'a Asked<'a>,
    pub columns: &'a Columns,
    pub truth: usize,
}

impl OfTruth<'_> {
    /// Whether criterion `i` of a rule holds in a population, judged by the probability that was computed.
    pub fn met(&self, row: &Row, rule: &RuleAt<'_>, i: usize, p: usize) -> bool {
        let x = self.columns.probability(row, self.truth, (rule.first + i, p));
        match rule.criteria[i].bound {
            Bound::AtLeast(b) => x >= b,
            Bound::Below(b) => x < b,
        }
    }

    pub fn yes(&self, row: &Row, rule: &RuleAt<'_>, p: usize) -> bool {
        (0..rule.criteria.len()).all(|i| self.met(row, rule, i, p))
    }

    /// Whether a yes would be right: every criterion holds of the true risk differences.
    pub fn right(&self, row: &Row, rule: &RuleAt<'_>, p: usize) -> bool {
        rule.criteria.iter().all(|c| {
            let difference = self.asked.places[c.outcome][p]
                .and_then(|g| self.columns.kept(row, self.truth, (c.outcome, g), Kept::TrueDifference));
            difference.is_some_and(|d| holds(self.asked.decision, c, d))
        })
    }
}

/// Operating characteristics of all rules under all truths.
pub fn operating(asked: &Asked<'_>, truths: &[Truth], columns: &Columns, rows: &[&Row]) -> Simulation {
    let mut found = Simulation {
        replications: rows.len(),
        truths: truths.iter().map(|t| t.told.clone()).collect(),
        ..Simulation::default()
    };
    if rows.is_empty() {
        return found;
    }
    let populations = asked.populations.len();
    for (t, truth) in truths.iter().enumerate() {
        let of = OfTruth { asked, columns, truth: t };
        let is_fixed = !truth.told.risks.is_empty();
        for rule in rules(asked) {
            for p in 0..populations {
                let yes: Vec<bool> = rows.iter().map(|row| of.yes(row, &rule, p)).collect();
                let right =
                    rows.iter().zip(&yes).filter(|(_, yes)| **yes).map(|(row, _)| of.right(row, &rule, p));
                let right: Vec<bool> = right.collect();
                found.claims.push(ClaimRow {
                    truth: truth.told.name.clone(),
                    rule: rule.name.to_string(),
                    subgroup: asked.populations[p].subgroup.clone(),
                    right: is_fixed.then(|| of.right(rows[0], &rule, p)),
                    yes: Mean::share(yes.iter().copied()),
                    right_of_yes: (!right.is_empty()).then(|| Mean::share(right.into_iter())),
                });
            }
            let any = |row: &&&Row| (0..populations).any(|p| of.yes(row, &rule, p));
            let wrong =
                |row: &&&Row| (0..populations).any(|p| of.yes(row, &rule, p) && !of.right(row, &rule, p));
            found.family.push(FamilyRow {
                truth: truth.told.name.clone(),
                rule: Some(rule.name.to_string()),
                any: Some(Mean::share(rows.iter().map(|r| any(&r)))),
                any_wrong: Some(Mean::share(rows.iter().map(|r| wrong(&r)))),
                wrong_reversal: None,
            });
        }
        if let Some(reversal) = reversals(&of, rows) {
            found.family.push(FamilyRow {
                truth: truth.told.name.clone(),
                rule: None,
                any: None,
                any_wrong: None,
                wrong_reversal: Some(reversal),
            });
        }
        estimates(asked, &of, rows, &truth.told.name, &mut found);
    }
    found.notices.extend(
        (found.unsettled > 0)
            .then(|| format!("{} posteriors did not settle; they count as no claim.", found.unsettled)),
    );
    found
}

/// P(benefit is claimed in one subgroup and harm in another, wrongly); none without rules of both.
fn reversals(of: &OfTruth<'_>, rows: &[&Row]) -> Option<Mean> {
    let all = rules(of.asked);
    let is_of = |rule: &&RuleAt<'_>, harm: bool| {
        let wanted = rule.criteria.iter().filter(|c| matches!(c.bound, Bound::AtLeast(_)));
        let first = wanted.filter(|c| c.outcome == 0).map(|c| c.harm).next();
        first == Some(harm)
    };
    let benefit: Vec<&RuleAt<'_>> = all.iter().filter(|r| is_of(r, false)).collect();
    let harm: Vec<&RuleAt<'_>> = all.iter().filter(|r| is_of(r, true)).collect();
    let populations = of.asked.populations.len();
    if benefit.is_empty() || harm.is_empty() || populations < 2 {
        return None;
    }
    let wrong = |row: &Row| {
        let claims = |rules: &[&RuleAt<'_>], p: usize| rules.iter().any(|r| of.yes(row, r, p));
        let sign = |p: usize| {
            let g = of.asked.places[0][p]?;
            let d = of.columns.kept(row, of.truth, (0, g), Kept::TrueDifference)?;
            Some(d * of.asked.decision.outcomes[0].study.outcome.higher_is.sign())
        };
        let pairs = (0..populations).flat_map(|a| (0..populations).map(move |b| (a, b)));
        pairs.filter(|(a, b)| a != b).any(|(a, b)| {
            let so = sign(a).is_some_and(|x| x > 0.0) && sign(b).is_some_and(|x| x < 0.0);
            claims(&benefit, a) && claims(&harm, b) && !so
        })
    };
    Some(Mean::share(rows.iter().map(|row| wrong(row))))
}

fn estimates(asked: &Asked<'_>, of: &OfTruth<'_>, rows: &[&Row], truth: &str, found: &mut Simulation) {
    for (k, outcome) in asked.decision.outcomes.iter().enumerate() {
        if !asked.counts[k] {
            continue;
        }
        for (g, subgroup) in outcome.study.data.names().iter().enumerate() {
            let kept = |row: &Row, what| of.columns.kept(row, of.truth, (k, g), what).unwrap_or(f64::NAN);
            let settled: Vec<&&Row> = rows.iter().filter(|row| kept(row, Kept::Effect).is_finite()).collect();
            found.unsettled += rows.len() - settled.len();
            let mean = |value: &dyn Fn(&Row) -> f64| {
                let values: Vec<f64> = settled.iter().map(|row| value(row)).collect();
                Mean::of(values.iter().copied())
            };
            let covers = |row: &&&Row| {
                let truth = kept(row, Kept::TrueEffect);
                kept(row, Kept::Low) <= truth && truth <= kept(row, Kept::High)
            };
            found.estimates.push(EstimateRow {
                truth: truth.to_string(),
                outcome: outcome.name.clone(),
                subgroup: (*subgroup).to_string(),
                bias_difference: mean(&|r| kept(r, Kept::Difference) - kept(r, Kept::TrueDifference)),
                bias_effect: mean(&|r| kept(r, Kept::Effect) - kept(r, Kept::TrueEffect)),
                coverage: Mean::share(settled.iter().map(covers)),
                width: mean(&|r| kept(r, Kept::High) - kept(r, Kept::Low)),
            });
        }
    }
}
