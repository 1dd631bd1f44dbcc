//! Ordinal outcomes as users write them: what is wrong with a file is told with its place, what was found, what was expected and
//! what to do; and the trial that is shipped.

use std::fmt::Write as _;

use equipoise::input::open;

use crate::common::folder::{Folder, flowing};

const START: &str = r#"title = "Invented"
study = { assignment = "randomised" }
treatment = { name = "the drug", control = "placebo", active = "drug" }
"#;

const OUTCOME: &str = r#"[outcome]
name = "mRS at 90 days"
kind = "ordinal"
higher_is = "worse"
levels = ["0", "1", "2", "3"]
above = "1"
"#;

const COUNTS: &str = r#"[[data.counts]]
subgroup = "men"
control = { levels = [12, 30, 41, 25] }
active = { levels = [22, 34, 40, 23] }
[[data.counts]]
subgroup = "women"
control = { levels = [10, 20, 31, 26] }
active = { levels = [13, 24, 32, 27] }
"#;

const TABLE: &str = r#"[data]
file = "table.csv"
rows = "counts"
columns = { subgroup = "sex", arm = "arm", level = "mrs", patients = "n" }
levels = { control = "placebo", active = "drug" }
"#;

const ROWS: &str = r#"[data]
file = "rows.csv"
rows = "patients"
missing = "drop"
columns = { outcome = "mrs", treatment = "arm", subgroup = "sex" }
levels = { control = "placebo", active = "drug" }
"#;

const PRIOR: &str = "[prior]\neffect = \"normal(0, 0.5)\"\nheterogeneity = \"half-normal(0.3)\"\n";

/// The counts again, a row a level.
fn table() -> String {
    let mut csv = "sex,arm,mrs,n\n".to_string();
    for (sex, arm, patients) in [
        ("men", "placebo", [12, 30, 41, 25]),
        ("men", "drug", [22, 34, 40, 23]),
        ("women", "placebo", [10, 20, 31, 26]),
        ("women", "drug", [13, 24, 32, 27]),
    ] {
        for (level, n) in patients.into_iter().enumerate() {
            let _ = writeln!(csv, "{sex},{arm},{level},{n}");
        }
    }
    csv
}

/// And a row a patient.
fn rows() -> String {
    let mut csv = "sex,arm,mrs\n".to_string();
    for line in table().lines().skip(1) {
        let (patient, n) = line.rsplit_once(',').expect("a count");
        (0..n.parse().expect("a count")).for_each(|_| {
            let _ = writeln!(csv, "{patient}");
        });
    }
    csv
}

struct Desk(Folder);

impl Desk {
    fn new() -> Desk {
        let folder = Folder::new();
        folder.write("table.csv", table()).write("rows.csv", rows());
        Desk(folder)
    }

    fn write(&self, outcome: &str, data: &str, rest: &str) -> String {
        let text = format!("{START}{outcome}{data}{rest}");
        self.0.write("model.toml", &text);
        text
    }

    /// `check` refuses the file in these words, at the line and column where `at` begins.
    #[track_caller]
    fn refuses(&self, [outcome, data, rest]: [&str; 3], at: &str, told: &[&str]) {
        let text = self.write(outcome, data, rest);
        let before = &text[..text.find(at).expect("a place in the file")];
        let line = before.lines().count() + usize::from(before.ends_with('\n'));
        let column = before.rsplit('\n').next().map_or(1, |l| l.chars().count() + 1);
        let error = self.0.refuses(&["check", "model.toml"], told);
        assert!(
            error.contains(&format!("model.toml:{line}:{column}")),
            "line {line}, column {column}\n{error}"
        );
    }

    /// The same of a data file, whose row and column are among the words.
    #[track_caller]
    fn refuses_data(&self, [outcome, data, rest]: [&str; 3], told: &[&str]) {
        self.write(outcome, data, rest);
        self.0.refuses(&["check", "model.toml"], told);
    }

    #[track_caller]
    fn says(&self, outcome: &str, data: &str, rest: &str) -> String {
        self.write(outcome, data, rest);
        flowing(self.0.says(&["check", "model.toml"]).as_bytes())
    }
}

#[test]
fn one_trial_is_read_alike_from_counts_a_table_and_rows() {
    let desk = Desk::new();
    let mut held = Vec::new();
    for data in [COUNTS, TABLE, ROWS] {
        let said = desk.says(OUTCOME, data, PRIOR);
        assert!(said.contains("men 66/108 61.1 % 63/119") && said.contains("women 57/87"), "{said}");
        let study = open(desk.0.at().join("model.toml").to_str().expect("UTF-8")).expect("a study");
        let levels = study.data.levels().expect("levels");
        held.push([[0, 0], [0, 1], [1, 0], [1, 1]].map(|[g, arm]| levels.patients(g, arm).to_vec()));
    }
    assert_eq!(held[0], held[1]);
    assert_eq!(held[0], held[2]);
    // Codes stand for levels, and some for nobody knows what.
    let coded = ROWS.replace(
        "active = \"drug\" }",
        "active = \"drug\", unknown = 9, outcome = { 0 = \"none\", 1 = \"slight\", 2 = \"severe\", 3 = \"dead\" } }",
    );
    let named = OUTCOME.replace(
        "[\"0\", \"1\", \"2\", \"3\"]\nabove = \"1\"",
        "[\"none\", \"slight\", \"severe\", \"dead\"]\nabove = \"slight\"",
    );
    desk.0.write("rows.csv", rows() + "men,drug,9\nwomen,placebo,\n");
    let said = desk.says(&named, &coded, PRIOR);
    assert!(said.contains("men 66/108 61.1 % 63/119") && said.contains("2 outcomes are missing"), "{said}");
    // The same of a table.
    desk.0.write("table.csv", table() + "men,drug,,3\nmen,placebo,9,2\n");
    let said = desk.says(OUTCOME, &TABLE.replace("\"drug\" }", "\"drug\", unknown = \"9\" }"), PRIOR);
    assert!(said.contains("5 outcomes are missing"), "{said}");
}

#[test]
fn a_level_that_is_not_listed_is_told_where_it_stands() {
    let desk = Desk::new();
    desk.0.write("table.csv", table() + "women,drug,7,3\n").write("rows.csv", rows() + "women,drug,9\n");
    let at = format!("row {}", table().lines().count() + 1);
    let told = [
        "table.csv",
        at.as_str(),
        "column `mrs`",
        "found `7`",
        "levels are `0`, `1`, `2`, `3`",
        "unknown = \"7\"",
    ];
    desk.refuses_data([OUTCOME, TABLE, PRIOR], &told);
    let at = format!("row {}", rows().lines().count() + 1);
    let told = [
        "rows.csv",
        at.as_str(),
        "column `mrs`",
        "found `9`",
        "expected `0`, `1`, `2`, `3`",
        "unknown = \"9\"",
        "[outcome] levels",
    ];
    desk.refuses_data([OUTCOME, ROWS, PRIOR], &told);
    let short = COUNTS.replace("[22, 34, 40, 23]", "[22, 34, 40]");
    let told = ["subgroup `men`, active arm: 3 counts for 4 levels", "one count a level"];
    desk.refuses([OUTCOME, &short, PRIOR], "[22, 34, 40]", &told);
    let code = ROWS.replace("\"drug\" }", "\"drug\", outcome = { 0 = \"none\" } }");
    desk.refuses([OUTCOME, &code, PRIOR], "\"none\"", &["no level `none`", "the levels are `0`"]);
    let code = ROWS.replace("\"drug\" }", "\"drug\", unknown = [\"3\"] }");
    desk.refuses([OUTCOME, &code, PRIOR], "[\"3\"] }", &["`3` is listed as unknown, and is a level"]);
    desk.0.write("table.csv", table() + "men,drug,2,40\n");
    let at = format!("row {}", table().lines().count() + 1);
    let told =
        [at.as_str(), "subgroup `men` has a second row for level `2` of its active arm", "one row a level"];
    desk.refuses_data([OUTCOME, TABLE, PRIOR], &told);
}

#[test]
fn levels_that_are_no_scale_are_refused() {
    let desk = Desk::new();
    let of = |levels: &str| OUTCOME.replace("[\"0\", \"1\", \"2\", \"3\"]", levels);
    let listed = "[\"0\", \"1\", \"2\", \"2\"]";
    desk.refuses(
        [&of(listed), COUNTS, PRIOR],
        listed,
        &["level `2` is listed twice, in places 3 and 4", "once"],
    );
    desk.refuses(
        [&of("[\"0\"]"), COUNTS, PRIOR],
        "[\"0\"]",
        &["one level only, `0`", "give all levels, lowest first"],
    );
    desk.refuses([&of("[]"), COUNTS, PRIOR], "[]", &["without levels", "lowest first"]);
    desk.refuses([&of("[0, 0.5, 1, 2]"), COUNTS, PRIOR], "0.5", &["a level called 0.5", "in quotes"]);
    let none = OUTCOME.replace("levels = [\"0\", \"1\", \"2\", \"3\"]\n", "");
    desk.refuses_data([&none, COUNTS, PRIOR], &["`levels` is missing from [outcome]", "lowest first"]);
    // All patients at one of them.
    let one = "[[data.counts]]\nsubgroup = \"all\"\ncontrol = { levels = [0, 8, 0, 0] }\nactive = { levels = [0, 9, 0, 0] }\n";
    let told = ["all patients have one level only, `1`", "at two levels or more"];
    desk.refuses([OUTCOME, one, PRIOR], "[[data.counts]]", &told);
    desk.0.write("rows.csv", "sex,arm,mrs\nmen,drug,2\nmen,placebo,2\n");
    desk.refuses([OUTCOME, ROWS, PRIOR], "\"rows.csv\"", &["all patients have one level only, `2`"]);
    // One that nobody has is a notice.
    let unseen = COUNTS
        .replace(", 25]", ", 0]")
        .replace(", 23]", ", 0]")
        .replace(", 26]", ", 0]")
        .replace(", 27]", ", 0]");
    let said = desk.says(OUTCOME, &unseen, PRIOR);
    assert!(said.contains("No patient has level `3`: only its prior speaks of it."), "{said}");
}

#[test]
fn the_primary_cut_lies_between_two_levels() {
    let desk = Desk::new();
    let above = |words: &str| OUTCOME.replace("above = \"1\"", words);
    let told = ["`above` is missing", "write above = \"1\"", "\"0\", \"1\", \"2\""];
    desk.refuses([&above(""), COUNTS, PRIOR], "[\"0\", \"1\"", &told);
    desk.refuses(
        [&above("above = \"7\""), COUNTS, PRIOR],
        "\"7\"",
        &["no level `7`", "write one of \"0\", \"1\", \"2\""],
    );
    let told = ["no level lies above `3`, the last one", "write one of \"0\", \"1\", \"2\""];
    desk.refuses([&above("above = 3\n"), COUNTS, PRIOR], "3\n\n", &told);
    desk.refuses([&above("above = 1.5"), COUNTS, PRIOR], "1.5", &["a level called 1.5", "in quotes"]);
}

#[test]
fn utilities_are_one_a_level_and_follow_the_direction() {
    let desk = Desk::new();
    let of = |utilities: &str| format!("{OUTCOME}utilities = {utilities}\n");
    for (utilities, told) in [
        ("[1, 0.5, 0]", &["3 utilities for 4 levels", "give 4, one a level"][..]),
        ("[0.7, 0.7, 0.7, 0.7]", &["all utilities are 0.7", "can't tell treatments apart"]),
        (
            "[0, 0.5, 0.8, 1]",
            &["`0` is worth 0 and `3` 1", "higher levels are said to be worse", "turn their order"],
        ),
        ("\"down\"", &["no set of utilities `down`", "did you mean `dawn`?", "dawn, eq-5d, who-gbd, japan"]),
        (
            "\"dawn\"",
            &["the set `dawn` has 7 utilities, and there are 4 levels", "modified Rankin scale, 0 to 6"],
        ),
    ] {
        desk.refuses([&of(utilities), COUNTS, PRIOR], utilities, told);
    }
    desk.refuses([&of("[1, nan, 0.5, 0]"), COUNTS, PRIOR], "nan", &["found NaN, expected a finite number"]);
    // One that does not fall throughout is said.
    let said = desk.says(&of("[1, 0.5, 0.6, 0]"), COUNTS, PRIOR);
    assert!(said.contains("do not follow the order of the levels: `1` is worth 0.5 and `2` 0.6"), "{said}");
}

#[test]
fn a_departure_is_at_cuts_that_patients_pass() {
    let desk = Desk::new();
    let of = |departure: &str| format!("[model]\ndeparture = {departure}\n{PRIOR}");
    for (departure, told) in [
        ("[0, 1]", &["a departure of 2 numbers, and 4 levels have 3 cuts", "one number a cut"][..]),
        ("[1, 1, 1]", &["a departure of 1 at every cut", "part of the effect"]),
        ("\"deth\"", &["no departure `deth`", "did you mean `death`?", "one number a cut"]),
    ] {
        desk.refuses([OUTCOME, COUNTS, &of(departure)], departure, told);
    }
    let unseen = COUNTS
        .replace(", 25]", ", 0]")
        .replace(", 23]", ", 0]")
        .replace(", 26]", ", 0]")
        .replace(", 27]", ", 0]");
    let told =
        ["a departure at the cut above `2`, which no patient passes", "departure = [0, 1, 0]", "join levels"];
    desk.refuses([OUTCOME, &unseen, &of("\"death\"")], "\"death\"", &told);
    let told = ["a departure at the cut above `2`", "departure = [-1, 0, 0]"];
    desk.refuses([OUTCOME, &unseen, &of("\"linear\"")], "\"linear\"", &told);
    desk.refuses(
        [OUTCOME, &unseen, &of("\"unconstrained\"")],
        "\"unconstrained\"",
        &["departure = [1, 1, 0]"],
    );
    let two = OUTCOME.replace("[\"0\", \"1\", \"2\", \"3\"]\nabove = \"1\"", "[\"alive\", \"dead\"]");
    let counts =
        "[[data.counts]]\nsubgroup = \"all\"\ncontrol = { levels = [5, 8] }\nactive = { levels = [4, 9] }\n";
    let told = ["with two levels", "leave `departure` out"];
    desk.refuses([&two, counts, &of("\"death\"")], "\"death\"", &told);
    let prior = |prior: &str| format!("{PRIOR}departure = \"{prior}\"\n");
    let told = ["a prior of a departure, and odds are proportional", "departure = \"death\" in [model]"];
    desk.refuses([OUTCOME, COUNTS, &prior("normal(0, 0.3)")], "\"normal(0, 0.3)\"", &told);
    let both = |words: &str| format!("[model]\ndeparture = \"death\"\n{}", prior(words));
    desk.refuses(
        [OUTCOME, COUNTS, &both("flat")],
        "\"flat\"",
        &["a flat prior of the departure", "normal(0, 0.3)"],
    );
    desk.refuses([OUTCOME, COUNTS, &both("normal(0, 0)")], "\"normal(0, 0)\"", &["must be above 0"]);
}

#[test]
fn ordered_levels_under_another_kind_are_told_both_ways_out() {
    let desk = Desk::new();
    let binary = "[outcome]\nname = \"x\"\nkind = \"binary\"\nhigher_is = \"worse\"\n";
    let ways = ["kind = \"ordinal\" with levels = [", "above = \"…\" in [outcome]"];
    let told = |more: &[&'static str]| -> Vec<&'static str> { [&ways, more].concat() };
    // Rows: the value, and both ways.
    let row = told(&["rows.csv, row 44, column `mrs`: found `2`", "event = [\"…\", …] and no_event = ["]);
    desk.refuses_data([binary, ROWS, PRIOR], &row);
    let code = ROWS.replace("\"drug\" }", "\"drug\", outcome = { 7 = \"dead\" } }");
    desk.refuses(
        [binary, &code, PRIOR],
        "7 = ",
        &told(&["`outcome` is for kind = \"ordinal\"", "event = … and no_event = …"]),
    );
    desk.refuses(
        [binary, TABLE, PRIOR],
        "level = ",
        &told(&["`level` is for kind = \"ordinal\"", "columns of `events` and `total`"]),
    );
    let told_of_counts = told(&["patients by level, and kind = \"binary\"", "events = … and total = … here"]);
    desk.refuses([binary, COUNTS, PRIOR], "[12, 30, 41, 25]", &told_of_counts);
    for (key, value) in [("levels", "[\"0\", \"1\"]"), ("above", "\"9\""), ("utilities", "\"dawn\"")] {
        let outcome = format!("{binary}{key} = {value}\n");
        let words = format!("`{key}` is for kind = \"ordinal\", and the outcome has kind = \"binary\"");
        desk.refuses([&outcome, COUNTS, PRIOR], value, &[&words, "leave it out"]);
    }
    for (section, key, value) in [
        ("[model]", "cutpoints", "\"shared\""),
        ("[model]", "departure", "\"death\""),
        ("[prior]", "levels", "\"dirichlet(1)\""),
        ("[prior]", "shift", "\"half-normal(7)\""),
        ("[prior]", "departure", "\"normal(0, 7)\""),
    ] {
        let rest = match section {
            "[model]" => format!("[model]\n{key} = {value}\n{PRIOR}"),
            _ => format!("{PRIOR}{key} = {value}\n"),
        };
        let words = format!("`{key}` is for kind = \"ordinal\"");
        desk.refuses([binary, COUNTS, &rest], value, &[&words, "leave it out"]);
    }
    let estimate = "[outcome]\nname = \"x\"\nkind = \"estimate\"\nscale = \"log_odds_ratio\"\nhigher_is = \"worse\"\nabove = \"9\"\n";
    desk.refuses(
        [estimate, COUNTS, PRIOR],
        "\"9\"",
        &["`above` is for kind = \"ordinal\", and the outcome has kind = \"estimate\""],
    );
    // And what others have, under this kind.
    let event = ROWS.replace("\"drug\" }", "\"drug\", event = [\"2\", \"3\"], no_event = [\"0\", \"1\"] }");
    desk.refuses(
        [OUTCOME, &event, PRIOR],
        "[\"2\", \"3\"], no",
        &["`event` is for kind = \"binary\"", "outcome = {"],
    );
    let estimates = "[[data.estimates]]\nsubgroup = \"men\"\nratio = 1.2\nci = [0.9, 1.5]\n";
    desk.refuses(
        [OUTCOME, estimates, PRIOR],
        "[[data.estimates]]",
        &["the data are estimates, but kind = \"ordinal\""],
    );
    for (key, value) in [("events", "71"), ("total", "108")] {
        let counts = COUNTS.replace("[12, 30, 41, 25]", &format!("[12, 30, 41, 25], {key} = {value}"));
        let words = format!("`{key}` beside `levels`");
        desk.refuses([OUTCOME, &counts, PRIOR], &format!("{value} }}"), &[&words, "leave it out"]);
    }
    let counts = COUNTS.replace("levels = [12, 30, 41, 25]", "events = 66, total = 108");
    desk.refuses(
        [OUTCOME, &counts, PRIOR],
        "{ events",
        &["`levels` is missing", "levels = [0, 0, 0, 0]", "kind = \"binary\""],
    );
}

#[test]
fn priors_and_thresholds_are_of_what_the_model_has() {
    let desk = Desk::new();
    for (rest, at, told) in [
        (
            "baseline = \"normal(0, 2)\"",
            "\"normal(0, 2)\"",
            &["a baseline prior, and the outcome has ordered levels", "dirichlet(1)"][..],
        ),
        (
            "baseline_of = \"control\"",
            "\"control\"\n",
            &["`baseline_of`, and the outcome has ordered levels", "leave it out"],
        ),
        ("levels = \"dirichlet(1, 1, 1)\"", "\"dirichlet", &["3 concentrations for 4 levels", "one for all"]),
        ("levels = \"dirichlet(0)\"", "\"dirichlet", &["a Dirichlet concentration of 0", "above 0"]),
        (
            "levels = \"dirichlet(1, 1, -2, 1)\"",
            "\"dirichlet",
            &["a Dirichlet concentration of -2", "above 0"],
        ),
        (
            "levels = \"normal(0, 1)\"",
            "\"normal(0, 1)\"",
            &["expected a Dirichlet prior", "\"dirichlet(1)\"", "\"rmsb\""],
        ),
        (
            "shift = \"normal(0, 1)\"",
            "\"normal(0, 1)\"",
            &["a standard deviation has none", "half-normal(scale)"],
        ),
        ("[model]\ncutpoints = \"own\"", "\"own\"", &["unknown value `own`", "`shared` or `by subgroup`"]),
        (
            "shift = \"half-normal(1)\"\n[model]\ncutpoints = \"by subgroup\"",
            "\"half-normal(1)\"",
            &["each subgroup has cut points of its own", "cutpoints = \"shared\""],
        ),
        (
            "[thresholds]\nutility_difference = [0.03]",
            "0.03",
            &["a threshold on the utility difference", "utilities = … in [outcome]"],
        ),
        (
            "[thresholds]\nhazard_ratio = [1.7]",
            "1.7",
            &["a threshold on the hazard ratio", "risk_difference, odds_ratio, risk_ratio, win_probability"],
        ),
        (
            "[thresholds]\nwin_probability = [0.45]",
            "0.45",
            &["a threshold of 0.45 on the win probability", "from 0.5, no difference"],
        ),
        (
            "[thresholds]\nwin_probability = [1.2]",
            "1.2",
            &["a threshold of 1.2 on the win probability", "to below 1"],
        ),
        ("[thresholds]\nwin_odds = [0.8]", "0.8", &["a threshold of 0.8 on the win odds", "write 1.25"]),
    ] {
        desk.refuses([OUTCOME, COUNTS, &format!("{PRIOR}{rest}\n")], at, told);
    }
    let binary = "[outcome]\nname = \"x\"\nkind = \"binary\"\nhigher_is = \"worse\"\n";
    let counts = "[[data.counts]]\nsubgroup = \"a\"\ncontrol = { events = 3, total = 9 }\nactive = { events = 2, total = 9 }\n";
    let rest = format!("{PRIOR}[thresholds]\nwin_probability = [0.61]\n");
    desk.refuses(
        [binary, counts, &rest],
        "0.61",
        &["a threshold on the win probability", "this model reports risk_difference, odds_ratio, risk_ratio"],
    );
}

/// Counted in the trial's database by another program: by subtype and arm, the patients at each level and those without one.
/// The two lowest levels of each row together, and the lowest alone, are the trial's published events by subtype.
#[test]
fn the_shipped_trial_has_the_patients_of_its_database() {
    let study = open("ist-aspirin-shift").expect("shipped");
    let levels = study.data.levels().expect("levels");
    assert_eq!(levels.by_level(), [4241, 7884, 3864, 3296]);
    let arms = |arm: usize| -> u64 { (0..5).flat_map(|g| levels.patients(g, arm)).sum() };
    let missing: Vec<u64> =
        levels.counts().iter().flat_map(|row| row.arms.iter().map(|a| a.missing)).collect();
    assert_eq!([arms(0), arms(1)], [9646, 9639]);
    assert_eq!(missing.iter().sum::<u64>(), 97 + 53);
    assert_eq!(arms(0) + arms(1) + 97 + 53, 19_435);
    // What the same trial has as dead or dependent.
    let binary = open("ist-aspirin-subtype").expect("shipped");
    for (g, row) in binary.data.counts().expect("counts").iter().enumerate() {
        for (arm, cell) in row.arms.iter().enumerate() {
            let of = levels.patients(g, arm);
            assert_eq!((of[0] + of[1], of.iter().sum()), (cell.events, cell.total), "{} {arm}", row.name);
        }
    }
    let dead: Vec<u64> = (0..5).flat_map(|g| [levels.patients(g, 0)[0], levels.patients(g, 1)[0]]).collect();
    assert_eq!(dead, [927, 932, 812, 745, 215, 206, 210, 190, 4, 0]);
}

#[test]
fn a_known_baseline_risk_is_that_of_the_primary_cut_and_the_other_cuts_keep_their_distance() {
    let mut csv = "sex,arm,mrs,age\n".to_string();
    for i in 0..160 {
        let sex = if i % 2 == 0 { "men" } else { "women" };
        let arm = if i / 2 % 2 == 0 { "placebo" } else { "drug" };
        csv += &format!("{sex},{arm},{},{}\n", (7 * i + i / 5) % 4, 50 + (11 * i) % 30);
    }
    let folder = Folder::new();
    let model = "[model]\nadjust = [\"age\"]\npopulation = { baseline_risk = 0.3 }\n";
    folder.write("rows.csv", csv).write("study.toml", format!("{START}{OUTCOME}{ROWS}{model}{PRIOR}"));
    let found = folder.says(&["fit", "study.toml", "--format", "json"]);
    let found: serde_json::Value = serde_json::from_str(&found).expect("JSON");
    let rows = found["estimates"].as_array().expect("estimates");
    for sex in ["men", "women"] {
        let of = |measure: &str| -> Vec<f64> {
            let own = rows.iter().filter(|r| r["subgroup"] == sex && r["measure"] == measure);
            own.map(|r| r["median"].as_f64().expect("a median")).collect()
        };
        let cuts = of("risk_control_at_cut");
        assert_eq!(cuts.len(), 3);
        assert!((cuts[1] - 0.3).abs() < 1e-9, "{cuts:?}");
        assert!(cuts[0] > 0.4 && cuts[2] < 0.2, "{cuts:?}");
        assert!((of("risk_control")[0] - 0.3).abs() < 1e-9);
    }
}
