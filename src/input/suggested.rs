//! Thresholds and the library's expected effect, as a first model file suggests them.

use crate::study::Scale;

/// Sections `[thresholds]` and `[library]` for counts of so frequent an outcome, or for estimates on a scale.
pub fn questions(risk: Option<f64>, scale: Option<Scale>) -> String {
    let choose = "# Sizes of effect worth asking about. These follow from";
    let thresholds = match scale {
        None => {
            let (sizes, primary) = differences(risk.unwrap_or(0.5));
            format!(
                "{choose} how frequent events are, and from nothing else: choose yours, before\n# you look at results.\n[thresholds]\nrisk_difference = {sizes}\nprimary = {{ risk_difference = {primary} }}   # the one that matters most"
            )
        }
        Some(Scale::Difference) => {
            "# Sizes of effect worth asking about, in the estimates' unit:\n# [thresholds]\n# difference = [1, 2]\n# primary = { difference = 1 }   # the one that matters most".to_string()
        }
        Some(scale) => {
            let key = scale.key();
            format!(
                "{choose} convention: choose yours, before you look at results.\n[thresholds]\n{key} = [1.25, 1.5]\nprimary = {{ {key} = 1.25 }}   # the one that matters most"
            )
        }
    };
    let library = match scale {
        None | Some(Scale::LogOddsRatio) => {
            "\n\n# For the optimistic and pessimistic priors of `equipoise compare`: the effect that was expected when the study was\n# planned, above 1 and toward benefit. Choose yours.\n[library]\nexpected_odds_ratio = 1.5"
        }
        _ => "",
    };
    format!("\n{thresholds}{library}")
}

/// The same for ordered levels, of which so many patients lie above the primary cut.
pub fn questions_of_levels(risk: Option<f64>) -> String {
    questions(risk, None).replace("\nprimary =", "\nwin_probability = [0.55]   # that a treated patient fares better than a control patient; 0.5 is no difference\nprimary =")
}

/// Risk differences to ask about, smaller where events, or patients without one, are rare.
fn differences(risk: f64) -> (&'static str, &'static str) {
    match risk.min(1.0 - risk) {
        rare if rare < 0.03 => ("[0.002, 0.005, 0.01]", "0.005"),
        some if some < 0.15 => ("[0.01, 0.02, 0.05]", "0.02"),
        _ => ("[0.02, 0.05, 0.1]", "0.05"),
    }
}

#[cfg(test)]
mod tests {
    use super::differences;

    #[test]
    fn the_rarer_of_events_and_their_absence_sizes_what_is_asked() {
        assert_eq!(differences(0.4).1, "0.05");
        assert_eq!(differences(0.95), differences(0.05));
        assert_eq!(differences(0.01).1, "0.005");
    }
}
