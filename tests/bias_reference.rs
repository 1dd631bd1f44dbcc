//! Biases against an independent program: `reference/bias.py`, by direct numerical integration, two ways for much of it.

use crate::common;

use common::{
    Worst, above_zero, close, counts_model, estimates_model, fit, pair, study_of, with_control_baselines,
};
use equipoise::compare::bias::{Conversion, e_value};
use equipoise::exact::{ExactPosterior, RiskMeasure};
use equipoise::model::{
    BinomialPair, Confounder, LocationPrior, Misclassification, Missing, Model, NormalComponent, Nuisance,
    Side, SubgroupBias,
};
use equipoise::numeric::logit;
use equipoise::posterior::{Engine, Estimand, Measure, Options, Parameter, Sampling, Statement, analyse};
use equipoise::study::{Bias, Study};
use serde_json::Value;

fn reference() -> Value {
    serde_json::from_str(include_str!("reference/bias.json")).expect("JSON")
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

/// A known number or a prior, on the log odds scale; `share` where known numbers are proportions.
fn nuisance(value: &Value, share: bool) -> Nuisance {
    if let Some(x) = value.as_f64() {
        return Nuisance::Known(if share { logit(x) } else { x });
    }
    let parts = value.as_array().expect("a prior");
    let at = |i: usize| number(&parts[i]);
    match parts[0].as_str().expect("its name") {
        "normal" => Nuisance::Location(LocationPrior::normal(at(1), at(2))),
        "student_t" => {
            Nuisance::Location(LocationPrior::StudentT { df: at(1), location: at(2), scale: at(3) })
        }
        "beta" => Nuisance::LogitBeta { a: at(1), b: at(2) },
        "mixture" => {
            let part =
                |p: &Value| NormalComponent { weight: number(&p[0]), mean: number(&p[1]), sd: number(&p[2]) };
            Nuisance::Location(LocationPrior::Normals(parts[1..].iter().map(part).collect()))
        }
        other => unreachable!("{other}"),
    }
}

/// A prior is a list that begins with a word; anything else in a list stands for one subgroup each.
fn of_subgroup(value: &Value, g: usize) -> &Value {
    match value.as_array() {
        Some(each) if !each[0].is_string() => &each[g],
        _ => value,
    }
}

fn bias(inputs: &Value, g: usize) -> SubgroupBias {
    let shift = inputs.get("shift").map(|s| nuisance(of_subgroup(s, g), false));
    let confounder = inputs.get("confounder").map(|c| Confounder {
        prevalence: ["pi0", "pi1"].map(|key| nuisance(&c[key], true)),
        log_odds_ratio: nuisance(&c["gamma"], false),
    });
    let missing = match inputs.get("missing") {
        None => [None, None],
        Some(m) => [("control", 0, 1), ("active", 1, 3)].map(|(arm, i, total)| {
            let (lost, known) = (number(&m["counts"][g][i]), number(&inputs["counts"][g][total]));
            Some(Missing { share: lost / (known + lost), shift: nuisance(&m[arm], false) })
        }),
    };
    SubgroupBias { confounder, shift, missing }
}

fn counts(inputs: &Value) -> Vec<BinomialPair> {
    let rows = inputs["counts"].as_array().expect("rows");
    let of = |row: &Value| {
        let at = |i: usize| number(&row[i]) as u32;
        pair((at(0), at(1)), (at(2), at(3)))
    };
    rows.iter().map(of).collect()
}

fn model(inputs: &Value) -> Model {
    let mut model = match inputs.get("estimates") {
        None => counts_model(counts(inputs)),
        Some(rows) => {
            let rows: Vec<(f64, f64)> =
                rows.as_array().expect("rows").iter().map(|r| (number(&r[0]), number(&r[1]))).collect();
            let like = counts_model(Vec::new());
            estimates_model(&rows, like.pooling, like.effect)
        }
    };
    let biases: Vec<SubgroupBias> = (0..model.subgroups()).map(|g| bias(inputs, g)).collect();
    model.observation = model.observation.through(&biases);
    model
}

/// Every number of a case that the engine has.
fn hold(worst: &mut Worst, name: &str, posterior: &ExactPosterior, expected: &Value) {
    let mut check = |what: String, found: f64, expected: &Value, scale: f64| {
        if !expected.is_null() {
            if std::env::var_os("SHOW").is_some() {
                println!(
                    "{name}: {what}: {found} {} {:e}",
                    number(expected),
                    (found - number(expected)).abs()
                );
            }
            worst.hold(|| format!("{name}: {what}"), found, number(expected), scale);
        }
    };
    for (g, e) in expected["subgroups"].as_array().expect("subgroups").iter().enumerate() {
        let theta = posterior.theta(g);
        // Quantiles to a tenth of what moves a probability.
        let sd = 10.0 * number(&e["sd"]);
        for (key, p) in [("median", 0.5), ("q2_5", 0.025), ("q97_5", 0.975)] {
            check(format!("{key} of theta {g}"), theta.quantile(p), &e[key], sd);
        }
        check(format!("mean of theta {g}"), theta.mean().expect("exists"), &e["mean"], sd);
        check(format!("sd of theta {g}"), theta.sd().expect("exists"), &e["sd"], sd);
        check(format!("P(theta {g} > 0)"), above_zero(&*theta), &e["positive"], 1.0);
        if let Some(rd) = posterior.risk(g, RiskMeasure::Difference) {
            let risk = |measure| posterior.risk(g, measure).expect("counts").quantile(0.5);
            check(format!("P(RD {g} > 0.05)"), 1.0 - rd.cdf(0.05), &e["rd_above_0_05"], 1.0);
            check(format!("median of RD {g}"), rd.quantile(0.5), &e["rd_median"], 1.0);
            check(format!("median of p0 {g}"), risk(RiskMeasure::Control), &e["p0_median"], 1.0);
            check(format!("median of p1 {g}"), risk(RiskMeasure::Active), &e["p1_median"], 1.0);
        }
    }
    let (pair, e) = (posterior.pair(0, 1), &expected["pair"]);
    assert!(pair.settled, "{name}");
    check("P(first greater)".into(), 1.0 - pair.difference.cdf(0.0), &e["first_greater"], 1.0);
    check("P(+, -)".into(), pair.first_above_second_below, &e["first_positive_second_negative"], 1.0);
    check("median difference".into(), pair.difference.quantile(0.5), &e["difference_median"], 10.0);
    let mu = posterior.mu().expect("shared");
    check("median of mu".into(), mu.quantile(0.5), &expected["mu"]["median"], 10.0);
    check("mean of mu".into(), mu.mean().expect("exists"), &expected["mu"]["mean"], 10.0);
    let tau = posterior.tau().expect("estimated");
    check("median of tau".into(), tau.quantile(0.5), &expected["tau"]["median"], 10.0);
    check("mean of tau".into(), tau.mean().expect("exists"), &expected["tau"]["mean"], 10.0);
    let evidence = posterior.log_marginal_likelihood().expect("shared");
    check("log marginal likelihood".into(), evidence, &expected["log_marginal_likelihood"], 10.0);
}

#[test]
fn posteriors_under_every_bias_are_the_reference_ones() {
    let reference = reference();
    let mut worst = Worst::default();
    let kinds = [
        "unbiased",
        "shift",
        "shift_known",
        "shift_t_mixture",
        "confounder_known",
        "confounder",
        "missing",
        "all",
        "estimates",
    ];
    for kind in kinds {
        for case in reference[kind].as_array().expect("cases") {
            let name = format!("{kind}, {}", case["name"].as_str().expect("its name"));
            hold(&mut worst, &name, &fit(&model(&case["inputs"])), case);
        }
    }
    println!("{}", worst.report());
    worst.within(1e-7, 400);
}

/// A case of wrong labels as a model.
fn labelled(inputs: &Value) -> Model {
    let arms = |key: &str| ["control", "active"].map(|arm| nuisance(&inputs[arm][key], true));
    let shared = inputs["same_in_both_arms"] == true;
    let uniform = Nuisance::LogitBeta { a: 1.0, b: 1.0 };
    let misclassification = Misclassification {
        positive: 0,
        sensitivity: arms("sensitivity"),
        specificity: arms("specificity"),
        sensitivity_shared: shared,
        specificity_shared: shared,
        share: [uniform.clone(), uniform],
    };
    counts_model(counts(inputs)).labelled(&misclassification)
}

#[test]
fn effects_under_wrong_labels_are_the_reference_ones() {
    let reference = reference();
    let case = &reference["misclassification"][0];
    let mut worst = Worst::default();
    hold(&mut worst, "known", &fit(&labelled(&case["inputs"])), case);
    println!("{}", worst.report());
    worst.within(1e-7, 20);
}

/// Sensitivity and specificity with priors are the sampler's, but for small studies; it has risks, too.
#[test]
fn sampled_effects_and_risks_under_wrong_labels_are_the_reference_ones() {
    let reference = reference();
    let mut compared = 0;
    for case in reference["misclassification"].as_array().expect("cases") {
        let model = labelled(&case["inputs"]);
        let bias =
            Bias { misclassification: model.observation.misclassification().cloned(), ..Bias::default() };
        let study = Study { bias: Some(bias), ..study_of(&model) };
        let sampling = Sampling { draws: Some(10_000), ..Sampling::default() };
        let options =
            Options { engine: Engine::Sampler, adjusted_only: true, sampling, ..Options::default() };
        let report = analyse(&study, options);
        assert!(report.checks.ok, "{:?}", report.checks.reasons);
        for (g, expected) in case["subgroups"].as_array().expect("two").iter().enumerate() {
            let of = |measure, statement, at| {
                let row = report.probability(Estimand::of_subgroup(g, measure), statement, at);
                let row = row.expect("a row");
                (row.sampled.expect("sampled"), row.mcse.expect("sampled"))
            };
            for (found, key) in [
                (of(Measure::OddsRatio, Statement::Benefit, 1.0), "positive"),
                (of(Measure::RiskDifference, Statement::BenefitAtLeast, 0.05), "rd_above_0_05"),
            ] {
                close(key, found.0, number(&expected[key]), 4.5 * found.1);
                compared += 1;
            }
        }
        for (arm, expected) in
            [Side::Control, Side::Active].into_iter().zip(case["pi_means"].as_array().expect("two"))
        {
            let row = report.parameter(Parameter::Prevalence(Some(arm)));
            let found = row.expect("sampled").reported;
            close(
                arm.in_words(),
                found.mean.expect("given"),
                number(expected),
                4.5 * found.mcse_mean.expect("given"),
            );
            compared += 1;
        }
    }
    assert_eq!(compared, 18);
}

/// P(θ_A > 0) and P(θ_B > 0) under one bias of both.
fn positive(inputs: &Value, bias: &SubgroupBias) -> [f64; 2] {
    let both = counts(inputs).into_iter().map(|c| c.through(bias)).collect();
    let posterior = fit(&counts_model(both));
    [0, 1].map(|g| above_zero(&*posterior.theta(g)))
}

#[test]
fn surfaces_are_the_reference_ones() {
    let reference = reference();
    let tipping = &reference["tipping"];
    let inputs = &tipping["inputs"];
    let mut worst = Worst::default();
    let mut check = |bias: SubgroupBias, row: &Value| {
        let found = positive(inputs, &bias);
        for (g, p) in found.into_iter().enumerate() {
            worst.hold(|| format!("{row}"), p, number(&row["positive"][g]), 1.0);
        }
    };
    for row in tipping["shift"].as_array().expect("rows") {
        let (m, s) = (number(&row["m"]), number(&row["s"]));
        let shift =
            if s > 0.0 { Nuisance::Location(LocationPrior::normal(m, s)) } else { Nuisance::Known(m) };
        check(SubgroupBias { shift: Some(shift), ..SubgroupBias::default() }, row);
    }
    for row in tipping["confounder_surface"].as_array().expect("rows") {
        let (d, gamma) = (number(&row["D"]), number(&row["Gamma"]));
        let prevalence = [0.5 - 0.5 * d, 0.5 + 0.5 * d].map(|p| Nuisance::Known(logit(p)));
        let confounder = Confounder { prevalence, log_odds_ratio: Nuisance::Known(gamma.ln()) };
        check(SubgroupBias { confounder: Some(confounder), ..SubgroupBias::default() }, row);
    }
    println!("{}", worst.report());
    worst.within(1e-8, 60);
}

#[test]
fn tipping_biases_are_the_reference_ones() {
    use equipoise::compare::bias::{Varied, compare_bias};
    let reference = reference();
    let crossings = &reference["tipping"]["crossings"];
    let of_difference = &reference["tipping"]["difference"]["crossings"];
    let study = with_control_baselines(equipoise::input::open("attention-ras-etiology").expect("shipped"));
    let found = compare_bias(&study, Sampling::default());
    let mut worst = Worst::default();
    for t in found.tipping.iter().filter(|t| t.varied == Varied::Bias) {
        let line = format!("{}", t.line);
        let first = t.subgroup == "atherosclerotic";
        let expected = match (t.statement, &t.subgroup_b) {
            (Statement::Benefit, None) => &crossings["positive"][&line][usize::from(!first)],
            (Statement::Harm, None) => &crossings["negative"][&line][usize::from(!first)],
            (_, Some(_)) if first => &of_difference["greater"][&line],
            // The reference's bias is of the first minus the second, whoever is asked about.
            _ => &of_difference["less"][&line],
        };
        assert_eq!(t.bias.is_some(), expected.is_number(), "{t:?} {expected}");
        if let (Some(b), Some(e)) = (t.bias, expected.as_f64()) {
            let seen = if t.subgroup_b.is_some() && !first { -b } else { b };
            worst.hold(|| format!("{t:?}"), seen, e, 1.0);
        }
    }
    println!("{}", worst.report());
    worst.within(1e-6, 20);
}

#[test]
fn e_values_are_the_reference_ones() {
    let reference = reference();
    let mut worst = Worst::default();
    for row in reference["e_values"].as_array().expect("rows") {
        let conversion = match row["measure"].as_str().expect("a measure") {
            "risk_ratio" => Conversion::None,
            "odds_ratio_rare" | "hazard_ratio_rare" => Conversion::Rare,
            "odds_ratio_common" => Conversion::SquareRoot,
            "hazard_ratio_common" => Conversion::Hazard,
            other => unreachable!("{other}"),
        };
        let rr = conversion.risk_ratio(number(&row["estimate"]));
        worst.hold(|| format!("{row}"), rr, number(&row["rr"]), 1.0);
        worst.hold(|| format!("{row}"), e_value(rr), number(&row["e"]), 1.0);
    }
    worst.within(1e-12, 20);
}
