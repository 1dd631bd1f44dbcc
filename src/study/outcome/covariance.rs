//! Estimates that come from one fit: their errors' covariance.

use crate::error::ErrorKind;
use crate::numeric::linear::symmetric_eigen;
use crate::study::problem::{Part, Problem};

/// The most subgroups whose errors may be correlated: a factor of their covariance is made in every step of the sampler.
pub const MOST_CORRELATED: usize = 100;

/// How far both halves of a symmetric matrix may differ, as a share of what they are: printed figures are rounded.
const ASYMMETRY: f64 = 1e-4;

/// How far a diagonal may be from 1 in a matrix of correlations.
const ROUNDING: f64 = 1e-4;

/// The smallest eigenvalue of the correlations, as a share of the mean one, which is 1.
const LEAST_EIGENVALUE: f64 = 1e-9;

/// How the errors of several estimates belong together, as stated: rows of a symmetric matrix, whole or up to the diagonal.
#[derive(Debug, Clone, PartialEq)]
pub enum Together {
    /// Covariances, on the scale of the model squared.
    Covariance(Vec<Vec<f64>>),
    /// Correlations, beside standard errors.
    Correlation(Vec<Vec<f64>>),
}

impl Together {
    /// As model files call it.
    pub fn key(&self) -> &'static str {
        match self {
            Together::Covariance(_) => "covariance",
            Together::Correlation(_) => "correlation",
        }
    }

    fn rows(&self) -> &[Vec<f64>] {
        match self {
            Together::Covariance(rows) | Together::Correlation(rows) => rows,
        }
    }

    /// The standard error of estimate `g` by itself; none of correlations, and where there is no such number.
    pub(crate) fn standard_error(&self, g: usize) -> Option<f64> {
        match self {
            Together::Covariance(rows) => {
                rows.get(g)?.get(g).copied().filter(|v| *v > 0.0 && v.is_finite()).map(libm::sqrt)
            }
            Together::Correlation(_) => None,
        }
    }
}

/// The covariance of several estimates' errors: symmetric and positive definite, in the order of the subgroups.
#[derive(Debug, Clone, PartialEq)]
pub struct Covariance {
    /// By row.
    matrix: Vec<f64>,
    size: usize,
}

impl Covariance {
    /// From what is stated of estimates with these names and standard errors; none where no two errors are correlated. The
    /// standard errors of a covariance are its own.
    pub(crate) fn of(
        together: &Together,
        names: &[&str],
        errors: &[f64],
    ) -> Result<Option<Covariance>, Problem> {
        let key = together.key();
        let problem = |row, kind, message: String| Problem::new(Part::Together { row }, kind, message);
        let size = names.len();
        let stated = together.rows();
        if size > MOST_CORRELATED {
            let message = format!("`{key}` of {size} subgroups");
            return Err(problem(None, ErrorKind::Limit, message)
                .help(format!("the program takes at most {MOST_CORRELATED} correlated estimates")));
        }
        if stated.len() != size {
            let message =
                format!("`{key}` has {}, and there are {size} subgroups", counted(stated.len(), "row"));
            return Err(problem(None, ErrorKind::Rule, message)
                .help("one row a subgroup, in the order of the estimates, whole or up to the diagonal"));
        }
        let triangle = size > 1 && stated[0].len() == 1;
        for (i, row) in stated.iter().enumerate() {
            let expected = if triangle { i + 1 } else { size };
            if row.len() != expected {
                let message = format!(
                    "row {} of `{key}` (`{}`) has {}, expected {expected}",
                    i + 1,
                    names[i],
                    counted(row.len(), "number")
                );
                return Err(problem(Some(i), ErrorKind::Rule, message).help(
                    "each row has one number a subgroup, or all rows end with the diagonal: [[a], [b, c], [d, e, f]]",
                ));
            }
            if let Some(j) = row.iter().position(|x| !x.is_finite()) {
                let message = format!(
                    "`{key}` of `{}` and `{}` is {}: not a finite number",
                    names[i], names[j], row[j]
                );
                return Err(problem(Some(i), ErrorKind::Value, message).help("give a number"));
            }
        }
        let mut matrix = vec![0.0; size * size];
        for i in 0..size {
            for j in 0..=i {
                let below = stated[i][j];
                let above = if triangle { below } else { stated[j][i] };
                let scale = libm::sqrt((stated[i][i] * stated[j][j]).abs()).max(below.abs());
                if (below - above).abs() > ASYMMETRY * scale {
                    let message = format!(
                        "`{key}` is not symmetric: {below} in row {} (`{}`), column {}, and {above} in row {} (`{}`), column {}",
                        i + 1,
                        names[i],
                        j + 1,
                        j + 1,
                        names[j],
                        i + 1
                    );
                    return Err(problem(Some(i), ErrorKind::Rule, message)
                        .help("both are the covariance of the same two estimates: check them"));
                }
                // Halves that are alike stay as they are to the last bit.
                let value = if below == above { below } else { 0.5 * (below + above) };
                matrix[i * size + j] = value;
                matrix[j * size + i] = value;
            }
        }
        let diagonal = |i: usize| matrix[i * size + i];
        match together {
            Together::Covariance(_) => {
                if let Some(i) = (0..size).find(|&i| diagonal(i) <= 0.0) {
                    let message = format!("the variance of `{}` is {}", names[i], diagonal(i));
                    return Err(problem(Some(i), ErrorKind::Value, message)
                        .help("the diagonal holds squares of standard errors, above 0"));
                }
            }
            Together::Correlation(_) => {
                if let Some(i) = (0..size).find(|&i| (diagonal(i) - 1.0).abs() > ROUNDING) {
                    let message =
                        format!("the correlation of `{}` with itself is {}, not 1", names[i], diagonal(i));
                    return Err(problem(Some(i), ErrorKind::Value, message)
                        .help("a matrix whose diagonal holds variances goes under `covariance`"));
                }
                for i in 0..size {
                    for j in 0..size {
                        matrix[i * size + j] = if i == j {
                            errors[i] * errors[i]
                        } else {
                            matrix[i * size + j] * errors[i] * errors[j]
                        };
                    }
                }
            }
        }
        let found = Covariance { matrix, size };
        found.definite(key, names)?;
        Ok((!found.is_diagonal()).then_some(found))
    }

    /// No combination of estimates is without an error. Correlations are looked at, whose eigenvalues have no unit.
    fn definite(&self, key: &str, names: &[&str]) -> Result<(), Problem> {
        let size = self.size;
        let correlations: Vec<f64> = (0..size * size).map(|k| self.correlation(k / size, k % size)).collect();
        let (values, vectors) = symmetric_eigen(&correlations, size);
        let Some(least) = (0..size).min_by(|&a, &b| values[a].total_cmp(&values[b])) else { return Ok(()) };
        if values[least] > LEAST_EIGENVALUE {
            return Ok(());
        }
        let vector = |g: usize| vectors[g * size + least];
        let mut largest: Vec<usize> = (0..size).collect();
        largest.sort_by(|&a, &b| vector(b).abs().total_cmp(&vector(a).abs()).then(a.cmp(&b)));
        let sign = if largest.first().is_some_and(|&g| vector(g) < 0.0) { -1.0 } else { 1.0 };
        let term = |&g: &usize| format!("{:+.2} · {}", sign * vector(g), names[g]);
        let shown = largest.iter().take(4).filter(|&&g| vector(g).abs() > 0.005);
        let combination: Vec<String> = shown.map(term).collect();
        let message = format!(
            "`{key}` is not positive definite: the smallest of the {size} eigenvalues of its correlations is {:.3e}",
            values[least]
        );
        Err(Problem::new(Part::Together { row: None }, ErrorKind::Rule, message)
            .help(format!(
                "these estimates (over their standard errors) would together have {} error: {}",
                if values[least] < 0.0 { "less than no" } else { "no" },
                combination.join(" ")
            ))
            .help("one that is the sum or difference of others has to go, or figures are rounded too far or mixed up"))
    }

    /// How many estimates there are.
    pub fn size(&self) -> usize {
        self.size
    }

    /// By row: length `size` squared, on the scale of the effect squared.
    pub fn matrix(&self) -> &[f64] {
        &self.matrix
    }

    /// The covariance of the errors of estimates `a` and `b`.
    pub fn at(&self, a: usize, b: usize) -> f64 {
        self.matrix[a * self.size + b]
    }

    /// The standard error of estimate `g`.
    pub fn standard_error(&self, g: usize) -> f64 {
        libm::sqrt(self.at(g, g))
    }

    /// The correlation of the errors of estimates `a` and `b`.
    pub fn correlation(&self, a: usize, b: usize) -> f64 {
        if a == b { 1.0 } else { self.at(a, b) / (self.standard_error(a) * self.standard_error(b)) }
    }

    /// The pair of estimates whose errors are correlated most, and that correlation.
    pub fn strongest(&self) -> Option<(usize, usize, f64)> {
        let pairs = (0..self.size).flat_map(|a| (a + 1..self.size).map(move |b| (a, b)));
        let found = pairs.map(|(a, b)| (a, b, self.correlation(a, b)));
        found.reduce(|best, next| if next.2.abs() > best.2.abs() { next } else { best })
    }

    fn is_diagonal(&self) -> bool {
        let size = self.size;
        (0..size * size).all(|k| k / size == k % size || self.matrix[k] == 0.0)
    }

    /// Of the first `n` estimates; none where no two of them are correlated.
    pub(crate) fn first(&self, n: usize) -> Option<Covariance> {
        self.only(&(0..n.min(self.size)).collect::<Vec<_>>())
    }

    /// Of these estimates; none where no two of them are correlated.
    pub(crate) fn only(&self, kept: &[usize]) -> Option<Covariance> {
        let matrix = kept.iter().flat_map(|&a| kept.iter().map(move |&b| self.at(a, b))).collect();
        let found = Covariance { matrix, size: kept.len() };
        (!found.is_diagonal()).then_some(found)
    }
}

fn counted(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 3] = ["a", "b", "c"];

    fn of(rows: &[&[f64]]) -> Result<Option<Covariance>, Problem> {
        let together = Together::Covariance(rows.iter().map(|r| r.to_vec()).collect());
        Covariance::of(&together, &NAMES, &[1.0; 3])
    }

    #[test]
    fn a_whole_matrix_and_its_lower_triangle_are_the_same() {
        let whole = of(&[&[1.0, 0.2, 0.1], &[0.2, 2.0, -0.3], &[0.1, -0.3, 0.5]]).expect("definite");
        let lower = of(&[&[1.0], &[0.2, 2.0], &[0.1, -0.3, 0.5]]).expect("definite");
        assert_eq!(whole, lower);
        let found = whole.expect("correlated");
        assert_eq!(found.strongest().map(|s| (s.0, s.1)), Some((1, 2)));
        assert_eq!(found.only(&[0, 2]).expect("correlated").matrix(), [1.0, 0.1, 0.1, 0.5]);
    }

    #[test]
    fn without_correlation_there_is_nothing_to_keep() {
        assert_eq!(of(&[&[1.0, 0.0, 0.0], &[0.0, 2.0, 0.0], &[0.0, 0.0, 3.0]]), Ok(None));
    }

    #[test]
    fn what_is_no_covariance_is_told_apart() {
        let told = |rows: &[&[f64]]| of(rows).expect_err("no covariance").message;
        let asymmetric = told(&[&[1.0, 0.2, 0.1], &[0.3, 2.0, 0.0], &[0.1, 0.0, 1.0]]);
        assert!(asymmetric.contains("not symmetric: 0.3 in row 2 (`b`), column 1, and 0.2 in row 1 (`a`)"));
        let variance = told(&[&[1.0, 0.2, 0.1], &[0.2, 0.0, 0.0], &[0.1, 0.0, 1.0]]);
        assert_eq!(variance, "the variance of `b` is 0");
        assert!(
            told(&[&[1.0, 0.2, 0.1], &[0.2, 2.0], &[0.1, 0.0, 1.0]]).contains("has 2 numbers, expected 3")
        );
        assert!(told(&[&[1.0, 0.2, 0.1]]).contains("has 1 row, and there are 3 subgroups"));
        let problem = of(&[&[1.0, 0.9, 0.9], &[0.9, 1.0, -0.9], &[0.9, -0.9, 1.0]]).expect_err("indefinite");
        // 1 + 0.9 twice, and 1 − 2 · 0.9.
        assert!(problem.message.contains("smallest of the 3 eigenvalues of its correlations is -8.000e-1"));
        assert!(
            problem.help[0].contains("less than no error: +0.58 · a −0.58 · b".replace('−', "-").as_str())
        );
    }
}
