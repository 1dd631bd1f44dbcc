//! One pass over rows for the log likelihood and its gradient: the sampler spends its time here.
//!
//! The mathematics is that of one row, written over lanes so that the compiler turns it into vector instructions,
//! compiled for each width of them. Loops count places: several columns zipped are calls that are not always inlined.

use std::ops::Range;

use super::between::{self, Odds, Room};
use crate::numeric::{
    compiled_for_each, exp_of_nonpositive_fused, exp_within_range_fused, ln_1p_of_fraction, ln_of_normal,
};

/// Rows that are taken at once. Sections of rows are padded to a multiple of it with rows that weigh nothing.
pub const LANES: usize = 16;

/// Rows whose risks are kept between the two halves of the pass: they stay in the nearest cache.
pub const BLOCK: usize = 256;

/// Rows of one subgroup and arm, one after another.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// Which cell: control arms by subgroup, then active arms. Of a layout whose rows name their cells, any.
    pub cell: usize,
    /// The other cell of rows that lie between two.
    pub beside: usize,
    /// Of the rows, padding included; both ends are multiples of [`LANES`].
    pub rows: Range<usize>,
    /// The rows up to here are one patient each, so that their logarithms can be taken of products.
    pub single_until: usize,
}

impl Section {
    /// Whether the rows are of subgroup `g`.
    #[inline]
    pub fn is_of(&self, g: usize, subgroups: usize) -> bool {
        self.cell == g || self.cell == subgroups + g
    }
}

/// Columns of all rows; the sections lie one after another.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Layout {
    pub sections: Vec<Section>,
    /// Sections that are summed together, apart from others: the order of sums is the same however many work at them.
    pub tasks: Vec<Range<usize>>,
    /// Patients of each row, padding 0.
    pub totals: Vec<f64>,
    /// One column a covariate, each as long as `totals`.
    pub columns: Vec<Vec<f64>>,
    /// The centre of each row; empty where there are none.
    pub centre: Vec<u32>,
    /// The cell of each row where sections are not of one cell each: many small cells, for which sections would be padding for the
    /// most part. Empty elsewhere.
    pub cells: Vec<u32>,
    /// The other cell of each row, where rows name their cells and lie between two.
    pub beside: Vec<u32>,
    /// Whether every row lies between two cells: an event of one and none of the other.
    pub between: bool,
}

/// Where the predictor's parts stand: of cells, of covariates, of centres.
#[derive(Debug, Clone, Copy)]
pub struct Predictor<'a> {
    pub cells: &'a [f64],
    pub gamma: &'a [f64],
    pub centres: &'a [f64],
}

/// `Σ n p` by cell, `Σ n p x` by covariate, `Σ n p` by centre; added to.
#[derive(Debug)]
pub struct Expected<'a> {
    pub cells: &'a mut [f64],
    pub gamma: &'a mut [f64],
    pub centres: &'a mut [f64],
}

/// Log odds beyond it are as good as certain: e^−150 is far below the last digit.
pub const LARGEST_LOG_ODDS: f64 = 150.0;

compiled_for_each! {
    /// `Σ n ln(1 + e^η)` over the sections, and what is expected there; `odds` are the cells' where rows lie between two, which take
    /// room that is made when it is first needed.
    pub fn pass(
        layout: &Layout,
        sections: Range<usize>,
        at_and_odds: (Predictor<'_>, &Odds),
        room: &mut Option<Box<Room>>,
        expected: &mut Expected<'_>,
    ) -> f64 = over_sections;

    /// The cells' odds at these log odds.
    pub fn place_odds(odds: &mut Odds, cells: &[f64]) -> () = place;

    /// `Σ n p₀` and `Σ n p₁` over a section's rows, with log odds `control` and `control + effect` beside the covariates'.
    pub fn risks(
        layout: &Layout,
        section: &Section,
        control_and_effect: (f64, f64),
        at: Predictor<'_>,
    ) -> [f64; 2] = over_risks;

    /// The same at every cut of an ordinal outcome, from the arms' inverse odds e^−x at each cut; added to the sums. What the room
    /// holds does not matter.
    pub fn risks_by_cut(
        layout: &Layout,
        section: &Section,
        inverse_odds: &[[f64; 2]],
        at: Predictor<'_>,
        room: &mut [[f64; BLOCK]; 2],
        sums: &mut [[f64; 2]],
    ) -> () = over_risks_by_cut;

    /// `Σ n ln(1 + e^η)` over one section at log odds `base` beside the covariates'.
    pub fn normaliser(layout: &Layout, section: &Section, base: f64, at: Predictor<'_>) -> f64 = over_normaliser;
}

pub type Lanes = [f64; LANES];

/// Lanes added in pairs, halves first.
#[inline(always)]
pub fn total(mut lanes: Lanes) -> f64 {
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            lanes[i] += lanes[i + width];
        }
        width /= 2;
    }
    lanes[0]
}

/// η of a block of rows: what the cell has, the centres, and the covariates, four columns at a time.
#[inline(always)]
fn predictor(layout: &Layout, rows: Range<usize>, base: f64, at: Predictor<'_>, eta: &mut [f64]) {
    if layout.cells.is_empty() {
        eta.fill(base);
    } else {
        for (eta, &c) in eta.iter_mut().zip(&layout.cells[rows.clone()]) {
            *eta = at.cells[c as usize];
        }
    }
    add_terms(layout, rows, at, eta);
}

/// Adds what the centres and the covariates have.
#[inline(always)]
pub fn add_terms(layout: &Layout, rows: Range<usize>, at: Predictor<'_>, eta: &mut [f64]) {
    if !layout.centre.is_empty() {
        for (eta, &c) in eta.iter_mut().zip(&layout.centre[rows.clone()]) {
            *eta += at.centres[c as usize];
        }
    }
    let n = eta.len();
    let (fours, rest) = layout.columns.as_chunks::<4>();
    let (gammas, gamma_rest) = at.gamma.as_chunks::<4>();
    for ([a, b, c, d], gamma) in fours.iter().zip(gammas) {
        let (a, b) = (&a[rows.clone()][..n], &b[rows.clone()][..n]);
        let (c, d) = (&c[rows.clone()][..n], &d[rows.clone()][..n]);
        for i in 0..n {
            let near = gamma[1].mul_add(b[i], gamma[0].mul_add(a[i], eta[i]));
            eta[i] = gamma[3].mul_add(d[i], gamma[2].mul_add(c[i], near));
        }
    }
    for (column, gamma) in rest.iter().zip(gamma_rest) {
        let x = &column[rows.clone()][..n];
        for i in 0..n {
            eta[i] = gamma.mul_add(x[i], eta[i]);
        }
    }
}

#[inline(always)]
fn over_sections(
    layout: &Layout,
    sections: Range<usize>,
    (at, odds): (Predictor<'_>, &Odds),
    room: &mut Option<Box<Room>>,
    expected: &mut Expected<'_>,
) -> f64 {
    let mut value = 0.0;
    if layout.between {
        let room = room.get_or_insert_default();
        for section in &layout.sections[sections] {
            value += between::over_section(layout, section, (at, odds), room, expected);
        }
        return value;
    }
    let mut events = [0.0; BLOCK];
    for section in &layout.sections[sections] {
        let mut row = section.rows.start;
        while row < section.rows.end {
            let single = row < section.single_until;
            let end = if single { section.single_until } else { section.rows.end };
            let rows = row..(row + BLOCK).min(end);
            let base = at.cells.get(section.cell).copied().unwrap_or_default();
            let events = &mut events[..rows.len()];
            value += if single {
                single_patients(layout, rows.clone(), base, at, events)
            } else {
                several_patients(layout, rows.clone(), base, at, events)
            };
            gather(layout, rows.clone(), events, section.cell, expected);
            row = rows.end;
        }
    }
    value
}

/// Rows of one patient: `Σ ln(1 + e^η) = Σ max(η, 0) + ln Π (1 + e^−|η|)`, one logarithm a block, whose product of at most
/// 256 numbers up to 2 is within the range of numbers.
#[inline(always)]
fn single_patients(
    layout: &Layout,
    rows: Range<usize>,
    base: f64,
    at: Predictor<'_>,
    events: &mut [f64],
) -> f64 {
    let mut odds = [0.0; BLOCK];
    let odds = &mut odds[..events.len()];
    predictor(layout, rows, base, at, odds);
    let mut positive = [0.0; LANES];
    for eta in odds.as_chunks::<LANES>().0 {
        for i in 0..LANES {
            positive[i] += if eta[i] > 0.0 { eta[i] } else { 0.0 };
        }
    }
    // One loop over the block, from η to 1 + e^−|η|: vectors of any width, nothing kept between rows.
    for (eta, events) in odds.iter_mut().zip(events.iter_mut()) {
        let e = exp_of_nonpositive_fused(-eta.abs());
        let whole = 1.0 + e;
        let near_one = 1.0 / whole;
        *events = if *eta >= 0.0 { near_one } else { e * near_one };
        *eta = whole;
    }
    let mut product = [1.0; LANES];
    for whole in odds.as_chunks::<LANES>().0 {
        for i in 0..LANES {
            product[i] *= whole[i];
        }
    }
    let mut all = 1.0;
    for factor in product {
        all *= factor;
    }
    total(positive) + ln_of_normal(all)
}

/// Rows of any number of patients, none included.
#[inline(always)]
fn several_patients(
    layout: &Layout,
    rows: Range<usize>,
    base: f64,
    at: Predictor<'_>,
    events: &mut [f64],
) -> f64 {
    let mut values = [0.0; BLOCK];
    let values = &mut values[..events.len()];
    predictor(layout, rows.clone(), base, at, values);
    for ((value, events), n) in values.iter_mut().zip(events.iter_mut()).zip(&layout.totals[rows]) {
        let eta = *value;
        let e = exp_of_nonpositive_fused(-eta.abs());
        let near_one = 1.0 / (1.0 + e);
        let positive = if eta > 0.0 { eta } else { 0.0 };
        *value = n * (positive + ln_1p_of_fraction(e));
        *events = n * if eta >= 0.0 { near_one } else { e * near_one };
    }
    let mut sum = [0.0; LANES];
    for lanes in values.as_chunks::<LANES>().0 {
        for i in 0..LANES {
            sum[i] += lanes[i];
        }
    }
    total(sum)
}

/// Adds a block's expected events to those of its cell, of every covariate and of the centres.
#[inline(always)]
fn gather(layout: &Layout, rows: Range<usize>, events: &[f64], cell: usize, expected: &mut Expected<'_>) {
    if layout.cells.is_empty() {
        gather_cell(events, cell, expected);
    } else {
        for (&c, e) in layout.cells[rows.clone()].iter().zip(events) {
            expected.cells[c as usize] += e;
        }
    }
    gather_terms(layout, rows, events, expected);
}

/// Adds them to those of a cell, if it is one.
#[inline(always)]
pub fn gather_cell(events: &[f64], cell: usize, expected: &mut Expected<'_>) {
    let Some(slot) = expected.cells.get_mut(cell) else { return };
    let mut sum = [0.0; LANES];
    for lanes in events.as_chunks::<LANES>().0 {
        for i in 0..LANES {
            sum[i] += lanes[i];
        }
    }
    *slot += total(sum);
}

/// Adds them to those of every covariate and of the centres.
#[inline(always)]
pub fn gather_terms(layout: &Layout, rows: Range<usize>, events: &[f64], expected: &mut Expected<'_>) {
    let (events, _) = events.as_chunks::<LANES>();
    let (pairs, rest) = layout.columns.as_chunks::<2>();
    let (slots, slot_rest) = expected.gamma.as_chunks_mut::<2>();
    for (slots, columns) in slots.iter_mut().zip(pairs) {
        let n = events.len();
        let a = &columns[0][rows.clone()].as_chunks::<LANES>().0[..n];
        let b = &columns[1][rows.clone()].as_chunks::<LANES>().0[..n];
        let mut sums = [[0.0; LANES]; 2];
        for (k, lanes) in events.iter().enumerate() {
            for i in 0..LANES {
                sums[0][i] = lanes[i].mul_add(a[k][i], sums[0][i]);
                sums[1][i] = lanes[i].mul_add(b[k][i], sums[1][i]);
            }
        }
        slots[0] += total(sums[0]);
        slots[1] += total(sums[1]);
    }
    for (slot, column) in slot_rest.iter_mut().zip(rest) {
        let mut sum = [0.0; LANES];
        for (lanes, x) in events.iter().zip(column[rows.clone()].as_chunks::<LANES>().0) {
            for i in 0..LANES {
                sum[i] = lanes[i].mul_add(x[i], sum[i]);
            }
        }
        *slot += total(sum);
    }
    if !layout.centre.is_empty() {
        for (&c, e) in layout.centre[rows].iter().zip(events.as_flattened()) {
            expected.centres[c as usize] += e;
        }
    }
}

#[inline(always)]
fn over_normaliser(layout: &Layout, section: &Section, base: f64, at: Predictor<'_>) -> f64 {
    let mut value = 0.0;
    let mut events = [0.0; BLOCK];
    let mut row = section.rows.start;
    while row < section.rows.end {
        let single = row < section.single_until;
        let end = if single { section.single_until } else { section.rows.end };
        let rows = row..(row + BLOCK).min(end);
        let events = &mut events[..rows.len()];
        value += if single {
            single_patients(layout, rows.clone(), base, at, events)
        } else {
            several_patients(layout, rows.clone(), base, at, events)
        };
        row = rows.end;
    }
    value
}

/// `p₀ = 1/(1 + t)` and `p₁ = 1/(1 + t e^−θ)` with `t = e^−η`: one exponential for both.
#[inline(always)]
fn over_risks(
    layout: &Layout,
    section: &Section,
    (control, effect): (f64, f64),
    at: Predictor<'_>,
) -> [f64; 2] {
    let odds_ratio = libm::exp(-effect);
    let mut sums = [[0.0; LANES]; 2];
    let mut eta = [0.0; BLOCK];
    let mut row = section.rows.start;
    while row < section.rows.end {
        let rows = row..(row + BLOCK).min(section.rows.end);
        row = rows.end;
        let eta = &mut eta[..rows.len()];
        predictor(layout, rows.clone(), control, at, eta);
        let (totals, _) = layout.totals[rows].as_chunks::<LANES>();
        for (eta, n) in eta.as_chunks::<LANES>().0.iter().zip(totals) {
            for i in 0..LANES {
                let t = exp_within_range_fused(-eta[i]);
                sums[0][i] += n[i] / (1.0 + t);
                sums[1][i] += n[i] / (1.0 + t * odds_ratio);
            }
        }
    }
    [total(sums[0]), total(sums[1])]
}

/// One exponential a row serves all cuts and both arms.
#[inline(always)]
fn over_risks_by_cut(
    layout: &Layout,
    section: &Section,
    inverse_odds: &[[f64; 2]],
    at: Predictor<'_>,
    room: &mut [[f64; BLOCK]; 2],
    sums: &mut [[f64; 2]],
) {
    let mut row = section.rows.start;
    while row < section.rows.end {
        let rows = row..(row + BLOCK).min(section.rows.end);
        row = rows.end;
        let [inverse, risks] = room;
        let (inverse, risks) = (&mut inverse[..rows.len()], &mut risks[..rows.len()]);
        predictor(layout, rows.clone(), 0.0, at, inverse);
        for x in inverse.iter_mut() {
            *x = exp_within_range_fused(-x.clamp(-LARGEST_LOG_ODDS, LARGEST_LOG_ODDS));
        }
        let totals = &layout.totals[rows];
        let n = risks.len();
        let (inverse, totals) = (&inverse[..n], &totals[..n]);
        // One loop over the block for the risks, another for their sum: in one the compiler makes vectors of two.
        for (sum, odds) in sums.as_flattened_mut().iter_mut().zip(inverse_odds.as_flattened()) {
            for i in 0..n {
                risks[i] = totals[i] / inverse[i].mul_add(*odds, 1.0);
            }
            let mut lanes = [0.0; LANES];
            for risks in risks.as_chunks::<LANES>().0 {
                for i in 0..LANES {
                    lanes[i] += risks[i];
                }
            }
            *sum += total(lanes);
        }
    }
}

#[inline(always)]
fn place(odds: &mut Odds, cells: &[f64]) {
    odds.place(cells);
}
