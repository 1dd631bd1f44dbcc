//! The design of a study that was not randomised, in which no outcome is.

use super::super::numbers::{grouped, plain, signed};
use super::super::passage::Passage;
use super::super::words::{capitalised, listed};
use super::{BALANCED, population};
use crate::study::{Study, Weighting};
use crate::weighting::{ArmOverlap, Balance, Imbalance, Method};

/// Rows of balance that are told; of more the worst, and the result file has all.
const MOST_ROWS: usize = 60;

/// A subgroup's arm whose patients are worth fewer than this share of their number is told.
const FEW: f64 = 1.0 / 3.0;

/// One whose patients are worth fewer than so many is told too.
const FEWEST: f64 = 10.0;

/// Why rows are left out on purpose.
const OTHERS: &str = "left out by [data.where]";

/// Of warnings of one kind so many are told.
const MOST_TOLD: usize = 4;

/// Who was treated, whether the arms overlap and balance, and what to beware of.
pub fn design(study: &Study) -> Passage {
    let mut said = Passage::default();
    let Some(weighting) = study.weighting.as_deref() else { return said };
    said.title("Who was treated");
    if weighting.weighted.is_none() {
        said.say("Design stage: no outcome was read. The column of the outcome may as well be missing: what stands here can be settled before anybody has seen it. Patients whose outcome turns out to be unknown are left out when effects are estimated, and the propensity is fitted without them.");
    }
    said.say(in_short(study, weighting));
    let warnings = warnings(study, weighting);
    for warning in &warnings {
        said.item(warning.clone());
    }
    arms(study, weighting, &mut said);
    balance(study, weighting, &mut said);
    said
}

/// The same in a few lines, beside results.
pub fn in_brief(study: &Study) -> Passage {
    let mut said = Passage::default();
    let Some(weighting) = study.weighting.as_deref() else { return said };
    said.title("Who was treated");
    said.say(in_short(study, weighting));
    if study.patients.as_ref().is_some_and(|file| file.dropped.iter().any(|d| d.why != OTHERS)) {
        said.item(missing(study));
    }
    warnings(study, weighting).into_iter().for_each(|warning| said.item(warning));
    said.say("`equipoise check`, which reads no outcome, shows balance and overlap by subgroup.");
    said
}

/// The balance that is told: of an undivided study its one group is all patients.
fn told(study: &Study, weighting: &Weighting) -> Vec<Balance> {
    let mut all = weighting.design.largest_balance();
    all.retain(|b| b.subgroup.is_none() || !study.undivided);
    all
}

/// The answer: whether weights balance the arms, and what that costs.
fn in_short(study: &Study, weighting: &Weighting) -> String {
    let [before, after] = weighting.design.largest_difference();
    let balance = told(study, weighting);
    let each = balance.iter().filter_map(|b| b.after.mean_difference);
    let (of, above) = each.fold((0, 0), |(of, above), d| (of + 1, above + usize::from(d.abs() > BALANCED)));
    if weighting.plan.method == Method::Regression {
        return format!(
            "{}. It has no weights; those that would make its population ({}) are told of below, as they show how far the arms are comparable.",
            capitalised(&weighting.in_words()),
            weighting.plan.estimand.label()
        );
    }
    let balanced = match (of, above) {
        (0, _) => "No covariate is named, so that balance can't be told.".to_string(),
        (_, 0) => format!(
            "The arms are balanced: the largest standardised mean difference is {before:.2} as patients were treated and {after:.2} with their weights."
        ),
        (of, above) => format!(
            "The arms are NOT balanced everywhere: of {of} standardised mean differences {above} above {BALANCED} with weights (the largest {after:.2}; {before:.2} as patients were treated)."
        ),
    };
    let arms = weighting.design.subgroups.iter().flat_map(|g| &g.arms);
    let (patients, effective) = arms.fold((0.0, 0.0), |(n, e), arm| (n + arm.patients, e + arm.effective));
    format!(
        "{}, {}. {balanced} Weighted, {} patients are worth {}.",
        capitalised(&weighting.in_words()),
        match weighting.plan.estimand.label() {
            "all patients" => "for all patients".to_string(),
            label => format!(
                "for the {label}{}",
                match (label.starts_with("overlap"), weighting.has_several_arms()) {
                    (true, false) => ": those who might have been in either arm",
                    (true, true) => ": those who might have been in any arm",
                    _ => "",
                }
            ),
        },
        grouped(patients as u64),
        grouped(effective.round() as u64),
    )
}

/// What to beware of.
fn warnings(study: &Study, weighting: &Weighting) -> Vec<String> {
    let design = &weighting.design;
    let mut all = Vec::new();
    let arm_name = |arm: usize| study.treatment.arms.get(arm).map_or("", String::as_str);
    if !design.separated.is_empty() {
        let names: Vec<String> = design.separated.iter().map(|&g| population(study, Some(g))).collect();
        all.push(format!(
            "Covariates tell without fail who {} in {}: a flat prior has no maximum there, and normal(0, 2.5) for one standard deviation took its place. Weights rest on it; overlap is poor.",
            if weighting.has_several_arms() { "had one of the arms" } else { "was treated" },
            listed(&names, "and")
        ));
    }
    let sided = &design.one_sided;
    for s in sided.iter().take(MOST_TOLD) {
        let (had, other) = match weighting.has_several_arms() {
            false => (format!("all had {}", arm_name(1 - s.absent)), "the other arm"),
            true => (format!("nobody had {}", arm_name(s.absent)), "it"),
        };
        all.push(format!(
            "Positivity: of {} with {} in {} {had}. Nothing in the data says what {other} would have done for them.",
            if s.patients == 1 { "1 patient".to_string() } else { format!("{} patients", grouped(s.patients)) },
            weighting.level_in_words(s.factor, s.term),
            population(study, Some(s.subgroup)),
        ));
    }
    if sided.len() > MOST_TOLD {
        all.push(format!("The same holds of {} more levels.", sided.len() - MOST_TOLD));
    }
    let balance = told(study, weighting);
    let mut imbalanced: Vec<&Balance> =
        balance.iter().filter(|b| b.after.mean_difference.is_some_and(|d| d.abs() > BALANCED)).collect();
    let size = |b: &Balance| b.after.mean_difference.map_or(0.0, f64::abs);
    imbalanced.sort_by(|a, b| size(b).total_cmp(&size(a)));
    for b in imbalanced.iter().take(MOST_TOLD) {
        all.push(format!(
            "{} in {}: standardised mean difference {} with weights.",
            weighting.terms[b.term].name,
            population(study, b.subgroup),
            difference(weighting, &b.after)
        ));
    }
    if imbalanced.len() > MOST_TOLD {
        all.push(format!("And {} more above {BALANCED}.", imbalanced.len() - MOST_TOLD));
    }
    let mut few = Vec::new();
    for (g, subgroup) in design.subgroups.iter().enumerate() {
        for (arm, of) in subgroup.arms.iter().enumerate() {
            if of.effective < FEW * of.patients || of.effective < FEWEST {
                few.push(format!(
                    "{} in {}: {} patients, weighted, are worth {}.",
                    capitalised(arm_name(arm)),
                    population(study, Some(g)),
                    grouped(of.patients as u64),
                    plain(of.effective)
                ));
            }
        }
    }
    let more = few.len().saturating_sub(MOST_TOLD);
    all.extend(few.into_iter().take(MOST_TOLD));
    if more > 0 {
        all.push(format!(
            "And {more} more arms whose patients are worth less than a third of their number, or fewer than {FEWEST}."
        ));
    }
    all.extend(extremes(study));
    all
}

/// The patients who count most beside others of their arm, by row number.
fn extremes(study: &Study) -> Option<String> {
    let weighting = study.weighting.as_deref()?;
    let what = match (weighting.given.is_some(), weighting.has_several_arms()) {
        (true, _) => "weight",
        (false, false) => "propensity",
        (false, true) => "probability of it",
    };
    let one = |(x, row): (&crate::weighting::Extreme, &u64)| {
        let more =
            if x.patients > 1.0 { format!(" and {} more like it", x.patients - 1.0) } else { String::new() };
        format!("{row}{more} ({:.0} times the mean of its arm; {what} {})", x.relative, plain(x.propensity))
    };
    let all = &weighting.design.extremes;
    let each: Vec<String> = all.iter().zip(&weighting.extreme_rows).take(MOST_TOLD).map(one).collect();
    let more = if all.len() > MOST_TOLD { ", and others" } else { "" };
    (!each.is_empty()).then(|| format!("Extreme weights, by row of the file: {}{more}.", each.join(", ")))
}

fn arms(study: &Study, weighting: &Weighting, said: &mut Passage) {
    let what = match (weighting.given.is_some(), weighting.has_several_arms()) {
        (true, _) => "Weight",
        (false, false) => "Probability of treatment",
        (false, true) => "Probability of the arm",
    };
    let header = [
        capitalised(&study.subgroup_name),
        "patients".to_string(),
        "effective".to_string(),
        format!("{what}: median"),
        "5 % to 95 %".to_string(),
        "least to largest".to_string(),
    ];
    let mut rows = Vec::new();
    for (g, subgroup) in weighting.design.subgroups.iter().enumerate() {
        rows.push(vec![format!("{}:", population(study, Some(g)))]);
        let arms = subgroup.arms.iter().zip(&study.treatment.arms);
        rows.extend(arms.map(|(arm, name)| overlap(arm, name)));
    }
    said.title("Overlap");
    said.wide_table(header.to_vec(), rows, 14);
    if weighting.given.is_some() {
        said.say("Weights are on one scale, on which each arm's sum is the subgroup's number of patients.");
    } else if weighting.has_several_arms() {
        said.say("The probability of each arm is that of all patients of the subgroup, whichever arm they had: where it is next to 0, nobody like them shows what the arm would have done.");
    }
}

fn overlap(arm: &ArmOverlap, name: &str) -> Vec<String> {
    let [least, low, _, median, _, high, most] = arm.quantiles.map(|x| format!("{x:.2}"));
    vec![
        format!("  {name}"),
        grouped(arm.patients as u64),
        plain(arm.effective),
        median,
        format!("{low} to {high}"),
        format!("{least} to {most}"),
    ]
}

/// A standardised mean difference, two decimals; of several active arms, of which it is the largest, without a sign.
fn difference(weighting: &Weighting, of: &Imbalance) -> String {
    of.mean_difference.map_or_else(
        || "–".to_string(),
        |d| if weighting.has_several_arms() { format!("{d:.2}") } else { signed(d, 2) },
    )
}

fn ratio(of: &Imbalance) -> String {
    of.variance_ratio.map_or_else(|| "–".to_string(), |r| format!("{r:.2}"))
}

fn balance(study: &Study, weighting: &Weighting, said: &mut Passage) {
    let all = &told(study, weighting);
    if all.is_empty() {
        return;
    }
    let header = [
        "Covariate".to_string(),
        "before".to_string(),
        "after".to_string(),
        "Variance ratio before".to_string(),
        "after".to_string(),
    ];
    let size = |b: &Balance| {
        b.after.mean_difference.map_or(0.0, f64::abs).max(b.before.mean_difference.map_or(0.0, f64::abs))
    };
    let mut sizes: Vec<f64> = all.iter().map(size).collect();
    sizes.sort_by(|a, b| b.total_cmp(a));
    let least = if all.len() > MOST_ROWS { sizes[MOST_ROWS - 1] } else { 0.0 };
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut last = None;
    for b in all.iter().filter(|b| size(b) >= least) {
        if last != Some(b.subgroup) {
            rows.push(vec![format!("{}:", population(study, b.subgroup))]);
        }
        last = Some(b.subgroup);
        rows.push(vec![
            format!("  {}", weighting.terms[b.term].name),
            difference(weighting, &b.before),
            difference(weighting, &b.after),
            ratio(&b.before),
            ratio(&b.after),
        ]);
    }
    said.title("Balance: standardised mean differences between the arms");
    said.wide_table(header.to_vec(), rows, 14);
    let rest = all.len().saturating_sub(MOST_ROWS);
    if rest > 0 {
        said.say(format!("The {MOST_ROWS} largest of {}; the JSON has all.", all.len()));
    }
    said.say(match weighting.has_several_arms() {
        false => "Active less control arm, over the root of the mean of both arms' unweighted variances; at most 0.1 is usually taken as balanced.",
        true => "The largest between any two arms, without its sign, over the root of the mean of all arms' unweighted variances; at most 0.1 is usually taken as balanced. Every two arms stand in the JSON.",
    });
}

/// What reviewers ask of an analysis by propensity, answered as far as the program knows.
pub fn reviewers(study: &Study) -> Vec<[String; 2]> {
    let Some(weighting) = study.weighting.as_deref() else { return Vec::new() };
    let plan = &weighting.plan;
    let mut rows = Vec::new();
    let mut put = |question: &str, answer: String| rows.push([question.to_string(), answer]);
    let given = weighting.given.as_ref();
    put(
        "For whom is the effect?",
        capitalised(weighting.population_in_words()) + &format!(" ({}).", plan.estimand.short()),
    );
    put(
        "How was the propensity modelled?",
        match given {
            Some(column) => format!(
                "Elsewhere: the weights stand in the column {column}. How they were made has to be told where they were."
            ),
            None => format!(
                "{} regression of treatment, {} coefficients, prior of slopes {}{}. The outcome took no part in it.",
                if weighting.has_several_arms() { "Multinomial logistic" } else { "Logistic" },
                weighting.design.coefficients,
                match weighting.design.separated.len() {
                    0 => weighting.prior_in_words(),
                    n if n == weighting.design.subgroups.len() =>
                        "normal(0, 2.5), as a flat one has no maximum".to_string(),
                    n => format!(
                        "{}, in {n} of {} subgroups normal(0, 2.5), as a flat one has no maximum there",
                        weighting.prior_in_words(),
                        weighting.design.subgroups.len()
                    ),
                },
                if plan.by_subgroup && !study.undivided { ", every coefficient by subgroup" } else { "" }
            ),
        },
    );
    let covariates = weighting.covariates_in_words();
    put(
        "Which covariates, and why these?",
        if covariates.is_empty() {
            "Not known to the program.".to_string()
        } else {
            format!(
                "{covariates}. Why these, and what is left out, is for the authors to say: the program knows none of what was not measured."
            )
        },
    );
    put(
        "Were they measured before treatment?",
        "Stated by the model file; one that is marked as measured after treatment is refused.".to_string(),
    );
    put(
        "How were patients weighted?",
        match plan.method {
            Method::Regression => format!("Not at all: {}.", weighting.in_words()),
            _ => capitalised(&weighting.in_words()) + ".",
        },
    );
    put(
        "Were weights truncated, or patients trimmed?",
        match plan.truncate {
            Some(least) => format!(
                "Propensities are kept within {least} and {}; nobody is left out.",
                plain(1.0 - least)
            ),
            None if given.is_some() => "Not known: they were made elsewhere.".to_string(),
            None => "No.".to_string(),
        },
    );
    let [before, after] = weighting.design.largest_difference();
    put(
        "Were the arms balanced?",
        format!(
            "Largest standardised mean difference {before:.2} before and {after:.2} after, over all patients and within subgroups."
        ),
    );
    put("Did the arms overlap?", {
        let (every, lack) = match weighting.has_several_arms() {
            false => ("both", "patients in one arm only"),
            true => ("all", "no patients in one of the arms"),
        };
        let sided = weighting.design.one_sided.len();
        let separated = weighting.design.separated.len();
        match (sided, separated) {
            (0, 0) => format!("Every level of every covariate has patients in {every} arms; see the figure."),
            (0, n) => format!(
                "Not everywhere: covariates tell without fail who was treated in {n} of the subgroups."
            ),
            (n, 0) => format!("Not everywhere: {n} of the levels have {lack}."),
            _ => format!(
                "Not everywhere: {sided} of the levels have {lack}, and covariates tell without fail who was treated in {separated} of the subgroups."
            ),
        }
    });
    put(
        "How was uncertainty found?",
        match &weighting.weighted {
            None => "At the design stage nothing is estimated.".to_string(),
            Some(found) => format!(
                "{} draws of Dirichlet weights of the patients{}{}.",
                grouped(plan.replicates as u64),
                if given.is_some() {
                    ", the weights held as they are, so that how they were estimated is not in it"
                } else {
                    ", every model fitted again for each"
                },
                found.replay.as_ref().map_or_else(String::new, |r| format!(
                    "; calibrated by {} simulated studies of the same patients",
                    grouped(r.studies as u64)
                ))
            ),
        },
    );
    put("What of missing data?", missing(study));
    put("What of confounders that were not measured?", match &study.bias {
        Some(bias) if bias.assumes_anything() => "Allowed for as [bias] states.".to_string(),
        _ => "Not allowed for: weights balance what was measured. [bias.confounder] in the model file, and compare --bias, say what they would change.".to_string(),
    });
    rows
}

fn missing(study: &Study) -> String {
    let Some(file) = &study.patients else { return "Not known.".to_string() };
    let dropped: Vec<String> =
        file.dropped.iter().map(|d| format!("{} ({})", d.why, grouped(d.rows))).collect();
    match dropped.is_empty() {
        true => "No row was left out.".to_string(),
        false => format!("Rows left out: {}.", dropped.join(", ")),
    }
}
