//! What was observed beside what is predicted of it, in panels with a row a subgroup.

use super::out;
use crate::posterior::{Check, Compared, Predictive, Report, Told};
use crate::study::Study;

/// Panels side by side that have their rows in common.
#[derive(Debug, Clone)]
pub struct PredictivePanels {
    /// Whether they show cells, an arm a panel, or effects alone.
    pub of_cells: bool,
    /// What a row is: a subgroup, or a level of a subgroup; by their places.
    pub rows: Vec<(usize, Option<usize>)>,
    /// From left to right.
    pub panels: Vec<PredictivePanel>,
}

/// One panel.
#[derive(Debug, Clone)]
pub struct PredictivePanel {
    /// What it compares; of levels the first of them.
    pub compared: Compared,
    /// By row: none where nothing was observed.
    pub cells: Vec<Option<PredictiveCell>>,
}

/// One number that was observed with what is predicted of it. Counts are proportions of their patients; differences are differences
/// of proportions; estimates are on the measure's own scale.
#[derive(Debug, Clone)]
pub struct PredictiveCell {
    /// The check that it shows, with numbers as they are in results.
    pub check: Check,
    /// What was observed.
    pub observed: f64,
    /// The ends of the 95 % interval under the prior; none where it is not told.
    pub prior: Option<[f64; 2]>,
    /// The same under the posterior.
    pub posterior: Option<[f64; 2]>,
    /// The same without the subgroup's own data.
    pub left_out: Option<[f64; 2]>,
}

impl PredictiveCell {
    fn of(study: &Study, check: &Check) -> PredictiveCell {
        let scale = |x: f64| match (check.compared, check.patients) {
            (Compared::Events(_) | Compared::Level(..), Some(n)) => x / n as f64,
            (Compared::Estimate, _) => out(study, x),
            _ => x,
        };
        let ends = |told: &Told<Predictive>| told.as_ref().ok().map(|p| p.interval.map(scale));
        PredictiveCell {
            observed: scale(check.observed),
            prior: ends(&check.prior),
            posterior: ends(&check.posterior),
            left_out: ends(&check.left_out),
            check: check.clone(),
        }
    }
}

/// Cells and effects of a study's model checks: one group of panels where they have their rows in common, two where cells are of
/// levels. Empty where there are no checks.
pub fn predictive_panels(study: &Study, report: &Report) -> Vec<PredictivePanels> {
    let checks = &report.model_checks(study).checks;
    let level = |check: &Check| match check.compared {
        Compared::Level(_, level) => Some(level),
        _ => None,
    };
    let has_levels = checks.iter().any(|c| level(c).is_some());
    let group = |which: &dyn Fn(&Check) -> bool| -> Option<PredictivePanels> {
        let mine: Vec<&Check> = checks.iter().filter(|c| which(c)).collect();
        let mut rows: Vec<(usize, Option<usize>)> = mine.iter().map(|c| (c.subgroup, level(c))).collect();
        rows.sort_unstable();
        rows.dedup();
        let mut panels: Vec<PredictivePanel> = Vec::new();
        for check in mine {
            let compared = match check.compared {
                Compared::Level(arm, _) => Compared::Level(arm, 0),
                other => other,
            };
            let place = panels.iter().position(|p| p.compared == compared).unwrap_or_else(|| {
                panels.push(PredictivePanel { compared, cells: vec![None; rows.len()] });
                panels.len() - 1
            });
            let row = rows.binary_search(&(check.subgroup, level(check))).unwrap_or(0);
            if let Some(cell) = panels.get_mut(place).and_then(|p| p.cells.get_mut(row)) {
                *cell = Some(PredictiveCell::of(study, check));
            }
        }
        panels.sort_by_key(|p| match p.compared {
            Compared::Events(arm) | Compared::Level(arm, _) => arm,
            _ => usize::MAX,
        });
        let of_cells = panels.iter().any(|p| !matches!(p.compared, Compared::Estimate));
        (!panels.is_empty()).then_some(PredictivePanels { of_cells, rows, panels })
    };
    if has_levels {
        let of_effect = |c: &Check| c.is_of_effect();
        return group(&|c| !of_effect(c)).into_iter().chain(group(&of_effect)).collect();
    }
    group(&|_| true).into_iter().collect()
}
