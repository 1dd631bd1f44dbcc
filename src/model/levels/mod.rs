//! Ordered levels below the cells' log odds.
//!
//! P(Y > k | arm) = logit⁻¹(x + d_k), x the arm's log odds at the primary cut p, d_p = 0 and d falling along the cuts. In log odds
//! u > v of neighbouring cuts the probability of the level between them is
//!
//! ```text
//! σ(u) − σ(v) = σ(u) σ(−v) (1 − e^(−(u − v)))
//! ```
//!
//! so that patients by level are binomial cells, one a cut: those of the level above it among those of the two levels beside it.
//! All that links neighbours is a factor of each gap. The same holds of patients with covariates, each of whom is one or two
//! binomial rows, and of the Dirichlet prior of the levels' probabilities with its Jacobian, which is these cells with the
//! concentrations in place of patients.

mod density;
mod departs;
mod simulate;

pub use density::{LevelsDensity, LevelsScratch};
pub use simulate::DrawnLevels;

use crate::study::{Cutpoints, LevelData, LevelPriors, LevelScale, LocationPrior, Shape};

/// Patients by level with what is assumed of the levels.
#[derive(Debug, Clone, PartialEq)]
pub struct Levels {
    /// By subgroup: patients by level, lowest first, of the control arm and of the active arm.
    pub counts: Vec<[Vec<f64>; 2]>,
    /// The primary cut.
    pub primary: usize,
    /// Whether one set of cut points is shifted from subgroup to subgroup.
    pub shared: bool,
    /// The Dirichlet concentrations of the levels.
    pub concentrations: Vec<f64>,
    /// Departures from proportional odds; none where odds are proportional.
    pub departure: Option<Departure>,
}

/// Departures from proportional odds in the active arm.
#[derive(Debug, Clone, PartialEq)]
pub struct Departure {
    /// The log odds ratio at cut k is θ + δ f_k; none where every cut but the primary one has a δ of its own.
    pub by_cut: Option<Vec<f64>>,
    /// The prior of δ, or of each δ.
    pub prior: LocationPrior,
}

impl Levels {
    /// Of a study's patients.
    pub fn new(scale: &LevelScale, data: &LevelData, priors: &LevelPriors) -> Levels {
        let real = |g, arm| data.patients(g, arm).iter().map(|n| *n as f64).collect();
        let departure = priors.departure.as_ref().map(|d| Departure {
            by_cut: Shape::by_cut(&d.shape, scale.cuts()),
            prior: d.prior.distribution.clone(),
        });
        Levels {
            counts: (0..data.counts().len()).map(|g| [real(g, 0), real(g, 1)]).collect(),
            primary: scale.primary,
            shared: priors.cutpoints == Cutpoints::Shared,
            concentrations: priors.concentrations.distribution.clone(),
            departure,
        }
    }

    /// How many cuts there are.
    pub fn cuts(&self) -> usize {
        self.concentrations.len() - 1
    }

    /// How many sets of cut points there are.
    pub fn sets(&self) -> usize {
        if self.shared { 1 } else { self.counts.len() }
    }

    /// The set of cut points of subgroup `g`.
    pub fn set_of(&self, g: usize) -> usize {
        if self.shared { 0 } else { g }
    }

    /// The concentrations of the levels above the primary cut and of those below it, each summed: the control arm's risk has this
    /// beta distribution.
    pub fn risk(&self) -> (f64, f64) {
        let (below, above) = self.concentrations.split_at(self.primary + 1);
        (above.iter().sum(), below.iter().sum())
    }

    /// Each level's patients, of both arms of all subgroups.
    pub fn by_level(&self) -> Vec<f64> {
        let mut all = vec![0.0; self.concentrations.len()];
        for levels in self.counts.iter().flatten() {
            all.iter_mut().zip(levels).for_each(|(sum, n)| *sum += n);
        }
        all
    }

    /// Whether the log likelihood of an effect is a curve for each subgroup by itself.
    pub fn separate(&self) -> bool {
        !self.shared && self.departure.is_none()
    }

    /// The likelihood raised to a power.
    #[must_use]
    pub fn powered(&self, power: f64) -> Levels {
        let arm = |levels: &Vec<f64>| levels.iter().map(|n| power * n).collect();
        let counts = self.counts.iter().map(|arms| [arm(&arms[0]), arm(&arms[1])]).collect();
        Levels { counts, ..self.clone() }
    }

    /// As many subgroups without patients.
    #[must_use]
    pub fn emptied(&self, subgroups: usize) -> Levels {
        let none = vec![0.0; self.concentrations.len()];
        Levels { counts: vec![[none.clone(), none]; subgroups], ..self.clone() }
    }

    /// The log odds of each cut beside the primary one's at these distances between neighbours.
    pub fn offsets(&self, gaps: &[f64], out: &mut [f64]) {
        out[self.primary] = 0.0;
        for k in self.primary + 1..out.len() {
            out[k] = out[k - 1] - gaps[k - 1];
        }
        for k in (0..self.primary).rev() {
            out[k] = out[k + 1] + gaps[k];
        }
    }

    /// What the patients of one arm say of their log odds at the primary cut, roughly, with all other cuts as far from it as they
    /// are among all patients: an estimate and its information for every subgroup. Half a patient is added on either side.
    pub fn arm_hints(&self, arm: usize) -> Vec<(f64, f64)> {
        let cuts = self.cuts();
        let all: Vec<f64> = self.by_level().iter().zip(&self.concentrations).map(|(n, a)| n + a).collect();
        let whole: f64 = all.iter().sum();
        let mut above = whole;
        let x: Vec<f64> = all[..cuts]
            .iter()
            .map(|n| {
                above -= n;
                libm::log(above / (whole - above))
            })
            .collect();
        let offsets: Vec<f64> = x.iter().map(|of| of - x[self.primary]).collect();
        self.counts
            .iter()
            .map(|arms| one_arm(&arms[arm], &offsets, (x[self.primary], self.primary)))
            .collect()
    }

    /// The log likelihood of one arm of subgroup `g` at its log odds by cut, without multinomial coefficients.
    pub fn log_likelihood(&self, g: usize, arm: usize, x: &[f64]) -> f64 {
        log_likelihood_of_levels(&self.counts[g][arm], x)
    }
}

/// `Σ n_k ln P(Y = k)` at the log odds `x` of lying above each cut, which fall.
pub fn log_likelihood_of_levels(patients: &[f64], x: &[f64]) -> f64 {
    use crate::numeric::log_expit;
    let mut sum = 0.0;
    for (k, x_k) in x.iter().enumerate() {
        sum += weighted(patients[k + 1], log_expit(*x_k)) + weighted(patients[k], log_expit(-x_k));
        if k > 0 {
            sum += weighted(patients[k], libm::log(-libm::expm1(x_k - x[k - 1])));
        }
    }
    sum
}

/// Newton's steps to where the cells of the cuts are most probable; without patients the information is 0.
fn one_arm(patients: &[f64], offsets: &[f64], (start, primary): (f64, usize)) -> (f64, f64) {
    let total: f64 = patients.iter().sum();
    let mut x = start;
    let mut information = 0.0;
    for _ in 0..20 {
        let mut slope = 0.0;
        information = 0.0;
        for (k, offset) in offsets.iter().enumerate() {
            let half = if k == primary { 0.5 } else { 0.0 };
            let (events, n) = (patients[k + 1] + half, patients[k] + patients[k + 1] + 2.0 * half);
            let p = crate::numeric::logistic(x + offset);
            slope += events - n * p;
            information += n * p * (1.0 - p);
        }
        let step = (slope / information).clamp(-2.0, 2.0);
        x += step;
        if step.abs() < 1e-13 * x.abs().max(1.0) {
            break;
        }
    }
    (x, if total > 0.0 { information } else { 0.0 })
}

fn weighted(n: f64, log: f64) -> f64 {
    if n == 0.0 { 0.0 } else { n * log }
}
