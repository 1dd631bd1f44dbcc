//! A procedure that works, with a layer inside that may not.
//!
//! The outer model compares the procedure with none, the inner one the layer with its absence among those who had the
//! procedure. Had none of them had the layer, those who had it would have had the risk of those who had not, were the
//! groups alike: the procedure's risk difference without it is RD − Σ (share with the layer in g) · RD of the layer in g.

use serde::Serialize;

use super::bounds::bounds_of_sum;
use super::joint::both;
use crate::exact::{Distribution, RiskMeasure};
use crate::numeric::invert_increasing;
use crate::posterior::{
    Axis, Bounded, Direction, Empirical, Fit, NormalScores, Quantiles, Rate, Statement, mass_within, region,
};
use crate::study::{Assignment, Layers, Study, SubgroupCounts};

/// The two models together.
#[derive(Debug, Clone, Serialize)]
pub struct LayersRow {
    pub outer: String,
    pub inner: String,
    /// P(the procedure is of benefit) among all its patients.
    pub outer_benefit: f64,
    /// Of the procedure as it was done: the layer is part of it.
    pub outer_risk_difference: Quantiles,
    pub subgroups: Vec<LayerRow>,
    pub implied: Option<Implied>,
}

/// The layer in one subgroup, and the procedure with it.
#[derive(Debug, Clone, Serialize)]
pub struct LayerRow {
    pub subgroup: String,
    pub inner_harm: f64,
    /// The procedure is of benefit and the layer of harm.
    #[serde(flatten)]
    pub both: Bounded,
    pub rates: [Rate; 2],
}

/// The procedure had nobody had the layer.
#[derive(Debug, Clone, Serialize)]
pub struct Implied {
    pub mean_risk_difference: f64,
    /// Under independence of the two posteriors, as the probabilities.
    pub risk_difference: Quantiles,
    /// Monte Carlo errors of its three numbers.
    pub errors: [f64; 3],
    pub benefit: f64,
    pub harm: f64,
    /// P(benefit) whatever the dependence between the two posteriors.
    pub benefit_low: f64,
    pub benefit_high: f64,
    /// Who had the layer.
    pub shares: Vec<Share>,
    /// Without which the number does not follow.
    pub assumptions: Vec<String>,
}

/// Patients of the procedure who had the layer, by subgroup.
#[derive(Debug, Clone, Serialize)]
pub struct Share {
    pub subgroup: String,
    pub with_layer: u64,
    pub of: u64,
}

/// None where the inner model's draws are not to be had.
pub fn layers(layers: &Layers, outer: &Fit, inner: &Fit) -> Option<LayersRow> {
    let (outer_study, inner_study) = (&layers.outer, &layers.inner);
    let (outer_rows, rows) = (outer_study.data.counts()?, inner_study.data.counts()?);
    let whole = whole(outer_rows, outer)?;
    let outer_benefit = of(outer_study, Statement::Benefit, &*whole);
    let draws = inner.report()?.sampled.as_ref()?;
    let mut subgroups = Vec::new();
    for (g, row) in rows.iter().enumerate() {
        let exact = inner.exact().and_then(|e| e.risk(g, RiskMeasure::Difference));
        let difference = match exact {
            Some(exact) => exact,
            None => Box::new(Empirical::of(&draws.risks(g)?.difference())),
        };
        let inner_harm = of(inner_study, Statement::Harm, &*difference);
        subgroups.push(LayerRow {
            subgroup: row.name.to_string(),
            inner_harm,
            both: both(outer_benefit, inner_harm),
            rates: [Rate::of(outer_study, Direction::Benefit), Rate::of(inner_study, Direction::Harm)],
        });
    }
    let ess = inner.report()?.checks.least_ess().unwrap_or(1.0);
    let of_layer = weighted(rows, |g| draws.risks(g).map(|r| r.difference()))?;
    let quantile = |p: f64| whole.quantile(p);
    Some(LayersRow {
        outer: outer_study.name.clone(),
        inner: inner_study.name.clone(),
        outer_benefit,
        outer_risk_difference: Quantiles {
            median: quantile(0.5),
            q2_5: quantile(0.025),
            q97_5: quantile(0.975),
        },
        subgroups,
        implied: implied(layers, (outer_rows, rows), &*whole, (&of_layer, ess)),
    })
}

/// The outer risk difference over all its patients.
fn whole<'a>(rows: &[SubgroupCounts], outer: &'a Fit) -> Option<Box<dyn Distribution + 'a>> {
    if rows.len() == 1
        && let Some(exact) = outer.exact().and_then(|e| e.risk(0, RiskMeasure::Difference))
    {
        return Some(exact);
    }
    let (risks, _) = outer.report()?.sampled.as_ref()?.overall()?;
    Some(Box::new(Empirical::of(&risks.difference())))
}

fn of(study: &Study, statement: Statement, d: &dyn Distribution) -> f64 {
    let sign = study.outcome.higher_is.sign();
    mass_within(region(statement, 0.0, Axis::Additive, sign), &|x| d.cdf(x)).clamp(0.0, 1.0)
}

/// Σ share with the layer · RD of the layer, draw by draw: the subgroups are correlated.
fn weighted(rows: &[SubgroupCounts], differences: impl Fn(usize) -> Option<Vec<f64>>) -> Option<Vec<f64>> {
    let all: u64 = rows.iter().map(|r| r.control().total + r.active().total).sum();
    let mut sum: Vec<f64> = Vec::new();
    for (g, row) in rows.iter().enumerate() {
        let share = row.active().total as f64 / all as f64;
        let column = differences(g)?;
        sum.resize(column.len(), 0.0);
        sum.iter_mut().zip(&column).for_each(|(s, d)| *s += share * d);
    }
    Some(sum)
}

fn implied(
    layers: &Layers,
    (outer_rows, rows): (&[SubgroupCounts], &[SubgroupCounts]),
    whole: &dyn Distribution,
    (of_layer, ess): (&[f64], f64),
) -> Option<Implied> {
    let outer = NormalScores::of(whole, 1e-8)?;
    let n = of_layer.len() as f64;
    let mean = of_layer.iter().sum::<f64>() / n;
    let below = |x: f64| of_layer.iter().map(|w| outer.cdf(x + w)).sum::<f64>() / n;
    let quantile = |p: f64| invert_increasing(-1.5, 1.5, p, below);
    // The error of the distribution function over its slope.
    let error = |p: f64| {
        const STEP: f64 = 1e-3;
        let x = quantile(p);
        let variance = of_layer.iter().map(|w| outer.cdf(x + w) - p).map(|d| d * d).sum::<f64>() / n;
        let slope = (below(x + STEP) - below(x - STEP)) / (2.0 * STEP);
        libm::sqrt(variance / ess) / slope
    };
    let inner = Empirical::of(of_layer);
    // Draws say nothing of tails that hardly any of them reach.
    let inner = NormalScores::of(&inner, 10.0 / n.max(100.0))?.scaled(-1.0, 0.0)?;
    let (above_low, above_high) = bounds_of_sum(&[outer.clone(), inner]);
    let above = 1.0 - below(0.0);
    let better = layers.outer.outcome.higher_is.sign() > 0.0;
    let turned = |p: f64| if better { p } else { 1.0 - p };
    let (low, high) = (turned(above_low), turned(above_high));
    Some(Implied {
        mean_risk_difference: outer.expect(|x| x) - mean,
        risk_difference: Quantiles { median: quantile(0.5), q2_5: quantile(0.025), q97_5: quantile(0.975) },
        errors: [0.5, 0.025, 0.975].map(error),
        benefit: turned(above),
        harm: 1.0 - turned(above),
        benefit_low: low.min(high),
        benefit_high: low.max(high),
        shares: shares(rows),
        assumptions: assumptions(layers, outer_rows, rows),
    })
}

fn shares(rows: &[SubgroupCounts]) -> Vec<Share> {
    let one = |r: &SubgroupCounts| Share {
        subgroup: r.name.to_string(),
        with_layer: r.active().total,
        of: r.control().total + r.active().total,
    };
    rows.iter().map(one).collect()
}

/// What must hold for the implied number, in the models' own words.
fn assumptions(layers: &Layers, outer_rows: &[SubgroupCounts], rows: &[SubgroupCounts]) -> Vec<String> {
    let (outer, inner) = (&layers.outer, &layers.inner);
    let all: u64 = shares(rows).iter().map(|s| s.of).sum();
    let treated: u64 = outer_rows.iter().map(|r| r.active().total).sum();
    let layer = inner.treatment.active();
    let mut assumed = Vec::new();
    if inner.assignment == Assignment::Observational {
        assumed.push(format!(
            "within every {}, who had {layer} and who had not would have fared alike without it: no confounding",
            inner.subgroup_name
        ));
    }
    if outer.assignment == Assignment::Observational {
        assumed.push(format!("no confounding of {} either", outer.treatment.active()));
    }
    if all < treated {
        assumed.push(format!(
            "{layer} was as frequent, and as it was, in the {treated} of {} as in the {all} of {}",
            outer.name, inner.name
        ));
    }
    assumed.push(format!("without {layer} nothing else of {} changes", outer.treatment.active()));
    assumed.push(
        "the two posteriors are independent, though patients are in both (the bounds do without)".to_string(),
    );
    assumed
}
