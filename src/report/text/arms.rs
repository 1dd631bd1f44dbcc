//! The table of a fit of several arms.

use super::super::numbers::{threshold, with_prior};
use super::super::sentences::sentence;
use super::super::words::{all_priors, capitalised, listed, whose};
use super::columns::Columns;
use super::fit::{engines, further_thresholds, prior_note, push_unreliable};
use super::layout::{heading, push, shown_interval, shown_probability, wrapped_to};
use super::adjusted::second_opinion;
use crate::posterior::{
    Arms, CLEAR, Estimand, Measure, Parameter, Quantiles, Report, Says, Statement, Whom, arm_pairs, primary,
};
use crate::report::numbers::plain;
use crate::study::{Assignment, Pooling, RelatedArms, Study};

/// Arm names in headings are wrapped to this width.
const ARM_WIDTH: usize = 14;

/// The result of a fit of several arms as text for a terminal.
pub fn fit_text(study: &Study, report: &Report) -> String {
    let mut out = heading(study);
    if push_unreliable(&mut out, report) {
        return out;
    }
    for claim in report.claims.iter().filter(|c| matches!(c.says, Says::BestArm { .. } | Says::Leaning(_))) {
        push(&mut out, &sentence(claim), 2);
    }
    out.push('\n');
    out.push_str(&risks(study, report));
    out.push('\n');
    out.push_str(&best(study, report));
    out.push('\n');
    out.push_str(&comparisons(study, report, &against_control(study)));
    let others = against_each_other(study);
    if !others.is_empty() {
        out.push('\n');
        out.push_str(&comparisons(study, report, &others));
    }
    out.push('\n');
    out.push_str(&footnotes(study, report));
    out
}

/// Every subgroup, then all patients.
fn told(study: &Study) -> Vec<Whom> {
    let subgroups = study.data.names().len();
    let all = (subgroups > 1).then_some(Whom::Overall);
    (0..subgroups).map(Whom::Subgroup).chain(all).collect()
}

fn of_arm(whom: Whom, measure: Measure, arm: usize) -> Estimand {
    Estimand::new(whom, measure).of_arms(Arms::One(arm))
}

/// The counts of every arm, and below its risk.
fn risks(study: &Study, report: &Report) -> String {
    let mut columns: Columns<'_, (Whom, bool)> = Columns::new();
    columns.add(capitalised(&study.subgroup_name), |(whom, counted)| match (whom, counted) {
        (Whom::Overall, false) | (_, true) => whose(study, *whom),
        _ => "  risk (95 %)".to_string(),
    });
    for (a, arm) in study.treatment.arms.iter().enumerate() {
        columns.add(wrapped_to(arm, ARM_WIDTH), move |(whom, counted)| match (whom, counted) {
            (Whom::Subgroup(g), true) => counts(study, *g, a),
            _ => shown_interval(report.estimate(of_arm(*whom, Measure::Risk, a))),
        });
    }
    let rows = told(study).into_iter().flat_map(|whom| match whom {
        Whom::Subgroup(_) => vec![(whom, true), (whom, false)],
        shared => vec![(shared, false)],
    });
    columns.table(rows)
}

fn counts(study: &Study, g: usize, arm: usize) -> String {
    let row = study.data.counts().and_then(|rows| rows.get(g)).and_then(|row| row.arms.get(arm));
    row.map_or_else(String::new, |arm| match arm.total {
        0 => "0/0".to_string(),
        _ => format!("{}/{} ({:.0} %)", arm.events, arm.total, 100.0 * arm.risk()),
    })
}

/// Which arm is best: probabilities, and mean ranks.
fn best(study: &Study, report: &Report) -> String {
    let mut out = String::new();
    let better = match study.assignment {
        Assignment::Randomised => "the best outcome",
        Assignment::Observational => "the outcome associated with it to be the best",
    };
    push(&mut out, &format!("Probability of each arm to have {better} (prior), and its mean rank, 1 the best"), 0);
    let mut columns: Columns<'_, Whom> = Columns::new();
    columns.add("P(best)", |whom| whose(study, *whom));
    for (a, arm) in study.treatment.arms.iter().enumerate() {
        columns.add(wrapped_to(arm, ARM_WIDTH), move |whom| {
            let of = of_arm(*whom, Measure::Rank, a);
            let p = report.probability(of, Statement::Best, 1.0);
            let p = p.map_or_else(|| "–".to_string(), |p| with_prior(&shown_probability(p), p.prior));
            let rank = report.estimate(of).and_then(|row| row.reported.mean);
            rank.map_or(p.clone(), |rank| format!("{p}, {rank:.1}"))
        });
    }
    out + &columns.table(told(study))
}

/// Arms against the control arm.
fn against_control(study: &Study) -> Vec<(usize, usize)> {
    arm_pairs(study.treatment.arms.len()).filter(|(_, against)| *against == 0).collect()
}

/// Active arms against each other.
fn against_each_other(study: &Study) -> Vec<(usize, usize)> {
    arm_pairs(study.treatment.arms.len()).filter(|(_, against)| *against > 0).collect()
}

/// Two arms at a time: the effect, and how probable it is.
fn comparisons(study: &Study, report: &Report, pairs: &[(usize, usize)]) -> String {
    let mut out = String::new();
    let arms = &study.treatment.arms;
    let which = match pairs {
        [(_, 0), ..] => format!("Against {}", study.treatment.control()),
        _ => "Against each other".to_string(),
    };
    push(&mut out, &format!("{which}, probabilities with their prior values in brackets"), 0);
    let (measure, at) = primary(study);
    let mut columns: Columns<'_, (Whom, Option<(usize, usize)>)> = Columns::new();
    columns.add(capitalised(&study.subgroup_name), |(whom, pair)| match pair {
        None => whose(study, *whom),
        Some((arm, 0)) => format!("  {}", arms[*arm]),
        Some((arm, against)) => format!("  {} : {}", arms[*arm], arms[*against]),
    });
    let row = |whom: Whom, pair: Option<(usize, usize)>, measure| {
        pair.map(|(arm, against)| Estimand::new(whom, measure).of_arms(Arms::Pair(arm, against)))
    };
    for (heading, measure) in
        [("Odds ratio\n(95 %)", Measure::OddsRatio), ("Risk difference\n(95 %)", Measure::RiskDifference)]
    {
        columns.add(heading, move |(whom, pair)| {
            row(*whom, *pair, measure).map_or_else(String::new, |of| shown_interval(report.estimate(of)))
        });
    }
    let shown = move |whom: Whom, pair, measure: Measure, statement, at| {
        let Some(of) = row(whom, pair, measure) else { return String::new() };
        let found = report.probability(of, statement, at);
        found.map_or_else(|| "–".to_string(), |p| with_prior(&shown_probability(p), p.prior))
    };
    let base = Measure::RiskDifference;
    columns.add("P(better)", move |(whom, pair)| shown(*whom, *pair, base, Statement::Benefit, base.null()));
    if let Some(size) = at {
        let by = if measure == Measure::RiskDifference { "by" } else { "by a factor" };
        columns.add(format!("P(better\n{by} ≥ {})", threshold(measure, size)), move |(whom, pair)| {
            shown(*whom, *pair, measure, Statement::BenefitAtLeast, size)
        });
    }
    let rows = told(study).into_iter().flat_map(|whom| {
        std::iter::once((whom, None)).chain(pairs.iter().map(move |pair| (whom, Some(*pair))))
    });
    out + &columns.table(rows)
}

fn footnotes(study: &Study, report: &Report) -> String {
    let mut out = String::new();
    push(&mut out, &format!("Priors: {}. {}", all_priors(study), related(study)), 2);
    let of = |q: &Quantiles| format!("{} ({} to {})", plain(q.median), plain(q.q2_5), plain(q.q97_5));
    let spreads = [
        (Parameter::TauArms, "arms"),
        (Parameter::Tau, study.subgroups()),
        (Parameter::TauInteraction, "what is left of effects"),
    ];
    let told: Vec<String> = spreads
        .into_iter()
        .filter_map(|(key, of_what)| Some((of_what, report.parameter(key)?)))
        .filter_map(|(of_what, row)| Some(format!("of {of_what} {}, prior {}", of(&row.best()?), of(&row.prior?))))
        .collect();
    if !told.is_empty() {
        push(&mut out, &format!("Standard deviations τ on the log odds ratio: {}.", told.join("; ")), 2);
    }
    push(&mut out, &engines(report), 2);
    if let Some(importance) = &report.checks.importance {
        push(&mut out, &second_opinion(importance), 2);
    }
    push(&mut out, "Medians and central 95 % intervals.", 2);
    push(
        &mut out,
        &format!("No arm is told as the best, nor as better or worse than another, below a probability of {CLEAR}."),
        2,
    );
    for note in [prior_note(report), further_thresholds(study)].into_iter().flatten() {
        push(&mut out, &note, 2);
    }
    if study.data.names().len() > 1 {
        let patients = whose(study, Whom::Overall);
        push(
            &mut out,
            &format!("For {patients}, each {} counts at its size, whatever arm its patients had.", study.subgroup_name),
            2,
        );
    }
    out
}

/// How the arms' effects are related, in words.
fn related(study: &Study) -> String {
    let Some(arms) = &study.priors.arms else { return String::new() };
    let names = listed(&study.treatment.arms[1..], "and");
    match (study.pooling, arms.related) {
        (Pooling::None, _) => "No pooling: each arm's effect in each subgroup is by itself.".to_string(),
        (_, RelatedArms::Exchangeable) => format!("{} are exchangeable: their effects share a mean.", capitalised(&names)),
        (_, RelatedArms::Separate) => format!("{} are separate: each has a mean effect of its own.", capitalised(&names)),
    }
}
