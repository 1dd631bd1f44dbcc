//! The tables that people read, at 80 columns.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use super::numbers::{interval, parameter, plain, probability, threshold, value, with_prior};
use super::words::{capitalised, plural, sentence};
use crate::posterior::{Axis, Estimate, Measure, Probability, Quantiles, Report, Scope, Statement};
use crate::study::{Assignment, Data, LocationPrior, Pooling, Shipped, Study, library_priors, open};

const WIDTH: usize = 80;

/// The first column is never narrower than this.
const NARROWEST_NAME: usize = 12;

/// Arm names in headings are wrapped to this width.
const ARM_WIDTH: usize = 11;

/// Sentences are given for up to this many subgroups; beyond, the tables speak.
const SENTENCES_UP_TO: usize = 6;

/// τ's distribution has hardly moved when no quantile of it moved by more than this much probability.
const HARDLY_MOVED: f64 = 0.1;

/// Bold and yellow for terminals; stripped by the writer where there is none.
fn bold(text: &str) -> String {
    format!("\u{1b}[1m{text}\u{1b}[0m")
}

fn warning(text: &str) -> String {
    format!("\u{1b}[1;33m{text}\u{1b}[0m")
}

/// Paragraphs of at most 80 columns, later lines indented.
fn wrapped(text: &str, indent: usize) -> Vec<String> {
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

fn push(out: &mut String, text: &str, indent: usize) {
    for line in wrapped(text, indent) {
        out.push_str(&line);
        out.push('\n');
    }
}

fn push_warning(out: &mut String, text: &str) {
    for line in wrapped(&format!("! {text}"), 2) {
        out.push_str(&warning(&line));
        out.push('\n');
    }
}

/// Aligned columns, at 80 columns in all: the first to the left and wrapped to what the others leave, the others to the
/// right.
fn table(header: Vec<String>, rows: Vec<Vec<String>>) -> String {
    const GAP: u16 = 2;
    let widest = |column: usize| {
        let cells = rows.iter().chain([&header]).filter_map(|r| r.get(column));
        cells.flat_map(|c| c.lines()).map(|l| l.chars().count()).max().unwrap_or(0)
    };
    let others: usize = (1..header.len()).map(|c| widest(c) + GAP as usize).sum();
    let first = WIDTH.saturating_sub(others).max(NARROWEST_NAME);
    let columns = header.len();
    let header_lines = header.iter().map(|h| h.lines().count()).max().unwrap_or(1);
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header);
    for mut row in rows {
        if let Some(name) = row.first_mut() {
            *name = wrapped_to(name, first);
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
        text.push_str(&if i < header_lines { bold(line) } else { line.to_string() });
        text.push('\n');
    }
    text
}

/// A name on as many lines as it needs; single words longer than the width are broken.
fn wrapped_to(name: &str, width: usize) -> String {
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
            let tail = rest.split_off(width);
            lines.push(rest.into_iter().collect());
            rest = tail;
        }
        lines.push(rest.into_iter().collect());
    }
    lines.join("\n")
}

/// The first lines of every output: title, design, direction, statements.
fn heading(study: &Study) -> String {
    let mut out = String::new();
    for line in wrapped(&study.title, 0) {
        out.push_str(&bold(&line));
        out.push('\n');
    }
    let n = study.data.names().len();
    let design = match study.assignment {
        Assignment::Randomised => "randomised",
        Assignment::Observational => "observational",
    };
    let size = match (&study.data, study.audit().patients) {
        (Data::Counts(_), Some(patients)) => {
            format!(", {} patient{}", grouped(patients), if patients == 1 { "" } else { "s" })
        }
        _ => String::new(),
    };
    let subgroups = if n == 1 {
        format!("1 {}", study.subgroup_name)
    } else {
        format!("{n} {}", plural(&study.subgroup_name))
    };
    push(
        &mut out,
        &format!(
            "{} against {}: {subgroups}{size}; {design}. {}.",
            capitalised(&study.treatment.active),
            study.treatment.control,
            capitalised(&study.direction())
        ),
        0,
    );
    for statement in study.statements() {
        push_warning(&mut out, statement);
    }
    for notice in &study.notices {
        push(&mut out, &format!("Note: {notice}"), 2);
    }
    out.push('\n');
    out
}

/// 19435 as "19,435".
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

struct Lookup<'a>(&'a Report);

impl<'a> Lookup<'a> {
    fn estimate(&self, scope: Scope, subgroup: Option<&str>, measure: Measure) -> Option<&'a Estimate> {
        self.0.estimates.iter().find(|e| {
            e.scope == scope && e.subgroup.as_deref() == subgroup && e.measure == measure && e.exact.is_some()
        })
    }

    fn probability(
        &self,
        scope: Scope,
        subgroup: Option<&str>,
        measure: Measure,
        statement: Statement,
        at: f64,
    ) -> Option<&'a Probability> {
        self.0.probabilities.iter().find(|p| {
            p.scope == scope
                && p.subgroup.as_deref() == subgroup
                && p.measure == measure
                && p.statement == statement
                && p.threshold == at
        })
    }
}

fn quantiles(e: Option<&Estimate>) -> Option<Quantiles> {
    e.and_then(|e| e.exact).map(|s| s.quantiles)
}

fn interval_or_dash(measure: Measure, q: Option<Quantiles>) -> String {
    q.map_or_else(|| "–".to_string(), |q| interval(measure, &q))
}

/// Labels of scopes other than subgroups.
fn scope_label(study: &Study, scope: Scope) -> String {
    match scope {
        Scope::Mean => format!("the average {}", study.subgroup_name),
        Scope::New => format!("a further similar {}", study.subgroup_name),
        Scope::Overall => "this study's patients".to_string(),
        Scope::Subgroup | Scope::Pair => String::new(),
    }
}

/// The table of a fit.
pub fn fit_text(study: &Study, report: &Report) -> String {
    let mut out = heading(study);
    if !report.checks.ok {
        push(&mut out, "No result: the run did not pass its checks.", 0);
        for reason in &report.checks.reasons {
            push(&mut out, &format!("- {reason}"), 2);
        }
        return out;
    }
    let lookup = Lookup(report);
    out.push_str(&effects(study, &lookup));
    out.push('\n');
    out.push_str(&probabilities(study, &lookup));
    out.push('\n');
    if report.claims.len() <= SENTENCES_UP_TO {
        for claim in &report.claims {
            push(&mut out, &sentence(study, claim), 2);
        }
        out.push('\n');
    }
    let pairs = pairs(study, report);
    if !pairs.is_empty() {
        out.push_str(&pairs);
        out.push('\n');
    }
    out.push_str(&footnotes(study, report));
    out
}

/// Raw figures and effects, one row a subgroup, then the shared ones.
fn effects(study: &Study, lookup: &Lookup<'_>) -> String {
    let measure = Measure::of(study.outcome.scale);
    let mut rows = Vec::new();
    let mut header = vec![capitalised(&study.subgroup_name)];
    match &study.data {
        Data::Counts(counts) => {
            header.extend([
                wrapped_to(&study.treatment.control, ARM_WIDTH),
                wrapped_to(&study.treatment.active, ARM_WIDTH),
                "Odds ratio (95 %)".to_string(),
                "Risk difference,\npoints (95 %)".to_string(),
            ]);
            for c in counts {
                let name = Some(c.name.as_str());
                rows.push(vec![
                    c.name.to_string(),
                    format!("{}/{}", c.control.events, c.control.total),
                    format!("{}/{}", c.active.events, c.active.total),
                    interval_or_dash(measure, quantiles(lookup.estimate(Scope::Subgroup, name, measure))),
                    interval_or_dash(
                        Measure::RiskDifference,
                        quantiles(lookup.estimate(Scope::Subgroup, name, Measure::RiskDifference)),
                    ),
                ]);
            }
        }
        Data::Estimates(estimates) => {
            header.extend([
                "Published (95 %)".to_string(),
                format!("Posterior\n{} (95 %)", measure.in_words()),
            ]);
            for e in estimates {
                let name = Some(e.name.as_str());
                rows.push(vec![
                    e.name.to_string(),
                    interval(measure, &published(study, e.estimate, e.se)),
                    interval_or_dash(measure, quantiles(lookup.estimate(Scope::Subgroup, name, measure))),
                ]);
            }
        }
    }
    for scope in [Scope::Mean, Scope::New] {
        if study.data.names().len() < 2 {
            continue;
        }
        if let Some(found) = lookup.estimate(scope, None, measure) {
            let mut row = vec![scope_label(study, scope)];
            row.extend(std::iter::repeat_n(String::new(), if rows_have_counts(study) { 2 } else { 1 }));
            row.push(interval_or_dash(measure, quantiles(Some(found))));
            if rows_have_counts(study) {
                row.push(String::new());
            }
            rows.push(row);
        }
    }
    table(header, rows)
}

fn rows_have_counts(study: &Study) -> bool {
    matches!(study.data, Data::Counts(_))
}

/// The published estimate and its normal interval, on the measure's own scale.
fn published(study: &Study, estimate: f64, se: f64) -> Quantiles {
    const Z: f64 = 1.959_963_984_540_054;
    let out = |x: f64| if study.outcome.scale.is_ratio() { x.exp() } else { x };
    Quantiles { median: out(estimate), q2_5: out(estimate - Z * se), q97_5: out(estimate + Z * se) }
}

/// Which measure the probability table is about, and the threshold in its columns.
fn primary(study: &Study) -> (Measure, Option<f64>) {
    let measure =
        if rows_have_counts(study) { Measure::RiskDifference } else { Measure::of(study.outcome.scale) };
    let key = match measure {
        Measure::RiskDifference => "risk_difference",
        _ => study.outcome.scale.key(),
    };
    match study.thresholds.primary {
        Some(("risk_difference", t)) => (Measure::RiskDifference, Some(t)),
        Some(("risk_ratio", t)) => (Measure::RiskRatio, Some(t)),
        Some((_, t)) => (Measure::of(study.outcome.scale), Some(t)),
        None => (measure, study.thresholds.of(key).first().copied()),
    }
}

/// Benefit, harm, and the primary threshold, each with its prior.
fn probabilities(study: &Study, lookup: &Lookup<'_>) -> String {
    let (measure, at) = primary(study);
    let base = if rows_have_counts(study) { Measure::RiskDifference } else { measure };
    let mut header = vec!["Probability (prior)".to_string(), "better".to_string(), "worse".to_string()];
    if let Some(t) = at {
        let t = threshold(measure, t);
        let by = match measure.axis() {
            Axis::Ratio => "ratio",
            Axis::Additive => "by",
        };
        header.extend([format!("better {by}\n≥ {t}"), format!("worse {by}\n≥ {t}")]);
    }
    let row = |label: String, scope: Scope, name: Option<&str>, base: Measure, measure: Measure| {
        let cell = |statement, measure: Measure, at: f64| {
            lookup
                .probability(scope, name, measure, statement, at)
                .map_or_else(|| "–".to_string(), |p| with_prior(p.probability, p.prior))
        };
        let mut row = vec![
            label,
            cell(Statement::Benefit, base, base.null()),
            cell(Statement::Harm, base, base.null()),
        ];
        if let Some(t) = at {
            row.push(cell(Statement::BenefitAtLeast, measure, t));
            row.push(cell(Statement::HarmAtLeast, measure, t));
        }
        row
    };
    let mut rows: Vec<Vec<String>> = study
        .data
        .names()
        .into_iter()
        .map(|name| row(name.to_string(), Scope::Subgroup, Some(name), base, measure))
        .collect();
    let effect = Measure::of(study.outcome.scale);
    for scope in [Scope::Mean, Scope::New] {
        let shared = lookup.estimate(scope, None, effect).is_some() && study.data.names().len() > 1;
        if shared {
            let at_measure = if measure == effect { measure } else { Measure::RiskDifference };
            rows.push(row(scope_label(study, scope), scope, None, effect, at_measure));
        }
    }
    let mut out = String::new();
    if study.assignment == Assignment::Observational {
        push(
            &mut out,
            &format!(
                "Probability that the outcome associated with {} is better or worse, given this model",
                study.treatment.active
            ),
            0,
        );
    } else {
        push(
            &mut out,
            &format!(
                "Probability that {} makes the outcome better or worse, given this model",
                study.treatment.active
            ),
            0,
        );
    }
    out + &table(header, rows)
}

/// Ratios and opposite directions, two subgroups at a time.
fn pairs(study: &Study, report: &Report) -> String {
    let contrast = Measure::contrast_of(study.outcome.scale);
    let find = |a: &Option<String>, b: &Option<String>, statement: Statement| {
        report
            .probabilities
            .iter()
            .find(|p| p.statement == statement && p.subgroup == *a && p.subgroup_b == *b)
            .map_or((None, None), |p| (p.probability, p.prior))
    };
    let rows: Vec<Vec<String>> = report
        .estimates
        .iter()
        .filter(|e| e.scope == Scope::Pair && e.measure == contrast)
        .map(|e| {
            let (a, b) = (&e.subgroup, &e.subgroup_b);
            let shown = |(p, prior)| with_prior(p, prior);
            let names = |n: &Option<String>| n.clone().unwrap_or_default();
            vec![
                format!("{} : {}", names(a), names(b)),
                e.exact.map_or_else(|| "–".to_string(), |s| interval(contrast, &s.quantiles)),
                shown(find(a, b, Statement::BenefitAndHarm)),
                shown(find(b, a, Statement::BenefitAndHarm)),
            ]
        })
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    let mut out = String::new();
    push(&mut out, "Two at a time, A : B, probabilities with their prior values", 0);
    let label = match contrast {
        Measure::DifferenceOfDifferences => "A minus B",
        _ => "Ratio of ratios (95 %)",
    };
    let header = vec![
        capitalised(&plural(&study.subgroup_name)),
        label.to_string(),
        "A +, B −".to_string(),
        "A −, B +".to_string(),
    ];
    out.push_str(&table(header, rows));
    push(&mut out, "A +, B −: better in A and worse in B, jointly.", 2);
    out
}

fn footnotes(study: &Study, report: &Report) -> String {
    let mut out = String::new();
    let priors = &study.priors;
    let mut words = format!("Priors: effect {}", priors.effect.words);
    if let Some(h) = &priors.heterogeneity {
        words += &format!("; heterogeneity {}", h.words);
    }
    if let Some(b) = &priors.baseline {
        words += &format!("; baseline {}", b.words);
    }
    words += match study.pooling {
        Pooling::Partial => ". Partial pooling.",
        Pooling::None => ". No pooling: each subgroup alone.",
        Pooling::Complete if study.data.names().len() > 1 => ". Complete pooling: one effect for all.",
        Pooling::Complete => ".",
    };
    push(&mut out, &words, 2);
    let tau = report.parameters.iter().find(|p| p.name == "tau");
    if let (Some(tau), Some(moved)) = (tau.and_then(|t| t.exact.zip(t.prior)), report.heterogeneity_learned) {
        let of = |q: &Quantiles| format!("{} ({} to {})", plain(q.median), plain(q.q2_5), plain(q.q97_5));
        let verdict = if moved < HARDLY_MOVED {
            " The data say almost nothing about it: the subgroup results rest on its prior."
        } else {
            ""
        };
        push(
            &mut out,
            &format!("Heterogeneity τ: {}, prior {}.{verdict}", of(&tau.0.quantiles), of(&tau.1)),
            2,
        );
    }
    push(
        &mut out,
        &format!(
            "Computed by numerical integration, not by sampling. Medians and central 95 % intervals{}.",
            if rows_have_counts(study) && report.claims.len() <= SENTENCES_UP_TO {
                "; NNTB and NNTH: number needed to treat to benefit and to harm"
            } else {
                ""
            }
        ),
        2,
    );
    if study.data.names().len() > 1 && rows_have_counts(study) {
        push(
            &mut out,
            &format!(
                "For {}, all together, sampling is needed: not in this version.",
                scope_label(study, Scope::Overall)
            ),
            2,
        );
    }
    out
}

/// The audit, and what the priors imply.
pub fn check_text(study: &Study, prior: Option<&Report>) -> String {
    let mut out = heading(study);
    let audit = study.audit();
    let has_counts = rows_have_counts(study);
    let rows: Vec<Vec<String>> = audit
        .rows
        .iter()
        .map(|r| {
            let mut row = vec![r.subgroup.to_string()];
            for cell in [&r.control, &r.active].into_iter().flatten() {
                row.push(format!("{}/{}", cell.events, cell.total));
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
            wrapped_to(&study.treatment.control, ARM_WIDTH),
            "risk".to_string(),
            wrapped_to(&study.treatment.active, ARM_WIDTH),
            "risk".to_string(),
        ]);
    } else {
        let scale = if study.outcome.scale.is_ratio() { "log " } else { "" };
        header.extend([format!("{scale}{}", study.outcome.scale.measure_in_words()), "SE".to_string()]);
    }
    out.push_str(&table(header, rows));
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
        push(&mut out, &text, 2);
    }
    out.push('\n');
    push(
        &mut out,
        &format!(
            "Assignment: {}. Eligibility: {}. Time zero: {}.",
            match audit.assignment {
                Assignment::Randomised => "randomised",
                Assignment::Observational => "observational",
            },
            audit.eligibility,
            audit.time_zero
        ),
        2,
    );
    push(&mut out, &format!("Direction: {}.", audit.direction), 2);
    out.push_str(&sources(&audit));
    if let Some(note) = &audit.note {
        push(&mut out, &format!("Note: {note}"), 2);
    }
    for citation in &study.citation {
        push(&mut out, &format!("Cites: {citation}"), 2);
    }
    out.push('\n');
    out.push_str(&implied(study, prior));
    if let Some(expected) = study.expected_odds_ratio {
        out.push('\n');
        out.push_str(&library(study, expected));
    }
    out
}

/// How each figure was obtained; once where all agree.
fn sources(audit: &crate::study::Audit) -> String {
    let mut out = String::new();
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
        push(&mut out, &format!("Figures: all {}.", first.1.trim_start_matches("estimate ")), 2);
    } else {
        for (name, text) in lines {
            push(&mut out, &format!("Figures of {name}: {text}."), 2);
        }
    }
    out
}

/// What is believed of every reported quantity before the data.
fn implied(study: &Study, prior: Option<&Report>) -> String {
    let mut out = String::new();
    let Some(prior) = prior else {
        let why = if matches!(study.priors.effect.distribution, LocationPrior::Flat) {
            "The effect prior is flat: it implies no probabilities."
        } else {
            "What these priors imply needs sampling: not in this version."
        };
        push(&mut out, why, 0);
        return out;
    };
    let mut rows = Vec::new();
    let first = study.data.names().first().map(|n| (*n).to_string());
    let mut add = |label: String, scope: Scope, e: &Estimate| {
        let benefit = prior.probabilities.iter().find(|p| {
            p.scope == scope
                && p.statement == Statement::Benefit
                && p.measure == e.measure
                && p.subgroup == e.subgroup
        });
        rows.push(vec![
            label,
            interval_or_dash(e.measure, quantiles(Some(e))),
            benefit.map_or_else(String::new, |p| probability(p.probability)),
        ]);
    };
    for e in prior.estimates.iter().filter(|e| e.exact.is_some()) {
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
    if let Some(tau) = prior.parameters.iter().find(|p| p.name == "tau").and_then(|p| p.exact) {
        let q = tau.quantiles;
        let text = format!("{} ({} to {})", plain(q.median), plain(q.q2_5), plain(q.q97_5));
        rows.push(vec!["heterogeneity τ".to_string(), text, String::new()]);
    }
    out.push_str(&table(
        vec!["Before any data".to_string(), "median (95 %)".to_string(), "P(better)".to_string()],
        rows,
    ));
    let mut words = Vec::new();
    for p in prior.probabilities.iter().filter(|p| p.scope == Scope::Subgroup && p.subgroup == first) {
        let what = match p.statement {
            Statement::BenefitAtLeast => "better",
            _ => continue,
        };
        words.push(format!(
            "{what} by ≥ {} {}",
            threshold(p.measure, p.threshold),
            probability(p.probability)
        ));
    }
    if !words.is_empty() {
        push(&mut out, &format!("In any {}: {}.", study.subgroup_name, words.join(", ")), 2);
    }
    let priors = &study.priors;
    let mut text = format!("Priors: effect {}", priors.effect.words);
    if let Some(h) = &priors.heterogeneity {
        text += &format!("; heterogeneity {}", h.words);
    }
    if let Some(b) = &priors.baseline {
        text += &format!("; baseline {}", b.words);
    }
    push(&mut out, &format!("{text}."), 2);
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

/// The shipped models.
pub fn list_text(models: &[Shipped]) -> String {
    let rows = models
        .iter()
        .filter_map(|m| {
            let study = open(m.name).ok()?;
            let mut kind = match study.assignment {
                Assignment::Randomised => "randomised".to_string(),
                Assignment::Observational => "observational".to_string(),
            };
            if study.illustrative {
                kind += ", illustrative";
            }
            Some((m.name, study.title, kind))
        })
        .collect::<Vec<_>>();
    let mut out = String::new();
    for (name, title, kind) in rows {
        out.push_str(&bold(name));
        out.push('\n');
        push(&mut out, &format!("  {title} ({kind})"), 2);
    }
    out
}
