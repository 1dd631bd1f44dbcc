//! What must not matter does not matter, and what has a closed form meets it.

use crate::common;

use common::{above_zero, close, counts_model, estimates_model, fit, flipped_study, pair};
use equipoise::exact::{ExactPosterior, Resolution, RiskMeasure};
use equipoise::input::open;
use equipoise::model::{BaselinePrior, BinomialPair, HeterogeneityPrior, LocationPrior, Model, Pooling};
use equipoise::posterior::{Measure, Options, Report, Statement, analyse};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

const EXACT: f64 = 1e-9;

fn etiology() -> Vec<BinomialPair> {
    vec![pair((22, 46), (33, 70)), pair((37, 71), (8, 34))]
}

/// Three subgroups, one with a zero cell.
fn three() -> Vec<BinomialPair> {
    vec![pair((10, 54), (29, 65)), pair((0, 12), (5, 20)), pair((12, 64), (29, 82))]
}

fn risk_cdf(posterior: &ExactPosterior, g: usize, x: f64) -> f64 {
    posterior.risk(g, RiskMeasure::Difference).expect("counts").cdf(x)
}

fn hold_probabilities(a: &Report, b: &Report, tolerance: f64) {
    assert_eq!(a.probabilities.len(), b.probabilities.len());
    for (p, q) in a.probabilities.iter().zip(&b.probabilities) {
        assert_eq!((p.statement, p.estimand, p.threshold), (q.statement, q.estimand, q.threshold));
        for (x, y) in
            [(p.exact, q.exact), (p.prior, q.prior), (p.prior_at_control_risk, q.prior_at_control_risk)]
        {
            match (x, y) {
                (Some(x), Some(y)) => close(&format!("{p:?}"), x, y, tolerance),
                (x, y) => assert_eq!(x, y),
            }
        }
    }
}

#[test]
fn flipping_the_outcome_leaves_every_probability_of_benefit_unchanged() {
    for name in ["ras-basilar-function", "ras-basilar-sich", "attention-ras-etiology", "eight-schools"] {
        let study = open(name).expect("shipped");
        let mut study = study;
        // A prior that is not its own mirror image, so that mirroring is tested too.
        study.priors.effect.distribution = LocationPrior::normal(0.2, 0.4);
        study.thresholds.set(Measure::RiskRatio, Vec::new());
        let before = analyse(&study, Options::exact());
        let after = analyse(&flipped_study(&study), Options::exact());
        hold_probabilities(&before, &after, EXACT);
    }
}

#[test]
fn permuting_subgroups_permutes_the_results_and_changes_none() {
    let counts = three();
    let permuted = vec![counts[2].clone(), counts[0].clone(), counts[1].clone()];
    let (a, b) = (fit(&counts_model(counts)), fit(&counts_model(permuted)));
    for (g, h) in [(2, 0), (0, 1), (1, 2)] {
        close("theta", above_zero(&*a.theta(g)), above_zero(&*b.theta(h)), EXACT);
        close("median", a.theta(g).quantile(0.5), b.theta(h).quantile(0.5), EXACT);
        for x in [-0.05, 0.0, 0.1] {
            close("risk difference", risk_cdf(&a, g, x), risk_cdf(&b, h, x), EXACT);
        }
    }
    let (p, q) = (a.pair(0, 1), b.pair(1, 2));
    close("joint", p.first_above_second_below, q.first_above_second_below, EXACT);
    let reversed = b.pair(2, 1);
    close("reversed", p.first_above_second_below, reversed.first_below_second_above, EXACT);
    close("difference", p.difference.quantile(0.9), -reversed.difference.quantile(0.1), 1e-8);
}

#[test]
fn exchanging_the_arms_of_estimates_mirrors_everything_if_the_prior_is_mirrored() {
    let rows = [(0.6, 0.42), (-0.55, 0.5), (0.1, 0.3)];
    let mirrored: Vec<(f64, f64)> = rows.iter().map(|&(y, se)| (-y, se)).collect();
    let prior = LocationPrior::StudentT { df: 4.0, location: 0.2, scale: 0.4 };
    let pooling = Pooling::Partial(HeterogeneityPrior::HalfNormal { scale: 0.5 });
    let a = fit(&estimates_model(&rows, pooling.clone(), prior.clone()));
    let b = fit(&estimates_model(&mirrored, pooling, prior.mirrored()));
    for g in 0..3 {
        close("P", above_zero(&*a.theta(g)), b.theta(g).cdf(0.0), EXACT);
        close("quantile", a.theta(g).quantile(0.1), -b.theta(g).quantile(0.9), EXACT);
    }
}

#[test]
fn splitting_an_estimate_in_two_of_wider_error_changes_nothing_under_complete_pooling() {
    let prior = LocationPrior::normal(0.0, 0.355);
    let se = 0.4;
    let wide = se * 2.0_f64.sqrt();
    let whole = fit(&estimates_model(&[(0.5, se), (-0.1, 0.3)], Pooling::Complete, prior.clone()));
    let split = fit(&estimates_model(&[(0.5, wide), (0.5, wide), (-0.1, 0.3)], Pooling::Complete, prior));
    let (a, b) = (whole.mu().expect("shared"), split.mu().expect("shared"));
    close("mean", a.mean().expect("exists"), b.mean().expect("exists"), EXACT);
    close("sd", a.sd().expect("exists"), b.sd().expect("exists"), EXACT);
}

#[test]
fn partial_pooling_becomes_complete_as_the_heterogeneity_prior_shrinks() {
    let complete = fit(&Model { pooling: Pooling::Complete, ..counts_model(three()) });
    for (scale, tolerance) in [(1e-2, 1e-3), (1e-4, 1e-7), (1e-6, 1e-8)] {
        let pooling = Pooling::Partial(HeterogeneityPrior::HalfNormal { scale });
        let partial = fit(&Model { pooling, ..counts_model(three()) });
        for g in 0..3 {
            close("P", above_zero(&*partial.theta(g)), above_zero(&*complete.theta(g)), tolerance);
            close("rd", risk_cdf(&partial, g, 0.1), risk_cdf(&complete, g, 0.1), tolerance.max(1e-7));
        }
    }
    let fixed = Pooling::Partial(HeterogeneityPrior::Fixed { value: 0.0 });
    let fixed = fit(&Model { pooling: fixed, ..counts_model(three()) });
    close("fixed(0)", above_zero(&*fixed.theta(1)), above_zero(&*complete.theta(1)), EXACT);
}

#[test]
fn partial_pooling_and_none_draw_together_as_the_effect_prior_shrinks() {
    let distance = |sd: f64, heterogeneity: HeterogeneityPrior| {
        let effect = LocationPrior::normal(0.1, sd);
        let model = |pooling| Model { pooling, effect: effect.clone(), ..counts_model(etiology()) };
        let partial = fit(&model(Pooling::Partial(heterogeneity)));
        let none = fit(&model(Pooling::Separate(heterogeneity)));
        (above_zero(&*partial.theta(0)) - above_zero(&*none.theta(0))).abs()
    };
    // With τ known, a known μ leaves the subgroups nothing to tell each other.
    let known = HeterogeneityPrior::Fixed { value: 0.4 };
    assert!(distance(0.355, known) > 0.01);
    assert!(distance(1e-5, known) < 1e-9, "{}", distance(1e-5, known));
    // With τ unknown, what remains is what they tell each other about τ.
    let unknown = HeterogeneityPrior::HalfNormal { scale: 0.5 };
    assert!(distance(1e-5, unknown) < distance(0.355, unknown));
}

#[test]
fn without_pooling_the_pair_is_independent() {
    let heterogeneity = HeterogeneityPrior::HalfNormal { scale: 0.5 };
    let posterior = fit(&Model { pooling: Pooling::Separate(heterogeneity), ..counts_model(etiology()) });
    let (p, q) = (above_zero(&*posterior.theta(0)), above_zero(&*posterior.theta(1)));
    close("joint", posterior.pair(0, 1).first_above_second_below, p * (1.0 - q), 1e-12);
}

#[test]
fn one_estimate_with_a_normal_prior_is_the_conjugate_posterior() {
    // Precision-weighted mean of prior N(0.1, 0.5²) and estimate 0.7 (0.3).
    let (m, s, y, se) = (0.1, 0.5, 0.7, 0.3);
    let precision = 1.0 / (s * s) + 1.0 / (se * se);
    let mean = (m / (s * s) + y / (se * se)) / precision;
    let posterior = fit(&estimates_model(&[(y, se)], Pooling::Complete, LocationPrior::normal(m, s)));
    let theta = posterior.theta(0);
    close("mean", theta.mean().expect("exists"), mean, 1e-14);
    close("sd", theta.sd().expect("exists"), precision.sqrt().recip(), 1e-14);
    let evidence = -0.5 * ((y - m) * (y - m) / (s * s + se * se))
        - (s * s + se * se).sqrt().ln()
        - 0.5 * (2.0 * std::f64::consts::PI).ln();
    close("evidence", posterior.log_marginal_likelihood().expect("shared"), evidence, 1e-13);
}

#[test]
fn one_subgroup_with_almost_flat_priors_is_the_difference_of_two_log_gammas_of_beta_posteriors() {
    // With flat priors on both log odds (the improper Beta(0, 0) on the risks) the posterior risks are Beta(y, n − y),
    // whose log odds have mean ψ(y) − ψ(n − y) and variance ψ′(y) + ψ′(n − y); sums of 1/k and 1/k² give the values.
    let psi_difference = |a: u32, b: u32| -> f64 {
        let harmonic = |n: u32| (1..n).map(|k| 1.0 / f64::from(k)).sum::<f64>();
        harmonic(a) - harmonic(b)
    };
    let trigamma =
        |n: u32| std::f64::consts::PI.powi(2) / 6.0 - (1..n).map(|k| 1.0 / f64::from(k * k)).sum::<f64>();
    let (y0, n0, y1, n1) = (10, 54, 29, 65);
    let model = Model {
        pooling: Pooling::Complete,
        effect: LocationPrior::normal(0.0, 1e5),
        ..counts_model(vec![pair((y0, n0), (y1, n1))])
            .with_baseline(BaselinePrior::Independent(LocationPrior::normal(0.0, 1e5)))
    };
    let posterior = fit(&model);
    let theta = posterior.theta(0);
    let mean = psi_difference(y1, n1 - y1) - psi_difference(y0, n0 - y0);
    let variance = trigamma(y1) + trigamma(n1 - y1) + trigamma(y0) + trigamma(n0 - y0);
    close("mean", theta.mean().expect("exists"), mean, 1e-8);
    close("sd", theta.sd().expect("exists"), variance.sqrt(), 1e-8);
    let risk = posterior.risk(0, RiskMeasure::Control).expect("counts");
    close("risk", risk.mean().expect("exists"), f64::from(y0) / f64::from(n0), 1e-8);
}

#[test]
fn a_flat_effect_prior_is_the_limit_of_wide_ones() {
    let rows = [(0.6, 0.42), (-0.55, 0.5)];
    let pooling = Pooling::Partial(HeterogeneityPrior::HalfNormal { scale: 0.5 });
    let flat = fit(&estimates_model(&rows, pooling.clone(), LocationPrior::Flat));
    let wide = fit(&estimates_model(&rows, pooling, LocationPrior::normal(0.0, 1e4)));
    close("estimates", above_zero(&*flat.theta(0)), above_zero(&*wide.theta(0)), 1e-7);
    let flat = fit(&Model { effect: LocationPrior::Flat, ..counts_model(etiology()) });
    let wide = fit(&Model { effect: LocationPrior::normal(0.0, 1e4), ..counts_model(etiology()) });
    close("counts", above_zero(&*flat.theta(1)), above_zero(&*wide.theta(1)), 1e-7);
}

#[test]
fn doubling_every_grid_moves_nothing() {
    for name in
        ["ras-basilar-function", "ras-basilar-sich", "attention-ras-etiology", "attention-evt", "solvd"]
    {
        let study = open(name).expect("shipped");
        let standard = analyse(&study, Options::exact());
        let resolution = Resolution::default().doubled();
        let fine = analyse(&study, Options { resolution, ..Options::exact() });
        hold_probabilities(&standard, &fine, 1e-7);
        for (a, b) in standard.estimates.iter().zip(&fine.estimates) {
            let (Some(a), Some(b)) = (a.exact, b.exact) else { continue };
            let scale = (a.quantiles.q97_5 - a.quantiles.q2_5).max(1e-3);
            close(name, a.quantiles.median, b.quantiles.median, 5e-7 * scale);
            close(name, a.quantiles.q2_5, b.quantiles.q2_5, 1e-6 * scale);
            close(name, a.quantiles.q97_5, b.quantiles.q97_5, 1e-6 * scale);
        }
    }
}

fn small_tables() -> impl Strategy<Value = Vec<BinomialPair>> {
    let arm = (0_u32..25).prop_flat_map(|n| (0..=n, Just(n)));
    prop::collection::vec((arm.clone(), arm), 1..4)
        .prop_map(|rows| rows.into_iter().map(|(c, a)| pair(c, a)).collect())
}

fn poolings() -> impl Strategy<Value = Pooling> {
    let heterogeneity = prop_oneof![
        (0.05..2.0).prop_map(|scale| HeterogeneityPrior::HalfNormal { scale }),
        (0.05..1.0).prop_map(|scale| HeterogeneityPrior::HalfStudentT { df: 1.0, scale }),
        (0.05..1.0).prop_map(|mean| HeterogeneityPrior::Exponential { mean }),
        (0.1..2.0).prop_map(|upper| HeterogeneityPrior::Uniform { upper }),
        (0.0..1.0).prop_map(|value| HeterogeneityPrior::Fixed { value }),
    ];
    (heterogeneity, 0..3).prop_map(|(h, kind)| match kind {
        0 => Pooling::Partial(h),
        1 => Pooling::Separate(h),
        _ => Pooling::Complete,
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 60,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(20_261_123),
        ..ProptestConfig::default()
    })]

    #[test]
    fn on_any_small_table_probabilities_are_probabilities_and_fall_with_the_threshold(
        counts in small_tables(),
        pooling in poolings(),
    ) {
        let model = Model { pooling, ..counts_model(counts.clone()) };
        let posterior = fit(&model);
        for g in 0..counts.len() {
            let theta = posterior.theta(g);
            prop_assert!(theta.quantile(0.5).is_finite());
            let rd = posterior.risk(g, RiskMeasure::Difference).expect("counts");
            let mut last = 1.0;
            for i in -9..=9 {
                let p = 1.0 - rd.cdf(f64::from(i) / 10.0);
                prop_assert!((0.0..=1.0).contains(&p), "P(RD > {i}/10) = {p}");
                prop_assert!(p <= last + 1e-7, "P(RD > {i}/10) = {p} after {last}");
                last = p;
            }
            // No effect is the same event on both scales.
            prop_assert!((rd.cdf(0.0) - theta.cdf(0.0)).abs() < 1e-6, "{} {}", rd.cdf(0.0), theta.cdf(0.0));
            let (low, high) = (rd.quantile(0.025), rd.quantile(0.975));
            prop_assert!(-1.0 <= low && low <= high && high <= 1.0);
        }
        if counts.len() > 1 {
            let pair = posterior.pair(0, 1);
            let opposed = pair.first_above_second_below + pair.first_below_second_above;
            prop_assert!((0.0..=1.0 + 1e-9).contains(&opposed));
            let p = above_zero(&*posterior.theta(0));
            prop_assert!(pair.first_above_second_below <= p + 1e-6);
        }
    }

    #[test]
    fn estimates_shrink_between_their_own_value_and_the_rest(
        y in prop::collection::vec(-2.0..2.0, 2..6),
        se in 0.05..1.0,
        scale in 0.05..2.0,
    ) {
        let rows: Vec<(f64, f64)> = y.iter().map(|&estimate| (estimate, se)).collect();
        let pooling = Pooling::Partial(HeterogeneityPrior::HalfNormal { scale });
        let posterior = fit(&estimates_model(&rows, pooling, LocationPrior::Flat));
        let mean = y.iter().sum::<f64>() / y.len() as f64;
        for (g, &own) in y.iter().enumerate() {
            let theta = posterior.theta(g).mean().expect("exists");
            prop_assert!(theta >= own.min(mean) - 1e-9 && theta <= own.max(mean) + 1e-9, "{own} {mean} {theta}");
        }
    }
}

#[test]
fn a_prior_that_all_but_fixes_the_effect_leaves_the_integral_over_the_baseline() {
    // θ is known to be 3 against the data; the risk difference then varies with the control log odds alone.
    let counts = pair((10, 54), (29, 65));
    let model = Model {
        pooling: Pooling::Complete,
        effect: LocationPrior::normal(3.0, 1e-3),
        ..counts_model(vec![counts.clone()])
    };
    let posterior = fit(&model);
    let logistic = |x: f64| 1.0 / (1.0 + (-x).exp());
    let nodes: Vec<(f64, f64)> = (0..400_000)
        .map(|i| {
            let alpha = -10.0 + 5e-5 * f64::from(i);
            let log = counts.control.log_likelihood(alpha) + counts.active.log_likelihood(alpha + 3.0)
                - 0.5 * (alpha / 1.5).powi(2);
            (logistic(alpha + 3.0) - logistic(alpha), (log + 80.0).exp())
        })
        .collect();
    let total: f64 = nodes.iter().map(|n| n.1).sum();
    for x in [0.3, 0.4, 0.45, 0.5, 0.55, 0.6] {
        let below: f64 = nodes.iter().filter(|n| n.0 <= x).map(|n| n.1).sum();
        // So narrow an effect makes a step of the integrand.
        close(&format!("P(RD <= {x})"), risk_cdf(&posterior, 0, x), below / total, 1e-4);
    }
}

/// Arms with nothing but events or none of them, under a heavy-tailed τ: nested sums give P(θ₁ > θ₂) = 0.019 where the
/// engine's grids of two effects miss part of the mass. It must say so, and still serve all other tables.
#[test]
fn a_pair_whose_integral_misses_mass_says_so() {
    let cauchy = Pooling::Partial(HeterogeneityPrior::HalfStudentT { df: 1.0, scale: 0.35 });
    let missed = vec![pair((16, 20), (0, 5)), pair((10, 33), (3, 3))];
    let model = Model { pooling: cauchy.clone(), ..counts_model(missed) };
    assert!(!fit(&model).pair(0, 1).settled);
    let report = analyse(&common::study_of(&model), Options::exact());
    let row = report.probabilities.iter().find(|p| p.statement == Statement::BenefitAndHarm);
    let row = row.expect("two subgroups");
    assert!(row.probability.is_none() && row.unavailable.as_deref().is_some_and(|u| u.contains("settle")));
    for table in [etiology(), three(), vec![pair((3, 10), (0, 12)), pair((4, 9), (5, 11))]] {
        for pooling in [Pooling::Partial(HeterogeneityPrior::HalfNormal { scale: 0.5 }), cauchy.clone()] {
            assert!(fit(&Model { pooling, ..counts_model(table.clone()) }).pair(0, 1).settled, "{table:?}");
        }
    }
}
