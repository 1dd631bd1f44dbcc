//! The next trial: what it would be worth, how large, whom to enrol, and whether a panel would then agree.
//!
//! Effects and risks are drawn from the posterior, the trial's counts from them, and every posterior under those counts is
//! computed anew from the exact lattice: nothing is approximated by regression. U(d, θ) is the utility of `decide`; then
//! EVPI = E max_d U − max_d E U, EVPPI the same with one subgroup's effect known, and EVSI = E_y max_d E[U | y] − max_d E U.

mod agreement;
mod allocation;
mod assurance;
mod checked;
mod enrolment;
mod worth;

use serde::Serialize;

use super::belief::{Asked, Enrolment, NotCovered};
use crate::compare::Steps;
use crate::decide::{self, EvpiRow, Population};
use crate::error::{Error, ErrorKind, Result};
use crate::posterior::Fitting;
use crate::study::{Decision, Worth};
pub use agreement::{AgreementRow, Dissenter};
pub use allocation::{Allocation, AllocationRow};
pub use assurance::{AssuranceRow, SizeForAssurance};
pub use checked::Checked;
pub use enrolment::{ArmShare, SubgroupShares};
pub use worth::{EvppiRow, SizeRow, WorthRow};

/// What the next trial is to be like, and for whom its result would be used.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Total numbers of patients, increasing; empty for ten sizes around this study's.
    pub sizes: Vec<u64>,
    /// How they are divided among the subgroups.
    pub subgroups: SubgroupShares,
    /// How they are divided between the arms.
    pub arms: ArmShare,
    /// Draws from the posterior.
    pub draws: usize,
    /// The seed of all random numbers.
    pub seed: u64,
    /// Who would be treated by the result, and what the trial costs; none where net benefit is not asked for.
    pub reach: Option<Reach>,
    /// The assurance that is wished for.
    pub assurance: f64,
}

/// Who would be treated by the result, and what the trial costs, in the unit of the decision's costs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Reach {
    /// Future patients.
    pub population: f64,
    /// What the trial costs whatever its size.
    pub fixed_cost: f64,
    /// What every patient of the trial costs.
    pub patient_cost: f64,
}

/// Everything about the next trial.
#[derive(Debug, Clone, Default)]
pub struct Next {
    /// Whether every fit passed its checks, and the lattice agreed with the engine; otherwise there are no numbers.
    pub ok: bool,
    /// Which checks failed, in words.
    pub reasons: Vec<String>,
    /// What a reader should know, in sentences.
    pub notices: Vec<String>,
    /// For whom numbers are: the subgroups.
    pub populations: Vec<Population>,
    /// By population, its share of the patients decided for.
    pub shares: Vec<f64>,
    /// By population, the active treatment's expected gain today.
    pub gains: Vec<Option<f64>>,
    /// The value of perfect information in every population, in utility per patient.
    pub evpi: Vec<EvpiRow>,
    /// Over all patients decided for.
    pub evpi_all: Option<f64>,
    /// The value of knowing one subgroup's effect.
    pub evppi: Vec<EvppiRow>,
    /// The value of a trial, by size.
    pub sizes: Vec<SizeRow>,
    /// The probability that a rule says yes, by size.
    pub assurance: Vec<AssuranceRow>,
    /// The sizes at which rules reach the assurance that is wished for.
    pub for_assurance: Vec<SizeForAssurance>,
    /// The probability that the members of the panel choose alike, by size; empty without a panel.
    pub agreement: Vec<AgreementRow>,
    /// How the patients of one trial are best divided; none for one subgroup, and where no outcome has values.
    pub allocation: Option<Allocation>,
    /// The lattice beside the engine.
    pub checked: Option<Checked>,
}

/// The most that a plan may ask.
pub const MOST_DRAWS: usize = 1_000_000;

/// Looks at the next trial. An error where the decision is of a kind whose posteriors can't be had by the thousand.
pub fn next(decision: &Decision, plan: &Plan, how: Fitting<'_>, steps: &Steps) -> Result<Next> {
    if decision.is_of_several_arms() {
        return Err(unavailable("it is of two arms, and the decision is between several"));
    }
    if !decision.has_values() && decision.rules.is_empty() {
        return Err(unavailable("the decision has no values and no rule: nothing says what would be chosen")
            .help("add utility = { event = …, no_event = … } to an outcome, or a rule ([[rule]])"));
    }
    let asked = Asked::of(decision);
    for (k, outcome) in decision.outcomes.iter().enumerate() {
        if let (true, Some(Worth::Levels(_))) = (asked.counts[k], &outcome.values) {
            return Err(unavailable("utilities by level need the whole scale, which needs sampling")
                .help("give the outcome utility = { event = …, no_event = … } at its primary cut"));
        }
    }
    let sizes = enrolment::trials(&asked, plan)?;
    let mut next = Next { populations: asked.populations.clone(), ..Next::default() };
    let evpi = match decide::evpi_today(decision, how) {
        Ok(evpi) => evpi,
        Err(reasons) => {
            next.reasons = reasons;
            return Ok(next);
        }
    };
    let stated = worth::Stated::of(&asked, plan)?;
    next.shares = stated.shares.clone();
    next.gains = stated.gains.clone();
    next.evpi = evpi.into_iter().filter(|row| row.population.subgroup.is_some()).collect();
    next.evpi_all = stated.weighted(&next.evpi.iter().map(|row| row.evpi).collect::<Vec<_>>());
    let panel = agreement::Members::of(&asked, &stated, plan)?;
    let alone =
        1 + usize::from(!decision.rules.is_empty()) + panel.as_ref().map_or(0, agreement::Members::fits);
    steps.plan(sizes.len() * alone + 1);
    next.evppi = worth::evppi(&asked, &stated, plan);
    steps.did(1);
    let mut checked = Checked::default();
    for enrolment in &sizes {
        let trial = match worth::Trial::of(&asked, &stated, enrolment) {
            // Of sizes that nobody asked for the largest are left out where they are too much.
            Err(_) if plan.sizes.is_empty() && !next.sizes.is_empty() => {
                let largest = next.sizes.last().map_or(0, |s| s.patients);
                next.notices.push(format!(
                    "Trials of {} patients and more are left out: their posteriors are narrower than the lattice can hold. The largest shown has {largest}.",
                    patients(enrolment)
                ));
                break;
            }
            found => found?,
        };
        checked.add(checked::compare(&asked, &stated, &trial, plan));
        let answers = trial.answers(&asked, &stated, plan);
        next.sizes.push(worth::size_row(&asked, &stated, enrolment, &answers, plan));
        steps.did(1);
        if !decision.rules.is_empty() {
            let rows = assurance::rows(&asked, &stated, enrolment, &answers, plan)?;
            next.assurance.extend(rows);
            steps.did(1);
        }
        if let Some(panel) = &panel {
            next.agreement.push(panel.row(&asked, enrolment, plan)?);
            steps.did(panel.fits());
        }
    }
    next.reasons = checked.reasons();
    next.checked = Some(checked);
    if !next.reasons.is_empty() {
        return Ok(Next { populations: next.populations, reasons: next.reasons, ..Next::default() });
    }
    next.for_assurance = assurance::sizes(&asked, &next.assurance, plan.assurance);
    if decision.has_values() {
        next.allocation = allocation::allocation(&asked, &stated, plan, &sizes)?;
    }
    next.ok = true;
    Ok(next)
}

fn unavailable(why: &str) -> Error {
    Error::of(ErrorKind::Unavailable, format!("`next` has no answer: {why}"))
}

/// Why a model is not covered.
fn not_covered(n: &NotCovered) -> Error {
    unavailable(&format!("{}: {}", n.outcome, n.why))
        .help("ask for smaller trials (--patients); leave the outcome's values and rules out; or give counts by subgroup and arm in place of rows or estimates")
}

/// Patients of an enrolment, all of them.
fn patients(enrolment: &Enrolment) -> u64 {
    enrolment.iter().flatten().sum()
}
