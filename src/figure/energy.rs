//! Whether momenta explore the energies: how far energies lie from their mean beside how far one transition moves them
//! (Betancourt, arXiv:1604.00695).

use crate::posterior::Report;

/// Bins of both histograms.
const BINS: usize = 40;

/// Two histograms over the same bins, all chains together.
#[derive(Debug, Clone, PartialEq)]
pub struct Energies {
    /// Ends of the bins, one more than there are; energies are −log densities, without a unit.
    pub edges: Vec<f64>,
    /// The share of draws whose energy lies so far from its chain's mean.
    pub marginal: Vec<f64>,
    /// The share of transitions that change the energy by so much.
    pub transition: Vec<f64>,
    /// E-BFMI by chain.
    pub ebfmi: Vec<Option<f64>>,
}

/// None where nothing was sampled, or the energy never moved.
pub fn energies(report: &Report) -> Option<Energies> {
    let draws = report.sampled.as_ref().filter(|d| d.draws > 1 && !d.transitions.is_empty())?;
    let (mut about, mut steps) = (Vec::new(), Vec::new());
    for chain in draws.transitions.chunks(draws.draws) {
        let chain: Vec<f64> = chain.iter().map(|t| t.energy).collect();
        let mean = chain.iter().sum::<f64>() / chain.len() as f64;
        about.extend(chain.iter().map(|e| e - mean));
        steps.extend(chain.windows(2).map(|w| w[1] - w[0]));
    }
    let reach = about.iter().chain(&steps).map(|x| x.abs()).fold(0.0, f64::max);
    if !(reach > 0.0 && reach.is_finite()) {
        return None;
    }
    let width = 2.0 * reach / BINS as f64;
    let shares = |values: &[f64]| {
        let mut counts = [0_usize; BINS];
        for x in values {
            counts[(((x + reach) / width) as usize).min(BINS - 1)] += 1;
        }
        counts.map(|n| n as f64 / values.len() as f64).to_vec()
    };
    Some(Energies {
        edges: (0..=BINS).map(|k| -reach + width * k as f64).collect(),
        marginal: shares(&about),
        transition: shares(&steps),
        ebfmi: report.checks.chains.iter().map(|c| c.ebfmi).collect(),
    })
}
