//! What is said of several arms: which is best, and which are better or worse than control.

use crate::posterior::analysis::Report;
use crate::posterior::claim::{About, CLEAR, Claim};
use crate::posterior::estimand::{Arms, Estimand, Measure, Statement, Whom};
use crate::posterior::linear;
use crate::study::Study;

/// Of all patients and of every subgroup: the arm that is most probably the best, then what is clear of each arm against
/// control.
pub fn claims(study: &Study, report: &Report) -> Vec<Claim> {
    let mut whose: Vec<Whom> = (0..report.names.subgroups.len()).map(Whom::Subgroup).collect();
    if whose.len() > 1 {
        whose.push(Whom::Overall);
    }
    whose
        .into_iter()
        .flat_map(|whom| best(study, report, whom).into_iter().chain(clear(study, report, whom)))
        .collect()
}

fn name(report: &Report, whom: Whom) -> Option<String> {
    whom.subgroup().map(|g| report.names.subgroup(g).to_string())
}

fn best(study: &Study, report: &Report, whom: Whom) -> Option<Claim> {
    let of = |a: usize| Estimand::new(whom, Measure::Rank).of_arms(Arms::One(a));
    let rows = (0..report.names.arms.len())
        .filter_map(|a| Some((a, report.probability(of(a), Statement::Best, 1.0)?)));
    let (arm, row) = rows.max_by(|a, b| {
        let of = |row: &(usize, &crate::posterior::Probability)| row.1.best().unwrap_or(f64::NAN);
        of(a).total_cmp(&of(b))
    })?;
    let found = (report.names.arm(arm), row.best()?, row.resolution);
    Some(Claim::best_arm(study, (whom.scope(), name(report, whom)), found, row.prior))
}

fn clear(study: &Study, report: &Report, whom: Whom) -> Vec<Claim> {
    let of_arm = |arm: usize| {
        let estimand = Estimand::new(whom, Measure::RiskDifference).of_arms(Arms::Pair(arm, 0));
        let (claim, p) = linear::leaning(study, report, estimand)?;
        let about = About { active: report.names.arm(arm).to_string(), ..claim.about.clone() };
        let told = p.max(1.0 - p) >= CLEAR;
        told.then(|| Claim { scope: whom.scope(), subgroup: name(report, whom), about, ..claim })
    };
    (1..report.names.arms.len()).filter_map(of_arm).collect()
}
