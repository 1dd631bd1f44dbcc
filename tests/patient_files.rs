//! Files of patients by kind: CSV, gzipped CSV, Parquet and Excel workbooks are read alike, and refused in words.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use assert_cmd::Command;
use equipoise::input::open;
use parquet::basic::Compression;
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DoubleType, FixedLenByteArrayType, Int32Type, Int64Type, Int96,
    Int96Type,
};
use parquet::file::metadata::{ParquetMetaDataReader, ParquetMetaDataWriter};
use parquet::file::properties::WriterProperties;
use predicates::prelude::*;
use predicates::str::contains;
use sha2::{Digest, Sha256};

use crate::common::files::{
    Column, gzipped, number, parquet_of, plain, present, row, sheet, small_pages, snappy, texts, words,
    workbook, zipped,
};

fn run(folder: &Path, arguments: &[&str]) -> assert_cmd::assert::Assert {
    Command::cargo_bin("equipoise").expect("built").current_dir(folder).args(arguments).assert()
}

fn model(name: &str, subgroup: &str) -> String {
    format!(
        r#"
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
[data]
file = "{name}"
rows = "patients"
missing = "drop"
columns = {{ outcome = "dead", treatment = "arm", subgroup = "{subgroup}" }}
levels = {{ event = true, no_event = false, control = 1, active = 2 }}
"#
    )
}

// Patients.

/// One patient: a text, a whole number, a truth, a number that may be missing, a text that may be empty.
struct Patient {
    sex: &'static str,
    arm: i64,
    dead: Option<bool>,
    score: Option<f64>,
    site: Option<&'static str>,
}

const COLUMNS: [&str; 5] = ["sex", "arm", "dead", "score", "site"];

fn patients() -> Vec<Patient> {
    (0..211_u32)
        .map(|k| Patient {
            sex: if k % 3 == 0 { "men" } else { "women" },
            arm: i64::from(k / 3 % 2) + 1,
            dead: (k % 41 != 7).then_some(k * 7919 % 10 < 3),
            score: [Some(1.0), Some(2.0), Some(2.5), Some(1e-7), None][k as usize % 5],
            site: [Some("a"), Some("b, \"c\" & <d>"), Some("  e "), None][k as usize * 5 % 4],
        })
        .collect()
}

impl Patient {
    /// As a CSV file has it.
    fn texts(&self) -> [String; 5] {
        [
            self.sex.to_string(),
            self.arm.to_string(),
            self.dead.map_or_else(String::new, |d| d.to_string()),
            self.score
                .map_or_else(String::new, |s| if s == 1e-7 { "1e-7".to_string() } else { s.to_string() }),
            self.site.unwrap_or_default().to_string(),
        ]
    }
}

fn csv_of(patients: &[Patient]) -> Vec<u8> {
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(COLUMNS).expect("written");
    for patient in patients {
        out.write_record(patient.texts()).expect("written");
    }
    out.into_inner().expect("written")
}

fn parquet_of_patients(patients: &[Patient], rows: usize, properties: WriterProperties) -> Vec<u8> {
    let schema = "optional binary sex (STRING); required int64 arm; optional boolean dead; optional double score; \
        optional binary site (STRING);";
    let groups: Vec<&[Patient]> = patients.chunks(rows).collect();
    parquet_of(schema, groups.len(), properties, |group, index, column| {
        let group = groups[group];
        match index {
            0 | 4 => {
                let of = |p: &Patient| if index == 0 { Some(p.sex) } else { p.site };
                let (values, levels) = texts(&group.iter().map(of).collect::<Vec<_>>());
                column.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None)
            }
            1 => {
                let values: Vec<i64> = group.iter().map(|p| p.arm).collect();
                column.typed::<Int64Type>().write_batch(&values, None, None)
            }
            2 => {
                let (values, levels) = present(&group.iter().map(|p| p.dead).collect::<Vec<_>>());
                column.typed::<BoolType>().write_batch(&values, Some(&levels), None)
            }
            // What is missing is not a number in one group, and null in the next.
            _ => {
                let (values, levels) = present(&group.iter().map(|p| p.score).collect::<Vec<_>>());
                let all: Vec<f64> = group.iter().map(|p| p.score.unwrap_or(f64::NAN)).collect();
                if group[0].arm == 1 {
                    column.typed::<DoubleType>().write_batch(&values, Some(&levels), None)
                } else {
                    column.typed::<DoubleType>().write_batch(&all, Some(&vec![1; all.len()]), None)
                }
            }
        }
        .expect("written");
    })
}

/// The same file, which says that it is compressed otherwise.
fn compressed_otherwise(file: &[u8], compression: Compression) -> Vec<u8> {
    let (data, tail) = file.split_at(file.len() - 8);
    let footer = u32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]) as usize;
    let (data, footer) = data.split_at(data.len() - footer);
    let metadata = ParquetMetaDataReader::decode_metadata(footer).expect("metadata");
    let mut changed = metadata.into_builder();
    for group in changed.take_row_groups() {
        let mut group = group.into_builder();
        for chunk in group.take_columns() {
            let chunk = chunk.into_builder().set_compression(compression).build().expect("a column");
            group = group.add_column_metadata(chunk);
        }
        changed = changed.add_row_group(group.build().expect("a group"));
    }
    let mut out = data.to_vec();
    ParquetMetaDataWriter::new(&mut out, &changed.build()).finish().expect("written");
    out
}

/// From cell B3 on, with an empty row after every tenth.
fn workbook_of_patients(patients: &[Patient]) -> Vec<u8> {
    let names: String = "BCDEF".chars().zip(COLUMNS).map(|(c, name)| words(&format!("{c}3"), name)).collect();
    let mut rows = row(3, &names);
    for (k, patient) in patients.iter().enumerate() {
        let at = 4 + k + k / 10;
        let mut cells = format!(r#"<c r="B{at}" t="s"><v>{}</v></c>"#, u8::from(patient.sex == "men"));
        // Excel keeps whole numbers as any others.
        cells += &number(&format!("C{at}"), &format!("{:.1}", patient.arm as f64));
        if let Some(dead) = patient.dead {
            let _ = write!(cells, r#"<c r="D{at}" t="b"><v>{}</v></c>"#, u8::from(dead));
        }
        cells += &match patient.score {
            Some(score) => number(&format!("E{at}"), &format!("{score:e}")),
            None => format!(r#"<c r="E{at}" t="e"><f>NA()</f><v>#N/A</v></c>"#),
        };
        if let Some(site) = patient.site {
            cells += &words(&format!("F{at}"), site);
        }
        rows += &row(at, &cells);
    }
    let other = row(1, &words("A1", "not read"));
    workbook(
        &[("Before", true, &other, ""), ("Data", false, &rows, ""), ("Notes", false, &other, "")],
        &["women", "men"],
    )
}

// Tests.

/// Every kind of file under every name.
#[test]
fn four_kinds_of_file_are_read_alike() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    let patients = patients();
    let csv = csv_of(&patients);
    let files = [
        ("gzipped", gzipped(&csv)),
        ("Parquet", parquet_of_patients(&patients, patients.len(), snappy())),
        ("Parquet in groups", parquet_of_patients(&patients, 50, plain())),
        ("Parquet in small pages", parquet_of_patients(&patients, 100, small_pages())),
        ("a workbook", workbook_of_patients(&patients)),
    ];
    for name in ["trial.csv", "trial.parquet", "trial.xlsx"] {
        for subgroup in ["sex", "score", "site"] {
            fs::write(here.join("trial.toml"), model(name, subgroup)).expect("written");
            let told = |file: &[u8]| {
                fs::write(here.join(name), file).expect("written");
                let told = |arguments: &[&str]| {
                    let done = run(here, arguments).success();
                    String::from_utf8(done.get_output().stdout.clone()).expect("text")
                };
                let checked = told(&["check", "trial.toml", "--format", "json"]);
                let sum: String = Sha256::digest(file).iter().map(|b| format!("{b:02x}")).collect();
                assert!(checked.contains(&sum));
                let new = ["new", name, "--subgroup", subgroup, "--outcome", "dead", "--control", "1"];
                let new = told(&[&new[..], &["--assignment", "randomised", "--higher-is", "worse"]].concat());
                (checked.replace(&sum, ""), new)
            };
            let wanted = told(&csv);
            assert!(
                wanted.0.contains("\"rows_read\": 211")
                    && wanted.1.contains("# site: a 53, b, \"c\" & <d> 53, e 53")
            );
            for (kind, file) in &files {
                let found = told(file);
                assert_eq!(found.0, wanted.0, "{kind} as {name} by {subgroup}");
                assert_eq!(found.1, wanted.1, "{kind} as {name} by {subgroup}");
            }
        }
    }
}

/// What `new` says of a file's columns.
fn columns_of(here: &Path, file: &[u8]) -> String {
    fs::write(here.join("data"), file).expect("written");
    let done = run(here, &["new", "data", "--assignment", "randomised", "--higher-is", "worse"]).code(1);
    String::from_utf8(done.get_output().stderr.clone()).expect("text")
}

#[test]
fn values_of_a_parquet_file_are_texts() {
    let folder = tempfile::tempdir().expect("a folder");
    let schema = "required int32 day (DATE); required int64 at (TIMESTAMP(MILLIS,false)); \
        required int64 utc (TIMESTAMP(MICROS,true)); required int96 old; required int32 clock (TIME(MILLIS,false)); \
        required int32 money (DECIMAL(9,2)); required fixed_len_byte_array(2) tax (DECIMAL(4,3)); \
        required int32 u (INTEGER(32,false)); required binary blob; optional int32 none;";
    let file = parquet_of(schema, 1, snappy(), |_, index, column| {
        let int = |column: &mut Column<'_>, values: &[i32]| {
            column.typed::<Int32Type>().write_batch(values, None, None).expect("written");
        };
        let long = |column: &mut Column<'_>, values: &[i64]| {
            column.typed::<Int64Type>().write_batch(values, None, None).expect("written");
        };
        match index {
            0 => int(column, &[0, 19_783]),
            1 => long(column, &[86_400_000, 86_400_250]),
            2 => long(column, &[0, -1]),
            3 => {
                let mut midnight = Int96::new();
                midnight.set_data(0, 0, 2_440_588);
                let mut later = Int96::new();
                later.set_data(1_000_000_000, 0, 2_440_589);
                column.typed::<Int96Type>().write_batch(&[midnight, later], None, None).expect("written");
            }
            4 => int(column, &[45_000_000, 1]),
            5 => int(column, &[150, -100]),
            6 => {
                let values = [vec![0x00, 0x0a], vec![0xff, 0xff]].map(|v| ByteArray::from(v).into());
                column.typed::<FixedLenByteArrayType>().write_batch(&values, None, None).expect("written");
            }
            7 => int(column, &[-1, 1]),
            8 => {
                let values = ["x", " y "].map(ByteArray::from);
                column.typed::<ByteArrayType>().write_batch(&values, None, None).expect("written");
            }
            _ => {
                column.typed::<Int32Type>().write_batch(&[], Some(&[0, 0]), None).expect("written");
            }
        }
    });
    let told = columns_of(folder.path(), &file);
    for wanted in [
        "day (1970-01-01 1, 2024-03-01 1)",
        "at (1970-01-02 1, 1970-01-02 00:00:00.25 1)",
        "utc (1969-12-31 23:59:59.999999Z 1, 1970-01-01 00:00:00Z 1)",
        "old (1970-01-01 1, 1970-01-02 00:00:01 1)",
        "clock (00:00:00.001 1, 12:30:00 1)",
        "money (-1 1, 1.5 1)",
        "tax (-0.001 1, 0.01 1)",
        "u (1 1, 4294967295 1)",
        "blob (x 1, y 1)",
        "none (; 2 missing)",
    ] {
        assert!(told.contains(wanted), "{wanted}\n{told}");
    }
}

#[test]
fn values_of_a_workbook_are_texts() {
    let folder = tempfile::tempdir().expect("a folder");
    let names = ["day", "at", "clock", "long", "whole", "part", "text", "sum"];
    let header: String =
        "ABCDEFGH".chars().zip(names).map(|(c, name)| words(&format!("{c}1"), name)).collect();
    let styled =
        |place: &str, style: u8, value: &str| format!(r#"<c r="{place}" s="{style}"><v>{value}</v></c>"#);
    let cells = [
        styled("A2", 1, "45352"),
        styled("B2", 1, "45352.5"),
        styled("C2", 1, "0.25"),
        styled("D2", 2, "1.5"),
        number("E2", "3.0"),
        number("F2", "0.1"),
        words("G2", "  a b "),
        r#"<c r="H2"><f>1+1</f><v>2</v></c>"#.to_string(),
    ];
    let told = columns_of(folder.path(), &sheet(&(row(1, &header) + &row(2, &cells.concat()))));
    for wanted in [
        "day (2024-03-01 1)",
        "at (2024-03-01 12:00:00 1)",
        "clock (06:00:00 1)",
        "long (36:00:00 1)",
        "whole (3 1)",
        "part (0.1 1)",
        "text (a b 1)",
        "sum (2 1)",
    ] {
        assert!(told.contains(wanted), "{wanted}\n{told}");
    }
}

/// Checks that a file is refused, with these words.
fn refused(here: &Path, file: &[u8], told: &[&str]) {
    fs::write(here.join("trial.csv"), file).expect("written");
    fs::write(here.join("trial.toml"), model("trial.csv", "sex")).expect("written");
    let mut found = run(here, &["check", "trial.toml"]).code(1).stderr(contains("panicked").not());
    for words in told {
        found = found.stderr(contains(*words));
    }
    run(here, &["new", "trial.csv", "--assignment", "randomised", "--higher-is", "worse"]).code(1);
}

#[test]
fn parquet_files_that_are_not_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let no = |file: &[u8], told: &[&str]| refused(folder.path(), file, told);
    let patients = patients();
    let good = parquet_of_patients(&patients, 100, snappy());
    let schema_only = |schema: &str| parquet_of(schema, 0, snappy(), |_, _, _| {});
    for (compression, name) in [
        (Compression::ZSTD(Default::default()), "zstd"),
        (Compression::BROTLI(Default::default()), "brotli"),
        (Compression::LZ4_RAW, "lz4"),
        (Compression::LZO, "lzo"),
    ] {
        let told =
            [&format!("written with {name} compression")[..], "df.to_parquet(f, compression='snappy')"];
        no(&compressed_otherwise(&good, compression), &told);
    }
    no(
        &compressed_otherwise(&good, Compression::UNCOMPRESSED),
        &["trial.csv, row 1, column `sex`", "can't be read"],
    );
    no(&gzipped(&good), &["a gzipped Parquet file", "gunzip"]);
    no(b"PAR1....", &["a Parquet file that is cut short or damaged", "is the file whole?"]);
    no(&[b"PARE", &good[4..]].concat(), &["an encrypted Parquet file"]);
    no(&good[..good.len() / 2], &["cut short or damaged"]);
    no(&good[..good.len() - 1], &["cut short or damaged"]);
    no(
        &schema_only("required binary sex; required int64 arm; required boolean dead;"),
        &["a header and no rows"],
    );
    no(&schema_only(""), &["no columns"]);
    no(
        &schema_only(
            "required int32 a; optional group tags (LIST) { repeated group list { optional int32 element; } }",
        ),
        &["column `tags` is nested"],
    );
    no(&schema_only("required int32 a; repeated int32 b;"), &["column `b` is nested"]);
    no(
        &schema_only("required int32 sex; required int32 arm; required int32 sex;"),
        &["two columns are called `sex`"],
    );
    no(&schema_only("required binary a (DECIMAL(50,2));"), &["column `a` holds decimals of 50 digits"]);
    no(&schema_only("required int32 a;"), &["no column `dead`", "its columns are `a`"]);
    // The first row of data is row 1.
    let mut odd = patients;
    odd[149].sex = "not said";
    let listed = model("trial.csv", "sex")
        .replace("active = 2 }", "active = 2, subgroup = { men = \"men\", women = \"women\" } }");
    fs::write(folder.path().join("trial.csv"), parquet_of_patients(&odd, 100, snappy())).expect("written");
    fs::write(folder.path().join("trial.toml"), listed).expect("written");
    run(folder.path(), &["check", "trial.toml"])
        .code(1)
        .stderr(contains("trial.csv, row 150, column `sex`: found `not said`"));
}

#[test]
fn workbooks_that_are_not_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let no = |file: &[u8], told: &[&str]| refused(folder.path(), file, told);
    let header = row(1, &(words("A1", "sex") + &words("B1", "arm") + &words("C1", "dead")));
    let data = |cells: &str| sheet(&(header.clone() + &row(5, cells)));
    let good = workbook_of_patients(&patients());
    no(&gzipped(&good), &["a gzipped Excel workbook", "gunzip"]);
    no(
        &good[..good.len() / 2],
        &["an Excel workbook that is cut short or damaged", "save it again as .xlsx"],
    );
    no(b"PK\x03\x04....", &["an Excel workbook that is cut short"]);
    let zip = |name: &str, text: &str| zipped(&[(name.to_string(), text.to_string())]);
    no(&zip("trial.csv", "sex,arm,dead\n"), &["a zip archive, and not an Excel workbook", "unpack it"]);
    no(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", &["an old Excel workbook (.xls)", "save it as .xlsx"]);
    let mut open_document = zip("mimetype", "");
    open_document.splice(30.., *b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet");
    no(&open_document, &["an OpenDocument file"]);
    no(&workbook(&[], &[]), &["without a worksheet"]);
    no(&sheet(""), &["the worksheet `Sheet1` is empty"]);
    no(&sheet(&row(1, &words("A1", "  "))), &["is empty"]);
    no(&sheet(&header), &["a header and no rows"]);
    let twice = row(1, &(words("A1", "sex") + &words("B1", "sex")));
    no(&sheet(&twice), &["trial.csv, row 1: two columns are called `sex`"]);
    let title = row(1, &words("A1", "Our trial"));
    no(
        &sheet(&(title + &row(2, &(words("A2", "sex") + &words("B2", "arm") + &words("C2", "dead"))))),
        &["row 1: columns B and C hold values, and have no name", "remove titles"],
    );
    // Errors of formulas, but for those of missing values.
    let place = "trial.csv, row 5, column `arm`";
    for error in ["#DIV/0!", "#REF!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!"] {
        let cell = format!(r#"<c r="B5" t="e"><f>A1</f><v>{error}</v></c>"#);
        no(&data(&cell), &[place, &format!("cell B5 holds the error {error}")]);
    }
    no(&data(r#"<c r="B5" t="e"><v>#SPILL!</v></c>"#), &["the error #SPILL!"]);
    no(&data(r#"<c r="B5"><f>1+1</f></c>"#), &[place, "a formula that was never calculated", "Excel saves"]);
    let merged = |region: &str| {
        let rows = header.clone()
            + &row(5, &(words("A5", "men") + &number("B5", "1")))
            + &row(6, &number("B6", "1"));
        workbook(
            &[("S", false, &rows, &format!(r#"<mergeCells><mergeCell ref="{region}"/></mergeCells>"#))],
            &[],
        )
    };
    no(&merged("A5:A6"), &["row 5, column `sex`: cells A5 to A6 are merged", "unmerge"]);
    no(&merged("A5:B5"), &["cells A5 to B5 are merged"]);
    // Nothing is lost by these.
    no(&merged("C5:C6"), &["none of 2 rows is used"]);
    no(&merged("C1:H1"), &["none of 2 rows is used"]);
    let disorder = row(5, &(number("B5", "1") + &number("A5", "1")));
    no(&sheet(&(header.clone() + &disorder)), &["out of order"]);
    no(&data(r#"<c r="B5" t="s"><v>7</v></c>"#), &["can't be read"]);
    no(&data(r#"<c r="B5"><v>1"#), &["can't be read"]);
    // Rows are called as the sheet calls them, and the sheet is named where there are several.
    let cells = words("A5", "men") + &number("B5", "1") + &number("C5", "3");
    no(&data(&cells), &["trial.csv, row 5, column `dead`: found `3`"]);
    let rows = header.clone() + &row(5, &cells);
    no(
        &workbook(&[("One", false, &rows, ""), ("Two", false, "", "")], &[]),
        &["trial.csv, sheet `One`, row 5, column `dead`: found `3`"],
    );
    no(&gzipped(&gzipped(b"sex,arm,dead\n")), &["gzipped twice"]);
}

/// Opens a file that nobody wrote; what matters is that it returns.
fn read(path: &Path, file: &[u8]) -> bool {
    fs::write(path.join("trial.csv"), file).expect("written");
    open(path.join("trial.toml")).is_ok()
}

#[test]
fn files_cut_short_or_changed_are_read_or_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    fs::write(here.join("trial.toml"), model("trial.csv", "sex")).expect("written");
    let few: Vec<Patient> = patients().into_iter().take(60).collect();
    let (rounds, mut state) = (40, 1_u64);
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for file in [
        parquet_of_patients(&few, 100, snappy()),
        parquet_of_patients(&few, 20, plain()),
        parquet_of_patients(&few, 100, small_pages()),
        workbook_of_patients(&few),
    ] {
        assert!(read(here, &file));
        for k in 0..rounds {
            assert!(!read(here, &file[..file.len() * k / rounds]));
            let mut changed = file.clone();
            for _ in 0..1 + random(3) {
                let at = 4 + random(changed.len() - 4);
                changed[at] = random(256) as u8;
            }
            read(here, &changed);
        }
    }
    for _ in 0..rounds {
        let noise: Vec<u8> = (0..200).map(|_| random(256) as u8).collect();
        assert!(!read(here, &[&b"PAR1"[..], &noise].concat()));
        assert!(!read(here, &[&b"PAR1"[..], &noise, &[60, 0, 0, 0], b"PAR1"].concat()));
        assert!(!read(here, &[&b"PK\x03\x04"[..], &noise].concat()));
    }
}
