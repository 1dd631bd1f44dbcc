//! Several active arms as a linear model.
//!
//! ```text
//! θ_{g,a} = μ + τ_arms b_a + τ z_g + τ_interaction w_{g,a}
//! ```
//!
//! for active arm a in subgroup g, against the control arm; b, z and w standard normal. Of separate arms μ + τ_arms b_a is a μ_a
//! of each arm's own. Without pooling every effect is N(μ_{g,a}, τ_{g,a}²) by itself, under complete pooling z and w are
//! left out, and in a study without subgroups too. The control arm is shared: its log odds are in the model, so that no
//! correction of the comparisons is needed.

use super::linear::{Cell, Coefficient, Linear, Resembling, ScalePrior, Seen};
use super::{BaselineOf, BaselinePrior, HeterogeneityPrior};
use crate::study::{ArmLogOdds, ArmPriors, Pooling, Priors, RelatedArms, Study, SubgroupCounts};

/// The linear model of a study with several active arms, and which of its parts is what.
#[derive(Debug, Clone, PartialEq)]
pub struct ArmsModel {
    /// Its cells are the arms of the first subgroup, control first, then those of the next; behind them, where patients are
    /// weighted, what these say: nothing was seen in the arms themselves then.
    pub linear: Linear,
    /// How many subgroups there are.
    pub subgroups: usize,
    /// How many arms there are, the control arm among them.
    pub arms: usize,
    /// By active arm, the coefficients that make up its mean effect; empty where effects have no common mean.
    pub means: Vec<Vec<usize>>,
    /// The places of the standard deviations that there is one of.
    pub scales: Vec<(ArmSpread, usize)>,
    /// The mean of exchangeable baselines.
    pub baseline_mean: Option<usize>,
    /// By subgroup, the coefficients that make up its baseline.
    pub baselines: Vec<Vec<usize>>,
    /// Each subgroup's share of those over whom risks are averaged: of the study's patients, or of the population that weights
    /// make.
    pub shares: Vec<f64>,
}

/// What a standard deviation is the spread of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArmSpread {
    /// Mean effects of arms.
    Arms,
    /// Effects of subgroups.
    Subgroups,
    /// What is left of effects.
    Interaction,
    /// Exchangeable baselines.
    Baselines,
}

/// A linear model in the making.
#[derive(Default)]
struct Making {
    coefficients: Vec<Coefficient>,
    scales: Vec<ScalePrior>,
    spreads: Vec<(ArmSpread, usize)>,
}

impl Making {
    fn coefficient(&mut self, coefficient: Coefficient) -> usize {
        self.coefficients.push(coefficient);
        self.coefficients.len() - 1
    }

    fn scale(&mut self, prior: HeterogeneityPrior) -> usize {
        self.scales.push(prior.into());
        self.scales.len() - 1
    }

    fn spread(&mut self, of: ArmSpread, prior: Option<HeterogeneityPrior>) -> Option<usize> {
        let place = self.scale(prior?);
        self.spreads.push((of, place));
        Some(place)
    }
}

impl ArmsModel {
    /// The model of a study; none where it has one active arm, or no counts.
    pub fn of(study: &Study) -> Option<ArmsModel> {
        let assumed = study.priors.arms.as_ref()?;
        let rows = study.data.counts()?;
        let weighting = study.weighting.as_deref();
        let (subgroups, arms) = (rows.len(), study.treatment.arms.len());
        let mut making = Making::default();
        let effects = match study.pooling {
            Pooling::None => making.alone(&study.priors, (subgroups, arms)),
            pooling => {
                let varied = subgroups > 1 && pooling == Pooling::Partial;
                making.within(&study.priors, assumed, (subgroups, arms), varied)
            }
        };
        let (baselines, baseline_mean) = making.baselines(&study.priors, subgroups);
        // What every effect shares stands last.
        let (effects, means) = making.shared(&study.priors, assumed, effects, study.pooling, arms);
        let share = match study.priors.baseline_of {
            BaselineOf::Control => 0.0,
            BaselineOf::Arms => 1.0 / arms as f64,
        };
        let cells = (0..subgroups * arms).map(|c| {
            let (g, a) = (c / arms, c % arms);
            let mut of: Vec<(usize, f64)> = baselines[g].iter().map(|&j| (j, 1.0)).collect();
            for (k, parts) in effects[g].iter().enumerate() {
                let by = f64::from(u8::from(k + 1 == a)) - share;
                of.extend(parts.iter().filter(|_| by != 0.0).map(|&j| (j, by)));
            }
            let counts = &rows[g].arms[a];
            let (events, total) = (counts.events as f64, counts.total as f64);
            let seen = if weighting.is_some() { NOTHING } else { Seen::Counts { events, total } };
            Cell { of: merged(of), seen }
        });
        let mut cells: Vec<Cell> = cells.collect();
        if let Some(said) = weighting.and_then(|w| w.arms.as_ref()) {
            let whitened = weighted(&cells, said);
            cells.extend(whitened);
        }
        let Making { coefficients, scales, spreads } = making;
        let linear = Linear { coefficients, scales, cells, rows: None, resembling: Resembling::Cells };
        let shares = weighting
            .and_then(|w| w.weighted.as_ref())
            .map_or_else(|| shares(rows), |found| found.shares.clone());
        Some(ArmsModel { linear, subgroups, arms, means, scales: spreads, baseline_mean, baselines, shares })
    }

    /// The cell of an arm of a subgroup.
    pub fn cell(&self, subgroup: usize, arm: usize) -> usize {
        subgroup * self.arms + arm
    }
}

/// A cell in which nobody was seen.
const NOTHING: Seen = Seen::Counts { events: 0.0, total: 0.0 };

/// Each subgroup's share of all patients, equal ones where there are none.
fn shares(rows: &[SubgroupCounts]) -> Vec<f64> {
    let sizes: Vec<f64> = rows.iter().map(|row| row.arms.iter().map(|a| a.total as f64).sum()).collect();
    let all: f64 = sizes.iter().sum();
    let equal = 1.0 / rows.len() as f64;
    sizes.into_iter().map(|n| if all > 0.0 { n / all } else { equal }).collect()
}

/// What weighted patients say of these cells: as many sums of them, each estimated with an error of its own.
fn weighted(cells: &[Cell], said: &ArmLogOdds) -> Vec<Cell> {
    let one = |row: &[f64]| {
        let parts = row.iter().zip(cells).filter(|(by, _)| **by != 0.0);
        let of = parts.flat_map(|(by, cell)| cell.of.iter().map(move |(j, x)| (*j, by * x))).collect();
        let estimate = row.iter().zip(&said.estimates).map(|(by, x)| by * x).sum();
        Cell { of: merged(of), seen: Seen::Estimate { estimate, precision: 1.0 } }
    };
    said.whitening.chunks(cells.len()).map(one).collect()
}

/// By subgroup and active arm, the coefficients of an effect so far.
type Effects = Vec<Vec<Vec<usize>>>;

impl Making {
    /// Every effect by itself.
    fn alone(&mut self, priors: &Priors, (subgroups, arms): (usize, usize)) -> Effects {
        let prior = priors.heterogeneity.as_ref().map(|h| h.distribution);
        let mut one = || {
            let mut parts = vec![self.coefficient(Coefficient::Located(priors.effect.distribution.clone()))];
            if let Some(prior) = prior {
                let scale = self.scale(prior);
                parts.push(self.coefficient(Coefficient::Scaled(scale)));
            }
            parts
        };
        (0..subgroups).map(|_| (1..arms).map(|_| one()).collect()).collect()
    }

    /// What is of one subgroup and arm, and of one subgroup.
    fn within(
        &mut self,
        priors: &Priors,
        assumed: &ArmPriors,
        (subgroups, arms): (usize, usize),
        varied: bool,
    ) -> Effects {
        if !varied {
            return vec![vec![Vec::new(); arms - 1]; subgroups];
        }
        let interaction = assumed.interaction.as_ref().map(|p| p.distribution);
        let interaction = self.spread(ArmSpread::Interaction, interaction);
        let own = self.spread(ArmSpread::Subgroups, priors.heterogeneity.as_ref().map(|h| h.distribution));
        let mut effects: Effects = (0..subgroups)
            .map(|_| {
                let left =
                    |_| interaction.map(|s| self.coefficient(Coefficient::Scaled(s))).into_iter().collect();
                (1..arms).map(left).collect()
            })
            .collect();
        for of_subgroup in &mut effects {
            let Some(scale) = own else { continue };
            let z = self.coefficient(Coefficient::Scaled(scale));
            of_subgroup.iter_mut().for_each(|parts| parts.push(z));
        }
        effects
    }

    fn baselines(&mut self, priors: &Priors, subgroups: usize) -> (Vec<Vec<usize>>, Option<usize>) {
        match priors.baseline.as_ref().map(|b| &b.distribution) {
            Some(BaselinePrior::Exchangeable { mean, sd }) => {
                let scale = self.spread(ArmSpread::Baselines, Some(*sd));
                let own: Vec<Vec<usize>> = (0..subgroups)
                    .map(|_| scale.map(|s| self.coefficient(Coefficient::Scaled(s))).into_iter().collect())
                    .collect();
                let mean = self.coefficient(Coefficient::Located(mean.clone()));
                (own.into_iter().map(|parts| parts.into_iter().chain([mean]).collect()).collect(), Some(mean))
            }
            Some(BaselinePrior::Independent(prior)) => {
                let own = |_| vec![self.coefficient(Coefficient::Located(prior.clone()))];
                ((0..subgroups).map(own).collect(), None)
            }
            None => (vec![Vec::new(); subgroups], None),
        }
    }

    /// Adds the arms' means to effects that have them; by active arm, what these are made of.
    fn shared(
        &mut self,
        priors: &Priors,
        assumed: &ArmPriors,
        mut effects: Effects,
        pooling: Pooling,
        arms: usize,
    ) -> (Effects, Vec<Vec<usize>>) {
        if pooling == Pooling::None {
            return (effects, Vec::new());
        }
        let located = || Coefficient::Located(priors.effect.distribution.clone());
        let means: Vec<Vec<usize>> = match assumed.related {
            RelatedArms::Separate => (1..arms).map(|_| vec![self.coefficient(located())]).collect(),
            RelatedArms::Exchangeable => {
                let scale = self.spread(ArmSpread::Arms, assumed.between.as_ref().map(|p| p.distribution));
                let own: Vec<Vec<usize>> = (1..arms)
                    .map(|_| scale.map(|s| self.coefficient(Coefficient::Scaled(s))).into_iter().collect())
                    .collect();
                let mu = self.coefficient(located());
                own.into_iter().map(|parts| parts.into_iter().chain([mu]).collect()).collect()
            }
        };
        for of_subgroup in &mut effects {
            for (parts, mean) in of_subgroup.iter_mut().zip(&means) {
                parts.extend(mean);
            }
        }
        (effects, means)
    }
}

/// Factors of the same coefficient together.
fn merged(mut of: Vec<(usize, f64)>) -> Vec<(usize, f64)> {
    of.sort_by_key(|(j, _)| *j);
    let mut all: Vec<(usize, f64)> = Vec::with_capacity(of.len());
    for (j, by) in of {
        match all.last_mut() {
            Some((last, sum)) if *last == j => *sum += by,
            _ => all.push((j, by)),
        }
    }
    all
}
