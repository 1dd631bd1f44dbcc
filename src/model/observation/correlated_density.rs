//! Correlated estimates in the sampler's coordinates, θ integrated out: `y − b ~ N(μ, V)`, `V = Σ + T`, T the diagonal matrix
//! of the levels' variances τ_g².

use super::CorrelatedEstimates;
use super::between::Between;
use crate::model::effects::Effects;
use crate::model::scratch::Scratch;
use crate::numeric::ln_of_normal;

/// Correlated estimates around their levels.
#[derive(Debug, Clone)]
pub struct CorrelatedDensity {
    estimates: Vec<f64>,
    covariance: Vec<f64>,
    precision: Vec<f64>,
    pub between: Option<Between>,
}

/// Working memory, by row where it is a matrix.
#[derive(Debug, Clone, Default)]
pub struct CorrelatedScratch {
    matrix: Vec<f64>,
    inverse: Vec<f64>,
    apart: Vec<f64>,
    pulled: Vec<f64>,
}

impl CorrelatedScratch {
    pub fn of(size: usize) -> CorrelatedScratch {
        CorrelatedScratch {
            matrix: vec![0.0; size * size],
            inverse: vec![0.0; size * size],
            apart: vec![0.0; size],
            pulled: vec![0.0; size],
        }
    }
}

impl CorrelatedDensity {
    pub fn new(estimates: &CorrelatedEstimates, dim: &mut usize) -> CorrelatedDensity {
        CorrelatedDensity {
            estimates: estimates.estimates(),
            covariance: estimates.covariance().to_vec(),
            precision: estimates.precision().to_vec(),
            between: Between::of_estimates(estimates.rows(), dim),
        }
    }

    /// The biases, whose prior densities are added, and the estimates less bias and mean.
    fn set_apart(&self, effects: &Effects, q: &[f64], scratch: &mut Scratch, log_density: &mut f64) {
        for (g, &estimate) in self.estimates.iter().enumerate() {
            let bias = match &self.between {
                Some(between) => between.of_estimate(g, q, &mut scratch.tapes[g], log_density),
                None => 0.0,
            };
            if let Some(kept) = scratch.bias.get_mut(g) {
                *kept = bias;
            }
            scratch.correlated.apart[g] = estimate - bias - scratch.effects[effects.level_of(g)].location;
        }
    }

    /// `V` factored in place, and `V⁻¹ (y − b − μ)`; the logarithm of its determinant, none where it has none.
    fn solve(&self, effects: &Effects, scratch: &mut Scratch) -> Option<f64> {
        let size = self.estimates.len();
        let work = &mut scratch.correlated;
        work.matrix.copy_from_slice(&self.covariance);
        for g in 0..size {
            let tau = scratch.effects[effects.level_of(g)].scale.value;
            work.matrix[g * size + g] += tau * tau;
        }
        let log_determinant = factor_in_place(&mut work.matrix, size)?;
        work.pulled.copy_from_slice(&work.apart);
        forward(&work.matrix, &mut work.pulled, size);
        backward(&work.matrix, &mut work.pulled, size);
        Some(log_determinant)
    }

    /// θ given its level: mean `μ + T V⁻¹ (y − b − μ)`, precision `Σ⁻¹ + T⁻¹`. With `S = √T` its covariance is
    /// `S (1 + S Σ⁻¹ S)⁻¹ S`, whose factor is that of a matrix well away from singular.
    pub fn place(&self, effects: &Effects, q: &[f64], standard: &[f64], scratch: &mut Scratch) {
        let size = self.estimates.len();
        let mut unused = 0.0;
        self.set_apart(effects, q, scratch, &mut unused);
        if self.solve(effects, scratch).is_none() {
            scratch.theta.fill(f64::NAN);
            return;
        }
        let tau = |g: usize| scratch.effects[effects.level_of(g)].scale.value;
        let work = &mut scratch.correlated;
        for a in 0..size {
            for b in 0..size {
                let unit = if a == b { 1.0 } else { 0.0 };
                work.matrix[a * size + b] = unit + tau(a) * self.precision[a * size + b] * tau(b);
            }
        }
        work.apart.copy_from_slice(standard);
        let placed = factor_in_place(&mut work.matrix, size).is_some();
        backward(&work.matrix, &mut work.apart, size);
        for g in 0..size {
            let at = scratch.effects[effects.level_of(g)];
            let tau = at.scale.value;
            let theta = at.location + tau * tau * work.pulled[g] + tau * work.apart[g];
            scratch.theta[g] = if placed { theta } else { f64::NAN };
        }
    }

    /// `−½ rᵀ V⁻¹ r − ½ log |V|`, with the gradient by μ, τ and what is not known of a bias.
    pub fn log_density(
        &self,
        effects: &Effects,
        q: &[f64],
        gradient: &mut [f64],
        scratch: &mut Scratch,
    ) -> f64 {
        let size = self.estimates.len();
        let mut log_density = 0.0;
        self.set_apart(effects, q, scratch, &mut log_density);
        let Some(log_determinant) = self.solve(effects, scratch) else { return f64::NEG_INFINITY };
        let work = &mut scratch.correlated;
        invert_in_place(&work.matrix, &mut work.inverse, size);
        for g in 0..size {
            let level = effects.level_of(g);
            let tau = scratch.effects[level].scale.value;
            let pulled = work.pulled[g];
            // The diagonal of V⁻¹ = L⁻ᵀ L⁻¹.
            let diagonal: f64 = (g..size).map(|k| work.inverse[k * size + g].powi(2)).sum();
            let adjoint = &mut scratch.adjoints[level];
            adjoint.location += pulled;
            adjoint.scale += tau * (pulled * pulled - diagonal);
            log_density -= 0.5 * work.apart[g] * pulled;
            if let Some(between) = &self.between {
                between.back_from_estimate(g, pulled, &scratch.tapes[g], gradient);
            }
        }
        log_density - 0.5 * log_determinant
    }
}

/// The lower Cholesky factor in place of a matrix's lower half, and the logarithm of the determinant.
fn factor_in_place(matrix: &mut [f64], size: usize) -> Option<f64> {
    let mut log_determinant = 0.0;
    for i in 0..size {
        for j in 0..=i {
            let done: f64 = (0..j).map(|k| matrix[i * size + k] * matrix[j * size + k]).sum();
            let rest = matrix[i * size + j] - done;
            if i == j {
                if !(rest > f64::MIN_POSITIVE && rest.is_finite()) {
                    return None;
                }
                log_determinant += ln_of_normal(rest);
                matrix[i * size + i] = rest.sqrt();
            } else {
                matrix[i * size + j] = rest / matrix[j * size + j];
            }
        }
    }
    Some(log_determinant)
}

/// `L⁻¹ x` in place of x.
fn forward(factor: &[f64], x: &mut [f64], size: usize) {
    for i in 0..size {
        let done: f64 = (0..i).map(|j| factor[i * size + j] * x[j]).sum();
        x[i] = (x[i] - done) / factor[i * size + i];
    }
}

/// `L⁻ᵀ x` in place of x.
fn backward(factor: &[f64], x: &mut [f64], size: usize) {
    for i in (0..size).rev() {
        let done: f64 = (i + 1..size).map(|j| factor[j * size + i] * x[j]).sum();
        x[i] = (x[i] - done) / factor[i * size + i];
    }
}

/// `L⁻¹`, lower triangular.
fn invert_in_place(factor: &[f64], inverse: &mut [f64], size: usize) {
    for column in 0..size {
        inverse[column * size + column] = 1.0 / factor[column * size + column];
        for row in column + 1..size {
            let sum: f64 = (column..row).map(|k| factor[row * size + k] * inverse[k * size + column]).sum();
            inverse[row * size + column] = -sum / factor[row * size + row];
        }
    }
}
