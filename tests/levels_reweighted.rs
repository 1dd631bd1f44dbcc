//! Draws of a few fits that serve other priors, against long runs of the sampler under those priors themselves.

use std::sync::OnceLock;

use serde_json::Value;

use crate::common::folder::Folder;

/// Four levels of two subgroups, a prior narrower and beside the stated one, and one much wider.
const STUDY: &str = r#"
title = "Four levels"
illustrative = true
[study]
assignment = "randomised"
[outcome]
name = "outcome"
higher_is = "worse"
kind = "ordinal"
levels = [0, 1, 2, 3]
above = 1
[treatment]
name = "drug"
control = "placebo"
active = "drug"
[[data.counts]]
subgroup = "men"
control = { levels = [40, 43, 40, 27] }
active = { levels = [56, 40, 33, 22] }
[[data.counts]]
subgroup = "women"
control = { levels = [30, 31, 45, 42] }
active = { levels = [33, 33, 46, 39] }
[model]
pooling = "partial"
cutpoints = "{CUTPOINTS}"
[prior]
effect = "normal(0, 0.5)"
heterogeneity = "half-normal(0.3)"
[thresholds]
risk_difference = [0.05]
[priors.wary]
effect = "normal(0.1, 0.15)"
[priors.apart]
effect = "normal(0, 2)"
heterogeneity = "half-normal(1)"
"#;

/// The distance in standard errors at which two are no longer the same.
const FAR: f64 = 4.0;

fn json(folder: &Folder, arguments: &[&str]) -> Value {
    serde_json::from_str(&folder.says(arguments)).expect("JSON")
}

/// A run of the sampler with errors half as large as usual.
fn long(folder: &Folder, file: &str, changes: &[&str]) -> Value {
    let mut arguments = vec!["fit", file, "--format", "json", "--mcse", "0.0025", "--seed", "9"];
    changes.iter().for_each(|change| arguments.extend(["--set", change]));
    json(folder, &arguments)
}

/// The comparison of the study with shared cut points, as JSON, by so many threads; by 3 made once.
fn compared(threads: &str) -> String {
    static BY_THREE: OnceLock<String> = OnceLock::new();
    let told = || {
        let folder = Folder::new();
        folder.write("study.toml", STUDY.replace("{CUTPOINTS}", "shared"));
        folder.says(&["compare", "study.toml", "--format", "json", "--threads", threads])
    };
    if threads == "3" { BY_THREE.get_or_init(told).clone() } else { told() }
}

/// The row of a list with all these values.
fn row<'v>(document: &'v Value, list: &str, wanted: &[(&str, &Value)]) -> Option<&'v Value> {
    let rows = document[list].as_array().unwrap_or_else(|| panic!("no {list}"));
    rows.iter().find(|row| wanted.iter().all(|(key, value)| row[*key] == **value))
}

/// Every sampled row of a table against a run of its own; how many there were.
fn same_as(found: &Value, prior: &str, pooling: &str, run: &Value) -> usize {
    let keys = ["scope", "subgroup", "subgroup_b", "statement", "measure", "threshold"];
    let table = found["table"].as_array().expect("table");
    let mut compared = 0;
    for own in table.iter().filter(|r| r["prior"] == prior && r["pooling"] == pooling) {
        let wanted: Vec<(&str, &Value)> = keys.iter().map(|key| (*key, &own[*key])).collect();
        let Some(other) = row(run, "probabilities", &wanted) else { continue };
        let (Some(p), Some(sampled)) = (own["probability"].as_f64(), other["sampled"].as_f64()) else {
            panic!("no probability: {own} {other}");
        };
        let errors = [own, other].map(|r| r["mcse"].as_f64().unwrap_or(0.0).max(1e-4));
        let z = (p - sampled).abs() / errors[0].hypot(errors[1]);
        assert!(z < FAR, "{prior}, {pooling}: {p} against {sampled}, {z:.1} errors apart: {own}");
        assert!(errors[0] <= 0.005, "{own}");
        compared += 1;
    }
    compared
}

/// Shared cut points: all numbers under other priors, whichever they are.
#[test]
fn weighted_draws_are_those_of_runs_under_the_same_priors() {
    let folder = Folder::new();
    folder.write("study.toml", STUDY.replace("{CUTPOINTS}", "shared"));
    let has_tau = |line: &&str| line.starts_with("heterogeneity");
    let one: Vec<&str> = STUDY.lines().filter(|line| !has_tau(line)).collect();
    let one = one.join("\n").replace("{CUTPOINTS}", "shared").replace("\"partial\"", "\"complete\"");
    folder.write("one.toml", one);
    let found: Value = serde_json::from_str(&compared("3")).expect("JSON");
    let notices = found["checks"]["notices"].to_string();
    assert!(notices.contains("weighted anew"), "{notices}");
    for (prior, effect, tau) in
        [("wary", "normal(0.1, 0.15)", "half-normal(0.3)"), ("apart", "normal(0, 2)", "half-normal(1)")]
    {
        for pooling in ["partial", "none", "complete"] {
            let changes = [
                format!("prior.effect={effect}"),
                format!("model.pooling={pooling}"),
                format!("prior.heterogeneity={tau}"),
            ];
            let asked: Vec<&str> = changes.iter().map(String::as_str).collect();
            let run = match pooling {
                "complete" => long(&folder, "one.toml", &asked[..2]),
                _ => long(&folder, "study.toml", &asked),
            };
            let least = if pooling == "partial" { 9 } else { 4 };
            assert!(same_as(&found, prior, pooling, &run) >= least, "{prior} {pooling}");
        }
    }
    // The ends of the curve over τ's prior.
    for (scale, words) in [(0.3 * 2.0_f64.powi(-5), "half-normal(0.009375)"), (2.4, "half-normal(2.4)")] {
        let run = long(&folder, "study.toml", &[&format!("prior.heterogeneity={words}")]);
        let curve = found["tau_curve"].as_array().expect("a curve");
        let at = |r: &&Value| {
            r["prior"] == "stated" && (r["scale"].as_f64().unwrap_or(0.0) / scale - 1.0).abs() < 1e-9
        };
        let mut compared = 0;
        for point in curve.iter().filter(at) {
            let keys = ["subgroup", "statement", "measure", "threshold"];
            let wanted: Vec<(&str, &Value)> = keys.iter().map(|key| (*key, &point[*key])).collect();
            let other = row(&run, "probabilities", &wanted).expect("the same statement");
            let (p, sampled) = (point["probability"].as_f64().unwrap(), other["sampled"].as_f64().unwrap());
            let z = (p - sampled).abs() / 0.005_f64.hypot(other["mcse"].as_f64().unwrap_or(0.0));
            assert!(z < FAR, "{scale}: {p} against {sampled}: {point}");
            compared += 1;
        }
        assert_eq!(compared, 4);
    }
}

/// Cut points by subgroup: what speaks of risks, beside effects that are integrated.
#[test]
fn risks_beside_integrated_effects_are_those_of_runs_under_the_same_priors() {
    let folder = Folder::new();
    folder.write("study.toml", STUDY.replace("{CUTPOINTS}", "by subgroup"));
    let found = json(&folder, &["compare", "study.toml", "--format", "json"]);
    assert!(found["checks"]["notices"].to_string().contains("weighted anew"));
    for (prior, effect, tau) in
        [("wary", "normal(0.1, 0.15)", "half-normal(0.3)"), ("apart", "normal(0, 2)", "half-normal(1)")]
    {
        let changes = [format!("prior.effect={effect}"), format!("prior.heterogeneity={tau}")];
        let run = long(&folder, "study.toml", &[&changes[0], &changes[1]]);
        assert!(same_as(&found, prior, "partial", &run) >= 9);
        let of_risks = |r: &&Value| r["prior"] == prior && r["statement"] == "benefit_at_least";
        let table = found["table"].as_array().expect("table");
        assert!(table.iter().filter(of_risks).all(|r| r["exact"].is_null() && r["mcse"].is_number()));
    }
}

/// Which priors are sampled and which are weighted is no matter of threads.
#[test]
fn weighted_answers_are_the_same_whatever_the_threads() {
    assert!(compared("1") == compared("3"), "other bytes");
}
