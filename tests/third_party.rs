//! What the program is linked with is named, with its notice, in THIRD-PARTY.md.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

#[test]
fn every_crate_in_the_program_has_its_notice() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let arguments = [
        "tree",
        "--locked",
        "--offline",
        "--edges",
        "normal,no-proc-macro",
        "--prefix",
        "none",
        "--target",
        "x86_64-unknown-linux-gnu",
        "--format",
        "{p}",
    ];
    let output = Command::new(env!("CARGO")).current_dir(root).args(arguments).output().expect("cargo");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).expect("text");
    let linked = tree.lines().map(|line| {
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
}

#[test]
fn the_fonts_carry_both_of_their_notices() {
    let notice = include_str!("../assets/LICENSE-fonts.txt");
    for holder in ["Bitstream, Inc.", "Tavmjong Bah", "public domain"] {
        assert!(notice.contains(holder), "{holder}");
    }
}
