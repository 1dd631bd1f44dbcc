//! How large, for whom: effects, listed sizes, bands.

use super::super::numbers::{parameter, signed, threshold};
use super::super::passage::Passage;
use super::super::words::capitalised;
use super::{in_words, name, shown};
use crate::decide::{Discussion, EffectRow};
use crate::posterior::{Direction, Measure, Scope};
use crate::study::Decision;

const WAYS: [(Direction, &str); 2] = [(Direction::Benefit, "better"), (Direction::Harm, "worse")];
const BANDS: [&str; 4] = ["trivial", "small", "moderate", "large"];

/// More columns leave no room for names.
const MOST_SIZES: usize = 7;

/// Benefit against harm: every outcome in one table, population by population.
pub fn effects(decision: &Decision, d: &Discussion) -> Passage {
    let mut out = Passage::default();
    let [active, control] = [decision.first().treatment.active(), decision.first().treatment.control()];
    out.title(format!("How large, for whom: events per 1,000 with {active} rather than {control}"));
    let header = ["", control, "more or fewer (95\u{a0}%)", "P(better)", "P(worse)"];
    let mut rows = Vec::new();
    for population in &d.populations {
        rows.push(vec![format!("{}:", name(decision, population))]);
        if let Some(row) = rows.last_mut() {
            row.resize(header.len(), String::new());
        }
        for e in d.effects.iter().filter(|e| e.population == *population) {
            rows.push(vec![
                in_words(decision, &e.outcome),
                format!("{:.0}", 1000.0 * e.median_risk_control),
                people(e),
                shown(d, Some(e.benefit), &e.outcome, population),
                shown(d, Some(e.harm), &e.outcome, population),
            ]);
        }
    }
    out.table(header.map(str::to_string).to_vec(), rows);
    out.say(format!(
            "Under {control} the median risk; then events more (+) or fewer (−), median and interval; the probability that the outcome is better or worse."
        ));
    for o in &decision.outcomes {
        let Some(risk) = o.baseline_risk.filter(|_| d.populations.iter().any(|p| p.scope == Scope::New))
        else {
            continue;
        };
        out.say(format!(
            "A further similar {} is taken to have {} per 1,000 under {control}: {}.",
            o.study.subgroup_name,
            parameter(1000.0 * risk),
            o.study.outcome.name
        ));
    }
    out
}

/// "+175 (+60 to +318)".
fn people(e: &EffectRow) -> String {
    let [median, low, high] = e.per_1000.map(|n| signed(n as f64, 0));
    format!("{median} ({low} to {high})")
}

fn size(t: f64) -> String {
    threshold(Measure::RiskDifference, t).replace(" points", "").replace(" point", "")
}

/// The listed sizes of each outcome.
pub fn listed(decision: &Decision, d: &Discussion) -> Passage {
    let mut out = Passage::default();
    for o in &decision.outcomes {
        let mine: Vec<_> = d.thresholds.iter().filter(|t| t.outcome == o.name && t.threshold > 0.0).collect();
        let mut listed: Vec<f64> = mine.iter().map(|t| t.threshold).collect();
        listed.sort_by(f64::total_cmp);
        listed.dedup();
        let left_out = listed.len().saturating_sub(MOST_SIZES);
        listed.truncate(MOST_SIZES);
        if listed.is_empty() {
            continue;
        }
        out.title(format!(
            "{}: P(better or worse by at least …), points",
            capitalised(&o.study.outcome.name)
        ));
        let mut header = vec![String::new()];
        header.extend(listed.iter().map(|t| size(*t)));
        let mut rows = Vec::new();
        for population in d.populations.iter().filter(|p| mine.iter().any(|t| t.population == **p)) {
            for (direction, word) in WAYS {
                let mut row = vec![format!("{}: {word}", name(decision, population))];
                row.extend(listed.iter().map(|t| {
                    let found = mine.iter().find(|r| {
                        r.population == *population && r.direction == direction && r.threshold == *t
                    });
                    shown(d, found.map(|r| r.probability), &o.name, population)
                }));
                rows.push(row);
            }
        }
        out.table(header, rows);
        if left_out > 0 {
            out.say(format!("{left_out} larger sizes are in `--format json`."));
        }
    }
    out
}

/// The mass in bands of size.
pub fn bands(decision: &Decision, d: &Discussion) -> Passage {
    let mut out = Passage::default();
    for o in &decision.outcomes {
        let Some(cuts) = o.bands else { continue };
        let cuts = cuts.map(size).join(", ");
        out.title(format!(
            "{}: posterior mass by size, cut at {cuts} points",
            capitalised(&o.study.outcome.name)
        ));
        let mut header = vec![String::new()];
        header.extend(BANDS.map(str::to_string));
        let mut rows = Vec::new();
        let mine: Vec<_> = d.bands.iter().filter(|b| b.outcome == o.name).collect();
        for population in d.populations.iter().filter(|p| mine.iter().any(|b| b.population == **p)) {
            for (direction, word) in WAYS {
                let mut row = vec![format!("{}: {word}", name(decision, population))];
                row.extend(BANDS.iter().map(|band| {
                    let found = mine
                        .iter()
                        .find(|b| b.population == *population && b.direction == direction && b.band == *band);
                    shown(d, found.map(|b| b.probability), &o.name, population)
                }));
                rows.push(row);
            }
        }
        out.table(header, rows);
    }
    out
}
