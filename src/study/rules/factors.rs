//! Several subgroup factors: their names and levels, whether they differ, and what is assumed of them.

use std::collections::BTreeMap;

use super::super::problem::{Part, PriorPart, Problem};
use super::super::{
    BaselinePrior, Data, Factor, FactorPriors, Factors, Interactions, LocationPrior, MOST_FACTOR_LEVELS,
    Pooling, Priors, Written, names,
};
use super::labels::unfit;
use super::parameters::location_numbers;
use crate::error::ErrorKind;

/// The factors as they are given: their names, and the names of every group's levels.
#[derive(Debug, Clone, Default)]
pub(crate) struct StatedFactors {
    pub names: Vec<String>,
    /// By group, one level a factor.
    pub of: Vec<Vec<String>>,
    /// By factor, the order of its levels; those that are not in it follow as they are met.
    pub order: Vec<Vec<String>>,
    /// By group of estimates.
    pub patients: Option<Vec<f64>>,
}

/// What is said of the model of several factors, as far as it is said.
#[derive(Debug, Clone, Default)]
pub(crate) struct StatedInteractions {
    pub interactions: Option<Interactions>,
    pub main_effects: Option<Written<LocationPrior>>,
}

/// What remains of factors once those with one level have dropped out.
pub(crate) struct Crossing {
    /// None where one factor is left, whose levels are the subgroups, or none.
    pub factors: Option<Factors>,
    /// Where one factor is left: its name, and the subgroups' names.
    pub alone: Option<(String, Vec<String>)>,
    pub notices: Vec<String>,
}

fn wrong(kind: ErrorKind, message: String, help: &str) -> Problem {
    Problem::new(Part::Factors, kind, message).help(help)
}

/// The factors of as many groups.
pub(crate) fn factors(stated: StatedFactors, groups: usize) -> Result<Crossing, Problem> {
    let StatedFactors { names: given, of, order, patients } = stated;
    let mut notices = Vec::new();
    for (i, name) in given.iter().enumerate() {
        labelled(name, &format!("the name of factor {}", i + 1))?;
        if given[..i].contains(name) {
            return Err(wrong(ErrorKind::Rule, format!("two factors are called `{name}`"), "rename one"));
        }
    }
    if of.len() != groups || of.iter().any(|levels| levels.len() != given.len()) {
        let message = format!("levels of {} groups, and there are {groups}", of.len());
        return Err(wrong(ErrorKind::Rule, message, "every group has one level of every factor"));
    }
    let mut seen = BTreeMap::new();
    for (group, levels) in of.iter().enumerate() {
        if let Some(first) = seen.insert(levels, group) {
            let message =
                format!("`{}` stands twice, in places {} and {}", levels.join(", "), first + 1, group + 1);
            return Err(Problem::new(Part::Group(group), ErrorKind::Rule, message)
                .help("each combination of levels has one row"));
        }
    }
    let mut all = Vec::with_capacity(given.len());
    let mut places: Vec<Vec<usize>> = vec![Vec::with_capacity(given.len()); groups];
    for (f, name) in given.into_iter().enumerate() {
        let met = |level: &&String| of.iter().any(|levels| levels[f] == **level);
        let mut levels: Vec<String> =
            order.get(f).map(|order| order.iter().filter(met).cloned().collect()).unwrap_or_default();
        for (group, own) in of.iter().enumerate() {
            let level = &own[f];
            let place = levels.iter().position(|known| known == level).unwrap_or_else(|| {
                levels.push(level.clone());
                levels.len() - 1
            });
            places[group].push(place);
        }
        for level in &levels {
            labelled(level, &format!("the name of a level of `{name}`"))?;
        }
        if let Some((one, other)) = nearly(&levels) {
            notices.push(format!("{name}: the levels {one} and {other} differ in nothing but capitals."));
        }
        all.push(Factor { name, levels });
    }
    let total: usize = all.iter().map(|factor| factor.levels.len()).sum();
    if total > MOST_FACTOR_LEVELS {
        let message = format!("the factors have {total} levels");
        return Err(wrong(
            ErrorKind::Limit,
            message,
            &format!("the program takes at most {MOST_FACTOR_LEVELS}: cut numbers with [data.cut]"),
        ));
    }
    let kept: Vec<usize> = (0..all.len()).filter(|&f| all[f].levels.len() > 1).collect();
    for factor in all.iter().filter(|factor| factor.levels.len() < 2) {
        let level = factor.levels.first().map_or("", String::as_str);
        notices.push(format!("{} is {level} throughout and drops out of the factors.", factor.name));
    }
    let places: Vec<Vec<usize>> =
        places.into_iter().map(|own| kept.iter().map(|&f| own[f]).collect()).collect();
    let all: Vec<Factor> = kept.iter().map(|&f| all[f].clone()).collect();
    differ(&all, &places)?;
    if let [factor] = all.as_slice() {
        let subgroups = places.iter().map(|own| factor.levels[own[0]].clone()).collect();
        let alone = Some((factor.name.clone(), subgroups));
        return Ok(Crossing { factors: None, alone, notices });
    }
    if all.is_empty() {
        let message = "no factor has more than one level".to_string();
        return Err(wrong(ErrorKind::Data, message, "leave `factors` out: all patients are one group"));
    }
    let factors = Factors { all, of: places, patients };
    if let Some(patients) = &factors.patients {
        let none = factors.levels().find(|level| factors.groups(*level).all(|g| patients[g] == 0.0));
        if let Some((f, l)) = none {
            let message = format!("{} {}: no patients", factors.all[f].name, factors.level(f, l));
            return Err(wrong(
                ErrorKind::Data,
                message,
                "give how many patients each row is of, or leave `patients` out",
            ));
        }
    }
    let empty = factors.empty();
    if empty > 0.0 {
        notices.push(format!(
            "{empty} of {} combinations of levels have no patients; effects add up over factors, so that none is needed.",
            empty + factors.of.len() as f64
        ));
    }
    Ok(Crossing { factors: Some(factors), alone: None, notices })
}

fn labelled(name: &str, what: &str) -> Result<(), Problem> {
    if name.trim().is_empty() {
        return Err(wrong(ErrorKind::Missing, format!("{what} is empty"), "give it a name"));
    }
    names::name(name).map_err(|e| unfit(Part::Factors, what, e))?;
    if name.trim() != name {
        let message = format!("{what} starts or ends with a space");
        return Err(wrong(ErrorKind::Value, message, &format!("write \"{}\"", name.trim())));
    }
    Ok(())
}

/// Two levels that are perhaps one.
fn nearly(levels: &[String]) -> Option<(&str, &str)> {
    let mut seen = BTreeMap::new();
    levels.iter().find_map(|level| Some((seen.insert(level.to_lowercase(), level.as_str())?, level.as_str())))
}

/// What is to be told of levels by their counts: every one has patients, and where an arm has none it is said.
pub(crate) fn level_counts(factors: &Factors, data: &Data) -> Result<Vec<String>, Problem> {
    let Some(rows) = data.counts() else { return Ok(Vec::new()) };
    let mut told = Vec::new();
    for (f, l) in factors.levels() {
        let total = |arm: usize| factors.groups((f, l)).map(|g| rows[g].arms[arm].total).sum::<u64>();
        let named = format!("{} {}", factors.all[f].name, factors.level(f, l));
        let what = match (total(0), total(1)) {
            (0, 0) => {
                let message = format!("{named}: no patients with a known outcome");
                return Err(wrong(ErrorKind::Data, message, "leave the level out"));
            }
            (_, 0) => "the active arm is empty",
            (0, _) => "the control arm is empty",
            _ => continue,
        };
        told.push(format!(
            "{named}: {what}: the prior and the other levels alone speak about the effect there."
        ));
    }
    Ok(told)
}

/// No two factors tell the same patients apart.
fn differ(all: &[Factor], places: &[Vec<usize>]) -> Result<(), Problem> {
    for b in 0..all.len() {
        for a in 0..b {
            let (mut there, mut back) = (BTreeMap::new(), BTreeMap::new());
            let same = places.iter().all(|own| {
                *there.entry(own[a]).or_insert(own[b]) == own[b]
                    && *back.entry(own[b]).or_insert(own[a]) == own[a]
            });
            if same {
                let message = format!(
                    "the factors `{}` and `{}` tell the same patients apart",
                    all[a].name, all[b].name
                );
                return Err(wrong(
                    ErrorKind::Data,
                    message,
                    "no data can tell their effects apart: leave one of them out",
                ));
            }
        }
    }
    Ok(())
}

/// The standard deviation of the default prior of a level's share of the log odds: two levels then differ by a normal with
/// standard deviation 2.5, as those of a covariate do.
pub(crate) const DEFAULT_MAIN_EFFECT: f64 = 1.77;

/// What is assumed of several factors; none where there is one, of which nothing may be said.
pub(crate) fn factor_priors(
    factors: Option<&Factors>,
    (pooling, priors): (Pooling, &Priors),
    stated: StatedInteractions,
    data: &Data,
) -> Result<Option<FactorPriors>, Problem> {
    let StatedInteractions { interactions, main_effects } = stated;
    let problem = |part, message: &str, help: &str| {
        Err(Problem::new(Part::Prior(part), ErrorKind::Rule, message).help(help))
    };
    if factors.is_none() {
        const ONE: &str = "leave it out: there are not several factors";
        return if interactions.is_some() {
            problem(PriorPart::Interactions, "how several factors are drawn together", ONE)
        } else if main_effects.is_some() {
            problem(PriorPart::MainEffects, "a prior of main effects of factors", ONE)
        } else {
            Ok(None)
        };
    }
    match pooling {
        Pooling::Partial | Pooling::Complete => {}
        Pooling::StudentT => {
            return problem(
                PriorPart::Effects,
                "Student t effects beside several factors",
                "leave `effects` out; interactions = \"regularised horseshoe\" leaves large shifts large",
            );
        }
        _ => {
            return problem(
                PriorPart::Pooling,
                &format!("pooling = \"{}\" beside several factors", pooling.in_words()),
                "set pooling = \"partial\", or \"complete\" for one effect at all levels; a factor by itself, without `factors`, has the other poolings",
            );
        }
    }
    if let (Some(Interactions::Horseshoe(_)), Pooling::Complete) = (interactions, pooling) {
        return problem(
            PriorPart::Interactions,
            "a horseshoe under complete pooling",
            "leave it out: the effect is the same at all levels",
        );
    }
    let counts = data.counts().is_some();
    if main_effects.is_some() && !counts {
        return problem(
            PriorPart::MainEffects,
            "a prior of main effects, and the data are estimates",
            "leave it out: estimates have no risks that levels could differ in",
        );
    }
    if let Some(BaselinePrior::Exchangeable { .. }) = priors.baseline.as_ref().map(|b| &b.distribution) {
        return problem(
            PriorPart::Baseline,
            "exchangeable baselines beside several factors",
            "give one prior of log odds: levels add to it, with `main_effects`",
        );
    }
    if !priors.effect.distribution.is_proper() {
        return problem(
            PriorPart::Effect,
            "a flat effect prior beside several factors",
            "give a wide one: \"normal(0, 10)\"",
        );
    }
    let main_effects = match main_effects {
        Some(stated) => {
            location_numbers(&stated.distribution)
                .map_err(|fault| fault.of(Part::Prior(PriorPart::MainEffects)))?;
            if !stated.distribution.is_proper() {
                return problem(
                    PriorPart::MainEffects,
                    "a flat prior of main effects",
                    "give a wide one: \"normal(0, 10)\"",
                );
            }
            Some(stated)
        }
        None => counts.then(|| LocationPrior::normal(0.0, DEFAULT_MAIN_EFFECT).into()),
    };
    Ok(Some(FactorPriors { interactions: interactions.unwrap_or(Interactions::ByFactor), main_effects }))
}
