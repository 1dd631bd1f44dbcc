//! What names and texts of the user's may contain: nothing that a terminal would act on, and no more than a table can
//! show.

use crate::error::ErrorKind;
use crate::terminal::controls;

/// The most characters of a name: of a subgroup, an arm, an outcome, a prior.
pub const LONGEST_NAME: usize = 200;

/// The most characters of a title.
const LONGEST_TITLE: usize = 1000;

/// The most characters of any text of a file: a title, a note, a citation.
const LONGEST_TEXT: usize = 20_000;

/// Nothing, or what is wrong.
type Fit = Result<(), Unfit>;

/// What is wrong with a name or a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// This character would be obeyed by a terminal, or turns the direction of a line.
    Controls(char),
    /// This character shows nothing where it stands.
    Invisible(char),
    /// So many characters, where at most so many may be.
    TooLong(usize, usize),
}

impl Unfit {
    /// To follow "the title", "the name of subgroup 3".
    pub fn in_words(self) -> String {
        match self {
            Unfit::Controls(c) => format!("holds a control character, U+{:04X}", u32::from(c)),
            Unfit::Invisible(c) => format!("holds an invisible character, U+{:04X}", u32::from(c)),
            Unfit::TooLong(found, most) => format!("has {found} characters, more than {most}"),
        }
    }

    /// What sort of thing is wrong.
    pub fn kind(self) -> ErrorKind {
        match self {
            Unfit::Controls(_) | Unfit::Invisible(_) => ErrorKind::Value,
            Unfit::TooLong(..) => ErrorKind::Limit,
        }
    }

    /// What to do about it.
    pub fn help(self) -> &'static str {
        match self {
            Unfit::Controls(_) | Unfit::Invisible(_) => "type it again",
            Unfit::TooLong(..) => "shorten it",
        }
    }
}

/// A name, in one line: no control characters, and none that shows nothing. Joiners (of families of emoji) and non-joiners
/// (of Persian, of Indic scripts) change what is shown beside characters of such scripts, and are names' own there.
pub fn name(name: &str) -> Fit {
    line(name, LONGEST_NAME)
}

/// A title, in one line: what holds for a [`name`], but with more characters.
pub fn title(title: &str) -> Fit {
    line(title, LONGEST_TITLE)
}

/// No more characters than `most`; what they are is not asked.
pub fn short(text: &str, most: usize) -> Fit {
    let long = text.chars().count();
    if long > most { Err(Unfit::TooLong(long, most)) } else { Ok(()) }
}

fn line(text: &str, most: usize) -> Fit {
    short(text, most)?;
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if controls(c) {
            return Err(Unfit::Controls(c));
        }
        let shapes = |c: char| c >= '\u{300}' && !c.is_whitespace() && !is_format(c);
        let joins = matches!(c, '\u{200c}' | '\u{200d}');
        let beside = shapes(before) && rest.peek().is_some_and(|after| shapes(*after));
        if is_format(c) && !(joins && beside) {
            return Err(Unfit::Invisible(c));
        }
        before = c;
    }
    Ok(())
}

/// A text of several lines.
pub fn text(text: &str) -> Fit {
    short(text, LONGEST_TEXT)?;
    match text.chars().find(|c| controls(*c) && !matches!(c, '\n' | '\r' | '\t')) {
        Some(c) => Err(Unfit::Controls(c)),
        None => Ok(()),
    }
}

/// Characters without a width of their own.
fn is_format(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2065}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::{Unfit, name, text};

    #[test]
    fn names_that_people_have_are_names() {
        for own in [
            "men",
            "≥ 75 years",
            "می\u{200c}خواهم",
            "👨\u{200d}👩\u{200d}👧",
            "❤\u{fe0f}",
            "क्\u{200d}ष",
            "אחר",
            "Ångström",
        ] {
            assert_eq!(name(own), Ok(()), "{own}");
        }
    }

    #[test]
    fn what_shows_nothing_or_turns_a_line_is_no_name() {
        for (other, found) in [
            ("men\u{200c}", Unfit::Invisible('\u{200c}')),
            ("m\u{200d}en", Unfit::Invisible('\u{200d}')),
            ("men\u{200b}", Unfit::Invisible('\u{200b}')),
            ("men\u{feff}", Unfit::Invisible('\u{feff}')),
            ("men\u{202e}", Unfit::Controls('\u{202e}')),
            ("men\u{1b}[31m", Unfit::Controls('\u{1b}')),
            ("men\nwomen", Unfit::Controls('\n')),
            ("men\u{0}", Unfit::Controls('\u{0}')),
            ("men\u{9b}31m", Unfit::Controls('\u{9b}')),
        ] {
            assert_eq!(name(other), Err(found), "{other:?}");
        }
        assert_eq!(name(&"x".repeat(201)), Err(Unfit::TooLong(201, 200)));
        assert_eq!(text("two\nlines\tand a half\r\n"), Ok(()));
        assert_eq!(text("\u{7}"), Err(Unfit::Controls('\u{7}')));
    }
}
