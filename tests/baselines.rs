//! Baselines: what a prior of theirs binds to, what is said of it, and how far the data lie from it.

use std::fs;
use std::path::Path;

use crate::common::{close, counts_model, pair, study_of};
use assert_cmd::Command;
use equipoise::input::open;
use equipoise::model::{BaselineOf, BaselinePrior, HeterogeneityPrior, LocationPrior, NormalComponent};
use equipoise::numeric::{log_binomial_coefficient, softplus};
use equipoise::posterior::{Estimand, Measure, Options, Statement, Whom, analyse, baseline_conflicts};
use equipoise::study::{Data, Priors, Study, Written};
use serde_json::Value;

fn written<T>(distribution: T) -> Written<T> {
    Written { distribution, words: String::new() }
}

fn with(
    counts: [(u32, u32); 2],
    baseline: BaselinePrior,
    baseline_of: BaselineOf,
    effect: LocationPrior,
    heterogeneity: HeterogeneityPrior,
) -> Study {
    let mut study = study_of(&counts_model(vec![pair(counts[0], counts[1])]));
    study.priors = Priors {
        effect: written(effect),
        heterogeneity: Some(written(heterogeneity)),
        baseline: Some(written(baseline)),
        baseline_of,
        levels: None,
        arms: None,
        factors: None,
        degrees: None,
        alone: None,
    };
    study
}

fn tails(study: &Study) -> [f64; 2] {
    let found = baseline_conflicts(study);
    assert_eq!(found.len(), 2);
    [found[0].tail_probability, found[1].tail_probability]
}

/// P(Y = k) for k = 0…n, where the log odds of each patient are a value of `nodes` with its weight.
fn predictive(n: u32, nodes: &[(f64, f64)]) -> Vec<f64> {
    let total: f64 = nodes.iter().map(|(_, w)| w).sum();
    (0..=n)
        .map(|k| {
            let (k, n) = (f64::from(k), f64::from(n));
            let choose = log_binomial_coefficient(n, k);
            let of = |&(x, w): &(f64, f64)| w / total * (choose + k * x - n * softplus(x)).exp();
            nodes.iter().map(of).sum()
        })
        .collect()
}

fn two_sided(predictive: &[f64], y: u32) -> f64 {
    let y = y as usize;
    let (low, high): (f64, f64) = (predictive[..=y].iter().sum(), predictive[y..].iter().sum());
    (2.0 * low.min(high)).min(1.0)
}

/// Nodes of a density on an even grid.
fn nodes(low: f64, high: f64, n: usize, log_density: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
    let step = (high - low) / n as f64;
    (0..n).map(|i| low + (i as f64 + 0.5) * step).map(|x| (x, log_density(x).exp())).collect()
}

const NORMAL_EFFECT: (f64, f64) = (0.2, 0.6);

/// α + c(μ + τz) by plain sums over all three.
fn arm_nodes(alpha: &[(f64, f64)], c: f64, tau_scale: f64) -> Vec<(f64, f64)> {
    let (mean, sd) = NORMAL_EFFECT;
    let taus = nodes(0.0, 6.0 * tau_scale, 24, |t| -0.5 * (t / tau_scale) * (t / tau_scale));
    let mut found = Vec::new();
    for &(a, wa) in alpha {
        for &(tau, wt) in &taus {
            let spread = (sd * sd + tau * tau).sqrt();
            for (z, wz) in nodes(-6.0, 6.0, 24, |z| -0.5 * z * z) {
                found.push((a + c * (mean + spread * z), wa * wt * wz));
            }
        }
    }
    found
}

#[test]
fn the_tail_of_an_arm_is_that_of_its_prior_predictive_distribution() {
    // By sums over α, μ, τ and z, whatever the family of the baseline and whichever way it lies between the arms.
    let normal = |x: f64| -0.5 * ((x + 0.5) / 0.8) * ((x + 0.5) / 0.8);
    let t = |x: f64| -0.5 * 5.0 * (1.0 + (x + 0.5) * (x + 0.5) / 4.0).ln();
    let beta = |x: f64| 2.0 * x - 9.0 * (1.0 + x.exp()).ln();
    let wide = |x: f64| {
        // N(0, 0.5²) with a half-normal(0.7) sd among baselines.
        let taus = nodes(0.0, 4.2, 60, |s| -0.5 * (s / 0.7) * (s / 0.7));
        let total: f64 = taus.iter().map(|(_, w)| w).sum();
        let density = |&(s, w): &(f64, f64)| {
            let v: f64 = 0.25 + s * s;
            w / total * (-0.5 * x * x / v).exp() / v.sqrt()
        };
        taus.iter().map(density).sum::<f64>().ln()
    };
    let mixture = LocationPrior::Normals(vec![
        NormalComponent { weight: 0.4, mean: -1.0, sd: 0.4 },
        NormalComponent { weight: 0.6, mean: 1.0, sd: 0.8 },
    ]);
    let of_mixture = |x: f64| {
        (0.4 / 0.4 * (-0.5 * ((x + 1.0) / 0.4).powi(2)).exp()
            + 0.6 / 0.8 * (-0.5 * ((x - 1.0) / 0.8).powi(2)).exp())
        .ln()
    };
    let independent = BaselinePrior::Independent;
    type Case<'a> = (BaselinePrior, &'a dyn Fn(f64) -> f64, f64);
    let cases: [Case<'_>; 5] = [
        (independent(LocationPrior::normal(-0.5, 0.8)), &normal, 8.0),
        (independent(LocationPrior::StudentT { df: 4.0, location: -0.5, scale: 1.0 }), &t, 40.0),
        (independent(LocationPrior::LogitBeta { a: 2.0, b: 7.0 }), &beta, 20.0),
        (
            BaselinePrior::Exchangeable {
                mean: LocationPrior::normal(0.0, 0.5),
                sd: HeterogeneityPrior::HalfNormal { scale: 0.7 },
            },
            &wide,
            15.0,
        ),
        (independent(mixture), &of_mixture, 9.0),
    ];
    for (prior, log_density, reach) in cases {
        let alpha = nodes(-reach, reach, 240, log_density);
        for (of, shares) in [(BaselineOf::Arms, [-0.5, 0.5]), (BaselineOf::Control, [0.0, 1.0])] {
            let [control, active] = shares.map(|c| predictive(30, &arm_nodes(&alpha, c, 0.5)));
            for y in [0, 1, 7, 22, 30] {
                let study = with(
                    [(y, 30), (y, 30)],
                    prior.clone(),
                    of,
                    LocationPrior::normal(NORMAL_EFFECT.0, NORMAL_EFFECT.1),
                    HeterogeneityPrior::HalfNormal { scale: 0.5 },
                );
                let found = tails(&study);
                for (arm, (found, expected)) in found.into_iter().zip([&control, &active]).enumerate() {
                    let what = format!("{prior:?} of {of:?}, arm {arm}, {y} of 30");
                    close(&what, found, two_sided(expected, y), 3e-4);
                }
            }
        }
    }
}

#[test]
fn a_beta_prior_of_the_control_risk_gives_the_tails_of_a_beta_binomial() {
    // P(Y = k) = C(n, k) B(k + a, n − k + b) / B(a, b).
    let beta = |a: f64, b: f64| libm::lgamma(a) + libm::lgamma(b) - libm::lgamma(a + b);
    for (a, b) in [(1.0, 1.0), (0.5, 0.5), (2.0, 38.0), (800.0, 3200.0)] {
        for n in [2_u32, 40, 400] {
            let predictive: Vec<f64> = (0..=n)
                .map(|k| {
                    let (k, n) = (f64::from(k), f64::from(n));
                    (log_binomial_coefficient(n, k) + beta(k + a, n - k + b) - beta(a, b)).exp()
                })
                .collect();
            for y in [0, 1, n / 3, n] {
                let study = with(
                    [(y, n), (1, 2)],
                    BaselinePrior::Independent(LocationPrior::LogitBeta { a, b }),
                    BaselineOf::Control,
                    LocationPrior::normal(0.0, 0.355),
                    HeterogeneityPrior::HalfNormal { scale: 0.5 },
                );
                let expected = two_sided(&predictive, y);
                close(&format!("beta({a}, {b}), {y} of {n}"), tails(&study)[0], expected, 2e-6);
            }
        }
    }
}

#[test]
fn five_hundred_subgroups_of_a_million_patients_take_no_time() {
    let mut study = study_of(&counts_model(vec![pair((10, 20), (10, 20)); 500]));
    if let Data::Counts(rows) = &mut study.data {
        for (g, row) in rows.iter_mut().enumerate() {
            row.arms[0].total = 1_000_000;
            row.arms[0].events = 2_000 * g as u64;
            row.arms[1].total = 1_000_000 - g as u64;
            row.arms[1].events = row.arms[1].total / 3;
        }
    }
    study.priors.heterogeneity = Some(written(HeterogeneityPrior::HalfStudentT { df: 1.0, scale: 0.5 }));
    for baseline in [
        LocationPrior::normal(0.0, 2.5),
        LocationPrior::StudentT { df: 1.0, location: 0.0, scale: 0.3 },
        LocationPrior::LogitBeta { a: 20.0, b: 80.0 },
    ] {
        study.priors.baseline = Some(written(BaselinePrior::Independent(baseline.clone())));
        study.priors.baseline_of = BaselineOf::Arms;
        let started = std::time::Instant::now();
        let found = baseline_conflicts(&study);
        let seconds = started.elapsed().as_secs_f64();
        println!("{baseline:?}: {seconds:.3} s");
        assert_eq!(found.len(), 1000);
        assert!(found.iter().all(|f| (0.0..=1.0).contains(&f.tail_probability)));
        assert!(seconds < 5.0, "{baseline:?} took {seconds} s");
    }
}

// ---- What is written, refused and told ----

const HEAD: &str = r#"title = "A trial"
[study]
assignment = "randomised"
[outcome]
name = "death"
kind = "binary"
higher_is = "worse"
[treatment]
name = "drug"
control = "placebo"
active = "drug"
[data]
counts = [
  { subgroup = "A", control = { events = 40, total = 100 }, active = { events = 35, total = 100 } },
  { subgroup = "B", control = { events = 2, total = 400 }, active = { events = 3, total = 400 } },
]
[prior]
effect = "normal(0, 0.355)"
heterogeneity = "half-normal(0.5)"
"#;

/// A run of the program on a model file; standard output.
fn told(folder: &Path, command: &[&str], model: &str) -> String {
    fs::write(folder.join("trial.toml"), model).expect("a model file");
    let mut program = Command::cargo_bin("equipoise").expect("built");
    let found = program.current_dir(folder).args(command).assert().success();
    String::from_utf8_lossy(&found.get_output().stdout).into_owned()
}

fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn refused(model: &str, words: &[&str]) {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("trial.toml"), model).expect("a model file");
    let mut program = Command::cargo_bin("equipoise").expect("built");
    let found = program.current_dir(folder.path()).args(["check", "trial.toml"]).assert().code(1);
    let said = in_one_line(&String::from_utf8_lossy(&found.get_output().stderr));
    for word in words {
        assert!(said.contains(word), "{word} in {said}");
    }
}

fn opened(model: &str) -> Study {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("trial.toml");
    fs::write(&path, model).expect("a model file");
    open(&path).expect("a study")
}

#[test]
fn a_baseline_is_the_mean_of_the_arms_unless_the_model_says_otherwise() {
    let baseline = |model: &str| {
        let study = opened(model);
        (study.priors.baseline.expect("counts").distribution, study.priors.baseline_of)
    };
    let normal = |sd| BaselinePrior::Independent(LocationPrior::normal(0.0, sd));
    assert_eq!(baseline(HEAD), (normal(2.5), BaselineOf::Arms));
    let stated = format!("{HEAD}baseline = \"normal(0, 1)\"\nbaseline_of = \"control\"\n");
    assert_eq!(baseline(&stated), (normal(1.0), BaselineOf::Control));
    let beta = format!("{HEAD}baseline = \"beta(4, 36)\"\n");
    let expected = BaselinePrior::Independent(LocationPrior::LogitBeta { a: 4.0, b: 36.0 });
    assert_eq!(baseline(&beta), (expected, BaselineOf::Arms));
    // A further prior keeps what it does not state, and states what its baseline is of beside it.
    let named = "[priors.known]\nbaseline = \"beta(4, 36)\"\nbaseline_of = \"control\"\n[priors.wide]\nbaseline = \"normal(0, 3)\"\n";
    let study = opened(&format!("{HEAD}{named}"));
    let of: Vec<BaselineOf> = study.named.iter().map(|n| n.priors.baseline_of).collect();
    assert_eq!(of, [BaselineOf::Control, BaselineOf::Arms]);
}

#[test]
fn what_a_baseline_can_not_be_is_refused_with_what_it_can() {
    let with = |line: &str| format!("{HEAD}{line}\n");
    refused(&with("baseline = \"flat\""), &["a flat prior", "0.7 % to 99.3 %"]);
    refused(&with("baseline = \"beta(0, 4)\""), &["beta(0, 4)", "between 0.2 and a million"]);
    refused(&with("baseline = \"beta(4)\""), &["wrong number of arguments", "beta(4, 36)"]);
    refused(&with("baseline = { mean = \"beta(4, 36)\", sd = \"half-normal(1)\" }"), &["one of a risk"]);
    refused(&with("baseline = \"norml(0, 2)\""), &["did you mean normal?", "beta(4, 36)"]);
    refused(&HEAD.replace("normal(0, 0.355)", "beta(1, 1)"), &["only a baseline by itself"]);
    refused(&with("baseline = \"0.5 * beta(1, 1) + 0.5 * normal(0, 1)\""), &["mixtures are of normals"]);
    refused(&with("baseline_of = \"active\""), &["`arms` or `control`"]);
    refused(
        &with("[priors.other]\nbaseline_of = \"control\""),
        &["`baseline_of` without `baseline`", "no prior of the other"],
    );
    // Help no longer offers what is refused.
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("trial.toml"), with("baseline = \"uniform(0, 1)\"")).expect("a model file");
    let mut program = Command::cargo_bin("equipoise").expect("built");
    let found = program.current_dir(folder.path()).args(["check", "trial.toml"]).assert().code(1);
    let said = String::from_utf8_lossy(&found.get_output().stderr).into_owned();
    assert!(!said.contains("flat") && !said.contains("vague"), "{said}");
    let estimates = HEAD
        .replace("kind = \"binary\"", "kind = \"estimate\"\nscale = \"log_odds_ratio\"")
        .replace("counts = [", "estimates = [{ subgroup = \"A\", ratio = 0.8, se = 0.2 }]\n[other]\nx = [");
    let estimates = estimates.split("[other]").next().expect("a part").to_string()
        + "[prior]\neffect = \"normal(0, 0.355)\"\nheterogeneity = \"half-normal(0.5)\"\nbaseline_of = \"control\"\n";
    refused(&estimates, &["`baseline_of` for published estimates"]);
}

#[test]
fn it_is_said_which_wherever_priors_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    let arms = "baseline, the mean of the arms' log odds, normal(0, 2.5)";
    assert!(in_one_line(&told(here, &["check", "trial.toml"], HEAD)).contains(arms));
    let fit = ["fit", "trial.toml", "--engine", "exact", "--out", "run"];
    assert!(in_one_line(&told(here, &fit, HEAD)).contains(arms));
    let result: Value =
        serde_json::from_str(&fs::read_to_string(here.join("run/result.json")).expect("a result"))
            .expect("JSON");
    assert_eq!(result["prior"]["baseline_of"], "arms");
    let known = format!("{HEAD}baseline = \"beta(4, 36)\"\nbaseline_of = \"control\"\n");
    let text = in_one_line(&told(here, &["check", "trial.toml"], &known));
    assert!(text.contains("baseline, the control arm's risk, beta(4, 36)"), "{text}");
    let json: Value = serde_json::from_str(&told(here, &["check", "trial.toml", "--format", "json"], &known))
        .expect("JSON");
    assert_eq!(json["prior"]["baseline_of"], "control");
    assert_eq!(json["prior"]["baseline"], "beta(4, 36)");
}

#[test]
fn arms_far_out_under_the_prior_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let known = format!("{HEAD}baseline = {{ risk = [0.2, 0.6], mass = 0.9 }}\nbaseline_of = \"control\"\n");
    let text = in_one_line(&told(folder.path(), &["check", "trial.toml"], &known));
    let line = "Baseline prior against the data: 2 of 4 arms lie beyond the central 95 %";
    assert!(text.contains(line), "{text}");
    assert!(text.contains("placebo in B, 2 of 400 with the event, < 0.001"), "{text}");
    let json: Value =
        serde_json::from_str(&told(folder.path(), &["check", "trial.toml", "--format", "json"], &known))
            .expect("JSON");
    let arms = json["prior"]["baseline_against_data"].as_array().expect("arms");
    assert_eq!(arms.len(), 4);
    assert_eq!((&arms[2]["subgroup"], &arms[2]["arm"]), (&"B".into(), &"placebo".into()));
    // The default has nothing to say against them.
    let text = in_one_line(&told(folder.path(), &["check", "trial.toml"], HEAD));
    assert!(!text.contains("against the data"), "{text}");
}

#[test]
fn the_prior_at_the_posteriors_control_risk_stands_beside_the_prior_probability() {
    let study = opened(&format!("{HEAD}[thresholds]\nprimary = {{ risk_difference = 0.05 }}\n"));
    let report = analyse(&study, Options::default());
    let of = |whom: Whom, statement: Statement| {
        let at = if statement == Statement::Benefit { 0.0 } else { 0.05 };
        report.probability(Estimand::new(whom, Measure::RiskDifference), statement, at).expect("a row")
    };
    // A control risk of half a percent can't fall by five points, whatever the prior says of other risks.
    let b = of(Whom::Subgroup(1), Statement::BenefitAtLeast);
    assert_eq!(b.prior_at_control_risk, Some(0.0));
    assert!(b.prior > Some(0.05), "{:?}", b.prior);
    // Over all patients between the two. At no effect nearly the prior's own value: where effects are opposed the subgroup
    // of more events decides.
    let held = |whom, statement| of(whom, statement).prior_at_control_risk.expect("known");
    let all = held(Whom::Overall, Statement::BenefitAtLeast);
    let a = held(Whom::Subgroup(0), Statement::BenefitAtLeast);
    assert!(all > 0.0 && all < a, "{all} and {a}");
    close("at no effect", held(Whom::Overall, Statement::Benefit), 0.5, 0.03);
    let text = equipoise::report::fit_text(&study, &report);
    assert!(
        in_one_line(&text).contains("of risk differences it depends on the baseline prior too"),
        "{text}"
    );
}

#[test]
fn the_default_prior_of_a_coefficient_is_for_a_step_where_there_is_no_standard_deviation() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut rows = "group,drug,dead,age,smoker,severity\n".to_string();
    for i in 0..240_u32 {
        let severity = ["mild", "moderate", "severe"][(i / 3 % 3) as usize];
        rows += &format!(
            "{},{},{},{},{},{severity}\n",
            ["A", "B"][(i % 2) as usize],
            i / 2 % 2,
            u32::from(i * 7 % 11 < 4),
            40 + i * 13 % 41,
            u32::from(i * 5 % 7 < 2)
        );
    }
    fs::write(folder.path().join("trial.csv"), rows).expect("a data file");
    let model = HEAD.split("[data]").next().expect("a head").to_string()
        + r#"[data]
file = "trial.csv"
rows = "patients"
missing = "error"
columns = { outcome = "dead", treatment = "drug", subgroup = "group" }
[model]
adjust = ["age", "smoker", { column = "severity", reference = "mild" }]
[prior]
effect = "normal(0, 0.355)"
heterogeneity = "half-normal(0.5)"
"#;
    let text = in_one_line(&told(folder.path(), &["check", "trial.toml"], &model));
    assert!(text.contains("coefficients of age: normal(0, 2.5) for one standard deviation; of smoker, severity=moderate, severity=severe: normal(0, 2.5) for the step from 0 to 1"), "{text}");
    let study = open(folder.path().join("trial.toml")).expect("a study");
    for term in &study.adjustment.as_ref().expect("adjusted").terms {
        let expected = if term.name == "age" { 2.5 } else { 2.5 * term.sd };
        assert_eq!(term.prior.distribution, LocationPrior::normal(0.0, expected), "{}", term.name);
    }
    // Stated, it is for one standard deviation, whatever the column.
    let stated = model.replace("\"smoker\"", "{ column = \"smoker\", prior = \"normal(0, 1)\" }");
    fs::write(folder.path().join("trial.toml"), stated).expect("a model file");
    let study = open(folder.path().join("trial.toml")).expect("a study");
    let smoker = &study.adjustment.as_ref().expect("adjusted").terms[1];
    assert_eq!(smoker.prior.distribution, LocationPrior::normal(0.0, 1.0));
}

#[test]
fn a_large_effect_is_one_of_the_risk_ratio() {
    // The odds ratios of these cohorts are above 2, no risk ratio is.
    let folder = tempfile::tempdir().expect("a folder");
    told(folder.path(), &["report", "ras-basilar-function", "-o", "page.md"], HEAD);
    let page = fs::read_to_string(folder.path().join("page.md")).expect("a page");
    assert!(
        page.contains("not met: no median risk ratio is above 2.00 or below 0.50: PC-SEARCH 1."),
        "{page}"
    );
    told(folder.path(), &["report", "solvd", "-o", "page.md"], HEAD);
    let page = fs::read_to_string(folder.path().join("page.md")).expect("a page");
    assert!(!page.contains("large effect") || page.contains("can't be judged"), "{page}");
}

#[test]
fn a_draft_names_exchangeable_baselines_as_another_choice_from_three_subgroups_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |groups: u32| {
        let rows: String =
            (0..120_u32).map(|i| format!("g{},{},{}\n", i % groups, i / 4 % 2, i / 3 % 2)).collect();
        fs::write(folder.path().join("trial.csv"), format!("subgroup,arm,death\n{rows}"))
            .expect("a data file");
        let words = ["new", "trial.csv", "--assignment", "randomised", "--higher-is", "worse"];
        let mut program = Command::cargo_bin("equipoise").expect("built");
        let found = program.current_dir(folder.path()).args(words).assert().success();
        String::from_utf8_lossy(&found.get_output().stdout).into_owned()
    };
    let other =
        "# Or { mean = \"normal(0, 2.5)\", sd = \"half-normal(1)\" }: subgroups' risks inform each other.";
    for (groups, is_named) in [(2, false), (3, true)] {
        let text = file(groups);
        assert!(text.contains("baseline = \"normal(0, 2.5)\""), "{text}");
        assert_eq!(text.contains(other), is_named, "{text}");
    }
}
