//! The checks that decide whether the numbers may be shown.

use super::analysis::Report;
use super::result::{ChainSummary, Checks, ExactChecks, Reported};
use super::sampling::{LEAST_ESS, MOST_RHAT};

/// E-BFMI below this says that the momenta explore the energies too slowly.
const LEAST_EBFMI: f64 = 0.3;

impl Checks {
    /// Checks in which nothing has failed so far.
    pub(crate) fn passed() -> Checks {
        Checks {
            ok: true,
            reasons: Vec::new(),
            max_rhat: None,
            min_ess_bulk: None,
            min_ess_tail: None,
            max_mcse: None,
            divergences: None,
            min_ebfmi: None,
            exact: ExactChecks {
                available: true,
                reason: None,
                comparisons: 0,
                max_abs_z: None,
                allowed_abs_z: None,
                log_marginal_likelihood: None,
                proven: 0,
                unsettled: 0,
            },
            importance: None,
            draws: None,
            chains: Vec::new(),
        }
    }

    /// Records a failed check with its reason.
    pub(crate) fn fail(&mut self, reason: String) {
        self.ok = false;
        self.reasons.push(reason);
    }

    /// Checks R-hat, effective sample sizes, divergences and energies of everything that is reported.
    pub(crate) fn gate_sampler(&mut self, report: &Report, chains: Vec<ChainSummary>) {
        let rows = || {
            let parameters = report.parameters.iter().map(|p| &p.reported);
            parameters.chain(report.estimates.iter().map(|e| &e.reported))
        };
        let least = |f: fn(&Reported) -> Option<f64>| rows().filter_map(f).reduce(f64::min);
        self.max_rhat = rows().filter_map(|r| r.rhat).reduce(f64::max);
        self.min_ess_bulk = least(|r| r.ess_bulk);
        self.min_ess_tail = least(|r| r.ess_tail);
        self.max_mcse = report.probabilities.iter().filter_map(|p| p.mcse).reduce(f64::max);
        self.divergences = Some(chains.iter().map(|c| c.divergences).sum());
        self.min_ebfmi = chains.iter().filter_map(|c| c.ebfmi).reduce(f64::min);
        self.chains = chains;
        if let Some(rhat) = self.max_rhat.filter(|r| r.is_nan() || *r >= MOST_RHAT) {
            self.fail(format!("R-hat is {rhat:.3}, at least {MOST_RHAT}: the chains have not mixed"));
        }
        // Where trajectories diverge more of them would not help.
        let more = if self.divergences == Some(0) { ": ask for more draws" } else { "" };
        for (name, ess) in [("bulk", self.min_ess_bulk), ("tail", self.min_ess_tail)] {
            match ess {
                Some(ess) if ess >= LEAST_ESS => {}
                Some(ess) => self
                    .fail(format!("the effective sample size ({name}) is {ess:.0}, below {LEAST_ESS}{more}")),
                None => self.fail(format!("the effective sample size ({name}) can't be told: too few draws")),
            }
        }
        if rows().filter_map(|r| r.median).any(|m| !m.is_finite()) {
            self.fail("a quantity is beyond the range of numbers in most draws".to_string());
        }
        if let Some(n) = self.divergences.filter(|n| *n > 0) {
            let verb = if n == 1 { "trajectory diverged" } else { "trajectories diverged" };
            self.fail(format!("{n} {verb}: parts of the posterior may be missing"));
        }
        if let Some(least) = self.min_ebfmi.filter(|e| e.is_nan() || *e < LEAST_EBFMI) {
            self.fail(format!("E-BFMI is {least:.2}, below {LEAST_EBFMI}: energies are explored too slowly"));
        }
    }

    /// Whether the only fault of what was sampled is that there are too few draws.
    pub(crate) fn only_too_few(&self) -> bool {
        let still = self.min_ebfmi.is_none_or(|e| e >= LEAST_EBFMI);
        still && self.divergences == Some(0) && self.exact.agrees()
    }

    /// The smallest effective sample size of all rows, bulk or tail; none where nothing was sampled.
    pub fn least_ess(&self) -> Option<f64> {
        [self.min_ess_bulk, self.min_ess_tail].into_iter().flatten().reduce(f64::min)
    }

    /// Checks the sampled numbers against the exact ones.
    pub(crate) fn gate_agreement(&mut self) {
        if let (false, Some(z), Some(allowed)) =
            (self.exact.agrees(), self.exact.max_abs_z, self.exact.allowed_abs_z)
        {
            self.fail(format!(
                "the two engines disagree: of {} comparisons the largest |z| is {z:.1}, {allowed:.1} allowed",
                self.exact.comparisons
            ));
        }
    }
}

impl Checks {
    /// Checks the sampled numbers against those by importance sampling.
    pub(crate) fn gate_importance(&mut self) {
        if let Some(i) = self.importance.filter(|i| !i.agrees())
            && let (Some(z), Some(allowed)) = (i.max_abs_z, i.allowed_abs_z)
        {
            self.fail(format!(
                "sampling and importance sampling disagree: of {} comparisons the largest |z| is {z:.1}, {allowed:.1} allowed",
                i.comparisons
            ));
        }
    }
}

impl ExactChecks {
    /// Whether sampled and exact numbers differ by no more than chance allows; true where nothing was compared.
    pub fn agrees(&self) -> bool {
        match (self.max_abs_z, self.allowed_abs_z) {
            (Some(z), Some(allowed)) => z <= allowed,
            _ => true,
        }
    }
}

impl Reported {
    /// Removes the numbers and leaves the diagnostics.
    pub(crate) fn withhold(&mut self) {
        *self = Reported {
            ess_bulk: self.ess_bulk,
            ess_tail: self.ess_tail,
            rhat: self.rhat,
            ..Reported::default()
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::open;
    use crate::posterior::{Engine, Options, Sampling, analyse};

    #[test]
    fn more_draws_are_asked_for_where_they_would_help_and_not_where_trajectories_diverge() {
        let sampling = Sampling { draws: Some(40), ..Sampling::default() };
        let options = Options { engine: Engine::Sampler, sampling, ..Options::default() };
        let report = analyse(&open("attention-ras-etiology").expect("shipped"), options);
        let asked = |divergences: u64| {
            let mut chains = report.checks.chains.clone();
            chains[0].divergences = divergences;
            let mut checks = Checks::passed();
            checks.gate_sampler(&report, chains);
            assert!(!checks.ok && checks.reasons.iter().any(|r| r.contains("effective sample size")));
            checks.reasons.iter().any(|r| r.contains("ask for more draws"))
        };
        assert!(asked(0) && !asked(1));
    }
}
