//! Simulated studies, each fitted, and where the truth then ranks.

use std::ops::Range;

use rand_chacha::rand_core::Rng;
use serde::{Deserialize, Serialize};

use super::linear::Several;
use super::quantity::{Quantity, candidates};
use super::refusal::{refusal, undrawn};
use super::truth::Truth;
use super::validation::Validation;
use super::{integrated, sampled};
use crate::error::{Error, ErrorKind, Result};
use crate::exact::{ExactPosterior, Resolution};
use crate::model::{Linear, Model};
use crate::parallel;
use crate::sampler::{Purpose, Watch, stream};
use crate::study::Study;

/// What fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fitter {
    /// Numerical integration.
    Exact,
    /// The No-U-Turn sampler.
    Sampler,
}

impl Fitter {
    /// How many studies are simulated where nobody says it: a sampled fit takes longer.
    pub fn usual_replications(self) -> u64 {
        match self {
            Fitter::Exact => 1_000,
            Fitter::Sampler => 200,
        }
    }
}

/// A model with data that were drawn.
#[derive(Debug, Clone)]
pub enum Observed {
    /// Two arms, one factor.
    Effects(Model),
    /// Several arms, or several factors.
    Linear(Linear),
}

/// What one replication gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Its number.
    pub replication: u64,
    /// For each of the calibration's quantities the rank of its true value, from 0 to [`DRAWS`](super::DRAWS); none where the fit
    /// gave no proven answer.
    pub ranks: Vec<Option<u32>>,
    /// Whether transitions of the sampler diverged that were kept.
    pub diverged: bool,
}

/// A model that is to be validated, and by what it is fitted.
#[derive(Debug, Clone)]
pub struct Calibration {
    subject: Subject,
    fitter: Fitter,
    seed: u64,
    quantities: Vec<Quantity>,
}

#[derive(Debug, Clone)]
enum Subject {
    Effects(Box<Model>),
    Several(Several),
}

impl Calibration {
    /// The calibration of a study's model; `fitter` none is as `fit` has it, by integration where that is available. An error says
    /// why no data can be drawn from the study's priors, or why the engine that was asked for does not cover the model.
    pub fn of(study: &Study, fitter: Option<Fitter>, seed: u64) -> Result<Calibration> {
        if let Some(why) = refusal(study) {
            return Err(why);
        }
        let Some(several) = Several::of(study) else {
            let mut own = Calibration::of_model(&study.name, &Model::of(study), fitter, seed)?;
            // Where there are no further subgroups nothing is told of one.
            own.quantities.retain(|q| !(study.exhaustive && *q == Quantity::NewEffect));
            return Ok(own);
        };
        if fitter == Some(Fitter::Exact) {
            return Err(uncovered(&study.name, "several arms or factors are sampled"));
        }
        if several.draw_prior(&mut stream(seed, 0, Purpose::Prior)).is_none() {
            return Err(undrawn(&study.name));
        }
        let quantities = several.quantities();
        Ok(Calibration { subject: Subject::Several(several), fitter: Fitter::Sampler, seed, quantities })
    }

    /// The same of a model with two arms and one factor, `name` being what errors call it.
    pub fn of_model(name: &str, model: &Model, fitter: Option<Fitter>, seed: u64) -> Result<Calibration> {
        let integrated = match fitter {
            Some(Fitter::Sampler) => None,
            _ => match ExactPosterior::new(model, Resolution::default()) {
                Ok(posterior) => Some(posterior),
                Err(why) if fitter.is_some() => return Err(uncovered(name, &why.to_string())),
                Err(_) => None,
            },
        };
        if integrated.is_none() && model.pooling.is_integrated_alone() {
            let message =
                format!("the sampler does not cover {name}, whose effects are not normal around their mean");
            return Err(Error::of(ErrorKind::Unavailable, message)
                .help("they are integrated: leave out `--engine`, or choose `--engine exact`"));
        }
        let drawn = model.draw_prior(&mut stream(seed, 0, Purpose::Prior)).ok_or_else(|| undrawn(name))?;
        let truth = Truth::of(model, &drawn, true);
        let mut quantities = candidates(model);
        quantities.retain(|quantity| truth.value(*quantity).is_some());
        let fitter = match &integrated {
            Some(posterior) => {
                quantities.retain(|quantity| integrated::answers(posterior, *quantity));
                Fitter::Exact
            }
            None => Fitter::Sampler,
        };
        Ok(Calibration { subject: Subject::Effects(Box::new(model.clone())), fitter, seed, quantities })
    }

    /// What fits.
    pub fn fitter(&self) -> Fitter {
        self.fitter
    }

    /// The seed of all random numbers.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// What is ranked, in the order of a row's ranks.
    pub fn quantities(&self) -> &[Quantity] {
        &self.quantities
    }

    /// One simulated study: parameters and data are drawn, and fitted. The result depends on the seed and the number alone.
    pub fn replicate(&self, replication: u64) -> Row {
        self.replicate_as(replication, &|observed| observed)
    }

    /// The same, `fitted` making the model that is fitted from the one that made the data: what a wrong one would do.
    pub fn replicate_as(&self, replication: u64, fitted: &dyn Fn(Observed) -> Observed) -> Row {
        let seed = stream(self.seed, replication as usize, Purpose::Replication).next_u64();
        let found = match &self.subject {
            Subject::Effects(model) => self.of_effects(model, seed, fitted),
            Subject::Several(several) => self.of_several(several, seed, fitted),
        };
        let (ranks, diverged) = found.unwrap_or_else(|| (vec![None; self.quantities.len()], false));
        Row { replication, ranks, diverged }
    }

    fn of_effects(
        &self,
        model: &Model,
        seed: u64,
        fitted: &dyn Fn(Observed) -> Observed,
    ) -> Option<(Vec<Option<u32>>, bool)> {
        let drawn = model.draw_prior(&mut stream(seed, 0, Purpose::Prior))?;
        let observed = model.with_drawn_data(&drawn, &mut stream(seed, 0, Purpose::Simulation));
        let Observed::Effects(fitted) = fitted(Observed::Effects(observed.clone())) else { return None };
        let mut ties = stream(seed, 1, Purpose::Simulation);
        let truth = Truth::of(&observed, &drawn, self.fitter == Fitter::Sampler);
        let told = (&observed, &truth);
        Some(match self.fitter {
            Fitter::Exact => {
                let posterior = ExactPosterior::new(&fitted, Resolution::default()).ok()?;
                (integrated::ranks(told, &posterior, &self.quantities, &mut ties), false)
            }
            Fitter::Sampler => {
                let (hierarchy, chain) = sampled::fit(&fitted, seed)?;
                let fit = (&hierarchy, &chain);
                (sampled::ranks(told, fit, &self.quantities, (seed, &mut ties)), chain.diverged)
            }
        })
    }

    fn of_several(
        &self,
        several: &Several,
        seed: u64,
        fitted: &dyn Fn(Observed) -> Observed,
    ) -> Option<(Vec<Option<u32>>, bool)> {
        let truth = several.draw_prior(&mut stream(seed, 0, Purpose::Prior))?;
        let observed = several.draw_data(&truth, &mut stream(seed, 0, Purpose::Simulation));
        let Observed::Linear(fitted) = fitted(Observed::Linear(observed.clone())) else { return None };
        let mut ties = stream(seed, 1, Purpose::Simulation);
        several.ranks((&observed, &fitted), &truth, &self.quantities, (seed, &mut ties))
    }

    /// Replications beside each other, in their order; those that had not begun when the watch said stop are left out.
    pub fn replicate_all(&self, replications: Range<u64>, watch: &dyn Watch) -> Vec<Row> {
        let first = replications.start;
        let count = replications.end.saturating_sub(first) as usize;
        let one = |i: usize| {
            if watch.stopped() {
                return None;
            }
            let row = self.replicate(first + i as u64);
            watch.advanced(1);
            Some(row)
        };
        parallel::range(0..count, one).into_iter().flatten().collect()
    }

    /// What the rows say, whoever made them.
    pub fn summary(&self, rows: &[Row]) -> Validation {
        Validation::of(self, rows)
    }
}

fn uncovered(name: &str, why: &str) -> Error {
    Error::of(ErrorKind::Unavailable, format!("the exact engine does not cover {name}: {why}"))
        .help("the sampler does: leave out `--engine`, or choose `--engine sampler`")
}
