//! The exact engine without a model file: two estimates, a prior, and the distribution of an effect.
//!
//! `cargo run --release --example exact_engine`

use equipoise::exact::{ExactPosterior, Resolution, Unavailable};
use equipoise::model::{HeterogeneityPrior, LocationPrior, Model, NormalEstimate, Observation, Pooling};

fn main() -> Result<(), Unavailable> {
    let estimates = [(0.60, 0.42), (-0.55, 0.50)];
    for scale in [0.1, 0.25, 0.5, 1.0, 2.0] {
        let model = Model {
            observation: Observation::Estimates(
                estimates.iter().map(|&(estimate, se)| NormalEstimate::new(estimate, se)).collect(),
            ),
            pooling: Pooling::Partial(HeterogeneityPrior::HalfNormal { scale }),
            effect: LocationPrior::normal(0.0, 0.355),
        };
        let posterior = ExactPosterior::new(&model, Resolution::default())?;
        let second = posterior.theta(1);
        println!("heterogeneity half-normal({scale}): P(OR > 1) in the second {:.3}", 1.0 - second.cdf(0.0));
    }
    Ok(())
}
