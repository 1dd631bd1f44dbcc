//! What the program says of every shipped model and decision, held still: the bytes of each command's output by their digest,
//! and the exact numbers themselves, so that a change shows which of them moved and how far.
//!
//! Where a change is meant, `UPDATE_GOLDEN=1 cargo test --release --test suite golden` writes both anew, and the commit says which
//! numbers moved and why.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::common::shipped::{ran, said, words};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// The names of what is shipped in a folder.
fn shipped(kind: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(kind);
    let files = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let tables = files.filter(|path| path.extension().is_some_and(|e| e == "toml"));
    let name = |path: PathBuf| path.file_stem().and_then(|s| s.to_str()).expect("a name").to_owned();
    let mut names: Vec<String> = tables.map(name).collect();
    names.sort();
    names
}

/// Whether a model has several active arms or several factors, which are fitted and checked and not compared.
fn has_several(model: &str) -> bool {
    ["actg175", "attention-ras-technique", "ist-aspirin-factors", "solvd-factors"].contains(&model)
}

/// What a command prints, or writes as Markdown.
fn answer(command: &str) -> Vec<u8> {
    if let Some(name) = command.strip_prefix("report ").and_then(|rest| rest.strip_suffix(" --out words.md"))
    {
        return words(name).into_bytes();
    }
    said(command).into_bytes()
}

/// Elsewhere the forms of one analysis are had from the library.
#[test]
fn the_program_prints_what_the_library_says() {
    let mut held = 0;
    for (command, texts) in [
        ("fit attention-evt", &[][..]),
        ("fit ras-basilar-death", &[]),
        ("fit eight-schools", &[]),
        ("compare attention-evt", &["", "--full"]),
        ("compare solvd", &["", "--full"]),
        ("compare attention-evt --bias", &["", "--full"]),
        ("decide rescue-by-etiology", &["", "--full"]),
    ] {
        for form in texts.iter().chain(&["--format json", "--format csv"]) {
            let command = format!("{command} {form}");
            assert!(ran(&command).text() == said(&command), "{command}");
            held += 1;
        }
    }
    assert_eq!(held, 3 * 2 + 4 * 4);
    for name in ["attention-evt", "ras-basilar-death", "rescue-by-etiology"] {
        let page = ran(&format!("report {name} --out words.md"));
        assert!(page.files["words.md"] == words(name).as_bytes(), "{name}");
    }
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(12).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Holds what was found against a file of `key value` lines, in which a key has no second meaning.
fn hold(file: &str, found: &BTreeMap<String, String>) {
    let path = folder().join(file);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let lines: String = found.iter().map(|(key, value)| format!("{value}  {key}\n")).collect();
        fs::create_dir_all(folder()).expect("a folder");
        fs::write(path, lines).expect("written");
        return;
    }
    let text = fs::read_to_string(&path).expect("golden values");
    let held: BTreeMap<&str, &str> =
        text.lines().filter_map(|line| line.split_once("  ")).map(|(value, key)| (key, value)).collect();
    let moved: Vec<String> = found
        .iter()
        .filter_map(|(key, now)| match held.get(key.as_str()) {
            Some(before) if before == now => None,
            Some(before) => Some(format!("{key}: {before} -> {now}")),
            None => Some(format!("{key}: not there before, now {now}")),
        })
        .chain(held.keys().filter(|key| !found.contains_key(**key)).map(|key| format!("{key}: gone")))
        .collect();
    let shown = moved.iter().take(40).cloned().collect::<Vec<_>>().join("\n");
    assert!(moved.is_empty(), "{file}: {} of {} moved\n{shown}", moved.len(), held.len());
}

/// The exact numbers and those of the priors alone in what `fit` says, by place.
fn numbers(model: &str, at: &str, value: &Value, found: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                let leads = matches!(key.as_str(), "exact" | "prior" | "prior_at_control_risk");
                if leads || at.contains("exact") || at.contains("prior") {
                    numbers(model, &format!("{at} {key}"), inner, found);
                }
            }
        }
        Value::Number(number) => {
            found.insert(format!("{model} {at}"), number.to_string());
        }
        _ => {}
    }
}

#[test]
fn every_exact_number_of_a_shipped_model_is_what_it_was() {
    let mut found = BTreeMap::new();
    for model in shipped("models") {
        let result: Value =
            serde_json::from_slice(&answer(&format!("fit {model} --format json"))).expect("JSON");
        for kind in ["parameters", "estimates", "probabilities"] {
            for row in result[kind].as_array().expect("rows") {
                let words = [
                    "name",
                    "scope",
                    "subgroup",
                    "subgroup_b",
                    "arm",
                    "against",
                    "statement",
                    "measure",
                    "threshold",
                ];
                let words = words.iter().filter_map(|word| match &row[*word] {
                    Value::String(text) => Some(text.replace(' ', "_")),
                    Value::Number(number) => Some(number.to_string()),
                    _ => None,
                });
                let place = words.collect::<Vec<String>>().join("/");
                numbers(&model, &place, row, &mut found);
            }
        }
    }
    hold("numbers.txt", &found);
}

#[test]
fn every_answer_about_what_is_shipped_is_what_it_was() {
    let mut commands = Vec::new();
    for model in shipped("models") {
        for format in ["text", "json", "csv"] {
            commands.push(format!("fit {model} --format {format}"));
        }
        commands.extend(["text", "json"].map(|format| format!("check {model} --format {format}")));
        if !has_several(&model) {
            commands.push(format!("report {model} --out words.md"));
        }
    }
    for decision in shipped("decisions") {
        let formats = ["text --full", "json", "csv"];
        commands.extend(formats.map(|format| format!("decide {decision} --format {format}")));
        if decision != "antiretroviral-regimen" {
            commands.push(format!("report {decision} --out words.md"));
        }
    }
    let found = commands.into_iter().map(|command| (digest(&answer(&command)), command));
    hold("answers.txt", &found.map(|(digest, command)| (command, digest)).collect());
}

/// Commands that take seconds each, held where they are asked for; the others are in every run.
const SLOW: [&str; 8] = [
    "compare attention-ras-misjudged",
    "compare attention-ras-etiology --bias",
    "compare attention-ras-misjudged --bias",
    "compare attention-ras-reperfusion --bias",
    "compare blocker --bias",
    "compare ist-aspirin-subtype --bias",
    "compare ras-basilar-death --bias",
    "compare ras-basilar-sich --bias",
];

fn comparisons(file: &str, slow: bool) {
    let commands = shipped("models")
        .into_iter()
        .filter(|model| !has_several(model))
        .flat_map(|model| [format!("compare {model}"), format!("compare {model} --bias")])
        .filter(|command| SLOW.contains(&command.as_str()) == slow);
    let found = commands.map(|command| (digest(&answer(&format!("{command} --format json"))), command));
    hold(file, &found.map(|(digest, command)| (command, digest)).collect());
}

#[test]
fn every_quick_comparison_of_what_is_shipped_is_what_it_was() {
    comparisons("comparisons.txt", false);
}

#[test]
#[ignore = "a minute of two processors"]
fn every_other_comparison_of_what_is_shipped_is_what_it_was() {
    comparisons("comparisons-slow.txt", true);
}
