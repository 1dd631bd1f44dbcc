//! Rows without their coefficients and intercepts: what is left of the likelihood is a curve over each cell's log odds.
//!
//! Coefficients and intercepts are held where the pilot has them, and what is not known of them is added to each subgroup's
//! effect as a normal shift, with the variance that they add to its log odds ratio. What this leaves out is that the shifts of
//! two subgroups are correlated, and that coefficients move a little with the priors of the effects.

use std::sync::Arc;

use super::{Arm, BinomialPair, Rows, kernel};
use crate::model::seen::View;
use crate::numeric::Peak;
use crate::study::{LocationPrior, Nuisance};

/// A shift of a smaller standard deviation than this part of the effect's own error changes no digit.
const SMALL: f64 = 1e-4;

impl Rows {
    /// Counts whose arms' likelihoods are curves that the rows give, with coefficients and intercepts fixed at their estimates.
    pub fn integrated(&self) -> Vec<BinomialPair> {
        let curves =
            self.curves.0.get_or_init(|| (0..2 * self.subgroups).map(|cell| self.curve(cell)).collect());
        let pair = |(g, counts): (usize, BinomialPair)| {
            let [control, active] = [&curves[g], &curves[self.subgroups + g]];
            let (added, all) = (self.pilot.added_variances[g], self.pilot.effect_variances[g]);
            let shifted = added > SMALL * SMALL * all.min(1e3);
            let shift = Nuisance::Location(LocationPrior::normal(0.0, added.sqrt()));
            let active = Arc::new(if shifted {
                View::clone(active).with_shift(Some(&shift))
            } else {
                View::clone(active)
            });
            counts.by_curves([Arc::clone(control), active])
        };
        self.counts().into_iter().enumerate().map(pair).collect()
    }

    /// One cell's log likelihood over its log odds.
    fn curve(&self, cell: usize) -> Arc<View> {
        let sections: Vec<_> = self.layout.sections.iter().filter(|s| s.cell == cell).collect();
        if sections.is_empty() {
            return Arc::new(View::Plain(Arm { events: 0.0, total: 0.0 }));
        }
        let information = self.pilot.cell_information[cell].max(0.25);
        let peak = Peak { centre: self.pilot.cells[cell], sd: 1.0 / information.sqrt() };
        let at = kernel::Predictor { cells: &[], gamma: &self.pilot.gamma, centres: &self.pilot.centres };
        let normaliser = |x: f64| {
            sections
                .iter()
                .map(|s| kernel::normaliser(self.instructions, &self.layout, s, x, at))
                .sum::<f64>()
        };
        let value = |x: f64| self.events[cell] * x - normaliser(x);
        Arc::new(crate::model::seen::tabulated(peak, 0.0, value))
    }

    /// Rough log odds ratios with their standard errors, by subgroup. A cell without events, or with nothing but events, has
    /// them by a weak prior of its log odds.
    pub fn rough_effects(&self) -> Vec<(f64, f64)> {
        let pilot = &self.pilot;
        let effect = |g: usize| {
            let estimate = pilot.cells[self.subgroups + g] - pilot.cells[g];
            (estimate, pilot.rough_variances[g].sqrt())
        };
        (0..self.subgroups).map(effect).collect()
    }
}
