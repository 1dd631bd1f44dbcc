//! Which way an effect that was sampled leans.

use crate::posterior::analysis::Report;
use crate::posterior::claim::{Claim, Leaning, Method};
use crate::posterior::estimand::{Estimand, Statement};
use crate::study::Study;

/// The claim that an effect leans towards benefit or harm, of no one yet, with its probability of benefit; none where it has no
/// numbers.
pub fn leaning(study: &Study, report: &Report, estimand: Estimand) -> Option<(Claim, f64)> {
    let measure = estimand.measure;
    let benefit = report.probability(estimand, Statement::Benefit, measure.null())?;
    let row = report.estimate(estimand)?;
    let leaning = Leaning {
        clear: false,
        sampled: None,
        prior_probability: benefit.prior,
        measure,
        effect: row.best()?,
        effect_errors: row.reported.mcse_quantiles,
        nnt: row.nnt.as_ref().map(|n| n.text.clone()),
    };
    let p = benefit.best()?;
    Some((Claim::leaning(study, "", (p, benefit.resolution), leaning, Method::Sampled), p))
}
