//! What each side has to say of a study: the exact engine, the priors alone, and the chains; and the report that they make
//! together.

use std::sync::Arc;

use super::agreement::{Agreement, agreement};
use super::analysis::Report;
use super::assembly::{Assembly, Rows};
use super::block::Block;
use super::claim::{Claim, Method, Says, Topic};
use super::empirical::Empirical;
use super::fitted_elsewhere::reweighted;
use super::fitting::{Integrals, Observer};
use super::options::{Detail, Options};
use super::result::{Checks, Engine, ExactChecks, SamplerSettings, Settings, Stopped};
use super::sampled::SampledPosterior;
use super::sampling::{Run, Unsampled};
use super::source::Source;
use crate::exact::{Distribution, ExactPosterior, Resolution, Unavailable};
use crate::model::{BaselinePrior, Model};
use crate::parallel;

/// Draws from the prior, where it has to be simulated: a Monte Carlo error of 0.005 at most.
const PRIOR_DRAWS: usize = 10_000;

/// τ's distribution has hardly moved when no quantile of it moved by more than this much probability.
const HARDLY_MOVED: f64 = 0.1;

/// Whether the exact engine covers effects before the data alone: exchangeable baselines, covariates or centres, and departures
/// from proportional odds.
pub fn has_no_exact_risks(model: &Model) -> bool {
    let baseline = model.observation.baseline_prior();
    let levels = model.observation.cells().and_then(|cells| cells.levels());
    if levels.is_some_and(|levels| levels.departure.is_some()) {
        return true;
    }
    matches!(baseline, Some(BaselinePrior::Exchangeable { .. })) || model.observation.rows().is_some()
}

/// The exact posterior and its rows, or the reason why there is none.
pub struct ExactSide {
    pub posterior: Result<Arc<ExactPosterior>, Option<Unavailable>>,
    pub rows: Rows,
}

impl ExactSide {
    pub fn new(
        (model, known): (&Model, &Integrals),
        assembly: &Assembly<'_>,
        options: Options,
        observer: &dyn Observer,
    ) -> ExactSide {
        if options.engine == Engine::Sampler {
            return ExactSide { posterior: Err(None), rows: Rows::default() };
        }
        let name = &assembly.study.name;
        let posterior = if options.resolution == Resolution::default() {
            known.of(name, model, observer)
        } else {
            observer.integrates(name, model);
            ExactPosterior::new(model, options.resolution).map(Arc::new)
        };
        let rows = posterior.as_ref().map(|p| assembly.rows(Source::Exact(p), "")).unwrap_or_default();
        ExactSide { posterior: posterior.map_err(Some), rows }
    }

    pub fn reason(&self) -> Option<String> {
        match &self.posterior {
            Ok(_) => None,
            Err(None) => Some("the exact engine was not asked for".to_string()),
            Err(Some(e)) => Some(e.to_string()),
        }
    }
}

/// The model before any data. Neither part is there under a flat prior.
pub struct PriorSide {
    /// One subgroup stands for all, two for all pairs.
    pub exact: Option<ExactPosterior>,
    /// For risks over all patients and contrasts of risks; where the exact engine has no risks, for all of them.
    simulated: Option<SampledPosterior>,
    whole: bool,
    kinds: Block,
    /// Every subgroup's and pair's own, where their patients differ.
    own: Option<Rows>,
}

impl PriorSide {
    pub fn new(model: &Model, assembly: &Assembly<'_>, options: Options) -> PriorSide {
        let counts = model.observation.cells().is_some();
        let whole = has_no_exact_risks(model);
        // Effects have the same prior whatever the baselines have.
        let empty = if whole { model.of_effects_alone(2) } else { model.without_data(2) };
        let wanted = counts && options.engine != Engine::Exact && options.detail != Detail::Cuts;
        let (exact, simulated) = parallel::join(
            || {
                if model.effect.is_proper() {
                    ExactPosterior::new(&empty, options.resolution).ok()
                } else {
                    None
                }
            },
            || {
                let seed = options.sampling.seed;
                if wanted { SampledPosterior::of_prior(model, seed, PRIOR_DRAWS) } else { None }
            },
        );
        let mut side = PriorSide { exact, simulated, whole, kinds: Block::default(), own: None };
        let (mut kinds, exact) = parallel::join(
            || assembly.kinds(side.simulated_source()),
            || side.exact.as_ref().map(|p| assembly.kinds(Source::Exact(p))),
        );
        if let Some(exact) = exact {
            kinds.put_exact(&exact);
        }
        side.kinds = kinds;
        if model.observation.rows().is_some() && side.simulated.is_some() {
            side.own = Some(assembly.rows_of_risks(side.simulated_source()));
        }
        side
    }

    pub fn simulated_source(&self) -> Source<'_> {
        match &self.simulated {
            Some(prior) => Source::Simulated { prior, whole: self.whole },
            None => Source::Nothing,
        }
    }
}

/// Both engines' results and the priors, to be put together.
pub struct Sides<'a> {
    pub assembly: &'a Assembly<'a>,
    pub exact: ExactSide,
    pub prior: PriorSide,
    pub options: Options,
}

impl Sides<'_> {
    pub fn report(&self, run: Option<&Run<'_>>, unsampled: Option<Unsampled>) -> Report {
        let exact = self.exact.posterior.as_deref().ok();
        let rows = match (run, exact) {
            (Some(run), _) => run.rows.clone(),
            (None, Some(_)) => self.exact.rows.clone(),
            (None, None) => {
                let reason = self.exact.reason();
                let reason = unsampled.map(|u| u.to_string()).or(reason).unwrap_or_default();
                self.assembly.rows(Source::Nothing, &reason)
            }
        };
        let mut report = self.put_together(rows, self.settings(run, unsampled));
        report.checks = self.checks(&report, run, unsampled);
        report.heterogeneity_learned = self.learned(run);
        if let Some(distance) = report.heterogeneity_learned.filter(|d| *d < HARDLY_MOVED) {
            let method = if exact.is_some() { Method::Exact } else { Method::Sampled };
            let says = Says::HeterogeneityUnlearned { distance };
            report.claims.push(Claim::of_all(self.assembly.study, Topic::Heterogeneity, method, says));
        }
        report
    }

    /// Sampled rows with the exact engine's numbers, the priors' and the data's beside them.
    fn put_together(&self, mut rows: Rows, settings: Settings) -> Report {
        if self.exact.posterior.is_ok() {
            rows.put_exact(&self.exact.rows);
        }
        let theta = self.prior.exact.as_ref().map(|p| p.theta(0));
        let least_ess = rows.blocks().filter_map(Block::least_ess).reduce(f64::min).unwrap_or(1.0);
        for block in rows.blocks_mut() {
            block.put_resolution(least_ess);
            block.report_exact();
            block.beside(&self.prior.kinds);
            block.beside_observed(self.assembly.study);
            self.assembly.put_nnt(block);
        }
        if let Some(own) = &self.prior.own {
            let blocks = rows.subgroups.iter_mut().chain(&mut rows.pairs);
            blocks
                .zip(own.subgroups.iter().chain(&own.pairs))
                .for_each(|(block, own)| block.beside_own_risks(own));
        }
        for block in &mut rows.subgroups {
            if let Some(theta) = &theta {
                self.assembly.put_prior_at_control_risk(block, &**theta);
            }
            block.claim = self.assembly.claim(block);
        }
        if let Some(prior) = &self.prior.simulated {
            self.assembly.put_overall_prior_at_control_risk(&mut rows, prior);
        }
        Report::of(self.assembly.names.clone(), rows, settings, Checks::passed())
    }

    /// The report of rows that are weighted draws of fits that passed their checks.
    pub fn reweighted(&self, rows: Rows) -> Report {
        let mut report = self.put_together(rows, self.settings(None, None));
        report.checks.exact = ExactChecks {
            available: self.exact.posterior.is_ok(),
            reason: self.exact.reason(),
            proven: report.proven(),
            unsettled: report.unsettled(),
            ..report.checks.exact
        };
        report
    }

    fn settings(&self, run: Option<&Run<'_>>, unsampled: Option<Unsampled>) -> Settings {
        let asked = self.options.sampling;
        let interrupted = unsampled.filter(|u| *u == Unsampled::Interrupted);
        let none = interrupted.map(|_| SamplerSettings {
            seed: asked.seed,
            chains: asked.chains,
            warmup: asked.warmup,
            draws: 0,
            mcse: if asked.draws.is_some() { None } else { Some(asked.mcse) },
            draws_asked: asked.draws,
            stopped: Stopped::Interrupted,
        });
        Settings {
            engine: self.options.engine,
            refinement: self.options.resolution.refinement,
            pairs: self.assembly.has_pairs(),
            interval: 0.95,
            sampler: run.map(Run::settings).or(none),
        }
    }

    fn checks(&self, report: &Report, run: Option<&Run<'_>>, unsampled: Option<Unsampled>) -> Checks {
        let exact = self.exact.posterior.as_deref().ok();
        let mut checks = Checks::passed();
        if let Some(run) = run {
            checks.gate_sampler(report, run.chain_summaries());
        }
        let agreement = match (run, exact) {
            (Some(run), Some(_)) => agreement(report, &run.posterior, checks.least_ess().unwrap_or(1.0)),
            _ => Agreement::default(),
        };
        checks.exact = ExactChecks {
            available: exact.is_some(),
            reason: self.exact.reason(),
            comparisons: agreement.comparisons,
            max_abs_z: agreement.max_abs_z,
            allowed_abs_z: agreement.allowed(),
            log_marginal_likelihood: exact.and_then(ExactPosterior::log_marginal_likelihood),
            proven: report.proven(),
            unsettled: report.unsettled(),
        };
        checks.gate_agreement();
        if let Some(run) = run.filter(|run| run.has_second_opinion() && self.options.detail != Detail::Brief)
        {
            checks.importance = run.importance(
                self.assembly.study,
                self.assembly.has_pairs() && self.options.detail == Detail::Full,
            );
            checks.gate_importance();
        }
        if let (Some(exact), Detail::Full) = (exact, self.options.detail) {
            let study = self.assembly.study;
            checks.draws = study.draws.as_ref().and_then(|_| reweighted(study, &Model::of(study), exact));
            checks.draws.and_then(|d| d.fault()).into_iter().for_each(|why| checks.fail(why));
        }
        match unsampled {
            // The integrals stand by themselves.
            Some(Unsampled::Interrupted) if checks.exact.available => {}
            Some(e) => checks.fail(format!("nothing was sampled: {e}")),
            None => {}
        }
        if run.is_none() && unsampled.is_none() && !checks.exact.available {
            checks.fail(format!(
                "the exact engine does not cover this model: {}; leave out `--engine exact`",
                self.exact.reason().unwrap_or_default()
            ));
        }
        checks
    }

    /// Kolmogorov's distance between τ before and after the data, over nineteen quantiles of either.
    fn learned(&self, run: Option<&Run<'_>>) -> Option<f64> {
        let drawn = run.and_then(|r| r.posterior.tau.as_ref()).map(|t| Empirical::of(t));
        let exact = self.exact.posterior.as_deref().ok().and_then(ExactPosterior::tau);
        let posterior = exact.or(drawn.as_ref().map(|d| d as &dyn Distribution))?;
        let prior = self.prior.exact.as_ref()?.tau()?;
        let gap = |a: &dyn Distribution, b: &dyn Distribution, p: f64| (a.cdf(b.quantile(p)) - p).abs();
        let points = (1..20).map(|i| f64::from(i) / 20.0);
        Some(points.map(|p| gap(prior, posterior, p).max(gap(posterior, prior, p))).fold(0.0, f64::max))
    }
}
