//! A model as a log density on R^d: the coordinates a sampler walks in, and the parameters they stand for.

use super::Model;
use super::effects::Effects;
use super::labels::LabelShares;
use super::level::Adjoint;
use super::observation::Observed;
use super::scratch::{Scratch, nowhere};
use crate::density::LogDensity;

/// The posterior of a [`Model`] in standardised coordinates.
///
/// In order: for every effect level (one under partial and complete pooling, one per subgroup without pooling) the
/// coordinates of μ and, where it is sampled, of τ; for exchangeable baselines those of their mean and standard deviation;
/// then z for every θ_g and w for every α_g; then the unknown numbers of a bias; then coefficients and centres. Under
/// complete pooling there is no z. With published estimates the θ_g are integrated out, and there is neither z nor w.
#[derive(Debug, Clone)]
pub struct Hierarchy {
    effects: Effects,
    observed: Observed,
    dim: usize,
}

/// The parameters of a model at one point. Slices have length G, the number of subgroups, unless said otherwise, and
/// are empty where the model has no such parameters.
#[derive(Debug, Clone, Copy)]
pub struct Parameters<'a> {
    /// The subgroups' effects θ, on the scale of the model.
    pub theta: &'a [f64],
    /// The subgroups' baselines α, in log odds.
    pub alpha: &'a [f64],
    /// The control arms' log odds.
    pub control: &'a [f64],
    /// The mean μ of the effects; none where every subgroup has its own.
    pub mu: Option<f64>,
    /// The standard deviation τ of the effects; none where it is fixed or every subgroup has its own.
    pub tau: Option<f64>,
    /// The standard deviation of a further subgroup's effect around μ: τ, fixed or not; none where subgroups share
    /// nothing.
    pub new_sd: Option<f64>,
    /// The mean of exchangeable baselines, in log odds; none for other baselines.
    pub baseline_mean: Option<f64>,
    /// The standard deviation of exchangeable baselines, in log odds; none for other baselines.
    pub baseline_sd: Option<f64>,
    /// How often labels are right, and the true shares of the subgroups; none where labels are taken as right.
    pub labels: Option<LabelShares>,
    /// By how much a bias moves the effect that is seen in each subgroup.
    pub bias: &'a [f64],
    /// The log odds of each cut beside those at the primary cut, by set of cut points; empty where outcomes have no levels.
    pub offsets: &'a [f64],
    /// Departures from proportional odds by cut, in the log odds of the active arm; empty where odds are proportional.
    pub departures: &'a [f64],
    /// The coefficients γ of the covariates, one per term, in log odds for one standard deviation.
    pub gamma: &'a [f64],
    /// The intercepts of the centres, one per centre, in log odds.
    pub centres: &'a [f64],
    /// The standard deviation of the centres' intercepts; none without centres, and where it is fixed.
    pub centre_sd: Option<f64>,
}

impl Hierarchy {
    /// The posterior of a model, in coordinates that are placed where its data suggest.
    pub fn new(model: &Model) -> Hierarchy {
        let mut dim = 0;
        let effects = Effects::new(model, &mut dim);
        let observed = Observed::new(&model.observation, &effects, &mut dim);
        Hierarchy { effects, observed, dim }
    }

    /// The same density, which shares its rows out among threads where there are more threads than `chains`. The
    /// results are the same to the last bit.
    #[must_use]
    pub fn beside_chains(mut self, chains: usize) -> Hierarchy {
        if let Some(terms) = self.observed.terms_mut() {
            terms.in_parallel = rayon::current_num_threads() > chains;
        }
        self
    }

    /// How many subgroups there are.
    pub fn subgroups(&self) -> usize {
        self.effects.subgroups()
    }

    /// A point in the middle of the coordinates, from which a search for the mode may start.
    pub fn middle(&self) -> Vec<f64> {
        let mut q = vec![0.0; self.dim];
        for placed in self.effects.levels().iter().chain(self.observed.shared_baseline()) {
            placed.place_middle(&mut q);
        }
        if let Some(terms) = self.observed.terms() {
            terms.place_middle(&mut q);
        }
        q
    }

    /// The parameters at the point `q`. For published estimates, whose θ are integrated out, `standard` (length G,
    /// draws from N(0, 1)) places them in their conditional distribution; it is ignored for counts.
    pub fn parameters<'s>(&self, q: &[f64], standard: &[f64], scratch: &'s mut Scratch) -> Parameters<'s> {
        self.locate(q, scratch);
        self.observed.place(&self.effects, q, standard, scratch);
        let terms = scratch.cells.terms.as_ref();
        let level = self.effects.are_shared().then(|| scratch.effects[0]);
        let sampled = self.effects.levels()[0].samples_scale();
        let baseline = self.observed.shared_baseline().map(|_| scratch.cells.baseline);
        Parameters {
            mu: level.map(|l| l.location),
            tau: level.filter(|_| sampled).map(|l| l.scale.value),
            new_sd: level.map(|l| l.scale.value),
            baseline_mean: baseline.map(|b| b.location),
            baseline_sd: baseline.map(|b| b.scale.value),
            alpha: &scratch.cells.alpha,
            control: &scratch.cells.x[..scratch.cells.alpha.len()],
            theta: &scratch.theta,
            labels: self.observed.labels().map(|labels| labels.shares(q)),
            bias: &scratch.bias,
            offsets: scratch.cells.levels.as_ref().map_or(&[], |l| &l.offsets),
            departures: scratch.cells.levels.as_ref().map_or(&[], |l| &l.departures),
            gamma: terms.map_or(&[], |t| &t.gamma),
            centres: terms.map_or(&[], |t| &t.centres),
            centre_sd: terms.and_then(|t| t.centre_sd),
        }
    }

    fn locate(&self, q: &[f64], scratch: &mut Scratch) {
        for (located, placed) in scratch.effects.iter_mut().zip(self.effects.levels()) {
            *located = placed.locate(q);
        }
        if let Some(placed) = self.observed.shared_baseline() {
            scratch.cells.baseline = placed.locate(q);
        }
    }
}

impl LogDensity for Hierarchy {
    type Scratch = Scratch;

    fn dim(&self) -> usize {
        self.dim
    }

    fn scratch(&self) -> Scratch {
        let (n, levels) = (self.subgroups(), self.effects.levels().len());
        let tapes = if self.observed.between().is_some() { n } else { 0 };
        Scratch {
            effects: vec![nowhere(); levels],
            adjoints: vec![Adjoint::default(); levels],
            theta: vec![0.0; n],
            bias: vec![0.0; tapes],
            tapes: vec![Default::default(); tapes],
            slopes: vec![0.0; 2 * n],
            correlated: self.observed.correlated_scratch(n),
            cells: self.observed.scratch(n),
        }
    }

    fn evaluate(&self, q: &[f64], gradient: &mut [f64], scratch: &mut Scratch) -> f64 {
        self.locate(q, scratch);
        scratch.adjoints.fill(Adjoint::default());
        let log_likelihood = self.observed.log_density(&self.effects, q, gradient, scratch);
        self.effects.add_density(log_likelihood, &scratch.effects, &scratch.adjoints, gradient)
    }
}
