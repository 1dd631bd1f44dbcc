//! What the program says and writes when it is run on what is shipped. The same command has the same output, so that each
//! is run once for all tests that ask for it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Output;
use std::sync::{Arc, Mutex, OnceLock};

use assert_cmd::Command;

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

/// `equipoise COMMAND` in a folder of its own; `--format text` where the command says none and has one. `--full` may stand
/// anywhere: it is put last.
pub fn ran(command: &str) -> Arc<Ran> {
    type Once = Arc<OnceLock<Arc<Ran>>>;
    static ALL: Mutex<BTreeMap<String, Once>> = Mutex::new(BTreeMap::new());
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
    let once = Arc::clone(ALL.lock().expect("no test panics here").entry(command.clone()).or_default());
    Arc::clone(once.get_or_init(|| Arc::new(run(&command))))
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
