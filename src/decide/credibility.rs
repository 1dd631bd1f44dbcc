//! How credible the subgroup claim is: the items of ICEMAN (Schandelmaier et al., CMAJ 2020;192:E901), with what a run can
//! know of them.

use serde::Serialize;

use super::interaction::{InteractionTest, interaction_test};
use crate::posterior::{Fit, Fitting, Measure, Method, Report, ShrinkageRow, Statement, Whom, shrinkage};
use crate::study::{Decision, Study};

/// How credible the subgroup claim about the decision's first outcome is, by the items of ICEMAN (Schandelmaier et al.,
/// CMAJ 2020;192:E901).
#[derive(Debug, Clone, Serialize)]
pub struct Credibility {
    /// The first outcome's name in the decision.
    pub outcome: String,
    /// The instrument's questions, in its order.
    pub items: Vec<Item>,
    /// The classical test for interaction; none where fewer than two subgroups have information.
    pub test: Option<InteractionTest>,
    /// P(greater benefit in the first of two subgroups than in the second), for the pairs that are reported.
    pub greater: Vec<GreaterRow>,
    /// P(benefit in some subgroup and harm in another); none where it could not be computed.
    pub qualitative_interaction: Option<f64>,
    /// P(benefit in one subgroup and harm in the other) before the data; none for more than two subgroups.
    pub qualitative_interaction_prior: Option<f64>,
    /// How `qualitative_interaction` was computed.
    pub method: Method,
    /// Each subgroup's effect alone and as modelled; empty without partial pooling.
    pub shrinkage: Vec<ShrinkageRow>,
    /// By how much the subgroups' medians lie closer together than without pooling: 1 less the ratio of their SDs. None
    /// where `shrinkage` is empty.
    pub shrinkage_of_spread: Option<f64>,
}

/// One question of the ICEMAN instrument.
#[derive(Debug, Clone, Serialize)]
pub struct Item {
    /// The question's key in files, such as `direction` or `chance`.
    pub item: &'static str,
    /// The question in words.
    pub question: &'static str,
    /// The answer as the decision file states it; none where it does not.
    pub answer: Option<String>,
    /// Whether the run's own numbers answer it.
    pub computed: bool,
}

/// How probable it is that one subgroup benefits more than another.
#[derive(Debug, Clone, Serialize)]
pub struct GreaterRow {
    /// The subgroup that would benefit more.
    pub subgroup: String,
    /// The subgroup that would benefit less.
    pub subgroup_b: String,
    /// P(greater benefit in `subgroup` than in `subgroup_b`); none where it could not be computed.
    pub probability: Option<f64>,
    /// The same probability before the data; none where it could not be computed.
    pub prior: Option<f64>,
}

/// The credibility of the subgroup claim about the first outcome; none for a study of one subgroup.
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
        let pairs = report.probabilities.iter().filter(|p| matches!(p.estimand.whom, Whom::Pair(..)));
        pairs.filter(move |p| p.statement == statement)
    };
    let contrast = Measure::contrast_of(study.outcome.scale);
    let name = |g: Option<usize>| g.map_or_else(String::new, |g| names[g].to_string());
    let greater = of_pairs(Statement::GreaterBenefit)
        .filter(|p| p.estimand.measure == contrast)
        .map(|p| GreaterRow {
            subgroup: name(p.estimand.whom.subgroup()),
            subgroup_b: name(p.estimand.whom.second()),
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
