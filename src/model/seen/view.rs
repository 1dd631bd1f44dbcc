//! A log likelihood behind one bias after another.

use super::super::Arm;
use super::super::bias::{
    confounded, confounded_estimate, confounded_value, log_mean_ratio, mix_value, unmix, unmix_value,
};
use super::curve::{Integral, averaged, tabulated};
use crate::numeric::{LogInterpolant, Peak, logit, normal_log_density};
use crate::study::{Confounder, Missing, Nuisance};

/// A log likelihood, stage by stage from the data outward.
#[derive(Debug, Clone)]
pub enum View {
    Plain(Arm),
    Normal {
        estimate: f64,
        se: f64,
    },
    /// What is behind, at log odds that a known bias has moved.
    Moved(Box<View>, Move),
    /// Numbers that are not known are integrated out.
    Curve(Box<LogInterpolant>),
}

/// A known bias.
#[derive(Debug, Clone, Copy)]
pub enum Move {
    Missing { share: f64, shift: f64 },
    Shift(f64),
    Confounder { prevalence: [f64; 2], log_odds_ratio: f64 },
}

impl Move {
    /// The log odds that are seen.
    fn seen(self, x: f64) -> f64 {
        match self {
            Move::Missing { share, shift } => unmix_value(x, share, shift),
            Move::Shift(b) => x + b,
            Move::Confounder { prevalence, log_odds_ratio } => {
                confounded_value(x, prevalence, log_odds_ratio)
            }
        }
    }

    /// The log odds that are seen, and their slope.
    fn apply(self, x: f64) -> (f64, f64) {
        match self {
            Move::Missing { share, shift } => {
                let seen = unmix(x, share, shift);
                (seen.value, seen.by_x)
            }
            Move::Shift(b) => (x + b, 1.0),
            Move::Confounder { prevalence, log_odds_ratio } => {
                let (seen, slopes) = confounded(x, prevalence, log_odds_ratio);
                (seen, slopes[0])
            }
        }
    }
}

impl View {
    pub fn at(&self, x: f64) -> f64 {
        match self {
            View::Plain(arm) => arm.log_likelihood(x),
            View::Normal { estimate, se } => normal_log_density(*estimate, x, *se),
            View::Moved(behind, how) => behind.at(how.seen(x)),
            View::Curve(curve) => curve.at(x),
        }
    }

    pub fn slope_and_curvature(&self, x: f64) -> (f64, f64) {
        match self {
            View::Plain(arm) => arm.slope_and_curvature(x),
            View::Normal { estimate, se } => ((estimate - x) / (se * se), 1.0 / (se * se)),
            View::Moved(behind, how) => {
                let (seen, rate) = how.apply(x);
                let (slope, curvature) = behind.slope_and_curvature(seen);
                (slope * rate, curvature * rate * rate)
            }
            View::Curve(curve) => {
                let (_, slope, bend) = curve.with_derivatives(curve.nearest(x));
                (slope, if curve.covers(x) { -bend } else { 0.0 })
            }
        }
    }

    /// Where it lies, roughly: one-sided and empty arms by half an event. `None` where nothing was observed.
    pub fn peak(&self) -> Option<Peak> {
        match self {
            View::Plain(arm) => {
                let (x, information) = arm.hint();
                (arm.total > 0.0).then(|| Peak { centre: x, sd: 1.0 / libm::sqrt(information) })
            }
            View::Normal { estimate, se } => Some(Peak { centre: *estimate, sd: *se }),
            View::Moved(behind, how) => {
                let peak = behind.peak()?;
                // The point that is moved there, by Newton's method.
                let mut x = peak.centre;
                for _ in 0..20 {
                    let (seen, rate) = how.apply(x);
                    x -= ((seen - peak.centre) / rate).clamp(-2.0, 2.0);
                }
                let (_, rate) = how.apply(x);
                Some(Peak { centre: x, sd: peak.sd / rate })
            }
            View::Curve(curve) => {
                let mut x = curve.nearest(0.0);
                for _ in 0..100 {
                    let (_, slope, bend) = curve.with_derivatives(curve.nearest(x));
                    let step = (slope / (-bend).max(1e-6)).clamp(-2.0, 2.0);
                    x = curve.nearest(x + step);
                    if step.abs() < 1e-3 {
                        break;
                    }
                }
                let (_, _, bend) = curve.with_derivatives(x);
                Some(Peak { centre: x.clamp(-10.0, 10.0), sd: 1.0 / libm::sqrt((-bend).clamp(0.3, 1e8)) })
            }
        }
    }

    pub fn with_missing(self, missing: Option<&Missing>) -> View {
        let (Some(missing), Some(peak)) = (missing, self.peak()) else { return self };
        let share = logit(missing.share);
        match missing.shift.known() {
            Some(shift) => View::Moved(Box::new(self), Move::Missing { share, shift }),
            None => {
                let mut inner = Integral::over(&missing.shift);
                tabulated(peak, missing.share * missing.shift.narrowest(), |x| {
                    inner.log_mean(|shift| self.at(unmix_value(x, share, shift)))
                })
            }
        }
    }

    pub fn with_shift(self, shift: Option<&Nuisance>) -> View {
        let (Some(shift), Some(peak)) = (shift, self.peak()) else { return self };
        match shift.known() {
            Some(b) => View::Moved(Box::new(self), Move::Shift(b)),
            None => {
                let peak = Peak { centre: peak.centre - shift.rough().0, ..peak };
                let mut inner = Integral::over(shift);
                tabulated(peak, shift.narrowest(), |x| inner.log_mean(|b| self.at(x + b)))
            }
        }
    }

    /// With known prevalences and ratio the log odds are moved. Else, at every node of the ratio, the active arm's
    /// prevalence is integrated out over the log odds of patients without the confounder, which leaves a curve, and then
    /// the control arm's.
    pub fn with_confounder(self, confounder: Option<&Confounder>) -> View {
        let (Some(confounder), Some(peak)) = (confounder, self.peak()) else { return self };
        let Confounder { prevalence: [control, active], log_odds_ratio } = confounder;
        if let (Some(p0), Some(p1), Some(ratio)) = (control.known(), active.known(), log_odds_ratio.known()) {
            let how = Move::Confounder { prevalence: [p0, p1], log_odds_ratio: ratio };
            return View::Moved(Box::new(self), how);
        }
        let typical = Move::Confounder {
            prevalence: [control.rough().0, active.rough().0],
            log_odds_ratio: log_odds_ratio.rough().0,
        };
        let placed = View::Moved(Box::new(self.clone()), typical).peak().unwrap_or(peak);
        let at_ratio = |ratio: f64| -> View {
            let behind = match active.known() {
                Some(_) => None,
                None => {
                    let mut inner = Integral::over(active);
                    Some(tabulated(placed, 0.0, |u| inner.log_mean(|p1| self.at(mix_value(u, p1, ratio)))))
                }
            };
            let without = |u: f64| match (&behind, active.known()) {
                (Some(curve), _) => curve.at(u),
                (None, Some(p1)) => self.at(mix_value(u, p1, ratio)),
                (None, None) => f64::NAN,
            };
            let mut inner = Integral::over(control);
            tabulated(placed, 0.0, |x| inner.log_mean(|p0| without(unmix_value(x, p0, ratio))))
        };
        averaged(log_odds_ratio, placed, at_ratio)
    }

    /// The same for a published estimate, which the confounder moves whatever the effect.
    pub fn with_confounded_estimate(self, confounder: Option<&Confounder>) -> View {
        let (Some(confounder), Some(peak)) = (confounder, self.peak()) else { return self };
        let Confounder { prevalence: [control, active], log_odds_ratio } = confounder;
        if let (Some(p0), Some(p1), Some(ratio)) = (control.known(), active.known(), log_odds_ratio.known()) {
            let (bias, _) = confounded_estimate([p0, p1], ratio);
            return View::Moved(Box::new(self), Move::Shift(bias));
        }
        let typical = [control.rough().0, active.rough().0];
        let (bias, _) = confounded_estimate(typical, log_odds_ratio.rough().0);
        let placed = Peak { centre: peak.centre - bias, sd: peak.sd };
        let at_ratio = |ratio: f64| -> View {
            let side = |p: f64| log_mean_ratio(p, ratio);
            let mut inner = Integral::over(active);
            let behind = tabulated(placed, 0.0, |x| inner.log_mean(|p1| self.at(x + side(p1))));
            let mut inner = Integral::over(control);
            tabulated(placed, 0.0, |x| inner.log_mean(|p0| behind.at(x - side(p0))))
        };
        averaged(log_odds_ratio, placed, at_ratio)
    }
}
