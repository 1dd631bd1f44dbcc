//! The classical test for interaction that readers of subgroup claims ask for, beside the posterior: no prior enters it.

use serde::Serialize;

use crate::model::Model;
use crate::numeric::linear::{cholesky, solve_cholesky};
use crate::numeric::{chi_square_above, invert_increasing, logistic};
use crate::study::{ArmCounts, Covariance, Study, SubgroupCounts, SubgroupEstimate};

/// Log odds beyond this are taken for infinite.
const FAR: f64 = 40.0;

/// A classical test of whether the effects in all subgroups are the same.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct InteractionTest {
    /// `likelihood_ratio` of logistic regressions with and without treatment × subgroup, or `cochran_q` of estimates.
    pub test: &'static str,
    /// The test statistic, distributed as chi-square where the effects are the same.
    pub statistic: f64,
    /// The number of subgroups with information, less one.
    pub degrees_of_freedom: u32,
    /// The probability of a statistic at least as large where the effects are the same.
    pub p_value: f64,
}

/// The classical test for interaction; none where fewer than two subgroups have information. For an adjusted study it is
/// Cochran's Q of the adjusted odds ratios, which ignores that the coefficients make them correlated. Of ordered levels it is
/// Cochran's Q of the common odds ratios; none where these are adjusted.
pub fn interaction_test(study: &Study) -> Option<InteractionTest> {
    let counts = study.data.counts();
    if let Some(effects) = Model::effects_alone(study) {
        let determined = |g: &usize| counts.is_none_or(|c| c[*g].arms.iter().all(ArmCounts::is_bounded));
        let estimates = effects.data.published()?.iter().enumerate();
        let kept: Vec<&SubgroupEstimate> = estimates.filter(|(g, _)| determined(g)).map(|e| e.1).collect();
        return cochran_q(&kept);
    }
    if let Some(levels) = study.data.levels() {
        let known = |(_, effect): (usize, &Option<(f64, f64)>)| effect.filter(|_| study.adjustment.is_none());
        let own: Vec<(f64, f64)> = levels.own_effects().iter().enumerate().filter_map(known).collect();
        return heterogeneity_of(own.iter().map(|(x, variance)| (*x, libm::sqrt(*variance))));
    }
    match (counts, study.data.published()) {
        (Some(counts), _) => {
            let informative: Vec<&SubgroupCounts> = counts.iter().filter(|c| says_anything(c)).collect();
            tested("likelihood_ratio", likelihood_ratio(&informative), informative.len())
        }
        (None, Some(estimates)) => match study.data.covariance() {
            Some(covariance) => tested("cochran_q", generalised_q(estimates, covariance), estimates.len()),
            None => cochran_q(&estimates.iter().collect::<Vec<_>>()),
        },
        (None, None) => None,
    }
}

/// Cochran's Q of estimates with correlated errors: the squared distance from their generalised mean, (y − m)ᵀ Σ⁻¹ (y − m).
fn generalised_q(estimates: &[SubgroupEstimate], covariance: &Covariance) -> f64 {
    let size = estimates.len();
    let Some(factor) = cholesky(covariance.matrix(), size) else { return f64::NAN };
    let y: Vec<f64> = estimates.iter().map(|e| e.estimate).collect();
    let sum = |x: &[f64]| x.iter().sum::<f64>();
    let (of_y, of_ones) =
        (solve_cholesky(&factor, &y, size), solve_cholesky(&factor, &vec![1.0; size], size));
    let mean = sum(&of_y) / sum(&of_ones);
    let apart: Vec<f64> = y.iter().map(|y| y - mean).collect();
    solve_cholesky(&factor, &apart, size).iter().zip(&apart).map(|(p, x)| p * x).sum()
}

/// Cochran's Q of estimates with known errors.
fn cochran_q(estimates: &[&SubgroupEstimate]) -> Option<InteractionTest> {
    heterogeneity_of(estimates.iter().map(|e| (e.estimate, e.se)))
}

/// The same of estimates with their standard errors.
fn heterogeneity_of(estimates: impl Iterator<Item = (f64, f64)> + Clone) -> Option<InteractionTest> {
    let weight = |se: f64| 1.0 / (se * se);
    let total: f64 = estimates.clone().map(|(_, se)| weight(se)).sum();
    let mean = estimates.clone().map(|(x, se)| weight(se) * x).sum::<f64>() / total;
    let q = estimates.clone().map(|(x, se)| weight(se) * (x - mean) * (x - mean)).sum();
    tested("cochran_q", q, estimates.count())
}

fn tested(test: &'static str, statistic: f64, informative: usize) -> Option<InteractionTest> {
    let degrees_of_freedom = u32::try_from(informative).ok()?.checked_sub(1).filter(|df| *df > 0)?;
    let p_value = chi_square_above(statistic, degrees_of_freedom);
    Some(InteractionTest { test, statistic, degrees_of_freedom, p_value })
}

/// Patients in both arms, and neither no event nor nothing but events.
fn says_anything(c: &SubgroupCounts) -> bool {
    let (events, total) = (c.events(), c.patients());
    c.arms.iter().all(|arm| arm.total > 0) && events > 0 && events < total
}

/// Twice the log likelihood that a treatment effect of its own gains each subgroup over one for all.
fn likelihood_ratio(counts: &[&SubgroupCounts]) -> f64 {
    let saturated: f64 = counts
        .iter()
        .flat_map(|c| &c.arms)
        .map(|arm| log_likelihood(arm.events, arm.total, arm.events as f64 / arm.total as f64))
        .sum();
    // The score of the common effect falls in it; its root is the maximum.
    let excess = |theta: f64| -> f64 {
        counts
            .iter()
            .map(|c| c.active().total as f64 * logistic(control(c, theta) + theta) - c.active().events as f64)
            .sum()
    };
    let theta = invert_increasing(-FAR, FAR, 0.0, excess);
    let common: f64 = counts
        .iter()
        .map(|c| {
            let alpha = control(c, theta);
            log_likelihood(c.control().events, c.control().total, logistic(alpha))
                + log_likelihood(c.active().events, c.active().total, logistic(alpha + theta))
        })
        .sum();
    (2.0 * (saturated - common)).max(0.0)
}

/// The control arm's log odds that fit a subgroup best, given the effect.
fn control(c: &SubgroupCounts, theta: f64) -> f64 {
    let events = c.events() as f64;
    let fitted = |alpha: f64| {
        c.control().total as f64 * logistic(alpha) + c.active().total as f64 * logistic(alpha + theta)
    };
    invert_increasing(-2.0 * FAR, 2.0 * FAR, events, fitted)
}

fn log_likelihood(events: u64, total: u64, risk: f64) -> f64 {
    let term = |n: u64, p: f64| if n == 0 { 0.0 } else { n as f64 * libm::log(p) };
    term(events, risk) + term(total - events, 1.0 - risk)
}
