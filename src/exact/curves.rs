//! Subgroups whose likelihoods are curves of their effects: counts in two arms, and published estimates seen through a bias
//! that is not normal. Everything the rows of (μ, τ) can answer.

use std::sync::{Arc, OnceLock};

use super::Resolution;
use super::distribution::{Distribution, Lost, Tabulated, bulk};
use super::effect_likelihood::{EffectLikelihood, log_marginals};
use super::effect_range::effect_range;
use super::gaussian::{MomentLimits, moment_limits};
use super::kernel::Kernel;
use super::new_effect::NewEffect;
use super::pair::{Marginal, PairMember, PairPosterior};
use super::risks::{RiskMeasure, RiskPosterior};
use super::rows::{MeanDensity, Prediction, Row, RowMaker, Rows};
use super::scale::{NotConverged, TauPosterior};
use super::subgroup::{CellsOfSubgroup, SubgroupData};
use crate::model::{BinomialPair, HeterogeneityPrior, LocationPrior, Side};
use crate::numeric::{
    Grid, LogInterpolant, LogTable, Peak, Placement, log_sum_exp, tabulate, tabulate_around, tabulate_with,
};
use crate::parallel;

/// What is believed of the effects before the data.
pub struct EffectPriors<'a> {
    /// Of μ.
    pub effect: &'a LocationPrior,
    /// Of τ.
    pub heterogeneity: HeterogeneityPrior,
    /// How they are spread around μ; none where they are normal.
    pub kernel: Option<Kernel>,
}

/// The posterior under partial pooling, or complete pooling (τ fixed at 0).
pub struct CurvesPosterior {
    rows: Rows,
    data: Vec<Arc<dyn SubgroupData>>,
    /// Subgroups whose data have information about their effect, in order; `informative[g]` is the place of subgroup g among
    /// them.
    likelihoods: Vec<EffectLikelihood>,
    informative: Vec<Option<usize>>,
    moments: MomentLimits,
    bounded_subgroups: usize,
    heterogeneity: HeterogeneityPrior,
    /// None where effects are normal around μ.
    kernel: Option<Kernel>,
    /// Of every informative subgroup, log w̄ ∫ N(θ; m, s²) e^ℓ dθ; empty where none may stand alone.
    alone: Vec<f64>,
    resolution: Resolution,
    /// Made when they are first asked for.
    subgroups: Vec<OnceLock<SubgroupPosterior>>,
    /// Log marginal likelihood of the counts, binomial coefficients included.
    pub log_marginal_likelihood: f64,
}

/// One subgroup's θ, and what its risks are made from when they are asked for.
pub struct SubgroupPosterior {
    pub theta: Tabulated,
    data: Arc<dyn SubgroupData>,
    /// The log density of θ before this subgroup's own data.
    prediction: LogInterpolant,
    /// The nodes that it goes through, as far as they were needed with these data.
    predicted: (Grid, Vec<f64>),
    resolution: Resolution,
    risks: OnceLock<RiskPosterior>,
}

impl SubgroupPosterior {
    /// A function of both risks; none for estimates.
    pub fn risk(&self, measure: RiskMeasure) -> Option<Box<dyn Distribution + '_>> {
        let cells = self.data.cells()?;
        if !self.theta.settled {
            return Some(Box::new(Lost));
        }
        Some(Box::new(self.joint(cells).distribution(measure)))
    }

    /// One arm's log odds, as nodes with weights; none for estimates, and where the integral is not proven.
    pub fn log_odds(&self, side: Side) -> Option<Vec<(f64, f64)>> {
        let cells = self.data.cells()?;
        if self.theta.settled { self.joint(cells).log_odds(side) } else { None }
    }

    fn joint(&self, CellsOfSubgroup { pair, baseline }: &CellsOfSubgroup) -> &RiskPosterior {
        self.risks.get_or_init(|| {
            let theta = bulk(&self.theta.table);
            let prediction = self.prediction.clone();
            // Data that say nothing of the effect are in the risks all the same.
            let silent = if self.data.informs_effect() {
                0.0
            } else {
                self.data.log_marginal_of_silent(self.resolution)
            };
            let placed = (theta, self.theta.table.log_mass + silent);
            RiskPosterior::new(pair.clone(), baseline, prediction, placed, self.resolution)
        })
    }

    /// By arm and outcome, the log probability of one such patient given all others: the ratio of the marginal
    /// likelihoods with and without, which is the posterior mean of `e^{ℓ without(θ) − ℓ(θ)}`, inverted. None for estimates, whose patients are not known.
    pub fn leave_one_out(&self) -> Option<[Option<f64>; 4]> {
        let CellsOfSubgroup { pair: all, baseline } = self.data.cells()?;
        let own = |counts: &BinomialPair| {
            let placement = self.resolution.density();
            log_marginals(counts, baseline, &self.theta.table.grid.x, placement)
        };
        let with = own(all);
        Some(std::array::from_fn(|cell| {
            let counts = all.without(cell >= 2, cell % 2 == 1)?;
            let terms: Vec<f64> = own(&counts)
                .iter()
                .zip(&with)
                .zip(&self.theta.table.mass)
                .map(|((without, with), mass)| without - with + libm::log(*mass))
                .collect();
            Some(-log_sum_exp(&terms))
        }))
    }
}

impl CurvesPosterior {
    pub fn new(
        data: Vec<Box<dyn SubgroupData>>,
        priors: EffectPriors<'_>,
        resolution: Resolution,
    ) -> Result<CurvesPosterior, NotConverged> {
        let EffectPriors { effect, heterogeneity, kernel } = priors;
        let kernel_of = kernel.as_ref();
        let mut range = effect_range(effect, &heterogeneity);
        if let Some(kernel) = kernel_of {
            range = kernel.widened(range);
        }
        // Data that contradict each other, or the prior, pull the effects to among them.
        range.reach = data.iter().map(|d| d.farthest()).fold(range.reach, f64::max);
        let mut each: Vec<Option<EffectLikelihood>> =
            parallel::map(&data, |d| d.informs_effect().then(|| d.likelihood(range, resolution)));
        if kernel.is_some() {
            // Smoothed by many normals.
            for (likelihood, data) in each.iter_mut().zip(&data) {
                if let Some(likelihood) = likelihood {
                    likelihood.normal_estimate = data.normal_estimate();
                }
            }
        }
        let mut so_far = 0..;
        let informative = each.iter().map(|l| l.as_ref().and_then(|_| so_far.next())).collect();
        let likelihoods: Vec<EffectLikelihood> = each.into_iter().flatten().collect();
        let bounded = data.iter().filter(|d| d.moment_limit() > 0.0).count();
        let bounds = |g: f64| kernel_of.map_or(g, |k| k.bounding_scale(g));
        let mut moments = moment_limits(&heterogeneity, effect, bounds(bounded as f64));
        if let Some(kernel) = kernel_of {
            moments.mean = kernel.mean_limit(effect, bounded as f64, moments.mean);
        }
        let alone: Vec<f64> = match kernel_of.and_then(Kernel::alone) {
            Some(alone) => parallel::map(&likelihoods, |l| alone.log_marginal(l, &mut Vec::new())),
            None => Vec::new(),
        };
        let kernel_and_alone = kernel_of.map(|kernel| (kernel, alone.as_slice()));
        let maker =
            RowMaker { subgroups: &likelihoods, effect, heterogeneity, kernel: kernel_and_alone, resolution };
        let mut rows = maker.rows(moments.tau)?;
        let widest = likelihoods.iter().map(|l| l.smoother.widest()).fold(f64::INFINITY, f64::min);
        let wider = kernel_of.map_or(1.0, Kernel::usual_width);
        if rows.share_outside(known(&likelihoods)) > UNKNOWN || rows.share_above(widest / wider) > UNKNOWN {
            return Err(NotConverged);
        }
        rows.rows.retain(|row| row.tau <= widest / wider);
        let silent: f64 =
            data.iter().filter(|d| !d.informs_effect()).map(|d| d.log_marginal_of_silent(resolution)).sum();
        let coefficients: f64 = data.iter().map(|d| d.log_coefficient()).sum();
        Ok(CurvesPosterior {
            log_marginal_likelihood: rows.log_evidence + silent + coefficients,
            rows,
            subgroups: data.iter().map(|_| OnceLock::new()).collect(),
            data: data.into_iter().map(Arc::from).collect(),
            likelihoods,
            informative,
            moments,
            bounded_subgroups: bounded,
            heterogeneity,
            kernel,
            alone,
            resolution,
        })
    }

    /// None where τ is fixed.
    pub fn tau(&self) -> Option<&TauPosterior> {
        self.rows.tau.as_ref()
    }

    /// The mean of the subgroup effects.
    pub fn mu(&self) -> Tabulated {
        let density = MeanDensity::new(&self.rows);
        let mut each = Vec::new();
        let table =
            tabulate(self.mean_peak(0.0), self.resolution.density(), |mu| density.log_density(mu, &mut each));
        Tabulated::proven(table, self.moments.mean, Some(self.row_moments(0.0)), self.rows.log_total)
    }

    /// θ of a further similar subgroup.
    pub fn theta_new(&self) -> NewEffect<'_> {
        let limit = self.moments.mean.min(self.moments.tau);
        let (moments, moment_limit) = match &self.kernel {
            None => (self.row_moments(1.0), limit),
            Some(kernel) => (kernel.moments(|share| self.row_moments(share)), kernel.moment_limit(limit)),
        };
        NewEffect { rows: &self.rows, kernel: self.kernel.as_ref(), moments, moment_limit }
    }

    /// Effect and risks of subgroup `g`.
    pub fn subgroup(&self, g: usize) -> &SubgroupPosterior {
        self.subgroups[g].get_or_init(|| self.new_subgroup(g))
    }

    fn new_subgroup(&self, g: usize) -> SubgroupPosterior {
        let member = self.member(g);
        let left_out: Vec<usize> = member.iter().map(|m| m.0).collect();
        let prediction = Prediction::new(&self.rows, &left_out, self.kernel.as_ref());
        let (table, predicted) = match member {
            Some((_, likelihood)) => self.informed_theta(&prediction, likelihood),
            None => {
                let table = self.predicted(&prediction);
                let predicted = (table.grid.clone(), table.log_density.clone());
                (table, predicted)
            }
        };
        SubgroupPosterior {
            prediction: LogInterpolant::new(&predicted.0, &predicted.1),
            predicted,
            theta: Tabulated::proven(table, self.subgroup_moment_limit(g), None, self.rows.log_total),
            data: Arc::clone(&self.data[g]),
            resolution: self.resolution,
            risks: OnceLock::new(),
        }
    }

    /// The effect of subgroup `g` without its data: the prediction from the rest by itself, from rows that were placed for all
    /// data. None where they do not reach as far as is needed without these: where the rest lies elsewhere, or has so much less
    /// information that τ runs beyond them.
    pub fn left_out(&self, g: usize) -> Option<Tabulated> {
        let Some((i, _)) = self.member(g) else {
            return Some(self.subgroup(g).theta.clone()).filter(|theta| theta.settled);
        };
        let log_total = self.rows.without(i)?;
        let of_others = (self.bounded_subgroups - usize::from(self.data[g].moment_limit() > 0.0)) as f64;
        let limit = self.limit_of_others(of_others);
        let proven = |table| Some(Tabulated::proven(table, limit, None, log_total)).filter(|t| t.settled);
        // What was tabulated for the effect with its data reaches far enough unless these have much more information than the rest.
        let (grid, values) = self.subgroup(g).predicted.clone();
        let known = LogTable::new(grid, values);
        if known.mass_at_ends() < UNKNOWN
            && let Some(theta) = proven(known)
        {
            return Some(theta);
        }
        proven(self.predicted(&Prediction::new(&self.rows, &[i], self.kernel.as_ref())))
    }

    /// Two subgroups' effects together; none where τ is fixed at 0 and the effects are one.
    pub fn pair(&self, a: usize, b: usize) -> Option<PairPosterior> {
        if self.heterogeneity == (HeterogeneityPrior::Fixed { value: 0.0 }) {
            return None;
        }
        let limit = self.subgroup_moment_limit(a).min(self.subgroup_moment_limit(b));
        let marginals = [a, b].map(|g| Marginal::of(&self.subgroup(g).theta.table));
        let members = [self.member(a), self.member(b)];
        Some(PairPosterior::new(
            (&self.rows, self.kernel.as_ref()),
            members,
            marginals,
            self.resolution,
            limit,
        ))
    }

    /// Whether two effects together are not integrated: under a Student t neither has a closed form given the other.
    pub fn has_no_pairs(&self) -> bool {
        self.kernel.as_ref().is_some_and(|kernel| kernel.around().len() > 1)
    }

    /// The probability that the effect of subgroup `g` has its own prior; none where all have the common one. No number where
    /// the table of that effect, in which both have their mass, does not hold what the rows hold.
    pub fn stands_alone(&self, g: usize) -> Option<f64> {
        let alone = self.kernel.as_ref()?.alone()?;
        let Some(i) = self.informative[g] else { return Some(alone.weight) };
        if !self.subgroup(g).theta.settled {
            return Some(f64::NAN);
        }
        let own = self.alone[i];
        let of_row = |row: &Row| {
            let each = row.mu.mass.iter().zip(&row.log_likelihood);
            each.map(|(mass, logs)| mass * libm::exp((own - logs[i]).min(0.0))).sum::<f64>()
        };
        let total: f64 = self.rows.rows.iter().map(|row| row.share * of_row(row)).sum();
        Some(total.clamp(0.0, 1.0))
    }

    fn member(&self, g: usize) -> PairMember<'_> {
        self.informative[g].map(|i| (i, &self.likelihoods[i]))
    }

    /// As many moments as the subgroup's own likelihood bounds, and those that the others and the prior leave.
    fn subgroup_moment_limit(&self, g: usize) -> f64 {
        let own = self.data[g].moment_limit();
        if own == f64::INFINITY {
            own
        } else {
            own + self.limit_of_others((self.bounded_subgroups - usize::from(own > 0.0)) as f64)
        }
    }

    /// The moments of an effect that so many other subgroups, whose effects are bounded, and the prior leave.
    fn limit_of_others(&self, bounded: f64) -> f64 {
        let others = moment_limits(&self.heterogeneity, &LocationPrior::normal(0.0, 1.0), bounded);
        let others = others.tau.min(self.moments.mean);
        self.kernel.as_ref().map_or(others, |kernel| kernel.moment_limit(others))
    }

    /// θ given its own data, e^{ℓ(θ)} times the prediction from the rest; and the prediction's log. The prediction is a sum
    /// over all rows at each node, and is smooth: it is tabulated once, as finely as its narrowest row asks, and interpolated
    /// for however many nodes the product needs.
    fn informed_theta(
        &self,
        prediction: &Prediction,
        likelihood: &EffectLikelihood,
    ) -> (LogTable, (Grid, Vec<f64>)) {
        let (mut terms, mut each) = (Vec::new(), Vec::new());
        let (centre, precision) = likelihood.normal;
        let core = prediction.core();
        let placement = self.resolution.density();
        if prediction.is_direct() {
            let (table, predicted) = tabulate_with(self.mean_peak(0.0), placement, |theta| {
                let predicted = prediction.log_density(theta, &mut terms, &mut each);
                (predicted + likelihood.at(theta), predicted)
            });
            let grid = table.grid.clone();
            return (table, (grid, predicted));
        }
        let mut apart = if precision > 0.0 { (centre - core.centre).abs() } else { 0.0 };
        if let Some(alone) = self.kernel.as_ref().and_then(Kernel::alone) {
            apart = apart.max((alone.mean - core.centre).abs());
        }
        // Closer together than a density's own nodes: it is interpolated between them.
        let reaching = Placement { at_least: apart, step: INTERPOLATED * placement.step, ..placement };
        let (found, at_nodes) = tabulate_around(core, reaching, |theta| {
            let predicted = prediction.log_density(theta, &mut terms, &mut each);
            (predicted + likelihood.at(theta), predicted)
        });
        let predicted = LogInterpolant::new(&found.grid, &at_nodes);
        let outer = self.mean_peak(1.0);
        let outer_precision = 1.0 / (outer.sd * outer.sd);
        let total = precision + outer_precision;
        let guess = Peak {
            centre: (precision * centre + outer_precision * outer.centre) / total,
            sd: 1.0 / libm::sqrt(total),
        };
        let placement = match &self.kernel {
            None => placement,
            // The common distribution and the effect's own data may be peaks of their own.
            Some(_) => {
                let ends = [core.centre, if precision > 0.0 { centre } else { core.centre }];
                let farthest = ends.map(|x| (x - guess.centre).abs());
                Placement { at_least: farthest[0].max(farthest[1]), ..placement }
            }
        };
        let table = tabulate(guess, placement, |theta| predicted.at(theta) + likelihood.at(theta));
        (table, (found.grid, at_nodes))
    }

    /// The predictive density itself, for a subgroup without data on its effect.
    fn predicted(&self, prediction: &Prediction) -> LogTable {
        let (mut terms, mut each) = (Vec::new(), Vec::new());
        let (table, _) = tabulate_around(prediction.core(), self.resolution.density(), |theta| {
            (prediction.log_density(theta, &mut terms, &mut each), ())
        });
        table
    }

    /// Mean and sd of μ plus `share` of τ² of variance, from the rows.
    fn row_moments(&self, share: f64) -> (f64, f64) {
        let (mut mean, mut square) = (0.0, 0.0);
        for row in &self.rows.rows {
            mean += row.share * row.mu.mean();
            square += row.share * (row.mu.expect(|x| x * x) + share * row.tau * row.tau);
        }
        (mean, libm::sqrt((square - mean * mean).max(0.0)))
    }

    /// Mean of μ, and the sd of μ widened by `tau_share` of the heterogeneity.
    fn mean_peak(&self, tau_share: f64) -> Peak {
        let (mut mean, mut square, mut spread) = (0.0, 0.0, 0.0);
        for row in &self.rows.rows {
            mean += row.share * row.mu.mean();
            square += row.share * row.mu.expect(|x| x * x);
            spread += row.share * row.tau.min(10.0);
        }
        let variance = (square - mean * mean).max(1e-300);
        Peak { centre: mean, sd: libm::hypot(libm::sqrt(variance), tau_share * spread) }
    }
}

/// Where every subgroup's likelihood is known.
fn known(likelihoods: &[EffectLikelihood]) -> (f64, f64) {
    likelihoods
        .iter()
        .fold((f64::NEG_INFINITY, f64::INFINITY), |(low, high), l| (low.max(l.known.0), high.min(l.known.1)))
}

/// So little of the posterior may lie where a likelihood is not known, or under a τ too wide for its table.
const UNKNOWN: f64 = 1e-6;

/// Nodes of a prediction for each of a density's own.
const INTERPOLATED: f64 = 0.65;
