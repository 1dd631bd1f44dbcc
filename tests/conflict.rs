//! What data say against a prior, what estimates are adjusted for, totals among rows, and what subgroups are called.

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use equipoise::study::distributions::{half_normal, normal};
use equipoise::study::{Assignment, Endpoint, HigherIs, Priors, Scale, Study, SubgroupEstimate};
use serde_json::Value;

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
[subgroup]
name = "stenosis"
[data]
estimates = [
  { subgroup = "A", ratio = 0.68, ci = [0.41, 1.12] },
  { subgroup = "B", estimate = -0.38, se = 0.11 },
]
[prior]
effect = "normal(0, 0.355)"
heterogeneity = "half-normal(0.5)"
"#;

const COUNTS: &str = r#"
title = "Counts"
[study]
assignment = "observational"
[outcome]
name = "death"
kind = "binary"
higher_is = "worse"
[treatment]
name = "the drug"
control = "placebo"
active = "drug"
[subgroup]
name = "sex"
[data]
counts = [
  { subgroup = "men", control = { events = 30, total = 120 }, active = { events = 19, total = 118 } },
  { subgroup = "women", control = { events = 22, total = 95 }, active = { events = 21, total = 99 } },
]
[prior]
effect = "normal(0, 1)"
heterogeneity = "half-normal(0.5)"
"#;

fn run(folder: &Path, arguments: &[&str]) -> assert_cmd::assert::Assert {
    Command::cargo_bin("equipoise").expect("built").current_dir(folder).args(arguments).assert()
}

/// What a command says of a model, its lines joined so that wrapping does not matter.
#[track_caller]
fn said(model: &str, command: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("model.toml"), model).expect("written");
    let arguments: Vec<&str> =
        command[..1].iter().chain(&["model.toml"]).chain(&command[1..]).copied().collect();
    let assert = run(folder.path(), &arguments).success();
    let text = String::from_utf8_lossy(&assert.get_output().stdout).into_owned();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn json(model: &str) -> Value {
    serde_json::from_str(&said(model, &["fit", "--engine", "exact", "--format", "json"])).expect("JSON")
}

const FIT: [&str; 3] = ["fit", "--engine", "exact"];

#[test]
fn data_far_from_the_prior_are_told_by_fit() {
    // Both estimates lie near −0.38; the prior expects them around 2, give or take 0.5.
    let far = ESTIMATES.replace("normal(0, 0.355)", "normal(2, 0.2)");
    let told = said(&far, &FIT);
    let sentence =
        "Stated effect prior: prior and data are at odds; data this far from the prior were expected";
    assert!(told.contains(sentence), "{told}");
    assert!(told.contains("% of the time."), "{told}");
    let json = json(&far);
    let tail = json["prior"]["effect_against_data"]["tail_probability"].as_f64().expect("a number");
    assert!(tail < 0.1, "{tail}");
    let claims = json["claims"].as_array().expect("claims");
    let claim = claims.iter().find(|c| c["kind"] == "prior_at_odds").expect("the claim");
    assert_eq!(claim["tail_probability"].as_f64(), Some(tail));
    assert!(claim["text"].as_str().is_some_and(|text| text.starts_with(sentence)));
}

#[test]
fn data_where_the_prior_expects_them_have_a_number_and_no_sentence() {
    assert!(!said(ESTIMATES, &FIT).contains("at odds"));
    let tail = &json(ESTIMATES)["prior"]["effect_against_data"]["tail_probability"];
    assert!(tail.as_f64().is_some_and(|p| p > 0.1), "{tail}");
    let flat = ESTIMATES.replace("normal(0, 0.355)", "flat");
    assert!(json(&flat)["prior"]["effect_against_data"].is_null());
}

#[test]
fn with_one_estimate_and_no_heterogeneity_it_is_the_two_sided_tail_of_a_normal() {
    let one = ESTIMATES
        .replace("  { subgroup = \"A\", ratio = 0.68, ci = [0.41, 1.12] },\n", "")
        .replace("estimate = -0.38, se = 0.11", "estimate = 1.5, se = 0.6")
        .replace("normal(0, 0.355)", "normal(0, 0.8)")
        .replace("half-normal(0.5)", "fixed(0)");
    let tail = json(&one)["prior"]["effect_against_data"]["tail_probability"].as_f64().expect("a number");
    // 1.5 is 1.5 standard deviations of 1 away: 2Φ(−1.5).
    assert!((tail - 0.133_614_402_5).abs() < 1e-6, "{tail}");
}

#[test]
fn the_page_says_in_short_that_prior_and_data_are_at_odds() {
    let folder = tempfile::tempdir().expect("a folder");
    let far = ESTIMATES.replace("normal(0, 0.355)", "normal(2, 0.2)");
    fs::write(folder.path().join("model.toml"), far).expect("written");
    run(folder.path(), &["report", "model.toml", "-o", "page.html"]).success();
    let page = fs::read_to_string(folder.path().join("page.html")).expect("a page");
    let start = page.find("In short").expect("the section");
    let end = page[start..].find("The table").expect("the next section");
    assert!(page[start..start + end].contains("data this far from the prior were expected"), "{page}");
    assert!(page.contains("not done: no data were drawn from the priors"), "the item of BARG");
}

#[test]
fn the_caveat_says_what_published_estimates_are_adjusted_for() {
    let caveat = "Treatment was not randomised: these are associations,";
    let unknown = "and the program does not know what the published estimates are adjusted for.";
    let all = ESTIMATES.replace("[data]", "[data]\nadjusted_for = \"age, sex\"");
    let one = ESTIMATES.replace("se = 0.11", "se = 0.11, adjusted_for = \"age\"");
    let both = all.replace("se = 0.11", "se = 0.11, adjusted_for = \"nothing\"");
    let crude = ESTIMATES.replace("[data]", "[data]\nadjusted_for = \"nothing\"");
    for (model, words) in [
        (ESTIMATES, unknown),
        (&all, "published as adjusted for age, sex."),
        (&one, "published as adjusted for age in B; the program does not know for what in A."),
        (&both, "published as adjusted for age, sex in A; for nothing in B."),
        (&crude, "not adjusted for who received it."),
        (COUNTS, "not adjusted for who received it."),
    ] {
        let expected = format!("{caveat} {words}");
        for command in [&FIT[..], &["check"], &["fit", "--engine", "exact", "--format", "json"]] {
            let told = said(model, command);
            assert!(told.contains(&expected), "{expected}\n{told}");
        }
    }
}

#[test]
fn counts_are_not_said_to_be_adjusted() {
    let folder = tempfile::tempdir().expect("a folder");
    for (model, words) in [
        (COUNTS.replace("[data]", "[data]\nadjusted_for = \"age\""), "is for published estimates"),
        (ESTIMATES.replace("[data]", "[data]\nadjusted_for = \" \""), "`adjusted_for` is empty"),
    ] {
        fs::write(folder.path().join("model.toml"), model).expect("written");
        let assert = run(folder.path(), &["fit", "model.toml"]).code(1).stdout("");
        let error = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn a_row_that_is_the_total_of_all_others_is_noted() {
    let total = "  { subgroup = \"all\", control = { events = 52, total = 215 }, active = { events = 40, total = 217 } },\n]\n[prior]";
    let with = COUNTS.replace("]\n[prior]", total);
    let note = "all: its events and patients are the sums of all other rows. If it is their total, leave the row out";
    for command in [&FIT[..], &["check"]] {
        assert!(said(&with, command).contains(note));
        assert!(!said(COUNTS, command).contains("the sums of all other rows"));
        // One patient less, and it is a subgroup like others.
        assert!(!said(&with.replace("total = 217", "total = 216"), command).contains("the sums of"));
    }
}

#[test]
fn of_subgroups_that_exhaust_their_kind_there_is_no_further_one() {
    let exhaustive = COUNTS.replace("name = \"sex\"", "name = \"sex\"\nexhaustive = true");
    let scopes = |model: &str| -> Vec<String> {
        let rows = json(model)["estimates"].as_array().expect("rows").clone();
        rows.iter().filter_map(|r| Some(r["scope"].as_str()?.to_string())).collect()
    };
    assert!(said(COUNTS, &FIT).contains("further similar sex"));
    assert!(!said(&exhaustive, &FIT).contains("further similar"));
    assert!(scopes(COUNTS).iter().any(|s| s == "new"));
    assert!(!scopes(&exhaustive).iter().any(|s| s == "new"));
}

#[test]
fn several_subgroups_are_called_as_the_file_says_or_subgroups() {
    assert!(said(ESTIMATES, &FIT).contains(": 2 subgroups; observational"));
    let plural = ESTIMATES.replace("name = \"stenosis\"", "name = \"stenosis\"\nplural = \"stenoses\"");
    assert!(said(&plural, &FIT).contains(": 2 stenoses; observational"));
}

#[test]
fn a_study_in_code_says_the_same_and_is_written_as_it_is() {
    let published = |name: &str, adjusted_for: Option<&str>| SubgroupEstimate {
        name: name.to_string(),
        estimate: -0.4,
        se: 0.2,
        interval: None,
        source: None,
        citation: None,
        adjusted_for: adjusted_for.map(str::to_string),
    };
    let study = Study::builder("In code", Assignment::Observational)
        .outcome(Endpoint::estimates("relapse", Scale::LogOddsRatio, HigherIs::Worse))
        .arms("placebo", "drug")
        .subgroup_name("sex")
        .subgroup_plural("sexes")
        .exhaustive()
        .adjusted_for("age")
        .published(published("men", None))
        .published(published("women", Some("age, stage")))
        .priors(Priors::partial(normal(0.0, 0.355), half_normal(0.5)))
        .build()
        .expect("a study");
    assert_eq!(study.adjusted_in_words(), "published as adjusted for age in men; for age, stage in women");
    let told = said(&study.text, &FIT);
    assert!(told.contains("published as adjusted for age in men; for age, stage in women."), "{told}");
    assert!(told.contains("2 sexes") && !told.contains("further similar"), "{told}");
}

/// The standard deviation of μ that two estimates with the information of a prior normal(0, 0.355) between them leave.
fn left_by_the_patients_named(heterogeneity: &str) -> f64 {
    let se = 0.355 * std::f64::consts::SQRT_2;
    let model = ESTIMATES
        .replace("ratio = 0.68, ci = [0.41, 1.12]", &format!("estimate = 0.1, se = {se}"))
        .replace("estimate = -0.38, se = 0.11", &format!("estimate = -0.1, se = {se}"))
        .replace("normal(0, 0.355)", "normal(0, 100)")
        .replace("half-normal(0.5)", heterogeneity);
    let json = json(&model);
    let rows = json["parameters"].as_array().expect("rows");
    let mu = rows.iter().find(|r| r["name"] == "mu").expect("a row of mu");
    mu["exact"]["sd"].as_f64().expect("a number")
}

#[test]
fn the_patients_that_a_prior_is_worth_are_those_of_a_homogeneous_study() {
    let same = left_by_the_patients_named("fixed(0)");
    assert!((same - 0.355).abs() < 1e-4, "{same}");
    // τ²/G + 1/(n·i), as the decision record derives it.
    let apart = left_by_the_patients_named("fixed(0.5)");
    assert!((apart - (0.125_f64 + 0.355 * 0.355).sqrt()).abs() < 1e-4, "{apart}");
}

#[test]
fn where_outcomes_of_a_decision_differ_in_adjustment_each_caveat_names_its_outcome() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("written");
    let crude = COUNTS.replace("\"men\"", "\"A\"").replace("\"women\"", "\"B\"").replace("sex", "stenosis");
    write("adjusted.toml", &ESTIMATES.replace("[data]", "[data]\nadjusted_for = \"age\""));
    write("crude.toml", &crude);
    write("exhaustive.toml", &crude.replace("name = \"stenosis\"", "name = \"stenosis\"\nexhaustive = true"));
    let decision = r#"[decision]
question = "The drug?"
actions = ["drug", "placebo"]
[[outcome]]
model = "adjusted.toml"
utility = { event = 0, no_event = 1 }
baseline_risk = 0.2
[[outcome]]
model = "crude.toml"
disutility = 0.1
"#;
    write("decision.toml", decision);
    let assert = run(folder.path(), &["decide", "decision.toml"]).success();
    let told =
        String::from_utf8_lossy(&assert.get_output().stdout).split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "relapse: Treatment was not randomised: these are associations, published as adjusted for age.",
        "death: Treatment was not randomised: these are associations, not adjusted for who received it.",
    ] {
        assert!(told.contains(words), "{told}");
    }
    // A further subgroup that the model says does not exist can't be asked about.
    write("decision.toml", &decision.replace("\"crude.toml\"", "\"exhaustive.toml\"\nbaseline_risk = 0.3"));
    let assert = run(folder.path(), &["decide", "decision.toml"]).code(1).stdout("");
    let error = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
    assert!(error.contains("the model says that there is none (exhaustive = true)"), "{error}");
}
