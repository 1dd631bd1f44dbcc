//! How the errors of published estimates belong together: a matrix in the model file, or in a file of its own.

use std::path::Path;

use toml::Spanned;

use super::columns::column_named;
use super::matrix_words::MatrixEntry;
use super::model_file::DataSection;
use super::nearest::listed;
use super::reader::{DataFile, Reader, checksum};
use super::source::Source;
use crate::error::{Error, ErrorKind, Result};
use crate::study::Together;

/// What is stated of estimates with these names, with the checksum of its file where it has one.
pub fn together(
    source: &Source,
    data: &DataSection,
    names: &[&str],
) -> Result<Option<(Together, Option<String>)>> {
    let (entry, correlations) = match (&data.covariance, &data.correlation) {
        (None, None) => return Ok(None),
        (Some(entry), None) => (entry, false),
        (None, Some(entry)) => (entry, true),
        (Some(_), Some(entry)) => {
            return Err(Error::of(ErrorKind::Rule, "[data] has both `covariance` and `correlation`")
                .at(source.place(entry.span()))
                .help("give one of them: the covariance tells the correlation"));
        }
    };
    let (rows, sha256) = match entry.get_ref() {
        MatrixEntry::Rows(rows) => {
            (rows.iter().map(|row| row.get_ref().iter().map(|x| x.0).collect()).collect(), None)
        }
        MatrixEntry::File(name) => {
            let (rows, sha256) = of_file(source, data, (entry, name), names)?;
            (rows, Some(sha256))
        }
    };
    let together = if correlations { Together::Correlation(rows) } else { Together::Covariance(rows) };
    Ok(Some((together, sha256)))
}

/// The rows and columns of these subgroups, from a file whose columns are named: for the subgroups, or as `columns` says. A
/// first column of texts names the rows, which are in the order of the columns otherwise.
fn of_file<T>(
    source: &Source,
    data: &DataSection,
    (entry, name): (&Spanned<T>, &str),
    names: &[&str],
) -> Result<(Vec<Vec<f64>>, String)> {
    let path = match &source.folder {
        Some(folder) => folder.join(name),
        None => Path::new(name).to_path_buf(),
    };
    if !path.exists() {
        return Err(Error::of(ErrorKind::File, format!("there is no file `{}`", path.display()))
            .at(source.place(entry.span()))
            .help("the path is relative to the model file"));
    }
    source.read.note(&path);
    let opened = DataFile::at(&path)?;
    let mut reader = Reader::open(&opened, (source.reading, &data.form()))?;
    let columns = names.iter().map(|name| place_of(source, data, (entry, name), &reader));
    let columns: Vec<usize> = columns.collect::<Result<_>>()?;
    let header: Vec<String> = reader.header.to_vec();
    // `write.csv` of R puts the rows' names into a first column without one.
    let named = header.first().is_some_and(|first| {
        first.is_empty() || !columns.contains(&0) && matches!(first.as_str(), "name" | "term" | "X" | "row")
    });
    let numbered: Vec<&String> = header.iter().skip(usize::from(named)).collect();
    let mut found: Vec<Option<Vec<f64>>> = vec![None; header.len()];
    let mut place = 0;
    while let Some(row) = reader.next()? {
        if row.is_blank() {
            continue;
        }
        let of = if named {
            let own = row.text(0)?;
            header.iter().skip(1).position(|column| column == own).map(|k| k + 1).ok_or_else(|| {
                Error::of(ErrorKind::Data, format!("row `{own}` has no column of that name"))
                    .at(row.place(0))
                    .help("a covariance has the same names in its rows and columns")
            })?
        } else if place < header.len() {
            place
        } else {
            return Err(Error::of(ErrorKind::Data, "more rows than columns").at(row.place(0)).help(format!(
                "a covariance has as many rows as columns: {}",
                listed(numbered.iter().map(|c| c.as_str()))
            )));
        };
        place += 1;
        let mut values = Vec::with_capacity(columns.len());
        for &column in &columns {
            let text = row.text(column)?;
            let value = row.decimal.number(text).filter(|x| x.is_finite()).ok_or_else(|| {
                Error::of(ErrorKind::Data, format!("found `{text}`, expected a finite number"))
                    .at(row.place(column))
                    .help("every cell of a covariance is a number")
            })?;
            values.push(value);
        }
        if found[of].replace(values).is_some() {
            return Err(Error::of(ErrorKind::Data, format!("two rows of `{}`", header[of])).at(row.place(0)));
        }
    }
    let rows = columns.iter().zip(names).map(|(&column, name)| {
        found[column].take().ok_or_else(|| {
            Error::of(ErrorKind::Data, format!("no row for `{name}` (column `{}`)", header[column]))
                .at(reader.file())
                .help("a covariance has as many rows as columns")
        })
    });
    let rows = rows.collect::<Result<_>>()?;
    Ok((rows, checksum(&opened)?))
}

/// The column of a subgroup: as `columns` says, or of its own name.
fn place_of<T>(
    source: &Source,
    data: &DataSection,
    (entry, name): (&Spanned<T>, &str),
    reader: &Reader,
) -> Result<usize> {
    if let Some((_, column)) =
        data.columns.iter().find(|(key, _)| data.file.is_none() && key.get_ref() == name)
    {
        return column_named(source, &reader.header, column);
    }
    reader.header.iter().position(|column| column == name).ok_or_else(|| {
        let columns = reader.header.iter().filter(|c| !c.is_empty()).map(String::as_str);
        let error = Error::of(ErrorKind::Unknown, format!("the file of the matrix has no column `{name}`"))
            .at(source.place(entry.span()))
            .help(format!("its columns are {}", listed(columns)));
        match data.file {
            None => error.help(format!(
                "say which is which: columns = {{ {} = \"…\", … }} in [data]",
                crate::study::written::key_in_file(name)
            )),
            Some(_) => error.help("name the columns as the subgroups are"),
        }
    })
}
