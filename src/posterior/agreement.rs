//! Do the two engines agree, within what sampling leaves open?

use super::diagnostics::{Draws, Workspace, proportion};
use super::result::{Estimate, Parameter, Probability};
use crate::numeric::normal_quantile;

/// The probability that a run in which nothing is wrong is suspected.
const FALSE_ALARM: f64 = 1e-4;

/// Probabilities nearer to 0 or 1 than this many effective draws can tell are not compared.
const TOO_RARE: f64 = 10.0;

/// Sampled numbers held against exact ones.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Agreement {
    pub comparisons: u64,
    pub max_abs_z: Option<f64>,
}

impl Agreement {
    /// What the largest |z| may be: the two-sided normal quantile at 10⁻⁴ over the number of comparisons.
    pub fn allowed(&self) -> Option<f64> {
        (self.comparisons > 0).then(|| -normal_quantile(0.5 * FALSE_ALARM / self.comparisons as f64))
    }

    fn take(&mut self, z: f64) {
        self.comparisons += 1;
        // A number that is none agrees with nothing.
        let z = if z.is_nan() { f64::INFINITY } else { z.abs() };
        self.max_abs_z = Some(self.max_abs_z.map_or(z, |held| held.max(z)));
    }

    /// A sampled probability against the exact one, whose Monte Carlo error is the exact one's.
    fn take_probability(&mut self, sampled: f64, exact: f64, ess: f64) {
        if exact * ess > TOO_RARE && (1.0 - exact) * ess > TOO_RARE {
            self.take((sampled - exact) / (exact * (1.0 - exact) / ess).sqrt());
        }
    }
}

/// Every probability and every mean that both engines have, and the shares of draws below the exact quantiles of every
/// parameter, whose draws are `columns`. Means of quantities without an exact variance are left out.
pub fn agreement(
    (parameters, estimates, probabilities): (&[Parameter], &[Estimate], &[Probability]),
    columns: &[(String, &Vec<f64>)],
    chains: usize,
) -> Agreement {
    let mut found = Agreement::default();
    for row in probabilities {
        if let (Some(p), Some(exact), Some(ess)) = (row.probability, row.exact, row.ess) {
            found.take_probability(p, exact, ess);
        }
    }
    let means = parameters.iter().map(|p| (&p.reported, &p.exact));
    for (reported, exact) in means.chain(estimates.iter().map(|e| (&e.reported, &e.exact))) {
        let Some(exact) = exact else { continue };
        let means = reported.mean.zip(exact.mean).zip(reported.mcse_mean);
        if let (Some(((mean, expected), mcse)), Some(_)) = (means, exact.sd) {
            found.take((mean - expected) / mcse);
        }
    }
    let mut workspace = Workspace::default();
    for row in parameters {
        let column = columns.iter().find(|(name, _)| *name == row.name);
        let (Some((_, values)), Some(exact)) = (column, &row.exact) else { continue };
        let q = &exact.quantiles;
        for (at, p) in [(q.median, 0.5), (q.q2_5, 0.025), (q.q97_5, 0.975)] {
            let below = proportion(Draws { values, chains }, |x| x < at, &mut workspace);
            if let Some(ess) = below.ess {
                found.take_probability(below.probability, p, ess);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disagreement_beyond_chance_is_told_from_agreement_within_it() {
        let mut found = Agreement::default();
        found.take_probability(0.52, 0.5, 10_000.0);
        assert_eq!(found.comparisons, 1);
        // 0.02 over √(0.25/10,000).
        assert!((found.max_abs_z.expect("one") - 4.0).abs() < 1e-12);
        // The quantile at 1 − 0.5·10⁻⁴ is 3.8906.
        assert!((found.allowed().expect("one") - 3.890_592).abs() < 1e-5);
        // With more comparisons a larger z is no surprise.
        (0..9).for_each(|_| found.take_probability(0.5, 0.5, 10_000.0));
        assert!(found.max_abs_z < found.allowed());
        found.take(f64::NAN);
        assert_eq!(found.max_abs_z, Some(f64::INFINITY));
    }

    #[test]
    fn what_is_too_rare_for_the_draws_is_not_compared() {
        let mut found = Agreement::default();
        found.take_probability(0.0, 0.0009, 10_000.0);
        found.take_probability(1.0, 0.9995, 10_000.0);
        assert_eq!(found, Agreement::default());
    }
}
