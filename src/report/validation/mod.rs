//! What simulated studies say of a fit, as text, JSON and CSV, and the parts that its page shares with these.

mod files;
mod text;

pub use files::{validate_csv, validate_json};
pub use text::{passages, validate_text, verdict};

use super::numbers::{grouped, plain};
use super::passage::Table;
use super::words::listed;
use crate::calibrate::{Checked, Fault, Fitter, Quantity, Validation};
use crate::posterior::{Names, Parameter};
use crate::study::{Pooling, Study};

/// A model whose fits were held against simulated studies.
pub struct Validated<'a> {
    /// The model's study.
    pub study: &'a Study,
    /// Its names.
    pub names: Names,
    /// What came out.
    pub validation: &'a Validation,
    /// How many studies were to be simulated.
    pub asked: u64,
}

impl<'a> Validated<'a> {
    /// With the study's names.
    pub fn new(study: &'a Study, validation: &'a Validation, asked: u64) -> Validated<'a> {
        Validated { study, names: Names::of(study), validation, asked }
    }

    /// The quantity's name in files.
    pub fn key(&self, quantity: Quantity) -> String {
        quantity.key(&self.names)
    }

    /// As JSON has what fitted.
    pub fn fitter_key(&self) -> &'static str {
        match self.validation.fitter {
            Fitter::Exact => "exact",
            Fitter::Sampler => "sampler",
        }
    }

    /// "by integration"
    fn by(&self) -> &'static str {
        match self.validation.fitter {
            Fitter::Exact => "by integration",
            Fitter::Sampler => "by the sampler",
        }
    }

    /// The figure's name: that of its files, and where a page refers to it.
    pub fn figure_name(&self) -> String {
        let plain = |c: char| if c.is_alphanumeric() || c == '_' { c } else { '-' };
        format!("ranks-{}-{}", self.study.name.chars().map(plain).collect::<String>(), self.fitter_key())
    }

    /// "1,000"
    pub fn replications(&self) -> String {
        grouped(self.validation.replications as u64)
    }

    /// Whether it was stopped before all studies were simulated.
    pub fn is_interrupted(&self) -> bool {
        (self.validation.replications as u64) < self.asked
    }

    /// Those whose ranks leave their band.
    fn departing(&self) -> impl Iterator<Item = &'a Checked> {
        self.validation.checked.iter().filter(|c| !c.faults.is_empty())
    }
}

/// A quantity in words, as tables and figures name it.
pub fn label(study: &Study, names: &Names, quantity: Quantity) -> String {
    // Where there are no subgroups there is nothing to tell apart.
    let of = |what: &str, g: usize| match study.undivided {
        true => what.to_string(),
        false => format!("{what}, {}", names.subgroup(g)),
    };
    match quantity {
        Quantity::Parameter(Parameter::Mu) if study.pooling == Pooling::Complete => "effect".to_string(),
        Quantity::Parameter(Parameter::Mu) => "mean effect".to_string(),
        Quantity::Parameter(Parameter::Tau) => "heterogeneity".to_string(),
        Quantity::Parameter(Parameter::Theta(g)) => of("effect", g),
        Quantity::Parameter(Parameter::Alpha(g)) => of("baseline", g),
        Quantity::Parameter(parameter) => parameter.name(names),
        Quantity::NewEffect => format!("effect, a further {}", study.subgroup_name),
        Quantity::TowardsData(g) => of("towards data", g),
        Quantity::RiskDifference(g) => of("risk difference", g),
        Quantity::OverallRiskDifference => "risk difference, all patients".to_string(),
        Quantity::LastLevel => "risk of the last level".to_string(),
        Quantity::LogLikelihood => "log likelihood".to_string(),
    }
}

/// A departure in words. What is counted towards the data went too far with them, or not far enough.
fn in_words(quantity: Quantity, fault: Fault) -> &'static str {
    match (quantity, fault) {
        (_, Fault::TooNarrow) => "too narrow",
        (_, Fault::TooWide) => "too wide",
        (Quantity::TowardsData(_), Fault::ShiftedUp) => "too far",
        (Quantity::TowardsData(_), Fault::ShiftedDown) => "not far enough",
        (_, Fault::ShiftedUp) => "shifted up",
        (_, Fault::ShiftedDown) => "shifted down",
        (_, Fault::Shape) => "of another shape",
    }
}

fn faults_in_words(checked: &Checked) -> String {
    let all: Vec<String> =
        checked.faults.iter().map(|f| in_words(checked.quantity, *f).to_string()).collect();
    listed(&all, "and")
}

/// The quantities with what their ranks say.
pub fn table(told: &Validated<'_>) -> Table {
    let header = ["Quantity", "p", "Mean rank", "In 50 % intervals", "In 90 % intervals", "Posterior is"];
    let row = |c: &Checked| {
        let share = |x: f64| if x.is_finite() { format!("{x:.3}") } else { "–".to_string() };
        vec![
            label(told.study, &told.names, c.quantity),
            p_value(c.p_value),
            share(c.mean_rank),
            share(c.within_half),
            share(c.within_ninety),
            if c.ranks == 0 {
                "not known".to_string()
            } else if c.faults.is_empty() {
                "right".to_string()
            } else {
                // One below the other.
                faults_in_words(c).replace(" and ", " and\n")
            },
        ]
    };
    let rows = told.validation.checked.iter().map(row).collect();
    Table { header: header.map(str::to_string).to_vec(), rows, heading_width: 9 }
}

/// Two digits; what is beyond telling is a bound.
fn p_value(p: f64) -> String {
    match p {
        p if p.is_nan() => "–".to_string(),
        p if p < 1e-4 => "< 0.0001".to_string(),
        p => plain(p),
    }
}
