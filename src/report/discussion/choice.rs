//! What the posteriors are worth, and what would change the choice.

use super::super::numbers::{parameter, plain, sampled_probability, signed};
use super::super::passage::Passage;
use super::super::sentences::bounded;
use super::super::words::{capitalised, listed};
use super::{has, name, sentences};
use crate::decide::{Discussion, FlipRow, Population, REQUIRED_GAINS};
use crate::posterior::{Bounded, STATED, Says, Scope};
use crate::study::{Assignment, Decision, DecisionOutcome, Worth};

/// Expected utilities and what it costs to be wrong.
pub fn actions(decision: &Decision, d: &Discussion) -> Passage {
    let mut out = Passage::default();
    out.title("Values");
    if d.actions.is_empty() {
        out.say("No outcome has a utility: nothing is said of what is better on the whole.");
        return out;
    }
    let three = |x: Option<f64>| x.map_or_else(|| "–".to_string(), |x| signed(x, 3).replace('+', ""));
    let mut rows = Vec::new();
    for a in d.actions.iter().filter(|a| a.expected_utility.is_some()) {
        let chosen = if a.chosen == Some(true) { " *" } else { "" };
        let best = {
            let several = decision.is_of_several_arms();
            let sampled = several || d.effects.iter().any(|e| e.population == a.population && e.sampled);
            let known_to = sampled.then_some(d.mcse);
            let brief = |b: Bounded| bounded(b, known_to).replace(" under independence", "");
            match (several, a.best) {
                (true, Some(b)) => sampled_probability(Some(b.independent), known_to),
                (_, best) => best.map_or_else(String::new, brief),
            }
        };
        rows.push(vec![
            format!("{}: {}{chosen}", name(decision, &a.population), a.action),
            three(a.expected_utility),
            best,
            a.expected_loss.map_or_else(|| "–".to_string(), |x| plain(1000.0 * x)),
        ]);
    }
    let header = ["", "expected utility", "P(best)", "expected loss, per\u{a0}1,000"];
    out.wide_table(header.map(str::to_string).to_vec(), rows, 14);
    let mut text = if decision.is_of_several_arms() {
        "*: highest expected utility. P(best): the probability to have the highest utility, outcomes independent. Expected loss: utility lost per 1,000 patients where another action is better; that of the starred action is the expected value of perfect information.".to_string()
    } else {
        "*: higher expected utility. P(best): whatever the dependence between outcomes, in brackets under independence. Expected loss, under independence: utility lost per 1,000 patients where the other action is better; that of the starred action is the expected value of perfect information.".to_string()
    };
    if decision.assignment() == Assignment::Observational {
        text += " Associations are taken for effects throughout.";
    }
    out.say(text);
    let without = d
        .populations
        .iter()
        .filter(|p| d.actions.iter().any(|a| a.population == **p && a.expected_utility.is_none()));
    let (further, reported): (Vec<&Population>, Vec<&Population>) =
        without.partition(|p| p.scope == Scope::New);
    let names = |of: &[&Population]| of.iter().map(|p| name(decision, p)).collect::<Vec<_>>();
    if !reported.is_empty() {
        out.say(format!("No utility: an outcome is missing in {}.", listed(&names(&reported), "and")));
    }
    if !further.is_empty() {
        let valued = decision.outcomes.iter().filter(|o| o.values.is_some());
        out.say(format!("No utility for {}: {}.", listed(&names(&further), "and"), no_baseline_risk(valued)));
    }
    if let Some(costs) = &decision.costs {
        out.say(format!(
            "Costs are taken off at {} {} a unit of utility.",
            plain(costs.per_utility),
            costs.unit
        ));
    }
    for o in &decision.outcomes {
        let Some(worth) = &o.values else { continue };
        out.say(format!("{}: {}.", capitalised(&o.study.outcome.name), worth_in_words(worth)));
    }
    out
}

/// What an event and its absence, or levels, are worth.
pub fn worth_in_words(worth: &Worth) -> String {
    match worth {
        Worth::Event(v) => {
            format!("utility {} with an event, {} without", parameter(v.event), parameter(v.no_event))
        }
        Worth::Levels(u) => {
            let each: Vec<String> = u.values.iter().map(|u| parameter(*u)).collect();
            let set = u.set.as_ref().map_or_else(String::new, |set| format!(" ({set})"));
            format!("utilities by level, lowest first{set}: {}", each.join(", "))
        }
    }
}

/// At which value of each outcome the choice changes, by the gain that is required.
pub fn flips(decision: &Decision, d: &Discussion) -> Passage {
    let mut out = Passage::default();
    let active = decision.action(true).name.as_str();
    for o in decision.outcomes.iter().filter(|o| o.values.is_some()) {
        let rows: Vec<Vec<String>> = d
            .populations
            .iter()
            .filter_map(|population| {
                let of = |f: &&FlipRow| f.outcome == o.name && f.population == *population;
                let mine: Vec<&FlipRow> = d.flips.iter().filter(of).collect();
                if mine.is_empty() {
                    return None;
                }
                let cell = |f: &&FlipRow| match f.value {
                    Some(v) if f.above == active => format!("> {v:.2}"),
                    Some(v) => format!("< {v:.2}"),
                    None if f.above == active => "always".to_string(),
                    None => "never".to_string(),
                };
                Some(std::iter::once(name(decision, population)).chain(mine.iter().map(cell)).collect())
            })
            .collect();
        if rows.is_empty() {
            continue;
        }
        let stated = o.values.as_ref().map_or(0.0, |v| v.gap().abs());
        out.title(format!(
            "Values of {} at which {active} is chosen, stated {}",
            o.study.outcome.name,
            parameter(stated)
        ));
        let mut header = vec!["Required gain in utility".to_string()];
        header.extend(REQUIRED_GAINS.map(parameter));
        out.table(header, rows);
    }
    if !out.is_empty() {
        let is_of_levels = |o: &DecisionOutcome| matches!(o.values, Some(Worth::Levels(_)));
        out.say(format!(
            "Value: the utility gain of a good outcome over a bad one, 0 to 1{}, the other outcomes' values as stated; >: for values above that one, <: below. Required: by how much the expected utility must be higher before it is chosen.",
            if decision.outcomes.iter().any(is_of_levels) {
                " (of levels the best over the worst, those between in proportion)"
            } else {
                ""
            }
        ));
    }
    out
}

/// What the priors are called that the outcomes with values are fitted under.
fn prior_of_fits(decision: &Decision) -> &str {
    let valued = decision.outcomes.iter().filter(|o| o.values.is_some());
    let mut names = valued.map(|o| o.study.changed.name_of_prior());
    let first = names.next().unwrap_or(STATED);
    if names.all(|name| name == first) { first } else { "as fitted" }
}

/// That outcomes have no stated control risk, without which nothing is known of their risks beyond the study, or that one does not
/// tell how patients spread over levels that have utilities.
pub fn no_baseline_risk<'a>(outcomes: impl Iterator<Item = &'a DecisionOutcome>) -> String {
    let (stated, without): (Vec<_>, Vec<_>) = outcomes.partition(|o| o.baseline_risk.is_some());
    let names = |of: &[&DecisionOutcome]| {
        listed(&of.iter().map(|o| o.study.outcome.name.clone()).collect::<Vec<_>>(), "and")
    };
    if without.is_empty() {
        let of_levels = |o: &&DecisionOutcome| o.study.outcome.levels.is_some();
        let by_level: Vec<&DecisionOutcome> = stated.into_iter().filter(of_levels).collect();
        return format!(
            "a control risk does not tell how patients spread over the levels of {}",
            names(&by_level)
        );
    }
    format!("no `baseline_risk` is stated for {}", names(&without))
}

/// The choice under other priors.
pub fn priors(decision: &Decision, d: &Discussion) -> Passage {
    if d.by_prior.is_empty() {
        return Passage::default();
    }
    let mut out = Passage::default();
    let active = &decision.action(true).name;
    out.title(format!("Other priors: gain in utility by {active}, per 1,000"));
    let told: Vec<&Population> =
        d.populations.iter().filter(|p| d.by_prior.iter().any(|r| r.population == **p)).collect();
    let mut names: Vec<&str> = Vec::new();
    for r in &d.by_prior {
        if !names.contains(&r.prior.as_str()) {
            names.push(&r.prior);
        }
    }
    let own = prior_of_fits(decision);
    let stated = |p: &Population| {
        let utility = |active: bool| {
            let of = |a: &&crate::decide::ActionRow| {
                a.population == *p && a.action == decision.action(active).name
            };
            d.actions.iter().find(of).and_then(|a| a.expected_utility)
        };
        utility(true).zip(utility(false)).map(|(a, b)| a - b)
    };
    let gain = |g: Option<f64>| g.map_or_else(|| "–".to_string(), |g| signed(1000.0 * g, 0));
    let mut rows = vec![
        std::iter::once(own.to_string()).chain(told.iter().map(|p| gain(stated(p)))).collect::<Vec<_>>(),
    ];
    for prior in names {
        let mut row = vec![prior.to_string()];
        row.extend(told.iter().map(|p| {
            let found = d.by_prior.iter().find(|r| r.prior == prior && r.population == **p);
            let flips = found.is_some_and(|r| r.flips == Some(true));
            format!("{}{}", if flips { "! " } else { "" }, gain(found.and_then(|r| r.expected_gain)))
        }));
        rows.push(row);
    }
    let mut header = vec!["Prior".to_string()];
    // Half the line is for the names of populations.
    let width = (40 / told.len().max(1)).clamp(12, 20);
    header.extend(told.iter().map(|p| name(decision, p)));
    out.wide_table(header, rows, width);
    let those = if own == STATED { "the stated priors" } else { "the priors of the first row" };
    out.say(format!("!: the other action has the higher expected utility than under {those}."));
    let kind = |says: &Says| matches!(says, Says::PriorsFlip { .. });
    if has(d, kind) {
        sentences(&mut out, d, kind);
    }
    out
}
