//! Cells that hold several figures, as published tables have them: "41/310", "0.66 (0.40 to 1.10)".

use super::reader::Decimal;

/// Events and total of "41/310", "41 of 310" and "41/310 (13.2 %)".
pub fn events_of_total(text: &str, decimal: Decimal) -> Option<(u64, u64)> {
    let mut rest = Rest::of(text, decimal);
    let events = rest.whole()?;
    rest.word("/").or_else(|| rest.word("of"))?;
    let total = rest.whole()?;
    if rest.word("(").is_some() {
        let before = rest.text;
        let percent = rest.number()?;
        let written = before[..before.len() - rest.text.len()].trim_end();
        rest.word("%");
        rest.word(")")?;
        // What does not agree with its percentage is misprinted or misread.
        let mark = written.find(['.', ',', '·']);
        let decimals = mark.map_or(0, |at| written[at..].chars().count() - 1) as f64;
        let exact = 100.0 * events as f64 / total as f64;
        if (exact - percent).abs() > 0.6 * libm::pow(10.0, -decimals) {
            return None;
        }
    }
    rest.is_at_end().then_some((events, total))
}

/// Estimate, lower and upper end of "0.66 (0.40 to 1.10)", "0.66 (0.40–1.10)", "0.66 [0.40, 1.10]".
pub fn estimate_with_interval(text: &str, decimal: Decimal) -> Option<[f64; 3]> {
    let mut rest = Rest::of(text, decimal);
    let point = rest.number()?;
    rest.word(",").or_else(|| rest.word(";"));
    let [lower, upper] = rest.interval()?;
    rest.is_at_end().then_some([point, lower, upper])
}

/// The ends of "0.40 to 1.10", in brackets or not.
pub fn interval(text: &str, decimal: Decimal) -> Option<[f64; 2]> {
    let mut rest = Rest::of(text, decimal);
    let ends = rest.interval()?;
    rest.is_at_end().then_some(ends)
}

/// What of a cell is still to be read.
struct Rest<'t> {
    text: &'t str,
    decimal: Decimal,
    /// Whether a space stood before it.
    is_spaced: bool,
}

const DASHES: [&str; 5] = ["–", "—", "‐", "‑", "-"];

impl<'t> Rest<'t> {
    fn of(text: &'t str, decimal: Decimal) -> Rest<'t> {
        Rest { text: text.trim(), decimal, is_spaced: false }
    }

    fn is_at_end(&self) -> bool {
        self.text.is_empty()
    }

    fn skip(&mut self, bytes: usize) {
        let rest = &self.text[bytes..];
        self.text = rest.trim_start();
        self.is_spaced = self.text.len() < rest.len();
    }

    /// Goes past a word that stands next, in capitals or not.
    fn word(&mut self, word: &str) -> Option<()> {
        let start = self.text.get(..word.len())?;
        start.eq_ignore_ascii_case(word).then(|| self.skip(word.len()))
    }

    fn whole(&mut self) -> Option<u64> {
        let end = self.text.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.text.len());
        let number = self.text[..end].parse().ok()?;
        self.skip(end);
        Some(number)
    }

    /// A number with a sign before it and one decimal mark in it, as they may be.
    fn number(&mut self) -> Option<f64> {
        let marks: &[char] = match self.decimal {
            Decimal::Point => &['.', '·'],
            Decimal::Comma => &[','],
            Decimal::Either => &['.', '·', ','],
        };
        let mut plain = String::new();
        let mut taken = 0;
        let mut has_mark = false;
        let mut letters = self.text.chars().peekable();
        while let Some(letter) = letters.next() {
            let sign = plain.is_empty() && matches!(letter, '-' | '−' | '+');
            let mark = !has_mark
                && marks.contains(&letter)
                && letters.peek().is_some_and(char::is_ascii_digit)
                && plain.ends_with(|c: char| c.is_ascii_digit());
            match letter {
                _ if sign => plain.push(if letter == '+' { '+' } else { '-' }),
                _ if mark => {
                    has_mark = true;
                    plain.push('.');
                }
                '0'..='9' => plain.push(letter),
                _ => break,
            }
            taken += letter.len_utf8();
        }
        let number = plain.parse().ok().filter(|x: &f64| x.is_finite())?;
        self.skip(taken);
        Some(number)
    }

    /// What papers write before an interval: "95 % CI:".
    fn skip_its_name(&mut self) {
        let before = self.text;
        if self.word("95").is_some() && self.word("%").is_none() {
            self.text = before;
        }
        for word in ["CI", "CrI", "confidence interval", ":", ",", "="] {
            self.word(word);
        }
    }

    /// Whether a dash stands next that is rather the sign of the number after it: "-0.5 -0.1".
    fn is_at_a_sign(&self) -> bool {
        let after = DASHES.iter().find_map(|dash| self.text.strip_prefix(dash));
        self.is_spaced && after.is_some_and(|text| text.starts_with(|c: char| c.is_ascii_digit()))
    }

    fn interval(&mut self) -> Option<[f64; 2]> {
        self.skip_its_name();
        let closing = match () {
            () if self.word("(").is_some() => Some(")"),
            () if self.word("[").is_some() => Some("]"),
            () => None,
        };
        self.skip_its_name();
        let lower = self.number()?;
        if self.is_at_a_sign() {
            return None;
        }
        let mut separators = DASHES.iter().chain(&["to", ",", ";"]);
        separators.find(|word| self.word(word).is_some())?;
        let upper = self.number()?;
        closing.map_or(Some(()), |word| self.word(word))?;
        Some([lower, upper])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_intervals_are_read_as_papers_print_them() {
        let counts = |text| events_of_total(text, Decimal::Point);
        for text in ["41/310", "41 / 310", "41 of 310", "41/310 (13.2%)", "41/310 (13.2 %)", "41/310 (13 %)"]
        {
            assert_eq!(counts(text), Some((41, 310)), "{text}");
        }
        assert_eq!(events_of_total("41/310 (13,2)", Decimal::Comma), Some((41, 310)));
        for text in ["41", "41/310 (14.0%)", "41/", "/310", "41/310/2", "41 310", "a/b", "-1/3", "4.5/9", ""]
        {
            assert_eq!(counts(text), None, "{text}");
        }
        let all = |text| estimate_with_interval(text, Decimal::Point);
        for text in [
            "0.66 (0.40 to 1.10)",
            "0.66 (0.40–1.10)",
            "0.66 (0.40-1.10)",
            "0.66 [0.40, 1.10]",
            "0.66 [0.40; 1.10]",
            "0·66 (0·40–1·10)",
            "0.66 (95% CI 0.40 to 1.10)",
            "0.66, 95 % CI: 0.40 to 1.10",
            "0.66(0.40,1.10)",
        ] {
            assert_eq!(all(text), Some([0.66, 0.4, 1.1]), "{text}");
        }
        assert_eq!(all("−0.3 (−0.5 to −0.1)"), Some([-0.3, -0.5, -0.1]));
        assert_eq!(all("-0.3 (-0.5--0.1)"), Some([-0.3, -0.5, -0.1]));
        let comma = |text| estimate_with_interval(text, Decimal::Comma);
        assert_eq!(comma("0,66 (0,40, 1,10)"), Some([0.66, 0.4, 1.1]));
        assert_eq!(comma("0.66 (0.40 to 1.10)"), None);
        for text in [
            "0.66",
            "0.66 (0.40)",
            "0.66 (0.40 to 1.10",
            "0.66 (0.40 to 1.10) *",
            "1 (reference)",
            "0,66 (0,40 to 1,10)",
            "",
        ] {
            assert_eq!(all(text), None, "{text}");
        }
        assert_eq!(interval("(0.40 to 1.10)", Decimal::Point), Some([0.4, 1.1]));
        assert_eq!(interval("0.40, 1.10", Decimal::Point), Some([0.4, 1.1]));
        assert_eq!(interval("95–99", Decimal::Point), Some([95.0, 99.0]));
        // A minus sign is no dash.
        for text in ["-0.5 -0.1", "(-0.5 -0.1)", "0.5 –0.9"] {
            assert_eq!(interval(text, Decimal::Point), None, "{text}");
        }
        for text in ["-0.5 - -0.1", "-0.5 --0.1", "-0.5 – −0.1", "-0.5, -0.1"] {
            assert_eq!(interval(text, Decimal::Point), Some([-0.5, -0.1]), "{text}");
        }
        assert_eq!(all("-0.3 (-0.5 -0.1)"), None);
    }
}
