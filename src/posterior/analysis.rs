//! Every quantity that is reported, from the exact posterior and the exact prior.

use std::cell::RefCell;

use rayon::prelude::*;

use super::block::{Block, Reporting, Subject, estimate, parameter, probability, probability_of, statements};
use super::claim::Claim;
use super::estimand::{Measure, Scope, Statement};
use super::nnt::Nnt;
use super::result::{Checks, Estimate, ExactChecks, Parameter, Probability, Quantiles, Settings, Summary};
use crate::exact::{Distribution, ExactPosterior, Resolution, RiskMeasure, Unavailable};
use crate::model::Model;
use crate::numeric::{logistic, logit};
use crate::study::{Data, Pooling, Study};

/// Pairs are reported for up to this many subgroups unless they are asked for.
pub const PAIRS_UP_TO: usize = 6;

const NO_SUMS: &str =
    "averages over this study's patients are sums over subgroups, which this engine does not add up";
const NO_CONVOLUTION: &str = "needs both subgroups' risks at once, which this engine does not convolve";

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
    let (posterior, prior) = rayon::join(
        || ExactPosterior::new(&model, options.resolution),
        || prior_of(&model, options.resolution),
    );
    Assembly::new(study, options).report(posterior.as_ref().map_err(|e| *e), prior.as_ref())
}

/// What the priors alone say about everything that will be reported of a subgroup (and of a pair).
pub fn prior_report(study: &Study, options: Options) -> Option<Report> {
    let model = Model::of(study);
    let prior = prior_of(&model, options.resolution)?;
    let data = match &study.data {
        Data::Counts(rows) => Data::Counts(rows.iter().take(2).cloned().collect()),
        Data::Estimates(rows) => Data::Estimates(rows.iter().take(2).cloned().collect()),
    };
    let study = Study { data, ..study.clone() };
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
    /// The effect's measure, and the contrast of two effects.
    effect: Measure,
    contrast: Measure,
}

/// A posterior, or the reason why there is none.
type Found<'a> = Result<&'a ExactPosterior, &'a str>;

impl<'a> Assembly<'a> {
    fn new(study: &'a Study, options: Options) -> Assembly<'a> {
        Assembly {
            names: study.data.names().into_iter().map(str::to_string).collect(),
            sign: study.outcome.higher_is.sign(),
            counts: matches!(study.data, Data::Counts(_)),
            effect: Measure::of(study.outcome.scale),
            contrast: Measure::contrast_of(study.outcome.scale),
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
        let reason = posterior.err().map(|e| e.to_string());
        let found: Found<'_> = posterior.map_err(|_| reason.as_deref().unwrap_or_default());
        let pairs = self.pairs();
        // Independent pieces of work, the shared rows first, then subgroups, then pairs: always in this order.
        let pieces: Vec<Piece> = std::iter::once(Piece::Shared)
            .chain((0..self.names.len()).map(Piece::Subgroup))
            .chain(pairs.iter().map(|&(a, b)| Piece::Pair(a, b)))
            .collect();
        let (mut blocks, prior_block): (Vec<Block>, Block) = rayon::join(
            || pieces.into_par_iter().map(|piece| self.piece(piece, found, prior)).collect(),
            || self.prior_block(prior, !pairs.is_empty()),
        );
        for block in &mut blocks {
            block.beside(&prior_block);
            block.claim = found.ok().and_then(|_| self.claim(block));
        }
        if let Some(tau) = found.ok().and_then(ExactPosterior::tau) {
            for (g, block) in blocks[1..=self.names.len()].iter_mut().enumerate() {
                block.estimates.push(self.shrinkage(g, tau));
            }
        }
        let mut report = Report {
            settings: Settings {
                engine: "exact",
                refinement: self.options.resolution.refinement,
                pairs: !pairs.is_empty(),
                interval: 0.95,
            },
            checks: checks(found.ok(), reason.clone()),
            parameters: Vec::new(),
            estimates: Vec::new(),
            probabilities: Vec::new(),
            claims: Vec::new(),
            heterogeneity_learned: learned(
                found.ok().and_then(ExactPosterior::tau),
                prior.and_then(ExactPosterior::tau),
            ),
        };
        // Parameters in the model's order: μ, τ, every θ, every α.
        let mut baselines = Vec::new();
        for block in blocks {
            let (alpha, rest): (Vec<_>, Vec<_>) =
                block.parameters.into_iter().partition(|p| p.name.starts_with("alpha"));
            report.parameters.extend(rest);
            baselines.extend(alpha);
            report.estimates.extend(block.estimates);
            report.probabilities.extend(block.probabilities);
            report.claims.extend(block.claim);
        }
        report.parameters.append(&mut baselines);
        report
    }

    fn piece(&self, piece: Piece, found: Found<'_>, prior: Option<&ExactPosterior>) -> Block {
        match piece {
            Piece::Shared => self.shared(found),
            Piece::Subgroup(g) => self.subgroup(g, found, prior),
            Piece::Pair(a, b) => self.pair(a, b, found),
        }
    }

    /// Every kind of row once, under the prior.
    fn prior_block(&self, prior: Option<&ExactPosterior>, pairs: bool) -> Block {
        let Some(prior) = prior else { return Block::default() };
        let mut block = self.shared(Ok(prior));
        let mut add = |more: Block| {
            block.parameters.extend(more.parameters);
            block.estimates.extend(more.estimates);
            block.probabilities.extend(more.probabilities);
        };
        add(self.subgroup(0, Ok(prior), None));
        if pairs && self.names.len() > 1 {
            add(self.pair(0, 1, Ok(prior)));
        }
        block
    }

    /// μ, τ, the mean and the new subgroup, and what needs sampling.
    fn shared(&self, found: Found<'_>) -> Block {
        let mut block = Block::default();
        let posterior = found.ok();
        let mu = posterior.and_then(ExactPosterior::mu);
        block.parameters.extend(mu.as_deref().map(|d| parameter("mu".to_string(), d)));
        let tau = posterior.and_then(ExactPosterior::tau);
        block.parameters.extend(tau.map(|d| parameter("tau".to_string(), d)));
        if self.study.pooling != Pooling::None {
            let new = posterior.and_then(ExactPosterior::theta_new);
            for (scope, theta) in [(Scope::Mean, mu), (Scope::New, new)] {
                self.effect(&mut block, &Subject::shared(scope), theta.as_deref(), found.err());
            }
        }
        if self.counts {
            let reason = found.err().unwrap_or(NO_SUMS);
            let subject = Subject::shared(Scope::Overall);
            let risks = [Measure::RiskControl, Measure::RiskActive, Measure::RiskDifference];
            for measure in risks.into_iter().chain([Measure::RiskRatio, Measure::OddsRatio]) {
                block.estimates.push(estimate(&subject, measure, None, Some(reason)));
            }
            for (statement, t) in statements(0.0, &self.study.thresholds.risk_difference) {
                let row = (statement, Measure::RiskDifference, t);
                block.probabilities.push(probability(&subject, row, None, Some(reason)));
            }
        }
        block
    }

    /// An effect on its own scale: summary, benefit and harm, and the thresholds of its measure.
    fn effect(
        &self,
        block: &mut Block,
        subject: &Subject,
        theta: Option<&dyn Distribution>,
        reason: Option<&str>,
    ) {
        let logarithm = self.study.outcome.scale.is_ratio();
        let reporting = theta.map(|distribution| Reporting { measure: self.effect, distribution, logarithm });
        block.estimates.push(estimate(subject, self.effect, reporting.map(|r| r.summary()), reason));
        let thresholds = self.study.thresholds.of(self.study.outcome.scale.key());
        self.statements(block, subject, self.effect, thresholds, reporting, reason);
    }

    fn statements(
        &self,
        block: &mut Block,
        subject: &Subject,
        measure: Measure,
        thresholds: &[f64],
        reporting: Option<Reporting<'_>>,
        reason: Option<&str>,
    ) {
        // The same few values are asked for again and again: benefit and harm share one, equivalence asks for two.
        let known = RefCell::new(Vec::<(f64, f64)>::new());
        let below = |x: f64, of: &Reporting<'_>| {
            let found = known.borrow().iter().find(|k| k.0 == x).map(|k| k.1);
            found.unwrap_or_else(|| {
                let p = of.below(x);
                known.borrow_mut().push((x, p));
                p
            })
        };
        for (statement, t) in statements(measure.null(), thresholds) {
            let exact =
                reporting.map(|r| probability_of(statement, t, measure.axis(), self.sign, &|x| below(x, &r)));
            block.probabilities.push(probability(subject, (statement, measure, t), exact, reason));
        }
    }

    fn subgroup(&self, g: usize, found: Found<'_>, prior: Option<&ExactPosterior>) -> Block {
        let mut block = Block::default();
        let name = self.names[g].as_str();
        let subject = Subject::subgroup(name);
        let theta = found.ok().map(|p| p.theta(g));
        block.parameters.extend(theta.as_deref().map(|d| parameter(format!("theta[{name}]"), d)));
        self.effect(&mut block, &subject, theta.as_deref(), found.err());
        if self.counts {
            self.risks(&mut block, g, found, prior);
        }
        block
    }

    /// Risks, their difference and ratio, and the statements about the difference.
    fn risks(&self, block: &mut Block, g: usize, found: Found<'_>, prior: Option<&ExactPosterior>) {
        let name = &self.names[g];
        let subject = Subject::subgroup(name);
        let posterior = |measure| found.ok().and_then(|p| p.risk(g, measure));
        let alpha = posterior(RiskMeasure::LogOddsControl);
        block.parameters.extend(alpha.as_deref().map(|d| parameter(format!("alpha[{name}]"), d)));
        let mut control_risk = None;
        for (measure, risk, key) in RISKS {
            let distribution = posterior(risk);
            let reporting =
                distribution.as_deref().map(|d| Reporting { measure, distribution: d, logarithm: false });
            let mut row = estimate(&subject, measure, reporting.map(|r| r.summary()), found.err());
            if measure == Measure::RiskControl {
                control_risk = row.reported.median;
            }
            if measure == Measure::RiskDifference {
                row.nnt = row.exact.map(|s| Nnt::of(&s.quantiles, self.sign));
            }
            block.estimates.push(row);
            let thresholds = self.study.thresholds.of(key);
            if measure == Measure::RiskDifference || !thresholds.is_empty() {
                self.statements(block, &subject, measure, thresholds, reporting, found.err());
            }
        }
        if let (Some(p0), Some(prior)) = (control_risk, prior) {
            self.at_control_risk(block, p0, &*prior.theta(0));
        }
    }

    /// Risk-difference statements under the effect prior alone, the control risk held where the posterior has it.
    fn at_control_risk(&self, block: &mut Block, p0: f64, theta: &dyn Distribution) {
        let alpha = logit(p0);
        let below = |x: f64| {
            let p1 = logistic(alpha) + x;
            if p1 <= 0.0 {
                0.0
            } else if p1 >= 1.0 {
                1.0
            } else if x == 0.0 {
                theta.cdf(0.0)
            } else {
                theta.cdf(logit(p1) - alpha)
            }
        };
        for row in block.probabilities.iter_mut().filter(|p| p.measure == Measure::RiskDifference) {
            let axis = row.measure.axis();
            row.prior_at_control_risk =
                Some(probability_of(row.statement, row.threshold, axis, self.sign, &below));
        }
    }

    /// v/(v + τ²) falls as τ rises, so its quantiles are τ's from the other end.
    fn shrinkage(&self, g: usize, tau: &dyn Distribution) -> Estimate {
        let subject = Subject::subgroup(&self.names[g]);
        let v = match &self.study.data {
            Data::Estimates(rows) => rows[g].se * rows[g].se,
            Data::Counts(rows) => [&rows[g].control, &rows[g].active]
                .into_iter()
                .map(|arm| 1.0 / arm.events as f64 + 1.0 / (arm.total - arm.events) as f64)
                .sum(),
        };
        let q = |p: f64| {
            let tau = tau.quantile(1.0 - p);
            v / (v + tau * tau)
        };
        let summary = v.is_finite().then(|| Summary {
            mean: None,
            sd: None,
            quantiles: Quantiles { median: q(0.5), q2_5: q(0.025), q97_5: q(0.975) },
        });
        let reason = "with an empty cell the subgroup's own log odds ratio has no standard error";
        estimate(&subject, Measure::Shrinkage, summary, Some(reason))
    }

    /// The sentence's content, from a subgroup's rows.
    fn claim(&self, block: &Block) -> Option<Claim> {
        let measure = if self.counts { Measure::RiskDifference } else { self.effect };
        let benefit = block.probabilities.iter().find(|p| {
            p.scope == Scope::Subgroup && p.statement == Statement::Benefit && p.measure == measure
        })?;
        let row = block.estimates.iter().find(|e| e.scope == Scope::Subgroup && e.measure == measure)?;
        Some(Claim::new(
            benefit.subgroup.as_deref()?,
            benefit.exact?,
            benefit.prior,
            row.exact?.quantiles,
            row.nnt.as_ref().map(|n| n.text.clone()),
        ))
    }

    fn pair(&self, a: usize, b: usize, found: Found<'_>) -> Block {
        let mut block = Block::default();
        let (first, second) = (self.names[a].as_str(), self.names[b].as_str());
        let (subject, swapped) = (Subject::pair(first, second), Subject::pair(second, first));
        let pair = found.ok().map(|p| p.pair(a, b));
        let reporting = pair.as_ref().map(|p| Reporting {
            measure: self.contrast,
            distribution: &*p.difference,
            logarithm: self.study.outcome.scale.is_ratio(),
        });
        let summary: Option<Summary> = reporting.map(|r| r.summary());
        block.estimates.push(estimate(&subject, self.contrast, summary, found.err()));
        if self.counts {
            let reason = found.err().unwrap_or(NO_CONVOLUTION);
            let measure = Measure::DifferenceOfRiskDifferences;
            block.estimates.push(estimate(&subject, measure, None, Some(reason)));
        }
        let null = self.contrast.null();
        let greater = reporting.map(|r| {
            let below = |x: f64| r.below(x);
            probability_of(Statement::GreaterBenefit, null, self.contrast.axis(), self.sign, &below)
        });
        let row = (Statement::GreaterBenefit, self.contrast, null);
        block.probabilities.push(probability(&subject, row, greater, found.err()));
        let opposed = pair.as_ref().map(|p| {
            let (up, down) = (p.first_above_second_below, p.first_below_second_above);
            if self.sign > 0.0 { [up, down] } else { [down, up] }
        });
        let row = (Statement::BenefitAndHarm, self.effect, self.effect.null());
        block.probabilities.push(probability(&subject, row, opposed.map(|o| o[0]), found.err()));
        block.probabilities.push(probability(&swapped, row, opposed.map(|o| o[1]), found.err()));
        block
    }
}

#[derive(Debug, Clone, Copy)]
enum Piece {
    Shared,
    Subgroup(usize),
    Pair(usize, usize),
}

/// Measures of the two risks, and the key of their thresholds.
const RISKS: [(Measure, RiskMeasure, &str); 4] = [
    (Measure::RiskControl, RiskMeasure::Control, ""),
    (Measure::RiskActive, RiskMeasure::Active, ""),
    (Measure::RiskDifference, RiskMeasure::Difference, "risk_difference"),
    (Measure::RiskRatio, RiskMeasure::Ratio, "risk_ratio"),
];

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

/// Kolmogorov's distance between two distributions of τ, over nineteen quantiles of either.
fn learned(posterior: Option<&dyn Distribution>, prior: Option<&dyn Distribution>) -> Option<f64> {
    let (posterior, prior) = (posterior?, prior?);
    let gap = |a: &dyn Distribution, b: &dyn Distribution, p: f64| (a.cdf(b.quantile(p)) - p).abs();
    let points = (1..20).map(|i| f64::from(i) / 20.0);
    Some(points.map(|p| gap(prior, posterior, p).max(gap(posterior, prior, p))).fold(0.0, f64::max))
}
