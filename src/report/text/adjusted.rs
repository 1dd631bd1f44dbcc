//! What the effects are adjusted for: coefficients and centres.

use super::super::numbers::{plain, ratios_alike};
use super::columns::Columns;
use super::layout::{grouped, push};
use crate::posterior::{Importance, Parameter, ParameterRow, Quantiles, Report, Reweighted};
use crate::study::{Adjustment, Form, Study, Term};

/// A row of their table.
struct Coefficient {
    covariate: String,
    per: String,
    /// Median and limits, with their Monte Carlo errors where they are sampled.
    ratio: (Quantiles, Option<[f64; 3]>),
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
            let (covariate, step) = compared(adjustment, term)?;
            Some(Coefficient { covariate, per: step.shown, ratio: ratio(p, step.per_sd)? })
        })
        .collect();
    if !rows.is_empty() {
        let (shown, coarse) = ratios_alike(rows.iter().map(|c| c.ratio));
        let mut columns: Columns<'_, (&Coefficient, String)> = Columns::new();
        columns.add("Adjusted for", |(c, _)| c.covariate.clone());
        columns.add("", |(c, _)| c.per.clone());
        columns.add("Odds ratio (95 %)", |(_, shown)| shown.clone());
        out.push_str(&columns.table(rows.iter().zip(shown)));
        if coarse {
            push(&mut out, "As many digits as the sampling makes sure; a smaller --mcse gives more.", 2);
        }
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

/// The step of a covariate that an odds ratio is for, and how many standard deviations that is.
struct Step {
    shown: String,
    per_sd: f64,
}

/// A number per the step that is asked for, or else per 1, or per the power of ten below its standard deviation where that is
/// far from 1; a level against the reference; none for the columns of a spline.
fn compared(adjustment: &Adjustment, term: &Term) -> Option<(String, Step)> {
    let covariate = adjustment.covariates.get(term.covariate)?;
    let step = match (&covariate.form, &term.level) {
        (Form::Linear, _) => {
            let size = covariate.per.unwrap_or_else(|| step_of(term.sd));
            let unit = covariate.unit.as_ref().map_or_else(String::new, |unit| format!(" {unit}"));
            Step { shown: format!("per {size}{unit}"), per_sd: size / term.sd }
        }
        (Form::Levels { reference }, Some(level)) => {
            Step { shown: format!("{level} vs {reference}"), per_sd: 1.0 / term.sd }
        }
        _ => return None,
    };
    Some((covariate.column.clone(), step))
}

/// 1 for standard deviations from 0.5 to 10: years of age per 10, points of a scale per 1.
fn step_of(sd: f64) -> f64 {
    if (0.5..10.0).contains(&sd) { 1.0 } else { libm::pow(10.0, sd.log10().floor()) }
}

fn ratio(p: &ParameterRow, per_sd: f64) -> Option<(Quantiles, Option<[f64; 3]>)> {
    let q = p.best()?;
    let out = |x: f64| libm::exp(per_sd * x);
    let q_out = Quantiles { median: out(q.median), q2_5: out(q.q2_5), q97_5: out(q.q97_5) };
    let errors = p
        .reported
        .mcse_quantiles
        .map(|[a, b, c]| [a * per_sd * q_out.median, b * per_sd * q_out.q2_5, c * per_sd * q_out.q97_5]);
    Some((q_out, errors))
}

/// What the draws of a fit elsewhere say of their normal summary.
pub fn draws_reweighted(draws: &Reweighted) -> String {
    match (draws.largest_difference, draws.chance) {
        (Some(apart), Some(chance)) => format!(
            "The draws themselves, weighted to this posterior (Pareto k {:.2}), give every subgroup's probability of an effect above 0 within {apart:.3} of the one told; {chance:.3} may be chance.",
            draws.pareto_k
        ),
        _ => format!(
            "The draws can't be weighted to this posterior (Pareto k {:.2}, at most {:.2} trusted): pooling moves it too far from them, and only Mardia's statistics speak for the normal summary.",
            draws.pareto_k, draws.trusted_k
        ),
    }
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

#[cfg(test)]
mod tests {
    use super::{second_opinion, step_of};
    use crate::posterior::Importance;

    #[test]
    fn weights_that_are_not_trusted_give_no_second_opinion() {
        let importance = Importance {
            draws: 4_000,
            pareto_k: 0.93,
            trusted_k: 0.7,
            effective_draws: 212.4,
            comparisons: 0,
            max_abs_z: None,
            allowed_abs_z: None,
        };
        assert!(!importance.is_trusted() && importance.agrees());
        let few = Importance { pareto_k: 0.3, ..importance };
        assert!(!few.is_trusted(), "too few effective draws");
        assert!(Importance { effective_draws: 600.0, ..few }.is_trusted());
        let text = second_opinion(&importance);
        assert!(
            text.ends_with(
                "gives no second opinion here: Pareto k 0.93 (0.70 is trusted), 212 of 4,000 draws effective."
            ),
            "{text}"
        );
    }

    #[test]
    fn a_step_is_a_round_number_that_a_covariate_can_take() {
        assert_eq!([12.3, 9.9, 1.0, 0.5].map(step_of), [10.0, 1.0, 1.0, 1.0]);
        assert_eq!([250.0, 0.031].map(step_of), [100.0, 0.01]);
    }
}
