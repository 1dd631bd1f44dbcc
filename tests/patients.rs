//! Files of patients: cells, the account of what was read, errors, a first model file.

use std::fmt::Write as _;
use std::fs;
use std::io::Write;
use std::path::Path;

use assert_cmd::Command;
use equipoise::input::open;
use equipoise::posterior::{Engine, Measure, Options, Sampling, analyse};
use equipoise::study::{Data, Study};
use flate2::Compression;
use flate2::write::GzEncoder;
use predicates::prelude::*;
use predicates::str::contains;

fn run(folder: &Path, arguments: &[&str]) -> assert_cmd::assert::Assert {
    Command::cargo_bin("equipoise").expect("built").current_dir(folder).args(arguments).assert()
}

const MODEL: &str = r#"
title = "Invented"
[study]
assignment = "randomised"
[outcome]
name = "death"
kind = "binary"
higher_is = "worse"
[treatment]
name = "drug"
control = "placebo"
active = "drug"
[subgroup]
name = "sex"
[prior]
effect = "normal(0, 0.355)"
heterogeneity = "half-normal(0.5)"
"#;

/// With a data section of its own.
fn model(data: &str) -> String {
    format!("{MODEL}[data]\n{data}\n")
}

const PATIENTS: &str = r#"
file = "trial.csv"
rows = "patients"
missing = "drop"
columns = { outcome = "status", treatment = "arm", subgroup = "sex" }
levels = { event = "dead", no_event = ["alive", "home"], unknown = "?", control = "P", active = ["D1", "D2"], subgroup = { F = "women", M = "men" } }
"#;

/// Events and patients of placebo and drug in women and men.
const CELLS: [[(usize, usize); 2]; 2] = [[(9, 40), (5, 43)], [(12, 51), (14, 48)]];

/// The same as rows, in an order that shuffles all columns, with what is left out.
fn rows(delimiter: char) -> Vec<String> {
    let mut all = Vec::new();
    for (sex, arms) in ["F", "M"].into_iter().zip(CELLS) {
        for (arm, (events, total)) in ["P", "D"].into_iter().zip(arms) {
            for k in 0..total {
                let status = if k < events {
                    "dead"
                } else if k % 2 == 0 {
                    "alive"
                } else {
                    "home"
                };
                let arm = if arm == "P" {
                    "P"
                } else if k % 3 == 0 {
                    "D1"
                } else {
                    "D2"
                };
                all.push([sex, arm, status, "x"].join(&delimiter.to_string()));
            }
        }
    }
    for odd in [["F", "P", "?", "x"], ["M", "D1", "", "x"], ["F", "NA", "dead", "x"], [".", "P", "dead", "x"]]
    {
        all.push(odd.join(&delimiter.to_string()));
    }
    // A fixed shuffle.
    let n = all.len();
    for k in 0..n {
        all.swap(k, (k * 7919 + 13) % n);
    }
    all
}

fn file_of(rows: &[String], delimiter: char) -> String {
    let mut text = ["sex", "arm", "status", "site"].join(&delimiter.to_string());
    for row in rows {
        let _ = write!(text, "\n{row}");
    }
    text + "\n"
}

fn study(folder: &Path, model: &str) -> Study {
    let path = folder.join("trial.toml");
    fs::write(&path, model).expect("written");
    open(&path).unwrap_or_else(|e| panic!("{}", e.render(false)))
}

fn counted() -> String {
    let arm = |(events, total): (usize, usize)| format!("{{ events = {events}, total = {total} }}");
    let row = |(name, [control, active]): (&str, [(usize, usize); 2])| {
        format!("{{ subgroup = \"{name}\", control = {}, active = {} }}", arm(control), arm(active))
    };
    let rows: Vec<String> = ["women", "men"].into_iter().zip(CELLS).map(row).collect();
    model(&format!("counts = [ {} ]", rows.join(", ")))
}

/// Every number of a fit, in full.
fn numbers(study: &Study) -> String {
    let report = analyse(study, Options::default());
    format!("{:?} {:?} {:?}", report.parameters, report.estimates, report.probabilities)
}

#[test]
fn rows_without_covariates_are_their_counts_to_the_last_digit() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    let wanted = numbers(&study(here, &counted()));
    for delimiter in [',', ';', '\t'] {
        let mut order = rows(delimiter);
        for _ in 0..2 {
            fs::write(here.join("trial.csv"), file_of(&order, delimiter)).expect("written");
            let found = study(here, &model(PATIENTS));
            assert!(numbers(&found) == wanted, "{delimiter:?}");
            order.reverse();
        }
    }
    // Gzipped, whatever it is called, with a byte-order mark.
    let mut gzipped = GzEncoder::new(Vec::new(), Compression::default());
    gzipped.write_all(format!("\u{feff}{}", file_of(&rows(','), ',')).as_bytes()).expect("written");
    fs::write(here.join("trial.csv"), gzipped.finish().expect("written")).expect("written");
    assert!(numbers(&study(here, &model(PATIENTS))) == wanted, "gzipped");
}

#[test]
fn the_account_says_what_became_of_every_row() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    fs::write(here.join("trial.csv"), file_of(&rows(','), ',')).expect("written");
    let found = study(here, &model(PATIENTS));
    let file = found.patients.as_ref().expect("patients");
    assert_eq!((file.rows_read, file.rows_used), (186, 182));
    let dropped: Vec<(&str, u64)> = file.dropped.iter().map(|d| (d.why.as_str(), d.rows)).collect();
    assert_eq!(dropped, [("treatment missing", 1), ("subgroup missing", 1), ("outcome unknown", 2)]);
    assert_eq!(file.constant_columns, ["site"]);
    assert!(file.duplicate_columns.is_empty());
    let total: u64 = file.columns.iter().flat_map(|c| &c.levels).map(|l| l.rows).sum();
    let missing: u64 = file.columns.iter().map(|c| c.missing).sum();
    assert_eq!(total + missing, 3 * file.rows_read);
    // Who has no outcome stays known by arm and subgroup, for [bias.missing].
    let Data::Counts(cells) = &found.data else { panic!("counts") };
    assert_eq!(cells.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["women", "men"]);
    assert_eq!((cells[0].control().missing, cells[1].active().missing), (1, 1));
    run(here, &["check", "trial.toml"])
        .success()
        .stdout(contains("trial.csv: 186 rows read, 182 used; 1 treatment missing"))
        .stdout(
            contains("- D1")
                .and(contains("no event"))
                .and(contains("Columns with one value in every row: site.")),
        );
    let json = run(here, &["check", "trial.toml", "--format", "json"]).success();
    let json: serde_json::Value = serde_json::from_slice(&json.get_output().stdout).expect("JSON");
    assert_eq!(json["data"]["audit"]["file"]["rows_used"], 182);
    // Two columns with the same in every row.
    let twice: Vec<String> = file_of(&rows(','), ',')
        .lines()
        .map(|l| {
            format!("{l},{}", if l.starts_with("sex") { "gender" } else { l.split(',').next().unwrap_or("") })
        })
        .collect();
    fs::write(here.join("trial.csv"), twice.join("\n")).expect("written");
    let found = study(here, &model(PATIENTS));
    assert_eq!(
        found.patients.expect("patients").duplicate_columns,
        [["sex".to_string(), "gender".to_string()]]
    );
}

/// Exchanging what counts as an event, with the direction, mirrors everything; the priors are symmetric here.
#[test]
fn direction_is_that_of_the_model_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    fs::write(here.join("trial.csv"), file_of(&rows(','), ',')).expect("written");
    let death = study(here, &model(PATIENTS));
    let mirrored = PATIENTS.replace(
        "event = \"dead\", no_event = [\"alive\", \"home\"]",
        "no_event = \"dead\", event = [\"alive\", \"home\"]",
    );
    assert_ne!(mirrored, PATIENTS);
    let survival = study(here, &model(&mirrored).replace("\"worse\"", "\"better\""));
    let [a, b] = [&death, &survival].map(|s| analyse(s, Options::default()));
    for (p, q) in a.probabilities.iter().zip(&b.probabilities) {
        assert_eq!((p.statement, p.estimand), (q.statement, q.estimand));
        if let (Some(x), Some(y)) = (p.exact, q.exact) {
            let measure = p.estimand.measure;
            let additive = p.threshold == measure.null() || measure == Measure::RiskDifference;
            assert!(!additive || (x - y).abs() < 1e-7, "{p:?} {q:?}");
        }
    }
}

/// Carried out on the trial's rows where they stand.
#[test]
fn the_stroke_trials_rows_give_its_table() {
    let rows = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/ist.csv");
    if !rows.exists() {
        eprintln!("skipped: the trial's patient rows are not here");
        return;
    }
    let shipped = open("ist-aspirin-subtype").expect("shipped");
    let end = shipped.text.find("[[data.counts]]").expect("counts");
    let after = shipped.text.find("[model]").expect("a model");
    let names = [
        ("TACS", "total anterior (TACS)"),
        ("PACS", "partial anterior (PACS)"),
        ("LACS", "lacunar (LACS)"),
        ("POCS", "posterior (POCS)"),
        ("OTH", "other"),
    ];
    let names: Vec<String> = names.iter().map(|(k, v)| format!("{k} = \"{v}\"")).collect();
    let data = format!(
        "[data]\nfile = {:?}\nrows = \"patients\"\nmissing = \"drop\"\ncolumns = {{ outcome = \"OCCODE\", treatment = \"RXASP\", subgroup = \"STYPE\" }}\nlevels = {{ event = [1, 2], no_event = [3, 4], unknown = [0, 9], control = \"N\", active = \"Y\", subgroup = {{ {} }} }}\n\n",
        rows.to_string_lossy(),
        names.join(", ")
    );
    let folder = tempfile::tempdir().expect("a folder");
    let found = study(folder.path(), &format!("{}{data}{}", &shipped.text[..end], &shipped.text[after..]));
    assert!(numbers(&found) == numbers(&shipped), "the trial's rows and its table");
    assert_eq!(found.patients.expect("patients").rows_read, 19_435);
}

/// The same of its factors: rows with a column a factor, one of them cut.
#[test]
fn the_stroke_trials_rows_give_its_crossed_table() {
    let rows = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/ist.csv");
    if !rows.exists() {
        eprintln!("skipped: the trial's patient rows are not here");
        return;
    }
    let shipped = open("ist-aspirin-factors").expect("shipped");
    let start = shipped.text.find("[data]").expect("data");
    let after = shipped.text.find("[model]").expect("a model");
    let data = format!(
        r#"[data]
file = {:?}
rows = "patients"
missing = "drop"
columns = {{ outcome = "OCCODE", treatment = "RXASP", "stroke subtype" = "STYPE", sex = "SEX", age = "AGE" }}

[data.levels]
event = [1, 2]
no_event = [3, 4]
unknown = [0, 9]
control = "N"
active = "Y"

[data.cut]
AGE = [65, 80]

[data.levels.factors]
"stroke subtype" = {{ TACS = "total anterior", PACS = "partial anterior", LACS = "lacunar", POCS = "posterior", OTH = "other" }}
sex = {{ M = "men", F = "women" }}

"#,
        rows.to_string_lossy(),
    );
    let folder = tempfile::tempdir().expect("a folder");
    let found = study(folder.path(), &format!("{}{data}{}", &shipped.text[..start], &shipped.text[after..]));
    assert_eq!(found.factors, shipped.factors);
    let sampling = Sampling { draws: Some(100), ..Sampling::default() };
    let options = Options { engine: Engine::Sampler, sampling, ..Options::default() };
    let medians = |study: &Study| -> Vec<Option<f64>> {
        analyse(study, options).estimates.iter().map(|e| e.reported.median).collect()
    };
    assert!(medians(&found) == medians(&shipped), "the trial's rows and its crossed table");
    assert_eq!(found.patients.expect("patients").rows_read, 19_435);
}

#[test]
fn a_run_of_a_file_can_be_reported_and_a_changed_file_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    fs::create_dir(here.join("work")).expect("made");
    fs::write(here.join("work/trial.csv"), file_of(&rows(','), ',')).expect("written");
    fs::write(here.join("work/trial.toml"), model(PATIENTS)).expect("written");
    run(here, &["fit", "work/trial.toml", "--out", "run", "--report", "with-fit.html"]).success();
    run(here, &["report", "run", "-o", "of-run.html"]).success();
    let [a, b] = ["with-fit.html", "of-run.html"].map(|f| fs::read_to_string(here.join(f)).expect("written"));
    // But for the command that made each.
    let without_command =
        |page: &str| page.lines().filter(|line| !line.contains("To make it again")).collect::<String>();
    assert!(without_command(&a) == without_command(&b) && a.contains("186 rows read, 182 used"));
    fs::write(here.join("work/trial.csv"), file_of(&rows(',')[1..], ',')).expect("written");
    run(here, &["report", "run"]).code(1).stderr(contains("no longer those that were fitted"));
    run(here, &["compare", "work/trial.toml"]).success();
}

#[test]
fn bad_files_are_told_where_and_what() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    let good = file_of(&rows(','), ',');
    let refused = |file: &[u8], data: &str, told: &[&str]| {
        fs::write(here.join("trial.csv"), file).expect("written");
        fs::write(here.join("trial.toml"), model(data)).expect("written");
        let mut found = run(here, &["check", "trial.toml"]).code(1).stderr(contains("panicked").not());
        for words in told {
            found = found.stderr(contains(*words));
        }
    };
    let plain = |data: &str, told: &[&str]| refused(good.as_bytes(), data, told);
    let other = |from: &str, to: &str| {
        assert!(PATIENTS.contains(from), "{from}");
        PATIENTS.replace(from, to)
    };
    plain(&other("missing = \"drop\"", ""), &["`missing` is not stated", "missing = \"drop\""]);
    plain(&other("\"drop\"", "\"error\""), &["trial.csv, row ", " is missing", "missing = \"drop\""]);
    plain(&other("\"drop\"", "\"impute\""), &["unknown value `impute`", "`drop` or `error`"]);
    plain(&other("unknown = \"?\", ", ""), &["column `status`: found `?`", "`dead` (event)", "unknown"]);
    plain(
        &other("\"D1\", \"D2\"", "\"d1\", \"D2\""),
        &["column `arm`: found `D1`", "lists `d1`", "list both"],
    );
    plain(&other(", M = \"men\"", ""), &["column `sex`: found `M`", "[data.where]"]);
    plain(&other("M = \"men\"", "M = \"men\", X = \"others\""), &["no row is of the subgroup `others`"]);
    plain(&other("\"status\"", "\"statsu\""), &["no column `statsu`", "did you mean `status`?"]);
    plain(
        &other("subgroup = \"sex\"", "subgroup = \"status\""),
        &["`outcome` and `subgroup` are the same column"],
    );
    plain(&other(", subgroup = \"sex\"", ""), &["levels of subgroups, and no column of subgroups"]);
    plain(&other("no_event = [\"alive\", \"home\"], ", ""), &["`event` is listed, and `no_event` is not"]);
    plain(&other("\"alive\", \"home\"", "\"alive\", \"dead\""), &["`dead` is both `event` and `no_event`"]);
    plain(&other("unknown = \"?\"", "unknown = \"dead\""), &["`dead` is listed twice"]);
    plain(
        &format!("{PATIENTS}where = {{ site = \"y\" }}"),
        &["no row of the data file has `y` in column `site`"],
    );
    plain(&format!("{PATIENTS}where = {{ arm = \"P\" }}"), &["no row is of the active arm"]);
    plain(&other("file = \"trial.csv\"", "file = \"nowhere.csv\""), &["there is no data file"]);
    plain(&other("\"trial.csv\"", "\".\""), &["this is a folder"]);
    refused(b"", PATIENTS, &["the file is empty"]);
    refused(b"sex,arm,status,site\n", PATIENTS, &["a header and no rows"]);
    refused(b"sex,arm,sex,status\nF,P,F,dead\n", PATIENTS, &["two columns are called `sex`"]);
    refused(b"sex,arm,status,site\nF,P,dead\n", PATIENTS, &["row 2", "3 fields where the header has 4"]);
    refused(b"sex,arm,status,site\nF,P,\x81,x\n", PATIENTS, &["row 2, column `status`", "not UTF-8"]);
    refused(b"PK\x03\x04....", PATIENTS, &["an Excel workbook", "save it as CSV"]);
    refused(b"PAR1....", PATIENTS, &["a Parquet file"]);
    refused(b"sex,arm\0\0\0", PATIENTS, &["a binary file"]);
    refused(&[0xff, 0xfe, b's', 0], PATIENTS, &["UTF-16"]);
    let mut gzipped = GzEncoder::new(Vec::new(), Compression::default());
    // Too long for a first look: what is cut off is met while reading.
    gzipped.write_all(good.clone().as_bytes()).expect("written");
    for k in 0..200_000_u32 {
        gzipped
            .write_all(format!("F,P,dead,{}\n", k.wrapping_mul(2_654_435_761)).as_bytes())
            .expect("written");
    }
    let whole = gzipped.finish().expect("written");
    refused(&whole[..whole.len() / 2], PATIENTS, &["can't be read to its end", "is the file whole?"]);
    // A column of identifiers is no subgroup.
    let mut many = String::from("sex,arm,status,site\n");
    for k in 0..2000 {
        let _ = writeln!(many, "F{k},P,dead,x");
    }
    refused(
        many.as_bytes(),
        &other(", subgroup = { F = \"women\", M = \"men\" }", ""),
        &["more than 500 values", "is it the right one?"],
    );
}

#[test]
fn a_first_model_file_is_one_that_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    fs::write(here.join("trial.csv"), file_of(&rows(','), ',')).expect("written");
    let said = ["--assignment", "randomised", "--higher-is", "worse"];
    let new = |more: &[&str]| run(here, &[&["new", "trial.csv"][..], more, &said].concat());
    new(&[]).code(1).stderr(contains("which column is the subgroup?").and(contains("--subgroup COLUMN")));
    // `arm` and `status` are usual names; their values are not.
    new(&["--subgroup", "sex"]).code(1).stderr(contains("which values of column `status` are which?"));
    let control = ["--subgroup", "sex", "--event", "dead", "--unknown", "?", "--control", "P"];
    new(&control).code(1).stderr(contains("`D1` (32 rows), `D2` (60 rows)").and(contains("--active D1,D2")));
    let whole = [&control[..], &["--active", "D1,D2"]].concat();
    new(&whole).success().stdout(contains("no_event = [\"alive\", \"home\"]"));
    new(&[&whole[..], &["-o", "first.toml"]].concat())
        .success()
        .stderr(contains("equipoise check first.toml"));
    run(here, &["fit", "first.toml"]).success();
    let first = open(here.join("first.toml")).expect("a model");
    let Data::Counts(cells) = &first.data else { panic!("counts") };
    let found =
        |g: usize| [&cells[g].control(), &cells[g].active()].map(|a| (a.events as usize, a.total as usize));
    assert_eq!([found(0), found(1)], CELLS);
    new(&[&whole[..], &["-o", "first.toml"]].concat()).code(1).stderr(contains("first.toml exists"));
    new(&["--outcome", "statsu"]).code(1).stderr(contains("no column `statsu`"));
    new(&["--subgroup", "arm"]).code(1).stderr(contains("the same column"));
    new(&[&control[..], &["--active", "D3"]].concat()).code(1).stderr(contains("no value `D3`"));
    run(here, &["new", "trial.csv", "--higher-is", "worse"]).code(1).stderr(contains("--assignment"));
    run(here, &[&["new", "nowhere.csv"][..], &said].concat()).code(1).stderr(contains("no such file"));
    // Usual names and values need no word; quotes and line breaks in a file's own words stay text.
    let usual = "arm,death,subgroup\n0,1,\"a \"\"b\"\"\"\n1,0,\"a \"\"b\"\"\"\n0,0,c\n1,1,c\n";
    fs::write(here.join("usual.csv"), usual).expect("written");
    run(here, &[&["new", "usual.csv", "-o", "usual.toml"][..], &said].concat()).success();
    run(here, &["check", "usual.toml"]).success();
}
