//! Outcomes under other priors than the stated ones: each fitted once, whoever asks.

use std::sync::Arc;

use super::Population;
use super::judgement::benefit;
use super::populations::{Means, means};
use crate::parallel;
use crate::posterior::{Fit, Fitting};
use crate::study::{Decision, Priors};

/// What decisions ask of one outcome under one set of priors.
#[derive(Clone)]
pub struct Refit {
    pub means: Means,
    /// P(benefit) by population; of the first outcome alone.
    pub benefit: Vec<Option<f64>>,
}

impl Refit {
    pub fn of(decision: &Decision, k: usize, fit: &Fit, populations: &[Population]) -> Refit {
        Refit {
            means: means(&decision.outcomes[k], fit, populations),
            benefit: if k == 0 { benefit(decision, fit, populations) } else { Vec::new() },
        }
    }
}

/// A fit that was made, or why its checks do not pass.
type Found = Result<Arc<Refit>, Vec<String>>;

/// All that are there so far.
pub struct Refits<'a> {
    decision: &'a Decision,
    populations: &'a [Population],
    how: Fitting<'a>,
    /// By an outcome's place and its priors.
    found: Vec<((usize, Priors), Found)>,
}

impl<'a> Refits<'a> {
    /// With the stated ones, which are made already.
    pub fn new(
        decision: &'a Decision,
        stated: Vec<Refit>,
        populations: &'a [Population],
        how: Fitting<'a>,
    ) -> Refits<'a> {
        let own = decision.outcomes.iter().map(|o| o.study.priors.clone()).enumerate();
        let found = own.zip(stated).map(|(key, refit)| (key, Ok(Arc::new(refit)))).collect();
        Refits { decision, populations, how, found }
    }

    /// Fits outcomes under these priors ahead, in parallel.
    pub fn prepare(&mut self, wanted: impl IntoIterator<Item = (usize, Priors)>) {
        let mut missing: Vec<(usize, Priors)> = Vec::new();
        for (k, priors) in wanted {
            if self.find(k, &priors).is_none() && !missing.iter().any(|known| is_same(known, k, &priors)) {
                missing.push((k, priors));
            }
        }
        let made = parallel::map_taken(missing, |(k, priors)| {
            let found = self.fitted(k, &priors);
            ((k, priors), found)
        });
        self.found.extend(made);
    }

    /// One outcome under these priors, fitted now if it is not there.
    pub fn under(&self, k: usize, priors: &Priors) -> Found {
        self.find(k, priors).cloned().unwrap_or_else(|| self.fitted(k, priors))
    }

    fn find(&self, k: usize, priors: &Priors) -> Option<&Found> {
        self.found.iter().find(|(key, _)| is_same(key, k, priors)).map(|(_, found)| found)
    }

    fn fitted(&self, k: usize, priors: &Priors) -> Found {
        let fit = Fit::under(&self.decision.outcomes[k].study, priors, self.how)?;
        Ok(Arc::new(Refit::of(self.decision, k, &fit, self.populations)))
    }
}

fn is_same((place, known): &(usize, Priors), k: usize, priors: &Priors) -> bool {
    *place == k && known.distributions() == priors.distributions()
}
