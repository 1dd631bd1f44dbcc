//! `equipoise report`: the page's numbers, what is escaped, a run that failed, bad output places.

use std::fs;
use std::path::Path;

use crate::common::shipped::discussed;
use assert_cmd::Command;
use equipoise::compare::{GridRow, Request, compare, glance};
use equipoise::decide::decide;
use equipoise::figure::{Marginals, Portrait, energies, outline};
use equipoise::input::{open, open_decision};
use equipoise::posterior::{
    Claim, Engine, Estimate, Fit, Integrals, Measure, Options, Sampling, Says, Scope, Statement, Whom,
    analyse,
};
use equipoise::report::{
    Cell, PageFormat, Presentation, Shown, decide_text, decision_figures, decision_page, figure_csv, figures,
    fit_text, page,
};
use equipoise::study::{Assignment, Data, Decision, Pooling, Study};
use predicates::prelude::*;
use predicates::str::contains;

/// The page and its figures.
fn presented(study: &Study) -> (String, Vec<equipoise::report::Figure>) {
    let portrait = Portrait::of(study, None, Sampling::default()).expect("known priors");
    let portrait = portrait.expect("passes its checks");
    let shown = Shown::of(&portrait).expect("a report");
    let drawn = figures(study, shown);
    (
        page(&Presentation { study, shown: Ok(shown), command: None }, &drawn, PageFormat::Html)
            .expect("rendered"),
        drawn,
    )
}

/// What a reader sees of HTML.
fn seen(html: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for c in html.chars() {
        match c {
            '<' => inside = true,
            '>' => {
                inside = false;
                out.push(' ');
            }
            c if !inside => out.push(c),
            _ => {}
        }
    }
    for (from, to) in
        [("&lt;", "<"), ("&gt;", ">"), ("&#x27;", "'"), ("&#39;", "'"), ("&quot;", "\""), ("&amp;", "&")]
    {
        out = out.replace(from, to);
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_number_of_the_table_and_the_sentences_is_the_fits() {
    for name in ["ras-basilar-death", "attention-evt", "solvd"] {
        let study = open(name).expect("shipped");
        let (html, _) = presented(&study);
        let text = seen(&html);
        let report = analyse(&study, Options::default());
        let of_subgroups = |e: &&Estimate| e.estimand.whom.scope() == Scope::Subgroup && e.best().is_some();
        for row in report.estimates.iter().filter(of_subgroups) {
            let measure = row.estimand.measure.key();
            let told = ["odds_ratio", "risk_difference", "hazard_ratio"].contains(&measure);
            if told {
                let printed = fit_text(&study, &report);
                let flat: String = printed.split_whitespace().collect::<Vec<_>>().join(" ");
                let q = row.best().expect("numbers");
                let shown = match measure {
                    "risk_difference" => format!("{:+.1} (", 100.0 * q.median).replace('-', "−"),
                    _ => format!("{:.2} (", q.median),
                };
                assert!(flat.contains(&shown) && text.contains(&shown), "{name}: {row:?}");
            }
        }
        for claim in &report.claims {
            let sentence = equipoise::report::sentence(claim);
            if sentence.contains("with probability") {
                let sentence = sentence.split_whitespace().collect::<Vec<_>>().join(" ");
                assert!(text.contains(&sentence), "{name}: {sentence}");
            }
        }
        for statement in study.statements() {
            assert!(text.contains(&statement), "{name}: {statement}");
        }
    }
}

#[test]
fn markup_in_a_model_file_stays_text() {
    let mut study = open("attention-ras-etiology").expect("shipped");
    let markup = "<script>alert(1)</script>";
    study.title = format!("{markup} & \"quotes\"");
    study.treatment.arms[1] = markup.to_string();
    study.subgroup_name = format!("kind{markup}");
    study.citation = vec![markup.to_string()];
    study.text = format!("</pre>{markup}");
    if let Data::Counts(counts) = &mut study.data {
        counts[0].name = format!("</script>{markup}");
    }
    let (html, drawn) = presented(&study);
    assert_eq!(html.matches("<script").count(), 2, "the page's own: curves and code");
    assert!(!html.contains("alert(1)</script>") && !html.contains("</pre><"));
    for figure in drawn {
        assert!(!figure.svg.contains("<script"), "{}", figure.name);
    }
}

#[test]
fn a_run_that_failed_has_reasons_and_no_probability() {
    let study = open("attention-ras-etiology").expect("shipped");
    let reasons = vec!["R-hat 1.9 of theta[A] is above 1.01".to_string()];
    let html =
        page(&Presentation { study: &study, shown: Err(&reasons), command: None }, &[], PageFormat::Html)
            .expect("rendered");
    let text = seen(&html);
    assert!(html.contains("role=\"alert\"") && text.contains("did not pass its checks"));
    assert!(text.contains(&reasons[0]) && text.contains("ILLUSTRATIVE"));
    assert!(!text.contains("P(") && !text.contains("with probability") && !html.contains("<svg"));
}

#[test]
fn figures_stand_by_themselves_and_have_their_numbers() {
    let study = open("ras-basilar-function").expect("shipped");
    let (html, drawn) = presented(&study);
    let names: Vec<&str> = drawn.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "forest-odds-ratio",
            "forest-risk-difference",
            "thresholds",
            "beliefs",
            "beliefs-by-prior",
            "shrinkage",
            "predictive-cells",
            "heterogeneity",
            "prior-grid",
            "bias",
            "chains",
            "energy"
        ]
    );
    for figure in &drawn {
        assert!(
            figure.svg.starts_with("<svg xmlns=") && figure.svg.contains("<title id="),
            "{}",
            figure.name
        );
        assert!(!figure.svg.contains("NaN") && !figure.svg.contains("inf"), "{}", figure.name);
        assert!(html.contains(&figure.svg), "{} is on the page", figure.name);
        let csv = figure_csv(figure);
        assert!(csv.lines().count() > 3, "{}", figure.name);
        // Whole words of the caption say what is seen.
        assert!(figure.caption.len() > 60, "{}", figure.caption);
    }
    // A figure may leave its page: what must stand beside it goes with it.
    let statement = "Treatment was not randomised: these are associations";
    for figure in &drawn {
        assert!(seen(&figure.svg).contains(statement), "{}", figure.name);
        assert!(figure_csv(figure).lines().skip(1).all(|l| l.contains(statement)), "{}", figure.name);
    }
    assert!(html.len() < 1_500_000);
    for word in ["http://", "https://", "src=", "@import", "url("] {
        let elsewhere = html.replace("http://www.w3.org/2000/svg", "");
        assert!(!elsewhere.contains(word), "{word}: the page asks for nothing");
    }
}

/// A density's outline holds the mass that the distribution has.
#[test]
fn an_outline_is_the_density() {
    let study = open("attention-ras-etiology").expect("shipped");
    let fit = Fit::checked(&study, Sampling::default()).expect("passes its checks");
    let theta = Marginals(&fit).effect(Whom::Subgroup(1)).expect("exact");
    let points = outline(&*theta, false);
    let whole: f64 = points.iter().map(|p| p.1).sum();
    let below: f64 = points.iter().filter(|p| p.0 < -0.7).map(|p| p.1).sum();
    let ends = theta.cdf(points[points.len() - 1].0) - theta.cdf(points[0].0);
    let wanted = (theta.cdf(-0.7) - theta.cdf(points[0].0)) / ends;
    // Of a sum over cells the one at the cut is half in, half out: no more than half the highest.
    assert!((below / whole - wanted).abs() < 0.5 / whole, "{} {wanted}", below / whole);
    assert!(points.iter().all(|p| (0.0..=1.0).contains(&p.1)));
}

fn run(folder: &Path, arguments: &[&str]) -> assert_cmd::assert::Assert {
    Command::cargo_bin("equipoise").expect("built").current_dir(folder).args(arguments).assert()
}

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).expect("written")
}

/// A page's lines but those that name the command that it was made by.
fn without_command(page: &str) -> String {
    page.lines().filter(|line| !line.contains("To make it again")).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_page_and_the_figures_are_written_whole_or_not_at_all() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    run(here, &["report", "attention-evt", "--figures", "figures", "--as", "svg,png"])
        .success()
        .stderr(contains("Written to attention-evt.html"));
    let html = fs::read_to_string(here.join("attention-evt.html")).expect("written");
    assert!(html.starts_with("<!doctype html>") && html.trim_end().ends_with("</html>"));
    assert!(
        here.join("figures/forest-odds-ratio.svg").is_file()
            && here.join("figures/forest-odds-ratio.csv").is_file()
    );
    let png = fs::read(here.join("figures/forest-odds-ratio.png")).expect("written");
    assert!(png.starts_with(b"\x89PNG") && png.len() > 20_000);
    // Others may read it, and a device is written into, not replaced.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| fs::metadata(path).expect("written").permissions().mode() & 0o777;
        fs::write(here.join("usual"), "").expect("written");
        assert_eq!(mode(&here.join("attention-evt.html")), mode(&here.join("usual")));
        run(here, &["report", "attention-evt", "-o", "/dev/stdout"]).success().stdout(contains("</html>"));
    }
    // Equal runs give equal bytes.
    run(here, &["report", "attention-evt", "-o", "again.html", "--threads", "1"]).success();
    assert_eq!(without_command(&html), without_command(&read(here, "again.html")));
    run(here, &["report", "attention-evt", "-o", "nowhere/page.html"])
        .code(1)
        .stderr(contains("can't write nowhere/page.html"))
        .stderr(contains("panicked").not());
    run(here, &["report", "attention-evt", "-o", "figures"]).code(1).stderr(contains("is a folder"));
    run(here, &["report", "attention-evt", "--figures", "attention-evt.html"])
        .code(1)
        .stderr(contains("can't make the folder"));
    run(here, &["report", "no-such-model"]).code(1);
    // A run folder, of this schema only.
    run(here, &["fit", "attention-evt", "--out", "run", "--seed", "7", "--report", "with-fit.html"])
        .success();
    run(here, &["report", "run", "-o", "of-run.html"]).success();
    let of_run = fs::read_to_string(here.join("of-run.html")).expect("written");
    assert!(of_run.contains("seed 7"));
    assert!(
        without_command(&of_run) == without_command(&read(here, "with-fit.html")),
        "the same page as with the fit"
    );
    assert!(of_run.contains(">thrombectomy</th>"), "whole names in headings");
    // A run that failed its checks fails again: in red, with its reasons, and no probability.
    run(here, &["fit", "attention-evt", "--out", "bad", "--draws", "4"]).code(2);
    run(here, &["report", "bad", "-o", "bad.html"]).code(2);
    let bad = seen(&fs::read_to_string(here.join("bad.html")).expect("written"));
    assert!(bad.contains("did not pass its checks") && !bad.contains("with probability"));
    let result = fs::read_to_string(here.join("run/result.json")).expect("written");
    fs::write(here.join("run/result.json"), result.replace("equipoise/result/2", "equipoise/result/0"))
        .expect("written");
    run(here, &["report", "run"])
        .code(1)
        .stderr(contains("`equipoise/result/0`"))
        .stderr(contains("fit the model again"));
    // A model with a data file: its folder is known to the run, and what was fitted is what is shown.
    fs::create_dir(here.join("work")).expect("made");
    let rows = "subgroup,y0,n0,y1,n1\na,3,40,5,42\nb,9,50,4,48\n";
    fs::write(here.join("work/rows.csv"), rows).expect("written");
    let model = "title = \"Rows\"\n[study]\nassignment = \"randomised\"\n[outcome]\nname = \"death\"\nkind = \"binary\"\nhigher_is = \"worse\"\n[treatment]\nname = \"drug\"\ncontrol = \"none\"\nactive = \"drug\"\n[data]\nfile = \"rows.csv\"\nrows = \"counts\"\ncolumns = { subgroup = \"subgroup\", control_events = \"y0\", control_total = \"n0\", active_events = \"y1\", active_total = \"n1\" }\n[prior]\neffect = \"normal(0, 0.355)\"\nheterogeneity = \"half-normal(0.5)\"\n";
    fs::write(here.join("work/rows.toml"), model).expect("written");
    run(here, &["fit", "work/rows.toml", "--out", "rows", "--report", "rows.html"]).success();
    run(here, &["report", "rows", "-o", "of-rows.html"]).success();
    let [of_fit, of_rows] =
        ["rows.html", "of-rows.html"].map(|f| fs::read_to_string(here.join(f)).expect("written"));
    assert!(without_command(&of_fit) == without_command(&of_rows));
    fs::write(here.join("work/rows.csv"), rows.replace("3,40", "4,40")).expect("written");
    run(here, &["report", "rows"]).code(1).stderr(contains("no longer those that were fitted"));
    // Where figures can't be written no page is either.
    run(here, &["report", "attention-evt", "-o", "lonely.html", "--figures", "attention-evt.html"]).code(1);
    assert!(!here.join("lonely.html").exists());
    fs::write(here.join("run/result.json"), "{").expect("written");
    run(here, &["report", "run"]).code(1).stderr(contains("is no JSON"));
    run(here, &["report", "figures"]).code(1).stderr(contains("can't be read"));
    // Its settings are read back: the same numbers again.
    let settings = ["--draws", "1000", "--chains", "2", "--warmup", "150", "--seed", "3"];
    run(
        here,
        &[&["fit", "attention-evt", "--out", "fixed", "--report", "with-fixed.html"][..], &settings].concat(),
    )
    .success();
    run(here, &["report", "fixed", "-o", "of-fixed.html"]).success();
    let of_fixed = fs::read_to_string(here.join("of-fixed.html")).expect("written");
    assert!(of_fixed.contains("2 chains of 1000 draws after 150 of warm-up, seed 3"));
    assert!(without_command(&of_fixed) == without_command(&read(here, "with-fixed.html")));
    let left: Vec<String> = fs::read_dir(here)
        .expect("a folder")
        .map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|n| n.starts_with('.'))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_page_of_other_priors_has_the_comparisons_numbers() {
    for name in ["attention-ras-etiology", "ras-basilar-death", "eight-schools", "attention-evt"] {
        let study = open(name).expect("shipped");
        let seen = glance(&study, Sampling::default(), true, &Integrals::default()).expect("known priors");
        let whole = compare(&study, &Request { grid: true, ..Request::default() }).expect("known priors");
        let effect = Measure::of(study.outcome.scale);
        let usual = if matches!(study.data, Data::Counts(_)) { Measure::RiskDifference } else { effect };
        assert_eq!(seen.rows.len(), seen.priors.len() * study.data.names().len(), "{name}");
        for row in &seen.rows {
            let holds = |statement| {
                let found = whole.table.iter().find(|r| {
                    r.prior == row.prior
                        && r.pooling == study.pooling
                        && r.subgroup.as_ref() == Some(&row.subgroup)
                        && r.subgroup_b.is_none()
                        && r.statement == statement
                        && r.measure == usual
                        && r.threshold == usual.null()
                });
                found.and_then(|r| r.exact).expect("in the comparison")
            };
            // The comparison asks risks, the page effects: equal where risks are, by two integrals.
            let close = |a: Option<f64>, b: f64| (a.expect("a number") - b).abs() < 1e-7;
            assert!(close(row.benefit, holds(Statement::Benefit)), "{name}: {row:?}");
            assert!(close(row.harm, holds(Statement::Harm)), "{name}: {row:?}");
            let found = whole.estimates.iter().find(|r| {
                r.prior == row.prior
                    && r.pooling == study.pooling
                    && r.scope == Scope::Subgroup
                    && r.subgroup.as_ref() == Some(&row.subgroup)
                    && r.measure == effect
            });
            let (found, q) = (found.expect("in the comparison"), row.effect.expect("an effect"));
            for (a, b) in [(q.median, found.median), (q.q2_5, found.q2_5), (q.q97_5, found.q97_5)] {
                assert!((a - b.expect("a number")).abs() <= 1e-12 * a.abs(), "{name}: {row:?} {found:?}");
            }
        }
        // The page has no answer of its own above the comparison.
        let of_answer = |says: &Says| {
            matches!(
                says,
                Says::Stands(_) | Says::StandsWhere(_) | Says::Drove { .. } | Says::Overturns { .. }
            )
        };
        let claims: Vec<&Claim> = whole.claims.iter().filter(|c| !of_answer(&c.says)).collect();
        assert!(format!("{:?}", seen.claims) == format!("{claims:?}"), "{name}: claims");
        assert!(format!("{:?}", seen.tau_curve) == format!("{:?}", whole.tau_curve), "{name}: the curve");
        // The whole grid asks every statement of one engine, the page's P(better) of the lattice.
        let grid = whole.grid.expect("asked for").into_iter();
        let told = grid.filter(|r| r.pooling == Pooling::Partial && r.statement == Statement::Benefit);
        let told: Vec<GridRow> = told.collect();
        let seen = seen.grid.expect("asked for");
        assert_eq!(told.len(), seen.len(), "{name}");
        for (a, b) in told.iter().zip(&seen) {
            let same = a.prior == b.prior && a.heterogeneity == b.heterogeneity && a.subgroup == b.subgroup;
            let [p, q] = [a, b].map(|r| r.probability.expect("a number"));
            assert!(same && (p - q).abs() < 1e-6, "{name}: {a:?} {b:?}");
        }
    }
}

#[test]
fn energies_are_shares_and_their_spread_is_the_check() {
    let report = analyse(&open("attention-evt").expect("shipped"), Options::default());
    let e = energies(&report).expect("sampled");
    for shares in [&e.marginal, &e.transition] {
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        assert_eq!(shares.len() + 1, e.edges.len());
    }
    // E-BFMI is the ratio of the two mean squares. A value's place within its bin adds a twelfth of the bin's square to both,
    // here some three parts in a hundred of either.
    let square = |shares: &[f64]| {
        let middles = e.edges.windows(2).map(|w| 0.5 * (w[0] + w[1]));
        middles.zip(shares).map(|(x, s)| x * x * s).sum::<f64>()
    };
    let ratio = square(&e.transition) / square(&e.marginal);
    let stated: Vec<f64> = e.ebfmi.iter().map(|x| x.expect("known")).collect();
    let mean = stated.iter().sum::<f64>() / stated.len() as f64;
    assert!((ratio / mean - 1.0).abs() < 0.05, "{ratio} {stated:?}");
    let exact = Options { engine: Engine::Exact, ..Options::default() };
    assert!(energies(&analyse(&open("attention-evt").expect("shipped"), exact)).is_none());
}

/// The page of a decision and its figures.
fn decided(decision: &Decision) -> (equipoise::decide::Discussion, String, Vec<equipoise::report::Figure>) {
    let d = decide(decision, Sampling::default()).expect("known priors");
    let (html, drawn) = page_of(decision, &d);
    (d, html, drawn)
}

fn page_of(
    decision: &Decision,
    d: &equipoise::decide::Discussion,
) -> (String, Vec<equipoise::report::Figure>) {
    let drawn = decision_figures(decision, d);
    let html = decision_page(decision, d, &drawn, PageFormat::Html, None).expect("rendered");
    (html, drawn)
}

#[test]
fn a_decisions_page_has_what_decide_prints() {
    for name in ["rescue-stenting", "rescue-by-etiology", "aspirin-by-values"] {
        let (decision, d) = &*discussed(name);
        let (html, drawn) = page_of(decision, d);
        let text = seen(&html);
        let printed = decide_text(decision, d, equipoise::report::Length::Full)
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        let mut told = 0;
        for claim in &d.claims {
            let sentence = equipoise::report::sentence(claim);
            let sentence = sentence.split_whitespace().collect::<Vec<_>>().join(" ");
            if printed.contains(&sentence) {
                told += 1;
                assert!(text.contains(&sentence), "{name}: {sentence}");
            }
        }
        assert!(told >= 10, "{name}: {told} of {} claims", d.claims.len());
        for e in &d.effects {
            let shown = format!("{:+} (", e.per_1000[0]).replace('-', "−");
            assert!(text.contains(&shown), "{name}: {e:?}");
        }
        for statement in decision.statements() {
            assert!(text.contains(&statement), "{name}: {statement}");
            for figure in &drawn {
                let csv = figure_csv(figure);
                assert!(figure.name.starts_with("sizes") || csv.contains(&statement), "{}", figure.name);
            }
        }
        for figure in &drawn {
            assert!(html.contains(&figure.svg) && !figure.svg.contains("NaN"), "{}", figure.name);
        }
        // No two parts of a page have the same name.
        let ids: Vec<&str> = html.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let once: std::collections::BTreeSet<&&str> = ids.iter().collect();
        assert_eq!(ids.len(), once.len(), "{ids:?}");
        assert!(html.len() < 1_500_000);
    }
}

#[test]
fn benefit_against_harm_is_told_in_favour_of_the_active_arm() {
    let decision = open_decision("rescue-stenting").expect("shipped");
    let (d, _, drawn) = decided(&decision);
    let plane = drawn.iter().find(|f| f.name == "plane-2").expect("function against death");
    let names: Vec<&str> = drawn.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(names, ["plane-2", "plane-3", "utility-1", "utility-3", "sizes-1", "sizes-2", "sizes-3"]);
    for e in d.effects.iter().filter(|e| e.outcome == "ras-basilar-death" || e.outcome == "death") {
        let Some(name) = &e.population.subgroup else { continue };
        let row = plane
            .data
            .rows()
            .iter()
            .find(|r| r[0] == Cell::from(name.as_str()) && r[1] == Cell::from("across"));
        let Some(row) = row else { continue };
        // Fewer deaths are in its favour.
        let q = &e.risk_difference;
        let wanted = [-q.median, -q.q97_5, -q.q2_5].map(|x| Cell::from(1000.0 * x));
        assert_eq!(row[3..], wanted, "{name}");
    }
    let utility = drawn.iter().find(|f| f.name == "utility-1").expect("function has values");
    let of_first = d.value_map.iter().filter(|r| r.outcome == decision.outcomes[0].name).count();
    assert_eq!(utility.data.rows().len(), of_first);
}

#[test]
fn markup_in_a_decision_stays_text_and_a_failed_one_has_no_number() {
    let mut decision = open_decision("rescue-stenting").expect("shipped");
    let markup = "<script>alert(1)</script>|*bold*";
    decision.question = markup.to_string();
    for action in &mut decision.actions {
        action.name = format!("{markup}{}", action.name);
    }
    decision.text = format!("</pre>{markup}");
    let (mut d, html, drawn) = decided(&decision);
    assert_eq!(html.matches("<script").count(), 1, "the page's own");
    assert!(drawn.iter().all(|f| !f.svg.contains("<script")));
    let told = decision_page(&decision, &d, &drawn, PageFormat::Markdown, None).expect("rendered");
    assert!(told.starts_with(r"# \<script\>alert(1)\</script\>\|\*bold\*"), "{}", &told[..80]);
    d.ok = false;
    d.reasons = vec!["mrs: R-hat 1.9 of mu is above 1.01".to_string()];
    let failed = decision_page(&decision, &d, &decision_figures(&decision, &d), PageFormat::Html, None)
        .expect("rendered");
    let text = seen(&failed);
    assert!(failed.contains("role=\"alert\"") && text.contains(&d.reasons[0]));
    assert!(!text.contains("P(") && !text.contains("with probability") && !failed.contains("<svg"));
}

#[test]
fn markdown_says_what_the_page_says() {
    for name in ["attention-ras-etiology", "attention-evt", "blocker"] {
        let mut study = open(name).expect("shipped");
        study.title = "a | b <i>c</i>".to_string();
        let portrait = Portrait::of(&study, None, Sampling::default()).expect("known priors");
        let portrait = portrait.expect("passes its checks");
        let shown = Shown::of(&portrait).expect("a report");
        let drawn = figures(&study, shown);
        let text = page(
            &Presentation { study: &study, shown: Ok(shown), command: None },
            &drawn,
            PageFormat::Markdown,
        )
        .expect("rendered");
        assert!(text.starts_with(r"# a \| b \<i\>c\</i\>"), "{}", &text[..60]);
        let plain = text.replace('\\', "");
        for claim in shown.report.claims.iter().filter(|c| matches!(c.says, Says::Leaning(_))) {
            assert!(plain.contains(&equipoise::report::sentence(claim)), "{name}");
        }
        for statement in study.statements() {
            assert!(plain.contains(&statement), "{name}: {statement}");
        }
        // Every row of a table has as many cells as its heading.
        let cells = |line: &str| line.replace(r"\|", "").matches('|').count();
        let lines: Vec<&str> = text.lines().collect();
        for pair in lines.windows(2).filter(|p| p[0].starts_with('|') && p[1].starts_with('|')) {
            assert_eq!(cells(pair[0]), cells(pair[1]), "{name}: {pair:?}");
        }
        // Checklists by design: TARGET is for observational studies.
        let observational = study.assignment == Assignment::Observational;
        assert_eq!(text.contains("## TARGET"), observational, "{name}");
        assert!(text.contains("## GRADE") && text.contains("## ROBUST") && text.contains("not stated"));
        assert!(text.lines().all(|l| l.trim_end() == l) && !text.contains("\n\n\n"));
    }
}

/// Exchangeable baselines leave all to the sampler: the page's rows are then those of the same draws.
#[test]
fn where_only_the_sampler_serves_the_page_has_its_numbers() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("trial.toml");
    let evt = open("attention-evt").expect("shipped");
    let exchangeable = "baseline = { mean = \"normal(0, 1.5)\", sd = \"half-normal(0.5)\" }";
    let text: Vec<&str> =
        evt.text.lines().map(|l| if l.starts_with("baseline ") { exchangeable } else { l }).collect();
    fs::write(&path, text.join("\n")).expect("written");
    let study = open(&path).expect("a model");
    let sampling = Sampling { draws: Some(600), ..Sampling::default() };
    let seen = glance(&study, sampling, false, &Integrals::default()).expect("known priors");
    assert!(seen.posteriors.iter().all(Option::is_none));
    let request = Request { sampling, ..Request::default() };
    let whole = compare(&study, &request).expect("known priors");
    let mut told = 0;
    for row in seen.rows.iter().filter(|r| r.benefit.is_some()) {
        let of = |r: &&equipoise::compare::EstimateRow| {
            r.prior == row.prior && r.pooling == study.pooling && r.subgroup.as_ref() == Some(&row.subgroup)
        };
        let found = whole.estimates.iter().filter(of).find(|r| r.measure == Measure::OddsRatio);
        assert_eq!(row.effect.map(|q| q.median), found.expect("in the comparison").median, "{row:?}");
        told += 1;
    }
    assert!(told > 0, "no run passed its checks");
}

/// `UPDATE_GALLERY=1 cargo test --release --test suite the_gallery` draws the figures of the book anew.
#[test]
fn the_gallery_shows_what_the_program_draws() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |page: &str| fs::read_to_string(root.join("docs/src").join(page)).expect("a page of the book");
    let page = read("report.md") + &read("model-checks.md");
    let kept = |name: &str, shown: &[&str], drawn: &[equipoise::report::Figure]| {
        for figure in shown {
            let drawn = drawn.iter().find(|f| f.name == *figure).expect("drawn");
            let path = format!("docs/src/gallery/{name}-{figure}.svg");
            if std::env::var_os("UPDATE_GALLERY").is_some() {
                fs::write(root.join(&path), &drawn.svg).expect("written");
            }
            let kept = fs::read_to_string(root.join(&path)).expect("a kept figure");
            assert!(kept == drawn.svg, "{path} is not what the program draws");
            let link = format!("(gallery/{name}-{figure}.svg)");
            assert!(page.contains(&link), "the book does not show {path}");
        }
    };
    for (model, shown) in [
        ("ras-basilar-function", &["forest-odds-ratio", "thresholds"][..]),
        ("attention-ras-etiology", &["beliefs", "heterogeneity", "bias"]),
        ("blocker", &["predictive-cells"]),
    ] {
        kept(model, shown, &presented(&open(model).expect("shipped")).1);
    }
    let shift = open(root.join("docs/src/gallery/made-up-shift.toml")).expect("a model");
    kept("made-up-shift", &["levels", "cuts", "departure-cuts"], &presented(&shift).1);
    let (decision, d) = &*discussed("rescue-stenting");
    let drawn = decision_figures(decision, d);
    kept("rescue-stenting", &["plane-2", "utility-1"], &drawn);
}
