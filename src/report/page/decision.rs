//! The page of a decision: what is laid before a panel, with its figures.

use serde::Serialize;

use super::super::decide_json::decide_statements;
use super::super::discussion::in_words_of_actions;
use super::super::discussion::{self, name};
use super::super::figure::{self, Figure, Gain, Point, SizeCurve};
use super::super::passage::Passage;
use super::document::{Format, Frame, render};
use super::{on_page, sheets};
use crate::decide::{Discussion, EffectRow, Population};
use crate::error::Result;
use crate::posterior::{Direction, Measure};
use crate::study::{Decision, DecisionOutcome, HigherIs, Worth};

/// What the template is filled from.
#[derive(Serialize)]
struct Context<'a> {
    #[serde(flatten)]
    frame: Frame<'a>,
    sections: Vec<Passage>,
    about: Passage,
    methods: [&'static str; 1],
}

/// The page of a decision, or why there are no numbers where its fits failed their checks; `command` makes it again. An
/// error where a template fails.
pub fn decision_page(
    decision: &Decision,
    d: &Discussion,
    figures: &[Figure],
    format: Format,
    command: Option<&str>,
) -> Result<String> {
    let layers = decision.layers.iter().flat_map(|l| [&l.outer, &l.inner]);
    let studies = || decision.outcomes.iter().map(|o| &o.study).chain(layers.clone());
    let mut files: Vec<[&str; 2]> = vec![[decision.name.as_str(), &decision.text]];
    let mut provenance = vec![
        ["Program".to_string(), format!("equipoise {}", env!("CARGO_PKG_VERSION"))],
        ["Decision".to_string(), decision.name.clone()],
        ["Decision, SHA-256".to_string(), decision.sha256.clone()],
    ];
    for study in studies() {
        if files.iter().any(|[name, _]| *name == study.name) {
            continue;
        }
        files.push([&study.name, &study.text]);
        provenance.push([format!("{}, SHA-256", study.name), study.model_sha256.clone()]);
    }
    for citation in studies().flat_map(|s| &s.citation) {
        let cites = ["Cites".to_string(), citation.clone()];
        if !provenance.contains(&cites) {
            provenance.push(cites);
        }
    }
    let outcomes: Vec<&str> = decision.outcomes.iter().map(|o| o.study.outcome.name.as_str()).collect();
    let frame = Frame {
        title: &decision.question,
        lead: format!("{}; by {}.", in_words_of_actions(decision), outcomes.join(", ")),
        statements: decide_statements(decision, d),
        notices: &d.notices,
        failed: (!d.ok).then_some(&d.reasons),
        figures: on_page(figures),
        sheets: sheets::of_decision(decision, d),
        provenance,
        command,
        files,
    };
    let context = Context {
        frame,
        sections: if d.ok { discussion::sections(decision, d) } else { Vec::new() },
        about: discussion::about(decision),
        methods: [discussion::METHOD],
    };
    render("decision", &context, format)
}

/// The figures of a decision: the first outcome against every other, utility maps, and probabilities over sizes.
pub fn decision_figures(decision: &Decision, d: &Discussion) -> Vec<Figure> {
    if !d.ok {
        return Vec::new();
    }
    let mut all = Vec::new();
    let first = &decision.outcomes[0];
    let others = decision.outcomes.iter().enumerate().skip(1);
    all.extend(others.filter_map(|(k, other)| plane(decision, d, (k, other), first)));
    let valued = decision.outcomes.iter().enumerate();
    all.extend(valued.filter_map(|(k, outcome)| utility(decision, d, k, outcome)));
    for (k, outcome) in decision.outcomes.iter().enumerate() {
        let curves = curves(decision, d, outcome);
        all.extend(figure::thresholds(
            &outcome.study,
            &format!("sizes-{}", k + 1),
            Measure::RiskDifference,
            &curves,
        ));
    }
    all
}

fn gain(e: &EffectRow, outcome: &DecisionOutcome) -> Gain {
    let q = &e.risk_difference;
    let [median, low, high] = [q.median, q.q2_5, q.q97_5].map(|x| 1000.0 * x);
    match outcome.study.outcome.higher_is {
        HigherIs::Better => Gain { median, low, high },
        HigherIs::Worse => Gain { median: -median, low: -high, high: -low },
    }
}

fn plane(
    decision: &Decision,
    d: &Discussion,
    (k, across): (usize, &DecisionOutcome),
    up: &DecisionOutcome,
) -> Option<Figure> {
    let points: Vec<Point> = d
        .populations
        .iter()
        .filter_map(|population| {
            let of = |o: &DecisionOutcome| {
                d.effects
                    .iter()
                    .find(|e| e.population == *population && e.outcome == o.name)
                    .map(|e| gain(e, o))
            };
            Some(Point { population: name(decision, population), across: of(across)?, up: of(up)? })
        })
        .collect();
    if points.is_empty() {
        return None;
    }
    let worth = |o: &DecisionOutcome| o.values.as_ref().map(|v| v.gap().abs()).filter(|w| *w > 0.0);
    let balance = worth(across).zip(worth(up)).map(|(a, u)| a / u);
    let names = [across, up].map(|o| o.study.outcome.name.as_str());
    let file = format!("plane-{}", k + 1);
    let about = (decide_statements(decision, d), file.as_str());
    Some(figure::plane(about, names, (arms(decision), decision.assignment()), &points, balance))
}

fn utility(decision: &Decision, d: &Discussion, k: usize, outcome: &DecisionOutcome) -> Option<Figure> {
    let values = outcome.values.as_ref()?;
    let gained = match values {
        Worth::Levels(_) => "the best level over the worst",
        _ => "a good outcome",
    };
    let stated = values.gap().abs();
    let mine = d.value_map.iter().filter(|r| r.outcome == outcome.name);
    let rows: Vec<_> = mine.map(|r| (name(decision, &r.population), r)).collect();
    if rows.is_empty() {
        return None;
    }
    let file = format!("utility-{}", k + 1);
    let about = (decide_statements(decision, d), file.as_str());
    let told = (outcome.study.outcome.name.as_str(), gained, stated);
    Some(figure::utility(about, told, arms(decision), decision.assignment(), &rows))
}

/// Active, control.
fn arms(decision: &Decision) -> [&str; 2] {
    [true, false].map(|active| decision.action(active).name.as_str())
}

/// An outcome's probabilities over sizes, a curve per population.
fn curves(decision: &Decision, d: &Discussion, outcome: &DecisionOutcome) -> Vec<SizeCurve> {
    let of = |population: &Population| {
        let of = |direction: Direction| {
            d.curve.iter().filter(move |r| {
                r.outcome == outcome.name && r.population == *population && r.direction == direction
            })
        };
        let both = of(Direction::Benefit).zip(of(Direction::Harm));
        let points = both.map(|(b, h)| [b.threshold, b.probability, h.probability]).collect();
        SizeCurve { name: name(decision, population), points }
    };
    d.populations.iter().map(of).filter(|c| !c.points.is_empty()).collect()
}
