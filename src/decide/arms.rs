//! What each of several arms is worth: expected utilities, which is best, and what it costs to be wrong.
//!
//! An arm's utility is Σ over outcomes of (event · p + no event · (1 − p)), less what it costs, p being its risk; draw by draw,
//! so that how the arms' risks are correlated is kept. Draws of different outcomes are made apart, and are independent.

use super::values::{ActionRow, EvpiRow};
use super::{Discussion, Population};
use crate::posterior::diagnostics::{Draws, Workspace, proportion};
use crate::posterior::{
    ArmDraws, Bounded, Claim, Fitting, Integrals, Method, Options, Report, Sampling, Says, Scope, Topic,
    Whom, analyse_watched,
};
use crate::study::{Action, Decision, DecisionOutcome, Study, Worth};

/// What tells outcomes' seeds apart, so that their draws are independent.
const APART: u64 = 1 << 32;

/// Fits every outcome of a decision between several arms and lays out what follows.
pub fn decide(decision: &Decision, how: Fitting<'_>) -> Discussion {
    let sampling = how.sampling;
    let mut discussion =
        Discussion { notices: decision.notices.clone(), mcse: sampling.mcse, ..Discussion::default() };
    let reports: Vec<Report> =
        decision.outcomes.iter().enumerate().map(|(k, o)| fitted(&o.study, k, how)).collect();
    for (outcome, report) in decision.outcomes.iter().zip(&reports) {
        if !report.checks.ok {
            discussion.reasons.push(format!("{}: {}", outcome.name, report.checks.reasons.join("; ")));
        }
    }
    discussion.ok = discussion.reasons.is_empty();
    if !discussion.ok {
        return discussion;
    }
    discussion.populations = populations(&decision.outcomes);
    discussion.claims = reports.first().map_or_else(Vec::new, |report| report.claims.clone());
    if !decision.has_values() {
        return discussion;
    }
    let mut said = Vec::new();
    for population in &discussion.populations {
        let found = worth(decision, &reports, population);
        discussion.actions.extend(rows(decision, population, found.as_ref()));
        discussion.evpi.push(EvpiRow {
            population: population.clone(),
            evpi: found.as_ref().map(|f| f.evpi),
            evpi_high: found.as_ref().filter(|f| f.is_of_one).map(|f| f.evpi),
        });
        said.extend(found.as_ref().and_then(|f| claim(decision, population, f)));
    }
    discussion.claims.splice(0..0, said);
    discussion
}

fn fitted(study: &Study, place: usize, how: Fitting<'_>) -> Report {
    let seed = how.sampling.seed.wrapping_add(place as u64 * APART);
    let options = Options { sampling: Sampling { seed, ..how.sampling }, ..Options::default() };
    analyse_watched(study, options, Integrals::default(), how.observer).report
}

/// Subgroups that every outcome has, and all patients of a single outcome.
fn populations(outcomes: &[DecisionOutcome]) -> Vec<Population> {
    let Some((first, rest)) = outcomes.split_first() else { return Vec::new() };
    let shared = |name: &&str| rest.iter().all(|o| o.study.data.names().contains(name));
    let names = first.study.data.names();
    let several = names.len() > 1;
    let subgroup = |name: &str| Population { scope: Scope::Subgroup, subgroup: Some(name.to_string()) };
    let all = (several && rest.is_empty()).then_some(Population { scope: Scope::Overall, subgroup: None });
    names.into_iter().filter(shared).map(subgroup).chain(all).collect()
}

/// What the actions are worth in one population.
struct Found {
    /// By action: expected utility, P(best) and its error, and the expected loss.
    utility: Vec<f64>,
    best: Vec<(f64, f64)>,
    loss: Vec<f64>,
    evpi: f64,
    /// Whether one outcome alone has values, so that nothing depends on how outcomes are correlated.
    is_of_one: bool,
}

/// The utility of every action in every draw; none where an outcome with values is not reported for these.
fn worth(decision: &Decision, reports: &[Report], population: &Population) -> Option<Found> {
    let mut utilities: Vec<Vec<f64>> = Vec::new();
    let is_of_one = decision.outcomes.iter().filter(|o| o.values.is_some()).count() == 1;
    let mut chains = 1;
    for (outcome, report) in decision.outcomes.iter().zip(reports) {
        let Some(Worth::Event(values)) = &outcome.values else { continue };
        let draws: &ArmDraws = report.arms.as_ref()?;
        let whom = match &population.subgroup {
            Some(name) => Whom::Subgroup(report.names.place(name)?),
            None => Whom::Overall,
        };
        let risks = draws.of(whom)?.risks;
        let own = |p: f64| values.no_event + values.gap() * p;
        if utilities.is_empty() {
            chains = draws.chains();
            utilities =
                decision.actions.iter().map(|a| risks[a.arm].iter().map(|&p| own(p)).collect()).collect();
            continue;
        }
        for (utility, action) in utilities.iter_mut().zip(&decision.actions) {
            // Whichever is shorter begins again: any pairing of independent draws is one.
            let others = risks[action.arm].iter().cycle();
            utility.iter_mut().zip(others).for_each(|(u, &p)| *u += own(p));
        }
    }
    if let Some(costs) = &decision.costs {
        for (utility, action) in utilities.iter_mut().zip(&decision.actions) {
            let cost = costs.of_arm.get(action.arm).copied().unwrap_or(0.0) / costs.per_utility;
            utility.iter_mut().for_each(|u| *u -= cost);
        }
    }
    let n = utilities.first().filter(|u| !u.is_empty())?.len();
    let mean = |of: &dyn Fn(usize) -> f64| (0..n).map(of).sum::<f64>() / n as f64;
    let most: Vec<f64> =
        (0..n).map(|i| utilities.iter().map(|u| u[i]).fold(f64::NEG_INFINITY, f64::max)).collect();
    let utility: Vec<f64> = utilities.iter().map(|u| mean(&|i| u[i])).collect();
    let highest = mean(&|i| most[i]);
    let mut workspace = Workspace::default();
    let best = utilities.iter().map(|u| {
        let is_best: Vec<f64> = u.iter().zip(&most).map(|(u, m)| f64::from(u8::from(u >= m))).collect();
        let found = proportion(Draws { values: &is_best, chains }, |x| x > 0.0, &mut workspace);
        (found.probability, found.mcse.unwrap_or(1.5 / n as f64))
    });
    let best = best.collect();
    let loss = utility.iter().map(|u| (highest - u).max(0.0)).collect();
    let chosen = utility.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    Some(Found { best, loss, evpi: (highest - chosen).max(0.0), utility, is_of_one })
}

impl Found {
    /// The action with the highest expected utility.
    fn chosen(&self) -> usize {
        (0..self.utility.len()).fold(0, |best, k| if self.utility[k] > self.utility[best] { k } else { best })
    }
}

fn rows(decision: &Decision, population: &Population, found: Option<&Found>) -> Vec<ActionRow> {
    let is_of_one = found.is_some_and(|f| f.is_of_one);
    let row = |(k, action): (usize, &Action)| {
        let best = found.map(|f| {
            let p = f.best[k].0;
            // Bounds of several outcomes' sums are of two actions: of more none is known but these.
            let (low, high) = if f.is_of_one { (p, p) } else { (0.0, 1.0) };
            Bounded { low, high, independent: p }
        });
        ActionRow {
            population: population.clone(),
            action: action.name.clone(),
            expected_utility: found.map(|f| f.utility[k]),
            chosen: found.map(|f| f.chosen() == k),
            best,
            probability_best: best.map(|b| b.independent),
            probability_best_low: best.filter(|_| is_of_one).map(|b| b.low),
            probability_best_high: best.filter(|_| is_of_one).map(|b| b.high),
            expected_loss: found.map(|f| f.loss[k]),
            unavailable: found.is_none().then(|| "an outcome with values is not reported here".to_string()),
        }
    };
    decision.actions.iter().enumerate().map(row).collect()
}

fn claim(decision: &Decision, population: &Population, found: &Found) -> Option<Claim> {
    let k = found.chosen();
    let others = (0..found.utility.len()).filter(|j| *j != k);
    let next = others.max_by(|a, b| found.utility[*a].total_cmp(&found.utility[*b]))?;
    let says = Says::BestAction {
        action: decision.actions[k].name.clone(),
        next: decision.actions[next].name.clone(),
        gain: found.utility[k] - found.utility[next],
        expected_loss: found.loss[k],
    };
    let (probability, error) = found.best[k];
    let claim = Claim::of_all(decision.first(), Topic::Utility, Method::Sampled, says);
    Some(Claim {
        scope: population.scope,
        subgroup: population.subgroup.clone(),
        probability: Some(probability),
        resolution: Some(error),
        ..claim
    })
}
