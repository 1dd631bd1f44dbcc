//! Levels of an ordinal outcome: their names, their worth, their patients, and departures from proportional odds.

use std::collections::BTreeMap;

use super::super::problem::{Part, PriorPart, Problem};
use super::super::{
    Departure, HigherIs, LevelData, LevelPriors, LevelScale, MOST_LEVELS, Shape, SubgroupLevels, Utilities,
    names,
};
use super::groups::MOST_PATIENTS;
use super::labels::unfit;
use super::parameters::{effect_parameters, heterogeneity_parameters};
use crate::error::ErrorKind;
use crate::study::Scale;

/// The largest concentration of a Dirichlet prior.
const MOST_CONCENTRATION: f64 = 1e6;

fn problem(part: Part, kind: ErrorKind, message: impl Into<String>) -> Problem {
    Problem::new(part, kind, message.into())
}

/// Two levels or more with names of their own, and a primary cut between two of them.
pub(crate) fn level_scale(names: Vec<String>, above: Option<&str>) -> Result<LevelScale, Problem> {
    let of_levels = |kind, message: String| problem(Part::Levels, kind, message);
    if names.len() < 2 {
        let message = match names.len() {
            0 => "an ordinal outcome without levels".to_string(),
            _ => format!("one level only, `{}`", names[0]),
        };
        return Err(of_levels(ErrorKind::Value, message).help(
            "give all levels, lowest first: levels = [\"0\", \"1\", \"2\", \"3\", \"4\", \"5\", \"6\"]",
        ));
    }
    if names.len() > MOST_LEVELS {
        return Err(of_levels(ErrorKind::Limit, format!("{} levels", names.len()))
            .help(format!("the program takes at most {MOST_LEVELS}; join some")));
    }
    let mut seen = BTreeMap::new();
    for (i, name) in names.iter().enumerate() {
        if name.trim().is_empty() || name.trim() != name {
            return Err(of_levels(ErrorKind::Value, format!("level {} is called \"{name}\"", i + 1))
                .help("a level has a name, without spaces around it"));
        }
        names::name(name).map_err(|e| unfit(Part::Levels, &format!("the name of level {}", i + 1), e))?;
        if let Some(first) = seen.insert(name, i) {
            return Err(of_levels(
                ErrorKind::Rule,
                format!("level `{name}` is listed twice, in places {} and {}", first + 1, i + 1),
            )
            .help("each level stands once, lowest first"));
        }
    }
    let last = names.len() - 1;
    let cuts = || names[..last].iter().map(|n| format!("\"{n}\"")).collect::<Vec<_>>().join(", ");
    let primary = match above {
        None if last == 1 => 0,
        None => {
            return Err(problem(
                Part::Above,
                ErrorKind::Missing,
                "`above` is missing: which cut through the levels is the primary one?",
            )
            .help(format!(
                "write above = \"{}\", and risks are of the levels above it; or one of {}",
                names[last / 2],
                cuts()
            )));
        }
        Some(name) => match names.iter().position(|n| n == name) {
            Some(place) if place < last => place,
            Some(_) => {
                return Err(problem(
                    Part::Above,
                    ErrorKind::Rule,
                    format!("no level lies above `{name}`, the last one"),
                )
                .help(format!("risks are of the levels above it: write one of {}", cuts())));
            }
            None => {
                return Err(problem(Part::Above, ErrorKind::Unknown, format!("there is no level `{name}`"))
                    .help(format!("write one of {}", cuts())));
            }
        },
    };
    Ok(LevelScale { names, primary, utilities: None })
}

/// One finite value a level, not all the same, and the best level is worth more than the worst.
pub(crate) fn utilities(
    scale: &LevelScale,
    higher_is: HigherIs,
    utilities: &Utilities,
) -> Result<(), Problem> {
    let values = &utilities.values;
    if values.len() != scale.levels() {
        let (k, n) = (scale.levels(), values.len());
        let plural = if n == 1 { "utility" } else { "utilities" };
        let message = match &utilities.set {
            Some(set) => format!("the set `{set}` has {n} {plural}, and there are {k} levels"),
            None => format!("{n} {plural} for {k} levels"),
        };
        let error = problem(Part::Utilities, ErrorKind::Value, message);
        return Err(match utilities.set {
            Some(_) => error.help(format!(
                "it is of the modified Rankin scale, 0 to {}; for other levels give your own numbers, one a level",
                n - 1
            )),
            None => error.help(format!("give {k}, one a level, in the order of `levels`")),
        });
    }
    if let Some(bad) = values.iter().find(|u| !u.is_finite()) {
        return Err(problem(Part::Utilities, ErrorKind::Value, format!("a utility of {bad}"))
            .help("utilities are finite numbers, such as 1 for full health and 0 for death"));
    }
    if values.windows(2).all(|w| w[0] == w[1]) {
        return Err(problem(Part::Utilities, ErrorKind::Value, format!("all utilities are {}", values[0]))
            .help("levels that are worth the same can't tell treatments apart"));
    }
    let ends = [values[0], values[values.len() - 1]];
    if (ends[1] - ends[0]) * higher_is.sign() <= 0.0 {
        let [low, high] = [&scale.names[0], &scale.names[values.len() - 1]];
        let (word, best, worst) = match higher_is {
            HigherIs::Better => ("better", high, low),
            HigherIs::Worse => ("worse", low, high),
        };
        let message = format!(
            "`{low}` is worth {} and `{high}` {}, and higher levels are said to be {word}",
            ends[0], ends[1]
        );
        return Err(problem(Part::Utilities, ErrorKind::Rule, message).help(format!(
            "utilities are what levels are worth, the best (`{best}`) more than the worst (`{worst}`): turn their order, or `higher_is`"
        )));
    }
    Ok(())
}

/// That a set of utilities does not rise or fall throughout, in words; none where it does.
pub(crate) fn not_monotone(scale: &LevelScale, utilities: &Utilities) -> Option<String> {
    let steps: Vec<f64> = utilities.values.windows(2).map(|w| w[1] - w[0]).collect();
    let falls = steps.iter().all(|s| *s <= 0.0);
    let rises = steps.iter().all(|s| *s >= 0.0);
    if falls || rises {
        return None;
    }
    let way = steps.iter().sum::<f64>().signum();
    let k = steps.iter().position(|s| s * way < 0.0)?;
    let (a, b) = (&scale.names[k], &scale.names[k + 1]);
    let (u, v) = (utilities.values[k], utilities.values[k + 1]);
    Some(format!("The utilities do not follow the order of the levels: `{a}` is worth {u} and `{b}` {v}."))
}

/// Every arm has a number for every level, and there are patients at more than one.
pub(crate) fn level_rows(scale: &LevelScale, rows: &[SubgroupLevels]) -> Result<(), Problem> {
    let k = scale.levels();
    for (group, row) in rows.iter().enumerate() {
        for (arm, which) in ["control", "active"].into_iter().enumerate() {
            let part = Part::Cell { group, arm };
            let Some(cell) = row.arms.get(arm) else {
                let message = format!("subgroup `{}` has no {which} arm", row.name);
                return Err(problem(part, ErrorKind::Missing, message));
            };
            let n = cell.levels.len();
            if n != k {
                let message = format!("subgroup `{}`, {which} arm: {n} counts for {k} levels", row.name);
                return Err(problem(part, ErrorKind::Rule, message)
                    .help("give one count a level, in the order of `levels`"));
            }
            let total = cell.levels.iter().try_fold(0u64, |sum, n| sum.checked_add(*n));
            if total.is_none_or(|n| n > MOST_PATIENTS) || cell.missing > MOST_PATIENTS {
                let message = "an arm has at most a thousand million patients";
                return Err(problem(part, ErrorKind::Limit, message));
            }
        }
    }
    Ok(())
}

/// Patients at two levels or more; notices of levels that nobody has.
pub(crate) fn seen_levels(scale: &LevelScale, data: &LevelData) -> Result<Vec<String>, Problem> {
    let by_level = data.by_level();
    let seen: Vec<&String> =
        scale.names.iter().zip(&by_level).filter(|(_, n)| **n > 0).map(|(name, _)| name).collect();
    if seen.len() == 1 {
        return Err(problem(
            Part::Groups,
            ErrorKind::Rule,
            format!("all patients have one level only, `{}`", seen[0]),
        )
        .help("an ordinal outcome needs patients at two levels or more"));
    }
    let unseen: Vec<String> = scale
        .names
        .iter()
        .zip(&by_level)
        .filter(|(_, n)| **n == 0)
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    Ok(match unseen.as_slice() {
        [] => Vec::new(),
        _ if seen.is_empty() => Vec::new(),
        [one] => vec![format!("No patient has level {one}: only its prior speaks of it.")],
        several => {
            vec![format!("No patient has levels {}: only their prior speaks of them.", several.join(", "))]
        }
    })
}

/// The assumptions about levels beside the levels and the patients that they are about.
pub(crate) fn level_priors(
    scale: &LevelScale,
    priors: &LevelPriors,
    data: &LevelData,
) -> Result<(), Problem> {
    let a = &priors.concentrations.distribution;
    let at = |part| Part::Prior(part);
    if a.len() != scale.levels() {
        let message = format!("{} concentrations for {} levels", a.len(), scale.levels());
        return Err(problem(at(PriorPart::Levels), ErrorKind::Value, message)
            .help("give one a level, or one for all: \"dirichlet(1)\""));
    }
    if let Some(bad) = a.iter().find(|x| !(**x > 0.0 && **x <= MOST_CONCENTRATION)) {
        return Err(problem(
            at(PriorPart::Levels),
            ErrorKind::Value,
            format!("a Dirichlet concentration of {bad}"),
        )
        .help(format!("concentrations lie above 0 and up to {MOST_CONCENTRATION}; 1 for all is uniform")));
    }
    if let Some(shift) = &priors.shift {
        heterogeneity_parameters(&shift.distribution, Scale::LogOddsRatio)
            .map_err(|fault| fault.of(at(PriorPart::Shift)))?;
    }
    priors.departure.as_ref().map_or(Ok(()), |d| departure(scale, d, data))
}

/// A departure as it is declared, but for one cut.
fn without(cut: usize, f: Option<&[f64]>, cuts: usize) -> String {
    let of = |k: usize| if k == cut { 0.0 } else { f.map_or(1.0, |f| f[k]) };
    let mut each: Vec<f64> = (0..cuts).map(of).collect();
    // Of a departure at this cut alone nothing is left: it could be at the next one.
    if each.iter().all(|x| *x == 0.0) {
        each[if cut == 0 { 1 } else { cut - 1 }] = 1.0;
    }
    let each: Vec<String> = each.iter().map(f64::to_string).collect();
    format!("[{}]", each.join(", "))
}

fn departure(scale: &LevelScale, departure: &Departure, data: &LevelData) -> Result<(), Problem> {
    let cuts = scale.cuts();
    let of_shape = |kind, message: String| problem(Part::Departure, kind, message);
    if cuts == 1 {
        return Err(of_shape(
            ErrorKind::Rule,
            "a departure from proportional odds with two levels".to_string(),
        )
        .help("two levels have one cut, and one odds ratio: leave `departure` out"));
    }
    if let Shape::Numbers(f) = &departure.shape {
        if f.len() != cuts {
            let message =
                format!("a departure of {} numbers, and {} levels have {cuts} cuts", f.len(), cuts + 1);
            return Err(of_shape(ErrorKind::Value, message).help(
                "give one number a cut, from the lowest on: the log odds ratio there is θ + δ times it",
            ));
        }
        if f.iter().any(|x| !x.is_finite() || x.abs() > 1e3) {
            return Err(of_shape(
                ErrorKind::Value,
                "a departure that is not a number of moderate size".to_string(),
            )
            .help("numbers lie between −1000 and 1000, such as [0, 0, 0, 0, 0, 1]"));
        }
        if f.windows(2).all(|w| w[0] == w[1]) {
            return Err(of_shape(ErrorKind::Value, format!("a departure of {} at every cut", f[0]))
                .help("the same at every cut is no departure: it is part of the effect"));
        }
    }
    effect_parameters(&departure.prior.distribution, Scale::LogOddsRatio)
        .map_err(|fault| fault.of(Part::Prior(PriorPart::Departure)))?;
    if !departure.prior.distribution.is_proper() {
        return Err(problem(
            Part::Prior(PriorPart::Departure),
            ErrorKind::Value,
            "a flat prior of the departure",
        )
        .help("it is how much one cut borrows from the others: write departure = \"normal(0, 0.3)\""));
    }
    let by_level = data.by_level();
    let f = departure.shape.by_cut(cuts);
    for k in 0..cuts {
        let departs = f.as_ref().map_or(k != scale.primary, |f| f[k] != 0.0);
        let below: u64 = by_level[..=k].iter().sum();
        let above: u64 = by_level[k + 1..].iter().sum();
        if departs && below + above > 0 && (below == 0 || above == 0) {
            let which = if above == 0 { "above" } else { "up to" };
            let message =
                format!("a departure at the cut above `{}`, which no patient passes", scale.names[k]);
            return Err(of_shape(ErrorKind::Rule, message).help(format!(
                "no patient has a level {which} `{}`: give numbers with 0 at this cut, departure = {}, or join levels",
                scale.names[k],
                without(k, f.as_deref(), cuts)
            )));
        }
    }
    Ok(())
}
