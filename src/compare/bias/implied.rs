//! What the stated bias says on the scale of the effect, before any data.

use serde::Serialize;

use crate::model::{Nuisance, SubgroupBias, confounded, confounded_estimate};
use crate::posterior::Quantiles;
use crate::study::{ArmCounts, Study};

/// By how much the bias moves what is seen, in one subgroup.
#[derive(Debug, Clone, Serialize)]
pub struct Implied {
    pub subgroup: String,
    /// On the scale of θ, rounded to what the rule resolves. Of counts where there is no effect and the control risk is the
    /// observed one.
    pub bias: Quantiles,
    /// As a ratio; null for differences.
    pub ratio: Option<Quantiles>,
}

/// One a subgroup that has a bias added or a confounder.
pub fn implied(study: &Study) -> Vec<Implied> {
    let Some(bias) = &study.bias else { return Vec::new() };
    let log_odds =
        |arm: &ArmCounts| libm::log(arm.events as f64 + 0.5) - libm::log(arm.others() as f64 + 0.5);
    let control =
        study.data.counts().map(|rows| rows.iter().map(|r| log_odds(r.control())).collect::<Vec<f64>>());
    let of = |g: usize| control.as_ref().map(|log_odds| log_odds[g]);
    let names = study.data.names();
    let has = |s: &SubgroupBias| s.shift.is_some() || s.confounder.is_some();
    let rows = names.iter().zip(&bias.subgroups).enumerate().filter(|(_, (_, s))| has(s));
    rows.map(|(g, (name, subgroup))| {
        let bias = quantiles(&values(subgroup, of(g)));
        let ratio = study.outcome.scale.is_ratio().then(|| Quantiles {
            median: rounded(libm::exp(bias.median)),
            q2_5: rounded(libm::exp(bias.q2_5)),
            q97_5: rounded(libm::exp(bias.q97_5)),
        });
        Implied { subgroup: (*name).to_string(), bias, ratio }
    })
    .collect()
}

/// Nodes for each number that is not known.
const NODES: i32 = 30;

/// Values of a number with their weights, even over its prior.
fn nodes(nuisance: &Nuisance) -> Vec<(f64, f64)> {
    match nuisance.known() {
        Some(x) => vec![(x, 1.0)],
        None => nuisance.nodes(NODES),
    }
}

/// The bias with its weights; `x` are the control arm's log odds, none for published estimates.
fn values(bias: &SubgroupBias, x: Option<f64>) -> Vec<(f64, f64)> {
    let mut of_confounder = vec![(0.0, 1.0)];
    if let Some(c) = &bias.confounder {
        of_confounder.clear();
        let (control, active) = (nodes(&c.prevalence[0]), nodes(&c.prevalence[1]));
        for (ratio, w) in nodes(&c.log_odds_ratio) {
            for &(p0, w0) in &control {
                for &(p1, w1) in &active {
                    let b = match x {
                        Some(x) => confounded(x, [p0, p1], ratio).0 - x,
                        None => confounded_estimate([p0, p1], ratio).0,
                    };
                    of_confounder.push((b, w * w0 * w1));
                }
            }
        }
    }
    let Some(shift) = &bias.shift else { return of_confounder };
    // A few hundred values stand for the confounder's.
    let few = thinned(of_confounder);
    let shifts = nodes(shift);
    few.iter().flat_map(|&(b, w)| shifts.iter().map(move |&(s, v)| (b + s, w * v))).collect()
}

fn sorted(mut values: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    values.sort_by(|a, b| a.0.total_cmp(&b.0));
    values
}

fn thinned(values: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    const KEPT: usize = 400;
    if values.len() <= KEPT {
        return values;
    }
    let values = sorted(values);
    let total: f64 = values.iter().map(|v| v.1).sum();
    let mut kept = vec![(0.0, 0.0); KEPT];
    let mut so_far = 0.0;
    for (b, w) in values {
        let bin = (KEPT as f64 * so_far / total) as usize;
        let slot = &mut kept[bin.min(KEPT - 1)];
        slot.0 += w * b;
        slot.1 += w;
        so_far += w;
    }
    kept.into_iter().filter(|k| k.1 > 0.0).map(|(b, w)| (b / w, w)).collect()
}

fn quantiles(values: &[(f64, f64)]) -> Quantiles {
    let values = sorted(values.to_vec());
    let total: f64 = values.iter().map(|v| v.1).sum();
    let at = |p: f64| {
        // Half of each value's weight lies below it; between two values a line.
        let (mut below, mut last) = (0.0, None);
        for &(b, w) in &values {
            let here = (below + 0.5 * w) / total;
            if here >= p {
                return match last {
                    Some((previous, before)) if here > before => {
                        previous + (b - previous) * (p - before) / (here - before)
                    }
                    _ => b,
                };
            }
            last = Some((b, here));
            below += w;
        }
        values.last().map_or(f64::NAN, |v| v.0)
    };
    Quantiles { median: rounded(at(0.5)), q2_5: rounded(at(0.025)), q97_5: rounded(at(0.975)) }
}

fn rounded(x: f64) -> f64 {
    libm::round(1000.0 * x) / 1000.0
}
