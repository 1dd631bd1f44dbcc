//! A study's fit, made once for all that is asked of it: by figures, pages and decisions.

use super::analysis::{Analysis, Report, analyse_watched};
use super::options::{Options, Sampling};
use crate::exact::{ExactPosterior, Resolution, RiskMeasure};
use crate::model::Model;
use crate::study::{Priors, Study};

/// One study's fit: its report, and the exact posterior where there is one.
pub struct Fit {
    /// None where the exact posterior is enough.
    report: Option<Report>,
    exact: Option<ExactPosterior>,
}

impl Fit {
    /// By both engines, whose checks decide; or why they do not pass.
    pub fn checked(study: &Study, sampling: Sampling) -> Result<Fit, Vec<String>> {
        Fit::of(study, analyse_watched(study, Fit::options(sampling), &()))
    }

    /// How studies are fitted for pages and decisions.
    pub fn options(sampling: Sampling) -> Options {
        Options { sampling, adjusted_only: true, ..Options::default() }
    }

    /// Of an analysis that is there already: it has to be one under [`Fit::options`], but for what it says beside the bias.
    pub fn of(study: &Study, Analysis { report, exact }: Analysis) -> Result<Fit, Vec<String>> {
        let exact = exact.filter(|posterior| is_whole(study, posterior));
        if report.checks.ok { Ok(Fit { report: Some(report), exact }) } else { Err(report.checks.reasons) }
    }

    /// Under other priors: exact where the engine covers them, else sampled.
    pub fn under(study: &Study, priors: &Priors, sampling: Sampling) -> Result<Fit, Vec<String>> {
        let study = Study { priors: priors.clone(), ..study.clone() };
        match exact(&study) {
            Some(posterior) => Ok(Fit { report: None, exact: Some(posterior) }),
            None => Fit::checked(&study, sampling),
        }
    }

    /// Effects alone under other priors: of an adjusted study exact too, but without risks.
    pub fn effects_under(study: &Study, priors: &Priors, sampling: Sampling) -> Result<Fit, Vec<String>> {
        match Model::effects_alone(study) {
            Some(effects) => Fit::under(&effects, priors, sampling),
            None => Fit::under(study, priors, sampling),
        }
    }

    pub fn report(&self) -> Option<&Report> {
        self.report.as_ref()
    }

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
