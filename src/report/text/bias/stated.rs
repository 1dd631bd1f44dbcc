//! The bias that the model file states: what it assumes, what that means for the effect, and the results with and without.

use super::super::super::numbers::{parameter, plain, value};
use super::super::super::words::{capitalised, whose};
use super::super::layout::{push, push_assumptions, shown_interval, shown_probability, table};
use super::{above_makes_look, title};
use crate::compare::bias::{BiasComparison, Implied};
use crate::posterior::{Estimand, Measure, Report, Statement, Whom};
use crate::study::Study;

/// What is assumed, and by how much it moves what is seen.
pub fn assumed(study: &Study, c: &BiasComparison) -> String {
    let mut out = String::new();
    if c.assumptions.is_empty() {
        return out;
    }
    title(&mut out, "What [bias] assumes");
    push_assumptions(&mut out, study);
    if c.implied.is_empty() {
        return out;
    }
    out.push('\n');
    out.push_str(&implied(study, &c.implied));
    out
}

/// By how much the stated bias moves what is seen.
pub fn implied(study: &Study, implied: &[Implied]) -> String {
    let mut out = String::new();
    let measure = Measure::of(study.outcome.scale);
    let rows = implied.iter().map(|i| {
        let shown = match &i.ratio {
            Some(q) => format!(
                "{} ({} to {})",
                value(measure, q.median),
                value(measure, q.q2_5),
                value(measure, q.q97_5)
            ),
            None => format!("{} ({} to {})", plain(i.bias.median), plain(i.bias.q2_5), plain(i.bias.q97_5)),
        };
        vec![i.subgroup.clone(), shown]
    });
    let what = if study.outcome.scale.is_ratio() {
        format!("{} (95 %)", measure.in_words())
    } else {
        "bias (95 %)".to_string()
    };
    out.push_str(&table(vec!["What would be seen without any effect".to_string(), what], rows.collect()));
    push(
        &mut out,
        &format!(
            "Above {} the bias makes {} look {} than it is, below it the other way.",
            parameter(measure.null()),
            study.treatment.active(),
            above_makes_look(study)
        ),
        2,
    );
    out
}

/// Probabilities and effects, adjusted and not.
pub fn with_and_without(study: &Study, c: &BiasComparison) -> String {
    let Some(without) = c.stated.unadjusted.as_deref() else { return String::new() };
    let mut out = String::new();
    title(&mut out, "With the bias allowed for, and without");
    let effect = Measure::of(study.outcome.scale);
    let contrast = Measure::contrast_of(study.outcome.scale);
    let names = study.data.names();
    let (mut rows, mut shared, mut pairs) = (Vec::new(), Vec::new(), Vec::new());
    for (row, other) in c.stated.estimates.iter().zip(&without.estimates) {
        let Estimand { whom, measure } = row.estimand;
        let (label, statement) = match whom {
            Whom::Subgroup(_) if measure == effect => (whose(study, whom), Statement::Benefit),
            Whom::Mean | Whom::New if measure == effect && names.len() > 1 => {
                (whose(study, whom), Statement::Benefit)
            }
            Whom::Pair(a, b) if measure == contrast => {
                (format!("{} : {}", names[a], names[b]), Statement::GreaterBenefit)
            }
            _ => continue,
        };
        let find = |report: &Report| {
            let found = report.probability(row.estimand, statement, measure.null());
            found.map_or_else(|| "–".to_string(), shown_probability)
        };
        let cells = vec![
            label,
            find(&c.stated),
            find(without),
            shown_interval(Some(row)),
            shown_interval(Some(other)),
        ];
        // Subgroups first, as everywhere in text.
        match whom {
            Whom::Mean | Whom::New => shared.push(cells),
            Whom::Pair(..) => pairs.push(cells),
            _ => rows.push(cells),
        }
    }
    rows.append(&mut shared);
    rows.append(&mut pairs);
    let header = vec![
        capitalised(&study.subgroup_name),
        "P(better)".to_string(),
        "without".to_string(),
        format!("{} (95 %)", capitalised(effect.in_words())),
        "without".to_string(),
    ];
    out.push_str(&table(header, rows));
    if names.len() > 1 {
        push(&mut out, "A : B, ratio of the two (or difference), and P(better in A than in B).", 2);
    }
    out
}
