//! Every quantity that is reported: both engines, the priors beside them, and the checks.

use std::sync::{Arc, OnceLock};

use super::agreement::{Agreement, agreement};
use super::assembly::{Assembly, Rows, UNPROVEN};
use super::baseline_conflict::{BaselineConflict, baseline_conflicts};
use super::block::Block;
use super::claim::{Claim, Method, Says};
use super::estimand::{Measure, Scope};
use super::fitting::{Integrals, Observer};
use super::options::{Detail, Options};
use super::result::{
    Checks, Engine, Estimate, ExactChecks, Parameter, Probability, SamplerSettings, Settings, Stopped,
};
use super::sampled::{Empirical, SampledPosterior};
use super::sampling::{Run, Unsampled};
use super::source::Source;
use crate::exact::{Distribution, ExactPosterior, Resolution, Unavailable};
use crate::model::{BaselinePrior, Hierarchy, Likelihood, Model};
use crate::study::{Data, Study};

/// Draws from the prior, where it has to be simulated: a Monte Carlo error of 0.005 at most.
const PRIOR_DRAWS: usize = 10_000;

/// τ's distribution has hardly moved when no quantile of it moved by more than this much probability.
const HARDLY_MOVED: f64 = 0.1;

/// A risk difference that few treatments have: what a prior says of it is always told.
pub const LARGE: f64 = 0.2;

/// All results of a study.
#[derive(Debug, Clone)]
pub struct Report {
    pub settings: Settings,
    pub checks: Checks,
    pub parameters: Vec<Parameter>,
    pub estimates: Vec<Estimate>,
    pub probabilities: Vec<Probability>,
    /// One a subgroup, and one of τ where the data say nothing of it; empty where there are no numbers.
    pub claims: Vec<Claim>,
    /// The largest distance between the distribution functions of τ before and after the data.
    pub heterogeneity_learned: Option<f64>,
    /// The draws themselves, where there are any.
    pub sampled: Option<SampledPosterior>,
    /// The numbers were taken back, since the run failed its checks.
    pub withheld: bool,
    /// The same study without the bias that it allows for.
    pub unadjusted: Option<Box<Report>>,
    /// Made when first asked for.
    baseline_conflicts: OnceLock<Vec<BaselineConflict>>,
}

/// What is reported of a study, and what was integrated for it: for those who ask more.
pub struct Analysis {
    pub options: Options,
    pub report: Report,
    /// The exact posterior behind the report, where there is one.
    pub exact: Option<Arc<ExactPosterior>>,
    pub integrals: Integrals,
}

/// Fits the study, and its priors beside it. A study that allows for a bias is fitted without it too.
pub fn analyse(study: &Study, options: Options) -> Report {
    analyse_watched(study, options, Integrals::default(), &()).report
}

/// As [`analyse`], with someone who looks on and may stop the sampler. What is known already is not integrated again, and
/// what is integrated is kept.
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
    let ((exact, prior), run) = rayon::join(
        || {
            rayon::join(
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
    // Too few draws say nothing, but what was integrated stands.
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

/// What the priors alone say about everything that will be reported of a subgroup (and of a pair).
pub fn prior_report(study: &Study, options: Options) -> Option<Report> {
    let model = Model::of(study);
    let data = match &study.data {
        Data::Counts(rows) => Data::Counts(rows.iter().take(2).cloned().collect()),
        Data::Estimates(rows) => Data::Estimates(rows.iter().take(2).cloned().collect()),
    };
    let mut study = Study { data, ..study.clone() };
    if let Data::Counts(_) = study.data {
        study.thresholds.include_risk_difference(LARGE);
    }
    let assembly = Assembly::new(&study, &model, options);
    let prior = PriorSide::new(&model, &assembly, options);
    let mut rows = assembly.rows(prior.simulated_source(), "");
    rows.put_exact(&assembly.rows(Source::Exact(prior.exact.as_ref()?), ""));
    rows.blocks_mut().for_each(Block::report_exact);
    for block in rows.blocks_mut() {
        block.estimates.retain(|e| e.measure != Measure::Shrinkage);
    }
    let settings = Settings {
        engine: Engine::Exact,
        refinement: options.resolution.refinement,
        pairs: assembly.has_pairs(),
        interval: 0.95,
        sampler: None,
    };
    Some(Report::of(rows, settings, Checks::passed()))
}

/// Whether the exact engine covers effects before the data alone: exchangeable baselines, and covariates or centres.
fn has_no_exact_risks(model: &Model) -> bool {
    let exchangeable = matches!(
        (&model.likelihood, &model.baseline),
        (Likelihood::Counts(_), BaselinePrior::Exchangeable { .. })
    );
    exchangeable || model.rows.is_some()
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
        let counts = matches!(model.likelihood, Likelihood::Counts(_));
        let whole = has_no_exact_risks(model);
        let mut empty = model.without_data(2);
        if whole {
            // Effects have the same prior whatever the baselines have.
            empty.likelihood = Likelihood::Estimates(Vec::new()).emptied(2);
        }
        let wanted = counts && options.engine != Engine::Exact;
        let (exact, simulated) = rayon::join(
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
        let (mut kinds, exact) = rayon::join(
            || assembly.kinds(side.simulated_source()),
            || side.exact.as_ref().map(|p| assembly.kinds(Source::Exact(p))),
        );
        if let Some(exact) = exact {
            kinds.put_exact(&exact);
        }
        side.kinds = kinds;
        if model.rows.is_some() && side.simulated.is_some() {
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
        let mut report = Report::of(rows, self.settings(run, unsampled), Checks::passed());
        report.checks = self.checks(&report, run, unsampled);
        report.heterogeneity_learned = self.learned(run);
        if let Some(distance) = report.heterogeneity_learned.filter(|d| *d < HARDLY_MOVED) {
            let method = if exact.is_some() { Method::Exact } else { Method::Sampled };
            let says = Says::HeterogeneityUnlearned { distance };
            report.claims.push(Claim::of_all(self.assembly.study, "tau", method, says));
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
            (Some(run), Some(_)) => {
                let names = self.assembly.names();
                let rows = (&*report.parameters, &*report.estimates, &*report.probabilities);
                agreement(rows, (&run.posterior, &names), checks.least_ess().unwrap_or(1.0))
            }
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
    /// Every arm's number of events under the priors alone; `study` is the one of these results.
    pub fn baseline_conflicts(&self, study: &Study) -> &[BaselineConflict] {
        self.baseline_conflicts.get_or_init(|| baseline_conflicts(study))
    }

    /// Rows in the result's order: parameters as in the model, μ, τ, every θ, every α.
    fn of(rows: Rows, settings: Settings, checks: Checks) -> Report {
        let mut report = Report {
            settings,
            checks,
            parameters: Vec::new(),
            estimates: Vec::new(),
            probabilities: Vec::new(),
            claims: Vec::new(),
            heterogeneity_learned: None,
            sampled: None,
            withheld: false,
            unadjusted: None,
            baseline_conflicts: OnceLock::new(),
        };
        let mut baselines = Vec::new();
        for block in std::iter::once(rows.shared).chain(rows.subgroups).chain(rows.pairs) {
            let (alpha, rest): (Vec<_>, Vec<_>) =
                block.parameters.into_iter().partition(|p| p.name.starts_with("alpha["));
            report.parameters.extend(rest);
            baselines.extend(alpha);
            report.estimates.extend(block.estimates);
            report.probabilities.extend(block.probabilities);
            report.claims.extend(block.claim);
        }
        report.parameters.append(&mut baselines);
        report
    }

    /// Puts beside every number its like from the run without a bias: the same rows, but for a bias's own parameters.
    fn put_unadjusted(&mut self, without: Report) {
        for row in &mut self.parameters {
            let same = without.parameters.iter().find(|p| p.name == row.name);
            row.unadjusted = same.and_then(Parameter::best);
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

    /// A leaning's subgroup in natural frequencies, by the medians that are reported; none for estimates, which have no risks.
    pub fn frequencies(&self, study: &Study, leaning: &Claim) -> Option<Claim> {
        let of = |measure: Measure| {
            let found = self.estimates.iter().find(|e| {
                e.scope == Scope::Subgroup && e.subgroup == leaning.subgroup && e.measure == measure
            });
            found.and_then(|e| e.best())
        };
        let (control, difference) = (of(Measure::RiskControl)?, of(Measure::RiskDifference)?);
        let event = study.outcome.event.clone();
        let says = Says::Frequencies { event, control: control.median, difference };
        Some(Claim { says, estimand: Measure::RiskDifference.key(), ..leaning.clone() })
    }

    /// What must stand beside numbers that failed their checks.
    pub fn warning(&self) -> Option<String> {
        (!self.checks.ok && !self.withheld).then(|| {
            format!("UNRELIABLE: the run did not pass its checks: {}.", self.checks.reasons.join("; "))
        })
    }

    /// Takes every number back but the diagnostics: a run that fails its checks says nothing about the treatment.
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
            (row.probability, row.mcse, row.exact, row.prior_at_control_risk) = (None, None, None, None);
            row.unavailable.get_or_insert_with(|| WHY.to_string());
        }
        self.checks.exact.log_marginal_likelihood = None;
        self.claims.clear();
        self.heterogeneity_learned = None;
        self.withheld = true;
    }
}
