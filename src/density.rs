//! The interface between models and samplers.

/// An unnormalised log density on R^d with its gradient.
///
/// Evaluation writes nothing but the gradient and the scratch space, so that chains may share one density.
pub trait LogDensity: Sync {
    /// Buffers that an evaluation needs; each chain owns one set.
    type Scratch: Send;

    /// The dimension d.
    fn dim(&self) -> usize;

    /// A new set of buffers for [`LogDensity::evaluate`].
    fn scratch(&self) -> Self::Scratch;

    /// Returns log p(q), up to a constant, and overwrites `gradient`; both slices have length d. A result that is not
    /// finite means that `q` is outside the support or beyond the range of numbers, and the gradient is then
    /// meaningless.
    fn evaluate(&self, q: &[f64], gradient: &mut [f64], scratch: &mut Self::Scratch) -> f64;
}
