//! The deterministic engine: posteriors by converged numerical integration, without sampling.
//!
//! For counts the baselines α_g are integrated out first, which leaves one curve per subgroup, ℓ_g(θ)
//! (`effect_likelihood`). Smoothed by the normal of width τ it is the likelihood of (μ, τ) from that subgroup
//! (`smooth`); their product with the priors is tabulated in rows of constant τ (`rows`). From the rows come μ, τ,
//! every θ_g, a new subgroup's θ, risks and risk differences (`risks`), and pairs of subgroups (`pair`). Where only
//! priors change, `lattice` holds what they cannot change. Where labels may be wrong two effects are one surface
//! (`labelled`). Where effects are not
//! normal around μ they are mixtures of normals (`kernel`). For
//! published estimates all inner integrals are closed and the posterior is a finite mixture of normals (`gaussian`), of
//! correlated ones along the axes of their errors (`rotated`).

mod apart;
mod contrast;
mod curves;
mod data_lattice;
mod distribution;
mod effect_likelihood;
mod effect_range;
mod engine;
mod gaussian;
mod integrated;
mod joint;
mod joint_normal;
mod kernel;
mod labelled;
mod lattice;
mod levels;
mod linked;
mod mixture;
mod new_effect;
mod outward;
mod pair;
mod risks;
mod rotated;
mod rows;
mod scale;
mod separate;
mod smooth;
mod subgroup;

pub use data_lattice::{CellData, Counts, DataLattice, Draws, LatticeDraw, LatticeScratch, SubgroupFound};
pub use distribution::Distribution;
pub use effect_likelihood::Baseline;
pub use engine::{ExactPosterior, Unavailable, curves_of, log_marginal_likelihood, log_prior_of_effects};
pub use integrated::Pair;
pub use lattice::{Extent, Lattice};
pub(crate) use linked::difference_limits;
pub use risks::RiskMeasure;
pub use subgroup::{CellsOfSubgroup, SubgroupData};

use crate::numeric::Placement;

/// How finely every integral of the exact engine is resolved.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Resolution {
    /// How many nodes there are in every direction, relative to the standard of 1.
    pub refinement: f64,
}

impl Default for Resolution {
    fn default() -> Resolution {
        Resolution { refinement: 1.0 }
    }
}

impl Resolution {
    /// The resolution with twice as many nodes in every direction.
    pub fn doubled(self) -> Resolution {
        Resolution { refinement: 2.0 * self.refinement }
    }

    /// For densities whose distribution function is wanted as well as their mass.
    fn density(self) -> Placement {
        Placement { step: 0.3 / self.refinement, tolerance: 1e-8, at_least: 0.0 }
    }

    /// For integrals of which only the value counts.
    fn mass(self) -> Placement {
        Placement { step: 0.6 / self.refinement, tolerance: 1e-5, at_least: 0.0 }
    }

    /// The first step in the stretched coordinate of τ; halved until the answer stands still.
    fn heterogeneity(self) -> f64 {
        0.5 / self.refinement
    }
}
