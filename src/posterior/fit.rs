//! A study's fit, made once for all that is asked of it: by figures, pages and decisions.

use std::sync::Arc;

use super::analysis::{Analysis, Report, analyse_watched};
use super::fitting::{Fitting, Integrals};
use super::options::{Options, Sampling};
use crate::exact::{ExactPosterior, RiskMeasure};
use crate::model::Model;
use crate::study::{Data, Priors, Study};

/// One study's fit: its report, and the exact posterior where there is one.
pub struct Fit {
    /// None where the exact posterior is enough.
    report: Option<Report>,
    exact: Option<Arc<ExactPosterior>>,
}

impl Fit {
    /// By both engines, whose checks decide; or why they do not pass.
    pub fn checked<'a>(study: &Study, how: impl Into<Fitting<'a>>) -> Result<Fit, Vec<String>> {
        Fit::of(study, Fit::analysed(study, None, how))
    }

    /// The analysis behind [`Fit::checked`]: the one that is there already, if it says the same.
    pub fn analysed<'a>(study: &Study, done: Option<Analysis>, how: impl Into<Fitting<'a>>) -> Analysis {
        let Fitting { sampling, observer } = how.into();
        let options = Fit::options(sampling);
        let known = match done {
            Some(done)
                if options == Options { adjusted_only: true, show_unreliable: false, ..done.options } =>
            {
                return done;
            }
            Some(done) => done.integrals,
            None => Integrals::default(),
        };
        analyse_watched(study, options, known, observer)
    }

    /// Of an analysis from [`Fit::analysed`].
    pub fn of(study: &Study, Analysis { report, exact, .. }: Analysis) -> Result<Fit, Vec<String>> {
        let exact = exact.filter(|posterior| is_whole(study, posterior));
        if report.checks.ok { Ok(Fit { report: Some(report), exact }) } else { Err(report.checks.reasons) }
    }

    /// Under other priors: exact where the engine covers them, else sampled.
    pub fn under<'a>(
        study: &Study,
        priors: &Priors,
        how: impl Into<Fitting<'a>>,
    ) -> Result<Fit, Vec<String>> {
        let how = how.into();
        let study = Study { priors: priors.clone(), ..study.clone() };
        let model = Model::of(&study);
        let mut known = Integrals::default();
        let integral = known.of(&study.name, &model, how.observer);
        // It may not cover the model, or give effects but no risks, as where labels may be wrong.
        if let Ok(posterior) = &integral
            && is_whole(&study, posterior)
        {
            return Ok(Fit { report: None, exact: Some(Arc::clone(posterior)) });
        }
        known.add(model, integral);
        let options = Fit::options(how.sampling);
        Fit::of(&study, analyse_watched(&study, options, known, how.observer))
    }

    /// Effects alone under other priors: of an adjusted study exact too, but without risks.
    pub fn effects_under<'a>(
        study: &Study,
        priors: &Priors,
        how: impl Into<Fitting<'a>>,
    ) -> Result<Fit, Vec<String>> {
        match Model::effects_alone(study) {
            Some(effects) => Fit::under(&effects, priors, how),
            None => Fit::under(study, priors, how),
        }
    }

    pub fn report(&self) -> Option<&Report> {
        self.report.as_ref()
    }

    pub fn exact(&self) -> Option<&ExactPosterior> {
        self.exact.as_deref()
    }

    fn options(sampling: Sampling) -> Options {
        Options { sampling, adjusted_only: true, ..Options::default() }
    }
}

/// Whether the posterior has risks where the study has.
fn is_whole(study: &Study, posterior: &ExactPosterior) -> bool {
    !matches!(study.data, Data::Counts(_)) || posterior.risk(0, RiskMeasure::Difference).is_some()
}
