//! A study that is refitted under any bias, and what is asked of each fit.

use std::sync::Arc;

use super::PAIRS_UP_TO;
use crate::exact::{ExactPosterior, Pair};
use crate::model::{Model, SubgroupBias};
use crate::numeric::normal_quantile;
use crate::posterior::{Integrals, Measure, Observer, Statement, mass_within, region};
use crate::study::{Data, Pooling, Scale, Study};

/// The study's own data and priors, ready for another bias.
pub struct Biased<'a> {
    pub study: &'a Study,
    /// The study without any bias.
    model: Model,
    /// What is stated of missing outcomes, which other biases come on top of.
    missing: Vec<SubgroupBias>,
    pub names: Vec<String>,
    pub pairs: Vec<(usize, usize)>,
    /// What is integrated already, and who hears of the rest.
    known: Integrals,
    observer: &'a dyn Observer,
}

/// Whom a statement is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// Benefit in one subgroup.
    Subgroup(usize),
    /// More benefit in the first than in the second.
    Pair(usize, usize),
}

/// P(benefit) by subgroup.
pub type Benefits = Vec<f64>;

impl<'a> Biased<'a> {
    pub fn new(study: &'a Study, known: Integrals, observer: &'a dyn Observer) -> Biased<'a> {
        let without = study.without_bias();
        let names: Vec<String> = study.data.names().into_iter().map(str::to_string).collect();
        let only_missing =
            |b: &SubgroupBias| SubgroupBias { missing: b.missing.clone(), ..Default::default() };
        let stated = study.bias.as_ref().map(|b| b.subgroups.iter().map(only_missing).collect());
        let n = names.len();
        // Under complete pooling there is one effect, and no difference.
        let pairs = if n > PAIRS_UP_TO || study.pooling == Pooling::Complete {
            Vec::new()
        } else {
            (0..n).flat_map(|a| (a + 1..n).map(move |b| (a, b))).collect()
        };
        Biased {
            model: Model::of(without.as_ref().unwrap_or(study)),
            missing: stated.unwrap_or_else(|| vec![SubgroupBias::default(); n]),
            study,
            names,
            pairs,
            known,
            observer,
        }
    }

    /// The model under a bias of each subgroup, stated missing outcomes included.
    pub fn model(&self, bias: impl Fn(usize) -> SubgroupBias) -> Model {
        let all = self.missing.iter().enumerate();
        let biases: Vec<SubgroupBias> =
            all.map(|(g, m)| SubgroupBias { missing: m.missing.clone(), ..bias(g) }).collect();
        self.model.observing(self.model.observation.clone().through(&biases))
    }

    /// The model under a bias of each subgroup, without what is stated of missing outcomes.
    pub fn plain(&self, bias: impl Fn(usize) -> SubgroupBias) -> Model {
        let biases: Vec<SubgroupBias> = (0..self.names.len()).map(bias).collect();
        self.model.observing(self.model.observation.clone().through(&biases))
    }

    /// The model of other data without any bias, and with nothing assumed of missing outcomes.
    pub fn with_data(&self, data: Data) -> Model {
        Model::of(&Study { data, bias: None, ..self.study.clone() })
    }

    /// None where the integral does not settle.
    fn posterior(&self, model: &Model) -> Option<Arc<ExactPosterior>> {
        self.known.of(&self.study.name, model, self.observer).ok()
    }

    /// P(benefit) in every subgroup; none where an integral does not settle.
    pub fn benefits(&self, model: &Model) -> Option<Benefits> {
        let posterior = self.posterior(model)?;
        let below = |g: usize| posterior.theta(g).cdf(0.0);
        Some((0..self.names.len()).map(|g| self.benefit(below(g))).collect())
    }

    /// P(benefit) in one subgroup.
    pub fn benefit_of(&self, model: &Model, g: usize) -> Option<f64> {
        let posterior = self.posterior(model)?;
        let below = posterior.theta(g).cdf(0.0);
        Some(self.benefit(below))
    }

    /// P(more benefit in the first subgroup than in the second).
    pub fn greater(&self, model: &Model, (a, b): (usize, usize)) -> Option<f64> {
        let posterior = self.posterior(model)?;
        self.greater_of(&posterior.pair(a, b))
    }

    /// P(more benefit in the first of a pair than in the second); none where both have one effect, or the integral did not
    /// settle.
    pub fn greater_of(&self, pair: &Pair<'_>) -> Option<f64> {
        let apart = pair.settled && pair.difference.sd() != Some(0.0);
        apart.then(|| self.held(Statement::GreaterBenefit, pair.difference.cdf(0.0)))
    }

    /// P(benefit) from the probability that θ lies below no effect.
    pub fn benefit(&self, below: f64) -> f64 {
        self.held(Statement::Benefit, below)
    }

    fn held(&self, statement: Statement, below_null: f64) -> f64 {
        let measure = Measure::of(self.study.outcome.scale);
        let sign = self.study.outcome.higher_is.sign();
        mass_within(region(statement, measure.null(), measure.axis(), sign), &|_| below_null)
    }

    pub fn scale(&self) -> Scale {
        self.study.outcome.scale
    }

    /// The unit in which biases are varied: 1 on log scales, else the standard error in the middle.
    pub fn unit(&self) -> f64 {
        match self.study.data.errors_of_differences(self.scale()) {
            Some(mut errors) => {
                errors.sort_by(f64::total_cmp);
                two_digits(errors[errors.len() / 2])
            }
            None => 1.0,
        }
    }

    /// The bias as a ratio; none on the scale of differences.
    pub fn as_ratio(&self, bias: f64) -> Option<f64> {
        self.scale().is_ratio().then(|| libm::exp(bias))
    }
}

/// Rounded to two significant digits.
fn two_digits(x: f64) -> f64 {
    let unit = libm::pow(10.0, libm::floor(libm::log10(x)) - 1.0);
    libm::round(x / unit) * unit
}

/// A probability on the probit scale, where it is nearly a straight line in the bias.
pub fn probit(p: f64) -> f64 {
    normal_quantile(p).clamp(-9.0, 9.0)
}
