//! One Markov chain: its warm-up, and its draws.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::density::LogDensity;

use super::metric::{Metric, Window};
use super::phase::{Hamiltonian, Phase};
use super::step_size::{DualAveraging, search};
use super::trajectory::{Candidate, Motion, Stretch};
use super::tree::{Ended, grow};
use super::warmup::Stage;

/// How far from the mode chains begin, in standard deviations of the normal approximation.
const DISPERSION: f64 = 1.5;

/// What one transition was like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Transition {
    /// Of the point that was chosen, in the density's own coordinates.
    pub log_density: f64,
    /// Of the point that was chosen, potential and kinetic.
    pub energy: f64,
    /// Mean of min(1, e^(−energy error)) over the steps.
    pub acceptance: f64,
    pub depth: u32,
    pub steps: u32,
    pub diverged: bool,
    /// Stopped by the limit on depth, not by a turn.
    pub at_limit: bool,
}

/// A chain and where it stands.
pub struct Chain<'a, D: LogDensity> {
    motion: Motion<'a, D>,
    phase: Phase,
    parts: Vec<(u32, Stretch, Candidate)>,
    max_depth: u32,
    target: f64,
    q: Vec<f64>,
}

impl<'a, D: LogDensity> Chain<'a, D> {
    /// A chain that begins dispersed around the metric's centre; `None` if no point with a finite density is found there.
    pub fn new(
        density: &'a D,
        metric: Metric,
        mut start: ChaCha8Rng,
        motion: ChaCha8Rng,
        (max_depth, target): (u32, f64),
    ) -> Option<Chain<'a, D>> {
        let d = density.dim();
        let mut hamiltonian = Hamiltonian::new(density, metric);
        let mut phase = Phase::new(d);
        let away: Vec<f64> = (0..d).map(|_| StandardNormal.sample(&mut start)).collect();
        let mut dispersion = DISPERSION;
        for _ in 0..30 {
            phase.y.iter_mut().zip(&away).for_each(|(y, a)| *y = dispersion * a);
            hamiltonian.evaluate(&mut phase);
            if phase.log_density.is_finite() && phase.gradient.iter().all(|g| g.is_finite()) {
                let motion = Motion::new(hamiltonian, motion, max_depth);
                let parts = Vec::with_capacity(max_depth as usize + 1);
                return Some(Chain { motion, phase, parts, max_depth, target, q: vec![0.0; d] });
            }
            dispersion *= 0.5;
        }
        None
    }

    /// Walks one stage of the warm-up, `stop` being asked before each transition.
    pub fn warm_up(&mut self, stage: Stage, stop: &impl Fn() -> bool) {
        self.search_step();
        let mut averaging = DualAveraging::new(self.motion.step_size, self.target);
        let d = self.phase.y.len();
        let mut window = match stage {
            Stage::Learn(n) => Some(Window::new(d, n)),
            _ => None,
        };
        for _ in 0..stage.length() {
            if stop() {
                return;
            }
            let transition = self.transition();
            self.motion.step_size = averaging.update(transition.acceptance);
            if let Some(window) = &mut window {
                window.push(&self.phase.y, &self.phase.gradient);
            }
        }
        self.motion.step_size = averaging.averaged();
        if let Some(window) = window {
            self.learn(&window);
        }
    }

    /// A step size that is right within a factor of two, by single leapfrogs.
    fn search_step(&mut self) {
        let (motion, phase) = (&mut self.motion, &self.phase);
        let mut tried = phase.clone();
        motion.step_size = search(motion.step_size, self.target, |step| {
            tried.copy_from(phase);
            for p in &mut tried.p {
                *p = StandardNormal.sample(&mut motion.rng);
            }
            let before = tried.energy();
            motion.hamiltonian.leapfrog(&mut tried, step);
            let error = tried.energy() - before;
            if error.is_nan() { 0.0 } else { libm::exp(-error.max(0.0)) }
        });
    }

    fn learn(&mut self, window: &Window) {
        let hamiltonian = &mut self.motion.hamiltonian;
        hamiltonian.metric.position(&self.phase.y, &mut self.q);
        let learnt = hamiltonian.metric.learnt(window);
        self.phase.y = learnt.whitened(&self.q);
        hamiltonian.metric = learnt;
        hamiltonian.evaluate(&mut self.phase);
        // In the new coordinates the posterior has unit scales, as far as is known.
        self.motion.step_size = 1.0;
    }

    /// One transition of the No-U-Turn sampler.
    pub fn transition(&mut self) -> Transition {
        let start = self.motion.begin(&mut self.phase);
        let directions = self.motion.rng.next_u32();
        let grown = grow(&mut self.motion, start, directions, self.max_depth, &mut self.parts);
        self.phase.copy_from(self.motion.chosen(grown.candidate));
        Transition {
            log_density: self.phase.log_density,
            energy: self.phase.energy(),
            acceptance: self.motion.accepted / f64::from(self.motion.steps.max(1)),
            depth: grown.depth,
            steps: self.motion.steps,
            diverged: grown.ended == Ended::Diverged,
            at_limit: grown.ended == Ended::AtLimit,
        }
    }

    /// Where the chain is, in the density's own coordinates.
    pub fn position(&mut self) -> &[f64] {
        self.motion.hamiltonian.metric.position(&self.phase.y, &mut self.q);
        &self.q
    }

    /// In the metric's coordinates, where the posterior has about unit scales.
    pub fn step_size(&self) -> f64 {
        self.motion.step_size
    }
}
