//! The page of a validation: what a qualification of the program asks for.

use serde::Serialize;

use super::super::figure::{self, Figure};
use super::super::passage::Passage;
use super::super::validation::{Validated, passages, verdict};
use super::document::{Format, Frame, render};
use super::on_page;
use crate::error::Result;

#[derive(Serialize)]
struct Context<'a> {
    #[serde(flatten)]
    frame: Frame<'a>,
    verdicts: Vec<String>,
    sections: Vec<Passage>,
    references: [&'static str; 4],
}

/// When and by what a page was made.
pub struct Made<'a> {
    /// When the run began, in UTC.
    pub date: &'a str,
    /// The command that makes the page again.
    pub command: &'a str,
}

const REFERENCES: [&str; 4] = [
    "Cook SR, Gelman A, Rubin DB. Validation of software for Bayesian models using posterior quantiles. J Comput Graph Stat 2006;15:675.",
    "Talts S, Betancourt M, Simpson D, Vehtari A, Gelman A. Validating Bayesian inference algorithms with simulation-based calibration. arXiv:1804.06788.",
    "Modrák M, Moon AH, Kim S, et al. Simulation-based calibration checking for Bayesian computation: the choice of test quantities shapes sensitivity. Bayesian Anal 2023. doi:10.1214/23-BA1404.",
    "Säilynoja T, Bürkner PC, Vehtari A. Graphical test for discrete uniformity and its applications in goodness-of-fit evaluation and multiple sample comparison. Stat Comput 2022;32:32.",
];

/// A figure a model: ranks of every quantity beside their band.
pub fn validation_figures(all: &[Validated<'_>]) -> Vec<Figure> {
    all.iter().filter_map(figure::ranks).collect()
}

/// The page of these models. An error where a template fails.
pub fn validation_page(
    all: &[Validated<'_>],
    figures: &[Figure],
    format: Format,
    made: &Made<'_>,
) -> Result<String> {
    let passed = all.iter().filter(|told| told.validation.is_calibrated()).count();
    let title = match all {
        [one] => format!("Validation by simulation: {}", one.study.name),
        _ => "Validation by simulation".to_string(),
    };
    let mut statements: Vec<String> = Vec::new();
    for told in all {
        let own = told.study.statements().into_iter();
        let own = own.map(|s| if all.len() > 1 { format!("{}: {s}", told.study.name) } else { s });
        statements.extend(own.filter(|s| !statements.contains(s)).collect::<Vec<String>>());
    }
    let mut files: Vec<[&str; 2]> = Vec::new();
    let mut provenance = vec![
        ["Program".to_string(), format!("equipoise {}", env!("CARGO_PKG_VERSION"))],
        ["System".to_string(), format!("{} {}", std::env::consts::OS, std::env::consts::ARCH)],
        ["Date".to_string(), made.date.to_string()],
    ];
    for told in all {
        let (study, v) = (told.study, told.validation);
        let run = format!(
            "{} of {} simulated studies, engine {}, seed {}",
            v.replications,
            told.asked,
            told.fitter_key(),
            v.seed
        );
        provenance.push([study.name.clone(), run]);
        if files.iter().all(|[name, _]| *name != study.name) {
            files.push([&study.name, &study.text]);
            provenance.push([format!("{}, model, SHA-256", study.name), study.model_sha256.clone()]);
            provenance.push([format!("{}, data, SHA-256", study.name), study.data_sha256.clone()]);
        }
    }
    let frame = Frame {
        title: &title,
        lead: format!(
            "Whether the program's posteriors are posteriors of the models that they claim to be of: {passed} of {} passed.",
            all.len()
        ),
        statements,
        notices: &[],
        failed: None,
        figures: on_page(figures),
        sheets: Vec::new(),
        provenance,
        command: Some(made.command),
        files,
    };
    let context = Context {
        frame,
        verdicts: all.iter().map(verdict).collect(),
        sections: all.iter().flat_map(passages).collect(),
        references: REFERENCES,
    };
    render("validation", &context, format)
}
