//! Probabilities over two things at once: shaded cells with their numbers, which a grey print keeps.

use super::super::numbers::{parameter, plain, probability, ratio};
use super::super::records::{Records, record};
use super::super::words::{is_of_fit, named};
use super::Figure;
use super::legend::{self, Mark};
use super::svg::{Anchor, Canvas, Ink, TEXT, lines_within, width_of};
use crate::compare::bias::ShiftPoint;
use crate::compare::{Glance, GridRow};
use crate::posterior::Statement;
use crate::study::{Pooling, Study};

/// The least width and the height of a cell.
const CELL: (f64, f64) = (78.0, 26.0);
const HEAD: f64 = 64.0;

/// So wide that what must stand below a figure has room.
const NARROWEST: f64 = 680.0;

/// More panels are in the numbers.
const MOST: usize = 5;

/// One panel: a title, headings of rows and columns, and a probability for each cell.
struct Panel {
    title: String,
    rows: Vec<String>,
    columns: Vec<String>,
    cells: Vec<Vec<Option<f64>>>,
    /// Row and column to mark.
    marked: Option<(usize, usize)>,
}

/// Panels one below the other; what is down and what is across.
fn draw(panels: &[Panel], [down, across]: [&str; 2]) -> Canvas {
    let labels = panels.iter().flat_map(|p| &p.rows).map(|r| width_of(r, TEXT)).fold(60.0, f64::max);
    let left = 24.0 + labels.min(220.0);
    let headings = || panels.iter().flat_map(|p| &p.columns);
    let words = headings().flat_map(|c| c.split(' ')).map(|word| width_of(word, TEXT - 2.0) + 8.0);
    let wide = words.fold(CELL.0, f64::max);
    let columns = panels.iter().map(|p| p.columns.len()).max().unwrap_or(0);
    let height: f64 = panels.iter().map(|p| HEAD + CELL.1 * p.rows.len() as f64 + 14.0).sum();
    let mut canvas = Canvas::new((left + wide * columns as f64 + 16.0).max(NARROWEST), height);
    let mut top = 0.0;
    for p in panels {
        canvas.bold((14.0, top + 18.0), &format!("P(better), {}", p.title), Anchor::Start, TEXT, Ink::Text);
        let end = canvas.width() - 16.0;
        canvas.text((end, top + 18.0), across, Anchor::End, TEXT - 1.0, Ink::Faint);
        canvas.text((14.0, top + HEAD - 8.0), down, Anchor::Start, TEXT - 1.0, Ink::Faint);
        for (k, column) in p.columns.iter().enumerate() {
            let x = left + wide * (k as f64 + 0.5);
            let lines = lines_within(column, wide - 2.0, TEXT - 2.0);
            for (j, line) in lines.iter().enumerate() {
                let y = top + HEAD - 8.0 - 13.0 * (lines.len() - 1 - j) as f64;
                canvas.text((x, y), line, Anchor::Middle, TEXT - 2.0, Ink::Text);
            }
        }
        for (i, (row, cells)) in p.rows.iter().zip(&p.cells).enumerate() {
            let y = top + HEAD + CELL.1 * i as f64;
            canvas.text((14.0, y + 17.0), row, Anchor::Start, TEXT, Ink::Text);
            for (k, value) in cells.iter().enumerate() {
                let x = left + wide * k as f64;
                let (ink, strength) = match value {
                    Some(v) if *v >= 0.5 => (Ink::First, 2.0 * v - 1.0),
                    Some(v) => (Ink::Second, 1.0 - 2.0 * v),
                    None => (Ink::Grid, 0.0),
                };
                canvas.rect((x + 1.0, y + 1.0), (wide - 2.0, CELL.1 - 2.0), ink, 0.06 + 0.4 * strength);
                let at = (x + 0.5 * wide, y + 17.0);
                if p.marked == Some((i, k)) {
                    canvas.bold(at, &probability(*value), Anchor::Middle, TEXT, Ink::Text);
                } else {
                    canvas.text(at, &probability(*value), Anchor::Middle, TEXT, Ink::Text);
                }
            }
        }
        top += HEAD + CELL.1 * p.rows.len() as f64 + 14.0;
    }
    let mut entries: Vec<(&[Mark], &str)> = vec![
        (&[Mark::Area(Ink::First, 0.46)], "above 0.5"),
        (&[Mark::Area(Ink::Second, 0.46)], "below 0.5; the farther from it, the stronger"),
    ];
    if panels.iter().any(|p| p.marked.is_some()) {
        entries.push((&[], "bold: without a bias"));
    }
    legend::below(&mut canvas, &entries);
    canvas
}

record! {
    /// A cell of a panel.
    CellRow { panel, row, column, better }
}

fn data(panels: &[Panel]) -> Records {
    let mut rows = Vec::new();
    for p in panels {
        for (row, cells) in p.rows.iter().zip(&p.cells) {
            for (column, value) in p.columns.iter().zip(cells) {
                rows.push(CellRow {
                    panel: (&p.title).into(),
                    row: row.into(),
                    column: column.into(),
                    better: (*value).into(),
                });
            }
        }
    }
    Records::of(rows)
}

/// Values each once, in their order.
fn each_once<'a>(all: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for x in all {
        if !found.iter().any(|f| f == x) {
            found.push(x.to_string());
        }
    }
    found
}

/// P(better) under every effect prior and heterogeneity prior, partially pooled. Nothing where no grid was asked for.
pub fn prior_grid(study: &Study, c: &Glance) -> Vec<Figure> {
    let names = study.data.names();
    let Some(grid) = c.grid.as_ref().filter(|_| names.len() <= MOST) else { return Vec::new() };
    let is_told = |r: &&GridRow| r.pooling == Pooling::Partial && r.statement == Statement::Benefit;
    let told: Vec<&GridRow> = grid.iter().filter(is_told).collect();
    let rows = each_once(told.iter().map(|r| r.prior.as_str()).filter(|prior| !is_of_fit(study, prior)));
    let columns = each_once(told.iter().filter_map(|r| r.heterogeneity.as_deref()));
    if rows.is_empty() || columns.is_empty() {
        return Vec::new();
    }
    let cell = |name: &str, row: &String, column: &String| {
        let found = told.iter().find(|r| {
            r.subgroup == name && r.prior == *row && r.heterogeneity.as_deref() == Some(column.as_str())
        });
        found.and_then(|r| r.probability)
    };
    let panel = |name: &&str| Panel {
        title: (*name).to_string(),
        cells: rows.iter().map(|r| columns.iter().map(|c| cell(name, r, c)).collect()).collect(),
        rows: rows.iter().map(|prior| named(study, prior).to_string()).collect(),
        // With a place at which the heading may break.
        columns: columns.iter().map(|c| c.replace('(', " (")).collect(),
        marked: None,
    };
    let panels: Vec<Panel> = names.iter().map(panel).collect();
    let name = "prior-grid";
    let title =
        format!("P(better) under every effect prior and every heterogeneity prior, {}", study.outcome.name);
    let caption = format!(
        "Posterior probability that the outcome is better with {}, by effect prior (down) and heterogeneity prior (across). Blue: above 0.5; orange: below; the farther from it, the stronger.",
        study.treatment.active()
    );
    vec![Figure::new(
        study,
        name,
        [title, caption],
        draw(&panels, ["Effect prior", "Heterogeneity prior"]),
        data(&panels),
    )]
}

/// P(better) over the mean and sd of a bias.
pub fn bias_surface(study: &Study, shifts: &[ShiftPoint]) -> Vec<Figure> {
    let names = study.data.names();
    if names.len() > MOST {
        return Vec::new();
    }
    let mut panels = Vec::new();
    for name in names {
        let is_told = |p: &&ShiftPoint| {
            p.subgroup == name && p.subgroup_b.is_none() && p.statement == Statement::Benefit
        };
        let told: Vec<&ShiftPoint> = shifts.iter().filter(is_told).collect();
        let (mut means, mut sds): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
        for p in &told {
            if !means.contains(&p.bias_mean) {
                means.push(p.bias_mean);
            }
            if !sds.contains(&p.bias_sd) {
                sds.push(p.bias_sd);
            }
        }
        if means.is_empty() {
            continue;
        }
        let find = |mean: f64, sd: f64| told.iter().find(|p| p.bias_mean == mean && p.bias_sd == sd);
        let label = |mean: &f64| {
            let shown = find(*mean, sds[0]).and_then(|p| p.bias_ratio).map_or_else(|| plain(*mean), ratio);
            if *mean == 0.0 { format!("{shown} (none)") } else { shown }
        };
        let none = means.iter().position(|m| *m == 0.0).zip(sds.iter().position(|s| *s == 0.0));
        panels.push(Panel {
            title: name.to_string(),
            cells: means
                .iter()
                .map(|m| sds.iter().map(|s| find(*m, *s).and_then(|p| p.probability)).collect())
                .collect(),
            rows: means.iter().map(label).collect(),
            columns: sds.iter().map(|s| if *s == 0.0 { "0".to_string() } else { parameter(*s) }).collect(),
            marked: none,
        });
    }
    if panels.is_empty() {
        return Vec::new();
    }
    let what = study.outcome.scale.measure_in_words();
    let name = "bias";
    let title = format!("P(better) if the {what} were biased, {}", study.outcome.name);
    let caption = format!(
        "Posterior probability that the outcome is better with {}, over the mean (down) and the standard deviation (across) of a bias of the {what}; in bold without any. Blue: above 0.5; orange: below; the farther from it, the stronger.",
        study.treatment.active()
    );
    vec![Figure::new(
        study,
        name,
        [title, caption],
        draw(&panels, ["Mean bias", "SD of the bias"]),
        data(&panels),
    )]
}
