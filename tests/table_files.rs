//! Tables of counts and of estimates by kind of file: CSV, gzipped CSV, Parquet and Excel workbooks give the same fit, and
//! what is wrong in one is told with its row and column.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use assert_cmd::Command;
use parquet::data_type::{ByteArrayType, DoubleType, Int64Type};
use predicates::prelude::*;
use predicates::str::contains;
use sha2::{Digest, Sha256};

use crate::common::files::{
    gzipped, number, parquet_of, plain, present, row, sheet, snappy, texts, words, workbook,
};

fn run(folder: &Path, arguments: &[&str]) -> assert_cmd::assert::Assert {
    Command::cargo_bin("equipoise").expect("built").current_dir(folder).args(arguments).assert()
}

// Models.

const COUNTS: &str = "kind = \"binary\"";
const ESTIMATES: &str = "kind = \"estimate\"\nscale = \"log_odds_ratio\"";

const BY_SUBGROUP: &str = r#"rows = "counts"
columns = { subgroup = "sex", control_events = "y0", control_total = "n0", active_events = "y1", active_total = "n1", active_missing = "m1" }
where = { year = "2020" }
"#;

const BY_ARM: &str = r#"rows = "counts"
columns = { subgroup = "sex", arm = "arm", events = "y", total = "n" }
levels = { control = 0, active = 1 }
"#;

const BY_COVARIATES: &str = r#"rows = "counts"
columns = { subgroup = "sex", arm = "arm", events = "y", total = "n" }
levels = { control = 0, active = 1 }
[model]
adjust = ["age", { column = "stage", reference = "II" }]
"#;

const RATIOS: &str = r#"rows = "estimates"
columns = { subgroup = "trial", ratio = "or", lower = "lower", upper = "upper" }
"#;

const LOGS: &str = r#"rows = "estimates"
columns = { subgroup = "trial", estimate = "log_or", se = "se" }
"#;

fn model(file: &str, kind: &str, data: &str) -> String {
    format!(
        r#"
title = "Invented"
[study]
assignment = "randomised"
[outcome]
name = "death"
higher_is = "worse"
{kind}
[treatment]
name = "drug"
control = "placebo"
active = "drug"
[prior]
effect = "normal(0, 0.355)"
heterogeneity = "half-normal(0.5)"
[data]
file = "{file}"
{data}"#
    )
}

// Tables.

#[derive(Debug, Clone, Copy)]
enum Cell {
    Text(&'static str),
    Whole(i64),
    Real(f64),
    Empty,
}

use Cell::{Empty, Real, Text, Whole};

/// The names of columns, and rows of cells.
struct Table(&'static [&'static str], Vec<Vec<Cell>>);

impl Table {
    fn csv(&self) -> Vec<u8> {
        let mut out = csv::Writer::from_writer(Vec::new());
        out.write_record(self.0).expect("written");
        for cells in &self.1 {
            let texts = cells.iter().map(|cell| match cell {
                Text(text) => text.to_string(),
                Whole(whole) => whole.to_string(),
                Real(real) => real.to_string(),
                Empty => String::new(),
            });
            out.write_record(texts.collect::<Vec<_>>()).expect("written");
        }
        out.into_inner().expect("written")
    }

    /// Whole numbers as such, or as floats, as programs have them whose missing values are no numbers.
    fn parquet(&self, floats: bool) -> Vec<u8> {
        let column = |k: usize| self.1.iter().map(move |cells| cells[k]);
        let kinds: Vec<char> = (0..self.0.len())
            .map(|k| match column(k).find(|cell| !matches!(cell, Empty)) {
                Some(Text(_)) => 't',
                Some(Whole(_)) if !floats => 'w',
                _ => 'r',
            })
            .collect();
        let field = |(kind, name): (&char, &&str)| match kind {
            't' => format!("optional binary {name} (STRING);"),
            'w' => format!("optional int64 {name};"),
            _ => format!("optional double {name};"),
        };
        let schema: String = kinds.iter().zip(self.0).map(field).collect();
        parquet_of(&schema, 1, if floats { plain() } else { snappy() }, |_, k, writer| {
            match kinds[k] {
                't' => {
                    let text = |cell| if let Text(text) = cell { Some(text) } else { None };
                    let (values, levels) = texts(&column(k).map(text).collect::<Vec<_>>());
                    writer.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None)
                }
                'w' => {
                    let whole = |cell| if let Whole(whole) = cell { Some(whole) } else { None };
                    let (values, levels) = present(&column(k).map(whole).collect::<Vec<_>>());
                    writer.typed::<Int64Type>().write_batch(&values, Some(&levels), None)
                }
                _ => {
                    let real = |cell| match cell {
                        Whole(whole) => Some(whole as f64),
                        Real(real) => Some(real),
                        _ => None,
                    };
                    let (values, levels) = present(&column(k).map(real).collect::<Vec<_>>());
                    writer.typed::<DoubleType>().write_batch(&values, Some(&levels), None)
                }
            }
            .expect("written");
        })
    }

    /// A sheet whose whole numbers are kept as any others, as Excel does.
    fn worksheet(&self) -> String {
        let place = |k: usize, at: usize| format!("{}{at}", char::from(b'A' + k as u8));
        let header: String = self.0.iter().enumerate().map(|(k, name)| words(&place(k, 1), name)).collect();
        let mut rows = row(1, &header);
        for (at, cells) in (2..).zip(&self.1) {
            let mut held = String::new();
            for (k, cell) in cells.iter().enumerate() {
                held += &match cell {
                    Text(text) => words(&place(k, at), text),
                    Whole(whole) => number(&place(k, at), &format!("{whole}.0")),
                    Real(real) => number(&place(k, at), &format!("{real:e}")),
                    Empty => String::new(),
                };
            }
            rows += &row(at, &held);
        }
        rows
    }

    fn workbook(&self) -> Vec<u8> {
        sheet(&self.worksheet())
    }
}

fn by_subgroup() -> Table {
    let row =
        |year, sex, counts: [i64; 5]| [Whole(year), Text(sex)].into_iter().chain(counts.map(Whole)).collect();
    Table(
        &["year", "sex", "y0", "n0", "y1", "n1", "m1"],
        vec![
            row(2020, "men", [30, 120, 19, 118, 2]),
            row(2019, "men", [3, 12, 1, 18, 0]),
            row(2020, "women", [22, 95, 21, 99, 0]),
        ],
    )
}

fn by_arm() -> Table {
    let row = |sex, counts: [i64; 3]| [Text(sex)].into_iter().chain(counts.map(Whole)).collect();
    Table(
        &["sex", "arm", "y", "n"],
        vec![
            row("men", [0, 30, 120]),
            row("women", [1, 21, 99]),
            row("women", [0, 22, 95]),
            row("men", [1, 19, 118]),
        ],
    )
}

fn by_covariates() -> Table {
    let mut rows = Vec::new();
    for (k, sex) in ["men", "women", "men", "women", "men", "women"].into_iter().enumerate() {
        for arm in [0, 1] {
            let age = [Real(55.5), Real(0.1 + 0.2), Whole(71)][k / 2];
            let stage = Text(["I", "II", "III"][(k + arm as usize) % 3]);
            rows.push(vec![
                Text(sex),
                Whole(arm),
                Whole(5 + k as i64 - arm),
                Whole(20 + k as i64),
                age,
                stage,
                Empty,
            ]);
        }
    }
    Table(&["sex", "arm", "y", "n", "age", "stage", "note"], rows)
}

fn ratios() -> Table {
    let row = |trial, figures: [f64; 3]| [Text(trial)].into_iter().chain(figures.map(Real)).collect();
    Table(
        &["trial", "or", "lower", "upper"],
        vec![row("A", [0.68, 0.41, 1.12]), row("B", [1.0 / 3.0, 0.1 + 0.1, 0.55]), row("C", [1.2, 0.9, 1.6])],
    )
}

fn logs() -> Table {
    let row = |trial, figures: [f64; 2]| [Text(trial)].into_iter().chain(figures.map(Real)).collect();
    Table(
        &["trial", "log_or", "se"],
        vec![
            row("A", [-0.385_662_480_811_984_6, 1.0 / 7.0]),
            row("B", [0.1 + 0.2, 0.25]),
            row("C", [-1e-7, 0.3]),
        ],
    )
}

// The same fit.

/// What `check` prints, what `fit` prints, and its run folder, without what may differ: the file's name, the checksums of
/// data and model, and when it was.
fn told(name: &str, file: &[u8], kind: &str, data: &str) -> Vec<(String, String)> {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    let model = model(name, kind, data);
    fs::write(here.join(name), file).expect("written");
    fs::write(here.join("model.toml"), &model).expect("written");
    let sum = |bytes: &[u8]| Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect::<String>();
    let plain = |text: String| {
        text.replace(&sum(file), "DATA").replace(&sum(model.as_bytes()), "MODEL").replace(name, "FILE")
    };
    let printed = |arguments: &[&str]| {
        let output = run(here, arguments).get_output().clone();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(matches!(output.status.code(), Some(0 | 2)), "{name}: {error}");
        plain(String::from_utf8(output.stdout).expect("text"))
    };
    let checked = printed(&["check", "model.toml", "--format", "json"]);
    assert!(checked.contains("DATA") && checked.contains("MODEL"), "{checked}");
    let fitted = printed(&[
        "fit",
        "model.toml",
        "--draws",
        "200",
        "--chains",
        "2",
        "--show-unreliable",
        "--out",
        "run",
    ]);
    let mut all = vec![("check".to_string(), checked), ("fit".to_string(), fitted)];
    for entry in fs::read_dir(here.join("run")).expect("a run") {
        let entry = entry.expect("a file");
        let name = entry.file_name().into_string().expect("text");
        if name != "run.json" {
            all.push((name, plain(fs::read_to_string(entry.path()).expect("written"))));
        }
    }
    all.sort();
    assert!(all.len() > 5);
    all
}

fn alike(table: &Table, kind: &str, data: &str) {
    let csv = table.csv();
    let wanted = told("table.csv", &csv, kind, data);
    for (name, file) in [
        ("table.csv.gz", gzipped(&csv)),
        ("table.parquet", table.parquet(false)),
        ("floats.parquet", table.parquet(true)),
        ("table.xlsx", table.workbook()),
        // What a file is shows in its first bytes.
        ("workbook.csv", table.workbook()),
    ] {
        let found = told(name, &file, kind, data);
        for (a, b) in wanted.iter().zip(&found) {
            assert!(a == b, "{name}, {data}\n{}\n{}", a.1, b.1);
        }
        assert_eq!(found.len(), wanted.len());
    }
}

#[test]
fn counts_by_subgroup_are_the_same_from_every_kind_of_file() {
    alike(&by_subgroup(), COUNTS, BY_SUBGROUP);
}

#[test]
fn counts_by_arm_are_the_same_from_every_kind_of_file() {
    alike(&by_arm(), COUNTS, BY_ARM);
}

#[test]
fn counts_by_covariates_are_the_same_from_every_kind_of_file() {
    alike(&by_covariates(), COUNTS, BY_COVARIATES);
}

#[test]
fn estimates_are_the_same_to_the_last_digit_from_every_kind_of_file() {
    alike(&ratios(), ESTIMATES, RATIOS);
    alike(&logs(), ESTIMATES, LOGS);
}

// What is wrong.

/// Checks that a table is refused, with these words.
fn refused(name: &str, file: &[u8], (kind, data): (&str, &str), told: &[&str]) {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    fs::write(here.join(name), file).expect("written");
    fs::write(here.join("model.toml"), model(name, kind, data)).expect("written");
    let mut found = run(here, &["check", "model.toml"]).code(1).stdout("").stderr(contains("panicked").not());
    for words in told {
        found = found.stderr(contains(*words));
    }
}

/// A table with a fault is refused in every kind of file: `place` is the row of data, from 0, and the column.
fn refused_everywhere(table: &Table, (kind, data): (&str, &str), (place, told): ((usize, &str), &[&str])) {
    let (row, column) = place;
    for (name, file, first) in [
        ("table.csv", table.csv(), 2),
        ("table.csv.gz", gzipped(&table.csv()), 2),
        // Without a header line the first row is 1.
        ("table.parquet", table.parquet(false), 1),
        ("table.xlsx", table.workbook(), 2),
    ] {
        let place = format!("{name}, row {}, column `{column}`: ", first + row);
        refused(name, &file, (kind, data), &[&[place.as_str()], told].concat());
    }
}

/// The table with another cell.
fn with(mut table: Table, (row, column): (usize, &str), cell: Cell) -> Table {
    let index = table.0.iter().position(|name| *name == column).expect("a column");
    table.1[row][index] = cell;
    table
}

#[test]
fn a_wrong_count_is_told_with_its_row_and_column() {
    let counts = (COUNTS, BY_SUBGROUP);
    let place = (2, "y0");
    let not = |cell: Cell, told: &[&str]| {
        refused_everywhere(&with(by_subgroup(), place, cell), counts, (place, told));
    };
    not(Whole(-3), &["found -3, expected a count of 0 or more"]);
    not(Whole(2_000_000_000), &["at most a thousand million"]);
    not(Whole(96), &["96 events among 95 patients"]);
    not(Empty, &["the count is missing", "fill it in"]);
    // Rows that are not asked for are not looked at.
    let elsewhere = with(by_subgroup(), (1, "y0"), Whole(-3));
    assert!(!told("table.xlsx", &elsewhere.workbook(), COUNTS, BY_SUBGROUP).is_empty());
    // A column of one type is all of that type.
    let whole = |cell: Cell| (0..3).fold(by_subgroup(), |table, row| with(table, (row, "y0"), cell));
    let first = (0, "y0");
    refused_everywhere(&whole(Real(8.5)), counts, (first, &["found 8.5, expected a whole number"]));
    refused_everywhere(&whole(Real(-0.5)), counts, (first, &["found -0.5, expected a count of 0 or more"]));
    refused_everywhere(&whole(Real(1e20)), counts, (first, &["a count is at most a thousand million"]));
    refused_everywhere(&whole(Real(f64::INFINITY)), counts, (first, &["found inf, expected a whole number"]));
    refused_everywhere(&whole(Text("eight")), counts, (first, &["found `eight`, expected a count"]));
    refused_everywhere(
        &whole(Text("8 of 40")),
        counts,
        (first, &["found `8 of 40`, expected a count", "a column that holds both is named twice"]),
    );
}

#[test]
fn cells_of_a_workbook_that_are_no_counts_are_refused() {
    let with = |cell: &str| {
        let rows = by_subgroup().worksheet();
        let good = number("C4", "22.0");
        assert!(rows.contains(&good));
        sheet(&rows.replace(&good, cell))
    };
    let place = "table.xlsx, row 4, column `y0`: ";
    let no = |cell: &str, told: &str| {
        refused("table.xlsx", &with(cell), (COUNTS, BY_SUBGROUP), &[place, told]);
    };
    no(&words("C4", "twenty"), "found `twenty`, expected a count: a whole number, 0 or more");
    no(&words("C4", "22.000"), "found 22.000, expected a whole number");
    no(r#"<c r="C4" t="b"><v>1</v></c>"#, "found `true`, expected a count");
    no(r#"<c r="C4" s="1"><v>45352</v></c>"#, "found `2024-03-01`, expected a count");
    no(r#"<c r="C4"><f>20+2</f></c>"#, "a formula that was never calculated");
    no(r#"<c r="C4" t="e"><f>1/0</f><v>#DIV/0!</v></c>"#, "cell C4 holds the error #DIV/0!");
    no(r#"<c r="C4" t="e"><f>NA()</f><v>#N/A</v></c>"#, "the count is missing");
    let calculated = with(r#"<c r="C4"><f>20+2</f><v>22</v></c>"#);
    let wanted = told("table.xlsx", &by_subgroup().workbook(), COUNTS, BY_SUBGROUP);
    assert!(told("table.xlsx", &calculated, COUNTS, BY_SUBGROUP) == wanted);
    // The sheet is named where there are several.
    let rows = by_subgroup().worksheet().replace(&number("C4", "22.0"), &number("C4", "-1"));
    refused(
        "table.xlsx",
        &workbook(&[("Counts", false, &rows, ""), ("Notes", false, "", "")], &[]),
        (COUNTS, BY_SUBGROUP),
        &["table.xlsx, sheet `Counts`, row 4, column `y0`: found -1"],
    );
}

#[test]
fn a_subgroup_that_stands_twice_is_told_with_its_row() {
    let counts = (COUNTS, BY_SUBGROUP);
    let mut twice = by_subgroup();
    twice.1.push(twice.1[0].clone());
    refused_everywhere(&twice, counts, ((3, "sex"), &["subgroup `men` stands twice, in rows "]));
    refused("table.csv", &twice.csv(), counts, &["in rows 2 and 5", "[model] adjust"]);
    let mut twice = by_arm();
    twice.1.push(twice.1[1].clone());
    let told = "subgroup `women` has a second row for its active arm";
    refused_everywhere(&twice, (COUNTS, BY_ARM), ((4, "arm"), &[told, "keep one row an arm"]));
    let mut twice = logs();
    twice.1.push(twice.1[2].clone());
    refused_everywhere(&twice, (ESTIMATES, LOGS), ((3, "trial"), &["subgroup `C` stands twice"]));
}

#[test]
fn names_that_are_missing_or_unfit_are_told_with_their_row() {
    let counts = (COUNTS, BY_SUBGROUP);
    let place = (2, "sex");
    let no = |cell: Cell, told: &[&str]| {
        refused_everywhere(&with(by_subgroup(), place, cell), counts, (place, told));
    };
    no(Empty, &["the subgroup is missing"]);
    no(Text("wo\u{7}men"), &["holds a control character, U+0007"]);
    refused(
        "table.csv",
        b"year,sex,y0,n0,y1,n1,m1\n2020,m\x81,1,9,2,9,0\n",
        counts,
        &["table.csv, row 2, column `sex`: this is not UTF-8 text", "save the file as UTF-8"],
    );
    let mut many = "year,sex,y0,n0,y1,n1,m1\n".to_string();
    for k in 0..600 {
        let _ = writeln!(many, "2020,s{k},1,9,2,9,0");
    }
    refused(
        "table.csv.gz",
        &gzipped(many.as_bytes()),
        counts,
        &["table.csv.gz, row 502, column `sex`: more than 500 subgroups"],
    );
}

#[test]
fn arms_that_are_missing_or_unlisted_are_told() {
    let counts = (COUNTS, BY_ARM);
    let no = |cell: Cell, told: &[&str]| {
        refused_everywhere(&with(by_arm(), (3, "arm"), cell), counts, ((3, "arm"), told));
    };
    no(Empty, &["the arm is missing"]);
    let mut one = by_arm();
    one.1.pop();
    for (name, file) in [("table.parquet", one.parquet(true)), ("table.xlsx", one.workbook())] {
        let told = format!("{name}: subgroup `men` has no row for its active arm");
        refused(name, &file, counts, &[&told]);
    }
}

#[test]
fn a_wrong_covariate_of_counts_is_told_with_its_row_and_column() {
    let counts = (COUNTS, BY_COVARIATES);
    let no = |place, cell: Cell, told: &[&str]| {
        refused_everywhere(&with(by_covariates(), place, cell), counts, (place, told));
    };
    no((7, "age"), Empty, &["the age is missing", "a row of counts is not left out"]);
    no((7, "stage"), Empty, &["the stage is missing"]);
    no((7, "y"), Whole(-1), &["found -1, expected a count of 0 or more"]);
}

#[test]
fn a_wrong_estimate_is_told_with_its_row_and_column() {
    let no = |place: (usize, &str), cell: Cell, told: &[&str]| {
        refused_everywhere(&with(ratios(), place, cell), (ESTIMATES, RATIOS), (place, told));
    };
    no((1, "or"), Empty, &["the ratio is missing", "[data.where]"]);
    no((1, "or"), Real(f64::INFINITY), &["found `inf`, expected a number"]);
    no((1, "or"), Real(-0.5), &["a ratio"]);
    no((2, "upper"), Empty, &["the upper bound is missing"]);
    refused(
        "table.csv",
        b"trial,or,lower,upper\nA,\"0,7\",0.4,1.1\n",
        (ESTIMATES, RATIOS),
        &["table.csv, row 2, column `or`: found `0,7`", "write decimals with a point"],
    );
    let place = (0, "log_or");
    let words = (0..3).fold(logs(), |table, row| with(table, (row, "log_or"), Text("-0.4 (-0.9, 0.1)")));
    refused_everywhere(&words, (ESTIMATES, LOGS), (place, &["found `-0.4 (-0.9, 0.1)`"]));
    let none = with(logs(), (1, "se"), Real(0.0));
    refused_everywhere(&none, (ESTIMATES, LOGS), ((1, "se"), &["standard error"]));
}

#[test]
fn columns_that_are_missing_or_nested_are_named() {
    let counts = (COUNTS, BY_SUBGROUP);
    for (name, file) in [
        ("table.csv", by_arm().csv()),
        ("table.csv.gz", gzipped(&by_arm().csv())),
        ("table.parquet", by_arm().parquet(false)),
        ("table.xlsx", by_arm().workbook()),
    ] {
        refused(
            name,
            &file,
            counts,
            &["no column `y0`", "its columns are `sex`, `arm`, `y`, `n`", "model.toml"],
        );
        let years = BY_ARM.to_string() + "where = { year = \"2020\" }\n";
        refused(name, &file, (COUNTS, &years), &["no column `year`"]);
        let others = BY_ARM.to_string() + "where = { sex = \"neither\" }\n";
        refused(name, &file, (COUNTS, &others), &["no row of the data file has `neither` in column `sex`"]);
    }
    let nested = parquet_of(
        "required binary sex (STRING); optional group y0 (LIST) { repeated group list { optional int32 element; } }",
        0,
        snappy(),
        |_, _, _| {},
    );
    refused("table.parquet", &nested, counts, &["table.parquet: column `y0` is nested", "one value a row"]);
    let empty = Table(by_arm().0, Vec::new());
    for (name, file) in [("table.parquet", empty.parquet(false)), ("table.xlsx", empty.workbook())] {
        refused(name, &file, (COUNTS, BY_ARM), &[name, "the file has a header and no rows"]);
    }
    let whole = by_subgroup().parquet(false);
    refused("table.parquet", &whole[..whole.len() / 2], counts, &["cut short or damaged"]);
    refused("table.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", counts, &["an old Excel workbook (.xls)"]);
    refused("table.csv", &[0xff, 0xfe, b's', 0], counts, &["UTF-16", "save it as UTF-8"]);
    let packed = gzipped(&by_subgroup().csv());
    refused("table.csv.gz", &packed[..packed.len() - 9], counts, &["table.csv.gz: can't be read"]);
}

#[test]
#[cfg(unix)]
fn a_table_through_a_pipe_is_read_as_from_its_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let table = "sex,arm,y,n\nmen,0,12,50\nmen,1,6,52\nwomen,0,9,40\nwomen,1,10,41\n";
    fs::write(folder.path().join("table.csv"), table).expect("written");
    let said = |file: &str| {
        fs::write(folder.path().join("model.toml"), model(file, COUNTS, BY_ARM)).expect("written");
        Command::cargo_bin("equipoise")
            .expect("built")
            .current_dir(folder.path())
            .args(["fit", "model.toml", "--engine", "exact"])
            .write_stdin(table)
            .assert()
            .success()
            .get_output()
            .stdout
            .clone()
    };
    assert_eq!(said("/dev/stdin"), said("table.csv"));
}
