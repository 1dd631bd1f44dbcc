//! What the program is linked with is named, with its notice, in THIRD-PARTY.md.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// Those of `third_party.py`. Crates of other systems are fetched where they are not there yet.
const TARGETS: [&str; 5] = [
    "x86_64-unknown-linux-gnu",
    "aarch64-unknown-linux-gnu",
    "x86_64-apple-darwin",
    "aarch64-apple-darwin",
    "x86_64-pc-windows-msvc",
];

#[test]
fn every_crate_in_the_program_has_its_notice_whatever_the_system() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(root).args([
        "tree",
        "--locked",
        "--edges",
        "normal,no-proc-macro",
        "--prefix",
        "none",
    ]);
    command.args(["--format", "{p}"]).args(TARGETS.iter().flat_map(|target| ["--target", target]));
    let output = command.output().expect("cargo");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).expect("text");
    let linked = tree.lines().filter(|line| !line.is_empty()).map(|line| {
        let mut words = line.split_whitespace();
        let name = words.next().expect("a name");
        (name, words.next().expect("a version").trim_start_matches('v'))
    });
    let linked: BTreeSet<_> = linked.filter(|(name, _)| *name != "equipoise").collect();
    let notices = std::fs::read_to_string(root.join("THIRD-PARTY.md")).expect("the notices");
    let headings: String = notices.lines().filter(|line| line.starts_with("## ")).collect();
    for (name, version) in &linked {
        assert!(
            notices.contains(&format!("\n| {name} | {version} |"))
                && headings.contains(&format!("{name} {version}")),
            "{name} {version} has no notice: python3 tests/third_party.py > THIRD-PARTY.md"
        );
    }
    assert!(linked.len() > 100);
    for of_one_system in ["windows-sys", "objc2", "linux-raw-sys"] {
        assert!(linked.iter().any(|(name, _)| *name == of_one_system), "{of_one_system}");
    }
}

#[test]
fn the_fonts_carry_both_of_their_notices() {
    let notice = include_str!("../assets/LICENSE-fonts.txt");
    for holder in ["Bitstream, Inc.", "Tavmjong Bah", "public domain"] {
        assert!(notice.contains(holder), "{holder}");
    }
}
