//! What `new` asks, and the model files that it drafts: arms, cuts, rows, lists, and settings that wait to be uncommented.

use std::fmt::Write as _;

use crate::common::folder::{Folder, flowing};
use serde_json::Value;

/// A folder with a file of patients in three arms, and what the program says there.
struct Desk(Folder);

const SAID: [&str; 4] = ["--assignment", "randomised", "--higher-is", "worse"];

/// Sex, age and weight go by numbers that share no factor with those of arm and outcome.
fn patients() -> String {
    let mut csv = "arm,sex,age,\"weight, kg\",mrs,site\n".to_string();
    for k in 0..600_u32 {
        let (arm, sex, site) = (
            ["A", "B", "C"][k as usize % 3],
            ["F", "M"][k as usize / 3 % 2],
            ["N", "S", "\"W, E\""][k as usize / 5 % 3],
        );
        let (age, weight, mrs) = (40 + k * 17 % 53, 50 + k * 7 % 41, (k * k + k / 7) % 7);
        let _ = writeln!(csv, "{arm},{sex},{age},{weight},{mrs},{site}");
    }
    csv
}

impl std::ops::Deref for Desk {
    type Target = Folder;

    fn deref(&self) -> &Folder {
        &self.0
    }
}

impl Desk {
    fn new() -> Desk {
        let desk = Desk(Folder::new());
        desk.write("trial.csv", patients());
        desk
    }
}

/// `new` of the patients, with two arms and an outcome, and more.
fn of_patients<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let roles = ["new", "trial.csv", "--outcome", "mrs", "--event", "3-6", "--treatment", "arm"];
    [&roles[..], &SAID, more].concat()
}

const ARMS: [&str; 4] = ["--control", "A", "--active", "B"];

/// The draft with every setting in it that waits behind `# `.
fn uncommented(draft: &str) -> String {
    let is_setting = |line: &str| {
        let key = line.split([' ', '[']).next().unwrap_or_default();
        line.starts_with('[') || (!key.is_empty() && line[key.len()..].starts_with(" = "))
    };
    let line = |line: &str| match line.strip_prefix("# ") {
        Some(setting) if is_setting(setting) => setting.to_string(),
        _ => line.to_string(),
    };
    draft.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn no_third_arm_becomes_the_active_one_in_silence() {
    let desk = Desk::new();
    let told = [
        "2 values beside those of --control: `B` (200 rows), `C` (200 rows)",
        "--active B (rows of the others are then left out",
        "--active B,C",
    ];
    desk.refuses(&of_patients(&["--subgroup", "sex", "--control", "A"]), &told);
    desk.refuses(
        &of_patients(&["--subgroup", "sex", "--active", "C"]),
        &["beside those of --active: `A` (200 rows)", "--control A,B"],
    );
    let draft = desk.says(&of_patients(&["--subgroup", "sex", "--control", "A", "--active", "B,C"]));
    assert!(draft.contains("active = [\"B\", \"C\"]\n") && !draft.contains("Rows of other arms"), "{draft}");
    let draft = desk.says(&of_patients(&[&["--subgroup", "sex"][..], &ARMS].concat()));
    assert!(draft.contains("# Rows of other arms are left out and counted: \"C\" (200)."), "{draft}");
    // Two of three, the third alone is left.
    let draft = desk.says(&of_patients(&["--subgroup", "sex", "--control", "A,B"]));
    assert!(draft.contains("active = \"C\"\n"), "{draft}");
    // The same of a table with a row an arm.
    desk.write("arms.csv", "sex,arm,events,n\nF,A,1,9\nF,B,2,9\nF,C,3,9\nM,A,1,9\nM,B,2,9\nM,C,4,9\n");
    let table = [&["new", "arms.csv", "--control", "A"][..], &SAID].concat();
    desk.refuses(&table, &["beside those of --control: `B` (2 rows), `C` (2 rows)"]);
    desk.says(&[&table[..], &["--active", "B"]].concat());
}

#[test]
fn numbers_are_cut_and_rows_are_chosen_as_in_the_file() {
    let desk = Desk::new();
    let of = |more: &[&'static str]| of_patients(&[&ARMS[..], more].concat());
    let cut = ["--subgroup", "age", "--cut", "age=60, 75"];
    desk.says(&of(&[&cut[..], &["--where", "site=N,S", "-o", "cut.toml"]].concat()));
    let draft = desk.read("cut.toml");
    assert!(draft.contains("cut = { age = [60, 75] }") && draft.contains("\"60–74\" = \"60–74\""), "{draft}");
    assert!(draft.contains("where = { site = [\"N\", \"S\"] }   # only such rows\n"), "{draft}");
    let checked: Value =
        serde_json::from_str(&desk.says(&["check", "cut.toml", "--format", "json"])).expect("JSON");
    let checked = checked.to_string();
    assert!(checked.contains("≥75") && checked.contains("left out by [data.where]"), "{checked}");
    // What `where` leaves out is no level of anything.
    let draft = desk.says(&of_patients(&[
        "--subgroup",
        "sex",
        "--where",
        "arm=A,C",
        "--where",
        "sex=F",
        "--control",
        "A",
    ]));
    assert!(draft.contains("active = \"C\"") && !draft.contains("\"M\""), "{draft}");
    assert!(draft.contains("where = { arm = [\"A\", \"C\"], sex = \"F\" }"), "{draft}");
    desk.says(&of(&["--subgroup", "sex", "--adjust", "age", "--cut", "age=60", "-o", "levels.toml"]));
    assert!(desk.read("levels.toml").contains("adjust = [{ column = \"age\", reference = \"<60\" }]"));
    for (more, told) in [
        (&["--subgroup", "age"][..], "or cut its numbers into levels: --cut age=65,80"),
        (
            &["--subgroup", "sex", "--cut", "age=65,80"],
            "is cut, and is the column of neither subgroups nor a covariate",
        ),
        (&["--subgroup", "age", "--cut", "age=80,65"], "65 stands after 80"),
        (&["--subgroup", "age", "--cut", "age=old"], "found `old`, expected a number"),
        (&["--subgroup", "age", "--cut", "age"], "COLUMN=NUMBER"),
        (&["--subgroup", "sex", "--cut", "sex=1"], "expected a number: the column is cut"),
        (&["--subgroup", "age", "--cut", "age=65", "--cut", "age=80"], "`age` is cut twice"),
        (&["--subgroup", "age", "--cut", "age=99"], "no row is of the subgroup `≥99`"),
        (&["--subgroup", "sex", "--where", "sit=N"], "the file has no column `sit`"),
        (&["--subgroup", "sex", "--where", "site=Q"], "no row of the data file has `Q` in column `site`"),
        (&["--subgroup", "sex", "--where", "site=N", "--where", "site=S"], "`site` is in two of --where"),
    ] {
        desk.refuses(&of(more), &[told]);
    }
    desk.write("table.csv", "sex,year,e0,n0,e1,n1\nF,1,10,100,12,98\nM,1,14,120,9,110\nM,2,1,12,2,11\n");
    let table = [&["new", "table.csv", "--subgroup", "sex", "--where", "year=1"][..], &SAID].concat();
    let draft = desk.says(&table);
    assert!(
        draft.contains("2 rows, each a subgroup (`sex`)") && draft.contains("where = { year = \"1\" }"),
        "{draft}"
    );
    desk.refuses(
        &[&table[..], &["--cut", "year=2", "--rows", "counts"]].concat(),
        &["--cut is for rows of patients"],
    );
}

#[test]
fn the_number_that_is_cut_into_subgroups_can_be_adjusted_for() {
    let desk = Desk::new();
    let of = |more: &[&'static str]| of_patients(&[&ARMS[..], &["--subgroup", "age"], more].concat());
    desk.says(&of(&["--cut", "age=60,75", "--adjust", "age", "-o", "age.toml"]));
    assert!(desk.read("age.toml").contains("adjust = [\"age\"]"));
    let checked = desk.says(&["check", "age.toml"]);
    assert!(checked.contains("age (subgroup):") && checked.contains("age (covariate):"), "{checked}");
    let fitted = desk.says(&["fit", "age.toml", "--save", "none"]);
    let fitted = fitted.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(fitted.contains("<60") && fitted.contains("age per 10"), "{fitted}");
    // The levels themselves are in the model already, whether they are cut or values.
    let levels = desk
        .read("age.toml")
        .replace("adjust = [\"age\"]", "adjust = [{ column = \"age\", reference = \"<60\" }]");
    desk.write("levels.toml", &levels);
    desk.refuses(
        &["check", "levels.toml"],
        &["`age` is the column of the subgroup", "its levels are in the model already"],
    );
    desk.refuses(
        &of_patients(&[&ARMS[..], &["--subgroup", "sex", "--adjust", "sex"]].concat()),
        &["`sex` is the column of the subgroup"],
    );
}

/// The patients' scale, drafted whole: what must be decided is asked for, and the draft runs as it is.
#[test]
fn ordered_levels_are_drafted_once_the_primary_cut_is_said() {
    let desk = Desk::new();
    let roles = ["new", "trial.csv", "--outcome", "mrs", "--treatment", "arm", "--subgroup", "sex"];
    let call = |more: &[&'static str]| [&roles[..], &ARMS, &SAID, more].concat();
    // Without a word several values are an event's codes or levels.
    let told = [
        "which values of column `mrs` are which?",
        "--event or --unknown",
        "--above LEVEL",
        "--levels VALUE",
    ];
    desk.refuses(&call(&[]), &told);
    let told = [
        "which cut through the levels of `mrs` is the primary one?",
        "--above 2",
        "3 (",
        "% of patients lie above it)",
    ];
    desk.refuses(&call(&["--levels", "0-6"]), &told);
    desk.refuses(
        &call(&["--above", "6"]),
        &["no level of `mrs` lies above `6`, the last one", "--above takes one of 0 ("],
    );
    desk.refuses(&call(&["--above", "9"]), &["`9` is no level of `mrs`"]);
    desk.refuses(
        &call(&["--above", "3", "--event", "3-6"]),
        &["an event or ordered levels, and both are said"],
    );
    desk.refuses(
        &call(&["--levels", "0-4", "--above", "3"]),
        &["column `mrs` has the value `5`, which is no level", "--unknown 5"],
    );
    desk.refuses(&call(&["--levels", "0,1,1,2", "--above", "1"]), &["--levels lists `1` twice"]);
    let draft = desk.says(&call(&["--above", "3"]));
    for words in [
        "kind = \"ordinal\"\nhigher_is = \"worse\"   # higher levels count as worse",
        "\nlevels = [\"0\", \"1\", \"2\", \"3\", \"4\", \"5\", \"6\"]   # lowest first",
        "\nabove = \"3\"   # the primary cut",
        "\n# utilities = \"dawn\"",
        "\n[data.levels.outcome]",
        "\n# departure = \"death\"",
        "\nshift = \"half-normal(1)\"",
        "\nwin_probability = [0.55]",
    ] {
        assert!(draft.contains(words), "{words}\n{draft}");
    }
    assert!(!draft.contains("baseline") && !draft.contains("no_event"), "{draft}");
    for (name, text) in [("draft.toml", draft.clone()), ("whole.toml", uncommented(&draft))] {
        desk.write(name, text);
        desk.says(&["check", name]);
    }
    desk.says(&["fit", "draft.toml", "--save", "none"]);
    // 0 and 1 are no codes of an event here.
    let draft = desk.says(&call(&["--levels", "1-6", "--above", "3", "--unknown", "0"]));
    desk.write("draft.toml", &draft);
    assert!(draft.contains("\nunknown = \"0\"\n"), "{draft}");
    desk.says(&["check", "draft.toml"]);
    // Levels that are no numbers have an order that only the user knows.
    desk.write("states.csv", "arm,sex,state\nA,F,well\nB,F,ill\nA,M,dead\nB,M,well\nA,F,ill\nB,M,dead\n");
    let states = ["new", "states.csv", "--outcome", "state", "--subgroup", "sex", "--control", "A"];
    let call = |more: &[&'static str]| [&states[..], &SAID, more].concat();
    desk.refuses(
        &call(&["--above", "ill"]),
        &["in which order are the levels of column `state`?", "lowest first"],
    );
    let draft = desk.says(&call(&["--levels", "well,ill,dead", "--above", "ill"]));
    assert!(
        draft.contains("levels = [\"well\", \"ill\", \"dead\"]")
            && draft.contains("# utilities = [1.0, 0.5, 0.0]"),
        "{draft}"
    );
    desk.write("whole.toml", uncommented(&draft));
    desk.says(&["check", "whole.toml"]);
}

#[test]
fn a_table_of_ordered_levels_is_drafted_and_its_cut_is_asked_for() {
    let desk = Desk::new();
    let mut csv = "sex,arm,level,patients\n".to_string();
    for (k, n) in [12, 30, 41, 22, 34, 40, 10, 20, 31, 13, 24, 32].into_iter().enumerate() {
        let _ = writeln!(csv, "{},{},{},{n}", ["F", "M"][k / 6], ["placebo", "drug"][k / 3 % 2], k % 3);
    }
    desk.write("levels.csv", &csv);
    let call = |more: &[&'static str]| [&["new", "levels.csv"][..], &SAID, more].concat();
    let told = [
        "which cut through the levels of `level` is the primary one?",
        "--above 0",
        "if each row is a patient: --rows patients",
    ];
    desk.refuses(&call(&[]), &told);
    let draft = desk.says(&call(&["--above", "0"]));
    for words in [
        "a table of counts by ordered level: 12 rows, each a level (`level`) of an arm (`arm`) of a subgroup (`sex`)",
        "columns = { subgroup = \"sex\", arm = \"arm\", level = \"level\", patients = \"patients\" }",
        "levels = { control = \"placebo\", active = \"drug\" }",
    ] {
        assert!(draft.contains(words), "{words}\n{draft}");
    }
    for text in [draft.clone(), uncommented(&draft)] {
        desk.write("draft.toml", text);
        desk.says(&["check", "draft.toml"]);
    }
    desk.write("mrs.csv", csv.replace("level,", "mrs90,"));
    let named = ["new", "mrs.csv", "--outcome", "mrs90", "--above", "0"];
    assert!(desk.says(&[&named[..], &SAID].concat()).contains("level = \"mrs90\", patients = \"patients\""));
    // Under other names, by --columns.
    desk.write("odd.csv", csv.replace("level,patients", "how,many"));
    let odd = ["new", "odd.csv", "--columns", "arm=arm,level=how,patients=many", "--above", "1"];
    assert!(desk.says(&[&odd[..], &SAID].concat()).contains("level = \"how\", patients = \"many\""));
    // What is of levels is not for a table of events.
    desk.write("events.csv", "sex,e0,n0,e1,n1\nF,10,100,12,98\nM,14,120,9,110\n");
    desk.refuses(
        &[&["new", "events.csv", "--above", "3"][..], &SAID].concat(),
        &["--above is for ordered levels"],
    );
}

#[test]
fn every_setting_that_waits_behind_a_hash_is_valid() {
    let desk = Desk::new();
    desk.write("table.csv", "sex,e0,n0,e1,n1\nF,10,100,12,98\nM,14,120,9,110\nX,3,40,5,41\n");
    desk.write("arms.csv", "sex,arm,events,n\nF,drug,1,9\nF,placebo,2,9\nM,drug,1,9\nM,placebo,2,9\n");
    desk.write("ratios.csv", "trial,HR,lower,upper\na,0.8,0.6,1.07\nb,0.9,0.7,1.16\n");
    desk.write("scores.csv", "trial,md,se\na,0.8,0.6\nb,0.9,0.7\n");
    let of = |more: &[&'static str]| of_patients(&[&ARMS[..], more].concat());
    let table = |data: &'static str| [&["new", data][..], &SAID].concat();
    let everywhere = [
        "# plural = ",
        "# exhaustive = true",
        "# citation = ",
        "# eligibility = ",
        "thresholds]",
        "where = ",
    ];
    for (call, more) in [
        (of(&["--subgroup", "sex"]), &["# adjust = [", "# baseline_of = ", "[library]"][..]),
        (of(&["--subgroup", "age", "--cut", "age=50,60,75", "--adjust", "weight,site"]), &[]),
        (of(&["--subgroup", "sex", "--adjust", "age,site"]), &["# population = ", "unit = \"years\""]),
        (of(&["--no-subgroup"]), &["# adjust = ["]),
        (table("table.csv"), &["# event = ", "[library]"]),
        (table("arms.csv"), &["# event = ", "[library]"]),
        (table("ratios.csv"), &["# adjusted_for = "]),
        (table("scores.csv"), &["# adjusted_for = ", "# [thresholds]"]),
    ] {
        let call: Vec<&str> =
            call.into_iter().map(|w| if w == "weight,site" { "\"weight, kg\",site" } else { w }).collect();
        let draft = desk.says(&call);
        let divided = !call.contains(&"--no-subgroup");
        let everywhere =
            everywhere.iter().filter(|w| divided || !w.contains("plural") && !w.contains("exhaustive"));
        for words in everywhere.chain(more) {
            assert!(draft.contains(words), "{words}\n{draft}");
        }
        let whole = uncommented(&draft);
        assert!(
            whole.lines().count() == draft.lines().count()
                && whole.contains("\nexhaustive = true") == divided,
            "{whole}"
        );
        desk.write("whole.toml", &whole);
        desk.says(&["check", "whole.toml"]);
    }
    // A range of values is what events are called.
    let draft = desk.says(&of(&["--subgroup", "sex"]));
    assert!(draft.contains("\nevent = \"patients with mrs 3–6\"   # what events are called"), "{draft}");
}

#[test]
fn published_intervals_are_shown_as_they_were_published() {
    let desk = Desk::new();
    desk.write("ratios.csv", "trial,HR,lower,upper\na,0.80,0.59,1.10\nb,1.30,0.97,1.75\n");
    desk.says(&[&["new", "ratios.csv", "-o", "ratios.toml"][..], &SAID].concat());
    let fit = ["fit", "ratios.toml", "--engine", "exact", "--save", "none"];
    let shown = desk.says(&fit);
    assert!(shown.contains("0.80 (0.59 to 1.10)") && shown.contains("1.30 (0.97 to 1.75)"), "{shown}");
    let json: Value =
        serde_json::from_str(&desk.says(&[&fit[..], &["--format", "json"]].concat())).expect("JSON");
    let observed = json["estimates"].as_array().expect("estimates").iter().find(|e| !e["observed"].is_null());
    let observed = &observed.expect("an estimate")["observed"];
    let near = |key: &str, x: f64| (observed[key].as_f64().expect("a number") - x).abs() < 1e-12;
    assert!(near("low", 0.59) && near("high", 1.1), "{observed}");
}

#[test]
fn covariates_are_shown_for_the_step_and_the_unit_that_are_asked_for() {
    let desk = Desk::new();
    desk.says(&of_patients(
        &[&ARMS[..], &["--subgroup", "sex", "--adjust", "age", "-o", "plain.toml"]].concat(),
    ));
    let plain = desk.read("plain.toml");
    let fit = |entry: &str| {
        desk.write("step.toml", plain.replace("adjust = [\"age\"]", &format!("adjust = [{entry}]")));
        let json = desk.says(&["fit", "step.toml", "--save", "none", "--format", "json"]);
        let json: Value = serde_json::from_str(&json).expect("JSON");
        let shown = desk.says(&["fit", "step.toml", "--save", "none"]);
        (json, shown.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    let (first, shown) = fit("\"age\"");
    assert!(shown.contains("age per 10 "), "{shown}");
    let (second, shown) = fit("{ column = \"age\", per = 5, unit = \"years\" }");
    assert!(shown.contains("age per 5 years "), "{shown}");
    // Nothing but what is shown has changed.
    assert_eq!(first["estimates"], second["estimates"]);
    assert_eq!(second["model"]["adjustment"]["covariates"][0]["unit"], "years");
    assert_eq!(second["model"]["adjustment"]["covariates"][0]["per"], 5.0);
    for (entry, told) in [
        ("{ column = \"age\", per = 0 }", "a step of 0"),
        ("{ column = \"age\", unit = \" \" }", "`unit` is empty"),
        ("{ column = \"age\", spline = 3, per = 10 }", "`per` is for a number that enters as it is"),
        (
            "{ column = \"site\", reference = \"N\", unit = \"years\" }",
            "`unit` is for a number that enters as it is",
        ),
    ] {
        desk.write("step.toml", plain.replace("adjust = [\"age\"]", &format!("adjust = [{entry}]")));
        desk.refuses(&["check", "step.toml"], &[told]);
    }
}

#[test]
fn usual_names_of_counts_are_known_and_others_are_asked_for() {
    const NOTHING: &[&str] = &[];
    let desk = Desk::new();
    let cells = "F,10,100,12,98\nM,14,120,9,110\n";
    for (header, more, told) in [
        (
            "sex,e0,n0,e1,n1",
            NOTHING,
            "control_events = \"e0\", control_total = \"n0\", active_events = \"e1\"",
        ),
        ("sex,events_control,n_control,events_drug,n_drug", &[], "control_events = \"events_control\""),
        ("sex,r1,n1,r2,n2", &["--control", "1"], "control_events = \"r1\", control_total = \"n1\""),
        (
            "sex,ai,bi,ci,di",
            &["--control", "2"],
            "control_events = \"ci\", control_no_events = \"di\", active_events = \"ai\"",
        ),
        ("sex,ai,n1i,ci,n2i", &["--control", "2"], "control_events = \"ci\", control_total = \"n2i\""),
        ("sex,tpos,tneg,cpos,cneg", &[], "control_events = \"cpos\", control_no_events = \"cneg\""),
    ] {
        desk.write("q.csv", format!("{header}\n{cells}"));
        if !more.is_empty() {
            // Which of two groups is the control is never guessed.
            desk.refuses(&[&["new", "q.csv"][..], &SAID].concat(), &["which arm is the control?"]);
        }
        let draft = desk.says(&[&["new", "q.csv"][..], &SAID, more].concat());
        assert!(draft.contains(told), "{draft}");
        desk.write("q.toml", &draft);
        desk.says(&["check", "q.toml"]);
        let found =
            if more.is_empty() { "this is a table of counts: 2 rows" } else { "`new` will ask: which arm" };
        desk.refuses(&["fit", "q.csv"], &[found]);
    }
    desk.write("q.csv", format!("sex,a,b,c,d\n{cells}"));
    let told = [
        "taken for a file of patients: 2 rows, and no columns whose names tell events and totals",
        "equipoise new q.csv --rows counts --columns subgroup=…",
        "the file has `sex`, `a`, `b`, `c`, `d`",
        "e0, n0, e1, n1",
    ];
    desk.refuses(&["fit", "q.csv"], &told);
}

#[test]
fn names_with_commas_stand_in_quotes_in_lists() {
    let desk = Desk::new();
    let of = |more: &[&'static str]| of_patients(&[&ARMS[..], &["--subgroup", "sex"], more].concat());
    for adjust in
        [&["--adjust", "age,\"weight, kg\""][..], &["--adjust", "age", "--adjust", "\"weight, kg\""]]
    {
        let draft = desk.says(&of(adjust));
        assert!(draft.contains("adjust = [\"age\", \"weight, kg\"]"), "{draft}");
    }
    desk.refuses(
        &of(&["--adjust", "weight, kg"]),
        &["no column `weight`", "stands in quotes of its own: '\"weight, kg\"'"],
    );
    desk.refuses(&of(&["--adjust", "\"weight"]), &["a quote is not closed"]);
    let draft = desk.says(&of(&["--where", "site=\"W, E\",N"]));
    assert!(draft.contains("where = { site = [\"W, E\", \"N\"] }"), "{draft}");
    let by_site = ["--outcome", "mrs", "--event", "3-6", "--treatment", "site", "--subgroup", "sex"];
    let by_site = |control: &'static str| {
        [&["new", "trial.csv"][..], &by_site, &SAID, &["--active", "N", "--control", control]].concat()
    };
    desk.refuses(&by_site("W, E"), &["column `site` has no value `W`", "'\"W, E\"'"]);
    assert!(desk.says(&by_site("\"W, E\"")).contains("control = \"W, E\""));
    let quick = ["quick", "30/120", "19/118", "22/95", "21/99", "--subgroups", "\"men, all\",women"];
    assert!(desk.says(&[&quick[..], &SAID].concat()).contains("men, all"));
}

#[test]
fn grades_and_stages_are_no_counts_of_arms() {
    let desk = Desk::new();
    desk.write(
        "stage.csv",
        "subgroup,stage,control_events,control_total,drug_events,drug_total\na,1/2,9,90,5,92\nb,2/3,8,80,7,85\nc,3/4,7,70,9,77\n",
    );
    let draft = desk.says(&[&["new", "stage.csv"][..], &SAID].concat());
    assert!(
        draft.contains("control_events = \"control_events\"") && draft.contains("\"drug_total\""),
        "{draft}"
    );
    // A subgroup's own name is never an arm's figures.
    desk.write("stratum.csv", "stratum,Placebo,Drug\n1/2,9/90,5/92\n2/3,8/80,7/85\n");
    let draft = desk.says(&[&["new", "stratum.csv"][..], &SAID].concat());
    assert!(draft.contains("subgroup = \"stratum\", control_events = \"Placebo\""), "{draft}");
    let mut csv = "id,arm,dead,sex,stage,grade\n".to_string();
    for k in 0..40 {
        let (arm, sex) = (["A", "B"][k % 2], ["F", "M"][k / 2 % 2]);
        let _ = writeln!(csv, "p{k},{arm},{},{sex},{}/3,{}/4", k % 3 % 2, 1 + k % 3, 1 + k % 4);
    }
    desk.write("grades.csv", &csv);
    let draft =
        desk.says(&[&["new", "grades.csv", "--subgroup", "sex", "--control", "A"][..], &SAID].concat());
    assert!(draft.contains("rows = \"patients\""), "{draft}");
    // Arms by other names are still asked for.
    desk.write("arms.csv", "sex,Aspirin,Heparin\nF,9/90,5/92\nM,8/80,7/85\n");
    desk.refuses(
        &[&["new", "arms.csv"][..], &SAID].concat(),
        &["which arm is the control?", "if rows are patients, --rows patients says so"],
    );
    // A few patients with an arm each, and an outcome by another name.
    desk.write(
        "few.csv",
        "id,arm,sex,stage,grade,late\np1,A,F,1/2,1/3,1\np2,B,M,2/3,1/3,0\np3,A,M,1/2,2/3,0\n",
    );
    desk.refuses(&[&["new", "few.csv"][..], &SAID].concat(), &["which column is the outcome?"]);
}

#[test]
fn what_new_asks_for_can_be_said_as_it_is_asked() {
    let desk = Desk::new();
    desk.refuses(&of_patients(&["--subgroup", "sex"]), &["say so with --control and --active"]);
    desk.write("groups.csv", "sex,ai,bi,ci,di\nF,10,90,12,86\nM,14,106,9,101\n");
    let metafor = "group 1 (ai, bi) is the treated one and group 2 the control";
    desk.refuses(&[&["new", "groups.csv"][..], &SAID].concat(), &[metafor, ": --control 2"]);
    desk.write("letters.csv", "sex,a,b,c,d\nF,10,90,12,86\n");
    let told = ["or arm, events, total; of r1, n1, r2, n2; ai, bi, ci, di, only --control says", metafor];
    desk.refuses(&["fit", "letters.csv"], &told);
}

#[test]
fn a_table_of_counts_is_adjusted_for_covariates() {
    let desk = Desk::new();
    desk.write(
        "table.csv",
        "sex,age,e0,n0,e1,n1\nF,old,10,100,12,98\nF,young,4,60,2,61\nM,old,14,120,9,110\nM,young,3,50,3,55\n",
    );
    let new = [&["new", "table.csv", "--subgroup", "sex", "--rows", "counts"][..], &SAID].concat();
    let draft = desk.says(&[&new[..], &["--adjust", "age"]].concat());
    assert!(draft.contains("adjust = [{ column = \"age\", reference = \"old\" }]"), "{draft}");
    for text in [&draft, &uncommented(&draft)] {
        desk.write("table.toml", text);
        desk.says(&["check", "table.toml"]);
    }
    desk.refuses(&[&new[..], &["--adjust", "sex"]].concat(), &["`sex` is the column of the subgroup"]);
    // Of estimates there is nothing to adjust, and what rows are was said.
    desk.write("ratios.csv", "trial,HR,lower,upper\na,0.80,0.59,1.10\nb,1.30,0.97,1.75\n");
    let ratios = ["new", "ratios.csv", "--rows", "estimates", "--adjust", "HR"];
    let error = flowing(&desk.run(&[&ratios[..], &SAID].concat()).stderr);
    assert!(error.contains("leave --adjust out") && !error.contains("--rows patients"), "{error}");
}

#[test]
fn an_estimate_with_its_interval_beside_an_error_is_drafted_from_its_own_cell() {
    let desk = Desk::new();
    desk.write("joint.csv", "trial,md,se\na,-0.3 (-0.5 to -0.1),0.1\nb,-0.2 (-0.6 to 0.2),0.2\n");
    let draft = desk.says(&[&["new", "joint.csv"][..], &SAID].concat());
    assert!(draft.contains("estimate = \"md\", lower = \"md\", upper = \"md\" }"), "{draft}");
    assert!(draft.contains("effect = \"normal(0, 0.6)\"") && draft.contains("half-normal(0.3)"), "{draft}");
    desk.write("joint.toml", &draft);
    desk.says(&["check", "joint.toml"]);
}

#[test]
fn drafted_priors_have_few_digits_and_read_decimal_commas() {
    let desk = Desk::new();
    desk.write("point.csv", "trial,md,se\na,0.2,0.2\nb,0.1,0.1\n");
    desk.write("comma.csv", "trial;md;se\na;0,2;0,2\nb;0,1;0,1\n");
    for (file, more) in [("point.csv", &[][..]), ("comma.csv", &["--decimal", ","])] {
        let draft = desk.says(&[&["new", file][..], &SAID, more].concat());
        assert!(draft.contains("effect = \"normal(0, 0.6)\""), "{draft}");
        assert!(draft.contains("heterogeneity = \"half-normal(0.3)\""), "{draft}");
    }
}
