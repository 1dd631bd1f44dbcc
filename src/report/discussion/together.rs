//! Two things at once: outcomes, layers, and what would have happened otherwise.

use super::super::passage::Passage;
use super::super::words::capitalised;
use super::{in_words, name, of_claims, sentences};
use crate::decide::Discussion;
use crate::posterior::{Quantiles, Says};
use crate::study::{Assignment, Decision};

/// Two outcomes at once.
pub fn joint(d: &Discussion) -> Passage {
    let mut out = of_claims(d, "Two outcomes at once", |says| matches!(says, Says::Both { .. }));
    if out.is_empty() {
        return out;
    }
    out.say("At least and at most, whatever the dependence between the outcomes (Fréchet's bounds); in brackets under independence. Models fitted apart do not know which. Listed of the four ways: the one that is the likelier for both outcomes, and every other whose probability may reach 0.05.");
    out
}

/// A procedure and a layer of it.
pub fn layers(decision: &Decision, d: &Discussion) -> Passage {
    let (Some(layers), Some(found)) = (&decision.layers, &d.layers) else { return Passage::default() };
    let mut out = Passage::default();
    let (outer, inner) = (layers.outer.treatment.active(), layers.inner.treatment.active());
    out.title(format!("Layers: {inner} within {outer}"));
    sentences(&mut out, d, |says| matches!(says, Says::Layers { .. } | Says::WithoutLayer { .. }));
    if let Some(implied) = &found.implied {
        let had: Vec<String> =
            implied.shares.iter().map(|s| format!("{} of {} {}", s.with_layer, s.of, s.subgroup)).collect();
        out.say(format!("{} was done in {}.", capitalised(inner), had.join(", ")));
        out.say("The numbers without it stand on these assumptions:");
        for assumption in &implied.assumptions {
            out.item(assumption);
        }
    }
    out
}

/// Bounds of what the treatment had to do with it.
pub fn attribution(decision: &Decision, d: &Discussion) -> Passage {
    let mut out = Passage::default();
    let active = &decision.first().treatment.active();
    out.title("What would have happened otherwise: bounds from the two risks");
    let percent =
        |q: &Quantiles| format!("{:.0} ({:.0} to {:.0})", 100.0 * q.median, 100.0 * q.q2_5, 100.0 * q.q97_5);
    for (quantity, title) in [
        ("successes_anyway", format!("Of 100 who do well with {active}: as well without")),
        ("failures_avoidable", format!("Of 100 who do badly with {active}: well without")),
    ] {
        let rows = d.attribution.iter().filter(|a| a.quantity == quantity).map(|a| {
            let label = format!("{}: {}", name(decision, &a.population), in_words(decision, &a.outcome));
            vec![label, percent(&a.low), percent(&a.high)]
        });
        out.table(vec![title, "at least".to_string(), "at most".to_string()], rows.collect());
    }
    let mut text = "Tian & Pearl 2000, median and interval of either bound. To do well is to have the good outcome of the row. Valid only without confounding".to_string();
    if decision.assignment() == Assignment::Observational {
        text += ", which an observational study does not exclude";
    }
    out.say(format!("{text}."));
    out
}
