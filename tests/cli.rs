//! The program as its users run it: outputs, exit statuses, bad input.

use std::fs;
use std::path::Path;

use assert_cmd::Command;
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
    assert_eq!(names.len(), 9, "{names:?}");
    for name in names {
        let desk = Desk::new();
        desk.run(&["check", name]).success().stdout(contains("Before any data"));
        let result = json(&desk, name);
        assert_eq!(result["schema"], "equipoise/result/1");
        assert_eq!(result["checks"]["ok"], true);
        let text = desk.run(&["fit", name]).success();
        let text = String::from_utf8(text.get_output().stdout.clone()).expect("UTF-8");
        let csv = desk.run(&["fit", name, "--format", "csv"]).success();
        let csv = String::from_utf8(csv.get_output().stdout.clone()).expect("UTF-8");
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
        let folder = desk.path().join("runs").join(name);
        let written = fs::read_to_string(folder.join("result.json")).expect("written");
        assert_eq!(serde_json::from_str::<Value>(&written).expect("JSON"), result);
        assert!(folder.join("model.toml").is_file() && folder.join("run.json").is_file());
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
    let read = || fs::read(desk.path().join("runs/model/result.json")).expect("written");
    let with_threads = |n: &str| {
        let mut command = Command::cargo_bin("equipoise").expect("built");
        command.current_dir(desk.path()).env("RAYON_NUM_THREADS", n);
        command.args(["fit", "model.toml"]).assert().success();
        read()
    };
    let one = with_threads("1");
    assert_eq!(one, with_threads("2"));
    assert_eq!(one, with_threads("4"));
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
    Desk::changed("kind = \"binary\"", "kind = \"ordinal\"").refuses(&["unknown value `ordinal`"]);
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
    Desk::changed("events = 8", "events = \"8\"").refuses(&["string", "count"]);
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
    Desk::changed("\"women\"", "\"men\\u202e\"").refuses(&["invisible character"]);
    Desk::changed("{ events = 8, total = 40 }", "[8, 40]").refuses(&["`control` is not of the form"]);
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
        ("0.355", "a prior such as"),
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
        .stdout(contains("1 cell without events"));
}

#[test]
fn marks_and_line_ends_of_other_systems_are_accepted() {
    let desk = Desk::new();
    desk.write("model.toml", format!("\u{feff}{}", MODEL.replace('\n', "\r\n")).as_bytes());
    desk.run(&["fit", "model.toml"]).success();
}

#[test]
fn exchangeable_baselines_wait_for_the_sampler_and_say_so() {
    let desk = Desk::changed(
        "heterogeneity = \"half-normal(0.5)\"",
        "heterogeneity = \"half-normal(0.5)\"\nbaseline = { mean = \"normal(0, 1.5)\", sd = \"half-normal(0.5)\" }",
    );
    desk.run(&["fit", "model.toml"]).code(2).stderr(contains("sampler")).stdout(contains("0.5").not());
    let text = fs::read_to_string(desk.path().join("runs/model/result.json")).expect("written");
    let result: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(result["checks"]["ok"], false);
    assert_eq!(result["checks"]["exact"]["available"], false);
    for p in result["probabilities"].as_array().expect("a list") {
        assert!(p["probability"].is_null() && p["exact"].is_null(), "{p}");
    }
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
fn the_schema_in_the_repository_is_the_one_the_program_reads_by() {
    let kept = include_str!("../models/model.schema.json");
    assert_eq!(kept, equipoise::study::json_schema(), "regenerate it: equipoise list --schema");
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
