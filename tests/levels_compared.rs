//! Ordinal outcomes in `compare`, `compare --bias` and `decide`: two levels against the binary model, departures of no scale against
//! none, utilities of levels against those of events, and what is refused.

use serde_json::Value;

use crate::common::folder::Folder;
use crate::common::shipped::said;

/// Two levels, or the same patients as events; `{OUTCOME}`, `{MEN}`, `{WOMEN}` and `{PRIOR}` differ.
const STUDY: &str = r#"
title = "Two levels"
illustrative = true
[study]
assignment = "randomised"
[outcome]
name = "poor outcome"
higher_is = "worse"
{OUTCOME}
[treatment]
name = "drug"
control = "placebo"
active = "drug"
[[data.counts]]
subgroup = "men"
{MEN}
[[data.counts]]
subgroup = "women"
{WOMEN}
[model]
pooling = "partial"
{MODEL}
[prior]
effect = "normal(0, 0.5)"
heterogeneity = "half-normal(0.3)"
{PRIOR}
"#;

fn two_levels(model: &str) -> String {
    STUDY
        .replace("{OUTCOME}", "kind = \"ordinal\"\nlevels = [\"good\", \"poor\"]")
        .replace("{MEN}", "control = { levels = [83, 67] }\nactive = { levels = [96, 55] }")
        .replace("{WOMEN}", "control = { levels = [61, 87] }\nactive = { levels = [66, 85] }")
        .replace("{MODEL}", model)
        .replace("{PRIOR}", "")
}

fn events() -> String {
    STUDY
        .replace("{OUTCOME}", "kind = \"binary\"")
        .replace("{MEN}", "control = { events = 67, total = 150 }\nactive = { events = 55, total = 151 }")
        .replace("{WOMEN}", "control = { events = 87, total = 148 }\nactive = { events = 85, total = 151 }")
        .replace("{MODEL}", "")
        .replace("{PRIOR}", "baseline = \"beta(1, 1)\"\nbaseline_of = \"control\"")
}

const BY_SUBGROUP: &str = "cutpoints = \"by subgroup\"";

/// Four levels of two subgroups.
fn four_levels(model: &str, more: &str) -> String {
    let study = STUDY
        .replace("{OUTCOME}", "kind = \"ordinal\"\nlevels = [0, 1, 2, 3]\nabove = 1")
        .replace("{MEN}", "control = { levels = [40, 43, 40, 27] }\nactive = { levels = [56, 40, 33, 22] }")
        .replace("{WOMEN}", "control = { levels = [30, 31, 45, 42] }\nactive = { levels = [33, 33, 46, 39] }")
        .replace("{MODEL}", model)
        .replace("{PRIOR}", "");
    study + more
}

fn json(folder: &Folder, arguments: &[&str]) -> Value {
    serde_json::from_str(&folder.says(arguments)).expect("JSON")
}

/// Numbers of a list by what they are of.
fn by_key(document: &Value, list: &str, keys: &[&str], number: &str) -> Vec<(String, Option<f64>)> {
    let rows = document[list].as_array().unwrap_or_else(|| panic!("no {list}"));
    let one = |row: &Value| {
        let key = keys.iter().map(|k| row[*k].to_string()).collect::<Vec<_>>().join(" ");
        (key, row[number].as_f64())
    };
    rows.iter().map(one).collect()
}

#[test]
fn two_levels_are_compared_as_events_are() {
    let folder = Folder::new();
    folder.write("levels.toml", two_levels(BY_SUBGROUP)).write("events.toml", events());
    let levels = json(&folder, &["compare", "levels.toml", "--format", "json"]);
    let events = json(&folder, &["compare", "events.toml", "--format", "json"]);
    let statement = ["prior", "pooling", "scope", "subgroup", "statement", "measure", "threshold"];
    let exact: [(&str, Vec<&str>, &str, f64); 7] = [
        ("table", [&statement[..], &["subgroup_b"]].concat(), "probability", 1e-8),
        ("tau_curve", vec!["prior", "scale", "subgroup", "statement"], "probability", 1e-8),
        ("envelope", vec!["subgroup", "statement"], "low", 1e-7),
        ("envelope", vec!["subgroup", "statement"], "high", 1e-7),
        ("tipping", vec!["subgroup", "statement", "line"], "sceptical_sd", 1e-6),
        ("tipping", vec!["subgroup", "statement", "line"], "as_patients", 1e-4),
        ("poolings", vec!["pooling"], "log_marginal_likelihood", 1e-6),
    ];
    for (list, keys, number, tolerance) in exact {
        let (own, other) = (by_key(&levels, list, &keys, number), by_key(&events, list, &keys, number));
        assert_eq!(own.len(), other.len(), "{list}");
        for (key, expected) in other {
            let found = own.iter().find(|(k, _)| *k == key).unwrap_or_else(|| panic!("{list}: {key}"));
            match (found.1, expected) {
                (Some(x), Some(y)) => {
                    assert!((x - y).abs() <= tolerance * y.abs().max(1.0), "{list} {number} {key}: {x} {y}");
                }
                (x, y) => assert_eq!(x, y, "{list} {number} {key}"),
            }
        }
    }
    // One patient left out is by draws.
    let elpd = |document: &Value| by_key(document, "poolings", &["pooling"], "elpd");
    for ((pooling, own), (_, other)) in elpd(&levels).into_iter().zip(elpd(&events)) {
        let apart = (own.expect("a number") - other.expect("a number")).abs();
        assert!(apart < 0.1, "{pooling}: {apart}");
    }
    // With one cut there is nothing to depart from, and that is said.
    assert!(levels["departure_curve"]["unavailable"].as_str().expect("a reason").contains("two levels"));
    assert!(events.get("departure_curve").is_none());
}

/// At scale 0 the curve is the model with proportional odds, and every number of it is sampled with an error.
#[test]
fn a_departure_of_no_scale_is_none() {
    let folder = Folder::new();
    folder.write("by.toml", four_levels(BY_SUBGROUP, ""));
    let found = json(&folder, &["compare", "by.toml", "--format", "json"]);
    let curve = &found["departure_curve"];
    assert_eq!(curve["shape"], "unconstrained");
    assert!(curve["stated"].is_null());
    let points = curve["points"].as_array().expect("points");
    let scales: Vec<f64> = points.iter().filter_map(|p| p["scale"].as_f64()).collect();
    for scale in [0.0, 0.1, 0.3, 0.6, 1.0] {
        assert!(scales.contains(&scale), "{scale}");
    }
    let table = found["table"].as_array().expect("table");
    for name in ["men", "women"] {
        let point = points
            .iter()
            .find(|p| p["scale"] == 0.0 && p["primary"] == true && p["subgroup"] == name)
            .expect("a point");
        let row = table
            .iter()
            .find(|r| {
                r["pooling"] == "partial"
                    && r["subgroup"] == name
                    && r["statement"] == "benefit"
                    && r["scope"] == "subgroup"
            })
            .expect("a row");
        let (p, error) = (point["benefit"].as_f64().expect("p"), point["mcse"].as_f64().expect("error"));
        let exact = row["exact"].as_f64().expect("integrated");
        assert!((p - exact).abs() < 4.0 * error.max(1e-3), "{name}: {p} {exact} {error}");
        // Under proportional odds every cut has the same odds ratio.
        let own =
            points.iter().filter(|p| p["scale"] == 0.0 && p["subgroup"] == name && !p["above"].is_null());
        let medians: Vec<f64> = own.filter_map(|p| p["median"].as_f64()).collect();
        assert_eq!(medians.len(), 3);
        assert!(medians.iter().all(|m| (m - medians[0]).abs() < 1e-9), "{medians:?}");
    }
    let told = found["claims"].as_array().expect("claims");
    let leans = told.iter().filter(|c| c["kind"] == "without_proportional_odds");
    assert_eq!(leans.count(), 1);
}

/// Shared cut points have no curves: what is missing is said, and the rest is sampled.
#[test]
fn shared_cut_points_are_sampled_and_say_so() {
    let folder = Folder::new();
    folder.write("shared.toml", two_levels(""));
    let found = json(&folder, &["compare", "shared.toml", "--format", "json"]);
    assert_eq!(found["engine"], "sampler");
    let notices = found["checks"]["notices"].to_string();
    assert!(notices.contains("Shared cut points tie all subgroups together"), "{notices}");
    let table = found["table"].as_array().expect("table");
    let known = table.iter().filter(|r| r["statement"] == "benefit").all(|r| !r["probability"].is_null());
    assert!(known);
    let bias = json(&folder, &["compare", "shared.toml", "--bias", "--format", "json"]);
    assert_eq!(bias["shift_surface"].as_array().map(Vec::len), Some(0));
    assert!(bias["checks"]["notices"].to_string().contains("shared cut points"));
}

/// A known bias of the log odds ratio is an effect moved: with one subgroup both kinds of cut points say the same.
#[test]
fn a_known_bias_moves_the_effect_by_as_much() {
    let folder = Folder::new();
    let bias = "[bias]\nlog_odds_ratio = 0.2\n";
    let one = |model: &str, prior: &str, bias: &str| {
        let whole = four_levels(model, bias).replace("[prior]", &format!("[prior]\n{prior}"));
        let cut = whole.find("[[data.counts]]\nsubgroup = \"women\"").expect("women");
        let end = whole.find("[model]").expect("model");
        format!("{}{}", &whole[..cut], &whole[end..])
    };
    folder.write("by.toml", one(BY_SUBGROUP, "", bias));
    folder.write("moved.toml", one(BY_SUBGROUP, "", "").replace("normal(0, 0.5)", "normal(0.2, 0.5)"));
    folder.write("shared.toml", one("", "shift = \"fixed(0.001)\"", bias));
    let median = |file: &str| {
        let found = json(&folder, &["fit", file, "--format", "json", "--seed", "3"]);
        let rows = found["estimates"].as_array().expect("estimates").clone();
        let row =
            rows.iter().find(|r| r["measure"] == "odds_ratio" && r["scope"] == "subgroup").expect("a row");
        let q = if row["exact"].is_null() { &row["reported"] } else { &row["exact"] };
        let q = if q.get("median").is_some() { q } else { &q["quantiles"] };
        q["median"].as_f64().or_else(|| row["median"].as_f64()).expect("a median")
    };
    let (by, moved, shared) = (median("by.toml"), median("moved.toml"), median("shared.toml"));
    // The prior of the effect moves with it: θ + 0.2 under N(0.2, 0.5²) is what is seen.
    assert!((by * 0.2f64.exp() - moved).abs() < 1e-6, "{by} {moved}");
    assert!((by - shared).abs() < 0.03, "{by} {shared}");
    let found = json(&folder, &["compare", "by.toml", "--bias", "--format", "json"]);
    let tipping = found["tipping"].as_array().expect("tipping");
    assert!(tipping.iter().any(|t| t["bias"].is_number()), "{tipping:?}");
    assert!(found["e_values"].as_array().expect("E-values").iter().all(|e| e["measure"] == "risk_ratio"));
}

#[test]
fn what_is_of_an_event_is_refused_beside_levels() {
    let folder = Folder::new();
    for (bias, key) in [
        (
            "[bias.confounder]\nname = \"age\"\ncontrol = 0.4\nactive = 0.3\nodds_ratio = 2\n",
            "[bias.confounder] does not go with kind = \"ordinal\"",
        ),
        (
            "[bias.missing]\nactive = \"normal(0, 0.5)\"\n",
            "[bias.missing] does not go with kind = \"ordinal\"",
        ),
        (
            "[bias.misclassification]\npositive = \"men\"\nsensitivity = 0.9\nspecificity = 0.8\n",
            "[bias.misclassification] does not go with kind = \"ordinal\"",
        ),
    ] {
        folder.write("study.toml", four_levels(BY_SUBGROUP, bias));
        folder.refuses(&["check", "study.toml"], &[key, "kind = \"binary\"", "log_odds_ratio"]);
    }
}

fn decision(outcome: &str, panel: &str) -> String {
    format!(
        "[decision]\nquestion = \"Drug or placebo?\"\n[[outcome]]\nmodel = \"study.toml\"\n{outcome}\n[[panel]]\nmember = \"one\"\n{panel}\n"
    )
}

/// Utilities of 1 and 0 at two levels are those of no event and an event.
#[test]
fn two_levels_are_worth_what_an_event_and_its_absence_are() {
    let (of_levels, of_events) = (Folder::new(), Folder::new());
    of_levels.write("study.toml", two_levels(BY_SUBGROUP));
    of_levels.write("decision.toml", decision("utilities = [1, 0]", "utilities = [0.8, 0.2]"));
    of_events.write("study.toml", events());
    let utility = "utility = { event = 0, no_event = 1 }";
    of_events.write("decision.toml", decision(utility, "utility = { event = 0.2, no_event = 0.8 }"));
    let [levels, events] =
        [&of_levels, &of_events].map(|f| json(f, &["decide", "decision.toml", "--format", "json"]));
    let keys = ["scope", "subgroup", "action"];
    for (number, tolerance) in
        [("expected_utility", 0.002), ("probability_best", 0.01), ("expected_loss", 2e-3)]
    {
        let own = by_key(&levels, "actions", &keys, number);
        let other = by_key(&events, "actions", &keys, number);
        assert_eq!(own.len(), other.len());
        for ((key, x), (_, y)) in own.into_iter().zip(other) {
            let (x, y) = (x.expect("a number"), y.expect("a number"));
            assert!((x - y).abs() < tolerance, "{key}, {number}: {x} {y}");
        }
    }
    let gains = |document: &Value| by_key(&document["panel"], "members", &["subgroup"], "expected_gain");
    for ((key, x), (_, y)) in gains(&levels).into_iter().zip(gains(&events)) {
        assert!((x.expect("a gain") - y.expect("a gain")).abs() < 0.001, "{key}");
    }
    assert_eq!(levels["outcomes"][0]["values"]["values"], serde_json::json!([1.0, 0.0]));
}

/// A member may value every level where another values an event at the primary cut; a set that is flat but for one step is that.
#[test]
fn a_member_may_value_levels_and_another_an_event() {
    let folder = Folder::new();
    folder.write("study.toml", four_levels(BY_SUBGROUP, ""));
    let panel = "utilities = [1, 1, 0, 0]\n[[panel]]\nmember = \"two\"\nutility = { event = 0, no_event = 1 }\n[[panel]]\nmember = \"three\"\nutilities = [1, 0.8, 0.3, 0]";
    folder.write("decision.toml", decision("utilities = [1, 0.9, 0.5, 0]", panel));
    let found = json(&folder, &["decide", "decision.toml", "--format", "json"]);
    let gains = by_key(&found["panel"], "members", &["member", "subgroup"], "expected_gain");
    let of = |member: &str| -> Vec<f64> {
        gains.iter().filter(|(k, _)| k.contains(member)).filter_map(|(_, x)| *x).collect()
    };
    let (one, two, three) = (of("one"), of("two"), of("three"));
    assert_eq!((one.len(), three.len()), (2, 2));
    assert!(one.iter().zip(&two).all(|(x, y)| (x - y).abs() < 1e-12), "{one:?} {two:?}");
    assert!(three.iter().zip(&one).any(|(x, y)| (x - y).abs() > 1e-4));
    let told = folder.says(&["decide", "decision.toml", "--full"]);
    assert!(told.contains("utilities by level"), "{told}");
}

#[test]
fn utilities_that_do_not_fit_are_refused() {
    let folder = Folder::new();
    folder.write("study.toml", four_levels(BY_SUBGROUP, ""));
    for (outcome, told) in [
        ("utilities = [1, 0]", "2 utilities for 4 levels"),
        ("utilities = [1, 1, 1, 1]", "all utilities are 1"),
        ("utilities = [0, 0.3, 0.8, 1]", "higher levels are said to be worse"),
        ("utilities = [3, 2, 1, 0]", "a utility of 3"),
        ("utilities = \"down\"", "there is no set of utilities `down`"),
        ("utilities = \"dawn\"", "the set `dawn` has 7 utilities, and there are 4 levels"),
        ("utilities = [1, 0.8, 0.3, 0]\ndisutility = 0.3", "both `utilities` and `disutility`"),
        (
            "utilities = [1, 0.8, 0.3, 0]\nutility = { event = 0, no_event = 1 }",
            "both `utilities` and `utility`",
        ),
    ] {
        folder.write("decision.toml", decision(outcome, ""));
        folder.refuses(&["decide", "decision.toml"], &[told, "decision.toml"]);
        folder.write("decision.toml", decision("", outcome));
        folder.refuses(&["decide", "decision.toml"], &[told, "decision.toml"]);
    }
    folder.write("study.toml", events());
    folder.write("decision.toml", decision("utilities = [1, 0]", ""));
    folder.refuses(&["decide", "decision.toml"], &["utilities of levels", "kind = \"ordinal\""]);
}

/// In the shipped decision members differ in utilities alone: each one's gain is its own weighted sum of the risk differences at
/// the cuts that `fit` reports, and that of who values independence alone is the risk difference at that cut.
#[test]
fn members_gains_are_sums_over_the_cuts_of_the_fit() {
    let shipped = |command: &str| -> Value { serde_json::from_str(&said(command)).expect("JSON") };
    let fit = shipped("fit ist-aspirin-shift --format json");
    let decided = shipped("decide aspirin-by-values --format json");
    let by_cut = |subgroup: &Value| {
        ["dead", "dependent", "not recovered"].map(|cut| {
            let rows = fit["estimates"].as_array().expect("estimates");
            let own = rows.iter().find(|e| {
                e["measure"] == "risk_difference_at_cut" && e["cut"] == cut && e["subgroup"] == *subgroup
            });
            own.and_then(|e| e["mean"].as_f64()).expect("a mean")
        })
    };
    let utilities = [
        ("trade-offs", [0.0, 0.33, 0.84, 1.0]),
        ("EQ-5D", [0.0, 0.19, 0.78, 0.96]),
        ("survival first", [0.0, 0.8, 0.9, 1.0]),
        ("independence first", [0.0, 0.0, 1.0, 1.0]),
    ];
    let members = decided["panel"]["members"].as_array().expect("members");
    assert_eq!(members.len(), 4 * 5);
    for row in members {
        let (_, u) = utilities.iter().find(|(name, _)| row["member"] == *name).expect("a member");
        let steps = u.windows(2).map(|w| w[1] - w[0]);
        let expected: f64 = steps.zip(by_cut(&row["subgroup"])).map(|(step, rd)| step * rd).sum();
        let gain = row["expected_gain"].as_f64().expect("a gain");
        assert!((gain - expected).abs() < 1e-9, "{row}: {expected}");
    }
}

/// Values that are made up are said to be so wherever a number of the decision stands, though the study's counts are real.
#[test]
fn a_decision_whose_values_are_made_up_says_so_everywhere() {
    let folder = Folder::new();
    let banner = "ILLUSTRATIVE: this decision's values (such as utilities), rules or members are made up.";
    let decided: Value = serde_json::from_str(&said("decide aspirin-by-values --format json")).expect("JSON");
    assert_eq!(decided["decision"]["illustrative"], true);
    assert!(decided["statements"].to_string().contains(banner), "{}", decided["statements"]);
    for form in ["", "--full", "--format csv"] {
        let told = said(&format!("decide aspirin-by-values {form}"));
        let told = told.split_whitespace().collect::<Vec<_>>().join(" ").replace("! ", "");
        assert!(told.contains(banner), "{form}: {told}");
    }
    folder.says(&["report", "aspirin-by-values", "-o", "page.md", "--figures", "figures", "--as", "svg"]);
    assert!(folder.read("page.md").contains(banner));
    let utility = folder.read("figures/utility-1.svg");
    assert!(utility.contains("ILLUSTRATIVE"), "{utility}");
    assert!(folder.read("figures/utility-1.csv").contains(banner));
    // A decision within a model says it in the same way; without the key nothing is said.
    let own = "\n[decision]\nquestion = \"Drug?\"\nillustrative = true\n[[decision.outcome]]\nutilities = [1, 0.9, 0.5, 0]\n";
    let study = four_levels(BY_SUBGROUP, own).replacen("illustrative = true\n", "", 1);
    folder.write("own.toml", study.clone());
    let flag =
        |file: &str| json(&folder, &["decide", file, "--format", "json"])["decision"]["illustrative"].clone();
    assert_eq!(flag("own.toml"), true);
    folder.write("without.toml", study.replace("illustrative = true\n", ""));
    assert_eq!(flag("without.toml"), false);
}
