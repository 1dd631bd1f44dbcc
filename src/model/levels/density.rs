//! Levels in the sampler's coordinates, with the gradient.

use super::Levels;
use super::departs::Departs;
use crate::model::binomial::{log_likelihood_of_cells, log_likelihood_of_each};
use crate::model::rows::{Terms, TermsScratch};
use crate::numeric::{logistic, softplus_of_both};

/// Cut points, and departures of the active arm, with their coordinates.
///
/// A gap between neighbouring cuts is ln(1 + e^t), which makes its factor 1 − e^(−gap) = σ(t) a binomial cell too.
#[derive(Debug, Clone)]
pub struct LevelsDensity {
    levels: Levels,
    /// Where the t begin: by set of cut points, one a gap.
    at: usize,
    centre: Vec<f64>,
    scale: Vec<f64>,
    /// Patients that fall between two cuts, in arms that have the gap itself; with the prior's. By set and gap.
    inner: Vec<f64>,
    /// Of the active arms where these depart, by subgroup and gap.
    active_inner: Vec<f64>,
    /// By cell: control arms, then active arms, each with its cuts.
    events: Vec<f64>,
    totals: Vec<f64>,
    /// Of the prior, by set and cut.
    prior_events: Vec<f64>,
    prior_totals: Vec<f64>,
    /// The logarithm of the prior's constant, and the beta distribution of the primary cut that has its place elsewhere.
    constant: f64,
    risk: (f64, f64),
    departs: Option<Departs>,
    /// Coefficients and centres over the cells of the cuts.
    terms: Option<Terms>,
}

/// Working memory.
#[derive(Debug, Clone)]
pub struct LevelsScratch {
    /// By set and gap: the gap, σ(t) and its logarithm.
    gaps: Vec<f64>,
    shares: Vec<f64>,
    logs_of_shares: Vec<f64>,
    /// The log odds of each cut beside the primary one's, by set.
    pub offsets: Vec<f64>,
    /// Departures by cut; empty where odds are proportional.
    pub departures: Vec<f64>,
    /// The smallest gaps of all sets, with the sets that they are of.
    smallest: Vec<f64>,
    of_set: Vec<usize>,
    x: Vec<f64>,
    slopes: Vec<f64>,
    /// By set and cut.
    prior_x: Vec<f64>,
    prior_values: Vec<f64>,
    prior_slopes: Vec<f64>,
    by_offset: Vec<f64>,
    by_departure: Vec<f64>,
    by_gap: Vec<f64>,
    by_smallest: Vec<f64>,
    /// The density's slope by the log odds that the prior is of, by set.
    pub by_base: Vec<f64>,
}

impl LevelsDensity {
    /// At the next coordinates; `terms` are coefficients over the cells of the cuts.
    pub fn new(levels: &Levels, terms: Option<Terms>, dim: &mut usize) -> LevelsDensity {
        let (n, cuts, sets) = (levels.counts.len(), levels.cuts(), levels.sets());
        let gaps = cuts - 1;
        let a = &levels.concentrations;
        let mut inner = vec![0.0; sets * gaps];
        let mut active_inner = vec![0.0; if levels.departure.is_some() { n * gaps } else { 0 }];
        for set in 0..sets {
            (0..gaps).for_each(|j| inner[set * gaps + j] += a[j + 1]);
        }
        for (g, arms) in levels.counts.iter().enumerate() {
            let set = levels.set_of(g);
            for j in 0..gaps {
                inner[set * gaps + j] += arms[0][j + 1];
                match active_inner.get_mut(g * gaps + j) {
                    Some(of_active) => *of_active += arms[1][j + 1],
                    None => inner[set * gaps + j] += arms[1][j + 1],
                }
            }
        }
        let cells = || (0..2).flat_map(|arm| levels.counts.iter().map(move |arms| &arms[arm]));
        let events = cells().flat_map(|of| of[1..].iter().copied()).collect();
        let totals = cells().flat_map(|of| of.windows(2).map(|w| w[0] + w[1])).collect();
        let at = *dim;
        *dim += sets * gaps;
        let (centre, scale) = hints(levels);
        let departs = levels.departure.as_ref().map(|d| Departs::new(d, levels.primary, cuts, dim));
        let sum: f64 = a.iter().sum();
        let risk = levels.risk();
        let own = |x: f64| libm::lgamma(x);
        // Of the Dirichlet, over that of its margin at the primary cut.
        let constant = own(sum)
            - a.iter().map(|x| own(*x)).sum::<f64>()
            - (own(risk.0 + risk.1) - own(risk.0) - own(risk.1));
        LevelsDensity {
            at,
            centre,
            scale,
            inner,
            active_inner,
            events,
            totals,
            prior_events: a[1..].repeat(sets),
            prior_totals: a.windows(2).map(|w| w[0] + w[1]).collect::<Vec<f64>>().repeat(sets),
            constant,
            risk,
            departs,
            terms,
            levels: levels.clone(),
        }
    }

    pub fn terms(&self) -> Option<&Terms> {
        self.terms.as_ref()
    }

    pub fn terms_mut(&mut self) -> Option<&mut Terms> {
        self.terms.as_mut()
    }

    pub fn scratch(&self) -> LevelsScratch {
        let (n, cuts, sets) = (self.levels.counts.len(), self.levels.cuts(), self.levels.sets());
        let gaps = cuts - 1;
        let departs = self.departs.is_some();
        LevelsScratch {
            gaps: vec![0.0; sets * gaps],
            shares: vec![0.0; sets * gaps],
            logs_of_shares: vec![0.0; sets * gaps],
            offsets: vec![0.0; sets * cuts],
            departures: vec![0.0; if departs { cuts } else { 0 }],
            smallest: vec![0.0; gaps],
            of_set: vec![0; gaps],
            x: vec![0.0; 2 * n * cuts],
            slopes: vec![0.0; 2 * n * cuts],
            prior_x: vec![0.0; sets * cuts],
            prior_values: vec![0.0; sets * cuts],
            prior_slopes: vec![0.0; sets * cuts],
            by_offset: vec![0.0; sets * cuts],
            by_departure: vec![0.0; cuts],
            by_gap: vec![0.0; sets * gaps],
            by_smallest: vec![0.0; gaps],
            by_base: vec![0.0; sets],
        }
    }

    /// Cut points and departures at `q`; returns the log density of the departures' prior.
    pub fn place(&self, q: &[f64], scratch: &mut LevelsScratch) -> f64 {
        let (cuts, sets) = (self.levels.cuts(), self.levels.sets());
        let gaps = cuts - 1;
        for i in 0..sets * gaps {
            let t = self.centre[i] + self.scale[i] * q[self.at + i];
            let [gap, rest] = softplus_of_both(t);
            (scratch.gaps[i], scratch.logs_of_shares[i]) = (gap, -rest);
            scratch.shares[i] = logistic(t);
        }
        for set in 0..sets {
            let of = &scratch.gaps[set * gaps..(set + 1) * gaps];
            self.levels.offsets(of, &mut scratch.offsets[set * cuts..(set + 1) * cuts]);
        }
        let Some(departs) = &self.departs else { return 0.0 };
        for j in 0..gaps {
            scratch.smallest[j] = f64::INFINITY;
            for set in 0..sets {
                let gap = scratch.gaps[set * gaps + j];
                if gap < scratch.smallest[j] {
                    (scratch.smallest[j], scratch.of_set[j]) = (gap, set);
                }
            }
        }
        departs.place(q, &scratch.smallest, &mut scratch.departures)
    }

    /// The log likelihood at the arms' log odds `x` at the primary cut (control arms, then active arms) with the prior of the cut
    /// points given that they are at log odds `base` there, one a set. Overwrites the slopes by `x`, and those by `base` in the
    /// scratch.
    pub fn log_density(
        &self,
        (x, base): (&[f64], &[f64]),
        q: &[f64],
        slopes: &mut [f64],
        gradient: &mut [f64],
        (scratch, terms): (&mut LevelsScratch, &mut Option<TermsScratch>),
    ) -> f64 {
        let (n, cuts) = (self.levels.counts.len(), self.levels.cuts());
        let mut log_density = self.place(q, scratch);
        for (cell, (own, x)) in scratch.x.chunks_exact_mut(cuts).zip(x).enumerate() {
            let set = self.levels.set_of(if cell < n { cell } else { cell - n });
            let offsets = &scratch.offsets[set * cuts..(set + 1) * cuts];
            own.iter_mut().zip(offsets).for_each(|(own, offset)| *own = x + offset);
            if cell >= n {
                own.iter_mut().zip(&scratch.departures).for_each(|(own, departure)| *own += departure);
            }
        }
        log_density += match (&self.terms, terms) {
            (Some(of_rows), Some(terms)) => {
                of_rows.log_density(&scratch.x, q, &mut scratch.slopes, gradient, terms)
            }
            _ => log_likelihood_of_cells(&scratch.x, &self.events, &self.totals, &mut scratch.slopes),
        };
        scratch.by_offset.fill(0.0);
        scratch.by_departure.fill(0.0);
        for (cell, (of, slope)) in scratch.slopes.chunks_exact(cuts).zip(slopes).enumerate() {
            let set = self.levels.set_of(if cell < n { cell } else { cell - n });
            *slope = of.iter().sum();
            let by_offset = &mut scratch.by_offset[set * cuts..(set + 1) * cuts];
            by_offset.iter_mut().zip(of).for_each(|(sum, slope)| *sum += slope);
            if cell >= n {
                scratch.by_departure.iter_mut().zip(of).for_each(|(sum, slope)| *sum += slope);
            }
        }
        log_density += self.cut_points_density(base, scratch);
        self.store(q, gradient, scratch) + log_density
    }

    /// The log prior of the cut points given the log odds at the primary one, without the factors of gaps.
    fn cut_points_density(&self, base: &[f64], scratch: &mut LevelsScratch) -> f64 {
        let cuts = self.levels.cuts();
        let (a, b) = self.risk;
        let mut log_density = 0.0;
        let sets = scratch.prior_x.chunks_exact_mut(cuts).zip(scratch.offsets.chunks_exact(cuts));
        for ((x, offsets), at) in sets.zip(base) {
            x.iter_mut().zip(offsets).for_each(|(x, offset)| *x = at + offset);
        }
        let (values, slopes) = (&mut scratch.prior_values, &mut scratch.prior_slopes);
        let seen = (&*self.prior_events, &*self.prior_totals);
        log_likelihood_of_each(&scratch.prior_x, seen, values, slopes);
        for (set, &at) in base.iter().enumerate() {
            let mut partial = [0.0; 2];
            for k in 0..cuts {
                partial[k % 2] += scratch.prior_values[set * cuts + k];
            }
            log_density += self.constant + (partial[0] + partial[1]);
            let [below, above] = softplus_of_both(at).map(|x| -x);
            log_density -= a * above + b * below;
            let slopes = &scratch.prior_slopes[set * cuts..(set + 1) * cuts];
            scratch.by_base[set] = slopes.iter().sum::<f64>() - (a - (a + b) * logistic(at));
            let by_offset = &mut scratch.by_offset[set * cuts..(set + 1) * cuts];
            by_offset.iter_mut().zip(slopes).for_each(|(sum, slope)| *sum += slope);
        }
        log_density
    }

    /// The factors of the gaps; and from the slopes by offsets and departures the gradient by the coordinates.
    fn store(&self, q: &[f64], gradient: &mut [f64], scratch: &mut LevelsScratch) -> f64 {
        let (cuts, sets, p) = (self.levels.cuts(), self.levels.sets(), self.levels.primary);
        let gaps = cuts - 1;
        for set in 0..sets {
            let by_offset = &scratch.by_offset[set * cuts..(set + 1) * cuts];
            let by_gap = &mut scratch.by_gap[set * gaps..(set + 1) * gaps];
            // d_k falls with every gap between the primary cut and it, and rises with those on the other side.
            let mut beyond = 0.0;
            for j in (p..gaps).rev() {
                beyond += by_offset[j + 1];
                by_gap[j] = -beyond;
            }
            beyond = 0.0;
            for j in 0..p {
                beyond += by_offset[j];
                by_gap[j] = beyond;
            }
        }
        let mut log_density = 0.0;
        if let Some(departs) = &self.departs {
            for g in 0..self.levels.counts.len() {
                let set = self.levels.set_of(g);
                for j in 0..gaps {
                    let patients = self.active_inner[g * gaps + j];
                    if patients == 0.0 {
                        continue;
                    }
                    let step = scratch.departures[j] - scratch.departures[j + 1];
                    let gap = scratch.gaps[set * gaps + j] + step;
                    log_density += patients * libm::log(-libm::expm1(-gap));
                    let slope = patients / libm::expm1(gap);
                    scratch.by_gap[set * gaps + j] += slope;
                    scratch.by_departure[j] += slope;
                    scratch.by_departure[j + 1] -= slope;
                }
            }
            scratch.by_smallest.fill(0.0);
            departs.back(q, &scratch.smallest, &scratch.by_departure, gradient, &mut scratch.by_smallest);
            for j in 0..gaps {
                scratch.by_gap[scratch.of_set[j] * gaps + j] += scratch.by_smallest[j];
            }
        }
        for i in 0..sets * gaps {
            let share = scratch.shares[i];
            log_density += self.inner[i] * scratch.logs_of_shares[i];
            gradient[self.at + i] =
                self.scale[i] * (scratch.by_gap[i] * share + self.inner[i] * (1.0 - share));
        }
        log_density
    }
}

/// Centres and scales of the t, from the share of each level among the patients of its set, the concentrations added.
fn hints(levels: &Levels) -> (Vec<f64>, Vec<f64>) {
    let (mut centres, mut scales) = (Vec::new(), Vec::new());
    for set in 0..levels.sets() {
        let mut all = levels.concentrations.clone();
        for (_, arms) in levels.counts.iter().enumerate().filter(|(g, _)| levels.set_of(*g) == set) {
            for of in arms {
                all.iter_mut().zip(of).for_each(|(sum, n)| *sum += n);
            }
        }
        let whole: f64 = all.iter().sum();
        let mut below = 0.0;
        for level in 1..all.len() - 1 {
            below += all[level - 1];
            let above = whole - below;
            let odds = |above: f64, below: f64| libm::log(above / below);
            let gap = odds(above, below) - odds(above - all[level], below + all[level]);
            centres.push(gap + libm::log(-libm::expm1(-gap)));
            scales.push((1.0 / all[level] + 1.0 / (whole - all[level])).sqrt());
        }
    }
    (centres, scales)
}
