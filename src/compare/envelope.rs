//! The lowest and the highest probability that any prior in a box can give.

use serde::Serialize;

use super::grid::heterogeneity_priors;
use super::reference::Reference;
use super::refit::Refits;
use crate::model::{HeterogeneityPrior, LocationPrior};
use crate::parallel;
use crate::posterior::{Measure, Statement, Target};
use crate::study::{Pooling, Study};

/// The priors that are searched: normal effects with this range of centres and sds, and the stated family of τ with this
/// range of scales.
#[derive(Debug, Clone, Serialize)]
pub struct PriorBox {
    /// The least and the greatest centre of the effect prior, on the scale of θ.
    pub centre: [f64; 2],
    /// The least and the greatest sd of the effect prior, on the scale of θ.
    pub sd: [f64; 2],
    /// The least and the greatest scale of the prior of τ; none under complete pooling, or where τ is fixed at 0.
    pub tau_scale: Option<[f64; 2]>,
}

/// One prior of a [`PriorBox`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct BoxPoint {
    /// The centre of the effect prior, on the scale of θ.
    pub centre: f64,
    /// The sd of the effect prior, on the scale of θ.
    pub sd: f64,
    /// The scale of the prior of τ; none where the box has none.
    pub tau_scale: Option<f64>,
}

/// The range of one statement's probability over all priors of a [`PriorBox`].
#[derive(Debug, Clone, Serialize)]
pub struct Envelope {
    /// The name of the subgroup that the statement is about.
    pub subgroup: String,
    /// Benefit or harm in the subgroup.
    pub statement: Statement,
    /// The measure of effect that the statement is about.
    pub measure: Measure,
    /// The size of effect in the statement, on the measure's own scale: a magnitude for "at least", else the value of no
    /// effect.
    pub threshold: f64,
    /// The lowest probability that was found; none where no refit gave a number.
    pub low: Option<f64>,
    /// The highest probability that was found; none where no refit gave a number.
    pub high: Option<f64>,
    /// The prior that gives the lowest probability; none where there is none.
    pub low_at: Option<BoxPoint>,
    /// The prior that gives the highest probability; none where there is none.
    pub high_at: Option<BoxPoint>,
}

/// From the convention's strong to its weak priors and as far as the expected effect on either side; τ from half the stated
/// scale to twice it, and at least over the scales of the grid's half-normals.
pub fn prior_box(study: &Study) -> PriorBox {
    /// Where the model expects no effect of any size.
    const USUAL: f64 = 1.5;
    /// Of the convention's strong neutral prior, and the part of an expected effect in the strong leaning ones.
    const STRONG: f64 = 0.205;
    const STRONG_LEANING: f64 = 1.644_853_626_951_472_2;
    /// Narrower than this is no belief about an effect.
    const LEAST: f64 = 0.02;
    let reference = Reference::of(study);
    let (centre, least) = if study.outcome.scale.is_ratio() {
        let expected = libm::log(study.expected_odds_ratio.unwrap_or(USUAL));
        (expected, STRONG.min(expected / STRONG_LEANING).max(LEAST))
    } else {
        (0.1 * reference.sd, 0.05 * reference.sd)
    };
    let stated = study.priors.heterogeneity.as_ref().map(|h| h.distribution);
    let tau_scale = stated.filter(|h| h.scale() > 0.0 && study.pooling != Pooling::Complete).map(|h| {
        let (mut low, mut high) = (0.5 * h.scale(), 2.0 * h.scale());
        for (_, prior) in heterogeneity_priors(study) {
            if let (HeterogeneityPrior::HalfNormal { scale }, HeterogeneityPrior::HalfNormal { .. }) =
                (prior, h)
            {
                (low, high) = (low.min(scale), high.max(scale));
            }
        }
        [low, high]
    });
    PriorBox { centre: [-centre, centre], sd: [least, reference.sd], tau_scale }
}

impl PriorBox {
    /// The prior at coordinates between 0 and 1: centres evenly, sds and scales by their logarithm.
    fn at(&self, u: [f64; 3]) -> BoxPoint {
        let even = |r: [f64; 2], u: f64| if u >= 1.0 { r[1] } else { r[0] + (r[1] - r[0]) * u };
        let log = |r: [f64; 2], u: f64| {
            if u <= 0.0 {
                r[0]
            } else if u >= 1.0 {
                r[1]
            } else {
                r[0] * libm::pow(r[1] / r[0], u)
            }
        };
        BoxPoint {
            centre: even(self.centre, u[0]),
            sd: log(self.sd, u[1]),
            tau_scale: self.tau_scale.map(|r| log(r, u[2])),
        }
    }

    fn dimensions(&self) -> usize {
        if self.tau_scale.is_some() { 3 } else { 2 }
    }
}

/// Centres, sds and scales that are tried where every prior is a run or a fit that takes long: corners and a middle.
const CORNERS: [usize; 3] = [3, 2, 2];

/// How many refits an envelope takes that are counted.
pub fn planned(refits: &Refits<'_>, within: &PriorBox) -> usize {
    let depth = if within.dimensions() == 3 { CORNERS[2] } else { 1 };
    if refits.is_coarse() { CORNERS[0] * CORNERS[1] * depth } else { 0 }
}

/// Of every subgroup's benefit and harm: a lattice over the box, then a search from the best of its nodes, halving the step.
pub fn envelope(refits: &Refits<'_>, within: &PriorBox) -> Vec<Envelope> {
    let study = refits.study;
    let few = refits.is_sampled() || refits.is_coarse();
    let nodes = if few { CORNERS } else { [9, 9, 7] };
    let stated = study.priors.heterogeneity.as_ref().map(|h| h.distribution);
    let priors = |u: [f64; 3]| {
        let point = within.at(u);
        let tau = match (stated, point.tau_scale) {
            (Some(h), Some(scale)) => Some(h.scaled(scale / h.scale())),
            (other, _) => other,
        };
        (LocationPrior::normal(point.centre, point.sd), tau)
    };
    let ask = |u: [f64; 3]| {
        let (effect, tau) = priors(u);
        refits.effects(study.pooling, &effect, tau.as_ref())
    };
    let one = |i: usize, u: [f64; 3]| {
        let (effect, tau) = priors(u);
        refits.one(i, study.pooling, &effect, tau.as_ref())
    };
    let along = |n: usize, k: usize| k as f64 / (n - 1) as f64;
    let depth = if within.dimensions() == 3 { nodes[2] } else { 1 };
    let lattice: Vec<[f64; 3]> = (0..nodes[0] * nodes[1] * depth)
        .map(|k| {
            let (a, b, c) = (k % nodes[0], k / nodes[0] % nodes[1], k / (nodes[0] * nodes[1]));
            [along(nodes[0], a), along(nodes[1], b), if depth > 1 { along(depth, c) } else { 0.0 }]
        })
        .collect();
    if refits.is_sampled() {
        let target = |&u: &[f64; 3]| {
            let (effect, heterogeneity) = priors(u);
            Target { pooling: study.pooling, effect, heterogeneity }
        };
        refits.ask(&lattice.iter().map(target).collect::<Vec<Target>>());
    }
    let answers = parallel::map(&lattice, |&u| ask(u));
    let asked: Vec<usize> = (0..refits.questions.len())
        .filter(|&i| refits.questions[i].statement == Statement::Benefit)
        .collect();
    let found: Vec<Envelope> = parallel::map_taken(asked, |i| {
        let q = &refits.questions[i];
        let extreme = |sign: f64| {
            let mut starts: Vec<(f64, [f64; 3])> =
                lattice.iter().zip(&answers).filter_map(|(&u, a)| Some((sign * a[i]?, u))).collect();
            starts.sort_by(|a, b| b.0.total_cmp(&a.0));
            starts.truncate(if few { 1 } else { 2 });
            let climbed = starts.into_iter().map(|start| {
                if few {
                    start
                } else {
                    climb(start, within.dimensions(), nodes, |u| one(i, u).map(|p| sign * p))
                }
            });
            climbed.reduce(|a, b| if b.0 > a.0 { b } else { a }).map(|(p, u)| (sign * p, within.at(u)))
        };
        let (low, high) = (extreme(-1.0), extreme(1.0));
        Envelope {
            subgroup: q.name.clone(),
            statement: q.statement,
            measure: q.measure,
            threshold: q.threshold,
            low: low.map(|e| e.0),
            high: high.map(|e| e.0),
            low_at: low.map(|e| e.1),
            high_at: high.map(|e| e.1),
        }
    });
    found.into_iter().flat_map(|benefit| [benefit.clone(), benefit.of_harm()]).collect()
}

impl Envelope {
    /// Harm is what benefit is not.
    fn of_harm(self) -> Envelope {
        Envelope {
            statement: Statement::Harm,
            low: self.high.map(|p| 1.0 - p),
            high: self.low.map(|p| 1.0 - p),
            low_at: self.high_at,
            high_at: self.low_at,
            ..self
        }
    }
}

/// Compass search: a step along each axis, either way, halved when none leads up.
fn climb(
    start: (f64, [f64; 3]),
    dimensions: usize,
    nodes: [usize; 3],
    value: impl Fn([f64; 3]) -> Option<f64>,
) -> (f64, [f64; 3]) {
    const SMALLEST: f64 = 1e-4;
    let (mut best, mut at) = start;
    let mut step = nodes.map(|n| 0.5 / (n - 1) as f64);
    while step[0] > SMALLEST {
        let mut moved = false;
        for axis in 0..dimensions {
            for sign in [1.0, -1.0] {
                let mut next = at;
                next[axis] = (at[axis] + sign * step[axis]).clamp(0.0, 1.0);
                if next == at {
                    continue;
                }
                if let Some(p) = value(next).filter(|p| *p > best) {
                    (best, at, moved) = (p, next, true);
                }
            }
        }
        if !moved {
            step = step.map(|s| 0.5 * s);
        }
    }
    (best, at)
}
