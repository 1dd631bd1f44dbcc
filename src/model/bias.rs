//! The mathematics of biases: unmeasured confounding, a bias of the log odds ratio, missing outcomes.
//!
//! `x` are an arm's log odds for patients like the controls, all outcomes known: α in the control arm, α + θ in the active
//! arm. What is seen has the log odds
//! - of the active arm: `unmix(mix(unmix(x, π₀, γ), π₁, γ) + b, f₁, δ₁)`,
//! - of the control arm: `unmix(x, f₀, δ₀)`,
//!
//! π_a the prevalence of a binary confounder in arm a and γ its log odds ratio with the outcome, b the bias that is
//! added, f_a the share of outcomes that are missing and δ_a by how much the log odds of an event differ among them.

use crate::numeric::exp_of_nonpositive;
use crate::study::{Confounder, LocationPrior, Misclassification, Nuisance, SubgroupBias};

impl Nuisance {
    /// Whether it is known and equals `x`.
    fn is(&self, x: f64) -> bool {
        self.known() == Some(x)
    }
}

impl Confounder {
    /// Whether it changes nothing: as frequent in both arms, for certain, or without a bearing on the outcome.
    fn is_idle(&self) -> bool {
        let [control, active] = self.prevalence.each_ref().map(Nuisance::known);
        self.log_odds_ratio.is(0.0) || (control.is_some() && control == active)
    }

    /// The bias that it adds to a published estimate, a log ratio; none where anything about it is uncertain.
    pub fn known_bias_of_estimate(&self) -> Option<f64> {
        let [control, active] = self.prevalence.each_ref().map(Nuisance::known);
        Some(confounded_estimate([control?, active?], self.log_odds_ratio.known()?).0)
    }
}

impl SubgroupBias {
    /// The same biases without the parts that change nothing.
    #[must_use]
    pub fn simplified(&self) -> SubgroupBias {
        SubgroupBias {
            confounder: self.confounder.clone().filter(|c| !c.is_idle()),
            shift: self.shift.clone().filter(|shift| !shift.is(0.0)),
            missing: self.missing.clone().map(|m| m.filter(|m| m.share > 0.0 && !m.shift.is(0.0))),
        }
    }

    /// Mean and standard deviation of the bias that is added (0 where it is known); none where it is not normal, or
    /// there is none.
    pub fn normal_shift(&self) -> Option<(f64, f64)> {
        match self.shift.as_ref()? {
            Nuisance::Known(b) => Some((*b, 0.0)),
            Nuisance::Location(LocationPrior::Normals(normals)) => match normals.as_slice() {
                [n] => Some((n.mean, n.sd)),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether no bias is assumed.
    pub fn is_none(&self) -> bool {
        self.confounder.is_none() && self.shift.is_none() && self.missing.iter().all(Option::is_none)
    }
}

impl Misclassification {
    /// Whether every label is known to be right.
    pub fn is_perfect(&self) -> bool {
        self.sensitivity.iter().chain(&self.specificity).all(|n| n.is(f64::INFINITY))
    }
}

/// A value on the log odds scale with its slopes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mixed {
    /// The log odds.
    pub value: f64,
    /// The slope by the log odds that were given.
    pub by_x: f64,
    /// The slope by the log odds of the share.
    pub by_share: f64,
    /// The slope by the shift.
    pub by_shift: f64,
}

/// A probability and its complement from log odds, both in full.
#[inline]
fn both(log_odds: f64) -> (f64, f64) {
    let e = exp_of_nonpositive(-log_odds.abs());
    let near_one = 1.0 / (1.0 + e);
    if log_odds >= 0.0 { (near_one, e * near_one) } else { (e * near_one, near_one) }
}

/// The shares and risks of a group of which a part has log odds `u + shift` and the rest `u`. `share` is the log odds of the
/// part's share of the group.
struct Group {
    /// The share of the part, and of the rest.
    s: f64,
    rest: f64,
    /// The risk of the rest, and its complement.
    p: f64,
    q: f64,
    /// Those of the part.
    p_shifted: f64,
    q_shifted: f64,
}

impl Group {
    #[inline]
    fn of(u: f64, share: f64, shift: f64) -> Group {
        let (s, rest) = both(share);
        let (p, q) = both(u);
        let (p_shifted, q_shifted) = both(u + shift);
        Group { s, rest, p, q, p_shifted, q_shifted }
    }

    /// The log odds of an event in the whole group.
    #[inline]
    fn log_odds(&self, u: f64, shift: f64) -> f64 {
        let Group { s, rest, p, q, p_shifted, q_shifted } = *self;
        // Where risks or their complements are tiny, in units of e^−|u|.
        let scale = if u > 0.0 { libm::exp(-shift) } else { libm::exp(shift) };
        // log(p/q) = u + log of what follows, without cancellation on either side.
        let ratio = if u > 0.0 {
            (rest * p + s * p_shifted) / (rest * p + s * p_shifted * scale)
        } else {
            (rest * q + s * q_shifted * scale) / (rest * q + s * q_shifted)
        };
        u + libm::log(ratio)
    }

    /// Its slopes by `u`, by the log odds of the share and by the shift.
    #[inline]
    fn slopes(&self, shift: f64) -> (f64, f64, f64) {
        let Group { s, rest, p, q, p_shifted, q_shifted } = *self;
        let (risk, complement) = (rest * p + s * p_shifted, rest * q + s * q_shifted);
        let unit = risk * complement;
        let by_shift = s * p_shifted * q_shifted / unit;
        // p′ − p, kept where the two are nearly alike.
        let apart = if shift == 0.0 { 0.0 } else { p_shifted * q - p * q_shifted };
        (rest * p * q / unit + by_shift, s * rest * apart / unit, by_shift)
    }
}

/// The log odds of an event in a group of which a part has log odds `u + shift` and the rest `u`. `share` is the log
/// odds of the part's share of the group.
#[inline]
pub fn mix(u: f64, share: f64, shift: f64) -> Mixed {
    let group = Group::of(u, share, shift);
    let (by_x, by_share, by_shift) = group.slopes(shift);
    Mixed { value: group.log_odds(u, shift), by_x, by_share, by_shift }
}

/// The value of [`mix`] alone.
#[inline]
pub fn mix_value(u: f64, share: f64, shift: f64) -> f64 {
    Group::of(u, share, shift).log_odds(u, shift)
}

/// The inverse of [`mix`] in its first argument: the log odds of the rest, from those of the whole group.
#[inline]
pub fn unmix(x: f64, share: f64, shift: f64) -> Mixed {
    let u = unmix_value(x, share, shift);
    let (by_u, by_share, by_shift) = Group::of(u, share, shift).slopes(shift);
    let by_x = 1.0 / by_u;
    Mixed { value: u, by_x, by_share: -by_share * by_x, by_shift: -by_shift * by_x }
}

/// The value of [`unmix`] alone.
#[inline]
pub fn unmix_value(x: f64, share: f64, shift: f64) -> f64 {
    if x <= 0.0 { unmixed(x, share, shift) } else { -unmixed(-x, share, -shift) }
}

/// For `x ≤ 0`. With odds o = e^u and w = e^x: `Γo² + Bo − w = 0`.
fn unmixed(x: f64, share: f64, shift: f64) -> f64 {
    let (s, rest) = both(share);
    let (w, gamma) = (libm::exp(x), libm::exp(shift));
    let b = rest + s * gamma - w * (s + gamma * rest);
    let root = libm::sqrt(b * b + 4.0 * gamma * w);
    if b >= 0.0 { x + libm::log(2.0 / (b + root)) } else { libm::log((root - b) / (2.0 * gamma)) }
}

/// The active arm's log odds as they appear under an unmeasured confounder, from those that patients like the
/// controls would have. Also their slopes by these log odds, by the log odds of both prevalences (control, active)
/// and by the log odds ratio.
#[inline]
pub fn confounded(x: f64, prevalence: [f64; 2], log_odds_ratio: f64) -> (f64, [f64; 4]) {
    let without = unmix(x, prevalence[0], log_odds_ratio);
    let shown = mix(without.value, prevalence[1], log_odds_ratio);
    let slopes = [
        shown.by_x * without.by_x,
        shown.by_x * without.by_share,
        shown.by_share,
        shown.by_shift + shown.by_x * without.by_shift,
    ];
    (shown.value, slopes)
}

/// The value of [`confounded`] alone.
#[inline]
pub fn confounded_value(x: f64, prevalence: [f64; 2], log_odds_ratio: f64) -> f64 {
    let without = unmix_value(x, prevalence[0], log_odds_ratio);
    mix_value(without, prevalence[1], log_odds_ratio)
}

/// `log(1 + (Γ − 1)π)`, π a prevalence by its log odds: how far a confounder with the ratio Γ moves an arm's log risk.
#[inline]
pub fn log_mean_ratio(prevalence: f64, log_ratio: f64) -> f64 {
    libm::log1p(libm::expm1(log_ratio) * both(prevalence).0)
}

/// What an unmeasured confounder adds to a published log ratio: exact for risk ratios and rare outcomes (Bross 1966;
/// Lin, Psaty & Kronmal 1998). Also its slopes by the log odds of both prevalences (control, active) and by the log
/// ratio.
#[inline]
pub fn confounded_estimate(prevalence: [f64; 2], log_ratio: f64) -> (f64, [f64; 3]) {
    let excess = libm::expm1(log_ratio);
    let gamma = excess + 1.0;
    let side = |log_odds: f64| {
        let (share, rest) = both(log_odds);
        let total = 1.0 + excess * share;
        (libm::log1p(excess * share), excess * share * rest / total, gamma * share / total)
    };
    let (control, active) = (side(prevalence[0]), side(prevalence[1]));
    (active.0 - control.0, [-control.1, active.1, active.2 - control.2])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::{logistic, logit};

    const POINTS: [f64; 9] = [-300.0, -30.0, -3.0, -0.4, 0.0, 0.7, 4.0, 40.0, 500.0];

    fn close(a: f64, b: f64, tolerance: f64) -> bool {
        (a - b).abs() <= tolerance * (1.0 + a.abs())
    }

    #[test]
    fn mixing_is_a_weighted_mean_of_risks() {
        for (u, s, c) in [(-1.0, 0.3, 0.8), (0.5, 0.9, -1.2), (2.0, 0.01, 3.0)] {
            let mixed = mix(u, logit(s), c).value;
            let expected = logit((1.0 - s) * logistic(u) + s * logistic(u + c));
            assert!(close(mixed, expected, 1e-13), "{mixed} {expected}");
        }
    }

    #[test]
    fn unmixing_undoes_mixing_however_extreme() {
        for &u in &POINTS {
            for s in [1e-6, 0.2, 0.5, 0.97] {
                for c in [-4.0, -0.3, 0.0, 1.0, 6.0] {
                    let back = unmix(mix(u, logit(s), c).value, logit(s), c).value;
                    assert!(close(back, u, 1e-11), "u {u}, s {s}, c {c}: {back}");
                }
            }
        }
    }

    #[test]
    fn slopes_are_those_of_differences() {
        let h = 1e-6;
        let slope = |f: &dyn Fn(f64) -> f64, x: f64| (f(x + h) - f(x - h)) / (2.0 * h);
        for &x in &[-5.0, -0.4, 0.0, 1.3, 6.0] {
            let (s, c) = (-0.8, 1.1);
            for f in [mix, unmix] {
                let at = f(x, s, c);
                assert!(close(at.by_x, slope(&|x| f(x, s, c).value, x), 1e-7));
                assert!(close(at.by_share, slope(&|s| f(x, s, c).value, s), 1e-7));
                assert!(close(at.by_shift, slope(&|c| f(x, s, c).value, c), 1e-7));
            }
            let (_, [by_x, by_control, by_active, by_ratio]) = confounded(x, [-1.0, 0.2], 0.9);
            assert!(close(by_x, slope(&|x| confounded(x, [-1.0, 0.2], 0.9).0, x), 1e-7));
            assert!(close(by_control, slope(&|p| confounded(x, [p, 0.2], 0.9).0, -1.0), 1e-7));
            assert!(close(by_active, slope(&|p| confounded(x, [-1.0, p], 0.9).0, 0.2), 1e-7));
            assert!(close(by_ratio, slope(&|r| confounded(x, [-1.0, 0.2], r).0, 0.9), 1e-7));
        }
        let (_, [by_control, by_active, by_ratio]) = confounded_estimate([-1.0, 0.2], 0.9);
        assert!(close(by_control, slope(&|p| confounded_estimate([p, 0.2], 0.9).0, -1.0), 1e-7));
        assert!(close(by_active, slope(&|p| confounded_estimate([-1.0, p], 0.9).0, 0.2), 1e-7));
        assert!(close(by_ratio, slope(&|r| confounded_estimate([-1.0, 0.2], r).0, 0.9), 1e-7));
    }

    #[test]
    fn a_confounder_as_frequent_in_both_arms_changes_nothing() {
        for &x in &POINTS {
            assert!(close(confounded(x, [0.3, 0.3], 1.4).0, x, 1e-12));
            assert!(close(confounded(x, [-2.0, 0.3], 0.0).0, x, 1e-12));
        }
    }

    #[test]
    fn where_the_outcome_is_rare_the_published_formula_holds() {
        let (prevalence, gamma) = ([logit(0.2), logit(0.5)], libm::log(3.0));
        let x = logit(1e-7);
        let bias = confounded(x, prevalence, gamma).0 - x;
        assert!((bias - libm::log((1.0 + 2.0 * 0.5) / (1.0 + 2.0 * 0.2))).abs() < 1e-6);
        assert!((bias - confounded_estimate(prevalence, gamma).0).abs() < 1e-6);
    }

    #[test]
    fn flipping_the_outcome_mirrors_every_function() {
        for &x in &POINTS {
            let (value, _) = confounded(x, [-1.0, 0.4], 1.3);
            let (mirrored, _) = confounded(-x, [-1.0, 0.4], -1.3);
            assert!(close(value, -mirrored, 1e-12), "{value} {mirrored}");
        }
    }
}
