//! Biases that stand between effects and data: the engines agree with each other, with an independent program, and with
//! the model without any where there is nothing in the way.

mod common;

use common::{Worst, above_zero, close, counts_model, estimates_model, fit, pair};
use equipoise::density::LogDensity;
use equipoise::exact::RiskMeasure;
use equipoise::model::{
    BinomialPair, Confounder, HeterogeneityPrior, Hierarchy, Likelihood, LocationPrior, Missing, Model,
    NormalComponent, Nuisance, Pooling, Side, SubgroupBias,
};

fn etiology() -> Vec<BinomialPair> {
    vec![pair((22, 46), (33, 70)), pair((37, 71), (8, 34))]
}

fn normal(mean: f64, sd: f64) -> Nuisance {
    Nuisance::Location(LocationPrior::normal(mean, sd))
}

fn shifted(shift: Nuisance) -> SubgroupBias {
    SubgroupBias { shift: Some(shift), ..SubgroupBias::default() }
}

fn logit(p: f64) -> f64 {
    (p / (1.0 - p)).ln()
}

fn confounder(control: Nuisance, active: Nuisance, log_odds_ratio: Nuisance) -> SubgroupBias {
    let confounder = Confounder { prevalence: [control, active], log_odds_ratio };
    SubgroupBias { confounder: Some(confounder), ..SubgroupBias::default() }
}

/// The confounder whose numbers all have priors.
fn uncertain() -> SubgroupBias {
    let beta = |a, b| Nuisance::LogitBeta { a, b };
    confounder(beta(6.0, 14.0), beta(10.0, 10.0), normal(2.5_f64.ln(), 0.25))
}

fn missing(share: f64, shift: Nuisance) -> Option<Missing> {
    Some(Missing { share, shift })
}

fn through(pairs: Vec<BinomialPair>, biases: &[SubgroupBias]) -> Model {
    counts_model(pairs.into_iter().zip(biases).map(|(p, b)| p.through(b)).collect())
}

#[test]
fn gradients_are_derivatives() {
    let heavy = Nuisance::Location(LocationPrior::StudentT { df: 4.0, location: 0.1, scale: 0.3 });
    let parts = vec![
        NormalComponent { weight: 0.7, mean: 0.0, sd: 0.1 },
        NormalComponent { weight: 0.3, mean: 0.5, sd: 0.3 },
    ];
    let mixture = Nuisance::Location(LocationPrior::Normals(parts));
    let all = SubgroupBias {
        shift: Some(heavy.clone()),
        missing: [missing(0.1, normal(0.0, 0.4)), missing(0.2, normal(0.5, 0.6))],
        ..uncertain()
    };
    let mut models = vec![
        through(etiology(), &[all.clone(), shifted(mixture.clone())]),
        through(etiology(), &[shifted(normal(0.1, 0.3)), SubgroupBias::default()]),
        through(etiology(), &[uncertain(), shifted(Nuisance::Known(0.3))]),
    ];
    for pooling in [Pooling::Complete, Pooling::Separate(HeterogeneityPrior::Exponential { mean: 0.4 })] {
        models.push(Model { pooling, ..models[0].clone() });
    }
    let mut estimates =
        estimates_model(&[(0.6, 0.42), (-0.55, 0.5)], models[0].pooling.clone(), models[0].effect.clone());
    if let Likelihood::Estimates(rows) = &mut estimates.likelihood {
        let with = SubgroupBias { missing: [None, None], ..all.clone() };
        *rows = rows.iter().cloned().map(|r| r.through(&with)).collect();
    }
    models.push(estimates);
    let mut worst = Worst::default();
    for model in &models {
        let hierarchy = Hierarchy::new(model);
        let mut scratch = hierarchy.scratch();
        for k in 0..6 {
            let q: Vec<f64> = (0..hierarchy.dim())
                .map(|i| hierarchy.middle()[i] + 1.5 * f64::sin((7 * k + 3 * i) as f64))
                .collect();
            let mut gradient = vec![f64::NAN; hierarchy.dim()];
            hierarchy.evaluate(&q, &mut gradient, &mut scratch);
            let mut unused = gradient.clone();
            for i in 0..hierarchy.dim() {
                let h = 1e-3;
                let mut at = |d: f64| {
                    let mut q = q.clone();
                    q[i] += d;
                    hierarchy.evaluate(&q, &mut unused, &mut scratch)
                };
                let slope = (at(-2.0 * h) - at(2.0 * h) + 8.0 * (at(h) - at(-h))) / (12.0 * h);
                worst.hold(|| format!("coordinate {i}"), gradient[i], slope, 1.0 + slope.abs());
            }
        }
    }
    worst.within(1e-7, 300);
}

/// What is integrated out, one number after another, is the integral over all of them at once.
#[test]
fn curves_are_integrals_over_what_is_not_known() {
    // Plain sums over even nodes of standard normal coordinates.
    let nodes = |n: usize| (0..n).map(move |i| -8.0 + 16.0 * (i as f64 + 0.5) / n as f64);
    let weight = |z: f64| (-0.5 * z * z).exp();
    let one = pair((22, 46), (33, 70));
    let seen =
        one.clone().through(&confounder(normal(logit(0.3), 0.4), normal(logit(0.5), 0.3), normal(0.9, 0.25)));
    let mut worst = Worst::default();
    for x in [-2.3, -0.4, 0.1, 0.37, 1.9] {
        let (mut sum, mut total) = (0.0, 0.0);
        for a in nodes(48) {
            for b in nodes(48) {
                for c in nodes(48) {
                    let w = weight(a) * weight(b) * weight(c);
                    let prevalence = [logit(0.3) + 0.4 * a, logit(0.5) + 0.3 * b];
                    let (z, _) = equipoise::model::confounded(x, prevalence, 0.9 + 0.25 * c);
                    sum += w * one.active.log_likelihood(z).exp();
                    total += w;
                }
            }
        }
        worst.hold(|| format!("x = {x}"), seen.log_likelihood(Side::Active, x), (sum / total).ln(), 1.0);
        assert_eq!(seen.log_likelihood(Side::Control, x), one.control.log_likelihood(x));
    }
    eprintln!("{}", worst.report());
    worst.within(1e-7, 5);
}

#[test]
fn print_some() {
    let t = std::time::Instant::now();
    let model = through(etiology(), &[shifted(normal(0.1, 0.3)), shifted(normal(0.1, 0.3))]);
    let p = fit(&model);
    for g in 0..2 {
        eprintln!(
            "{} {} {}",
            above_zero(&*p.theta(g)),
            p.theta(g).quantile(0.5),
            1.0 - p.risk(g, RiskMeasure::Difference).unwrap().cdf(0.05)
        );
    }
    eprintln!("{:?}", t.elapsed());
    let t = std::time::Instant::now();
    let model = through(etiology(), &[uncertain(), uncertain()]);
    let p = fit(&model);
    for g in 0..2 {
        eprintln!(
            "{} {} {}",
            above_zero(&*p.theta(g)),
            p.theta(g).quantile(0.5),
            1.0 - p.risk(g, RiskMeasure::Difference).unwrap().cdf(0.05)
        );
    }
    eprintln!("{:?}", t.elapsed());
    close("x", 0.0, 0.0, 1.0);
}
