//! Values, kinds of values and paths of keys, in plain words.

use toml::de::DeValue;

use super::Form;

/// What a value is, in plain words.
pub fn found(value: &DeValue<'_>) -> String {
    let short = |text: &str| match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_string(),
    };
    match value {
        DeValue::String(text) => format!("a text, \"{}\"", short(text)),
        DeValue::Integer(number) => format!("a number, {}", short(&number.to_string())),
        DeValue::Float(number) => format!("a number, {}", short(&number.to_string())),
        DeValue::Boolean(truth) => format!("a truth value, {truth}"),
        DeValue::Datetime(date) => format!("a date, {date}"),
        DeValue::Array(list) if list.is_empty() => "an empty list".to_string(),
        DeValue::Array(_) => "a list, […]".to_string(),
        DeValue::Table(_) => "a section of keys, { … }".to_string(),
    }
}

/// What is expected, in plain words.
pub fn expected(forms: &[Form]) -> String {
    let word = |form: &Form| match form {
        Form::Text => "a text in quotes".to_string(),
        Form::Number => "a number".to_string(),
        Form::Whole => "a whole number".to_string(),
        Form::Truth => "true or false".to_string(),
        Form::Section | Form::Open => "a section of keys, { … }".to_string(),
        Form::Sections => "a list of sections, [{ … }, { … }]".to_string(),
        Form::List([Form::Text]) => "a list of texts, [\"…\", \"…\"]".to_string(),
        Form::List([Form::Number]) => "a list of numbers, [1.5, 2]".to_string(),
        Form::List(_) => "a list, [ … ]".to_string(),
    };
    let mut words: Vec<String> = forms.iter().map(word).collect();
    match words.pop() {
        Some(last) if words.is_empty() => last,
        Some(last) => format!("{} or {last}", words.join(", ")),
        None => "nothing".to_string(),
    }
}

/// The part of a path that stands for one entry of a list; the first is 1.
pub fn row(number: usize) -> String {
    format!("[{number}]")
}

/// Whether a part of a path stands for an entry of a list.
pub fn is_row(part: &str) -> bool {
    let number = part.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    number.is_some_and(|number| number.chars().all(|c| c.is_ascii_digit()))
}

/// A path in dots, without entries of lists.
pub fn in_words<S: AsRef<str>>(path: &[S]) -> String {
    let keys: Vec<&str> = path.iter().map(AsRef::as_ref).filter(|part| !is_row(part)).collect();
    keys.join(".")
}

/// A path as it is said: "`prior.effect`", "`control.events` of entry 2 of `data.counts`".
pub fn said<S: AsRef<str>>(path: &[S]) -> String {
    let Some(at) = path.iter().rposition(|part| is_row(part.as_ref())) else {
        return format!("`{}`", in_words(path));
    };
    let number = path[at].as_ref().trim_matches(['[', ']']);
    let entry = format!("entry {number} of {}", said(&path[..at]));
    if at + 1 == path.len() { entry } else { format!("`{}` of {entry}", in_words(&path[at + 1..])) }
}

#[cfg(test)]
mod tests {
    use super::said;

    #[test]
    fn a_path_says_which_entry_of_a_list_it_leads_to() {
        for (path, words) in [
            (&["prior", "effect"][..], "`prior.effect`"),
            (&["data", "counts", "[2]", "control", "events"], "`control.events` of entry 2 of `data.counts`"),
            (&["rule", "[1]", "all", "[3]"], "entry 3 of `all` of entry 1 of `rule`"),
        ] {
            assert_eq!(said(path), words);
        }
    }
}
