//! What is said of model checks on a page and below a fit's tables.

use super::sentences::sentence;
use crate::posterior::{Claim, Report};
use crate::study::{Pooling, Study};

/// How the subgroups' effects compare with what the others predict of them, in one sentence; none where that is not told.
pub fn in_short(study: &Study, report: &Report) -> Option<String> {
    Claim::against_others(study, report).as_ref().map(sentence)
}

/// What a page says beside the figure: how the effects compare, and what it means.
pub fn paragraphs(study: &Study, report: &Report) -> Vec<String> {
    let found = report.model_checks(study);
    if let Some(why) = found.unavailable {
        return vec![format!("What was observed is not held against what the model predicts: {why}.")];
    }
    let mut all: Vec<String> = in_short(study, report).into_iter().collect();
    if study.pooling == Pooling::None {
        all.push(format!(
            "Without pooling the other {} say nothing of one: left out, each is predicted by the prior alone.",
            study.subgroups()
        ));
    } else if study.data.names().len() < 2 {
        all.push(
            "There is no other subgroup to predict this one: without its own data it is predicted by the prior alone."
                .to_string(),
        );
    } else if let Some(why) = found.effects.iter().find_map(|e| e.as_ref().err()) {
        let left = found.effects.iter().filter(|e| e.is_err()).count();
        all.push(format!(
            "Of {left} of {} {} no prediction without their own data is given: {why}.",
            found.effects.len(),
            study.subgroups()
        ));
    }
    all.push(
        "Predictions under the posterior know the data that they are held against, so that they lie close by more often than chance would have it: they show what the model cannot follow, and are no tests."
            .to_string(),
    );
    all
}
