//! What is told of ordered levels: in text, in files, on the page and in figures, by numbers that agree with each other.

use std::fs;
use std::sync::LazyLock;

use equipoise::figure::{Portrait, cut_rows, level_rows};
use equipoise::input::open;
use equipoise::posterior::{
    Engine, Estimand, Measure, Options, Report, Sampling, Statement, Whom, analyse, observed,
};
use equipoise::report::{
    Figure, PageFormat, Presentation, Shown, check_text, figures, fit_csv, fit_json, fit_text, page,
};
use equipoise::study::Study;

const COUNTS: &str = r#"
[[data.counts]]
subgroup = "men"
control = { levels = [12, 30, 41, 25, 19, 8, 15] }
active = { levels = [22, 34, 40, 23, 18, 4, 10] }
[[data.counts]]
subgroup = "women"
control = { levels = [10, 20, 31, 25, 29, 8, 25] }
active = { levels = [12, 24, 30, 23, 28, 14, 20] }
"#;

/// A made-up trial of the modified Rankin scale: what stands in [outcome], and what in [model] and [prior].
fn trial(outcome: &str, model: &str, prior: &str, counts: &str) -> Study {
    let text = format!(
        "title = \"A trial\"\n[study]\nassignment = \"randomised\"\n[outcome]\nname = \"mRS\"\nkind = \"ordinal\"\n{outcome}\n[treatment]\nname = \"drug\"\ncontrol = \"placebo\"\nactive = \"drug\"\n{counts}\n[model]\npooling = \"partial\"\n{model}\n[prior]\neffect = \"normal(0, 0.5)\"\nheterogeneity = \"half-normal(0.3)\"\n{prior}\n"
    );
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("trial.toml");
    fs::write(&path, text).expect("written");
    open(&path).unwrap_or_else(|e| panic!("{e:?}"))
}

const RANKIN: &str = "higher_is = \"worse\"\nlevels = [0, 1, 2, 3, 4, 5, 6]\nabove = 3\nutilities = \"dawn\"";

fn fitted(study: &Study) -> Report {
    let sampling = Sampling { draws: Some(1000), ..Sampling::default() };
    let report = analyse(study, Options { engine: Engine::Sampler, sampling, ..Options::default() });
    assert!(!report.withheld, "{:?}", report.checks.reasons);
    report
}

/// A study whose last cut may depart, with its fit.
static DEPARTING: LazyLock<(Study, Report)> = LazyLock::new(|| {
    let study = trial(RANKIN, "departure = \"death\"", "", COUNTS);
    let report = fitted(&study);
    (study, report)
});

/// No line is wider than a terminal, colours aside.
#[track_caller]
fn fits(text: &str) {
    let plain = text.replace("\u{1b}[1m", "").replace("\u{1b}[1;33m", "").replace("\u{1b}[0m", "");
    for line in plain.lines() {
        assert!(line.chars().count() <= 80, "{line}\n{text}");
    }
}

fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_primary_cut_says_what_the_risk_difference_says() {
    let (study, report) = &*DEPARTING;
    let all = cut_rows(study, report);
    assert_eq!(all.len(), 3, "two subgroups and all together");
    for of in &all {
        let first = &of.cuts[0];
        assert!(first.primary && first.cut == 3 && of.cuts.iter().skip(1).all(|r| !r.primary));
        assert_eq!(of.cuts.len(), 6);
        let told = report.estimate(Estimand::new(of.whom, Measure::RiskDifference)).expect("a row");
        assert_eq!(first.risk_difference.quantiles, told.best().expect("numbers"));
        let benefit =
            report.probability(Estimand::new(of.whom, Measure::RiskDifference), Statement::Benefit, 0.0);
        assert_eq!(first.benefit.0, benefit.and_then(|p| p.best()));
        // As printed too: the table by cut repeats the main table's interval.
        let text = fit_text(study, report);
        let lines: Vec<&str> = text.lines().collect();
        let cut = lines.iter().find(|l| l.starts_with("above 3 (primary)")).expect("the primary cut");
        if of.whom == Whom::Overall {
            let main = lines.iter().find(|l| l.starts_with("this study's")).expect("all together");
            let difference = cut.split("  ").filter(|c| !c.is_empty()).nth(2).expect("a difference").trim();
            assert!(main.contains(difference), "{cut}\n{main}");
        }
    }
}

#[test]
fn shares_add_up_to_the_patients_of_the_arm() {
    let (study, report) = &*DEPARTING;
    let rows = level_rows(study, report);
    assert_eq!(rows.len(), 6);
    let data = study.data.levels().expect("levels");
    for row in &rows {
        let (observed, modelled) = (row.observed.as_ref().unwrap(), row.modelled.as_ref().unwrap());
        assert!((observed.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!((modelled.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let counts: Vec<u64> = match row.whom {
            Whom::Subgroup(g) => data.patients(g, row.arm).to_vec(),
            _ => (0..7).map(|k| (0..2).map(|g| data.patients(g, row.arm)[k]).sum()).collect(),
        };
        assert_eq!(counts.iter().sum::<u64>(), row.patients);
        for (n, share) in counts.iter().zip(observed) {
            assert!((*n as f64 - share * row.patients as f64).abs() < 1e-9);
        }
        // What is above the primary cut is the risk that the result has.
        let measure = if row.arm == 0 { Measure::RiskControl } else { Measure::RiskActive };
        let mean = report.estimate(Estimand::new(row.whom, measure)).and_then(|e| e.reported.mean);
        assert!((modelled[4..].iter().sum::<f64>() - mean.expect("a mean")).abs() < 1e-9);
    }
}

#[test]
fn bars_survive_a_pipe_and_fit_the_page() {
    let (study, report) = &*DEPARTING;
    let text = fit_text(study, report);
    fits(&text);
    let drawn: Vec<&str> = text.lines().filter(|l| l.contains('|') && l.contains("00")).collect();
    assert_eq!(drawn.len(), 12, "two arms, observed and modelled, of three rows: {text}");
    for line in drawn {
        let bar = line.split("  ").last().expect("a bar").trim();
        assert_eq!(bar.chars().count(), 51, "{line}");
        let (below, above) = bar.split_once('|').expect("the primary cut");
        assert!(below.chars().all(|c| "0123".contains(c)) && above.chars().all(|c| "456".contains(c)));
        let mut sorted: Vec<char> = bar.chars().filter(|c| *c != '|').collect();
        let as_drawn = sorted.clone();
        sorted.sort_unstable();
        assert_eq!(as_drawn, sorted, "levels stand in their order");
    }
    assert!(flat(&text).contains("One character is 2 % of an arm's patients and names their level; | is the primary cut, above 3 to its right."));
}

#[test]
fn named_levels_have_letters_and_a_legend() {
    let outcome = "higher_is = \"better\"\nlevels = [\"dead\", \"dependent at six months\", \"not recovered\", \"recovered\"]\nabove = \"dependent at six months\"";
    let counts = "[[data.counts]]\nsubgroup = \"everyone who was randomised\"\ncontrol = { levels = [30, 40, 20, 30] }\nactive = { levels = [20, 38, 25, 0] }\n";
    let study = trial(outcome, "", "", counts);
    let report = fitted(&study);
    let text = fit_text(&study, &report);
    let flat = flat(&text);
    assert!(flat.contains(": A dead, B dependent at six months, C not recovered, D recovered; | is the primary cut, above dependent at six months to its right."), "{text}");
    // The worst level is told whichever end it stands at.
    assert!(flat.contains("Dead by itself:") && flat.contains("Recovered by itself:"), "{text}");
    assert!(flat.contains("No utilities are stated, and so no utility difference."), "{text}");
    assert!(!flat.contains("Utility difference"), "{text}");
    assert!(text.contains("\nabove not recovered ") && text.contains("alone)\n"), "{text}");
    fits(&text);
    // Of one subgroup there is no second row of all together.
    assert_eq!(cut_rows(&study, &report).len(), 1);
}

#[test]
fn what_was_assumed_of_levels_is_told_in_words() {
    let (study, report) = &*DEPARTING;
    for text in [flat(&fit_text(study, report)), flat(&check_text(study, None))] {
        for said in [
            "Utilities: dawn, utility-weighted mRS of the DAWN trial (Chaisinanunkul et al., Stroke 2015;46:2238, doi:10.1161/STROKEAHA.114.008547): 0 = 1, 1 = 0.91, 2 = 0.76, 3 = 0.65, 4 = 0.33, 5 = 0, 6 = 0.",
            "The primary cut of 7 levels (0, 1, 2, 3, 4, 5, 6) is above 3",
            "Odds are not taken as proportional: the log odds ratio of the last cut, above 5, is δ more than the common one of all others; δ ~ normal(0, 0.3)",
        ] {
            assert!(text.contains(said), "{said}\n{text}");
        }
    }
    let text = flat(&fit_text(study, report));
    assert!(text.contains("levels in a typical control arm dirichlet(1); sd of subgroups' shifts of them half-normal(1); departure δ normal(0, 0.3)."), "{text}");
    assert!(text.contains("Departure of the log odds ratio above 5: "), "{text}");
    assert!(text.contains("Priors: effect normal(0, 0.5)"), "{text}");
    assert!(!text.contains("Woolf's method for odds ratios"), "{text}");

    let own = RANKIN.replace("\"dawn\"", "[1, 0.9, 0.8, 0.7, 0.3, 0, 0]");
    let text = flat(&check_text(&trial(&own, "cutpoints = \"by subgroup\"", "", COUNTS), None));
    assert!(text.contains("Utilities: the model file's own: 0 = 1, 1 = 0.9,"), "{text}");
    assert!(text.contains("Odds are taken as proportional: one odds ratio at all cuts."), "{text}");
    let turned = RANKIN.replace("dawn", "eq-5d");
    let text = flat(&check_text(&trial(&turned, "", "", COUNTS), None));
    assert!(
        text.contains("The utilities do not follow the order of the levels: `5` is worth -0.18"),
        "{text}"
    );
}

#[test]
fn check_counts_patients_by_level() {
    let (study, _) = &*DEPARTING;
    let text = check_text(study, None);
    let row = |start: &str| {
        let line = text.lines().find(|l| l.starts_with(start)).unwrap_or_else(|| panic!("{start}\n{text}"));
        line[start.len()..].split_whitespace().map(str::to_string).collect::<Vec<_>>()
    };
    assert_eq!(row("men, placebo"), ["12", "30", "41", "25", "19", "8", "15", "150"]);
    assert_eq!(row("women, drug"), ["12", "24", "30", "23", "28", "14", "20", "151"]);
    assert_eq!(row("all")[7], "600");
    // More levels than a line holds stand in several tables, none of them wider than the page.
    let names: Vec<String> = (0..30).map(|k| format!("\"grade {k} of thirty\"")).collect();
    let outcome =
        format!("higher_is = \"worse\"\nlevels = [{}]\nabove = \"grade 9 of thirty\"", names.join(", "));
    let ones = vec!["1"; 30].join(", ");
    let counts = format!(
        "[[data.counts]]\nsubgroup = \"men\"\ncontrol = {{ levels = [{ones}] }}\nactive = {{ levels = [{ones}] }}\n"
    );
    let text = check_text(&trial(&outcome, "", "", &counts), None);
    fits(&text);
    assert!(text.lines().filter(|l| l.starts_with("men, placebo")).count() > 1, "{text}");
}

#[test]
fn csv_and_json_tell_cuts_apart_and_have_what_the_data_alone_say() {
    let (study, report) = &*DEPARTING;
    let csv = fit_csv(study, report);
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let header = reader.headers().expect("a header").clone();
    let place = |name: &str| header.iter().position(|h| h == name).unwrap_or_else(|| panic!("{name}"));
    assert_eq!(place("cut"), place("measure") + 1);
    let mut seen = Vec::new();
    for row in reader.records() {
        let row = row.expect("a row");
        let key: Vec<String> =
            ["row", "scope", "subgroup", "subgroup_b", "measure", "cut", "statement", "threshold"]
                .map(|c| row[place(c)].to_string())
                .to_vec();
        assert!(!seen.contains(&key), "told twice: {key:?}");
        assert_eq!(key[4].ends_with("_at_cut"), !key[5].is_empty(), "{key:?}");
        seen.push(key);
    }
    let json: serde_json::Value = serde_json::from_str(&fit_json(study, report)).expect("JSON");
    let men = json["estimates"].as_array().expect("rows").iter().filter(|e| e["subgroup"] == "men");
    let of =
        |measure: &str| men.clone().find(|e| e["measure"] == measure).expect("a row")["observed"].clone();
    for measure in
        ["odds_ratio", "risk_difference", "utility_difference", "win_probability", "odds_ratio_at_cut"]
    {
        let found = of(measure);
        let [low, at, high] = ["low", "estimate", "high"].map(|k| found[k].as_f64().expect("a number"));
        assert!(low < at && at < high, "{measure}: {found}");
    }
    // By hand: 32/151 − 42/150.
    let difference = of("risk_difference")["estimate"].as_f64().unwrap();
    assert!((difference - (32.0 / 151.0 - 42.0 / 150.0)).abs() < 1e-12);
    // An independent fit of the proportional odds model (MASS::polr's likelihood) is in the unit tests of levels.
    let own = observed(study, Estimand::of_subgroup(0, Measure::OddsRatio)).expect("finite");
    assert!((of("odds_ratio")["estimate"].as_f64().unwrap() - own.estimate).abs() < 1e-12);
}

/// The page as Markdown, and its figures.
fn presented(study: &Study) -> (String, Vec<Figure>) {
    let sampling = Sampling { draws: Some(1000), ..Sampling::default() };
    let portrait = Portrait::of(study, None, sampling).expect("known priors").expect("passes its checks");
    let shown = Shown::of(&portrait).expect("a report");
    let drawn = figures(study, shown);
    let presentation = Presentation { study, shown: Ok(shown), command: None };
    (page(&presentation, &drawn, PageFormat::Markdown).expect("rendered"), drawn)
}

#[test]
fn the_page_has_every_cut_of_every_subgroup_and_its_figures() {
    let (study, _) = &*DEPARTING;
    let (text, drawn) = presented(study);
    assert_eq!(text.matches("| above 3 (primary) |").count(), 3, "{text}");
    assert_eq!(text.matches("| above 5 (6 alone) |").count(), 3, "{text}");
    assert!(text.contains("| men, placebo | 12 | 30 | 41 | 25 | 19 | 8 | 15 | 150 |"), "{text}");
    assert!(text.contains("Level 6 by itself:"), "{text}");
    let figure = |name: &str| drawn.iter().find(|f| f.name == name).unwrap_or_else(|| panic!("{name}"));
    let levels = figure("levels");
    // Death is as dark as text, and the other levels are the darker the worse.
    let depth = |k: usize| {
        let at = levels.svg.split("fill-opacity=\"").nth(1 + k).expect("a bar");
        at.split('"').next().and_then(|x| x.parse::<f64>().ok()).expect("an opacity")
    };
    assert!((0..6).all(|k| depth(k) < depth(k + 1)), "{}", levels.svg);
    assert_eq!(depth(6), 1.0);
    let cuts = figure("cuts");
    let csv = equipoise::report::figure_csv(cuts);
    assert_eq!(csv.matches(",posterior,").count(), 18);
    assert_eq!(csv.matches(",observed,").count(), 12);
    assert_eq!(csv.matches(",common,").count(), 2);
    assert!(cuts.svg.contains("favours drug") && cuts.svg.contains("Above 3 (primary)"));
}

/// One row of a figure's numbers: whose, which cut, at which scale of the prior of δ; P(better) and its Monte Carlo error.
type Departed = (String, String, f64, f64, f64);

fn departures(figure: &Figure) -> Vec<Departed> {
    let csv = equipoise::report::figure_csv(figure);
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let header = reader.headers().expect("a header").clone();
    let place = |name: &str| header.iter().position(|h| h == name).unwrap_or_else(|| panic!("{name}"));
    let places = ["row", "cut", "scale", "better", "mcse"].map(place);
    let row = |row: csv::StringRecord| {
        let [whose, cut, scale, better, mcse] = places.map(|p| row[p].to_string());
        let number = |text: String| text.parse::<f64>().expect("a number");
        (whose, cut, number(scale), number(better), number(mcse))
    };
    reader.records().map(|r| row(r.expect("a row"))).collect()
}

#[test]
fn the_departure_curve_is_drawn_where_the_model_has_a_departure() {
    let (study, report) = &*DEPARTING;
    let (text, drawn) = presented(study);
    assert!(text.contains("Without proportional odds (departure of the last cut normal(0, 0.30))"), "{text}");
    let figure = |name: &str| drawn.iter().find(|f| f.name == name).unwrap_or_else(|| panic!("{name}"));
    let (by_subgroup, by_cut) = (figure("departure"), figure("departure-cuts"));
    for f in [by_subgroup, by_cut] {
        assert!(f.svg.contains("the stated scale") && f.svg.contains("at 0 odds are proportional"));
        assert!(f.caption.contains("δ is added at the last cut") && f.caption.contains("Monte Carlo error"));
        assert!(text.contains(&f.caption), "{}", f.caption);
    }
    // Men, women, all patients and the average at five scales; six cuts and wins at as many.
    let rows = departures(by_subgroup);
    assert_eq!((rows.len(), departures(by_cut).len()), (4 * 5, 7 * 5));
    // At the stated scale it is the fit itself.
    for (g, name) in ["men", "women"].into_iter().enumerate() {
        let at = Estimand::of_subgroup(g, Measure::CutOddsRatio).at_cut(3);
        let fit = report.probability(at, Statement::Benefit, 1.0).and_then(|p| p.best()).expect("a number");
        let of = |r: &&Departed| r.0 == name && r.1 == "3" && r.2 == 0.3;
        let (.., better, mcse) = rows.iter().find(of).expect("a row").clone();
        assert!((better - fit).abs() < 4.0 * mcse.max(1e-3), "{name}: {better} {fit}");
    }
}

#[test]
fn the_wider_its_prior_the_less_death_borrows_from_disability() {
    // Fewer with the drug are disabled, and more die.
    let counts = COUNTS
        .replace("[22, 34, 40, 23, 18, 4, 10]", "[32, 34, 40, 13, 8, 4, 20]")
        .replace("[12, 24, 30, 23, 28, 14, 20]", "[22, 24, 30, 13, 18, 14, 30]");
    let (_, drawn) = presented(&trial(RANKIN, "departure = \"death\"", "", &counts));
    let by_cut = drawn.iter().find(|f| f.name == "departure-cuts").expect("drawn");
    let death = |scale: f64| {
        let rows = departures(by_cut);
        rows.into_iter().find(|r| r.1 == "5" && r.2 == scale).expect("a row")
    };
    let (proportional, wide) = (death(0.0), death(1.0));
    assert!(proportional.3 - wide.3 > 4.0 * (proportional.4 + wide.4), "{proportional:?} {wide:?}");
}

#[test]
fn a_page_of_proportional_odds_fits_no_departures() {
    let study = trial(RANKIN, "cutpoints = \"by subgroup\"", "", COUNTS);
    let (text, drawn) = presented(&study);
    assert!(drawn.iter().all(|f| !f.name.starts_with("departure")));
    assert!(!text.contains("ithout proportional odds"), "{text}");
}

#[test]
fn reversed_levels_are_told_with_the_same_chances() {
    let turned_counts = COUNTS
        .replace("[12, 30, 41, 25, 19, 8, 15]", "[15, 8, 19, 25, 41, 30, 12]")
        .replace("[22, 34, 40, 23, 18, 4, 10]", "[10, 4, 18, 23, 40, 34, 22]")
        .replace("[10, 20, 31, 25, 29, 8, 25]", "[25, 8, 29, 25, 31, 20, 10]")
        .replace("[12, 24, 30, 23, 28, 14, 20]", "[20, 14, 28, 23, 30, 24, 12]");
    let outcome = "higher_is = \"better\"\nlevels = [\"6\", \"5\", \"4\", \"3\", \"2\", \"1\", \"0\"]\nabove = \"4\"\nutilities = [0, 0, 0.33, 0.65, 0.76, 0.91, 1]";
    let by_subgroup = "cutpoints = \"by subgroup\"";
    let [one, other] =
        [trial(RANKIN, by_subgroup, "", COUNTS), trial(outcome, by_subgroup, "", &turned_counts)];
    for measure in
        [Measure::UtilityDifference, Measure::WinProbability, Measure::NetBenefit, Measure::WinOdds]
    {
        let at = Estimand::of_subgroup(0, measure);
        let (a, b) = (observed(&one, at).unwrap(), observed(&other, at).unwrap());
        assert!((a.estimate - b.estimate).abs() < 1e-12 && (a.low - b.low).abs() < 1e-12, "{measure:?}");
    }
    let mirrored = Estimand::of_subgroup(1, Measure::OddsRatio);
    let (a, b) = (observed(&one, mirrored).unwrap(), observed(&other, mirrored).unwrap());
    assert!((a.estimate * b.estimate - 1.0).abs() < 1e-9 && (a.low * b.high - 1.0).abs() < 1e-9);
    let exact = |study: &Study| analyse(study, Options { engine: Engine::Exact, ..Options::default() });
    let (first, second) = (exact(&one), exact(&other));
    for measure in [Measure::OddsRatio] {
        for g in 0..2 {
            let p = |r: &Report| {
                r.probability(Estimand::of_subgroup(g, measure), Statement::Benefit, 1.0)
                    .and_then(|p| p.best())
            };
            let (a, b) = (p(&first).expect("exact"), p(&second).expect("exact"));
            assert!((a - b).abs() < 1e-9, "{a} {b}");
        }
    }
    // Without draws there are no cuts, and bars of what was observed alone.
    let text = fit_text(&one, &first);
    assert!(cut_rows(&one, &first).is_empty() && !text.contains("At every cut"), "{text}");
    assert!(
        text.contains("Patients by level, as observed\u{1b}")
            || text.contains("Patients by level, as observed\n"),
        "{text}"
    );
}
