//! The `[bias]` section read: every number within its range, every name that of a subgroup.

use toml::Spanned;

use super::bias_section::{BiasSection, ConfounderSection, MisclassificationSection, MissingSection};
use super::bias_values::{Read, better_than_chance, fault, in_words, share, shift, strength};
use super::nearest::{listed, nearest};
use super::prior_words::Fault;
use super::source::Source;
use crate::error::{Error, ErrorKind, Result};
use crate::study::rules::left_out;
use crate::study::{
    Assignment, Assumption, BaselinePrior, Bias, BiasKind, Confounder, Data, Misclassification, Missing,
    Nuisance, Scale, SubgroupBias, SubgroupCounts, Written,
};

/// Where the section stands, and what it speaks of.
pub struct Context<'a> {
    pub source: &'a Source,
    pub data: &'a Data,
    pub scale: Scale,
    pub assignment: Assignment,
    pub baseline: Option<&'a BaselinePrior>,
    /// Whether there are covariates or centres.
    pub adjusted: bool,
}

/// The section's meaning; questions about it go to `notices`.
pub fn bias(
    context: &Context<'_>,
    spanned: &Spanned<BiasSection>,
    notices: &mut Vec<String>,
) -> Result<Bias> {
    let section = spanned.get_ref();
    let names = context.data.names();
    let mut bias = Bias { subgroups: vec![SubgroupBias::default(); names.len()], ..Bias::default() };
    context.shifts(section, &names, &mut bias)?;
    if let Some(confounder) = &section.confounder {
        context.confounder(confounder, &names, &mut bias)?;
    }
    let confounded = !bias.assumptions.is_empty();
    match &section.missing {
        Some(missing) => context.missing(missing, &mut bias, notices)?,
        None => notices.extend(left_out(context.data, &[false; 2], (context.adjusted, false))),
    }
    if let Some(section) = &section.misclassification {
        context.misclassification(section, &names, &mut bias)?;
    }
    if let Some(rare) = &section.rare_outcome {
        let published = matches!(context.data, Data::Estimates(_));
        if !published || !matches!(context.scale, Scale::LogOddsRatio | Scale::LogHazardRatio) {
            return Err(Error::of(ErrorKind::Rule, "`rare_outcome` is for published odds and hazard ratios")
                .at(context.source.place(rare.span()))
                .help("with counts the risks are known, and risk ratios need no such choice; leave it out"));
        }
        bias.rare_outcome = Some(*rare.get_ref());
    }
    if !bias.assumes_anything() && bias.rare_outcome.is_none() {
        return Err(Error::of(ErrorKind::Missing, "[bias] says nothing")
            .at(context.source.place(spanned.span()))
            .help("write log_odds_ratio = \"normal(0, 0.3)\", or [bias.confounder], [bias.missing] or [bias.misclassification]; or leave it out"));
    }
    if context.assignment == Assignment::Randomised && confounded {
        notices.push(
            "Treatment was randomised, yet [bias] allows for confounding: is that meant? (Numbers without it stand beside.)"
                .to_string(),
        );
    }
    Ok(bias)
}

/// Beside covariates and centres only what is added to the log odds ratio has a meaning: the rest speaks of whole arms.
pub fn check_adjusted(source: &Source, spanned: &Spanned<BiasSection>) -> Result<()> {
    let section = spanned.get_ref();
    let whole_arms = [
        ("confounder", section.confounder.as_ref().map(Spanned::span)),
        ("missing", section.missing.as_ref().map(Spanned::span)),
        ("misclassification", section.misclassification.as_ref().map(Spanned::span)),
    ];
    match whole_arms.into_iter().find_map(|(key, span)| Some((key, span?))) {
        None => Ok(()),
        Some((key, span)) => Err(Error::of(ErrorKind::Rule, format!("[bias.{key}] does not go with covariates or centres"))
            .at(source.place(span))
            .help("it speaks of the patients of an arm as if they were alike; say what bias is left as log_odds_ratio = \"normal(0, 0.3)\"")),
    }
}

/// Of an ordinal outcome only what is added to the log odds ratio has a meaning: the rest speaks of events and their absence.
pub fn check_levels(source: &Source, spanned: &Spanned<BiasSection>) -> Result<()> {
    let section = spanned.get_ref();
    let binary = [
        ("confounder", "a confounder's strength", section.confounder.as_ref().map(Spanned::span)),
        ("missing", "the risk among the missing", section.missing.as_ref().map(Spanned::span)),
        (
            "misclassification",
            "what is made of labels that may be wrong",
            section.misclassification.as_ref().map(Spanned::span),
        ),
    ];
    match binary.into_iter().find_map(|(key, what, span)| Some((key, what, span?))) {
        None => Ok(()),
        Some((key, what, span)) => Err(Error::of(
            ErrorKind::Rule,
            format!("[bias.{key}] does not go with kind = \"ordinal\": {what} is of one event, and there are several cuts"),
        )
        .at(source.place(span))
        .help("say what bias there is as log_odds_ratio = \"normal(0, 0.3)\", which shifts the common odds ratio; or dichotomise the outcome at the primary cut, as kind = \"binary\"")),
    }
}

impl Context<'_> {
    fn fail<T>(&self, value: &Spanned<T>, fault: Fault) -> Error {
        Error::of(fault.kind, fault.message).at(self.source.place(value.span())).help(fault.help)
    }

    fn index(&self, name: &Spanned<String>, names: &[&str]) -> Result<usize> {
        self.index_of(name.get_ref(), name.span(), names)
    }

    fn index_of(&self, name: &str, span: std::ops::Range<usize>, names: &[&str]) -> Result<usize> {
        names.iter().position(|n| *n == name).ok_or_else(|| {
            let error = Error::of(ErrorKind::Unknown, format!("there is no subgroup `{name}`"))
                .at(self.source.place(span));
            match nearest(name, names.iter().copied()) {
                Some(near) => error.label(format!("did you mean `{near}`?")),
                None => error.help(format!("the subgroups are {}", listed(names.iter().copied()))),
            }
        })
    }

    /// The bias that is added, for all subgroups or for each.
    fn shifts(&self, section: &BiasSection, names: &[&str], bias: &mut Bias) -> Result<()> {
        let given = [
            (Scale::LogOddsRatio, "log_odds_ratio", &section.log_odds_ratio),
            (Scale::LogRiskRatio, "log_risk_ratio", &section.log_risk_ratio),
            (Scale::LogHazardRatio, "log_hazard_ratio", &section.log_hazard_ratio),
            (Scale::Difference, "difference", &section.difference),
        ];
        let own = given.iter().find(|g| g.0 == self.scale).map_or("", |g| g.1);
        for (scale, key, value) in given {
            let Some(value) = value else { continue };
            if scale != self.scale {
                return Err(Error::of(ErrorKind::Rule, format!("a bias of the {}", key.replace('_', " ")))
                    .at(self.source.place(value.span()))
                    .help(format!("the model's effect is on another scale: write `{own}`")));
            }
            let what = format!("bias of the {}", key.replace('_', " "));
            let assume = |subgroup: Option<&str>, read: &Read| Assumption {
                kind: BiasKind::Shift,
                subgroup: subgroup.map(str::to_string),
                what: what.clone(),
                words: read.words.clone(),
            };
            match value.get_ref() {
                toml::Value::Table(table) if !in_words(table) => {
                    for (name, one) in table {
                        let g = self.index_of(name, value.span(), names)?;
                        let read = shift(one, scale).map_err(|f| self.fail(value, f))?;
                        bias.assumptions.push(assume(Some(names[g]), &read));
                        bias.subgroups[g].shift = Some(read.distribution);
                    }
                }
                one => {
                    let read = shift(one, scale).map_err(|f| self.fail(value, f))?;
                    bias.assumptions.push(assume(None, &read));
                    for subgroup in &mut bias.subgroups {
                        subgroup.shift = Some(read.distribution.clone());
                    }
                }
            }
        }
        Ok(())
    }

    fn confounder(
        &self,
        section: &Spanned<ConfounderSection>,
        names: &[&str],
        bias: &mut Bias,
    ) -> Result<()> {
        let s = section.get_ref();
        let place = || self.source.place(section.span());
        if s.name.trim().is_empty() {
            return Err(Error::of(ErrorKind::Missing, "the confounder has no name")
                .at(place())
                .help("say what it is"));
        }
        if self.scale == Scale::Difference {
            return Err(Error::of(ErrorKind::Rule, "a confounder of differences")
                .at(place())
                .help("a binary confounder is translated on ratio scales; write `difference = \"normal(…)\"` for its bias"));
        }
        let share_of = |value: &Spanned<toml::Value>| -> Result<Read> {
            share(value.get_ref()).map_err(|f| self.fail(value, f))
        };
        let strength_of = |given: [&Option<Spanned<toml::Value>>; 3]| -> Result<Option<Read>> {
            let scales = [Scale::LogOddsRatio, Scale::LogRiskRatio, Scale::LogHazardRatio];
            let mut found = None;
            for (scale, value) in scales.into_iter().zip(given) {
                let Some(value) = value else { continue };
                if scale != self.scale {
                    return Err(Error::of(
                        ErrorKind::Rule,
                        format!("the confounder's {}", scale.measure_in_words()),
                    )
                    .at(self.source.place(value.span()))
                    .help(format!("on the scale of the model's effect: write `{}`", self.scale.key())));
                }
                found = Some(strength(value.get_ref(), scale).map_err(|f| self.fail(value, f))?);
            }
            Ok(found)
        };
        let control = share_of(&s.control)?;
        let active = share_of(&s.active)?;
        let Some(ratio) = strength_of([&s.odds_ratio, &s.risk_ratio, &s.hazard_ratio])? else {
            return Err(Error::of(
                ErrorKind::Missing,
                format!("the confounder has no `{}`", self.scale.key()),
            )
            .at(place())
            .help("say how strongly it goes with the outcome's events, such as 2.5"));
        };
        let mut each = vec![(control.clone(), active.clone(), ratio.clone()); names.len()];
        let mut special = Vec::new();
        for (name, other) in &s.subgroups {
            let g = self.index(name, names)?;
            let o = other.get_ref();
            let given = [&o.odds_ratio, &o.risk_ratio, &o.hazard_ratio];
            if o.control.is_none() && o.active.is_none() && given.iter().all(|v| v.is_none()) {
                return Err(Error::of(ErrorKind::Missing, format!("nothing differs in `{}`", names[g]))
                    .at(self.source.place(other.span()))
                    .help("leave it out"));
            }
            if let Some(value) = &o.control {
                each[g].0 = share_of(value)?;
            }
            if let Some(value) = &o.active {
                each[g].1 = share_of(value)?;
            }
            if let Some(read) = strength_of(given)? {
                each[g].2 = read;
            }
            special.push(g);
        }
        let assume = |subgroup: Option<usize>, (control, active, ratio): &(Read, Read, Read)| Assumption {
            kind: BiasKind::Confounder,
            subgroup: subgroup.map(|g| names[g].to_string()),
            what: format!("confounder \u{201c}{}\u{201d}", s.name.trim()),
            words: format!(
                "prevalence {} in the control arm, {} in the active arm; {} with the outcome {}",
                control.words,
                active.words,
                self.scale.measure_in_words(),
                ratio.words.strip_prefix(self.scale.measure_in_words()).unwrap_or(&ratio.words).trim()
            ),
        };
        if special.len() < names.len() {
            bias.assumptions.push(assume(None, &(control, active, ratio)));
        }
        bias.assumptions.extend(special.iter().map(|&g| assume(Some(g), &each[g])));
        for (subgroup, (control, active, ratio)) in bias.subgroups.iter_mut().zip(each) {
            subgroup.confounder = Some(Confounder {
                prevalence: [control.distribution, active.distribution],
                log_odds_ratio: ratio.distribution,
            });
        }
        Ok(())
    }

    fn missing(
        &self,
        section: &Spanned<MissingSection>,
        bias: &mut Bias,
        notices: &mut Vec<String>,
    ) -> Result<()> {
        let place = || self.source.place(section.span());
        let Data::Counts(rows) = self.data else {
            return Err(Error::of(ErrorKind::Rule, "missing outcomes of published estimates")
                .at(place())
                .help("only counts tell how many are missing; leave [bias.missing] out"));
        };
        let given = [&section.get_ref().control, &section.get_ref().active];
        if given.iter().all(|v| v.is_none()) {
            return Err(Error::of(ErrorKind::Missing, "[bias.missing] says nothing")
                .at(place())
                .help("write control = \"normal(0, 0.5)\" and active = \"normal(0, 0.5)\""));
        }
        let mut read: [Option<Read>; 2] = [None, None];
        for (slot, value) in read.iter_mut().zip(given) {
            if let Some(value) = value {
                *slot = Some(shift(value.get_ref(), Scale::LogOddsRatio).map_err(|f| self.fail(value, f))?);
            }
        }
        let arms = |r: &SubgroupCounts| {
            [(r.control().total, r.control().missing), (r.active().total, r.active().missing)]
        };
        for (subgroup, row) in bias.subgroups.iter_mut().zip(rows) {
            for ((slot, read), (known, missing)) in subgroup.missing.iter_mut().zip(&read).zip(arms(row)) {
                if let Some(read) = read.as_ref().filter(|_| missing > 0 && known > 0) {
                    let share = missing as f64 / (known + missing) as f64;
                    *slot = Some(Missing { share, shift: read.distribution.clone() });
                }
            }
        }
        for (arm, read) in ["control", "active"].into_iter().zip(&read) {
            if let Some(read) = read {
                bias.assumptions.push(Assumption {
                    kind: BiasKind::MissingOutcomes,
                    subgroup: None,
                    what: format!("missing outcomes in the {arm} arm"),
                    words: format!("log odds of an event apart from the others' by {}", read.words),
                });
            }
        }
        if rows.iter().all(|r| arms(r).iter().all(|a| a.1 == 0)) {
            notices.push(
                "[bias.missing] changes nothing: no arm has `missing` patients in the data.".to_string(),
            );
        }
        notices.extend(left_out(self.data, &read.each_ref().map(Option::is_some), (self.adjusted, false)));
        Ok(())
    }

    fn misclassification(
        &self,
        section: &Spanned<MisclassificationSection>,
        names: &[&str],
        bias: &mut Bias,
    ) -> Result<()> {
        let place = || self.source.place(section.span());
        let s = section.get_ref();
        let counts = matches!(self.data, Data::Counts(_));
        if !counts || names.len() != 2 {
            return Err(Error::of(
                ErrorKind::Rule,
                "misclassified subgroups need the counts of just two subgroups",
            )
            .at(place())
            .help(if counts {
                format!("this model has {}", names.len())
            } else {
                "published estimates don't tell who was counted where".to_string()
            }));
        }
        if !bias.assumptions.is_empty() {
            return Err(Error::of(ErrorKind::Rule, "[bias.misclassification] beside another bias")
                .at(place())
                .help("one at a time: labels are put right in the counts themselves, before any other bias could act on them"));
        }
        if matches!(self.baseline, Some(BaselinePrior::Exchangeable { .. })) {
            return Err(Error::of(ErrorKind::Rule, "misclassified subgroups with exchangeable baselines")
                .at(place())
                .help("write an independent baseline prior, such as \"normal(0, 2.5)\""));
        }
        let positive = self.index(&s.positive, names)?;
        let by_arm = |value: &Spanned<toml::Value>| -> Result<([Read; 2], bool)> {
            let read = |v: &toml::Value| share(v).map_err(|f| self.fail(value, f));
            if let toml::Value::Table(table) = value.get_ref()
                && !table.contains_key("proportion")
            {
                let arm = |key: &str| match (table.get(key), table.len()) {
                    (Some(v), 2) => read(v),
                    _ => Err(self.fail(
                        value,
                        fault(
                            ErrorKind::Syntax,
                            "not one proportion by arm",
                            "write { control = …, active = … }",
                        ),
                    )),
                };
                return Ok(([arm("control")?, arm("active")?], false));
            }
            let one = read(value.get_ref())?;
            Ok(([one.clone(), one], true))
        };
        let (sensitivity, sensitivity_shared) = by_arm(&s.sensitivity)?;
        let (specificity, specificity_shared) = by_arm(&s.specificity)?;
        for (arm, (se, sp)) in ["control", "active"].iter().zip(sensitivity.iter().zip(&specificity)) {
            better_than_chance(&se.distribution, &sp.distribution).map_err(|help| {
                let both = sensitivity_shared && specificity_shared;
                let whose = if both { String::new() } else { format!(" in the {arm} arm") };
                Error::of(
                    ErrorKind::Rule,
                    format!(
                        "sensitivity {} and specificity {}{whose}: labels that may be worse than chance",
                        se.words, sp.words
                    ),
                )
                .at(self.source.place(s.sensitivity.span()))
                .help(help)
            })?;
        }
        let uniform = || {
            let one = Written { distribution: Nuisance::LogitBeta { a: 1.0, b: 1.0 }, words: String::new() };
            ([one.clone(), one], true)
        };
        let (prevalence, _) = s.prevalence.as_ref().map_or_else(|| Ok(uniform()), by_arm)?;
        let words = |[control, active]: &[Read; 2], shared: bool| {
            if shared {
                control.words.clone()
            } else {
                format!("{} (control), {} (active)", control.words, active.words)
            }
        };
        bias.assumptions.push(Assumption {
            kind: BiasKind::Misclassification,
            subgroup: None,
            what: format!("patients taken wrongly for {}", names.join(" or ")),
            words: format!(
                "sensitivity for {} {}, specificity {}",
                names[positive],
                words(&sensitivity, sensitivity_shared),
                words(&specificity, specificity_shared)
            ),
        });
        let distributions = |read: [Read; 2]| read.map(|r| r.distribution);
        bias.misclassification = Some(Misclassification {
            positive,
            sensitivity: distributions(sensitivity),
            specificity: distributions(specificity),
            sensitivity_shared,
            specificity_shared,
            share: distributions(prevalence),
        });
        Ok(())
    }
}
