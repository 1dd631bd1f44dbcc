//! Parameters drawn from the priors.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rand_distr::{Beta, ChiSquared, Distribution, Exp1, Gamma, StandardNormal, StandardUniform};

use super::levels::{DrawnLevels, Levels};
use super::observation::Cells;
use super::{
    BaselineOf, BaselinePrior, HeterogeneityPrior, LabelShares, LocationPrior, Misclassification, Model,
    Nuisance, Pooling, Spread,
};
use crate::numeric::{logistic, logit};

/// One draw of every parameter from the priors.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Drawn {
    /// The subgroups' effects θ, on the scale of the model; length G.
    pub theta: Vec<f64>,
    /// The subgroups' baselines α, in log odds; length G, empty for published estimates.
    pub alpha: Vec<f64>,
    /// The mean μ of the effects; none where every subgroup has its own.
    pub mu: Option<f64>,
    /// The standard deviation τ of the effects; none where it is fixed or every subgroup has its own.
    pub tau: Option<f64>,
    /// Mean and standard deviation of exchangeable baselines, in log odds; none for other baselines.
    pub baseline: Option<(f64, f64)>,
    /// The effect θ of a further, similar subgroup; none where subgroups share nothing.
    pub theta_new: Option<f64>,
    /// Whether each subgroup stands alone; length G, empty where all are exchangeable.
    pub stands_alone: Vec<bool>,
    /// Cut points and departures; none where outcomes have no levels.
    pub levels: Option<DrawnLevels>,
    /// How often labels are right, and the true shares of the subgroups; none where labels are taken as right.
    pub labels: Option<LabelShares>,
    /// The coefficients γ of the covariates, in log odds for one standard deviation; empty without covariates.
    pub gamma: Vec<f64>,
    /// The intercepts of the centres, in log odds; empty without centres.
    pub centres: Vec<f64>,
    /// The standard deviation of the centres' intercepts; none without centres, and where it is fixed.
    pub centre_sd: Option<f64>,
}

impl Drawn {
    /// The log odds of the control arms and those of the active arms.
    pub fn arms(&self, of: BaselineOf) -> [Vec<f64>; 2] {
        let pairs = self.alpha.iter().zip(&self.theta);
        let (control, active) = pairs.map(|(a, t)| of.log_odds(*a, *t).into()).unzip();
        [control, active]
    }
}

impl Model {
    /// One draw from the priors; none where one of them is flat.
    pub fn draw_prior(&self, rng: &mut ChaCha8Rng) -> Option<Drawn> {
        self.draw_prior_from(&mut Source { rng, sign: 1.0 })
    }

    /// Two draws on opposite sides of the centre of every effect and baseline, with the same scales. Over such pairs
    /// a symmetric normal or t prior is symmetric exactly, and the draws from a mirrored prior are the mirror images
    /// of these.
    pub fn draw_prior_pair(&self, rng: &mut ChaCha8Rng) -> Option<[Drawn; 2]> {
        let mut again = rng.clone();
        let first = self.draw_prior_from(&mut Source { rng, sign: 1.0 })?;
        let second = self.draw_prior_from(&mut Source { rng: &mut again, sign: -1.0 })?;
        Some([first, second])
    }

    fn draw_prior_from(&self, from: &mut Source<'_>) -> Option<Drawn> {
        let subgroups = self.subgroups();
        let mut drawn = Drawn::default();
        match self.pooling {
            Pooling::Separate(prior) => {
                for _ in 0..subgroups {
                    let mu = self.effect.draw(from)?;
                    let tau = prior.draw(from);
                    drawn.theta.push(mu + tau * from.normal());
                }
            }
            Pooling::Partial(_) | Pooling::Complete | Pooling::Shaped(..) => {
                let mu = self.effect.draw(from)?;
                let tau = match self.pooling {
                    Pooling::Partial(prior) | Pooling::Shaped(prior, _) => prior.draw(from),
                    _ => 0.0,
                };
                let spread = match self.pooling {
                    Pooling::Shaped(_, spread) => Some(spread),
                    _ => None,
                };
                for _ in 0..subgroups {
                    let (theta, alone) = from.effect(spread, mu, tau);
                    drawn.theta.push(theta);
                    drawn.stands_alone.extend(alone);
                }
                drawn.theta_new = Some(from.effect(spread, mu, tau).0);
                drawn.mu = Some(mu);
                drawn.tau = self.samples_heterogeneity().then_some(tau);
            }
        }
        let cells = self.observation.cells();
        if let Some(cells) = cells {
            match cells.levels() {
                Some(levels) => draw_levels((cells, levels), &mut drawn, from)?,
                None => draw_baselines(cells, &mut drawn, from)?,
            }
        }
        if let Some(rows) = cells.and_then(Cells::rows) {
            for prior in &rows.gamma_priors {
                drawn.gamma.push(prior.draw(from)?);
            }
            if let Some(prior) = rows.centre_sd {
                let sd = prior.draw(from);
                drawn.centres.extend((0..rows.centres()).map(|_| sd * from.normal()));
                drawn.centre_sd = (!matches!(prior, HeterogeneityPrior::Fixed { .. })).then_some(sd);
            }
        }
        drawn.labels = cells.and_then(Cells::misclassification).map(|m| m.draw(from.rng));
        Some(drawn)
    }

    /// Whether τ is one unknown number.
    fn samples_heterogeneity(&self) -> bool {
        match self.pooling {
            Pooling::Partial(prior) | Pooling::Shaped(prior, _) => {
                !matches!(prior, HeterogeneityPrior::Fixed { .. })
            }
            _ => false,
        }
    }

    /// The same model with outcomes of its patients drawn given the parameters.
    #[must_use]
    pub fn with_drawn_data(&self, drawn: &Drawn, rng: &mut ChaCha8Rng) -> Model {
        Model { observation: self.observation.drawn(drawn, rng), ..self.clone() }
    }
}

/// Baselines with cut points and departures, until they fit one another.
fn draw_levels((cells, levels): (&Cells, &Levels), drawn: &mut Drawn, from: &mut Source<'_>) -> Option<()> {
    for _ in 0..Levels::tries() {
        drawn.alpha.clear();
        draw_baselines(cells, drawn, from)?;
        let typical = drawn.baseline.map(|(mean, _)| [mean]);
        let base = typical.as_ref().map_or(drawn.alpha.as_slice(), |of| of.as_slice());
        drawn.levels = levels.draw(base, from.rng);
        if drawn.levels.is_some() {
            return Some(());
        }
    }
    None
}

fn draw_baselines(cells: &Cells, drawn: &mut Drawn, from: &mut Source<'_>) -> Option<()> {
    let subgroups = cells.pairs().len();
    match &cells.baselines().prior {
        BaselinePrior::Independent(prior) => {
            for _ in 0..subgroups {
                drawn.alpha.push(prior.draw(from)?);
            }
        }
        BaselinePrior::Exchangeable { mean, sd } => {
            let (mean, sd) = (mean.draw(from)?, sd.draw(from));
            drawn.alpha.extend((0..subgroups).map(|_| mean + sd * from.normal()));
            drawn.baseline = Some((mean, sd));
        }
    }
    Some(())
}

/// Randomness for a prior, or for its mirror image: deviations from centres carry the sign.
pub(super) struct Source<'a> {
    rng: &'a mut ChaCha8Rng,
    sign: f64,
}

impl<'a> Source<'a> {
    pub fn new(rng: &'a mut ChaCha8Rng, sign: f64) -> Source<'a> {
        Source { rng, sign }
    }
}

impl Source<'_> {
    pub fn normal(&mut self) -> f64 {
        self.sign * normal(self.rng)
    }

    pub fn chi_squared(&mut self, df: f64) -> f64 {
        // Degrees of freedom are above 0 wherever a prior was built.
        ChiSquared::new(df).map_or(df, |chi| chi.sample(self.rng))
    }

    fn student_t(&mut self, df: f64) -> f64 {
        let z = self.normal();
        // Degrees of freedom are above 0 wherever a prior was built.
        ChiSquared::new(df).map_or(z, |chi| z * (df / chi.sample(self.rng)).sqrt())
    }

    /// One effect around μ with scale τ, and where it may whether it stands alone.
    fn effect(&mut self, spread: Option<Spread>, mu: f64, tau: f64) -> (f64, Option<bool>) {
        match spread {
            None => (mu + tau * self.normal(), None),
            Some(Spread::StudentT { df }) => (mu + tau * self.student_t(df), None),
            Some(Spread::OrNot { exchangeable, mean, sd }) => {
                let alone = self.uniform() >= exchangeable;
                let (centre, scale) = if alone { (mean, sd) } else { (mu, tau) };
                (centre + scale * self.normal(), Some(alone))
            }
        }
    }

    fn uniform(&mut self) -> f64 {
        StandardUniform.sample(self.rng)
    }

    /// The log odds of a beta are those of one gamma to another. Each has its own randomness, which the mirror image
    /// exchanges: where one draw of a pair is high the other is low, and beta(b, a) gives the same pairs with changed signs.
    fn log_odds_of_beta(&mut self, a: f64, b: f64) -> f64 {
        let mut seeds = [self.rng.next_u64(), self.rng.next_u64()];
        if self.sign < 0.0 {
            seeds.reverse();
        }
        log_of_gamma(a, seeds[0]) - log_of_gamma(b, seeds[1])
    }
}

/// The logarithm of a gamma variable: of shape a + 1, times the a-th root of a uniform one, so that small shapes stay finite.
fn log_of_gamma(shape: f64, seed: u64) -> f64 {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let unit: f64 = Exp1.sample(&mut rng);
    // Shapes are above 0 wherever a prior was built.
    Gamma::new(shape + 1.0, 1.0).map_or(f64::NAN, |gamma| libm::log(gamma.sample(&mut rng)) - unit / shape)
}

impl LocationPrior {
    /// None for a flat prior.
    pub(super) fn draw(&self, from: &mut Source<'_>) -> Option<f64> {
        match self {
            LocationPrior::Normals(normals) => {
                let mut left = if normals.len() == 1 { 0.0 } else { from.uniform() };
                let chosen = normals.iter().find(|n| {
                    left -= n.weight;
                    left < 0.0
                });
                let n = chosen.or(normals.last())?;
                Some(n.mean + n.sd * from.normal())
            }
            LocationPrior::StudentT { df, location, scale } => Some(location + scale * from.student_t(*df)),
            LocationPrior::LogitBeta { a, b } => Some(from.log_odds_of_beta(*a, *b)),
            LocationPrior::Flat => None,
        }
    }
}

impl HeterogeneityPrior {
    pub(super) fn draw(&self, from: &mut Source<'_>) -> f64 {
        match *self {
            HeterogeneityPrior::HalfNormal { scale } => scale * from.normal().abs(),
            HeterogeneityPrior::HalfStudentT { df, scale } => scale * from.student_t(df).abs(),
            HeterogeneityPrior::Exponential { mean } => {
                let unit: f64 = Exp1.sample(from.rng);
                mean * unit
            }
            // A scale is not mirrored.
            HeterogeneityPrior::LogNormal { mean, sd } => libm::exp(mean + sd * from.sign * from.normal()),
            HeterogeneityPrior::Uniform { upper } => upper * from.uniform(),
            HeterogeneityPrior::Fixed { value } => value,
        }
    }
}

impl Nuisance {
    /// One value; known ones draw nothing. A beta prior beyond the generator's range gives what is not a number.
    pub fn draw(&self, rng: &mut ChaCha8Rng) -> f64 {
        match self {
            Nuisance::Known(x) => *x,
            Nuisance::Location(prior) => prior.draw(&mut Source { rng, sign: 1.0 }).unwrap_or(f64::NAN),
            Nuisance::LogitBeta { a, b } => {
                Beta::new(*a, *b).map_or(f64::NAN, |beta| logit(beta.sample(rng)))
            }
        }
    }
}

impl Misclassification {
    fn draw(&self, rng: &mut ChaCha8Rng) -> LabelShares {
        let mut pair = |of: &[Nuisance; 2], shared: bool| {
            let first = logistic(of[0].draw(rng));
            [first, if shared { first } else { logistic(of[1].draw(rng)) }]
        };
        LabelShares {
            sensitivity: pair(&self.sensitivity, self.sensitivity_shared),
            specificity: pair(&self.specificity, self.specificity_shared),
            share: pair(&self.share, false),
        }
    }
}

/// A draw from N(0, 1).
pub fn normal(rng: &mut ChaCha8Rng) -> f64 {
    StandardNormal.sample(rng)
}
