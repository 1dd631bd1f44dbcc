//! Lattices held against the engine that integrates each prior by itself.

use equipoise::exact::{Baseline, CellsOfSubgroup, ExactPosterior, Extent, Lattice, Resolution};
use equipoise::model::{
    BaselineOf, BinomialPair, HeterogeneityPrior, LocationPrior, Model, NormalComponent, Pooling,
};

use crate::common::{counts_model, fit, pair};

/// Of the control arm's log odds, as in the model of counts.
fn baseline() -> Baseline {
    Baseline { prior: LocationPrior::normal(0.0, 1.5), of: BaselineOf::Control }
}

fn lattice(counts: &[BinomialPair], extent: Extent, points: &[f64]) -> Lattice {
    let subgroup = |pair: &BinomialPair| CellsOfSubgroup { pair: pair.clone(), baseline: baseline() };
    let subgroups: Vec<_> = counts.iter().map(subgroup).collect();
    Lattice::new(&subgroups, extent, points, Resolution::default())
}

fn integrated(
    counts: &[BinomialPair],
    effect: &LocationPrior,
    heterogeneity: HeterogeneityPrior,
) -> ExactPosterior {
    let pooling = Pooling::Partial(heterogeneity);
    fit(&Model { pooling, effect: effect.clone(), ..counts_model(counts.to_vec()) })
}

const USUAL: Extent = Extent { typical: 0.35, fixed_tau: None, reach: 250.0, narrowest: 0.05 };

/// Narrow priors and heavy tails, for which the lattice is made finer and wider.
#[test]
fn a_lattice_made_for_them_resolves_narrow_priors_and_heavy_tails() {
    let tables = [
        vec![pair((22, 46), (33, 70)), pair((37, 71), (8, 34))],
        vec![pair((3, 10), (0, 12)), pair((8, 20), (9, 25))],
    ];
    let cauchy = HeterogeneityPrior::HalfStudentT { df: 1.0, scale: 0.5 };
    let half_normal = HeterogeneityPrior::HalfNormal { scale: 0.5 };
    let cases = [
        (Extent { reach: 5000.0, ..USUAL }, LocationPrior::normal(0.0, 0.355), cauchy),
        (Extent { narrowest: 0.01, ..USUAL }, LocationPrior::normal(0.0, 0.01), half_normal),
    ];
    for counts in &tables {
        for (extent, effect, tau) in &cases {
            let exact = integrated(counts, effect, *tau);
            let found = lattice(counts, *extent, &[0.0]).under(effect, tau).expect("resolved");
            for (g, of) in found.iter().enumerate() {
                let error = (of[0] - (1.0 - exact.theta(g).cdf(0.0))).abs();
                assert!(error < 2e-6, "{tau:?} subgroup {g}: off by {error:e}");
            }
        }
    }
}

/// The lattice against the engine that integrates each prior anew.
#[test]
fn the_lattice_agrees_with_the_engine_under_every_prior_it_resolves() {
    let tables = [
        vec![pair((22, 46), (33, 70)), pair((37, 71), (8, 34))],
        vec![pair((10, 54), (29, 65)), pair((12, 64), (29, 82)), pair((2, 12), (42, 81))],
        vec![pair((3, 10), (0, 12)), pair((400, 1000), (350, 1000)), pair((5, 9), (0, 0))],
    ];
    let normal = LocationPrior::normal;
    let mixture = LocationPrior::Normals(vec![
        NormalComponent { weight: 0.3, mean: 0.4, sd: 0.2 },
        NormalComponent { weight: 0.7, mean: 0.0, sd: 0.8 },
    ]);
    let effects = [
        normal(0.0, 0.355),
        normal(0.0, 5.0),
        normal(-0.405, 0.2465),
        normal(0.3, 0.15),
        mixture,
        LocationPrior::StudentT { df: 4.0, location: 0.1, scale: 0.5 },
    ];
    let half = |scale| HeterogeneityPrior::HalfNormal { scale };
    let taus = [
        half(0.0156),
        half(0.1),
        half(0.5),
        half(4.0),
        HeterogeneityPrior::HalfStudentT { df: 4.0, scale: 0.5 },
        HeterogeneityPrior::HalfStudentT { df: 1.0, scale: 0.5 },
        HeterogeneityPrior::Exponential { mean: 0.5 },
        HeterogeneityPrior::LogNormal { mean: -1.0, sd: 0.7 },
    ];
    let points = [0.0, 0.405, -0.2];
    let (mut worst, mut asked, mut resolved): (f64, u32, u32) = (0.0, 0, 0);
    for counts in &tables {
        let lattice = lattice(counts, USUAL, &points);
        for effect in &effects {
            for tau in &taus {
                let exact = integrated(counts, effect, *tau);
                asked += 1;
                let Some(found) = lattice.under(effect, tau) else { continue };
                resolved += 1;
                for (p, &x) in points.iter().enumerate() {
                    for (g, of) in found.iter().enumerate() {
                        let error = (of[p] - (1.0 - exact.theta(g).cdf(x))).abs();
                        worst = worst.max(error);
                        assert!(error < 2e-6, "{effect:?} {tau:?} subgroup {g} at {x}: off by {error:e}");
                    }
                }
            }
        }
    }
    println!("largest error {worst:e}; {resolved} of {asked} resolved");
    assert!(worst < 2e-6, "largest error {worst:e}");
    assert!(resolved * 10 >= asked * 8, "{resolved} of {asked} resolved");
}

/// Subgroups that contradict each other under a τ that hardly lets them: the kernel is cut where the mass is.
#[test]
fn a_conflict_beyond_the_kernel_is_left_to_the_engine() {
    let mut counts = vec![pair((2000, 4000), (2490, 4000)); 12];
    counts.push(pair((6000, 12000), (5100, 12000)));
    let lattice = lattice(&counts, USUAL, &[0.0]);
    let (effect, half) = (LocationPrior::normal(0.0, 1.0), |scale| HeterogeneityPrior::HalfNormal { scale });
    for scale in [0.003, 0.02, 0.5] {
        if let Some(found) = lattice.under(&effect, &half(scale)) {
            let exact = integrated(&counts, &effect, half(scale));
            let error = (found[12][0] - (1.0 - exact.theta(12).cdf(0.0))).abs();
            assert!(error < 2e-6, "scale {scale}: off by {error:e}");
        }
    }
}
