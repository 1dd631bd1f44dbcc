//! `equipoise report`: the page's numbers, what is escaped, a run that failed, bad output places.

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use equipoise::compare::bias::shift_surface;
use equipoise::compare::{Request, compare, glance};
use equipoise::decide::Fit;
use equipoise::figure::{Gallery, Marginals, outline};
use equipoise::posterior::{Options, Sampling, Scope, analyse};
use equipoise::report::{Presentation, Shown, figure_csv, figures, fit_text, page};
use equipoise::study::{Study, open};
use predicates::prelude::*;
use predicates::str::contains;

/// The page and its figures.
fn presented(study: &Study) -> (String, Vec<equipoise::report::Figure>) {
    let fit = Fit::checked(study, Sampling::default()).expect("passes its checks");
    let others = glance(study, Sampling::default(), true).expect("known priors");
    let shifts = shift_surface(study);
    let gallery = Gallery::of(study, &fit, Sampling::default()).expect("numbers");
    let report = fit.report().expect("a report");
    let shown = Shown { fit: &fit, report, gallery: &gallery, others: &others, shifts: &shifts };
    let drawn = figures(study, shown);
    (page(&Presentation { study, shown: Ok(shown) }, &drawn).expect("rendered"), drawn)
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
        for row in report.estimates.iter().filter(|e| e.scope == Scope::Subgroup && e.best().is_some()) {
            let told = ["odds_ratio", "risk_difference", "hazard_ratio"].contains(&row.measure.key());
            if told {
                let printed = fit_text(&study, &report);
                let flat: String = printed.split_whitespace().collect::<Vec<_>>().join(" ");
                let q = row.best().expect("numbers");
                let shown = match row.measure.key() {
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
    study.treatment.active = markup.to_string();
    study.subgroup_name = format!("kind{markup}");
    study.citation = vec![markup.to_string()];
    study.text = format!("</pre>{markup}");
    if let equipoise::study::Data::Counts(counts) = &mut study.data {
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
    let html = page(&Presentation { study: &study, shown: Err(&reasons) }, &[]).expect("rendered");
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
            "shrinkage",
            "heterogeneity",
            "prior-grid",
            "bias",
            "chains"
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
        assert!(figure.svg.contains(statement), "{}", figure.name);
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
    let theta = Marginals(&fit).effect(Scope::Subgroup, 1).expect("exact");
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

#[test]
fn the_page_and_the_figures_are_written_whole_or_not_at_all() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    run(here, &["report", "attention-evt", "--figures", "figures", "--as", "svg,png"])
        .success()
        .stderr(contains("Written to report.html"));
    let html = fs::read_to_string(here.join("report.html")).expect("written");
    assert!(html.starts_with("<!doctype html>") && html.trim_end().ends_with("</html>"));
    assert!(
        here.join("figures/forest-odds-ratio.svg").is_file()
            && here.join("figures/forest-odds-ratio.csv").is_file()
    );
    let png = fs::read(here.join("figures/forest-odds-ratio.png")).expect("written");
    assert!(png.starts_with(b"\x89PNG") && png.len() > 20_000);
    // Equal runs give equal bytes.
    run(here, &["report", "attention-evt", "-o", "again.html", "--threads", "1"]).success();
    assert_eq!(html, fs::read_to_string(here.join("again.html")).expect("written"));
    run(here, &["report", "attention-evt", "-o", "nowhere/page.html"])
        .code(1)
        .stderr(contains("can't write nowhere/page.html"))
        .stderr(contains("panicked").not());
    run(here, &["report", "attention-evt", "-o", "figures"]).code(1).stderr(contains("is a folder"));
    run(here, &["report", "attention-evt", "--figures", "report.html"])
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
        of_run == fs::read_to_string(here.join("with-fit.html")).expect("written"),
        "the same page as with the fit"
    );
    assert!(of_run.contains(">thrombectomy</th>"), "whole names in headings");
    let result = fs::read_to_string(here.join("run/result.json")).expect("written");
    fs::write(here.join("run/result.json"), result.replace("equipoise/result/1", "equipoise/result/0"))
        .expect("written");
    run(here, &["report", "run"])
        .code(1)
        .stderr(contains("`equipoise/result/0`"))
        .stderr(contains("fit the model again"));
    fs::write(here.join("run/result.json"), "{").expect("written");
    run(here, &["report", "run"]).code(1).stderr(contains("is no JSON"));
    run(here, &["report", "figures"]).code(1).stderr(contains("can't be read"));
    run(here, &["report", "rescue-stenting"]).code(1).stderr(contains("equipoise decide rescue-stenting"));
    let left: Vec<String> = fs::read_dir(here)
        .expect("a folder")
        .map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|n| n.starts_with('.'))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

/// `UPDATE_GALLERY=1 cargo test --release --test report` draws the README's figures anew.
#[test]
fn the_gallery_shows_what_the_program_draws() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).expect("README.md");
    for (model, shown) in [
        ("ras-basilar-function", &["forest-odds-ratio", "thresholds"][..]),
        ("attention-ras-etiology", &["beliefs", "heterogeneity", "bias"]),
    ] {
        let (_, drawn) = presented(&open(model).expect("shipped"));
        for name in shown {
            let figure = drawn.iter().find(|f| f.name == *name).expect("drawn");
            let path = format!("gallery/{model}-{name}.svg");
            if std::env::var_os("UPDATE_GALLERY").is_some() {
                fs::write(root.join(&path), &figure.svg).expect("written");
            }
            let kept = fs::read_to_string(root.join(&path)).expect("a kept figure");
            assert!(kept == figure.svg, "{path} is not what the program draws");
            assert!(readme.contains(&format!("({path})")), "the README shows {path}");
        }
    }
}
