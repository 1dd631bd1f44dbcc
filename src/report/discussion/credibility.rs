//! How credible the subgroup claim is.

use super::super::numbers::{plain, probability, value};
use super::super::passage::Passage;
use super::super::words::{capitalised, test_name};
use super::sentences;
use crate::decide::{Credibility, Discussion, Item};
use crate::posterior::Says;
use crate::study::Decision;

/// Pairs that are listed; beyond, the JSON has them.
const MOST_PAIRS: usize = 6;

/// The section on the credibility of the subgroup claim; empty for a single subgroup.
pub fn section(decision: &Decision, d: &Discussion) -> Passage {
    let Some(c) = &d.credibility else { return Passage::default() };
    let study = decision.first();
    let mut out = Passage::default();
    out.title(format!(
        "Is a difference between {} credible? {}",
        study.subgroups(),
        capitalised(&study.outcome.name)
    ));
    for item in &c.items {
        out.say(format!("{} {}", item.question, answer(c, item)));
    }
    out.say("Items of ICEMAN (CMAJ 2020;192:E901); the test leaves priors out.");
    if !c.greater.is_empty() && c.greater.len() <= MOST_PAIRS {
        let rows = c.greater.iter().map(|g| {
            let label = format!("{} than {}", g.subgroup, g.subgroup_b);
            vec![label, probability(g.probability), probability(g.prior)]
        });
        let header = ["Better in the first", "probability", "prior"].map(str::to_string).to_vec();
        out.table(header, rows.collect());
    }
    sentences(&mut out, d, |says| matches!(says, Says::QualitativeInteraction { .. }));
    if let Some(first) = c.shrinkage.first() {
        let rows = c
            .shrinkage
            .iter()
            .map(|s| vec![s.subgroup.clone(), value(s.measure, s.alone), value(s.measure, s.modelled)]);
        let what = format!("Median {}", first.measure.in_words());
        out.table(vec![what, "without pooling".to_string(), "as modelled".to_string()], rows.collect());
        sentences(&mut out, d, |says| matches!(says, Says::Shrinkage { .. }));
    }
    out
}

fn answer(c: &Credibility, item: &Item) -> String {
    match (&item.answer, &c.test) {
        (Some(answer), _) => format!("{}.", capitalised(answer.trim_end_matches('.'))),
        (None, Some(test)) if item.computed => {
            let name = capitalised(test_name(test));
            format!(
                "{name} {} on {} degree{} of freedom, p = {}.",
                plain(test.statistic),
                test.degrees_of_freedom,
                if test.degrees_of_freedom == 1 { "" } else { "s" },
                plain(test.p_value)
            )
        }
        _ => "Not stated.".to_string(),
    }
}
