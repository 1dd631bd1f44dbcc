//! Several active arms: against an independent program, the exact engine where one arm is empty, differences of the gradient, and
//! calibration.

use std::fs;

use serde_json::Value;

use crate::common::calibration::{DRAWS, Uniformity};
use crate::common::folder::Folder;
use crate::common::linear::{ranks, slopes_are_differences};
use crate::common::sampler;
use equipoise::decide::{ActionRow, decide};
use equipoise::density::LogDensity;
use equipoise::input::{open, open_decision};
use equipoise::model::{
    ArmsModel, Cell, Coefficient, HeterogeneityPrior, Linear, LinearDensity, LocationPrior, Resembling, Seen,
};
use equipoise::posterior::{
    Arms, Engine, Estimand, Estimate, Measure, Options, Parameter, Report, Sampling, Statement, Whom,
    analyse, arm_pairs,
};
use equipoise::sampler::{Settings, extend, start};
use equipoise::study::distributions::{fixed, flat, half_normal, normal};
use equipoise::study::{
    Assignment, BaselineOf, BaselinePrior, Endpoint, HigherIs, PooledPriors, Priors, RelatedArms, Study,
    StudyBuilder,
};

fn priors(effect: (f64, f64), tau: f64) -> PooledPriors {
    Priors::partial(normal(effect.0, effect.1), half_normal(tau))
}

/// The studies of tests/reference/arms.py.
fn referenced(name: &str) -> Study {
    let study = Study::builder(name, Assignment::Randomised).several_arms("control", ["a", "b"]);
    let study = match name {
        "exchangeable" => study
            .outcome(Endpoint::events("death", HigherIs::Worse))
            .group_of_arms("first", [(12, 40), (7, 38), (5, 21)])
            .group_of_arms("second", [(9, 25), (4, 30), (0, 12)])
            .priors(priors((0.0, 0.5), 0.5))
            .between_arms(half_normal(0.4))
            .interaction(half_normal(0.3))
            .baseline(normal(0.0, 1.5)),
        _ => study
            .outcome(Endpoint::events("recovery", HigherIs::Better))
            .group_of_arms("first", [(20, 45), (30, 50), (22, 41)])
            .group_of_arms("second", [(14, 33), (12, 31), (19, 29)])
            .group_of_arms("third", [(8, 30), (9, 28), (14, 33)])
            .related_arms(RelatedArms::Separate)
            .priors(priors((0.1, 0.6), 0.4))
            .interaction(half_normal(0.2))
            .baseline_of(BaselineOf::Control)
            .baseline(BaselinePrior::Exchangeable {
                mean: LocationPrior::normal(0.0, 1.0),
                sd: HeterogeneityPrior::HalfNormal { scale: 0.7 },
            }),
    };
    study.build().expect("a study")
}

fn whom(name: &str) -> Whom {
    name.parse().map_or(Whom::Overall, Whom::Subgroup)
}

fn row(report: &Report, whom: Whom, measure: Measure, arms: Arms) -> &Estimate {
    report.estimate(Estimand::new(whom, measure).of_arms(arms)).expect("a row")
}

fn chance(report: &Report, estimand: Estimand, statement: Statement, threshold: f64) -> (f64, f64) {
    let row = report.probability(estimand, statement, threshold).expect("a row");
    (row.probability.expect("a number"), row.mcse.unwrap_or(1.5 / row.ess.unwrap_or(1e4)))
}

#[test]
fn three_arms_are_what_an_independent_program_finds() {
    let text = fs::read_to_string("tests/reference/arms.json").expect("reference values");
    let reference: Value = serde_json::from_str(&text).expect("JSON");
    let (mut compared, mut far) = (0, 0);
    for (study, found) in reference.as_object().expect("studies") {
        let options =
            Options { sampling: Sampling { draws: Some(10_000), ..Sampling::default() }, ..sampler() };
        let report = analyse(&referenced(study), options);
        assert!(report.checks.ok, "{:?}", report.checks.reasons);
        for (name, value) in found.as_object().expect("numbers") {
            let words: Vec<&str> = name.split(' ').collect();
            let arm = |k: usize| words[k].parse::<usize>().expect("an arm");
            let of_row = |row: &Estimate| {
                let r = row.reported;
                (r.mean.expect("a mean"), r.mcse_mean.expect("its error"))
            };
            let parameter = |key: Parameter| {
                let r = report.parameter(key).expect("a parameter").reported;
                (r.mean.expect("a mean"), r.mcse_mean.expect("its error"), r.sd.expect("a deviation"))
            };
            let mean_of = |key| {
                let (mean, error, _) = parameter(key);
                (mean, error)
            };
            let (mine, error) = match words[..] {
                ["risk", of, _] => of_row(row(&report, whom(of), Measure::Risk, Arms::One(arm(2)))),
                ["difference", of, ..] => {
                    let arms = Arms::Pair(arm(2), arm(3));
                    of_row(row(&report, whom(of), Measure::RiskDifference, arms))
                }
                ["best", of, _] => {
                    let estimand = Estimand::new(whom(of), Measure::Rank).of_arms(Arms::One(arm(2)));
                    chance(&report, estimand, Statement::Best, 1.0)
                }
                ["benefit", of, ..] => {
                    let arms = Arms::Pair(arm(2), arm(3));
                    let estimand = Estimand::new(whom(of), Measure::RiskDifference).of_arms(arms);
                    chance(&report, estimand, Statement::Benefit, 0.0)
                }
                ["theta", "squared", _, _] => {
                    let (mean, error, sd) = parameter(Parameter::ThetaOf(arm(2), arm(3)));
                    (mean * mean + sd * sd, 3.0 * error * (mean.abs() + sd))
                }
                ["theta", ..] => mean_of(Parameter::ThetaOf(arm(1), arm(2))),
                ["sd", "tau"] => mean_of(Parameter::Tau),
                ["sd", "arms"] => mean_of(Parameter::TauArms),
                ["sd", "interaction"] => mean_of(Parameter::TauInteraction),
                ["sd", "baselines"] => mean_of(Parameter::BaselineSd),
                _ => panic!("what is {name}?"),
            };
            let number = |k: usize| value[k].as_f64().expect("a number");
            let z = (mine - number(0)) / error.hypot(number(1));
            assert!(z.abs() < 4.5, "{study}, {name}: {mine} and {}, z = {z:.1}", number(0));
            compared += 1;
            far += usize::from(z.abs() > 2.0);
        }
    }
    assert!(compared > 100, "{compared}");
    // As many as chance allows, and correlated numbers.
    assert!(far as f64 <= 0.12 * f64::from(compared), "{far} of {compared}");
}

/// Two arms, or three of which the last has no patients.
fn with_an_empty_arm(empty: bool) -> Study {
    let counts =
        [("first", [(12, 40), (7, 38)]), ("second", [(9, 25), (4, 30)]), ("third", [(0, 20), (3, 22)])];
    let start = Study::builder("an arm without patients", Assignment::Randomised)
        .outcome(Endpoint::events("death", HigherIs::Worse))
        .baseline_of(BaselineOf::Control)
        .baseline(normal(-0.5, 1.0))
        .priors(priors((0.0, 0.5), 0.5));
    let group = |study: StudyBuilder, (name, [control, active]): (&str, [(u64, u64); 2])| match empty {
        true => study.group_of_arms(name, [control, active, (0, 0)]),
        false => study.group(name, [control, active]),
    };
    let start = match empty {
        true => start
            .several_arms("control", ["a", "b"])
            .related_arms(RelatedArms::Separate)
            .interaction(fixed(0.0)),
        false => start.arms("control", "a"),
    };
    counts.into_iter().fold(start, group).build().expect("a study")
}

#[test]
fn beside_an_empty_arm_two_are_what_the_exact_engine_finds() {
    let options = Options { sampling: Sampling { draws: Some(10_000), ..Sampling::default() }, ..sampler() };
    let three = analyse(&with_an_empty_arm(true), options);
    let two = analyse(&with_an_empty_arm(false), Options::exact());
    assert!(three.checks.ok, "{:?}", three.checks.reasons);
    let mut compared = 0;
    for g in 0..3 {
        for measure in [Measure::OddsRatio, Measure::RiskDifference, Measure::RiskRatio] {
            let whom = Whom::Subgroup(g);
            let exact = two.estimate(Estimand::new(whom, measure)).and_then(Estimate::best).expect("exact");
            let sampled = row(&three, whom, measure, Arms::Pair(1, 0)).reported;
            let errors = sampled.mcse_quantiles.expect("errors");
            for (k, (mine, exact)) in
                [(sampled.median, exact.median), (sampled.q2_5, exact.q2_5), (sampled.q97_5, exact.q97_5)]
                    .into_iter()
                    .enumerate()
            {
                let z = (mine.expect("a number") - exact) / errors[k];
                assert!(z.abs() < 4.5, "{g} {measure:?}: {mine:?} {exact}, z = {z:.1}");
                compared += 1;
            }
        }
        let of = Estimand::new(Whom::Subgroup(g), Measure::OddsRatio);
        let exact = two.probability(of, Statement::Benefit, 1.0).and_then(|p| p.exact).expect("exact");
        let (mine, error) = chance(&three, of.of_arms(Arms::Pair(1, 0)), Statement::Benefit, 1.0);
        assert!((mine - exact).abs() < 4.5 * error, "{mine} {exact}");
    }
    let tau = two.parameter(Parameter::Tau).and_then(|p| p.exact).and_then(|s| s.mean).expect("exact");
    let sampled = three.parameter(Parameter::Tau).expect("τ").reported;
    let z = (sampled.mean.expect("a mean") - tau) / sampled.mcse_mean.expect("an error");
    assert!(z.abs() < 4.5, "τ: z = {z:.1}");
    assert_eq!(compared, 27);
}

#[test]
fn slopes_are_differences_of_the_density() {
    let studies = [referenced("exchangeable"), referenced("separate"), open("actg175").expect("shipped")];
    for study in studies {
        let model = ArmsModel::of(&study).expect("several arms");
        slopes_are_differences(&model.linear, &study.title);
    }
}

#[test]
fn several_arms_are_calibrated() {
    const REPLICATIONS: usize = 500;
    let uniformity = Uniformity::new(REPLICATIONS, DRAWS);
    let mut without_events = referenced("exchangeable");
    without_events.priors.baseline =
        Some(BaselinePrior::Independent(LocationPrior::normal(-2.5, 0.7)).into());
    for study in [referenced("exchangeable"), referenced("separate"), without_events] {
        let model = ArmsModel::of(&study).expect("several arms").linear;
        let rows = ranks(&model, REPLICATIONS, 0.8);
        let quantities = rows[0].len();
        let level = 1e-3 / (3 * quantities) as f64;
        for k in 0..quantities {
            let p = uniformity.p_value(&rows.iter().map(|row| row[k]).collect::<Vec<usize>>());
            assert!(p > level, "{}, quantity {k}: p = {p:.1e}", study.title);
        }
    }
}

#[test]
fn estimates_are_drawn_from_their_closed_form() {
    // b ~ N(0.2, 0.5²), estimates 0.7 and 0.1 of b and of b + c, c ~ N(0, 0.3²), errors 0.2 and 0.4.
    let cell = |of: Vec<(usize, f64)>, estimate: f64, se: f64| Cell {
        of,
        seen: Seen::Estimate { estimate, precision: 1.0 / (se * se) },
    };
    let model = Linear {
        coefficients: vec![Coefficient::Scaled(0), Coefficient::Located(LocationPrior::normal(0.2, 0.5))],
        scales: vec![HeterogeneityPrior::Fixed { value: 0.3 }.into()],
        cells: vec![cell(vec![(1, 1.0)], 0.7, 0.2), cell(vec![(0, 1.0), (1, 1.0)], 0.1, 0.4)],
        rows: None,
        resembling: Resembling::Cells,
    };
    let density = LinearDensity::new(&model);
    let mut chains = start(&density, density.middle(), &Settings::default(), &()).expect("a start");
    extend(&mut chains, 20_000, &());
    let mut scratch = density.scratch();
    let draws: Vec<f64> = chains
        .iter()
        .flat_map(|c| c.draws.chunks(density.dim()))
        .map(|q| density.at(q, &mut scratch).coefficients[1])
        .collect();
    let precision = 1.0 / 0.25 + 1.0 / 0.04 + 1.0 / 0.25;
    let mean = (0.2 / 0.25 + 0.7 / 0.04 + 0.1 / 0.25) / precision;
    let n = draws.len() as f64;
    let found = draws.iter().sum::<f64>() / n;
    let variance = draws.iter().map(|x| (x - found) * (x - found)).sum::<f64>() / n;
    assert!((found - mean).abs() < 4.0 * (1.0 / precision / n).sqrt(), "{found} {mean}");
    assert!((variance * precision - 1.0).abs() < 0.03, "{variance} {}", 1.0 / precision);
}

fn options(draws: usize, seed: u64) -> Options {
    Options { sampling: Sampling { draws: Some(draws), seed, ..Sampling::default() }, ..sampler() }
}

#[test]
fn arms_in_another_order_are_the_same_arms() {
    let study = open("actg175").expect("shipped");
    let mut turned = study.clone();
    turned.treatment.arms[1..].reverse();
    if let equipoise::study::Data::Counts(rows) = &mut turned.data {
        rows.iter_mut().for_each(|row| row.arms[1..].reverse());
    }
    let (one, other) = (analyse(&study, options(4_000, 1)), analyse(&turned, options(4_000, 2)));
    let place = |a: usize| if a == 0 { 0 } else { 4 - a };
    for g in 0..3 {
        for a in 0..4 {
            let of = |a| Estimand::new(Whom::Subgroup(g), Measure::Rank).of_arms(Arms::One(a));
            let (p, e) = chance(&one, of(a), Statement::Best, 1.0);
            let (q, f) = chance(&other, of(place(a)), Statement::Best, 1.0);
            assert!((p - q).abs() < 4.5 * e.hypot(f), "{g} {a}: {p} {q}");
        }
    }
}

#[test]
fn a_flipped_outcome_has_the_same_best_arms() {
    // Events for non-events, better for worse: no conclusion changes, whatever the baseline's prior, which is symmetric here.
    let study = open("attention-ras-technique").expect("shipped");
    let mut flipped = study.clone();
    flipped.outcome.higher_is = HigherIs::Worse;
    if let equipoise::study::Data::Counts(rows) = &mut flipped.data {
        rows.iter_mut().flat_map(|row| &mut row.arms).for_each(|arm| arm.events = arm.total - arm.events);
    }
    let (one, other) = (analyse(&study, options(4_000, 1)), analyse(&flipped, options(4_000, 2)));
    for (whom, a) in [Whom::Subgroup(0), Whom::Subgroup(1), Whom::Overall]
        .into_iter()
        .flat_map(|w| (0..4).map(move |a| (w, a)))
    {
        let best = Estimand::new(whom, Measure::Rank).of_arms(Arms::One(a));
        let (p, e) = chance(&one, best, Statement::Best, 1.0);
        let (q, f) = chance(&other, best, Statement::Best, 1.0);
        assert!((p - q).abs() < 4.5 * e.hypot(f), "{whom:?} {a}: {p} {q}");
    }
    for (arm, against) in arm_pairs(4) {
        let of = Estimand::new(Whom::Overall, Measure::RiskDifference).of_arms(Arms::Pair(arm, against));
        let (p, e) = chance(&one, of, Statement::BenefitAtLeast, 0.05);
        let (q, f) = chance(&other, of, Statement::BenefitAtLeast, 0.05);
        assert!((p - q).abs() < 4.5 * e.hypot(f), "{arm} {against}: {p} {q}");
    }
}

#[test]
fn ranks_are_probabilities_of_a_whole() {
    let report = analyse(&open("attention-ras-technique").expect("shipped"), options(1_000, 1));
    for whom in [Whom::Subgroup(0), Whom::Subgroup(1), Whom::Overall] {
        let of = |a| Estimand::new(whom, Measure::Rank).of_arms(Arms::One(a));
        let p = |a, rank: usize| chance(&report, of(a), Statement::Ranked, rank as f64).0;
        for k in 0..4 {
            let (by_arm, by_rank): (f64, f64) =
                ((1..=4).map(|rank| p(k, rank)).sum(), (0..4).map(|a| p(a, k + 1)).sum());
            assert!((by_arm - 1.0).abs() < 1e-12 && (by_rank - 1.0).abs() < 1e-12, "{by_arm} {by_rank}");
            let mean: f64 = (1..=4).map(|rank| rank as f64 * p(k, rank)).sum();
            let row = report.estimate(of(k)).and_then(|row| row.reported.mean).expect("a mean rank");
            assert!((row - mean).abs() < 1e-12);
            assert_eq!(chance(&report, of(k), Statement::Best, 1.0).0, p(k, 1));
        }
    }
}

#[test]
fn what_several_arms_may_not_be_is_said() {
    let start = || {
        Study::builder("arms", Assignment::Randomised)
            .outcome(Endpoint::events("death", HigherIs::Worse))
            .several_arms("control", ["a", "b"])
            .priors(priors((0.0, 0.5), 0.5))
    };
    let says = |study: StudyBuilder, message: &str| {
        let problem = study.build().expect_err("a problem");
        assert_eq!(problem.message, message);
    };
    let counts = [(12, 40), (7, 38), (5, 21)];
    says(start().group_of_arms("first", [(12, 40), (7, 38)]), "subgroup `first` has counts of 2 arms, of 3");
    says(
        start().several_arms("control", ["a", "control"]).group_of_arms("first", counts),
        "two arms are called `control`",
    );
    says(
        start().related_arms(RelatedArms::Separate).between_arms(half_normal(0.5)).group_of_arms("f", counts),
        "a prior of the spread between arms that are separate",
    );
    says(
        start().priors(Priors::complete(normal(0.0, 1.0))).group_of_arms("f", counts),
        "the prior of the spread between arms is missing",
    );
    says(
        start()
            .priors(Priors::partial(flat(), half_normal(0.5)))
            .group_of_arms("f", [(0, 40), (7, 38), (5, 21)]),
        "with a flat effect prior these data give no posterior",
    );
    let one_arm = Study::builder("arms", Assignment::Randomised)
        .outcome(Endpoint::events("death", HigherIs::Worse))
        .arms("control", "a")
        .group("first", [(1, 10), (2, 11)])
        .priors(priors((0.0, 0.5), 0.5));
    says(one_arm.interaction(half_normal(0.5)), "a prior of an interaction of arms");
    let empty = start().group_of_arms("first", [(12, 40), (7, 38), (0, 0)]).build().expect("a study");
    assert!(empty.notices.iter().any(|n| n.contains("first: no patients had b")), "{:?}", empty.notices);
}

/// A model file of three arms with these data.
fn file(data: &str) -> String {
    format!(
        "title = \"t\"\n[study]\nassignment = \"randomised\"\n[outcome]\nname = \"death\"\nkind = \"binary\"\nhigher_is = \"worse\"\n[treatment]\nname = \"drug\"\ncontrol = \"placebo\"\narms = [\"low\", \"high\"]\n[subgroup]\nname = \"sex\"\n{data}\n[prior]\neffect = \"normal(0, 0.5)\"\nheterogeneity = \"half-normal(0.5)\"\n"
    )
}

const PATIENTS: &str = "[data]\nfile = \"rows.csv\"\nrows = \"patients\"\nmissing = \"drop\"\ncolumns = { outcome = \"dead\", treatment = \"dose\", subgroup = \"sex\" }\nlevels = { control = 0, arms = { low = 1, high = [2, 3] } }";
const COUNTS: &str = "[data]\nfile = \"table.csv\"\nrows = \"counts\"\ncolumns = { subgroup = \"sex\", arm = \"dose\", events = \"dead\", total = \"all\" }";
const INLINE: &str = "[[data.counts]]\nsubgroup = \"f\"\ncontrol = { events = 2, total = 3 }\narms = { low = { events = 1, total = 2 }, high = { events = 0, total = 2 } }\n[[data.counts]]\nsubgroup = \"m\"\ncontrol = { events = 0, total = 1 }\narms = { high = { events = 1, total = 1 }, low = { events = 1, total = 2 } }";

#[test]
fn patients_a_table_and_counts_are_the_same_study() {
    let folder = Folder::new();
    folder.write(
        "rows.csv",
        "dead,dose,sex\n1,0,f\n1,0,f\n0,0,f\n1,1,f\n0,1,f\n0,2,f\n0,3,f\n0,0,m\n1,1,m\n0,1,m\n1,3,m\n1,9,m\n",
    );
    folder.write("table.csv", "sex,dose,dead,all\nf,placebo,2,3\nf,low,1,2\nf,high,0,2\nm,high,1,1\nm,placebo,0,1\nm,low,1,2\nm,another,1,1\n");
    for (name, data) in [("rows.toml", PATIENTS), ("table.toml", COUNTS), ("inline.toml", INLINE)] {
        folder.write(name, file(data));
    }
    let counts = |name: &str| {
        let study = open(folder.at().join(name)).expect("a study");
        let rows = study.data.counts().expect("counts").iter();
        rows.map(|row| (row.name.clone(), row.arms.iter().map(|a| (a.events, a.total)).collect::<Vec<_>>()))
            .collect::<Vec<_>>()
    };
    assert_eq!(counts("rows.toml"), counts("inline.toml"));
    assert_eq!(counts("table.toml"), counts("inline.toml"));
    assert!(folder.says(&["check", "rows.toml"]).contains("1 of other arms (1 of `9`)"));
}

#[test]
fn the_model_file_that_the_book_shows_is_fitted() {
    let page = fs::read_to_string("docs/src/arms.md").expect("a page");
    let (_, rest) = page.split_once("```toml\n").expect("a model file");
    let (text, _) = rest.split_once("```").expect("its end");
    let folder = Folder::new();
    folder.write("doses.toml", text);
    assert!(folder.says(&["fit", "doses.toml"]).contains("high dose"));
}

#[test]
fn bad_arms_are_told_where_they_stand() {
    let folder = Folder::new();
    let refuses = |text: &str, told: &[&str]| {
        folder.write("m.toml", text);
        folder.refuses(&["fit", "m.toml"], told);
    };
    let good = file(INLINE);
    let with = |from: &str, to: &str| good.replacen(from, to, 1);
    refuses(
        &with("low = { events = 1", "lowe = { events = 1"),
        &["there is no active arm `lowe`", "did you mean `low`?"],
    );
    refuses(
        &with("arms = [\"low\", \"high\"]", "active = \"low\"\narms = [\"low\", \"high\"]"),
        &["[treatment] has both `active` and `arms`"],
    );
    refuses(&with("arms = [\"low\", \"high\"]", "arms = [\"low\"]"), &["`arms` has 1 names"]);
    refuses(&with("arms = [\"low\", \"high\"]\n", ""), &["`active` is missing from [treatment]"]);
    refuses(
        &with("arms = [\"low\", \"high\"]", "active = \"low\""),
        &["`arms` of counts, and there is one active arm"],
    );
    refuses(&with(", high = { events = 0, total = 2 } }", " }"), &["subgroup `f` has no `high` arm"]);
    refuses(
        &with("low = { events = 1, total = 2 }, high", "low = { events = 3, total = 2 }, high"),
        &["3 events among 2 patients"],
    );
    folder.write("m.toml", &good);
    folder.refuses(&["compare", "m.toml"], &["`compare` is of two arms"]);
    folder.refuses(&["report", "m.toml"], &["a page is of two arms"]);
    folder.refuses(&["fit", "m.toml", "--engine", "exact"], &["the exact engine has two arms"]);
}

#[test]
fn what_arms_are_worth_follows_from_their_risks() {
    const ONE: &str = "[decision]\nquestion = \"Which regimen?\"\n\n[[outcome]]\nmodel = \"actg175\"\nutility = { event = 0.6, no_event = 1 }\n";
    const COSTS: &str = "\n[costs]\nunit = \"EUR\"\nper_utility = 1000\nactions = { \"+ didanosine\" = 50, zidovudine = 5 }\n";
    const AGAIN: &str = "\n[[outcome]]\nmodel = \"actg175\"\nname = \"again\"\ndisutility = 0.2\n";
    let folder = Folder::new();
    let report = analyse(&open("actg175").expect("shipped"), Options::default());
    let decided = |text: String| {
        folder.write("d.toml", text);
        let decision = open_decision(folder.at().join("d.toml")).expect("a decision");
        decide(&decision, Sampling::default()).expect("decided")
    };
    let risk = |row: &ActionRow| {
        let whom = match &row.population.subgroup {
            Some(name) => Whom::Subgroup(report.names.place(name).expect("a subgroup")),
            None => Whom::Overall,
        };
        let arm = report.names.arms.iter().position(|name| *name == row.action).expect("an arm");
        let mean = self::row(&report, whom, Measure::Risk, Arms::One(arm)).reported.mean.expect("a mean");
        (whom, arm, mean)
    };
    let one = decided(ONE.to_string());
    assert_eq!((one.actions.len(), one.evpi.len()), (4 * 4, 4));
    for row in &one.actions {
        let (whom, arm, mean) = risk(row);
        assert!((row.expected_utility.expect("worth") - (1.0 - 0.4 * mean)).abs() < 1e-12);
        // Fewer events are better and worth more: the same draws say which arm is best.
        let best = Estimand::new(whom, Measure::Rank).of_arms(Arms::One(arm));
        assert_eq!(row.probability_best, Some(chance(&report, best, Statement::Best, 1.0).0));
        assert_eq!(
            (row.probability_best_low, row.probability_best_high),
            (row.probability_best, row.probability_best)
        );
    }
    for evpi in &one.evpi {
        let here = one.actions.iter().filter(|row| row.population == evpi.population);
        let least = here.clone().filter_map(|row| row.expected_loss).fold(f64::INFINITY, f64::min);
        assert_eq!(evpi.evpi, Some(least));
        assert_eq!(here.filter(|row| row.chosen == Some(true)).count(), 1);
    }
    let cost = |row: &ActionRow| match row.action.as_str() {
        "+ didanosine" => 0.05,
        "zidovudine" => 0.005,
        _ => 0.0,
    };
    for (row, before) in decided(format!("{ONE}{COSTS}")).actions.iter().zip(&one.actions) {
        let change = before.expected_utility.expect("worth") - row.expected_utility.expect("worth");
        assert!((change - cost(row)).abs() < 1e-12, "{}: {change}", row.action);
    }
    let two = decided(format!("{ONE}{AGAIN}"));
    // Of all patients together only one outcome is told.
    assert_eq!(two.actions.len(), 3 * 4);
    for row in &two.actions {
        let (.., mean) = risk(row);
        // The second outcome's draws have a seed of their own: four of some 0.0005.
        assert!((row.expected_utility.expect("worth") - (1.0 - 0.6 * mean)).abs() < 0.002);
        assert!(row.probability_best.is_some() && row.probability_best_low.is_none());
    }
    assert!(two.evpi.iter().all(|row| row.evpi.is_some() && row.evpi_high.is_none()));
}

#[test]
fn the_exact_engine_alone_has_no_several_arms() {
    let options = Options { engine: Engine::Exact, ..Options::default() };
    let report = analyse(&open("actg175").expect("shipped"), options);
    assert!(!report.checks.ok && !report.checks.exact.available);
    assert!(report.settings.sampler.is_none() && report.estimates.iter().all(|row| row.best().is_none()));
    let reason = &report.checks.reasons[0];
    assert!(reason.contains("the exact engine has two arms"), "{reason}");
}
