//! How far energies lie from their mean, beside how far one transition moves them.

use super::super::numbers::plain;
use super::super::records::{Records, record};
use super::Figure;
use super::axis::{Axis, plain_label};
use super::legend::{self, Entry};
use super::svg::{Anchor, Canvas, Ink, Stroke, TEXT};
use crate::figure::Energies;
use crate::study::Study;

const WIDTH: f64 = 760.0;
const ACROSS: (f64, f64) = (56.0, 540.0);
const DOWN: (f64, f64) = (246.0, 36.0);

record! {
    /// A bin of both histograms.
    Row { from, to, energies, changes }
}

/// Two histograms as steps; a chain whose momenta move it as far as its energies vary has both alike.
pub fn energy(study: &Study, e: &Energies) -> Figure {
    let highest = e.marginal.iter().chain(&e.transition).copied().fold(0.0, f64::max);
    let (first, last) = (e.edges[0], e.edges[e.edges.len() - 1]);
    let x = Axis::linear((first, last), ACROSS);
    let y = Axis::linear((0.0, 1.05 * highest), DOWN);
    let mut canvas = Canvas::new(WIDTH, 306.0);
    canvas.text((14.0, 18.0), "Share of draws", Anchor::Start, TEXT, Ink::Text);
    y.draw_left(&mut canvas, ACROSS, 4, plain_label);
    let told = [
        (&e.marginal, "energies about their mean", Ink::of_curve(0), Stroke::of_curve(0)),
        (&e.transition, "change in one transition", Ink::of_curve(1), Stroke::of_curve(1)),
    ];
    let mut entries = Vec::new();
    for (shares, label, ink, stroke) in told {
        let ends = e.edges.windows(2).zip(shares);
        let steps: Vec<(f64, f64)> =
            ends.flat_map(|(w, share)| [(x.at(w[0]), y.at(*share)), (x.at(w[1]), y.at(*share))]).collect();
        canvas.curve(&steps, ink, 2.0, stroke);
        entries.push(Entry { label, ink, stroke, width: 2.0, dotted: false });
    }
    legend::draw(&mut canvas, [ACROSS.1, WIDTH], DOWN.1 + 8.0, &entries);
    canvas.text((ACROSS.1 + 16.0, DOWN.1 + 60.0), "E-BFMI by chain:", Anchor::Start, TEXT - 1.0, Ink::Text);
    for (k, four) in e.ebfmi.chunks(4).take(6).enumerate() {
        let told: Vec<String> = four.iter().map(|x| x.map_or_else(|| "–".to_string(), plain)).collect();
        let at = (ACROSS.1 + 16.0, DOWN.1 + 78.0 + 16.0 * k as f64);
        canvas.text(at, &told.join("  "), Anchor::Start, TEXT - 1.0, Ink::Text);
    }
    x.draw_below(&mut canvas, DOWN.0, 7, plain_label, "Energy");
    let title = format!("Energies of the sampler, {}", study.outcome.name);
    let caption = "How far the energy of draws lies from its mean, and by how much one transition changes it, as shares of all draws. Where the second is much the narrower, momenta explore the energies too slowly (E-BFMI below 0.3).".to_string();
    let rows = e.edges.windows(2).zip(e.marginal.iter().zip(&e.transition)).map(|(w, (m, t))| Row {
        from: w[0].into(),
        to: w[1].into(),
        energies: (*m).into(),
        changes: (*t).into(),
    });
    Figure::new(study, "energy", [title, caption], canvas, Records::of(rows))
}
