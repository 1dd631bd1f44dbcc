//! The probability that a declared rule says yes at the end of a trial.

use serde::Serialize;

use super::super::Mean;
use super::super::belief::{Asked, Enrolment};
use super::worth::{Answer, Stated, Trial, Truth, verdicts};
use super::{Plan, not_covered, patients};
use crate::error::Result;

/// A rule's assurance in one subgroup after a trial of one size.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AssuranceRow {
    /// The rule.
    pub rule: String,
    /// The subgroup; none for all of them at once.
    pub subgroup: Option<String>,
    /// The trial's patients, in all.
    pub patients: u64,
    /// Whether the rule says yes today; none for all at once.
    pub today: Option<bool>,
    /// P(yes), the trial's patients together with those of this study.
    pub together: Mean,
    /// P(yes), the trial's patients alone under the stated priors.
    pub alone: Mean,
}

/// The size at which a rule reaches the assurance that is wished for, by interpolation between the sizes that were looked at.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SizeForAssurance {
    /// The rule.
    pub rule: String,
    /// The subgroup.
    pub subgroup: String,
    /// What is wished for.
    pub assurance: f64,
    /// Patients in all, with those of this study; none where no size looked at reaches it, or the smallest does.
    pub together: Option<f64>,
    /// The same for the trial alone.
    pub alone: Option<f64>,
}

/// Every rule in every subgroup, and in all of them at once where there are several.
pub fn rows(
    asked: &Asked<'_>,
    stated: &Stated,
    enrolment: &Enrolment,
    together: &[Answer],
    plan: &Plan,
) -> Result<Vec<AssuranceRow>> {
    let beliefs = asked.beliefs_alone(&stated.models, enrolment, &between(&stated.truths));
    let alone = Trial { enrolment: enrolment.clone(), beliefs: beliefs.map_err(|n| not_covered(&n))? };
    let alone = alone.each(asked, &stated.truths, plan.seed, |found| verdicts(asked, found));
    let together: Vec<&Vec<Vec<bool>>> = together.iter().map(|a| &a.verdicts).collect();
    let today = today(asked, stated);
    let populations = asked.populations.len();
    let mut rows = Vec::new();
    for (i, rule) in asked.decision.rules.iter().enumerate() {
        let row =
            |subgroup: Option<String>, today: Option<bool>, of: &dyn Fn(&[bool]) -> bool| AssuranceRow {
                rule: rule.name.clone(),
                subgroup,
                patients: patients(enrolment),
                today,
                together: Mean::share(together.iter().map(|v| of(&v[i]))),
                alone: Mean::share(alone.iter().map(|v| of(&v[i]))),
            };
        for p in 0..populations {
            rows.push(row(asked.populations[p].subgroup.clone(), Some(today[i][p]), &|v| v[p]));
        }
        if populations > 1 {
            rows.push(row(None, None, &|v| v.iter().all(|yes| *yes)));
        }
    }
    Ok(rows)
}

/// The least and the greatest true log odds, by outcome, subgroup and arm.
fn between(truths: &[Truth]) -> Vec<Vec<[[f64; 2]; 2]>> {
    let Some(first) = truths.first() else { return Vec::new() };
    let widest = |k: usize, g: usize, arm: usize| {
        truths
            .iter()
            .map(|t| t[k][g][arm])
            .fold([f64::INFINITY, f64::NEG_INFINITY], |[a, b], x| [a.min(x), b.max(x)])
    };
    let of = |k: usize| (0..first[k].len()).map(|g| [widest(k, g, 0), widest(k, g, 1)]).collect();
    (0..first.len()).map(of).collect()
}

/// What the rules say without a trial.
fn today(asked: &Asked<'_>, stated: &Stated) -> Vec<Vec<bool>> {
    let nobody = stated.today.iter().map(|b| {
        let n = b.as_ref().map_or(0, |b| b.standing.len());
        vec![[super::super::belief::NOBODY; 2]; n]
    });
    let data: Vec<_> = nobody.collect();
    verdicts(asked, &super::super::belief::posteriors(&stated.today, &data, &mut Default::default()))
}

/// The sizes for a wished assurance.
pub fn sizes(asked: &Asked<'_>, rows: &[AssuranceRow], wished: f64) -> Vec<SizeForAssurance> {
    let mut found = Vec::new();
    for rule in &asked.decision.rules {
        for population in &asked.populations {
            let Some(subgroup) = &population.subgroup else { continue };
            let mine: Vec<&AssuranceRow> = rows
                .iter()
                .filter(|r| r.rule == rule.name && r.subgroup.as_ref() == Some(subgroup))
                .collect();
            let reach = |of: fn(&AssuranceRow) -> f64| {
                let (before, after) =
                    mine.windows(2).map(|w| (w[0], w[1])).find(|(a, b)| of(a) < wished && of(b) >= wished)?;
                let share = (wished - of(before)) / (of(after) - of(before));
                Some(before.patients as f64 + share * (after.patients as f64 - before.patients as f64))
            };
            found.push(SizeForAssurance {
                rule: rule.name.clone(),
                subgroup: subgroup.clone(),
                assurance: wished,
                together: reach(|r| r.together.value),
                alone: reach(|r| r.alone.value),
            });
        }
    }
    found
}
