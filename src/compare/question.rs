//! The statements whose probabilities are compared: of every subgroup benefit, harm, and either of the size that matters.

use crate::posterior::{Axis, Estimand, Measure, Probability, Report, Statement, Whom, primary, region};
use crate::study::Study;

/// One statement about one subgroup.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The subgroup's place in the study.
    pub subgroup: usize,
    /// The subgroup's name.
    pub name: String,
    /// Benefit, harm, or either of at least the size that matters.
    pub statement: Statement,
    /// The measure of effect that the statement is about.
    pub measure: Measure,
    /// The size of effect in the statement, on the measure's own scale: a magnitude for "at least", else the value of no
    /// effect.
    pub threshold: f64,
    /// Where the statement begins to hold, on the measure's own scale, and whether it holds above.
    bound: f64,
    holds_above: bool,
    /// Where the statement begins to hold on the scale of θ, where it is one about θ.
    effect_bound: Option<f64>,
}

/// All questions of a study, subgroup by subgroup.
pub fn questions(study: &Study) -> Vec<Question> {
    let counts = study.data.has_risks();
    let effect = Measure::of(study.outcome.scale);
    // Of weighted patients both say the same of a direction, and the effect has a prior.
    let usual = if counts && study.weighting.is_none() { Measure::RiskDifference } else { effect };
    let (measure, at) = primary(study);
    let mut asked = vec![(Statement::Benefit, usual, usual.null()), (Statement::Harm, usual, usual.null())];
    if let Some(t) = at {
        asked.extend([(Statement::BenefitAtLeast, measure, t), (Statement::HarmAtLeast, measure, t)]);
    }
    let sign = study.outcome.higher_is.sign();
    let names = study.data.names();
    let of_subgroup = |(g, name): (usize, &&str)| {
        asked
            .iter()
            .map(|&(statement, measure, threshold)| {
                let sign = if measure.counts_what_is_better() { 1.0 } else { sign };
                let (low, high) = region(statement, threshold, measure.axis(), sign);
                let holds_above = high == f64::INFINITY;
                let bound = if holds_above { low } else { high };
                // Risks are equal exactly where the odds ratio is 1.
                let effect_bound = if bound == measure.null() && (counts || measure == effect) {
                    Some(0.0)
                } else if measure == effect {
                    Some(if effect.axis() == Axis::Ratio { libm::log(bound) } else { bound })
                } else {
                    None
                };
                let name = (*name).to_string();
                Question {
                    subgroup: g,
                    name,
                    statement,
                    measure,
                    threshold,
                    bound,
                    holds_above,
                    effect_bound,
                }
            })
            .collect::<Vec<_>>()
    };
    names.iter().enumerate().flat_map(of_subgroup).collect()
}

impl Question {
    /// Where the statement begins to hold, on the measure's scale.
    pub fn bound(&self) -> f64 {
        self.bound
    }

    /// Where the statement begins to hold, on the scale of θ; none where it is about more than θ.
    pub fn effect_bound(&self) -> Option<f64> {
        self.effect_bound
    }

    /// The statement's probability, given that of lying above the bound.
    pub fn given_above(&self, above: f64) -> f64 {
        if self.holds_above { above } else { 1.0 - above }
    }

    /// Whether the statement holds for values above the bound.
    pub fn holds_above(&self) -> bool {
        self.holds_above
    }

    /// The rows of a report that answer several questions, in their order; none where it has no such row.
    pub fn rows<'r>(questions: &[Question], report: &'r Report) -> Vec<Option<&'r Probability>> {
        let mut places: Vec<Vec<&Probability>> = vec![Vec::new(); report.names.subgroups.len()];
        for p in &report.probabilities {
            if let Whom::Subgroup(g) = p.estimand.whom {
                places[g].push(p);
            }
        }
        let find = |q: &Question| {
            let asked = (Estimand::of_subgroup(q.subgroup, q.measure), q.statement, q.threshold);
            let own = places.get(q.subgroup)?;
            own.iter().copied().find(|p| (p.estimand, p.statement, p.threshold) == asked)
        };
        questions.iter().map(find).collect()
    }
}
