//! Baselines: what a prior of theirs binds to, what is said of it, and how far the data lie from it.

mod common;

use common::{close, counts_model, pair, study_of};
use equipoise::model::{BaselineOf, BaselinePrior, HeterogeneityPrior, LocationPrior, NormalComponent};
use equipoise::numeric::{log_binomial_coefficient, softplus};
use equipoise::posterior::baseline_conflicts;
use equipoise::study::{Data, Priors, Study, Written};

fn written<T>(distribution: T) -> Written<T> {
    Written { distribution, words: String::new() }
}

fn with(
    counts: [(u32, u32); 2],
    baseline: BaselinePrior,
    baseline_of: BaselineOf,
    effect: LocationPrior,
    heterogeneity: HeterogeneityPrior,
) -> Study {
    let mut study = study_of(&counts_model(vec![pair(counts[0], counts[1])]));
    study.priors = Priors {
        effect: written(effect),
        heterogeneity: Some(written(heterogeneity)),
        baseline: Some(written(baseline)),
        baseline_of,
    };
    study
}

fn tails(study: &Study) -> [f64; 2] {
    let found = baseline_conflicts(study);
    assert_eq!(found.len(), 2);
    [found[0].tail_probability, found[1].tail_probability]
}

/// P(Y = k) for k = 0…n, where the log odds of each patient are a value of `nodes` with its weight.
fn predictive(n: u32, nodes: &[(f64, f64)]) -> Vec<f64> {
    let total: f64 = nodes.iter().map(|(_, w)| w).sum();
    (0..=n)
        .map(|k| {
            let (k, n) = (f64::from(k), f64::from(n));
            let choose = log_binomial_coefficient(n, k);
            let of = |&(x, w): &(f64, f64)| w / total * (choose + k * x - n * softplus(x)).exp();
            nodes.iter().map(of).sum()
        })
        .collect()
}

fn two_sided(predictive: &[f64], y: u32) -> f64 {
    let y = y as usize;
    let (low, high): (f64, f64) = (predictive[..=y].iter().sum(), predictive[y..].iter().sum());
    (2.0 * low.min(high)).min(1.0)
}

/// Nodes of a density on an even grid.
fn nodes(low: f64, high: f64, n: usize, log_density: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
    let step = (high - low) / n as f64;
    (0..n).map(|i| low + (i as f64 + 0.5) * step).map(|x| (x, log_density(x).exp())).collect()
}

const NORMAL_EFFECT: (f64, f64) = (0.2, 0.6);

/// α + c(μ + τz) by plain sums over all three.
fn arm_nodes(alpha: &[(f64, f64)], c: f64, tau_scale: f64) -> Vec<(f64, f64)> {
    let (mean, sd) = NORMAL_EFFECT;
    let taus = nodes(0.0, 6.0 * tau_scale, 24, |t| -0.5 * (t / tau_scale) * (t / tau_scale));
    let mut found = Vec::new();
    for &(a, wa) in alpha {
        for &(tau, wt) in &taus {
            let spread = (sd * sd + tau * tau).sqrt();
            for (z, wz) in nodes(-6.0, 6.0, 24, |z| -0.5 * z * z) {
                found.push((a + c * (mean + spread * z), wa * wt * wz));
            }
        }
    }
    found
}

#[test]
fn the_tail_of_an_arm_is_that_of_its_prior_predictive_distribution() {
    // By sums over α, μ, τ and z, whatever the family of the baseline and whichever way it lies between the arms.
    let normal = |x: f64| -0.5 * ((x + 0.5) / 0.8) * ((x + 0.5) / 0.8);
    let t = |x: f64| -0.5 * 5.0 * (1.0 + (x + 0.5) * (x + 0.5) / 4.0).ln();
    let beta = |x: f64| 2.0 * x - 9.0 * (1.0 + x.exp()).ln();
    let wide = |x: f64| {
        // N(0, 0.5²) with a half-normal(0.7) sd among baselines.
        let taus = nodes(0.0, 4.2, 60, |s| -0.5 * (s / 0.7) * (s / 0.7));
        let total: f64 = taus.iter().map(|(_, w)| w).sum();
        let density = |&(s, w): &(f64, f64)| {
            let v: f64 = 0.25 + s * s;
            w / total * (-0.5 * x * x / v).exp() / v.sqrt()
        };
        taus.iter().map(density).sum::<f64>().ln()
    };
    let mixture = LocationPrior::Normals(vec![
        NormalComponent { weight: 0.4, mean: -1.0, sd: 0.4 },
        NormalComponent { weight: 0.6, mean: 1.0, sd: 0.8 },
    ]);
    let of_mixture = |x: f64| {
        (0.4 / 0.4 * (-0.5 * ((x + 1.0) / 0.4).powi(2)).exp()
            + 0.6 / 0.8 * (-0.5 * ((x - 1.0) / 0.8).powi(2)).exp())
        .ln()
    };
    let independent = BaselinePrior::Independent;
    type Case<'a> = (BaselinePrior, &'a dyn Fn(f64) -> f64, f64);
    let cases: [Case<'_>; 5] = [
        (independent(LocationPrior::normal(-0.5, 0.8)), &normal, 8.0),
        (independent(LocationPrior::StudentT { df: 4.0, location: -0.5, scale: 1.0 }), &t, 40.0),
        (independent(LocationPrior::LogitBeta { a: 2.0, b: 7.0 }), &beta, 20.0),
        (
            BaselinePrior::Exchangeable {
                mean: LocationPrior::normal(0.0, 0.5),
                sd: HeterogeneityPrior::HalfNormal { scale: 0.7 },
            },
            &wide,
            15.0,
        ),
        (independent(mixture), &of_mixture, 9.0),
    ];
    for (prior, log_density, reach) in cases {
        let alpha = nodes(-reach, reach, 240, log_density);
        for (of, shares) in [(BaselineOf::Arms, [-0.5, 0.5]), (BaselineOf::Control, [0.0, 1.0])] {
            let [control, active] = shares.map(|c| predictive(30, &arm_nodes(&alpha, c, 0.5)));
            for y in [0, 1, 7, 22, 30] {
                let study = with(
                    [(y, 30), (y, 30)],
                    prior.clone(),
                    of,
                    LocationPrior::normal(NORMAL_EFFECT.0, NORMAL_EFFECT.1),
                    HeterogeneityPrior::HalfNormal { scale: 0.5 },
                );
                let found = tails(&study);
                for (arm, (found, expected)) in found.into_iter().zip([&control, &active]).enumerate() {
                    let what = format!("{prior:?} of {of:?}, arm {arm}, {y} of 30");
                    close(&what, found, two_sided(expected, y), 3e-4);
                }
            }
        }
    }
}

#[test]
fn a_beta_prior_of_the_control_risk_gives_the_tails_of_a_beta_binomial() {
    // P(Y = k) = C(n, k) B(k + a, n − k + b) / B(a, b).
    let beta = |a: f64, b: f64| libm::lgamma(a) + libm::lgamma(b) - libm::lgamma(a + b);
    for (a, b) in [(1.0, 1.0), (0.5, 0.5), (2.0, 38.0), (800.0, 3200.0)] {
        for n in [2_u32, 40, 400] {
            let predictive: Vec<f64> = (0..=n)
                .map(|k| {
                    let (k, n) = (f64::from(k), f64::from(n));
                    (log_binomial_coefficient(n, k) + beta(k + a, n - k + b) - beta(a, b)).exp()
                })
                .collect();
            for y in [0, 1, n / 3, n] {
                let study = with(
                    [(y, n), (1, 2)],
                    BaselinePrior::Independent(LocationPrior::LogitBeta { a, b }),
                    BaselineOf::Control,
                    LocationPrior::normal(0.0, 0.355),
                    HeterogeneityPrior::HalfNormal { scale: 0.5 },
                );
                let expected = two_sided(&predictive, y);
                close(&format!("beta({a}, {b}), {y} of {n}"), tails(&study)[0], expected, 2e-6);
            }
        }
    }
}

#[test]
fn five_hundred_subgroups_of_a_million_patients_take_no_time() {
    let mut study = study_of(&counts_model(vec![pair((10, 20), (10, 20)); 500]));
    if let Data::Counts(rows) = &mut study.data {
        for (g, row) in rows.iter_mut().enumerate() {
            row.control.total = 1_000_000;
            row.control.events = 2_000 * g as u64;
            row.active.total = 1_000_000 - g as u64;
            row.active.events = row.active.total / 3;
        }
    }
    study.priors.heterogeneity = Some(written(HeterogeneityPrior::HalfStudentT { df: 1.0, scale: 0.5 }));
    for baseline in [
        LocationPrior::normal(0.0, 2.5),
        LocationPrior::StudentT { df: 1.0, location: 0.0, scale: 0.3 },
        LocationPrior::LogitBeta { a: 20.0, b: 80.0 },
    ] {
        study.priors.baseline = Some(written(BaselinePrior::Independent(baseline.clone())));
        study.priors.baseline_of = BaselineOf::Arms;
        let started = std::time::Instant::now();
        let found = baseline_conflicts(&study);
        let seconds = started.elapsed().as_secs_f64();
        println!("{baseline:?}: {seconds:.3} s");
        assert_eq!(found.len(), 1000);
        assert!(found.iter().all(|f| (0.0..=1.0).contains(&f.tail_probability)));
        assert!(seconds < 5.0, "{baseline:?} took {seconds} s");
    }
}
