//! The joint posterior of (μ, τ), in rows of constant τ.

use super::Resolution;
use super::effect_likelihood::EffectLikelihood;
use super::kernel::{Alone, Kernel};
use super::scale::{NotConverged, ScaleMap, ScaleNode, Tail, TauPosterior, settle};
use super::smooth::{Smoother, log_sum};
use crate::model::{HeterogeneityPrior, LocationComponent, LocationPrior};
use crate::numeric::{
    LogInterpolant, LogTable, Peak, Placement, log_add_exp, normal_log_density, tabulate_with,
};

/// The shared μ at one τ, under one component of the effect prior.
#[derive(Debug, Clone)]
pub struct Row {
    pub tau: f64,
    pub component: LocationComponent,
    /// Log of the quadrature weight in τ times the prior density of τ; the component's weight is in `mu`.
    pub log_weight: f64,
    /// log p(μ) + Σ_g log L_g(μ, τ).
    pub mu: LogTable,
    /// log L_g(μ, τ) by node and informative subgroup.
    pub log_likelihood: Vec<Vec<f64>>,
    /// This row's share of the posterior.
    pub share: f64,
}

/// The rows, and what they sum to.
#[derive(Debug, Clone)]
pub struct Rows {
    pub rows: Vec<Row>,
    /// Log of the total mass: the marginal likelihood, without binomial coefficients.
    pub log_evidence: f64,
    /// Log of the rows' weights times their masses, all of them: what a density made of the rows must hold.
    pub log_total: f64,
    /// None where τ is fixed.
    pub tau: Option<TauPosterior>,
}

/// What the rows are made from.
pub struct RowMaker<'a> {
    pub subgroups: &'a [EffectLikelihood],
    pub effect: &'a LocationPrior,
    pub heterogeneity: HeterogeneityPrior,
    /// How effects are spread around μ, and log w̄ ∫ N(θ; m, s²) e^ℓ dθ of every subgroup where they may stand alone.
    pub kernel: Option<(&'a Kernel, &'a [f64])>,
    pub resolution: Resolution,
}

/// All components' rows at one τ.
struct TauNode {
    tau: f64,
    rows: Vec<Row>,
    log_mass: f64,
}

impl ScaleNode for TauNode {
    fn log_mass(&self) -> f64 {
        self.log_mass
    }

    fn tau(&self) -> f64 {
        self.tau
    }

    fn moments(&self) -> [f64; 2] {
        let mut moments = [0.0; 2];
        for row in &self.rows {
            let weight = libm::exp(row.log_weight + row.mu.log_mass - self.log_mass);
            moments[0] += weight * row.mu.mean();
            moments[1] += weight * row.mu.expect(|x| x * x);
        }
        moments
    }
}

impl RowMaker<'_> {
    /// Fills the plane of (μ, τ). Fails only where the integral does not settle.
    pub fn rows(&self, tau_moment_limit: f64) -> Result<Rows, NotConverged> {
        if let HeterogeneityPrior::Fixed { value } = self.heterogeneity {
            return Ok(collect(vec![self.node_at(value, 0.0)], 1.0, 1.0, None));
        }
        let map = ScaleMap::of(&self.heterogeneity);
        let tail = Tail { typical: self.heterogeneity.typical(), moment_limit: tau_moment_limit };
        let nodes = settle(self.resolution.heterogeneity(), tail, |t| {
            let (tau, log_slope) = map.at(t);
            self.node_at(tau, self.heterogeneity.log_density(tau) + log_slope)
        })?;
        let tau = TauPosterior::new(map, &nodes, tau_moment_limit);
        Ok(collect(nodes.nodes, nodes.step, self.heterogeneity.typical(), Some(tau)))
    }

    fn node_at(&self, tau: f64, log_weight: f64) -> TauNode {
        let rows: Vec<Row> = self
            .effect
            .components()
            .into_iter()
            .map(|component| self.row(tau, component, log_weight))
            .collect();
        let masses: Vec<f64> = rows.iter().map(|r| r.log_weight + r.mu.log_mass).collect();
        TauNode { tau, log_mass: log_sum(&masses), rows }
    }

    fn row(&self, tau: f64, component: LocationComponent, log_weight: f64) -> Row {
        let guess = self.expected_peak(tau, &component);
        let (mut terms, mut parts) = (Vec::with_capacity(128), Vec::new());
        let constant = component.log_constant();
        let (mu, log_likelihood) = tabulate_with(guess, self.placement(guess), |mu| {
            let each: Vec<f64> = match self.kernel {
                None => self.subgroups.iter().map(|s| s.log_marginal(mu, tau, &mut terms)).collect(),
                Some((kernel, alone)) => {
                    let of = |(g, s)| {
                        let space = (&mut terms, &mut parts);
                        kernel.log_marginal(s, alone.get(g).copied(), (mu, tau), space)
                    };
                    self.subgroups.iter().enumerate().map(of).collect()
                }
            };
            ((component.log_kernel(mu) + constant) + each.iter().sum::<f64>(), each)
        });
        Row { tau, component, log_weight, mu, log_likelihood, share: 0.0 }
    }

    /// Where effects are not normal μ may have a peak at each of them.
    fn placement(&self, guess: Peak) -> Placement {
        let usual = self.resolution.density();
        if self.kernel.is_none() {
            return usual;
        }
        let informed = self.subgroups.iter().filter(|s| s.normal.1 > 0.0);
        let farthest = informed.map(|s| (s.normal.0 - guess.centre).abs()).fold(0.0, f64::max);
        Placement { at_least: farthest, ..usual }
    }

    /// The posterior of μ at this τ if every ℓ_g were the normal it resembles.
    fn expected_peak(&self, tau: f64, component: &LocationComponent) -> Peak {
        let (mut precision, mut pull) = match component.peak() {
            Some(peak) => (1.0 / (peak.sd * peak.sd), peak.centre / (peak.sd * peak.sd)),
            None => (0.0, 0.0),
        };
        for subgroup in self.subgroups {
            let (centre, own) = subgroup.normal;
            if own > 0.0 {
                let marginal = 1.0 / (1.0 / own + tau * tau);
                precision += marginal;
                pull += marginal * centre;
            }
        }
        if precision > 0.0 {
            Peak { centre: pull / precision, sd: 1.0 / libm::sqrt(precision) }
        } else {
            Peak { centre: 0.0, sd: 1.0 }
        }
    }
}

impl Rows {
    /// The share of the posterior with μ outside an interval, node by node.
    pub fn share_outside(&self, (low, high): (f64, f64)) -> f64 {
        let of_row = |row: &Row| row.mu.expect(|mu| f64::from(u8::from(mu < low || mu > high)));
        self.rows.iter().map(|row| row.share * of_row(row)).sum()
    }

    /// The log mass of all rows without one informative subgroup, if they hold what they must: no mass at the ends of their tables
    /// nor at the largest τ, and as much in every other row as in the rest. None otherwise.
    pub fn without(&self, left_out: usize) -> Option<f64> {
        /// Mass at an end, or a change where every other node is left out.
        const DOUBTED: f64 = 1e-6;
        /// Rows of even number against those of odd number: the sum of both errs by less than its square.
        const UNEVEN: f64 = 1e-3;
        // Log mass and doubt by row.
        let of_row = |row: &Row| match RowPrediction::in_closed_form(row, 1) {
            Some(closed) => (row.log_weight + closed.log_mass(), 0.0),
            None => {
                let table = row.without(&[left_out]);
                (row.log_weight + table.log_mass, table.mass_at_ends().max(table.halving_change))
            }
        };
        let each: Vec<(f64, f64)> = self.rows.iter().map(of_row).collect();
        let total = log_sum(&each.iter().map(|row| row.0).collect::<Vec<_>>());
        if !total.is_finite() {
            return None;
        }
        let shares: Vec<f64> = each.iter().map(|row| libm::exp(row.0 - total)).collect();
        let doubt: f64 = each.iter().zip(&shares).map(|(row, share)| share * row.1).sum();
        // Rows of one τ, one a component of the effect's prior, stand together.
        let mut by_tau: Vec<(f64, f64)> = Vec::new();
        for (row, share) in self.rows.iter().zip(&shares) {
            match by_tau.last_mut() {
                Some((last, sum)) if *last == row.tau => *sum += share,
                _ => by_tau.push((row.tau, *share)),
            }
        }
        let uneven: f64 =
            by_tau.iter().enumerate().map(|(k, (_, s))| if k % 2 == 0 { *s } else { -s }).sum::<f64>();
        let many = by_tau.len() > 1;
        let farthest = by_tau.iter().max_by(|a, b| a.0.total_cmp(&b.0)).map_or(0.0, |row| row.1);
        let holds = doubt < DOUBTED && (!many || farthest < DOUBTED && uneven.abs() < UNEVEN);
        holds.then_some(total)
    }

    /// The share of the posterior with τ above this.
    pub fn share_above(&self, tau: f64) -> f64 {
        self.rows.iter().filter(|row| row.tau > tau).map(|row| row.share).sum()
    }
}

/// Rows that count for no sum, nor for a second moment in τ, are dropped.
fn collect(nodes: Vec<TauNode>, step: f64, typical: f64, tau: Option<TauPosterior>) -> Rows {
    let masses: Vec<f64> = nodes.iter().map(|n| n.log_mass).collect();
    let log_total = log_sum(&masses);
    let mut rows: Vec<Row> = nodes.into_iter().flat_map(|n| n.rows).collect();
    for row in &mut rows {
        row.share = libm::exp(row.log_weight + row.mu.log_mass - log_total);
    }
    let far = |tau: f64| 1.0 + (tau / typical) * (tau / typical);
    rows.retain(|row| row.share * far(row.tau) > 1e-14);
    Rows { rows, log_evidence: log_total + libm::log(step), log_total, tau }
}

impl Row {
    /// μ as the prior and the other subgroups have it, at the nodes that were placed with all.
    fn without(&self, left_out: &[usize]) -> LogTable {
        let of_others = |(f, each): (&f64, &Vec<f64>)| f - left_out.iter().map(|&g| each[g]).sum::<f64>();
        let values = self.mu.log_density.iter().zip(&self.log_likelihood).map(of_others).collect();
        LogTable::new(self.mu.grid.clone(), values)
    }
}

/// The μ of one row as the prior and the other subgroups have it: informative subgroups `left_out` are taken out again.
pub enum RowPrediction {
    /// Nobody else informs μ: the prior, in closed form.
    Normal {
        log_weight: f64,
        mean: f64,
        sd: f64,
    },
    Table {
        smoother: Box<Smoother>,
        peak: Peak,
        log_mass: f64,
    },
}

impl RowPrediction {
    pub fn new(row: &Row, left_out: &[usize]) -> RowPrediction {
        if let Some(closed) = RowPrediction::in_closed_form(row, left_out.len()) {
            return closed;
        }
        let table = row.without(left_out);
        let peak = table.sharpest();
        let smoother = Box::new(Smoother::new(&table.grid, &table.log_density));
        RowPrediction::Table { smoother, peak, log_mass: table.log_mass }
    }

    /// Where nobody but so many that are left out informs μ, and its prior is normal.
    fn in_closed_form(row: &Row, left_out: usize) -> Option<RowPrediction> {
        match row.component {
            LocationComponent::Normal(n) if row.log_likelihood[0].len() == left_out => {
                Some(RowPrediction::Normal { log_weight: libm::log(n.weight), mean: n.mean, sd: n.sd })
            }
            _ => None,
        }
    }

    /// Where μ lies, as narrowly as its steeper side.
    fn peak(&self) -> Peak {
        match self {
            RowPrediction::Normal { mean, sd, .. } => Peak { centre: *mean, sd: *sd },
            RowPrediction::Table { peak, .. } => *peak,
        }
    }

    /// `log ∫ p(μ) dμ`, up to the row's constant.
    fn log_mass(&self) -> f64 {
        match self {
            RowPrediction::Normal { log_weight, .. } => *log_weight,
            RowPrediction::Table { log_mass, .. } => *log_mass,
        }
    }

    /// `log ∫ N(x; μ, width²) p(μ) dμ`, up to the row's constant.
    pub fn log_smooth(&self, x: f64, width: f64, terms: &mut Vec<f64>) -> f64 {
        match self {
            RowPrediction::Normal { log_weight, mean, sd } => {
                log_weight + normal_log_density(x, *mean, libm::hypot(*sd, width))
            }
            RowPrediction::Table { smoother, .. } => smoother.log_smooth(x, width, terms),
        }
    }
}

/// What the prior and the other subgroups say about a θ: `log ∫∫ N(θ; μ, τ²) p(μ, τ | others) dμ dτ`, up to a constant.
pub struct Prediction {
    /// Log weight and τ of each row, and its μ.
    rows: Vec<(f64, f64, RowPrediction)>,
    /// The narrowest of the rows: its place, and μ's sd and τ together.
    core: Peak,
    /// Where effects are not normal around μ.
    parts: Option<Parts>,
    /// The log mass of all rows.
    log_mass: f64,
}

/// What an effect that is not normal around μ is a mixture of.
struct Parts {
    /// Log weight, sd around μ and row of every normal that counts.
    around: Vec<(f64, f64, usize)>,
    alone: Option<Alone>,
}

/// Normals of a row with less of the posterior than this are not summed.
const NEVER: f64 = 1e-14;

/// Rows with less of the posterior than this do not decide how finely a prediction is tabulated.
const HARDLY: f64 = 1e-9;

impl Prediction {
    /// `left_out` lists the informative subgroups whose own data are taken out again.
    pub fn new(rows: &Rows, left_out: &[usize], kernel: Option<&Kernel>) -> Prediction {
        let mut core: Option<Peak> = None;
        let made = rows.rows.iter().map(|row| {
            let prediction = RowPrediction::new(row, left_out);
            let own = prediction.peak();
            let sd = libm::hypot(own.sd, row.tau);
            if row.share > HARDLY && core.is_none_or(|c| sd < c.sd) {
                core = Some(Peak { centre: own.centre, sd });
            }
            (row.log_weight, row.tau, prediction)
        });
        let made: Vec<(f64, f64, RowPrediction)> = made.collect();
        let mut core = core.unwrap_or(Peak { centre: 0.0, sd: 1.0 });
        if let Some(alone) = kernel.and_then(Kernel::alone)
            && (alone.sd < core.sd || kernel.is_some_and(Kernel::is_all_alone))
        {
            core = Peak { centre: alone.mean, sd: alone.sd };
        }
        let parts = kernel.map(|kernel| {
            let mut around = Vec::new();
            for (i, (row, (weight, tau, _))) in rows.rows.iter().zip(&made).enumerate() {
                let counted = kernel.around().iter().filter(|part| row.share * part.weight > NEVER);
                around.extend(counted.map(|part| (weight + part.log_weight, part.scale * tau, i)));
            }
            Parts { around, alone: kernel.alone().copied() }
        });
        let log_mass = kernel.map_or(0.0, |_| {
            log_sum(&made.iter().map(|(weight, _, row)| weight + row.log_mass()).collect::<Vec<_>>())
        });
        Prediction { rows: made, core, parts, log_mass }
    }

    /// Whether μ itself is what is predicted, without a sum over τ: nothing is gained by tabulating it.
    pub fn is_direct(&self) -> bool {
        self.parts.is_none() && self.rows.iter().all(|row| row.1 == 0.0)
    }

    /// Where its finest feature lies: nodes that begin there and stretch outward resolve all of it.
    pub fn core(&self) -> Peak {
        self.core
    }

    /// The log density at `theta`; `terms` and `each` are working space.
    pub fn log_density(&self, theta: f64, terms: &mut Vec<f64>, each: &mut Vec<f64>) -> f64 {
        let Some(parts) = &self.parts else {
            each.clear();
            each.extend(
                self.rows.iter().map(|(weight, tau, row)| weight + row.log_smooth(theta, *tau, terms)),
            );
            return log_sum(each);
        };
        let around = self.log_density_around(theta, terms, each);
        match &parts.alone {
            Some(alone) => log_add_exp(around, alone.log_density(theta) + self.log_mass),
            None => around,
        }
    }

    /// Of an effect of the common distribution, times its share; `terms` and `each` are working space.
    pub fn log_density_around(&self, theta: f64, terms: &mut Vec<f64>, each: &mut Vec<f64>) -> f64 {
        let Some(parts) = &self.parts else { return self.log_density(theta, terms, each) };
        each.clear();
        each.extend(
            parts.around.iter().map(|(weight, sd, i)| weight + self.rows[*i].2.log_smooth(theta, *sd, terms)),
        );
        log_sum(each)
    }

    /// The log mass of what predicts.
    pub fn log_mass(&self) -> f64 {
        self.log_mass
    }
}

/// The posterior density of the shared mean μ, all rows together.
pub struct MeanDensity {
    rows: Vec<(f64, LogInterpolant)>,
}

impl MeanDensity {
    pub fn new(rows: &Rows) -> MeanDensity {
        MeanDensity {
            rows: rows
                .rows
                .iter()
                .map(|row| (row.log_weight, LogInterpolant::new(&row.mu.grid, &row.mu.log_density)))
                .collect(),
        }
    }

    pub fn log_density(&self, mu: f64, each: &mut Vec<f64>) -> f64 {
        each.clear();
        each.extend(self.rows.iter().map(|(weight, f)| weight + f.at(mu)));
        log_sum(each)
    }
}
