//! Several subgroup factors as a linear model.
//!
//! ```text
//! θ_c = μ + Σ_f b_{f,l},        α_c = α + Σ_f m_{f,l}
//! ```
//!
//! for a group c of patients who are of level l of every factor f. The shifts b of the effect are N(0, τ_f²) by factor, or as a
//! regularised horseshoe has them; the main effects m, which move both arms, have priors of their own and are not drawn
//! together. No level is a reference: of every factor each level has its shift and its main effect. Published estimates have
//! no α. Covariates add xᵀγ to the log odds of a patient in either arm.

use std::sync::Arc;

use super::linear::{Cell, Coefficient, Linear, LinearRows, Resembling, ScalePrior, Seen};
use super::rows::Rows;
use super::{BaselinePrior, HeterogeneityPrior, LocationPrior};
use crate::study::{Data, FactorPriors, Factors, Interactions, Pooling, Study};

/// The linear model of a study with several factors, and which of its parts is what.
#[derive(Debug, Clone, PartialEq)]
pub struct FactorsModel {
    /// Its cells are the control arms of all groups, then the active arms; of estimates, the groups.
    pub linear: Linear,
    /// How many groups of patients there are.
    pub groups: usize,
    /// μ.
    pub mean: usize,
    /// By factor and level, the shift of the effect; empty where the effect is the same at all levels.
    pub shifts: Vec<Vec<usize>>,
    /// α; none for estimates.
    pub baseline: Option<usize>,
    /// By factor and level, the main effect; empty for estimates.
    pub main_effects: Vec<Vec<usize>>,
    /// The standard deviations that are told.
    pub spreads: Vec<(FactorSpread, usize)>,
    /// By group, how many patients it stands for: those whose risks are averaged, or what estimates stand for.
    pub sizes: Vec<f64>,
}

/// What a standard deviation is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactorSpread {
    /// Shifts of the effect by levels of the factor at this place.
    Of(usize),
    /// A horseshoe's global scale.
    Global,
    /// A horseshoe's slab.
    Slab,
}

/// Coefficients and standard deviations in the making.
#[derive(Default)]
struct Making {
    coefficients: Vec<Coefficient>,
    scales: Vec<ScalePrior>,
    spreads: Vec<(FactorSpread, usize)>,
}

impl Making {
    fn coefficient(&mut self, coefficient: Coefficient) -> usize {
        self.coefficients.push(coefficient);
        self.coefficients.len() - 1
    }

    fn scale(&mut self, prior: impl Into<ScalePrior>) -> usize {
        self.scales.push(prior.into());
        self.scales.len() - 1
    }

    fn spread(&mut self, of: FactorSpread, prior: impl Into<ScalePrior>) -> usize {
        let place = self.scale(prior);
        self.spreads.push((of, place));
        place
    }

    fn shifts(
        &mut self,
        factors: &Factors,
        assumed: &FactorPriors,
        tau: Option<HeterogeneityPrior>,
    ) -> Vec<Vec<usize>> {
        let Some(tau) = tau else { return Vec::new() };
        let horseshoe = match assumed.interactions {
            Interactions::ByFactor => None,
            Interactions::Horseshoe(slab) => Some((
                self.spread(FactorSpread::Global, tau),
                self.spread(FactorSpread::Slab, ScalePrior::Slab(slab)),
            )),
        };
        let mut all = Vec::with_capacity(factors.all.len());
        for (f, factor) in factors.all.iter().enumerate() {
            let own = match horseshoe {
                None => Some(self.spread(FactorSpread::Of(f), tau)),
                Some(_) => None,
            };
            let mut one = || {
                let coefficient = match (horseshoe, own) {
                    (Some((global, slab)), _) => {
                        let local = self.scale(HeterogeneityPrior::HalfStudentT { df: 1.0, scale: 1.0 });
                        Coefficient::Shrunk { global, local, slab }
                    }
                    (None, own) => Coefficient::Scaled(own.unwrap_or(0)),
                };
                self.coefficient(coefficient)
            };
            all.push(factor.levels.iter().map(|_| one()).collect());
        }
        all
    }
}

/// A group's predictor: the coefficients of its levels.
fn of_levels(coefficients: &[Vec<usize>], levels: &[usize]) -> Vec<usize> {
    coefficients.iter().zip(levels).map(|(of, &level)| of[level]).collect()
}

impl FactorsModel {
    /// The model of a study; none where its subgroups are of one kind.
    pub fn of(study: &Study) -> Option<FactorsModel> {
        let (factors, assumed) = (study.factors.as_deref()?, study.priors.factors.as_ref()?);
        let groups = factors.of.len();
        let mut making = Making::default();
        let tau = study.priors.heterogeneity.as_ref().map(|h| h.distribution);
        let shifts = making.shifts(factors, assumed, tau.filter(|_| study.pooling == Pooling::Partial));
        let main_effects = match &assumed.main_effects {
            Some(prior) => {
                let mut one =
                    |_: &String| making.coefficient(Coefficient::Located(prior.distribution.clone()));
                factors.all.iter().map(|f| f.levels.iter().map(&mut one).collect()).collect()
            }
            None => Vec::new(),
        };
        let located = |prior: &LocationPrior| Coefficient::Located(prior.clone());
        let baseline = match study.priors.baseline.as_ref().map(|b| &b.distribution) {
            Some(BaselinePrior::Independent(prior)) => Some(making.coefficient(located(prior))),
            _ => None,
        };
        let mean = making.coefficient(located(&study.priors.effect.distribution));
        let effects: Vec<Vec<usize>> = factors
            .of
            .iter()
            .map(|own| of_levels(&shifts, own).into_iter().chain([mean]).collect())
            .collect();
        let baselines: Vec<Vec<usize>> = factors
            .of
            .iter()
            .map(|own| of_levels(&main_effects, own).into_iter().chain(baseline).collect())
            .collect();
        let rows = study.adjustment.as_deref().map(|adjustment| {
            let first = making.coefficients.len();
            for term in &adjustment.terms {
                making.coefficient(located(&term.prior.distribution));
            }
            let rows = Arc::new(Rows::of_many_cells(adjustment, groups));
            let by_cell = Arc::new(Rows::by_cell(adjustment, groups));
            LinearRows { rows, by_cell, gamma: first..making.coefficients.len() }
        });
        let below = study.priors.baseline_of.control_share();
        let predictor = |g: usize, by: f64| -> Vec<(usize, f64)> {
            let effect = effects[g].iter().filter(|_| by != 0.0).map(|&j| (j, by));
            baselines[g].iter().map(|&j| (j, 1.0)).chain(effect).collect()
        };
        let cells: Vec<Cell> = match &study.data {
            Data::Counts(counts) => (0..2 * groups)
                .map(|c| {
                    let (arm, g) = (c / groups, c % groups);
                    let own = &counts[g].arms[arm];
                    let (events, total) = (own.events as f64, own.total as f64);
                    let seen = match rows {
                        Some(_) => Seen::Rows { patients: total },
                        None => Seen::Counts { events, total },
                    };
                    Cell { of: predictor(g, arm as f64 - below), seen }
                })
                .collect(),
            Data::Estimates(estimates) => (0..groups)
                .map(|g| {
                    let (estimate, se) = (estimates[g].estimate, estimates[g].se);
                    let seen = Seen::Estimate { estimate, precision: 1.0 / (se * se) };
                    Cell { of: effects[g].iter().map(|&j| (j, 1.0)).collect(), seen }
                })
                .collect(),
            Data::Levels(_) => return None,
        };
        let sizes = match (&rows, &study.data, &factors.patients) {
            (Some(of), ..) => of.rows.population_sizes.clone(),
            (None, Data::Estimates(_), Some(patients)) => patients.clone(),
            (None, Data::Estimates(estimates), None) => {
                estimates.iter().map(|own| 1.0 / (own.se * own.se)).collect()
            }
            (None, data, _) => {
                let total =
                    |own: &crate::study::SubgroupCounts| own.arms.iter().map(|a| a.total as f64).sum();
                data.counts().unwrap_or_default().iter().map(total).collect()
            }
        };
        let Making { coefficients, scales, spreads } = making;
        let linear = Linear { coefficients, scales, cells, rows, resembling: Resembling::Fit };
        Some(FactorsModel { linear, groups, mean, shifts, baseline, main_effects, spreads, sizes })
    }

    /// The same with every k-th row of patients with covariates, so that about `most` are left, to average risks over.
    #[must_use]
    pub fn thinned(&self, most: usize) -> FactorsModel {
        let mut model = self.clone();
        if let Some(of) = &mut model.linear.rows {
            of.by_cell = Arc::new(of.by_cell.thinned(most));
        }
        model
    }

    /// Whether groups have risks.
    pub fn has_risks(&self) -> bool {
        self.baseline.is_some()
    }
}
