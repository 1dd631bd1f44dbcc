//! Sentences of the answer: under how many priors a conclusion stands, what drove it, what would overturn it, and for whom a
//! rule is met.

use std::cmp::Ordering;

use super::super::numbers::{judged_probability, plain, ratio, roughly, sampled_probability, signed, value};
use super::super::text::grouped;
use super::super::words::{capitalised, listed, scope_in_words};
use super::word;
use crate::posterior::{
    Axis, Belief, CLEAR, Claim, Drive, Measure, MovesWithoutProportionalOdds, Stands, StandsWhere, Topic,
    UnderBias, UnderBiasOfAll, Verdicts, Whose, WithoutProportionalOdds,
};

/// Names that are listed before the rest is counted: so many, and so many characters of them.
const MOST_NAMES: usize = 5;
const MOST_CHARACTERS: usize = 100;

/// Beliefs that are told before the rest is counted.
const MOST_BELIEFS: usize = 3;

/// "P(worse) 0.98", or "no clear direction: P(worse) 0.59".
fn leaning(claim: &Claim, line: f64) -> String {
    let p = claim.probability.unwrap_or(f64::NAN);
    let unclear = if p < CLEAR { "no clear direction: " } else { "" };
    let text = judged_probability(p, claim.resolution, |p| (p >= CLEAR, p > line));
    format!("{unclear}P({}) {text}", word(claim.direction))
}

/// Held against a line.
fn shown(claim: &Claim, p: f64, line: f64) -> String {
    judged_probability(p, claim.resolution, |p| p > line)
}

fn measure(claim: &Claim) -> Measure {
    match claim.estimand {
        Topic::Effect(measure) => measure,
        _ => Measure::OddsRatio,
    }
}

/// A few names, and how many more there are.
fn few(names: &[String]) -> String {
    let mut told = 0;
    let mut characters = 0;
    for name in names {
        characters += name.chars().count() + 2;
        if told > 0 && (told == MOST_NAMES || characters > MOST_CHARACTERS) {
            break;
        }
        told += 1;
    }
    let more = names.len() - told;
    match more {
        0 if names.iter().any(|name| name.contains(',')) => names.join("; "),
        0 => listed(names, "and"),
        _ if names.iter().any(|name| name.contains(',')) => {
            format!("{}; and {more} more", names[..told].join("; "))
        }
        _ => format!("{} and {more} more", names[..told].join(", ")),
    }
}

pub fn stands(claim: &Claim, whom: &str, s: &Stands) -> String {
    let lead = leaning(claim, s.line);
    if s.of <= 1 {
        let above = if s.under == s.of { "above" } else { "not above" };
        return format!("{whom}: {lead}, {above} {} under the stated priors.", s.line);
    }
    let [low, high] = [&s.lowest, &s.highest].map(|end| shown(claim, end.probability, s.line));
    let above = match s.under {
        0 => format!("above {} under none of {} priors", s.line, s.of),
        n if n == s.of => format!("above {} under all {} priors", s.line, s.of),
        n => {
            return format!(
                "{whom}: {lead}, above {} under {n} of {} priors ({low} under {} to {high}).",
                s.line, s.of, s.lowest.prior
            );
        }
    };
    format!("{whom}: {lead}, {above} ({low} to {high}).")
}

pub fn stands_where(claim: &Claim, s: &StandsWhere) -> String {
    let line = s.line;
    let every = if s.of > 1 { format!("all {} priors", s.of) } else { "the stated priors".to_string() };
    let count = [&s.better_under_all, &s.worse_under_all, &s.under_some, &s.under_none].map(|n| n.len());
    let of = count.iter().sum::<usize>();
    let kinds = &claim.about.subgroups;
    let mut parts = Vec::new();
    for (names, word) in [(&s.better_under_all, "better"), (&s.worse_under_all, "worse")] {
        if !names.is_empty() {
            let who = if names.len() > MOST_NAMES { String::new() } else { format!(" ({})", few(names)) };
            let number =
                if names.len() == of { format!("all {of}") } else { format!("{} of {of}", names.len()) };
            parts.push(format!("P({word}) is above {line} under {every} in {number} {kinds}{who}"));
        }
    }
    if !s.under_some.is_empty() {
        let what =
            if parts.is_empty() { format!("P(better) or P(worse) is above {line} ") } else { String::new() };
        parts.push(format!("{what}under some priors only in {}", few(&s.under_some)));
    }
    if !s.under_none.is_empty() {
        let none = if parts.is_empty() {
            format!(
                "neither P(better) nor P(worse) is above {line} under {}",
                if s.of > 1 { "any prior" } else { &every }
            )
        } else {
            "neither way".to_string()
        };
        parts.push(format!("{none} in {}", few(&s.under_none)));
    }
    capitalised(&parts.join("; ")) + "."
}

/// The data's shifts and the largest of any prior; what these are, where ranges over whole priors stand beside them.
pub fn drove(shifts: &[Drive], has_ranges: bool) -> String {
    let shift = |x: f64| signed(x, 2);
    let (by_prior, by_data): (Vec<&Drive>, Vec<&Drive>) = shifts.iter().partition(|d| d.is_by_prior());
    let mut parts = Vec::new();
    if !by_prior.is_empty() {
        let each: Vec<String> = by_prior
            .iter()
            .take(MOST_BELIEFS)
            .map(|d| {
                let (prior, by) = d.strongest_prior();
                format!("{} ({prior} {}, the data {})", d.subgroup, shift(by), shift(d.data))
            })
            .collect();
        let more = by_prior.len().saturating_sub(MOST_BELIEFS);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        parts.push(format!("a prior more than the data in {}{more}", listed(&each, "and")));
    }
    let ordered = |all: &[&Drive]| {
        let mut all: Vec<Drive> = all.iter().map(|d| (*d).clone()).collect();
        all.sort_by(|a, b| a.data.total_cmp(&b.data));
        all
    };
    let sorted = ordered(&by_data);
    if let (Some(least), Some(most)) = (sorted.first(), sorted.last()) {
        let range = if shift(least.data) == shift(most.data) {
            format!("by {}", shift(most.data))
        } else {
            format!(
                "by {} ({}) to {} ({})",
                shift(least.data),
                least.subgroup,
                shift(most.data),
                most.subgroup
            )
        };
        let priors = by_data.iter().map(|d| d.strongest_prior().1.abs()).fold(0.0, f64::max);
        let rest = if by_prior.is_empty() { "" } else { " elsewhere" };
        let most = if priors < 0.005 {
            "the priors by less than 0.005".to_string()
        } else {
            format!("no single prior by more than {priors:.2}")
        };
        parts.push(format!("the data{rest}, {range}; {most}"));
    }
    let beside = if has_ranges { "; ranges of P are over whole sets of priors" } else { "" };
    format!(
        "What drove it: {} (each switched on in turn, averaged over all orders{beside}).",
        parts.join("; ")
    )
}

/// What one would have to believe, the beliefs that ask least first.
pub fn overturns(claim: &Claim, line: f64, beliefs: &[Belief], is_rough: bool) -> String {
    let measure = measure(claim);
    let number = |x: f64, exact: String| if is_rough { roughly(x) } else { exact };
    let mut told: Vec<&Belief> = beliefs
        .iter()
        .filter(|b| b.widest_is_enough || b.sceptical_sd.is_some() || b.centre.is_some())
        .collect();
    let ease = |b: &Belief| if b.widest_is_enough { f64::INFINITY } else { b.sceptical_sd.unwrap_or(0.0) };
    told.sort_by(|a, b| ease(b).total_cmp(&ease(a)));
    let none: Vec<String> =
        beliefs.iter().filter(|b| !told.iter().any(|t| t == b)).map(|b| b.subgroup.clone()).collect();
    // Of many only the one that asks least.
    let most = if told.len() > MOST_BELIEFS { 1 } else { MOST_BELIEFS };
    let each: Vec<String> = told
        .iter()
        .take(most)
        .map(|b| {
            let size = b.patients.map_or_else(String::new, |n| {
                format!(", equivalent sample size {}", number(n, grouped(n.round() as u64)))
            });
            let sceptic = match b.sceptical_sd {
                _ if b.widest_is_enough => Some("any prior centred on no effect".to_string()),
                Some(sd) => {
                    Some(format!("a prior centred on no effect (SD {}{size})", number(sd, plain(sd))))
                }
                None => None,
            };
            let centre = b.centre.map(|x| {
                let what = if sceptic.is_some() { "the stated one" } else { "the stated prior" };
                format!("{what}, with the SD it has, centred on {}", effect(measure, x))
            });
            let ways: Vec<String> = sceptic.into_iter().chain(centre).collect();
            format!("{} in {}", ways.join(" or "), b.subgroup)
        })
        .collect();
    let mut parts = each;
    match told.len().saturating_sub(most) {
        0 => {}
        n => parts.push(format!("{n} more need a narrower prior")),
    }
    let who = if none.len() == beliefs.len() && none.len() > 1 {
        format!("any {}", claim.about.kind_of_subgroup)
    } else {
        few(&none)
    };
    if told.is_empty() {
        return format!("No prior that was searched brings P down to {line} in {who}.");
    }
    if !none.is_empty() {
        parts.push(format!("no prior that was searched does in {who}"));
    }
    format!("To bring P down to {line} takes {}.", parts.join("; "))
}

/// "an odds ratio of 1.11", "a difference of +0.5".
fn effect(measure: Measure, x: f64) -> String {
    let words = measure.in_words();
    let article = if words.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {words} of {}", value(measure, x))
}

/// A bias on the measure's own scale.
fn size_of_bias(measure: Measure, x: f64) -> String {
    match measure.axis() {
        // A bias that rounds to none is told more finely.
        Axis::Ratio if (x - 1.0).abs() < 0.005 => format!("{x:.4}-fold"),
        Axis::Ratio => format!("{}-fold", ratio(x)),
        Axis::Additive | Axis::Chance => signed(x, 2),
    }
}

pub fn under_bias(claim: &Claim, whom: &str, u: &UnderBias) -> String {
    let measure = measure(claim);
    let lead = leaning(claim, u.line);
    let p = u.without.or(claim.probability).unwrap_or(f64::NAN);
    let with = u
        .without
        .map_or_else(String::new, |p| format!(" with the stated bias, {} without", shown(claim, p, u.line)));
    let it = if u.without.is_some() { "the latter" } else { "it" };
    let way = if p > u.line { "to" } else { "up to" };
    let tips = match u.bias {
        Some(b) => format!("; a {} bias would bring {it} {way} {}", size_of_bias(measure, b), u.line),
        None if u.searched => format!("; no bias that was searched brings {it} {way} {}", u.line),
        None => String::new(),
    };
    let e = u.e_values.map_or_else(String::new, |[median, end]| {
        format!("; E-value {} (interval {})", ratio(median), ratio(end))
    });
    format!("{whom}: {lead}{with}{tips}{e}.")
}

pub fn under_bias_of_all(claim: &Claim, u: &UnderBiasOfAll) -> String {
    let kinds = if u.of == 1 { &claim.about.kind_of_subgroup } else { &claim.about.subgroups };
    let least = u.least.as_ref().map_or_else(String::new, |(subgroup, b)| {
        let measure = measure(claim);
        format!(
            "; the smallest bias of the {} that brings one of them down to it is {}, in {subgroup}",
            measure.in_words(),
            size_of_bias(measure, *b)
        )
    });
    format!("P(better) or P(worse) is above {} in {} of {} {kinds}{least}.", u.line, u.above, u.of)
}

/// The subgroups whose verdict changes, else those that move furthest.
pub fn without_proportional_odds(claim: &Claim, found: &WithoutProportionalOdds) -> String {
    let by = |m: &MovesWithoutProportionalOdds| (m.with - m.without).abs();
    let mut told: Vec<&MovesWithoutProportionalOdds> = found.moves.iter().collect();
    told.sort_by(|a, b| (b.changes, by(b)).partial_cmp(&(a.changes, by(a))).unwrap_or(Ordering::Equal));
    let more = told.len().saturating_sub(MOST_BELIEFS);
    let shown = |p: f64| sampled_probability(Some(p), claim.resolution);
    let each = told.iter().take(MOST_BELIEFS).map(|m| {
        let [with, without] = [m.with, m.without].map(shown);
        let what = format!("P({}) of {}", word(Some(m.direction)), m.subgroup);
        let line = if m.changes { format!(", across {}", found.line) } else { String::new() };
        if with == without {
            format!("{what} stays at {with}")
        } else {
            format!("{what} moves from {with} to {without}{line}")
        }
    });
    let each = each.collect::<Vec<_>>().join("; ");
    let more = if more > 0 { format!("; {more} more move less") } else { String::new() };
    let lead = if found.changes() { "The conclusion leans on proportional odds. " } else { "" };
    let of = match found.shape.as_str() {
        "unconstrained" => "each cut but the primary one".to_string(),
        "death" => "the last cut".to_string(),
        shape => format!("the cuts ({shape})"),
    };
    format!(
        "{lead}Without proportional odds (departure of {of} normal(0, {})), {each}{more}.",
        plain(found.scale)
    )
}

pub fn verdicts(claim: &Claim, v: &Verdicts) -> String {
    let name = |w: &Whose| {
        w.subgroup.clone().unwrap_or_else(|| scope_in_words(w.scope, &claim.about.kind_of_subgroup))
    };
    let of = v.yes.len() + v.no.len() + v.undecided.len();
    let part = |word: &str, whose: &[Whose]| {
        let names: Vec<String> = whose.iter().map(name).collect();
        let who = match of {
            2 if names.len() == of => "both".to_string(),
            3.. if names.len() == of => format!("all {of}"),
            _ => few(&names),
        };
        (!names.is_empty()).then(|| format!("{word} for {who}"))
    };
    let parts = [part("yes", &v.yes), part("undecided", &v.undecided), part("no", &v.no)];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    format!("Rule {}: {}.", v.rule, parts.join("; "))
}
