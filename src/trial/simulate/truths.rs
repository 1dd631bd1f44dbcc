//! What is taken to be true.

use std::sync::Arc;

use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use super::super::belief::Asked;
use super::{not_covered, unavailable};
use crate::error::Result;
use crate::model::Model;
use crate::numeric::{logistic, logit};
use crate::study::{Data, Design, StatedTruth, Study};
use crate::trial::NotCovered;

/// Where a truth comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TruthKind {
    /// Stated in the file.
    Stated,
    /// No effect in any subgroup, at the risks observed in both arms together.
    NoEffect,
    /// The risks as observed.
    Observed,
    /// Drawn anew for every replication from the design prior.
    DesignPrior,
    /// Drawn from the priors that studies are analysed under: no design prior is stated.
    AnalysisPrior,
}

/// One truth as it is told.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TruthRow {
    /// Its name.
    pub name: String,
    /// Where it comes from.
    pub kind: TruthKind,
    /// Of fixed truths by outcome and subgroup, the risks of the control arm and of the active arm; empty for drawn ones.
    pub risks: Vec<Vec<[f64; 2]>>,
    /// Of drawn ones, the priors by outcome in words.
    pub priors: Vec<String>,
}

/// One truth.
pub struct Truth {
    pub told: TruthRow,
    pub source: TruthSource,
}

/// What true log odds are made from.
pub enum TruthSource {
    /// By outcome and subgroup, log odds of both arms.
    Fixed(Vec<Vec<[f64; 2]>>),
    /// By outcome, the model whose priors they are drawn from.
    Drawn(Vec<Arc<Model>>),
}

impl Truth {
    /// True log odds by outcome and subgroup.
    pub fn log_odds(&self, rng: &mut ChaCha8Rng) -> Vec<Vec<[f64; 2]>> {
        match &self.source {
            TruthSource::Fixed(log_odds) => log_odds.clone(),
            TruthSource::Drawn(models) => models
                .iter()
                .map(|model| {
                    let of = model.observation.cells().map(|cells| cells.baselines().of).unwrap_or_default();
                    model.draw_prior(rng).map_or_else(Vec::new, |drawn| {
                        let [control, active] = drawn.arms(of);
                        control.into_iter().zip(active).map(|(c, a)| [c, a]).collect()
                    })
                })
                .collect(),
        }
    }
}

/// Fixed truths and a drawn one.
pub fn truths(asked: &Asked<'_>, given: Option<&Design>, notices: &mut Vec<String>) -> Result<Vec<Truth>> {
    let outcomes = &asked.decision.outcomes;
    let design = |k: usize| {
        if k == 0 { given.unwrap_or(&outcomes[0].study.design) } else { &outcomes[k].study.design }
    };
    let mut observed = Vec::new();
    for outcome in outcomes {
        let Data::Counts(rows) = &outcome.study.data else {
            return Err(not_covered(&NotCovered {
                outcome: outcome.study.outcome.name.clone(),
                why: "its data are no counts of two arms".to_string(),
            }));
        };
        let share = |events: u64, total: u64| (events as f64 + 0.5) / (total as f64 + 1.0);
        let each = rows.iter().map(|r| {
            let (c, a) = (r.control(), r.active());
            let both = share(c.events + a.events, c.total + a.total);
            ([both, both], [share(c.events, c.total), share(a.events, a.total)])
        });
        observed.push(each.collect::<Vec<_>>());
    }
    let usual = |k: usize, effect: bool| -> Vec<[f64; 2]> {
        observed[k].iter().map(|(none, seen)| if effect { *seen } else { *none }).collect()
    };
    let mut all = Vec::new();
    let mut fixed = |name: &str, kind: TruthKind, of: &dyn Fn(usize) -> Vec<[f64; 2]>| {
        let mut risks: Vec<Vec<[f64; 2]>> = (0..outcomes.len()).map(of).collect();
        let log_odds = risks.iter().map(|of| of.iter().map(|r| r.map(logit)).collect()).collect();
        // Of outcomes that no rule names nothing is told.
        risks.iter_mut().zip(&asked.counts).filter(|(_, counts)| !**counts).for_each(|(r, _)| r.clear());
        let told = TruthRow { name: name.to_string(), kind, risks, priors: Vec::new() };
        all.push(Truth { told, source: TruthSource::Fixed(log_odds) });
    };
    let stated: &[StatedTruth] = &design(0).truths;
    if stated.is_empty() {
        fixed("no effect", TruthKind::NoEffect, &|k| usual(k, false));
        fixed("as observed", TruthKind::Observed, &|k| usual(k, true));
    }
    for truth in stated {
        fixed(&truth.name, TruthKind::Stated, &|k| {
            if k == 0 {
                return truth.risks.clone();
            }
            // Of further outcomes the truth of the same name, or no effect.
            let own = design(k).truths.iter().find(|t| t.name == truth.name);
            own.map_or_else(|| usual(k, false), |t| t.risks.clone())
        });
    }
    if !stated.is_empty() && outcomes.len() > 1 {
        notices.push("Of outcomes whose model states no truth of the same name, no effect is taken to be true, at the risks observed in both arms together.".to_string());
    }
    all.extend(drawn(asked, &design, notices)?);
    Ok(all)
}

/// A truth drawn anew for every replication; none where a prior is flat.
fn drawn<'d>(
    asked: &Asked<'_>,
    design: &dyn Fn(usize) -> &'d Design,
    notices: &mut Vec<String>,
) -> Result<Option<Truth>> {
    let outcomes = &asked.decision.outcomes;
    let states_one = (0..outcomes.len()).any(|k| design(k).priors.is_some());
    let studies: Vec<Study> = (0..outcomes.len())
        .map(|k| {
            let study = &outcomes[k].study;
            let priors = design(k).priors.clone().unwrap_or_else(|| study.priors.clone());
            Study { priors, ..study.clone() }
        })
        .collect();
    let proper = |s: &Study| s.priors.effect.distribution.is_proper();
    if !studies.iter().all(proper) {
        notices.push(
            "No truth is drawn: the effect prior is flat, and no design prior is stated ([design])."
                .to_string(),
        );
        return Ok(None);
    }
    let words = |s: &Study| {
        let tau = s
            .priors
            .heterogeneity
            .as_ref()
            .map_or_else(String::new, |t| format!(", heterogeneity {}", t.words));
        let baseline =
            s.priors.baseline.as_ref().map_or_else(String::new, |b| format!(", baseline {}", b.words));
        format!("effect {}{tau}{baseline}", s.priors.effect.words)
    };
    let (name, kind) = match states_one {
        true => ("design prior", TruthKind::DesignPrior),
        false => ("analysis prior", TruthKind::AnalysisPrior),
    };
    let models: Vec<Arc<Model>> = studies.iter().map(|s| Arc::new(Model::of(s))).collect();
    if models
        .iter()
        .any(|m| m.observation.cells().is_none_or(|c| c.rows().is_some() || c.misclassification().is_some()))
    {
        return Err(unavailable(
            "true risks can't be drawn for a model with covariates, or labels that may be wrong",
        ));
    }
    let told = TruthRow {
        name: name.to_string(),
        kind,
        risks: Vec::new(),
        priors: studies
            .iter()
            .zip(&asked.counts)
            .filter(|(_, counts)| **counts)
            .map(|(s, _)| words(s))
            .collect(),
    };
    Ok(Some(Truth { told, source: TruthSource::Drawn(models) }))
}

/// The risks of log odds.
pub fn risks(log_odds: [f64; 2]) -> [f64; 2] {
    log_odds.map(logistic)
}
