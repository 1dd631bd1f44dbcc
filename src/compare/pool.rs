//! Sampled fits under a few priors, whose draws are weighted for all others.
//!
//! The data and everything below the effects have one likelihood, whatever the priors of μ and τ: a draw of effects θ under some
//! of them is one under others with the weight p(θ | others)/p(θ | some), all else as it is. Draws of several fits are one
//! sample of their mixture (Shirts & Chodera, J Chem Phys 2008;129:124105, for how much of each is in it):
//!
//! ```text
//! w_i ∝ p(θ_i | asked) / Σ_a n_a p(θ_i | a)/Z_a,     Z_a = Σ_i p(θ_i | a) / Σ_b n_b p(θ_i | b)/Z_b
//! ```
//!
//! Where the exact engine has the effects, each subgroup's weights are ratios of its own effect's posterior densities. A weighted
//! answer counts where the Pareto k of its weights can be trusted and every probability is known as well as was asked; otherwise
//! the priors are sampled, and join the pool.

use std::sync::Arc;

use super::question::Question;
use super::refit::{Answers, variant};
use crate::exact::ExactPosterior;
use crate::model::Model;
use crate::parallel;
use crate::posterior::{
    Effects, Engine, Integrals, Observer, Options, Probability, Report, SampledPosterior, Sampling, Target,
    Weights, analyse_reweighted, analyse_watched, chance, psis_threshold, smooth,
};
use crate::study::{Pooling, Study};

/// Draws of a pool at most: more would take longer to weigh than to make.
const MOST_DRAWS: usize = 250_000;

/// How much better a fit is known whose draws are to be weighted for others.
const FINER: f64 = 0.6;

/// Weights that can be trusted, and what they answer.
struct Weighing {
    /// The pool's draws when they were made.
    draws: Arc<Drawn>,
    weights: Weights,
    answers: Answers,
    k: f64,
}

/// Draws of several fits.
struct Drawn {
    posterior: SampledPosterior,
    effects: Effects,
    /// By question, whether it holds at each draw.
    holds: Vec<Vec<bool>>,
}

/// Fits of one kind, and their draws as one sample.
#[derive(Default)]
struct Pool {
    targets: Vec<Target>,
    sizes: Vec<usize>,
    efficiency: f64,
    draws: Option<Arc<Drawn>>,
    /// By group and draw: the log density of the mixture.
    mixture: Vec<Vec<f64>>,
    logs_of_parts: Vec<f64>,
}

/// The pools of one study.
pub struct Pools {
    study: Study,
    questions: Vec<Question>,
    options: Options,
    /// Whether effects have exact posteriors.
    exact: bool,
    /// Effects that differ, and one effect for all; a single pool where effects are exact.
    pools: [Pool; 2],
    /// How many priors were sampled and joined, how many are weighted draws, and the largest Pareto k of their weights.
    pub sampled: usize,
    pub weighted: usize,
    pub worst_k: f64,
}

impl Pools {
    /// `options` are those of whole fits; `exact` where effects are integrated.
    pub fn new(study: &Study, questions: &[Question], options: Options, exact: bool) -> Pools {
        Pools {
            study: study.clone(),
            questions: questions.to_vec(),
            options: Options { adjusted_only: true, ..options },
            exact,
            pools: Default::default(),
            sampled: 0,
            weighted: 0,
            worst_k: f64::NEG_INFINITY,
        }
    }

    fn class_of(&self, target: &Target) -> usize {
        usize::from(!self.exact && target.pooling == Pooling::Complete)
    }

    /// Takes up a fit that was made elsewhere.
    pub fn take_up(&mut self, target: Target, report: &Report) {
        let class = self.class_of(&target);
        let (true, Some(draws)) = (report.checks.ok, &report.sampled) else { return };
        if self.pools[class].sizes.iter().sum::<usize>() + draws.chains * draws.draws > MOST_DRAWS {
            return;
        }
        let asked = Question::rows(&self.questions, report);
        let worth = |row: Option<&Probability>| Some(row?.ess? / (draws.chains * draws.draws) as f64);
        let efficiency = asked.into_iter().filter_map(worth).fold(1.0, f64::min);
        let holds: Option<Vec<Vec<bool>>> =
            parallel::map(&self.questions, |q| holding(&self.study, draws, q)).into_iter().collect();
        let Some(holds) = holds else { return };
        let pool = &self.pools[class];
        let own = draws.clone().of_subgroups_alone();
        let (posterior, holds) = match &pool.draws {
            None => (own, holds),
            Some(before) => {
                let joined = SampledPosterior::joined(vec![before.posterior.clone(), own]);
                let both = before.holds.iter().zip(holds).map(|(a, b)| [a.as_slice(), &b].concat());
                (joined, both.collect())
            }
        };
        let drawn = Drawn { effects: Effects::of(&posterior), posterior, holds };
        let mut targets = pool.targets.clone();
        targets.push(target);
        let densities: Option<Vec<Vec<Vec<f64>>>> =
            targets.iter().map(|target| self.log_densities(target, &drawn, &())).collect();
        let Some(densities) = densities else { return };
        let exact = self.exact;
        let pool = &mut self.pools[class];
        pool.targets = targets;
        pool.sizes.push(draws.chains * draws.draws);
        pool.efficiency = if pool.sizes.len() == 1 { efficiency } else { pool.efficiency.min(efficiency) };
        pool.logs_of_parts.push(0.0);
        pool.mixture = mixed(&densities, &pool.sizes, &mut pool.logs_of_parts, exact);
        pool.draws = Some(Arc::new(drawn));
    }

    /// The log densities of the effects under a target at a pool's draws, up to a constant: of all together, or exactly of each.
    fn log_densities(
        &self,
        target: &Target,
        drawn: &Drawn,
        observer: &dyn Observer,
    ) -> Option<Vec<Vec<f64>>> {
        if !self.exact {
            return Some(vec![drawn.effects.log_densities(target)?]);
        }
        let study = self.study_under(target);
        let posterior = Integrals::default().of(&study.name, &Model::of(&study), observer).ok()?;
        exact_densities(&posterior, &drawn.posterior)
    }

    fn study_under(&self, target: &Target) -> Study {
        variant(&self.study, target.pooling, (&target.effect, "", target.heterogeneity.as_ref()))
    }

    /// Weights for these priors where they can be trusted.
    fn weigh(&self, target: &Target) -> Option<Weighing> {
        let class = self.class_of(target);
        let pool = &self.pools[class];
        let draws = pool.draws.as_ref()?;
        let densities = self.log_densities(target, draws, &())?;
        let (mut by, mut k) = (Vec::new(), f64::NEG_INFINITY);
        for (own, mixture) in densities.iter().zip(&pool.mixture) {
            let ratios: Vec<f64> = own.iter().zip(mixture).map(|(a, b)| a - b).collect();
            let smoothed = smooth(&ratios, pool.efficiency);
            if smoothed.k > psis_threshold(ratios.len()) {
                return None;
            }
            k = k.max(smoothed.k);
            by.push(smoothed.weights);
        }
        let weights = Weights::new(by, pool.efficiency);
        let mut answers = Vec::new();
        for (q, holds) in self.questions.iter().zip(&draws.holds) {
            let found = chance(weights.of(q.subgroup), weights.efficiency, |i| holds[i]);
            // Of an effect that is integrated nothing is asked here.
            let known = self.exact && q.effect_bound().is_some();
            if !known && found.mcse.is_none_or(|error| error > self.options.sampling.mcse) {
                return None;
            }
            answers.push((!known).then_some(found.probability));
        }
        Some(Weighing { draws: Arc::clone(draws), weights, answers, k })
    }

    /// All questions under each of these priors; none where a fit of its own did not pass its checks.
    pub fn answers(&mut self, targets: &[Target], observer: &dyn Observer) -> Vec<Option<Answers>> {
        let questions = self.questions.clone();
        let by_weights = |_: &Pools, _, weighing: Weighing| Some(weighing.answers);
        let by_fit = |report: Report| {
            let rows = Question::rows(&questions, &report).into_iter();
            report.checks.ok.then(|| rows.map(|row| row.and_then(Probability::best)).collect())
        };
        self.find((targets, observer), by_weights, by_fit)
    }

    /// The results of the study under each of these priors.
    pub fn reports(&mut self, targets: &[Target], observer: &dyn Observer) -> Vec<Report> {
        let by_weights = |pools: &Pools, i: usize, weighing: Weighing| {
            let engine = if pools.exact { Engine::Both } else { Engine::Sampler };
            let options = Options { engine, ..pools.options };
            let Weighing { draws, weights, .. } = weighing;
            let weights = weights.with_hyper(&draws.effects, &targets[i], options.sampling.seed);
            let study = pools.study_under(&targets[i]);
            analyse_reweighted(&study, options, (&draws.posterior, &weights), observer)
        };
        self.find((targets, observer), by_weights, |report| report)
    }

    /// What is made of each of these priors. Those that the pool does not answer are sampled, beginning with the one in the
    /// middle, whose draws may answer the others.
    fn find<T: Send>(
        &mut self,
        (targets, observer): (&[Target], &dyn Observer),
        by_weights: impl Fn(&Pools, usize, Weighing) -> T + Sync,
        by_fit: impl Fn(Report) -> T,
    ) -> Vec<T> {
        let mut found: Vec<Option<T>> = targets.iter().map(|_| None).collect();
        loop {
            let left: Vec<usize> = (0..targets.len()).filter(|i| found[*i].is_none()).collect();
            let weighed = parallel::map(&left, |i| {
                let weighing = self.weigh(&targets[*i])?;
                Some((weighing.k, by_weights(self, *i, weighing)))
            });
            for (i, one) in left.iter().zip(weighed) {
                let Some((k, made)) = one else { continue };
                self.weighted += 1;
                self.worst_k = self.worst_k.max(k);
                found[*i] = Some(made);
            }
            let left: Vec<usize> = left.into_iter().filter(|i| found[*i].is_none()).collect();
            let Some(middle) = left.get(left.len() / 2) else { break };
            found[*middle] = Some(by_fit(self.sample(&targets[*middle], observer)));
        }
        found.into_iter().flatten().collect()
    }

    /// A fit of its own, which joins the pool.
    fn sample(&mut self, target: &Target, observer: &dyn Observer) -> Report {
        let asked = self.options.sampling;
        let sampling = Sampling { mcse: FINER * asked.mcse, ..asked };
        let engine = if self.exact { Engine::Both } else { Engine::Sampler };
        let options = Options { engine, sampling, ..self.options };
        let study = self.study_under(target);
        let mut report = analyse_watched(&study, options, Integrals::default(), observer).report;
        self.sampled += 1;
        self.take_up(target.clone(), &report);
        report.sampled = None;
        report
    }
}

/// Of every subgroup's effect, at its own draws.
fn exact_densities(posterior: &ExactPosterior, draws: &SampledPosterior) -> Option<Vec<Vec<f64>>> {
    let of = |g: usize| posterior.theta(g).log_densities(&draws.theta[g]);
    parallel::range(0..draws.theta.len(), of).into_iter().collect()
}

/// Whether a statement holds, by draw.
fn holding(study: &Study, draws: &SampledPosterior, q: &Question) -> Option<Vec<bool>> {
    let column = draws.of_subgroup(study, q.subgroup, q.measure)?;
    Some(column.iter().map(|x| (*x > q.bound()) == q.holds_above()).collect())
}

/// The log density of the mixture of all parts, by group and draw. Unless densities are normalised the logarithms of what the parts'
/// must be divided by are found from the draws, beginning with those given.
fn mixed(densities: &[Vec<Vec<f64>>], sizes: &[usize], logs: &mut [f64], normalised: bool) -> Vec<Vec<f64>> {
    let groups = densities.first().map_or(0, Vec::len);
    let one = |group: usize, logs: &[f64]| -> Vec<f64> {
        let parts: Vec<(&[f64], f64)> = densities
            .iter()
            .zip(sizes.iter().zip(logs))
            .map(|(of, (size, log))| (of[group].as_slice(), libm::log(*size as f64) - log))
            .collect();
        let at = |i: usize| {
            let high = parts.iter().map(|(of, by)| of[i] + by).fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 =
                parts.iter().map(|(of, by)| crate::numeric::exp_of_nonpositive(of[i] + by - high)).sum();
            high + libm::log(sum)
        };
        in_pieces(parts[0].0.len(), at)
    };
    if !normalised {
        for _ in 0..MOST_ROUNDS {
            let mixture = one(0, logs);
            let next: Vec<f64> = densities.iter().map(|of| log_mean_ratio(&of[0], &mixture)).collect();
            let moved = next.iter().zip(&*logs).map(|(a, b)| ((a - next[0]) - (b - logs[0])).abs());
            let moved = moved.fold(0.0, f64::max);
            logs.copy_from_slice(&next);
            if moved < STILL {
                break;
            }
        }
    }
    parallel::range(0..groups, |group| one(group, logs))
}

/// Rounds in which the parts' shares are found, and a change that is none.
const MOST_ROUNDS: usize = 60;
const STILL: f64 = 1e-4;

/// `f` of every draw, in parallel.
fn in_pieces(n: usize, f: impl Fn(usize) -> f64 + Sync) -> Vec<f64> {
    const PIECE: usize = 4096;
    let pieces = parallel::range(0..n.div_ceil(PIECE), |piece| {
        (piece * PIECE..((piece + 1) * PIECE).min(n)).map(&f).collect::<Vec<f64>>()
    });
    pieces.concat()
}

/// `log Σ e^(a − b)`.
fn log_mean_ratio(a: &[f64], b: &[f64]) -> f64 {
    let high = a.iter().zip(b).map(|(a, b)| a - b).fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = a.iter().zip(b).map(|(a, b)| crate::numeric::exp_of_nonpositive(a - b - high)).sum();
    high + libm::log(sum)
}
