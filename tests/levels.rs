//! Ordered levels: the density and its gradient, both engines against each other, and what must not change.

use std::sync::Arc;

use crate::common::rows::{self, Sizes};
use equipoise::density::LogDensity;
use equipoise::model::{
    BaselineOf, BaselinePrior, Baselines, BinomialPair, Cells, HeterogeneityPrior, Hierarchy, LevelDeparture,
    LevelRows, Levels, LocationPrior, Model, Observation, Pooling,
};
use equipoise::posterior::{Engine, Estimand, Measure, Options, Parameter, Report, Statement, Whom, analyse};
use equipoise::sampler::{Purpose, stream};
use equipoise::study::distributions::{half_normal, normal};
use equipoise::study::{
    Assignment, Cutpoints, Endpoint, HigherIs, PooledPriors, Population, Priors, Shape, Study, Utilities,
};
use rand_distr::{Distribution, StandardNormal};

const CONTROL: [[u64; 7]; 3] =
    [[12, 30, 41, 25, 19, 8, 15], [10, 20, 31, 25, 29, 8, 25], [1, 2, 3, 5, 9, 8, 0]];
const ACTIVE: [[u64; 7]; 3] =
    [[22, 34, 40, 23, 18, 4, 10], [12, 24, 30, 23, 28, 14, 20], [0, 4, 3, 2, 8, 4, 2]];
const WORTH: [f64; 7] = [1.0, 0.91, 0.76, 0.65, 0.33, 0.0, 0.0];

/// Three subgroups on the modified Rankin scale; `turned` counts its levels from the other end.
fn study(cutpoints: Cutpoints, priors: PooledPriors, departure: Option<Shape>, turned: bool) -> Study {
    let way = |mut of: Vec<u64>| {
        if turned {
            of.reverse();
        }
        of
    };
    let mut names: Vec<String> = (0..7).map(|k| k.to_string()).collect();
    let mut worth = WORTH.to_vec();
    if turned {
        names.reverse();
        worth.reverse();
    }
    let higher_is = if turned { HigherIs::Better } else { HigherIs::Worse };
    let above = if turned { "4" } else { "3" };
    let endpoint = Endpoint::ordinal("mRS at 90 days", higher_is, names)
        .above(above)
        .utilities(Utilities { values: worth, set: None });
    let mut builder = Study::builder("A trial of ours", Assignment::Randomised)
        .outcome(endpoint)
        .arms("placebo", "drug")
        .cutpoints(cutpoints)
        .priors(priors);
    if let Some(shape) = departure {
        builder = builder.departure(shape, normal(0.0, 0.3));
    }
    for (name, (control, active)) in ["men", "women", "old"].into_iter().zip(CONTROL.iter().zip(ACTIVE)) {
        builder = builder.group_by_level(name, [way(control.to_vec()), way(active.to_vec())]);
    }
    builder.build().expect("a study")
}

fn partial() -> PooledPriors {
    Priors::partial(normal(0.0, 0.5), half_normal(0.3))
}

fn shapes() -> Vec<Option<LevelDeparture>> {
    let of = |by_cut| Some(LevelDeparture { by_cut, prior: LocationPrior::normal(0.05, 0.3) });
    vec![
        None,
        of(Some(vec![0.0, 0.0, 0.0, 1.0])),
        of(Some(vec![-1.0, -0.3, 0.3, 1.0])),
        of(Some(vec![0.5, -1.0, 0.7, 0.0])),
        of(None),
    ]
}

/// Five levels in two subgroups, one level without patients in one of them.
fn levels(shared: bool, departure: Option<LevelDeparture>) -> Levels {
    Levels {
        counts: vec![
            [vec![4.0, 7.0, 3.0, 6.0, 2.0], vec![2.0, 5.0, 8.0, 3.0, 4.0]],
            [vec![1.0, 3.0, 0.0, 5.0, 7.0], vec![0.0, 4.0, 0.0, 3.0, 9.0]],
        ],
        primary: 2,
        shared,
        concentrations: vec![1.0, 0.7, 2.0, 1.0, 0.5],
        departure,
    }
}

fn model(levels: Levels, rows: Option<LevelRows>) -> Model {
    let (a, b) = levels.risk();
    let risk = LocationPrior::LogitBeta { a, b };
    let prior = if levels.shared {
        BaselinePrior::Exchangeable { mean: risk, sd: HeterogeneityPrior::HalfNormal { scale: 1.0 } }
    } else {
        BaselinePrior::Independent(risk)
    };
    let baselines = Baselines { prior, of: BaselineOf::Control };
    Model {
        observation: Observation::Cells(Cells::of_levels(levels, rows, baselines)),
        pooling: Pooling::Partial(HeterogeneityPrior::HalfNormal { scale: 0.4 }),
        effect: LocationPrior::normal(0.1, 0.5),
    }
}

/// Patients with covariates and levels.
fn of_rows(shared: bool, departure: Option<LevelDeparture>) -> Model {
    let mut levels = levels(shared, departure);
    let sizes = Sizes { subgroups: 2, patterns: 60, terms: 2, centres: 4 };
    let mut of = rows::adjustment(sizes, HeterogeneityPrior::HalfNormal { scale: 0.5 }, Population::All, 3);
    levels = levels.emptied(2);
    for i in 0..of.patterns.len() {
        let level = (7 * i + i / 5) % 5;
        let (g, arm) = (of.patterns.subgroup[i] as usize, usize::from(of.patterns.arm[i]));
        levels.counts[g][arm][level] += of.patterns.totals[i];
        of.patterns.level.push(level as u32);
        of.patterns.events[i] = if level > levels.primary { of.patterns.totals[i] } else { 0.0 };
    }
    let rows = LevelRows::new(Arc::new(of), &levels);
    model(levels, Some(rows))
}

fn points(dim: usize, n: usize) -> Vec<Vec<f64>> {
    let mut rng = stream(11, 0, Purpose::Simulation);
    let mut normal = || -> f64 { StandardNormal.sample(&mut rng) };
    (0..n).map(|_| (0..dim).map(|_| 0.8 * normal()).collect()).collect()
}

#[track_caller]
fn close(found: f64, expected: f64, tolerance: f64) {
    crate::common::close("it", found, expected, tolerance);
}

#[test]
fn the_gradient_is_the_derivative_with_both_kinds_of_cut_points_and_every_departure() {
    for shared in [false, true] {
        for departure in shapes() {
            for model in [model(levels(shared, departure.clone()), None), of_rows(shared, departure.clone())]
            {
                let hierarchy = Hierarchy::new(&model);
                let (d, mut scratch) = (hierarchy.dim(), hierarchy.scratch());
                let mut unused = vec![0.0; d];
                for q in points(d, 4) {
                    let mut gradient = vec![f64::NAN; d];
                    let value = hierarchy.evaluate(&q, &mut gradient, &mut scratch);
                    assert!(value.is_finite());
                    for j in 0..d {
                        let mut at = |step: f64| {
                            let mut moved = q.clone();
                            moved[j] += step;
                            hierarchy.evaluate(&moved, &mut unused, &mut scratch)
                        };
                        let h = 1e-3;
                        // Fifth order.
                        let slope = (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h);
                        let near = 1e-5 * slope.abs().max(1.0);
                        assert!(
                            (slope - gradient[j]).abs() < near,
                            "{departure:?} shared {shared}, coordinate {j} of {d}: {} for {slope}",
                            gradient[j]
                        );
                    }
                }
            }
        }
    }
}

/// In the same coordinates; the densities differ by a constant.
#[test]
fn two_levels_have_the_density_of_the_binary_model() {
    let two = |of: &[Vec<f64>; 2]| [[of[0][1], of[0][0] + of[0][1]], [of[1][1], of[1][0] + of[1][1]]];
    let levels = Levels {
        counts: vec![[vec![9.0, 4.0], vec![6.0, 7.0]], [vec![3.0, 5.0], vec![2.0, 9.0]]],
        primary: 0,
        shared: false,
        concentrations: vec![1.0, 1.0],
        departure: None,
    };
    let pairs: Vec<BinomialPair> = levels
        .counts
        .iter()
        .map(|of| {
            let [control, active] = two(of).map(|[events, total]| equipoise::model::Arm { events, total });
            BinomialPair::new(control, active)
        })
        .collect();
    let ordinal = model(levels, None);
    let baselines = ordinal.observation.cells().expect("cells").baselines().clone();
    let binary = ordinal.observing(Observation::Cells(Cells::new(pairs, baselines)));
    let (a, b) = (Hierarchy::new(&ordinal), Hierarchy::new(&binary));
    assert_eq!(a.dim(), b.dim());
    let (mut of_a, mut of_b) = (vec![0.0; a.dim()], vec![0.0; b.dim()]);
    let mut apart: Vec<f64> = Vec::new();
    for q in points(a.dim(), 6) {
        let x = a.evaluate(&q, &mut of_a, &mut a.scratch());
        let y = b.evaluate(&q, &mut of_b, &mut b.scratch());
        apart.push(x - y);
        of_a.iter().zip(&of_b).for_each(|(x, y)| close(*x, *y, 1e-9));
    }
    apart.iter().for_each(|x| close(*x, apart[0], 1e-9));
}

fn exact(study: &Study) -> Report {
    analyse(study, Options { engine: Engine::Exact, ..Options::default() })
}

fn probability(report: &Report, whom: Whom, measure: Measure) -> f64 {
    let row = report.probability(Estimand::new(whom, measure), Statement::Benefit, measure.null());
    row.and_then(|p| p.probability).expect("a probability")
}

#[test]
fn two_levels_are_the_binary_model_in_every_exact_number() {
    let binary = |higher_is| {
        let of = |n: &[u64; 7]| (n[4..].iter().sum::<u64>(), n.iter().sum::<u64>());
        let mut builder = Study::builder("A trial of ours", Assignment::Randomised)
            .outcome(Endpoint::events("mRS above 3", higher_is))
            .arms("placebo", "drug")
            .baseline(equipoise::study::distributions::beta(1.0, 1.0))
            .baseline_of(BaselineOf::Control)
            .priors(partial());
        for (name, (control, active)) in ["men", "women", "old"].into_iter().zip(CONTROL.iter().zip(&ACTIVE))
        {
            builder = builder.group(name, [of(control), of(active)]);
        }
        builder.build().expect("a study")
    };
    let ordinal = |higher_is| {
        let of = |n: &[u64; 7]| vec![n[..4].iter().sum::<u64>(), n[4..].iter().sum::<u64>()];
        let mut builder = Study::builder("A trial of ours", Assignment::Randomised)
            .outcome(Endpoint::ordinal("mRS above 3", higher_is, ["no", "yes"]))
            .arms("placebo", "drug")
            .cutpoints(Cutpoints::BySubgroup)
            .priors(partial());
        for (name, (control, active)) in ["men", "women", "old"].into_iter().zip(CONTROL.iter().zip(&ACTIVE))
        {
            builder = builder.group_by_level(name, [of(control), of(active)]);
        }
        builder.build().expect("a study")
    };
    for higher_is in [HigherIs::Better, HigherIs::Worse] {
        let (a, b) = (exact(&ordinal(higher_is)), exact(&binary(higher_is)));
        for g in 0..3 {
            let theta = |r: &Report| r.parameter(Parameter::Theta(g)).and_then(|p| p.exact).expect("exact");
            let (x, y) = (theta(&a).quantiles, theta(&b).quantiles);
            close(x.median, y.median, 1e-6);
            close(x.q2_5, y.q2_5, 1e-6);
            close(x.q97_5, y.q97_5, 1e-6);
            let at = |r: &Report| probability(r, Whom::Subgroup(g), Measure::OddsRatio);
            close(at(&a), at(&b), 1e-7);
        }
        close(
            probability(&a, Whom::Mean, Measure::OddsRatio),
            probability(&b, Whom::Mean, Measure::OddsRatio),
            1e-7,
        );
    }
}

#[test]
fn levels_counted_from_the_other_end_change_no_probability_of_benefit() {
    let (way, turned) = (
        exact(&study(Cutpoints::BySubgroup, partial(), None, false)),
        exact(&study(Cutpoints::BySubgroup, partial(), None, true)),
    );
    for g in 0..3 {
        let at = |r: &Report| probability(r, Whom::Subgroup(g), Measure::OddsRatio);
        close(at(&way), at(&turned), 1e-7);
    }
    for whom in [Whom::Mean, Whom::New] {
        close(
            probability(&way, whom, Measure::OddsRatio),
            probability(&turned, whom, Measure::OddsRatio),
            1e-7,
        );
    }
    // What is sampled is the same within its error: of worth and wins as of odds.
    for (cutpoints, departure) in
        [(Cutpoints::BySubgroup, None), (Cutpoints::Shared, Some(Shape::Unconstrained))]
    {
        let sampled =
            |turned| analyse(&study(cutpoints, partial(), departure.clone(), turned), Options::default());
        let (way, turned) = (sampled(false), sampled(true));
        for measure in [
            Measure::RiskDifference,
            Measure::UtilityDifference,
            Measure::WinProbability,
            Measure::LevelDifference,
        ] {
            for whom in [Whom::Subgroup(0), Whom::Subgroup(2), Whom::Overall] {
                let (x, y) = (probability(&way, whom, measure), probability(&turned, whom, measure));
                assert!((x - y).abs() < 0.03, "{measure:?} {whom:?}: {x} {y}");
            }
        }
    }
}

/// The report's own check holds every sampled number against its exact one.
#[test]
fn the_sampler_and_the_integrals_agree_under_every_pooling() {
    for priors in
        [partial(), Priors::none(normal(0.0, 0.5), half_normal(0.3)), Priors::complete(normal(0.2, 0.7))]
    {
        let report = analyse(&study(Cutpoints::BySubgroup, priors, None, false), Options::default());
        assert!(report.checks.ok, "{:?}", report.checks.reasons);
        assert!(report.checks.exact.comparisons > 0);
    }
}

/// Without an exact engine the second opinion is importance sampling.
#[test]
fn shared_cut_points_and_departures_pass_their_checks_with_a_second_opinion() {
    for departure in [None, Some(Shape::Death), Some(Shape::Linear), Some(Shape::Unconstrained)] {
        let report =
            analyse(&study(Cutpoints::Shared, partial(), departure.clone(), false), Options::default());
        assert!(report.checks.ok, "{departure:?}: {:?}", report.checks.reasons);
        let importance = report.checks.importance.expect("a second opinion");
        assert!(importance.agrees(), "{departure:?}: {importance:?}");
    }
}

/// The quantities of a draw are what the definitions say.
#[test]
fn worth_and_wins_follow_from_the_levels() {
    let report = analyse(&study(Cutpoints::Shared, partial(), Some(Shape::Death), false), Options::default());
    let sampled = report.sampled.as_ref().expect("draws");
    let of = study(Cutpoints::Shared, partial(), Some(Shape::Death), false);
    let estimands = sampled.estimands(&of, false);
    let column =
        |estimand: Estimand| &estimands.iter().find(|(key, _)| *key == estimand).expect("an estimand").1;
    for whom in [Whom::Subgroup(1), Whom::Overall] {
        let at = |measure| column(Estimand::new(whom, measure));
        let above = |measure, k: usize| column(Estimand::new(whom, measure).at_cut(k));
        for i in [0, 17, 400] {
            let levels = |measure| {
                let mut s = vec![1.0];
                s.extend((0..6).map(|k| above(measure, k)[i]));
                s.push(0.0);
                (0..7).map(|k| s[k] - s[k + 1]).collect::<Vec<f64>>()
            };
            let (control, active) = (levels(Measure::CutRiskControl), levels(Measure::CutRiskActive));
            close(control.iter().sum::<f64>(), 1.0, 1e-12);
            let worth = |p: &[f64]| p.iter().zip(WORTH).map(|(p, u)| p * u).sum::<f64>();
            close(at(Measure::UtilityDifference)[i], worth(&active) - worth(&control), 1e-12);
            // Lower is better.
            let (mut better, mut worse) = (0.0, 0.0);
            for (j, p) in active.iter().enumerate() {
                for (k, q) in control.iter().enumerate() {
                    if j < k {
                        better += p * q;
                    } else if j > k {
                        worse += p * q;
                    }
                }
            }
            let ties = 1.0 - better - worse;
            close(at(Measure::WinProbability)[i], better + 0.5 * ties, 1e-12);
            close(at(Measure::WinOdds)[i], (better + 0.5 * ties) / (worse + 0.5 * ties), 1e-11);
            close(at(Measure::WinRatio)[i], better / worse, 1e-11);
            close(at(Measure::NetBenefit)[i], better - worse, 1e-12);
            let mean = |p: &[f64]| p.iter().zip(0..).map(|(p, k)| p * f64::from(k)).sum::<f64>();
            close(at(Measure::LevelDifference)[i], mean(&active) - mean(&control), 1e-12);
            close(at(Measure::RiskDifference)[i], above(Measure::CutRiskDifference, 3)[i], 1e-12);
        }
        if let Whom::Subgroup(g) = whom {
            for i in [0, 250] {
                let common = sampled.theta[g][i].exp();
                close(above(Measure::CutOddsRatio, 0)[i], common, 1e-9 * common);
                assert!((above(Measure::CutOddsRatio, 5)[i] - common).abs() > 1e-9, "the last cut departs");
            }
        }
    }
}

/// Under proportional odds the levels say more of the effect than their cut, and the same of it.
#[test]
fn a_cut_through_the_levels_gives_the_same_effect_with_less_certainty() {
    let whole = exact(&study(Cutpoints::BySubgroup, Priors::complete(normal(0.0, 2.0)), None, false));
    let of = |n: &[u64; 7]| vec![n[..4].iter().sum::<u64>(), n[4..].iter().sum::<u64>()];
    let mut builder = Study::builder("A trial of ours", Assignment::Randomised)
        .outcome(Endpoint::ordinal("mRS above 3", HigherIs::Worse, ["no", "yes"]))
        .arms("placebo", "drug")
        .cutpoints(Cutpoints::BySubgroup)
        .priors(Priors::complete(normal(0.0, 2.0)));
    for (name, (control, active)) in ["men", "women", "old"].into_iter().zip(CONTROL.iter().zip(&ACTIVE)) {
        builder = builder.group_by_level(name, [of(control), of(active)]);
    }
    let cut = exact(&builder.build().expect("a study"));
    let mu = |r: &Report| r.parameter(Parameter::Mu).and_then(|p| p.exact).expect("exact");
    let (whole, cut) = (mu(&whole), mu(&cut));
    let (of_whole, of_cut) = (whole.sd.expect("a normal's"), cut.sd.expect("a normal's"));
    assert!(of_whole < 0.9 * of_cut, "{of_whole} {of_cut}");
    let apart = whole.quantiles.median - cut.quantiles.median;
    assert!(apart.abs() < 2.0 * (of_cut * of_cut - of_whole * of_whole).sqrt(), "{apart}");
}
