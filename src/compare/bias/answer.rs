//! The answer of a comparison of biases: how sure each conclusion is with the stated bias and without, and which bias would
//! undo it.

use super::{BiasComparison, BiasTipping, EValueRow, Varied};
use crate::compare::LINE;
use crate::posterior::{
    Axis, Claim, Direction, Estimand, Measure, Method, Report, Says, Scope, Statement, Topic, UnderBias,
    UnderBiasOfAll,
};
use crate::study::Study;

/// Claims in the order in which they are read: a subgroup each, then all at once.
pub fn claims(study: &Study, c: &BiasComparison) -> Vec<Claim> {
    let measure = Measure::of(study.outcome.scale);
    let names = study.data.names();
    let mut all: Vec<Claim> =
        names.iter().enumerate().filter_map(|(g, name)| of_subgroup(study, c, g, name)).collect();
    let standing: Vec<(&Claim, &UnderBias, f64)> = all
        .iter()
        .filter_map(|claim| match &claim.says {
            Says::UnderBias(under) => Some((claim, under, under.without.or(claim.probability)?)),
            _ => None,
        })
        .filter(|(_, under, p)| *p > under.line)
        .collect();
    let far = |bias: f64| match measure.axis() {
        Axis::Ratio => libm::log(bias).abs(),
        Axis::Additive | Axis::Chance => bias.abs(),
    };
    let least = standing
        .iter()
        .filter_map(|(claim, under, _)| Some((claim.subgroup.clone()?, under.bias?)))
        .min_by(|a, b| far(a.1).total_cmp(&far(b.1)));
    let says = UnderBiasOfAll { line: LINE, above: standing.len(), of: all.len(), least };
    if !all.is_empty() {
        all.push(Claim::of_all(study, Topic::Effect(measure), Method::Exact, Says::UnderBiasOfAll(says)));
    }
    all
}

fn of_subgroup(study: &Study, c: &BiasComparison, g: usize, name: &str) -> Option<Claim> {
    let measure = Measure::of(study.outcome.scale);
    let row = |report: &'_ Report, statement| {
        let found = report.probability(Estimand::of_subgroup(g, measure), statement, measure.null())?;
        Some((found.best()?, found.resolution))
    };
    let (better, known_to) = row(&c.stated, Statement::Benefit)?;
    let worse = row(&c.stated, Statement::Harm)?.0;
    let (statement, direction, p) = if better >= worse {
        (Statement::Benefit, Direction::Benefit, better)
    } else {
        (Statement::Harm, Direction::Harm, worse)
    };
    let of = |t: &&BiasTipping| {
        t.varied == Varied::Bias
            && t.subgroup == name
            && t.subgroup_b.is_none()
            && t.statement == statement
            && t.line == LINE
    };
    let tipping = c.tipping.iter().find(of);
    let e_value = |wanted: Measure| {
        let of = |e: &&EValueRow| e.subgroup == name && e.measure == wanted;
        c.e_values.iter().find(of).map(|e| [e.e_value, e.e_value_interval])
    };
    let says = Says::UnderBias(UnderBias {
        line: LINE,
        without: c.stated.unadjusted.as_deref().and_then(|report| Some(row(report, statement)?.0)),
        bias: tipping.and_then(|t| t.bias_ratio.or(t.bias)),
        searched: tipping.is_some_and(|t| t.probability.is_some()),
        // A risk ratio needs no conversion.
        e_values: e_value(Measure::RiskRatio).or_else(|| e_value(measure)),
    });
    let method = if known_to.is_some() { Method::Sampled } else { Method::Exact };
    Some(Claim {
        scope: Scope::Subgroup,
        subgroup: Some(name.to_string()),
        direction: Some(direction),
        probability: Some(p),
        resolution: known_to,
        ..Claim::of_all(study, Topic::Effect(measure), method, says)
    })
}
