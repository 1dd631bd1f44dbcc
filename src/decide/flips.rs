//! What would change the choice: other values, a required gain, other priors. Expected utilities need means alone.

use std::collections::BTreeMap;

use serde::Serialize;

use super::populations::Means;
use super::refits::Refits;
use super::{Population, values};
use crate::compare::{Asked, Predictions, PriorSet, STATED, prior_sets};
use crate::error::Result;
use crate::posterior::{Fitting, Integrals};
use crate::study::{Decision, HigherIs, Priors, Worth};

/// Gains in utility per patient that may be asked of the active treatment before it is chosen.
pub const REQUIRED_GAINS: [f64; 5] = [0.0, 0.01, 0.02, 0.05, 0.10];

/// Values of an event in steps of this, up to full health.
const STEPS: u32 = 20;

/// The choice if an outcome had another value, and if a gain were required of the active treatment.
#[derive(Debug, Clone, Serialize)]
pub struct ValueRow {
    /// The name of the outcome whose value is varied.
    pub outcome: String,
    /// For whom the numbers are.
    #[serde(flatten)]
    pub population: Population,
    /// What having the better end of the outcome is worth above the worse, 0 to 1; of levels with utilities of their own these are
    /// stretched as a whole.
    pub value: f64,
    /// The gain in utility per patient that is required of the active treatment: one of [`REQUIRED_GAINS`].
    pub required_gain: f64,
    /// The active treatment's expected utility per patient above the control's.
    pub expected_gain: f64,
    /// The name of the action that is chosen.
    pub action: String,
}

/// The value of an outcome at which the choice changes.
#[derive(Debug, Clone, Serialize)]
pub struct FlipRow {
    /// The name of the outcome whose value is varied.
    pub outcome: String,
    /// For whom the numbers are.
    #[serde(flatten)]
    pub population: Population,
    /// What the decision states that the better end of the outcome is worth above the worse, 0 to 1.
    pub stated_value: f64,
    /// The gain in utility per patient that is required of the active treatment: one of [`REQUIRED_GAINS`].
    pub required_gain: f64,
    /// The value at which the choice changes; none where it does not between 0 and 1.
    pub value: Option<f64>,
    /// The name of the action that is chosen for smaller values.
    pub below: String,
    /// The name of the action that is chosen for larger values: the same as `below` where the choice does not change.
    pub above: String,
}

/// The choice under another prior.
#[derive(Debug, Clone, Serialize)]
pub struct PriorRow {
    /// The name of the set of priors.
    pub prior: String,
    /// For whom the numbers are.
    #[serde(flatten)]
    pub population: Population,
    /// The active treatment's expected utility per patient above the control's; none where a fit failed its checks.
    pub expected_gain: Option<f64>,
    /// The name of the action that is chosen; none where a fit failed its checks.
    pub action: Option<String>,
    /// Whether another action is chosen than under the stated priors; none where a fit failed its checks.
    pub flips: Option<bool>,
    /// The names of the outcomes that have this prior; all others keep the stated one.
    pub outcomes: Vec<String>,
    /// Why there are no numbers; none where there are.
    pub unavailable: Option<String>,
}

/// The map over each outcome's value and required gains, and where on it the choice changes.
pub fn of_values(
    decision: &Decision,
    means: &[Means],
    populations: &[Population],
) -> (Vec<ValueRow>, Vec<FlipRow>) {
    let (mut map, mut flips) = (Vec::new(), Vec::new());
    let stated: Vec<Option<Worth>> = decision.outcomes.iter().map(|o| o.values.clone()).collect();
    for (k, outcome) in decision.outcomes.iter().enumerate() {
        let Some(own) = &outcome.values else { continue };
        // A unit of value is worth this much RD.
        let sign = match outcome.study.outcome.higher_is {
            HigherIs::Better => 1.0,
            HigherIs::Worse => -1.0,
        };
        for (p, population) in populations.iter().enumerate() {
            // What is gained by everything else: by the other outcomes, less what the active treatment costs more.
            let others: Vec<Option<Worth>> =
                stated.iter().enumerate().map(|(j, v)| v.clone().filter(|_| j != k)).collect();
            if values::gain(decision, &stated, means, p).is_none() {
                continue;
            }
            let rest = values::gain(decision, &others, means, p).unwrap_or(-values::extra_cost(decision));
            let Some(risks) = &means[k][p] else { continue };
            let slope = match own {
                Worth::Event(_) => sign * (risks.of_event[1] - risks.of_event[0]),
                // The whole set is stretched.
                Worth::Levels(_) => risks.gain(own).map_or(0.0, |gain| gain / own.gap().abs()),
            };
            let choice = |gain: f64, required: f64| decision.action(gain > required).name.clone();
            for required_gain in REQUIRED_GAINS {
                for step in 0..=STEPS {
                    let value = f64::from(step) / f64::from(STEPS);
                    let expected_gain = rest + value * slope;
                    map.push(ValueRow {
                        outcome: outcome.name.clone(),
                        population: population.clone(),
                        value,
                        required_gain,
                        expected_gain,
                        action: choice(expected_gain, required_gain),
                    });
                }
                let at = (required_gain - rest) / slope;
                let value = (at > 0.0 && at < 1.0).then_some(at);
                flips.push(FlipRow {
                    outcome: outcome.name.clone(),
                    population: population.clone(),
                    stated_value: own.gap().abs(),
                    required_gain,
                    value,
                    below: choice(rest, required_gain),
                    above: choice(rest + slope, required_gain),
                });
            }
        }
    }
    (map, flips)
}

/// Each named prior and each of the library, outcome by outcome that has values.
#[derive(Default)]
pub struct Others {
    names: Vec<String>,
    /// By a name and an outcome's place.
    sets: BTreeMap<(String, usize), PriorSet>,
}

impl Others {
    /// `known` is what is integrated already. An error where a prior can't be made.
    pub fn of(decision: &Decision, how: Fitting<'_>, known: Integrals) -> Result<Others> {
        let mut others = Others::default();
        let mut predictions = Predictions::new(how, known);
        for k in with_values(decision) {
            for set in prior_sets(&decision.outcomes[k].study, &Asked::default(), &mut predictions)? {
                // Nor is one other that the outcome is fitted under already.
                let fitted_under = decision.outcomes[k].study.changed.prior.as_ref();
                if set.name == STATED || fitted_under == Some(&set.name) {
                    continue;
                }
                if !others.names.contains(&set.name) {
                    others.names.push(set.name.clone());
                }
                others.sets.insert((set.name.clone(), k), set);
            }
        }
        Ok(others)
    }

    /// Outcomes' places with priors that they are asked under.
    pub fn wanted(&self) -> impl Iterator<Item = (usize, Priors)> {
        self.sets.iter().map(|((_, k), set)| (*k, set.priors.clone()))
    }
}

/// Outcomes of which one end is worth more than the other, where any has values.
fn with_values(decision: &Decision) -> Vec<usize> {
    let valued = |k: &usize| decision.outcomes[*k].values.as_ref().is_some_and(Worth::differs);
    (0..decision.outcomes.len()).filter(valued).collect()
}

/// The choice under each of them, by name across the outcomes that have it.
pub fn of_priors(
    decision: &Decision,
    others: &Others,
    refits: &Refits<'_>,
    stated: &[Means],
    populations: &[Population],
) -> Vec<PriorRow> {
    let mut rows = Vec::new();
    let own: Vec<Option<Worth>> = decision.outcomes.iter().map(|o| o.values.clone()).collect();
    for name in &others.names {
        let mut here = stated.to_vec();
        let (mut outcomes, mut why) = (Vec::new(), None);
        for k in with_values(decision) {
            let Some(set) = others.sets.get(&(name.clone(), k)) else { continue };
            match refits.under(k, &set.priors) {
                Ok(found) => here[k] = found.means.clone(),
                Err(reasons) => why = Some(reasons.join("; ")),
            }
            outcomes.push(decision.outcomes[k].name.clone());
        }
        for (p, population) in populations.iter().enumerate() {
            let gain = |means: &[Means]| values::gain(decision, &own, means, p);
            let Some(as_stated) = gain(stated) else { continue };
            let found = if why.is_none() { gain(&here) } else { None };
            rows.push(PriorRow {
                prior: name.clone(),
                population: population.clone(),
                expected_gain: found,
                action: found.map(|g| decision.action(g > 0.0).name.clone()),
                flips: found.map(|g| (g > 0.0) != (as_stated > 0.0)),
                outcomes: outcomes.clone(),
                unavailable: why.clone(),
            });
        }
    }
    rows
}
