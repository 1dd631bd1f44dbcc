//! Expected utilities, which action is best, and what it costs to be wrong.
//!
//! Utilities of outcomes add up, so that the gain by the active treatment is Σ gap · RD less what it costs more. Its mean
//! needs no more than the means; its sign and its loss need the dependence between outcomes, which fits made apart do not
//! know: numbers under independence, with bounds whatever the dependence.

use serde::Serialize;

use super::bounds::bounds_of_sum;
use super::populations::Means;
use super::{Known, Population};
use crate::posterior::{Bounded, NormalScores, expected_gain_together};
use crate::study::{Costs, Decision, Worth};

/// What one action is worth in one population.
#[derive(Debug, Clone, Serialize)]
pub struct ActionRow {
    /// For whom the numbers are.
    #[serde(flatten)]
    pub population: Population,
    /// The action's name.
    pub action: String,
    /// Expected utility per patient in units of full health, costs taken off; none where an outcome with values is not
    /// reported here.
    pub expected_utility: Option<f64>,
    /// Whether its expected utility is the higher one; where both are equal, whether it is the control. None where they
    /// are not known.
    pub chosen: Option<bool>,
    /// The probability that this action has the higher utility: under independence of the outcomes' posteriors, and
    /// bounds whatever their dependence.
    #[serde(skip)]
    pub best: Option<Bounded>,
    /// P(this action has the higher utility) under independence of the outcomes' posteriors.
    pub probability_best: Option<f64>,
    /// The lowest value that `probability_best` can have, whatever the dependence between the outcomes' posteriors; none
    /// between several arms where more than one outcome has values.
    pub probability_best_low: Option<f64>,
    /// The highest value that `probability_best` can have, whatever the dependence between the outcomes' posteriors.
    pub probability_best_high: Option<f64>,
    /// The average loss by this action where the other is better: in utility per patient, under independence.
    pub expected_loss: Option<f64>,
    /// Why there are no numbers; none where there are.
    pub unavailable: Option<String>,
}

/// The expected value of perfect information in one population: the expected loss of the chosen action.
#[derive(Debug, Clone, Serialize)]
pub struct EvpiRow {
    /// For whom the numbers are.
    #[serde(flatten)]
    pub population: Population,
    /// In utility per patient, under independence of the outcomes; none where an outcome with values is not reported
    /// here.
    pub evpi: Option<f64>,
    /// The highest value that `evpi` can have, whatever the dependence between the outcomes' posteriors; none between several
    /// arms where more than one outcome has values.
    pub evpi_high: Option<f64>,
}

/// What each action is worth and what information would be, by population; empty where no outcome has values.
pub fn rows(
    decision: &Decision,
    known: &[Known<'_>],
    populations: &[Population],
) -> (Vec<ActionRow>, Vec<EvpiRow>) {
    let (mut actions, mut evpi) = (Vec::new(), Vec::new());
    if !decision.has_values() {
        return (actions, evpi);
    }
    for (p, population) in populations.iter().enumerate() {
        let found = posterior_gain(decision, known, p);
        for action in &decision.actions {
            let mut row = ActionRow {
                population: population.clone(),
                action: action.name.clone(),
                expected_utility: None,
                chosen: None,
                best: None,
                probability_best: None,
                probability_best_low: None,
                probability_best_high: None,
                expected_loss: None,
                unavailable: None,
            };
            match &found {
                Err(why) => row.unavailable = Some(why.clone()),
                Ok(g) => {
                    let turn = |x: f64| if action.active { x } else { 1.0 - x };
                    row.expected_utility = Some(g.utility[usize::from(action.active)]);
                    row.chosen = Some((g.utility[1] > g.utility[0]) == action.active);
                    let (low, high) = (turn(g.bounds.0), turn(g.bounds.1));
                    let best =
                        Bounded { low: low.min(high), high: low.max(high), independent: turn(g.above) };
                    row.best = Some(best);
                    row.probability_best = Some(best.independent);
                    (row.probability_best_low, row.probability_best_high) = (Some(best.low), Some(best.high));
                    row.expected_loss = Some(if action.active { g.loss } else { g.gain });
                }
            }
            actions.push(row);
        }
        let found = found.ok();
        evpi.push(EvpiRow {
            population: population.clone(),
            evpi: found.as_ref().map(|g| g.gain.min(g.loss)),
            evpi_high: found.as_ref().map(|g| g.most),
        });
    }
    (actions, evpi)
}

/// Costs of control and active in utility.
fn costs(decision: &Decision) -> [f64; 2] {
    let cost = |c: &Costs, arm: usize| c.of_arm.get(arm).copied().unwrap_or(0.0) / c.per_utility;
    decision.costs.as_ref().map_or([0.0; 2], |c| [cost(c, 0), cost(c, 1)])
}

/// By how much the active treatment costs more, in utility.
pub fn extra_cost(decision: &Decision) -> f64 {
    let [control, active] = costs(decision);
    active - control
}

/// The active treatment's expected utility above the control's, from mean risks by outcome and population; none where an
/// outcome with values is not reported, or none has values.
pub fn gain(
    decision: &Decision,
    values: &[Option<Worth>],
    means: &[Means],
    population: usize,
) -> Option<f64> {
    let mut gain = None;
    for (values, means) in values.iter().zip(means) {
        let Some(values) = values else { continue };
        let of_outcome = means[population].as_ref()?.gain(values)?;
        gain = Some(gain.unwrap_or(0.0) + of_outcome);
    }
    gain.map(|g| g - extra_cost(decision))
}

/// The gain by the active treatment over the control.
struct Gain {
    /// Expected, of control and active.
    utility: [f64; 2],
    /// P(gain > 0) under independence, and its bounds.
    above: f64,
    bounds: (f64, f64),
    /// E max(gain, 0) and E max(−gain, 0).
    gain: f64,
    loss: f64,
    /// The most that perfect information can be worth.
    most: f64,
}

fn posterior_gain(decision: &Decision, known: &[Known<'_>], population: usize) -> Result<Gain, String> {
    let mut utility = [0.0; 2];
    let mut terms: Vec<NormalScores> = Vec::new();
    for (k, outcome) in decision.outcomes.iter().enumerate() {
        let Some(values) = &outcome.values else { continue };
        let found = known.iter().find(|x| x.population == population && x.outcome == k);
        let Some(found) = found else {
            return Err(format!("{} is not reported here", outcome.study.outcome.name));
        };
        let of_outcome = found.risks.mean_risks().utilities(values).ok_or_else(|| {
            format!("of {} no probabilities of levels are known here", outcome.study.outcome.name)
        })?;
        for (u, expected) in utility.iter_mut().zip(of_outcome) {
            *u += expected;
        }
        if values.differs() {
            let term = found.risks.gain(values);
            terms.push(term.ok_or_else(|| format!("{} has no spread here", outcome.study.outcome.name))?);
        }
    }
    let costs = costs(decision);
    for (u, cost) in utility.iter_mut().zip(costs) {
        *u -= cost;
    }
    let extra = costs[1] - costs[0];
    let mean = utility[1] - utility[0];
    let Some(first) = terms.first_mut() else {
        // Costs alone decide, and are known.
        let above = if mean > 0.0 { 1.0 } else { 0.0 };
        let (gain, loss) = (mean.max(0.0), (-mean).max(0.0));
        return Ok(Gain { utility, above, bounds: (above, above), gain, loss, most: 0.0 });
    };
    *first = first.scaled(1.0, -extra).ok_or("the gain has no spread")?;
    let mut sum = terms[0].clone();
    for term in &terms[1..] {
        sum = sum.plus(term).ok_or("the gain has no spread")?;
    }
    let above = 1.0 - sum.cdf(0.0);
    let bounds = if terms.len() == 1 { (above, above) } else { bounds_of_sum(&terms) };
    let gain = sum.expected_gain();
    let most = expected_gain_together(&terms) - mean.max(0.0);
    Ok(Gain { utility, above, bounds, gain, loss: (gain - mean).max(0.0), most: most.max(0.0) })
}
