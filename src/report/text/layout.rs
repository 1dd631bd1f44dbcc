//! What the text outputs share: wrapping, aligned columns, the heading.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

pub use super::super::numbers::grouped;
use super::super::numbers::{interval_known_to, sampled_probability};
use super::super::passage::{self, Block, Passage};
use super::super::words::{capitalised, scope_in_words, size_in_words};
use crate::posterior::{Estimate, Probability, Scope};
use crate::study::Study;
use crate::terminal::{BOLD, BOLD_YELLOW, PLAIN};

const WIDTH: usize = 80;

/// The first column is never narrower than this.
const NARROWEST_NAME: usize = 12;

/// How much wider than usual a table may be where a name's word would be broken otherwise.
const BEYOND: usize = 4;

/// Arm names in headings are wrapped to this width.
pub const ARM_WIDTH: usize = 11;

/// Bold and yellow for terminals; stripped by the writer where there is none.
pub fn bold(text: &str) -> String {
    format!("{BOLD}{text}{PLAIN}")
}

pub fn warning(text: &str) -> String {
    format!("{BOLD_YELLOW}{text}{PLAIN}")
}

/// Paragraphs of at most 80 columns, later lines indented.
pub fn wrapped(text: &str, indent: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().map_or(0, |l| l.chars().count());
        if line > 0 && line + 1 + word.chars().count() > WIDTH {
            lines.push(" ".repeat(indent) + word);
        } else if let Some(last) = lines.last_mut() {
            if last.trim().is_empty() {
                last.push_str(word);
            } else {
                last.push(' ');
                last.push_str(word);
            }
        }
    }
    lines
}

pub fn push(out: &mut String, text: &str, indent: usize) {
    for line in wrapped(text, indent) {
        out.push_str(&line);
        out.push('\n');
    }
}

pub fn push_warning(out: &mut String, text: &str) {
    for line in wrapped(&format!("! {text}"), 2) {
        out.push_str(&warning(&line));
        out.push('\n');
    }
}

/// A section's title, in bold.
pub fn push_title(out: &mut String, text: &str) {
    for line in wrapped(text, 0) {
        out.push_str(&bold(&line));
        out.push('\n');
    }
}

/// Titles in bold, paragraphs wrapped, tables aligned.
pub fn push_passage(out: &mut String, passage: &Passage) {
    for block in &passage.blocks {
        match block {
            Block::Title { text } => push_title(out, text),
            Block::Paragraph { text } => push(out, text, 2),
            Block::Item { text } => push(out, &format!("- {text}"), 2),
            Block::Table(t) => out.push_str(&passage_table(t)),
        }
    }
}

/// With every heading broken that is wider than its column need be.
fn passage_table(t: &passage::Table) -> String {
    let headings = t.header.iter().enumerate().map(|(k, heading)| {
        let cells = t.rows.iter().filter_map(|r| r.get(k));
        let widest = cells.map(|c| c.chars().count()).max().unwrap_or(0);
        if k == 0 { heading.clone() } else { wrapped_to(heading, widest.max(t.heading_width)) }
    });
    table(headings.collect(), t.rows.clone())
}

/// Which checks failed and why, if any did, and what else a reader should know of how the numbers came about.
pub fn push_failures_and_notices(
    out: &mut String,
    failed: Option<&str>,
    reasons: &[String],
    notices: &[String],
) {
    if let Some(failed) = failed {
        push(out, failed, 0);
        for reason in reasons {
            push(out, &format!("- {reason}"), 2);
        }
        out.push('\n');
    }
    for notice in notices {
        push(out, &format!("Note: {notice}"), 2);
    }
    if !notices.is_empty() {
        out.push('\n');
    }
}

/// What `[bias]` assumes, a line per part.
pub fn push_assumptions(out: &mut String, study: &Study) {
    for a in study.bias.iter().flat_map(|b| &b.assumptions) {
        let whose = a.subgroup.as_ref().map_or_else(String::new, |name| format!(" in {name}"));
        push(out, &format!("{}{whose}: {}.", capitalised(&a.what), a.words), 2);
    }
}

/// Aligned columns, at 80 columns in all: the first to the left and wrapped to what the others leave, the others to the
/// right. A row of one cell stands above those that follow, as wide as all of them.
pub fn table(mut header: Vec<String>, rows: Vec<Vec<String>>) -> String {
    const GAP: u16 = 2;
    let widest = |column: usize| {
        let cells = rows.iter().filter(|r| r.len() > 1).chain([&header]).filter_map(|r| r.get(column));
        cells.flat_map(|c| c.lines()).map(|l| l.chars().count()).max().unwrap_or(0)
    };
    let others: usize = (1..header.len()).map(|c| widest(c) + GAP as usize).sum();
    let first = WIDTH.saturating_sub(others).max(NARROWEST_NAME);
    // A few columns beyond the usual width rather than a name broken within a word.
    let names = rows.iter().filter(|r| r.len() > 1).filter_map(|r| r.first());
    let words = names.flat_map(|name| {
        let indent = name.chars().take_while(|c| *c == ' ').count();
        name.split_whitespace().map(move |word| indent + word.chars().count())
    });
    let most = (WIDTH + BEYOND).saturating_sub(others);
    let first = first.max(words.max().unwrap_or(0).min(most));
    let columns = header.len();
    if let Some(name) = header.first_mut() {
        let lines: Vec<String> = name.lines().map(|line| wrapped_to(line, first)).collect();
        *name = lines.join("\n");
    }
    let header_lines = header.iter().map(|h| h.lines().count()).max().unwrap_or(1);
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header);
    // What stands for a row of one cell until the columns are aligned.
    let stand_in = |k: usize| format!("\u{1}{k}");
    let mut wide: Vec<String> = Vec::new();
    for mut row in rows {
        if let [alone] = row.as_mut_slice() {
            let text = std::mem::replace(alone, stand_in(wide.len()));
            wide.push(wrapped_to(&text, WIDTH));
        } else if let Some(name) = row.first_mut() {
            *name = indented(name, first);
        }
        table.add_row(row);
    }
    for index in 0..columns {
        if let Some(column) = table.column_mut(index) {
            column.set_padding((0, if index + 1 == columns { 0 } else { GAP }));
            column.set_cell_alignment(if index == 0 { CellAlignment::Left } else { CellAlignment::Right });
        }
    }
    let mut text = String::new();
    for (i, line) in table.to_string().lines().enumerate() {
        let line = line.trim_end();
        let line = match line.strip_prefix('\u{1}').and_then(|k| wide.get(k.parse::<usize>().ok()?)) {
            Some(alone) => alone,
            None => line,
        };
        text.push_str(&if i < header_lines { bold(line) } else { line.to_string() });
        text.push('\n');
    }
    text
}

/// A name on as many lines as it needs, each as far in as the first.
fn indented(name: &str, width: usize) -> String {
    let rest = name.trim_start_matches(' ');
    let indent = &name[..name.len() - rest.len()];
    let lines = wrapped_to(rest, width.saturating_sub(indent.len()).max(1));
    lines.lines().map(|line| format!("{indent}{line}")).collect::<Vec<_>>().join("\n")
}

/// A name on as many lines as it needs; single words longer than the width are broken, after a hyphen if they have one.
pub fn wrapped_to(name: &str, width: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in name.split(' ') {
        let mut rest: Vec<char> = word.chars().collect();
        let fits = lines.last().is_some_and(|l| l.chars().count() + 1 + rest.len() <= width);
        if let (true, Some(last)) = (fits, lines.last_mut()) {
            last.push(' ');
            last.extend(rest);
            continue;
        }
        while rest.len() > width {
            let hyphen = rest[..width].iter().rposition(|c| *c == '-');
            let tail = rest.split_off(hyphen.map_or(width, |at| at + 1));
            lines.push(rest.into_iter().collect());
            rest = tail;
        }
        lines.push(rest.into_iter().collect());
    }
    lines.join("\n")
}

/// A heading whose arm names are on lines of no more than [`ARM_WIDTH`].
pub fn arms_wrapped(study: &Study, header: Vec<String>) -> Vec<String> {
    let wrap =
        |cell: String| if study.treatment.arms.contains(&cell) { wrapped_to(&cell, ARM_WIDTH) } else { cell };
    header.into_iter().map(wrap).collect()
}

/// The first lines of every output: title, design, direction, statements.
pub fn heading(study: &Study) -> String {
    let mut out = String::new();
    for line in wrapped(&study.title, 0) {
        out.push_str(&bold(&line));
        out.push('\n');
    }
    let design = study.assignment.in_words();
    let patients = study
        .patients_counted()
        .map(|patients| format!("{} patient{}", grouped(patients), if patients == 1 { "" } else { "s" }));
    let size = size_in_words(study, patients);
    push(
        &mut out,
        &format!(
            "{} against {}: {size}; {design}. {}.",
            capitalised(&study.treatment.all_active()),
            study.treatment.control(),
            capitalised(&study.direction())
        ),
        0,
    );
    for statement in study.statements() {
        push_warning(&mut out, &statement);
    }
    for notice in &study.notices {
        push(&mut out, &format!("Note: {notice}"), 2);
    }
    out.push('\n');
    out
}

/// Median and interval, exact where there is an exact number, else with the digits that the sampled one deserves.
pub fn shown_interval(e: Option<&Estimate>) -> String {
    let Some((e, q)) = e.and_then(|e| Some((e, e.best()?))) else { return "–".to_string() };
    let errors = if e.exact.is_some() { None } else { e.reported.mcse_quantiles };
    interval_known_to(e.estimand.measure, &q, errors)
}

/// A probability, with no digit finer than is known where it is sampled.
pub fn shown_probability(p: &Probability) -> String {
    sampled_probability(p.best(), p.resolution)
}

/// Labels of scopes other than subgroups.
pub fn scope_label(study: &Study, scope: Scope) -> String {
    scope_in_words(scope, &study.subgroup_name)
}

pub fn rows_have_counts(study: &Study) -> bool {
    study.data.has_risks()
}
