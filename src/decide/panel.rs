//! Members with priors and values of their own: what each concludes, who would choose otherwise, and why.

use serde::Serialize;

use super::judgement::Judgement;
use super::pools::{self, PoolRow};
use super::populations::Means;
use super::refits::Refits;
use super::{Population, values};
use crate::compare::{PriorSet, prior_set};
use crate::posterior::By;
use crate::study::{Decision, Member, Priors, View, Worth};

/// What the members of a panel conclude, one by one and together.
#[derive(Debug, Clone)]
pub struct Panel {
    /// What members hold before the data, where it is their own.
    pub beliefs: Vec<Beliefs>,
    /// Every member's choice in every population.
    pub members: Vec<PanelRow>,
    /// The pooled panel's choice in every population.
    pub pools: Vec<PoolRow>,
}

/// What a member holds of an outcome before the data.
#[derive(Debug, Clone)]
pub struct Beliefs {
    /// The member's name.
    pub member: String,
    /// The outcome's place in the decision.
    pub outcome: usize,
    /// The member's own priors; none where the member has the stated ones.
    pub prior: Option<PriorSet>,
    /// What the outcome is worth to the member, who has the stated values unless `own_values`; none where there are none.
    pub values: Option<Worth>,
    /// Whether the values are the member's own.
    pub own_values: bool,
}

/// What one member concludes in one population.
#[derive(Debug, Clone, Serialize)]
pub struct PanelRow {
    /// The member's name.
    pub member: String,
    /// The member's weight in the pools, relative to the others'.
    pub weight: f64,
    /// For whom the numbers are.
    #[serde(flatten)]
    pub population: Population,
    /// P(benefit) on the first outcome under the member's priors; none where it is not reported here, or a fit failed its
    /// checks.
    pub benefit: Option<f64>,
    /// The active treatment's expected utility per patient above the control's, by the member's priors and values; none
    /// where it could not be computed.
    pub expected_gain: Option<f64>,
    /// The name of the action that the member would choose; none where `expected_gain` is.
    pub action: Option<String>,
    /// Whether the member would choose another action than the analysis as stated; none where either choice is missing.
    pub differs: Option<bool>,
    /// Whether it is by prior, by values or by both that the member differs; none where the member does not.
    pub by: Option<By>,
    /// Why there are no numbers; none where there are.
    pub unavailable: Option<String>,
}

/// The stated priors but for what a view has of its own; none where it has nothing.
pub(crate) fn priors(stated: &Priors, view: &View) -> Option<Priors> {
    let own = view.effect.is_some() || view.heterogeneity.is_some();
    own.then(|| Priors {
        effect: view.effect.clone().unwrap_or_else(|| stated.effect.clone()),
        heterogeneity: view.heterogeneity.clone().or_else(|| stated.heterogeneity.clone()),
        ..stated.clone()
    })
}

/// Outcomes' places with priors that members hold of them.
pub fn wanted(decision: &Decision) -> impl Iterator<Item = (usize, Priors)> {
    let of_member = |member: &Member| -> Vec<(usize, Priors)> {
        let views = decision.outcomes.iter().zip(&member.views).enumerate();
        views.filter_map(|(k, (outcome, view))| Some((k, priors(&outcome.study.priors, view)?))).collect()
    };
    decision.panel.iter().flat_map(of_member)
}

/// What the panel concludes; none where there is no panel.
pub fn panel(
    decision: &Decision,
    refits: &Refits<'_>,
    stated: &[Means],
    populations: &[Population],
) -> Option<Panel> {
    if decision.panel.is_empty() {
        return None;
    }
    let as_stated = match refits.under(0, &decision.first().priors) {
        Ok(stated) => stated.benefit.clone(),
        Err(_) => return None,
    };
    let judgements: Vec<Result<Judgement, String>> = decision
        .panel
        .iter()
        .map(|member| {
            let mut judged = Judgement {
                benefit: as_stated.clone(),
                means: stated.to_vec(),
                values: own_values(decision, member),
            };
            for (k, (outcome, view)) in decision.outcomes.iter().zip(&member.views).enumerate() {
                let Some(priors) = priors(&outcome.study.priors, view) else { continue };
                let refit = refits
                    .under(k, &priors)
                    .map_err(|reasons| format!("{}: {}", outcome.name, reasons.join("; ")))?;
                judged.means[k] = refit.means.clone();
                if k == 0 {
                    judged.benefit = refit.benefit.clone();
                }
            }
            Ok(judged)
        })
        .collect();
    let stated_values: Vec<Option<Worth>> = decision.outcomes.iter().map(|o| o.values.clone()).collect();
    let mut members = Vec::new();
    for (p, population) in populations.iter().enumerate() {
        let gain = |values: &[Option<Worth>], means: &[Means]| values::gain(decision, values, means, p);
        let usual = gain(&stated_values, stated);
        for (member, judged) in decision.panel.iter().zip(&judgements) {
            let mut row = PanelRow {
                member: member.name.clone(),
                weight: member.weight,
                population: population.clone(),
                benefit: None,
                expected_gain: None,
                action: None,
                differs: None,
                by: None,
                unavailable: judged.as_ref().err().cloned(),
            };
            if let Ok(judged) = judged {
                row.benefit = judged.benefit[p];
                row.expected_gain = gain(&judged.values, &judged.means);
                row.action = row.expected_gain.map(|g| decision.action(g > 0.0).name.clone());
                let other = |g: Option<f64>| g.zip(usual).map(|(g, usual)| (g > 0.0) != (usual > 0.0));
                row.differs = other(row.expected_gain);
                if row.differs == Some(true) {
                    let by_prior = other(gain(&stated_values, &judged.means)) == Some(true);
                    let by_values = other(gain(&judged.values, stated)) == Some(true);
                    row.by = Some(match (by_prior, by_values) {
                        (true, true) => By::Either,
                        (true, false) => By::Prior,
                        (false, true) => By::Values,
                        (false, false) => By::Both,
                    });
                }
            }
            members.push(row);
        }
    }
    let pools = pools::rows(decision, &judgements, stated, populations, refits);
    Some(Panel { beliefs: beliefs(decision), members, pools })
}

/// The member's where there are any, else the stated ones.
fn own_values(decision: &Decision, member: &Member) -> Vec<Option<Worth>> {
    let both = decision.outcomes.iter().zip(&member.views);
    both.map(|(o, view)| view.values.as_ref().or(o.values.as_ref()).cloned()).collect()
}

fn beliefs(decision: &Decision) -> Vec<Beliefs> {
    let mut all = Vec::new();
    for member in &decision.panel {
        for (k, (outcome, view)) in decision.outcomes.iter().zip(&member.views).enumerate() {
            let prior = priors(&outcome.study.priors, view);
            if prior.is_none() && view.values.is_none() {
                continue;
            }
            all.push(Beliefs {
                member: member.name.clone(),
                outcome: k,
                prior: prior.map(|p| prior_set(&outcome.study, &member.name, p, None)),
                values: view.values.as_ref().or(outcome.values.as_ref()).cloned(),
                own_values: view.values.is_some(),
            });
        }
    }
    all
}
