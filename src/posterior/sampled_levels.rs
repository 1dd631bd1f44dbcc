//! Draws of ordered levels, and the quantities that are made of them.

use rayon::prelude::*;

use super::estimand::{Estimand, Measure, Whom};
use super::sampled::{Column, Risks, SampledPosterior};
use crate::density::LogDensity;
use crate::model::{Drawn, Hierarchy, Levels, Model, Parameters, Rows, log_likelihood_of_levels};
use crate::numeric::{logistic, logit};
use crate::parallel;
use crate::study::{LevelScale, Population, Study};

/// Cut points and departures of every draw.
#[derive(Debug, Clone, Default)]
pub struct LevelColumns {
    primary: usize,
    cuts: usize,
    shared: bool,
    /// The log odds of each cut beside the primary one's, by set of cut points and cut.
    offsets: Vec<Column>,
    /// Departures by cut; empty where odds are proportional.
    pub departures: Vec<Column>,
    /// Risks above every cut averaged over the declared patients, by subgroup and cut; empty where all patients of a subgroup are
    /// alike.
    standardised: Vec<Risks>,
}

impl LevelColumns {
    pub fn of(levels: &Levels) -> LevelColumns {
        let (primary, cuts) = (levels.primary, levels.cuts());
        LevelColumns { primary, cuts, shared: levels.shared, ..LevelColumns::default() }
    }

    pub fn push(&mut self, p: &Parameters<'_>) {
        push_all(&mut self.offsets, p.offsets.iter().copied());
        push_all(&mut self.departures, p.departures.iter().copied());
    }

    pub fn push_drawn(&mut self, drawn: &Drawn) {
        let Some(levels) = &drawn.levels else { return };
        push_all(&mut self.offsets, levels.offsets.iter().flatten().copied());
        push_all(&mut self.departures, levels.departures.iter().copied());
    }

    pub fn append(&mut self, mut other: LevelColumns) {
        let into = self.offsets.iter_mut().chain(&mut self.departures);
        let from = other.offsets.iter_mut().chain(&mut other.departures);
        into.zip(from).for_each(|(all, part)| all.append(part));
        for (all, part) in self.standardised.iter_mut().zip(&mut other.standardised) {
            all.control.append(&mut part.control);
            all.active.append(&mut part.active);
        }
    }

    pub fn is_standardised(&self) -> bool {
        !self.standardised.is_empty()
    }

    pub fn put_standardised(&mut self, risks: Vec<Risks>) {
        self.standardised = risks;
    }

    pub fn push_standardised(&mut self, risks: &[[f64; 2]]) {
        self.standardised.resize_with(risks.len(), || Risks { control: Vec::new(), active: Vec::new() });
        for (columns, [control, active]) in self.standardised.iter_mut().zip(risks) {
            columns.control.push(*control);
            columns.active.push(*active);
        }
    }

    /// The departure of a cut at draw `i`.
    fn departure(&self, cut: usize, i: usize) -> f64 {
        self.departures.get(cut).map_or(0.0, |column| column[i])
    }

    fn offset(&self, g: usize, cut: usize) -> &Column {
        let set = if self.shared { 0 } else { g };
        &self.offsets[set * self.cuts + cut]
    }
}

/// A draw's values, which say how many columns there are.
fn push_all(columns: &mut Vec<Column>, values: impl Iterator<Item = f64>) {
    for (k, x) in values.enumerate() {
        if columns.len() == k {
            columns.push(Vec::new());
        }
        columns[k].push(x);
    }
}

/// The measures of ordered levels that are made of the probabilities above every cut, in the order of results.
pub fn level_measures(scale: &LevelScale) -> Vec<(Measure, Option<usize>)> {
    let utility = scale.utilities.is_some().then_some(Measure::UtilityDifference);
    let whole = utility.into_iter().chain([
        Measure::WinProbability,
        Measure::WinOdds,
        Measure::WinRatio,
        Measure::NetBenefit,
        Measure::LevelDifference,
    ]);
    let at_cuts = (0..scale.cuts()).flat_map(|cut| {
        [Measure::CutRiskControl, Measure::CutRiskActive, Measure::CutRiskDifference, Measure::CutOddsRatio]
            .map(|measure| (measure, Some(cut)))
    });
    whole.map(|measure| (measure, None)).chain(at_cuts).collect()
}

/// What is made of the probabilities above every cut, `above` by cut.
pub fn of_levels(study: &Study, whom: Whom, above: &[Risks]) -> Vec<(Estimand, Column)> {
    let Some(scale) = &study.outcome.levels else { return Vec::new() };
    let wins = Wins::of(above, study.outcome.higher_is.sign());
    let column = |(measure, cut): (Measure, Option<usize>)| {
        let values = match (measure, cut) {
            (Measure::UtilityDifference, _) => {
                let worth = scale.utilities.as_ref().map_or(&[][..], |u| &u.values);
                weighted_difference(above, |k| worth.get(k + 1).zip(worth.get(k)).map_or(0.0, |(v, u)| v - u))
            }
            (Measure::LevelDifference, _) => weighted_difference(above, |_| 1.0),
            (Measure::WinProbability, _) => wins.with(|better, worse| 0.5 + 0.5 * (better - worse)),
            (Measure::WinOdds, _) => {
                wins.with(|better, worse| (1.0 + (better - worse)) / (1.0 - (better - worse)))
            }
            (Measure::WinRatio, _) => wins.with(|better, worse| better / worse),
            (Measure::NetBenefit, _) => wins.with(|better, worse| better - worse),
            (Measure::CutRiskControl, Some(k)) => above[k].control.clone(),
            (Measure::CutRiskActive, Some(k)) => above[k].active.clone(),
            (Measure::CutRiskDifference, Some(k)) => above[k].difference(),
            (_, Some(k)) => odds_ratio(&above[k]),
            _ => Vec::new(),
        };
        let estimand = Estimand::new(whom, measure);
        (cut.map_or(estimand, |k| estimand.at_cut(k)), values)
    };
    level_measures(scale).into_iter().map(column).collect()
}

fn odds_ratio(risks: &Risks) -> Column {
    let both = risks.control.iter().zip(&risks.active);
    both.map(|(p0, p1)| (p1 / (1.0 - p1)) / (p0 / (1.0 - p0))).collect()
}

/// `Σ weight(k) · (risk difference above cut k)`.
fn weighted_difference(above: &[Risks], weight: impl Fn(usize) -> f64) -> Column {
    let mut all = vec![0.0; above.first().map_or(0, |r| r.control.len())];
    for (k, risks) in above.iter().enumerate() {
        let w = weight(k);
        let both = risks.control.iter().zip(&risks.active);
        all.iter_mut().zip(both).for_each(|(sum, (p0, p1))| *sum += w * (p1 - p0));
    }
    all
}

/// The probabilities that a patient of the active arm fares better, and worse, than one of the control arm.
struct Wins {
    better: Column,
    worse: Column,
}

impl Wins {
    fn of(above: &[Risks], sign: f64) -> Wins {
        let draws = above.first().map_or(0, |r| r.control.len());
        let (mut higher, mut lower) = (vec![0.0; draws], vec![0.0; draws]);
        for (k, risks) in above.iter().enumerate() {
            for i in 0..draws {
                // The probability of level k in either arm.
                let before = k.checked_sub(1).map_or([1.0; 2], |j| [above[j].control[i], above[j].active[i]]);
                let (p0, p1) = (risks.control[i], risks.active[i]);
                higher[i] += (before[0] - p0) * p1;
                lower[i] += (before[1] - p1) * p0;
            }
        }
        if sign > 0.0 { Wins { better: higher, worse: lower } } else { Wins { better: lower, worse: higher } }
    }

    fn with(&self, f: impl Fn(f64, f64) -> f64) -> Column {
        self.better.iter().zip(&self.worse).map(|(b, w)| f(*b, *w)).collect()
    }
}

impl SampledPosterior {
    /// Draws of the probabilities of lying above every cut, by cut, in subgroup `g`, averaged over the declared patients where
    /// these differ; none where outcomes have no levels.
    pub fn above(&self, g: usize) -> Option<Vec<Risks>> {
        (0..self.levels.as_ref()?.cuts).map(|k| self.above_cut(g, k)).collect()
    }

    /// The same of one cut.
    fn above_cut(&self, g: usize, k: usize) -> Option<Risks> {
        let levels = self.levels.as_ref()?;
        if levels.is_standardised() {
            return levels.standardised.get(g * levels.cuts + k).cloned();
        }
        let (alpha, theta) = (self.alpha.get(g)?, self.theta.get(g)?);
        let offset = levels.offset(g, k);
        let control = alpha.iter().zip(offset).map(|(a, d)| logistic(a + d)).collect();
        let active = (0..alpha.len())
            .map(|i| logistic(alpha[i] + theta[i] + offset[i] + levels.departure(k, i)))
            .collect();
        Some(Risks { control, active })
    }

    /// Whether odds depart from proportional ones.
    pub fn departs(&self) -> bool {
        self.levels.as_ref().is_some_and(|levels| !levels.departures.is_empty())
    }

    /// The log odds of lying above every cut at draw `i`, of the control and of the active arm of subgroup `g`, at the covariates'
    /// means where there are any; none where outcomes have no levels.
    pub fn log_odds_by_cut(&self, g: usize, i: usize) -> Option<[Vec<f64>; 2]> {
        let levels = self.levels.as_ref()?;
        let (alpha, theta) = (self.alpha.get(g)?[i], self.theta.get(g)?[i]);
        let control: Vec<f64> = (0..levels.cuts).map(|k| alpha + levels.offset(g, k)[i]).collect();
        let active = control.iter().enumerate().map(|(k, x)| x + theta + levels.departure(k, i)).collect();
        Some([control, active])
    }

    /// The log probability of this level in one arm of subgroup `g` by draw; none where outcomes have no levels.
    pub fn log_probabilities_of_level(&self, g: usize, arm: usize, level: usize) -> Option<Column> {
        let cuts = self.levels.as_ref()?.cuts;
        let mut patient = vec![0.0; cuts + 1];
        *patient.get_mut(level)? = 1.0;
        let at = |i| Some(log_likelihood_of_levels(&patient, &self.log_odds_by_cut(g, i)?[arm]));
        (0..self.theta.get(g)?.len()).map(at).collect()
    }

    /// The same averaged over all subgroups, weighted by their numbers of patients.
    pub fn overall_above(&self) -> Option<Vec<Risks>> {
        let cuts = self.levels.as_ref()?.cuts;
        let at = |k: usize| {
            let zeros = || vec![0.0; self.chains * self.draws];
            let mut sum = Risks { control: zeros(), active: zeros() };
            for g in 0..self.theta.len() {
                let (of, share) = (self.above_cut(g, k)?, self.share_of(g));
                sum.control.iter_mut().zip(&of.control).for_each(|(s, p)| *s += share * p);
                sum.active.iter_mut().zip(&of.active).for_each(|(s, p)| *s += share * p);
            }
            Some(sum)
        };
        parallel::range(0..cuts, at).into_iter().collect()
    }

    /// The primary cut's risks of subgroup `g`, where the active arm's log odds there are not α + θ.
    pub(super) fn primary_risks(&self, g: usize) -> Option<Risks> {
        let levels = self
            .levels
            .as_ref()
            .filter(|levels| !levels.departures.is_empty() || levels.is_standardised())?;
        self.above_cut(g, levels.primary)
    }
}

/// Risks above every cut at every draw, by subgroup and cut, averaged over the declared patients; in parallel over draws.
pub fn standardised_above(
    rows: &Rows,
    model: &Model,
    hierarchy: &Hierarchy,
    chains: &[&[f64]],
) -> Vec<Risks> {
    /// Draws of one piece of work.
    const PIECE: usize = 16;
    let Some(levels) = model.observation.cells().and_then(|cells| cells.levels()) else { return Vec::new() };
    let (dim, subgroups, cuts) = (hierarchy.dim(), hierarchy.subgroups(), levels.cuts());
    let pieces: Vec<&[f64]> = chains.iter().flat_map(|draws| draws.chunks(PIECE * dim)).collect();
    let found: Vec<Vec<[f64; 2]>> = pieces
        .into_par_iter()
        .map_init(
            || hierarchy.scratch(),
            |scratch, draws| {
                let mut out = Vec::with_capacity(draws.len() / dim * subgroups * cuts);
                for q in draws.chunks_exact(dim) {
                    let p = hierarchy.parameters(q, &[], scratch);
                    let at = At {
                        control: p.control,
                        theta: p.theta,
                        offsets: p.offsets,
                        departures: p.departures,
                    };
                    out.extend(averaged(rows, levels, &at, (p.gamma, p.centres)));
                }
                out
            },
        )
        .collect();
    let width = subgroups * cuts;
    let of = |cell: usize, arm: usize| {
        found.iter().flat_map(|piece| piece.iter().skip(cell).step_by(width)).map(|r| r[arm]).collect()
    };
    (0..width).map(|cell| Risks { control: of(cell, 0), active: of(cell, 1) }).collect()
}

/// One point's log odds.
pub struct At<'a> {
    /// Of the control arms at the primary cut.
    pub control: &'a [f64],
    pub theta: &'a [f64],
    /// By set of cut points and cut.
    pub offsets: &'a [f64],
    pub departures: &'a [f64],
}

/// Both risks above every cut averaged over the declared patients, by subgroup and cut. Where the patients are those elsewhere, of
/// known risk, that is the risk above the primary cut, and the other cuts lie as far from it as they do here.
pub fn averaged(rows: &Rows, levels: &Levels, at: &At<'_>, terms: (&[f64], &[f64])) -> Vec<[f64; 2]> {
    let cuts = levels.cuts();
    let arms: Vec<[f64; 2]> = (0..at.control.len() * cuts)
        .map(|i| {
            let (g, k) = (i / cuts, i % cuts);
            let base = match rows.population {
                Population::BaselineRisk(p) => logit(p),
                Population::All | Population::Treated => at.control[g],
            };
            let control = base + at.offsets[levels.set_of(g) * cuts + k];
            [control, control + at.theta[g] + at.departures.get(k).copied().unwrap_or(0.0)]
        })
        .collect();
    let mut out = vec![[0.0; 2]; arms.len()];
    rows.standardised_by_cut(&arms, terms, &mut out);
    out
}
