//! Draws of several fits, weighted so that they are draws of the posterior under other priors of the effects.

mod effects;

use std::borrow::Cow;

pub use effects::{Effects, Target};

use super::analysis::Report;
use super::assembly::Assembly;
use super::diagnostics::Proportion;
use super::fitting::{Integrals, Observer};
use super::options::Options;
use super::result::Reported;
use super::sampled::SampledPosterior;
use super::sides::{ExactSide, PriorSide, Sides};
use super::source::Source;
use crate::model::Model;
use crate::parallel;
use crate::study::Study;
use effects::Hyper;

/// Weights of draws.
#[derive(Debug, Clone, Default)]
pub struct Weights {
    /// One a draw, which sum to 1; the same for everything, or for each subgroup its own.
    pub by: Vec<Vec<f64>>,
    /// How many independent draws one draw is worth.
    pub efficiency: f64,
    hyper: Option<Hyper>,
}

impl Weights {
    pub fn new(by: Vec<Vec<f64>>, efficiency: f64) -> Weights {
        Weights { by, efficiency, hyper: None }
    }

    /// Those of subgroup `g`.
    pub fn of(&self, g: usize) -> &[f64] {
        let own = if self.by.len() > 1 { g } else { 0 };
        self.by.get(own).map_or(&[], Vec::as_slice)
    }

    /// Those of what is not one subgroup's; none where each has its own.
    pub fn of_all(&self) -> Option<&[f64]> {
        if self.by.len() == 1 { self.by.first().map(Vec::as_slice) } else { None }
    }

    /// What subgroups share, drawn anew given their effects.
    #[must_use]
    pub fn with_hyper(self, effects: &Effects, target: &Target, seed: u64) -> Weights {
        let hyper = if self.by.len() == 1 { effects.hyper(target, seed) } else { None };
        Weights { hyper, ..self }
    }

    fn column(&self, of: fn(&Hyper) -> &Vec<f64>) -> Option<Weighed<'_>> {
        let values = self.hyper.as_ref().map(of).filter(|values| !values.is_empty())?;
        Some(Weighed { values: Cow::Borrowed(values), weights: self.of_all()?, efficiency: self.efficiency })
    }

    pub(super) fn mu(&self) -> Option<Weighed<'_>> {
        self.column(|hyper| &hyper.mu)
    }

    pub(super) fn tau(&self) -> Option<Weighed<'_>> {
        self.column(|hyper| &hyper.tau)
    }

    pub(super) fn theta_new(&self) -> Option<Weighed<'_>> {
        self.column(|hyper| &hyper.theta_new)
    }
}

/// Draws of a quantity with their weights.
pub struct Weighed<'a> {
    pub values: Cow<'a, [f64]>,
    pub weights: &'a [f64],
    pub efficiency: f64,
}

/// The weighted share of draws for which something holds, with its Monte Carlo error.
pub fn chance(weights: &[f64], efficiency: f64, holds: impl Fn(usize) -> bool) -> Proportion {
    let (mut probability, mut squares, mut held) = (0.0, 0.0, 0.0);
    for (i, w) in weights.iter().enumerate() {
        squares += w * w;
        if holds(i) {
            probability += w;
            held += w * w;
        }
    }
    // Σ w² (h − p)², h being 1 or 0.
    let rest = 1.0 - probability;
    let variance = (held * rest * rest + (squares - held) * probability * probability) / efficiency;
    let ess = (variance > 0.0).then(|| probability * rest / variance);
    Proportion { probability, ess, mcse: ess.map(|_| variance.sqrt()) }
}

impl Weighed<'_> {
    pub fn chance(&self, holds: impl Fn(f64) -> bool) -> Proportion {
        chance(self.weights, self.efficiency, |i| holds(self.values[i]))
    }

    /// Median and interval with their errors, mean and sd.
    pub fn reported(&self) -> Reported {
        const AT: [f64; 3] = [0.5, 0.025, 0.975];
        let squares: f64 = self.weights.iter().map(|w| w * w).sum();
        let ess = self.efficiency / squares;
        let around = |p: f64| {
            let error = (p * (1.0 - p) / ess).sqrt();
            [p, (p - error).max(0.2 * p), (p + error).min(1.0 - 0.2 * (1.0 - p))]
        };
        let found = quantiles(&self.values, self.weights, &AT.map(around).concat());
        let [median, q2_5, q97_5] = [0, 1, 2].map(|k| found[3 * k]);
        let errors = [0, 1, 2].map(|k| 0.5 * (found[3 * k + 2] - found[3 * k + 1]));
        let both = || self.values.iter().zip(self.weights);
        let mean: f64 = both().map(|(x, w)| w * x).sum();
        let variance: f64 = both().map(|(x, w)| w * (x - mean) * (x - mean)).sum();
        Reported {
            mean: Some(mean),
            sd: Some(variance.sqrt()),
            median: Some(median),
            q2_5: Some(q2_5),
            q97_5: Some(q97_5),
            mcse_mean: Some((variance / ess).sqrt()),
            ess_bulk: Some(ess),
            ess_tail: Some(ess),
            rhat: None,
            mcse_quantiles: Some(errors),
        }
    }
}

/// The values below which lie these weights, which sum to 1: values are put into even bins, and those of a bin in which a quantile
/// lies into order.
fn quantiles(values: &[f64], weights: &[f64], at: &[f64]) -> Vec<f64> {
    const BINS: usize = 1024;
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let scale = BINS as f64 / (high - low);
    if !scale.is_finite() {
        return vec![low; at.len()];
    }
    let bin = |x: f64| (((x - low) * scale) as usize).min(BINS - 1);
    let mut mass = vec![0.0; BINS];
    values.iter().zip(weights).for_each(|(x, w)| mass[bin(*x)] += w);
    // The bin of each, and what lies below it.
    let places: Vec<(usize, f64)> = at
        .iter()
        .map(|p| {
            let (mut below, mut place) = (0.0, 0);
            while place + 1 < BINS && below + mass[place] < *p {
                below += mass[place];
                place += 1;
            }
            (place, below)
        })
        .collect();
    let mut inside: Vec<(usize, Vec<(f64, f64)>)> = Vec::new();
    for (place, _) in &places {
        if !inside.iter().any(|(known, _)| known == place) {
            inside.push((*place, Vec::new()));
        }
    }
    for (x, w) in values.iter().zip(weights) {
        let own = bin(*x);
        if let Some((_, of)) = inside.iter_mut().find(|(place, _)| *place == own) {
            of.push((*x, *w));
        }
    }
    inside.iter_mut().for_each(|(_, of)| of.sort_unstable_by(|a, b| a.0.total_cmp(&b.0)));
    let one = |(p, (place, below)): (&f64, &(usize, f64))| {
        let of = inside.iter().find(|(known, _)| known == place).map_or(&[][..], |(_, of)| of);
        let mut below = *below;
        let found = of.iter().find(|(_, w)| {
            below += w;
            below >= *p
        });
        found.or(of.last()).map_or(f64::NAN, |(x, _)| *x)
    };
    at.iter().zip(&places).map(one).collect()
}

/// The results of a study whose draws are others' with these weights; nothing is sampled.
pub fn analyse_reweighted(
    study: &Study,
    options: Options,
    (posterior, weights): (&SampledPosterior, &Weights),
    observer: &dyn Observer,
) -> Report {
    let model = Model::of(study);
    let assembly = Assembly::new(study, &model, options);
    let integrals = Integrals::default();
    let (exact, prior) = parallel::join(
        || ExactSide::new((&model, &integrals), &assembly, options, observer),
        || PriorSide::new(&model, &assembly, options),
    );
    let rows = assembly.rows(Source::Reweighted { posterior, weights }, "");
    Sides { assembly: &assembly, exact, prior, options }.reweighted(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_equal_weights_quantiles_and_chances_are_those_of_the_draws() {
        let n = 20_001;
        let values: Vec<f64> = (0..n).map(|i| (f64::from(i) * 0.618_033_988_75).fract().powi(3)).collect();
        let weights = vec![1.0 / f64::from(n); values.len()];
        let mut sorted = values.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        let at = [0.025, 0.3, 0.5, 0.975];
        for (p, x) in at.iter().zip(quantiles(&values, &weights, &at)) {
            let place = sorted.partition_point(|v| *v < x) as f64 / f64::from(n);
            assert!((place - p).abs() < 1.5 / f64::from(n), "{p}: {place}");
        }
        let half = chance(&weights, 1.0, |i| values[i] < 0.125);
        assert!((half.probability - 0.5).abs() < 1e-3);
        let expected = (0.25 / f64::from(n)).sqrt();
        assert!((half.mcse.unwrap() / expected - 1.0).abs() < 1e-2);
    }

    /// A normal's draws are another's under the ratio of both.
    #[test]
    fn weights_move_quantiles_to_where_they_say() {
        let n = 40_000;
        let z: Vec<f64> =
            (0..n).map(|i| crate::numeric::normal_quantile((f64::from(i) + 0.5) / f64::from(n))).collect();
        let logs: Vec<f64> = z.iter().map(|x| 0.5 * x - 0.125).collect();
        let total: f64 = logs.iter().map(|l| l.exp()).sum();
        let weights: Vec<f64> = logs.iter().map(|l| l.exp() / total).collect();
        let weighed = Weighed { values: Cow::Borrowed(&z), weights: &weights, efficiency: 1.0 };
        let found = weighed.reported();
        assert!((found.median.unwrap() - 0.5).abs() < 1e-3);
        assert!((found.q97_5.unwrap() - 2.459_964).abs() < 5e-3);
        assert!((found.mean.unwrap() - 0.5).abs() < 1e-3 && (found.sd.unwrap() - 1.0).abs() < 2e-3);
    }
}
