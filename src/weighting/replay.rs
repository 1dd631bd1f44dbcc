//! A replay of the study at its own size: treatments and outcomes simulated from its own fitted models for its own patients, and
//! every estimator with its bootstrap on each. What is true is known there, so that the replay shows how far an estimator is
//! off, how far its bootstrap's spread is from the true one, and how often its intervals hold the truth.

use rand_chacha::ChaCha8Rng;
use rand_distr::{Binomial, Distribution, StandardUniform};
use serde::Serialize;

use super::bootstrap::{centred, drawn, sd};
use super::cohort::{Cell, Cohort};
use super::estimators::{ByArm, ESTIMATORS, Model, Risks, Room};
use super::plan::Plan;
use super::propensity::Probabilities;
use super::streams::{Purpose, stream};
use crate::parallel;

/// Draws of weights within each simulated study: few, as many studies average them.
const WITHIN: usize = 20;

/// The 97.5 % point of Student's t with [`WITHIN`] less 1 degrees of freedom: what 1.96 is where a spread is known.
const T_WITHIN: f64 = 2.093_024_054_408_263;

/// A simulated study without an event, or without a patient, in an arm of a subgroup is drawn again, so often at most.
const MOST_ATTEMPTS: usize = 1_000;

/// What a replay showed of all estimators.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Replay {
    /// How many studies were simulated.
    pub studies: usize,
    /// How many more had no estimate in some subgroup, and were drawn again.
    pub drawn_again: usize,
    /// By estimator in the order of results, then subgroup, all patients last, then active arm.
    pub estimators: Vec<Vec<Replayed>>,
}

/// What a replay showed of one estimator's log odds ratio in one population.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Replayed {
    /// The log odds ratio that is true in the replay.
    pub truth: f64,
    /// The mean of the estimates less the truth.
    pub bias: f64,
    /// The standard deviation of the estimates: the true spread.
    pub sd: f64,
    /// The root mean square of the bootstrap's standard deviations.
    pub bootstrap_sd: f64,
    /// The true spread over the bootstrap's.
    pub ratio: f64,
    /// The standard error of the ratio.
    pub ratio_se: f64,
    /// What the bootstrap's spread is multiplied by: how many times as wide 95 % intervals have to be for 95 % of them to hold the
    /// mean of the estimates (of all arms of the population together), and at least 1. Where the bootstrap's spread differs from study to study, as with few events, this
    /// is more than the ratio. It never narrows: studies without an event in some arm are not among the simulated ones, so that
    /// those of a tiny subgroup are all alike.
    pub factor: f64,
    /// The standard error of the factor.
    pub factor_se: f64,
    /// The share of 95 % intervals that hold the truth, as the bootstrap gives them.
    pub coverage: f64,
    /// The same of intervals whose spread is multiplied by the factor.
    pub coverage_calibrated: f64,
    /// The factor of the baseline's spread.
    #[serde(skip)]
    pub baseline_factor: f64,
}

/// One simulated study: by estimator and population the log odds ratios of the active arms and the baseline, each with the
/// bootstrap's standard deviation.
struct Simulated {
    found: Vec<Vec<[f64; 2]>>,
    attempts: usize,
}

/// None without replays, and for weights computed elsewhere: what gave them is not known.
pub fn replay(model: &Model, cohort: &Cohort, plan: &Plan) -> Option<Replay> {
    if plan.replays < 2 || cohort.given.is_some() {
        return None;
    }
    let (e, risks) = model.truth();
    let truth = model.standardised(&e, &risks, |i| cohort.patients(i));
    let simulate =
        |k: usize| simulated(model, cohort, (&e, &risks), &mut stream(plan.seed, k, Purpose::Replay));
    let studies: Vec<Simulated> =
        parallel::range(0..plan.replays, simulate).into_iter().collect::<Option<_>>()?;
    let populations = cohort.subgroups + 1;
    let of = |estimator: usize, population: usize| {
        let place = estimator * populations + population;
        let each = |quantity: usize| studies.iter().map(|s| s.found[place][quantity]).collect::<Vec<_>>();
        let (effects, baselines): (Vec<_>, _) =
            ((0..cohort.arms - 1).map(each).collect(), each(cohort.arms - 1));
        let factors = Factors::of(&effects, &baselines);
        let truth = &truth[population];
        truth.active().map(|arm| summary(truth.log_odds_ratio(arm), &effects[arm - 1], &factors)).collect()
    };
    let by_population = |k: usize| (0..populations).flat_map(|p| -> Vec<Replayed> { of(k, p) }).collect();
    Some(Replay {
        studies: studies.len(),
        drawn_again: studies.iter().map(|s| s.attempts - 1).sum(),
        estimators: (0..ESTIMATORS.len()).map(by_population).collect(),
    })
}

/// None where no study with estimates comes up.
fn simulated(
    model: &Model,
    cohort: &Cohort,
    (e, risks): (&Probabilities, &ByArm),
    rng: &mut ChaCha8Rng,
) -> Option<Simulated> {
    let mut cells: Vec<Cell> = vec![[0.0; 2]; cohort.cells.len()];
    let mut patients = vec![0.0; cohort.arms];
    let mut attempts = 0;
    loop {
        attempts += 1;
        for (i, cells) in cells.chunks_exact_mut(cohort.arms).enumerate() {
            allot(cohort.patients(i), e.at(i), &mut patients, rng);
            for (arm, (n, cell)) in patients.iter().zip(cells).enumerate() {
                let events = binomial(*n, risks[arm][i], rng);
                *cell = [n - events, events];
            }
        }
        if cohort.lacking(&cells).is_none() {
            break;
        }
        if attempts == MOST_ATTEMPTS {
            return None;
        }
    }
    let mut room = Room::default();
    let mut fitted = model.of_cells(&cells, &mut room);
    let quantities = |risks: &[Vec<Risks>]| -> Vec<Vec<f64>> {
        let of = |r: &Risks| r.active().map(|arm| r.log_odds_ratio(arm)).chain([r.baseline()]).collect();
        risks.iter().flatten().map(of).collect()
    };
    let own = quantities(&fitted.estimates(&cells).risks);
    let start = fitted.clone();
    let mut weights = cells.clone();
    let within: Vec<Vec<Vec<f64>>> = (0..WITHIN)
        .map(|_| {
            drawn(&cells, &mut weights, rng);
            fitted.clone_from(&start);
            quantities(&fitted.again(&weights, &mut room).risks)
        })
        .collect();
    let spread = |place: usize, which: usize| sd(&centred(within.iter().map(|w| w[place][which]).collect()));
    let found = own
        .iter()
        .enumerate()
        .map(|(k, of)| of.iter().enumerate().map(|(which, value)| [*value, spread(k, which)]).collect());
    Some(Simulated { found: found.collect(), attempts })
}

/// Puts patients in arms with these probabilities: the active ones one after another, each of those who are left.
fn allot(patients: f64, e: &[f64], into: &mut [f64], rng: &mut ChaCha8Rng) {
    let (mut rest, mut chance) = (patients, 1.0);
    for arm in 1..e.len() {
        into[arm] = binomial(rest, (e[arm] / chance).min(1.0), rng);
        rest -= into[arm];
        chance = (chance - e[arm]).max(f64::MIN_POSITIVE);
    }
    into[0] = rest;
}

fn binomial(n: f64, p: f64, rng: &mut ChaCha8Rng) -> f64 {
    if n == 0.0 {
        return 0.0;
    }
    if n == 1.0 {
        let u: f64 = StandardUniform.sample(rng);
        return f64::from(u8::from(u < p));
    }
    Binomial::new(n as u64, p).map_or(0.0, |b| b.sample(rng) as f64)
}

fn values(of: &[[f64; 2]]) -> Vec<f64> {
    of.iter().map(|x| x[0]).collect()
}

fn spreads(of: &[[f64; 2]]) -> Vec<f64> {
    of.iter().map(|x| x[1]).collect()
}

/// What the bootstrap's spread of one population is multiplied by.
struct Factors {
    effects: f64,
    error: f64,
    baseline: f64,
}

impl Factors {
    /// From estimates of the active arms' log odds ratios, and of the baseline, by study, each with the bootstrap's standard
    /// deviation. All arms have one factor: a factor each would pull apart what is correlated, by their noise.
    fn of(effects: &[Vec<[f64; 2]>], baselines: &[[f64; 2]]) -> Factors {
        let sizes = |of: &[[f64; 2]]| -> Vec<f64> {
            let errors = centred(values(of));
            errors.iter().zip(of).map(|(x, [_, sd])| x.abs() / (T_WITHIN * sd)).collect()
        };
        let all: Vec<f64> = effects.iter().flat_map(|of| sizes(of)).collect();
        // Arms of one study are correlated: as many studies as there are tell apart.
        let [factor, low, high] = factors(all, baselines.len());
        let baseline = match effects {
            [_] => factors(sizes(baselines), baselines.len())[0],
            _ => factor,
        };
        Factors { effects: factor.max(1.0), error: 0.5 * (high - low), baseline: baseline.max(1.0) }
    }
}

/// Of one log odds ratio: what is true of it, and its estimates by study, each with the bootstrap's standard deviation.
fn summary(truth: f64, effects: &[[f64; 2]], factors: &Factors) -> Replayed {
    let n = effects.len() as f64;
    let errors = centred(values(effects));
    let bias = effects.iter().map(|x| x[0] - truth).sum::<f64>() / n;
    let sd = sd(&errors);
    let bootstrap_sd = libm::sqrt(effects.iter().map(|x| x[1] * x[1]).sum::<f64>() / n);
    let ratio = sd / bootstrap_sd;
    let covered =
        |by: f64| effects.iter().filter(|x| (x[0] - truth).abs() <= T_WITHIN * by * x[1]).count() as f64 / n;
    // The delta method: the log of the spread has the variance of squares over (2 · their mean)², the two spreads apart.
    let relative = |values: &[f64]| {
        let mean = values.iter().sum::<f64>() / n;
        let squares = values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1.0);
        squares / (4.0 * mean * mean * n)
    };
    let squared = |values: &[f64]| -> Vec<f64> { values.iter().map(|x| x * x).collect() };
    let of_sd = relative(&squared(&errors));
    let of_bootstrap = relative(&squared(&spreads(effects)));
    Replayed {
        truth,
        bias,
        sd,
        bootstrap_sd,
        ratio,
        ratio_se: ratio * libm::sqrt(of_sd + of_bootstrap),
        factor: factors.effects,
        factor_se: factors.error,
        coverage: covered(1.0),
        coverage_calibrated: covered(factors.effects),
        baseline_factor: factors.baseline,
    }
}

/// From errors in units of the intervals' half width: how many times as wide 95 % intervals have to be for 95 % of them to hold the
/// mean of the estimates, and the same a standard error of that share lower and higher, as `independent` studies have it.
fn factors(mut sizes: Vec<f64>, independent: usize) -> [f64; 3] {
    const HELD: f64 = 0.95;
    sizes.sort_by(f64::total_cmp);
    let n = sizes.len() as f64;
    let error = libm::sqrt(HELD * (1.0 - HELD) / independent as f64);
    [HELD, HELD - error, HELD + error].map(|share| {
        // Between order statistics, the k-th of n standing for k / (n + 1).
        let at = (share * (n + 1.0) - 1.0).clamp(0.0, n - 1.0);
        let below = libm::floor(at);
        let (a, b) = (sizes[below as usize], sizes[libm::ceil(at) as usize]);
        a + (b - a) * (at - below)
    })
}
