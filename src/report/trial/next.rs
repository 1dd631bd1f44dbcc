//! The next trial at 80 columns: what it would be worth, and what it would settle.

use super::numbers::{money, per_thousand, per_thousand_exact, share};
use crate::decide::EvpiRow;
use crate::report::decide_json::decide_statements;
use crate::report::numbers::{grouped, parameter};
use crate::report::passage::Passage;
use crate::report::text::{
    Length, push, push_failures_and_notices, push_passage, push_rest, push_title, push_warning,
};
use crate::report::words::{capitalised, listed};
use crate::study::{Assignment, Decision};
use crate::trial::Mean;
use crate::trial::next::{AgreementRow, AssuranceRow, Next, Plan, SizeRow};

/// More subgroups leave no room for columns.
const MOST_COLUMNS: usize = 3;

/// Headings, which are names of subgroups, are broken beyond this width.
const NAMES: usize = 20;

/// What the next trial would be worth and settle, as text for a terminal.
pub fn next_text(decision: &Decision, next: &Next, plan: &Plan, length: Length) -> String {
    let mut out = String::new();
    push_title(&mut out, &decision.question);
    push(&mut out, "What the next trial would be worth, and whether it would settle the question.", 0);
    for statement in decide_statements(decision, &crate::decide::Discussion::default()) {
        push_warning(&mut out, &statement);
    }
    out.push('\n');
    let failed = (!next.ok).then_some("No result: a check did not pass.");
    push_failures_and_notices(&mut out, failed, &next.reasons, &next.notices);
    if !next.ok {
        return out;
    }
    push_passage(&mut out, &in_short(decision, next));
    out.push('\n');
    push_passage(&mut out, &by_size(next));
    out.push('\n');
    let rest = [
        ("the value by subgroup", by_subgroup(next)),
        ("what knowing one subgroup's effect is worth", known(next)),
        ("how patients are best divided", divided(next)),
        ("assurance by rule and subgroup", assured(next)),
        ("the panel by member", panel(next)),
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
    push(&mut out, &method(next, plan), 2);
    push(&mut out, "`--format json` has every number in full, `--format csv` every list.", 2);
    out
}

/// The size that sentences are about: of this study's, or nearest to the middle.
fn told(next: &Next) -> Option<&SizeRow> {
    next.sizes.get(next.sizes.len() / 2)
}

fn in_short(decision: &Decision, next: &Next) -> Passage {
    let mut out = Passage::default();
    out.title("In short");
    let Some(size) = told(next) else { return out };
    let causal = match decision.assignment() {
        Assignment::Observational => "Were the associations causal, ",
        Assignment::Randomised => "",
    };
    let patients = grouped(size.patients);
    if let Some(all) = size.worth.last().and_then(|w| Some((w.evsi?, w.changes?))) {
        let high: Option<Vec<f64>> = next.evpi.iter().map(|e| e.evpi_high).collect();
        let high: Option<f64> = high.map(|high| high.iter().zip(&next.shares).map(|(h, w)| h * w).sum());
        let perfect = match high.zip(next.evpi_all) {
            Some((high, evpi)) if high > evpi + 1e-9 => format!(
                "{} (outcomes taken as independent; {} at most)",
                per_thousand_exact(Some(evpi)),
                per_thousand_exact(Some(high))
            ),
            _ => per_thousand_exact(next.evpi_all),
        };
        let text = format!(
            "{causal}a trial of {patients} patients would be worth {} per 1,000 patients decided for, in units of full health; to know everything would be worth {perfect}. It would change a choice with probability {}.",
            per_thousand(Some(all.0)),
            share(Some(all.1)),
        );
        out.say(capitalised(&text));
    }
    if let Some(net) = next.sizes.iter().filter(|s| s.net_benefit.is_some()).max_by(|a, b| {
        let of = |s: &SizeRow| s.net_benefit.map_or(f64::NEG_INFINITY, |m| m.value);
        of(a).total_cmp(&of(b))
    }) {
        let unit = decision.costs.as_ref().map_or("", |c| c.unit.as_str());
        let verdict = match net.net_benefit {
            Some(m) if m.value - 2.0 * m.mcse > 0.0 => "is worth more than it costs",
            Some(m) if m.value + 2.0 * m.mcse < 0.0 => "costs more than it is worth",
            _ => "costs about what it is worth",
        };
        out.say(format!(
            "Of the sizes looked at {} patients have the highest net benefit, {} {unit}: the trial {verdict}.",
            grouped(net.patients),
            money(net.net_benefit),
        ));
    }
    if let Some(a) = &next.allocation {
        let alone: Vec<String> = a
            .rows
            .iter()
            .filter_map(|r| Some(format!("{} {}", r.alone.as_ref()?, per_thousand(Some(r.evsi)))))
            .collect();
        let of: Vec<Mean> = a.rows.iter().filter(|r| r.alone.is_some()).map(|r| r.evsi).collect();
        let best = of.iter().copied().fold(None, |best: Option<Mean>, m| match best {
            Some(b) if b.value >= m.value => Some(b),
            _ => Some(m),
        });
        // Others within twice the error of the difference are as good.
        let near = |m: &&Mean| best.is_some_and(|b| b.value - m.value <= 2.0 * libm::hypot(b.mcse, m.mcse));
        let whom = if of.iter().filter(near).count() > 1 {
            "No subgroup is better enrolled next than another, by more than the Monte Carlo error".to_string()
        } else {
            format!("Enrol {} next", a.next)
        };
        out.say(format!(
            "{whom}: {} patients of one subgroup alone would be worth, per 1,000 decided for: {}.",
            grouped(a.patients),
            listed(&alone, "and"),
        ));
    }
    for rule in &decision.rules {
        let at: Vec<&AssuranceRow> = next
            .assurance
            .iter()
            .filter(|r| r.rule == rule.name && r.patients == size.patients && r.subgroup.is_some())
            .collect();
        if at.is_empty() {
            continue;
        }
        let each: Vec<String> = at
            .iter()
            .map(|r| {
                let today = if r.today == Some(true) { "yes" } else { "no" };
                let subgroup = r.subgroup.as_deref().unwrap_or_default();
                format!("{subgroup} {} (today {today})", share(Some(r.together)))
            })
            .collect();
        out.say(format!(
            "Rule {}: probability of a yes after {patients} more patients: {}.",
            rule.name,
            listed(&each, "and"),
        ));
    }
    if let Some(row) = next.agreement.iter().find(|r| r.patients == size.patients) {
        out.say(agreement(next, row));
    }
    out
}

fn agreement(next: &Next, row: &AgreementRow) -> String {
    let names = next.populations.iter().filter_map(|p| p.subgroup.as_deref());
    let each: Vec<String> = names.zip(&row.alike).map(|(n, m)| format!("{n} {}", share(*m))).collect();
    format!(
        "The panel: probability that all {} members choose alike after {} more patients: {}.",
        row.members.len(),
        grouped(row.patients),
        listed(&each, "and")
    )
}

/// One row a size: worth, how much of what could be known, what it changes, what it brings.
fn by_size(next: &Next) -> Passage {
    let mut out = Passage::default();
    let has_values = next.sizes.iter().any(|s| s.worth.last().is_some_and(|w| w.evsi.is_some()));
    let net = next.sizes.iter().any(|s| s.net_benefit.is_some());
    let alike = !next.agreement.is_empty();
    let mut header = vec!["patients".to_string()];
    let mut rows: Vec<Vec<String>> = next.sizes.iter().map(|s| vec![grouped(s.patients)]).collect();
    if has_values {
        out.title("What a trial is worth, by its size (per 1,000 patients decided for)");
        header.extend(["worth", "of all that could be known", "changes a choice"].map(str::to_string));
        for (row, size) in rows.iter_mut().zip(&next.sizes) {
            let Some(w) = size.worth.last() else { continue };
            row.push(per_thousand(w.evsi));
            row.push(bar(w.evsi, next.evpi_all));
            row.push(share(w.changes));
        }
    } else {
        out.title("What a trial would settle, by its size");
    }
    if alike {
        header.push("panel agrees everywhere".to_string());
        for (row, a) in rows.iter_mut().zip(&next.agreement) {
            row.push(share(a.all));
        }
    }
    if net {
        header.push("net benefit".to_string());
        for (row, size) in rows.iter_mut().zip(&next.sizes) {
            row.push(money(size.net_benefit));
        }
    }
    if !has_values && !alike {
        let rules: Vec<&str> = distinct(next.assurance.iter().map(|a| a.rule.as_str()));
        let all = |r: &&AssuranceRow| r.subgroup.is_none() || next.populations.len() == 1;
        header.extend(rules.iter().map(|rule| format!("{rule}: yes in all")));
        for (row, size) in rows.iter_mut().zip(&next.sizes) {
            for rule in &rules {
                let found = next.assurance.iter().filter(all);
                let found = found.filter(|a| a.rule == *rule).find(|a| a.patients == size.patients);
                row.push(share(found.map(|a| a.together)));
            }
        }
    }
    out.wide_table(header, rows, NAMES);
    out
}

/// "██████     58 %", by tenths.
fn bar(evsi: Option<Mean>, evpi: Option<f64>) -> String {
    let Some((evsi, evpi)) = evsi.zip(evpi).filter(|(_, evpi)| *evpi > 0.0) else { return "–".to_string() };
    let part = (evsi.value / evpi).clamp(0.0, 1.0);
    let full = (10.0 * part).round() as usize;
    format!("{}{} {:>3.0}\u{a0}%", "█".repeat(full), "·".repeat(10 - full), 100.0 * part)
}

fn by_subgroup(next: &Next) -> Passage {
    let mut out = Passage::default();
    let names: Vec<&str> = next.populations.iter().filter_map(|p| p.subgroup.as_deref()).collect();
    if names.len() < 2 || next.sizes.iter().all(|s| s.worth.iter().all(|w| w.evsi.is_none())) {
        return out;
    }
    out.title("Worth by subgroup (per 1,000 patients of it), and the probability of another choice");
    let shown = names.len().min(MOST_COLUMNS);
    let mut header = vec!["patients".to_string()];
    header.extend(names[..shown].iter().map(|n| (*n).to_string()));
    let mut rows: Vec<Vec<String>> = next
        .sizes
        .iter()
        .map(|s| {
            let cell =
                |w: &crate::trial::next::WorthRow| format!("{} ({})", per_thousand(w.evsi), share(w.changes));
            std::iter::once(grouped(s.patients)).chain(s.worth.iter().take(shown).map(cell)).collect()
        })
        .collect();
    let mut perfect = vec!["all known".to_string()];
    let of = |name: &&str| {
        let found = next.evpi.iter().find(|e: &&EvpiRow| e.population.subgroup.as_deref() == Some(*name));
        per_thousand_exact(found.and_then(|e| e.evpi))
    };
    perfect.extend(names[..shown].iter().map(of));
    rows.push(perfect);
    out.wide_table(header, rows, NAMES);
    if names.len() > shown {
        out.say(format!("{} more subgroups are in `--format json`.", names.len() - shown));
    }
    out
}

fn known(next: &Next) -> Passage {
    let mut out = Passage::default();
    if next.evppi.len() < 2 || next.evppi.iter().all(|e| e.all.is_none()) {
        return out;
    }
    out.title(
        "To know one subgroup's effect (its odds ratio, not its risks), per 1,000 patients decided for",
    );
    let header = ["known", "worth in all", "to its own decision"].map(str::to_string).to_vec();
    let own = |k: usize| next.evppi[k].by_subgroup.get(k).copied().flatten();
    let rows = next.evppi.iter().enumerate();
    let rows = rows.map(|(k, e)| vec![e.known.clone(), per_thousand(e.all), per_thousand(own(k))]).collect();
    out.wide_table(header, rows, NAMES);
    out.say("In all counts every subgroup's decision with its share of patients: what is learnt of one is learnt of the others as far as the model lets them borrow.");
    out
}

fn divided(next: &Next) -> Passage {
    let mut out = Passage::default();
    let Some(a) = &next.allocation else { return out };
    out.title(format!("{} patients, divided in several ways", grouped(a.patients)));
    let names = next.populations.iter().filter_map(|p| p.subgroup.clone());
    let names: Vec<String> = names.take(MOST_COLUMNS).collect();
    let mut header = vec!["division".to_string()];
    header.extend(names.iter().map(|n| format!("{n}, %")));
    header.push("worth".to_string());
    let rows = a.rows.iter().map(|r| {
        let mut row = vec![r.name.clone()];
        row.extend(r.shares.iter().take(names.len()).map(|s| format!("{:.0}", 100.0 * s)));
        row.push(per_thousand(Some(r.evsi)));
        row
    });
    out.wide_table(header, rows.collect(), NAMES);
    out
}

fn assured(next: &Next) -> Passage {
    let mut out = Passage::default();
    for rule in distinct(next.assurance.iter().map(|a| a.rule.as_str())) {
        out.title(format!("Rule {rule}: probability of a yes, with this study's patients | alone"));
        let names: Vec<Option<String>> =
            next.populations.iter().map(|p| p.subgroup.clone()).take(MOST_COLUMNS).collect();
        let mut header = vec!["patients".to_string()];
        header.extend(names.iter().map(|n| n.clone().unwrap_or_default()));
        let cell = |patients: u64, name: &Option<String>| {
            let found = next
                .assurance
                .iter()
                .find(|a| a.rule == rule && a.patients == patients && a.subgroup == *name);
            found.map_or_else(String::new, |a| {
                format!("{} | {}", share(Some(a.together)), share(Some(a.alone)))
            })
        };
        let rows = next.sizes.iter().map(|s| {
            let cells = names.iter().map(|n| cell(s.patients, n));
            std::iter::once(grouped(s.patients)).chain(cells).collect()
        });
        out.wide_table(header, rows.collect(), NAMES);
        let reached = next.for_assurance.iter().filter(|s| s.rule == rule);
        let each: Vec<String> = reached
            .filter_map(|s| {
                let n = s.together?;
                Some(format!("{} about {}", s.subgroup, grouped(n.round() as u64)))
            })
            .collect();
        if let (false, Some(first)) = (each.is_empty(), next.for_assurance.first()) {
            out.say(format!(
                "With this study's patients an assurance of {} is reached in a trial of so many patients in all: {}.",
                parameter(first.assurance),
                listed(&each, "and")
            ));
        }
    }
    out
}

fn panel(next: &Next) -> Passage {
    let mut out = Passage::default();
    let Some(first) = next.agreement.first() else { return out };
    let names: Vec<String> =
        next.populations.iter().filter_map(|p| p.subgroup.clone()).take(MOST_COLUMNS).collect();
    out.title("Probability that all members choose alike");
    let mut header = vec!["patients".to_string()];
    header.extend(names.iter().cloned());
    let rows = next.agreement.iter().map(|a| {
        let cells = a.alike.iter().take(names.len()).map(|m| share(*m));
        std::iter::once(grouped(a.patients)).chain(cells).collect()
    });
    out.wide_table(header, rows.collect(), NAMES);
    let largest = next.agreement.last().unwrap_or(first);
    out.title(format!(
        "Probability that a member chooses otherwise than today, after {} patients",
        grouped(largest.patients)
    ));
    let mut header = vec!["member".to_string()];
    header.extend(names.iter().cloned());
    let rows = largest.members.iter().map(|m| {
        let cells = m.changes.iter().take(names.len()).map(|c| share(*c));
        std::iter::once(m.member.clone()).chain(cells).collect()
    });
    out.wide_table(header, rows.collect(), NAMES);
    out.say("Trials are drawn from the members' posteriors, each as often as its weight says; every member updates their own.");
    out
}

fn method(next: &Next, plan: &Plan) -> String {
    let checked = next.checked.unwrap_or_default();
    format!(
        "{} trials of each size, drawn from the posterior; every posterior exact, none by regression; the last digit shown is about as large as its Monte Carlo error. {} of the posteriors were computed again in full and differ by at most {:.0e} in a mean risk difference and {:.0e} in a probability. Seed {}.",
        grouped(plan.draws as u64),
        checked.posteriors,
        checked.difference,
        checked.probability,
        plan.seed
    )
}

fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut all: Vec<&str> = Vec::new();
    for name in names {
        if !all.contains(&name) {
            all.push(name);
        }
    }
    all
}
