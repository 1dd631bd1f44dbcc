//! Several subgroup factors at once: the groups of the data are crossed levels of them.

use super::{LocationPrior, Written};

/// The most levels that all factors together may have.
pub const MOST_FACTOR_LEVELS: usize = 200;

/// The most groups that levels of factors may make.
pub const MOST_CROSSED: usize = 5_000;

/// The factors, and every group's levels of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Factors {
    /// The factors, in the order of the model file.
    pub all: Vec<Factor>,
    /// By group of the data: its level of every factor, by place.
    pub of: Vec<Vec<usize>>,
    /// By group, how many patients it stands for where the data are estimates; none where that is not stated.
    pub patients: Option<Vec<f64>>,
}

/// A factor, such as "sex".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Factor {
    /// Its name.
    pub name: String,
    /// The names of its levels, in the order in which they are shown.
    pub levels: Vec<String>,
}

/// How the effect's dependence on levels is drawn together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Interactions {
    /// The levels of each factor are exchangeable: one standard deviation a factor, under the heterogeneity prior.
    ByFactor,
    /// The regularised horseshoe (Piironen and Vehtari, Electronic Journal of Statistics 2017;11:5018): each level has a
    /// half-Cauchy local scale beside a global one, which has the heterogeneity prior, and large ones are bounded by a slab.
    Horseshoe(Slab),
}

/// The slab of a regularised horseshoe: a Student t distribution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slab {
    /// Its scale.
    pub scale: f64,
    /// Its degrees of freedom.
    pub df: f64,
}

impl Default for Slab {
    fn default() -> Slab {
        Slab { scale: 2.0, df: 4.0 }
    }
}

/// What is assumed of several factors.
#[derive(Debug, Clone, PartialEq)]
pub struct FactorPriors {
    /// How the effect depends on levels.
    pub interactions: Interactions,
    /// Of every level's share of the log odds in both arms alike; none for estimates.
    pub main_effects: Option<Written<LocationPrior>>,
}

impl FactorPriors {
    /// Without the words.
    pub(super) fn distributions(&self) -> (Interactions, Option<&LocationPrior>) {
        (self.interactions, self.main_effects.as_ref().map(|p| &p.distribution))
    }
}

impl Factors {
    /// The factors' names.
    pub fn names(&self) -> Vec<&str> {
        self.all.iter().map(|factor| factor.name.as_str()).collect()
    }

    /// Every level of every factor by their places.
    pub fn levels(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.all.iter().enumerate().flat_map(|(f, factor)| (0..factor.levels.len()).map(move |l| (f, l)))
    }

    /// The groups that are of a level.
    pub fn groups(&self, (factor, level): (usize, usize)) -> impl Iterator<Item = usize> + '_ {
        let is = move |(g, of): (usize, &Vec<usize>)| (of.get(factor) == Some(&level)).then_some(g);
        self.of.iter().enumerate().filter_map(is)
    }

    /// The name of a level; empty where there is none.
    pub fn level(&self, factor: usize, level: usize) -> &str {
        self.all.get(factor).and_then(|f| f.levels.get(level)).map_or("", String::as_str)
    }

    /// How many combinations of levels have no patients at all.
    pub fn empty(&self) -> f64 {
        self.all.iter().map(|factor| factor.levels.len() as f64).product::<f64>() - self.of.len() as f64
    }
}
