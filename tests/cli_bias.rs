//! `[bias]` and `compare --bias` as their users meet them: outputs, statements, exit statuses, bad input.

use std::fs;

use crate::common::empty_columns;

use assert_cmd::Command;
use equipoise::compare::{bias::compare_bias, comparable};
use equipoise::input::open;
use equipoise::posterior::Sampling;
use equipoise::report::{Length, bias_csv, bias_json, bias_text};
use equipoise::terminal::{BOLD, BOLD_YELLOW, PLAIN, shown};
use predicates::prelude::*;
use predicates::str::contains;
use serde_json::Value;
use tempfile::TempDir;

const HEAD: &str = r#"
title = "A small study"

[study]
assignment = "observational"

[outcome]
name = "death"
kind = "binary"
higher_is = "worse"

[treatment]
name = "the drug"
control = "none"
active = "drug"

[prior]
effect = "normal(0, 0.355)"
heterogeneity = "half-normal(0.5)"

[thresholds]
primary = { risk_difference = 0.05 }

[data]
counts = [
  { subgroup = "men", control = { events = 8, total = 40, missing = 3 }, active = { events = 4, total = 41, missing = 6 } },
  { subgroup = "women", control = { events = 5, total = 30 }, active = { events = 6, total = 29 } },
]
"#;

const ESTIMATES: &str = r#"
title = "Published ratios"

[study]
assignment = "randomised"

[outcome]
name = "death"
kind = "estimate"
scale = "log_hazard_ratio"
higher_is = "worse"

[treatment]
name = "the drug"
control = "placebo"
active = "drug"

[prior]
effect = "normal(0, 0.355)"
heterogeneity = "half-normal(0.5)"

[data]
estimates = [
  { subgroup = "men", ratio = 0.80, ci = [0.60, 1.07] },
  { subgroup = "women", ratio = 0.62, ci = [0.45, 0.85] },
]
"#;

struct Desk(TempDir);

impl Desk {
    fn with(text: &str) -> Desk {
        let desk = Desk(tempfile::tempdir().expect("a folder"));
        fs::write(desk.0.path().join("model.toml"), text).expect("written");
        desk
    }

    fn run(&self, arguments: &[&str]) -> assert_cmd::assert::Assert {
        let mut command = Command::cargo_bin("equipoise").expect("built");
        command.current_dir(self.0.path()).args(arguments).assert()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let arguments = [arguments, &["--format", "json"]].concat();
        let assert = self.run(&arguments).success();
        serde_json::from_slice(&assert.get_output().stdout).expect("JSON")
    }

    /// What `compare model.toml --bias` prints with `--full`, and as JSON and CSV, all of one analysis.
    /// `published_estimates_take_biases_too` holds it against the program.
    fn biases(&self) -> [String; 3] {
        let study = open(self.0.path().join("model.toml")).expect("a study");
        let study = &*comparable(&study);
        let found = compare_bias(study, Sampling::default());
        let text = [BOLD, BOLD_YELLOW, PLAIN]
            .iter()
            .fold(bias_text(study, &found, Length::Full), |text, mark| text.replace(mark, ""));
        [text, bias_json(study, &found), bias_csv(study, &found)].map(|printed| shown(&printed))
    }
}

/// The model with sections added must be refused with these words.
#[track_caller]
fn refuses(head: &str, added: &str, words: &[&str]) {
    let desk = Desk::with(&format!("{head}\n{added}\n"));
    let refused = desk.run(&["fit", "model.toml"]).code(1).stdout("");
    let mut refused = refused.stderr(contains("panicked").not());
    for word in words {
        refused = refused.stderr(contains(*word));
    }
    assert!(!desk.0.path().join("runs").exists());
}

const CONFOUNDER: &str = r#"
[bias.confounder]
name = "frailty"
control = 0.4
active = "beta(4, 16)"
odds_ratio = { odds_ratio = [1.5, 4], mass = 0.95 }

[bias.confounder.subgroups.women]
active = 0.4
"#;

#[test]
fn every_number_stands_with_and_without() {
    let desk = Desk::with(&format!("{HEAD}\n[bias]\nlog_odds_ratio = \"normal(0.2, 0.3)\"\n{CONFOUNDER}"));
    let result = desk.json(&["fit", "model.toml"]);
    let rows = |key: &str| result[key].as_array().expect("rows").clone();
    for row in rows("probabilities") {
        let moved =
            row["unadjusted"].as_f64().expect("beside") != row["probability"].as_f64().expect("given");
        // The risk difference of a pair and the like have a number in both runs.
        assert!(moved || row["probability"] == 0.0 || row["probability"] == 1.0, "{row}");
    }
    let told = rows("estimates").into_iter().filter(|r| r["median"].is_number());
    assert!(told.into_iter().all(|row| row["unadjusted"]["median"].is_number()));
    assert_eq!(result["bias"]["assumptions"].as_array().expect("a list").len(), 3);
    assert_eq!(result["bias"]["checks_unadjusted"]["ok"], true);
    assert!(result["statements"][0].as_str().expect("text").contains("allow for what [bias] assumes"));
    // Without the section nothing is said of it.
    let plain = Desk::with(HEAD).json(&["fit", "model.toml"]);
    assert!(plain.get("bias").is_none() && plain["probabilities"][0].get("unadjusted").is_none());
    let without: Vec<_> = rows("probabilities").iter().map(|r| r["unadjusted"].clone()).collect();
    let rows = plain["probabilities"].as_array().expect("rows");
    let plain: Vec<_> = rows.iter().map(|r| r["probability"].clone()).collect();
    assert_eq!(without, plain);
    let text = desk.run(&["fit", "model.toml"]).success();
    text.stdout(contains("Allowing for a bias"))
        .stdout(contains("Without allowing for it"))
        .stdout(contains("not adjusted for who"))
        .stdout(contains("frailty"));
    let csv =
        desk.run(&["fit", "model.toml", "--format", "csv"]).success().stdout(contains("unadjusted_q97_5"));
    csv.stderr(contains("allow for what [bias] assumes"));
}

#[test]
fn a_check_says_what_the_bias_means() {
    let desk = Desk::with(&format!("{HEAD}{CONFOUNDER}"));
    desk.run(&["check", "model.toml"])
        .success()
        .stdout(contains("Biases that the model allows for:"))
        .stdout(contains("What would be seen without any effect"))
        .stdout(contains("makes drug look worse than it is"))
        .stdout(contains("4/41 +6"))
        .stdout(contains("9 outcomes are missing and left out"));
    let found = desk.json(&["check", "model.toml"]);
    // Frailty is rarer among treated men: what is seen flatters the drug.
    assert!(found["bias"]["implied"][0]["ratio"]["median"].as_f64().expect("a number") < 1.0);
    assert_eq!(found["bias"]["implied"][1]["ratio"]["median"], 1.0);
}

#[test]
fn surfaces_tipping_points_and_e_values_need_no_section() {
    let [text, json, csv] = Desk::with(HEAD).biases();
    let found: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(found["schema"], "equipoise/bias/1");
    let rows = |key: &str| found[key].as_array().expect("rows").clone();
    // Under no bias every surface is the fit.
    let fit = rows("probabilities")
        .into_iter()
        .find(|p| p["scope"] == "subgroup" && p["subgroup"] == "men" && p["statement"] == "benefit")
        .expect("a row")["exact"]
        .as_f64()
        .expect("a number");
    let at_none = |row: &Value| {
        row["subgroup"] == "men"
            && row["statement"] == "benefit"
            && row["subgroup_b"].is_null()
            && (row["bias_mean"] == 0.0 && row["bias_sd"] == 0.0 || row["prevalence_difference"] == 0.0)
    };
    for key in ["shift_surface", "confounder_surface"] {
        let found: Vec<_> = rows(key).into_iter().filter(at_none).collect();
        assert!(!found.is_empty());
        for row in found {
            assert!((row["probability"].as_f64().expect("a number") - fit).abs() < 1e-9, "{row}");
        }
    }
    // Eight lines for each subgroup, either way of the pair, and for what is missing.
    let tipping = rows("tipping");
    assert_eq!(tipping.len(), 8 * (2 + 1 + 2));
    // Where the data make the drug look worse than it is, it is better than it looks: deaths are bad.
    let better = |line: f64| {
        let of = |t: &&Value| {
            t["varied"] == "bias"
                && t["subgroup"] == "men"
                && t["statement"] == "benefit"
                && t["line"] == line
        };
        tipping.iter().find(of).expect("a row")["bias"].as_f64().expect("within reach")
    };
    assert!(better(0.5) < better(0.8) && better(0.8) < better(0.95));
    assert_eq!(rows("e_values").len(), 4);
    assert_eq!(rows("missing").len(), 3 * 2 * 2);
    let of_case = |case: &str| {
        let row = rows("missing")
            .into_iter()
            .find(|m| m["case"] == case && m["subgroup"] == "men" && m["statement"] == "benefit");
        row.expect("a row")["probability"].as_f64().expect("a number")
    };
    assert!(of_case("worst") < of_case("left_out") && of_case("left_out") < of_case("best"));
    for words in ["E-values of the results", "VanderWeele & Ding", "worst case", "not adjusted for who"] {
        assert!(text.contains(words), "{words}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 80));
    // What only a stated bias has; every confounder has an answer here.
    let of_a_stated_bias =
        ["unadjusted", "unadjusted_median", "unadjusted_q2_5", "unadjusted_q97_5", "kind", "what", "words"];
    assert_eq!(empty_columns(&csv), of_a_stated_bias);
    for row in ["shift,", "confounder,", "tipping,", "e_value,", "missing,", "probability,", "estimate,"] {
        assert!(csv.lines().any(|l| l.starts_with(row)), "{row}");
    }
}

#[test]
fn published_estimates_take_biases_too() {
    let section = r#"
[bias]
log_hazard_ratio = { men = "normal(0, 0.2)", women = -0.1 }
rare_outcome = true

[bias.confounder]
name = "frailty"
control = 0.4
active = { proportion = [0.2, 0.5], mass = 0.95 }
hazard_ratio = 2
"#;
    let desk = Desk::with(&format!("{ESTIMATES}{section}"));
    let fit = desk.json(&["fit", "model.toml"]);
    assert_eq!(fit["checks"]["exact"]["available"], true);
    assert!(fit["checks"]["exact"]["comparisons"].as_u64().expect("a count") > 20);
    assert!(fit["statements"][0].as_str().expect("text").starts_with("The numbers allow for"));
    let notices = fit["data"]["audit"]["notices"].to_string();
    assert!(notices.contains("randomised, yet [bias]"), "{notices}");
    let of_one_analysis = desk.biases();
    for (format, told) in
        [&["--full"][..], &["--format", "json"], &["--format", "csv"]].iter().zip(&of_one_analysis)
    {
        let said = desk.run(&[&["compare", "model.toml", "--bias"], *format].concat()).success();
        assert_eq!(String::from_utf8_lossy(&said.get_output().stdout), *told);
    }
    let found: Value = serde_json::from_str(&of_one_analysis[1]).expect("JSON");
    assert_eq!(found["e_values"][0]["conversion"], "rare");
    let common = Desk::with(ESTIMATES).json(&["compare", "model.toml", "--bias"]);
    assert_eq!(common["e_values"][0]["conversion"], "hazard");
    assert!(common["checks"]["notices"].to_string().contains("had that failed"));
}

/// Said of the outcome, a rare one is no bias: nothing stands beside the numbers.
#[test]
fn a_rare_outcome_alone_is_no_bias() {
    let with = Desk::with(&format!("{ESTIMATES}[bias]\nrare_outcome = true\n")).json(&["fit", "model.toml"]);
    let without = Desk::with(ESTIMATES).json(&["fit", "model.toml"]);
    assert_eq!(with["estimates"], without["estimates"]);
    assert!(with.get("bias").is_none() && with["probabilities"][0].get("unadjusted").is_none());
}

#[test]
fn differences_have_no_e_values_and_say_so() {
    let text = ESTIMATES
        .replace("log_hazard_ratio", "difference")
        .replace("ratio = 0.80, ci = [0.60, 1.07]", "estimate = 1.2, se = 0.8");
    let text = text.replace("ratio = 0.62, ci = [0.45, 0.85]", "estimate = -0.4, se = 1.1");
    let found = Desk::with(&text).json(&["compare", "model.toml", "--bias"]);
    assert!(found["checks"]["notices"].to_string().contains("no E-values"));
    assert_eq!(found["e_values"].as_array().expect("a list").len(), 0);
    assert_eq!(found["confounder_surface"].as_array().expect("a list").len(), 0);
    // In units of the standard error in the middle, and without ratios.
    let surface = found["shift_surface"].as_array().expect("rows");
    assert!(surface.iter().all(|p| p["bias_ratio"].is_null() && p["probability"].is_number()));
}

#[test]
fn missing_outcomes_are_allowed_for() {
    let section = "[bias.missing]\nactive = \"normal(0.5, 0.5)\"\n";
    let desk = Desk::with(&format!("{HEAD}{section}"));
    let fit = desk.json(&["fit", "model.toml"]);
    let notices = fit["data"]["audit"]["notices"].to_string();
    assert!(notices.contains("3 outcomes are missing and left out"), "{notices}");
    assert_eq!(fit["data"]["audit"]["rows"][0]["active"]["missing"], 6);
    let none = HEAD.replace(", missing = 3", "").replace(", missing = 6", "");
    let idle = Desk::with(&format!("{none}{section}")).json(&["fit", "model.toml"]);
    assert!(idle["data"]["audit"]["notices"].to_string().contains("changes nothing"));
}

#[test]
fn missing_outcomes_are_read_from_files() {
    let desk = Desk::with(&HEAD.replace(
        &HEAD[HEAD.find("counts = [").expect("there")..],
        r#"file = "data.csv"
rows = "counts"
columns = { subgroup = "s", control_events = "y0", control_total = "n0", active_events = "y1", active_total = "n1", active_missing = "m1" }
"#,
    ));
    fs::write(desk.0.path().join("data.csv"), "s,y0,n0,y1,n1,m1\nmen,8,40,4,41,6\nwomen,5,30,6,29,0\n")
        .expect("written");
    let found = desk.json(&["check", "model.toml"]);
    assert_eq!(found["data"]["audit"]["rows"][0]["active"]["missing"], 6);
    assert!(found["data"]["audit"]["rows"][0]["control"].get("missing").is_none());
}

#[test]
fn bad_biases_are_refused_with_what_to_do() {
    let confounder = |control: &str, active: &str, ratio: &str| {
        format!(
            "[bias.confounder]\nname = \"x\"\ncontrol = {control}\nactive = {active}\nodds_ratio = {ratio}"
        )
    };
    refuses(HEAD, &confounder("30", "0.5", "2"), &["a proportion of 30", "30 % is 0.3"]);
    refuses(HEAD, &confounder("-0.1", "0.5", "2"), &["a proportion of -0.1", "between 0 and 1"]);
    refuses(HEAD, &confounder("0.1", "\"beta(0, 3)\"", "2"), &["beta(0, 3)"]);
    refuses(HEAD, &confounder("0.1", "\"normal(0, 1)\"", "2"), &["as a prior of a proportion"]);
    refuses(HEAD, &confounder("0.1", "0.2", "-2"), &["a ratio of -2"]);
    refuses(HEAD, &confounder("0.1", "0.2", "\"flat\""), &["flat"]);
    refuses(
        HEAD,
        &confounder("0.1", "0.2", "2").replace("odds_ratio", "risk_ratio"),
        &["write `odds_ratio`"],
    );
    let special =
        format!("{}\n[bias.confounder.subgroups.woman]\nactive = 0.4", confounder("0.1", "0.2", "2"));
    refuses(HEAD, &special, &["no subgroup `woman`", "women"]);
    refuses(HEAD, "[bias]\nlog_odds_ratio = \"normal(0, 0)\"", &["sd is 0"]);
    refuses(HEAD, "[bias]\nlog_odds_ratio = { men = \"normal(0, 1)\", boys = 0.1 }", &["no subgroup `boys`"]);
    refuses(HEAD, "[bias]\nlog_risk_ratio = 0.1", &["write `log_odds_ratio`"]);
    refuses(HEAD, "[bias]\nlog_odds_ratio = 99", &["a bias of 99"]);
    refuses(HEAD, "[bias]\nrare_outcome = true", &["published odds and hazard ratios"]);
    refuses(HEAD, "[bias]", &["[bias] says nothing", "leave it out"]);
    refuses(HEAD, "[bias.missing]", &["says nothing"]);
    refuses(HEAD, "[bias]\nlog_odds = 1", &["log_odds"]);
    refuses(ESTIMATES, "[bias.missing]\nactive = 1", &["only counts tell"]);
    refuses(ESTIMATES, "[bias]\nlog_odds_ratio = 0.1", &["write `log_hazard_ratio`"]);
    let labels = |se: &str, sp: &str| {
        format!("[bias.misclassification]\npositive = \"men\"\nsensitivity = {se}\nspecificity = {sp}")
    };
    refuses(HEAD, &labels("0.4", "0.5"), &["worse than chance", "above 1"]);
    refuses(HEAD, &labels("0.5", "0.5"), &["worse than chance"]);
    refuses(HEAD, &labels("\"beta(2, 1)\"", "\"beta(2, 1)\""), &["more than 1 %"]);
    refuses(HEAD, &labels("1.2", "0.9"), &["a proportion of 1.2"]);
    refuses(HEAD, &labels("{ control = 0.9 }", "0.9"), &["control = …, active = …"]);
    refuses(HEAD, &labels("0.9", "0.9").replace("men", "boys"), &["no subgroup `boys`"]);
    refuses(HEAD, &format!("{}\n[bias.missing]\nactive = 1", labels("0.9", "0.9")), &["one at a time"]);
    refuses(ESTIMATES, &labels("0.9", "0.9"), &["counts of just two subgroups"]);
    let one = Desk::with(HEAD);
    one.run(&["compare", "model.toml", "--bias", "--grid"]).code(1).stderr(contains("--grid"));
}

#[test]
fn wrong_labels_are_allowed_for() {
    let section = "[bias.misclassification]\npositive = \"women\"\nsensitivity = \"beta(34, 6)\"\nspecificity = { control = 0.95, active = \"beta(45, 5)\" }\n";
    let desk =
        Desk::with(&format!("{}{section}", HEAD.replace(", missing = 3", "").replace(", missing = 6", "")));
    let fit = desk.json(&["fit", "model.toml"]);
    assert_eq!(fit["checks"]["ok"], true);
    let named = |name: &str| fit["parameters"].as_array().expect("rows").iter().any(|p| p["name"] == name);
    assert!(named("sensitivity") && named("specificity[active]") && named("prevalence[control]"));
    assert!(!named("specificity[control]"), "known");
    assert!(fit["probabilities"][0]["unadjusted"].is_number());
}

#[test]
fn biased_runs_write_the_same_bytes_whatever_the_threads() {
    for model in ["ras-basilar-confounded", "attention-ras-misjudged"] {
        let desk = Desk::with("");
        let with_threads = |n: &str| {
            desk.run(&["fit", model, "--threads", n]).success();
            ["result.json", "draws_parameters.csv", "draws_estimands.csv"]
                .map(|file| fs::read(desk.0.path().join("runs").join(model).join(file)).expect("written"))
        };
        let one = with_threads("1");
        assert!(one == with_threads("4"), "{model}");
        let surfaces = |n: &str| desk.json(&["compare", model, "--bias", "--threads", n]);
        assert!(surfaces("1") == surfaces("4"), "{model}");
    }
}
