//! Operating characteristics at 80 columns.

use super::numbers::share;
use crate::decide::Discussion;
use crate::report::decide_json::decide_statements;
use crate::report::numbers::{grouped, parameter, signed};
use crate::report::passage::Passage;
use crate::report::text::{
    Length, push, push_failures_and_notices, push_passage, push_rest, push_title, push_warning,
};
use crate::report::words::listed;
use crate::study::{Bound, Decision};
use crate::trial::Mean;
use crate::trial::simulate::{ClaimRow, Simulation, TruthKind, TruthRow};

/// Headings, which are names of truths, are broken beyond this width.
const NAMES: usize = 14;

/// More truths leave no room for columns.
const MOST_COLUMNS: usize = 4;

/// Operating characteristics as text for a terminal.
pub fn simulate_text(decision: &Decision, found: &Simulation, seed: u64, length: Length) -> String {
    let mut out = String::new();
    push_title(&mut out, &decision.question);
    push(&mut out, "How often the declared rules are right, in simulated studies of this study's size.", 0);
    for statement in decide_statements(decision, &Discussion::default()) {
        push_warning(&mut out, &statement);
    }
    out.push('\n');
    push_failures_and_notices(&mut out, None, &[], &found.notices);
    push_passage(&mut out, &in_short(decision, found));
    out.push('\n');
    push_passage(&mut out, &claims(decision, found));
    out.push('\n');
    let rest = [
        ("what is taken to be true", truths(decision, found)),
        ("rules over all subgroups", family(found)),
        ("estimates: bias, coverage, width", estimates(found)),
    ];
    let rest = rest.into_iter().filter(|(_, section)| !section.is_empty());
    if length == Length::Short {
        push_rest(&mut out, &rest.map(|(name, _)| name.to_string()).collect::<Vec<_>>());
        return out;
    }
    for (_, section) in rest {
        push_passage(&mut out, &section);
        out.push('\n');
    }
    push(
        &mut out,
        &format!(
            "{} studies under every truth, each analysed in full under the stated priors; the last digit shown is about as large as its Monte Carlo error. Seed {seed}.",
            grouped(found.replications as u64)
        ),
        2,
    );
    push(&mut out, "`--format json` has every number in full, `--format csv` every list.", 2);
    out
}

fn in_short(decision: &Decision, found: &Simulation) -> Passage {
    let mut out = Passage::default();
    out.title("In short");
    for rule in &decision.rules {
        let mine: Vec<&ClaimRow> = found.claims.iter().filter(|c| c.rule == rule.name).collect();
        let wrong = mine.iter().filter(|c| c.right == Some(false));
        let worst = wrong.max_by(|a, b| a.yes.value.total_cmp(&b.yes.value));
        let right = mine.iter().filter(|c| c.right == Some(true));
        let best = right.min_by(|a, b| a.yes.value.total_cmp(&b.yes.value));
        let told = |c: &ClaimRow| {
            format!("{} ({}, {})", share(Some(c.yes)), c.truth, c.subgroup.as_deref().unwrap_or_default())
        };
        let mut parts = Vec::new();
        if let Some(c) = worst {
            parts.push(format!("among these truths a wrong yes has probability {} at most", told(c)));
        }
        if let Some(c) = best {
            parts.push(format!("a right one {} at least", told(c)));
        }
        let drawn = found.truths.iter().find(|t| t.risks.is_empty());
        let of_drawn: Vec<&&ClaimRow> =
            mine.iter().filter(|c| Some(&c.truth) == drawn.map(|t| &t.name)).collect();
        let ppv: Vec<String> = of_drawn
            .iter()
            .filter_map(|c| match c.right_of_yes {
                Some(_) => Some(format!("{} {}", c.subgroup.as_deref()?, share(c.right_of_yes))),
                None => Some(format!("{} (no yes occurred)", c.subgroup.as_deref()?)),
            })
            .collect();
        if let (Some(drawn), false) = (drawn, ppv.is_empty()) {
            parts.push(format!("of its yeses under the {} are right: {}", drawn.name, listed(&ppv, "and")));
        }
        out.say(format!("Rule {}: {}.", rule.name, parts.join("; ")));
    }
    for c in &found.calibration {
        let whose = if c.wished.familywise { "in any subgroup" } else { "in a subgroup" };
        let text = match c.bound {
            Some(bound) => format!(
                "Rule {}: for a wrong yes {whose} with a probability of no more than {} under any of these truths, its bound is {} in place of {} (where that is {}); in fresh studies it comes to {}.",
                c.rule,
                parameter(c.wished.error),
                plain_bound(bound),
                parameter(c.declared),
                share(c.declared_error),
                share(c.fresh_error)
            ),
            None => format!(
                "Rule {}: under these truths no bound is to be found for it: no yes is wrong, or none is right.",
                c.rule
            ),
        };
        out.say(text);
    }
    out
}

/// A bound, in its four decimals without a tail of zeros.
fn plain_bound(bound: f64) -> String {
    let text = format!("{bound:.4}");
    text.trim_end_matches('0').to_string()
}

/// Probability of a yes: rules by subgroup down, truths across.
fn claims(decision: &Decision, found: &Simulation) -> Passage {
    let mut out = Passage::default();
    out.title("Probability of a yes, by what is true");
    let truths: Vec<&TruthRow> = found.truths.iter().take(MOST_COLUMNS).collect();
    let mut header = vec![String::new()];
    header.extend(truths.iter().map(|t| t.name.clone()));
    let mut rows = Vec::new();
    for rule in &decision.rules {
        rows.push(vec![format!("{} ({}):", rule.name, bounds(decision, rule))]);
        let mut names: Vec<Option<String>> = Vec::new();
        for c in found.claims.iter().filter(|c| c.rule == rule.name) {
            if !names.contains(&c.subgroup) {
                names.push(c.subgroup.clone());
            }
        }
        for name in names {
            let mut row = vec![format!("  {}", name.as_deref().unwrap_or_default())];
            row.extend(truths.iter().map(|t| {
                let claim = found
                    .claims
                    .iter()
                    .find(|c| c.rule == rule.name && c.truth == t.name && c.subgroup == name);
                claim.map_or_else(String::new, |c| {
                    let mark = match c.right {
                        Some(true) => " right",
                        Some(false) => " wrong",
                        None => "",
                    };
                    format!("{}{mark}", share(Some(c.yes)))
                })
            }));
            rows.push(row);
        }
    }
    out.wide_table(header, rows, NAMES);
    if found.truths.len() > MOST_COLUMNS {
        out.say(format!("{} more truths are in `--format json`.", found.truths.len() - MOST_COLUMNS));
    }
    out
}

/// "better by any amount with probability at least 0.8".
fn bounds(decision: &Decision, rule: &crate::study::Rule) -> String {
    let each = rule.criteria.iter().map(|c| {
        let way = if c.harm { "worse" } else { "better" };
        let size = if c.threshold > 0.0 {
            format!(" by {} points or more", parameter(100.0 * c.threshold))
        } else {
            String::new()
        };
        let bound = match c.bound {
            Bound::AtLeast(b) => format!("P ≥ {}", parameter(b)),
            Bound::Below(b) => format!("P < {}", parameter(b)),
        };
        let outcome = &decision.outcomes[c.outcome].study.outcome.name;
        let of = if decision.outcomes.len() > 1 { format!("{outcome} ") } else { String::new() };
        format!("{of}{way}{size}: {bound}")
    });
    each.collect::<Vec<_>>().join("; ")
}

fn truths(decision: &Decision, found: &Simulation) -> Passage {
    let mut out = Passage::default();
    out.title("What is taken to be true");
    let mut rows = Vec::new();
    for truth in found.truths.iter().filter(|t| !t.risks.is_empty()) {
        rows.push(vec![format!("{}:", truth.name)]);
        for (outcome, risks) in decision.outcomes.iter().zip(&truth.risks) {
            for (name, [control, active]) in outcome.study.data.names().iter().zip(risks) {
                let ratio = active / (1.0 - active) / (control / (1.0 - control));
                rows.push(vec![
                    format!("  {}, {name}", outcome.study.outcome.name),
                    format!("{:.1}", 100.0 * control),
                    format!("{:.1}", 100.0 * active),
                    format!("{ratio:.2}"),
                ]);
            }
        }
    }
    let header = ["", "control, %", "active, %", "odds ratio"].map(str::to_string).to_vec();
    out.table(header, rows);
    if found.truths.iter().any(|t| matches!(t.kind, TruthKind::NoEffect | TruthKind::Observed)) {
        out.say(
            "Observed risks with half an event and half a patient without one added, so that none is 0 or 1.",
        );
    }
    for truth in found.truths.iter().filter(|t| t.risks.is_empty()) {
        let what = match truth.kind {
            TruthKind::DesignPrior => "the design prior",
            _ => "the analysis prior itself, for want of a design prior ([design])",
        };
        out.say(format!(
            "{}: drawn for every study from {what}: {}.",
            truth.name,
            listed(&truth.priors, "and")
        ));
    }
    out
}

fn family(found: &Simulation) -> Passage {
    let mut out = Passage::default();
    out.title("Over all subgroups: probability of any yes, of any wrong one, of a wrong reversal");
    let header = ["truth", "rule", "any yes", "any wrong yes", "wrong reversal"].map(str::to_string).to_vec();
    let rows = found.family.iter().map(|f| {
        vec![
            f.truth.clone(),
            f.rule.clone().unwrap_or_else(|| "all together".to_string()),
            share(f.any),
            share(f.any_wrong),
            share(f.wrong_reversal),
        ]
    });
    out.table(header, rows.collect());
    out.say("A reversal: benefit is claimed in one subgroup by a rule of benefit, and harm in another by a rule of harm.");
    out
}

fn estimates(found: &Simulation) -> Passage {
    let mut out = Passage::default();
    out.title("Estimates: posterior means and central 95 % intervals");
    let header = [
        "truth, subgroup",
        "bias of the difference, points",
        "bias of log odds ratio",
        "coverage",
        "width, log odds ratio",
    ];
    let several = found.estimates.iter().any(|e| e.outcome != found.estimates[0].outcome);
    let rows = found.estimates.iter().map(|e| {
        let of = if several { format!("{}, ", e.outcome) } else { String::new() };
        vec![
            format!("{}, {of}{}", e.truth, e.subgroup),
            known_to(e.bias_difference, 100.0),
            known_to(e.bias_effect, 1.0),
            share(Some(e.coverage)),
            known_to(e.width, 1.0).replace('+', ""),
        ]
    });
    out.table(header.map(str::to_string).to_vec(), rows.collect());
    out
}

/// A signed number to its Monte Carlo error.
fn known_to(mean: Mean, unit: f64) -> String {
    if !mean.value.is_finite() {
        return "–".to_string();
    }
    let error = (unit * mean.mcse).max(1e-3);
    let decimals = (-libm::log10(0.5 * error)).floor().clamp(0.0, 3.0) as usize;
    signed(unit * mean.value, decimals)
}
