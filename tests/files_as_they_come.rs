//! Data files as people have them: a third arm, no subgroups, numbers to be cut, sheets of notes, decimal commas, line ends
//! and letters of other systems, counts as other programs write them.

use std::fmt::Write as _;
use std::fs;

use crate::common::files::{gzipped, number, row, words, workbook};
use crate::common::folder::{Folder, flowing};

/// A folder, and what the program says there.
struct Desk(Folder);

const START: &str = r#"title = "Invented"
study = { assignment = "randomised" }
outcome = { name = "death", kind = "binary", higher_is = "worse" }
treatment = { name = "the drug", control = "placebo", active = "drug" }
prior = { effect = "normal(0, 0.355)", heterogeneity = "half-normal(0.5)" }
"#;

const PATIENTS: &str = r#"[data]
file = "trial.csv"
rows = "patients"
missing = "drop"
"#;

const COUNTS: &str = r#"[data]
file = "trial.csv"
rows = "counts"
columns = { subgroup = "sex", control_events = "e0", control_total = "n0", active_events = "e1", active_total = "n1" }
"#;

const TABLE: &str = "sex,e0,n0,e1,n1\nmen,30,120,19,118\nwomen,22,95,21,99\n";

const ARMS: &str = "id,arm,y,sex\n1,A,1,f\n2,B,0,m\n3,C,x,m\n4,A,0,m\n5,B,1,f\n6,D,1,f\n7,C,0,f\n";

impl std::ops::Deref for Desk {
    type Target = Folder;

    fn deref(&self) -> &Folder {
        &self.0
    }
}

impl Desk {
    /// What a command prints that succeeds, in one line.
    #[track_caller]
    fn says(&self, arguments: &[&str]) -> String {
        flowing(self.0.says(arguments).as_bytes())
    }

    fn with(data: &[u8]) -> Desk {
        let desk = Desk(Folder::new());
        fs::write(desk.at().join("trial.csv"), data).expect("written");
        desk
    }

    fn model(&self, data: &str) {
        fs::write(self.at().join("trial.toml"), format!("{START}{data}")).expect("written");
    }

    #[track_caller]
    fn checks(&self, data: &str) -> String {
        self.model(data);
        self.says(&["check", "trial.toml"])
    }

    #[track_caller]
    fn no(&self, data: &str, told: &[&str]) {
        self.model(data);
        self.refuses(&["check", "trial.toml"], told);
    }

    /// Cells of the audit: events and totals of control and active.
    #[track_caller]
    fn cells(&self, data: &str) -> Vec<(String, [u64; 4])> {
        self.model(data);
        let audit: serde_json::Value =
            serde_json::from_str(&self.says(&["check", "trial.toml", "--format", "json"])).expect("JSON");
        let audit = &audit["data"]["audit"];
        let count =
            |row: &serde_json::Value, arm: &str, what: &str| row[arm][what].as_u64().expect("a count");
        let cell = |row: &serde_json::Value| {
            let of = |arm| [count(row, arm, "events"), count(row, arm, "total")];
            let ([y0, n0], [y1, n1]) = (of("control"), of("active"));
            (row["subgroup"].as_str().expect("a name").to_string(), [y0, n0, y1, n1])
        };
        audit["rows"].as_array().expect("rows").iter().map(cell).collect()
    }
}

fn named(cells: &[(&str, [u64; 4])]) -> Vec<(String, [u64; 4])> {
    cells.iter().map(|(name, counts)| ((*name).to_string(), *counts)).collect()
}

fn patients(columns: &str, rest: &str) -> String {
    format!("{PATIENTS}columns = {{ {columns} }}\n{rest}")
}

const OF_ARMS: &str = r#"outcome = "y", treatment = "arm", subgroup = "sex""#;

#[test]
fn rows_of_a_third_arm_are_left_out_and_counted_where_both_arms_are_named() {
    let desk = Desk::with(ARMS.as_bytes());
    let both = r#"levels = { control = "A", active = "B" }"#;
    let told = desk.checks(&patients(OF_ARMS, both));
    assert!(told.contains("7 rows read, 4 used; 3 of other arms (1 of `D`, 2 of `C`)."), "{told}");
    assert_eq!(desk.cells(&patients(OF_ARMS, both)), named(&[("f", [1, 1, 1, 1]), ("m", [0, 1, 0, 1])]));
    desk.no(
        &patients(OF_ARMS, ""),
        &["row 2, column `arm`: found `A`", "name both arms", "left out and counted"],
    );
    desk.no(
        &patients(OF_ARMS, r#"levels = { control = "A", active = "b" }"#),
        &["row 3, column `arm`: found `B`", "lists `b`", "[\"b\", \"B\"]"],
    );
    desk.no(
        &patients(OF_ARMS, r#"levels = { control = "A", active = "E" }"#),
        &["no row is of the active arm", "found instead: 1 of `D`, 2 of `B`, 2 of `C`"],
    );
}

#[test]
fn a_list_keeps_rows_that_have_one_of_its_values() {
    let desk = Desk::with(ARMS.as_bytes());
    let model = |list: &str| {
        patients(
            OF_ARMS,
            &format!("levels = {{ control = \"A\", active = \"B\" }}\nwhere = {{ arm = {list} }}"),
        )
    };
    let told = desk.checks(&model(r#"["A", "B"]"#));
    assert!(told.contains("7 rows read, 4 used; 3 left out by [data.where]."), "{told}");
    desk.no(&model(r#"["A", "B", "Z"]"#), &["no row of the data file has `Z` in column `arm`"]);
    let counts = Desk::with(b"trial,year,e0,n0,e1,n1\na,1999,1,9,2,9\nb,2004,3,9,2,9\nc,2010,9,9,9,9\n");
    let kept = COUNTS.replace("\"sex\"", "\"trial\"") + "where = { year = [1999, 2004] }";
    assert_eq!(counts.cells(&kept), named(&[("a", [1, 9, 2, 9]), ("b", [3, 9, 2, 9])]));
}

#[test]
fn counts_of_a_third_arm_are_left_out_and_told() {
    let desk =
        Desk::with(b"sex,arm,y,n\nmen,1,9,140\nmen,3,23,140\nmen,4,10,138\nwomen,1,2,106\nwomen,3,9,205\n");
    let model = |levels: &str| {
        let columns = r#"columns = { subgroup = "sex", arm = "arm", events = "y", total = "n" }"#;
        format!("[data]\nfile = \"trial.csv\"\nrows = \"counts\"\n{columns}\nlevels = {levels}\n")
    };
    let two = model("{ control = 1, active = 3 }");
    assert_eq!(desk.cells(&two), named(&[("men", [9, 140, 23, 140]), ("women", [2, 106, 9, 205])]));
    assert!(desk.checks(&two).contains("Rows of other arms are left out: 1 of `4`."));
    desk.no(&model("{ control = 1, active = 4 }"), &["subgroup `women` has no row for its active arm"]);
}

#[test]
fn patients_without_a_column_of_subgroups_are_one() {
    let desk = Desk::with(ARMS.as_bytes());
    let model =
        patients(r#"outcome = "y", treatment = "arm""#, r#"levels = { control = "A", active = "B" }"#);
    desk.no(
        &model,
        &["a heterogeneity prior, and the data have no subgroups", "the spread between subgroups"],
    );
    let alone = START.replace(", heterogeneity = \"half-normal(0.5)\"", "");
    desk.write("alone.toml", format!("{alone}{model}"));
    assert!(desk.says(&["check", "alone.toml"]).contains("all patients"));
    let all = ["trial.csv", "--assignment", "randomised", "--higher-is", "worse", "--treatment", "arm"];
    let of = |more: &[&'static str]| [&["new"][..], &all, &["--outcome", "y"], more].concat();
    desk.refuses(
        &of(&["--control", "A", "--active", "B", "--event", "1"]),
        &["--no-subgroup", "all patients are one"],
    );
    let arms = [
        "--control",
        "A",
        "--active",
        "B",
        "--event",
        "1",
        "--unknown",
        "x",
        "--no-subgroup",
        "-o",
        "new.toml",
    ];
    desk.says(&of(&arms));
    assert!(desk.says(&["check", "new.toml"]).contains("all patients 1/2"));
}

#[test]
fn numbers_are_cut_into_subgroups_in_their_order_and_into_levels_of_a_covariate() {
    let mut csv = "age,arm,y,nihss\n".to_string();
    for k in 0..120 {
        let _ = writeln!(csv, "{},{},{},{}", 50 + k % 40, k % 2, u8::from(k % 7 < 3), k % 30);
    }
    csv.push_str(",1,0,3\n");
    let desk = Desk::with(csv.as_bytes());
    let columns = r#"outcome = "y", treatment = "arm", subgroup = "age""#;
    let cells = desk.cells(&patients(columns, "cut = { age = [65, 80] }"));
    assert_eq!(cells.iter().map(|c| c.0.as_str()).collect::<Vec<_>>(), ["<65", "65–79", "≥80"]);
    assert_eq!(cells.iter().map(|c| c.1[1] + c.1[3]).collect::<Vec<_>>(), [45, 45, 30]);
    let told = desk.checks(&patients(columns, "cut = { age = [65, 80] }"));
    assert!(told.contains("1 subgroup missing"), "{told}");
    let adjusted = format!(
        "{}\n[model]\nadjust = [{{ column = \"nihss\", reference = \"<10\" }}]\n",
        patients(columns, "cut = { age = [65, 80], nihss = [10, 20] }")
    );
    assert!(desk.checks(&adjusted).contains("10–19"));
    let no = |cut: &str, told: &[&str]| desk.no(&patients(columns, cut), told);
    no("cut = { age = [80, 65] }", &["65 stands after 80", "where levels begin"]);
    no("cut = { age = [65, 95] }", &["no row is of the subgroup `≥95`", "[data.cut]"]);
    no("cut = { nihss = [10] }", &["`nihss` is cut", "neither subgroups, nor a factor, nor a covariate"]);
    let bare = format!(
        "{}\n[model]\nadjust = [\"nihss\"]\n",
        patients(columns, "cut = { age = [65], nihss = [10] }")
    );
    desk.no(&bare, &["`nihss` is cut into levels, and has no reference", "reference = \"<10\""]);
    let odd = Desk::with(b"age,arm,y\n70,0,1\n>80,1,0\n");
    odd.no(
        &patients(columns, "cut = { age = [75] }"),
        &["row 3, column `age`: found `>80`, expected a number"],
    );
}

#[test]
fn rows_are_called_as_a_text_editor_calls_them_whatever_ends_a_line() {
    let columns = r#"outcome = "y", treatment = "arm", subgroup = "sex""#;
    for end in ["\n", "\r\n", "\r"] {
        let lines = ["arm,y,sex", "0,1,f", "1,0,m", "0,7,m", "1,0,f"].join(end);
        Desk::with(lines.as_bytes()).no(&patients(columns, ""), &["row 4, column `y`: found `7`"]);
        let counts = TABLE.replace("21", "x").replace('\n', end);
        Desk::with(counts.as_bytes()).no(COUNTS, &["row 3, column `e1`: found `x`"]);
        let short = TABLE.replace(",21", "").replace('\n', end);
        Desk::with(short.as_bytes()).no(COUNTS, &["row 3: 4 fields where the header has 5"]);
        // Empty lines, and line ends within quotation marks, count as lines.
        let gaps = ["arm,y,sex", "0,1,\"f", "\"", "", "1,0,m", "0,7,m"].join(end);
        Desk::with(gaps.as_bytes()).no(&patients(columns, ""), &["row 6, column `y`: found `7`"]);
    }
}

#[test]
fn a_first_line_for_excel_names_the_delimiter_and_keeps_its_number() {
    let text = |first: &str| format!("{first}{}", TABLE.replace(',', ";"));
    let plain = Desk::with(text("").as_bytes()).cells(COUNTS);
    for first in ["sep=;\n", "SEP=;\r\n", "\u{feff}sep=;\n"] {
        assert_eq!(Desk::with(text(first).as_bytes()).cells(COUNTS), plain, "{first:?}");
        let wrong = text(first).replace("21", "x");
        Desk::with(wrong.as_bytes()).no(COUNTS, &["row 4, column `e1`: found `x`"]);
    }
}

#[test]
fn windows_1252_gzip_and_workbooks_are_read_for_counts_and_the_encoding_is_told() {
    let european = TABLE.replace("men,30", "Männer,30").replace("wo", "");
    let windows: Vec<u8> = european.chars().map(|c| u8::try_from(u32::from(c)).expect("Latin")).collect();
    let expected = Desk::with(european.as_bytes()).cells(COUNTS);
    for file in [windows.clone(), gzipped(&windows)] {
        let desk = Desk::with(&file);
        assert_eq!(desk.cells(COUNTS), expected);
        assert!(desk.checks(COUNTS).contains("is not UTF-8 text: sex was read as Windows-1252."));
    }
    let line = |k: usize, cells: [&str; 5]| {
        let each = ["A", "B", "C", "D", "E"].iter().zip(cells);
        let cell = |(column, value): (&&str, &str)| {
            let place = format!("{column}{k}");
            if value.parse::<f64>().is_ok() { number(&place, value) } else { words(&place, value) }
        };
        row(k, &each.map(|(c, v)| cell((c, v))).collect::<String>())
    };
    let rows = line(1, ["sex", "e0", "n0", "e1", "n1"])
        + &line(2, ["Männer", "30", "120", "19", "118"])
        + &line(3, ["men", "22", "95", "21", "99"]);
    assert_eq!(Desk::with(&workbook(&[("One", false, &rows, "")], &[])).cells(COUNTS), expected);
    let mixed = [&windows[..], "Mädchen,1,9,2,9\n".as_bytes()].concat();
    Desk::with(&mixed).no(COUNTS, &["row 4, column `sex`: this is UTF-8 text, and other values"]);
}

#[test]
fn the_first_sheet_with_a_table_is_read_another_by_its_name_and_errors_list_them() {
    let notes = row(1, &words("A1", "Data of the trial")) + &row(2, &words("A2", "ask before use"));
    let table = |events: &str| {
        let names = ["sex", "e0", "n0", "e1", "n1"].iter().zip(["A", "B", "C", "D", "E"]);
        let header: String = names.map(|(name, column)| words(&format!("{column}1"), name)).collect();
        let cells = words("A2", "all") + &number("B2", events) + &number("C2", "40");
        row(1, &header) + &row(2, &(cells + &number("D2", "5") + &number("E2", "41")))
    };
    let (data, other) = (table("8"), table("9"));
    let book =
        [("Notes", false, &notes[..], ""), ("Data", false, &data[..], ""), ("Later", false, &other[..], "")];
    let desk = Desk::with(&workbook(&book, &[]));
    assert_eq!(desk.cells(COUNTS), named(&[("all", [8, 40, 5, 41])]));
    assert!(desk.checks(COUNTS).contains("sheet `Data` was read: it is the first sheet that has a table."));
    let later = format!("{COUNTS}sheet = \"Later\"");
    assert_eq!(desk.cells(&later), named(&[("all", [9, 40, 5, 41])]));
    desk.no(
        &format!("{COUNTS}sheet = \"Date\""),
        &["the workbook has no sheet `Date`", "`Notes`, `Data`, `Later`", "did you mean `Data`?"],
    );
    desk.no(
        &COUNTS.replace("\"e0\"", "\"deaths\""),
        &["no column `deaths`", "sheet `Data` was read", "`Notes`, `Later`", "sheet = "],
    );
    let none =
        Desk::with(&workbook(&book.map(|(name, hidden, _, after)| (name, hidden, &notes[..], after)), &[]));
    none.no(COUNTS, &["no sheet of the workbook has a table", "`Notes`, `Data`, `Later`"]);
    Desk::with(TABLE.as_bytes()).no(&later, &["a text has no worksheets"]);
    let new =
        ["new", "trial.csv", "--sheet", "Nowhere", "--assignment", "randomised", "--higher-is", "worse"];
    desk.refuses(&new, &["no sheet `Nowhere`"]);
    desk.refuses(
        &[&["new", "trial.csv", "--rows", "patients"], &new[4..]].concat(),
        &["which column is the outcome?", "sheet `Data` was read"],
    );
}

#[test]
fn counts_are_read_with_the_decimals_of_other_programs_and_beside_patients_without_the_event() {
    let plain = Desk::with(TABLE.as_bytes()).cells(COUNTS);
    let pandas = "sex,e0,n0,e1,n1\nmen,30.0,120.0,19.0,118.0\nwomen,22.0,95.0,21.0,99.0\n";
    assert_eq!(Desk::with(pandas.as_bytes()).cells(COUNTS), plain);
    Desk::with(pandas.replace("30.0", "3.5").as_bytes()).no(COUNTS, &["found 3.5, expected a whole number"]);
    Desk::with(pandas.replace("120.0", "1.000").as_bytes())
        .no(COUNTS, &["found 1.000, expected a whole number"]);
    let no_events = "sex,e0,n0,e1,n1\nmen,30,90,19,99\nwomen,22,73,21,78\n";
    let columns = COUNTS.replace("_total", "_no_events");
    assert_eq!(Desk::with(no_events.as_bytes()).cells(&columns), plain);
    let both = columns.replace("active_no_events", "active_total");
    let half = "sex,e0,n0,e1,n1\nmen,30,90,19,118\nwomen,22,73,21,99\n";
    assert_eq!(Desk::with(half.as_bytes()).cells(&both), plain);
    let by_arm = "[data]\nfile = \"trial.csv\"\nrows = \"counts\"\ncolumns = { subgroup = \"sex\", arm = \"arm\", events = \"y\", no_events = \"n\" }\nlevels = { control = 0, active = 1 }\n";
    let rows = b"sex,arm,y,n\nmen,0,30,90\nmen,1,19,99\nwomen,0,22,73\nwomen,1,21,78\n";
    assert_eq!(Desk::with(rows).cells(by_arm), plain);
}

/// 60 patients, with potassium as `write` has it.
fn potassium(write: impl Fn(u32) -> String) -> Vec<u8> {
    let mut csv = "id;k;arm;sex;dead\n".to_string();
    for k in 0..60 {
        let sex = if k % 3 == 0 { "f" } else { "m" };
        let _ = writeln!(csv, "{k};{};{};{sex};{}", write(k), k % 2, u8::from(k % 5 == 0));
    }
    csv.into_bytes()
}

const NEW: [&str; 10] = [
    "new",
    "trial.csv",
    "--assignment",
    "randomised",
    "--higher-is",
    "worse",
    "--subgroup",
    "sex",
    "--adjust",
    "k",
];

#[test]
fn decimal_commas_are_read_where_they_are_said_and_proposed_where_numbers_look_so() {
    let desk = Desk::with(&potassium(|k| format!("{},{}", 3 + k % 2, k % 10)));
    desk.refuses(&NEW, &["`k` holds numbers with decimal commas: row 2 has `3,0`", "--decimal ,"]);
    desk.says(&[&NEW[..], &["--decimal", ",", "-o", "new.toml"]].concat());
    let written = fs::read_to_string(desk.at().join("new.toml")).expect("written");
    assert!(written.contains("\ndecimal = \",\"\n") && written.contains("adjust = [\"k\"]"), "{written}");
    let told = desk.says(&["check", "new.toml"]);
    assert!(told.contains("3.00 to 4.90"), "{told}");
    fs::write(desk.at().join("new.toml"), written.replace("decimal = \",\"\n", "")).expect("written");
    desk.refuses(&["check", "new.toml"], &["row 2, column `k`: found `3,0`", "decimal = \",\""]);
    // With decimal commas a point may stand between thousands.
    let points =
        Desk::with(&potassium(|k| if k == 7 { "1.234".to_string() } else { format!("3,{}", k % 10) }));
    fs::write(points.at().join("new.toml"), written).expect("written");
    points.refuses(&["check", "new.toml"], &["row 9, column `k`: found `1.234`, expected a number"]);
    let estimates = Desk::with(b"trial;or;lower;upper\nA;0,70;0,40;1,10\n");
    let of = |decimal: &str| {
        let start = START.replace("\"binary\"", "\"estimate\", scale = \"log_odds_ratio\"");
        let columns = r#"columns = { subgroup = "trial", ratio = "or", lower = "lower", upper = "upper" }"#;
        let data = format!("{start}[data]\nfile = \"trial.csv\"\nrows = \"estimates\"\n{columns}\n{decimal}");
        fs::write(estimates.at().join("trial.toml"), data).expect("written");
    };
    of("decimal = \",\"");
    estimates.says(&["check", "trial.toml"]);
    of("");
    estimates.refuses(&["check", "trial.toml"], &["found `0,70`", "decimal = \",\""]);
}

#[test]
fn one_odd_value_among_numbers_is_named_with_its_row() {
    let desk = Desk::with(&potassium(|k| if k == 50 { ">25".to_string() } else { format!("{}", k % 30) }));
    desk.refuses(&NEW, &["59 of 60 values of column `k` are numbers; row 52 has `>25`", "correct it"]);
    // Levels stay levels.
    let levels = Desk::with(&potassium(|k| ["1", "2", "3", "unclear"][k as usize % 4].to_string()));
    assert!(levels.says(&NEW).contains("{ column = \"k\", reference = \"1\" }"));
    let many = Desk::with(&potassium(|k| format!("patient {k}")));
    many.refuses(&NEW, &["neither a number nor has it few levels", "row 2 has `patient 0`"]);
}

#[test]
fn rows_of_a_table_that_hold_nothing_are_passed_over() {
    let desk = Desk::with(TABLE.as_bytes());
    let whole = desk.cells(COUNTS);
    assert_eq!(whole.len(), 2);
    let blank = Desk::with(format!("{TABLE},,,,\n ,,,,\n").as_bytes());
    assert_eq!(blank.cells(COUNTS), whole);
    Desk::with(format!("{TABLE}all,,,,\n").as_bytes()).no(COUNTS, &["row 4, column `e0`", "missing"]);
}

#[test]
fn a_range_stands_for_whole_numbers_that_rows_have() {
    let mut csv = "mrs,arm,sex\n".to_string();
    for k in 0..42 {
        let _ = writeln!(csv, "{},{},{}", k % 7, k % 2, ["f", "m"][k % 3 % 2]);
    }
    let desk = Desk::with(csv.as_bytes());
    let new = |event: &'static str| {
        let all =
            ["new", "trial.csv", "--assignment", "randomised", "--higher-is", "better", "--outcome", "mrs"];
        [&all[..], &["--subgroup", "sex", "--event", event]].concat()
    };
    let written = desk.says(&new("0-3"));
    assert!(
        written.contains("event = [\"0\", \"1\", \"2\", \"3\"] no_event = [\"4\", \"5\", \"6\"]"),
        "{written}"
    );
    assert!(desk.says(&new("0-2,6")).contains("event = [\"0\", \"1\", \"2\", \"6\"]"));
    // A codebook may list what no row of this file has.
    assert!(desk.says(&new("4-9")).contains("event = [\"4\", \"5\", \"6\"] no_event"));
    let unknown = desk.says(&[&new("0-3")[..], &["--unknown", "8"]].concat());
    assert!(unknown.contains("unknown = \"8\" # no row has \"8\""), "{unknown}");
    desk.refuses(&new("7"), &["column `mrs` has no value `7`", "its values are 0 6"]);
    desk.refuses(&new("8-9"), &["column `mrs` has no value `8-9`"]);
    let misspelt = [&new("0-3")[..], &["--control", "0", "--active", "1", "--unknown", "misssing"]].concat();
    assert!(desk.says(&misspelt).contains("no row has \"misssing\""));
}

#[test]
fn values_that_are_taken_for_no_event_are_told() {
    let mut csv = "mrs,arm,sex\n".to_string();
    for k in 0..42 {
        let value = if k == 5 { "n.k.".to_string() } else { (k % 7).to_string() };
        let _ = writeln!(csv, "{value},{},{}", k % 2, ["f", "m"][k % 3 % 2]);
    }
    let desk = Desk::with(csv.as_bytes());
    let new = ["new", "trial.csv", "--assignment", "randomised", "--higher-is", "better", "--outcome", "mrs"];
    let new = [&new[..], &["--subgroup", "sex", "--event", "0-3", "-o", "m.toml"]].concat();
    let output = desk.run(&new);
    let told = flowing(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(told.contains("Taken as patients without the event: `4`, `5`, `6`, `n.k.`."), "{told}");
    assert!(told.contains("--unknown"), "{told}");
}

#[test]
fn limits_of_another_interval_than_95_percent_are_refused() {
    let table = "sex,HR,Lower 90%,Upper 90 %\nmen,0.66,0.40,1.10\nwomen,0.8,0.5,1.3\n";
    let desk = Desk::with(table.as_bytes());
    let new = ["new", "trial.csv", "--assignment", "randomised", "--higher-is", "worse"];
    let columns = "subgroup=sex,ratio=HR,lower=Lower 90%,upper=Upper 90 %";
    let more = ["--rows", "estimates", "--scale", "log-hazard-ratio", "--columns", columns];
    desk.refuses(
        &[&new[..], &more].concat(),
        &["`Lower 90%` holds the limits of a 90 % interval", "3.29", "standard errors"],
    );
    let right = Desk::with(table.replace("90", "95").as_bytes());
    right.says(&[&new[..], &more[..4], &["--columns", &columns.replace("90", "95")]].concat());
}

#[test]
fn titles_above_a_header_are_named_as_such() {
    Desk::with(b"Table 2. Outcomes,,,,\nsex,e0,n0,e1,n1\nmen,30,120,19,118\n")
        .no(COUNTS, &["two columns have no name", "remove titles above it"]);
}

#[test]
fn the_cell_that_keeps_a_table_from_being_read_is_named() {
    let new = ["new", "trial.csv", "--assignment", "randomised", "--higher-is", "worse"];
    for (table, told) in [
        (
            "sex,placebo_events,placebo_total,drug_events,drug_total\nmen,30,120,19,118\nwomen,22,95,NR,99\n",
            "column `drug_events`, row 3: found `NR`, expected a number",
        ),
        ("sex,or,lower,upper\nmen,0.66,0.40,NE\nwomen,0.8,0.5,1.3\n", "column `upper`, row 2: found `NE`"),
        (
            "sex,placebo,drug\nmen,30/120,19/118\nwomen,22/95,21/99\nothers,\"1,204/3,100\",4/20\n",
            "column `placebo`: found `1,204/3,100`, expected events/total",
        ),
    ] {
        Desk::with(table.as_bytes())
            .refuses(&new, &[told, "mend the cell, or leave its row out", "--rows patients"]);
    }
}
