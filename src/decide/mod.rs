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

mod arms;
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
mod refits;
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
pub(crate) use panel::priors as priors_of_view;
pub use panel::{Beliefs, Panel, PanelRow};
pub use pools::{Pool, PoolRow};
pub use rules::RuleRow;
pub use sizes::{BandRow, CurveRow, EffectRow};
pub(crate) use values::extra_cost;
pub use values::{ActionRow, EvpiRow};

use refits::{Refit, Refits};

use std::sync::Arc;

use serde::Serialize;

use crate::error::Result;
use crate::parallel;
use crate::posterior::{Analysis, Claim, Fit, Fitting, Integrals, Scope};
use crate::study::{Decision, Study, about_sources};
use risks::Risks;

/// For whom a number is: a subgroup, or a further similar one with the control risk that the decision states.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Population {
    /// One subgroup, a further similar one, or all patients.
    pub scope: Scope,
    /// The subgroup's name; none for the others.
    pub subgroup: Option<String>,
}

/// Everything that is laid before a panel.
#[derive(Debug, Clone, Default)]
pub struct Discussion {
    /// Whether every fit passed its checks; otherwise there are no numbers.
    pub ok: bool,
    /// Which checks failed, in words; empty where `ok`.
    pub reasons: Vec<String>,
    /// What else a reader should know of the decision, in sentences.
    pub notices: Vec<String>,
    /// The largest Monte Carlo error that a sampled probability may have.
    pub mcse: f64,
    /// For whom outcomes are reported, in the order in which they are shown.
    pub populations: Vec<Population>,
    /// The effect on every outcome in every population in which it is reported.
    pub effects: Vec<EffectRow>,
    /// Probabilities over all sizes of effect.
    pub curve: Vec<CurveRow>,
    /// The rows of `curve` at the sizes that the decision lists, and at 0.
    pub thresholds: Vec<CurveRow>,
    /// Probabilities of the bands of size, from trivial to large; empty for outcomes without bands.
    pub bands: Vec<BandRow>,
    /// The verdict of every rule in every population.
    pub rules: Vec<RuleRow>,
    /// Every pair of outcomes at once, in every population.
    pub joint: Vec<JointRow>,
    /// A procedure and the layer inside it; none where the decision has no layers.
    pub layers: Option<LayersRow>,
    /// Bounds on successes that would have come anyway and on failures that were avoidable.
    pub attribution: Vec<AttributionRow>,
    /// What each action is worth in every population; empty where no outcome has values.
    pub actions: Vec<ActionRow>,
    /// The expected value of perfect information in every population; empty where no outcome has values.
    pub evpi: Vec<EvpiRow>,
    /// The choice over each outcome's value and the gain that is required.
    pub value_map: Vec<ValueRow>,
    /// Where on that map the choice changes.
    pub flips: Vec<FlipRow>,
    /// The choice under each named prior and each of the reanalysis library.
    pub by_prior: Vec<PriorRow>,
    /// What must stand beside numbers that rest on other studies, in sentences; empty where none do.
    pub about_sources: Vec<String>,
    /// What the members of the panel conclude; none where the decision has no panel.
    pub panel: Option<Panel>,
    /// How credible the subgroup claim is; none for a study of one subgroup.
    pub credibility: Option<Credibility>,
    /// What the discussion says in sentences, as typed claims.
    pub claims: Vec<Claim>,
}

/// What is known of one outcome in one population.
pub(crate) struct Known<'a> {
    pub population: usize,
    pub outcome: usize,
    pub risks: Risks<'a>,
}

/// Fits every outcome and lays out what follows; nothing follows from a fit that fails its checks. An error where a named
/// prior can't be made.
pub fn decide<'a>(decision: &'a Decision, how: impl Into<Fitting<'a>>) -> Result<Discussion> {
    let how = how.into();
    if decision.is_of_several_arms() {
        return Ok(arms::decide(decision, how));
    }
    let sampling = how.sampling;
    let mut discussion =
        Discussion { notices: decision.notices.clone(), mcse: sampling.mcse, ..Discussion::default() };
    let layers = decision.layers.iter().flat_map(|l| [&l.outer, &l.inner]);
    let outcomes = decision.outcomes.iter().map(|o| (o.name.as_str(), &o.study));
    let studies: Vec<_> = outcomes.chain(layers.map(|s| (s.name.as_str(), s))).collect();
    let (fits, integrals) = fitted(&studies, how);
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
    let stated: Vec<Refit> =
        fits.iter().enumerate().map(|(k, fit)| Refit::of(decision, k, fit, &populations)).collect();
    let means: Vec<populations::Means> = stated.iter().map(|refit| refit.means.clone()).collect();
    let sizes: Vec<_> = parallel::map(&known, |k| sizes::sizes(decision, k, &populations));
    discussion.attribution = parallel::map(&known, |k| attribution::rows(decision, k, &populations)).concat();
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
    let others = flips::Others::of(decision, how, integrals)?;
    let mut refits = Refits::new(decision, stated, &populations, how);
    refits.prepare(others.wanted().chain(panel::wanted(decision)));
    discussion.by_prior = flips::of_priors(decision, &others, &refits, &means, &populations);
    for study in decision.outcomes.iter().map(|o| &o.study) {
        for about in about_sources(&study.named, |n| discussion.by_prior.iter().any(|r| r.prior == n)) {
            if !discussion.about_sources.contains(&about) {
                discussion.about_sources.push(about);
            }
        }
    }
    discussion.panel = panel::panel(decision, &refits, &means, &populations);
    discussion.credibility = fits.first().and_then(|f| credibility::credibility(decision, f, how));
    discussion.populations = populations;
    let first = fits.first().and_then(|f| f.report()).map_or(&[][..], |r| &r.claims);
    discussion.claims = claims::claims(decision, &discussion, first);
    Ok(discussion)
}

/// The value of perfect information as the decision stands, by population, once every fit has passed its checks; otherwise which
/// did not.
pub(crate) fn evpi_today(
    decision: &Decision,
    how: Fitting<'_>,
) -> std::result::Result<Vec<EvpiRow>, Vec<String>> {
    let studies: Vec<_> = decision.outcomes.iter().map(|o| (o.name.as_str(), &o.study)).collect();
    let (fits, _) = fitted(&studies, how);
    let (mut passed, mut reasons) = (Vec::new(), Vec::new());
    for ((name, _), fit) in studies.iter().zip(fits) {
        match fit {
            Ok(fit) => passed.push(fit),
            Err(why) => reasons.push(format!("{name}: {}", why.join("; "))),
        }
    }
    if !reasons.is_empty() {
        return Err(reasons);
    }
    let populations = populations::populations(&decision.outcomes);
    let known = populations::known(&decision.outcomes, &passed, &populations);
    Ok(values::rows(decision, &known, &populations).1)
}

/// Every study's fit in their order, or why its checks do not pass, and what was integrated. A study that stands twice, as an
/// outcome and as a layer, is fitted once.
fn fitted(studies: &[(&str, &Study)], how: Fitting<'_>) -> (Vec<Checked>, Integrals) {
    let first = |i: usize| (0..i).find(|&j| studies[j].1.fits_as(studies[i].1)).unwrap_or(i);
    let places: Vec<usize> = (0..studies.len()).map(first).collect();
    let analyses: Vec<Option<Analysis>> = parallel::range(0..studies.len(), |i| {
        (places[i] == i).then(|| Fit::analysed(studies[i].1, None, how))
    });
    let mut integrals = Integrals::default();
    let mut fits: Vec<Checked> = Vec::new();
    for (i, analysis) in analyses.into_iter().enumerate() {
        fits.push(match analysis {
            Some(mut analysis) => {
                integrals.extend(std::mem::take(&mut analysis.integrals));
                Fit::of(studies[i].1, analysis).map(Arc::new)
            }
            None => fits[places[i]].clone(),
        });
    }
    (fits, integrals)
}

type Checked = std::result::Result<Arc<Fit>, Vec<String>>;
