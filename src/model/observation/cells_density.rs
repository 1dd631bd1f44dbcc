//! Counts by arm below the effects' levels: θ and α with coordinates, and the cells' log likelihood.

use std::sync::Arc;

use super::between::Between;
use super::hints::{arm_hints, baseline_hints};
use super::{Arm, Cells, Side};
use crate::model::binomial::log_likelihood_of_cells;
use crate::model::effects::{Effects, Placed};
use crate::model::given_effect::GivenEffect;
use crate::model::labels::Labels;
use crate::model::level::{Adjoint, Child, Level, half_log_product};
use crate::model::levels::LevelsDensity;
use crate::model::prior_slope::LocationSlope;
use crate::model::rows::{Terms, TermsScratch};
use crate::model::scratch::{CellsScratch, Scratch};
use crate::study::{BaselineOf, BaselinePrior};

/// Counts with their coordinates.
#[derive(Debug, Clone)]
pub struct CellsDensity {
    /// Where the z begin; none under complete pooling.
    z: Option<usize>,
    /// Where the w begin.
    w: usize,
    baseline: Baseline,
    baseline_of: BaselineOf,
    /// Where each α is placed given θ.
    given_effect: Vec<GivenEffect>,
    /// Control arms, then active arms.
    events: Vec<f64>,
    totals: Vec<f64>,
    behind: Behind,
}

#[derive(Debug, Clone)]
enum Baseline {
    Independent { prior: LocationSlope },
    Exchangeable(Placed),
}

/// What stands behind the cells' log odds.
#[derive(Debug, Clone)]
enum Behind {
    /// Patients who are alike, or rows of them, perhaps through a bias.
    Patients { between: Option<Between>, terms: Option<Terms> },
    /// Labels that may be wrong. They are put right in the counts themselves: no other bias stands beside them.
    Labels(Box<Labels>),
    /// Ordered levels, perhaps through a bias of the log odds ratio; the cells' log odds are those at the primary cut.
    Levels { between: Option<Between>, levels: Box<LevelsDensity> },
}

impl CellsDensity {
    /// At the next coordinates.
    pub fn new(cells: &Cells, effects: &Effects, dim: &mut usize) -> CellsDensity {
        let pairs = cells.pairs();
        let [control, active] = [Side::Control, Side::Active].map(|side| arm_hints(cells, side));
        let baseline_of = cells.baselines().of;
        let below = baseline_of.control_share();
        let (baseline, own_prior) = match &cells.baselines().prior {
            BaselinePrior::Independent(prior) => {
                let prior = LocationSlope::of(prior);
                let stand_in = prior.stand_in();
                (Baseline::Independent { prior }, stand_in)
            }
            BaselinePrior::Exchangeable { mean, sd } => {
                let hints = baseline_hints([&control, &active], below, effects.precision);
                (Baseline::Exchangeable(Placed::new(Level::new(mean, *sd, hints), dim)), (0.0, 0.0))
            }
        };
        let given_effect = GivenEffect::of([&control, &active], below, own_prior);
        let z = effects.have_children().then_some(*dim);
        *dim += if z.is_some() { pairs.len() } else { 0 };
        let w = *dim;
        *dim += pairs.len();
        let behind = match cells.misclassification() {
            Some(m) => Behind::Labels(Box::new(Labels::new(pairs, m, dim))),
            None if cells.levels().is_some() => {
                let between = Between::of_pairs(pairs, dim);
                let terms = cells.level_rows().map(|rows| Terms::new(Arc::clone(rows), dim));
                // There are levels.
                let levels = cells.levels().map(|levels| LevelsDensity::new(levels, terms, dim));
                match levels {
                    Some(levels) => Behind::Levels { between, levels: Box::new(levels) },
                    None => Behind::Patients { between, terms: None },
                }
            }
            None => {
                let between = Between::of_pairs(pairs, dim);
                let terms = cells.rows().map(|rows| Terms::new(Arc::clone(rows), dim));
                Behind::Patients { between, terms }
            }
        };
        let both = |f: fn(&Arm) -> f64| {
            pairs.iter().map(|c| f(&c.control)).chain(pairs.iter().map(|c| f(&c.active))).collect()
        };
        CellsDensity {
            z,
            w,
            baseline,
            baseline_of,
            given_effect,
            events: both(|a| a.events),
            totals: both(|a| a.total),
            behind,
        }
    }

    pub fn shared_baseline(&self) -> Option<&Placed> {
        match &self.baseline {
            Baseline::Exchangeable(placed) => Some(placed),
            Baseline::Independent { .. } => None,
        }
    }

    pub fn between(&self) -> Option<&Between> {
        match &self.behind {
            Behind::Patients { between, .. } | Behind::Levels { between, .. } => between.as_ref(),
            Behind::Labels(_) => None,
        }
    }

    pub fn labels(&self) -> Option<&Labels> {
        match &self.behind {
            Behind::Labels(labels) => Some(labels),
            Behind::Patients { .. } | Behind::Levels { .. } => None,
        }
    }

    pub fn terms(&self) -> Option<&Terms> {
        match &self.behind {
            Behind::Patients { terms, .. } => terms.as_ref(),
            Behind::Levels { levels, .. } => levels.terms(),
            Behind::Labels(_) => None,
        }
    }

    pub fn terms_mut(&mut self) -> Option<&mut Terms> {
        match &mut self.behind {
            Behind::Patients { terms, .. } => terms.as_mut(),
            Behind::Levels { levels, .. } => levels.terms_mut(),
            Behind::Labels(_) => None,
        }
    }

    /// Ordered levels.
    pub fn levels(&self) -> Option<&LevelsDensity> {
        match &self.behind {
            Behind::Levels { levels, .. } => Some(levels),
            Behind::Patients { .. } | Behind::Labels(_) => None,
        }
    }

    /// Everything that has a value at `q`.
    pub fn place(&self, effects: &Effects, q: &[f64], scratch: &mut Scratch) {
        self.place_children(effects, q, scratch);
        let n = self.given_effect.len();
        if let Some(between) = self.between() {
            for g in 0..n {
                let shift = between.shift_of(g, scratch.cells.x[n + g], q);
                scratch.bias[g] = shift.unwrap_or(f64::NAN);
            }
        }
        if let (Some(terms), Some(scratch)) = (self.terms(), &mut scratch.cells.terms) {
            terms.locate(q, scratch);
        }
        if let (Some(levels), Some(scratch)) = (self.levels(), &mut scratch.cells.levels) {
            let _ = levels.place(q, scratch);
        }
    }

    /// θ, α and the cells' log odds.
    fn place_children(&self, effects: &Effects, q: &[f64], scratch: &mut Scratch) {
        let n = self.given_effect.len();
        let Scratch { effects: levels, theta, cells, .. } = scratch;
        for (g, theta) in theta.iter_mut().enumerate() {
            let at = levels[effects.level_of(g)];
            *theta = match self.z {
                Some(z) => {
                    let child = effects.place(g, &at, q[z + g]);
                    cells.theta_children[g] = child;
                    child.value(&at)
                }
                None => at.location,
            };
        }
        for (g, given) in self.given_effect.iter().enumerate() {
            let theta = theta[g];
            let (x, by_theta) = given.at(theta);
            let w = q[self.w + g];
            let alpha = match &self.baseline {
                Baseline::Exchangeable(_) => {
                    let at = &cells.baseline;
                    let child = if given.open == 0.0 {
                        Child::place(at, x, given.precision, w)
                    } else {
                        Child::place_open(at, x, given.precision, given.open, w)
                    };
                    cells.alpha_children[g] = child;
                    child.value(at)
                }
                Baseline::Independent { .. } => x + given.sd * w,
            };
            cells.alpha[g] = alpha;
            cells.hint_by_theta[g] = by_theta;
            [cells.x[g], cells.x[n + g]] = self.baseline_of.log_odds(alpha, theta);
        }
    }

    /// Log likelihood with the priors of θ given its level, of α, and of what stands behind the cells.
    pub fn log_density(
        &self,
        effects: &Effects,
        q: &[f64],
        gradient: &mut [f64],
        scratch: &mut Scratch,
    ) -> f64 {
        let n = self.given_effect.len();
        self.place_children(effects, q, scratch);
        let mut log_density = match &self.behind {
            Behind::Patients { between: None, terms } => {
                let Scratch { cells, slopes, .. } = scratch;
                self.likelihood_at((&cells.x, slopes), (terms, &mut cells.terms), q, gradient)
            }
            Behind::Patients { between: Some(between), terms } => {
                self.seen_density((between, terms), q, gradient, scratch)
            }
            Behind::Labels(labels) => labels.log_density(&scratch.cells.x, q, gradient, &mut scratch.slopes),
            Behind::Levels { between, levels } => {
                self.levels_density((between.as_ref(), levels), q, gradient, scratch)
            }
        };
        let Scratch { effects: levels, adjoints, slopes, cells, .. } = scratch;
        let mut baseline_adjoint = Adjoint::default();
        let below = self.baseline_of.control_share();
        for g in 0..n {
            let (by_control, by_active) = (slopes[g], slopes[n + g]);
            let by_alpha = by_control + by_active;
            let (by_w, by_hint) = match &self.baseline {
                Baseline::Exchangeable(_) => {
                    let child = &cells.alpha_children[g];
                    log_density -= 0.5 * child.e * child.e;
                    child.pull(&cells.baseline, by_alpha, &mut baseline_adjoint)
                }
                Baseline::Independent { prior } => {
                    let (value, slope) = prior.at(cells.alpha[g]);
                    log_density += value;
                    let of_cuts = cells.levels.as_ref().map_or(0.0, |levels| levels.by_base[g]);
                    let by_alpha = by_alpha + slope + of_cuts;
                    (self.given_effect[g].sd * by_alpha, by_alpha)
                }
            };
            gradient[self.w + g] = by_w;
            // Through both arms, and through the hint by which α was placed.
            let by_arms = (1.0 - below) * by_active - below * by_control;
            let by_theta = by_arms + by_hint * cells.hint_by_theta[g];
            let level = effects.level_of(g);
            match self.z {
                Some(z) => {
                    let child = &cells.theta_children[g];
                    log_density -= 0.5 * child.e * child.e;
                    gradient[z + g] = child.pull(&levels[level], by_theta, &mut adjoints[level]).0;
                }
                None => adjoints[level].location += by_theta,
            }
        }
        if self.z.is_some() {
            log_density += half_log_product(cells.theta_children.iter().map(Child::rho));
        }
        if let Baseline::Exchangeable(placed) = &self.baseline {
            let at = &cells.baseline;
            baseline_adjoint.location += cells.levels.as_ref().map_or(0.0, |levels| levels.by_base[0]);
            log_density += at.log_density + half_log_product(cells.alpha_children.iter().map(Child::rho));
            placed.store(at.gradient(baseline_adjoint), gradient);
        }
        log_density
    }

    /// The log likelihood at the cells' log odds, with the priors of what stands beside them; leaves the slopes by the former.
    fn likelihood_at(
        &self,
        (x, slopes): (&[f64], &mut [f64]),
        terms: (&Option<Terms>, &mut Option<TermsScratch>),
        q: &[f64],
        gradient: &mut [f64],
    ) -> f64 {
        match terms {
            (Some(terms), Some(scratch)) => terms.log_density(x, q, slopes, gradient, scratch),
            _ => log_likelihood_of_cells(x, &self.events, &self.totals, slopes),
        }
    }

    /// The log likelihood of levels with the priors of cut points; leaves the slopes by the log odds that are asked for.
    fn levels_density(
        &self,
        (between, levels): (Option<&Between>, &LevelsDensity),
        q: &[f64],
        gradient: &mut [f64],
        scratch: &mut Scratch,
    ) -> f64 {
        let n = self.given_effect.len();
        let Scratch { cells, slopes, tapes, .. } = scratch;
        let CellsScratch { levels: Some(of_levels), terms, x, seen, alpha, baseline, .. } = cells else {
            return f64::NAN;
        };
        let mut log_priors = 0.0;
        if let Some(between) = between {
            for (g, tape) in tapes.iter_mut().enumerate() {
                [seen[g], seen[n + g]] = between.forward(g, [x[g], x[n + g]], q, tape, &mut log_priors);
            }
        }
        let typical = [baseline.location];
        let base = match &self.baseline {
            Baseline::Exchangeable(_) => typical.as_slice(),
            Baseline::Independent { .. } => alpha,
        };
        let at = if between.is_some() { &*seen } else { &*x };
        let log_likelihood = levels.log_density((at, base), q, slopes, gradient, (of_levels, terms));
        if let Some(between) = between {
            for (g, tape) in tapes.iter().enumerate() {
                let by_seen = [slopes[g], slopes[n + g]];
                [slopes[g], slopes[n + g]] = between.back(g, by_seen, tape, gradient);
            }
        }
        log_likelihood + log_priors
    }

    /// The cells' log likelihood where a bias stands between; leaves the slopes by the log odds that are asked for.
    fn seen_density(
        &self,
        (between, terms): (&Between, &Option<Terms>),
        q: &[f64],
        gradient: &mut [f64],
        scratch: &mut Scratch,
    ) -> f64 {
        let n = self.given_effect.len();
        let Scratch { cells, slopes, tapes, .. } = scratch;
        let mut log_priors = 0.0;
        for (g, tape) in tapes.iter_mut().enumerate() {
            let x = [cells.x[g], cells.x[n + g]];
            [cells.seen[g], cells.seen[n + g]] = between.forward(g, x, q, tape, &mut log_priors);
        }
        let log_likelihood =
            self.likelihood_at((&cells.seen, slopes), (terms, &mut cells.terms), q, gradient);
        for (g, tape) in tapes.iter().enumerate() {
            let by_seen = [slopes[g], slopes[n + g]];
            [slopes[g], slopes[n + g]] = between.back(g, by_seen, tape, gradient);
        }
        log_likelihood + log_priors
    }
}
