//! Draws as CSV: `.chain`, `.iteration`, `.draw`, then a column each.
//!
//! In R: `posterior::as_draws_df(read.csv(file, check.names = FALSE))`.

use rayon::prelude::*;

use crate::posterior::SampledPosterior;
use crate::study::Study;

/// Draws of every parameter.
pub fn parameter_draws_csv(study: &Study, sampled: &SampledPosterior) -> String {
    let columns = sampled.parameters(&study.data.names());
    table(sampled, columns.iter().map(|(name, column)| (name.as_str(), column.as_slice())).collect())
}

/// Draws of every estimand, of pairs of subgroups if wanted.
pub fn estimand_draws_csv(study: &Study, sampled: &SampledPosterior, pairs: bool) -> String {
    let columns = sampled.estimands(study, pairs);
    table(sampled, columns.iter().map(|(name, column)| (name.as_str(), column.as_slice())).collect())
}

fn table(sampled: &SampledPosterior, columns: Vec<(&str, &[f64])>) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let head = [".chain", ".iteration", ".draw"].into_iter().chain(columns.iter().map(|c| c.0));
    // Writing to memory does not fail.
    let _ = writer.write_record(head);
    let mut text = writer.into_inner().ok().and_then(|b| String::from_utf8(b).ok()).unwrap_or_default();
    let chains: Vec<String> =
        (0..sampled.chains).into_par_iter().map(|c| rows(c, sampled.draws, &columns)).collect();
    text.reserve(chains.iter().map(String::len).sum());
    chains.iter().for_each(|rows| text.push_str(rows));
    text
}

/// One chain's rows; numbers as the shortest text that reads back the same.
fn rows(chain: usize, draws: usize, columns: &[(&str, &[f64])]) -> String {
    /// Characters of a number, with its comma.
    const WIDE: usize = 20;
    let mut text = String::with_capacity(draws * (columns.len() + 1) * WIDE);
    let mut number = zmij::Buffer::new();
    for i in 0..draws {
        let draw = chain * draws + i;
        for (n, end) in [(chain + 1, ','), (i + 1, ',')] {
            text.push_str(&n.to_string());
            text.push(end);
        }
        text.push_str(&(draw + 1).to_string());
        for (_, column) in columns {
            text.push(',');
            text.push_str(number.format(column[draw]));
        }
        text.push('\n');
    }
    text
}
