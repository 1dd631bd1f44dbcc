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

    /// What to do about a number with a comma.
    pub const HELP: &str =
        "write decimals with a point, or say that the file's have a comma: decimal = \",\"";
}

#[cfg(test)]
mod tests {
    use super::Decimal;

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
