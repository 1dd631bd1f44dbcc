//! What `compare`, `check` and `decide` say agrees with itself, and with `fit`.

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use equipoise::compare::{Request, compare};
use equipoise::input::open;
use equipoise::posterior::Sampling;
use serde_json::Value;

use crate::common::shipped;

const COUNTS: &str = r#"title = "A trial"
[study]
assignment = "randomised"
[outcome]
name = "death"
kind = "binary"
higher_is = "worse"
[treatment]
name = "drug"
control = "placebo"
active = "drug"
[subgroup]
name = "group"
[[data.counts]]
subgroup = "A"
control = { events = 20, total = 100 }
active = { events = 10, total = 100 }
[[data.counts]]
subgroup = "B"
control = { events = 12, total = 90 }
active = { events = 13, total = 95 }
[prior]
effect = "normal(0, 0.355)"
heterogeneity = "half-normal(0.5)"
baseline = "normal(0, 2.5)"
"#;

fn said(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::cargo_bin("equipoise").expect("built");
    let assert = command.current_dir(folder).args(arguments).assert().success();
    String::from_utf8(assert.get_output().stdout.clone()).expect("UTF-8")
}

/// The program's text about a model, as one line; where no model is given, about what is shipped.
fn told(model: &str, arguments: &[&str]) -> String {
    if model.is_empty() {
        return shipped::said(&arguments.join(" ")).split_whitespace().collect::<Vec<_>>().join(" ");
    }
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("trial.toml"), model).expect("a model file");
    said(folder.path(), arguments).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn fit_compare_and_check_have_one_prior_probability_of_a_risk_difference() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = format!("{COUNTS}[thresholds]\nprimary = {{ risk_difference = 0.05 }}\n");
    fs::write(folder.path().join("trial.toml"), model).expect("a model file");
    let json = |command: &str| -> Value {
        serde_json::from_str(&said(folder.path(), &[command, "trial.toml", "--format", "json"]))
            .expect("JSON")
    };
    let rows = |found: &Value, list: &str| found[list].as_array().expect("rows").clone();
    for statement in ["benefit_at_least", "harm_at_least"] {
        let of = |r: &&Value| {
            r["measure"] == "risk_difference"
                && r["statement"] == statement
                && r["threshold"] == 0.05
                && r["subgroup"] == "A"
        };
        let fit = rows(&json("fit"), "probabilities").iter().find(of).expect("a row")["prior"].clone();
        let compared = rows(&json("compare"), "table");
        let stated = compared.iter().filter(|r| r["prior"] == "stated" && r["pooling"] == "partial");
        let compared = stated.clone().find(of).expect("a row")["prior_probability"].clone();
        assert!(fit.is_f64());
        assert_eq!(fit, compared, "{statement}");
        let printed = format!("{:.2}", fit.as_f64().expect("a number"));
        let text = |command: &str| {
            said(folder.path(), &[command, "trial.toml"]).split_whitespace().collect::<Vec<_>>().join(" ")
        };
        let check = text("check");
        assert!(check.contains(&format!("P(better by ≥ 5 points) {printed}")), "{printed}: {check}");
        assert!(text("fit").contains(&format!("({printed})")), "{printed}");
    }
}

#[test]
fn an_adjusted_model_with_exchangeable_baselines_is_held_against_its_sampled_fit() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut rows = "group,drug,dead,age\n".to_string();
    for i in 0..240_u32 {
        let group = ["A", "B"][(i % 2) as usize];
        rows += &format!("{group},{},{},{}\n", i / 2 % 2, u32::from(i * 7 % 11 < 4), 40 + i * 13 % 41);
    }
    fs::write(folder.path().join("trial.csv"), rows).expect("a data file");
    let head = COUNTS.split("[[data.counts]]").next().expect("a head");
    let model = head.to_string()
        + r#"[data]
file = "trial.csv"
rows = "patients"
missing = "error"
columns = { outcome = "dead", treatment = "drug", subgroup = "group" }
[model]
adjust = ["age"]
[prior]
effect = "normal(0, 0.355)"
heterogeneity = "half-normal(0.5)"
baseline = { mean = "normal(0, 2.5)", sd = "half-normal(1)" }
"#;
    let path = folder.path().join("trial.toml");
    fs::write(&path, model).expect("a model file");
    let sampling = Sampling { draws: Some(600), ..Sampling::default() };
    let found = compare(&open(&path).expect("a study"), &Request { sampling, ..Request::default() });
    let found = found.expect("a comparison");
    let notices = found.notices.join(" ");
    assert!(notices.contains("with the coefficients held is within"), "{notices}");
    assert!(!notices.contains("what holding the coefficients costs is not known"), "{notices}");
    // Empty tables say why, and what would fill them.
    assert!(notices.contains("Baselines are exchangeable, which only sampling covers"), "{notices}");
    assert!(notices.contains("`baseline = \"normal(0, 2.5)\"`"), "{notices}");
    assert!(notices.contains("patients with covariates are not alike"), "{notices}");
}

#[test]
fn a_probability_near_a_line_is_printed_on_its_side() {
    let text = told("", &["compare", "attention-ras-etiology"]);
    assert!(
        text.contains("above 0.8 under 1 of 14 priors (0.46 under optimistic-strong to 0.803)"),
        "{text}"
    );
}

#[test]
fn the_answer_tells_of_the_average_and_of_a_further_subgroup() {
    let text = told(COUNTS, &["compare", "trial.toml"]);
    assert!(text.contains("the average group: P(better) 0.76"), "{text}");
    assert!(text.contains("a further similar group: no clear direction: P(better) 0.69"), "{text}");
    let text = told(
        &COUNTS.replace("name = \"group\"", "name = \"group\"\nexhaustive = true"),
        &["compare", "trial.toml"],
    );
    assert!(text.contains("the average group: P(better)") && !text.contains("a further similar"), "{text}");
}

#[test]
fn shifts_by_single_priors_are_told_from_ranges_over_sets_of_priors() {
    let text = told(COUNTS, &["compare", "trial.toml"]);
    assert!(text.contains("(each switched on in turn, averaged over all orders)"), "{text}");
    let text = told("", &["compare", "attention-ras-etiology"]);
    assert!(text.contains("no single prior by more than 0.04 (each switched on in turn, averaged over all orders; ranges of P are over whole sets of priors)"), "{text}");
}

#[test]
fn how_to_read_a_bias_is_said_as_such() {
    let text = told("", &["compare", "attention-evt", "--bias"]);
    assert!(text.contains("How to read a bias: one that is 2-fold makes the odds ratio that the data show twice the true one"), "{text}");
}

#[test]
fn check_says_factor_of_ratios() {
    let text = told(&format!("{COUNTS}[thresholds]\nodds_ratio = [1.25]\n"), &["check", "trial.toml"]);
    assert!(text.contains("P(better by a factor of ≥ 1.25)"), "{text}");
}

#[test]
fn levels_of_numbers_stand_in_the_order_of_the_numbers() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut rows = "age,drug,dead\n".to_string();
    for i in 0..160_u32 {
        rows += &format!("{},{},{}\n", 1 + i * 13 % 120, i / 2 % 2, u32::from(i * 7 % 11 < 4));
    }
    fs::write(folder.path().join("trial.csv"), rows).expect("a data file");
    let head = COUNTS.split("[[data.counts]]").next().expect("a head");
    let model = head.to_string()
        + r#"[data]
file = "trial.csv"
rows = "patients"
missing = "error"
columns = { outcome = "dead", treatment = "drug", subgroup = "age" }
cut = { age = [5, 20, 100] }
[prior]
effect = "normal(0, 0.355)"
heterogeneity = "half-normal(0.5)"
"#;
    fs::write(folder.path().join("trial.toml"), model).expect("a model file");
    let text = said(folder.path(), &["check", "trial.toml"]);
    let account = text.split("age (subgroup):").nth(1).expect("the column's account");
    let places = ["- <5", "- 5–19", "- 20–99", "- ≥100"].map(|level| account.find(level).expect("a level"));
    assert!(places.is_sorted(), "{text}");
}

#[test]
fn two_outcomes_are_told_in_all_four_ways() {
    let text = told("", &["decide", "rescue-stenting", "--full"]);
    let whose = "a further similar cohort: stent goes with";
    for way in [
        "higher rates of mRS 0–3 at 90 days and of symptomatic intracranial haemorrhage",
        "a higher rate of mRS 0–3 at 90 days and a lower rate of symptomatic intracranial haemorrhage",
        "lower rates of mRS 0–3 at 90 days and of symptomatic intracranial haemorrhage",
        "a lower rate of mRS 0–3 at 90 days and a higher rate of symptomatic intracranial haemorrhage",
    ] {
        assert!(text.contains(&format!("{whose} {way}")), "{way}: {text}");
    }
}
