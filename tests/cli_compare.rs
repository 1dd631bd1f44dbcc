//! `equipoise compare` as its users run it: outputs in every format, statements, exit statuses, bad input.

use std::fs;
use std::sync::OnceLock;

use crate::common::shipped::{Forms, comparison_in_forms};

use assert_cmd::Command;
use equipoise::compare::{Asked, Request, compare};
use equipoise::input::open;
use predicates::prelude::*;
use predicates::str::contains;
use serde_json::Value;
use tempfile::TempDir;

const MODEL: &str = r#"
title = "A small trial"

[study]
assignment = "randomised"

[outcome]
name = "death"
kind = "binary"
higher_is = "worse"

[treatment]
name = "the drug"
control = "placebo"
active = "drug"

[data]
counts = [
  { subgroup = "men", control = { events = 8, total = 40 }, active = { events = 4, total = 41 } },
  { subgroup = "women", control = { events = 5, total = 30 }, active = { events = 6, total = 29 } },
]

[prior]
effect = "normal(0, 0.355)"
heterogeneity = "half-normal(0.5)"

[library]
expected_odds_ratio = 1.5

[thresholds]
primary = { risk_difference = 0.05 }

[priors.wary]
effect = "0.8 * normal(0, 0.2) + 0.2 * normal(0.3, 0.5)"

[priors.apart]
heterogeneity = "half-normal(1)"
"#;

struct Desk(TempDir);

impl Desk {
    fn with(text: &str) -> Desk {
        let desk = Desk(tempfile::tempdir().expect("a folder"));
        desk.write("model.toml", text);
        desk
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.path().join(name), text).expect("written");
    }

    fn run(&self, arguments: &[&str]) -> assert_cmd::assert::Assert {
        let mut command = Command::cargo_bin("equipoise").expect("built");
        command.current_dir(self.0.path()).arg("compare").args(arguments).assert()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let arguments = [arguments, &["--format", "json"]].concat();
        let assert = self.run(&arguments).success();
        serde_json::from_slice(&assert.get_output().stdout).expect("JSON")
    }

    /// The model with sections added must be refused with these words.
    #[track_caller]
    fn refuses(added: &str, words: &[&str]) {
        let desk = Desk::with(&format!("{MODEL}\n{added}\n"));
        let mut assert = desk.run(&["model.toml"]).code(1).stdout("").stderr(contains("panicked").not());
        for word in words {
            assert = assert.stderr(contains(*word));
        }
    }
}

/// What `compare model.toml` prints as JSON by two threads; made once.
fn all_priors() -> &'static [u8] {
    static ALL: OnceLock<Vec<u8>> = OnceLock::new();
    ALL.get_or_init(|| {
        let run = Desk::with(MODEL).run(&["model.toml", "--format", "json", "--threads", "2"]).success();
        run.get_output().stdout.clone()
    })
}

/// The comparison with the grid in every form; made once. That the program prints the same is held where its JSON is read.
fn with_grid() -> &'static Forms {
    static ALL: OnceLock<Forms> = OnceLock::new();
    ALL.get_or_init(|| {
        let desk = Desk::with(MODEL);
        let study = open(desk.0.path().join("model.toml")).expect("a study");
        let c = compare(&study, &Request { grid: true, ..Request::default() }).expect("known priors");
        comparison_in_forms(&study, &c)
    })
}

fn names(value: &Value) -> Vec<&str> {
    value["priors"].as_array().expect("a list").iter().map(|p| p["name"].as_str().expect("a name")).collect()
}

#[test]
fn all_priors_are_compared_unless_some_are_named() {
    let desk = Desk::with(MODEL);
    let all: Value = serde_json::from_slice(all_priors()).expect("JSON");
    assert_eq!(all["schema"], "equipoise/compare/1");
    assert_eq!(names(&all)[..3], ["stated", "wary", "apart"]);
    assert_eq!(names(&all).len(), 3 + 9);
    let some = desk.json(&["model.toml", "--priors", "neutral-strong,wary"]);
    assert_eq!(names(&some), ["stated", "neutral-strong", "wary"]);
    assert_eq!(names(&desk.json(&["model.toml", "--priors", "library"])).len(), 1 + 9);
    assert_eq!(some["priors"][2]["heterogeneity"], "half-normal(0.5)", "inherited");
    assert_eq!(all["priors"][2]["effect"], "normal(0, 0.355)", "inherited");
    assert!(some["priors"][1]["statement"].as_str().expect("words").starts_with("P(better) 0.50"));
}

#[test]
fn optimism_points_toward_benefit_where_events_are_bad() {
    let all: Value = serde_json::from_slice(all_priors()).expect("JSON");
    for prior in all["priors"].as_array().expect("a list") {
        let (name, benefit) =
            (prior["name"].as_str().expect("a name"), prior["benefit"].as_f64().expect("proper"));
        match name.split('-').next() {
            Some("optimistic") => assert!(benefit > 0.65, "{name}: {benefit}"),
            Some("pessimistic") => assert!(benefit < 0.35, "{name}: {benefit}"),
            Some("neutral") => assert!((benefit - 0.5).abs() < 1e-9, "{name}: {benefit}"),
            _ => {}
        }
    }
}

#[test]
fn every_list_of_the_schema_is_there_with_its_keys() {
    let printed = Desk::with(MODEL).run(&["model.toml", "--grid", "--format", "json"]).success();
    let printed = String::from_utf8(printed.get_output().stdout.clone()).expect("UTF-8");
    assert!(printed == with_grid()["--format json"]);
    let found: Value = serde_json::from_str(&printed).expect("JSON");
    let lists: [(&str, &[&str]); 12] = [
        ("priors", &["name", "effect", "heterogeneity", "baseline", "statement", "patients", "conflict"]),
        (
            "table",
            &[
                "prior",
                "pooling",
                "scope",
                "subgroup",
                "statement",
                "measure",
                "threshold",
                "probability",
                "mcse",
                "exact",
                "prior_probability",
            ],
        ),
        ("estimates", &["prior", "pooling", "scope", "subgroup", "measure", "median", "q2_5", "q97_5"]),
        ("tau_curve", &["prior", "scale", "subgroup", "statement", "measure", "threshold", "probability"]),
        ("tau_crossings", &["prior", "scale", "line", "rising"]),
        ("heterogeneity", &["quantity", "prior", "posterior"]),
        ("grid", &["prior", "heterogeneity", "pooling", "subgroup", "statement", "probability"]),
        (
            "tipping",
            &["subgroup", "statement", "threshold", "line", "sceptical_sd", "as_patients", "frontier"],
        ),
        (
            "who_decided",
            &[
                "subgroup",
                "statement",
                "threshold",
                "baseline",
                "data",
                "effect_prior",
                "heterogeneity_prior",
                "probability",
                "corners",
            ],
        ),
        ("envelope", &["subgroup", "statement", "threshold", "low", "high", "low_at", "high_at"]),
        ("power_scaling", &["scope", "subgroup", "measure", "prior", "likelihood", "diagnosis", "method"]),
        ("poolings", &["pooling", "log_marginal_likelihood", "elpd", "elpd_se", "difference", "unit"]),
    ];
    for (list, keys) in lists {
        let row = found[list].as_array().expect(list).first().unwrap_or_else(|| panic!("{list} is empty"));
        for key in keys {
            assert!(row.get(*key).is_some(), "{list} has no {key}");
        }
    }
    assert_eq!(found["grid"].as_array().expect("a list").len(), 12 * (5 * 2 + 1) * 2 * 4);
    // The ledger: a prior value beside every probability.
    for row in found["table"].as_array().expect("a list") {
        assert!(row["prior_probability"].is_f64(), "{row}");
    }
}

#[test]
fn the_text_has_what_is_asked_of_it_within_eighty_columns() {
    let text = &with_grid()["--full"];
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    assert!(!text.contains("\n\n\n"), "an empty section");
    for words in [
        "Men (placebo 8/40, drug 4/41)",
        "over the scale of the heterogeneity prior",
        "What drove each probability",
        "What one would have to believe",
        "Poolings compared",
        "nearly flat: reference only",
        "|θ men − θ women|",
        "0.8 * normal",
    ] {
        assert!(text.contains(words), "{words} is not there");
    }
}

#[test]
fn statements_stand_in_every_format() {
    let desk = Desk::with(MODEL);
    let study = open("attention-ras-etiology").expect("shipped");
    let priors = Asked(vec!["cohorts-50".to_string()]);
    let c = compare(&study, &Request { priors, ..Request::default() }).expect("known priors");
    let forms = comparison_in_forms(&study, &c);
    let run = desk.run(&["attention-ras-etiology", "--priors", "cohorts-50"]).success();
    let printed = String::from_utf8(run.get_output().stdout.clone()).expect("UTF-8");
    assert!(printed == forms[""], "the program prints this comparison");
    for format in ["", "--format json", "--format csv"] {
        let output = forms[format].replace("\n  ", " ");
        for words in ["ILLUSTRATIVE", "not randomised", "rests on associations"] {
            assert!(output.contains(words), "{format} does not say {words}");
        }
    }
    // Not believed, not spoken of.
    desk.run(&["attention-ras-etiology", "--priors", "cohorts-0"])
        .success()
        .stdout(contains("rests on associations").not());
}

#[test]
fn the_same_bytes_whatever_the_threads() {
    let desk = Desk::with(MODEL);
    let bytes = |threads: &str| -> Vec<u8> {
        let arguments = ["model.toml", "--format", "json", "--threads", threads];
        desk.run(&arguments).success().get_output().stdout.clone()
    };
    let one = bytes("1");
    // More threads than processors: what is made once must not be waited for in a circle.
    assert!(one == all_priors() && one == bytes("8"));
}

#[test]
fn exchangeable_baselines_are_compared_by_sampling() {
    let text = MODEL.replace(
        "heterogeneity = \"half-normal(0.5)\"\n\n[library]",
        "heterogeneity = \"half-normal(0.5)\"\nbaseline = { mean = \"normal(0, 1.5)\", sd = \"half-normal(0.5)\" }\n\n[library]",
    );
    assert_ne!(text, MODEL);
    let found = Desk::with(&text).json(&["model.toml", "--priors", "stated"]);
    assert_eq!(found["engine"], "sampler");
    let row = &found["table"][0];
    assert!(row["mcse"].is_f64() && row["exact"].is_null() && row["probability"].is_f64(), "{row}");
    assert_eq!(found["poolings"][0]["method"], "psis");
    assert!(found["tau_curve"].as_array().expect("a list").iter().all(|p| p["probability"].is_f64()));
}

#[test]
fn an_unknown_prior_is_answered_with_the_known_ones() {
    let desk = Desk::with(MODEL);
    desk.run(&["model.toml", "--priors", "sceptic"])
        .code(1)
        .stdout("")
        .stderr(contains("no prior named `sceptic`"))
        .stderr(contains("wary"))
        .stderr(contains("neutral-moderate"));
    desk.run(&["eight-schools", "--priors", "library"]).code(1).stderr(contains("speaks of odds ratios"));
    desk.run(&["eight-schools", "--priors", "neutral-weak"])
        .code(1)
        .stderr(contains("speaks of odds ratios"));
}

#[test]
fn priors_from_elsewhere_must_speak_of_the_same() {
    Desk::refuses("[priors.x]\nfrom = [\"blocker\"]\nweight = 1.5", &["weight of 1.5", "between 0"]);
    Desk::refuses("[priors.x]\nfrom = [\"blocker\"]\nweight = -0.1", &["weight of -0.1"]);
    Desk::refuses("[priors.x]\nfrom = [\"blocker\"]", &["without `weight`"]);
    Desk::refuses("[priors.x]\nweight = 0.5", &["without `from`"]);
    Desk::refuses("[priors.x]\nfrom = [\"bloker\"]\nweight = 0.5", &["did you mean `blocker`"]);
    Desk::refuses("[priors.x]\nfrom = [\"eight-schools\"]\nweight = 0.5", &["effect measure"]);
    Desk::refuses("[priors.x]\nfrom = [\"ras-basilar-function\"]\nweight = 0.5", &["direction"]);
    Desk::refuses("[priors.x]\nfrom = [\"ras-basilar-death\"]\nweight = 0.5", &["its outcome is"]);
    Desk::refuses("[priors.x]", &["says nothing"]);
    Desk::refuses("[priors.stated]\neffect = \"normal(0, 1)\"", &["program's own"]);
    Desk::refuses("[priors.neutral-weak]\neffect = \"normal(0, 1)\"", &["program's own"]);
    Desk::refuses("[priors.\"a b\"]\neffect = \"normal(0, 1)\"", &["can't be asked for"]);
    Desk::refuses("[priors.x]\neffect = \"normal(0, -1)\"", &["sd is -1"]);
    Desk::refuses("[priors.x]\neffct = \"normal(0, 1)\"", &["unknown key `effct`"]);
}

#[test]
fn the_data_themselves_are_no_prior_and_files_are_found_beside_the_model() {
    let desk = Desk::with(&format!("{MODEL}\n[priors.x]\nfrom = [\"other.toml\"]\nweight = 0.5\n"));
    desk.write("other.toml", MODEL);
    desk.run(&["model.toml"]).code(1).stderr(contains("count twice"));
    desk.write("other.toml", &MODEL.replace("events = 8", "events = 9"));
    desk.run(&["model.toml"]).code(1).stderr(contains("both hold `women`"));
    desk.write("other.toml", &MODEL.replace("events = 8", "events = 9").replace("events = 5", "events = 7"));
    let found = desk.json(&["model.toml", "--priors", "x"]);
    assert_eq!(found["priors"][1]["external"]["from"][0], "other");
    let mixture = found["priors"][1]["effect"].as_str().expect("words").to_string();
    // What is printed can be written back, and is the same prior.
    let text = MODEL.replace("effect = \"normal(0, 0.355)\"", &format!("effect = \"{mixture}\""));
    let again = Desk::with(&text).json(&["model.toml", "--priors", "stated"]);
    let of = |v: &Value, prior: &str| -> Vec<f64> {
        let rows = v["table"].as_array().expect("a list").iter();
        rows.filter(|r| r["prior"] == prior).map(|r| r["probability"].as_f64().expect("exact")).collect()
    };
    for (a, b) in of(&found, "x").iter().zip(of(&again, "stated")) {
        assert!((a - b).abs() < 1e-9, "{a} {b}");
    }
}

#[test]
fn check_tells_what_a_prior_says_without_being_asked() {
    let desk = Desk::with(&MODEL.replace("normal(0, 0.355)", "normal(0, 5)"));
    Command::cargo_bin("equipoise")
        .expect("built")
        .current_dir(desk.0.path())
        .args(["check", "model.toml"])
        .assert()
        .success()
        .stdout(contains("P(risk difference beyond 20 points in either direction): 0."))
        .stdout(contains("better in the first and worse in the second"))
        .stdout(contains("a reference, not a belief"));
}
