//! Departures from proportional odds in coordinates that can't leave: the active arm's cut points stay in order.
//!
//! With departures D_k by cut the active arm's gap between cut j and the next is gap_j + D_j − D_{j+1}, which must be above 0 for
//! every set of cut points: the smallest gap m_j of all sets is what counts. A departure is its coordinate where it is far from
//! its bounds, and bends away from them.

use super::Departure;
use crate::model::prior_slope::LocationSlope;
use crate::numeric::{logistic, softplus};

/// Departures and where their coordinates stand.
#[derive(Debug, Clone)]
pub struct Departs {
    at: usize,
    prior: LocationSlope,
    /// Centre and scale of the coordinates.
    centre: f64,
    scale: f64,
    /// f_j − f_{j+1} by gap, where there is one δ; none where every cut but the primary one has its own.
    steps: Option<Vec<f64>>,
    by_cut: Option<Vec<f64>>,
    primary: usize,
    cuts: usize,
}

/// A bend: a value above −m, with its derivatives by the coordinate and by m, and the logarithm of the former with its own.
#[derive(Debug, Clone, Copy)]
struct Bend {
    value: f64,
    by_y: f64,
    by_m: f64,
    log: f64,
    log_by_y: f64,
    log_by_m: f64,
}

/// `−m + (m/4) ln(1 + e^(4(y/m + 1)))`: above −m, and y where y is above 0.
fn bend(y: f64, m: f64) -> Bend {
    let z = 4.0 * (y / m + 1.0);
    let (share, beyond) = (logistic(z), softplus(z));
    let part = 0.25 * beyond - 1.0;
    Bend {
        value: m * part,
        by_y: share,
        by_m: part - share * y / m,
        log: -softplus(-z),
        log_by_y: (1.0 - share) * 4.0 / m,
        log_by_m: -(1.0 - share) * 4.0 * y / (m * m),
    }
}

/// A value between −l and u, which is y where y is small beside both: value, by y, by l, by u; then the same of the logarithm
/// of the derivative by y.
fn between(y: f64, l: f64, u: f64) -> ([f64; 4], [f64; 4]) {
    let width = l + u;
    let steep = width / (l * u);
    let q = y * steep + libm::log(l / u);
    let (p, bent) = (logistic(q), logistic(q) * logistic(-q));
    // steep = 1/l + 1/u.
    let (q_by_l, q_by_u) = (-y / (l * l) + 1.0 / l, -y / (u * u) - 1.0 / u);
    let value =
        [width * p - l, width * bent * steep, p - 1.0 + width * bent * q_by_l, p + width * bent * q_by_u];
    let turn = 1.0 - 2.0 * p;
    let log = [
        2.0 * libm::log(width) - libm::log(l) - libm::log(u) - softplus(q) - softplus(-q),
        turn * steep,
        2.0 / width - 1.0 / l + turn * q_by_l,
        2.0 / width - 1.0 / u + turn * q_by_u,
    ];
    (value, log)
}

/// The way back: slopes by the departures of the cuts, from which the gradient by the coordinates is written and that by the
/// smallest gaps added to.
type Back<'a> = (&'a [f64], &'a mut [f64], &'a mut [f64]);

impl Departs {
    /// At the next coordinates.
    pub fn new(of: &Departure, primary: usize, cuts: usize, dim: &mut usize) -> Departs {
        let prior = LocationSlope::of(&of.prior);
        let (centre, precision) = prior.stand_in();
        let steps = of.by_cut.as_ref().map(|f| f.windows(2).map(|w| w[0] - w[1]).collect());
        let at = *dim;
        *dim += if steps.is_some() { 1 } else { cuts - 1 };
        let scale = 1.0 / precision.sqrt();
        Departs { at, prior, centre, scale, steps, by_cut: of.by_cut.clone(), primary, cuts }
    }

    /// Fills in the departures by cut from the smallest gaps `m`. Returns the log density of their prior with the Jacobian of the
    /// coordinates.
    pub fn place(&self, q: &[f64], m: &[f64], out: &mut [f64]) -> f64 {
        self.through(q, m, out, None)
    }

    /// From the slopes of the density by the departures of the cuts: writes the gradient by the coordinates and adds that by the
    /// smallest gaps. Those of the prior and the Jacobian are included.
    pub fn back(&self, q: &[f64], m: &[f64], by_cut: &[f64], gradient: &mut [f64], by_m: &mut [f64]) {
        let mut placed = [0.0; crate::study::MOST_LEVELS];
        let _ = self.through(q, m, &mut placed[..self.cuts], Some((by_cut, gradient, by_m)));
    }

    fn through(&self, q: &[f64], m: &[f64], out: &mut [f64], back: Option<Back<'_>>) -> f64 {
        match (&self.steps, &self.by_cut) {
            (Some(steps), Some(f)) => self.one(q, m, (steps, f), out, back),
            _ => self.each(q, m, out, back),
        }
    }

    /// One δ for all cuts.
    fn one(
        &self,
        q: &[f64],
        m: &[f64],
        (steps, f): (&[f64], &[f64]),
        out: &mut [f64],
        back: Option<Back<'_>>,
    ) -> f64 {
        // gap_j + δ step_j > 0: δ > −m_j/step_j where the step is above 0, δ < m_j/|step_j| where it is below.
        let nearest = |sign: f64| {
            let bounds = steps.iter().zip(m).enumerate().filter(|(_, (s, _))| **s * sign > 0.0);
            bounds.map(|(j, (s, m))| (m / s.abs(), j)).min_by(|a, b| a.0.total_cmp(&b.0))
        };
        let (low, high) = (nearest(1.0), nearest(-1.0));
        let y = self.centre + self.scale * q[self.at];
        // Value, by y, by the lower and the upper bound's distance; and the same of the Jacobian's logarithm.
        let (value, log) = match (low, high) {
            (Some((l, _)), Some((u, _))) => between(y, l, u),
            (Some((l, _)), None) => {
                let b = bend(y, l);
                ([b.value, b.by_y, b.by_m, 0.0], [b.log, b.log_by_y, b.log_by_m, 0.0])
            }
            (None, Some((u, _))) => {
                let b = bend(-y, u);
                ([-b.value, b.by_y, 0.0, -b.by_m], [b.log, -b.log_by_y, 0.0, b.log_by_m])
            }
            (None, None) => ([y, 1.0, 0.0, 0.0], [0.0; 4]),
        };
        let delta = value[0];
        out.iter_mut().zip(f).for_each(|(d, f)| *d = delta * f);
        let (prior, slope) = self.prior.at(delta);
        if let Some((by_cut, gradient, by_m)) = back {
            let by_delta = slope + by_cut.iter().zip(f).map(|(s, f)| s * f).sum::<f64>();
            gradient[self.at] = self.scale * (by_delta * value[1] + log[1]);
            for (bound, i) in [(low, 2), (high, 3)] {
                if let Some((_, j)) = bound {
                    by_m[j] += (by_delta * value[i] + log[i]) / steps[j].abs();
                }
            }
        }
        prior + log[0]
    }

    /// A δ for every cut but the primary one: their steps from cut to cut each above the gap's negative.
    fn each(&self, q: &[f64], m: &[f64], out: &mut [f64], back: Option<Back<'_>>) -> f64 {
        let p = self.primary;
        let bent = |j: usize| bend(self.scale * q[self.at + j], m[j]);
        let mut log = 0.0;
        out[p] = 0.0;
        for j in p..self.cuts - 1 {
            let b = bent(j);
            out[j + 1] = out[j] - b.value;
            log += b.log;
        }
        for j in (0..p).rev() {
            let b = bent(j);
            out[j] = out[j + 1] + b.value;
            log += b.log;
        }
        let mut total = log;
        for (k, d) in out.iter().enumerate() {
            if k != p {
                total += self.prior.at(*d).0;
            }
        }
        let Some((by_cut, gradient, by_m)) = back else { return total };
        let slope = |k: usize| by_cut[k] + self.prior.at(out[k]).1;
        let mut store = |j: usize, by_value: f64| {
            let b = bent(j);
            gradient[self.at + j] = self.scale * (by_value * b.by_y + b.log_by_y);
            by_m[j] += by_value * b.by_m + b.log_by_m;
        };
        let mut beyond = 0.0;
        for j in (p..self.cuts - 1).rev() {
            beyond += slope(j + 1);
            store(j, -beyond);
        }
        beyond = 0.0;
        for j in 0..p {
            beyond += slope(j);
            store(j, beyond);
        }
        total
    }
}
