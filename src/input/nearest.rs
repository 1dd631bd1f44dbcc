//! "Did you mean …?", and lists that end.

/// The known word nearest to one that is not known, if any is near.
pub fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    known
        .map(|k| (strsim::normalized_damerau_levenshtein(&word.to_lowercase(), &k.to_lowercase()), k))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(likeness, _)| *likeness >= 0.55)
        .map(|(_, k)| k.to_string())
}

/// As many names as anyone reads.
pub const MOST_LISTED: usize = 10;

/// `a`, `b`, `c`, and how many more there are.
pub fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut names = names.peekable();
    let first: Vec<String> = names.by_ref().take(MOST_LISTED).map(|name| format!("`{name}`")).collect();
    match names.count() {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

/// `a`, `b`, `c`: every one of them.
pub fn all_listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::{all_listed, listed};

    #[test]
    fn a_list_ends_after_ten_names_and_says_how_many_more_there_are() {
        let names: Vec<String> = (0..12).map(|i| format!("c{i}")).collect();
        let of = |n: usize| listed(names[..n].iter().map(String::as_str));
        assert_eq!(of(2), "`c0`, `c1`");
        assert!(of(10).ends_with("`c9`"));
        assert!(of(12).ends_with("`c9` and 2 more"));
        assert!(all_listed(names.iter().map(String::as_str)).ends_with("`c9`, `c10`, `c11`"));
    }
}
