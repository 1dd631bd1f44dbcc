//! Everything that the figures of one study show.

use super::{
    Belief, ChainTrace, CutRows, Energies, Forest, LevelRow, PredictivePanels, ThresholdCurves, beliefs,
    chain_traces, cut_rows, energies, forest, level_rows, predictive_panels, threshold_curves,
};
use crate::posterior::{Estimand, Fit, Fitting, Measure, ShrinkageRow, Whom, shrinkage};
use crate::study::Study;

/// Numbers of all figures that need the fit alone.
#[derive(Debug, Clone)]
pub struct Gallery {
    /// A forest of the effect and, for counts, one of the risk difference.
    pub forests: Vec<Forest>,
    /// Shares of ordered levels by subgroup and arm; empty for other outcomes.
    pub levels: Vec<LevelRow>,
    /// Effects at every cut of ordered levels; empty for other outcomes.
    pub cuts: Vec<CutRows>,
    /// Probabilities over all sizes of effect.
    pub thresholds: ThresholdCurves,
    /// Prior, likelihood and posterior of every subgroup's effect.
    pub beliefs: Vec<Belief>,
    /// Each subgroup's effect alone and as modelled; empty without partial pooling.
    pub shrinkage: Vec<ShrinkageRow>,
    /// What was observed beside what is predicted of it; empty where the model has no such checks.
    pub predictive: Vec<PredictivePanels>,
    /// The average subgroup's median effect, on the measure's own scale; none where there is no mean effect.
    pub mean: Option<f64>,
    /// The sampler's traces and ranks; empty where nothing was sampled.
    pub chains: Vec<ChainTrace>,
    /// The sampler's energies; none where nothing was sampled.
    pub energies: Option<Energies>,
}

impl Gallery {
    /// The numbers of a fit that passed its checks; none where it has no report (see [`Fit::report`]).
    pub fn of<'a>(study: &Study, fit: &Fit, how: impl Into<Fitting<'a>>) -> Option<Gallery> {
        let how = how.into();
        let report = fit.report()?;
        let effect = Measure::of(study.outcome.scale);
        let mut measures = vec![effect];
        if study.data.has_risks() {
            measures.push(Measure::RiskDifference);
        }
        let mean = report.estimate(Estimand::new(Whom::Mean, effect));
        Some(Gallery {
            forests: measures.into_iter().filter_map(|m| forest(study, fit, report, m)).collect(),
            levels: level_rows(study, report),
            cuts: cut_rows(study, report),
            thresholds: threshold_curves(study, fit),
            beliefs: beliefs(study, fit, how),
            shrinkage: shrinkage(study, fit, how),
            predictive: predictive_panels(study, report),
            mean: mean.and_then(|e| e.best()).map(|q| q.median),
            chains: chain_traces(report),
            energies: energies(report),
        })
    }
}
