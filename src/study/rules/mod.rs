//! What a study may be: rules on its parts, whether they were read from a file or given in code. Each says which part breaks
//! it, and knows nothing of where that part is written.

mod arms;
mod counted_twice;
mod factors;
mod groups;
mod labels;
mod levels;
mod named;
mod parameters;
mod priors;
mod thresholds;

pub(crate) use arms::{StatedArms, arm_priors, arms, empty_cells, flat_arms};
pub(crate) use counted_twice::counted_twice;
pub(crate) use factors::{Crossing, StatedFactors, StatedInteractions, factor_priors, factors, level_counts};
pub(crate) use groups::{MOST_PATIENTS, empty_arms, few_enough, groups, left_out};
pub(crate) use labels::{Labels, text, title_and_labels};
pub(crate) use levels::{level_priors, level_rows, level_scale, not_monotone, seen_levels, utilities};
pub(crate) use named::{NamedChanges, named};
pub(crate) use parameters::{
    BASELINES, LOG_RATIOS, Limits, MOST_COMPONENTS, PROPER_BASELINE, baseline_parameters, checked,
    effect_parameters, heterogeneity_numbers, heterogeneity_parameters, location_numbers, risk_beta,
    too_many_components,
};
pub(crate) use priors::{
    expected_odds_ratio, fitting_baseline, fitting_baselines, fitting_heterogeneity, fitting_spread,
    flat_effect, integrated_alone,
};
pub(crate) use thresholds::{Asked, Reported, THRESHOLD_MEASURES, thresholds};
