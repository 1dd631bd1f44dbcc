//! The fit of a study, made once for everything that is asked of it by figures, pages and decisions.

use std::sync::Arc;

use super::analysis::{Analysis, Report, analyse_watched};
use super::fitting::{Fitting, Integrals};
use super::options::{Options, Sampling};
use crate::exact::{ExactPosterior, RiskMeasure};
use crate::model::Model;
use crate::study::{Priors, Study};

/// The fit of one study: its results, its exact posterior, or both.
pub struct Fit {
    /// None where the exact posterior is enough.
    report: Option<Report>,
    exact: Option<Arc<ExactPosterior>>,
}

impl Fit {
    /// Fits with both engines. The error lists the reasons why the checks were not passed.
    pub fn checked<'a>(study: &Study, how: impl Into<Fitting<'a>>) -> Result<Fit, Vec<String>> {
        Fit::of(study, Fit::analysed(study, None, how))
    }

    /// The analysis behind [`Fit::checked`]: `done`, where it says the same, otherwise a new one that integrates nothing
    /// again.
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

    /// The fit that an analysis from [`Fit::analysed`] amounts to. The error lists the reasons why the checks were not
    /// passed.
    pub fn of(study: &Study, Analysis { report, exact, .. }: Analysis) -> Result<Fit, Vec<String>> {
        let exact = exact.filter(|posterior| is_whole(study, posterior));
        if report.checks.ok { Ok(Fit { report: Some(report), exact }) } else { Err(report.checks.reasons) }
    }

    /// Fits under other priors: exactly where the engine covers the model, otherwise by sampling. The error lists the
    /// reasons why the checks were not passed.
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

    /// Fits the effects alone under other priors. An adjusted study is then fitted exactly too, but without risks.
    /// The error lists the reasons why the checks were not passed.
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

    /// The results; none where the exact posterior is enough.
    pub fn report(&self) -> Option<&Report> {
        self.report.as_ref()
    }

    /// The exact posterior; none where the engine does not cover the model, or has no risks although the study does.
    pub fn exact(&self) -> Option<&ExactPosterior> {
        self.exact.as_deref()
    }

    fn options(sampling: Sampling) -> Options {
        Options { sampling, adjusted_only: true, ..Options::default() }
    }
}

/// Whether the posterior has risks where the study has.
fn is_whole(study: &Study, posterior: &ExactPosterior) -> bool {
    !study.data.has_risks() || posterior.risk(0, RiskMeasure::Difference).is_some()
}
