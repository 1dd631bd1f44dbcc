//! The seam between models and samplers.

/// An unnormalised log density on R^d with its gradient.
///
/// Evaluation writes nothing but the gradient and the scratch space, so that chains may share one density.
pub trait LogDensity: Sync {
    /// Buffers that evaluation needs; each chain owns one.
    type Scratch: Send;

    /// The dimension d.
    fn dim(&self) -> usize;

    fn scratch(&self) -> Self::Scratch;

    /// Returns log p(q) and overwrites `gradient`, both of length d. A result that is not finite means outside the support
    /// or beyond the numbers' range; the gradient is then of no account.
    fn evaluate(&self, q: &[f64], gradient: &mut [f64], scratch: &mut Self::Scratch) -> f64;
}
