//! Estimates from one fit: against closed forms, against an independent program (`tests/reference/correlated.py`), against
//! independent estimates where nothing is correlated, and the sampler beside the exact engine.

use crate::common;

use common::{Worst, close};
use equipoise::exact::{Distribution, ExactPosterior, Resolution};
use equipoise::model::{
    CorrelatedEstimates, HeterogeneityPrior, LocationPrior, Model, NormalComponent, NormalEstimate,
    Observation, Pooling,
};
use equipoise::posterior::{Engine, Options, Sampling, analyse};
use equipoise::study::distributions::{flat, half_normal, normal};
use equipoise::study::{Assignment, Data, Endpoint, HigherIs, Measure, Priors, Scale, Study, Together};
use serde_json::Value;

const HALF_NORMAL: HeterogeneityPrior = HeterogeneityPrior::HalfNormal { scale: 0.5 };
const ESTIMATES: [f64; 3] = [-0.3, 0.1, -0.5];
const COVARIANCE: [f64; 9] = [0.04, 0.02, 0.01, 0.02, 0.05, 0.015, 0.01, 0.015, 0.09];

fn model(estimates: &[f64], covariance: &[f64], pooling: Pooling, effect: LocationPrior) -> Model {
    let correlated = CorrelatedEstimates::of_matrix(estimates, covariance.to_vec()).expect("definite");
    Model { observation: Observation::Correlated(correlated), pooling, effect }
}

fn exact(model: &Model) -> ExactPosterior {
    ExactPosterior::new(model, Resolution::default()).expect("exact")
}

/// Σ⁻¹ of three estimates, by cofactors.
fn inverse(m: &[f64]) -> ([f64; 9], f64) {
    let minor = |i: usize, j: usize| {
        let at = |k: usize, skip: usize| if k < skip { k } else { k + 1 };
        let [a, b, c, d] = [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(r, s)| m[3 * at(r, i) + at(s, j)]);
        (a * d - b * c) * if (i + j).is_multiple_of(2) { 1.0 } else { -1.0 }
    };
    let determinant: f64 = (0..3).map(|j| m[j] * minor(0, j)).sum();
    (std::array::from_fn(|k| minor(k % 3, k / 3) / determinant), determinant)
}

/// With τ fixed, or one effect for all, everything is one multivariate normal.
#[test]
fn with_a_fixed_spread_the_posterior_is_one_normal() {
    let (m, s) = (0.1, 0.4);
    for tau in [0.0, 0.02, 0.3, 4.0] {
        let pooling = match tau {
            0.0 => Pooling::Complete,
            value => Pooling::Partial(HeterogeneityPrior::Fixed { value }),
        };
        let posterior = exact(&model(&ESTIMATES, &COVARIANCE, pooling, LocationPrior::normal(m, s)));
        // y ~ N(m 1, B), B = Σ + τ² 1 + s² 11ᵀ; θ has covariance A = τ² 1 + s² 11ᵀ with itself and with y.
        let prior = |i: usize, j: usize| s * s + if i == j { tau * tau } else { 0.0 };
        let b: [f64; 9] = std::array::from_fn(|k| COVARIANCE[k] + prior(k / 3, k % 3));
        let (precision, determinant) = inverse(&b);
        let apart = ESTIMATES.map(|y| y - m);
        let pulled: Vec<f64> =
            (0..3).map(|i| (0..3).map(|j| precision[3 * i + j] * apart[j]).sum::<f64>()).collect();
        let mean = |g: usize| m + (0..3).map(|j| prior(g, j) * pulled[j]).sum::<f64>();
        let covariance = |a: usize, c: usize| {
            let lost: f64 = (0..9).map(|k| prior(a, k / 3) * precision[k] * prior(k % 3, c)).sum();
            prior(a, c) - lost
        };
        let mu = posterior.mu().expect("shared");
        let (of_mu, lost): (f64, f64) =
            (pulled.iter().sum::<f64>() * s * s, precision.iter().sum::<f64>() * s.powi(4));
        close("μ", mu.mean().expect("exists"), m + of_mu, 1e-9);
        close("sd of μ", mu.sd().expect("exists"), (s * s - lost).sqrt(), 1e-9);
        for g in 0..3 {
            let theta = posterior.theta(g);
            close("mean", theta.mean().expect("exists"), mean(g), 1e-9);
            close("sd", theta.sd().expect("exists"), covariance(g, g).sqrt(), 1e-9);
            for other in (0..3).filter(|&o| o != g && tau > 0.0) {
                let variance = covariance(g, g) + covariance(other, other) - 2.0 * covariance(g, other);
                let difference = posterior.pair(g, other).difference;
                close("difference", difference.mean().expect("exists"), mean(g) - mean(other), 1e-9);
                close("its sd", difference.sd().expect("exists"), variance.sqrt(), 1e-9);
            }
        }
        let quadratic: f64 = apart.iter().zip(&pulled).map(|(a, p)| a * p).sum();
        let log = -0.5 * (quadratic + determinant.ln() + 3.0 * (2.0 * std::f64::consts::PI).ln());
        close("log marginal", posterior.log_marginal_likelihood().expect("proper"), log, 1e-9);
    }
}

#[test]
fn complete_pooling_under_a_flat_prior_is_generalised_least_squares() {
    let posterior = exact(&model(&ESTIMATES, &COVARIANCE, Pooling::Complete, LocationPrior::Flat));
    let (precision, _) = inverse(&COVARIANCE);
    let total: f64 = precision.iter().sum();
    let mean = (0..9).map(|k| precision[k] * ESTIMATES[k % 3]).sum::<f64>() / total;
    let mu = posterior.mu().expect("shared");
    close("mean", mu.mean().expect("exists"), mean, 1e-9);
    close("sd", mu.sd().expect("exists"), total.powf(-0.5), 1e-9);
}

/// Without pooling under one normal prior every effect is shrunk, and correlated effects inform one another.
#[test]
fn without_pooling_a_normal_prior_gives_one_normal_and_a_flat_one_gives_the_estimates() {
    let fixed = Pooling::Separate(HeterogeneityPrior::Fixed { value: 0.3 });
    let posterior = exact(&model(&ESTIMATES, &COVARIANCE, fixed, LocationPrior::normal(0.1, 0.4)));
    let b: [f64; 9] = std::array::from_fn(|k| COVARIANCE[k] + if k % 4 == 0 { 0.25 } else { 0.0 });
    let (precision, _) = inverse(&b);
    for g in 0..3 {
        let pulled: f64 = (0..3).map(|j| precision[3 * g + j] * (ESTIMATES[j] - 0.1)).sum();
        let theta = posterior.theta(g);
        close("mean", theta.mean().expect("exists"), 0.1 + 0.25 * pulled, 1e-9);
        close("sd", theta.sd().expect("exists"), (0.25 - 0.0625 * precision[4 * g]).sqrt(), 1e-9);
    }
    let flat = exact(&model(&ESTIMATES, &COVARIANCE, Pooling::Separate(HALF_NORMAL), LocationPrior::Flat));
    for g in 0..3 {
        assert_eq!(flat.theta(g).mean(), Some(ESTIMATES[g]));
        close("sd", flat.theta(g).sd().expect("exists"), COVARIANCE[4 * g].sqrt(), 1e-15);
    }
    let pair = flat.pair(0, 2);
    close("difference", pair.difference.sd().expect("exists"), (0.04 + 0.09 - 0.02_f64).sqrt(), 1e-12);
    let spread = Pooling::Separate(HALF_NORMAL);
    let refused = ExactPosterior::new(
        &model(&ESTIMATES, &COVARIANCE, spread, LocationPrior::normal(0.0, 0.4)),
        Resolution::default(),
    );
    assert!(refused.is_err_and(|e| e.to_string().contains("as many dimensions as there are subgroups")));
}

/// All that is told of two posteriors, to be compared.
fn told(posterior: &ExactPosterior, subgroups: usize) -> Vec<f64> {
    let mut all = vec![posterior.log_marginal_likelihood().unwrap_or(0.0)];
    let mut put = |d: &dyn Distribution| {
        all.extend([-0.7, -0.2, 0.0, 0.3].map(|x| d.cdf(x)));
        all.extend([0.025, 0.5, 0.975].map(|p| d.quantile(p)));
        all.extend(d.mean().into_iter().chain(d.sd()));
    };
    for g in 0..subgroups {
        put(&*posterior.theta(g));
        for b in (0..subgroups).filter(|&b| b != g) {
            let pair = posterior.pair(g, b);
            put(&*pair.difference);
        }
    }
    posterior.mu().iter().for_each(|d| put(&**d));
    posterior.theta_new().iter().for_each(|d| put(&**d));
    posterior.tau().iter().for_each(|d| put(*d));
    for g in 0..subgroups {
        for b in (0..subgroups).filter(|&b| b != g) {
            let pair = posterior.pair(g, b);
            all.extend([pair.first_above_second_below, pair.first_below_second_above]);
        }
    }
    all
}

const PRIORS: [fn() -> LocationPrior; 4] = [
    || LocationPrior::normal(0.0, 0.355),
    || LocationPrior::StudentT { df: 4.0, location: 0.1, scale: 0.4 },
    || {
        let normal = |mean, sd| NormalComponent { weight: 0.5, mean, sd };
        LocationPrior::Normals(vec![normal(0.0, 0.2), normal(0.7, 0.4)])
    },
    || LocationPrior::Flat,
];

/// A matrix with next to no correlation goes the correlated road, and arrives where independent estimates do.
#[test]
fn hardly_correlated_estimates_are_independent_ones() {
    let estimates = [0.4, -0.1, 0.7, 0.2];
    let errors = [0.25, 0.4, 0.1, 0.6];
    let tiny = |rho: f64| -> Vec<f64> {
        (0..16).map(|k| errors[k / 4] * errors[k % 4] * if k % 5 == 0 { 1.0 } else { rho }).collect()
    };
    let mut worst = Worst::default();
    for effect in PRIORS {
        for pooling in [Pooling::Partial(HALF_NORMAL), Pooling::Complete] {
            let rows = estimates.iter().zip(&errors).map(|(y, se)| NormalEstimate::new(*y, *se)).collect();
            let independent = Model {
                observation: Observation::Estimates(rows),
                pooling: pooling.clone(),
                effect: effect(),
            };
            let correlated = model(&estimates, &tiny(1e-12), pooling, effect());
            for (a, b) in told(&exact(&independent), 4).iter().zip(told(&exact(&correlated), 4)) {
                worst.hold(|| format!("{correlated:?}"), *a, b, 1.0);
            }
        }
    }
    worst.within(1e-9, 500);
}

/// In whichever order the subgroups stand; and with every sign turned everything turns.
#[test]
fn neither_the_order_of_subgroups_nor_the_direction_changes_anything() {
    let order = [2, 0, 1];
    let estimates: Vec<f64> = order.iter().map(|&g| ESTIMATES[g]).collect();
    let covariance: Vec<f64> = (0..9).map(|k| COVARIANCE[3 * order[k / 3] + order[k % 3]]).collect();
    let turned: Vec<f64> = ESTIMATES.iter().map(|y| -y).collect();
    let mut worst = Worst::default();
    for effect in PRIORS {
        let pooling = || Pooling::Partial(HALF_NORMAL);
        let stated = exact(&model(&ESTIMATES, &COVARIANCE, pooling(), effect()));
        let permuted = exact(&model(&estimates, &covariance, pooling(), effect()));
        let mirrored = exact(&model(&turned, &COVARIANCE, pooling(), effect().mirrored()));
        for (new, &g) in order.iter().enumerate() {
            for x in [-0.4, 0.0, 0.25] {
                let p = stated.theta(g).cdf(x);
                worst.hold(|| format!("subgroup {g} at {x}"), permuted.theta(new).cdf(x), p, 1.0);
                worst.hold(
                    || format!("subgroup {g} at {x}, turned"),
                    1.0 - mirrored.theta(g).cdf(-x),
                    p,
                    1.0,
                );
            }
            let (b, other) = ((new + 1) % 3, order[(new + 1) % 3]);
            let (pair, of) = (stated.pair(g, other), permuted.pair(new, b));
            worst.hold(|| "pair".into(), of.first_above_second_below, pair.first_above_second_below, 1.0);
            let turned = mirrored.pair(g, other).first_below_second_above;
            worst.hold(|| "pair, turned".into(), turned, pair.first_above_second_below, 1.0);
        }
    }
    worst.within(1e-11, 50);
}

fn number(v: &Value) -> f64 {
    v.as_f64().expect("a number")
}

fn numbers(v: &Value) -> Vec<f64> {
    v.as_array().expect("a list").iter().map(number).collect()
}

/// The independent program integrates over μ and τ by brute force, with general linear solves at every node.
#[test]
fn an_independent_program_agrees() {
    let text = include_str!("reference/correlated.json");
    let reference: Value = serde_json::from_str(text).expect("JSON");
    let mut worst = Worst::default();
    for case in reference["cases"].as_array().expect("cases") {
        let study = study_of(case);
        let posterior = exact(&Model::of(&study));
        let (values, at) = (&case["values"], numbers(&case["at"]));
        let name = case["name"].as_str().expect("a name");
        let mut hold = |what: &str, found: f64, expected: f64| {
            worst.hold(|| format!("{name}: {what}"), found, expected, 1.0);
        };
        if let Some(log) = values["log_marginal"].as_f64() {
            hold("log marginal", posterior.log_marginal_likelihood().expect("proper"), log);
        }
        let mu = posterior.mu().expect("shared");
        hold("μ above 0", 1.0 - mu.cdf(0.0), number(&values["mu_above"]));
        hold("mean of μ", mu.mean().expect("exists"), number(&values["mu_mean"]));
        if let Some(sd) = values["mu_sd"].as_f64() {
            hold("sd of μ", mu.sd().expect("exists"), sd);
            let tau = posterior.tau().expect("estimated").mean().expect("exists");
            hold("mean of τ", tau, number(&values["tau_mean"]));
        }
        for (k, &x) in at.iter().enumerate() {
            let new = posterior.theta_new().expect("shared");
            hold("a further one", 1.0 - new.cdf(x), number(&values["new_above"][k]));
        }
        for g in 0..3 {
            let theta = posterior.theta(g);
            hold("mean", theta.mean().expect("exists"), number(&values["theta_mean"][g]));
            hold("sd", theta.sd().expect("exists"), number(&values["theta_sd"][g]));
            for (k, &x) in at.iter().enumerate() {
                hold("above", 1.0 - theta.cdf(x), number(&values["theta_above"][g][k]));
            }
            for b in (0..3).filter(|&b| b != g) {
                let (pair, of) = (posterior.pair(g, b), format!("{g}:{b}"));
                hold("opposed", pair.first_above_second_below, number(&values["above_below"][&of]));
                for (k, &x) in at.iter().enumerate() {
                    let expected = number(&values["difference_above"][&of][k]);
                    hold("difference", 1.0 - pair.difference.cdf(x), expected);
                }
            }
        }
    }
    worst.within(1e-8, 100);
}

fn study_of(case: &Value) -> Study {
    let estimates = numbers(&case["estimates"]);
    let covariance: Vec<Vec<f64>> =
        case["covariance"].as_array().expect("rows").iter().map(numbers).collect();
    let text = format!(
        "title = \"case\"\n[study]\nassignment = \"randomised\"\n[outcome]\nname = \"x\"\nkind = \"estimate\"\n\
         scale = \"log_odds_ratio\"\nhigher_is = \"better\"\n[treatment]\nname = \"t\"\ncontrol = \"c\"\nactive = \"a\"\n\
         [data]\nestimates = [{}]\ncovariance = {covariance:?}\n[prior]\neffect = {}\nheterogeneity = {}\n",
        ["a", "b", "c"]
            .iter()
            .zip(&estimates)
            .map(|(name, y)| format!("{{ subgroup = \"{name}\", estimate = {y:?} }}"))
            .collect::<Vec<_>>()
            .join(", "),
        case["effect"],
        case["heterogeneity"],
    );
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("case.toml");
    std::fs::write(&path, text).expect("written");
    equipoise::input::open(path.to_str().expect("UTF-8")).unwrap_or_else(|e| panic!("{e}"))
}

fn built(priors: equipoise::study::PooledPriors, together: Option<Together>) -> Study {
    let builder = Study::builder("Of one fit", Assignment::Randomised)
        .outcome(Endpoint::estimates("death", Scale::LogHazardRatio, HigherIs::Worse))
        .arms("placebo", "drug")
        .estimate("a", -0.3, 0.2)
        .estimate("b", 0.1, 0.05_f64.sqrt())
        .estimate("c", -0.5, 0.3)
        .priors(priors)
        .thresholds(Measure::HazardRatio, [1.1]);
    together.into_iter().fold(builder, |b, t| b.together(t)).build().expect("a study")
}

fn rows() -> Vec<Vec<f64>> {
    COVARIANCE.chunks(3).map(<[f64]>::to_vec).collect()
}

/// Without correlation the study is the one of independent estimates, to the last bit; a correlation matrix beside standard
/// errors says the same as their covariance.
#[test]
fn a_diagonal_matrix_is_no_matrix_and_correlations_are_covariances() {
    let partial = || Priors::partial(normal(0.0, 0.355), half_normal(0.5));
    let independent = built(partial(), None);
    let diagonal = (0..3).map(|i| (0..3).map(|j| if i == j { COVARIANCE[4 * i] } else { 0.0 }).collect());
    let diagonal = built(partial(), Some(Together::Covariance(diagonal.collect())));
    let Data::Estimates(data) = &diagonal.data else { unreachable!("estimates") };
    assert_eq!(data.covariance, None);
    let bits =
        |study: &Study| told(&exact(&Model::of(study)), 3).into_iter().map(f64::to_bits).collect::<Vec<_>>();
    assert_eq!(bits(&diagonal), bits(&independent));
    let unit = (0..3).map(|i| (0..3).map(|j| if i == j { 1.0 } else { 0.0 }).collect()).collect();
    assert_eq!(bits(&built(partial(), Some(Together::Correlation(unit)))), bits(&independent));
    let correlations = (0..3).map(|i| {
        let of = |j: usize| COVARIANCE[3 * i + j] / (COVARIANCE[4 * i] * COVARIANCE[4 * j]).sqrt();
        (0..=i).map(of).collect()
    });
    let correlated = built(partial(), Some(Together::Correlation(correlations.collect())));
    let covariance = built(partial(), Some(Together::Covariance(rows())));
    for (a, b) in
        told(&exact(&Model::of(&correlated)), 3).iter().zip(told(&exact(&Model::of(&covariance)), 3))
    {
        close("either way", *a, b, 1e-12);
    }
    // The study in the words of a file is the same study.
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("again.toml");
    std::fs::write(&path, &covariance.text).expect("written");
    let again = equipoise::input::open(path.to_str().expect("UTF-8")).unwrap_or_else(|e| panic!("{e}"));
    assert!(again.data == covariance.data, "{}", covariance.text);
}

/// Both engines, each with its own algebra, under every pooling that both know.
#[test]
fn the_sampler_agrees_with_the_exact_engine() {
    let fixed = equipoise::study::distributions::fixed(0.3);
    let all = [
        Priors::partial(normal(0.0, 0.355), half_normal(0.5)),
        Priors::partial(flat(), half_normal(0.25)),
        Priors::complete(normal(0.1, 0.5)),
        Priors::none(normal(0.1, 0.4), fixed),
    ];
    for priors in all {
        let study = built(priors, Some(Together::Covariance(rows())));
        let sampling = Sampling { draws: Some(4_000), seed: 7, ..Sampling::default() };
        let report = analyse(&study, Options { sampling, ..Options::default() });
        let checks = &report.checks;
        assert!(checks.ok, "{:?}", checks.reasons);
        assert!(checks.exact.available && checks.exact.comparisons > 20, "{checks:?}");
        assert!(checks.exact.max_abs_z < checks.exact.allowed_abs_z, "{checks:?}");
    }
    // What the exact engine does not cover is sampled, and says why it is not exact.
    let study = built(Priors::none(normal(0.0, 0.355), half_normal(0.5)), Some(Together::Covariance(rows())));
    let report = analyse(&study, Options { engine: Engine::Both, ..Options::default() });
    assert!(report.checks.ok, "{:?}", report.checks.reasons);
    assert!(report.checks.exact.reason.as_ref().is_some_and(|r| r.contains("without pooling")));
}
