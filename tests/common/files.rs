//! Data files as other programs write them: gzip, Parquet, Excel workbooks.

use std::fmt::Write as _;
use std::io::{Cursor, Write};
use std::sync::Arc;

use flate2::Compression as Gzip;
use flate2::write::GzEncoder;
use parquet::basic::Compression;
use parquet::data_type::ByteArray;
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::parser::parse_message_type;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

pub fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Gzip::default());
    out.write_all(bytes).expect("written");
    out.finish().expect("written")
}

// Parquet.

pub type Column<'a> = SerializedColumnWriter<'a>;

/// A file of one or more row groups; `write` writes a column of a group.
pub fn parquet_of(
    schema: &str,
    groups: usize,
    properties: WriterProperties,
    write: impl Fn(usize, usize, &mut Column<'_>),
) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(&format!("message m {{ {schema} }}")).expect("a schema"));
    let mut file = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).expect("begun");
    for group in 0..groups {
        let mut rows = file.next_row_group().expect("a group");
        let mut index = 0;
        while let Some(mut column) = rows.next_column().expect("a column") {
            write(group, index, &mut column);
            column.close().expect("closed");
            index += 1;
        }
        rows.close().expect("closed");
    }
    file.into_inner().expect("written")
}

/// The values that are there, and where.
pub fn present<T: Clone>(values: &[Option<T>]) -> (Vec<T>, Vec<i16>) {
    (values.iter().flatten().cloned().collect(), values.iter().map(|v| i16::from(v.is_some())).collect())
}

pub fn texts(values: &[Option<&str>]) -> (Vec<ByteArray>, Vec<i16>) {
    let (values, levels) = present(values);
    (values.into_iter().map(ByteArray::from).collect(), levels)
}

pub fn snappy() -> WriterProperties {
    WriterProperties::builder().set_compression(Compression::SNAPPY).build()
}

pub fn plain() -> WriterProperties {
    WriterProperties::builder().set_dictionary_enabled(false).build()
}

pub fn small_pages() -> WriterProperties {
    WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_2_0)
        .set_compression(Compression::GZIP(Default::default()))
        .set_data_page_row_count_limit(7)
        .set_write_batch_size(7)
        .build()
}

// Workbooks.

pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

/// A cell in a worksheet's words.
pub fn number(place: &str, value: &str) -> String {
    format!(r#"<c r="{place}"><v>{value}</v></c>"#)
}

pub fn words(place: &str, value: &str) -> String {
    format!(r#"<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{}</t></is></c>"#, escaped(value))
}

pub fn row(number: usize, cells: &str) -> String {
    format!(r#"<row r="{number}">{cells}</row>"#)
}

const WORKSHEET: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const RELATIONS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006/relationships";

pub fn zipped(files: &[(String, String)]) -> Vec<u8> {
    let mut out = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in files {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        out.start_file(name.as_str(), options).expect("begun");
        out.write_all(text.as_bytes()).expect("written");
    }
    out.finish().expect("written").into_inner()
}

/// A workbook of worksheets: a name, whether it is hidden, its rows, and what follows them.
pub fn workbook(sheets: &[(&str, bool, &str, &str)], shared: &[&str]) -> Vec<u8> {
    let (mut list, mut relations, mut files) = (String::new(), String::new(), Vec::new());
    for (k, (name, hidden, rows, after)) in sheets.iter().enumerate() {
        let state = if *hidden { "hidden" } else { "visible" };
        let _ = write!(list, r#"<sheet name="{name}" sheetId="{k}" state="{state}" r:id="r{k}"/>"#);
        let _ = write!(
            relations,
            r#"<Relationship Id="r{k}" Type="{RELATIONS}/worksheet" Target="worksheets/sheet{k}.xml"/>"#
        );
        files.push((
            format!("xl/worksheets/sheet{k}.xml"),
            format!(r#"<worksheet xmlns="{WORKSHEET}"><sheetData>{rows}</sheetData>{after}</worksheet>"#),
        ));
    }
    let strings: String =
        shared.iter().map(|s| format!(r#"<si><t xml:space="preserve">{}</t></si>"#, escaped(s))).collect();
    // Style 1 is a date, 2 a duration.
    let styles = format!(
        r#"<styleSheet xmlns="{WORKSHEET}"><numFmts><numFmt numFmtId="170" formatCode="[h]:mm:ss"/></numFmts>
        <cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="170"/></cellXfs></styleSheet>"#
    );
    let file = |name: &str, text: String| (name.to_string(), text);
    files.extend([
        file("[Content_Types].xml", "<Types/>".to_string()),
        file(
            "_rels/.rels",
            format!(
                r#"<Relationships xmlns="{PACKAGE}"><Relationship Id="w" Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>"#
            ),
        ),
        file(
            "xl/workbook.xml",
            format!(r#"<workbook xmlns="{WORKSHEET}" xmlns:r="{RELATIONS}"><sheets>{list}</sheets></workbook>"#),
        ),
        file(
            "xl/_rels/workbook.xml.rels",
            format!(
                r#"<Relationships xmlns="{PACKAGE}">{relations}<Relationship Id="s" Type="{RELATIONS}/styles" Target="styles.xml"/><Relationship Id="t" Type="{RELATIONS}/sharedStrings" Target="sharedStrings.xml"/></Relationships>"#
            ),
        ),
        file("xl/styles.xml", styles),
        file("xl/sharedStrings.xml", format!(r#"<sst xmlns="{WORKSHEET}">{strings}</sst>"#)),
    ]);
    zipped(&files)
}

pub fn sheet(rows: &str) -> Vec<u8> {
    workbook(&[("Sheet1", false, rows, "")], &[])
}
