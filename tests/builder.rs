//! A study built in code is the study of a model file that says the same, and may not be what that may not be.

use std::path::Path;

use crate::common::shipped::analysed;

use equipoise::error::{Error, ErrorKind};
use equipoise::input::{Reading, open, open_text, shipped};
use equipoise::posterior::{Measure, Options, analyse, analyse_watched};
use equipoise::report::fit_json;
use equipoise::study::distributions::{
    beta, exchangeable, fixed, flat, half_cauchy, half_normal, mixture, normal, student_t,
};
use equipoise::study::{
    ArmCounts, ArmLevels, Assignment, BaselineOf, Cutpoints, Data, Endpoint, HigherIs, LevelData, Part,
    PooledPriors, Pooling, PriorChanges, PriorPart, Priors, Problem, Scale, Shape, Study, StudyBuilder,
    SubgroupCounts, SubgroupLevels, Utilities,
};

/// The same study from its values alone.
fn rebuilt(study: &Study) -> Study {
    let (outcome, counts) = (study.outcome.clone(), matches!(study.data, Data::Counts(_)));
    let endpoint = if let Some(scale) = &outcome.levels {
        let above = scale.names[scale.primary].clone();
        let endpoint = Endpoint::ordinal(outcome.name, outcome.higher_is, scale.names.clone()).above(above);
        let endpoint = scale.utilities.iter().cloned().fold(endpoint, Endpoint::utilities);
        endpoint.called(outcome.event)
    } else if counts {
        Endpoint::events(outcome.name, outcome.higher_is).called(outcome.event)
    } else {
        Endpoint::estimates(outcome.name, outcome.scale, outcome.higher_is)
    };
    let mut builder = Study::builder(&study.title, study.assignment)
        .name(&study.name)
        .outcome(endpoint)
        .treatment(&study.treatment.name)
        .several_arms(study.treatment.control(), study.treatment.arms.iter().skip(1))
        .subgroup_name(&study.subgroup_name)
        .priors(pooled(study));
    builder = study.citation.iter().fold(builder, StudyBuilder::citation);
    builder = study.note.iter().fold(builder, StudyBuilder::note);
    builder = study.eligibility.iter().fold(builder, StudyBuilder::eligibility);
    builder = study.time_zero.iter().fold(builder, StudyBuilder::time_zero);
    builder = study.subgroup_plural.iter().fold(builder, StudyBuilder::subgroup_plural);
    if let Some(arms) = &study.priors.arms {
        builder = builder.related_arms(arms.related);
        builder = arms.between.iter().map(|p| p.distribution).fold(builder, StudyBuilder::between_arms);
        builder = arms.interaction.iter().map(|p| p.distribution).fold(builder, StudyBuilder::interaction);
    }
    if let (Some(factors), Some(assumed)) = (&study.factors, &study.priors.factors) {
        let of = factors.of.iter();
        let levels = of.map(|own| factors.all.iter().zip(own).map(|(f, &l)| f.levels[l].clone()));
        builder = builder.factors(factors.all.iter().map(|f| f.name.clone()), levels);
        builder = builder.interactions(assumed.interactions);
        let main = assumed.main_effects.iter().map(|p| p.distribution.clone());
        builder = main.fold(builder, StudyBuilder::main_effects);
    }
    if study.exhaustive {
        builder = builder.exhaustive();
    }
    if study.illustrative {
        builder = builder.illustrative();
    }
    builder = match &study.data {
        Data::Counts(rows) => rows.iter().cloned().fold(builder, StudyBuilder::counts),
        Data::Estimates(rows) => rows.iter().cloned().fold(builder, StudyBuilder::published),
        Data::Levels(levels) => by_level(levels).into_iter().fold(builder, StudyBuilder::levels),
    };
    if let Some(levels) = &study.priors.levels {
        builder = builder.cutpoints(levels.cutpoints).concentrations(levels.concentrations.clone());
        builder = levels.shift.iter().cloned().fold(builder, StudyBuilder::shift);
        let departure = levels.departure.iter().cloned();
        builder = departure.fold(builder, |builder, d| builder.departure(d.shape, d.prior));
    } else if let Some(baseline) = &study.priors.baseline {
        builder = builder.baseline(baseline.distribution.clone()).baseline_of(study.priors.baseline_of);
    }
    for named in &study.named {
        let from = named.external.as_ref().expect("shipped models name priors from other studies");
        let changes = PriorChanges::new().made_from(from.sources.clone(), from.weight);
        builder = builder.named(&named.name, changes);
    }
    builder = study.expected_odds_ratio.into_iter().fold(builder, StudyBuilder::expected_odds_ratio);
    for measure in [
        Measure::RiskDifference,
        Measure::HazardRatio,
        Measure::Difference,
        Measure::UtilityDifference,
        Measure::WinProbability,
    ] {
        builder = builder.thresholds(measure, study.thresholds.of(measure).iter().copied());
    }
    let (measure, t) = study.thresholds.primary.expect("shipped models say which size matters most");
    builder.primary(measure, t).build().expect("a study")
}

/// Every subgroup's patients by level.
fn by_level(levels: &LevelData) -> Vec<SubgroupLevels> {
    let arm = |g: usize, arm: usize, of: &ArmCounts| ArmLevels {
        levels: levels.patients(g, arm).to_vec(),
        missing: of.missing,
        source: of.source.clone(),
    };
    let row = |(g, row): (usize, &SubgroupCounts)| SubgroupLevels {
        name: row.name.clone(),
        arms: vec![arm(g, 0, row.control()), arm(g, 1, row.active())],
        citation: row.citation.clone(),
    };
    levels.counts().iter().enumerate().map(row).collect()
}

/// Its priors by their distributions: the words are made anew.
fn pooled(study: &Study) -> PooledPriors {
    let effect = study.priors.effect.distribution.clone();
    let heterogeneity = study.priors.heterogeneity.as_ref().map(|tau| tau.distribution);
    match (study.pooling, heterogeneity) {
        (Pooling::Partial, Some(tau)) => Priors::partial(effect, tau),
        (Pooling::None, Some(tau)) => Priors::none(effect, tau),
        (Pooling::Complete, None) => Priors::complete(effect),
        other => panic!("{other:?}"),
    }
}

/// All that a study holds, but where it was read from.
fn held(study: &Study) -> String {
    let nowhere = Study {
        name: String::new(),
        files: Vec::new(),
        text: String::new(),
        model_sha256: String::new(),
        data_sha256: String::new(),
        ..study.clone()
    };
    format!("{nowhere:#?}")
}

#[test]
fn every_shipped_model_built_in_code_is_the_study_of_its_file_and_reports_the_same() {
    for model in shipped() {
        let study = open(model.name).expect("a study");
        let built = rebuilt(&study);
        // What the builder does not take.
        let built = Study {
            bias: study.bias.clone(),
            model_sha256: study.model_sha256.clone(),
            data_sha256: study.data_sha256.clone(),
            ..built
        };
        assert_eq!(held(&built), held(&study), "{}", model.name);
        let ours = fit_json(&built, &analyse(&built, Options::exact()));
        // The file's own study is integrated already.
        let (_, usual) = &*analysed(model.name);
        let known = usual.integrals.clone();
        let theirs = fit_json(&study, &analyse_watched(&study, Options::exact(), known, &()).report);
        assert!(ours == theirs, "{}", model.name);
    }
}

#[test]
fn the_text_of_a_study_built_in_code_is_a_model_file_of_it() {
    let again = |study: &Study| open_text(&study.text, Path::new("again.toml"), Reading::default());
    for model in shipped() {
        let built = rebuilt(&open(model.name).expect("a study"));
        assert_eq!(held(&again(&built).expect("a study")), held(&built), "{}", model.name);
    }
    let quotes = "a \"quoted\"\nnote with \\ and\ta tab";
    let estimates = Study::builder("Estimates", Assignment::Observational)
        .outcome(Endpoint::estimates("relapse", Scale::LogHazardRatio, HigherIs::Worse))
        .arms("no", "yes")
        .note(quotes)
        .ratio("first", 0.81, (0.66, 0.99))
        .estimate("second", -1e-7, 0.3)
        .priors(Priors::none(student_t(4.0, 0.0, 0.5), half_cauchy(0.25)))
        .named("wide", PriorChanges::new().effect(normal(0.0, 2.0)).heterogeneity(fixed(0.0)))
        .thresholds(Measure::HazardRatio, [1.25, 1.1])
        .build()
        .expect("a study");
    let counts = base("Counts")
        .baseline(exchangeable(normal(-1.0, 1.5), half_normal(0.5)))
        .named("risk", PriorChanges::new().baseline(beta(4.0, 36.0)).baseline_of(BaselineOf::Control))
        .priors(Priors::partial(mixture([(0.75, -0.3, 0.2), (0.25, 0.0, 1.0)]), half_normal(0.5)))
        .build()
        .expect("a study");
    let levels = Study::builder("Levels", Assignment::Randomised)
        .outcome(
            Endpoint::ordinal("state", HigherIs::Worse, ["well \"enough\"", "ill", "dead"])
                .above("ill")
                .utilities(Utilities { values: vec![1.0, 0.35, -0.1], set: None }),
        )
        .arms("no", "yes")
        .group_by_level("first", [vec![8, 5, 2], vec![9, 3, 4]])
        .group_by_level("second", [vec![7, 0, 3], vec![5, 6, 1]])
        .priors(Priors::partial(normal(0.0, 0.5), half_normal(0.25)))
        .thresholds(Measure::WinProbability, [0.55])
        .thresholds(Measure::UtilityDifference, [0.05]);
    let shared = levels.clone().concentrations(vec![1.0, 2.0, 0.5]).shift(half_cauchy(0.5));
    let numbers = shared.clone().departure(Shape::Numbers(vec![0.0, 1.5]), student_t(4.0, 0.1, 0.3));
    let unconstrained = shared.clone().departure(Shape::Unconstrained, normal(0.0, 0.3));
    let apart = levels.cutpoints(Cutpoints::BySubgroup).concentrations(vec![0.4]);
    for built in [shared, numbers, unconstrained, apart].map(|b| b.build().expect("a study")) {
        assert_eq!(held(&again(&built).expect("a study")), held(&built));
    }
    for built in [estimates, counts] {
        assert_eq!(held(&again(&built).expect("a study")), held(&built));
    }
}

fn base(title: &str) -> StudyBuilder {
    Study::builder(title, Assignment::Randomised)
        .outcome(Endpoint::events("death", HigherIs::Worse))
        .arms("placebo", "drug")
        .group("men", [(30, 120), (19, 118)])
        .group("women", [(22, 95), (0, 99)])
        .priors(Priors::partial(normal(0.0, 0.355), half_normal(0.5)))
        .expected_odds_ratio(1.5)
        .thresholds(Measure::RiskDifference, [0.02, 0.05])
        .primary(Measure::RiskDifference, 0.05)
}

#[test]
fn what_is_not_said_is_as_in_a_model_file_that_does_not_say_it() {
    let study = base("A trial").build().expect("a study");
    let file = r#"title = "A trial"
        study = { assignment = "randomised" }
        outcome = { name = "death", kind = "binary", higher_is = "worse" }
        treatment = { name = "drug", control = "placebo", active = "drug" }
        library = { expected_odds_ratio = 1.5 }
        prior = { effect = "normal(0, 0.355)", heterogeneity = "half-normal(0.5)" }
        thresholds = { risk_difference = [0.02, 0.05], primary = { risk_difference = 0.05 } }
        [data]
        counts = [
          { subgroup = "men", control = { events = 30, total = 120 }, active = { events = 19, total = 118 } },
          { subgroup = "women", control = { events = 22, total = 95 }, active = { events = 0, total = 99 } },
        ]"#;
    let read = open_text(file, Path::new("trial.toml"), Reading::default()).expect("a study");
    assert_eq!(held(&study), held(&read));
    assert_eq!(study.name, "study");
    assert!(study.files.is_empty());
    // Two studies are never taken for one another.
    let other = base("Another trial").build().expect("a study");
    assert_ne!(study.model_sha256, other.model_sha256);
}

fn priors(part: PriorPart) -> Part {
    Part::Prior(part)
}

fn named(name: &str, part: PriorPart) -> Part {
    Part::Named { name: name.to_string(), part }
}

/// In code, and in the file that says the same, by what is put in place of what.
#[track_caller]
fn refused(built: StudyBuilder, (from, to): (&str, &str), part: &Part, kind: ErrorKind) {
    let problem: Problem = built.build().expect_err("a problem");
    assert_eq!((&problem.part, problem.kind), (part, kind), "{problem}");
    let file = base("A trial").build().expect("a study").text;
    assert!(file.contains(from), "{from}\n{file}");
    let error = open_text(&file.replacen(from, to, 1), Path::new("trial.toml"), Reading::default())
        .expect_err("an error");
    assert_eq!((error.message(), error.kind()), (problem.message.as_str(), kind));
    for help in &problem.help {
        assert!(error.to_string().contains(help), "{help}\n{error}");
    }
}

#[test]
fn what_a_file_may_not_say_a_builder_may_not_either() {
    use ErrorKind::{Limit, Missing, Rule, Value};
    let trial = || base("A trial");
    let long = "x".repeat(201);
    refused(base(" "), ("\"A trial\"", "\" \""), &Part::Title, Missing);
    refused(trial().arms("drug", "drug"), ("\"placebo\"", "\"drug\""), &Part::Arm(1), Rule);
    refused(
        trial().subgroup_name(&long),
        ("name = \"subgroup\"", &format!("name = \"{long}\"")),
        &Part::SubgroupName,
        Limit,
    );
    refused(trial().note("\u{7}"), ("[study]", "note = \"\\u0007\"\n[study]"), &Part::Description, Value);
    let more = "[[data.counts]]\nsubgroup = \"G\"\ncontrol = { events = E, total = 9 }\nactive = { events = 1, total = 9 }\n[model]";
    let row = |name: &str, events: &str| more.replace('G', name).replace('E', events);
    refused(
        trial().group("old", [(10, 9), (1, 9)]),
        ("[model]", &row("old", "10")),
        &Part::Cell { group: 2, arm: 0 },
        Rule,
    );
    refused(trial().group("men", [(1, 9), (1, 9)]), ("[model]", &row("men", "1")), &Part::Group(2), Rule);
    refused(trial().group("old ", [(1, 9), (1, 9)]), ("[model]", &row("old ", "1")), &Part::Group(2), Value);
    refused(trial().group("", [(1, 9), (1, 9)]), ("[model]", &row("", "1")), &Part::Group(2), Missing);

    let (effect, tau) = (normal(0.0, 0.355), half_normal(0.5));
    let of_effect = "effect = \"normal(0, 0.355)\"";
    for (prior, words, kind) in [
        (normal(0.0, 0.0), "normal(0, 0)", Value),
        (normal(20.0, 1.0), "normal(20, 1)", Value),
        (student_t(0.5, 0.0, 1.0), "student-t(0.5, 0, 1)", Value),
        (mixture([(0.5, 0.0, 1.0), (0.4, 0.0, 2.0)]), "0.5 * normal(0, 1) + 0.4 * normal(0, 2)", Value),
        (normal(f64::NAN, 1.0), "normal(NaN, 1)", Value),
    ] {
        let built = trial().priors(Priors::partial(prior, tau));
        refused(built, (of_effect, &format!("effect = \"{words}\"")), &priors(PriorPart::Effect), kind);
    }
    refused(
        trial().priors(Priors::partial(effect.clone(), half_normal(1e9))),
        ("half-normal(0.5)", "half-normal(1000000000)"),
        &priors(PriorPart::Heterogeneity),
        Value,
    );
    // Without pooling every subgroup needs an arm with both outcomes.
    refused(
        trial().group("none", [(0, 9), (0, 9)]).priors(Priors::none(flat(), tau)),
        ("[model]\npooling = \"partial\"\n\n[prior]\neffect = \"normal(0, 0.355)\"", &{
            let row = row("none", "0").replace("events = 1", "events = 0");
            format!("{row}\npooling = \"none\"\n\n[prior]\neffect = \"flat\"")
        }),
        &priors(PriorPart::Effect),
        Rule,
    );
    let of_baseline = "baseline = \"normal(0, 2.5)\"";
    for (prior, words) in
        [(flat(), "flat"), (beta(0.1, 3.0), "beta(0.1, 3)"), (normal(0.0, 1e-4), "normal(0, 0.0001)")]
    {
        let file = format!("baseline = \"{words}\"");
        refused(trial().baseline(prior), (of_baseline, &file), &priors(PriorPart::Baseline), Value);
    }

    let of_differences = |index| Part::Threshold { measure: Measure::RiskDifference, index };
    let listed = "[0.02, 0.05]";
    let more = |t| trial().thresholds(Measure::RiskDifference, [t]);
    refused(more(5.0), (listed, "[0.02, 0.05, 5]"), &of_differences(2), Value);
    refused(more(-0.1), (listed, "[0.02, 0.05, -0.1]"), &of_differences(2), Value);
    refused(more(0.02), (listed, "[0.02, 0.05, 0.02]"), &of_differences(2), Rule);
    let ratio = Part::Threshold { measure: Measure::OddsRatio, index: 0 };
    refused(
        trial().thresholds(Measure::OddsRatio, [0.8]),
        (listed, "[0.02, 0.05]\nodds_ratio = [0.8]"),
        &ratio,
        Value,
    );
    let hazard = Part::Threshold { measure: Measure::HazardRatio, index: 0 };
    refused(
        trial().thresholds(Measure::HazardRatio, [1.2]),
        (listed, "[0.02, 0.05]\nhazard_ratio = [1.2]"),
        &hazard,
        Rule,
    );
    refused(
        trial().primary(Measure::RiskDifference, 0.1),
        ("{ risk_difference = 0.05 }", "{ risk_difference = 0.1 }"),
        &Part::Primary,
        Rule,
    );
    refused(
        trial().expected_odds_ratio(0.8),
        ("expected_odds_ratio = 1.5", "expected_odds_ratio = 0.8"),
        &Part::ExpectedOddsRatio,
        Value,
    );

    let section = |name: &str, body: &str| format!("[priors.\"{name}\"]\n{body}\n[library]");
    let sceptic = || PriorChanges::new().effect(normal(0.0, 0.1));
    refused(
        trial().named("library", sceptic()),
        ("[library]", &section("library", "effect = \"normal(0, 0.1)\"")),
        &named("library", PriorPart::Name),
        Rule,
    );
    refused(
        trial().named("nothing", PriorChanges::new()),
        ("[library]", &section("nothing", "")),
        &named("nothing", PriorPart::Whole),
        Missing,
    );
    refused(
        trial().named("other", sceptic().baseline_of(BaselineOf::Control)),
        ("[library]", &section("other", "effect = \"normal(0, 0.1)\"\nbaseline_of = \"control\"")),
        &named("other", PriorPart::BaselineOf),
        Rule,
    );
    let shipped = open("blocker").expect("a study");
    refused(
        trial().named("cohorts", PriorChanges::new().made_from([shipped.clone()], 2.0)),
        ("[library]", &section("cohorts", "from = [\"blocker\"]\nweight = 2")),
        &named("cohorts", PriorPart::Weight),
        Value,
    );
    refused(
        trial().named("twice", PriorChanges::new().made_from([shipped.clone(), shipped], 0.5)),
        ("[library]", &section("twice", "from = [\"blocker\", \"blocker\"]\nweight = 0.5")),
        &named("twice", PriorPart::Source(1)),
        Rule,
    );
}

#[test]
fn what_only_a_builder_can_leave_out_is_missed() {
    let begun = || Study::builder("A trial", Assignment::Randomised);
    let of = |built: StudyBuilder| {
        let problem = built.build().expect_err("a problem");
        (problem.part, problem.kind)
    };
    let missing = ErrorKind::Missing;
    assert_eq!(of(begun()), (Part::Outcome, missing));
    let events = || begun().outcome(Endpoint::events("death", HigherIs::Worse));
    assert_eq!(of(events()), (Part::Arm(0), missing));
    let armed = || events().arms("placebo", "drug");
    assert_eq!(of(armed()), (Part::Groups, missing));
    let grouped = || armed().group("men", [(30, 120), (19, 118)]);
    assert_eq!(of(grouped()), (priors(PriorPart::Effect), missing));
    assert_eq!(of(armed().estimate("men", 0.1, 0.2)), (Part::Groups, ErrorKind::Rule));
    let huge = armed().group("men", [(30, u64::MAX), (19, 118)]);
    assert_eq!(of(huge), (Part::Cell { group: 0, arm: 0 }, ErrorKind::Limit));
    let sceptic = PriorChanges::new().effect(normal(0.0, 0.1));
    let twice = base("A trial").named("a", sceptic.clone()).named("a", sceptic);
    assert_eq!(of(twice), (named("a", PriorPart::Name), ErrorKind::Rule));
}

#[test]
fn an_error_says_what_sort_of_thing_is_wrong() {
    let file = base("A trial").build().expect("a study").text;
    let of = |from: &str, to: &str| {
        assert!(file.contains(from), "{from}");
        let error: Error =
            open_text(&file.replacen(from, to, 1), Path::new("trial.toml"), Reading::default())
                .expect_err("an error");
        error.kind()
    };
    assert_eq!(of("[study]", "[study"), ErrorKind::Syntax);
    assert_eq!(of("normal(0, 0.355)", "normal(0, 0.355"), ErrorKind::Syntax);
    assert_eq!(of("[treatment]", "[treatments]"), ErrorKind::Unknown);
    assert_eq!(of("half-normal(0.5)", "half-gauss(0.5)"), ErrorKind::Unknown);
    assert_eq!(of("higher_is = \"worse\"\n", ""), ErrorKind::Missing);
    assert_eq!(of("heterogeneity = \"half-normal(0.5)\"\n", ""), ErrorKind::Missing);
    assert_eq!(of("events = 30", "events = -30"), ErrorKind::Value);
    assert_eq!(of("pooling = \"partial\"", "pooling = \"complete\""), ErrorKind::Rule);
    assert_eq!(open("no-such-model").expect_err("an error").kind(), ErrorKind::Unknown);
    assert_eq!(open(env!("CARGO_MANIFEST_DIR")).expect_err("an error").kind(), ErrorKind::File);
    let problem = base("").build().expect_err("a problem");
    assert_eq!(Error::from(problem).kind(), ErrorKind::Missing);
}
