//! What the program says and writes when it is run on what is shipped. The same command has the same output, so that each
//! is run once for all tests that ask for it.
//!
//! A comparison or a decision takes seconds and is told in four forms: of what is shipped it is made once, in this program, and
//! told in each. That the program prints the same bytes is held by a test of its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Output;
use std::sync::{Arc, Mutex, OnceLock};

use anstream::adapter::strip_str;
use assert_cmd::Command;
use equipoise::compare::bias::compare_bias;
use equipoise::compare::{Comparison, Request, comparable, compare};
use equipoise::decide::{Discussion, decide};
use equipoise::figure::Portrait;
use equipoise::input::{open, open_decision, shipped, shipped_decisions};
use equipoise::posterior::{Analysis, Integrals, Options, Sampling, analyse_watched};
use equipoise::report::{self, Length, PageFormat, Presentation, Shown};
use equipoise::study::{Decision, Study};

/// A command that ended well.
pub struct Ran {
    /// What was printed.
    pub output: Output,
    /// The files written, by their place in the folder it ran in, without the draws.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Ran {
    /// Standard output as text.
    pub fn text(&self) -> String {
        String::from_utf8(self.output.stdout.clone()).expect("UTF-8")
    }
}

/// What is made once for all who ask for it by name.
pub struct Kept<T>(Mutex<BTreeMap<String, Arc<OnceLock<Arc<T>>>>>);

impl<T> Kept<T> {
    pub const fn new() -> Kept<T> {
        Kept(Mutex::new(BTreeMap::new()))
    }

    pub fn get(&self, name: &str, make: impl FnOnce() -> T) -> Arc<T> {
        let once =
            Arc::clone(self.0.lock().expect("no test panics here").entry(name.to_owned()).or_default());
        Arc::clone(once.get_or_init(|| Arc::new(make())))
    }
}

/// What one analysis says in every form that `compare` and `decide` have, by the words that ask for it, and `fit` but in text.
pub type Forms = BTreeMap<&'static str, String>;

/// What `equipoise COMMAND` prints: by the library where that has the same analysis in other forms, else by the program.
pub fn said(command: &str) -> String {
    let mut words: Vec<&str> = command.split_whitespace().collect();
    let biases = words.contains(&"--bias");
    words.retain(|word| *word != "--bias");
    let form = words.get(2..).unwrap_or_default().join(" ");
    let form = form.trim_start_matches("--format text").trim_start();
    match words[..] {
        [kind @ ("fit" | "compare" | "decide"), name, ..] => {
            told(kind, name, biases).and_then(|forms| forms.get(form).cloned())
        }
        _ => None,
    }
    .unwrap_or_else(|| ran(command).text())
}

/// Nothing where the name is of nothing shipped, or the command has no such analysis.
fn told(kind: &str, name: &str, biases: bool) -> Option<Arc<Forms>> {
    static ALL: Kept<Forms> = Kept::new();
    let is_model = shipped().iter().any(|s| s.name == name);
    let make: fn(&str) -> Forms = match kind {
        "fit" if is_model && !biases => fitted,
        "compare" if is_model && biases => compared_by_bias,
        "compare" if is_model => compared,
        "decide" if shipped_decisions().iter().any(|s| s.name == name) && !biases => decided,
        _ => return None,
    };
    Some(ALL.get(&format!("{kind} {name} {biases}"), || make(name)))
}

/// In text the program has it, which writes a run besides.
fn fitted(name: &str) -> Forms {
    let (study, Analysis { report, .. }) = &*analysed(name);
    assert!(report.checks.ok, "{name}: {:?}", report.checks.reasons);
    Forms::from([
        ("--format json", report::fit_json(study, report)),
        ("--format csv", report::fit_csv(study, report)),
    ])
}

fn compared(name: &str) -> Forms {
    let (study, c) = &*comparison(name);
    assert!(c.ok, "{name}: {:?}", c.reasons);
    comparison_in_forms(study, c)
}

/// A shipped study compared under all priors that it has.
pub fn comparison(name: &str) -> Arc<(Study, Comparison)> {
    static ALL: Kept<(Study, Comparison)> = Kept::new();
    ALL.get(name, || {
        let study = open(name).expect("shipped");
        let c = compare(&study, &Request::default()).expect("a comparison");
        (study, c)
    })
}

/// What `compare` prints of this comparison, whatever form is asked for.
pub fn comparison_in_forms(study: &Study, c: &Comparison) -> Forms {
    let study = &*comparable(study);
    let text = |length| report::compare_text(study, c, length);
    forms(text, report::compare_json(study, c), report::compare_csv(study, c))
}

fn compared_by_bias(name: &str) -> Forms {
    let study = open(name).expect("shipped");
    let study = &*comparable(&study);
    let c = compare_bias(study, Sampling::default());
    assert!(c.ok, "{name}: {:?}", c.reasons);
    let text = |length| report::bias_text(study, &c, length);
    forms(text, report::bias_json(study, &c), report::bias_csv(study, &c))
}

fn decided(name: &str) -> Forms {
    let (decision, d) = &*discussed(name);
    assert!(d.ok, "{name}: {:?}", d.reasons);
    let text = |length| report::decide_text(decision, d, length);
    forms(text, report::decide_json(decision, d), report::decide_csv(decision, d))
}

/// A shipped study and what is found about it at the defaults, with the integrals that were made.
pub fn analysed(name: &str) -> Arc<(Study, Analysis)> {
    static ALL: Kept<(Study, Analysis)> = Kept::new();
    ALL.get(name, || {
        let study = open(name).expect("shipped");
        let analysis = analyse_watched(&study, Options::default(), Integrals::default(), &());
        (study, analysis)
    })
}

/// A shipped decision and what is found about it.
pub fn discussed(name: &str) -> Arc<(Decision, Discussion)> {
    static ALL: Kept<(Decision, Discussion)> = Kept::new();
    ALL.get(name, || {
        let decision = open_decision(name).expect("shipped");
        let d = decide(&decision, Sampling::default()).expect("a discussion");
        (decision, d)
    })
}

fn forms(text: impl Fn(Length) -> String, json: String, csv: String) -> Forms {
    // As in a pipe: what is bold on a terminal is not.
    let plain = |length| strip_str(&text(length)).to_string();
    let texts = [("", plain(Length::Short)), ("--full", plain(Length::Full))];
    texts.into_iter().chain([("--format json", json), ("--format csv", csv)]).collect()
}

/// The page that `equipoise report NAME --out words.md` writes, of the analysis or discussion that is there already.
pub fn words(name: &str) -> String {
    let command = format!("equipoise report {name} --out words.md");
    if shipped_decisions().iter().any(|s| s.name == name) {
        let (decision, d) = &*discussed(name);
        let figures = report::decision_figures(decision, d);
        return report::decision_page(decision, d, &figures, PageFormat::Markdown, Some(&command))
            .expect("a page");
    }
    let (study, Analysis { options, report, exact, integrals }) = &*analysed(name);
    let done = Analysis {
        options: *options,
        report: report.clone(),
        exact: exact.clone(),
        integrals: integrals.clone(),
    };
    let portrait = Portrait::of(study, Some(done), options.sampling).expect("known priors");
    let portrait = portrait.expect("passes its checks");
    let shown = Shown::of(&portrait).expect("a report");
    let figures = report::figures(study, shown);
    let presentation = Presentation { study, shown: Ok(shown), command: Some(&command) };
    report::page(&presentation, &figures, PageFormat::Markdown).expect("a page")
}

/// `equipoise COMMAND` in a folder of its own; `--format text` where the command says none and has one. `--full` may stand
/// anywhere: it is put last.
pub fn ran(command: &str) -> Arc<Ran> {
    static ALL: Kept<Ran> = Kept::new();
    let (command, full) = match command.split_once(" --full") {
        Some((before, after)) => (format!("{before}{after}"), " --full"),
        None => (command.to_owned(), ""),
    };
    let formats = ["fit ", "check ", "compare ", "decide "].iter().any(|name| command.starts_with(name));
    let command = if formats && !command.contains("--format") {
        format!("{command} --format text{full}")
    } else {
        format!("{command}{full}")
    };
    ALL.get(&command, || run(&command))
}

fn run(command: &str) -> Ran {
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::cargo_bin("equipoise")
        .expect("the program")
        .current_dir(folder.path())
        .args(command.split_whitespace())
        .output()
        .expect("it ran");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "equipoise {command}: {errors}");
    let mut files = BTreeMap::new();
    collect(folder.path(), "", &mut files);
    Ran { output, files }
}

fn collect(folder: &Path, place: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
        let place = if place.is_empty() { name.to_owned() } else { format!("{place}/{name}") };
        if path.is_dir() {
            collect(&path, &place, files);
        } else if !name.starts_with("draws_") {
            files.insert(place, fs::read(&path).expect("a file"));
        }
    }
}
