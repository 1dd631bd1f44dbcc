//! Power-scaling: how much each printed number moves when the priors, or the likelihood, count a little more or less
//! (Kallioinen, Paananen, Bürkner & Vehtari, Stat Comput 2024;34:57).
//!
//! The priors of μ and τ (the hyper-priors) are raised to a power together, and apart from them that of the baselines (of
//! exchangeable ones the priors of their mean and sd). Where the exact engine covers the powered model it is refitted;
//! elsewhere draws are reweighted, with Pareto-smoothed weights.

use std::borrow::Cow;

use crate::parallel;
use serde::Serialize;

use super::question::Question;
use super::refit::has_effects_alone;
use super::steps::Steps;
use super::table::{Fit, known_under};
use crate::exact::{Distribution, ExactPosterior, Resolution, RiskMeasure};
use crate::model::{
    BaselinePrior, BinomialPair, HeterogeneityPrior, Levels, LocationPrior, Model, Pooling,
    log_likelihood_of_levels as levels_log_likelihood,
};
use crate::posterior::{
    Engine, Estimand, Measure, Options, SampledPosterior, Scope, Statement, Whom, analyse, psis_threshold,
    smooth,
};
use crate::study::Study;

/// How sensitive one quantity, or one probability, is to the weight of priors and likelihood (Kallioinen et al., Stat
/// Comput 2024;34:57).
#[derive(Debug, Clone, Serialize)]
pub struct PowerRow {
    /// Whom it is about: a subgroup, or the mean of all.
    pub scope: Scope,
    /// The subgroup's name; none for the mean.
    pub subgroup: Option<String>,
    /// The quantity, or the measure that the statement is about.
    pub measure: Measure,
    /// The statement of a probability; none for a quantity's whole distribution.
    pub statement: Option<Statement>,
    /// The size of effect in the statement, on the measure's own scale; none for a quantity's whole distribution.
    pub threshold: Option<f64>,
    /// Sensitivity to the priors of μ and τ, per doubling of their weight: for a quantity the distance by which its
    /// distribution moves (cumulative Jensen–Shannon), for a probability its change. None where it could not be computed.
    pub prior: Option<f64>,
    /// Sensitivity to the baselines' prior, in the same unit; none for published estimates, which have no baselines.
    pub baseline_prior: Option<f64>,
    /// Sensitivity to the likelihood, in the same unit; none where it could not be computed.
    pub likelihood: Option<f64>,
    /// What `prior` and `likelihood` say together; none for probabilities, and where either is missing.
    pub diagnosis: Option<Diagnosis>,
    /// `refit`, or `psis` where draws were reweighted (Pareto-smoothed importance sampling).
    pub method: &'static str,
    /// The largest Pareto k of the reweighting; none for refits.
    pub max_k: Option<f64>,
}

/// What a quantity's two sensitivities say: each counts from 0.05 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Diagnosis {
    /// Both count: prior and data pull at the quantity, in different directions.
    PriorDataConflict,
    /// The prior alone counts: it is strong, or the data have little information.
    StrongPriorOrWeakData,
    /// The prior does not count.
    Unremarkable,
}

/// A sensitivity from which it counts.
const FLAG: f64 = 0.05;

/// Powers are 2 to plus and minus this.
const STEP: f64 = 0.1;

/// The part of a distribution over which it is compared lies between this quantile and its mirror image.
const TAIL: f64 = 1e-3;

const NODES: usize = 96;

/// Every subgroup's effect, its risk difference, the mean, and every question.
pub fn power_scaling(
    study: &Study,
    questions: &[Question],
    (options, known): (Options, &[Fit]),
    steps: &Steps,
) -> Vec<PowerRow> {
    let model = Model::of(study);
    if is_closed(study, &model, options) {
        by_refits(study, &model, questions, steps)
    } else {
        by_weights(study, &model, questions, (options, known))
    }
}

/// How many refits [`power_scaling`] makes.
pub fn planned(study: &Study, options: Options) -> usize {
    if is_closed(study, &Model::of(study), options) { powers(study).len() } else { 0 }
}

/// Whether every prior is of its own family when it is raised to a power, and the model one that is integrated.
fn is_closed(study: &Study, model: &Model, options: Options) -> bool {
    let power = libm::exp2(-STEP);
    let baseline = study.priors.baseline.is_none() || baseline_to(model, power).is_some();
    options.engine == Engine::Exact && prior_to(model, power).is_some() && baseline
}

/// What is raised to a power.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Priors,
    Baseline,
    Data,
}

/// The models of [`by_refits`]: as stated, then each part to two powers on either side.
fn powers(study: &Study) -> Vec<Option<(Part, f64)>> {
    let parts = [Part::Priors, Part::Data, Part::Baseline];
    let parts = &parts[..if study.priors.baseline.is_some() { 3 } else { 2 }];
    let mut all = vec![None];
    for step in [STEP, 0.5 * STEP] {
        all.extend(parts.iter().flat_map(|&part| [Some((part, step)), Some((part, -step))]));
    }
    all
}

fn prior_to(model: &Model, power: f64) -> Option<Model> {
    let effect = model.effect.powered(power)?;
    let pooling = match model.pooling {
        Pooling::Partial(h) => Pooling::Partial(h.powered(power)?),
        Pooling::Separate(h) => Pooling::Separate(h.powered(power)?),
        Pooling::Complete => Pooling::Complete,
        Pooling::Shaped(h, spread) => Pooling::Shaped(h.powered(power)?, spread),
    };
    Some(Model { effect, pooling, ..model.clone() })
}

/// The model with its baselines' prior raised to a power; none where that leaves the prior's family.
fn baseline_to(model: &Model, power: f64) -> Option<Model> {
    if model.observation.cells().is_some_and(|cells| cells.levels().is_some()) {
        return Some(model.observing(model.observation.clone().with_levels_prior_powered(power)));
    }
    let prior = match model.observation.baseline_prior()? {
        BaselinePrior::Independent(prior) => BaselinePrior::Independent(prior.powered(power)?),
        BaselinePrior::Exchangeable { mean, sd } => {
            BaselinePrior::Exchangeable { mean: mean.powered(power)?, sd: sd.powered(power)? }
        }
    };
    Some(model.with_baseline(prior))
}

fn likelihood_to(model: &Model, power: f64) -> Model {
    model.observing(model.observation.powered(power))
}

/// The quantities whose distributions are compared; with risks where whatever is asked has them.
fn quantities(study: &Study, risks: bool) -> Vec<Estimand> {
    let effect = Measure::of(study.outcome.scale);
    let mut all = Vec::new();
    for g in 0..study.data.names().len() {
        all.push(Estimand::of_subgroup(g, effect));
        if risks && study.data.has_risks() {
            all.push(Estimand::of_subgroup(g, Measure::RiskDifference));
        }
    }
    if study.pooling != crate::study::Pooling::None && !study.undivided {
        all.push(Estimand::new(Whom::Mean, effect));
    }
    all
}

fn quantity(posterior: &ExactPosterior, which: Estimand) -> Option<Box<dyn Distribution + '_>> {
    match (which.whom, which.measure) {
        (Whom::Mean, _) => posterior.mu(),
        (Whom::Subgroup(g), Measure::RiskDifference) => posterior.risk(g, RiskMeasure::Difference),
        (Whom::Subgroup(g), _) => Some(posterior.theta(g)),
        _ => None,
    }
}

fn by_refits(study: &Study, model: &Model, questions: &[Question], steps: &Steps) -> Vec<PowerRow> {
    let names = study.data.names();
    let powers = powers(study);
    let fit = |power: &Option<(Part, f64)>| {
        let of = |x: f64| libm::exp2(x);
        let powered = match *power {
            None => Some(model.clone()),
            Some((Part::Priors, x)) => prior_to(model, of(x)),
            Some((Part::Baseline, x)) => baseline_to(model, of(x)),
            Some((Part::Data, x)) => Some(likelihood_to(model, of(x))),
        };
        let posterior = ExactPosterior::new(&powered?, Resolution::default()).ok();
        steps.did(1);
        posterior
    };
    let fits: Vec<Option<ExactPosterior>> = parallel::map(&powers, fit);
    let place = |part: Part, step: f64| powers.iter().position(|p| *p == Some((part, step)));
    let alone = has_effects_alone(study);
    let all = quantities(study, !alone);
    let mut rows = parallel::map_taken(all, |which| {
        let base = fits[0].as_ref().and_then(|f| quantity(f, which));
        let moved = |part: Part| -> Option<f64> {
            let at = |step: f64| quantity(fits[place(part, step)?].as_ref()?, which);
            let (base, up, down) = (base.as_ref()?, &at(STEP)?, &at(-STEP)?);
            let x = grid_of(|p| base.quantile(p));
            let at = |d: &dyn Distribution| x.iter().map(|&x| d.cdf(x)).collect::<Vec<f64>>();
            let base = at(&**base);
            Some((distance(&x, &base, &at(&**up)) + distance(&x, &base, &at(&**down))) / (2.0 * STEP))
        };
        let (prior, likelihood) = (moved(Part::Priors), moved(Part::Data));
        PowerRow {
            scope: which.whom.scope(),
            subgroup: which.whom.subgroup().map(|g| names[g].to_string()),
            measure: which.measure,
            statement: None,
            threshold: None,
            prior,
            baseline_prior: moved(Part::Baseline),
            likelihood,
            diagnosis: prior.zip(likelihood).map(|(p, l)| diagnosed(p, l)),
            method: "refit",
            max_k: None,
        }
    });
    let asked: Vec<&Question> = questions.iter().filter(|q| !alone || q.effect_bound().is_some()).collect();
    let probabilities = parallel::map(&asked, |q| {
        let p: Vec<Option<f64>> = fits.iter().map(|f| q.ask(f.as_ref()?)).collect();
        // Central differences at two steps, and what they tend to.
        let slope = |part: Part| -> Option<f64> {
            let at = |step: f64| p[place(part, step)?];
            let wide = (at(STEP)? - at(-STEP)?) / (2.0 * STEP);
            let near = (at(0.5 * STEP)? - at(-0.5 * STEP)?) / STEP;
            Some((4.0 * near - wide) / 3.0)
        };
        probability_row(q, [Part::Priors, Part::Baseline, Part::Data].map(slope), ("refit", None))
    });
    rows.extend(probabilities);
    rows
}

fn probability_row(
    q: &Question,
    [prior, baseline_prior, likelihood]: [Option<f64>; 3],
    (method, max_k): (&'static str, Option<f64>),
) -> PowerRow {
    PowerRow {
        scope: Scope::Subgroup,
        subgroup: Some(q.name.clone()),
        measure: q.measure,
        statement: Some(q.statement),
        threshold: Some(q.threshold),
        prior,
        baseline_prior,
        likelihood,
        diagnosis: None,
        method,
        max_k,
    }
}

fn diagnosed(prior: f64, likelihood: f64) -> Diagnosis {
    match (prior >= FLAG, likelihood >= FLAG) {
        (true, true) => Diagnosis::PriorDataConflict,
        (true, false) => Diagnosis::StrongPriorOrWeakData,
        (false, _) => Diagnosis::Unremarkable,
    }
}

/// Nodes over the bulk of a distribution, evenly spaced.
fn grid_of(quantile: impl Fn(f64) -> f64) -> Vec<f64> {
    let (low, high) = (quantile(TAIL), quantile(1.0 - TAIL));
    (0..=NODES).map(|k| low + (high - low) * k as f64 / NODES as f64).collect()
}

/// The square root of the cumulative Jensen–Shannon divergence, relative to its bound, from whichever end it is larger:
/// distribution functions at the nodes `x`.
fn distance(x: &[f64], p: &[f64], q: &[f64]) -> f64 {
    let one_way = |p: &dyn Fn(usize) -> f64, q: &dyn Fn(usize) -> f64| {
        let (mut divergence, mut bound) = (0.0, 0.0);
        for k in 0..x.len() - 1 {
            let width = x[k + 1] - x[k];
            let (a, b) = (0.5 * (p(k) + p(k + 1)), 0.5 * (q(k) + q(k + 1)));
            let term = |a: f64, b: f64| {
                let to_middle = if a > 0.0 { a * libm::log2(2.0 * a / (a + b)) } else { 0.0 };
                to_middle + 0.5 * (b - a) / std::f64::consts::LN_2
            };
            divergence += width * (term(a, b) + term(b, a));
            bound += width * (a + b);
        }
        libm::sqrt((divergence / bound).max(0.0))
    };
    let below = one_way(&|k| p[k], &|k| q[k]);
    let above = one_way(&|k| 1.0 - p[k], &|k| 1.0 - q[k]);
    below.max(above)
}

/// One sampled fit, reweighted.
fn by_weights(
    study: &Study,
    model: &Model,
    questions: &[Question],
    (options, known): (Options, &[Fit]),
) -> Vec<PowerRow> {
    let options = Options { engine: Engine::Sampler, ..options };
    let report = match known_under(known, study.pooling) {
        Some(report) => Cow::Borrowed(report),
        None => Cow::Owned(analyse(study, options)),
    };
    let (true, Some(draws)) = (report.checks.ok, &report.sampled) else { return Vec::new() };
    let size = draws.chains * draws.draws;
    let efficiency = report.checks.least_ess().map_or(1.0, |ess| (ess / size as f64).min(1.0));
    let [prior, baseline, likelihood] = logs(study, model, draws);
    let weights = |log: &Option<Vec<f64>>, x: f64| {
        let by = libm::exp2(x) - 1.0;
        log.as_ref().map(|log| smooth(&log.iter().map(|l| by * l).collect::<Vec<f64>>(), efficiency))
    };
    let all = [
        weights(&prior, STEP),
        weights(&prior, -STEP),
        weights(&likelihood, STEP),
        weights(&likelihood, -STEP),
        weights(&baseline, STEP),
        weights(&baseline, -STEP),
    ];
    let trusted = psis_threshold(size);
    let k = |i: usize| all[i].as_ref().map(|w| w.k);
    let worst = (0..all.len()).filter_map(k).reduce(f64::max);
    let sound = |i: usize| all[i].as_ref().filter(|w| w.k <= trusted).map(|w| &w.weights);
    let names = study.data.names();
    let mut rows = Vec::new();
    for which in quantities(study, true) {
        let column = match (which.whom, which.measure) {
            (Whom::Mean, _) => draws.mu.clone(),
            (Whom::Subgroup(g), Measure::RiskDifference) => draws.risks(g).map(|r| r.difference()),
            (Whom::Subgroup(g), _) => draws.theta.get(g).cloned(),
            _ => None,
        };
        let Some(column) = column else { continue };
        let moved = |i: usize| -> Option<f64> {
            let up = reweighted(&column, sound(i)?);
            let down = reweighted(&column, sound(i + 1)?);
            Some((up + down) / (2.0 * STEP))
        };
        let (prior, likelihood) = (moved(0), moved(2));
        rows.push(PowerRow {
            scope: which.whom.scope(),
            subgroup: which.whom.subgroup().map(|g| names[g].to_string()),
            measure: which.measure,
            statement: None,
            threshold: None,
            prior,
            baseline_prior: moved(4),
            likelihood,
            diagnosis: prior.zip(likelihood).map(|(p, l)| diagnosed(p, l)),
            method: "psis",
            max_k: worst,
        });
    }
    for q in questions {
        let holds = indicator(draws, q);
        let slope = |i: usize| -> Option<f64> {
            let (holds, up, down) = (holds.as_ref()?, sound(i)?, sound(i + 1)?);
            let share =
                |w: &Vec<f64>| w.iter().zip(holds).map(|(w, h)| if *h { *w } else { 0.0 }).sum::<f64>();
            Some((share(up) - share(down)) / (2.0 * STEP))
        };
        rows.push(probability_row(q, [slope(0), slope(4), slope(2)], ("psis", worst)));
    }
    rows
}

fn indicator(draws: &SampledPosterior, q: &Question) -> Option<Vec<bool>> {
    let above = |column: &[f64], bound: f64| column.iter().map(|x| (*x > bound) == q.holds_above()).collect();
    // Under departures from proportional odds the primary cut's effect may be another than θ.
    let departs = draws.departs() && q.measure == Measure::RiskDifference;
    if let Some(bound) = q.effect_bound().filter(|_| !departs) {
        return draws.theta.get(q.subgroup).map(|c| above(c, bound));
    }
    let risks = draws.risks(q.subgroup)?;
    let column = match q.measure {
        Measure::RiskRatio => risks.ratio(),
        Measure::RiskDifference => risks.difference(),
        // What is made of all levels at once.
        _ => return None,
    };
    Some(above(&column, q.bound()))
}

/// The distance between the distributions of draws with equal and with other weights.
fn reweighted(column: &[f64], weights: &[f64]) -> f64 {
    let mut order: Vec<usize> = (0..column.len()).collect();
    order.sort_unstable_by(|&a, &b| column[a].total_cmp(&column[b]));
    let at = |p: f64| column[order[(p * (order.len() - 1) as f64) as usize]];
    let x = grid_of(at);
    let (mut p, mut q) = (Vec::with_capacity(x.len()), Vec::with_capacity(x.len()));
    let (mut i, mut mass) = (0, 0.0);
    for &node in &x {
        while i < order.len() && column[order[i]] < node {
            mass += weights[order[i]];
            i += 1;
        }
        p.push(i as f64 / order.len() as f64);
        q.push(mass);
    }
    distance(&x, &p, &q)
}

/// Log prior of μ and τ, of the baselines, and log likelihood, by draw; none where a model has neither one μ, or no
/// baselines.
fn logs(study: &Study, model: &Model, draws: &SampledPosterior) -> [Option<Vec<f64>>; 3] {
    let location = |prior: &LocationPrior, x: f64| {
        let each: Vec<f64> = prior.components().iter().map(|c| c.log_density(x)).collect();
        crate::numeric::log_sum_exp(&each)
    };
    let effect = &model.effect;
    let tau_prior: Option<HeterogeneityPrior> = match model.pooling {
        Pooling::Partial(h) | Pooling::Shaped(h, _) => Some(h),
        _ => None,
    };
    let prior = draws.mu.as_ref().map(|mu| {
        let of_tau = |i: usize| match (&draws.tau, tau_prior) {
            (Some(tau), Some(h)) => h.log_density(tau[i]),
            _ => 0.0,
        };
        mu.iter().enumerate().map(|(i, &m)| location(effect, m) + of_tau(i)).collect()
    });
    let levels = model.observation.cells().and_then(|cells| cells.levels());
    if let Some(levels) = levels {
        let n = draws.chains * draws.draws;
        let prior = prior.filter(|_| !matches!(effect, LocationPrior::Flat));
        // Patients with covariates have risks of their own, which draws do not hold.
        let alike = study.adjustment.is_none();
        let of_levels = |i: usize| log_prior_of_levels(model, levels, draws, i);
        let baseline = (0..n).map(of_levels).collect::<Option<Vec<f64>>>();
        let likelihood = |i: usize| log_likelihood_of_levels(model, levels, draws, i);
        let likelihood = (0..n).map(likelihood).collect::<Option<Vec<f64>>>().filter(|_| alike);
        return [prior, baseline, likelihood];
    }
    let baseline = match model.observation.baseline_prior() {
        _ if study.priors.baseline.is_none() || draws.alpha.is_empty() => None,
        None => None,
        Some(BaselinePrior::Independent(prior)) => {
            let of_draw = |i: usize| draws.alpha.iter().map(|a| location(prior, a[i])).sum();
            Some((0..draws.chains * draws.draws).map(of_draw).collect())
        }
        Some(BaselinePrior::Exchangeable { mean, sd }) => {
            let fixed = matches!(sd, HeterogeneityPrior::Fixed { .. });
            let of_sd = |i: usize| match &draws.baseline_sd {
                Some(s) if !fixed => sd.log_density(s[i]),
                _ => 0.0,
            };
            let means = draws.baseline_mean.as_ref();
            means.map(|m| m.iter().enumerate().map(|(i, &m)| location(mean, m) + of_sd(i)).collect())
        }
    };
    let counts = model.observation.cells().is_some();
    let n = draws.chains * draws.draws;
    // None where a bias of correlated estimates is left, whose unknown numbers are not integrated out.
    let likelihood: Vec<f64> = (0..n)
        .map(|i| {
            let row = |columns: &[Vec<f64>]| columns.iter().map(|c| c[i]).collect::<Vec<f64>>();
            let alpha = if counts { row(&draws.alpha) } else { Vec::new() };
            model.observation.log_likelihood(&row(&draws.theta), &alpha, draws.label_shares(i).as_ref())
        })
        .collect();
    let prior = prior.filter(|_| !matches!(effect, LocationPrior::Flat));
    let known = likelihood.iter().all(|l| !l.is_nan());
    [prior, baseline, known.then_some(likelihood)]
}

/// The log density of all cut points and of the sd of their shifts, at draw `i`, over log odds.
fn log_prior_of_levels(model: &Model, levels: &Levels, draws: &SampledPosterior, i: usize) -> Option<f64> {
    let of_arm = |x: &[f64]| levels_log_likelihood(&levels.concentrations, x);
    match model.observation.baseline_prior()? {
        BaselinePrior::Independent(_) => {
            let each = (0..draws.theta.len()).map(|g| Some(of_arm(&draws.log_odds_by_cut(g, i)?[0])));
            each.sum()
        }
        BaselinePrior::Exchangeable { sd, .. } => {
            let own = draws.log_odds_by_cut(0, i)?;
            // One set of cut points: a typical subgroup's differ from any by one number.
            let shift = draws.baseline_mean.as_ref()?[i] - draws.alpha.first()?[i];
            let typical: Vec<f64> = own[0].iter().map(|x| x + shift).collect();
            let of_sd = match (sd, &draws.baseline_sd) {
                (HeterogeneityPrior::Fixed { .. }, _) | (_, None) => 0.0,
                (sd, Some(s)) => sd.log_density(s[i]),
            };
            Some(of_arm(&typical) + of_sd)
        }
    }
}

/// The log likelihood of all patients by level at draw `i`, what is not known of a bias integrated out.
fn log_likelihood_of_levels(
    model: &Model,
    levels: &Levels,
    draws: &SampledPosterior,
    i: usize,
) -> Option<f64> {
    let pairs = model.observation.cells()?.pairs();
    let one = |(g, pair): (usize, &BinomialPair)| {
        let [control, active] = draws.log_odds_by_cut(g, i)?;
        let seen = |shift: f64| {
            let x: Vec<f64> = active.iter().map(|x| x + shift).collect();
            levels.log_likelihood(g, 1, &x)
        };
        let of_active = match pair.bias().and_then(|bias| bias.shift.as_ref()) {
            None => seen(0.0),
            Some(shift) => match shift.known() {
                Some(x) => seen(x),
                None => {
                    let nodes = shift.nodes(48).into_iter().filter(|(_, weight)| *weight > 0.0);
                    let terms: Vec<f64> = nodes.map(|(x, weight)| libm::log(weight) + seen(x)).collect();
                    crate::numeric::log_sum_exp(&terms)
                }
            },
        };
        Some(levels.log_likelihood(g, 0, &control) + of_active)
    };
    pairs.iter().enumerate().map(one).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::normal_cdf;

    #[test]
    fn the_distance_is_symmetric_in_direction_and_nothing_for_the_same() {
        let x = grid_of(crate::numeric::normal_quantile);
        let cdf = |by: f64| x.iter().map(|x| normal_cdf(x - by)).collect::<Vec<f64>>();
        let base = cdf(0.0);
        assert_eq!(distance(&x, &base, &base), 0.0);
        let (up, down) = (distance(&x, &base, &cdf(0.1)), distance(&x, &base, &cdf(-0.1)));
        assert!((up - down).abs() < 1e-6 && up > 0.01, "{up} {down}");
    }
}
