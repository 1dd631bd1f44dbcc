//! Mathematics that knows no statistics: special functions, grids, and the sums that go with them.
//!
//! Everything here is built from additions, multiplications and `libm`, never from the platform's own mathematics
//! library, so that the same input gives the same bits on every machine.

mod adaptive;
mod autocorrelation;
mod chebyshev;
mod exp;
mod finder;
mod grid;
mod hermite;
mod instructions;
mod interpolate;
mod lanes;
pub mod linear;
mod normal_pair;
mod root;
mod sinc;
mod special;
pub mod spline;

pub use adaptive::{Integral, integrate};
pub use autocorrelation::effective_size;
pub use chebyshev::Chebyshev;
pub use exp::{
    exp_of_nonpositive, exp_of_nonpositive_fused, exp_within_range_fused, ln_1p_of_fraction, ln_of_normal,
};
pub use grid::{
    Cumulative, Grid, LogTable, Peak, Placement, tabulate, tabulate_around, tabulate_to, tabulate_with,
};
pub use hermite::{FEW_NODES, NODES as NORMAL_RULE_NODES, normal_rule, short_normal_rule};
pub use instructions::Instructions;
pub(crate) use instructions::{Kind as InstructionKind, compiled_for_each};
pub use interpolate::LogInterpolant;
pub use lanes::{matrix_times, sum_exp_shifted, sum_of_products, terms_under_normal, weighted_rows};
pub use normal_pair::opposite_signs;
pub use root::{crossing, invert_distribution, invert_distribution_to, invert_increasing};
pub use sinc::{Weights, cumulative_sum, cumulative_weight, smeared};
pub use special::{
    HALF_LOG_2_PI, chi_square_above, log_add_exp, log_binomial_coefficient, log_expit, log_sum_exp, logistic,
    logit, normal_cdf, normal_log_density, normal_quantile, softplus, softplus_of_both,
};
