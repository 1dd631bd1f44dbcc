//! Draws as CSV: `.chain`, `.iteration`, `.draw`, then a column each.
//!
//! In R: `posterior::as_draws_df(read.csv(file, check.names = FALSE))`.

use rayon::prelude::*;

use crate::posterior::SampledPosterior;
use crate::study::Study;

/// Draws of every parameter, as pieces of one text.
pub fn parameter_draws_csv(study: &Study, sampled: &SampledPosterior) -> Vec<String> {
    let columns = sampled.parameters(&study.data.names());
    table(sampled, columns.iter().map(|(name, column)| (name.as_str(), column.as_slice())).collect())
}

/// Draws of every estimand, of pairs of subgroups if wanted, as pieces of one text.
pub fn estimand_draws_csv(study: &Study, sampled: &SampledPosterior, pairs: bool) -> Vec<String> {
    let columns = sampled.estimands(study, pairs);
    table(sampled, columns.iter().map(|(name, column)| (name.as_str(), column.as_slice())).collect())
}

/// The header, then the rows in pieces that are written in parallel.
fn table(sampled: &SampledPosterior, columns: Vec<(&str, &[f64])>) -> Vec<String> {
    /// Rows of a piece.
    const PIECE: usize = 1024;
    let mut writer = csv::Writer::from_writer(Vec::new());
    let head = [".chain", ".iteration", ".draw"].into_iter().chain(columns.iter().map(|c| c.0));
    // Writing to memory does not fail.
    let _ = writer.write_record(head);
    let head = writer.into_inner().ok().and_then(|b| String::from_utf8(b).ok()).unwrap_or_default();
    let all = sampled.chains * sampled.draws;
    let pieces: Vec<String> = (0..all.div_ceil(PIECE))
        .into_par_iter()
        .map(|i| rows(i * PIECE..all.min((i + 1) * PIECE), sampled.draws, &columns))
        .collect();
    std::iter::once(head).chain(pieces).collect()
}

/// Rows of these draws; numbers as the shortest text that reads back the same.
fn rows(range: std::ops::Range<usize>, draws: usize, columns: &[(&str, &[f64])]) -> String {
    /// Characters of a number, with its comma.
    const WIDE: usize = 20;
    let mut text = String::with_capacity(range.len() * (columns.len() + 1) * WIDE);
    let mut number = zmij::Buffer::new();
    for draw in range {
        for (n, end) in [(draw / draws + 1, ","), (draw % draws + 1, ","), (draw + 1, "")] {
            text.push_str(&n.to_string());
            text.push_str(end);
        }
        for (_, column) in columns {
            text.push(',');
            text.push_str(number.format(column[draw]));
        }
        text.push('\n');
    }
    text
}
