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

/// A path as it is said: rows of lists by their number.
pub fn in_words<S: AsRef<str>>(path: &[S]) -> String {
    let mut said = String::new();
    for part in path.iter().map(AsRef::as_ref).filter(|part| *part != "[]") {
        if !said.is_empty() {
            said.push('.');
        }
        said.push_str(part);
    }
    said
}
