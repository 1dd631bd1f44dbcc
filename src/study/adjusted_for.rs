//! What effects are adjusted for, in words: by covariates, by those who published them, or not at all.

use super::problem::{Part, Problem};
use super::{Data, Study, SubgroupEstimate};
use crate::error::ErrorKind;

const NOT_ADJUSTED: &str = "not adjusted for who received it";

/// What crude estimates are written to be adjusted for.
const NOTHING: &str = "nothing";

/// Subgroups that are named; of more there is the number.
const NAMED: usize = 3;

/// Estimates that do not say themselves what they are adjusted for are so for what is said of all.
pub(super) fn adjusted_as_stated(data: &mut Data, of_all: Option<&str>) -> Result<(), Problem> {
    let Data::Estimates(rows) = data else {
        let Some(_) = of_all else { return Ok(()) };
        let message = "`adjusted_for` is for published estimates, and the data are counts";
        return Err(Problem::new(Part::Description, ErrorKind::Rule, message)
            .help("leave it out; of rows of patients, `adjust` in [model] says what to adjust for"));
    };
    for row in rows.rows.iter_mut() {
        let what = row.adjusted_for.as_deref().or(of_all).map(|what| what.trim().to_string());
        row.adjusted_for = what;
    }
    match rows.iter().position(|row| row.adjusted_for.as_deref() == Some("")) {
        None => Ok(()),
        Some(group) => Err(Problem::new(Part::Group(group), ErrorKind::Missing, "`adjusted_for` is empty")
            .help(
                "name the covariates as published, write \"nothing\" for crude estimates, or leave it out",
            )),
    }
}

impl Study {
    /// Whether the effects are adjusted: by covariates or centres, or, each of them, by those who published them.
    pub fn is_adjusted(&self) -> bool {
        let by_others =
            |row: &SubgroupEstimate| row.adjusted_for.as_deref().is_some_and(|what| what != NOTHING);
        self.adjustment.is_some()
            || self.weighting.is_some()
            || self.data.published().is_some_and(|rows| rows.iter().all(by_others))
    }

    /// What the effects are adjusted for, as the end of a sentence: "not adjusted for who received it".
    pub fn adjusted_in_words(&self) -> String {
        if let Some(weighting) = &self.weighting {
            return weighting.adjusted_for();
        }
        match (&self.adjustment, self.data.published()) {
            (Some(a), _) => format!("adjusted for {} and for nothing else", a.in_words()),
            (None, None) => NOT_ADJUSTED.to_string(),
            (None, Some(rows)) => as_published(rows),
        }
    }
}

fn as_published(rows: &[SubgroupEstimate]) -> String {
    let mut kinds: Vec<(Option<&str>, Vec<&str>)> = Vec::new();
    for row in rows {
        let what = row.adjusted_for.as_deref();
        match kinds.iter_mut().find(|(known, _)| *known == what) {
            Some((_, names)) => names.push(&row.name),
            None => kinds.push((what, vec![&row.name])),
        }
    }
    match kinds.as_slice() {
        [(None, _)] => {
            "and the program does not know what the published estimates are adjusted for".to_string()
        }
        [(Some(NOTHING), _)] => NOT_ADJUSTED.to_string(),
        [(Some(what), _)] => format!("published as adjusted for {what}"),
        several => {
            let said = |(what, names): &(Option<&str>, Vec<&str>)| {
                Some(format!("for {} in {}", (*what)?, few(names)))
            };
            let mut all: Vec<String> = several.iter().filter_map(said).collect();
            if let Some((_, names)) = several.iter().find(|(what, _)| what.is_none()) {
                all.push(format!("the program does not know for what in {}", few(names)));
            }
            format!("published as adjusted {}", all.join("; "))
        }
    }
}

/// The first few names, and how many more there are.
fn few(names: &[&str]) -> String {
    let more = names.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", names[..names.len().min(NAMED)].join(", "))
}
