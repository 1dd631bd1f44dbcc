//! Every prior in every subgroup.

use super::super::super::numbers::{interval_known_to, sampled_probability, signed, threshold, with_prior};
use super::super::super::words::capitalised;
use super::super::columns::Columns;
use super::super::layout::{push, scope_label, wrapped_to};
use super::{shown, statement_word, title};
use crate::compare::{BaselineRow, Comparison, EstimateRow, GridRow, PriorSet, STATED, TableRow, Variant};
use crate::posterior::{Axis, Measure, Quantiles, Scope, Statement, primary};
use crate::report::observations;
use crate::study::{Assignment, BaselineOf, Cutpoints, Pooling, Study};

/// One pooling's rows of one subgroup, or of what is shared.
#[derive(Clone, Copy)]
struct Rows<'a> {
    c: &'a Comparison,
    pooling: Pooling,
    scope: Scope,
    subgroup: Option<&'a str>,
}

impl<'a> Rows<'a> {
    fn probability(&self, prior: &str, statement: Statement) -> Option<&'a TableRow> {
        self.c.table.iter().find(|r| {
            r.prior == prior
                && r.pooling == self.pooling
                && r.scope == self.scope
                && r.subgroup.as_deref() == self.subgroup
                && r.statement == statement
        })
    }

    fn estimate(&self, prior: &str, measure: Measure) -> Option<&'a EstimateRow> {
        self.c.estimates.iter().find(|r| {
            r.prior == prior
                && r.pooling == self.pooling
                && r.scope == self.scope
                && r.subgroup.as_deref() == self.subgroup
                && r.measure == measure
        })
    }

    fn with_prior(&self, prior: &str, statement: Statement) -> String {
        self.probability(prior, statement)
            .map_or_else(|| "–".to_string(), |r| with_prior(&self.shown(r), r.prior_probability))
    }

    /// A probability with the digits that its Monte Carlo error leaves.
    fn shown(&self, row: &TableRow) -> String {
        known(self.c, row)
    }

    fn interval(&self, prior: &str, measure: Measure) -> String {
        let found = self.estimate(prior, measure).and_then(|e| {
            let q = Quantiles { median: e.median?, q2_5: e.q2_5?, q97_5: e.q97_5? };
            Some(interval_known_to(measure, &q, e.errors))
        });
        found.unwrap_or_else(|| "–".to_string())
    }
}

fn pooling_label(pooling: Pooling) -> &'static str {
    match pooling {
        Pooling::Partial => "partly\npooled",
        Pooling::Complete => "one\neffect",
        Pooling::None => "no\npool-\ning",
        Pooling::ExchangeableOrNot => "exch.\nor not",
        Pooling::StudentT => "student-\nt",
    }
}

/// Two tables per subgroup: probabilities with their prior values, then sizes and the other poolings.
pub fn by_subgroup(study: &Study, c: &Comparison) -> Vec<String> {
    let mut sections: Vec<String> = (0..study.data.names().len()).map(|g| subgroup(study, c, g)).collect();
    if let Some(last) = sections.last_mut() {
        let others = study.data.names().len() > 1;
        let words = if others {
            "In brackets the probability before the data. One effect: P(better) under complete pooling; no pooling: without any."
        } else {
            "In brackets the probability before the data."
        };
        push(last, words, 2);
    }
    sections
}

fn subgroup(study: &Study, c: &Comparison, g: usize) -> String {
    let name = study.data.names()[g];
    let mut out = String::new();
    let (measure, at) = primary(study);
    let raw = observations::in_brackets(study, g);
    let verb = match study.assignment {
        Assignment::Observational => "outcome associated with",
        Assignment::Randomised => "effect of",
    };
    title(&mut out, &format!("{}{raw}: {verb} {}", capitalised(name), study.treatment.active()));
    let rows = Rows { c, pooling: study.pooling, scope: Scope::Subgroup, subgroup: Some(name) };
    let mut columns: Columns<'_, &PriorSet> = Columns::new();
    let stated = |statement| move |p: &&PriorSet| rows.with_prior(&p.name, statement);
    columns.add("Prior", |p| p.name.clone());
    columns.add("P(better)", stated(Statement::Benefit));
    columns.add("P(worse)", stated(Statement::Harm));
    if let Some(t) = at {
        let size = match measure.axis() {
            Axis::Additive | Axis::Chance => format!("≥ {}", threshold(measure, t)),
            Axis::Ratio => format!("≥ {}-fold", threshold(measure, t)),
        };
        columns.add(format!("P(better by\n{size})"), stated(Statement::BenefitAtLeast));
        columns.add(format!("P(worse by\n{size})"), stated(Statement::HarmAtLeast));
    }
    out.push_str(&columns.table(&c.priors));
    let effect = Measure::of(study.outcome.scale);
    let mut columns: Columns<'_, &PriorSet> = Columns::new();
    columns.add("Size", |p| p.name.clone());
    columns.add(format!("{} (95 %)", capitalised(effect.in_words())), |p| rows.interval(&p.name, effect));
    if study.data.has_risks() {
        columns.add("Risk difference,\npoints (95 %)", |p| rows.interval(&p.name, Measure::RiskDifference));
    }
    for pooling in [Pooling::Partial, Pooling::Complete, Pooling::None] {
        if pooling == study.pooling || c.table.iter().all(|r| r.pooling != pooling) {
            continue;
        }
        let rows = Rows { pooling, ..rows };
        columns.add(pooling_label(pooling), move |p| {
            let found = rows.probability(&p.name, Statement::Benefit);
            found.map_or_else(|| "–".to_string(), |r| rows.shown(r))
        });
    }
    out.push_str(&columns.table(&c.priors));
    out
}

/// For many subgroups: the stated probability, and the range over all priors.
pub fn ranges(study: &Study, c: &Comparison) -> String {
    let mut out = String::new();
    let several = c.priors.len() > 1;
    let range = if several { ", and its range over the priors compared" } else { "" };
    title(&mut out, &format!("P(better) under the stated priors{range}"));
    let found = |name: &str| {
        let of = |r: &&TableRow| {
            r.scope == Scope::Subgroup
                && r.subgroup.as_deref() == Some(name)
                && r.statement == Statement::Benefit
                && r.pooling == study.pooling
        };
        let rows = c.table.iter().filter(of);
        let mut found: Vec<(f64, &str)> =
            rows.filter_map(|r| Some((r.probability?, r.prior.as_str()))).collect();
        found.sort_by(|a, b| a.0.total_cmp(&b.0));
        (name.to_string(), found)
    };
    let end = |f: Option<&(f64, &str)>| {
        f.map_or_else(|| "–".to_string(), |(p, prior)| format!("{} {prior}", shown(c, Some(*p))))
    };
    let mut columns: Columns<'_, (String, Vec<(f64, &str)>)> = Columns::new();
    columns.add("", |(name, _)| name.clone());
    columns.add("stated", |(_, found)| shown(c, found.iter().find(|f| f.1 == STATED).map(|f| f.0)));
    if several {
        columns.add("lowest", |(_, found)| end(found.first()));
        columns.add("highest", |(_, found)| end(found.last()));
    }
    out.push_str(&columns.table(study.data.names().into_iter().map(found)));
    out
}

/// The average and a further similar subgroup.
pub fn shared(study: &Study, c: &Comparison) -> String {
    if study.data.names().len() < 2 || study.pooling == Pooling::None {
        return String::new();
    }
    let mut out = String::new();
    let [mean, new] = [Scope::Mean, Scope::New].map(|scope| (scope, scope_label(study, scope)));
    let whom = if study.exhaustive { mean.1 } else { format!("{} and {}", mean.1, new.1) };
    title(&mut out, &format!("P(better) (prior) for {whom}"));
    let of = |scope| {
        let rows = Rows { c, pooling: study.pooling, scope, subgroup: None };
        move |p: &&PriorSet| rows.with_prior(&p.name, Statement::Benefit)
    };
    let mut columns: Columns<'_, &PriorSet> = Columns::new();
    columns.add("Prior", |p| p.name.clone());
    columns.add("average", of(mean.0));
    if !study.exhaustive {
        columns.add("further", of(new.0));
    }
    out.push_str(&columns.table(&c.priors));
    out
}

/// P(better) by prior without the bias that the model allows for; nothing where it allows for none.
pub fn without_bias(study: &Study, c: &Comparison) -> String {
    let find = |prior: &str, name: &str| {
        c.table
            .iter()
            .find(|r| {
                r.prior == prior
                    && r.pooling == study.pooling
                    && r.subgroup.as_deref() == Some(name)
                    && r.subgroup_b.is_none()
                    && r.statement == Statement::Benefit
            })
            .and_then(|r| r.unadjusted)
    };
    if c.table.iter().all(|r| r.unadjusted.is_none()) {
        return String::new();
    }
    let mut out = String::new();
    title(&mut out, "P(better) without the bias that the numbers above allow for");
    let mut columns: Columns<'_, &PriorSet> = Columns::new();
    columns.add("Prior", |p| p.name.clone());
    for name in study.data.names() {
        columns.add(wrapped_to(name, 18), move |p| shown(c, find(&p.name, name)));
    }
    out.push_str(&columns.table(&c.priors));
    out
}

/// A probability with the digits that its Monte Carlo error leaves.
fn known(c: &Comparison, row: &TableRow) -> String {
    let sampled = row.exact.is_none() && row.probability.is_some();
    sampled_probability(row.probability, sampled.then(|| row.mcse.unwrap_or(c.mcse)))
}

/// Whose P(better) is told where a prior is varied: subgroups, and the mean where there is one.
fn told_rows<'a>(rows: impl Iterator<Item = &'a TableRow>) -> Vec<&'a TableRow> {
    rows.filter(|r| r.statement == Statement::Benefit && r.scope != Scope::New).collect()
}

fn whose(study: &Study, row: &TableRow) -> String {
    row.subgroup.clone().unwrap_or_else(|| scope_label(study, row.scope))
}

/// The largest move of P(better) from the first column, and whose it is; nothing where there is no other number.
fn largest_move(moves: &[(f64, String)]) -> String {
    let largest = moves.iter().max_by(|a, b| a.0.abs().total_cmp(&b.0.abs()));
    match largest {
        Some((by, whose)) if by.abs() >= 0.005 => {
            format!("The largest move of P(better) is by {}: {whose}.", signed(*by, 2))
        }
        Some(_) => "P(better) moves by less than 0.005 throughout.".to_string(),
        None => String::new(),
    }
}

/// P(better) under other baseline priors.
pub fn baselines(study: &Study, c: &Comparison) -> String {
    let mut out = String::new();
    title(&mut out, "Baseline prior varied: P(better), all else as stated");
    let rows = match &c.baselines {
        Ok(rows) => rows,
        Err(why) => {
            push(&mut out, &format!("Not varied: {why}."), 2);
            return out;
        }
    };
    let mut variants: Vec<&BaselineRow> = Vec::new();
    for row in rows {
        if !variants.iter().any(|v| v.variant == row.variant) {
            variants.push(row);
        }
    }
    let of = |variant: Variant| told_rows(rows.iter().filter(|r| r.variant == variant).map(|r| &r.row));
    let label = |v: &&BaselineRow| match v.variant {
        Variant::Stated => "as\nstated".to_string(),
        Variant::HalfScale => "half the\nscale".to_string(),
        Variant::DoubleScale => "twice the\nscale".to_string(),
        Variant::OtherArms => match v.baseline_of {
            BaselineOf::Control => "of the\ncontrol arm".to_string(),
            BaselineOf::Arms => "of both\narms".to_string(),
        },
        Variant::Exchangeable => "exchange-\nable".to_string(),
        Variant::Independent => "indepen-\ndent".to_string(),
        Variant::DirichletOne => "concen-\ntrations 1".to_string(),
        Variant::DirichletRmsb => "rmsb's".to_string(),
        Variant::DirichletHalf => "concen-\ntrations ½".to_string(),
        Variant::HalfShift => "half the\nshift".to_string(),
        Variant::DoubleShift => "twice the\nshift".to_string(),
        Variant::OtherCutpoints => "other cut\npoints".to_string(),
    };
    let name_of = |v: &BaselineRow| label(&v).replace("-\n", "").replace('\n', " ");
    let told: Vec<Vec<&TableRow>> = variants.iter().map(|v| of(v.variant)).collect();
    let mut columns: Columns<'_, usize> = Columns::new();
    columns.add("", |k| whose(study, told[0][*k]));
    for (v, told) in variants.iter().zip(&told) {
        columns.add(label(v), |k| known(c, told[*k]));
    }
    out.push_str(&columns.table(0..told[0].len()));
    let mut moves = Vec::new();
    for (k, first) in told[0].iter().enumerate() {
        for (column, v) in told.iter().zip(&variants) {
            // What is only sampled may move by chance.
            if v.variant != Variant::Stated
                && let (Some(p), Some(stated)) = (column[k].exact, first.exact)
            {
                moves.push((p - stated, format!("{}, {}", whose(study, first), name_of(v))));
            }
        }
    }
    let each = variants.iter().map(|v| match v.variant {
        Variant::OtherArms => format!("{}: {}", name_of(v), of_words(v.baseline_of)),
        Variant::OtherCutpoints => format!("{}: {}", name_of(v), other_cut_points(study)),
        _ => format!("{}: {}", name_of(v), v.baseline_prior),
    });
    let words = format!(
        "{} Baseline priors, {}: {}.",
        largest_move(&moves),
        if study.priors.levels.is_some() {
            "of the control arm's probabilities of levels"
        } else {
            of_words(variants[0].baseline_of)
        },
        each.collect::<Vec<_>>().join("; ")
    );
    push(&mut out, words.trim(), 2);
    for v in &variants {
        let column = told_rows(rows.iter().filter(|r| r.variant == v.variant).map(|r| &r.row));
        if let Some(why) =
            column.iter().find(|r| r.probability.is_none()).and_then(|r| r.unavailable.as_ref())
        {
            push(&mut out, &format!("{}: no number, since {why}.", capitalised(&name_of(v))), 2);
        }
    }
    out
}

/// Those that the study does not state.
fn other_cut_points(study: &Study) -> &'static str {
    match study.priors.levels.as_ref().map(|levels| levels.cutpoints) {
        Some(Cutpoints::BySubgroup) => "shared by all, shifts with sd half-normal(1)",
        _ => "each subgroup its own",
    }
}

fn of_words(of: BaselineOf) -> &'static str {
    match of {
        BaselineOf::Arms => "of the mean of the arms' log odds",
        BaselineOf::Control => "of the control arm's log odds",
    }
}

/// P(better) under other priors of the covariates' coefficients; nothing where there are no covariates.
pub fn coefficients(study: &Study, c: &Comparison) -> String {
    if study.adjustment.as_ref().is_none_or(|a| a.terms.is_empty()) {
        return String::new();
    }
    let mut out = String::new();
    title(&mut out, "Priors of the coefficients varied: P(better), all else as stated");
    let rows = match &c.coefficients {
        Ok(rows) => rows,
        Err(why) => {
            push(&mut out, &format!("Not varied: {why}."), 2);
            return out;
        }
    };
    let of = |factor: f64| told_rows(rows.iter().filter(|r| r.scale_factor == factor).map(|r| &r.row));
    let told = [1.0, 0.5, 2.0].map(of);
    let mut moves = Vec::new();
    for ((stated, half), double) in told[0].iter().zip(&told[1]).zip(&told[2]) {
        for (row, name) in [(half, "half the scale"), (double, "twice the scale")] {
            if let (Some(p), Some(as_stated)) = (row.exact, stated.exact) {
                moves.push((p - as_stated, format!("{}, {name}", whose(study, stated))));
            }
        }
    }
    let mut columns: Columns<'_, usize> = Columns::new();
    columns.add("", |k| whose(study, told[0][*k]));
    for (heading, told) in ["as\nstated", "half the\nscale", "twice the\nscale"].into_iter().zip(&told) {
        columns.add(heading, |k| known(c, told[*k]));
    }
    out.push_str(&columns.table(0..told.iter().map(Vec::len).min().unwrap_or(0)));
    let words = format!(
        "{} The scale is that of every coefficient's prior; coefficients are held where the data and that prior have them.",
        largest_move(&moves)
    );
    push(&mut out, words.trim(), 2);
    out
}

/// "half-normal(0.5)" on three short lines.
fn tau_label(words: &str) -> String {
    words.replace("student-", "").replace("half-", "half-\n").replace('(', "\n(")
}

/// The grid: P(better) by effect prior and heterogeneity prior, a table per subgroup; other poolings in the last columns.
pub fn grid(study: &Study, c: &Comparison, grid: &[GridRow]) -> String {
    let mut out = String::new();
    let mut taus: Vec<&str> = Vec::new();
    for row in grid.iter().filter_map(|r| r.heterogeneity.as_deref()) {
        if !taus.contains(&row) {
            taus.push(row);
        }
    }
    let mut priors: Vec<&str> = Vec::new();
    for row in grid {
        if !priors.contains(&row.prior.as_str()) {
            priors.push(&row.prior);
        }
    }
    for name in study.data.names() {
        let find = |prior: &str, tau: Option<&str>, pooling: Pooling| {
            grid.iter()
                .find(|r| {
                    r.prior == prior
                        && r.heterogeneity.as_deref() == tau
                        && r.pooling == pooling
                        && r.subgroup == name
                        && r.statement == Statement::Benefit
                })
                .and_then(|r| r.probability)
        };
        title(
            &mut out,
            &format!(
                "{}: P({}) by prior and heterogeneity prior",
                capitalised(name),
                statement_word(Statement::Benefit)
            ),
        );
        let mut columns: Columns<'_, &str> = Columns::new();
        columns.add("partly pooled", |prior| (*prior).to_string());
        for tau in &taus {
            columns.add(tau_label(tau), |prior| shown(c, find(prior, Some(tau), Pooling::Partial)));
        }
        columns.add("one\neffect", |prior| shown(c, find(prior, None, Pooling::Complete)));
        out.push_str(&columns.table(priors.iter().copied()));
        let mut columns: Columns<'_, &str> = Columns::new();
        columns.add("without pooling", |prior| (*prior).to_string());
        for tau in &taus {
            columns.add(tau_label(tau), |prior| shown(c, find(prior, Some(tau), Pooling::None)));
        }
        out.push_str(&columns.table(priors.iter().copied()));
    }
    out
}
