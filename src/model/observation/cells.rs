//! Counts of events by subgroup and arm, and what the patients of a cell are.

use std::sync::Arc;

use super::BinomialPair;
use crate::model::rows::Rows;
use crate::study::{BaselineOf, BaselinePrior, LocationPrior, Misclassification, SubgroupBias};

/// The baselines α of the subgroups.
#[derive(Debug, Clone, PartialEq)]
pub struct Baselines {
    /// The prior of every α.
    pub prior: BaselinePrior,
    /// Where α lies between the arms' log odds.
    pub of: BaselineOf,
}

impl Default for Baselines {
    /// α ~ N(0, 2.5²), the mean of the arms' log odds.
    fn default() -> Baselines {
        let prior = BaselinePrior::Independent(LocationPrior::normal(0.0, 2.5));
        Baselines { prior, of: BaselineOf::default() }
    }
}

/// What the patients behind the cells are.
#[derive(Debug, Clone, PartialEq)]
enum Patients {
    /// Those of one cell are exchangeable.
    Alike,
    /// Rows with covariates or centres, of which the cells are the sums; α and θ are then those at the covariates' means.
    /// Where the cells are curves, the coefficients are held in these.
    Rows(Arc<Rows>),
    /// Those of two subgroups, by labels that may be wrong; θ and α are then those of the true subgroups.
    Labelled(Box<Misclassification>),
}

/// The cells of a study with their baselines.
#[derive(Debug, Clone, PartialEq)]
pub struct Cells {
    pairs: Vec<BinomialPair>,
    baselines: Baselines,
    patients: Patients,
}

impl Cells {
    /// Patients of one cell are exchangeable.
    pub fn new(pairs: Vec<BinomialPair>, baselines: Baselines) -> Cells {
        Cells { pairs, baselines, patients: Patients::Alike }
    }

    /// The sums of rows, which stay beside them.
    pub fn of_rows(rows: Arc<Rows>, baselines: Baselines) -> Cells {
        Cells { pairs: rows.counts(), baselines, patients: Patients::Rows(rows) }
    }

    /// The same with coefficients and intercepts held where the rows have them together: the cells are curves over their log
    /// odds, in which what is not known of the coefficients is integrated out. The exact engine covers these.
    pub fn holding_coefficients(rows: Arc<Rows>, baselines: Baselines) -> Cells {
        Cells { pairs: rows.integrated(), baselines, patients: Patients::Rows(rows) }
    }

    /// The same cells by labels that may be wrong; none unless there are two subgroups.
    pub fn labelled(self, misclassification: Misclassification) -> Option<Cells> {
        let two = self.pairs.len() == 2;
        two.then_some(Cells { patients: Patients::Labelled(Box::new(misclassification)), ..self })
    }

    /// The same cells of patients that are alike.
    #[must_use]
    pub fn of_patients_alike(self) -> Cells {
        Cells { patients: Patients::Alike, ..self }
    }

    /// The same cells under other baselines.
    #[must_use]
    pub fn with_baselines(self, baselines: Baselines) -> Cells {
        Cells { baselines, ..self }
    }

    /// By subgroup.
    pub fn pairs(&self) -> &[BinomialPair] {
        &self.pairs
    }

    /// Of all subgroups.
    pub fn baselines(&self) -> &Baselines {
        &self.baselines
    }

    /// The rows with covariates or centres, where there are any.
    pub fn rows(&self) -> Option<&Arc<Rows>> {
        match &self.patients {
            Patients::Rows(rows) => Some(rows),
            Patients::Alike | Patients::Labelled(_) => None,
        }
    }

    /// How labels may be wrong, where they may.
    pub fn misclassification(&self) -> Option<&Misclassification> {
        match &self.patients {
            Patients::Labelled(m) => Some(m),
            Patients::Alike | Patients::Rows(_) => None,
        }
    }

    /// Whether coefficients are held, and the counts are there for their sizes alone.
    pub fn holds_coefficients(&self) -> bool {
        self.pairs.iter().all(BinomialPair::is_curve)
    }

    /// Each subgroup's seen through a bias; subgroups beyond the list's end have none.
    #[must_use]
    pub(super) fn through(self, biases: &[SubgroupBias]) -> Cells {
        let none = SubgroupBias::default();
        let biases = biases.iter().chain(std::iter::repeat(&none));
        let pairs = self.pairs.into_iter().zip(biases).map(|(c, b)| c.through(b)).collect();
        Cells { pairs, ..self }
    }

    pub(super) fn powered(&self, power: f64) -> Cells {
        Cells { pairs: self.pairs.iter().map(|c| c.powered(power)).collect(), ..self.clone() }
    }

    /// As many subgroups with nothing observed, of patients that are alike.
    pub(super) fn emptied(&self, subgroups: usize) -> Cells {
        Cells::new(vec![BinomialPair::EMPTY; subgroups], self.baselines.clone())
    }

    /// The same kind of patients with other counts. Rows and labels do not follow them: what is drawn of rows is drawn by
    /// [`Cells::of_rows`].
    #[must_use]
    pub fn with_pairs(&self, pairs: Vec<BinomialPair>) -> Cells {
        Cells { pairs, ..self.clone() }
    }
}
