//! How credible the subgroup claim is: the items of ICEMAN (Schandelmaier et al., CMAJ 2020;192:E901), with what a run can
//! know of them.

use serde::Serialize;

use super::interaction::{InteractionTest, interaction_test};
use crate::posterior::{Fit, Fitting, Measure, Method, Report, Scope, ShrinkageRow, Statement, shrinkage};
use crate::study::{Decision, Study};

/// Of the first outcome.
#[derive(Debug, Clone, Serialize)]
pub struct Credibility {
    pub outcome: String,
    pub items: Vec<Item>,
    pub test: Option<InteractionTest>,
    /// Greater benefit in the first of two subgroups than in the second.
    pub greater: Vec<GreaterRow>,
    /// Benefit in some subgroup and harm in another.
    pub qualitative_interaction: Option<f64>,
    /// The same before the data; for two subgroups.
    pub qualitative_interaction_prior: Option<f64>,
    pub method: Method,
    pub shrinkage: Vec<ShrinkageRow>,
    /// By how much the subgroups' medians lie closer together than without pooling: 1 less the ratio of their SDs.
    pub shrinkage_of_spread: Option<f64>,
}

/// One question of the instrument.
#[derive(Debug, Clone, Serialize)]
pub struct Item {
    pub item: &'static str,
    pub question: &'static str,
    /// As the decision file states it; null where it does not.
    pub answer: Option<String>,
    /// Answered by the run's own numbers.
    pub computed: bool,
}

/// Two subgroups.
#[derive(Debug, Clone, Serialize)]
pub struct GreaterRow {
    pub subgroup: String,
    pub subgroup_b: String,
    pub probability: Option<f64>,
    pub prior: Option<f64>,
}

/// None for a study of one subgroup.
pub fn credibility(decision: &Decision, fit: &Fit, how: Fitting<'_>) -> Option<Credibility> {
    let study = decision.first();
    let names = study.data.names();
    let report = fit.report()?;
    if names.len() < 2 {
        return None;
    }
    let stated = &decision.credibility;
    let item = |item, question, answer: &Option<String>| Item {
        item,
        question,
        answer: answer.clone(),
        computed: false,
    };
    let items = vec![
        item("direction", "Was the direction of the difference hypothesised beforehand?", &stated.direction),
        item("prior_evidence", "Does earlier evidence support it?", &stated.prior_evidence),
        Item {
            item: "chance",
            question: "Is chance an unlikely explanation (test for interaction)?",
            answer: None,
            computed: true,
        },
        item("modifiers_tested", "Were only few effect modifiers tested?", &stated.modifiers_tested),
        item(
            "cut_points",
            "If the modifier is continuous: were arbitrary cut points avoided?",
            &stated.cut_points,
        ),
    ];
    let of_pairs = |statement: Statement| {
        report.probabilities.iter().filter(move |p| p.scope == Scope::Pair && p.statement == statement)
    };
    let contrast = Measure::contrast_of(study.outcome.scale);
    let greater = of_pairs(Statement::GreaterBenefit)
        .filter(|p| p.measure == contrast)
        .map(|p| GreaterRow {
            subgroup: p.subgroup.clone().unwrap_or_default(),
            subgroup_b: p.subgroup_b.clone().unwrap_or_default(),
            probability: p.best(),
            prior: p.prior,
        })
        .collect();
    let (qualitative, prior, method) = if names.len() == 2 {
        let both: Vec<_> = of_pairs(Statement::BenefitAndHarm).collect();
        let exact = both.iter().all(|p| p.exact.is_some());
        (
            both.iter().map(|p| p.best()).sum::<Option<f64>>(),
            both.iter().map(|p| p.prior).sum::<Option<f64>>(),
            if exact { Method::Exact } else { Method::Sampled },
        )
    } else {
        (opposed(report), None, Method::Sampled)
    };
    let shrinkage = shrinkage(study, fit, how);
    Some(Credibility {
        outcome: decision.outcomes[0].name.clone(),
        items,
        test: interaction_test(study),
        greater,
        qualitative_interaction: qualitative,
        qualitative_interaction_prior: prior,
        method,
        shrinkage_of_spread: spread(study, &shrinkage),
        shrinkage,
    })
}

/// The share of draws in which subgroup effects lie on both sides of none.
fn opposed(report: &Report) -> Option<f64> {
    let theta = &report.sampled.as_ref()?.theta;
    let draws = theta.first()?.len();
    let both = |i: &usize| {
        let mut of_draw = theta.iter().map(|column| column[*i]);
        of_draw.clone().any(|x| x > 0.0) && of_draw.any(|x| x < 0.0)
    };
    Some((0..draws).filter(both).count() as f64 / draws as f64)
}

fn spread(study: &Study, rows: &[ShrinkageRow]) -> Option<f64> {
    let log = |x: f64| if study.outcome.scale.is_ratio() { libm::log(x) } else { x };
    let sd = |of: fn(&ShrinkageRow) -> f64| {
        let all: Vec<f64> = rows.iter().map(|r| log(of(r))).collect();
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        libm::sqrt(all.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>())
    };
    let (alone, modelled) = (sd(|r| r.alone), sd(|r| r.modelled));
    (rows.len() > 1 && alone > 0.0).then(|| 1.0 - modelled / alone)
}
