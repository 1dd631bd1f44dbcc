//! What is told of a key that has to be there.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::super::nearest::all_listed;
use super::{Form, Key, Wrong};
use crate::error::ErrorKind;

/// Of a key that its section, or the file itself, must have.
pub fn missing_key((name, is_of_file): (&str, bool), key: &Key, span: Range<usize>) -> Wrong {
    // A line at the end of a file belongs to its last section.
    let mut help = vec![match key.lines() {
        Some(lines) if is_of_file => format!("add a section [{name}] with {}", in_one(&lines)),
        _ if is_of_file => format!("write {}, before the first [section]", key.example),
        _ => format!("write {}", key.example),
    }];
    match name {
        "assignment" => help.push("or assignment = \"observational\"".to_string()),
        "higher_is" => help.push("or higher_is = \"better\": every sign derives from it".to_string()),
        _ => {}
    }
    Wrong { kind: ErrorKind::Missing, span, message: format!("`{name}` is missing"), label: None, help }
}

/// Lines of a section in one sentence.
fn in_one(lines: &[String]) -> String {
    match lines {
        [line] => line.clone(),
        _ => format!("the lines {}", all_listed(lines.iter().map(String::as_str))),
    }
}

impl Key {
    /// Of a section, the lines that its example holds between braces.
    fn lines(&self) -> Option<Vec<String>> {
        let is_section = self.forms.contains(&Form::Section);
        let example = DeTable::parse(self.example).ok().filter(|_| is_section)?;
        let (_, section) = example.get_ref().iter().next()?;
        let DeValue::Table(keys) = section.get_ref() else { return None };
        let line = |(key, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
            Some((key.span().start, self.example.get(key.span().start..value.span().end)?.to_string()))
        };
        let mut lines: Vec<(usize, String)> = keys.iter().map(line).collect::<Option<_>>()?;
        lines.sort();
        Some(lines.into_iter().map(|(_, line)| line).collect())
    }
}
