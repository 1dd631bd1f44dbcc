//! The lattice that holds what no data can change: posteriors of many data sets, beside the engine's, which computes each in full.

use equipoise::exact::{
    CellData, Counts, DataLattice, ExactPosterior, LatticeScratch, Resolution, RiskMeasure,
};
use equipoise::input::open;
use equipoise::model::{Arm, BinomialPair, Cells, Model, Observation, Pooling};
use equipoise::study::{HeterogeneityPrior, LocationPrior};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_distr::{Binomial, Distribution};

use crate::common::{cells_of, counts_model, pair};

const BOUNDS: [f64; 3] = [-0.1, 0.0, 0.05];

const NOBODY: Arm = Arm { events: 0.0, total: 0.0 };

fn arm(events: f64, total: f64) -> Arm {
    Arm { events, total }
}

/// Standing data, and the most that come to each arm.
fn standing(pairs: &[BinomialPair], patients: f64) -> Vec<CellData<'_>> {
    let of = |pair| CellData { standing: Some(pair), patients: [patients; 2], ends: [[NOBODY; 2]; 2] };
    pairs.iter().map(of).collect()
}

/// No standing data, and counts between these shares.
fn alone(groups: usize, patients: f64, (low, high): (f64, f64)) -> Vec<CellData<'static>> {
    let ends = [arm((low * patients).floor(), patients), arm((high * patients).ceil(), patients)];
    (0..groups).map(|_| CellData { standing: None, patients: [patients; 2], ends: [ends; 2] }).collect()
}

/// The largest differences from the engine: of mean risk differences, of probabilities, of the interval's ends.
fn apart(model: &Model, lattice: &DataLattice, with: Option<&[BinomialPair]>, data: &[Counts]) -> [f64; 3] {
    let found = lattice.posterior(data, &mut LatticeScratch::default());
    let sum = |a: Arm, b: Arm| arm(a.events + b.events, a.total + b.total);
    let pairs = data.iter().enumerate().map(|(g, [control, active])| match with {
        Some(pairs) => BinomialPair::new(sum(pairs[g].control, *control), sum(pairs[g].active, *active)),
        None => BinomialPair::new(*control, *active),
    });
    let cells = Cells::new(pairs.collect(), cells_of(model).baselines().clone());
    let model = model.observing(Observation::Cells(cells));
    let engine = ExactPosterior::new(&model, Resolution::default()).expect("integrated");
    let mut worst = [0.0_f64; 3];
    for (g, found) in found.iter().enumerate() {
        assert!(found.settled, "{data:?}");
        let difference = engine.risk(g, RiskMeasure::Difference).expect("counts");
        let theta = engine.theta(g);
        worst[0] = worst[0].max((found.mean_difference - difference.mean().expect("a mean")).abs());
        for (p, x) in found.beyond.iter().zip(BOUNDS) {
            worst[1] = worst[1].max((p - (1.0 - difference.cdf(x))).abs());
        }
        for (end, p) in found.theta_interval().into_iter().zip([0.025, 0.975]) {
            worst[2] = worst[2].max((end - theta.quantile(p)).abs());
        }
        assert!((found.theta_mean - theta.mean().expect("a mean")).abs() < 1e-4);
    }
    worst
}

fn drawn(groups: usize, patients: f64, risks: [f64; 2], rng: &mut ChaCha8Rng) -> Vec<Counts> {
    let mut one = |p: f64| {
        let events: u64 = Binomial::new(patients as u64, p).expect("a risk").sample(rng);
        arm(events as f64, patients)
    };
    (0..groups).map(|_| risks.map(&mut one)).collect()
}

#[test]
fn posteriors_under_new_data_are_the_engine_s() {
    let mut rng = ChaCha8Rng::seed_from_u64(24);
    for (name, patients) in
        [("attention-ras-etiology", 40.0), ("ras-basilar-death", 150.0), ("ras-basilar-function", 600.0)]
    {
        let model = Model::of(&open(name).expect("shipped"));
        let pairs = cells_of(&model).pairs().to_vec();
        let beside = DataLattice::new(&model, &standing(&pairs, patients), &BOUNDS).expect("covered");
        let fresh =
            DataLattice::new(&model, &alone(pairs.len(), patients, (0.1, 0.6)), &BOUNDS).expect("covered");
        for _ in 0..2 {
            let data = drawn(pairs.len(), patients, [0.3, 0.38], &mut rng);
            for (lattice, with) in [(&beside, Some(pairs.as_slice())), (&fresh, None)] {
                let [mean, probability, end] = apart(&model, lattice, with, &data);
                assert!(
                    mean < 5e-6 && probability < 1e-4 && end < 1e-3,
                    "{name}: {mean:e} {probability:e} {end:e}"
                );
            }
        }
    }
}

#[test]
fn every_pooling_and_kind_of_prior_is_met() {
    let pairs = vec![pair((9, 30), (14, 31)), pair((4, 25), (3, 24)), pair((12, 40), (20, 41))];
    let usual = counts_model(pairs.clone());
    let tau = HeterogeneityPrior::HalfNormal { scale: 0.5 };
    let models = [
        Model { pooling: Pooling::Complete, ..usual.clone() },
        Model { pooling: Pooling::Separate(tau), ..usual.clone() },
        Model {
            pooling: Pooling::Partial(HeterogeneityPrior::HalfStudentT { df: 3.0, scale: 0.3 }),
            ..usual.clone()
        },
        Model { pooling: Pooling::Partial(HeterogeneityPrior::Fixed { value: 0.05 }), ..usual.clone() },
        Model { effect: LocationPrior::StudentT { df: 4.0, location: 0.2, scale: 0.5 }, ..usual.clone() },
        Model { effect: LocationPrior::Flat, ..usual.clone() },
        usual.with_baseline(equipoise::study::BaselinePrior::Independent(LocationPrior::LogitBeta {
            a: 2.0,
            b: 5.0,
        })),
    ];
    let data = [
        [arm(11.0, 40.0), arm(16.0, 40.0)],
        [arm(9.0, 40.0), arm(8.0, 40.0)],
        [arm(10.0, 40.0), arm(19.0, 40.0)],
    ];
    for model in models {
        let lattice = DataLattice::new(&model, &standing(&pairs, 40.0), &BOUNDS).expect("covered");
        let [mean, probability, end] = apart(&model, &lattice, Some(&pairs), &data);
        let what = format!("{:?} {:?}", model.pooling, model.effect);
        assert!(mean < 1e-5 && probability < 2e-4 && end < 2e-3, "{what}: {mean:e} {probability:e} {end:e}");
    }
}

#[test]
fn turned_outcomes_give_turned_answers() {
    let pairs = vec![pair((9, 30), (14, 31)), pair((4, 25), (3, 24))];
    let turned: Vec<BinomialPair> = vec![pair((21, 30), (17, 31)), pair((21, 25), (21, 24))];
    let of = |pairs: &[BinomialPair], data: &[Counts]| {
        let model = counts_model(pairs.to_vec());
        let lattice = DataLattice::new(&model, &standing(pairs, 50.0), &[0.05, -0.05]).expect("covered");
        lattice.posterior(data, &mut LatticeScratch::default())
    };
    let data = [[arm(10.0, 50.0), arm(22.0, 50.0)], [arm(11.0, 50.0), arm(9.0, 50.0)]];
    let others = data.map(|d| d.map(|a| arm(a.total - a.events, a.total)));
    for (a, b) in of(&pairs, &data).iter().zip(of(&turned, &others)) {
        assert!((a.mean_difference + b.mean_difference).abs() < 1e-9);
        // P(d > 0.05) of one is P(d < −0.05) of the other.
        assert!((a.beyond[0] - (1.0 - b.beyond[1])).abs() < 1e-7);
    }
}

/// The law of total expectation: what is expected given draws from a posterior is, on average, what is expected.
#[test]
fn draws_are_of_the_posterior_and_knowing_an_effect_moves_no_average() {
    const DRAWS: usize = 4000;
    let pairs = vec![pair((9, 30), (14, 31)), pair((14, 40), (12, 38))];
    let model = counts_model(pairs.clone());
    let lattice = DataLattice::new(&model, &standing(&pairs, 0.0), &[]).expect("covered");
    let nobody = [[NOBODY; 2]; 2];
    let mut scratch = LatticeScratch::default();
    let means: Vec<f64> =
        lattice.posterior(&nobody, &mut scratch).iter().map(|s| s.mean_difference).collect();
    let draws = lattice.draws(&pairs);
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let risk = |x: f64| 1.0 / (1.0 + (-x).exp());
    let mut sums = [[0.0; 2]; 2];
    let mut squares = [[0.0; 2]; 2];
    for _ in 0..DRAWS {
        let draw = draws.draw(&mut rng).log_odds;
        let given = lattice.mean_differences_given(&nobody, (0, draw[0][1] - draw[0][0]), &mut scratch);
        for g in 0..2 {
            for (k, value) in [risk(draw[g][1]) - risk(draw[g][0]), given[g]].into_iter().enumerate() {
                sums[g][k] += value;
                squares[g][k] += value * value;
            }
        }
    }
    for g in 0..2 {
        for k in 0..2 {
            let mean = sums[g][k] / DRAWS as f64;
            let error = ((squares[g][k] / DRAWS as f64 - mean * mean) / DRAWS as f64).sqrt();
            assert!((mean - means[g]).abs() < 4.5 * error, "{g} {k}: {mean} ± {error}, not {}", means[g]);
        }
    }
    // What is learnt of one subgroup's effect spreads the other's expected difference less than its own.
    let spread = |g: usize| squares[g][1] / DRAWS as f64 - (sums[g][1] / DRAWS as f64).powi(2);
    assert!(spread(1) > 0.0 && spread(1) < spread(0));
}

#[test]
fn data_beyond_the_plane_are_not_settled_and_what_is_not_covered_has_no_lattice() {
    let model = counts_model(vec![pair((9, 30), (14, 31))]);
    let lattice = DataLattice::new(&model, &alone(1, 400.0, (0.45, 0.55)), &[0.0]).expect("covered");
    let mut scratch = LatticeScratch::default();
    let usual = lattice.posterior(&[[arm(200.0, 400.0), arm(190.0, 400.0)]], &mut scratch);
    assert!(usual[0].settled);
    let far = lattice.posterior(&[[arm(3.0, 400.0), arm(390.0, 400.0)]], &mut scratch);
    assert!(!far[0].settled);
    for name in ["solvd", "ist-aspirin-shift"] {
        let model = Model::of(&open(name).expect("shipped"));
        let data = alone(model.subgroups(), 50.0, (0.2, 0.6));
        assert!(DataLattice::new(&model, &data, &[]).is_none(), "{name}");
    }
}
