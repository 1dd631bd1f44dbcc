//! Studies whose model is linear in its coefficients, several arms or several factors: sampled, as the exact engine integrates
//! two arms and one factor.

mod claims;
mod kept;
mod rows;

pub use claims::leaning;
pub use kept::{Keeps, Kept};
pub use rows::{Filling, From, minus};

use super::analysis::Report;
use super::assembly::Rows;
use super::block::Block;
use super::estimand::Estimand;
use super::fitting::Observer;
use super::importance::of_linear;
use super::names::Names;
use super::options::{Options, Sampling};
use super::parameter::Parameter;
use super::result::{Checks, Engine, ExactChecks, Probability, SamplerSettings, Settings, Stopped};
use super::sampled::Column;
use super::sampling::{Round, Unsampled, multiple_needed, rounds, summary};
use crate::density::LogDensity;
use crate::model::LinearDensity;
use crate::parallel;
use crate::sampler::{self, Recorded, Transition};
use crate::study::Study;

/// Draws from the prior: a Monte Carlo error of 0.005 at most.
const PRIOR_DRAWS: usize = 10_000;

/// What is asked of a linear model.
pub trait Question: Sync {
    /// What is kept of its draws.
    type Keeping: Keeps;

    /// Its draws as they are told.
    type Draws: ToldDraws + Default + Send + Sync;

    /// The study.
    fn study(&self) -> &Study;

    /// What is kept of its draws.
    fn keeping(&self) -> &Self::Keeping;

    /// Why the exact engine has no numbers.
    fn not_exact(&self) -> &'static str;

    /// Whether importance sampling from a normal approximation can speak of the posterior.
    fn has_second_opinion(&self) -> bool {
        true
    }

    /// Draws from the priors; none where one of them is flat.
    fn of_prior(&self, seed: u64, draws: usize) -> Option<Kept> {
        Kept::of_prior(self.keeping(), seed, draws)
    }

    /// Draws with what their columns are.
    fn told(&self, kept: Kept) -> Self::Draws;

    /// Every quantity that is reported.
    fn columns(&self, drawn: &Self::Draws) -> Vec<Column>;

    /// All rows, in the order of the result: what is shared, then the others.
    fn rows(&self, drawn: &Self::Draws, from: From) -> Vec<Block>;
}

/// Draws of a linear model as they are written.
pub trait ToldDraws {
    /// The columns, and how each draw came about.
    fn kept(&self) -> &Kept;

    /// The number of chains, and draws of each.
    fn shape(&self) -> (usize, usize) {
        (self.kept().chains, self.kept().draws)
    }

    /// The sampler's transition to each draw, chains one after another; empty for draws from a prior.
    fn transitions(&self) -> &[Transition] {
        &self.kept().transitions
    }

    /// The sampler's step size in each chain; empty for draws from a prior.
    fn step_sizes(&self) -> &[f64] {
        &self.kept().step_sizes
    }

    /// Every parameter with its draws.
    fn parameters(&self) -> Vec<(Parameter, &[f64])>;

    /// Every estimand with its draws, on the measure's own scale.
    fn estimands(&self, study: &Study) -> Vec<(Estimand, Vec<f64>)>;
}

/// A run of the chains.
struct Run<'d, Q: Question> {
    chains: Vec<Recorded<'d, LinearDensity>>,
    draws: Q::Draws,
    blocks: Vec<Block>,
    stopped: Stopped,
}

/// The results, and the draws they are from; none of these where nothing was sampled.
pub fn analyse<Q: Question>(
    question: &Q,
    options: Options,
    observer: &dyn Observer,
) -> (Report, Option<Q::Draws>) {
    let density = LinearDensity::new(question.keeping().linear());
    let asked = options.sampling;
    let sampled = options.engine != Engine::Exact;
    let (prior, run) = parallel::join(
        || {
            let kept = question.of_prior(asked.seed, PRIOR_DRAWS)?;
            Some(question.rows(&question.told(kept), From::Prior))
        },
        || {
            sampled.then(|| {
                observer.samples_several(&question.study().name);
                sample((question, &density), asked, observer)
            })
        },
    );
    let (run, unsampled) = match run {
        Some(Ok(run)) => (Some(run), None),
        Some(Err(why)) => (None, Some(why)),
        None => (None, None),
    };
    let mut report = put_together(question, options, run.as_ref(), unsampled);
    if let Some(prior) = prior {
        beside(&mut report, &prior);
    }
    let mut drawn = None;
    if let Some(run) = run {
        let chains = run.chains.iter().enumerate().map(|(c, chain)| summary(c + 1, chain)).collect();
        let mut checks = report.checks.clone();
        checks.gate_sampler(&report, chains);
        if question.has_second_opinion() {
            checks.importance = of_linear((question, &density), &run.draws, asked.seed);
            checks.gate_importance();
        }
        let least = checks.least_ess().unwrap_or(1.0);
        report.probabilities.iter_mut().for_each(|row| row.resolve(least));
        report.checks = checks;
        drawn = Some(run.draws);
    }
    (report, drawn)
}

/// The results under the priors alone; none under a flat effect prior.
pub fn prior_report<Q: Question>(question: &Q, options: Options) -> Option<Report> {
    let kept = question.of_prior(options.sampling.seed, PRIOR_DRAWS)?;
    let mut blocks = question.rows(&question.told(kept), From::Prior).into_iter();
    let shared = blocks.next().unwrap_or_default();
    let all = Rows { shared, subgroups: blocks.collect(), ..Default::default() };
    let settings = Settings {
        engine: Engine::Sampler,
        refinement: options.resolution.refinement,
        pairs: false,
        interval: 0.95,
        sampler: None,
    };
    Some(Report::of(Names::of(question.study()), all, settings, Checks::passed()))
}

/// Warms up and samples until the answer is sure. Arms without events, or with nothing else, end in a wall: a run that diverges
/// there is made again with shorter steps.
fn sample<'d, Q: Question>(
    (question, density): (&Q, &'d LinearDensity),
    asked: Sampling,
    observer: &dyn Observer,
) -> Result<Run<'d, Q>, Unsampled> {
    let walls = question.keeping().linear().has_walls();
    let run = towards(if walls { 0.9 } else { 0.8 }, (question, density), asked, observer)?;
    if has_diverged(&run.chains) && !observer.stopped() {
        return towards(0.99, (question, density), asked, observer);
    }
    Ok(run)
}

fn has_diverged(chains: &[Recorded<'_, LinearDensity>]) -> bool {
    chains.iter().any(|c| c.transitions.iter().any(|t| t.diverged))
}

fn towards<'d, Q: Question>(
    target_acceptance: f64,
    (question, density): (&Q, &'d LinearDensity),
    asked: Sampling,
    observer: &dyn Observer,
) -> Result<Run<'d, Q>, Unsampled> {
    let Sampling { seed, chains, warmup, .. } = asked;
    let settings = sampler::Settings { seed, chains, warmup, target_acceptance, ..Default::default() };
    let chains = sampler::start(density, density.middle(), &settings, observer).ok_or(Unsampled::NoStart)?;
    let mut run: Run<'d, Q> =
        Run { chains, draws: Q::Draws::default(), blocks: Vec::new(), stopped: Stopped::Sure };
    run.stopped = rounds((&asked, density.dim()), observer, |total| {
        sampler::extend(&mut run.chains, total, observer);
        run.draws = question.told(Kept::of_chains(question.keeping(), density, &run.chains));
        if run.draws.shape().1 == 0 {
            return Err(Unsampled::Interrupted);
        }
        run.blocks = question.rows(&run.draws, From::Posterior);
        let needed = multiple_needed(run.blocks.iter(), asked.mcse);
        Ok(Round { needed, diverged: has_diverged(&run.chains) })
    })?;
    Ok(run)
}

fn put_together<Q: Question>(
    question: &Q,
    options: Options,
    run: Option<&Run<'_, Q>>,
    unsampled: Option<Unsampled>,
) -> Report {
    let asked = options.sampling;
    // How a sampler ran that was never begun is nothing.
    let ran = run.is_some() || unsampled == Some(Unsampled::Interrupted);
    let sampler = ran.then(|| SamplerSettings {
        seed: asked.seed,
        chains: asked.chains,
        warmup: asked.warmup,
        draws: run.map_or(0, |run| run.draws.shape().1),
        mcse: if asked.draws.is_some() { None } else { Some(asked.mcse) },
        draws_asked: asked.draws,
        stopped: run.map_or(Stopped::Interrupted, |run| run.stopped),
    });
    let settings = Settings {
        engine: options.engine,
        refinement: options.resolution.refinement,
        pairs: false,
        interval: 0.95,
        sampler,
    };
    let passed = Checks::passed();
    let why = question.not_exact();
    let exact = ExactChecks { available: false, reason: Some(why.to_string()), ..passed.exact };
    let mut checks = Checks { exact, ..passed };
    match unsampled {
        Some(why) => checks.fail(format!("nothing was sampled: {why}")),
        None if run.is_none() => checks.fail(format!("{why}; leave out `--engine exact`")),
        None => {}
    }
    let mut all = Rows::default();
    if let Some(run) = run {
        let mut blocks = run.blocks.iter().cloned();
        all.shared = blocks.next().unwrap_or_default();
        all.subgroups = blocks.collect();
    }
    Report::of(Names::of(question.study()), all, settings, checks)
}

/// Puts the rows of the prior beside those of the posterior.
fn beside(report: &mut Report, prior: &[Block]) {
    for row in &mut report.parameters {
        let mut all = prior.iter().flat_map(|block| &block.parameters);
        row.prior = all.find(|p| p.parameter == row.parameter).and_then(|p| p.best());
    }
    let mut estimates = prior.iter().flat_map(|block| &block.estimates);
    for row in &mut report.estimates {
        // Both were made in the same order.
        row.prior = estimates.next().filter(|p| p.estimand == row.estimand).and_then(|p| p.best());
    }
    let mut probabilities = prior.iter().flat_map(|block| &block.probabilities);
    for row in &mut report.probabilities {
        row.prior = probabilities.next().filter(|p| p.estimand == row.estimand).and_then(Probability::best);
    }
}
