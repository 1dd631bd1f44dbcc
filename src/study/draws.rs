//! Posterior draws of subgroup effects from a fit elsewhere: what is left of them is a normal summary, if they are near enough
//! to normal and enough of them are independent.

use serde::Serialize;

use super::problem::Fault;
use crate::error::ErrorKind;
use crate::numeric::effective_size;
use crate::numeric::linear::{cholesky, gram_of_lower, invert_lower, symmetric_eigen};

/// The fewest effective draws.
pub const LEAST_EFFECTIVE_DRAWS: f64 = 400.0;

/// The most draws that are kept, evenly thinned: for reweighting, and for Mardia's statistics.
const MOST_KEPT: usize = 10_000;

/// The largest skewness and excess kurtosis of a direction: at these a normal summary moves a probability by at most 0.02, to
/// first order (Edgeworth): skewness by φ(z)|z² − 1|/6 ≤ 0.0665 of it, kurtosis by φ(z)|z³ − 3z|/24 ≤ 0.0229.
pub const MOST_SKEWNESS: f64 = 0.30;
pub const MOST_EXCESS_KURTOSIS: f64 = 0.87;

/// Beyond the limits by this many standard errors of the statistic at its effective size, draws are refused.
const BEYOND: f64 = 3.0;

/// The prior on each effect that draws were fitted under.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FittedUnder {
    /// A flat prior.
    Flat,
    /// An independent normal prior on every subgroup's effect.
    Normal {
        /// Its mean.
        mean: f64,
        /// Its standard deviation.
        sd: f64,
    },
}

impl FittedUnder {
    /// As model files have it.
    pub fn in_words(self) -> String {
        match self {
            FittedUnder::Flat => "flat".to_string(),
            FittedUnder::Normal { mean, sd } => format!("normal({mean}, {sd})"),
        }
    }

    /// The log density of one effect, up to a constant.
    pub fn log_density(self, theta: f64) -> f64 {
        match self {
            FittedUnder::Flat => 0.0,
            FittedUnder::Normal { mean, sd } => -0.5 * ((theta - mean) / sd) * ((theta - mean) / sd),
        }
    }
}

/// The account of a file of draws.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DrawsFile {
    /// The file's name.
    pub file: String,
    /// How many draws it holds of every effect.
    pub draws: usize,
    /// How many chains they are of.
    pub chains: usize,
    /// The prior they were fitted under, which is divided out.
    pub fitted_under: FittedUnder,
    /// The smallest effective number of draws of an effect, from their autocorrelation.
    pub least_effective: f64,
    /// Mardia's multivariate skewness b₁: 0 of a normal.
    pub skewness: f64,
    /// Mardia's multivariate kurtosis b₂: K(K + 2) of a normal of K effects.
    pub kurtosis: f64,
    /// K(K + 2).
    pub normal_kurtosis: f64,
    /// The skewness of the effect whose own is farthest from 0.
    pub largest_skewness: f64,
    /// The excess kurtosis of the effect whose own is farthest from 0.
    pub largest_excess_kurtosis: f64,
    /// Draws that are kept, by subgroup; all of them where they are not many.
    #[serde(skip)]
    pub kept: Vec<Vec<f64>>,
    /// Mean and standard deviation of the draws themselves, by subgroup.
    #[serde(skip)]
    pub own: Vec<(f64, f64)>,
}

/// What draws say of the effects without the prior they were fitted under.
pub struct Summary {
    /// The account.
    pub file: DrawsFile,
    /// By subgroup.
    pub means: Vec<f64>,
    /// By row.
    pub covariance: Vec<Vec<f64>>,
}

/// `draws` by subgroup, each in the order of the file; `chains` the lengths of the chains, one after another.
pub fn summary(
    (file, names): (&str, &[&str]),
    draws: &[Vec<f64>],
    chains: &[usize],
    fitted_under: FittedUnder,
) -> Result<Summary, Fault> {
    let (size, n) = (draws.len(), draws.first().map_or(0, Vec::len));
    let fault = |message: String, help: &str| Fault::new(ErrorKind::Data, message, help);
    let effective: Vec<f64> = draws.iter().map(|d| effective_size(d, chains)).collect();
    let least = (0..size).min_by(|&a, &b| effective[a].total_cmp(&effective[b])).unwrap_or(0);
    let needed = LEAST_EFFECTIVE_DRAWS.max(20.0 * size as f64);
    let least_effective = effective.get(least).copied().unwrap_or(0.0);
    if least_effective < needed {
        return Err(fault(
            format!(
                "{n} draws of `{}` are worth {} independent ones, and at least {needed} are needed",
                names.get(least).unwrap_or(&""),
                libm::floor(least_effective)
            ),
            "take more draws where they were made, or name the column of chains: chain = \".chain\" in [data]",
        ));
    }
    let mean = |d: &[f64]| d.iter().sum::<f64>() / n as f64;
    let means: Vec<f64> = draws.iter().map(|d| mean(d)).collect();
    let mut covariance = vec![0.0; size * size];
    for a in 0..size {
        for b in 0..=a {
            let both = draws[a].iter().zip(&draws[b]);
            let sum: f64 = both.map(|(x, y)| (x - means[a]) * (y - means[b])).sum();
            covariance[a * size + b] = sum / (n - 1) as f64;
            covariance[b * size + a] = covariance[a * size + b];
        }
    }
    let own: Vec<(f64, f64)> = (0..size).map(|g| (means[g], libm::sqrt(covariance[g * size + g]))).collect();
    let Some(factor) = cholesky(&covariance, size) else {
        return Err(fault(
            "the draws of one subgroup follow from those of others: their covariance is not positive definite"
                .to_string(),
            "leave out the one that is a sum or a copy of others",
        ));
    };
    let inverse = invert_lower(&factor, size);
    let step = n.div_ceil(MOST_KEPT);
    let kept: Vec<Vec<f64>> = draws.iter().map(|d| d.iter().copied().step_by(step).collect()).collect();
    let shape = Shape::of(&kept, &means, &inverse);
    let marginal: Vec<(f64, f64)> = draws.iter().zip(&own).map(|(d, own)| moments(d, *own)).collect();
    let farthest = |of: fn(&(f64, f64)) -> f64| {
        (0..size).max_by(|&a, &b| of(&marginal[a]).abs().total_cmp(&of(&marginal[b]).abs())).unwrap_or(0)
    };
    let (skewed, peaked) = (farthest(|m| m.0), farthest(|m| m.1));
    let normal_kurtosis = (size * (size + 2)) as f64;
    let file = DrawsFile {
        file: file.to_string(),
        draws: n,
        chains: chains.len(),
        fitted_under,
        least_effective,
        skewness: shape.skewness,
        kurtosis: shape.kurtosis,
        normal_kurtosis,
        largest_skewness: marginal[skewed].0,
        largest_excess_kurtosis: marginal[peaked].1,
        kept,
        own,
    };
    file.near_normal((names[skewed], names[peaked]))?;
    let (means, covariance) = without_prior(&file, names, (&means, &inverse))?;
    let covariance = covariance.chunks(size).map(<[f64]>::to_vec).collect();
    Ok(Summary { file, means, covariance })
}

/// Skewness and excess kurtosis.
fn moments(draws: &[f64], (mean, sd): (f64, f64)) -> (f64, f64) {
    let n = draws.len() as f64;
    let power = |k: i32| draws.iter().map(|x| libm::pow((x - mean) / sd, f64::from(k))).sum::<f64>() / n;
    (power(3), power(4) - 3.0)
}

/// Mardia's statistics (Biometrika 1970;57:519).
struct Shape {
    skewness: f64,
    kurtosis: f64,
}

impl Shape {
    /// `inverse` is L⁻¹ of the covariance. b₁ is the sum of all squared third moments of whitened draws, which takes n·K³/6
    /// steps where its definition takes n².
    fn of(draws: &[Vec<f64>], means: &[f64], inverse: &[f64]) -> Shape {
        let (size, n) = (draws.len(), draws.first().map_or(0, Vec::len));
        let white: Vec<Vec<f64>> = (0..size)
            .map(|g| {
                let at =
                    |i: usize| (0..=g).map(|k| inverse[g * size + k] * (draws[k][i] - means[k])).sum::<f64>();
                (0..n).map(at).collect()
            })
            .collect();
        let mut skewness = 0.0;
        for a in 0..size {
            for b in a..size {
                for c in b..size {
                    let third: f64 =
                        (0..n).map(|i| white[a][i] * white[b][i] * white[c][i]).sum::<f64>() / n as f64;
                    let orders = match (a == b, b == c) {
                        (true, true) => 1.0,
                        (false, false) => 6.0,
                        _ => 3.0,
                    };
                    skewness += orders * third * third;
                }
            }
        }
        let length = |i: usize| white.iter().map(|w| w[i] * w[i]).sum::<f64>();
        let kurtosis = (0..n).map(|i| length(i) * length(i)).sum::<f64>() / n as f64;
        Shape { skewness, kurtosis }
    }
}

impl DrawsFile {
    /// By direction: the root mean square skewness beyond what chance gives, and the excess kurtosis.
    fn by_direction(&self) -> (f64, f64) {
        let size = self.own.len() as f64;
        let chance = size * (size + 1.0) * (size + 2.0) / self.least_effective;
        let skewness = libm::sqrt((self.skewness - chance).max(0.0) / size);
        (skewness, (self.kurtosis - self.normal_kurtosis) / size)
    }

    fn near_normal(&self, (skewed, peaked): (&str, &str)) -> Result<(), Fault> {
        let size = self.own.len() as f64;
        let n = self.least_effective;
        let help = "a normal summary would misstate probabilities by more than 0.02: take effects on a scale on which they are nearly normal (the log of a ratio), or fit the counts or rows themselves";
        let refused = |message: String| {
            Err(Fault::new(ErrorKind::Data, format!("the draws are far from normal: {message}"), help))
        };
        let (skewness, kurtosis) = self.by_direction();
        if self.largest_skewness.abs() > MOST_SKEWNESS + BEYOND * libm::sqrt(6.0 / n) {
            return refused(format!(
                "those of `{skewed}` have a skewness of {:.2}, at most {MOST_SKEWNESS} allowed",
                self.largest_skewness
            ));
        }
        if self.largest_excess_kurtosis.abs() > MOST_EXCESS_KURTOSIS + BEYOND * libm::sqrt(24.0 / n) {
            return refused(format!(
                "those of `{peaked}` have an excess kurtosis of {:.2}, at most {MOST_EXCESS_KURTOSIS} allowed",
                self.largest_excess_kurtosis
            ));
        }
        if skewness > MOST_SKEWNESS + BEYOND * libm::sqrt(6.0 / n) {
            return refused(format!(
                "Mardia's skewness is {:.2}, {skewness:.2} by direction, at most {MOST_SKEWNESS} allowed",
                self.skewness
            ));
        }
        let error = libm::sqrt(8.0 * size * (size + 2.0) / n) / size;
        if kurtosis.abs() > MOST_EXCESS_KURTOSIS + BEYOND * error {
            return refused(format!(
                "Mardia's kurtosis is {:.2} and that of a normal {}, an excess of {kurtosis:.2} by direction, at most {MOST_EXCESS_KURTOSIS} allowed",
                self.kurtosis, self.normal_kurtosis
            ));
        }
        Ok(())
    }
}

/// Mean and covariance of the normal that, times the prior, is that of the draws.
fn without_prior(
    file: &DrawsFile,
    names: &[&str],
    (means, inverse): (&[f64], &[f64]),
) -> Result<(Vec<f64>, Vec<f64>), Fault> {
    let size = means.len();
    let mut precision = gram_of_lower(inverse, size);
    let (mean, sd) = match file.fitted_under {
        FittedUnder::Flat => {
            let factor = cholesky(&precision, size).map(|f| invert_lower(&f, size));
            let covariance = factor.map(|f| gram_of_lower(&f, size));
            return Ok((means.to_vec(), covariance.unwrap_or_default()));
        }
        FittedUnder::Normal { mean, sd } => (mean, sd),
    };
    let own = 1.0 / (sd * sd);
    let mut pulled: Vec<f64> =
        (0..size).map(|a| (0..size).map(|b| precision[a * size + b] * means[b]).sum()).collect();
    for g in 0..size {
        precision[g * size + g] -= own;
        pulled[g] -= own * mean;
    }
    let (values, vectors) = symmetric_eigen(&precision, size);
    let least = (0..size).min_by(|&a, &b| values[a].total_cmp(&values[b])).unwrap_or(0);
    // A precision from so many draws errs by √(2/n) of itself.
    let error = BEYOND * libm::sqrt(2.0 / file.least_effective) * (values[least] + own);
    if values[least] <= error {
        let g = (0..size)
            .max_by(|&a, &b| vectors[a * size + least].abs().total_cmp(&vectors[b * size + least].abs()))
            .unwrap_or(0);
        return Err(Fault::new(
            ErrorKind::Data,
            format!(
                "without {} the draws leave no positive definite precision: its smallest eigenvalue is {:.4} (mostly `{}`), and draws tell it to {error:.4}",
                file.fitted_under.in_words(),
                values[least],
                names[g]
            ),
            "the draws are hardly narrower than the prior: is it the one on each subgroup's effect that they were fitted under?",
        ));
    }
    let covariance = cholesky(&precision, size).map(|f| gram_of_lower(&invert_lower(&f, size), size));
    let covariance = covariance.unwrap_or_default();
    let means = (0..size).map(|a| (0..size).map(|b| covariance[a * size + b] * pulled[b]).sum()).collect();
    Ok((means, covariance))
}
