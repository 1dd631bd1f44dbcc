//! Reporting checklists, filled in by what the run knows; what it does not know is "not stated".

mod grade;
mod target;

use serde::Serialize;

use super::super::numbers::plain;
use super::super::observations;
use super::super::passage::Table;
use super::super::weighting;
use super::super::words::{all_priors, test_name};
use super::Shown;
use crate::decide::{Discussion, InteractionTest, interaction_test};
use crate::study::{Assignment, Decision, Study};

/// A checklist: what it asks, and what the run has to say.
#[derive(Serialize)]
pub struct Sheet {
    name: &'static str,
    about: &'static str,
    table: Table,
}

impl Sheet {
    fn new(name: &'static str, about: &'static str, items: Vec<Item>) -> Sheet {
        let header = ["Item", "This run"].map(str::to_string).to_vec();
        let rows = items.into_iter().map(|i| vec![i.question.to_string(), i.answer]).collect();
        Sheet { name, about, table: Table { header, rows, ..Table::default() } }
    }
}

struct Item {
    question: &'static str,
    answer: String,
}

const NOT_STATED: &str = "not stated";

fn item(question: &'static str, answer: impl Into<String>) -> Item {
    Item { question, answer: answer.into() }
}

/// Those of a decision: from evidence to decision.
pub fn of_decision(decision: &Decision, d: &Discussion) -> Vec<Sheet> {
    vec![grade::to_decision(decision, d)]
}

/// ROBUST, BARG, where there are subgroups to compare ICEMAN, GRADE, and of observational studies TARGET.
pub fn of_study(study: &Study, shown: Option<&Shown<'_>>) -> Vec<Sheet> {
    let mut all = vec![robust(study, shown), barg(study, shown)];
    all.extend(iceman(study));
    all.push(grade::certainty(study, shown));
    if study.weighting.is_some() {
        let rows = weighting::reviewers(study).into_iter().map(|[question, answer]| vec![question, answer]);
        let header = ["Item", "This run"].map(str::to_string).to_vec();
        all.push(Sheet {
            name: "What reviewers ask of a propensity",
            about: "In our words, after checklists for analyses by propensity scores: what was done, and what only the authors can say.",
            table: Table { header, rows: rows.collect(), ..Table::default() },
        });
    }
    if study.assignment == Assignment::Observational {
        all.push(target::target(study, shown.is_some()));
    }
    all
}

fn engine(shown: Option<&Shown<'_>>) -> String {
    let Some(shown) = shown else { return "the run did not pass its checks".to_string() };
    match &shown.report.settings.sampler {
        Some(s) if !shown.report.checks.exact.available => {
            let opinion = match &shown.report.checks.importance {
                Some(i) if i.is_trusted() => ", held against importance sampling",
                _ => "",
            };
            format!("the No-U-Turn sampler ({} chains of {} draws){opinion}", s.chains, s.draws)
        }
        Some(s) => format!(
            "numerical integration and the No-U-Turn sampler ({} chains of {} draws), held against each other",
            s.chains, s.draws
        ),
        None => "numerical integration".to_string(),
    }
}

fn sensitivity(study: &Study, shown: Option<&Shown<'_>>) -> String {
    shown.map_or_else(
        || NOT_STATED.to_string(),
        |s| {
            format!(
                "{} further priors{}; see Under another prior",
                s.others.priors.len().saturating_sub(1),
                if study.undivided { "" } else { ", and the scale of the heterogeneity prior varied" }
            )
        },
    )
}

fn results(shown: Option<&Shown<'_>>, what: &str) -> String {
    if shown.is_some() { what.to_string() } else { "none: the run did not pass its checks".to_string() }
}

/// Sung et al., J Clin Epidemiol 2005;58:261.
fn robust(study: &Study, shown: Option<&Shown<'_>>) -> Sheet {
    Sheet::new(
        "ROBUST",
        "reporting of Bayes used in clinical studies (J Clin Epidemiol 2005;58:261)",
        vec![
            item("Prior distribution: specified", all_priors(study)),
            item("Prior distribution: justified", NOT_STATED),
            item("Prior distribution: sensitivity analysis", sensitivity(study, shown)),
            item("Analysis: statistical model", observations::model(study)),
            item("Analysis: analytical technique", engine(shown)),
            item("Results: central tendency", results(shown, "posterior medians; see The table")),
            item(
                "Results: standard deviation or credible interval",
                results(shown, "central 95 % intervals; see The table"),
            ),
        ],
    )
}

/// Kruschke, Nat Hum Behav 2021;5:1282.
fn barg(study: &Study, shown: Option<&Shown<'_>>) -> Sheet {
    Sheet::new(
        "BARG",
        "Bayesian analysis reporting guidelines (Nat Hum Behav 2021;5:1282)",
        vec![
            item("Preamble: why Bayesian, and the goals", NOT_STATED),
            item(
                "1. Explain the model: data, likelihood, prior",
                format!("{}; {}", observations::model(study), all_priors(study)),
            ),
            item("1. Prior predictive check", "not done: no data were drawn from the priors and looked at"),
            item("2. Computation: software and convergence", format!("{}; see Checks", engine(shown))),
            item("3. The posterior distribution", results(shown, "table and figures")),
            item("3. Posterior predictive check", NOT_STATED),
            item("4. Decisions and their criteria", NOT_STATED),
            item("5. Sensitivity to the prior", sensitivity(study, shown)),
            item("6. Reproducibility", "model file, checksums and command; see Provenance"),
        ],
    )
}

/// Schandelmaier et al., CMAJ 2020;192:E901.
fn iceman(study: &Study) -> Option<Sheet> {
    let test = interaction_test(study)?;
    let found = found(&test);
    Some(Sheet::new(
        "ICEMAN",
        "credibility of effect modification (CMAJ 2020;192:E901)",
        vec![
            item("Was the direction of the effect modification hypothesised beforehand?", NOT_STATED),
            item("Is it supported by prior evidence?", NOT_STATED),
            item("Does a test for interaction suggest that chance is an unlikely explanation?", found),
            item("Was only a small number of effect modifiers tested?", NOT_STATED),
            item("If the modifier is continuous, were arbitrary cut points avoided?", NOT_STATED),
        ],
    ))
}

/// A test for interaction in words.
fn found(test: &InteractionTest) -> String {
    let name = test_name(test);
    let (statistic, p) = (plain(test.statistic), plain(test.p_value));
    format!("{name} {statistic} on {} df, p = {p}", test.degrees_of_freedom)
}
