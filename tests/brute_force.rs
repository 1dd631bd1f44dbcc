//! The exact engine against an independent program: composite Gauss–Legendre integration in Python
//! (`tests/reference/brute_force.py`), whose own error is below 1e-9.

use crate::common;

use common::{Worst, estimates_model};
use equipoise::exact::{Distribution, ExactPosterior, Resolution, RiskMeasure};
use equipoise::model::{BaselineOf, LocationPrior, Model, Pooling};
use serde_json::Value;

/// Probabilities agree to this; means, deviations and quantiles to ten times this share of their own posterior standard
/// deviation. The largest error of all is in a quantile of a risk difference; most are below 1e-8.
const TOLERANCE: f64 = 3e-7;

fn number(v: &Value) -> f64 {
    v.as_f64().expect("a number")
}

/// The case as a model file, through the whole of the program's own reading.
fn model(case: &Value) -> Model {
    let counts = case["kind"] == "counts";
    let mut rows = String::new();
    for s in case["subgroups"].as_array().expect("subgroups") {
        let name = s["name"].as_str().expect("a name");
        if counts {
            let arm = |a: &str| format!("{{ events = {}, total = {} }}", s[a][0], s[a][1]);
            rows += &format!(
                "{{ subgroup = \"{name}\", control = {}, active = {} }},\n",
                arm("control"),
                arm("active")
            );
        } else {
            rows += &format!(
                "{{ subgroup = \"{name}\", estimate = {:?}, se = {:?} }},\n",
                number(&s["estimate"]),
                number(&s["se"])
            );
        }
    }
    let pooling = case["pooling"].as_str().expect("pooling");
    let priors = &case["priors"];
    let prior = |key: &str| priors[key].as_str().map_or(String::new(), |p| format!("{key} = \"{p}\"\n"));
    let text = format!(
        "title = \"case\"\n[study]\nassignment = \"randomised\"\n[outcome]\nname = \"x\"\nkind = \"{}\"\n{}higher_is = \"better\"\n\
         [treatment]\nname = \"t\"\ncontrol = \"c\"\nactive = \"a\"\n[data]\n{} = [\n{rows}]\n[model]\npooling = \"{pooling}\"\n\
         [prior]\n{}{}{}",
        if counts { "binary" } else { "estimate" },
        if counts { "" } else { "scale = \"log_odds_ratio\"\n" },
        if counts { "counts" } else { "estimates" },
        prior("effect"),
        if pooling == "complete" { String::new() } else { prior("heterogeneity") },
        if counts { prior("baseline") } else { String::new() },
    );
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("case.toml");
    std::fs::write(&path, text).expect("written");
    let study = equipoise::input::open(path.to_str().expect("UTF-8")).unwrap_or_else(|e| panic!("{e}"));
    // The program that made the values holds baselines to be the control arm's.
    Model::of(&study).with_baseline_of(BaselineOf::Control)
}

fn hold_summary(worst: &mut Worst, what: &str, d: &dyn Distribution, expected: &Value, logarithm: bool) {
    let out = |x: f64| if logarithm { x.exp() } else { x };
    let spread = expected["sd"]
        .as_f64()
        .unwrap_or_else(|| (number(&expected["q97_5"]) - number(&expected["q2_5"])) / 4.0);
    let scale = 10.0 * spread.max(1e-3);
    for (key, p) in [("median", 0.5), ("q2_5", 0.025), ("q97_5", 0.975)] {
        worst.hold(|| format!("{what} {key}"), out(d.quantile(p)), number(&expected[key]), scale);
    }
    for (key, found) in [("mean", d.mean()), ("sd", d.sd())] {
        if let Some(value) = expected[key].as_f64() {
            worst.hold(|| format!("{what} {key}"), found.unwrap_or(f64::NAN), value, scale);
        }
    }
    if let Some(p) = expected["p_gt_0"].as_f64() {
        worst.hold(|| format!("{what} p_gt_0"), 1.0 - d.cdf(0.0), p, 1.0);
    }
}

fn hold_case(worst: &mut Worst, case: &Value) {
    let name = case["name"].as_str().expect("a name");
    let model = model(case);
    let posterior =
        ExactPosterior::new(&model, Resolution::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
    let values = &case["values"];
    for (key, d) in [("mu", posterior.mu()), ("theta_new", posterior.theta_new())] {
        if let (true, Some(d)) = (values[key].is_object(), d) {
            hold_summary(worst, &format!("{name}: {key}"), &*d, &values[key], false);
        }
    }
    if let (true, Some(tau)) = (values["tau"].is_object(), posterior.tau()) {
        hold_summary(worst, &format!("{name}: tau"), tau, &values["tau"], false);
    }
    for (g, expected) in values["theta"].as_array().into_iter().flatten().enumerate() {
        hold_summary(worst, &format!("{name}: theta {g}"), &*posterior.theta(g), expected, false);
    }
    let risks = [
        ("alpha", RiskMeasure::Baseline),
        ("risk_control", RiskMeasure::Control),
        ("risk_active", RiskMeasure::Active),
        ("risk_difference", RiskMeasure::Difference),
        ("risk_ratio", RiskMeasure::Ratio),
    ];
    for (key, measure) in risks {
        for (g, expected) in values[key].as_array().into_iter().flatten().enumerate() {
            let d = posterior.risk(g, measure).expect("counts");
            hold_summary(worst, &format!("{name}: {key} {g}"), &*d, expected, false);
        }
    }
    for (key, measure) in
        [("p_risk_difference_gt", RiskMeasure::Difference), ("p_risk_ratio_gt", RiskMeasure::Ratio)]
    {
        for (g, expected) in values[key].as_array().into_iter().flatten().enumerate() {
            let d = posterior.risk(g, measure).expect("counts");
            for (t, p) in expected.as_object().expect("thresholds") {
                let found = 1.0 - d.cdf(t.parse().expect("a threshold"));
                worst.hold(|| format!("{name}: {key} {g} at {t}"), found, number(p), 1.0);
            }
        }
    }
    if let Some(differences) = values["difference"].as_object() {
        for (key, expected) in differences {
            let (i, j) = key.split_once(',').expect("two subgroups");
            let (i, j): (usize, usize) = (i.parse().expect("i"), j.parse().expect("j"));
            let pair = posterior.pair(i - 1, j - 1);
            let joint = &values["p_theta_i_gt_0_and_theta_j_lt_0"];
            let what = |w: &str| format!("{name}: {w} {key}");
            worst.hold(|| what("+ −"), pair.first_above_second_below, number(&joint[key]), 1.0);
            let reverse = number(&joint[format!("{j},{i}")]);
            worst.hold(|| what("− +"), pair.first_below_second_above, reverse, 1.0);
            if case["pooling"] != "complete" {
                hold_summary(worst, &what("difference"), &*pair.difference, expected, false);
            }
        }
    }
    if let (Some(expected), Some(found)) =
        (values["log_evidence"].as_f64(), posterior.log_marginal_likelihood())
    {
        worst.hold(|| format!("{name}: log evidence"), found, expected, 1.0);
    }
    hold_prior(worst, name, &model, &values["prior"]);
}

fn hold_prior(worst: &mut Worst, name: &str, model: &Model, expected: &Value) {
    let prior = ExactPosterior::new(&model.without_data(1), Resolution::default()).expect("a prior");
    hold_summary(worst, &format!("{name}: prior theta"), &*prior.theta(0), &expected["theta"], false);
    if let Some(rd) = prior.risk(0, RiskMeasure::Difference) {
        hold_summary(worst, &format!("{name}: prior rd"), &*rd, &expected["risk_difference"], false);
        for (t, p) in expected["p_risk_difference_gt"].as_object().expect("thresholds") {
            let found = 1.0 - rd.cdf(t.parse().expect("a threshold"));
            worst.hold(|| format!("{name}: prior rd > {t}"), found, number(p), 1.0);
        }
    }
}

#[test]
fn every_quantity_of_twenty_cases_agrees_with_the_independent_program() {
    let text = include_str!("reference/brute_force.json");
    let reference: Value = serde_json::from_str(text).expect("JSON");
    let cases = reference["cases"].as_array().expect("cases");
    assert_eq!(cases.len(), 20);
    let mut all = Worst::default();
    for case in cases {
        let mut worst = Worst::default();
        hold_case(&mut worst, case);
        println!("{}: {}", case["name"], worst.report());
        all.take(worst);
    }
    all.within(TOLERANCE, 2_500);
}

/// The log density of a Student t.
fn log_t(x: f64, df: f64, scale: f64) -> f64 {
    let z = x / scale;
    libm::lgamma(0.5 * (df + 1.0))
        - libm::lgamma(0.5 * df)
        - 0.5 * (df * std::f64::consts::PI).ln()
        - scale.ln()
        - 0.5 * (df + 1.0) * (z * z / df).ln_1p()
}

#[test]
fn a_student_t_effect_prior_of_any_degrees_of_freedom_is_integrated() {
    // One effect for all: μ alone is unknown, and its posterior is a sum over a plain grid.
    let rows = [(28.0, 15.0), (8.0, 10.0), (-3.0, 16.0), (7.0, 11.0)];
    for df in [1.0, 4.0, 9.0, 30.0, 100.0, 1_000.0, 1e5] {
        let prior = LocationPrior::StudentT { df, location: 0.0, scale: 10.0 };
        let posterior =
            ExactPosterior::new(&estimates_model(&rows, Pooling::Complete, prior), Resolution::default())
                .expect("an exact posterior");
        let (step, half_width) = (0.01, 200.0);
        let log_likelihood = |mu: f64| -> f64 {
            let one = |(y, se): &(f64, f64)| {
                let z = (mu - y) / se;
                -0.5 * z * z - se.ln() - 0.5 * (2.0 * std::f64::consts::PI).ln()
            };
            rows.iter().map(one).sum()
        };
        let points = (2.0 * half_width / step) as i64;
        let (mut total, mut below) = (0.0, 0.0);
        for k in 0..=points {
            let mu = step * k as f64 - half_width;
            let mass = (log_t(mu, df, 10.0) + log_likelihood(mu)).exp() * step;
            total += mass;
            below += if mu < 0.0 {
                mass
            } else if mu == 0.0 {
                0.5 * mass
            } else {
                0.0
            };
        }
        let found = posterior.log_marginal_likelihood().expect("proper");
        assert!((found - total.ln()).abs() < 1e-8, "{df}: {found} {}", total.ln());
        let cdf = posterior.mu().expect("shared").cdf(0.0);
        assert!((cdf - below / total).abs() < TOLERANCE, "{df}: {cdf} {}", below / total);
    }
}
