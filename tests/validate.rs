//! `equipoise validate`: planted faults are found and named, right fits pass, and what it prints is the same whatever the threads.

use std::sync::atomic::{AtomicUsize, Ordering};

use assert_cmd::Command;
use equipoise::calibrate::{
    Calibration, DRAWS, Fault, Fitter, Observed, Quantity, Row, Uniformity, Validation,
};
use equipoise::input::open;
use equipoise::model::{
    BinomialPair, HeterogeneityPrior, LocationPrior, Model, NormalEstimate, Observation, Pooling, Seen,
};
use equipoise::posterior::Parameter;
use equipoise::sampler::Watch;
use predicates::prelude::*;
use predicates::str::contains;
use rayon::prelude::*;
use serde_json::Value;

use crate::common;
use crate::common::{cells_of, counts_model, estimates_model, pair};

/// Under one in a hundred seeds the ranks of a right fit leave the band; under this one they do not.
const SEED: u64 = 7;

const MU: Quantity = Quantity::Parameter(Parameter::Mu);
const THETA: Quantity = Quantity::Parameter(Parameter::Theta(0));

fn calibration(model: &Model, fitter: Fitter) -> Calibration {
    Calibration::of_model("a model", model, Some(fitter), SEED).expect("covered")
}

/// What comes of a model that is fitted as `fitted` has it.
fn validated(
    calibration: &Calibration,
    replications: u64,
    fitted: impl Fn(Observed) -> Observed + Sync,
) -> Validation {
    let rows: Vec<Row> =
        (0..replications).into_par_iter().map(|r| calibration.replicate_as(r, &fitted)).collect();
    calibration.summary(&rows)
}

fn of_model(change: impl Fn(Model) -> Model + Sync) -> impl Fn(Observed) -> Observed + Sync {
    move |observed| match observed {
        Observed::Effects(model) => Observed::Effects(change(model)),
        other => other,
    }
}

fn faults(validation: &Validation, quantity: Quantity) -> &[Fault] {
    &validation.checked.iter().find(|c| c.quantity == quantity).expect("is ranked").faults
}

fn departing(validation: &Validation) -> Vec<Quantity> {
    validation.checked.iter().filter(|c| !c.faults.is_empty()).map(|c| c.quantity).collect()
}

/// Estimates that weigh about as much as the prior.
fn estimates() -> Model {
    let pooling = Pooling::Partial(HeterogeneityPrior::HalfNormal { scale: 0.3 });
    estimates_model(&[(0.0, 0.3), (0.0, 0.25)], pooling, LocationPrior::normal(0.0, 0.355))
}

fn re_estimated(
    change: impl Fn(&NormalEstimate) -> NormalEstimate + Sync,
) -> impl Fn(Observed) -> Observed + Sync {
    of_model(move |model| {
        let each = model.observation.estimates().expect("estimates").iter().map(&change).collect();
        model.observing(Observation::Estimates(each))
    })
}

fn counts() -> Model {
    counts_model(vec![pair((0, 90), (0, 80)), pair((0, 60), (0, 100))])
}

#[test]
fn right_fits_by_integration_are_calibrated() {
    for model in [estimates(), counts()] {
        let validation = validated(&calibration(&model, Fitter::Exact), 400, |observed| observed);
        assert!(validation.is_calibrated(), "{:?}", validation.checked);
        assert_eq!((validation.replications, validation.unanswered), (400, 0));
    }
}

#[test]
fn posteriors_a_fifth_too_narrow_or_too_wide_are_found_and_named() {
    // Under a prior that says next to nothing the posterior is as wide as the estimate's error.
    let model = estimates_model(&[(0.0, 0.3)], Pooling::Complete, LocationPrior::normal(0.0, 30.0));
    let calibration = calibration(&model, Fitter::Exact);
    for (factor, fault) in [(0.82, Fault::TooNarrow), (1.2, Fault::TooWide)] {
        let scaled = re_estimated(move |e| NormalEstimate::new(e.estimate, factor * e.se));
        assert_eq!(faults(&validated(&calibration, 1_000, scaled), MU), [fault]);
    }
    let right = re_estimated(Clone::clone);
    assert!(validated(&calibration, 1_000, right).is_calibrated());
}

#[test]
fn data_counted_twice_are_followed_too_much() {
    let twice = re_estimated(|e| NormalEstimate::new(e.estimate, e.se / 2.0_f64.sqrt()));
    let validation = validated(&calibration(&estimates(), Fitter::Exact), 1_000, twice);
    let towards = faults(&validation, Quantity::TowardsData(0));
    assert!(towards.contains(&Fault::ShiftedUp), "{towards:?}");
    // Of the effects themselves it is their width that is wrong.
    assert!(faults(&validation, THETA).contains(&Fault::TooNarrow));
}

#[test]
fn a_turned_sign_and_ignored_data_are_followed_too_little() {
    let calibration = calibration(&estimates(), Fitter::Exact);
    let turned = re_estimated(|e| NormalEstimate::new(-e.estimate, e.se));
    let validation = validated(&calibration, 500, turned);
    assert_eq!(faults(&validation, Quantity::TowardsData(0)), [Fault::ShiftedDown]);
    let ignorant = of_model(|model| model.without_data(model.subgroups()));
    let validation = validated(&calibration, 500, ignorant);
    // The posterior is the prior then: nothing else can tell.
    assert_eq!(departing(&validation), [Quantity::TowardsData(0), Quantity::TowardsData(1)]);
    assert_eq!(faults(&validation, Quantity::TowardsData(0)), [Fault::ShiftedDown]);
}

#[test]
fn exchanged_arms_of_counts_are_found_by_integration() {
    let exchanged = of_model(|model| {
        let pairs = cells_of(&model).pairs().iter().map(|p| BinomialPair::new(p.active, p.control));
        common::recounted(&model, pairs.collect())
    });
    let validation = validated(&calibration(&counts(), Fitter::Exact), 300, exchanged);
    assert_eq!(faults(&validation, Quantity::TowardsData(1)), [Fault::ShiftedDown]);
}

#[test]
fn several_arms_and_several_factors_are_calibrated_and_ignored_data_are_found() {
    for (name, replications) in [("attention-ras-technique", 100), ("solvd-factors", 150)] {
        let study = open(name).expect("shipped");
        let calibration = Calibration::of(&study, None, SEED).expect("covered");
        assert_eq!(calibration.fitter(), Fitter::Sampler);
        let right = validated(&calibration, replications, |observed| observed);
        assert!(right.is_calibrated(), "{name}: {:?}", departing(&right));
        let ignorant = |observed| match observed {
            Observed::Linear(mut model) => {
                for cell in &mut model.cells {
                    cell.seen = Seen::Counts { events: 0.0, total: 0.0 };
                }
                Observed::Linear(model)
            }
            other => other,
        };
        assert_eq!(
            departing(&validated(&calibration, replications, ignorant)),
            [Quantity::LogLikelihood],
            "{name}"
        );
    }
}

#[test]
fn replications_made_apart_are_those_made_together() {
    let calibration = calibration(&estimates(), Fitter::Exact);
    let mut apart = calibration.replicate_all(7..30, &());
    apart.splice(0..0, calibration.replicate_all(0..7, &()));
    let together = calibration.replicate_all(0..30, &());
    assert_eq!(apart, together);
    let written = serde_json::to_string(&together).expect("numbers");
    let read: Vec<Row> = serde_json::from_str(&written).expect("rows");
    assert_eq!(calibration.summary(&read), calibration.summary(&together));
    let other =
        Calibration::of_model("a model", &estimates(), Some(Fitter::Exact), SEED + 1).expect("covered");
    assert_ne!(other.replicate(0).ranks, together[0].ranks);
}

/// Says stop after so many.
struct After(AtomicUsize, usize);

impl Watch for After {
    fn advanced(&self, studies: usize) {
        self.0.fetch_add(studies, Ordering::Relaxed);
    }

    fn stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= self.1
    }
}

#[test]
fn what_was_simulated_before_a_stop_is_told() {
    let calibration = calibration(&estimates(), Fitter::Exact);
    let rows = calibration.replicate_all(0..10_000, &After(AtomicUsize::new(0), 50));
    assert!((50..200).contains(&rows.len()), "{}", rows.len());
    assert!(rows.iter().all(|row| *row == calibration.replicate(row.replication)));
    assert_eq!(calibration.summary(&rows).replications, rows.len());
    assert!(!calibration.summary(&[]).is_calibrated());
}

#[test]
fn ranks_leave_the_band_exactly_where_their_p_value_departs() {
    const CELLS: usize = 4;
    const RANKS: usize = 5;
    let uniformity = Uniformity::new(RANKS, CELLS - 1);
    let all: Vec<[usize; RANKS]> = (0..CELLS.pow(RANKS as u32))
        .map(|i| std::array::from_fn(|d| i / CELLS.pow(d as u32) % CELLS))
        .collect();
    for limit in [0.005, 0.01, 0.05, 0.2] {
        let band = uniformity.band(limit);
        let leaves = |ranks: &[usize]| {
            band.iter().zip(1..).any(|([least, most], k)| {
                let below = ranks.iter().filter(|rank| **rank < k).count();
                below < *least || below > *most
            })
        };
        let outside = all.iter().filter(|ranks| leaves(&ranks[..])).count();
        assert!(all.iter().all(|ranks| leaves(&ranks[..]) == (uniformity.p_value(&ranks[..]) <= limit)));
        assert!(outside as f64 / all.len() as f64 <= limit);
    }
}

#[test]
fn the_band_of_two_cells_is_a_binomial_interval() {
    // Of 10 ranks at most 1 lie below with probability 11/1024, and at most 2 with 56/1024.
    let uniformity = Uniformity::new(10, 1);
    assert_eq!(uniformity.band(0.03), [[2, 8]]);
    assert_eq!(uniformity.band(0.02), [[1, 9]]);
    common::close("p", uniformity.p_value(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 1]), 22.0 / 1024.0, 1e-14);
}

fn validate(words: &str) -> assert_cmd::assert::Assert {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::cargo_bin("equipoise").expect("built");
    command.current_dir(folder.path()).arg("validate").args(words.split_whitespace()).assert()
}

#[test]
fn output_is_the_same_whatever_the_threads() {
    for words in [
        "eight-schools --replications 60 --engine both --format json",
        "ras-basilar-function --replications 60 --seed 3",
    ] {
        let of =
            |threads| validate(&format!("{words} --threads {threads}")).success().get_output().stdout.clone();
        assert_eq!(of(1), of(2), "{words}");
    }
}

#[test]
fn a_failed_validation_says_which_quantity_how_and_leaves_with_2() {
    // One of the seeds, 1 in 100 at most, under which the ranks of a right fit leave the band.
    let text = validate("eight-schools --replications 20 --seed 42").code(2).get_output().stdout.clone();
    let text = String::from_utf8(text).expect("UTF-8");
    assert!(text.starts_with("eight-schools: NOT calibrated. In 20 simulated studies fitted by"), "{text}");
    let flat = text.split_whitespace().collect::<Vec<&str>>().join(" ");
    assert!(flat.contains("effect, C (shifted down) and towards data, C (too far)."), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 84), "{text}");
}

#[test]
fn the_quick_shipped_models_are_validated_where_none_is_named() {
    let assert = validate("--replications 20 --format csv");
    let assert = assert.success().stderr(contains("ras-basilar-confounded, ist-aspirin-subtype"));
    let csv = String::from_utf8(assert.get_output().stdout.clone()).expect("UTF-8");
    let models: std::collections::BTreeSet<&str> =
        csv.lines().skip(1).filter_map(|l| l.split(',').next()).collect();
    assert_eq!(models.len() + 4, equipoise::input::shipped().len());
}

#[test]
fn json_and_csv_hold_what_the_table_shows() {
    let text =
        validate("eight-schools --replications 60 --format json").success().get_output().stdout.clone();
    let json: Value = serde_json::from_slice(&text).expect("JSON");
    let model = &json["models"][0];
    assert_eq!(json["schema"], "equipoise/validate/1");
    assert_eq!(
        (&model["engine"], &model["replications"], &model["seed"]),
        (&"exact".into(), &60.into(), &1.into())
    );
    let quantities = model["quantities"].as_array().expect("a list");
    assert!(quantities.iter().any(|q| q["quantity"] == "theta_towards_data[A]"));
    let csv = validate("eight-schools --replications 60 --format csv").success().get_output().stdout.clone();
    let csv = String::from_utf8(csv).expect("UTF-8");
    assert_eq!(csv.lines().count(), 1 + quantities.len());
    for q in quantities {
        assert_eq!(q["below"].as_array().map(Vec::len), Some(DRAWS));
        let p = q["p_value"].as_f64().expect("a number");
        assert!(csv.contains(&format!("{p}")), "{p}\n{csv}");
    }
}

#[test]
fn a_report_says_what_was_tested_and_how() {
    let folder = tempfile::tempdir().expect("a folder");
    let page = folder.path().join("page.html");
    let figures = folder.path().join("figures");
    let words = format!(
        "ras-basilar-function --replications 40 --seed 3 --out {} --figures {}",
        page.display(),
        figures.display()
    );
    validate(&words).success().stderr(contains("page.html").and(contains("figures")));
    let html = std::fs::read_to_string(&page).expect("written");
    let study = open("ras-basilar-function").expect("shipped");
    let system = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
    for part in [
        "ras-basilar-function: calibrated. In 40 simulated studies",
        "<svg",
        &study.model_sha256,
        &system,
        "40 of 40 simulated studies, engine exact, seed 3",
        "A fault that data and fit share",
        "normal(0, 0.355)",
        "Treatment was not randomised",
        "--seed 3",
        "Date",
    ] {
        assert!(html.contains(part), "{part}");
    }
    let csv = std::fs::read_to_string(figures.join("ranks-ras-basilar-function-exact.csv")).expect("written");
    assert!(csv.starts_with("quantity,share,difference,band_low,band_high,caveat\n"), "{csv}");
    assert!(figures.join("ranks-ras-basilar-function-exact.svg").exists());
}

#[test]
fn bad_input_is_said_before_any_work() {
    let told = |words: &str, what: &str| {
        validate(words).code(1).stdout("").stderr(contains(what));
    };
    told("eight-schools --replications 0", "0 is not in 20..=20000");
    told("no-such-model", "no-such-model");
    told("eight-schools --out nowhere/page.html", "there is no such folder");
    told("eight-schools --out page.pdf", "no page is written as .pdf");
    told("eight-schools eight-schools", "two models are called eight-schools");
    told("eight-schools --set prior.effect=flat", "prior.effect is flat");
    told("eight-schools --set prior.effect=flat", "--set prior.effect='normal(0, 0.355)'");
    told("actg175 --engine exact", "the exact engine does not cover actg175");
    told("blocker --set prior.baseline=flat", "a flat prior");
    told(
        "eight-schools --engine sampler --set model.effects=student-t(4)",
        "the sampler does not cover eight-schools",
    );
}
