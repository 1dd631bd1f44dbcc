//! All numbers of one study's page.

use super::Gallery;
use crate::compare::bias::{ShiftPoint, shift_surface};
use crate::compare::{Glance, glance};
use crate::error::Result;
use crate::parallel;
use crate::posterior::{Analysis, Fit, Fitting};
use crate::study::Study;

/// Beyond this many subgroups neither priors by priors nor biases are refitted: no figure shows them.
const REFITTED_UP_TO: usize = 5;

/// Everything that a study's page says and shows.
pub struct Portrait {
    /// The study's own fit, which passed its checks.
    pub fit: Fit,
    /// The numbers of the figures that need that fit alone.
    pub gallery: Gallery,
    /// The study under other priors.
    pub others: Glance,
    /// Probabilities over the mean and sd of a bias; empty for more than five subgroups, and where the exact engine does
    /// not cover the model.
    pub shifts: Vec<ShiftPoint>,
}

impl Portrait {
    /// Fits the study under its own priors and under others, except for what an analysis that is `done` says already. The
    /// inner error lists the reasons why the study's own fit did not pass its checks; the outer one is of a named prior
    /// that can't be made.
    pub fn of<'a>(
        study: &Study,
        done: Option<Analysis>,
        how: impl Into<Fitting<'a>>,
    ) -> Result<std::result::Result<Portrait, Vec<String>>> {
        let how = how.into();
        let analysis = Fit::analysed(study, done, how);
        let few = study.data.names().len() <= REFITTED_UP_TO;
        let known = analysis.integrals.clone();
        let (fitted, others) = parallel::join(
            || {
                let fit = Fit::of(study, analysis)?;
                let gallery = Gallery::of(study, &fit, how).ok_or_else(Vec::new)?;
                Ok((fit, gallery))
            },
            || -> Result<_> {
                let others = glance(study, how, few && !study.undivided, &known)?;
                let shifts = || shift_surface(study, others.integrals.clone(), how.observer);
                let shifts = if few { shifts() } else { Vec::new() };
                Ok((others, shifts))
            },
        );
        let (others, shifts) = others?;
        Ok(fitted.map(|(fit, gallery)| Portrait { fit, gallery, others, shifts }))
    }
}
