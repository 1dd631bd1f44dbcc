//! Ordered levels in text: bars of shares, effects at every cut, worth and wins, counts by level.

use super::super::numbers::{interval_known_to, sampled_probability, with_prior};
use super::super::words::{capitalised, whose};
use super::columns::{Cells, Columns};
use super::fit::{MEASURES, told};
use super::layout::{push, push_title, shown_interval, shown_probability, table, wrapped_to};
use crate::figure::{CutRow, CutRows, Known, LevelRow, cut_rows, level_rows};
use crate::posterior::{Estimand, Measure, Report, Statement, Whom};
use crate::report::observations;
use crate::study::{HigherIs, LevelScale, Study};

/// Columns of a line.
const WIDTH: usize = 80;

/// Beyond this many subgroups the bars show what was observed alone.
const MODELLED_UP_TO: usize = 6;

/// What stands below the main table: other measures of the whole scale, bars, and effects at every cut. Empty for outcomes
/// without levels.
pub fn level_sections(study: &Study, report: &Report) -> String {
    let Some(scale) = &study.outcome.levels else { return String::new() };
    let mut out = worth_and_wins(study, report);
    out.push('\n');
    out.push_str(&bars(study, scale, &level_rows(study, report)));
    let cuts = cut_rows(study, report);
    if let Some(of_all) = cuts.last() {
        out.push('\n');
        out.push_str(&at_cuts(study, scale, of_all));
    }
    out
}

/// The measures of the whole scale that the main table has no room for, each beside what the patients say alone and with its
/// probability of benefit.
fn worth_and_wins(study: &Study, report: &Report) -> String {
    let own = |whom: &Whom| matches!(whom, Whom::Subgroup(_) | Whom::Overall);
    let whom: Vec<Whom> = told(study, report).into_iter().filter(own).collect();
    let mut out = String::new();
    for (heading, measure) in observations::effects(study).into_iter().skip(MEASURES) {
        let at = |whom: &Whom| Estimand::new(*whom, measure);
        let mut columns: Columns<'_, Whom> = Columns::new();
        columns.add(capitalised(&study.subgroup_name), |whom| whose(study, *whom));
        columns.add(heading, |whom| shown_interval(report.estimate(at(whom))));
        columns.add("crude\n(95 %)", |whom| match whom {
            Whom::Subgroup(_) => observations::data_alone(study, at(whom)),
            _ => String::new(),
        });
        columns.add("P(better)", |whom| {
            let found = report.probability(at(whom), Statement::Benefit, measure.null());
            found.map_or_else(|| "–".to_string(), shown_probability)
        });
        out.push('\n');
        out.push_str(&columns.table(whom.iter().copied()));
    }
    out
}

/// A mark for every level: its name where all are one letter, else letters in their order.
fn marks(scale: &LevelScale) -> (Vec<char>, bool) {
    let own: Vec<char> = scale.names.iter().filter_map(|name| name.chars().next()).collect();
    if scale.names.iter().all(|name| name.chars().count() == 1) && own.len() == scale.levels() {
        return (own, true);
    }
    let letters = ('A'..='Z').chain('a'..='z').take(scale.levels());
    (letters.collect(), false)
}

/// A text of so many columns, cut where it is longer.
fn padded(text: &str, width: usize) -> String {
    let n = text.chars().count();
    if n <= width {
        return text.to_string() + &" ".repeat(width - n);
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// Shares as marks side by side, with a line at the primary cut.
fn bar(shares: &[f64], marks: &[char], primary: usize, width: usize) -> String {
    let total: f64 = shares.iter().sum();
    let mut out = String::new();
    let (mut below, mut drawn) = (0.0, 0);
    for (k, share) in shares.iter().enumerate() {
        below += share;
        let end = (width as f64 * below / total).round() as usize;
        out.extend(std::iter::repeat_n(marks[k], end.saturating_sub(drawn)));
        drawn = drawn.max(end);
        if k == primary {
            out.push('|');
        }
    }
    out
}

/// A stacked bar an arm: what was observed and, where there is room, the posterior below it.
fn bars(study: &Study, scale: &LevelScale, rows: &[LevelRow]) -> String {
    let arms = study.treatment.arms.len();
    let (marks, by_name) = marks(scale);
    let modelled = study.data.names().len() <= MODELLED_UP_TO && rows.iter().any(|r| r.modelled.is_some());
    let longest = |texts: &mut dyn Iterator<Item = usize>, least: usize, most: usize| {
        texts.max().unwrap_or(0).clamp(least, most)
    };
    let name_width = longest(&mut rows.iter().map(|r| whose(study, r.whom).chars().count()), 10, 16);
    let arm_width = longest(&mut study.treatment.arms.iter().map(|a| a.chars().count()), 6, 14);
    let width = (WIDTH - name_width - arm_width - 2 * 2 - 1).min(50);
    let mut out = String::new();
    let percent = format!("{:.1}", 100.0 / width as f64);
    let percent = percent.trim_end_matches(".0");
    push_title(
        &mut out,
        &format!(
            "Patients by level{}",
            if modelled { ", as observed, and below it the posterior mean" } else { ", as observed" }
        ),
    );
    for block in rows.chunks(arms) {
        let whom = block.first().map_or_else(String::new, |r| whose(study, r.whom));
        let mut labels = wrapped_to(&whom, name_width).lines().map(str::to_string).collect::<Vec<_>>();
        if labels.len() > arms {
            labels.truncate(arms);
            if let Some(last) = labels.last_mut() {
                *last = padded(&format!("{last}…"), name_width);
            }
        }
        labels.resize(arms, String::new());
        let mut line = |label: &str, arm: usize, shares: Option<&Vec<f64>>| {
            let name = study.treatment.arms.get(arm).map_or("", String::as_str);
            let drawn = shares.map_or_else(
                || "no patients".to_string(),
                |shares| bar(shares, &marks, scale.primary, width),
            );
            let text = format!("{}  {}  {drawn}", padded(label, name_width), padded(name, arm_width));
            out.push_str(text.trim_end());
            out.push('\n');
        };
        for (label, row) in labels.iter().zip(block) {
            line(label, row.arm, row.observed.as_ref());
        }
        for row in block.iter().filter(|_| modelled) {
            let label = if row.arm == 0 { "  posterior" } else { "" };
            if row.modelled.is_some() {
                line(label, row.arm, row.modelled.as_ref());
            }
        }
    }
    let key = if by_name {
        " and names their level".to_string()
    } else {
        let each: Vec<String> =
            marks.iter().zip(&scale.names).map(|(m, name)| format!("{m} {name}")).collect();
        format!(": {}", each.join(", "))
    };
    push(
        &mut out,
        &format!(
            "One character is {percent} % of an arm's patients{key}; | is the primary cut, {} to its right.",
            scale.primary_in_words()
        ),
        2,
    );
    out
}

/// What a cut is called in tables: the primary one and the one of the last level alone say so.
fn cut_name(scale: &LevelScale, row: &CutRow) -> String {
    let name = scale.cut_in_words(row.cut);
    let primary = row.primary.then(|| "primary".to_string());
    let last = (row.cut + 1 == scale.cuts()).then(|| format!("{} alone", scale.names[scale.levels() - 1]));
    let what: Vec<String> = primary.into_iter().chain(last).collect();
    if what.is_empty() { name } else { format!("{name} ({})", what.join("; ")) }
}

fn shown(measure: Measure, known: &Known) -> String {
    interval_known_to(measure, &known.quantiles, known.errors)
}

fn benefit((p, resolution, prior): (Option<f64>, Option<f64>, Option<f64>)) -> String {
    with_prior(&sampled_probability(p, resolution), prior)
}

/// Columns of effects at cuts, with the risks of both arms where there is room for them.
fn cut_columns<'a>(
    study: &'a Study,
    scale: &'a LevelScale,
    first: &str,
    risks: bool,
) -> Columns<'a, &'a CutRow> {
    let mut columns: Columns<'a, &'a CutRow> = Columns::new();
    columns.add(first, |row| cut_name(scale, row));
    if risks {
        for (arm, name) in study.treatment.arms.iter().enumerate().take(2) {
            let measure = if arm == 0 { Measure::CutRiskControl } else { Measure::CutRiskActive };
            columns.add(format!("{name} (95 %)"), move |row: &&CutRow| shown(measure, &row.risks[arm]));
        }
    }
    columns.add("Odds ratio\n(95 %)", |row| shown(Measure::CutOddsRatio, &row.odds_ratio));
    columns.add("Risk difference,\npoints (95 %)", |row| {
        shown(Measure::CutRiskDifference, &row.risk_difference)
    });
    columns.add("P(better)", |row| benefit(row.benefit));
    columns
}

fn at_cuts(study: &Study, scale: &LevelScale, of: &CutRows) -> String {
    let first = format!("At every cut, {}", whose(study, of.whom));
    let mut out = cut_columns(study, scale, &first, false).table(&of.cuts);
    for line in cut_notes(study, scale, of) {
        push(&mut out, &line, 2);
    }
    out
}

/// The worst level and the highest by themselves, and why odds ratios differ from cut to cut where they are proportional in every
/// subgroup.
fn cut_notes(study: &Study, scale: &LevelScale, of: &CutRows) -> Vec<String> {
    let mut lines = Vec::new();
    let row = |cut: usize| of.cuts.iter().find(|row| row.cut == cut);
    let alone = |level: usize, [control, active]: [Known; 2]| {
        let name = &scale.names[level];
        let is_word = name.chars().next().is_some_and(char::is_alphabetic);
        let name = if is_word { capitalised(name) } else { format!("Level {name}") };
        format!(
            "{name} by itself: {} with {}, {} with {}.",
            shown(Measure::CutRiskControl, &control),
            study.treatment.control(),
            shown(Measure::CutRiskActive, &active),
            study.treatment.active()
        )
    };
    if study.outcome.higher_is == HigherIs::Better {
        lines.extend(row(0).map(|row| alone(0, row.below())));
    }
    let last = scale.cuts() - 1;
    lines.extend(row(last).map(|row| alone(last + 1, row.risks)));
    if of.whom == Whom::Overall || study.adjustment.is_some() {
        lines.push(
            "Odds ratios of averages over patients differ from cut to cut even where no patient's do."
                .to_string(),
        );
    }
    lines
}

/// Effects at every cut of every subgroup and of all together, for the page: heading, rows, and what is said below them. None
/// where there are none.
pub fn cut_table(study: &Study, report: &Report) -> Option<(Cells, Vec<String>)> {
    let scale = study.outcome.levels.as_ref()?;
    let all = cut_rows(study, report);
    let notes = cut_notes(study, scale, all.last()?);
    let mut header = Vec::new();
    let mut rows = Vec::new();
    for of in &all {
        let (names, cells) = cut_columns(study, scale, "Cut", true).cells(&of.cuts);
        if all.len() > 1 {
            let mut group = vec![String::new(); names.len()];
            group[0] = format!("{}:", whose(study, of.whom));
            rows.push(group);
        }
        header = names;
        rows.extend(cells);
    }
    Some(((header, rows), notes))
}

/// Patients by level, arm by arm: heading and rows, as many levels side by side as asked for. None for outcomes without levels.
pub fn counts_by_level(study: &Study) -> Option<Cells> {
    let (data, scale) = (study.data.levels()?, study.outcome.levels.as_ref()?);
    let mut header = vec![format!("Patients with {}", study.outcome.name)];
    header.extend(scale.names.iter().cloned());
    header.push("all".to_string());
    let row = |label: String, counts: &[u64]| {
        let cells = counts.iter().copied().chain([counts.iter().sum()]);
        std::iter::once(label).chain(cells.map(|n| n.to_string())).collect::<Vec<_>>()
    };
    let mut rows = Vec::new();
    for (g, name) in study.data.names().iter().enumerate() {
        for (arm, of) in study.treatment.arms.iter().enumerate() {
            rows.push(row(format!("{name}, {of}"), data.patients(g, arm)));
        }
    }
    rows.push(row("all".to_string(), &data.by_level()));
    Some((header, rows))
}

/// The same as text: one table, or several of as many levels as fit beside the names.
pub fn counts_text(study: &Study) -> String {
    const NAMES: usize = 24;
    const HEADING: usize = 12;
    let Some((header, rows)) = counts_by_level(study) else { return String::new() };
    let header: Vec<String> = header
        .iter()
        .enumerate()
        .map(|(k, cell)| if k == 0 { cell.clone() } else { wrapped_to(cell, HEADING) })
        .collect();
    let width = |column: usize| {
        let cells = rows.iter().chain([&header]).filter_map(|r| r.get(column));
        2 + cells.flat_map(|c| c.lines()).map(|l| l.chars().count()).max().unwrap_or(0)
    };
    let mut out = String::new();
    let mut from = 1;
    while from < header.len() {
        let mut to = from;
        let mut used = NAMES;
        while to < header.len() && (to == from || used + width(to) <= WIDTH) {
            used += width(to);
            to += 1;
        }
        let part =
            |row: &[String]| -> Vec<String> { row.iter().take(1).chain(&row[from..to]).cloned().collect() };
        out.push_str(&table(part(&header), rows.iter().map(|r| part(r)).collect()));
        from = to;
    }
    out
}
