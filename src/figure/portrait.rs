//! All numbers of one study's page.

use super::Gallery;
use crate::compare::bias::{ShiftPoint, shift_surface};
use crate::compare::{Glance, glance};
use crate::error::Result;
use crate::posterior::{Analysis, Fit, Fitting};
use crate::study::Study;

/// Beyond this many subgroups neither priors by priors nor biases are refitted: no figure shows them.
const REFITTED_UP_TO: usize = 5;

/// What is said of a study and shown of it.
pub struct Portrait {
    pub fit: Fit,
    pub gallery: Gallery,
    pub others: Glance,
    /// Probabilities over a bias; empty where it was not asked about.
    pub shifts: Vec<ShiftPoint>,
}

impl Portrait {
    /// Fits the study, but for what an analysis that is `done` says already, under its own priors and under others. None of it
    /// where the study's own fit does not pass its checks, but the reasons; an error where a named prior can't be made.
    pub fn of<'a>(
        study: &Study,
        done: Option<Analysis>,
        how: impl Into<Fitting<'a>>,
    ) -> Result<std::result::Result<Portrait, Vec<String>>> {
        let how = how.into();
        let analysis = Fit::analysed(study, done, how);
        let few = study.data.names().len() <= REFITTED_UP_TO;
        let known = analysis.integrals.clone();
        let (fitted, others) = rayon::join(
            || {
                let fit = Fit::of(study, analysis)?;
                let gallery = Gallery::of(study, &fit, how).ok_or_else(Vec::new)?;
                Ok((fit, gallery))
            },
            || {
                let others = glance(study, how, few, &known)?;
                let shifts = || shift_surface(study, others.integrals.clone(), how.observer);
                let shifts = if few { shifts() } else { Vec::new() };
                Ok((others, shifts))
            },
        );
        let (others, shifts) = others?;
        Ok(fitted.map(|(fit, gallery)| Portrait { fit, gallery, others, shifts }))
    }
}
