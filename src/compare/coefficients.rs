//! The priors of covariates' coefficients varied: half and double their scale, all else as stated.
//!
//! The coefficients are held where the rows and their priors have them (see [`Model::effects_alone`]), once for each prior;
//! the subgroups' effects are then fitted as everywhere in the comparison.

use std::sync::Arc;

use serde::Serialize;

use super::baselines::scaled_location;
use super::priors::STATED;
use super::steps::Steps;
use super::table::{Fit, TableRow, fitted, rows};
use crate::model::Model;
use crate::posterior::{Options, Scope};
use crate::study::{Adjustment, Study, Term, Written};

/// One statement under one prior of the coefficients.
#[derive(Debug, Clone, Serialize)]
pub struct CoefficientRow {
    /// The scale of every coefficient's prior, relative to the stated one: 1, 0.5 or 2.
    pub scale_factor: f64,
    /// The statement and its probability.
    #[serde(flatten)]
    pub row: TableRow,
}

const OF_LEVELS: &str = "the coefficients of an ordinal outcome are sampled with its cut points and held nowhere: write other priors of them in a copy of the model and fit it";

/// Half and double the stated scale, which stands first.
pub const FACTORS: [f64; 3] = [1.0, 0.5, 2.0];

/// Every statement about subgroups and what they share under every scale; or why there are none.
pub fn coefficients(own: &Study, options: Options, steps: &Steps) -> Result<Vec<CoefficientRow>, String> {
    let adjustment = match &own.adjustment {
        Some(adjustment) if !adjustment.terms.is_empty() => adjustment,
        _ => return Err("the study has no covariates".to_string()),
    };
    if own.data.levels().is_some() {
        return Err(OF_LEVELS.to_string());
    }
    let mut out: Vec<CoefficientRow> = Vec::new();
    for factor in FACTORS {
        let effects = Model::effects_alone(&under(own, adjustment, factor))
            .ok_or("the rows with covariates have no one answer to hold the coefficients at")?;
        let report = fitted(&effects, options, &());
        let fit = Fit { prior: STATED.to_string(), pooling: own.pooling, report };
        let told = rows(&effects, std::slice::from_ref(&fit)).0.into_iter();
        let told = told.filter(|r| matches!(r.scope, Scope::Subgroup | Scope::Mean | Scope::New));
        out.extend(told.map(|row| CoefficientRow { scale_factor: factor, row }));
        steps.did(1);
    }
    Ok(out)
}

/// How many fits [`coefficients`] makes.
pub fn planned(own: &Study) -> usize {
    let varied = own.adjustment.as_ref().is_some_and(|a| !a.terms.is_empty()) && own.data.levels().is_none();
    if varied { FACTORS.len() } else { 0 }
}

/// The study with every coefficient's prior `factor` times as wide.
fn under(own: &Study, adjustment: &Arc<Adjustment>, factor: f64) -> Study {
    if factor == 1.0 {
        return own.clone();
    }
    let term = |t: &Term| {
        let distribution = scaled_location(&t.prior.distribution, factor);
        Term { prior: Written { distribution, words: String::new() }, ..t.clone() }
    };
    let terms = adjustment.terms.iter().map(term).collect();
    let adjustment = Arc::new(Adjustment { terms, ..Adjustment::clone(adjustment) });
    Study { adjustment: Some(adjustment), ..own.clone() }
}
