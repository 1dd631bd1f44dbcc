//! The agreement horizon: after how large a trial the members of a panel would choose alike.

use std::sync::Arc;

use rand_distr::{Distribution, StandardUniform};
use serde::Serialize;

use super::super::Mean;
use super::super::belief::{Asked, Enrolment};
use super::worth::{Stated, Trial, Truth, gains_by_engine, today, truths};
use super::{Plan, not_covered, patients};
use crate::decide::priors_of_view;
use crate::error::Result;
use crate::model::Model;
use crate::parallel;
use crate::sampler::{Purpose, stream};
use crate::study::Worth;

/// Whether the panel would choose alike after a trial of one size.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AgreementRow {
    /// The trial's patients, in all; 0 is today.
    pub patients: u64,
    /// By population, the probability that all members would choose alike; none where the gain is not known.
    pub alike: Vec<Option<Mean>>,
    /// The same in all populations at once.
    pub all: Option<Mean>,
    /// How often each member would choose otherwise than today.
    pub members: Vec<Dissenter>,
}

/// How often a member would choose otherwise than today.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Dissenter {
    /// The member.
    pub member: String,
    /// By population.
    pub changes: Vec<Option<Mean>>,
}

/// The members, by what they believe and what they value.
pub struct Members {
    /// Distinct sets of models.
    models: Vec<Vec<Arc<Model>>>,
    members: Vec<Member>,
    /// Draws from the members' posteriors, each as often as its weight says.
    truths: Vec<Truth>,
}

struct Member {
    name: String,
    /// The place of the member's models.
    believes: usize,
    values: Vec<Option<Worth>>,
    /// The gain by population today.
    gains: Vec<Option<f64>>,
}

impl Members {
    /// None without a panel, or without values.
    pub fn of(asked: &Asked<'_>, stated: &Stated, plan: &Plan) -> Result<Option<Members>> {
        let decision = asked.decision;
        let has_values =
            |views: &[crate::study::View]| views.iter().any(|v| v.values.is_some()) || decision.has_values();
        if decision.panel.is_empty() || !decision.panel.iter().all(|m| has_values(&m.views)) {
            return Ok(None);
        }
        let mut models: Vec<Vec<Arc<Model>>> = vec![stated.models.clone()];
        let mut members = Vec::new();
        for member in &decision.panel {
            let own = asked.models(|k| priors_of_view(&decision.outcomes[k].study.priors, &member.views[k]));
            let believes = models.iter().position(|known| *known == own).unwrap_or_else(|| {
                models.push(own);
                models.len() - 1
            });
            let both = decision.outcomes.iter().zip(&member.views);
            let values: Vec<Option<Worth>> =
                both.map(|(o, view)| view.values.as_ref().or(o.values.as_ref()).cloned()).collect();
            let gains = gains_by_engine(asked, &models[believes], &values);
            members.push(Member { name: member.name.clone(), believes, values, gains });
        }
        let truths = pooled(asked, &models, &members, plan)?;
        Ok(Some(Members { models, members, truths }))
    }

    /// How many sets of posteriors a size takes.
    pub fn fits(&self) -> usize {
        self.models.len()
    }

    /// After a trial of this enrolment.
    pub fn row(&self, asked: &Asked<'_>, enrolment: &Enrolment, plan: &Plan) -> Result<AgreementRow> {
        // By member and draw, the gain in every population.
        let mut gains: Vec<Vec<Vec<Option<f64>>>> = vec![Vec::new(); self.members.len()];
        for (b, models) in self.models.iter().enumerate() {
            let holders: Vec<usize> =
                (0..self.members.len()).filter(|m| self.members[*m].believes == b).collect();
            if holders.is_empty() {
                continue;
            }
            let beliefs = asked.beliefs(models, enrolment);
            let trial =
                Trial { enrolment: enrolment.clone(), beliefs: beliefs.map_err(|n| not_covered(&n))? };
            let found = trial.each(asked, &self.truths, plan.seed, |found| {
                holders.iter().map(|m| asked.gains(&self.members[*m].values, found)).collect::<Vec<_>>()
            });
            for by_holder in found {
                for (m, of) in holders.iter().zip(by_holder) {
                    gains[*m].push(of);
                }
            }
        }
        let populations = asked.populations.len();
        let alike_in = |r: usize, p: usize| -> Option<bool> {
            let choices: Option<Vec<bool>> = gains.iter().map(|of| of[r][p].map(|g| g > 0.0)).collect();
            choices.map(|c| c.windows(2).all(|w| w[0] == w[1]))
        };
        let draws = 0..self.truths.len();
        let share = |of: &dyn Fn(usize) -> Option<bool>| {
            let cases: Option<Vec<bool>> = draws.clone().map(of).collect();
            cases.map(|cases| Mean::share(cases.into_iter()))
        };
        let alike = (0..populations).map(|p| share(&|r| alike_in(r, p))).collect();
        let all = share(&|r| {
            let each: Option<Vec<bool>> = (0..populations).map(|p| alike_in(r, p)).collect();
            each.map(|each| each.iter().all(|alike| *alike))
        });
        let of_member = |m: usize| Dissenter {
            member: self.members[m].name.clone(),
            changes: (0..populations)
                .map(|p| {
                    let before = self.members[m].gains[p]? > 0.0;
                    share(&|r| gains[m][r][p].map(|after| (after > 0.0) != before))
                })
                .collect(),
        };
        let members = (0..self.members.len()).map(of_member).collect();
        Ok(AgreementRow { patients: patients(enrolment), alike, all, members })
    }
}

/// Draws from the pool of the members' posteriors, each by a member who is chosen by weight.
fn pooled(
    asked: &Asked<'_>,
    models: &[Vec<Arc<Model>>],
    members: &[Member],
    plan: &Plan,
) -> Result<Vec<Truth>> {
    let weights: Vec<f64> = asked.decision.panel.iter().map(|m| m.weight).collect();
    let all: f64 = weights.iter().sum();
    let chosen: Vec<usize> = parallel::range(0..plan.draws, |r| {
        // A stream beside those of the draws themselves.
        let u: f64 = StandardUniform.sample(&mut stream(plan.seed, r, Purpose::Approximation));
        let mut left = u * all;
        let found = weights.iter().position(|w| {
            left -= w;
            left < 0.0
        });
        members[found.unwrap_or(0)].believes
    });
    let mut by_belief = Vec::new();
    for models in models {
        by_belief.push(truths(&today(asked, models)?, plan));
    }
    Ok(chosen.iter().enumerate().map(|(r, b)| by_belief[*b][r].clone()).collect())
}
