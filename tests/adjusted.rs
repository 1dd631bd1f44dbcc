//! Adjusted models from a data file to probabilities: what must not change an answer, what must be refused, and where the truth
//! is known.

use crate::common;
use crate::registry;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use assert_cmd::Command;
use common::close;
use equipoise::compare::{Request, comparable, compare};
use equipoise::input::open;
use equipoise::posterior::{
    Estimand, Measure, Options, ParameterRow, Report, Sampling, Statement, Whom, analyse,
};
use equipoise::sampler::{Purpose, stream};
use equipoise::study::Study;
use predicates::str::contains;
use rand_distr::{Distribution, StandardUniform};
use serde_json::Value;

const HEAD: &str = r#"
title = "Invented"
[study]
assignment = "observational"
[outcome]
name = "death"
kind = "binary"
higher_is = "worse"
[treatment]
name = "drug"
control = "placebo"
active = "drug"
[subgroup]
name = "region"
[prior]
effect = "normal(0, 0.5)"
heterogeneity = "half-normal(0.5)"
"#;

const PATIENTS: &str = r#"[data]
file = "trial.csv"
rows = "patients"
missing = "drop"
columns = { outcome = "dead", treatment = "drug", subgroup = "region" }
"#;

/// One made-up patient.
#[derive(Clone)]
struct Row {
    dead: bool,
    drug: bool,
    region: &'static str,
    /// In whole decades.
    age: i32,
    severity: &'static str,
    hospital: usize,
}

/// Patients among whom the sicker are treated more often.
fn patients(n: usize, seed: u64) -> Vec<Row> {
    let mut rng = stream(seed, 0, Purpose::Simulation);
    let mut uniform = || -> f64 { StandardUniform.sample(&mut rng) };
    let mut one = || {
        let region = ["north", "south", "west"][(uniform() * 3.0) as usize];
        let age = 40 + 10 * (uniform() * 5.0) as i32;
        let level = (uniform() * 3.0) as usize;
        let hospital = (uniform() * 12.0) as usize;
        let drug = uniform() < 0.25 + 0.2 * level as f64;
        let x = -1.0 + 0.03 * f64::from(age - 60) + 0.7 * level as f64 - if drug { 0.5 } else { 0.0 };
        let dead = uniform() < 1.0 / (1.0 + (-x).exp());
        Row { dead, drug, region, age, severity: ["mild", "moderate", "severe"][level], hospital }
    };
    (0..n).map(|_| one()).collect()
}

fn csv(rows: &[Row]) -> String {
    let mut out = "dead,drug,region,age,severity,hospital\n".to_string();
    for r in rows {
        let (dead, drug) = (u8::from(r.dead), u8::from(r.drug));
        writeln!(out, "{dead},{drug},{},{},{},{}", r.region, r.age, r.severity, r.hospital).expect("memory");
    }
    out
}

const ADJUST: &str = r#"adjust = ["age", { column = "severity", reference = "mild" }]"#;

/// A model beside its data file.
fn study(folder: &Path, data: &str, section: &str, model: &str) -> Study {
    let (csv, toml) = (folder.join("trial.csv"), folder.join("trial.toml"));
    fs::write(csv, data).expect("a data file");
    fs::write(&toml, format!("{HEAD}{section}[model]\n{model}\n")).expect("a model file");
    open(&toml).unwrap_or_else(|e| panic!("{}", e.render(false)))
}

fn few_draws() -> Options {
    Options {
        sampling: Sampling { draws: Some(300), ..Sampling::default() },
        show_unreliable: true,
        ..Options::default()
    }
}

/// Everything that is reported, as numbers with their names.
fn numbers(report: &Report) -> Vec<(String, Option<f64>)> {
    let parameters = report.parameters.iter().map(|p| (p.parameter.name(&report.names), p.reported.mean));
    let estimates = report.estimates.iter().map(|e| (e.estimand.name(&report.names), e.reported.median));
    let probabilities = report
        .probabilities
        .iter()
        .map(|p| (format!("{} {:?}", p.estimand.name(&report.names), p.statement), p.probability));
    parameters.chain(estimates).chain(probabilities).collect()
}

fn in_subgroup(report: &Report, name: &str, measure: Measure) -> Estimand {
    Estimand::of_subgroup(report.names.place(name).expect("one of the study's"), measure)
}

fn probability(report: &Report, subgroup: &str) -> (f64, f64) {
    let odds_ratio = in_subgroup(report, subgroup, Measure::OddsRatio);
    let row = report.probability(odds_ratio, Statement::Benefit, 1.0).expect("a row");
    (row.sampled.expect("sampled"), row.mcse.unwrap_or(0.001))
}

// ---- What must not change an answer ----

#[test]
fn the_order_of_rows_changes_no_bit() {
    let folder = tempfile::tempdir().expect("a folder");
    let rows = patients(900, 1);
    let mut shuffled = rows.clone();
    shuffled.reverse();
    shuffled.rotate_left(123);
    let of = |rows: &[Row]| {
        let study = study(folder.path(), &csv(rows), PATIENTS, ADJUST);
        numbers(&analyse(&study, few_draws()))
    };
    assert_eq!(of(&rows), of(&shuffled));
}

#[test]
fn rows_of_one_pattern_are_counts_by_covariates_to_the_last_bit() {
    let folder = tempfile::tempdir().expect("a folder");
    let rows = patients(900, 2);
    let whole = study(folder.path(), &csv(&rows), PATIENTS, ADJUST);
    let mut cells: std::collections::BTreeMap<(&str, bool, i32, &str), (u32, u32)> = Default::default();
    for r in &rows {
        let cell = cells.entry((r.region, r.drug, r.age, r.severity)).or_default();
        *cell = (cell.0 + u32::from(r.dead), cell.1 + 1);
    }
    let mut counts = "region,drug,age,severity,events,total\n".to_string();
    for ((region, drug, age, severity), (events, total)) in &cells {
        writeln!(counts, "{region},{},{age},{severity},{events},{total}", u8::from(*drug)).expect("memory");
    }
    let section = r#"[data]
file = "trial.csv"
rows = "counts"
columns = { subgroup = "region", arm = "drug", events = "events", total = "total" }
levels = { control = "0", active = "1" }
"#;
    let expected = numbers(&analyse(&whole, few_draws()));
    let counted = study(folder.path(), &counts, section, ADJUST);
    assert_eq!(numbers(&analyse(&counted, few_draws())), expected);
    let patterns = counted.adjustment.as_ref().expect("adjusted").patterns.len();
    assert_eq!(patterns, cells.len());
}

#[test]
fn a_covariates_unit_changes_no_bit() {
    let folder = tempfile::tempdir().expect("a folder");
    let rows = patients(900, 3);
    // A factor that is a power of two is exact.
    let mut quarters = rows.clone();
    quarters.iter_mut().for_each(|r| r.age *= 4);
    let of = |rows: &[Row]| {
        let study = study(folder.path(), &csv(rows), PATIENTS, ADJUST);
        numbers(&analyse(&study, few_draws()))
    };
    assert_eq!(of(&rows), of(&quarters));
}

#[test]
fn the_outcome_turned_round_changes_no_conclusion() {
    let folder = tempfile::tempdir().expect("a folder");
    let rows = patients(900, 4);
    let mut alive = rows.clone();
    alive.iter_mut().for_each(|r| r.dead = !r.dead);
    let dead = study(folder.path(), &csv(&rows), PATIENTS, ADJUST);
    let dead = analyse(&dead, Options::default());
    let toml = folder.path().join("trial.toml");
    fs::write(folder.path().join("trial.csv"), csv(&alive)).expect("a data file");
    let turned = HEAD.replace("higher_is = \"worse\"", "higher_is = \"better\"");
    fs::write(&toml, format!("{turned}{PATIENTS}[model]\n{ADJUST}\n")).expect("a model file");
    let alive = analyse(&open(&toml).expect("a study"), Options::default());
    for region in ["north", "south", "west"] {
        let ((p, a), (q, b)) = (probability(&dead, region), probability(&alive, region));
        assert!((p - q).abs() < 4.0 * a.hypot(b), "{region}: {p} ± {a} and {q} ± {b}");
    }
}

#[test]
fn without_covariates_a_file_of_patients_has_no_adjustment() {
    let folder = tempfile::tempdir().expect("a folder");
    let found = study(folder.path(), &csv(&patients(300, 5)), PATIENTS, "");
    assert!(found.adjustment.is_none());
    assert!(analyse(&found, Options::default()).checks.exact.available);
}

// ---- Where the truth is known ----

#[test]
fn in_the_registry_the_unadjusted_answer_is_wrong_and_the_adjusted_one_right() {
    let mut covered = 0;
    for seed in 1..=3 {
        let folder = tempfile::tempdir().expect("a folder");
        let patients = registry::patients(6_000, seed);
        let truth = registry::true_differences(&patients);
        let paths = registry::written(folder.path(), &patients).expect("files");
        let [unadjusted, adjusted] = paths.map(|path| {
            let study = open(&path).expect("a study");
            analyse(&study, Options::default())
        });
        assert!(unadjusted.checks.ok && adjusted.checks.ok, "{:?}", adjusted.checks.reasons);
        for (etiology, truth) in registry::ETIOLOGIES.iter().zip(truth) {
            let ([_, low, high], wrong) = registry::found(&unadjusted, etiology.name).expect("a row");
            assert!(truth < low || truth > high, "{}: {truth} in {low} to {high}", etiology.name);
            let ([median, low, high], right) = registry::found(&adjusted, etiology.name).expect("a row");
            let half = if truth > median { high - median } else { median - low };
            assert!((truth - median).abs() < 1.6 * half, "{}: {truth}, {low} to {high}", etiology.name);
            covered += usize::from(low < truth && truth < high);
            if etiology.effect > 0.5 {
                assert!(wrong < 0.05 && right > 0.95, "{wrong} and {right}");
            }
        }
    }
    // Of nine 95 % intervals.
    assert!(covered >= 8, "{covered}");
}

/// Against `tests/reference/ist_adjusted.py`, an independent program, on the trial's rows where they stand.
#[test]
fn the_stroke_trial_adjusted_is_as_an_independent_program_has_it() {
    let rows = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/ist.csv");
    if !rows.exists() {
        eprintln!("skipped: the trial's patient rows are not here");
        return;
    }
    let model = r#"title = "IST"
[study]
assignment = "randomised"
[outcome]
name = "dead or dependent"
kind = "binary"
higher_is = "worse"
[treatment]
name = "aspirin"
control = "none"
active = "aspirin"
[prior]
effect = "normal(0, 0.355)"
heterogeneity = "half-normal(0.25)"
baseline = "normal(0, 1.5)"
baseline_of = "control"
[model]
adjust = [
  { column = "AGE", prior = "normal(0, 1)" },
  { column = "RSBP", prior = "normal(0, 1)" },
  { column = "RCONSC", reference = "F", prior = "normal(0, 1)" },
]
[data]
file = "FILE"
rows = "patients"
missing = "drop"
columns = { outcome = "OCCODE", treatment = "RXASP", subgroup = "STYPE" }
levels = { event = [1, 2], no_event = [3, 4], unknown = [0, 9], control = "N", active = "Y" }
"#;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ist.toml");
    fs::write(&path, model.replace("FILE", &rows.to_string_lossy())).expect("a model file");
    let study = open(&path).expect("a study");
    let sampling = Sampling { draws: Some(5_000), ..Sampling::default() };
    let report = analyse(&study, Options { sampling, ..Options::default() });
    assert!(report.checks.ok, "{:?}", report.checks.reasons);
    let reference: Value = serde_json::from_str(include_str!("reference/ist_adjusted.json")).expect("JSON");
    let mut compared = 0;
    let mut held = |what: &str, found: Option<f64>, mcse: Option<f64>, expected: &Value, error: &Value| {
        let (found, expected) = (found.expect("sampled"), expected.as_f64().expect("a number"));
        let error = mcse.expect("an error").hypot(error.as_f64().expect("an error"));
        // Of fifty numbers none is four standard errors off in one run of 300.
        close(what, found, expected, 4.0 * error);
        compared += 1;
    };
    let mean = |name: &str| {
        let named = |p: &&ParameterRow| p.parameter.name(&report.names) == name;
        let p = report.parameters.iter().find(named).expect("a parameter");
        (p.reported.mean, p.reported.mcse_mean)
    };
    let mut parameter = |name: &str, expected: &Value| {
        let (found, mcse) = mean(name);
        held(name, found, mcse, &expected["mean"], &expected["mcse"]);
    };
    parameter("mu", &reference["mu"]);
    parameter("tau", &reference["tau"]);
    for term in ["AGE", "RSBP", "RCONSC=D", "RCONSC=U"] {
        parameter(&format!("gamma[{term}]"), &reference["gamma"][term]);
    }
    for subtype in ["TACS", "PACS", "LACS", "POCS", "OTH"] {
        parameter(&format!("theta[{subtype}]"), &reference["theta"][subtype]);
    }
    for subtype in ["TACS", "PACS", "LACS", "POCS", "OTH", "overall"] {
        let whom = report.names.place(subtype).map_or(Whom::Overall, Whom::Subgroup);
        for (measure, key) in
            [(Measure::RiskDifference, "risk_difference"), (Measure::RiskControl, "risk_control")]
        {
            let expected = &reference[key][subtype];
            let row = report.estimate(Estimand::new(whom, measure)).expect("a row");
            held(subtype, row.reported.mean, row.reported.mcse_mean, &expected["mean"], &expected["mcse"]);
            if measure == Measure::RiskDifference {
                let row = report.probability(Estimand::new(whom, measure), Statement::Benefit, 0.0);
                let row = row.expect("a row");
                held(subtype, row.sampled, row.mcse, &expected["below_zero"], &expected["mcse_below_zero"]);
            }
        }
    }
    assert_eq!(compared, 29);
    // Comparisons: a probability of θ < 0 within half a point.
    let found = compare(&study, &Request::default()).expect("a comparison");
    for subtype in ["TACS", "PACS", "LACS", "POCS", "OTH"] {
        let row = found.table.iter().find(|r| {
            r.pooling == study.pooling
                && r.subgroup.as_deref() == Some(subtype)
                && r.statement == Statement::Benefit
        });
        let exact = row.and_then(|r| r.exact).expect("an exact probability");
        let expected = reference["theta"][subtype]["below_zero"].as_f64().expect("a number");
        close(subtype, exact, expected, 0.005);
    }
}

#[test]
fn comparisons_agree_with_the_sampled_fit() {
    let folder = tempfile::tempdir().expect("a folder");
    for (seed, centre) in [(6, false), (7, true)] {
        let section = if centre {
            PATIENTS.replace("region\" }", "region\", centre = \"hospital\" }")
        } else {
            PATIENTS.to_string()
        };
        let study = study(folder.path(), &csv(&patients(2_500, seed)), &section, ADJUST);
        let sampling = Sampling { draws: Some(5_000), ..Sampling::default() };
        let fit = analyse(&study, Options { sampling, ..Options::default() });
        assert!(fit.checks.ok, "{:?}", fit.checks.reasons);
        let found = compare(&study, &Request::default()).expect("a comparison");
        assert!(found.ok);
        for region in ["north", "south", "west"] {
            let (sampled, mcse) = probability(&fit, region);
            let row = found.table.iter().find(|r| {
                r.prior == "stated"
                    && r.pooling == study.pooling
                    && r.subgroup.as_deref() == Some(region)
                    && r.statement == Statement::Benefit
            });
            let exact = row.and_then(|r| r.exact).expect("an exact probability");
            // What is held and what is taken as normal costs less than half a point of probability.
            close(region, exact, sampled, 4.0 * mcse + 0.005);
        }
    }
}

#[test]
fn importance_sampling_is_the_second_opinion() {
    let folder = tempfile::tempdir().expect("a folder");
    let study = study(folder.path(), &csv(&patients(1_500, 8)), PATIENTS, ADJUST);
    let report = analyse(&study, Options::default());
    let importance = report.checks.importance.expect("an opinion");
    assert!(importance.is_trusted() && importance.comparisons > 50, "{importance:?}");
    assert!(importance.agrees() && report.checks.ok);
    assert!(!report.checks.exact.available);
}

#[test]
fn the_treated_and_a_stated_risk_are_other_populations() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = csv(&patients(1_500, 9));
    let control = |population: &str| {
        let study = study(folder.path(), &data, PATIENTS, &format!("{ADJUST}\npopulation = {population}"));
        let report = analyse(&study, few_draws());
        let row = report.estimate(in_subgroup(&report, "north", Measure::RiskControl));
        row.and_then(|e| e.reported.median).expect("a risk")
    };
    let [all, treated, stated] = ["\"all\"", "\"treated\"", "{ baseline_risk = 0.3 }"].map(control);
    // The sicker are treated more often.
    assert!(treated > all + 0.01, "{treated} and {all}");
    close("stated", stated, 0.3, 1e-12);
}

// ---- What is refused, and how ----

fn check(folder: &Path, data: &str, section: &str, model: &str) -> assert_cmd::assert::Assert {
    fs::write(folder.join("trial.csv"), data).expect("a data file");
    fs::write(folder.join("trial.toml"), format!("{HEAD}{section}[model]\n{model}\n")).expect("a model file");
    let mut command = Command::cargo_bin("equipoise").expect("built");
    command.current_dir(folder).args(["check", "trial.toml"]).assert()
}

#[test]
fn bad_covariates_are_told_where_they_stand() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    let rows = patients(200, 10);
    let good = csv(&rows);
    let with = |name: &str, value: &dyn Fn(usize, &Row) -> String| {
        let lines = good.lines().zip(std::iter::once(None).chain(rows.iter().enumerate().map(Some)));
        let line = |(line, row): (&str, Option<(usize, &Row)>)| match row {
            None => format!("{line},{name}\n"),
            Some((i, row)) => format!("{line},{}\n", value(i, row)),
        };
        lines.map(line).collect::<String>()
    };
    let refused = |data: &str, model: &str, words: &[&str]| {
        let mut found = check(here, data, PATIENTS, model).code(1);
        for word in words {
            found = found.stderr(contains(*word));
        }
    };
    refused(
        &with("weight", &|i, _| if i == 41 { "heavy".into() } else { i.to_string() }),
        r#"adjust = ["weight"]"#,
        &["row 43, column `weight`", "found `heavy`, expected a number", "reference"],
    );
    refused(
        &good,
        r#"adjust = [{ column = "severity", reference = "none" }]"#,
        &["no row that is used has `none`", "`mild`"],
    );
    refused(
        &good,
        r#"adjust = [{ column = "severity", reference = "mild", levels = ["mild", "moderate"] }]"#,
        &["found `severe`", "`levels` does not list"],
    );
    refused(
        &with("months", &|_, r| (12 * r.age).to_string()),
        r#"adjust = ["age", "months"]"#,
        &["`months` is collinear: it follows from `age`"],
    );
    refused(&good, r#"adjust = ["dead"]"#, &["`dead` is the column of the outcome"]);
    refused(
        &with("died", &|_, r| if r.dead { "7" } else { "3" }.into()),
        r#"adjust = ["died"]"#,
        &["`died` is the outcome by another name"],
    );
    refused(
        &with("given", &|_, r| if r.drug { "7" } else { "3" }.into()),
        r#"adjust = ["given"]"#,
        &["`given` does not vary within the arms of any subgroup"],
    );
    refused(
        &with("country", &|_, _| "1".into()),
        r#"adjust = ["country"]"#,
        &["`country` is the same in every row"],
    );
    refused(
        &with("id", &|i, _| format!("p{i}")),
        r#"adjust = [{ column = "id", reference = "p0" }]"#,
        &["more than 50 levels", "column `id`"],
    );
    refused(&good, r#"adjust = ["agee"]"#, &["no column `agee`", "did you mean `age`?"]);
    refused(&good, r#"adjust = ["age", "age"]"#, &["`age` is listed twice"]);
    refused(&good, r#"adjust = [{ column = "age", spline = 12 }]"#, &["a spline with 12 knots", "3 to 7"]);
    refused(&good, r#"adjust = [{ column = "age", knots = 3 }]"#, &["knots"]);
    refused(&good, "population = \"treated\"", &["`population` without `adjust`"]);
    refused(
        &good,
        &format!("{ADJUST}\npopulation = {{ baseline_risk = 30 }}"),
        &["a baseline risk of 30", "30 % is 0.3"],
    );
    refused(
        &good,
        &format!("{ADJUST}\npopulation = \"everybody\""),
        &["found \"everybody\"", "baseline_risk"],
    );
    refused(
        &good,
        &format!("{ADJUST}\n[bias.missing]\ncontrol = {{ odds_ratio = [0.5, 2], mass = 0.95 }}"),
        &["[bias.missing]"],
    );
    let twice = good.replacen("hospital", "age", 1);
    refused(&twice, ADJUST, &["two columns are called `age`"]);
}

#[test]
fn separation_fits_with_a_notice() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut rows = patients(400, 11);
    rows.iter_mut().filter(|r| r.severity == "severe").for_each(|r| r.dead = true);
    let found = study(folder.path(), &csv(&rows), PATIENTS, ADJUST);
    let notice = found.notices.iter().find(|n| n.contains("severity=severe"));
    assert!(notice.is_some_and(|n| n.contains("all have the event")), "{:?}", found.notices);
    let report = analyse(&found, Options::default());
    assert!(report.checks.ok, "{:?}", report.checks.reasons);
}

#[test]
fn one_patient_and_an_empty_arm_fit() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut rows = patients(400, 12);
    rows.retain(|r| r.region != "west" || !r.drug);
    rows.push(Row { region: "islands", ..rows[0].clone() });
    let found = study(folder.path(), &csv(&rows), PATIENTS, ADJUST);
    assert_eq!(found.data.names(), ["islands", "north", "south", "west"]);
    let report = analyse(&found, Options::default());
    assert!(report.checks.ok, "{:?}", report.checks.reasons);
    assert!(found.notices.iter().any(|n| n.contains("west")), "{:?}", found.notices);
    assert!(compare(&found, &Request::default()).expect("a comparison").ok);
}

#[test]
fn rows_that_lack_a_covariate_are_counted_or_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut data = csv(&patients(300, 13));
    data.push_str("1,0,north,,mild,3\n0,1,south,60,NA,3\n");
    let found = study(folder.path(), &data, PATIENTS, ADJUST);
    let file = found.patients.as_ref().expect("an account");
    assert_eq!((file.rows_read, file.rows_used), (302, 300));
    let dropped: Vec<(&str, u64)> = file.dropped.iter().map(|d| (d.why.as_str(), d.rows)).collect();
    assert_eq!(dropped, [("age missing", 1), ("severity missing", 1)]);
    let strict = PATIENTS.replace("\"drop\"", "\"error\"");
    check(folder.path(), &data, &strict, ADJUST).code(1).stderr(contains("row 302, column `age`"));
}

// ---- What was wrong once ----

/// Patients of two regions that differ in age, with a large effect of it.
fn young_and_old(n: usize, seed: u64) -> Vec<Row> {
    let mut rows = patients(n, seed);
    rows.retain(|r| r.region != "west");
    rows.iter_mut().filter(|r| r.region == "south").for_each(|r| r.age += 40);
    rows
}

#[test]
fn each_subgroup_has_the_prior_risks_of_its_own_patients() {
    let folder = tempfile::tempdir().expect("a folder");
    let adjust = r#"adjust = [{ column = "age", prior = "normal(2, 0.2)" }]"#;
    let study = study(folder.path(), &csv(&young_and_old(900, 16)), PATIENTS, adjust);
    let report = analyse(&study, few_draws());
    let prior = |region: &str| {
        let row = report.estimate(in_subgroup(&report, region, Measure::RiskControl));
        row.and_then(|e| e.prior).expect("a prior").median
    };
    // By the prior risks rise with age: two standard deviations of it on the log odds.
    assert!(prior("south") > prior("north") + 0.2, "{} and {}", prior("south"), prior("north"));
}

#[test]
fn comparisons_that_are_sampled_are_adjusted_too() {
    // Confounded as in the registry: the crude answer is another.
    let folder = tempfile::tempdir().expect("a folder");
    let patients = registry::patients(1_500, 4);
    registry::written(folder.path(), &patients).expect("files");
    let model = registry::model(registry::Adjusted::ByModel).replace(
        "baseline = \"normal(0, 1.5)\"",
        "baseline = { mean = \"normal(0, 1.5)\", sd = \"half-normal(1)\" }",
    );
    let path = folder.path().join("exchangeable.toml");
    fs::write(&path, model).expect("a model file");
    let study = open(&path).expect("a study");
    let report = analyse(
        &comparable(&study),
        Options { sampling: Sampling { draws: Some(1_000), ..Sampling::default() }, ..Options::default() },
    );
    assert!(report.checks.ok, "{:?}", report.checks.reasons);
    let fit = analyse(
        &study,
        Options { sampling: Sampling { draws: Some(1_000), ..Sampling::default() }, ..Options::default() },
    );
    for etiology in registry::ETIOLOGIES {
        let ((p, a), (q, b)) = (probability(&report, etiology.name), probability(&fit, etiology.name));
        assert!((p - q).abs() < 4.0 * a.hypot(b), "{}: {p} and {q}", etiology.name);
    }
}

#[test]
fn centres_that_can_not_be_told_from_subgroups_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut rows = patients(300, 17);
    let section = PATIENTS.replace("region\" }", "region\", centre = \"hospital\" }");
    rows.iter_mut().for_each(|r| r.hospital = r.region.len());
    check(folder.path(), &csv(&rows), &section, "")
        .code(1)
        .stderr(contains("every subgroup lies in one centre"));
    rows.iter_mut().for_each(|r| r.hospital = 1);
    check(folder.path(), &csv(&rows), &section, "").code(1).stderr(contains("only one centre"));
}

#[test]
fn a_draft_takes_no_column_twice() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("trial.csv"), csv(&patients(100, 18))).expect("a data file");
    let roles = ["--outcome", "dead", "--treatment", "drug", "--subgroup", "region"];
    let rest = ["--assignment", "observational", "--higher-is", "worse", "--adjust"];
    for (adjust, words) in [
        ("dead", "`dead` is the column of the outcome"),
        ("age,region", "`region` is the column of the subgroup"),
        ("age,age", "`age` is listed twice"),
    ] {
        let mut command = Command::cargo_bin("equipoise").expect("built");
        command.current_dir(folder.path()).args(["new", "trial.csv"]).args(roles).args(rest).arg(adjust);
        command.assert().code(1).stderr(contains(words));
    }
}

// ---- What the program prints ----

#[test]
fn text_and_json_say_what_was_adjusted_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let section = PATIENTS.replace("region\" }", "region\", centre = \"hospital\" }");
    let spline = r#"adjust = [{ column = "age", spline = 3 }, { column = "severity", reference = "mild", prior = "normal(0, 0.7)" }]"#;
    study(folder.path(), &csv(&patients(900, 14)), &section, spline);
    let mut command = Command::cargo_bin("equipoise").expect("built");
    let found = command
        .current_dir(folder.path())
        .args(["fit", "trial.toml", "--out", "run", "--draws", "500"])
        .assert();
    let found = found.success();
    let text = String::from_utf8_lossy(&found.get_output().stdout).replace("\n  ", " ").replace('\n', " ");
    for words in [
        "Treatment was not randomised: these are associations, adjusted for age (spline, 3 knots), severity and 12 centres (hospital) and for nothing else.",
        "12 centres (hospital) with intercepts of their own",
        "Held against importance sampling from a normal approximation (Pareto k 0.",
        "severe vs mild",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    let json = fs::read_to_string(folder.path().join("run/result.json")).expect("a result");
    let json: Value = serde_json::from_str(&json).expect("JSON");
    let adjustment = &json["model"]["adjustment"];
    assert_eq!(adjustment["terms"].as_array().map(Vec::len), Some(4));
    assert_eq!(adjustment["terms"][3]["prior"], "normal(0, 0.7)");
    assert_eq!(adjustment["centres"]["number"], 12);
    let names: Vec<&str> =
        json["parameters"].as_array().into_iter().flatten().filter_map(|p| p["name"].as_str()).collect();
    for name in ["gamma[age]", "gamma[age′]", "gamma[severity=severe]", "centre_sd"] {
        assert!(names.contains(&name), "{name} of {names:?}");
    }
}

#[test]
fn what_is_compared_has_no_risks() {
    let folder = tempfile::tempdir().expect("a folder");
    let study = study(folder.path(), &csv(&patients(600, 15)), PATIENTS, ADJUST);
    let compared = comparable(&study);
    let report = analyse(&compared, Options::exact());
    assert!(
        report.checks.ok && report.estimates.iter().all(|e| e.estimand.measure != Measure::RiskDifference)
    );
}
