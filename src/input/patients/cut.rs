//! Numbers of a column cut into levels.

use toml::Spanned;

use super::super::model_file::{DataSection, Rows};
use super::super::number::Real;
use super::super::source::Source;
use crate::error::{Error, ErrorKind, Result};

/// Levels of a number, each from one point to below the next.
#[derive(Debug, Clone)]
pub struct Cut {
    points: Vec<f64>,
    /// "<65", "65–79", "≥80"; one more than points.
    pub labels: Vec<String>,
}

/// Points at most.
const MOST: usize = 49;

impl Cut {
    /// Of a column, if `[data.cut]` names it.
    pub fn of(source: &Source, data: &DataSection, column: &str) -> Result<Option<Cut>> {
        let Some((_, points)) = data.cut.iter().find(|(name, _)| name.get_ref() == column) else {
            return Ok(None);
        };
        let numbers: Vec<f64> = points.get_ref().iter().map(|&Real(x)| x).collect();
        let cut = Cut::checked(numbers).map_err(|error| {
            error
                .at(source.place(points.span()))
                .help("write where levels begin, from the lowest on: [65, 80]")
        })?;
        Ok(Some(cut))
    }

    /// At points that increase, of which there are neither none nor too many.
    pub fn checked(points: Vec<f64>) -> Result<Cut> {
        let wrong = |what: String| Err(Error::of(ErrorKind::Rule, what));
        if points.is_empty() || points.len() > MOST {
            return wrong(format!("{} points, expected 1 to {MOST}", points.len()));
        }
        if let Some(x) = points.iter().find(|x| !x.is_finite()) {
            return wrong(format!("a point of {x}"));
        }
        if let Some([a, b]) = points.array_windows().find(|[a, b]| a >= b) {
            return wrong(format!("{b} stands after {a}"));
        }
        Ok(Cut::at(points))
    }

    fn at(points: Vec<f64>) -> Cut {
        let whole = points.iter().all(|x| x.fract() == 0.0 && *x >= 0.0 && *x < 1e9);
        let between = |[from, to]: &[f64; 2]| match (whole, to - 1.0) {
            (true, last) if last == *from => format!("{from}"),
            (true, last) => format!("{from}–{last}"),
            (false, _) => format!("{from} to <{to}"),
        };
        let first = points.first().map(|x| format!("<{x}"));
        let last = points.last().map(|x| format!("≥{x}"));
        let labels = first.into_iter().chain(points.array_windows().map(between)).chain(last).collect();
        Cut { points, labels }
    }

    /// The level of a number.
    pub fn label(&self, x: f64) -> &str {
        &self.labels[self.points.partition_point(|point| *point <= x)]
    }
}

/// Whether a column is that of the subgroups of a file of patients, which are levels of its numbers.
pub fn is_cut_subgroup(data: &DataSection, column: &str) -> bool {
    let is_subgroup = |(key, name): (&Spanned<String>, &Spanned<String>)| {
        key.get_ref() == "subgroup" && name.get_ref() == column
    };
    data.rows == Some(Rows::Patients)
        && data.columns.iter().any(is_subgroup)
        && data.cut.keys().any(|cut| cut.get_ref() == column)
}

/// The column of a factor: as it is named, or as the factor is called.
fn column_of<'d>(data: &'d DataSection, factor: &'d Spanned<String>) -> &'d String {
    let named = data.columns.iter().find(|(key, _)| key.get_ref() == factor.get_ref());
    named.map_or(factor.get_ref(), |(_, column)| column.get_ref())
}

/// That every column that is cut is the subgroup's or a covariate's.
pub fn check_cuts(source: &Source, data: &DataSection, covariates: &[String]) -> Result<()> {
    let of_patients =
        |key: &Spanned<String>| data.rows == Some(Rows::Patients) && key.get_ref() == "subgroup";
    let subgroup = data.columns.iter().find(|(key, _)| of_patients(key)).map(|(_, name)| name);
    let is_factor = |name: &Spanned<String>| {
        data.rows == Some(Rows::Patients)
            && data.factors.iter().any(|factor| column_of(data, factor) == name.get_ref())
    };
    let is_used = |name: &Spanned<String>| {
        is_factor(name)
            || covariates.contains(name.get_ref())
            || subgroup.is_some_and(|s| s.get_ref() == name.get_ref())
    };
    match data.cut.keys().find(|name| !is_used(name)) {
        None => Ok(()),
        Some(name) if data.factors.iter().any(|f| column_of(data, f) == name.get_ref()) => {
            Err(Error::of(ErrorKind::Rule, format!("`{}` is cut, and rows are not patients", name.get_ref()))
                .at(source.place(name.span()))
                .help("a row of a table has one level of every factor: write the levels into the file"))
        }
        Some(name) => Err(Error::of(
            ErrorKind::Rule,
            format!(
                "`{}` is cut, and is the column of neither subgroups, nor a factor, nor a covariate",
                name.get_ref()
            ),
        )
        .at(source.place(name.span()))
        .help("columns = { …, subgroup = \"…\" } or [model] adjust names the columns that are used")),
    }
}

#[cfg(test)]
mod tests {
    use super::Cut;

    #[test]
    fn levels_run_from_one_point_to_below_the_next() {
        let cut = Cut::at(vec![65.0, 80.0]);
        assert_eq!(cut.labels, ["<65", "65–79", "≥80"]);
        let found = [-1.0, 64.9, 65.0, 79.9, 80.0, 200.0].map(|x| cut.label(x).to_string());
        assert_eq!(found, ["<65", "<65", "65–79", "65–79", "≥80", "≥80"]);
        assert_eq!(Cut::at(vec![1.5, 2.5]).labels, ["<1.5", "1.5 to <2.5", "≥2.5"]);
        assert_eq!(Cut::at(vec![1.0, 2.0]).labels, ["<1", "1", "≥2"]);
        assert_eq!(Cut::at(vec![7.0]).labels, ["<7", "≥7"]);
    }
}
