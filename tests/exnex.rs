//! Effects that are exchangeable or not, and Student t effects: against an independent program (`tests/reference/exnex.py`),
//! against the sum over all memberships, at their limits, and calibrated.

use crate::common;

use common::calibration::{DRAWS, Uniformity};
use common::{
    Worst, cells_of, close, counts_model, estimates_model, fit, flipped_study, pair, recounted, study_of,
};
use equipoise::exact::{Distribution, ExactPosterior, Pair, RiskMeasure};
use equipoise::model::{
    BaselineOf, BaselinePrior, Baselines, BinomialPair, Cells, HeterogeneityPrior, LocationPrior, Model,
    NormalComponent, NormalEstimate, Observation, Pooling, Spread,
};
use equipoise::posterior::{Engine, Estimand, Measure, Options, Statement, analyse};
use equipoise::sampler::{Purpose, stream};
use rayon::prelude::*;
use serde_json::Value;

const HALF_NORMAL: HeterogeneityPrior = HeterogeneityPrior::HalfNormal { scale: 0.4 };
const ROWS: [(f64, f64); 3] = [(0.9, 0.3), (-0.1, 0.25), (0.05, 0.4)];

fn or_not(exchangeable: f64) -> Spread {
    Spread::OrNot { exchangeable, mean: -0.2, sd: 0.9 }
}

fn shaped(spread: Spread) -> Pooling {
    Pooling::Shaped(HALF_NORMAL, spread)
}

fn effect() -> LocationPrior {
    LocationPrior::normal(0.1, 0.5)
}

fn estimates(spread: Spread) -> Model {
    estimates_model(&ROWS, shaped(spread), effect())
}

fn three() -> Vec<BinomialPair> {
    vec![pair((22, 46), (33, 70)), pair((37, 71), (8, 34)), pair((10, 40), (12, 41))]
}

fn counts_of(pairs: Vec<BinomialPair>, pooling: Pooling) -> Model {
    let prior = BaselinePrior::Independent(LocationPrior::normal(0.0, 2.5));
    let baselines = Baselines { prior, of: BaselineOf::Arms };
    Model { observation: Observation::Cells(Cells::new(pairs, baselines)), pooling, effect: effect() }
}

fn counts(spread: Spread) -> Model {
    counts_of(three(), shaped(spread))
}

/// Some of a model's subgroups, under another pooling and another effect prior.
fn of_some(model: &Model, which: &[usize], pooling: Pooling, effect: LocationPrior) -> Model {
    let observation = match &model.observation {
        Observation::Estimates(all) => {
            Observation::Estimates(which.iter().map(|&g| all[g].clone()).collect::<Vec<NormalEstimate>>())
        }
        _ => {
            let cells = cells_of(model);
            Observation::Cells(cells.with_pairs(which.iter().map(|&g| cells.pairs()[g].clone()).collect()))
        }
    };
    Model { observation, pooling, effect }
}

/// Every membership: who is exchangeable, its share of the posterior, the fit of those, and of each of the others alone.
struct Membership {
    members: Vec<usize>,
    share: f64,
    together: Option<ExactPosterior>,
    alone: Vec<Option<ExactPosterior>>,
}

/// All 2^G of them, from fits under partial and complete pooling.
fn memberships(model: &Model, exchangeable: f64, (mean, sd): (f64, f64)) -> (Vec<Membership>, f64) {
    let n = model.subgroups();
    let evidence = |p: &ExactPosterior| p.log_marginal_likelihood().expect("shared");
    let mut all = Vec::new();
    for k in 0..1_usize << n {
        let (members, others): (Vec<usize>, Vec<usize>) = (0..n).partition(|g| k >> g & 1 == 1);
        let together = (!members.is_empty())
            .then(|| fit(&of_some(model, &members, Pooling::Partial(HALF_NORMAL), effect())));
        let alone: Vec<Option<ExactPosterior>> = (0..n)
            .map(|g| {
                let single =
                    || fit(&of_some(model, &[g], Pooling::Complete, LocationPrior::normal(mean, sd)));
                others.contains(&g).then(single)
            })
            .collect();
        let log = members.len() as f64 * exchangeable.ln()
            + others.len() as f64 * (1.0 - exchangeable).ln()
            + together.as_ref().map_or(0.0, evidence)
            + alone.iter().flatten().map(evidence).sum::<f64>();
        all.push(Membership { members, share: log, together, alone });
    }
    let high = all.iter().map(|m| m.share).fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = all.iter().map(|m| (m.share - high).exp()).sum();
    all.iter_mut().for_each(|m| m.share = (m.share - high).exp() / total);
    (all, high + total.ln())
}

impl Membership {
    /// A subgroup's posterior: among those that are exchangeable, or alone.
    fn of(&self, g: usize) -> (&ExactPosterior, usize) {
        match &self.alone[g] {
            Some(own) => (own, 0),
            None => {
                let place = self.members.iter().position(|m| *m == g).expect("a member");
                (self.together.as_ref().expect("members"), place)
            }
        }
    }
}

#[test]
fn the_lattice_is_the_sum_over_all_memberships() {
    for (model, tolerance) in [(estimates(or_not(0.6)), 1e-7), (counts(or_not(0.6)), 1e-7)] {
        let posterior = fit(&model);
        let (all, log_evidence) = memberships(&model, 0.6, (-0.2, 0.9));
        let mut worst = Worst::default();
        let evidence = posterior.log_marginal_likelihood().expect("shared");
        worst.hold(|| "evidence".to_string(), evidence, log_evidence, 1.0);
        for g in 0..3 {
            let alone = all.iter().filter(|m| !m.members.contains(&g)).map(|m| m.share).sum();
            worst.hold(|| format!("{g} alone"), posterior.stands_alone(g).expect("may"), alone, 1.0);
            for x in [-0.6, -0.1, 0.0, 0.3, 1.0] {
                let sum: f64 = all
                    .iter()
                    .map(|m| {
                        let (of, place) = m.of(g);
                        m.share * of.theta(place).cdf(x)
                    })
                    .sum();
                worst.hold(|| format!("theta {g} at {x}"), posterior.theta(g).cdf(x), sum, 1.0);
            }
            for (measure, x) in [(RiskMeasure::Difference, -0.05), (RiskMeasure::Control, 0.4)] {
                let Some(own) = posterior.risk(g, measure) else { continue };
                let of = |m: &Membership| {
                    let (of, place) = m.of(g);
                    m.share * of.risk(place, measure).expect("risks").cdf(x)
                };
                worst.hold(|| format!("{measure:?} {g}"), own.cdf(x), all.iter().map(of).sum(), 1.0);
            }
        }
        for x in [-0.4, 0.0, 0.1, 0.6] {
            let prior = fit(&of_some(&model, &[], Pooling::Partial(HALF_NORMAL), effect()));
            let mu = |m: &Membership| {
                let of = m.together.as_ref().unwrap_or(&prior);
                m.share * of.mu().expect("shared").cdf(x)
            };
            let found = posterior.mu().expect("shared").cdf(x);
            worst.hold(|| format!("mu at {x}"), found, all.iter().map(mu).sum(), 1.0);
            let alone = fit(&estimates_model(&[], Pooling::Complete, LocationPrior::normal(-0.2, 0.9)));
            let alone = alone.mu().expect("shared").cdf(x);
            let new = |m: &Membership| {
                let of = m.together.as_ref().unwrap_or(&prior);
                m.share * (0.6 * of.theta_new().expect("shared").cdf(x) + 0.4 * alone)
            };
            let found = posterior.theta_new().expect("shared").cdf(x);
            worst.hold(|| format!("a further effect at {x}"), found, all.iter().map(new).sum(), 1.0);
        }
        for tau in [0.05, 0.3, 0.8] {
            let prior = fit(&of_some(&model, &[], Pooling::Partial(HALF_NORMAL), effect()));
            let of = |m: &Membership| {
                m.share * m.together.as_ref().unwrap_or(&prior).tau().expect("sampled").cdf(tau)
            };
            let found = posterior.tau().expect("sampled").cdf(tau);
            worst.hold(|| format!("tau at {tau}"), found, all.iter().map(of).sum(), 1.0);
        }
        worst.within(tolerance, 25);
        println!("{}", worst.report());
    }
}

/// What is asked of a pair of effects, or of both where they are independent.
type OfPair<'f> = dyn Fn(&Option<Pair>, &dyn Distribution, &dyn Distribution) -> f64 + 'f;

/// Two effects at once: those of one membership are a pair of its fit, or independent.
#[test]
fn pairs_are_sums_over_memberships_too() {
    for (model, tolerance) in [(estimates(or_not(0.6)), 2e-6), (counts(or_not(0.6)), 2e-6)] {
        let posterior = fit(&model);
        let (all, _) = memberships(&model, 0.6, (-0.2, 0.9));
        let mut worst = Worst::default();
        for (a, b) in [(0, 1), (0, 2), (2, 1)] {
            let pair = posterior.pair(a, b);
            assert!(pair.settled && pair.difference.is_settled());
            let each: Vec<_> = all
                .iter()
                .map(|m| {
                    let ((of_a, i), (of_b, j)) = (m.of(a), m.of(b));
                    let together = m.members.contains(&a) && m.members.contains(&b);
                    (m.share, together.then(|| of_a.pair(i, j)), (of_a.theta(i), of_b.theta(j)))
                })
                .collect();
            let sum = |of: &OfPair| -> f64 {
                each.iter().map(|(share, pair, (one, other))| share * of(pair, &**one, &**other)).sum()
            };
            let opposed = sum(&|pair, one, other| match pair {
                Some(pair) => pair.first_above_second_below,
                None => (1.0 - one.cdf(0.0)) * other.cdf(0.0),
            });
            worst.hold(|| format!("{a} above, {b} below"), pair.first_above_second_below, opposed, 1.0);
            for x in [-0.5, 0.0, 0.4] {
                let below = sum(&|pair, one, other| match pair {
                    Some(pair) => pair.difference.cdf(x),
                    None => independent_difference(one, other, x),
                });
                worst.hold(|| format!("{a} less {b} at {x}"), pair.difference.cdf(x), below, 1.0);
            }
        }
        worst.within(tolerance, 12);
        println!("{}", worst.report());
    }
}

/// P(A − B < x) of independent effects, by the trapezoid rule over A's probability in steps of its distribution function.
fn independent_difference(a: &dyn Distribution, b: &dyn Distribution, x: f64) -> f64 {
    const STEPS: usize = 4000;
    let (low, high) = (-6.0, 6.0);
    let at = |k: usize| low + (high - low) * k as f64 / STEPS as f64;
    let below: Vec<f64> = (0..=STEPS).map(|k| a.cdf(at(k))).collect();
    (0..STEPS).map(|k| (below[k + 1] - below[k]) * (1.0 - b.cdf(0.5 * (at(k) + at(k + 1)) - x))).sum()
}

fn reference() -> Value {
    serde_json::from_str(include_str!("reference/exnex.json")).expect("JSON")
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(|x| x.as_f64().expect("a number")).collect()
}

#[test]
fn an_independent_program_has_the_same_posteriors() {
    let reference = reference();
    for case in reference["cases"].as_array().expect("cases") {
        let name = case["name"].as_str().expect("a name");
        assert!(case["doubling_change"].as_f64().expect("a number") < 1e-8, "{name} is not settled");
        let spread = match case["df"].as_f64() {
            Some(df) => Spread::StudentT { df },
            None => or_not(case["exchangeable"].as_f64().expect("a number")),
        };
        let model = if case["kind"] == "counts" { counts(spread) } else { estimates(spread) };
        let (posterior, result, at) = (fit(&model), &case["result"], numbers(&case["at"]));
        let mut worst = Worst::default();
        let mut hold = |what: String, found: f64, expected: f64| worst.hold(|| what, found, expected, 1.0);
        let evidence = posterior.log_marginal_likelihood().expect("shared");
        hold("evidence".to_string(), evidence, result["log_evidence"].as_f64().expect("a number"));
        for g in 0..3 {
            if let Some(alone) = posterior.stands_alone(g) {
                hold(format!("{g} alone"), alone, numbers(&result["stands_alone"])[g]);
            }
            let theta = posterior.theta(g);
            hold(format!("mean {g}"), theta.mean().expect("finite"), numbers(&result["mean"])[g]);
            for (x, expected) in at.iter().zip(numbers(&result["above"][g])) {
                hold(format!("{g} above {x}"), 1.0 - theta.cdf(*x), expected);
            }
            for h in (0..3).filter(|h| *h != g) {
                let pair = posterior.pair(g, h);
                assert_eq!(pair.settled, case["df"].is_null(), "{name}");
                if pair.settled {
                    let expected = numbers(&result["opposed"][g])[h];
                    hold(format!("{g} above, {h} below"), pair.first_above_second_below, expected);
                }
            }
        }
        let mu = posterior.mu().expect("shared");
        hold("mean of mu".to_string(), mu.mean().expect("finite"), numbers(&result["mu"])[0]);
        let tau = posterior.tau().expect("sampled").mean().expect("finite");
        hold("mean of tau".to_string(), tau, numbers(&result["tau"])[0]);
        let new = posterior.theta_new().expect("shared");
        for (x, expected) in at.iter().zip(numbers(&result["new_above"])) {
            hold(format!("a further one above {x}"), 1.0 - new.cdf(*x), expected);
        }
        worst.within(1e-7, 17);
        println!("{name}: {}", worst.report());
    }
}

fn same(a: &ExactPosterior, b: &ExactPosterior, subgroups: usize, tolerance: f64) {
    for x in [-0.7, -0.1, 0.0, 0.2, 0.9] {
        for g in 0..subgroups {
            close(&format!("theta {g} at {x}"), a.theta(g).cdf(x), b.theta(g).cdf(x), tolerance);
        }
        if let (Some(a), Some(b)) = (a.mu(), b.mu()) {
            close(&format!("mu at {x}"), a.cdf(x), b.cdf(x), tolerance);
        }
        if let (Some(a), Some(b)) = (a.theta_new(), b.theta_new()) {
            close(&format!("a further effect at {x}"), a.cdf(x), b.cdf(x), tolerance);
        }
    }
}

#[test]
fn all_exchangeable_is_partial_pooling_and_none_is_none() {
    let partial = |model: &Model| Model { pooling: Pooling::Partial(HALF_NORMAL), ..model.clone() };
    for model in [estimates(or_not(1.0)), counts(or_not(1.0))] {
        same(&fit(&model), &fit(&partial(&model)), 3, 1e-9);
        assert_eq!(fit(&model).stands_alone(0), None);
    }
    for model in [estimates(or_not(0.0)), counts(or_not(0.0))] {
        let posterior = fit(&model);
        for g in 0..3 {
            let alone = fit(&of_some(&model, &[g], Pooling::Complete, LocationPrior::normal(-0.2, 0.9)));
            close("P(stands alone)", posterior.stands_alone(g).expect("may"), 1.0, 1e-9);
            for x in [-0.7, -0.1, 0.0, 0.2, 0.9] {
                let expected = alone.theta(0).cdf(x);
                close(&format!("theta {g} at {x}"), posterior.theta(g).cdf(x), expected, 1e-9);
            }
        }
        let pair = posterior.pair(0, 1);
        assert!(pair.settled);
        let of = |g: usize| posterior.theta(g).cdf(0.0);
        close("opposed", pair.first_above_second_below, (1.0 - of(0)) * of(1), 1e-6);
        // Nothing is learned of what is shared.
        let (mu, before) = (posterior.mu().expect("shared"), effect());
        let LocationPrior::Normals(normals) = before else { unreachable!("a normal") };
        close("mean of mu", mu.mean().expect("finite"), normals[0].mean, 1e-9);
    }
}

#[test]
fn many_degrees_of_freedom_are_normal() {
    let t = Spread::StudentT { df: 1e7 };
    for model in [estimates(t), counts(t)] {
        let normal = Model { pooling: Pooling::Partial(HALF_NORMAL), ..model.clone() };
        same(&fit(&model), &fit(&normal), 3, 2e-7);
        let evidence = |m: &Model| fit(m).log_marginal_likelihood().expect("shared");
        close("evidence", evidence(&model), evidence(&normal), 2e-7);
    }
}

#[test]
fn effects_without_moments_have_quantiles() {
    for df in [1.0, 2.0] {
        let posterior = fit(&estimates(Spread::StudentT { df }));
        let new = posterior.theta_new().expect("shared");
        for p in [0.025, 0.5, 0.975] {
            close(&format!("{df} degrees, {p}"), new.cdf(new.quantile(p)), p, 1e-7);
        }
        assert_eq!((new.mean().is_some(), new.sd().is_some()), (df > 1.0, false));
    }
}

#[test]
fn permuted_subgroups_and_a_turned_outcome_change_nothing() {
    let t = Spread::StudentT { df: 4.0 };
    for models in [vec![estimates(or_not(0.6)), counts(or_not(0.6))], vec![estimates(t)]] {
        for model in models {
            let turned = of_some(&model, &[2, 0, 1], model.pooling.clone(), model.effect.clone());
            let (posterior, other) = (fit(&model), fit(&turned));
            for (g, h) in [(0, 1), (1, 2), (2, 0)] {
                for x in [-0.3, 0.0, 0.5] {
                    close("theta", posterior.theta(g).cdf(x), other.theta(h).cdf(x), 1e-10);
                }
                if let (Some(p), Some(q)) = (posterior.stands_alone(g), other.stands_alone(h)) {
                    close("P(stands alone)", p, q, 1e-10);
                }
            }
        }
    }
    let options = Options { engine: Engine::Exact, ..Options::default() };
    for spread in [Spread::OrNot { exchangeable: 0.6, mean: 0.0, sd: 0.9 }, Spread::StudentT { df: 4.0 }] {
        for model in [estimates(spread), counts(spread)] {
            // Two subgroups say it as three do, in a fraction of the time.
            let study = study_of(&of_some(&model, &[0, 1], model.pooling.clone(), model.effect.clone()));
            let (report, mirrored) = (analyse(&study, options), analyse(&flipped_study(&study), options));
            assert!(report.checks.ok, "{:?}", report.checks.reasons);
            assert_eq!(report.probabilities.len(), mirrored.probabilities.len());
            let mut compared = 0;
            for (row, other) in report.probabilities.iter().zip(&mirrored.probabilities) {
                let (Some(p), Some(q)) = (row.exact, other.exact) else { continue };
                close(&format!("{:?} {:?}", row.estimand, row.statement), p, q, 1e-6);
                compared += 1;
            }
            assert!(compared > 12, "{compared}");
        }
    }
}

#[test]
fn what_stands_alone_is_told_apart_and_borrows_nothing() {
    let alone = Spread::OrNot { exchangeable: 0.5, mean: 0.0, sd: 1.5 };
    let rows = [(0.0, 0.1), (0.05, 0.1), (-0.05, 0.1), (0.02, 0.1), (1.5, 0.2)];
    let tight = HeterogeneityPrior::HalfNormal { scale: 0.1 };
    let model = estimates_model(&rows, Pooling::Shaped(tight, alone), LocationPrior::normal(0.0, 0.5));
    let posterior = fit(&model);
    assert!(posterior.stands_alone(4).expect("may") > 0.999);
    assert!((0..4).all(|g| posterior.stands_alone(g).expect("may") < 0.3));
    let own = fit(&estimates_model(&rows[4..], Pooling::Complete, LocationPrior::normal(0.0, 1.5)));
    close("median", posterior.theta(4).quantile(0.5), own.theta(0).quantile(0.5), 2e-3);
}

#[test]
fn subgroups_without_data_have_the_mixture_that_the_others_predict() {
    for spread in [or_not(0.6), Spread::StudentT { df: 3.0 }] {
        let mut pairs = three();
        pairs.push(pair((0, 0), (0, 0)));
        let posterior = fit(&counts_of(pairs, shaped(spread)));
        for x in [-0.5, 0.0, 0.4] {
            let new = posterior.theta_new().expect("shared").cdf(x);
            close("a subgroup without patients", posterior.theta(3).cdf(x), new, 1e-6);
        }
        if let Some(alone) = posterior.stands_alone(3) {
            close("P(stands alone)", alone, 0.4, 1e-12);
        }
    }
}

#[test]
fn a_report_has_the_probability_of_standing_alone_beside_its_prior() {
    let study = study_of(&counts(or_not(0.6)));
    let report = analyse(&study, Options::default());
    assert!(report.checks.ok && report.sampled.is_none());
    let posterior = fit(&counts(or_not(0.6)));
    for g in 0..3 {
        let estimand = Estimand::of_subgroup(g, Measure::OddsRatio);
        let row = report.probability(estimand, Statement::StandsAlone, 1.0).expect("a row");
        close("as integrated", row.exact.expect("exact"), posterior.stands_alone(g).expect("may"), 1e-12);
        close("before the data", row.prior.expect("a prior"), 0.4, 1e-12);
    }
    let refused = analyse(&study, Options { engine: Engine::Sampler, ..Options::default() });
    assert!(!refused.checks.ok && refused.withheld);
}

/// Ranks of truths among 99 draws of their posteriors are the hundredths in which the distribution function has them.
fn calibrated(name: &str, model: &Model) {
    const REPLICATIONS: usize = 500;
    const FALSE_ALARM: f64 = 1e-4;
    let rank = |p: f64| ((p * (DRAWS + 1) as f64) as usize).min(DRAWS);
    type Row = (Vec<(&'static str, usize)>, Vec<(bool, f64)>);
    let rows: Vec<Row> = (0..REPLICATIONS)
        .into_par_iter()
        .map(|replication| {
            let seed = 0x00e8_0000_0000 + replication as u64;
            let truth = model.draw_prior(&mut stream(seed, 0, Purpose::Prior)).expect("proper priors");
            let observed = model.with_drawn_data(&truth, &mut stream(seed, 0, Purpose::Simulation));
            let posterior = fit(&observed);
            let last = truth.theta.len() - 1;
            let mut ranks = vec![
                ("mu", rank(posterior.mu().expect("shared").cdf(truth.mu.expect("shared")))),
                ("tau", rank(posterior.tau().expect("sampled").cdf(truth.tau.expect("sampled")))),
                ("theta of the first", rank(posterior.theta(0).cdf(truth.theta[0]))),
                ("theta of the last", rank(posterior.theta(last).cdf(truth.theta[last]))),
                ("theta of a new one", {
                    let new = posterior.theta_new().expect("shared");
                    rank(new.cdf(truth.theta_new.expect("shared")))
                }),
            ];
            if let Some(risk) = posterior.risk(0, RiskMeasure::Difference) {
                let [control, active] = truth.arms(cells_of(&observed).baselines().of);
                let logistic = equipoise::numeric::logistic;
                ranks.push(("risk difference", rank(risk.cdf(logistic(active[0]) - logistic(control[0])))));
            }
            // Of t effects no pair settles.
            let is_t = matches!(model.pooling, Pooling::Shaped(_, Spread::StudentT { .. }));
            let pair = (!is_t).then(|| posterior.pair(0, last)).filter(|pair| pair.settled);
            if let Some(pair) = pair {
                let d = truth.theta[0] - truth.theta[last];
                ranks.push(("difference", rank(pair.difference.cdf(d))));
            }
            let alone = truth.stands_alone.iter().enumerate();
            let alone = alone.map(|(g, a)| (*a, posterior.stands_alone(g).expect("may"))).collect();
            (ranks, alone)
        })
        .collect();
    let uniformity = Uniformity::new(REPLICATIONS, DRAWS);
    for (i, (quantity, _)) in rows[0].0.iter().enumerate() {
        let ranks: Vec<usize> = rows.iter().map(|row| row.0[i].1).collect();
        let p = uniformity.p_value(&ranks);
        println!("{name}, {quantity}: p = {p:.3}");
        assert!(p > FALSE_ALARM, "{name}: {quantity} departs, p = {p:e}");
    }
    let alone: Vec<(bool, f64)> = rows.iter().flat_map(|row| row.1.clone()).collect();
    if !alone.is_empty() {
        let apart: f64 = alone.iter().map(|(a, p)| f64::from(u8::from(*a)) - p).sum();
        let variance: f64 = alone.iter().map(|(_, p)| p * (1.0 - p)).sum();
        let z = apart / variance.sqrt();
        println!("{name}, memberships: z = {z:.2}");
        assert!(z.abs() < 4.0, "{name}: memberships depart, z = {z}");
    }
}

const SIZES: [(u32, u32); 4] = [(40, 18), (30, 60), (20, 20), (25, 40)];

fn to_be_drawn(pooling: Pooling, effect: LocationPrior) -> Model {
    let pairs = SIZES.iter().map(|&(control, active)| pair((0, control), (0, active))).collect();
    let base = counts_model(pairs);
    let prior = BaselinePrior::Independent(LocationPrior::normal(-0.5, 1.5));
    Model { pooling, effect, ..base.with_baseline(prior).with_baseline_of(BaselineOf::Arms) }
}

#[test]
fn counts_exchangeable_or_not_are_calibrated() {
    let spread = Spread::OrNot { exchangeable: 0.6, mean: 0.2, sd: 1.2 };
    let pooling = Pooling::Shaped(HeterogeneityPrior::HalfNormal { scale: 0.3 }, spread);
    calibrated("counts", &to_be_drawn(pooling, LocationPrior::normal(0.0, 0.4)));
}

#[test]
fn estimates_exchangeable_or_not_are_calibrated() {
    let spread = Spread::OrNot { exchangeable: 0.5, mean: -0.3, sd: 1.0 };
    let pooling = Pooling::Shaped(HeterogeneityPrior::Exponential { mean: 0.3 }, spread);
    let normal = |mean, sd| NormalComponent { weight: 0.5, mean, sd };
    let effect = LocationPrior::Normals(vec![normal(0.0, 0.2), normal(0.7, 0.4)]);
    let rows = [(0.0, 0.2), (0.0, 0.5), (0.0, 0.3), (0.0, 0.1), (0.0, 0.25)];
    calibrated("estimates", &estimates_model(&rows, pooling, effect));
}

#[test]
fn student_t_effects_are_calibrated() {
    let pooling = Pooling::Shaped(HALF_NORMAL, Spread::StudentT { df: 4.0 });
    let rows = [(0.0, 0.2), (0.0, 0.4)];
    calibrated("t of estimates", &estimates_model(&rows, pooling, effect()));
}

#[test]
#[ignore = "a minute of two processors"]
fn student_t_effects_of_counts_are_calibrated() {
    let pooling = Pooling::Shaped(HALF_NORMAL, Spread::StudentT { df: 4.0 });
    let few = to_be_drawn(pooling, effect());
    let two = cells_of(&few).pairs()[..2].to_vec();
    calibrated("t of counts", &recounted(&few, two));
}
