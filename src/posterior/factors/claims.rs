//! What is said of several factors: of all patients, and of every level.

use crate::posterior::analysis::Report;
use crate::posterior::claim::{About, Claim};
use crate::posterior::estimand::{Estimand, Measure, Whom};
use crate::posterior::linear;
use crate::study::{Factors, Study};

/// Of all patients, then of every level: which way the effect leans.
pub fn claims(study: &Study, factors: &Factors, report: &Report) -> Vec<Claim> {
    let levels = factors.levels().map(|(f, l)| Whom::Level(f, l));
    std::iter::once(Whom::Overall).chain(levels).filter_map(|whom| leaning(study, report, whom)).collect()
}

fn leaning(study: &Study, report: &Report, whom: Whom) -> Option<Claim> {
    let measure = match study.data.has_risks() {
        true => Measure::RiskDifference,
        false => Measure::of(study.outcome.scale),
    };
    let estimand = Estimand::new(whom, measure);
    let (claim, _) = linear::leaning(study, report, estimand)?;
    let Whom::Level(f, l) = whom else { return Some(Claim { scope: whom.scope(), subgroup: None, ..claim }) };
    let (kind_of_subgroup, level) =
        (report.names.factor(f).to_string(), report.names.level(f, l).to_string());
    let about = About { kind_of_subgroup, ..claim.about.clone() };
    Some(Claim { scope: whom.scope(), subgroup: Some(level), about, ..claim })
}
