//! The page's paragraphs about design, checks, methods and provenance.

use super::super::levels;
use super::super::numbers::plain;
use super::super::observations;
use super::super::text::{prior_note, second_opinion};
use super::super::words::{all_priors, capitalised, size_in_words};
use super::study::Presentation;
use crate::posterior::Report;
use crate::study::{Pooling, Study};

/// Who is compared, how many, how assigned, which way is good.
pub fn design(study: &Study) -> String {
    let size = size_in_words(study, study.audit().patients.map(|p| format!("{p} patients")));
    let design = study.assignment.in_words();
    format!(
        "{} against {}: {size}; {design}. {}.",
        capitalised(study.treatment.active()),
        study.treatment.control(),
        capitalised(&study.direction())
    )
}

/// What was checked, with its numbers.
pub fn checks(p: &Presentation<'_>) -> Vec<String> {
    let shown = match &p.shown {
        Ok(shown) => shown,
        Err(reasons) => return reasons.iter().map(|r| format!("Failed: {r}.")).collect(),
    };
    let c = &shown.report.checks;
    let mut lines = Vec::new();
    if let Some(s) = &shown.report.settings.sampler {
        lines.push(format!(
            "Sampler: {} chains of {} draws after {} of warm-up, seed {}.",
            s.chains, s.draws, s.warmup, s.seed
        ));
    }
    if let (Some(rhat), Some(bulk), Some(tail)) = (c.max_rhat, c.min_ess_bulk, c.min_ess_tail) {
        lines.push(format!(
            "Largest R-hat {rhat:.3}; least effective sample size {bulk:.0} in the bulk, {tail:.0} in the tails; divergences: {}.",
            c.divergences.unwrap_or(0)
        ));
    }
    if let Some(mcse) = c.max_mcse {
        lines.push(format!("Largest Monte Carlo error of a sampled probability: {}.", plain(mcse)));
    }
    match (&c.exact.reason, c.exact.max_abs_z.zip(c.exact.allowed_abs_z)) {
        (None, Some((z, allowed))) => lines.push(format!(
            "Integrated and sampled numbers agree: {} comparisons, the largest difference {} standard errors, {} allowed.",
            c.exact.comparisons,
            plain(z),
            plain(allowed)
        )),
        (None, None) => lines.push("By numerical integration.".to_string()),
        (Some(reason), _) => lines.push(format!("Sampled only: {reason}.")),
    }
    if let Some(importance) = &c.importance {
        lines.push(second_opinion(importance));
    }
    lines.push("All checks passed.".to_string());
    lines
}

/// How the numbers were made, for a paper's methods section.
pub fn methods(study: &Study, report: Option<&Report>) -> Vec<String> {
    let data = observations::likelihood(study);
    let pooling = match study.pooling {
        Pooling::Partial => {
            "Subgroup effects are partially pooled: normal around a mean effect, with a heterogeneity standard deviation that is estimated."
        }
        Pooling::ExchangeableOrNot => {
            "Each subgroup effect is either exchangeable with the others, normal around a mean effect with a heterogeneity standard deviation, or stands alone with a prior of its own (EXNEX)."
        }
        Pooling::StudentT => {
            "Subgroup effects are partially pooled: a Student t distribution around a mean effect, with a heterogeneity scale that is estimated."
        }
        Pooling::None => "Subgroups are not pooled: each has its own effect and heterogeneity.",
        Pooling::Complete if study.undivided => "There are no subgroups.",
        Pooling::Complete => "One effect is assumed for all subgroups.",
    };
    let prior = format!("Priors: {}", all_priors(study));
    let mut lines = vec![format!("{data} {pooling} {prior}.")];
    lines.extend(levels::about(study));
    if let Some(adjustment) = &study.adjustment {
        lines.push(format!(
            "Adjusted for {} in a {} model; numbers are centred and divided by their standard deviation. Risks are standardised in each draw over {}.",
            adjustment.in_words(),
            if study.outcome.levels.is_some() { "cumulative logit" } else { "logistic" },
            adjustment.population.in_words()
        ));
    }
    let of_risks = report.is_some_and(|r| prior_note(r).is_some());
    lines.push(format!(
        "Direction: {}. The results are posterior medians with central 95 % intervals, and posterior probabilities, each beside its value before the data{}.",
        study.direction(),
        if of_risks { " (of risk differences, under the baseline prior too)" } else { "" }
    ));
    if report.is_some() {
        let exact = report.is_some_and(|r| r.checks.exact.available);
        let how = match &study.adjustment {
            None if study.outcome.levels.is_some() && !exact => "by the No-U-Turn sampler",
            None => "by numerical integration and by the No-U-Turn sampler, held against each other",
            Some(_) => {
                "by the No-U-Turn sampler, held against importance sampling from a normal approximation where that can be trusted"
            }
        };
        lines.push(format!("Computed with equipoise {} {how}.", env!("CARGO_PKG_VERSION")));
    }
    lines.push(format!(
        "Eligibility: {}. Time zero: {}.",
        study.audit().eligibility,
        study.audit().time_zero
    ));
    lines
}

/// What the page was made of.
pub fn provenance(study: &Study) -> Vec<[String; 2]> {
    let mut all = vec![
        ["Program".to_string(), format!("equipoise {}", env!("CARGO_PKG_VERSION"))],
        ["Model".to_string(), study.name.clone()],
        ["Model, SHA-256".to_string(), study.model_sha256.clone()],
        ["Data, SHA-256".to_string(), study.data_sha256.clone()],
    ];
    all.extend(study.citation.iter().map(|c| ["Cites".to_string(), c.clone()]));
    all
}
