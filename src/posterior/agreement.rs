//! Whether the two engines agree, within the error of sampling.

use std::borrow::Cow;

use super::analysis::Report;
use super::diagnostics::{Draws, Workspace, proportion};
use super::estimand::{Axis, Measure, Whom};
use super::result::Estimate;
use super::sampled::SampledPosterior;
use crate::numeric::normal_quantile;

/// The probability that a run in which nothing is wrong is suspected.
const FALSE_ALARM: f64 = 1e-4;

/// Probabilities within this many effective draws of 0 or 1 are compared but roughly.
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

    /// One comparison's difference in standard errors.
    pub fn take_z(&mut self, z: f64) {
        self.comparisons += 1;
        // A number that is none agrees with nothing.
        let z = if z.is_nan() { f64::INFINITY } else { z.abs() };
        self.max_abs_z = Some(self.max_abs_z.map_or(z, |held| held.max(z)));
    }

    /// A sampled probability against the exact one, whose Monte Carlo error is the exact one's. Where that is too rare for
    /// the draws, the error is taken as that of twice as many events as would be enough: only gross differences show.
    fn take_probability(&mut self, sampled: f64, exact: f64, ess: f64) {
        let common = exact * ess > TOO_RARE && (1.0 - exact) * ess > TOO_RARE;
        let variance = exact * (1.0 - exact);
        let variance = if common { variance } else { variance.max(2.0 * TOO_RARE / ess) };
        self.take_z((sampled - exact) / (variance / ess).sqrt());
    }
}

/// Every probability, every mean, and the shares of draws below the exact quantiles of every parameter and every estimate
/// that both engines have. Where all draws agree on an event, `least_ess` stands for its effective
/// size. Means of quantities without an exact variance are left out, and so is shrinkage, which is a function of τ.
pub fn agreement(report: &Report, posterior: &SampledPosterior, least_ess: f64) -> Agreement {
    let mut found = Agreement::default();
    for row in &report.probabilities {
        if let (Some(p), Some(exact)) = (row.sampled, row.exact) {
            found.take_probability(p, exact, row.ess.unwrap_or(least_ess));
        }
    }
    let means = report.parameters.iter().map(|p| (&p.reported, &p.exact));
    for (reported, exact) in means.chain(report.estimates.iter().map(|e| (&e.reported, &e.exact))) {
        let Some(exact) = exact else { continue };
        let means = reported.mean.zip(exact.mean).zip(reported.mcse_mean);
        if let (Some(((mean, expected), mcse)), Some(_)) = (means, exact.sd) {
            found.take_z((mean - expected) / mcse);
        }
    }
    let mut workspace = Workspace::default();
    let chains = posterior.chains;
    let mut take_quantiles = |values: &[f64], quantiles: [f64; 3]| {
        for (at, p) in quantiles.into_iter().zip([0.5, 0.025, 0.975]) {
            let below = proportion(Draws { values, chains }, |x| x < at, &mut workspace);
            found.take_probability(below.probability, p, below.ess.unwrap_or(least_ess));
        }
    };
    let columns = posterior.parameters();
    for row in &report.parameters {
        let column = columns.iter().find(|(key, _)| *key == row.parameter);
        let (Some((_, values)), Some(exact)) = (column, &row.exact) else { continue };
        let q = &exact.quantiles;
        take_quantiles(values, [q.median, q.q2_5, q.q97_5]);
    }
    for row in &report.estimates {
        let Some(exact) = &row.exact else { continue };
        let Some((values, logarithm)) = draws_of(row, posterior) else { continue };
        let own = |x: f64| if logarithm { libm::log(x) } else { x };
        let q = &exact.quantiles;
        // All probability on one value: of what is known there is nothing to compare.
        if q.q2_5 == q.q97_5 {
            continue;
        }
        take_quantiles(&values, [q.median, q.q2_5, q.q97_5].map(own));
    }
    found
}

/// The draws of an estimate, and whether they are of its logarithm; none where the sampler has no such column.
fn draws_of<'a>(row: &Estimate, posterior: &'a SampledPosterior) -> Option<(Cow<'a, [f64]>, bool)> {
    let logarithm = row.estimand.measure.axis() == Axis::Ratio;
    let column = |c: Option<&'a Vec<f64>>| Some((Cow::Borrowed(c?.as_slice()), logarithm));
    match (row.estimand.whom, row.estimand.measure) {
        (_, Measure::Shrinkage | Measure::DifferenceOfRiskDifferences)
        | (Whom::Overall | Whom::Level(..) | Whom::LevelPair(..), _) => None,
        (Whom::Mean, _) => column(posterior.mu.as_ref()),
        (Whom::New, _) => column(posterior.theta_new.as_ref()),
        (Whom::Pair(a, b), _) => Some((Cow::Owned(posterior.difference(a, b)), logarithm)),
        (Whom::Subgroup(g), measure) => {
            // Published ratios of risks are effects of their own, not made of two risks.
            let has_risks = !posterior.alpha.is_empty();
            match measure {
                Measure::RiskControl => Some((Cow::Owned(posterior.risks(g)?.control), false)),
                Measure::RiskActive => Some((Cow::Owned(posterior.risks(g)?.active), false)),
                Measure::RiskDifference => Some((Cow::Owned(posterior.risks(g)?.difference()), false)),
                Measure::RiskRatio if has_risks => Some((Cow::Owned(posterior.risks(g)?.ratio()), false)),
                _ => column(posterior.theta.get(g)),
            }
        }
    }
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
        found.take_z(f64::NAN);
        assert_eq!(found.max_abs_z, Some(f64::INFINITY));
    }

    #[test]
    fn what_is_too_rare_for_the_draws_is_suspected_only_when_grossly_wrong() {
        let z = |sampled, exact| {
            let mut found = Agreement::default();
            found.take_probability(sampled, exact, 10_000.0);
            found.max_abs_z.expect("compared")
        };
        // Twice the expected few events are no surprise; twenty-five where none can be are.
        assert!(z(0.0, 0.000_9) < 2.1 && z(0.001_0, 0.000_5) < 1.2);
        assert!(z(0.002_5, 1e-9) > 5.5);
        assert!(z(1.0, 0.7) > 60.0);
    }
}
