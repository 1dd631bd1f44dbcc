//! The density that the sampler walks on is the posterior, and its gradient is the derivative.
//!
//! `Hierarchy` is held against a second statement of the same posterior, written from the formulas and over
//! any dual number: the log posterior of the natural parameters μ, τ, θ, α as a sum of named densities
//! ([`log_posterior`]), the coordinates as centres and units of conditional normals ([`natural_at`]) with the
//! log of their Jacobian. Its gradient comes from dual numbers. Independent of those coordinates, the density
//! is held against the natural log posterior at the parameters that `Hierarchy` itself reports, plus the log
//! determinant of their numerical derivatives. The two share no code with the crate but the priors' `typical`
//! values, on which only the choice of coordinates depends.
//!
//! Models: every heterogeneity prior with 1, 2, 5 and 22 subgroups, partial, separate and complete pooling,
//! counts and estimates; priors and data by a generator with a fixed seed.

use crate::common;

use common::{Worst, cells_of, recounted};
use equipoise::density::LogDensity;
use equipoise::model::{
    Arm, BaselineOf, BaselinePrior, Baselines, BinomialPair, Cells, CorrelatedEstimates, HeterogeneityPrior,
    Hierarchy, LocationPrior, Model, NormalComponent, NormalEstimate, Observation, Parameters, Pooling,
};
use num_dual::{Dual64, DualNum};

/// A number with derivatives, or f64 without any.
trait Number: DualNum<Primitive = f64> + Copy {}
impl<D: DualNum<Primitive = f64> + Copy> Number for D {}

const NO_HETEROGENEITY: HeterogeneityPrior = HeterogeneityPrior::Fixed { value: 0.0 };

// ---- The posterior from its formulas ----

/// The natural parameters. One μ and τ, or one a subgroup.
struct Natural<D> {
    mu: Vec<D>,
    tau: Vec<D>,
    baseline: Option<(D, D)>,
    theta: Vec<D>,
    alpha: Vec<D>,
}

fn log_normal<D: Number>(x: D, mean: D, variance: D) -> D {
    -((x - mean).powi(2) / variance + variance.ln()) * 0.5
}

fn log_student_t<D: Number>(x: D, df: f64) -> D {
    -(x.powi(2) / df).ln_1p() * (0.5 * (df + 1.0))
}

fn log_location<D: Number>(prior: &LocationPrior, x: D) -> D {
    match prior {
        LocationPrior::Normals(normals) => {
            let part =
                |n: &NormalComponent| log_normal(x, D::from(n.mean), D::from(n.sd * n.sd)) + n.weight.ln();
            let highest = normals.iter().map(|n| part(n).re()).fold(f64::NEG_INFINITY, f64::max);
            normals.iter().map(|n| (part(n) - highest).exp()).sum::<D>().ln() + highest
        }
        LocationPrior::StudentT { df, location, scale } => log_student_t((x - *location) / *scale, *df),
        // The beta's density of the risk, times that of the risk by its log odds.
        LocationPrior::LogitBeta { a, b } => log_binomial(Arm { events: *a, total: a + b }, x),
        LocationPrior::Flat => D::from(0.0),
    }
}

/// The log density of the standard deviation itself, not of its logarithm.
fn log_scale<D: Number>(prior: HeterogeneityPrior, tau: D) -> D {
    match prior {
        HeterogeneityPrior::HalfNormal { scale } => -(tau / scale).powi(2) * 0.5,
        HeterogeneityPrior::HalfStudentT { df, scale } => log_student_t(tau / scale, df),
        HeterogeneityPrior::Exponential { mean } => -tau / mean,
        HeterogeneityPrior::LogNormal { mean, sd } => {
            log_normal(tau.ln(), D::from(mean), D::from(sd * sd)) - tau.ln()
        }
        HeterogeneityPrior::Uniform { .. } | HeterogeneityPrior::Fixed { .. } => D::from(0.0),
    }
}

/// y log p + (n − y) log(1 − p).
fn log_binomial<D: Number>(arm: Arm, log_odds: D) -> D {
    let tail = (if log_odds.re() > 0.0 { -log_odds } else { log_odds }).exp().ln_1p();
    let (log_p, log_rest) =
        if log_odds.re() > 0.0 { (-tail, -log_odds - tail) } else { (log_odds - tail, -tail) };
    log_p * arm.events + log_rest * (arm.total - arm.events)
}

fn heterogeneity(model: &Model) -> HeterogeneityPrior {
    model.pooling.heterogeneity().unwrap_or(NO_HETEROGENEITY)
}

/// By how much of the effect the control arm lies below the baseline.
fn share_of_control(cells: &Cells) -> f64 {
    if cells.baselines().of == BaselineOf::Arms { 0.5 } else { 0.0 }
}

fn log_posterior<D: Number>(model: &Model, at: &Natural<D>) -> D {
    let of = |v: &[D], g: usize| v[g % v.len()];
    let mut sum = D::from(0.0);
    for (&mu, &tau) in at.mu.iter().zip(&at.tau) {
        sum += log_location(&model.effect, mu) + log_scale(heterogeneity(model), tau);
    }
    match &model.observation {
        Observation::Correlated(estimates) => {
            let size = estimates.rows().len();
            let mut v: Vec<D> = estimates.covariance().iter().map(|&x| D::from(x)).collect();
            for g in 0..size {
                v[g * size + g] += of(&at.tau, g).powi(2);
            }
            let mut apart: Vec<D> = estimates
                .rows()
                .iter()
                .enumerate()
                .map(|(g, r)| D::from(r.estimate) - of(&at.mu, g))
                .collect();
            // Elimination: each pivot is the variance of an estimate given those before it.
            for k in 0..size {
                sum += log_normal(apart[k], D::from(0.0), v[k * size + k]);
                for i in k + 1..size {
                    let by = v[i * size + k] / v[k * size + k];
                    let pulled = apart[k];
                    apart[i] -= by * pulled;
                    for j in k + 1..size {
                        let moved = v[k * size + j];
                        v[i * size + j] -= by * moved;
                    }
                }
            }
        }
        Observation::Estimates(rows) => {
            for (g, row) in rows.iter().enumerate().filter(|(_, row)| row.se.is_finite()) {
                let variance = of(&at.tau, g).powi(2) + row.se * row.se;
                sum += log_normal(D::from(row.estimate), of(&at.mu, g), variance);
            }
        }
        Observation::Cells(cells) => {
            let prior = &cells.baselines().prior;
            for (g, cell) in cells.pairs().iter().enumerate() {
                let (theta, alpha) = (at.theta[g], at.alpha[g]);
                if heterogeneity(model) != NO_HETEROGENEITY {
                    sum += log_normal(theta, of(&at.mu, g), of(&at.tau, g).powi(2));
                }
                sum += match (prior, at.baseline) {
                    (BaselinePrior::Independent(prior), _) => log_location(prior, alpha),
                    (_, Some((_, sd))) if sd.re() == 0.0 => D::from(0.0),
                    (_, Some((mean, sd))) => log_normal(alpha, mean, sd.powi(2)),
                    (_, None) => panic!("an exchangeable baseline has a mean and an sd"),
                };
                let below = share_of_control(cells);
                sum += log_binomial(cell.control, alpha - theta * below);
                sum += log_binomial(cell.active, alpha + theta * (1.0 - below));
            }
            if let (BaselinePrior::Exchangeable { mean, sd }, Some((m, s))) = (prior, at.baseline) {
                sum += log_location(mean, m) + log_scale(*sd, s);
            }
        }
    }
    sum
}

// ---- The coordinates from their description ----

/// A rough normal: centre and precision.
type Rough = (f64, f64);

fn combined(parts: &[Rough]) -> Rough {
    let precision: f64 = parts.iter().map(|p| p.1).sum();
    let centre: f64 = parts.iter().map(|p| p.0 * p.1).sum();
    (if precision > 0.0 { centre / precision } else { 0.0 }, precision)
}

/// The precision of a sum or difference of independent parts.
fn of_sum(p: f64, q: f64) -> f64 {
    if p > 0.0 && q > 0.0 { 1.0 / (1.0 / p + 1.0 / q) } else { 0.0 }
}

fn rough_prior(prior: &LocationPrior) -> Rough {
    match prior {
        LocationPrior::Normals(normals) => {
            let mean: f64 = normals.iter().map(|n| n.weight * n.mean).sum();
            let spread = |n: &NormalComponent| n.weight * (n.sd.powi(2) + (n.mean - mean).powi(2));
            (mean, 1.0 / normals.iter().map(spread).sum::<f64>())
        }
        LocationPrior::StudentT { location, scale, .. } => (*location, scale.powi(-2)),
        LocationPrior::LogitBeta { a, b } => ((a / b).ln(), a * b / (a + b)),
        LocationPrior::Flat => (0.0, 0.0),
    }
}

/// The same for a member of a population with that mean.
fn rough_member(mean: &LocationPrior, sd: HeterogeneityPrior) -> Rough {
    let (centre, precision) = rough_prior(mean);
    (centre, of_sum(precision, sd.typical().powi(-2)))
}

fn rough_arm(arm: Arm) -> Rough {
    let (events, others) = (arm.events + 0.5, arm.total - arm.events + 0.5);
    let precision = if arm.total > 0.0 { 1.0 / (1.0 / events + 1.0 / others) } else { 0.0 };
    ((events / others).ln(), precision)
}

/// Where an arm has no events, or nothing but events: the side on which nothing bounds its log odds; else 0.
fn open_side(arm: Arm) -> f64 {
    if arm.total == 0.0 || (arm.events > 0.0 && arm.events < arm.total) {
        0.0
    } else if arm.events == 0.0 {
        -1.0
    } else {
        1.0
    }
}

/// The mean of what pairs of statements say, weighted, and the sum of the weights.
fn of_pairs(pairs: &[Rough]) -> Rough {
    combined(&pairs.iter().copied().filter(|p| p.1 > 0.0).collect::<Vec<_>>())
}

/// What a subgroup says of its effect. Any two of its three statements, x₀ of α − s θ, x₁ of α + (1 − s) θ and the prior's of
/// α, make an effect; their weight is the product of the precisions and of the squared determinant (Cauchy–Binet).
fn rough_effect(cell: &BinomialPair, below: f64, (centre, p): Rough) -> (f64, f64, f64) {
    let ((x0, i0), (x1, i1)) = (rough_arm(cell.control), rough_arm(cell.active));
    let above = 1.0 - below;
    let by_control = if below > 0.0 { ((centre - x0) / below, p * i0 * below * below) } else { (0.0, 0.0) };
    let (x, weight) =
        of_pairs(&[(x1 - x0, i0 * i1), by_control, ((x1 - centre) / above, p * i1 * above * above)]);
    let information = if weight > 0.0 { weight / (i0 + i1 + p) } else { 0.0 };
    // Nothing keeps the effect from going up (down) where each arm that depends on it is open to where it goes.
    let free = |side: f64| {
        (cell.active.total == 0.0 || open_side(cell.active) == side)
            && (below == 0.0 || cell.control.total == 0.0 || open_side(cell.control) == -side)
    };
    let open = match (free(-1.0), free(1.0)) {
        (true, false) => -1.0,
        (false, true) => 1.0,
        _ => 0.0,
    };
    (x, if open != 0.0 && below == 0.0 { 4.0 * information } else { information }, open)
}

/// The same of its baseline, with the prior's statement of θ, 0, instead.
fn rough_baseline(cell: &BinomialPair, below: f64, p: f64) -> Rough {
    let ((x0, i0), (x1, i1)) = (rough_arm(cell.control), rough_arm(cell.active));
    let of_effect = i0 * below * below + i1 * (1.0 - below) * (1.0 - below) + p;
    if of_effect == 0.0 {
        return (x0, i0);
    }
    let both = (1.0 - below) * x0 + below * x1;
    let (x, weight) = of_pairs(&[(both, i0 * i1), (x0, i0 * p), (x1, i1 * p)]);
    (x, weight / of_effect)
}

/// Where α is placed given θ, with what precision, and to which side it is open: the mean of what bounds it, pushed by walls.
fn placed_baseline<D: Number>(cell: &BinomialPair, below: f64, prior: Rough, theta: D) -> (D, f64, f64) {
    let arms = [(cell.control, theta * below), (cell.active, theta * (below - 1.0))];
    let said = arms.map(|(arm, moved)| (moved + rough_arm(arm).0, rough_arm(arm).1, open_side(arm)));
    let total = prior.1 + said[0].1 + said[1].1;
    let mut walls: Vec<usize> = (0..2).filter(|&i| said[i].1 > 0.0 && said[i].2 != 0.0).collect();
    let bounded = prior.1 > 0.0 || (0..2).any(|i| said[i].1 > 0.0 && said[i].2 == 0.0);
    let mut open = 0.0;
    if !bounded {
        let sides: Vec<f64> = walls.iter().map(|&i| said[i].2).collect();
        // A child in a level: the first wall stands for what bounds it, the second one if it is on the same side is a wall.
        open =
            if sides.windows(2).all(|w| w[0] == w[1]) { sides.first().copied().unwrap_or(0.0) } else { 0.0 };
        walls = if walls.len() == 2 && open != 0.0 { vec![1] } else { vec![] };
    }
    let (mut sum, mut precision) = (D::from(prior.0 * prior.1), prior.1);
    for i in (0..2).filter(|i| !walls.contains(i)) {
        sum += said[i].0 * said[i].1;
        precision += said[i].1;
    }
    let rest = if precision > 0.0 { sum / precision } else { D::from(prior.0) };
    let mut place = rest;
    for i in walls {
        let (x, information, side) = said[i];
        let width = (1.0 / information + 1.0 / precision).sqrt();
        // Two walls on one side are as the nearer of them, softly.
        let share = if open == 0.0 { information / total } else { 1.0 };
        place += log_one_plus_exp((x - rest) * (side / width)) * (side * share * width);
    }
    (place, total, open)
}

fn log_one_plus_exp<D: Number>(x: D) -> D {
    if x.re() > 0.0 { x + (-x).exp().ln_1p() } else { x.exp().ln_1p() }
}

/// Reads coordinates one after the other and gathers the log Jacobian.
struct Walk<'q, D> {
    q: &'q [D],
    log_jacobian: D,
}

impl<D: Number> Walk<'_, D> {
    fn next(&mut self) -> D {
        let (first, rest) = self.q.split_first().expect("as many coordinates as the model has");
        self.q = rest;
        *first
    }

    fn softplus(&mut self, scale: f64) -> D {
        let u = self.next();
        self.log_jacobian -= (-u).exp().ln_1p();
        u.exp().ln_1p() * scale
    }

    /// A location by the normal that it has given the scale, and the scale by its own coordinate.
    fn level(&mut self, prior: &LocationPrior, scale: HeterogeneityPrior, children: &[Rough]) -> (D, D) {
        let y = self.next();
        let sigma = match scale {
            HeterogeneityPrior::Fixed { value } => D::from(value),
            HeterogeneityPrior::Uniform { upper } => {
                // Φ, to first order.
                let u = self.next();
                let at = u.re();
                let density = (-0.5 * at * at).exp() / std::f64::consts::TAU.sqrt();
                self.log_jacobian -= u.powi(2) * 0.5;
                ((u - at) * density + equipoise::numeric::normal_cdf(at)) * upper
            }
            // Light tails, s log(1 + e^u); s is the prior's scale.
            HeterogeneityPrior::HalfNormal { scale } | HeterogeneityPrior::Exponential { mean: scale } => {
                self.softplus(scale)
            }
            HeterogeneityPrior::HalfStudentT { df, scale } if df >= 10.0 => self.softplus(scale),
            _ => {
                let u = self.next();
                self.log_jacobian += u;
                u.exp()
            }
        };
        let (centre, mut own) = rough_prior(prior);
        if own == 0.0 && children.iter().all(|c| c.1 == 0.0) {
            own = 1.0;
        }
        let (mut precision, mut sum) = (D::from(own), D::from(own * centre));
        for &(x, information) in children.iter().filter(|c| c.1 > 0.0) {
            let k = (sigma.powi(2) + 1.0 / information).recip();
            precision += k;
            sum += k * x;
        }
        self.log_jacobian -= precision.ln() * 0.5;
        (sum / precision + y / precision.sqrt(), sigma)
    }

    /// A child by the normal that it has given its level and what is roughly known of it.
    fn child(&mut self, (location, sigma): (D, D), known: D, (information, open): (f64, f64)) -> D {
        let z = self.next();
        if sigma.re() == 0.0 {
            // An idle coordinate: standard normal.
            self.log_jacobian -= z.powi(2) * 0.5;
            return location;
        }
        let between = sigma.powi(-2);
        let precision = between + information;
        let closed = (between * location + known * information) / precision + z / precision.sqrt();
        if open == 0.0 {
            self.log_jacobian -= precision.ln() * 0.5;
            return closed;
        }
        // Of the width of the data to one side, of the population's to the other.
        let narrow = precision.sqrt().recip();
        let share = ((z * -open).exp() + 1.0).recip();
        self.log_jacobian += (narrow + (sigma - narrow) * share).ln();
        closed + (sigma - narrow) * log_one_plus_exp(z * open) * open
    }
}

/// The natural parameters at `q`, and the log determinant of their derivatives, up to a constant. Of
/// estimates θ is left out.
fn natural_at<D: Number>(model: &Model, q: &[D]) -> (Natural<D>, D) {
    let mut walk = Walk { q, log_jacobian: D::from(0.0) };
    let cells = model.observation.cells();
    let below = cells.map_or(0.0, share_of_control);
    let counts = cells.map_or(&[][..], Cells::pairs);
    let hints: Vec<(f64, f64, f64)> = match &model.observation {
        Observation::Estimates(rows) => rows.iter().map(|r| (r.estimate, r.se.powi(-2), 0.0)).collect(),
        Observation::Correlated(estimates) => {
            // As known together as their mean is, and around where it is.
            let rows = estimates.rows();
            let weights: Vec<f64> =
                estimates.precision().chunks(rows.len()).map(|row| row.iter().sum::<f64>()).collect();
            let own: Vec<f64> = rows.iter().map(|r| r.se.powi(-2)).collect();
            let mean = |w: &[f64]| {
                w.iter().zip(rows).map(|(w, r)| w * r.estimate).sum::<f64>() / w.iter().sum::<f64>()
            };
            let share = weights.iter().sum::<f64>() / own.iter().sum::<f64>();
            let moved = mean(&weights) - mean(&own);
            rows.iter().zip(&own).map(|(r, i)| (r.estimate + moved, share * i, 0.0)).collect()
        }
        Observation::Cells(cells) => {
            let prior = match &cells.baselines().prior {
                BaselinePrior::Independent(prior) => rough_prior(prior),
                BaselinePrior::Exchangeable { mean, sd } => rough_member(mean, *sd),
            };
            counts.iter().map(|cell| rough_effect(cell, below, prior)).collect()
        }
    };
    let prior = heterogeneity(model);
    let groups = if matches!(model.pooling, Pooling::Separate(_)) { 1 } else { hints.len() };
    let rough = |hints: &[(f64, f64, f64)]| hints.iter().map(|h| (h.0, h.1)).collect::<Vec<Rough>>();
    let levels: Vec<(D, D)> =
        hints.chunks(groups).map(|children| walk.level(&model.effect, prior, &rough(children))).collect();
    let level = |g: usize| levels[g % levels.len()];
    let prior_of_baselines = model.observation.baseline_prior();
    let baseline = match prior_of_baselines {
        Some(BaselinePrior::Exchangeable { mean, sd }) => {
            let effect = rough_member(&model.effect, prior).1;
            let hint = |cell: &BinomialPair| rough_baseline(cell, below, effect);
            Some(walk.level(mean, *sd, &counts.iter().map(hint).collect::<Vec<_>>()))
        }
        _ => None,
    };
    let mut theta: Vec<D> = (0..counts.len()).map(|g| level(g).0).collect();
    if prior != NO_HETEROGENEITY {
        for (g, theta) in theta.iter_mut().enumerate() {
            *theta = walk.child(level(g), D::from(hints[g].0), (hints[g].1, hints[g].2));
        }
    }
    let mut alpha = Vec::new();
    for (cell, &theta) in counts.iter().zip(&theta) {
        alpha.push(match (prior_of_baselines, baseline) {
            (Some(BaselinePrior::Independent(prior)), _) => {
                let (place, precision, _) = placed_baseline(cell, below, rough_prior(prior), theta);
                // The Jacobian is constant.
                place + walk.next() / precision.sqrt()
            }
            (_, level) => {
                let (place, information, open) = placed_baseline(cell, below, (0.0, 0.0), theta);
                walk.child(level.expect("placed above"), place, (information, open))
            }
        });
    }
    assert!(walk.q.is_empty(), "{} coordinates were not used", walk.q.len());
    let (mu, tau) = levels.into_iter().unzip();
    (Natural { mu, tau, baseline, theta, alpha }, walk.log_jacobian)
}

fn log_density<D: Number>(model: &Model, q: &[D]) -> D {
    let (natural, log_jacobian) = natural_at(model, q);
    log_posterior(model, &natural) + log_jacobian
}

// ---- Models and points ----

/// Knuth's linear congruential generator; the high bits are used.
struct Lcg(u64);

impl Lcg {
    fn uniform(&mut self, low: f64, high: f64) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        low + (high - low) * ((self.0 >> 11) as f64 / (1u64 << 53) as f64)
    }

    fn below(&mut self, n: usize) -> usize {
        self.uniform(0.0, n as f64) as usize
    }

    fn location(&mut self, kinds: usize) -> LocationPrior {
        let (mean, sd) = (self.uniform(-0.6, 0.6), self.uniform(0.2, 2.0));
        match self.below(kinds) {
            0 => LocationPrior::normal(mean, sd),
            1 => LocationPrior::Normals(vec![
                NormalComponent { weight: 0.7, mean, sd },
                NormalComponent { weight: 0.3, mean: mean + 1.0, sd: 0.3 * sd },
            ]),
            2 => LocationPrior::StudentT { df: self.uniform(1.0, 8.0), location: mean, scale: sd },
            _ => LocationPrior::Flat,
        }
    }

    /// A baseline's own: beta priors of a risk too.
    fn baseline(&mut self) -> LocationPrior {
        if self.below(4) == 0 {
            LocationPrior::LogitBeta { a: self.uniform(0.3, 6.0), b: self.uniform(0.3, 20.0) }
        } else {
            self.location(3)
        }
    }

    fn arm(&mut self) -> Arm {
        let total = [0.0, 3.0, 40.0, 40.0, 700.0, 1e6][self.below(6)];
        let share = [0.0, 1.0, self.uniform(0.02, 0.98), self.uniform(0.2, 0.8)][self.below(4)];
        Arm { events: f64::round(total * share), total }
    }

    fn estimate(&mut self) -> NormalEstimate {
        let se = [f64::INFINITY, 0.001, self.uniform(0.1, 1.0), self.uniform(0.1, 1.0)][self.below(4)];
        NormalEstimate::new(self.uniform(-1.5, 1.5), se)
    }

    /// Estimates with errors of a common source, of sources of their own, and of neighbours'.
    fn correlated(&mut self, subgroups: usize) -> Observation {
        let estimates: Vec<f64> = (0..subgroups).map(|_| self.uniform(-1.5, 1.5)).collect();
        let common: Vec<f64> = (0..subgroups).map(|_| self.uniform(-0.3, 0.4)).collect();
        let own: Vec<f64> = (0..subgroups).map(|_| self.uniform(0.02, 0.5)).collect();
        let next: Vec<f64> = (0..subgroups).map(|_| self.uniform(-0.2, 0.2)).collect();
        let element = |k: usize| {
            let (a, b) = (k / subgroups, k % subgroups);
            let (low, high) = (a.min(b), a.max(b));
            let neighbours = match high - low {
                0 => own[a] * own[a] + next[a] * next[a],
                1 => next[low] * own[high],
                _ => 0.0,
            };
            let above = if a == b && a > 0 { next[a - 1] * next[a - 1] } else { 0.0 };
            common[a] * common[b] + neighbours + above
        };
        let matrix = (0..subgroups * subgroups).map(element).collect();
        Observation::Correlated(CorrelatedEstimates::of_matrix(&estimates, matrix).expect("definite"))
    }

    fn model(&mut self, subgroups: usize, counts: bool, pooling: Pooling) -> Model {
        let observation = if counts {
            let mut pair = |_| BinomialPair::new(self.arm(), self.arm());
            let pairs = (0..subgroups).map(&mut pair).collect();
            Observation::Cells(Cells::new(pairs, Baselines::default()))
        } else {
            Observation::Estimates((0..subgroups).map(|_| self.estimate()).collect())
        };
        // Drawn for estimates too, which have none.
        let prior = match self.below(2) {
            0 => BaselinePrior::Independent(self.baseline()),
            _ => {
                let sds = scale_priors(self);
                BaselinePrior::Exchangeable { mean: self.location(4), sd: sds[self.below(sds.len())] }
            }
        };
        let effect = self.location(4);
        let of = [BaselineOf::Control, BaselineOf::Arms][self.below(2)];
        Model { observation: observation.with_baselines(Baselines { prior, of }), pooling, effect }
    }

    /// Coordinates up to ±`reach`, about the middle.
    fn point(&mut self, middle: &[f64], reach: f64) -> Vec<f64> {
        middle.iter().map(|m| (m + self.uniform(-reach, reach)).clamp(-4.0, 4.0)).collect()
    }
}

fn scale_priors(lcg: &mut Lcg) -> Vec<HeterogeneityPrior> {
    let scale = lcg.uniform(0.1, 1.5);
    vec![
        HeterogeneityPrior::HalfNormal { scale },
        HeterogeneityPrior::HalfStudentT { df: 4.0, scale },
        HeterogeneityPrior::HalfStudentT { df: 1.0, scale },
        HeterogeneityPrior::HalfStudentT { df: 12.0, scale },
        HeterogeneityPrior::Exponential { mean: scale },
        HeterogeneityPrior::LogNormal { mean: scale.ln(), sd: lcg.uniform(0.3, 1.2) },
        HeterogeneityPrior::Uniform { upper: 2.0 * scale },
        HeterogeneityPrior::Fixed { value: scale },
        NO_HETEROGENEITY,
    ]
}

/// Calls with each of 168 models and five points, its middle, near and far; and with 76 models of correlated estimates.
fn everywhere(mut hold: impl FnMut(&Model, &Hierarchy, &[Vec<f64>])) {
    let mut lcg = Lcg(20_260_721);
    for subgroups in [1, 2, 5, 22] {
        for counts in [true, false] {
            let priors = scale_priors(&mut lcg);
            let poolings = priors.iter().flat_map(|&p| [Pooling::Partial(p), Pooling::Separate(p)]);
            for pooling in poolings.chain([Pooling::Complete, Pooling::Complete, Pooling::Complete]) {
                let model = lcg.model(subgroups, counts, pooling);
                let hierarchy = Hierarchy::new(&model);
                let middle = hierarchy.middle();
                let points: Vec<_> = [0.0, 0.5, 1.5, 4.0, 4.0].map(|r| lcg.point(&middle, r)).into();
                hold(&model, &hierarchy, &points);
            }
        }
    }
    for subgroups in [1, 2, 5, 9] {
        let priors = scale_priors(&mut lcg);
        let poolings = priors.iter().flat_map(|&p| [Pooling::Partial(p), Pooling::Separate(p)]);
        for pooling in poolings.chain([Pooling::Complete]) {
            let model =
                Model { observation: lcg.correlated(subgroups), ..lcg.model(subgroups, false, pooling) };
            let hierarchy = Hierarchy::new(&model);
            let middle = hierarchy.middle();
            let points: Vec<_> = [0.0, 0.5, 1.5, 4.0].map(|r| lcg.point(&middle, r)).into();
            hold(&model, &hierarchy, &points);
        }
    }
}

/// The size of the terms whose sum is the density: n log odds may cancel against n log(1 + e^log odds).
fn largest_term(model: &Model, hierarchy: &Hierarchy, q: &[f64]) -> f64 {
    let Some(cells) = model.observation.cells() else { return 0.0 };
    let mut scratch = hierarchy.scratch();
    let at = hierarchy.parameters(q, &[], &mut scratch);
    let patients = cells.pairs().iter().map(|c| c.control.total + c.active.total).fold(0.0, f64::max);
    patients * (1.0 + largest(at.alpha) + largest(at.theta))
}

fn value_and_gradient(hierarchy: &Hierarchy, q: &[f64]) -> (f64, Vec<f64>) {
    // Nothing of what stood there before may be left.
    let mut gradient = vec![f64::NAN; hierarchy.dim()];
    let value = hierarchy.evaluate(q, &mut gradient, &mut hierarchy.scratch());
    (value, gradient)
}

fn largest(v: &[f64]) -> f64 {
    v.iter().fold(0.0, |high, x| x.abs().max(high))
}

/// The derivative at 0 by five points: errs by h⁴/30 of the fifth derivative and by rounding of about 1.5
/// ε|f|/h.
fn derivative<const N: usize>(h: f64, f: impl Fn(f64) -> [f64; N]) -> [f64; N] {
    let [a, b, c, d] = [-2.0, -1.0, 1.0, 2.0].map(|k| f(k * h));
    std::array::from_fn(|i| ((a[i] - d[i]) + 8.0 * (c[i] - b[i])) / (12.0 * h))
}

#[test]
fn the_gradient_agrees_with_central_differences() {
    let h = 5e-4;
    let mut worst = Worst::default();
    everywhere(|model, hierarchy, points| {
        for q in points {
            let (value, gradient) = value_and_gradient(hierarchy, q);
            // Near the middle coordinates have unit scale and h⁴ is 6e-14; far out an effect moves by some
            // 50 a unit, and rare events go with e^θ: the fifth derivative is then 1e6 of the gradient or
            // more. Rounding is of the terms of p, which cancel.
            let scale = 1.0 + largest(&gradient) + 4e-4 * (value.abs() + largest_term(model, hierarchy, q));
            for i in 0..q.len() {
                let [slope] = derivative(h, |step| {
                    let mut q = q.clone();
                    q[i] += step;
                    [value_and_gradient(hierarchy, &q).0]
                });
                worst.hold(|| format!("{model:?} at {q:?}, {i}"), gradient[i], slope, scale);
            }
        }
    });
    worst.within(1e-8, 10_000);
}

#[test]
fn the_gradient_agrees_with_dual_numbers() {
    let mut worst = Worst::default();
    everywhere(|model, hierarchy, points| {
        for q in points {
            let (_, gradient) = value_and_gradient(hierarchy, q);
            let scale = 1.0 + largest(&gradient);
            let mut dual: Vec<Dual64> = q.iter().map(|&x| Dual64::from(x)).collect();
            for i in 0..q.len() {
                dual[i].eps = 1.0;
                let slope = log_density(model, &dual).eps;
                dual[i].eps = 0.0;
                worst.hold(|| format!("{model:?} at {q:?}, {i}"), gradient[i], slope, scale);
            }
        }
    });
    // Between the arms both slopes of a cell of a million patients lead to θ, and cancel: 3.1e-11 is what rounding leaves there.
    worst.within(4e-11, 10_000);
}

/// The natural parameters that the crate reports, one after the other, those that are sampled.
fn listed(model: &Model, at: &Parameters) -> Vec<f64> {
    let mut list: Vec<f64> = at.mu.into_iter().chain(at.tau).collect();
    if let Some(prior) = model.observation.baseline_prior() {
        if let BaselinePrior::Exchangeable { sd, .. } = prior {
            list.extend(at.baseline_mean);
            list.extend(at.baseline_sd.filter(|_| !matches!(sd, HeterogeneityPrior::Fixed { .. })));
        }
        list.extend(at.theta.iter().filter(|_| heterogeneity(model) != NO_HETEROGENEITY));
        list.extend(at.alpha);
    }
    list
}

/// log |det| by elimination with partial pivoting.
fn log_determinant(mut m: Vec<Vec<f64>>) -> f64 {
    let mut log = 0.0;
    for k in 0..m.len() {
        let pivot = (k..m.len()).max_by(|&i, &j| m[i][k].abs().total_cmp(&m[j][k].abs())).expect("a row");
        m.swap(k, pivot);
        let top = m[k].clone();
        log += top[k].abs().ln();
        for row in &mut m[k + 1..] {
            let factor = row[k] / top[k];
            row.iter_mut().zip(&top).skip(k).for_each(|(x, t)| *x -= factor * t);
        }
    }
    log
}

/// The natural log posterior at the crate's parameters and the log of their numerical Jacobian; none where
/// the parameters are not all exposed or do not determine the coordinates.
fn from_reported_parameters(model: &Model, hierarchy: &Hierarchy, q: &[f64]) -> Option<f64> {
    let subgroups = hierarchy.subgroups();
    let mut scratch = hierarchy.scratch();
    let idle = vec![0.0; subgroups];
    let at = hierarchy.parameters(q, &idle, &mut scratch);
    let natural = Natural {
        mu: vec![at.mu?],
        tau: vec![at.tau.unwrap_or(heterogeneity(model).typical())],
        baseline: at.baseline_mean.zip(at.baseline_sd),
        theta: at.theta.to_vec(),
        alpha: at.alpha.to_vec(),
    };
    if listed(model, &at).len() != q.len() || at.baseline_sd == Some(0.0) {
        return None;
    }
    let columns = (0..q.len()).map(|i| {
        // At most 2 × 22 + 4 parameters.
        derivative::<48>(1e-3, |step| {
            let mut q = q.to_vec();
            q[i] += step;
            let mut list = listed(model, &hierarchy.parameters(&q, &idle, &mut hierarchy.scratch()));
            list.resize(48, 0.0);
            list.try_into().expect("48")
        })[..q.len()]
            .to_vec()
    });
    Some(log_posterior(model, &natural) + log_determinant(columns.collect()))
}

#[test]
fn the_density_is_the_natural_posterior_times_the_jacobian() {
    let (mut by_formula, mut by_report) = (Worst::default(), Worst::default());
    everywhere(|model, hierarchy, points| {
        let constants = |q: &Vec<f64>| {
            let value = value_and_gradient(hierarchy, q).0;
            let reported = from_reported_parameters(model, hierarchy, q);
            (value, value - log_density(model, q), reported.map(|log_p| value - log_p))
        };
        let (first, formula, reported) = constants(&points[0]);
        for q in &points[1..] {
            let (value, again, reported_again) = constants(q);
            let scale = 1.0 + value.abs() + first.abs() + largest_term(model, hierarchy, q);
            by_formula.hold(|| format!("{model:?} at {q:?}"), again, formula, scale);
            if let (Some(again), Some(constant)) = (reported_again, reported) {
                by_report.hold(|| format!("{model:?} at {q:?}"), again, constant, scale);
            }
        }
    });
    by_formula.within(1e-12, 600);
    // Numerical derivatives.
    by_report.within(1e-10, 250);
}

/// By the conjugate normal: precision 1/se² + 1/τ².
#[test]
fn integrated_effects_are_placed_in_their_conditional_normal() {
    let mut worst = Worst::default();
    everywhere(|model, hierarchy, points| {
        let Some(rows) = model.observation.estimates() else { return };
        for q in points {
            let natural = natural_at(model, q).0;
            for standard in [0.0, 1.0, -2.5] {
                let mut scratch = hierarchy.scratch();
                let at = hierarchy.parameters(q, &vec![standard; rows.len()], &mut scratch);
                for (g, row) in rows.iter().enumerate() {
                    let (mu, tau) = (natural.mu[g % natural.mu.len()], natural.tau[g % natural.tau.len()]);
                    let what = || format!("subgroup {g} of {model:?} at {q:?}, {standard}");
                    worst.hold(what, at.mu.unwrap_or(mu), mu, 1.0 + mu.abs());
                    worst.hold(what, at.tau.unwrap_or(tau), tau, tau.max(1e-300));
                    let expected = if tau > 0.0 {
                        let precision = row.se.powi(-2) + tau.powi(-2);
                        let mean = (row.estimate * row.se.powi(-2) + mu * tau.powi(-2)) / precision;
                        mean + standard / precision.sqrt()
                    } else {
                        mu
                    };
                    worst.hold(what, at.theta[g], expected, 1.0 + mu.abs() + tau);
                }
            }
        }
    });
    worst.within(1e-13, 10_000);
}

#[test]
fn beyond_the_range_of_numbers_nothing_panics_and_a_finite_density_has_a_finite_gradient() {
    let (mut finite, mut beyond) = (0, 0);
    everywhere(|model, hierarchy, points| {
        let far = [30.0, 100.0, 300.0, 1e3, -1e3, 1e200, -1e200, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
        for x in far {
            let alone = (0..hierarchy.dim()).map(|i| {
                let mut q = points[0].clone();
                q[i] = x;
                q
            });
            for q in alone.chain([vec![x; hierarchy.dim()]]) {
                let (value, gradient) = value_and_gradient(hierarchy, &q);
                let idle = vec![0.0; hierarchy.subgroups()];
                hierarchy.parameters(&q, &idle, &mut hierarchy.scratch());
                assert!(x.is_finite() || !value.is_finite(), "{model:?} at {q:?}: {value}");
                assert!(value != f64::INFINITY, "{model:?} at {q:?}");
                // Past e^236 the cube of a standard deviation overflows, and with it the gradient, long after
                // the density has fallen to nothing.
                let whole = gradient.iter().all(|g| g.is_finite()) || x > 100.0;
                assert!(whole || !value.is_finite(), "{model:?} at {q:?}: {value}, {gradient:?}");
                *(if value.is_finite() { &mut finite } else { &mut beyond }) += 1;
            }
        }
    });
    assert!(finite > 5_000 && beyond > 5_000, "{finite} finite, {beyond} beyond");
}

/// The arms exchanged, and what the priors say of the effect with its sign changed.
fn exchanged(model: &Model) -> Model {
    let pairs = cells_of(model).pairs().iter().map(|c| BinomialPair::new(c.active, c.control)).collect();
    Model { effect: model.effect.mirrored(), ..recounted(model, pairs) }
}

/// Outcomes counted the other way, and all priors with their signs changed.
fn flipped(model: &Model) -> Model {
    let cells = cells_of(model);
    let arm = |a: Arm| Arm { events: a.total - a.events, ..a };
    let pairs = cells.pairs().iter().map(|c| BinomialPair::new(arm(c.control), arm(c.active))).collect();
    let baseline = match &cells.baselines().prior {
        BaselinePrior::Independent(prior) => BaselinePrior::Independent(prior.mirrored()),
        BaselinePrior::Exchangeable { mean, sd } => {
            BaselinePrior::Exchangeable { mean: mean.mirrored(), sd: *sd }
        }
    };
    Model { effect: model.effect.mirrored(), ..recounted(model, pairs).with_baseline(baseline) }
}

/// Coordinates of a level's location and of its children follow a change of sign of what they stand for; those of scales stay.
fn coordinates_mirrored(
    model: &Model,
    hierarchy: &Hierarchy,
    q: &[f64],
    (theta, alpha): (f64, f64),
) -> Vec<f64> {
    let n = hierarchy.subgroups();
    let sampled = |p: HeterogeneityPrior| !matches!(p, HeterogeneityPrior::Fixed { .. });
    let levels = if matches!(model.pooling, Pooling::Separate(_)) { n } else { 1 };
    let mut signs = Vec::new();
    let mut level = |sign: f64, scale: bool| {
        signs.push(sign);
        signs.extend(scale.then_some(1.0));
    };
    (0..levels).for_each(|_| level(theta, sampled(heterogeneity(model))));
    if let Some(BaselinePrior::Exchangeable { sd, .. }) = model.observation.baseline_prior() {
        level(alpha, sampled(*sd));
    }
    let children = if heterogeneity(model) == NO_HETEROGENEITY { 0 } else { n };
    signs.extend(std::iter::repeat_n(theta, children));
    signs.extend(std::iter::repeat_n(alpha, n));
    assert_eq!(signs.len(), q.len());
    q.iter().zip(signs).map(|(q, sign)| q * sign).collect()
}

#[test]
fn exchanging_the_arms_with_the_effect_prior_mirrored_mirrors_the_density_where_baselines_lie_between_them() {
    let mut worst = Worst::default();
    everywhere(|model, hierarchy, points| {
        if model.observation.cells().is_none_or(|cells| cells.baselines().of != BaselineOf::Arms) {
            return;
        }
        let other = Hierarchy::new(&exchanged(model));
        for q in points {
            let mirrored = coordinates_mirrored(model, hierarchy, q, (-1.0, 1.0));
            let (value, again) =
                (value_and_gradient(hierarchy, q).0, value_and_gradient(&other, &mirrored).0);
            worst.hold(
                || format!("{model:?} at {q:?}"),
                again,
                value,
                1.0 + largest_term(model, hierarchy, q),
            );
            let (mut own, mut there) = (hierarchy.scratch(), other.scratch());
            let (at, to) =
                (hierarchy.parameters(q, &[], &mut own), other.parameters(&mirrored, &[], &mut there));
            for g in 0..hierarchy.subgroups() {
                let size = 1.0 + largest(at.theta) + largest(at.alpha);
                worst.hold(|| format!("theta of {model:?} at {q:?}"), to.theta[g], -at.theta[g], size);
                worst.hold(|| format!("alpha of {model:?} at {q:?}"), to.alpha[g], at.alpha[g], size);
            }
        }
    });
    worst.within(1e-12, 500);
}

#[test]
fn counting_the_outcome_the_other_way_with_all_priors_mirrored_mirrors_the_density() {
    let mut worst = Worst::default();
    everywhere(|model, hierarchy, points| {
        if model.observation.cells().is_none() {
            return;
        }
        let other = Hierarchy::new(&flipped(model));
        for q in points {
            let mirrored = coordinates_mirrored(model, hierarchy, q, (-1.0, -1.0));
            let (value, again) =
                (value_and_gradient(hierarchy, q).0, value_and_gradient(&other, &mirrored).0);
            worst.hold(
                || format!("{model:?} at {q:?}"),
                again,
                value,
                1.0 + largest_term(model, hierarchy, q),
            );
        }
    });
    worst.within(1e-12, 300);
}
