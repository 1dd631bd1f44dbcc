//! The smallest bias that changes a conclusion, E-values, and missing outcomes.

use super::super::super::numbers::{plain, probability, ratio, signed, value};
use super::super::super::words::capitalised;
use super::super::columns::Columns;
use super::super::layout::push;
use super::{above_makes_look, title};
use crate::compare::LINES;
use crate::compare::bias::{
    BiasComparison, BiasTipping, Conversion, EValueRow, MissingCase, MissingRow, Varied,
};
use crate::posterior::Statement;
use crate::study::Study;

/// Who is spoken of, and which way.
fn label(t: &BiasTipping) -> String {
    match (&t.subgroup_b, t.statement) {
        (Some(b), _) => format!("better in {} than in {b}", t.subgroup),
        (None, Statement::Benefit) => format!("{}: better", t.subgroup),
        (None, _) => format!("{}: worse", t.subgroup),
    }
}

fn lines(out: &mut String, first: &str, rows: &[&BiasTipping], shown: impl Fn(&BiasTipping) -> String) {
    let mut columns: Columns<'_, &[&BiasTipping]> = Columns::new();
    columns.add(first, |row| label(row[0]));
    columns.add("now", |row| probability(row[0].probability));
    for (k, line) in LINES.iter().enumerate() {
        let shown = &shown;
        columns.add(plain(*line), move |row| {
            let found = row.get(k).filter(|t| t.bias.is_some());
            found.map_or_else(|| "–".to_string(), |t| shown(t))
        });
    }
    out.push_str(&columns.table(rows.chunks(LINES.len())));
}

/// Biases at which each probability equals each line.
pub fn section(study: &Study, c: &BiasComparison) -> String {
    let rows: Vec<&BiasTipping> = c.tipping.iter().filter(|t| t.varied == Varied::Bias).collect();
    if rows.is_empty() {
        return String::new();
    }
    let mut out = String::new();
    let is_ratio = study.outcome.scale.is_ratio();
    let what = study.outcome.scale.measure_in_words();
    title(&mut out, &format!("The smallest bias of the {what} at which a probability equals a line"));
    lines(&mut out, "Probability", &rows, |t| {
        t.bias_ratio.map_or_else(|| t.bias.map_or_else(String::new, |b| signed(b, 2)), ratio)
    });
    let reading = if is_ratio {
        format!(
            "2: the {what} that the data show is twice the true one, and makes {} look {}; 0.5: half. –: none within twenty-fold.",
            study.treatment.active(),
            above_makes_look(study)
        )
    } else {
        format!(
            "Above 0 the data make {} look {} than it is. –: none within six standard errors.",
            study.treatment.active(),
            above_makes_look(study)
        )
    };
    push(&mut out, &reading, 2);
    push(
        &mut out,
        "The same bias in every subgroup; for two subgroups, a bias of the contrast between them.",
        2,
    );
    out
}

/// What a confounder would have to be like to explain an association away.
pub fn e_values(study: &Study, c: &BiasComparison) -> String {
    if c.e_values.is_empty() {
        return String::new();
    }
    let mut out = String::new();
    title(&mut out, "E-values of the results without any bias allowed for");
    let mut columns: Columns<'_, &EValueRow> = Columns::new();
    columns.add(capitalised(&study.subgroup_name), |e| e.subgroup.clone());
    columns.add("median", |e| format!("{} {}", e.measure.in_words(), value(e.measure, e.median)));
    columns.add("as risk\nratio", |e| ratio(e.risk_ratio));
    columns.add("E-value", |e| ratio(e.e_value));
    columns.add("interval's\nnearer end", |e| value(e.measure, e.interval_end));
    columns.add("its\nE-value", |e| ratio(e.e_value_interval));
    out.push_str(&columns.table(&c.e_values));
    let mut used = Vec::new();
    for e in &c.e_values {
        if !used.contains(&e.conversion) {
            used.push(e.conversion);
        }
    }
    push(
        &mut out,
        "The least risk ratio with which an unmeasured confounder would have to go with both treatment and outcome to explain the number away; 1 where the interval includes a ratio of 1.",
        2,
    );
    for conversion in used {
        let text = match conversion {
            Conversion::None => continue,
            Conversion::Rare => "Taken as a risk ratio as it stands: the outcome is rare (below 15 %).",
            Conversion::SquareRoot => {
                "An odds ratio of a common outcome is taken as the square of a risk ratio."
            }
            Conversion::Hazard => {
                "A hazard ratio of a common outcome is taken as the risk ratio (1 − 0.5^√HR)/(1 − 0.5^√(1/HR))."
            }
        };
        push(&mut out, text, 2);
    }
    push(&mut out, "VanderWeele & Ding, Ann Intern Med 2017;167:268.", 2);
    out
}

/// Best case, worst case, tipping shift.
pub fn missing(study: &Study, c: &BiasComparison) -> String {
    if c.missing.is_empty() {
        return String::new();
    }
    let mut out = String::new();
    title(&mut out, "Missing outcomes: P(better)");
    let of = |case: MissingCase| {
        move |name: &&str| {
            let is_told =
                |m: &&MissingRow| m.subgroup == *name && m.case == case && m.statement == Statement::Benefit;
            probability(c.missing.iter().find(is_told).and_then(|m| m.probability))
        }
    };
    let mut columns: Columns<'_, &str> = Columns::new();
    columns.add(capitalised(&study.subgroup_name), |name| (*name).to_string());
    columns.add("left out", of(MissingCase::LeftOut));
    columns.add("worst case", of(MissingCase::Worst));
    columns.add("best case", of(MissingCase::Best));
    out.push_str(&columns.table(study.data.names()));
    push(
        &mut out,
        &format!(
            "Best case: all who are missing fared well under {} and badly under {}; worst case: the other way.",
            study.treatment.active(),
            study.treatment.control()
        ),
        2,
    );
    let rows: Vec<&BiasTipping> = c.tipping.iter().filter(|t| t.varied == Varied::MissingShift).collect();
    if !rows.is_empty() {
        out.push('\n');
        lines(&mut out, "Shift at which it equals a line", &rows, |t| {
            t.bias.map_or_else(String::new, |b| signed(b, 2))
        });
        push(
            &mut out,
            &format!(
                "In log odds of {} among those missing under {}, the opposite under {}. –: none within ±4.",
                study.outcome.event,
                study.treatment.active(),
                study.treatment.control()
            ),
            2,
        );
    }
    out
}
