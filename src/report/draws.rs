//! Draws as CSV: `.chain`, `.iteration`, `.draw`, then a column each.
//!
//! In R: `posterior::as_draws_df(read.csv(file, check.names = FALSE))`.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::records::line;
use crate::parallel;
use crate::posterior::{Names, SampledPosterior, ToldDraws};
use crate::sampler::Transition;
use crate::study::Study;

/// Writes the draws of every parameter as CSV: columns `.chain`, `.iteration` and `.draw`, then one per parameter.
pub fn write_parameter_draws(
    study: &Study,
    sampled: &SampledPosterior,
    to: &mut (dyn Write + Send),
) -> io::Result<()> {
    let names = Names::of(study);
    let parameters = sampled.parameters();
    table(
        sampled,
        parameters.into_iter().map(|(key, draws)| Column::number(key.name(&names), move |i| draws[i])),
        to,
    )
}

/// Writes the draws of every estimand as CSV, of pairs of subgroups if wanted.
pub fn write_estimand_draws(
    study: &Study,
    (sampled, pairs): (&SampledPosterior, bool),
    to: &mut (dyn Write + Send),
) -> io::Result<()> {
    let names = Names::of(study);
    let estimands = sampled.estimands(study, pairs);
    table(
        sampled,
        estimands.iter().map(|(key, draws)| Column::number(key.name(&names), move |i| draws[i])),
        to,
    )
}

/// Writes the draws of every parameter of a study with several arms or factors as CSV.
pub fn write_told_parameter_draws<D: ToldDraws + Chains>(
    study: &Study,
    drawn: &D,
    to: &mut (dyn Write + Send),
) -> io::Result<()> {
    let names = Names::of(study);
    let columns = drawn.parameters().into_iter();
    table(drawn, columns.map(|(key, draws)| Column::number(key.name(&names), move |i| draws[i])), to)
}

/// Writes the draws of every estimand of a study with several arms or factors as CSV.
pub fn write_told_estimand_draws<D: ToldDraws + Chains>(
    study: &Study,
    drawn: &D,
    to: &mut (dyn Write + Send),
) -> io::Result<()> {
    let names = Names::of(study);
    let estimands = drawn.estimands(study);
    let columns = estimands.iter();
    table(drawn, columns.map(|(key, draws)| Column::number(key.name(&names), move |i| draws[i])), to)
}

/// Writes what the sampler did on its way to every draw, under Stan's names. `lp__` is the log density in the sampler's
/// coordinates, with their Jacobian and up to a constant.
pub fn write_diagnostics(sampled: &impl Chains, to: &mut (dyn Write + Send)) -> io::Result<()> {
    let (t, steps, each) = (sampled.transitions(), sampled.step_sizes(), sampled.shape().1);
    let columns = [
        Column::number("lp__", |i| t[i].log_density),
        Column::number("accept_stat__", |i| t[i].acceptance),
        Column::number("stepsize__", move |i| steps[i / each]),
        Column::whole("treedepth__", |i| t[i].depth as usize),
        Column::whole("n_leapfrog__", |i| t[i].steps as usize),
        Column::whole("divergent__", |i| usize::from(t[i].diverged)),
        Column::number("energy__", |i| t[i].energy),
    ];
    table(sampled, columns.into_iter(), to)
}

/// Draws of several chains, with how each came about.
pub trait Chains {
    /// The number of chains, and draws of each.
    fn shape(&self) -> (usize, usize);
    /// The transition to each draw, chains one after another.
    fn transitions(&self) -> &[Transition];
    /// The step size of each chain.
    fn step_sizes(&self) -> &[f64];
}

impl Chains for SampledPosterior {
    fn shape(&self) -> (usize, usize) {
        (self.chains, self.draws)
    }

    fn transitions(&self) -> &[Transition] {
        &self.transitions
    }

    fn step_sizes(&self) -> &[f64] {
        &self.step_sizes
    }
}

impl<D: ToldDraws> Chains for D {
    fn shape(&self) -> (usize, usize) {
        ToldDraws::shape(self)
    }

    fn transitions(&self) -> &[Transition] {
        ToldDraws::transitions(self)
    }

    fn step_sizes(&self) -> &[f64] {
        ToldDraws::step_sizes(self)
    }
}

/// A column: its name, and what writes its cell of a draw.
struct Column<'a> {
    name: String,
    put: Put<'a>,
}

type Put<'a> = Box<dyn Fn(&mut Text, usize) + Sync + 'a>;

/// Lines in the making.
struct Text {
    text: String,
    number: zmij::Buffer,
}

impl<'a> Column<'a> {
    /// Numbers as the shortest text that reads back the same.
    fn number(name: impl Into<String>, of: impl Fn(usize) -> f64 + Sync + 'a) -> Column<'a> {
        Column {
            name: name.into(),
            put: Box::new(move |to, draw| to.text.push_str(to.number.format(of(draw)))),
        }
    }

    fn whole(name: impl Into<String>, of: impl Fn(usize) -> usize + Sync + 'a) -> Column<'a> {
        let put = move |to: &mut Text, draw: usize| {
            // Writing to memory does not fail.
            let _ = write!(to.text, "{}", of(draw));
        };
        Column { name: name.into(), put: Box::new(put) }
    }
}

/// The header, then the rows in pieces: some are made in parallel while those before them are written, so that no more than
/// these are held as text.
fn table<'a>(
    sampled: &impl Chains,
    of_draws: impl Iterator<Item = Column<'a>>,
    to: &mut (dyn Write + Send),
) -> io::Result<()> {
    /// Numbers of a piece.
    const PIECE: usize = 1 << 14;
    let (chains, each) = sampled.shape();
    let mut columns = vec![
        Column::whole(".chain", move |draw| draw / each + 1),
        Column::whole(".iteration", move |draw| draw % each + 1),
        Column::whole(".draw", |draw| draw + 1),
    ];
    columns.extend(of_draws);
    to.write_all(line(columns.iter().map(|c| c.name.as_str())).as_bytes())?;
    let all = chains * each;
    let draws = (PIECE / columns.len()).max(1);
    let starts: Vec<usize> = (0..all).step_by(draws).collect();
    // What has been written gives its memory to what comes after the next.
    let (mut made, mut free) = (Vec::new(), Vec::new());
    for together in starts.chunks(4 * rayon::current_num_threads()) {
        free.resize_with(together.len(), String::new);
        let work = together.iter().copied().zip(std::mem::take(&mut free)).collect();
        let make = |(start, text)| rows(start..all.min(start + draws), &columns, text);
        let (done, next) =
            parallel::join(|| write_pieces(&made, &mut *to), || parallel::map_taken(work, make));
        done?;
        free = std::mem::replace(&mut made, next);
    }
    write_pieces(&made, to)
}

fn write_pieces(pieces: &[String], to: &mut (dyn Write + Send)) -> io::Result<()> {
    pieces.iter().try_for_each(|piece| to.write_all(piece.as_bytes()))
}

/// Rows of these draws, in the memory of a text that is done with.
fn rows(range: std::ops::Range<usize>, columns: &[Column<'_>], mut text: String) -> String {
    /// Characters of a number, with its comma.
    const WIDE: usize = 20;
    text.clear();
    text.reserve(range.len() * columns.len() * WIDE);
    let mut rows = Text { text, number: zmij::Buffer::new() };
    for draw in range {
        for (k, column) in columns.iter().enumerate() {
            if k > 0 {
                rows.text.push(',');
            }
            (column.put)(&mut rows, draw);
        }
        rows.text.push('\n');
    }
    rows.text
}
