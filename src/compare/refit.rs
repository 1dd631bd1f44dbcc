//! The study fitted again under other priors, and asked the same few questions.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::parallel;

pub use super::engines::{
    MANY, engine_of, has_effects_alone, has_many_subgroups, is_correlated_alone, is_exchangeable,
    needs_sampling, options, ties_subgroups, weighs_draws,
};
use super::pool::Pools;
use super::question::Question;
use super::steps::Steps;
use crate::exact::{ExactPosterior, Extent, Lattice, Resolution, RiskMeasure, SubgroupData, curves_of};
use crate::model::Model;
use crate::posterior::{
    Analysis, Engine, Integral, Integrals, Observer, Options, Probability, Report, Target, analyse_watched,
};
use crate::study::{HeterogeneityPrior, LocationPrior, Pooling, Study, Written};

/// The farthest μ and θ on a lattice, in scales of the prior of τ, of which the curve asks for eight; more where its tail
/// falls like a power. On log odds ratios at least some hundreds.
const REACH: f64 = 500.0;
const FAR_REACH: f64 = 10_000.0;
const REACHES: (f64, f64) = (250.0, 1e5);

/// The narrowest sceptical prior on log scales.
const NARROWEST: f64 = 0.05;

/// So many whole fits of few subgroups are made for a search.
const FEW: usize = 5;

/// A τ in the middle of the priors that are asked about where the study states none.
const USUAL_TAU: f64 = 0.35;

/// Probabilities of all questions, in their order; none where it was not to be had.
pub type Answers = Vec<Option<f64>>;

/// Refits of one study: its data and baseline prior stay, the priors of μ and τ and the pooling change.
pub struct Refits<'a> {
    /// The study that is fitted again.
    pub study: &'a Study,
    /// What every refit is asked.
    pub questions: &'a [Question],
    options: Options,
    model: Model,
    /// Values of θ that questions about effects ask for.
    points: Vec<f64>,
    narrowest: f64,
    /// Lattices by pooling; see [`Refits::prepare`].
    together: OnceLock<Lattice>,
    one_effect: OnceLock<Lattice>,
    alone: OnceLock<Vec<Lattice>>,
    failures: AtomicUsize,
    steps: Steps,
    /// By what was asked, sampled runs, and what whole fits said of effects (none where one did not settle): they are costly.
    runs: Mutex<HashMap<String, Run>>,
    whole: Mutex<HashMap<String, Option<Answers>>>,
    /// What is integrated already.
    integrals: Integrals,
    observer: &'a dyn Observer,
    resolved: OnceLock<Option<bool>>,
    /// Draws that are weighted for other priors, and what they answered; none where nothing is.
    pools: Option<Mutex<Pools>>,
    weighed: Mutex<HashMap<String, Option<Answers>>>,
}

impl<'a> Refits<'a> {
    /// `narrowest` is the least sd among the priors that will be asked about.
    pub fn new(
        study: &'a Study,
        questions: &'a [Question],
        options: Options,
        narrowest: f64,
        steps: &Steps,
    ) -> Refits<'a> {
        let mut points: Vec<f64> = Vec::new();
        for value in questions.iter().filter_map(|q| q.effect_bound()) {
            if !points.contains(&value) {
                points.push(value);
            }
        }
        Refits {
            study,
            questions,
            options,
            model: Model::of(study),
            points,
            narrowest: narrowest.min(NARROWEST),
            together: OnceLock::new(),
            one_effect: OnceLock::new(),
            alone: OnceLock::new(),
            failures: AtomicUsize::new(0),
            steps: steps.clone(),
            runs: Mutex::new(HashMap::new()),
            whole: Mutex::new(HashMap::new()),
            integrals: Integrals::default(),
            observer: &(),
            resolved: OnceLock::new(),
            pools: None,
            weighed: Mutex::new(HashMap::new()),
        }
    }

    /// With draws that are weighted for other priors, where the study is one for that.
    #[must_use]
    pub fn pooled(self) -> Refits<'a> {
        let pools = weighs_draws(self.study, self.options.engine).then(|| {
            let exact = !self.is_sampled();
            Mutex::new(Pools::new(self.study, self.questions, self.options, exact))
        });
        Refits { pools, ..self }
    }

    /// The draws that are weighted for other priors; none where every fit is made.
    pub fn pools(&self) -> Option<MutexGuard<'_, Pools>> {
        self.pools.as_ref().map(|pools| pools.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether draws are weighted for other priors.
    pub fn is_pooled(&self) -> bool {
        self.pools.is_some()
    }

    /// Answers all questions under these priors at once, where draws are weighted: what is sampled for one then serves the others,
    /// in an order that no thread decides.
    pub fn ask(&self, targets: &[Target]) {
        let known = |key: &String| self.weighed.lock().is_ok_and(|known| known.contains_key(key));
        let mut asked: Vec<(String, Target)> = Vec::new();
        for target in targets {
            let key = key(target.pooling, &target.effect, target.heterogeneity.as_ref());
            if !known(&key) && !asked.iter().any(|(other, _)| *other == key) {
                asked.push((key, target.clone()));
            }
        }
        // Whoever asks beside others must find all answers here, and never wait for them.
        if asked.is_empty() {
            return;
        }
        let Some(mut pools) = self.pools() else { return };
        let (keys, targets): (Vec<String>, Vec<Target>) = asked.into_iter().unzip();
        let answers = pools.answers(&targets, self.observer);
        let failed = answers.iter().filter(|a| a.is_none()).count();
        self.failures.fetch_add(failed, Ordering::Relaxed);
        if let Ok(mut known) = self.weighed.lock() {
            known.extend(keys.into_iter().zip(answers));
        }
    }

    /// With someone who looks on, and with what is integrated already.
    #[must_use]
    pub fn watched(self, observer: &'a dyn Observer, integrals: Integrals) -> Refits<'a> {
        Refits { observer, integrals, ..self }
    }

    /// Takes up what was integrated elsewhere.
    pub fn know(&mut self, model: Model, integral: Integral) {
        if self.integrals.find(&model).is_none() {
            self.integrals.add(model, integral);
        }
    }

    /// The posterior of a model of the study, made if it is not there.
    pub fn posterior(&self, model: &Model) -> Integral {
        self.integrals.of(&self.study.name, model, self.observer)
    }

    /// What is integrated already.
    pub fn into_integrals(self) -> Integrals {
        self.integrals
    }

    /// Whether there are curves of the effects and none of the risks: of ordered levels the exact engine has no more.
    pub fn has_effects_alone(&self) -> bool {
        !self.is_sampled() && has_effects_alone(self.study)
    }

    /// Whether every number is sampled, since the exact engine does not cover the model.
    pub fn is_sampled(&self) -> bool {
        self.options.engine == Engine::Sampler
    }

    /// Whether every refit is a whole fit of many subgroups, so that searches make do with few of them: what lies between two
    /// is interpolated.
    pub fn is_coarse(&self) -> bool {
        let subgroups = self.study.data.names().len();
        !self.is_sampled()
            && (self.study.pooling.is_integrated_alone()
                || has_many_subgroups(self.study)
                || subgroups > FEW && *self.resolved.get_or_init(|| self.resolves_stated()) == Some(false))
    }

    /// Whether the lattice, where there is one, resolves the stated prior of τ and its like at other scales, under the stated
    /// prior of μ and under a wide one.
    fn resolves_stated(&self) -> Option<bool> {
        let counts = self.model.observation.cells().is_some();
        let stated = self.study.priors.heterogeneity.as_ref().map(|h| h.distribution);
        let wide = LocationPrior::normal(0.0, 1.0);
        let fixed = matches!(stated, Some(HeterogeneityPrior::Fixed { value }) if value > 0.0);
        let asked = |effect| self.on_lattice(self.study.pooling, effect, stated.as_ref(), None).is_some();
        counts.then(|| !fixed && asked(&wide) && asked(&self.model.effect))
    }

    /// The model under these priors.
    pub fn model(
        &self,
        pooling: Pooling,
        effect: &LocationPrior,
        heterogeneity: Option<&HeterogeneityPrior>,
    ) -> Model {
        // An effect that stands alone may have a prior that follows from the others.
        let under = variant(self.study, pooling, (effect, "", heterogeneity));
        let pooling = crate::model::Pooling::of(&under, pooling, heterogeneity);
        Model { pooling, effect: effect.clone(), ..self.model.clone() }
    }

    /// Makes what refits under this pooling share. It works in parallel inside, and so must be done before parallel work asks
    /// for it.
    pub fn prepare(&self, pooling: Pooling) {
        let heterogeneity = HeterogeneityPrior::HalfNormal { scale: 1.0 };
        if !self.is_sampled() {
            self.on_lattice(pooling, &LocationPrior::normal(0.0, 1.0), Some(&heterogeneity), None);
        }
    }

    /// How many refits gave no number.
    pub fn failures(&self) -> usize {
        self.failures.load(Ordering::Relaxed)
    }

    fn failed(&self) -> Answers {
        self.counted(vec![None; self.questions.len()])
    }

    /// Questions about effects alone, answered at once where a lattice resolves the priors.
    pub fn effects(
        &self,
        pooling: Pooling,
        effect: &LocationPrior,
        heterogeneity: Option<&HeterogeneityPrior>,
    ) -> Answers {
        if self.is_sampled() {
            return self.run(pooling, effect, heterogeneity);
        }
        if let Some(above) = self.on_lattice(pooling, effect, heterogeneity, None) {
            return self.answered(&above);
        }
        self.steps.did(usize::from(self.is_coarse()));
        let found = self.once(key(pooling, effect, heterogeneity), || {
            self.whole_fit(&self.model(pooling, effect, heterogeneity))
        });
        found.unwrap_or_else(|| self.failed())
    }

    /// What a whole fit was asked before, or is asked now.
    fn once(&self, key: String, ask: impl FnOnce() -> Option<Answers>) -> Option<Answers> {
        let known = self.whole.lock().ok().and_then(|whole| whole.get(&key).cloned());
        known.unwrap_or_else(|| {
            let found = ask();
            if let Ok(mut whole) = self.whole.lock() {
                whole.insert(key, found.clone());
            }
            found
        })
    }

    /// Questions about effects alone by the engine; none where its integral does not settle.
    fn whole_fit(&self, model: &Model) -> Option<Answers> {
        let posterior = self.posterior(model).ok()?;
        // A subgroup's effect is made when it is asked for, once for all that is asked of it.
        let subgroups = self.study.data.names().len();
        let bounds = |g: usize| {
            let theta = posterior.theta(g);
            self.points.iter().map(|&x| 1.0 - theta.cdf(x)).collect::<Vec<f64>>()
        };
        let above: Vec<Vec<f64>> = parallel::range(0..subgroups, bounds);
        Some(self.answered(&above))
    }

    /// From P(θ_g > x) by subgroup and point.
    fn answered(&self, above: &[Vec<f64>]) -> Answers {
        let answer = |q: &Question| {
            let value = q.effect_bound()?;
            let place = self.points.iter().position(|&p| p == value)?;
            Some(q.given_above(above[q.subgroup][place]))
        };
        self.questions.iter().map(answer).collect()
    }

    /// All questions, by the engine.
    pub fn all(
        &self,
        pooling: Pooling,
        effect: &LocationPrior,
        heterogeneity: Option<&HeterogeneityPrior>,
    ) -> Answers {
        if self.is_sampled() {
            return self.run(pooling, effect, heterogeneity);
        }
        if self.questions.iter().all(|q| q.effect_bound().is_some()) {
            return self.effects(pooling, effect, heterogeneity);
        }
        if self.has_effects_alone() {
            let sampled = self.run(pooling, effect, heterogeneity);
            let of_effects = self.effects(pooling, effect, heterogeneity);
            return of_effects.into_iter().zip(sampled).map(|(exact, sampled)| exact.or(sampled)).collect();
        }
        let posterior = self.posterior(&self.model(pooling, effect, heterogeneity));
        self.counted(answers_of(&posterior, self.questions))
    }

    /// One question, as quickly as it can be answered.
    pub fn one(
        &self,
        i: usize,
        pooling: Pooling,
        effect: &LocationPrior,
        heterogeneity: Option<&HeterogeneityPrior>,
    ) -> Option<f64> {
        let q = &self.questions[i];
        if self.is_sampled() {
            return self.run(pooling, effect, heterogeneity)[i];
        }
        if let Some(value) = q.effect_bound()
            && let Some(place) = self.points.iter().position(|&p| p == value)
            && let Some(above) = self.on_lattice(pooling, effect, heterogeneity, Some(q.subgroup))
        {
            return Some(q.given_above(above[0][place]));
        }
        if q.effect_bound().is_none() && self.has_effects_alone() {
            return self.run(pooling, effect, heterogeneity)[i];
        }
        let posterior = || self.posterior(&self.model(pooling, effect, heterogeneity));
        let Some(value) = q.effect_bound() else {
            return self.counted(answers_of(&posterior(), std::slice::from_ref(q)))[0];
        };
        // Benefit and harm are searched for at the same priors.
        let key = format!("{} {} {value:?}", key(pooling, effect, heterogeneity), q.subgroup);
        let above = self.once(key, || {
            let posterior = posterior().ok()?;
            Some(vec![Some(1.0 - posterior.theta(q.subgroup).cdf(value))])
        });
        above.unwrap_or_else(|| self.counted(vec![None]))[0].map(|above| q.given_above(above))
    }

    fn counted(&self, answers: Answers) -> Answers {
        if answers.iter().all(Option::is_none) {
            self.failures.fetch_add(1, Ordering::Relaxed);
        }
        answers
    }

    /// P(θ_g > value) by subgroup and value; of one subgroup where only one is wanted.
    fn on_lattice(
        &self,
        pooling: Pooling,
        effect: &LocationPrior,
        heterogeneity: Option<&HeterogeneityPrior>,
        only: Option<usize>,
    ) -> Option<Vec<Vec<f64>>> {
        let cells = self.model.observation.cells()?;
        if cells.pairs().len() > MANY || pooling.is_integrated_alone() {
            return None;
        }
        let counts: Vec<Box<dyn SubgroupData>> = curves_of(cells).ok()?;
        let stated = self.study.priors.heterogeneity.as_ref().map(|h| h.distribution);
        let scales = match stated {
            Some(HeterogeneityPrior::HalfStudentT { df, .. }) if df < 3.0 => FAR_REACH,
            _ => REACH,
        };
        let reach = (scales * stated.map_or(0.0, |h| h.scale())).clamp(REACHES.0, REACHES.1);
        let sds = self.model.effect.components();
        let sds = sds.iter().filter_map(|c| c.peak()).map(|p| p.sd);
        let narrowest = sds.fold(self.narrowest, f64::min);
        let extent = |(typical, fixed_tau)| Extent { typical, fixed_tau, reach, narrowest };
        let lattice = |counts: &[Box<dyn SubgroupData>], tau| {
            Lattice::new(counts, extent(tau), &self.points, Resolution::default())
        };
        let tau = match stated {
            Some(HeterogeneityPrior::Fixed { value }) => (USUAL_TAU, Some(value)),
            Some(prior) => (prior.typical(), None),
            None => (USUAL_TAU, None),
        };
        let asked = |lattice: &Lattice, prior: &HeterogeneityPrior| match only {
            Some(g) => lattice.subgroup_under(g, effect, prior).map(|above| vec![above]),
            None => lattice.under(effect, prior),
        };
        match (pooling, heterogeneity) {
            (Pooling::Partial, Some(prior)) => {
                let lattice = self.together.get_or_init(|| lattice(&counts, tau));
                asked(lattice, prior)
            }
            (Pooling::None, Some(prior)) => {
                let make = |g: usize| lattice(&counts[g..=g], tau);
                let lattices = self.alone.get_or_init(|| parallel::range(0..counts.len(), make));
                let wanted = |(g, _): &(usize, &Lattice)| only.is_none_or(|only| only == *g);
                let each = lattices.iter().enumerate().filter(wanted);
                each.map(|(_, l)| l.subgroup_under(0, effect, prior)).collect()
            }
            _ => {
                let lattice = self.one_effect.get_or_init(|| lattice(&counts, (USUAL_TAU, Some(0.0))));
                let none = HeterogeneityPrior::Fixed { value: 0.0 };
                asked(lattice, &none)
            }
        }
    }

    /// Of chains of their own; none of its numbers where a run fails its checks.
    fn run(
        &self,
        pooling: Pooling,
        effect: &LocationPrior,
        heterogeneity: Option<&HeterogeneityPrior>,
    ) -> Answers {
        if self.is_pooled() {
            let target = Target { pooling, effect: effect.clone(), heterogeneity: heterogeneity.copied() };
            self.ask(&[target]);
            let key = key(pooling, effect, heterogeneity);
            let found = self.weighed.lock().ok().and_then(|known| known.get(&key).cloned().flatten());
            return found.unwrap_or_else(|| vec![None; self.questions.len()]);
        }
        let answers = self.sampled(pooling, effect, heterogeneity).answers;
        answers.map_or_else(|| vec![None; self.questions.len()], |a| a.to_vec())
    }

    /// The run under these priors, made if it is not there.
    pub fn sampled(
        &self,
        pooling: Pooling,
        effect: &LocationPrior,
        heterogeneity: Option<&HeterogeneityPrior>,
    ) -> Run {
        let key = key(pooling, effect, heterogeneity);
        let seen = self.runs.lock().ok().and_then(|runs| runs.get(&key).cloned());
        seen.unwrap_or_else(|| {
            let study = variant(self.study, pooling, (effect, "", heterogeneity));
            let options = Options { engine: Engine::Sampler, ..self.options };
            let Analysis { mut report, .. } =
                analyse_watched(&study, options, Integrals::default(), self.observer);
            report.sampled = None;
            let answers = report.checks.ok.then(|| Arc::new(answers_in(&report, self.questions)));
            let run = Run { report: Arc::new(report), answers };
            let first = self.runs.lock().is_ok_and(|mut runs| runs.insert(key, run.clone()).is_none());
            if first && run.answers.is_none() {
                self.failures.fetch_add(1, Ordering::Relaxed);
            }
            run
        })
    }
}

/// A sampled refit.
#[derive(Clone)]
pub struct Run {
    /// Without its draws.
    pub report: Arc<Report>,
    /// None where it fails its checks.
    answers: Option<Arc<Answers>>,
}

/// What tells one refit from another.
fn key(pooling: Pooling, effect: &LocationPrior, heterogeneity: Option<&HeterogeneityPrior>) -> String {
    format!("{pooling:?} {effect:?} {heterogeneity:?}")
}

/// All questions of one posterior.
fn answers_of(posterior: &Integral, questions: &[Question]) -> Answers {
    match posterior {
        Ok(posterior) => parallel::map(questions, |q| q.ask(posterior)),
        Err(_) => vec![None; questions.len()],
    }
}

/// The answers that stand in a report.
fn answers_in(report: &Report, questions: &[Question]) -> Answers {
    Question::rows(questions, report).into_iter().map(|row| row.and_then(Probability::best)).collect()
}

/// The study with other priors of μ and τ (the effect's in words too) and another pooling.
pub fn variant(
    study: &Study,
    pooling: Pooling,
    (effect, words, heterogeneity): (&LocationPrior, &str, Option<&HeterogeneityPrior>),
) -> Study {
    let mut study = study.clone();
    study.pooling = pooling;
    study.priors.effect = Written { distribution: effect.clone(), words: words.to_string() };
    let written = |h: &HeterogeneityPrior| Written { distribution: *h, words: String::new() };
    study.priors.heterogeneity = heterogeneity.filter(|_| pooling != Pooling::Complete).map(written);
    study
}

impl Question {
    /// The statement's probability under a posterior; none where the posterior can't tell.
    pub fn ask(&self, posterior: &ExactPosterior) -> Option<f64> {
        if let Some(value) = self.effect_bound() {
            return Some(self.given_above(1.0 - posterior.theta(self.subgroup).cdf(value)));
        }
        let risk = posterior.risk(self.subgroup, RiskMeasure::of(self.measure)?)?;
        Some(self.given_above(1.0 - risk.cdf(self.bound())))
    }
}
