//! A made-up registry of strokes on the modified Rankin scale, whose truth is known: a coin decides who is treated, and the
//! treatment moves disability one way and death the other. A model of proportional odds has one odds ratio for both; one that lets
//! the cut at death depart finds each.
//!
//! `cargo run --release --example ordinal_registry`

use std::error::Error;
use std::fmt::Write;

use equipoise::posterior::{Estimand, Measure, Options, Report, Statement, analyse};
use equipoise::study::distributions::{half_normal, normal};
use equipoise::study::{
    Assignment, Endpoint, HigherIs, Priors, Problem, Shape, Study, UTILITY_SETS, UtilitySet,
};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_distr::{Distribution, StandardUniform};

/// From no symptoms to death.
pub const LEVELS: [&str; 7] = ["0", "1", "2", "3", "4", "5", "6"];

/// The primary cut: mRS 4 to 6 against 0 to 3.
const PRIMARY: usize = 3;
/// The last cut: death against all else.
const DEATH: usize = 5;

/// What is true of one etiology.
pub struct Etiology {
    pub name: &'static str,
    share: f64,
    /// The probability of each level without treatment.
    control: [f64; 7],
    /// The log odds ratio of a higher level, at every cut but the last.
    effect: f64,
}

pub const ETIOLOGIES: [Etiology; 3] = [
    Etiology {
        name: "atherosclerosis",
        share: 0.4,
        control: [0.06, 0.10, 0.13, 0.17, 0.22, 0.17, 0.15],
        effect: -0.3,
    },
    Etiology {
        name: "cardioembolism",
        share: 0.4,
        control: [0.08, 0.12, 0.15, 0.17, 0.18, 0.15, 0.15],
        effect: -0.2,
    },
    Etiology { name: "other", share: 0.2, control: [0.12, 0.16, 0.17, 0.17, 0.14, 0.12, 0.12], effect: -0.4 },
];

/// What the log odds ratio of death is beside that of the other cuts: small enough that more patients lie above level 4 than
/// above level 5.
pub const DEPARTURE: f64 = 0.7;

impl Etiology {
    /// The probability of each level in both arms, control first.
    pub fn levels(&self) -> [[f64; 7]; 2] {
        let above = |cut: usize| if cut > DEATH { 0.0 } else { self.above(cut)[1] };
        let at = |level: usize| if level == 0 { 1.0 - above(0) } else { above(level - 1) - above(level) };
        [self.control, std::array::from_fn(at)]
    }

    /// The probability of lying above a cut in both arms.
    fn above(&self, cut: usize) -> [f64; 2] {
        let control: f64 = self.control[cut + 1..].iter().sum();
        let departure = if cut == DEATH { DEPARTURE } else { 0.0 };
        let odds = control / (1.0 - control) * (self.effect + departure).exp();
        [control, odds / (1.0 + odds)]
    }

    /// The true value of a measure at the primary cut, or at the last.
    pub fn truth(&self, measure: Measure, cut: usize) -> f64 {
        let ([control, active], [below, above]) = (self.levels(), self.above(cut));
        match measure {
            Measure::CutOddsRatio => above / (1.0 - above) * (1.0 - below) / below,
            Measure::CutRiskDifference => above - below,
            Measure::UtilityDifference => {
                let worth = |p: [f64; 7]| p.iter().zip(dawn().values).map(|(p, u)| p * u).sum::<f64>();
                worth(active) - worth(control)
            }
            // A lower level is better.
            _ => (0..7).map(|k| active[k] * (control[k + 1..].iter().sum::<f64>() + control[k] / 2.0)).sum(),
        }
    }
}

/// The utility-weighted scale of the DAWN trial.
fn dawn() -> &'static UtilitySet {
    &UTILITY_SETS[0]
}

/// Patients by etiology, arm and level.
pub fn patients(n: usize, seed: u64) -> Vec<[Vec<u64>; 2]> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut uniform = || -> f64 { StandardUniform.sample(&mut rng) };
    let mut counts = vec![[vec![0; 7], vec![0; 7]]; ETIOLOGIES.len()];
    // The last where rounding leaves something over.
    let one_of = |shares: &[f64], mut left: f64| {
        let found = shares.iter().position(|share| {
            left -= share;
            left < 0.0
        });
        found.unwrap_or(shares.len() - 1)
    };
    for _ in 0..n {
        let etiology = one_of(&ETIOLOGIES.map(|e| e.share), uniform());
        let arm = usize::from(uniform() < 0.5);
        let level = one_of(&ETIOLOGIES[etiology].levels()[arm], uniform());
        counts[etiology][arm][level] += 1;
    }
    counts
}

/// The registry as a study, with proportional odds or with a departure at death.
pub fn study(patients: &[[Vec<u64>; 2]], departs: bool) -> Result<Study, Problem> {
    let outcome = Endpoint::ordinal("mRS at 90 days", HigherIs::Worse, LEVELS)
        .above(LEVELS[PRIMARY])
        .utilities(dawn().utilities())
        .called("patients with mRS 4–6");
    let mut builder =
        Study::builder("A made-up registry on the modified Rankin scale", Assignment::Randomised)
            .illustrative()
            .outcome(outcome)
            .arms("medical care", "the treatment")
            .subgroup_name("etiology")
            .subgroup_plural("etiologies")
            .priors(Priors::partial(normal(0.0, 0.5), half_normal(0.3)));
    for (etiology, arms) in ETIOLOGIES.iter().zip(patients) {
        builder = builder.group_by_level(etiology.name, arms.clone());
    }
    if departs {
        builder = builder.departure(Shape::Death, normal(0.0, 0.5));
    }
    builder.build()
}

/// What is shown of every etiology, in words, with the cut that it is at.
pub const SHOWN: [(&str, Measure, usize); 6] = [
    ("odds ratio of mRS 4–6", Measure::CutOddsRatio, PRIMARY),
    ("odds ratio of death", Measure::CutOddsRatio, DEATH),
    ("risk difference, mRS 4–6", Measure::CutRiskDifference, PRIMARY),
    ("risk difference, death", Measure::CutRiskDifference, DEATH),
    ("utility difference", Measure::UtilityDifference, PRIMARY),
    ("win probability", Measure::WinProbability, PRIMARY),
];

/// A measure of a subgroup at a cut, as reports know it.
pub fn estimand(g: usize, measure: Measure, cut: usize) -> Estimand {
    let of = Estimand::of_subgroup(g, measure);
    match measure {
        Measure::CutOddsRatio | Measure::CutRiskDifference => of.at_cut(cut),
        _ => of,
    }
}

/// Median and interval, and P(better).
pub fn found(report: &Report, estimand: Estimand) -> Option<([f64; 3], Option<f64>)> {
    let q = report.estimate(estimand)?.best()?;
    let chance = report.probability(estimand, Statement::Benefit, 0.0).and_then(|row| row.best());
    Some(([q.median, q.q2_5, q.q97_5], chance))
}

/// Truth, and what both models find, side by side.
pub fn table(patients: &[[Vec<u64>; 2]]) -> Result<String, Box<dyn Error>> {
    let [proportional, departing] = [false, true]
        .map(|departs| study(patients, departs).map(|study| analyse(&study, Options::default())));
    let (proportional, departing) = (proportional?, departing?);
    let mut out = String::new();
    for (g, etiology) in ETIOLOGIES.iter().enumerate() {
        writeln!(
            out,
            "{:<26} {:>6}   {:<26}  a departure at death",
            etiology.name, "truth", "proportional odds"
        )?;
        for (words, measure, cut) in SHOWN {
            let shown = |report: &Report| match found(report, estimand(g, measure, cut)) {
                None => "no number".to_string(),
                Some(([median, low, high], _)) => {
                    format!("{median:.3} ({low:.3} to {high:.3})").replace('-', "−")
                }
            };
            let truth = format!("{:.3}", etiology.truth(measure, cut)).replace('-', "−");
            writeln!(out, "  {words:<24} {truth:>6}   {:<26}  {}", shown(&proportional), shown(&departing))?;
        }
    }
    Ok(out)
}

/// The registry that is shown.
pub fn usual() -> Vec<[Vec<u64>; 2]> {
    patients(6_000, 1)
}

fn main() -> Result<(), Box<dyn Error>> {
    print!("{}", table(&usual())?);
    Ok(())
}
