//! From posteriors to a decision discussion: how large, for whom, at what harm, on whose values, how sure.
//!
//! ```text
//! decision → fits (both engines, as `fit`) → risks (one outcome in one population)
//!     → sizes (curve, listed sizes, bands, per 1,000) → rules
//!     → joint (several outcomes at once), attribution (bounds)
//!     → values (expected utility, P(best), what it costs to be wrong)
//! ```

mod attribution;
mod joint;
mod risks;
mod rules;
mod sizes;
mod smooth;
mod values;

pub use attribution::AttributionRow;
pub use joint::JointRow;
pub use risks::{Risks, Shares};
pub use rules::{CriterionRow, RuleRow, Verdict};
pub use sizes::{BandRow, CurveRow, EffectRow};
pub use smooth::{Smooth, bounds_of_sum, expected_gain_together};
pub use values::{ActionRow, EvpiRow};

use rayon::prelude::*;
use serde::Serialize;

use crate::exact::{ExactPosterior, Resolution};
use crate::model::Model;
use crate::posterior::{Options, Report, Sampling, Scope, analyse};
use crate::study::{Data, Decision, Pooling};

/// For whom a number is: a subgroup, or a further similar one with the control risk that the decision states.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Population {
    pub scope: Scope,
    pub subgroup: Option<String>,
}

/// Benefit or harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Benefit,
    Harm,
}

/// Everything that is laid before a panel.
#[derive(Debug, Clone, Default)]
pub struct Discussion {
    pub ok: bool,
    pub reasons: Vec<String>,
    pub notices: Vec<String>,
    pub populations: Vec<Population>,
    pub effects: Vec<EffectRow>,
    pub curve: Vec<CurveRow>,
    pub thresholds: Vec<CurveRow>,
    pub bands: Vec<BandRow>,
    pub rules: Vec<RuleRow>,
    pub joint: Vec<JointRow>,
    pub attribution: Vec<AttributionRow>,
    pub actions: Vec<ActionRow>,
    pub evpi: Vec<EvpiRow>,
}

/// One outcome's fit: its report, whose checks decide, and the exact posterior where there is one.
struct Fit {
    report: Report,
    exact: Option<ExactPosterior>,
}

/// What is known of one outcome in one population.
pub struct Known<'a> {
    pub population: usize,
    pub outcome: usize,
    pub risks: Risks<'a>,
}

/// Fits every outcome and lays out what follows; nothing follows from a fit that fails its checks.
pub fn decide(decision: &Decision, sampling: Sampling) -> Discussion {
    let options = Options { sampling, adjusted_only: true, ..Options::default() };
    let fits: Vec<Fit> = decision
        .outcomes
        .par_iter()
        .map(|o| {
            let (report, exact) = rayon::join(
                || analyse(&o.study, options),
                || ExactPosterior::new(&Model::of(&o.study), Resolution::default()).ok(),
            );
            // Where labels may be wrong there are effects, but no risks.
            let whole = |p: &ExactPosterior| {
                !matches!(o.study.data, Data::Counts(_))
                    || p.risk(0, crate::exact::RiskMeasure::Difference).is_some()
            };
            Fit { report, exact: exact.filter(whole) }
        })
        .collect();
    let mut discussion = Discussion { notices: decision.notices.clone(), ..Discussion::default() };
    for (outcome, fit) in decision.outcomes.iter().zip(&fits).filter(|(_, f)| !f.report.checks.ok) {
        discussion.reasons.push(format!("{}: {}", outcome.name, fit.report.checks.reasons.join("; ")));
    }
    discussion.ok = discussion.reasons.is_empty();
    if !discussion.ok {
        return discussion;
    }
    discussion.populations = populations(decision);
    let known: Vec<Known<'_>> = known(decision, &fits, &discussion.populations);
    let sizes: Vec<_> =
        known.par_iter().map(|k| sizes::sizes(decision, k, &discussion.populations)).collect();
    discussion.attribution =
        known.par_iter().flat_map_iter(|k| attribution::rows(decision, k, &discussion.populations)).collect();
    for found in sizes {
        discussion.effects.push(found.effect);
        discussion.curve.extend(found.curve);
        discussion.thresholds.extend(found.listed);
        discussion.bands.extend(found.bands);
    }
    discussion.rules = rules::rules(decision, &known, &discussion.populations, sampling.mcse);
    discussion.joint = joint::rows(decision, &discussion.effects, &discussion.populations);
    (discussion.actions, discussion.evpi) = values::rows(decision, &known, &discussion.populations);
    discussion
}

/// Subgroups in the order in which outcomes name them, then a further one where a control risk is stated.
fn populations(decision: &Decision) -> Vec<Population> {
    let mut all: Vec<Population> = Vec::new();
    for name in decision.outcomes.iter().flat_map(|o| o.study.data.names()) {
        let found = Population { scope: Scope::Subgroup, subgroup: Some(name.to_string()) };
        if !all.contains(&found) {
            all.push(found);
        }
    }
    let predicts =
        |o: &crate::study::DecisionOutcome| o.baseline_risk.is_some() && o.study.pooling != Pooling::None;
    if decision.outcomes.iter().any(predicts) {
        all.push(Population { scope: Scope::New, subgroup: None });
    }
    all
}

fn known<'a>(decision: &Decision, fits: &'a [Fit], populations: &[Population]) -> Vec<Known<'a>> {
    let mut all = Vec::new();
    for (p, population) in populations.iter().enumerate() {
        for (k, (outcome, fit)) in decision.outcomes.iter().zip(fits).enumerate() {
            let names = outcome.study.data.names();
            let g = population.subgroup.as_ref().and_then(|s| names.iter().position(|n| n == s));
            let counts = matches!(outcome.study.data, Data::Counts(_));
            let given = |theta| {
                let control = outcome.baseline_risk?;
                Some(Risks::Given { control, scale: outcome.study.outcome.scale, theta })
            };
            let draws = fit.report.sampled.as_ref();
            let drawn = |column: &Vec<f64>| -> Box<dyn crate::exact::Distribution + 'a> {
                Box::new(crate::posterior::Empirical::of(column))
            };
            let risks = match (g, &fit.exact, counts) {
                (Some(g), Some(posterior), true) => Some(Risks::Exact { posterior, g }),
                (Some(g), None, true) => draws.and_then(|d| Risks::sampled(d, g)),
                (Some(g), Some(posterior), false) => given(posterior.theta(g)),
                (Some(g), None, false) => draws.and_then(|d| given(drawn(&d.theta[g]))),
                (None, Some(posterior), _) if population.scope == Scope::New => {
                    posterior.theta_new().and_then(given)
                }
                (None, None, _) if population.scope == Scope::New => {
                    draws.and_then(|d| d.theta_new.as_ref()).and_then(|c| given(drawn(c)))
                }
                _ => None,
            };
            all.extend(risks.map(|risks| Known { population: p, outcome: k, risks }));
        }
    }
    all
}
