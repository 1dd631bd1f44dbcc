//! Effects whose distribution around their mean is not simply normal.

use super::{HeterogeneityPrior, LocationPrior, Pooling, Priors, Written};

/// How the subgroups' effects are spread around their mean μ, where that is no normal distribution of standard deviation τ.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Spread {
    /// θ_g ~ t_ν(μ, τ): a Student t distribution of scale τ.
    StudentT {
        /// The degrees of freedom ν, at least 1.
        df: f64,
    },
    /// θ_g ~ w N(μ, τ²) + (1 − w) N(m, s²), each subgroup by itself given μ and τ (Neuenschwander et al., Pharmaceutical
    /// Statistics 2016;15:123).
    OrNot {
        /// The probability w that a subgroup is exchangeable with the others, from 0 to 1.
        exchangeable: f64,
        /// The mean m of the effect of one that stands alone, on the scale of the model.
        mean: f64,
        /// The standard deviation s of that effect, on the scale of the model.
        sd: f64,
    },
}

/// What is assumed of subgroups that may not be exchangeable.
#[derive(Debug, Clone, PartialEq)]
pub struct StandAlone {
    /// The probability before the data that a subgroup is exchangeable with the others, from 0 to 1.
    pub exchangeable: f64,
    /// The normal prior of an effect that stands alone; where it is not said, the normal distribution with the mean and the
    /// variance that a single effect has before the data under partial pooling.
    pub prior: Option<Written<LocationPrior>>,
}

impl Default for StandAlone {
    fn default() -> StandAlone {
        StandAlone { exchangeable: 0.5, prior: None }
    }
}

impl Priors {
    /// How effects are spread around their mean under a pooling; none where the distribution is normal, or there is no
    /// spread.
    pub fn spread(&self, pooling: Pooling) -> Option<Spread> {
        match pooling {
            Pooling::StudentT => self.degrees.map(|df| Spread::StudentT { df }),
            Pooling::ExchangeableOrNot => {
                let (mean, sd) = self.stand_alone()?;
                let exchangeable = self.alone.clone().unwrap_or_default().exchangeable;
                Some(Spread::OrNot { exchangeable, mean, sd })
            }
            Pooling::Partial | Pooling::None | Pooling::Complete => None,
        }
    }

    /// Mean and standard deviation of the prior of an effect that stands alone, stated or not. None where it is not stated
    /// and follows from no others.
    pub fn stand_alone(&self) -> Option<(f64, f64)> {
        let stated = self.alone.as_ref().and_then(|alone| alone.prior.as_ref());
        if let Some(LocationPrior::Normals(normals)) = stated.map(|written| &written.distribution)
            && let [one] = normals.as_slice()
        {
            return Some((one.mean, one.sd));
        }
        let (mean, variance) = moments(&self.effect.distribution)?;
        let spread = self.heterogeneity.as_ref().map_or(0.0, |h| mean_square(&h.distribution));
        Some((mean, libm::sqrt(variance + spread)))
    }
}

/// Mean and variance; of a Student t without a variance the square of its scale. None of a flat prior.
fn moments(prior: &LocationPrior) -> Option<(f64, f64)> {
    match prior {
        LocationPrior::Normals(normals) => {
            let total: f64 = normals.iter().map(|n| n.weight).sum();
            let mean = normals.iter().map(|n| n.weight * n.mean).sum::<f64>() / total;
            let square = |x: f64| x * x;
            let each = normals.iter().map(|n| n.weight * (square(n.sd) + square(n.mean - mean)));
            Some((mean, each.sum::<f64>() / total))
        }
        LocationPrior::StudentT { df, location, scale } => {
            let wider = if *df > 2.0 { df / (df - 2.0) } else { 1.0 };
            Some((*location, wider * scale * scale))
        }
        LocationPrior::LogitBeta { .. } | LocationPrior::Flat => None,
    }
}

/// The mean of τ²; where it does not exist the square of the scale.
fn mean_square(prior: &HeterogeneityPrior) -> f64 {
    match *prior {
        HeterogeneityPrior::HalfNormal { scale } => scale * scale,
        HeterogeneityPrior::HalfStudentT { df, scale } => {
            let wider = if df > 2.0 { df / (df - 2.0) } else { 1.0 };
            wider * scale * scale
        }
        HeterogeneityPrior::Exponential { mean } => 2.0 * mean * mean,
        HeterogeneityPrior::LogNormal { mean, sd } => libm::exp(2.0 * (mean + sd * sd)),
        HeterogeneityPrior::Uniform { upper } => upper * upper / 3.0,
        HeterogeneityPrior::Fixed { value } => value * value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::BaselineOf;

    #[test]
    fn an_effect_that_stands_alone_has_the_moments_of_one_under_partial_pooling_unless_more_is_said() {
        let mut priors = Priors {
            effect: LocationPrior::normal(0.1, 0.3).into(),
            heterogeneity: Some(HeterogeneityPrior::HalfNormal { scale: 0.4 }.into()),
            baseline: None,
            baseline_of: BaselineOf::Arms,
            levels: None,
            arms: None,
            factors: None,
            degrees: None,
            alone: None,
        };
        let Some(Spread::OrNot { exchangeable, mean, sd }) = priors.spread(Pooling::ExchangeableOrNot) else {
            panic!("a mixture");
        };
        assert!(exchangeable == 0.5 && mean == 0.1 && (sd - 0.5).abs() < 1e-15);
        let stated = Some(LocationPrior::normal(-0.2, 2.0).into());
        priors.alone = Some(StandAlone { exchangeable: 0.8, prior: stated });
        let expected = Spread::OrNot { exchangeable: 0.8, mean: -0.2, sd: 2.0 };
        assert_eq!(priors.spread(Pooling::ExchangeableOrNot), Some(expected));
        assert_eq!(priors.spread(Pooling::Partial), None);
    }
}
