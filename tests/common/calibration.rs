//! Simulation-based calibration: whether a fit's posteriors are posteriors of the model that made the data.
//!
//! Parameters are drawn from the prior and data from the parameters. Among draws from the exact posterior
//! given these data, the true value of any quantity then has a uniformly distributed rank (Cook, Gelman &
//! Rubin 2006; Talts et al. 2018, arXiv:1804.06788). Ranks of parameters alone can't tell the posterior
//! from the prior: a fit that ignores the data passes. Ranks of the joint log likelihood can (Modrák et
//! al. 2023, doi:10.1214/23-BA1404), so it is among the quantities.
//!
//! Ranks are judged by their empirical distribution function. Under uniformity its every value is
//! binomial, and all of them together are a Markov chain in the number of ranks below; this gives the
//! probability of staying within a band of equal pointwise tails (Säilynoja, Bürkner & Vehtari 2022,
//! Statistics and Computing 32:32, section 2). Here the band is the one that the ranks just touch, and
//! the probability of leaving it is an exact p-value.

use super::{cells_of, recounted};
use equipoise::density::LogDensity;
use equipoise::model::{
    BinomialPair, Confounder, Drawn, Hierarchy, LabelShares, Levels, LocationPrior, Missing, Model, Nuisance,
    Rows, SubgroupBias,
};
use equipoise::numeric::logistic;
use equipoise::posterior::{Parameter, SampledPosterior};
use equipoise::sampler::{Purpose, Settings, extend, start, stream};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardUniform};
use rayon::prelude::*;

/// Draws that a true value is ranked among, so that ranks go from 0 to this.
pub const DRAWS: usize = 99;

/// Transitions for each of these draws: enough that they are nearly independent. What dependence is left widens the
/// distribution of ranks, and so can raise an alarm and not hide one: where a draw has a correlation of 0.6 with the one before
/// it, 0.2 of that remains, and the variance of a rank is 1.5 % above a uniform one's, which is not seen in thousands of ranks.
/// How much a verdict sees is up to the number of replications.
pub const THINNING: usize = 3;

const WARMUP: usize = 150;

/// Tells the replications' seeds from others.
const SEED: u64 = 0x5bc0_0000_0000;

/// A quantity's ranks, one a replication.
pub struct Ranks {
    pub quantity: &'static str,
    pub ranks: Vec<usize>,
}

/// Ranks of all quantities, `fitted` making the model that is fitted from the one that made the data.
pub fn ranks(model: &Model, replications: usize, fitted: impl Fn(&Model) -> Model + Sync) -> Vec<Ranks> {
    let rows: Vec<Vec<(&str, usize)>> = (0..replications)
        .into_par_iter()
        .map(|replication| {
            let seed = SEED + replication as u64;
            let truth = model.draw_prior(&mut stream(seed, 0, Purpose::Prior)).expect("proper priors");
            let observed = model.with_drawn_data(&truth, &mut stream(seed, 0, Purpose::Simulation));
            let (posterior, log_likelihoods) = posterior(&observed, &fitted(&observed), seed);
            let mut ties = stream(seed, 1, Purpose::Simulation);
            let compared = compared(&observed, &truth, &posterior, log_likelihoods);
            compared.into_iter().map(|c| (c.quantity, c.rank(&mut ties))).collect()
        })
        .collect();
    let of = |i: usize, quantity| Ranks { quantity, ranks: rows.iter().map(|row| row[i].1).collect() };
    rows[0].iter().enumerate().map(|(i, &(quantity, _))| of(i, quantity)).collect()
}

/// Draws, nearly independent of each other, and the log likelihood of the data at each.
fn posterior(observed: &Model, fitted: &Model, seed: u64) -> (SampledPosterior, Vec<f64>) {
    let hierarchy = Hierarchy::new(fitted);
    let settings = Settings { seed, chains: 1, warmup: WARMUP, ..Settings::default() };
    let mut chains = start(&hierarchy, hierarchy.middle(), &settings, &()).expect("a point to begin at");
    extend(&mut chains, DRAWS * THINNING, &());
    // What is made of a draw, such as averages over rows, takes longer than a transition.
    let draws = chains[0].draws.chunks(hierarchy.dim()).skip(THINNING - 1).step_by(THINNING);
    let draws: Vec<f64> = draws.flatten().copied().collect();
    let posterior = SampledPosterior::of_points(observed, &hierarchy, &draws, seed);
    let at = |columns: &[Vec<f64>], i: usize| columns.iter().map(|c| c[i]).collect::<Vec<f64>>();
    let mut scratch = hierarchy.scratch();
    let typical = with_typical_bias(observed);
    let levels = observed.observation.cells().and_then(|cells| cells.levels());
    let log_likelihood = |(i, q): (usize, &[f64])| match observed.observation.rows() {
        _ if levels.is_some() => {
            let p = hierarchy.parameters(q, &[], &mut scratch);
            let active: Vec<f64> = p.control.iter().zip(p.theta).map(|(x, t)| x + t).collect();
            of_levels(levels.expect("levels"), &[p.control.to_vec(), active], (p.offsets, p.departures))
        }
        Some(rows) => {
            let p = hierarchy.parameters(q, &[], &mut scratch);
            let active = p.control.iter().zip(p.theta).map(|(x, t)| x + t).collect();
            of_rows(rows, &[p.control.to_vec(), active], (p.gamma, p.centres))
        }
        None => {
            let labels = posterior.label_shares(i);
            let (theta, alpha) = (at(&posterior.theta, i), at(&posterior.alpha, i));
            typical.observation.log_likelihood(&theta, &alpha, labels.as_ref())
        }
    };
    let log_likelihoods = draws.chunks(hierarchy.dim()).enumerate().map(log_likelihood).collect();
    (posterior, log_likelihoods)
}

/// The same counts where what is not known of a bias has one typical value. Any function of data and parameters may be ranked,
/// and this one is the log likelihood but for an integral over three unknown numbers, which takes most of the time of all
/// replications.
fn with_typical_bias(observed: &Model) -> Model {
    let Some(cells) = observed.observation.cells().filter(|c| c.pairs().iter().any(|p| p.bias().is_some()))
    else {
        return observed.clone();
    };
    let typical = |n: &Nuisance| match n {
        Nuisance::Known(x) => Nuisance::Known(*x),
        Nuisance::LogitBeta { a, b } => Nuisance::Known((a / b).ln()),
        Nuisance::Location(LocationPrior::Normals(normals)) => Nuisance::Known(normals[0].mean),
        Nuisance::Location(LocationPrior::StudentT { location, .. }) => Nuisance::Known(*location),
        Nuisance::Location(other) => panic!("no typical value of {other:?}"),
    };
    let known = |bias: &SubgroupBias| SubgroupBias {
        confounder: bias.confounder.as_ref().map(|c| Confounder {
            prevalence: c.prevalence.each_ref().map(typical),
            log_odds_ratio: typical(&c.log_odds_ratio),
        }),
        shift: bias.shift.as_ref().map(typical),
        missing: bias
            .missing
            .each_ref()
            .map(|m| m.as_ref().map(|m| Missing { share: m.share, shift: typical(&m.shift) })),
    };
    let pair = |p: &BinomialPair| {
        let own = BinomialPair::new(p.control, p.active);
        p.bias().map_or(own.clone(), |bias| own.through(&known(bias)))
    };
    recounted(observed, cells.pairs().iter().map(pair).collect())
}

/// The log likelihood of rows with covariates and centres.
/// The log likelihood of patients by level, covariates aside: any function of data and parameters may be ranked.
fn of_levels(levels: &Levels, arms: &[Vec<f64>; 2], (offsets, departures): (&[f64], &[f64])) -> f64 {
    let cuts = levels.cuts();
    let mut sum = 0.0;
    for (arm, log_odds) in arms.iter().enumerate() {
        for (g, x) in log_odds.iter().enumerate() {
            let departure = |k: usize| if arm == 1 { departures.get(k).copied().unwrap_or(0.0) } else { 0.0 };
            let at = |k: usize| x + offsets[levels.set_of(g) * cuts + k] + departure(k);
            sum += levels.log_likelihood(g, arm, &(0..cuts).map(at).collect::<Vec<f64>>());
        }
    }
    sum
}

fn of_rows(rows: &Rows, arms: &[Vec<f64>; 2], terms: (&[f64], &[f64])) -> f64 {
    let cells = arms.concat();
    let (mut a, mut b, mut c) = (vec![0.0; cells.len()], vec![0.0; terms.0.len()], vec![0.0; terms.1.len()]);
    rows.log_likelihood(&cells, terms, (&mut a, &mut b, &mut c), &mut rows.sums())
}

/// A quantity's true value and its draws.
struct Compared {
    quantity: &'static str,
    truth: f64,
    draws: Vec<f64>,
}

impl Compared {
    /// How many of the draws are below the truth; of those that equal it, any number is as likely.
    fn rank(&self, rng: &mut ChaCha8Rng) -> usize {
        assert!(self.truth.is_finite() && self.draws.iter().all(|x| !x.is_nan()), "{}", self.quantity);
        let below = self.draws.iter().filter(|x| **x < self.truth).count();
        let equal = self.draws.iter().filter(|x| **x == self.truth).count();
        below + uniform_below(equal + 1, rng)
    }
}

/// All quantities that the model has; prior and posterior must agree on which these are.
fn compared(
    observed: &Model,
    truth: &Drawn,
    posterior: &SampledPosterior,
    log_likelihoods: Vec<f64>,
) -> Vec<Compared> {
    let mut all = Vec::new();
    let mut add = |quantity, truth: Option<f64>, draws: Option<Vec<f64>>| {
        assert_eq!(truth.is_some(), draws.is_some(), "{quantity} is on one side only");
        all.extend(truth.zip(draws).map(|(truth, draws)| Compared { quantity, truth, draws }));
    };
    add("mu", truth.mu, posterior.mu.clone());
    add("tau", truth.tau, posterior.tau.clone());
    add("theta of the first", truth.theta.first().copied(), posterior.theta.first().cloned());
    add("theta of the last", truth.theta.last().copied(), posterior.theta.last().cloned());
    add("theta of a new one", truth.theta_new, posterior.theta_new.clone());
    add("alpha of the first", truth.alpha.first().copied(), posterior.alpha.first().cloned());
    add("alpha of the last", truth.alpha.last().copied(), posterior.alpha.last().cloned());
    let differences = risk_differences(observed, truth);
    let first = differences.first().copied();
    add("risk difference of the first", first, posterior.risks(0).map(|r| r.difference()));
    let overall = (!differences.is_empty()).then(|| overall_difference(observed, &differences));
    add("overall risk difference", overall, posterior.overall().map(|(r, _)| r.difference()));
    add("coefficient", truth.gamma.first().copied(), posterior.gamma.first().cloned());
    add("sd among centres", truth.centre_sd, posterior.centre_sd.clone());
    add("baselines' mean", truth.baseline.map(|b| b.0), posterior.baseline_mean.clone());
    add("baselines' sd", truth.baseline.map(|b| b.1), posterior.baseline_sd.clone());
    let labels = |of: fn(&LabelShares) -> f64| {
        let draws = (0..posterior.draws)
            .map(|i| posterior.label_shares(i).as_ref().map(of))
            .collect::<Option<Vec<f64>>>();
        (truth.labels.as_ref().map(of), draws)
    };
    if !posterior.labels.is_empty() {
        let (value, draws) = labels(|l| l.sensitivity[0]);
        add("sensitivity", value, draws);
        let (value, draws) = labels(|l| l.specificity[1]);
        add("specificity", value, draws);
        let (value, draws) = labels(|l| l.share[1]);
        add("true share", value, draws);
    }
    let levels = observed.observation.cells().and_then(|cells| cells.levels());
    if let (Some(levels), Some(drawn)) = (levels, &truth.levels) {
        let last = levels.cuts() - 1;
        let departs = |k: usize| drawn.departures.get(k).copied().filter(|_| k != levels.primary);
        let column = |k: usize| {
            let all = posterior.parameters();
            all.into_iter().find(|(key, _)| *key == Parameter::Departure(k)).map(|(_, c)| c.clone())
        };
        add("departure of the last cut", departs(last), column(last));
        add("departure of the first cut", departs(0).filter(|d| *d != 0.0), column(0));
        if observed.observation.rows().is_none() {
            let at = levels.log_odds(0, 0, arms(observed, truth)[0][0], drawn);
            let above = posterior.above(0).and_then(|above| above.into_iter().nth(last));
            add("risk of the last level", Some(logistic(at[last])), above.map(|r| r.control));
        }
    }
    let log_likelihood = match observed.observation.rows() {
        _ if levels.is_some() => {
            let drawn = truth.levels.as_ref().expect("levels");
            let offsets = drawn.offsets.concat();
            of_levels(levels.expect("levels"), &arms(observed, truth), (&offsets, &drawn.departures))
        }
        Some(rows) => of_rows(rows, &arms(observed, truth), (&truth.gamma, &truth.centres)),
        None => {
            let typical = with_typical_bias(observed);
            typical.observation.log_likelihood(&truth.theta, &truth.alpha, truth.labels.as_ref())
        }
    };
    add("log likelihood", Some(log_likelihood), Some(log_likelihoods));
    all
}

/// True log odds of the control arms and of the active arms; none for estimates.
fn arms(observed: &Model, truth: &Drawn) -> [Vec<f64>; 2] {
    truth.arms(observed.observation.cells().map(|cells| cells.baselines().of).unwrap_or_default())
}

/// Every subgroup's true risk difference; of rows averaged over them. None for estimates.
fn risk_differences(observed: &Model, truth: &Drawn) -> Vec<f64> {
    if let Some(rows) = observed.observation.rows() {
        let mut risks = vec![[0.0; 2]; truth.theta.len()];
        let [control, _] = arms(observed, truth);
        let departure = primary_departure(observed, truth);
        let theta: Vec<f64> = truth.theta.iter().map(|t| t + departure).collect();
        rows.standardised((&control, &theta), (&truth.gamma, &truth.centres), &mut risks);
        return risks.iter().map(|[p0, p1]| p1 - p0).collect();
    }
    let [control, active] = arms(observed, truth);
    let departure = primary_departure(observed, truth);
    active.iter().zip(&control).map(|(x1, x0)| logistic(x1 + departure) - logistic(*x0)).collect()
}

/// By how much the active arms' log odds at the primary cut depart from the baseline plus the effect.
fn primary_departure(observed: &Model, truth: &Drawn) -> f64 {
    let primary = observed.observation.cells().and_then(|cells| cells.levels()).map(|levels| levels.primary);
    let departures = truth.levels.as_ref().map(|levels| &levels.departures);
    primary.zip(departures).and_then(|(p, d)| d.get(p).copied()).unwrap_or(0.0)
}

/// The difference between the risks, averaged over all patients, with everybody active and nobody.
fn overall_difference(observed: &Model, differences: &[f64]) -> f64 {
    let sizes = cells_of(observed).pairs().iter().map(|pair| pair.control.total + pair.active.total);
    let patients: f64 = sizes.clone().sum();
    sizes.zip(differences).map(|(size, difference)| size * difference).sum::<f64>() / patients
}

/// A whole number from 0 to below `n`.
pub fn uniform_below(n: usize, rng: &mut ChaCha8Rng) -> usize {
    let u: f64 = StandardUniform.sample(rng);
    ((u * n as f64) as usize).min(n - 1)
}

/// The distribution of the empirical distribution function of uniform ranks from 0 to `draws`.
pub struct Uniformity {
    replications: usize,
    draws: usize,
    /// log n! from n = 0.
    log_factorials: Vec<f64>,
    /// For k = 1, 2, … `draws`: the probabilities of at most, and of at least, any number of ranks below k.
    tails: Vec<(Vec<f64>, Vec<f64>)>,
}

impl Uniformity {
    /// Below this tail, rounding outweighs what is left of 1 outside the band.
    const LEAST_EXACT: f64 = 1e-11;

    pub fn new(replications: usize, draws: usize) -> Uniformity {
        let mut log_factorials = vec![0.0; replications + 1];
        for n in 1..=replications {
            log_factorials[n] = log_factorials[n - 1] + (n as f64).ln();
        }
        let mut uniformity = Uniformity { replications, draws, log_factorials, tails: Vec::new() };
        uniformity.tails = (1..=draws).map(|k| uniformity.pointwise(k)).collect();
        uniformity
    }

    /// P(uniform ranks are somewhere as far out as these are at most).
    pub fn p_value(&self, ranks: &[usize]) -> f64 {
        self.p_value_of_tail(self.smallest_tail(ranks))
    }

    /// The smallest pointwise tail probability of the numbers of ranks below 1, 2, … `draws`.
    pub fn smallest_tail(&self, ranks: &[usize]) -> f64 {
        assert_eq!(ranks.len(), self.replications);
        let tails = self.tails.iter().zip(1..).map(|((lower, upper), k)| {
            let below = ranks.iter().filter(|&&rank| rank < k).count();
            lower[below].min(upper[below])
        });
        tails.fold(1.0, f64::min)
    }

    /// P(the smallest tail is at most this), by the recursion over k of the paper's section 2.2; for very
    /// small ones the sum of all pointwise probabilities, which is never below it.
    pub fn p_value_of_tail(&self, tail: f64) -> f64 {
        if tail < Self::LEAST_EXACT {
            return (2.0 * self.draws as f64 * tail).min(1.0);
        }
        // Probabilities of the numbers of ranks below k from `first` on, all earlier numbers having been
        // within.
        let (mut first, mut within) = (0, vec![1.0]);
        for ((lower, upper), k) in self.tails.iter().zip(1..) {
            let low = lower.partition_point(|p| *p <= tail);
            let high = upper.partition_point(|p| *p > tail);
            // Of the ranks that are at least k − 1, the share that is exactly k − 1.
            let share = 1.0 / (self.draws + 2 - k) as f64;
            let reach = |count: usize| {
                let from = within.iter().zip(first..=count);
                from.map(|(p, before)| p * self.binomial(count - before, self.replications - before, share))
                    .sum()
            };
            within = (low..high).map(reach).collect();
            first = low;
        }
        (1.0 - within.iter().sum::<f64>()).max(0.0)
    }

    fn pointwise(&self, k: usize) -> (Vec<f64>, Vec<f64>) {
        let share = k as f64 / (self.draws + 1) as f64;
        let running = |sum: &mut f64, p: f64| {
            *sum += p;
            Some(*sum)
        };
        let pmf = |count| self.binomial(count, self.replications, share);
        let lower = (0..=self.replications).map(pmf).scan(0.0, running).collect();
        let mut upper: Vec<f64> = (0..=self.replications).rev().map(pmf).scan(0.0, running).collect();
        upper.reverse();
        (lower, upper)
    }

    fn binomial(&self, count: usize, of: usize, share: f64) -> f64 {
        let log = &self.log_factorials;
        let ways = log[of] - log[count] - log[of - count];
        (ways + count as f64 * share.ln() + (of - count) as f64 * (-share).ln_1p()).exp()
    }
}
