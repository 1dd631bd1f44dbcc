//! A model as a log density on R^d: the coordinates a sampler walks in, and the parameters they stand for.

use std::sync::Arc;

use super::between::{Between, Tape};
use super::binomial::log_likelihood_of_cells;
use super::given_effect::GivenEffect;
use super::hints::{arm_hints, baseline_hints, effect_hints, effect_precision};
use super::labels::{LabelShares, Labels};
use super::level::{Adjoint, Child, Hints, Level, Located, half_log_product};
use super::prior_slope::LocationSlope;
use super::rows::{Terms, TermsScratch};
use super::{BaselineOf, BaselinePrior, HeterogeneityPrior, Likelihood, LocationPrior, Model, Pooling, Side};
use crate::density::LogDensity;

/// The posterior of a [`Model`] in standardised coordinates.
///
/// In order: for every effect level (one under partial and complete pooling, one a subgroup without pooling) the
/// coordinates of μ and, where it is sampled, of τ; for exchangeable baselines those of their mean and sd; then z for every
/// θ_g and w for every α_g; then whatever is not known of a bias; then coefficients and centres. Under complete pooling
/// there is no z; with published estimates the θ_g are integrated out, and there is neither z nor w.
#[derive(Debug, Clone)]
pub struct Hierarchy {
    effects: Vec<Placed>,
    /// The effect level of every subgroup.
    effect_of: Vec<usize>,
    /// Whether one level holds all subgroups; without pooling each has its own.
    shared: bool,
    observed: Observed,
    /// What stands between effects and data.
    between: Option<Between>,
    /// Where counts are by labels that may be wrong.
    labels: Option<Labels>,
    /// Coefficients of covariates and intercepts of centres.
    terms: Option<Terms>,
    dim: usize,
}

/// A level and where its coordinates stand.
#[derive(Debug, Clone)]
struct Placed {
    level: Level,
    location: usize,
    /// None for a fixed scale.
    scale: Option<usize>,
}

#[derive(Debug, Clone)]
enum Observed {
    Counts(Box<Counts>),
    /// With informations; where no bias is sampled they are their level's hints.
    Estimates(Hints),
}

#[derive(Debug, Clone)]
struct Counts {
    /// Where the z and the w begin; no z under complete pooling.
    z: Option<usize>,
    w: usize,
    baseline: Baseline,
    baseline_of: BaselineOf,
    /// Where each α is placed given θ.
    given_effect: Vec<GivenEffect>,
    /// Control arms, then active arms.
    events: Vec<f64>,
    totals: Vec<f64>,
}

#[derive(Debug, Clone)]
enum Baseline {
    Independent { prior: LocationSlope },
    Exchangeable(Placed),
}

/// Parameters at one point, and what is needed to go back.
#[derive(Debug, Clone)]
pub struct Scratch {
    effects: Vec<Located>,
    adjoints: Vec<Adjoint>,
    baseline: Option<Located>,
    theta_children: Vec<Child>,
    alpha_children: Vec<Child>,
    alpha: Vec<f64>,
    /// Slopes of the places of α by θ.
    hint_by_theta: Vec<f64>,
    /// Log odds of the cells: control arms, then active arms.
    x: Vec<f64>,
    slopes: Vec<f64>,
    theta: Vec<f64>,
    /// Log odds at which the cells are seen, and what leads back from there; empty where nothing stands between.
    seen: Vec<f64>,
    tapes: Vec<Tape>,
    bias: Vec<f64>,
    terms: Option<TermsScratch>,
}

/// The parameters at a point. Slices of length G; empty where the model has none.
#[derive(Debug, Clone, Copy)]
pub struct Parameters<'a> {
    pub theta: &'a [f64],
    pub alpha: &'a [f64],
    /// The control arms' log odds.
    pub control: &'a [f64],
    /// Mean and sd of the effects; none where every subgroup has its own.
    pub mu: Option<f64>,
    /// None also where it is fixed.
    pub tau: Option<f64>,
    /// The sd of a further subgroup's effect around μ: τ, fixed or not; none where nothing is shared.
    pub new_sd: Option<f64>,
    /// Mean and sd of exchangeable baselines.
    pub baseline_mean: Option<f64>,
    pub baseline_sd: Option<f64>,
    /// How often labels are right, and the true shares of the subgroups.
    pub labels: Option<LabelShares>,
    /// By how much what is seen of each subgroup's effect is moved by a bias; empty where there is none.
    pub bias: &'a [f64],
    /// Coefficients of the covariates, for one standard deviation, and intercepts of the centres; empty where there are none.
    pub gamma: &'a [f64],
    pub centres: &'a [f64],
    /// The centres' sd; none also where it is fixed.
    pub centre_sd: Option<f64>,
}

impl Hierarchy {
    pub fn new(model: &Model) -> Hierarchy {
        let subgroups = model.subgroups();
        let (scale, separate) = match model.pooling {
            Pooling::Partial(prior) => (prior, false),
            Pooling::Separate(prior) => (prior, true),
            Pooling::Complete => (HeterogeneityPrior::Fixed { value: 0.0 }, false),
        };
        let hints = effect_hints(model);
        let groups: Vec<Vec<usize>> =
            if separate { (0..subgroups).map(|g| vec![g]).collect() } else { vec![(0..subgroups).collect()] };
        let mut dim = 0;
        let mut place = |level: Level| {
            let location = dim;
            let scale = level.samples_scale().then_some(dim + 1);
            dim += 1 + usize::from(scale.is_some());
            Placed { level, location, scale }
        };
        let effects: Vec<Placed> =
            groups.iter().map(|group| place(Level::new(&model.effect, scale, hints.of(group)))).collect();
        let observed = match &model.likelihood {
            Likelihood::Estimates(rows) => Observed::Estimates(Hints::closed(
                rows.iter().map(|r| r.estimate).collect(),
                rows.iter().map(|r| 1.0 / (r.se * r.se)).collect(),
            )),
            Likelihood::Counts(counts) => {
                let [control, active] =
                    [Side::Control, Side::Active].map(|side| arm_hints(model, counts, side));
                let below = model.baseline_of.control_share();
                let own_prior = match &model.baseline {
                    BaselinePrior::Independent(prior) => LocationSlope::of(prior).stand_in(),
                    BaselinePrior::Exchangeable { .. } => (0.0, 0.0),
                };
                let given_effect = GivenEffect::of([&control, &active], below, own_prior);
                let baseline = match &model.baseline {
                    BaselinePrior::Independent(prior) => {
                        Baseline::Independent { prior: LocationSlope::of(prior) }
                    }
                    BaselinePrior::Exchangeable { mean, sd } => {
                        let precision = effect_precision(&model.effect, &scale);
                        let hints = baseline_hints([&control, &active], below, precision);
                        Baseline::Exchangeable(place(Level::new(mean, *sd, hints)))
                    }
                };
                let z = effects[0].level.has_children().then_some(dim);
                dim += if z.is_some() { subgroups } else { 0 };
                let w = dim;
                dim += subgroups;
                let both = |f: fn(&super::Arm) -> f64| {
                    counts.iter().map(|c| f(&c.control)).chain(counts.iter().map(|c| f(&c.active))).collect()
                };
                Observed::Counts(Box::new(Counts {
                    z,
                    w,
                    baseline,
                    baseline_of: model.baseline_of,
                    given_effect,
                    events: both(|a| a.events),
                    totals: both(|a| a.total),
                }))
            }
        };
        let effect_of = (0..subgroups).map(|g| if separate { g } else { 0 }).collect();
        // Labels are put right in the counts themselves: no other bias stands beside them.
        let alone = model.misclassification.is_some();
        let between = if alone { None } else { Between::new(&model.likelihood, dim) };
        dim += between.as_ref().map_or(0, Between::dim);
        let labels = match (&model.likelihood, &model.misclassification) {
            (Likelihood::Counts(counts), Some(m)) if counts.len() == 2 => {
                Some(Labels::new(counts, m, &mut dim))
            }
            _ => None,
        };
        let terms = model.rows.as_ref().map(|rows| Terms::new(Arc::clone(rows), &mut dim));
        Hierarchy { effects, effect_of, shared: !separate, observed, between, labels, terms, dim }
    }

    /// The same density, its rows shared out among threads where there are more of these than `chains`. No bit changes.
    #[must_use]
    pub fn beside_chains(mut self, chains: usize) -> Hierarchy {
        if let Some(terms) = &mut self.terms {
            terms.in_parallel = rayon::current_num_threads() > chains;
        }
        self
    }

    pub fn subgroups(&self) -> usize {
        self.effect_of.len()
    }

    /// A point in the middle of the coordinates, where a search for the mode may begin.
    pub fn middle(&self) -> Vec<f64> {
        let mut q = vec![0.0; self.dim];
        let baseline = self.shared_baseline();
        for placed in self.effects.iter().chain(baseline) {
            if let Some(scale) = placed.scale {
                q[scale] = placed.level.typical_scale_coordinate();
            }
        }
        if let Some(terms) = &self.terms {
            terms.place_middle(&mut q);
        }
        q
    }

    /// The parameters at `q`. Estimates have their θ integrated out: `standard` (length G, draws from N(0, 1)) places them
    /// in their conditional distribution; it is not looked at for counts.
    pub fn parameters<'s>(&self, q: &[f64], standard: &[f64], scratch: &'s mut Scratch) -> Parameters<'s> {
        self.locate(q, scratch);
        match &self.observed {
            Observed::Counts(counts) => {
                self.place_children(counts, q, scratch);
                if let Some(between) = &self.between {
                    let n = self.subgroups();
                    for g in 0..n {
                        scratch.bias[g] = between.shift_of(g, scratch.x[n + g], q).unwrap_or(f64::NAN);
                    }
                }
            }
            Observed::Estimates(known) => {
                let mut unused = 0.0;
                for (g, &z) in standard.iter().enumerate().take(self.subgroups()) {
                    let at = scratch.effects[self.effect_of[g]];
                    let bias = self
                        .between
                        .as_ref()
                        .map_or(0.0, |between| between.of_estimate(g, q, &mut scratch.tapes[g], &mut unused));
                    if let Some(kept) = scratch.bias.get_mut(g) {
                        *kept = bias;
                    }
                    let (estimate, information) = (known.estimates[g] - bias, known.information[g]);
                    let child = Child::place(&at, estimate, information, z);
                    scratch.theta[g] = child.value(&at);
                }
            }
        }
        if let (Some(terms), Some(scratch)) = (&self.terms, &mut scratch.terms) {
            terms.locate(q, scratch);
        }
        let terms = scratch.terms.as_ref();
        let shared = self.shared;
        let sampled = self.effects[0].scale.is_some();
        Parameters {
            mu: shared.then(|| scratch.effects[0].location),
            tau: (shared && sampled).then(|| scratch.effects[0].scale.value),
            new_sd: shared.then(|| scratch.effects[0].scale.value),
            baseline_mean: scratch.baseline.map(|b| b.location),
            baseline_sd: scratch.baseline.map(|b| b.scale.value),
            alpha: if self.has_counts() { &scratch.alpha } else { &[] },
            control: if self.has_counts() { &scratch.x[..self.subgroups()] } else { &[] },
            theta: &scratch.theta,
            labels: self.labels.as_ref().map(|labels| labels.shares(q)),
            bias: &scratch.bias,
            gamma: terms.map_or(&[], |t| &t.gamma),
            centres: terms.map_or(&[], |t| &t.centres),
            centre_sd: terms.and_then(|t| t.centre_sd),
        }
    }

    /// The level of exchangeable baselines.
    fn shared_baseline(&self) -> Option<&Placed> {
        match &self.observed {
            Observed::Counts(counts) => match &counts.baseline {
                Baseline::Exchangeable(placed) => Some(placed),
                Baseline::Independent { .. } => None,
            },
            Observed::Estimates(_) => None,
        }
    }

    fn has_counts(&self) -> bool {
        matches!(self.observed, Observed::Counts(_))
    }

    fn locate(&self, q: &[f64], scratch: &mut Scratch) {
        let at = |placed: &Placed| {
            placed.level.locate(q[placed.location], placed.scale.map_or(0.0, |scale| q[scale]))
        };
        for (located, placed) in scratch.effects.iter_mut().zip(&self.effects) {
            *located = at(placed);
        }
        if let Some(placed) = self.shared_baseline() {
            scratch.baseline = Some(at(placed));
        }
    }

    /// The effect level of subgroup `g`, and the subgroup's hint in it.
    #[inline]
    fn effect_child(&self, g: usize, scratch: &Scratch) -> (Located, f64, f64, f64) {
        let level = self.effect_of[g];
        let hints = self.effects[level].level.hints();
        let within = if self.effects.len() == 1 { g } else { 0 };
        (scratch.effects[level], hints.estimates[within], hints.information[within], hints.open[within])
    }

    /// θ, α and the cells' log odds.
    fn place_children(&self, counts: &Counts, q: &[f64], scratch: &mut Scratch) {
        let n = self.subgroups();
        for g in 0..n {
            let (at, estimate, information, open) = self.effect_child(g, scratch);
            scratch.theta[g] = match counts.z {
                Some(z) => {
                    let z = q[z + g];
                    let child = if open == 0.0 {
                        Child::place(&at, estimate, information, z)
                    } else {
                        Child::place_open(&at, estimate, information, open, z)
                    };
                    scratch.theta_children[g] = child;
                    child.value(&at)
                }
                None => at.location,
            };
        }
        for g in 0..n {
            let theta = scratch.theta[g];
            let given = &counts.given_effect[g];
            let (x, by_theta) = given.at(theta);
            let w = q[counts.w + g];
            let alpha = match (&counts.baseline, &scratch.baseline) {
                (Baseline::Exchangeable(_), Some(at)) => {
                    let child = if given.open == 0.0 {
                        Child::place(at, x, given.precision, w)
                    } else {
                        Child::place_open(at, x, given.precision, given.open, w)
                    };
                    scratch.alpha_children[g] = child;
                    child.value(at)
                }
                (Baseline::Independent { .. }, _) => x + given.sd * w,
                (Baseline::Exchangeable(_), None) => f64::NAN,
            };
            scratch.alpha[g] = alpha;
            scratch.hint_by_theta[g] = by_theta;
            [scratch.x[g], scratch.x[n + g]] = counts.baseline_of.log_odds(alpha, theta);
        }
    }

    fn counts_density(&self, counts: &Counts, q: &[f64], gradient: &mut [f64], scratch: &mut Scratch) -> f64 {
        let n = self.subgroups();
        self.place_children(counts, q, scratch);
        let mut log_density = match (&self.between, &self.labels) {
            (None, None) => self.likelihood_at(Seen::AsTheyAre, counts, q, gradient, scratch),
            (Some(between), _) => self.seen_density(between, counts, q, gradient, scratch),
            (None, Some(labels)) => labels.log_density(&scratch.x, q, gradient, &mut scratch.slopes),
        };
        let mut baseline_adjoint = Adjoint::default();
        let below = counts.baseline_of.control_share();
        for g in 0..n {
            let (by_control, by_active) = (scratch.slopes[g], scratch.slopes[n + g]);
            let by_alpha = by_control + by_active;
            let (by_w, by_hint) = match (&counts.baseline, &scratch.baseline) {
                (Baseline::Exchangeable(_), Some(at)) => {
                    let child = &scratch.alpha_children[g];
                    log_density -= 0.5 * child.e * child.e;
                    child.pull(at, by_alpha, &mut baseline_adjoint)
                }
                (Baseline::Independent { prior }, _) => {
                    let (value, slope) = prior.at(scratch.alpha[g]);
                    log_density += value;
                    let by_alpha = by_alpha + slope;
                    (counts.given_effect[g].sd * by_alpha, by_alpha)
                }
                (Baseline::Exchangeable(_), None) => (f64::NAN, f64::NAN),
            };
            gradient[counts.w + g] = by_w;
            // Through both arms, and through the hint by which α was placed.
            let by_arms = (1.0 - below) * by_active - below * by_control;
            let by_theta = by_arms + by_hint * scratch.hint_by_theta[g];
            let level = self.effect_of[g];
            match counts.z {
                Some(z) => {
                    let child = &scratch.theta_children[g];
                    log_density -= 0.5 * child.e * child.e;
                    let at = &scratch.effects[level];
                    gradient[z + g] = child.pull(at, by_theta, &mut scratch.adjoints[level]).0;
                }
                None => scratch.adjoints[level].location += by_theta,
            }
        }
        if counts.z.is_some() {
            log_density += half_log_product(scratch.theta_children.iter().map(Child::rho));
        }
        if let (Baseline::Exchangeable(placed), Some(at)) = (&counts.baseline, &scratch.baseline) {
            log_density += at.log_density + half_log_product(scratch.alpha_children.iter().map(Child::rho));
            placed.store(at.gradient(baseline_adjoint), gradient);
        }
        log_density
    }

    /// The log likelihood at the cells' log odds, with the priors of what stands beside them; leaves the slopes by the former.
    fn likelihood_at(
        &self,
        seen: Seen,
        counts: &Counts,
        q: &[f64],
        gradient: &mut [f64],
        scratch: &mut Scratch,
    ) -> f64 {
        let Scratch { x, seen: through, slopes, terms, .. } = scratch;
        let x = match seen {
            Seen::AsTheyAre => &*x,
            Seen::Through => &*through,
        };
        match (&self.terms, terms) {
            (Some(terms), Some(scratch)) => terms.log_density(x, q, slopes, gradient, scratch),
            _ => log_likelihood_of_cells(x, &counts.events, &counts.totals, slopes),
        }
    }

    /// The cells' log likelihood where a bias stands between; leaves the slopes by the log odds that are asked for.
    fn seen_density(
        &self,
        between: &Between,
        counts: &Counts,
        q: &[f64],
        gradient: &mut [f64],
        scratch: &mut Scratch,
    ) -> f64 {
        let n = self.subgroups();
        let mut log_priors = 0.0;
        for g in 0..n {
            let x = [scratch.x[g], scratch.x[n + g]];
            let [control, active] = between.forward(g, x, q, &mut scratch.tapes[g], &mut log_priors);
            (scratch.seen[g], scratch.seen[n + g]) = (control, active);
        }
        let log_likelihood = self.likelihood_at(Seen::Through, counts, q, gradient, scratch);
        for g in 0..n {
            let by_seen = [scratch.slopes[g], scratch.slopes[n + g]];
            let [control, active] = between.back(g, by_seen, &scratch.tapes[g], gradient);
            (scratch.slopes[g], scratch.slopes[n + g]) = (control, active);
        }
        log_likelihood + log_priors
    }

    /// Estimates with their θ integrated out: y_g ~ N(μ + b_g, se_g² + τ²).
    fn estimates_density(
        &self,
        known: &Hints,
        q: &[f64],
        gradient: &mut [f64],
        scratch: &mut Scratch,
    ) -> f64 {
        let mut log_density = 0.0;
        for g in 0..self.subgroups() {
            let at = scratch.effects[self.effect_of[g]];
            let bias = match &self.between {
                Some(between) => between.of_estimate(g, q, &mut scratch.tapes[g], &mut log_density),
                None => 0.0,
            };
            let (estimate, information) = (known.estimates[g] - bias, known.information[g]);
            let tau = at.scale.value;
            let rho = 1.0 / (1.0 + information * tau * tau);
            let k = information * rho;
            let apart = estimate - at.location;
            let adjoint = &mut scratch.adjoints[self.effect_of[g]];
            adjoint.location += k * apart;
            adjoint.scale += tau * k * (k * apart * apart - 1.0);
            log_density -= 0.5 * k * apart * apart;
            if let Some(between) = &self.between {
                between.back_from_estimate(g, k * apart, &scratch.tapes[g], gradient);
            }
            scratch.slopes[g] = rho;
        }
        log_density + half_log_product(scratch.slopes[..self.subgroups()].iter().copied())
    }
}

/// Whether a bias stands between the log odds that are asked for and the data.
#[derive(Debug, Clone, Copy)]
enum Seen {
    AsTheyAre,
    Through,
}

impl Placed {
    fn store(&self, (by_location, by_scale): (f64, f64), gradient: &mut [f64]) {
        gradient[self.location] = by_location;
        if let Some(scale) = self.scale {
            gradient[scale] = by_scale;
        }
    }
}

impl LogDensity for Hierarchy {
    type Scratch = Scratch;

    fn dim(&self) -> usize {
        self.dim
    }

    fn scratch(&self) -> Scratch {
        let n = self.subgroups();
        let nowhere = Level::new(
            &LocationPrior::Flat,
            HeterogeneityPrior::Fixed { value: 0.0 },
            Hints::closed(Vec::new(), Vec::new()),
        )
        .locate(0.0, 0.0);
        Scratch {
            effects: vec![nowhere; self.effects.len()],
            adjoints: vec![Adjoint::default(); self.effects.len()],
            baseline: None,
            theta_children: vec![Child::default(); n],
            alpha_children: vec![Child::default(); n],
            alpha: vec![0.0; n],
            hint_by_theta: vec![0.0; n],
            x: vec![0.0; 2 * n],
            slopes: vec![0.0; 2 * n],
            theta: vec![0.0; n],
            seen: vec![0.0; if self.between.is_some() { 2 * n } else { 0 }],
            tapes: vec![Tape::default(); if self.between.is_some() { n } else { 0 }],
            bias: vec![0.0; if self.between.is_some() { n } else { 0 }],
            terms: self.terms.as_ref().map(Terms::scratch),
        }
    }

    fn evaluate(&self, q: &[f64], gradient: &mut [f64], scratch: &mut Scratch) -> f64 {
        self.locate(q, scratch);
        scratch.adjoints.fill(Adjoint::default());
        let likelihood = match &self.observed {
            Observed::Counts(counts) => self.counts_density(counts, q, gradient, scratch),
            Observed::Estimates(known) => self.estimates_density(known, q, gradient, scratch),
        };
        let mut log_density = likelihood;
        for ((placed, at), below) in self.effects.iter().zip(&scratch.effects).zip(&scratch.adjoints) {
            log_density += at.log_density;
            placed.store(at.gradient(*below), gradient);
        }
        log_density
    }
}
