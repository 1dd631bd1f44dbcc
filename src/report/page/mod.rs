//! One self-contained page: what a reader who has nothing but a browser sees of a study, of a decision or of a validation.

mod decision;
mod document;
mod sheets;
mod study;
mod validation;
mod words;

pub use decision::{decision_figures, decision_page};
pub use document::Format as PageFormat;
pub use study::{Presentation, Shown, design_figures, figures, page};
pub use validation::{Made, validation_figures, validation_page};

use serde::Serialize;

use super::figure::Figure;

#[derive(Serialize)]
struct FigureOnPage<'a> {
    name: &'a str,
    title: &'a str,
    caption: &'a str,
    svg: &'a str,
}

fn on_page(figures: &[Figure]) -> Vec<FigureOnPage<'_>> {
    let one = |f| {
        let Figure { name, title, caption, svg, .. }: &Figure = f;
        FigureOnPage { name, title, caption, svg }
    };
    figures.iter().map(one).collect()
}

/// A heading in one line.
fn flat(text: String) -> String {
    text.replace('\n', " ")
}
