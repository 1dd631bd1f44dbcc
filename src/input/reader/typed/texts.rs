//! Numbers, dates and times as the text that a CSV file would hold.

use std::io::Write;

use jiff::Span;
use jiff::civil::date;

/// Digits of the widest decimal that is read.
pub const MOST_DIGITS: usize = 38;

const SECONDS_A_DAY: i64 = 86_400;

/// The shortest text that is exactly this number, a whole one without a point: `3`, `0.1`, `1e300`. Not a number is
/// no value.
macro_rules! float {
    ($name:ident, $type:ty) => {
        pub fn $name(value: $type, out: &mut Vec<u8>) {
            let size = value.abs();
            if value == 0.0 {
                out.push(b'0');
            } else if (1e-5..1e16).contains(&size) || size.is_infinite() {
                put(out, format_args!("{value}"));
            } else if !value.is_nan() {
                put(out, format_args!("{value:e}"));
            }
        }
    };
}

float!(double, f64);
float!(single, f32);

/// A float of 16 bits.
pub fn half(bits: u16, out: &mut Vec<u8>) {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f32::from(bits & 0x3ff));
    let size = match exponent {
        0 => fraction * 2_f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1024.0 + fraction) * 2_f32.powi(exponent - 25),
    };
    single(sign * size, out);
}

/// A decimal of `scale` digits after the point, which end no text as zeros: 1.50 is `1.5`.
pub fn decimal(unscaled: i128, scale: usize, out: &mut Vec<u8>) {
    let mut digits = format!("{:0width$}", unscaled.unsigned_abs(), width = scale + 1);
    let fraction = digits.split_off(digits.len() - scale);
    let fraction = fraction.trim_end_matches('0');
    let sign = if unscaled < 0 { "-" } else { "" };
    let point = if fraction.is_empty() { "" } else { "." };
    put(out, format_args!("{sign}{digits}{point}{fraction}"));
}

/// An integer of any length in two's complement, the highest byte first; none where it has more than 128 bits.
pub fn integer_of(bytes: &[u8]) -> Option<i128> {
    let fill = if bytes.first().is_some_and(|b| b >> 7 == 1) { 0xff } else { 0 };
    let mut whole = [fill; 16];
    let (surplus, rest) = bytes.split_at(bytes.len().saturating_sub(whole.len()));
    let at = whole.len() - rest.len();
    whole[at..].copy_from_slice(rest);
    let is_negative = whole[0] >> 7 == 1;
    (surplus.iter().all(|b| *b == fill) && is_negative == (fill == 0xff)).then(|| i128::from_be_bytes(whole))
}

/// Days since 1970 as `2024-03-01`, and whether they lie in the calendar, which has the years -9999 to 9999.
pub fn day(days: i64, out: &mut Vec<u8>) -> bool {
    let date = Span::new().try_days(days).ok().and_then(|days| date(1970, 1, 1).checked_add(days).ok());
    date.map(|date| put(out, format_args!("{date}"))).is_some()
}

/// A count of parts of seconds since 1970, `a_second` of them in one, as `2024-03-01 12:30:00`, and midnight as its
/// date alone; one in universal time always has a time, and ends in `Z`. Says whether it lies in the calendar.
pub fn instant(parts: i64, a_second: i64, universal: bool, out: &mut Vec<u8>) -> bool {
    let a_day = SECONDS_A_DAY * a_second;
    moment(parts.div_euclid(a_day), (parts.rem_euclid(a_day), a_second), universal, out)
}

/// A Julian day, and nanoseconds in it.
pub fn julian(day: u32, nanoseconds: i64, out: &mut Vec<u8>) -> bool {
    moment(i64::from(day) - 2_440_588, (nanoseconds, 1_000_000_000), false, out)
}

fn moment(days: i64, (parts, a_second): (i64, i64), universal: bool, out: &mut Vec<u8>) -> bool {
    if !day(days, out) {
        return false;
    }
    if parts != 0 || universal {
        out.push(b' ');
        time(parts, a_second, out);
    }
    if universal {
        out.push(b'Z');
    }
    true
}

/// Parts of seconds since midnight, or of a duration, as `12:30:00` or `12:30:00.25`.
pub fn time(parts: i64, a_second: i64, out: &mut Vec<u8>) {
    let sign = if parts < 0 { "-" } else { "" };
    let (parts, a_second) = (parts.unsigned_abs(), a_second.unsigned_abs());
    let (seconds, rest) = (parts / a_second, parts % a_second);
    put(out, format_args!("{sign}{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60));
    if rest > 0 {
        let digits = format!("{:09}", rest * (1_000_000_000 / a_second));
        put(out, format_args!(".{}", digits.trim_end_matches('0')));
    }
}

/// `00112233-4455-6677-8899-aabbccddeeff`.
pub fn uuid(bytes: &[u8], out: &mut Vec<u8>) {
    for (k, byte) in bytes.iter().enumerate() {
        if matches!(k, 4 | 6 | 8 | 10) {
            out.push(b'-');
        }
        put(out, format_args!("{byte:02x}"));
    }
}

/// Formatted onto the end.
pub fn put(out: &mut Vec<u8>, words: std::fmt::Arguments<'_>) {
    // Writing to memory does not fail.
    let _ = out.write_fmt(words);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl Fn(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn numbers_are_short_and_exact() {
        let of = |v: f64| text(|out| double(v, out));
        assert_eq!([3.0, -0.0, 0.1, -2.5].map(of), ["3", "0", "0.1", "-2.5"]);
        assert_eq!(
            [1e15, 1e300, 1e-9, 1.0 / 3.0].map(of),
            ["1000000000000000", "1e300", "1e-9", "0.3333333333333333"]
        );
        assert_eq!([f64::NAN, f64::INFINITY, f64::NEG_INFINITY].map(of), ["", "inf", "-inf"]);
        for v in [f64::MIN_POSITIVE, f64::MAX, 0.1 + 0.2, 123_456.789e10, 5e-324] {
            assert_eq!(of(v).parse(), Ok(v));
        }
        assert_eq!(text(|out| single(0.1, out)), "0.1");
        let of = |v: u16| text(|out| half(v, out));
        assert_eq!(
            [0x3c00, 0xc000, 0x3800, 0x0001, 0x7c00, 0x7e00].map(of),
            ["1", "-2", "0.5", "5.9604645e-8", "inf", ""]
        );
    }

    #[test]
    fn decimals_of_any_length() {
        let of = |v: i128, scale: usize| text(|out| decimal(v, scale, out));
        assert_eq!(
            [of(150, 2), of(-100, 2), of(5, 3), of(-5, 1), of(0, 4), of(7, 0)],
            ["1.5", "-1", "0.005", "-0.5", "0", "7"]
        );
        assert_eq!(of(i128::MIN, 38), "-1.70141183460469231731687303715884105728");
        assert_eq!(
            [&[][..], &[0xff], &[0, 0x80], &[0x80]].map(integer_of),
            [Some(0), Some(-1), Some(128), Some(-128)]
        );
        assert_eq!(integer_of(&[&[0xff; 9][..], &[0xfe; 9]].concat()), Some(-18_519_084_246_547_628_290));
        assert_eq!(integer_of(&[1; 17]), None);
        assert_eq!(integer_of(&[[0].as_slice(), &[0xff; 16]].concat()), None);
    }

    #[test]
    fn days_and_times() {
        let of = |days: i64| text(|out| assert!(day(days, out)));
        assert_eq!([0, -1, 19_783].map(of), ["1970-01-01", "1969-12-31", "2024-03-01"]);
        assert!(!day(i64::MAX, &mut Vec::new()) && !day(4_000_000, &mut Vec::new()));
        let of = |parts: i64, universal: bool| text(|out| assert!(instant(parts, 1000, universal, out)));
        assert_eq!([of(0, false), of(-1, false)], ["1970-01-01", "1969-12-31 23:59:59.999"]);
        assert_eq!([of(0, true), of(45_000_250, true)], ["1970-01-01 00:00:00Z", "1970-01-01 12:30:00.25Z"]);
        assert_eq!(text(|out| time(-90_061_000_000, 1_000_000, out)), "-25:01:01");
        assert_eq!(text(|out| assert!(julian(2_440_589, 1, out))), "1970-01-02 00:00:00.000000001");
        assert_eq!(text(|out| uuid(&[0xab; 16], out)), "abababab-abab-abab-abab-abababababab");
    }
}
