//! Operating characteristics of a declared rule: studies of this study's size are simulated under stated truths, each is
//! analysed under the stated priors, and the rule is asked.
//!
//! ```text
//! truths (fixed, or drawn from a design prior) → replicate (one study: data, posterior, a row of numbers)
//!     → operating (what rows come to) → threshold (a bound for a wished error)
//! ```
//!
//! Every replication has a stream of its own, so that any part of them can be run anywhere and put together again.

mod operating;
mod replicate;
mod threshold;
mod truths;

use serde::Serialize;

use super::belief::{Asked, NotCovered};
use crate::error::{Error, ErrorKind, Result};
use crate::parallel;
use crate::sampler::Watch;
use crate::study::{Decision, Design};
pub use operating::{ClaimRow, EstimateRow, FamilyRow, operating};
use replicate::Replicator;
pub use replicate::{Columns, Row};
pub use threshold::{Calibration, Wished};
pub use truths::{TruthKind, TruthRow};

/// The most replications.
pub const MOST_REPLICATIONS: usize = 1_000_000;

/// Replications between two looks at whether to go on.
const BATCH: usize = 64;

/// What is simulated.
#[derive(Debug, Clone)]
pub struct Request {
    /// Replications of every truth.
    pub replications: usize,
    /// The seed of all random numbers.
    pub seed: u64,
    /// What is taken to be true, in place of what the model of the first outcome says.
    pub design: Option<Design>,
    /// The error that a rule's bound is calibrated to; none where it is not.
    pub wished: Option<Wished>,
}

/// Everything that is needed to simulate one replication after another.
pub struct Simulator<'a> {
    asked: Asked<'a>,
    truths: Vec<truths::Truth>,
    replicators: Vec<Replicator>,
    request: Request,
    notices: Vec<String>,
}

/// What the replications come to.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Simulation {
    /// Replications of every truth that are finished.
    pub replications: usize,
    /// What is taken to be true.
    pub truths: Vec<TruthRow>,
    /// By truth, rule and subgroup, how often it says yes.
    pub claims: Vec<ClaimRow>,
    /// By truth and rule, over all subgroups.
    pub family: Vec<FamilyRow>,
    /// By truth, outcome and subgroup, the estimates.
    pub estimates: Vec<EstimateRow>,
    /// Bounds for a wished error; empty where none was wished for.
    pub calibration: Vec<Calibration>,
    /// Replications whose posterior is no number that can be relied on: they count as no claim.
    pub unsettled: usize,
    /// What a reader should know, in sentences.
    pub notices: Vec<String>,
}

impl<'a> Simulator<'a> {
    /// Prepares everything that replications share. An error where the decision declares no rule, or its models are not covered.
    pub fn new(decision: &'a Decision, request: Request) -> Result<Simulator<'a>> {
        if decision.is_of_several_arms() {
            return Err(unavailable("it is of two arms, and the decision is between several"));
        }
        if decision.rules.is_empty() {
            return Err(Error::of(ErrorKind::Missing, format!("{} declares no rule to simulate", decision.name)).help(
                "add [[rule]] (in a model file [[decision.rule]]) with name = \"adopt\" and all = [{ outcome = \"…\", at_least = 0, probability = 0.95 }]",
            ));
        }
        let mut asked = Asked::of(decision);
        // Values do not matter here.
        for k in 0..asked.counts.len() {
            asked.counts[k] = decision.rules.iter().flat_map(|r| &r.criteria).any(|c| c.outcome == k);
        }
        let mut notices = Vec::new();
        let truths = truths::truths(&asked, request.design.as_ref(), &mut notices)?;
        let replicators = truths.iter().map(|t| Replicator::new(&asked, t)).collect::<Result<Vec<_>>>()?;
        Ok(Simulator { asked, truths, replicators, request, notices })
    }

    /// The decision.
    pub fn decision(&self) -> &'a Decision {
        self.asked.decision
    }

    /// The names of a row's numbers.
    pub fn columns(&self) -> Columns {
        Columns::of(&self.asked)
    }

    /// How many truths there are.
    pub fn truths(&self) -> usize {
        self.truths.len()
    }

    /// All replications that the request needs, by number: those that a bound is calibrated with are followed by as many fresh
    /// ones that it is tried on.
    pub fn replications(&self) -> usize {
        self.request.replications * if self.request.wished.is_some() { 2 } else { 1 }
    }

    /// One replication of every truth.
    pub fn row(&self, replication: usize) -> Row {
        let of = |(t, r): (usize, &Replicator)| {
            r.values(&self.asked, &self.truths[t], (self.request.seed, replication, t))
        };
        Row { replication, values: self.replicators.iter().enumerate().flat_map(of).collect() }
    }

    /// Replications of these numbers, in order, in parallel; stops where it is told to, with what is finished. `done` hears of
    /// every batch.
    pub fn rows(
        &self,
        numbers: &[usize],
        watch: &dyn Watch,
        done: &mut dyn FnMut(&[Row]) -> Result<()>,
    ) -> Result<Vec<Row>> {
        let mut rows = Vec::with_capacity(numbers.len());
        for batch in numbers.chunks(BATCH) {
            if watch.stopped() {
                break;
            }
            let found = parallel::map(batch, |r| {
                let row = self.row(*r);
                watch.advanced(1);
                row
            });
            rows.extend(found);
            done(&rows)?;
        }
        Ok(rows)
    }

    /// What rows come to, whichever are there.
    pub fn summary(&self, rows: &[Row]) -> Simulation {
        let columns = self.columns();
        let first: Vec<&Row> = rows.iter().filter(|r| r.replication < self.request.replications).collect();
        let fresh: Vec<&Row> = rows.iter().filter(|r| r.replication >= self.request.replications).collect();
        let mut found = operating(&self.asked, &self.truths, &columns, &first);
        if let Some(wished) = self.request.wished {
            found.calibration =
                threshold::calibrated(&self.asked, &self.truths, &columns, (&first, &fresh), wished);
        }
        found.notices.splice(0..0, self.notices.iter().cloned());
        found
    }
}

fn unavailable(why: &str) -> Error {
    Error::of(ErrorKind::Unavailable, format!("`simulate` has no answer: {why}"))
}

fn not_covered(n: &NotCovered) -> Error {
    unavailable(&format!("{}: {}", n.outcome, n.why)).help(
        "it simulates two-arm counts by subgroup: give those in place of rows with covariates, levels, weights or estimates",
    )
}
