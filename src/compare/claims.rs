//! What a comparison of priors says in sentences.

use super::answer::LINE;
use super::curve::{Crossing, CurvePoint, Hinge, NEAR, hinges};
use super::{LINES, PriorSet, STATED};
use crate::posterior::{Claim, Direction, Measure, Method, Says, Scope, Topic};
use crate::study::Study;

/// What the claims are made of.
pub struct Findings<'a> {
    pub priors: &'a [PriorSet],
    pub tau_curve: &'a [CurvePoint],
    pub crossings: &'a [Crossing],
    /// The highest probability of any statement about a subgroup, under the stated priors.
    pub highest: Option<f64>,
    pub is_sampled: bool,
}

/// Priors at odds with the data, what the prior of τ decides, and whether anything stands that another prior could upset.
pub fn claims(study: &Study, found: &Findings<'_>) -> Vec<Claim> {
    let method = if found.is_sampled { Method::Sampled } else { Method::Exact };
    let mut all = at_odds(study, found.priors);
    if let Some(scale) = study.priors.heterogeneity.as_ref().map(|h| h.distribution.scale()) {
        let hinges = hinges(found.crossings, scale);
        all.extend(heterogeneity(study, &hinges, found.tau_curve, scale, method));
    }
    if found.highest.is_some_and(|p| p <= LINE) {
        let effect = Topic::Effect(Measure::of(study.outcome.scale));
        all.push(Claim::of_all(study, effect, method, Says::NothingStands { line: LINE }));
    }
    all
}

fn at_odds(study: &Study, priors: &[PriorSet]) -> Vec<Claim> {
    priors.iter().filter_map(|p| Claim::prior_at_odds(study, &p.name, &p.says.conflict?)).collect()
}

/// Whether the prior of τ decides; nothing is said of a curve with gaps.
fn heterogeneity(
    study: &Study,
    hinges: &[Hinge],
    curve: &[CurvePoint],
    stated_scale: f64,
    method: Method,
) -> Vec<Claim> {
    let mut all = Vec::new();
    for (k, hinge) in hinges.iter().enumerate() {
        let same = |h: &&Hinge| {
            h.subgroup == hinge.subgroup && h.statement == hinge.statement && h.line == hinge.line
        };
        if hinges[..k].iter().any(|h| same(&h)) {
            continue;
        }
        let mut mine: Vec<&Hinge> = hinges.iter().filter(same).collect();
        mine.sort_by(|a, b| a.scale.total_cmp(&b.scale));
        // The intervals of scales in which the statement is above its line.
        let mut intervals = Vec::new();
        for (j, h) in mine.iter().enumerate() {
            match (h.rising, mine.get(j + 1)) {
                (true, Some(next)) => intervals.push([Some(h.scale), Some(next.scale)]),
                (true, None) => intervals.push([Some(h.scale), None]),
                (false, _) if j == 0 => intervals.push([None, Some(h.scale)]),
                (false, _) => {}
            }
        }
        let says = Says::HeterogeneityDecides { line: hinge.line, intervals, stated_scale };
        all.push(Claim {
            scope: Scope::Subgroup,
            subgroup: Some(hinge.subgroup.clone()),
            direction: Some(Direction::of(hinge.statement)),
            ..Claim::of_all(study, Topic::Heterogeneity, method, says)
        });
    }
    let known = curve.iter().filter(|p| p.prior == STATED).all(|p| p.probability.is_some());
    if hinges.is_empty() && known && !curve.is_empty() {
        let says = Says::HeterogeneityDecidesNothing { lines: LINES.to_vec(), factor: NEAR };
        all.push(Claim::of_all(study, Topic::Heterogeneity, method, says));
    }
    all
}
