//! The analysis of a study: both engines and the priors beside them are asked (`sides`), and what they say is kept.

use std::sync::{Arc, OnceLock};

use super::arms::{self, ArmDraws};
use super::assembly::{Assembly, Rows, UNPROVEN};
use super::baseline_conflict::{BaselineConflict, baseline_conflicts};
use super::block::Block;
use super::claim::{Claim, Says, Topic};
use super::effect_conflict::{EffectConflict, effect_conflict};
use super::estimand::{Estimand, Measure, Statement};
use super::factors::{self, FactorDraws};
use super::fitting::{Integrals, Observer};
use super::model_checks::{Behind, ModelChecks, model_checks};
use super::names::Names;
use super::options::{Options, Sampling};
use super::parameter::Parameter;
use super::result::{Checks, Engine, Estimate, ParameterRow, Probability, SamplerSettings, Settings};
use super::sampled::SampledPosterior;
use super::sampling::{Run, Unsampled};
use super::side_by_side::{Side, side_by_side};
use super::sides::{ExactSide, PriorSide, Sides, has_no_exact_risks};
use super::source::Source;
use crate::exact::{ExactPosterior, Resolution};
use crate::model::{Hierarchy, Model};
use crate::parallel;
use crate::study::Study;

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
    /// The draws of a study with several active arms; none of others, and where nothing was sampled.
    pub arms: Option<ArmDraws>,
    /// The draws of a study with several factors; none of others, and where nothing was sampled.
    pub factors: Option<FactorDraws>,
    /// Whether the numbers were withheld because the run failed its checks.
    pub withheld: bool,
    /// The results without the bias that the study allows for; none where it allows for none.
    pub unadjusted: Option<Box<Report>>,
    /// Made when first asked for.
    baseline_conflicts: OnceLock<Vec<BaselineConflict>>,
    /// Made when first asked for.
    effect_conflict: OnceLock<Option<EffectConflict>>,
    /// Made when first asked for.
    side_by_side: OnceLock<Vec<Side>>,
    /// Made when first asked for.
    model_checks: OnceLock<ModelChecks>,
    /// What was integrated for these results.
    behind: Behind,
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
    let factors = || factors::analyse(study, options, observer);
    if let Some(report) = arms::analyse(study, options, observer).or_else(factors) {
        return Analysis { options, report, exact: None, integrals: known };
    }
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
    let integrated_alone = model.pooling.is_integrated_alone();
    let options = match options.engine {
        Engine::Both if integrated_alone => Options { engine: Engine::Exact, ..options },
        _ => options,
    };
    let assembly = Assembly::new(study, &model, options);
    let hierarchy = (options.engine != Engine::Exact && !integrated_alone)
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
        None if options.engine == Engine::Sampler => (None, Some(Unsampled::NotCovered)),
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
    report.behind = Behind { exact: exact.clone(), prior: sides.prior.exact.map(Arc::new) };
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
    if study.treatment.has_several_arms() {
        return arms::prior_report(study, options);
    }
    if study.factors.is_some() {
        return factors::prior_report(study, options);
    }
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

    /// What every estimator of weighted effects comes to under the study's priors; `study` must be the study of these results.
    /// Empty for other studies, and where the numbers are withheld. Computed once.
    pub fn side_by_side(&self, study: &Study) -> &[Side] {
        self.side_by_side
            .get_or_init(|| if self.withheld { Vec::new() } else { side_by_side(study, self.sampling()) })
    }

    /// What was observed beside what the model predicts of it; `study` must be the study of these results. Computed once.
    pub fn model_checks(&self, study: &Study) -> &ModelChecks {
        self.model_checks.get_or_init(|| model_checks(study, self, &self.behind))
    }

    /// How these results were sampled, or would have been.
    fn sampling(&self) -> Sampling {
        let usual = Sampling::default();
        let Some(SamplerSettings { seed, chains, warmup, draws_asked: draws, mcse, .. }) =
            self.settings.sampler
        else {
            return usual;
        };
        Sampling { seed, chains, warmup, draws, mcse: mcse.unwrap_or(usual.mcse) }
    }

    /// That the data lie far from the effect prior; none where they do not, and where the numbers are withheld.
    pub fn prior_at_odds(&self, study: &Study) -> Option<Claim> {
        let conflict = self.effect_conflict(study).filter(|_| !self.withheld)?;
        Claim::prior_at_odds(study, study.changed.name_of_effect_prior(), conflict)
    }

    /// Rows in the result's order: parameters as in the model, μ, τ, every θ, every α.
    pub(super) fn of(names: Names, rows: Rows, settings: Settings, checks: Checks) -> Report {
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
            arms: None,
            factors: None,
            withheld: false,
            unadjusted: None,
            baseline_conflicts: OnceLock::new(),
            effect_conflict: OnceLock::new(),
            side_by_side: OnceLock::new(),
            model_checks: OnceLock::new(),
            behind: Behind::default(),
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
    pub(super) fn proven(&self) -> u64 {
        let estimates = self.estimates.iter().filter(|e| e.exact.is_some()).count();
        let probabilities = self.probabilities.iter().filter(|p| p.exact.is_some()).count();
        (estimates + probabilities) as u64
    }

    /// Rows whose exact numbers could not be proven.
    pub(super) fn unsettled(&self) -> u64 {
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
    pub(super) fn withhold(&mut self) {
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
