//! Four estimators side by side.

use super::super::numbers::{interval, plain, probability};
use super::super::passage::Passage;
use super::super::words::capitalised;
use super::population;
use crate::posterior::{Arms, Estimand, Measure, Observed, Quantiles, Report, Statement};
use crate::study::{Pooling, Study};
use crate::weighting::ESTIMATORS;

/// What each estimator finds, and how far it may be trusted here.
pub fn side_by_side(study: &Study, report: &Report) -> Passage {
    let mut said = Passage::default();
    let Some((weighting, found)) = study.weighting.as_deref().and_then(|w| Some((w, w.weighted.as_ref()?)))
    else {
        return said;
    };
    if report.withheld {
        return said;
    }
    let n = found.subgroups();
    let replayed = found.replay.as_ref();
    let mut header = vec![
        capitalised(&study.subgroup_name),
        "Odds ratio alone (95 %)".to_string(),
        if study.pooling == Pooling::None { "P(better)" } else { "P(better) pooled" }.to_string(),
    ];
    if replayed.is_some() {
        header.extend([
            "Spread times".to_string(),
            "Coverage in replay".to_string(),
            "calibrated".to_string(),
        ]);
    }
    let mut rows = Vec::new();
    let mut unknown = false;
    let active = found.active_arms();
    for (g, arm) in (0..n).flat_map(|g| (1..=active).map(move |arm| (g, arm))) {
        let place = found.effect(g, arm);
        rows.push(vec![match active {
            1 => format!("{}:", population(study, Some(g))),
            _ => format!("{}, {}:", population(study, Some(g)), study.treatment.arms[arm]),
        }]);
        for (k, estimator) in ESTIMATORS.iter().enumerate() {
            let Some(side) = report.side_by_side(study).get(k) else { continue };
            let Observed { estimate: median, low: q2_5, high: q97_5, .. } = side.alone[place];
            let stated = || {
                let whom = Estimand::of_subgroup(g, Measure::OddsRatio);
                let whom = if active > 1 { whom.of_arms(Arms::Pair(arm, 0)) } else { whom };
                report.probability(whom, Statement::Benefit, Measure::OddsRatio.null())?.best()
            };
            let benefit = if side.stated { stated().or(side.benefit[place]) } else { side.benefit[place] };
            unknown |= benefit.is_none();
            let mark = if side.stated { " *" } else { "" };
            let mut row = vec![
                format!("  {}{mark}", estimator.in_words()),
                interval(Measure::OddsRatio, &Quantiles { median, q2_5, q97_5 }),
                probability(benefit),
            ];
            if let Some(r) = replayed.and_then(|r| r.estimators[k].get(place)) {
                row.extend([plain(r.factor), share(r.coverage), share(r.coverage_calibrated)]);
            }
            rows.push(row);
        }
    }
    said.title("Four estimators, the same patients, priors and pooling");
    said.wide_table(header, rows, 11);
    let own = weighting.own_in_words().to_lowercase();
    said.say(match replayed {
        Some(replay) => format!(
            "*: the results above ({own}). In a replay of {} simulated studies of these patients, made from their own propensity and regression, 95 % intervals held the truth as often as is shown, before and after their spread was multiplied. There the regression is right by construction.",
            super::super::numbers::grouped(replay.studies as u64)
        ),
        None => format!("*: the results above ({own}). Not calibrated by a replay."),
    });
    if active > 1 {
        said.say(format!("Each arm against {}.", study.treatment.control()));
    }
    let own = replayed.map(|r| &r.estimators[found.own()][..n * active]);
    if let Some(error) = own.and_then(|of| of.iter().map(|r| r.factor_se).max_by(f64::total_cmp)) {
        said.say(format!(
            "The factors of the spread have standard errors of up to {}, which no Monte Carlo error of a probability counts: more `replays` make them smaller.",
            plain(error)
        ));
    }
    if unknown && active == 1 {
        said.say("–: estimates that share coefficients are correlated, and the exact engine does not cover those under this pooling.");
    }
    if let Some(replay) = replayed.filter(|r| r.drawn_again > 0) {
        said.say(format!(
            "Drawn again: {} simulated without an event, or without a patient, in an arm of a subgroup. Where that is often, a subgroup is too small for its coverage to be known.",
            match replay.drawn_again {
                1 => "1 study".to_string(),
                n => format!("{} studies", super::super::numbers::grouped(n as u64)),
            }
        ));
    }
    if found.outcome_separated {
        said.say("Covariates tell the outcome without fail: in the regressions normal(0, 2.5) for one standard deviation took the flat prior's place.");
    }
    said
}

fn share(p: f64) -> String {
    format!("{p:.2}")
}
