//! What the priors say alone of risks, held against an integral of its own over the baseline and the heterogeneity: heavy tails
//! reach log odds of 1e11 beside a bulk of a few units.

use crate::common::{close, counts_model, pair, study_of};
use equipoise::numeric::{logistic, normal_cdf};
use equipoise::posterior::{Estimand, Measure, Options, Report, Scope, Statement, analyse};
use equipoise::study::{BaselineOf, BaselinePrior, HeterogeneityPrior, LocationPrior, Priors, Written};

fn written<T>(distribution: T) -> Written<T> {
    Written { distribution, words: String::new() }
}

/// The mean of a function of a quantity over its probabilities, in which `quantile` may run to infinity at either end.
fn averaged(steps: usize, quantile: impl Fn(f64) -> f64, mut f: impl FnMut(f64) -> f64) -> f64 {
    // Nodes crowd towards both ends: u = (1 + tanh(t)) / 2.
    let step = 44.0 / steps as f64;
    let node = |k: usize| {
        let t = step * (k as f64 + 0.5) - 22.0;
        let u = 1.0 / (1.0 + (-2.0 * t).exp());
        (u, step * 2.0 * u / (1.0 + (2.0 * t).exp()))
    };
    (0..steps).map(node).filter(|(u, _)| *u < 1.0).map(|(u, w)| w * f(quantile(u))).sum()
}

/// P(risk difference ≤ δ): given the baseline the difference rises with the effect, so it is the probability of an effect
/// below the one at which it is δ.
fn below(delta: f64, alpha: &[(f64, f64)], theta: impl Fn(f64) -> f64) -> f64 {
    let bound = |alpha: f64| {
        let difference = |t: f64| logistic(alpha + 0.5 * t) - logistic(alpha - 0.5 * t);
        let (mut low, mut high) = (0.0, 1e5);
        for _ in 0..100 {
            let middle = 0.5 * (low + high);
            *(if difference(middle) < delta { &mut low } else { &mut high }) = middle;
        }
        low
    };
    alpha.iter().map(|&(a, w)| w * theta(bound(a))).sum()
}

fn prior_of(report: &Report, statement: Statement, threshold: f64) -> f64 {
    let difference = Estimand::of_subgroup(0, Measure::RiskDifference);
    let row = report.probability(difference, statement, threshold);
    row.and_then(|p| p.prior).expect("a prior probability")
}

#[test]
fn risks_under_heavy_tailed_priors_alone_are_their_integrals() {
    let normal = |n: usize, mean: f64, sd: f64| -> Vec<(f64, f64)> {
        let z = |k: usize| -9.0 + 18.0 * (k as f64 + 0.5) / n as f64;
        let weight = |z: f64| 18.0 / n as f64 * (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
        (0..n).map(|k| (mean + sd * z(k), weight(z(k)))).collect()
    };
    let half_cauchy = |scale: f64| move |u: f64| scale * (std::f64::consts::FRAC_PI_2 * u).tan();
    let cases = [
        ((5.0, 0.5), (0.5, 1.36)),
        ((5.0, 0.5), (0.0, 0.99)),
        ((1.0, 0.5), (0.0, 2.04)),
        ((0.355, 0.5), (-5.0, 0.9)),
        ((1.0, 0.5), (0.0, 0.61)),
        ((0.355, 2.0), (-2.0, 4.0)),
    ];
    for ((sd, scale), (mean, spread)) in cases {
        let mut study = study_of(&counts_model(vec![pair((1, 40), (0, 20)), pair((0, 361), (1, 36))]));
        study.priors = Priors {
            effect: written(LocationPrior::normal(0.0, sd)),
            heterogeneity: Some(written(HeterogeneityPrior::HalfStudentT { df: 1.0, scale })),
            baseline: Some(written(BaselinePrior::Independent(LocationPrior::normal(mean, spread)))),
            baseline_of: BaselineOf::Arms,
            levels: None,
            arms: None,
            factors: None,
            degrees: None,
            alone: None,
        };
        study.thresholds.set(Measure::RiskDifference, vec![0.02, 0.05]);
        let report = analyse(&study, Options::exact());
        let alpha = normal(300, mean, spread);
        let theta = |t: f64| averaged(800, half_cauchy(scale), |tau| normal_cdf(t / sd.hypot(tau)));
        for delta in [0.02, 0.05] {
            let beyond = 1.0 - below(delta, &alpha, theta);
            let what = format!("{sd} {scale} {mean} {spread} {delta}");
            for statement in [Statement::HarmAtLeast, Statement::BenefitAtLeast] {
                close(&what, prior_of(&report, statement, delta), beyond, 1e-6);
            }
            close(&what, prior_of(&report, Statement::Equivalent, delta), 1.0 - 2.0 * beyond, 2e-6);
        }
        for estimate in report.estimates.iter().filter(|e| e.estimand.whom.scope() == Scope::Subgroup) {
            let Some(prior) = &estimate.prior else { continue };
            let what = format!("{sd} {scale} {mean} {spread} {:?}", estimate.estimand);
            match estimate.estimand.measure {
                Measure::RiskDifference => {
                    close(&what, prior.median, 0.0, 1e-6);
                    close(&what, prior.q2_5, -prior.q97_5, 1e-5);
                }
                Measure::RiskRatio => {
                    close(&what, prior.median.ln(), 0.0, 1e-5);
                    close(&what, prior.q2_5.ln(), -prior.q97_5.ln(), 1e-3);
                }
                _ => {}
            }
        }
    }
}
