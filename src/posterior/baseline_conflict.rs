//! The prior of a baseline against the data: how far out each arm's number of events lies under the priors.
//!
//! An arm's log odds are η = α + c·θ: c is −s for the control arm and 1 − s for the active arm, s the part of the effect
//! by which the control arm lies below the baseline. Before the data α has the baseline prior (of exchangeable baselines
//! the marginal one) and θ = μ + τz those of μ and τ. With Y ~ Binomial(n, logit⁻¹(η)),
//!
//! ```text
//! P(Y ≤ y) = P(η ≤ λ),   λ the log odds of a Beta(y + 1, n − y),
//! ```
//!
//! a binomial's sum being a beta's integral. The tail probability is the smaller of P(Y ≤ y) and P(Y ≥ y), twice
//! (Box 1980, JRSS A 143:383, one arm at a time). λ is tabulated; η is a mixture of normals, over τ and over the scales
//! of Student t priors, or a table where these are many or are added to the log odds of a beta. Nothing grows with n.

use crate::numeric::{
    LogTable, Peak, Placement, exp_of_nonpositive, normal_cdf, normal_rule, softplus, tabulate,
};
use crate::parallel;
use crate::study::{BaselinePrior, HeterogeneityPrior, LocationPrior, Study, SubgroupBias, SubgroupCounts};

/// How far one arm's number of events lies from what the priors alone predict.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct BaselineConflict {
    /// The subgroup's name.
    pub subgroup: String,
    /// The arm's name.
    pub arm: String,
    /// Patients with the event.
    pub events: u64,
    /// Patients with a known outcome.
    pub total: u64,
    /// The two-sided probability under the priors alone of a number of events at least this far out.
    pub tail_probability: f64,
}

impl BaselineConflict {
    /// Whether the number of events lies outside the central 95 % of what the priors predict.
    pub fn is_beyond(&self) -> bool {
        self.tail_probability < BEYOND
    }
}

/// A tail probability below this is told.
const BEYOND: f64 = 0.05;

/// How every arm with patients compares with its prior, in the order of the data, control arm first. Empty for
/// published estimates, which have no baseline, for several active arms, and for adjusted studies, whose baseline is that
/// of a patient with average covariates and not of an arm. Arms whose counts a bias distorts, and arms that depend on an effect with a
/// flat prior, are left out.
pub fn baseline_conflicts(study: &Study) -> Vec<BaselineConflict> {
    let (Some(rows), Some(baseline)) = (study.data.counts(), &study.priors.baseline) else {
        return Vec::new();
    };
    let mislabelled = study.bias.as_ref().is_some_and(|b| b.misclassification.is_some());
    if study.adjustment.is_some() || mislabelled || study.has_several().is_some() {
        return Vec::new();
    }
    let below = study.priors.baseline_of.control_share();
    let arm = |c| ArmPrior::of(study, &baseline.distribution, c);
    let (control, active) = parallel::join(|| arm(-below), || arm(1.0 - below));
    let arms = [control, active];
    let bias = |g: usize| study.bias.as_ref().and_then(|b| b.subgroups.get(g));
    let one = |(g, row): (usize, &SubgroupCounts)| -> Vec<BaselineConflict> {
        let seen = seen_as_they_are(bias(g));
        let counts = [(row.control(), study.treatment.control()), (row.active(), study.treatment.active())];
        let each = counts.into_iter().zip(&arms).zip(seen);
        each.filter(|((counts, _), seen)| *seen && counts.0.total > 0)
            .filter_map(|(((counts, name), prior), _)| {
                let tail = prior.as_ref()?.tail_probability(counts.events, counts.total);
                Some(BaselineConflict {
                    subgroup: row.name.clone(),
                    arm: name.to_string(),
                    events: counts.events,
                    total: counts.total,
                    tail_probability: tail,
                })
            })
            .collect()
    };
    let found: Vec<Vec<BaselineConflict>> = parallel::range(0..rows.len(), |g| one((g, &rows[g])));
    found.into_iter().flatten().collect()
}

/// Whether no bias distorts the counts of the control arm, and those of the active arm.
fn seen_as_they_are(bias: Option<&SubgroupBias>) -> [bool; 2] {
    bias.map_or([true; 2], |b| {
        let shifted = b.confounder.is_some() || b.shift.is_some();
        [b.missing[0].is_none(), b.missing[1].is_none() && !shifted]
    })
}

/// One normal of a mixture.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    pub weight: f64,
    pub mean: f64,
    pub variance: f64,
}

/// The prior of an arm's log odds.
enum ArmPrior {
    /// A few normals.
    Normals(Vec<Part>),
    /// Many of one centre, or of a beta's log odds and normals added to them.
    Table(LogTable),
}

/// How tables are made: a normal's sums at this step are exact to rounding, and skewed ones are refined.
const PLACEMENT: Placement = Placement { step: 0.7, tolerance: 1e-6, at_least: 0.0 };

/// A normal of at least so many node spacings may be summed on the nodes; a narrower one has nodes of its own.
const RESOLVED: f64 = 1.1;

impl ArmPrior {
    /// Of α + c·θ; none where that has no distribution.
    fn of(study: &Study, baseline: &BaselinePrior, c: f64) -> Option<ArmPrior> {
        let alpha = match baseline {
            BaselinePrior::Independent(LocationPrior::LogitBeta { .. }) => {
                vec![Part { weight: 1.0, mean: 0.0, variance: 0.0 }]
            }
            other => marginal_normals(other)?,
        };
        let beta = match baseline {
            BaselinePrior::Independent(LocationPrior::LogitBeta { a, b }) => {
                Some((log_odds_of_beta(*a, *b), *a, *b))
            }
            _ => None,
        };
        let wide = beta.as_ref().map_or(0.0, |(b, ..)| b.sd() * b.sd());
        let mut all = alpha;
        if c != 0.0 {
            all = sums(&all, &normals(&study.priors.effect.distribution)?, c, wide);
            if let Some(tau) = &study.priors.heterogeneity {
                all = sums(&all, &spread(&tau.distribution), c, wide);
            }
        }
        /// As many normals cost as much as a table.
        const FEW: usize = 12;
        let one_centre = all.windows(2).all(|w| w[0].mean == w[1].mean);
        Some(match &beta {
            Some(beta) => ArmPrior::Table(tabulated(&all, Some(beta))),
            None if one_centre && all.len() > FEW => ArmPrior::Table(tabulated(&all, None)),
            None => ArmPrior::Normals(all),
        })
    }

    /// Of `y` events in `n` patients, two-sided.
    fn tail_probability(&self, y: u64, n: u64) -> f64 {
        let at_most =
            if y == n { 1.0 } else { self.below(&log_odds_of_beta(y as f64 + 1.0, (n - y) as f64)) };
        let at_least =
            if y == 0 { 1.0 } else { 1.0 - self.below(&log_odds_of_beta(y as f64, (n - y) as f64 + 1.0)) };
        (2.0 * at_most.min(at_least)).clamp(0.0, 1.0)
    }

    /// P(η ≤ λ).
    fn below(&self, lambda: &LogTable) -> f64 {
        match self {
            ArmPrior::Normals(parts) => {
                let of = |p: &Part| p.weight * exceeds(lambda, p.mean, libm::sqrt(p.variance));
                parts.iter().map(of).sum()
            }
            // Summed over the narrower of the two, the other's distribution function being smooth at its scale.
            ArmPrior::Table(eta) if eta.grid.scale < lambda.grid.scale => eta.expect(|x| 1.0 - lambda.cdf(x)),
            ArmPrior::Table(eta) => lambda.expect(|x| eta.cdf(x)),
        }
    }
}

/// A normal as many times as wide as a beta's log odds are, and more: their sum is a normal to 1e-6 of its distribution
/// function, what skewness is left being the cube of that.
const WIDE: f64 = 50.0;

/// One normal of a mixture, ready to be summed.
struct Bell {
    weight: f64,
    mean: f64,
    sd: f64,
    /// Weight times the density at the mean.
    height: f64,
    half_precision: f64,
}

impl Bell {
    fn of(part: &Part) -> Bell {
        let sd = libm::sqrt(part.variance);
        let height = part.weight / (sd * libm::sqrt(2.0 * std::f64::consts::PI));
        Bell { weight: part.weight, mean: part.mean, sd, height, half_precision: 0.5 / part.variance }
    }

    /// Weighted.
    fn density(&self, x: f64) -> f64 {
        let d = x - self.mean;
        self.height * exp_of_nonpositive(-self.half_precision * d * d)
    }
}

/// The density of a mixture of normals, or of their sums with a beta's log odds.
fn tabulated(parts: &[Part], beta: Option<&(LogTable, f64, f64)>) -> LogTable {
    let mean: f64 = parts.iter().map(|p| p.weight * p.mean).sum();
    let middle = parts.iter().max_by(|a, b| a.weight.total_cmp(&b.weight)).map_or(1.0, |p| p.variance);
    let guess = match beta {
        Some((b, ..)) => Peak { centre: b.mean() + mean, sd: libm::sqrt(b.sd() * b.sd() + middle) },
        None => Peak { centre: mean, sd: libm::sqrt(middle) },
    };
    let density_of_beta = beta.map(|(_, a, b)| {
        let log_mass = libm::lgamma(*a) + libm::lgamma(*b) - libm::lgamma(a + b);
        move |x: f64| libm::exp(a * x - (a + b) * softplus(x) - log_mass)
    });
    let (normals, added): (Vec<Bell>, Vec<Bell>) = match beta {
        None => (parts.iter().map(Bell::of).collect(), Vec::new()),
        Some((table, ..)) => {
            let (mean, sd) = (table.mean(), table.sd());
            let (wide, narrow): (Vec<Part>, Vec<Part>) =
                parts.iter().partition(|p| libm::sqrt(p.variance) > WIDE * sd);
            let both = |p: &Part| Part { mean: p.mean + mean, variance: p.variance + sd * sd, ..*p };
            (wide.iter().map(|p| Bell::of(&both(p))).collect(), narrow.iter().map(Bell::of).collect())
        }
    };
    let density = |x: f64| -> f64 {
        let alone: f64 = normals.iter().map(|n| n.density(x)).sum();
        let (Some((table, ..)), Some(own)) = (beta, &density_of_beta) else { return alone };
        let with_beta = |n: &Bell| {
            let at = x - n.mean;
            if n.sd >= RESOLVED * table.grid.spacing(at) {
                table.expect(|b| n.density(x - b))
            } else if n.sd > 0.0 {
                let nodes = normal_rule().iter();
                n.weight * nodes.map(|&(z, weight)| weight * own(at + n.sd * z)).sum::<f64>()
            } else {
                n.weight * own(at)
            }
        };
        alone + added.iter().map(with_beta).sum::<f64>()
    };
    tabulate(guess, PLACEMENT, |x| libm::log(density(x)))
}

/// P(X ≥ Z) with X tabulated and Z ~ N(mean, sd²).
fn exceeds(x: &LogTable, mean: f64, sd: f64) -> f64 {
    if sd >= RESOLVED * x.grid.spacing(mean) {
        x.expect(|x| normal_cdf((x - mean) / sd))
    } else if sd > 0.0 {
        normal_rule().iter().map(|&(z, weight)| weight * (1.0 - x.cdf(mean + sd * z))).sum()
    } else {
        1.0 - x.cdf(mean)
    }
}

/// The log odds of a risk whose distribution is Beta(a, b).
fn log_odds_of_beta(a: f64, b: f64) -> LogTable {
    let log_density = |x: f64| a * x - (a + b) * softplus(x);
    let guess = Peak { centre: libm::log(a / b), sd: libm::sqrt(1.0 / a + 1.0 / b) };
    let highest = log_density(guess.centre);
    tabulate(guess, PLACEMENT, |x| log_density(x) - highest)
}

/// The prior of one baseline by itself as a mixture of normals; none for a flat one, and for a beta's log odds.
pub(super) fn marginal_normals(prior: &BaselinePrior) -> Option<Vec<Part>> {
    match prior {
        BaselinePrior::Independent(prior) => normals(prior),
        BaselinePrior::Exchangeable { mean, sd } => Some(sums(&normals(mean)?, &spread(sd), 1.0, 0.0)),
    }
}

/// A prior as a mixture of normals: a Student t is one over its precision. None for a flat one.
fn normals(prior: &LocationPrior) -> Option<Vec<Part>> {
    match prior {
        LocationPrior::Normals(normals) => Some(
            normals.iter().map(|n| Part { weight: n.weight, mean: n.mean, variance: n.sd * n.sd }).collect(),
        ),
        LocationPrior::StudentT { df, location, scale } => {
            let half = 0.5 * df;
            // The logarithm of a Gamma(ν/2, ν/2).
            let precision = tabulate(Peak { centre: 0.0, sd: libm::sqrt(1.0 / half) }, PLACEMENT, |l| {
                half * (l - libm::exp(l))
            });
            let nodes = precision.grid.x.iter().zip(&precision.mass);
            let part = |(&l, &weight): (&f64, &f64)| Part {
                weight,
                mean: *location,
                variance: scale * scale * libm::exp(-l),
            };
            Some(nodes.map(part).collect())
        }
        LocationPrior::LogitBeta { .. } | LocationPrior::Flat => None,
    }
}

/// τz as a mixture of normals over τ.
fn spread(prior: &HeterogeneityPrior) -> Vec<Part> {
    let of = |tau: f64, weight: f64| Part { weight, mean: 0.0, variance: tau * tau };
    let over = |table: LogTable, tau: &dyn Fn(f64) -> f64| -> Vec<Part> {
        table.grid.x.iter().zip(&table.mass).map(|(&u, &weight)| of(tau(u), weight)).collect()
    };
    match prior {
        HeterogeneityPrior::Fixed { value } => vec![of(*value, 1.0)],
        HeterogeneityPrior::Uniform { upper } => {
            let logistic = tabulate(Peak { centre: 0.0, sd: 1.8 }, PLACEMENT, |u| u - 2.0 * softplus(u));
            over(logistic, &|u| upper * crate::numeric::logistic(u))
        }
        other => {
            let guess = Peak { centre: libm::log(other.typical()), sd: 1.0 };
            over(tabulate(guess, PLACEMENT, |u| other.log_density(libm::exp(u)) + u), &libm::exp)
        }
    }
}

/// X + c·Y as a mixture of normals. Parts of one mean are brought together where their variances, with that of what is
/// added later, hardly differ, mass and variance kept.
fn sums(x: &[Part], y: &[Part], c: f64, beside: f64) -> Vec<Part> {
    /// Between the logarithms of variances that are kept apart: of 1,000 arms no tail probability moved by more than 5.2e-5
    /// against a step of 0.02.
    const STEP: f64 = 0.05;
    /// Parts of less mass than this are left out.
    const NOTHING: f64 = 1e-14;
    let mut found: Vec<(i64, Part)> = Vec::new();
    for a in x {
        for b in y {
            let weight = a.weight * b.weight;
            if weight < NOTHING {
                continue;
            }
            let variance = a.variance + c * c * b.variance;
            let part = Part { weight, mean: a.mean + c * b.mean, variance };
            let total = variance + beside;
            let bin = if total > 0.0 { libm::floor(libm::log(total) / STEP) as i64 } else { i64::MIN };
            found.push((bin, part));
        }
    }
    found.sort_by(|a, b| a.1.mean.total_cmp(&b.1.mean).then(a.0.cmp(&b.0)));
    let mut kept: Vec<(i64, Part)> = Vec::new();
    for (bin, part) in found {
        match kept.last_mut() {
            Some((last, into)) if *last == bin && into.mean == part.mean => {
                let weight = into.weight + part.weight;
                into.variance = (into.weight * into.variance + part.weight * part.variance) / weight;
                into.weight = weight;
            }
            _ => kept.push((bin, part)),
        }
    }
    let total: f64 = kept.iter().map(|(_, p)| p.weight).sum();
    kept.into_iter().map(|(_, p)| Part { weight: p.weight / total, ..p }).collect()
}
