//! Rows of patients with covariates and centres: η = α_g + a θ_g + xᵀγ + u_c.
//!
//! ```text
//! study's patterns → layout (sections of one subgroup and arm) → kernel (value and gradient in one pass)
//!                  → pilot (what the rows say of every cell, roughly: where the sampler's coordinates are placed)
//! ```

mod between;
mod curves;
#[allow(unsafe_code, reason = "vector instructions that the processor was asked for")]
mod kernel;
mod layout;
mod pilot;
mod terms;

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use rand_chacha::ChaCha8Rng;
use rand_distr::{Binomial, Distribution};
use rayon::prelude::*;

use super::prior_slope::LocationSlope;
use super::seen::View;
use super::{Arm, BinomialPair};
use crate::numeric::Instructions;
use crate::numeric::{logistic, logit};
use crate::study::{Adjustment, HeterogeneityPrior, LocationPrior, MOST_LEVELS, Patterns, Population};
use between::{Odds, Room};
use kernel::{Expected, LANES, Layout, Predictor, Section};
use pilot::Pilot;
pub use terms::{Scratch as TermsScratch, Terms};

/// Rows that one thread takes at a time: whole blocks of the kernel.
const TASK: usize = 16_384;
const _: () = assert!(TASK.is_multiple_of(kernel::BLOCK));

/// The likelihood of patients with covariates and centres, ready to be evaluated.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    /// How many subgroups there are.
    pub subgroups: usize,
    layout: Layout,
    /// `Σ y` by cell, `Σ y x` by covariate, `Σ y` by centre: all that the outcomes are needed for.
    events: Vec<f64>,
    events_by_gamma: Vec<f64>,
    events_by_centre: Vec<f64>,
    /// The priors of the coefficients γ, one per term, in log odds for one standard deviation.
    pub gamma_priors: Vec<LocationPrior>,
    /// The prior of the standard deviation of the centres' intercepts; none without centres.
    pub centre_sd: Option<HeterogeneityPrior>,
    /// The patients over whom risks are averaged.
    pub population: Population,
    /// How many patients risks are averaged over, by subgroup.
    pub population_sizes: Vec<f64>,
    pilot: Pilot,
    instructions: Instructions,
    /// Likelihoods of the cells without coefficients and intercepts; made when they are first asked for.
    curves: Curves,
}

/// Follow from the rest.
#[derive(Debug, Clone, Default)]
struct Curves(OnceLock<Vec<Arc<View>>>);

impl PartialEq for Curves {
    fn eq(&self, _: &Curves) -> bool {
        true
    }
}

/// Room for a task's blocks, made when it is first needed.
type Held = Option<Box<Room>>;

/// Working memory of [`Rows::log_likelihood`].
#[derive(Debug, Clone)]
pub struct Sums {
    width: usize,
    sums: Vec<f64>,
    odds: Odds,
    /// One a task.
    rooms: Vec<Held>,
    /// Whether the rows are shared out among threads.
    pub in_parallel: bool,
}

/// Slopes and curvature of a log likelihood.
#[derive(Debug, Clone)]
pub struct Curvature {
    /// Slopes by cell and by coefficient.
    pub by_cell: Vec<f64>,
    pub by_gamma: Vec<f64>,
    /// Σ n p (1 − p) by cell, with one factor of a covariate by cell and coefficient, and with two by pairs of coefficients, the
    /// second not after the first.
    pub weights: Vec<f64>,
    pub mixed: Vec<f64>,
    pub gamma: Vec<f64>,
}

/// The risks of one subgroup averaged over the declared patients: in the control arm and in the active arm.
pub type Standardised = [f64; 2];

impl Rows {
    /// The rows of an adjustment.
    pub fn new(adjustment: &Adjustment, subgroups: usize) -> Rows {
        let patterns = &adjustment.patterns;
        let centres = adjustment.centres.as_ref();
        let layout = Layout::new(patterns, subgroups, centres.is_some());
        let mut rows = Rows::unfitted(adjustment, subgroups, layout);
        rows.pilot = Pilot::fit(&rows);
        rows
    }

    /// The rows of an adjustment whose patterns have levels, in cells of subgroup and cut; what they say roughly is what `patients`
    /// say, whose levels are counted as above the primary cut or not.
    pub fn of_cuts(adjustment: &Adjustment, subgroups: usize, cuts: usize, patients: &Rows) -> Rows {
        let centres = adjustment.centres.is_some();
        let (patterns, cells) = (&adjustment.patterns, subgroups * cuts);
        let by_cut = patterns.by_cut(cuts);
        // Where many patients are alike their levels share a row at each cut.
        let layout = if by_cut.len() < patterns.len() {
            Layout::of_cells(&by_cut, cells, centres)
        } else {
            Layout::between(patterns, (subgroups, cuts), centres)
        };
        let by_cut = Adjustment { patterns: by_cut, ..adjustment.clone() };
        Rows { pilot: patients.pilot.clone(), ..Rows::unfitted(&by_cut, cells, layout) }
    }

    fn unfitted(adjustment: &Adjustment, subgroups: usize, layout: Layout) -> Rows {
        let (patterns, centres) = (&adjustment.patterns, adjustment.centres.as_ref());
        let mut rows = Rows {
            subgroups,
            layout,
            events: vec![0.0; 2 * subgroups],
            events_by_gamma: Vec::new(),
            events_by_centre: vec![0.0; centres.map_or(0, |c| c.names.len())],
            gamma_priors: adjustment.terms.iter().map(|t| t.prior.distribution.clone()).collect(),
            centre_sd: centres.map(|c| c.sd.distribution),
            population: adjustment.population,
            population_sizes: vec![0.0; subgroups],
            pilot: Pilot::default(),
            instructions: Instructions::best(),
            curves: Curves::default(),
        };
        rows.count(patterns);
        rows
    }

    /// The same patients with outcomes drawn at these log odds of the cells, coefficients and intercepts.
    #[must_use]
    pub fn with_drawn_outcomes(
        &self,
        cells: &[f64],
        (gamma, centres): (&[f64], &[f64]),
        rng: &mut ChaCha8Rng,
    ) -> Rows {
        let mut rows = self.clone();
        rows.events.fill(0.0);
        rows.events_by_gamma.fill(0.0);
        rows.events_by_centre.fill(0.0);
        for (cell, row) in self.each().filter(|(_, row)| self.layout.totals[*row] > 0.0) {
            let x = self.layout.columns.iter().zip(gamma).map(|(c, g)| c[row] * g);
            let centre = self.layout.centre.get(row).map(|&c| c as usize);
            let eta = cells[cell] + x.sum::<f64>() + centre.map_or(0.0, |c| centres[c]);
            let drawn = Binomial::new(self.layout.totals[row] as u64, logistic(eta));
            // A risk is never beyond 0 and 1.
            let events = drawn.map_or(0, |b| b.sample(rng)) as f64;
            rows.events[cell] += events;
            rows.events_by_gamma
                .iter_mut()
                .zip(&self.layout.columns)
                .for_each(|(s, c)| *s += events * c[row]);
            if let Some(c) = centre {
                rows.events_by_centre[c] += events;
            }
        }
        rows.pilot = Pilot::fit(&rows);
        rows.curves = Curves::default();
        rows
    }

    /// Events and patients of both arms, by subgroup.
    pub fn counts(&self) -> Vec<BinomialPair> {
        let mut totals = vec![0.0; 2 * self.subgroups];
        self.each().for_each(|(cell, row)| totals[cell] += self.layout.totals[row]);
        let arm = |cell: usize| Arm { events: self.events[cell], total: totals[cell] };
        (0..self.subgroups).map(|g| BinomialPair::new(arm(g), arm(self.subgroups + g))).collect()
    }

    /// Every k-th row, so that about `most` are left: enough to average risks over where draws are few or rough.
    /// Their outcomes are left out.
    #[must_use]
    pub fn thinned(&self, most: usize) -> Rows {
        let step = self.padded_rows().div_ceil(most).max(1);
        let mut layout = Layout { columns: vec![Vec::new(); self.terms()], ..Layout::default() };
        let mut sizes = vec![0.0; self.subgroups];
        for section in &self.layout.sections {
            let start = layout.totals.len();
            let active = section.cell >= self.subgroups;
            let kept = section.rows.clone().filter(|&row| self.layout.totals[row] > 0.0).step_by(step);
            for row in kept {
                layout.totals.push(self.layout.totals[row]);
                layout.columns.iter_mut().zip(&self.layout.columns).for_each(|(to, from)| to.push(from[row]));
                layout.centre.extend(self.layout.centre.get(row));
                if active || self.population != Population::Treated {
                    sizes[section.cell % self.subgroups] += self.layout.totals[row];
                }
            }
            let end = layout.totals.len().next_multiple_of(LANES);
            layout.totals.resize(end, 0.0);
            layout.columns.iter_mut().for_each(|c| c.resize(end, 0.0));
            if !self.layout.centre.is_empty() {
                layout.centre.resize(end, 0);
            }
            layout.sections.push(Section {
                rows: Range { start, end },
                single_until: start,
                ..section.clone()
            });
        }
        layout.share_out();
        Rows { layout, population_sizes: sizes, ..self.clone() }
    }

    /// The same rows evaluated by other vector instructions, so that these can be compared.
    #[must_use]
    pub fn by(&self, instructions: Instructions) -> Rows {
        Rows { instructions, ..self.clone() }
    }

    fn count(&mut self, patterns: &Patterns) {
        self.population_sizes.fill(0.0);
        for i in 0..patterns.len() {
            let g = patterns.subgroup[i] as usize;
            self.events[cell(g, patterns.is_active(i), self.subgroups)] += patterns.events[i];
            if self.population != Population::Treated || patterns.is_active(i) {
                self.population_sizes[g] += patterns.totals[i];
            }
        }
        for (&c, y) in patterns.centre.iter().zip(&patterns.events) {
            self.events_by_centre[c as usize] += y;
        }
        let sum = |x: &Vec<f64>| x.iter().zip(&patterns.events).map(|(x, y)| x * y).sum();
        self.events_by_gamma = patterns.columns.iter().map(sum).collect();
    }

    /// How many coefficients there are: one per column of the design.
    pub fn terms(&self) -> usize {
        self.gamma_priors.len()
    }

    /// How many centres there are.
    pub fn centres(&self) -> usize {
        self.events_by_centre.len()
    }

    /// How many rows are stored, including those that only pad vectors.
    pub fn padded_rows(&self) -> usize {
        self.layout.totals.len()
    }

    /// Rough estimates of every cell's log odds and their informations, control arms first.
    pub fn cell_hints(&self) -> (&[f64], &[f64]) {
        (&self.pilot.cells, &self.pilot.cell_information)
    }

    /// Rough estimates of every centre's intercept and their informations.
    pub fn centre_hints(&self) -> (&[f64], &[f64]) {
        (&self.pilot.centre_estimates, &self.pilot.centre_information)
    }

    /// Rough estimates of the coefficients γ.
    pub fn rough_gamma(&self) -> &[f64] {
        &self.pilot.gamma
    }

    /// Whether the rough estimates converged: the data with weak priors have a single mode, and it was found.
    pub fn is_settled(&self) -> bool {
        self.pilot.settled && self.pilot.rough_variances.iter().all(|v| v.is_finite() && *v > 0.0)
    }

    /// A rough estimate of the standard deviation of the centres' intercepts.
    pub fn rough_centre_sd(&self) -> f64 {
        self.pilot.centre_sd
    }

    /// The variance of subgroup `g`'s own adjusted log odds ratio, with the other subgroups' effects free; infinite
    /// where an arm has no events or nothing but events.
    pub fn effect_variance(&self, g: usize) -> f64 {
        self.pilot.effect_variances[g]
    }

    /// The rows of an adjustment without rough estimates of them, by subgroup and arm, as risks are averaged over them.
    pub fn by_cell(adjustment: &Adjustment, subgroups: usize) -> Rows {
        let layout = Layout::new(&adjustment.patterns, subgroups, adjustment.centres.is_some());
        Rows::unfitted(adjustment, subgroups, layout)
    }

    /// The same rows for their likelihood alone, one after another where subgroups are many and small.
    pub fn of_many_cells(adjustment: &Adjustment, subgroups: usize) -> Rows {
        /// Rows of a cell from which beginning a section anew takes no time that matters.
        const MANY: usize = 16 * LANES;
        let centres = adjustment.centres.is_some();
        let layout = Layout::of_cells_with(MANY, &adjustment.patterns, subgroups, centres);
        Rows::unfitted(adjustment, subgroups, layout)
    }

    /// Slopes and curvature of the log likelihood at these log odds of the cells and coefficients, of rows without centres.
    pub fn curvature(&self, cells: &[f64], gamma: &[f64]) -> Curvature {
        let terms = gamma.len();
        let mut found = Curvature {
            by_cell: vec![0.0; cells.len()],
            by_gamma: vec![0.0; terms],
            weights: vec![0.0; cells.len()],
            mixed: vec![0.0; cells.len() * terms],
            gamma: vec![0.0; terms * terms],
        };
        let slopes = (&mut found.by_cell[..], &mut found.by_gamma[..], &mut [][..]);
        self.log_likelihood(cells, (gamma, &[]), slopes, &mut self.sums());
        let mut x = vec![0.0; terms];
        for (cell, row) in self.each().filter(|(_, row)| self.layout.totals[*row] > 0.0) {
            x.iter_mut().zip(&self.layout.columns).for_each(|(x, column)| *x = column[row]);
            let p = logistic(cells[cell] + x.iter().zip(gamma).map(|(x, g)| x * g).sum::<f64>());
            let weight = self.layout.totals[row] * p * (1.0 - p);
            found.weights[cell] += weight;
            let mixed = &mut found.mixed[cell * terms..(cell + 1) * terms];
            for (k, (mixed, own)) in mixed.iter_mut().zip(&x).enumerate() {
                *mixed += weight * own;
                let both = &mut found.gamma[k * terms..][..=k];
                both.iter_mut().zip(&x).for_each(|(sum, other)| *sum += weight * own * other);
            }
        }
        found
    }

    /// Working memory for [`Rows::log_likelihood`].
    pub fn sums(&self) -> Sums {
        let width = 1 + 2 * self.subgroups + self.terms() + self.centres();
        let odds = if self.layout.between { Odds::of(2 * self.subgroups) } else { Odds::default() };
        let tasks = self.layout.tasks.len();
        Sums {
            width,
            sums: vec![0.0; width * tasks],
            odds,
            rooms: vec![self.layout.between.then(Box::default); tasks],
            in_parallel: false,
        }
    }

    /// The log likelihood at these log odds of the cells, coefficients and intercepts, without binomial coefficients.
    /// The slopes by each of them are overwritten.
    pub fn log_likelihood(
        &self,
        cells: &[f64],
        (gamma, centres): (&[f64], &[f64]),
        slopes: (&mut [f64], &mut [f64], &mut [f64]),
        room: &mut Sums,
    ) -> f64 {
        let (by_cell, by_gamma, by_centre) = slopes;
        let at = Predictor { cells, gamma, centres };
        if self.layout.between {
            kernel::place_odds(self.instructions, &mut room.odds, cells);
        }
        let odds = &room.odds;
        let one = |((sums, room), task): ((&mut [f64], &mut Held), &Range<usize>)| {
            sums.fill(0.0);
            let (value, sums) = sums.split_at_mut(1);
            let (cells, sums) = sums.split_at_mut(cells.len());
            let (gamma, centres) = sums.split_at_mut(gamma.len());
            let mut expected = Expected { cells, gamma, centres };
            let at = (at, odds);
            value[0] = kernel::pass(self.instructions, &self.layout, task.clone(), at, room, &mut expected);
        };
        let tasks = &self.layout.tasks;
        if room.in_parallel && tasks.len() > 1 {
            room.sums.par_chunks_exact_mut(room.width).zip(&mut room.rooms).zip(tasks).for_each(one);
        } else {
            room.sums.chunks_exact_mut(room.width).zip(&mut room.rooms).zip(tasks).for_each(one);
        }
        by_cell.fill(0.0);
        by_gamma.fill(0.0);
        by_centre.fill(0.0);
        let mut normaliser = 0.0;
        for sums in room.sums.chunks_exact(room.width) {
            normaliser += sums[0];
            let (of_cells, rest) = sums[1..].split_at(by_cell.len());
            let (of_gamma, of_centres) = rest.split_at(by_gamma.len());
            add(by_cell, of_cells);
            add(by_gamma, of_gamma);
            add(by_centre, of_centres);
        }
        let mut linear = 0.0;
        let parts = [
            (cells, &self.events, by_cell),
            (gamma, &self.events_by_gamma, by_gamma),
            (centres, &self.events_by_centre, by_centre),
        ];
        for (x, events, slopes) in parts {
            let (events, slopes) = (&events[..x.len()], &mut slopes[..x.len()]);
            for i in 0..x.len() {
                linear += x[i] * events[i];
                slopes[i] = events[i] - slopes[i];
            }
        }
        linear - normaliser
    }

    /// Writes both risks of every subgroup, averaged over the declared patients, at these log odds of the control
    /// arms, effects θ, coefficients and intercepts.
    pub fn standardised(
        &self,
        (control, theta): (&[f64], &[f64]),
        (gamma, centres): (&[f64], &[f64]),
        out: &mut [Standardised],
    ) {
        let at = Predictor { cells: &[], gamma, centres };
        if let Population::BaselineRisk(p) = self.population {
            out.iter_mut().zip(theta).for_each(|(out, theta)| *out = [p, logistic(logit(p) + theta)]);
            return;
        }
        out.fill([0.0; 2]);
        for section in &self.layout.sections {
            let active = section.cell >= self.subgroups;
            if active || self.population == Population::All {
                let g = if active { section.cell - self.subgroups } else { section.cell };
                let base = (control[g], theta[g]);
                let risks = kernel::risks(self.instructions, &self.layout, section, base, at);
                out[g] = [out[g][0] + risks[0], out[g][1] + risks[1]];
            }
        }
        for (out, size) in out.iter_mut().zip(&self.population_sizes) {
            *out = [out[0] / size, out[1] / size];
        }
    }

    /// Writes both risks of every subgroup above every cut of an ordinal outcome, averaged over the declared patients: `arms` are
    /// the log odds of the control arm and of the active arm by subgroup and cut, and so is `out`.
    pub fn standardised_by_cut(
        &self,
        arms: &[[f64; 2]],
        (gamma, centres): (&[f64], &[f64]),
        out: &mut [Standardised],
    ) {
        let cuts = out.len() / self.subgroups;
        let at = Predictor { cells: &[], gamma, centres };
        let bounded = |x: &f64| x.clamp(-kernel::LARGEST_LOG_ODDS, kernel::LARGEST_LOG_ODDS);
        let mut inverse = [[0.0; 2]; MOST_LEVELS];
        let mut room = [[0.0; kernel::BLOCK]; 2];
        for (g, (arms, out)) in arms.chunks_exact(cuts).zip(out.chunks_exact_mut(cuts)).enumerate() {
            if let Population::BaselineRisk(_) = self.population {
                arms.iter().zip(out).for_each(|(x, out)| *out = x.each_ref().map(|x| logistic(*x)));
                continue;
            }
            for (to, [control, active]) in inverse.iter_mut().zip(arms) {
                *to = [libm::exp(-bounded(control)), libm::exp(-bounded(active))];
            }
            out.fill([0.0; 2]);
            for section in self.layout.sections.iter().filter(|s| s.is_of(g, self.subgroups)) {
                if section.cell >= self.subgroups || self.population == Population::All {
                    let odds = &inverse[..cuts];
                    kernel::risks_by_cut(self.instructions, &self.layout, section, odds, at, &mut room, out);
                }
            }
            for [control, active] in out {
                *control /= self.population_sizes[g];
                *active /= self.population_sizes[g];
            }
        }
    }

    /// Every row's cell and place in the layout, for those who go through rows one by one.
    fn each(&self) -> impl Iterator<Item = (usize, usize)> {
        let cells = &self.layout.cells;
        let of = move |s: &Section, row: usize| cells.get(row).map_or(s.cell, |cell| *cell as usize);
        self.layout.sections.iter().flat_map(move |s| s.rows.clone().map(move |row| (of(s, row), row)))
    }

    fn priors(&self) -> Vec<LocationSlope> {
        self.gamma_priors.iter().map(LocationSlope::of).collect()
    }
}

fn add(sums: &mut [f64], parts: &[f64]) {
    sums.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part);
}

/// A subgroup's arm among the cells: control arms first.
fn cell(g: usize, active: bool, subgroups: usize) -> usize {
    if active { subgroups + g } else { g }
}
