//! The plane of (μ, τ) with everything on it that no prior can change, so that a posterior under another prior is one
//! weighted sum.
//!
//! For every node the lattice holds the likelihood `Π_g L_g(μ, τ)` and, for each subgroup and each value asked for,
//! `P(θ_g > x | μ, τ, y_g)`. Nodes of μ are even in the argument of a sinh around the bulk of the data, those of τ in the
//! stretched coordinate of [`ScaleMap`]. A prior is resolved when leaving out every other node in either direction moves
//! the total by so little that its square is nothing; where it is not, or its mass runs off the lattice, there is no
//! answer, and the caller integrates anew.

use crate::parallel;

use super::Resolution;
use super::effect_likelihood::{EffectLikelihood, EffectRange};
use super::scale::ScaleMap;
use super::subgroup::SubgroupData;
use crate::model::{HeterogeneityPrior, LocationPrior};
use crate::numeric::{Grid, Peak, Placement, Weights, exp_of_nonpositive, normal_cdf, normal_log_density};

/// Nodes of μ: their distance in units of the stretch's scale.
const STEP: f64 = 0.075;

/// The scale of the stretch in units of the least distance between nodes.
const SCALE_IN_STEPS: f64 = 13.0;

/// The least distance between nodes of μ, in standard deviations of μ from the data at τ = 0, and at most.
const FINE: f64 = 0.5;

/// The same in sds of the narrowest prior.
const FINE_FOR_PRIORS: f64 = 0.6;

/// Nodes of τ in its stretched coordinate.
const TAU_STEP: f64 = 0.09375;
const TAU_FIRST: i32 = -33;

/// The farthest τ in units of the farthest θ.
const FARTHEST: f64 = 4.0;

/// A normal must span this many node distances to be summed on the nodes.
const RESOLVED: f64 = 1.1;

/// Beyond this many τ a normal is below 1e-16; a likelihood that outweighs that is noticed.
const REACH: f64 = 8.6;

/// Within so many τ of a value a normal lies on both sides of it.
const SEEN: f64 = 6.0;

/// Nodes of z where the nodes of μ do not resolve τ: even, 18 on either side of 0.
const Z_STEP: f64 = 0.45;
const Z_LAST: i32 = 18;

/// Leaving out every other node of μ may move the total by this part. An indefinite sum over all nodes errs by about as much
/// as a whole sum over half of them.
const SETTLED: f64 = 2e-6;

/// The same for τ, of which only whole sums are wanted: with all nodes the error is about its square.
const SETTLED_IN_TAU: f64 = 1e-4;

/// The part of the posterior that may stand at the ends of kernels.
const LOST: f64 = 1e-7;

/// The part of the posterior that may lie in the outermost nodes.
const AT_THE_EDGE: f64 = 1e-9;

/// The part of the posterior at a τ so wide that subgroup effects leave the lattice: what is beyond it is added to the
/// nearest percent or so.
const WIDE: f64 = 2e-4;

/// The plane of (μ, τ) with everything on it that is the same under all priors of μ and τ, so that the posterior
/// under another prior is one weighted sum.
pub struct Lattice {
    mu: Grid,
    /// τ and log dτ of each node; one node at a fixed τ, with no weight.
    tau: Vec<(f64, f64)>,
    fixed_tau: Option<f64>,
    /// `Π_g L_g`, scaled to a maximum of 1; rows of constant τ.
    likelihood: Vec<f64>,
    /// The part of the integrals over the θ_g that stands at the ends of their kernels: what lies beyond is lost.
    cut: Vec<f64>,
    /// `P(θ_g > x | μ, τ, y_g)` of each subgroup: by value, rows of constant τ.
    members: Vec<Vec<Vec<f64>>>,
}

/// One row of constant τ.
struct Line {
    log_likelihood: Vec<f64>,
    cut: Vec<f64>,
    members: Vec<Vec<Vec<f64>>>,
}

/// The range of priors that a lattice must resolve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Extent {
    /// A value of τ in the middle of its priors.
    pub typical: f64,
    /// The only value of τ, where τ is fixed; otherwise none.
    pub fixed_tau: Option<f64>,
    /// The farthest μ and θ that matter, which bounds τ too: some hundreds on log scales, more under heavy tails.
    pub reach: f64,
    /// The standard deviation of the narrowest prior of μ that is centred at no effect.
    pub narrowest: f64,
}

impl Lattice {
    /// The lattice for the data of these subgroups under partial pooling; `points` are the values x of P(θ_g > x).
    pub fn new(
        data: &[impl SubgroupData],
        extent: Extent,
        points: &[f64],
        resolution: Resolution,
    ) -> Lattice {
        let range = EffectRange { centre: 0.0, sd: 2.0, reach: 2.0 * extent.reach };
        let likelihoods: Vec<Option<EffectLikelihood>> =
            parallel::map(data, |d| d.informs_effect().then(|| d.likelihood(range, resolution)));
        let mu = nodes_of_mu(&likelihoods, &extent, resolution);
        let tau = match extent.fixed_tau {
            Some(tau) => vec![(tau, 0.0)],
            None => {
                let map = ScaleMap::HalfLine { scale: extent.typical };
                let step = TAU_STEP / resolution.refinement;
                let first = (f64::from(TAU_FIRST) * resolution.refinement) as i32;
                let last = libm::ceil(libm::log(FARTHEST * extent.reach / extent.typical) / step) as i32;
                let at = |j: i32| {
                    let (tau, log_slope) = map.at(step * f64::from(j));
                    (tau, log_slope + libm::log(step))
                };
                (first..=last).map(at).collect()
            }
        };
        let surface = Surface::new(&mu, &likelihoods, points);
        let lines: Vec<Line> = parallel::map(&tau, |&(tau, _)| surface.line(tau));
        let mut lattice = Lattice {
            likelihood: Vec::new(),
            cut: Vec::new(),
            members: vec![vec![Vec::new(); points.len()]; data.len()],
            mu,
            tau,
            fixed_tau: extent.fixed_tau,
        };
        for line in lines {
            lattice.likelihood.extend(line.log_likelihood);
            lattice.cut.extend(line.cut);
            for (all, new) in lattice.members.iter_mut().zip(line.members) {
                all.iter_mut().zip(new).for_each(|(all, new)| all.extend(new));
            }
        }
        let log_scale = lattice.likelihood.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        for value in &mut lattice.likelihood {
            *value = libm::exp(*value - log_scale);
        }
        lattice
    }

    /// P(θ_g > x) by subgroup and value of x under these priors; none where the lattice does not resolve them.
    pub fn under(&self, effect: &LocationPrior, heterogeneity: &HeterogeneityPrior) -> Option<Vec<Vec<f64>>> {
        let posterior = self.posterior(effect, heterogeneity)?;
        Some(self.members.iter().map(|m| posterior.expect_each(m)).collect())
    }

    /// P(θ_g > x) by value of x in subgroup `g` under these priors; none where the lattice does not resolve them.
    pub fn subgroup_under(
        &self,
        g: usize,
        effect: &LocationPrior,
        heterogeneity: &HeterogeneityPrior,
    ) -> Option<Vec<f64>> {
        Some(self.posterior(effect, heterogeneity)?.expect_each(&self.members[g]))
    }

    /// Whether this prior of τ can be asked about at all.
    fn has(&self, heterogeneity: &HeterogeneityPrior) -> bool {
        match (heterogeneity, self.fixed_tau) {
            (HeterogeneityPrior::Fixed { value }, Some(tau)) => *value == tau,
            // A density that ends in a step is not what even nodes converge on.
            (HeterogeneityPrior::Fixed { .. } | HeterogeneityPrior::Uniform { .. }, None) => false,
            (_, fixed) => fixed.is_none(),
        }
    }

    /// The share of every node.
    fn posterior(&self, effect: &LocationPrior, heterogeneity: &HeterogeneityPrior) -> Option<Shares> {
        if !effect.is_proper() || !self.has(heterogeneity) {
            return None;
        }
        let components = effect.components();
        let density = |x: f64| components.iter().map(|c| libm::exp(c.log_density(x))).sum::<f64>();
        let n = self.mu.x.len();
        let by_mu: Vec<f64> = self.mu.x.iter().zip(&self.mu.weight).map(|(&x, &w)| w * density(x)).collect();
        let of_tau = |&(tau, log_slope): &(f64, f64)| libm::exp(heterogeneity.log_density(tau) + log_slope);
        let by_tau: Vec<f64> = match self.fixed_tau {
            Some(_) => vec![1.0],
            None => self.tau.iter().map(of_tau).collect(),
        };
        let mut mass = vec![0.0; self.likelihood.len()];
        let (mut even_mu, mut edges, mut row_totals) = (0.0, 0.0, Vec::with_capacity(by_tau.len()));
        let rows = mass.chunks_exact_mut(n).zip(self.likelihood.chunks_exact(n));
        for ((row, likelihood), &q) in rows.zip(&by_tau) {
            let mut pairs = [0.0; 2];
            for (i, ((m, &l), &p)) in row.iter_mut().zip(likelihood).zip(&by_mu).enumerate() {
                *m = l * p * q;
                pairs[i % 2] += *m;
            }
            even_mu += pairs[0];
            edges += row[0] + row[n - 1];
            row_totals.push(pairs[0] + pairs[1]);
        }
        let total: f64 = row_totals.iter().sum();
        let even_tau: f64 = row_totals.iter().step_by(2).sum();
        let moved = |even: f64| (2.0 * even / total - 1.0).abs();
        let ends = row_totals[0] + row_totals[row_totals.len() - 1];
        let reach = self.mu.x[n - 1].abs().min(self.mu.x[0].abs());
        let wide =
            self.tau.iter().zip(&row_totals).filter(|(t, _)| t.0 > reach / REACH).map(|r| r.1).sum::<f64>();
        let tau_resolved = self.fixed_tau.is_some()
            || moved(even_tau) < SETTLED_IN_TAU && ends < AT_THE_EDGE * total && wide < WIDE * total;
        let sound = total > 0.0
            && total.is_finite()
            && dot(&mass, &self.cut) < LOST * total
            && moved(even_mu) < SETTLED
            && edges < AT_THE_EDGE * total
            && tau_resolved;
        sound.then_some(Shares { mass, total })
    }
}

/// The posterior mass of every node under one prior, up to its total.
struct Shares {
    mass: Vec<f64>,
    total: f64,
}

impl Shares {
    /// Of values at all nodes.
    fn expect_each(&self, values: &[Vec<f64>]) -> Vec<f64> {
        values.iter().map(|v| (dot(&self.mass, v) / self.total).clamp(0.0, 1.0)).collect()
    }
}

/// Fine around no effect, where priors are narrow, if that is fine enough for what the data say; else around that. On to
/// the farthest.
fn nodes_of_mu(likelihoods: &[Option<EffectLikelihood>], extent: &Extent, resolution: Resolution) -> Grid {
    let (mut precision, mut pull) = (0.0, 0.0);
    for (centre, own) in likelihoods.iter().flatten().map(|l| l.normal).filter(|n| n.1 > 0.0) {
        precision += own;
        pull += own * centre;
    }
    let centre: f64 = if precision > 0.0 { pull / precision } else { 0.0 };
    let needed = if precision > 0.0 { FINE / libm::sqrt(precision) } else { f64::INFINITY };
    let finest = needed.min(FINE_FOR_PRIORS * extent.narrowest);
    let spacing_there = STEP * libm::hypot(SCALE_IN_STEPS * finest, centre);
    let centre = if spacing_there <= needed { 0.0 } else { centre };
    // Around a peak the grid's stretch has a scale of four standard deviations.
    let scale = SCALE_IN_STEPS * finest;
    let step = STEP / resolution.refinement;
    let end = libm::ceil(libm::asinh((extent.reach + centre.abs()) / scale) / step) as i32;
    let peak = Peak { centre, sd: 0.25 * scale };
    Grid::around(peak, Placement { step: 4.0 * step, tolerance: 1.0, at_least: 0.0 }, -end, end)
}

/// For the indefinite sum over the nodes: how much of each lies above `x`.
fn weights_above(grid: &Grid, x: f64) -> Vec<f64> {
    let weights = Weights::at(grid.position(x));
    (0..grid.x.len()).map(|i| 1.0 - weights.of(i)).collect()
}

/// What a line of the lattice is made from.
struct Surface<'a> {
    grid: &'a Grid,
    points: &'a [f64],
    likelihoods: &'a [Option<EffectLikelihood>],
    /// e^ℓ at the nodes, scaled to a maximum of 1, times the node's weight; and the log of the scale.
    weighted: Vec<Vec<f64>>,
    log_scales: Vec<f64>,
    /// The same times how much of each node lies above each value.
    weighted_above: Vec<Vec<Vec<f64>>>,
}

impl<'a> Surface<'a> {
    fn new(grid: &'a Grid, likelihoods: &'a [Option<EffectLikelihood>], points: &'a [f64]) -> Surface<'a> {
        let mut log_scales = Vec::new();
        let mut weighted: Vec<Vec<f64>> = Vec::new();
        for likelihood in likelihoods {
            let log: Vec<f64> =
                grid.x.iter().map(|&x| likelihood.as_ref().map_or(0.0, |l| l.at(x))).collect();
            let high = log.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            log_scales.push(high);
            weighted.push(log.iter().zip(&grid.weight).map(|(&f, &w)| w * libm::exp(f - high)).collect());
        }
        let above: Vec<Vec<f64>> = points.iter().map(|&x| weights_above(grid, x)).collect();
        let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).collect();
        let weighted_above = weighted.iter().map(|w| above.iter().map(|a| product(w, a)).collect()).collect();
        Surface { grid, points, likelihoods, weighted, log_scales, weighted_above }
    }

    fn line(&self, tau: f64) -> Line {
        let members = self.weighted.len();
        let n = self.grid.x.len();
        let mut line = Line {
            log_likelihood: vec![0.0; n],
            cut: vec![0.0; n],
            members: vec![vec![vec![0.0; n]; self.points.len()]; members],
        };
        let mut kernel = vec![0.0; n];
        let narrow = Narrow::new(self, tau);
        // One way for the whole line: the weights of an indefinite sum belong together.
        let wide_line = self.resolves_around_values(tau);
        for i in 0..n {
            let x = self.grid.x[i];
            let wide = wide_line && tau >= RESOLVED * self.grid.spacing(x);
            let (first, last) = if wide { self.fill_kernel(&mut kernel, i, tau) } else { (0, 0) };
            for g in 0..members {
                let own = &self.weighted[g];
                let (total, mut parts, edge): (f64, Vec<f64>, f64) = if wide {
                    let [low, high] = self.beyond_the_ends(g, i, tau);
                    let sum = |values: &[f64]| dot(&values[first..last], &kernel[first..last]);
                    let above = self.weighted_above[g].iter().map(|a| sum(a) + high);
                    // The lattice's own ends are accounted for; those of the kernel are not.
                    let term = |k: usize, inner: bool| if inner { own[k] * kernel[k] } else { 0.0 };
                    let edge = term(first, first > 0) + term(last - 1, last < n);
                    (sum(own) + low + high, above.collect(), edge)
                } else {
                    narrow.at(i, self.likelihoods[g].as_ref(), self.log_scales[g])
                };
                if wide_line && !wide {
                    // Far from every value, on one side of it.
                    parts = self.points.iter().map(|&v| if x > v { total } else { 0.0 }).collect();
                }
                line.log_likelihood[i] += libm::log(total) + self.log_scales[g];
                if edge > 0.0 {
                    line.cut[i] += (edge / total).min(1.0);
                }
                for (row, part) in line.members[g].iter_mut().zip(parts) {
                    row[i] = if total > 0.0 { part / total } else { 0.0 };
                }
            }
        }
        line
    }

    /// The mass below the first node and above the last: there ℓ is what it is at the end. The end nodes' own cells reach
    /// half a step further.
    fn beyond_the_ends(&self, g: usize, i: usize, tau: f64) -> [f64; 2] {
        let (x, weight) = (&self.grid.x, &self.grid.weight);
        let end = |k: usize, side: f64| {
            let edge = x[k] + side * 0.5 * weight[k];
            let z = side * (x[i] - edge) / tau;
            if z < -REACH { 0.0 } else { normal_cdf(z) * self.weighted[g][k] / weight[k] }
        };
        [end(0, -1.0), end(x.len() - 1, 1.0)]
    }

    /// Whether the nodes resolve a normal of width τ wherever it reaches a value asked for.
    fn resolves_around_values(&self, tau: f64) -> bool {
        let spacing = |x: f64| self.grid.spacing(x);
        let widest = |&x: &f64| spacing(x - SEEN * tau).max(spacing(x + SEEN * tau));
        tau > 0.0 && self.points.iter().map(widest).all(|h| tau >= RESOLVED * h)
    }

    /// The normal of width τ around node `i`, at the nodes where it is not nothing.
    fn fill_kernel(&self, kernel: &mut [f64], i: usize, tau: f64) -> (usize, usize) {
        let x = &self.grid.x;
        let centre = x[i];
        let first = x.partition_point(|&u| u < centre - REACH * tau);
        let last = x.partition_point(|&u| u <= centre + REACH * tau);
        let unit = 1.0 / tau;
        let height = unit * std::f64::consts::FRAC_1_SQRT_2 / libm::sqrt(std::f64::consts::PI);
        for (value, &u) in kernel[first..last].iter_mut().zip(&x[first..last]) {
            let z = (u - centre) * unit;
            *value = height * exp_of_nonpositive(-0.5 * z * z);
        }
        (first, last)
    }
}

/// `Σ aᵢ bᵢ`, four partial sums in a fixed order.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut partial = [0.0; 4];
    let (left, right) = (a.chunks_exact(4), b.chunks_exact(4));
    let rest: f64 = left.remainder().iter().zip(right.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in left.zip(right) {
        for lane in 0..4 {
            partial[lane] += a[lane] * b[lane];
        }
    }
    (partial[0] + partial[1]) + (partial[2] + partial[3]) + rest
}

/// A τ too narrow for the nodes: even nodes of z, θ = μ + τ z. A value x is passed at μ = x − τ z, where the
/// indefinite sum over μ is taken.
struct Narrow {
    nodes: Vec<(f64, f64, Vec<Weights>)>,
    grid: Vec<f64>,
}

impl Narrow {
    fn new(surface: &Surface<'_>, tau: f64) -> Narrow {
        let position = |x: f64| Weights::at(surface.grid.position(x));
        let node = |z: f64, weight: f64| {
            (tau * z, weight, surface.points.iter().map(|&x| position(x - tau * z)).collect())
        };
        let nodes = if tau == 0.0 {
            vec![node(0.0, 1.0)]
        } else {
            let weight = |z: f64| Z_STEP * libm::exp(normal_log_density(z, 0.0, 1.0));
            (-Z_LAST..=Z_LAST).map(|m| Z_STEP * f64::from(m)).map(|z| node(z, weight(z))).collect()
        };
        Narrow { nodes, grid: surface.grid.x.clone() }
    }

    /// L_g at node `i` (scaled), its parts above each value, and its terms at the ends of z.
    fn at(&self, i: usize, likelihood: Option<&EffectLikelihood>, log_scale: f64) -> (f64, Vec<f64>, f64) {
        let values = self.nodes.first().map_or(0, |n| n.2.len());
        let (mut total, mut parts, mut edge) = (0.0, vec![0.0; values], 0.0);
        let last = self.nodes.len() - 1;
        for (k, (shift, weight, above)) in self.nodes.iter().enumerate() {
            let f = likelihood.map_or(1.0, |l| libm::exp(l.at(self.grid[i] + shift) - log_scale));
            total += weight * f;
            if last > 0 && (k == 0 || k == last) {
                edge += weight * f;
            }
            for (part, w) in parts.iter_mut().zip(above) {
                *part += weight * f * (1.0 - w.of(i));
            }
        }
        (total, parts, edge)
    }
}
