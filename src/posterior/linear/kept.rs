//! Draws of a linear model as columns.

use crate::density::LogDensity;
use crate::model::{At, Linear, LinearDensity};
use crate::parallel;
use crate::posterior::sampled::Column;
use crate::sampler::{Purpose, Recorded, Transition, stream};

/// What is kept of a draw: one number a column.
pub trait Keeps: Sync {
    /// The model that is drawn from.
    fn linear(&self) -> &Linear;

    /// How many columns there are.
    fn width(&self) -> usize;

    /// Appends a number to every column.
    fn keep(&self, at: At<'_>, columns: &mut [Column]);
}

/// Draws as columns of length `chains` · `draws`, with how each came about.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    /// The number of chains.
    pub chains: usize,
    /// Draws of each chain.
    pub draws: usize,
    /// The sampler's transition to each draw, chains one after another; empty for draws from a prior.
    pub transitions: Vec<Transition>,
    /// The sampler's step size in each chain; empty for draws from a prior.
    pub step_sizes: Vec<f64>,
    /// One column a quantity.
    pub columns: Vec<Column>,
}

impl Kept {
    /// The draws of the chains.
    pub fn of_chains(
        keeps: &(impl Keeps + ?Sized),
        density: &LinearDensity,
        chains: &[Recorded<'_, LinearDensity>],
    ) -> Kept {
        let parts = parallel::range(0..chains.len(), |c| {
            let recorded = &chains[c];
            let mut part = Kept::empty(keeps, recorded.transitions.len());
            part.transitions.clone_from(&recorded.transitions);
            part.step_sizes.push(recorded.step_size());
            part.put(keeps, density, &recorded.draws);
            part
        });
        Kept::joined(parts)
    }

    /// Any points in the coordinates of the density, without regard to weights.
    pub fn of_points(keeps: &(impl Keeps + ?Sized), density: &LinearDensity, points: &[f64]) -> Kept {
        let mut all = Kept::empty(keeps, points.len() / density.dim());
        all.put(keeps, density, points);
        all
    }

    /// The draws at these points.
    fn put(&mut self, keeps: &(impl Keeps + ?Sized), density: &LinearDensity, points: &[f64]) {
        let mut scratch = density.scratch();
        for q in points.chunks_exact(density.dim()) {
            keeps.keep(density.at(q, &mut scratch), &mut self.columns);
        }
    }

    /// Draws from the priors, in pairs of mirror images; none where one of the priors is flat.
    pub fn of_prior(keeps: &(impl Keeps + ?Sized), seed: u64, draws: usize) -> Option<Kept> {
        /// Pieces of work, each with its own stream.
        const PIECES: usize = 8;
        let pairs = draws.div_ceil(2 * PIECES);
        let linear = keeps.linear();
        let parts = parallel::range(0..PIECES, |i| {
            let mut rng = stream(seed, i, Purpose::Prior);
            let mut part = Kept::empty(keeps, 2 * pairs);
            let mut scales = vec![0.0; linear.scales.len()];
            let mut coefficients = vec![0.0; linear.coefficients.len()];
            let mut predictors = vec![0.0; linear.cells.len()];
            for _ in 0..pairs {
                let again = rng.clone();
                let mut put = |rng: &mut _, sign| {
                    let drawn = linear.draw_prior((rng, sign), (&mut scales, &mut coefficients));
                    linear.predictors(&coefficients, &mut predictors);
                    let at = At { coefficients: &coefficients, scales: &scales, predictors: &predictors };
                    keeps.keep(at, &mut part.columns);
                    drawn
                };
                if !(put(&mut rng, 1.0) && put(&mut again.clone(), -1.0)) {
                    return None;
                }
            }
            Some(part)
        });
        Some(Kept::joined(parts.into_iter().collect::<Option<_>>()?))
    }

    /// No draws yet, with room for `n`.
    fn empty(keeps: &(impl Keeps + ?Sized), n: usize) -> Kept {
        let columns = (0..keeps.width()).map(|_| Vec::with_capacity(n)).collect();
        Kept { chains: 1, draws: n, columns, ..Kept::default() }
    }

    fn joined(parts: Vec<Kept>) -> Kept {
        let mut parts = parts.into_iter();
        let Some(mut all) = parts.next() else { return Kept::default() };
        for part in parts {
            all.chains += part.chains;
            all.transitions.extend(part.transitions);
            all.step_sizes.extend(part.step_sizes);
            all.columns.iter_mut().zip(part.columns).for_each(|(all, part)| all.extend(part));
        }
        all
    }
}
