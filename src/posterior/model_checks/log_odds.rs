//! How an arm's log odds η = α + c·θ are distributed where baseline and effect are independent: before the data, and of a subgroup
//! that is left out.

use super::effect::Nodes;
use crate::numeric::{LogTable, Peak, Placement, exp_of_nonpositive, logistic, softplus, tabulate};
use crate::posterior::baseline_conflict::{Part, marginal_normals};
use crate::study::{BaselinePrior, LocationPrior};

/// How tables are made: distribution functions of normals are exact to 1e-7.
const PLACEMENT: Placement = Placement { step: 0.55, tolerance: 1e-7, at_least: 0.0 };

/// Nodes with less mass than this are left out of sums.
const NOTHING: f64 = 1e-11;

/// One normal of a mixture, ready to be summed.
pub struct Bell {
    part: Part,
    /// Weight times the density at the mean.
    height: f64,
    half_precision: f64,
}

impl Bell {
    fn of(part: Part) -> Bell {
        let height = part.weight / libm::sqrt(2.0 * std::f64::consts::PI * part.variance);
        Bell { part, height, half_precision: 0.5 / part.variance }
    }

    /// Weighted.
    fn density(&self, x: f64) -> f64 {
        let d = x - self.part.mean;
        self.height * exp_of_nonpositive(-self.half_precision * d * d)
    }
}

/// A prior of baselines as a density.
pub enum Baseline {
    /// A mixture of normals.
    Normals(Vec<Bell>),
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
        let parts = marginal_normals(prior)?;
        Some(Baseline::Normals(parts.into_iter().map(Bell::of).collect()))
    }

    /// Its narrowest feature that counts.
    pub fn finest(&self) -> f64 {
        match self {
            Baseline::Normals(parts) => {
                let counts = parts.iter().map(|bell| bell.part).filter(|p| p.weight > 1e-3);
                libm::sqrt(counts.map(|p| p.variance).fold(f64::INFINITY, f64::min))
            }
            Baseline::Beta { a, b, .. } => libm::sqrt(1.0 / a.max(1.0) + 1.0 / b.max(1.0)),
        }
    }

    fn density(&self, x: f64) -> f64 {
        match self {
            Baseline::Normals(parts) => parts.iter().map(|bell| bell.density(x)).sum(),
            Baseline::Beta { a, b, log_mass } => libm::exp(a * x - (a + b) * softplus(x) - log_mass),
        }
    }

    fn peak(&self) -> Peak {
        match self {
            Baseline::Normals(parts) => {
                let parts = || parts.iter().map(|bell| bell.part);
                let mean: f64 = parts().map(|p| p.weight * p.mean).sum();
                let middle = parts().max_by(|a, b| a.weight.total_cmp(&b.weight));
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
            LogOdds::Table(eta) if eta.grid.scale < lambda.grid.scale => {
                averaged(nodes_of(eta), |x| 1.0 - lambda.cdf(x))
            }
            LogOdds::Table(eta) => averaged(nodes_of(lambda), |x| eta.cdf(x)),
            LogOdds::Nodes(nodes) => averaged(nodes.0.iter().copied(), |x| 1.0 - lambda.cdf(x)),
        }
    }

    /// The values below which lie these probabilities, in rising order, roughly.
    pub fn rough_quantiles<const N: usize>(&self, p: [f64; N]) -> [f64; N] {
        let mut nodes: Vec<(f64, f64)> = match self {
            LogOdds::Table(table) => nodes_of(table).collect(),
            LogOdds::Nodes(nodes) => nodes.0.clone(),
        };
        nodes.sort_by(|a, b| a.0.total_cmp(&b.0));
        p.map(|p| {
            // A node's mass is spread over the way to its neighbours.
            let mut below = 0.0;
            let mut last = nodes.first().map_or((0.0, 0.0), |n| (n.0, 0.0));
            for (x, w) in &nodes {
                let here = below + 0.5 * w;
                if here >= p {
                    let share = if here > last.1 { (p - last.1) / (here - last.1) } else { 1.0 };
                    return last.0 + share.clamp(0.0, 1.0) * (x - last.0);
                }
                below += w;
                last = (*x, here);
            }
            last.0
        })
    }

    /// The mean of the risk.
    pub fn risk(&self) -> f64 {
        match self {
            LogOdds::Table(table) => table.expect(logistic),
            LogOdds::Nodes(nodes) => nodes.expect(logistic),
        }
    }
}

fn nodes_of(table: &LogTable) -> impl Iterator<Item = (f64, f64)> {
    table.grid.x.iter().copied().zip(table.mass.iter().copied())
}

/// The average over the nodes that count.
fn averaged(nodes: impl Iterator<Item = (f64, f64)>, f: impl Fn(f64) -> f64) -> f64 {
    nodes.filter(|n| n.1 > NOTHING).map(|(x, w)| w * f(x)).sum()
}

/// The log odds of a risk whose distribution is Beta(a, b).
pub fn log_odds_of_beta(a: f64, b: f64) -> LogTable {
    let log_density = |x: f64| a * x - (a + b) * softplus(x);
    let guess = Peak { centre: libm::log(a / b), sd: libm::sqrt(1.0 / a + 1.0 / b) };
    let highest = log_density(guess.centre);
    tabulate(guess, PLACEMENT, |x| log_density(x) - highest)
}
