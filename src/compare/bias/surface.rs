//! Conclusions over the mean and sd of a bias, and over a confounder's difference in prevalence and its strength.

use serde::Serialize;

use super::biased::Biased;
use crate::model::{Confounder, LocationPrior, Nuisance, SubgroupBias};
use crate::numeric::{logistic, logit};
use crate::parallel;
use crate::posterior::Statement;
use crate::study::Study;

/// The probability of one statement under one bias.
#[derive(Debug, Clone, Serialize)]
pub struct ShiftPoint {
    /// The name of the subgroup that the statement is about, or of the first of a pair.
    pub subgroup: String,
    /// The second subgroup of a pair: the statement is then that the first has more benefit, and the bias that of the
    /// first minus that of the second. None for a single subgroup.
    pub subgroup_b: Option<String>,
    /// What the probability is the probability of.
    pub statement: Statement,
    /// The mean of the bias on the scale of θ: positive where the observed effect lies above the true one.
    pub bias_mean: f64,
    /// The mean of the bias as a ratio; none on the scale of differences.
    pub bias_ratio: Option<f64>,
    /// The sd of the bias on the scale of θ, each subgroup having a bias of its own about the mean; 0 where it is known.
    pub bias_sd: f64,
    /// The statement's probability; none where an integral does not settle.
    pub probability: Option<f64>,
}

/// The probability of one statement under one binary confounder, the same in every subgroup.
#[derive(Debug, Clone, Serialize)]
pub struct ConfounderPoint {
    /// The name of the subgroup that the statement is about.
    pub subgroup: String,
    /// What the probability is the probability of.
    pub statement: Statement,
    /// The confounder's prevalence in the control arm, 0 to 1.
    pub prevalence_control: f64,
    /// The confounder's prevalence in the active arm, 0 to 1.
    pub prevalence_active: f64,
    /// The difference in prevalence, active minus control.
    pub prevalence_difference: f64,
    /// The confounder's association with the outcome, as a ratio of the same kind as the model's effect.
    pub strength: f64,
    /// The statement's probability; none where an integral does not settle.
    pub probability: Option<f64>,
}

/// Ratios of the bias above 1; below 1 stand their inverses.
const RATIOS: [f64; 6] = [1.25, 1.5, 2.0, 2.5, 3.0, 4.0];

/// On the scale of differences, in units of a standard error.
const MULTIPLES: [f64; 6] = [0.5, 1.0, 1.5, 2.0, 2.5, 3.0];

const SDS: [f64; 5] = [0.0, 0.1, 0.2, 0.35, 0.5];

/// With more subgroups than this, a few sds and strengths have to do.
const FINE_UP_TO: usize = 5;
const FEW_SDS: [f64; 3] = [0.0, 0.2, 0.5];
const FEW_STRENGTHS: [f64; 3] = [2.0, 3.0, 5.0];

/// Surfaces of a difference take twice as long, and are made for two subgroups alone.
const SUBGROUPS_WITH_PAIRS: usize = 2;

/// Differences in prevalence, active minus control, and strengths of a confounder.
const DIFFERENCES: [f64; 9] = [-0.6, -0.4, -0.2, -0.1, 0.0, 0.1, 0.2, 0.4, 0.6];
const STRENGTHS: [f64; 5] = [1.5, 2.0, 3.0, 5.0, 8.0];

fn shift(mean: f64, sd: f64) -> SubgroupBias {
    let shift =
        if sd > 0.0 { Nuisance::Location(LocationPrior::normal(mean, sd)) } else { Nuisance::Known(mean) };
    SubgroupBias { shift: Some(shift), ..SubgroupBias::default() }
}

/// Means on either side of none, in order.
fn means(biased: &Biased<'_>) -> Vec<f64> {
    let above: Vec<f64> = if biased.scale().is_ratio() {
        RATIOS.iter().map(|&r| libm::log(r)).collect()
    } else {
        MULTIPLES.iter().map(|m| m * biased.unit()).collect()
    };
    above.iter().rev().map(|m| -m).chain([0.0]).chain(above.iter().copied()).collect()
}

/// Benefit and harm in every subgroup, the same prior of the bias in all; and of pairs more benefit in either, the prior of
/// the bias being that of the difference between the two.
pub fn shifts(biased: &Biased<'_>) -> Vec<ShiftPoint> {
    let sds: &[f64] = if biased.names.len() <= FINE_UP_TO { &SDS } else { &FEW_SDS };
    let places = places(biased, means(biased), sds);
    let mut all = of_subgroups(biased, &places);
    all.extend(of_pairs(biased, &places));
    all
}

/// Benefit and harm in every subgroup as a page shows them: at every other mean and a few sds, without pairs.
pub fn shifts_at_a_glance(biased: &Biased<'_>) -> Vec<ShiftPoint> {
    let all = means(biased);
    // None stands in the middle, and stays.
    let first = all.len() / 2 % 2;
    let every_other = all.into_iter().skip(first).step_by(2).collect();
    of_subgroups(biased, &places(biased, every_other, &FEW_SDS))
}

/// Every mean with every sd.
fn places(biased: &Biased<'_>, means: Vec<f64>, sds: &[f64]) -> Vec<(f64, f64)> {
    let unit = biased.unit();
    let at_mean = |m: f64| sds.iter().map(move |sd| (m, sd * unit));
    means.into_iter().flat_map(at_mean).collect()
}

fn point(
    biased: &Biased<'_>,
    (mean, sd): (f64, f64),
    names: (&str, Option<&str>),
    statement: Statement,
    probability: Option<f64>,
) -> ShiftPoint {
    ShiftPoint {
        subgroup: names.0.to_string(),
        subgroup_b: names.1.map(str::to_string),
        statement,
        bias_mean: mean,
        bias_ratio: biased.as_ratio(mean),
        bias_sd: sd,
        probability,
    }
}

fn of_subgroups(biased: &Biased<'_>, places: &[(f64, f64)]) -> Vec<ShiftPoint> {
    let benefits: Vec<_> = parallel::map(places, |&(m, sd)| biased.benefits(&biased.model(|_| shift(m, sd))));
    let mut all = Vec::new();
    for (g, name) in biased.names.iter().enumerate() {
        for (&place, found) in places.iter().zip(&benefits) {
            let benefit = found.as_ref().map(|b| b[g]);
            all.push(point(biased, place, (name, None), Statement::Benefit, benefit));
            all.push(point(biased, place, (name, None), Statement::Harm, benefit.map(|p| 1.0 - p)));
        }
    }
    all
}

fn of_pairs(biased: &Biased<'_>, places: &[(f64, f64)]) -> Vec<ShiftPoint> {
    let mut all = Vec::new();
    for &(a, b) in biased.pairs.iter().filter(|_| biased.names.len() <= SUBGROUPS_WITH_PAIRS) {
        let (first, second) = (&biased.names[a], &biased.names[b]);
        let found: Vec<Option<f64>> = parallel::map(places, |&(m, sd)| {
            biased.greater(&biased.model(|g| of_pair((a, b), g, m, sd)), (a, b))
        });
        for (&(m, sd), p) in places.iter().zip(found) {
            all.push(point(biased, (m, sd), (first, Some(second)), Statement::GreaterBenefit, p));
            all.push(point(
                biased,
                (-m, sd),
                (second, Some(first)),
                Statement::GreaterBenefit,
                p.map(|p| 1.0 - p),
            ));
        }
    }
    all
}

/// A bias of the difference between two subgroups, half on either side; none elsewhere.
pub fn of_pair((a, b): (usize, usize), g: usize, mean: f64, sd: f64) -> SubgroupBias {
    let half = sd * std::f64::consts::FRAC_1_SQRT_2;
    match g {
        _ if g == a => shift(0.5 * mean, half),
        _ if g == b => shift(-0.5 * mean, half),
        _ => SubgroupBias::default(),
    }
}

/// About what a confounder's two prevalences lie: those that are stated, or one half.
fn middle_prevalence(study: &Study) -> f64 {
    let stated = study.bias.as_ref().and_then(|b| b.subgroups.iter().find_map(|s| s.confounder.as_ref()));
    stated.map_or(0.5, |c| {
        let [p0, p1] = c.prevalence.each_ref().map(|p| logistic(p.rough().0));
        libm::round(100.0 * 0.5 * (p0 + p1)) / 100.0
    })
}

/// Benefit and harm in every subgroup under a confounder with known prevalences and strength, the same in all.
pub fn confounders(biased: &Biased<'_>) -> Vec<ConfounderPoint> {
    // Beside covariates a confounder has no one meaning: it moves each patient's risk differently. Nor has it beside levels, of
    // which its strength is of one cut.
    let levels = biased.study.data.levels().is_some();
    if !biased.scale().is_ratio() || biased.study.adjustment.is_some() || levels {
        return Vec::new();
    }
    let middle = middle_prevalence(biased.study);
    let strengths: &[f64] = if biased.names.len() <= FINE_UP_TO { &STRENGTHS } else { &FEW_STRENGTHS };
    let possible = |d: &f64| 0.5 * d.abs() <= middle.min(1.0 - middle);
    let places: Vec<(f64, f64)> = DIFFERENCES
        .into_iter()
        .filter(possible)
        .flat_map(|d| strengths.iter().map(move |&strength| (d, strength)))
        .collect();
    let found: Vec<_> = parallel::map(&places, |&(d, strength)| {
        let prevalence = [middle - 0.5 * d, middle + 0.5 * d].map(|p| Nuisance::Known(logit(p)));
        let confounder = Confounder { prevalence, log_odds_ratio: Nuisance::Known(libm::log(strength)) };
        let bias = SubgroupBias { confounder: Some(confounder), ..SubgroupBias::default() };
        biased.benefits(&biased.model(|_| bias.clone()))
    });
    let mut all = Vec::new();
    for (g, name) in biased.names.iter().enumerate() {
        for (&(d, strength), found) in places.iter().zip(&found) {
            let benefit = found.as_ref().map(|b| b[g]);
            for (statement, probability) in
                [(Statement::Benefit, benefit), (Statement::Harm, benefit.map(|p| 1.0 - p))]
            {
                all.push(ConfounderPoint {
                    subgroup: name.clone(),
                    statement,
                    prevalence_control: middle - 0.5 * d,
                    prevalence_active: middle + 0.5 * d,
                    prevalence_difference: d,
                    strength,
                    probability,
                });
            }
        }
    }
    all
}
