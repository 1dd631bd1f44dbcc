//! What is assumed of the levels of an ordinal outcome: cut points and their prior, and departures from proportional odds.

use super::{BaselinePrior, HeterogeneityPrior, LocationPrior, Written};

/// Whose cut points are whose.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Cutpoints {
    /// One set for all subgroups, which each subgroup shifts as a whole.
    #[default]
    #[serde(rename = "shared")]
    Shared,
    /// Each subgroup has its own.
    #[serde(rename = "by subgroup")]
    BySubgroup,
}

impl Cutpoints {
    /// As model files have it.
    pub fn in_words(self) -> &'static str {
        match self {
            Cutpoints::Shared => "shared",
            Cutpoints::BySubgroup => "by subgroup",
        }
    }
}

/// What is assumed of the levels.
#[derive(Debug, Clone, PartialEq)]
pub struct LevelPriors {
    /// Whose cut points are whose.
    pub cutpoints: Cutpoints,
    /// The Dirichlet concentrations of the control arm's level probabilities, lowest level first: of each subgroup, or where cut
    /// points are shared, of a typical one.
    pub concentrations: Written<Vec<f64>>,
    /// The standard deviation of the subgroups' shifts, where cut points are shared; on the log odds.
    pub shift: Option<Written<HeterogeneityPrior>>,
    /// How far effects may differ from cut to cut; none for proportional odds.
    pub departure: Option<Departure>,
}

/// A departure from proportional odds.
#[derive(Debug, Clone, PartialEq)]
pub struct Departure {
    /// Which cuts depart.
    pub shape: Shape,
    /// The prior of δ, or of each δ, on the log odds ratio.
    pub prior: Written<LocationPrior>,
}

/// Which cuts depart from proportional odds: the log odds ratio at cut k is θ + δ f_k.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// f = 1 at the last cut and 0 elsewhere.
    Death,
    /// f runs from −1 at the first cut to 1 at the last.
    Linear,
    /// f as declared, one number a cut.
    Numbers(Vec<f64>),
    /// A δ of its own at every cut but the primary one.
    Unconstrained,
}

impl Shape {
    /// f by cut; none where every cut has its own δ.
    pub fn by_cut(&self, cuts: usize) -> Option<Vec<f64>> {
        let last = cuts - 1;
        match self {
            Shape::Death => Some((0..cuts).map(|k| f64::from(u8::from(k == last))).collect()),
            Shape::Linear => Some((0..cuts).map(|k| -1.0 + 2.0 * k as f64 / last.max(1) as f64).collect()),
            Shape::Numbers(f) => Some(f.clone()),
            Shape::Unconstrained => None,
        }
    }

    /// As model files have it.
    pub fn in_words(&self) -> String {
        match self {
            Shape::Death => "death".to_string(),
            Shape::Linear => "linear".to_string(),
            Shape::Numbers(f) => {
                let each: Vec<String> = f.iter().map(|x| format!("{x:?}")).collect();
                format!("[{}]", each.join(", "))
            }
            Shape::Unconstrained => "unconstrained".to_string(),
        }
    }
}

impl LevelPriors {
    /// The concentrations of the levels above the primary cut and of those below it, each summed: the parameters of the beta
    /// distribution of the control arm's risk.
    pub fn risk(&self, primary: usize) -> (f64, f64) {
        let (below, above) = self.concentrations.distribution.split_at(primary + 1);
        (above.iter().sum(), below.iter().sum())
    }

    /// What follows for the baselines, the control arms' log odds at the primary cut.
    pub fn baseline(&self, primary: usize) -> Written<BaselinePrior> {
        let (a, b) = self.risk(primary);
        let risk = LocationPrior::LogitBeta { a, b };
        let of = self.concentrations.words.clone();
        match &self.shift {
            None => Written { distribution: BaselinePrior::Independent(risk), words: of },
            Some(shift) => Written {
                words: format!("{of}; shifts of subgroups with sd {}", shift.words),
                distribution: BaselinePrior::Exchangeable { mean: risk, sd: shift.distribution },
            },
        }
    }

    /// Whether subgroups share more than the priors of their effects, so that only sampling covers the model: cut points, or
    /// departures from proportional odds.
    pub fn ties_subgroups(&self) -> bool {
        self.cutpoints == Cutpoints::Shared || self.departure.is_some()
    }

    /// rmsb's concentration for K levels, 1/(0.8 + 0.35·max(K, 3)).
    pub fn rmsb(levels: usize) -> f64 {
        1.0 / (0.8 + 0.35 * levels.max(3) as f64)
    }
}
