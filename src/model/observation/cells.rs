//! Counts of events by subgroup and arm, and what is known of the patients of a cell.

use std::sync::Arc;

use super::{Arm, BinomialPair};
use crate::model::levels::Levels;
use crate::model::rows::Rows;
use crate::study::{Adjustment, BaselineOf, BaselinePrior, LocationPrior, Misclassification, SubgroupBias};

/// The baselines α of the subgroups: their prior, and what they stand for.
#[derive(Debug, Clone, PartialEq)]
pub struct Baselines {
    /// The prior of the baselines, in log odds.
    pub prior: BaselinePrior,
    /// Where a baseline lies between its arms' log odds.
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
    /// Those of ordered levels; the cells are those above the primary cut. With rows where there are covariates or centres.
    Levels(Box<Levels>, Option<LevelRows>),
}

/// Rows of patients with ordered levels.
#[derive(Debug, Clone, PartialEq)]
pub struct LevelRows {
    /// One or two a patient: a cell of them is one cut of one arm.
    pub by_cut: Arc<Rows>,
    /// One a patient, their events those above the primary cut.
    pub patients: Arc<Rows>,
    /// What both were made from.
    of: Arc<Adjustment>,
}

impl LevelRows {
    /// The rows of an adjustment whose patterns have levels.
    pub fn new(of: Arc<Adjustment>, levels: &Levels) -> LevelRows {
        let (subgroups, cuts) = (levels.counts.len(), levels.cuts());
        let patients = Adjustment { patterns: of.patterns.without_levels(), ..Adjustment::clone(&of) };
        let patients = Rows::new(&patients, subgroups);
        let by_cut = Rows::of_cuts(&of, subgroups, cuts, &patients);
        LevelRows { by_cut: Arc::new(by_cut), patients: Arc::new(patients), of }
    }

    /// What the rows were made from.
    pub fn adjustment(&self) -> &Adjustment {
        &self.of
    }
}

/// The counts of all subgroups with their baselines, and what is known of the patients behind them.
#[derive(Debug, Clone, PartialEq)]
pub struct Cells {
    pairs: Vec<BinomialPair>,
    baselines: Baselines,
    patients: Patients,
}

impl Cells {
    /// Counts of patients who are exchangeable within each cell.
    pub fn new(pairs: Vec<BinomialPair>, baselines: Baselines) -> Cells {
        Cells { pairs, baselines, patients: Patients::Alike }
    }

    /// The counts of rows with covariates or centres; the rows are kept beside them.
    pub fn of_rows(rows: Arc<Rows>, baselines: Baselines) -> Cells {
        Cells { pairs: rows.counts(), baselines, patients: Patients::Rows(rows) }
    }

    /// Patients by ordered level, with rows of all cuts where there are covariates or centres.
    pub fn of_levels(levels: Levels, rows: Option<LevelRows>, baselines: Baselines) -> Cells {
        let p = levels.primary;
        let arm = |of: &Vec<f64>| Arm { events: of[p + 1..].iter().sum(), total: of.iter().sum() };
        let pairs = levels.counts.iter().map(|of| BinomialPair::new(arm(&of[0]), arm(&of[1]))).collect();
        Cells { pairs, baselines, patients: Patients::Levels(Box::new(levels), rows) }
    }

    /// The counts of rows with coefficients and intercepts fixed at their estimates: each cell is a curve over its
    /// log odds, in which the uncertainty of the coefficients is integrated out. The exact engine covers such cells.
    pub fn holding_coefficients(rows: Arc<Rows>, baselines: Baselines) -> Cells {
        Cells { pairs: rows.integrated(), baselines, patients: Patients::Rows(rows) }
    }

    /// The same counts where the labels of the two subgroups may be wrong; none unless there are two subgroups.
    pub fn labelled(self, misclassification: Misclassification) -> Option<Cells> {
        let two = self.pairs.len() == 2;
        two.then_some(Cells { patients: Patients::Labelled(Box::new(misclassification)), ..self })
    }

    /// The same counts, of patients who are exchangeable within each cell.
    #[must_use]
    pub fn of_patients_alike(self) -> Cells {
        Cells { patients: Patients::Alike, ..self }
    }

    /// The same counts with other baselines.
    #[must_use]
    pub fn with_baselines(self, baselines: Baselines) -> Cells {
        Cells { baselines, ..self }
    }

    /// The counts of both arms, by subgroup.
    pub fn pairs(&self) -> &[BinomialPair] {
        &self.pairs
    }

    /// The baselines of all subgroups.
    pub fn baselines(&self) -> &Baselines {
        &self.baselines
    }

    /// The rows with covariates or centres; none where there are neither.
    pub fn rows(&self) -> Option<&Arc<Rows>> {
        match &self.patients {
            Patients::Rows(rows) => Some(rows),
            Patients::Levels(_, rows) => rows.as_ref().map(|rows| &rows.patients),
            Patients::Alike | Patients::Labelled(_) => None,
        }
    }

    /// Patients by ordered level; none where outcomes have no levels.
    pub fn levels(&self) -> Option<&Levels> {
        match &self.patients {
            Patients::Levels(levels, _) => Some(levels),
            Patients::Alike | Patients::Rows(_) | Patients::Labelled(_) => None,
        }
    }

    /// The same with these concentrations of the levels, and the prior of the primary cut's baseline that goes with them; unchanged
    /// where outcomes have no levels.
    #[must_use]
    pub(super) fn with_concentrations(self, concentrations: Vec<f64>) -> Cells {
        match self.patients {
            Patients::Levels(levels, rows) => {
                let levels = Levels { concentrations, ..*levels };
                let (a, b) = levels.risk();
                let risk = LocationPrior::LogitBeta { a, b };
                let prior = match self.baselines.prior {
                    BaselinePrior::Independent(_) => BaselinePrior::Independent(risk),
                    BaselinePrior::Exchangeable { sd, .. } => BaselinePrior::Exchangeable { mean: risk, sd },
                };
                let baselines = Baselines { prior, of: self.baselines.of };
                Cells { patients: Patients::Levels(Box::new(levels), rows), baselines, ..self }
            }
            patients => Cells { patients, ..self },
        }
    }

    /// The rows of ordered levels by cut; none without covariates and centres.
    pub fn level_rows(&self) -> Option<&Arc<Rows>> {
        match &self.patients {
            Patients::Levels(_, rows) => rows.as_ref().map(|rows| &rows.by_cut),
            Patients::Alike | Patients::Rows(_) | Patients::Labelled(_) => None,
        }
    }

    /// How labels may be wrong; none where they are taken as right.
    pub fn misclassification(&self) -> Option<&Misclassification> {
        match &self.patients {
            Patients::Labelled(m) => Some(m),
            Patients::Alike | Patients::Rows(_) | Patients::Levels(..) => None,
        }
    }

    /// Both kinds of rows of ordered levels.
    pub(super) fn of_level_rows(&self) -> Option<&LevelRows> {
        match &self.patients {
            Patients::Levels(_, rows) => rows.as_ref(),
            Patients::Alike | Patients::Rows(_) | Patients::Labelled(_) => None,
        }
    }

    /// Whether coefficients are fixed at their estimates, so that the cells are curves and their counts only give
    /// sizes.
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
        let patients = match &self.patients {
            Patients::Levels(levels, rows) => Patients::Levels(Box::new(levels.powered(power)), rows.clone()),
            other => other.clone(),
        };
        Cells { pairs: self.pairs.iter().map(|c| c.powered(power)).collect(), patients, ..self.clone() }
    }

    /// As many subgroups with nothing observed, of patients that are alike. Of ordered levels the primary cut is left, whose risk
    /// has the same prior.
    pub(super) fn emptied(&self, subgroups: usize) -> Cells {
        Cells::new(vec![BinomialPair::EMPTY; subgroups], self.baselines.clone())
    }

    /// Whether the patients of a cell are exchangeable, and seen as they are: each arm's events are binomial.
    pub fn are_binomial(&self) -> bool {
        matches!(self.patients, Patients::Alike) && self.pairs.iter().all(|pair| pair.bias().is_none())
    }

    /// The same without the patients of subgroup `g`; none where they are rows, or belong to a subgroup by labels that may be wrong.
    pub(super) fn without_subgroup(&self, g: usize) -> Option<Cells> {
        match &self.patients {
            Patients::Alike => {
                let mut pairs = self.pairs.clone();
                *pairs.get_mut(g)? = BinomialPair::EMPTY;
                Some(Cells { pairs, ..self.clone() })
            }
            Patients::Levels(levels, None) => {
                let mut levels = Levels::clone(levels);
                levels.counts.get_mut(g)?.iter_mut().flatten().for_each(|n| *n = 0.0);
                Some(Cells::of_levels(levels, None, self.baselines.clone()))
            }
            Patients::Levels(_, Some(_)) | Patients::Rows(_) | Patients::Labelled(_) => None,
        }
    }

    /// The same kind of patients with other counts. Rows do not follow the counts: outcomes that are drawn of rows go
    /// through [`Cells::of_rows`]. Rows and labels are of this many subgroups: of another number patients are alike.
    #[must_use]
    pub fn with_pairs(&self, pairs: Vec<BinomialPair>) -> Cells {
        let as_many = pairs.len() == self.pairs.len();
        let patients = if as_many { self.patients.clone() } else { Patients::Alike };
        Cells { pairs, patients, baselines: self.baselines.clone() }
    }
}
