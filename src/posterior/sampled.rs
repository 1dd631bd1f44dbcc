//! Draws as columns: every parameter, and quantities that are made of several.

use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;

use super::estimand::{Estimand, Measure, Whom};
use super::parameter::Parameter;
use super::sampled_levels::{At, LevelColumns, averaged, of_levels, standardised_above};
use crate::density::LogDensity;
use crate::model::{BaselineOf, Drawn, Hierarchy, LabelShares, Model, Rows, Side, Standardised};
use crate::numeric::{exp_of_nonpositive, logit};
use crate::parallel;
use crate::sampler::{Purpose, Recorded, Transition, stream};
use crate::study::Study;

/// Draws of one quantity, chains one after another.
pub type Column = Vec<f64>;

/// Draws from a posterior or a prior. Every column has length `chains` · `draws`.
#[derive(Debug, Clone, Default)]
pub struct SampledPosterior {
    /// The number of chains.
    pub chains: usize,
    /// Draws of each chain.
    pub draws: usize,
    /// The mean μ of the subgroups' effects; none where every subgroup has its own.
    pub mu: Option<Column>,
    /// The standard deviation τ of the subgroups' effects; none where it is fixed or every subgroup has its own.
    pub tau: Option<Column>,
    /// The mean of exchangeable baselines, in log odds; none for other baselines.
    pub baseline_mean: Option<Column>,
    /// The standard deviation of exchangeable baselines, in log odds; none for other baselines.
    pub baseline_sd: Option<Column>,
    /// The effect θ of a further, similar subgroup; none where subgroups share nothing.
    pub theta_new: Option<Column>,
    /// The effects θ, one column per subgroup, on the scale of the model.
    pub theta: Vec<Column>,
    /// The baselines α in log odds, one column per subgroup; empty for published estimates.
    pub alpha: Vec<Column>,
    baseline_of: BaselineOf,
    /// By how much a bias moves the effect that is seen, one column per subgroup; empty where there is no bias, or
    /// none of it is sampled.
    pub bias: Vec<Column>,
    /// Where labels may be wrong: sensitivity, specificity and true share of the positive subgroup, each in the
    /// control and in the active arm, which makes six columns of proportions; otherwise empty.
    pub labels: Vec<Column>,
    /// The covariates' coefficients γ, one column per term, in log odds for one standard deviation; empty without
    /// covariates.
    pub gamma: Vec<Column>,
    /// The standard deviation of the centres' intercepts, in log odds; none without centres, and where it is fixed.
    pub centre_sd: Option<Column>,
    /// Both risks averaged over the declared patients, by subgroup; empty where all patients of a subgroup are alike.
    standardised: Vec<Risks>,
    /// Cut points and departures; none where outcomes have no levels.
    pub(super) levels: Option<LevelColumns>,
    /// The sampler's transition to each draw, chains one after another; empty for draws from a prior.
    pub transitions: Vec<Transition>,
    /// The sampler's step size in each chain, in the coordinates of its metric; empty for draws from a prior.
    pub step_sizes: Vec<f64>,
    /// Each subgroup's share of the study's patients; empty for estimates.
    shares: Vec<f64>,
    /// Where labels may be wrong: the positive subgroup, and the arms' shares of all patients.
    labelled: Option<(usize, [f64; 2])>,
}

/// The risks in both arms of one subgroup, or over all patients.
#[derive(Debug, Clone)]
pub struct Risks {
    /// Draws of the control arm's risk.
    pub control: Column,
    /// Draws of the active arm's risk.
    pub active: Column,
}

impl Risks {
    fn with_capacity(n: usize) -> Risks {
        Risks { control: Vec::with_capacity(n), active: Vec::with_capacity(n) }
    }

    fn with(&self, f: impl Fn(f64, f64) -> f64) -> Column {
        self.control.iter().zip(&self.active).map(|(&p0, &p1)| f(p0, p1)).collect()
    }

    /// Draws of the risk difference, active minus control.
    pub fn difference(&self) -> Column {
        self.with(|p0, p1| p1 - p0)
    }

    /// Draws of the risk ratio, active over control.
    pub fn ratio(&self) -> Column {
        self.with(|p0, p1| p1 / p0)
    }

    fn of(self, whom: Whom) -> [(Estimand, Column); 4] {
        let (difference, ratio) = (self.difference(), self.ratio());
        [
            (Measure::RiskControl, self.control),
            (Measure::RiskActive, self.active),
            (Measure::RiskDifference, difference),
            (Measure::RiskRatio, ratio),
        ]
        .map(|(measure, column)| (Estimand::new(whom, measure), column))
    }
}

impl SampledPosterior {
    /// The draws of the chains, as parameters of the model. The effect of a further subgroup, and the effects behind
    /// published estimates given μ and τ, are drawn anew for each draw.
    pub fn of_chains(
        model: &Model,
        hierarchy: &Hierarchy,
        chains: &[Recorded<'_, Hierarchy>],
        seed: u64,
    ) -> SampledPosterior {
        let draws: Vec<&[f64]> = chains.iter().map(|c| c.draws.as_slice()).collect();
        let parts: Vec<SampledPosterior> = parallel::range(0..chains.len(), |c| SampledPosterior {
            transitions: chains[c].transitions.clone(),
            step_sizes: vec![chains[c].step_size()],
            ..SampledPosterior::of_chain(model, hierarchy, &chains[c].draws, (seed, c))
        });
        let mut all = SampledPosterior::joined(parts);
        all.standardise(model, hierarchy, &draws);
        all
    }

    /// Any points in the coordinates of the density, as parameters of the model, without regard to weights.
    pub fn of_points(model: &Model, hierarchy: &Hierarchy, points: &[f64], seed: u64) -> SampledPosterior {
        /// Not a chain's.
        const STREAM: usize = 1 << 30;
        let mut all = SampledPosterior::of_chain(model, hierarchy, points, (seed, STREAM));
        all.standardise(model, hierarchy, &[points]);
        all
    }

    /// Risks averaged over the declared patients, where these differ.
    fn standardise(&mut self, model: &Model, hierarchy: &Hierarchy, draws: &[&[f64]]) {
        let Some(rows) = model.observation.rows() else { return };
        match &mut self.levels {
            Some(levels) => levels.put_standardised(standardised_above(rows, model, hierarchy, draws)),
            None => self.standardised = standardised_over_draws(rows, hierarchy, draws),
        }
    }

    fn of_chain(
        model: &Model,
        hierarchy: &Hierarchy,
        draws: &[f64],
        (seed, chain): (u64, usize),
    ) -> SampledPosterior {
        let subgroups = model.subgroups();
        let counts = model.observation.cells().is_some();
        let mut rng = stream(seed, chain, Purpose::Prediction);
        let mut scratch = hierarchy.scratch();
        let n = draws.len() / hierarchy.dim();
        let mut out = SampledPosterior { chains: 1, draws: n, ..SampledPosterior::empty(model) };
        out.theta = (0..subgroups).map(|_| Vec::with_capacity(n)).collect();
        out.alpha = (0..if counts { subgroups } else { 0 }).map(|_| Vec::with_capacity(n)).collect();
        let linked = model.observation.linked();
        out.alpha.resize_with(out.alpha.len().max(linked.len()), || Vec::with_capacity(n));
        let mut standard = vec![0.0; subgroups];
        for q in draws.chunks_exact(hierarchy.dim()) {
            if !counts {
                standard.iter_mut().for_each(|z| *z = StandardNormal.sample(&mut rng));
            }
            let p = hierarchy.parameters(q, &standard, &mut scratch);
            put(&mut out.mu, p.mu, n);
            put(&mut out.tau, p.tau, n);
            put(&mut out.baseline_mean, p.baseline_mean, n);
            put(&mut out.baseline_sd, p.baseline_sd, n);
            let new = p.mu.zip(p.new_sd).map(|(mu, sd)| {
                let z: f64 = StandardNormal.sample(&mut rng);
                mu + sd * z
            });
            put(&mut out.theta_new, new, n);
            out.theta.iter_mut().zip(p.theta).for_each(|(column, &x)| column.push(x));
            out.alpha.iter_mut().zip(p.alpha).for_each(|(column, &x)| column.push(x));
            // Given its effect the baseline beside a weighted estimate is normal.
            for (g, (estimate, link)) in linked.iter().enumerate() {
                let z: f64 = StandardNormal.sample(&mut rng);
                out.alpha[g].push(link.mean + link.slope * (p.theta[g] - estimate) + link.sd * z);
            }
            if !p.bias.is_empty() {
                out.bias.resize_with(subgroups, || Vec::with_capacity(n));
                out.bias.iter_mut().zip(p.bias).for_each(|(column, &x)| column.push(x));
            }
            if let Some(levels) = &mut out.levels {
                levels.push(&p);
            }
            out.push_labels(p.labels);
            out.gamma.resize_with(p.gamma.len(), || Vec::with_capacity(n));
            out.gamma.iter_mut().zip(p.gamma).for_each(|(column, &x)| column.push(x));
            put(&mut out.centre_sd, p.centre_sd, n);
        }
        out
    }

    /// No draws yet.
    fn empty(model: &Model) -> SampledPosterior {
        SampledPosterior {
            shares: shares(model),
            baseline_of: model.observation.cells().map(|c| c.baselines().of).unwrap_or_default(),
            labelled: labelled(model),
            levels: model.observation.cells().and_then(|cells| cells.levels()).map(LevelColumns::of),
            ..Default::default()
        }
    }

    fn push_labels(&mut self, labels: Option<LabelShares>) {
        let Some(l) = labels else { return };
        self.labels.resize_with(6, Vec::new);
        let values = l.sensitivity.into_iter().chain(l.specificity).chain(l.share);
        self.labels.iter_mut().zip(values).for_each(|(column, x)| column.push(x));
    }

    /// Sensitivity, specificity and true shares at draw `i`; none where labels are taken as right.
    pub fn label_shares(&self, i: usize) -> Option<LabelShares> {
        let [s0, s1, c0, c1, p0, p1] = self.labels.as_slice() else { return None };
        let at = |a: &Column, b: &Column| [a[i], b[i]];
        Some(LabelShares { sensitivity: at(s0, s1), specificity: at(c0, c1), share: at(p0, p1) })
    }

    /// Draws from the priors, in pairs of mirror images; none where one of the priors is flat.
    pub fn of_prior(model: &Model, seed: u64, draws: usize) -> Option<SampledPosterior> {
        /// Rows over which risks are averaged: a few hundred a subgroup say what the prior says.
        const ROWS: usize = 2_000;
        /// Pieces of work, each with its own stream.
        const PIECES: usize = 8;
        let pairs = draws.div_ceil(2 * PIECES);
        let rows = model.observation.rows().map(|rows| rows.thinned(ROWS));
        let parts = parallel::range(0..PIECES, |i| {
            let mut rng = stream(seed, i, Purpose::Prior);
            let mut out = SampledPosterior { chains: 1, draws: 2 * pairs, ..SampledPosterior::empty(model) };
            for _ in 0..pairs {
                model.draw_prior_pair(&mut rng)?.into_iter().for_each(|drawn| {
                    out.push(&drawn);
                    let levels = model.observation.cells().and_then(|cells| cells.levels());
                    if let (Some(rows), Some(levels), Some(of_levels), Some(drawn_levels)) =
                        (&rows, levels, &mut out.levels, &drawn.levels)
                    {
                        let [control, _] = drawn.arms(out.baseline_of);
                        let offsets = drawn_levels.offsets.concat();
                        let at = At {
                            control: &control,
                            theta: &drawn.theta,
                            offsets: &offsets,
                            departures: &drawn_levels.departures,
                        };
                        let risks = averaged(rows, levels, &at, (&drawn.gamma, &drawn.centres));
                        of_levels.push_standardised(&risks);
                    } else if let Some(rows) = &rows {
                        let mut risks = vec![[0.0; 2]; drawn.theta.len()];
                        let terms = (&*drawn.gamma, &*drawn.centres);
                        let [control, _] = drawn.arms(out.baseline_of);
                        rows.standardised((&control, &drawn.theta), terms, &mut risks);
                        out.push_standardised(&risks);
                    }
                });
            }
            Some(out)
        });
        Some(SampledPosterior::joined(parts.into_iter().collect::<Option<_>>()?))
    }

    fn push_standardised(&mut self, risks: &[Standardised]) {
        let n = self.draws;
        self.standardised.resize_with(risks.len(), || Risks::with_capacity(n));
        for (columns, [control, active]) in self.standardised.iter_mut().zip(risks) {
            columns.control.push(*control);
            columns.active.push(*active);
        }
    }

    fn push(&mut self, drawn: &Drawn) {
        let n = self.draws;
        put(&mut self.mu, drawn.mu, n);
        put(&mut self.tau, drawn.tau, n);
        put(&mut self.baseline_mean, drawn.baseline.map(|b| b.0), n);
        put(&mut self.baseline_sd, drawn.baseline.map(|b| b.1), n);
        put(&mut self.theta_new, drawn.theta_new, n);
        self.theta.resize_with(drawn.theta.len(), || Vec::with_capacity(n));
        self.alpha.resize_with(drawn.alpha.len(), || Vec::with_capacity(n));
        self.theta.iter_mut().zip(&drawn.theta).for_each(|(column, &x)| column.push(x));
        self.alpha.iter_mut().zip(&drawn.alpha).for_each(|(column, &x)| column.push(x));
        if let Some(levels) = &mut self.levels {
            levels.push_drawn(drawn);
        }
        self.push_labels(drawn.labels);
        self.gamma.resize_with(drawn.gamma.len(), || Vec::with_capacity(n));
        self.gamma.iter_mut().zip(&drawn.gamma).for_each(|(column, &x)| column.push(x));
        put(&mut self.centre_sd, drawn.centre_sd, n);
    }

    /// Draws of several fits of the same data as one, chains one after another.
    pub(crate) fn joined(parts: Vec<SampledPosterior>) -> SampledPosterior {
        let mut parts = parts.into_iter();
        let Some(mut all) = parts.next() else { return SampledPosterior::default() };
        for mut part in parts {
            all.chains += part.chains;
            all.transitions.append(&mut part.transitions);
            all.step_sizes.append(&mut part.step_sizes);
            if let (Some(all), Some(part)) = (&mut all.levels, part.levels.take()) {
                all.append(part);
            }
            let columns = |p: SampledPosterior| {
                let shared = [p.mu, p.tau, p.baseline_mean, p.baseline_sd, p.theta_new, p.centre_sd];
                let each = p.theta.into_iter().chain(p.alpha).chain(p.bias).chain(p.labels).chain(p.gamma);
                let risks = p.standardised.into_iter().flat_map(|r| [r.control, r.active]);
                let each = each.chain(risks);
                shared.into_iter().flatten().chain(each)
            };
            let shared = [
                &mut all.mu,
                &mut all.tau,
                &mut all.baseline_mean,
                &mut all.baseline_sd,
                &mut all.theta_new,
                &mut all.centre_sd,
            ];
            let into = shared.into_iter().flatten().chain(&mut all.theta).chain(&mut all.alpha);
            let into = into.chain(&mut all.bias).chain(&mut all.labels).chain(&mut all.gamma);
            let risks = all.standardised.iter_mut().flat_map(|r| [&mut r.control, &mut r.active]);
            let into = into.chain(risks);
            into.zip(columns(part)).for_each(|(all, mut part)| all.append(&mut part));
        }
        all
    }

    /// What is of each subgroup alone.
    #[must_use]
    pub(crate) fn of_subgroups_alone(self) -> SampledPosterior {
        SampledPosterior {
            mu: None,
            tau: None,
            baseline_mean: None,
            baseline_sd: None,
            theta_new: None,
            bias: Vec::new(),
            gamma: Vec::new(),
            centre_sd: None,
            transitions: Vec::new(),
            step_sizes: Vec::new(),
            ..self
        }
    }

    /// Every parameter with its draws, in the order of the results.
    pub fn parameters(&self) -> Vec<(Parameter, &Column)> {
        let shared = [
            (Parameter::Mu, &self.mu),
            (Parameter::Tau, &self.tau),
            (Parameter::BaselineMean, &self.baseline_mean),
            (Parameter::BaselineSd, &self.baseline_sd),
        ];
        let shared = shared.into_iter().filter_map(|(key, column)| Some((key, column.as_ref()?)));
        let theta = each(Parameter::Theta, &self.theta);
        let alpha = each(Parameter::Alpha, &self.alpha);
        shared.chain(theta).chain(alpha).chain(self.extras()).collect()
    }

    /// The draws of the coefficients, of the standard deviation among centres, and of what is sampled of a bias: by
    /// subgroup how much it moves the effect, by arm how often labels are right. Known numbers are left out, and a
    /// number that both arms share appears once.
    pub fn extras(&self) -> Vec<(Parameter, &Column)> {
        let varies = |c: &Column| c.iter().any(|x| x.is_finite()) && c.windows(2).any(|w| w[0] != w[1]);
        let mut all: Vec<(Parameter, &Column)> = each(Parameter::Bias, &self.bias).collect();
        let of_labels: [fn(Option<Side>) -> Parameter; 3] =
            [Parameter::Sensitivity, Parameter::Specificity, Parameter::Prevalence];
        for (key, pair) in of_labels.into_iter().zip(self.labels.chunks(2)) {
            let [control, active] = pair else { continue };
            if control == active {
                all.push((key(None), control));
            } else {
                all.push((key(Some(Side::Control)), control));
                all.push((key(Some(Side::Active)), active));
            }
        }
        all.retain(|(_, c)| varies(c));
        let gamma = each(Parameter::Gamma, &self.gamma);
        let centre_sd = self.centre_sd.as_ref().map(|c| (Parameter::CentreSd, c));
        let departures = self.levels.as_ref().map_or(&[][..], |levels| &levels.departures);
        let mut departures: Vec<_> = each(Parameter::Departure, departures).collect();
        departures.retain(|(_, c)| varies(c));
        departures.into_iter().chain(gamma).chain(centre_sd).chain(all).collect()
    }

    /// Every estimand with its draws, on the measure's own scale; pairs of subgroups only if wanted.
    pub fn estimands(&self, study: &Study, pairs: bool) -> Vec<(Estimand, Column)> {
        let (effect, contrast) =
            (Measure::of(study.outcome.scale), Measure::contrast_of(study.outcome.scale));
        let out = |column: &Column| -> Column {
            if study.outcome.scale.is_ratio() {
                column.iter().map(|&x| libm::exp(x)).collect()
            } else {
                column.clone()
            }
        };
        let of_subgroup = |g: usize| {
            let mut own = vec![(Estimand::of_subgroup(g, effect), out(&self.theta[g]))];
            own.extend(self.risks(g).into_iter().flat_map(|risks| risks.of(Whom::Subgroup(g))));
            own.extend(
                self.above(g).into_iter().flat_map(|above| of_levels(study, Whom::Subgroup(g), &above)),
            );
            own
        };
        let of_all = || {
            let mut own = Vec::new();
            if let Some((risks, odds_ratio)) = self.overall() {
                own.extend(risks.of(Whom::Overall));
                own.push((Estimand::new(Whom::Overall, Measure::OddsRatio), odds_ratio));
            }
            let above = self.overall_above();
            own.extend(above.into_iter().flat_map(|above| of_levels(study, Whom::Overall, &above)));
            own
        };
        let n = self.theta.len();
        // What is of all takes as long as what is of each, and begins first.
        let mut made = parallel::range(0..n + 1, |i| i.checked_sub(1).map_or_else(of_all, of_subgroup));
        made.rotate_left(1);
        let mut all: Vec<(Estimand, Column)> = made.into_iter().flatten().collect();
        for (whom, column) in [(Whom::Mean, &self.mu), (Whom::New, &self.theta_new)] {
            all.extend(column.as_ref().map(|c| (Estimand::new(whom, effect), out(c))));
        }
        let subgroups = if pairs { self.theta.len() } else { 0 };
        for a in 0..subgroups {
            for b in a + 1..subgroups {
                let of = |measure| Estimand::new(Whom::Pair(a, b), measure);
                all.push((of(contrast), out(&self.difference(a, b))));
                if let Some(column) = self.difference_of_risk_differences(a, b) {
                    all.push((of(Measure::DifferenceOfRiskDifferences), column));
                }
            }
        }
        all
    }

    /// Draws of an estimand of subgroup `g`; none where the study has it not.
    pub(crate) fn of_subgroup(&self, study: &Study, g: usize, measure: Measure) -> Option<Column> {
        if measure == Measure::of(study.outcome.scale) {
            let scale = |x: &f64| if study.outcome.scale.is_ratio() { libm::exp(*x) } else { *x };
            return Some(self.theta.get(g)?.iter().map(scale).collect());
        }
        let of = |column: Vec<(Estimand, Column)>| {
            column.into_iter().find(|(estimand, _)| estimand.measure == measure).map(|(_, column)| column)
        };
        let whom = Whom::Subgroup(g);
        let of_risks = self.risks(g).and_then(|risks| of(risks.of(whom).into()));
        of_risks.or_else(|| of(of_levels(study, whom, &self.above(g)?)))
    }

    /// Draws of subgroup `a`'s risk difference minus subgroup `b`'s; none for published estimates.
    pub fn difference_of_risk_differences(&self, a: usize, b: usize) -> Option<Column> {
        let (first, second) = (self.risks(a)?.difference(), self.risks(b)?.difference());
        Some(first.iter().zip(&second).map(|(x, y)| x - y).collect())
    }

    /// Draws of both risks in subgroup `g`, averaged over the declared patients where these differ; none for
    /// published estimates.
    pub fn risks(&self, g: usize) -> Option<Risks> {
        if let Some(risks) = self.standardised.get(g) {
            return Some(risks.clone());
        }
        if let Some(risks) = self.primary_risks(g) {
            return Some(risks);
        }
        let (alpha, theta) = (self.alpha.get(g)?, self.theta.get(g)?);
        let (mut control, mut active) = (vec![0.0; alpha.len()], vec![0.0; alpha.len()]);
        for (i, (&alpha, &theta)) in alpha.iter().zip(theta).enumerate() {
            let [at_control, at_active] = self.baseline_of.log_odds(alpha, theta);
            (control[i], active[i]) = (risk(at_control), risk(at_active));
        }
        Some(Risks { control, active })
    }

    /// The log odds of the control arm and of the active arm of subgroup `g` at draw `i`.
    pub fn log_odds(&self, g: usize, i: usize) -> [f64; 2] {
        self.baseline_of.log_odds(self.alpha[g][i], self.theta[g][i])
    }

    /// Draws of both risks averaged over all subgroups, weighted by their numbers of patients, and of the odds ratio
    /// of these averages; none for published estimates.
    pub fn overall(&self) -> Option<(Risks, Column)> {
        if self.alpha.is_empty() {
            return None;
        }
        let zeros = || vec![0.0; self.chains * self.draws];
        // Risks and their complements are averaged alike, so that odds are right near 1 as near 0.
        let mut all = Risks { control: zeros(), active: zeros() };
        let mut rest = Risks { control: zeros(), active: zeros() };
        let own: Vec<Risks> = (0..self.theta.len()).filter_map(|g| self.primary_risks(g)).collect();
        let differing = if own.is_empty() { &self.standardised } else { &own };
        for (g, risks) in differing.iter().enumerate() {
            for (i, (p0, p1)) in risks.control.iter().zip(&risks.active).enumerate() {
                all.control[i] += self.shares[g] * p0;
                rest.control[i] += self.shares[g] * (1.0 - p0);
                all.active[i] += self.shares[g] * p1;
                rest.active[i] += self.shares[g] * (1.0 - p1);
            }
        }
        let alike = if differing.is_empty() { self.alpha.len() } else { 0 };
        for (g, (alpha, theta)) in self.alpha.iter().zip(&self.theta).enumerate().take(alike) {
            for (i, (&a, &t)) in alpha.iter().zip(theta).enumerate() {
                let share = self.share(g, i);
                let [control, active] = self.baseline_of.log_odds(a, t);
                all.control[i] += share * risk(control);
                rest.control[i] += share * risk(-control);
                all.active[i] += share * risk(active);
                rest.active[i] += share * risk(-active);
            }
        }
        let odds = |p: &Column, q: &Column| -> Column { p.iter().zip(q).map(|(p, q)| p / q).collect() };
        let (control, active) = (odds(&all.control, &rest.control), odds(&all.active, &rest.active));
        Some((all, odds(&active, &control)))
    }

    /// Draws of the risk difference over the study's patients, with each subgroup's control risk held at a known
    /// value; none where their number is not that of the subgroups.
    pub fn overall_difference_at(&self, control: &[f64]) -> Option<Column> {
        if control.len() != self.theta.len() || self.shares.len() != control.len() {
            return None;
        }
        let mut all = vec![0.0; self.chains * self.draws];
        for (g, (&p0, theta)) in control.iter().zip(&self.theta).enumerate() {
            let at = logit(p0);
            for (i, (sum, &t)) in all.iter_mut().zip(theta).enumerate() {
                *sum += self.share(g, i) * (risk(at + t) - p0);
            }
        }
        Some(all)
    }

    /// Subgroup `g`'s share of the study's patients.
    pub(super) fn share_of(&self, g: usize) -> f64 {
        self.shares[g]
    }

    /// Subgroup `g`'s share of the study's patients at draw `i`: of the true subgroup, where labels may be wrong.
    fn share(&self, g: usize, i: usize) -> f64 {
        match (&self.labelled, self.labels.get(4..6)) {
            (Some((positive, arms)), Some([control, active])) => {
                let share = arms[0] * control[i] + arms[1] * active[i];
                if g == *positive { share } else { 1.0 - share }
            }
            _ => self.shares[g],
        }
    }

    /// Draws of θ_a − θ_b.
    pub fn difference(&self, a: usize, b: usize) -> Column {
        self.theta[a].iter().zip(&self.theta[b]).map(|(x, y)| x - y).collect()
    }

    /// Draws of a quantity that is above zero exactly where θ_a is above zero and θ_b below.
    pub fn above_and_below(&self, a: usize, b: usize) -> Column {
        self.theta[a].iter().zip(&self.theta[b]).map(|(x, y)| x.min(-y)).collect()
    }
}

/// Columns of one kind by their places.
fn each(key: fn(usize) -> Parameter, columns: &[Column]) -> impl Iterator<Item = (Parameter, &Column)> {
    columns.iter().enumerate().map(move |(place, column)| (key(place), column))
}

/// The columns' type is known only from the first draw on.
fn put(column: &mut Option<Column>, value: Option<f64>, capacity: usize) {
    if let Some(x) = value {
        column.get_or_insert_with(|| Vec::with_capacity(capacity)).push(x);
    }
}

/// The positive subgroup and both arms' shares of all patients, where labels may be wrong.
fn labelled(model: &Model) -> Option<(usize, [f64; 2])> {
    let cells = model.observation.cells()?;
    let (counts, m) = (cells.pairs(), cells.misclassification()?);
    let control: f64 = counts.iter().map(|c| c.control.total).sum();
    let active: f64 = counts.iter().map(|c| c.active.total).sum();
    let all = control + active;
    Some((m.positive, if all > 0.0 { [control / all, active / all] } else { [0.5; 2] }))
}

/// Risks of every draw, in parallel over draws.
fn standardised_over_draws(rows: &Rows, hierarchy: &Hierarchy, chains: &[&[f64]]) -> Vec<Risks> {
    /// Draws of one piece of work.
    const PIECE: usize = 16;
    let (dim, subgroups) = (hierarchy.dim(), hierarchy.subgroups());
    let pieces: Vec<&[f64]> = chains.iter().flat_map(|draws| draws.chunks(PIECE * dim)).collect();
    let found: Vec<Vec<Standardised>> = pieces
        .into_par_iter()
        .map_init(
            || hierarchy.scratch(),
            |scratch, draws| {
                let mut out = vec![[0.0; 2]; draws.len() / dim * subgroups];
                for (q, out) in draws.chunks_exact(dim).zip(out.chunks_exact_mut(subgroups)) {
                    let p = hierarchy.parameters(q, &[], scratch);
                    rows.standardised((p.control, p.theta), (p.gamma, p.centres), out);
                }
                out
            },
        )
        .collect();
    let of = |g: usize, arm: usize| {
        found.iter().flat_map(|piece| piece.iter().skip(g).step_by(subgroups)).map(|r| r[arm]).collect()
    };
    (0..subgroups).map(|g| Risks { control: of(g, 0), active: of(g, 1) }).collect()
}

/// Every subgroup's share of all patients over whom risks are averaged; equal shares where there are none.
fn shares(model: &Model) -> Vec<f64> {
    let Some(cells) = model.observation.cells() else {
        return model.observation.linked().into_iter().map(|(_, link)| link.share).collect();
    };
    let counts = cells.pairs();
    let sizes: Vec<f64> = match cells.rows() {
        Some(rows) => rows.population_sizes.clone(),
        None => counts.iter().map(|c| c.control.total + c.active.total).collect(),
    };
    let all: f64 = sizes.iter().sum();
    let equal = 1.0 / counts.len() as f64;
    sizes.into_iter().map(|n| if all > 0.0 { n / all } else { equal }).collect()
}

/// Log odds to probability, without a branch.
#[inline]
fn risk(x: f64) -> f64 {
    let e = exp_of_nonpositive(-x.abs());
    let near_one = 1.0 / (1.0 + e);
    if x >= 0.0 { near_one } else { e * near_one }
}
