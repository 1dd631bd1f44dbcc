//! Do the data contradict the prior of the mean effect? Box's prior predictive check (J R Stat Soc A 1980;143:383).

use crate::exact::{ExactPosterior, Resolution};
use crate::model::{LocationComponent, LocationPrior, Model, Observation, Pooling};
use crate::numeric::{crossing, log_sum_exp, normal_cdf};
use crate::study::{HeterogeneityPrior, Pooling as StudyPooling, Priors, Study};

/// A tail probability below this is told. A subgroup study has few estimates, so that the check misses more conflicts
/// than it invents, and telling one stops nothing: one false alarm in ten costs a reader a sentence, a conflict that is
/// not told costs the answer.
const AT_ODDS: f64 = 0.1;

/// Where the observed mean effect lies among those that the prior predicts (Box, J R Stat Soc A 1980;143:383).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EffectConflict {
    /// The weighted mean of the subgroups' own estimates, on the scale of θ.
    pub observed: f64,
    /// The probability under the prior of a mean whose predictive density is no higher than the observed one's, 0 to 1.
    pub tail_probability: f64,
    /// The number of subgroups without an estimate of their own, which the mean leaves out.
    pub left_out: usize,
}

impl EffectConflict {
    /// Whether the data lie so far from the prior that it is told.
    pub fn is_told(&self) -> bool {
        self.tail_probability < AT_ODDS
    }
}

/// How the study's mean effect compares with what `priors` predict of it, alone. None under a flat prior, without
/// pooling, where no mean effect is shared, where no subgroup has an estimate of its own, of several active arms, and of
/// rows with ordered levels. Of a study with covariates the estimates are those with the coefficients held where the data have them.
pub fn effect_conflict(study: &Study, priors: &Priors) -> Option<EffectConflict> {
    let effect = &priors.effect.distribution;
    let held = study.adjustment.as_ref().and_then(|_| Model::effects_alone(study));
    if study.has_several().is_some() {
        return None;
    }
    // Rows with ordered levels have none, and their own estimates are not adjusted.
    if study.adjustment.is_some() && study.data.levels().is_some() {
        return None;
    }
    let study = held.as_ref().unwrap_or(study);
    match study.pooling {
        StudyPooling::Partial => {
            conflict(study, effect, &tau_values(priors.heterogeneity.as_ref().map(|h| h.distribution)))
        }
        StudyPooling::Complete => conflict(study, effect, &[0.0]),
        // No weighted mean of normal effects stands for the others'.
        StudyPooling::None | StudyPooling::ExchangeableOrNot | StudyPooling::StudentT => None,
    }
}

/// Values of τ that stand for its prior in equal parts.
fn tau_values(heterogeneity: Option<HeterogeneityPrior>) -> Vec<f64> {
    const PARTS: usize = 64;
    match heterogeneity {
        None => vec![0.0],
        Some(HeterogeneityPrior::Fixed { value }) => vec![value],
        Some(prior) => {
            let before = before_data(&LocationPrior::normal(0.0, 1.0), Some(prior));
            let Some(tau) = before.as_ref().and_then(ExactPosterior::tau) else { return Vec::new() };
            (0..PARTS).map(|k| tau.quantile((k as f64 + 0.5) / PARTS as f64)).collect()
        }
    }
}

/// The posterior of a model without data, which is the priors themselves. None under a flat prior of the effect.
pub fn before_data(
    effect: &LocationPrior,
    heterogeneity: Option<HeterogeneityPrior>,
) -> Option<ExactPosterior> {
    let model = Model {
        observation: Observation::nothing(2),
        pooling: heterogeneity.map_or(Pooling::Complete, Pooling::Partial),
        effect: effect.clone(),
    };
    effect.is_proper().then(|| ExactPosterior::new(&model, Resolution::default()).ok()).flatten()
}

/// The subgroups' own estimates with their standard errors: as published, or log odds ratios with Woolf's, with what a bias
/// that is allowed for makes of them; subgroups with an empty cell have none, nor has one whose patients may be others'.
fn estimates(study: &Study) -> Vec<(f64, f64)> {
    let model = study.bias.as_ref().map(|_| Model::of(study));
    if model.as_ref().is_some_and(|m| m.observation.misclassification().is_some()) {
        return Vec::new();
    }
    let moved = |(g, (estimate, variance)): (usize, (f64, f64))| {
        let (shift, added) = model.as_ref().map_or((0.0, 0.0), |m| m.moved_by_bias(study, g));
        (estimate - shift, libm::sqrt(variance + added))
    };
    let own = study.data.own_effects().into_iter().enumerate().filter_map(|(g, own)| Some((g, own?)));
    own.map(moved).collect()
}

/// `tau` stands for the prior of the heterogeneity in equal parts. None under a flat prior, and where no subgroup has an
/// estimate of its own.
fn conflict(study: &Study, effect: &LocationPrior, tau: &[f64]) -> Option<EffectConflict> {
    let rows = estimates(study);
    let middle = *tau.get(tau.len() / 2)?;
    // The weights of the mean are those at the prior's median heterogeneity.
    let weight = |se: f64| 1.0 / (se * se + middle * middle);
    let total: f64 = rows.iter().map(|r| weight(r.1)).sum();
    if total <= 0.0 || !effect.is_proper() {
        return None;
    }
    let observed = rows.iter().map(|r| weight(r.1) * r.0).sum::<f64>() / total;
    // What the errors share is part of the mean's.
    let shared: f64 = study.data.covariance().map_or(0.0, |covariance| {
        let pairs = (0..rows.len()).flat_map(|a| (0..a).map(move |b| (a, b)));
        pairs.map(|(a, b)| 2.0 * weight(rows[a].1) * weight(rows[b].1) * covariance.at(a, b)).sum()
    });
    let variance = |tau: f64| {
        let own: f64 = rows.iter().map(|r| weight(r.1) * weight(r.1) * (r.1 * r.1 + tau * tau)).sum();
        (own + shared) / (total * total)
    };
    let mut parts = Vec::new();
    for (share, mean, sd) in normal_parts(effect) {
        for &t in tau {
            parts.push((share / tau.len() as f64, mean, libm::sqrt(sd * sd + variance(t))));
        }
    }
    let left_out = study.data.names().len() - rows.len();
    Some(EffectConflict { observed, tail_probability: tail(&parts, observed), left_out })
}

/// The prior as normals: weight, mean, sd. A Student t is normals whose precision is gamma-distributed.
fn normal_parts(effect: &LocationPrior) -> Vec<(f64, f64, f64)> {
    let one = |c: LocationComponent| match c {
        LocationComponent::Normal(n) => vec![(n.weight, n.mean, n.sd)],
        LocationComponent::StudentT { df, location, scale } => {
            const STEP: f64 = 0.25;
            let half = 0.5 * df;
            let parts: Vec<(f64, f64, f64)> = (-80..=20)
                .map(|j| STEP * f64::from(j))
                .map(|x| (libm::exp(half * (x - libm::exp(x) + 1.0)), location, scale * libm::exp(-0.5 * x)))
                .collect();
            let total: f64 = parts.iter().map(|p| p.0).sum();
            parts.into_iter().map(|(w, m, s)| (w / total, m, s)).filter(|p| p.0 > 1e-12).collect()
        }
        // Effects have none of the former.
        LocationComponent::LogitBeta { .. } | LocationComponent::Flat => Vec::new(),
    };
    effect.components().into_iter().flat_map(one).collect()
}

/// P(f(T) ≤ f(t)) for a mixture of normals (weight, mean, sd): one less the mass where the density is higher.
fn tail(parts: &[(f64, f64, f64)], t: f64) -> f64 {
    const NODES: usize = 800;
    const REACH: f64 = 9.0;
    let log_density = |x: f64| {
        let one = |&(w, m, s): &(f64, f64, f64)| {
            let z = (x - m) / s;
            libm::log(w / s) - 0.5 * z * z
        };
        log_sum_exp(&parts.iter().map(one).collect::<Vec<f64>>())
    };
    let below = |x: f64| parts.iter().map(|&(w, m, s)| w * normal_cdf((x - m) / s)).sum::<f64>();
    let mean: f64 = parts.iter().map(|p| p.0 * p.1).sum();
    let spread = parts.iter().map(|p| p.2 + (p.1 - mean).abs()).fold(0.0, f64::max);
    let level = log_density(t);
    let excess = |x: f64| log_density(x) - level;
    // Nodes crowd towards the middle, where the density bends, and run beyond `t`.
    let reach = (REACH * spread).max(1.01 * (t - mean).abs());
    let node = |k: usize| {
        let u = 2.0 * k as f64 / NODES as f64 - 1.0;
        mean + reach * u * u * u
    };
    // Narrow parts far from the middle have nodes of their own.
    let around = |&(_, m, s): &(f64, f64, f64)| (-16..=16).map(move |j| m + 0.5 * f64::from(j) * s);
    // Of parts around one place the narrowest is enough.
    let narrowest = parts.iter().filter(|p| !parts.iter().any(|q| q.1 == p.1 && q.2 < p.2));
    let mut nodes: Vec<f64> = (0..=NODES).map(node).chain(narrowest.flat_map(around)).collect();
    nodes.sort_by(f64::total_cmp);
    let mut last = (nodes[0], excess(nodes[0]));
    let mut entered = (last.1 > 0.0).then_some(f64::NEG_INFINITY);
    let mut inside = 0.0;
    for &x in &nodes[1..] {
        let here = (x, excess(x));
        if (last.1 > 0.0) != (here.1 > 0.0) {
            // `t` itself bounds the region on one side.
            let x = if (last.0..=here.0).contains(&t) {
                Some(t)
            } else {
                crossing(last, here, 1e-10 * spread, |x| Some(excess(x)))
            };
            let x = x.unwrap_or(0.5 * (last.0 + here.0));
            match entered.take() {
                None => entered = Some(x),
                Some(start) => inside += below(x) - below(start),
            }
        }
        last = here;
    }
    if let Some(start) = entered {
        inside += 1.0 - below(start);
    }
    (1.0 - inside).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn for_one_normal_it_is_the_two_sided_tail() {
        for t in [-0.4, 0.3, 0.9, 2.0, -5.7, 6.3, 20.3] {
            let z: f64 = (t - 0.3_f64).abs() / 0.5;
            let error = tail(&[(1.0, 0.3, 0.5)], t) - 2.0 * normal_cdf(-z);
            assert!(error.abs() < 1e-7, "at {t}: off by {error:e}");
        }
    }

    #[test]
    fn between_two_peaks_a_value_is_surprising() {
        // A narrow peak that an even grid would step over holds half of the mass.
        let apart = [(0.5, 0.0, 5.0), (0.5, 20.0, 0.1)];
        assert!((tail(&apart, 0.0) - 0.5).abs() < 0.02, "{}", tail(&apart, 0.0));
        let parts = [(0.5, -3.0, 0.5), (0.5, 3.0, 0.5)];
        assert!(tail(&parts, 0.0) < 1e-6);
        assert!(tail(&parts, 3.0) > 0.99);
    }
}
