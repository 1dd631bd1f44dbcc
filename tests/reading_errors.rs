//! What a model file or a table that can't be read is told: where, what was found, what was expected, and what to write; and
//! cells that hold several figures.

use std::fs;

use crate::common::files::{row, sheet, words};
use crate::common::folder::{Folder, flowing};

/// A folder, and what the program says there.
struct Desk(Folder);

const START: &str = r#"title = "Invented"
study = { assignment = "randomised" }
outcome = { name = "death", kind = "binary", higher_is = "worse" }
treatment = { name = "the drug", control = "placebo", active = "drug" }
prior = { effect = "normal(0, 0.355)", heterogeneity = "half-normal(0.5)" }
"#;

const COUNTS: &str = r#"[data]
counts = [
  { subgroup = "men", control = { events = 30, total = 120 }, active = { events = 19, total = 118 } },
  { subgroup = "women", control = { events = 22, total = 95 }, active = { events = 21, total = 99 } },
]
"#;

const SEPARATE: &str = r#"rows = "counts"
columns = { subgroup = "sex", control_events = "e0", control_total = "n0", active_events = "e1", active_total = "n1" }
"#;

const TOGETHER: &str = r#"rows = "counts"
columns = { subgroup = "sex", control_events = "Placebo", control_total = "Placebo", active_events = "Drug", active_total = "Drug" }
"#;

const ESTIMATES: &str = r#"title = "Invented"
study = { assignment = "randomised" }
outcome = { name = "death", kind = "estimate", scale = "log_odds_ratio", higher_is = "worse" }
treatment = { name = "the drug", control = "placebo", active = "drug" }
prior = { effect = "normal(0, 0.355)", heterogeneity = "half-normal(0.5)" }
"#;

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

    fn new() -> Desk {
        Desk(Folder::new())
    }

    /// The model of a table.
    fn model(&self, table: &str, data: &str) -> &Folder {
        self.write("trial.csv", table);
        self.write("trial.toml", format!("{START}[data]\nfile = \"trial.csv\"\n{data}"))
    }

    fn estimates(&self, table: &str, data: &str) -> &Folder {
        self.write("trial.csv", table);
        self.write(
            "trial.toml",
            format!("{ESTIMATES}[data]\nfile = \"trial.csv\"\nrows = \"estimates\"\n{data}"),
        )
    }
}

const CHECK: [&str; 2] = ["check", "trial.toml"];

#[test]
fn a_value_of_another_kind_is_told_with_a_line_that_works() {
    let desk = Desk::new();
    let told = |line: &str, told: &[&str]| {
        desk.write("trial.toml", format!("{line}\n{START}{COUNTS}")).refuses(&CHECK, told);
    };
    told(
        "citation = \"Lancet\"",
        &["`citation` is a text, \"Lancet\"", "a list of texts", "citation = [\"doi:"],
    );
    told("subgroup = \"sex\"", &["`subgroup` is a text", "section", "subgroup = { name = \"sex\" }"]);
    told("illustrative = \"yes\"", &["`illustrative` is a text, \"yes\"; true or false is expected"]);
    told(
        "thresholds = { odds_ratio = 1.2 }",
        &["is a number, 1.2; a list of numbers", "odds_ratio = [1.25, 1.5]"],
    );
    told(
        "thresholds = { odds_ratio = [1.2, \"2\"] }",
        &["entry 2 of `thresholds.odds_ratio` is a text, \"2\""],
    );
    told("library = [1.5]", &["`library` is a list", "library = { expected_odds_ratio = 1.5 }"]);
    told("note = 2024-05-01", &["`note` is a date, 2024-05-01; a text in quotes is expected"]);
    told("bias = { missing = 3 }", &["`bias.missing` is a number, 3", "missing = { active ="]);
    told("decision = { question = 1 }", &["`decision.question` is a number, 1", "question = \"Stent"]);
    told(
        "model = { adjust = \"AGE\" }",
        &["`model.adjust` is a text, \"AGE\"; a list", "adjust = [\"AGE\", {"],
    );
    told("prio = 3", &["unknown key `prio`", "did you mean `prior`?"]);
    told("higher_is = \"worse\"", &["unknown key `higher_is`", "did you mean `outcome.higher_is`?"]);
    desk.write("d.toml", "outcome = [3]\n[decision]\nquestion = \"?\"\n");
    desk.refuses(&["decide", "d.toml"], &["entry 1 of `outcome` is a number, 3", "outcome = [{ model ="]);
}

#[test]
fn a_misspelt_path_of_set_is_led_to_the_nearest_key() {
    let desk = Desk::new();
    desk.write("trial.toml", format!("{START}{COUNTS}"));
    let told = |set: &str, told: &[&str]| {
        desk.refuses(&["fit", "trial.toml", "--set", set], told);
    };
    told("priors.effect=normal(0, 1)", &["did you mean `prior.effect`?"]);
    told(
        "prior.efect=normal(0, 1)",
        &["--set prior.efect: unknown key `efect` in [prior]", "`prior.effect`"],
    );
    told("model.poling=none", &["did you mean `model.pooling`?"]);
    told("effect=normal(0, 1)", &["did you mean `prior.effect`?"]);
}

#[test]
fn subgroups_that_two_models_share_do_not_count_twice() {
    let desk = Desk::new();
    let other = |men: u32, women: u32| {
        COUNTS
            .replace("events = 30", &format!("events = {men}"))
            .replace("events = 22", &format!("events = {women}"))
    };
    desk.write("a.toml", format!("{START}{}", other(31, 23)));
    desk.write("b.toml", format!("{START}{}", other(31, 24)));
    desk.write("c.toml", format!("{START}{}", other(30, 25)));
    desk.write("d.toml", format!("{START}{}", other(32, 26)));
    let from = |from: &str| {
        let priors = format!("[priors.earlier]\nfrom = {from}\nweight = 0.5\n");
        desk.write("trial.toml", format!("{START}{COUNTS}{priors}"));
    };
    from("[\"a.toml\", \"b.toml\"]");
    desk.refuses(&CHECK, &["`a` and `b` both hold `men`", "count twice"]);
    from("[\"c.toml\"]");
    desk.refuses(&CHECK, &["`c` and this model both hold `men`", "count twice"]);
    from("[\"a.toml\", \"d.toml\"]");
    desk.says(&CHECK);
}

#[test]
fn an_unknown_column_or_value_has_its_nearest_and_lists_end() {
    let desk = Desk::new();
    let many: Vec<String> = (0..200).map(|i| format!("c{i}")).collect();
    let table = format!("sex,e0,n0,e1,n_1,{}\nmen,1,2,3,4{}\n", many.join(","), ",4".repeat(200));
    desk.model(&table, SEPARATE);
    let error = desk.refuses(&CHECK, &["no column `n1`", "did you mean `n_1`?", "and 195 more"]);
    assert!(!error.contains("c50"), "{error}");
    let table = "sex,e0,n0,e1,n1,place\nmen,1,9,3,9,north\nwomen,2,8,3,8,south\n";
    desk.model(table, &format!("{SEPARATE}where = {{ place = [\"nroth\", \"south\"] }}\n"));
    desk.refuses(
        &CHECK,
        &["no row of the data file has `nroth`", "did you mean `north`?", "its values are `south`"],
    );
}

#[test]
fn marks_of_another_kind_in_numbers_are_told_with_the_option_that_fits() {
    let desk = Desk::new();
    let columns = "columns = { subgroup = \"sex\", ratio = \"OR\", lower = \"lo\", upper = \"hi\" }\n";
    let told = |table: &str, decimal: &str, told: &[&str]| {
        desk.estimates(table, &format!("{decimal}{columns}")).refuses(&CHECK, told);
    };
    let comma = "decimal = \",\"\n";
    told(
        "sex;OR;lo;hi\nmen;0.66;0.4;1.1\n",
        comma,
        &["trial.csv, row 2, column `OR`: found `0.66`", "leave decimal = \",\" out"],
    );
    told("sex;OR;lo;hi\nmen;0,66;0,4;1,1\n", "", &["row 2, column `OR`: found `0,66`", "decimal = \",\""]);
    told(
        "sex;OR;lo;hi\nmen;1.234,5;1;2\n",
        comma,
        &["found `1.234,5`", "write it without marks between thousands: 1234,5"],
    );
    desk.model("sex;e0;n0;e1;n1\nmen;30;1,200;19;1100\n", SEPARATE);
    desk.refuses(&CHECK, &["row 2, column `n0`: found `1,200`", "write 1200"]);
}

#[test]
fn events_of_a_total_in_one_cell_are_the_counts_that_two_columns_would_hold() {
    let apart = Desk::new();
    apart.model("sex,e0,n0,e1,n1\nmen,41,310,28,305\nwomen,22,150,23,148\n", SEPARATE);
    let expected = apart.says(&["fit", "trial.toml", "--format", "csv", "--engine", "exact"]);
    let numbers = |csv: &str| csv.lines().filter(|l| !l.contains("sha256")).collect::<Vec<_>>().join("\n");
    let one = Desk::new();
    for table in [
        "sex,Placebo,Drug\nmen,41/310,28/305\nwomen,22 of 150,23/148\n",
        "sex,Placebo,Drug\nmen,41/310 (13.2%),28/305 (9 %)\nwomen,22/150 (14.7 %),23/148\n",
    ] {
        one.model(table, TOGETHER);
        let found = one.says(&["fit", "trial.toml", "--format", "csv", "--engine", "exact"]);
        assert_eq!(numbers(&found), numbers(&expected));
    }
    for (cell, told) in [
        ("41", "found `41`, expected events and total, such as 41/310"),
        ("41/310 (15.2%)", "found `41/310 (15.2%)`"),
        ("410/310", "410 events among 310 patients"),
        ("", "events and total are missing"),
        ("41/", "found `41/`"),
    ] {
        one.model(&format!("sex,Placebo,Drug\nmen,{cell},28/305\nwomen,22/150,23/148\n"), TOGETHER);
        one.refuses(&CHECK, &["trial.csv, row 2, column `Placebo`", told]);
    }
    // A cell with both under a key of one.
    one.model("sex,e0,n0,e1,n1\nmen,41/310,310,28,305\n", SEPARATE);
    one.refuses(&CHECK, &["row 2, column `e0`: found `41/310`", "named twice"]);
    // As rows of arms, and from a workbook.
    let arms = "rows = \"counts\"\ncolumns = { subgroup = \"sex\", arm = \"arm\", events = \"n/N\", total = \"n/N\" }\nlevels = { control = \"P\", active = \"D\" }\n";
    one.model("sex,arm,n/N\nmen,P,41/310\nmen,D,28/305\nwomen,P,22/150\nwomen,D,23/148\n", arms);
    one.says(&CHECK);
    let table = [["sex", "Placebo", "Drug"], ["men", "41/310", "28/305"], ["women", "22/150", "23/148"]];
    let rows = table.iter().enumerate().map(|(i, cells)| {
        let cell = |(column, text): (&str, &str)| words(&format!("{column}{}", i + 1), text);
        let cells: String = ["A", "B", "C"].into_iter().zip(*cells).map(cell).collect();
        row(i + 1, &cells)
    });
    one.write("trial.xlsx", sheet(&rows.collect::<String>()));
    one.write("trial.toml", format!("{START}[data]\nfile = \"trial.xlsx\"\n{TOGETHER}"));
    one.says(&CHECK);
}

#[test]
fn an_estimate_with_its_interval_in_one_cell_is_read_as_papers_print_it() {
    let columns = "columns = { subgroup = \"sex\", ratio = \"OR\", lower = \"OR\", upper = \"OR\" }\n";
    let desk = Desk::new();
    let fitted = || desk.says(&["fit", "trial.toml", "--format", "csv", "--engine", "exact"]);
    desk.estimates(
        "sex;OR;lo;hi\nmen;0.66;0.40;1.10\nwomen;1.02;0.60;1.73\n",
        "columns = { subgroup = \"sex\", ratio = \"OR\", lower = \"lo\", upper = \"hi\" }\n",
    );
    let expected = fitted();
    for (men, women, decimal) in [
        ("0.66 (0.40 to 1.10)", "1.02 (0.60–1.73)", ""),
        ("0.66 [0.40, 1.10]", "1.02 (95% CI 0.60-1.73)", ""),
        ("0,66 (0,40 to 1,10)", "1,02 (0,60; 1,73)", "decimal = \",\"\n"),
    ] {
        desk.estimates(
            &format!("sex;OR\nmen;\"{men}\"\nwomen;\"{women}\"\n"),
            &format!("{decimal}{columns}"),
        );
        assert_eq!(fitted(), expected, "{men}");
    }
    desk.estimates(
        "sex;OR;95% CI\nmen;0.66;(0.40 to 1.10)\nwomen;1.02;0.60–1.73\n",
        "columns = { subgroup = \"sex\", ratio = \"OR\", lower = \"95% CI\", upper = \"95% CI\" }\n",
    );
    assert_eq!(fitted(), expected);
    for (cell, told) in [
        ("0.66", "expected an estimate with its interval, such as 0.66 (0.40 to 1.10)"),
        ("1 (reference)", "a row without an estimate"),
        ("0,66 (0,40 to 1,10)", "decimal = \",\""),
        ("", "the estimate is missing"),
        ("0.66 (0.40 to", "found `0.66 (0.40 to`"),
    ] {
        desk.estimates(&format!("sex;OR\nmen;{cell}\nwomen;1.02 (0.60 to 1.73)\n"), columns);
        desk.refuses(&CHECK, &["trial.csv, row 2, column `OR`", told]);
    }
}

#[test]
fn a_table_with_such_cells_is_recognised_and_its_draft_runs() {
    let new =
        ["new", "trial.csv", "--assignment", "randomised", "--higher-is", "worse", "-o", "drafted.toml"];
    for (table, extra) in [
        ("sex,Placebo,Drug\nmen,41/310,28/305\nwomen,22/150,23/148\n", "control_events = \"Placebo\""),
        ("sex,OR (95% CI)\nmen,0.66 (0.40 to 1.10)\nwomen,1.02 (0.60 to 1.73)\n", "upper = \"OR (95% CI)\""),
        ("sex,OR,95% CI\nmen,0.66,0.40 to 1.10\nwomen,1.02,0.60 to 1.73\n", "upper = \"95% CI\""),
    ] {
        let desk = Desk::new();
        desk.write("trial.csv", table);
        desk.refuses(&["fit", "trial.csv"], &["a table of", "equipoise new trial.csv"]);
        desk.says(&new);
        let draft = fs::read_to_string(desk.at().join("drafted.toml")).expect("drafted");
        assert!(draft.contains(extra), "{draft}");
        desk.says(&["check", "drafted.toml"]);
    }
}

#[test]
fn rows_of_one_kind_under_keys_of_another_are_told_both_ways_out() {
    let desk = Desk::new();
    let patients = "sex,arm,dead\nm,P,1\nm,D,0\nf,P,0\nf,D,1\n";
    desk.model(
        patients,
        "rows = \"counts\"\ncolumns = { subgroup = \"sex\", outcome = \"dead\", treatment = \"arm\" }\n",
    );
    desk.refuses(
        &CHECK,
        &[
            "`outcome` is a column of rows = \"patients\"",
            "if each row is a patient: rows = \"patients\"",
            "if each row is the counts",
        ],
    );
    desk.model(
        "sex,e0,n0,e1,n1\nmen,41,310,28,305\n",
        &SEPARATE.replace("\"counts\"", "\"patients\"\nmissing = \"drop\""),
    );
    desk.refuses(
        &CHECK,
        &["is a column of rows = \"counts\"", "rows = \"counts\"", "if each row is a patient: columns ="],
    );
    // Right keys, and rows that are something else.
    desk.model(
        "sex,arm,dead,n\nm,P,1,1\nm,P,0,1\nm,D,0,1\n",
        "rows = \"counts\"\ncolumns = { subgroup = \"sex\", arm = \"arm\", events = \"dead\", total = \"n\" }\nlevels = { control = \"P\", active = \"D\" }\n",
    );
    desk.refuses(
        &CHECK,
        &["a second row for its control arm", "if each row is a patient: rows = \"patients\""],
    );
    desk.model(
        "sex,arm,events,n\nm,0,41,310\nm,1,28,305\n",
        "rows = \"patients\"\nmissing = \"drop\"\ncolumns = { subgroup = \"sex\", treatment = \"arm\", outcome = \"events\" }\n",
    );
    desk.refuses(&CHECK, &["row 2, column `events`: found `41`", "if it is a count", "rows = \"counts\""]);
}

/// What no cell should hold, and some that it may.
const HOSTILE: [&str; 26] = [
    "",
    "NA",
    "-1",
    "1e400",
    "NaN",
    "inf",
    "99999999999999999999",
    "3.5",
    "abc",
    "é",
    "\0",
    "\"",
    "41/310",
    "310/41",
    "1,000",
    "0,5",
    "\u{202e}",
    "😀",
    "=cmd",
    "2024-01-01",
    "TRUE",
    "1_000",
    "-0",
    "0.66 (0.40 to 1.10)",
    "0.66 (1.10 to 0.40)",
    "1/0",
];

#[test]
fn hostile_cells_and_headers_end_with_status_1_and_what_to_do_or_are_read() {
    let desk = Desk::new();
    let single = "rows = \"counts\"\ncolumns = { subgroup = \"sex\", control_events = \"e0\", control_total = \"e0\", active_events = \"e1\", active_total = \"n1\" }\n";
    let judge = |what: &str| {
        let output = desk.run(&CHECK);
        let error = flowing(&output.stderr);
        let code = output.status.code();
        let told = code == Some(1) && error.contains("help: ");
        assert!(code == Some(0) || told, "{what:?}: {error}");
        assert!(!error.contains("panicked") && !error.contains("invalid type"), "{what:?}: {error}");
    };
    for cell in HOSTILE {
        let quoted = format!("\"{}\"", cell.replace('"', "\"\""));
        for data in [SEPARATE, single] {
            desk.model(&format!("sex,e0,n0,e1,n1\nmen,{quoted},310,28,305\nwomen,22/150,150,23,148\n"), data);
            judge(cell);
        }
        desk.model(&format!("sex,{quoted},n0,e1,n1\nmen,30,310,28,305\n"), SEPARATE);
        judge(cell);
    }
    for table in [
        "",
        "\n",
        "sex\n",
        "sex,e0,n0,e1,n1\n",
        "sex,e0,e0,e1,n1\nmen,1,2,3,4\n",
        ",,,,\n1,2,3,4,5\n",
        "sex,e0,n0,e1,n1\nmen,1\n",
    ] {
        desk.model(table, SEPARATE);
        judge(table);
    }
}

#[test]
fn rows_that_an_earlier_condition_leaves_out_are_not_denied() {
    let desk = Desk::new();
    let mut table = "sex,arm,site,e0,n0,e1,n1\nmen,A,Rome,1,9,3,9\nwomen,B,Paris,2,8,3,8\n".to_string();
    let told = |table: &str, keep: &str, told: &[&str]| {
        desk.model(table, &format!("{SEPARATE}where = {{ {keep} }}\n"));
        desk.refuses(&CHECK, told)
    };
    let both = "arm = \"A\", site = [\"Rome\", \"Paris\"]";
    let error = told(
        &table,
        both,
        &[
            "no row that the condition before it keeps has `Paris` in column `site`",
            "rows were chosen before that by `arm`",
        ],
    );
    assert!(!error.contains("no row of the data file"), "{error}");
    told(&table, "arm = \"C\", site = \"Rome\"", &["no row of the data file has `C` in column `arm`"]);
    // Of more values than are remembered, nobody knows how many there are.
    for i in 0..300 {
        table += &format!("men,A,s{i},1,9,3,9\n");
    }
    let error = told(&table, "site = \"Quito\"", &["`s104` and many more"]);
    assert!(!error.contains("190 more"), "{error}");
}

#[test]
fn a_missing_section_is_added_with_its_header_and_a_missing_line_stands_before_all_sections() {
    let desk = Desk::new();
    let without = |key: &str| {
        let lines = START.lines().filter(|line| !line.starts_with(key));
        let rest = lines.map(|line| format!("{line}\n")).collect::<String>();
        desk.write("trial.toml", format!("{rest}{COUNTS}"));
    };
    without("study");
    desk.refuses(&CHECK, &["`study` is missing", "add a section [study] with assignment = \"randomised\""]);
    let whole = format!("{}\n[study]\nassignment = \"randomised\"\n", desk.read("trial.toml"));
    desk.write("trial.toml", whole).says(&CHECK);
    without("outcome");
    desk.refuses(
        &CHECK,
        &["add a section [outcome] with the lines `name = \"death at 90 days\"`, `kind = \"binary\"`, `higher"],
    );
    without("title");
    desk.refuses(&CHECK, &["write title = \"Stenting", ", before the first [section]"]);
}

#[test]
fn a_decision_within_a_decision_is_no_key() {
    let desk = Desk::new();
    let own = "[decision]\nquestion = \"Treat?\"\n";
    let within = "[decision.decision]\nquestion = \"Treat?\"\n";
    desk.write("trial.toml", format!("{START}{COUNTS}{own}{within}"));
    desk.refuses(
        &CHECK,
        &["unknown key `decision` in [decision]", "expected `question`, `illustrative`, `actions`"],
    );
    desk.write("trial.toml", format!("{START}{COUNTS}{own}"));
    desk.refuses(
        &["fit", "trial.toml", "--set", "decision.decision.question=Which?"],
        &["unknown key `decision` in [decision]", "did you mean `decision.question`?"],
    );
}

#[test]
fn a_row_of_a_list_is_told_by_its_number_and_no_expected_key_is_left_out() {
    let desk = Desk::new();
    let told = |from: &str, to: &str, told: &[&str]| {
        desk.write("trial.toml", format!("{START}{}", COUNTS.replace(from, to)));
        desk.refuses(&CHECK, told);
    };
    told("\"women\"", "3", &["`subgroup` of entry 2 of `data.counts` is a number, 3; a text"]);
    told("events = 21", "evnts = 21", &["unknown key `evnts` in `active` of entry 2 of `data.counts`"]);
    told("{ events = 21, total = 99 }", "[21, 99]", &["`active` of entry 2 of `data.counts` is a list"]);
    told("[data]", "[data]\nzzz = 1", &["expected `counts`, `estimates`", "`where`, `cut`"]);
    desk.write("trial.toml", format!("zzz = 1\n{START}{COUNTS}"));
    let error = desk.refuses(&CHECK, &["expected `title`", "`bias`, `decision`"]);
    assert!(!error.contains(" more"), "{error}");
}

#[test]
fn subgroups_that_several_models_share_are_counted_and_can_be_renamed() {
    let desk = Desk::new();
    let names = ["a", "b", "c", "d", "e"];
    let counts = |shared: usize, other: u32| {
        let row = |(i, name): (usize, &&str)| {
            let events = if i < shared { 1 } else { other };
            format!(
                "{{ subgroup = \"{name}\", control = {{ events = {events}, total = 9 }}, active = {{ events = 2, total = 9 }} }},\n"
            )
        };
        let rows: String = names.iter().enumerate().map(row).collect();
        format!("{START}[data]\ncounts = [\n{rows}]\n")
    };
    for (shared, words) in
        [(1, "both hold `a` "), (3, "both hold `a`, `b` and `c` "), (4, "`a`, `b`, `c` and 1 more subgroup ")]
    {
        desk.write("other.toml", counts(shared, 4));
        let priors = "[priors.earlier]\nfrom = [\"other.toml\"]\nweight = 0.5\n";
        desk.write("trial.toml", format!("{}{priors}", counts(5, 3)));
        desk.refuses(&CHECK, &[words, "give the subgroup another name in one of the models"]);
    }
}

#[test]
fn a_column_that_where_does_not_find_has_its_nearest() {
    let desk = Desk::new();
    let many: Vec<String> = (0..30).map(|i| format!("c{i}")).collect();
    desk.write("trial.csv", format!("sex,place,{}\nmen,north{}\n", many.join(","), ",1".repeat(30)));
    desk.refuses(
        &["new", "trial.csv", "--assignment", "randomised", "--higher-is", "worse", "--where", "plac=north"],
        &["no column `plac`", "did you mean `place`?", "and 22 more"],
    );
}
