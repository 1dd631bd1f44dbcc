//! Outcomes that are missing: as if every one of them spoke for one side, and what it would take to cross a line.

use serde::Serialize;

use super::biased::{About, Biased};
use super::tipping::{Along, BiasTipping, Varied, places, rows};
use crate::model::{Missing, Nuisance, SubgroupBias};
use crate::parallel;
use crate::posterior::Statement;
use crate::study::{ArmCounts, Data, HigherIs, SubgroupCounts};

/// What is assumed of patients whose outcome is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MissingCase {
    /// They are left out.
    LeftOut,
    /// The best case for the active arm: all its missing patients did well, all the control arm's badly.
    Best,
    /// The worst case for the active arm: all its missing patients did badly, all the control arm's well.
    Worst,
}

/// The probability of one statement in one case of missing outcomes.
#[derive(Debug, Clone, Serialize)]
pub struct MissingRow {
    /// What is assumed of the missing.
    pub case: MissingCase,
    /// The subgroup's name.
    pub subgroup: String,
    /// Benefit or harm in the subgroup.
    pub statement: Statement,
    /// The statement's probability; none where an integral does not settle.
    pub probability: Option<f64>,
}

/// All log odds between risks of 5 % and 95 % among the missing, seen from a half.
const REACH: f64 = 4.0;

/// Every case; empty where nothing is missing.
pub fn missing(biased: &Biased<'_>) -> Vec<MissingRow> {
    let Some(counts) = with_missing(biased) else { return Vec::new() };
    let cases = [MissingCase::LeftOut, MissingCase::Best, MissingCase::Worst];
    parallel::map(&cases, |&case| {
        let rows = counts.iter().map(|row| filled(row, case, biased.study.outcome.higher_is)).collect();
        let found = biased.benefits(&biased.with_data(Data::Counts(rows)));
        let of = |(g, name): (usize, &String)| {
            let benefit = found.as_ref().map(|b| b[g]);
            let row =
                |statement, probability| MissingRow { case, subgroup: name.clone(), statement, probability };
            [row(Statement::Benefit, benefit), row(Statement::Harm, benefit.map(|p| 1.0 - p))]
        };
        biased.names.iter().enumerate().flat_map(of).collect::<Vec<_>>()
    })
    .concat()
}

/// The counts, if any outcome is missing.
fn with_missing<'a>(biased: &'a Biased<'_>) -> Option<&'a [SubgroupCounts]> {
    // What is missing of an ordinal outcome is a level, which no shift of one risk stands for.
    let rows = biased.study.data.counts().filter(|_| biased.study.data.levels().is_none())?;
    rows.iter().any(|r| r.missing() > 0).then_some(rows)
}

fn filled(row: &SubgroupCounts, case: MissingCase, higher_is: HigherIs) -> SubgroupCounts {
    let arm = |arm: &ArmCounts, well: bool| {
        let events = if well == (higher_is == HigherIs::Better) { arm.missing } else { 0 };
        ArmCounts { events: arm.events + events, total: arm.total + arm.missing, missing: 0, source: None }
    };
    let with = |arms: [ArmCounts; 2]| SubgroupCounts { arms: arms.into(), ..row.clone() };
    match case {
        MissingCase::LeftOut => row.clone(),
        MissingCase::Best => with([arm(row.control(), false), arm(row.active(), true)]),
        MissingCase::Worst => with([arm(row.control(), true), arm(row.active(), false)]),
    }
}

/// A known shift among the missing of the active arm, and its opposite in the control arm, that crosses each line.
pub fn tipping(biased: &Biased<'_>) -> Vec<BiasTipping> {
    let Some(counts) = with_missing(biased) else { return Vec::new() };
    let share = |arm: &ArmCounts| arm.missing as f64 / (arm.total + arm.missing) as f64;
    let bias = |g: usize, shift: f64| {
        let of = |arm: &ArmCounts, shift: f64| {
            (arm.missing > 0 && arm.total > 0)
                .then(|| Missing { share: share(arm), shift: Nuisance::Known(shift) })
        };
        let row = &counts[g];
        SubgroupBias { missing: [of(row.control(), -shift), of(row.active(), shift)], ..Default::default() }
    };
    let x = places(1.0, REACH);
    let at = |shift: f64| biased.benefits(&biased.plain(|g| bias(g, shift)));
    let together = parallel::map(&x, |&shift| at(shift));
    parallel::range(0..biased.names.len(), |g| {
        let benefit = together.iter().map(|all| all.as_ref().map(|all| all[g])).collect();
        let along = Along { x: x.clone(), benefit };
        rows(biased, Varied::MissingShift, About::Subgroup(g), &along, 1e-6, |shift| {
            at(shift).map(|all| all[g])
        })
    })
    .concat()
}
