//! Studies with several active arms: sampled, as the exact engine integrates two arms at a time.

mod claims;
mod draws;
mod rows;

pub use draws::{ArmDraws, OfArms};
pub use rows::pairs as arm_pairs;

use super::analysis::Report;
use super::block::Block;
use super::fitting::Observer;
use super::importance::of_arms;
use super::names::Names;
use super::options::{Options, Sampling};
use super::result::{Checks, Engine, ExactChecks, Probability, SamplerSettings, Settings, Stopped};
use super::sampling::{Round, Unsampled, multiple_needed, rounds, summary};
use crate::density::LogDensity;
use crate::model::{ArmsModel, LinearDensity};
use crate::parallel;
use crate::sampler::{self, Recorded};
use crate::study::Study;
use rows::From;

/// Draws from the prior: a Monte Carlo error of 0.005 at most.
const PRIOR_DRAWS: usize = 10_000;

const NOT_EXACT: &str = "the exact engine has two arms, and this study has several active ones";

/// A run of the chains.
struct Run<'d> {
    chains: Vec<Recorded<'d, LinearDensity>>,
    draws: ArmDraws,
    blocks: Vec<Block>,
    stopped: Stopped,
}

/// The results of a study with several active arms; none of any other.
pub fn analyse(study: &Study, options: Options, observer: &dyn Observer) -> Option<Report> {
    let model = ArmsModel::of(study)?;
    let density = LinearDensity::new(&model.linear);
    let asked = options.sampling;
    let sampled = options.engine != Engine::Exact;
    let (prior, run) = parallel::join(
        || {
            let draws = ArmDraws::of_prior(&model, asked.seed, PRIOR_DRAWS)?;
            Some(rows::rows(study, &draws, From::Prior))
        },
        || {
            sampled.then(|| {
                observer.samples_arms(&study.name);
                sample(study, (&model, &density), asked, observer)
            })
        },
    );
    let (run, unsampled) = match run {
        Some(Ok(run)) => (Some(run), None),
        Some(Err(why)) => (None, Some(why)),
        None => (None, None),
    };
    let mut report = put_together(study, options, run.as_ref(), unsampled);
    if let Some(prior) = prior {
        beside(&mut report, &prior);
    }
    if let Some(run) = run {
        let chains = run.chains.iter().enumerate().map(|(c, chain)| summary(c + 1, chain)).collect();
        let mut checks = report.checks.clone();
        checks.gate_sampler(&report, chains);
        checks.importance = of_arms(study, (&model, &density), &run.draws, asked.seed);
        checks.gate_importance();
        let least = checks.least_ess().unwrap_or(1.0);
        report.probabilities.iter_mut().for_each(|row| row.resolve(least));
        report.checks = checks;
        report.arms = Some(run.draws);
        report.claims = claims::claims(study, &report);
    }
    if !report.checks.ok && !options.show_unreliable {
        report.withhold();
    }
    Some(report)
}

/// The results under the priors alone; none under a flat effect prior, and where there is one active arm.
pub fn prior_report(study: &Study, options: Options) -> Option<Report> {
    let draws = ArmDraws::of_prior(&ArmsModel::of(study)?, options.sampling.seed, PRIOR_DRAWS)?;
    let mut blocks = rows::rows(study, &draws, From::Prior).into_iter();
    let shared = blocks.next().unwrap_or_default();
    let all = super::assembly::Rows { shared, subgroups: blocks.collect(), ..Default::default() };
    let settings = Settings {
        engine: Engine::Sampler,
        refinement: options.resolution.refinement,
        pairs: false,
        interval: 0.95,
        sampler: None,
    };
    Some(Report::of(Names::of(study), all, settings, Checks::passed()))
}

/// Warms up and samples until the answer is sure. Arms without events, or with nothing else, end in a wall: a run that diverges
/// there is made again with shorter steps.
fn sample<'d>(
    study: &Study,
    (model, density): (&ArmsModel, &'d LinearDensity),
    asked: Sampling,
    observer: &dyn Observer,
) -> Result<Run<'d>, Unsampled> {
    let walls = model.linear.has_walls();
    let run = towards(if walls { 0.9 } else { 0.8 }, study, (model, density), asked, observer)?;
    if has_diverged(&run.chains) && !observer.stopped() {
        return towards(0.99, study, (model, density), asked, observer);
    }
    Ok(run)
}

fn has_diverged(chains: &[Recorded<'_, LinearDensity>]) -> bool {
    chains.iter().any(|c| c.transitions.iter().any(|t| t.diverged))
}

fn towards<'d>(
    target_acceptance: f64,
    study: &Study,
    (model, density): (&ArmsModel, &'d LinearDensity),
    asked: Sampling,
    observer: &dyn Observer,
) -> Result<Run<'d>, Unsampled> {
    let Sampling { seed, chains, warmup, .. } = asked;
    let settings = sampler::Settings { seed, chains, warmup, target_acceptance, ..Default::default() };
    let chains = sampler::start(density, density.middle(), &settings, observer).ok_or(Unsampled::NoStart)?;
    let mut run = Run { chains, draws: ArmDraws::default(), blocks: Vec::new(), stopped: Stopped::Sure };
    run.stopped = rounds((&asked, density.dim()), observer, |total| {
        sampler::extend(&mut run.chains, total, observer);
        run.draws = ArmDraws::of_chains(model, density, &run.chains);
        if run.draws.draws() == 0 {
            return Err(Unsampled::Interrupted);
        }
        run.blocks = rows::rows(study, &run.draws, From::Posterior);
        let needed = multiple_needed(run.blocks.iter(), asked.mcse);
        Ok(Round { needed, diverged: has_diverged(&run.chains) })
    })?;
    Ok(run)
}

fn put_together(
    study: &Study,
    options: Options,
    run: Option<&Run<'_>>,
    unsampled: Option<Unsampled>,
) -> Report {
    let asked = options.sampling;
    // How a sampler ran that was never begun is nothing.
    let ran = run.is_some() || unsampled == Some(Unsampled::Interrupted);
    let sampler = ran.then(|| SamplerSettings {
        seed: asked.seed,
        chains: asked.chains,
        warmup: asked.warmup,
        draws: run.map_or(0, |run| run.draws.draws()),
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
    let exact = ExactChecks { available: false, reason: Some(NOT_EXACT.to_string()), ..passed.exact };
    let mut checks = Checks { exact, ..passed };
    match unsampled {
        Some(why) => checks.fail(format!("nothing was sampled: {why}")),
        None if run.is_none() => checks.fail(format!("{NOT_EXACT}; leave out `--engine exact`")),
        None => {}
    }
    let mut all = super::assembly::Rows::default();
    if let Some(run) = run {
        let mut blocks = run.blocks.iter().cloned();
        all.shared = blocks.next().unwrap_or_default();
        all.subgroups = blocks.collect();
    }
    Report::of(Names::of(study), all, settings, checks)
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

impl Report {
    /// The probability of each arm of several to be the best in subgroup `g`, control first; empty where there is one active
    /// arm, and where numbers are withheld.
    pub fn best_arms(&self, g: usize) -> Vec<f64> {
        use super::estimand::{Arms, Estimand, Measure, Statement, Whom};
        let of = |a: usize| Estimand::new(Whom::Subgroup(g), Measure::Rank).of_arms(Arms::One(a));
        let best = |a| self.probability(of(a), Statement::Best, 1.0).and_then(Probability::best);
        (0..self.names.arms.len()).map_while(best).collect()
    }
}
