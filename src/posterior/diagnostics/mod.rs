//! Have the chains converged, and how far may their averages be off?
//!
//! R-hat, effective sample sizes and Monte Carlo errors of Vehtari, Gelman, Simpson, Carpenter and Bürkner
//! ("Rank-normalization, folding, and localization", Bayesian Analysis 2021;16:667; equations are numbered as
//! there), as the R package posterior 1.4 defines them:
//!
//! - chains are split in halves; draws are replaced by the normal scores of their ranks (`scores`);
//! - R-hat is the larger of that of the scores and that of the scores of the distances from the median;
//! - effective sample sizes sum autocorrelations up to Geyer's initial monotone sequence (`ess`): of the
//!   scores (bulk), of the indicators of the 5 % and 95 % quantiles (tail, the smaller), of the draws
//!   themselves (mean);
//! - nested R-hat is that of Margossian et al. (Bayesian Analysis 2024), E-BFMI that of Betancourt
//!   (arXiv:1604.00695).
//!
//! Nearly independent draws need a few lags only, so autocovariances are computed lag by lag, not by Fourier
//! transform; those of events are counts of bits (`indicator`). One sort (`sorted`) serves quantiles,
//! ranks, tails and the ranks of the distances.
//!
//! None stands for what cannot be computed: fewer than four draws a chain, constant draws, draws that are not
//! finite.

mod beta;
mod ess;
mod halves;
mod indicator;
mod scores;
mod sorted;
mod sums;
#[cfg(test)]
mod tests;

use beta::Beta;
use ess::{effective_size, mean_autocovariance};
use halves::{Halves, Variances};
use indicator::Indicator;
use scores::{Scores, fold};
use sorted::{Entry, Sorter, quantile};
use sums::{fourth_powers_about, mean, squares_about, sum_of_products, variance};

/// Fewer draws a chain are not diagnosed.
const FEWEST_DRAWS: usize = 4;

/// The quantiles whose indicators make up the tail.
const TAILS: (f64, f64) = (0.05, 0.95);

/// The normal distribution function at −1 and 1, as posterior writes them.
const ONE_SD: (f64, f64) = (0.158_655_3, 0.841_344_7);

/// Draws of one quantity from several chains of equal length, one chain after another.
#[derive(Debug, Clone, Copy)]
pub struct Draws<'a> {
    /// The draws; any that are left over after dividing them equally among the chains are ignored.
    pub values: &'a [f64],
    /// How many chains there are.
    pub chains: usize,
}

impl<'a> Draws<'a> {
    fn halves(self) -> Halves {
        Halves { chains: self.chains, length: self.values.len().checked_div(self.chains).unwrap_or(0) }
    }

    /// The draws of whole chains.
    fn whole(self) -> &'a [f64] {
        let Halves { chains, length } = self.halves();
        &self.values[..chains * length]
    }

    /// Enough draws, all finite, not all the same.
    fn can_be_diagnosed(self) -> bool {
        let draws = self.whole();
        let differ = draws.iter().any(|&x| x != draws[0]);
        self.halves().length >= FEWEST_DRAWS && differ && draws.iter().all(|x| x.is_finite())
    }
}

/// Buffers that are reused from one quantity to the next, with a table of normal scores for the number of draws.
#[derive(Debug, Clone, Default)]
pub struct Workspace {
    sorter: Sorter,
    scores: Scores,
    folded: Vec<Entry>,
    z: Vec<f64>,
    indicator: Indicator,
    centred: Vec<f64>,
    means: Vec<f64>,
    autocorrelations: Vec<f64>,
}

/// The summary of one quantity with its convergence diagnostics.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Diagnosed {
    /// The mean of the draws.
    pub mean: f64,
    /// The standard deviation of the draws.
    pub sd: f64,
    /// The median of the draws.
    pub median: f64,
    /// The 2.5 % quantile of the draws.
    pub q2_5: f64,
    /// The 97.5 % quantile of the draws.
    pub q97_5: f64,
    /// The Monte Carlo error of the mean, in the unit of the draws; none where it cannot be computed.
    pub mcse_mean: Option<f64>,
    /// The bulk effective sample size (section 4.2); none where it cannot be computed.
    pub ess_bulk: Option<f64>,
    /// The tail effective sample size (section 4.3); none where it cannot be computed.
    pub ess_tail: Option<f64>,
    /// R-hat, 1 at convergence (section 4.1); none where it cannot be computed.
    pub rhat: Option<f64>,
}

/// The summary and diagnostics of one quantity.
///
/// Without draws the summary is NaN; with a single draw its standard deviation is. Draws that are not finite have
/// quantiles, unless one is NaN.
pub fn diagnose(draws: Draws<'_>, workspace: &mut Workspace) -> Diagnosed {
    let (x, halves) = (draws.whole(), draws.halves());
    let sorted = workspace.sorter.sort(x);
    let at = |p| quantile(sorted, p);
    let [q2_5, median, q97_5] = [0.025, 0.5, 0.975].map(at);
    let tails = (at(TAILS.0), at(TAILS.1));
    let (low, high) = (at(0.0), at(1.0));
    let (mean, sd) = if low == high { (low, 0.0) } else { (mean(x), libm::sqrt(variance(x))) };
    let mut found = Diagnosed {
        mean,
        sd,
        median,
        q2_5,
        q97_5,
        mcse_mean: None,
        ess_bulk: None,
        ess_tail: None,
        rhat: None,
    };
    // NaN and infinities sort to the ends.
    if halves.length >= FEWEST_DRAWS && low < high && low.is_finite() && high.is_finite() {
        workspace.drop_middles(halves);
        (found.rhat, found.ess_bulk) = workspace.rhat_and_bulk(median, halves);
        found.ess_tail = workspace.tail(x, tails, halves);
        found.mcse_mean = workspace.split_ess(x, halves).map(|ess| sd / libm::sqrt(ess));
    }
    found
}

impl Workspace {
    fn drop_middles(&mut self, halves: Halves) {
        if halves.leaves_out_middles() {
            self.sorter.drop_places(|index| halves.leaves_out(index));
        }
    }

    /// R-hat (section 4.1) and the effective size of the scores, from the sorted draws of the halves.
    fn rhat_and_bulk(&mut self, median: f64, halves: Halves) -> (Option<f64>, Option<f64>) {
        self.z.resize(halves.chains * halves.length, 0.0);
        if !self.scores.write(self.sorter.entries(), &mut self.z) {
            return (None, None);
        }
        let bulk = Variances::of(&self.z, halves, &mut self.centred, &mut self.means);
        let ess = self.centred_ess(bulk);
        fold(self.sorter.entries(), median, &mut self.folded);
        let differ = self.scores.write(&self.folded, &mut self.z);
        let tail = Variances::of(&self.z, halves, &mut self.centred, &mut self.means);
        (differ.then(|| bulk.rhat().max(tail.rhat())), ess)
    }

    /// The smaller of the effective sizes of the indicators of two quantiles (section 4.3).
    fn tail(&mut self, x: &[f64], (low, high): (f64, f64), halves: Halves) -> Option<f64> {
        let below = self.ess_of_at_most(x, low, halves)?;
        let above = self.ess_of_at_most(x, high, halves)?;
        Some(below.min(above))
    }

    /// The effective size of the indicator `x ≤ threshold`, from the draws, which are sorted.
    fn ess_of_at_most(&mut self, x: &[f64], threshold: f64, halves: Halves) -> Option<f64> {
        /// From this part of the draws on, looking at every draw takes less time than finding those that have the event.
        const MANY: usize = 16;
        let (entries, indicator) = (self.sorter.entries(), &mut self.indicator);
        let (below, above) = entries.split_at(entries.partition_point(|entry| entry.value <= threshold));
        // An event and its complement have the same autocovariances.
        let (fewer, is_below) = if below.len() <= above.len() { (below, true) } else { (above, false) };
        if fewer.len() < entries.len() / MANY {
            indicator.mark_places(fewer.iter().map(|entry| entry.index), halves);
        } else {
            indicator.mark(x, halves, &|value| (value <= threshold) == is_below);
        }
        indicator.ess()
    }

    /// The error of the quantile at `p` of the draws, which are sorted.
    fn quantile_error(&mut self, x: &[f64], p: f64, halves: Halves) -> Option<f64> {
        let threshold = quantile(self.sorter.entries(), p);
        let ess = self.ess_of_at_most(x, threshold, halves)?;
        let sorted = self.sorter.entries();
        let beta = Beta::new(ess * p + 1.0, ess * (1.0 - p) + 1.0);
        let order_statistic = |rank: usize| sorted[rank.clamp(1, sorted.len()) - 1].value;
        let low = order_statistic(beta.rank_below(ONE_SD.0, sorted.len()));
        let high = order_statistic(beta.rank_below(ONE_SD.1, sorted.len()) + 1);
        Some((high - low) / 2.0)
    }

    /// The effective size of `x` as it stands, in split chains.
    fn split_ess(&mut self, x: &[f64], halves: Halves) -> Option<f64> {
        let variances = Variances::of(x, halves, &mut self.centred, &mut self.means);
        self.centred_ess(variances)
    }

    /// The effective size of the sequences in `centred`.
    fn centred_ess(&mut self, variances: Variances) -> Option<f64> {
        let (draws, centred) = (variances.draws, &self.centred);
        effective_size(variances, &mut self.autocorrelations, |lag| mean_autocovariance(centred, draws, lag))
    }
}

/// The proportion of draws for which an event holds, with its effective sample size and Monte Carlo error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Proportion {
    /// The proportion, from 0 to 1; NaN without draws.
    pub probability: f64,
    /// The effective sample size of the event's indicator; none where all draws agree or a chain has fewer than six
    /// draws.
    pub ess: Option<f64>,
    /// The Monte Carlo error `√(p (1 − p) / ESS)`; none where `ess` is.
    pub mcse: Option<f64>,
}

/// The probability of an event; every draw counts, finite or not.
pub fn proportion(draws: Draws<'_>, event: impl Fn(f64) -> bool, workspace: &mut Workspace) -> Proportion {
    let (x, halves) = (draws.whole(), draws.halves());
    let indicator = &mut workspace.indicator;
    indicator.mark(x, halves, &event);
    let mut events = indicator.total();
    if halves.leaves_out_middles() {
        let middles = x.iter().skip(halves.draws()).step_by(halves.length);
        events += middles.filter(|&&value| event(value)).count() as f64;
    }
    let p = events / x.len() as f64;
    let ess = indicator.ess();
    Proportion { probability: p, ess, mcse: ess.map(|ess| libm::sqrt(p * (1.0 - p) / ess)) }
}

/// R-hat: the larger of the rank-normalised split R-hat of the draws and that of the draws folded at their median
/// (section 4.1). None where it cannot be computed.
pub fn rhat(draws: Draws<'_>, workspace: &mut Workspace) -> Option<f64> {
    diagnose(draws, workspace).rhat
}

/// The bulk effective sample size: that of the rank-normalised draws, for the centre of the distribution (section
/// 4.2). None where it cannot be computed.
pub fn ess_bulk(draws: Draws<'_>, workspace: &mut Workspace) -> Option<f64> {
    diagnose(draws, workspace).ess_bulk
}

/// The tail effective sample size: the smaller of those of the 5 % and the 95 % quantile (section 4.3). None where it
/// cannot be computed.
pub fn ess_tail(draws: Draws<'_>, workspace: &mut Workspace) -> Option<f64> {
    diagnose(draws, workspace).ess_tail
}

/// The effective sample size for the mean, from the draws themselves; none where it cannot be computed.
pub fn ess_mean(draws: Draws<'_>, workspace: &mut Workspace) -> Option<f64> {
    if !draws.can_be_diagnosed() {
        return None;
    }
    workspace.split_ess(draws.whole(), draws.halves())
}

/// The Monte Carlo error of the mean, `sd / √ESS`; none where it cannot be computed.
pub fn mcse_mean(draws: Draws<'_>, workspace: &mut Workspace) -> Option<f64> {
    let ess = ess_mean(draws, workspace)?;
    Some(libm::sqrt(variance(draws.whole()) / ess))
}

/// The Monte Carlo error of the standard deviation, `√((m₄ − m₂²) / ESS) / (2 √m₂)`, by the delta method.
///
/// m₂ and m₄ are central moments, and the effective sample size is that of `(x − x̄)²`. None where it cannot be
/// computed.
pub fn mcse_sd(draws: Draws<'_>, workspace: &mut Workspace) -> Option<f64> {
    if !draws.can_be_diagnosed() {
        return None;
    }
    let x = draws.whole();
    let (n, centre) = (x.len() as f64, mean(x));
    let squares: Vec<f64> = x.iter().map(|v| (v - centre) * (v - centre)).collect();
    let ess = ess_mean(Draws { values: &squares, ..draws }, workspace)?;
    let m2 = squares_about(x, centre) / n;
    let m4 = fourth_powers_about(x, centre) / n;
    Some(libm::sqrt((m4 - m2 * m2).max(0.0) / ess) / (2.0 * libm::sqrt(m2)))
}

/// The Monte Carlo error of the quantile at `p`, 0 < p < 1 (section 4.4): half the distance between the order
/// statistics at the quantiles of Beta(ESS p + 1, ESS (1 − p) + 1) that lie one standard deviation out. None where it
/// cannot be computed.
pub fn mcse_quantile(draws: Draws<'_>, p: f64, workspace: &mut Workspace) -> Option<f64> {
    if !(draws.can_be_diagnosed() && p > 0.0 && p < 1.0) {
        return None;
    }
    workspace.sorter.sort(draws.whole());
    workspace.quantile_error(draws.whole(), p, draws.halves())
}

/// Like [`diagnose`], together with the Monte Carlo errors of the median, the 2.5 % and the 97.5 % quantile.
pub fn diagnose_with_quantile_errors(
    draws: Draws<'_>,
    workspace: &mut Workspace,
) -> (Diagnosed, Option<[f64; 3]>) {
    let found = diagnose(draws, workspace);
    if found.ess_bulk.is_none() {
        return (found, None);
    }
    let halves = draws.halves();
    if halves.leaves_out_middles() {
        workspace.sorter.sort(draws.whole());
    }
    let [median, low, high] = [0.5, 0.025, 0.975].map(|p| workspace.quantile_error(draws.whole(), p, halves));
    (found, median.zip(low).zip(high).map(|((median, low), high)| [median, low, high]))
}

/// The diagnostics of an increasing function of a quantity that has been diagnosed already; `draws` are the
/// function's values. Ranks are the same, so only the mean, the standard deviation and the error of the mean are
/// computed. The quantiles in `of` must be those of the function.
pub fn diagnose_monotone(of: Diagnosed, draws: Draws<'_>, workspace: &mut Workspace) -> Diagnosed {
    let x = draws.whole();
    let sd = libm::sqrt(variance(x));
    let ess = if of.ess_bulk.is_some() { workspace.split_ess(x, draws.halves()) } else { None };
    Diagnosed { mean: mean(x), sd, mcse_mean: ess.map(|ess| sd / libm::sqrt(ess)), ..of }
}

/// Nested R-hat, `√(1 + var(superchain means) / mean(B_k + W_k))`, of unsplit chains (Margossian et al., Bayesian
/// Analysis 2024).
///
/// `superchains` names the superchain of each chain. None unless there are several superchains, of equally many
/// chains each.
pub fn nested_rhat(draws: Draws<'_>, superchains: &[usize]) -> Option<f64> {
    if !draws.can_be_diagnosed() || superchains.len() != draws.chains {
        return None;
    }
    let chains: Vec<&[f64]> = draws.whole().chunks_exact(draws.halves().length).collect();
    let mut names = superchains.to_vec();
    names.sort_unstable();
    names.dedup();
    let mut means = Vec::with_capacity(names.len());
    let mut within = Vec::with_capacity(names.len());
    for name in &names {
        let members = chains.iter().zip(superchains).filter(|&(_, of)| of == name);
        let (chain_means, variances): (Vec<f64>, Vec<f64>) =
            members.map(|(chain, _)| (mean(chain), variance(chain))).unzip();
        if chain_means.len() * names.len() != chains.len() {
            return None;
        }
        let between = if chain_means.len() > 1 { variance(&chain_means) } else { 0.0 };
        means.push(mean(&chain_means));
        within.push(between + mean(&variances));
    }
    let rhat = libm::sqrt(1.0 + variance(&means) / mean(&within));
    (!rhat.is_nan()).then_some(rhat)
}

/// E-BFMI of one chain, `Σ (Eᵢ − Eᵢ₋₁)² / Σ (Eᵢ − Ē)²`, the energy Bayesian fraction of missing information
/// (Betancourt, arXiv:1604.00695). Below 0.3 the momenta explore the energies too slowly. None where it cannot be
/// computed.
pub fn ebfmi(energies: &[f64]) -> Option<f64> {
    if !(Draws { values: energies, chains: 1 }).can_be_diagnosed() {
        return None;
    }
    let steps: Vec<f64> = energies.windows(2).map(|pair| pair[1] - pair[0]).collect();
    Some(sum_of_products(&steps, &steps) / squares_about(energies, mean(energies)))
}
