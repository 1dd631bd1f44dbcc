//! Bayesian reanalysis of trial subgroups.
//!
//! From a table of counts or published estimates by subgroup to the posterior probability that a treatment helps or harms in
//! each, beside what the priors alone would say.
//!
//! ```text
//! model file + data → input → study → model → sampler ─┐
//!                                       └──→ exact ────┴→ posterior → calibrate → compare → decide → figure → report
//! ```
//!
//! [`input`] reads what the user wrote, a [`study::StudyBuilder`] takes it from code; a [`study::Study`] is what came of it. A [`model::Model`] is its likelihood, pooling and priors as
//! densities. [`exact::ExactPosterior`] integrates it, without sampling, into distributions; [`sampler`] draws from its
//! [`model::Hierarchy`], and knows no more of it than a [`density::LogDensity`]. [`posterior::analyse`] turns both into every
//! estimate and probability that is reported, and compares them; [`calibrate::Calibration`] holds its posteriors against
//! simulated studies; [`compare::compare`] fits a study again under many priors and
//! asks what its conclusions depend on; [`decide::decide`] lays several outcomes out for a decision; [`figure::Gallery`] is
//! what figures show; [`report`] renders. [`cli`] is the program.
//!
//! # Notation
//!
//! Subgroups g = 1 … G; α_g the control arm's log odds; θ_g the log odds ratio of the active arm (or the published effect);
//! μ the mean of the θ_g and τ their standard deviation; RD the risk difference, active minus control; s = +1 where higher
//! is better, −1 where it is worse. Benefit is s · effect > 0, everywhere, and derives from `higher_is` alone.
//!
//! # A study in code
//!
//! ```
//! use equipoise::posterior::{Estimand, Measure, Options, Whom, analyse};
//! use equipoise::study::distributions::{half_normal, normal};
//! use equipoise::study::{Assignment, Endpoint, HigherIs, Priors, Study};
//!
//! let study = Study::builder("A trial of ours", Assignment::Randomised)
//!     .outcome(Endpoint::events("death at 90 days", HigherIs::Worse).called("deaths"))
//!     .arms("placebo", "drug")
//!     .group("men", [(30, 120), (19, 118)])
//!     .group("women", [(22, 95), (21, 99)])
//!     .priors(Priors::partial(normal(0.0, 0.355), half_normal(0.5)))
//!     .build()?;
//! let report = analyse(&study, Options::exact());
//! let mean = report.estimate(Estimand::new(Whom::Mean, Measure::OddsRatio));
//! assert!(mean.and_then(|row| row.best()).is_some_and(|odds_ratio| odds_ratio.median < 1.0));
//! # Ok::<(), equipoise::study::Problem>(())
//! ```
//!
//! What is wrong with a study is a [`study::Problem`], with the part that it is in; what is wrong with a file is an
//! [`error::Error`], with its place. Both have an [`error::ErrorKind`].
//!
//! # A shipped study
//!
//! ```
//! use equipoise::input::open;
//! use equipoise::posterior::{Estimand, Measure, Options, Statement, analyse};
//!
//! let study = open("attention-evt")?;
//! let report = analyse(&study, Options::default());
//! let difference = Estimand::of_subgroup(0, Measure::RiskDifference);
//! let row = report
//!     .probability(difference, Statement::BenefitAtLeast, 0.05)
//!     .expect("0.05 is among the model's thresholds");
//! // At least five percentage points more patients with a good outcome: near certain, and one in five a priori.
//! assert!(row.probability.unwrap() > 0.98);
//! assert!(row.prior.unwrap() < 0.25);
//! # Ok::<(), equipoise::error::Error>(())
//! ```

#![warn(missing_docs)]
// What is read is the user's, and no word of it may end the program.
#![cfg_attr(
    not(test),
    deny(
        clippy::expect_used,
        clippy::panic,
        clippy::todo,
        clippy::unimplemented,
        clippy::unreachable,
        clippy::unwrap_used
    )
)]

pub mod calibrate;
#[cfg(feature = "cli")]
pub mod cli;
pub mod compare;
pub mod decide;
pub mod density;
pub mod error;
pub mod exact;
pub mod figure;
pub mod input;
pub mod model;
pub mod numeric;
mod parallel;
pub mod posterior;
#[cfg(feature = "report")]
pub mod report;
pub mod sampler;
pub mod study;
pub mod terminal;
pub mod trial;
pub mod weighting;
