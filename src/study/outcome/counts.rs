//! Events and patients by arm.

/// Events and patients of one arm.
#[derive(Default, Debug, Clone, PartialEq, Eq)]
pub struct ArmCounts {
    /// Patients with the event.
    pub events: u64,
    /// Patients whose outcome is known.
    pub total: u64,
    /// Further patients whose outcome is not.
    pub missing: u64,
    /// How the figures were obtained, such as "printed" or "derived from a percentage".
    pub source: Option<String>,
}

impl ArmCounts {
    /// Patients without the event.
    pub fn others(&self) -> u64 {
        self.total - self.events
    }

    /// Whether there are both events and others, so that the arm's own log odds are finite.
    pub fn is_bounded(&self) -> bool {
        self.events > 0 && self.events < self.total
    }

    /// The share of events; 0 without patients.
    pub fn risk(&self) -> f64 {
        if self.total > 0 { self.events as f64 / self.total as f64 } else { 0.0 }
    }

    /// Of the arm's own log odds, by its information; infinite with an empty cell.
    pub fn variance_of_log_odds(&self) -> f64 {
        1.0 / self.events as f64 + 1.0 / self.others() as f64
    }
}

/// All arms of one subgroup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubgroupCounts {
    /// The subgroup's name.
    pub name: String,
    /// As in [`Treatment::arms`](crate::study::Treatment::arms): the control arm first.
    pub arms: Vec<ArmCounts>,
    /// Where its figures are published.
    pub citation: Option<String>,
}

impl SubgroupCounts {
    /// Two arms.
    pub fn of_pair(name: impl Into<String>, control: ArmCounts, active: ArmCounts) -> SubgroupCounts {
        SubgroupCounts { name: name.into(), arms: vec![control, active], citation: None }
    }

    /// The arm that the others are compared with.
    pub fn control(&self) -> &ArmCounts {
        &self.arms[0]
    }

    /// The arm that is compared with it.
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
