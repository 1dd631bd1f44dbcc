//! What a page shows of other priors: the same numbers as [`compare`](super::compare) has for them, and nothing searched for.

use rayon::prelude::*;

use super::claims::{self, Findings};
use super::curve::{self, Crossing, CurvePoint};
use super::grid::{self, GridRow};
use super::question::questions;
use super::refit::{self, Refits};
use super::{Asked, PriorSet, Steps, curve_sets, envelope, prior_sets, table};
use crate::error::Result;
use crate::exact::{ExactPosterior, Resolution};
use crate::model::Model;
use crate::posterior::{
    Axis, Claim, Estimand, Measure, Options, Quantiles, Report, Sampling, Statement, mass_within, region,
};
use crate::study::{Study, about_sources};

/// Priors side by side under the stated pooling.
pub struct Glance {
    /// What must stand beside numbers that rest on other studies.
    pub about_sources: Vec<String>,
    pub priors: Vec<PriorSet>,
    pub rows: Vec<GlanceRow>,
    /// The posterior under each of the priors; none where it is sampled, or the prior has no place.
    pub posteriors: Vec<Option<ExactPosterior>>,
    pub tau_curve: Vec<CurvePoint>,
    pub crossings: Vec<Crossing>,
    /// P(better) under every effect and heterogeneity prior, partially pooled; none where it was not asked for.
    pub grid: Option<Vec<GridRow>>,
    /// The claims of the whole comparison.
    pub claims: Vec<Claim>,
}

/// One subgroup under one prior.
#[derive(Debug, Clone, PartialEq)]
pub struct GlanceRow {
    pub prior: String,
    pub subgroup: String,
    pub benefit: Option<f64>,
    pub harm: Option<f64>,
    /// On its measure's own scale.
    pub effect: Option<Quantiles>,
}

/// Every prior that the model names, and where asked for the grid.
pub fn glance(study: &Study, sampling: Sampling, grid: bool) -> Result<Glance> {
    let study = &*super::comparable(study);
    let sets = prior_sets(study, &Asked::default(), sampling)?;
    let options = refit::options(study, sampling, false);
    let questions = questions(study);
    let refits = Refits::new(study, &questions, options, envelope::prior_box(study).sd[0], &Steps::default());
    refits.prepare(study.pooling);
    if grid {
        refits.prepare(crate::study::Pooling::Partial);
    }
    let (fits, (curves, own)) = rayon::join(
        || sets.par_iter().map(|set| under(study, set, options)).collect::<Vec<_>>(),
        || {
            let sets = curve_sets(study, &sets, refits.is_coarse());
            let curves: Vec<_> = sets.iter().map(|set| curve::curve(&refits, set)).collect();
            let stated = study.priors.heterogeneity.as_ref().map(|h| h.distribution);
            (curves, refits.all(study.pooling, &study.priors.effect.distribution, stated.as_ref()))
        },
    );
    let (rows, posteriors): (Vec<_>, Vec<_>) = fits.into_iter().unzip();
    let grid = grid.then(|| grid::of_benefit(&refits, &sets));
    let (tau_curve, crossings): (Vec<_>, Vec<_>) = curves.into_iter().unzip();
    let tau_curve: Vec<CurvePoint> = tau_curve.into_iter().flatten().collect();
    let crossings: Vec<Crossing> = crossings.into_iter().flatten().collect();
    let findings = Findings {
        priors: &sets,
        tau_curve: &tau_curve,
        crossings: &crossings,
        highest: own.into_iter().flatten().reduce(f64::max),
        is_sampled: refits.is_sampled(),
    };
    let claims = claims::claims(study, &findings);
    Ok(Glance {
        about_sources: about_sources(&study.named, |n| sets.iter().any(|s| s.name == n)),
        priors: sets,
        rows: rows.concat(),
        posteriors,
        tau_curve,
        crossings,
        grid,
        claims,
    })
}

/// Every subgroup under one set of priors; nothing where it has no place under the stated pooling.
fn under(study: &Study, set: &PriorSet, options: Options) -> (Vec<GlanceRow>, Option<ExactPosterior>) {
    if !table::poolings(study, set).contains(&study.pooling) {
        return (Vec::new(), None);
    }
    let study = table::study_under(study, set, study.pooling);
    let exact = if refit::needs_sampling(&study) {
        None
    } else {
        ExactPosterior::new(&Model::of(&study), Resolution::default()).ok()
    };
    let report = exact.is_none().then(|| table::fitted(&study, options));
    let names = study.data.names();
    let one = |(g, name): (usize, &&str)| {
        let (benefit, harm, effect) = match (&exact, &report) {
            (Some(exact), _) => by_integration(&study, exact, g),
            (None, Some(report)) => by_report(&study, report, g),
            (None, None) => (None, None, None),
        };
        GlanceRow { prior: set.name.clone(), subgroup: (*name).to_string(), benefit, harm, effect }
    };
    let rows = names.iter().enumerate().map(one).collect();
    (rows, exact)
}

type Found = (Option<f64>, Option<f64>, Option<Quantiles>);

fn by_integration(study: &Study, exact: &ExactPosterior, g: usize) -> Found {
    let theta = exact.theta(g);
    let measure = Measure::of(study.outcome.scale);
    let sign = study.outcome.higher_is.sign();
    // Risks are equal just where θ is 0.
    let below = theta.cdf(0.0);
    let holds =
        |statement| Some(mass_within(region(statement, measure.null(), measure.axis(), sign), &|_| below));
    let at = |p: f64| {
        let x = theta.quantile(p);
        if measure.axis() == Axis::Ratio { libm::exp(x) } else { x }
    };
    let effect = Quantiles { median: at(0.5), q2_5: at(0.025), q97_5: at(0.975) };
    (holds(Statement::Benefit), holds(Statement::Harm), Some(effect))
}

fn by_report(study: &Study, report: &Report, g: usize) -> Found {
    let measure = Measure::of(study.outcome.scale);
    let estimand = Estimand::of_subgroup(g, measure);
    let holds = |statement| report.probability(estimand, statement, measure.null()).and_then(|p| p.best());
    let effect = report.estimate(estimand);
    (holds(Statement::Benefit), holds(Statement::Harm), effect.and_then(|e| e.best()))
}
