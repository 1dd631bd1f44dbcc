//! What is asked for more than once, and made once.

/// Those of a list that differ, in their order, and each entry's place among them.
pub fn distinct<T: PartialEq>(all: &[T]) -> (Vec<&T>, Vec<usize>) {
    let mut found: Vec<&T> = Vec::new();
    let places = all
        .iter()
        .map(|entry| {
            found.iter().position(|known| *known == entry).unwrap_or_else(|| {
                found.push(entry);
                found.len() - 1
            })
        })
        .collect();
    (found, places)
}

#[cfg(test)]
mod tests {
    use super::distinct;

    #[test]
    fn an_entry_that_stands_twice_is_found_at_its_first_place() {
        let (found, places) = distinct(&["a", "b", "a", "c", "b"]);
        assert_eq!((found, places), (vec![&"a", &"b", &"c"], vec![0, 1, 0, 2, 1]));
    }
}
