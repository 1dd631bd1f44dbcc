//! `equipoise next` and `simulate` against an independent program that enumerates every count (`tests/reference/next.py`).

use serde_json::Value;

use crate::common::folder::Folder;

/// As many Monte Carlo errors as a difference may have: of some two hundred comparisons one in a thousand runs exceeds it.
const ERRORS: f64 = 4.5;

fn reference() -> Value {
    serde_json::from_str(include_str!("reference/next.json")).expect("JSON")
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("no number: {value}"))
}

/// A model file of a case, with its values and rules.
fn model(case: &Value) -> String {
    let pooling = case["pooling"].as_str().expect("a pooling");
    let tau = if pooling == "none" { "heterogeneity = \"half-normal(0.5)\"\n" } else { "" };
    let arm = |name: &str| format!("{{ events = {}, total = {} }}", case[name][0], case[name][1]);
    let rules: String = reference()["rules"]
        .as_array()
        .expect("rules")
        .iter()
        .map(|r| {
            format!(
                "[[decision.rule]]\nname = {}\nall = [{{ outcome = \"model\", at_least = {}, probability = {} }}]\n",
                r["name"], r["size"], r["probability"]
            )
        })
        .collect();
    format!(
        r#"title = "One subgroup"
[study]
assignment = "randomised"
[outcome]
name = "the event"
kind = "binary"
higher_is = {higher}
[treatment]
name = "the drug"
control = "placebo"
active = "drug"
[subgroup]
name = "sex"
[data]
counts = [{{ subgroup = "men", control = {control}, active = {active} }}]
[model]
pooling = "{pooling}"
[prior]
effect = "normal(0, {sd})"
{tau}baseline = "normal(0, 2.5)"
baseline_of = {of}
[decision]
question = "The drug?"
[[decision.outcome]]
utility = {{ event = {event}, no_event = {none} }}
[decision.costs]
unit = "utility"
per_utility = 1
actions = {{ drug = {cost} }}
{rules}"#,
        higher = case["higher_is"],
        control = arm("control"),
        active = arm("active"),
        sd = case["effect_sd"],
        of = case["baseline_of"],
        event = case["utility_event"],
        none = case["utility_no_event"],
        cost = case["cost"],
    )
}

/// A simulated average beside an enumerated one.
fn near(what: &str, found: &Value, expected: f64) {
    let (value, error) = (number(&found["value"]), number(&found["mcse"]));
    assert!((value - expected).abs() <= ERRORS * error + 1e-6, "{what}: {value} ± {error}, not {expected}");
}

#[test]
fn a_trial_s_worth_and_assurance_are_those_of_enumeration() {
    for case in reference()["one"].as_array().expect("cases") {
        let name = case["name"].as_str().expect("a name");
        let folder = Folder::new();
        folder.write("model.toml", model(case));
        let arguments =
            ["next", "model.toml", "--patients", "20,50,120", "--draws", "3000", "--format", "json"];
        let found: Value = serde_json::from_str(&folder.says(&arguments)).expect("JSON");
        let gain = number(&found["populations"][0]["expected_gain"]);
        assert!((gain - number(&case["expected_gain"])).abs() < 1e-6, "{name}: {gain}");
        let evpi = number(&found["evpi"][0]["evpi"]);
        assert!((evpi - number(&case["evpi"])).abs() < 2e-6, "{name}: {evpi}");
        near(name, &found["evppi"][0]["by_subgroup"][0], number(&case["evppi_theta"]));
        for (k, each) in [10, 25, 60].into_iter().enumerate() {
            let worth = &found["evsi"][k]["worth"][0];
            near(&format!("{name}, {each}"), &worth["evsi"], number(&case[format!("evsi_{each}")]));
            near(&format!("{name}, {each}"), &worth["changes"], number(&case[format!("changes_{each}")]));
            for rule in ["any", "size"] {
                let rows = found["assurance"].as_array().expect("rows");
                let row = rows
                    .iter()
                    .find(|a| a["rule"] == rule && number(&a["patients"]) == 2.0 * f64::from(each));
                let row = row.expect("a row");
                for whose in ["together", "alone"] {
                    let expected = number(&case[format!("assurance_{whose}_{rule}_{each}")]);
                    near(&format!("{name}, {rule} {whose} {each}"), &row[whose], expected);
                }
            }
        }
    }
}

#[test]
fn operating_characteristics_are_those_of_enumeration() {
    let reference = reference();
    let all = reference["characteristics"].as_array().expect("rows");
    for case in reference["one"].as_array().expect("cases") {
        let name = case["name"].as_str().expect("a name");
        let mine: Vec<&Value> = all.iter().filter(|c| c["case"] == case["name"]).collect();
        let truths: String = mine
            .iter()
            .map(|t| {
                format!(
                    "[[design.truth]]\nname = {}\ncontrol = {}\nactive = {}\n",
                    t["truth"], t["control"], t["active"]
                )
            })
            .collect();
        let folder = Folder::new();
        folder.write("model.toml", model(case)).write("truths.toml", truths);
        let arguments = [
            "simulate",
            "model.toml",
            "--truth",
            "truths.toml",
            "--replications",
            "3000",
            "--format",
            "json",
        ];
        let found: Value = serde_json::from_str(&folder.says(&arguments)).expect("JSON");
        let of = |list: &str, truth: &str| -> Vec<Value> {
            let rows = found[list].as_array().expect("rows");
            rows.iter().filter(|r| r["truth"] == truth).cloned().collect()
        };
        for t in mine {
            let truth = t["truth"].as_str().expect("a name");
            let what = format!("{name}, {truth}");
            for claim in of("claims", truth) {
                let rule = claim["rule"].as_str().expect("a name");
                near(&format!("{what}: {rule}"), &claim["yes"], number(&t[format!("yes_{rule}")]));
            }
            let estimate = &of("estimates", truth)[0];
            near(&what, &estimate["bias_difference"], number(&t["bias_rd"]));
            near(&what, &estimate["bias_effect"], number(&t["bias_theta"]));
            near(&what, &estimate["coverage"], number(&t["coverage"]));
            near(&what, &estimate["width"], number(&t["width"]));
        }
        for claim in of("claims", "analysis prior") {
            let rule = claim["rule"].as_str().expect("a name");
            near(name, &claim["yes"], number(&case[format!("yes_{rule}_design_prior")]));
            near(name, &claim["right_of_yes"], number(&case[format!("right_of_yes_{rule}_design_prior")]));
        }
        let estimate = &of("estimates", "analysis prior")[0];
        near(name, &estimate["coverage"], number(&case["coverage_design_prior"]));
        near(name, &estimate["width"], number(&case["width_design_prior"]));
    }
}
