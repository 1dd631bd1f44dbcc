//! The command that makes a page again, as a shell takes it.

use std::ffi::OsString;

/// The command that the program was called by, with each argument quoted where a shell would read it otherwise. The number
/// of threads is left out: it changes nothing.
pub fn command() -> String {
    of(std::env::args_os().skip(1))
}

fn of(arguments: impl Iterator<Item = OsString>) -> String {
    let mut words = vec!["equipoise".to_string()];
    let mut arguments = arguments.map(|argument| argument.to_string_lossy().into_owned());
    let mut only_values = false;
    while let Some(argument) = arguments.next() {
        if !only_values && argument == "--threads" {
            arguments.next();
            continue;
        }
        if !only_values && argument.starts_with("--threads=") {
            continue;
        }
        only_values |= argument == "--";
        words.push(quoted(&argument));
    }
    words.join(" ")
}

/// As it is where it holds only characters that no shell obeys; else in single quotes.
pub fn quoted(argument: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./,:=+@%".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        return argument.to_string();
    }
    format!("'{}'", argument.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn a_command_has_every_option_and_its_paths_are_quoted() {
        let said = |arguments: &[&str]| of(arguments.iter().map(|a| (*a).into()));
        assert_eq!(said(&["report", "blocker", "--seed", "7"]), "equipoise report blocker --seed 7");
        assert_eq!(
            said(&["report", "my trial's.toml", "-o", "$HOME.html", "--as=png,svg"]),
            r"equipoise report 'my trial'\''s.toml' -o '$HOME.html' --as=png,svg"
        );
        assert_eq!(said(&["report", "--threads", "2", "x"]), said(&["report", "x", "--threads=8"]));
        assert_eq!(said(&["report", "--", "--threads", ""]), "equipoise report -- --threads ''");
    }
}
