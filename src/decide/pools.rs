//! A panel as one: the linear pool averages the members' posteriors, the logarithmic one multiplies their priors, each to
//! the power of its weight, and then sees the data, which is the same as to pool the posteriors (Genest & Zidek, Statist
//! Sci 1986;1:114). Values are averaged in both.

use serde::Serialize;

use super::judgement::Judgement;
use super::populations::Means;
use super::refits::Refits;
use super::risks::MeanRisks;
use super::{Population, values};
use crate::study::{
    Decision, HeterogeneityPrior, LocationPrior, NormalComponent, Priors, Utilities, Values, Worth, Written,
};

/// How the members of a panel are made one (Genest & Zidek, Statist Sci 1986;1:114).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Pool {
    /// The weighted average of the members' posteriors.
    Linear,
    /// The posterior under the product of the members' priors, each to the power of its weight.
    Logarithmic,
}

/// What the pooled panel concludes in one population.
#[derive(Debug, Clone, Serialize)]
pub struct PoolRow {
    /// How the members are made one.
    pub pool: Pool,
    /// For whom the numbers are.
    #[serde(flatten)]
    pub population: Population,
    /// P(benefit) on the first outcome; none where it is not reported here, or the pool is unavailable.
    pub benefit: Option<f64>,
    /// The active treatment's expected utility per patient above the control's, by the members' average values; none
    /// where it could not be computed.
    pub expected_gain: Option<f64>,
    /// The name of the action that the pooled panel would choose; none where `expected_gain` is.
    pub action: Option<String>,
    /// Why there are no numbers, such as priors that the logarithmic pool cannot combine; none where there are.
    pub unavailable: Option<String>,
}

/// Both pools in every population.
pub fn rows(
    decision: &Decision,
    judgements: &[Result<Judgement, String>],
    stated: &[Means],
    populations: &[Population],
    refits: &Refits<'_>,
) -> Vec<PoolRow> {
    let total: f64 = decision.panel.iter().map(|m| m.weight).sum();
    let weights: Vec<f64> = decision.panel.iter().map(|m| m.weight / total).collect();
    let judged: Result<Vec<&Judgement>, String> =
        judgements.iter().map(|j| j.as_ref().map_err(Clone::clone)).collect();
    let pooled = |pool: Pool| match &judged {
        Err(why) => Err(why.clone()),
        Ok(all) => {
            let values = average_values(decision, all, &weights);
            let (benefit, means) = match pool {
                Pool::Linear => linear(all, &weights),
                Pool::Logarithmic => logarithmic(decision, &weights, (stated, &all[0].benefit), refits)?,
            };
            Ok(Judgement { benefit, means, values })
        }
    };
    let mut rows = Vec::new();
    for pool in [Pool::Linear, Pool::Logarithmic] {
        let found = pooled(pool);
        for (p, population) in populations.iter().enumerate() {
            let of = found.as_ref().ok();
            let gain = of.and_then(|j| values::gain(decision, &j.values, &j.means, p));
            rows.push(PoolRow {
                pool,
                population: population.clone(),
                benefit: of.and_then(|j| j.benefit[p]),
                expected_gain: gain,
                action: gain.map(|g| decision.action(g > 0.0).name.clone()),
                unavailable: found.as_ref().err().cloned(),
            });
        }
    }
    rows
}

/// Average values by outcome: none where no member gives any; members who give none count as 0. Where one values every level, so
/// do all: an event and its absence are then the levels on either side of the primary cut.
fn average_values(decision: &Decision, all: &[&Judgement], weights: &[f64]) -> Vec<Option<Worth>> {
    let outcomes = all.first().map_or(0, |j| j.values.len());
    (0..outcomes)
        .map(|k| {
            let given = || all.iter().zip(weights).map(|(j, w)| (j.values[k].as_ref(), *w));
            if given().all(|(worth, _)| worth.is_none()) {
                return None;
            }
            let by_level = given().any(|(worth, _)| matches!(worth, Some(Worth::Levels(_))));
            if let (true, Some(scale)) = (by_level, &decision.outcomes[k].study.outcome.levels) {
                let mut values = vec![0.0; scale.levels()];
                for (worth, w) in given() {
                    let own = worth.map_or_else(|| vec![0.0; scale.levels()], |worth| worth.by_level(scale));
                    values.iter_mut().zip(own).for_each(|(sum, u)| *sum += w * u);
                }
                return Some(Worth::Levels(Utilities { values, set: None }));
            }
            let sum = |of: fn(Values) -> f64| {
                let one = |(worth, w): (Option<&Worth>, f64)| match worth {
                    Some(Worth::Event(values)) => w * of(*values),
                    _ => w * 0.0,
                };
                given().map(one).sum()
            };
            Some(Worth::Event(Values { event: sum(|v| v.event), no_event: sum(|v| v.no_event) }))
        })
        .collect()
}

/// Averages of probabilities and of mean risks, which are linear in the posterior.
fn linear(all: &[&Judgement], weights: &[f64]) -> (Vec<Option<f64>>, Vec<Means>) {
    let average = |of: &dyn Fn(&Judgement) -> Option<f64>| {
        all.iter().zip(weights).map(|(j, w)| of(j).map(|x| w * x)).sum::<Option<f64>>()
    };
    let Some(first) = all.first() else { return (Vec::new(), Vec::new()) };
    let benefit = (0..first.benefit.len()).map(|p| average(&|j| j.benefit[p])).collect();
    let both = |of: &dyn Fn(&MeanRisks) -> Option<[f64; 2]>, k: usize, p: usize| {
        let of_arm = |arm: usize| average(&|j| of(j.means[k][p].as_ref()?).map(|m| m[arm]));
        of_arm(0).zip(of_arm(1)).map(|(control, active)| [control, active])
    };
    let of = |k: usize, p: usize| {
        let of_event = both(&|m| Some(m.of_event), k, p)?;
        let cuts = first.means[k][p].as_ref().map_or(0, |m| m.above.len());
        let above = (0..cuts).map(|cut| both(&|m| m.above.get(cut).copied(), k, p)).collect::<Option<_>>()?;
        Some(MeanRisks { of_event, above })
    };
    let means =
        (0..first.means.len()).map(|k| (0..first.means[k].len()).map(|p| of(k, p)).collect()).collect();
    (benefit, means)
}

/// Refits under the pooled priors. `stated` are the means under the stated priors, and P(benefit) of one member, which holds
/// for all where no member has a prior of the first outcome.
fn logarithmic(
    decision: &Decision,
    weights: &[f64],
    (stated, of_any): (&[Means], &[Option<f64>]),
    refits: &Refits<'_>,
) -> Result<(Vec<Option<f64>>, Vec<Means>), String> {
    let (mut chance, mut all) = (of_any.to_vec(), stated.to_vec());
    for (k, outcome) in decision.outcomes.iter().enumerate() {
        let views = || decision.panel.iter().map(|m| &m.views[k]);
        if views().all(|v| v.effect.is_none() && v.heterogeneity.is_none()) {
            continue;
        }
        let own = &outcome.study.priors;
        let effects: Vec<&LocationPrior> =
            views().map(|v| &v.effect.as_ref().unwrap_or(&own.effect).distribution).collect();
        let effect = pooled_location(&effects, weights)
            .ok_or_else(|| format!("{}: effect priors that are not all normal", outcome.name))?;
        let heterogeneity = match &own.heterogeneity {
            None => None,
            Some(stated) => {
                let taus: Vec<HeterogeneityPrior> =
                    views().map(|v| v.heterogeneity.as_ref().unwrap_or(stated).distribution).collect();
                let pooled = pooled_scale(&taus, weights).ok_or_else(|| {
                    format!("{}: heterogeneity priors that are not all half-normal", outcome.name)
                })?;
                Some(Written { distribution: pooled, words: String::new() })
            }
        };
        let effect = Written { distribution: effect, words: String::new() };
        let priors = Priors { effect, heterogeneity, ..own.clone() };
        let refit = refits
            .under(k, &priors)
            .map_err(|reasons| format!("{}: {}", outcome.name, reasons.join("; ")))?;
        all[k] = refit.means.clone();
        if k == 0 {
            chance = refit.benefit.clone();
        }
    }
    Ok((chance, all))
}

/// Equal priors stay as they are; normals give a normal of the average precision. None for other families.
pub fn pooled_location(priors: &[&LocationPrior], weights: &[f64]) -> Option<LocationPrior> {
    let first = *priors.first()?;
    if priors.iter().all(|p| *p == first) {
        return Some(first.clone());
    }
    let (mut precision, mut moment) = (0.0, 0.0);
    for (prior, weight) in priors.iter().zip(weights) {
        let LocationPrior::Normals(normals) = prior else { return None };
        let [NormalComponent { mean, sd, .. }] = normals.as_slice() else { return None };
        precision += weight / (sd * sd);
        moment += weight * mean / (sd * sd);
    }
    Some(LocationPrior::normal(moment / precision, 1.0 / libm::sqrt(precision)))
}

/// Equal priors of a standard deviation stay as they are; half-normals give a half-normal of the average precision. None
/// for other families.
pub fn pooled_scale(priors: &[HeterogeneityPrior], weights: &[f64]) -> Option<HeterogeneityPrior> {
    let first = *priors.first()?;
    if priors.iter().all(|p| *p == first) {
        return Some(first);
    }
    let mut precision = 0.0;
    for (prior, weight) in priors.iter().zip(weights) {
        let HeterogeneityPrior::HalfNormal { scale } = prior else { return None };
        precision += weight / (scale * scale);
    }
    Some(HeterogeneityPrior::HalfNormal { scale: 1.0 / libm::sqrt(precision) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normals_pool_to_the_normal_whose_density_is_their_weighted_product() {
        let priors = [LocationPrior::normal(-0.3, 0.2), LocationPrior::normal(0.5, 0.7)];
        let weights = [0.25, 0.75];
        let pooled = pooled_location(&[&priors[0], &priors[1]], &weights).expect("normals");
        let log_density = |p: &LocationPrior, x: f64| p.components()[0].log_density(x);
        let product = |x: f64| {
            priors.iter().zip(weights).map(|(p, w)| w * log_density(p, x)).sum::<f64>()
                - log_density(&pooled, x)
        };
        for x in [-1.0, 0.3, 2.0] {
            assert!((product(x) - product(0.0)).abs() < 1e-12, "the two differ by a constant only");
        }
        let t = LocationPrior::StudentT { df: 3.0, location: 0.0, scale: 1.0 };
        assert_eq!(pooled_location(&[&t, &t], &weights), Some(t.clone()));
        assert_eq!(pooled_location(&[&t, &priors[0]], &weights), None);
    }
}
