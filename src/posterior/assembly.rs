//! Every row of the result, from one source of numbers.

use std::sync::Mutex;

use super::block::{Block, estimate, parameter, probability, statements};
use super::claim::{About, Claim, Leaning, Method};
use super::diagnostics::Workspace;
use super::direction::probability_of;
use super::empirical::Empirical;
use super::estimand::{Estimand, Measure, Statement, Whom, primary};
use super::names::Names;
use super::nnt::Nnt;
use super::options::{Detail, Options};
use super::parameter::Parameter;
use super::quantity::{Chance, Found, Quantity, Reporting, Scale};
use super::result::{Probability, Quantiles, Reported, Summary};
use super::sampled::SampledPosterior;
use super::sampled_levels::level_measures;
use super::source::{RiskQuantities, Source};
use crate::exact::Distribution;
use crate::model::Model;
use crate::numeric::{logistic, logit};
use crate::parallel;
use crate::study::{HeterogeneityPrior, Pooling, Population, Study};

/// Pairs are reported for up to this many subgroups unless they are asked for.
pub const PAIRS_UP_TO: usize = 6;

const NO_SUMS: &str =
    "averages over this study's patients are sums over subgroups, which the exact engine does not add up";
const NO_CONVOLUTION: &str = "needs both subgroups' risks at once, which the exact engine does not convolve";

const NO_RISKS: &str =
    "where labels may be wrong the exact engine has both subgroups' effects, but not their risks";

const NO_LEVELS: &str =
    "of ordered levels the exact engine has the effects, but not the probabilities of levels";

const NO_PAIRS: &str = "of Student t effects the exact engine has each by itself, but not two at once";

const UNSETTLED: &str = "the integral over both subgroups' effects did not settle";

/// Why an exact number is left out that could not be proven: masses and quantiles are held against each other.
pub const UNPROVEN: &str = "the exact engine's integral did not settle";

/// The rows of one study.
pub struct Assembly<'a> {
    pub study: &'a Study,
    pub names: Names,
    pairs: Vec<(usize, usize)>,
    sign: f64,
    counts: bool,
    /// The effect's measure, and the contrast of two effects.
    effect: Scale,
    contrast: Scale,
    /// In a brief report the only threshold.
    brief: Option<(Measure, Option<f64>)>,
    /// Whether it has the odds ratios at every cut.
    cuts: bool,
    /// What an allowed bias adds to the variance of each subgroup's own estimate; whether subgroups are labels that may be
    /// wrong.
    added_variances: Vec<f64>,
    /// Of each subgroup's own estimate where it is adjusted for covariates.
    adjusted_variances: Option<Vec<f64>>,
    labelled: bool,
    /// Buffers for whoever works next.
    workspaces: Mutex<Vec<Workspace>>,
}

/// Blocks in the result's order: what is shared, subgroups, pairs.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    pub shared: Block,
    pub subgroups: Vec<Block>,
    pub pairs: Vec<Block>,
}

impl Rows {
    pub fn blocks(&self) -> impl Iterator<Item = &Block> {
        std::iter::once(&self.shared).chain(&self.subgroups).chain(&self.pairs)
    }

    pub fn blocks_mut(&mut self) -> impl Iterator<Item = &mut Block> {
        std::iter::once(&mut self.shared).chain(&mut self.subgroups).chain(&mut self.pairs)
    }

    /// Puts the exact engine's numbers into rows that were sampled.
    pub fn put_exact(&mut self, exact: &Rows) {
        self.blocks_mut().zip(exact.blocks()).for_each(|(block, exact)| block.put_exact(exact));
    }
}

impl<'a> Assembly<'a> {
    pub fn new(study: &'a Study, model: &Model, options: Options) -> Assembly<'a> {
        let names = Names::of(study);
        let n = names.subgroups.len();
        let pairs = if n > PAIRS_UP_TO && !options.all_pairs {
            Vec::new()
        } else {
            (0..n).flat_map(|a| (a + 1..n).map(move |b| (a, b))).collect()
        };
        let logarithm = study.outcome.scale.is_ratio();
        let biased = study.bias.is_some();
        let added = |g: usize| if biased { model.moved_by_bias(study, g).1 } else { 0.0 };
        Assembly {
            added_variances: (0..n).map(added).collect(),
            adjusted_variances: model
                .observation
                .rows()
                .map(|r| (0..n).map(|g| r.effect_variance(g)).collect()),
            labelled: model.observation.misclassification().is_some(),
            pairs,
            names,
            sign: study.outcome.higher_is.sign(),
            counts: study.data.has_risks(),
            effect: Scale { measure: Measure::of(study.outcome.scale), logarithm },
            contrast: Scale { measure: Measure::contrast_of(study.outcome.scale), logarithm },
            study,
            brief: match options.detail {
                Detail::Full => None,
                Detail::Brief => Some(primary(study)),
                Detail::Cuts => Some((Measure::WinProbability, None)),
            },
            cuts: options.detail == Detail::Cuts,
            workspaces: Mutex::new(Vec::new()),
        }
    }

    /// The thresholds of a measure that are asked for.
    fn thresholds(&self, measure: Measure) -> Vec<f64> {
        match self.brief {
            Some((asked, at)) => at.filter(|_| asked == measure).into_iter().collect(),
            None => self.study.thresholds.of(measure).to_vec(),
        }
    }

    /// Whether there is one heterogeneity, and it is estimated.
    fn shrinks(&self) -> bool {
        let prior = self.study.priors.heterogeneity.as_ref().map(|h| h.distribution);
        let estimated = !matches!(prior, None | Some(HeterogeneityPrior::Fixed { .. }));
        estimated && self.study.pooling == Pooling::Partial
    }

    fn subgroups(&self) -> usize {
        self.names.subgroups.len()
    }

    pub fn has_pairs(&self) -> bool {
        !self.pairs.is_empty()
    }

    /// All rows; `reason` says why the source has no number where it has none.
    pub fn rows(&self, source: Source<'_>, reason: &str) -> Rows {
        let pieces = 1 + self.subgroups() + self.pairs.len();
        let mut blocks: Vec<Block> =
            parallel::range(0..pieces, |i| self.lent(|w| self.piece(i, (source, true), reason, w)));
        let pairs = blocks.split_off(1 + self.subgroups());
        let mut subgroups = blocks.split_off(1);
        let mut shared = blocks.pop().unwrap_or_default();
        // Every subgroup's shrinkage follows from τ, and was made with it.
        let shrinkages = shared.estimates.extract_if(.., |e| e.estimand.measure == Measure::Shrinkage);
        shrinkages.zip(&mut subgroups).for_each(|(row, block)| block.estimates.push(row));
        Rows { shared, subgroups, pairs }
    }

    /// All rows of subgroups and pairs, in their places, with numbers at least in those of risks.
    pub fn rows_of_risks(&self, source: Source<'_>) -> Rows {
        let pieces = self.subgroups() + self.pairs.len();
        let mut subgroups: Vec<Block> =
            parallel::range(0..pieces, |i| self.lent(|w| self.piece(1 + i, (source, false), "", w)));
        let pairs = subgroups.split_off(self.subgroups());
        Rows { shared: Block::default(), subgroups, pairs }
    }

    /// Every kind of row once: what is shared, one subgroup, one pair. Shrinkage is not among them: it is each subgroup's own.
    pub fn kinds(&self, source: Source<'_>) -> Block {
        let first_pair = self.pairs.first().map(|_| 1 + self.subgroups());
        let mut all = Block::default();
        for i in [Some(0), Some(1), first_pair].into_iter().flatten() {
            let mut block = self.lent(|w| self.piece(i, (source, true), "", w));
            block.estimates.retain(|e| e.estimand.measure != Measure::Shrinkage);
            all.parameters.extend(block.parameters);
            all.estimates.extend(block.estimates);
            all.probabilities.extend(block.probabilities);
        }
        all
    }

    /// Work with buffers that are given back.
    fn lent<T>(&self, work: impl FnOnce(&mut Workspace) -> T) -> T {
        let held = self.workspaces.lock().ok().and_then(|mut free| free.pop());
        let mut workspace = held.unwrap_or_default();
        let done = work(&mut workspace);
        if let Ok(mut free) = self.workspaces.lock() {
            free.push(workspace);
        }
        done
    }

    fn piece(
        &self,
        i: usize,
        (source, levels): (Source<'_>, bool),
        reason: &str,
        workspace: &mut Workspace,
    ) -> Block {
        let mut rows = Filling { assembly: self, source, levels, reason, workspace, block: Block::default() };
        let subgroups = self.subgroups();
        if i == 0 {
            rows.shared();
        } else if i <= subgroups {
            rows.subgroup(i - 1);
        } else {
            rows.pair(self.pairs[i - 1 - subgroups]);
        }
        rows.block
    }

    /// Risk-difference statements under the effect prior alone, the control risk held where the posterior has it.
    pub fn put_prior_at_control_risk(&self, block: &mut Block, theta: &dyn Distribution) {
        // Averages over different patients are moved by no one odds ratio.
        let population = self.study.adjustment.as_ref().map(|a| a.population);
        if !matches!(population, None | Some(Population::BaselineRisk(_))) {
            return;
        }
        let row = block.estimate(Measure::RiskControl);
        let Some(p0) = row.and_then(|e| e.best()).map(|q| q.median) else { return };
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
        let of_difference = |p: &&mut Probability| p.estimand.measure == Measure::RiskDifference;
        for row in block.probabilities.iter_mut().filter(of_difference) {
            let axis = row.estimand.measure.axis();
            row.prior_at_control_risk =
                Some(probability_of(row.statement, row.threshold, axis, self.sign, &below));
        }
    }

    /// Statements about the risk difference over the study's patients under the effect prior alone: every subgroup's control
    /// risk is held where the posterior has it, and its effect is drawn from the prior.
    pub fn put_overall_prior_at_control_risk(&self, rows: &mut Rows, prior: &SampledPosterior) {
        if self.study.adjustment.is_some() {
            return;
        }
        let of_control = |block: &Block| block.estimate(Measure::RiskControl)?.best().map(|q| q.median);
        let Some(control) = rows.subgroups.iter().map(of_control).collect::<Option<Vec<f64>>>() else {
            return;
        };
        let Some(differences) = prior.overall_difference_at(&control) else { return };
        let prior = Empirical::of(&differences);
        let asked = Estimand::new(Whom::Overall, Measure::RiskDifference);
        for row in rows.shared.probabilities.iter_mut().filter(|p| p.estimand == asked) {
            let axis = row.estimand.measure.axis();
            let below = |x: f64| prior.cdf(x);
            row.prior_at_control_risk =
                Some(probability_of(row.statement, row.threshold, axis, self.sign, &below));
        }
    }

    /// Numbers needed to treat, from the risk differences that are printed; none where these are no effects of treatment.
    pub fn put_nnt(&self, block: &mut Block) {
        if !About::study(self.study).is_effect() {
            return;
        }
        for row in block.estimates.iter_mut().filter(|e| e.estimand.measure == Measure::RiskDifference) {
            let errors = if row.exact.is_some() { None } else { row.reported.mcse_quantiles };
            row.nnt = row.best().map(|q| Nnt::of(&q, errors, self.sign));
        }
    }

    /// The content of the sentence about a subgroup, from its rows.
    pub fn claim(&self, block: &Block) -> Option<Claim> {
        let measure = if self.counts { Measure::RiskDifference } else { self.effect.measure };
        let is_benefit =
            |p: &&Probability| p.statement == Statement::Benefit && p.estimand.measure == measure;
        let benefit = block.probabilities.iter().find(is_benefit)?;
        let row = block.estimate(measure)?;
        let errors = if row.exact.is_some() { None } else { row.reported.mcse_quantiles };
        let leaning = Leaning {
            clear: false,
            sampled: benefit.exact.and(benefit.sampled.zip(benefit.mcse)),
            prior_probability: benefit.prior,
            measure,
            effect: row.best()?,
            effect_errors: errors,
            nnt: row.nnt.as_ref().map(|n| n.text.clone()),
        };
        let method = if benefit.exact.is_some() { Method::Exact } else { Method::Sampled };
        Some(Claim::leaning(
            self.study,
            self.names.subgroup(benefit.estimand.whom.subgroup()?),
            (benefit.best()?, benefit.resolution),
            leaning,
            method,
        ))
    }
}

/// One block in the making.
struct Filling<'a, 'w> {
    assembly: &'a Assembly<'a>,
    source: Source<'a>,
    /// Whether what is made of the probabilities of levels has numbers.
    levels: bool,
    reason: &'a str,
    workspace: &'w mut Workspace,
    block: Block,
}

impl<'a> Filling<'a, '_> {
    /// μ, τ, the mean and the new subgroup, and the study's patients.
    fn shared(&mut self) {
        let (source, study) = (self.source, self.assembly.study);
        let mu = source.mu();
        let own = self.parameter(Parameter::Mu, mu.as_ref());
        let tau = self.parameter(Parameter::Tau, source.tau().as_ref());
        if self.assembly.shrinks() {
            (0..self.assembly.subgroups()).for_each(|g| self.shrinkage(g, &tau));
        }
        let [mean, sd] = source.baseline();
        self.parameter(Parameter::BaselineMean, mean.as_ref());
        self.parameter(Parameter::BaselineSd, sd.as_ref());
        for (parameter, quantity) in source.extras() {
            self.parameter(parameter, Some(&quantity));
        }
        if study.pooling != Pooling::None {
            self.effect(Whom::Mean, mu.as_ref(), own);
            if !study.exhaustive {
                let new = source.theta_new();
                let own = self.own(new.as_ref());
                self.effect(Whom::New, new.as_ref(), own);
            }
        }
        if self.assembly.counts {
            let reason = if self.reason.is_empty() { NO_SUMS } else { self.reason };
            let before = std::mem::replace(&mut self.reason, reason);
            let (risks, odds_ratio) = source.overall();
            let control = self.own(risks.control.as_ref());
            self.risks(Whom::Overall, (&risks, control), None);
            self.estimate(Estimand::new(Whom::Overall, Measure::OddsRatio), odds_ratio.as_ref());
            self.levels(Whom::Overall);
            self.reason = before;
        }
    }

    fn subgroup(&mut self, g: usize) {
        let (source, assembly, reason) = (self.source, self.assembly, self.reason);
        let whom = Whom::Subgroup(g);
        let theta = source.theta(g);
        let own = self.parameter(Parameter::Theta(g), theta.as_ref());
        self.effect(whom, theta.as_ref(), own);
        if assembly.study.pooling == Pooling::ExchangeableOrNot && assembly.brief.is_none() {
            let asked = [(Statement::StandsAlone, assembly.effect.measure.null())];
            self.statements(Estimand::new(whom, assembly.effect.measure), &asked, &[source.stands_alone(g)]);
        }
        if assembly.counts && assembly.brief.is_some() {
            self.risks(whom, (&source.risks(g), Found::default()), theta.as_ref());
            self.levels(whom);
        } else if assembly.counts {
            let alpha = self.parameter(Parameter::Alpha(g), source.alpha(g).as_ref());
            let risks = source.risks(g);
            if self.reason.is_empty() && risks.control.is_none() {
                self.reason = if assembly.labelled { NO_RISKS } else { NO_LEVELS };
            }
            let control = risks.control.as_ref();
            // The control arm's risk is a function of the baseline where that is the control arm's; a risk of averages is none
            // of the log odds at them.
            let of_alpha = assembly.study.priors.baseline_of.control_share() == 0.0
                && assembly.adjusted_variances.is_none();
            let control = match control {
                Some(q) if of_alpha => q.summary_as_function(&alpha, logistic, self.workspace),
                Some(q) => q.summary(self.workspace),
                None => Found::default(),
            };
            self.risks(whom, (&risks, control), theta.as_ref());
            self.levels(whom);
            self.reason = reason;
        }
    }

    /// What is made of the probabilities of ordered levels, where outcomes have them.
    fn levels(&mut self, whom: Whom) {
        let Some(scale) = &self.assembly.study.outcome.levels else { return };
        let (brief, cuts) = (self.assembly.brief, self.assembly.cuts);
        let is_wanted = |measure: Measure| {
            brief.is_none_or(|(asked, _)| asked == measure) || cuts && measure == Measure::CutOddsRatio
        };
        if !level_measures(scale).iter().any(|(measure, _)| is_wanted(*measure)) {
            return;
        }
        let before = self.reason;
        if before.is_empty() {
            self.reason = NO_LEVELS;
        }
        let made = if self.levels { self.source.levels(self.assembly.study, whom) } else { Vec::new() };
        let mut made = made.into_iter().map(|(_, quantity)| quantity);
        for (measure, cut) in level_measures(scale) {
            let quantity = made.next();
            let estimand = Estimand::new(whom, measure);
            let estimand = cut.map_or(estimand, |k| estimand.at_cut(k));
            let thresholds = if cut.is_none() { self.assembly.thresholds(measure) } else { Vec::new() };
            if !is_wanted(measure) {
                continue;
            }
            self.estimate(estimand, quantity.as_ref());
            if !matches!(measure, Measure::CutRiskControl | Measure::CutRiskActive) {
                let asked = statements(measure.null(), &thresholds);
                let chances = self.chances(Scale { measure, logarithm: false }, quantity.as_ref(), &asked);
                self.statements(estimand, &asked, &chances);
            }
        }
        self.reason = before;
    }

    fn pair(&mut self, (a, b): (usize, usize)) {
        let (source, assembly) = (self.source, self.assembly);
        let whom = Whom::Pair(a, b);
        let pair = source.pair(a, b, self.workspace);
        let reason = self.reason;
        if pair.unsettled {
            let t = assembly.study.pooling == Pooling::StudentT;
            self.reason = if t { NO_PAIRS } else { UNSETTLED };
        }
        let scale = assembly.contrast;
        let own = self.own(pair.difference.as_ref());
        self.scaled(whom, scale, pair.difference.as_ref(), own);
        if assembly.counts {
            let reason = if self.reason.is_empty() { NO_CONVOLUTION } else { self.reason };
            let before = std::mem::replace(&mut self.reason, reason);
            let difference = source.difference_of_risk_differences(a, b);
            let estimand = Estimand::new(whom, Measure::DifferenceOfRiskDifferences);
            self.estimate(estimand, difference.as_ref());
            self.reason = before;
        }
        let null = scale.measure.null();
        let asked = [(Statement::GreaterBenefit, null)];
        let mut greater = self.chances(scale, pair.difference.as_ref(), &asked);
        if let (true, Some(chance)) = (pair.one_effect, greater.first_mut()) {
            chance.exact = Some(0.0);
        }
        self.statements(Estimand::new(whom, scale.measure), &asked, &greater);
        let (up, down) = (pair.first_above_second_below, pair.first_below_second_above);
        let opposed = if assembly.sign > 0.0 { [up, down] } else { [down, up] };
        let effect = assembly.effect.measure;
        let asked = [(Statement::BenefitAndHarm, effect.null())];
        self.statements(Estimand::new(whom, effect), &asked, &opposed[..1]);
        self.statements(Estimand::new(whom.swapped(), effect), &asked, &opposed[1..]);
        self.reason = reason;
    }

    /// An effect on its own scale: summary, benefit and harm, and the thresholds of its measure.
    fn effect(&mut self, whom: Whom, theta: Option<&Quantity<'_>>, own: Found) {
        let scale = self.assembly.effect;
        self.scaled(whom, scale, theta, own);
        let asked = statements(scale.measure.null(), &self.assembly.thresholds(scale.measure));
        let chances = self.chances(scale, theta, &asked);
        self.statements(Estimand::new(whom, scale.measure), &asked, &chances);
    }

    /// Risks (the control arm's with its summary), their difference and ratio, and the statements about them. Where an engine has the
    /// effect alone, which way it points is which way the risks do, as odds are proportional there.
    fn risks(
        &mut self,
        whom: Whom,
        (risks, control): (&RiskQuantities<'_>, Found),
        theta: Option<&Quantity<'_>>,
    ) {
        let brief = self.assembly.brief.is_some();
        if !brief {
            let scale = Scale { measure: Measure::RiskControl, logarithm: false };
            self.scaled(whom, scale, risks.control.as_ref(), control);
            self.estimate(Estimand::new(whom, Measure::RiskActive), risks.active.as_ref());
        }
        let contrasts = [(Measure::RiskDifference, &risks.difference), (Measure::RiskRatio, &risks.ratio)];
        for (measure, quantity) in contrasts {
            let thresholds = self.assembly.thresholds(measure);
            let usual = measure == Measure::RiskDifference;
            if brief && !usual && thresholds.is_empty() {
                continue;
            }
            let estimand = Estimand::new(whom, measure);
            self.estimate(estimand, quantity.as_ref());
            if usual || !thresholds.is_empty() {
                let asked = statements(measure.null(), &thresholds);
                let mut chances =
                    self.chances(Scale { measure, logarithm: false }, quantity.as_ref(), &asked);
                if quantity.is_none()
                    && theta.is_some()
                    && matches!(self.source, Source::Exact(_))
                    && self.assembly.study.outcome.levels.is_some()
                {
                    let effect = self.assembly.effect;
                    let same = statements(effect.measure.null(), &[]);
                    let of_effect = self.chances(effect, theta, &same);
                    chances.iter_mut().zip(of_effect).for_each(|(chance, same)| *chance = same);
                }
                self.statements(estimand, &asked, &chances);
            }
        }
    }

    /// v/(v + τ²), v the variance of the subgroup's own estimate, widened by a bias that is allowed for. It falls as τ rises, so its quantiles are τ's from the
    /// other end, and its ranks τ's the other way round.
    fn shrinkage(&mut self, g: usize, tau: &Found) {
        const EMPTY_CELL: &str = "with an empty cell the subgroup's own log odds ratio has no standard error";
        const LABELS: &str = "where labels may be wrong a subgroup has no estimate of its own";
        let own = match &self.assembly.adjusted_variances {
            Some(variances) => variances[g],
            None => self.assembly.study.data.own_variance(g),
        };
        let labelled = self.assembly.labelled;
        let v = if labelled { f64::INFINITY } else { own + self.assembly.added_variances[g] };
        let at = |tau: f64| v / (v + tau * tau);
        let mut found = Found::default();
        if v.is_finite() {
            found.exact = tau.exact.map(|s| {
                let q = s.quantiles;
                let quantiles = Quantiles { median: at(q.median), q2_5: at(q.q97_5), q97_5: at(q.q2_5) };
                Summary { mean: None, sd: None, quantiles }
            });
            let r = &tau.reported;
            found.reported = Reported {
                median: r.median.map(at),
                q2_5: r.q97_5.map(at),
                q97_5: r.q2_5.map(at),
                ess_bulk: r.ess_bulk,
                ess_tail: r.ess_tail,
                rhat: r.rhat,
                ..Reported::default()
            };
        }
        let reason = match (v.is_finite(), labelled) {
            (true, _) => self.reason,
            (false, true) => LABELS,
            (false, false) => EMPTY_CELL,
        };
        let estimand = Estimand::of_subgroup(g, Measure::Shrinkage);
        self.block.estimates.push(estimate(estimand, found, Some(reason)));
    }

    /// The summary on the quantity's own scale.
    fn own(&mut self, quantity: Option<&Quantity<'_>>) -> Found {
        quantity.map_or_else(Found::default, |q| q.summary(self.workspace))
    }

    /// A parameter's row, where the model has the parameter.
    fn parameter(&mut self, key: Parameter, quantity: Option<&Quantity<'_>>) -> Found {
        let own = self.own(quantity);
        if quantity.is_some() {
            self.block.parameters.push(parameter(key, own));
        }
        own
    }

    fn estimate(&mut self, estimand: Estimand, quantity: Option<&Quantity<'_>>) {
        let own = self.own(quantity);
        let scale = Scale { measure: estimand.measure, logarithm: false };
        self.placed(estimand, scale, quantity, own);
    }

    fn scaled(&mut self, whom: Whom, scale: Scale, quantity: Option<&Quantity<'_>>, own: Found) {
        self.placed(Estimand::new(whom, scale.measure), scale, quantity, own);
    }

    fn placed(&mut self, estimand: Estimand, scale: Scale, quantity: Option<&Quantity<'_>>, own: Found) {
        let found =
            quantity.map_or_else(Found::default, |quantity| Reporting { quantity, scale }.rescaled(own));
        let reason = if own.unsettled { UNPROVEN } else { self.reason };
        self.block.estimates.push(estimate(estimand, found, Some(reason)));
    }

    fn chances(
        &mut self,
        scale: Scale,
        quantity: Option<&Quantity<'_>>,
        asked: &[(Statement, f64)],
    ) -> Vec<Chance> {
        let Some(quantity) = quantity else { return vec![Chance::default(); asked.len()] };
        // What counts wins and worth is better above, however the outcome is coded.
        let sign = if scale.measure.counts_what_is_better() { 1.0 } else { self.assembly.sign };
        Reporting { quantity, scale }.chances(asked, sign, self.workspace)
    }

    fn statements(&mut self, estimand: Estimand, asked: &[(Statement, f64)], chances: &[Chance]) {
        for (&asked, &chance) in asked.iter().zip(chances) {
            let reason = if chance.unsettled { UNPROVEN } else { self.reason };
            self.block.probabilities.push(probability(estimand, asked, chance, Some(reason)));
        }
    }
}
