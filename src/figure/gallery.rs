//! Everything that the figures of one study show.

use super::{
    Belief, ChainTrace, Energies, Forest, ThresholdCurves, beliefs, chain_traces, energies, forest,
    threshold_curves,
};
use crate::posterior::{Fit, Fitting, Measure, Scope, ShrinkageRow, shrinkage};
use crate::study::{Data, Study};

/// Numbers of all figures that need the fit alone.
#[derive(Debug, Clone)]
pub struct Gallery {
    pub forests: Vec<Forest>,
    pub thresholds: ThresholdCurves,
    pub beliefs: Vec<Belief>,
    pub shrinkage: Vec<ShrinkageRow>,
    /// The average subgroup's median effect, on the measure's own scale.
    pub mean: Option<f64>,
    pub chains: Vec<ChainTrace>,
    pub energies: Option<Energies>,
}

impl Gallery {
    /// From a fit that passed its checks. Without a report (see [`Fit::report`]) there is nothing to show.
    pub fn of<'a>(study: &Study, fit: &Fit, how: impl Into<Fitting<'a>>) -> Option<Gallery> {
        let how = how.into();
        let report = fit.report()?;
        let effect = Measure::of(study.outcome.scale);
        let mut measures = vec![effect];
        if matches!(study.data, Data::Counts(_)) {
            measures.push(Measure::RiskDifference);
        }
        let mean = report.estimates.iter().find(|e| e.scope == Scope::Mean && e.measure == effect);
        Some(Gallery {
            forests: measures.into_iter().filter_map(|m| forest(study, fit, report, m)).collect(),
            thresholds: threshold_curves(study, fit),
            beliefs: beliefs(study, fit, how),
            shrinkage: shrinkage(study, fit, how),
            mean: mean.and_then(|e| e.best()).map(|q| q.median),
            chains: chain_traces(study, report),
            energies: energies(report),
        })
    }
}
