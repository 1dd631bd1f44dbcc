//! Rows of patients with ordered levels: each lies between two cuts, an event of the lower one's cell and none of the upper one's.
//!
//! Both cells have the row's xᵀγ in common, so that one exponential serves both:
//!
//! ```text
//! e^(b + s) = e^b e^s     b the cell's log odds, s = xᵀγ + u
//! ```

use std::ops::Range;

use super::kernel::{
    BLOCK, Expected, LANES, Lanes, Layout, Predictor, Section, add_terms, gather_cell, gather_terms, total,
};
use crate::numeric::{exp_within_range_fused, ln_of_normal};

/// Log odds beyond it count as it, so that a product of two odds is a number.
const LARGEST: f64 = 350.0;

/// The log odds of every cell with their exponentials, and at the end a cell for what is beyond the outermost cuts, which no
/// patient leaves.
#[derive(Debug, Clone, Default)]
pub struct Odds {
    log: Vec<f64>,
    odds: Vec<f64>,
    inverse: Vec<f64>,
}

/// One cell's.
#[derive(Clone, Copy)]
struct Point {
    log: f64,
    odds: f64,
    inverse: f64,
}

impl Odds {
    /// Room for so many cells.
    pub fn of(cells: usize) -> Odds {
        let ended = |end: f64| {
            let mut all = vec![0.0; cells];
            all.push(end);
            all
        };
        Odds { log: ended(f64::NEG_INFINITY), odds: ended(0.0), inverse: ended(f64::INFINITY) }
    }

    /// The exponentials of these log odds.
    #[inline(always)]
    pub fn place(&mut self, cells: &[f64]) {
        self.log[..cells.len()].copy_from_slice(cells);
        let both = self.odds.iter_mut().zip(&mut self.inverse);
        for ((odds, inverse), x) in both.zip(cells) {
            let x = x.clamp(-LARGEST, LARGEST);
            *odds = exp_within_range_fused(x);
            *inverse = exp_within_range_fused(-x);
        }
    }

    #[inline(always)]
    fn at(&self, cell: usize) -> Point {
        Point { log: self.log[cell], odds: self.odds[cell], inverse: self.inverse[cell] }
    }
}

/// What is kept of a block between its steps.
#[derive(Debug, Clone)]
pub struct Room {
    /// Where rows name their cells, what both have.
    cells: [[[f64; BLOCK]; 3]; 2],
    block: Block,
}

#[derive(Debug, Clone)]
struct Block {
    /// s, e^s and e^−s.
    terms: [f64; BLOCK],
    odds: [f64; BLOCK],
    inverse: [f64; BLOCK],
    /// `Π (1 + e^−|η|)` and `Σ max(η, 0)` over both cells.
    whole: [f64; BLOCK],
    positive: [f64; BLOCK],
    /// Expected events in either cell.
    events: [[f64; BLOCK]; 2],
}

impl Default for Room {
    /// Nothing in it.
    fn default() -> Room {
        const NONE: [f64; BLOCK] = [0.0; BLOCK];
        let block =
            Block { terms: NONE, odds: NONE, inverse: NONE, whole: NONE, positive: NONE, events: [NONE; 2] };
        Room { cells: [[NONE; 3]; 2], block }
    }
}

/// `Σ n (ln(1 + e^η) + ln(1 + e^η′))` over a section, and what is expected there.
#[inline(always)]
pub fn over_section(
    layout: &Layout,
    section: &Section,
    (at, odds): (Predictor<'_>, &Odds),
    room: &mut Room,
    expected: &mut Expected<'_>,
) -> f64 {
    let mut value = 0.0;
    let mut row = section.rows.start;
    while row < section.rows.end {
        let single = row < section.single_until;
        let end = if single { section.single_until } else { section.rows.end };
        let rows = row..(row + BLOCK).min(end);
        row = rows.end;
        value += over_block(layout, (section, rows, single), (at, odds), room, expected);
    }
    value
}

#[inline(always)]
fn over_block(
    layout: &Layout,
    (section, rows, single): (&Section, Range<usize>, bool),
    (at, odds): (Predictor<'_>, &Odds),
    Room { cells, block: room }: &mut Room,
    expected: &mut Expected<'_>,
) -> f64 {
    let n = rows.len();
    let terms = &mut room.terms[..n];
    terms.fill(0.0);
    add_terms(layout, rows.clone(), at, terms);
    let (odds_of_terms, inverse) = (&mut room.odds[..n], &mut room.inverse[..n]);
    for i in 0..n {
        odds_of_terms[i] = exp_within_range_fused(terms[i].clamp(-LARGEST, LARGEST));
        inverse[i] = 1.0 / odds_of_terms[i];
    }
    let named = !layout.cells.is_empty();
    let of_rows = || [&layout.cells[rows.clone()], &layout.beside[rows.clone()]];
    if named {
        for ([logs, all, inverses], of_rows) in cells.iter_mut().zip(of_rows()) {
            for (i, &c) in of_rows.iter().enumerate() {
                let Point { log, odds, inverse } = odds.at(c as usize);
                (logs[i], all[i], inverses[i]) = (log, odds, inverse);
            }
        }
        let point =
            |of: &[[f64; BLOCK]; 3], i: usize| Point { log: of[0][i], odds: of[1][i], inverse: of[2][i] };
        both_sides(room, n, |i| (point(&cells[0], i), point(&cells[1], i)));
    } else {
        let points = (odds.at(section.cell), odds.at(section.beside));
        both_sides(room, n, |_| points);
    }
    let totals = &layout.totals[rows.clone()];
    let value = if single {
        of_single(&room.whole[..n], &room.positive[..n])
    } else {
        for events in &mut room.events {
            events.iter_mut().zip(totals).for_each(|(events, n)| *events *= n);
        }
        of_several(&mut room.whole[..n], &room.positive[..n], totals)
    };
    let [lower, upper] = &mut room.events;
    let (lower, upper) = (&mut lower[..n], &mut upper[..n]);
    if named {
        for (events, cells) in [&*lower, &*upper].into_iter().zip(of_rows()) {
            for (e, &c) in events.iter().zip(cells) {
                if let Some(slot) = expected.cells.get_mut(c as usize) {
                    *slot += e;
                }
            }
        }
    } else {
        gather_cell(lower, section.cell, expected);
        gather_cell(upper, section.beside, expected);
    }
    lower.iter_mut().zip(upper).for_each(|(both, upper)| *both += *upper);
    gather_terms(layout, rows, lower, expected);
    value
}

/// Both cells of the first `n` rows of a block.
#[inline(always)]
fn both_sides(room: &mut Block, n: usize, cells: impl Fn(usize) -> (Point, Point)) {
    let [lower, upper] = &mut room.events;
    for i in 0..n.min(BLOCK) {
        let s = (room.terms[i], room.odds[i], room.inverse[i]);
        let (below, above) = cells(i);
        let (of_lower, of_upper) = (side(below, s), side(above, s));
        room.whole[i] = of_lower.whole * of_upper.whole;
        room.positive[i] = of_lower.positive + of_upper.positive;
        (lower[i], upper[i]) = (of_lower.risk, of_upper.risk);
    }
}

/// A row's 1 + e^−|η|, max(η, 0) and risk in one of its cells.
struct Side {
    whole: f64,
    positive: f64,
    risk: f64,
}

#[inline(always)]
fn side(cell: Point, (s, odds, inverse): (f64, f64, f64)) -> Side {
    let (up, down) = (odds * cell.odds, inverse * cell.inverse);
    let near = if up < down { up } else { down };
    let whole = 1.0 + near;
    let share = 1.0 / whole;
    let eta = cell.log + s;
    Side {
        whole,
        positive: if eta > 0.0 { eta } else { 0.0 },
        risk: if up < down { near * share } else { share },
    }
}

/// Of one patient each: one logarithm a block, whose product of at most 512 numbers up to 2 is within the range of numbers.
#[inline(always)]
fn of_single(whole: &[f64], positive: &[f64]) -> f64 {
    let (mut product, mut sum): (Lanes, Lanes) = ([1.0; LANES], [0.0; LANES]);
    for whole in whole.as_chunks::<LANES>().0 {
        for i in 0..LANES {
            product[i] *= whole[i];
        }
    }
    for positive in positive.as_chunks::<LANES>().0 {
        for i in 0..LANES {
            sum[i] += positive[i];
        }
    }
    let mut all = 1.0;
    for factor in product {
        all *= factor;
    }
    total(sum) + ln_of_normal(all)
}

#[inline(always)]
fn of_several(whole: &mut [f64], positive: &[f64], totals: &[f64]) -> f64 {
    for ((whole, positive), n) in whole.iter_mut().zip(positive).zip(totals) {
        *whole = n * (positive + ln_of_normal(*whole));
    }
    let mut sum = [0.0; LANES];
    for lanes in whole.as_chunks::<LANES>().0 {
        for i in 0..LANES {
            sum[i] += lanes[i];
        }
    }
    total(sum)
}
