//! Every quantity that is reported, from the exact posterior and the exact prior.

use rayon::prelude::*;

use super::claim::Claim;
use super::estimand::{Axis, Measure, Scope, Statement};
use super::nnt::Nnt;
use super::result::{
    Checks, Estimate, ExactChecks, Parameter, Probability, Quantiles, Reported, Settings, Summary,
};
use crate::exact::{Distribution, ExactPosterior, Pair, Resolution, RiskMeasure, Unavailable};
use crate::model::Model;
use crate::numeric::{logistic, logit};
use crate::study::{Data, Pooling, Study};

/// Pairs are reported for up to this many subgroups unless they are asked for.
pub const PAIRS_UP_TO: usize = 6;

/// What is computed, and how finely.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    pub resolution: Resolution,
    /// Report pairs however many subgroups there are.
    pub all_pairs: bool,
}

/// All results of a study.
#[derive(Debug, Clone)]
pub struct Report {
    pub settings: Settings,
    pub checks: Checks,
    pub parameters: Vec<Parameter>,
    pub estimates: Vec<Estimate>,
    pub probabilities: Vec<Probability>,
    /// One a subgroup; empty where there are no numbers.
    pub claims: Vec<Claim>,
    /// The largest distance between the distribution functions of τ before and after the data.
    pub heterogeneity_learned: Option<f64>,
}

/// Fits the study by the exact engine, and its priors beside it.
pub fn analyse(study: &Study, options: Options) -> Report {
    let model = Model::of(study);
    let posterior = ExactPosterior::new(&model, options.resolution);
    let prior = prior_of(&model, options.resolution);
    Assembly::new(study, options).report(posterior.as_ref().map_err(|e| *e), prior.as_ref())
}

/// What the priors alone say about everything that will be reported of a subgroup (and of a pair).
pub fn prior_report(study: &Study, options: Options) -> Option<Report> {
    let model = Model::of(study);
    let prior = prior_of(&model, options.resolution)?;
    let study = Study {
        data: match &study.data {
            Data::Counts(rows) => Data::Counts(rows.iter().take(2).cloned().collect()),
            Data::Estimates(rows) => Data::Estimates(rows.iter().take(2).cloned().collect()),
        },
        ..study.clone()
    };
    Some(Assembly::new(&study, options).report(Ok(&prior), None))
}

/// The model before any data: one subgroup stands for all, two for all pairs.
fn prior_of(model: &Model, resolution: Resolution) -> Option<ExactPosterior> {
    if !model.effect.is_proper() {
        return None;
    }
    ExactPosterior::new(&model.without_data(2), resolution).ok()
}

struct Assembly<'a> {
    study: &'a Study,
    options: Options,
    names: Vec<String>,
    sign: f64,
    counts: bool,
}

/// What one subgroup, one pair or one shared quantity contributes.
#[derive(Default)]
struct Block {
    parameters: Vec<Parameter>,
    estimates: Vec<Estimate>,
    probabilities: Vec<Probability>,
    claim: Option<Claim>,
}

/// A distribution with the scale it is reported on.
struct Reporting<'a> {
    measure: Measure,
    distribution: &'a dyn Distribution,
    /// The distribution is of the logarithm of what is reported.
    logarithm: bool,
}

impl Reporting<'_> {
    fn summary(&self) -> Summary {
        let out = |x: f64| if self.logarithm { libm::exp(x) } else { x };
        let q = |p: f64| out(self.distribution.quantile(p));
        let ratio = self.measure.axis() == Axis::Ratio;
        Summary {
            // The mean of a ratio need not exist; its median and interval do.
            mean: if ratio { None } else { self.distribution.mean() },
            sd: if ratio { None } else { self.distribution.sd() },
            quantiles: Quantiles { median: q(0.5), q2_5: q(0.025), q97_5: q(0.975) },
        }
    }

    fn below(&self, value: f64) -> f64 {
        self.distribution.cdf(if self.logarithm { libm::log(value) } else { value })
    }
}

/// The value as far from no effect on the other side.
fn opposite(axis: Axis, threshold: f64) -> f64 {
    match axis {
        Axis::Additive => -threshold,
        Axis::Ratio => 1.0 / threshold,
    }
}

/// P(statement) from "the probability below": the one place where direction enters.
fn probability_of(
    statement: Statement,
    threshold: f64,
    axis: Axis,
    sign: f64,
    below: &dyn Fn(f64) -> f64,
) -> f64 {
    let other = opposite(axis, threshold);
    let null = match axis {
        Axis::Additive => 0.0,
        Axis::Ratio => 1.0,
    };
    let above = |x: f64| 1.0 - below(x);
    match (statement, sign > 0.0) {
        (Statement::Benefit | Statement::GreaterBenefit, true) | (Statement::Harm, false) => above(null),
        (Statement::Benefit | Statement::GreaterBenefit, false) | (Statement::Harm, true) => below(null),
        (Statement::BenefitAtLeast, true) | (Statement::HarmAtLeast, false) => above(threshold),
        (Statement::BenefitAtLeast, false) | (Statement::HarmAtLeast, true) => below(other),
        (Statement::Equivalent, _) => (below(threshold) - below(other)).max(0.0),
        (Statement::BenefitAndHarm, _) => f64::NAN,
    }
}

impl<'a> Assembly<'a> {
    fn new(study: &'a Study, options: Options) -> Assembly<'a> {
        Assembly {
            names: study.data.names().into_iter().map(str::to_string).collect(),
            sign: study.outcome.higher_is.sign(),
            counts: matches!(study.data, Data::Counts(_)),
            study,
            options,
        }
    }

    fn pairs(&self) -> Vec<(usize, usize)> {
        let n = self.names.len();
        if n > PAIRS_UP_TO && !self.options.all_pairs {
            return Vec::new();
        }
        (0..n).flat_map(|a| (a + 1..n).map(move |b| (a, b))).collect()
    }

    fn report(
        &self,
        posterior: Result<&ExactPosterior, Unavailable>,
        prior: Option<&ExactPosterior>,
    ) -> Report {
        let found = posterior.ok();
        let reason = posterior.err().map(|e| e.to_string());
        let shared = self.shared(found, prior, reason.as_deref());
        let prior_marginals = PriorMarginals::new(prior);
        let subgroups: Vec<Block> = (0..self.names.len())
            .into_par_iter()
            .map(|g| self.subgroup(g, found, &prior_marginals, reason.as_deref()))
            .collect();
        let prior_pair = if self.names.len() > 1 { prior.map(|p| p.pair(0, 1)) } else { None };
        let prior_pair = prior_pair.as_ref().map(|p| self.pair_figures(p));
        let pairs: Vec<Block> = self
            .pairs()
            .into_par_iter()
            .map(|(a, b)| {
                let figures = found.map(|p| self.pair_figures(&p.pair(a, b)));
                self.pair((a, b), figures.as_ref(), prior_pair.as_ref(), reason.as_deref())
            })
            .collect();
        let mut report = Report {
            settings: Settings {
                engine: "exact",
                refinement: self.options.resolution.refinement,
                pairs: !self.pairs().is_empty(),
                interval: 0.95,
            },
            checks: checks(found, reason),
            parameters: Vec::new(),
            estimates: Vec::new(),
            probabilities: Vec::new(),
            claims: Vec::new(),
            heterogeneity_learned: learned(
                found.and_then(ExactPosterior::tau),
                prior.and_then(ExactPosterior::tau),
            ),
        };
        // Parameters in the model's order: μ, τ, every θ, every α.
        let (mut theta, mut alpha) = (Vec::new(), Vec::new());
        let mut blocks = vec![shared];
        blocks.extend(subgroups);
        blocks.extend(pairs);
        for block in blocks {
            for parameter in block.parameters {
                if parameter.name.starts_with("alpha") {
                    alpha.push(parameter);
                } else {
                    theta.push(parameter);
                }
            }
            report.estimates.extend(block.estimates);
            report.probabilities.extend(block.probabilities);
            report.claims.extend(block.claim);
        }
        theta.append(&mut alpha);
        report.parameters = theta;
        report
    }

    /// μ, τ, the mean and the new subgroup, and what needs sampling.
    fn shared(
        &self,
        found: Option<&ExactPosterior>,
        prior: Option<&ExactPosterior>,
        reason: Option<&str>,
    ) -> Block {
        let mut block = Block::default();
        let measure = Measure::of(self.study.outcome.scale);
        let mu = found.and_then(ExactPosterior::mu);
        let prior_mu = prior.and_then(ExactPosterior::mu);
        if let Some(mu) = &mu {
            block.parameters.push(parameter("mu".to_string(), &**mu, prior_mu.as_deref()));
        }
        if let Some(tau) = found.and_then(ExactPosterior::tau) {
            let prior_tau = prior.and_then(ExactPosterior::tau);
            block.parameters.push(parameter("tau".to_string(), tau, prior_tau));
        }
        let new = found.and_then(ExactPosterior::theta_new);
        let prior_new = prior.and_then(ExactPosterior::theta_new);
        if self.study.pooling != Pooling::None {
            for (scope, theta, prior_theta) in [(Scope::Mean, &mu, &prior_mu), (Scope::New, &new, &prior_new)]
            {
                self.effect(
                    &mut block,
                    (scope, None),
                    measure,
                    theta.as_deref(),
                    prior_theta.as_deref(),
                    reason,
                );
            }
        }
        if self.counts {
            let reason = reason.unwrap_or(
                "averages over this study's patients are sums of subgroups, which this engine does not add up",
            );
            for measure in [
                Measure::RiskControl,
                Measure::RiskActive,
                Measure::RiskDifference,
                Measure::RiskRatio,
                Measure::OddsRatio,
            ] {
                block.estimates.push(missing_estimate(Scope::Overall, [None, None], measure, reason));
            }
            for statement in [Statement::Benefit, Statement::Harm] {
                block.probabilities.push(missing_probability(
                    Scope::Overall,
                    [None, None],
                    (statement, Measure::RiskDifference, 0.0),
                    reason,
                ));
            }
        }
        block
    }

    /// An effect on its own scale: summary, benefit and harm, and the thresholds of its measure.
    fn effect(
        &self,
        block: &mut Block,
        (scope, subgroup): (Scope, Option<&str>),
        measure: Measure,
        theta: Option<&dyn Distribution>,
        prior: Option<&dyn Distribution>,
        reason: Option<&str>,
    ) {
        let logarithm = self.study.outcome.scale.is_ratio();
        let reporting = |d| Reporting { measure, distribution: d, logarithm };
        let names = [subgroup.map(str::to_string), None];
        let (posterior, prior) = (theta.map(reporting), prior.map(reporting));
        block.estimates.push(estimate(
            scope,
            names.clone(),
            measure,
            posterior.as_ref(),
            prior.as_ref(),
            reason,
        ));
        let thresholds = self.study.thresholds.of(self.study.outcome.scale.key());
        self.statements(
            block,
            (scope, names),
            measure,
            thresholds,
            posterior.as_ref(),
            prior.as_ref(),
            None,
            reason,
        );
    }

    #[allow(clippy::too_many_arguments, reason = "one row of the result table, whose columns these are")]
    fn statements(
        &self,
        block: &mut Block,
        (scope, names): (Scope, [Option<String>; 2]),
        measure: Measure,
        thresholds: &[f64],
        posterior: Option<&Reporting<'_>>,
        prior: Option<&Reporting<'_>>,
        at_control_risk: Option<&dyn Fn(f64) -> f64>,
        reason: Option<&str>,
    ) {
        let null = measure.null();
        let mut wanted = vec![(Statement::Benefit, null), (Statement::Harm, null)];
        for &t in thresholds {
            wanted.extend([
                (Statement::BenefitAtLeast, t),
                (Statement::HarmAtLeast, t),
                (Statement::Equivalent, t),
            ]);
        }
        for (statement, threshold) in wanted {
            let of = |below: &dyn Fn(f64) -> f64| {
                probability_of(statement, threshold, measure.axis(), self.sign, below)
            };
            let exact = posterior.map(|r| of(&|x| r.below(x)));
            block.probabilities.push(Probability {
                scope,
                subgroup: names[0].clone(),
                subgroup_b: names[1].clone(),
                statement,
                measure,
                threshold,
                probability: exact,
                mcse: None,
                exact,
                prior: prior.map(|r| of(&|x| r.below(x))),
                prior_at_control_risk: at_control_risk.map(of),
                unavailable: if exact.is_none() { reason.map(str::to_string) } else { None },
            });
        }
    }

    fn subgroup(
        &self,
        g: usize,
        found: Option<&ExactPosterior>,
        prior: &PriorMarginals<'_>,
        reason: Option<&str>,
    ) -> Block {
        let mut block = Block::default();
        let name = self.names[g].as_str();
        let measure = Measure::of(self.study.outcome.scale);
        let theta = found.map(|p| p.theta(g));
        let prior_theta = prior.theta.as_deref();
        if let Some(theta) = &theta {
            block.parameters.push(parameter(format!("theta[{name}]"), &**theta, prior_theta));
        }
        self.effect(
            &mut block,
            (Scope::Subgroup, Some(name)),
            measure,
            theta.as_deref(),
            prior_theta,
            reason,
        );
        if self.counts {
            self.risks(&mut block, g, found, prior, reason);
        }
        block.claim = theta.map(|_| self.claim(name, &block));
        block
    }

    /// Risks, their difference and ratio, and the statements about the difference.
    fn risks(
        &self,
        block: &mut Block,
        g: usize,
        found: Option<&ExactPosterior>,
        prior: &PriorMarginals<'_>,
        reason: Option<&str>,
    ) {
        let name = &self.names[g];
        let names = [Some(name.clone()), None];
        if let Some(alpha) = found.and_then(|p| p.risk(g, RiskMeasure::LogOddsControl)) {
            let prior_alpha = prior.of(RiskMeasure::LogOddsControl);
            block.parameters.push(parameter(format!("alpha[{name}]"), &*alpha, prior_alpha));
        }
        let mut control_median = None;
        for (measure, risk) in RISKS {
            let distribution = found.and_then(|p| p.risk(g, risk));
            let reporting = |d| Reporting { measure, distribution: d, logarithm: false };
            let posterior = distribution.as_deref().map(reporting);
            let under_prior = prior.of(risk).map(reporting);
            let mut row = estimate(Scope::Subgroup, names.clone(), measure, posterior.as_ref(), None, reason);
            row.prior = prior.summary(risk);
            if measure == Measure::RiskControl {
                control_median = row.reported.median;
            }
            if measure == Measure::RiskDifference {
                row.nnt = row.exact.map(|s| Nnt::of(&s.quantiles, self.sign));
            }
            block.estimates.push(row);
            let key = match measure {
                Measure::RiskDifference => "risk_difference",
                Measure::RiskRatio => "risk_ratio",
                _ => continue,
            };
            let thresholds = self.study.thresholds.of(key);
            let control_log_odds = control_median.map(logit);
            let at_control_risk = control_log_odds.zip(prior.theta.as_deref()).map(|(alpha, theta)| {
                move |x: f64| {
                    let p1 = logistic(alpha) + x;
                    if p1 <= 0.0 {
                        0.0
                    } else if p1 >= 1.0 {
                        1.0
                    } else {
                        theta.cdf(logit(p1) - alpha)
                    }
                }
            });
            let at_control_risk = at_control_risk
                .as_ref()
                .filter(|_| measure == Measure::RiskDifference)
                .map(|f| f as &dyn Fn(f64) -> f64);
            if measure == Measure::RiskRatio && thresholds.is_empty() {
                continue;
            }
            self.statements(
                block,
                (Scope::Subgroup, names.clone()),
                measure,
                thresholds,
                posterior.as_ref(),
                under_prior.as_ref(),
                at_control_risk,
                reason,
            );
        }
    }

    /// The sentence's content, from the rows just made.
    fn claim(&self, name: &str, block: &Block) -> Claim {
        let measure =
            if self.counts { Measure::RiskDifference } else { Measure::of(self.study.outcome.scale) };
        let benefit =
            block.probabilities.iter().find(|p| p.statement == Statement::Benefit && p.measure == measure);
        let row = block.estimates.iter().find(|e| e.measure == measure);
        let effect = row
            .and_then(|r| r.exact)
            .map_or(Quantiles { median: f64::NAN, q2_5: f64::NAN, q97_5: f64::NAN }, |s| s.quantiles);
        Claim::new(
            name,
            benefit.and_then(|b| b.probability).unwrap_or(f64::NAN),
            benefit.and_then(|b| b.prior),
            effect,
            row.and_then(|r| r.nnt.as_ref()).map(|n| n.text.clone()),
        )
    }

    fn pair_figures(&self, pair: &Pair<'_>) -> PairFigures {
        let measure = Measure::contrast_of(self.study.outcome.scale);
        let logarithm = self.study.outcome.scale.is_ratio();
        let reporting = Reporting { measure, distribution: &*pair.difference, logarithm };
        let (first, second) = if self.sign > 0.0 {
            (pair.first_above_second_below, pair.first_below_second_above)
        } else {
            (pair.first_below_second_above, pair.first_above_second_below)
        };
        PairFigures {
            summary: reporting.summary(),
            greater_benefit: probability_of(
                Statement::GreaterBenefit,
                measure.null(),
                measure.axis(),
                self.sign,
                &|x| reporting.below(x),
            ),
            benefit_and_harm: [first, second],
        }
    }

    fn pair(
        &self,
        (a, b): (usize, usize),
        found: Option<&PairFigures>,
        prior: Option<&PairFigures>,
        reason: Option<&str>,
    ) -> Block {
        let mut block = Block::default();
        let contrast = Measure::contrast_of(self.study.outcome.scale);
        let effect = Measure::of(self.study.outcome.scale);
        let names = [Some(self.names[a].clone()), Some(self.names[b].clone())];
        let swapped = [names[1].clone(), names[0].clone()];
        block.estimates.push(Estimate {
            scope: Scope::Pair,
            subgroup: names[0].clone(),
            subgroup_b: names[1].clone(),
            measure: contrast,
            reported: found.map_or_else(Reported::default, |f| Reported::exactly(&f.summary)),
            exact: found.map(|f| f.summary),
            prior: prior.map(|f| f.summary.quantiles),
            nnt: None,
            unavailable: if found.is_none() { reason.map(str::to_string) } else { None },
        });
        if self.counts {
            let reason =
                reason.unwrap_or("needs both subgroups' risks at once, which this engine does not convolve");
            block.estimates.push(missing_estimate(
                Scope::Pair,
                names.clone(),
                Measure::DifferenceOfRiskDifferences,
                reason,
            ));
        }
        let mut state =
            |names: &[Option<String>; 2], statement, measure: Measure, pick: &dyn Fn(&PairFigures) -> f64| {
                let exact = found.map(pick);
                block.probabilities.push(Probability {
                    scope: Scope::Pair,
                    subgroup: names[0].clone(),
                    subgroup_b: names[1].clone(),
                    statement,
                    measure,
                    threshold: measure.null(),
                    probability: exact,
                    mcse: None,
                    exact,
                    prior: prior.map(pick),
                    prior_at_control_risk: None,
                    unavailable: if exact.is_none() { reason.map(str::to_string) } else { None },
                });
            };
        state(&names, Statement::GreaterBenefit, contrast, &|f| f.greater_benefit);
        state(&names, Statement::BenefitAndHarm, effect, &|f| f.benefit_and_harm[0]);
        state(&swapped, Statement::BenefitAndHarm, effect, &|f| f.benefit_and_harm[1]);
        block
    }
}

const RISKS: [(Measure, RiskMeasure); 4] = [
    (Measure::RiskControl, RiskMeasure::Control),
    (Measure::RiskActive, RiskMeasure::Active),
    (Measure::RiskDifference, RiskMeasure::Difference),
    (Measure::RiskRatio, RiskMeasure::Ratio),
];

/// What is said of a pair.
struct PairFigures {
    summary: Summary,
    greater_benefit: f64,
    /// Benefit in the first and harm in the second, then the reverse.
    benefit_and_harm: [f64; 2],
}

/// One subgroup's distributions before its data: the same for every subgroup, summarised once.
struct PriorMarginals<'a> {
    theta: Option<Box<dyn Distribution + 'a>>,
    risks: Vec<(RiskMeasure, Box<dyn Distribution + 'a>, Quantiles)>,
}

impl<'a> PriorMarginals<'a> {
    fn new(prior: Option<&'a ExactPosterior>) -> PriorMarginals<'a> {
        let Some(prior) = prior else {
            return PriorMarginals { theta: None, risks: Vec::new() };
        };
        let measures = RISKS.iter().map(|r| r.1).chain([RiskMeasure::LogOddsControl]);
        let risks = measures
            .filter_map(|measure| {
                let distribution = prior.risk(0, measure)?;
                let q = |p: f64| distribution.quantile(p);
                let quantiles = Quantiles { median: q(0.5), q2_5: q(0.025), q97_5: q(0.975) };
                Some((measure, distribution, quantiles))
            })
            .collect();
        PriorMarginals { theta: Some(prior.theta(0)), risks }
    }

    fn of(&self, measure: RiskMeasure) -> Option<&dyn Distribution> {
        self.risks.iter().find(|r| r.0 == measure).map(|r| &*r.1 as &dyn Distribution)
    }

    fn summary(&self, measure: RiskMeasure) -> Option<Quantiles> {
        self.risks.iter().find(|r| r.0 == measure).map(|r| r.2)
    }
}

fn parameter(name: String, posterior: &dyn Distribution, prior: Option<&dyn Distribution>) -> Parameter {
    let summary = |d: &dyn Distribution| Summary {
        mean: d.mean(),
        sd: d.sd(),
        quantiles: Quantiles { median: d.quantile(0.5), q2_5: d.quantile(0.025), q97_5: d.quantile(0.975) },
    };
    let exact = summary(posterior);
    Parameter {
        name,
        reported: Reported::exactly(&exact),
        exact: Some(exact),
        prior: prior.map(|p| summary(p).quantiles),
    }
}

fn estimate(
    scope: Scope,
    [subgroup, subgroup_b]: [Option<String>; 2],
    measure: Measure,
    posterior: Option<&Reporting<'_>>,
    prior: Option<&Reporting<'_>>,
    reason: Option<&str>,
) -> Estimate {
    let exact = posterior.map(Reporting::summary);
    Estimate {
        scope,
        subgroup,
        subgroup_b,
        measure,
        reported: exact.as_ref().map_or_else(Reported::default, Reported::exactly),
        exact,
        prior: prior.map(|p| p.summary().quantiles),
        nnt: None,
        unavailable: if exact.is_none() { reason.map(str::to_string) } else { None },
    }
}

fn missing_estimate(scope: Scope, names: [Option<String>; 2], measure: Measure, reason: &str) -> Estimate {
    estimate(scope, names, measure, None, None, Some(reason))
}

fn missing_probability(
    scope: Scope,
    [subgroup, subgroup_b]: [Option<String>; 2],
    (statement, measure, threshold): (Statement, Measure, f64),
    reason: &str,
) -> Probability {
    Probability {
        scope,
        subgroup,
        subgroup_b,
        statement,
        measure,
        threshold,
        probability: None,
        mcse: None,
        exact: None,
        prior: None,
        prior_at_control_risk: None,
        unavailable: Some(reason.to_string()),
    }
}

fn checks(found: Option<&ExactPosterior>, reason: Option<String>) -> Checks {
    Checks {
        ok: found.is_some(),
        reasons: reason.iter().map(|r| format!("no engine for this model: {r}")).collect(),
        max_rhat: None,
        min_ess_bulk: None,
        min_ess_tail: None,
        divergences: None,
        min_ebfmi: None,
        exact: ExactChecks {
            available: found.is_some(),
            reason,
            comparisons: 0,
            max_abs_z: None,
            log_marginal_likelihood: found.and_then(ExactPosterior::log_marginal_likelihood),
        },
    }
}

/// Kolmogorov's distance between two distributions of τ, over the quantiles of both.
fn learned(posterior: Option<&dyn Distribution>, prior: Option<&dyn Distribution>) -> Option<f64> {
    let (posterior, prior) = (posterior?, prior?);
    let points = (1..20).map(|i| f64::from(i) / 20.0);
    let gaps = points.flat_map(|p| {
        [(prior.cdf(posterior.quantile(p)) - p).abs(), (posterior.cdf(prior.quantile(p)) - p).abs()]
    });
    Some(gaps.fold(0.0, f64::max))
}
