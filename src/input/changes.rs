//! What is changed of a file when it is read: keys that are set, and a prior of its own put in place of the stated one. The
//! text is changed, so that what is kept of a run is the model as it was run.

use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

use super::keys::Keys;
use super::nearest::{listed, nearest};
use super::source::Source;
use crate::error::{Error, ErrorKind, Place, Result};
use crate::study::written::{key_in_file, quoted};
use crate::study::{HigherIs, LocationPrior, library_names, library_priors};

/// What is to be changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Keys and values, `prior.effect=normal(0, 0.2)`: a dotted key, and a value in TOML or a text without quotes.
    pub set: Vec<String>,
    /// The name of the prior to fit under: one of `[priors.NAME]`, or of the reanalysis library.
    pub prior: Option<String>,
}

impl Changes {
    /// Whether nothing is changed.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.prior.is_none()
    }
}

/// One key with its value.
struct Setting {
    key: Vec<String>,
    value: Value,
    /// As TOML.
    text: String,
}

impl Source {
    /// The file with what is changed of it. A decision file keeps the prior for its models.
    pub fn changed(self, changes: &Changes) -> Result<Source> {
        let set = changes.set.iter().map(|words| setting(words)).collect::<Result<Vec<_>>>()?;
        let keys = if self.is_decision() { Keys::Decision } else { Keys::Model };
        for one in &set {
            keys.check_path(&one.key, &format!("--set {}", dotted(&one.key)))?;
        }
        for (k, one) in set.iter().enumerate() {
            if let Some(other) = set[..k].iter().find(|other| other.meets(one)) {
                return Err(twice(&other.asked(), one));
            }
        }
        let mut source = self.set(&set)?;
        source.changed.set = set.iter().map(Setting::in_words).collect();
        match &changes.prior {
            Some(name) if source.is_decision() => source.prior = Some(name.clone()),
            Some(name) => {
                for part in source.named(name)? {
                    if let Some(one) = set.iter().find(|one| one.meets(&part)) {
                        return Err(twice(&format!("--prior {name}"), one));
                    }
                }
                source = source.under(name)?;
            }
            None => {}
        }
        Ok(source)
    }

    /// The model fitted under another of its priors.
    pub fn under(self, name: &str) -> Result<Source> {
        let found = self.named(name)?;
        if found.is_empty() {
            return Ok(self);
        }
        let mut source = self.set(&found)?;
        source.changed.prior = Some(name.to_string());
        source.changed.replaced = found.iter().filter_map(|part| part.key.get(1).cloned()).collect();
        Ok(source)
    }

    /// What a prior of this model's changes.
    fn named(&self, name: &str) -> Result<Vec<Setting>> {
        named(self.parsed(), name).map_err(|e| e.at(Place::File(self.file.clone())))
    }

    fn parsed(&self) -> Table {
        self.toml().parse().unwrap_or_default()
    }

    fn set(mut self, all: &[Setting]) -> Result<Source> {
        if let (false, Err(_)) = (all.is_empty(), self.toml().parse::<Table>()) {
            // What is wrong with the file is told when it is read.
            return Ok(self);
        }
        let mut text = self.toml().to_string();
        for one in all {
            text = with(&text, one)?;
            let remark = format!("# Set for this run: {}\n", one.in_words());
            if !text.contains(&remark) {
                text.insert_str(0, &remark);
            }
        }
        if !all.is_empty() {
            self.text = text.into();
        }
        Ok(self)
    }
}

impl Setting {
    fn of(key: &str, value: Value) -> Setting {
        let key = ["prior", key].map(str::to_string).to_vec();
        Setting { key, text: value.to_string(), value }
    }

    /// Whether both are of one key, or one of a part of the other's.
    fn meets(&self, other: &Setting) -> bool {
        self.key.iter().zip(&other.key).all(|(a, b)| a == b)
    }

    /// As it is asked for.
    fn asked(&self) -> String {
        format!("--set {}", self.in_words().replacen(" = ", "=", 1))
    }

    fn in_words(&self) -> String {
        format!("{} = {}", dotted(&self.key), self.text.replace(char::is_control, " "))
    }
}

/// Two changes of one key: neither is done.
fn twice(first: &str, second: &Setting) -> Error {
    let key = dotted(&second.key);
    Error::of(ErrorKind::Usage, format!("{first} and {} both change {key}", second.asked()))
        .help("leave out one of them")
}

/// A key as TOML writes it.
fn dotted(key: &[String]) -> String {
    key.iter().map(|part| key_in_file(part)).collect::<Vec<_>>().join(".")
}

/// `KEY=VALUE`, read.
fn setting(words: &str) -> Result<Setting> {
    let wrong = |what: String| {
        Error::of(ErrorKind::Usage, what).help(
            "write --set KEY=VALUE, such as --set prior.effect='normal(0, 0.2)' or --set model.pooling=none",
        )
    };
    let Some((key, value)) = words.split_once('=') else {
        return Err(wrong(format!("--set {words}: a key and a value are expected")));
    };
    let (key, value) = (key.trim(), value.trim());
    let read = format!("{key} = 0").parse::<Table>().ok().and_then(|table| path(&table));
    let Some(path) = read else {
        return Err(wrong(format!("--set {words}: `{key}` is no key of a file")));
    };
    let read = format!("v = {value}").parse::<Table>();
    let (value, text) = match read {
        Ok(mut table) if table.len() == 1 => {
            let read = table.remove("v").unwrap_or_else(|| Value::String(value.to_string()));
            (read, value.to_string())
        }
        _ => (Value::String(value.to_string()), quoted(value)),
    };
    Ok(Setting { key: path, value, text })
}

/// The one key of a table that holds nothing else.
fn path(table: &Table) -> Option<Vec<String>> {
    let mut path = Vec::new();
    let mut here = table;
    loop {
        let (key, value) = here.iter().next().filter(|_| here.len() == 1)?;
        path.push(key.clone());
        match value {
            Value::Table(table) => here = table,
            _ => return Some(path),
        }
    }
}

/// The text of a file with a key set. Every way to write it is tried and read again, so that nothing else changes.
fn with(text: &str, one: &Setting) -> Result<String> {
    let Ok(mut wanted) = text.parse::<Table>() else { return Ok(text.to_string()) };
    put(&mut wanted, one)?;
    let found = ways(text, one).into_iter().find(|way| way.parse::<Table>().is_ok_and(|t| t == wanted));
    found.ok_or_else(|| {
        let key = dotted(&one.key);
        Error::of(ErrorKind::Usage, format!("--set {key}: this is a section of the file, not one value"))
            .help(format!("set its keys one by one, {key}.KEY=VALUE, or change the file"))
    })
}

fn put(table: &mut Table, one: &Setting) -> Result<()> {
    let mut here = table;
    let Some((last, sections)) = one.key.split_last() else { return Ok(()) };
    for (depth, section) in sections.iter().enumerate() {
        let value = here.entry(section.clone()).or_insert_with(|| Value::Table(Table::new()));
        let kind = if value.is_array() { "a list" } else { "a value" };
        let Value::Table(next) = value else {
            let key = dotted(&one.key[..=depth]);
            return Err(Error::of(
                ErrorKind::Usage,
                format!("--set {}: `{key}` is {kind}, not a section", dotted(&one.key)),
            )
            .help(format!("set `{key}` whole, or change the file")));
        };
        here = next;
    }
    here.insert(last.clone(), one.value.clone());
    Ok(())
}

/// Texts that may say it, the least change first.
fn ways(text: &str, one: &Setting) -> Vec<String> {
    let Setting { key, text: value, .. } = one;
    let mut ways = Vec::new();
    let mut way = |at: std::ops::Range<usize>, new: &str| {
        if let (Some(before), Some(after)) = (text.get(..at.start), text.get(at.end..)) {
            ways.push(format!("{before}{new}{after}"));
        }
    };
    if let Ok(table) = DeTable::parse(text) {
        let mut here = table.get_ref();
        for (depth, part) in key.iter().enumerate() {
            let Some((_, found)) = here.iter().find(|(name, _)| name.get_ref() == part) else { break };
            if depth + 1 == key.len() {
                let span = found.span();
                // A comment behind a value speaks of the value that was there.
                let rest = text.get(span.end..).unwrap_or_default();
                let line = rest.find(['\n', '\r']).unwrap_or(rest.len());
                if rest[..line].trim_start().starts_with('#') {
                    way(span.start..span.end + line, value);
                }
                way(span, value);
                break;
            }
            let DeValue::Table(next) = found.get_ref() else { break };
            // A table between braces.
            if let Some(close) = closing(text, found) {
                let comma = if next.is_empty() { " " } else { ", " };
                let rest = dotted(&key[depth + 1..]);
                let start = text[..close].trim_end().len();
                way(start..close, &format!("{comma}{rest} = {value} "));
            }
            here = next;
        }
    }
    for depth in (1..key.len()).rev() {
        let mut end = 0;
        for line in text.split_inclusive('\n') {
            end += line.len();
            let header = line.trim_start();
            let opens = header.starts_with('[') && !header.starts_with("[[");
            if opens && is_header(header, &key[..depth]) {
                let new_line = if line.ends_with('\n') { "" } else { "\n" };
                way(end..end, &format!("{new_line}{} = {value}\n", dotted(&key[depth..])));
            }
        }
    }
    if let Some((last, section @ [_, ..])) = key.split_last() {
        let end = text.len();
        way(
            end..end,
            &format!("\n[{}]\n{} = {value}\n", dotted(section), dotted(std::slice::from_ref(last))),
        );
    }
    way(0..0, &format!("{} = {value}\n", dotted(key)));
    ways
}

/// Where the brace stands that ends an inline table.
fn closing(text: &str, table: &Spanned<DeValue<'_>>) -> Option<usize> {
    let span = table.span();
    let written = text.get(span.clone())?;
    (written.starts_with('{') && written.ends_with('}')).then(|| span.end - 1)
}

/// Whether a line opens the section of this name.
fn is_header(line: &str, key: &[String]) -> bool {
    let Ok(table) = line.parse::<Table>() else { return false };
    let mut here = &table;
    for part in key {
        match here.get(part) {
            Some(Value::Table(next)) => here = next,
            _ => return false,
        }
    }
    here.is_empty()
}

/// What a prior of the model's says, as changes of the stated one.
fn named(file: Table, name: &str) -> Result<Vec<Setting>> {
    let own = file.get("priors").and_then(Value::as_table).cloned().unwrap_or_default();
    if let Some(section) = own.get(name).and_then(Value::as_table) {
        if section.contains_key("from") {
            return Err(Error::of(
                ErrorKind::Unavailable,
                format!("the prior `{name}` is made from other models"),
            )
            .help(format!("`equipoise compare MODEL --priors {name}` fits those and shows it")));
        }
        return Ok(section.iter().map(|(key, value)| Setting::of(key, value.clone())).collect());
    }
    if name == "stated" {
        return Ok(Vec::new());
    }
    let library = library_names();
    if library.iter().any(|known| known == name) {
        return of_library(&file, name);
    }
    let known = || own.keys().chain(&library).map(String::as_str);
    let error = Error::of(ErrorKind::Unknown, format!("no prior named `{name}`"));
    let error = match nearest(name, known()) {
        Some(near) => error.help(format!("did you mean `{near}`?")),
        None => error,
    };
    Err(error.help(format!("there are {}", listed(known()))))
}

/// A prior of the reanalysis library, for the effect that the model expects.
fn of_library(file: &Table, name: &str) -> Result<Vec<Setting>> {
    let value = |section: &str, key: &str| file.get(section).and_then(|section| section.get(key));
    let word = |section, key| value(section, key).and_then(Value::as_str);
    if word("outcome", "scale").is_some_and(|scale| scale != "log_odds_ratio") {
        return Err(Error::of(
            ErrorKind::Rule,
            "the reanalysis library speaks of odds ratios, and this model's effect is none",
        )
        .help("give priors of your own, [priors.NAME], or --set prior.effect=…"));
    }
    let expected = value("library", "expected_odds_ratio");
    let expected = expected.and_then(|x| x.as_float().or(x.as_integer().map(|n| n as f64)));
    let Some(expected) = expected.filter(|x| *x > 1.0 && x.is_finite()) else {
        return Err(Error::of(
            ErrorKind::Missing,
            "the reanalysis library needs an expected effect, a magnitude above 1",
        )
        .help("add --set library.expected_odds_ratio=1.5, or the section [library] to the file"));
    };
    let higher_is = match word("outcome", "higher_is") {
        Some("better") => HigherIs::Better,
        Some("worse") => HigherIs::Worse,
        // What is wrong with the file is told when it is read.
        _ => return Ok(Vec::new()),
    };
    let found = library_priors(expected, higher_is).into_iter().find(|prior| prior.name() == name);
    Ok(found
        .map(|prior| LocationPrior::normal(prior.mean, prior.sd).in_words())
        .map(|words| Setting::of("effect", Value::String(words)))
        .into_iter()
        .collect())
}

#[cfg(test)]
mod tests {
    use super::{setting, with};

    fn changed(text: &str, words: &str) -> String {
        setting(words).and_then(|one| with(text, &one)).unwrap_or_else(|e| panic!("{e}"))
    }

    #[test]
    fn a_key_is_set_where_it_stands_or_where_it_belongs() {
        let file = "title = \"a\" # as it is\nstudy = { assignment = \"randomised\" }\n\n[prior] # mine\neffect = \"flat\"\n";
        let set = |words| changed(file, words);
        assert_eq!(set("title=b c"), file.replace("\"a\" # as it is", "\"b c\""));
        assert_eq!(
            set("prior.effect='normal(0, 1)'"),
            file.replace("\"flat\"", "'normal(0, 1)'"),
            "TOML's own quotes stay"
        );
        assert_eq!(set("prior.effect=normal(0, 1)"), file.replace("\"flat\"", "\"normal(0, 1)\""));
        assert_eq!(set("prior.centre=x"), file.replace("# mine\n", "# mine\ncentre = \"x\"\n"));
        assert_eq!(
            set("study.time_zero=now"),
            file.replace("\"randomised\" }", "\"randomised\", time_zero = \"now\" }")
        );
        assert_eq!(
            set("thresholds.odds_ratio=[1.2, 1.5]"),
            format!("{file}\n[thresholds]\nodds_ratio = [1.2, 1.5]\n")
        );
        assert_eq!(set("illustrative=true"), format!("illustrative = true\n{file}"));
    }

    #[test]
    fn what_can_not_be_set_is_told() {
        let refused = |words: &str| {
            setting(words)
                .and_then(|one| with("title = \"a\"\n[prior]\neffect = \"flat\"\n", &one))
                .unwrap_err()
        };
        assert!(refused("prior").message().contains("a key and a value"));
        assert!(refused("a b=1").message().contains("no key"));
        assert!(refused("prior=1").message().contains("a section"));
        assert!(refused("title.x=1").message().contains("`title` is a value"));
    }
}
