//! A made-up registry of rescue stenting, whose truth is known: who is stented hangs on how the thrombectomy went, and so does
//! the outcome. Unadjusted, stenting looks harmful in every etiology; adjusted for what decided it, its effects are found
//! again.
//!
//! `cargo run --release --example registry [FOLDER]` writes `registry.csv`, `unadjusted.toml`, `adjusted.toml` and
//! `weighted.toml` there (to a temporary folder without one), fits the first two models and prints them beside the truth.

use std::error::Error;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

use equipoise::input::open;
use equipoise::posterior::{Estimand, Measure, Options, Report, Statement, analyse};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_distr::{Distribution, StandardNormal, StandardUniform};

/// What is true of one etiology.
pub struct Etiology {
    pub name: &'static str,
    share: f64,
    /// How often the thrombectomy fails.
    failure: f64,
    /// Log odds of a good outcome.
    baseline: f64,
    /// The log odds ratio of stenting, for patients alike in age, NIHSS and how the thrombectomy went.
    pub effect: f64,
}

/// Stenting helps where a stenosis is left, and harms where the clot came from the heart.
pub const ETIOLOGIES: [Etiology; 3] = [
    Etiology { name: "atherosclerosis", share: 0.4, failure: 0.45, baseline: 0.1, effect: 0.8 },
    Etiology { name: "cardioembolism", share: 0.4, failure: 0.15, baseline: 0.3, effect: -0.5 },
    Etiology { name: "other", share: 0.2, failure: 0.25, baseline: 0.2, effect: 0.2 },
];

/// One patient.
pub struct Patient {
    pub etiology: usize,
    pub age: f64,
    pub nihss: f64,
    pub failed: bool,
    pub stented: bool,
    pub good: bool,
    /// The chance of a good outcome without and with a stent.
    pub risks: [f64; 2],
}

impl Patient {
    /// The chance that such a patient is stented.
    pub fn chance_of_stent(&self) -> f64 {
        chance_of_stent(self.failed, self.nihss)
    }
}

fn chance_of_stent(failed: bool, nihss: f64) -> f64 {
    logistic(-2.6 + if failed { 2.8 } else { 0.0 } + 0.05 * (nihss - 20.0))
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Patients of a registry: confounding by indication (a failed thrombectomy brings a stent and a bad outcome) and by
/// etiology (which decides how often it fails).
pub fn patients(n: usize, seed: u64) -> Vec<Patient> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut one = || {
        let mut uniform = || -> f64 { StandardUniform.sample(&mut rng) };
        let mut left = uniform();
        let etiology = ETIOLOGIES.iter().position(|e| {
            left -= e.share;
            left < 0.0
        });
        let etiology = etiology.unwrap_or(ETIOLOGIES.len() - 1);
        let e = &ETIOLOGIES[etiology];
        let (failed, chance, outcome) = (uniform() < e.failure, uniform(), uniform());
        let mut normal = |mean: f64, sd: f64| -> f64 {
            let z: f64 = StandardNormal.sample(&mut rng);
            mean + sd * z
        };
        let age = normal(66.0, 11.0).clamp(25.0, 95.0).round();
        let nihss = normal(20.0, 8.0).clamp(4.0, 42.0).round();
        let severity = 0.03 * (age - 66.0) + 0.08 * (nihss - 20.0) + if failed { 1.8 } else { 0.0 };
        let stented = chance < chance_of_stent(failed, nihss);
        let risks = [0.0, e.effect].map(|effect| logistic(e.baseline - severity + effect));
        let good = outcome < risks[usize::from(stented)];
        Patient { etiology, age, nihss, failed, stented, good, risks }
    };
    (0..n).map(|_| one()).collect()
}

/// Of each etiology the true risk difference over all its patients.
pub fn true_differences(patients: &[Patient]) -> Vec<f64> {
    let of = |g: usize| {
        let own: Vec<f64> =
            patients.iter().filter(|p| p.etiology == g).map(|p| p.risks[1] - p.risks[0]).collect();
        own.iter().sum::<f64>() / own.len() as f64
    };
    (0..ETIOLOGIES.len()).map(of).collect()
}

/// The registry as a file.
pub fn csv(patients: &[Patient]) -> String {
    let mut out = "mrs03,stent,etiology,age,nihss,thrombectomy\n".to_string();
    for p in patients {
        let thrombectomy = if p.failed { "failed" } else { "successful" };
        let (good, stent) = (u8::from(p.good), if p.stented { "yes" } else { "no" });
        let etiology = ETIOLOGIES[p.etiology].name;
        // Writing to memory does not fail.
        let _ = writeln!(out, "{good},{stent},{etiology},{},{},{thrombectomy}", p.age, p.nihss);
    }
    out
}

/// How a model allows for who was stented.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Adjusted {
    /// Not at all.
    No,
    /// By covariates of the model.
    ByModel,
    /// By overlap weights.
    ByWeights,
}

/// A model file for it.
pub fn model(adjusted: Adjusted) -> String {
    let covariates = r#"["age", "nihss", { column = "thrombectomy", reference = "successful" }]"#;
    let (adjust, weights, baseline) = match adjusted {
        Adjusted::No => (String::new(), String::new(), "baseline = \"normal(0, 1.5)\"\n"),
        Adjusted::ByModel => {
            (format!("adjust = {covariates}"), String::new(), "baseline = \"normal(0, 1.5)\"\n")
        }
        Adjusted::ByWeights => {
            (String::new(), format!("[adjustment]\nmethod = \"overlap\"\npropensity = {covariates}\n"), "")
        }
    };
    format!(
        r#"title = "Rescue stenting in a made-up registry"
illustrative = true
[study]
assignment = "observational"
[outcome]
name = "mRS 0–3 at 90 days"
kind = "binary"
higher_is = "better"
event = "patients with mRS 0–3"
[treatment]
name = "rescue stenting"
control = "no stent"
active = "stent"
[subgroup]
name = "etiology"
[data]
file = "registry.csv"
rows = "patients"
missing = "error"
columns = {{ outcome = "mrs03", treatment = "stent", subgroup = "etiology" }}
[data.levels]
control = "no"
active = "yes"
[model]
pooling = "partial"
{adjust}
{weights}[prior]
effect = "normal(0, 0.5)"
heterogeneity = "half-normal(0.5)"
{baseline}"#
    )
}

/// Writes the registry and its models; the paths of the two that are compared with the truth, unadjusted first.
pub fn written(folder: &Path, patients: &[Patient]) -> std::io::Result<[PathBuf; 2]> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join("registry.csv"), csv(patients))?;
    let paths = ["unadjusted.toml", "adjusted.toml"].map(|name| folder.join(name));
    for (path, adjusted) in paths.iter().zip([Adjusted::No, Adjusted::ByModel]) {
        fs::write(path, model(adjusted))?;
    }
    fs::write(folder.join("weighted.toml"), model(Adjusted::ByWeights))?;
    Ok(paths)
}

/// Risk difference (median and interval) and P(better) by etiology.
pub fn found(report: &Report, name: &str) -> Option<([f64; 3], f64)> {
    let difference = Estimand::of_subgroup(report.names.place(name)?, Measure::RiskDifference);
    let q = report.estimate(difference)?.best()?;
    let chance = report.probability(difference, Statement::Benefit, 0.0)?;
    Some(([q.median, q.q2_5, q.q97_5], chance.best()?))
}

/// Truth, unadjusted and adjusted answer side by side.
pub fn table(folder: &Path, patients: &[Patient]) -> Result<String, Box<dyn Error>> {
    let truth = true_differences(patients);
    let [unadjusted, adjusted] =
        written(folder, patients)?.map(|path| open(&path).map(|study| analyse(&study, Options::default())));
    let (unadjusted, adjusted) = (unadjusted?, adjusted?);
    let mut out = "Risk difference of stenting for mRS 0–3, points (95 %), and P(better)\n\n".to_string();
    writeln!(out, "{:<16} {:>6}   {:<30}  adjusted", "etiology", "truth", "unadjusted")?;
    for (etiology, truth) in ETIOLOGIES.iter().zip(truth) {
        let shown = |report: &Report| {
            found(report, etiology.name).map_or_else(
                || "no number".to_string(),
                |([median, low, high], p)| {
                    let text = format!(
                        "{:+.1} ({:+.1} to {:+.1}), {p:.3}",
                        100.0 * median,
                        100.0 * low,
                        100.0 * high
                    );
                    text.replace('-', "−")
                },
            )
        };
        let truth = format!("{:+.1}", 100.0 * truth).replace('-', "−");
        let (unadjusted, adjusted) = (shown(&unadjusted), shown(&adjusted));
        writeln!(out, "{:<16} {truth:>6}   {unadjusted:<30}  {adjusted}", etiology.name)?;
    }
    Ok(out)
}

/// The registry that is shown.
pub fn usual() -> Vec<Patient> {
    patients(6_000, 1)
}

fn main() -> Result<(), Box<dyn Error>> {
    let temporary = tempfile::tempdir()?;
    let asked = env::args().nth(1).map(PathBuf::from);
    print!("{}", table(asked.as_deref().unwrap_or(temporary.path()), &usual())?);
    Ok(())
}
