//! Where a baseline is placed given the subgroup's effect.
//!
//! Each arm says of α = x₀ + s θ = x₁ − (1 − s) θ what it says of its own log odds x, roughly N(x̂, 1/I). With α's own prior
//! these make a normal, whose centre is linear in θ. An arm without events, or with nothing but events, is a wall instead:
//! it keeps α from one side only, and however far the effect goes to the other it must not pull α along:
//!
//! ```text
//! centre = r + Σ d k w ln(1 + e^(d(x̂ − r)/w)),     r the centre without walls, k each wall's share of all precision,
//!                                                  d = −1 for a wall above, +1 for one below
//! ```

use super::level::Hints;
use crate::numeric::{logistic, softplus};

/// One baseline's place, `α ≈ centre(θ) ± sd`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GivenEffect {
    /// The part that is linear in θ.
    fixed: f64,
    by_theta: f64,
    walls: [Option<Wall>; 2],
    pub precision: f64,
    pub sd: f64,
    /// To which side both arms leave α open; 0 where something bounds it.
    pub open: f64,
}

/// By how much x̂ lies beyond r, in units of w, as a line in θ; and d, k w.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Wall {
    fixed: f64,
    by_theta: f64,
    side: f64,
    reach: f64,
}

/// What speaks of α: a centre that is linear in θ, and a precision.
#[derive(Debug, Clone, Copy)]
struct Voice {
    fixed: f64,
    by_theta: f64,
    precision: f64,
}

impl GivenEffect {
    /// Of every subgroup; `below` is s. The prior of α as (centre, precision), of no precision where α is a child in a level.
    pub fn of(
        [control, active]: [&Hints; 2],
        below: f64,
        (centre, precision): (f64, f64),
    ) -> Vec<GivenEffect> {
        let prior = Voice { fixed: centre, by_theta: 0.0, precision };
        let arm = |hints: &Hints, g: usize, by_theta: f64| {
            let voice = Voice { fixed: hints.estimates[g], by_theta, precision: hints.information[g] };
            (voice, hints.open[g])
        };
        (0..control.estimates.len())
            .map(|g| GivenEffect::new(prior, [arm(control, g, below), arm(active, g, below - 1.0)]))
            .collect()
    }

    fn new(prior: Voice, arms: [(Voice, f64); 2]) -> GivenEffect {
        let [(control, first), (active, second)] = arms;
        let all = prior.precision + control.precision + active.precision;
        let informed = arms.map(|(voice, _)| voice.precision > 0.0);
        let mut is_wall = [informed[0] && first != 0.0, informed[1] && second != 0.0];
        // Of a level's child nothing is known but by its arms, and one of them must stand for it: of two walls on one side
        // the nearer holds, softly, −w ln Σ e^(−x̂/w).
        let mut open = 0.0;
        if prior.precision == 0.0 {
            let bounded = (0..2).any(|i| informed[i] && !is_wall[i]);
            if !bounded && is_wall == [true, true] {
                open = if first == second { first } else { 0.0 };
                is_wall = [false, open != 0.0];
            } else if !bounded {
                open = if informed[0] { first } else { second };
                is_wall = [false, false];
            }
        }
        let rest = (0..2).filter(|&i| !is_wall[i]).fold(prior, |sum, i| sum.with(arms[i].0));
        let wall = |i: usize| {
            let (voice, side) = arms[i];
            is_wall[i].then(|| {
                let width = (1.0 / voice.precision + 1.0 / rest.precision).sqrt();
                Wall {
                    fixed: (voice.fixed - rest.fixed) / width,
                    by_theta: (voice.by_theta - rest.by_theta) / width,
                    side,
                    reach: if open == 0.0 { voice.precision / all * width } else { width },
                }
            })
        };
        GivenEffect {
            fixed: rest.fixed,
            by_theta: rest.by_theta,
            walls: [wall(0), wall(1)],
            precision: all,
            sd: 1.0 / all.sqrt(),
            open,
        }
    }

    /// The centre at θ, and its slope.
    #[inline]
    pub fn at(&self, theta: f64) -> (f64, f64) {
        let (mut centre, mut slope) = (self.fixed + self.by_theta * theta, self.by_theta);
        for wall in self.walls.iter().flatten() {
            let beyond = wall.side * (wall.fixed + wall.by_theta * theta);
            centre += wall.side * wall.reach * softplus(beyond);
            slope += wall.reach * logistic(beyond) * wall.by_theta;
        }
        (centre, slope)
    }
}

impl Voice {
    /// Both together.
    fn with(self, other: Voice) -> Voice {
        let precision = self.precision + other.precision;
        if precision == 0.0 {
            return self;
        }
        let share = other.precision / precision;
        Voice {
            fixed: self.fixed + share * (other.fixed - self.fixed),
            by_theta: self.by_theta + share * (other.by_theta - self.by_theta),
            precision,
        }
    }
}
