//! Warm-up as a list of stages.

/// What a chain does for a number of transitions. The step size adapts in all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Finds its way from the start, and a step size.
    Settle(usize),
    /// Collects draws and gradients, and learns the metric from them at the end.
    Learn(usize),
    /// Settles the step size for the metric that stands.
    Step(usize),
}

impl Stage {
    /// The number of its transitions.
    pub fn length(self) -> usize {
        match self {
            Stage::Settle(n) | Stage::Learn(n) | Stage::Step(n) => n,
        }
    }
}

/// Fewer transitions than this teach a metric nothing: then only the step size is adapted.
const LEAST_TO_LEARN: usize = 60;

/// The stages of `transitions` in all: a tenth to settle, a quarter for the last step size, and between them two windows,
/// the second twice as long, in which the metric is learnt. One window takes all of a short warm-up.
pub fn schedule(transitions: usize) -> Vec<Stage> {
    if transitions == 0 {
        return Vec::new();
    }
    if transitions < LEAST_TO_LEARN {
        return vec![Stage::Step(transitions)];
    }
    let settle = transitions / 10;
    let step = transitions / 4;
    let learn = transitions - settle - step;
    let first = learn / 3;
    vec![Stage::Settle(settle), Stage::Learn(first), Stage::Learn(learn - first), Stage::Step(step)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stages_use_every_transition_and_end_with_the_step_size() {
        for n in 0..3000 {
            let stages = schedule(n);
            assert_eq!(stages.iter().map(|s| s.length()).sum::<usize>(), n);
            assert!(stages.iter().all(|s| s.length() > 0), "{n}: {stages:?}");
            assert!(stages.is_empty() || matches!(stages.last(), Some(Stage::Step(_))));
        }
        assert_eq!(schedule(200), [Stage::Settle(20), Stage::Learn(43), Stage::Learn(87), Stage::Step(50)]);
    }
}
