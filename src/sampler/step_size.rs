//! The step size: a rough search, then dual averaging (Hoffman & Gelman 2014, section 3.2).

/// How strongly the step is drawn to its starting point. Three times the paper's 0.05: over the few dozen transitions of a
/// stage the paper's value leaves the step so noisy that its average accepts 0.9 where 0.8 is wanted.
const GAMMA: f64 = 0.15;
/// Damps the first iterations.
const T0: f64 = 10.0;
/// How fast early iterations are forgotten.
const KAPPA: f64 = 0.75;

/// Acceptance statistics in, step sizes out.
#[derive(Debug, Clone)]
pub struct DualAveraging {
    target: f64,
    /// μ of the paper: where log ε is drawn to, ten times the first step.
    centre: f64,
    iteration: f64,
    error: f64,
    log_averaged: f64,
}

impl DualAveraging {
    /// From a step size that is right within a factor of a few, toward an acceptance of `target`.
    pub fn new(step: f64, target: f64) -> DualAveraging {
        let centre = libm::log(10.0 * step);
        DualAveraging { target, centre, iteration: 0.0, error: 0.0, log_averaged: libm::log(step) }
    }

    /// Takes one trajectory's mean acceptance and returns the next step to try.
    pub fn update(&mut self, acceptance: f64) -> f64 {
        self.iteration += 1.0;
        let m = self.iteration;
        let weight = 1.0 / (m + T0);
        self.error = (1.0 - weight) * self.error + weight * (self.target - acceptance);
        let log_step = self.centre - m.sqrt() / GAMMA * self.error;
        let share = libm::pow(m, -KAPPA);
        self.log_averaged = share * log_step + (1.0 - share) * self.log_averaged;
        libm::exp(log_step)
    }

    /// The average to sample with.
    pub fn averaged(&self) -> f64 {
        libm::exp(self.log_averaged)
    }
}

/// Doubles or halves `step` until the acceptance of single leapfrogs crosses `target`. `acceptance` tries one, with fresh
/// momentum.
pub fn search(mut step: f64, target: f64, mut acceptance: impl FnMut(f64) -> f64) -> f64 {
    /// Doublings or halvings at most: beyond them the density is flat or not to be integrated.
    const TRIES: u32 = 60;
    let growing = acceptance(step) > target;
    for _ in 0..TRIES {
        let next = if growing { 2.0 * step } else { 0.5 * step };
        let crossed = (acceptance(next) > target) != growing;
        if crossed {
            // The smaller of the two is on the safe side.
            return if growing { step } else { next };
        }
        step = next;
    }
    step
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_step_settles_where_the_acceptance_is_the_target() {
        // An acceptance that falls as e^(−ε): the target is met at −ln 0.8.
        let mut averaging = DualAveraging::new(1.0, 0.8);
        let mut step: f64 = 1.0;
        for _ in 0..20_000 {
            step = averaging.update((-step).exp());
        }
        assert!((averaging.averaged() + 0.8_f64.ln()).abs() < 0.005, "{}", averaging.averaged());
    }

    #[test]
    fn the_search_stops_on_the_safe_side_of_the_target() {
        let found = search(1e-3, 0.8, |step| (-step).exp());
        assert!((0.1..-(0.8_f64.ln())).contains(&found), "{found}");
        let found = search(64.0, 0.8, |step| (-step).exp());
        assert!((0.1..-(0.8_f64.ln())).contains(&found), "{found}");
        assert!(search(1.0, 0.8, |_| 1.0).is_finite());
    }
}
