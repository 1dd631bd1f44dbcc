//! Symmetric positive definite matrices, small and dense, row by row in a slice.
//!
//! Written out rather than borrowed because chains must have the same bits on every machine: libraries choose their
//! products by the processor at run time. Only additions, multiplications, divisions and square roots are used here.

/// The lower Cholesky factor of a symmetric matrix, `None` unless it is positive definite.
pub fn cholesky(matrix: &[f64], d: usize) -> Option<Vec<f64>> {
    let mut factor = vec![0.0; d * d];
    for i in 0..d {
        for j in 0..=i {
            let done: f64 = (0..j).map(|k| factor[i * d + k] * factor[j * d + k]).sum();
            let rest = matrix[i * d + j] - done;
            if i == j {
                if !(rest > 0.0 && rest.is_finite()) {
                    return None;
                }
                factor[i * d + i] = rest.sqrt();
            } else {
                factor[i * d + j] = rest / factor[j * d + j];
            }
        }
    }
    Some(factor)
}

/// Solves `L Lᵀ x = b`.
pub fn solve_cholesky(factor: &[f64], b: &[f64], d: usize) -> Vec<f64> {
    let mut x = b.to_vec();
    for i in 0..d {
        let done: f64 = (0..i).map(|j| factor[i * d + j] * x[j]).sum();
        x[i] = (x[i] - done) / factor[i * d + i];
    }
    for i in (0..d).rev() {
        let done: f64 = (i + 1..d).map(|j| factor[j * d + i] * x[j]).sum();
        x[i] = (x[i] - done) / factor[i * d + i];
    }
    x
}

/// The inverse of a lower triangular matrix.
pub fn invert_lower(factor: &[f64], d: usize) -> Vec<f64> {
    let mut inverse = vec![0.0; d * d];
    for column in 0..d {
        inverse[column * d + column] = 1.0 / factor[column * d + column];
        for row in column + 1..d {
            let sum: f64 = (column..row).map(|k| factor[row * d + k] * inverse[k * d + column]).sum();
            inverse[row * d + column] = -sum / factor[row * d + row];
        }
    }
    inverse
}

/// `LᵀL` of a lower triangular matrix.
pub fn gram_of_lower(factor: &[f64], d: usize) -> Vec<f64> {
    let mut product = vec![0.0; d * d];
    for i in 0..d {
        for j in 0..=i {
            let sum: f64 = (i..d).map(|k| factor[k * d + i] * factor[k * d + j]).sum();
            product[i * d + j] = sum;
            product[j * d + i] = sum;
        }
    }
    product
}

/// The product of two square matrices.
pub fn product(a: &[f64], b: &[f64], d: usize) -> Vec<f64> {
    let mut out = vec![0.0; d * d];
    for i in 0..d {
        for k in 0..d {
            let x = a[i * d + k];
            for j in 0..d {
                out[i * d + j] += x * b[k * d + j];
            }
        }
    }
    out
}

/// The transpose of a square matrix of `d` rows.
pub fn transposed(a: &[f64], d: usize) -> Vec<f64> {
    (0..d * d).map(|i| a[(i % d) * d + i / d]).collect()
}

/// Eigenvalues and eigenvectors (columns) of a symmetric matrix by cyclic Jacobi rotations.
pub fn symmetric_eigen(matrix: &[f64], d: usize) -> (Vec<f64>, Vec<f64>) {
    const SWEEPS: usize = 30;
    let mut a = matrix.to_vec();
    let mut vectors = identity(d);
    for _ in 0..SWEEPS {
        let off: f64 =
            (0..d).flat_map(|i| (0..i).map(move |j| (i, j))).map(|(i, j)| a[i * d + j].powi(2)).sum();
        let on: f64 = (0..d).map(|i| a[i * d + i].powi(2)).sum();
        if off <= 1e-30 * on {
            break;
        }
        for p in 0..d {
            for q in p + 1..d {
                let apq = a[p * d + q];
                if apq == 0.0 {
                    continue;
                }
                let theta = (a[q * d + q] - a[p * d + p]) / (2.0 * apq);
                let t = 1.0_f64.copysign(theta) / (theta.abs() + (theta * theta + 1.0).sqrt());
                let c = 1.0 / (t * t + 1.0).sqrt();
                let s = t * c;
                for k in 0..d {
                    let (x, y) = (a[k * d + p], a[k * d + q]);
                    a[k * d + p] = c * x - s * y;
                    a[k * d + q] = s * x + c * y;
                }
                for k in 0..d {
                    let (x, y) = (a[p * d + k], a[q * d + k]);
                    a[p * d + k] = c * x - s * y;
                    a[q * d + k] = s * x + c * y;
                }
                for k in 0..d {
                    let (x, y) = (vectors[k * d + p], vectors[k * d + q]);
                    vectors[k * d + p] = c * x - s * y;
                    vectors[k * d + q] = s * x + c * y;
                }
            }
        }
    }
    ((0..d).map(|i| a[i * d + i]).collect(), vectors)
}

/// The identity matrix of `d` rows.
pub fn identity(d: usize) -> Vec<f64> {
    (0..d * d).map(|i| if i % (d + 1) == 0 { 1.0 } else { 0.0 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Positive definite and of no special form: B Bᵀ + I.
    fn example(d: usize) -> Vec<f64> {
        let b: Vec<f64> = (0..d * d).map(|i| ((i * 7 + 3) % 11) as f64 / 5.0 - 1.0).collect();
        let mut a = product(&b, &transposed(&b, d), d);
        for i in 0..d {
            a[i * d + i] += 1.0;
        }
        a
    }

    fn assert_close(a: &[f64], b: &[f64], tolerance: f64) {
        for (x, y) in a.iter().zip(b) {
            assert!((x - y).abs() <= tolerance, "{x} {y}");
        }
    }

    #[test]
    fn the_cholesky_factor_squares_to_the_matrix_and_its_inverse_undoes_it() {
        let d = 7;
        let a = example(d);
        let l = cholesky(&a, d).expect("positive definite");
        assert_close(&product(&l, &transposed(&l, d), d), &a, 1e-12);
        assert_close(&product(&invert_lower(&l, d), &l, d), &identity(d), 1e-12);
        assert_close(&gram_of_lower(&l, d), &product(&transposed(&l, d), &l, d), 1e-12);
        assert!(cholesky(&[1.0, 2.0, 2.0, 1.0], 2).is_none());
    }

    #[test]
    fn eigenvectors_rebuild_the_matrix() {
        let d = 9;
        let a = example(d);
        let (values, vectors) = symmetric_eigen(&a, d);
        let scaled: Vec<f64> = (0..d * d).map(|i| vectors[i] * values[i % d]).collect();
        assert_close(&product(&scaled, &transposed(&vectors, d), d), &a, 1e-11);
        assert_close(&product(&transposed(&vectors, d), &vectors, d), &identity(d), 1e-13);
    }
}
