//! Runs that follow one another: a worse one never takes a better one's place, no draws go without a word, and a page says the
//! command that makes it again.
#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

const MODEL: &str = r#"
title = "A small trial"
[study]
assignment = "randomised"
[outcome]
name = "death at 30 days"
kind = "binary"
higher_is = "worse"
[treatment]
name = "drug"
control = "placebo"
active = "drug"
[data]
counts = [
  { subgroup = "men", control = { events = 8, total = 40 }, active = { events = 4, total = 41 } },
  { subgroup = "women", control = { events = 5, total = 30 }, active = { events = 6, total = 29 } },
]
[prior]
effect = "normal(0, 0.355)"
heterogeneity = "half-normal(0.5)"
"#;

/// Too few draws for any check.
const FAILS: [&str; 2] = ["--draws", "4"];

struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Desk {
        let desk = Desk(tempfile::tempdir().expect("a folder"));
        fs::write(desk.at("trial.toml"), MODEL).expect("written");
        desk
    }

    fn at(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin("equipoise"));
        command.current_dir(self.0.path()).args(arguments).output().expect("it ran")
    }

    /// Its exit status, and what it tells.
    #[track_caller]
    fn fit(&self, more: &[&str], status: i32) -> String {
        let output = self.run(&[&["fit", "trial.toml"][..], more].concat());
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(status), "{told}");
        told
    }

    fn passed(&self, run: &str) -> bool {
        let text = fs::read_to_string(self.at(run).join("result.json")).expect("a result");
        let result: Value = serde_json::from_str(&text).expect("JSON");
        result["checks"]["ok"].as_bool().expect("known")
    }

    fn runs(&self) -> Vec<String> {
        let entries = fs::read_dir(self.at("runs")).expect("a folder").flatten();
        let mut names: Vec<String> = entries.map(|e| e.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

fn draws(folder: &Path) -> Vec<Option<Vec<u8>>> {
    let names = ["draws_parameters.csv", "draws_estimands.csv", "draws_diagnostics.csv"];
    names.map(|name| fs::read(folder.join(name)).ok()).into()
}

#[test]
fn a_failed_run_is_written_beside_a_good_one_and_says_so() {
    let desk = Desk::new();
    // Where there is none it takes the place, and a good one replaces it.
    assert!(desk.fit(&FAILS, 2).contains("Written to runs/trial\n"));
    assert!(!desk.passed("runs/trial"));
    desk.fit(&[], 0);
    let before = draws(&desk.at("runs/trial"));
    assert!(desk.passed("runs/trial") && before.iter().all(Option::is_some));
    for _ in 0..2 {
        let told = desk.fit(&[&FAILS[..], &["--report", "page.html"]].concat(), 2);
        assert!(
            told.contains(
                "runs/trial holds a finished run and stays as it is. This one failed its checks: written to runs/trial-failed"
            ),
            "{told}"
        );
        assert!(desk.passed("runs/trial") && !desk.passed("runs/trial-failed"));
        assert_eq!(draws(&desk.at("runs/trial")), before);
    }
    assert_eq!(desk.runs(), ["trial", "trial-failed"]);
    // What is beside it may be somebody's, or good too: it stays.
    fs::remove_dir_all(desk.at("runs/trial-failed")).expect("removed");
    desk.fit(&["--out", "runs/trial-failed"], 0);
    fs::create_dir(desk.at("runs/trial-failed-2")).expect("made");
    fs::write(desk.at("runs/trial-failed-2/thesis.txt"), "years of work").expect("written");
    assert!(desk.fit(&FAILS, 2).contains("written to runs/trial-failed-3"));
    assert!(desk.passed("runs/trial-failed") && desk.at("runs/trial-failed-2/thesis.txt").exists());
}

#[test]
fn a_page_that_is_there_is_not_replaced_by_that_of_a_failed_run_beside_a_good_one() {
    let desk = Desk::new();
    desk.fit(&["--report", "page.html"], 0);
    let page = fs::read(desk.at("page.html")).expect("written");
    let told = desk.fit(&[&FAILS[..], &["--report", "page.html"]].concat(), 2);
    assert!(told.contains("page.html is not written"), "{told}");
    assert_eq!(fs::read(desk.at("page.html")).expect("there"), page);
}

#[test]
fn draws_are_not_removed_without_a_word() {
    let desk = Desk::new();
    for (k, without) in [&["--save", "none"], &["--engine", "exact"]].into_iter().enumerate() {
        let aside = ["runs/trial-earlier", "runs/trial-earlier-2"][k];
        desk.fit(&[], 0);
        let before = draws(&desk.at("runs/trial"));
        let told = desk.fit(without, 0);
        let said = format!("The earlier run has draws and this one keeps none: it is now {aside}.");
        assert!(told.contains(&said), "{told}");
        assert_eq!(draws(&desk.at(aside)), before);
        assert!(desk.passed("runs/trial") && draws(&desk.at("runs/trial")).iter().all(Option::is_none));
    }
    // Without draws there is nothing to say; with new ones in their place there is.
    assert!(desk.fit(&["--save", "none"], 0).contains("Written to runs/trial\n"));
    assert_eq!(desk.runs(), ["trial", "trial-earlier", "trial-earlier-2"]);
    assert!(desk.fit(&[], 0).contains("Written to runs/trial\n"));
    let told = desk.fit(&["--seed", "2"], 0);
    assert!(told.contains("in place of an earlier run and its draws (--out DIR keeps both)"), "{told}");
}

/// What a page says behind "To make it again", as a reader copies it.
fn command_of(page: &str) -> String {
    let after = page.split("<dt>To make it again</dt><dd><code>").nth(1).expect("a command");
    let text = after.split("</code>").next().expect("an end");
    let marks =
        [("&#x27;", "'"), ("&#x2f;", "/"), ("&#x2F;", "/"), ("&quot;", "\""), ("&gt;", ">"), ("&lt;", "<")];
    marks.iter().fold(text.to_string(), |text, (from, to)| text.replace(from, to)).replace("&amp;", "&")
}

#[test]
fn the_command_on_a_page_makes_the_page_again() {
    let desk = Desk::new();
    fs::create_dir(desk.at("my trials")).expect("made");
    fs::write(desk.at("my trials/what's $new.toml"), MODEL).expect("written");
    let model = "my trials/what's $new.toml";
    let program = assert_cmd::cargo::cargo_bin("equipoise");
    let path = format!("{}:/usr/bin:/bin", program.parent().expect("a folder").display());
    let cases: [(&[&str], &str); 4] = [
        (&["report", model, "--seed", "7", "-o", "a page.html", "--threads", "1"], "a page.html"),
        (&["report", model], "what's $new.html"),
        (
            &["fit", model, "--out", "a run", "--chains", "2", "--seed", "3", "--report", "of fit.html"],
            "of fit.html",
        ),
        (&["report", "a run", "--figures", "pictures", "--as", "svg,png"], "what's $new.html"),
    ];
    for (arguments, page) in cases {
        let output = desk.run(arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let made = fs::read_to_string(desk.at(page)).expect("a page");
        let command = command_of(&made);
        assert!(command.starts_with(&format!("equipoise {} ", arguments[0])), "{command}");
        fs::remove_file(desk.at(page)).expect("removed");
        let again = Command::new("sh")
            .current_dir(desk.0.path())
            .env("PATH", &path)
            .args(["-c", &command])
            .output()
            .expect("it ran");
        assert!(again.status.success(), "{command}: {}", String::from_utf8_lossy(&again.stderr));
        assert!(fs::read_to_string(desk.at(page)).expect("a page") == made, "{command}");
    }
    let decision = desk.run(&["report", "rescue-stenting", "--seed", "2"]);
    assert!(decision.status.success());
    let page = fs::read_to_string(desk.at("rescue-stenting.html")).expect("named after the decision");
    assert_eq!(command_of(&page), "equipoise report rescue-stenting --seed 2");
}

#[test]
fn a_figure_says_what_it_shows_of_which_outcome_and_an_observational_one_favours_nobody() {
    let desk = Desk::new();
    let svgs = |model: &str| {
        let output = desk.run(&["report", model, "-o", "page.html", "--figures", model]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let files = fs::read_dir(desk.at(model)).expect("figures").flatten().map(|e| e.path());
        let svgs = files.filter(|path| path.extension().is_some_and(|e| e == "svg"));
        svgs.map(|path| (path.clone(), fs::read_to_string(path).expect("a figure"))).collect::<Vec<_>>()
    };
    let seen = |svg: &str| {
        let texts = svg.split("<text ").skip(1).filter_map(|t| t.split(['>', '<']).nth(1));
        texts.collect::<Vec<_>>().join(" ").replace("&gt;", ">")
    };
    let observational = svgs("ras-basilar-death");
    assert!(observational.len() >= 8);
    for (path, svg) in &observational {
        let words = seen(svg);
        assert!(words.contains("death"), "{}: {words}", path.display());
        assert!(!words.contains("favour"), "{}: {words}", path.display());
    }
    let words = |all: &[(PathBuf, String)], name: &str| {
        let found = all.iter().find(|(path, _)| path.ends_with(name));
        seen(&found.expect("a figure").1)
    };
    assert!(words(&observational, "forest-odds-ratio.svg").contains("better with stent"));
    for (name, label) in [
        ("thresholds.svg", "P(better) and P(worse) by at least the size below"),
        ("heterogeneity.svg", "P(better)"),
        ("prior-grid.svg", "P(better), "),
        ("bias.svg", "P(better), "),
        ("energy.svg", "Share of draws"),
        ("shrinkage.svg", "without pooling"),
        ("beliefs.svg", "no effect"),
        ("chains.svg", "chain 4"),
        ("forest-odds-ratio.svg", "95 % confidence interval"),
    ] {
        let words = words(&observational, name);
        assert!(words.contains(label), "{name}: {words}");
    }
    let randomised = svgs("blocker");
    assert!(words(&randomised, "forest-odds-ratio.svg").contains("favours beta-blocker"));
}

#[test]
fn help_and_check_speak_plainly() {
    let desk = Desk::new();
    let said = |arguments: &[&str]| {
        let output = desk.run(arguments);
        let text = String::from_utf8_lossy(&output.stdout).replace("\n  ", " ");
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    for command in ["fit", "compare", "decide", "report"] {
        let help = said(&[command, "--help"]);
        assert!(help.contains("Seed of the random numbers"), "{help}");
        assert!(!help.contains("dots an inch"), "{help}");
    }
    let check = said(&["check", "trial.toml"]);
    for words in ["No empty or full cells.", "Source of the counts: not stated.", "favours drug"] {
        assert!(check.contains(words), "{words}: {check}");
    }
    let observational = MODEL.replace("randomised", "observational");
    fs::write(desk.at("cohort.toml"), observational).expect("written");
    let check = said(&["check", "cohort.toml"]);
    assert!(check.contains("a risk difference below 0, means a better outcome with drug"), "{check}");
    assert!(!check.contains("favours"), "{check}");
}
