//! What the sampler did: traces and ranks of the subgroup effects, μ and τ.

use crate::posterior::{Parameter, Report};

/// Points of a chain that are drawn.
const SHOWN: usize = 250;

/// Bins of ranks.
const BINS: usize = 20;

/// The draws and ranks of one parameter in every chain.
#[derive(Debug, Clone)]
pub struct ChainTrace {
    /// The parameter's name, as files of draws have it.
    pub parameter: String,
    /// How much the traces are thinned: each has every `every`-th draw of its chain, from the first.
    pub every: usize,
    /// The thinned draws of each chain, in their order.
    pub traces: Vec<Vec<f64>>,
    /// For each chain, the number of its draws whose rank among all draws lies in each of twenty equal bins.
    pub ranks: Vec<[usize; BINS]>,
}

/// Traces and ranks of μ, τ and the subgroups' effects; empty where nothing was sampled.
pub fn chain_traces(report: &Report) -> Vec<ChainTrace> {
    let Some(draws) = &report.sampled else { return Vec::new() };
    let told = |key: &Parameter| matches!(key, Parameter::Mu | Parameter::Tau | Parameter::Theta(_));
    let told = draws.parameters().into_iter().filter(|(key, _)| told(key));
    told.map(|(key, column)| trace(key.name(&report.names), column, draws.draws)).collect()
}

fn trace(parameter: String, column: &[f64], draws: usize) -> ChainTrace {
    let every = draws.div_ceil(SHOWN).max(1);
    let traces = column.chunks(draws).map(|c| c.iter().step_by(every).copied().collect()).collect();
    let mut order: Vec<usize> = (0..column.len()).collect();
    order.sort_by(|a, b| column[*a].total_cmp(&column[*b]));
    let chains = column.len() / draws.max(1);
    let mut ranks = vec![[0; BINS]; chains];
    for (rank, place) in order.into_iter().enumerate() {
        ranks[place / draws][rank * BINS / column.len()] += 1;
    }
    ChainTrace { parameter, every, traces, ranks }
}
