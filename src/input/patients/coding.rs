//! What stands in a file's columns for arms, events and subgroups.

use std::collections::BTreeMap;

use toml::Spanned;

use super::super::arms::SeveralArms;
use super::super::crossing::{Crossed, Crossing, Refused};
use super::super::model_file::{DataSection, Levels};
use super::super::reader::Row;
use super::super::source::Source;
use super::super::table::levels::coded;
use super::super::values::Values;
use super::cut::Cut;
use crate::error::{Error, ErrorKind, Result};
use crate::study::{LevelScale, MOST_SUBGROUPS};

/// What a value of a column is taken as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    Missing,
    /// An arm, an event or none, or a subgroup, as its place among them.
    As(usize),
    /// An arm that is neither of the two, where both are named.
    Other,
}

/// One column's values. Looked up by bytes; what was met is remembered with how often.
#[derive(Debug)]
pub struct Column {
    pub role: &'static str,
    pub index: usize,
    /// What values are taken as, in words: "control", "event".
    pub classes: Vec<String>,
    met: Vec<Met>,
    /// The last value's place: neighbours are often alike.
    last: usize,
    unlisted: Listing,
}

/// What values are that are not listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Listing {
    Errors,
    /// Classes of their own.
    Classes,
    /// Left out, but for those that differ from a listed one in nothing but capitals.
    Others,
}

/// Values that are left out, at most: more are no arms.
const MOST_OTHERS: usize = 100;

#[derive(Debug)]
struct Met {
    value: Vec<u8>,
    taken: Taken,
    rows: u64,
}

/// Written where nothing was measured, in any case.
const NOTHING: [&str; 6] = ["", "na", "n/a", "nan", ".", "null"];

/// Whether a value says that nothing was measured.
pub fn is_nothing(value: &str) -> bool {
    NOTHING.contains(&value.to_lowercase().as_str())
}

/// A value that is neither listed nor missing.
pub struct Unlisted;

impl Column {
    fn new(role: &'static str, index: usize, listed: &[(&str, &[String])], unlisted: Listing) -> Column {
        let met = listed.iter().enumerate().flat_map(|(k, (_, values))| {
            values.iter().map(move |v| Met { value: v.clone().into_bytes(), taken: Taken::As(k), rows: 0 })
        });
        Column {
            role,
            index,
            classes: listed.iter().map(|(name, _)| (*name).to_string()).collect(),
            met: met.collect(),
            last: 0,
            unlisted,
        }
    }

    /// What a value is taken as.
    pub fn take(&mut self, value: &[u8]) -> std::result::Result<Taken, Unlisted> {
        let same = |m: &Met| m.value == value;
        let found = match self.met.get(self.last) {
            Some(met) if same(met) => Some(self.last),
            _ => self.met.iter().position(same),
        };
        let place = match found {
            Some(place) => place,
            None => self.first_met(value)?,
        };
        self.last = place;
        let met = &mut self.met[place];
        met.rows += 1;
        Ok(met.taken)
    }

    fn first_met(&mut self, value: &[u8]) -> std::result::Result<usize, Unlisted> {
        let text = std::str::from_utf8(value).map_err(|_| Unlisted)?;
        let taken = if is_nothing(text) {
            Taken::Missing
        } else if self.unlisted == Listing::Classes && self.classes.len() < MOST_SUBGROUPS {
            self.classes.push(text.to_string());
            Taken::As(self.classes.len() - 1)
        } else if self.unlisted == Listing::Others
            && self.nearly(text).is_none()
            && self.others().count() < MOST_OTHERS
        {
            Taken::Other
        } else {
            return Err(Unlisted);
        };
        self.met.push(Met { value: value.to_vec(), taken, rows: 0 });
        Ok(self.met.len() - 1)
    }

    /// Every value that was met or listed, what it is taken as, and in how many rows.
    pub fn levels(&self) -> impl Iterator<Item = (String, Option<&str>, u64)> {
        self.met.iter().map(|m| {
            let taken = match m.taken {
                Taken::Missing => None,
                Taken::Other => Some("left out"),
                Taken::As(k) => self.classes.get(k).map(String::as_str),
            };
            (String::from_utf8_lossy(&m.value).into_owned(), taken, m.rows)
        })
    }

    /// Whether another value would be one too many, rather than one that is not listed.
    pub fn is_full(&self) -> bool {
        self.unlisted == Listing::Classes && self.classes.len() >= MOST_SUBGROUPS
    }

    /// Whether more values are left out than arms can be.
    pub fn leaves_out_too_many(&self) -> bool {
        self.others().count() >= MOST_OTHERS
    }

    /// The listed value that differs from this one in nothing but capitals.
    pub fn nearly(&self, text: &str) -> Option<&str> {
        let listed = self.met.iter().filter(|m| matches!(m.taken, Taken::As(_)));
        let mut texts = listed.filter_map(|m| std::str::from_utf8(&m.value).ok());
        texts.find(|known| *known != text && known.to_lowercase() == text.to_lowercase())
    }

    /// Values that are left out, with their rows.
    fn others(&self) -> impl Iterator<Item = &Met> {
        self.met.iter().filter(|m| m.taken == Taken::Other)
    }

    /// Values that are left out, in words: "2 of `C`, 3 of `D`".
    pub fn others_in_words(&self) -> String {
        const TOLD: usize = 8;
        let mut each: Vec<String> =
            self.others().map(|m| format!("{} of `{}`", m.rows, String::from_utf8_lossy(&m.value))).collect();
        each.sort_unstable();
        let more = each.len().saturating_sub(TOLD);
        each.truncate(TOLD);
        if more > 0 {
            each.push(format!("{more} more values"));
        }
        each.join(", ")
    }

    /// The listed values as a reader would write them, with what they are taken as where it is something else.
    pub fn expected(&self) -> String {
        let listed = self.met.iter().filter(|m| m.taken != Taken::Other);
        let listed = listed.filter_map(|m| match m.taken {
            Taken::As(k) => {
                let (value, class) = (String::from_utf8_lossy(&m.value), self.classes.get(k)?);
                Some(if value == *class { format!("`{value}`") } else { format!("`{value}` ({class})") })
            }
            _ => None,
        });
        listed.collect::<Vec<_>>().join(", ")
    }
}

/// The columns that a file of patients has.
pub struct Coding {
    pub outcome: Column,
    pub treatment: Column,
    /// None where all patients are one subgroup.
    pub subgroup: Option<Column>,
    /// Of the subgroup's column.
    pub cut: Option<Cut>,
    /// In place of both, the columns of several factors.
    pub crossing: Option<Crossing>,
    /// The class of outcomes that are not known, after those of all that are.
    unknown: usize,
    ordered: bool,
}

/// The subgroup of a file without a column of subgroups.
const ALL: &str = crate::study::ALL_PATIENTS;

/// Classes of the outcome after "no event".
pub const EVENT: usize = 1;

impl Coding {
    /// From `[data.levels]`; 0 and 1 are understood without.
    pub fn new(
        source: &Source,
        data: &DataSection,
        ([outcome, treatment], subgroup): ([usize; 2], Option<usize>),
        (scale, several): (Option<&LevelScale>, Option<&SeveralArms>),
        crossing: Option<Crossing>,
    ) -> Result<Coding> {
        let nothing = Levels::default();
        let levels = data.levels.as_ref().map_or(&nothing, Spanned::get_ref);
        let [event, no_event] = pair(source, ("event", &levels.event), ("no_event", &levels.no_event))?;
        let [active, control] = match several {
            Some(_) => [Vec::new(), Vec::new()],
            None => pair(source, ("active", &levels.active), ("control", &levels.control))?,
        };
        let unknown = levels.unknown.as_ref().map(|v| v.get_ref().0.clone()).unwrap_or_default();
        if let (Some(twice), Some(spanned)) =
            (unknown.iter().find(|v| event.contains(v) || no_event.contains(v)), &levels.unknown)
            && scale.is_none()
        {
            return Err(Error::of(ErrorKind::Rule, format!("`{twice}` is listed twice"))
                .at(source.place(spanned.span())));
        }
        let listed: [(&str, &[String]); 3] =
            [("no event", &no_event), ("event", &event), ("unknown", &unknown)];
        let (outcome, unknown) = match scale {
            Some(scale) => (ordered(source, (data, scale), (outcome, levels), &unknown)?, scale.levels()),
            None => (Column::new("outcome", outcome, &listed, Listing::Errors), EVENT + 1),
        };
        let treatment = match several {
            Some(arms) => {
                let listed: Vec<(&str, &[String])> = arms
                    .names
                    .iter()
                    .map(String::as_str)
                    .zip(arms.values.iter().map(Vec::as_slice))
                    .collect();
                Column::new("treatment", treatment, &listed, Listing::Others)
            }
            None => {
                let arms: [(&str, &[String]); 2] = [("control", &control), ("active", &active)];
                let others = if levels.control.is_some() { Listing::Others } else { Listing::Errors };
                Column::new("treatment", treatment, &arms, others)
            }
        };
        let named = data.columns.iter().find(|(key, _)| key.get_ref() == "subgroup").map(|(_, name)| name);
        let cut = named.map(|name| Cut::of(source, data, name.get_ref())).transpose()?.flatten();
        if let (None, Some(level)) = (subgroup, levels.subgroup.keys().next()) {
            return Err(Error::of(ErrorKind::Rule, "levels of subgroups, and no column of subgroups")
                .at(source.place(level.span()))
                .help("name it: columns = { …, subgroup = \"…\" }"));
        }
        if let (Some(cut), Some(unknown)) = (
            &cut,
            levels.subgroup.keys().find(|l| cut.as_ref().is_some_and(|c| !c.labels.contains(l.get_ref()))),
        ) {
            return Err(Error::of(
                ErrorKind::Unknown,
                format!("`{}` is no level of the cut column", unknown.get_ref()),
            )
            .at(source.place(unknown.span()))
            .help(format!("they are `{}`", cut.labels.join("`, `"))));
        }
        let subgroup = subgroup.map(|index| levels_of(&levels.subgroup, index, cut.as_ref()));
        Ok(Coding { outcome, treatment, subgroup, cut, crossing, unknown, ordered: scale.is_some() })
    }

    /// Whether the outcome's values are ordered levels.
    pub fn is_ordered(&self) -> bool {
        self.ordered
    }

    /// The names of the subgroups.
    pub fn names(&self) -> Vec<String> {
        if let Some(crossing) = &self.crossing {
            return crossing.names();
        }
        self.subgroup.as_ref().map_or_else(|| vec![ALL.to_string()], |column| column.classes.clone())
    }

    /// The column of a place in the header.
    pub fn column(&self, index: usize) -> Option<&Column> {
        self.columns().find(|column| column.index == index)
    }

    /// The columns of outcome, treatment, and subgroups or factors.
    pub fn columns(&self) -> impl Iterator<Item = &Column> {
        let factors = self.crossing.iter().flat_map(Crossing::columns);
        [Some(&self.outcome), Some(&self.treatment), self.subgroup.as_ref()]
            .into_iter()
            .flatten()
            .chain(factors)
    }

    /// Whether the column at this place holds numbers that are cut.
    pub fn is_cut(&self, index: usize) -> bool {
        let own = self.subgroup.as_ref().is_some_and(|c| c.index == index) && self.cut.is_some();
        own || self.crossing.as_ref().is_some_and(|crossing| crossing.is_cut(index))
    }

    /// What a row's subgroup is taken as.
    pub fn take_subgroup(&mut self, row: Row<'_>) -> std::result::Result<Crossed, Refused> {
        if let Some(crossing) = &mut self.crossing {
            return crossing.take(row);
        }
        let index = self.subgroup.as_ref().map_or(0, |column| column.index);
        match self.take_single(row) {
            Ok(Taken::As(g)) => Ok(Crossed::As(g)),
            Ok(Taken::Missing | Taken::Other) => Ok(Crossed::Missing(0)),
            Err(Unlisted) => Err(Refused::Unlisted(index)),
        }
    }

    /// The name and the place of the column that is missing where a row has no subgroup, or no level of a factor.
    pub fn lacking(&self, factor: usize) -> (&str, usize) {
        match (&self.crossing, &self.subgroup) {
            (Some(crossing), _) => crossing.factor(factor),
            (None, column) => ("subgroup", column.as_ref().map_or(0, |column| column.index)),
        }
    }

    fn take_single(&mut self, row: Row<'_>) -> std::result::Result<Taken, Unlisted> {
        let Some(column) = &mut self.subgroup else { return Ok(Taken::As(0)) };
        let value = row.bytes(column.index);
        let Some(cut) = &self.cut else { return column.take(value) };
        let text = std::str::from_utf8(value).map_err(|_| Unlisted)?;
        match row.decimal.number(text) {
            Some(x) => column.take(cut.label(x).as_bytes()),
            None if is_nothing(text) => column.take(value),
            None => Err(Unlisted),
        }
    }

    /// Whether a class of the outcome is that of what is not known.
    pub fn is_unknown(&self, taken: Taken) -> bool {
        taken == Taken::Missing || taken == Taken::As(self.unknown)
    }
}

/// The outcome's column where its values are ordered levels.
fn ordered(
    source: &Source,
    (data, scale): (&DataSection, &LevelScale),
    (column, levels): (usize, &Levels),
    unknown: &[String],
) -> Result<Column> {
    if let Some((key, values)) = [("event", &levels.event), ("no_event", &levels.no_event)]
        .into_iter()
        .find_map(|(key, values)| Some((key, values.as_ref()?)))
    {
        return Err(Error::of(ErrorKind::Rule, format!("`{key}` is for kind = \"binary\""))
            .at(source.place(values.span()))
            .help("codes of ordered levels: levels = { outcome = { 1 = \"dead\", … } }"));
    }
    let coded = coded(source, data, scale)?;
    if let (Some(twice), Some(spanned)) =
        (unknown.iter().find(|v| coded.iter().any(|(value, _)| value == *v)), &levels.unknown)
    {
        return Err(Error::of(ErrorKind::Rule, format!("`{twice}` is listed as unknown, and is a level"))
            .at(source.place(spanned.span()))
            .help("a code of what is not known is none of the levels: leave it out of one of them"));
    }
    let values_of = |place: usize| -> Vec<String> {
        coded.iter().filter(|(_, of)| *of == place).map(|(value, _)| value.clone()).collect()
    };
    let each: Vec<Vec<String>> = (0..scale.levels()).map(values_of).collect();
    let listed: Vec<(&str, &[String])> = scale
        .names
        .iter()
        .map(String::as_str)
        .zip(each.iter().map(Vec::as_slice))
        .chain([("unknown", unknown)])
        .collect();
    Ok(Column::new("outcome", column, &listed, Listing::Errors))
}

/// Listed subgroups in the order in which they are written, or in that of numbers; without a list every value is one.
pub fn levels_of(
    written: &BTreeMap<Spanned<String>, Spanned<String>>,
    index: usize,
    cut: Option<&Cut>,
) -> Column {
    let is_listed = !written.is_empty();
    if let (Some(cut), false) = (cut, is_listed) {
        let own: Vec<[String; 1]> = cut.labels.iter().map(|label| [label.clone()]).collect();
        let listed: Vec<(&str, &[String])> =
            own.iter().map(|label| (label[0].as_str(), &label[..])).collect();
        return Column::new("subgroup", index, &listed, Listing::Errors);
    }
    let mut written: Vec<_> = written.iter().collect();
    written.sort_by_key(|(value, _)| value.span().start);
    let mut named: Vec<(&str, Vec<String>)> = Vec::new();
    for (value, name) in written {
        let value = value.get_ref().clone();
        match named.iter_mut().find(|(known, _)| known == name.get_ref()) {
            Some((_, values)) => values.push(value),
            None => named.push((name.get_ref(), vec![value])),
        }
    }
    let listed: Vec<(&str, &[String])> = named.iter().map(|(name, v)| (*name, v.as_slice())).collect();
    let unlisted = if is_listed { Listing::Errors } else { Listing::Classes };
    Column::new("subgroup", index, &listed, unlisted)
}

/// Two lists that leave no value in both: 1 and 0 where neither is written.
fn pair(
    source: &Source,
    (first, yes): (&str, &Option<Spanned<Values>>),
    (second, no): (&str, &Option<Spanned<Values>>),
) -> Result<[Vec<String>; 2]> {
    match (yes, no) {
        (None, None) => Ok([vec!["1".to_string()], vec!["0".to_string()]]),
        (Some(yes), Some(no)) => {
            let [y, n] = [&yes.get_ref().0, &no.get_ref().0];
            match n.iter().find(|v| y.contains(v)) {
                Some(twice) => {
                    Err(Error::of(ErrorKind::Rule, format!("`{twice}` is both `{first}` and `{second}`"))
                        .at(source.place(no.span())))
                }
                None => Ok([y.clone(), n.clone()]),
            }
        }
        (Some(one), None) | (None, Some(one)) => {
            let (given, other) = if yes.is_some() { (first, second) } else { (second, first) };
            Err(Error::of(ErrorKind::Missing, format!("`{given}` is listed, and `{other}` is not"))
                .at(source.place(one.span()))
                .help(format!("list both: what stands for one is not what is left by the other; `unknown` takes codes of the outcome that say nothing, and `{other}` the rest")))
        }
    }
}
