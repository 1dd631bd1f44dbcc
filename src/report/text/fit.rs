//! The table of a fit.

use super::super::baseline_conflict::conflict_line;
use super::super::numbers::{interval, plain, threshold, with_prior};
use super::super::sentences::sentence;
use super::super::words::{all_priors, capitalised, plural};
use super::adjusted::{coefficients, second_opinion};
use super::layout::{
    arms_wrapped, bold, grouped, heading, push, push_assumptions, push_warning, rows_have_counts,
    scope_label, shown_interval, shown_probability, table,
};
use crate::posterior::{
    Axis, Claim, Estimate, Measure, Parameter, Probability, Quantiles, Report, Says, Scope, Statement,
    primary,
};
use crate::study::{ArmCounts, Assignment, Data, Pooling, Study, SubgroupCounts};

/// Sentences are given for up to this many subgroups; beyond, the tables speak.
const SENTENCES_UP_TO: usize = 6;

struct Lookup<'a>(&'a Report);

impl<'a> Lookup<'a> {
    fn estimate(&self, scope: Scope, subgroup: Option<&str>, measure: Measure) -> Option<&'a Estimate> {
        self.0.estimates.iter().find(|e| {
            e.scope == scope
                && e.subgroup.as_deref() == subgroup
                && e.measure == measure
                && e.best().is_some()
        })
    }

    fn probability(
        &self,
        scope: Scope,
        subgroup: Option<&str>,
        measure: Measure,
        statement: Statement,
        at: f64,
    ) -> Option<&'a Probability> {
        self.0.probabilities.iter().find(|p| {
            p.scope == scope
                && p.subgroup.as_deref() == subgroup
                && p.measure == measure
                && p.statement == statement
                && p.threshold == at
        })
    }
}

/// The table of a fit.
pub fn fit_text(study: &Study, report: &Report) -> String {
    let mut out = heading(study);
    if report.withheld {
        push(&mut out, "No result: the run did not pass its checks.", 0);
        for reason in &report.checks.reasons {
            push(&mut out, &format!("- {reason}"), 2);
        }
        return out;
    }
    if let Some(warning) = report.warning() {
        push_warning(&mut out, &warning);
        out.push('\n');
    }
    if report.unadjusted.is_some() {
        out.push_str(&bold("Allowing for a bias"));
        out.push('\n');
        push_assumptions(&mut out, study);
        out.push('\n');
    }
    let lookup = Lookup(report);
    out.push_str(&effects(study, &lookup));
    out.push('\n');
    out.push_str(&probabilities(study, &lookup));
    out.push('\n');
    if study.data.names().len() <= SENTENCES_UP_TO {
        for claim in report.claims.iter().filter(|c| matches!(c.says, Says::Leaning(_))) {
            push(&mut out, &sentence(claim), 2);
        }
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
    let coefficients = coefficients(study, report);
    if !coefficients.is_empty() {
        out.push_str(&coefficients);
        out.push('\n');
    }
    out.push_str(&footnotes(study, report));
    out
}

/// The same tables without the bias.
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
    let lookup = Lookup(without);
    for section in [effects(study, &lookup), probabilities(study, &lookup), pairs(study, without)] {
        if !section.is_empty() {
            out.push_str(&section);
            out.push('\n');
        }
    }
    out
}

type Cells = (Vec<String>, Vec<Vec<String>>);

/// The table of effects: heading and rows.
pub fn effect_table(study: &Study, report: &Report) -> Cells {
    effect_cells(study, &Lookup(report))
}

/// The table of probabilities: heading and rows.
pub fn probability_table(study: &Study, report: &Report) -> Cells {
    probability_cells(study, &Lookup(report))
}

fn effects(study: &Study, lookup: &Lookup<'_>) -> String {
    let (header, rows) = effect_cells(study, lookup);
    table(arms_wrapped(study, header), rows)
}

/// Raw figures and effects, one row per subgroup, then the shared ones.
fn effect_cells(study: &Study, lookup: &Lookup<'_>) -> Cells {
    let measure = Measure::of(study.outcome.scale);
    let mut rows = Vec::new();
    let mut header = vec![capitalised(&study.subgroup_name)];
    match &study.data {
        Data::Counts(counts) => {
            header.extend([
                study.treatment.control.clone(),
                study.treatment.active.clone(),
                "Odds ratio (95 %)".to_string(),
                "Risk difference,\npoints (95 %)".to_string(),
            ]);
            for c in counts {
                let name = Some(c.name.as_str());
                rows.push(vec![
                    c.name.to_string(),
                    format!("{}/{}", c.control.events, c.control.total),
                    format!("{}/{}", c.active.events, c.active.total),
                    shown_interval(lookup.estimate(Scope::Subgroup, name, measure)),
                    shown_interval(lookup.estimate(Scope::Subgroup, name, Measure::RiskDifference)),
                ]);
            }
        }
        Data::Estimates(estimates) => {
            header.extend([
                "Published (95 %)".to_string(),
                format!("Posterior\n{} (95 %)", measure.in_words()),
            ]);
            for e in estimates {
                let name = Some(e.name.as_str());
                rows.push(vec![
                    e.name.to_string(),
                    interval(measure, &published(study, e.estimate, e.se)),
                    shown_interval(lookup.estimate(Scope::Subgroup, name, measure)),
                ]);
            }
        }
    }
    for scope in [Scope::Overall, Scope::Mean, Scope::New] {
        if study.data.names().len() < 2 {
            continue;
        }
        if let Some(found) = lookup.estimate(scope, None, measure) {
            let mut row = vec![scope_label(study, scope)];
            match (&study.data, scope) {
                (Data::Counts(counts), Scope::Overall) => row.extend(totals(counts)),
                (Data::Counts(_), _) => row.extend([String::new(), String::new()]),
                (Data::Estimates(_), _) => row.push(String::new()),
            }
            row.push(shown_interval(Some(found)));
            if rows_have_counts(study) {
                let difference = lookup.estimate(scope, None, Measure::RiskDifference);
                row.push(difference.map_or_else(String::new, |d| shown_interval(Some(d))));
            }
            rows.push(row);
        }
    }
    (header, rows)
}

/// Events and patients of both arms over all subgroups.
fn totals(counts: &[SubgroupCounts]) -> [String; 2] {
    let sum = |arm: fn(&SubgroupCounts) -> &ArmCounts| {
        let (events, total) =
            counts.iter().map(arm).fold((0, 0), |(e, t), arm| (e + arm.events, t + arm.total));
        format!("{events}/{total}")
    };
    [sum(|c| &c.control), sum(|c| &c.active)]
}

/// The published estimate and its normal interval, on the measure's own scale.
fn published(study: &Study, estimate: f64, se: f64) -> Quantiles {
    const Z: f64 = 1.959_963_984_540_054;
    let out = |x: f64| if study.outcome.scale.is_ratio() { x.exp() } else { x };
    Quantiles { median: out(estimate), q2_5: out(estimate - Z * se), q97_5: out(estimate + Z * se) }
}

/// Benefit, harm, and the primary threshold, each with its prior.
fn probability_cells(study: &Study, lookup: &Lookup<'_>) -> Cells {
    let (measure, at) = primary(study);
    let base = if rows_have_counts(study) { Measure::RiskDifference } else { measure };
    let mut header = vec!["Probability (prior)".to_string(), "better".to_string(), "worse".to_string()];
    if let Some(t) = at {
        let t = threshold(measure, t);
        let by = match measure.axis() {
            Axis::Ratio => "ratio",
            Axis::Additive => "by",
        };
        header.extend([format!("better {by}\n≥ {t}"), format!("worse {by}\n≥ {t}")]);
    }
    let row = |label: String, scope: Scope, name: Option<&str>, base: Measure, measure: Measure| {
        let cell = |statement, measure: Measure, at: f64| {
            lookup
                .probability(scope, name, measure, statement, at)
                .map_or_else(|| "–".to_string(), |p| with_prior(&shown_probability(p), p.prior_beside()))
        };
        let mut row = vec![
            label,
            cell(Statement::Benefit, base, base.null()),
            cell(Statement::Harm, base, base.null()),
        ];
        if let Some(t) = at {
            row.push(cell(Statement::BenefitAtLeast, measure, t));
            row.push(cell(Statement::HarmAtLeast, measure, t));
        }
        row
    };
    let mut rows: Vec<Vec<String>> = study
        .data
        .names()
        .into_iter()
        .map(|name| row(name.to_string(), Scope::Subgroup, Some(name), base, measure))
        .collect();
    let effect = Measure::of(study.outcome.scale);
    for scope in [Scope::Overall, Scope::Mean, Scope::New] {
        let shown = lookup.estimate(scope, None, effect).is_some() && study.data.names().len() > 1;
        if shown && scope == Scope::Overall {
            rows.push(row(scope_label(study, scope), scope, None, Measure::RiskDifference, measure));
        } else if shown {
            let at_measure = if measure == effect { measure } else { Measure::RiskDifference };
            rows.push(row(scope_label(study, scope), scope, None, effect, at_measure));
        }
    }
    (header, rows)
}

fn probabilities(study: &Study, lookup: &Lookup<'_>) -> String {
    let (header, rows) = probability_cells(study, lookup);
    let mut out = String::new();
    if study.assignment == Assignment::Observational {
        push(
            &mut out,
            &format!(
                "Probability that the outcome associated with {} is better or worse, given this model",
                study.treatment.active
            ),
            0,
        );
    } else {
        push(
            &mut out,
            &format!(
                "Probability that {} makes the outcome better or worse, given this model",
                study.treatment.active
            ),
            0,
        );
    }
    out + &table(header, rows)
}

/// Ratios and opposite directions, two subgroups at a time.
fn pairs(study: &Study, report: &Report) -> String {
    let contrast = Measure::contrast_of(study.outcome.scale);
    let find = |a: &Option<String>, b: &Option<String>, statement: Statement| {
        report
            .probabilities
            .iter()
            .find(|p| p.statement == statement && p.subgroup == *a && p.subgroup_b == *b)
            .map_or_else(|| "–".to_string(), |p| with_prior(&shown_probability(p), p.prior))
    };
    let rows: Vec<Vec<String>> = report
        .estimates
        .iter()
        .filter(|e| e.scope == Scope::Pair && e.measure == contrast)
        .map(|e| {
            let (a, b) = (&e.subgroup, &e.subgroup_b);
            let names = |n: &Option<String>| n.clone().unwrap_or_default();
            vec![
                format!("{} : {}", names(a), names(b)),
                shown_interval(Some(e)),
                find(a, b, Statement::BenefitAndHarm),
                find(b, a, Statement::BenefitAndHarm),
            ]
        })
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    let mut out = String::new();
    push(&mut out, "Two at a time, A : B, probabilities with their prior values", 0);
    let label = match contrast {
        Measure::DifferenceOfDifferences => "A minus B",
        _ => "Ratio of ratios (95 %)",
    };
    let header = vec![
        capitalised(&plural(&study.subgroup_name)),
        label.to_string(),
        "A +, B −".to_string(),
        "A −, B +".to_string(),
    ];
    out.push_str(&table(header, rows));
    push(&mut out, "A +, B −: better in A and worse in B, jointly.", 2);
    out
}

fn footnotes(study: &Study, report: &Report) -> String {
    let mut out = String::new();
    let mut words = format!("Priors: {}", all_priors(study));
    words += match study.pooling {
        Pooling::Partial => ". Partial pooling.",
        Pooling::None => ". No pooling: each subgroup alone.",
        Pooling::Complete if study.data.names().len() > 1 => ". Complete pooling: one effect for all.",
        Pooling::Complete => ".",
    };
    push(&mut out, &words, 2);
    if let Some(line) = conflict_line(study, report.baseline_conflicts(study)) {
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
    if let Some(importance) = &report.checks.importance {
        push(&mut out, &second_opinion(importance), 2);
    }
    let nnt = if rows_have_counts(study) && study.data.names().len() <= SENTENCES_UP_TO {
        "; NNTB and NNTH: number needed to treat to benefit and to harm"
    } else {
        ""
    };
    push(&mut out, &format!("Medians and central 95 % intervals{nnt}."), 2);
    if let Some(note) = prior_note(report) {
        push(&mut out, &note, 2);
    }
    let sampled = report.settings.sampler.as_ref().is_some_and(|s| s.draws > 0);
    if study.data.names().len() > 1 && rows_have_counts(study) {
        let patients = scope_label(study, Scope::Overall);
        let text = match (sampled, report.checks.exact.available) {
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
            (false, _) => format!("For {patients}, all together, nothing was sampled."),
        };
        push(&mut out, &text, 2);
    }
    out
}

/// Which prior stands in brackets beside a statement on a risk difference, where there is one.
pub fn prior_note(report: &Report) -> Option<String> {
    let held = report.probabilities.iter().any(|p| p.prior_at_control_risk.is_some());
    held.then(|| {
        "In brackets the prior's value; for risk differences that of the effect prior with the control risk at its posterior median."
            .to_string()
    })
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
fn engines(report: &Report) -> String {
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
