//! Weighted effects of several arms: against an independent program (`tests/reference/weighting_arms.py`), and against what must
//! hold whatever the data.

use std::sync::Arc;

use equipoise::input::open;
use equipoise::numeric::linear::{cholesky, invert_lower};
use equipoise::posterior::{Options, Parameter, Report, analyse};
use equipoise::study::{ArmLogOdds, Study, Weighting};
use equipoise::weighting::{
    Cohort, ESTIMATORS, Estimand, Lack, Method, Plan, SlopePrior, Weighted, design, weighted,
};
use serde_json::Value;

use crate::common;
use crate::common::cohort::Row;
use crate::common::folder::{Folder, flowing};
use crate::technique_registry;

const NAMES: [&str; 4] = ["crude", "regression", "weighted", "doubly_robust"];
const SUBGROUPS: usize = 2;
const ARMS: usize = 3;

/// The error is at most this, of numbers above 1 relative to them.
fn near(found: f64, expected: f64, tolerance: f64, what: &str) {
    assert!(
        (found - expected).abs() <= tolerance * expected.abs().max(1.0),
        "{what}: {found}, expected {expected}"
    );
}

fn cohort(rows: &[Row], patients: impl Fn(usize) -> f64) -> Cohort {
    common::cohort::cohort((SUBGROUPS, ARMS), rows, patients, None)
}

fn reference() -> Value {
    serde_json::from_str(include_str!("reference/weighting_arms.json")).expect("the reference file")
}

fn rows(file: &Value) -> Vec<Row> {
    let row = |row: &Value| {
        let number = |k: usize| row[k].as_f64().expect("a number");
        let subgroup = u32::from(row[0] == "b");
        (subgroup, number(1) as u8, number(2) == 1.0, vec![number(3), number(4)])
    };
    file["rows"].as_array().expect("rows").iter().map(row).collect()
}

fn plan(of: &Value) -> Plan {
    Plan {
        method: Method::InverseProbability,
        estimand: match of["estimand"].as_str().expect("an estimand") {
            "all" => Estimand::All,
            "treated" => Estimand::Treated,
            _ => Estimand::Overlap,
        },
        by_subgroup: of["propensity"] == "by_subgroup",
        prior: of["prior_sd"].as_f64().map_or(SlopePrior::Flat, |sd| SlopePrior::Normal { sd }),
        truncate: of["least"].as_f64(),
        replicates: 2,
        replays: 0,
        seed: 1,
    }
}

fn number(of: &Value) -> f64 {
    of.as_f64().expect("a number")
}

fn check_points(found: &Weighted, of: &Value, what: &str) {
    for (k, name) in NAMES.into_iter().enumerate() {
        for population in 0..=SUBGROUPS {
            let what = format!("{what}: {name} of {population}");
            let (risks, expected) = (&found.risks[k][population], &of[name]);
            for arm in 0..ARMS {
                near(risks.by_arm[arm], number(&expected["risk"][population][arm]), 1e-8, &what);
            }
            for arm in risks.active() {
                let expected = number(&expected["log_odds_ratio"][population][arm - 1]);
                near(risks.log_odds_ratio(arm), expected, 1e-8, &what);
            }
            near(risks.baseline(), number(&expected["mean_log_odds"][population]), 1e-8, &what);
        }
    }
}

#[test]
fn every_estimator_of_several_arms_agrees_with_an_independent_program() {
    let file = reference();
    let cohort = cohort(&rows(&file), |_| 1.0);
    let all = file["estimates"].as_array().expect("estimates");
    assert_eq!(all.len(), 13);
    for of in all {
        let found = weighted(&cohort, &plan(of)).expect("estimates");
        let what = format!("{} {} {} {}", of["estimand"], of["propensity"], of["prior_sd"], of["least"]);
        check_points(&found, of, &what);
        for g in 0..SUBGROUPS {
            near(found.shares[g], number(&of["shares"][g]), 1e-8, &what);
            for (arm, own) in found.design.subgroups[g].arms.iter().enumerate() {
                near(own.effective, number(&of["effective_size"][g][arm]), 1e-8, &what);
            }
        }
        let pairs = [(1, 0), (2, 0), (2, 1)];
        assert_eq!(found.design.balance.len(), 3 * 2 * (SUBGROUPS + 1));
        for b in &found.design.balance {
            let pair = pairs.iter().position(|pair| *pair == b.arms).expect("a pair");
            let population = b.subgroup.unwrap_or(SUBGROUPS);
            for (value, key) in [
                (b.before.mean_difference, "mean_difference_before"),
                (b.after.mean_difference, "mean_difference_after"),
                (b.before.variance_ratio, "variance_ratio_before"),
                (b.after.variance_ratio, "variance_ratio_after"),
            ] {
                let expected = number(&of["balance"][key][pair][b.term][population]);
                near(value.expect("it varies"), expected, 1e-8, &format!("{what}: {key}"));
            }
        }
    }
}

/// What one draw of the bootstrap gives, without chance.
#[test]
fn one_set_of_weights_of_patients_of_several_arms_agrees_with_an_independent_program() {
    let file = reference();
    let patients = |i: usize| 0.5 + ((i * 7919) % 1000) as f64 / 1000.0;
    let cohort = cohort(&rows(&file), patients);
    for of in file["fixed_weights"].as_array().expect("configurations") {
        let found = weighted(&cohort, &plan(of)).expect("estimates");
        check_points(&found, of, &format!("{} {}", of["estimand"], of["propensity"]));
    }
}

/// The covariance of all arms' log odds, as the posterior takes it, from what is kept of effects and baselines.
#[test]
fn the_joint_spread_of_several_arms_agrees_with_an_independent_program_within_chance() {
    let file = reference();
    let patients = rows(&file);
    let cohort = cohort(&patients, |_| 1.0);
    let mut worst: f64 = 0.0;
    for of in file["bootstrap"].as_array().expect("configurations") {
        let plan = Plan { replicates: 2_000, ..plan(of) };
        let found = weighted(&cohort, &plan).expect("estimates");
        let whole = of["full"].is_object();
        for (key, name) in [(2, "weighted"), (3, "doubly_robust")] {
            let n = SUBGROUPS * ARMS;
            let covariance = covariance_of_log_odds(&found, key);
            let mut held = |j: usize, k: usize, expected: &Value, at: (usize, usize)| {
                let value = number(&expected["log_odds_covariance"][at.0][at.1]);
                let error = 2f64.sqrt() * number(&expected["log_odds_covariance_mcse"][at.0][at.1]);
                worst = worst.max(((covariance[j * n + k] - value) / error).abs());
            };
            if whole && key == 2 {
                let expected = &of["full"][name];
                (0..n * n).for_each(|at| held(at / n, at % n, expected, (at / n, at % n)));
            } else if !whole {
                for g in 0..SUBGROUPS {
                    let expected = serde_json::json!({
                        "log_odds_covariance": of["within"][name]["log_odds_covariance"][g],
                        "log_odds_covariance_mcse": of["within"][name]["log_odds_covariance_mcse"][g],
                    });
                    for at in 0..ARMS * ARMS {
                        let (a, b) = (at / ARMS, at % ARMS);
                        held(g * ARMS + a, g * ARMS + b, &expected, (a, b));
                    }
                }
            }
        }
    }
    // Some 70 comparisons.
    assert!(worst < 4.0, "|z| up to {worst}");
}

/// From the whitening of the log odds back to their covariance: (WᵀW)⁻¹.
fn covariance_of_log_odds(found: &Weighted, estimator: usize) -> Vec<f64> {
    let weighting = Weighting {
        plan: found.plan.clone(),
        covariates: Vec::new(),
        terms: Vec::new(),
        given: None,
        counts: Vec::new(),
        design: found.design.clone(),
        extreme_rows: Vec::new(),
        weighted: Some(found.clone()),
        arms: None,
    };
    let said = weighting.log_odds(estimator).expect("log odds");
    let n = said.estimates.len();
    // The inverse of a lower triangular matrix is lower triangular, and its inverse again the matrix.
    let factor = invert_lower(&said.whitening, n);
    (0..n * n).map(|k| (0..n).map(|i| factor[k / n * n + i] * factor[k % n * n + i]).sum()).collect()
}

const MODEL: &str = r#"
title = "Three arms"
[study]
assignment = "observational"
[outcome]
name = "a good outcome"
kind = "binary"
higher_is = "better"
event = "good outcomes"
[treatment]
name = "technique"
control = "none"
arms = ["balloon", "stent"]
[subgroup]
name = "etiology"
[data]
file = "rows.csv"
rows = "patients"
missing = "error"
columns = { outcome = "good", treatment = "technique", subgroup = "group" }
[adjustment]
method = "overlap"
propensity = ["x1", { column = "x2", reference = "0" }]
replicates = 400
replays = 50
[model]
arms = "RELATED"
[prior]
effect = "normal(0, 0.5)"
heterogeneity = "half-normal(0.25)"
baseline = "normal(0, 1.5)"
"#;

/// The reference's patients as a file with a model.
fn written(related: &str, change: impl Fn(String) -> String) -> Folder {
    let mut csv = "group,technique,good,x1,x2\n".to_string();
    for (g, arm, event, x) in rows(&reference()) {
        let (group, arm) = (["a", "b"][g as usize], ["none", "balloon", "stent"][usize::from(arm)]);
        csv.push_str(&format!("{group},{arm},{},{},{}\n", u8::from(event), x[0], x[1]));
    }
    let desk = Folder::new();
    desk.write("rows.csv", csv).write("model.toml", change(MODEL.replace("RELATED", related)));
    desk
}

fn opened(desk: &Folder) -> equipoise::error::Result<Study> {
    open(desk.at().join("model.toml").to_str().expect("UTF-8"))
}

/// A normal likelihood of all arms' log odds in place of counts, the rest as in any study of several arms: the posterior by
/// linear algebra and quadrature over the standard deviations.
#[test]
fn the_posterior_of_weighted_arms_is_what_an_independent_program_finds() {
    let file = reference();
    let n = SUBGROUPS * ARMS;
    let all = |of: &Value| -> Vec<f64> { of.as_array().expect("a list").iter().map(number).collect() };
    let matrix: Vec<f64> = file["posterior"]["V"].as_array().expect("rows").iter().flat_map(all).collect();
    let said = ArmLogOdds {
        estimates: all(&file["posterior"]["m"]),
        whitening: invert_lower(&cholesky(&matrix, n).expect("a covariance"), n),
    };
    for related in ["exchangeable", "separate"] {
        let desk = written(related, |text| text);
        let study = opened(&desk).expect("a study");
        let weighting = study.weighting.as_deref().expect("weighting").clone();
        let weighting = Arc::new(Weighting { arms: Some(said.clone()), ..weighting });
        let study = Study { weighting: Some(weighting), ..study };
        let report = analyse(&study, Options::default());
        assert!(report.checks.ok, "{:?}", report.checks.reasons);
        let expected = &file["posterior"][related];
        let mut worst: f64 = 0.0;
        for (g, arm) in (0..SUBGROUPS).flat_map(|g| (1..ARMS).map(move |arm| (g, arm))) {
            let row = report.parameter(Parameter::ThetaOf(g, arm)).expect("an effect");
            let of = |key: &str| number(&expected["theta"][key][g][arm - 1]);
            let found = &row.reported;
            let error = found.mcse_mean.expect("an error");
            worst = worst.max(((found.mean.expect("a mean") - of("mean")) / error).abs());
            // A standard deviation's own error is below the mean's.
            worst = worst.max(((found.sd.expect("a deviation") - of("sd")) / error).abs());
            let better = probability_better(&report, g, arm);
            // The Monte Carlo error of a probability is 0.005 at most: three of them.
            assert!(
                (better - of("positive")).abs() < 0.015,
                "{related} {g} {arm}: {better}, {}",
                of("positive")
            );
        }
        assert!(worst < 4.5, "{related}: |z| up to {worst}");
    }
}

fn probability_better(report: &Report, g: usize, arm: usize) -> f64 {
    use equipoise::posterior::{Arms, Estimand, Measure, Statement, Whom};
    let of = Estimand::new(Whom::Subgroup(g), Measure::OddsRatio).of_arms(Arms::Pair(arm, 0));
    report.probability(of, Statement::Benefit, 1.0).and_then(|row| row.best()).expect("a probability")
}

/// No arm is told from another but by its place: with the last one as control, all risks are as before.
#[test]
fn whichever_arm_is_called_control_risks_are_the_same() {
    let patients = rows(&reference());
    // The last arm becomes the control arm.
    let turned: Vec<Row> = patients.iter().map(|(g, a, y, x)| (*g, (a + 1) % 3, *y, x.clone())).collect();
    for (estimand, by_subgroup) in [(Estimand::All, true), (Estimand::Overlap, false)] {
        let plan = Plan {
            estimand,
            by_subgroup,
            ..plan(&serde_json::json!({"estimand": "all", "propensity": "shared"}))
        };
        let [one, other] =
            [&patients, &turned].map(|rows| weighted(&cohort(rows, |_| 1.0), &plan).expect("estimates"));
        for k in 0..ESTIMATORS.len() {
            for population in 0..=SUBGROUPS {
                for arm in 0..ARMS {
                    let (a, b) = (&one.risks[k][population], &other.risks[k][population]);
                    near(a.by_arm[arm], b.by_arm[(arm + 1) % ARMS], 1e-9, "risk");
                }
            }
        }
    }
}

/// Treatment that does not depend on covariates: the weighted answer is the crude one.
#[test]
fn with_constant_probabilities_the_weighted_answer_of_several_arms_is_the_crude_one() {
    let mut patients: Vec<Row> = Vec::new();
    for i in 0..90u32 {
        let x = vec![f64::from(i % 7), f64::from((i * i) % 11)];
        for k in 0..4u32 {
            patients.push((i % 2, (k % 3) as u8, (i * i + 3 * k + i / 2) % 3 == 0, x.clone()));
        }
    }
    for estimand in ["all", "treated", "overlap"] {
        let plan = plan(&serde_json::json!({"estimand": estimand, "propensity": "by_subgroup"}));
        let found = weighted(&cohort(&patients, |_| 1.0), &plan).expect("estimates");
        for population in 0..=SUBGROUPS {
            for arm in 0..ARMS {
                let [crude, own] = [0, 2].map(|k| found.risks[k][population].by_arm[arm]);
                near(own, crude, 1e-12, "risk");
            }
        }
    }
}

#[test]
fn an_arm_that_covariates_tell_without_fail_is_said_and_a_missing_one_refused() {
    let file = reference();
    let mut patients = rows(&file);
    for row in patients.iter_mut().filter(|r| r.0 == 1) {
        row.3[0] = if row.1 == 2 { 30.0 + row.3[0] / 100.0 } else { row.3[0] / 100.0 };
    }
    let asked = plan(&file["estimates"][8]);
    let found = design(&cohort(&patients, |_| 1.0), &asked).expect("a design");
    assert_eq!(found.separated, [1]);
    let worth = found.subgroups.iter().flat_map(|g| &g.arms).map(|a| a.effective);
    assert!(worth.into_iter().all(|n| n.is_finite() && n > 0.0));
    patients.retain(|r| (r.0, r.1) != (0, 1));
    let lack = design(&cohort(&patients, |_| 1.0), &asked).map_err(|e| (e.subgroup, e.arm, e.lack));
    assert_eq!(lack.err(), Some((0, 1, Lack::Patients)));
}

#[test]
fn nothing_of_several_arms_depends_on_the_order_of_rows_or_the_number_of_threads() {
    let patients = rows(&reference());
    let plan = Plan { replicates: 120, replays: 60, ..plan(&reference()["estimates"][8]) };
    let a = cohort(&patients, |_| 1.0);
    let turned: Vec<Row> = patients.iter().rev().cloned().collect();
    // Columns are standardised by the caller, whose sums may differ in the last bit.
    let b = Cohort { x: a.x.clone(), ..cohort(&turned, |_| 1.0) };
    let b = Cohort { first_patterns: a.first_patterns.clone(), ..b };
    let with = |threads: usize, cohort: &Cohort| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| weighted(cohort, &plan).expect("estimates"))
    };
    let found = with(1, &a);
    assert_eq!(found, with(3, &a));
    assert_eq!(found, with(2, &b));
    let replay = found.replay.expect("a replay");
    assert_eq!(replay.estimators[2].len(), (SUBGROUPS + 1) * (ARMS - 1));
    assert!(replay.estimators.iter().flatten().all(|r| r.factor >= 1.0 && r.coverage > 0.5));
}

/// The truth of the registry's overlap population by etiology and active arm: log odds ratios of averaged risks.
fn truth() -> Vec<f64> {
    let many = technique_registry::patients(400_000, 77);
    let log_odds = |p: f64| (p / (1.0 - p)).ln();
    let of = |g: usize| {
        let risks = technique_registry::true_risks(&many, g).map(log_odds);
        [risks[1] - risks[0], risks[2] - risks[0]]
    };
    (0..SUBGROUPS).flat_map(of).collect()
}

/// How often 95 % intervals held the truth over registries, by estimator, then etiology and active arm: as the bootstrap gives
/// them, and calibrated; and the mean error.
fn coverage(registries: u64, plan: &Plan, n: usize) -> Vec<Vec<[f64; 3]>> {
    use rayon::prelude::*;
    let truth = truth();
    let one = |seed: u64| {
        let row = |p: &technique_registry::Patient| -> Row {
            (p.etiology as u32, p.technique as u8, p.good, vec![p.nihss, f64::from(u8::from(p.failed))])
        };
        let rows: Vec<Row> = technique_registry::patients(n, 1_000 + seed).iter().map(row).collect();
        let found = weighted(&cohort(&rows, |_| 1.0), plan).ok()?;
        let of = |k: usize, c: usize| {
            let error = found.effects(k)[c] - truth[c];
            let se = found.spread[k].covariance[c * truth.len() + c].sqrt();
            let holds = |by: f64| f64::from(u8::from(error.abs() <= 1.959_964 * by * se));
            [holds(1.0), holds(found.factors(k)[c]), error]
        };
        Some((0..4).map(|k| (0..truth.len()).map(|c| of(k, c)).collect()).collect::<Vec<Vec<[f64; 3]>>>())
    };
    let all: Vec<_> = (0..registries).into_par_iter().filter_map(one).collect();
    let mean = |k: usize, c: usize, i: usize| all.iter().map(|r| r[k][c][i]).sum::<f64>() / all.len() as f64;
    (0..4).map(|k| (0..truth.len()).map(|c| std::array::from_fn(|i| mean(k, c, i))).collect()).collect()
}

/// Few registries: what a gross fault would show. The ignored test has the figures of the book.
#[test]
fn calibrated_intervals_hold_the_truth_of_registries_of_several_arms() {
    let plan = Plan { replicates: 100, replays: 50, ..plan(&reference()["estimates"][8]) };
    let found = coverage(60, &plan, 400);
    for of in &found[2..] {
        for (c, [_, calibrated, error]) in of.iter().enumerate() {
            // Four standard errors of a share of 0.95 in 60.
            assert!(*calibrated >= 0.84, "{c}: {calibrated}");
            assert!(error.abs() < 0.2, "{c}: {error}");
        }
    }
    // Confounded by indication, crude estimates are off.
    assert!(found[0].iter().any(|c| c[2] < -0.3), "{:?}", found[0]);
}

/// `cargo test --release --test suite several_arms_in_full -- --ignored --nocapture` prints the table of the book.
#[test]
#[ignore = "twenty minutes of processor time"]
fn calibrated_intervals_hold_the_truth_of_registries_of_several_arms_in_full() {
    let plan = Plan { replicates: 400, replays: 200, ..plan(&reference()["estimates"][8]) };
    for (k, of) in coverage(1_000, &plan, 400).iter().enumerate() {
        for (c, [raw, calibrated, error]) in of.iter().enumerate() {
            println!(
                "{:<14} {:<16} {:<10} raw {raw:.3} calibrated {calibrated:.3} mean error {error:+.3}",
                ESTIMATORS[k].in_words(),
                technique_registry::ETIOLOGIES[c / 2].0,
                technique_registry::TECHNIQUES[1 + c % 2]
            );
        }
    }
}

/// What a user runs: the design without an outcome, and the answer for whom it is.
#[test]
fn weighted_arms_are_checked_without_an_outcome_and_fitted_with_it() {
    let desk = written("exchangeable", |text| text);
    let fitted = flowing(desk.says(&["fit", "model.toml"]).as_bytes());
    for said in [
        "adjusted for x1 and x2",
        "multinomial propensity",
        "a, stent:",
        "Each arm against none.",
        "(patients who might have been in any arm)",
    ] {
        assert!(fitted.contains(said), "`{said}` is missing from:\n{fitted}");
    }
    let json = desk.says(&["fit", "model.toml", "--format", "json"]);
    let json: Value = serde_json::from_str(&json).expect("JSON");
    let own = &json["weighting"]["estimators"][2];
    assert_eq!(
        (own["estimator"].as_str(), own["rows"][1]["arm"].as_str()),
        (Some("weighted"), Some("stent"))
    );
    let expected = &reference()["estimates"][8]["weighted"]["risk"];
    near(number(&own["rows"][1]["risk_active"]), number(&expected[0][2]), 1e-8, "the risk with a stent");
    // The outcome turned to rubbish changes nothing before it is read.
    let before = desk.says(&["check", "model.toml"]);
    let rows = std::fs::read_to_string(desk.at().join("rows.csv")).expect("rows");
    let rubbish = |(i, line): (usize, &str)| {
        let mut cells: Vec<&str> = line.split(',').collect();
        if i > 0 {
            cells[2] = "rubbish";
        }
        cells.join(",") + "\n"
    };
    desk.write("rows.csv", rows.lines().enumerate().map(rubbish).collect::<String>());
    assert_eq!(desk.says(&["check", "model.toml"]), before);
    assert!(before.contains("Probability of") && before.contains("no outcome was read"), "{before}");
}

/// Before any outcome is read: the largest imbalance of any two arms, and every arm's probability by who had it.
#[test]
fn the_design_of_several_arms_is_drawn_without_an_outcome() {
    let desk = written("exchangeable", |text| text);
    desk.says(&["check", "model.toml", "--figures", "pictures", "--as", "svg"]);
    for (name, told) in [
        ("balance", vec!["the largest between any two arms", "x2=1"]),
        ("overlap", vec!["Probability of the arm", "a: stent", "b: none", "downwards: had another"]),
    ] {
        let svg = desk.read(&format!("pictures/{name}.svg"));
        for words in told {
            assert!(svg.contains(words), "{name}: {words}");
        }
    }
    let overlap = desk.read("pictures/overlap.csv");
    let patients = |arm: &str| -> f64 {
        let own = overlap.lines().filter(|l| l.starts_with(&format!("a,{arm},")));
        own.map(|l| l.split(',').nth(4).expect("a cell").parse::<f64>().expect("a number")).sum()
    };
    // Of subgroup a 36, 45 and 56 patients.
    assert_eq!((patients("stent"), patients("others than stent")), (56.0, 81.0));
    // What has no design has no such figures.
    desk.refuses(
        &["check", "attention-evt", "--figures", "pictures"],
        &["there is no [adjustment]", "equipoise report --figures"],
    );
    // What is read is not written over.
    desk.write("pictures/model.toml", desk.read("model.toml"))
        .write("pictures/rows.csv", desk.read("rows.csv"));
    let renamed = desk.read("model.toml").replace("rows.csv", "overlap.csv");
    desk.write("pictures/overlap.csv", desk.read("rows.csv")).write("pictures/model.toml", renamed);
    desk.refuses(&["check", "pictures/model.toml", "--figures", "pictures"], &["is read by this command"]);
    assert_eq!(desk.read("pictures/overlap.csv"), desk.read("rows.csv"));
}

#[test]
fn what_is_wrong_with_weights_of_several_arms_is_said() {
    let refused = |from: &str, to: &str| {
        let desk = written("exchangeable", |text| text.replace(from, to));
        opened(&desk).expect_err("it is refused").to_string()
    };
    let truncated = refused("replays = 50", "replays = 50\ntruncate = 0.4");
    assert!(truncated.contains("expected a probability above 0 and below 1/3"), "{truncated}");
    let after = refused("\"x1\"", "{ column = \"x1\", measured = \"after\" }");
    assert!(after.contains("measured after treatment"), "{after}");
}
