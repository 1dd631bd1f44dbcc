//! Text that a terminal shows and does not obey.

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

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn a_terminal_is_shown_signs_for_what_it_would_obey() {
        assert_eq!(
            shown("a\u{1b}[31m\tb\nc\u{202e}\u{9b}d\u{0}"),
            "a\u{241b}[31m\tb\nc\u{fffd}\u{fffd}d\u{2400}"
        );
    }
}
