//! What a report says differently from one kind of observation to another: the only place of `report` that tells them
//! apart.

use super::numbers::interval;
use super::text::Columns;
use crate::posterior::{Measure, Quantiles, Whom};
use crate::study::{ArmCounts, Data, Study, SubgroupCounts};

/// The likelihood in a methods section.
pub fn likelihood(study: &Study) -> String {
    match &study.data {
        Data::Counts(_) => format!(
            "Counts of {} by {} and arm have a binomial likelihood, without continuity correction; the effect is the log odds ratio.",
            study.outcome.event, study.subgroup_name
        ),
        Data::Estimates(_) => format!(
            "Published estimates by {} have a normal likelihood on the scale of the {}.",
            study.subgroup_name,
            study.outcome.scale.measure_in_words()
        ),
    }
}

/// The model in a few words, for checklists.
pub fn model(study: &Study) -> &'static str {
    match (&study.data, &study.adjustment) {
        (Data::Counts(_), Some(_)) => "logistic model of patients, log odds ratios by subgroup; see Methods",
        (Data::Counts(_), None) => "binomial counts by arm, log odds ratios by subgroup; see Methods",
        (Data::Estimates(_), _) => "normal likelihood of published estimates; see Methods",
    }
}

/// The measures of the effect, in words.
pub fn measures(study: &Study) -> String {
    let effect = Measure::of(study.outcome.scale).in_words();
    if study.data.has_risks() { format!("{effect} and risk difference") } else { effect.to_string() }
}

/// Columns of what was observed of whom: events and patients of every arm, or the published estimate. Over all patients
/// they are sums; of nobody else that is shared anything was observed.
pub fn observed(study: &Study) -> Columns<'_, Whom> {
    let mut columns = Columns::new();
    match &study.data {
        Data::Counts(rows) => {
            for (arm, name) in study.treatment.arms.iter().enumerate() {
                columns.add(name, move |whom: &Whom| match *whom {
                    Whom::Subgroup(g) => events(&rows[g..=g], arm),
                    Whom::Overall => events(rows, arm),
                    _ => String::new(),
                });
            }
        }
        Data::Estimates(rows) => columns.add("Published (95 %)", move |whom: &Whom| match *whom {
            Whom::Subgroup(g) => {
                let published = published(study, rows[g].estimate, rows[g].se);
                interval(Measure::of(study.outcome.scale), &published)
            }
            _ => String::new(),
        }),
    }
    columns
}

/// Every measure of a subgroup's effect that a table shows, under its heading.
pub fn effects(study: &Study) -> Vec<(String, Measure)> {
    let effect = Measure::of(study.outcome.scale);
    match &study.data {
        Data::Counts(_) => vec![
            ("Odds ratio (95 %)".to_string(), effect),
            ("Risk difference,\npoints (95 %)".to_string(), Measure::RiskDifference),
        ],
        Data::Estimates(_) => vec![(format!("Posterior\n{} (95 %)", effect.in_words()), effect)],
    }
}

/// Events and patients of both arms after a subgroup's name; nothing where they are not known.
pub fn in_brackets(study: &Study, g: usize) -> String {
    let Some(rows) = study.data.counts() else { return String::new() };
    let arms = study.treatment.arms.iter().enumerate();
    let each: Vec<String> = arms.map(|(arm, name)| format!("{name} {}", events(&rows[g..=g], arm))).collect();
    format!(" ({})", each.join(", "))
}

/// Events and patients of an arm, over these subgroups.
fn events(rows: &[SubgroupCounts], arm: usize) -> String {
    let sum = |of: fn(&ArmCounts) -> u64| rows.iter().map(|row| of(&row.arms[arm])).sum::<u64>();
    format!("{}/{}", sum(|a| a.events), sum(|a| a.total))
}

/// The published estimate and its normal interval, on the measure's own scale.
fn published(study: &Study, estimate: f64, se: f64) -> Quantiles {
    const Z: f64 = 1.959_963_984_540_054;
    let out = |x: f64| if study.outcome.scale.is_ratio() { x.exp() } else { x };
    Quantiles { median: out(estimate), q2_5: out(estimate - Z * se), q97_5: out(estimate + Z * se) }
}
