//! The table of a fit of several arms.

use super::super::numbers::{threshold, with_prior};
use super::super::sentences::sentence;
use super::super::words::{all_priors, capitalised, listed, whose};
use super::adjusted::second_opinion;
use super::columns::Columns;
use super::fit::{engines, further_thresholds, prior_note, push_unreliable};
use super::layout::{grouped, heading, push, push_passage, shown_interval, shown_probability, table};
use crate::posterior::{
    Arms, Axis, CLEAR, Claim, Estimand, Measure, Parameter, Quantiles, Report, Says, Scope, Statement, Whom,
    arm_pairs, primary,
};
use crate::report::numbers::plain;
use crate::report::weighting;
use crate::study::{Assignment, Pooling, RelatedArms, Study, SubgroupCounts};

/// The result of a fit of several arms as text for a terminal.
pub fn fit_text(study: &Study, report: &Report) -> String {
    let mut out = heading(study);
    if push_unreliable(&mut out, report) {
        return out;
    }
    for claim in answer(study, report) {
        push(&mut out, &sentence(claim), 2);
    }
    out.push('\n');
    out.push_str(&risks(study, report));
    out.push('\n');
    out.push_str(&comparisons(study, report, &against_control(study)));
    let others = against_each_other(study);
    if !others.is_empty() {
        out.push('\n');
        out.push_str(&comparisons(study, report, &others));
    }
    out.push('\n');
    if study.weighting.is_some() {
        push_passage(&mut out, &weighting::side_by_side(study, report));
        out.push('\n');
        push_passage(&mut out, &weighting::in_brief(study));
        out.push('\n');
    }
    out.push_str(&footnotes(study, report));
    out
}

/// Which arm is best wherever it is asked, and of all patients together what is clear of each arm.
fn answer<'r>(study: &Study, report: &'r Report) -> impl Iterator<Item = &'r Claim> {
    let whole = if study.data.names().len() > 1 { Scope::Overall } else { Scope::Subgroup };
    report.claims.iter().filter(move |claim| match claim.says {
        Says::BestArm { .. } => true,
        Says::Leaning(_) => claim.scope == whole,
        _ => false,
    })
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

/// A row of a table: of an arm, or the name of those whom the rows below are about.
type Row<T> = (Whom, Option<T>);

/// Every arm's counts and risk, and how probably it is the best.
fn risks(study: &Study, report: &Report) -> String {
    let mut out = String::new();
    let best = match study.assignment {
        Assignment::Randomised => "the best arm",
        Assignment::Observational => "the arm associated with the best outcome",
    };
    push(
        &mut out,
        &format!("P(best): the probability to be {best}, in brackets before the data; rank 1 is the best"),
        0,
    );
    let mut columns: Columns<'_, Row<usize>> = Columns::new();
    columns.add(capitalised(&study.subgroup_name), |(_, arm)| {
        arm.map_or_else(String::new, |a| format!("  {}", study.treatment.arms[a]))
    });
    columns.add("Events", |(whom, arm)| arm.map_or_else(String::new, |a| counts(study, *whom, a)));
    columns.add("Risk (95 %)", |(whom, arm)| {
        arm.map_or_else(String::new, |a| shown_interval(report.estimate(of_arm(*whom, Measure::Risk, a))))
    });
    columns.add("P(best)", |(whom, arm)| {
        let row = arm.and_then(|a| report.probability(of_arm(*whom, Measure::Rank, a), Statement::Best, 1.0));
        row.map_or_else(String::new, |p| with_prior(&shown_probability(p), p.prior))
    });
    columns.add("Mean\nrank", |(whom, arm)| {
        let row = arm.and_then(|a| report.estimate(of_arm(*whom, Measure::Rank, a)));
        row.and_then(|row| row.reported.mean).map_or_else(String::new, |rank| format!("{rank:.1}"))
    });
    out + &below_names(study, &columns, &(0..study.treatment.arms.len()).collect::<Vec<_>>())
}

/// The table of these rows below every name.
fn below_names<T: Copy>(study: &Study, columns: &Columns<'_, Row<T>>, rows: &[T]) -> String {
    let all = told(study)
        .into_iter()
        .flat_map(|whom| std::iter::once((whom, None)).chain(rows.iter().map(move |row| (whom, Some(*row)))));
    let all: Vec<Row<T>> = all.filter(|(_, row)| row.is_some() || !study.undivided).collect();
    let (header, mut cells) = columns.cells(all.iter().copied());
    for ((whom, row), cells) in all.iter().zip(&mut cells) {
        if row.is_none() {
            *cells = vec![whose(study, *whom)];
        }
    }
    table(header, cells)
}

fn counts(study: &Study, whom: Whom, arm: usize) -> String {
    let Some(rows) = study.data.counts() else { return String::new() };
    let of = |row: &SubgroupCounts| row.arms.get(arm).map_or((0, 0), |arm| (arm.events, arm.total));
    let (events, total) = match whom {
        Whom::Subgroup(g) => rows.get(g).map_or((0, 0), of),
        _ => rows.iter().map(of).fold((0, 0), |all, own| (all.0 + own.0, all.1 + own.1)),
    };
    match total {
        0 => "0/0".to_string(),
        _ => {
            format!("{}/{} ({:.0} %)", grouped(events), grouped(total), 100.0 * events as f64 / total as f64)
        }
    }
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
    let mut columns: Columns<'_, Row<(usize, usize)>> = Columns::new();
    columns.add(capitalised(&study.subgroup_name), |(_, pair)| match pair {
        None => String::new(),
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
        let by = if measure.axis() == Axis::Ratio { "by a factor" } else { "by" };
        columns.add(format!("P(better\n{by} ≥ {})", threshold(measure, size)), move |(whom, pair)| {
            shown(*whom, *pair, measure, Statement::BenefitAtLeast, size)
        });
    }
    out + &below_names(study, &columns, pairs)
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
        .filter_map(|(of_what, row)| {
            Some(format!("of {of_what} {}, prior {}", of(&row.best()?), of(&row.prior?)))
        })
        .collect();
    if !told.is_empty() {
        push(&mut out, &format!("Standard deviations τ on the log odds ratio: {}.", told.join("; ")), 2);
    }
    push(&mut out, &engines(report), 2);
    if let Some(importance) = &report.checks.importance {
        push(&mut out, &second_opinion(importance), 2);
    }
    push(&mut out, "Medians and central 95 % intervals.", 2);
    if study.weighting.is_some() {
        push(&mut out, "Events are as they were counted, before weighting.", 2);
    }
    push(
        &mut out,
        &format!(
            "No arm is told as the best, nor as better or worse than another, below a probability of {CLEAR}."
        ),
        2,
    );
    for note in [prior_note(report), further_thresholds(study)].into_iter().flatten() {
        push(&mut out, &note, 2);
    }
    if study.data.names().len() > 1 {
        let patients = whose(study, Whom::Overall);
        let note = match study.weighted_population() {
            None => format!(
                "For {patients}, each {} counts at its size, whatever arm its patients had.",
                study.subgroup_name
            ),
            Some(population) => format!(
                "For {patients}, each {} counts by its share of the weighted population ({population}).",
                study.subgroup_name
            ),
        };
        push(&mut out, &note, 2);
    }
    out
}

/// How the arms' effects are related, in words.
fn related(study: &Study) -> String {
    let Some(arms) = &study.priors.arms else { return String::new() };
    let names = listed(&study.treatment.arms[1..], "and");
    match (study.pooling, arms.related) {
        (Pooling::None, _) => "No pooling: each arm's effect in each subgroup is by itself.".to_string(),
        (_, RelatedArms::Exchangeable) => {
            format!("{} are exchangeable: their effects share a mean.", capitalised(&names))
        }
        (_, RelatedArms::Separate) => {
            format!("{} are separate: each has a mean effect of its own.", capitalised(&names))
        }
    }
}
