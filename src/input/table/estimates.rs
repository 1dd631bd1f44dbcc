//! Published estimates by subgroup.

use toml::Spanned;

use super::super::columns::{Kept, column_named, layout_by_subgroup};
use super::super::model_file::DataSection;
use super::super::reader::{Header, Reader, Row};
use super::super::source::Source;
use super::Aside;
use super::cells::{both_ends, count, real, whole_estimate};
use super::subgroups::Subgroups;
use crate::error::{Error, ErrorKind, Result};
use crate::study::estimates::{Figure, Printed, estimate};
use crate::study::{Scale, SubgroupEstimate};

/// The columns of what is printed of an estimate.
struct Columns {
    subgroup: Option<usize>,
    /// A ratio, or an estimate on the scale of the model.
    point: usize,
    is_ratio: bool,
    spread: Spread,
    /// Beside several factors: how many patients it is of.
    patients: Option<usize>,
}

enum Spread {
    Error(usize),
    Interval([usize; 2]),
}

/// The estimate of every subgroup, each in a row of its own.
pub fn read(
    source: &Source,
    (data, scale): (&DataSection, Scale),
    reader: &mut Reader,
    aside: &mut Aside,
) -> Result<Vec<SubgroupEstimate>> {
    let columns = Columns::of(source, data, &reader.header)?;
    let mut kept = Kept::new(source, data, &reader.header)?;
    let mut subgroups = Subgroups::in_file(source, data, &reader.header, columns.subgroup)?;
    let (mut rows, mut patients) = (Vec::new(), Vec::new());
    while let Some(row) = reader.next()? {
        if row.is_blank() || !kept.keeps(row) {
            continue;
        }
        let of = subgroups.of(row)?;
        if let Some(first_row) = of.first_row {
            return Err(subgroups.twice(row, &of, first_row));
        }
        let printed = columns.printed(row, &of.name)?;
        let (estimate, notice) = estimate(&printed, scale).map_err(|fault| {
            let column = match fault.figure {
                Figure::Interval | Figure::StandardError => columns.spread.first(),
                Figure::Whole | Figure::Ratio => columns.point,
            };
            Error::of(ErrorKind::Data, fault.message).at(row.place(column)).help(fault.help)
        })?;
        aside.notices.extend(notice);
        if let Some(column) = columns.patients {
            patients.push(count(row, column)? as f64);
        }
        rows.push(estimate);
    }
    kept.check(source)?;
    aside.factors = subgroups.factors();
    if let (Some(_), Some(factors)) = (columns.patients, &mut aside.factors) {
        factors.patients = Some(patients);
    }
    Ok(rows)
}

/// Limits are those of a 95 % interval: a column whose name says otherwise is refused.
fn of_95_percent(source: &Source, data: &DataSection, column: &str) -> Result<()> {
    let before = column.split('%').next().filter(|before| before.len() < column.len()).map(str::trim_end);
    let figures = before.map(|before| {
        let from =
            before.rfind(|c: char| !(c.is_ascii_digit() || c == '.' || c == ',')).map_or(0, |at| at + 1);
        before.get(from..).unwrap_or_default().replace(',', ".")
    });
    match figures.and_then(|figures| figures.parse::<f64>().ok()) {
        Some(level) if level != 95.0 && level > 50.0 && level < 100.0 => {
            let what = format!(
                "column `{column}` holds the limits of a {level} % interval, and `lower` and `upper` are those of a 95 % one"
            );
            Err(Error::of(ErrorKind::Data, what)
                .at(source.place(data.file.as_ref().map_or(0..0, Spanned::span)))
                .help("give standard errors instead, in a column named for `se`: of a 90 % interval they are its width (on the log scale for ratios) over 3.29, of a 99 % one over 5.15"))
        }
        _ => Ok(()),
    }
}

impl Columns {
    fn of(source: &Source, data: &DataSection, header: &Header) -> Result<Columns> {
        let has = |key: &str| data.columns.keys().any(|k| k.get_ref() == key);
        let of_factors: &[&str] = if data.factors.is_empty() { &[] } else { &["patients"] };
        let is_ratio = has("ratio");
        let value = if is_ratio { "ratio" } else { "estimate" };
        let (subgroup, point, spread) = if has("se") {
            let (subgroup, [point, se]) =
                layout_by_subgroup(source, data, header, ([value, "se"], of_factors))?;
            (subgroup, point, Spread::Error(se))
        } else {
            let keys = [value, "lower", "upper"];
            let (subgroup, [point, lower, upper]) =
                layout_by_subgroup(source, data, header, (keys, of_factors))?;
            if (point == lower) != (point == upper) {
                let keys = if point == lower { ["lower", "upper"] } else { ["upper", "lower"] };
                return Err(Error::of(ErrorKind::Rule, format!("`{value}` and `{}` are the same column, and `{}` is another", keys[0], keys[1]))
                    .at(source.place(data.file.as_ref().map_or(0..0, Spanned::span)))
                    .help(format!("a column that holds an estimate with its interval is named for all three: {value}, lower, upper")));
            }
            for column in [lower, upper] {
                of_95_percent(source, data, &header[column])?;
            }
            (subgroup, point, Spread::Interval([lower, upper]))
        };
        let patients = data.columns.iter().find(|(key, _)| key.get_ref() == "patients");
        let patients = patients.map(|(_, name)| column_named(source, header, name)).transpose()?;
        Ok(Columns { subgroup, point, is_ratio, spread, patients })
    }

    fn printed(&self, row: Row<'_>, subgroup: &str) -> Result<Printed> {
        let mut printed = Printed { subgroup: subgroup.to_string(), ..Printed::default() };
        if let Spread::Interval([lower, upper]) = self.spread
            && lower == upper
            && lower == self.point
        {
            let [point, lower, upper] = whole_estimate(row, self.point)?;
            let of = if self.is_ratio { &mut printed.ratio } else { &mut printed.estimate };
            *of = Some(point);
            printed.ci = Some((lower, upper));
            return Ok(printed);
        }
        if self.is_ratio {
            printed.ratio = Some(real(row, self.point, "ratio")?);
        } else {
            printed.estimate = Some(real(row, self.point, "estimate")?);
        }
        match self.spread {
            Spread::Error(se) => printed.se = Some(real(row, se, "standard error")?),
            Spread::Interval([lower, upper]) if lower == upper => printed.ci = Some(both_ends(row, lower)?),
            Spread::Interval([lower, upper]) => {
                let (lower, upper) = (real(row, lower, "lower bound")?, real(row, upper, "upper bound")?);
                printed.ci = Some((lower, upper));
            }
        }
        Ok(printed)
    }
}

impl Spread {
    fn first(&self) -> usize {
        match self {
            Spread::Error(column) | Spread::Interval([column, _]) => *column,
        }
    }
}
