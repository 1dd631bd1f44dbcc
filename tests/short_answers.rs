//! `compare` and `decide` begin with the answer, in at most ten lines from typed claims; the rest follows with `--full`.

use serde_json::Value;

use crate::common::shipped;

fn said(arguments: &[&str]) -> String {
    shipped::said(&arguments.join(" "))
}

fn json(arguments: &[&str]) -> Value {
    serde_json::from_str(&said(&[arguments, &["--format", "json"]].concat())).expect("JSON")
}

fn flowing(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The lines below "In short".
fn answer(text: &str) -> Vec<&str> {
    text.lines().skip_while(|l| *l != "In short").skip(1).take_while(|l| !l.is_empty()).collect()
}

fn claims(found: &Value) -> &Vec<Value> {
    found["claims"].as_array().expect("claims")
}

/// Ten lines and a last sentence that names the rest; at full length the same answer, and every claim of the JSON.
fn begins_with_the_answer(arguments: &[&str], names: &[&str]) {
    let short = said(arguments);
    let full = said(&[arguments, &["--full"]].concat());
    let lines = answer(&short);
    assert!((1..=10).contains(&lines.len()), "{arguments:?}: {short}");
    let head =
        |text: &str| text.lines().take_while(|l| *l != "In short").map(String::from).collect::<Vec<_>>();
    assert_eq!(head(&short), head(&full), "{arguments:?}: head and caveats");
    assert!(short.len() < full.len() / 2, "{arguments:?}");
    let last = flowing(short.trim_end().rsplit("\n\n").next().expect("a paragraph"));
    assert!(last.starts_with("`--full` shows the rest: "), "{last}");
    for name in names {
        assert!(last.contains(name), "{name} in {last}");
    }
    assert!(!full.contains("--full"), "{arguments:?}");
    for text in [&short, &full] {
        assert!(text.lines().all(|l| l.chars().count() <= 80), "{arguments:?}");
    }
    let csv = said(&[arguments, &["--format", "csv"]].concat());
    let full = flowing(&full);
    for claim in claims(&json(arguments)) {
        let text = claim["text"].as_str().expect("a sentence");
        assert!(csv.contains(&text.replace('"', "\"\"")), "{arguments:?}: the CSV lacks {text}");
        // Nothing is decided by the heterogeneity prior: said where the curve is, if anywhere.
        let told = full.contains(&flowing(text)) || claim["kind"] == "heterogeneity_decides_nothing";
        assert!(told || claim["kind"] == "heterogeneity_decides", "{arguments:?}: {text}");
    }
}

#[test]
fn a_comparison_of_priors_begins_with_its_answer() {
    for model in ["attention-ras-etiology", "ras-basilar-death"] {
        let names = ["every subgroup under every prior", "tipping points", "sensitivity to power-scaling"];
        begins_with_the_answer(&["compare", model], &names);
    }
    // Of many subgroups at once, and names of any length.
    begins_with_the_answer(&["compare", "solvd"], &["tipping points", "the poolings compared"]);
    let short = flowing(&said(&["compare", "solvd"]));
    assert!(short.contains("P(better) is above 0.8 under the stated priors in 7 of 8 subgroups"), "{short}");
}

#[test]
fn a_comparison_of_biases_begins_with_its_answer() {
    let arguments = ["compare", "ras-basilar-confounded", "--bias"];
    begins_with_the_answer(&arguments, &["what [bias] assumes", "E-values"]);
    let short = flowing(&said(&arguments));
    assert!(short.contains("PC-SEARCH: P(better) 0.990 with the stated bias, 0.999 without;"), "{short}");
    assert!(short.contains("would bring the latter to 0.8; E-value"), "{short}");
}

#[test]
fn a_decision_begins_with_its_answer_and_the_verdicts_of_its_rules() {
    for decision in ["rescue-stenting", "rescue-by-etiology", "aspirin-by-values"] {
        begins_with_the_answer(&["decide", decision], &["how large for whom", "the panel"]);
    }
    let short = flowing(&said(&["decide", "rescue-stenting"]));
    for words in [
        "Rule adopt: yes for PC-SEARCH; undecided for SAINT and ANGEL-ACT; no for ATTENTION registry and",
        "Rule stop: no for all 5.",
        "a further similar cohort: were the associations causal, stent would have the higher expected utility",
        "under independence 0.86, with an expected loss of",
    ] {
        assert!(short.contains(words), "{words}: {short}");
    }
    // With one outcome of value nothing depends on how outcomes are correlated.
    let short = flowing(&said(&["decide", "rescue-by-etiology"]));
    assert!(short.contains("expected loss 12.1 per 1,000 patients."), "{short}");
}

#[test]
fn a_conclusion_stands_under_as_many_priors_as_the_table_says() {
    let found = json(&["compare", "ras-basilar-death"]);
    let table = found["table"].as_array().expect("rows");
    let mut told = 0;
    // Of the average and of a further cohort there is one for each direction that stands, which the table has too.
    for claim in claims(&found).iter().filter(|c| c["kind"] == "stands") {
        let statement = if claim["direction"] == "harm" { "harm" } else { "benefit" };
        let rows = table.iter().filter(|r| {
            r["scope"] == claim["scope"]
                && r["subgroup"] == claim["subgroup"]
                && r["statement"] == statement
                && r["pooling"] == found["pooling"]
        });
        let all: Vec<f64> = rows.map(|r| r["exact"].as_f64().expect("exact")).collect();
        let above = all.iter().filter(|p| **p > 0.8).count();
        assert_eq!(
            (claim["under"].as_u64(), claim["of"].as_u64()),
            (Some(above as u64), Some(all.len() as u64))
        );
        let least = all.iter().copied().fold(1.0, f64::min);
        assert_eq!(claim["lowest"]["probability"].as_f64(), Some(least));
        told += 1;
    }
    assert_eq!(told, 6);
    // What would overturn them is what the tipping points say, on the odds ratio's own scale.
    let overturns = claims(&found).iter().find(|c| c["kind"] == "overturns").expect("a claim");
    let tipping = found["tipping"].as_array().expect("rows");
    for belief in overturns["beliefs"].as_array().expect("beliefs") {
        let row = tipping
            .iter()
            .find(|t| t["subgroup"] == belief["subgroup"] && t["statement"] == "benefit" && t["line"] == 0.8);
        let row = row.expect("a row");
        assert_eq!(row["sceptical_sd"], belief["sceptical_sd"]);
        if belief["subgroup"] == "ATTENTION registry" {
            let ratio = row["prior_centre_ratio"].as_f64().or(row["prior_centre"].as_f64().map(f64::exp));
            let centre = belief["centre"].as_f64().expect("a centre");
            assert!((ratio.expect("a centre") - centre).abs() < 1e-12 && centre > 1.0, "{belief}");
        }
    }
}

#[test]
fn a_grid_that_is_asked_for_is_shown_with_the_answer() {
    let short = said(&["compare", "attention-evt", "--grid"]);
    assert!(
        short.contains("by prior and heterogeneity prior") && short.contains("`--full` shows"),
        "{short}"
    );
}

#[test]
fn decide_and_fit_name_the_same_risk_under_control() {
    let found = json(&["decide", "ras-basilar-function"]);
    let text = flowing(&said(&["decide", "ras-basilar-function", "--full"]));
    assert!(text.contains("Under no stent the median risk;"), "{text}");
    let fitted = json(&["fit", "ras-basilar-function"]);
    let mut compared = 0;
    for effect in found["effects"].as_array().expect("rows") {
        let of = |row: &&Value| {
            row["measure"] == "risk_control"
                && row["scope"] == "subgroup"
                && row["subgroup"] == effect["subgroup"]
        };
        let Some(row) = fitted["estimates"].as_array().expect("rows").iter().find(of) else { continue };
        let median = effect["median_risk_control"].as_f64().expect("a risk");
        let told = row["exact"]["median"].as_f64().expect("a risk");
        assert!((median - told).abs() < 1e-6, "{effect}: {told}");
        compared += 1;
    }
    assert!(compared > 0, "no subgroup of both");
}

#[test]
fn words_that_puzzled_readers_are_gone() {
    let mut all = said(&["compare", "ras-basilar-death", "--full"]);
    all += &said(&["decide", "rescue-stenting", "--full"]);
    let all = flowing(&all);
    for words in [
        "so surprising",
        "Not told",
        "good end",
        "Who decided",
        "worth, patients",
        "asked",
        "each alone",
        " alone ",
        "is worth",
    ] {
        assert!(!all.contains(words), "{words}");
    }
    for words in [
        "data this far from the prior were expected 4 % of the time",
        "No utility: an outcome is missing in",
        "the utility gain of a good outcome",
        "What drove each probability?",
        "equivalent sample size",
        "required: < 0.2",
        "P(better) P(worse)",
        " agrees ",
    ] {
        assert!(all.contains(words), "{words}: {all}");
    }
}
