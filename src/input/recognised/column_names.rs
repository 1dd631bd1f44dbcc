//! What a column's name says of it: whose events or totals, which estimate, which end of an interval.

use crate::study::Scale;

/// What a column counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    Events,
    Total,
    /// Patients without the event.
    NoEvents,
    Missing,
}

impl Figure {
    /// Its key in `[data] columns`, after the arm's.
    pub fn key(self) -> &'static str {
        match self {
            Figure::Events => "events",
            Figure::Total => "total",
            Figure::NoEvents => "no_events",
            Figure::Missing => "missing",
        }
    }
}

/// How an estimate is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// As a ratio, with an interval of ratios.
    Ratio,
    /// On the scale of the model.
    Estimate,
}

const EVENTS: [&str; 12] =
    ["event", "events", "death", "deaths", "died", "dead", "cases", "responders", "y", "r", "x", "pos"];
const TOTALS: [&str; 10] =
    ["total", "totals", "n", "patients", "number", "size", "randomised", "randomized", "denominator", "all"];
const MISSING: [&str; 2] = ["missing", "lost"];
/// Says nothing of whose figures they are.
const NOISE: [&str; 7] = ["of", "the", "in", "arm", "group", "with", "no."];
/// Of those who had no event.
const NONEVENTS: [&str; 6] = ["no", "non", "without", "neg", "alive", "nonevents"];

/// What is usual for a control arm, in a column's name or in a column of arms.
pub const USUAL_CONTROLS: [&str; 13] = [
    "control",
    "controls",
    "ctrl",
    "placebo",
    "comparator",
    "usual care",
    "standard",
    "0",
    "n",
    "no",
    "false",
    "none",
    "c",
];
const USUAL_ACTIVES: [&str; 12] = [
    "active",
    "treatment",
    "treated",
    "treat",
    "intervention",
    "experimental",
    "exp",
    "1",
    "e",
    "t",
    "i",
    "a",
];

/// A name's words and numbers, in lower case: "nControl" and "n_control" alike.
pub fn parts(name: &str) -> Vec<String> {
    #[derive(PartialEq)]
    enum Kind {
        Lower,
        Upper,
        Digit,
        Other,
    }
    let kind = |c: char| match c {
        c if c.is_numeric() => Kind::Digit,
        c if c.is_uppercase() => Kind::Upper,
        c if c.is_alphabetic() => Kind::Lower,
        _ => Kind::Other,
    };
    let mut all: Vec<String> = Vec::new();
    let mut before = Kind::Other;
    for c in name.chars() {
        let now = kind(c);
        let begins = match (&before, &now) {
            (_, Kind::Other) => false,
            (Kind::Other, _) | (Kind::Lower, Kind::Upper) => true,
            (Kind::Digit, now) => *now != Kind::Digit,
            (_, Kind::Digit) => true,
            _ => false,
        };
        if begins {
            all.push(String::new());
        }
        if now != Kind::Other
            && let Some(word) = all.last_mut()
        {
            word.extend(c.to_lowercase());
        }
        before = now;
    }
    all
}

/// Names of a 2 × 2 table's columns in metafor (of its groups 1 and 2) and in its data of BCG vaccines.
const TWO_BY_TWO: [(&str, Figure, &str); 10] = [
    ("ai", Figure::Events, "1"),
    ("bi", Figure::NoEvents, "1"),
    ("n1i", Figure::Total, "1"),
    ("ci", Figure::Events, "2"),
    ("di", Figure::NoEvents, "2"),
    ("n2i", Figure::Total, "2"),
    ("tpos", Figure::Events, "treated"),
    ("tneg", Figure::NoEvents, "treated"),
    ("cpos", Figure::Events, "control"),
    ("cneg", Figure::NoEvents, "control"),
];

/// Names of columns that tell all of a table, in words.
pub const LOOKED_FOR: &str =
    "control_events, control_total, drug_events, drug_total; e0, n0, e1, n1; or arm, events, total";

/// Names of columns that tell two groups, and not which of them is the control.
pub const ASKED_OF: &str = "r1, n1, r2, n2; ai, bi, ci, di";

/// Which of metafor's groups is which, as its documentation has them.
pub const METAFOR: &str =
    "of metafor's ai, bi, ci, di, group 1 (ai, bi) is the treated one and group 2 the control";

/// Whether a column is called as metafor calls those of its two groups.
pub fn is_of_metafor(name: &str) -> bool {
    let of_groups = TWO_BY_TWO.iter().filter(|(_, _, arm)| ["1", "2"].contains(arm));
    of_groups.map(|(known, ..)| known).any(|known| name.eq_ignore_ascii_case(known))
}

/// What a column counts, and of which arm, in the words of its name.
pub fn counted(name: &str) -> Option<(Figure, String)> {
    if let Some((_, figure, arm)) = TWO_BY_TWO.iter().find(|(known, ..)| name.eq_ignore_ascii_case(known)) {
        return Some((*figure, (*arm).to_string()));
    }
    let parts = parts(name);
    // An e alone is short for events beside a number of the arm; elsewhere it is an arm.
    if let [e, arm] = parts.as_slice()
        && e == "e"
        && arm.parse::<u8>().is_ok()
    {
        return Some((Figure::Events, arm.clone()));
    }
    let has = |words: &[&str]| parts.iter().any(|p| words.contains(&p.as_str()));
    if has(&NONEVENTS) {
        return None;
    }
    let figure = if has(&MISSING) {
        Figure::Missing
    } else if has(&EVENTS) {
        Figure::Events
    } else if has(&TOTALS) {
        Figure::Total
    } else {
        return None;
    };
    let is_arm = |p: &&String| {
        let p = p.as_str();
        !EVENTS.contains(&p) && !TOTALS.contains(&p) && !MISSING.contains(&p) && !NOISE.contains(&p)
    };
    Some((figure, parts.iter().filter(is_arm).cloned().collect::<Vec<_>>().join(" ")))
}

/// The arm of a column that holds events and totals, in the words of its name.
pub fn arm_named(name: &str) -> String {
    let parts = parts(name);
    let says_arm = |p: &&String| {
        !EVENTS.contains(&p.as_str()) && !TOTALS.contains(&p.as_str()) && !NOISE.contains(&p.as_str())
    };
    parts.iter().filter(says_arm).cloned().collect::<Vec<_>>().join(" ")
}

/// Whether a column is called as intervals are.
pub fn is_interval(name: &str) -> bool {
    parts(name).iter().any(|p| ["ci", "cri", "interval", "limits"].contains(&p.as_str()))
}

/// Whether an arm is the control beside another. A single letter is none unless the other's name is usual too.
pub fn is_control(name: &str, other: &str) -> bool {
    let is_usual = USUAL_CONTROLS.contains(&name) && !USUAL_CONTROLS.contains(&other);
    if name.len() == 1 {
        return is_usual && USUAL_ACTIVES.contains(&other);
    }
    is_usual || (USUAL_ACTIVES.contains(&other) && other.len() > 1 && !USUAL_ACTIVES.contains(&name))
}

/// An arm's name where it is more than a word for either arm.
pub fn arm_in_words(name: &str) -> Option<String> {
    let says_nothing = (USUAL_CONTROLS.contains(&name) && name != "placebo") || USUAL_ACTIVES.contains(&name);
    (!says_nothing).then(|| name.to_string())
}

/// The words of an estimate's name, without those that don't say which it is.
fn of_estimate(name: &str) -> String {
    let noise = ["adjusted", "adj", "a", "the", "pooled", "95", "ci", "unadjusted", "crude", "of"];
    let parts = parts(name);
    parts.iter().map(String::as_str).filter(|p| !noise.contains(p)).collect::<Vec<_>>().join(" ")
}

/// Which estimate a column holds, and its scale where the name tells.
pub fn published(name: &str) -> Option<(Published, Option<Scale>)> {
    let name = of_estimate(name);
    let ratio = |name: &str| match name {
        "or" | "odds ratio" => Some(Scale::LogOddsRatio),
        "rr" | "risk ratio" | "relative risk" => Some(Scale::LogRiskRatio),
        "hr" | "hazard ratio" => Some(Scale::LogHazardRatio),
        _ => None,
    };
    if let Some(scale) = ratio(&name) {
        return Some((Published::Ratio, Some(scale)));
    }
    let joined = ["logor", "logrr", "loghr"].iter().find(|joined| name == **joined);
    let of_log = name.strip_prefix("log ").or(name.strip_prefix("ln ")).or(joined.map(|j| &j[3..]));
    if let Some(scale) = of_log.and_then(ratio) {
        return Some((Published::Estimate, Some(scale)));
    }
    match name.as_str() {
        "ratio" => Some((Published::Ratio, None)),
        "md" | "mean difference" | "difference" | "diff" | "rd" | "risk difference" | "smd" => {
            Some((Published::Estimate, Some(Scale::Difference)))
        }
        "estimate" | "effect" | "beta" | "coef" | "coefficient" | "yi" | "te" | "b" => {
            Some((Published::Estimate, None))
        }
        _ => None,
    }
}

pub fn is_standard_error(name: &str) -> bool {
    let parts = parts(name);
    let joined = parts.join(" ");
    parts.iter().any(|p| ["se", "sei", "sete", "stderr"].contains(&p.as_str()))
        || ["standard error", "std error", "std err"].iter().any(|words| joined.contains(words))
}

/// An end of an interval, by one of these words.
fn is_end(name: &str, words: &[&str]) -> bool {
    parts(name).iter().any(|p| words.contains(&p.as_str()))
}

pub fn is_lower(name: &str) -> bool {
    is_end(name, &["lower", "lo", "low", "lcl", "ll", "lci", "lb", "l"])
}

pub fn is_upper(name: &str) -> bool {
    is_end(name, &["upper", "hi", "high", "ucl", "ul", "uci", "ub", "u"])
}

#[cfg(test)]
mod tests {
    use super::{Figure, Published, counted, is_control, is_lower, is_standard_error, is_upper, published};
    use crate::study::Scale;

    #[test]
    fn names_of_columns_tell_arms_and_figures() {
        for (name, figure, arm) in [
            ("control_events", Figure::Events, "control"),
            ("n.e", Figure::Total, "e"),
            ("event.c", Figure::Events, "c"),
            ("Deaths (placebo)", Figure::Events, "placebo"),
            ("nAspirin", Figure::Total, "aspirin"),
            ("y0", Figure::Events, "0"),
            ("total", Figure::Total, ""),
            ("missing_active", Figure::Missing, "active"),
            ("e0", Figure::Events, "0"),
            ("n.1", Figure::Total, "1"),
            ("r2", Figure::Events, "2"),
            ("ai", Figure::Events, "1"),
            ("di", Figure::NoEvents, "2"),
            ("n2i", Figure::Total, "2"),
            ("tneg", Figure::NoEvents, "treated"),
        ] {
            assert_eq!(counted(name), Some((figure, arm.to_string())), "{name}");
        }
        assert_eq!(counted("age"), None);
        assert_eq!(counted("no_events_control"), None);
    }

    #[test]
    fn an_arm_is_the_control_only_where_its_name_says_so() {
        for (control, active) in
            [("placebo", "aspirin"), ("0", "1"), ("c", "e"), ("control", "stent"), ("aspirin", "treatment")]
        {
            assert!(is_control(control, active), "{control}");
            assert!(!is_control(active, control), "{active}");
        }
        for (one, other) in [("aspirin", "heparin"), ("1", "2"), ("c", "d"), ("placebo", "control")] {
            assert!(!is_control(one, other) && !is_control(other, one), "{one} {other}");
        }
    }

    #[test]
    fn names_of_estimates_tell_their_scale() {
        assert_eq!(published("aOR"), Some((Published::Ratio, Some(Scale::LogOddsRatio))));
        assert_eq!(published("hazard_ratio"), Some((Published::Ratio, Some(Scale::LogHazardRatio))));
        assert_eq!(published("logRR"), Some((Published::Estimate, Some(Scale::LogRiskRatio))));
        assert_eq!(published("estimate"), Some((Published::Estimate, None)));
        assert_eq!(published("age"), None);
        assert!(is_lower("lower 95 % CI") && is_upper("ci.ub") && is_lower("ci.lb"));
        assert!(
            is_standard_error("se_log_or") && is_standard_error("Std. Error") && !is_standard_error("sex")
        );
    }
}
