//! Distributions behind the figures, by whichever engine knows them.

use crate::exact::{Distribution, RiskMeasure};
use crate::posterior::{Empirical, Fit, NormalScores, Whom};

/// Points of a density's outline.
const POINTS: usize = 81;

/// Normal scores at its ends: all but a thousandth on either side.
const END: f64 = 3.1;

/// The marginal posteriors of one fit.
#[derive(Clone, Copy)]
pub struct Marginals<'a>(pub &'a Fit);

impl<'a> Marginals<'a> {
    /// Whether the distributions of `whom` are known by draws alone.
    pub fn is_sampled(self, whom: Whom) -> bool {
        whom == Whom::Overall || self.0.exact().is_none()
    }

    /// The effect on the scale of θ, of a subgroup, of the mean, or of a further similar subgroup; none for anyone else.
    pub fn effect(self, whom: Whom) -> Option<Box<dyn Distribution + 'a>> {
        let of = |column: &Vec<f64>| -> Box<dyn Distribution + 'a> { Box::new(Empirical::of(column)) };
        if let Some(exact) = self.0.exact() {
            return match whom {
                Whom::Subgroup(g) => Some(exact.theta(g)),
                Whom::Mean => exact.mu(),
                Whom::New => exact.theta_new(),
                Whom::Overall | Whom::Pair(..) | Whom::Level(..) | Whom::LevelPair(..) => None,
            };
        }
        let draws = self.0.report()?.sampled.as_ref()?;
        match whom {
            Whom::Subgroup(g) => draws.theta.get(g).map(of),
            Whom::Mean => draws.mu.as_ref().map(of),
            Whom::New => draws.theta_new.as_ref().map(of),
            Whom::Overall | Whom::Pair(..) | Whom::Level(..) | Whom::LevelPair(..) => None,
        }
    }

    /// The risk difference of a subgroup, or of the study's patients; none for estimates.
    pub fn difference(self, whom: Whom) -> Option<Box<dyn Distribution + 'a>> {
        let draws = || self.0.report()?.sampled.as_ref();
        match whom {
            Whom::Subgroup(g) => {
                let exact = self.0.exact().and_then(|e| e.risk(g, RiskMeasure::Difference));
                exact.or_else(|| {
                    let column = draws()?.risks(g)?.difference();
                    Some(Box::new(Empirical::of(&column)) as Box<dyn Distribution>)
                })
            }
            Whom::Overall => {
                let (risks, _) = draws()?.overall()?;
                Some(Box::new(Empirical::of(&risks.difference())))
            }
            _ => None,
        }
    }
}

/// How often neighbours are averaged where a distribution is known by draws: what is finer than that is chance.
const AVERAGED: usize = 24;

/// A density's outline: points and heights, the highest being 1, smoothed where it is known by draws (`sampled`). Empty
/// for a distribution without spread.
pub fn outline(distribution: &dyn Distribution, sampled: bool) -> Vec<(f64, f64)> {
    // Draws have no information on tails that hardly any of them reach; what is exact reaches farther than the outline.
    let Some(scores) = NormalScores::of(distribution, 1e-3) else { return Vec::new() };
    let (first, last) = (scores.value(-END), scores.value(END));
    let step = (last - first) / (POINTS - 1) as f64;
    let mut points: Vec<(f64, f64)> = (0..POINTS)
        .map(|k| first + step * k as f64)
        .map(|x| (x, (scores.cdf(x + 0.5 * step) - scores.cdf(x - 0.5 * step)).max(0.0)))
        .collect();
    for _ in 0..if sampled { AVERAGED } else { 0 } {
        let before: Vec<f64> = points.iter().map(|p| p.1).collect();
        for k in 1..POINTS - 1 {
            points[k].1 = 0.25 * before[k - 1] + 0.5 * before[k] + 0.25 * before[k + 1];
        }
    }
    let highest = points.iter().map(|p| p.1).fold(0.0, f64::max);
    if highest > 0.0 { points.into_iter().map(|(x, y)| (x, y / highest)).collect() } else { Vec::new() }
}
