//! What the effects are adjusted for: coefficients and centres.

use super::super::numbers::{interval_known_to, plain};
use super::columns::Columns;
use super::layout::{grouped, push};
use crate::posterior::{Importance, Measure, Parameter, ParameterRow, Quantiles, Report};
use crate::study::{Adjustment, Form, Study, Term};

/// A row of their table.
struct Coefficient {
    what: String,
    unit: String,
    ratio: String,
}

/// Coefficients as odds ratios, and the spread among centres; nothing without covariates or centres.
pub fn coefficients(study: &Study, report: &Report) -> String {
    let mut out = String::new();
    let Some(adjustment) = &study.adjustment else { return out };
    let rows: Vec<Coefficient> = adjustment
        .terms
        .iter()
        .enumerate()
        .filter_map(|(j, term)| {
            let p = report.parameter(Parameter::Gamma(j))?;
            let (what, unit) = compared(adjustment, term)?;
            Some(Coefficient { what, unit: unit.shown, ratio: ratio(p, unit.per_sd)? })
        })
        .collect();
    if !rows.is_empty() {
        let mut columns: Columns<'_, Coefficient> = Columns::new();
        columns.add("Adjusted for", |c| c.what.clone());
        columns.add("odds ratio of", |c| c.unit.clone());
        columns.add("(95 %)", |c| c.ratio.clone());
        out.push_str(&columns.table(rows));
    }
    let splines: Vec<String> = adjustment
        .covariates
        .iter()
        .filter_map(|c| match &c.form {
            Form::Spline { knots } => Some(format!(
                "{}, a spline with knots at {}",
                c.column,
                knots.iter().map(|k| plain(*k)).collect::<Vec<_>>().join(", ")
            )),
            _ => None,
        })
        .collect();
    if !splines.is_empty() {
        push(&mut out, &format!("Adjusted for {}.", splines.join("; ")), 2);
    }
    if let (Some(centres), Some(q)) =
        (&adjustment.centres, report.parameter(Parameter::CentreSd).and_then(ParameterRow::best))
    {
        let of = |q: &Quantiles| format!("{} ({} to {})", plain(q.median), plain(q.q2_5), plain(q.q97_5));
        push(
            &mut out,
            &format!(
                "{} centres ({}) with intercepts of their own; their standard deviation on the log odds: {}.",
                grouped(centres.names.len() as u64),
                centres.column,
                of(&q)
            ),
            2,
        );
    }
    out
}

/// What an odds ratio is for, and how many standard deviations that is.
struct Unit {
    shown: String,
    per_sd: f64,
}

/// A number by its standard deviation, a level against the reference; none for the columns of a spline.
fn compared(adjustment: &Adjustment, term: &Term) -> Option<(String, Unit)> {
    for covariate in &adjustment.covariates {
        match &covariate.form {
            Form::Linear if covariate.column == term.name => {
                let unit = Unit { shown: format!("{} more", plain(term.sd)), per_sd: 1.0 };
                return Some((term.name.clone(), unit));
            }
            Form::Levels { reference } => {
                let level = term.name.strip_prefix(&covariate.column).and_then(|l| l.strip_prefix('='));
                if let Some(level) = level {
                    let unit = Unit { shown: format!("{level} to {reference}"), per_sd: 1.0 / term.sd };
                    return Some((covariate.column.clone(), unit));
                }
            }
            _ => {}
        }
    }
    None
}

fn ratio(p: &ParameterRow, per_sd: f64) -> Option<String> {
    let q = p.best()?;
    let out = |x: f64| libm::exp(per_sd * x);
    let q_out = Quantiles { median: out(q.median), q2_5: out(q.q2_5), q97_5: out(q.q97_5) };
    let errors = p
        .reported
        .mcse_quantiles
        .map(|[a, b, c]| [a * per_sd * q_out.median, b * per_sd * q_out.q2_5, c * per_sd * q_out.q97_5]);
    Some(interval_known_to(Measure::OddsRatio, &q_out, errors))
}

/// What importance sampling says of the sampler.
pub fn second_opinion(importance: &Importance) -> String {
    let k = format!("Pareto k {:.2}", importance.pareto_k);
    match (importance.max_abs_z, importance.allowed_abs_z) {
        (Some(z), Some(allowed)) => format!(
            "Held against importance sampling from a normal approximation ({k}, {} effective draws): of {} numbers the largest |z| is {z:.1}, {allowed:.1} allowed.",
            grouped(importance.effective_draws as u64),
            importance.comparisons
        ),
        _ => format!(
            "Importance sampling from a normal approximation gives no second opinion here: {k} ({:.2} is trusted), {} of {} draws effective.",
            importance.trusted_k,
            grouped(importance.effective_draws as u64),
            grouped(importance.draws)
        ),
    }
}
