//! What one would have to believe to conclude otherwise.

use serde::Serialize;

use super::LINES;
use super::information::{patients, unit_information};
use super::question::Question;
use super::reference::Reference;
use super::refit::{Answers, Refits};
use crate::model::{HeterogeneityPrior, LocationPrior, NormalComponent};
use crate::numeric::{crossing, normal_quantile};
use crate::parallel;
use crate::posterior::{Measure, Statement, Target};
use crate::study::Pooling;

/// Which other priors would bring one statement down to one line.
#[derive(Debug, Clone, Serialize)]
pub struct Tipping {
    /// The name of the subgroup that the statement is about.
    pub subgroup: String,
    /// What the probability is the probability of.
    pub statement: Statement,
    /// The measure of effect that the statement is about.
    pub measure: Measure,
    /// The size of effect in the statement, on the measure's own scale: a magnitude for "at least", else the value of no
    /// effect.
    pub threshold: f64,
    /// The probability to which the statement is to fall: one of [`LINES`](crate::compare::LINES).
    pub line: f64,
    /// The statement's probability under the stated priors; none where it could not be computed.
    pub probability: Option<f64>,
    /// The statement's probability under the widest sceptical prior; none where it could not be computed.
    pub widest: Option<f64>,
    /// The largest sd of a prior centred on no effect, coming from the widest, that brings the statement down to the
    /// line, on the scale of θ.
    pub sceptical_sd: Option<f64>,
    /// The number of patients with as much information as that sceptical prior; none for estimates.
    pub as_patients: Option<f64>,
    /// The centre to which the stated effect prior must be moved, the one nearest to where it stands, on the scale of θ;
    /// none where the statement is not above the line, or no such centre was found.
    pub prior_centre: Option<f64>,
    /// That centre as a ratio; none on the scale of differences.
    pub prior_centre_ratio: Option<f64>,
    /// Pairs of sceptical sd and scale of the prior of τ that bring the statement to the line: for the highest line that
    /// it passes, and for statements about the effect alone. Empty otherwise.
    pub frontier: Vec<FrontierPoint>,
    /// Why there is no sceptical sd, where there is none.
    pub note: Option<Absence>,
    /// Why there is no prior centre, where the statement is above the line and there is none.
    pub centre_note: Option<Absence>,
}

/// Why a search found no prior.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Absence {
    /// The statement is not above the line even where the search begins, under the widest sceptical prior.
    NeverAbove,
    /// The statement stays above the line as far as the search goes.
    AlwaysAbove,
    /// Every prior would be a fit of its own: statements about risks are searched for up to five subgroups, and of ordered levels
    /// not where effects are curves.
    NotSearched,
    /// A probability could not be computed, or there is no prior to move.
    Unknown,
}

/// A sceptical sd at one scale of the prior of τ, or why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct FrontierPoint {
    /// The scale of the prior of τ.
    pub tau_scale: f64,
    /// The sd of the sceptical prior that brings the statement down to the line, on the scale of θ; none where none was
    /// found.
    pub sceptical_sd: Option<f64>,
    /// Why none was found; none where one was.
    pub note: Option<Absence>,
}

/// The narrowest sceptical sd, as a part of the widest.
const NARROWEST: f64 = 0.01;

/// Every prior along a search for a statement about risks is a fit of its own.
const RISKS_UP_TO: usize = 5;

/// Scales of the frontier, in doublings of the stated one.
const FRONTIER: std::ops::RangeInclusive<i32> = -3..=3;

/// Intervals of the scans over sceptical sds and centres; a third of them where every refit is a whole fit of many
/// subgroups, or samples rows with ordered levels.
const SCEPTICAL_NODES: usize = 24;
const CENTRE_NODES: usize = 30;

fn nodes(refits: &Refits<'_>, usual: usize) -> usize {
    let samples_rows = refits.is_sampled() && refits.study.adjustment.is_some();
    let few = refits.is_coarse() || samples_rows && refits.study.data.levels().is_some();
    if few { usual / 3 } else { usual }
}

/// How many refits the searches take that are counted.
pub fn planned(refits: &Refits<'_>) -> usize {
    let proper = refits.study.priors.effect.distribution.is_proper();
    let centres = if proper { 2 * (nodes(refits, CENTRE_NODES) + 1) } else { 0 };
    if refits.is_coarse() { nodes(refits, SCEPTICAL_NODES) + 1 + centres } else { 0 }
}

impl Refits<'_> {
    /// Of ordered levels every statement about a risk is a sampled fit.
    fn searches_risks(&self) -> bool {
        self.study.data.names().len() <= RISKS_UP_TO && !self.has_effects_alone()
    }
}

/// Answers along a line of priors.
struct Scan<'a> {
    refits: &'a Refits<'a>,
    /// Coordinates of the priors, in order, and the answers there; statements about risks are answered at some of them.
    x: Vec<f64>,
    answers: Vec<Answers>,
}

impl<'a> Scan<'a> {
    /// Effects everywhere; statements about risks, which take longer, at every `stride`-th place.
    fn new(
        refits: &'a Refits<'a>,
        x: Vec<f64>,
        stride: usize,
        at: impl Fn(f64, bool) -> Answers + Sync,
    ) -> Scan<'a> {
        let last = x.len() - 1;
        let few = refits.searches_risks();
        let everything = |k: usize| few && (k.is_multiple_of(stride) || k == last);
        let answers = parallel::range(0..x.len(), |k| at(x[k], everything(k)));
        Scan { refits, x, answers }
    }

    /// Why [`Scan::fall`] found nothing.
    fn absence(&self, i: usize, line: f64) -> Absence {
        let searched = self.refits.questions[i].effect_bound().is_some() || self.refits.searches_risks();
        let known: Vec<f64> = self.answers.iter().filter_map(|a| a[i]).collect();
        match known.first() {
            _ if !searched => Absence::NotSearched,
            None => Absence::Unknown,
            Some(first) if *first <= line => Absence::NeverAbove,
            _ if known.iter().all(|p| *p > line) => Absence::AlwaysAbove,
            _ => Absence::Unknown,
        }
    }

    /// From the first coordinate on, the first place where question `i` falls to the line from above.
    fn fall(&self, i: usize, line: f64, at: impl Fn(f64) -> Option<f64>) -> Option<f64> {
        let known = self.x.iter().zip(&self.answers).filter_map(|(&x, a)| Some((x, a[i]?)));
        let known: Vec<(f64, f64)> = known.collect();
        if known.first()?.1 <= line {
            return None;
        }
        let step = known.windows(2).find(|w| w[0].1 > line && w[1].1 <= line)?;
        let (a, b) = (step[0], step[1]);
        if self.refits.is_sampled() || self.refits.is_coarse() {
            // Between two runs, or whole fits, on the probit scale.
            let [from, to, level] = [a.1, b.1, line].map(|p| normal_quantile(p).clamp(-9.0, 9.0));
            return Some(a.0 + (b.0 - a.0) * (level - from) / (to - from));
        }
        // On the probit scale the probability is nearly a line.
        let reach = (self.x[0] - self.x[self.x.len() - 1]).abs();
        let quick = self.refits.questions[i].effect_bound().is_some();
        let tolerance = reach * if quick { 1e-7 } else { 2e-5 };
        let level = normal_quantile(line);
        let excess = |p: f64| normal_quantile(p).clamp(-9.0, 9.0) - level;
        crossing((a.0, excess(a.1)), (b.0, excess(b.1)), tolerance, |x| at(x).map(excess))
    }
}

/// All statements against all lines.
pub fn tipping(refits: &Refits<'_>) -> Vec<Tipping> {
    let study = refits.study;
    let stated = study.priors.heterogeneity.as_ref().map(|h| h.distribution);
    let effect = &study.priors.effect.distribution;
    let reference = Reference::of(study);
    let unit = unit_information(&study.data);
    let own = refits.all(study.pooling, effect, stated.as_ref());
    let sceptical = Sceptical::new(refits, &reference, stated, Asked::Everything);
    let centres = Centres::new(refits, effect, stated, &reference);
    let frontier = Frontier::new(refits, &reference, stated, &own);
    let asked: Vec<(usize, f64)> =
        (0..refits.questions.len()).flat_map(|i| LINES.map(|line| (i, line))).collect();
    parallel::map_taken(asked, |(i, line)| {
        let q = &refits.questions[i];
        let widest = sceptical.scan.answers[0][i];
        let sceptical_sd = sceptical.sd(i, line);
        let above = own[i].is_some_and(|p| p > line);
        let prior_centre = if above { centres.centre(i, line) } else { None };
        let ratio = study.outcome.scale.is_ratio();
        Tipping {
            subgroup: q.name.clone(),
            statement: q.statement,
            measure: q.measure,
            threshold: q.threshold,
            line,
            probability: own[i],
            widest,
            sceptical_sd,
            as_patients: sceptical_sd.zip(unit).map(|(sd, unit)| patients(sd, unit)),
            prior_centre,
            prior_centre_ratio: prior_centre.filter(|_| ratio).map(libm::exp),
            frontier: if highest_passed(own[i]) == Some(line) { frontier.of(i, line) } else { Vec::new() },
            note: if sceptical_sd.is_some() { None } else { Some(sceptical.scan.absence(i, line)) },
            centre_note: if above && prior_centre.is_none() { Some(centres.absence(i, line)) } else { None },
        }
    })
}

/// The line that a statement must lose for its conclusion to be overturned.
fn highest_passed(p: Option<f64>) -> Option<f64> {
    LINES.into_iter().rev().find(|line| p.is_some_and(|p| p > *line))
}

/// Whether statements about risks are asked too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Everything,
    Effects,
}

/// Priors around no effect, from the widest to the narrowest.
struct Sceptical<'a> {
    scan: Scan<'a>,
    heterogeneity: Option<HeterogeneityPrior>,
}

impl<'a> Sceptical<'a> {
    fn new(
        refits: &'a Refits<'a>,
        reference: &Reference,
        heterogeneity: Option<HeterogeneityPrior>,
        asked: Asked,
    ) -> Sceptical<'a> {
        let nodes = nodes(refits, SCEPTICAL_NODES);
        let (wide, narrow) = (libm::log(reference.sd), libm::log(NARROWEST * reference.sd));
        let x: Vec<f64> = (0..=nodes).map(|k| wide + (narrow - wide) * k as f64 / nodes as f64).collect();
        ask(refits, x.iter().map(|log_sd| LocationPrior::normal(0.0, libm::exp(*log_sd))), heterogeneity);
        let at = |log_sd: f64, everything: bool| {
            sceptic(refits, log_sd, heterogeneity, everything && asked == Asked::Everything)
        };
        Sceptical { scan: Scan::new(refits, x, 4, at), heterogeneity }
    }

    fn sd(&self, i: usize, line: f64) -> Option<f64> {
        let refits = self.scan.refits;
        let at = |log_sd: f64| one(refits, i, Prior::Sceptical(log_sd), self.heterogeneity);
        self.scan.fall(i, line, at).map(libm::exp)
    }
}

/// All of a scan at once, where its answers are weighted draws.
fn ask(
    refits: &Refits<'_>,
    effects: impl Iterator<Item = LocationPrior>,
    heterogeneity: Option<HeterogeneityPrior>,
) {
    if refits.is_sampled() {
        let pooling = refits.study.pooling;
        let targets: Vec<Target> = effects.map(|effect| Target { pooling, effect, heterogeneity }).collect();
        refits.ask(&targets);
    }
}

fn sceptic(
    refits: &Refits<'_>,
    log_sd: f64,
    heterogeneity: Option<HeterogeneityPrior>,
    everything: bool,
) -> Answers {
    let effect = LocationPrior::normal(0.0, libm::exp(log_sd));
    let pooling = refits.study.pooling;
    if everything {
        refits.all(pooling, &effect, heterogeneity.as_ref())
    } else {
        refits.effects(pooling, &effect, heterogeneity.as_ref())
    }
}

/// An effect prior along a scan.
enum Prior<'a> {
    Sceptical(f64),
    Moved(&'a LocationPrior, f64),
}

/// One question under one prior.
fn one(
    refits: &Refits<'_>,
    i: usize,
    prior: Prior<'_>,
    heterogeneity: Option<HeterogeneityPrior>,
) -> Option<f64> {
    let effect = match prior {
        Prior::Sceptical(log_sd) => LocationPrior::normal(0.0, libm::exp(log_sd)),
        Prior::Moved(effect, by) => moved(effect, by),
    };
    refits.one(i, refits.study.pooling, &effect, heterogeneity.as_ref())
}

fn moved(effect: &LocationPrior, by: f64) -> LocationPrior {
    match effect {
        LocationPrior::Normals(normals) => LocationPrior::Normals(
            normals.iter().map(|n| NormalComponent { mean: n.mean + by, ..*n }).collect(),
        ),
        LocationPrior::StudentT { df, location, scale } => {
            LocationPrior::StudentT { df: *df, location: location + by, scale: *scale }
        }
        // Effects have none such.
        LocationPrior::LogitBeta { .. } => effect.clone(),
        LocationPrior::Flat => LocationPrior::Flat,
    }
}

/// The centre of a prior: the mean of its components' centres.
fn centre_of(effect: &LocationPrior) -> f64 {
    match effect {
        LocationPrior::Normals(normals) => normals.iter().map(|n| n.weight * n.mean).sum(),
        LocationPrior::StudentT { location, .. } => *location,
        LocationPrior::LogitBeta { a, b } => libm::log(a / b),
        LocationPrior::Flat => 0.0,
    }
}

/// The stated effect prior moved to and fro.
struct Centres<'a> {
    scans: Option<[Scan<'a>; 2]>,
    effect: &'a LocationPrior,
    heterogeneity: Option<HeterogeneityPrior>,
}

impl<'a> Centres<'a> {
    fn new(
        refits: &'a Refits<'a>,
        effect: &'a LocationPrior,
        heterogeneity: Option<HeterogeneityPrior>,
        reference: &Reference,
    ) -> Centres<'a> {
        /// The farthest move, as a part of the reference prior's sd: 3 on log scales.
        const REACH: f64 = 0.6;
        let pooling = refits.study.pooling;
        let at = |by: f64, everything: bool| {
            let prior = moved(effect, by);
            if everything {
                refits.all(pooling, &prior, heterogeneity.as_ref())
            } else {
                refits.effects(pooling, &prior, heterogeneity.as_ref())
            }
        };
        let scan = |sign: f64| {
            let far = sign * REACH * reference.sd;
            let nodes = nodes(refits, CENTRE_NODES);
            let x: Vec<f64> = (0..=nodes).map(|k| far * k as f64 / nodes as f64).collect();
            ask(refits, x.iter().map(|by| moved(effect, *by)), heterogeneity);
            Scan::new(refits, x, 6, at)
        };
        let scans = effect.is_proper().then(|| [scan(1.0), scan(-1.0)]);
        Centres { scans, effect, heterogeneity }
    }

    fn absence(&self, i: usize, line: f64) -> Absence {
        self.against(i).map_or(Absence::Unknown, |scan| scan.absence(i, line))
    }

    /// The scan that moves against what the statement says.
    fn against(&self, i: usize) -> Option<&Scan<'a>> {
        let [up, down] = self.scans.as_ref()?;
        Some(if up.refits.questions[i].holds_above() { down } else { up })
    }

    /// Moved against what the statement says; on the scale of θ.
    fn centre(&self, i: usize, line: f64) -> Option<f64> {
        let scan = self.against(i)?;
        let at = |by: f64| one(scan.refits, i, Prior::Moved(self.effect, by), self.heterogeneity);
        scan.fall(i, line, at).map(|by| centre_of(self.effect) + by)
    }
}

/// Sceptical scans at several scales of the prior of τ, made for what is above a line at all.
struct Frontier<'a> {
    scans: Vec<(f64, Sceptical<'a>)>,
}

impl<'a> Frontier<'a> {
    fn new(
        refits: &'a Refits<'a>,
        reference: &Reference,
        stated: Option<HeterogeneityPrior>,
        own: &Answers,
    ) -> Frontier<'a> {
        let needed = own.iter().flatten().any(|p| *p > LINES[0]);
        let Some(stated) = stated.filter(|h| needed && h.scale() > 0.0) else {
            return Frontier { scans: Vec::new() };
        };
        if refits.study.pooling == Pooling::Complete || refits.is_sampled() || refits.is_coarse() {
            return Frontier { scans: Vec::new() };
        }
        let scan = |k: i32| {
            let prior = stated.scaled(libm::exp2(f64::from(k)));
            (prior.scale(), Sceptical::new(refits, reference, Some(prior), Asked::Effects))
        };
        Frontier { scans: FRONTIER.map(scan).collect() }
    }

    /// Statements about effects alone; those about risks have none.
    fn of(&self, i: usize, line: f64) -> Vec<FrontierPoint> {
        let on_effect = |s: &Sceptical<'_>| {
            let q: &Question = &s.scan.refits.questions[i];
            q.effect_bound().is_some()
        };
        self.scans
            .iter()
            .filter(|(_, s)| on_effect(s))
            .map(|(tau_scale, s)| {
                let sceptical_sd = s.sd(i, line);
                let note = if sceptical_sd.is_some() { None } else { Some(s.scan.absence(i, line)) };
                FrontierPoint { tau_scale: *tau_scale, sceptical_sd, note }
            })
            .collect()
    }
}
