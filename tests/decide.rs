//! `decide` against independent programs (`tests/reference/decide.py`, `decide_more.py`), closed forms, and itself turned
//! around.

use crate::common;

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex, OnceLock};

use common::{close, counts_model, flipped_study, with_control_baselines};
use equipoise::decide::{Discussion, EffectRow, Population, decide};
use equipoise::exact::{ExactPosterior, Resolution, RiskMeasure};
use equipoise::input::open_decision;
use equipoise::model::{Arm, BaselinePrior, BinomialPair, HeterogeneityPrior, Model};
use equipoise::numeric::normal_cdf;
use equipoise::posterior::{
    Bounded, By, Claim, Direction, Estimand, Measure, Method, Options, Sampling, Says, Scope, Statement,
    Verdict, analyse,
};
use equipoise::study::{
    Costs, Data, Decision, DecisionOutcome, HigherIs, LocationPrior, Pooling, Study, SubgroupCounts, Values,
    View, Worth, Written,
};
use serde_json::Value;

/// The reference integrates to 3e-8 and better; the engine's risk differences claim 1e-7.
const TOLERANCE: f64 = 2e-7;

fn reference() -> Value {
    serde_json::from_str(include_str!("reference/decide.json")).expect("JSON")
}

fn shipped(name: &str) -> Decision {
    let mut decision = open_decision(name).expect("shipped");
    for outcome in &mut decision.outcomes {
        outcome.study = with_control_baselines(outcome.study.clone());
    }
    if let Some(layers) = &mut decision.layers {
        layers.outer = with_control_baselines(layers.outer.clone());
        layers.inner = with_control_baselines(layers.inner.clone());
    }
    decision
}

fn asked(decision: &Decision) -> Discussion {
    let found = decide(decision, Sampling::default()).expect("priors that can be made");
    assert!(found.ok, "{:?}", found.reasons);
    found
}

/// What is found of a shipped decision as it is; made once.
fn of_shipped(name: &str) -> Arc<Discussion> {
    type Once = Arc<OnceLock<Arc<Discussion>>>;
    static ALL: Mutex<BTreeMap<String, Once>> = Mutex::new(BTreeMap::new());
    let once = Arc::clone(ALL.lock().expect("no test panics here").entry(name.to_owned()).or_default());
    Arc::clone(once.get_or_init(|| Arc::new(asked(&shipped(name)))))
}

fn number(v: &Value) -> f64 {
    v.as_f64().unwrap_or_else(|| panic!("{v} is a number"))
}

fn subgroup(name: &str) -> Population {
    Population { scope: Scope::Subgroup, subgroup: Some(name.to_string()) }
}

fn effect<'a>(d: &'a Discussion, outcome: &str, population: &Population) -> &'a EffectRow {
    let of = |e: &&EffectRow| e.outcome == outcome && e.population == *population;
    d.effects.iter().find(of).expect("a reported outcome")
}

const KEYS: [(&str, &str); 3] =
    [("ras-basilar-function", "function"), ("ras-basilar-death", "death"), ("ras-basilar-sich", "sich")];

#[test]
fn risks_sizes_and_bounds_are_those_of_an_independent_program() {
    let all = reference();
    let mut compared = 0;
    for (name, keys) in [
        ("rescue-stenting", &KEYS[..]),
        ("rescue-by-etiology", &[("attention-ras-etiology", "etiology")][..]),
    ] {
        let mut decision = shipped(name);
        for outcome in &mut decision.outcomes {
            outcome.thresholds = vec![0.01, 0.03, 0.05, 0.1, 0.2];
        }
        let d = asked(&decision);
        for (outcome, key) in keys {
            let better =
                decision.outcomes.iter().find(|o| o.name == *outcome).expect("there").study.outcome.higher_is;
            for (g, expected) in all["datasets"][key].as_object().expect("subgroups") {
                let what = format!("{outcome}, {g}");
                let row = effect(&d, outcome, &subgroup(g));
                close(&what, row.mean_risk_control, number(&expected["mean_p0"]), TOLERANCE);
                close(&what, row.mean_risk_active, number(&expected["mean_p1"]), TOLERANCE);
                close(&what, row.mean_risk_difference, number(&expected["mean_rd"]), TOLERANCE);
                for (t, above) in expected["prob_rd_above"].as_object().expect("thresholds") {
                    let (t, above) = (t.parse::<f64>().expect("a number"), number(above));
                    let rises = t >= 0.0;
                    let direction = if rises == (better == HigherIs::Better) {
                        Direction::Benefit
                    } else {
                        Direction::Harm
                    };
                    let wanted = if rises { above } else { 1.0 - above };
                    let found = d.thresholds.iter().find(|r| {
                        r.outcome == *outcome
                            && r.population == row.population
                            && r.direction == direction
                            && r.threshold == t.abs()
                    });
                    close(&format!("{what}, {t}"), found.expect("listed").probability, wanted, TOLERANCE);
                    compared += 1;
                }
                for (quantity, key) in [("successes_anyway", "anyway"), ("failures_avoidable", "otherwise")] {
                    let found = d.attribution.iter().find(|a| {
                        a.outcome == *outcome && a.population == row.population && a.quantity == quantity
                    });
                    let found = found.expect("bounds");
                    for (end, q) in [("low", &found.low), ("high", &found.high)] {
                        let wanted = &expected["bounds"][format!("{key}_{end}")];
                        let numbers = [(q.q2_5, "0.025"), (q.median, "0.5"), (q.q97_5, "0.975")];
                        for (found, at) in numbers {
                            close(
                                &format!("{what}, {quantity} {end} {at}"),
                                found,
                                number(&wanted[at]),
                                1e-6,
                            );
                            compared += 1;
                        }
                    }
                }
            }
        }
    }
    assert_eq!(compared, 11 * (11 + 12), "eleven subgroups, eleven sizes, two bounds of two quantities");
}

#[test]
fn a_further_similar_subgroup_with_a_known_control_risk_is_that_of_an_independent_program() {
    let all = reference();
    let mut decision = shipped("rescue-stenting");
    for (outcome, (_, key)) in decision.outcomes.iter_mut().zip(KEYS) {
        outcome.baseline_risk = Some(number(&all["new"][key]["known_p0"]));
        outcome.thresholds = vec![0.05, 0.1];
    }
    let d = asked(&decision);
    let new = Population { scope: Scope::New, subgroup: None };
    for (outcome, key) in KEYS {
        let expected = &all["new"][key];
        let row = effect(&d, outcome, &new);
        close(outcome, row.mean_risk_active, number(&expected["mean_p1"]), TOLERANCE);
        close(outcome, row.mean_risk_difference, number(&expected["mean_rd"]), TOLERANCE);
        let worse = decision
            .outcomes
            .iter()
            .any(|o| o.name == outcome && o.study.outcome.higher_is == HigherIs::Worse);
        let above_0 = if worse { row.harm } else { row.benefit };
        close(outcome, above_0, number(&expected["prob_rd_above"]["0.0"]), TOLERANCE);
    }
}

/// The reference's weighted sum of three outcomes, as utilities.
fn of_three(weights: [f64; 3], cost: f64) -> Decision {
    let mut decision = shipped("rescue-stenting");
    for (outcome, event) in decision.outcomes.iter_mut().zip(weights) {
        outcome.values = Some(Worth::Event(Values { event, no_event: 0.0 }));
    }
    if cost > 0.0 {
        decision.costs =
            Some(Costs { unit: "EUR".to_string(), per_utility: 1000.0, of_arm: vec![0.0, 1000.0 * cost] });
    }
    decision.panel.clear();
    decision
}

#[test]
fn a_sum_of_outcomes_is_that_of_an_independent_program_under_independence_and_at_its_bounds() {
    let all = reference();
    for (key, cost) in [("D", 0.0), ("D - 0.01", 0.01)] {
        let d = asked(&of_three([0.8, -0.3, -0.2], cost));
        let here = subgroup("PC-SEARCH");
        let of = |name: &str| {
            d.actions.iter().find(|a| a.population == here && a.action == name).expect("an action")
        };
        let (stent, none) = (of("stent"), of("no stent"));
        let independent = &all["sum"]["independent"][key];
        let mean = stent.expected_utility.expect("values") - none.expected_utility.expect("values");
        close("mean", mean, number(&independent["mean"]), TOLERANCE);
        let best = stent.best.expect("values");
        close("P(best)", best.independent, number(&independent["prob_above_0"]), 1e-8);
        close("loss", stent.expected_loss.expect("values"), number(&independent["expected_loss"]), 1e-8);
        close("gain", none.expected_loss.expect("values"), number(&independent["expected_gain"]), 1e-7);
        let any = &all["sum"]["any_dependence"][key];
        close("low", best.low, 1.0 - number(&any["prob_below_0_high"]), 1e-6);
        close("high", best.high, 1.0 - number(&any["prob_below_0_low"]), 1e-6);
        // Of the active treatment turned round, that of the control.
        let other = none.best.expect("values");
        assert_eq!((other.low, other.high), (1.0 - best.high, 1.0 - best.low));
        let evpi = d.evpi.iter().find(|e| e.population == here).expect("a value");
        close("EVPI", evpi.evpi.expect("values"), number(&independent["expected_loss"]), 1e-8);
        let together = &all["sum"]["comonotone"][key];
        close("EVPI at most", evpi.evpi_high.expect("values"), number(&together["expected_loss"]), 1e-7);
    }
}

const ONE_DIFFERENCE: &str = r#"
title = "A difference"
[study]
assignment = "randomised"
[outcome]
name = "recovery"
kind = "estimate"
scale = "difference"
higher_is = "better"
[treatment]
name = "the drug"
control = "placebo"
active = "drug"
[subgroup]
name = "trial"
[model]
pooling = "complete"
[prior]
effect = "normal(0.01, 0.04)"
[data]
estimates = [{ subgroup = "all", estimate = -0.02, se = 0.03 }]

[decision]
question = "The drug?"
[[decision.outcome]]
utility = { event = 0.7, no_event = 0.2 }
baseline_risk = 0.4
[decision.costs]
unit = "EUR"
per_utility = 10000
actions = { drug = 20 }
"#;

#[test]
fn one_normal_outcome_has_the_closed_form_of_perfect_information() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("one.toml");
    fs::write(&path, ONE_DIFFERENCE).expect("written");
    let decision = open_decision(path.to_str().expect("UTF-8")).expect("valid");
    let d = asked(&decision);
    let precision = 1.0 / (0.04 * 0.04) + 1.0 / (0.03 * 0.03);
    let mean = (0.01 / (0.04 * 0.04) - 0.02 / (0.03 * 0.03)) / precision;
    let (m, s) = (0.5 * mean - 0.002, 0.5 / f64::sqrt(precision));
    let density = f64::exp(-0.5 * (m / s) * (m / s)) / f64::sqrt(2.0 * std::f64::consts::PI);
    let gain = s * density + m * normal_cdf(m / s);
    let here = subgroup("all");
    let drug = d.actions.iter().find(|a| a.action == "drug" && a.population == here).expect("an action");
    let placebo =
        d.actions.iter().find(|a| a.action == "placebo" && a.population == here).expect("an action");
    close("P(best)", drug.probability_best.expect("values"), normal_cdf(m / s), 1e-9);
    close("loss of placebo", placebo.expected_loss.expect("values"), gain, 1e-9);
    close("loss of drug", drug.expected_loss.expect("values"), gain - m, 1e-9);
    assert!(m < 0.0 && placebo.chosen == Some(true));
    close("EVPI", d.evpi[0].evpi.expect("values"), gain, 1e-9);
    close("utility of placebo", placebo.expected_utility.expect("values"), 0.2 + 0.5 * 0.4, 1e-12);
    // One outcome alone: nothing depends on dependence.
    assert_eq!(drug.probability_best_low, drug.probability_best_high);
}

fn beyond(d: &Discussion, outcome: &str, p: &Population, direction: Direction) -> Vec<(f64, f64)> {
    let mine =
        d.curve.iter().filter(|c| c.outcome == outcome && c.population == *p && c.direction == direction);
    mine.map(|c| (c.threshold, c.probability)).collect()
}

#[test]
fn curves_fall_and_are_the_table_and_the_bands_and_the_fit() {
    for name in ["rescue-stenting", "rescue-by-etiology"] {
        let decision = shipped(name);
        let d = of_shipped(name);
        let fit = |o: &DecisionOutcome| (o.name.clone(), analyse(&o.study, Options::default()));
        let fits: BTreeMap<_, _> = decision.outcomes.iter().map(fit).collect();
        for e in &d.effects {
            let mut mass = 0.0;
            for direction in [Direction::Benefit, Direction::Harm] {
                let curve = beyond(&d, &e.outcome, &e.population, direction);
                assert!(curve.len() >= 200, "{}", curve.len());
                assert!(curve.windows(2).all(|w| w[0].0 < w[1].0 && w[0].1 >= w[1].1), "{e:?}");
                assert_eq!(curve[0], (0.0, e.probability(direction)));
                let mine = |o: &str, p: &Population| o == e.outcome && *p == e.population;
                for row in d
                    .thresholds
                    .iter()
                    .filter(|r| mine(&r.outcome, &r.population) && r.direction == direction)
                {
                    assert!(curve.contains(&(row.threshold, row.probability)), "{row:?}");
                }
                let bands: Vec<_> = d
                    .bands
                    .iter()
                    .filter(|b| mine(&b.outcome, &b.population) && b.direction == direction)
                    .collect();
                assert_eq!(bands.len(), 4);
                for b in bands {
                    let at = |t: f64| curve.iter().find(|c| c.0 == t).expect("on the curve").1;
                    assert_eq!(b.probability, at(b.from) - b.to.map_or(0.0, at));
                    mass += b.probability;
                }
            }
            close("all bands", mass, e.benefit + e.harm, 1e-12);
            close("better or worse", e.benefit + e.harm, 1.0, 1e-9);
            let per_1000 = e.per_1000[0] as f64;
            assert!((per_1000 - 1000.0 * e.risk_difference.median).abs() <= 0.5);
            // What `fit` prints of the same.
            if e.population.scope == Scope::Subgroup {
                let fit = &fits[&e.outcome];
                let name = e.population.subgroup.as_deref().expect("a subgroup");
                let g = fit.names.place(name).expect("one of the study's");
                let difference = Estimand::of_subgroup(g, Measure::RiskDifference);
                let of =
                    |s| fit.probability(difference, s, 0.0).expect("a statement").best().expect("a number");
                close("benefit", e.benefit, of(Statement::Benefit), 1e-9);
                close("harm", e.harm, of(Statement::Harm), 1e-9);
            }
        }
    }
}

#[test]
fn verdicts_follow_from_the_numbers_that_they_cite() {
    let mut seen = Vec::new();
    for name in ["rescue-stenting", "rescue-by-etiology"] {
        let d = of_shipped(name);
        for rule in &d.rules {
            for c in &rule.criteria {
                let wanted = match c.probability {
                    None => Verdict::Undecided,
                    Some(p) => {
                        let curve = beyond(&d, &c.outcome, &rule.population, c.direction);
                        let at = curve.iter().find(|x| x.0 == c.threshold).expect("on the curve").1;
                        close("the criterion's number", p, at, 1e-12);
                        if (p >= c.required) == c.at_least { Verdict::Yes } else { Verdict::No }
                    }
                };
                assert_eq!(c.verdict, wanted, "{c:?}");
            }
            let any = |v| rule.criteria.iter().any(|c| c.verdict == v);
            let wanted = match (any(Verdict::No), any(Verdict::Undecided)) {
                (true, _) => Verdict::No,
                (_, true) => Verdict::Undecided,
                _ => Verdict::Yes,
            };
            assert_eq!(rule.verdict, wanted, "{rule:?}");
            seen.push(rule.verdict);
        }
    }
    for verdict in [Verdict::Yes, Verdict::No, Verdict::Undecided] {
        assert!(seen.contains(&verdict), "the shipped decisions have every verdict");
    }
}

#[test]
fn joint_bounds_are_frechets() {
    let d = of_shipped("rescue-by-etiology");
    for population in &d.populations {
        let rows: Vec<_> = d.joint.iter().filter(|j| j.population == *population).collect();
        assert_eq!(rows.len(), 4);
        close("the four cover everything", rows.iter().map(|j| j.probability.independent).sum(), 1.0, 1e-9);
        for j in rows {
            let p = effect(&d, &j.outcome, population).probability(j.direction);
            let q = effect(&d, &j.outcome_b, population).probability(j.direction_b);
            let wanted = Bounded { low: (p + q - 1.0).max(0.0), high: p.min(q), independent: p * q };
            assert_eq!(j.probability, wanted);
        }
    }
}

/// The worth of events and of their absence exchanged.
fn turned(worth: &Worth) -> Worth {
    match worth {
        Worth::Event(v) => Worth::Event(Values { event: v.no_event, no_event: v.event }),
        Worth::Levels(_) => panic!("no outcome here has levels"),
    }
}

/// Events and non-events exchanged: the same patients told of from the other side.
fn flipped(decision: &Decision) -> Decision {
    let mut other = decision.clone();
    for outcome in &mut other.outcomes {
        outcome.study = flipped_study(&outcome.study);
        outcome.values = outcome.values.as_ref().map(turned);
        outcome.baseline_risk = outcome.baseline_risk.map(|p| 1.0 - p);
    }
    if let Some(layers) = &mut other.layers {
        layers.outer = flipped_study(&layers.outer);
        layers.inner = flipped_study(&layers.inner);
    }
    for member in &mut other.panel {
        for view in &mut member.views {
            view.values = view.values.as_ref().map(turned);
            if let Some(effect) = &mut view.effect {
                effect.distribution = effect.distribution.mirrored();
            }
        }
    }
    other
}

/// What a claim says without the way in which events are told of, rounded to what two runs agree in.
fn essence(claim: &Claim) -> String {
    let round = |x: f64| format!("{:.4}", if x.abs() < 5e-5 { 0.0 } else { x });
    let says = match &claim.says {
        Says::Both { outcome_b, direction_b, both, .. } => {
            format!("both {outcome_b} {direction_b:?} {} {}", round(both.low), round(both.high))
        }
        Says::Rule { rule, verdict, criteria } => {
            let each: Vec<String> = criteria
                .iter()
                .map(|c| {
                    format!("{} {:?} {} {:?}", c.outcome, c.direction, c.threshold, c.probability.map(round))
                })
                .collect();
            format!("rule {rule} {verdict:?} {each:?}")
        }
        Says::Action { action, gain, best, expected_loss } => format!(
            "action {action} {} {} {} {}",
            round(*gain),
            round(best.low),
            round(best.high),
            round(*expected_loss)
        ),
        Says::PriorsFlip { action, priors, of, .. } => format!("priors {action} {priors:?} {of}"),
        Says::Dissent { action, members, of, .. } => format!("panel {action} {members:?} {of}"),
        Says::Layers { both, outer_probability, inner_probability, .. } => format!(
            "layers {} {} {}",
            round(both.independent),
            round(*outer_probability),
            round(*inner_probability)
        ),
        Says::WithoutLayer { .. } => "without the layer".to_string(),
        Says::QualitativeInteraction { prior_probability } => {
            format!("interaction {:?}", prior_probability.map(round))
        }
        Says::Shrinkage { share } => format!("shrinkage {}", round(*share)),
        Says::Leaning(l) => format!("leaning {:?}", l.prior_probability.map(round)),
        Says::Verdicts(found) => {
            let each = [&found.yes, &found.no, &found.undecided].map(|whose| {
                let mut names: Vec<String> = whose.iter().map(|w| format!("{w:?}")).collect();
                names.sort();
                names
            });
            format!("verdicts {} {each:?}", found.rule)
        }
        other => format!("{other:?}"),
    };
    // Draws differ between the runs.
    let probability = if claim.method == Method::Exact { claim.probability.map(round) } else { None };
    format!("{:?} {:?} {:?} {probability:?} {says}", claim.scope, claim.subgroup, claim.direction)
}

fn essences(d: &Discussion) -> Vec<String> {
    let mut all: Vec<String> = d.claims.iter().map(essence).collect();
    all.sort();
    all
}

#[test]
fn exchanging_events_and_non_events_leaves_every_claim() {
    for name in ["rescue-stenting", "rescue-by-etiology"] {
        let mut decision = shipped(name);
        // Priors made from other studies stay as they are when the study is turned round.
        for outcome in &mut decision.outcomes {
            outcome.study.named.clear();
        }
        let (one, other) = (asked(&decision), asked(&flipped(&decision)));
        assert_eq!(essences(&one), essences(&other));
        for (a, b) in one.attribution.iter().zip(&other.attribution) {
            assert_eq!((&a.population, a.quantity), (&b.population, b.quantity));
            for (x, y) in [(&a.low, &b.low), (&a.high, &b.high)] {
                close("a bound", x.median, y.median, 5e-6);
                close("a bound", x.q97_5, y.q97_5, 5e-6);
            }
        }
        for (a, b) in one.flips.iter().zip(&other.flips) {
            assert_eq!((&a.above, &a.below), (&b.above, &b.below));
            assert_eq!(a.value.map(|v| (1e6 * v).round()), b.value.map(|v| (1e6 * v).round()));
        }
    }
}

#[test]
fn the_order_of_subgroups_outcomes_and_actions_leaves_every_claim() {
    let mut decision = shipped("rescue-stenting");
    let one = of_shipped("rescue-stenting");
    decision.actions.reverse();
    for outcome in &mut decision.outcomes {
        let Data::Counts(counts) = &mut outcome.study.data else { panic!("counts") };
        counts.reverse();
    }
    let mut other = asked(&decision);
    // A further subgroup is the last one in both.
    other.claims.sort_by_key(|c| format!("{:?}", c.subgroup));
    assert_eq!(essences(&one), essences(&other));
}

#[test]
fn where_a_value_flips_the_choice_the_gain_is_the_required_one() {
    let d = of_shipped("rescue-stenting");
    let mut found = 0;
    for flip in &d.flips {
        let row = |value: f64| {
            d.value_map.iter().find(|r| {
                r.outcome == flip.outcome
                    && r.population == flip.population
                    && r.required_gain == flip.required_gain
                    && r.value == value
            })
        };
        let (at_0, at_1) = (row(0.0).expect("on the map"), row(1.0).expect("on the map"));
        assert_eq!((&flip.below, &flip.above), (&at_0.action, &at_1.action));
        match flip.value {
            Some(v) => {
                let gain = at_0.expected_gain + v * (at_1.expected_gain - at_0.expected_gain);
                close("gain where it flips", gain, flip.required_gain, 1e-12);
                assert_ne!(flip.below, flip.above);
                found += 1;
            }
            None => assert_eq!(flip.below, flip.above),
        }
    }
    assert!(found > 0, "the shipped decision has a flip");
    // As stated, the map is the choice that is told of.
    for action in d.actions.iter().filter(|a| a.chosen == Some(true)) {
        let gap = 0.72;
        let rows: Vec<_> = d
            .value_map
            .iter()
            .filter(|r| {
                r.population == action.population
                    && r.outcome == "ras-basilar-function"
                    && r.required_gain == 0.0
            })
            .collect();
        let slope = rows[1].expected_gain - rows[0].expected_gain;
        let stated = rows[0].expected_gain + slope * gap / rows[1].value;
        assert_eq!(stated > 0.0, action.action == "stent");
    }
}

fn prior(mean: f64, sd: f64) -> Option<Written<LocationPrior>> {
    Some(Written { distribution: LocationPrior::normal(mean, sd), words: String::new() })
}

/// One outcome, in one subgroup leaning to benefit.
fn small(members: &[(&str, View)]) -> Decision {
    let mut decision = shipped("rescue-by-etiology");
    decision.layers = None;
    decision.rules.clear();
    decision.outcomes.truncate(1);
    let outcome = &mut decision.outcomes[0];
    outcome.values = Some(Worth::Event(Values { event: 1.0, no_event: 0.0 }));
    outcome.study.named.clear();
    let Data::Counts(counts) = &mut outcome.study.data else { panic!("counts") };
    *counts = vec![
        SubgroupCounts { arms: vec![count(8, 40), count(13, 40)], ..counts[0].clone() },
        SubgroupCounts { arms: vec![count(9, 40), count(12, 40)], ..counts[1].clone() },
    ];
    decision.panel = members
        .iter()
        .map(|(name, view)| equipoise::study::Member {
            name: (*name).to_string(),
            weight: 1.0,
            views: vec![view.clone()],
        })
        .collect();
    // A gain of 0.05 is what the active treatment costs.
    decision.costs = Some(Costs { unit: "EUR".to_string(), per_utility: 1.0, of_arm: vec![0.0, 0.05] });
    decision
}

fn count(events: u64, total: u64) -> equipoise::study::ArmCounts {
    equipoise::study::ArmCounts { events, total, missing: 0, source: None }
}

#[test]
fn members_differ_by_prior_by_values_by_either_or_by_both_together() {
    let value = |event: f64| Some(Worth::Event(Values { event, no_event: 0.0 }));
    let view = |effect, values| View { effect, heterogeneity: None, values };
    let members = [
        ("as stated", view(None, None)),
        ("prior", view(prior(-0.6, 0.2), None)),
        ("values", view(None, value(0.5))),
        ("either", view(prior(-0.6, 0.2), value(0.5))),
        ("a little of both", view(prior(0.0, 0.30), value(0.92))),
    ];
    let d = asked(&small(&members));
    let panel = d.panel.as_ref().expect("a panel");
    let first = subgroup("atherosclerotic");
    let of = |name: &str| {
        let row = panel.members.iter().find(|m| m.member == name && m.population == first);
        row.expect("a member")
    };
    let stated =
        d.actions.iter().find(|a| a.population == first && a.chosen == Some(true)).expect("a choice");
    assert_eq!(stated.action, "rescue");
    assert_eq!((of("as stated").differs, of("as stated").by), (Some(false), None));
    let utility = |name: &str| {
        let found = d.actions.iter().find(|a| a.population == first && a.action == name);
        found.and_then(|a| a.expected_utility).expect("values")
    };
    close(
        "as stated",
        of("as stated").expected_gain.expect("values"),
        utility("rescue") - utility("no rescue"),
        1e-12,
    );
    close(
        "as stated",
        of("as stated").benefit.expect("values"),
        effect(&d, &decision_name(&d), &first).benefit,
        1e-12,
    );
    for (name, by) in [("prior", By::Prior), ("values", By::Values), ("either", By::Either)] {
        assert_eq!(of(name).by, Some(by), "{:?}", of(name));
        assert_eq!(of(name).action.as_deref(), Some("no rescue"));
    }
    let little = of("a little of both");
    assert_eq!(little.by, Some(By::Both), "{little:?}; stated {}", utility("rescue") - utility("no rescue"));
}

fn decision_name(d: &Discussion) -> String {
    d.effects[0].outcome.clone()
}

#[test]
fn a_pool_of_one_is_that_member_and_the_linear_pool_averages() {
    let view = View {
        effect: prior(0.3, 0.25),
        heterogeneity: None,
        values: Some(Worth::Event(Values { event: 0.9, no_event: 0.1 })),
    };
    let other = View { effect: prior(-0.2, 0.4), heterogeneity: None, values: None };
    let alone = asked(&small(&[("one", view.clone())]));
    let panel = alone.panel.as_ref().expect("a panel");
    for (member, p) in panel.members.iter().flat_map(|m| panel.pools.iter().map(move |p| (m, p))) {
        if member.population == p.population {
            close("P(benefit)", p.benefit.expect("pooled"), member.benefit.expect("known"), 1e-9);
            close("gain", p.expected_gain.expect("pooled"), member.expected_gain.expect("known"), 1e-9);
        }
    }
    let mut both = small(&[("one", view), ("other", other)]);
    both.panel[0].weight = 3.0;
    let d = asked(&both);
    let panel = d.panel.as_ref().expect("a panel");
    for population in &d.populations {
        let of = |name: &str| {
            let row = panel.members.iter().find(|m| m.member == name && m.population == *population);
            row.and_then(|m| m.benefit).expect("a member")
        };
        let linear = panel.pools.iter().find(|p| p.population == *population).expect("a pool");
        close("linear", linear.benefit.expect("pooled"), 0.75 * of("one") + 0.25 * of("other"), 1e-12);
    }
}

#[test]
fn ratios_of_shares_have_neither_steps_nor_gaps() {
    let arm = |events, total| Arm { events, total };
    let rows = [
        (arm(10.0, 54.0), arm(29.0, 65.0)),
        (arm(0.0, 12.0), arm(3.0, 11.0)),
        (arm(40.0, 41.0), arm(17.0, 20.0)),
        (arm(2.0, 600.0), arm(9.0, 610.0)),
    ];
    let counts = rows.map(|(control, active)| BinomialPair::new(control, active)).to_vec();
    let model = Model { effect: LocationPrior::normal(0.0, 1.0), ..counts_model(counts) };
    let posterior = ExactPosterior::new(&model, Resolution::default()).expect("covered");
    let shares = [[true, true], [true, false], [false, true], [false, false]]
        .map(|[control_event, active_event]| RiskMeasure::Shares { control_event, active_event });
    let measures = [RiskMeasure::Difference, RiskMeasure::Ratio].into_iter().chain(shares);
    for (g, measure) in measures.flat_map(|m| (0..4).map(move |g| (g, m))) {
        let d = posterior.risk(g, measure).expect("counts");
        let what = format!("{g} {measure:?}");
        let [first, last] = [0.0005, 0.9995].map(|p| d.quantile(p));
        let mut before = 0.0;
        for k in 0..=300 {
            let share = f64::from(k) / 300.0;
            let x = match measure {
                RiskMeasure::Difference => first + (last - first) * share,
                _ => first * (last / first).powf(share),
            };
            let p = d.cdf(x);
            assert!(p > before - 1e-9 && p - before < 0.03, "{what}: {p} after {before} at {x}");
            before = p;
        }
        for p in [0.0005, 0.025, 0.5, 0.975, 0.9995] {
            close(&what, d.cdf(d.quantile(p)), p, 1e-9);
        }
    }
}

#[test]
fn an_outcome_under_no_pooling_or_known_by_estimates_alone_is_decided_on_too() {
    let mut decision = shipped("rescue-by-etiology");
    decision.layers = None;
    for outcome in &mut decision.outcomes {
        outcome.study = Study { pooling: Pooling::None, ..outcome.study.clone() };
    }
    let d = asked(&decision);
    assert!(d.actions.iter().all(|a| a.expected_utility.is_some()));
    assert!(d.credibility.as_ref().is_some_and(|c| c.shrinkage.is_empty()), "nothing is drawn together");
}

#[test]
fn a_run_that_fails_its_checks_says_nothing_of_the_treatment() {
    let mut decision = shipped("rescue-by-etiology");
    let exchangeable = BaselinePrior::Exchangeable {
        mean: LocationPrior::normal(0.0, 1.5),
        sd: HeterogeneityPrior::HalfNormal { scale: 1.0 },
    };
    decision.outcomes[1].study.priors.baseline =
        Some(Written { distribution: exchangeable, words: String::new() });
    let hasty = Sampling { warmup: 10, draws: Some(10), ..Sampling::default() };
    let d = decide(&decision, hasty).expect("priors that can be made");
    assert!(
        !d.ok && d.reasons.iter().any(|r| r.starts_with("attention-ras-reperfusion: ")),
        "{:?}",
        d.reasons
    );
    assert!(d.effects.is_empty() && d.claims.is_empty() && d.actions.is_empty() && d.curve.is_empty());
    let text = equipoise::report::decide_text(&decision, &d, equipoise::report::Length::Full);
    assert!(text.contains("No result") && !text.contains("P(") && !text.contains("robability"), "{text}");
}

fn more() -> Value {
    serde_json::from_str(include_str!("reference/decide_more.json")).expect("JSON")
}

fn key(population: &Population) -> String {
    population.subgroup.clone().unwrap_or_else(|| "new".to_string())
}

#[test]
fn members_pools_and_other_priors_are_those_of_an_independent_program() {
    let all = more();
    let mut compared = 0;
    for name in ["rescue-stenting", "rescue-by-etiology"] {
        let d = of_shipped(name);
        let panel = d.panel.as_ref().expect("a panel");
        let members = panel.members.iter().map(|m| {
            (m.member.clone(), &all["members"][name][&m.member], &m.population, m.benefit, m.expected_gain)
        });
        let pools = panel.pools.iter().map(|p| {
            let pool = format!("{:?}", p.pool).to_lowercase();
            let expected = &all["pools"][name][&pool];
            (pool, expected, &p.population, p.benefit, p.expected_gain)
        });
        for (who, expected, population, benefit, gain) in members.chain(pools) {
            let expected = &expected[key(population)];
            for (found, wanted) in [(benefit, &expected["benefit"]), (gain, &expected["gain"])] {
                let what = format!("{name}, {who}, {population:?}");
                assert_eq!(found.is_none(), wanted.is_null(), "{what}");
                if let Some(found) = found {
                    close(&what, found, number(wanted), 5e-7);
                    compared += 1;
                }
            }
        }
        for row in &d.by_prior {
            let wanted = &all["by_prior"][name][&row.prior][key(&row.population)];
            if wanted.is_number() {
                let what = format!("{name}, {}, {:?}", row.prior, row.population);
                close(&what, row.expected_gain.expect("exact"), number(wanted), 5e-7);
                compared += 1;
            }
        }
    }
    // Members: 3 in 4 populations (P) and in 2 (gain), and 3 in 2 of the other; two pools likewise; nine priors in 2 and 2.
    assert_eq!(compared, 5 * (4 + 2) + 5 * (2 + 2) + 9 * (2 + 2));
}

#[test]
fn layers_tests_and_shrinkage_are_those_of_an_independent_program() {
    let all = more();
    let d = of_shipped("rescue-by-etiology");
    let (layers, expected) = (d.layers.as_ref().expect("layers"), &all["layers"]);
    close("outer", layers.outer_benefit, number(&expected["outer_benefit"]), TOLERANCE);
    for row in &layers.subgroups {
        close(&row.subgroup, row.inner_harm, number(&expected["inner_harm"][&row.subgroup]), TOLERANCE);
    }
    let implied = layers.implied.as_ref().expect("counts");
    // Means of draws and simulated quantiles: within four of their own errors, and the other's.
    let [of_median, of_low, of_high] = implied.errors;
    close("mean", implied.mean_risk_difference, number(&expected["mean"]), 4.0 * of_median);
    let q = &implied.risk_difference;
    for (found, at, error) in
        [(q.q2_5, "0.025", of_low), (q.median, "0.5", of_median), (q.q97_5, "0.975", of_high)]
    {
        assert!(error < 0.002, "{error}");
        close(at, found, number(&expected["quantiles"][at]), 4.0 * error + 1e-4);
    }
    close("benefit", implied.benefit, number(&expected["benefit"]), 5e-4);
    assert!(implied.benefit_low <= implied.benefit && implied.benefit <= implied.benefit_high);
    for (name, key, tolerance) in
        [("rescue-stenting", "function", 0.01), ("rescue-by-etiology", "etiology", 1e-3)]
    {
        let d = of_shipped(name);
        let c = d.credibility.as_ref().expect("several subgroups");
        let (test, wanted) = (c.test.as_ref().expect("counts"), &all["interaction"][key]);
        close("statistic", test.statistic, number(&wanted["statistic"]), 1e-7);
        assert_eq!(u64::from(test.degrees_of_freedom), wanted["df"].as_u64().expect("a count"));
        close("p", test.p_value, number(&wanted["p"]), 1e-8);
        let wanted = &all["shrinkage"][key];
        // The reference reads its medians off a table by straight lines.
        close("spread", c.shrinkage_of_spread.expect("pooled"), number(&wanted["shrinkage"]), 5e-6);
        for row in &c.shrinkage {
            close(&row.subgroup, row.alone, number(&wanted["alone"][&row.subgroup]), 2e-6);
            close(&row.subgroup, row.modelled, number(&wanted["modelled"][&row.subgroup]), 2e-6);
        }
        close(
            "opposite",
            c.qualitative_interaction.expect("known"),
            number(&all["opposite"][key]),
            tolerance,
        );
    }
}
