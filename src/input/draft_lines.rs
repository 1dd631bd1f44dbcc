//! Lines that first model files of every kind share.
//!
//! A line that begins with `# ` and goes on as TOML is a setting to be uncommented: it is valid as it stands.

use super::draft::Draft;
use super::patients::Surveyed;
use super::reader::{Decimal, Form};
use crate::study::HigherIs;
use crate::study::written::{key_in_file, quoted};

/// Values of a column that is proposed to choose rows by, at most.
const MOST_VALUES: usize = 6;

/// What is said in a comment, which ends with its line and holds no control character.
pub fn remark(text: &str) -> String {
    format!("# {}", text.replace(|c: char| c.is_control(), " "))
}

/// Values as the model file lists them.
pub fn list(values: &[String]) -> String {
    let each: Vec<String> = values.iter().map(|v| quoted(v)).collect();
    if let [one] = each.as_slice() { one.clone() } else { format!("[{}]", each.join(", ")) }
}

/// How patients came to be treated and which way is good, as a model file says it.
pub fn words_of(said: &Draft) -> (&'static str, &'static str) {
    let higher_is = match said.higher_is {
        HigherIs::Better => "better",
        HigherIs::Worse => "worse",
    };
    (said.assignment.in_words(), higher_is)
}

/// The lines of `[data]` that say how the file is written.
pub fn form_lines(form: &Form) -> Vec<String> {
    let sheet = form.sheet.as_ref().map(|sheet| format!("sheet = {}", quoted(sheet)));
    let decimal = (form.decimal == Decimal::Comma).then(|| "decimal = \",\"".to_string());
    sheet.into_iter().chain(decimal).collect()
}

/// Which rows are used: as asked, or a setting that could say so. A column without a part in the model comes first, one that
/// `may_be` named after it.
pub fn where_line(
    said: &Draft,
    columns: &[Surveyed],
    taken: &[&str],
    may_be: Option<&str>,
) -> Option<String> {
    let condition =
        |(column, values): &(String, Vec<String>)| format!("{} = {}", key_in_file(column), list(values));
    if !said.keep.is_empty() {
        let all: Vec<String> = said.keep.iter().map(condition).collect();
        return Some(format!("where = {{ {} }}   # only such rows", all.join(", ")));
    }
    let few = |c: &&Surveyed| c.levels().is_some_and(|values| (2..=MOST_VALUES).contains(&values.len()));
    let free = columns.iter().filter(few).find(|c| !taken.contains(&c.name.as_str()));
    let other = || columns.iter().filter(few).find(|c| may_be == Some(c.name.as_str()));
    let chosen = free.or_else(other)?;
    let values: Vec<String> = chosen.levels()?.into_iter().map(str::to_string).collect();
    Some(format!(
        "# where = {{ {} }}   # only such rows: leave out a value",
        condition(&(chosen.name.clone(), values))
    ))
}

/// `[subgroup]`, with what else could be said there.
pub fn subgroup_lines(name: &str) -> String {
    format!(
        "\n[subgroup]\nname = {}\n# plural = \"subgroups\"   # what several are called: \"sexes\"\n# exhaustive = true      # where there are no further ones of the kind, as with the two sexes",
        quoted(name)
    )
}
