//! Templates filled in: HTML that escapes everything that comes from a file, and Markdown that does so too.

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment};
use serde::Serialize;

use super::FigureOnPage;
use super::sheets::Sheet;
use crate::error::{Error, ErrorKind, Result};

/// What a page is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One HTML file that needs no other.
    Html,
    /// The words and tables of the page as Markdown.
    Markdown,
}

const TEMPLATES: [(&str, &str); 10] = [
    ("base.html", include_str!("templates/base.html")),
    ("parts.html", include_str!("templates/parts.html")),
    ("study.html", include_str!("templates/study.html")),
    ("decision.html", include_str!("templates/decision.html")),
    ("base.md", include_str!("templates/base.md")),
    ("parts.md", include_str!("templates/parts.md")),
    ("study.md", include_str!("templates/study.md")),
    ("decision.md", include_str!("templates/decision.md")),
    ("validation.html", include_str!("templates/validation.html")),
    ("validation.md", include_str!("templates/validation.md")),
];

/// The page's own style and code.
const STYLE: &str = include_str!("templates/style.css");
const SCRIPT: &str = include_str!("templates/page.js");

/// What every page has, whatever it is of.
#[derive(Serialize)]
pub struct Frame<'a> {
    pub title: &'a str,
    pub lead: String,
    pub statements: Vec<String>,
    pub notices: &'a [String],
    /// Why there is no result, where there is none.
    pub failed: Option<&'a [String]>,
    pub figures: Vec<FigureOnPage<'a>>,
    pub sheets: Vec<Sheet>,
    pub provenance: Vec<[String; 2]>,
    /// What makes the page again, where that is known.
    pub command: Option<&'a str>,
    /// Names and texts of what was read.
    pub files: Vec<[&'a str; 2]>,
}

/// Fills `study`, `decision` or `validation` in one format. An HTML page holds itself as Markdown too.
pub fn render(name: &str, context: &impl Serialize, format: Format) -> Result<String> {
    let failed =
        |e: minijinja::Error| Error::of(ErrorKind::Unavailable, format!("the page can't be made: {e:#}"));
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|name| {
        if name.ends_with(".html") { AutoEscape::Html } else { AutoEscape::None }
    });
    environment.add_filter("md", markdown);
    environment.add_filter("code", code);
    for (name, source) in TEMPLATES {
        environment.add_template(name, source).map_err(failed)?;
    }
    let text = environment
        .get_template(&format!("{name}.md"))
        .and_then(|t| t.render(Serde(context)))
        .map_err(failed)?;
    let markdown = without_gaps(&text);
    if format == Format::Markdown {
        return Ok(markdown);
    }
    let page = Page { context, markdown, style: STYLE, script: SCRIPT };
    let template = environment.get_template(&format!("{name}.html")).map_err(failed)?;
    template.render(Serde(&page)).map_err(failed)
}

/// A page with its own Markdown, style and code.
#[derive(Serialize)]
struct Page<'a, T> {
    #[serde(flatten)]
    context: &'a T,
    markdown: String,
    style: &'static str,
    script: &'static str,
}

/// Text that Markdown takes as it stands.
fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\n' {
            out.push(' ');
            continue;
        }
        if "\\`*_[]<>|~#".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// A command as Markdown's code, in which nothing is escaped: between more backticks than it holds in a row.
fn code(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let space = if longest > 0 { " " } else { "" };
    format!("{fence}{space}{}{space}{fence}", text.replace('\n', " "))
}

/// At most one empty line in a row, and one line's end at the end.
fn without_gaps(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut empty = true;
    for line in text.lines().map(str::trim_end) {
        if !(line.is_empty() && empty) {
            out.push_str(line);
            out.push('\n');
        }
        empty = line.is_empty();
    }
    while out.ends_with("\n\n") {
        out.pop();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_and_tables_in_names_stay_text() {
        assert_eq!(markdown("a|b <i>*c*</i>\n# d"), r"a\|b \<i\>\*c\*\</i\> \# d");
        assert_eq!(without_gaps("\n\na\n\n\nb \n\n"), "a\n\nb\n");
    }
}
