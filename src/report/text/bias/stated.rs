//! The bias that the model file states: what it assumes, what that means for the effect, and the results with and without.

use super::super::super::numbers::{parameter, plain, value};
use super::super::super::words::{capitalised, whose};
use super::super::columns::Columns;
use super::super::layout::{push, push_assumptions, shown_interval, shown_probability};
use super::{above_makes_look, title};
use crate::compare::bias::{BiasComparison, Implied};
use crate::posterior::{Estimand, Estimate, Measure, Quantiles, Report, Statement, Whom};
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

/// How far the stated bias moves the observed effect.
pub fn implied(study: &Study, implied: &[Implied]) -> String {
    let mut out = String::new();
    let measure = Measure::of(study.outcome.scale);
    let what = if study.outcome.scale.is_ratio() {
        format!("{} (95 %)", measure.in_words())
    } else {
        "bias (95 %)".to_string()
    };
    let mut columns: Columns<'_, &Implied> = Columns::new();
    columns.add("What would be seen without any effect", |i| i.subgroup.clone());
    columns.add(what, |i| {
        let shown = |q: &Quantiles, number: &dyn Fn(f64) -> String| {
            format!("{} ({} to {})", number(q.median), number(q.q2_5), number(q.q97_5))
        };
        match &i.ratio {
            Some(q) => shown(q, &|x| value(measure, x)),
            None => shown(&i.bias, &plain),
        }
    });
    out.push_str(&columns.table(implied));
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

/// A statement and an effect with the bias allowed for, and without.
struct Told<'a> {
    label: String,
    statement: Statement,
    with: &'a Estimate,
    without: &'a Estimate,
}

impl Told<'_> {
    /// The statement's in this report.
    fn probability(&self, report: &Report) -> String {
        let found = report.probability(self.with.estimand, self.statement, self.with.estimand.measure.null());
        found.map_or_else(|| "–".to_string(), shown_probability)
    }
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
        let Estimand { whom, measure, .. } = row.estimand;
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
        let told = Told { label, statement, with: row, without: other };
        // Subgroups first, as everywhere in text.
        match whom {
            Whom::Mean | Whom::New => shared.push(told),
            Whom::Pair(..) => pairs.push(told),
            _ => rows.push(told),
        }
    }
    rows.append(&mut shared);
    rows.append(&mut pairs);
    let mut columns: Columns<'_, Told<'_>> = Columns::new();
    columns.add(capitalised(&study.subgroup_name), |t| t.label.clone());
    columns.add("P(better)", |t| t.probability(&c.stated));
    columns.add("without", |t| t.probability(without));
    columns.add(format!("{} (95 %)", capitalised(effect.in_words())), |t| shown_interval(Some(t.with)));
    columns.add("without", |t| shown_interval(Some(t.without)));
    out.push_str(&columns.table(rows));
    if names.len() > 1 {
        push(&mut out, "A : B, ratio of the two (or difference), and P(better in A than in B).", 2);
    }
    out
}
