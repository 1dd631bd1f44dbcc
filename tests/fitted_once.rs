//! Nothing is fitted twice: in what a command does, each model of a study is sampled once and integrated once.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Mutex;

use equipoise::decide::decide;
use equipoise::figure::Portrait;
use equipoise::input::{open, open_decision};
use equipoise::model::Model;
use equipoise::posterior::{Fitting, Integrals, Observer, Options, Sampling, analyse_watched};
use equipoise::sampler::Watch;
use equipoise::study::Study;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Engine {
    Sampler,
    Exact,
}

/// Every fit that was heard of.
#[derive(Default)]
struct Heard(Mutex<Vec<(Engine, String, Model)>>);

impl Heard {
    fn of(&self, engine: Engine, study: &str, model: &Model) {
        self.0.lock().expect("nobody panicked").push((engine, study.to_string(), model.clone()));
    }

    fn fitting(&self) -> Fitting<'_> {
        Fitting { sampling: Sampling::default(), observer: self }
    }

    /// How many fits there were by engine, none of them twice.
    fn counted(self, what: &str) -> BTreeMap<Engine, usize> {
        let heard = self.0.into_inner().expect("nobody panicked");
        let mut counts = BTreeMap::new();
        for (i, (engine, study, model)) in heard.iter().enumerate() {
            let before = heard[..i].iter().filter(|(e, _, m)| (e, m) == (engine, model)).count();
            let Model { pooling, effect, .. } = model;
            assert_eq!(before, 0, "{what}: {engine:?} fits {study} again under {effect:?} and {pooling:?}");
            *counts.entry(*engine).or_insert(0) += 1;
        }
        counts
    }
}

impl Watch for Heard {
    fn advanced(&self, _: usize) {}

    fn stopped(&self) -> bool {
        false
    }
}

impl Observer for Heard {
    fn samples(&self, study: &str, model: &Model) {
        self.of(Engine::Sampler, study, model);
    }

    fn integrates(&self, study: &str, model: &Model) {
        self.of(Engine::Exact, study, model);
    }
}

/// Four published estimates with a prior that is the stated one under another name, and heterogeneity priors of which some are
/// among those that every page asks about.
const ESTIMATES: &str = r#"
title = "Invented"
[study]
assignment = "randomised"
[outcome]
name = "death"
kind = "estimate"
scale = "log_odds_ratio"
higher_is = "worse"
[treatment]
name = "drug"
control = "placebo"
active = "drug"
[subgroup]
name = "region"
[data]
estimates = [
  { subgroup = "north", estimate = -0.5, se = 0.3 },
  { subgroup = "south", estimate = -0.1, se = 0.2 },
  { subgroup = "west", estimate = 0.2, se = 0.25 },
  { subgroup = "east", estimate = -0.3, se = 0.35 },
]
[prior]
effect = "normal(0, 0.355)"
heterogeneity = "half-normal(0.5)"
[priors.again]
effect = "normal(0, 0.355)"
[library]
expected_odds_ratio = 1.5
"#;

fn estimates() -> Study {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("estimates.toml");
    fs::write(&path, ESTIMATES).expect("written");
    open(&path).expect("a model")
}

/// Those that the sampler is not needed for, and an allowed bias.
fn studies() -> Vec<Study> {
    let shipped = ["attention-evt", "attention-ras-etiology", "ras-basilar-confounded", "solvd", "blocker"];
    shipped.iter().map(|name| open(name).expect("shipped")).chain([estimates()]).collect()
}

#[test]
fn a_page_fits_nothing_twice() {
    for study in studies() {
        let heard = Heard::default();
        let portrait = Portrait::of(&study, None, heard.fitting()).expect("known priors");
        assert!(portrait.is_ok(), "{}", study.name);
        let counts = heard.counted(&study.name);
        assert_eq!(counts[&Engine::Sampler], 1, "{}", study.name);
        assert!(counts[&Engine::Exact] > 1, "{}", study.name);
    }
}

#[test]
fn a_fit_with_its_page_fits_nothing_twice() {
    for study in studies() {
        let heard = Heard::default();
        let done = analyse_watched(&study, Options::default(), Integrals::default(), &heard);
        let portrait = Portrait::of(&study, Some(done), heard.fitting()).expect("known priors");
        assert!(portrait.is_ok(), "{}", study.name);
        // What is stated of a bias, and the same without it.
        let sampled = if study.bias.is_some() { 2 } else { 1 };
        assert_eq!(heard.counted(&study.name)[&Engine::Sampler], sampled, "{}", study.name);
    }
}

#[test]
fn a_page_after_an_exact_fit_integrates_nothing_again() {
    let study = open("ras-basilar-death").expect("shipped");
    let heard = Heard::default();
    let done = analyse_watched(&study, Options::exact(), Integrals::default(), &heard);
    assert!(Portrait::of(&study, Some(done), heard.fitting()).expect("known priors").is_ok());
    assert_eq!(heard.counted(&study.name)[&Engine::Sampler], 1);
}

#[test]
fn a_decision_fits_nothing_twice() {
    // The outer layer, and the inner one, which is an outcome too.
    for (name, sampled) in [("rescue-stenting", 3), ("rescue-by-etiology", 3)] {
        let decision = open_decision(name).expect("shipped");
        let heard = Heard::default();
        assert!(decide(&decision, heard.fitting()).expect("known priors").ok, "{name}");
        assert_eq!(heard.counted(name)[&Engine::Sampler], sampled, "{name}");
    }
}
