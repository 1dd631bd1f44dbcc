//! From the pieces of a study to the whole: every rule, in the order in which problems are told.

use std::sync::Arc;

use super::super::adjusted_for::adjusted_as_stated;
use super::super::checksum::sha256;
use super::super::distributions::normal;
use super::super::estimates::{Printed, estimate};
use super::super::problem::{Part, PriorPart, Problem};
use super::super::rules::{
    Crossing, Labels, Reported, StatedFactors, arm_priors, arms, baseline_parameters, counted_twice,
    effect_parameters, empty_arms, empty_cells, expected_odds_ratio, factor_priors, factors, few_enough,
    fitting_baseline, fitting_baselines, fitting_heterogeneity, fitting_spread, flat_arms, flat_effect,
    groups, heterogeneity_parameters, integrated_alone, left_out, level_counts, level_priors, level_rows,
    named, not_monotone, seen_levels, text, thresholds, title_and_labels,
};
use super::super::{
    BaselineOf, BaselinePrior, Changed, Covariance, Cutpoints, Data, Estimates, Figure, HeterogeneityPrior,
    LevelData, LevelPriors, LevelScale, Pooling, Priors, Scale, Study, SubgroupCounts, SubgroupEstimate,
    SubgroupLevels, Together, Treatment, Written,
};
use super::{Endpoint, PooledPriors, Read, StudyBuilder};
use crate::error::ErrorKind;

/// The standard deviation of the default prior of a baseline's log odds: central 95 % of the risk from 0.7 % to 99.3 %.
const DEFAULT_BASELINE: f64 = 2.5;

impl StudyBuilder {
    /// The study, or the first thing that is wrong with it.
    pub fn build(self) -> Result<Study, Problem> {
        let mut study = self.assembled()?;
        study.notices.extend(left_out(&study.data, &[false; 2], (false, study.factors.is_some())));
        study.text = study.as_model_file();
        study.model_sha256 = sha256(study.text.as_bytes());
        study.data_sha256.clone_from(&study.model_sha256);
        Ok(study)
    }

    /// The study without what a file alone can tell: its text, its checksums, and what is said of outcomes left out.
    pub(crate) fn assembled(mut self) -> Result<Study, Problem> {
        let (endpoint, treatment) = self.labelled()?;
        for (part, what, found) in self.texts() {
            text(part, what, found)?;
        }
        let mut notices = Vec::new();
        let mut data = self.observed(&endpoint, &mut notices)?;
        let mut data_of_factors = None;
        if let Some(stated) = self.factors.take() {
            factors_go_with(&treatment, &data)?;
            few_enough(data.names().len(), true)?;
            let stated = with_patients(stated, &mut data);
            data.rename(stated.of.iter().map(|levels| levels.join(", ")).collect());
            let Crossing { factors, alone, notices: told } = factors(stated, data.names().len())?;
            notices.extend(told);
            if let Some((name, subgroups)) = alone {
                self.subgroup_name = name;
                data.rename(subgroups);
            }
            data_of_factors = factors.map(Arc::new);
        }
        groups(&treatment, &data, data_of_factors.is_some())?;
        arms(&treatment, &data)?;
        self.fits_together(&data)?;
        adjusted_as_stated(&mut data, self.adjusted_for.as_deref())?;
        notices.extend(match treatment.has_several_arms() {
            true => empty_cells(&treatment, &data),
            false => match &data_of_factors {
                Some(factors) => level_counts(factors, &data)?,
                None => empty_arms(&data),
            },
        });
        notices.extend(counted_twice(&data));
        let (pooling, mut priors) = self.checked_priors(&endpoint)?;
        let heterogeneity = priors.heterogeneity.as_ref();
        priors.arms = arm_priors(
            &treatment,
            (pooling, heterogeneity),
            self.arm_priors.clone(),
            endpoint.outcome.scale,
        )?;
        priors.factors =
            factor_priors(data_of_factors.as_deref(), (pooling, &priors), self.interactions.clone(), &data)?;
        let other = match (&data, data.covariance()) {
            (Data::Levels(_), _) => Some("ordered levels"),
            (_, Some(_)) => Some("correlated estimates"),
            _ if treatment.has_several_arms() => Some("several active arms"),
            _ if self.undivided => Some("one group of all patients"),
            _ => None,
        };
        integrated_alone(pooling, other)?;
        notices.extend(integrated_alone_notice(pooling, endpoint.counts));
        if let (Some(scale), Some(levels), Some(assumed)) =
            (&endpoint.outcome.levels, data.levels(), &priors.levels)
        {
            notices.extend(seen_levels(scale, levels)?);
            notices.extend(scale.utilities.as_ref().and_then(|u| not_monotone(scale, u)));
            level_priors(scale, assumed, levels)?;
        }
        if !priors.effect.distribution.is_proper() {
            let bounded = match &priors.arms {
                Some(arms) => flat_arms(pooling, arms.related, &data),
                None => flat_effect(pooling, priors.baseline_of, &data),
            };
            bounded.map_err(|fault| fault.of(Part::Prior(PriorPart::Effect)))?;
            notices.push(
                "The effect prior is flat: a reference, not a belief. It has no prior probabilities."
                    .to_string(),
            );
        }
        let reported = Reported::of(&endpoint.outcome, endpoint.counts);
        let outcome = endpoint.outcome;
        let thresholds = thresholds(self.thresholds, reported)?;
        if let Some(expected) = self.expected_odds_ratio {
            expected_odds_ratio(expected, outcome.scale)?;
        }
        let mut study = Study {
            name: self.name,
            title: self.title.trim().to_string(),
            citation: self.citation,
            illustrative: self.illustrative,
            note: self.note,
            assignment: self.assignment,
            eligibility: self.eligibility,
            time_zero: self.time_zero,
            outcome,
            treatment,
            subgroup_name: if self.undivided { "group".to_string() } else { self.subgroup_name },
            subgroup_plural: self.subgroup_plural,
            exhaustive: self.exhaustive,
            factors: data_of_factors,
            undivided: self.undivided,
            data,
            pooling,
            priors,
            named: Vec::new(),
            expected_odds_ratio: self.expected_odds_ratio,
            thresholds,
            bias: None,
            patients: None,
            draws: None,
            adjustment: None,
            weighting: None,
            design: super::super::Design::default(),
            notices,
            changed: Changed::default(),
            files: Vec::new(),
            text: String::new(),
            model_sha256: String::new(),
            data_sha256: String::new(),
        };
        for (name, changes) in self.named {
            if study.named.iter().any(|other| other.name == name) {
                let message = format!("two sets of priors are called `{name}`");
                let part = Part::Named { name, part: PriorPart::Name };
                return Err(
                    Problem::new(part, ErrorKind::Rule, message).help("give one of them another name")
                );
            }
            let found = named(&study, &name, changes)?;
            study.named.push(found);
        }
        Ok(study)
    }

    /// Outcome and treatment, with every label fit to be shown.
    pub(crate) fn labelled(&self) -> Result<(Endpoint, Treatment), Problem> {
        let missing = |part, what: &str, help: &str| {
            Problem::new(part, ErrorKind::Missing, format!("{what} not said")).help(help)
        };
        let endpoint = self.outcome.clone().ok_or_else(|| {
            missing(Part::Outcome, "what was measured is", "give it: outcome(Endpoint::events(…))")
        })?;
        let endpoint = endpoint.with_levels()?;
        let arms = self.arms.clone().ok_or_else(|| {
            missing(Part::Arm(0), "what the arms had is", "give it: arms(\"placebo\", \"drug\")")
        })?;
        let [_, active @ ..] = arms.as_slice() else {
            return Err(missing(
                Part::Arm(0),
                "what the arms had is",
                "give it: arms(\"placebo\", \"drug\")",
            ));
        };
        if active.is_empty() {
            return Err(missing(Part::Arm(1), "what an active arm had is", "give one at least"));
        }
        let name = self.treatment.clone().unwrap_or_else(|| active.join(", "));
        let treatment = Treatment { name, arms };
        title_and_labels(&Labels {
            title: &self.title,
            outcome: &endpoint.outcome.name,
            event: &endpoint.outcome.event,
            treatment: &treatment,
            subgroup_name: &self.subgroup_name,
            subgroup_plural: self.subgroup_plural.as_deref(),
        })?;
        Ok((endpoint, treatment))
    }

    /// Observations on the scale of the model.
    fn observed(&mut self, endpoint: &Endpoint, notices: &mut Vec<String>) -> Result<Data, Problem> {
        let levels = endpoint.outcome.levels.as_ref();
        if let Some((data, own)) = self.read.take() {
            notices.extend(own);
            return match (data, levels) {
                (Read::Levels(rows), Some(scale)) => by_level(scale, rows),
                (Read::Levels(_), None) => Err(of_another_kind("patients by level", "counts or estimates")),
                (Read::Counts(rows), _) => Ok(Data::Counts(rows)),
                (Read::Estimates(rows), _) => {
                    Ok(Data::Estimates(of_one_fit(rows, self.together.as_ref(), |_| true)?))
                }
            };
        }
        let given = [
            (!self.counts.is_empty(), "counts"),
            (!self.levels.is_empty(), "patients by level"),
            (!self.printed.is_empty(), "published estimates"),
        ];
        let expected = match (levels, endpoint.counts) {
            (Some(_), _) => "patients by level",
            (None, true) => "counts",
            (None, false) => "published estimates",
        };
        if let Some((_, given)) = given.into_iter().find(|(there, what)| *there && *what != expected) {
            return Err(of_another_kind(given, expected));
        }
        match levels {
            Some(scale) => by_level(scale, std::mem::take(&mut self.levels)),
            None if endpoint.counts => Ok(Data::Counts(std::mem::take(&mut self.counts))),
            None => {
                let together = self.together.as_ref();
                published(&self.printed, endpoint.outcome.scale, together, notices).map(Data::Estimates)
            }
        }
    }

    /// Only published estimates have errors of their own; and a study without subgroups is one group.
    fn fits_together(&self, data: &Data) -> Result<(), Problem> {
        if let (Some(together), None) = (&self.together, data.published()) {
            let message = format!("`{}`, and the data are no published estimates", together.key());
            return Err(Problem::new(Part::Together { row: None }, ErrorKind::Rule, message).help(
                "it goes with kind = \"estimate\": counts and patients have no errors to be correlated",
            ));
        }
        if self.undivided && data.names().len() != 1 {
            let message = format!("{} subgroups, and they have no names", data.names().len());
            return Err(Problem::new(Part::Groups, ErrorKind::Rule, message)
                .help("name each: subgroup = \"…\"; without subgroups there is one row"));
        }
        Ok(())
    }

    /// The study's own priors, each within what makes sense on its scale.
    fn checked_priors(&self, endpoint: &Endpoint) -> Result<(Pooling, Priors), Problem> {
        let at = Part::Prior;
        let scale = endpoint.outcome.scale;
        let Some(PooledPriors { pooling, effect, heterogeneity, degrees, alone }) = self.priors.clone()
        else {
            return Err(Problem::new(at(PriorPart::Effect), ErrorKind::Missing, "priors are not said")
                .help("give them: priors(Priors::partial(normal(0.0, 0.355), half_normal(0.5)))"));
        };
        effect_parameters(&effect.distribution, scale).map_err(|fault| fault.of(at(PriorPart::Effect)))?;
        fitting_heterogeneity(pooling, heterogeneity.is_some())?;
        if let Some(tau) = &heterogeneity {
            heterogeneity_parameters(&tau.distribution, scale)
                .map_err(|fault| fault.of(at(PriorPart::Heterogeneity)))?;
        }
        if let Some(scale) = &endpoint.outcome.levels {
            let (baseline, levels) = self.levels_assumed(scale)?;
            let (baseline, levels) = (Some(baseline), Some(levels));
            let baseline_of = BaselineOf::Control;
            let priors = Priors {
                effect,
                heterogeneity,
                baseline,
                baseline_of,
                levels,
                arms: None,
                factors: None,
                degrees,
                alone,
            };
            fitting_spread(pooling, &priors, endpoint.outcome.scale)?;
            return Ok((pooling, priors));
        }
        fitting_baseline(endpoint.counts, (self.baseline.is_some(), self.baseline_of.is_some()))
            .map_err(|(part, fault)| fault.of(at(part)))?;
        let stated = self.baseline.clone().map(|baseline| {
            baseline_parameters(&baseline.distribution).map_err(|fault| fault.of(at(PriorPart::Baseline)))?;
            Ok(baseline)
        });
        let default = || endpoint.counts.then(|| normal(0.0, DEFAULT_BASELINE).into());
        let baseline = stated.transpose()?.or_else(default);
        let baseline_of = self.baseline_of.unwrap_or_default();
        let (levels, arms, factors) = (None, None, None);
        let priors =
            Priors { effect, heterogeneity, baseline, baseline_of, levels, arms, factors, degrees, alone };
        fitting_spread(pooling, &priors, scale)?;
        fitting_baselines(pooling, &priors).map_err(|fault| fault.of(at(PriorPart::Baseline)))?;
        Ok((pooling, priors))
    }

    /// What is assumed of levels, and what follows for the baselines, the control arms' log odds at the primary cut.
    fn levels_assumed(&self, scale: &LevelScale) -> Result<(Written<BaselinePrior>, LevelPriors), Problem> {
        let stated = [
            (self.baseline.is_some(), PriorPart::Baseline, "a baseline prior"),
            (self.baseline_of.is_some(), PriorPart::BaselineOf, "`baseline_of`"),
        ];
        if let Some((_, part, what)) = stated.into_iter().find(|(there, ..)| *there) {
            let message = format!("{what}, and the outcome has ordered levels");
            return Err(Problem::new(Part::Prior(part), ErrorKind::Rule, message).help(
                "leave it out: the prior of control arms is that of their levels, levels = \"dirichlet(1)\" in [prior]",
            ));
        }
        let mut concentrations =
            self.assumed.concentrations.clone().unwrap_or_else(|| Written::from(vec![1.0]));
        if let [all] = concentrations.distribution[..] {
            concentrations.distribution = vec![all; scale.levels()];
        }
        let cutpoints = self.assumed.cutpoints;
        let shift = match (cutpoints, &self.assumed.shift) {
            (Cutpoints::Shared, Some(stated)) => Some(stated.clone()),
            (Cutpoints::Shared, None) => Some(HeterogeneityPrior::HalfNormal { scale: 1.0 }.into()),
            (Cutpoints::BySubgroup, None) => None,
            (Cutpoints::BySubgroup, Some(_)) => {
                let message = "a prior of shifts, and each subgroup has cut points of its own";
                return Err(Problem::new(Part::Prior(PriorPart::Shift), ErrorKind::Rule, message)
                    .help("leave it out, or write cutpoints = \"shared\" in [model]"));
            }
        };
        let departure = self.assumed.departure.clone();
        let levels = LevelPriors { cutpoints, concentrations, shift, departure };
        let baseline = levels.baseline(scale.primary);
        Ok((baseline, levels))
    }
}

/// Combinations that are given, and that have no patients, are none.
fn with_patients(mut stated: StatedFactors, data: &mut Data) -> StatedFactors {
    let Data::Counts(rows) = data else { return stated };
    // Rows of a file may have their places elsewhere.
    if stated.of.len() != rows.len() || !stated.order.is_empty() {
        return stated;
    }
    let has = |row: &SubgroupCounts| row.arms.iter().any(|arm| arm.total + arm.missing > 0);
    let kept: Vec<bool> = rows.iter().map(has).collect();
    let mut keep = kept.iter();
    stated.of.retain(|_| keep.next() == Some(&true));
    rows.retain(has);
    stated
}

/// Several factors are of two arms, and of counts or of estimates by themselves.
fn factors_go_with(treatment: &Treatment, data: &Data) -> Result<(), Problem> {
    let wrong = |what: &str, help: &str| {
        let message = format!("several factors, and {what}");
        Err(Problem::new(Part::Factors, ErrorKind::Rule, message).help(help))
    };
    if treatment.has_several_arms() {
        return wrong("several active arms", "fit two arms at a time: active = \"…\" in [treatment]");
    }
    if data.levels().is_some() {
        return wrong(
            "an outcome with ordered levels",
            "fit one cut of them: kind = \"binary\", its events the levels above it",
        );
    }
    if data.covariance().is_some() {
        return wrong("estimates whose errors are correlated", "fit one factor at a time");
    }
    Ok(())
}

/// What effects that are integrated alone go without.
fn integrated_alone_notice(pooling: Pooling, counts: bool) -> Option<String> {
    let what = match pooling {
        Pooling::ExchangeableOrNot => "Effects that are exchangeable or not",
        Pooling::StudentT => "Student t effects",
        _ => return None,
    };
    let without = if counts {
        ": averages over the study's patients and differences of risk differences, which need draws, have no numbers"
    } else {
        ""
    };
    Some(format!(
        "{what} are integrated and not sampled, so that no second engine checks the first{without}."
    ))
}

fn by_level(scale: &LevelScale, rows: Vec<SubgroupLevels>) -> Result<Data, Problem> {
    few_enough(rows.len(), false)?;
    level_rows(scale, &rows)?;
    Ok(Data::Levels(LevelData::new(scale, rows)))
}

fn of_another_kind(given: &str, expected: &str) -> Problem {
    let message = format!("the data are {given}, and the outcome is one of {expected}");
    Problem::new(Part::Groups, ErrorKind::Rule, message).help(
        "Endpoint::events goes with counts, Endpoint::ordinal with patients by level, Endpoint::estimates with published estimates",
    )
}

/// Estimates and standard errors; notices where intervals are lopsided.
fn published(
    printed: &[Printed],
    scale: Scale,
    together: Option<&Together>,
    notices: &mut Vec<String>,
) -> Result<Estimates, Problem> {
    few_enough(printed.len(), true)?;
    let has_error = |p: &Printed| p.se.is_some() || p.ci.is_some();
    let mut rows = Vec::with_capacity(printed.len());
    for (group, own) in printed.iter().enumerate() {
        let error = together.and_then(|t| t.standard_error(group)).filter(|_| !has_error(own));
        let filled = error.map(|se| Printed { se: Some(se), ..own.clone() });
        // What is wrong with the matrix comes before what follows from it.
        if let (Some(Together::Covariance(_)), None, false) = (together, error, has_error(own)) {
            of_matrix(together, &vec![1.0; printed.len()], &names(printed))?;
        }
        let (row, notice) =
            estimate(filled.as_ref().unwrap_or(own), scale).map_err(|fault| fault.of(group))?;
        notices.extend(notice);
        rows.push(row);
    }
    of_one_fit(rows, together, |g| has_error(&printed[g]))
}

fn names(printed: &[Printed]) -> Vec<&str> {
    printed.iter().map(|p| p.subgroup.as_str()).collect()
}

fn of_matrix(
    together: Option<&Together>,
    errors: &[f64],
    names: &[&str],
) -> Result<Option<Covariance>, Problem> {
    together.map_or(Ok(None), |together| Covariance::of(together, names, errors))
}

/// By how much a standard error may differ from the covariance's, as a share of it, and one that is taken from an interval:
/// printed figures are rounded.
const SAME_ERROR: (f64, f64) = (0.01, 0.05);

/// Estimates whose errors belong together as stated. Those of a covariance are its own; what is `stated` has to agree.
fn of_one_fit(
    mut rows: Vec<SubgroupEstimate>,
    together: Option<&Together>,
    stated: impl Fn(usize) -> bool,
) -> Result<Estimates, Problem> {
    let Some(together) = together else { return Ok(rows.into()) };
    let errors: Vec<f64> = rows.iter().map(|r| r.se).collect();
    let names: Vec<&str> = rows.iter().map(|r| r.name.as_str()).collect();
    let covariance = Covariance::of(together, &names, &errors)?;
    for (g, row) in rows.iter_mut().enumerate() {
        let Some(own) = together.standard_error(g) else { continue };
        let (figure, allowed) = match row.interval {
            Some(_) => (Figure::Interval, SAME_ERROR.1),
            None => (Figure::StandardError, SAME_ERROR.0),
        };
        if stated(g) && (row.se / own - 1.0).abs() > allowed {
            let message = format!(
                "subgroup `{}`: a standard error of {:.6}, and its variance in `covariance` is {:.6}, whose root is {own:.6}",
                row.name,
                row.se,
                own * own
            );
            return Err(Problem::new(Part::Estimate { group: g, figure }, ErrorKind::Rule, message)
                .help("both are the same figure: are rows and columns in the order of the estimates, on the log scale for ratios?")
                .help("or leave the standard error out: the covariance has it"));
        }
        row.se = own;
    }
    Ok(Estimates { rows, covariance: covariance.map(Arc::new), baselines: None })
}
