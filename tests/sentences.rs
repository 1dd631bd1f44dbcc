//! What `fit` says in sentences, tables and files: nothing in them is bolder than the number behind it.

use std::fs;

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;

/// A trial; `study` is its assignment.
fn model(assignment: &str, counts: &str, thresholds: &str) -> String {
    format!(
        r#"
title = "A trial"
[study]
assignment = "{assignment}"
[outcome]
name = "death"
kind = "binary"
higher_is = "worse"
event = "deaths"
[treatment]
name = "drug"
control = "placebo"
active = "drug"
[data]
counts = [ {counts} ]
[prior]
effect = "normal(0, 1)"
heterogeneity = "half-normal(0.5)"
baseline = "normal(0, 2.5)"
{thresholds}
"#
    )
}

fn pair(name: &str, [a, b, c, d]: [u32; 4]) -> String {
    format!(
        "{{ subgroup = \"{name}\", control = {{ events = {a}, total = {b} }}, active = {{ events = {c}, total = {d} }} }},\n"
    )
}

/// What `fit` prints of it, and its result.
fn fitted(text: &str, more: &[&str]) -> (String, Value, String) {
    let folder = TempDir::new().expect("a folder");
    fs::write(folder.path().join("model.toml"), text).expect("written");
    let run = |format: &str| {
        let mut command = Command::cargo_bin("equipoise").expect("built");
        command.current_dir(folder.path()).args(["fit", "model.toml", "--format", format]).args(more);
        String::from_utf8(command.assert().success().get_output().stdout.clone()).expect("text")
    };
    let result = serde_json::from_str(&run("json")).expect("JSON");
    (run("text"), result, run("csv"))
}

/// Without line ends.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn two() -> String {
    pair("old", [30, 100, 32, 100]) + &pair("young", [40, 100, 18, 100])
}

#[test]
fn below_three_quarters_there_is_no_clear_direction() {
    for assignment in ["observational", "randomised"] {
        let (text, result, _) = fitted(&model(assignment, &two(), ""), &["--engine", "exact"]);
        let text = flat(&text);
        let claims = result["claims"].as_array().expect("claims");
        let of = |name: &str| claims.iter().find(|c| c["subgroup"] == name).expect("a claim");
        let (old, young) = (of("old"), of("young"));
        assert!(old["probability"].as_f64().expect("a number") < 0.75 && old["clear"] == false, "{old}");
        assert!(young["probability"].as_f64().expect("a number") >= 0.75 && young["clear"] == true);
        assert!(text.contains("old: no clear direction: P("), "{text}");
        let told = if assignment == "randomised" { "drug helps" } else { "is associated with a better" };
        assert!(text.contains(told), "{text}");
        assert!(claims.iter().all(|c| text.contains(&flat(c["text"].as_str().expect("a sentence")))));
    }
}

#[test]
fn only_effects_of_treatment_have_a_number_needed_to_treat() {
    let (text, result, _) = fitted(&model("observational", &two(), ""), &["--engine", "exact"]);
    assert!(!text.contains("NNT"), "{text}");
    assert!(flat(&text).contains("fewer per 1,000 among those who had drug"), "{text}");
    assert!(result["estimates"].as_array().expect("rows").iter().all(|e| e.get("nnt").is_none()));
    let (text, result, _) = fitted(&model("randomised", &two(), ""), &["--engine", "exact"]);
    assert!(text.contains("NNTB") && flat(&text).contains("number needed to treat"), "{text}");
    assert!(!text.contains("among those who had"), "{text}");
    assert!(result["estimates"].as_array().expect("rows").iter().any(|e| e.get("nnt").is_some()));
}

#[test]
fn probability_is_the_best_number_in_every_mode() {
    let text = model("randomised", &two(), "");
    for engine in ["both", "sampler", "exact"] {
        let (_, result, csv) = fitted(&text, &["--engine", engine]);
        assert_eq!(result["schema"], "equipoise/result/2");
        let rows = result["probabilities"].as_array().expect("rows");
        for row in rows {
            let best = if row["exact"].is_null() { &row["sampled"] } else { &row["exact"] };
            assert_eq!(&row["probability"], best, "{engine}: {row}");
            assert_eq!(row["sampled"].is_null(), engine == "exact", "{engine}: {row}");
        }
        assert!(rows.iter().any(|r| r["exact"].is_number()) == (engine != "sampler"), "{engine}");
        let header = csv.lines().next().expect("a header");
        assert!(header.contains("probability,sampled,mcse,ess,exact"), "{header}");
    }
    let (told, _, _) = fitted(&text, &["--engine", "both"]);
    assert!(!told.contains("(sampled "), "{told}");
}

#[test]
fn crude_effects_stand_beside_the_posterior_and_an_empty_cell_has_none() {
    let counts = pair("old", [48, 80, 56, 70]) + &pair("young", [5, 20, 0, 20]);
    let (text, result, csv) = fitted(&model("randomised", &counts, ""), &["--engine", "exact"]);
    let crude: Vec<&str> = text.lines().filter(|l| l.trim_start().starts_with("crude")).collect();
    // 56·32/(14·48); Newcombe's interval as he gives it (Stat Med 1998;17:873, table II, row a).
    assert!(crude[0].contains("2.67 (") && crude[0].contains("+20.0 (+5.2 to +33.4)"), "{crude:?}");
    assert!(crude[1].contains(" – ") && crude[1].contains("−25.0 ("), "{crude:?}");
    assert!(text.lines().all(|l| l.chars().count() <= 80), "{text}");
    assert!(flat(&text).contains("a cell is empty, and nothing is added to it"), "{text}");
    let row = |subgroup: &str, measure: &str| {
        let rows = result["estimates"].as_array().expect("rows").iter();
        rows.clone().find(|e| e["subgroup"] == subgroup && e["measure"] == measure).expect("a row")
    };
    let observed = row("old", "odds_ratio")["observed"]["estimate"].as_f64().expect("a number");
    assert!((observed - 56.0 * 32.0 / (14.0 * 48.0)).abs() < 1e-12);
    assert!(row("young", "odds_ratio").get("observed").is_none());
    assert_eq!(row("young", "risk_difference")["observed"]["estimate"], -0.25);
    assert!(csv.lines().next().expect("a header").contains("observed,observed_low,observed_high"));
}

#[test]
fn text_and_json_tell_the_same_claims_of_many_subgroups() {
    let counts: String = (0..8).map(|g| pair(&format!("group {g}"), [10 + g, 50, 8, 50])).collect();
    let (text, result, _) = fitted(&model("randomised", &counts, ""), &["--engine", "exact"]);
    let text = flat(&text);
    for claim in result["claims"].as_array().expect("claims") {
        assert!(text.contains(&flat(claim["text"].as_str().expect("a sentence"))), "{claim}");
    }
    assert!(!text.contains("group 0: "), "{text}");
}

#[test]
fn digits_fit_rare_outcomes_and_thresholds_that_are_not_shown_are_counted() {
    let asked = "[thresholds]\nrisk_ratio = [1.4286, 3.3333, 10]\nrisk_difference = [0.001, 0.003]";
    let rare = model("randomised", &pair("all", [85, 21_500, 9, 21_500]), asked)
        .replace("heterogeneity = \"half-normal(0.5)\"\n", "")
        .replace("[prior]", "[model]\npooling = \"complete\"\n[prior]")
        .replace("normal(0, 1)", "normal(0, 3)")
        .replace("normal(0, 2.5)", "normal(-5, 3)");
    let (text, _, _) = fitted(&rare, &["--engine", "exact"]);
    assert!(text.contains("−0.35 (−0.44 to −0.27)"), "{text}");
    assert!(text.contains("4 more thresholds in CSV and JSON"), "{text}");
    let (text, _, _) = fitted(&model("randomised", &two(), ""), &["--engine", "exact"]);
    assert!(!text.contains("more threshold"), "{text}");
}

#[test]
fn columns_of_probabilities_say_that_they_are() {
    let (text, _, _) = fitted(&model("randomised", &two(), ""), &["--engine", "exact"]);
    for heading in ["P(better)", "P(worse)", "P(A better,", "P(A worse,"] {
        assert!(text.contains(heading), "{heading}: {text}");
    }
    assert!(!text.contains("A +"), "{text}");
}
