//! What was observed beside what the model predicts: against closed forms, against sums over a grid, against fits without a subgroup,
//! against the sampler, under mirror images, and over studies drawn from the priors.

use crate::common;

use std::fs;

use assert_cmd::Command;
use common::{Worst, close};
use equipoise::input::open;
use equipoise::posterior::{
    Check, Compared, Engine, Estimand, Measure, Method, ModelChecks, Options, Predictive, Sampling, Untold,
    Whom, analyse,
};
use equipoise::sampler::{Purpose, stream};
use equipoise::study::distributions::{beta, exchangeable, fixed, half_normal, mixture, normal};
use equipoise::study::{
    Assignment, BaselineOf, Endpoint, HigherIs, PooledPriors, Priors, Scale, Study, StudyBuilder,
};
use rand_distr::{Binomial, Distribution, StandardNormal};
use rayon::prelude::*;
use serde_json::Value;

fn exactly() -> Options {
    Options { engine: Engine::Exact, ..Options::default() }
}

fn checks_under(study: &Study, options: Options) -> ModelChecks {
    analyse(study, options).model_checks(study).clone()
}

fn checks(study: &Study) -> ModelChecks {
    checks_under(study, exactly())
}

fn of_counts(priors: PooledPriors) -> StudyBuilder {
    Study::builder("Counts", Assignment::Randomised)
        .outcome(Endpoint::events("death", HigherIs::Worse))
        .arms("placebo", "drug")
        .priors(priors)
}

fn of_estimates(priors: PooledPriors) -> StudyBuilder {
    Study::builder("Estimates", Assignment::Randomised)
        .outcome(Endpoint::estimates("score", Scale::Difference, HigherIs::Better))
        .arms("placebo", "drug")
        .priors(priors)
}

#[track_caller]
fn find(all: &ModelChecks, g: usize, compared: Compared) -> &Check {
    all.checks.iter().find(|c| c.subgroup == g && c.compared == compared).expect("checked")
}

#[track_caller]
fn told(predictive: &Result<Predictive, Untold>) -> Predictive {
    *predictive.as_ref().expect("predicted")
}

fn ln_gamma(x: f64) -> f64 {
    libm::lgamma(x)
}

fn ln_choose(n: u64, k: u64) -> f64 {
    let of = |x: u64| ln_gamma(x as f64 + 1.0);
    of(n) - of(k) - of(n - k)
}

/// Mean, ends of the central 95 % interval and tail probability of a distribution over 0, 1, ….
fn summary(probabilities: &[f64], observed: usize) -> [f64; 4] {
    let mean = probabilities.iter().enumerate().map(|(k, p)| k as f64 * p).sum();
    let end = |p: f64| {
        let mut below = 0.0;
        probabilities.iter().position(|q| {
            below += q;
            below >= p
        })
    };
    let tail: f64 = probabilities[..observed].iter().sum::<f64>() + 0.5 * probabilities[observed];
    [mean, end(0.025).expect("reached") as f64, end(0.975).expect("reached") as f64, tail]
}

#[track_caller]
fn same(what: &str, found: Predictive, expected: [f64; 4], tolerance: f64) {
    close(
        &format!("{what}: mean"),
        found.mean.expect("a mean"),
        expected[0],
        tolerance * expected[0].abs().max(1.0),
    );
    assert_eq!(found.interval, [expected[1], expected[2]], "{what}");
    close(&format!("{what}: tail"), found.tail_probability, expected[3], tolerance);
}

#[test]
fn under_a_beta_prior_a_control_arm_is_beta_binomial() {
    let (a, b) = (2.5, 6.0);
    for (events, n) in [(0, 9), (3, 40), (17, 60), (310, 2_000), (5, 5)] {
        let study = of_counts(Priors::complete(normal(0.0, 0.5)))
            .group("all", [(events, n), (4, 30)])
            .baseline(beta(a, b))
            .baseline_of(BaselineOf::Control)
            .undivided()
            .build()
            .expect("a study");
        let found = checks(&study);
        let check = find(&found, 0, Compared::Events(0));
        let of_beta = |x: f64, y: f64| ln_gamma(x) + ln_gamma(y) - ln_gamma(x + y);
        let beta_binomial: Vec<f64> = (0..=n)
            .map(|k| {
                let (k_, rest) = (k as f64, (n - k) as f64);
                (ln_choose(n, k) + of_beta(k_ + a, rest + b) - of_beta(a, b)).exp()
            })
            .collect();
        let expected = summary(&beta_binomial, events as usize);
        same("prior", told(&check.prior), expected, 2e-7);
        // No other subgroup says anything of this one's baseline.
        same("left out", told(&check.left_out), expected, 2e-7);
        assert_eq!(told(&check.prior).method, Method::Exact);
    }
}

/// Everything of one subgroup by sums over a grid of both log odds.
#[test]
fn one_subgroup_agrees_with_sums_over_a_grid() {
    for (of, [y0, n0, y1, n1]) in [
        (BaselineOf::Control, [7, 31, 12, 29]),
        (BaselineOf::Arms, [0, 14, 3, 22]),
        (BaselineOf::Arms, [40, 160, 21, 150]),
    ] {
        let (mean, sd, of_effect) = (-0.4, 1.1, 0.7);
        let study = of_counts(Priors::complete(normal(0.1, of_effect)))
            .group("all", [(y0, n0), (y1, n1)])
            .baseline(normal(mean, sd))
            .baseline_of(of)
            .undivided()
            .build()
            .expect("a study");
        let found = checks(&study);
        let step = 0.025;
        let nodes = |m: f64, s: f64| -> Vec<f64> {
            let reach = (9.0 * s / step) as i64;
            (-reach..=reach).map(|k| m + step * k as f64).collect()
        };
        let log_normal = |x: f64, m: f64, s: f64| -0.5 * ((x - m) / s).powi(2);
        let log_binomial = |y: u64, n: u64, x: f64| y as f64 * x - n as f64 * (1.0 + x.exp()).ln();
        let binomial = |n: u64, x: f64, into: &mut [f64], w: f64| {
            for (y, sum) in into.iter_mut().enumerate() {
                *sum += w * (ln_choose(n, y as u64) + log_binomial(y as u64, n, x)).exp();
            }
        };
        let total = y0 + y1;
        let (least, most) = (total.saturating_sub(n0), total.min(n1));
        // By knowledge: events of either arm, and events of the active arm given all events.
        let mut sums: Vec<[Vec<f64>; 3]> = (0..2)
            .map(|_| {
                [
                    vec![0.0; n0 as usize + 1],
                    vec![0.0; n1 as usize + 1],
                    vec![0.0; (most - least) as usize + 1],
                ]
            })
            .collect();
        let mut masses = [0.0; 2];
        let share = if of == BaselineOf::Arms { 0.5 } else { 0.0 };
        // Distributions of each arm's log odds, by place, and of θ.
        use std::collections::BTreeMap;
        let mut of_arm: [[BTreeMap<i64, f64>; 2]; 2] = Default::default();
        let alphas = nodes(mean, sd);
        let thetas = nodes(0.1, of_effect);
        let mut of_theta = [vec![0.0; thetas.len()], vec![0.0; thetas.len()]];
        for alpha in &alphas {
            for (t, theta) in thetas.iter().enumerate() {
                let (x0, x1) = (alpha - share * theta, alpha + (1.0 - share) * theta);
                let prior = (log_normal(*alpha, mean, sd) + log_normal(*theta, 0.1, of_effect)).exp();
                let likelihood = (log_binomial(y0, n0, x0)
                    + log_binomial(y1, n1, x1)
                    + ln_choose(n0, y0)
                    + ln_choose(n1, y1))
                .exp();
                for (k, w) in [prior, prior * likelihood].into_iter().enumerate() {
                    masses[k] += w;
                    of_theta[k][t] += w;
                    for (arm, x) in [x0, x1].into_iter().enumerate() {
                        *of_arm[k][arm].entry((x * 1e6).round() as i64).or_default() += w;
                    }
                }
            }
        }
        for k in 0..2 {
            for (arm, n) in [n0, n1].into_iter().enumerate() {
                for (x, w) in &of_arm[k][arm] {
                    if *w > 1e-13 * masses[k] {
                        binomial(n, *x as f64 * 1e-6, &mut sums[k][arm], *w / masses[k]);
                    }
                }
            }
            for (theta, w) in thetas.iter().zip(&of_theta[k]) {
                let terms: Vec<f64> = (least..=most)
                    .map(|y| (ln_choose(n1, y) + ln_choose(n0, total - y) + y as f64 * theta).exp())
                    .collect();
                let sum: f64 = terms.iter().sum();
                sums[k][2]
                    .iter_mut()
                    .zip(&terms)
                    .for_each(|(into, term)| *into += w / masses[k] * term / sum);
            }
        }
        for (arm, y) in [y0, y1].into_iter().enumerate() {
            let check = find(&found, 0, Compared::Events(arm));
            same("prior", told(&check.prior), summary(&sums[0][arm], y as usize), 1e-5);
            same("posterior", told(&check.posterior), summary(&sums[1][arm], y as usize), 1e-5);
        }
        let check = find(&found, 0, Compared::RiskDifference);
        for (sums, found) in [(&sums[0][2], told(&check.prior)), (&sums[1][2], told(&check.posterior))] {
            let [mean, low, high, tail] = summary(sums, (y1 - least) as usize);
            let difference = |y: f64| {
                let y = y + least as f64;
                y / n1 as f64 - (total as f64 - y) / n0 as f64
            };
            close("mean", found.mean.expect("a mean"), difference(mean), 1e-6);
            close("low", found.interval[0], difference(low), 1e-12);
            close("high", found.interval[1], difference(high), 1e-12);
            close("tail", found.tail_probability, tail, 1e-6);
        }
    }
}

#[test]
fn normal_estimates_have_closed_forms() {
    let rows = [(28.0, 15.0), (8.0, 10.0), (-3.0, 16.0), (7.0, 11.0)];
    let (m, s, tau) = (2.0, 12.0, 6.0);
    let mut builder = of_estimates(Priors::partial(normal(m, s), fixed(tau)));
    for (k, (estimate, se)) in rows.iter().enumerate() {
        builder = builder.estimate(format!("school {k}"), *estimate, *se);
    }
    let found = checks(&builder.build().expect("a study"));
    let cdf = |z: f64| 0.5 * libm::erfc(-z / std::f64::consts::SQRT_2);
    let hold = |what: &str, found: Predictive, mean: f64, sd: f64, y: f64| {
        close(what, found.mean.expect("a mean"), mean, 1e-9);
        close(what, found.tail_probability, cdf((y - mean) / sd), 1e-9);
        for (end, z) in found.interval.into_iter().zip([-1.959_963_984_540_054, 1.959_963_984_540_054]) {
            close(what, end, mean + z * sd, 1e-7);
        }
    };
    for (g, (y, se)) in rows.into_iter().enumerate() {
        let check = find(&found, g, Compared::Estimate);
        let mean_of = |left_out: Option<usize>| {
            let (mut precision, mut pull) = (1.0 / (s * s), m / (s * s));
            for (_, (y, se)) in rows.into_iter().enumerate().filter(|(k, _)| Some(*k) != left_out) {
                let w = 1.0 / (se * se + tau * tau);
                precision += w;
                pull += w * y;
            }
            (pull / precision, 1.0 / precision)
        };
        hold("prior", told(&check.prior), m, (s * s + tau * tau + se * se).sqrt(), y);
        let (mean, variance) = mean_of(Some(g));
        hold("left out", told(&check.left_out), mean, (variance + tau * tau + se * se).sqrt(), y);
        let effect = found.effects[g].as_ref().expect("predicted");
        close("effect", effect.mean.expect("a mean"), mean, 1e-9);
        close(
            "its end",
            effect.interval[1],
            mean + 1.959_963_984_540_054 * (variance + tau * tau).sqrt(),
            1e-7,
        );
        let (mean, variance) = mean_of(None);
        let keep = se * se / (se * se + tau * tau);
        let (centre, spread) = (keep * mean + (1.0 - keep) * y, keep * tau * tau + keep * keep * variance);
        hold("posterior", told(&check.posterior), centre, (spread + se * se).sqrt(), y);
    }
}

fn three(priors: PooledPriors) -> StudyBuilder {
    of_counts(priors)
        .group("A", [(22, 46), (33, 70)])
        .group("B", [(37, 71), (8, 34)])
        .group("C", [(10, 40), (12, 41)])
}

/// A study without its `g`-th subgroup.
fn without(study: &Study, g: usize) -> Study {
    let mut rest = study.clone();
    if let equipoise::study::Data::Counts(rows) = &mut rest.data {
        rows.remove(g);
    }
    if let equipoise::study::Data::Estimates(rows) = &mut rest.data {
        rows.rows.remove(g);
    }
    rest
}

#[test]
fn what_the_others_predict_is_a_fit_without_the_subgroup() {
    let mut worst = Worst::default();
    let poolings = [
        Priors::partial(normal(0.0, 0.355), half_normal(0.5)),
        Priors::partial(mixture([(0.6, 0.0, 0.2), (0.4, 0.5, 0.6)]), half_normal(1.0)),
        Priors::complete(normal(0.0, 1.0)),
        Priors::student_t(normal(0.0, 0.5), half_normal(0.4), 5.0),
    ];
    let mut studies: Vec<Study> = poolings.into_iter().map(|p| three(p).build().expect("a study")).collect();
    let far = of_counts(Priors::partial(normal(0.0, 2.0), half_normal(2.0)))
        .group("for", [(400, 1000), (100, 1000)])
        .group("against", [(100, 1000), (400, 1000)]);
    studies.push(far.build().expect("a study"));
    studies.push(open("blocker").expect("shipped"));
    studies.push(open("eight-schools").expect("shipped"));
    for study in &studies {
        let found = checks(study);
        let n = study.data.names().len();
        for g in (0..n).step_by(n.div_ceil(8)) {
            let effect = found.effects[g].as_ref().expect("predicted");
            let rest = analyse(&without(study, g), exactly());
            let measure = Measure::of(study.outcome.scale);
            // A further subgroup of the others is the one that was left out; where effects are one it is that one.
            let whom = if study.pooling == equipoise::study::Pooling::Complete {
                Whom::Subgroup(0)
            } else {
                Whom::New
            };
            let row = rest.estimate(Estimand::new(whom, measure)).and_then(|e| e.best()).expect("an effect");
            let log = |x: f64| if study.outcome.scale.is_ratio() { x.ln() } else { x };
            let sd = log(row.q97_5) - log(row.q2_5);
            let pairs = [
                (effect.median, row.median),
                (effect.interval[0], row.q2_5),
                (effect.interval[1], row.q97_5),
            ];
            for (found, expected) in pairs {
                worst.hold(|| format!("{} {g}", study.title), found, log(expected), sd);
            }
        }
    }
    worst.within(2e-5, 80);
}

#[test]
fn both_engines_predict_the_same() {
    // Subgroups of few patients, which weights can leave out.
    let mut builder =
        of_counts(Priors::partial(normal(0.0, 0.355), half_normal(0.3))).baseline(normal(-0.5, 0.7));
    let rows = [(1, 2), (3, 2), (2, 1), (1, 3), (2, 2), (3, 2)];
    for (k, (control, active)) in rows.into_iter().enumerate() {
        builder = builder.group(format!("{k}"), [(control, 5), (active, 6)]);
    }
    let study = builder.build().expect("a study");
    let sampling = Sampling { draws: Some(8_000), ..Sampling::default() };
    let exact = checks(&study);
    let sampled = checks_under(&study, Options { engine: Engine::Sampler, sampling, ..Options::default() });
    let (mut of_posterior, mut of_others, mut of_effects) =
        (Worst::default(), Worst::default(), Worst::default());
    for (a, b) in exact.checks.iter().zip(&sampled.checks) {
        assert_eq!((a.compared, a.subgroup), (b.compared, b.subgroup));
        let (p, q) = (told(&a.posterior), told(&b.posterior));
        assert_eq!((p.method, q.method), (Method::Exact, Method::Sampled));
        let what = || format!("{:?} of {}", a.compared, a.subgroup);
        of_posterior.hold(what, q.tail_probability, p.tail_probability, 1.0);
        if let (Compared::RiskDifference, Ok(q)) = (a.compared, &b.left_out) {
            of_others.hold(what, q.tail_probability, told(&a.left_out).tail_probability, 1.0);
        }
    }
    for (a, b) in exact.effects.iter().zip(&sampled.effects) {
        let (Ok(a), Ok(b)) = (a, b) else { continue };
        of_effects.hold(|| "median".to_string(), b.median, a.median, a.interval[1] - a.interval[0]);
        of_effects.hold(|| "end".to_string(), b.interval[0], a.interval[0], a.interval[1] - a.interval[0]);
    }
    of_posterior.within(0.006, 18);
    of_others.within(0.01, 6);
    of_effects.within(0.03, 12);
    // Those of many patients are refused.
    let large = checks_under(
        &open("ras-basilar-death").expect("shipped"),
        Options { engine: Engine::Sampler, ..Options::default() },
    );
    let refused: Vec<&Untold> = large.effects.iter().filter_map(|e| e.as_ref().err()).collect();
    assert!(!refused.is_empty());
    assert!(refused.iter().all(|why| matches!(why, Untold::Weights { k, trusted } if k > trusted)));
}

#[test]
fn exchangeable_baselines_are_predicted_from_draws() {
    let (mean, spread) = (-0.5, 0.5);
    let study = three(Priors::partial(normal(0.0, 0.5), half_normal(0.5)))
        .baseline(exchangeable(normal(mean, 1.0), half_normal(spread)))
        .baseline_of(BaselineOf::Control)
        .build()
        .expect("a study");
    let found = checks_under(&study, Options::default());
    let check = find(&found, 0, Compared::Events(0));
    // Before the data: normal around the mean, with a half-normal standard deviation, by sums over both.
    let mut probabilities = vec![0.0; 47];
    let even = |k: usize, of: usize| -8.0 + 16.0 * (k as f64 + 0.5) / of as f64;
    for i in 0..100 {
        let sd = spread * even(i, 100).abs();
        for j in 0..200 {
            let z = even(j, 200);
            let weight = (-0.5 * (even(i, 100).powi(2) + z * z)).exp();
            let x: f64 = mean + z * (1.0 + sd * sd).sqrt();
            for (y, sum) in probabilities.iter_mut().enumerate() {
                *sum += weight * (ln_choose(46, y as u64) + y as f64 * x - 46.0 * (1.0 + x.exp()).ln()).exp();
            }
        }
    }
    let total: f64 = probabilities.iter().sum();
    probabilities.iter_mut().for_each(|p| *p /= total);
    // A scale's mixture is brought together where its parts hardly differ.
    same("prior", told(&check.prior), summary(&probabilities, 22), 1e-4);
    assert_eq!((told(&check.prior).method, told(&check.posterior).method), (Method::Exact, Method::Sampled));
    // Subgroups that the weights can leave out, against fits without them.
    let mut compared = 0;
    for g in 0..3 {
        let Ok(effect) = &found.effects[g] else { continue };
        let rest = analyse(&without(&study, g), Options::default());
        let row = rest.estimate(Estimand::new(Whom::New, Measure::OddsRatio)).and_then(|e| e.best());
        let row = row.expect("an effect");
        close("median", effect.median, row.median.ln(), 0.1);
        close("end", effect.interval[0], row.q2_5.ln(), 0.25);
        compared += 1;
    }
    let refused = found.effects.iter().filter_map(|e| e.as_ref().err());
    assert!(refused.clone().all(|why| matches!(why, Untold::Weights { k, trusted } if k > trusted)));
    assert_eq!(compared + refused.count(), 3);
}

/// Events and patients of the control arm and of the active arm.
type Row = [(u64, u64); 2];

fn mirrored(p: Predictive) -> f64 {
    1.0 - p.tail_probability
}

#[test]
fn mirror_images_have_mirrored_tails() {
    let priors = || Priors::partial(normal(0.0, 0.4), half_normal(0.5));
    let rows = [[(22, 46), (33, 70)], [(37, 71), (8, 34)], [(10, 40), (12, 41)]];
    let with = |higher_is, turn: fn(Row) -> Row| {
        let mut builder = Study::builder("Counts", Assignment::Randomised)
            .outcome(Endpoint::events("death", higher_is))
            .arms("placebo", "drug")
            .priors(priors())
            .baseline(normal(0.0, 1.5))
            .baseline_of(BaselineOf::Arms);
        for (k, row) in rows.into_iter().enumerate() {
            builder = builder.group(format!("{k}"), turn(row));
        }
        checks(&builder.build().expect("a study"))
    };
    let usual = with(HigherIs::Worse, |row| row);
    assert_eq!(usual, with(HigherIs::Better, |row| row), "the direction of benefit moves no prediction");
    let swapped = with(HigherIs::Worse, |[c, a]| [a, c]);
    let others = with(HigherIs::Worse, |row| row.map(|(events, n)| (n - events, n)));
    for g in 0..3 {
        let all = |c: &Check| [told(&c.prior), told(&c.posterior), told(&c.left_out)];
        let difference = all(find(&usual, g, Compared::RiskDifference));
        for turned in [&swapped, &others] {
            let found = all(find(turned, g, Compared::RiskDifference));
            for (a, b) in difference.iter().zip(found) {
                close("tail of a difference", mirrored(b), a.tail_probability, 1e-7);
                close("its mean", -b.mean.expect("a mean"), a.mean.expect("a mean"), 1e-7);
            }
        }
        for arm in 0..2 {
            let events = all(find(&usual, g, Compared::Events(arm)));
            let same_arm = all(find(&swapped, g, Compared::Events(1 - arm)));
            let without_event = all(find(&others, g, Compared::Events(arm)));
            for k in 0..3 {
                close("swapped", same_arm[k].tail_probability, events[k].tail_probability, 2e-7);
                assert_eq!(same_arm[k].interval, events[k].interval);
                close("turned", mirrored(without_event[k]), events[k].tail_probability, 2e-7);
            }
        }
    }
}

/// The largest distance between the shares below and a uniform distribution.
fn kolmogorov(mut p: Vec<f64>) -> f64 {
    p.sort_by(f64::total_cmp);
    let n = p.len() as f64;
    p.iter()
        .enumerate()
        .map(|(k, p)| (p - k as f64 / n).abs().max((p - (k as f64 + 1.0) / n).abs()))
        .fold(0.0, f64::max)
}

/// By replication, tail probabilities of one subgroup of a study drawn from the priors: of the control arm's events before the data, and of
/// the difference before the data, without the subgroup, and after the data.
fn replications(n: usize, of: BaselineOf) -> Vec<[f64; 4]> {
    (0..n)
        .into_par_iter()
        .map(|i| {
            let mut rng = stream(20_261, i, Purpose::Prior);
            let mut z = || -> f64 { StandardNormal.sample(&mut rng) };
            let (mu, tau) = (0.5 * z(), (0.5 * z()).abs());
            let cells: Vec<[(f64, u64); 2]> = (0..3)
                .map(|g| {
                    let (alpha, theta) = (-0.5 + z(), mu + tau * z());
                    let share = if of == BaselineOf::Arms { 0.5 } else { 0.0 };
                    [(alpha - share * theta, 80 + 30 * g), (alpha + (1.0 - share) * theta, 100)]
                })
                .collect();
            let mut builder = of_counts(Priors::partial(normal(0.0, 0.5), half_normal(0.5)))
                .baseline(normal(-0.5, 1.0))
                .baseline_of(of);
            for (g, row) in cells.into_iter().enumerate() {
                let arms = row.map(|(x, n)| {
                    let events = Binomial::new(n, 1.0 / (1.0 + (-x).exp())).expect("a risk").sample(&mut rng);
                    (events, n)
                });
                builder = builder.group(format!("{g}"), arms);
            }
            let found = checks(&builder.build().expect("a study"));
            let events = told(&find(&found, 0, Compared::Events(0)).prior).tail_probability;
            let difference = find(&found, 0, Compared::RiskDifference);
            let [a, b, c] = [&difference.prior, &difference.left_out, &difference.posterior].map(told);
            [events, a.tail_probability, b.tail_probability, c.tail_probability]
        })
        .collect()
}

fn calibrated(n: usize, of: BaselineOf) {
    let all = replications(n, of);
    let column = |k: usize| all.iter().map(|r| r[k]).collect::<Vec<f64>>();
    // Exceeded once in ten thousand.
    let allowed = 2.23 / (n as f64).sqrt();
    for (k, what) in ["events, prior", "difference, prior", "difference, left out"].into_iter().enumerate() {
        let found = kolmogorov(column(k));
        assert!(found < allowed, "{of:?} {what}: {found} > {allowed}");
    }
    // Given the data themselves tails crowd around one half: the posterior's are no test.
    let spread = column(3).iter().map(|p| (p - 0.5) * (p - 0.5)).sum::<f64>() / n as f64;
    assert!(spread < 0.8 / 12.0, "{spread}");
}

#[test]
fn tails_are_uniform_over_studies_drawn_from_the_priors() {
    calibrated(200, BaselineOf::Arms);
}

#[test]
#[ignore = "4,000 studies for either baseline"]
fn tails_are_uniform_over_many_studies() {
    calibrated(4_000, BaselineOf::Arms);
    calibrated(4_000, BaselineOf::Control);
}

#[test]
fn what_is_not_told_has_its_reason() {
    let alone = three(Priors::none(normal(0.0, 0.5), half_normal(0.5))).build().expect("a study");
    let found = checks(&alone);
    for check in found.checks.iter().filter(|c| c.compared == Compared::RiskDifference) {
        // Without pooling the others say nothing.
        assert_eq!(check.left_out, check.prior);
    }
    for model in ["ras-basilar-confounded", "attention-ras-misjudged"] {
        let study = open(model).expect("shipped");
        let found = checks_under(&study, Options { show_unreliable: true, ..exactly() });
        let expected = if model == "ras-basilar-confounded" { Untold::Bias } else { Untold::Labels };
        assert_eq!(found.unavailable, Some(expected));
        assert!(found.checks.is_empty() && found.effects.is_empty());
    }
    for (model, why) in [("actg175", Untold::SeveralArms), ("ist-aspirin-factors", Untold::Factors)] {
        let study = open(model).expect("shipped");
        let sampling = Sampling { draws: Some(500), ..Sampling::default() };
        let found = checks_under(&study, Options { sampling, show_unreliable: true, ..Options::default() });
        if study.treatment.has_several_arms() {
            let arms = study.treatment.arms.len() * study.data.names().len();
            assert_eq!((found.unavailable, found.checks.len()), (None, arms));
            for check in &found.checks {
                assert_eq!(check.left_out, Err(why));
                let posterior = told(&check.posterior);
                assert!((0.01..0.99).contains(&posterior.tail_probability), "{check:?}");
                // What was seen narrows what is predicted.
                let width = |p: Predictive| p.interval[1] - p.interval[0];
                assert!(width(posterior) < width(told(&check.prior)));
            }
        } else {
            assert_eq!(found.unavailable, Some(why));
        }
    }
    let levels = open("ist-aspirin-shift").expect("shipped");
    let found = checks(&levels);
    let of_level = |c: &&Check| matches!(c.compared, Compared::Level(..));
    assert!(found.checks.iter().filter(of_level).all(|c| c.posterior == Err(Untold::NotSampled)));
    assert!(found.checks.iter().filter(|c| c.is_of_effect()).all(|c| c.left_out.is_ok()));
}

fn json(model: &str) -> Value {
    let folder = tempfile::tempdir().expect("a folder");
    let assert = Command::cargo_bin("equipoise")
        .expect("built")
        .current_dir(folder.path())
        .args(["fit", model, "--engine", "exact", "--format", "json"])
        .assert()
        .success();
    let written = fs::read_to_string(folder.path().join("runs").join(model).join("result.json"));
    let text = String::from_utf8_lossy(&assert.get_output().stdout).into_owned();
    assert_eq!(written.expect("a result"), text);
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn a_result_holds_every_check_and_tells_who_lies_beyond() {
    let result = json("blocker");
    let found = &result["model_checks"];
    assert_eq!(found["unavailable"], Value::Null);
    let rows = found["checks"].as_array().expect("rows");
    assert_eq!(rows.len(), 3 * 22);
    let keys: Vec<&str> = rows[0].as_object().expect("a row").keys().map(String::as_str).collect();
    let mut expected = [
        "subgroup",
        "compared",
        "arm",
        "level",
        "patients",
        "observed",
        "prior",
        "posterior",
        "leave_one_out",
    ];
    expected.sort_unstable();
    let mut keys = keys;
    keys.sort_unstable();
    assert_eq!(keys, expected);
    let beyond: Vec<&str> = rows
        .iter()
        .filter(|r| r["compared"] == "risk_difference")
        .filter(|r| {
            let tail = r["leave_one_out"]["tail_probability"].as_f64().expect("a tail");
            !(0.025..=0.975).contains(&tail)
        })
        .map(|r| r["subgroup"].as_str().expect("a name"))
        .collect();
    assert_eq!(beyond, ["trial 14"]);
    let claims = result["claims"].as_array().expect("claims");
    let claim = claims.iter().find(|c| c["kind"] == "against_others").expect("told");
    assert_eq!((claim["of"].as_u64(), claim["beyond"].as_array().map(Vec::len)), (Some(22), Some(1)));
    assert_eq!(claim["beyond"][0]["subgroup"], "trial 14");
    // Where none lies beyond there is no claim.
    let quiet = json("eight-schools");
    let claims = quiet["claims"].as_array().expect("claims");
    assert!(claims.iter().all(|c| c["kind"] != "against_others"));
}
