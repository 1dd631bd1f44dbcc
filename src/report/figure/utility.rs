//! The utility map: which action over what the good end of an outcome is worth, and over the gain that is asked.

use super::super::records::{Records, record};
use super::Figure;
use super::axis::{Axis, plain_label};
use super::legend::{self, Entry, Mark};
use super::svg::{Anchor, Canvas, Ink, Stroke, TEXT, first_lines};
use crate::decide::ValueRow;
use crate::study::Assignment;

const WIDTH: f64 = 760.0;
const ACROSS: (f64, f64) = (64.0, 500.0);
const DOWN: (f64, f64) = (306.0, 30.0);

record! {
    /// The choice in one population, for one value and one gain that is asked.
    Row { population, value, required_gain, expected_gain, action }
}

/// One line a population: the expected gain over the outcome's value, which is straight. `rows` are one outcome's, with
/// the populations' names; the action is chosen where its line is above the gain that is asked.
pub fn utility(
    (statements, name): (Vec<String>, &str),
    (outcome, gained, stated): (&str, &str, f64),
    [active, control]: [&str; 2],
    assignment: Assignment,
    rows: &[(String, &ValueRow)],
) -> Figure {
    let mut populations: Vec<&str> = Vec::new();
    let mut asked: Vec<f64> = Vec::new();
    for (population, row) in rows {
        if !populations.contains(&population.as_str()) {
            populations.push(population);
        }
        if !asked.contains(&row.required_gain) {
            asked.push(row.required_gain);
        }
    }
    let per_1000 = |gain: f64| 1000.0 * gain;
    let gains = rows.iter().map(|(_, r)| per_1000(r.expected_gain)).chain(asked.iter().map(|a| per_1000(*a)));
    let (low, high) = gains.fold((0.0_f64, 0.0_f64), |(a, b), g| (a.min(g), b.max(g)));
    let margin = 0.06 * (high - low).max(1.0);
    let x = Axis::linear((0.0, 1.0), ACROSS);
    let y = Axis::linear((low - margin, high + margin), DOWN);
    let mut canvas = Canvas::new(WIDTH, 380.0);
    y.draw_left(&mut canvas, ACROSS, 6, plain_label);
    for gain in &asked {
        let at = y.at(per_1000(*gain));
        let ink = if *gain == 0.0 { Ink::Text } else { Ink::Faint };
        canvas.line(
            (ACROSS.0, at),
            (ACROSS.1, at),
            ink,
            1.0,
            if *gain == 0.0 { Stroke::Solid } else { Stroke::Dotted },
        );
    }
    canvas.line((x.at(stated), DOWN.1), (x.at(stated), DOWN.0), Ink::Faint, 1.0, Stroke::Dashed);
    let mut entries = Vec::new();
    for (k, population) in populations.iter().enumerate() {
        let (ink, stroke) = (Ink::of_curve(k), Stroke::of_curve(k));
        let mine = rows.iter().filter(|(p, r)| p == population && r.required_gain == asked[0]);
        let points: Vec<(f64, f64)> =
            mine.map(|(_, r)| (x.at(r.value), y.at(per_1000(r.expected_gain)))).collect();
        canvas.curve(&points, ink, 2.4, stroke);
        entries.push(Entry { label: population, ink, stroke, width: 2.4, dotted: false });
    }
    let at = legend::draw(&mut canvas, [ACROSS.1, WIDTH], DOWN.1 + 8.0, &entries);
    let zero = y.at(0.0);
    let beside = |canvas: &mut Canvas, at: f64, text: String| {
        for (j, line) in first_lines(&text, WIDTH - ACROSS.1 - 26.0, TEXT - 2.0, 2).iter().enumerate() {
            canvas.text((ACROSS.1 + 16.0, at + 14.0 * j as f64), line, Anchor::Start, TEXT - 2.0, Ink::Faint);
        }
    };
    // Beside the line of no gain, where no name of a population stands.
    if zero - 24.0 > at {
        beside(&mut canvas, zero - 20.0, format!("above: {active}"));
    }
    if zero + 14.0 > at && zero + 14.0 < DOWN.0 + 20.0 {
        beside(&mut canvas, zero + 16.0, format!("below: {control}"));
    }
    x.draw_below(&mut canvas, DOWN.0, 6, plain_label, &format!("Utility gain of {gained}: {outcome}"));
    let mut key: Vec<(&[Mark], &str)> = vec![
        (&[Mark::Upright(Ink::Faint, Stroke::Dashed)], "the stated value"),
        (&[Mark::Line(Ink::Text, Stroke::Solid, 1.0)], "no gain"),
    ];
    if asked.iter().any(|gain| *gain != 0.0) {
        key.push((&[Mark::Line(Ink::Faint, Stroke::Dotted, 1.0)], "a gain that is required"));
    }
    legend::below(&mut canvas, &key);
    canvas.text((14.0, 18.0), "Gain in utility, per 1,000", Anchor::Start, TEXT, Ink::Text);
    let data = Records::of(rows.iter().map(|(population, r)| Row {
        population: population.into(),
        value: r.value.into(),
        required_gain: r.required_gain.into(),
        expected_gain: r.expected_gain.into(),
        action: (&r.action).into(),
    }));
    let assumed = match assignment {
        Assignment::Randomised => "",
        Assignment::Observational => " Associations are taken for effects throughout.",
    };
    let words = [
        format!("Utility map: {outcome}"),
        format!(
            "Expected gain in utility by {active}, per 1,000 patients, over the utility gain of {gained} (the other outcomes' values as stated). Where a line is above the gain that is required, none (solid) or more (dotted), the choice is {active}; else {control}.{assumed}"
        ),
    ];
    Figure::beside(statements, name, words, canvas, data)
}
