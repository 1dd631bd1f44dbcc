//! The keys of model and decision files: that each is known and holds what it may, before a file is read by its types, whose
//! own errors are a programmer's.

mod missing;
mod table;
mod words;

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::nearest::{all_listed, nearest};
use crate::error::{Error, ErrorKind};
use missing::missing_key;
use table::{DECISION, DESIGN, MODEL};
use words::{expected, found, in_words, is_row, row, said};

/// A key by its path: `*` stands for any name, `[]` for a row of a list.
#[derive(Debug)]
pub struct Key {
    path: &'static str,
    forms: &'static [Form],
    required: bool,
    /// A line that works where the key stands.
    example: &'static str,
}

/// What a key may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    Number,
    Whole,
    Truth,
    List(&'static [Form]),
    /// A table whose keys are listed.
    Section,
    /// A table whose keys are checked where it is read.
    Open,
    /// A list of tables whose keys are listed.
    Sections,
}

/// The keys of a kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    Model,
    Decision,
    /// A file with the section `[design]` alone.
    Design,
}

/// What is wrong, and where.
pub struct Wrong {
    pub kind: ErrorKind,
    pub span: Range<usize>,
    pub message: String,
    pub label: Option<String>,
    pub help: Vec<String>,
}

impl Wrong {
    /// As an error, still without its place.
    pub fn error(self) -> Error {
        let error = self.help.into_iter().fold(Error::of(self.kind, self.message), Error::help);
        match self.label {
            Some(label) => error.label(label),
            None => error,
        }
    }
}

impl Keys {
    /// Every key of a file, and the form of what it holds.
    pub fn check(self, file: &DeTable<'_>) -> Result<(), Wrong> {
        self.check_table(file, 0..0, &mut Vec::new())
    }

    fn check_table(
        self,
        table: &DeTable<'_>,
        span: Range<usize>,
        path: &mut Vec<String>,
    ) -> Result<(), Wrong> {
        // In the order in which they are written.
        let mut all: Vec<_> = table.iter().collect();
        all.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in all {
            path.push(key.get_ref().to_string());
            let known = self.find(path).ok_or_else(|| self.unknown(path, key.span()))?;
            self.check_value(known, value, path)?;
            path.pop();
        }
        let missing =
            self.below(path).into_iter().find(|(name, key)| key.required && !table.contains_key(*name));
        match missing {
            Some((name, key)) => Err(missing_key((name, path.is_empty()), key, span)),
            None => Ok(()),
        }
    }

    fn check_value(
        self,
        key: &'static Key,
        value: &Spanned<DeValue<'_>>,
        path: &mut Vec<String>,
    ) -> Result<(), Wrong> {
        let is_section = |form: &Form| matches!(form, Form::Section | Form::Sections);
        let within = |form: &Form| matches!(form, Form::List(of) if of.iter().any(is_section));
        match value.get_ref() {
            DeValue::Table(table) if key.forms.contains(&Form::Section) => {
                self.check_table(table, value.span(), path)
            }
            DeValue::Array(list) if key.forms.iter().any(|form| is_section(form) || within(form)) => {
                if key.forms.contains(&Form::Section) && !key.forms.contains(&Form::Sections) {
                    return Err(self.misfit(key, value, path));
                }
                let of: &[Form] = key.forms.iter().find_map(Form::elements).unwrap_or(&[Form::Section]);
                for (i, element) in list.iter().enumerate() {
                    path.push(row(i + 1));
                    match element.get_ref() {
                        DeValue::Table(table) => self.check_table(table, element.span(), path)?,
                        found if of.iter().any(|form| form.admits(found)) => {}
                        _ => return Err(misfit_in_list(key, element, (of, path))),
                    }
                    path.pop();
                }
                Ok(())
            }
            DeValue::Array(list) => {
                let Some(of) = key.forms.iter().find_map(Form::elements) else {
                    return Err(self.misfit(key, value, path));
                };
                let odd = list.iter().position(|one| !of.iter().any(|form| form.admits(one.get_ref())));
                match odd {
                    None => Ok(()),
                    Some(i) => {
                        path.push(row(i + 1));
                        Err(misfit_in_list(key, &list[i], (of, path)))
                    }
                }
            }
            found if key.forms.iter().any(|form| form.admits(found)) => Ok(()),
            _ => Err(self.misfit(key, value, path)),
        }
    }

    /// Of a value of another form than its key has.
    fn misfit(self, key: &Key, value: &Spanned<DeValue<'_>>, path: &[String]) -> Wrong {
        let message =
            format!("{} is {}; {} is expected", said(path), found(value.get_ref()), expected(key.forms));
        let help = vec![format!("write {}", key.example)];
        let near = self.better_path(&in_words(path), value.get_ref());
        let label = near.map(|near| format!("did you mean `{near}`?"));
        Wrong { kind: ErrorKind::Value, span: value.span(), message, label, help }
    }

    /// Another key much like this one that may hold what was found: `prior.effect` for `priors.effect`.
    fn better_path(self, path: &str, value: &DeValue<'_>) -> Option<String> {
        let fitting = |key: &&Key| key.forms.iter().any(|form| form.admits(value));
        let all = self.table().iter().filter(fitting).map(|key| key.path);
        nearest(path, all.filter(|known| *known != path && !known.contains(['*', '['])))
            .filter(|near| strsim::normalized_damerau_levenshtein(path, near) >= 0.85)
    }

    /// That a key of this path may stand in a file; `words` are the command that sets it.
    pub fn check_path(self, path: &[String], words: &str) -> Result<(), Error> {
        for length in 1..=path.len() {
            match self.find(&path[..length]) {
                None => {
                    let mut wrong = self.unknown(&path[..length], 0..0);
                    // A misspelt section, and a key that the right one has.
                    if let Some(near) = wrong.label.as_ref().and_then(|label| label.split('`').nth(1)) {
                        let rest = path[length..].iter().map(String::as_str);
                        let whole: Vec<&str> = near.split('.').chain(rest).collect();
                        if self.find(&whole).is_some() {
                            wrong.label = Some(format!("did you mean `{}`?", in_words(&whole)));
                        }
                    }
                    let message = format!("{words}: {}", wrong.message);
                    let help = wrong.label.into_iter().chain(wrong.help);
                    return Err(help.fold(Error::of(wrong.kind, message), Error::help));
                }
                Some(key) if key.forms.contains(&Form::Open) => return Ok(()),
                // What does not go deeper is told where the file is changed.
                Some(key) if !key.forms.contains(&Form::Section) => return Ok(()),
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// Of a key that no file has: the nearest beside it, or where else it belongs.
    fn unknown(self, path: &[String], span: Range<usize>) -> Wrong {
        let (last, above) = path.split_last().map_or(("", path), |(last, above)| (last.as_str(), above));
        let siblings = self.children(above);
        let near = nearest(last, siblings.iter().copied()).map(|near| {
            let full: Vec<&str> = above.iter().map(String::as_str).chain([near.as_str()]).collect();
            if above.is_empty() || span.is_empty() { in_words(&full) } else { near }
        });
        // A key of this name in another section, or one whose whole path is much like this.
        let elsewhere = || {
            let plain = || self.table().iter().map(|key| key.path).filter(|p| !p.contains(['*', '[']));
            let mut of_this_name = plain().filter(|known| known.rsplit('.').next() == Some(last));
            of_this_name.next().map(str::to_string).or_else(|| nearest(&in_words(path), plain()))
        };
        let label = near.or_else(elsewhere).map(|near| format!("did you mean `{near}`?"));
        let place = match above {
            [] => String::new(),
            above if above.iter().any(|part| is_row(part)) => format!(" in {}", said(above)),
            above => format!(" in [{}]", in_words(above)),
        };
        let help = match siblings.as_slice() {
            [] => vec!["it holds nothing further".to_string()],
            all => vec![format!("expected {}", all_listed(all.iter().copied()))],
        };
        let message = format!("unknown key `{last}`{place}");
        Wrong { kind: ErrorKind::Unknown, span, message, label, help }
    }

    fn table(self) -> &'static [Key] {
        match self {
            Keys::Model => MODEL,
            Keys::Decision => DECISION,
            Keys::Design => DESIGN,
        }
    }

    /// The table that a path is looked up in, and from where.
    fn tables<S: AsRef<str>>(self, path: &[S]) -> (&'static [Key], &[S]) {
        match (self, path) {
            (Keys::Model, [first, second, ..])
                if first.as_ref() == "decision"
                    && !["question", "actions", "illustrative", "decision"].contains(&second.as_ref()) =>
            {
                (DECISION, &path[1..])
            }
            (Keys::Model, [first, _, ..]) if first.as_ref() == "decision" => (DECISION, path),
            (Keys::Model, [first, _, ..]) if first.as_ref() == "design" => (DESIGN, path),
            _ => (self.table(), path),
        }
    }

    fn find<S: AsRef<str>>(self, path: &[S]) -> Option<&'static Key> {
        let (table, path) = self.tables(path);
        table.iter().find(|key| key.is_at(path))
    }

    /// The names of the keys below a path.
    fn children(self, above: &[String]) -> Vec<&'static str> {
        self.below(above).into_iter().map(|(name, _)| name).collect()
    }

    /// The keys below a path that have names, with their names.
    fn below(self, above: &[String]) -> Vec<(&'static str, &'static Key)> {
        let of = |table: &'static [Key], above: &[String]| {
            let named = move |key: &'static Key| {
                let (parent, last) = key.path.rsplit_once('.').unwrap_or(("", key.path));
                let is_below = if parent.is_empty() { above.is_empty() } else { matches(parent, above) };
                (is_below && last != "*" && last != "[]").then_some((last, key))
            };
            table.iter().filter_map(named).collect::<Vec<_>>()
        };
        match above {
            [one] if self == Keys::Model && one == "decision" => {
                let outer = of(DECISION, &[]).into_iter().filter(|(name, _)| *name != "decision");
                of(DECISION, above).into_iter().chain(outer).collect()
            }
            _ => {
                let (table, above) = self.tables(above);
                of(table, above)
            }
        }
    }

    /// What works at the key whose value stands at these bytes.
    pub fn example_at(self, file: &DeTable<'_>, span: &Range<usize>) -> Option<&'static str> {
        self.find(&path_at(file, span)).map(|key| key.example)
    }
}

/// Of an entry of a list, at the end of its path, that is of another form than the list's entries are.
fn misfit_in_list(key: &Key, value: &Spanned<DeValue<'_>>, (of, path): (&[Form], &[String])) -> Wrong {
    let of = if of == [Form::Section] { "a section of keys".to_string() } else { expected(of) };
    let message = format!("{} is {}; {of} is expected", said(path), found(value.get_ref()));
    let help = vec![format!("write {}", key.example)];
    Wrong { kind: ErrorKind::Value, span: value.span(), message, label: None, help }
}

impl Key {
    fn is_at<S: AsRef<str>>(&self, path: &[S]) -> bool {
        matches(self.path, path)
    }
}

fn matches<S: AsRef<str>>(pattern: &str, path: &[S]) -> bool {
    let mut parts = pattern.split('.');
    let is_of = |part: &str, name: &str| part == "*" || part == name || (part == "[]" && is_row(name));
    path.iter().all(|name| parts.next().is_some_and(|part| is_of(part, name.as_ref())))
        && parts.next().is_none()
}

/// The path of the innermost key whose value holds these bytes.
fn path_at(file: &DeTable<'_>, span: &Range<usize>) -> Vec<String> {
    let mut path = Vec::new();
    let mut here = file;
    'deeper: loop {
        for (key, value) in here {
            let holds = |of: Range<usize>| of.start <= span.start && span.end <= of.end;
            let rows: &[Spanned<DeValue<'_>>] = match value.get_ref() {
                DeValue::Array(list) => list,
                _ => std::slice::from_ref(value),
            };
            if let Some(place) = rows.iter().position(|row| holds(row.span())) {
                path.push(key.get_ref().to_string());
                let DeValue::Table(table) = rows[place].get_ref() else { return path };
                if matches!(value.get_ref(), DeValue::Array(_)) {
                    path.push(row(place + 1));
                }
                here = table;
                continue 'deeper;
            }
        }
        return path;
    }
}

impl Form {
    fn elements(&self) -> Option<&'static [Form]> {
        match self {
            Form::List(of) => Some(of),
            _ => None,
        }
    }

    /// Whether a value is of this form; what is in it is another question.
    fn admits(self, value: &DeValue<'_>) -> bool {
        match (self, value) {
            (Form::Text, DeValue::String(_))
            | (Form::Truth, DeValue::Boolean(_))
            // A number with a point is told by whoever reads it as a count.
            | (Form::Number | Form::Whole, DeValue::Integer(_) | DeValue::Float(_))
            | (Form::List(_) | Form::Sections, DeValue::Array(_))
            | (Form::Section | Form::Open, DeValue::Table(_)) => true,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests;
