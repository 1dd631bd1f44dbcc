//! Several subgroup factors: against independent programs, differences of the gradient, calibration, and subgroups of one kind.

use std::fs;
use std::sync::Arc;

use serde_json::Value;

use crate::common::calibration::{DRAWS, Uniformity};
use crate::common::folder::Folder;
use crate::common::linear::{ranks, slopes_are_differences};
use crate::common::rows::{Sizes, adjustment};
use crate::common::sampler;
use equipoise::density::LogDensity;
use equipoise::input::open;
use equipoise::model::{FactorsModel, HeterogeneityPrior, LinearDensity, LocationPrior};
use equipoise::posterior::{
    Estimand, Measure, Options, Parameter, Report, Sampling, Statement, ToldDraws, Whom, analyse,
};
use equipoise::sampler::{Purpose, Settings, extend, start, stream};
use equipoise::study::distributions::{half_normal, normal};
use equipoise::study::{
    ArmCounts, Assignment, Data, Endpoint, HigherIs, Interactions, Population, Priors, Scale, Slab, Study,
    StudyBuilder,
};
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;

const ESTIMATES: [(f64, f64); 8] = [
    (-0.37783038, 0.110126563553),
    (-0.34655336, 0.100224697555),
    (-0.79235451, 0.198493904189),
    (-0.39334304, 0.172320080084),
    (0.06776454, 0.21515489769),
    (-0.23655764, 0.154930726455),
    (0.15435495, 0.321953350658),
    (0.0594729, 0.278600789661),
];

type Group = ((usize, usize), [(u64, u64); 2]);

const COUNTS: [Group; 5] = [
    ((0, 0), [(12, 40), (7, 38)]),
    ((0, 1), [(9, 25), (4, 30)]),
    ((0, 2), [(14, 22), (9, 25)]),
    ((1, 0), [(8, 51), (9, 47)]),
    ((1, 2), [(6, 19), (0, 17)]),
];

/// The studies of tests/reference/factors.py.
fn referenced(name: &str) -> Study {
    if name == "counts" {
        let start = Study::builder(name, Assignment::Randomised)
            .outcome(Endpoint::events("death", HigherIs::Worse))
            .arms("control", "active")
            .priors(Priors::partial(normal(0.0, 0.5), half_normal(0.4)))
            .baseline(normal(0.0, 1.5))
            .main_effects(normal(0.0, 0.8))
            .factors(["first", "second"], COUNTS.map(|((a, b), _)| [level(0, a), level(1, b)]));
        let group = |study: StudyBuilder, ((a, b), arms): Group| study.group(format!("{a} {b}"), arms);
        return COUNTS.into_iter().fold(start, group).build().expect("a study");
    }
    let levels = (0..8).map(|g| [level(0, g / 4), level(1, g / 2 % 2), level(2, g % 2)]);
    let start = Study::builder(name, Assignment::Randomised)
        .outcome(Endpoint::estimates("death", Scale::LogHazardRatio, HigherIs::Worse))
        .arms("placebo", "enalapril")
        .factors(["first", "second", "third"], levels);
    let start = match name {
        "horseshoe" => start.interactions(Interactions::Horseshoe(Slab::default())).priors(Priors::partial(
            normal(0.0, 1.0),
            HeterogeneityPrior::HalfStudentT { df: 1.0, scale: 0.25 },
        )),
        _ => start.priors(Priors::partial(normal(0.0, 1.0), half_normal(0.25))),
    };
    let all = ESTIMATES.into_iter().enumerate();
    all.fold(start, |study, (g, (estimate, se))| study.estimate(format!("g{g}"), estimate, se))
        .build()
        .expect("a study")
}

fn level(factor: usize, level: usize) -> &'static str {
    [["a0", "a1", "a2"], ["b0", "b1", "b2"], ["c0", "c1", "c2"]][factor][level]
}

fn options(draws: usize, seed: u64) -> Options {
    Options { sampling: Sampling { draws: Some(draws), seed, ..Sampling::default() }, ..sampler() }
}

fn chance(report: &Report, estimand: Estimand, statement: Statement, threshold: f64) -> (f64, f64) {
    let row = report.probability(estimand, statement, threshold).expect("a row");
    (row.probability.expect("a number"), row.mcse.unwrap_or(1.5 / row.ess.unwrap_or(1e4)))
}

/// Mean of a column of draws, with its error from the parameters' or estimands' own diagnostics.
fn mean_of(report: &Report, estimand: Estimand) -> (f64, f64) {
    let row = report.estimate(estimand).expect("a row").reported;
    (row.mean.expect("a mean"), row.mcse_mean.expect("its error"))
}

#[test]
fn several_factors_are_what_independent_programs_find() {
    let text = fs::read_to_string("tests/reference/factors.json").expect("reference values");
    let reference: Value = serde_json::from_str(&text).expect("JSON");
    let (mut compared, mut far) = (0, 0);
    for (name, found) in reference.as_object().expect("studies") {
        let study = referenced(name);
        let report = analyse(&study, options(10_000, 1));
        assert!(report.checks.ok, "{:?}", report.checks.reasons);
        let draws = report.factors.as_ref().expect("draws");
        let n = draws.shape().0 * draws.shape().1;
        let logs = |whom: Whom| -> Vec<f64> {
            let key = Estimand::new(whom, Measure::HazardRatio);
            let all = draws.estimands(&study);
            let (_, column) = all.into_iter().find(|(known, _)| *known == key).expect("a column");
            column.into_iter().map(f64::ln).collect()
        };
        for (quantity, value) in found.as_object().expect("numbers") {
            let words: Vec<&str> = quantity.split(' ').collect();
            let place = |k: usize| words[k].parse::<usize>().expect("a place");
            let whom = || match words[1] {
                "overall" => Whom::Overall,
                _ => Whom::Level(place(2), place(3)),
            };
            let parameter = |key: Parameter| {
                let r = report.parameter(key).expect("a parameter").reported;
                (r.mean.expect("a mean"), r.mcse_mean.expect("its error"))
            };
            let below = |key: Parameter, line: f64| {
                let all = draws.parameters();
                let (_, column) = all.iter().find(|(known, _)| *known == key).expect("a column");
                let p = column.iter().filter(|x| **x < line).count() as f64 / n as f64;
                (p, (p * (1.0 - p) / 4_000.0).sqrt())
            };
            let estimates = name != "counts";
            let effect = if estimates { Measure::HazardRatio } else { Measure::RiskDifference };
            let (mine, error) = match words[0] {
                "mean" | "square" => {
                    let power = if words[0] == "mean" { 1 } else { 2 };
                    let values: Vec<f64> = logs(whom()).into_iter().map(|x| x.powi(power)).collect();
                    let mean = values.iter().sum::<f64>() / n as f64;
                    let variance = values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n as f64;
                    (mean, (variance / 10_000.0).sqrt())
                }
                "below" if words.last() == Some(&"0.1") => {
                    let draws = draws.risks(whom()).expect("risks");
                    let held = draws[1].iter().zip(draws[0]).filter(|(a, c)| *a - *c < -0.1).count();
                    let p = held as f64 / n as f64;
                    (p, (p * (1.0 - p) / 10_000.0).sqrt())
                }
                // Less is better.
                "below" => chance(&report, Estimand::new(whom(), effect), Statement::Benefit, effect.null()),
                "apart" => {
                    let of = Estimand::new(Whom::LevelPair(place(1), 0, 1), Measure::RatioOfHazardRatios);
                    chance(&report, of, Statement::GreaterBenefit, 1.0)
                }
                "control" => mean_of(&report, Estimand::new(whom(), Measure::RiskControl)),
                "active" => mean_of(&report, Estimand::new(whom(), Measure::RiskActive)),
                "difference" => mean_of(&report, Estimand::new(whom(), Measure::RiskDifference)),
                "mu" => parameter(Parameter::Mu),
                "alpha" => parameter(Parameter::Intercept),
                "shift" => parameter(Parameter::Shift(place(1), place(2))),
                "main" => parameter(Parameter::MainEffect(place(1), place(2))),
                "tau" if words.len() > 2 => below(Parameter::Tau, 0.2),
                "tau" => parameter(Parameter::TauOf(place(1))),
                "slab" => below(Parameter::Slab, 2.0),
                _ => panic!("what is {quantity}?"),
            };
            let number = |k: usize| value[k].as_f64().expect("a number");
            let z = (mine - number(0)) / error.hypot(number(1));
            assert!(z.abs() < 4.5, "{name}, {quantity}: {mine} and {}, z = {z:.1}", number(0));
            compared += 1;
            far += usize::from(z.abs() > 2.0);
        }
    }
    assert!(compared > 90, "{compared}");
    // As many as chance allows, and correlated numbers.
    assert!(far as f64 <= 0.12 * f64::from(compared), "{far} of {compared}");
}

/// Two factors of two and three levels with covariates.
fn with_covariates() -> Study {
    let sizes = Sizes { subgroups: 5, patterns: 160, terms: 2, centres: 0 };
    let sd = HeterogeneityPrior::HalfNormal { scale: 0.5 };
    let adjusted = adjustment(sizes, sd, Population::All, 11);
    let mut study = referenced("counts");
    if let Data::Counts(rows) = &mut study.data {
        for row in rows.iter_mut() {
            row.arms.fill(ArmCounts::default());
        }
        let patterns = &adjusted.patterns;
        for i in 0..patterns.len() {
            let arm = &mut rows[patterns.subgroup[i] as usize].arms[usize::from(patterns.arm[i])];
            arm.total += patterns.totals[i] as u64;
            arm.events += patterns.events[i] as u64;
        }
    }
    study.adjustment = Some(Arc::new(adjusted));
    study
}

#[test]
fn slopes_are_differences_of_the_density_of_factors() {
    let studies = [referenced("estimates"), referenced("horseshoe"), referenced("counts"), with_covariates()];
    for study in studies {
        let model = FactorsModel::of(&study).expect("several factors");
        slopes_are_differences(&model.linear, &study.title);
    }
    let mut counts = referenced("counts");
    counts.priors.factors.as_mut().expect("factors").interactions =
        Interactions::Horseshoe(Slab { scale: 0.4, df: 3.0 });
    slopes_are_differences(&FactorsModel::of(&counts).expect("several factors").linear, "counts, horseshoe");
}

/// Ranks of what 500 made studies were made from are uniform, of every quantity.
fn is_calibrated(study: &Study, target_acceptance: f64) {
    const REPLICATIONS: usize = 500;
    let uniformity = Uniformity::new(REPLICATIONS, DRAWS);
    let model = FactorsModel::of(study).expect("several factors").linear;
    let rows = ranks(&model, REPLICATIONS, target_acceptance);
    let quantities = rows[0].len();
    let level = 1e-3 / (4 * quantities) as f64;
    for k in 0..quantities {
        let p = uniformity.p_value(&rows.iter().map(|row| row[k]).collect::<Vec<usize>>());
        assert!(p > level, "{}, quantity {k}: p = {p:.1e}", study.title);
    }
}

#[test]
fn factors_of_counts_are_calibrated() {
    is_calibrated(&referenced("counts"), 0.8);
}

#[test]
fn factors_of_estimates_are_calibrated() {
    is_calibrated(&referenced("estimates"), 0.8);
}

#[test]
fn factors_of_patients_with_covariates_are_calibrated() {
    is_calibrated(&with_covariates(), 0.8);
}

#[test]
fn a_horseshoe_is_calibrated() {
    let mut study = referenced("counts");
    study.priors.factors.as_mut().expect("factors").interactions =
        Interactions::Horseshoe(Slab { scale: 0.5, df: 4.0 });
    is_calibrated(&study, 0.9);
}

/// The study of one factor, told as a factor or as subgroups, and with a factor beside it that has one level.
#[test]
fn one_factor_is_subgroups_of_one_kind_to_the_last_bit() {
    let start = || {
        Study::builder("one factor", Assignment::Randomised)
            .outcome(Endpoint::events("death", HigherIs::Worse))
            .arms("control", "active")
            .priors(Priors::partial(normal(0.0, 0.5), half_normal(0.4)))
            .group("men", [(12, 40), (7, 38)])
            .group("women", [(9, 25), (4, 30)])
    };
    let plain = start().subgroup_name("sex").build().expect("a study");
    let one = start().factors(["sex"], [["men"], ["women"]]).build().expect("a study");
    let beside = start().factors(["sex", "site"], [["men", "here"], ["women", "here"]]);
    let beside = beside.build().expect("a study");
    assert_eq!(beside.notices, ["site is here throughout and drops out of the factors."]);
    let numbers = |study: &Study| {
        let report = analyse(study, options(200, 3));
        let of = report.probabilities.iter().map(|p| (p.sampled, p.exact, p.threshold)).collect::<Vec<_>>();
        (of, report.estimates.iter().map(|e| (e.exact, e.reported.median)).collect::<Vec<_>>())
    };
    assert!(one.factors.is_none() && one.fits_as(&plain) && beside.fits_as(&plain));
    assert_eq!(numbers(&plain), numbers(&one));
    assert_eq!(numbers(&plain), numbers(&beside));
}

#[test]
fn a_flipped_outcome_and_another_order_of_levels_change_no_conclusion() {
    let study = referenced("counts");
    let mut flipped = study.clone();
    flipped.outcome.higher_is = HigherIs::Better;
    if let Data::Counts(rows) = &mut flipped.data {
        rows.iter_mut().flat_map(|row| &mut row.arms).for_each(|arm| arm.events = arm.total - arm.events);
    }
    let mut turned = study.clone();
    let mut factors = turned.factors.as_deref().expect("factors").clone();
    factors.all[1].levels.reverse();
    factors.of.iter_mut().for_each(|own| own[1] = 2 - own[1]);
    turned.factors = Some(Arc::new(factors));
    let one = analyse(&study, options(2_000, 1));
    let whose = [Whom::Overall, Whom::Level(0, 0), Whom::Level(0, 1), Whom::Level(1, 0), Whom::Level(1, 2)];
    for (other, turned) in [(&flipped, false), (&turned, true)] {
        let report = analyse(other, options(2_000, 2));
        for whom in whose {
            let same = match whom {
                Whom::Level(1, l) if turned => Whom::Level(1, 2 - l),
                whom => whom,
            };
            for (statement, at) in [(Statement::Benefit, 0.0), (Statement::Harm, 0.0)] {
                let of = |whom| Estimand::new(whom, Measure::RiskDifference);
                let (p, e) = chance(&one, of(whom), statement, at);
                let (q, f) = chance(&report, of(same), statement, at);
                assert!((p - q).abs() < 4.5 * e.hypot(f), "{whom:?}: {p} {q}");
            }
        }
    }
}

/// Patients, a table of counts and counts in the model file are the same study.
#[test]
fn patients_a_table_and_counts_in_the_file_are_one_study() {
    let folder = Folder::new();
    let mut patients = String::from("dead,arm,SEX,AGE\n");
    let mut table = String::from("sex,age,dead0,all0,dead1,all1\n");
    let mut inline = String::new();
    let counts =
        [("M", 60, [(12, 40), (7, 38)]), ("M", 70, [(9, 25), (4, 30)]), ("F", 70, [(14, 22), (9, 25)])];
    for (sex, age, arms) in counts {
        let (name, group) = (if sex == "M" { "men" } else { "women" }, if age < 65 { "<65" } else { "≥65" });
        table += &format!("{name},{group},{},{},{},{}\n", arms[0].0, arms[0].1, arms[1].0, arms[1].1);
        inline += &format!(
            "[[data.counts]]\nlevels = {{ sex = \"{name}\", age = \"{group}\" }}\ncontrol = {{ events = {}, total = {} }}\nactive = {{ events = {}, total = {} }}\n",
            arms[0].0, arms[0].1, arms[1].0, arms[1].1
        );
        for (arm, (events, total)) in arms.into_iter().enumerate() {
            (0..total).for_each(|i| patients += &format!("{},{arm},{sex},{age}\n", u8::from(i < events)));
        }
    }
    folder.write("patients.csv", patients);
    folder.write("table.csv", table);
    let head = r#"title = "three ways"
study = { assignment = "randomised" }
outcome = { name = "death", kind = "binary", higher_is = "worse" }
treatment = { name = "drug", control = "control", active = "active" }
subgroup = { factors = ["sex", "age"] }
prior = { effect = "normal(0, 0.5)", heterogeneity = "half-normal(0.4)" }
"#;
    let file = |name: &str, data: &str| {
        folder.write(name, format!("{head}{data}"));
        open(folder.at().join(name)).expect("a study")
    };
    let patients = file(
        "patients.toml",
        "[data]\nfile = \"patients.csv\"\nrows = \"patients\"\nmissing = \"error\"\ncolumns = { outcome = \"dead\", treatment = \"arm\", sex = \"SEX\", age = \"AGE\" }\n[data.cut]\nAGE = [65]\n[data.levels.factors]\nsex = { M = \"men\", F = \"women\" }\n",
    );
    let table = file(
        "table.toml",
        "[data]\nfile = \"table.csv\"\nrows = \"counts\"\ncolumns = { control_events = \"dead0\", control_total = \"all0\", active_events = \"dead1\", active_total = \"all1\" }\n",
    );
    let inline = file("inline.toml", &inline);
    let numbers = |study: &Study| {
        let report = analyse(study, options(200, 3));
        report.estimates.iter().map(|e| e.reported.median).collect::<Vec<_>>()
    };
    assert_eq!(patients.factors, table.factors);
    assert_eq!(patients.factors, inline.factors);
    assert_eq!(numbers(&patients), numbers(&table));
    assert_eq!(numbers(&patients), numbers(&inline));
    folder.write("again.toml", {
        let built = Study::builder("three ways", Assignment::Randomised)
            .outcome(Endpoint::events("death", HigherIs::Worse))
            .arms("control", "active")
            .priors(Priors::partial(normal(0.0, 0.5), half_normal(0.4)))
            .group("a", [(12, 40), (7, 38)])
            .group("b", [(9, 25), (4, 30)])
            .group("c", [(14, 22), (9, 25)])
            .factors(["sex", "age"], [["men", "<65"], ["men", "≥65"], ["women", "≥65"]])
            .build()
            .expect("a study");
        built.text
    });
    assert_eq!(numbers(&open(folder.at().join("again.toml")).expect("a study")), numbers(&inline));
}

/// A covariate that says nothing changes nothing but the sampler's path; rows of one covariate column of zeros are the counts.
#[test]
fn rows_without_information_are_the_counts() {
    let mut study = with_covariates();
    let mut adjusted = study.adjustment.as_deref().expect("covariates").clone();
    adjusted.patterns.columns.iter_mut().for_each(|column| column.fill(0.0));
    study.adjustment = Some(Arc::new(adjusted));
    let mut counts = study.clone();
    counts.adjustment = None;
    let (one, other) = (analyse(&study, options(2_000, 1)), analyse(&counts, options(2_000, 2)));
    for whom in [Whom::Overall, Whom::Level(0, 1), Whom::Level(1, 0), Whom::Level(1, 2)] {
        for measure in [Measure::RiskControl, Measure::RiskActive, Measure::RiskDifference] {
            let (a, e) = mean_of(&one, Estimand::new(whom, measure));
            let (b, f) = mean_of(&other, Estimand::new(whom, measure));
            assert!((a - b).abs() < 4.5 * e.hypot(f), "{whom:?} {measure:?}: {a} {b}");
        }
    }
}

/// The groups' mean effects, from a short run.
fn means(study: &Study, seed: u64) -> Vec<f64> {
    let density = LinearDensity::new(&FactorsModel::of(study).expect("several factors").linear);
    let settings = Settings { seed, chains: 1, warmup: 150, ..Settings::default() };
    let mut chains = start(&density, density.middle(), &settings, &()).expect("a start");
    extend(&mut chains, 200, &());
    let mut scratch = density.scratch();
    let mut sums = vec![0.0; 32];
    for q in chains[0].draws.chunks(density.dim()) {
        let at = density.at(q, &mut scratch);
        sums.iter_mut().zip(at.predictors).for_each(|(sum, x)| *sum += x / 200.0);
    }
    sums
}

/// Eight factors of which one modifies the effect, in 32 combinations of their levels: over 200 made trials the levels' effects are
/// off by less than those of each level by itself, under one spread a factor and under the horseshoe.
#[test]
fn shrinkage_of_eight_factors_beats_none() {
    const REPLICATIONS: u64 = 200;
    // The levels of the last three follow from the first five, so that any two are independent.
    let levels = |g: usize| -> Vec<usize> {
        let bit = |k: usize| g >> k & 1;
        let own = [bit(0), bit(1), bit(2), bit(3), bit(4)];
        own.into_iter()
            .chain([bit(0) ^ bit(1) ^ bit(2), bit(1) ^ bit(2) ^ bit(3), bit(2) ^ bit(3) ^ bit(4)])
            .collect()
    };
    let study = |how: Interactions, estimates: &[f64], se: f64| {
        let tau = match how {
            Interactions::ByFactor => HeterogeneityPrior::HalfNormal { scale: 0.2 },
            Interactions::Horseshoe(_) => HeterogeneityPrior::HalfStudentT { df: 1.0, scale: 0.1 },
        };
        let start = Study::builder("eight factors", Assignment::Randomised)
            .outcome(Endpoint::estimates("death", Scale::LogHazardRatio, HigherIs::Worse))
            .arms("control", "active")
            .interactions(how)
            .priors(Priors::partial(normal(0.0, 1.0), tau))
            .factors(
                (0..8).map(|f| format!("f{f}")).collect::<Vec<_>>(),
                (0..32).map(|g| levels(g).into_iter().map(|l| format!("l{l}")).collect::<Vec<_>>()),
            );
        let all = estimates.iter().enumerate();
        all.fold(start, |study, (g, x)| study.estimate(format!("g{g}"), *x, se)).build().expect("a study")
    };
    let of_one = |replication: u64| -> [f64; 3] {
        let mut rng = stream(0xfac7_0000 + replication, 0, Purpose::Simulation);
        let mut drawn = |sd: f64| -> f64 {
            let z: f64 = StandardNormal.sample(&mut rng);
            sd * z
        };
        let modifies = drawn(0.3);
        let sign = |g: usize| if levels(g)[0] == 0 { -0.5 } else { 0.5 };
        let truth: Vec<f64> = (0..32).map(|g| -0.3 + modifies * sign(g)).collect();
        let se = 0.6;
        let estimates: Vec<f64> = truth.iter().map(|x| x + drawn(se)).collect();
        let studies = [Interactions::ByFactor, Interactions::Horseshoe(Slab::default())]
            .map(|how| study(how, &estimates, se));
        let found = studies.each_ref().map(|study| means(study, replication));
        let mut squares = [0.0; 3];
        let factors = studies[0].factors.as_deref().expect("factors");
        for (f, l) in factors.levels() {
            let average = |of: &[f64]| factors.groups((f, l)).map(|g| of[g]).sum::<f64>() / 16.0;
            let own = [average(&estimates), average(&found[0]), average(&found[1])];
            for (square, own) in squares.iter_mut().zip(own) {
                *square += (own - average(&truth)) * (own - average(&truth));
            }
        }
        squares
    };
    let all: Vec<[f64; 3]> = (0..REPLICATIONS).into_par_iter().map(of_one).collect();
    for shrunken in 1..3 {
        let gains: Vec<f64> = all.iter().map(|own| own[0] - own[shrunken]).collect();
        let n = gains.len() as f64;
        let mean = gains.iter().sum::<f64>() / n;
        let sd = (gains.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n).sqrt();
        assert!(mean > 4.0 * sd / n.sqrt(), "{shrunken}: {mean} {sd}");
    }
}

#[test]
fn what_several_factors_may_not_be_is_said() {
    let start = || {
        Study::builder("factors", Assignment::Randomised)
            .outcome(Endpoint::events("death", HigherIs::Worse))
            .arms("control", "active")
            .priors(Priors::partial(normal(0.0, 0.5), half_normal(0.5)))
            .group("one", [(12, 40), (7, 38)])
            .group("two", [(9, 25), (4, 30)])
            .group("three", [(9, 25), (4, 30)])
    };
    let says = |study: StudyBuilder, message: &str| {
        let problem = study.build().expect_err("a problem");
        assert_eq!(problem.message, message);
    };
    says(
        start().factors(["sex", "age"], [["m", "a"], ["f", "a"], ["f", "a"]]),
        "`f, a` stands twice, in places 2 and 3",
    );
    says(
        start().factors(["sex", "male", "age"], [["m", "yes", "a"], ["f", "no", "a"], ["f", "no", "b"]]),
        "the factors `sex` and `male` tell the same patients apart",
    );
    says(
        start().factors(["sex", "sex"], [["m", "a"], ["f", "a"], ["f", "b"]]),
        "two factors are called `sex`",
    );
    says(start().factors(["sex", "age"], [["m", "a"], ["f", "b"]]), "levels of 2 groups, and there are 3");
    says(start().factors(["sex"], [["m"], ["m"], ["m"]]), "`m` stands twice, in places 1 and 2");
    says(start().main_effects(normal(0.0, 1.0)), "a prior of main effects of factors");
    says(
        start()
            .factors(["sex", "age"], [["m", "a"], ["f", "b"], ["f", "a"]])
            .priors(Priors::none(normal(0.0, 0.5), half_normal(0.5))),
        "pooling = \"none\" beside several factors",
    );
    says(
        start()
            .factors(["sex", "age"], [["m", "a"], ["f", "b"], ["f", "a"]])
            .priors(Priors::complete(normal(0.0, 0.5)))
            .interactions(Interactions::Horseshoe(Slab::default())),
        "a horseshoe under complete pooling",
    );
    let complete = start()
        .factors(["sex", "age"], [["m", "a"], ["f", "b"], ["f", "a"]])
        .priors(Priors::complete(LocationPrior::normal(0.0, 0.5)))
        .build()
        .expect("a study");
    let report = analyse(&complete, options(500, 1));
    assert!(report.parameter(Parameter::Shift(0, 0)).is_none() && report.checks.ok);
    // Where effects can't differ no two levels are told apart by rounding.
    let fixed = start()
        .factors(["sex", "age"], [["m", "a"], ["f", "b"], ["f", "a"]])
        .priors(Priors::partial(normal(0.0, 0.5), HeterogeneityPrior::Fixed { value: 0.0 }))
        .build()
        .expect("a study");
    for report in [report, analyse(&fixed, options(500, 1))] {
        assert!(report.probabilities.iter().all(|p| p.statement != Statement::GreaterBenefit));
    }
}

/// The first block of TOML in the book's page.
#[test]
fn the_model_file_of_factors_that_the_book_shows_is_fitted() {
    let page = fs::read_to_string("docs/src/factors.md").expect("the book");
    let text = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a block");
    let folder = Folder::new();
    folder.write("model.toml", text);
    let said = folder.says(&["fit", "model.toml"]);
    assert!(said.contains("2 factors, 4 combinations of levels, 824 patients"), "{said}");
    let csv = folder.says(&["fit", "model.toml", "--format", "csv"]);
    assert!(csv.lines().any(|line| line.starts_with("estimate,level,sex,women,")), "{csv}");
    for refused in ["compare", "report"] {
        folder.refuses(&[refused, "model.toml"], &["has several factors"]);
    }
}

#[test]
fn bad_factors_are_told_where_they_stand() {
    let folder = Folder::new();
    folder.write(
        "patients.csv",
        "dead,arm,SEX,AGE\n1,0,M,60\n0,1,M,70\n1,1,F,60\n0,0,F,70\n1,0,,70\n0,1,F,old\n",
    );
    let head = r#"title = "bad factors"
study = { assignment = "randomised" }
outcome = { name = "death", kind = "binary", higher_is = "worse" }
treatment = { name = "drug", control = "control", active = "active" }
prior = { effect = "normal(0, 0.5)", heterogeneity = "half-normal(0.4)" }
"#;
    let refuses = |text: &str, told: &[&str]| {
        folder.write("m.toml", format!("{head}{text}"));
        folder.refuses(&["fit", "m.toml"], told);
    };
    let row = |levels: &str| {
        format!(
            "[[data.counts]]\n{levels}\ncontrol = {{ events = 9, total = 40 }}\nactive = {{ events = 7, total = 38 }}\n"
        )
    };
    let two = "subgroup = { factors = [\"sex\", \"age\"] }\n";
    refuses(
        &format!("{two}{}", row("levels = { sex = \"men\" }")),
        &["a row has no level of `age`", "m.toml:7"],
    );
    refuses(
        &format!("{two}{}", row("levels = { sex = \"men\", agee = \"old\" }")),
        &["there is no factor `agee`", "did you mean `age`?"],
    );
    refuses(
        &format!("{two}{}", row("subgroup = \"men\"")),
        &["`subgroup`, and there are several factors", "levels = {"],
    );
    refuses(&row("levels = { sex = \"men\" }"), &["levels of factors, and there are none", "factors = ["]);
    let crossed = [("men", "a"), ("men", "b"), ("women", "a"), ("women", "a")];
    let rows = |n: usize| {
        let of = |(sex, age): &(&str, &str)| row(&format!("levels = {{ sex = \"{sex}\", age = \"{age}\" }}"));
        format!("{two}{}", crossed[..n].iter().map(of).collect::<String>())
    };
    refuses(&rows(4), &["`women, a` stands twice, in places 3 and 4"]);
    refuses(&format!("{}[bias]\n", rows(3)), &["[bias] beside several factors"]);
    refuses(
        &format!(
            "{}[model]\ninteractions = \"regularised horseshoe\"\n[library]\nexpected_odds_ratio = 0.5\n",
            rows(3)
        ),
        &["expected_odds_ratio is 0.5", "above 1"],
    );
    folder.write("m.toml", format!("{head}{}", rows(3)));
    folder.refuses(
        &["fit", "m.toml", "--set", "prior.slab={ scale = 2 }"],
        &["a slab, and no horseshoe", "regularised horseshoe"],
    );
    let said = folder.says(&["fit", "m.toml"]);
    assert!(said.contains("1 of 4 combinations of levels"), "{said}");
    let of_file = |more: &str| format!("{two}[data]\nfile = \"patients.csv\"\nrows = \"patients\"\n{more}");
    let columns = "columns = { outcome = \"dead\", treatment = \"arm\", sex = \"SEX\", age = \"AGE\" }\n";
    refuses(
        &of_file(
            "missing = \"drop\"\ncolumns = { outcome = \"dead\", treatment = \"arm\", sex = \"SEX\" }\n",
        ),
        &["the data file has no column `age`", "did you mean `AGE`?", "columns = {"],
    );
    refuses(
        &of_file(
            "missing = \"drop\"\ncolumns = { outcome = \"dead\", treatment = \"arm\", sex = \"SEX\", age = \"SEX\" }\n",
        ),
        &["`sex` and `age` are the same column"],
    );
    refuses(
        &of_file(&format!("missing = \"drop\"\n{columns}[data.cut]\nAGE = [65]\n")),
        &["found `old`, expected a number: the column is cut", "row 7"],
    );
    refuses(&of_file(&format!("missing = \"error\"\n{columns}")), &["the sex is missing", "row 6"]);
    refuses(
        &of_file(&format!("missing = \"drop\"\n{columns}[data.levels.factors]\nsex = {{ M = \"men\" }}\n")),
        &["found `F`, which [data.levels] does not list"],
    );
}

/// Whatever the seed, a horseshoe passes the checks that speak of it.
#[test]
fn a_horseshoe_passes_its_checks_at_the_defaults() {
    let mut study = open("solvd-factors").expect("shipped");
    study.priors.factors.as_mut().expect("factors").interactions = Interactions::Horseshoe(Slab::default());
    study.priors.heterogeneity = Some(HeterogeneityPrior::HalfStudentT { df: 1.0, scale: 0.25 }.into());
    for seed in 1..=6 {
        let sampling = Sampling { seed, ..Sampling::default() };
        let report = analyse(&study, Options { sampling, ..sampler() });
        assert!(report.checks.ok && report.checks.importance.is_none(), "{:?}", report.checks.reasons);
    }
}
