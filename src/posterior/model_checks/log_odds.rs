//! How an arm's log odds η = α + c·θ are distributed where baseline and effect are independent: before the data, and of a subgroup
//! that is left out.

use super::effect::Nodes;
use crate::numeric::{LogTable, Peak, Placement, logistic, normal_log_density, softplus, tabulate};
use crate::posterior::baseline_conflict::{Part, marginal_normals};
use crate::study::{BaselinePrior, LocationPrior};

/// How tables are made: distribution functions of normals are exact to 1e-9.
const PLACEMENT: Placement = Placement { step: 0.4, tolerance: 1e-8, at_least: 0.0 };

/// A prior of baselines as a density.
pub enum Baseline {
    /// A mixture of normals.
    Normals(Vec<Part>),
    /// The log odds of a risk with a beta distribution.
    Beta { a: f64, b: f64, log_mass: f64 },
}

impl Baseline {
    /// None of a flat prior.
    pub fn of(prior: &BaselinePrior) -> Option<Baseline> {
        if let BaselinePrior::Independent(LocationPrior::LogitBeta { a, b }) = prior {
            let log_mass = libm::lgamma(*a) + libm::lgamma(*b) - libm::lgamma(a + b);
            return Some(Baseline::Beta { a: *a, b: *b, log_mass });
        }
        marginal_normals(prior).map(Baseline::Normals)
    }

    /// Its narrowest feature that counts.
    pub fn finest(&self) -> f64 {
        match self {
            Baseline::Normals(parts) => {
                let counts = parts.iter().filter(|p| p.weight > 1e-3 && p.variance > 0.0);
                libm::sqrt(counts.map(|p| p.variance).fold(f64::INFINITY, f64::min))
            }
            Baseline::Beta { a, b, .. } => libm::sqrt(1.0 / a.max(1.0) + 1.0 / b.max(1.0)),
        }
    }

    fn density(&self, x: f64) -> f64 {
        match self {
            Baseline::Normals(parts) => parts
                .iter()
                .map(|p| p.weight * libm::exp(normal_log_density(x, p.mean, libm::sqrt(p.variance))))
                .sum(),
            Baseline::Beta { a, b, log_mass } => libm::exp(a * x - (a + b) * softplus(x) - log_mass),
        }
    }

    fn peak(&self) -> Peak {
        match self {
            Baseline::Normals(parts) => {
                let mean: f64 = parts.iter().map(|p| p.weight * p.mean).sum();
                let middle = parts.iter().max_by(|a, b| a.weight.total_cmp(&b.weight));
                Peak { centre: mean, sd: libm::sqrt(middle.map_or(1.0, |p| p.variance)) }
            }
            Baseline::Beta { a, b, .. } => {
                Peak { centre: libm::log(a / b), sd: libm::sqrt(1.0 / a + 1.0 / b) }
            }
        }
    }

    /// The distribution of α + c·θ; the nodes of θ are no farther apart than α is wide, over c.
    pub fn with_effect(&self, theta: Option<(f64, &Nodes)>) -> LogTable {
        let peak = self.peak();
        let Some((c, theta)) = theta else {
            return tabulate(peak, PLACEMENT, |x| libm::log(self.density(x)));
        };
        let (mean, sd) = theta.moments();
        let guess = Peak { centre: peak.centre + c * mean, sd: libm::hypot(peak.sd, c * sd) };
        tabulate(guess, PLACEMENT, |x| libm::log(theta.expect(|theta| self.density(x - c * theta))))
    }
}

/// The log odds of one arm.
pub enum LogOdds {
    /// A density that may be wider than a binomial's nodes are apart.
    Table(LogTable),
    /// Nodes close enough together for the arm's own number of patients.
    Nodes(Nodes),
}

impl LogOdds {
    /// P(η ≤ λ) for an independent λ.
    pub fn below(&self, lambda: &LogTable) -> f64 {
        match self {
            // Summed over the narrower of the two, the other's distribution function being smooth at its scale.
            LogOdds::Table(eta) if eta.grid.scale < lambda.grid.scale => eta.expect(|x| 1.0 - lambda.cdf(x)),
            LogOdds::Table(eta) => lambda.expect(|x| eta.cdf(x)),
            LogOdds::Nodes(nodes) => nodes.expect(|x| 1.0 - lambda.cdf(x)),
        }
    }

    /// The means of the risk and of its square.
    pub fn risk_moments(&self) -> [f64; 2] {
        let mean = |f: &dyn Fn(f64) -> f64| match self {
            LogOdds::Table(table) => table.expect(f),
            LogOdds::Nodes(nodes) => nodes.expect(f),
        };
        [mean(&logistic), mean(&|x| logistic(x) * logistic(x))]
    }
}

/// The log odds of a risk whose distribution is Beta(a, b).
pub fn log_odds_of_beta(a: f64, b: f64) -> LogTable {
    let log_density = |x: f64| a * x - (a + b) * softplus(x);
    let guess = Peak { centre: libm::log(a / b), sd: libm::sqrt(1.0 / a + 1.0 / b) };
    let highest = log_density(guess.centre);
    tabulate(guess, PLACEMENT, |x| log_density(x) - highest)
}
