//! Ordered levels against an independent program: trapezoid sums over cut points, effect and departure in Python
//! (`tests/reference/levels.py`); and a registry whose truth is known.

use crate::common::Worst;
use crate::ordinal_registry::{ETIOLOGIES, SHOWN, estimand, found, study as registry, usual};
use equipoise::exact::{Distribution, ExactPosterior, Resolution};
use equipoise::model::Model;
use equipoise::posterior::{
    Engine, Estimand, Measure, Options, Parameter, Reported, Sampling, Statement, analyse,
};
use equipoise::study::distributions::{fixed, normal};
use equipoise::study::{Assignment, Cutpoints, Endpoint, HigherIs, Priors, Shape, Study, Utilities};
use serde_json::Value;

fn number(v: &Value) -> f64 {
    v.as_f64().expect("a number")
}

fn numbers(v: &Value) -> Vec<f64> {
    v.as_array().expect("a list").iter().map(number).collect()
}

fn cases() -> Vec<Value> {
    let reference: Value = serde_json::from_str(include_str!("reference/levels.json")).expect("JSON");
    reference["cases"].as_array().expect("cases").clone()
}

/// The case as a study.
fn study(case: &Value) -> Study {
    let primary = case["primary"].as_u64().expect("a cut").to_string();
    let mut outcome = Endpoint::ordinal("state", HigherIs::Worse, ["0", "1", "2", "3"]).above(primary);
    if case["utilities"].is_array() {
        outcome = outcome.utilities(Utilities { values: numbers(&case["utilities"]), set: None });
    }
    let mut builder = Study::builder("case", Assignment::Randomised)
        .outcome(outcome)
        .arms("placebo", "drug")
        .concentrations(numbers(&case["dirichlet"]))
        .priors(Priors::complete(normal(0.0, number(&case["theta_sd"]))));
    for s in case["subgroups"].as_array().expect("subgroups") {
        let arm = |key: &str| numbers(&s[key]).iter().map(|n| *n as u64).collect();
        builder =
            builder.group_by_level(s["name"].as_str().expect("a name"), [arm("control"), arm("active")]);
    }
    builder = match case["kind"].as_str() {
        Some("shared") => builder
            .shift(fixed(number(&case["shift"])))
            .departure(Shape::Death, normal(0.0, number(&case["delta_sd"]))),
        _ => builder.cutpoints(Cutpoints::BySubgroup),
    };
    builder.build().expect("a study")
}

#[test]
fn integrals_over_cut_points_by_subgroup_agree_with_the_independent_program() {
    let mut worst = Worst::default();
    for case in cases().iter().filter(|case| case["kind"] == "by subgroup") {
        assert!(number(&case["refinement_change"]) < 1e-7, "the program's own error");
        let (name, values) = (&case["name"], &case["values"]);
        let posterior =
            ExactPosterior::new(&Model::of(&study(case)), Resolution::default()).expect("an exact posterior");
        let theta = posterior.theta(0);
        worst.hold(|| format!("{name}: P(θ < 0)"), theta.cdf(0.0), number(&values["p_theta_below_0"]), 1.0);
        let above = 1.0 - theta.cdf(0.3);
        worst.hold(|| format!("{name}: P(θ > 0.3)"), above, number(&values["p_theta_above_0_3"]), 1.0);
        let evidence = posterior.log_marginal_likelihood().expect("an evidence");
        worst.hold(|| format!("{name}: log evidence"), evidence, number(&values["log_evidence"]), 1.0);
        let mut hold = |what: &str, d: &dyn Distribution, expected: &Value| {
            for (key, of) in [("mean", d.mean()), ("sd", d.sd())] {
                worst.hold(
                    || format!("{name}: {what} {key}"),
                    of.expect("it exists"),
                    number(&expected[key]),
                    1.0,
                );
            }
        };
        hold("θ", &*theta, &values["theta"]);
    }
    println!("{}", worst.report());
    worst.within(1e-6, 10);
}

#[test]
fn a_sampled_departure_agrees_with_the_independent_program() {
    let case = cases().into_iter().find(|case| case["kind"] == "shared").expect("a case");
    assert!(number(&case["refinement_change"]) < 1e-4, "the program's own error");
    let values = &case["values"];
    let sampling = Sampling { draws: Some(10_000), ..Sampling::default() };
    let report = analyse(&study(&case), Options { engine: Engine::Sampler, sampling, ..Options::default() });
    let mut compared = 0;
    let mut hold = |what: &str, row: &Reported, key: &str| {
        let (mean, error) = (row.mean.expect("a mean"), row.mcse_mean.expect("an error"));
        let expected = &values[key];
        let z = (mean - number(&expected["mean"])) / error;
        assert!(z.abs() < 4.0, "{what}: {mean}, expected {}: z {z}", expected["mean"]);
        let (sd, ess) = (row.sd.expect("an sd"), row.ess_bulk.expect("a size"));
        let z = (sd / number(&expected["sd"]) - 1.0) * (2.0 * ess.min(row.ess_tail.unwrap_or(ess))).sqrt();
        assert!(z.abs() < 5.0, "{what}: sd {sd}, expected {}: z {z}", expected["sd"]);
        compared += 1;
    };
    let parameter = |p: Parameter| report.parameter(p).map(|row| row.reported);
    let theta = parameter(Parameter::Theta(0)).or_else(|| parameter(Parameter::Mu)).expect("an effect");
    hold("θ", &theta, "theta");
    hold("δ", &parameter(Parameter::Departure(2)).expect("a departure"), "delta");
    for g in 0..2 {
        for (key, measure, cut) in [
            ("risk_difference", Measure::RiskDifference, None),
            ("risk_difference_at_last_cut", Measure::CutRiskDifference, Some(2)),
            ("utility_difference", Measure::UtilityDifference, None),
            ("win_probability", Measure::WinProbability, None),
        ] {
            let of = Estimand::of_subgroup(g, measure);
            let of = cut.map_or(of, |cut| of.at_cut(cut));
            let row = report.estimate(of).unwrap_or_else(|| panic!("{key}"));
            hold(key, &row.reported, &format!("{key} {g}"));
        }
    }
    assert_eq!(compared, 10);
    let better = report.probability(Estimand::of_subgroup(0, Measure::OddsRatio), Statement::Benefit, 1.0);
    let row = better.expect("a row");
    let z =
        (row.sampled.expect("sampled") - number(&values["p_theta_below_0"])) / row.mcse.expect("an error");
    assert!(z.abs() < 4.0, "{z}");
}

/// The treatment lowers disability and raises mortality: both are found where death may depart, and where it may not the truth
/// lies outside the interval.
#[test]
fn a_departure_finds_what_proportional_odds_average_away() {
    let patients = usual();
    let [proportional, departing] = [false, true]
        .map(|departs| analyse(&registry(&patients, departs).expect("a study"), Options::default()));
    let mut within = 0;
    for (g, etiology) in ETIOLOGIES.iter().enumerate() {
        for (words, measure, cut) in SHOWN {
            let of = estimand(g, measure, cut);
            let ([_, low, high], _) = found(&departing, of).unwrap_or_else(|| panic!("{words}"));
            within += usize::from((low..=high).contains(&etiology.truth(measure, cut)));
        }
        let (death, truth) =
            (estimand(g, Measure::CutOddsRatio, 5), etiology.truth(Measure::CutOddsRatio, 5));
        assert!(truth > 1.0 && etiology.truth(Measure::CutOddsRatio, 3) < 1.0, "both ways");
        assert!(etiology.levels().iter().flatten().all(|p| *p > 0.0), "probabilities");
        let ([median, low, high], _) = found(&departing, death).expect("an odds ratio of death");
        assert!(median > 1.0 && (low..=high).contains(&truth), "{}: {low} to {high}", etiology.name);
        let ([_, _, high], _) = found(&proportional, death).expect("an odds ratio of death");
        assert!(high < truth, "{}: {high}", etiology.name);
    }
    assert!(within >= 15, "{within} of 18 truths lie in their intervals");
}
