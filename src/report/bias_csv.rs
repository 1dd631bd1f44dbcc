//! The comparison of biases as one long table.

use super::records::{Cell, Records, record};
use super::sentences::sentence;
use super::wire::{self, Estimate, Probability};
use crate::compare::bias::{
    BiasComparison, BiasTipping, ConfounderPoint, EValueRow, Implied, LabelPoint, MissingRow, ShiftPoint,
};
use crate::posterior::Claim;
use crate::study::{Assumption, Study};

record! {
    /// A row of any list; `row` says of which. Columns that a list does not have are empty.
    Row {
        row, scope, subgroup, subgroup_b, statement, measure, threshold, varied, case, bias_mean,
        bias_ratio, bias_sd, bias, prevalence_control, prevalence_active, prevalence_difference,
        strength, sensitivity, specificity, line, probability, unadjusted, median, q2_5, q97_5,
        unadjusted_median, unadjusted_q2_5, unadjusted_q97_5, positive, other, benefit_positive,
        benefit_other, greater_in_positive, conversion, interval_end, risk_ratio, e_value,
        e_value_interval, kind, what, words, note, unavailable, caveat,
    }
}

/// A comparison of biases as one CSV table, the study's statements in every row.
pub fn bias_csv(study: &Study, c: &BiasComparison) -> String {
    let caveat = Cell::from(study.statements().join(" "));
    let mut all: Vec<Row> = Vec::new();
    let mut put = |kind: &str, rows: Vec<Row>| {
        all.extend(rows.into_iter().map(|row| Row { row: kind.into(), caveat: caveat.clone(), ..row }));
    };
    put("assumption", c.assumptions.iter().map(assumption).collect());
    put("implied", c.implied.iter().map(implied).collect());
    put("estimate", wire::estimates(&c.stated).into_iter().map(estimate).collect());
    put("probability", wire::probabilities(&c.stated).into_iter().map(probability).collect());
    put("shift", c.shifts.iter().map(shift).collect());
    put("confounder", c.confounders.iter().map(confounder).collect());
    put("tipping", c.tipping.iter().map(tipping).collect());
    put("e_value", c.e_values.iter().map(e_value).collect());
    put("missing", c.missing.iter().map(missing).collect());
    put("labels", c.labels.iter().map(labels).collect());
    put("claim", c.claims.iter().map(claim).collect());
    Records::of(all).csv()
}

/// The sentence stands in `note`.
fn claim(c: &Claim) -> Row {
    Row {
        scope: c.scope.into(),
        subgroup: c.subgroup.as_ref().into(),
        measure: c.estimand.key().into(),
        probability: c.probability.into(),
        note: sentence(c).into(),
        ..Row::default()
    }
}

fn assumption(a: &Assumption) -> Row {
    Row {
        kind: a.kind.into(),
        subgroup: a.subgroup.as_ref().into(),
        what: (&a.what).into(),
        words: (&a.words).into(),
        ..Row::default()
    }
}

fn implied(i: &Implied) -> Row {
    Row {
        subgroup: (&i.subgroup).into(),
        median: i.bias.median.into(),
        q2_5: i.bias.q2_5.into(),
        q97_5: i.bias.q97_5.into(),
        ..Row::default()
    }
}

/// As in text, the exact numbers where there are any.
fn estimate(e: Estimate<'_>) -> Row {
    let (exact, reported, without) = (e.exact.map(|s| s.quantiles), e.reported, e.unadjusted);
    Row {
        scope: e.scope.into(),
        subgroup: e.subgroup.into(),
        subgroup_b: e.subgroup_b.into(),
        measure: e.measure.into(),
        median: exact.map_or(reported.median, |q| Some(q.median)).into(),
        q2_5: exact.map_or(reported.q2_5, |q| Some(q.q2_5)).into(),
        q97_5: exact.map_or(reported.q97_5, |q| Some(q.q97_5)).into(),
        unadjusted_median: without.map(|q| q.median).into(),
        unadjusted_q2_5: without.map(|q| q.q2_5).into(),
        unadjusted_q97_5: without.map(|q| q.q97_5).into(),
        unavailable: e.unavailable.into(),
        ..Row::default()
    }
}

fn probability(p: Probability<'_>) -> Row {
    Row {
        scope: p.scope.into(),
        subgroup: p.subgroup.into(),
        subgroup_b: p.subgroup_b.into(),
        statement: p.statement.into(),
        measure: p.measure.into(),
        threshold: p.threshold.into(),
        probability: p.exact.or(p.probability).into(),
        unadjusted: p.unadjusted.into(),
        unavailable: p.unavailable.into(),
        ..Row::default()
    }
}

fn shift(p: &ShiftPoint) -> Row {
    Row {
        subgroup: (&p.subgroup).into(),
        subgroup_b: p.subgroup_b.as_ref().into(),
        statement: p.statement.into(),
        bias_mean: p.bias_mean.into(),
        bias_ratio: p.bias_ratio.into(),
        bias_sd: p.bias_sd.into(),
        probability: p.probability.into(),
        ..Row::default()
    }
}

fn confounder(p: &ConfounderPoint) -> Row {
    Row {
        subgroup: (&p.subgroup).into(),
        statement: p.statement.into(),
        prevalence_control: p.prevalence_control.into(),
        prevalence_active: p.prevalence_active.into(),
        prevalence_difference: p.prevalence_difference.into(),
        strength: p.strength.into(),
        probability: p.probability.into(),
        ..Row::default()
    }
}

fn tipping(t: &BiasTipping) -> Row {
    Row {
        varied: t.varied.into(),
        subgroup: (&t.subgroup).into(),
        subgroup_b: t.subgroup_b.as_ref().into(),
        statement: t.statement.into(),
        line: t.line.into(),
        probability: t.probability.into(),
        bias: t.bias.into(),
        bias_ratio: t.bias_ratio.into(),
        note: t.note.into(),
        ..Row::default()
    }
}

fn e_value(e: &EValueRow) -> Row {
    Row {
        subgroup: (&e.subgroup).into(),
        measure: e.measure.into(),
        conversion: e.conversion.into(),
        median: e.median.into(),
        interval_end: e.interval_end.into(),
        risk_ratio: e.risk_ratio.into(),
        e_value: e.e_value.into(),
        e_value_interval: e.e_value_interval.into(),
        ..Row::default()
    }
}

fn missing(m: &MissingRow) -> Row {
    Row {
        case: m.case.into(),
        subgroup: (&m.subgroup).into(),
        statement: m.statement.into(),
        probability: m.probability.into(),
        ..Row::default()
    }
}

fn labels(l: &LabelPoint) -> Row {
    Row {
        positive: (&l.positive).into(),
        other: (&l.other).into(),
        sensitivity: l.sensitivity.into(),
        specificity: l.specificity.into(),
        benefit_positive: l.benefit_positive.into(),
        benefit_other: l.benefit_other.into(),
        greater_in_positive: l.greater_in_positive.into(),
        median: l.contrast.map(|q| q.median).into(),
        q2_5: l.contrast.map(|q| q.q2_5).into(),
        q97_5: l.contrast.map(|q| q.q97_5).into(),
        unavailable: l.unavailable.as_ref().into(),
        ..Row::default()
    }
}
