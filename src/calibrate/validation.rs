//! What ranks of many replications say.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::DRAWS;
use super::calibration::{Calibration, Fitter, Row};
use super::quantity::Quantity;
use super::uniformity::Uniformity;
use crate::parallel;

/// How probable it is that ranks of a right fit are called wrong, of all quantities of a model together.
pub const FALSE_ALARM: f64 = 0.01;

/// In which way ranks are not uniform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// True values lie in the posterior's tails too often: it is surer than it may be.
    TooNarrow,
    /// True values lie in the posterior's middle too often.
    TooWide,
    /// Posteriors lie above the truth.
    ShiftedUp,
    /// Posteriors lie below the truth.
    ShiftedDown,
    /// Neither centre nor width is off: something else is.
    Shape,
}

/// What the ranks of one quantity say.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// The quantity.
    pub quantity: Quantity,
    /// How many replications have a rank of it.
    pub ranks: usize,
    /// The probability that uniform ranks are anywhere as far out as these, at any value at once; not a number without ranks.
    pub p_value: f64,
    /// The mean rank as a share, 0.5 where ranks are uniform.
    pub mean_rank: f64,
    /// The share of central 50 % intervals that hold the truth.
    pub within_half: f64,
    /// The share of central 90 % intervals that hold the truth.
    pub within_ninety: f64,
    /// How ranks depart; empty where they stay within their band.
    pub faults: Vec<Fault>,
    /// For k = 1, 2, … [`DRAWS`] the number of ranks below k.
    pub below: Vec<usize>,
    /// For the same k the least and the most ranks below it that the band allows.
    pub band: Vec<[usize; 2]>,
}

/// What all replications say.
#[derive(Debug, Clone, PartialEq)]
pub struct Validation {
    /// What fitted.
    pub fitter: Fitter,
    /// The seed of all random numbers.
    pub seed: u64,
    /// How many studies were simulated.
    pub replications: usize,
    /// A quantity whose p-value is at most this departs: [`FALSE_ALARM`] shared out among the quantities.
    pub limit: f64,
    /// How many fits gave no proven answer to something.
    pub unanswered: usize,
    /// In how many fits a transition of the sampler diverged.
    pub diverged: usize,
    /// The quantities.
    pub checked: Vec<Checked>,
}

impl Validation {
    pub(super) fn of(calibration: &Calibration, rows: &[Row]) -> Validation {
        let quantities = calibration.quantities();
        let limit = FALSE_ALARM / quantities.len().max(1) as f64;
        let of_quantity = |k: usize| -> Vec<usize> {
            rows.iter().filter_map(|row| row.ranks.get(k).copied().flatten()).map(|r| r as usize).collect()
        };
        let all: Vec<Vec<usize>> = (0..quantities.len()).map(of_quantity).collect();
        // Nearly always all quantities have as many ranks.
        let sizes: std::collections::BTreeSet<usize> = all.iter().map(Vec::len).collect();
        let sizes: Vec<usize> = sizes.into_iter().filter(|n| *n > 0).collect();
        let scales: BTreeMap<usize, Scale> =
            sizes.iter().copied().zip(parallel::map(&sizes, |n| Scale::of(*n, limit))).collect();
        let checked = parallel::range(0..quantities.len(), |k| {
            checked(quantities[k], &all[k], scales.get(&all[k].len()), limit)
        });
        Validation {
            fitter: calibration.fitter(),
            seed: calibration.seed(),
            replications: rows.len(),
            limit,
            unanswered: rows.iter().filter(|row| row.ranks.iter().any(Option::is_none)).count(),
            diverged: rows.iter().filter(|row| row.diverged).count(),
            checked,
        }
    }

    /// Whether no quantity's ranks leave their band, and each has ranks.
    pub fn is_calibrated(&self) -> bool {
        self.replications > 0 && self.checked.iter().all(|c| c.ranks > 0 && c.faults.is_empty())
    }
}

/// What so many ranks are held against.
struct Scale {
    uniformity: Uniformity,
    band: Vec<[usize; 2]>,
}

impl Scale {
    fn of(ranks: usize, limit: f64) -> Scale {
        let uniformity = Uniformity::new(ranks, DRAWS);
        let band = uniformity.band(limit);
        Scale { uniformity, band }
    }
}

fn checked(quantity: Quantity, ranks: &[usize], scale: Option<&Scale>, limit: f64) -> Checked {
    let n = ranks.len() as f64;
    let within = |outside: usize| {
        let held = ranks.iter().filter(|rank| (outside..=DRAWS - outside).contains(*rank)).count();
        held as f64 / n
    };
    let p_value = scale.map_or(f64::NAN, |s| s.uniformity.p_value(ranks));
    let below = (1..=DRAWS).map(|k| ranks.iter().filter(|rank| **rank < k).count()).collect();
    let cells = (DRAWS + 1) as f64;
    let shares: Vec<f64> = ranks.iter().map(|rank| (*rank as f64 + 0.5) / cells).collect();
    let mean_rank = shares.iter().sum::<f64>() / n;
    let faults = if p_value <= limit { faults(&shares) } else { Vec::new() };
    Checked {
        quantity,
        ranks: ranks.len(),
        p_value,
        mean_rank,
        within_half: within((DRAWS + 1) / 4),
        within_ninety: within((DRAWS + 1) / 20),
        faults,
        below,
        band: scale.map(|s| s.band.clone()).unwrap_or_default(),
    }
}

/// What is off: the centre, the width, both, or neither. Moments of ranks beside what uniform ones have, in standard errors.
fn faults(shares: &[f64]) -> Vec<Fault> {
    /// Fewer standard errors are no departure.
    const CLEAR: f64 = 2.5;
    /// The weaker of two departures is told where it is so many.
    const BOTH: f64 = 5.0;
    let n = shares.len() as f64;
    let moment = |f: &dyn Fn(f64) -> f64| shares.iter().map(|u| f(u - 0.5)).sum::<f64>() / n;
    let centre = moment(&|d| d) * (12.0 * n).sqrt();
    let spread = (moment(&|d| d * d) - 1.0 / 12.0) * (180.0 * n).sqrt();
    // Of a width that is off both tails have too many or too few; of a shift one has what the other lacks.
    let excess = |tail: &dyn Fn(f64) -> bool| shares.iter().filter(|u| tail(**u)).count() as f64 / n - 0.25;
    let alike = excess(&|u| u < 0.25) * excess(&|u| u > 0.75) > 0.0;
    let spread = if alike { spread } else { 0.0 };
    // A high rank is a truth that lies above the posterior.
    let shifted = if centre > 0.0 { Fault::ShiftedDown } else { Fault::ShiftedUp };
    let scaled = if spread > 0.0 { Fault::TooNarrow } else { Fault::TooWide };
    let mut all = [(centre.abs(), shifted), (spread.abs(), scaled)];
    if all[1].0 > all[0].0 {
        all.reverse();
    }
    match all {
        [(first, _), _] if first < CLEAR => vec![Fault::Shape],
        [(_, fault), (second, also)] if second >= BOTH => vec![fault, also],
        [(_, fault), _] => vec![fault],
    }
}
