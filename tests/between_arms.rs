//! The sampler where a baseline is the mean of the arms' log odds, and where arms have no events, or nothing but events.

use crate::common;

use common::{close, counts_model, pair, sampler, study_of};
use equipoise::model::{
    BaselineOf, BaselinePrior, BinomialPair, HeterogeneityPrior, Hierarchy, LocationPrior, Model,
    NormalComponent, Pooling,
};
use equipoise::posterior::diagnostics::{Draws, Workspace, ess_mean, proportion};
use equipoise::posterior::{Options, SampledPosterior, Sampling, analyse};
use equipoise::sampler::{Purpose, Settings, extend, start, stream};

const HALF_CAUCHY: HeterogeneityPrior = HeterogeneityPrior::HalfStudentT { df: 1.0, scale: 0.5 };

fn between(counts: Vec<BinomialPair>) -> Model {
    let prior = BaselinePrior::Independent(LocationPrior::normal(0.0, 2.5));
    counts_model(counts).with_baseline(prior).with_baseline_of(BaselineOf::Arms)
}

fn sampled(model: &Model, draws: usize) -> SampledPosterior {
    let hierarchy = Hierarchy::new(model);
    let settings = Settings { target_acceptance: 0.95, ..Settings::default() };
    let mut chains = start(&hierarchy, hierarchy.middle(), &settings, &()).expect("finite");
    extend(&mut chains, draws, &());
    SampledPosterior::of_chains(model, &hierarchy, &chains, 1)
}

/// Mean and its Monte Carlo error.
fn mean(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n;
    let ess = ess_mean(Draws { values, chains: 4 }, &mut Workspace::default()).expect("enough draws");
    (mean, (variance / ess).sqrt())
}

/// P(> 0) and its Monte Carlo error.
fn above_zero(values: &[f64]) -> (f64, f64) {
    let found = proportion(Draws { values, chains: 4 }, |x| x > 0.0, &mut Workspace::default());
    (found.probability, found.mcse.expect("both sides of 0"))
}

/// θ ~ N(0, 1), α ~ prior, 1/9 v 4/11, by a sum over an even grid of both, which converges geometrically.
#[test]
fn a_table_under_complete_pooling_is_the_sum_over_a_grid() {
    let beta = LocationPrior::LogitBeta { a: 2.0, b: 5.0 };
    for (prior, of) in [
        (LocationPrior::normal(-0.5, 2.5), BaselineOf::Arms),
        (beta.clone(), BaselineOf::Arms),
        (beta, BaselineOf::Control),
    ] {
        let log_prior = |a: f64| match &prior {
            LocationPrior::LogitBeta { a: first, b: second } => {
                first * a - (first + second) * a.exp().ln_1p()
            }
            _ => -0.5 * ((a + 0.5) / 2.5).powi(2),
        };
        let arm = |events: f64, total: f64, x: f64| events * x - total * x.exp().ln_1p();
        let share = if of == BaselineOf::Arms { 0.5 } else { 0.0 };
        // Σ p, Σ p θ, Σ p [θ > 0] with half of the line at 0, Σ p α, Σ p (p₁ − p₀).
        let mut sums = [0.0; 5];
        for i in -240_i32..=240 {
            for j in -400..=400 {
                let (theta, alpha) = (0.03 * f64::from(i), 0.04 * f64::from(j));
                let (x0, x1) = (alpha - share * theta, alpha + (1.0 - share) * theta);
                let p =
                    (log_prior(alpha) - 0.5 * theta * theta + arm(1.0, 9.0, x0) + arm(4.0, 11.0, x1)).exp();
                let risk = |x: f64| 1.0 / (1.0 + (-x).exp());
                let side = 0.5 * (1.0 + f64::from(i.signum()));
                let all = [p, p * theta, p * side, p * alpha, p * (risk(x1) - risk(x0))];
                sums.iter_mut().zip(all).for_each(|(s, x)| *s += x);
            }
        }
        let expected = sums.map(|s| s / sums[0]);
        let model = Model {
            pooling: Pooling::Complete,
            effect: LocationPrior::normal(0.0, 1.0),
            ..counts_model(vec![pair((1, 9), (4, 11))])
                .with_baseline(BaselinePrior::Independent(prior.clone()))
                .with_baseline_of(of)
        };
        let drawn = sampled(&model, 10_000);
        let difference = drawn.risks(0).expect("counts").difference();
        let found =
            [mean(&drawn.theta[0]), above_zero(&drawn.theta[0]), mean(&drawn.alpha[0]), mean(&difference)];
        for ((value, error), expected) in found.into_iter().zip(&expected[1..]) {
            close(&format!("{prior:?}, {of:?}"), value, *expected, 4.5 * error);
        }
    }
}

#[test]
fn exchanging_the_arms_mirrors_what_is_sampled_and_alike_arms_favour_neither() {
    let model = |counts| Model {
        effect: LocationPrior::normal(0.3, 0.5),
        pooling: Pooling::Partial(HeterogeneityPrior::HalfNormal { scale: 0.5 }),
        ..between(counts)
    };
    let there = model(vec![pair((2, 13), (0, 15)), pair((7, 40), (12, 38))]);
    let back = Model {
        effect: there.effect.mirrored(),
        ..model(vec![pair((0, 15), (2, 13)), pair((12, 38), (7, 40))])
    };
    let [first, second] = [&there, &back].map(|m| sampled(m, 6_000));
    for g in 0..2 {
        let ((a, da), (b, db)) = (above_zero(&first.theta[g]), above_zero(&second.theta[g]));
        close("P(effect > 0)", a, 1.0 - b, 4.5 * da.hypot(db));
        let of = |d: &SampledPosterior| d.risks(g).expect("counts").difference();
        let ((a, da), (b, db)) = (mean(&of(&first)), mean(&of(&second)));
        close("risk difference", a, -b, 4.5 * da.hypot(db));
        let ((a, da), (b, db)) = (mean(&first.alpha[g]), mean(&second.alpha[g]));
        close("baseline", a, b, 4.5 * da.hypot(db));
    }
    // A prior of the control risk alone says 0.70.
    let drawn = sampled(&between(vec![pair((2, 100), (2, 100))]), 6_000);
    let (p, error) = above_zero(&drawn.theta[0]);
    close("2/100 v 2/100", p, 0.5, 4.5 * error);
}

/// Draws come in pairs; those of the mirrored prior are the same with their signs changed.
#[test]
fn draws_from_a_mirrored_prior_are_mirror_images_whatever_its_family() {
    let parts = vec![
        NormalComponent { weight: 0.3, mean: -1.0, sd: 0.5 },
        NormalComponent { weight: 0.7, mean: 0.4, sd: 1.0 },
    ];
    for prior in [
        LocationPrior::LogitBeta { a: 2.0, b: 7.0 },
        LocationPrior::LogitBeta { a: 0.01, b: 0.3 },
        LocationPrior::StudentT { df: 4.0, location: -1.0, scale: 0.5 },
        LocationPrior::Normals(parts),
    ] {
        let model = |prior: &LocationPrior| Model {
            effect: LocationPrior::normal(0.0, 1.0),
            ..between(vec![pair((0, 0), (0, 0)); 2]).with_baseline(BaselinePrior::Independent(prior.clone()))
        };
        let (mut rng, mut other) = (stream(3, 0, Purpose::Prior), stream(3, 0, Purpose::Prior));
        for _ in 0..200 {
            let [a, b] = model(&prior).draw_prior_pair(&mut rng).expect("proper");
            let [c, d] = model(&prior.mirrored()).draw_prior_pair(&mut other).expect("proper");
            for (x, y) in [(&a, &d), (&b, &c)] {
                for (x, y) in x.alpha.iter().chain(&x.theta).zip(y.alpha.iter().chain(&y.theta)) {
                    assert!(x.is_finite() && (x + y).abs() <= 1e-12 * (1.0 + x.abs()), "{prior:?}: {x} {y}");
                }
            }
        }
    }
}

/// Its mean is a/(a + b), its variance ab/((a + b)²(a + b + 1)).
#[test]
fn draws_of_a_beta_risk_have_its_moments_and_come_in_opposite_pairs() {
    const PAIRS: usize = 20_000;
    for (a, b) in [(2.0, 7.0), (0.5, 0.5), (30.0, 4.0)] {
        let prior = BaselinePrior::Independent(LocationPrior::LogitBeta { a, b });
        let model = between(vec![pair((0, 0), (0, 0))]).with_baseline(prior);
        let mut rng = stream(4, 0, Purpose::Prior);
        let risks: Vec<[f64; 2]> = (0..PAIRS)
            .map(|_| {
                let pair = model.draw_prior_pair(&mut rng).expect("proper");
                pair.map(|drawn| 1.0 / (1.0 + (-drawn.alpha[0]).exp()))
            })
            .collect();
        let expected = a / (a + b);
        let variance = expected * (1.0 - expected) / (a + b + 1.0);
        let n = PAIRS as f64;
        let first = risks.iter().map(|r| r[0]).sum::<f64>() / n;
        close("mean", first, expected, 4.5 * (variance / n).sqrt());
        let square = risks.iter().map(|r| (r[0] - expected).powi(2)).sum::<f64>() / n;
        close("variance", square, variance, 0.06 * variance);
        let together = risks.iter().map(|r| (r[0] - expected) * (r[1] - expected)).sum::<f64>() / n;
        assert!(together < -0.5 * variance, "{together} {variance}");
    }
}

/// By the exact engine P(effect < 0) in the first is 0.98.
#[test]
fn arms_without_events_pass_every_check_under_heavy_tailed_and_bounded_heterogeneity() {
    let few = vec![pair((3, 10), (0, 12)), pair((0, 5), (0, 6))];
    let full = vec![pair((85, 85), (64, 139)), pair((28, 111), (125, 125))];
    let both = vec![pair((0, 11), (126, 126)), pair((0, 6), (0, 6)), pair((40, 43), (53, 72))];
    let uniform = HeterogeneityPrior::Uniform { upper: 2.0 };
    for (counts, prior, sd) in [
        (&few, HALF_CAUCHY, 1.0),
        (&full, uniform, 0.355),
        (&full, HALF_CAUCHY, 0.355),
        (&both, HALF_CAUCHY, 1.0),
    ] {
        for of in [BaselineOf::Control, BaselineOf::Arms] {
            for seed in 1..=4 {
                let model = Model {
                    pooling: Pooling::Partial(prior),
                    effect: LocationPrior::normal(0.0, sd),
                    ..between(counts.clone()).with_baseline_of(of)
                };
                let sampling = Sampling { seed, ..Sampling::default() };
                let report = analyse(&study_of(&model), Options { sampling, ..sampler() });
                assert!(
                    report.checks.ok,
                    "{counts:?}, {prior:?}, {of:?}, {seed}: {:?}",
                    report.checks.reasons
                );
            }
        }
    }
}

#[test]
fn nobody_is_asked_for_more_draws_where_trajectories_diverge() {
    // Two unbounded scales and walls between them: more than any steps of ours can do.
    let counts = vec![pair((20, 20), (0, 5)), pair((0, 32), (0, 16))];
    let baseline = BaselinePrior::Exchangeable { mean: LocationPrior::normal(0.0, 2.5), sd: HALF_CAUCHY };
    let model = Model { pooling: Pooling::Partial(HALF_CAUCHY), ..between(counts).with_baseline(baseline) };
    for seed in 1..=6 {
        let sampling = Sampling { seed, draws: Some(150), ..Sampling::default() };
        let checks = analyse(&study_of(&model), Options { sampling, ..sampler() }).checks;
        let asked = checks.reasons.iter().any(|r| r.contains("ask for more draws"));
        assert!(!asked || checks.divergences == Some(0), "{:?}", checks.reasons);
    }
}

#[test]
fn a_model_has_walls_where_an_arm_has_no_events_and_effects_may_run_far() {
    let narrow = HeterogeneityPrior::HalfNormal { scale: 0.5 };
    for (counts, prior, expected) in [
        (pair((0, 10), (3, 10)), HALF_CAUCHY, true),
        (pair((2, 10), (10, 10)), HALF_CAUCHY, true),
        (pair((2, 10), (0, 0)), HALF_CAUCHY, false),
        (pair((2, 10), (3, 10)), HALF_CAUCHY, false),
        (pair((0, 10), (3, 10)), narrow, false),
    ] {
        let model = Model { pooling: Pooling::Partial(prior), ..between(vec![counts.clone()]) };
        assert_eq!(model.has_walls(), expected, "{counts:?}, {prior:?}");
        assert!(model.observation.cells().is_some());
    }
}
