//! The audit, and what the priors imply.

use super::super::baseline_conflict::baseline_conflict_line;
use super::super::numbers::{parameter, plain, probability, threshold, value};
use super::super::words::{all_priors, capitalised, whose};
use super::columns::Columns;
use super::layout::{
    arms_wrapped, grouped, heading, push, push_assumptions, push_passage, rows_have_counts, shown_interval,
    table,
};
use super::levels::counts_text;
use crate::compare::bias::implied as implied_by_bias;
use crate::compare::is_reference_only;
use crate::posterior::{
    Arms, Axis, Estimand, Estimate, LARGE, Measure, Parameter, ParameterRow, Report, Statement, Whom,
    level_counts,
};
use crate::report::{levels, observations, weighting};
use crate::study::{
    ArmCounts, AuditCell, AuditRow, DrawsFile, Factors, FittedUnder, LibraryPrior, PatientFile, Study,
    library_priors,
};

/// The audit of the data and what the priors imply, as text for a terminal.
pub fn check_text(study: &Study, prior: Option<&Report>) -> String {
    let mut out = heading(study);
    if study.weighting.is_some() {
        for part in weighting::design(study).by_title() {
            push_passage(&mut out, &part);
            out.push('\n');
        }
    }
    let (header, rows, lines) = audit_cells(study);
    match &study.factors {
        // At the design stage nothing was counted but patients, who stand above.
        _ if study.is_design_alone() => {}
        // Combinations of levels are many and small.
        Some(factors) if study.data.has_risks() => out.push_str(&levels_table(study, factors)),
        _ => out.push_str(&table(arms_wrapped(study, header), rows)),
    }
    for line in lines.iter().filter(|_| !study.is_design_alone()) {
        push(&mut out, line, 2);
    }
    let by_level = counts_text(study);
    if !by_level.is_empty() {
        out.push('\n');
        out.push_str(&by_level);
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
    for line in sources(study, &audit).iter().filter(|_| !study.is_design_alone()) {
        push(&mut out, line, 2);
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
        push(&mut out, "Biases that the model allows for:", 0);
        push_assumptions(&mut out, study);
        let implied = implied_by_bias(study);
        if !implied.is_empty() {
            out.push_str(&super::bias::implied_table(study, &implied));
        }
        out.push('\n');
    }
    out.push_str(&implied(study, prior));
    for line in levels::about(study) {
        push(&mut out, &line, 2);
    }
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
    lines.extend(sources(study, &audit));
    lines.extend(audit.file.iter().flat_map(rows_read));
    lines.extend(audit.note.map(|note| format!("Note: {note}")));
    (header, rows, lines)
}

/// What a file of draws holds, and how near to normal they are.
fn account_of_draws(file: &DrawsFile) -> String {
    let chains = if file.chains == 1 { "1 chain".to_string() } else { format!("{} chains", file.chains) };
    let prior = match file.fitted_under {
        FittedUnder::Flat => "fitted under a flat prior".to_string(),
        prior => format!("fitted under {}, which is divided out", prior.in_words()),
    };
    format!(
        "From {} draws ({chains}) in {}, {prior}; worth at least {} independent ones. Mardia's skewness {:.2} (normal: 0), kurtosis {:.2} (normal: {}); of single subgroups at most {:.2} and {:.2} in excess.",
        grouped(file.draws as u64),
        file.file,
        grouped(file.least_effective as u64),
        file.skewness,
        file.kurtosis,
        file.normal_kurtosis,
        file.largest_skewness.abs(),
        file.largest_excess_kurtosis.abs()
    )
}

/// How the errors of estimates from one fit are correlated.
fn one_fit(study: &Study) -> Option<String> {
    let covariance = study.data.covariance()?;
    let names = study.data.names();
    let (a, b, strongest) = covariance.strongest()?;
    let strongest = format!(
        "{}{:.2} ({} and {})",
        if strongest < 0.0 { "−" } else { "" },
        strongest.abs(),
        names[a],
        names[b]
    );
    Some(match names.len() {
        2 => format!("From one fit: their errors are correlated, {strongest}."),
        _ => format!("From one fit: their errors are correlated, the strongest correlation {strongest}."),
    })
}

/// "26/114 +3": events, patients, and those whose outcome is missing.
fn events(cell: Option<&AuditCell>) -> String {
    let shown = |c: &AuditCell| {
        let missing = if c.missing > 0 { format!(" +{}", c.missing) } else { String::new() };
        format!("{}/{}{missing}", c.events, c.total)
    };
    cell.map_or_else(String::new, shown)
}

fn risk(cell: Option<&AuditCell>) -> String {
    let shown = |c: &AuditCell| match c.total {
        0 => "–".to_string(),
        total => format!("{:.1} %", 100.0 * c.events as f64 / total as f64),
    };
    cell.map_or_else(String::new, shown)
}

/// Rows of the audit by level of each factor, where there are several: counts of all who are of the level.
fn rows_by_level(study: &Study, factors: &Factors) -> Vec<(String, Option<[ArmCounts; 2]>)> {
    let mut rows = Vec::new();
    for (f, factor) in factors.all.iter().enumerate() {
        rows.push((capitalised(&factor.name), None));
        for (l, level) in factor.levels.iter().enumerate() {
            rows.push((format!("  {level}"), level_counts(study, factors, Whom::Level(f, l))));
        }
    }
    rows
}

fn levels_table(study: &Study, factors: &Factors) -> String {
    type Row = (String, Option<[ArmCounts; 2]>);
    let mut columns: Columns<'_, Row> = Columns::new();
    columns.add("Level", |(name, _)| name.clone());
    for (a, arm) in study.treatment.arms.iter().enumerate() {
        let cell = move |row: &Row| row.1.as_ref().map(|arms| AuditCell::of(&arms[a]));
        columns.add(observations::arm_heading(study, arm), move |r| events(cell(r).as_ref()));
        columns.add("risk", move |r| risk(cell(r).as_ref()));
    }
    let (header, cells) = columns.cells(rows_by_level(study, factors));
    table(arms_wrapped(study, header), cells)
}

fn audit_cells(study: &Study) -> (Vec<String>, Vec<Vec<String>>, Vec<String>) {
    let audit = study.audit();
    let has_counts = rows_have_counts(study);
    let mut columns: Columns<'_, &AuditRow> = Columns::new();
    let kind = match &study.factors {
        Some(factors) => capitalised(&factors.names().join(", ")),
        None => capitalised(&study.subgroup_name),
    };
    columns.add(kind, |r| r.subgroup.to_string());
    if has_counts {
        for (a, arm) in study.treatment.arms.iter().enumerate() {
            columns.add(observations::arm_heading(study, arm), move |r| events(r.cells().nth(a)));
            columns.add("risk", move |r| risk(r.cells().nth(a)));
        }
    } else {
        let scale = if study.outcome.scale.is_ratio() { "log " } else { "" };
        let number = |x: Option<f64>| x.map_or_else(String::new, plain);
        let measure = study.outcome.scale.measure_in_words();
        columns.add(format!("{scale}{measure}"), move |r| number(r.estimate));
        columns.add("SE", move |r| number(r.se));
    }
    let (header, rows) = columns.cells(&audit.rows);
    let mut lines = Vec::new();
    if has_counts {
        let cells = audit.zero_or_full_cells;
        let text = match cells {
            0 => "No empty or full cells.".to_string(),
            1 => "1 cell without events or with nothing but events; it is not corrected.".to_string(),
            n => format!("{n} cells without events or with nothing but events; they are not corrected."),
        };
        lines.push(text);
        if audit.rows.iter().flat_map(AuditRow::cells).any(|c| c.missing > 0) {
            lines.push("+: further patients whose outcome is missing.".to_string());
        }
    }
    lines.extend(one_fit(study));
    lines.extend(study.draws.as_deref().map(account_of_draws));
    (header, rows, lines)
}

/// What was found in a column: itself, one of its levels, its numbers.
#[derive(Default)]
struct Found {
    what: String,
    taken_as: String,
    rows: Option<u64>,
}

/// Levels that are listed of a column.
const MOST_LEVELS: usize = 12;

/// Rows read and used, and what was found in the columns.
fn patient_file(file: &PatientFile) -> String {
    let mut out = String::new();
    for line in rows_read(file) {
        push(&mut out, &line, 2);
    }
    let mut found = Vec::new();
    for c in &file.columns {
        found.push(Found { what: format!("{} ({}):", c.column, c.role), ..Found::default() });
        found.extend(c.levels.iter().take(MOST_LEVELS).map(|l| Found {
            what: format!("- {}", l.value),
            taken_as: l.taken_as.clone(),
            rows: Some(l.rows),
        }));
        if let Some(n) = &c.numbers {
            let range = format!(
                "- {} to {}, mean {}, SD {}",
                plain(n.least),
                plain(n.largest),
                plain(n.mean),
                plain(n.sd)
            );
            found.push(Found { what: range, taken_as: "a number".to_string(), rows: Some(file.rows_used) });
        }
        if let Some(more) = c.levels.len().checked_sub(MOST_LEVELS).filter(|n| *n > 0) {
            found.push(Found { what: format!("- {more} more"), ..Found::default() });
        }
        if c.missing > 0 {
            let taken_as = "missing".to_string();
            found.push(Found { what: "- empty".to_string(), taken_as, rows: Some(c.missing) });
        }
    }
    let mut columns: Columns<'_, Found> = Columns::new();
    columns.add("Columns, and what they hold", |f| f.what.clone());
    columns.add("taken as", |f| f.taken_as.clone());
    columns.add("rows", |f| f.rows.map_or_else(String::new, grouped));
    out.push_str(&columns.table(found));
    out
}

/// What became of the rows, and columns that have no information or repeat another.
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
        lines.push(format!("Columns with one value in every row: {}.", file.constant_columns.join(", ")));
    }
    for [first, second] in &file.duplicate_columns {
        lines.push(format!("Column {second} repeats column {first}."));
    }
    lines
}

/// How each figure was obtained; once where all agree.
fn sources(study: &Study, audit: &crate::study::Audit) -> Vec<String> {
    let several = study.treatment.has_several_arms();
    let named = |a: usize| match (a, several) {
        (0, _) => "control",
        (_, false) => "active",
        (a, true) => study.treatment.arms.get(a).map_or("", String::as_str),
    };
    let mut lines = Vec::new();
    let published = audit.rows.iter().any(|r| r.estimate.is_some()) && study.weighting.is_none();
    let what = if published { "estimates" } else { "counts" };
    for r in &audit.rows {
        let figures: Vec<(&str, Option<&str>)> = r
            .cells()
            .enumerate()
            .map(|(a, cell)| (named(a), cell.source.as_deref()))
            // Of weighted patients the estimate is the program's own.
            .chain(
                r.estimate.filter(|_| study.weighting.is_none()).map(|_| ("estimate", r.source.as_deref())),
            )
            .collect();
        let stated = |s: Option<&str>| s.unwrap_or("not stated").to_string();
        let each = match figures.as_slice() {
            [(_, a), rest @ ..] if !rest.is_empty() && rest.iter().all(|(_, b)| a == b) => stated(*a),
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
        return vec![format!("Source of the {}: {}.", what, first.1.trim_start_matches("estimate "))];
    }
    lines.into_iter().map(|(name, text)| format!("Source of the {what} of {name}: {text}.")).collect()
}

/// A quantity before the data.
struct Believed {
    label: String,
    interval: String,
    benefit: String,
}

/// What is believed of a subgroup's arms before the data: before it every active arm is like any other.
fn implied_of_arms(study: &Study, prior: &Report) -> Vec<Believed> {
    let is_told = |e: &&Estimate| {
        let first = matches!(e.estimand.whom, Whom::Subgroup(0));
        first && !matches!(e.estimand.measure, Measure::RiskRatio | Measure::Rank)
    };
    let row = |e: &Estimate| {
        let arms = e.estimand.arms?;
        let whom = if study.undivided { String::new() } else { format!("any {}: ", study.subgroup_name) };
        let which = match arms {
            Arms::One(0) => study.treatment.control().to_string(),
            Arms::One(1) => "an active arm".to_string(),
            Arms::Pair(1, 0) => format!("an active arm against {}", study.treatment.control()),
            Arms::Pair(2, 1) => "two active arms".to_string(),
            _ => return None,
        };
        let benefit = prior.probability(e.estimand, Statement::Benefit, e.estimand.measure.null());
        Some(Believed {
            label: format!("{whom}{}, {which}", e.estimand.measure.in_words()),
            interval: shown_interval(Some(e)),
            benefit: benefit.map_or_else(String::new, |p| probability(p.best())),
        })
    };
    prior.estimates.iter().filter(is_told).filter_map(row).collect()
}

/// The first level of the first factor, which stands for all: they differ by what their patients' other levels are.
fn first_level(study: &Study) -> String {
    let factors = study.factors.as_deref();
    factors.map_or_else(String::new, |f| format!("{} {}", f.all[0].name, f.level(0, 0)))
}

/// What is believed of every reported quantity before the data.
fn implied(study: &Study, prior: Option<&Report>) -> String {
    let mut out = String::new();
    let Some(prior) = prior else {
        push(&mut out, "The effect prior is flat: it implies no probabilities.", 0);
        return out;
    };
    let mut rows: Vec<Believed> = implied_of_arms(study, prior);
    let mut beyond = false;
    let mut add = |label: String, e: &Estimate| {
        let benefit = prior.probability(e.estimand, Statement::Benefit, e.estimand.measure.null());
        let best = e.best();
        beyond |= best.is_some_and(|q| [q.q2_5, q.median, q.q97_5].iter().any(|x| x.is_infinite()));
        let benefit = benefit.map_or_else(String::new, |p| probability(p.best()));
        rows.push(Believed { label, interval: shown_interval(Some(e)), benefit });
    };
    for e in prior.estimates.iter().filter(|e| e.best().is_some() && e.estimand.arms.is_none()) {
        if is_told_by_another(study, e.estimand) {
            continue;
        }
        let cut = e.estimand.cut.zip(study.outcome.levels.as_ref());
        let measure = match cut {
            Some((cut, scale)) => e.estimand.measure.in_words().replace(AT_A_CUT, &scale.cut_in_words(cut)),
            None => e.estimand.measure.in_words().to_string(),
        };
        match e.estimand.whom {
            Whom::Subgroup(0) if study.undivided => add(measure, e),
            Whom::Mean if study.undivided => {}
            Whom::Subgroup(0) => add(format!("any {}: {measure}", study.subgroup_name), e),
            Whom::Level(0, 0) => add(format!("{}: {measure}", first_level(study)), e),
            Whom::Mean => add(format!("{}: {measure}", whose(study, Whom::Mean)), e),
            Whom::Pair(..) => add(format!("two {}: {measure}", study.subgroups()), e),
            _ => {}
        }
    }
    for (key, label) in [
        (Parameter::Tau, "heterogeneity τ"),
        (Parameter::TauOf(0), "heterogeneity τ of any factor"),
        (Parameter::Slab, "slab of the horseshoe"),
    ] {
        if let Some(q) = prior.parameter(key).and_then(ParameterRow::best) {
            let interval = format!("{} ({} to {})", plain(q.median), plain(q.q2_5), plain(q.q97_5));
            rows.push(Believed { label: label.to_string(), interval, benefit: String::new() });
        }
    }
    let mut columns: Columns<'_, Believed> = Columns::new();
    columns.add("Before any data", |b| b.label.clone());
    columns.add("median (95 %)", |b| b.interval.clone());
    columns.add("P(better)", |b| b.benefit.clone());
    out.push_str(&columns.table(rows));
    if beyond {
        push(
            &mut out,
            "\"Beyond 1e308\": this quantile of the prior is larger than numbers can be. Is the prior as wide as you meant?",
            0,
        );
    }
    let mut words = Vec::new();
    for p in prior.probabilities.iter().filter(|p| p.statement == Statement::BenefitAtLeast) {
        let any = matches!(p.estimand.whom, Whom::Subgroup(0) | Whom::Level(0, 0));
        if any && p.estimand.arms.is_none_or(|a| a == Arms::Pair(1, 0)) {
            let measure = p.estimand.measure;
            let by = match measure.axis() {
                Axis::Ratio => "better by a factor of ",
                Axis::Additive => "better by ",
                Axis::Chance => "",
            };
            // Beside risk differences and odds ratios it is said what is meant.
            let of = if measure.counts_what_is_better() { measure.in_words() } else { "" };
            let size = format!("{by}≥ {}", threshold(measure, p.threshold));
            words.push(format!("P({}) {}", format!("{of} {size}").trim_start(), probability(p.best())));
        }
    }
    if !words.is_empty() {
        let whom = match study.undivided {
            true => "Before any data".to_string(),
            false if study.factors.is_some() => format!("At {}", first_level(study)),
            false => format!("In any {}", study.subgroup_name),
        };
        let whom = match study.treatment.has_several_arms() {
            true => format!("{whom}, an active arm against {}", study.treatment.control()),
            false => whom,
        };
        push(&mut out, &format!("{whom}: {}.", words.join(", ")), 2);
    }
    out.push_str(&extremes(study, prior));
    let text = format!("Priors: {}", all_priors(study));
    push(&mut out, &format!("{text}."), 2);
    if let Some(line) = baseline_conflict_line(study) {
        push(&mut out, &line, 2);
    }
    out
}

/// How the words of a measure at a cut name it.
const AT_A_CUT: &str = "above a cut";

/// Whether a row of ordered levels adds nothing to what the others say before the data: odds, ratio and net benefit of wins are
/// functions of the win probability, the arms are alike, and without a departure so are the cuts' odds ratios.
fn is_told_by_another(study: &Study, estimand: Estimand) -> bool {
    let primary = study.outcome.levels.as_ref().map(|scale| scale.primary);
    match estimand.measure {
        Measure::WinOdds
        | Measure::WinRatio
        | Measure::NetBenefit
        | Measure::CutRiskActive
        | Measure::CutRiskDifference => true,
        Measure::CutRiskControl => estimand.cut == primary,
        Measure::CutOddsRatio => study.priors.levels.as_ref().is_none_or(|l| l.departure.is_none()),
        _ => false,
    }
}

/// What a prior says without being asked: very large differences, opposite effects, and that it is no belief.
fn extremes(study: &Study, prior: &Report) -> String {
    let mut out = String::new();
    let difference = Estimand::of_subgroup(0, Measure::RiskDifference);
    let at_least = |statement| prior.probability(difference, statement, LARGE).and_then(|p| p.best());
    if let (Some(up), Some(down)) = (at_least(Statement::BenefitAtLeast), at_least(Statement::HarmAtLeast)) {
        push(
            &mut out,
            &format!(
                "P(risk difference beyond {} in either direction): {}.",
                threshold(Measure::RiskDifference, LARGE),
                probability(Some(up + down))
            ),
            2,
        );
    }
    let effect = Measure::of(study.outcome.scale);
    let pair = Estimand::new(Whom::Pair(0, 1), effect);
    let opposed = prior.probability(pair, Statement::BenefitAndHarm, effect.null());
    if let Some(p) = opposed.and_then(|p| p.best()) {
        push(
            &mut out,
            &format!(
                "Of two {}: P(better in the first and worse in the second) {}.",
                study.subgroups(),
                probability(Some(p))
            ),
            2,
        );
    }
    if is_reference_only(study) {
        push(&mut out, "The effect prior is nearly flat: a reference, not a belief that anyone holds.", 2);
    }
    out
}

/// The reanalysis library's priors for μ with their derived signs.
fn library(study: &Study, expected: f64) -> String {
    let mut columns: Columns<'_, LibraryPrior> = Columns::new();
    columns.add("Belief", |p| format!("{}, {}", p.belief, p.strength));
    columns.add("log odds ratio", |p| format!("normal({}, {})", parameter(p.mean), parameter(p.sd)));
    columns.add("odds ratio", |p| value(Measure::OddsRatio, p.mean.exp()));
    let mut out = String::new();
    push(
        &mut out,
        &format!("Priors of the reanalysis library for μ (Zampieri 2021), expected odds ratio {expected}"),
        0,
    );
    out + &columns.table(library_priors(expected, study.outcome.higher_is))
}
