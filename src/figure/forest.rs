//! The forest's numbers: what each subgroup's data say alone, and what is concluded.

use super::out;
use super::source::{Marginals, outline};
use crate::model::Model;
use crate::posterior::{Estimand, Fit, Measure, Quantiles, Report, Whom, observed};
use crate::study::{ArmCounts, Study, SubgroupCounts, SubgroupEstimate};

const Z: f64 = 1.959_963_984_540_054;

/// A forest plot of one measure: a row per subgroup, then the shared ones.
#[derive(Debug, Clone)]
pub struct Forest {
    /// What is measured.
    pub measure: Measure,
    /// The rows that have numbers, in the order in which they are shown.
    pub rows: Vec<ForestRow>,
}

/// One line of a forest.
#[derive(Debug, Clone)]
pub struct ForestRow {
    /// Whom the row is about.
    pub whom: Whom,
    /// Events of patients in the control and the active arm, such as `12/80`; none for estimates and shared rows.
    pub counts: Option<[String; 2]>,
    /// The effect in this subgroup's data alone with a 95 % confidence interval; none for shared rows, and where an empty
    /// cell leaves no estimate.
    pub raw: Option<Quantiles>,
    /// The posterior on the measure's own scale: median and central 95 % interval.
    pub posterior: Quantiles,
    /// Monte Carlo errors of the posterior's three numbers; none where they are exact.
    pub errors: Option<[f64; 3]>,
    /// The posterior density's outline: points and heights, the highest being 1.
    pub outline: Vec<(f64, f64)>,
}

/// A forest of the effect or, for counts, of the risk difference; none where no subgroup has a number.
pub fn forest(study: &Study, fit: &Fit, report: &Report, measure: Measure) -> Option<Forest> {
    let rows = rows(study, fit, report, measure);
    rows.iter().any(|r| matches!(r.whom, Whom::Subgroup(_))).then_some(Forest { measure, rows })
}

fn rows(study: &Study, fit: &Fit, report: &Report, measure: Measure) -> Vec<ForestRow> {
    let marginals = Marginals(fit);
    let difference = measure == Measure::RiskDifference;
    let find = |whom: Whom| {
        let e = report.estimate(Estimand::new(whom, measure))?;
        let errors = if e.exact.is_some() { None } else { e.reported.mcse_quantiles };
        Some((e.best()?, errors))
    };
    let shape = |whom: Whom| {
        let found = if difference { marginals.difference(whom) } else { marginals.effect(whom) };
        let points = found.map_or_else(Vec::new, |d| outline(&*d, marginals.is_sampled(whom)));
        let on_scale = |(x, y): (f64, f64)| (if difference { x } else { out(study, x) }, y);
        points.into_iter().map(on_scale).collect::<Vec<_>>()
    };
    // For an adjusted study the effect in the data alone is adjusted too, and there is no risk difference in them alone.
    let adjusted = Model::effects_alone(study);
    let of_effect = |e: &SubgroupEstimate| {
        let (low, high) = e.limits(Z);
        Quantiles { median: out(study, e.estimate), q2_5: out(study, low), q97_5: out(study, high) }
    };
    let mut rows = Vec::new();
    for g in 0..study.data.names().len() {
        let whom = Whom::Subgroup(g);
        let Some((posterior, errors)) = find(whom) else { continue };
        let cells = study.data.counts().map(|rows| &rows[g]);
        let published = adjusted.as_ref().unwrap_or(study).data.published().map(|rows| &rows[g]);
        let raw = match (cells, published, difference) {
            // An empty cell is told by no estimate.
            (Some(cells), Some(_), _) if difference || !cells.arms.iter().all(ArmCounts::is_bounded) => None,
            // Of adjusted levels the data alone have crude effects, which are not what is shown beside them.
            (Some(_), None, _) if study.data.levels().is_some() && study.adjustment.is_some() => None,
            (_, Some(published), _) => Some(of_effect(published)),
            (Some(_), None, false) if study.data.levels().is_some() => {
                let own = observed(study, Estimand::new(whom, measure));
                own.map(|o| Quantiles { median: o.estimate, q2_5: o.low, q97_5: o.high })
            }
            (Some(cells), None, true) => raw_difference(cells),
            (Some(cells), None, false) => raw_odds_ratio(cells),
            (None, None, _) => None,
        };
        let counts = cells.map(|c| [c.control(), c.active()].map(|a| format!("{}/{}", a.events, a.total)));
        rows.push(ForestRow { whom, counts, raw, posterior, errors, outline: shape(whom) });
    }
    if rows.len() < 2 {
        return rows;
    }
    for whom in Whom::SHARED {
        let Some((posterior, errors)) = find(whom) else { continue };
        let outline = shape(whom);
        if outline.is_empty() {
            continue;
        }
        rows.push(ForestRow { whom, counts: None, raw: None, posterior, errors, outline });
    }
    rows
}

/// Woolf's interval; none with an empty cell, since nothing is added to any.
fn raw_odds_ratio(c: &SubgroupCounts) -> Option<Quantiles> {
    let cells = [
        c.active().events,
        c.active().total - c.active().events,
        c.control().events,
        c.control().total - c.control().events,
    ]
    .map(|n| n as f64);
    let [a, b, e, f] = cells;
    let log = (a * f / (b * e)).ln();
    let se = cells.iter().map(|n| 1.0 / n).sum::<f64>().sqrt();
    let at = |k: f64| (log + k * se).exp();
    cells.iter().all(|n| *n > 0.0).then(|| Quantiles { median: at(0.0), q2_5: at(-Z), q97_5: at(Z) })
}

/// Newcombe's interval from Wilson's (Stat Med 1998;17:873, method 10), which empty cells do not spoil.
fn raw_difference(c: &SubgroupCounts) -> Option<Quantiles> {
    if c.control().total == 0 || c.active().total == 0 {
        return None;
    }
    let wilson = |events: u64, total: u64| {
        let (n, p) = (total as f64, events as f64 / total as f64);
        let centre = (p + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
        let half = Z / (1.0 + Z * Z / n) * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
        (p, centre - half, centre + half)
    };
    let (p0, l0, u0) = wilson(c.control().events, c.control().total);
    let (p1, l1, u1) = wilson(c.active().events, c.active().total);
    let d = p1 - p0;
    Some(Quantiles { median: d, q2_5: d - (p1 - l1).hypot(u0 - p0), q97_5: d + (u1 - p1).hypot(p0 - l0) })
}
