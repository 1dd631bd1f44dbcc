//! Figures as SVG, each with the table of numbers that it is drawn from. Colours are Okabe & Ito's, and lines differ in
//! style too.

mod axis;
mod balance;
mod beliefs;
mod chains;
mod curves;
mod cuts;
mod departure;
mod energy;
mod forest;
mod heat;
mod legend;
mod levels;
#[cfg(feature = "png")]
mod outlines;
mod overlap;
mod plane;
#[cfg(feature = "png")]
mod png;
mod predictive;
mod ranks;
mod shrinkage;
mod svg;
mod utility;

pub use balance::balance;
pub use beliefs::{beliefs, beliefs_by_prior};
pub use chains::chains;
pub use curves::{SizeCurve, heterogeneity, size_curves, thresholds};
pub use cuts::cuts;
pub use departure::departure;
pub use energy::energy;
pub use forest::forest;
pub use heat::{bias_surface, prior_grid};
pub use levels::levels;
pub use overlap::overlap;
pub use plane::{Gain, Point, plane};
#[cfg(feature = "png")]
pub use png::{png, uncovered};
pub use predictive::predictive;
pub use ranks::ranks;
pub use shrinkage::shrinkage;
pub use utility::utility;

use super::records::Records;
use crate::study::{Assignment, HigherIs, Study};
use svg::{Anchor, Canvas, Ink, TEXT, lines_within};

/// A picture with the numbers that it is drawn from.
#[derive(Debug, Clone)]
pub struct Figure {
    /// The name of its files without their ending, such as `forest-odds-ratio`.
    pub name: String,
    /// What stands above the drawing.
    pub title: String,
    /// What is seen and how it is to be read, in one or two sentences: its caption, and what a screen reader reads.
    pub caption: String,
    /// The drawing as an SVG document.
    pub svg: String,
    /// The numbers that are drawn, as a table.
    pub data: Records,
    /// What must stand beside its numbers, in sentences.
    pub statements: Vec<String>,
}

impl Figure {
    /// The drawing with what must stand beside it.
    fn new(study: &Study, name: &str, words: [String; 2], canvas: Canvas, data: Records) -> Figure {
        Figure::beside(study.statements(), name, words, canvas, data)
    }

    /// The drawing with statements of its own beside it, where it rests on several studies.
    fn beside(
        statements: Vec<String>,
        name: &str,
        [title, caption]: [String; 2],
        mut canvas: Canvas,
        data: Records,
    ) -> Figure {
        canvas.put_above(&title);
        canvas.put_below(&statements);
        let svg = canvas.finish(name, &title, &caption);
        Figure { name: name.to_string(), title, caption, svg, data, statements }
    }
}

/// Which side of no effect is better with which arm: below an axis, in lines that meet in its middle at most.
fn draw_sides(canvas: &mut Canvas, study: &Study, (left, right): (f64, f64), y: f64) {
    let half = 0.5 * (right - left) - 6.0;
    let both = sides(study).map(|side| lines_within(&side, half, TEXT - 1.0));
    for (lines, x, anchor) in [(&both[0], left, Anchor::Start), (&both[1], right, Anchor::End)] {
        for (k, line) in lines.iter().enumerate() {
            canvas.text((x, y + 15.0 * k as f64), line, anchor, TEXT - 1.0, Ink::Faint);
        }
    }
    let most = both.iter().map(Vec::len).max().unwrap_or(1);
    canvas.grow(15.0 * most.saturating_sub(1) as f64);
}

/// What an effect in favour of an arm is called: only a randomised treatment favours.
fn better_with(assignment: Assignment, arm: &str) -> String {
    match assignment {
        Assignment::Randomised => format!("favours {arm}"),
        Assignment::Observational => format!("better with {arm}"),
    }
}

/// Which side of no effect is better with which arm.
fn sides(study: &Study) -> [String; 2] {
    let (active, control) = (study.treatment.active(), study.treatment.control());
    let (left, right) = match study.outcome.higher_is {
        HigherIs::Better => (control, active),
        HigherIs::Worse => (active, control),
    };
    let better = |arm| better_with(study.assignment, arm);
    [format!("← {}", better(left)), format!("{} →", better(right))]
}

/// The numbers of a figure as CSV, with what must stand beside them in a last column `caveat`.
pub fn figure_csv(figure: &Figure) -> String {
    figure.data.clone().with("caveat", &figure.statements.join(" ").into()).csv()
}
