//! Data files: tables of counts and of published estimates here, patients in `patients`.

mod cells;
mod counts;
mod counts_by_arm;
mod draws;
mod estimates;
pub(super) mod levels;
mod subgroups;

use std::path::Path;

use toml::Spanned;

use super::adjust_section::AdjustEntry;
use super::arms::SeveralArms;
use super::model_file::{DataSection, Rows};
use super::patients::{self, Covariates, Measured, check_cuts};
use super::reader::{DataFile, Reader, checksum};
use super::source::Source;
use crate::error::{Error, ErrorKind, Result};
use crate::study::rules::StatedFactors;
use crate::study::{DrawsFile, LevelScale, PatientFile, Read, Scale, Together};

/// What a data file holds.
pub struct Held {
    pub data: Read,
    pub notices: Vec<String>,
    /// Of the file as it lies on the disk.
    pub sha256: String,
    /// Of a file of patients.
    pub patients: Option<PatientFile>,
    /// Covariates and centres, where the model has any.
    pub measured: Option<Measured>,
    /// Of a file of draws: how their errors belong together, and its account.
    pub draws: Option<(Together, DrawsFile)>,
    /// Where there are several factors, the levels of every group.
    pub factors: Option<StatedFactors>,
}

/// What a table tells beside its rows.
#[derive(Default)]
pub struct Aside {
    pub notices: Vec<String>,
    pub factors: Option<StatedFactors>,
}

/// The data of a study from its file.
pub fn read(
    source: &Source,
    data: &DataSection,
    adjust: &[Spanned<AdjustEntry>],
    (scale, ordered, several): (Scale, Option<&LevelScale>, Option<&SeveralArms>),
) -> Result<Held> {
    let Some(file) = &data.file else {
        return Err(Error::of(ErrorKind::Missing, "no data file is named"));
    };
    let path = match &source.folder {
        Some(folder) => folder.join(file.get_ref()),
        None => Path::new(file.get_ref()).to_path_buf(),
    };
    if !path.exists() {
        return Err(Error::of(ErrorKind::File, format!("there is no data file `{}`", path.display()))
            .at(source.place(file.span()))
            .help("the path is relative to the model file"));
    }
    source.read.note(&path);
    let opened = DataFile::at(&path)?;
    let mut aside = Aside::default();
    let mut of_draws = None;
    let (rows, measured) = match data.rows {
        Some(Rows::Patients) => {
            let found = patients::read(source, (data, adjust, ordered), several, (&opened, file.get_ref()))?;
            return Ok(Held {
                data: found.cells,
                notices: found.notices,
                sha256: found.sha256,
                patients: Some(found.file),
                measured: found.measured,
                draws: None,
                factors: found.factors,
            });
        }
        Some(Rows::Counts) if ordered.is_some() => {
            if let Some(entry) = adjust.first() {
                return Err(Error::of(ErrorKind::Rule, "covariates of counts by ordered level")
                    .at(source.place(entry.span()))
                    .help("they are for rows = \"patients\": each row then has its level"));
            }
            let mut reader = Reader::open(&opened, (source.reading, &data.form()))?;
            check_cuts(source, data, &[])?;
            let rows = match ordered {
                Some(scale) => levels::read(source, (data, scale), &mut reader, &mut aside.notices)?,
                None => Vec::new(),
            };
            aside.notices.extend(reader.notices());
            (Read::Levels(rows), None)
        }
        Some(Rows::Counts) => {
            let mut reader = Reader::open(&opened, (source.reading, &data.form()))?;
            let mut covariates = Covariates::new(source, (data, reader.decimal), adjust, &reader.header)?;
            let counts = match several {
                Some(arms) => counts_by_arm::read(source, (data, arms), &mut reader, &mut aside.notices)?,
                None => counts::read(source, data, (&mut reader, &mut covariates), &mut aside)?,
            };
            aside.notices.extend(reader.notices());
            (Read::Counts(counts), covariates.any.then_some(covariates.measured))
        }
        Some(Rows::Draws) => {
            let mut reader = Reader::open(&opened, (source.reading, &data.form()))?;
            check_cuts(source, data, &[])?;
            let found = draws::read(source, (data, scale), &mut reader, file)?;
            aside.notices.extend(reader.notices());
            of_draws = Some((found.together, found.account));
            (Read::Estimates(found.rows), None)
        }
        _ => {
            let mut reader = Reader::open(&opened, (source.reading, &data.form()))?;
            check_cuts(source, data, &[])?;
            let estimates = estimates::read(source, (data, scale), &mut reader, &mut aside)?;
            aside.notices.extend(reader.notices());
            (Read::Estimates(estimates), None)
        }
    };
    let sha256 = checksum(&opened)?;
    let Aside { notices, factors } = aside;
    Ok(Held { data: rows, notices, sha256, patients: None, measured, draws: of_draws, factors })
}
