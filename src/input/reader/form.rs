//! How a data file is written, where its bytes can't say so.

/// What a model file or a command says of a data file's form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form {
    /// The worksheet of a workbook; without it the first that has a table.
    pub sheet: Option<String>,
    /// What stands before the decimals of numbers.
    pub decimal: Decimal,
}

/// How numbers are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Decimal {
    /// 3.4
    #[default]
    Point,
    /// 3,4: a point is then no part of a number, for it may stand between thousands.
    Comma,
    /// 3,4 where a cell is text, in a file whose numbers are no texts.
    Either,
}

impl Decimal {
    /// A finite number, if the text is one.
    pub fn number(self, text: &str) -> Option<f64> {
        let number = match self {
            Decimal::Comma if text.contains('.') => None,
            Decimal::Comma | Decimal::Either if text.contains(',') => text.replacen(',', ".", 1).parse().ok(),
            _ => text.parse::<f64>().ok(),
        };
        number.filter(|x| x.is_finite())
    }

    /// Whether a text that is no number would be one with a decimal comma.
    pub fn has_a_comma(self, text: &str) -> bool {
        self == Decimal::Point && text.contains(',') && Decimal::Comma.number(text).is_some()
    }

    /// What to do about a text that is no number, where its marks tell: a decimal mark of the other kind, or marks between
    /// thousands.
    pub fn help(self, text: &str) -> Option<String> {
        if self.has_a_comma(text) {
            return Some(match without_thousands(text) {
                Some(plain) => {
                    format!("{}; if its comma stands between thousands, write {plain}", Decimal::HELP)
                }
                None => Decimal::HELP.to_string(),
            });
        }
        if let (Decimal::Comma, Some(_)) = (self, Decimal::Point.number(text)) {
            let plain = without_thousands(text);
            let or = plain.map_or_else(String::new, |plain| {
                format!("; if its point stands between thousands, write {plain}")
            });
            return Some(format!(
                "this file is read with decimal commas, and here stands a point: if its numbers have points, leave decimal = \",\" out{or}"
            ));
        }
        without_thousands(text).map(|plain| format!("write it without marks between thousands: {plain}"))
    }

    /// What to do about a number with a comma.
    pub const HELP: &str =
        "write decimals with a point, or say that the file's have a comma: decimal = \",\"";
}

/// A number whose thousands are parted by marks, without them.
fn without_thousands(text: &str) -> Option<String> {
    let marks = [',', '.', ' ', '\'', '’', '\u{a0}', '\u{202f}'];
    let mark = text.chars().find(|c| marks.contains(c))?;
    let (whole, decimals) = match text.rfind(['.', ',']).filter(|&at| !text[at..].starts_with(mark)) {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    let mut groups = whole.split(mark);
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let first = groups.next()?;
    let leads = digits(first.trim_start_matches(['-', '−'])) && first.len() <= 4 && !first.starts_with('0');
    let is_plain = leads && groups.all(|group| digits(group) && group.len() == 3);
    let is_number = is_plain && (decimals.is_empty() || digits(&decimals[1..]));
    is_number.then(|| whole.replace(mark, "") + decimals)
}

#[cfg(test)]
mod tests {
    use super::Decimal;

    #[test]
    fn marks_of_the_other_kind_and_between_thousands_are_told_with_what_to_write() {
        let help = |decimal: Decimal, text| decimal.help(text).unwrap_or_default();
        assert!(help(Decimal::Comma, "0.66").ends_with("leave decimal = \",\" out"));
        assert!(help(Decimal::Comma, "1.234").ends_with("write 1234"));
        assert!(help(Decimal::Point, "0,66").contains("decimal = \",\""));
        assert!(help(Decimal::Point, "1,234").ends_with("write 1234"));
        assert!(help(Decimal::Point, "1,234.5").ends_with("thousands: 1234.5"));
        assert!(help(Decimal::Comma, "1.234,5").ends_with("thousands: 1234,5"));
        assert!(help(Decimal::Point, "1 234 567").ends_with("thousands: 1234567"));
        for text in ["abc", "", "12 34", "1.2.3", "é,1"] {
            assert_eq!(help(Decimal::Point, text), "", "{text}");
        }
    }

    #[test]
    fn a_decimal_comma_is_read_where_it_was_said_and_a_point_is_then_no_part_of_a_number() {
        let all = |text| [Decimal::Point, Decimal::Comma, Decimal::Either].map(|d| d.number(text));
        assert_eq!(all("3.4"), [Some(3.4), None, Some(3.4)]);
        assert_eq!(all("-3,4"), [None, Some(-3.4), Some(-3.4)]);
        assert_eq!(all("34"), [Some(34.0); 3]);
        assert_eq!(all("1.234,5"), [None; 3]);
        assert_eq!(all("1,234,5"), [None; 3]);
        assert_eq!(all("inf"), [None; 3]);
        assert!(Decimal::Point.has_a_comma("3,4") && !Decimal::Point.has_a_comma("a,b"));
    }
}
