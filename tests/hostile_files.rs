//! Files made to harm: what a file claims of its sizes is not believed, what grows out of proportion asks for `--large`, and
//! whatever bytes it has, a file is read or refused within bounded memory.

#![cfg(unix)]

use std::fs::{self, File};
use std::io::{Cursor, Read, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use equipoise::input::{Reading, survey};
use flate2::Compression as Gzip;
use flate2::write::GzEncoder;
use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// What may be held at most, in thousands of bytes: all that a program of this kind maps, code and stacks included.
const MEMORY: u32 = 1_000_000;

/// Runs a program with bounded memory.
fn bounded(program: &Path, arguments: &[&str], folder: &Path) -> Command {
    let mut command = Command::new("sh");
    command.current_dir(folder).arg("-c").arg(format!("ulimit -v {MEMORY}; exec \"$0\" \"$@\""));
    command.arg(program).args(arguments).env_remove("RUST_BACKTRACE");
    command
}

fn words(output: &[u8]) -> String {
    String::from_utf8_lossy(output).into_owned()
}

/// A first model file of this data file, in bounded memory.
fn new(file: &[u8], more: &[&str]) -> Output {
    let here = tempfile::tempdir().expect("a folder");
    fs::write(here.path().join("trial"), file).expect("written");
    let said = ["new", "trial", "--outcome", "OUT", "--treatment", "ARM", "--subgroup", "SUB"];
    let arguments = [&said[..], &["--assignment", "randomised", "--higher-is", "worse"], more].concat();
    let program = assert_cmd::cargo::cargo_bin("equipoise");
    let output = bounded(&program, &arguments, here.path()).output().expect("run");
    let told = words(&output.stderr);
    assert!(!told.contains("panicked"), "{told}");
    output
}

fn refused(file: &[u8], what: &str) {
    let output = new(file, &[]);
    let told = words(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains(what), "{what}\n{told}");
    assert!(output.stdout.is_empty());
}

const LARGE: &str = "to read it all the same, add --large";

// Workbooks.

const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006/relationships";

/// A workbook of one sheet; parts that are named again replace the usual ones.
fn workbook_with(rows: &str, parts: Vec<(&str, Box<dyn Read>)>) -> Vec<u8> {
    let relations = |inner: String| format!(r#"<Relationships xmlns="{PACKAGE}">{inner}</Relationships>"#);
    let relation = |id: &str, kind: &str, to: &str| {
        format!(r#"<Relationship Id="{id}" Type="{OFFICE}/{kind}" Target="{to}"/>"#)
    };
    let usual = [
        ("_rels/.rels", relations(relation("w", "officeDocument", "xl/workbook.xml"))),
        (
            "xl/workbook.xml",
            format!(
                r#"<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets><sheet name="S" sheetId="1" r:id="s"/></sheets></workbook>"#
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            relations(
                relation("s", "worksheet", "worksheets/sheet1.xml")
                    + &relation("t", "sharedStrings", "sharedStrings.xml"),
            ),
        ),
        (
            "xl/worksheets/sheet1.xml",
            format!(r#"<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>"#),
        ),
        ("xl/sharedStrings.xml", format!(r#"<sst xmlns="{MAIN}"><si><t>a</t></si><si><t>b</t></si></sst>"#)),
        (
            "xl/styles.xml",
            format!(r#"<styleSheet xmlns="{MAIN}"><cellXfs><xf numFmtId="0"/></cellXfs></styleSheet>"#),
        ),
    ];
    let mut out = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, text) in usual {
        if parts.iter().all(|(other, _)| *other != name) {
            out.start_file(name, options).expect("begun");
            out.write_all(text.as_bytes()).expect("written");
        }
    }
    for (name, mut bytes) in parts {
        out.start_file(name, options).expect("begun");
        std::io::copy(&mut bytes, &mut out).expect("written");
    }
    out.finish().expect("written").into_inner()
}

fn text(place: &str, text: &str) -> String {
    format!(r#"<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>"#)
}

/// Four patients.
fn rows() -> String {
    let names = text("A1", "OUT") + &text("B1", "ARM") + &text("C1", "SUB");
    let patient = |(k, (out, arm)): (usize, (u8, &str))| {
        let row = k + 2;
        format!(
            r#"<row r="{row}"><c r="A{row}"><v>{out}</v></c>{}<c r="C{row}" t="s"><v>{}</v></c></row>"#,
            text(&format!("B{row}"), arm),
            k % 2
        )
    };
    let patients: String =
        [(1, "N"), (0, "Y"), (0, "N"), (1, "Y")].into_iter().enumerate().map(patient).collect();
    format!(r#"<row r="1">{names}</row>{patients}"#)
}

fn part(text: String) -> Box<dyn Read> {
    Box::new(Cursor::new(text.into_bytes()))
}

/// So many bytes of spaces between two texts.
fn padded(before: String, spaces: u64, after: String) -> Box<dyn Read> {
    Box::new(part(before).chain(std::io::repeat(b' ').take(spaces)).chain(part(after)))
}

#[test]
fn a_workbook_is_read_and_its_claims_are_not_believed() {
    assert!(new(&workbook_with(&rows(), Vec::new()), &[]).status.success());
    let strings = |count: &str| {
        let sst =
            format!(r#"<sst xmlns="{MAIN}" uniqueCount="{count}"><si><t>a</t></si><si><t>b</t></si></sst>"#);
        workbook_with(&rows(), vec![("xl/sharedStrings.xml", part(sst))])
    };
    for count in ["99999999999", "18446744073709551615", "99999999999999999999999"] {
        refused(&strings(count), "claims more shared strings than it holds");
    }
    // Careless writers count wrongly.
    assert!(new(&strings("5"), &[]).status.success());
    assert!(new(&strings("0"), &[]).status.success());
    let cell = |place: &str| {
        workbook_with(&(rows() + &format!(r#"<row r="6"><c r="{place}"><v>1</v></c></row>"#)), vec![])
    };
    for place in ["LXQEASW6", "XFE6", "A1048577", "A4294967295"] {
        refused(&cell(place), "beyond the last row or column");
    }
    // The last cell that a sheet may have is read: one column may lack a name, as that of row numbers does; not two.
    assert!(new(&cell("XFD1048576"), &[]).status.success());
    let two = rows() + r#"<row r="6"><c r="XFC6"><v>1</v></c><c r="XFD6"><v>1</v></c></row>"#;
    refused(&workbook_with(&two, vec![]), "have no name in this row");
}

#[test]
fn shared_formulas_and_dimensions_cost_nothing_whatever_they_claim() {
    for count in ["4294967294", "18446744073709551615"] {
        let formula = format!(
            r#"<row r="6"><c r="A6"><f t="shared" ref="A6:XFD1048576" si="{count}">1+0</f><v>1</v></c>{}{}</row>"#,
            text("B6", "N"),
            text("C6", "a")
        );
        let sheet = format!(
            r#"<worksheet xmlns="{MAIN}"><dimension ref="A1:XFD1048576"/><sheetData>{}{formula}</sheetData></worksheet>"#,
            rows()
        );
        let output = new(&workbook_with("", vec![("xl/worksheets/sheet1.xml", part(sheet))]), &[]);
        assert!(matches!(output.status.code(), Some(0 | 1)), "{}", words(&output.stderr));
    }
}

#[test]
fn workbooks_that_grow_out_of_proportion_ask_for_large() {
    let sheet = |spaces| {
        let before = format!(r#"<worksheet xmlns="{MAIN}"><sheetData>{}"#, rows());
        let parts = vec![(
            "xl/worksheets/sheet1.xml",
            padded(before, spaces, "</sheetData></worksheet>".to_string()),
        )];
        workbook_with("", parts)
    };
    refused(&sheet(300 << 20), LARGE);
    // An empty cell, and a part that nobody reads.
    let cell = padded(
        format!(r#"<worksheet xmlns="{MAIN}"><sheetData>{}<row r="6"><c r="A6" t="str"><v>"#, rows()),
        300 << 20,
        "</v></c></row></sheetData></worksheet>".to_string(),
    );
    refused(&workbook_with("", vec![("xl/worksheets/sheet1.xml", cell)]), LARGE);
    refused(
        &workbook_with(&rows(), vec![("xl/other.xml", padded(String::new(), 300 << 20, String::new()))]),
        LARGE,
    );
    // Every format would have a copy of a long name.
    let format =
        format!(r#"<numFmts><numFmt numFmtId="170" formatCode="{}"/></numFmts>"#, "0".repeat(60_000));
    let styles = format!(
        r#"<styleSheet xmlns="{MAIN}">{format}<cellXfs>{}</cellXfs></styleSheet>"#,
        r#"<xf numFmtId="170"/>"#.repeat(60_000)
    );
    refused(&workbook_with(&rows(), vec![("xl/styles.xml", part(styles))]), LARGE);
}

// Text.

#[test]
fn gzipped_text_that_grows_out_of_proportion_is_read_when_asked_to() {
    let mut out = GzEncoder::new(Vec::new(), Gzip::fast());
    let row = |out: &mut GzEncoder<Vec<u8>>, values: &str| {
        out.write_all(values.as_bytes()).expect("written");
        out.write_all(&[b' '; 60_000]).expect("written");
        out.write_all(b"\n").expect("written");
    };
    out.write_all(b"OUT,ARM,SUB\n").expect("written");
    for k in 0..4_600 {
        row(&mut out, ["1,N,a", "0,Y,a", "0,N,b", "1,Y,b"][k % 4]);
    }
    let file = out.finish().expect("written");
    refused(&file, LARGE);
    assert!(new(&file, &["--large"]).status.success());
}

#[test]
fn a_gzipped_table_of_counts_that_grows_out_of_proportion_is_refused() {
    let here = tempfile::tempdir().expect("a folder");
    let model = r#"title = "Invented"
study = { assignment = "randomised" }
outcome = { name = "death", kind = "binary", higher_is = "worse" }
treatment = { name = "drug", control = "placebo", active = "drug" }
prior = { effect = "normal(0, 0.355)", heterogeneity = "half-normal(0.5)" }
[data]
file = "table.csv.gz"
rows = "counts"
columns = { subgroup = "SUB", control_events = "Y0", control_total = "N0", active_events = "Y1", active_total = "N1" }
where = { YEAR = "2020" }
"#;
    fs::write(here.path().join("model.toml"), model).expect("written");
    let told = |year: u32, more: &[&str]| {
        let mut out = GzEncoder::new(Vec::new(), Gzip::fast());
        out.write_all(b"YEAR,SUB,Y0,N0,Y1,N1\n").expect("written");
        for k in 0..4_600 {
            out.write_all(format!("{year},s{k},1,9,2,9").as_bytes()).expect("written");
            out.write_all(&[b' '; 60_000]).expect("written");
            out.write_all(b"\n").expect("written");
        }
        fs::write(here.path().join("table.csv.gz"), out.finish().expect("written")).expect("written");
        let program = assert_cmd::cargo::cargo_bin("equipoise");
        let arguments = [&["check", "model.toml"], more].concat();
        let output = bounded(&program, &arguments, here.path()).output().expect("run");
        assert_eq!(output.status.code(), Some(1), "{}", words(&output.stderr));
        words(&output.stderr)
    };
    // Rows that nobody asks for are counted too.
    let large = told(1999, &[]);
    assert!(
        large.contains("table.csv.gz: unpacked, the file holds more than 256 MB") && large.contains(LARGE)
    );
    let read = told(1999, &["--large"]);
    assert!(read.contains("no row of the data file has `2020` in column `YEAR`"), "{read}");
    let many = told(2020, &[]);
    assert!(many.contains("table.csv.gz, row 502, column `SUB`: more than 500 subgroups"), "{many}");
}

#[test]
fn rows_that_do_not_end_and_values_too_long_are_refused() {
    let mut file = b"OUT,ARM,SUB\n1,N,\"a".to_vec();
    file.resize(70 << 20, b'x');
    refused(&file, "a row of more than 64 MB");
    file.truncate(2 << 20);
    file.extend_from_slice(b"\"\n");
    refused(&file, "trial, row 2, column `SUB`: a value of more than 1048576 bytes");
    let many = (0..100_001).map(|k| k.to_string()).collect::<Vec<_>>().join(",");
    refused(many.as_bytes(), "100001 columns");
}

// Parquet.

/// Rows of OUT, ARM and SUB, and a text that all have.
fn parquet(rows: usize, note: &[u8], properties: WriterProperties) -> Vec<u8> {
    let schema = "message m { required int64 OUT; optional binary ARM (STRING); required binary SUB (STRING); \
        required binary NOTE (STRING); }";
    let schema = Arc::new(parse_message_type(schema).expect("a schema"));
    let mut file = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).expect("begun");
    let mut group = file.next_row_group().expect("a group");
    let note = ByteArray::from(note.to_vec());
    for index in 0..4 {
        let mut column = group.next_column().expect("a column").expect("there");
        if index == 0 {
            let values: Vec<i64> = (0..rows as i64).map(|k| k / 2 % 2).collect();
            column.typed::<Int64Type>().write_batch(&values, None, None).expect("written");
        } else {
            let value = |k: usize| match index {
                1 => ByteArray::from(["N", "Y"][k % 2]),
                2 => ByteArray::from(["a", "b"][k / 4 % 2]),
                _ => note.clone(),
            };
            let values: Vec<ByteArray> = (0..rows).map(value).collect();
            let levels = vec![1; rows];
            let levels = (index == 1).then_some(&levels[..]);
            column.typed::<ByteArrayType>().write_batch(&values, levels, None).expect("written");
        }
        column.close().expect("closed");
    }
    group.close().expect("closed");
    file.into_inner().expect("written")
}

fn packed(compression: Compression) -> WriterProperties {
    WriterProperties::builder().set_compression(compression).set_dictionary_page_size_limit(64 << 20).build()
}

fn gzip() -> Compression {
    Compression::GZIP(Default::default())
}

#[test]
fn a_dictionary_of_long_texts_is_refused_before_it_is_told_row_by_row() {
    let begun = Instant::now();
    // Eight thousand million bytes in a file of some thousand.
    refused(&parquet(4096, &vec![b'x'; 2_000_000], packed(gzip())), "a value of more than 1048576 bytes");
    refused(&parquet(512, &vec![b'x'; 1_000_000], packed(gzip())), LARGE);
    assert!(new(&parquet(64, &vec![b'x'; 100_000], packed(gzip())), &[]).status.success());
    assert!(begun.elapsed() < Duration::from_secs(60));
}

/// A file of nothing but a footer.
fn footer(bytes: &[u8]) -> Vec<u8> {
    [b"PAR1", bytes, &(bytes.len() as u32).to_le_bytes(), b"PAR1"].concat()
}

/// An integer of seven bits a byte.
fn integer(mut whole: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while whole >= 0x80 {
        out.push(whole as u8 | 0x80);
        whole >>= 7;
    }
    out.push(whole as u8);
    out
}

fn signed(whole: i64) -> Vec<u8> {
    integer(((whole << 1) ^ (whole >> 63)).cast_unsigned())
}

/// A list of structures, with the field's first byte.
fn list(field: u8, length: u64, elements: &[u8]) -> Vec<u8> {
    [&[field, 0xfc][..], &integer(length), elements].concat()
}

#[test]
fn footers_that_claim_what_they_do_not_hold_are_refused() {
    let root = |children: i64| [&[0x48, 1, b'm', 0x15][..], &signed(children), &[0]].concat();
    let column = |name: u8| vec![0x15, 4, 0x25, 0, 0x18, 1, name, 0];
    let with = |schema: Vec<u8>, groups: Vec<u8>| {
        footer(&[&[0x15, 2][..], &schema, &[0x16, 2], &groups, &[0]].concat())
    };
    let schema = |n: i64| list(0x19, 2, &[root(n), column(b'a')].concat());
    let none = list(0x19, 0, &[]);
    // Lists of two thousand million.
    refused(&with(list(0x19, 0x7fff_ffff, &root(1)), none.clone()), "not whole");
    refused(&with(schema(1), list(0x19, 0x7fff_ffff, &[0])), "not whole");
    // A column that has two thousand million in it.
    refused(&with(schema(0x7fff_ffff), none.clone()), "lists more than it holds");
    refused(&with(schema(-1), none.clone()), "lists more than it holds");
    // Structures of nothing.
    refused(&with(list(0x19, 5_000, &[0; 5_000]), none.clone()), "lists more than it holds");
    refused(&with(schema(1), list(0x19, 5_000, &[0; 5_000])), "lists more than it holds");
    // Groups in groups without end.
    let deep: Vec<u8> = (0..5_000).flat_map(|_| root(1)).chain(column(b'a')).collect();
    refused(&with(list(0x19, 5_001, &deep), none.clone()), "nested too deeply");
    // A million columns.
    let wide: Vec<u8> =
        root(1_000_000).into_iter().chain((0..1_000_000).flat_map(|_| column(b'a'))).collect();
    refused(&with(list(0x19, 1_000_001, &wide), none), "1000000 columns");
    // A million million rows.
    let group = [&[0x19, 0x0c, 0x16, 2, 0x16][..], &signed(1_000_000_000_000), &[0]].concat();
    refused(&with(schema(1), list(0x19, 1, &group)), LARGE);
}

// Interrupts and progress.

#[test]
fn an_interrupt_ends_the_program_while_a_file_is_read_and_a_log_has_no_progress() {
    let here = tempfile::tempdir().expect("a folder");
    // Nobody writes into this pipe.
    assert!(Command::new("mkfifo").current_dir(here.path()).arg("trial").status().expect("made").success());
    for signal in ["-INT", "-TERM"] {
        let child = Command::new(assert_cmd::cargo::cargo_bin("equipoise"))
            .current_dir(here.path())
            .args(["new", "trial", "--assignment", "randomised", "--higher-is", "worse", "-o", "model.toml"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("started");
        std::thread::sleep(Duration::from_millis(1500));
        let sent = Command::new("kill").args([signal, &child.id().to_string()]).status();
        assert!(sent.expect("sent").success());
        let begun = Instant::now();
        let output = child.wait_with_output().expect("ended");
        assert!(begun.elapsed() < Duration::from_secs(5));
        assert_eq!(output.status.code(), Some(130));
        assert_eq!(words(&output.stderr), "Interrupted: nothing is left half-written.\n");
        let left: Vec<_> = fs::read_dir(here.path()).expect("a folder").flatten().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }
}

// Numbers.

#[test]
fn a_prior_without_a_quantile_in_the_range_of_numbers_is_said_to_have_none() {
    let here = tempfile::tempdir().expect("a folder");
    let program = assert_cmd::cargo::cargo_bin("equipoise");
    let shown = Command::new(&program).args(["list", "--show", "ras-basilar-death"]).output().expect("run");
    let model: String = words(&shown.stdout)
        .lines()
        .map(|line| {
            let prior = line.trim_start().starts_with("heterogeneity = ");
            if prior { "heterogeneity = \"half-cauchy(10000)\"\n".to_string() } else { format!("{line}\n") }
        })
        .collect();
    fs::write(here.path().join("model.toml"), model).expect("written");
    for format in ["text", "json", "csv"] {
        let arguments = ["check", "model.toml", "--format", format];
        let output = Command::new(&program).current_dir(here.path()).args(arguments).output().expect("run");
        let told = words(&output.stdout) + &words(&output.stderr);
        assert!(output.status.success(), "{told}");
        let mut told_words = told.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase);
        assert!(!told_words.any(|w| ["inf", "nan", "infinity"].contains(&w.as_str())), "{told}");
        if format == "text" {
            assert!(told.contains("to beyond 1e308)"), "{told}");
            assert!(told.contains("this quantile of the prior is larger than numbers can be"), "{told}");
        }
    }
}

// Damage.

/// Random numbers, the same every time.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n.max(1)
    }
}

/// Small whole files: workbooks, Parquet of all compressions and both versions, gzipped text.
fn seeds() -> Vec<Vec<u8>> {
    let second = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_2_0)
        .set_compression(gzip())
        .set_dictionary_enabled(false)
        .build();
    let mut gzipped = GzEncoder::new(Vec::new(), Gzip::default());
    gzipped.write_all(b"OUT,ARM,SUB\n1,N,a\n0,Y,b\n").expect("written");
    vec![
        workbook_with(&rows(), Vec::new()),
        stored(&rows()),
        parquet(40, b"note", packed(Compression::UNCOMPRESSED)),
        parquet(40, b"note", packed(Compression::SNAPPY)),
        parquet(40, b"note", packed(gzip())),
        parquet(40, b"note", second),
        gzipped.finish().expect("written"),
    ]
}

/// A workbook whose parts are not packed, so that damage reaches their words.
fn stored(rows: &str) -> Vec<u8> {
    let packed = workbook_with(rows, Vec::new());
    let mut from = zip::ZipArchive::new(Cursor::new(packed)).expect("an archive");
    let mut out = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for k in 0..from.len() {
        let mut part = from.by_index(k).expect("a part");
        let name = part.name().expect("a name").to_string();
        out.start_file(name, options).expect("begun");
        std::io::copy(&mut part, &mut out).expect("written");
    }
    out.finish().expect("written").into_inner()
}

/// Flipped bytes, a cut, numbers made large, a piece of one file in another, digits changed.
fn damaged(whole: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut file = whole.to_vec();
    for _ in 0..=random.below(3) {
        let at = random.below(file.len());
        match random.below(6) {
            0 | 1 => {
                if let Some(byte) = file.get_mut(at) {
                    *byte = random.below(256) as u8;
                }
            }
            2 => file.truncate(at.max(4)),
            // Sizes of two, four and eight bytes, and of seven bits a byte.
            3 => {
                let size = [2, 4, 8][random.below(3)];
                let with = [0xff, 0x7f, 0x80][random.below(3)];
                let end = (at + size).min(file.len());
                file[at..end].fill(with);
            }
            4 => {
                let from = random.below(other.len());
                let to = (from + 1 + random.below(200)).min(other.len());
                let end = (at + random.below(200)).min(file.len());
                file.splice(at..end, other[from..to].iter().copied());
            }
            _ => {
                let digits: Vec<usize> = (0..file.len()).filter(|i| file[*i].is_ascii_digit()).collect();
                if let Some(place) = digits.get(random.below(digits.len())) {
                    let many = b"99999999999"[..1 + random.below(11)].to_vec();
                    file.splice(*place..=*place, many);
                }
            }
        }
    }
    file
}

/// The work of one child: reads its share of damaged files. What matters is that it comes to an end.
#[test]
#[ignore = "started by the tests of damaged files, with bounded memory"]
fn a_share_of_the_damaged_files() {
    let Ok(share) = std::env::var("DAMAGED_FILES") else { return };
    let (seed, files) = share.split_once('+').expect("a seed and a number");
    let (seed, files): (u64, usize) = (seed.parse().expect("a seed"), files.parse().expect("a number"));
    let here = tempfile::tempdir().expect("a folder");
    let path = here.path().join("trial");
    let (seeds, mut random) = (seeds(), Random(seed));
    let mut read = 0;
    for k in 0..files {
        let file = damaged(&seeds[k % seeds.len()], &seeds[random.below(seeds.len())], &mut random);
        File::create(&path).and_then(|mut f| f.write_all(&file)).expect("written");
        let begun = Instant::now();
        read += usize::from(survey(&path, Reading::default()).is_ok());
        let took = begun.elapsed();
        if took > Duration::from_secs(5) {
            let kept = std::env::temp_dir().join(format!("slow-{seed}-{k}"));
            fs::write(&kept, &file).expect("written");
            panic!("{took:?} for {}", kept.display());
        }
    }
    println!("{read} of {files} were read");
}

fn damage(files: usize, share: usize) {
    let program = std::env::current_exe().expect("this test");
    let here = tempfile::tempdir().expect("a folder");
    let arguments = [
        "--exact",
        "hostile_files::a_share_of_the_damaged_files",
        "--ignored",
        "--nocapture",
        "--test-threads=1",
    ];
    for seed in 0..files.div_ceil(share) {
        let output = bounded(&program, &arguments, here.path())
            .env("DAMAGED_FILES", format!("{}+{share}", seed + 1))
            .output()
            .expect("run");
        let (told, out) = (words(&output.stderr), words(&output.stdout));
        assert!(output.status.success() && out.contains("were read"), "seed {}\n{out}\n{told}", seed + 1);
        // Libraries panic at such bytes; nobody hears of it.
        assert!(!told.contains("panicked"), "seed {}\n{told}", seed + 1);
    }
}

#[test]
fn five_thousand_damaged_files_are_read_or_refused_in_bounded_memory() {
    let here = tempfile::tempdir().expect("a folder");
    for (k, whole) in seeds().into_iter().enumerate() {
        let path = here.path().join(format!("whole-{k}"));
        fs::write(&path, whole).expect("written");
        assert!(survey(&path, Reading::default()).is_ok(), "seed file {k} is whole");
    }
    damage(5_000, 1_250);
}

#[test]
#[ignore = "minutes"]
fn a_hundred_thousand_damaged_files_are_read_or_refused_in_bounded_memory() {
    damage(100_000, 5_000);
}
