//! The log likelihood of what is asked for, given data that were seen through a bias: what is not known of the bias is
//! integrated out, one number at a time, each integral leaving a curve over one arm's log odds (`view`), and shared by all who
//! ask the same (`kept`).

mod curve;
mod kept;
mod view;

use std::sync::{Arc, OnceLock};

pub use curve::tabulated;
use kept::{Data, Source, view_of};
pub use view::View;

use super::bias::{confounded, confounded_estimate, mix};
use super::{Arm, Side};
use crate::numeric::logit;
use crate::study::{Confounder, Missing, Nuisance, SubgroupBias};

/// Two arms of one subgroup, seen through a bias.
#[derive(Debug)]
pub struct PairSeen {
    arms: [Arm; 2],
    bias: SubgroupBias,
    power: f64,
    /// Likelihoods of the arms that are no counts' alone.
    curves: Option<[Arc<View>; 2]>,
    /// Control arm, active arm; made when they are first asked for: a sampler never asks.
    views: [Arc<OnceLock<Arc<View>>>; 2],
}

impl PartialEq for PairSeen {
    fn eq(&self, other: &PairSeen) -> bool {
        (&self.arms, &self.bias, self.power) == (&other.arms, &other.bias, other.power)
    }
}

impl PairSeen {
    pub fn new(arms: [Arm; 2], bias: SubgroupBias) -> PairSeen {
        PairSeen { arms, bias, power: 1.0, curves: None, views: Default::default() }
    }

    /// The same, the arms' likelihoods being curves.
    pub fn of_curves(arms: [Arm; 2], curves: [Arc<View>; 2], bias: SubgroupBias) -> PairSeen {
        PairSeen { curves: Some(curves), ..PairSeen::new(arms, bias) }
    }

    pub fn curves(&self) -> Option<&[Arc<View>; 2]> {
        self.curves.as_ref()
    }

    pub fn bias(&self) -> &SubgroupBias {
        &self.bias
    }

    pub fn powered(&self, power: f64) -> PairSeen {
        PairSeen {
            arms: self.arms,
            bias: self.bias.clone(),
            power: self.power * power,
            curves: self.curves.clone(),
            views: self.views.clone(),
        }
    }

    fn view(&self, side: Side) -> &View {
        self.views[side as usize].get_or_init(|| {
            let arm = self.arms[side as usize];
            let missing = self.bias.missing[side as usize].as_ref();
            let (shift, confounder) = match side {
                Side::Control => (None, None),
                Side::Active => (self.bias.shift.as_ref(), self.bias.confounder.as_ref()),
            };
            let through = |own: View| own.with_missing(missing).with_shift(shift).with_confounder(confounder);
            match &self.curves {
                Some(curves) => Arc::new(through(View::clone(&curves[side as usize]))),
                None => {
                    let source = Source {
                        data: Data::Arm(arm),
                        missing: missing.cloned(),
                        shift: shift.cloned(),
                        confounder: confounder.cloned(),
                    };
                    view_of(source, || through(View::Plain(arm)))
                }
            }
        })
    }

    pub fn log_likelihood(&self, side: Side, x: f64) -> f64 {
        self.power * self.view(side).at(x)
    }

    pub fn slope_and_curvature(&self, side: Side, x: f64) -> (f64, f64) {
        let (slope, curvature) = self.view(side).slope_and_curvature(x);
        (self.power * slope, self.power * curvature.max(0.0))
    }

    /// From the arm's own estimate and information.
    pub fn hint(&self, side: Side, (estimate, information): (f64, f64)) -> (f64, f64) {
        let own = match self.curves.as_ref().and_then(|c| c[side as usize].peak()) {
            Some(peak) => (peak.centre, 1.0 / (peak.sd * peak.sd)),
            None => (estimate, information),
        };
        let mut hint = Hint { x: own.0, variance: 1.0 / own.1 };
        if let Some(missing) = &self.bias.missing[side as usize] {
            hint.through_missing(missing);
        }
        if side == Side::Active {
            if let Some(shift) = &self.bias.shift {
                hint.through_shift(shift);
            }
            if let Some(confounder) = &self.bias.confounder {
                hint.through_confounder(confounder);
            }
        }
        (hint.x, 1.0 / hint.variance)
    }
}

/// A published estimate, seen through a bias that is not normal.
#[derive(Debug)]
pub struct EstimateSeen {
    estimate: f64,
    se: f64,
    bias: SubgroupBias,
    power: f64,
    view: OnceLock<Arc<View>>,
}

impl PartialEq for EstimateSeen {
    fn eq(&self, other: &EstimateSeen) -> bool {
        (self.estimate, self.se, &self.bias, self.power)
            == (other.estimate, other.se, &other.bias, other.power)
    }
}

impl EstimateSeen {
    pub fn new(estimate: f64, se: f64, bias: SubgroupBias, power: f64) -> EstimateSeen {
        EstimateSeen { estimate, se, bias, power, view: OnceLock::new() }
    }

    pub fn bias(&self) -> &SubgroupBias {
        &self.bias
    }

    pub fn powered(&self, power: f64) -> EstimateSeen {
        let new = EstimateSeen::new(self.estimate, self.se, self.bias.clone(), self.power * power);
        EstimateSeen { view: self.view.clone(), ..new }
    }

    pub fn log_likelihood(&self, theta: f64) -> f64 {
        let view = self.view.get_or_init(|| {
            let (estimate, se) = (self.estimate, self.se);
            let SubgroupBias { shift, confounder, .. } = &self.bias;
            let source = Source {
                data: Data::Estimate { estimate, se },
                missing: None,
                shift: shift.clone(),
                confounder: confounder.clone(),
            };
            view_of(source, || {
                View::Normal { estimate, se }
                    .with_shift(shift.as_ref())
                    .with_confounded_estimate(confounder.as_ref())
            })
        });
        self.power * view.at(theta)
    }

    pub fn hint(&self, (estimate, information): (f64, f64)) -> (f64, f64) {
        let mut hint = Hint { x: estimate, variance: 1.0 / information };
        if let Some(shift) = &self.bias.shift {
            hint.through_shift(shift);
        }
        if let Some(Confounder { prevalence: [p0, p1], log_odds_ratio }) = &self.bias.confounder {
            let (p0, p1, ratio) = (p0.rough(), p1.rough(), log_odds_ratio.rough());
            let (bias, slopes) = confounded_estimate([p0.0, p1.0], ratio.0);
            hint.x -= bias;
            hint.widen(&slopes, &[p0.1, p1.1, ratio.1]);
        }
        (hint.x, 1.0 / hint.variance)
    }
}

/// Where an arm's log odds lie, as the stages of a bias are taken away.
struct Hint {
    x: f64,
    variance: f64,
}

impl Hint {
    fn widen(&mut self, slopes: &[f64], variances: &[f64]) {
        self.variance += slopes.iter().zip(variances).map(|(s, v)| s * s * v).sum::<f64>();
    }

    fn through_missing(&mut self, missing: &Missing) {
        let (shift, variance) = missing.shift.rough();
        let whole = mix(self.x, logit(missing.share), shift);
        self.x = whole.value;
        self.variance *= whole.by_x * whole.by_x;
        self.widen(&[whole.by_shift], &[variance]);
    }

    fn through_shift(&mut self, shift: &Nuisance) {
        let (centre, variance) = shift.rough();
        self.x -= centre;
        self.variance += variance;
    }

    /// The confounder's map undone: with the arms' parts exchanged.
    fn through_confounder(&mut self, confounder: &Confounder) {
        let [p0, p1] = confounder.prevalence.each_ref().map(Nuisance::rough);
        let ratio = confounder.log_odds_ratio.rough();
        let (x, [by_x, by_active, by_control, by_ratio]) = confounded(self.x, [p1.0, p0.0], ratio.0);
        self.x = x;
        self.variance *= by_x * by_x;
        self.widen(&[by_active, by_control, by_ratio], &[p1.1, p0.1, ratio.1]);
    }
}
