//! A folder in which the program is run as a user does.

use std::fs;
use std::path::Path;
use std::process::Output;

/// Words of the libraries that read files, which no error may have.
const OF_LIBRARIES: [&str; 5] =
    ["panicked", "expected struct", "invalid type", "expected a map", "expected a sequence"];

/// A folder of its own, which goes with the test.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Folder {
        Folder(tempfile::tempdir().expect("a folder"))
    }

    pub fn at(&self) -> &Path {
        self.0.path()
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> &Folder {
        fs::write(self.at().join(name), text).expect("written");
        self
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.at().join(name)).expect("a file")
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        let mut command = assert_cmd::Command::cargo_bin("equipoise").expect("built");
        command.current_dir(self.at()).args(arguments).output().expect("run")
    }

    /// What a command prints that succeeds.
    #[track_caller]
    pub fn says(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(0), "{}", flowing(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// A command ends with status 1 and these words, none of them a library's, and prints nothing. Returns the error in one line.
    #[track_caller]
    pub fn refuses(&self, arguments: &[&str], told: &[&str]) -> String {
        let output = self.run(arguments);
        let error = flowing(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(output.stdout.is_empty(), "{error}");
        for words in OF_LIBRARIES {
            assert!(!error.contains(words), "{error}");
        }
        for words in told {
            assert!(error.contains(words), "{words}\n{error}");
        }
        error
    }
}

/// What was printed, in one line.
pub fn flowing(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).split_whitespace().collect::<Vec<_>>().join(" ")
}
