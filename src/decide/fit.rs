//! Fits behind a decision, and the risks that follow from them in each population.

use rayon::prelude::*;

use super::risks::Risks;
use super::{Known, Population};
use crate::exact::{Distribution, ExactPosterior, Resolution, RiskMeasure};
use crate::model::Model;
use crate::posterior::{Empirical, Options, Report, Sampling, Scope, analyse_keeping};
use crate::study::{DecisionOutcome, Pooling, Priors, Study};

/// One study's fit: its report, and the exact posterior where there is one.
pub struct Fit {
    /// None where the exact posterior is enough.
    report: Option<Report>,
    exact: Option<ExactPosterior>,
}

impl Fit {
    /// By both engines, whose checks decide; or why they do not pass.
    pub fn checked(study: &Study, sampling: Sampling) -> Result<Fit, Vec<String>> {
        Fit::of(study, analyse_keeping(study, Fit::options(sampling), &()))
    }

    /// How studies are fitted for pages and decisions.
    pub fn options(sampling: Sampling) -> Options {
        Options { sampling, adjusted_only: true, ..Options::default() }
    }

    /// Of an analysis that is there already: it has to be one under [`Fit::options`], but for what it says beside the bias.
    pub fn of(
        study: &Study,
        (mut report, posterior): (Report, Option<ExactPosterior>),
    ) -> Result<Fit, Vec<String>> {
        report.unadjusted = None;
        let exact = posterior.filter(|posterior| is_whole(study, posterior));
        if report.checks.ok { Ok(Fit { report: Some(report), exact }) } else { Err(report.checks.reasons) }
    }

    /// Under other priors: exact where the engine covers them, else sampled.
    pub fn under(study: &Study, priors: &Priors, sampling: Sampling) -> Result<Fit, Vec<String>> {
        let study = Study { priors: priors.clone(), ..study.clone() };
        match exact(&study) {
            Some(posterior) => Ok(Fit { report: None, exact: Some(posterior) }),
            None => Fit::checked(&study, sampling),
        }
    }

    /// Effects alone under other priors: of an adjusted study exact too, but without risks.
    pub fn effects_under(study: &Study, priors: &Priors, sampling: Sampling) -> Result<Fit, Vec<String>> {
        match Model::effects_alone(study) {
            Some(effects) => Fit::under(&effects, priors, sampling),
            None => Fit::under(study, priors, sampling),
        }
    }

    pub fn report(&self) -> Option<&Report> {
        self.report.as_ref()
    }

    pub fn exact(&self) -> Option<&ExactPosterior> {
        self.exact.as_ref()
    }

    /// Both risks of an outcome in a population; none where it is not reported there.
    pub fn risks<'a>(&'a self, outcome: &DecisionOutcome, population: &Population) -> Option<Risks<'a>> {
        let names = outcome.study.data.names();
        let g = population.subgroup.as_ref().and_then(|s| names.iter().position(|n| n == s));
        let counts = outcome.study.data.has_risks();
        let given = |theta| {
            let control = outcome.baseline_risk?;
            Some(Risks::Given { control, scale: outcome.study.outcome.scale, theta })
        };
        let draws = self.report.as_ref().and_then(|r| r.sampled.as_ref());
        let drawn = |column: &Vec<f64>| -> Box<dyn Distribution + 'a> { Box::new(Empirical::of(column)) };
        match (g, &self.exact, counts) {
            (Some(g), Some(posterior), true) => Some(Risks::Exact { posterior, g }),
            (Some(g), None, true) => draws.and_then(|d| Risks::sampled(d, g)),
            (Some(g), Some(posterior), false) => given(posterior.theta(g)),
            (Some(g), None, false) => draws.and_then(|d| given(drawn(&d.theta[g]))),
            (None, Some(posterior), _) if population.scope == Scope::New => {
                posterior.theta_new().and_then(given)
            }
            (None, None, _) if population.scope == Scope::New => {
                draws.and_then(|d| d.theta_new.as_ref()).and_then(|c| given(drawn(c)))
            }
            _ => None,
        }
    }
}

/// None where the engine does not cover the model, or gives effects but no risks, as where labels may be wrong.
fn exact(study: &Study) -> Option<ExactPosterior> {
    ExactPosterior::new(&Model::of(study), Resolution::default())
        .ok()
        .filter(|posterior| is_whole(study, posterior))
}

fn is_whole(study: &Study, posterior: &ExactPosterior) -> bool {
    !study.data.has_risks() || posterior.risk(0, RiskMeasure::Difference).is_some()
}

/// Subgroups in the order in which outcomes name them, then a further one where a control risk is stated.
pub fn populations(outcomes: &[DecisionOutcome]) -> Vec<Population> {
    let mut all: Vec<Population> = Vec::new();
    for name in outcomes.iter().flat_map(|o| o.study.data.names()) {
        let found = Population { scope: Scope::Subgroup, subgroup: Some(name.to_string()) };
        if !all.contains(&found) {
            all.push(found);
        }
    }
    if outcomes.iter().any(|o| o.baseline_risk.is_some() && o.study.pooling != Pooling::None) {
        all.push(Population { scope: Scope::New, subgroup: None });
    }
    all
}

/// Every outcome in every population in which it is reported.
pub fn known<'a>(
    outcomes: &[DecisionOutcome],
    fits: &'a [Fit],
    populations: &[Population],
) -> Vec<Known<'a>> {
    let mut all = Vec::new();
    for (p, population) in populations.iter().enumerate() {
        for (k, (outcome, fit)) in outcomes.iter().zip(fits).enumerate() {
            let risks = fit.risks(outcome, population);
            all.extend(risks.map(|risks| Known { population: p, outcome: k, risks }));
        }
    }
    all
}

/// Mean risks of control and active, by population.
pub type Means = Vec<Option<[f64; 2]>>;

/// Mean risks of one outcome in every population.
pub fn means(outcome: &DecisionOutcome, fit: &Fit, populations: &[Population]) -> Means {
    populations.par_iter().map(|p| fit.risks(outcome, p).map(|r| r.means())).collect()
}
