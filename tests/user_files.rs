//! What is the user's stays the user's: what a command reads is not replaced, what is not a run is no run folder, a finished
//! run outlives an interrupted one. And what is too much is told before the work, with its limit.

#![cfg(unix)]

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

const START: &str = r#"title = "A small trial"
study = { assignment = "randomised" }
outcome = { name = "death", kind = "binary", higher_is = "worse" }
treatment = { name = "the drug", control = "placebo", active = "drug" }
"#;

const COUNTS: &str = r#"[data]
counts = [
  { subgroup = "men", control = { events = 8, total = 40 }, active = { events = 4, total = 41 } },
  { subgroup = "women", control = { events = 5, total = 30 }, active = { events = 6, total = 29 } },
]
"#;

const PRIOR: &str = r#"[prior]
effect = "normal(0, 0.355)"
heterogeneity = "half-normal(0.5)"
"#;

fn model() -> String {
    format!("{START}{COUNTS}{PRIOR}")
}

/// A folder with a model file in it.
struct Desk(TempDir);

impl Desk {
    fn with(model: &str) -> Desk {
        let desk = Desk(tempfile::tempdir().expect("a folder"));
        fs::write(desk.at("model.toml"), model).expect("written");
        desk
    }

    fn at(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(name)
    }

    fn command<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin("equipoise"));
        command.current_dir(self.0.path()).args(arguments).env_remove("RUST_BACKTRACE");
        command
    }

    #[track_caller]
    fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Output {
        let output = self.command(arguments).output().expect("run");
        assert!(!words(&output.stderr).contains("panicked"), "{}", words(&output.stderr));
        output
    }

    /// The command ends soon with exit status 1 and these words, nothing is printed, and every file is as it was.
    #[track_caller]
    fn refuses<S: AsRef<OsStr>>(&self, arguments: &[S], told: &[&str]) {
        let before = content(self.0.path());
        let begun = Instant::now();
        let output = self.run(arguments);
        let error = words(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
        for what in told {
            assert!(error.contains(what), "{what}\n{error}");
        }
        assert!(output.stdout.is_empty());
        assert_eq!(content(self.0.path()), before);
    }
}

fn words(output: &[u8]) -> String {
    String::from_utf8_lossy(output).into_owned()
}

/// Every file below a folder, with what it holds.
fn content(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        if entry.file_type().expect("a kind").is_dir() {
            all.push((entry.path(), Vec::new()));
            all.extend(content(&entry.path()));
        } else {
            all.push((entry.path(), fs::read(entry.path()).unwrap_or_default()));
        }
    }
    all.sort();
    all
}

// What is read is not replaced.

#[test]
fn no_command_writes_over_what_it_reads() {
    let file = "[data]\nfile = \"forest-odds-ratio.csv\"\nrows = \"counts\"\ncolumns = { subgroup = \"sex\", control_events = \"y0\", control_total = \"n0\", active_events = \"y1\", active_total = \"n1\" }\n";
    let named = "[priors.other]\nfrom = [\"other.toml\"]\nweight = 0.5\n";
    let desk = Desk::with(&format!("{START}{file}{PRIOR}{named}"));
    fs::write(desk.at("forest-odds-ratio.csv"), "sex,y0,n0,y1,n1\nmen,8,40,4,41\nwomen,5,30,6,29\n")
        .expect("written");
    fs::write(
        desk.at("other.toml"),
        model().replace("total = 40", "total = 44").replace("total = 30", "total = 33"),
    )
    .expect("written");
    let decision = "[decision]\nquestion = \"Which?\"\n[[outcome]]\nmodel = \"other.toml\"\n";
    fs::write(desk.at("decision.toml"), decision).expect("written");
    let said = &["is read by this command and would be replaced", "name another file"];
    for page in ["model.toml", "./forest-odds-ratio.csv", "other.toml"] {
        desk.refuses(&["report", "model.toml", "-o", page], said);
        desk.refuses(&["fit", "model.toml", "--report", page], said);
    }
    for page in ["decision.toml", "other.toml"] {
        desk.refuses(&["report", "decision.toml", "-o", page], said);
    }
    desk.refuses(&["report", "model.toml", "--figures", "."], said);
    desk.refuses(
        &[
            "new",
            "forest-odds-ratio.csv",
            "--assignment",
            "randomised",
            "--higher-is",
            "worse",
            "-o",
            "model.toml",
        ],
        &["exists"],
    );
    // A run's files, by its folder and as a model.
    assert!(
        desk.run(&["fit", "other.toml", "--out", "run", "--draws", "100", "--show-unreliable"]).status.code()
            != Some(1)
    );
    for name in ["result.json", "model.toml", "run.json", "draws_parameters.csv"] {
        desk.refuses(&["report", "run", "-o", &format!("run/{name}")], said);
    }
    desk.refuses(
        &["fit", "run/model.toml", "--out", "run"],
        &["this folder is replaced whole", "run/model.toml is read"],
    );
}

#[test]
fn only_a_run_is_taken_for_an_earlier_run() {
    let desk = Desk::with(&model());
    let make = |folder: &str, files: &[(&str, &str)]| {
        fs::create_dir_all(desk.at(folder)).expect("made");
        for (name, text) in files {
            fs::write(desk.at(folder).join(name), text).expect("written");
        }
    };
    make("own", &[("model.toml", "title = \"mine\"")]);
    make("folders/result.json", &[("thesis.txt", "years of work")]);
    make("other", &[("result.json", "{\"schema\": \"another\"}")]);
    make("none", &[("result.json", "no JSON")]);
    make("more", &[("result.json", "{\"schema\": \"equipoise/result/1\"}"), ("notes.txt", "mine")]);
    make("linked", &[("result.json", "{\"schema\": \"equipoise/result/1\"}")]);
    std::os::unix::fs::symlink(desk.at("model.toml"), desk.at("linked/model.toml")).expect("linked");
    for folder in ["own", "folders", "other", "none", "more", "linked"] {
        desk.refuses(&["fit", "model.toml", "--out", folder], &["something other than a run"]);
    }
    // The link's own name is nobody's to replace either.
    std::os::unix::fs::symlink(desk.at("nowhere"), desk.at("dangling")).expect("linked");
    desk.refuses(&["fit", "model.toml", "--out", "dangling"], &["a symbolic link"]);
    make("empty", &[]);
    make("run", &[("result.json", "{\"schema\": \"equipoise/result/1\"}"), ("model.toml", "")]);
    for folder in ["empty", "run", "new/run"] {
        let output = desk.run(&["fit", "model.toml", "--engine", "exact", "--out", folder]);
        assert!(output.status.success(), "{}", words(&output.stderr));
        assert!(desk.at(folder).join("run.json").is_file());
    }
}

/// Interrupts a fit that would take minutes.
fn interrupted(desk: &Desk) -> Output {
    let child = desk
        .command(&[
            "fit",
            "model.toml",
            "--out",
            "run",
            "--draws",
            "3000000",
            "--save",
            "none",
            "--threads",
            "1",
            "--report",
            "page.html",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("started");
    std::thread::sleep(Duration::from_millis(1500));
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(sent.expect("sent").success());
    child.wait_with_output().expect("ended")
}

#[test]
fn an_interrupted_run_does_not_replace_a_finished_one() {
    let desk = Desk::with(&model());
    // Where there is none it is kept, and the next interrupted one replaces it.
    for _ in 0..2 {
        assert_eq!(interrupted(&desk).status.code(), Some(130));
        let result = fs::read_to_string(desk.at("run/result.json")).expect("written");
        assert!(result.contains("\"stopped\": \"interrupted\""));
        assert!(!desk.at("page.html").exists());
    }
    let finished = desk.run(&["fit", "model.toml", "--out", "run"]);
    assert!(finished.status.success(), "{}", words(&finished.stderr));
    let before = content(&desk.at("run"));
    let output = interrupted(&desk);
    let told = words(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{told}");
    assert!(
        told.contains("run holds a finished run and stays as it is. This one was interrupted: written to"),
        "{told}"
    );
    assert_eq!(content(&desk.at("run")), before);
    let beside = fs::read_to_string(desk.at("run-interrupted/result.json")).expect("written beside");
    assert!(beside.contains("\"stopped\": \"interrupted\""));
    assert!(!desk.at("page.html").exists());
}

/// The files of a run by name; the one that tells when it was is left out.
fn run_files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = content(folder);
    files.retain(|(path, _)| path.file_name() != Some(OsStr::new("run.json")));
    files.iter_mut().for_each(|(path, _)| *path = path.file_name().expect("a name").into());
    files
}

fn hidden_names(folder: &Path) -> Vec<std::ffi::OsString> {
    let names = fs::read_dir(folder).expect("a folder").flatten().map(|e| e.file_name());
    names.filter(|name| name.to_string_lossy().starts_with('.')).collect()
}

#[test]
fn a_program_killed_at_any_moment_leaves_one_whole_run() {
    // Two runs that have no file in common.
    let desk = Desk::with(&model());
    let other = model().replace("A small", "Another").replace("total = 40", "total = 44");
    fs::write(desk.at("other.toml"), other).expect("written");
    let arguments = |which: usize, out| {
        let model = ["model.toml", "other.toml"][which];
        ["fit", model, "--out", out, "--draws", "500", "--show-unreliable"]
    };
    let mut took = Duration::ZERO;
    let whole = [0, 1].map(|which| {
        let begun = Instant::now();
        assert_ne!(desk.run(&arguments(which, "whole")).status.code(), Some(1));
        took = begun.elapsed();
        run_files(&desk.at("whole"))
    });
    let names = |k: usize| whole[k].iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(0), names(1));
    assert!(names(0).len() >= 4);
    assert!(whole[0].iter().zip(&whole[1]).all(|(a, b)| a.1 != b.1));
    desk.run(&arguments(0, "run"));
    let (mut there, mut left, mut replaced) = (0, 0, 0);
    for k in 0..40_u32 {
        let mut command = desk.command(&arguments(1 - there, "run"));
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("started");
        if k < 16 {
            std::thread::sleep(took * k / 15);
        } else {
            // More densely from when the first file is begun on; what an earlier one left is swept up before.
            let before = hidden_names(desk.0.path());
            while hidden_names(desk.0.path()).iter().all(|name| before.contains(name))
                && child.try_wait().expect("a child").is_none()
            {}
            std::thread::sleep(Duration::from_micros(100) * (k - 16));
        }
        // The signal that no program can refuse; one that has ended by now needs none.
        child.kill().expect("killed");
        child.wait().expect("ended");
        left += usize::from(!hidden_names(desk.0.path()).is_empty());
        let found = run_files(&desk.at("run"));
        let which = whole.iter().position(|w| *w == found);
        let which = which.unwrap_or_else(|| panic!("killed at moment {k}, neither run is whole: {found:?}"));
        replaced += usize::from(which != there);
        there = which;
        for name in ["run.json", "result.json"] {
            let text = fs::read(desk.at("run").join(name)).expect("read");
            assert!(serde_json::from_slice::<serde_json::Value>(&text).is_ok(), "{name}, moment {k}");
        }
        // What is left lies hidden until a run that is not killed: here every fourth.
        if k % 4 == 3 {
            assert_ne!(desk.run(&arguments(there, "run")).status.code(), Some(1));
            assert!(hidden_names(desk.0.path()).is_empty(), "moment {k}");
            assert_eq!(run_files(&desk.at("run")), whole[there]);
        }
    }
    println!("{left} of 40 left a hidden folder, {replaced} came to the end");
    assert!(left > 0);
}

#[test]
fn what_can_not_be_written_is_told_before_the_work() {
    let desk = Desk::with(&model());
    desk.refuses(
        &["fit", "model.toml", "--report", "none/page.html"],
        &["can't write none/page.html: there is no such folder"],
    );
    desk.refuses(&["report", "model.toml", "-o", "none/page.html"], &["there is no such folder"]);
    desk.refuses(&["report", "model.toml", "--figures", "model.toml/figures"], &["can't make the folder"]);
    desk.refuses(&["fit", "model.toml", "--out", "model.toml/run"], &["can't be written"]);
    desk.refuses(
        &["fit", "model.toml", "--out", "run", "--report", "run/page.html"],
        &["run/page.html lies in the run folder", "name a file beside it"],
    );
}

// Paths, devices, pipes.

#[test]
fn paths_need_not_be_utf8() {
    let desk = Desk::with(&model());
    let name = |bytes: &'static [u8]| OsStr::from_bytes(bytes);
    fs::create_dir(desk.at(name(b"caf\xe9"))).expect("made");
    fs::rename(desk.at("model.toml"), desk.at(name(b"caf\xe9/n\xff.toml"))).expect("moved");
    let path = name(b"caf\xe9/n\xff.toml");
    let word = OsStr::new;
    for arguments in [
        vec![word("check"), path],
        vec![word("fit"), path, word("--engine"), word("exact"), word("--out"), name(b"caf\xe9/run")],
        vec![word("report"), name(b"caf\xe9/run"), word("-o"), name(b"caf\xe9/p\xff.html")],
        vec![word("decide"), path],
    ] {
        let output = desk.run(&arguments);
        assert!(output.status.success(), "{arguments:?}\n{}", words(&output.stderr));
    }
    assert!(desk.at(name(b"caf\xe9/p\xff.html")).is_file());
    fs::write(desk.at(name(b"caf\xe9/d\xff.csv")), "outcome,arm,subgroup\n1,1,a\n0,0,a\n1,0,b\n0,1,b\n")
        .expect("written");
    let new = [
        word("new"),
        name(b"caf\xe9/d\xff.csv"),
        word("--assignment"),
        word("randomised"),
        word("--higher-is"),
        word("worse"),
    ];
    desk.refuses(&new, &["a model file can name no such path"]);
}

#[test]
fn a_model_file_is_bounded_wherever_it_comes_from() {
    let desk = Desk::with(&model());
    let piped = |bytes: &str| {
        let script = format!("{bytes} | \"$0\" check /dev/stdin");
        let program = assert_cmd::cargo::cargo_bin("equipoise");
        Command::new("sh")
            .current_dir(desk.0.path())
            .args(["-c", &script])
            .arg(program)
            .output()
            .expect("run")
    };
    assert!(piped("cat model.toml").status.success());
    let output = piped("(cat model.toml; head -c 20000000 /dev/zero | tr '\\0' '#')");
    assert_eq!(output.status.code(), Some(1));
    assert!(words(&output.stderr).contains("more than 16 MB"), "{}", words(&output.stderr));
    desk.refuses(&["check", "/dev/zero"], &["more than 16 MB"]);
}

#[test]
fn an_output_that_takes_nothing_is_an_error_of_every_command() {
    let desk = Desk::with(&model());
    for arguments in
        [&["--help"][..], &["fit", "--help"], &["--version"], &["list"], &["man"], &["check", "model.toml"]]
    {
        let full = fs::File::options().write(true).open("/dev/full").expect("a device");
        let output = desk.command(arguments).stdout(full).output().expect("run");
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(words(&output.stderr).contains("can't write to standard output"), "{arguments:?}");
    }
}

#[test]
fn no_thread_to_be_had_is_an_error() {
    let desk = Desk::with(&model());
    for arguments in [
        &["fit", "model.toml"][..],
        &["check", "model.toml"],
        &["compare", "model.toml"],
        &["report", "model.toml"],
        &["decide", "model.toml"],
        &[],
    ] {
        // A stack that no machine has.
        let output = desk.command(arguments).env("RUST_MIN_STACK", "100000000000000").output().expect("run");
        let told = words(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}\n{told}");
        assert!(told.contains("the system starts no more threads") && !told.contains("panicked"), "{told}");
    }
}

#[test]
fn a_draft_that_check_would_refuse_is_not_written() {
    let desk = Desk::with(&model());
    // A covariate that never varies.
    fs::write(desk.at("trial.csv"), "outcome,arm,subgroup,age\n1,1,a,5\n0,0,a,5\n1,0,b,5\n0,1,b,5\n")
        .expect("written");
    let new = ["new", "trial.csv", "--assignment", "randomised", "--higher-is", "worse"];
    let check = desk.run(&[&new[..], &["-o", "plain.toml"]].concat());
    assert!(check.status.success(), "{}", words(&check.stderr));
    assert!(desk.run(&["check", "plain.toml"]).status.success());
    desk.refuses(&[&new[..], &["--adjust", "age"]].concat(), &["it is not written"]);
    desk.refuses(&[&new[..], &["--adjust", "age", "-o", "adjusted.toml"]].concat(), &["it is not written"]);
}

/// Random numbers, the same every time.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n.max(1)
    }

    fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }
}

/// Names of columns and of subgroups, as people have them and as nobody should.
const NAMES: [&str; 24] = [
    "men",
    "women",
    " men",
    "men ",
    "Men",
    "1",
    "2",
    "01",
    "1.0",
    "-3",
    "1e3",
    "true",
    "ST-elevation",
    "< 60 years",
    "\"quoted\"",
    "it's",
    "'both' \"kinds\"",
    "\"\"\"three\"\"\" '''",
    "back\\slash",
    "a = b # c",
    "Müller, \u{65e5}\u{672c}",
    "\u{645}\u{6cc}\u{200c}\u{62e}",
    "[data]",
    "two\nlines",
];

/// A table of patients, and what is said of it.
fn table(random: &mut Random) -> (Vec<u8>, Vec<String>) {
    let usual = random.below(2) == 0;
    let mut names = ["outcome", "arm", "subgroup", "age", "site", "same"].map(str::to_string);
    if !usual {
        names.iter_mut().enumerate().for_each(|(k, name)| *name = format!("{}{k}", random.of(&NAMES)));
    }
    if random.below(20) == 0 {
        names[3] = names[4].clone();
    }
    let [no, yes] = [["0", "1"], ["no", "yes"], ["alive", "dead"], ["a\"b", "c'd"]][random.below(4)];
    let [control, active] = [["0", "1"], ["placebo", "drug"], ["C", "T"], ["2", "1"]][random.below(4)];
    let groups: Vec<&str> = (0..=random.below(4)).map(|_| random.of(&NAMES)).collect();
    let empty = random.below(3) == 0;
    let one_sided = random.below(4) == 0;
    let delimiter = [b',', b';', b'\t'][random.below(3)];
    let mut out = csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
    out.write_record(&names).expect("written");
    for _ in 0..4 + random.below(40) {
        let group = groups[random.below(groups.len())];
        let arm = if (one_sided && group == groups[0]) || random.below(2) == 0 { control } else { active };
        let outcome = if random.below(3) == 0 { yes } else { no };
        let (age, site) = ((40 + random.below(50)).to_string(), random.of(&["a", "b", "c \"d\""]));
        let mut row = [outcome, arm, group, &age, site, "5"];
        if empty && random.below(4) == 0 {
            row[random.below(6)] = random.of(&["", " ", "NA", "."]);
        }
        out.write_record(row).expect("written");
    }
    let mut said = vec!["--assignment".to_string(), random.of(&["randomised", "observational"]).to_string()];
    said.extend(["--higher-is".to_string(), random.of(&["worse", "better"]).to_string()]);
    if !usual {
        let flags = ["--outcome", "--treatment", "--subgroup"];
        said.extend(flags.iter().zip(&names).map(|(flag, name)| format!("{flag}={name}")));
    }
    if random.below(3) > 0 {
        said.extend([format!("--event={yes}"), format!("--control={control}")]);
    }
    if random.below(3) == 0 {
        said.push(format!("--adjust={}", names[3 + random.below(3)]));
    }
    if random.below(4) == 0 {
        said.push(format!("--centre={}", names[4]));
    }
    (out.into_inner().expect("written"), said)
}

#[test]
fn what_new_writes_check_takes() {
    let mut random = Random(1);
    let (mut written, mut refused) = (0, Vec::new());
    for k in 0..300 {
        let desk = Desk::with(&model());
        let (table, said) = table(&mut random);
        let strange = ["a trial, \"2\".csv", "it's # one.csv", "back\\slash.csv", "t\nwo.csv"];
        let data = if random.below(3) == 0 { random.of(&strange) } else { "trial.csv" };
        let out = random.of(&["new.toml", "models/new.toml", "models/it's \"new\".toml"]);
        fs::write(desk.at(data), &table).expect("written");
        fs::create_dir(desk.at("models")).expect("made");
        let mut new = ["new", data, "-o", out].map(str::to_string).to_vec();
        new.extend(said);
        let output = desk.run(&new);
        let told = words(&output.stderr);
        let shown = || format!("table {k}, {new:?}\n{}\n{told}", words(&table));
        if output.status.success() {
            written += 1;
            let check = desk.run(&["check", out]);
            let text = fs::read_to_string(desk.at(out)).expect("written");
            assert!(check.status.success(), "{}\n{text}\n{}", shown(), words(&check.stderr));
        } else {
            assert_eq!(output.status.code(), Some(1), "{}", shown());
            assert!(!desk.at(out).exists() && told.starts_with("error: "), "{}", shown());
            refused.push(told);
        }
    }
    println!("{written} written\n{}", refused.join("\n"));
    assert!(written >= 100, "{written} of 300 were written");
}

// Limits.

#[test]
fn limits_are_told_before_the_work() {
    let refused = |model: String, told: &[&str]| Desk::with(&model).refuses(&["fit", "model.toml"], told);
    let long = "x".repeat(1_000_000);
    for (from, to) in
        [("\"men\"", "subgroup 1"), ("\"drug\"", "`treatment.active`"), ("\"death\"", "`outcome.name`")]
    {
        let text = model().replacen(from, &format!("\"{}\"", &long[..10_000]), 1);
        refused(text, &[to, "has 10000 characters, more than 200"]);
    }
    refused(model().replace("A small trial", &long), &["`title` has 1000000 characters, more than 20000"]);
    let mixture: Vec<String> = (0..51).map(|k| format!("{} * normal(0, 1.{k})", 1.0 / 51.0)).collect();
    refused(
        model().replace("normal(0, 0.355)", &mixture.join(" + ")),
        &["a mixture of 51 normals", "at most 50"],
    );
    let thresholds: Vec<String> = (0..100_000).map(|k| format!("{}", 1.5 + f64::from(k))).collect();
    refused(
        model() + &format!("[thresholds]\nodds_ratio = [{}]\n", thresholds.join(",")),
        &["100000 thresholds on the odds ratio", "at most 100"],
    );
    let row = |g: usize| {
        format!(
            "{{ subgroup = \"g{g}\", control = {{ events = 1, total = 9 }}, active = {{ events = 2, total = 9 }} }},\n"
        )
    };
    let rows: String = (0..20_000).map(row).collect();
    refused(format!("{START}[data]\ncounts = [{rows}]\n{PRIOR}"), &["20000 subgroups", "at most 500"]);
}

#[test]
fn a_table_of_counts_is_read_in_time_that_grows_with_it() {
    let columns = "columns = { subgroup = \"site\", arm = \"arm\", events = \"events\", total = \"total\" }\nlevels = { control = \"N\", active = \"Y\" }\n";
    let of = |adjust: &str| {
        format!("{START}[data]\nfile = \"table.csv\"\nrows = \"counts\"\n{columns}{adjust}{PRIOR}")
    };
    let desk = Desk::with(&of("[model]\nadjust = [\"age\"]\n"));
    let mut names = "site,arm,events,total,age\n".to_string();
    for g in 0..200_000 {
        let _ = write!(names, "s{g},N,1,10,{0}\ns{g},Y,2,10,{0}\n", g % 50);
    }
    fs::write(desk.at("table.csv"), names).expect("written");
    desk.refuses(&["check", "model.toml"], &["table.csv, row 1002", "more than 500 subgroups"]);
    let desk = Desk::with(&of(""));
    let wide = |columns: usize| {
        let mut text = "site,arm,events,total".to_string();
        (0..columns).for_each(|k| {
            let _ = write!(text, ",c{k}");
        });
        for row in ["a,N,1,10", "a,Y,2,10"] {
            text += &format!("\n{row}{}", ",1".repeat(columns));
        }
        fs::write(desk.at("table.csv"), text).expect("written");
    };
    wide(90_000);
    let begun = Instant::now();
    assert!(desk.run(&["check", "model.toml"]).status.success());
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    wide(200_000);
    desk.refuses(&["check", "model.toml"], &["200004 columns, and at most 100000"]);
}

#[test]
fn a_result_that_was_tampered_with_asks_for_no_more_than_fit_would() {
    let desk = Desk::with(&model());
    assert_ne!(desk.run(&["fit", "model.toml", "--out", "run", "--draws", "100"]).status.code(), Some(1));
    let path = desk.at("run/result.json");
    let result = fs::read_to_string(&path).expect("written");
    let tampered =
        result.replace("\"draws\": 100", "\"draws\": 10000000").replace("\"chains\": 4", "\"chains\": 64");
    assert_ne!(tampered, result);
    fs::write(&path, tampered).expect("written");
    desk.refuses(&["report", "run", "-o", "page.html"], &["run/result.json", "more than are kept"]);
}

// What words hold.

#[test]
fn no_word_of_a_file_is_obeyed_by_a_terminal() {
    let hostile = "a\\u001b[31m\\u202e\\u0007";
    let whole = format!(
        "{}note = \"fine\"\ncitation = [\"one\"]\n{COUNTS}[subgroup]\nname = \"sex\"\n{PRIOR}",
        START
    );
    for (from, to) in [
        ("A small trial", "A small trial"),
        ("fine", "fine"),
        ("one\"", "one"),
        ("\"death", "death"),
        ("\"the drug", "the drug"),
        ("\"placebo", "placebo"),
        ("\"men", "men"),
        ("\"sex", "sex"),
    ] {
        let text = whole.replacen(from, &from.replace(to, &format!("{to}{hostile}")), 1);
        assert_ne!(text, whole);
        Desk::with(&text).refuses(&["fit", "model.toml"], &["holds a control character, U+001B"]);
    }
    // Raw in a file that is no TOML, in a data file, and in a path.
    for (name, text) in [
        ("model.toml", "title = \"\u{1b}[31m\u{9b}31m\u{202e}\""),
        ("data.csv", "\u{1b}[31m,arm\u{9b}\n1,2\n"),
    ] {
        let desk = Desk::with(text);
        fs::write(desk.at(name), text).expect("written");
        let output = match name {
            "model.toml" => desk.run(&["check", name]),
            _ => desk.run(&["new", name, "--assignment", "randomised", "--higher-is", "worse"]),
        };
        let told = words(&output.stderr);
        assert_eq!(output.status.code(), Some(1));
        assert!(!told.contains(['\u{1b}', '\u{9b}', '\u{202e}']), "{told:?}");
    }
    let told = words(&Desk::with("").run(&["check", "no\u{1b}[31mne"]).stderr);
    assert!(!told.contains('\u{1b}'), "{told:?}");
}

#[test]
fn names_that_people_have_are_shown_as_they_are() {
    let [persian, family] = ["می\u{200c}خواهم", "👨\u{200d}👩\u{200d}👧"];
    let desk = Desk::with(
        &model().replace("\"men\"", &format!("\"{persian}\"")).replace("\"women\"", &format!("\"{family}\"")),
    );
    let output = desk.run(&["check", "model.toml"]);
    let told = words(&output.stdout);
    assert!(output.status.success() && told.contains(persian) && told.contains(family), "{told}");
}

#[test]
fn no_name_is_a_formula_in_a_spreadsheet() {
    let text = model()
        .replace("\"men\"", "\"=1+1\"")
        .replace("\"women\"", "\"@sum\"")
        .replace("A small trial", "=2+2");
    let desk = Desk::with(&format!("illustrative = true\n{text}"));
    let mut texts = Vec::new();
    for command in ["fit", "check", "compare", "decide"] {
        let output = desk.run(&[command, "model.toml", "--format", "csv"]);
        assert!(output.status.success(), "{}", words(&output.stderr));
        texts.push(words(&output.stdout));
    }
    assert!(desk.run(&["report", "model.toml", "--figures", "figures"]).status.success());
    let files = content(&desk.at("figures")).into_iter().chain(content(&desk.at("runs")));
    let files: Vec<_> = files.filter(|(path, _)| path.extension().is_some_and(|e| e == "csv")).collect();
    assert!(files.len() > 4);
    texts.extend(files.into_iter().map(|(_, bytes)| words(&bytes)));
    let mut inert = 0;
    for text in texts {
        let mut rows =
            csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
        for cell in
            rows.records().flat_map(|row| row.expect("a row").iter().map(str::to_string).collect::<Vec<_>>())
        {
            let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && cell.parse::<f64>().is_err();
            assert!(!formula, "{cell}");
            inert += usize::from(cell == "'=1+1");
        }
    }
    assert!(inert > 10);
}

#[test]
fn wide_priors_print_no_infinity() {
    for prior in
        ["effect = \"normal(0, 1e5)\"", "effect = \"normal(0, 0.355)\"\nbaseline = \"normal(0, 1e5)\""]
    {
        let desk = Desk::with(&model().replace("effect = \"normal(0, 0.355)\"", prior));
        for format in ["text", "json", "csv"] {
            let output = desk.run(&["check", "model.toml", "--format", format]);
            let told = words(&output.stdout).to_lowercase();
            assert!(output.status.success());
            let infinite =
                told.split(|c: char| !c.is_alphanumeric()).any(|w| ["inf", "nan", "infinity"].contains(&w));
            assert!(!infinite, "{told}");
        }
    }
}
