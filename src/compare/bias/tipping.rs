//! The smallest bias that brings a conclusion across each line.

use serde::Serialize;

use super::super::LINES;
use super::biased::{About, Biased, probit};
use super::surface::of_pair;
use crate::model::{Nuisance, SubgroupBias};
use crate::numeric::{LogInterpolant, crossing};
use crate::parallel;
use crate::posterior::Statement;

/// What is varied until a conclusion tips.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Varied {
    /// A known bias of the effect, the same in every subgroup; of a pair, of the difference between the two.
    Bias,
    /// The difference in log odds of an event between missing and observed patients: this much in the active arm, its
    /// opposite in the control arm.
    MissingShift,
}

/// The smallest bias that brings one statement to one line.
#[derive(Debug, Clone, Serialize)]
pub struct BiasTipping {
    /// What is varied.
    pub varied: Varied,
    /// The name of the subgroup that the statement is about, or of the first of a pair.
    pub subgroup: String,
    /// The second subgroup of a pair, the statement being that the first has more benefit; none for a single subgroup.
    pub subgroup_b: Option<String>,
    /// What the probability is the probability of.
    pub statement: Statement,
    /// The probability that is to be reached: one of [`LINES`](crate::compare::LINES).
    pub line: f64,
    /// The statement's probability without the bias; none where it could not be computed.
    pub probability: Option<f64>,
    /// The bias nearest to none at which the probability equals the line, on the scale of θ (log odds for missing
    /// outcomes); none where none was found.
    pub bias: Option<f64>,
    /// That bias as a ratio; none where there is no bias, and on the scale of differences.
    pub bias_ratio: Option<f64>,
    /// Why no bias was found; none where one was.
    pub note: Option<NoTipping>,
}

/// Why no bias was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NoTipping {
    /// Nowhere within the search does the probability cross the line.
    NeverCrosses,
    /// A probability could not be computed.
    Unknown,
}

/// The search runs this far on either side, in the bias's unit: twenty-fold on ratios.
const REACH: f64 = 3.0;
const STEPS: i32 = 24;

/// Between places whose probits differ by less than this the curve is interpolated, to some seven digits; else it is fitted
/// anew.
const SMOOTH: f64 = 1.5;

/// Probits that are told apart: beyond lies what is cut off.
const TOLD: f64 = 8.9;

/// To within this part of the unit.
const TOLERANCE: f64 = 1e-9;

/// Probabilities of benefit along a line of biases.
pub struct Along {
    pub x: Vec<f64>,
    pub benefit: Vec<Option<f64>>,
}

impl Along {
    /// The place nearest to zero where the probability of benefit equals `level`.
    pub fn nearest(
        &self,
        level: f64,
        tolerance: f64,
        at: impl Fn(f64) -> Option<f64>,
    ) -> Result<f64, NoTipping> {
        let known: Vec<(f64, f64)> = self
            .x
            .iter()
            .zip(&self.benefit)
            .filter_map(|(&x, p)| Some((x, probit((*p)?) - probit(level))))
            .collect();
        let across = known.windows(2).filter(|w| (w[0].1 < 0.0) != (w[1].1 < 0.0));
        let distance = |w: &&[(f64, f64)]| {
            if w[0].0 < 0.0 && w[1].0 > 0.0 { 0.0 } else { w[0].0.abs().min(w[1].0.abs()) }
        };
        let Some(w) = across.min_by(|a, b| distance(a).total_cmp(&distance(b))) else {
            return Err(if known.len() < self.x.len() {
                NoTipping::Unknown
            } else {
                NoTipping::NeverCrosses
            });
        };
        let place = self.x.partition_point(|x| *x <= w[0].0);
        let excess = |x: f64| at(x).map(|p| probit(p) - probit(level));
        match self.smooth(place) {
            Some(curve) => crossing(w[0], w[1], tolerance, |x| Some(curve.at(x) - probit(level))),
            None => crossing(w[0], w[1], tolerance, excess),
        }
        .ok_or(NoTipping::Unknown)
    }

    /// The probits near a place as a curve, where they run smoothly.
    fn smooth(&self, place: usize) -> Option<LogInterpolant> {
        const SIDE: usize = 8;
        let from = place.saturating_sub(SIDE);
        let to = (place + SIDE).min(self.x.len());
        let known: Option<Vec<f64>> = self.benefit[from..to].iter().map(|p| p.map(probit)).collect();
        let values = known?;
        let even =
            values.iter().all(|v| v.abs() < TOLD) && values.windows(2).all(|w| (w[1] - w[0]).abs() < SMOOTH);
        let inside = place >= from + SIDE && place + SIDE <= to;
        (even && inside).then(|| LogInterpolant::even(self.x[from], self.x[from + 1] - self.x[from], &values))
    }
}

/// Even places on either side of none.
pub fn places(unit: f64, reach: f64) -> Vec<f64> {
    (-STEPS..=STEPS).map(|j| unit * reach * f64::from(j) / f64::from(STEPS)).collect()
}

/// Benefit and harm in every subgroup, and more benefit in either of every pair, against all lines.
pub fn tipping(biased: &Biased<'_>) -> Vec<BiasTipping> {
    let x = places(biased.unit(), REACH);
    let known = |b: f64| SubgroupBias { shift: Some(Nuisance::Known(b)), ..SubgroupBias::default() };
    let at = |about: About, b: f64| match about {
        About::Subgroup(g) => biased.benefit_of(&biased.model(|_| known(b)), g),
        About::Pair(i, j) => biased.greater(&biased.model(|g| of_pair((i, j), g, b, 0.0)), (i, j)),
    };
    let together = parallel::map(&x, |&b| biased.benefits(&biased.model(|_| known(b))));
    let subgroups = (0..biased.names.len()).map(|g| {
        let benefit = together.iter().map(|all| all.as_ref().map(|all| all[g])).collect();
        (About::Subgroup(g), Along { x: x.clone(), benefit })
    });
    let mut all: Vec<(About, Along)> = subgroups.collect();
    for &(i, j) in &biased.pairs {
        let about = About::Pair(i, j);
        let benefit = parallel::map(&x, |&b| at(about, b));
        all.push((about, Along { x: x.clone(), benefit }));
    }
    let tolerance = TOLERANCE * biased.unit();
    parallel::map_taken(all, |(about, along)| {
        rows(biased, Varied::Bias, about, &along, tolerance, |b| at(about, b))
    })
    .concat()
}

/// Benefit and harm, or either of a pair having more benefit, against all lines.
pub fn rows(
    biased: &Biased<'_>,
    varied: Varied,
    about: About,
    along: &Along,
    tolerance: f64,
    at: impl Fn(f64) -> Option<f64>,
) -> Vec<BiasTipping> {
    let none = along.benefit[along.x.len() / 2];
    // P(harm) is what P(benefit) leaves, so the eight lines are crossed at seven levels.
    let mut known: Vec<(f64, Result<f64, NoTipping>)> = Vec::new();
    let mut found = |level: f64| {
        let same = known.iter().find(|k| (k.0 - level).abs() < 1e-9).map(|k| k.1);
        same.unwrap_or_else(|| {
            let new = along.nearest(level, tolerance, &at);
            known.push((level, new));
            new
        })
    };
    let mut all = Vec::new();
    for toward_benefit in [true, false] {
        for line in LINES {
            let bias = found(if toward_benefit { line } else { 1.0 - line });
            let probability = none.map(|p| if toward_benefit { p } else { 1.0 - p });
            let name = |g: usize| biased.names[g].clone();
            let (subgroup, subgroup_b, statement) = match (about, toward_benefit) {
                (About::Subgroup(g), true) => (name(g), None, Statement::Benefit),
                (About::Subgroup(g), false) => (name(g), None, Statement::Harm),
                (About::Pair(i, j), true) => (name(i), Some(name(j)), Statement::GreaterBenefit),
                (About::Pair(i, j), false) => (name(j), Some(name(i)), Statement::GreaterBenefit),
            };
            // Seen from the other subgroup of a pair the difference has the other sign.
            let turned = matches!(about, About::Pair(..)) && !toward_benefit;
            let bias = bias.map(|b| if turned { -b } else { b });
            all.push(BiasTipping {
                varied,
                subgroup,
                subgroup_b,
                statement,
                line,
                probability,
                bias: bias.ok(),
                bias_ratio: bias.ok().and_then(|b| biased.as_ratio(b)),
                note: bias.err(),
            });
        }
    }
    all
}
