//! Parameters drawn from the priors, and data drawn given parameters.

use std::sync::Arc;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rand_distr::{Beta, Binomial, ChiSquared, Distribution, Exp1, Gamma, StandardNormal, StandardUniform};

use super::{
    Arm, BaselinePrior, BinomialPair, HeterogeneityPrior, LabelShares, Likelihood, LocationPrior,
    Misclassification, Model, NormalEstimate, Nuisance, Pooling, Side, SubgroupBias, cells_of, confounded,
    confounded_estimate, labelled_arm, unmix,
};
use crate::numeric::{logistic, logit};

/// One draw of every parameter.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Drawn {
    /// Length G.
    pub theta: Vec<f64>,
    /// Length G; empty for estimates.
    pub alpha: Vec<f64>,
    /// The mean of the effects; none where every subgroup has its own.
    pub mu: Option<f64>,
    /// The sd of the effects; none where it is fixed, or every subgroup has its own.
    pub tau: Option<f64>,
    /// Mean and sd of exchangeable baselines.
    pub baseline: Option<(f64, f64)>,
    /// The effect of a further similar subgroup; none where nothing is shared.
    pub theta_new: Option<f64>,
    /// How often labels are right; none where they always are.
    pub labels: Option<LabelShares>,
    /// Coefficients of covariates, intercepts of centres, and the centres' sd unless it is fixed.
    pub gamma: Vec<f64>,
    pub centres: Vec<f64>,
    pub centre_sd: Option<f64>,
}

impl Drawn {
    /// Log odds of the control arms and of the active arms.
    pub fn arms(&self, model: &Model) -> [Vec<f64>; 2] {
        let pairs = self.alpha.iter().zip(&self.theta);
        let (control, active) = pairs.map(|(a, t)| model.baseline_of.log_odds(*a, *t).into()).unzip();
        [control, active]
    }
}

impl Model {
    /// One draw from the priors; none where one of them is flat.
    pub fn draw_prior(&self, rng: &mut ChaCha8Rng) -> Option<Drawn> {
        self.draw_prior_from(&mut Source { rng, sign: 1.0 })
    }

    /// Two draws that lie on opposite sides of the centre of every effect and baseline, with the same scales. Over pairs a
    /// symmetric normal or t prior is symmetric exactly, and the mirrored prior is the mirror image of this one.
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
            Pooling::Partial(_) | Pooling::Complete => {
                let mu = self.effect.draw(from)?;
                let tau = match self.pooling {
                    Pooling::Partial(prior) => prior.draw(from),
                    _ => 0.0,
                };
                drawn.theta.extend((0..subgroups).map(|_| mu + tau * from.normal()));
                drawn.theta_new = Some(mu + tau * from.normal());
                drawn.mu = Some(mu);
                drawn.tau = self.samples_heterogeneity().then_some(tau);
            }
        }
        if matches!(self.likelihood, Likelihood::Counts(_)) {
            self.draw_baselines(&mut drawn, from)?;
        }
        if let Some(rows) = &self.rows {
            for prior in &rows.gamma_priors {
                drawn.gamma.push(prior.draw(from)?);
            }
            if let Some(prior) = rows.centre_sd {
                let sd = prior.draw(from);
                drawn.centres.extend((0..rows.centres()).map(|_| sd * from.normal()));
                drawn.centre_sd = (!matches!(prior, HeterogeneityPrior::Fixed { .. })).then_some(sd);
            }
        }
        drawn.labels = self.misclassification.as_ref().map(|m| m.draw(from.rng));
        Some(drawn)
    }

    /// Whether τ is one unknown number.
    fn samples_heterogeneity(&self) -> bool {
        match self.pooling {
            Pooling::Partial(prior) => !matches!(prior, HeterogeneityPrior::Fixed { .. }),
            _ => false,
        }
    }

    fn draw_baselines(&self, drawn: &mut Drawn, from: &mut Source<'_>) -> Option<()> {
        match &self.baseline {
            BaselinePrior::Independent(prior) => {
                for _ in 0..self.subgroups() {
                    drawn.alpha.push(prior.draw(from)?);
                }
            }
            BaselinePrior::Exchangeable { mean, sd } => {
                let (mean, sd) = (mean.draw(from)?, sd.draw(from));
                drawn.alpha.extend((0..self.subgroups()).map(|_| mean + sd * from.normal()));
                drawn.baseline = Some((mean, sd));
            }
        }
        Some(())
    }

    /// Data of this study's size given the parameters; what is not known of a bias is drawn beside them.
    pub fn draw_data(&self, drawn: &Drawn, rng: &mut ChaCha8Rng) -> Likelihood {
        if let (Likelihood::Counts(counts), Some(m), Some(labels)) =
            (&self.likelihood, &self.misclassification, &drawn.labels)
        {
            return Likelihood::Counts(draw_labelled(counts, m.positive, labels, &drawn.arms(self), rng));
        }
        match &self.likelihood {
            Likelihood::Counts(counts) => Likelihood::Counts(
                counts
                    .iter()
                    .enumerate()
                    .map(|(g, pair)| {
                        let (alpha, theta) = (drawn.alpha[g], drawn.theta[g]);
                        let none = SubgroupBias::default();
                        let bias = pair.bias().unwrap_or(&none);
                        let [control, active] = self.baseline_of.log_odds(alpha, theta);
                        let control = bias.draw_seen(Side::Control, control, rng);
                        let active = bias.draw_seen(Side::Active, active, rng);
                        let control = draw_arm(pair.control.total, control, rng);
                        let active = draw_arm(pair.active.total, active, rng);
                        BinomialPair::new(control, active).through(bias)
                    })
                    .collect(),
            ),
            Likelihood::Estimates(estimates) => Likelihood::Estimates(
                estimates
                    .iter()
                    .zip(&drawn.theta)
                    .map(|(e, theta)| {
                        let none = SubgroupBias::default();
                        let bias = e.bias().unwrap_or(&none);
                        let estimate = theta + bias.draw_of_estimate(rng) + e.se * normal(rng);
                        NormalEstimate::new(estimate, e.se).through(bias)
                    })
                    .collect(),
            ),
        }
    }

    /// The model with outcomes of its patients drawn given the parameters.
    #[must_use]
    pub fn with_drawn_data(&self, drawn: &Drawn, rng: &mut ChaCha8Rng) -> Model {
        let Some(rows) = &self.rows else {
            return Model { likelihood: self.draw_data(drawn, rng), ..self.clone() };
        };
        let [control, active] = drawn.arms(self);
        let cells = [control, active].concat();
        let rows = rows.with_drawn_outcomes(&cells, (&drawn.gamma, &drawn.centres), rng);
        Model { likelihood: Likelihood::Counts(rows.counts()), rows: Some(Arc::new(rows)), ..self.clone() }
    }

    /// The log likelihood of the data at these parameters, without binomial coefficients, what is not known of a bias
    /// integrated out.
    pub fn log_likelihood(&self, theta: &[f64], alpha: &[f64], labels: Option<&LabelShares>) -> f64 {
        match &self.likelihood {
            Likelihood::Counts(counts) if let (Some(m), Some(labels)) = (&self.misclassification, labels) => {
                let p = m.positive;
                let of = |g: usize| self.baseline_of.log_odds(alpha[g], theta[g]);
                let (of_p, of_n) = (of(p), of(1 - p));
                let arm = |a: usize| {
                    let cells = cells_of(counts, p, a == 1);
                    labelled_arm(&cells, [of_p[a], of_n[a]], labels.log_odds(a)).log_likelihood
                };
                arm(0) + arm(1)
            }
            Likelihood::Counts(counts) => counts
                .iter()
                .zip(theta.iter().zip(alpha))
                .map(|(pair, (theta, alpha))| {
                    let [control, active] = self.baseline_of.log_odds(*alpha, *theta);
                    pair.log_likelihood(Side::Control, control) + pair.log_likelihood(Side::Active, active)
                })
                .sum(),
            Likelihood::Estimates(estimates) => {
                estimates.iter().zip(theta).map(|(e, theta)| e.log_likelihood(*theta)).sum()
            }
        }
    }
}

/// Randomness for a prior, or for its mirror image: deviations from centres carry the sign.
struct Source<'a> {
    rng: &'a mut ChaCha8Rng,
    sign: f64,
}

impl Source<'_> {
    fn normal(&mut self) -> f64 {
        self.sign * normal(self.rng)
    }

    fn student_t(&mut self, df: f64) -> f64 {
        let z = self.normal();
        // Degrees of freedom are above 0 wherever a prior was built.
        ChiSquared::new(df).map_or(z, |chi| z * (df / chi.sample(self.rng)).sqrt())
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
    fn draw(&self, from: &mut Source<'_>) -> Option<f64> {
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
    fn draw(&self, from: &mut Source<'_>) -> f64 {
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

/// Patients one after another: the subgroup they belong to, their outcome, the label they are given.
fn draw_labelled(
    counts: &[BinomialPair],
    positive: usize,
    labels: &LabelShares,
    log_odds: &[Vec<f64>; 2],
    rng: &mut ChaCha8Rng,
) -> Vec<BinomialPair> {
    let mut arms = [[Arm { events: 0.0, total: 0.0 }; 2]; 2];
    for (a, arm) in arms.iter_mut().enumerate() {
        let of = |c: &BinomialPair| if a == 0 { c.control.total } else { c.active.total };
        let patients: f64 = counts.iter().map(of).sum();
        for _ in 0..patients as u64 {
            let mut chance = |p: f64| {
                let u: f64 = StandardUniform.sample(rng);
                u < p
            };
            let truly = if chance(labels.share[a]) { positive } else { 1 - positive };
            let event = chance(logistic(log_odds[a][truly]));
            let right = if truly == positive { labels.sensitivity[a] } else { labels.specificity[a] };
            let label = if chance(right) { truly } else { 1 - truly };
            arm[label].total += 1.0;
            arm[label].events += f64::from(u8::from(event));
        }
    }
    (0..2).map(|g| BinomialPair::new(arms[0][g], arms[1][g])).collect()
}

impl SubgroupBias {
    /// The log odds at which an arm's data are seen, from those that are asked for.
    fn draw_seen(&self, side: Side, mut x: f64, rng: &mut ChaCha8Rng) -> f64 {
        if side == Side::Active {
            if let Some(confounder) = &self.confounder {
                let prevalence = confounder.prevalence.each_ref().map(|p| p.draw(rng));
                x = confounded(x, prevalence, confounder.log_odds_ratio.draw(rng)).0;
            }
            x += self.shift.as_ref().map_or(0.0, |shift| shift.draw(rng));
        }
        match &self.missing[side as usize] {
            Some(missing) => unmix(x, logit(missing.share), missing.shift.draw(rng)).value,
            None => x,
        }
    }

    /// The bias of a published estimate.
    fn draw_of_estimate(&self, rng: &mut ChaCha8Rng) -> f64 {
        let confounder = self.confounder.as_ref().map_or(0.0, |c| {
            let prevalence = c.prevalence.each_ref().map(|p| p.draw(rng));
            confounded_estimate(prevalence, c.log_odds_ratio.draw(rng)).0
        });
        confounder + self.shift.as_ref().map_or(0.0, |shift| shift.draw(rng))
    }
}

fn normal(rng: &mut ChaCha8Rng) -> f64 {
    StandardNormal.sample(rng)
}

fn draw_arm(total: f64, log_odds: f64, rng: &mut ChaCha8Rng) -> Arm {
    let binomial = Binomial::new(total as u64, logistic(log_odds));
    Arm { events: binomial.map_or(0.0, |b| b.sample(rng) as f64), total }
}
