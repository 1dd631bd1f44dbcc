//! How far the conclusions depend on biases that nobody can see in the data: unmeasured confounding, missing outcomes,
//! subgroups that were judged wrongly.
//!
//! ```text
//! study → stated (with [bias] and without) → implied (what [bias] says on the scale of the effect)
//!       → biased (the study refitted under any bias)
//!           → surface (bias mean × sd; prevalence × strength)
//!           → tipping (the smallest bias that crosses each line)
//!           → missing (best and worst case), labels (sensitivity × specificity)
//!       → e_value
//!       → answer (what it comes to, as claims)
//! ```
//!
//! Every number is a fit by the exact engine; nothing is reweighted.

mod answer;
mod biased;
mod e_value;
mod implied;
mod labels;
mod missing;
mod surface;
mod tipping;

pub use e_value::{Conversion, EValueRow, e_value};
pub use implied::{Implied, implied};
pub use labels::LabelPoint;
pub use missing::{MissingCase, MissingRow};
pub use surface::{ConfounderPoint, ShiftPoint};
pub use tipping::{BiasTipping, NoTipping, Varied};

use biased::Biased;

use crate::parallel;
use crate::posterior::{Claim, Engine, Integrals, Observer, Options, Report, Sampling, analyse};
use crate::study::{Assignment, Assumption, Study};

/// Differences between subgroups are searched for up to this many subgroups.
const PAIRS_UP_TO: usize = 4;

/// What is said of ordered levels.
const OF_LEVELS: &str = "Of an ordinal outcome biases are of the common log odds ratio. Confounders by prevalence and strength, missing outcomes and wrong labels act on a binary outcome and are left out; E-values are of the risk ratio at the primary cut, as no rule gives one for a common odds ratio. For these the outcome can be dichotomised at the primary cut, as kind = \"binary\".";

/// How far a study's conclusions depend on biases: everything that `compare --bias` reports.
#[derive(Debug, Clone)]
pub struct BiasComparison {
    /// Whether the fit of the study as stated passed its checks.
    pub ok: bool,
    /// Why it did not pass, in words; empty where it did.
    pub reasons: Vec<String>,
    /// What else a reader should know of how the numbers came about, in sentences.
    pub notices: Vec<String>,
    /// The fit of the study as stated; where that includes a bias, rows also have the value without it.
    pub stated: Report,
    /// What the study states of its biases, part by part; empty where it states none.
    pub assumptions: Vec<Assumption>,
    /// How far the stated bias moves the effect, by subgroup; empty where none is stated.
    pub implied: Vec<Implied>,
    /// Probabilities over the mean and sd of a bias; empty where the exact engine does not cover the model.
    pub shifts: Vec<ShiftPoint>,
    /// Probabilities over a confounder's prevalences and strength; empty for differences, adjusted studies, and where the
    /// exact engine does not cover the model.
    pub confounders: Vec<ConfounderPoint>,
    /// The smallest bias that brings each statement to each line; empty where the exact engine does not cover the model.
    pub tipping: Vec<BiasTipping>,
    /// E-values of every subgroup's ratios; empty on the scale of differences.
    pub e_values: Vec<EValueRow>,
    /// Best and worst cases of missing outcomes; empty where none is missing.
    pub missing: Vec<MissingRow>,
    /// Two subgroups whose labels may be wrong; empty unless the data are the counts of two subgroups.
    pub labels: Vec<LabelPoint>,
    /// What the comparison says in sentences, as typed claims.
    pub claims: Vec<Claim>,
}

/// Probabilities over a few means and sds of a bias, for a page; empty where the exact engine does not cover the model.
/// `known` is what is integrated already.
pub fn shift_surface(study: &Study, known: Integrals, observer: &dyn Observer) -> Vec<ShiftPoint> {
    let study = &*super::comparable(study);
    if tied(study).is_some() {
        return Vec::new();
    }
    surface::shifts_at_a_glance(&Biased::new(study, known, observer))
}

/// Why surfaces and tipping points have no curves to stand on; none where they have.
fn tied(study: &Study) -> Option<&'static str> {
    let asked = study.data.levels().is_some() || super::refit::is_exchangeable(study);
    super::refit::ties_subgroups(study).filter(|_| asked)
}

/// Fits the study under many biases and reports how far its conclusions depend on them.
pub fn compare_bias(study: &Study, sampling: Sampling) -> BiasComparison {
    let study = &*super::comparable(study);
    let (tied, levels) = (tied(study), study.data.levels().is_some());
    let exact = tied.is_none();
    // Risks under labels that may be wrong, and of ordered levels, are sampled.
    let engine = if super::refit::needs_sampling(study) || levels { Engine::Both } else { Engine::Exact };
    let options = Options { engine, sampling, ..Options::default() };
    let biased = exact.then(|| Biased::new(study, Integrals::default(), &()));
    let (stated, rest) = parallel::join(
        || analyse(study, options),
        || {
            biased.as_ref().map(|biased| {
                let ((shifts, confounders), (tipping, (missing, labels))) = parallel::join(
                    || (surface::shifts(biased), surface::confounders(biased)),
                    || (tipping::tipping(biased), (missing::missing(biased), labels::labels(biased))),
                );
                let tipping = tipping.into_iter().chain(missing::tipping(biased)).collect();
                (shifts, confounders, tipping, missing, labels)
            })
        },
    );
    let mut notices = Vec::new();
    if let Some(why) = tied {
        let way = if levels && study.adjustment.is_none() {
            " With cutpoints = \"by subgroup\" in [model] and no departure it does."
        } else {
            ""
        };
        notices.push(format!(
            "Surfaces and tipping points need the exact engine, which does not cover this model: {why}.{way}"
        ));
    }
    if levels {
        notices.push(OF_LEVELS.to_string());
    }
    if study.assignment == Assignment::Randomised && levels {
        notices.push(
            "Treatment was randomised: biases and E-values say what it would take had that failed."
                .to_string(),
        );
    } else if study.assignment == Assignment::Randomised {
        notices.push(
            "Treatment was randomised: confounders and E-values say what it would take had that failed."
                .to_string(),
        );
    }
    if !study.outcome.scale.is_ratio() {
        notices.push(
            "On the scale of differences there are no E-values, and a binary confounder is not translated."
                .to_string(),
        );
    }
    let names = study.data.names().len();
    if names > PAIRS_UP_TO {
        notices
            .push(format!("Differences between subgroups are searched for up to {PAIRS_UP_TO} subgroups."));
    }
    let bias = study.bias.as_ref();
    if bias.is_some_and(|b| b.misclassification.is_some()) {
        notices.push("Surfaces and tipping points take the labels at face value.".to_string());
    }
    let (shifts, confounders, tipping, missing, labels) = rest.unwrap_or_default();
    let mut comparison = BiasComparison {
        ok: stated.checks.ok,
        reasons: stated.checks.reasons.clone(),
        notices,
        e_values: e_value::e_values(study, stated.unadjusted.as_deref().unwrap_or(&stated)),
        implied: implied(study),
        assumptions: bias.map(|b| b.assumptions.clone()).unwrap_or_default(),
        stated,
        shifts,
        confounders,
        tipping,
        missing,
        labels,
        claims: Vec::new(),
    };
    if comparison.ok {
        comparison.claims = answer::claims(study, &comparison);
    }
    comparison
}
