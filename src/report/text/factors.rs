//! The table of a fit of several factors.

use super::super::numbers::{plain, sampled_probability, threshold, with_prior};
use super::super::sentences::sentence;
use super::super::words::{all_priors, capitalised, listed, whose};
use super::adjusted::{coefficients, second_opinion};
use super::columns::Columns;
use super::fit::{engines, further_thresholds, prior_note, push_unreliable};
use super::layout::{arms_wrapped, grouped, heading, push, shown_interval, shown_probability, table};
use crate::posterior::{
    Axis, Claim, Direction, Estimand, Estimate, Measure, Parameter, ParameterRow, Probability, Quantiles,
    Report, Says, Scope, Statement, Whom, level_counts, primary,
};
use crate::report::observations;
use crate::study::{
    ArmCounts, Assignment, Factors, HeterogeneityPrior, Interactions, Pooling, Population, Study,
};

/// The result of a fit of several factors as text for a terminal.
pub fn fit_text(study: &Study, factors: &Factors, report: &Report) -> String {
    let mut out = heading(study);
    if push_unreliable(&mut out, report) {
        return out;
    }
    if let Some(claim) = overall(report) {
        push(&mut out, &sentence(claim), 2);
    }
    push(&mut out, &levels_in_short(study, factors, report), 2);
    if can_differ(factors, report) {
        push(&mut out, &differences_in_short(study, factors, report), 2);
    }
    out.push('\n');
    out.push_str(&effects(study, factors, report));
    out.push('\n');
    out.push_str(&probabilities(study, factors, report));
    let varies = variation(factors, report);
    if !varies.is_empty() {
        out.push('\n');
        out.push_str(&varies);
    }
    let coefficients = coefficients(study, report);
    if !coefficients.is_empty() {
        out.push('\n');
        out.push_str(&coefficients);
    }
    out.push('\n');
    out.push_str(&footnotes(study, factors, report));
    out
}

fn is_clear(claim: &Claim) -> bool {
    matches!(&claim.says, Says::Leaning(l) if l.clear)
}

/// What is said of all patients.
fn overall(report: &Report) -> Option<&Claim> {
    report.claims.iter().find(|claim| claim.scope == Scope::Overall)
}

/// Which levels have a clear direction, of those that have patients in both arms.
fn levels_in_short(study: &Study, factors: &Factors, report: &Report) -> String {
    let has_both = |claim: &Claim| {
        let named = |(f, l): &(usize, usize)| {
            factors.all[*f].name == claim.about.kind_of_subgroup
                && Some(factors.level(*f, *l)) == claim.subgroup.as_deref()
        };
        let place = factors.levels().find(named);
        let counts = place.and_then(|(f, l)| level_counts(study, factors, Whom::Level(f, l)));
        counts.is_none_or(|arms| arms.iter().all(|arm| arm.total > 0))
    };
    let of_levels = report.claims.iter().filter(|c| c.scope == Scope::Level);
    let levels: Vec<&Claim> = of_levels.filter(|c| has_both(c)).collect();
    let label = |c: &Claim| Some(format!("{} {}", c.about.kind_of_subgroup, c.subgroup.as_deref()?));
    let named = |kind: &dyn Fn(&Claim) -> bool| -> Vec<String> {
        levels.iter().filter(|c| kind(c)).filter_map(|c| label(c)).collect()
    };
    let toward = |direction| named(&|c: &Claim| is_clear(c) && c.direction == Some(direction));
    let (better, worse) = (toward(Direction::Benefit), toward(Direction::Harm));
    let unclear = named(&|c: &Claim| !is_clear(c));
    let n = levels.len();
    let told = |what: &str, names: &[String]| match names.len() {
        0 => None,
        k if k == n => Some(format!("{what} at all {n} levels")),
        k if k > MOST_NAMED => Some(format!("{what} at {k} of {n} levels")),
        k => Some(format!("{what} at {k} of {n} levels ({})", names.join(", "))),
    };
    let parts: Vec<String> = [
        told("clearly better", &better),
        told("clearly worse", &worse),
        told("without a clear direction", &unclear),
    ]
    .into_iter()
    .flatten()
    .collect();
    let with_both = match report.claims.iter().filter(|c| c.scope == Scope::Level).count() {
        all if all == n => "",
        _ => ", of those with patients in both arms",
    };
    format!("{}{with_both}.", capitalised(&listed(&parts, "and")))
}

/// Levels that are named at most.
const MOST_NAMED: usize = 5;

/// So probable a difference is told of the two levels of a factor that differ most surely: the surest of several is sure by
/// chance more often than any one.
const APART: f64 = 0.95;

/// Whether effects at levels of a factor may differ in this model.
fn can_differ(factors: &Factors, report: &Report) -> bool {
    (0..factors.all.len()).any(|f| furthest(factors, report, f).is_some())
}

/// Between which levels the effect clearly differs.
fn differences_in_short(study: &Study, factors: &Factors, report: &Report) -> String {
    let found: Vec<String> = (0..factors.all.len())
        .filter_map(|f| {
            let (a, b, _, p) = furthest(factors, report, f)?;
            (p.best()? >= APART).then(|| {
                let (name, a, b) = (&factors.all[f].name, factors.level(f, a), factors.level(f, b));
                let p = sampled_probability(p.best(), p.p.resolution);
                format!("{name} {a} than {b} (probability {p})")
            })
        })
        .collect();
    let names: Vec<String> = factors.names().into_iter().map(str::to_string).collect();
    match found.as_slice() {
        [] => {
            let what = match study.assignment {
                Assignment::Randomised => "effect",
                Assignment::Observational => "association",
            };
            format!(
                "Between no two levels of {} does the {what} differ with probability {APART}.",
                listed(&names, "or")
            )
        }
        found => format!("More favourable at {}.", listed(found, "and")),
    }
}

/// A row of the table of effects: a factor's name, or whom its numbers are about.
#[derive(Clone, Copy)]
enum Row {
    Factor(usize),
    Of(Whom),
}

/// A table of these columns with a row a level below the name of its factor, and one of all patients.
fn by_level(study: &Study, factors: &Factors, columns: &Columns<'_, Row>) -> String {
    let each = (0..factors.all.len()).flat_map(|f| {
        let levels = (0..factors.all[f].levels.len()).map(move |l| Row::Of(Whom::Level(f, l)));
        std::iter::once(Row::Factor(f)).chain(levels)
    });
    let all: Vec<Row> = each.chain([Row::Of(Whom::Overall)]).collect();
    let (header, mut cells) = columns.cells(all.iter().copied());
    for (row, cells) in all.iter().zip(&mut cells) {
        if matches!(row, Row::Factor(_)) {
            cells.truncate(1);
        }
    }
    table(arms_wrapped(study, header), cells)
}

impl Row {
    fn whom(&self) -> Option<Whom> {
        match self {
            Row::Factor(_) => None,
            Row::Of(whom) => Some(*whom),
        }
    }

    fn label(&self, study: &Study, factors: &Factors) -> String {
        match self {
            Row::Factor(f) => capitalised(&factors.all[*f].name),
            Row::Of(Whom::Level(f, l)) => format!("  {}", factors.level(*f, *l)),
            Row::Of(whom) => capitalised(&whose(study, *whom)),
        }
    }
}

/// The measures that are shown: the effect's own, and the risk difference where there are risks.
fn shown(study: &Study) -> Vec<Measure> {
    let risks = study.data.has_risks().then_some(Measure::RiskDifference);
    std::iter::once(Measure::of(study.outcome.scale)).chain(risks).collect()
}

fn effects(study: &Study, factors: &Factors, report: &Report) -> String {
    let mut out = String::new();
    let over = match study.adjustment.as_ref().map(|a| a.population) {
        Some(Population::BaselineRisk(_)) => "other factors, at the stated risk without the treatment",
        Some(_) => "other factors and covariates",
        None => "other factors",
    };
    let active = study.treatment.active();
    let what = match study.assignment {
        Assignment::Randomised => format!("Effect of {active}"),
        Assignment::Observational => format!("Difference in outcome associated with {active}"),
    };
    push(&mut out, &format!("{what} among the patients of each level, standardised over their {over}"), 0);
    let mut columns: Columns<'_, Row> = Columns::new();
    columns.add("Level", |row| row.label(study, factors));
    if study.data.has_risks() {
        for (a, arm) in study.treatment.arms.iter().enumerate() {
            columns.add(observations::arm_heading(study, arm), move |row| {
                let counts = row.whom().and_then(|whom| level_counts(study, factors, whom));
                let told = |arm: &ArmCounts| format!("{}/{}", grouped(arm.events), grouped(arm.total));
                counts.map_or_else(String::new, |arms| told(&arms[a]))
            });
        }
    }
    for measure in shown(study) {
        columns.add(format!("{}\n(95 %)", capitalised(measure.in_words())), move |row| {
            row.whom().map_or_else(String::new, |whom| {
                shown_interval(report.estimate(Estimand::new(whom, measure)))
            })
        });
    }
    out + &by_level(study, factors, &columns)
}

fn probabilities(study: &Study, factors: &Factors, report: &Report) -> String {
    let mut out = String::new();
    let active = study.treatment.active();
    let what = match study.assignment {
        Assignment::Randomised => format!("Probability that {active} makes the outcome better or worse"),
        Assignment::Observational => {
            format!("Probability that the outcome associated with {active} is better or worse")
        }
    };
    push(&mut out, &format!("{what}, in brackets before the data"), 0);
    let (measure, at) = primary(study);
    let base = shown(study).last().copied().unwrap_or(measure);
    let chance = move |row: &Row, measure: Measure, statement, at| {
        let Some(whom) = row.whom() else { return String::new() };
        let found = report.probability(Estimand::new(whom, measure), statement, at);
        found.map_or_else(|| "–".to_string(), |p| with_prior(&shown_probability(p), p.prior))
    };
    let mut columns: Columns<'_, Row> = Columns::new();
    columns.add("Level", |row| row.label(study, factors));
    columns.add("P(better)", move |row| chance(row, base, Statement::Benefit, base.null()));
    if let Some(size) = at {
        let by = if measure.axis() == Axis::Ratio { "by a factor" } else { "by" };
        for (word, statement) in [("better", Statement::BenefitAtLeast), ("worse", Statement::HarmAtLeast)] {
            let heading = format!("P({word}\n{by} ≥ {})", threshold(measure, size));
            columns.add(heading, move |row| chance(row, measure, statement, size));
        }
    }
    out + &by_level(study, factors, &columns)
}

/// Of a factor the two levels whose effects differ most surely: the one with the more favourable effect first, and how probably
/// it is.
fn furthest<'r>(
    factors: &Factors,
    report: &'r Report,
    f: usize,
) -> Option<(usize, usize, &'r Estimate, Surely<'r>)> {
    let levels = factors.all[f].levels.len();
    let pairs = (0..levels).flat_map(|a| (a + 1..levels).map(move |b| (a, b)));
    let found = pairs.filter_map(|(a, b)| {
        let whom = Whom::LevelPair(f, a, b);
        let p = report.probabilities.iter().find(|p| p.estimand.whom == whom)?;
        let e = report.estimate(p.estimand)?;
        let own = p.best()?;
        Some(match own >= 0.5 {
            true => (a, b, e, Surely { p, turned: false }),
            false => (b, a, e, Surely { p, turned: true }),
        })
    });
    found.max_by(|a, b| a.3.best().unwrap_or(0.0).total_cmp(&b.3.best().unwrap_or(0.0)))
}

/// A probability, or that of the opposite.
struct Surely<'r> {
    p: &'r Probability,
    turned: bool,
}

impl Surely<'_> {
    fn best(&self) -> Option<f64> {
        self.p.best().map(|p| if self.turned { 1.0 - p } else { p })
    }
}

/// How much the effect varies between the levels of each factor.
fn variation(factors: &Factors, report: &Report) -> String {
    if !can_differ(factors, report) {
        return String::new();
    }
    let mut out = String::new();
    push(
        &mut out,
        "How much the effect varies with each factor on the scale of the model, and the two levels that differ most surely, the other factors alike",
        0,
    );
    let of = |q: &Quantiles| format!("{} ({} to {})", plain(q.median), plain(q.q2_5), plain(q.q97_5));
    let mut columns: Columns<'_, usize> = Columns::new();
    columns.add("Factor", |f| factors.all[*f].name.clone());
    if (0..factors.all.len()).any(|f| report.parameter(Parameter::TauOf(f)).is_some()) {
        columns.add("τ (95 %)", |f| {
            let row = report.parameter(Parameter::TauOf(*f));
            row.and_then(ParameterRow::best).map_or_else(String::new, |q| of(&q))
        });
    }
    columns.add("More favourable", |f| {
        furthest(factors, report, *f)
            .map_or_else(|| "–".to_string(), |(a, ..)| factors.level(*f, a).to_string())
    });
    columns.add("than", |f| {
        furthest(factors, report, *f).map_or_else(String::new, |(_, b, ..)| factors.level(*f, b).to_string())
    });
    columns.add("P", |f| {
        furthest(factors, report, *f)
            .map_or_else(String::new, |(.., p)| sampled_probability(p.best(), p.p.resolution))
    });
    out + &columns.table(0..factors.all.len())
}

fn footnotes(study: &Study, factors: &Factors, report: &Report) -> String {
    let mut out = String::new();
    push(&mut out, &format!("Priors: {}. {}", all_priors(study), drawn_together(study, factors)), 2);
    let tau = report.parameter(Parameter::TauOf(0)).or_else(|| report.parameter(Parameter::Tau));
    if let Some(q) = tau.and_then(|row| row.prior) {
        let of = format!("{} ({} to {})", plain(q.median), plain(q.q2_5), plain(q.q97_5));
        let what = match report.parameter(Parameter::Tau).and_then(ParameterRow::best) {
            Some(q) => format!(
                "Global scale τ of the horseshoe {} ({} to {}), ",
                plain(q.median),
                plain(q.q2_5),
                plain(q.q97_5)
            ),
            None => "Standard deviations τ, of effects on the scale of the model: ".to_string(),
        };
        push(&mut out, &format!("{what}prior {of}."), 2);
    }
    push(&mut out, &engines(report), 2);
    if let Some(importance) = &report.checks.importance {
        push(&mut out, &second_opinion(importance), 2);
    } else if let Some(Interactions::Horseshoe(_)) = study.priors.factors.as_ref().map(|f| f.interactions) {
        push(
            &mut out,
            "No second opinion: along the products of a horseshoe's scales its posterior is like no normal.",
            2,
        );
    }
    push(&mut out, "Medians and central 95 % intervals.", 2);
    for note in [prior_note(report), further_thresholds(study)].into_iter().flatten() {
        push(&mut out, &note, 2);
    }
    push(&mut out, &standardised(study, factors), 2);
    out
}

/// How shifts of the effect are drawn together, in words.
fn drawn_together(study: &Study, factors: &Factors) -> String {
    let how = study.priors.factors.as_ref().map(|f| f.interactions);
    let names: Vec<String> = factors.names().into_iter().map(str::to_string).collect();
    match (study.pooling, how) {
        (Pooling::Complete, _) => "The effect is the same at all levels, on the scale of the model.".to_string(),
        (_, Some(Interactions::Horseshoe(_))) => {
            "Shifts of the effect at all levels are drawn to 0 together, large ones less: a regularised horseshoe."
                .to_string()
        }
        _ => {
            let tau = match study.priors.heterogeneity.as_ref().map(|h| h.distribution) {
                Some(HeterogeneityPrior::Fixed { value }) => format!("of standard deviation τ = {value}"),
                _ => "with a τ of their own".to_string(),
            };
            format!("One model for {}: the levels of each are exchangeable, {tau}.", listed(&names, "and"))
        }
    }
}

/// What numbers of levels are averages over.
fn standardised(study: &Study, factors: &Factors) -> String {
    let risks = study.data.has_risks();
    match (risks, &factors.patients) {
        (true, _) => "Odds ratios are those of averaged risks. Counts are crude, and where other factors differ between levels the effects beside them need not follow from them.".to_string(),
        (false, Some(_)) => "Combinations of levels count by their patients.".to_string(),
        (false, None) => "How many patients combinations of levels have is not stated: they count by their information, one over the squared standard error.".to_string(),
    }
}
