//! The joint posterior of control log odds α, active log odds β and effect θ = β − α of one subgroup, seen from one arm:
//! that arm's log odds on a grid, and θ tabulated given each.

use super::Resolution;
use super::effect_likelihood::climb;
use crate::model::{BaselineOf, BinomialPair, LocationComponent, Side};
use crate::numeric::{LogInterpolant, LogTable, Peak, Placement, tabulate, tabulate_to, tabulate_with};

/// Whose log odds are on the outer grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OuterArm {
    Control,
    Active,
}

impl OuterArm {
    /// Log odds in the control and the active arm, from the outer arm's and θ.
    pub fn log_odds(self, outer: f64, theta: f64) -> (f64, f64) {
        match self {
            OuterArm::Control => (outer, outer + theta),
            OuterArm::Active => (outer - theta, outer),
        }
    }

    pub fn other(self) -> OuterArm {
        match self {
            OuterArm::Control => OuterArm::Active,
            OuterArm::Active => OuterArm::Control,
        }
    }

    fn side(self) -> Side {
        match self {
            OuterArm::Control => Side::Control,
            OuterArm::Active => Side::Active,
        }
    }

    /// The slope by θ of the baseline while this arm's log odds stay.
    pub fn alpha_by_theta(self, baseline_of: BaselineOf) -> f64 {
        match self {
            OuterArm::Control => baseline_of.control_share(),
            OuterArm::Active => baseline_of.control_share() - 1.0,
        }
    }
}

/// How closely θ is tabulated given an arm: its distribution function errs by about as much.
const INNER: f64 = 3e-7;

/// Everything that is known of one subgroup under one component of the baseline prior, up to that prior's constant.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    pub counts: &'a BinomialPair,
    pub baseline: LocationComponent,
    pub baseline_of: BaselineOf,
    /// The log density of θ before this subgroup's data.
    pub prediction: &'a LogInterpolant,
    /// Where the posterior of θ lies.
    pub theta: Peak,
}

impl Known<'_> {
    /// The baseline α from the outer arm's log odds and θ.
    fn alpha(&self, outer: OuterArm, x: f64, theta: f64) -> f64 {
        x + self.alpha_by_theta(outer) * theta
    }

    /// Its slope by θ.
    fn alpha_by_theta(&self, outer: OuterArm) -> f64 {
        outer.alpha_by_theta(self.baseline_of)
    }

    /// The part of the log density that the outer arm's log odds alone determine.
    fn outer_part(&self, outer: OuterArm, x: f64) -> f64 {
        let own = self.counts.log_likelihood(outer.side(), x);
        if self.alpha_by_theta(outer) == 0.0 { own + self.baseline.log_kernel(x) } else { own }
    }

    /// The rest, as a function of θ.
    fn inner_part(&self, outer: OuterArm, x: f64, theta: f64) -> f64 {
        let (control, active) = outer.log_odds(x, theta);
        let other = match outer {
            OuterArm::Control => self.counts.log_likelihood(Side::Active, active),
            OuterArm::Active => self.counts.log_likelihood(Side::Control, control),
        };
        let rest = self.prediction.at(theta) + other;
        if self.alpha_by_theta(outer) == 0.0 {
            rest
        } else {
            rest + self.baseline.log_kernel(self.alpha(outer, x, theta))
        }
    }

    /// Whether θ is the same whatever the outer arm's log odds.
    fn theta_is_apart(&self, outer: OuterArm) -> bool {
        let other = match outer {
            OuterArm::Control => &self.counts.active,
            OuterArm::Active => &self.counts.control,
        };
        self.alpha_by_theta(outer) == 0.0 && other.total == 0.0
    }

    /// θ given the outer arm's log odds; `start` is where it was for a neighbour, and is moved. `share` tells from the log mass
    /// of the outer arm's log odds at `x` what part of the posterior lies near there: what is next to nothing need not be
    /// tabulated closely.
    pub fn theta_given(
        &self,
        outer: OuterArm,
        x: f64,
        start: &mut f64,
        placement: Placement,
        share: impl FnOnce(f64) -> f64,
    ) -> LogTable {
        // Where the prediction is flat the posterior's own width keeps the Newton steps short.
        let least_curvature = 0.05 / (self.theta.sd * self.theta.sd);
        let peak = climb(*start, |theta| {
            let (_, slope, bend) = self.prediction.with_derivatives(self.prediction.nearest(theta));
            let (own_slope, own_curvature) = self.inner_slope(outer, x, theta);
            (slope + own_slope, own_curvature + (-bend).max(least_curvature))
        });
        *start = peak.centre;
        // With the root of the share a node adds tolerance · √share to the whole error: tails, whose shares fall off, add little
        // in sum, and cost one coarse table each.
        let tolerance = |log_mass: f64| {
            placement.tolerance / libm::sqrt(share(self.outer_part(outer, x) + log_mass).clamp(1e-30, 1.0))
        };
        tabulate_to(peak, placement, tolerance, |theta| self.inner_part(outer, x, theta))
    }

    fn inner_slope(&self, outer: OuterArm, x: f64, theta: f64) -> (f64, f64) {
        let (control, active) = outer.log_odds(x, theta);
        let (own, curvature) = match outer {
            OuterArm::Control => self.counts.slope_and_curvature(Side::Active, active),
            OuterArm::Active => {
                let (slope, curvature) = self.counts.slope_and_curvature(Side::Control, control);
                (-slope, curvature)
            }
        };
        let by_theta = self.alpha_by_theta(outer);
        if by_theta == 0.0 {
            return (own, curvature);
        }
        let (prior_slope, bound) = self.baseline.slope_and_bound(self.alpha(outer, x, theta));
        (own + by_theta * prior_slope, curvature + by_theta * by_theta * bound)
    }

    fn outer_guess(&self, outer: OuterArm) -> Peak {
        // What the prior of the baseline says of an arm, θ being what it is a posteriori.
        let by_theta = self.alpha_by_theta(OuterArm::Control);
        let control = climb(self.counts.control.empirical_log_odds(), |x| {
            let (slope, bound) = self.baseline.slope_and_bound(x + by_theta * self.theta.centre);
            let widened = 1.0 + bound * by_theta * by_theta * self.theta.sd * self.theta.sd;
            let (own, curvature) = self.counts.slope_and_curvature(Side::Control, x);
            (own + slope / widened, curvature + bound / widened)
        });
        if outer == OuterArm::Control {
            return control;
        }
        // Without events on one side the likelihood alone has no mode; the control arm and the prediction bound it.
        let spread = libm::hypot(control.sd, self.theta.sd);
        let middle = control.centre + self.theta.centre;
        climb(middle, |beta| {
            let (own, curvature) = self.counts.slope_and_curvature(Side::Active, beta);
            let precision = 1.0 / (spread * spread);
            (own + (middle - beta) * precision, curvature + precision)
        })
    }

    /// One arm's log odds, θ summed out.
    pub fn margin(&self, outer: OuterArm, resolution: Resolution) -> LogTable {
        let mut start = self.theta.centre;
        let guess = self.outer_guess(outer);
        let mut shares = Shares::around(guess);
        tabulate(guess, resolution.density(), |x| {
            let share = |log_mass| shares.at(x, log_mass);
            let theta = self.theta_given(outer, x, &mut start, resolution.mass(), share);
            self.outer_part(outer, x) + theta.log_mass
        })
    }

    /// One arm's log odds, and θ given each of its nodes.
    pub fn tables(&self, outer: OuterArm, resolution: Resolution) -> (LogTable, Vec<LogTable>) {
        let mut start = self.theta.centre;
        if self.theta_is_apart(outer) {
            let theta = self.theta_given(outer, 0.0, &mut start, resolution.density(), |_| 1.0);
            let table = tabulate(self.outer_guess(outer), resolution.density(), |x| {
                self.outer_part(outer, x) + theta.log_mass
            });
            let thetas = vec![theta; table.mass.len()];
            return (table, thetas);
        }
        let inner = Placement { tolerance: INNER, ..resolution.density() };
        let guess = self.outer_guess(outer);
        let mut shares = Shares::around(guess);
        tabulate_with(guess, resolution.density(), |x| {
            let share = |log_mass| shares.at(x, log_mass);
            let theta = self.theta_given(outer, x, &mut start, inner, share);
            (self.outer_part(outer, x) + theta.log_mass, theta)
        })
    }
}

/// What part of the mass lies around each place of a walk, as far as the walk has come.
struct Shares {
    around: Peak,
    highest: f64,
}

impl Shares {
    fn around(around: Peak) -> Shares {
        Shares { around, highest: f64::NEG_INFINITY }
    }

    /// Of a log density at `x`. Nodes lie the further apart the further they are from the centre.
    fn at(&mut self, x: f64, log_density: f64) -> f64 {
        let here = log_density + libm::log(libm::hypot(x - self.around.centre, self.around.sd));
        self.highest = self.highest.max(here);
        libm::exp(here - self.highest)
    }
}

/// The arm that is known better belongs outside: given the other, θ would jump within a cell.
pub fn better_known(counts: &BinomialPair) -> OuterArm {
    let information = |side: Side| match counts.bias() {
        Some(_) => counts.hint(side).1,
        None => {
            let arm = counts.arm(side);
            let p = (arm.events + 0.5) / (arm.total + 1.0);
            arm.total * p * (1.0 - p)
        }
    };
    if information(Side::Active) > 2.0 * information(Side::Control) {
        OuterArm::Active
    } else {
        OuterArm::Control
    }
}
