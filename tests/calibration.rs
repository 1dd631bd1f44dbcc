//! The sampler's posteriors are calibrated, for every kind of model; and the judgement can tell when they
//! aren't.
//!
//! The method is described in `calibrate`. Seeds are fixed, so that a run's verdict never
//! changes; with new seeds, all configurations and quantities together raise a false alarm with
//! probability [`FALSE_ALARM`] at most.

use crate::common;
use crate::common::{calibration, rows};

use calibration::{DRAWS, Ranks, Uniformity, ranks, uniform_below};
use common::{cells_of, close, counts_model, estimates_model, pair};
use equipoise::calibrate::Quantity;
use equipoise::model::{
    Arm, BaselineOf, BaselinePrior, Baselines, BinomialPair, Cells, Confounder, CorrelatedEstimates,
    HeterogeneityPrior, LevelDeparture, LevelRows, Levels, LocationPrior, Misclassification, Missing, Model,
    NormalComponent, Nuisance, Observation, Pooling, SubgroupBias,
};
use equipoise::posterior::Parameter;
use equipoise::sampler::{Purpose, stream};
use equipoise::study::Population;
use rand_distr::{Distribution, StandardNormal};
use rows::Sizes;
use std::sync::Arc;

/// Replications in each configuration, and in each of the longer, ignored runs.
const REPLICATIONS: usize = 500;
const MANY_REPLICATIONS: usize = 5_000;

const FALSE_ALARM: f64 = 1e-3;

const MU: Quantity = Quantity::Parameter(Parameter::Mu);
const TAU: Quantity = Quantity::Parameter(Parameter::Tau);
const THETA: Quantity = Quantity::Parameter(Parameter::Theta(0));

const HALF_NORMAL: HeterogeneityPrior = HeterogeneityPrior::HalfNormal { scale: 0.5 };
const HALF_CAUCHY: HeterogeneityPrior = HeterogeneityPrior::HalfStudentT { df: 1.0, scale: 0.5 };
const EXPONENTIAL: HeterogeneityPrior = HeterogeneityPrior::Exponential { mean: 0.4 };
const UNIFORM: HeterogeneityPrior = HeterogeneityPrior::Uniform { upper: 1.5 };
const LOG_NORMAL: HeterogeneityPrior = HeterogeneityPrior::LogNormal { mean: -1.0, sd: 0.7 };
const FIXED: HeterogeneityPrior = HeterogeneityPrior::Fixed { value: 0.3 };

/// Patients in the control and active arms; the small ones are often without events.
const SIZES: [(u32, u32); 5] = [(40, 8), (30, 60), (20, 20), (25, 40), (60, 35)];

fn sceptical() -> LocationPrior {
    LocationPrior::normal(0.0, 0.355)
}

fn heavy_tailed() -> LocationPrior {
    LocationPrior::StudentT { df: 4.0, location: 0.1, scale: 0.4 }
}

/// Half the weight on a benefit.
fn two_minded() -> LocationPrior {
    let normal = |mean, sd| NormalComponent { weight: 0.5, mean, sd };
    LocationPrior::Normals(vec![normal(0.0, 0.2), normal(0.7, 0.4)])
}

fn independent() -> BaselinePrior {
    BaselinePrior::Independent(LocationPrior::normal(-0.5, 1.5))
}

fn exchangeable(sd: HeterogeneityPrior) -> BaselinePrior {
    BaselinePrior::Exchangeable { mean: LocationPrior::normal(-0.5, 1.0), sd }
}

/// The first `subgroups` of [`SIZES`]; events are to be drawn.
fn counts(subgroups: usize, pooling: Pooling, effect: LocationPrior, baseline: BaselinePrior) -> Model {
    let empty = |&(control, active): &(u32, u32)| pair((0, control), (0, active));
    let counts: Vec<BinomialPair> = SIZES[..subgroups].iter().map(empty).collect();
    Model { pooling, effect, ..counts_model(counts).with_baseline(baseline) }
}

/// Four standard errors; estimates are to be drawn.
fn estimates(pooling: Pooling, effect: LocationPrior) -> Model {
    estimates_model(&[(0.0, 0.25), (0.0, 0.42), (0.0, 0.5), (0.0, 1.2)], pooling, effect)
}

/// Three estimates of one fit, two of which know next to nothing but their difference; they are to be drawn.
fn correlated(pooling: Pooling, effect: LocationPrior) -> Model {
    let covariance = vec![0.16, 0.14, -0.02, 0.14, 0.2, 0.01, -0.02, 0.01, 0.09];
    let estimates = CorrelatedEstimates::of_matrix(&[0.0; 3], covariance).expect("definite");
    Model { observation: Observation::Correlated(estimates), pooling, effect }
}

/// The same with baselines that are the means of the arms.
fn between(model: &Model) -> Model {
    model.with_baseline_of(BaselineOf::Arms)
}

fn beta() -> BaselinePrior {
    BaselinePrior::Independent(LocationPrior::LogitBeta { a: 1.5, b: 4.0 })
}

type Configuration = (&'static str, fn() -> Model);

const PARTIAL_INDEPENDENT: [Configuration; 4] = [
    ("half-normal", || counts(2, Pooling::Partial(HALF_NORMAL), sceptical(), independent())),
    ("half-Cauchy", || counts(3, Pooling::Partial(HALF_CAUCHY), sceptical(), independent())),
    ("uniform", || counts(5, Pooling::Partial(UNIFORM), heavy_tailed(), independent())),
    ("fixed", || counts(3, Pooling::Partial(FIXED), two_minded(), independent())),
];
const PARTIAL_EXCHANGEABLE: [Configuration; 2] = [
    ("exponential", || counts(4, Pooling::Partial(EXPONENTIAL), sceptical(), exchangeable(HALF_NORMAL))),
    ("log-normal", || counts(5, Pooling::Partial(LOG_NORMAL), heavy_tailed(), exchangeable(UNIFORM))),
];
const SEPARATE: [Configuration; 2] = [
    ("independent baselines", || counts(2, Pooling::Separate(HALF_NORMAL), heavy_tailed(), independent())),
    ("exchangeable", || counts(4, Pooling::Separate(EXPONENTIAL), sceptical(), exchangeable(HALF_NORMAL))),
];
const COMPLETE: [Configuration; 2] = [
    ("independent baselines", || counts(3, Pooling::Complete, heavy_tailed(), independent())),
    ("exchangeable", || counts(5, Pooling::Complete, sceptical(), exchangeable(EXPONENTIAL))),
];
const ESTIMATES: [Configuration; 4] = [
    ("partial, half-normal", || estimates(Pooling::Partial(HALF_NORMAL), sceptical())),
    ("partial, half-Cauchy", || estimates(Pooling::Partial(HALF_CAUCHY), heavy_tailed())),
    ("separate", || estimates(Pooling::Separate(UNIFORM), two_minded())),
    ("complete", || estimates(Pooling::Complete, heavy_tailed())),
];

const CORRELATED: [Configuration; 3] = [
    ("partial", || correlated(Pooling::Partial(HALF_NORMAL), heavy_tailed())),
    ("separate", || correlated(Pooling::Separate(UNIFORM), two_minded())),
    ("complete", || correlated(Pooling::Complete, sceptical())),
];

const BIASED: [Configuration; 6] = [
    ("a bias added", || biased(2, &shifted(normal(0.2, 0.4)))),
    ("a heavy-tailed bias", || {
        biased(
            3,
            &shifted(Nuisance::Location(LocationPrior::StudentT { df: 4.0, location: -0.2, scale: 0.3 })),
        )
    }),
    ("a confounder", || biased(2, &confounder(normal(-1.2, 0.4)))),
    ("missing outcomes", || biased(3, &missing())),
    ("everything at once", || {
        biased(
            2,
            &SubgroupBias {
                missing: missing().missing,
                ..SubgroupBias { shift: Some(normal(0.2, 0.4)), ..confounder(Nuisance::Known(-1.2)) }
            },
        )
    }),
    ("a confounder of estimates", || {
        let model = estimates(Pooling::Partial(HALF_NORMAL), sceptical());
        model.observing(model.observation.clone().through(&vec![confounder(Nuisance::Known(-1.2)); 4]))
    }),
];
const ROWS: [Configuration; 3] = [
    ("covariates", || of_rows(Pooling::Partial(HALF_NORMAL), Sizes { terms: 3, centres: 0, ..FEW })),
    ("covariates and centres", || {
        of_rows(Pooling::Partial(HALF_NORMAL), Sizes { terms: 2, centres: 8, ..FEW })
    }),
    ("centres, effects apart", || {
        of_rows(Pooling::Separate(EXPONENTIAL), Sizes { terms: 0, centres: 5, ..FEW })
    }),
];
const FEW: Sizes = Sizes { subgroups: 3, patterns: 160, terms: 0, centres: 0 };
const MISCLASSIFIED: [Configuration; 3] = [
    ("known errors", || misclassified([Nuisance::Known(1.7), Nuisance::Known(2.2)], true)),
    ("unknown errors, the same in both arms", || misclassified(accuracy(), true)),
    ("unknown errors by arm", || misclassified(accuracy(), false)),
];

fn of_rows(pooling: Pooling, sizes: Sizes) -> Model {
    let model = counts(sizes.subgroups, pooling, sceptical(), independent());
    let a = rows::adjustment(sizes, HALF_NORMAL, Population::All, 1);
    rows::of_rows(model, &a, sizes.subgroups)
}

fn normal(mean: f64, sd: f64) -> Nuisance {
    Nuisance::Location(LocationPrior::normal(mean, sd))
}

fn shifted(shift: Nuisance) -> SubgroupBias {
    SubgroupBias { shift: Some(shift), ..SubgroupBias::default() }
}

/// More frequent in the active arm, and bad.
fn confounder(log_odds_ratio: Nuisance) -> SubgroupBias {
    let prevalence = [Nuisance::LogitBeta { a: 4.0, b: 12.0 }, Nuisance::LogitBeta { a: 10.0, b: 6.0 }];
    let confounder = Confounder { prevalence, log_odds_ratio };
    SubgroupBias { confounder: Some(confounder), ..SubgroupBias::default() }
}

fn missing() -> SubgroupBias {
    let of = |share, shift| Some(Missing { share, shift });
    SubgroupBias {
        missing: [of(0.15, normal(0.0, 1.0)), of(0.4, normal(-1.0, 0.8))],
        ..SubgroupBias::default()
    }
}

fn biased(subgroups: usize, bias: &SubgroupBias) -> Model {
    let model = counts(subgroups, Pooling::Partial(HALF_NORMAL), sceptical(), independent());
    model.observing(model.observation.clone().through(&vec![bias.clone(); subgroups]))
}

fn accuracy() -> [Nuisance; 2] {
    [Nuisance::LogitBeta { a: 17.0, b: 3.0 }, Nuisance::LogitBeta { a: 18.0, b: 2.0 }]
}

/// Sensitivity and specificity; the second subgroup is the one that they speak of.
fn misclassified([sensitivity, specificity]: [Nuisance; 2], shared: bool) -> Model {
    let share = Nuisance::LogitBeta { a: 1.0, b: 1.0 };
    let twice = |n: Nuisance| [n.clone(), n];
    let misclassification = Misclassification {
        positive: 1,
        sensitivity: twice(sensitivity),
        specificity: twice(specificity),
        sensitivity_shared: shared,
        specificity_shared: shared,
        share: twice(share),
    };
    let model = counts(2, Pooling::Partial(HALF_NORMAL), heavy_tailed(), independent());
    model.labelled(&misclassification)
}

/// Baselines between the arms, and beta priors of a risk.
const BETWEEN: [Configuration; 8] = [
    ("half-normal", || between(&counts(2, Pooling::Partial(HALF_NORMAL), sceptical(), independent()))),
    ("half-Cauchy", || between(&counts(3, Pooling::Partial(HALF_CAUCHY), sceptical(), independent()))),
    ("uniform, a beta prior", || between(&counts(5, Pooling::Partial(UNIFORM), heavy_tailed(), beta()))),
    ("a beta prior of the control risk", || counts(3, Pooling::Partial(EXPONENTIAL), sceptical(), beta())),
    ("exchangeable", || {
        between(&counts(4, Pooling::Partial(EXPONENTIAL), sceptical(), exchangeable(HALF_NORMAL)))
    }),
    ("complete", || between(&counts(3, Pooling::Complete, heavy_tailed(), independent()))),
    ("a bias added", || between(&biased(2, &shifted(normal(0.2, 0.4))))),
    ("covariates", || {
        between(&of_rows(Pooling::Partial(HALF_NORMAL), Sizes { terms: 3, centres: 0, ..FEW }))
    }),
];

/// Ordered levels: counts, and rows with covariates.
const LEVELS: [Configuration; 5] = [
    ("cut points by subgroup", || of_levels(false, None)),
    ("shared cut points", || of_levels(true, None)),
    ("one departure", || of_levels(true, Some(Some(vec![0.4, -0.2, 1.0])))),
    ("a departure each", || of_levels(false, Some(None))),
    ("covariates and a departure", || {
        let model = of_levels(true, Some(Some(vec![0.0, 0.0, 1.0])));
        let levels = cells_of(&model).levels().expect("levels").clone();
        let sizes = Sizes { subgroups: 2, patterns: 90, terms: 2, centres: 4 };
        let of = rows::adjustment(sizes, HALF_NORMAL, Population::All, 1);
        let rows = LevelRows::new(Arc::new(of), &levels);
        let baselines = cells_of(&model).baselines().clone();
        model.observing(Observation::Cells(Cells::of_levels(levels, Some(rows), baselines)))
    }),
];

/// Four levels in two subgroups; patients are to be drawn.
fn of_levels(shared: bool, departure: Option<Option<Vec<f64>>>) -> Model {
    let of = |n: f64| vec![n, 0.0, 0.0, 0.0];
    let levels = Levels {
        counts: vec![[of(30.0), of(40.0)], [of(25.0), of(12.0)]],
        primary: 1,
        shared,
        concentrations: vec![2.0, 1.5, 3.0, 1.0],
        departure: departure.map(|by_cut| LevelDeparture { by_cut, prior: LocationPrior::normal(0.1, 0.4) }),
    };
    let (a, b) = levels.risk();
    let risk = LocationPrior::LogitBeta { a, b };
    let prior = if shared {
        BaselinePrior::Exchangeable { mean: risk, sd: HALF_NORMAL }
    } else {
        BaselinePrior::Independent(risk)
    };
    let baselines = Baselines { prior, of: BaselineOf::Control };
    Model {
        observation: Observation::Cells(Cells::of_levels(levels, None, baselines)),
        pooling: Pooling::Partial(HALF_NORMAL),
        effect: sceptical(),
    }
}

/// Of all of the above.
const CONFIGURATIONS: usize = PARTIAL_INDEPENDENT.len()
    + PARTIAL_EXCHANGEABLE.len()
    + SEPARATE.len()
    + COMPLETE.len()
    + ESTIMATES.len()
    + CORRELATED.len()
    + BIASED.len()
    + ROWS.len()
    + MISCLASSIFIED.len()
    + BETWEEN.len()
    + LEVELS.len();

/// What the ranks of all quantities say.
struct Verdict {
    p_values: Vec<(Quantity, f64)>,
}

impl Verdict {
    fn of(model: &Model, replications: usize, fitted: impl Fn(&Model) -> Model + Sync) -> Verdict {
        let uniformity = Uniformity::new(replications, DRAWS);
        let p_value = |r: Ranks| (r.quantity, uniformity.p_value(&r.ranks));
        Verdict { p_values: ranks(model, replications, fitted).into_iter().map(p_value).collect() }
    }

    /// Quantities whose ranks are not taken as uniform.
    fn departing(&self) -> Vec<Quantity> {
        let level = FALSE_ALARM / (CONFIGURATIONS * self.p_values.len()) as f64;
        self.p_values.iter().filter(|(_, p)| *p <= level).map(|(quantity, _)| *quantity).collect()
    }
}

#[track_caller]
fn calibrated(configurations: &[Configuration], replications: usize) {
    for (name, model) in configurations {
        let verdict = Verdict::of(&model(), replications, Model::clone);
        println!("{name}: {:?}", verdict.p_values);
        assert!(verdict.departing().is_empty(), "{name}: {:?} depart", verdict.departing());
    }
}

#[test]
fn partial_pooling_with_independent_baselines_is_calibrated() {
    calibrated(&PARTIAL_INDEPENDENT, REPLICATIONS);
}

#[test]
fn partial_pooling_with_exchangeable_baselines_is_calibrated() {
    calibrated(&PARTIAL_EXCHANGEABLE, REPLICATIONS);
}

#[test]
fn separate_subgroups_are_calibrated() {
    calibrated(&SEPARATE, REPLICATIONS);
}

#[test]
fn complete_pooling_is_calibrated() {
    calibrated(&COMPLETE, REPLICATIONS);
}

#[test]
fn published_estimates_are_calibrated() {
    calibrated(&ESTIMATES, REPLICATIONS);
}

#[test]
fn correlated_estimates_are_calibrated() {
    calibrated(&CORRELATED, REPLICATIONS);
}

#[test]
fn biases_are_calibrated() {
    calibrated(&BIASED, REPLICATIONS);
}

#[test]
fn rows_with_covariates_and_centres_are_calibrated() {
    calibrated(&ROWS, REPLICATIONS);
}

#[test]
fn baselines_between_the_arms_are_calibrated() {
    calibrated(&BETWEEN, REPLICATIONS);
}

#[test]
fn ordered_levels_are_calibrated() {
    calibrated(&LEVELS, REPLICATIONS);
}

#[test]
fn misclassified_subgroups_are_calibrated() {
    calibrated(&MISCLASSIFIED, REPLICATIONS);
}

#[test]
fn a_bias_of_the_other_sign_is_found_out() {
    let model = biased(2, &shifted(normal(0.8, 0.2)));
    let mirrored = |observed: &Model| {
        let mirrored = shifted(normal(-0.8, 0.2));
        recounted(observed, |p| BinomialPair::new(p.control, p.active).through(&mirrored))
    };
    assert!(departing(&model, mirrored).contains(&THETA));
}

#[test]
fn labels_taken_at_face_value_are_found_out() {
    let ignorant = |observed: &Model| {
        observed.observing(Observation::Cells(cells_of(observed).clone().of_patients_alike()))
    };
    let model = misclassified([Nuisance::Known(0.5), Nuisance::Known(0.7)], true);
    assert!(!departing(&model, ignorant).is_empty());
}

#[test]
#[ignore = "minutes"]
fn every_configuration_is_calibrated_in_ten_times_as_many_replications() {
    let all = [
        &PARTIAL_INDEPENDENT[..],
        &PARTIAL_EXCHANGEABLE,
        &SEPARATE,
        &COMPLETE,
        &ESTIMATES,
        &CORRELATED,
        &BIASED,
        &ROWS,
        &LEVELS,
        &MISCLASSIFIED,
        &BETWEEN,
    ];
    all.into_iter().for_each(|configurations| calibrated(configurations, MANY_REPLICATIONS));
}

/// The departing quantities where what is fitted is not what made the data.
fn departing(model: &Model, fitted: impl Fn(&Model) -> Model + Sync) -> Vec<Quantity> {
    let verdict = Verdict::of(model, REPLICATIONS, fitted);
    println!("{:?}", verdict.p_values);
    verdict.departing()
}

/// A model whose counts are changed before they are fitted.
fn recounted(observed: &Model, change: impl Fn(&BinomialPair) -> BinomialPair) -> Model {
    common::recounted(observed, cells_of(observed).pairs().iter().map(change).collect())
}

fn usual() -> Model {
    PARTIAL_INDEPENDENT[0].1()
}

#[test]
fn a_heterogeneity_prior_of_half_the_scale_is_found_out() {
    let half = |observed: &Model| Model {
        pooling: Pooling::Partial(HeterogeneityPrior::HalfNormal { scale: 0.25 }),
        ..observed.clone()
    };
    assert!(departing(&usual(), half).contains(&TAU));
}

#[test]
fn an_effect_prior_off_by_half_its_sd_is_found_out() {
    let shifted = |observed: &Model| Model { effect: LocationPrior::normal(0.18, 0.355), ..observed.clone() };
    assert!(departing(&usual(), shifted).contains(&MU));
}

#[test]
fn data_counted_twice_are_found_out() {
    let twice = |arm: Arm| Arm { events: 2.0 * arm.events, total: 2.0 * arm.total };
    let doubled =
        |observed: &Model| recounted(observed, |p| BinomialPair::new(twice(p.control), twice(p.active)));
    assert!(departing(&usual(), doubled).contains(&Quantity::LogLikelihood));
}

#[test]
fn exchanged_arms_are_found_out() {
    let exchanged = |observed: &Model| recounted(observed, |p| BinomialPair::new(p.active, p.control));
    assert!(departing(&usual(), exchanged).contains(&Quantity::LogLikelihood));
}

#[test]
fn ignored_data_are_found_out_by_what_depends_on_the_data_alone() {
    let ignorant = |observed: &Model| observed.without_data(observed.subgroups());
    assert_eq!(
        departing(&usual(), ignorant),
        [Quantity::TowardsData(0), Quantity::TowardsData(1), Quantity::LogLikelihood]
    );
}

/// Ranks of standard normal values among draws from another normal.
fn normal_ranks(replications: usize, (mean, sd): (f64, f64)) -> Vec<usize> {
    let mut rng = stream(1, 0, Purpose::Simulation);
    let mut normal = move || -> f64 { StandardNormal.sample(&mut rng) };
    let mut rank = |_| {
        let truth = normal();
        (0..DRAWS).filter(|_| mean + sd * normal() < truth).count()
    };
    (0..replications).map(&mut rank).collect()
}

#[test]
fn p_values_of_few_ranks_are_those_of_a_full_enumeration() {
    const RANKS: usize = 5;
    let uniformity = Uniformity::new(4, RANKS - 1);
    let outcomes: Vec<[usize; 4]> =
        (0..RANKS.pow(4)).map(|i| std::array::from_fn(|digit| i / RANKS.pow(digit as u32) % RANKS)).collect();
    let tails: Vec<f64> = outcomes.iter().map(|ranks| uniformity.smallest_tail(ranks)).collect();
    for (ranks, tail) in outcomes.iter().zip(&tails) {
        let at_most = tails.iter().filter(|t| *t <= tail).count();
        let expected = at_most as f64 / outcomes.len() as f64;
        close(&format!("{ranks:?}"), uniformity.p_value(ranks), expected, 1e-12);
    }
}

#[test]
fn uniform_ranks_leave_the_band_as_often_as_it_says() {
    const SETS: usize = 4_000;
    let uniformity = Uniformity::new(200, DRAWS);
    let mut rng = stream(2, 0, Purpose::Simulation);
    let mut tail = |_| {
        let ranks: Vec<usize> = (0..200).map(|_| uniform_below(DRAWS + 1, &mut rng)).collect();
        uniformity.smallest_tail(&ranks)
    };
    let mut tails: Vec<f64> = (0..SETS).map(&mut tail).collect();
    tails.sort_unstable_by(f64::total_cmp);
    for share in [0.01, 0.05, 0.2, 0.5] {
        let p = uniformity.p_value_of_tail(tails[(share * SETS as f64) as usize]);
        let standard_error = (share * (1.0 - share) / SETS as f64).sqrt();
        close(&format!("p-value of the {share} quantile"), p, share, 3.5 * standard_error);
    }
}

#[test]
fn posteriors_off_by_a_third_of_an_sd_leave_the_band_at_once_and_by_a_tenth_with_many_replications() {
    const QUANTITIES: usize = 12;
    let level = FALSE_ALARM / (QUANTITIES * CONFIGURATIONS) as f64;
    let found = |replications, posterior| {
        Uniformity::new(replications, DRAWS).p_value(&normal_ranks(replications, posterior)) <= level
    };
    for (slightly, clearly) in [((0.1, 1.0), (0.33, 1.0)), ((0.0, 0.9), (0.0, 0.67))] {
        assert!(!found(REPLICATIONS, slightly));
        assert!(found(REPLICATIONS, clearly));
        assert!(found(MANY_REPLICATIONS, slightly));
    }
}
