//! Text that is safe to print on a terminal.

/// The escape sequence that begins bold text.
pub const BOLD: &str = "\u{1b}[1m";
/// The escape sequence that begins bold yellow text.
pub const BOLD_YELLOW: &str = "\u{1b}[1;33m";
/// The escape sequence that ends emphasis.
pub const PLAIN: &str = "\u{1b}[0m";

/// Whether a terminal would act on a character instead of showing it, or the character changes the direction of the
/// text that follows.
pub fn controls(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{206f}')
}

/// A text that is safe to print: what a terminal would act on becomes a visible symbol, except for line ends and
/// tabs.
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

/// Like [`shown`], but keeps the program's own emphasis: [`BOLD`], [`BOLD_YELLOW`] and [`PLAIN`].
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
