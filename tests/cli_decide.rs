//! `equipoise decide` as its users meet it: outputs, statements, sentences, exit statuses, bad input.

use std::fs;

use crate::common::empty_columns;
use crate::common::shipped::{ran, said};

use assert_cmd::Command;
use predicates::prelude::*;
use predicates::str::contains;
use serde_json::Value;
use tempfile::TempDir;

const FUNCTION: &str = r#"
title = "A drug and independence"
[study]
assignment = "randomised"
[outcome]
name = "independence"
kind = "binary"
higher_is = "better"
event = "patients who live alone"
[treatment]
name = "the drug"
control = "placebo"
active = "drug"
[subgroup]
name = "sex"
[prior]
effect = "normal(0, 0.5)"
heterogeneity = "half-normal(0.3)"
[library]
expected_odds_ratio = 1.5
[data]
counts = [
  { subgroup = "men", control = { events = 18, total = 60 }, active = { events = 29, total = 61 } },
  { subgroup = "women", control = { events = 15, total = 50 }, active = { events = 17, total = 49 } },
]
"#;

const BLEEDING: &str = r#"
title = "A drug and bleeding"
[study]
assignment = "randomised"
[outcome]
name = "bleeding"
kind = "binary"
higher_is = "worse"
event = "bleeds"
[treatment]
name = "the drug"
control = "placebo"
active = "drug"
[subgroup]
name = "sex"
[prior]
effect = "normal(0, 0.5)"
heterogeneity = "half-normal(0.3)"
[data]
counts = [
  { subgroup = "men", control = { events = 3, total = 60 }, active = { events = 8, total = 61 } },
  { subgroup = "women", control = { events = 2, total = 50 }, active = { events = 6, total = 49 } },
]
"#;

const DECISION: &str = r#"
[decision]
question = "The drug?"

[[outcome]]
model = "function.toml"
utility = { event = 0.9, no_event = 0.3 }
bands = { risk_difference = [0.02, 0.05, 0.10] }

[[outcome]]
model = "bleeding.toml"
disutility = 0.2

[[rule]]
name = "adopt"
all = [
  { outcome = "function", at_least = 0.05, probability = 0.50 },
  { outcome = "bleeding", harm_at_least = 0.10, probability_below = 0.50 },
]

[[panel]]
member = "A"
effect = { odds_ratio = [0.5, 2.0], mass = 0.95 }

[[panel]]
member = "B"
weight = 2
[panel.on.bleeding]
disutility = 0.9
"#;

struct Desk(TempDir);

impl Desk {
    fn with(decision: &str) -> Desk {
        let desk = Desk(tempfile::tempdir().expect("a folder"));
        for (name, text) in [("function", FUNCTION), ("bleeding", BLEEDING), ("decision", decision)] {
            fs::write(desk.0.path().join(format!("{name}.toml")), text).expect("written");
        }
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

    fn text(&self, arguments: &[&str]) -> String {
        let assert = self.run(arguments).success();
        String::from_utf8(assert.get_output().stdout.clone()).expect("UTF-8")
    }
}

fn list<'a>(value: &'a Value, key: &str) -> &'a Vec<Value> {
    value[key].as_array().unwrap_or_else(|| panic!("{key} is a list"))
}

/// The shipped decision in place of `from` and `to` must be refused with these words.
#[track_caller]
fn refuses(from: &str, to: &str, words: &[&str]) {
    assert!(DECISION.contains(from), "{from}");
    refused(&DECISION.replacen(from, to, 1), words);
}

#[track_caller]
fn refused(decision: &str, words: &[&str]) {
    let desk = Desk::with(decision);
    let mut assert = desk.run(&["decide", "decision.toml"]).code(1).stdout("");
    assert = assert.stderr(contains("panicked").not());
    for word in words {
        assert = assert.stderr(contains(*word));
    }
}

#[test]
fn every_list_of_the_schema_is_there_with_its_keys() {
    let found = said("decide rescue-by-etiology --format json");
    let found: Value = serde_json::from_str(&found).expect("JSON");
    assert_eq!(found["schema"], "equipoise/decide/1");
    let lists: [(&str, &[&str]); 12] = [
        ("curve", &["outcome", "scope", "subgroup", "direction", "threshold", "probability"]),
        ("thresholds", &["outcome", "subgroup", "direction", "threshold", "probability"]),
        ("bands", &["outcome", "subgroup", "direction", "band", "from", "to", "probability"]),
        ("rules", &["name", "subgroup", "verdict", "criteria"]),
        ("joint", &["subgroup", "statement", "low", "high", "independent"]),
        ("attribution", &["outcome", "subgroup", "quantity", "low", "high"]),
        ("actions", &["subgroup", "action", "expected_utility", "probability_best", "expected_loss"]),
        ("evpi", &["subgroup", "evpi", "evpi_high"]),
        ("value_map", &["outcome", "subgroup", "value", "required_gain", "expected_gain", "action"]),
        ("flips", &["outcome", "subgroup", "required_gain", "value", "below", "above"]),
        ("by_prior", &["prior", "subgroup", "expected_gain", "action", "flips", "outcomes"]),
        (
            "claims",
            &[
                "text",
                "kind",
                "estimand",
                "scope",
                "subgroup",
                "direction",
                "threshold",
                "probability",
                "prior",
                "method",
                "assignment",
            ],
        ),
    ];
    for (key, keys) in lists {
        let first = list(&found, key).first().unwrap_or_else(|| panic!("{key} is empty"));
        for k in keys {
            assert!(first.get(*k).is_some(), "{key} has no {k}: {first}");
        }
    }
    let layers = &found["layers"];
    assert_eq!(list(layers, "subgroups").len(), 2);
    assert!(layers["implied"]["risk_difference"]["median"].is_number());
    assert!(list(&layers["implied"], "assumptions").len() >= 3);
    let panel = &found["panel"];
    assert_eq!((list(panel, "members").len(), list(panel, "pools").len()), (6, 4));
    assert!(list(panel, "beliefs")[0]["statement"].as_str().expect("words").contains("odds ratio between"));
    let items = list(&found["credibility"], "items");
    assert_eq!(items.len(), 5);
    assert!(items.iter().any(|i| i["answer"].is_null() && i["computed"] == false), "not stated");
    assert!(found["credibility"]["test"]["p_value"].is_number());
    assert_eq!(found["decision"]["illustrative"], true);
    assert!(found["statements"].to_string().contains("ILLUSTRATIVE"));
}

#[test]
fn csv_has_every_list_and_the_statements_in_every_row() {
    let ran = ran("decide rescue-by-etiology --format csv");
    let told = String::from_utf8_lossy(&ran.output.stderr);
    assert!(told.contains("ILLUSTRATIVE") && told.contains("not randomised"), "{told}");
    let text = ran.text();
    assert_eq!(empty_columns(&text), ["unavailable"], "every number has its reasons");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().expect("a header").clone();
    let at = |name: &str| header.iter().position(|h| h == name).expect("a column");
    let mut kinds: Vec<String> = Vec::new();
    for row in reader.records() {
        let row = row.expect("a row");
        assert!(row[at("caveat")].contains("ILLUSTRATIVE") && row[at("caveat")].contains("not randomised"));
        if !kinds.iter().any(|k| k == &row[0]) {
            kinds.push(row[0].to_string());
        }
    }
    for kind in [
        "effect",
        "curve",
        "threshold",
        "band",
        "rule",
        "criterion",
        "joint",
        "layer",
        "without_layer",
        "attribution",
        "action",
        "evpi",
        "value",
        "flip",
        "prior",
        "member",
        "pool",
        "item",
        "shrinkage",
        "claim",
    ] {
        assert!(kinds.iter().any(|k| k == kind), "{kind}");
    }
}

/// Without line breaks.
fn flowing(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_sentence_is_a_claim_of_the_json_in_every_command() {
    let desk = Desk::with(DECISION);
    for arguments in [
        &["decide", "rescue-stenting"][..],
        &["decide", "rescue-by-etiology"],
        &["decide", "aspirin-by-values"],
        &["decide", "decision.toml"],
        &["decide", "ras-basilar-death"],
        &["fit", "ras-basilar-death"],
        &["fit", "attention-ras-etiology"],
        &["compare", "attention-ras-etiology"],
        &["compare", "attention-evt"],
    ] {
        let whole = [arguments, &["--full"][..]].concat();
        let whole = if arguments[0] == "fit" { arguments } else { &whole };
        let (text, found) = if arguments.contains(&"decision.toml") {
            (desk.text(whole), desk.json(arguments))
        } else {
            let json = said(&format!("{} --format json", arguments.join(" ")));
            (said(&whole.join(" ")), serde_json::from_str(&json).expect("JSON"))
        };
        let text = flowing(&text);
        let claims = list(&found, "claims");
        assert!(!claims.is_empty(), "{arguments:?}");
        for claim in claims {
            let said = claim["text"].as_str().expect("a sentence");
            assert!(text.contains(&flowing(said)), "{arguments:?} does not say: {said}");
        }
    }
}

#[test]
fn an_observational_study_is_never_said_to_help_or_harm() {
    for name in ["rescue-stenting", "rescue-by-etiology", "ras-basilar-sich"] {
        let found = said(&format!("decide {name} --format json"));
        let found: Value = serde_json::from_str(&found).expect("JSON");
        let text = said(&format!("decide {name} --full")).to_lowercase();
        assert!(text.contains("not randomised"));
        for word in ["helps", "harms", "because", "effect of", "benefits from", "causes", "leads to"] {
            assert!(!text.contains(word), "{name} says {word}");
        }
        for claim in list(&found, "claims") {
            if claim["kind"] == "both" {
                assert!(claim["text"].as_str().expect("text").contains("goes with"), "{claim}");
            }
            if claim["kind"] == "action" {
                assert!(claim["text"].as_str().expect("text").contains("were the associations causal"));
            }
        }
    }
    // Of a randomised one it may be.
    let desk = Desk::with(DECISION);
    let text = flowing(&desk.text(&["decide", "decision.toml", "--full"]));
    assert!(text.contains("drug raises the rates of independence and of bleeding"), "{text}");
    assert!(!text.contains("causal") && !text.contains("not randomised"), "{text}");
}

#[test]
fn text_fits_eighty_columns_and_a_pipe() {
    let desk = Desk::with(DECISION);
    for name in [
        "rescue-stenting",
        "rescue-by-etiology",
        "aspirin-by-values",
        "decision.toml",
        "eight-schools-decision.toml",
    ] {
        if name.starts_with("eight") {
            let models = "[decision]\nquestion = \"Coach?\"\n[[outcome]]\nmodel = \"eight-schools\"\n";
            fs::write(desk.0.path().join(name), models).expect("written");
            desk.run(&["decide", name]).code(1).stderr(contains("baseline_risk"));
            continue;
        }
        let text = match name {
            "decision.toml" => desk.text(&["decide", name, "--full"]),
            "rescue-by-etiology" => ran("decide rescue-by-etiology --full").text(),
            shipped => said(&format!("decide {shipped} --full")),
        };
        assert!(!text.contains('\u{1b}'), "colours in a pipe");
        for line in text.lines() {
            assert!(line.chars().count() <= 80, "{name}: {line}");
        }
        assert!(!text.contains("NaN") && !text.contains("inf "), "{text}");
    }
}

#[test]
fn equal_runs_give_equal_bytes_whatever_the_threads() {
    let desk = Desk::with(DECISION);
    let of =
        |threads: &str| desk.text(&["decide", "decision.toml", "--format", "json", "--threads", threads]);
    assert_eq!(of("1"), of("2"));
}

#[test]
fn a_model_may_carry_its_decision_or_be_one_as_it_is() {
    let section = "\n[decision]\nquestion = \"Drug for men?\"\nactions = [\"placebo\", \"drug\"]\n[[decision.outcome]]\nutility = { event = 1, no_event = 0 }\n[[decision.outcome]]\nmodel = \"bleeding.toml\"\ndisutility = 0.3\n";
    let desk = Desk::with(&format!("{FUNCTION}{section}"));
    let found = desk.json(&["decide", "decision.toml"]);
    assert_eq!(found["decision"]["question"], "Drug for men?");
    assert_eq!(found["decision"]["actions"], serde_json::json!(["placebo", "drug"]));
    assert_eq!(found["outcomes"][1]["name"], "bleeding");
    let plain = desk.json(&["decide", "function.toml"]);
    assert_eq!(plain["decision"]["question"], "Drug or placebo?");
    assert!(list(&plain, "actions").is_empty() && list(&plain, "flips").is_empty());
    // The same model fits as it does without the section.
    desk.run(&["fit", "decision.toml", "--out", "out"]).success();
    desk.run(&["fit", "rescue-stenting"]).code(1).stderr(contains("equipoise decide rescue-stenting"));
}

#[test]
fn published_estimates_need_a_control_risk_and_then_have_risks() {
    let decision = "[decision]\nquestion = \"ACE inhibitor?\"\n[[outcome]]\nmodel = \"solvd\"\nbaseline_risk = 0.35\nutility = { event = 0, no_event = 1 }\n";
    let desk = Desk::with(decision);
    let found = desk.json(&["decide", "decision.toml"]);
    let effects = list(&found, "effects");
    assert!(effects.iter().all(|e| e["mean_risk_control"] == 0.35));
    assert!(effects.iter().any(|e| e["scope"] == "new"));
    refused(&decision.replace("baseline_risk = 0.35\n", ""), &["have no risks", "baseline_risk"]);
    refused(&decision.replace("0.35", "35"), &["35", "0.35"]);
}

#[test]
fn thresholds_on_the_wrong_scale_are_caught_and_explained() {
    refuses("[0.02, 0.05, 0.10]", "[2, 5, 10]", &["risk difference of 2", "2 percentage points are 0.02"]);
    refuses("at_least = 0.05", "at_least = 5", &["5 percentage points are 0.05", "decision.toml:17"]);
    refuses("at_least = 0.05", "at_least = -0.05", &["magnitudes", "0.05"]);
    refuses("probability = 0.50", "probability = 50", &["50 % is 0.5"]);
    refuses("probability_below = 0.50", "probability_below = 1", &["between 0 and 1"]);
    refuses("[0.02, 0.05, 0.10]", "[0.05, 0.02, 0.10]", &["three increasing sizes"]);
    refuses("[0.02, 0.05, 0.10]", "[0.02, 0.05]", &["three increasing sizes"]);
}

#[test]
fn utilities_outside_their_range_or_the_wrong_way_round_are_refused() {
    refuses("event = 0.9", "event = 90", &["a utility of 90", "90 % is 0.9"]);
    refuses("event = 0.9", "event = 1.2", &["a utility of 1.2", "between −1 and 1"]);
    refuses("event = 0.9", "event = 0.1", &["more events are better", "exchange"]);
    refuses("disutility = 0.2", "disutility = 20", &["20 % is 0.2"]);
    refuses("disutility = 0.2", "disutility = -0.2", &["between 0 and 1"]);
    refuses("disutility = 0.2", "disutility = 0.2\nutility = { event = 0, no_event = 1 }", &["give one"]);
    refuses("event = 0.9", "event = nan", &["number"]);
    refuses("disutility = 0.9", "disutility = 9", &["a disutility of 9"]);
}

#[test]
fn names_that_name_nothing_are_refused_with_the_nearest() {
    refuses(
        "outcome = \"function\"",
        "outcome = \"funktion\"",
        &["no outcome named `funktion`", "`function`"],
    );
    refuses("panel.on.bleeding", "panel.on.bleedings", &["no outcome named `bleedings`", "`bleeding`"]);
    refuses("model = \"bleeding.toml\"", "model = \"bleding.toml\"", &["bleding.toml"]);
    refuses("disutility = 0.2", "disutility = 0.2\nname = \"function\"", &["stands twice"]);
    refuses(
        "question = \"The drug?\"",
        "question = \"The drug?\"\nactions = [\"drug\", \"nothing\"]",
        &["`nothing`", "arms"],
    );
    refuses("question = \"The drug?\"", "question = \" \"", &["`question` is empty"]);
    refuses("member = \"B\"", "member = \"A\"", &["`A` stands twice"]);
    refuses("weight = 2", "weight = 0", &["a weight of 0"]);
    refuses("[0.5, 2.0], mass = 0.95", "[0.5, 2.0], mass = 95", &["mass"]);
}

#[test]
fn outcomes_of_different_treatments_or_subgroups_are_not_joined() {
    let other = |from: &str, to: &str, words: &[&str]| {
        let desk = Desk::with(DECISION);
        let changed = BLEEDING.replace(from, to);
        assert_ne!(changed, BLEEDING);
        fs::write(desk.0.path().join("bleeding.toml"), changed).expect("written");
        let mut assert = desk.run(&["decide", "decision.toml"]).code(1).stdout("");
        for word in words {
            assert = assert.stderr(contains(*word));
        }
    };
    other("active = \"drug\"", "active = \"surgery\"", &["surgery", "one treatment"]);
    other("name = \"sex\"", "name = \"age\"", &["`age`", "same kind of subgroup"]);
    let desk = Desk::with(DECISION);
    let renamed = BLEEDING.replace("\"men\"", "\"boys\"").replace("\"women\"", "\"girls\"");
    fs::write(desk.0.path().join("bleeding.toml"), renamed).expect("written");
    desk.run(&["decide", "decision.toml"]).code(1).stderr(contains("shares no subgroup"));
}

#[test]
fn layers_are_of_one_outcome_and_within_the_procedure() {
    let with = |layers: &str| format!("{DECISION}\n[layers]\n{layers}\n");
    refused(&with("outer = \"function.toml\"\ninner = \"bleeding.toml\""), &["different outcomes"]);
    refused(&with("outer = \"function.toml\"\ninner = \"function.toml\""), &["220 patients", "110"]);
    refused(&with("outer = \"solvd\"\ninner = \"function.toml\""), &["published estimates"]);
    refused(&with("outer = \"function.toml\""), &["inner"]);
}

#[test]
fn what_needs_sampling_is_sampled_and_says_so() {
    // Exchangeable baselines.
    let desk = Desk::with(DECISION);
    let wide = FUNCTION.replace(
        "heterogeneity = \"half-normal(0.3)\"",
        "heterogeneity = \"half-normal(0.3)\"\nbaseline = { mean = \"normal(0, 1.5)\", sd = \"half-normal(1)\" }",
    );
    fs::write(desk.0.path().join("function.toml"), wide).expect("written");
    let found = desk.json(&["decide", "decision.toml"]);
    assert!(list(&found, "effects").iter().any(|e| e["outcome"] == "function" && e["sampled"] == true));
    assert!(list(&found, "claims").iter().any(|c| c["method"] == "sampled"));
    let text = desk.text(&["decide", "decision.toml", "--full"]);
    assert!(text.lines().all(|l| l.chars().count() <= 80));
}

#[test]
fn shipped_decisions_are_listed_and_their_schema_is_kept() {
    let desk = Desk::with(DECISION);
    let listed = desk.run(&["list"]).success();
    let listed = flowing(&String::from_utf8_lossy(&listed.get_output().stdout));
    for name in ["rescue-stenting", "rescue-by-etiology", "aspirin-by-values"] {
        assert!(listed.contains(name), "{listed}");
    }
    assert!(listed.contains("by what its outcomes are worth? (decision, illustrative)"), "{listed}");
    let kept = include_str!("../decisions/decision.schema.json");
    let assert = desk.run(&["list", "--schema", "decision"]).success();
    assert_eq!(
        String::from_utf8_lossy(&assert.get_output().stdout),
        kept,
        "regenerate it: equipoise list --schema decision"
    );
}
