//! From the two engines to the report: estimands, probabilities of statements, diagnostics, checks, claims.
//!
//! ```text
//! model → exact ───────────→ quantities → rows ─┐
//!       → sampling → sampled → quantities → rows ─┴→ report ← checks ← agreement
//! ```
//!
//! A `Quantity` is a distribution or draws; `assembly` asks a `Source` for each and makes its row, so
//! that both engines, and the priors, answer the same questions in the same order.

mod agreement;
mod analysis;
mod answer;
mod arms;
mod assembly;
mod baseline_conflict;
mod block;
mod checks;
mod claim;
pub mod diagnostics;
mod direction;
mod effect_conflict;
mod empirical;
mod estimand;
mod factors;
mod fit;
mod fitted_elsewhere;
mod fitting;
mod importance;
mod linear;
mod model_checks;
mod names;
mod nnt;
mod normal_scores;
mod observed;
mod observed_levels;
mod options;
mod parameter;
mod psis;
mod quantity;
mod result;
mod reweighted;
mod sampled;
mod sampled_levels;
mod sampling;
mod shrinkage;
mod side_by_side;
mod sides;
mod source;

pub use analysis::{Analysis, LARGE, Report, analyse, analyse_watched, prior_report};
pub use answer::{
    Belief, Drive, MovesWithoutProportionalOdds, Stands, StandsWhere, UnderBias, UnderBiasOfAll, UnderPrior,
    Verdicts, Whose, WithoutProportionalOdds,
};
pub(crate) use arms::keeping_of_arms;
pub use arms::{ArmDraws, OfArms, arm_pairs};
pub use baseline_conflict::{BaselineConflict, baseline_conflicts};
pub use claim::{
    About, BeyondOthers, Bounded, By, CLEAR, Claim, CriterionRow, Direction, Dissenter, Leaning, Method,
    Rate, STATED, Says, Topic, Verdict,
};
pub use direction::{mass_within, region};
pub use effect_conflict::{EffectConflict, before_data, effect_conflict};
pub use empirical::Empirical;
pub use estimand::{Arms, Axis, Estimand, Measure, Scope, Statement, Whom, primary};
pub(crate) use factors::keeping_of_factors;
pub use factors::{FactorDraws, pooled as level_counts};
pub use fit::Fit;
pub use fitted_elsewhere::Reweighted;
pub use fitting::{Fitting, Integral, Integrals, Observer};
pub use importance::Importance;
pub(crate) use linear::Keeps;
pub use linear::ToldDraws;
pub use model_checks::{Check, Compared, ModelChecks, PredictedEffect, Predictive, Told, Untold};
pub use names::Names;
pub use nnt::Nnt;
pub use normal_scores::{NormalScores, expected_gain_together};
pub use observed::{Observed, observed};
pub use options::{Detail, Options, Sampling};
pub use parameter::Parameter;
pub use psis::{Smoothed, smooth, threshold as psis_threshold};
pub use result::{
    ChainSummary, Checks, Engine, Estimate, ExactChecks, ParameterRow, PriorSummary, Probability, Quantiles,
    Reported, SamplerSettings, Settings, Stopped, Summary,
};
pub(crate) use reweighted::{Effects, Target, Weights, analyse_reweighted, chance};
pub use sampled::{Risks, SampledPosterior};
pub use sampling::LEAST_ESS;
pub(crate) use sampling::{SHORTER, may_need_shorter_steps, target_acceptance};
pub use shrinkage::{ShrinkageRow, shrinkage};
pub use side_by_side::Side;
