//! The sampler, as a user meets it: on the shipped models, against the exact engine, against values from
//! elsewhere, and in the limits where two models are one.
//!
//! Every seed is fixed, so a test passes always or never. How often one would fail for another seed though
//! nothing is wrong: by the program's own comparison rule one run in 10⁴, before draws are doubled;
//! references as stated there.

use crate::common;

use common::shipped::analysed;
use common::{counts_model, draws, estimates_model, pair, sampler, study_of};
use equipoise::input::shipped;
use equipoise::model::{
    BaselinePrior, BinomialPair, HeterogeneityPrior, LocationPrior, Model, NormalComponent, Pooling,
};
use equipoise::numeric::normal_quantile;
use equipoise::posterior::diagnostics::{Draws, Workspace, diagnose, mcse_quantile, mcse_sd, proportion};
use equipoise::posterior::{
    Checks, Estimand, Options, Parameter, Report, SampledPosterior, Sampling, Statement, Stopped, Whom,
    analyse, analyse_watched,
};
use equipoise::study::{Data, HigherIs, Study};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::Value;

/// The sampler's report, which must have passed its checks.
#[track_caller]
fn sampled(study: &Study) -> Report {
    let report = analyse(study, sampler());
    assert!(report.checks.ok, "{:?}", report.checks);
    report
}

/// The exact engine's report.
#[track_caller]
fn exact(study: &Study) -> Report {
    let report = analyse(study, Options::exact());
    assert!(report.checks.ok, "{:?}", report.checks);
    report
}

// ---- Every shipped model ----

/// What is wrong with a run at the defaults, if anything is.
fn fault(name: &str, seed: u64) -> Option<String> {
    let (study, first) = &*analysed(name);
    let sampling = Sampling { seed, ..Sampling::default() };
    // The first seed is the defaults' own, and no integral depends on a seed.
    let other;
    let report = if sampling == first.options.sampling {
        &first.report
    } else {
        let options = Options { sampling, ..Options::default() };
        other = analyse_watched(study, options, first.integrals.clone(), &());
        &other.report
    };
    let checks = &report.checks;
    let stopped = report.settings.sampler.as_ref().map(|s| s.stopped);
    // Where labels may be wrong, by how much not known, nothing is exact, and of several arms or factors.
    let labels =
        study.bias.as_ref().is_some_and(|b| b.misclassification.is_some()) || study.has_several().is_some();
    let compared = checks.exact.comparisons > 0 || labels;
    let sure = stopped == Some(Stopped::Sure);
    let fine = checks.ok && checks.divergences == Some(0) && compared && sure;
    (!fine).then(|| format!("{name}, seed {seed}: {stopped:?}, {:?}", checks.reasons))
}

fn faults(seeds: std::ops::RangeInclusive<u64>) -> Vec<String> {
    shipped().iter().flat_map(|s| seeds.clone().filter_map(|seed| fault(s.name, seed))).collect()
}

#[test]
fn every_shipped_model_passes_every_check_at_the_defaults() {
    let faults = faults(1..=5);
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
#[ignore = "minutes: 1,800 runs"]
fn every_shipped_model_passes_every_check_for_two_hundred_seeds() {
    let faults = faults(1..=200);
    assert!(faults.is_empty(), "{} of 1,800 runs: {faults:#?}", faults.len());
}

// ---- Against the exact engine, on whatever data ----

fn heterogeneity_priors() -> impl Strategy<Value = HeterogeneityPrior> {
    prop_oneof![
        (0.05..1.5).prop_map(|scale| HeterogeneityPrior::HalfNormal { scale }),
        (0.05..1.0).prop_map(|scale| HeterogeneityPrior::HalfStudentT { df: 4.0, scale }),
        (0.05..1.0).prop_map(|mean| HeterogeneityPrior::Exponential { mean }),
        (0.1..2.0).prop_map(|upper| HeterogeneityPrior::Uniform { upper }),
        (-3.0..0.0, 0.2..1.5).prop_map(|(mean, sd)| HeterogeneityPrior::LogNormal { mean, sd }),
        (0.0..1.0).prop_map(|value| HeterogeneityPrior::Fixed { value }),
    ]
}

fn poolings() -> impl Strategy<Value = Pooling> {
    (heterogeneity_priors(), 0..4).prop_map(|(prior, kind)| match kind {
        0 | 1 => Pooling::Partial(prior),
        2 => Pooling::Separate(prior),
        _ => Pooling::Complete,
    })
}

fn normal_priors() -> impl Strategy<Value = LocationPrior> {
    let component = (-1.0..1.0, 0.1..1.5);
    prop_oneof![
        (-0.5..0.5, 0.1..2.0).prop_map(|(mean, sd)| LocationPrior::normal(mean, sd)),
        (component.clone(), component, 0.2..0.8).prop_map(|((m, s), (n, t), weight)| {
            LocationPrior::Normals(vec![
                NormalComponent { weight, mean: m, sd: s },
                NormalComponent { weight: 1.0 - weight, mean: n, sd: t },
            ])
        }),
    ]
}

fn location_priors() -> impl Strategy<Value = LocationPrior> {
    prop_oneof![
        2 => normal_priors(),
        1 => (3.0..8.0, -0.5..0.5, 0.2..1.5)
            .prop_map(|(df, location, scale)| LocationPrior::StudentT { df, location, scale }),
    ]
}

/// Arms without events, without anything else, and without patients among them.
fn tables() -> impl Strategy<Value = Vec<BinomialPair>> {
    let arm = (0_u32..40, 0_u32..6, 0.0..1.0).prop_map(|(n, kind, share)| match kind {
        0 => (0, n),
        1 => (n, n),
        2 => (0, 0),
        _ => ((share * f64::from(n + 1)) as u32, n),
    });
    prop::collection::vec((arm.clone(), arm), 1..=4)
        .prop_map(|rows| rows.into_iter().map(|(c, a)| pair(c, a)).collect())
}

fn checks_of(model: &Model, seed: u64) -> Checks {
    let sampling = Sampling { seed, ..Sampling::default() };
    analyse(&study_of(model), Options { sampling, ..Options::default() }).checks
}

/// The program's own comparison with the exact engine, after doubling if need be.
fn agrees(model: &Model, seed: u64) -> Result<(), TestCaseError> {
    let checks = checks_of(model, seed);
    prop_assert!(checks.exact.available && checks.exact.comparisons >= 5, "{:?}", checks.exact);
    prop_assert!(checks.exact.agrees(), "{:?}\n{model:?}", checks.reasons);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 20,
        // A shrunk case is another chance to fail, and costs as much as the first.
        max_shrink_iters: 0,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(20_261_124),
        ..ProptestConfig::default()
    })]

    #[test]
    fn on_any_small_table_the_sampler_agrees_with_the_exact_engine(
        counts in tables(),
        pooling in poolings(),
        effect in location_priors(),
        baseline in normal_priors(),
        seed in 1_u64..1000,
    ) {
        let baseline = BaselinePrior::Independent(baseline);
        agrees(&Model { pooling, effect, ..counts_model(counts).with_baseline(baseline) }, seed)?;
    }

    #[test]
    fn on_any_estimates_the_sampler_agrees_with_the_exact_engine(
        rows in prop::collection::vec((-1.5..1.5, 0.05..1.0), 1..=6),
        pooling in prop_oneof![
            3 => poolings(),
            1 => (0.05..1.0).prop_map(|scale| Pooling::Partial(half_cauchy(scale))),
        ],
        effect in location_priors(),
        seed in 1_u64..1000,
    ) {
        agrees(&estimates_model(&rows, pooling, effect), seed)?;
    }
}

#[test]
fn under_baselines_with_heavy_tails_the_sampler_agrees_with_the_exact_engine() {
    for (df, location, scale) in [(3.0, -0.5, 1.0), (5.0, 0.4, 0.6), (8.0, 0.0, 1.5)] {
        let baseline = BaselinePrior::Independent(LocationPrior::StudentT { df, location, scale });
        let checks = checks_of(&counts_model(three()).with_baseline(baseline), 1);
        assert!(checks.ok, "{:?}", checks.reasons);
    }
}

/// A few patients under a half-Cauchy heterogeneity, whose tail the data do not cut off: log odds ratios in
/// the hundreds remain possible.
fn little_data(counts: Vec<BinomialPair>) -> Model {
    Model {
        pooling: Pooling::Partial(half_cauchy(0.35)),
        effect: LocationPrior::normal(0.3234, 0.16),
        ..counts_model(counts).with_baseline(BaselinePrior::Independent(LocationPrior::normal(-0.47, 0.2912)))
    }
}

#[test]
fn heavy_tails_over_little_data_are_sampled_as_they_are_integrated() {
    // At a heterogeneity in the hundreds the likelihood is a wall that trajectories broke at.
    let report = analyse(&study_of(&little_data(vec![pair((0, 0), (3, 3))])), Options::default());
    assert!(report.checks.ok && report.checks.divergences == Some(0), "{:?}", report.checks);
    assert!(report.checks.exact.comparisons > 20, "{:?}", report.checks);
    // Here the exact engine's integral over both effects misses mass, and says so: the pair is told from draws alone.
    // Nested sums over τ, μ and both effects give P(first > second) = 0.019.
    let one_sided = little_data(vec![pair((16, 20), (0, 5)), pair((10, 33), (3, 3))]);
    let report = analyse(&study_of(&one_sided), Options::default());
    assert!(report.checks.ok, "{:?}", report.checks.reasons);
    let greater = report.probabilities.iter().find(|p| p.statement == Statement::GreaterBenefit);
    let row = greater.expect("two subgroups");
    assert!(
        row.exact.is_none() && row.exact_unavailable.as_deref().is_some_and(|why| why.contains("settle"))
    );
    let off = (row.probability.expect("sampled") - 0.019).abs();
    assert!(off < 0.0005 + ERRORS * row.mcse.expect("sampled"), "{row:?}");
    // With a few more patients of either kind, or a lighter tail, both engines agree.
    let more = little_data(vec![pair((8, 20), (9, 25)), pair((10, 33), (8, 11))]);
    let lighter = Model {
        pooling: Pooling::Partial(HeterogeneityPrior::HalfStudentT { df: 4.0, scale: 0.35 }),
        ..little_data(vec![pair((16, 20), (0, 5)), pair((10, 33), (3, 3))])
    };
    for model in [more, lighter] {
        let checks = checks_of(&model, 1);
        assert!(checks.ok, "{:?}", checks.reasons);
    }
}

// ---- Against values from elsewhere ----

/// Monte Carlo errors that a number may be off: of the 150 numbers that are compared, one would be further
/// off by chance in a thousand sets of seeds.
const ERRORS: f64 = 4.5;

/// One quantity's draws.
struct Drawn<'a> {
    draws: Draws<'a>,
    name: String,
}

impl Drawn<'_> {
    /// The error is of draws alone; `printed` is what the reference itself may be off.
    #[track_caller]
    fn meets(&self, what: &str, (found, mcse): (f64, f64), expected: f64, printed: f64) {
        let error = (found - expected).abs();
        let allowed = printed + ERRORS * mcse;
        assert!(mcse > 0.0, "{} {what}: no Monte Carlo error", self.name);
        assert!(
            error <= allowed,
            "{} {what}: sampled {found} ({mcse}), expected {expected}: off by {error} > {allowed}",
            self.name
        );
    }

    #[track_caller]
    fn mean(&self, expected: f64, printed: f64) -> &Self {
        let found = diagnose(self.draws, &mut Workspace::default());
        self.meets("mean", (found.mean, found.mcse_mean.unwrap_or(0.0)), expected, printed);
        self
    }

    #[track_caller]
    fn sd(&self, expected: f64, printed: f64) -> &Self {
        let sd = diagnose(self.draws, &mut Workspace::default()).sd;
        let mcse = mcse_sd(self.draws, &mut Workspace::default()).unwrap_or(0.0);
        self.meets("sd", (sd, mcse), expected, printed);
        self
    }

    #[track_caller]
    fn quantile(&self, p: f64, expected: f64, printed: f64) -> &Self {
        let mut sorted = self.draws.values.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let found = sorted[(p * (sorted.len() - 1) as f64).round() as usize];
        let mcse = mcse_quantile(self.draws, p, &mut Workspace::default()).unwrap_or(0.0);
        self.meets(&format!("quantile {p}"), (found, mcse), expected, printed);
        self
    }

    /// P(x > threshold), its error from the expected value.
    #[track_caller]
    fn above(&self, threshold: f64, expected: f64, printed: f64) -> &Self {
        let found = proportion(self.draws, |x| x > threshold, &mut Workspace::default());
        let ess = found.ess.unwrap_or(f64::NAN);
        let mcse = (expected * (1.0 - expected) / ess).sqrt();
        self.meets(&format!("P(> {threshold})"), (found.probability, mcse), expected, printed);
        self
    }
}

/// 40,000 draws from the model.
fn posterior(model: &Model) -> SampledPosterior {
    let report = analyse(&study_of(model), Options { sampling: draws(10_000), ..sampler() });
    assert!(report.checks.ok, "{:?}", report.checks);
    report.sampled.expect("draws")
}

trait Columns {
    fn of<'a>(&'a self, name: &str, column: &'a [f64]) -> Drawn<'a>;
    fn mean_effect(&self) -> Drawn<'_>;
    fn heterogeneity(&self) -> Drawn<'_>;
    fn effect(&self, g: usize) -> Drawn<'_>;
}

impl Columns for SampledPosterior {
    fn of<'a>(&'a self, name: &str, column: &'a [f64]) -> Drawn<'a> {
        Drawn { draws: Draws { values: column, chains: self.chains }, name: name.to_string() }
    }

    fn mean_effect(&self) -> Drawn<'_> {
        self.of("mu", self.mu.as_ref().expect("shared"))
    }

    fn heterogeneity(&self) -> Drawn<'_> {
        self.of("tau", self.tau.as_ref().expect("estimated"))
    }

    fn effect(&self, g: usize) -> Drawn<'_> {
        self.of(&format!("theta {g}"), &self.theta[g])
    }
}

fn quadrature(id: &str) -> Value {
    let all: Value = serde_json::from_str(include_str!("reference/exact_posteriors.json")).expect("JSON");
    all[id].clone()
}

fn published(id: &str) -> Value {
    let all: Value = serde_json::from_str(include_str!("reference/published_posteriors.json")).expect("JSON");
    all[id].clone()
}

fn number(v: &Value) -> f64 {
    v.as_f64().expect("a number")
}

fn numbers(v: &Value) -> Vec<f64> {
    v.as_array().expect("a list").iter().map(number).collect()
}

fn with_errors(y: &Value, se: &Value) -> Vec<(f64, f64)> {
    numbers(y).into_iter().zip(numbers(se)).collect()
}

fn with_variances(y: &Value, variances: &Value) -> Vec<(f64, f64)> {
    numbers(y).into_iter().zip(numbers(variances).into_iter().map(f64::sqrt)).collect()
}

fn half_normal(scale: f64) -> HeterogeneityPrior {
    HeterogeneityPrior::HalfNormal { scale }
}

fn half_cauchy(scale: f64) -> HeterogeneityPrior {
    HeterogeneityPrior::HalfStudentT { df: 1.0, scale }
}

#[test]
fn eight_schools_meets_the_converged_quadrature() {
    let reference = quadrature("eight_schools");
    let data = with_errors(&reference["y"], &reference["se"]);
    let effect = LocationPrior::normal(0.0, 5.0);
    let drawn = posterior(&estimates_model(&data, Pooling::Partial(half_cauchy(5.0)), effect.clone()));
    let values = &reference["values"];
    let mu = &values["mu"];
    drawn.mean_effect().mean(number(&mu["mean"]), 0.0).sd(number(&mu["sd"]), 0.0);
    drawn.mean_effect().above(0.0, number(&mu["p_gt_0"]), 0.0);
    let tau = &values["tau"];
    drawn.heterogeneity().mean(number(&tau["mean"]), 0.0);
    for (key, p) in [("q05", 0.05), ("q25", 0.25), ("q50", 0.5), ("q75", 0.75), ("q95", 0.95)] {
        // The reference's own quantiles of τ are good to this only (see `references.rs`).
        drawn.heterogeneity().quantile(p, number(&tau[key]), 5e-3);
    }
    for (g, expected) in numbers(&values["theta_mean"]).into_iter().enumerate() {
        drawn.effect(g).mean(expected, 0.0);
    }
    drawn.effect(0).above(10.0, number(&values["p_theta1_gt_10"]), 0.0);
    let drawn = posterior(&estimates_model(&data, Pooling::Partial(half_normal(5.0)), effect));
    let values = &reference["with_tau_half_normal_5"];
    drawn.mean_effect().mean(number(&values["mu_mean"]), 0.0);
    drawn.heterogeneity().mean(number(&values["tau_mean"]), 0.0);
    drawn.effect(0).mean(number(&values["theta1_mean"]), 0.0);
}

#[test]
fn blocker_meets_the_converged_quadrature() {
    /// The reference's own error (see `references.rs`).
    const PRINTED: f64 = 8e-5;
    let reference = quadrature("blocker");
    let arm = |a: &str| -> Vec<(u32, u32)> {
        let (events, totals) = (numbers(&reference[a]["events"]), numbers(&reference[a]["total"]));
        events.into_iter().zip(totals).map(|(e, n)| (e as u32, n as u32)).collect()
    };
    let counts = arm("control").into_iter().zip(arm("active")).map(|(c, a)| pair(c, a)).collect();
    let drawn = posterior(&Model {
        effect: LocationPrior::normal(0.0, 1.0),
        ..counts_model(counts).with_baseline(BaselinePrior::Independent(LocationPrior::normal(0.0, 2.5)))
    });
    let values = &reference["values"];
    let (mu, tau) = (&values["mu"], &values["tau"]);
    drawn.mean_effect().mean(number(&mu["mean"]), PRINTED).sd(number(&mu["sd"]), PRINTED);
    drawn.heterogeneity().mean(number(&tau["mean"]), PRINTED).sd(number(&tau["sd"]), PRINTED);
    let new = drawn.of("theta_new", drawn.theta_new.as_ref().expect("shared"));
    new.above(0.0, 1.0 - number(&values["p_theta_new_lt_0"]), PRINTED);
    for (trial, expected) in values["theta_mean"].as_object().expect("trials") {
        let g: usize = trial.parse().expect("a number");
        drawn.effect(g - 1).mean(number(expected), PRINTED);
    }
}

#[test]
fn the_heterogeneity_prior_moves_two_subgroups_as_the_published_curve_says() {
    let reference = quadrature("two_subgroup_tau_curve");
    let data = with_errors(&reference["log_or"], &reference["se"]);
    let tolerance = &reference["tolerance"];
    for (scale, expected) in reference["p_or_gt_1"].as_object().expect("scales") {
        let prior = half_normal(scale.parse().expect("a scale"));
        let model = estimates_model(&data, Pooling::Partial(prior), LocationPrior::normal(0.0, 0.355));
        let drawn = posterior(&model);
        for (g, p) in numbers(expected).into_iter().enumerate() {
            drawn.effect(g).above(0.0, p, number(&tolerance["p_or_gt_1"]));
        }
        let joint = drawn.above_and_below(0, 1);
        let expected = number(&reference["p_first_helps_and_second_harms"][scale]);
        let printed = number(&tolerance["p_first_helps_and_second_harms"]);
        drawn.of("first helps, second harms", &joint).above(0.0, expected, printed);
    }
}

#[test]
fn paediatric_il2ra_meets_the_published_analysis() {
    const PRINTED: f64 = 0.003;
    let o1 = published("O1");
    let data = with_variances(&o1["inputs"]["yi"], &o1["inputs"]["vi"]);
    let effect = LocationPrior::normal(0.0, 4.0);
    let drawn = posterior(&estimates_model(&data, Pooling::Partial(half_normal(0.5)), effect));
    let printed = |key: &str| number(&o1["printed"][key]);
    let mu = drawn.mean_effect();
    mu.quantile(0.5, printed("mu_median"), PRINTED).mean(printed("mu_mean"), PRINTED);
    mu.sd(printed("mu_sd"), PRINTED);
    let tau = drawn.heterogeneity();
    tau.quantile(0.5, printed("tau_median"), PRINTED).mean(printed("tau_mean"), PRINTED);
    tau.above(1.0, printed("P(tau>1)"), 1e-4).quantile(0.99, printed("tau_q99"), PRINTED);
    let new = drawn.of("theta_new", drawn.theta_new.as_ref().expect("shared"));
    new.quantile(0.5, printed("pred_median"), PRINTED);
    drawn.effect(0).mean(printed("theta_Heffron_mean"), PRINTED);
    drawn.effect(1).mean(printed("theta_Gibelli_mean"), PRINTED);
}

#[test]
fn eight_schools_with_wide_priors_meets_the_published_analysis() {
    const PRINTED: f64 = 0.03;
    let o2 = published("O2");
    let data = with_errors(&o2["inputs"]["y"], &o2["inputs"]["se"]);
    let effect = LocationPrior::normal(0.0, 50.0);
    let drawn = posterior(&estimates_model(&data, Pooling::Partial(half_cauchy(25.0)), effect));
    let printed = |key: &str| number(&o2["printed"][key]);
    let mu = drawn.mean_effect();
    mu.quantile(0.5, printed("mu_median"), PRINTED).mean(printed("mu_mean"), PRINTED);
    mu.sd(printed("mu_sd"), PRINTED).above(0.0, printed("P(mu>0)"), 0.001);
    mu.quantile(0.95, printed("mu_q95"), PRINTED);
    let tau = drawn.heterogeneity();
    tau.quantile(0.5, printed("tau_median"), PRINTED).mean(printed("tau_mean"), PRINTED);
    tau.quantile(0.95, printed("tau_q95"), PRINTED);
    let central = numbers(&o2["printed"]["tau_95_central"]);
    tau.quantile(0.025, central[0], PRINTED).quantile(0.975, central[1], PRINTED);
    for (g, key) in [(0, "theta_A_mean"), (6, "theta_G_mean"), (7, "theta_H_mean")] {
        drawn.effect(g).mean(printed(key), PRINTED);
    }
}

#[test]
fn solvd_meets_the_published_shrinkage() {
    const PRINTED: f64 = 0.012;
    let o5 = published("O5");
    let data = with_variances(&o5["inputs"]["est"], &o5["inputs"]["var"]);
    let effect = LocationPrior::normal(0.0, 1000.0_f64.sqrt());
    let printed = &o5["printed"];
    let complete = posterior(&estimates_model(&data, Pooling::Complete, effect.clone()));
    let mu = complete.mean_effect();
    mu.mean(number(&printed["nse_mean"]), 0.001).sd(number(&printed["nse_sd"]), 0.001);
    let drawn = posterior(&estimates_model(&data, Pooling::Partial(half_normal(1.0)), effect));
    for g in 0..8 {
        let at = |key: &str| numbers(&printed[key])[g];
        let theta = drawn.effect(g);
        theta.mean(at("bs_mean"), PRINTED).sd(at("bs_sd"), PRINTED).quantile(0.5, at("bs_median"), PRINTED);
        // Printed as 1 where no draw, or few, lay above.
        if at("bs_P<0") < 1.0 {
            theta.above(0.0, 1.0 - at("bs_P<0"), PRINTED);
        }
    }
}

/// One arm: exchangeable baselines under an effect of which nothing is observed.
fn one_arm(arms: &[(u32, u32)], mean: LocationPrior, sd: HeterogeneityPrior) -> Model {
    Model {
        pooling: Pooling::Complete,
        ..counts_model(arms.iter().map(|&arm| pair(arm, (0, 0))).collect())
            .with_baseline(BaselinePrior::Exchangeable { mean, sd })
    }
}

/// Deaths after heart operations on infants in twelve hospitals (the "surgical" example of BUGS).
const SURGICAL: [(u32, u32); 12] = [
    (0, 47),
    (18, 148),
    (8, 119),
    (46, 810),
    (8, 211),
    (13, 196),
    (9, 148),
    (31, 215),
    (14, 207),
    (8, 97),
    (29, 256),
    (24, 360),
];

#[test]
fn surgical_meets_the_converged_quadrature() {
    // The values are "surgical" of the project's reference values, by converged quadrature.
    let drawn = posterior(&one_arm(&SURGICAL, LocationPrior::normal(0.0, 2.5), half_normal(1.0)));
    let mean = drawn.of("baseline mean", drawn.baseline_mean.as_ref().expect("exchangeable"));
    mean.mean(-2.550_578_4, 0.0).sd(0.162_956_1, 0.0);
    let sd = drawn.of("baseline sd", drawn.baseline_sd.as_ref().expect("exchangeable"));
    sd.mean(0.445_921_1, 0.0).sd(0.164_692_4, 0.0);
    for (g, expected) in [(0, -3.016_021_6), (3, -2.780_944), (7, -1.950_022_4), (11, -2.628_794_1)] {
        drawn.of("alpha", &drawn.alpha[g]).mean(expected, 0.0);
    }
    // The effect keeps its prior.
    drawn.mean_effect().mean(0.0, 0.0).sd(0.355, 0.0);
}

#[test]
fn ankylosing_spondylitis_meets_the_published_predictive() {
    // Placebo arms of eight trials, and their meta-analytic predictive, from the vignette of RBesT ("Getting
    // started with RBesT (binary)", 2025): good to 0.015, upper quantiles to 0.03, from one run of its own.
    let trials = [(23, 107), (12, 44), (19, 51), (9, 39), (39, 139), (6, 20), (9, 78), (10, 35)];
    // A ninth trial without patients is the new one.
    let arms: Vec<(u32, u32)> = trials.into_iter().chain([(0, 0)]).collect();
    let drawn = posterior(&one_arm(&arms, LocationPrior::normal(0.0, 2.0), half_normal(1.0)));
    let tau = drawn.of("baseline sd", drawn.baseline_sd.as_ref().expect("exchangeable"));
    tau.mean(0.377, 0.015).sd(0.217, 0.015).quantile(0.5, 0.346, 0.015);
    tau.quantile(0.025, 0.0414, 0.015).quantile(0.975, 0.893, 0.03);
    let new = drawn.risks(8).expect("counts").control;
    let new = drawn.of("predicted risk", &new);
    new.mean(0.258, 0.015).sd(0.0842, 0.015).quantile(0.5, 0.251, 0.015);
    new.quantile(0.025, 0.112, 0.015).quantile(0.975, 0.459, 0.03);
}

// ---- Where two models are one ----

/// Sampled numbers of one study held against the exact ones of another by the program's own rule
/// (`agreement.rs`): one set in 10⁴ is suspected though nothing is wrong. `sign` is −1 where the second
/// study's effects are the first's negatives.
struct Held<'a> {
    sampled: &'a Report,
    exact: &'a Report,
    sign: f64,
    z: Vec<(f64, String)>,
}

impl<'a> Held<'a> {
    fn new(sampled: &'a Report, exact: &'a Report, sign: f64) -> Held<'a> {
        let mut held = Held { sampled, exact, sign, z: Vec::new() };
        held.probabilities();
        held.parameters();
        held
    }

    fn take(&mut self, what: String, found: f64, expected: f64, ess: f64) {
        if expected * ess > 10.0 && (1.0 - expected) * ess > 10.0 {
            let z = (found - expected) / (expected * (1.0 - expected) / ess).sqrt();
            self.z.push((z, format!("{what}: {found} for {expected}")));
        }
    }

    /// The exact report's place of the subgroup of the same name.
    fn place(&self, g: usize) -> Option<usize> {
        self.exact.names.place(self.sampled.names.subgroup(g))
    }

    fn estimand(&self, Estimand { whom, measure, cut, arms }: Estimand) -> Option<Estimand> {
        let whom = match whom {
            Whom::Subgroup(g) => Whom::Subgroup(self.place(g)?),
            Whom::Pair(a, b) => Whom::Pair(self.place(a)?, self.place(b)?),
            shared => shared,
        };
        Some(Estimand { whom, measure, cut, arms })
    }

    fn parameter(&self, key: Parameter) -> Option<Parameter> {
        Some(match key {
            Parameter::Theta(g) => Parameter::Theta(self.place(g)?),
            Parameter::Alpha(g) => Parameter::Alpha(self.place(g)?),
            shared => shared,
        })
    }

    fn probabilities(&mut self) {
        for p in &self.sampled.probabilities {
            let same = self.estimand(p.estimand);
            let row = same.and_then(|same| self.exact.probability(same, p.statement, p.threshold));
            let exact = row.and_then(|q| q.exact);
            if let (Some(found), Some(expected), Some(ess)) = (p.sampled, exact, p.ess) {
                self.take(format!("{p:?}"), found, expected, ess);
            }
        }
    }

    fn parameters(&mut self) {
        let drawn = self.sampled.sampled.as_ref().expect("draws");
        for (key, column) in drawn.parameters() {
            let row = self.parameter(key).and_then(|same| self.exact.parameter(same));
            let Some(expected) = row.and_then(|p| p.exact) else { continue };
            let name = key.name(&self.sampled.names);
            let sign = if key == Parameter::Tau { 1.0 } else { self.sign };
            let values: Vec<f64> = column.iter().map(|x| sign * x).collect();
            let draws = Draws { values: &values, chains: drawn.chains };
            let found = diagnose(draws, &mut Workspace::default());
            if let (Some(mean), Some(_), Some(mcse)) = (expected.mean, expected.sd, found.mcse_mean) {
                self.z.push(((found.mean - mean) / mcse, format!("{name}: {} for {mean}", found.mean)));
            }
            let q = expected.quantiles;
            for (at, p) in [(q.median, 0.5), (q.q2_5, 0.025), (q.q97_5, 0.975)] {
                let below = proportion(draws, |x| x < at, &mut Workspace::default());
                if let Some(ess) = below.ess {
                    self.take(format!("{name}: P(< {at})"), below.probability, p, ess);
                }
            }
        }
    }

    #[track_caller]
    fn agree(&self, at_least: usize) {
        let n = self.z.len();
        assert!(n >= at_least, "only {n} comparisons");
        let allowed = -normal_quantile(0.5e-4 / n as f64);
        let worst = self.z.iter().max_by(|a, b| a.0.abs().total_cmp(&b.0.abs())).expect("some");
        assert!(
            worst.0.abs() <= allowed,
            "of {n} comparisons z = {:.2} > {allowed:.2}: {}",
            worst.0,
            worst.1
        );
    }
}

#[track_caller]
fn sampled_is_exact(sampled_model: &Model, exact_model: &Model, at_least: usize) {
    let (sampled, exact) = (sampled(&study_of(sampled_model)), exact(&study_of(exact_model)));
    Held::new(&sampled, &exact, 1.0).agree(at_least);
}

/// Three subgroups, one with a zero cell.
fn three() -> Vec<BinomialPair> {
    vec![pair((10, 54), (29, 65)), pair((0, 12), (5, 20)), pair((12, 64), (29, 82))]
}

const FOUR: [(f64, f64); 4] = [(0.6, 0.42), (-0.55, 0.5), (0.1, 0.3), (0.9, 0.6)];

fn lopsided() -> LocationPrior {
    LocationPrior::StudentT { df: 5.0, location: 0.2, scale: 0.4 }
}

fn flipped(study: &Study) -> Study {
    let mut flipped = study.clone();
    flipped.outcome.higher_is = match study.outcome.higher_is {
        HigherIs::Better => HigherIs::Worse,
        HigherIs::Worse => HigherIs::Better,
    };
    match &mut flipped.data {
        Data::Counts(rows) => {
            for arm in rows.iter_mut().flat_map(|r| &mut r.arms) {
                arm.events = arm.total - arm.events;
            }
        }
        Data::Estimates(estimates) => estimates.rows.iter_mut().for_each(|r| r.estimate = -r.estimate),
        // Levels are turned where they are read: see `levels.rs`.
        Data::Levels(_) => flipped.outcome.higher_is = study.outcome.higher_is,
    }
    let priors = &mut flipped.priors;
    priors.effect.distribution = priors.effect.distribution.mirrored();
    if let Some(baseline) = &mut priors.baseline {
        baseline.distribution = match &baseline.distribution {
            BaselinePrior::Independent(prior) => BaselinePrior::Independent(prior.mirrored()),
            BaselinePrior::Exchangeable { mean, sd } => {
                BaselinePrior::Exchangeable { mean: mean.mirrored(), sd: *sd }
            }
        };
    }
    flipped
}

#[test]
fn flipping_the_outcome_leaves_every_probability_of_benefit_unchanged() {
    let baseline = BaselinePrior::Independent(LocationPrior::normal(-0.7, 1.0));
    let counts = Model { effect: lopsided(), ..counts_model(three()).with_baseline(baseline) };
    let estimates = estimates_model(&FOUR, Pooling::Partial(half_normal(0.5)), lopsided());
    for model in [counts, estimates] {
        let study = study_of(&model);
        Held::new(&sampled(&flipped(&study)), &exact(&study), -1.0).agree(50);
    }
}

#[test]
fn permuting_subgroups_permutes_the_results_and_changes_none() {
    let study = study_of(&Model { effect: lopsided(), ..counts_model(three()) });
    let mut permuted = study.clone();
    let Data::Counts(rows) = &mut permuted.data else { unreachable!("counts") };
    rows.rotate_left(1);
    Held::new(&sampled(&permuted), &exact(&study), 1.0).agree(50);
}

#[test]
fn renaming_subgroups_changes_no_bit_of_any_draw() {
    let study = study_of(&counts_model(three()));
    let mut renamed = study.clone();
    let Data::Counts(rows) = &mut renamed.data else { unreachable!("counts") };
    for (row, name) in rows.iter_mut().zip(["zeta", "alpha[a name, of many] words", "α"]) {
        row.name = name.to_string();
    }
    let (before, after) = (sampled(&study), sampled(&renamed));
    let (before, after) = (before.sampled.expect("draws"), after.sampled.expect("draws"));
    assert_eq!((&before.theta, &before.alpha), (&after.theta, &after.alpha));
    assert_eq!((before.mu, before.tau, before.theta_new), (after.mu, after.tau, after.theta_new));
}

#[test]
fn exchanging_the_arms_of_estimates_exchanges_benefit_and_harm() {
    let study = study_of(&estimates_model(&FOUR, Pooling::Partial(half_cauchy(0.5)), lopsided()));
    let exchanged = Study { outcome: study.outcome.clone(), ..flipped(&study) };
    let mut report = sampled(&exchanged);
    for row in &mut report.probabilities {
        row.statement = match row.statement {
            Statement::Benefit => Statement::Harm,
            Statement::Harm => Statement::Benefit,
            Statement::BenefitAtLeast => Statement::HarmAtLeast,
            Statement::HarmAtLeast => Statement::BenefitAtLeast,
            other => other,
        };
        match row.statement {
            Statement::BenefitAndHarm => row.estimand.whom = row.estimand.whom.swapped(),
            Statement::GreaterBenefit => row.sampled = row.sampled.map(|p| 1.0 - p),
            _ => {}
        }
    }
    Held::new(&report, &exact(&study), -1.0).agree(50);
}

#[test]
fn splitting_an_estimate_in_two_of_wider_error_changes_nothing_under_complete_pooling() {
    let wide = 0.4 * 2.0_f64.sqrt();
    let model = |rows: &[(f64, f64)]| estimates_model(rows, Pooling::Complete, lopsided());
    let split = model(&[(0.5, wide), (0.5, wide), (-0.1, 0.3)]);
    sampled_is_exact(&split, &model(&[(0.5, 0.4), (-0.1, 0.3)]), 15);
}

#[test]
fn partial_pooling_becomes_complete_as_the_heterogeneity_prior_shrinks() {
    let shrunk = Pooling::Partial(half_normal(1e-4));
    let complete = Model { pooling: Pooling::Complete, ..counts_model(three()) };
    // What is left of the difference is below 1e-7 (`invariances.rs`).
    sampled_is_exact(&Model { pooling: shrunk, ..complete.clone() }, &complete, 40);
    let none = Pooling::Partial(HeterogeneityPrior::Fixed { value: 0.0 });
    sampled_is_exact(&Model { pooling: none, ..complete.clone() }, &complete, 40);
    let estimates = estimates_model(&FOUR, Pooling::Complete, lopsided());
    let shrunk = Pooling::Partial(half_normal(1e-4));
    sampled_is_exact(&Model { pooling: shrunk, ..estimates.clone() }, &estimates, 20);
}

#[test]
fn partial_pooling_and_none_are_one_when_mean_and_heterogeneity_are_known() {
    let known = HeterogeneityPrior::Fixed { value: 0.4 };
    let model =
        |pooling| Model { pooling, effect: LocationPrior::normal(0.1, 1e-5), ..counts_model(three()) };
    let (partial, none) = (model(Pooling::Partial(known)), model(Pooling::Separate(known)));
    sampled_is_exact(&partial, &none, 40);
    sampled_is_exact(&none, &partial, 40);
}

#[test]
fn exchangeable_baselines_of_known_mean_and_sd_are_independent_ones() {
    // Known to 1e-4 of the prior's sd, which moves no probability by more than that squared.
    let (m, s) = (-0.8, 0.9);
    let exchangeable = BaselinePrior::Exchangeable {
        mean: LocationPrior::normal(m, 1e-4 * s),
        sd: HeterogeneityPrior::Fixed { value: s },
    };
    let independent = BaselinePrior::Independent(LocationPrior::normal(m, s));
    for pooling in
        [Pooling::Partial(half_normal(0.5)), Pooling::Separate(half_cauchy(0.3)), Pooling::Complete]
    {
        let model = |baseline: &BaselinePrior| Model {
            pooling: pooling.clone(),
            ..counts_model(three()).with_baseline(baseline.clone())
        };
        sampled_is_exact(&model(&exchangeable), &model(&independent), 40);
    }
}

#[test]
fn the_exchangeable_baseline_of_a_single_subgroup_is_a_mixture_over_its_sd() {
    // α ~ N(m, s²) and m ~ N(−0.5, 0.6²) make N(−0.5, 0.6² + s²); s ~ half-normal(1) in 50 parts of equal
    // weight, which leave less than a tenth of the Monte Carlo error.
    const PARTS: usize = 50;
    let normals = (0..PARTS).map(|i| {
        let s = normal_quantile(0.5 + (i as f64 + 0.5) / (2 * PARTS) as f64);
        NormalComponent { weight: 1.0 / PARTS as f64, mean: -0.5, sd: (0.36 + s * s).sqrt() }
    });
    let mixture = BaselinePrior::Independent(LocationPrior::Normals(normals.collect()));
    let exchangeable =
        BaselinePrior::Exchangeable { mean: LocationPrior::normal(-0.5, 0.6), sd: half_normal(1.0) };
    let none = BaselinePrior::Exchangeable {
        mean: LocationPrior::StudentT { df: 4.0, location: -0.5, scale: 0.6 },
        sd: HeterogeneityPrior::Fixed { value: 0.0 },
    };
    let itself = BaselinePrior::Independent(LocationPrior::StudentT { df: 4.0, location: -0.5, scale: 0.6 });
    for counts in [pair((2, 9), (7, 12)), pair((0, 5), (0, 0)), pair((0, 0), (3, 8))] {
        let model =
            |baseline: &BaselinePrior| counts_model(vec![counts.clone()]).with_baseline(baseline.clone());
        sampled_is_exact(&model(&exchangeable), &model(&mixture), 20);
        sampled_is_exact(&model(&none), &model(&itself), 20);
    }
}

#[test]
fn subgroups_of_one_baseline_and_one_effect_are_a_single_table() {
    let model = |baseline, counts| Model {
        pooling: Pooling::Complete,
        ..counts_model(counts).with_baseline(baseline)
    };
    let mean = LocationPrior::normal(-0.5, 1.0);
    let sd = HeterogeneityPrior::Fixed { value: 0.0 };
    let subgroups = model(BaselinePrior::Exchangeable { mean: mean.clone(), sd }, three());
    let whole = model(BaselinePrior::Independent(mean), vec![pair((22, 130), (63, 167))]);
    sampled_is_exact(&subgroups, &whole, 20);
}

#[test]
fn exchangeable_baselines_in_one_arm_are_partially_pooled_effects_in_the_other() {
    // Where baselines are known to be 0, the active arm's log odds are the θ_g, and τ the sd of these: the
    // same model with the parameters' names exchanged. Known to 0.01, next to sds of 0.16 and more.
    let pinned = Model {
        pooling: Pooling::Partial(half_normal(1.0)),
        effect: LocationPrior::normal(0.0, 2.5),
        ..counts_model(SURGICAL.iter().map(|&arm| pair((0, 0), arm)).collect())
            .with_baseline(BaselinePrior::Independent(LocationPrior::normal(0.0, 0.01)))
    };
    let mut expected = exact(&study_of(&pinned));
    expected.probabilities.clear();
    expected.parameters.retain(|p| !matches!(p.parameter, Parameter::Alpha(_)));
    for row in &mut expected.parameters {
        row.parameter = match row.parameter {
            Parameter::Mu => Parameter::BaselineMean,
            Parameter::Tau => Parameter::BaselineSd,
            Parameter::Theta(g) => Parameter::Alpha(g),
            other => other,
        };
    }
    let (mean, sd) = (LocationPrior::normal(0.0, 2.5), half_normal(1.0));
    let one_arm = one_arm(&SURGICAL, mean.clone(), sd);
    Held::new(&sampled(&study_of(&one_arm)), &expected, 1.0).agree(40);
    // Both arms under an effect that is known to be 0: each hospital's patients in two halves.
    let halves =
        |(events, total): (u32, u32)| pair((events / 3, total / 2), (events - events / 3, total - total / 2));
    let both = Model {
        pooling: Pooling::Complete,
        effect: LocationPrior::normal(0.0, 1e-4),
        ..counts_model(SURGICAL.into_iter().map(halves).collect())
            .with_baseline(BaselinePrior::Exchangeable { mean, sd })
    };
    Held::new(&sampled(&study_of(&both)), &expected, 1.0).agree(40);
}
