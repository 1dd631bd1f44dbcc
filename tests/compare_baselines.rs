//! `compare` with the baseline prior, the coefficients' priors, and many subgroups: against fits of studies whose files state
//! what is varied, closed forms, and itself.

use crate::common::shipped::{Kept, comparison_in_forms};
use crate::common::{close, empty_columns};

use std::fmt::Write as _;
use std::fs;
use std::sync::Arc;

use assert_cmd::Command;
use equipoise::compare::{Asked, Comparison, Request, STATED, Steps, Variant, compare, compare_counted};
use equipoise::exact::{ExactPosterior, Resolution};
use equipoise::input::open;
use equipoise::model::{BaselinePrior, LocationPrior, Model};
use equipoise::posterior::{Measure, Options, Scope, Statement, Whom, analyse};
use equipoise::study::{Pooling, Study, Written};
use serde_json::Value;
use tempfile::TempDir;

const HEAD: &str = r#"
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

"#;

const COUNTS: &str = r#"
[data]
counts = [
  { subgroup = "men", control = { events = 8, total = 40 }, active = { events = 4, total = 41 } },
  { subgroup = "women", control = { events = 2, total = 30 }, active = { events = 6, total = 29 } },
]

[thresholds]
primary = { risk_difference = 0.05 }
"#;

fn model(data: &str, prior: &str) -> String {
    format!(
        "{HEAD}{data}\n[prior]\neffect = \"normal(0, 0.355)\"\nheterogeneity = \"half-normal(0.5)\"\n{prior}\n"
    )
}

fn written(text: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("model.toml"), text).expect("written");
    folder
}

fn study(text: &str) -> Study {
    let folder = written(text);
    open(folder.path().join("model.toml").to_str().expect("a path")).expect("a study")
}

/// The study of these words and its comparison under the stated prior; made once.
fn of_words(text: &str) -> Arc<(Study, Comparison)> {
    static ALL: Kept<(Study, Comparison)> = Kept::new();
    ALL.get(text, || {
        let study = study(text);
        let found = compared(&study, &[STATED]);
        (study, found)
    })
}

fn compared(study: &Study, priors: &[&str]) -> Comparison {
    let priors = Asked(priors.iter().map(|p| (*p).to_string()).collect());
    compare(study, &Request { priors, ..Request::default() }).expect("known priors")
}

/// P(statement) in a subgroup under one variant of the baseline prior.
fn under(c: &Comparison, variant: Variant, subgroup: &str, statement: Statement) -> f64 {
    let rows = c.baselines.as_ref().expect("counts");
    let found = rows.iter().find(|r| {
        r.variant == variant && r.row.subgroup.as_deref() == Some(subgroup) && r.row.statement == statement
    });
    found.expect("every variant has every statement").row.probability.expect("a number")
}

#[test]
fn a_baseline_prior_varied_is_the_prior_of_a_study_whose_file_states_it() {
    let c = compared(&study(&model(COUNTS, "baseline = \"normal(-1, 2)\"")), &[STATED]);
    let stated = [
        (Variant::Stated, "baseline = \"normal(-1, 2)\""),
        (Variant::HalfScale, "baseline = \"normal(-1, 1)\""),
        (Variant::DoubleScale, "baseline = \"normal(-1, 4)\""),
        (Variant::OtherArms, "baseline = \"normal(-1, 2)\"\nbaseline_of = \"control\""),
    ];
    for (variant, prior) in stated {
        let other = study(&model(COUNTS, prior));
        let report = analyse(&other, Options::exact());
        for p in &report.probabilities {
            let Whom::Subgroup(g) = p.estimand.whom else { continue };
            let is_compared = match p.statement {
                Statement::Benefit => p.estimand.measure == Measure::RiskDifference,
                Statement::BenefitAtLeast => p.threshold == 0.05,
                _ => false,
            };
            if is_compared {
                let found = under(&c, variant, report.names.subgroup(g), p.statement);
                close(&format!("{variant:?}, {prior}"), found, p.exact.expect("integrated"), 1e-12);
            }
        }
    }
}

#[test]
fn scales_and_sides_of_the_baseline_prior_matter_where_events_are_few() {
    let rare = r#"
[data]
counts = [
  { subgroup = "men", control = { events = 2, total = 100 }, active = { events = 2, total = 100 } },
  { subgroup = "women", control = { events = 1, total = 100 }, active = { events = 1, total = 100 } },
]
"#;
    let c = compared(&study(&model(rare, "")), &[STATED]);
    for name in ["men", "women"] {
        // On the mean of the arms no prior takes a side between arms that are alike.
        for variant in [Variant::Stated, Variant::HalfScale, Variant::DoubleScale] {
            close(name, under(&c, variant, name, Statement::Benefit), 0.5, 1e-6);
        }
        // A prior of the control risk pulls it up, and the effect the other way.
        assert!(under(&c, Variant::OtherArms, name, Statement::Benefit) > 0.52, "{name}");
    }
}

#[test]
fn exchangeable_baselines_are_sampled_beside_the_others() {
    let (_, c) = &*of_words(&model(COUNTS, ""));
    let rows = c.baselines.as_ref().expect("counts");
    let shared: Vec<_> = rows.iter().filter(|r| r.variant == Variant::Exchangeable).collect();
    assert!(shared.iter().any(|r| r.row.scope == Scope::Mean) && shared.len() >= 10);
    for r in shared {
        assert!(r.row.exact.is_none() && r.row.mcse.expect("sampled") <= 0.0051, "{r:?}");
        assert!(r.row.probability.is_some_and(|p| (0.0..=1.0).contains(&p)));
        assert!(r.baseline_prior.starts_with("mean "), "{}", r.baseline_prior);
    }
}

#[test]
fn published_estimates_have_no_baseline_to_vary_and_it_is_said() {
    let c = compared(&open("eight-schools").expect("shipped"), &[STATED]);
    assert!(c.baselines.as_ref().is_err_and(|why| why.contains("no baseline")));
    assert!(c.coefficients.as_ref().is_err_and(|why| why.contains("no covariates")));
    assert!(c.who_decided.iter().all(|w| w.baseline_prior.is_none() && w.corners.len() == 8));
    assert!(c.power_scaling.iter().all(|r| r.baseline_prior.is_none()));
}

#[test]
fn what_data_and_three_priors_decided_adds_up_to_the_probability() {
    for text in
        [model(COUNTS, ""), model(COUNTS, "baseline = \"normal(-2, 0.3)\"\nbaseline_of = \"control\"")]
    {
        let (_, c) = &*of_words(&text);
        assert!(!c.who_decided.is_empty());
        for w in &c.who_decided {
            let parts = [w.baseline, w.data, w.effect_prior, w.heterogeneity_prior, w.baseline_prior];
            let sum: f64 = parts.map(|p| p.expect("every part")).iter().sum();
            close(&format!("{w:?}"), sum, w.probability.expect("integrated"), 1e-12);
            assert_eq!(w.corners.len(), 16);
        }
        // A narrow prior far from the data's risks has its say; a wide one hardly any.
        let say = c.who_decided.iter().map(|w| w.baseline_prior.expect("a part").abs()).fold(0.0, f64::max);
        assert!(say > if text.contains("0.3)") { 0.01 } else { 0.0 }, "{say}");
    }
}

/// P(benefit) in the first subgroup, by the engine, with the baselines' prior normal(0, sd).
fn benefit_at(study: &Study, sd: f64) -> f64 {
    let mut study = study.clone();
    let distribution = BaselinePrior::Independent(LocationPrior::normal(0.0, sd));
    study.priors.baseline = Some(Written { distribution, words: String::new() });
    let posterior = ExactPosterior::new(&Model::of(&study), Resolution::default()).expect("covered");
    posterior.theta(0).cdf(0.0)
}

#[test]
fn power_scaling_the_baseline_is_the_slope_of_refits_with_its_sd_moved() {
    // Of the control arm, so that it matters.
    let study = study(&model(COUNTS, "baseline = \"normal(0, 1)\"\nbaseline_of = \"control\""));
    let c = compared(&study, &[STATED]);
    let row = c
        .power_scaling
        .iter()
        .find(|r| r.subgroup.as_deref() == Some("men") && r.statement == Some(Statement::Benefit));
    let found = row.expect("a row").baseline_prior.expect("a slope");
    // A normal to the power 2^x is the normal with its sd times 2^(−x/2).
    let step: f64 = 0.02;
    let at = |x: f64| benefit_at(&study, libm::exp2(-0.5 * x));
    let slope = (at(step) - at(-step)) / (2.0 * step);
    close("slope", found, slope, 2e-5);
    assert!(slope.abs() > 1e-3, "{slope}: else it would prove nothing");
    // The first power is the prior itself.
    let prior = LocationPrior::normal(-0.3, 1.7);
    assert_eq!(prior.powered(1.0), Some(prior));
}

#[test]
fn the_text_says_what_of_the_baseline_prior_is_varied_and_where_it_is_held() {
    let folder = written(&model(COUNTS, ""));
    let mut command = Command::cargo_bin("equipoise").expect("built");
    let arguments = ["compare", "model.toml", "--priors", "stated", "--full", "--format", "json"];
    let assert = command.current_dir(folder.path()).args(arguments).assert().success();
    let printed = String::from_utf8(assert.get_output().stdout.clone()).expect("text");
    // Of one analysis in every form; the program prints the same.
    let (study, c) = &*of_words(&model(COUNTS, ""));
    let forms = comparison_in_forms(study, c);
    assert!(printed == forms["--format json"]);
    let text = forms["--full"].split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "Baseline prior varied: P(better), all else as stated",
        "The baseline prior is held as stated.",
        "baseline (mean of the arms) normal(0, 5)",
    ] {
        assert!(text.contains(words), "{words} in {text}");
    }
    let json: Value = serde_json::from_str(&printed).expect("JSON");
    assert_eq!(json["baselines"][0]["variant"], "stated");
    assert_eq!(json["reference"]["baseline"], "normal(0, 5)");
    assert!(json["coefficients"].is_null());
    assert_eq!(json["coefficients_unavailable"], "the study has no covariates");
    let csv = &forms["--format csv"];
    // What a stated bias, the sampler and covariates have; no statement of so small a trial stands above a line, no number
    // is missing, and nothing must be said.
    let absent = [
        "unadjusted",
        "unadjusted_median",
        "unadjusted_q2_5",
        "unadjusted_q97_5",
        "sceptical_sd",
        "as_patients",
        "max_k",
        "trusted_k",
        "scale_factor",
        "unavailable",
        "caveat",
    ];
    assert_eq!(empty_columns(csv), absent);
    assert!(csv.lines().any(|l| l.starts_with("baseline,stated,") && l.contains("half_scale")));
}

/// A file of patients with one covariate that stands for both the treatment and the outcome.
fn adjusted(coefficient: &str) -> TempDir {
    let folder = written(&format!(
        r#"{HEAD}
[data]
file = "trial.csv"
rows = "patients"
missing = "error"
columns = {{ outcome = "dead", treatment = "drug", subgroup = "sex" }}

[model]
adjust = [{{ column = "age", prior = "{coefficient}" }}]

[prior]
effect = "normal(0, 0.5)"
heterogeneity = "half-normal(0.5)"
"#
    ));
    let mut rows = String::from("dead,drug,sex,age\n");
    for i in 0..160 {
        let age = 40 + (i * 37) % 45;
        let drug = (i * 13 + age) % 100 < 30 + age / 2;
        let dead = (i * 29 + 3 * age) % 100 < age / 3 + 12;
        let sex = if i % 3 == 0 { "women" } else { "men" };
        writeln!(rows, "{},{},{sex},{age}", u8::from(dead), u8::from(drug)).expect("a string");
    }
    fs::write(folder.path().join("trial.csv"), rows).expect("written");
    folder
}

#[test]
fn coefficients_priors_varied_are_those_of_a_study_whose_file_states_them() {
    let at =
        |folder: &TempDir| open(folder.path().join("model.toml").to_str().expect("a path")).expect("a study");
    let own = at(&adjusted("normal(0, 0.2)"));
    let c = compared(&own, &[STATED]);
    let rows = c.coefficients.as_ref().expect("covariates");
    for (factor, words) in [(1.0, "normal(0, 0.2)"), (0.5, "normal(0, 0.1)"), (2.0, "normal(0, 0.4)")] {
        let other = at(&adjusted(words));
        let effects = Model::effects_alone(&other).expect("settled");
        let posterior = ExactPosterior::new(&Model::of(&effects), Resolution::default()).expect("covered");
        for (g, name) in own.data.names().into_iter().enumerate() {
            let row = rows.iter().find(|r| {
                r.scale_factor == factor
                    && r.row.subgroup.as_deref() == Some(name)
                    && r.row.statement == Statement::Benefit
            });
            let found = row.expect("a row").row.probability.expect("a number");
            close(&format!("{words} {name}"), found, posterior.theta(g).cdf(0.0), 1e-10);
        }
    }
}

#[test]
fn many_subgroups_are_compared_by_few_fits_which_are_counted() {
    let mut data = String::from("[data]\ncounts = [\n");
    for g in 0..31 {
        let (c, a) = (20 + (g * 7) % 11, 15 + (g * 5) % 13);
        writeln!(data, "  {{ subgroup = \"s{g}\", control = {{ events = {c}, total = 100 }}, active = {{ events = {a}, total = 100 }} }},").expect("a string");
    }
    data += "]\n[priors.wide]\neffect = \"normal(0, 1)\"\n";
    let steps = Steps::default();
    let study = study(&model(&data, ""));
    let c = compare_counted(&study, &Request::default(), &steps).expect("known priors");
    assert!(c.ok && c.is_coarse, "{:?}", c.reasons);
    assert!(c.notices.iter().any(|n| n.contains("whole fit")), "{:?}", c.notices);
    let (done, planned) = steps.so_far();
    // Searches end a fit earlier or later than planned.
    assert!(done.abs_diff(planned) * 20 <= planned, "{done} of {planned}");
    assert!((40..=120).contains(&planned), "{planned}");
    assert!(c.table.iter().filter(|r| r.prior == "wide").all(|r| r.pooling == Pooling::Partial));
    assert!(
        c.table.iter().all(|r| r.probability.is_some()),
        "{:?}",
        c.table.iter().find(|r| r.probability.is_none())
    );
    for e in c.envelope.iter().filter(|e| e.statement == Statement::Benefit) {
        assert!(e.low.expect("a corner") < e.high.expect("a corner"));
    }
    let shared = |r: &&equipoise::compare::BaselineRow| r.variant == Variant::Exchangeable;
    let why =
        c.baselines.as_ref().expect("counts").iter().find(shared).expect("its rows").row.unavailable.clone();
    assert!(why.expect("a reason").contains("more than 30 subgroups"));
}
