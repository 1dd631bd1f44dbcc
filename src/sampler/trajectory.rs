//! Hamiltonian motion as the tree sees it.

use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal, StandardUniform};

use crate::density::LogDensity;
use crate::numeric::exp_of_nonpositive;

use super::phase::{Hamiltonian, Phase};
use super::tree::{Choice, Direction, Trajectory};

/// An energy error beyond this is a divergence; it also bounds how far a weight may rise.
const MAX_ENERGY_ERROR: f64 = 1000.0;

/// Weights are bounded by e^600, so that sums of them stay finite.
const MAX_LOG_WEIGHT: f64 = 600.0;

/// A trajectory under growth from one point.
pub struct Motion<'a, D: LogDensity> {
    pub hamiltonian: Hamiltonian<'a, D>,
    pub step_size: f64,
    pub rng: ChaCha8Rng,
    /// The ends, in the past and in the future.
    ends: [Phase; 2],
    start_energy: f64,
    momenta: Slots,
    candidates: Vec<Phase>,
    free_candidates: Vec<usize>,
    /// Σ min(1, e^(−energy error)) over the steps taken, and their number.
    pub accepted: f64,
    pub steps: u32,
}

/// Consecutive points: the momenta of both ends and the sum of all, as slots.
#[derive(Debug, Clone, Copy)]
pub struct Stretch {
    near: usize,
    far: usize,
    sum: usize,
}

/// A point that may be next, as a slot, and the weight of all it was chosen from, e^(start energy − energy) each.
#[derive(Debug, Clone, Copy)]
pub struct Candidate {
    slot: usize,
    weight: f64,
}

/// Vectors of one length, taken and given back.
struct Slots {
    d: usize,
    values: Vec<f64>,
    free: Vec<usize>,
}

impl Slots {
    fn new(d: usize, count: usize) -> Slots {
        Slots { d, values: vec![0.0; d * count], free: Vec::with_capacity(count) }
    }

    /// Nothing is taken any more.
    fn release_all(&mut self) {
        let count = self.values.len() / self.d;
        self.free.clear();
        self.free.extend((0..count).rev());
    }

    fn get(&self, slot: usize) -> &[f64] {
        &self.values[slot * self.d..(slot + 1) * self.d]
    }

    fn take(&mut self, from: &[f64]) -> usize {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.values.resize(self.values.len() + self.d, 0.0);
            self.values.len() / self.d - 1
        });
        self.values[slot * self.d..(slot + 1) * self.d].copy_from_slice(from);
        slot
    }

    fn add(&mut self, slot: usize, other: usize) {
        let d = self.d;
        for i in 0..d {
            self.values[slot * d + i] += self.values[other * d + i];
        }
    }
}

impl<'a, D: LogDensity> Motion<'a, D> {
    /// Room for trajectories of at most 2^`max_depth` points.
    pub fn new(hamiltonian: Hamiltonian<'a, D>, rng: ChaCha8Rng, max_depth: u32) -> Motion<'a, D> {
        let d = hamiltonian.metric.dim();
        // A part at every depth, the whole, and what is being joined.
        let parts = max_depth as usize + 4;
        Motion {
            hamiltonian,
            step_size: 1.0,
            rng,
            ends: [Phase::new(d), Phase::new(d)],
            start_energy: 0.0,
            momenta: Slots::new(d, 3 * parts),
            candidates: vec![Phase::new(d); parts],
            free_candidates: Vec::with_capacity(parts),
            accepted: 0.0,
            steps: 0,
        }
    }

    /// Gives the phase a fresh momentum and begins a trajectory there.
    pub fn begin(&mut self, phase: &mut Phase) -> (Stretch, Candidate) {
        for p in &mut phase.p {
            *p = StandardNormal.sample(&mut self.rng);
        }
        self.start_energy = phase.energy();
        self.accepted = 0.0;
        self.steps = 0;
        for end in &mut self.ends {
            end.copy_from(phase);
        }
        self.momenta.release_all();
        self.free_candidates.clear();
        self.free_candidates.extend((0..self.candidates.len()).rev());
        (self.stretch_of(&phase.p), self.candidate_of(phase, 1.0))
    }

    /// The phase that was chosen.
    pub fn chosen(&self, candidate: Candidate) -> &Phase {
        &self.candidates[candidate.slot]
    }

    fn stretch_of(&mut self, p: &[f64]) -> Stretch {
        Stretch { near: self.momenta.take(p), far: self.momenta.take(p), sum: self.momenta.take(p) }
    }

    fn candidate_of(&mut self, phase: &Phase, weight: f64) -> Candidate {
        let slot = self.free_candidates.pop().unwrap_or_else(|| {
            self.candidates.push(phase.clone());
            self.candidates.len() - 1
        });
        self.candidates[slot].copy_from(phase);
        Candidate { slot, weight }
    }
}

impl<D: LogDensity> Trajectory for Motion<'_, D> {
    type Stretch = Stretch;
    type Candidate = Candidate;

    fn step(&mut self, direction: Direction) -> Option<(Stretch, Candidate)> {
        let (end, step) = match direction {
            Direction::Backward => (0, -self.step_size),
            Direction::Forward => (1, self.step_size),
        };
        let mut phase = std::mem::replace(
            &mut self.ends[end],
            Phase { y: Vec::new(), p: Vec::new(), gradient: Vec::new(), log_density: 0.0 },
        );
        self.hamiltonian.leapfrog(&mut phase, step);
        let error = phase.energy() - self.start_energy;
        self.steps += 1;
        let sound = error.is_finite() && error <= MAX_ENERGY_ERROR;
        let leaf = sound.then(|| {
            let shrunk = exp_of_nonpositive(-error.abs().min(MAX_LOG_WEIGHT));
            let weight = if error >= 0.0 { shrunk } else { 1.0 / shrunk };
            self.accepted += weight.min(1.0);
            (self.stretch_of(&phase.p), self.candidate_of(&phase, weight))
        });
        self.ends[end] = phase;
        leaf
    }

    fn turns(&self, near: &Stretch, far: &Stretch) -> bool {
        let m = &self.momenta;
        let (a, b, c, e) = (m.get(near.near), m.get(near.far), m.get(far.near), m.get(far.far));
        let (sum_near, sum_far) = (m.get(near.sum), m.get(far.sum));
        let mut dots = [0.0; 6];
        for i in 0..m.d {
            let whole = sum_near[i] + sum_far[i];
            let into_far = sum_near[i] + c[i];
            let into_near = sum_far[i] + b[i];
            dots[0] += a[i] * whole;
            dots[1] += e[i] * whole;
            dots[2] += a[i] * into_far;
            dots[3] += c[i] * into_far;
            dots[4] += b[i] * into_near;
            dots[5] += e[i] * into_near;
        }
        !dots.iter().all(|&dot| dot > 0.0)
    }

    fn join(&mut self, near: Stretch, far: Stretch) -> Stretch {
        self.momenta.add(near.sum, far.sum);
        self.momenta.free.extend([near.far, far.near, far.sum]);
        Stretch { near: near.near, far: far.far, sum: near.sum }
    }

    fn reverse(&mut self, stretch: Stretch) -> Stretch {
        Stretch { near: stretch.far, far: stretch.near, sum: stretch.sum }
    }

    fn choose(&mut self, first: Candidate, second: Candidate, choice: Choice) -> Candidate {
        let weight = first.weight + second.weight;
        let against = match choice {
            Choice::Multinomial => weight,
            Choice::Progressive => first.weight,
        };
        let u: f64 = StandardUniform.sample(&mut self.rng);
        let (kept, dropped) = if u * against < second.weight { (second, first) } else { (first, second) };
        self.free_candidates.push(dropped.slot);
        Candidate { slot: kept.slot, weight }
    }
}
