//! The smallest bias that changes a conclusion, E-values, and missing outcomes.

use super::super::super::numbers::{plain, probability, ratio, signed, value};
use super::super::super::words::capitalised;
use super::super::layout::{push, table};
use super::{above_makes_look, title};
use crate::compare::LINES;
use crate::compare::bias::{BiasComparison, BiasTipping, Conversion, MissingCase, Varied};
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
    let mut header = vec![first.to_string(), "now".to_string()];
    header.extend(LINES.iter().map(|l| plain(*l)));
    let rows = rows.chunks(LINES.len()).map(|row| {
        let cells = row.iter().map(|t| t.bias.map_or_else(|| "–".to_string(), |_| shown(t)));
        [label(row[0]), probability(row[0].probability)].into_iter().chain(cells).collect()
    });
    out.push_str(&table(header, rows.collect()));
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
    let mut used = Vec::new();
    let rows = c.e_values.iter().map(|e| {
        if !used.contains(&e.conversion) {
            used.push(e.conversion);
        }
        vec![
            e.subgroup.clone(),
            format!("{} {}", e.measure.in_words(), value(e.measure, e.median)),
            ratio(e.risk_ratio),
            ratio(e.e_value),
            value(e.measure, e.interval_end),
            ratio(e.e_value_interval),
        ]
    });
    let rows: Vec<Vec<String>> = rows.collect();
    let header = vec![
        capitalised(&study.subgroup_name),
        "median".to_string(),
        "as risk\nratio".to_string(),
        "E-value".to_string(),
        "interval's\nnearer end".to_string(),
        "its\nE-value".to_string(),
    ];
    out.push_str(&table(header, rows));
    push(
        &mut out,
        "The least risk ratio with which an unmeasured confounder would have to go with both treatment and outcome to explain the number away; 1 where the interval holds no effect.",
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
    let rows = study.data.names().into_iter().map(|name| {
        let of = |case: MissingCase| {
            let row = c
                .missing
                .iter()
                .find(|m| m.subgroup == name && m.case == case && m.statement == Statement::Benefit);
            probability(row.and_then(|m| m.probability))
        };
        vec![name.to_string(), of(MissingCase::LeftOut), of(MissingCase::Worst), of(MissingCase::Best)]
    });
    let header = vec![
        capitalised(&study.subgroup_name),
        "left out".to_string(),
        "worst case".to_string(),
        "best case".to_string(),
    ];
    out.push_str(&table(header, rows.collect()));
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
