//! The answer before everything else, and what follows it only where it is asked for.

use super::layout::{push, push_title, wrapped};
use crate::posterior::{Claim, STATED, Says, Scope};
use crate::report::sentences::sentence;
use crate::report::words::listed;

/// How much of a comparison or a decision a text shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// The answer, in at most ten lines.
    Short,
    /// The answer and everything that it rests on.
    Full,
}

/// Lines of a short answer below its title.
const MOST_LINES: usize = 10;

/// What it comes to, from claims. A short one tells of single subgroups while there is room, else of all at once.
/// A note of how to read them follows.
pub fn answer(claims: &[Claim], length: Length, note: Option<String>) -> String {
    let of_each = |c: &&Claim| matches!(c.says, Says::Stands(_) | Says::UnderBias(_));
    let each = |c: &&Claim| of_each(c) && c.scope == Scope::Subgroup;
    // The average and a further subgroup.
    let shared = |c: &&Claim| of_each(c) && c.scope != Scope::Subgroup;
    let all = |c: &&Claim| matches!(c.says, Says::StandsWhere(_) | Says::UnderBiasOfAll(_));
    let rest = |c: &&Claim| match c.says {
        Says::Drove { .. } | Says::Overturns { .. } | Says::NothingStands { .. } => true,
        Says::WithoutProportionalOdds(ref found) => !found.changes(),
        Says::PriorAtOdds { .. } => c.prior == STATED,
        _ => false,
    };
    // That a model's assumption makes the verdict is read before the verdict.
    let leans = |c: &&Claim| matches!(&c.says, Says::WithoutProportionalOdds(found) if found.changes());
    let told = |kind: &dyn Fn(&&Claim) -> bool| -> Vec<String> {
        claims.iter().filter(kind).map(sentence).collect()
    };
    let (each, shared, all, mut rest) = (told(&each), told(&shared), told(&all), told(&rest));
    rest.extend(note);
    let each_and_all = if each.len() > 1 { [each.as_slice(), &shared, &all].concat() } else { each.clone() };
    let choices = match length {
        Length::Short => {
            let average = shared.get(..1).unwrap_or_default();
            let with = |told: &[String], shared: &[String]| [told, shared].concat();
            let ways =
                [with(&each, &shared), with(&each, average), each.clone(), with(&all, &shared), all.clone()];
            ways.into_iter().chain([all]).filter(|told: &Vec<String>| !told.is_empty()).collect()
        }
        Length::Full => vec![each_and_all],
    };
    let fits = |told: &Vec<String>| lines(told) + lines(&rest) <= MOST_LINES;
    let shortest = choices.iter().min_by_key(|told| lines(told));
    let mut parts = choices.iter().find(|told| fits(told)).or(shortest).cloned().unwrap_or_default();
    parts.extend(rest);
    parts.splice(0..0, told(&leans));
    in_short(&parts)
}

/// Of claims in the order of their importance as many sentences as there is room for, in the order of the claims; and how
/// many are left out.
pub fn as_many_as_fit(claims: &[Claim], importance: impl Fn(&Says) -> Option<usize>) -> (String, usize) {
    let mut wanted: Vec<(usize, usize, String)> = claims
        .iter()
        .enumerate()
        .filter_map(|(k, claim)| Some((importance(&claim.says)?, k, sentence(claim))))
        .collect();
    wanted.sort_by_key(|(importance, k, _)| (*importance, *k));
    let of = wanted.len();
    let mut room = MOST_LINES;
    let mut cut = usize::MAX;
    let mut told: Vec<(usize, String)> = Vec::new();
    for (importance, k, text) in wanted {
        let needed = wrapped(&text, 2).len();
        // Where something found no room, nothing of less importance takes its place.
        if importance > cut || needed > room && !told.is_empty() {
            cut = cut.min(importance);
            continue;
        }
        room = room.saturating_sub(needed);
        told.push((k, text));
    }
    told.sort_by_key(|(k, _)| *k);
    let left_out = of - told.len();
    let told: Vec<String> = told.into_iter().map(|(_, text)| text).collect();
    (in_short(&told), left_out)
}

fn in_short(sentences: &[String]) -> String {
    let mut out = String::new();
    if sentences.is_empty() {
        return out;
    }
    push_title(&mut out, "In short");
    for text in sentences {
        push(&mut out, text, 2);
    }
    out
}

fn lines(sentences: &[String]) -> usize {
    sentences.iter().map(|text| wrapped(text, 2).len()).sum()
}

/// Says that `--full` shows the rest, and what that is.
pub fn push_rest(out: &mut String, rest: &[String]) {
    push(out, &format!("`--full` shows the rest: {}.", listed(rest, "and")), 2);
}
