//! Figures as SVG, each with the table of numbers that it is drawn from. Colours are Okabe & Ito's, and lines differ in
//! style too.

mod axis;
mod beliefs;
mod chains;
mod curves;
mod energy;
mod forest;
mod heat;
mod legend;
mod plane;
#[cfg(feature = "png")]
mod png;
mod shrinkage;
mod svg;
mod utility;

pub use beliefs::{beliefs, beliefs_by_prior};
pub use chains::chains;
pub use curves::{SizeCurve, heterogeneity, size_curves, thresholds};
pub use energy::energy;
pub use forest::forest;
pub use heat::{bias_surface, prior_grid};
pub use plane::{Gain, Point, plane};
#[cfg(feature = "png")]
pub use png::{png, uncovered};
pub use shrinkage::shrinkage;
pub use utility::utility;

use super::records::Records;
use crate::study::{HigherIs, Study};

/// A picture with the numbers that it is drawn from.
#[derive(Debug, Clone)]
pub struct Figure {
    /// A file's name without its ending, "forest-odds-ratio".
    pub name: String,
    /// Above it.
    pub title: String,
    /// What is seen and how it is to be read, in one or two sentences: its caption, and what a screen reader reads.
    pub caption: String,
    pub svg: String,
    pub data: Records,
    /// What must stand beside its numbers.
    pub statements: Vec<String>,
}

impl Figure {
    /// The drawing with what must stand beside it.
    fn new(study: &Study, name: &str, words: [String; 2], canvas: svg::Canvas, data: Records) -> Figure {
        Figure::beside(study.statements(), name, words, canvas, data)
    }

    /// The same of what rests on several studies.
    fn beside(
        statements: Vec<String>,
        name: &str,
        [title, caption]: [String; 2],
        mut canvas: svg::Canvas,
        data: Records,
    ) -> Figure {
        canvas.put_below(&statements);
        let svg = canvas.finish(name, &title, &caption);
        Figure { name: name.to_string(), title, caption, svg, data, statements }
    }
}

/// Which side of no effect favours which arm.
fn sides(study: &Study) -> [String; 2] {
    let (active, control) = (study.treatment.active(), study.treatment.control());
    let (left, right) = match study.outcome.higher_is {
        HigherIs::Better => (control, active),
        HigherIs::Worse => (active, control),
    };
    [format!("← favours {left}"), format!("favours {right} →")]
}

/// The numbers of a figure as CSV.
pub fn figure_csv(figure: &Figure) -> String {
    figure.data.clone().with("caveat", &figure.statements.join(" ").into()).csv()
}
