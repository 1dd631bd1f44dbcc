//! Priors side by side, and how far each conclusion depends on them.
//!
//! ```text
//! study → priors → table (every prior × pooling, whole fits)
//!       → refits → curve over τ's scale, grid, envelope, tipping (the same questions, thousands of priors)
//!       → who decided, power-scaling, poolings
//!       → baselines, coefficients (their priors half and twice as wide), departure (from proportional odds)
//! ```
//!
//! Everything is fitted again, nothing reweighted that can be integrated. Refits of counts go through
//! [`crate::exact::Lattice`], on which another prior of μ and τ is one weighted sum; the engine serves what the lattice does
//! not resolve, and the sampler what the engine does not cover. Of ordered levels a few sampled fits serve all other priors
//! (`pool`): their draws are weighted, and what these do not answer well enough is sampled too.

mod answer;
mod baselines;
pub mod bias;
mod claims;
mod coefficients;
mod curve;
mod departure;
mod distinct;
mod engines;
mod envelope;
mod external;
mod glance;
mod grid;
mod information;
mod pool;
mod pooling;
mod power;
mod priors;
mod question;
mod reference;
mod refit;
mod steps;
mod table;
mod tipping;
mod who_decided;

pub use answer::LINE;
pub use baselines::{BaselineRow, Variant};
pub use coefficients::CoefficientRow;
pub use curve::{Crossing, CurvePoint, HeterogeneityRow, Hinge};
pub use departure::{DepartureCurve, DeparturePoint};
pub use envelope::{BoxPoint, Envelope, PriorBox};
pub use external::{Fitted, Predictions};
pub use glance::{Glance, GlanceRow, glance};
pub use grid::GridRow;
pub use pooling::PoolingRow;
pub use power::{Diagnosis, PowerRow};
pub use priors::{Asked, PriorSet, STATED, Says, is_reference_only, set as prior_set, sets as prior_sets};
pub use reference::Reference;
pub use steps::Steps;
pub use table::{EstimateRow, TableRow};
pub use tipping::{Absence, FrontierPoint, Tipping};
pub use who_decided::{Corner, WhoDecided, has_baseline_player};

use std::borrow::Cow;
use std::fmt;

use crate::error::{Error, ErrorKind, Result};
use crate::model::Model;
use crate::parallel;
use crate::posterior::{
    Claim, Detail, Engine, Estimand, Integrals, Measure, Options, Report, Sampling, Scope, Statement, analyse,
};
use crate::study::{Pooling, Study, about_sources};
use question::questions;
use refit::Refits;
use table::Fit;

/// Probabilities that conclusions are held against.
pub const LINES: [f64; 4] = [0.5, 0.8, 0.9, 0.95];

/// A mixture that is farther off than this in any probability is worth a notice.
const WORST_MIXTURE: f64 = 0.01;

/// Differences between two subgroups are reported for up to this many pairs.
const PAIRS_UP_TO: usize = 15;

/// What is asked of a comparison.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Which sets of priors are compared beside the stated one.
    pub priors: Asked,
    /// Whether every effect prior is refitted under five heterogeneity priors and all poolings.
    pub grid: bool,
    /// How the sampler runs where the exact engine does not cover the model.
    pub sampling: Sampling,
    /// Whether the sampler is used even where the exact engine covers the model: to hold one against the other.
    pub sampled: bool,
}

/// All comparisons of a study.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// Whether every fit passed its checks.
    pub ok: bool,
    /// Which checks failed, in words; empty where `ok`.
    pub reasons: Vec<String>,
    /// What else a reader should know of how the numbers came about, in sentences.
    pub notices: Vec<String>,
    /// The engine that made the numbers: the exact one, or the sampler.
    pub engine: Engine,
    /// The largest Monte Carlo error that a probability may have where the engine is the sampler.
    pub mcse: f64,
    /// Whether searches made do with few priors, each refit being a whole fit of many subgroups; what lies between two is
    /// interpolated.
    pub is_coarse: bool,
    /// What must stand beside numbers that rest on other studies, in sentences; empty where none do.
    pub about_sources: Vec<String>,
    /// The sets of priors that are compared, the stated one first.
    pub priors: Vec<PriorSet>,
    /// Every statement under every set of priors and every pooling.
    pub table: Vec<TableRow>,
    /// Every effect under every set of priors and every pooling.
    pub estimates: Vec<EstimateRow>,
    /// Every statement under other baseline priors, or why there are none.
    pub baselines: std::result::Result<Vec<BaselineRow>, String>,
    /// Every statement under other priors of the covariates' coefficients, or why there are none.
    pub coefficients: std::result::Result<Vec<CoefficientRow>, String>,
    /// Probabilities over the scale of the prior of τ; empty under complete pooling, and where τ is fixed at 0.
    pub tau_curve: Vec<CurvePoint>,
    /// Where those probabilities cross a line.
    pub crossings: Vec<Crossing>,
    /// Crossings near the stated scale: where the prior of τ decides.
    pub hinges: Vec<Hinge>,
    /// Effects over the scale of the prior of departures from proportional odds, or why there are none; none at all where outcomes
    /// have no levels.
    pub departures: Option<std::result::Result<DepartureCurve, String>>,
    /// τ and the differences between subgroups before and after the data; empty unless τ has a prior and pooling is
    /// partial.
    pub heterogeneity: Vec<HeterogeneityRow>,
    /// Every statement under every effect prior, heterogeneity prior and pooling; none where it was not asked for, or
    /// with too many subgroups.
    pub grid: Option<Vec<GridRow>>,
    /// The priors over which the envelope is searched.
    pub prior_box: PriorBox,
    /// The lowest and the highest probability of each statement over that box.
    pub envelope: Vec<Envelope>,
    /// Which priors would bring each statement down to each line.
    pub tipping: Vec<Tipping>,
    /// The reference priors, so wide that they stand for none.
    pub reference: Reference,
    /// How much of each probability is due to the data and to each prior (Shapley values).
    pub who_decided: Vec<WhoDecided>,
    /// How sensitive each quantity is to the weight of priors and likelihood; empty where its sampled fit failed its
    /// checks.
    pub power_scaling: Vec<PowerRow>,
    /// How well each pooling predicts the data.
    pub poolings: Vec<PoolingRow>,
    /// What the comparison says in sentences, as typed claims.
    pub claims: Vec<Claim>,
}

impl Comparison {
    /// The Monte Carlo error to which every probability is known; none where they are exact.
    pub fn resolution(&self) -> Option<f64> {
        (self.engine == Engine::Sampler).then_some(self.mcse)
    }
}

/// Fits the study under every prior that is asked for, and asks how far the conclusions depend on them. An error where a
/// prior is not known or can't be made.
pub fn compare(study: &Study, request: &Request) -> Result<Comparison> {
    compare_counted(study, request, &Steps::default())
}

/// As [`compare`], counting in `steps` how many of its fits are done.
pub fn compare_counted(study: &Study, request: &Request, steps: &Steps) -> Result<Comparison> {
    if let Some(several) = study.has_several() {
        let message = format!(
            "a comparison is of two arms and subgroups of one kind, and {} has {several}",
            study.name
        );
        return Err(Error::of(ErrorKind::Unavailable, message).help("compare one of them"));
    }
    let own = study;
    let study = &*comparable(study);
    let mut predictions = Predictions::new(request.sampling, Integrals::default());
    let sets = priors::sets(study, &request.priors, &mut predictions)?;
    let options = refit::options(study, request.sampling, request.sampled);
    let questions = questions(study);
    let within = envelope::prior_box(study);
    let refits = Refits::new(study, &questions, options, within.sd[0], steps).pooled();
    refits.prepare(study.pooling);
    let is_coarse = refits.is_coarse();
    let with_grid = request.grid && !refit::has_many_subgroups(study) && !study.undivided;
    if with_grid {
        for pooling in [Pooling::Partial, Pooling::None, Pooling::Complete] {
            refits.prepare(pooling);
        }
    }
    let stated = &sets[0];
    let curve_sets = curve_sets(study, &sets, is_coarse);
    steps.plan(
        table::planned(study, &sets)
            + table::poolings(study, stated).len()
            + curve_sets.iter().map(|set| curve::planned(&refits, set)).sum::<usize>()
            + envelope::planned(&refits, &within)
            + tipping::planned(&refits)
            + who_decided::planned(study)
            + power::planned(study, options)
            + baselines::planned(study)
            + coefficients::planned(own)
            + departure::planned(study),
    );
    // Draws that are weighted serve whoever asks after them, in an order that no thread decides.
    let first = refits.is_pooled().then(|| table::fits_of_a_pool(&refits, &sets, options, steps));
    let known: &[Fit] = first.as_deref().unwrap_or_default();
    let (rest_of_fits, rest) = parallel::join(
        || if first.is_some() { Vec::new() } else { table::fits(study, &sets, options, steps) },
        || {
            let curves: Vec<_> = curve_sets.iter().map(|set| curve::curve(&refits, set)).collect();
            (
                curves,
                envelope::envelope(&refits, &within),
                tipping::tipping(&refits),
                who_decided::who_decided(&refits, options, steps),
                power::power_scaling(study, &questions, (options, known), steps),
                pooling::compared(study, stated, (options, known), steps),
                (
                    baselines::baselines(study, (options, known), steps),
                    coefficients::coefficients(own, options, steps),
                    departure::curve(study, options, steps, &()),
                ),
            )
        },
    );
    let fits = first.unwrap_or(rest_of_fits);
    let (curves, envelope, tipping, who_decided, power_scaling, poolings, rest) = rest;
    let (baselines, coefficients, departures) = rest;
    let grid = with_grid.then(|| grid::grid(&refits, &sets));
    let (table, estimates) = table::rows(study, &fits);
    let mut reasons = Vec::new();
    if let Some(Ok(curve)) = &departures {
        let failed = curve.points.iter().filter_map(|p| Some((p.scale, p.unavailable.as_ref()?)));
        let mut failed: Vec<String> =
            failed.map(|(scale, why)| format!("departures of scale {scale}: {why}")).collect();
        failed.dedup();
        reasons.extend(failed);
    }
    for fit in fits.iter().filter(|f| !f.report.checks.ok) {
        let why = fit.report.checks.reasons.join("; ");
        let pooling = format!("{:?}", fit.pooling).to_lowercase();
        reasons.push(format!("{}, {pooling} pooling: {why}", fit.prior));
    }
    let mut notices = notices(&refits, &sets, &power_scaling, &poolings);
    if request.grid && study.undivided {
        notices.push("There is no grid: without subgroups their spread has no prior to vary.".to_string());
    } else if request.grid && !with_grid {
        notices.push(
            "The grid has no numbers: each of its combinations would be a whole fit of all subgroups."
                .to_string(),
        );
    }
    if own.data.has_risks() && !study.data.has_risks() {
        let report =
            analyse(own, Options { sampling: request.sampling, detail: Detail::Brief, ..Options::default() });
        match held(own, &report, |name| stated_benefit(study, &table, name)) {
            Some(gap) if gap.is_large() => reasons.push(gap.to_string()),
            Some(gap) => notices.push(gap.to_string()),
            None => {
                let which =
                    if report.checks.ok { "with the coefficients held" } else { "that samples all together" };
                notices.push(format!("The fit of the stated priors {which} did not pass its checks: what holding the coefficients costs is not known."));
            }
        }
    }
    let own = fits.iter().find(|f| f.prior == STATED && f.pooling == study.pooling);
    let heterogeneity = curve::heterogeneity(study, own.map(|f| &f.report), PAIRS_UP_TO);
    let (tau_curve, crossings): (Vec<_>, Vec<_>) = curves.into_iter().unzip();
    let (tau_curve, crossings) = (tau_curve.concat(), crossings.concat());
    let scale = study.priors.heterogeneity.as_ref().map(|h| h.distribution.scale());
    let findings = claims::Findings {
        priors: &sets,
        tau_curve: &tau_curve,
        crossings: &crossings,
        highest: highest(study, &table),
        is_sampled: options.engine == Engine::Sampler,
    };
    let claims = claims::claims(study, &findings);
    let mut comparison = Comparison {
        ok: reasons.is_empty(),
        reasons,
        notices,
        engine: options.engine,
        mcse: request.sampling.mcse,
        about_sources: about_sources(&study.named, |n| sets.iter().any(|s| s.name == n)),
        hinges: scale.map(|s| curve::hinges(&crossings, s)).unwrap_or_default(),
        priors: sets,
        table,
        estimates,
        baselines,
        coefficients,
        is_coarse,
        tau_curve,
        crossings,
        departures,
        heterogeneity,
        grid,
        prior_box: within,
        envelope,
        tipping,
        reference: Reference::of(study),
        who_decided,
        power_scaling,
        poolings,
        claims,
    };
    // What it comes to is read first.
    let answer = answer::claims(study, &comparison);
    comparison.claims.splice(0..0, answer);
    if let Some(Ok(curve)) = &comparison.departures {
        comparison.claims.extend(departure::claim(study, curve, comparison.mcse));
    }
    Ok(comparison)
}

/// The highest probability of any statement about a subgroup, under the stated priors.
fn highest(study: &Study, table: &[TableRow]) -> Option<f64> {
    let own = |r: &&TableRow| r.prior == STATED && r.pooling == study.pooling && r.scope == Scope::Subgroup;
    table.iter().filter(own).filter_map(|r| r.probability).reduce(f64::max)
}

/// The study that is compared: itself, or for an adjusted study that of its subgroups' effects with the coefficients
/// held, since thousands of priors are asked about.
pub fn comparable(study: &Study) -> Cow<'_, Study> {
    const NOTE: &str = "Comparisons are of adjusted odds ratios. Covariates' coefficients and centres' intercepts are held where the data have them, their uncertainty is added to each subgroup's effect; `equipoise fit` samples all together and has risks.";
    match Model::effects_alone(study) {
        Some(mut effects) => {
            effects.notices.push(NOTE.to_string());
            Cow::Owned(effects)
        }
        None => Cow::Borrowed(study),
    }
}

/// P(better) under the stated priors, and its Monte Carlo error where it is sampled.
fn stated_benefit(study: &Study, table: &[TableRow], name: &str) -> Option<(f64, Option<f64>)> {
    let row = table.iter().find(|r| {
        r.prior == STATED
            && r.pooling == study.pooling
            && r.statement == Statement::Benefit
            && r.subgroup.as_deref() == Some(name)
    });
    row.and_then(|r| Some((r.probability?, if r.exact.is_some() { None } else { r.mcse })))
}

/// What holding the covariates' coefficients costs, beside sampling them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Held {
    /// The largest difference in a subgroup's P(better) between coefficients held and sampled.
    pub distance: f64,
    /// How much of it may be chance: three Monte Carlo errors of the difference, the largest of any subgroup.
    pub chance: f64,
}

impl Held {
    /// From here on what is compared is another model.
    fn is_large(self) -> bool {
        self.distance > 0.05 + self.chance
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "P(better) under the model's own priors with the coefficients held is within {:.3} of the sampled one in every subgroup ({:.3} of it may be chance).",
            self.distance, self.chance
        )
    }
}

/// Compares a sampled report with each subgroup's P(better) under held coefficients, which `benefit` gives by name, with
/// its Monte Carlo error where it has one; none for a study without covariates, and where a number is missing.
pub fn held(
    study: &Study,
    report: &Report,
    benefit: impl Fn(&str) -> Option<(f64, Option<f64>)>,
) -> Option<Held> {
    study.adjustment.as_ref()?;
    let mut found: Option<Held> = None;
    let effect = Measure::of(study.outcome.scale);
    for (g, name) in study.data.names().into_iter().enumerate() {
        let estimand = Estimand::of_subgroup(g, effect);
        let Some(p) = report.probability(estimand, Statement::Benefit, effect.null()) else { continue };
        let (held, error) = benefit(name)?;
        let apart = (p.best()? - held).abs();
        let chance = 3.0 * libm::hypot(p.mcse.unwrap_or(0.0), error.unwrap_or(0.0));
        let before = found.unwrap_or(Held { distance: 0.0, chance: 0.0 });
        found = Some(Held { distance: before.distance.max(apart), chance: before.chance.max(chance) });
    }
    found
}

/// Where numbers are missing, or made otherwise than the rest.
fn notices(
    refits: &Refits<'_>,
    sets: &[PriorSet],
    power: &[PowerRow],
    poolings: &[PoolingRow],
) -> Vec<String> {
    let mut notices = Vec::new();
    if refits.is_coarse() && refits.study.pooling.is_integrated_alone() {
        notices.push("Of effects that are not normal around their mean every refit is a whole fit: envelope, tipping points and curve are of a few priors each, and what lies between two is interpolated; the frontier has no numbers.".to_string());
    } else if refits.is_coarse() {
        let n = refits.study.data.names().len();
        notices.push(format!(
            "With {n} subgroups every refit is a whole fit. Other priors are fitted under the stated pooling alone, envelope, tipping points and curve are of a few priors each, and what lies between two is interpolated; the frontier has no numbers."
        ));
    }
    match refits.failures() {
        0 => {}
        n => notices.push(format!(
            "{n} of the refits behind the curve, the envelope, tipping points and the grid did not pass their checks or did not settle; what depends on them has no number."
        )),
    }
    if let Some(pools) = refits.pools().filter(|pools| pools.weighted > 0) {
        notices.push(format!(
            "Priors of the effects differ in nothing but how probable they make the effects: {} of {} sampled posteriors are draws of the others, weighted anew (Pareto k at most {:.2}).",
            pools.weighted,
            pools.weighted + pools.sampled,
            pools.worst_k.max(0.0)
        ));
    }
    if power.is_empty() && refits.study.pooling.is_integrated_alone() {
        notices.push("Power-scaling of a mixture prior is by reweighted draws, and these effects are not sampled: it has no numbers.".to_string());
    } else if power.is_empty() {
        notices.push("Power-scaling has no numbers: its sampled fit did not pass its checks.".to_string());
    } else if !refits.is_sampled() && power.iter().any(|r| r.method == "psis") {
        notices.push("Power-scaling of a mixture prior is by reweighted draws.".to_string());
    }
    if !refits.is_sampled() {
        let alone = Study { pooling: Pooling::None, ..refits.study.clone() };
        let is_alone = |p: &PoolingRow| p.pooling == Pooling::None;
        if poolings.iter().any(is_alone) && refit::is_correlated_alone(&alone) {
            notices.push("Without pooling correlated estimates are sampled.".to_string());
        }
        let sampled = sets.iter().filter(|s| s.is_sampled());
        for name in sampled.map(|s| &s.name) {
            notices.push(format!("{name}: its baselines are exchangeable, and its fits are sampled."));
        }
    }
    for set in sets {
        if set.says.external.as_ref().is_some_and(|e| e.distance > WORST_MIXTURE) {
            notices.push(format!(
                "{}: no mixture of five normals stands for what its sources predict.",
                set.name
            ));
        }
    }
    let of_levels = refits.study.data.levels().is_some();
    if let (true, Some(levels)) = (of_levels && refits.is_sampled(), &refits.study.priors.levels) {
        notices.push(format!(
            "{}, and what is compared is sampled: {}between two priors is interpolated.{}",
            capitalised(refit::ties_subgroups(refits.study).unwrap_or("what is compared is asked of the sampler")),
            if poolings.len() > 1 {
                "the poolings have no marginal likelihoods, tipping points no frontier, and what lies "
            } else {
                "tipping points have no frontier, and what lies "
            },
            if refits.study.adjustment.is_none() && levels.departure.is_none() && levels.ties_subgroups() {
                " With cutpoints = \"by subgroup\" in [model] every effect is integrated, and `compare` takes less time."
            } else {
                ""
            }
        ));
    } else if refits.is_sampled() && poolings.len() > 1 && !refit::is_exchangeable(refits.study) {
        notices.push(
            "What is compared is sampled: the poolings have no marginal likelihoods, and tipping points no frontier."
                .to_string(),
        );
    } else if refits.is_sampled() && poolings.len() > 1 && refit::is_exchangeable(refits.study) {
        notices.push("Baselines are exchangeable, which only sampling covers: the poolings have no marginal likelihoods, and tipping points no frontier. With independent baselines, such as `baseline = \"normal(0, 2.5)\"`, they have, and `compare` takes less time.".to_string());
    }
    if refits.has_effects_alone() {
        let of_risks = refits.questions.iter().any(|q| q.effect_bound().is_none());
        notices.push(format!(
            "Of ordered levels the common odds ratio is integrated, and what speaks of risks is not: {}leaving one patient out is by draws, and power-scaling leaves risk differences out.",
            if of_risks {
                "statements about the size of a risk difference are sampled under each prior of the table and searched under no other, "
            } else {
                ""
            }
        ));
    }
    let has_rows = refits.study.adjustment.is_some();
    if has_rows && poolings.len() > 1 && poolings.iter().all(|r| r.elpd.is_none()) {
        notices.push("Leaving one patient out at a time has no numbers: patients with covariates are not alike, and none can be left out for others.".to_string());
    }
    let exact = |r: &&PoolingRow| r.method == "exact" && r.elpd.is_none() && !has_rows;
    if refits.study.data.names().len() > refit::MANY && poolings.iter().any(|r| exact(&r)) {
        notices.push(format!(
            "Leaving one {} at a time has no number: more than {} of them would need whole fits of their own.",
            poolings[0].unit,
            pooling::MOST_REFITS
        ));
    }
    for row in poolings {
        if let (Some(k), Some(trusted)) = (row.max_k.filter(|_| row.elpd.is_none()), row.trusted_k) {
            notices.push(format!(
                "Leaving one patient out under {} pooling has no number: its weights have a Pareto k of {k:.2}, above {trusted:.2}.",
                format!("{:?}", row.pooling).to_lowercase()
            ));
        }
    }
    notices
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

/// The curve is drawn for the stated priors, and but where it is coarse for the named ones that keep the stated baseline.
fn curve_sets<'a>(study: &Study, sets: &'a [PriorSet], is_coarse: bool) -> Vec<&'a PriorSet> {
    let own = (&study.priors.baseline, study.priors.baseline_of);
    let named =
        |s: &&PriorSet| s.name == STATED || !is_coarse && study.named.iter().any(|n| n.name == s.name);
    let keeps = |s: &&PriorSet| (&s.priors.baseline, s.priors.baseline_of) == own;
    sets.iter().filter(named).filter(keeps).collect()
}
