//! From posteriors to a decision discussion: how large, for whom, at what harm, on whose values, how sure.
//!
//! ```text
//! decision → fits (both engines, as `fit`) → risks (one outcome in one population)
//!     → sizes (curve, listed sizes, bands, per 1,000) → rules
//!     → joint (several outcomes at once), attribution (bounds), layers (a procedure and what is inside)
//!     → values (expected utility, P(best), what it costs to be wrong) → flips (other values, other priors)
//!     → panel (each member's priors and values), credibility (of the subgroup claim)
//!     → claims (what is said of it all in sentences)
//! ```

mod attribution;
mod bounds;
mod claims;
mod credibility;
mod flips;
mod interaction;
mod joint;
mod judgement;
mod layers;
mod panel;
mod pools;
mod populations;
mod risks;
mod rules;
mod sizes;
mod values;

pub use attribution::AttributionRow;
pub use credibility::{Credibility, GreaterRow, Item};
pub use flips::{FlipRow, PriorRow, REQUIRED_GAINS, ValueRow};
pub use interaction::{InteractionTest, interaction_test};
pub use joint::JointRow;
pub use layers::{Implied, LayerRow, LayersRow, Share};
pub use panel::{Beliefs, Panel, PanelRow};
pub use pools::{Pool, PoolRow};
pub use risks::{Risks, Shares};
pub use rules::RuleRow;
pub use sizes::{BandRow, CurveRow, EffectRow};
pub use values::{ActionRow, EvpiRow};

use rayon::prelude::*;
use serde::Serialize;

use crate::error::Result;
use crate::posterior::{Claim, Fit, Sampling, Scope};
use crate::study::{Decision, about_sources};

/// For whom a number is: a subgroup, or a further similar one with the control risk that the decision states.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Population {
    pub scope: Scope,
    pub subgroup: Option<String>,
}

/// Everything that is laid before a panel.
#[derive(Debug, Clone, Default)]
pub struct Discussion {
    pub ok: bool,
    pub reasons: Vec<String>,
    pub notices: Vec<String>,
    /// The largest Monte Carlo error of a sampled probability.
    pub mcse: f64,
    pub populations: Vec<Population>,
    pub effects: Vec<EffectRow>,
    pub curve: Vec<CurveRow>,
    pub thresholds: Vec<CurveRow>,
    pub bands: Vec<BandRow>,
    pub rules: Vec<RuleRow>,
    pub joint: Vec<JointRow>,
    pub layers: Option<LayersRow>,
    pub attribution: Vec<AttributionRow>,
    pub actions: Vec<ActionRow>,
    pub evpi: Vec<EvpiRow>,
    pub value_map: Vec<ValueRow>,
    pub flips: Vec<FlipRow>,
    pub by_prior: Vec<PriorRow>,
    /// What must stand beside numbers that rest on other studies.
    pub about_sources: Vec<String>,
    pub panel: Option<Panel>,
    pub credibility: Option<Credibility>,
    pub claims: Vec<Claim>,
}

/// What is known of one outcome in one population.
pub struct Known<'a> {
    pub population: usize,
    pub outcome: usize,
    pub risks: Risks<'a>,
}

/// Fits every outcome and lays out what follows; nothing follows from a fit that fails its checks. An error where a named
/// prior can't be made.
pub fn decide(decision: &Decision, sampling: Sampling) -> Result<Discussion> {
    let mut discussion =
        Discussion { notices: decision.notices.clone(), mcse: sampling.mcse, ..Discussion::default() };
    let layers = decision.layers.iter().flat_map(|l| [&l.outer, &l.inner]);
    let outcomes = decision.outcomes.iter().map(|o| (o.name.as_str(), &o.study));
    let studies: Vec<_> = outcomes.chain(layers.map(|s| (s.name.as_str(), s))).collect();
    let fits: Vec<_> = studies.par_iter().map(|(_, study)| Fit::checked(study, sampling)).collect();
    let mut passed = Vec::new();
    for ((name, _), fit) in studies.iter().zip(fits) {
        match fit {
            Ok(fit) => passed.push(fit),
            Err(reasons) => discussion.reasons.push(format!("{name}: {}", reasons.join("; "))),
        }
    }
    discussion.reasons.dedup();
    discussion.ok = discussion.reasons.is_empty();
    if !discussion.ok {
        return Ok(discussion);
    }
    let (fits, of_layers) = passed.split_at(decision.outcomes.len());
    let populations = populations::populations(&decision.outcomes);
    let known = populations::known(&decision.outcomes, fits, &populations);
    let means: Vec<populations::Means> =
        decision.outcomes.iter().zip(fits).map(|(o, f)| populations::means(o, f, &populations)).collect();
    let sizes: Vec<_> = known.par_iter().map(|k| sizes::sizes(decision, k, &populations)).collect();
    discussion.attribution =
        known.par_iter().flat_map_iter(|k| attribution::rows(decision, k, &populations)).collect();
    for found in sizes {
        discussion.effects.push(found.effect);
        discussion.curve.extend(found.curve);
        discussion.thresholds.extend(found.listed);
        discussion.bands.extend(found.bands);
    }
    discussion.rules = rules::rules(decision, &known, &populations, sampling.mcse);
    discussion.joint = joint::rows(decision, &discussion.effects, &populations);
    discussion.layers = match (&decision.layers, of_layers) {
        (Some(layers), [outer, inner]) => layers::layers(layers, outer, inner),
        _ => None,
    };
    (discussion.actions, discussion.evpi) = values::rows(decision, &known, &populations);
    (discussion.value_map, discussion.flips) = flips::of_values(decision, &means, &populations);
    discussion.by_prior = flips::of_priors(decision, &means, &populations, sampling)?;
    for study in decision.outcomes.iter().map(|o| &o.study) {
        for about in about_sources(&study.named, |n| discussion.by_prior.iter().any(|r| r.prior == n)) {
            if !discussion.about_sources.contains(&about) {
                discussion.about_sources.push(about);
            }
        }
    }
    discussion.panel = panel::panel(decision, fits, &means, &populations, sampling);
    discussion.credibility = fits.first().and_then(|f| credibility::credibility(decision, f, sampling));
    discussion.populations = populations;
    let first = fits.first().and_then(Fit::report).map_or(&[][..], |r| &r.claims);
    discussion.claims = claims::claims(decision, &discussion, first);
    Ok(discussion)
}
