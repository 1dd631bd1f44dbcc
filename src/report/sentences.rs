//! Sentences about results, one per claim. Nothing else in the program writes any.

mod answer;

use serde_json::{Value, json};

use super::numbers::{
    grouped, interval_known_to, judged_probability, plain, probabilities_alike, probability,
    sampled_probability, signed, threshold,
};
use super::words::{capitalised, listed, scope_in_words};
use crate::posterior::{
    BeyondOthers, Bounded, By, CLEAR, Claim, CriterionRow, Direction, Leaning, Measure, Method, Quantiles,
    Rate, Report, STATED, Says, Topic, Verdict,
};
use crate::study::{Assignment, Changed};

/// A claim as an English sentence.
pub fn sentence(claim: &Claim) -> String {
    let whom = whom(claim);
    match &claim.says {
        Says::Leaning(leaning) => self::leaning(claim, &whom, leaning),
        Says::Frequencies { event, control, difference } => frequencies(claim, event, *control, difference),
        Says::HeterogeneityUnlearned { .. } => {
            "The data say almost nothing about it: the subgroup results rest on its prior.".to_string()
        }
        Says::HeterogeneityDecides { line, intervals, stated_scale } => format!(
            "{whom}: the heterogeneity prior decides whether P({}) exceeds {line}: it does {} ({} {}).",
            word(claim.direction),
            scales(claim, intervals),
            if claim.prior == STATED { "stated" } else { "here" },
            plain(*stated_scale)
        ),
        Says::HeterogeneityDecidesNothing { lines, factor } => format!(
            "Between {} and {} times the {} scale, the heterogeneity prior moves no {}'s P(better) or P(worse) across {}.",
            times(1.0 / factor),
            times(*factor),
            if claim.prior == STATED { "stated" } else { "present" },
            claim.about.kind_of_subgroup,
            listed(&lines.iter().map(f64::to_string).collect::<Vec<_>>(), "or")
        ),
        Says::PriorAtOdds { tail_probability } => format!(
            "{}: prior and data are at odds; data this far from the prior were expected {} of the time.",
            effect_prior(&claim.prior),
            percent_of_the_time(*tail_probability)
        ),
        Says::AgainstOthers { beyond, of } => against_others(claim, beyond, *of),
        Says::NothingStands { line } => {
            format!(
                "No statement about a single {} stands above {line} {}.",
                claim.about.kind_of_subgroup,
                under_priors(&claim.prior)
            )
        }
        Says::Stands(stands) => answer::stands(claim, &whom, stands),
        Says::StandsWhere(found) => answer::stands_where(claim, found),
        Says::Drove { shifts, priors } => answer::drove(shifts, *priors > 1),
        Says::Overturns { line, beliefs, is_rough } => answer::overturns(claim, *line, beliefs, *is_rough),
        Says::UnderBias(under) => answer::under_bias(claim, &whom, under),
        Says::UnderBiasOfAll(under) => answer::under_bias_of_all(claim, under),
        Says::WithoutProportionalOdds(found) => answer::without_proportional_odds(claim, found),
        Says::Verdicts(verdicts) => answer::verdicts(claim, verdicts),
        Says::Both { outcome_b, rates, both, .. } => {
            let about = &claim.about;
            let clause = self::rates(about.assignment, &about.active, [&about.outcome, outcome_b], *rates);
            format!("{whom}: {clause}, probability {}.", bounded(*both, claim.resolution))
        }
        Says::Rule { rule, verdict, criteria } => {
            format!(
                "{rule}, {whom}: {}. {}.",
                verdict_word(*verdict),
                capitalised(&decisive(*verdict, criteria))
            )
        }
        Says::Action { action, gain, best, expected_loss } => {
            let (has, is) = match claim.about.assignment {
                Assignment::Randomised => ("has", "is"),
                Assignment::Observational => ("would have", "be"),
            };
            // How outcomes are correlated matters where more than one has a value.
            let dependent = best.low < best.high;
            let all = [best.low, best.high, best.independent];
            let [low, high, independent] = probabilities_alike(all, claim.resolution);
            let range = if low == high { low } else { format!("{low} to {high}") };
            let loss = plain(1000.0 * expected_loss);
            let rest = if dependent {
                format!(
                    "under independence {independent}, with an expected loss of {loss} per 1,000 patients"
                )
            } else {
                format!("expected loss {loss} per 1,000 patients")
            };
            format!(
                "{whom}: {}{action} {has} the higher expected utility, by {} a patient, and {is} better with probability {range}; {rest}.",
                causal(claim),
                signed(*gain, 3).replace('+', "")
            )
        }
        Says::BestAction { action, next, gain, expected_loss } => {
            let (has, is) = match claim.about.assignment {
                Assignment::Randomised => ("has", "is"),
                Assignment::Observational => ("would have", "be"),
            };
            format!(
                "{whom}: {}{action} {has} the highest expected utility, by {} a patient over {next}, and {is} the best with probability {}; expected loss {} per 1,000 patients.",
                causal(claim),
                signed(*gain, 3).replace('+', ""),
                sampled_probability(claim.probability, claim.resolution),
                plain(1000.0 * expected_loss)
            )
        }
        Says::PriorsFlip { action, priors, of, .. } if priors.is_empty() => {
            format!("{whom}: the choice stays {action} under all {of} other priors.")
        }
        Says::PriorsFlip { action, other, priors, of } => format!(
            "{whom}: the choice stays {action} under {} of {of} other priors, and is {other} under {}.",
            of - priors.len(),
            listed(priors, "and")
        ),
        Says::Dissent { action, members, of, .. } if members.is_empty() => {
            format!(
                "{whom}: {} would choose {action}, as the analysis without the panel does.",
                all_members(*of)
            )
        }
        Says::Dissent { action, other, members, of } => {
            let each: Vec<String> = members
                .iter()
                .map(|m| format!("{} would choose {other}, by {}", m.member, by(m.by)))
                .collect();
            format!(
                "{whom}: {} of {of} members would choose {action}, as the analysis without the panel does; {}.",
                of - members.len(),
                each.join("; ")
            )
        }
        Says::Layers {
            outer,
            outer_assignment,
            rates: [of_outer, of_inner],
            outer_probability,
            inner_probability,
            both,
        } => {
            format!(
                "{whom}: {outer} {} (probability {}), and within it {} goes with a {} one (probability {}): both hold with probability {}.",
                rate_of(*outer_assignment, *of_outer, &claim.about.outcome),
                probability(Some(*outer_probability)),
                claim.about.active,
                rate_word(*of_inner),
                probability(Some(*inner_probability)),
                bounded(*both, claim.resolution)
            )
        }
        Says::WithoutLayer { outer, rate, with, without, errors } => {
            let points = |q: &Quantiles, errors| interval_known_to(Measure::RiskDifference, q, errors);
            format!(
                "Were the associations with {} causal, {outer} without it would {} the rate of {} by {} points with probability {}; with it, as it was done, by {}.",
                claim.about.active,
                match rate {
                    Rate::Higher => "raise",
                    Rate::Lower => "lower",
                },
                claim.about.outcome,
                points(without, Some(*errors)),
                sampled_probability(claim.probability, claim.resolution),
                points(with, None)
            )
        }
        Says::BestArm { arm, clear, prior_probability } => {
            let prior =
                prior_probability.map_or_else(String::new, |p| format!(" (prior {})", probability(Some(p))));
            let p = claim.probability.unwrap_or(f64::NAN);
            let p = judged_probability(p, claim.resolution, |p| p >= CLEAR);
            match (clear, claim.about.assignment) {
                (false, _) => format!(
                    "{whom}: no arm is clearly the best; {arm} most probably is, with probability {p}{prior}."
                ),
                (true, Assignment::Randomised) => {
                    format!("{whom}: {arm} is the best arm with probability {p}{prior}.")
                }
                (true, Assignment::Observational) => {
                    format!("{whom}: {arm} is associated with the best outcome with probability {p}{prior}.")
                }
            }
        }
        Says::Shrinkage { share } => format!(
            "Pooling draws the medians of {} together by {:.0} % of their spread.",
            claim.about.subgroups,
            100.0 * share
        ),
        Says::QualitativeInteraction { prior_probability } => format!(
            "Better in one {} and worse in another: probability {}{}.",
            claim.about.kind_of_subgroup,
            sampled_probability(claim.probability, claim.resolution),
            prior_probability.map_or_else(String::new, |p| format!(" (prior {})", probability(Some(p))))
        ),
    }
}

/// A sentence each is told of up to this many subgroups; beyond, the tables speak.
const SENTENCES_UP_TO: usize = 6;

/// The claims of a fit that are told in sentences, in text and in JSON.
pub fn told(report: &Report) -> impl Iterator<Item = &Claim> {
    let few = report.names.subgroups.len() <= SENTENCES_UP_TO;
    report.claims.iter().filter(move |c| few || !matches!(c.says, Says::Leaning(_)))
}

/// Claims with their sentences, as JSON has them.
pub fn claims_json<'a>(claims: impl IntoIterator<Item = &'a Claim>) -> Vec<Value> {
    let one = |claim: &Claim| {
        let mut object = json!({ "text": sentence(claim) });
        if let (Some(object), Ok(Value::Object(fields))) =
            (object.as_object_mut(), serde_json::to_value(claim))
        {
            object.extend(fields);
        }
        object
    };
    claims.into_iter().map(one).collect()
}

fn whom(claim: &Claim) -> String {
    let whom =
        claim.subgroup.clone().unwrap_or_else(|| scope_in_words(claim.scope, &claim.about.kind_of_subgroup));
    match claim.about.population {
        Some(population) => format!("{whom} ({population})"),
        None => whom,
    }
}

/// How many subgroups lie beyond what the others predict of them, and which.
fn against_others(claim: &Claim, beyond: &[BeyondOthers], of: usize) -> String {
    /// Subgroups that are named; of more there is the number.
    const NAMED: usize = 3;
    let all = &claim.about.subgroups;
    let measure = match claim.estimand {
        Topic::Effect(measure) => measure.in_words(),
        other => other.key(),
    };
    if beyond.is_empty() {
        return format!(
            "Left out one at a time, all {of} {all} lie within the central 95 % of what the others predict of their {measure}."
        );
    }
    let named: Vec<String> = beyond
        .iter()
        .take(NAMED)
        .map(|b| {
            let tail = b.tail_probability.min(1.0 - b.tail_probability);
            format!("{} (tail probability {})", b.subgroup, probability(Some(tail)))
        })
        .collect();
    let others = if beyond.len() > NAMED { " and others" } else { "" };
    let (lie, their) = if beyond.len() == 1 { ("lies", "its") } else { ("lie", "their") };
    format!(
        "Left out one at a time, {} of {of} {all} {lie} beyond the central 95 % of what the others predict of {their} {measure}: {}{others}; by chance one in twenty does.",
        beyond.len(),
        named.join("; ")
    )
}

/// One sentence about one subgroup: what it leans to, how probable that is, how large.
fn leaning(claim: &Claim, whom: &str, l: &Leaning) -> String {
    let p = claim.probability.unwrap_or(f64::NAN);
    if p == 0.5 {
        return format!("{whom}: a better and a worse outcome are equally probable.");
    }
    let active = &claim.about.active;
    let says = match (l.clear, claim.about.assignment, claim.direction) {
        (false, _, d) => format!("no clear direction: P({})", word(d)),
        (true, Assignment::Observational, d) => {
            format!("{active} is associated with a {} outcome with probability", word(d))
        }
        (true, Assignment::Randomised, Some(Direction::Harm)) => format!("{active} harms with probability"),
        (true, Assignment::Randomised, _) => format!("{active} helps with probability"),
    };
    let prior =
        l.prior_probability.map_or_else(String::new, |p| format!(" (prior {})", probability(Some(p))));
    let size = interval_known_to(l.measure, &l.effect, l.effect_errors);
    let of_risks = l.measure == Measure::RiskDifference;
    let unit = if of_risks { " points" } else { "" };
    let also = match &l.nnt {
        Some(nnt) => format!("; {nnt}"),
        None if of_risks && !claim.about.is_effect() => {
            let error = l.effect_errors.map_or(0.0, |e| e[0]);
            format!("; {} among those who had {active}", among_many(l.effect.median, error))
        }
        None => String::new(),
    };
    format!(
        "{whom}: {says} {}{prior}; {} {}{also}.",
        judged_probability(p, claim.resolution, |p| p >= CLEAR),
        l.measure.in_words(),
        size + unit
    )
}

/// "Stated effect prior", or "Effect prior sceptical".
fn under_priors(name: &str) -> String {
    match name {
        STATED => "under the stated priors".to_string(),
        Changed::SET => "under the priors set for this run".to_string(),
        other => format!("under the prior `{other}`"),
    }
}

fn effect_prior(name: &str) -> String {
    if name == STATED { "Stated effect prior".to_string() } else { format!("Effect prior {name}") }
}

/// Among how many patients a difference in risks is told in whole patients.
fn among(difference: f64) -> u64 {
    match 1000.0 * difference.abs() {
        n if !(0.01..9.95).contains(&n) => 1000,
        n if n >= 0.995 => 10_000,
        _ => 100_000,
    }
}

/// "40 fewer per 1,000"; to the nearest ten and so on where the Monte Carlo error allows no finer number.
fn among_many(difference: f64, error: f64) -> String {
    let of = among(difference);
    let twice = 2.0 * error * of as f64;
    let mut unit = 1.0;
    while unit < twice {
        unit *= 10.0;
    }
    let people = (difference * of as f64 / unit).round() * unit;
    let per = grouped(of);
    match people {
        0.0 => format!("about as many per {per}"),
        n if n < 0.0 => format!("{:.0} fewer per {per}", -n),
        n => format!("{n:.0} more per {per}"),
    }
}

/// Events under control among so many patients, and how many more or fewer with the active treatment.
fn frequencies(claim: &Claim, event: &str, control: f64, difference: &Quantiles) -> String {
    let about = &claim.about;
    let ends = [difference.q2_5, difference.q97_5];
    let of = among(ends[0].abs().max(ends[1].abs()));
    let people = |x: f64| (of as f64 * x).round() as i64;
    let word = |n: i64| if n < 0 { "fewer" } else { "more" };
    let [median, low, high] = [difference.median, ends[0], ends[1]].map(people);
    let ends = if (low < 0) == (high < 0) {
        let (near, far) = if low < 0 { (high, low) } else { (low, high) };
        format!("{} to {}", near.abs(), far.abs())
    } else {
        format!("{} {} to {} {}", low.abs(), word(low), high.abs(), word(high))
    };
    let (had, so) = if about.is_effect() {
        ("with", "")
    } else {
        ("who had", ", a difference between groups of patients")
    };
    let of = grouped(of);
    format!(
        "Among {of} {had} {}, about {} {event}; among {of} {had} {}, {} {} ({ends}){so}.",
        about.control,
        people(control),
        about.active,
        median.abs(),
        word(median)
    )
}

fn all_members(of: usize) -> String {
    if of == 1 { "the member".to_string() } else { format!("all {of} members") }
}

fn word(direction: Option<Direction>) -> &'static str {
    match direction {
        Some(Direction::Harm) => "worse",
        _ => "better",
    }
}

/// "4 %"; below 1 % one digit.
fn percent_of_the_time(p: f64) -> String {
    match 100.0 * p {
        x if x < 0.05 => "less than 0.1 %".to_string(),
        x if x < 0.95 => format!("{x:.1} %"),
        x => format!("{x:.0} %"),
    }
}

/// "between 0.2 and 0.4 and for scales above 1.1".
fn scales(claim: &Claim, intervals: &[[Option<f64>; 2]]) -> String {
    let about = if claim.method == Method::Sampled { "about " } else { "" };
    let number = |x: f64| format!("{about}{}", plain(x));
    let one = |ends: &[Option<f64>; 2]| match *ends {
        [Some(low), Some(high)] => format!("between {} and {}", number(low), number(high)),
        [Some(low), None] => format!("for scales above {}", number(low)),
        [None, Some(high)] => format!("for scales below {}", number(high)),
        [None, None] => "everywhere".to_string(),
    };
    intervals.iter().map(one).collect::<Vec<_>>().join(" and ")
}

fn times(factor: f64) -> String {
    match factor {
        0.25 => "a quarter".to_string(),
        4.0 => "four".to_string(),
        other => plain(other),
    }
}

/// "0.69 to 0.82 (0.72 under independence)"; one number where the dependence moves no digit.
pub fn bounded(p: Bounded, resolution: Option<f64>) -> String {
    let [low, high, independent] = probabilities_alike([p.low, p.high, p.independent], resolution);
    if low == high { low } else { format!("{low} to {high} ({independent} under independence)") }
}

/// "stent goes with a higher rate of A and a lower rate of B", and only of a randomised study that it raises or lowers
/// them.
pub fn rates(assignment: Assignment, active: &str, [first, second]: [&str; 2], [a, b]: [Rate; 2]) -> String {
    let word = rate_word;
    let verb = |r: Rate| if r == Rate::Higher { "raises" } else { "lowers" };
    match (assignment, a == b) {
        (Assignment::Randomised, true) => {
            format!("{active} {} the rates of {first} and of {second}", verb(a))
        }
        (Assignment::Randomised, false) => {
            format!("{active} {} the rate of {first} and {} the rate of {second}", verb(a), verb(b))
        }
        (Assignment::Observational, true) => {
            format!("{active} goes with {} rates of {first} and of {second}", word(a))
        }
        (Assignment::Observational, false) => {
            format!("{active} goes with a {} rate of {first} and a {} rate of {second}", word(a), word(b))
        }
    }
}

fn rate_word(rate: Rate) -> &'static str {
    match rate {
        Rate::Higher => "higher",
        Rate::Lower => "lower",
    }
}

/// "raises the rate of A", or of an observational study "goes with a higher rate of A".
fn rate_of(assignment: Assignment, rate: Rate, outcome: &str) -> String {
    match (assignment, rate) {
        (Assignment::Randomised, Rate::Higher) => format!("raises the rate of {outcome}"),
        (Assignment::Randomised, Rate::Lower) => format!("lowers the rate of {outcome}"),
        (Assignment::Observational, _) => format!("goes with a {} rate of {outcome}", rate_word(rate)),
    }
}

/// Said before what would follow if an association were an effect.
fn causal(claim: &Claim) -> &'static str {
    match claim.about.assignment {
        Assignment::Randomised => "",
        Assignment::Observational => "were the associations causal, ",
    }
}

pub fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Yes => "yes",
        Verdict::No => "no",
        Verdict::Undecided => "undecided",
    }
}

/// The criteria that decide a verdict: all of a yes, those that fail of a no, those that can't be told of an undecided.
fn decisive(verdict: Verdict, criteria: &[CriterionRow]) -> String {
    let told = criteria.iter().filter(|c| verdict == Verdict::Yes || c.verdict == verdict);
    told.map(criterion).collect::<Vec<_>>().join("; ")
}

/// "death at 90 days: P(worse by ≥ 3 points) 0.02 (required: < 0.2)".
fn criterion(c: &CriterionRow) -> String {
    let size = if c.threshold == 0.0 {
        String::new()
    } else {
        format!(" by ≥ {}", threshold(Measure::RiskDifference, c.threshold))
    };
    let required = if c.at_least { "≥" } else { "<" };
    let meets = |p: f64| if c.at_least { p >= c.required } else { p < c.required };
    let found =
        c.probability.map_or_else(|| "not reported".to_string(), |p| judged_probability(p, None, meets));
    format!("{}: P({}{size}) {found} (required: {required} {})", c.of, word(Some(c.direction)), c.required)
}

pub fn by(by: By) -> &'static str {
    match by {
        By::Prior => "prior",
        By::Values => "values",
        By::Either => "prior or values, either alone",
        By::Both => "prior and values together",
    }
}
