//! Whom a trial enrols.

use super::super::belief::{Asked, Enrolment};
use super::Plan;
use crate::error::{Error, ErrorKind, Result};
use crate::study::Data;

/// How the patients of a trial are divided among subgroups.
#[derive(Debug, Clone, PartialEq)]
pub enum SubgroupShares {
    /// As in this study.
    AsHere,
    /// The same number in each.
    Equal,
    /// These shares by name, of whatever sum; those left out enrol nobody.
    Given(Vec<(String, f64)>),
}

/// How the patients of a subgroup are divided between the arms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ArmShare {
    /// Half and half.
    Equal,
    /// As in this study, subgroup by subgroup.
    AsHere,
    /// So many in the control arm to so many in the active arm.
    Ratio(f64, f64),
}

/// Patients here, by population and arm: of the first outcome that reports the population.
pub fn here(asked: &Asked<'_>) -> Vec<[f64; 2]> {
    let of = |p: usize| {
        let found = asked.places.iter().enumerate().find_map(|(k, places)| Some((k, places[p]?)));
        match found.map(|(k, g)| (&asked.decision.outcomes[k].study.data, g)) {
            Some((Data::Counts(rows), g)) => [rows[g].control().total as f64, rows[g].active().total as f64],
            _ => [0.0; 2],
        }
    };
    (0..asked.populations.len()).map(of).collect()
}

/// The shares of the populations in whoever is decided for: as in this study.
pub fn shares(asked: &Asked<'_>) -> Vec<f64> {
    let each: Vec<f64> = here(asked).iter().map(|n| n[0] + n[1]).collect();
    let all: f64 = each.iter().sum();
    each.iter().map(|n| if all > 0.0 { n / all } else { 1.0 / each.len() as f64 }).collect()
}

/// The shares of the populations among the trial's patients.
pub fn enrolled(asked: &Asked<'_>, plan: &SubgroupShares) -> Result<Vec<f64>> {
    let names: Vec<&str> = asked.populations.iter().filter_map(|p| p.subgroup.as_deref()).collect();
    let raw = match plan {
        SubgroupShares::AsHere => return Ok(shares(asked)),
        SubgroupShares::Equal => vec![1.0; names.len()],
        SubgroupShares::Given(given) => {
            let mut raw = vec![0.0; names.len()];
            for (name, share) in given {
                let Some(p) = names.iter().position(|n| n == name) else {
                    let message = format!("no subgroup named `{name}`");
                    return Err(Error::of(ErrorKind::Usage, message)
                        .help(format!("the subgroups are {}", names.join(", "))));
                };
                raw[p] = *share;
            }
            raw
        }
    };
    let all: f64 = raw.iter().sum();
    if all > 0.0 && raw.iter().all(|s| s.is_finite() && *s >= 0.0) {
        return Ok(raw.iter().map(|s| s / all).collect());
    }
    Err(Error::of(ErrorKind::Usage, "the shares of the subgroups add up to nothing")
        .help("write --subgroups equal, or shares such as --subgroups atherosclerotic=2,other=1"))
}

/// Ten sizes around this study's.
const MULTIPLES: [f64; 10] = [0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0];

/// The trials that are looked at, smallest first.
pub fn trials(asked: &Asked<'_>, plan: &Plan) -> Result<Vec<Enrolment>> {
    let mut sizes = plan.sizes.clone();
    if sizes.is_empty() {
        let here: f64 = here(asked).iter().map(|n| n[0] + n[1]).sum();
        sizes = MULTIPLES.iter().map(|m| round_number(m * here)).collect();
    }
    sizes.sort_unstable();
    sizes.dedup();
    let shares = enrolled(asked, &plan.subgroups)?;
    Ok(sizes.iter().map(|n| divided(asked, *n, &shares, plan.arms)).collect())
}

/// To two significant digits.
fn round_number(x: f64) -> u64 {
    let unit = libm::pow(10.0, (libm::floor(libm::log10(x.max(10.0))) - 1.0).max(0.0));
    ((x / unit).round() * unit).max(2.0) as u64
}

/// So many patients by population and arm.
pub fn divided(asked: &Asked<'_>, total: u64, shares: &[f64], arms: ArmShare) -> Enrolment {
    let here = here(asked);
    let of = |(share, here): (&f64, &[f64; 2])| {
        let n = libm::round(total as f64 * share);
        let active = match arms {
            ArmShare::Equal => 0.5,
            ArmShare::AsHere => {
                let all = here[0] + here[1];
                if all > 0.0 { here[1] / all } else { 0.5 }
            }
            ArmShare::Ratio(control, active) => active / (control + active),
        };
        let treated = libm::round(n * active);
        [(n - treated) as u64, treated as u64]
    };
    shares.iter().zip(&here).map(of).collect()
}
