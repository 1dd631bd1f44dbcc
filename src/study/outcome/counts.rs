//! Events and patients by arm.

/// Events and patients of one arm of a subgroup.
#[derive(Default, Debug, Clone, PartialEq, Eq)]
pub struct ArmCounts {
    /// Patients with the event.
    pub events: u64,
    /// Patients whose outcome is known.
    pub total: u64,
    /// Further patients, whose outcome is not known.
    pub missing: u64,
    /// How the figures were obtained, such as "printed" or "derived from a percentage"; none where this is not
    /// stated.
    pub source: Option<String>,
}

impl ArmCounts {
    /// Patients known to be without the event.
    pub fn others(&self) -> u64 {
        self.total - self.events
    }

    /// Whether there are both patients with and patients without the event, so that the log odds of the arm are
    /// finite.
    pub fn is_bounded(&self) -> bool {
        self.events > 0 && self.events < self.total
    }

    /// The proportion of patients with the event; 0 without patients.
    pub fn risk(&self) -> f64 {
        if self.total > 0 { self.events as f64 / self.total as f64 } else { 0.0 }
    }

    /// The variance of the arm's empirical log odds, 1/events + 1/others; infinite where either is 0.
    pub fn variance_of_log_odds(&self) -> f64 {
        1.0 / self.events as f64 + 1.0 / self.others() as f64
    }
}

/// The counts of all arms of one subgroup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubgroupCounts {
    /// The subgroup's name.
    pub name: String,
    /// Counts by arm, in the order of [`Treatment::arms`](crate::study::Treatment::arms): the control arm first.
    pub arms: Vec<ArmCounts>,
    /// Where the figures are published; none where this is not stated.
    pub citation: Option<String>,
}

impl SubgroupCounts {
    /// A subgroup with two arms.
    pub fn of_pair(name: impl Into<String>, control: ArmCounts, active: ArmCounts) -> SubgroupCounts {
        SubgroupCounts { name: name.into(), arms: vec![control, active], citation: None }
    }

    /// The control arm.
    pub fn control(&self) -> &ArmCounts {
        &self.arms[0]
    }

    /// The active arm.
    pub fn active(&self) -> &ArmCounts {
        &self.arms[1]
    }

    /// Patients with a known outcome, of all arms.
    pub fn patients(&self) -> u64 {
        self.arms.iter().map(|arm| arm.total).sum()
    }

    /// Patients with the event, of all arms.
    pub fn events(&self) -> u64 {
        self.arms.iter().map(|arm| arm.events).sum()
    }

    /// Patients whose outcome is not known, of all arms.
    pub fn missing(&self) -> u64 {
        self.arms.iter().map(|arm| arm.missing).sum()
    }

    /// The subgroup's own log odds ratio and its variance (Woolf's); none with an empty cell, since nothing is added to any.
    pub fn log_odds_ratio(&self) -> Option<(f64, f64)> {
        let (control, active) = (self.control(), self.active());
        let cells = [active.events, active.others(), control.events, control.others()].map(|n| n as f64);
        let [a, b, c, d] = cells;
        let variance: f64 = cells.iter().map(|n| 1.0 / n).sum();
        variance.is_finite().then(|| (libm::log(a * d / (b * c)), variance))
    }
}
