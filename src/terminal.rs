//! Text that a terminal shows and does not obey.

/// What the program's own text begins and ends emphasis with.
pub const BOLD: &str = "\u{1b}[1m";
/// Turns bold yellow on, for warnings.
pub const BOLD_YELLOW: &str = "\u{1b}[1;33m";
/// Turns colours and weight off.
pub const PLAIN: &str = "\u{1b}[0m";

/// Whether a terminal obeys a character rather than showing it, or it turns the direction of what follows.
pub fn controls(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{206f}')
}

/// A text as it may be shown: what a terminal would obey, but for ends of lines and tabs, has become a sign.
pub fn shown(text: &str) -> String {
    let visible = |c: char| match c {
        '\n' | '\t' => c,
        '\u{0}'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or(char::REPLACEMENT_CHARACTER),
        '\u{7f}' => '\u{2421}',
        c if controls(c) => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    text.chars().map(visible).collect()
}

/// The same of a text that has the program's own emphasis, which stays.
pub fn shown_with_emphasis(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\u{1b}') {
        let (before, from) = rest.split_at(at);
        out += &shown(before);
        let own = [BOLD, BOLD_YELLOW, PLAIN].into_iter().find(|own| from.starts_with(own));
        let taken = own.map_or(1, str::len);
        out += &own.map_or_else(|| shown(&from[..taken]), str::to_string);
        rest = &from[taken..];
    }
    out + &shown(rest)
}

#[cfg(test)]
mod tests {
    use super::{BOLD, PLAIN, shown, shown_with_emphasis};

    #[test]
    fn a_terminal_is_shown_signs_for_what_it_would_obey() {
        assert_eq!(
            shown("a\u{1b}[31m\tb\nc\u{202e}\u{9b}d\u{0}"),
            "a\u{241b}[31m\tb\nc\u{fffd}\u{fffd}d\u{2400}"
        );
    }

    #[test]
    fn emphasis_is_the_programs_own() {
        let text = format!("{BOLD}a{PLAIN}\u{1b}[8mb\u{1b}");
        assert_eq!(shown_with_emphasis(&text), format!("{BOLD}a{PLAIN}\u{241b}[8mb\u{241b}"));
    }
}
