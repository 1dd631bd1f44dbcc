//! One simulated study: data, posteriors, and the numbers that are kept of them.

use serde::{Deserialize, Serialize};

use super::super::belief::{Asked, Ends, NOBODY, OutcomeBelief};
use super::not_covered;
use super::truths::{Truth, TruthSource, risks};
use crate::error::Result;
use crate::exact::{Counts, ExactPosterior, LatticeScratch, Resolution, RiskMeasure, SubgroupFound};
use crate::model::{BinomialPair, Cells, Model, Observation};
use crate::sampler::{Purpose, stream};
use crate::trial::events::events;

/// Truths have streams apart.
const MOST_TRUTHS: usize = 64;

/// One replication of all truths. Numbers are as [`Columns`] names them, truth by truth; what is not known is no number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Its number.
    pub replication: usize,
    /// The numbers.
    #[serde(with = "numbers_or_none")]
    pub values: Vec<f64>,
}

/// What is no number is null in JSON.
mod numbers_or_none {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(values: &[f64], to: S) -> Result<S::Ok, S::Error> {
        values.iter().map(|x| x.is_finite().then_some(*x)).collect::<Vec<Option<f64>>>().serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<f64>, D::Error> {
        let values = Vec::<Option<f64>>::deserialize(from)?;
        Ok(values.into_iter().map(|x| x.unwrap_or(f64::NAN)).collect())
    }
}

/// Where a row's numbers stand: for every truth first the criteria of all rules by population, then what is kept of every
/// subgroup of every outcome that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    criteria: usize,
    populations: usize,
    /// By outcome, where its subgroups begin, and how many there are.
    outcomes: Vec<Option<(usize, usize)>>,
    width: usize,
}

/// What is kept of a subgroup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// The true risk difference.
    TrueDifference,
    /// Its posterior mean.
    Difference,
    /// The true effect θ.
    TrueEffect,
    /// Its posterior mean.
    Effect,
    /// The ends of its central 95 % interval.
    Low,
    /// As above.
    High,
}

/// How many numbers are kept of a subgroup.
const KEPT: usize = 6;

impl Columns {
    /// Of a decision.
    pub fn of(asked: &Asked<'_>) -> Columns {
        let criteria = asked.decision.rules.iter().map(|r| r.criteria.len()).sum::<usize>();
        let populations = asked.populations.len();
        let mut at = criteria * populations;
        let outcomes = asked
            .decision
            .outcomes
            .iter()
            .zip(&asked.counts)
            .map(|(o, counts)| {
                counts.then(|| {
                    let (start, groups) = (at, o.study.data.names().len());
                    at += KEPT * groups;
                    (start, groups)
                })
            })
            .collect();
        Columns { criteria, populations, outcomes, width: at }
    }

    /// Numbers of one truth.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The probability of a criterion, counted over all rules, in a population.
    pub fn probability(&self, row: &Row, truth: usize, (criterion, population): (usize, usize)) -> f64 {
        debug_assert!(criterion < self.criteria && population < self.populations);
        row.values[truth * self.width + criterion * self.populations + population]
    }

    /// What is kept of a subgroup of an outcome; none of outcomes that do not count.
    pub fn kept(&self, row: &Row, truth: usize, (outcome, g): (usize, usize), what: Kept) -> Option<f64> {
        let (start, groups) = self.outcomes[outcome]?;
        (g < groups).then(|| row.values[truth * self.width + start + KEPT * g + what as usize])
    }
}

/// Makes replications of one truth.
pub struct Replicator {
    beliefs: Vec<Option<OutcomeBelief>>,
    /// By outcome, the patients of every subgroup and arm.
    sizes: Vec<Vec<[u64; 2]>>,
}

impl Replicator {
    pub fn new(asked: &Asked<'_>, truth: &Truth) -> Result<Replicator> {
        let models = asked.models(|_| None);
        let mut sizes = Vec::new();
        let mut beliefs = Vec::new();
        for (k, model) in models.iter().enumerate() {
            let pairs = model.observation.cells().map_or(&[][..], Cells::pairs);
            let of: Vec<[u64; 2]> =
                pairs.iter().map(|p| [p.control.total as u64, p.active.total as u64]).collect();
            let ends = match &truth.source {
                TruthSource::Fixed(log_odds) => Ends::Around(&log_odds[k]),
                TruthSource::Drawn(_) => Ends::Anywhere,
            };
            let belief = if asked.counts[k] {
                Some(asked.belief(k, model, &of, (false, ends)).map_err(|n| not_covered(&n))?)
            } else {
                None
            };
            beliefs.push(belief);
            sizes.push(of);
        }
        Ok(Replicator { beliefs, sizes })
    }

    /// The numbers of one replication.
    pub fn values(
        &self,
        asked: &Asked<'_>,
        truth: &Truth,
        (seed, replication, t): (u64, usize, usize),
    ) -> Vec<f64> {
        let mut rng = stream(seed, replication * MOST_TRUTHS + t, Purpose::Simulation);
        let log_odds = truth.log_odds(&mut rng);
        let mut scratch = LatticeScratch::default();
        let mut found: Vec<Option<Vec<SubgroupFound>>> = Vec::new();
        for (k, belief) in self.beliefs.iter().enumerate() {
            let true_risks: Vec<[f64; 2]> = log_odds[k].iter().map(|x| risks(*x)).collect();
            let data: Vec<Counts> = self.sizes[k]
                .iter()
                .enumerate()
                .map(|(g, n)| {
                    let Some(p) = true_risks.get(g) else { return [NOBODY; 2] };
                    [events(p[0], n[0], &mut rng), events(p[1], n[1], &mut rng)]
                })
                .collect();
            found.push(belief.as_ref().map(|b| b.answer(&data, &asked.bounds[k], &mut scratch)));
        }
        let mut values = Vec::with_capacity(Columns::of(asked).width());
        for rule in &asked.decision.rules {
            for c in &rule.criteria {
                for p in 0..asked.populations.len() {
                    values.push(asked.probability(c, p, &found).unwrap_or(f64::NAN));
                }
            }
        }
        for (k, of) in found.iter().enumerate() {
            for (g, s) in of.iter().flatten().enumerate() {
                let [control, active] = log_odds[k].get(g).copied().unwrap_or([f64::NAN; 2]);
                let p = risks([control, active]);
                let settled = if s.settled { 0.0 } else { f64::NAN };
                let [low, high] = s.theta_interval();
                values.extend([
                    p[1] - p[0],
                    s.mean_difference + settled,
                    active - control,
                    s.theta_mean + settled,
                    low + settled,
                    high + settled,
                ]);
            }
        }
        values
    }
}

impl OutcomeBelief {
    /// The posteriors under these data alone: of the lattice, or of the engine where the data lie beyond what the lattice holds.
    fn answer(&self, data: &[Counts], bounds: &[f64], scratch: &mut LatticeScratch) -> Vec<SubgroupFound> {
        let found = self.lattice.posterior(data, scratch);
        if found.iter().all(|s| s.settled) {
            return found;
        }
        in_full(&self.model, data, bounds).unwrap_or(found)
    }
}

/// Computed by the engine; none where it has no answer.
pub fn in_full(model: &Model, data: &[Counts], bounds: &[f64]) -> Option<Vec<SubgroupFound>> {
    let cells = model.observation.cells()?;
    let pairs = data.iter().map(|[control, active]| BinomialPair::new(*control, *active)).collect();
    let model = model.observing(Observation::Cells(Cells::new(pairs, cells.baselines().clone())));
    let posterior = ExactPosterior::new(&model, Resolution::default()).ok()?;
    (0..data.len())
        .map(|g| {
            let difference = posterior.risk(g, RiskMeasure::Difference)?;
            let beyond = bounds.iter().map(|x| 1.0 - difference.cdf(*x)).collect();
            SubgroupFound::of(difference.mean()?, beyond, &*posterior.theta(g))
        })
        .collect()
}
