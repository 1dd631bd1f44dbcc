//! Several arms and several factors, whose models are linear in their coefficients.

use rand_chacha::ChaCha8Rng;

use super::chosen;
use super::quantity::Quantity;
use super::sampled::{chain, rank_among};
use crate::density::LogDensity;
use crate::model::{ArmsModel, At, FactorsModel, Linear, LinearDensity};
use crate::posterior::{Keeps, Parameter, SHORTER, keeping_of_arms, keeping_of_factors};
use crate::study::{Factors, Study};

/// Parameters of one kind of which there are more are not all ranked.
const OF_A_KIND: usize = 6;

/// A study with several arms or factors.
#[derive(Debug, Clone)]
pub enum Several {
    Arms(Box<ArmsModel>),
    Factors(Box<FactorsModel>, Factors),
}

/// One point, kept.
#[derive(Debug, Clone, Default)]
pub struct Point {
    pub scales: Vec<f64>,
    pub coefficients: Vec<f64>,
    pub predictors: Vec<f64>,
}

impl Point {
    fn at(&self) -> At<'_> {
        At { coefficients: &self.coefficients, scales: &self.scales, predictors: &self.predictors }
    }
}

impl Several {
    /// None where the study has two arms and one factor.
    pub fn of(study: &Study) -> Option<Several> {
        if let (Some(model), Some(factors)) = (FactorsModel::of(study), study.factors.as_deref()) {
            return Some(Several::Factors(Box::new(model), factors.clone()));
        }
        ArmsModel::of(study).map(|model| Several::Arms(Box::new(model)))
    }

    pub fn linear(&self) -> &Linear {
        match self {
            Several::Arms(model) => &model.linear,
            Several::Factors(model, _) => &model.linear,
        }
    }

    fn keeping(&self) -> (Vec<Parameter>, Box<dyn Keeps + '_>) {
        match self {
            Several::Arms(model) => keeping_of_arms(model),
            Several::Factors(model, factors) => keeping_of_factors(model, factors),
        }
    }

    /// Parameters, some of each kind, and the log likelihood.
    pub fn quantities(&self) -> Vec<Quantity> {
        let (parameters, _) = self.keeping();
        let mut all = Vec::new();
        let mut rest = parameters.as_slice();
        while let Some(first) = rest.first() {
            let kind = rest.iter().take_while(|p| p.is_like(*first)).count();
            all.extend(chosen(kind, OF_A_KIND).into_iter().map(|k| Quantity::Parameter(rest[k])));
            rest = &rest[kind..];
        }
        all.push(Quantity::LogLikelihood);
        all
    }

    /// Parameters from their priors; none where one of these is flat.
    pub fn draw_prior(&self, rng: &mut ChaCha8Rng) -> Option<Point> {
        let linear = self.linear();
        let mut scales = vec![0.0; linear.scales.len()];
        let mut coefficients = vec![0.0; linear.coefficients.len()];
        let mut predictors = vec![0.0; linear.cells.len()];
        if !linear.draw_prior((rng, 1.0), (&mut scales, &mut coefficients)) {
            return None;
        }
        linear.predictors(&coefficients, &mut predictors);
        Some(Point { scales, coefficients, predictors })
    }

    /// Data of this study's size.
    pub fn draw_data(&self, truth: &Point, rng: &mut ChaCha8Rng) -> Linear {
        self.linear().with_drawn_data(truth.at(), rng)
    }

    /// The ranks of true values among the draws of a fit, and whether it diverged; none where no chain began.
    pub fn ranks(
        &self,
        (observed, fitted): (&Linear, &Linear),
        truth: &Point,
        quantities: &[Quantity],
        (seed, ties): (u64, &mut ChaCha8Rng),
    ) -> Option<(Vec<Option<u32>>, bool)> {
        let density = LinearDensity::new(fitted);
        let first = if fitted.has_walls() { 0.9 } else { 0.8 };
        let mut found = chain(&density, density.middle(), (seed, first))?;
        if found.diverged {
            found = chain(&density, density.middle(), (seed, SHORTER))?;
        }
        let (parameters, keeping) = self.keeping();
        let mut truths = Columns::new(&*keeping, observed);
        truths.push(truth.at());
        let truths = truths.all();
        let mut drawn = Columns::new(&*keeping, observed);
        let mut scratch = density.scratch();
        for q in found.points.chunks_exact(density.dim()) {
            drawn.push(density.at(q, &mut scratch));
        }
        let drawn = drawn.all();
        let place = |quantity: &Quantity| match quantity {
            Quantity::Parameter(key) => parameters.iter().position(|known| known == key),
            Quantity::LogLikelihood => Some(keeping.width()),
            _ => None,
        };
        let rank = |quantity: &Quantity| {
            let place = place(quantity)?;
            rank_among(*truths.get(place)?.first()?, drawn.get(place)?, ties)
        };
        Some((quantities.iter().map(rank).collect(), found.diverged))
    }
}

/// What is kept of points, and the log likelihood of the data as a last column.
struct Columns<'a> {
    keeping: &'a dyn Keeps,
    observed: &'a Linear,
    columns: Vec<Vec<f64>>,
    log_likelihoods: Vec<f64>,
}

impl<'a> Columns<'a> {
    fn new(keeping: &'a dyn Keeps, observed: &'a Linear) -> Columns<'a> {
        let columns = vec![Vec::new(); keeping.width()];
        Columns { keeping, observed, columns, log_likelihoods: Vec::new() }
    }

    fn push(&mut self, at: At<'_>) {
        self.keeping.keep(at, &mut self.columns);
        self.log_likelihoods.push(self.observed.log_likelihood(at));
    }

    fn all(mut self) -> Vec<Vec<f64>> {
        self.columns.push(self.log_likelihoods);
        self.columns
    }
}
