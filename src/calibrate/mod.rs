//! Simulation-based calibration: whether a fit's posteriors are posteriors of the model that made the data.
//!
//! Parameters are drawn from the prior and data of the study's size from the parameters. Among draws from the exact posterior
//! given these data, the true value of any quantity then has a uniformly distributed rank (Cook, Gelman & Rubin 2006; Talts et
//! al. 2018, arXiv:1804.06788). Ranks of parameters alone can't tell the posterior from the prior: a fit that ignores the data
//! passes. Ranks of the joint log likelihood can, and of any other quantity that depends on the data (Modrák et al. 2023,
//! doi:10.1214/23-BA1404), so such ones are among the quantities.
//!
//! ```text
//! study → Calibration → replicate(0), replicate(1), … → rows → summary → Validation
//! ```
//!
//! A replication's random numbers depend on the seed and on its number alone, so that any range of them can be made apart, and
//! their rows put together.

mod calibration;
mod integrated;
mod linear;
mod quantity;
mod refusal;
mod sampled;
mod truth;
mod typical;
mod uniformity;
mod validation;

pub use calibration::{Calibration, Fitter, Observed, Row};
pub use quantity::Quantity;
pub use sampled::uniform_below;
pub use uniformity::Uniformity;
pub use validation::{Checked, FALSE_ALARM, Fault, Validation};

/// Draws that a true value is ranked among, so that ranks go from 0 to this.
pub const DRAWS: usize = 99;

/// Transitions for each of these draws: enough that they are nearly independent. What dependence is left widens the
/// distribution of ranks, and so can raise an alarm and not hide one: where a draw has a correlation of 0.6 with the one before
/// it, 0.2 of that remains, and the variance of a rank is 1.5 % above a uniform one's, which is not seen in thousands of ranks.
/// How much a verdict sees is up to the number of replications.
pub const THINNING: usize = 3;

/// So many of `n` places, the first and the last among them; all of them where there are no more.
fn chosen(n: usize, most: usize) -> Vec<usize> {
    if n <= most {
        return (0..n).collect();
    }
    (0..most).map(|i| i * (n - 1) / (most - 1)).collect()
}
