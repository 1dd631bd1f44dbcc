//! How far the conclusions depend on the priors: envelope, tipping, who decided, power-scaling, pooling.

use super::super::super::numbers::{judged_probability, parameter, plain, roughly, signed, threshold, value};
use super::super::super::sentences::sentence;
use super::super::columns::Columns;
use super::super::layout::{grouped, push};
use super::{TOLD_UP_TO, shown, statement_word, title};
use crate::compare::{
    Absence, BoxPoint, Comparison, Diagnosis, Envelope, FrontierPoint, LINES, PoolingRow, PowerRow, Tipping,
    WhoDecided, has_baseline_player,
};
use crate::posterior::{Axis, Measure, Says, Scope, Statement};
use crate::study::Study;

/// "worse by ≥ 5 points".
fn statement(s: Statement, measure: Measure, t: f64) -> String {
    let word = statement_word(s);
    match (s, measure.axis()) {
        (Statement::Benefit | Statement::Harm, _) => word.to_string(),
        (_, Axis::Additive | Axis::Chance) => format!("{word} by ≥ {}", threshold(measure, t)),
        (_, Axis::Ratio) => format!("{word} by ≥ {}-fold", threshold(measure, t)),
    }
}

/// Where a search found no prior.
fn absent(note: Option<Absence>) -> String {
    match note {
        Some(Absence::AlwaysAbove) => "none",
        Some(Absence::NeverAbove) => "any",
        _ => "–",
    }
    .to_string()
}

/// The range of P(better) over a box of priors.
pub fn envelope(study: &Study, c: &Comparison) -> String {
    let effect = Measure::of(study.outcome.scale);
    let out_of =
        |x: f64| if effect.axis() == Axis::Ratio { value(effect, x.exp()) } else { value(effect, x) };
    let at = |p: Option<f64>, at: Option<BoxPoint>| {
        let Some(at) = at else { return "–".to_string() };
        let tau = at.tau_scale.map_or_else(String::new, |s| format!(", τ {}", plain(s)));
        format!("{} ({}, SD {}{tau})", shown(c, p), out_of(at.centre), plain(at.sd))
    };
    let mut out = String::new();
    let whose = match c.resolution().is_some() || c.is_coarse {
        true => "of priors at the corners and in the middle of a box",
        false => "that any prior in a box gives",
    };
    title(&mut out, &format!("Lowest and highest P(better) {whose}, and the prior"));
    let mut columns: Columns<'_, &Envelope> = Columns::new();
    columns.add("", |e| e.subgroup.clone());
    columns.add("lowest", |e| at(e.low, e.low_at));
    columns.add("highest", |e| at(e.high, e.high_at));
    out.push_str(&columns.table(c.envelope.iter().filter(|e| e.statement == Statement::Benefit)));
    let b = &c.prior_box;
    let tau = b.tau_scale.map_or_else(String::new, |t| {
        format!(", heterogeneity of the stated family at scales {} to {}", parameter(t[0]), parameter(t[1]))
    });
    push(
        &mut out,
        &format!(
            "Box: normal priors of the mean effect centred on a{} {} of {} to {}, SD {} to {}{tau}.{}",
            if effect.in_words().starts_with('o') { "n" } else { "" },
            effect.in_words(),
            out_of(b.centre[0]),
            out_of(b.centre[1]),
            plain(b.sd[0]),
            parameter(b.sd[1]),
            baseline_held(study)
        ),
        2,
    );
    out
}

/// What the searches leave alone.
fn baseline_held(study: &Study) -> &'static str {
    if study.priors.baseline.is_some() { " The baseline prior is held as stated." } else { "" }
}

/// What would overturn the statements that stand above a line of 0.8 or more.
pub fn tipping(study: &Study, c: &Comparison) -> String {
    let effect = Measure::of(study.outcome.scale);
    let lines: Vec<f64> = LINES.into_iter().filter(|l| *l > 0.5).collect();
    let few = study.data.names().len() <= TOLD_UP_TO;
    let passes = |t: &&Tipping| lines.contains(&t.line) && t.probability.is_some_and(|p| p > t.line);
    // Of many subgroups only the effect's direction, and the highest line that it passes.
    let told = |t: &&Tipping| {
        let highest = !LINES.iter().any(|l| *l > t.line && t.probability.is_some_and(|p| p > *l));
        few || highest && matches!(t.statement, Statement::Benefit | Statement::Harm)
    };
    let passed: Vec<&Tipping> = c.tipping.iter().filter(passes).filter(told).collect();
    let mut out = String::new();
    title(&mut out, "What one would have to believe to conclude otherwise");
    if let Some(claim) = c.claims.iter().find(|c| matches!(c.says, Says::NothingStands { .. })) {
        push(&mut out, &sentence(claim), 0);
        return out;
    }
    if c.tipping.iter().all(|t| t.probability.is_none()) {
        push(&mut out, "Not known: the fit of the stated priors did not pass its checks.", 0);
        return out;
    }
    let in_patients = passed.iter().any(|t| t.as_patients.is_some());
    let rough = c.resolution().is_some() || c.is_coarse;
    let mut columns: Columns<'_, &Tipping> = Columns::new();
    columns
        .add("To bring", |t| format!("{}: {}", t.subgroup, statement(t.statement, t.measure, t.threshold)));
    columns.add("P now", |t| {
        let judged = |p: f64| judged_probability(p, c.resolution(), |p| p > t.line);
        t.probability.map_or_else(|| "–".to_string(), judged)
    });
    columns.add("below", |t| t.line.to_string());
    columns.add("sceptical\nSD", |t| {
        t.sceptical_sd.map_or_else(|| absent(t.note), |sd| if rough { roughly(sd) } else { plain(sd) })
    });
    if in_patients {
        let worth = move |n: f64| if rough { roughly(n) } else { grouped(n.round() as u64) };
        columns.add("equivalent\nsample size", move |t| t.as_patients.map_or_else(|| "–".to_string(), worth));
    }
    columns.add(format!("prior centre,\n{}", effect.in_words()), |t| {
        let centre = if effect.axis() == Axis::Ratio { t.prior_centre_ratio } else { t.prior_centre };
        centre.map_or_else(|| absent(t.centre_note), |x| value(effect, x))
    });
    out.push_str(&columns.table(passed.iter().copied()));
    push(
        &mut out,
        &format!(
            "Sceptical SD: of a prior centred on no effect{}{}. Prior centre: to which the stated prior must move.{} None: no such prior does it, as far as was searched; any: even the widest is enough.",
            if study.undivided { "" } else { ", heterogeneity as stated" },
            if in_patients { "; equivalent sample size: the patients that tell as much" } else { "" },
            baseline_held(study)
        ),
        2,
    );
    if few {
        let frontier = frontier(&passed);
        if !frontier.is_empty() {
            out.push_str(&frontier);
            push(&mut out, baseline_held(study).trim(), 2);
        }
    }
    out
}

/// The sceptical SD that brings a statement to its line, over the scale of τ's prior.
fn frontier(passed: &[&Tipping]) -> String {
    let with: Vec<&&Tipping> =
        passed.iter().filter(|t| t.frontier.iter().any(|f| f.sceptical_sd.is_some())).collect();
    let Some(first) = with.first() else { return String::new() };
    let mut columns: Columns<'_, &Tipping> = Columns::new();
    columns.add("Frontier: sceptical SD at τ scale", |t| {
        format!("{}: {} to {}", t.subgroup, statement(t.statement, t.measure, t.threshold), t.line)
    });
    for (k, point) in first.frontier.iter().enumerate() {
        columns.add(plain(point.tau_scale), move |t| {
            let shown = |f: &FrontierPoint| f.sceptical_sd.map_or_else(|| absent(f.note), plain);
            t.frontier.get(k).map_or_else(String::new, shown)
        });
    }
    String::from("\n") + &columns.table(with.iter().map(|t| **t))
}

/// The leaning statements in parts.
pub fn who_decided(study: &Study, c: &Comparison) -> String {
    let shift = |x: Option<f64>| x.map_or_else(|| "–".to_string(), |x| signed(x, 2));
    let leaning = |subgroup: &str, s: Statement| {
        let benefit =
            c.who_decided.iter().find(|w| w.subgroup == subgroup && w.statement == Statement::Benefit);
        let leans = benefit.and_then(|w| w.probability).is_none_or(|p| p >= 0.5);
        leans == (statement_word(s) == "better")
    };
    let has_baseline = has_baseline_player(study);
    let mut out = String::new();
    title(&mut out, "What drove each probability? Shifts by data and priors");
    if !study.priors.effect.distribution.is_proper() {
        push(&mut out, "A flat effect prior has no probabilities without data, and so no shifts.", 0);
        return out;
    }
    let mut columns: Columns<'_, &WhoDecided> = Columns::new();
    columns.add("", |w| format!("{}: {}", w.subgroup, statement(w.statement, w.measure, w.threshold)));
    columns.add("reference", |w| shown(c, w.baseline));
    columns.add("data", move |w| shift(w.data));
    columns.add("effect\nprior", move |w| shift(w.effect_prior));
    if !study.undivided {
        columns.add("heterog.\nprior", move |w| shift(w.heterogeneity_prior));
    }
    if has_baseline {
        columns.add("baseline\nprior", move |w| shift(w.baseline_prior));
    }
    columns.add("as\nstated", |w| shown(c, w.probability));
    out.push_str(&columns.table(c.who_decided.iter().filter(|w| leaning(&w.subgroup, w.statement))));
    push(
        &mut out,
        &format!(
            "Reference: no data, effect normal(0, {}){}{}. Shapley values: the shift by each, averaged over the orders in which they can be put in; they add up. Shifts, not shares of credit.",
            parameter(c.reference.sd),
            if study.priors.heterogeneity.is_some() {
                format!(", heterogeneity half-normal({})", parameter(c.reference.tau))
            } else {
                String::new()
            },
            if has_baseline {
                format!(", baseline (mean of the arms) normal(0, {})", parameter(c.reference.baseline))
            } else {
                String::new()
            }
        ),
        2,
    );
    out
}

/// A Pareto shape; there is none where no tail can be fitted, or all weights are equal.
fn pareto(k: f64) -> String {
    if k.is_finite() {
        signed(k, 2).replace('+', "")
    } else if k > 0.0 {
        "infinite".to_string()
    } else {
        "nothing, the weights being equal".to_string()
    }
}

/// The diagnosis of a quantity in words; a probability has none.
fn reading(r: &PowerRow) -> &'static str {
    match (r.statement, r.diagnosis) {
        (Some(_), _) => "",
        (None, Some(Diagnosis::PriorDataConflict)) => "possible conflict",
        (None, Some(Diagnosis::StrongPriorOrWeakData)) => "strong prior or weak data",
        (None, Some(Diagnosis::Unremarkable)) => "unremarkable",
        (None, None) => "–",
    }
}

/// Sensitivity of the printed quantities.
pub fn power_scaling(study: &Study, c: &Comparison) -> String {
    if c.power_scaling.is_empty() {
        return String::new();
    }
    let has_baseline = study.priors.baseline.is_some();
    let whom = |r: &PowerRow| {
        r.subgroup.clone().unwrap_or_else(|| match r.scope {
            Scope::Mean => format!("the average {}", study.subgroup_name),
            _ => String::new(),
        })
    };
    // A change of a probability, a distance for a quantity.
    let moved = |r: &PowerRow, x: Option<f64>| match (x, r.statement) {
        (None, _) => "–".to_string(),
        (Some(x), Some(_)) => signed(x, 3),
        (Some(x), None) => format!("{x:.3}"),
    };
    let mut out = String::new();
    title(&mut out, "Sensitivity to power-scaling, per doubling of the weight");
    let mut columns: Columns<'_, &PowerRow> = Columns::new();
    columns.add("", |r| match (r.statement, r.threshold) {
        (Some(s), Some(t)) => format!("{}: P({})", whom(r), statement(s, r.measure, t)),
        _ => format!("{}: {}", whom(r), r.measure.in_words()),
    });
    columns.add("of the\npriors", |r| moved(r, r.prior));
    if has_baseline {
        columns.add("of the\nbaseline", |r| moved(r, r.baseline_prior));
    }
    columns.add("of the\ndata", |r| moved(r, r.likelihood));
    columns.add("reading", |r| reading(r).to_string());
    let is_told = |r: &&PowerRow| !matches!(r.statement, Some(Statement::Harm | Statement::HarmAtLeast));
    out.push_str(&columns.table(c.power_scaling.iter().filter(is_told)));
    let method = match c.power_scaling.iter().find(|r| r.method == "psis") {
        Some(row) => format!(
            " By Pareto-smoothed reweighting of draws, k at most {}.",
            row.max_k.map_or_else(|| "–".to_string(), pareto)
        ),
        None => String::new(),
    };
    push(
        &mut out,
        &format!(
            "Quantities: distance by which the distribution moves (cumulative Jensen–Shannon; from 0.05 it counts). Probabilities: their change. The priors: {}{}; the reading is of them and the data.{method}",
            if study.undivided { "of the effect" } else { "of μ and τ together" },
            if has_baseline { "; the baseline: its prior alone" } else { "" }
        ),
        2,
    );
    out
}

/// Evidence and prediction under the three poolings, as far as there are numbers.
pub fn poolings(_: &Study, c: &Comparison) -> String {
    if c.poolings.len() < 2 {
        return String::new();
    }
    let number = |x: Option<f64>| x.map_or_else(|| "–".to_string(), |x| signed(x, 2).replace('+', ""));
    let mut out = String::new();
    let first = &c.poolings[0];
    let has_evidence = c.poolings.iter().any(|r| r.log_marginal_likelihood.is_some());
    let has_prediction = c.poolings.iter().any(|r| r.elpd.is_some());
    if !has_evidence && !has_prediction {
        return out;
    }
    let left_out =
        if has_prediction { format!(": leaving out one {} at a time", first.unit) } else { String::new() };
    title(&mut out, &format!("Poolings compared, stated priors{left_out}"));
    let mut columns: Columns<'_, &PoolingRow> = Columns::new();
    columns.add("Pooling", |r| r.pooling.in_words().to_string());
    if has_evidence {
        columns.add("log marginal\nlikelihood", move |r| number(r.log_marginal_likelihood));
    }
    if has_prediction {
        columns.add("log predictive\ndensity", move |r| number(r.elpd));
        columns.add("difference", |r| match (r.difference, r.difference_se) {
            (Some(0.0), _) => "best".to_string(),
            (Some(_), Some(se)) => format!("{} (SE {})", number(r.difference), number(Some(se))),
            _ => "–".to_string(),
        });
    }
    out.push_str(&columns.table(&c.poolings));
    let method = match (first.method, c.poolings.iter().filter_map(|r| r.max_k).reduce(f64::max)) {
        ("psis", Some(k)) => format!("Pareto-smoothed importance sampling, k at most {}. ", pareto(k)),
        _ => "Computed exactly. ".to_string(),
    };
    let mut parts = Vec::new();
    if has_evidence {
        parts.push("The marginal likelihood depends on how wide the priors are.".to_string());
    }
    if has_prediction {
        parts.push(format!(
            "The predictive density asks how well the next {} of these subgroups is predicted, not a new subgroup; a difference below 4, or twice its SE, is no evidence.",
            first.unit
        ));
    }
    let whether = if has_evidence && has_prediction { "Neither is a reason" } else { "It is no reason" };
    parts.push(format!("{whether} to choose a pooling after seeing the data."));
    push(&mut out, &format!("{method}{}", parts.join(" ")), 2);
    out
}
