//! The first command of someone new works or says which one does: a data file in a model's place, drafts of tables, counts
//! without a file, priors and keys set by arguments, a model through standard input.

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use predicates::prelude::*;
use predicates::str::contains;
use serde_json::Value;

use crate::common::files::{gzipped, number, row, sheet, words};

const SAID: [&str; 4] = ["--assignment", "observational", "--higher-is", "worse"];

fn run(folder: &Path, arguments: &[&str]) -> assert_cmd::assert::Assert {
    Command::cargo_bin("equipoise").expect("built").current_dir(folder).args(arguments).assert()
}

const COUNTS: &str = "cohort,control_events,control_total,stent_events,stent_total\nA,35,54,28,65\nB,38,64,35,82\nC,7,12,15,81\n";
const BY_ARM: &str =
    "sex,arm,events,n\nmen,placebo,30,120\nmen,drug,19,118\nwomen,placebo,22,95\nwomen,drug,21,99\n";
const RATIOS: &str = "trial,HR,lower,upper\na,0.8,0.6,1.07\nb,0.9,0.7,1.16\n";
const PATIENTS: &str = "arm,death,subgroup\n0,1,a\n1,0,a\n0,0,c\n1,1,c\n";

/// The same counts as a worksheet.
fn worksheet() -> Vec<u8> {
    let mut rows = String::new();
    for (r, line) in COUNTS.lines().enumerate() {
        let cell = |(c, text): (usize, &str)| {
            let place = format!("{}{}", char::from(b'A' + c as u8), r + 1);
            if text.parse::<u32>().is_ok() { number(&place, text) } else { words(&place, text) }
        };
        rows += &row(r + 1, &line.split(',').enumerate().map(cell).collect::<String>());
    }
    sheet(&rows)
}

fn desk() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    fs::write(here.join("table.csv"), COUNTS).expect("written");
    fs::write(here.join("arms.csv"), BY_ARM).expect("written");
    fs::write(here.join("ratios.csv"), RATIOS).expect("written");
    fs::write(here.join("rows.csv"), PATIENTS).expect("written");
    fs::write(here.join("packed.csv.gz"), gzipped(COUNTS.as_bytes())).expect("written");
    fs::write(here.join("book.xlsx"), worksheet()).expect("written");
    folder
}

#[test]
fn a_data_file_in_a_models_place_is_told_with_the_command_that_works() {
    let folder = desk();
    let here = folder.path();
    let cases = [
        (["fit", "table.csv"], "this is a table of counts: 3 rows, each a subgroup (`cohort`)", "table.toml"),
        (["check", "book.xlsx"], "(`control_events` of `control_total`, `stent_events`", "book.toml"),
        (["compare", "packed.csv.gz"], "this is a table of counts", "packed.toml"),
        (["decide", "arms.csv"], "each an arm (`arm`) of a subgroup (`sex`)", "arms.toml"),
        (["report", "ratios.csv"], "this is a table of estimates: 2 rows", "ratios.toml"),
        (["fit", "rows.csv"], "taken for a file of patients: 4 rows", "rows.toml"),
    ];
    for (arguments, told, model) in cases {
        let data = arguments[1];
        let command = format!("equipoise new {data} --assignment randomised --higher-is worse -o {model}");
        run(here, &arguments).code(1).stdout("").stderr(contains(told).and(contains(&command)));
        // The command is one that works.
        let words: Vec<&str> = command.split(' ').skip(1).collect();
        run(here, &words).success();
        run(here, &["check", model]).success();
        fs::remove_file(here.join(model)).expect("removed");
    }
    assert!(!here.join("runs").exists() && !here.join("report.html").exists());
    // What `new` can't find by itself is said beforehand.
    let unclear = "cohort,aspirin_events,aspirin_n,heparin_events,heparin_n\nA,5,54,8,65\n";
    fs::write(here.join("unclear.csv"), unclear).expect("written");
    run(here, &["fit", "unclear.csv"]).code(1).stderr(contains("`new` will ask: which arm is the control?"));
}

#[test]
fn a_drafted_table_runs_as_it_is() {
    let folder = desk();
    let here = folder.path();
    for (data, rows) in [
        ("table.csv", "rows = \"counts\""),
        ("packed.csv.gz", "rows = \"counts\""),
        ("book.xlsx", "rows = \"counts\""),
        ("arms.csv", "levels = { control = \"placebo\", active = \"drug\" }"),
        ("ratios.csv", "scale = \"log_hazard_ratio\""),
    ] {
        run(here, &[&["new", data, "-o", "drafted.toml"][..], &SAID].concat()).success();
        let text = fs::read_to_string(here.join("drafted.toml")).expect("a draft");
        assert!(text.contains(rows) && text.contains("[thresholds]"), "{text}");
        assert_eq!(text.contains("[library]"), data != "ratios.csv", "{data}");
        run(here, &["check", "drafted.toml"]).success();
        let fit =
            run(here, &["fit", "drafted.toml", "--engine", "exact", "--save", "none", "--format", "json"]);
        let fit: Value = serde_json::from_slice(&fit.success().get_output().stdout).expect("JSON");
        assert_eq!(fit["checks"]["ok"], true, "{data}");
        fs::remove_file(here.join("drafted.toml")).expect("removed");
    }
    run(here, &[&["new", "table.csv", "-o", "drafted.toml"][..], &SAID].concat()).success();
    run(here, &["compare", "drafted.toml"]).success();
}

#[test]
fn which_arm_is_the_control_is_asked_and_never_guessed() {
    let folder = desk();
    let here = folder.path();
    let table = "cohort,aspirin_events,aspirin_n,heparin_events,heparin_n\nA,5,54,8,65\nB,6,40,7,41\n";
    fs::write(here.join("two.csv"), table).expect("written");
    let new = |more: &[&str]| run(here, &[&["new", "two.csv"][..], &SAID, more].concat());
    new(&[]).code(1).stdout("").stderr(contains("which arm is the control?").and(contains("`heparin`")));
    new(&["--control", "heparin"]).success().stdout(contains("control_events = \"heparin_events\""));
    new(&["--active", "heparin"]).success().stdout(contains("control_events = \"aspirin_events\""));
    new(&["--control", "placebo"]).code(1).stderr(contains("for an arm `placebo`"));
    let columns = "control_events=heparin_events,control_total=heparin_n,active_events=aspirin_events,active_total=aspirin_n";
    new(&["--columns", columns]).success().stdout(contains("subgroup = \"cohort\""));
    new(&["--columns", "control_event=heparin_events"]).code(1).stderr(contains("control_event"));
    new(&["--columns", "control_events=nowhere"]).code(1).stderr(contains("no column `nowhere`"));
    new(&["--rows", "estimates"]).code(1).stderr(contains("which columns hold the estimates?"));
    fs::write(here.join("yi.csv"), "trial,yi,se\na,0.1,0.2\nb,0.2,0.3\n").expect("written");
    let scale = [&["new", "yi.csv"][..], &SAID].concat();
    run(here, &scale).code(1).stderr(contains("on which scale").and(contains("--scale")));
    run(here, &[&scale[..], &["--scale", "difference"]].concat()).success();
}

#[test]
fn quick_fits_as_the_same_file_does() {
    let folder = desk();
    let here = folder.path();
    let counts = ["quick", "30/120", "19/118", "22/95", "21/99"];
    let said = ["--assignment", "randomised", "--higher-is", "worse"];
    let quick = |more: &[&str]| run(here, &[&counts[..], &said, more].concat());
    let told =
        quick(&["--subgroups", "men,women", "--arms", "placebo,drug", "--threshold", "0.05"]).success();
    told.stdout(
        contains("Drug against placebo")
            .and(contains("the first is read as the"))
            .and(contains("effect normal(0, 0.355)")),
    );
    let found = quick(&["--format", "json"]).success().get_output().stdout.clone();
    let quick_json: Value = serde_json::from_slice(&found).expect("JSON");
    let file = "title = \"t\"\nstudy = { assignment = \"randomised\" }\noutcome = { name = \"o\", kind = \"binary\", higher_is = \"worse\" }\ntreatment = { name = \"t\", control = \"c\", active = \"t\" }\n[data]\ncounts = [ { subgroup = \"1\", control = { events = 30, total = 120 }, active = { events = 19, total = 118 } }, { subgroup = \"2\", control = { events = 22, total = 95 }, active = { events = 21, total = 99 } } ]\n[prior]\neffect = \"normal(0, 0.355)\"\nheterogeneity = \"half-normal(0.5)\"\n";
    fs::write(here.join("same.toml"), file).expect("written");
    let fit = run(here, &["fit", "same.toml", "--format", "json"]).success().get_output().stdout.clone();
    let fit: Value = serde_json::from_slice(&fit).expect("JSON");
    let numbers = |v: &Value| -> Vec<Value> {
        v["probabilities"].as_array().expect("a list").iter().map(|p| p["probability"].clone()).collect()
    };
    assert_eq!(numbers(&quick_json), numbers(&fit));
    assert!(!here.join("runs/quick").exists(), "nothing is written");
}

#[test]
fn quick_asks_for_what_nobody_else_can_say() {
    let folder = desk();
    let here = folder.path();
    let refused = |arguments: &[&str], told: &str| {
        run(here, arguments).code(1).stdout("").stderr(contains(told));
    };
    refused(&["quick", "14/37", "24/70"], "--higher-is worse where events are bad");
    refused(&["quick", "14/37", "24/70", "--higher-is", "worse"], "--assignment randomised where chance");
    let said = |more: &[&'static str]| -> Vec<&'static str> { [&["quick"][..], more, &SAID].concat() };
    refused(&said(&["14/37", "24/70", "8/34"]), "8/34 has no other arm beside it");
    refused(&said(&["14-37", "24/70"]), "events/patients is expected");
    refused(&said(&["40/37", "24/70"]), "40 events among 37 patients");
    refused(&said(&["14/37", "24/70", "--subgroups", "a,b"]), "--subgroups has 2 names");
    refused(&said(&["14/37", "24/70", "--arms", "a"]), "--arms has 1 names");
    // One subgroup has nothing to share with.
    run(here, &said(&["14/37", "24/70"])).success().stdout(contains("heterogeneity").not());
}

#[test]
fn what_is_set_is_told_and_kept_as_the_model_that_ran() {
    let folder = desk();
    let here = folder.path();
    run(here, &[&["new", "table.csv", "-o", "m.toml"][..], &SAID].concat()).success();
    let exact = ["--engine", "exact", "--save", "none"];
    let fit = |more: &[&str]| run(here, &[&["fit", "m.toml"][..], &exact, more].concat());
    fit(&["--set", "prior.effect=normal(0, 0.2)", "--set", "subgroup.name=registry"]).success().stdout(
        contains("Set for this run: prior.effect = \"normal(0, 0.2)\".")
            .and(contains("effect normal(0, 0.2)")),
    );
    let kept = fs::read_to_string(here.join("runs/m/model.toml")).expect("kept");
    assert!(kept.contains("\neffect = \"normal(0, 0.2)\"") && kept.contains("name = \"registry\""), "{kept}");
    assert!(!fs::read_to_string(here.join("m.toml")).expect("a draft").contains("0.2)"), "the file stays");
    // What is kept gives the same numbers.
    let of_run = fs::read(here.join("runs/m/result.json")).expect("kept");
    fs::write(here.join("again.toml"), kept).expect("written");
    run(here, &[&["fit", "again.toml"][..], &exact].concat()).success();
    let again = fs::read(here.join("runs/again/result.json")).expect("kept");
    let [of_run, again] = [of_run, again].map(|b| serde_json::from_slice::<Value>(&b).expect("JSON"));
    assert_eq!(of_run["probabilities"], again["probabilities"]);
    // A run is what it was.
    run(here, &["report", "runs/m", "--set", "title=x"]).code(1).stderr(contains("is a run"));
    for (words, told) in [
        ("prior.efect=normal(0, 1)", "did you mean `prior.effect`?"),
        ("priro.effect=normal(0, 1)", "did you mean `prior.effect`?"),
        ("prior.effect=norml(0, 1)", "norml"),
        ("prior", "a key and a value are expected"),
        ("prior=1", "this is a section of the file"),
        ("title.of=1", "`title` is a value"),
    ] {
        fit(&["--set", words]).code(1).stdout("").stderr(contains(told));
    }
    run(here, &["decide", "m.toml", "--set", "prior.effect=normal(0, 0.2)"])
        .success()
        .stdout(contains("Set for this run: prior.effect"));
    run(here, &["compare", "solvd", "--set", "title=Another title"])
        .success()
        .stdout(contains("Another title"));
}

#[test]
fn a_prior_by_name_is_the_one_that_compare_shows() {
    let folder = desk();
    let here = folder.path();
    run(here, &[&["new", "table.csv", "-o", "m.toml"][..], &SAID].concat()).success();
    let text = fs::read_to_string(here.join("m.toml")).expect("a draft");
    fs::write(here.join("m.toml"), format!("{text}\n[priors.sceptical]\neffect = \"normal(0, 0.1)\"\n"))
        .expect("written");
    let json = |arguments: &[&str]| -> Value {
        let found = run(here, arguments).success().get_output().stdout.clone();
        serde_json::from_slice(&found).expect("JSON")
    };
    let of = |prior: &str| {
        let args =
            ["fit", "m.toml", "--engine", "exact", "--save", "none", "--format", "json", "--prior", prior];
        json(&args)["probabilities"][0]["probability"].as_f64().expect("a number")
    };
    let by_hand = json(&[
        "fit",
        "m.toml",
        "--engine",
        "exact",
        "--save",
        "none",
        "--format",
        "json",
        "--set",
        "prior.effect=normal(0, 0.1)",
    ]);
    assert_eq!(Some(of("sceptical")), by_hand["probabilities"][0]["probability"].as_f64());
    // More events are worse, and a stent's deaths are fewer: optimism makes benefit likelier, pessimism less likely.
    let [low, stated, high] = ["pessimistic-strong", "stated", "optimistic-strong"].map(of);
    assert!(low < stated && stated < high, "{low} {stated} {high}");
    let refused = |arguments: &[&str], told: &str| {
        run(here, arguments).code(1).stdout("").stderr(contains(told));
    };
    refused(&["fit", "m.toml", "--prior", "skeptical"], "did you mean `sceptical`?");
    refused(&["fit", "same", "--prior", "x"], "no model named");
    refused(&["fit", "solvd", "--prior", "neutral-strong"], "the reanalysis library");
    run(here, &["decide", "m.toml", "--prior", "sceptical"])
        .success()
        .stdout(contains("the prior `sceptical`"));
    refused(&["decide", "rescue-stenting", "--prior", "nobody"], "no prior named `nobody`");
    run(here, &["report", "m.toml", "--prior", "sceptical", "-o", "page.md"]).success();
    assert!(fs::read_to_string(here.join("page.md")).expect("a page").contains("sceptical"));
}

#[test]
fn a_model_comes_through_standard_input() {
    let folder = desk();
    let here = folder.path();
    let new = run(here, &[&["new", "table.csv"][..], &SAID].concat()).success().get_output().stdout.clone();
    let through = |arguments: &[&str], text: &[u8]| {
        let mut command = Command::cargo_bin("equipoise").expect("built");
        command.current_dir(here).args(arguments).write_stdin(text).assert()
    };
    through(&["check", "-"], &new).success().stdout(contains("Stent against control"));
    through(&["fit", "-", "--engine", "exact"], &new).success();
    assert_eq!(fs::read(here.join("runs/model/model.toml")).expect("kept"), new);
    run(here, &["report", "runs/model", "-o", "run.md"]).success();
    through(&["report", "-", "-o", "page.md"], &new).success();
    through(&["fit", "-"], b"title = ").code(1).stderr(contains("standard input:1"));
    through(&["fit", "-"], b"\xff").code(1).stderr(contains("standard input"));
}
