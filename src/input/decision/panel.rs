//! Members of the panel as written, checked.

use toml::Spanned;

use super::super::build::{effect_prior, heterogeneity_prior};
use super::super::source::Source;
use super::common::{Written, fault, known, worth};
use super::file::{MemberEntry, ViewEntry};
use crate::error::{ErrorKind, Result};
use crate::study::{DecisionOutcome, MOST_MEMBERS, Member, Pooling, Study, View};

/// In the order in which they are written.
pub fn members(
    source: &Source,
    entries: &[Spanned<MemberEntry>],
    outcomes: &[DecisionOutcome],
) -> Result<Vec<Member>> {
    if let Some(entry) = entries.get(MOST_MEMBERS) {
        let message = format!("{} members", entries.len());
        return Err(fault(
            source,
            ErrorKind::Limit,
            entry.span(),
            message,
            format!("a panel has at most {MOST_MEMBERS}"),
        ));
    }
    let mut members: Vec<Member> = Vec::new();
    for entry in entries {
        let found = member(source, entry, outcomes)?;
        if members.iter().any(|m| m.name == found.name) {
            return Err(fault(
                source,
                ErrorKind::Rule,
                entry.get_ref().member.span(),
                format!("the member `{}` stands twice", found.name),
                "give one of them another name",
            ));
        }
        members.push(found);
    }
    Ok(members)
}

fn member(source: &Source, entry: &Spanned<MemberEntry>, outcomes: &[DecisionOutcome]) -> Result<Member> {
    let m = entry.get_ref();
    let name = m.member.get_ref().trim().to_string();
    if name.is_empty() {
        return Err(fault(
            source,
            ErrorKind::Missing,
            m.member.span(),
            "a member has no name",
            "initials will do",
        ));
    }
    let weight = m.weight.as_ref().map_or(1.0, |w| w.get_ref().0);
    if weight <= 0.0 {
        let at = m.weight.as_ref().map_or(entry.span(), Spanned::span);
        return Err(fault(
            source,
            ErrorKind::Value,
            at,
            format!("a weight of {weight}"),
            "weights are above 0",
        ));
    }
    let mut views = vec![View::default(); outcomes.len()];
    let first = ViewEntry {
        effect: m.effect.clone(),
        heterogeneity: m.heterogeneity.clone(),
        utility: m.utility.clone(),
        disutility: m.disutility.clone(),
        utilities: m.utilities.clone(),
    };
    views[0] = view(source, &first, &outcomes[0].study)?;
    for (outcome, written) in &m.on {
        let named = outcome.get_ref().trim();
        let Some(k) = outcomes.iter().position(|o| o.name == named) else {
            return Err(fault(
                source,
                ErrorKind::Unknown,
                outcome.span(),
                format!("no outcome named `{named}`"),
                known(named, "the outcomes are", outcomes.iter().map(|o| o.name.as_str())),
            ));
        };
        let speaks = first.utility.is_some() || first.disutility.is_some() || first.utilities.is_some();
        if k == 0 && (first.effect.is_some() || speaks) {
            return Err(fault(
                source,
                ErrorKind::Rule,
                outcome.span(),
                format!("`{name}` speaks twice of `{named}`"),
                "what stands beside the member's name is of the first outcome",
            ));
        }
        views[k] = view(source, written.get_ref(), &outcomes[k].study)?;
    }
    Ok(Member { name, weight, views })
}

fn view(source: &Source, entry: &ViewEntry, study: &Study) -> Result<View> {
    let effect = match &entry.effect {
        Some(written) => {
            let prior = effect_prior(source, written, study.outcome.scale)?;
            if !prior.distribution.is_proper() {
                return Err(fault(
                    source,
                    ErrorKind::Value,
                    written.span(),
                    "a flat prior is no belief",
                    "write what the member holds likely, such as { odds_ratio = [0.5, 2.0], mass = 0.95 }",
                ));
            }
            Some(prior)
        }
        None => None,
    };
    let heterogeneity = match &entry.heterogeneity {
        Some(text) if study.pooling == Pooling::Complete => {
            return Err(fault(
                source,
                ErrorKind::Rule,
                text.span(),
                format!("a heterogeneity prior for `{}`, which is pooled completely", study.name),
                "leave it out: there is one effect for all",
            ));
        }
        Some(text) => Some(heterogeneity_prior(source, text, study.outcome.scale)?),
        None => None,
    };
    let written = Written {
        utility: entry.utility.as_ref(),
        disutility: entry.disutility.as_ref(),
        utilities: entry.utilities.as_ref(),
    };
    let values = worth(source, &written, study)?;
    Ok(View { effect, heterogeneity, values })
}
