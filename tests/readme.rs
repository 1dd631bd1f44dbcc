//! Everything that the README and the book in `docs` show is what the program prints.
//!
//! `UPDATE_README=1 cargo test --release --test suite readme` writes the present outputs into them.

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;

use crate::common::shipped::said;
use crate::{ordinal_registry, registry, technique_registry};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

/// The README, then the pages of the book.
fn pages() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("docs/src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "md") {
                found.push(path);
            }
        }
    }
    found.sort();
    found.insert(0, root().join("README.md"));
    found
}

/// All of their text.
fn documentation() -> String {
    pages().iter().map(|path| fs::read_to_string(path).expect("a page")).collect()
}

/// Whether a command is of a model of the made-up registry.
fn of_registry(command: &str) -> bool {
    command.contains("adjusted.toml") || command.contains("weighted.toml")
}

fn output_of(command: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    if command.starts_with("cargo run --release --example registry") {
        return registry::table(folder.path(), &registry::usual()).expect("a table");
    }
    if command.starts_with("cargo run --release --example technique_registry") {
        return technique_registry::table(folder.path(), &technique_registry::usual()).expect("a table");
    }
    if command.starts_with("cargo run --release --example ordinal_registry") {
        return ordinal_registry::table(&ordinal_registry::usual()).expect("a table");
    }
    let (command, most) = match command.split_once(" | head -") {
        Some((command, lines)) => (command, lines.parse().expect("a number of lines")),
        None => (command, usize::MAX),
    };
    let arguments = command.strip_prefix("equipoise").expect("the program").trim();
    if command.contains("regimens.toml") {
        fs::copy(root().join("examples/regimens.toml"), folder.path().join("regimens.toml")).expect("copied");
    } else if command.contains("techniques.toml") {
        technique_registry::written(folder.path(), &technique_registry::usual()).expect("files");
    } else if !of_registry(command) {
        return said(arguments).split_inclusive('\n').take(most).collect();
    }
    if of_registry(command) {
        registry::written(folder.path(), &registry::usual()).expect("files");
    }
    let assert = Command::cargo_bin("equipoise")
        .expect("built")
        .current_dir(folder.path())
        .args(arguments.split_whitespace())
        .assert()
        .success();
    let text = String::from_utf8(assert.get_output().stdout.clone()).expect("UTF-8");
    text.split_inclusive('\n').take(most).collect()
}

#[test]
fn the_outputs_shown_are_the_outputs() {
    let mut shown = 0;
    let mut stale = Vec::new();
    for path in pages() {
        let text = fs::read_to_string(&path).expect("a page");
        let mut fresh = String::new();
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            fresh += line;
            fresh.push('\n');
            if line == "```console" {
                let prompt = lines.next().expect("a command");
                let command = prompt.strip_prefix("$ ").expect("a prompt");
                fresh += &format!("{prompt}\n{}```\n", output_of(command));
                assert!(lines.any(|l| l == "```"), "the block of `{command}` does not end");
                shown += 1;
            }
        }
        if text != fresh && std::env::var_os("UPDATE_README").is_some() {
            fs::write(&path, fresh).expect("written");
        } else if text != fresh {
            stale.push(path);
        }
    }
    assert!(shown >= 10, "{shown} outputs are shown");
    assert!(
        stale.is_empty(),
        "{stale:?} show other outputs than the program prints; see the head of this file"
    );
}

/// The links of a text to files, without those that are shown as code.
fn links(text: &str) -> Vec<String> {
    let mut code = false;
    let prose: String = text
        .lines()
        .filter(|line| {
            code ^= line.starts_with("```");
            !code
        })
        .flat_map(|line| line.split('`').step_by(2).chain(["\n"]))
        .collect();
    let targets = prose.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let local = targets.filter(|target| !target.contains("://") && !target.starts_with('#'));
    local.map(|target| target.split('#').next().unwrap_or(target).to_owned()).collect()
}

#[test]
fn every_link_leads_somewhere_and_every_page_is_in_the_book() {
    let others = ["ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(|name| root().join(name));
    for path in pages().into_iter().chain(others) {
        let text = fs::read_to_string(&path).expect("a page");
        for link in links(&text) {
            let target = path.parent().expect("a folder").join(&link);
            assert!(target.exists(), "{}: {link} is not there", path.display());
        }
    }
    let book = root().join("docs/src");
    let summary = links(&fs::read_to_string(book.join("SUMMARY.md")).expect("a summary"));
    for path in pages().into_iter().skip(1).filter(|path| !path.ends_with("SUMMARY.md")) {
        let page = path.strip_prefix(&book).expect("in the book").to_string_lossy().into_owned();
        assert!(summary.contains(&page), "SUMMARY.md does not list {page}");
    }
}

#[test]
fn what_is_read_first_is_short() {
    let size = |name: &str| fs::metadata(root().join(name)).expect("a file").len();
    assert!(size("README.md") <= 10_000, "the README is read whole: {} bytes", size("README.md"));
    assert!(size("ARCHITECTURE.md") <= 12_000, "so is ARCHITECTURE.md: {} bytes", size("ARCHITECTURE.md"));
}

#[test]
fn the_model_file_shown_is_read_and_fitted() {
    let text = documentation();
    let start = text.find("```toml\n").expect("a model file") + "```toml\n".len();
    let end = start + text[start..].find("```").expect("its end");
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("my-trial.toml"), &text[start..end]).expect("written");
    for arguments in [["check", "my-trial.toml"], ["fit", "my-trial.toml"]] {
        Command::cargo_bin("equipoise")
            .expect("built")
            .current_dir(folder.path())
            .args(arguments)
            .assert()
            .success();
    }
}

#[test]
fn the_named_priors_shown_are_compared() {
    let text = documentation();
    let start = text.find("```toml\n[priors.").expect("named priors") + "```toml\n".len();
    let end = start + text[start..].find("```").expect("their end");
    let shipped = |name: &str| {
        fs::read_to_string(root().join("models").join(format!("{name}.toml"))).expect("a shipped model")
    };
    let folder = tempfile::tempdir().expect("a folder");
    let model = shipped("attention-ras-etiology") + "\n" + &text[start..end];
    fs::write(folder.path().join("my-trial.toml"), model).expect("written");
    // Another cohort's, none of whose rows is among the shipped ones.
    let other = shipped("ras-basilar-function")
        .replace("subgroup = \"", "subgroup = \"another ")
        .replace("events = 10,", "events = 11,");
    fs::write(folder.path().join("another-cohort.toml"), other).expect("written");
    Command::cargo_bin("equipoise")
        .expect("built")
        .current_dir(folder.path())
        .args(["compare", "my-trial.toml", "--priors", "wary,wide-apart,cohorts"])
        .assert()
        .success();
}

#[test]
fn the_bias_shown_is_allowed_for() {
    let text = documentation();
    let start = text.find("```toml\n[bias.").expect("a bias") + "```toml\n".len();
    let end = start + text[start..].find("```").expect("its end");
    let model = fs::read_to_string(root().join("models/ras-basilar-function.toml")).expect("a shipped model");
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("my-trial.toml"), model + "\n" + &text[start..end]).expect("written");
    let numbers = |model: &str| {
        let assert = Command::cargo_bin("equipoise")
            .expect("built")
            .current_dir(folder.path())
            .args(["fit", model, "--engine", "exact", "--format", "csv"])
            .assert()
            .success();
        let text = String::from_utf8(assert.get_output().stdout.clone()).expect("UTF-8");
        let rows =
            text.lines().skip(1).map(|l| l.split(",Treatment was not").next().unwrap_or(l).to_string());
        rows.collect::<Vec<String>>()
    };
    assert_eq!(
        numbers("my-trial.toml"),
        numbers("ras-basilar-confounded"),
        "the shipped model says the same"
    );
}

#[test]
fn the_decision_file_shown_is_decided() {
    let text = documentation();
    let start = text.find("```toml\n[decision]").expect("a decision") + "```toml\n".len();
    let end = start + text[start..].find("```").expect("its end");
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("my-decision.toml"), &text[start..end]).expect("written");
    Command::cargo_bin("equipoise")
        .expect("built")
        .current_dir(folder.path())
        .args(["decide", "my-decision.toml"])
        .assert()
        .success();
}

/// Made-up rows with the columns that the README names.
fn rows_as_shown() -> String {
    let mut out = "OCCODE,RXASP,STYPE,HOSPNUM,AGE,RSBP,RCONSC\n".to_string();
    for i in 0..600_usize {
        let pick = |n: usize, k: usize| (i * k / 7 + i / n) % n;
        let outcome = [1, 2, 3, 4, 4, 3, 0][pick(7, 5)];
        let (arm, subtype) = (["N", "Y"][pick(2, 3)], ["LACS", "PACS"][pick(2, 11)]);
        let (age, pressure) = (50 + pick(40, 13), 100 + 2 * pick(53, 17));
        let line = format!(
            "{outcome},{arm},{subtype},{},{age},{pressure},{}",
            pick(9, 19),
            ["F", "D", "U"][pick(3, 23)]
        );
        out += &(line + "\n");
    }
    out
}

#[test]
fn the_patient_rows_shown_are_read_and_drafted() {
    let text = documentation();
    let folder = tempfile::tempdir().expect("a folder");
    let run = |words: Vec<&str>| {
        let mut command = Command::cargo_bin("equipoise").expect("built");
        command.current_dir(folder.path()).args(words).assert().success()
    };
    // What a file is shows in its bytes, not in its name.
    for name in ["trial.csv", "trial.parquet"] {
        fs::write(folder.path().join(name), rows_as_shown()).expect("written");
    }
    let start = text.find("equipoise new trial.csv").expect("a command");
    let end = start + text[start..].find("\nequipoise check").expect("its end");
    let command = text[start..end].replace('\\', " ");
    run(command.split_whitespace().skip(1).collect());
    run(vec!["check", "trial.toml"]);
    run(vec!["fit", "trial.toml"]);
    let drafted = fs::read_to_string(folder.path().join("trial.toml")).expect("a model file");
    let start = text.find("```toml\n[data]\nfile").expect("a section") + "```toml\n".len();
    let end = start + text[start..].find("```").expect("its end");
    let head = &drafted[..drafted.find("[data]").expect("data")];
    let prior = &drafted[drafted.find("[prior]").expect("priors")..];
    fs::write(folder.path().join("shown.toml"), format!("{head}{}{prior}", &text[start..end]))
        .expect("written");
    run(vec!["fit", "shown.toml"]);
}
