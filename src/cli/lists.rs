//! Lists as one argument holds them: values between commas. A value that holds a comma stands in quotes of its own, as in
//! CSV files; there a quote is doubled.

/// Values, one at least.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List(pub Vec<String>);

/// Keys, each with a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pairs(pub Vec<(String, String)>);

/// All values of an option that was given several times.
pub fn all(lists: &[List]) -> Vec<String> {
    lists.iter().flat_map(|List(values)| values.iter().cloned()).collect()
}

/// `a,b` or `"a, b",c`.
pub fn list(text: &str) -> Result<List, String> {
    let mut all = Vec::new();
    let mut rest = Some(text);
    while let Some(text) = rest {
        let (value, after) = word(text, ',')?;
        if value.is_empty() {
            return Err("a value is empty: values stand between commas".to_string());
        }
        all.push(value);
        rest = after;
    }
    Ok(List(all))
}

/// `key=a,other=b`.
pub fn pairs(text: &str) -> Result<Pairs, String> {
    let mut all = Vec::new();
    let mut rest = Some(text);
    while let Some(text) = rest {
        let (key, column) = named(text, "KEY=COLUMN", "control_events=deaths_p")?;
        let (column, after) = word(column, ',')?;
        if column.is_empty() {
            return Err("KEY=COLUMN is expected, such as control_events=deaths_p".to_string());
        }
        all.push((key, column));
        rest = after;
    }
    Ok(Pairs(all))
}

/// `column=a,b`.
pub fn values_of_column(text: &str) -> Result<(String, Vec<String>), String> {
    let (column, values) = named(text, "COLUMN=VALUE,…", "country=DE,FR")?;
    Ok((column, list(values)?.0))
}

/// `column=65,80`.
pub fn points_of_column(text: &str) -> Result<(String, Vec<f64>), String> {
    let (column, points) = named(text, "COLUMN=NUMBER,…", "age=65,80")?;
    let point = |text: &String| match text.parse::<f64>() {
        Ok(x) if x.is_finite() => Ok(x),
        _ => Err(format!("found `{text}`, expected a number: age=65,80 says where levels begin")),
    };
    Ok((column, list(points)?.0.iter().map(point).collect::<Result<_, _>>()?))
}

/// What stands before the first equals sign, and what after it.
fn named<'t>(text: &'t str, form: &str, example: &str) -> Result<(String, &'t str), String> {
    match word(text, '=')? {
        (name, Some(after)) if !name.is_empty() && !after.trim().is_empty() => Ok((name, after)),
        _ => Err(format!("{form} is expected, such as {example}")),
    }
}

/// The first word, without quotes, and what follows it after `end`.
fn word(text: &str, end: char) -> Result<(String, Option<&str>), String> {
    let Some(quoted) = text.trim_start().strip_prefix('"') else {
        return Ok(match text.split_once(end) {
            Some((word, after)) => (word.trim().to_string(), Some(after)),
            None => (text.trim().to_string(), None),
        });
    };
    let mut word = String::new();
    let mut rest = quoted;
    loop {
        let Some((before, after)) = rest.split_once('"') else {
            return Err(format!("a quote is not closed: \"{quoted}"));
        };
        word.push_str(before);
        if let Some(after) = after.strip_prefix('"') {
            word.push('"');
            rest = after;
            continue;
        }
        let after = after.trim_start();
        return match after.strip_prefix(end) {
            Some(after) => Ok((word, Some(after))),
            None if after.is_empty() => Ok((word, None)),
            None => Err(format!("`{end}` is expected after a closing quote, found `{after}`")),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_part_values_but_within_quotes() {
        let of = |text: &str| list(text).map(|List(values)| values);
        assert_eq!(of("a, b"), Ok(vec!["a".to_string(), "b".to_string()]));
        assert_eq!(of(r#"age,"weight, kg""#), Ok(vec!["age".to_string(), "weight, kg".to_string()]));
        assert_eq!(of(r#" "say ""a,b""" ,c"#), Ok(vec![r#"say "a,b""#.to_string(), "c".to_string()]));
        assert_eq!(of(r#"5" tube"#), Ok(vec![r#"5" tube"#.to_string()]));
        for wrong in ["", "a,,b", "a,", r#""a"#, r#""a"b"#] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn columns_have_values_points_or_keys() {
        let texts = |each: &[&str]| each.iter().map(|t| t.to_string()).collect::<Vec<_>>();
        assert_eq!(values_of_column("site=N,S"), Ok(("site".to_string(), texts(&["N", "S"]))));
        assert_eq!(values_of_column(r#""a=b"="c, d""#), Ok(("a=b".to_string(), texts(&["c, d"]))));
        assert_eq!(points_of_column("age=65, 80"), Ok(("age".to_string(), vec![65.0, 80.0])));
        assert!(points_of_column("age=old").is_err() && points_of_column("age").is_err());
        let found = pairs(r#"subgroup=sex,events="n, dead""#).expect("pairs").0;
        assert_eq!(found[1], ("events".to_string(), "n, dead".to_string()));
        assert!(pairs("events=").is_err() && pairs("=a").is_err());
    }
}
