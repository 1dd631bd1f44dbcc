//! What a report says differently from one kind of observation to another: the only place of `report` that tells them
//! apart.

use super::numbers::interval;
use super::text::{ARM_WIDTH, Columns, wrapped_to};
use crate::posterior::{Estimand, Measure, Quantiles, Whom, observed as found};
use crate::study::{ArmCounts, Cutpoints, Data, LevelScale, Study, SubgroupCounts};

/// The likelihood in a methods section.
pub fn likelihood(study: &Study) -> String {
    match &study.data {
        Data::Counts(_) if study.undivided => format!(
            "Counts of {} by arm have a binomial likelihood, without continuity correction; the effect is the log odds ratio.",
            study.outcome.event
        ),
        Data::Counts(_) => format!(
            "Counts of {} by {} and arm have a binomial likelihood, without continuity correction; the effect is the log odds ratio.",
            study.outcome.event, study.subgroup_name
        ),
        Data::Levels(_) => levels_likelihood(study),
        Data::Estimates(_) if study.weighting.is_some() => weighted_likelihood(study),
        Data::Estimates(_) if study.undivided => format!(
            "The published estimate has a normal likelihood on the scale of the {}.",
            study.outcome.scale.measure_in_words()
        ),
        Data::Estimates(estimates) if estimates.covariance.is_some() => format!(
            "Published estimates by {} come from one fit; together they have a multivariate normal likelihood on the scale of the {}, with the covariance of their errors as stated.",
            study.subgroup_name,
            study.outcome.scale.measure_in_words()
        ),
        Data::Estimates(_) => format!(
            "Published estimates by {} have a normal likelihood on the scale of the {}.",
            study.subgroup_name,
            study.outcome.scale.measure_in_words()
        ),
    }
}

fn weighted_likelihood(study: &Study) -> String {
    let Some(weighting) = &study.weighting else { return String::new() };
    let replayed = weighting.weighted.as_ref().and_then(|w| w.replay.as_ref());
    let factors = match replayed {
        Some(replay) => format!(
            ", widened as far as 95 % intervals had to be in {} simulated studies of the same patients",
            replay.studies
        ),
        None => String::new(),
    };
    format!(
        "Log odds ratios by {} are estimated from patients by {}, {}. Their errors are those of {} draws of Dirichlet weights of the patients, every model fitted again for each{factors}; together they have a normal likelihood.",
        study.subgroup_name,
        weighting.in_words(),
        match weighting.plan.estimand.label() {
            "all patients" => "for all patients".to_string(),
            label => format!("for the {label}"),
        },
        weighting.plan.replicates
    )
}

fn levels_likelihood(study: &Study) -> String {
    let Some((scale, priors)) = study.outcome.levels.as_ref().zip(study.priors.levels.as_ref()) else {
        return String::new();
    };
    let cutpoints = match priors.cutpoints {
        Cutpoints::Shared => "one set of cut points that each subgroup shifts",
        Cutpoints::BySubgroup => "cut points of each subgroup's own",
    };
    format!(
        "Patients by level ({} levels), {} and arm have a cumulative logit likelihood with {cutpoints}; the effect is the common log odds ratio of a higher level.",
        scale.levels(),
        study.subgroup_name
    )
}

/// The model in a few words, for checklists.
pub fn model(study: &Study) -> &'static str {
    match (&study.data, &study.adjustment) {
        (Data::Counts(_), Some(_)) => "logistic model of patients, log odds ratios by subgroup; see Methods",
        (Data::Levels(_), Some(_)) => {
            "cumulative logit model of patients' levels, common log odds ratios by subgroup; see Methods"
        }
        (Data::Levels(_), None) => {
            "cumulative logit model of levels by arm, common log odds ratios by subgroup; see Methods"
        }
        (Data::Counts(_), None) => "binomial counts by arm, log odds ratios by subgroup; see Methods",
        (Data::Estimates(estimates), _) if estimates.baselines.is_some() => {
            "normal likelihood of effects of weighted patients; see Methods"
        }
        (Data::Estimates(estimates), _) if estimates.covariance.is_some() => {
            "multivariate normal likelihood of correlated estimates; see Methods"
        }
        (Data::Estimates(_), _) => "normal likelihood of published estimates; see Methods",
    }
}

/// The measures of the effect, in words.
pub fn measures(study: &Study) -> String {
    let effect = Measure::of(study.outcome.scale).in_words();
    if study.data.has_risks() { format!("{effect} and risk difference") } else { effect.to_string() }
}

/// What stands above an arm's counts: its name and, of ordered levels, above which cut patients are counted.
pub fn arm_heading(study: &Study, arm: &str) -> String {
    let cut = study.outcome.levels.as_ref().map(LevelScale::primary_in_words);
    cut.map_or_else(
        || arm.to_string(),
        |cut| format!("{}\n{}", wrapped_to(arm, ARM_WIDTH), wrapped_to(&cut, ARM_WIDTH)),
    )
}

/// Columns of what was observed of whom: events and patients of every arm, or the published estimate. Over all patients
/// they are sums; nothing was observed of the mean or of a further subgroup.
pub fn observed(study: &Study) -> Columns<'_, Whom> {
    let mut columns = Columns::new();
    match study.counted() {
        Some(rows) => {
            for (arm, name) in study.treatment.arms.iter().enumerate() {
                columns.add(arm_heading(study, name), move |whom: &Whom| match *whom {
                    Whom::Subgroup(g) => events(&rows[g..=g], arm),
                    Whom::Overall => events(rows, arm),
                    _ => String::new(),
                });
            }
        }
        None => columns.add("Published (95 %)", move |whom: &Whom| match *whom {
            Whom::Subgroup(g) => {
                data_alone(study, Estimand::of_subgroup(g, Measure::of(study.outcome.scale)))
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
        Data::Levels(_) => {
            let scale = study.outcome.levels.as_ref();
            let cut = scale.map_or_else(String::new, LevelScale::primary_in_words);
            let difference = format!("Risk difference\n{},\npoints (95 %)", wrapped_to(&cut, CUT_WIDTH));
            let mut all = vec![
                ("Common odds\nratio (95 %)".to_string(), effect),
                (difference, Measure::RiskDifference),
            ];
            if scale.is_some_and(|s| s.utilities.is_some()) {
                all.push(("Utility\ndifference (95 %)".to_string(), Measure::UtilityDifference));
            }
            all.push(("Win probability\n(95 %)".to_string(), Measure::WinProbability));
            all
        }
        _ if study.weighting.is_some() => vec![
            ("Odds ratio (95 %)".to_string(), effect),
            ("Risk difference,\npoints (95 %)".to_string(), Measure::RiskDifference),
        ],
        Data::Counts(_) => vec![
            ("Odds ratio (95 %)".to_string(), effect),
            ("Risk difference,\npoints (95 %)".to_string(), Measure::RiskDifference),
        ],
        Data::Estimates(_) => vec![(format!("Posterior\n{} (95 %)", effect.in_words()), effect)],
    }
}

/// Events and patients of both arms after a subgroup's name; nothing where they are not known.
pub fn in_brackets(study: &Study, g: usize) -> String {
    let Some(rows) = study.counted() else { return String::new() };
    let arms = study.treatment.arms.iter().enumerate();
    let each: Vec<String> = arms.map(|(arm, name)| format!("{name} {}", events(&rows[g..=g], arm))).collect();
    format!(" ({})", each.join(", "))
}

/// Events and patients of an arm, over these subgroups.
fn events(rows: &[SubgroupCounts], arm: usize) -> String {
    let sum = |of: fn(&ArmCounts) -> u64| rows.iter().map(|row| of(&row.arms[arm])).sum::<u64>();
    format!("{}/{}", sum(|a| a.events), sum(|a| a.total))
}

/// What the data alone say of a subgroup's effect, with its 95 % interval; a dash where they say nothing.
pub fn data_alone(study: &Study, estimand: Estimand) -> String {
    found(study, estimand).map_or_else(
        || "–".to_string(),
        |o| interval(estimand.measure, &Quantiles { median: o.estimate, q2_5: o.low, q97_5: o.high }),
    )
}

/// Of counts, a subgroup's crude effects in the measures of [`effects`]; empty where the data are effects themselves.
pub fn crude(study: &Study, g: usize) -> Vec<String> {
    match &study.data {
        _ if study.data.has_risks() => {
            let measures = effects(study).into_iter();
            measures.map(|(_, measure)| data_alone(study, Estimand::of_subgroup(g, measure))).collect()
        }
        _ => Vec::new(),
    }
}

/// What crude effects are, and how their limits were found.
pub fn crude_note(study: &Study) -> String {
    let alone = |note: &str| match study.undivided {
        true => note.replace("without prior or pooling", "without a prior"),
        false => note.to_string(),
    };
    if let Some(weighting) = &study.weighting {
        let own = weighting.own_in_words();
        return alone(&format!(
            "{own}: the row's patients alone, without prior or pooling; 95 % limits from the bootstrap, normal on the log odds{}. Patients and events are counted without weights.",
            if weighting.weighted.as_ref().is_some_and(|w| w.replay.is_some()) {
                ", calibrated by the replay"
            } else {
                ""
            }
        ));
    }
    let Some(scale) = &study.outcome.levels else { return alone(CRUDE) };
    let cut = scale.primary_in_words();
    let worth =
        if scale.utilities.is_some() { "; differences of mean utility with normal limits" } else { "" };
    alone(&format!(
        "Crude: from the row's patients by level alone, without prior or pooling; 95 % limits. Common odds ratios by maximum likelihood, odds taken as proportional, with Wald's limits (–: no estimate is finite); risk differences {cut} with Newcombe's{worth}; win probabilities with limits from DeLong's variance on the log odds."
    ))
}

/// What crude effects of events are.
const CRUDE: &str = "Crude: from the counts of the row alone, without prior or pooling; 95 % limits by Woolf's method for odds ratios (–: a cell is empty, and nothing is added to it) and by Newcombe's for risk differences.";

/// Names of cuts in headings are wrapped to this width.
const CUT_WIDTH: usize = 19;
