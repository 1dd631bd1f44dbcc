//! How the patients of one trial are best divided among the subgroups.

use serde::Serialize;

use super::super::Mean;
use super::super::belief::{Asked, Enrolment};
use super::enrolment::{self, divided};
use super::worth::{Stated, Trial, evsi};
use super::{Plan, patients};
use crate::error::Result;

/// The shares are found in steps of one part in this many.
const PARTS: usize = 10;

/// Draws for the search; the rows that are reported have all.
const FEW: usize = 500;

/// More subgroups are not searched.
const MOST: usize = 12;

/// Divisions of the same number of patients, and what each is worth.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Allocation {
    /// Patients, in all.
    pub patients: u64,
    /// As in this study, equal, every subgroup alone, and the best found.
    pub rows: Vec<AllocationRow>,
    /// The subgroup that is best enrolled alone.
    pub next: String,
}

/// One division.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AllocationRow {
    /// What it is, in words.
    pub name: String,
    /// The subgroup that is enrolled alone; none for others.
    pub alone: Option<String>,
    /// Shares by population.
    pub shares: Vec<f64>,
    /// What it is worth over all patients decided for, in utility per patient.
    pub evsi: Mean,
}

/// The divisions of a trial of the size in the middle; none for one subgroup, or many.
pub fn allocation(
    asked: &Asked<'_>,
    stated: &Stated,
    plan: &Plan,
    sizes: &[Enrolment],
) -> Result<Option<Allocation>> {
    let groups = asked.populations.len();
    let Some(total) = sizes.get(sizes.len() / 2).map(patients) else { return Ok(None) };
    if !(2..=MOST).contains(&groups) {
        return Ok(None);
    }
    let worth = |shares: &[f64], draws: usize| -> Result<Option<Mean>> {
        let enrolment = divided(asked, total, shares, plan.arms);
        let trial = Trial::of(asked, stated, &enrolment)?;
        let truths = &stated.truths[..draws.min(stated.truths.len())];
        let gains = trial.each(asked, truths, plan.seed, |found| asked.gains(&stated.values, found));
        Ok(evsi(&stated.gains, &stated.shares, &gains).1)
    };
    // Part after part to the subgroup where it adds most.
    let mut parts = vec![0_usize; groups];
    let whole = if groups == 2 { 0 } else { PARTS };
    for _ in 0..whole {
        let mut best: Option<(usize, f64)> = None;
        for p in 0..groups {
            parts[p] += 1;
            // Of the patients given out so far, at their share of the whole.
            let shares: Vec<f64> = parts.iter().map(|n| *n as f64 / PARTS as f64).collect();
            let value = worth(&shares, FEW)?.map_or(f64::NEG_INFINITY, |m| m.value);
            if best.is_none_or(|(_, known)| value > known) {
                best = Some((p, value));
            }
            parts[p] -= 1;
        }
        let Some((p, _)) = best else { return Ok(None) };
        parts[p] += 1;
    }
    if groups == 2 {
        // Few enough to look at each.
        let mut best: Option<(usize, f64)> = None;
        for first in 0..=PARTS {
            let shares = [first, PARTS - first].map(|n| n as f64 / PARTS as f64);
            let value = worth(&shares, FEW)?.map_or(f64::NEG_INFINITY, |m| m.value);
            if best.is_none_or(|(_, known)| value > known) {
                best = Some((first, value));
            }
        }
        parts = best.map_or(vec![0, PARTS], |(first, _)| vec![first, PARTS - first]);
    }
    let found: Vec<f64> = parts.iter().map(|n| *n as f64 / PARTS as f64).collect();
    let mut divisions: Vec<(String, Option<String>, Vec<f64>)> = vec![
        ("as in this study".to_string(), None, enrolment::shares(asked)),
        ("equal".to_string(), None, vec![1.0 / groups as f64; groups]),
    ];
    for (p, population) in asked.populations.iter().enumerate() {
        let name = population.subgroup.clone().unwrap_or_default();
        let shares = (0..groups).map(|q| f64::from(u8::from(p == q))).collect();
        divisions.push((format!("{name} alone"), Some(name), shares));
    }
    divisions.push(("best found, in tenths".to_string(), None, found));
    let mut rows = Vec::new();
    for (name, alone, shares) in divisions {
        let Some(evsi) = worth(&shares, plan.draws)? else { return Ok(None) };
        rows.push(AllocationRow { name, alone, shares, evsi });
    }
    let best = rows.iter().filter(|r| r.alone.is_some()).max_by(|a, b| a.evsi.value.total_cmp(&b.evsi.value));
    let next = best.and_then(|r| r.alone.clone()).unwrap_or_default();
    Ok(Some(Allocation { patients: total, rows, next }))
}
