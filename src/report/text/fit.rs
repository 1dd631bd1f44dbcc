//! The table of a fit.

use super::super::baseline_conflict::conflict_line;
use super::super::interruption::interruption;
use super::super::numbers::{plain, threshold, with_prior};
use super::super::sentences::{self, sentence};
use super::super::words::{all_priors, capitalised, whose};
use super::adjusted::{coefficients, draws_reweighted, second_opinion};
use super::columns::{Cells, Columns};
use super::layout::{
    arms_wrapped, bold, grouped, heading, push, push_assumptions, push_passage, push_warning,
    rows_have_counts, shown_interval, shown_probability, table,
};
use super::levels::level_sections;
use crate::posterior::{
    Axis, CLEAR, Claim, Estimand, Estimate, Measure, Parameter, Probability, Quantiles, Report, Says,
    Statement, Whom, primary,
};
use crate::report::{levels, model_checks, observations, weighting};
use crate::study::{Assignment, Pooling, Study};

/// The row of an estimand, where it has a number.
fn known(report: &Report, whom: Whom, measure: Measure) -> Option<&Estimate> {
    report.estimate(Estimand::new(whom, measure)).filter(|e| e.best().is_some())
}

/// The result of a fit as text for a terminal: tables, and what they mean in sentences.
pub fn fit_text(study: &Study, report: &Report) -> String {
    if study.treatment.has_several_arms() {
        return super::arms::fit_text(study, report);
    }
    if let Some(factors) = &study.factors {
        return super::factors::fit_text(study, factors, report);
    }
    let mut out = heading(study);
    if push_unreliable(&mut out, report) {
        return out;
    }
    if report.unadjusted.is_some() {
        out.push_str(&bold("Allowing for a bias"));
        out.push('\n');
        push_assumptions(&mut out, study);
        out.push('\n');
    }
    out.push_str(&effects(study, report));
    out.push_str(&level_sections(study, report));
    out.push('\n');
    out.push_str(&probabilities(study, report));
    out.push('\n');
    let leaning: Vec<&Claim> =
        sentences::told(report).filter(|c| matches!(c.says, Says::Leaning(_))).collect();
    for claim in &leaning {
        push(&mut out, &sentence(claim), 2);
    }
    if !leaning.is_empty() {
        out.push('\n');
    }
    let pairs = pairs(study, report);
    if !pairs.is_empty() {
        out.push_str(&pairs);
        out.push('\n');
    }
    if let Some(without) = &report.unadjusted {
        out.push_str(&unadjusted(study, without));
    }
    if study.weighting.is_some() {
        push_passage(&mut out, &weighting::side_by_side(study, report));
        out.push('\n');
        push_passage(&mut out, &weighting::in_brief(study));
        out.push('\n');
    }
    let coefficients = coefficients(study, report);
    if !coefficients.is_empty() {
        out.push_str(&coefficients);
        out.push('\n');
    }
    out.push_str(&footnotes(study, report));
    out
}

/// What a run that was interrupted, or failed its checks, says first; whether its numbers are withheld.
pub fn push_unreliable(out: &mut String, report: &Report) -> bool {
    if let Some(interruption) = interruption(report) {
        push_warning(out, &interruption);
        out.push('\n');
    }
    if report.withheld {
        push(out, "No result: the run did not pass its checks.", 0);
        for reason in &report.checks.reasons {
            push(out, &format!("- {reason}"), 2);
        }
        return true;
    }
    if let Some(warning) = report.warning() {
        push_warning(out, &warning);
        out.push('\n');
    }
    false
}

/// The tables of the fit without the bias.
fn unadjusted(study: &Study, without: &Report) -> String {
    let mut out = bold("Without allowing for it") + "\n";
    if without.withheld {
        push(&mut out, "No numbers: the run without the bias did not pass its checks.", 0);
        for reason in &without.checks.reasons {
            push(&mut out, &format!("- {reason}"), 2);
        }
        out.push('\n');
        return out;
    }
    for section in [effects(study, without), probabilities(study, without), pairs(study, without)] {
        if !section.is_empty() {
            out.push_str(&section);
            out.push('\n');
        }
    }
    out
}

fn effects(study: &Study, report: &Report) -> String {
    let (mut header, effects) = effect_table(study, report);
    let mut rows = Vec::new();
    for (k, row) in effects.into_iter().enumerate() {
        rows.push(row);
        let alone = study.weighting.as_ref().map_or("crude", |w| w.own_in_words()).to_lowercase();
        rows.extend(crude_row(study, k, &format!("  {alone}")));
    }
    // Further measures of ordered levels have a table of their own.
    let width = 1 + observations::observed(study).len() + MEASURES.min(observations::effects(study).len());
    header.truncate(width);
    rows.iter_mut().for_each(|row| row.truncate(width));
    table(arms_wrapped(study, header), rows)
}

/// Measures of the effect that the main table shows.
pub const MEASURES: usize = 2;

/// What stands below a row of the table of effects, where subgroups come first: the crude effects of its counts. None
/// below rows of all together, and where the data are effects themselves.
pub fn crude_row(study: &Study, row: usize, label: &str) -> Option<Vec<String>> {
    let crude = if row < study.data.names().len() { observations::crude(study, row) } else { Vec::new() };
    let arms = study.treatment.arms.iter().map(|_| String::new());
    (!crude.is_empty()).then(|| std::iter::once(label.to_string()).chain(arms).chain(crude).collect())
}

/// Whom the rows of both tables are about: every subgroup, then what is shared.
pub fn told(study: &Study, report: &Report) -> Vec<Whom> {
    let subgroups = study.data.names().len();
    let effect = Measure::of(study.outcome.scale);
    let is_told = |whom: &Whom| subgroups > 1 && known(report, *whom, effect).is_some();
    (0..subgroups).map(Whom::Subgroup).chain(Whom::SHARED.into_iter().filter(is_told)).collect()
}

/// The table of effects, heading and rows: raw figures and effects, one row per subgroup, then the shared ones.
pub fn effect_table(study: &Study, report: &Report) -> Cells {
    let mut columns: Columns<'_, Whom> = Columns::new();
    columns.add(capitalised(&study.subgroup_name), |whom| whose(study, *whom));
    columns.append(observations::observed(study));
    for (heading, measure) in observations::effects(study) {
        columns.add(heading, move |whom| {
            let found = known(report, *whom, measure);
            let is_subgroup = matches!(whom, Whom::Subgroup(_));
            if found.is_some() || is_subgroup { shown_interval(found) } else { String::new() }
        });
    }
    columns.cells(told(study, report))
}

/// The table of probabilities, heading and rows: benefit, harm, and the primary threshold, each with its prior.
pub fn probability_table(study: &Study, report: &Report) -> Cells {
    let (measure, at) = primary(study);
    let effect = Measure::of(study.outcome.scale);
    // Of weighted patients both measures say the same of a direction, and the effect has a prior.
    let base = match rows_have_counts(study) {
        true if study.weighting.is_some() => effect,
        true => Measure::RiskDifference,
        false => measure,
    };
    // The measure by which a direction is judged, and a size.
    let direction_by = move |whom: Whom| match whom {
        Whom::Subgroup(_) => base,
        Whom::Overall => Measure::RiskDifference,
        _ => effect,
    };
    let size_by = move |whom: Whom| match whom {
        Whom::Subgroup(_) | Whom::Overall => measure,
        _ if measure == effect => measure,
        _ => Measure::RiskDifference,
    };
    let shown = |whom: Whom, statement, measure: Measure, at: f64| {
        let found = report.probability(Estimand::new(whom, measure), statement, at);
        found.map_or_else(|| "–".to_string(), |p| with_prior(&shown_probability(p), p.prior))
    };
    let direction = |statement| {
        move |whom: &Whom| {
            let by = direction_by(*whom);
            shown(*whom, statement, by, by.null())
        }
    };
    let mut columns: Columns<'_, Whom> = Columns::new();
    columns.add("Probability (prior)", |whom| whose(study, *whom));
    columns.add("P(better)", direction(Statement::Benefit));
    columns.add("P(worse)", direction(Statement::Harm));
    if let Some(size) = at {
        let t = threshold(measure, size);
        let by = match measure.axis() {
            Axis::Ratio => "by a\nfactor ",
            Axis::Additive => "by\n",
            Axis::Chance => "with\nchance ",
        };
        let at_least = |statement| move |whom: &Whom| shown(*whom, statement, size_by(*whom), size);
        columns.add(format!("P(better {by}≥ {t})"), at_least(Statement::BenefitAtLeast));
        columns.add(format!("P(worse {by}≥ {t})"), at_least(Statement::HarmAtLeast));
    }
    if study.pooling == Pooling::ExchangeableOrNot {
        columns.add("P(stands\nalone)", move |whom| match whom {
            Whom::Subgroup(_) => shown(*whom, Statement::StandsAlone, effect, effect.null()),
            _ => String::new(),
        });
    }
    columns.cells(told(study, report))
}

fn probabilities(study: &Study, report: &Report) -> String {
    let (header, rows) = probability_table(study, report);
    let mut out = String::new();
    if study.assignment == Assignment::Observational {
        push(
            &mut out,
            &format!(
                "Probability that the outcome associated with {} is better or worse, given this model",
                study.treatment.active()
            ),
            0,
        );
    } else {
        push(
            &mut out,
            &format!(
                "Probability that {} makes the outcome better or worse, given this model",
                study.treatment.active()
            ),
            0,
        );
    }
    out + &table(header, rows)
}

/// Ratios and opposite directions, two subgroups at a time.
fn pairs(study: &Study, report: &Report) -> String {
    let contrast = Measure::contrast_of(study.outcome.scale);
    let effect = Measure::of(study.outcome.scale);
    let opposed = |whom: Whom| {
        report
            .probability(Estimand::new(whom, effect), Statement::BenefitAndHarm, effect.null())
            .map_or_else(|| "–".to_string(), |p| with_prior(&shown_probability(p), p.prior))
    };
    let is_told = |e: &&Estimate| matches!(e.estimand.whom, Whom::Pair(..)) && e.estimand.measure == contrast;
    let rows: Vec<&Estimate> = report.estimates.iter().filter(is_told).collect();
    if rows.is_empty() {
        return String::new();
    }
    let mut out = String::new();
    push(&mut out, "Two at a time, A : B, probabilities with their prior values in brackets", 0);
    let label = match contrast {
        Measure::DifferenceOfDifferences => "A minus B",
        _ => "Ratio of ratios (95 %)",
    };
    let name = |g: Option<usize>| g.map_or("", |g| report.names.subgroup(g));
    let mut columns: Columns<'_, &Estimate> = Columns::new();
    columns.add(capitalised(study.subgroups()), |e| {
        let pair = e.estimand.whom;
        format!("{} : {}", name(pair.subgroup()), name(pair.second()))
    });
    columns.add(label, |e| shown_interval(Some(e)));
    columns.add("P(A better,\nB worse)", |e| opposed(e.estimand.whom));
    columns.add("P(A worse,\nB better)", |e| opposed(e.estimand.whom.swapped()));
    out.push_str(&columns.table(rows));
    out
}

fn footnotes(study: &Study, report: &Report) -> String {
    let mut out = String::new();
    let mut words = format!("Priors: {}", all_priors(study));
    words += match study.pooling {
        Pooling::Partial => ". Partial pooling.",
        Pooling::ExchangeableOrNot => {
            ". Exchangeable or not: each effect is around the mean that the others share, or stands alone."
        }
        Pooling::StudentT => ". Partial pooling, effects around their mean as a Student t.",
        Pooling::None => {
            ". No pooling: each subgroup has an effect of its own, around a mean of its own: effect and heterogeneity prior both widen its prior."
        }
        Pooling::Complete if study.data.names().len() > 1 => ". Complete pooling: one effect for all.",
        Pooling::Complete => ".",
    };
    push(&mut out, &words, 2);
    for line in levels::about(study) {
        push(&mut out, &line, 2);
    }
    out.push_str(&departures(study, report));
    if let Some(claim) = report.prior_at_odds(study) {
        push(&mut out, &sentence(&claim), 2);
    }
    if let Some(line) = conflict_line(study, report.baseline_conflicts(study)) {
        push(&mut out, &line, 2);
    }
    if let Some(line) = model_checks::in_short(study, report) {
        push(&mut out, &line, 2);
    }
    if let Some(tau) = report.parameter(Parameter::Tau).and_then(|t| t.best().zip(t.prior)) {
        let of = |q: &Quantiles| format!("{} ({} to {})", plain(q.median), plain(q.q2_5), plain(q.q97_5));
        let is_of_tau = |c: &&Claim| matches!(c.says, Says::HeterogeneityUnlearned { .. });
        let claim = report.claims.iter().find(is_of_tau).map(|c| format!(" {}", sentence(c)));
        let claim = claim.unwrap_or_default();
        push(&mut out, &format!("Heterogeneity τ: {}, prior {}.{claim}", of(&tau.0), of(&tau.1)), 2);
    }
    out.push_str(&labels(study, report));
    push(&mut out, &engines(report), 2);
    if let Some(draws) = &report.checks.draws {
        push(&mut out, &draws_reweighted(draws), 2);
    }
    if let Some(importance) = &report.checks.importance {
        push(&mut out, &second_opinion(importance), 2);
    }
    let told_nnt = sentences::told(report).any(|c| matches!(&c.says, Says::Leaning(l) if l.nnt.is_some()));
    let nnt = if told_nnt { "; NNTB and NNTH: number needed to treat to benefit and to harm" } else { "" };
    push(&mut out, &format!("Medians and central 95 % intervals{nnt}."), 2);
    let is_unclear = |c: &Claim| matches!(&c.says, Says::Leaning(l) if !l.clear);
    if sentences::told(report).any(is_unclear) {
        push(&mut out, &format!("No clear direction: P(better) and P(worse) are both below {CLEAR}."), 2);
    }
    if rows_have_counts(study) {
        push(&mut out, &observations::crude_note(study), 2);
    }
    if let Some(note) = prior_note(report) {
        push(&mut out, &note, 2);
    }
    if let Some(note) = further_thresholds(study) {
        push(&mut out, &note, 2);
    }
    let sampled = report.settings.sampler.as_ref().is_some_and(|s| s.draws > 0);
    if study.data.names().len() > 1 && rows_have_counts(study) {
        let patients = whose(study, Whom::Overall);
        let text = match (sampled, report.checks.exact.available) {
            (true, _) if let Some(population) = study.weighted_population() => format!(
                "For {patients}, each {} by its share of the weighted population ({population}), numbers are sampled and show no digit finer than twice their Monte Carlo error.",
                study.subgroup_name
            ),
            (true, true) => format!(
                "For {patients}, each {} at its size, numbers are sampled and show no digit finer than twice their Monte Carlo error.",
                study.subgroup_name
            ),
            (true, false) => match &study.adjustment {
                None => format!("For {patients}, each {} counts at its size.", study.subgroup_name),
                Some(a) => format!(
                    "Risks are averages over {}; for {patients}, each {} counts at its size among them, and the odds ratio is that of the averages.",
                    a.population.in_words(),
                    study.subgroup_name
                ),
            },
            (false, _) => format!("Numbers for {patients}, all together, are sampled, and nothing was."),
        };
        push(&mut out, &text, 2);
    }
    out
}

/// How many thresholds are asked for beyond the one that is shown, where there are any.
pub fn further_thresholds(study: &Study) -> Option<String> {
    let asked = study.thresholds.count();
    let shown = primary(study).1.is_some();
    match asked.saturating_sub(usize::from(shown)) {
        0 => None,
        1 => Some("1 more threshold in CSV and JSON (--format).".to_string()),
        n => Some(format!("{n} more thresholds in CSV and JSON (--format).")),
    }
}

/// Which prior stands in brackets beside a statement on a risk difference, where there is one.
pub fn prior_note(report: &Report) -> Option<String> {
    let of_risks = |p: &Probability| p.estimand.measure == Measure::RiskDifference && p.prior.is_some();
    report.probabilities.iter().any(of_risks).then(|| {
        "In brackets the probability before the data; of risk differences it depends on the baseline prior too."
            .to_string()
    })
}

/// What was learned of departures from proportional odds.
fn departures(study: &Study, report: &Report) -> String {
    let mut out = String::new();
    let Some(scale) = &study.outcome.levels else { return out };
    let of = |q: &Quantiles| format!("{} ({} to {})", plain(q.median), plain(q.q2_5), plain(q.q97_5));
    for row in &report.parameters {
        let Parameter::Departure(cut) = row.parameter else { continue };
        let Some((q, prior)) = row.best().zip(row.prior) else { continue };
        let which = scale.cut_in_words(cut);
        push(
            &mut out,
            &format!("Departure of the log odds ratio {which}: {}, prior {}.", of(&q), of(&prior)),
            2,
        );
    }
    out
}

/// What was learned of labels that may be wrong.
fn labels(study: &Study, report: &Report) -> String {
    let mut out = String::new();
    let names = study.data.names();
    let positive = study.bias.as_ref().and_then(|b| b.misclassification.as_ref()).map(|m| names[m.positive]);
    let Some(positive) = positive else { return out };
    let of = |q: &Quantiles| format!("{:.2} ({:.2} to {:.2})", q.median, q.q2_5, q.q97_5);
    // The model's order: sensitivities, specificities, shares.
    for row in &report.parameters {
        let (what, arm) = match row.parameter {
            Parameter::Sensitivity(arm) => (format!("Sensitivity for {positive}"), arm),
            Parameter::Specificity(arm) => ("Specificity".to_string(), arm),
            Parameter::Prevalence(arm) => (format!("True share of {positive}"), arm),
            _ => continue,
        };
        let arm = arm.map_or_else(String::new, |arm| format!(", {} arm", arm.in_words()));
        let prior = row.prior.as_ref().map_or_else(String::new, |q| format!("; prior {}", of(q)));
        if let Some(q) = row.best() {
            push(&mut out, &format!("{what}{arm}: {}{prior}.", of(&q)), 2);
        }
    }
    out
}

/// How the numbers were made, and what their checks found.
pub fn engines(report: &Report) -> String {
    let Some(sampler) = report.settings.sampler.as_ref().filter(|s| s.draws > 0) else {
        return "Computed by numerical integration, not by sampling.".to_string();
    };
    let checks = &report.checks;
    let runs = format!(
        "{} of {} draws",
        if sampler.chains == 1 { "1 chain".to_string() } else { format!("{} chains", sampler.chains) },
        grouped(sampler.draws as u64)
    );
    let mut text = match (checks.exact.available, checks.exact.max_abs_z, checks.exact.allowed_abs_z) {
        (true, Some(z), Some(allowed)) => format!(
            "Computed by numerical integration and, beside it, by sampling ({runs}): of {} numbers held against each other the largest |z| is {z:.1}, {allowed:.1} allowed",
            checks.exact.comparisons
        ),
        (true, _, _) => format!("Computed by numerical integration and, beside it, by sampling ({runs})"),
        (false, _, _) => {
            let mut text = format!("Computed by sampling ({runs})");
            if let Some(mcse) = checks.max_mcse {
                text += &format!("; Monte Carlo error of a probability at most {mcse:.4}");
            }
            text
        }
    };
    if let (Some(rhat), Some(ess)) = (checks.max_rhat, checks.least_ess()) {
        text +=
            &format!("; R-hat at most {rhat:.3}, effective sample sizes at least {}", grouped(ess as u64));
    }
    let divergences = checks.divergences.unwrap_or(0);
    text += &match divergences {
        0 => ", no divergence.".to_string(),
        n => format!(", {n} divergent."),
    };
    text
}
