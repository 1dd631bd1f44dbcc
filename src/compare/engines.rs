//! Which engine a study's fits and refits need, and why.

use crate::exact::{Resolution, log_marginal_likelihood};
use crate::model::{BaselinePrior, Model};
use crate::posterior::{Detail, Engine, Measure, Options, Sampling, primary};
use crate::study::{Cutpoints, Pooling, Study};

/// Subgroups beyond which the data are so sharp that no lattice resolves them, and every refit is a whole fit.
pub const MANY: usize = 30;

/// The number of published estimates beyond which searches are coarse: a whole fit of so many takes a millisecond or so.
const MANY_ESTIMATES: usize = 200;

/// Whether the study has so many subgroups that only a few whole fits of it can be waited for.
pub fn has_many_subgroups(study: &Study) -> bool {
    let closed = !study.data.has_risks() && study.adjustment.is_none();
    study.data.names().len() > if closed { MANY_ESTIMATES } else { MANY }
}

/// Whether the baselines are exchangeable, which only sampling covers.
pub fn is_exchangeable(study: &Study) -> bool {
    matches!(
        study.priors.baseline.as_ref().map(|b| &b.distribution),
        Some(BaselinePrior::Exchangeable { .. })
    )
}

/// Whether some of what is compared needs sampling: exchangeable baselines, ordered levels that subgroups share more of than the
/// priors of their effects, and risks in subgroups whose labels may be wrong.
pub fn needs_sampling(study: &Study) -> bool {
    let labels = study.bias.as_ref().and_then(|b| b.misclassification.as_ref());
    ties_subgroups(study).is_some() || labels.is_some_and(|m| !m.is_perfect()) || is_correlated_alone(study)
}

/// Whether estimates are correlated and not pooled, under priors that the exact engine does not cover then.
pub fn is_correlated_alone(study: &Study) -> bool {
    study.data.covariance().is_some()
        && study.pooling == Pooling::None
        && log_marginal_likelihood(&Model::of(study), Resolution::default()).is_err()
}

/// What ties all subgroups together, so that the exact engine has no curves of their effects; none where it has.
pub fn ties_subgroups(study: &Study) -> Option<&'static str> {
    let levels = study.priors.levels.as_ref().filter(|_| study.data.levels().is_some());
    if study.adjustment.is_some() && study.data.has_risks() {
        Some("covariates and centres tie all subgroups together")
    } else if levels.is_some_and(|levels| levels.cutpoints == Cutpoints::Shared) {
        Some("shared cut points tie all subgroups together")
    } else if levels.is_some_and(|levels| levels.departure.is_some()) {
        Some("departures from proportional odds are shared by all subgroups")
    } else if is_exchangeable(study) {
        Some("exchangeable baselines tie all subgroups together")
    } else {
        None
    }
}

/// Whether the exact engine has curves of the effects but no risks, although the data have patients: of ordered levels.
pub fn has_effects_alone(study: &Study) -> bool {
    study.data.levels().is_some() && ties_subgroups(study).is_none()
}

/// The engine of a whole fit: of ordered levels risks are sampled beside the curves, where they are asked about.
pub fn engine_of(study: &Study, asked: Engine) -> Engine {
    let of_risks = primary(study).1.is_some() && primary(study).0 != Measure::of(study.outcome.scale);
    match asked {
        Engine::Exact if needs_sampling(study) => Engine::Sampler,
        Engine::Exact if has_effects_alone(study) && of_risks => Engine::Both,
        other => other,
    }
}

/// How refits are computed: briefly, and by the sampler only where the exact engine does not cover the model, or where that
/// is asked for.
pub fn options(study: &Study, sampling: Sampling, sampled: bool) -> Options {
    let engine = if needs_sampling(study) || sampled { Engine::Sampler } else { Engine::Exact };
    Options { engine, detail: Detail::Brief, sampling, adjusted_only: true, ..Options::default() }
}

/// Whether sampled fits are few and their draws are weighted for all other priors: of ordered levels, without a bias and without a
/// wish to have everything sampled.
pub fn weighs_draws(study: &Study, asked: Engine) -> bool {
    let needed = asked == Engine::Sampler && needs_sampling(study);
    let beside = asked == Engine::Exact && has_effects_alone(study);
    study.data.levels().is_some() && study.bias.is_none() && !has_many_subgroups(study) && (needed || beside)
}
