//! `compare` against an independent program (`tests/reference/compare.py`), closed forms, and itself turned around.

use std::sync::{Arc, OnceLock};

use crate::common;

use common::shipped::{Kept, comparison};
use common::{cells_of, close, estimates_model, flipped_study, recounted, study_of, with_control_baselines};
use equipoise::compare::{Asked, Comparison, Request, STATED, compare};
use equipoise::exact::{ExactPosterior, Resolution};
use equipoise::input::open;
use equipoise::model::{HeterogeneityPrior, LocationPrior, Model, NormalComponent, Pooling};
use equipoise::numeric::{normal_cdf, normal_quantile};
use equipoise::posterior::{Scope, Statement};
use equipoise::study::{Data, NamedPriors, Study};
use serde_json::Value;

/// Numbers of the reference program are right to 1e-11; ours to what the lattice and the engine claim.
const TOLERANCE: f64 = 2e-6;

fn reference() -> Value {
    serde_json::from_str(include_str!("reference/compare.json")).expect("JSON")
}

fn ask(study: &Study, priors: &[&str], grid: bool) -> Comparison {
    let priors = Asked(priors.iter().map(|p| (*p).to_string()).collect());
    compare(study, &Request { priors, grid, ..Request::default() }).expect("known priors")
}

/// A shipped study without its further priors, and its comparison with the grid, which is beside all the rest; made once.
fn of_the_library(name: &str) -> Arc<(Study, Comparison)> {
    static ALL: Kept<(Study, Comparison)> = Kept::new();
    ALL.get(name, || {
        let mut study = open(name).expect("shipped");
        study.named.clear();
        let found = ask(&study, &[], true);
        (study, found)
    })
}

fn number(v: &Value) -> f64 {
    v.as_f64().expect("a number")
}

fn pooling_key(pooling: equipoise::study::Pooling) -> &'static str {
    pooling.in_words()
}

/// Both data sets of the reference, with all that is compared of them; made once.
fn both() -> &'static [(&'static str, Study, Comparison)] {
    static BOTH: OnceLock<[(&str, Study, Comparison); 2]> = OnceLock::new();
    BOTH.get_or_init(|| {
        [("etiology", "attention-ras-etiology"), ("cohorts", "ras-basilar-function")].map(|(key, name)| {
            let study = with_control_baselines(open(name).expect("shipped"));
            let found = ask(&study, &[], false);
            (key, study, found)
        })
    })
}

#[test]
fn every_number_is_that_of_an_independent_program() {
    let all = reference();
    for (key, study, c) in both() {
        let expected = &all[*key];
        let names = study.data.names();
        let place = |name: &str| names.iter().position(|n| *n == name).expect("a subgroup");
        for row in c.table.iter().filter(|r| r.scope == Scope::Subgroup && r.statement == Statement::Benefit)
        {
            let prior = &expected["benefit"][pooling_key(row.pooling)][row.prior.replace('-', "_")];
            if let Some(p) = prior.get(place(row.subgroup.as_deref().expect("a subgroup"))) {
                close(&format!("{row:?}"), row.probability.expect("exact"), number(p), TOLERANCE);
            }
        }
        let scales = expected["tau_curve"]["scales"].as_array().expect("scales");
        for (scale, of) in scales.iter().zip(expected["tau_curve"]["benefit"].as_array().expect("rows")) {
            for (g, name) in names.iter().enumerate() {
                let point = c.tau_curve.iter().find(|p| {
                    p.prior == STATED
                        && p.subgroup == *name
                        && p.statement == Statement::Benefit
                        && (p.scale - number(scale)).abs() < 1e-12
                });
                let p = point.expect("the curve passes there").probability.expect("exact");
                close("curve", p, number(&of[g]), TOLERANCE);
            }
        }
        for (g, name) in names.iter().enumerate() {
            for (statement, word) in [(Statement::Benefit, "benefit"), (Statement::Harm, "harm")] {
                for line in [0.5, 0.8, 0.9, 0.95] {
                    let mut expected: Vec<f64> = expected["crossings"][g][word][line.to_string()]
                        .as_array()
                        .expect("scales")
                        .iter()
                        .map(number)
                        .collect();
                    let mut found: Vec<f64> = c
                        .crossings
                        .iter()
                        .filter(|x| {
                            x.prior == STATED
                                && x.subgroup == *name
                                && x.statement == statement
                                && x.line == line
                        })
                        .map(|x| x.scale)
                        .collect();
                    assert_eq!(found.len(), expected.len(), "{name} {word} {line}");
                    expected.sort_by(f64::total_cmp);
                    found.sort_by(f64::total_cmp);
                    for (a, b) in found.iter().zip(&expected) {
                        close("crossing", *a, *b, 1e-5 * b);
                    }
                }
                for line in [0.8, 0.9, 0.95] {
                    let expected = &expected["tipping"][g][word]["lines"][line.to_string()];
                    let row = c
                        .tipping
                        .iter()
                        .find(|t| t.subgroup == *name && t.statement == statement && t.line == line)
                        .expect("every statement and line");
                    let pairs = [("sd", row.sceptical_sd), ("centre", row.prior_centre)];
                    for (key, found) in pairs {
                        assert_eq!(found, found.filter(|_| !expected[key].is_null()), "{name} {word} {line}");
                        if let Some(found) = found {
                            close(key, found, number(&expected[key]), 1e-5);
                        } else {
                            assert!(expected[key].is_null(), "{name} {word} {line} {key}");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn who_decided_adds_up_and_its_corners_are_those_of_an_independent_program() {
    let all = reference();
    for (key, study, c) in both() {
        let expected = &all[*key];
        let names = study.data.names();
        for row in &c.who_decided {
            let g = names.iter().position(|n| *n == row.subgroup).expect("a subgroup");
            let word = match row.statement {
                Statement::Benefit => "benefit",
                Statement::Harm => "harm",
                Statement::BenefitAtLeast => "rd_above",
                _ => "rd_below",
            };
            let parts = [row.data, row.effect_prior, row.heterogeneity_prior, row.baseline_prior];
            let shifts: f64 = parts.iter().map(|p| p.expect("proper")).sum();
            let sum = row.baseline.expect("proper") + shifts;
            close("sum of parts", sum, row.probability.expect("proper"), 1e-9);
            assert_eq!(row.corners.len(), 16);
            // The program held the baseline prior as stated: half of the corners are its eight, and make its parts.
            let held: Vec<_> = row.corners.iter().filter(|c| c.baseline_prior).collect();
            let at = |on: [bool; 3]| {
                let same = held.iter().find(|c| [c.data, c.effect_prior, c.heterogeneity_prior] == on);
                same.and_then(|c| c.probability).expect("a corner")
            };
            for (player, part) in ["data", "effect", "heterogeneity"].into_iter().enumerate() {
                let mut shift = 0.0;
                for others in 0..4 {
                    let mut on = [false; 3];
                    let rest = [(player + 1) % 3, (player + 2) % 3];
                    (on[rest[0]], on[rest[1]]) = (others & 1 > 0, others & 2 > 0);
                    let without = at(on);
                    on[player] = true;
                    // Of the six orders two have none of the others before, two both, one each of the rest.
                    let weight = if others == 1 || others == 2 { 1.0 } else { 2.0 } / 6.0;
                    shift += weight * (at(on) - without);
                }
                close(part, shift, number(&expected["shapley"][word][part][g]), TOLERANCE);
            }
            for corner in held {
                let same = expected["corners"].as_array().expect("corners").iter().find(|x| {
                    x["data"] == corner.data
                        && x["effect_stated"] == corner.effect_prior
                        && x["heterogeneity_stated"] == corner.heterogeneity_prior
                });
                let expected = number(&same.expect("eight corners")[word][g]);
                close("corner", corner.probability.expect("proper"), expected, TOLERANCE);
            }
        }
    }
}

#[test]
fn evidence_leaving_one_out_envelope_and_power_are_those_of_an_independent_program() {
    let all = reference();
    for (key, study, c) in both() {
        let expected = &all[*key];
        for row in &c.poolings {
            let pooling = pooling_key(row.pooling);
            let evidence = row.log_marginal_likelihood.expect("proper");
            close("evidence", evidence, number(&expected["log_marginal"][pooling]), 1e-7);
            close("elpd", row.elpd.expect("exact"), number(&expected["loo"][pooling]["elpd"]), 1e-7);
        }
        let names = study.data.names();
        let place = |name: &str| names.iter().position(|n| *n == name).expect("a subgroup");
        for row in c.envelope.iter().filter(|e| e.statement == Statement::Benefit) {
            let expected = &expected["envelope"][place(&row.subgroup)];
            close("lowest", row.low.expect("found"), number(&expected["min"]["benefit"]), 1e-5);
            close("highest", row.high.expect("found"), number(&expected["max"]["benefit"]), 1e-5);
        }
        for row in c.power_scaling.iter().filter(|r| r.statement == Some(Statement::Benefit)) {
            let g = place(row.subgroup.as_deref().expect("a subgroup"));
            close(
                "of the priors",
                row.prior.expect("refitted"),
                number(&expected["power"]["priors"][g]),
                1e-6,
            );
            let likelihood = number(&expected["power"]["likelihood"][g]);
            close("of the data", row.likelihood.expect("refitted"), likelihood, 1e-6);
        }
    }
}

#[test]
fn a_prior_from_other_cohorts_is_their_prediction_discounted() {
    let expected = &reference()["etiology"]["external"];
    let study = with_control_baselines(open("attention-ras-etiology").expect("shipped"));
    let names = ["cohorts-0", "cohorts-25", "cohorts-50", "cohorts-100"];
    let c = ask(&study, &names, false);
    for (name, of) in names.iter().zip(expected["benefit"].as_array().expect("a row a weight")) {
        let rows = c.table.iter().filter(|r| {
            r.prior == *name
                && r.scope == Scope::Subgroup
                && r.statement == Statement::Benefit
                && r.pooling == study.pooling
        });
        for (row, p) in rows.zip(of.as_array().expect("a number a subgroup")) {
            // The mixture stands for the prediction to 3e-4 in probability.
            close(name, row.probability.expect("exact"), number(p), 2e-5);
        }
    }
    // Not believed at all: the stated prior to the last bit.
    let of = |prior: &str| {
        let rows = c.table.iter().filter(|r| r.prior == prior);
        rows.map(|r| (r.probability, r.prior_probability)).collect::<Vec<_>>()
    };
    assert_eq!(of("cohorts-0"), of(STATED));
}

/// One estimate y with standard error s under N(m, d²), complete pooling: everything is closed.
fn one_estimate(y: f64, se: f64, effect: LocationPrior) -> Study {
    study_of(&estimates_model(&[(y, se)], Pooling::Complete, effect))
}

#[test]
fn tipping_points_of_one_estimate_are_the_closed_form() {
    let (y, se, d) = (0.9, 0.4, 0.6);
    let study = one_estimate(y, se, LocationPrior::normal(0.0, d));
    let c = ask(&study, &[STATED], false);
    let z = |p: f64| normal_quantile(p);
    let stated = normal_cdf(y * d / (se * (d * d + se * se).sqrt()));
    for line in [0.8, 0.9, 0.95] {
        let row = c
            .tipping
            .iter()
            .find(|t| t.statement == Statement::Benefit && t.line == line)
            .expect("every statement and line");
        close("stated", row.probability.expect("exact"), stated, 1e-12);
        // P = Φ(y D/(s √(D² + s²))): D² = z² s⁴/(y² − z² s²).
        let z = z(line);
        let sd = z * se * se / (y * y - z * z * se * se).sqrt();
        close("sceptical sd", row.sceptical_sd.expect("falls to the line"), sd, 1e-6);
        if stated > line {
            // P = Φ((c/D² + y/s²) · √(D² s²/(D² + s²))).
            let width = (d * d * se * se / (d * d + se * se)).sqrt();
            let centre = d * d * (z / width - y / (se * se));
            close("centre", row.prior_centre.expect("falls to the line"), centre, 1e-6);
        }
    }
}

#[test]
fn the_frontier_of_one_estimate_keeps_the_sum_of_variances() {
    let (y, se, d, tau) = (1.1, 0.4, 0.6, 0.2);
    let pooling = Pooling::Partial(HeterogeneityPrior::Fixed { value: tau });
    let study = study_of(&estimates_model(&[(y, se)], pooling, LocationPrior::normal(0.0, d)));
    let c = ask(&study, &[STATED], false);
    let mut seen = 0;
    for row in c.tipping.iter().filter(|t| t.statement == Statement::Benefit && !t.frontier.is_empty()) {
        let z = normal_quantile(row.line);
        let sum = z * z * se.powi(4) / (y * y - z * z * se * se);
        for point in &row.frontier {
            match point.sceptical_sd {
                Some(sd) => {
                    close("variances", sd * sd + point.tau_scale * point.tau_scale, sum, 1e-5);
                    seen += 1;
                }
                None => assert!(point.tau_scale * point.tau_scale > sum - 0.05 * 0.05),
            }
        }
    }
    assert!(seen >= 3, "{seen} points");
}

#[test]
fn a_mixture_prior_of_one_estimate_is_the_closed_form() {
    let (y, se) = (0.5, 0.3);
    let parts = [(0.7, -0.3, 0.2), (0.3, 0.1, 0.8)];
    let mut study = one_estimate(y, se, LocationPrior::normal(0.0, 1.0));
    let normals = parts.iter().map(|&(weight, mean, sd)| NormalComponent { weight, mean, sd }).collect();
    let mut priors = study.priors.clone();
    priors.effect.distribution = LocationPrior::Normals(normals);
    study.named.push(NamedPriors { name: "two".to_string(), priors, external: None });
    let c = ask(&study, &["two"], false);
    let (mut total, mut above) = (0.0, 0.0);
    for (w, m, d) in parts {
        let v = d * d + se * se;
        let density = w * (-0.5 * (y - m) * (y - m) / v).exp() / v.sqrt();
        let mean = (m * se * se + y * d * d) / v;
        total += density;
        above += density * normal_cdf(mean / (d * se / v.sqrt()));
    }
    let row = c
        .table
        .iter()
        .find(|r| r.prior == "two" && r.statement == Statement::Benefit && r.scope == Scope::Subgroup);
    close("mixture", row.expect("asked for").probability.expect("exact"), above / total, 1e-12);
}

#[test]
fn the_sensitivity_to_power_of_one_estimate_is_the_derivative() {
    let (y, se, d) = (0.4, 0.3, 0.5);
    let c = ask(&one_estimate(y, se, LocationPrior::normal(0.0, d)), &[STATED], false);
    // With precisions a/D² and b/s²: P = Φ(y b/s² / √(a/D² + b/s²)).
    let p = |a: f64, b: f64| normal_cdf(y * b / (se * se) / (a / (d * d) + b / (se * se)).sqrt());
    let slope = |f: &dyn Fn(f64) -> f64| (f(1e-4_f64.exp2()) - f((-1e-4_f64).exp2())) / 2e-4;
    let row = c.power_scaling.iter().find(|r| r.statement == Some(Statement::Benefit)).expect("asked");
    close("prior", row.prior.expect("refitted"), slope(&|a| p(a, 1.0)), 1e-6);
    close("data", row.likelihood.expect("refitted"), slope(&|b| p(1.0, b)), 1e-6);
}

#[test]
fn the_envelope_holds_every_grid_point_of_its_family() {
    for name in ["attention-ras-etiology", "ras-basilar-sich", "ist-aspirin-subtype"] {
        let (study, c) = &*of_the_library(name);
        let mut held = 0;
        for row in c.grid.as_ref().expect("asked for") {
            let in_family = row.heterogeneity.as_deref().is_some_and(|h| h.starts_with("half-normal"));
            // Whatever the stated prior is, only normals of the box count.
            let in_box =
                row.prior != STATED || study.priors.effect.distribution == LocationPrior::normal(0.0, 0.355);
            if row.statement != Statement::Benefit || row.pooling != study.pooling || !in_family || !in_box {
                continue;
            }
            let of = |e: &&equipoise::compare::Envelope| {
                e.subgroup == row.subgroup && e.statement == row.statement
            };
            let envelope = c.envelope.iter().find(of).expect("every subgroup");
            let p = row.probability.expect("exact");
            let (low, high) = (envelope.low.expect("found"), envelope.high.expect("found"));
            assert!(low - 1e-7 <= p && p <= high + 1e-7, "{row:?} lies outside {low} to {high}");
            held += 1;
        }
        assert!(held > 0, "{name}");
    }
}

#[test]
fn the_curve_of_two_estimates_is_the_published_one() {
    let all: Value = serde_json::from_str(include_str!("reference/exact_posteriors.json")).expect("JSON");
    let published = &all["two_subgroup_tau_curve"];
    let rows: Vec<(f64, f64)> = published["log_or"]
        .as_array()
        .expect("a list")
        .iter()
        .zip(published["se"].as_array().expect("a list"))
        .map(|(y, se)| (number(y), number(se)))
        .collect();
    for (scale, expected) in published["p_or_gt_1"].as_object().expect("scales") {
        let scale: f64 = scale.parse().expect("a scale");
        let pooling = Pooling::Partial(HeterogeneityPrior::HalfNormal { scale });
        let study = study_of(&estimates_model(&rows, pooling, LocationPrior::normal(0.0, 0.355)));
        let c = ask(&study, &[STATED], false);
        for (g, name) in study.data.names().iter().enumerate() {
            let here = |p: &&equipoise::compare::CurvePoint| {
                p.subgroup == *name
                    && p.statement == Statement::Benefit
                    && (p.scale / scale - 1.0).abs() < 1e-12
            };
            let point = c.tau_curve.iter().find(here).expect("the curve passes the stated scale");
            let tolerance = number(&published["tolerance"]["p_or_gt_1"]);
            close("P(OR > 1)", point.probability.expect("exact"), number(&expected[g]), tolerance);
        }
        assert!(c.tau_curve.iter().filter(|p| p.subgroup == study.data.names()[0]).count() >= 2 * 25);
    }
}

#[test]
fn flipping_the_outcome_changes_no_conclusion() {
    for name in ["attention-ras-etiology", "ras-basilar-sich", "eight-schools"] {
        let (study, a) = &*of_the_library(name);
        let b = ask(&flipped_study(study), &[], false);
        let same = |what: &str, x: Option<f64>, y: Option<f64>| match (x, y) {
            (Some(x), Some(y)) => close(&format!("{name}: {what}"), x, y, 1e-6),
            (x, y) => assert_eq!(x, y, "{name}: {what}"),
        };
        for (x, y) in a.table.iter().zip(&b.table) {
            assert_eq!((&x.prior, x.pooling, x.statement), (&y.prior, y.pooling, y.statement));
            same("table", x.probability, y.probability);
            same("prior", x.prior_probability, y.prior_probability);
        }
        for (x, y) in a.tau_curve.iter().zip(&b.tau_curve) {
            same("curve", x.probability, y.probability);
        }
        for (x, y) in a.tipping.iter().zip(&b.tipping) {
            assert_eq!((x.statement, x.line), (y.statement, y.line));
            same("sceptical sd", x.sceptical_sd, y.sceptical_sd);
            same("centre", x.prior_centre, y.prior_centre.map(|c| -c));
        }
        for (x, y) in a.envelope.iter().zip(&b.envelope) {
            same("lowest", x.low, y.low);
            same("highest", x.high, y.high);
        }
        for (x, y) in a.who_decided.iter().zip(&b.who_decided) {
            same("data", x.data, y.data);
        }
        for (x, y) in a.priors.iter().zip(&b.priors) {
            assert_eq!(x.name, y.name);
            same("benefit", x.says.benefit, y.says.benefit);
        }
    }
}

#[test]
fn permuting_subgroups_permutes_the_comparison() {
    let (study, a) = &*comparison("ras-basilar-function");
    let mut study = study.clone();
    let Data::Counts(rows) = &mut study.data else { panic!("counts") };
    rows.reverse();
    let b = ask(&study, &[], false);
    for x in &a.tipping {
        let same = |y: &&equipoise::compare::Tipping| {
            y.subgroup == x.subgroup && y.statement == x.statement && y.line == x.line
        };
        let y = b.tipping.iter().find(same).expect("the same rows");
        match (x.sceptical_sd, y.sceptical_sd) {
            (Some(p), Some(q)) => close("sceptical sd", p, q, 1e-6),
            (p, q) => assert_eq!(p, q),
        }
    }
    for x in &a.table {
        let y = b.table.iter().find(|y| {
            y.prior == x.prior
                && y.pooling == x.pooling
                && y.scope == x.scope
                && y.subgroup == x.subgroup
                && y.subgroup_b == x.subgroup_b
                && y.statement == x.statement
        });
        if let (Some(p), Some(q)) = (x.probability, y.and_then(|y| y.probability)) {
            close("table", p, q, 1e-9);
        } else {
            assert_eq!(x.scope, Scope::Pair, "pairs are told the other way round");
        }
    }
    for (x, y) in a.poolings.iter().zip(&b.poolings) {
        close("elpd", x.elpd.expect("exact"), y.elpd.expect("exact"), 1e-8);
    }
}

#[test]
fn the_sampled_comparison_agrees_with_the_exact_one() {
    let mut study = open("attention-ras-etiology").expect("shipped");
    study.named.clear();
    let request = Request { priors: Asked(vec![STATED.to_string()]), sampled: true, ..Request::default() };
    let (sampled, exact) = (compare(&study, &request).expect("known"), ask(&study, &[STATED], false));
    assert!(sampled.ok, "{:?}", sampled.reasons);
    for (s, e) in sampled.table.iter().zip(&exact.table) {
        if let (Some(p), Some(q)) = (s.probability, e.probability) {
            close(&format!("{s:?}"), p, q, 5.0 * s.mcse.unwrap_or(0.005).max(0.002));
        }
    }
    // By patients: Pareto-smoothed weights against leaving each out and refitting.
    for (s, e) in sampled.poolings.iter().zip(&exact.poolings) {
        assert_eq!((s.method, e.method), ("psis", "exact"));
        assert!(s.max_k.expect("reweighted") < s.trusted_k.expect("known"));
        close("elpd", s.elpd.expect("reweighted"), e.elpd.expect("exact"), 0.08);
        close("its standard error", s.elpd_se.expect("known"), e.elpd_se.expect("known"), 0.02);
    }
    for (s, e) in sampled.power_scaling.iter().zip(&exact.power_scaling) {
        assert_eq!((s.method, e.method), ("psis", "refit"));
        let near = |what: &str, x: Option<f64>, y: Option<f64>| {
            close(what, x.expect("reweighted"), y.expect("refitted"), 0.02);
        };
        near(&format!("prior {s:?}"), s.prior, e.prior);
        near(&format!("data {s:?}"), s.likelihood, e.likelihood);
    }
    for (s, e) in sampled.tau_curve.iter().zip(&exact.tau_curve) {
        close("curve", s.probability.expect("sampled"), e.probability.expect("exact"), 0.03);
    }
    for (s, e) in sampled.tipping.iter().zip(&exact.tipping).filter(|(_, e)| e.line > 0.5) {
        if let (Some(p), Some(q)) = (s.sceptical_sd, e.sceptical_sd) {
            assert!((p / q).ln().abs() < 0.5, "sceptical sd {p} against {q}");
        }
    }
}

#[test]
fn leaving_a_patient_out_is_refitting_without_them() {
    let study = open("ras-basilar-sich").expect("shipped");
    for pooling in [equipoise::study::Pooling::Partial, equipoise::study::Pooling::Complete] {
        let mut study = study.clone();
        study.pooling = pooling;
        if pooling == equipoise::study::Pooling::Complete {
            study.priors.heterogeneity = None;
        }
        let model = Model::of(&study);
        let kernel = |model: &Model| {
            let posterior = ExactPosterior::new(model, Resolution::default()).expect("settles");
            let constant: f64 = cells_of(model).pairs().iter().map(|c| c.log_coefficient()).sum();
            posterior.log_marginal_likelihood().expect("proper") - constant
        };
        let whole = kernel(&model);
        let posterior = ExactPosterior::new(&model, Resolution::default()).expect("settles");
        let counts = cells_of(&model).pairs();
        for (g, c) in counts.iter().enumerate() {
            let left_out = posterior.leave_one_out(g).expect("counts");
            for (cell, found) in left_out.into_iter().enumerate() {
                let rest = c.without(cell >= 2, cell % 2 == 1);
                assert_eq!(found.is_some(), rest.is_some());
                let (Some(found), Some(rest)) = (found, rest) else { continue };
                let mut counts = counts.to_vec();
                counts[g] = rest;
                let smaller = recounted(&model, counts);
                close("log probability", found, whole - kernel(&smaller), 1e-7);
            }
        }
    }
}
