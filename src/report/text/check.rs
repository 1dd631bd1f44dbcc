//! The audit, and what the priors imply.

use super::super::baseline_conflict::baseline_conflict_line;
use super::super::numbers::{parameter, plain, probability, threshold, value};
use super::super::words::{all_priors, capitalised, plural};
use super::layout::{
    arms_wrapped, grouped, heading, push, push_assumptions, rows_have_counts, scope_label, shown_interval,
    table,
};
use crate::compare::bias::implied as implied_by_bias;
use crate::compare::is_reference_only;
use crate::posterior::{Estimate, LARGE, Measure, Parameter, ParameterRow, Report, Scope, Statement};
use crate::study::{PatientFile, Study, library_priors};

/// The audit, and what the priors imply.
pub fn check_text(study: &Study, prior: Option<&Report>) -> String {
    let mut out = heading(study);
    let (header, rows, lines) = audit_cells(study);
    out.push_str(&table(arms_wrapped(study, header), rows));
    for line in lines {
        push(&mut out, &line, 2);
    }
    let audit = study.audit();
    out.push('\n');
    push(
        &mut out,
        &format!(
            "Assignment: {}. Eligibility: {}. Time zero: {}.",
            audit.assignment.in_words(),
            audit.eligibility,
            audit.time_zero
        ),
        2,
    );
    push(&mut out, &format!("Direction: {}.", audit.direction), 2);
    for line in sources(&audit) {
        push(&mut out, &line, 2);
    }
    if let Some(note) = &audit.note {
        push(&mut out, &format!("Note: {note}"), 2);
    }
    if let Some(file) = &audit.file {
        out.push('\n');
        out.push_str(&patient_file(file));
    }
    for citation in &study.citation {
        push(&mut out, &format!("Cites: {citation}"), 2);
    }
    out.push('\n');
    if study.bias.as_ref().is_some_and(|b| !b.assumptions.is_empty()) {
        push(&mut out, "Bias allowed for:", 0);
        push_assumptions(&mut out, study);
        let implied = implied_by_bias(study);
        if !implied.is_empty() {
            out.push_str(&super::bias::implied_table(study, &implied));
        }
        out.push('\n');
    }
    out.push_str(&implied(study, prior));
    if let Some(expected) = study.expected_odds_ratio {
        out.push('\n');
        out.push_str(&library(study, expected));
    }
    out
}

/// What was read, as the page shows it: the table's heading and rows, and what is said of them, of the assignment and of
/// how the figures were obtained.
pub fn audit_table(study: &Study) -> (Vec<String>, Vec<Vec<String>>, Vec<String>) {
    let (header, rows, mut lines) = audit_cells(study);
    let audit = study.audit();
    lines.extend(sources(&audit));
    lines.extend(audit.file.iter().flat_map(rows_read));
    lines.extend(audit.note.map(|note| format!("Note: {note}")));
    (header, rows, lines)
}

fn audit_cells(study: &Study) -> (Vec<String>, Vec<Vec<String>>, Vec<String>) {
    let audit = study.audit();
    let has_counts = rows_have_counts(study);
    let rows: Vec<Vec<String>> = audit
        .rows
        .iter()
        .map(|r| {
            let mut row = vec![r.subgroup.to_string()];
            for cell in [&r.control, &r.active].into_iter().flatten() {
                let missing = if cell.missing > 0 { format!(" +{}", cell.missing) } else { String::new() };
                row.push(format!("{}/{}{missing}", cell.events, cell.total));
                row.push(if cell.total == 0 {
                    "–".to_string()
                } else {
                    format!("{:.1} %", 100.0 * cell.events as f64 / cell.total as f64)
                });
            }
            if let (Some(estimate), Some(se)) = (r.estimate, r.se) {
                row.push(plain(estimate));
                row.push(plain(se));
            }
            row
        })
        .collect();
    let mut header = vec![capitalised(&study.subgroup_name)];
    if has_counts {
        header.extend([
            study.treatment.control.clone(),
            "risk".to_string(),
            study.treatment.active.clone(),
            "risk".to_string(),
        ]);
    } else {
        let scale = if study.outcome.scale.is_ratio() { "log " } else { "" };
        header.extend([format!("{scale}{}", study.outcome.scale.measure_in_words()), "SE".to_string()]);
    }
    let mut lines = Vec::new();
    if has_counts {
        let cells = audit.zero_or_full_cells;
        let text = match cells {
            0 => "No cell without events or with nothing but events.".to_string(),
            1 => {
                "1 cell without events or with nothing but events; no correction is made for it.".to_string()
            }
            n => format!(
                "{n} cells without events or with nothing but events; no correction is made for them."
            ),
        };
        lines.push(text);
        if audit.rows.iter().flat_map(|r| [&r.control, &r.active]).flatten().any(|c| c.missing > 0) {
            lines.push("+: further patients whose outcome is missing.".to_string());
        }
    }
    (header, rows, lines)
}

/// Levels that are listed of a column.
const MOST_LEVELS: usize = 12;

/// Rows read and used, and what was found in the columns.
fn patient_file(file: &PatientFile) -> String {
    let mut out = String::new();
    for line in rows_read(file) {
        push(&mut out, &line, 2);
    }
    let mut rows = Vec::new();
    for c in &file.columns {
        rows.push(vec![format!("{} ({}):", c.column, c.role), String::new(), String::new()]);
        rows.extend(
            c.levels
                .iter()
                .take(MOST_LEVELS)
                .map(|l| vec![format!("- {}", l.value), l.taken_as.clone(), grouped(l.rows)]),
        );
        if let Some(n) = &c.numbers {
            let range = format!(
                "- {} to {}, mean {}, SD {}",
                plain(n.least),
                plain(n.largest),
                plain(n.mean),
                plain(n.sd)
            );
            rows.push(vec![range, "a number".to_string(), grouped(file.rows_used)]);
        }
        if let Some(more) = c.levels.len().checked_sub(MOST_LEVELS).filter(|n| *n > 0) {
            rows.push(vec![format!("- {more} more"), String::new(), String::new()]);
        }
        if c.missing > 0 {
            rows.push(vec!["- nothing".to_string(), "missing".to_string(), grouped(c.missing)]);
        }
    }
    let header = ["Found in the columns", "taken as", "rows"].map(str::to_string).to_vec();
    out.push_str(&table(header, rows));
    out
}

/// What became of the rows, and columns that say nothing or the same twice.
fn rows_read(file: &PatientFile) -> Vec<String> {
    let dropped: Vec<String> =
        file.dropped.iter().map(|d| format!("{} {}", grouped(d.rows), d.why)).collect();
    let dropped = if dropped.is_empty() { "none dropped".to_string() } else { dropped.join(", ") };
    let mut lines = vec![format!(
        "{}: {} rows read, {} used; {dropped}.",
        file.file,
        grouped(file.rows_read),
        grouped(file.rows_used)
    )];
    if !file.constant_columns.is_empty() {
        lines.push(format!("The same in every row: {}.", file.constant_columns.join(", ")));
    }
    for [first, second] in &file.duplicate_columns {
        lines.push(format!("{second} repeats {first}."));
    }
    lines
}

/// How each figure was obtained; once where all agree.
fn sources(audit: &crate::study::Audit) -> Vec<String> {
    let mut lines = Vec::new();
    for r in &audit.rows {
        let figures: Vec<(&str, Option<&str>)> = [("control", &r.control), ("active", &r.active)]
            .into_iter()
            .filter_map(|(arm, cell)| cell.as_ref().map(|c| (arm, c.source.as_deref())))
            .chain(r.estimate.map(|_| ("estimate", r.source.as_deref())))
            .collect();
        let stated = |s: Option<&str>| s.unwrap_or("not stated").to_string();
        let each = match figures.as_slice() {
            [(_, a), (_, b)] if a == b => stated(*a),
            _ => {
                let parts: Vec<String> =
                    figures.iter().map(|(arm, s)| format!("{arm} {}", stated(*s))).collect();
                parts.join("; ")
            }
        };
        let from = r.citation.as_ref().map_or_else(String::new, |c| format!(" [{c}]"));
        lines.push((r.subgroup.clone(), format!("{each}{from}")));
    }
    let same = lines.windows(2).all(|w| w[0].1 == w[1].1);
    if let (true, Some(first)) = (same, lines.first()) {
        return vec![format!("Figures: all {}.", first.1.trim_start_matches("estimate "))];
    }
    lines.into_iter().map(|(name, text)| format!("Figures of {name}: {text}.")).collect()
}

/// What is believed of every reported quantity before the data.
fn implied(study: &Study, prior: Option<&Report>) -> String {
    let mut out = String::new();
    let Some(prior) = prior else {
        push(&mut out, "The effect prior is flat: it implies no probabilities.", 0);
        return out;
    };
    let mut rows = Vec::new();
    let mut beyond = false;
    let first = study.data.names().first().map(|n| (*n).to_string());
    let mut add = |label: String, scope: Scope, e: &Estimate| {
        let benefit = prior.probabilities.iter().find(|p| {
            p.scope == scope
                && p.statement == Statement::Benefit
                && p.measure == e.measure
                && p.subgroup == e.subgroup
        });
        let best = e.best();
        beyond |= best.is_some_and(|q| [q.q2_5, q.median, q.q97_5].iter().any(|x| x.is_infinite()));
        rows.push(vec![
            label,
            shown_interval(Some(e)),
            benefit.map_or_else(String::new, |p| probability(p.best())),
        ]);
    };
    for e in prior.estimates.iter().filter(|e| e.best().is_some()) {
        match e.scope {
            Scope::Subgroup if e.subgroup == first => {
                add(format!("any {}: {}", study.subgroup_name, e.measure.in_words()), e.scope, e);
            }
            Scope::Mean => {
                add(format!("{}: {}", scope_label(study, e.scope), e.measure.in_words()), e.scope, e)
            }
            Scope::Pair => {
                add(format!("two {}: {}", plural(&study.subgroup_name), e.measure.in_words()), e.scope, e)
            }
            _ => {}
        }
    }
    if let Some(q) = prior.parameter(Parameter::Tau).and_then(ParameterRow::best) {
        let text = format!("{} ({} to {})", plain(q.median), plain(q.q2_5), plain(q.q97_5));
        rows.push(vec!["heterogeneity τ".to_string(), text, String::new()]);
    }
    out.push_str(&table(
        vec!["Before any data".to_string(), "median (95 %)".to_string(), "P(better)".to_string()],
        rows,
    ));
    if beyond {
        push(
            &mut out,
            "Beyond 1e308: the prior's quantile lies outside the range of numbers. Is the prior's scale meant?",
            0,
        );
    }
    let mut words = Vec::new();
    for p in prior.probabilities.iter().filter(|p| p.scope == Scope::Subgroup && p.subgroup == first) {
        let what = match p.statement {
            Statement::BenefitAtLeast => "better",
            _ => continue,
        };
        words.push(format!("{what} by ≥ {} {}", threshold(p.measure, p.threshold), probability(p.best())));
    }
    if !words.is_empty() {
        push(&mut out, &format!("In any {}: {}.", study.subgroup_name, words.join(", ")), 2);
    }
    out.push_str(&extremes(study, prior, &first));
    let text = format!("Priors: {}", all_priors(study));
    push(&mut out, &format!("{text}."), 2);
    if let Some(line) = baseline_conflict_line(study) {
        push(&mut out, &line, 2);
    }
    out
}

/// What a prior says without being asked: very large differences, opposite effects, and that it is no belief.
fn extremes(study: &Study, prior: &Report, subgroup: &Option<String>) -> String {
    let mut out = String::new();
    let at_least = |statement: Statement| {
        prior
            .probabilities
            .iter()
            .find(|p| {
                p.scope == Scope::Subgroup
                    && p.subgroup == *subgroup
                    && p.measure == Measure::RiskDifference
                    && p.statement == statement
                    && p.threshold == LARGE
            })
            .and_then(|p| p.best())
    };
    if let (Some(up), Some(down)) = (at_least(Statement::BenefitAtLeast), at_least(Statement::HarmAtLeast)) {
        push(
            &mut out,
            &format!(
                "A risk difference beyond {} in either direction: {}.",
                threshold(Measure::RiskDifference, LARGE),
                probability(Some(up + down))
            ),
            2,
        );
    }
    let opposed = prior.probabilities.iter().find(|p| p.statement == Statement::BenefitAndHarm);
    if let Some(p) = opposed.and_then(|p| p.best()) {
        push(
            &mut out,
            &format!(
                "Of two {}: better in the first and worse in the second {}.",
                plural(&study.subgroup_name),
                probability(Some(p))
            ),
            2,
        );
    }
    if is_reference_only(study) {
        push(&mut out, "The effect prior is nearly flat: reference only, no belief.", 2);
    }
    out
}

/// The reanalysis library's priors for μ with their derived signs.
fn library(study: &Study, expected: f64) -> String {
    let rows = library_priors(expected, study.outcome.higher_is)
        .into_iter()
        .map(|p| {
            vec![
                format!("{}, {}", p.belief, p.strength),
                format!("normal({}, {})", parameter(p.mean), parameter(p.sd)),
                value(Measure::OddsRatio, p.mean.exp()),
            ]
        })
        .collect();
    let mut out = String::new();
    push(
        &mut out,
        &format!("Priors of the reanalysis library for μ (Zampieri 2021), expected odds ratio {expected}"),
        0,
    );
    out + &table(vec!["Belief".to_string(), "log odds ratio".to_string(), "odds ratio".to_string()], rows)
}
