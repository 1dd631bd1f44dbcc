//! A made-up registry of three techniques of rescue, whose truth is known: what decides the technique, how the thrombectomy went
//! and how severe the stroke is, decides the outcome too. As they were treated patients of one technique can't be compared
//! with those of another; weighted by a multinomial propensity they can.
//!
//! `cargo run --release --example technique_registry [FOLDER]` writes `techniques.csv` and `techniques.toml` there (to a
//! temporary folder without one), fits the model and prints what it finds beside the truth.

use std::error::Error;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

use equipoise::input::open;
use equipoise::posterior::{Arms, Estimand, Measure, Options, Report, Statement, Whom, analyse};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_distr::{Distribution, StandardNormal, StandardUniform};

/// The arms, control first.
pub const TECHNIQUES: [&str; 3] = ["no rescue", "balloon", "stent"];

/// What is true of one etiology: its name and share, how often the thrombectomy fails, and the log odds ratios of the active
/// arms for patients alike in how it went and how severe the stroke is.
pub const ETIOLOGIES: [(&str, f64, f64, [f64; 2]); 2] =
    [("atherosclerosis", 0.5, 0.5, [0.3, 0.8]), ("cardioembolism", 0.5, 0.2, [-0.2, -0.5])];

/// One patient.
pub struct Patient {
    pub etiology: usize,
    pub nihss: f64,
    pub failed: bool,
    pub technique: usize,
    pub good: bool,
    /// How probable each technique was.
    pub chances: [f64; 3],
    /// The chance of a good outcome with each.
    pub risks: [f64; 3],
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Patients of a registry: a failed thrombectomy brings a rescue and a bad outcome, a severe stroke rather a balloon.
pub fn patients(n: usize, seed: u64) -> Vec<Patient> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut one = || {
        let mut uniform = || -> f64 { StandardUniform.sample(&mut rng) };
        let etiology = usize::from(uniform() > ETIOLOGIES[0].1);
        let (_, _, failure, effects) = ETIOLOGIES[etiology];
        let (failed, chance, outcome) = (uniform() < failure, uniform(), uniform());
        let z: f64 = StandardNormal.sample(&mut rng);
        let nihss = (20.0 + 8.0 * z).clamp(4.0, 42.0).round();
        let rescue = if failed { 1.6 } else { 0.0 };
        let odds = [1.0, (-1.2 + rescue + 0.06 * (nihss - 20.0)).exp(), (-1.0 + rescue).exp()];
        let all: f64 = odds.iter().sum();
        let chances = odds.map(|o| o / all);
        let technique = match chance {
            u if u < chances[0] => 0,
            u if u < chances[0] + chances[1] => 1,
            _ => 2,
        };
        let severity = 0.08 * (nihss - 20.0) + if failed { 1.6 } else { 0.0 };
        let risks = [0.0, effects[0], effects[1]].map(|effect| logistic(0.5 - severity + effect));
        let good = outcome < risks[technique];
        Patient { etiology, nihss, failed, technique, good, chances, risks }
    };
    (0..n).map(|_| one()).collect()
}

/// The true risks of each technique in an etiology's overlap population.
pub fn true_risks(patients: &[Patient], etiology: usize) -> [f64; 3] {
    let own = patients.iter().filter(|p| p.etiology == etiology);
    let (mut all, mut sums) = (0.0, [0.0; 3]);
    for p in own {
        let tilt = 1.0 / p.chances.iter().map(|e| 1.0 / e).sum::<f64>();
        all += tilt;
        sums.iter_mut().zip(p.risks).for_each(|(sum, risk)| *sum += tilt * risk);
    }
    sums.map(|sum| sum / all)
}

/// The registry as a file.
pub fn csv(patients: &[Patient]) -> String {
    let mut out = "mrs03,technique,etiology,nihss,thrombectomy\n".to_string();
    for p in patients {
        let thrombectomy = if p.failed { "failed" } else { "successful" };
        let (good, technique) = (u8::from(p.good), TECHNIQUES[p.technique]);
        // Writing to memory does not fail.
        let _ = writeln!(out, "{good},{technique},{},{},{thrombectomy}", ETIOLOGIES[p.etiology].0, p.nihss);
    }
    out
}

/// The model file for it.
pub const MODEL: &str = r#"title = "Three techniques of rescue in a made-up registry"
illustrative = true

[study]
assignment = "observational"

[outcome]
name      = "mRS 0–3 at 90 days"
kind      = "binary"
higher_is = "better"
event     = "patients with mRS 0–3"

[treatment]
name    = "technique"
control = "no rescue"
arms    = ["balloon", "stent"]

[subgroup]
name   = "etiology"
plural = "etiologies"

[data]
file    = "techniques.csv"
rows    = "patients"
missing = "error"
columns = { outcome = "mrs03", treatment = "technique", subgroup = "etiology" }

[adjustment]
method     = "overlap"
propensity = ["nihss", { column = "thrombectomy", reference = "successful" }]

[model]
arms = "exchangeable"

[prior]
effect        = "normal(0, 0.5)"
heterogeneity = "half-normal(0.5)"
"#;

/// Writes the registry and its model; the model's path.
pub fn written(folder: &Path, patients: &[Patient]) -> std::io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join("techniques.csv"), csv(patients))?;
    let path = folder.join("techniques.toml");
    fs::write(&path, MODEL)?;
    Ok(path)
}

/// Risk difference of an arm against control (median and interval) and P(better) in one etiology.
pub fn found(report: &Report, etiology: usize, arm: usize) -> Option<([f64; 3], f64)> {
    let name = ETIOLOGIES[etiology].0;
    let whom = Whom::Subgroup(report.names.place(name)?);
    let difference = Estimand::new(whom, Measure::RiskDifference).of_arms(Arms::Pair(arm, 0));
    let q = report.estimate(difference)?.best()?;
    let chance = report.probability(difference, Statement::Benefit, 0.0)?;
    Some(([q.median, q.q2_5, q.q97_5], chance.best()?))
}

/// Truth, crude difference and weighted answer side by side.
pub fn table(folder: &Path, patients: &[Patient]) -> Result<String, Box<dyn Error>> {
    let study = open(&written(folder, patients)?)?;
    let report = analyse(&study, Options::default());
    let points = |x: f64| format!("{:+.1}", 100.0 * x).replace('-', "−");
    let mut out =
        "Risk difference against no rescue for mRS 0–3, points (95 %), and P(better)\n\n".to_string();
    writeln!(out, "{:<26} {:>6} {:>6}   weighted", "overlap population", "truth", "crude")?;
    for (etiology, (name, ..)) in ETIOLOGIES.iter().enumerate() {
        let truth = true_risks(patients, etiology);
        let crude = |arm: usize| {
            let own = || patients.iter().filter(|p| p.etiology == etiology && p.technique == arm);
            own().filter(|p| p.good).count() as f64 / own().count() as f64
        };
        for arm in 1..TECHNIQUES.len() {
            let shown = found(&report, etiology, arm).map_or_else(
                || "no number".to_string(),
                |([median, low, high], p)| {
                    format!("{} ({} to {}), {p:.3}", points(median), points(low), points(high))
                },
            );
            let whom = format!("{name}, {}", TECHNIQUES[arm]);
            let (truth, crude) = (points(truth[arm] - truth[0]), points(crude(arm) - crude(0)));
            writeln!(out, "{whom:<26} {truth:>6} {crude:>6}   {shown}")?;
        }
    }
    Ok(out)
}

/// The registry that is shown.
pub fn usual() -> Vec<Patient> {
    patients(1_500, 1)
}

fn main() -> Result<(), Box<dyn Error>> {
    let temporary = tempfile::tempdir()?;
    let asked = env::args().nth(1).map(PathBuf::from);
    print!("{}", table(asked.as_deref().unwrap_or(temporary.path()), &usual())?);
    Ok(())
}
