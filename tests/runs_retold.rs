//! What belongs to a run is told wherever its numbers stand: what was changed of its model, how far it came, and what
//! stands on its page.
#![cfg(unix)]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

const MODEL: &str = r#"
title = "A small trial"
[study]
assignment = "randomised"
[outcome]
name = "death at 30 days"
kind = "binary"
higher_is = "worse"
[treatment]
name = "drug"
control = "placebo"
active = "drug"
[subgroup]
name = "sex"
[data]
counts = [
  { subgroup = "men", control = { events = 8, total = 40 }, active = { events = 4, total = 41 } },
  { subgroup = "women", control = { events = 5, total = 30 }, active = { events = 6, total = 29 } },
]
[prior]
effect = "normal(0, 0.355)"
heterogeneity = "half-normal(0.5)"
[priors.doubtful]
effect = "normal(0.3, 0.2)"
"#;

const SUBSTITUTED: &str = "Fitted under the prior `doubtful` in place of the stated one.";

struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Desk {
        let desk = Desk(tempfile::tempdir().expect("a folder"));
        fs::write(desk.at("trial.toml"), MODEL).expect("written");
        desk
    }

    fn at(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin("equipoise"));
        command.current_dir(self.0.path()).args(arguments);
        command
    }

    /// What it prints and what it tells, where it leaves with this status.
    #[track_caller]
    fn run(&self, arguments: &[&str], status: i32) -> [String; 2] {
        said(&self.command(arguments).output().expect("it ran"), status)
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.at(path)).expect(path)
    }

    fn result(&self, run: &str) -> Value {
        serde_json::from_str(&self.read(&format!("{run}/result.json"))).expect("JSON")
    }
}

/// In one line each: terminals break lines anywhere.
#[track_caller]
fn said(output: &Output, status: i32) -> [String; 2] {
    let words =
        |bytes: &[u8]| String::from_utf8_lossy(bytes).split_whitespace().collect::<Vec<_>>().join(" ");
    let [out, err] = [words(&output.stdout), words(&output.stderr)];
    assert_eq!(output.status.code(), Some(status), "{out}\n{err}");
    [out, err]
}

#[test]
fn what_was_put_in_place_of_the_stated_prior_is_told_wherever_the_numbers_stand() {
    let desk = Desk::new();
    let fit = ["fit", "trial.toml", "--prior", "doubtful", "--set", "thresholds.odds_ratio=[1.2]"];
    let [text, _] = desk.run(&fit, 0);
    let set = "Set for this run: thresholds.odds_ratio = [1.2].";
    assert!(text.contains(SUBSTITUTED) && text.contains(set), "{text}");
    let result = desk.result("runs/trial");
    assert_eq!(result["model"]["changed"]["prior"], "doubtful");
    assert_eq!(result["model"]["changed"]["set"][0], "thresholds.odds_ratio = [1.2]");
    assert_eq!(result["statements"][0], SUBSTITUTED);
    // Beside the draws too, which have no column for it.
    assert!(desk.read("runs/trial/statements.txt").contains(SUBSTITUTED));
    let [csv, _] = desk.run(&[&fit[..], &["--format", "csv"]].concat(), 0);
    assert!(csv.contains(SUBSTITUTED), "{csv}");
    for page in ["page.html", "page.md"] {
        desk.run(&["report", "runs/trial", "-o", page], 0);
        let page = desk.read(page).replace('\\', "").replace("&#x60;", "`");
        assert!(page.contains(SUBSTITUTED), "{page}");
        assert!(page.contains("doubtful") && !page.contains("Stated effect prior"), "{page}");
    }
    let page = desk.read("page.html");
    assert_eq!(page.matches("<option value=").count(), 1, "the substitute is the only prior there");
    assert!(page.contains("<strong>doubtful</strong>") && !page.contains("<strong>stated</strong>"));
    assert!(page.contains("the scale of this fit") && !page.contains("the stated scale"));
    // Nor does a figure of all priors have it twice, or as stated.
    let texts = |word: &str| page.matches(&format!(">{word}</text>")).count();
    assert!(texts("doubtful") > 0 && texts("stated") == 0, "{page}");
    // The same of a key, and of nothing.
    desk.run(&["fit", "trial.toml", "--out", "set", "--set", "prior.effect=normal(0, 0.2)"], 0);
    desk.run(&["report", "set", "-o", "set.md"], 0);
    let page = desk.read("set.md").replace('\\', "");
    assert!(page.contains("Set for this run: prior.effect = \"normal(0, 0.2)\"."), "{page}");
    assert!(page.contains("**set for this run**: P(better)"), "{page}");
    desk.run(&["fit", "trial.toml", "--out", "plain"], 0);
    assert!(desk.result("plain")["model"]["changed"].is_null());
    desk.run(&["report", "plain", "-o", "plain.html"], 0);
    let page = desk.read("plain.html");
    assert!(page.contains("<strong>stated</strong>") && page.contains("<strong>doubtful</strong>"));
}

#[test]
fn two_changes_of_one_key_are_an_error_that_names_both() {
    let desk = Desk::new();
    let effect = "prior.effect=normal(0, 0.2)";
    for command in ["fit", "check", "decide", "report"] {
        let [out, told] = desk.run(&[command, "trial.toml", "--prior", "doubtful", "--set", effect], 1);
        let both = "--prior doubtful and --set prior.effect=\"normal(0, 0.2)\" both change prior.effect";
        assert!(out.is_empty() && told.contains(both) && told.contains("leave out one of them"), "{told}");
    }
    let twice = ["--set", effect, "--set", "prior.effect.mass=0.9"];
    let [_, told] = desk.run(&[&["fit", "trial.toml"][..], &twice].concat(), 1);
    assert!(told.contains("both change prior.effect.mass"), "{told}");
    assert!(!desk.at("runs").exists());
    // Changes of other keys go together, and so do changes of the prior that is chosen.
    let scale =
        ["--set", "prior.heterogeneity=half-normal(0.2)", "--set", "priors.doubtful.effect=normal(0.1, 0.2)"];
    let [text, _] = desk.run(&[&["fit", "trial.toml", "--prior", "doubtful"][..], &scale].concat(), 0);
    assert!(text.contains("effect normal(0.1, 0.2); heterogeneity half-normal(0.2)"), "{text}");
}

const DECISION: &str = r#"
[decision]
question = "The drug?"
[[outcome]]
model = "trial.toml"
utility = { event = 0.1, no_event = 0.9 }
[[outcome]]
name = "bleeding"
model = "bleeding.toml"
disutility = 0.1
[[panel]]
member = "Ann"
effect = "normal(0, 0.5)"
[[panel]]
member = "Ben"
"#;

fn decision() -> Desk {
    let desk = Desk::new();
    let women = MODEL.find("  { subgroup = \"women\"").expect("there");
    let end = women + MODEL[women..].find('\n').expect("an end");
    let bleeding = format!("{}{}", &MODEL[..women], &MODEL[end..])
        .replace("death at 30 days", "bleeding")
        .replace("heterogeneity = \"half-normal(0.5)\"", "")
        .replace("[prior]", "[model]\npooling = \"complete\"\n[prior]");
    fs::write(desk.at("bleeding.toml"), bleeding).expect("written");
    fs::write(desk.at("decision.toml"), DECISION).expect("written");
    desk
}

#[test]
fn a_decision_under_another_prior_says_which_members_hold_it() {
    let desk = decision();
    let whole = ["decide", "decision.toml", "--prior", "doubtful"];
    let panel = [
        "Panel, on death at 30 days: members without an effect prior of their own hold that one too (Ben); the others keep theirs (Ann).",
        "Panel, on bleeding: every member holds that effect prior too.",
    ];
    for more in [&[][..], &["--full"], &["--format", "json"]] {
        let [text, _] = desk.run(&[&whole[..], more].concat(), 0);
        for sentence in [SUBSTITUTED, panel[0], panel[1]] {
            assert!(text.contains(sentence), "{sentence}: {text}");
        }
        assert!(!text.contains("the stated analysis") && !text.contains("the stated priors"), "{text}");
    }
    let [text, _] = desk.run(&["decide", "decision.toml", "--full"], 0);
    assert!(!text.contains("hold that") && text.contains("stated"), "{text}");
}

#[test]
fn a_page_explains_where_members_have_no_choice() {
    let desk = decision();
    let why = "No choice in women: bleeding has a value and is not reported there.";
    let [text, _] = desk.run(&["decide", "decision.toml", "--full"], 0);
    assert!(text.contains(why), "{text}");
    desk.run(&["report", "decision.toml", "-o", "page.html"], 0);
    assert!(desk.read("page.html").contains(why));
    // Of a further subgroup only those risks are known that are stated.
    let of_one = DECISION.replace("\"trial.toml\"\n", "\"trial.toml\"\nbaseline_risk = 0.2\n");
    fs::write(desk.at("decision.toml"), of_one).expect("written");
    let [text, _] = desk.run(&["decide", "decision.toml", "--full"], 0);
    let why = "no `baseline_risk` is stated for bleeding.";
    assert!(text.contains(&format!("No utility for a further similar sex: {why}")), "{text}");
    assert!(text.contains(&format!("No choice for a further similar sex: {why}")), "{text}");
}

/// Interrupts a fit that would take minutes.
fn interrupted(desk: &Desk, more: &[&str]) -> Output {
    let all =
        [&["fit", "trial.toml", "--draws", "3000000", "--save", "none", "--threads", "1"][..], more].concat();
    let child = desk.command(&all).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started");
    std::thread::sleep(Duration::from_millis(2500));
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(sent.expect("sent").success());
    child.wait_with_output().expect("ended")
}

#[test]
fn an_interrupted_run_says_how_far_it_came_and_leaves_with_130() {
    let desk = Desk::new();
    let [text, _] = said(&interrupted(&desk, &[]), 130);
    let told = text.split("INTERRUPTED: ").nth(1).and_then(|rest| rest.split('.').next()).expect("told");
    assert!(told.contains(" of 3,000,000 draws of each chain"), "{told}");
    let result = desk.result("runs/trial");
    let sampler = &result["settings"]["sampler"];
    assert_eq!((&sampler["stopped"], &sampler["draws_asked"]), (&"interrupted".into(), &3_000_000.into()));
    assert_eq!(result["statements"][0], format!("INTERRUPTED: {told}."));
    assert!(desk.read("runs/trial/statements.txt").contains(told));
}

#[test]
fn the_page_of_an_interrupted_run_has_its_numbers_and_says_so() {
    let desk = Desk::new();
    desk.run(&["fit", "trial.toml", "--draws", "1500"], 0);
    // As an interrupted run leaves it, which draws no test can foretell.
    let mut result = desk.result("runs/trial");
    result["settings"]["sampler"]["stopped"] = "interrupted".into();
    result["settings"]["sampler"]["draws_asked"] = 3_000_000.into();
    fs::write(desk.at("runs/trial/result.json"), result.to_string()).expect("written");
    for page in ["page.html", "page.md"] {
        desk.run(&["report", "runs/trial", "-o", page], 0);
        let page = desk.read(page);
        assert!(page.contains("INTERRUPTED: 1,500 of 3,000,000 draws of each chain."), "{page}");
        assert!(page.contains("4 chains of 1500 draws"), "{page}");
    }
    // One that was to go on until it was sure is drawn as far as it came too.
    result["settings"]["sampler"]["mcse"] = 0.001.into();
    result["settings"]["sampler"].as_object_mut().expect("an object").remove("draws_asked");
    fs::write(desk.at("runs/trial/result.json"), result.to_string()).expect("written");
    desk.run(&["report", "runs/trial", "-o", "page.md"], 0);
    let page = desk.read("page.md");
    let told = "INTERRUPTED: 1,500 draws of each chain, before every Monte Carlo error was at most 0.001.";
    assert!(page.contains(told), "{page}");
    // Of one that had hardly begun there is nothing to draw again.
    result["settings"]["sampler"]["draws"] = 0.into();
    fs::write(desk.at("runs/trial/result.json"), result.to_string()).expect("written");
    let [_, told] = desk.run(&["report", "runs/trial", "-o", "none.md"], 1);
    assert!(told.contains("interrupted before it had drawn") && !desk.at("none.md").exists(), "{told}");
}

#[test]
fn a_run_under_another_prior_steps_aside_and_one_of_an_edited_model_is_said_to_be_replaced() {
    let desk = Desk::new();
    let fit = |more: &[&str]| {
        let all = [&["fit", "trial.toml", "--engine", "exact"][..], more].concat();
        desk.run(&all, 0)[1].clone()
    };
    let plain = fit(&[]);
    assert!(plain.ends_with("Written to runs/trial"), "{plain}");
    let told = fit(&["--prior", "doubtful"]);
    let aside = "The earlier run was fitted as the file states it: it is now runs/trial-earlier. Written to runs/trial";
    assert!(told.ends_with(aside), "{told}");
    assert!(desk.result("runs/trial-earlier")["model"]["changed"].is_null());
    // The same again is no news, and another change is.
    assert!(fit(&["--prior", "doubtful"]).ends_with("Written to runs/trial"));
    let told = fit(&["--set", "prior.effect=normal(0, 0.2)"]);
    let aside = "The earlier run was fitted with --prior doubtful: it is now runs/trial-earlier-2.";
    assert!(told.contains(aside), "{told}");
    fs::write(desk.at("trial.toml"), MODEL.replace("events = 8", "events = 9")).expect("written");
    let told = fit(&["--set", "prior.effect=normal(0, 0.2)"]);
    let replaced = "in place of an earlier run of another model or other data (--out DIR keeps both)";
    assert!(told.contains(replaced), "{told}");
}

#[test]
fn a_page_is_written_under_the_name_of_a_format_or_not_at_all() {
    let desk = Desk::new();
    for name in ["page.pdf", "page.docx", "page.json"] {
        for command in [["report", "trial.toml", "-o"], ["fit", "trial.toml", "--report"]] {
            let [_, told] = desk.run(&[&command[..], &[name]].concat(), 1);
            let ending = name.trim_start_matches("page");
            assert!(told.contains(&format!("{name}: no page is written as {ending}")), "{told}");
            assert!(told.contains(".html (or .htm)") && told.contains(".md (or .markdown)"), "{told}");
        }
        assert!(!desk.at(name).exists() && !desk.at("runs").exists());
    }
}

#[test]
fn the_exact_engine_alone_says_what_it_does_not_cover_and_which_engine_does() {
    let desk = Desk::new();
    let baseline = "baseline = { mean = \"normal(0, 1.5)\", sd = \"half-normal(0.5)\" }\n";
    fs::write(desk.at("trial.toml"), MODEL.replace("[priors", &format!("{baseline}[priors")))
        .expect("written");
    let [out, told] = desk.run(&["fit", "trial.toml", "--engine", "exact"], 1);
    assert!(out.is_empty() && !told.contains("checks"), "{out}{told}");
    assert!(told.contains("the exact engine does not cover trial: exchangeable baselines"), "{told}");
    assert!(told.contains("choose `--engine sampler`"), "{told}");
    assert!(!desk.at("runs").exists());
}

#[test]
fn the_table_of_a_page_has_the_crude_effects_of_every_subgroup() {
    let desk = Desk::new();
    desk.run(&["report", "trial.toml", "-o", "page.md"], 0);
    let page = desk.read("page.md");
    let row = |label: &str| {
        let row = page.lines().find(|line| line.starts_with(&format!("| {label} |"))).expect(label);
        row.split('|').map(|cell| cell.trim().to_string()).collect::<Vec<_>>()
    };
    // 4·32 over 37·8.
    let crude = row("men, crude");
    assert!(crude[4].starts_with("0.43 ("), "{crude:?}");
    assert_eq!(crude.len(), row("men").len());
    assert!(page.contains("Crude: from the counts of the row alone"), "{page}");
    desk.run(&["fit", "trial.toml", "--report", "fit.html"], 0);
    assert!(desk.read("fit.html").contains("<th scope=\"row\">women, crude</th>"));
}

#[test]
fn the_key_of_the_forest_names_whose_posteriors_stand_below_the_subgroups() {
    let desk = Desk::new();
    desk.run(&["report", "trial.toml", "-o", "page.html", "--figures", "figures"], 0);
    let words = |name: &str| {
        let svg = desk.read(&format!("figures/{name}.svg"));
        svg.split("<text ").skip(1).filter_map(|t| t.split(['>', '<']).nth(1)).collect::<Vec<_>>().join(" ")
    };
    let forest = words("forest-odds-ratio");
    assert!(forest.contains("posterior of the average sex and of a further similar sex"), "{forest}");
    assert!(words("forest-risk-difference").contains("posterior of this study"));
}
