//! The fit of a study, made once for everything that is asked of it by figures, pages and decisions.

use super::analysis::{Analysis, Report, analyse_watched};
use super::options::{Options, Sampling};
use crate::exact::{ExactPosterior, Resolution, RiskMeasure};
use crate::model::Model;
use crate::study::{Priors, Study};

/// The fit of one study: its results, its exact posterior, or both.
pub struct Fit {
    /// None where the exact posterior is enough.
    report: Option<Report>,
    exact: Option<ExactPosterior>,
}

impl Fit {
    /// Fits with both engines. The error lists the reasons why the checks were not passed.
    pub fn checked(study: &Study, sampling: Sampling) -> Result<Fit, Vec<String>> {
        Fit::of(study, analyse_watched(study, Fit::options(sampling), &()))
    }

    /// The options under which studies are fitted for pages and decisions.
    pub fn options(sampling: Sampling) -> Options {
        Options { sampling, adjusted_only: true, ..Options::default() }
    }

    /// The fit that an existing analysis amounts to; it must have been made under [`Fit::options`], although it may
    /// include the results without a bias. The error lists the reasons why the checks were not passed.
    pub fn of(study: &Study, Analysis { report, exact }: Analysis) -> Result<Fit, Vec<String>> {
        let exact = exact.filter(|posterior| is_whole(study, posterior));
        if report.checks.ok { Ok(Fit { report: Some(report), exact }) } else { Err(report.checks.reasons) }
    }

    /// Fits under other priors: exactly where the engine covers the model, otherwise by sampling. The error lists the
    /// reasons why the checks were not passed.
    pub fn under(study: &Study, priors: &Priors, sampling: Sampling) -> Result<Fit, Vec<String>> {
        let study = Study { priors: priors.clone(), ..study.clone() };
        match exact(&study) {
            Some(posterior) => Ok(Fit { report: None, exact: Some(posterior) }),
            None => Fit::checked(&study, sampling),
        }
    }

    /// Fits the effects alone under other priors. An adjusted study is then fitted exactly too, but without risks.
    /// The error lists the reasons why the checks were not passed.
    pub fn effects_under(study: &Study, priors: &Priors, sampling: Sampling) -> Result<Fit, Vec<String>> {
        match Model::effects_alone(study) {
            Some(effects) => Fit::under(&effects, priors, sampling),
            None => Fit::under(study, priors, sampling),
        }
    }

    /// The results; none where the exact posterior is enough.
    pub fn report(&self) -> Option<&Report> {
        self.report.as_ref()
    }

    /// The exact posterior; none where the engine does not cover the model, or has no risks although the study does.
    pub fn exact(&self) -> Option<&ExactPosterior> {
        self.exact.as_ref()
    }
}

/// None where the engine does not cover the model, or gives effects but no risks, as where labels may be wrong.
fn exact(study: &Study) -> Option<ExactPosterior> {
    ExactPosterior::new(&Model::of(study), Resolution::default())
        .ok()
        .filter(|posterior| is_whole(study, posterior))
}

fn is_whole(study: &Study, posterior: &ExactPosterior) -> bool {
    !study.data.has_risks() || posterior.risk(0, RiskMeasure::Difference).is_some()
}
