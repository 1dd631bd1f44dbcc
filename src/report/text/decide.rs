//! A decision discussion for people.

use super::super::numbers::{interval, plain, probability, signed, threshold};
use super::super::words::capitalised;
use super::layout::{push, push_failures_and_notices, push_title, push_warning, scope_label, table};
use crate::decide::{Direction, Discussion, EffectRow, Population, Verdict};
use crate::posterior::{Measure, Quantiles, Scope};
use crate::study::{Assignment, Decision};

/// Question, outcomes, and a section for everything that bears on it.
pub fn decide_text(decision: &Decision, d: &Discussion) -> String {
    let mut out = String::new();
    push_title(&mut out, &decision.question);
    let arms = decision.actions.each_ref().map(|a| a.name.as_str());
    push(&mut out, &format!("{} or {}.", capitalised(arms[0]), arms[1]), 0);
    for o in &decision.outcomes {
        let design = match o.study.assignment {
            Assignment::Randomised => "randomised",
            Assignment::Observational => "observational",
        };
        push(
            &mut out,
            &format!("{}: {} ({design}). {}.", o.name, o.study.title, capitalised(&o.study.direction())),
            2,
        );
    }
    for statement in decision.statements() {
        push_warning(&mut out, &statement);
    }
    out.push('\n');
    let failed = (!d.ok).then_some("No result: a run did not pass its checks.");
    push_failures_and_notices(&mut out, failed, &d.reasons, &d.notices);
    if !d.ok {
        return out;
    }
    for section in [
        effects(decision, d),
        sizes(decision, d),
        bands(decision, d),
        joint(decision, d),
        attribution(decision, d),
        rules(decision, d),
        values(decision, d),
    ] {
        if !section.is_empty() {
            out.push_str(&section);
            out.push('\n');
        }
    }
    push(
        &mut out,
        "Risk differences: active minus control, medians and central 95 % intervals, by numerical integration unless a model needs sampling.",
        2,
    );
    push(&mut out, "`--format json` has every number in full, `--format csv` every list.", 2);
    out
}

fn name(decision: &Decision, population: &Population) -> String {
    match &population.subgroup {
        Some(name) => name.clone(),
        None => scope_label(decision.first(), Scope::New),
    }
}

/// "+175 (+60 to +318)".
fn people(e: &EffectRow) -> String {
    let [median, low, high] = e.per_1000.map(|n| signed(n as f64, 0));
    format!("{median} ({low} to {high})")
}

/// Benefit against harm: every outcome in one table, population by population.
fn effects(decision: &Decision, d: &Discussion) -> String {
    let mut out = String::new();
    push_title(&mut out, "How large, for whom");
    let header = ["", "risk difference, points", "events per 1,000", "better", "worse"];
    let mut rows = Vec::new();
    for population in &d.populations {
        rows.push(vec![
            format!("{}:", name(decision, population)),
            String::new(),
            String::new(),
            String::new(),
            String::new(),
        ]);
        for e in d.effects.iter().filter(|e| e.population == *population) {
            let outcome = decision.outcomes.iter().find(|o| o.name == e.outcome);
            rows.push(vec![
                outcome.map_or_else(String::new, |o| o.study.outcome.name.clone()),
                interval(Measure::RiskDifference, &e.risk_difference),
                people(e),
                probability(Some(e.benefit)),
                probability(Some(e.harm)),
            ]);
        }
    }
    out.push_str(&table(header.map(str::to_string).to_vec(), rows));
    push(
        &mut out,
        &format!(
            "Events per 1,000: more (+) or fewer (−) with {} than with {}. Better, worse: the probability of either.",
            decision.first().treatment.active,
            decision.first().treatment.control
        ),
        2,
    );
    for o in decision
        .outcomes
        .iter()
        .filter(|o| d.populations.iter().any(|p| p.scope == Scope::New) && o.baseline_risk.is_some())
    {
        push(
            &mut out,
            &format!(
                "{}: a control risk of {} % is taken for {}.",
                capitalised(&o.study.outcome.name),
                plain(100.0 * o.baseline_risk.unwrap_or_default()),
                scope_label(decision.first(), Scope::New)
            ),
            2,
        );
    }
    out
}

/// The listed sizes of each outcome.
fn sizes(decision: &Decision, d: &Discussion) -> String {
    let mut out = String::new();
    for o in &decision.outcomes {
        let mine: Vec<_> = d.thresholds.iter().filter(|t| t.outcome == o.name && t.threshold > 0.0).collect();
        let mut listed: Vec<f64> = mine.iter().map(|t| t.threshold).collect();
        listed.sort_by(f64::total_cmp);
        listed.dedup();
        // At most seven columns leave room for names.
        listed.truncate(7);
        if listed.is_empty() {
            continue;
        }
        push_title(
            &mut out,
            &format!("{}: P(better or worse by at least …), points", capitalised(&o.study.outcome.name)),
        );
        let mut header = vec![String::new()];
        header.extend(
            listed
                .iter()
                .map(|t| threshold(Measure::RiskDifference, *t).replace(" points", "").replace(" point", "")),
        );
        let mut rows = Vec::new();
        for population in d.populations.iter().filter(|p| mine.iter().any(|t| t.population == **p)) {
            for (direction, word) in [(Direction::Benefit, "better"), (Direction::Harm, "worse")] {
                let mut row = vec![format!("{}: {word}", name(decision, population))];
                row.extend(listed.iter().map(|t| {
                    let found = mine.iter().find(|r| {
                        r.population == *population && r.direction == direction && r.threshold == *t
                    });
                    probability(found.map(|r| r.probability))
                }));
                rows.push(row);
            }
        }
        out.push_str(&table(header, rows));
    }
    out
}

/// The mass in bands of size.
fn bands(decision: &Decision, d: &Discussion) -> String {
    if d.bands.is_empty() {
        return String::new();
    }
    let mut out = String::new();
    const NAMES: [&str; 4] = ["trivial", "small", "moderate", "large"];
    push_title(&mut out, "Posterior mass by size of effect: trivial, small, moderate, large");
    for o in &decision.outcomes {
        let Some(cuts) = o.bands else { continue };
        let mut header = vec![capitalised(&o.study.outcome.name)];
        header.extend(NAMES.iter().rev().map(|b| format!("worse,\n{b}")));
        header.extend(NAMES.iter().map(|b| format!("better,\n{b}")));
        let mut rows = Vec::new();
        for population in &d.populations {
            let cell = |direction, band: &str| {
                d.bands.iter().find(|b| {
                    b.outcome == o.name
                        && b.population == *population
                        && b.direction == direction
                        && b.band == band
                })
            };
            if cell(Direction::Harm, "trivial").is_none() {
                continue;
            }
            let mut row = vec![name(decision, population)];
            row.extend(
                NAMES.iter().rev().map(|b| probability(cell(Direction::Harm, b).map(|c| c.probability))),
            );
            row.extend(NAMES.iter().map(|b| probability(cell(Direction::Benefit, b).map(|c| c.probability))));
            rows.push(row);
        }
        out.push_str(&table(header, rows));
        let cuts =
            cuts.map(|t| threshold(Measure::RiskDifference, t).replace(" points", "").replace(" point", ""));
        push(&mut out, &format!("Cut at {} points.", cuts.join(", ")), 2);
    }
    out
}

/// Two outcomes at once.
fn joint(decision: &Decision, d: &Discussion) -> String {
    if d.joint.is_empty() {
        return String::new();
    }
    let mut out = String::new();
    push_title(
        &mut out,
        &format!(
            "Two outcomes at once, with {} than with {}",
            decision.first().treatment.active,
            decision.first().treatment.control
        ),
    );
    let rows = d.joint.iter().map(|j| {
        vec![
            format!("{}: {}", name(decision, &j.population), j.statement),
            format!(
                "{} to {} ({})",
                probability(Some(j.low)),
                probability(Some(j.high)),
                probability(Some(j.independent))
            ),
        ]
    });
    out.push_str(&table(vec![String::new(), "probability".to_string()], rows.collect()));
    push(
        &mut out,
        "At least and at most, whatever the dependence between the outcomes (Fréchet's bounds); in brackets under independence. Models fitted apart do not know which.",
        2,
    );
    out
}

/// Bounds of what the treatment had to do with it.
fn attribution(decision: &Decision, d: &Discussion) -> String {
    let mut out = String::new();
    let active = &decision.first().treatment.active;
    push_title(&mut out, "What would have happened otherwise: bounds from the two risks");
    let percent =
        |q: &Quantiles| format!("{:.0} ({:.0} to {:.0})", 100.0 * q.median, 100.0 * q.q2_5, 100.0 * q.q97_5);
    for (quantity, title) in [
        ("successes_anyway", format!("Of 100 who do well with {active}: as well without")),
        ("failures_avoidable", format!("Of 100 who do badly with {active}: well without")),
    ] {
        let rows = d.attribution.iter().filter(|a| a.quantity == quantity).map(|a| {
            let outcome = decision.outcomes.iter().find(|o| o.name == a.outcome);
            let label = outcome.map_or_else(String::new, |o| o.study.outcome.name.clone());
            vec![format!("{}: {label}", name(decision, &a.population)), percent(&a.low), percent(&a.high)]
        });
        out.push_str(&table(vec![title, "at least".to_string(), "at most".to_string()], rows.collect()));
    }
    let mut text = "Tian & Pearl 2000, posterior of either bound; doing well is a good outcome of the row's kind. Valid only without confounding".to_string();
    if decision.outcomes.iter().any(|o| o.study.assignment == Assignment::Observational) {
        text += ", which an observational study does not exclude";
    }
    push(&mut out, &format!("{text}."), 2);
    out
}

/// Verdicts, and the criteria that they hang on.
fn rules(decision: &Decision, d: &Discussion) -> String {
    if d.rules.is_empty() {
        return String::new();
    }
    let mut out = String::new();
    push_title(&mut out, "Rules");
    let mut rows = Vec::new();
    for r in &d.rules {
        let verdict = match r.verdict {
            Verdict::Yes => "yes",
            Verdict::No => "no",
            Verdict::Undecided => "undecided",
        };
        let why: Vec<String> = r
            .criteria
            .iter()
            .filter(|c| r.verdict == Verdict::Yes || c.verdict == r.verdict)
            .map(|c| {
                let word = if c.direction == Direction::Benefit { "better" } else { "worse" };
                let size = if c.threshold == 0.0 {
                    String::new()
                } else {
                    format!(" by ≥ {}", threshold(Measure::RiskDifference, c.threshold))
                };
                let asked = if c.at_least { "≥" } else { "<" };
                let found =
                    c.probability.map_or_else(|| "not reported".to_string(), |p| probability(Some(p)));
                let outcome = decision.outcomes.iter().find(|o| o.name == c.outcome);
                format!(
                    "{}: P({word}{size}) {found}, {asked} {} asked",
                    outcome.map_or("", |o| o.study.outcome.name.as_str()),
                    c.required
                )
            })
            .collect();
        rows.push(format!(
            "{}, {}: {verdict}. {}.",
            r.name,
            name(decision, &r.population),
            capitalised(&why.join("; "))
        ));
    }
    for row in rows {
        push(&mut out, &row, 2);
    }
    out
}

/// Expected utilities and what it costs to be wrong.
fn values(decision: &Decision, d: &Discussion) -> String {
    let mut out = String::new();
    push_title(&mut out, "Values");
    if d.actions.is_empty() {
        push(&mut out, "No utilities are stated.", 0);
        return out;
    }
    let three = |x: Option<f64>| x.map_or_else(|| "–".to_string(), |x| signed(x, 3).replace('+', ""));
    let mut rows = Vec::new();
    for a in &d.actions {
        let best = match (a.probability_best, a.probability_best_low, a.probability_best_high) {
            (Some(p), Some(low), Some(high)) if low == high => probability(Some(p)),
            (Some(p), Some(low), Some(high)) => format!(
                "{} to {} ({})",
                probability(Some(low)),
                probability(Some(high)),
                probability(Some(p))
            ),
            _ => "–".to_string(),
        };
        let chosen = if a.chosen == Some(true) { " *" } else { "" };
        let loss = a.expected_loss.map_or_else(|| "–".to_string(), |x| plain(1000.0 * x));
        rows.push(vec![
            format!("{}: {}{chosen}", name(decision, &a.population), a.action),
            three(a.expected_utility),
            best,
            loss,
        ]);
    }
    let header = ["", "expected\nutility", "P(best)", "expected loss,\nper 1,000"];
    out.push_str(&table(header.map(str::to_string).to_vec(), rows));
    push(
        &mut out,
        &format!(
            "*: higher expected utility. P(best) whatever the dependence between outcomes, in brackets under independence. Expected loss: utility lost per 1,000 patients where the other action is better; that of the starred action is the expected value of perfect information. –: an outcome with values is not reported in that {}.",
            decision.first().subgroup_name
        ),
        2,
    );
    if let Some(costs) = &decision.costs {
        push(
            &mut out,
            &format!("Costs are taken off at {} {} a unit of utility.", plain(costs.per_utility), costs.unit),
            2,
        );
    }
    for o in decision.outcomes.iter().filter(|o| o.values.is_some()) {
        let v = o.values.map_or([0.0; 2], |v| [v.event, v.no_event]);
        push(
            &mut out,
            &format!(
                "{}: an event is worth {}, none {}.",
                capitalised(&o.study.outcome.name),
                signed(v[0], 2).replace('+', ""),
                signed(v[1], 2).replace('+', "")
            ),
            2,
        );
    }
    out
}
