//! The analysis of a study: both engines, the priors beside them, and the checks.

use std::sync::{Arc, OnceLock};

use super::agreement::{Agreement, agreement};
use super::assembly::{Assembly, Rows, UNPROVEN};
use super::baseline_conflict::{BaselineConflict, baseline_conflicts};
use super::block::Block;
use super::claim::{Claim, Method, Says, Topic};
use super::effect_conflict::{EffectConflict, effect_conflict};
use super::estimand::{Estimand, Measure, Statement};
use super::fitting::{Integrals, Observer};
use super::names::Names;
use super::options::{Detail, Options};
use super::parameter::Parameter;
use super::result::{
    Checks, Engine, Estimate, ExactChecks, ParameterRow, Probability, SamplerSettings, Settings, Stopped,
};
use super::sampled::{Empirical, SampledPosterior};
use super::sampling::{Run, Unsampled};
use super::source::Source;
use crate::exact::{Distribution, ExactPosterior, Resolution, Unavailable};
use crate::model::{BaselinePrior, Hierarchy, Model};
use crate::parallel;
use crate::study::Study;

/// Draws from the prior, where it has to be simulated: a Monte Carlo error of 0.005 at most.
const PRIOR_DRAWS: usize = 10_000;

/// τ's distribution has hardly moved when no quantile of it moved by more than this much probability.
const HARDLY_MOVED: f64 = 0.1;

/// A risk difference that few treatments have. How probable it is under the prior alone is always reported.
pub const LARGE: f64 = 0.2;

/// The results of a study: every estimate and probability, with the settings and checks behind them.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Report {
    /// How the numbers were made.
    pub settings: Settings,
    /// Whether the numbers can be relied on, and the diagnostics that this rests on.
    pub checks: Checks,
    /// The names of the subgroups and terms whose places are in the rows' keys.
    pub names: Names,
    /// One row per parameter of the model.
    pub parameters: Vec<ParameterRow>,
    /// One row per estimand.
    pub estimates: Vec<Estimate>,
    /// One row per statement about an estimand.
    pub probabilities: Vec<Probability>,
    /// One claim per subgroup, and one about τ where the data have hardly any information about it; empty where the
    /// numbers are withheld.
    pub claims: Vec<Claim>,
    /// How much the data have changed the distribution of τ: the largest distance between its distribution functions
    /// before and after the data, from 0 to 1. None where τ is not estimated, or its prior has no exact distribution.
    pub heterogeneity_learned: Option<f64>,
    /// The draws; none where nothing was sampled.
    pub sampled: Option<SampledPosterior>,
    /// Whether the numbers were withheld because the run failed its checks.
    pub withheld: bool,
    /// The results without the bias that the study allows for; none where it allows for none.
    pub unadjusted: Option<Box<Report>>,
    /// Made when first asked for.
    baseline_conflicts: OnceLock<Vec<BaselineConflict>>,
    /// Made when first asked for.
    effect_conflict: OnceLock<Option<EffectConflict>>,
}

/// The results of a study together with what was integrated for them, for further questions.
pub struct Analysis {
    /// What the study was fitted under.
    pub options: Options,
    /// The results.
    pub report: Report,
    /// The exact posterior, for further questions; none where the exact engine does not cover the model, or was not
    /// asked for.
    pub exact: Option<Arc<ExactPosterior>>,
    /// Every integral that was known before or made for the results.
    pub integrals: Integrals,
}

/// Fits the study, and its priors beside it. A study that allows for a bias is fitted a second time without it.
pub fn analyse(study: &Study, options: Options) -> Report {
    analyse_watched(study, options, Integrals::default(), &()).report
}

/// Like [`analyse`], but tells `observer`, which may stop the sampler, of progress and of every fit. What is `known` is
/// not integrated again, and what is integrated is kept.
pub fn analyse_watched(
    study: &Study,
    options: Options,
    known: Integrals,
    observer: &dyn Observer,
) -> Analysis {
    let mut analysis = analyse_once(study, options, known, observer);
    if let Some(without) = study.without_bias().filter(|_| !options.adjusted_only) {
        let without = analyse_once(&without, options, analysis.integrals, observer);
        analysis.report.put_unadjusted(without.report);
        analysis.integrals = without.integrals;
    }
    analysis
}

fn analyse_once(
    study: &Study,
    options: Options,
    mut integrals: Integrals,
    observer: &dyn Observer,
) -> Analysis {
    let model = Model::of(study);
    let assembly = Assembly::new(study, &model, options);
    let hierarchy = (options.engine != Engine::Exact)
        .then(|| Hierarchy::new(&model).beside_chains(options.sampling.chains));
    let alone = options.engine == Engine::Sampler || has_no_exact_risks(&model);
    let ((exact, prior), run) = parallel::join(
        || {
            parallel::join(
                || ExactSide::new((&model, &integrals), &assembly, options, observer),
                || PriorSide::new(&model, &assembly, options),
            )
        },
        || {
            hierarchy.as_ref().map(|h| {
                observer.samples(&study.name, &model);
                Run::new((&model, h), &assembly, options.sampling, alone, observer)
            })
        },
    );
    let (mut run, mut unsampled) = match run {
        Some(Ok(run)) => (Some(run), None),
        Some(Err(e)) => (None, Some(e)),
        None => (None, None),
    };
    if let (Some(run), Err(_)) = (&mut run, &exact.posterior) {
        run.alone(&assembly);
    }
    let sides = Sides { assembly: &assembly, exact, prior, options };
    let mut report = sides.report(run.as_ref(), unsampled);
    if let Some(run) = &mut run
        && run.is_open_ended()
        && !report.checks.exact.agrees()
        && run.double(&assembly, observer).is_ok()
    {
        report = sides.report(Some(run), None);
    }
    // Too few draws have no information, but what was integrated remains valid.
    let too_few = !report.checks.ok && report.checks.only_too_few();
    if run.as_ref().is_some_and(Run::was_interrupted) && too_few && sides.exact.posterior.is_ok() {
        (run, unsampled) = (None, Some(Unsampled::Interrupted));
        report = sides.report(None, unsampled);
    }
    report.sampled = run.map(|run| run.posterior);
    if !report.checks.ok && !options.show_unreliable {
        report.withhold();
    }
    let exact = sides.exact.posterior.as_ref().ok().cloned();
    let integral = match sides.exact.posterior {
        Ok(posterior) => Some(Ok(posterior)),
        Err(why) => why.map(Err),
    };
    if let Some(integral) = integral.filter(|_| options.resolution == Resolution::default())
        && integrals.find(&model).is_none()
    {
        integrals.add(model, integral);
    }
    Analysis { options, report, exact, integrals }
}

/// The results under the priors alone for the first two subgroups, which stand for all; none under a flat effect
/// prior or where the exact engine does not cover the model.
pub fn prior_report(study: &Study, options: Options) -> Option<Report> {
    let model = Model::of(study);
    let mut study = Study { data: study.data.first(2), ..study.clone() };
    if study.data.has_risks() {
        study.thresholds.include(Measure::RiskDifference, LARGE);
    }
    let assembly = Assembly::new(&study, &model, options);
    let prior = PriorSide::new(&model, &assembly, options);
    let mut rows = assembly.rows(prior.simulated_source(), "");
    rows.put_exact(&assembly.rows(Source::Exact(prior.exact.as_ref()?), ""));
    rows.blocks_mut().for_each(Block::report_exact);
    for block in rows.blocks_mut() {
        block.estimates.retain(|e| e.estimand.measure != Measure::Shrinkage);
    }
    let settings = Settings {
        engine: Engine::Exact,
        refinement: options.resolution.refinement,
        pairs: assembly.has_pairs(),
        interval: 0.95,
        sampler: None,
    };
    Some(Report::of(assembly.names, rows, settings, Checks::passed()))
}

/// Whether the exact engine covers effects before the data alone: exchangeable baselines, and covariates or centres.
fn has_no_exact_risks(model: &Model) -> bool {
    let baseline = model.observation.baseline_prior();
    matches!(baseline, Some(BaselinePrior::Exchangeable { .. })) || model.observation.rows().is_some()
}

/// The exact posterior and its rows, or the reason why there is none.
struct ExactSide {
    posterior: Result<Arc<ExactPosterior>, Option<Unavailable>>,
    rows: Rows,
}

impl ExactSide {
    fn new(
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

    fn reason(&self) -> Option<String> {
        match &self.posterior {
            Ok(_) => None,
            Err(None) => Some("the exact engine was not asked for".to_string()),
            Err(Some(e)) => Some(e.to_string()),
        }
    }
}

/// The model before any data. Neither part is there under a flat prior.
struct PriorSide {
    /// One subgroup stands for all, two for all pairs.
    exact: Option<ExactPosterior>,
    /// For risks over all patients and contrasts of risks; where the exact engine has no risks, for all of them.
    simulated: Option<SampledPosterior>,
    whole: bool,
    kinds: Block,
    /// Every subgroup's and pair's own, where their patients differ.
    own: Option<Rows>,
}

impl PriorSide {
    fn new(model: &Model, assembly: &Assembly<'_>, options: Options) -> PriorSide {
        let counts = model.observation.cells().is_some();
        let whole = has_no_exact_risks(model);
        // Effects have the same prior whatever the baselines have.
        let empty = if whole { model.of_effects_alone(2) } else { model.without_data(2) };
        let wanted = counts && options.engine != Engine::Exact;
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
            side.own = Some(assembly.rows(side.simulated_source(), ""));
        }
        side
    }

    fn simulated_source(&self) -> Source<'_> {
        match &self.simulated {
            Some(prior) => Source::Simulated { prior, whole: self.whole },
            None => Source::Nothing,
        }
    }
}

/// Both engines' results and the priors, to be put together.
struct Sides<'a> {
    assembly: &'a Assembly<'a>,
    exact: ExactSide,
    prior: PriorSide,
    options: Options,
}

impl Sides<'_> {
    fn report(&self, run: Option<&Run<'_>>, unsampled: Option<Unsampled>) -> Report {
        let exact = self.exact.posterior.as_deref().ok();
        let mut rows = match (run, exact) {
            (Some(run), _) => run.rows.clone(),
            (None, Some(_)) => self.exact.rows.clone(),
            (None, None) => {
                let reason = self.exact.reason();
                let reason = unsampled.map(|u| u.to_string()).or(reason).unwrap_or_default();
                self.assembly.rows(Source::Nothing, &reason)
            }
        };
        if exact.is_some() {
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
        let mut report =
            Report::of(self.assembly.names.clone(), rows, self.settings(run, unsampled), Checks::passed());
        report.checks = self.checks(&report, run, unsampled);
        report.heterogeneity_learned = self.learned(run);
        if let Some(distance) = report.heterogeneity_learned.filter(|d| *d < HARDLY_MOVED) {
            let method = if exact.is_some() { Method::Exact } else { Method::Sampled };
            let says = Says::HeterogeneityUnlearned { distance };
            report.claims.push(Claim::of_all(self.assembly.study, Topic::Heterogeneity, method, says));
        }
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
        if let Some(run) = run.filter(|run| run.is_adjusted() && self.options.detail == Detail::Full) {
            checks.importance = run.importance(self.assembly.study, self.assembly.has_pairs());
            checks.gate_importance();
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

impl Report {
    /// How far each arm's number of events lies from what the priors alone predict; `study` must be the study of
    /// these results. Computed once.
    pub fn baseline_conflicts(&self, study: &Study) -> &[BaselineConflict] {
        self.baseline_conflicts.get_or_init(|| baseline_conflicts(study))
    }

    /// How the mean effect compares with what the stated priors alone predict of it; `study` must be the study of these
    /// results. None where that can't be told. Computed once.
    pub fn effect_conflict(&self, study: &Study) -> Option<&EffectConflict> {
        self.effect_conflict.get_or_init(|| effect_conflict(study, &study.priors)).as_ref()
    }

    /// That the data lie far from the effect prior; none where they do not, and where the numbers are withheld.
    pub fn prior_at_odds(&self, study: &Study) -> Option<Claim> {
        let conflict = self.effect_conflict(study).filter(|_| !self.withheld)?;
        Claim::prior_at_odds(study, study.changed.name_of_prior(), conflict)
    }

    /// Rows in the result's order: parameters as in the model, μ, τ, every θ, every α.
    fn of(names: Names, rows: Rows, settings: Settings, checks: Checks) -> Report {
        let mut report = Report {
            settings,
            checks,
            names,
            parameters: Vec::new(),
            estimates: Vec::new(),
            probabilities: Vec::new(),
            claims: Vec::new(),
            heterogeneity_learned: None,
            sampled: None,
            withheld: false,
            unadjusted: None,
            baseline_conflicts: OnceLock::new(),
            effect_conflict: OnceLock::new(),
        };
        let mut baselines = Vec::new();
        for block in std::iter::once(rows.shared).chain(rows.subgroups).chain(rows.pairs) {
            let (alpha, rest): (Vec<_>, Vec<_>) =
                block.parameters.into_iter().partition(|p| matches!(p.parameter, Parameter::Alpha(_)));
            report.parameters.extend(rest);
            baselines.extend(alpha);
            report.estimates.extend(block.estimates);
            report.probabilities.extend(block.probabilities);
            report.claims.extend(block.claim);
        }
        report.parameters.append(&mut baselines);
        report
    }

    /// The row of a parameter; none where the model does not have it.
    pub fn parameter(&self, parameter: Parameter) -> Option<&ParameterRow> {
        self.parameters.iter().find(|row| row.parameter == parameter)
    }

    /// The row of an estimand; none where it is not reported.
    pub fn estimate(&self, estimand: Estimand) -> Option<&Estimate> {
        self.estimates.iter().find(|row| row.estimand == estimand)
    }

    /// The row of a statement; none where it is not reported. `threshold` is [`Measure::null`] for statements without
    /// a size.
    pub fn probability(
        &self,
        estimand: Estimand,
        statement: Statement,
        threshold: f64,
    ) -> Option<&Probability> {
        let asked = |row: &&Probability| {
            row.estimand == estimand && row.statement == statement && row.threshold == threshold
        };
        self.probabilities.iter().find(asked)
    }

    /// Puts beside every number its like from the run without a bias: the same rows, but for a bias's own parameters.
    fn put_unadjusted(&mut self, without: Report) {
        for row in &mut self.parameters {
            row.unadjusted = without.parameter(row.parameter).and_then(ParameterRow::best);
        }
        for (row, same) in self.estimates.iter_mut().zip(&without.estimates) {
            row.unadjusted = same.best();
        }
        for (row, same) in self.probabilities.iter_mut().zip(&without.probabilities) {
            row.unadjusted = same.best();
        }
        if self.withheld {
            self.parameters.iter_mut().for_each(|row| row.unadjusted = None);
            self.estimates.iter_mut().for_each(|row| row.unadjusted = None);
            self.probabilities.iter_mut().for_each(|row| row.unadjusted = None);
        }
        self.unadjusted = Some(Box::new(without));
    }

    /// Rows with exact numbers.
    fn proven(&self) -> u64 {
        let estimates = self.estimates.iter().filter(|e| e.exact.is_some()).count();
        let probabilities = self.probabilities.iter().filter(|p| p.exact.is_some()).count();
        (estimates + probabilities) as u64
    }

    /// Rows whose exact numbers could not be proven.
    fn unsettled(&self) -> u64 {
        let unproven = |reason: &Option<String>| reason.as_deref() == Some(UNPROVEN);
        let estimates = self.estimates.iter().map(|e| [&e.unavailable, &e.exact_unavailable]);
        let probabilities = self.probabilities.iter().map(|p| [&p.unavailable, &p.exact_unavailable]);
        estimates.chain(probabilities).filter(|r| r.iter().any(|r| unproven(r))).count() as u64
    }

    /// A subgroup's claim restated in natural frequencies, from the reported medians; none for estimates, which have
    /// no risks.
    pub fn frequencies(&self, study: &Study, leaning: &Claim) -> Option<Claim> {
        let g = self.names.place(leaning.subgroup.as_deref()?)?;
        let of = |measure| self.estimate(Estimand::of_subgroup(g, measure)).and_then(|e| e.best());
        let (control, difference) = (of(Measure::RiskControl)?, of(Measure::RiskDifference)?);
        let event = study.outcome.event.clone();
        let says = Says::Frequencies { event, control: control.median, difference };
        Some(Claim { says, estimand: Topic::Effect(Measure::RiskDifference), ..leaning.clone() })
    }

    /// The warning that must accompany numbers that failed their checks but are shown; none where they passed or are
    /// withheld.
    pub fn warning(&self) -> Option<String> {
        (!self.checks.ok && !self.withheld).then(|| {
            format!("UNRELIABLE: the run did not pass its checks: {}.", self.checks.reasons.join("; "))
        })
    }

    /// Removes every number but the diagnostics: a run that fails its checks has no information about the treatment.
    fn withhold(&mut self) {
        const WHY: &str = "the run did not pass its checks";
        for row in &mut self.parameters {
            row.reported.withhold();
            row.exact = None;
        }
        for row in &mut self.estimates {
            row.reported.withhold();
            (row.exact, row.nnt) = (None, None);
            row.unavailable.get_or_insert_with(|| WHY.to_string());
        }
        for row in &mut self.probabilities {
            (row.probability, row.sampled, row.mcse, row.exact) = (None, None, None, None);
            row.prior_at_control_risk = None;
            row.unavailable.get_or_insert_with(|| WHY.to_string());
        }
        self.checks.exact.log_marginal_likelihood = None;
        self.claims.clear();
        self.heterogeneity_learned = None;
        self.withheld = true;
    }
}
