//! Posterior draws of every subgroup's effect: a row a draw, a column a subgroup.

use toml::Spanned;

use super::super::build::effect_prior;
use super::super::columns::{Kept, column_named};
use super::super::model_file::DataSection;
use super::super::reader::Reader;
use super::super::source::Source;
use crate::error::{Error, ErrorKind, Result};
use crate::study::estimates::{Printed, estimate};
use crate::study::{
    DrawsFile, FittedUnder, LocationPrior, MOST_CORRELATED, Scale, SubgroupEstimate, Together,
};
use crate::study::{draws, names};

/// More numbers are not kept.
const MOST_NUMBERS: usize = 20_000_000;

const MOST_CHAINS: usize = 1_000;

/// What a file of draws comes to.
pub struct Found {
    pub rows: Vec<SubgroupEstimate>,
    pub together: Together,
    pub account: DrawsFile,
}

/// Reads all draws.
pub fn read(
    source: &Source,
    (data, scale): (&DataSection, Scale),
    reader: &mut Reader,
    file: &Spanned<String>,
) -> Result<Found> {
    let at_file = || source.place(file.span());
    let fitted_under = fitted_under(source, (data, scale), file)?;
    // In the order in which they are written.
    let mut columns: Vec<(&Spanned<String>, &Spanned<String>)> = data.columns.iter().collect();
    columns.sort_by_key(|(key, _)| key.span().start);
    if columns.is_empty() {
        return Err(Error::of(ErrorKind::Missing, "`columns` is missing: which column is of which subgroup?")
            .at(at_file())
            .help("name each, in the order in which they are shown: columns = { men = \"b_men\", women = \"b_women\" }"));
    }
    if columns.len() > MOST_CORRELATED {
        return Err(Error::of(ErrorKind::Limit, format!("{} subgroups", columns.len()))
            .at(at_file())
            .help(format!("the program takes draws of at most {MOST_CORRELATED}")));
    }
    let mut places = Vec::with_capacity(columns.len());
    for (key, column) in &columns {
        names::name(key.get_ref()).map_err(|unfit| {
            Error::of(ErrorKind::Value, format!("the name of the subgroup {}", unfit.in_words()))
                .at(source.place(key.span()))
                .help(unfit.help())
        })?;
        let place = column_named(source, &reader.header, column)?;
        if places.contains(&place) {
            return Err(Error::of(
                ErrorKind::Rule,
                format!("column `{}` is of two subgroups", column.get_ref()),
            )
            .at(source.place(column.span())));
        }
        places.push(place);
    }
    let chain = match &data.chain {
        Some(name) => Some(column_named(source, &reader.header, name)?),
        None => None,
    };
    let mut kept = Kept::new(source, data, &reader.header)?;
    let mut values: Vec<Vec<f64>> = vec![Vec::new(); places.len()];
    let mut chains: Vec<(String, Vec<usize>)> = Vec::new();
    let mut rows = 0;
    while let Some(row) = reader.next()? {
        if row.is_blank() || !kept.keeps(row) {
            continue;
        }
        for (values, &place) in values.iter_mut().zip(&places) {
            let text = row.text(place)?;
            let value = row.decimal.number(text).filter(|x| x.is_finite()).ok_or_else(|| {
                Error::of(ErrorKind::Data, format!("found `{text}`, expected a finite number"))
                    .at(row.place(place))
                    .help("every draw of an effect is a number on the scale of the model: the log of a ratio, or a difference")
            })?;
            values.push(value);
        }
        let label = match chain {
            Some(place) => row.text(place)?,
            None => "",
        };
        match chains.iter().position(|(known, _)| known == label) {
            Some(place) => chains[place].1.push(rows),
            None if chains.len() < MOST_CHAINS => chains.push((label.to_string(), vec![rows])),
            None => {
                return Err(Error::of(ErrorKind::Data, format!("more than {MOST_CHAINS} chains"))
                    .at(row.place(chain.unwrap_or(0))));
            }
        }
        rows += 1;
        if rows * places.len() > MOST_NUMBERS {
            return Err(Error::of(ErrorKind::Limit, format!("more than {} draws", rows - 1))
                .at(reader.file())
                .help("thin them: ten thousand are plenty"));
        }
    }
    kept.check(source)?;
    // Chain after chain, however their rows stand in the file.
    let order: Vec<usize> = chains.iter().flat_map(|(_, of)| of.iter().copied()).collect();
    let lengths: Vec<usize> = chains.iter().map(|(_, of)| of.len()).collect();
    let values: Vec<Vec<f64>> = values.iter().map(|v| order.iter().map(|&i| v[i]).collect()).collect();
    let names: Vec<&str> = columns.iter().map(|(key, _)| key.get_ref().as_str()).collect();
    let found = draws::summary((file.get_ref(), &names), &values, &lengths, fitted_under)
        .map_err(|fault| Error::of(fault.kind, fault.message).at(at_file()).help(fault.help))?;
    let source_of = match fitted_under {
        FittedUnder::Flat => format!("{} draws of a fit elsewhere", thousands(rows)),
        prior => format!(
            "{} draws of a fit elsewhere, its prior {} divided out",
            thousands(rows),
            prior.in_words()
        ),
    };
    let mut rows = Vec::with_capacity(names.len());
    for (g, name) in names.iter().enumerate() {
        let printed = Printed {
            subgroup: (*name).to_string(),
            estimate: Some(found.means[g]),
            se: Some(libm::sqrt(found.covariance[g][g])),
            source: Some(source_of.clone()),
            ..Printed::default()
        };
        let (row, _) = estimate(&printed, scale).map_err(|fault| {
            Error::of(ErrorKind::Data, fault.message)
                .at(source.place(columns[g].1.span()))
                .help(fault.help)
                .help(
                    "draws are of the effect on the scale of the model: the log of a ratio, or a difference",
                )
        })?;
        rows.push(row);
    }
    Ok(Found { rows, together: Together::Covariance(found.covariance), account: found.file })
}

/// With a comma between thousands.
fn thousands(n: usize) -> String {
    match n {
        0..1_000 => n.to_string(),
        _ => format!("{},{:03}", thousands(n / 1_000), n % 1_000),
    }
}

/// The prior that draws were fitted under, which has to be said.
fn fitted_under(
    source: &Source,
    (data, scale): (&DataSection, Scale),
    file: &Spanned<String>,
) -> Result<FittedUnder> {
    const HELP: &str = "write fitted_under = \"flat\", or the normal prior on each subgroup's effect that they were fitted under, such as fitted_under = \"normal(0, 1)\": it is divided out";
    let Some(entry) = &data.fitted_under else {
        return Err(Error::of(
            ErrorKind::Missing,
            "`fitted_under` is missing: under which prior were these draws fitted?",
        )
        .at(source.place(file.span()))
        .help(HELP));
    };
    let written = effect_prior(source, entry, scale)?;
    match written.distribution {
        LocationPrior::Flat => Ok(FittedUnder::Flat),
        LocationPrior::Normals(normals) if normals.len() == 1 => {
            Ok(FittedUnder::Normal { mean: normals[0].mean, sd: normals[0].sd })
        }
        _ => Err(Error::of(ErrorKind::Value, "only a flat or a normal prior can be divided out of draws")
            .at(source.place(entry.span()))
            .help(HELP)
            .help("of a hierarchical fit take the effects of a fit without pooling")),
    }
}
