//! Posteriors under data that are not there yet, of all outcomes of a decision at once.

use std::sync::Arc;

use super::Place;
use crate::decide::Population;
use crate::exact::{CellData, Counts, DataLattice, LatticeScratch, SubgroupFound};
use crate::model::{Arm, BinomialPair, Model};
use crate::numeric::logistic;
use crate::posterior::{Direction, Scope};
use crate::study::{Bound, Criterion, Decision, Priors, Rule, Worth};

/// No patients.
pub const NOBODY: Arm = Arm { events: 0.0, total: 0.0 };

/// Patients of a trial, by population and arm.
pub type Enrolment = Vec<[u64; 2]>;

/// Where a plane of log odds ends.
#[derive(Debug, Clone, Copy)]
pub enum Ends<'a> {
    /// Where the standing data leave anything.
    Standing,
    /// Where any counts whatever could lead.
    Anywhere,
    /// Where counts at these true log odds lead, by subgroup and arm.
    Around(&'a [[f64; 2]]),
    /// The same at true log odds between a least and a greatest.
    Between(&'a [[[f64; 2]; 2]]),
}

/// Where counts of so many patients at a true risk lie but for one study in a thousand million.
pub fn likely(log_odds: f64, patients: f64) -> [Arm; 2] {
    let p = logistic(log_odds);
    let reach = 6.0 * libm::sqrt(patients * p * (1.0 - p)) + 2.0;
    let at = |events: f64| Arm { events: libm::round(events).clamp(0.0, patients), total: patients };
    [at(patients * p - reach), at(patients * p + reach)]
}

/// One outcome under one set of priors.
#[derive(Debug)]
pub struct OutcomeBelief {
    pub lattice: Arc<DataLattice>,
    /// The data that are there, by subgroup of this outcome.
    pub standing: Arc<Vec<BinomialPair>>,
    pub model: Arc<Model>,
}

/// What is asked of all outcomes.
#[derive(Debug, Clone)]
pub struct Asked<'a> {
    pub decision: &'a Decision,
    /// Whom the decision is for.
    pub populations: Vec<Population>,
    /// By outcome, the subgroup of every population; none where the outcome is not reported there.
    pub places: Vec<Vec<Place>>,
    /// By outcome, whether anything is asked of it.
    pub counts: Vec<bool>,
    /// By outcome, the risk differences x of P(difference > x).
    pub bounds: Vec<Vec<f64>>,
}

/// Why posteriors can't be had by the thousand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotCovered {
    /// The outcome.
    pub outcome: String,
    /// Why not, in words.
    pub why: String,
}

impl<'a> Asked<'a> {
    /// What a decision asks of its subgroups.
    pub fn of(decision: &'a Decision) -> Asked<'a> {
        let mut populations: Vec<Population> = Vec::new();
        for name in decision.outcomes.iter().flat_map(|o| o.study.data.names()) {
            let found = Population { scope: Scope::Subgroup, subgroup: Some(name.to_string()) };
            if !populations.contains(&found) {
                populations.push(found);
            }
        }
        let place = |k: usize, p: &Population| {
            let names = decision.outcomes[k].study.data.names();
            names.iter().position(|n| p.subgroup.as_deref() == Some(*n))
        };
        let places =
            (0..decision.outcomes.len()).map(|k| populations.iter().map(|p| place(k, p)).collect()).collect();
        let criteria = || decision.rules.iter().flat_map(|r| &r.criteria);
        let counts: Vec<bool> = (0..decision.outcomes.len())
            .map(|k| decision.outcomes[k].values.is_some() || criteria().any(|c| c.outcome == k))
            .collect();
        let bounds = (0..decision.outcomes.len())
            .map(|k| {
                let mut all: Vec<f64> =
                    criteria().filter(|c| c.outcome == k).map(|c| signed(decision, c)).collect();
                all.sort_by(f64::total_cmp);
                all.dedup();
                all
            })
            .collect();
        Asked { decision, populations, places, counts, bounds }
    }

    /// Every outcome's model under its stated priors, or under others.
    pub fn models(&self, priors: impl Fn(usize) -> Option<Priors>) -> Vec<Arc<Model>> {
        let of = |k: usize| {
            let study = &self.decision.outcomes[k].study;
            Arc::new(match priors(k) {
                Some(priors) => Model::of(&crate::study::Study { priors, ..study.clone() }),
                None => Model::of(study),
            })
        };
        (0..self.decision.outcomes.len()).map(of).collect()
    }

    /// The lattices of all outcomes that count, for a trial of this enrolment beside the data that are there.
    pub fn beliefs(
        &self,
        models: &[Arc<Model>],
        enrolment: &Enrolment,
    ) -> Result<Vec<Option<OutcomeBelief>>, NotCovered> {
        self.beliefs_by(models, enrolment, |_| (true, Ends::Standing))
    }

    /// The same of a trial alone, whose true log odds lie between these, by outcome, subgroup and arm.
    pub fn beliefs_alone(
        &self,
        models: &[Arc<Model>],
        enrolment: &Enrolment,
        between: &[Vec<[[f64; 2]; 2]>],
    ) -> Result<Vec<Option<OutcomeBelief>>, NotCovered> {
        self.beliefs_by(models, enrolment, |k| (false, Ends::Between(&between[k])))
    }

    fn beliefs_by<'e>(
        &self,
        models: &[Arc<Model>],
        enrolment: &Enrolment,
        how: impl Fn(usize) -> (bool, Ends<'e>),
    ) -> Result<Vec<Option<OutcomeBelief>>, NotCovered> {
        let of = |(k, model): (usize, &Arc<Model>)| {
            let groups = model.observation.subgroups();
            let counts = self.counts[k];
            counts.then(|| self.belief(k, model, &self.patients(k, groups, enrolment), how(k))).transpose()
        };
        models.iter().enumerate().map(of).collect()
    }

    /// The lattice of one outcome; patients by subgroup and arm.
    pub fn belief(
        &self,
        k: usize,
        model: &Arc<Model>,
        patients: &[[u64; 2]],
        (standing, ends): (bool, Ends<'_>),
    ) -> Result<OutcomeBelief, NotCovered> {
        let lacks = |why: &str| NotCovered {
            outcome: self.decision.outcomes[k].study.outcome.name.clone(),
            why: why.to_string(),
        };
        let Some(cells) = model.observation.cells() else {
            return Err(lacks("its data are published estimates, and counts by subgroup and arm are wanted"));
        };
        let pairs = cells.pairs().to_vec();
        if !standing && pairs.iter().any(|pair| pair.bias().is_some()) {
            return Err(lacks(
                "a bias is allowed for, which a new study of the same kind would have as well",
            ));
        }
        let data: Vec<CellData<'_>> = pairs
            .iter()
            .zip(patients)
            .enumerate()
            .map(|(g, (pair, patients))| {
                let patients = patients.map(|n| n as f64);
                let ends = |arm: usize| match ends {
                    Ends::Standing => [NOBODY; 2],
                    Ends::Anywhere => {
                        let n = patients[arm];
                        [Arm { events: 0.0, total: n }, Arm { events: n, total: n }]
                    }
                    Ends::Around(log_odds) => likely(log_odds[g][arm], patients[arm]),
                    Ends::Between(log_odds) => {
                        let [least, greatest] = log_odds[g][arm];
                        [likely(least, patients[arm])[0], likely(greatest, patients[arm])[1]]
                    }
                };
                CellData { standing: standing.then_some(pair), patients, ends: [ends(0), ends(1)] }
            })
            .collect();
        let lattice = DataLattice::new(model, &data, &self.bounds[k]).ok_or_else(|| {
            lacks("covered are counts without covariates or levels, each subgroup with its own proper baseline prior and effects that are normal around their mean, in studies of up to some ten thousand patients an arm")
        })?;
        Ok(OutcomeBelief { lattice: Arc::new(lattice), standing: Arc::new(pairs), model: Arc::clone(model) })
    }

    /// Patients by subgroup of an outcome.
    fn patients(&self, k: usize, subgroups: usize, enrolment: &Enrolment) -> Vec<[u64; 2]> {
        let mut found = vec![[0; 2]; subgroups];
        for (place, patients) in self.places[k].iter().zip(enrolment) {
            if let Some(g) = place {
                found[*g] = *patients;
            }
        }
        found
    }

    /// The active treatment's expected gain in every population; none where an outcome with values is not reported.
    pub fn gains(&self, values: &[Option<Worth>], found: &[Option<Vec<SubgroupFound>>]) -> Vec<Option<f64>> {
        self.gains_of(values, |k, g| found[k].as_ref().map(|f| f[g].mean_difference))
    }

    /// The same from a risk difference by outcome and subgroup.
    pub fn gains_of(
        &self,
        values: &[Option<Worth>],
        difference: impl Fn(usize, usize) -> Option<f64>,
    ) -> Vec<Option<f64>> {
        let extra = crate::decide::extra_cost(self.decision);
        (0..self.populations.len())
            .map(|p| {
                let mut gain = None;
                for (k, worth) in values.iter().enumerate() {
                    let Some(worth) = worth else { continue };
                    let g = self.places[k][p]?;
                    gain = Some(gain.unwrap_or(0.0) + worth.gap() * difference(k, g)?);
                }
                gain.map(|gain: f64| gain - extra)
            })
            .collect()
    }

    /// P(the criterion's size is reached) in a population; none where its outcome is not reported there.
    pub fn probability(&self, c: &Criterion, p: usize, found: &[Option<Vec<SubgroupFound>>]) -> Option<f64> {
        let g = self.places[c.outcome][p]?;
        let x = signed(self.decision, c);
        let at = self.bounds[c.outcome].iter().position(|b| *b == x)?;
        let beyond = *found[c.outcome].as_ref()?.get(g)?.beyond.get(at)?;
        Some(if upward(self.decision, c) { beyond } else { 1.0 - beyond })
    }

    /// Whether a rule says yes in a population.
    pub fn says_yes(&self, rule: &Rule, p: usize, found: &[Option<Vec<SubgroupFound>>]) -> bool {
        rule.criteria.iter().all(|c| match (self.probability(c, p, found), c.bound) {
            (None, _) => false,
            (Some(x), Bound::AtLeast(b)) => x >= b,
            (Some(x), Bound::Below(b)) => x < b,
        })
    }
}

/// Posteriors of all outcomes under new data, by outcome and subgroup.
pub fn posteriors(
    beliefs: &[Option<OutcomeBelief>],
    data: &[Vec<Counts>],
    scratch: &mut LatticeScratch,
) -> Vec<Option<Vec<SubgroupFound>>> {
    let of = |(belief, data): (&Option<OutcomeBelief>, &Vec<Counts>)| {
        belief.as_ref().map(|b| b.lattice.posterior(data, scratch))
    };
    beliefs.iter().zip(data).map(of).collect()
}

/// Whether a criterion is about a difference above its size and not below minus its size.
fn upward(decision: &Decision, c: &Criterion) -> bool {
    let direction = if c.harm { Direction::Harm } else { Direction::Benefit };
    let sign = decision.outcomes[c.outcome].study.outcome.higher_is.sign();
    (sign > 0.0) == (direction == Direction::Benefit)
}

/// A criterion's size as a risk difference, active minus control.
pub fn signed(decision: &Decision, c: &Criterion) -> f64 {
    // 0.0 and not −0.0, which would stand beside it as another bound.
    if upward(decision, c) || c.threshold == 0.0 { c.threshold } else { -c.threshold }
}

/// Whether a criterion holds of true risk differences.
pub fn holds(decision: &Decision, c: &Criterion, difference: f64) -> bool {
    let reached =
        if upward(decision, c) { difference > signed(decision, c) } else { difference < signed(decision, c) };
    reached == matches!(c.bound, Bound::AtLeast(_))
}
