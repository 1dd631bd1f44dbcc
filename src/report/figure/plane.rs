//! The benefit–harm plane: risk differences in two outcomes against each other.

use super::super::records::{Records, record};
use super::axis::{Axis, plain_label};
use super::legend::{self, Entry};
use super::svg::{Anchor, Canvas, Ink, Stroke, TEXT};
use super::{Figure, better_with};
use crate::study::Assignment;

/// A risk difference per 1,000 patients, in favour of the active arm above 0: median and 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gain {
    pub median: f64,
    pub low: f64,
    pub high: f64,
}

/// One population on both axes.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    pub population: String,
    pub across: Gain,
    pub up: Gain,
}

const WIDTH: f64 = 760.0;
const ACROSS: (f64, f64) = (80.0, 530.0);
const DOWN: (f64, f64) = (356.0, 30.0);

record! {
    /// One population on one axis.
    Row { population, axis, outcome, median, low, high }
}

/// A cross a population: dots at the medians, arms as far as the intervals. `names` are those of the outcomes across and
/// upwards; `balance` is how many of the one upwards are worth one across, where both have values.
pub fn plane(
    (statements, name): (Vec<String>, &str),
    names: [&str; 2],
    ([active, control], assignment): ([&str; 2], Assignment),
    points: &[Point],
    balance: Option<f64>,
) -> Figure {
    let reach = |of: fn(&Point) -> Gain| {
        let all = points.iter().map(of).flat_map(|g| [g.low.abs(), g.high.abs()]);
        1.08 * all.fold(1.0, f64::max)
    };
    let (right, top) = (reach(|p| p.across), reach(|p| p.up));
    let x = Axis::linear((-right, right), ACROSS);
    let y = Axis::linear((-top, top), DOWN);
    let mut canvas = Canvas::new(WIDTH, 410.0);
    let (middle, size) = ((x.at(0.0), y.at(0.0)), (0.5 * (ACROSS.1 - ACROSS.0), 0.5 * (DOWN.0 - DOWN.1)));
    canvas.rect((middle.0, DOWN.1), size, Ink::First, 0.08);
    canvas.rect((ACROSS.0, middle.1), size, Ink::Second, 0.08);
    y.draw_left(&mut canvas, ACROSS, 6, plain_label);
    canvas.line((middle.0, DOWN.1), (middle.0, DOWN.0), Ink::Faint, 1.0, Stroke::Solid);
    canvas.line((ACROSS.0, middle.1), (ACROSS.1, middle.1), Ink::Faint, 1.0, Stroke::Solid);
    canvas.text(
        (ACROSS.1 - 6.0, DOWN.1 + 16.0),
        &format!("{} in both", better_with(assignment, active)),
        Anchor::End,
        TEXT - 1.0,
        Ink::Text,
    );
    canvas.text(
        (ACROSS.0 + 6.0, DOWN.0 - 8.0),
        &format!("{} in both", better_with(assignment, control)),
        Anchor::Start,
        TEXT - 1.0,
        Ink::Text,
    );
    if let Some(worth) = balance.filter(|w| *w > 0.0) {
        // Along it what is gained in one is lost in the other.
        let end = right.min(top / worth);
        let ends = [(-end, worth * end), (end, -worth * end)].map(|(a, b)| (x.at(a), y.at(b)));
        canvas.line(ends[0], ends[1], Ink::Text, 1.2, Stroke::Dashed);
    }
    let mut entries = Vec::new();
    for (k, p) in points.iter().enumerate() {
        let (ink, stroke) = (Ink::of_curve(k), Stroke::of_curve(k));
        let centre = (x.at(p.across.median), y.at(p.up.median));
        canvas.line((x.at(p.across.low), centre.1), (x.at(p.across.high), centre.1), ink, 2.0, stroke);
        canvas.line((centre.0, y.at(p.up.low)), (centre.0, y.at(p.up.high)), ink, 2.0, stroke);
        canvas.dot(centre, 5.0, ink, true);
        entries.push(Entry { label: &p.population, ink, stroke, width: 2.0, dotted: true });
    }
    if balance.is_some() {
        let label = "the stated values balance";
        entries.push(Entry { label, ink: Ink::Text, stroke: Stroke::Dashed, width: 1.2, dotted: false });
    }
    legend::draw(&mut canvas, [ACROSS.1, WIDTH], DOWN.1 + 8.0, &entries);
    let title = |outcome: &str| match assignment {
        Assignment::Randomised => format!("In favour of {active}, per 1,000: {outcome}"),
        Assignment::Observational => format!("Better with {active}, per 1,000: {outcome}"),
    };
    x.draw_below(&mut canvas, DOWN.0, 6, plain_label, &title(names[0]));
    canvas.text((14.0, 18.0), &title(names[1]), Anchor::Start, TEXT, Ink::Text);
    let rows = points.iter().flat_map(|p| {
        [("across", names[0], p.across), ("up", names[1], p.up)].map(|(axis, outcome, g)| Row {
            population: (&p.population).into(),
            axis: axis.into(),
            outcome: outcome.into(),
            median: g.median.into(),
            low: g.low.into(),
            high: g.high.into(),
        })
    });
    let data = Records::of(rows);
    let words = [
        format!("Benefit against harm: {} and {}", names[1], names[0]),
        format!(
            "Risk differences per 1,000 patients, in favour of {active} above 0 and of {control} below, medians with 95 % intervals. The two were fitted apart: the arms of a cross say nothing of how the outcomes are correlated."
        ),
    ];
    Figure::beside(statements, name, words, canvas, data)
}
