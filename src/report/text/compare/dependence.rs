//! How far the conclusions depend on the priors: envelope, tipping, who decided, power-scaling, pooling.

use super::super::super::numbers::{parameter, plain, signed, threshold, value};
use super::super::super::sentences::sentence;
use super::super::layout::{grouped, push, table};
use super::{TOLD_UP_TO, shown, statement_word, title};
use crate::compare::{Absence, BoxPoint, Comparison, Diagnosis, LINES, Tipping};
use crate::posterior::{Axis, Measure, Says, Scope, Statement};
use crate::study::{Pooling, Study};

/// "worse by ≥ 5 points".
fn statement(s: Statement, measure: Measure, t: f64) -> String {
    let word = statement_word(s);
    match (s, measure.axis()) {
        (Statement::Benefit | Statement::Harm, _) => word.to_string(),
        (_, Axis::Additive) => format!("{word} by ≥ {}", threshold(measure, t)),
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

/// One significant digit: between sampled runs no more is known.
fn roughly(x: f64) -> String {
    let unit = 10.0_f64.powf(x.abs().log10().floor());
    format!("~{}", parameter((x / unit).round() * unit))
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
    let rows: Vec<Vec<String>> = c
        .envelope
        .iter()
        .filter(|e| e.statement == Statement::Benefit)
        .map(|e| vec![e.subgroup.clone(), at(e.low, e.low_at), at(e.high, e.high_at)])
        .collect();
    let mut out = String::new();
    let whose = match c.resolution().is_some() || c.is_coarse {
        true => "of priors at the corners and in the middle of a box",
        false => "that any prior in a box gives",
    };
    title(&mut out, &format!("Lowest and highest P(better) {whose}, and the prior"));
    out.push_str(&table(["", "lowest", "highest"].map(str::to_string).to_vec(), rows));
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
    let in_patients = passed.iter().any(|t| t.as_patients.is_some());
    let rough = c.resolution().is_some() || c.is_coarse;
    let row = |t: &&Tipping| {
        let mut row = vec![
            format!("{}: {}", t.subgroup, statement(t.statement, t.measure, t.threshold)),
            shown(c, t.probability),
            format!("{}", t.line),
            t.sceptical_sd.map_or_else(|| absent(t.note), |sd| if rough { roughly(sd) } else { plain(sd) }),
        ];
        if in_patients {
            row.push(t.as_patients.map_or_else(
                || "–".to_string(),
                |n| if rough { roughly(n) } else { grouped(n.round() as u64) },
            ));
        }
        let centre = if effect.axis() == Axis::Ratio { t.prior_centre_ratio } else { t.prior_centre };
        row.push(centre.map_or_else(|| absent(t.centre_note), |x| value(effect, x)));
        row
    };
    let mut header = ["To bring", "P now", "below", "sceptical\nSD"].map(str::to_string).to_vec();
    if in_patients {
        header.push("as\npatients".to_string());
    }
    header.push(format!("prior centre,\n{}", effect.in_words()));
    out.push_str(&table(header, passed.iter().map(row).collect()));
    push(
        &mut out,
        &format!(
            "Sceptical SD: of a prior centred on no effect, heterogeneity as stated; as patients: what it is worth. Prior centre: to which the stated prior must move.{} None: no such prior does it, as far as was searched; any: even the widest is enough.",
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
    let mut header = vec!["Frontier: sceptical SD at τ scale".to_string()];
    header.extend(first.frontier.iter().map(|f| plain(f.tau_scale)));
    let rows = with.iter().map(|t| {
        let label =
            format!("{}: {} to {}", t.subgroup, statement(t.statement, t.measure, t.threshold), t.line);
        let sds = t.frontier.iter().map(|f| f.sceptical_sd.map_or_else(|| absent(f.note), plain));
        std::iter::once(label).chain(sds).collect()
    });
    String::from("\n") + &table(header, rows.collect())
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
    let has_baseline = study.priors.baseline.is_some();
    let rows: Vec<Vec<String>> = c
        .who_decided
        .iter()
        .filter(|w| leaning(&w.subgroup, w.statement))
        .map(|w| {
            let mut row = vec![
                format!("{}: {}", w.subgroup, statement(w.statement, w.measure, w.threshold)),
                shown(c, w.baseline),
                shift(w.data),
                shift(w.effect_prior),
                shift(w.heterogeneity_prior),
            ];
            if has_baseline {
                row.push(shift(w.baseline_prior));
            }
            row.push(shown(c, w.probability));
            row
        })
        .collect();
    let mut out = String::new();
    title(&mut out, "Who decided? Shifts of each probability");
    if !study.priors.effect.distribution.is_proper() {
        push(&mut out, "A flat effect prior has no probabilities without data, and so no shifts.", 0);
        return out;
    }
    let mut header = vec!["", "reference", "data", "effect\nprior", "heterog.\nprior"];
    if has_baseline {
        header.push("baseline\nprior");
    }
    header.push("as\nstated");
    out.push_str(&table(header.into_iter().map(str::to_string).collect(), rows));
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

/// Sensitivity of the printed quantities.
pub fn power_scaling(study: &Study, c: &Comparison) -> String {
    if c.power_scaling.is_empty() {
        return String::new();
    }
    let two = |x: Option<f64>| x.map_or_else(|| "–".to_string(), |x| format!("{x:.3}"));
    let shift = |x: Option<f64>| x.map_or_else(|| "–".to_string(), |x| signed(x, 3));
    let has_baseline = study.priors.baseline.is_some();
    let mut rows: Vec<Vec<String>> = c
        .power_scaling
        .iter()
        .filter(|r| !matches!(r.statement, Some(Statement::Harm | Statement::HarmAtLeast)))
        .map(|r| {
            let whom = r.subgroup.clone().unwrap_or_else(|| match r.scope {
                Scope::Mean => format!("the average {}", study.subgroup_name),
                _ => String::new(),
            });
            match (r.statement, r.threshold) {
                (Some(s), Some(t)) => vec![
                    format!("{whom}: P({})", statement(s, r.measure, t)),
                    shift(r.prior),
                    shift(r.baseline_prior),
                    shift(r.likelihood),
                    String::new(),
                ],
                _ => vec![
                    format!("{whom}: {}", r.measure.in_words()),
                    two(r.prior),
                    two(r.baseline_prior),
                    two(r.likelihood),
                    match r.diagnosis {
                        Some(Diagnosis::PriorDataConflict) => "possible conflict",
                        Some(Diagnosis::StrongPriorOrWeakData) => "strong prior or weak data",
                        Some(Diagnosis::Unremarkable) => "unremarkable",
                        None => "–",
                    }
                    .to_string(),
                ],
            }
        })
        .collect();
    let mut out = String::new();
    title(&mut out, "Sensitivity to power-scaling, per doubling of the weight");
    let header = ["", "of the\npriors", "of the\nbaseline", "of the\ndata", "reading"];
    let mut header = header.map(str::to_string).to_vec();
    if !has_baseline {
        header.remove(2);
        rows.iter_mut().for_each(|row| drop(row.remove(2)));
    }
    out.push_str(&table(header, rows));
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
            "Quantities: distance by which the distribution moves (cumulative Jensen–Shannon; from 0.05 it counts). Probabilities: their change. The priors: of μ and τ together{}; the reading is of them and the data.{method}",
            if has_baseline { "; the baseline: its prior alone" } else { "" }
        ),
        2,
    );
    out
}

/// Evidence and prediction under the three poolings.
pub fn poolings(_: &Study, c: &Comparison) -> String {
    if c.poolings.len() < 2 {
        return String::new();
    }
    let number = |x: Option<f64>| x.map_or_else(|| "–".to_string(), |x| signed(x, 2).replace('+', ""));
    let rows: Vec<Vec<String>> = c
        .poolings
        .iter()
        .map(|r| {
            let name = match r.pooling {
                Pooling::Partial => "partial",
                Pooling::Complete => "complete",
                Pooling::None => "none",
            };
            let apart = match (r.difference, r.difference_se) {
                (Some(0.0), _) => "best".to_string(),
                (Some(_), Some(se)) => format!("{} (SE {})", number(r.difference), number(Some(se))),
                _ => "–".to_string(),
            };
            vec![name.to_string(), number(r.log_marginal_likelihood), number(r.elpd), apart]
        })
        .collect();
    let mut out = String::new();
    let first = &c.poolings[0];
    title(&mut out, &format!("Poolings compared, stated priors: leaving out one {} at a time", first.unit));
    let header = ["Pooling", "log marginal\nlikelihood", "log predictive\ndensity", "difference"];
    out.push_str(&table(header.map(str::to_string).to_vec(), rows));
    let method = match (first.method, c.poolings.iter().filter_map(|r| r.max_k).reduce(f64::max)) {
        ("psis", Some(k)) => format!("Pareto-smoothed importance sampling, k at most {}. ", pareto(k)),
        _ => "Computed exactly. ".to_string(),
    };
    push(
        &mut out,
        &format!(
            "{method}The first depends on how wide the priors are. The second asks how well the next {} of these subgroups is predicted, not a new subgroup; a difference below 4, or twice its SE, is no evidence. Neither is a reason to choose a pooling after seeing the data.",
            first.unit
        ),
        2,
    );
    out
}
