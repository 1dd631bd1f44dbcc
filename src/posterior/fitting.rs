//! How studies are fitted, who hears of it, and what is integrated already.

use std::sync::Arc;

use super::options::Sampling;
use crate::exact::{ExactPosterior, Resolution, Unavailable};
use crate::model::Model;
use crate::sampler::Watch;

/// Whoever looks on while studies are fitted: told of the sampler's progress, asked whether to go on, and told of every
/// fit when it begins. What priors say without data is no fit.
pub trait Observer: Watch {
    /// The sampler fits a model of the study of this name.
    fn samples(&self, _study: &str, _model: &Model) {}

    /// The sampler fits the study of this name, which has several arms or several factors.
    fn samples_several(&self, _study: &str) {}

    /// The exact engine fits a model of the study of this name.
    fn integrates(&self, _study: &str, _model: &Model) {}
}

/// No one looks on.
impl Observer for () {}

/// How a study is sampled where that is needed, and who looks on.
#[derive(Clone, Copy)]
pub struct Fitting<'a> {
    /// The sampler's settings.
    pub sampling: Sampling,
    /// Who looks on.
    pub observer: &'a dyn Observer,
}

/// These settings, and no one looks on.
impl From<Sampling> for Fitting<'_> {
    fn from(sampling: Sampling) -> Self {
        Fitting { sampling, observer: &() }
    }
}

/// An exact posterior that several may ask, or why there is none.
pub type Integral = Result<Arc<ExactPosterior>, Unavailable>;

/// Integrals at the usual resolution by their models: what has one is not integrated again.
#[derive(Clone, Default)]
pub struct Integrals(Vec<(Model, Integral)>);

impl Integrals {
    /// Keeps the integral of a model.
    pub fn add(&mut self, model: Model, integral: Integral) {
        self.0.push((model, integral));
    }

    /// Keeps all of the others' integrals too.
    pub fn extend(&mut self, others: Integrals) {
        self.0.extend(others.0);
    }

    /// The integral of a model; none where it is not kept.
    pub fn find(&self, model: &Model) -> Option<Integral> {
        self.0.iter().find(|(known, _)| known == model).map(|(_, integral)| integral.clone())
    }

    /// The integral of a model of the study of this name, made if it is not kept; the observer hears of one that is made.
    pub fn of(&self, study: &str, model: &Model, observer: &dyn Observer) -> Integral {
        self.find(model).unwrap_or_else(|| {
            observer.integrates(study, model);
            ExactPosterior::new(model, Resolution::default()).map(Arc::new)
        })
    }
}
