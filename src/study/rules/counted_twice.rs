//! Rows that hold the patients of other rows once more: totals, and one study divided twice.

use super::super::{Data, SubgroupCounts};

/// What rows of totals are called.
const TOTALS: [&str; 8] =
    ["all", "all patients", "all subgroups", "everyone", "overall", "pooled", "total", "whole population"];

/// Tables with more rows are not searched for runs of rows that come to the same.
const MOST_ROWS: usize = 40;

/// Events and patients of both arms.
type Figures = [u128; 4];

/// What is said of rows that are probably sums of others: one notice for each.
pub(crate) fn counted_twice(data: &Data) -> Vec<String> {
    let names = data.names();
    let Some(rows) = data.counts() else {
        return named_as_total(&names, &[]);
    };
    let all: Vec<Figures> = rows.iter().map(figures).collect();
    // Of two rows that are alike each is the sum of the other.
    if rows.iter().filter(|row| row.patients() > 0).count() < 3 {
        return Vec::new();
    }
    let sum = all.iter().fold([0; 4], added);
    let is_total = |row: &Figures| *row != [0; 4] && added(*row, row) == sum;
    if let Some(found) = all.iter().position(is_total) {
        return vec![format!(
            "{}: its events and patients are the sums of all other rows. If it is their total, leave the row out: its patients count twice here.",
            names[found]
        )];
    }
    let mut told = Vec::new();
    let mut totals = Vec::new();
    if rows.len() <= MOST_ROWS {
        let runs = runs(&all);
        for (i, one) in runs.iter().enumerate() {
            for other in &runs[i + 1..] {
                let apart = one.end <= other.start || other.end <= one.start;
                let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
                if !apart || one.sum != other.sum || long.len() < 2 {
                    continue;
                }
                let name = |run: &Run| names[run.start..run.end].join(", ");
                if short.len() == 1 && !totals.contains(&short.start) {
                    totals.push(short.start);
                    told.push(format!(
                        "{}: its events and patients are the sums of those of {}. If it is their total, leave the row out: its patients count twice here.",
                        name(short), name(long)
                    ));
                } else if short.len() > 1 {
                    told.push(format!(
                        "{} have together the same events and patients as {}. If these are the same patients divided in two ways, keep one of them: everyone counts twice here.",
                        name(short), name(long)
                    ));
                }
            }
        }
    }
    told.extend(named_as_total(&names, &totals));
    told
}

/// Rows that are called as totals are, but for those already known to be some.
fn named_as_total(names: &[&str], known: &[usize]) -> Vec<String> {
    let is_called_so = |name: &str| TOTALS.contains(&name.trim().to_lowercase().as_str());
    let each = names.iter().enumerate().filter(|(i, name)| is_called_so(name) && !known.contains(i));
    // Alone it is no total of others.
    let told = each.filter(|_| names.len() > 2).map(|(_, name)| {
        format!("{name}: if this row is of all patients, leave it out: the other rows hold them already.")
    });
    told.collect()
}

/// Rows next to each other, and their sum.
struct Run {
    start: usize,
    end: usize,
    sum: Figures,
}

impl Run {
    fn len(&self) -> usize {
        self.end - self.start
    }
}

/// All runs of rows that have patients.
fn runs(all: &[Figures]) -> Vec<Run> {
    let from = |start: usize| {
        let mut sum = [0; 4];
        (start..all.len()).map(move |i| {
            sum = added(sum, &all[i]);
            Run { start, end: i + 1, sum }
        })
    };
    (0..all.len()).flat_map(from).filter(|run| run.sum[1] > 0 && run.sum[3] > 0).collect()
}

fn figures(row: &SubgroupCounts) -> Figures {
    let (control, active) = (row.control(), row.active());
    [control.events, control.total, active.events, active.total].map(u128::from)
}

fn added(sum: Figures, row: &Figures) -> Figures {
    std::array::from_fn(|k| sum[k] + row[k])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::ArmCounts;

    fn table(rows: &[(&str, [u64; 4])]) -> Data {
        let arm = |events, total| ArmCounts { events, total, missing: 0, source: None };
        let row = |(name, [a, b, c, d]): &(&str, [u64; 4])| {
            SubgroupCounts::of_pair((*name).to_string(), arm(*a, *b), arm(*c, *d))
        };
        Data::Counts(rows.iter().map(row).collect())
    }

    const MEN: (&str, [u64; 4]) = ("men", [41, 310, 28, 305]);
    const WOMEN: (&str, [u64; 4]) = ("women", [22, 150, 23, 148]);
    const DIABETES: (&str, [u64; 4]) = ("diabetes", [20, 100, 22, 99]);
    const NONE: (&str, [u64; 4]) = ("no diabetes", [43, 360, 29, 354]);
    const TOTAL: (&str, [u64; 4]) = ("Total", [63, 460, 51, 453]);

    #[test]
    fn totals_and_second_divisions_are_told_once_each() {
        let told = |rows: &[(&str, [u64; 4])]| counted_twice(&table(rows));
        assert!(told(&[MEN, WOMEN]).is_empty());
        assert!(told(&[MEN, WOMEN, DIABETES]).is_empty());
        let one = told(&[MEN, TOTAL, WOMEN]);
        assert!(one.len() == 1 && one[0].starts_with("Total: its events and patients are the sums of all"));
        let divided = told(&[MEN, WOMEN, DIABETES, NONE]);
        assert!(divided.len() == 1 && divided[0].contains("same events and patients as"), "{divided:?}");
        let both = told(&[MEN, WOMEN, DIABETES, NONE, TOTAL]);
        assert_eq!(both.len(), 2, "{both:?}");
        assert!(
            both.iter().any(|t| t.starts_with("Total: its events and patients are the sums of those of"))
        );
        // A slip of the pen in the total.
        let slip = told(&[MEN, WOMEN, ("Total", [63, 460, 52, 453])]);
        assert!(slip.len() == 1 && slip[0].contains("if this row is of all patients"), "{slip:?}");
    }
}
