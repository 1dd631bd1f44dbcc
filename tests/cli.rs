//! The program as its users run it: outputs, exit statuses, bad input.

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use predicates::prelude::*;
use predicates::str::contains;
use serde_json::Value;
use tempfile::TempDir;

use crate::common::shipped::{ran, said};

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

[model]
pooling = "partial"

[prior]
effect = { odds_ratio = [0.5, 2.0], mass = 0.95 }
heterogeneity = "half-normal(0.5)"

[thresholds]
risk_difference = [0.05]
"#;

const ESTIMATES: &str = r#"
title = "Estimates"
[study]
assignment = "observational"
[outcome]
name = "relapse"
kind = "estimate"
scale = "log_odds_ratio"
higher_is = "worse"
[treatment]
name = "the drug"
control = "placebo"
active = "drug"
[data]
estimates = [
  { subgroup = "A", ratio = 0.68, ci = [0.41, 1.12] },
  { subgroup = "B", estimate = -0.38, se = 0.11 },
]
[prior]
effect = "normal(0, 0.355)"
heterogeneity = "half-normal(0.5)"
"#;

/// A folder with a model file in it.
struct Desk {
    folder: TempDir,
}

impl Desk {
    fn new() -> Desk {
        Desk { folder: tempfile::tempdir().expect("a folder") }
    }

    fn with(text: &str) -> Desk {
        let desk = Desk::new();
        desk.write("model.toml", text.as_bytes());
        desk
    }

    /// The usual model with one thing replaced.
    fn changed(from: &str, to: &str) -> Desk {
        let text = MODEL.replace(from, to);
        assert_ne!(text, MODEL, "`{from}` does not stand in the model");
        Desk::with(&text)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path().join(name), bytes).expect("written");
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn run(&self, arguments: &[&str]) -> assert_cmd::assert::Assert {
        Command::cargo_bin("equipoise").expect("built").current_dir(self.path()).args(arguments).assert()
    }

    /// `fit` must fail with these words, exit status 1, and nothing written.
    #[track_caller]
    fn refuses(&self, words: &[&str]) {
        let files = |p: &Path| fs::read_dir(p).expect("a folder").count();
        let before = files(self.path());
        let mut assert = self.run(&["fit", "model.toml"]).code(1).stdout("");
        for word in words {
            assert = assert.stderr(contains(*word));
        }
        assert.stderr(contains("panicked").not());
        assert_eq!(files(self.path()), before, "something was written");
    }
}

fn json(desk: &Desk, model: &str) -> Value {
    let assert = desk.run(&["fit", model, "--format", "json"]).success();
    serde_json::from_slice(&assert.get_output().stdout).expect("JSON")
}

#[test]
fn alone_it_fits_the_default_model_and_writes_nothing() {
    let desk = Desk::new();
    desk.run(&[])
        .success()
        .stdout(contains("Rescue stenting after failed basilar thrombectomy"))
        .stdout(contains("PC-SEARCH"))
        .stdout(contains("Treatment was not randomised: these are associations, not adjusted for who"));
    assert_eq!(fs::read_dir(desk.path()).expect("a folder").count(), 0);
}

#[test]
fn every_shipped_model_is_checked_and_fitted_with_its_statements_in_every_format() {
    let list = Desk::new().run(&["list"]).success();
    let names = String::from_utf8(list.get_output().stdout.clone()).expect("UTF-8");
    let names: Vec<&str> = names.lines().filter(|l| !l.contains(' ')).collect();
    // Then come the decisions.
    assert_eq!(names.len(), 17 + 4, "{names:?}");
    let names = &names[..17];
    for name in names {
        assert!(ran(&format!("check {name}")).text().contains("Before any data"));
        let result: Value = serde_json::from_str(&said(&format!("fit {name} --format json"))).expect("JSON");
        assert_eq!(result["schema"], "equipoise/result/2");
        assert_eq!(result["checks"]["ok"], true);
        let fitted = ran(&format!("fit {name}"));
        let text = fitted.text();
        let csv = said(&format!("fit {name} --format csv"));
        let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let flat = flat.replace("! ", "");
        for statement in result["statements"].as_array().expect("a list") {
            let statement = statement.as_str().expect("text");
            assert!(flat.contains(statement), "{name}: {statement} is not in the text:\n{flat}");
            let rows: Vec<&str> = csv.lines().skip(1).collect();
            assert!(rows.iter().all(|row| row.contains(statement)), "{name}: not in every row of CSV");
        }
        if result["model"]["assignment"] == "observational" {
            assert!(text.contains("is associated with"), "{text}");
            assert!(!text.contains("helps") && !text.contains("harms"), "{text}");
        }
        for line in text.lines() {
            assert!(line.chars().count() <= 84, "{name}: wider than a terminal: {line}");
        }
        let written = |file: &str| fitted.files.get(&format!("runs/{name}/{file}")).expect("written");
        assert_eq!(serde_json::from_slice::<Value>(written("result.json")).expect("JSON"), result);
        assert!(!written("model.toml").is_empty() && !written("run.json").is_empty());
    }
}

#[test]
fn the_illustrative_model_says_so_and_the_randomised_one_speaks_of_causes() {
    let desk = Desk::new();
    desk.run(&["fit", "attention-ras-etiology"]).success().stdout(contains("ILLUSTRATIVE"));
    desk.run(&["check", "attention-ras-etiology"]).success().stdout(contains("ILLUSTRATIVE"));
    desk.run(&["fit", "attention-evt"])
        .success()
        .stdout(contains("thrombectomy helps with probability > 0.999"));
}

#[test]
fn two_runs_write_the_same_bytes_whatever_the_threads() {
    let desk = Desk::with(MODEL);
    let with_threads = |n: &str| {
        desk.run(&["fit", "model.toml", "--threads", n]).success();
        let files = [
            "result.json",
            "draws_parameters.csv",
            "draws_estimands.csv",
            "draws_diagnostics.csv",
            "model.toml",
        ];
        files.map(|file| fs::read(desk.path().join("runs/model").join(file)).expect("written"))
    };
    let one = with_threads("1");
    assert!(one == with_threads("2"), "2 threads");
    assert!(one == with_threads("4"), "4 threads");
    desk.run(&["fit", "model.toml", "--seed", "2"]).success();
    let other = fs::read(desk.path().join("runs/model/draws_parameters.csv")).expect("written");
    assert!(other != one[1], "another seed, other draws");
}

#[test]
fn a_run_folder_is_replaced_and_nothing_else_ever_is() {
    let desk = Desk::with(MODEL);
    desk.run(&["fit", "model.toml", "--out", "results/one"]).success();
    desk.run(&["fit", "model.toml", "--out", "results/one"]).success();
    assert_eq!(fs::read_dir(desk.path().join("results")).expect("a folder").count(), 1);
    desk.write("results/one/notes.txt", b"mine");
    desk.run(&["fit", "model.toml", "--out", "results/one"]).code(1).stderr(contains("other than a run"));
    fs::create_dir(desk.path().join("mine")).expect("made");
    desk.write("mine/thesis.txt", b"years of work");
    desk.run(&["fit", "model.toml", "--out", "mine"]).code(1).stderr(contains("something other than a run"));
    desk.run(&["fit", "model.toml", "--out", "model.toml"]).code(1).stderr(contains("taken by a file"));
    assert!(desk.path().join("mine/thesis.txt").is_file());
}

#[test]
fn a_misspelt_name_gets_a_suggestion() {
    Desk::new()
        .run(&["fit", "ras-basilar-functoin"])
        .code(1)
        .stderr(contains("did you mean `ras-basilar-function`?"));
    Desk::new().run(&["fit", "qqqq"]).code(1).stderr(contains("equipoise list"));
    Desk::new().run(&["fti"]).code(1);
}

#[test]
fn files_that_are_no_model_files_are_refused() {
    Desk::with("title = ").refuses(&["model.toml:1"]);
    Desk::with("").refuses(&["is missing"]);
    let desk = Desk::new();
    desk.write("model.toml", b"title = \"caf\xe9\"\n");
    desk.refuses(&["line 1 is not UTF-8"]);
    desk.write("model.toml", &[0xff, 0xfe, b't', 0]);
    desk.refuses(&["UTF-16"]);
    fs::create_dir(desk.path().join("folder.toml")).expect("made");
    desk.run(&["fit", "folder.toml"]).code(1).stderr(contains("this is a folder"));
}

#[test]
fn unknown_keys_and_values_are_pointed_at_and_the_near_one_is_named() {
    Desk::changed("assignment", "asignment").refuses(&[
        "asignment",
        "did you mean `assignment`?",
        "model.toml:5",
    ]);
    Desk::changed("events = 8", "event = 8").refuses(&["unknown key `event`", "did you mean `events`?"]);
    Desk::changed("\"worse\"", "\"worst\"")
        .refuses(&["did you mean `worse`?", "expected `better` or `worse`"]);
    Desk::changed("mass = 0.95", "masss = 0.95").refuses(&["did you mean `mass`?"]);
    Desk::changed("kind = \"binary\"", "kind = \"ordinary\"")
        .refuses(&["unknown value `ordinary`", "did you mean `ordinal`?"]);
    Desk::changed("higher_is = \"worse\"\n", "").refuses(&["`higher_is` is missing"]);
}

#[test]
fn counts_that_can_not_be_are_refused_at_their_place() {
    Desk::changed("events = 8", "events = 48").refuses(&[
        "men",
        "48 events among 40 patients",
        "model.toml:19",
    ]);
    Desk::changed("events = 8", "events = -8").refuses(&["-8", "0 or more"]);
    Desk::changed("events = 8", "events = 8.5").refuses(&["8.5", "whole number"]);
    Desk::changed("events = 8", "events = \"8\"")
        .refuses(&["is a text, \"8\"", "a whole number is expected"]);
    Desk::changed("events = 8", "events = nan").refuses(&["nan"]);
    Desk::changed("events = 8", "events = 99999999999999999").refuses(&["at most a thousand million"]);
    Desk::changed("events = 8, ", "").refuses(&["`events` is missing"]);
    Desk::changed("active = { events = 4, total = 41 }", "citation = \"x\"")
        .refuses(&["subgroup `men` has no `active` arm", "{ events = 0, total = 0 }"]);
}

#[test]
fn subgroups_need_different_names_and_not_too_many() {
    Desk::changed("\"women\"", "\"men\"").refuses(&["`men` stands twice"]);
    Desk::changed("\"women\"", "\" \"").refuses(&["subgroup 2 has no name"]);
    Desk::changed("\"women\"", "\"men \"").refuses(&["ends with a space"]);
    Desk::changed("\"women\"", "\"men\\u202e\"").refuses(&["control character"]);
    Desk::changed("\"women\"", "\"men\\u200b\"").refuses(&["invisible character"]);
    Desk::changed("{ events = 8, total = 40 }", "[8, 40]").refuses(&[
        "`control` of entry 1 of `data.counts` is a list",
        "write control = { events = 30, total = 120 }",
    ]);
    Desk::changed("\"placebo\"", "\"drug\"").refuses(&["both arms are called `drug`"]);
    let row = |i: usize| {
        format!(
            "{{ subgroup = \"s{i}\", control = {{ events = 1, total = 9 }}, active = {{ events = 2, total = 9 }} }},\n"
        )
    };
    let rows: String = (0..501).map(row).collect();
    let start = MODEL.find("counts = [").expect("there") + "counts = [".len();
    let end = MODEL.find("]\n\n[model]").expect("there");
    let text = format!("{}{rows}{}", &MODEL[..start], &MODEL[end..]);
    Desk::with(&text).refuses(&["501 subgroups", "at most 500"]);
}

#[test]
fn priors_without_a_scale_are_refused() {
    for (prior, words) in [
        ("half-normal(0)", "its scale is 0"),
        ("half-normal(-1)", "its scale is -1"),
        ("half-cauchy(inf)", "inf"),
        ("half-norml(0.5)", "did you mean half-normal?"),
        ("normal(0, 1)", "negative values"),
        ("half-normal(0.5, 2)", "wrong number of arguments"),
    ] {
        Desk::changed("half-normal(0.5)", prior).refuses(&[words, "model.toml:28"]);
    }
    let effect = "{ odds_ratio = [0.5, 2.0], mass = 0.95 }";
    for (prior, words) in [
        ("\"normal(0, 0)\"", "its sd is 0"),
        ("\"normal(0, 1e300)\"", "scales lie between"),
        ("\"normal(50, 0.1)\"", "centred at 50"),
        ("\"student-t(0.1, 0, 1)\"", "degrees of freedom"),
        ("{ odds_ratio = [2.0, 0.5], mass = 0.95 }", "smaller end first"),
        ("{ odds_ratio = [0.0, 2.0], mass = 0.95 }", "above 0"),
        ("{ odds_ratio = [0.5, 2.0], mass = 95 }", "mass is 95"),
        ("{ hazard_ratio = [0.5, 2.0], mass = 0.95 }", "hazard ratio"),
        ("{ expected = 1.5, beyond_null = 0.6 }", "below 0.5"),
        ("0.355", "`prior.effect` is a number, 0.355"),
    ] {
        Desk::changed(effect, prior).refuses(&[words]);
    }
    Desk::changed("heterogeneity = \"half-normal(0.5)\"\n", "")
        .refuses(&["`heterogeneity` is missing", "too much for a silent default"]);
    Desk::changed("\"partial\"", "\"complete\"").refuses(&["heterogeneity prior under complete pooling"]);
}

#[test]
fn contradictory_thresholds_are_refused() {
    let thresholds = "risk_difference = [0.05]";
    for (text, words) in [
        ("risk_difference = [-0.05]", "write 0.05"),
        ("risk_difference = [5]", "5 percentage points are 0.05"),
        ("odds_ratio = [0.8]", "write 1.25"),
        ("hazard_ratio = [1.2]", "this model reports"),
        ("risk_difference = [0.05, 0.05]", "stands twice"),
        ("risk_difference = [0.05]\nprimary = { risk_difference = 0.1 }", "not among those listed"),
        ("primary = { risk_difference = 0.1, odds_ratio = 2 }", "one threshold"),
        ("[library]\nexpected_odds_ratio = 0.7", "a magnitude, above 1"),
    ] {
        Desk::changed(thresholds, text).refuses(&[words]);
    }
}

#[test]
fn published_intervals_are_checked() {
    let change = |from: &str, to: &str| Desk::with(&ESTIMATES.replace(from, to));
    change("[0.41, 1.12]", "[1.12, 0.41]").refuses(&["interval from 1.12 to 0.41", "smaller end first"]);
    change("[0.41, 1.12]", "[0.7, 1.12]").refuses(&["outside its interval"]);
    change("ratio = 0.68", "ratio = -0.68").refuses(&["above 0"]);
    change("se = 0.11", "se = 0").refuses(&["standard error of 0"]);
    change("estimate = -0.38", "estimate = -380").refuses(&["on the scale of the model"]);
    change(", se = 0.11", "").refuses(&["neither `ci` nor `se`"]);
    change("scale = \"log_odds_ratio\"\n", "").refuses(&["`scale` is missing"]);
    change("[0.41, 1.12]", "[0.41, 1.52]")
        .run(&["fit", "model.toml"])
        .success()
        .stdout(contains("not in the middle of its interval on the log scale"));
}

#[test]
fn an_empty_arm_and_zero_cells_are_accepted_with_a_notice() {
    let desk = Desk::changed("active = { events = 6, total = 29 }", "active = { events = 0, total = 0 }");
    desk.run(&["fit", "model.toml"]).success().stdout(contains("women: the active arm is empty"));
    Desk::changed("events = 8, total = 40", "events = 0, total = 40")
        .run(&["check", "model.toml"])
        .success()
        .stdout(contains("1 cell without events or with nothing but events; it is not corrected"));
}

#[test]
fn marks_and_line_ends_of_other_systems_are_accepted() {
    let desk = Desk::new();
    desk.write("model.toml", format!("\u{feff}{}", MODEL.replace('\n', "\r\n")).as_bytes());
    desk.run(&["fit", "model.toml"]).success();
}

/// The usual model with baselines that borrow from each other, which the exact engine does not cover.
fn exchangeable() -> Desk {
    Desk::changed(
        "heterogeneity = \"half-normal(0.5)\"",
        "heterogeneity = \"half-normal(0.5)\"\nbaseline = { mean = \"normal(0, 1.5)\", sd = \"half-normal(0.5)\" }",
    )
}

fn written(desk: &Desk) -> Value {
    let text = fs::read_to_string(desk.path().join("runs/model/result.json")).expect("written");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn exchangeable_baselines_are_sampled_with_the_reason_why_nothing_is_exact() {
    let desk = exchangeable();
    desk.run(&["check", "model.toml"]).success().stdout(contains("any subgroup: risk difference"));
    desk.run(&["fit", "model.toml"]).success().stdout(contains("Computed by sampling (4 chains of"));
    let result = written(&desk);
    assert_eq!(result["checks"]["ok"], true);
    assert_eq!(result["checks"]["exact"]["available"], false);
    assert!(result["checks"]["exact"]["reason"].as_str().expect("a reason").contains("exchangeable"));
    for p in result["probabilities"].as_array().expect("a list") {
        assert!(p["probability"].is_number() && p["exact"].is_null() && p["prior"].is_number(), "{p}");
    }
    let names: Vec<&str> =
        result["parameters"].as_array().expect("a list").iter().filter_map(|p| p["name"].as_str()).collect();
    assert!(names.contains(&"baseline_mean") && names.contains(&"baseline_sd"), "{names:?}");
    desk.run(&["fit", "model.toml", "--engine", "exact"])
        .code(1)
        .stderr(contains("does not cover model: exchangeable baselines"));
}

#[test]
fn a_run_that_fails_its_checks_prints_no_probability_unless_asked() {
    let desk = Desk::with(MODEL);
    let few = ["fit", "model.toml", "--draws", "20", "--warmup", "20"];
    let assert = desk.run(&few).code(2).stdout(contains("did not pass its checks"));
    let text = String::from_utf8(assert.get_output().stdout.clone()).expect("UTF-8");
    assert!(!text.contains("Probability") && !text.contains("0.5"), "{text}");
    let result = written(&desk);
    assert_eq!(result["checks"]["ok"], false);
    for p in result["probabilities"].as_array().expect("a list") {
        assert!(p["probability"].is_null() && p["exact"].is_null(), "{p}");
    }
    assert!(!desk.path().join("runs/model/draws_parameters.csv").exists());
    desk.run(&[&few[..], &["--show-unreliable"]].concat())
        .code(2)
        .stdout(contains("UNRELIABLE"))
        .stdout(contains("Probability (prior)"));
    let statements = written(&desk)["statements"].to_string();
    assert!(statements.contains("UNRELIABLE"), "{statements}");
    assert!(desk.path().join("runs/model/draws_parameters.csv").is_file());
}

#[test]
fn what_was_null_is_served_from_draws() {
    let result = json(&Desk::with(MODEL), "model.toml");
    let served = |scope: &str, measure: &str| {
        let rows = result["estimates"].as_array().expect("a list");
        let row = rows.iter().find(|e| e["scope"] == scope && e["measure"] == measure).expect("a row");
        assert!(row["median"].is_number() && row["rhat"].is_number() && row["prior"].is_object(), "{row}");
        assert!(row["exact"].is_null() && row["exact_unavailable"].is_string(), "{row}");
    };
    for measure in ["risk_control", "risk_active", "risk_difference", "risk_ratio", "odds_ratio"] {
        served("overall", measure);
    }
    served("pair", "difference_of_risk_differences");
    let both = &result["probabilities"][0];
    assert!(
        both["probability"].is_number() && both["exact"].is_number() && both["mcse"].is_number(),
        "{both}"
    );
    assert_eq!(both["probability"], both["exact"]);
    assert_ne!(both["probability"], both["sampled"]);
    assert_eq!(result["settings"]["sampler"]["stopped"], "sure");
    assert_eq!(result["checks"]["chains"].as_array().expect("a list").len(), 4);
}

#[test]
fn draws_are_a_table_with_chain_iteration_and_draw_first() {
    let desk = Desk::with(MODEL);
    desk.run(&["fit", "model.toml", "--draws", "500", "--chains", "3"]).success();
    let read = |name: &str| -> Vec<Vec<String>> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .from_path(desk.path().join("runs/model").join(name))
            .expect("written");
        reader.records().map(|r| r.expect("a record").iter().map(str::to_string).collect()).collect()
    };
    let rows = read("draws_parameters.csv");
    assert_eq!(rows.len(), 1 + 3 * 500);
    let names = [
        ".chain",
        ".iteration",
        ".draw",
        "mu",
        "tau",
        "theta[men]",
        "theta[women]",
        "alpha[men]",
        "alpha[women]",
    ];
    assert_eq!(rows[0], names);
    assert_eq!(rows[501][..3], ["2", "1", "501"]);
    let column = |i: usize| rows[1..].iter().map(move |r| r[i].parse::<f64>().expect("a number"));
    let mean = column(3).sum::<f64>() / 1500.0;
    let mu = &written(&desk)["parameters"][0];
    assert!((mean - mu["mean"].as_f64().expect("a mean")).abs() < 1e-12);
    let estimands = read("draws_estimands.csv");
    assert_eq!(estimands.len(), rows.len());
    assert!(estimands[0].contains(&"overall.risk_difference".to_string()), "{:?}", estimands[0]);
    desk.run(&["fit", "model.toml", "--save", "none"]).success();
    for name in ["parameters", "estimands", "diagnostics"] {
        assert!(!desk.path().join(format!("runs/model/draws_{name}.csv")).exists(), "{name}");
    }
}

/// Subgroups of hugely unequal size with exchangeable baselines: a funnel in which trajectories diverge.
const FUNNEL: &str = r#"
counts = [
  { subgroup = "many", control = { events = 300000, total = 1000000 }, active = { events = 250000, total = 900000 } },
  { subgroup = "two", control = { events = 0, total = 1 }, active = { events = 1, total = 1 } },
  { subgroup = "unequal", control = { events = 3, total = 10 }, active = { events = 40000, total = 100000 } },
]

[model]
pooling = "partial"

[prior]
baseline = { mean = "normal(0, 1.5)", sd = "half-normal(1)" }
"#;

#[test]
fn what_the_sampler_did_at_each_draw_sums_to_what_the_checks_say() {
    let counts = &MODEL[MODEL.find("counts = [").expect("there")..MODEL.find("effect = ").expect("there")];
    let mut divergences = 0.0;
    for model in [MODEL.to_string(), MODEL.replace(counts, FUNNEL)] {
        let desk = Desk::with(&model);
        let run = desk.run(&["fit", "model.toml", "--draws", "400", "--chains", "3", "--show-unreliable"]);
        assert_ne!(run.get_output().status.code(), Some(1));
        let mut reader = csv::Reader::from_path(desk.path().join("runs/model/draws_diagnostics.csv"))
            .expect("written beside the draws");
        let names = [
            ".chain",
            ".iteration",
            ".draw",
            "lp__",
            "accept_stat__",
            "stepsize__",
            "treedepth__",
            "n_leapfrog__",
            "divergent__",
            "energy__",
        ];
        assert_eq!(reader.headers().expect("a header").iter().collect::<Vec<_>>(), names);
        let rows: Vec<Vec<f64>> = reader
            .records()
            .map(|r| r.expect("a row").iter().map(|cell| cell.parse().expect("a number")).collect())
            .collect();
        assert_eq!(rows.len(), 3 * 400);
        let result = written(&desk);
        let checks = &result["checks"];
        let diverged: f64 = rows.iter().map(|r| r[8]).sum();
        assert_eq!(Some(diverged), checks["divergences"].as_f64());
        divergences += diverged;
        // Momenta only add to the energy.
        assert!(rows.iter().all(|r| r[9] >= -r[3]));
        for (chain, rows) in checks["chains"].as_array().expect("chains").iter().zip(rows.chunks(400)) {
            let said = |key: &str| chain[key].as_f64().expect("a number");
            let mean = |column: usize| rows.iter().map(|r| r[column]).sum::<f64>() / 400.0;
            assert!(rows.iter().all(|r| r[0] == said("chain") && r[5] == said("step_size")));
            assert!((mean(4) - said("acceptance")).abs() < 1e-12);
            assert!((mean(7) - said("steps")).abs() < 1e-9);
            assert_eq!(rows.iter().map(|r| r[6]).fold(0.0, f64::max), said("max_depth"));
            assert_eq!(rows.iter().map(|r| r[8]).sum::<f64>(), said("divergences"));
        }
    }
    assert!(divergences > 0.0, "the funnel diverges");
}

#[test]
fn sampling_options_that_contradict_are_refused() {
    let desk = Desk::with(MODEL);
    let refused = |arguments: &[&str], words: &str| {
        let all = [&["fit", "model.toml"], arguments].concat();
        desk.run(&all).code(1).stdout("").stderr(contains(words));
    };
    refused(&["--engine", "exact", "--seed", "3"], "samples nothing");
    refused(&["--draws", "100", "--mcse", "0.01"], "cannot be used with");
    refused(&["--mcse", "0"], "between 0.0001 and 0.1");
    refused(&["--mcse", "small"], "such as 0.005");
    refused(&["--chains", "0"], "1..=64");
    refused(&["--chains", "64", "--draws", "10000000"], "more than are kept");
    refused(&["--engine", "gibbs"], "possible values: both, sampler, exact");
    assert!(!desk.path().join("runs").exists());
}

#[cfg(unix)]
#[test]
fn an_interrupt_stops_cleanly_and_what_was_integrated_is_written() {
    let desk = Desk::with(MODEL);
    let program = assert_cmd::cargo::cargo_bin("equipoise");
    let child = std::process::Command::new(program)
        .current_dir(desk.path())
        .args(["fit", "model.toml", "--draws", "3000000", "--save", "none"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("started");
    std::thread::sleep(std::time::Duration::from_millis(1500));
    let sent = std::process::Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
    assert!(sent.expect("kill").success());
    let output = child.wait_with_output().expect("ended");
    let notices = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(130), "{notices}");
    assert!(!notices.contains("Computing"), "{notices}");
    assert!(notices.contains("Interrupted"), "{notices}");
    let result = written(&desk);
    assert_eq!(result["settings"]["sampler"]["stopped"], "interrupted");
    assert!(result["probabilities"][0]["exact"].is_number());
}

fn csv_model(data: &str) -> String {
    let start = MODEL.find("[data]").expect("there");
    let end = MODEL.find("[model]").expect("there");
    format!("{}[data]\n{data}\n{}", &MODEL[..start], &MODEL[end..])
}

const WIDE: &str = "file = \"trial.csv\"\nrows = \"counts\"\ncolumns = { subgroup = \"sex\", control_events = \"y0\", control_total = \"n0\", active_events = \"y1\", active_total = \"n1\" }";

#[test]
fn counts_from_csv_are_the_counts_inline() {
    let inline = json(&Desk::with(MODEL), "model.toml");
    let desk = Desk::with(&csv_model(WIDE));
    desk.write("trial.csv", "\u{feff}sex;y0;n0;y1;n1\r\n\"men\";8;40;4;41\r\nwomen;5;30;6;29\r\n".as_bytes());
    assert_eq!(json(&desk, "model.toml")["probabilities"], inline["probabilities"]);
    let long = "file = \"trial.csv\"\nrows = \"counts\"\ncolumns = { subgroup = \"sex\", arm = \"arm\", events = \"y\", total = \"n\" }\nlevels = { control = \"N\", active = \"Y\" }\nwhere = { outcome = \"death\" }";
    let desk = Desk::with(&csv_model(long));
    desk.write(
        "trial.csv",
        b"outcome,sex,arm,y,n\ndeath,men,N,8,40\ndeath,men,Y,4,41\ndeath,women,N,5,30\ndeath,women,Y,6,29\nstroke,men,N,1,40\n",
    );
    assert_eq!(json(&desk, "model.toml")["probabilities"], inline["probabilities"]);
}

#[test]
fn errors_in_csv_name_file_row_and_column() {
    let desk = Desk::with(&csv_model(WIDE));
    desk.refuses(&["no data file", "trial.csv"]);
    let with = |text: &str| desk.write("trial.csv", text.as_bytes());
    with("sex,y0,n0,y1,n1\nmen,8,40,4,41\nwomen,5,30,,29\n");
    desk.refuses(&["trial.csv, row 3, column `y1`", "missing"]);
    with("sex,y0,n0,y1,n1\nmen,8,40,44,41\n");
    desk.refuses(&["row 2", "44 events among 41 patients"]);
    with("sex,y0,n0,y1,n1\nmen,8.5,40,4,41\n");
    desk.refuses(&["row 2, column `y0`", "8.5", "whole number"]);
    with("sex,y0,n0,y1,n1\nmen,eight,40,4,41\n");
    desk.refuses(&["`eight`"]);
    with("sex,y0,n0,y1,n1\nmen,8,40,4\n");
    desk.refuses(&["row 2", "4 fields where the header has 5"]);
    with("gender,y0,n0,y1,n1\nmen,8,40,4,41\n");
    desk.refuses(&["no column `sex`", "gender"]);
    with("");
    desk.refuses(&["empty"]);
    with("sex,y0,n0,y1,n1\n");
    desk.refuses(&["no rows"]);
}

#[test]
fn the_schema_of_model_files_is_printed() {
    let desk = Desk::new();
    let assert = desk.run(&["list", "--schema", "model"]).success();
    assert_eq!(
        String::from_utf8_lossy(&assert.get_output().stdout),
        include_str!("../models/model.schema.json")
    );
}

#[test]
fn completions_and_manual_pages_are_written() {
    let desk = Desk::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        desk.run(&["completions", shell]).success().stdout(contains("equipoise"));
    }
    desk.run(&["man"]).success().stdout(contains(".TH"));
    desk.run(&["man", "--out", "pages"]).success();
    assert!(desk.path().join("pages/equipoise-fit.1").is_file());
}

#[test]
fn help_teaches_by_example() {
    let desk = Desk::new();
    desk.run(&["--help"]).success().stdout(contains("Examples:")).stdout(contains("Exit status: 0 done"));
    desk.run(&["fit", "--help"]).success().stdout(contains("equipoise fit my-trial.toml"));
    desk.run(&["list", "--show", "blocker"]).success().stdout(contains("[prior]"));
}
