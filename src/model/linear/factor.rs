//! The Cholesky factor of a sparse symmetric matrix whose entries change and whose pattern does not, with its derivative.

//!
//! Loops count places: iterators zipped are calls that are not always inlined.

use std::ops::Range;

/// Where a factor has entries: by column, the diagonal first, then rows downwards. Columns are eliminated in their order, so
/// those that many others meet belong last.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    /// Where each column's entries begin; one more than there are columns.
    starts: Vec<usize>,
    rows: Vec<usize>,
    /// By column and pair of entries below its diagonal, the first at or below the second: where their product goes, counted from
    /// the column's end.
    targets: Vec<usize>,
}

impl Pattern {
    /// Of `n` columns, with entries where any of the groups holds both row and column, and where elimination makes some.
    pub fn new(n: usize, groups: &[Vec<usize>]) -> Pattern {
        let mut below: Vec<Vec<usize>> = vec![Vec::new(); n];
        for group in groups {
            for &column in group {
                below[column].extend(group.iter().filter(|row| **row > column));
            }
        }
        for column in 0..n {
            below[column].sort_unstable();
            below[column].dedup();
            if let Some((&next, rest)) = below[column].clone().split_first() {
                below[next].extend(rest);
            }
        }
        let mut starts = vec![0];
        let mut rows = Vec::new();
        for (column, below) in below.iter().enumerate() {
            rows.push(column);
            rows.extend(below);
            starts.push(rows.len());
        }
        let mut pattern = Pattern { starts, rows, targets: Vec::new() };
        for (k, below) in below.iter().enumerate() {
            let end = pattern.starts[k + 1];
            for (place, &column) in below.iter().enumerate() {
                let targets = below[place..].iter().map(|&row| pattern.place(row, column) - end);
                pattern.targets.extend(targets.collect::<Vec<_>>());
            }
        }
        pattern
    }

    /// How many entries a factor has.
    pub fn entries(&self) -> usize {
        self.rows.len()
    }

    /// How many columns there are.
    pub fn columns(&self) -> usize {
        self.starts.len() - 1
    }

    /// The place of an entry on or below the diagonal, which must be in the pattern.
    pub fn place(&self, row: usize, column: usize) -> usize {
        let (start, end) = (self.starts[column], self.starts[column + 1]);
        start + self.rows[start..end].partition_point(|&r| r < row)
    }

    /// Where a column's entries lie, and their rows.
    #[inline(always)]
    pub fn column(&self, k: usize) -> (Range<usize>, &[usize]) {
        let range = self.starts[k]..self.starts[k + 1];
        (range.clone(), &self.rows[range])
    }

    /// Turns the matrix on and below its diagonal into its factor. False where it is not positive definite.
    pub fn factor(&self, a: &mut [f64]) -> bool {
        let mut rest = &self.targets[..];
        for k in 0..self.columns() {
            let (own, later) = a[self.starts[k]..].split_at_mut(self.starts[k + 1] - self.starts[k]);
            let pivot = own[0];
            if pivot.is_nan() || pivot <= 0.0 {
                return false;
            }
            let root = pivot.sqrt();
            let inverse = 1.0 / root;
            own[0] = root;
            own[1..].iter_mut().for_each(|x| *x *= inverse);
            for j in 1..own.len() {
                let by = &own[j..];
                let (targets, others) = rest.split_at(by.len());
                rest = others;
                for i in 0..targets.len() {
                    later[targets[i]] -= by[i] * by[0];
                }
            }
        }
        true
    }

    /// Turns slopes by the factor's entries into slopes by the matrix's, of which those off the diagonal stand for both sides.
    pub fn pull(&self, factor: &[f64], slopes: &mut [f64]) {
        let mut last = self.targets.len();
        for k in (0..self.columns()).rev() {
            let (start, end) = (self.starts[k], self.starts[k + 1]);
            let below = end - start - 1;
            let at = last - below * (below + 1) / 2;
            let mut rest = &self.targets[at..last];
            last = at;
            let (own, later) = slopes[start..].split_at_mut(end - start);
            let of = &factor[start..end];
            for j in 1..of.len() {
                let (of, own) = (&of[j..], &mut own[j..]);
                let (targets, others) = rest.split_at(of.len());
                rest = others;
                // With itself the first stands on both sides.
                let slope = later[targets[0]] * of[0];
                let mut first = own[0] - slope - slope;
                for i in 1..of.len().min(own.len()) {
                    let slope = later[targets[i]];
                    own[i] -= slope * of[0];
                    first -= slope * of[i];
                }
                own[0] = first;
            }
            let inverse = 1.0 / of[0];
            let mut pivot = own[0];
            for i in 1..of.len().min(own.len()) {
                own[i] *= inverse;
                pivot -= own[i] * of[i];
            }
            own[0] = 0.5 * pivot * inverse;
        }
    }

    /// L⁻¹ x, in place.
    pub fn solve(&self, factor: &[f64], x: &mut [f64]) {
        for k in 0..self.columns() {
            let (start, end) = (self.starts[k], self.starts[k + 1]);
            let (rows, of) = (&self.rows[start..end], &factor[start..end]);
            let at = x[k] / of[0];
            x[k] = at;
            for i in 1..rows.len().min(of.len()) {
                x[rows[i]] -= of[i] * at;
            }
        }
    }

    /// L⁻ᵀ x, in place.
    pub fn solve_transposed(&self, factor: &[f64], x: &mut [f64]) {
        for k in (0..self.columns()).rev() {
            let (start, end) = (self.starts[k], self.starts[k + 1]);
            let (rows, of) = (&self.rows[start..end], &factor[start..end]);
            let mut sum = x[k];
            for i in 1..rows.len().min(of.len()) {
                sum -= of[i] * x[rows[i]];
            }
            x[k] = sum / of[0];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An arrow with a bridge: its factor has entries that the matrix does not.
    fn pattern() -> Pattern {
        Pattern::new(5, &[vec![0, 1, 4], vec![1, 2], vec![0, 3], vec![2, 3]])
    }

    fn matrix(pattern: &Pattern) -> Vec<f64> {
        let mut a = vec![0.0; pattern.entries()];
        for (row, column, x) in
            [(1, 0, 0.7), (4, 0, -0.4), (4, 1, 0.3), (2, 1, -0.9), (3, 0, 0.5), (3, 2, 0.2)]
        {
            a[pattern.place(row, column)] = x;
        }
        (0..5).for_each(|k| a[pattern.place(k, k)] = 2.0 + 0.3 * k as f64);
        a
    }

    #[test]
    fn the_factor_times_itself_is_the_matrix() {
        let pattern = pattern();
        let a = matrix(&pattern);
        let mut l = a.clone();
        assert!(pattern.factor(&mut l));
        let mut dense = [[0.0; 5]; 5];
        let rows = |k| pattern.column(k).1.iter().map(move |row| (*row, k));
        let all = || (0..5).flat_map(rows);
        all().zip(&l).for_each(|((row, column), x)| dense[row][column] = *x);
        for ((row, column), x) in all().zip(&a) {
            let product: f64 = (0..5).map(|k| dense[row][k] * dense[column][k]).sum();
            assert!((product - x).abs() < 1e-14, "{row} {column}: {product} {x}");
        }
        let b = [0.3, -1.0, 0.2, 2.0, 0.7];
        let mut x = b;
        pattern.solve(&l, &mut x);
        pattern.solve_transposed(&l, &mut x);
        let mut full = [[0.0; 5]; 5];
        for ((row, column), value) in all().zip(&a) {
            full[row][column] = *value;
            full[column][row] = *value;
        }
        for (row, b) in full.iter().zip(b) {
            let product: f64 = row.iter().zip(&x).map(|(a, x)| a * x).sum();
            assert!((product - b).abs() < 1e-14);
        }
    }

    #[test]
    fn slopes_are_differences() {
        let pattern = pattern();
        let a = matrix(&pattern);
        let weights: Vec<f64> = (0..pattern.entries()).map(|i| libm::sin(1.0 + i as f64)).collect();
        let value = |a: &[f64]| {
            let mut l = a.to_vec();
            assert!(pattern.factor(&mut l));
            l.iter().zip(&weights).map(|(l, w)| w * l).sum::<f64>()
        };
        let mut l = a.clone();
        assert!(pattern.factor(&mut l));
        let mut slopes = weights.clone();
        pattern.pull(&l, &mut slopes);
        for (i, slope) in slopes.iter().enumerate() {
            let nudged = |by: f64| {
                let mut a = a.clone();
                a[i] += by;
                value(&a)
            };
            let difference = (nudged(1e-6) - nudged(-1e-6)) / 2e-6;
            assert!((slope - difference).abs() < 1e-8, "{i}: {slope} {difference}");
        }
    }

    #[test]
    fn what_is_not_positive_definite_has_no_factor() {
        let pattern = Pattern::new(2, &[vec![0, 1]]);
        assert!(!pattern.factor(&mut [1.0, 2.0, 1.0]));
        assert!(!pattern.factor(&mut [f64::NAN, 0.0, 1.0]));
    }
}
