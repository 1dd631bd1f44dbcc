//! Effects that are not normal around μ, as finite mixtures of normals: a Student t as normals whose precision is
//! gamma-distributed, and effects that are exchangeable or not. Given μ and τ the effects are independent, so that the
//! likelihood of (μ, τ) is a product of one such mixture for each subgroup, whatever their number.

use super::Resolution;
use super::effect_likelihood::{EffectLikelihood, EffectRange};
use super::smooth::log_sum;
use crate::model::{LocationPrior, Spread};
use crate::numeric::{log_add_exp, normal_cdf, normal_log_density};

/// One normal around μ: its share of all effects, and its sd as a share of τ.
#[derive(Debug, Clone, Copy)]
pub struct Around {
    pub weight: f64,
    pub log_weight: f64,
    pub scale: f64,
}

/// The normal of an effect that stands alone, with its share of all effects.
#[derive(Debug, Clone, Copy)]
pub struct Alone {
    pub weight: f64,
    log_weight: f64,
    pub mean: f64,
    pub sd: f64,
}

/// How effects are spread around μ.
#[derive(Debug, Clone)]
pub struct Kernel {
    around: Vec<Around>,
    alone: Option<Alone>,
    /// Of a Student t.
    df: Option<f64>,
}

/// Parts of a Student t with less of it do not decide how wide its normals are.
const RARE: f64 = 1e-7;

/// Below this share of a Student t's largest part, as a logarithm, a part is nothing.
const NOTHING: f64 = 28.0;

/// Steps of the trapezoid sum over the logarithm of the precision: at most the first, and the second over the root of half the
/// degrees of freedom, so that the density is off by less than a millionth of itself.
const STEPS: (f64, f64) = (0.48, 0.9);

impl Kernel {
    /// None where effects are normal around μ after all.
    pub fn of(spread: Spread, resolution: Resolution) -> Option<Kernel> {
        match spread {
            Spread::StudentT { df } => {
                Some(Kernel { around: scales(df, resolution), alone: None, df: Some(df) })
            }
            Spread::OrNot { exchangeable, .. } if exchangeable >= 1.0 => None,
            Spread::OrNot { exchangeable, mean, sd } => {
                let whole = Around { weight: exchangeable, log_weight: libm::log(exchangeable), scale: 1.0 };
                let around = if exchangeable > 0.0 { vec![whole] } else { Vec::new() };
                let weight = 1.0 - exchangeable;
                let alone = Alone { weight, log_weight: libm::log(weight), mean, sd };
                Some(Kernel { around, alone: Some(alone), df: None })
            }
        }
    }

    /// The normals around μ.
    pub fn around(&self) -> &[Around] {
        &self.around
    }

    /// None where no effect stands alone.
    pub fn alone(&self) -> Option<&Alone> {
        self.alone.as_ref()
    }

    /// Whether no effect is of the common distribution.
    pub fn is_all_alone(&self) -> bool {
        self.around.is_empty()
    }

    /// `log ∫ p(θ | μ, τ) e^{ℓ(θ)} dθ`; `alone` is the part of it that neither μ nor τ changes. `terms` and `each` are working
    /// space.
    pub fn log_marginal(
        &self,
        likelihood: &EffectLikelihood,
        alone: Option<f64>,
        (mu, tau): (f64, f64),
        (terms, each): (&mut Vec<f64>, &mut Vec<f64>),
    ) -> f64 {
        let mut of_part =
            |part: &Around| part.log_weight + likelihood.log_marginal(mu, part.scale * tau, terms);
        if let [whole] = &self.around[..] {
            return log_add_exp(alone.unwrap_or(f64::NEG_INFINITY), of_part(whole));
        }
        each.clear();
        each.extend(alone);
        each.extend(self.around.iter().map(of_part));
        log_sum(each)
    }

    /// Where θ may lie, from where it may lie were it normal around μ.
    pub fn widened(&self, range: EffectRange) -> EffectRange {
        /// Standard deviations beyond which a normal leaves nothing.
        const FAR: f64 = 9.0;
        let widest = self.around.iter().map(|part| part.scale).fold(1.0, f64::max);
        let reach = (range.reach * widest).min(1e18);
        match &self.alone {
            None => EffectRange { reach, ..range },
            Some(alone) => {
                let apart = (alone.mean - range.centre).abs();
                EffectRange {
                    centre: range.centre,
                    sd: libm::hypot(range.sd, alone.sd) + apart,
                    reach: reach.max(alone.mean.abs() + FAR * alone.sd),
                }
            }
        }
    }

    /// The widest normal that more than next to nothing of the effects have, as a share of τ.
    pub fn usual_width(&self) -> f64 {
        let usual = self.around.iter().filter(|part| part.weight > RARE);
        usual.map(|part| part.scale).fold(1.0, f64::max)
    }

    /// Of so many subgroups whose data bound their effects, how many bound τ: none where all may stand alone.
    pub fn bounding_scale(&self, subgroups: f64) -> f64 {
        if self.alone.is_some() { 0.0 } else { subgroups }
    }

    /// Moments of μ below this order exist, given as many as there would be were effects normal around it.
    pub fn mean_limit(&self, effect: &LocationPrior, bounded: f64, normal: f64) -> f64 {
        let own = effect.moment_limit();
        match self.df {
            // The likelihood of μ falls like a power of it.
            Some(df) if own < f64::INFINITY => {
                let lost = if effect.is_proper() { 0.0 } else { 1.0 };
                normal.min(own + bounded * (df + 1.0) - lost)
            }
            Some(_) => normal,
            None => own,
        }
    }

    /// Moments of an effect below this order exist, given as many as μ and τ leave.
    pub fn moment_limit(&self, limit: f64) -> f64 {
        self.df.map_or(limit, |df| limit.min(df))
    }

    /// Mean and sd of an effect, from those of one with so much of τ² as its variance around μ.
    pub fn moments(&self, of_share: impl Fn(f64) -> (f64, f64)) -> (f64, f64) {
        /// In place of a variance that does not exist, to say where quantiles are looked for.
        const WIDE: f64 = 25.0;
        let of_t = |df: f64| if df > 2.0 { df / (df - 2.0) } else { WIDE };
        let share = self.df.map_or(1.0, of_t);
        let (mean, sd) = of_share(share);
        let Some(alone) = &self.alone else { return (mean, sd) };
        let rest = 1.0 - alone.weight;
        let both = rest * mean + alone.weight * alone.mean;
        let square =
            rest * (sd * sd + mean * mean) + alone.weight * (alone.sd * alone.sd + alone.mean * alone.mean);
        (both, libm::sqrt((square - both * both).max(0.0)))
    }
}

impl Alone {
    /// `log w̄ N(θ; m, s²)`.
    pub fn log_density(&self, theta: f64) -> f64 {
        self.log_weight + normal_log_density(theta, self.mean, self.sd)
    }

    /// `w̄` times the probability below `x`.
    pub fn cdf(&self, x: f64) -> f64 {
        self.weight * normal_cdf((x - self.mean) / self.sd)
    }

    /// `log w̄ ∫ N(θ; m, s²) e^{ℓ(θ)} dθ`.
    pub fn log_marginal(&self, likelihood: &EffectLikelihood, terms: &mut Vec<f64>) -> f64 {
        self.log_weight + likelihood.log_marginal(self.mean, self.sd, terms)
    }
}

/// A Student t of scale 1 as normals: their precision e^x has the density `∝ e^{(ν/2)(x − e^x)}` in x, summed by the trapezoid
/// rule.
fn scales(df: f64, resolution: Resolution) -> Vec<Around> {
    let half = 0.5 * df;
    let step = STEPS.0.min(STEPS.1 / libm::sqrt(half)) / resolution.refinement;
    let log_part = |x: f64| half * (x - libm::exp(x)) + half;
    let counts = |x: &f64| log_part(*x) > -NOTHING;
    let down = (1..).map(|j| -step * f64::from(j)).take_while(counts);
    let mut places: Vec<f64> = down.collect();
    places.reverse();
    places.extend((0..).map(|j| step * f64::from(j)).take_while(counts));
    let total = log_sum(&places.iter().map(|x| log_part(*x)).collect::<Vec<_>>());
    let part = |x: &f64| {
        let log_weight = log_part(*x) - total;
        Around { weight: libm::exp(log_weight), log_weight, scale: libm::exp(-0.5 * x) }
    };
    places.iter().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::LocationComponent;

    #[test]
    fn normals_of_many_widths_are_a_student_t() {
        for df in [1.0, 2.5, 4.0, 30.0, 1000.0, 1e6] {
            let t = LocationComponent::StudentT { df, location: 0.0, scale: 1.0 };
            let parts = scales(df, Resolution::default());
            for x in [0.0, 0.3, 1.0, 3.0, 8.0, 20.0] {
                let terms: Vec<f64> =
                    parts.iter().map(|p| p.log_weight + normal_log_density(x, 0.0, p.scale)).collect();
                let (found, expected) = (libm::exp(log_sum(&terms)), libm::exp(t.log_density(x)));
                let error = (found - expected).abs();
                let allowed = 1e-6 * expected + 1e-12;
                assert!(error < allowed, "{df} at {x}: {error:e}, {} parts", parts.len());
            }
        }
    }

    #[test]
    fn effects_that_are_all_exchangeable_are_normal_around_their_mean() {
        let spread = |exchangeable| Spread::OrNot { exchangeable, mean: 0.0, sd: 1.0 };
        assert!(Kernel::of(spread(1.0), Resolution::default()).is_none());
        let kernel = Kernel::of(spread(0.0), Resolution::default()).expect("no normal");
        assert!(kernel.is_all_alone() && kernel.alone().is_some_and(|a| a.weight == 1.0));
    }
}
