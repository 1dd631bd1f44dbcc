//! `equipoise next`, `simulate` and `merge`: limits, enumeration, bytes, bad input.

use serde_json::Value;

use crate::common::folder::Folder;

const MODEL: &str = r#"
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
[data]
counts = [
  { subgroup = "men", control = { events = 18, total = 60 }, active = { events = 23, total = 61 } },
  { subgroup = "women", control = { events = 15, total = 50 }, active = { events = 14, total = 49 } },
]
[design]
effect = "normal(0.4, 0.1)"
[[design.truth]]
name = "no effect"
control = 0.3
odds_ratio = 1
[[design.truth]]
name = "men alone"
control = { men = 0.3, women = 0.28 }
active = { men = 0.5, women = 0.28 }
[decision]
question = "The drug for independence?"
[[decision.outcome]]
utility = { event = 1, no_event = 0.5 }
[decision.costs]
unit = "EUR"
per_utility = 20000
actions = { drug = 300 }
[[decision.rule]]
name = "adopt"
all = [{ outcome = "model", at_least = 0, probability = 0.9 }]
[[decision.panel]]
member = "hopeful"
effect = "normal(0.5, 0.3)"
[[decision.panel]]
member = "wary"
effect = "normal(-0.3, 0.2)"
"#;

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("model.toml", MODEL);
    folder
}

fn json(folder: &Folder, arguments: &[&str]) -> Value {
    let all: Vec<&str> = arguments.iter().copied().chain(["--format", "json"]).collect();
    serde_json::from_str(&folder.says(&all)).expect("JSON")
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("no number: {value}"))
}

/// The last of a size's rows is of all patients.
fn of_all(size: &Value) -> &Value {
    size["worth"].as_array().expect("rows").last().expect("a row")
}

#[test]
fn a_trial_is_worth_more_the_larger_it_is_and_never_more_than_knowing_everything() {
    let folder = folder();
    let found = json(&folder, &["next", "model.toml", "--patients", "4,40,400,16000", "--draws", "600"]);
    assert_eq!(found["checks"]["ok"], true);
    let perfect = number(&found["evpi_all"]);
    let (mut before, mut its_error) = (0.0, 0.0);
    for size in found["evsi"].as_array().expect("sizes") {
        let evsi = &of_all(size)["evsi"];
        let (value, error) = (number(&evsi["value"]), number(&evsi["mcse"]));
        assert!(value > before - 3.0 * error, "{size}");
        assert!(value < perfect + 3.0 * error, "{value} above {perfect}");
        (before, its_error) = (value, error);
        for (row, evpi) in
            size["worth"].as_array().expect("rows").iter().zip(found["evpi"].as_array().expect("rows"))
        {
            assert_eq!(row["subgroup"], evpi["subgroup"]);
            let (value, error) = (number(&row["evsi"]["value"]), number(&row["evsi"]["mcse"]));
            assert!(value > -3.0 * error - 1e-12 && value < number(&evpi["evpi"]) + 3.0 * error, "{row}");
        }
    }
    let first = number(&of_all(&found["evsi"][0])["evsi"]["value"]);
    assert!(first < 0.1 * perfect, "{first}");
    // Tens of thousands of patients leave hardly anything unknown.
    assert!(before + 3.0 * its_error > 0.96 * perfect, "{before} ± {its_error} of {perfect}");
    assert!(its_error < 0.1 * perfect, "{its_error}");
    // An effect that is known is part of what a trial of its subgroup can tell, and that of all.
    for (row, evpi) in
        found["evppi"].as_array().expect("rows").iter().zip(found["evpi"].as_array().expect("rows"))
    {
        let of_own = row["by_subgroup"].as_array().expect("rows");
        let own = of_own.iter().find(|m| {
            let k = of_own.iter().position(|x| x == *m).expect("there");
            found["populations"][k]["subgroup"] == row["known"]
        });
        let own = own.expect("its own");
        assert!(number(&own["value"]) < number(&evpi["evpi"]) + 3.0 * number(&own["mcse"]), "{row}");
    }
}

#[test]
fn assurance_allocation_agreement_and_net_benefit_are_told() {
    let folder = folder();
    let arguments = [
        "next",
        "model.toml",
        "--patients",
        "200,800",
        "--draws",
        "200",
        "--population",
        "10000",
        "--trial-cost",
        "50000",
        "--patient-cost",
        "100",
    ];
    let found = json(&folder, &arguments);
    for size in found["evsi"].as_array().expect("sizes") {
        let evsi = number(&of_all(size)["evsi"]["value"]);
        let cost = 50_000.0 + 100.0 * number(&size["patients"]);
        let net = number(&size["net_benefit"]["value"]);
        assert!((net - (10_000.0 * 20_000.0 * evsi - cost)).abs() < 1e-6 * cost, "{size}");
    }
    let agreed = |k: usize| number(&found["agreement"][k]["all"]["value"]);
    assert!(agreed(1) > agreed(0), "a larger trial makes more of one mind");
    let rows = found["allocation"]["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), 5);
    for row in rows {
        let shares: f64 = row["shares"].as_array().expect("shares").iter().map(number).sum();
        assert!((shares - 1.0).abs() < 1e-9, "{row}");
    }
    // Patients of the present study are of use: with them more is known than without.
    let assured = found["assurance"].as_array().expect("rows");
    assert_eq!(assured.len(), 2 * 3);
    let text = folder.says(&["next", "model.toml", "--patients", "200", "--draws", "100", "--full"]);
    for line in text.lines() {
        assert!(line.chars().count() <= 84, "{line}");
    }
}

#[test]
fn answers_are_the_same_whatever_the_threads() {
    let folder = folder();
    // Without values, which are told of elsewhere and take time: the rule remains.
    folder.write(
        "rule.toml",
        MODEL.replace("utility = { event = 1, no_event = 0.5 }\n", "").replace("\"model\"", "\"rule\""),
    );
    for command in [
        &["next", "rule.toml", "--patients", "100,300", "--draws", "100"][..],
        &["simulate", "model.toml", "--replications", "300", "--calibrate", "0.05"],
    ] {
        let by =
            |threads: &str| folder.says(&[command, &["--format", "json", "--threads", threads]].concat());
        assert_eq!(by("1"), by("3"), "{command:?}");
        let csv = folder.says(&[command, &["--format", "csv"]].concat());
        assert!(csv.lines().count() > 10 && csv.starts_with("row,"), "{csv}");
    }
}

/// With one subgroup and an effect prior that says nothing, the probability of benefit is nearly uniform where there is no effect:
/// as nearly as counts are continuous.
#[test]
fn without_an_effect_the_probability_of_benefit_is_uniform() {
    let folder = Folder::new();
    let one = MODEL
        .replace("[subgroup]\nname = \"sex\"\n", "")
        .replace("heterogeneity = \"half-normal(0.3)\"", "")
        .replace("normal(0, 0.5)", "flat")
        .replace("  { subgroup = \"women\", control = { events = 15, total = 50 }, active = { events = 14, total = 49 } },\n", "")
        .replace("subgroup = \"men\", control = { events = 18, total = 60 }, active = { events = 23, total = 61 }", "control = { events = 600, total = 2000 }, active = { events = 600, total = 2000 }");
    let start = one.find("[design]").expect("a design");
    let end = one.find("[decision]").expect("a decision");
    let mut one = one.replace(
        &one[start..end].to_string(),
        "[[design.truth]]\nname = \"no effect\"\ncontrol = 0.3\nodds_ratio = 1\n",
    );
    for p in ["0.025", "0.1", "0.3", "0.5", "0.7"] {
        one.push_str(&format!("[[decision.rule]]\nname = \"{p}\"\nall = [{{ outcome = \"model\", at_least = 0, probability = {p} }}]\n"));
    }
    folder.write("model.toml", one);
    let found = json(&folder, &["simulate", "model.toml", "--replications", "2000"]);
    for claim in found["claims"].as_array().expect("claims") {
        let rule = claim["rule"].as_str().expect("a name");
        let p: f64 = if rule == "adopt" { 0.9 } else { rule.parse().expect("a number") };
        let (share, error) = (number(&claim["yes"]["value"]), (p * (1.0 - p) / 2000.0).sqrt());
        assert!((share - (1.0 - p)).abs() < 4.0 * error + 0.004, "P ≥ {p}: {share}");
    }
}

#[test]
fn a_bound_that_was_calibrated_holds_in_fresh_studies_and_power_is_told_apart_from_error() {
    let folder = folder();
    let found = json(&folder, &["simulate", "model.toml", "--replications", "1200", "--calibrate", "0.05"]);
    let calibration = &found["calibration"][0];
    assert!(number(&calibration["bound"]) > 0.9, "{calibration}");
    assert!(number(&calibration["error"]["value"]) <= 0.05);
    let fresh = &calibration["fresh_error"];
    assert!((number(&fresh["value"]) - 0.05).abs() < 4.0 * number(&fresh["mcse"]) + 0.002, "{fresh}");
    assert!(number(&calibration["declared_error"]["value"]) > 0.05);
    let claim = |truth: &str, subgroup: &str| {
        let all = found["claims"].as_array().expect("claims");
        all.iter().find(|c| c["truth"] == truth && c["subgroup"] == subgroup).expect("a claim")
    };
    assert_eq!(claim("men alone", "men")["right"], true);
    assert_eq!(claim("men alone", "women")["right"], false);
    assert!(number(&claim("men alone", "men")["yes"]["value"]) > 0.5);
    // Under the design prior nearly every effect is above nothing, and so is nearly every yes right.
    let drawn = claim("design prior", "women");
    assert!(drawn["right"].is_null() && number(&drawn["right_of_yes"]["value"]) > 0.9, "{drawn}");
    let wide = json(
        &folder,
        &["simulate", "model.toml", "--replications", "300", "--calibrate", "0.05", "--familywise"],
    );
    assert!(number(&wide["calibration"][0]["bound"]) > number(&calibration["bound"]) - 0.01);
}

/// Under draws from the analysis prior itself central intervals hold the truth as often as they say.
#[test]
fn intervals_cover_under_the_analysis_prior() {
    let folder = Folder::new();
    let start = MODEL.find("[design]").expect("a design");
    let end = MODEL.find("[decision]").expect("a decision");
    folder.write("model.toml", MODEL.replace(&MODEL[start..end], ""));
    let found = json(&folder, &["simulate", "model.toml", "--replications", "1200"]);
    let mut seen = 0;
    for e in
        found["estimates"].as_array().expect("estimates").iter().filter(|e| e["truth"] == "analysis prior")
    {
        assert!((number(&e["coverage"]["value"]) - 0.95).abs() < 4.0 * 0.0063, "{e}");
        let bias = &e["bias_effect"];
        assert!(number(&bias["value"]).abs() < 4.0 * number(&bias["mcse"]), "{e}");
        seen += 1;
    }
    assert_eq!(seen, 2);
}

#[test]
fn shards_come_to_what_one_run_is_byte_for_byte() {
    let folder = folder();
    let simulate = ["simulate", "model.toml", "--replications", "100", "--calibrate", "0.1"];
    let validate = ["validate", "model.toml", "--replications", "40"];
    for (command, into) in [(&simulate[..], "a"), (&validate[..], "b")] {
        let shard = |k: &'static str| [command, &["--shard", k, "--into", into]].concat();
        folder.says(&shard("3/3"));
        folder.says(&shard("1/3"));
        folder.refuses(&["merge", into], &["of 3 shards these are missing: 2"]);
        // One that was cut off while it was written is gone on with.
        folder.says(&shard("2/3"));
        let whole = folder.read(&format!("{into}/shard-0002-of-0003.jsonl"));
        std::fs::remove_file(folder.at().join(into).join("shard-0002-of-0003.jsonl")).expect("removed");
        folder.write(&format!("{into}/shard-0002-of-0003.part.jsonl"), &whole);
        folder.refuses(&["merge", into], &["missing: 2 (", "replications of it are there"]);
        folder.write(&format!("{into}/shard-0002-of-0003.part.jsonl"), &whole[..whole.len() / 2]);
        folder.says(&shard("2/3"));
        assert_eq!(folder.read(&format!("{into}/shard-0002-of-0003.jsonl")), whole);
        for format in ["text", "json", "csv"] {
            let told = ["--format", format];
            assert!(
                folder.says(&["merge", into, told[0], told[1]]) == folder.says(&[command, &told].concat()),
                "{command:?} {format}"
            );
        }
        folder.refuses(
            &[command, &["--seed", "2", "--shard", "1/3", "--into", into]].concat(),
            &["these shards do not match", "their command is"],
        );
        folder.refuses(
            &[command, &["--shard", "1/4", "--into", into]].concat(),
            &["there are 3 of them, and this is one of 4"],
        );
        folder.write(&format!("{into}/shard-0002-of-0003.jsonl"), &whole[..whole.len() / 2]);
        folder.refuses(
            &["merge", into],
            &["its lines are not those that were written", "remove this file and run its shard again"],
        );
    }
    // Shards of another seed are of another plan, whatever their names.
    let other = ["simulate", "model.toml", "--replications", "100", "--calibrate", "0.1", "--seed", "2"];
    for k in ["1/3", "2/3", "3/3"] {
        folder.says(&[&other[..], &["--shard", k, "--into", "c"]].concat());
    }
    folder.write("a/shard-0002-of-0003.jsonl", folder.read("c/shard-0002-of-0003.jsonl"));
    folder.refuses(&["merge", "a"], &["it was written under another plan"]);
    let plan = folder.read("c/plan.json");
    for (from, to, told) in [
        ("\"shards\": 3", "\"shards\": 0", "it has 0 shards"),
        ("\"shards\": 3", "\"shards\": 1000000000", "it has 1000000000 shards"),
        ("\"2\"", "\"1\"", "it was written under another plan"),
    ] {
        folder.write("c/plan.json", plan.replace(from, to));
        folder.refuses(&["merge", "c"], &[told]);
    }
    folder.refuses(&["simulate", "-", "--shard", "1/2", "--into", "d"], &["standard input"]);
    folder.write("model.toml", MODEL.replace("total = 60", "total = 59"));
    folder.refuses(&["merge", "a"], &["has changed since"]);
}

#[test]
fn bad_input_says_where_and_what_to_do() {
    let refused = |from: &str, to: &str, arguments: &[&str], told: &[&str]| {
        assert!(from.is_empty() || MODEL.contains(from), "{from}");
        let folder = Folder::new();
        folder.write("model.toml", MODEL.replace(from, to));
        let all = [&arguments[..1], &["model.toml"], &arguments[1..]].concat();
        folder.refuses(&all, told);
    };
    let truth = "control = 0.3\nodds_ratio = 1";
    refused(truth, "control = 0.3\nactive = 1", &["simulate"], &["a true risk of 1", "between 0 and 1"]);
    refused(truth, "control = 30\nactive = 0.2", &["simulate"], &["30 % is 0.3"]);
    refused(truth, "control = 0.3", &["simulate"], &["says nothing of the active arm"]);
    refused(truth, "active = { men = 0.3 }", &["simulate"], &["no number for `women`"]);
    refused(
        truth,
        "active = { men = 0.3, womn = 0.3 }",
        &["simulate"],
        &["no subgroup named `womn`", "did you mean `women`?"],
    );
    refused("\"men alone\"", "\"analysis prior\"", &["simulate"], &["the truth is called `analysis prior`"]);
    refused(truth, "control = nan\nactive = 0.2", &["simulate"], &["a true risk of NaN"]);
    refused(
        "",
        "",
        &["simulate", "--calibrate", "0.001"],
        &["an error of 0.001 can't be told from 2000 studies", "--replications 10000"],
    );
    refused("\"men alone\"", "\"no effect\"", &["simulate"], &["the truth `no effect` stands twice"]);
    refused("effect = \"normal(0.4, 0.1)\"", "effect = \"flat\"", &["simulate"], &["a flat design prior"]);
    refused(
        "[prior]\neffect = \"normal(0, 0.5)\"\nheterogeneity = \"half-normal(0.3)\"\n",
        "",
        &["simulate"],
        &["`prior`"],
    );
    refused(
        "outcome = \"model\", at_least",
        "outcome = \"modell\", at_least",
        &["simulate"],
        &["no outcome named `modell`"],
    );
    refused("", "", &["simulate", "--replications", "0"], &["nothing can be told from no simulated study"]);
    refused("", "", &["simulate", "--shard", "4/3", "--into", "x"], &["there is no shard 4 of 3"]);
    refused("", "", &["simulate", "--calibrate", "2"], &["a number between 0 and 1 is wanted"]);
    refused("", "", &["next", "--subgroups", "boys=1"], &["no subgroup named `boys`"]);
    refused("", "", &["next", "--arms", "1:x"], &["control to active"]);
    refused("", "", &["next", "--draws", "5"], &["from 100"]);
    let costs = "[decision.costs]\nunit = \"EUR\"\nper_utility = 20000\nactions = { drug = 300 }\n";
    refused(costs, "", &["next", "--population", "1000"], &["the decision has no costs"]);
    let folder = Folder::new();
    folder.refuses(&["simulate", "rescue-stenting", "--truth", "none.toml"], &["none.toml"]);
    folder.refuses(&["simulate", "attention-ras-etiology"], &["declares no rule to simulate"]);
    folder.refuses(&["next", "antiretroviral-regimen"], &["it is of two arms"]);
    folder.refuses(&["merge", "."], &["no plan can be read"]);
}

/// A file of its own takes the place of the section.
#[test]
fn truths_may_stand_in_a_file_of_their_own() {
    let folder = folder();
    folder.write("truths.toml", "[[design.truth]]\nname = \"harm\"\ncontrol = 0.4\nactive = 0.2\n");
    let found = json(&folder, &["simulate", "model.toml", "--truth", "truths.toml", "--replications", "100"]);
    let names: Vec<&str> =
        found["truths"].as_array().expect("truths").iter().filter_map(|t| t["name"].as_str()).collect();
    assert_eq!(names, ["harm", "analysis prior"]);
    folder.write("truths.toml", "[[truth]]\nname = \"harm\"\n");
    folder.refuses(&["simulate", "model.toml", "--truth", "truths.toml"], &["design"]);
}
