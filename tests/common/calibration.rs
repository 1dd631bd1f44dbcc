//! Ranks of a model's quantities, in replications whose seed no user's default is.

use equipoise::calibrate::{Calibration, Fitter, Observed, Quantity, Row};
use equipoise::model::Model;
use rayon::prelude::*;

pub use equipoise::calibrate::{DRAWS, THINNING, Uniformity, uniform_below};

const SEED: u64 = 0x5bc0_0000_0000;

/// A quantity's ranks, one a replication.
pub struct Ranks {
    pub quantity: Quantity,
    pub ranks: Vec<usize>,
}

/// Ranks of all quantities by the sampler, `fitted` making the model that is fitted from the one that made the data.
pub fn ranks(model: &Model, replications: usize, fitted: impl Fn(&Model) -> Model + Sync) -> Vec<Ranks> {
    let calibration = Calibration::of_model("a model", model, Some(Fitter::Sampler), SEED).expect("covered");
    let as_fitted = |observed| match observed {
        Observed::Effects(observed) => Observed::Effects(fitted(&observed)),
        other => other,
    };
    let rows: Vec<Row> = (0..replications as u64)
        .into_par_iter()
        .map(|replication| calibration.replicate_as(replication, &as_fitted))
        .collect();
    let of = |(k, quantity): (usize, &Quantity)| {
        let ranks: Vec<usize> = rows.iter().filter_map(|row| row.ranks[k]).map(|r| r as usize).collect();
        // A wrong model may lack a parameter of the right one.
        assert!(ranks.is_empty() || ranks.len() == replications, "{quantity:?}");
        Ranks { quantity: *quantity, ranks }
    };
    calibration.quantities().iter().enumerate().map(of).filter(|r| !r.ranks.is_empty()).collect()
}
