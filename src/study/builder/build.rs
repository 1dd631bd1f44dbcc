//! From the pieces of a study to the whole: every rule, in the order in which problems are told.

use super::super::adjusted_for::adjusted_as_stated;
use super::super::checksum::sha256;
use super::super::distributions::normal;
use super::super::estimates::{Printed, estimate};
use super::super::problem::{Part, PriorPart, Problem};
use super::super::rules::{
    Labels, Reported, baseline_parameters, counted_twice, effect_parameters, empty_arms, expected_odds_ratio,
    few_enough, fitting_baseline, fitting_heterogeneity, flat_effect, groups, heterogeneity_parameters,
    left_out, named, text, thresholds, title_and_labels,
};
use super::super::{Changed, Data, Pooling, Priors, Scale, Study, SubgroupEstimate, Treatment};
use super::{Endpoint, PooledPriors, StudyBuilder};
use crate::error::ErrorKind;

/// The standard deviation of the default prior of a baseline's log odds: central 95 % of the risk from 0.7 % to 99.3 %.
const DEFAULT_BASELINE: f64 = 2.5;

impl StudyBuilder {
    /// The study, or the first thing that is wrong with it.
    pub fn build(self) -> Result<Study, Problem> {
        let mut study = self.assembled()?;
        study.notices.extend(left_out(&study.data, &[false; 2], false));
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
        groups(&data)?;
        adjusted_as_stated(&mut data, self.adjusted_for.as_deref())?;
        notices.extend(empty_arms(&data));
        notices.extend(counted_twice(&data));
        let (pooling, priors) = self.checked_priors(&endpoint)?;
        if !priors.effect.distribution.is_proper() {
            flat_effect(pooling, priors.baseline_of, &data)
                .map_err(|fault| fault.of(Part::Prior(PriorPart::Effect)))?;
            notices.push(
                "The effect prior is flat: a reference, not a belief. It has no prior probabilities."
                    .to_string(),
            );
        }
        let Endpoint { outcome, counts } = endpoint;
        let thresholds = thresholds(self.thresholds, Reported { scale: outcome.scale, counts })?;
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
            subgroup_name: self.subgroup_name,
            subgroup_plural: self.subgroup_plural,
            exhaustive: self.exhaustive,
            data,
            pooling,
            priors,
            named: Vec::new(),
            expected_odds_ratio: self.expected_odds_ratio,
            thresholds,
            bias: None,
            patients: None,
            adjustment: None,
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
        let [control, active] = self.arms.clone().ok_or_else(|| {
            missing(Part::Arm(0), "what the arms had is", "give it: arms(\"placebo\", \"drug\")")
        })?;
        let name = self.treatment.clone().unwrap_or_else(|| active.clone());
        let treatment = Treatment::of_pair(name, control, active);
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
        if let Some((data, own)) = self.read.take() {
            notices.extend(own);
            return Ok(data);
        }
        let (given, expected) = match endpoint.counts {
            true if !self.printed.is_empty() => ("published estimates", "counts"),
            false if !self.counts.is_empty() => ("counts", "published estimates"),
            true => return Ok(Data::Counts(std::mem::take(&mut self.counts))),
            false => return published(&self.printed, endpoint.outcome.scale, notices).map(Data::Estimates),
        };
        let message = format!("the data are {given}, and the outcome is one of {expected}");
        Err(Problem::new(Part::Groups, ErrorKind::Rule, message)
            .help("Endpoint::events goes with counts, Endpoint::estimates with published estimates"))
    }

    /// The study's own priors, each within what makes sense on its scale.
    fn checked_priors(&self, endpoint: &Endpoint) -> Result<(Pooling, Priors), Problem> {
        let at = Part::Prior;
        let scale = endpoint.outcome.scale;
        let Some(PooledPriors { pooling, effect, heterogeneity }) = self.priors.clone() else {
            return Err(Problem::new(at(PriorPart::Effect), ErrorKind::Missing, "priors are not said")
                .help("give them: priors(Priors::partial(normal(0.0, 0.355), half_normal(0.5)))"));
        };
        effect_parameters(&effect.distribution, scale).map_err(|fault| fault.of(at(PriorPart::Effect)))?;
        fitting_heterogeneity(pooling, heterogeneity.is_some())?;
        if let Some(tau) = &heterogeneity {
            heterogeneity_parameters(&tau.distribution, scale)
                .map_err(|fault| fault.of(at(PriorPart::Heterogeneity)))?;
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
        Ok((pooling, Priors { effect, heterogeneity, baseline, baseline_of }))
    }
}

/// Estimates and standard errors; notices where intervals are lopsided.
fn published(
    printed: &[Printed],
    scale: Scale,
    notices: &mut Vec<String>,
) -> Result<Vec<SubgroupEstimate>, Problem> {
    few_enough(printed.len())?;
    let mut rows = Vec::with_capacity(printed.len());
    for (group, printed) in printed.iter().enumerate() {
        let (row, notice) = estimate(printed, scale).map_err(|fault| fault.of(group))?;
        notices.extend(notice);
        rows.push(row);
    }
    Ok(rows)
}
