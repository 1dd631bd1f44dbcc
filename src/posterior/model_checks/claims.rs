//! What model checks say in a sentence.

use super::{Check, Compared};
use crate::posterior::analysis::Report;
use crate::posterior::claim::{BeyondOthers, Claim, Method, Says, Topic};
use crate::posterior::estimand::Measure;
use crate::study::{Pooling, Study};

impl Claim {
    /// How many subgroups' own effects lie beyond what the others predict of them, and which. None where that is not told, and
    /// where the others say nothing: of one subgroup, and without pooling.
    pub fn against_others(study: &Study, report: &Report) -> Option<Claim> {
        if study.pooling == Pooling::None || study.data.names().len() < 2 {
            return None;
        }
        let told: Vec<(&Check, bool)> = report.model_checks(study).against_others().collect();
        let measure = match told.first()?.0.compared {
            Compared::RiskDifference => Measure::RiskDifference,
            _ => Measure::of(study.outcome.scale),
        };
        let tail = |c: &Check| c.left_out.as_ref().map_or(0.5, |p| p.tail_probability);
        let mut beyond: Vec<BeyondOthers> = told
            .iter()
            .filter(|(_, beyond)| *beyond)
            .map(|(c, _)| BeyondOthers {
                subgroup: report.names.subgroup(c.subgroup).to_string(),
                tail_probability: tail(c),
            })
            .collect();
        let out = |b: &BeyondOthers| b.tail_probability.min(1.0 - b.tail_probability);
        beyond.sort_by(|a, b| out(a).total_cmp(&out(b)));
        let exact = told.iter().all(|(c, _)| c.left_out.as_ref().is_ok_and(|p| p.method == Method::Exact));
        let method = if exact { Method::Exact } else { Method::Sampled };
        let says = Says::AgainstOthers { beyond, of: told.len() };
        Some(Claim::of_all(study, Topic::Effect(measure), method, says))
    }

    /// The same where any subgroup lies beyond.
    pub fn beyond_others(study: &Study, report: &Report) -> Option<Claim> {
        Claim::against_others(study, report)
            .filter(|claim| matches!(&claim.says, Says::AgainstOthers { beyond, .. } if !beyond.is_empty()))
    }
}
