//! What was observed, as a likelihood. This folder tells the kinds of observations apart; samplers and integrals ask it.

mod between;
mod binomial_pair;
mod cells;
mod cells_density;
mod correlated;
mod correlated_density;
mod density;
mod estimate;
mod hints;
mod simulate;

pub use between::{Slot, Tape};
pub use binomial_pair::{Arm, BinomialPair, Side};
pub use cells::{Baselines, Cells, LevelRows};
pub use correlated::CorrelatedEstimates;
pub use correlated_density::CorrelatedScratch;
pub use density::Observed;
pub use estimate::NormalEstimate;
pub use hints::{effect_hints, effect_precision};

use std::sync::Arc;

use super::levels::Levels;
use super::rows::Rows;
use crate::study::{BaselinePrior, Data, LinkedBaseline, Misclassification, Study, SubgroupBias};

/// The observations of all subgroups, as a likelihood.
#[derive(Debug, Clone, PartialEq)]
pub enum Observation {
    /// Counts of events by arm.
    Cells(Cells),
    /// Published estimates.
    Estimates(Vec<NormalEstimate>),
    /// Estimates from one fit, with correlated errors.
    Correlated(CorrelatedEstimates),
}

impl Observation {
    /// The data of a study, with the biases that it allows for.
    pub fn of(study: &Study) -> Observation {
        let of_patients = study.adjustment.as_ref().filter(|_| study.data.levels().is_none());
        let rows = of_patients.map(|a| Arc::new(Rows::new(a, study.data.names().len())));
        let prior = study.priors.baseline.as_ref().map(|b| b.distribution.clone());
        let baselines = || Baselines {
            prior: prior.clone().unwrap_or_else(|| Baselines::default().prior),
            of: study.priors.baseline_of,
        };
        let observation = match (&study.data, rows) {
            (Data::Levels(data), _) => match (&study.outcome.levels, &study.priors.levels) {
                (Some(scale), Some(priors)) => {
                    let levels = Levels::new(scale, data, priors);
                    let rows = study.adjustment.as_ref().map(|a| LevelRows::new(Arc::clone(a), &levels));
                    Observation::Cells(Cells::of_levels(levels, rows, baselines()))
                }
                // A study of levels has both.
                _ => Observation::nothing(data.counts().len()),
            },
            (Data::Counts(_), Some(rows)) => Observation::Cells(Cells::of_rows(rows, baselines())),
            (Data::Counts(rows), None) => {
                let pairs = rows.iter().map(BinomialPair::of).collect();
                Observation::Cells(Cells::new(pairs, baselines()))
            }
            (Data::Estimates(_), Some(rows)) => {
                Observation::Cells(Cells::holding_coefficients(rows, baselines()))
            }
            (Data::Estimates(rows), None) => {
                let estimates: Vec<f64> = rows.iter().map(|r| r.estimate).collect();
                let baselines = rows.baselines.as_deref().map_or(&[][..], Vec::as_slice);
                let correlated =
                    rows.covariance.as_ref().and_then(|c| CorrelatedEstimates::new(&estimates, c));
                correlated.map_or_else(
                    || {
                        let own = rows.iter().enumerate().map(|(g, r)| {
                            NormalEstimate::new(r.estimate, r.se).beside(baselines.get(g).copied())
                        });
                        Observation::Estimates(own.collect())
                    },
                    |correlated| Observation::Correlated(correlated.with_baselines(baselines)),
                )
            }
        };
        let Some(bias) = &study.bias else { return observation };
        let observation = observation.through(&bias.subgroups);
        match &bias.misclassification {
            Some(m) if !m.is_perfect() => observation.labelled(m),
            _ => observation,
        }
    }

    /// The observations of `subgroups` subgroups about whose effects nothing is known.
    pub fn nothing(subgroups: usize) -> Observation {
        Observation::Estimates(vec![NormalEstimate::new(0.0, f64::INFINITY); subgroups])
    }

    /// How many subgroups there are.
    pub fn subgroups(&self) -> usize {
        match self {
            Observation::Cells(cells) => cells.pairs().len(),
            Observation::Estimates(estimates) => estimates.len(),
            Observation::Correlated(estimates) => estimates.rows().len(),
        }
    }

    /// The counts by arm; none for published estimates.
    pub fn cells(&self) -> Option<&Cells> {
        match self {
            Observation::Cells(cells) => Some(cells),
            Observation::Estimates(_) | Observation::Correlated(_) => None,
        }
    }

    /// The published estimates with independent errors; none for others, and for counts.
    pub fn estimates(&self) -> Option<&[NormalEstimate]> {
        match self {
            Observation::Cells(_) | Observation::Correlated(_) => None,
            Observation::Estimates(estimates) => Some(estimates),
        }
    }

    /// The published estimates with correlated errors; none for others, and for counts.
    pub fn correlated(&self) -> Option<&CorrelatedEstimates> {
        match self {
            Observation::Correlated(estimates) => Some(estimates),
            Observation::Cells(_) | Observation::Estimates(_) => None,
        }
    }

    /// The baselines beside estimates from weighted patients, each with its subgroup's estimate (corrected for a bias, roughly where
    /// that is not normal); empty for others.
    pub fn linked(&self) -> Vec<(f64, LinkedBaseline)> {
        let rows = match self {
            Observation::Cells(_) => &[],
            Observation::Estimates(rows) => rows.as_slice(),
            Observation::Correlated(estimates) => estimates.rows(),
        };
        rows.iter().map_while(|row| Some((row.hint().0, row.baseline?))).collect()
    }

    /// The rows with covariates or centres; none where there are neither.
    pub fn rows(&self) -> Option<&Arc<Rows>> {
        self.cells().and_then(Cells::rows)
    }

    /// How labels may be wrong; none where they are taken as right.
    pub fn misclassification(&self) -> Option<&Misclassification> {
        self.cells().and_then(Cells::misclassification)
    }

    /// The prior of the baselines; none for published estimates, which have no baselines.
    pub fn baseline_prior(&self) -> Option<&BaselinePrior> {
        self.cells().map(|cells| &cells.baselines().prior)
    }

    /// The same observations with other baselines; unchanged for published estimates, which have no baselines.
    #[must_use]
    pub fn with_baselines(self, baselines: Baselines) -> Observation {
        match self {
            Observation::Cells(cells) => Observation::Cells(cells.with_baselines(baselines)),
            Observation::Estimates(_) | Observation::Correlated(_) => self,
        }
    }

    /// The same observations where the labels of the two subgroups may be wrong; unchanged unless these are the
    /// counts of two subgroups.
    #[must_use]
    pub fn labelled(self, misclassification: &Misclassification) -> Observation {
        match &self {
            Observation::Cells(cells) => {
                let labelled = cells.clone().labelled(misclassification.clone());
                labelled.map_or(self, Observation::Cells)
            }
            Observation::Estimates(_) | Observation::Correlated(_) => self,
        }
    }

    /// The same observations, distorted by one bias per subgroup; subgroups beyond the end of the list have none.
    #[must_use]
    pub fn through(self, biases: &[SubgroupBias]) -> Observation {
        match self {
            Observation::Cells(cells) => Observation::Cells(cells.through(biases)),
            Observation::Estimates(rows) => {
                let none = SubgroupBias::default();
                let biases = biases.iter().chain(std::iter::repeat(&none));
                Observation::Estimates(rows.into_iter().zip(biases).map(|(e, b)| e.through(b)).collect())
            }
            Observation::Correlated(estimates) => {
                let none = SubgroupBias::default();
                Observation::Correlated(estimates.through(biases.iter().chain(std::iter::repeat(&none))))
            }
        }
    }

    /// The same observations with the prior of the levels' probabilities raised to a power, as a density of their log odds; unchanged
    /// where outcomes have no levels.
    #[must_use]
    pub fn with_levels_prior_powered(self, power: f64) -> Observation {
        match self {
            Observation::Cells(cells) => {
                let powered = cells.levels().map(|l| l.concentrations.iter().map(|a| power * a).collect());
                Observation::Cells(match powered {
                    Some(concentrations) => cells.with_concentrations(concentrations),
                    None => cells,
                })
            }
            Observation::Estimates(_) | Observation::Correlated(_) => self,
        }
    }

    /// The likelihood raised to a power.
    #[must_use]
    pub fn powered(&self, power: f64) -> Observation {
        match self {
            Observation::Cells(cells) => Observation::Cells(cells.powered(power)),
            Observation::Estimates(rows) => {
                Observation::Estimates(rows.iter().map(|e| e.powered(power)).collect())
            }
            Observation::Correlated(estimates) => Observation::Correlated(estimates.powered(power)),
        }
    }

    /// Observations of the same kind, with `subgroups` subgroups in which nothing is observed.
    #[must_use]
    pub fn emptied(&self, subgroups: usize) -> Observation {
        match self {
            Observation::Cells(cells) => Observation::Cells(cells.emptied(subgroups)),
            Observation::Estimates(_) | Observation::Correlated(_) => Observation::nothing(subgroups),
        }
    }

    /// The same observations but for those of subgroup `g`, of which nothing is known; none where its patients are not its cells
    /// alone, and of estimates with correlated errors.
    pub fn without_subgroup(&self, g: usize) -> Option<Observation> {
        match self {
            Observation::Cells(cells) => cells.without_subgroup(g).map(Observation::Cells),
            Observation::Estimates(rows) => {
                let mut rows = rows.clone();
                *rows.get_mut(g)? = NormalEstimate::new(0.0, f64::INFINITY);
                Some(Observation::Estimates(rows))
            }
            Observation::Correlated(_) => None,
        }
    }

    /// By how much a bias moves the own estimate of subgroup `g`, roughly, and the variance that it adds. `own` is
    /// that estimate with its variance, without the bias.
    pub fn moved_by_bias(&self, own: Option<(f64, f64)>, g: usize) -> (f64, f64) {
        match self {
            Observation::Cells(cells) => {
                let pair = &cells.pairs()[g];
                let [control, active] = [Side::Control, Side::Active].map(|side| {
                    let (own, seen) = (pair.own_hint(side), pair.hint(side));
                    let added = if own.1 > 0.0 { 1.0 / seen.1 - 1.0 / own.1 } else { 0.0 };
                    (own.0 - seen.0, added)
                });
                (active.0 - control.0, active.1 + control.1)
            }
            Observation::Estimates(rows) => moved(&rows[g], own),
            Observation::Correlated(estimates) => moved(&estimates.rows()[g], own),
        }
    }
}

/// By how much a bias moves an estimate, and the variance that it adds.
fn moved(row: &NormalEstimate, own: Option<(f64, f64)>) -> (f64, f64) {
    let (x, information) = row.hint();
    own.map_or((0.0, 0.0), |(estimate, variance)| (estimate - x, 1.0 / information - variance))
}
