//! The normal approximation at the mode, where chains begin.

use crate::density::LogDensity;
use crate::numeric::linear::{cholesky, identity, solve_cholesky};

use super::metric::{DENSE_UP_TO, Metric, covariance_of_precision};

/// Newton steps at most.
const STEPS: usize = 40;

/// In many dimensions each step costs 2d gradients, and the middle of the coordinates is already near the mode.
const STEPS_IN_MANY_DIMENSIONS: usize = 4;

/// Half the distance of the central differences that give the curvature; coordinates have a scale of about 1.
const NUDGE: f64 = 1e-4;

/// The mode is reached when a Newton step would gain no more log density than this.
const GAIN: f64 = 1e-6;

/// Climbs from `start` to the mode and returns the metric of the curvature there; none where the density is not finite at
/// the start.
pub fn laplace<D: LogDensity>(density: &D, start: Vec<f64>) -> Option<Metric> {
    let mut climb = Climb::new(density, start)?;
    let steps = if climb.d > DENSE_UP_TO { STEPS_IN_MANY_DIMENSIONS } else { STEPS };
    for _ in 0..steps {
        if climb.step() <= GAIN {
            break;
        }
    }
    Some(climb.metric())
}

struct Climb<'a, D: LogDensity> {
    density: &'a D,
    scratch: D::Scratch,
    d: usize,
    q: Vec<f64>,
    value: f64,
    gradient: Vec<f64>,
}

impl<'a, D: LogDensity> Climb<'a, D> {
    fn new(density: &'a D, q: Vec<f64>) -> Option<Climb<'a, D>> {
        let d = density.dim();
        let (mut scratch, mut gradient) = (density.scratch(), vec![0.0; d]);
        let value = density.evaluate(&q, &mut gradient, &mut scratch);
        value.is_finite().then_some(Climb { density, scratch, d, q, value, gradient })
    }

    /// One damped Newton step; returns the gain that was expected of it.
    fn step(&mut self) -> f64 {
        let direction = self.newton();
        let expected: f64 = 0.5 * direction.iter().zip(&self.gradient).map(|(s, g)| s * g).sum::<f64>();
        let mut share = 1.0;
        let mut gradient = vec![0.0; self.d];
        for _ in 0..30 {
            let q: Vec<f64> = self.q.iter().zip(&direction).map(|(q, s)| q + share * s).collect();
            let value = self.density.evaluate(&q, &mut gradient, &mut self.scratch);
            if value.is_finite() && value > self.value {
                self.q = q;
                self.value = value;
                self.gradient.copy_from_slice(&gradient);
                return expected;
            }
            share *= 0.5;
        }
        0.0
    }

    /// The solution of −H s = gradient, with as much of a ridge as makes −H positive definite.
    fn newton(&mut self) -> Vec<f64> {
        let d = self.d;
        if d > DENSE_UP_TO {
            let curvatures = self.curvatures();
            return self.gradient.iter().zip(curvatures).map(|(g, c)| g / c.max(1e-3)).collect();
        }
        let precision = self.precision();
        let mut ridge = 0.0;
        loop {
            let mut ridged = precision.clone();
            (0..d).for_each(|i| ridged[i * d + i] += ridge);
            if let Some(factor) = cholesky(&ridged, d) {
                return solve_cholesky(&factor, &self.gradient, d);
            }
            ridge = if ridge == 0.0 { 0.1 } else { 4.0 * ridge };
            if ridge > 1e12 {
                return self.gradient.clone();
            }
        }
    }

    /// −H by central differences of the gradient, made symmetric.
    fn precision(&mut self) -> Vec<f64> {
        let d = self.d;
        let mut precision = vec![0.0; d * d];
        let (mut above, mut below) = (vec![0.0; d], vec![0.0; d]);
        for i in 0..d {
            self.nudged(i, &mut above, &mut below);
            for j in 0..d {
                let slope = 0.5 * (below[j] - above[j]) / (2.0 * NUDGE);
                precision[i * d + j] += slope;
                precision[j * d + i] += slope;
            }
        }
        precision
    }

    /// The diagonal of −H alone.
    fn curvatures(&mut self) -> Vec<f64> {
        let (mut above, mut below) = (vec![0.0; self.d], vec![0.0; self.d]);
        (0..self.d)
            .map(|i| {
                self.nudged(i, &mut above, &mut below);
                (below[i] - above[i]) / (2.0 * NUDGE)
            })
            .collect()
    }

    /// The gradients on both sides of the point along coordinate `i`.
    fn nudged(&mut self, i: usize, above: &mut [f64], below: &mut [f64]) {
        let at = self.q[i];
        self.q[i] = at + NUDGE;
        self.density.evaluate(&self.q, above, &mut self.scratch);
        self.q[i] = at - NUDGE;
        self.density.evaluate(&self.q, below, &mut self.scratch);
        self.q[i] = at;
    }

    /// Around the mode, with the covariance of the normal approximation; unit scales where the curvature has no information.
    fn metric(mut self) -> Metric {
        if self.d > DENSE_UP_TO {
            let sds =
                self.curvatures().into_iter().map(|c| if c > 1e-3 { 1.0 / c.sqrt() } else { 1.0 }).collect();
            return Metric::diagonal(self.q, sds);
        }
        let precision = self.precision();
        let covariance = covariance_of_precision(&precision, self.d);
        let centre = self.q.clone();
        covariance
            .and_then(|c| Metric::new(centre, &c))
            .or_else(|| Metric::new(self.q.clone(), &identity(self.d)))
            .unwrap_or_else(|| Metric::diagonal(self.q, vec![1.0; self.d]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A normal with correlated coordinates.
    struct Normal;

    impl LogDensity for Normal {
        type Scratch = ();

        fn dim(&self) -> usize {
            2
        }

        fn scratch(&self) {}

        fn evaluate(&self, q: &[f64], gradient: &mut [f64], (): &mut ()) -> f64 {
            // Precision [[2, 1], [1, 3]], mean (1, −2).
            let (x, y) = (q[0] - 1.0, q[1] + 2.0);
            gradient[0] = -(2.0 * x + y);
            gradient[1] = -(x + 3.0 * y);
            -0.5 * (2.0 * x * x + 2.0 * x * y + 3.0 * y * y)
        }
    }

    #[test]
    fn a_normal_is_its_own_approximation() {
        let metric = laplace(&Normal, vec![5.0, 5.0]).expect("finite");
        assert!((metric.centre()[0] - 1.0).abs() < 1e-6 && (metric.centre()[1] + 2.0).abs() < 1e-6);
        // The covariance is [[3, −1], [−1, 2]]/5; its factor's first column is (√.6, −.2/√.6).
        let mut q = [0.0; 2];
        metric.position(&[1.0, 0.0], &mut q);
        assert!((q[0] - 1.0 - 0.6_f64.sqrt()).abs() < 1e-6);
        assert!((q[1] + 2.0 + 0.2 / 0.6_f64.sqrt()).abs() < 1e-6);
    }
}
