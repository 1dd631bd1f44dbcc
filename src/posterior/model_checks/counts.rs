//! Checks of events in two arms.

use super::binomial;
use super::difference::Totals;
use super::effect::{Effect, Nodes};
use super::left_out::Others;
use super::log_odds::{Baseline, LogOdds};
use super::{Check, Compared, Known, Method, ModelChecks, PredictedEffect, Predictive, Told, Untold};
use crate::model::{Cells, Side};
use crate::numeric::LogTable;
use crate::parallel;
use crate::study::{ArmCounts, BaselinePrior, SubgroupCounts};

/// Nodes of an effect are this part of a baseline's width apart at most.
const SHARE: f64 = 0.9;

/// What all subgroups have in common.
struct Common<'a> {
    known: &'a Known<'a>,
    others: &'a Others<'a>,
    /// None under a flat baseline prior.
    baseline: Option<Baseline>,
    /// Whether baselines say nothing of each other.
    independent: bool,
    /// The part of the effect by which each arm's log odds lie above the baseline: control, active.
    shares: [f64; 2],
    /// Both arms' log odds before any data.
    prior: [Told<LogOdds>; 2],
}

/// Every cell and every risk difference.
pub fn checks(known: &Known<'_>, cells: &Cells, others: &Others<'_>) -> ModelChecks {
    let Some(rows) = known.study.data.counts() else { return ModelChecks::none(Untold::NoEstimate) };
    let below = cells.baselines().of.control_share();
    let baseline = Baseline::of(&cells.baselines().prior);
    let shares = [-below, 1.0 - below];
    let prior = shares.map(|c| prior_of_arm(known, baseline.as_ref(), c));
    let independent = matches!(cells.baselines().prior, BaselinePrior::Independent(_));
    let common = Common { known, others, baseline, independent, shares, prior };
    let found: Vec<(Vec<Check>, Told<PredictedEffect>)> =
        parallel::range(0..rows.len(), |g| common.subgroup(g, &rows[g]));
    let (checks, effects): (Vec<_>, Vec<_>) = found.into_iter().unzip();
    ModelChecks { unavailable: None, checks: checks.into_iter().flatten().collect(), effects }
}

/// How close nodes of an effect must be for log odds that have part `c` of it.
fn finest(baseline: &Baseline, c: f64) -> f64 {
    if c == 0.0 { f64::INFINITY } else { SHARE * baseline.finest() / c.abs() }
}

fn table(baseline: &Baseline, c: f64, theta: &Nodes) -> LogTable {
    baseline.with_effect((c != 0.0).then_some((c, theta)))
}

fn prior_of_arm(known: &Known<'_>, baseline: Option<&Baseline>, c: f64) -> Told<LogOdds> {
    let baseline = baseline.ok_or(Untold::Flat)?;
    if c == 0.0 {
        return Ok(LogOdds::Table(baseline.with_effect(None)));
    }
    let theta = Nodes::of(&*known.prior_effect()?, finest(baseline, c)).ok_or(Untold::Unproven)?;
    Ok(LogOdds::Table(table(baseline, c, &theta)))
}

impl Common<'_> {
    fn subgroup(&self, g: usize, row: &SubgroupCounts) -> (Vec<Check>, Told<PredictedEffect>) {
        let totals = Totals::of(row.control(), row.active());
        let of_arms = self.baseline.iter().flat_map(|b| self.shares.map(|c| finest(b, c)));
        let closest = of_arms.chain(totals.map(|t| t.finest())).fold(f64::INFINITY, f64::min);
        let effect = self.others.effect(g, closest);
        let sides = [Side::Control, Side::Active];
        let mut checks: Vec<Check> = [row.control(), row.active()]
            .into_iter()
            .enumerate()
            .filter(|(_, counts)| counts.total > 0)
            .map(|(arm, counts)| self.cell((g, arm), sides[arm], counts, &effect))
            .collect();
        checks.extend(totals.map(|totals| self.difference(g, totals, &effect)));
        (checks, effect.map(|e| e.summary))
    }

    fn cell(&self, (g, arm): (usize, usize), side: Side, n: &ArmCounts, effect: &Told<Effect>) -> Check {
        let predicted = |log_odds: &LogOdds, method| binomial::predicted(log_odds, n.total, n.events, method);
        Check {
            subgroup: g,
            compared: Compared::Events(arm),
            patients: Some(n.total),
            observed: n.events as f64,
            prior: self.prior[arm].as_ref().map(|eta| predicted(eta, Method::Exact)).map_err(|why| *why),
            posterior: self.posterior_of_arm(g, side).map(|(eta, method)| predicted(&eta, method)),
            left_out: self.left_out_of_arm((g, arm), side, effect).map(|(eta, m)| predicted(&eta, m)),
        }
    }

    fn posterior_of_arm(&self, g: usize, side: Side) -> Told<(LogOdds, Method)> {
        if let Some(exact) = self.known.exact {
            let nodes = exact.log_odds(g, side).ok_or(Untold::Unproven)?;
            return Ok((LogOdds::Nodes(Nodes(nodes)), Method::Exact));
        }
        let sampled = self.known.sampled.ok_or(Untold::NotSampled)?;
        let place = if side == Side::Control { 0 } else { 1 };
        let draws: Vec<f64> =
            (0..sampled.chains * sampled.draws).map(|i| sampled.log_odds(g, i)[place]).collect();
        Ok((LogOdds::Nodes(Nodes::of_draws(&draws, None)), Method::Sampled))
    }

    fn left_out_of_arm(
        &self,
        (g, arm): (usize, usize),
        side: Side,
        effect: &Told<Effect>,
    ) -> Told<(LogOdds, Method)> {
        if !self.independent {
            let nodes = self.others.drawn_log_odds(g, side)?;
            return Ok((LogOdds::Nodes(nodes), Method::Sampled));
        }
        let baseline = self.baseline.as_ref().ok_or(Untold::Flat)?;
        let effect = effect.as_ref().map_err(|why| *why)?;
        let method = if self.shares[arm] == 0.0 { Method::Exact } else { effect.summary.method };
        Ok((LogOdds::Table(table(baseline, self.shares[arm], &effect.nodes)), method))
    }

    fn difference(&self, g: usize, totals: Totals, left_out: &Told<Effect>) -> Check {
        let predicted = |effect: &Effect| totals.predicted(&effect.nodes, effect.summary.method);
        let exactly = |theta: &dyn crate::exact::Distribution| -> Told<Predictive> {
            let nodes = Nodes::of(theta, totals.finest()).ok_or(Untold::Unproven)?;
            Ok(totals.predicted(&nodes, Method::Exact))
        };
        let posterior = match (self.known.exact, self.known.sampled) {
            (Some(exact), _) => exactly(&*exact.theta(g)),
            (None, Some(sampled)) => sampled
                .theta
                .get(g)
                .map(|theta| totals.predicted(&Nodes::of_draws(theta, None), Method::Sampled))
                .ok_or(Untold::NotSampled),
            (None, None) => Err(Untold::NotSampled),
        };
        Check {
            subgroup: g,
            compared: Compared::RiskDifference,
            patients: Some(totals.patients()),
            observed: totals.observed(),
            prior: self.known.prior_effect().and_then(|theta| exactly(&*theta)),
            posterior,
            left_out: left_out.as_ref().map(predicted).map_err(|why| *why),
        }
    }
}
