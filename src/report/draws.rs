//! Draws as CSV: `.chain`, `.iteration`, `.draw`, then a column each.
//!
//! In R: `posterior::as_draws_df(read.csv(file, check.names = FALSE))`.

use std::io::{self, Write};

use rayon::prelude::*;

use super::cells::Rows;
use crate::posterior::{Names, SampledPosterior};
use crate::study::Study;

/// Writes the draws of every parameter.
pub fn write_parameter_draws(
    study: &Study,
    sampled: &SampledPosterior,
    to: &mut dyn Write,
) -> io::Result<()> {
    let names = Names::of(study);
    let columns: Vec<(String, &[f64])> =
        sampled.parameters().into_iter().map(|(key, column)| (key.name(&names), column.as_slice())).collect();
    table(sampled, &columns.iter().map(|(name, column)| (name.as_str(), *column)).collect::<Vec<_>>(), to)
}

/// Writes the draws of every estimand, of pairs of subgroups if wanted.
pub fn write_estimand_draws(
    study: &Study,
    (sampled, pairs): (&SampledPosterior, bool),
    to: &mut dyn Write,
) -> io::Result<()> {
    let columns = sampled.estimands(study, pairs);
    table(
        sampled,
        &columns.iter().map(|(name, column)| (name.as_str(), column.as_slice())).collect::<Vec<_>>(),
        to,
    )
}

/// The header, then the rows in pieces: some are made in parallel and written, before the next are, so that no more than these
/// are held as text.
fn table(sampled: &SampledPosterior, columns: &[(&str, &[f64])], to: &mut dyn Write) -> io::Result<()> {
    /// Numbers of a piece.
    const PIECE: usize = 1 << 18;
    let mut head = Rows::new();
    head.put([".chain", ".iteration", ".draw"].into_iter().chain(columns.iter().map(|c| c.0)));
    to.write_all(head.text().as_bytes())?;
    let all = sampled.chains * sampled.draws;
    let draws = (PIECE / (columns.len() + 3)).max(1);
    let starts: Vec<usize> = (0..all).step_by(draws).collect();
    for together in starts.chunks(4 * rayon::current_num_threads()) {
        let made: Vec<String> = together
            .par_iter()
            .map(|&start| rows(start..all.min(start + draws), sampled.draws, columns))
            .collect();
        made.iter().try_for_each(|piece| to.write_all(piece.as_bytes()))?;
    }
    Ok(())
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
