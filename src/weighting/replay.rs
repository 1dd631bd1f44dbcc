//! A replay of the study at its own size: treatments and outcomes simulated from its own fitted models for its own patients, and
//! every estimator with its bootstrap on each. What is true is known there, so that the replay shows how far an estimator is
//! off, how far its bootstrap's spread is from the true one, and how often its intervals hold the truth.

use rand_chacha::ChaCha8Rng;
use rand_distr::{Binomial, Distribution, StandardUniform};
use serde::Serialize;

use super::bootstrap::{centred, drawn, sd};
use super::cohort::{Cohort, Counts, cells, lacking};
use super::estimators::{ByArm, ESTIMATORS, Model, Risks, Room};
use super::plan::Plan;
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
    /// By estimator in the order of results, then subgroup, all patients last.
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
    /// mean of the estimates, and at least 1. Where the bootstrap's spread differs from study to study, as with few events, this
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

/// One simulated study: by estimator and population the log odds ratio and the baseline, and the bootstrap's standard
/// deviation of both.
struct Simulated {
    found: Vec<[f64; 4]>,
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
        let each: Vec<[f64; 4]> = studies.iter().map(|s| s.found[place]).collect();
        summary(&truth[population], &each)
    };
    let estimators = (0..ESTIMATORS.len()).map(|k| (0..populations).map(|p| of(k, p)).collect());
    Some(Replay {
        studies: studies.len(),
        drawn_again: studies.iter().map(|s| s.attempts - 1).sum(),
        estimators: estimators.collect(),
    })
}

/// None where no study with estimates comes up.
fn simulated(
    model: &Model,
    cohort: &Cohort,
    (e, risks): (&[f64], &ByArm),
    rng: &mut ChaCha8Rng,
) -> Option<Simulated> {
    let mut counts: Vec<Counts> = vec![[[0.0; 2]; 2]; e.len()];
    let mut attempts = 0;
    loop {
        attempts += 1;
        for (i, counts) in counts.iter_mut().enumerate() {
            let patients = cohort.patients(i);
            let treated = binomial(patients, e[i], rng);
            for (arm, n) in [patients - treated, treated].into_iter().enumerate() {
                let events = binomial(n, risks[arm][i], rng);
                counts[arm] = [n - events, events];
            }
        }
        let subgroups = cohort.profiles.iter().map(|p| p.subgroup).zip(counts.iter().copied());
        if lacking(&cells(cohort.subgroups, subgroups)).is_none() {
            break;
        }
        if attempts == MOST_ATTEMPTS {
            return None;
        }
    }
    let mut room = Room::default();
    let mut fitted = model.of_counts(&counts, &mut room);
    let both = |risks: &[Vec<Risks>]| -> Vec<[f64; 2]> {
        risks.iter().flatten().map(|r| [r.log_odds_ratio(), r.baseline()]).collect()
    };
    let own = both(&fitted.estimates(&counts).risks);
    let start = fitted.clone();
    let mut weights = counts.clone();
    let within: Vec<Vec<[f64; 2]>> = (0..WITHIN)
        .map(|_| {
            drawn(&counts, &mut weights, rng);
            fitted.clone_from(&start);
            both(&fitted.again(&weights, &mut room).risks)
        })
        .collect();
    let spread = |place: usize, which: usize| sd(&centred(within.iter().map(|w| w[place][which]).collect()));
    let found =
        own.iter().enumerate().map(|(k, [theta, alpha])| [*theta, *alpha, spread(k, 0), spread(k, 1)]);
    Some(Simulated { found: found.collect(), attempts })
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

fn summary(truth: &Risks, each: &[[f64; 4]]) -> Replayed {
    let n = each.len() as f64;
    let column = |k: usize| each.iter().map(move |x| x[k]);
    let theta = truth.log_odds_ratio();
    let bias = column(0).map(|x| x - theta).sum::<f64>() / n;
    let root_mean_square = |k: usize| libm::sqrt(column(k).map(|x| x * x).sum::<f64>() / n);
    let spread = |k: usize| sd(&centred(column(k).collect()));
    let (sd, bootstrap_sd) = (spread(0), root_mean_square(2));
    let ratio = sd / bootstrap_sd;
    let [factor, low, high] = factors(&centred(column(0).collect()), &column(2).collect::<Vec<f64>>());
    let widened = factor.max(1.0);
    let covered =
        |by: f64| each.iter().filter(|x| (x[0] - theta).abs() <= T_WITHIN * by * x[2]).count() as f64 / n;
    // The delta method: the log of the spread has the variance of squares over (2 · their mean)², the two spreads apart.
    let relative = |values: &[f64]| {
        let mean = values.iter().sum::<f64>() / n;
        let squares = values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1.0);
        squares / (4.0 * mean * mean * n)
    };
    let squared = |values: Vec<f64>| -> Vec<f64> { values.iter().map(|x| x * x).collect() };
    let of_sd = relative(&squared(centred(column(0).collect())));
    let of_bootstrap = relative(&squared(column(2).collect()));
    Replayed {
        truth: theta,
        bias,
        sd,
        bootstrap_sd,
        ratio,
        ratio_se: ratio * libm::sqrt(of_sd + of_bootstrap),
        factor: widened,
        factor_se: 0.5 * (high - low),
        coverage: covered(1.0),
        coverage_calibrated: covered(widened),
        baseline_factor: factors(&centred(column(1).collect()), &column(3).collect::<Vec<f64>>())[0].max(1.0),
    }
}

/// How many times as wide 95 % intervals have to be for 95 % of them to hold the mean of the estimates, and the same a standard
/// error of that share lower and higher.
fn factors(errors: &[f64], spreads: &[f64]) -> [f64; 3] {
    const HELD: f64 = 0.95;
    let mut sizes: Vec<f64> = errors.iter().zip(spreads).map(|(x, sd)| x.abs() / (T_WITHIN * sd)).collect();
    sizes.sort_by(f64::total_cmp);
    let n = sizes.len() as f64;
    let error = libm::sqrt(HELD * (1.0 - HELD) / n);
    [HELD, HELD - error, HELD + error].map(|share| {
        // Between order statistics, the k-th of n standing for k / (n + 1).
        let at = (share * (n + 1.0) - 1.0).clamp(0.0, n - 1.0);
        let below = libm::floor(at);
        let (a, b) = (sizes[below as usize], sizes[libm::ceil(at) as usize]);
        a + (b - a) * (at - below)
    })
}
