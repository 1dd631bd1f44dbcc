//! Weighted effects: against an independent program (`tests/reference/weighting.py`), against what must hold whatever the data,
//! and against registries whose truth is known.

use crate::common;
use crate::registry::{ETIOLOGIES, Patient, patients};

use equipoise::weighting::{
    Cohort, ESTIMATORS, Estimand, Estimator, Lack, Method, Plan, SlopePrior, Weighted, design, weighted,
};
use serde_json::Value;

fn near(found: f64, expected: f64, tolerance: f64, what: &str) {
    assert!((found - expected).abs() <= tolerance, "{what}: {found}, expected {expected}");
}

/// One patient: subgroup, whether treated, whether with the event, covariates.
type Row = (u32, bool, bool, Vec<f64>);

fn cohort(subgroups: usize, rows: &[Row], weights: impl Fn(usize) -> f64, given: Option<&[f64]>) -> Cohort {
    let of = |(g, treated, event, x): &Row| (*g, u8::from(*treated), *event, x.clone());
    common::cohort::cohort((subgroups, 2), &rows.iter().map(of).collect::<Vec<_>>(), weights, given)
}

fn plan(method: Method, estimand: Estimand) -> Plan {
    Plan {
        method,
        estimand,
        by_subgroup: true,
        prior: SlopePrior::Flat,
        truncate: None,
        replicates: 2,
        replays: 0,
        seed: 1,
    }
}

fn reference() -> Value {
    let text = include_str!("reference/weighting.json");
    serde_json::from_str(text).expect("the reference file")
}

fn reference_rows(file: &Value) -> Vec<Row> {
    let row = |row: &Value| {
        let number = |k: usize| row[k].as_f64().expect("a number");
        let subgroup = "abc".find(row[0].as_str().expect("a name")).expect("a subgroup") as u32;
        (subgroup, number(1) == 1.0, number(2) == 1.0, vec![number(3), number(4), number(5)])
    };
    file["rows"].as_array().expect("rows").iter().map(row).collect()
}

fn reference_plan(of: &Value) -> Plan {
    let estimand = match of["estimand"].as_str().expect("an estimand") {
        "all" => Estimand::All,
        "treated" => Estimand::Treated,
        _ => Estimand::Overlap,
    };
    Plan {
        by_subgroup: of["propensity"] == "by_subgroup",
        prior: of["prior_sd"].as_f64().map_or(SlopePrior::Flat, |sd| SlopePrior::Normal { sd }),
        truncate: of["truncate"].as_f64(),
        ..plan(Method::InverseProbability, estimand)
    }
}

const NAMES: [&str; 4] = ["crude", "regression", "weighted", "doubly_robust"];

fn check_points(found: &Weighted, of: &Value, what: &str) {
    for (k, name) in NAMES.into_iter().enumerate() {
        for g in 0..4 {
            let risks = &found.risks[k][g];
            for (key, value) in [
                ("p0", risks.by_arm[0]),
                ("p1", risks.by_arm[1]),
                ("log_odds_ratio", risks.log_odds_ratio(1)),
                ("mean_log_odds", risks.baseline()),
            ] {
                near(
                    value,
                    of[name][key][g].as_f64().expect("a number"),
                    1e-8,
                    &format!("{what}: {name}, {g}, {key}"),
                );
            }
        }
    }
}

#[test]
fn every_estimator_agrees_with_an_independent_program() {
    let file = reference();
    let cohort = cohort(3, &reference_rows(&file), |_| 1.0, None);
    let all = file["estimates"].as_array().expect("estimates");
    assert_eq!(all.len(), 13);
    for of in all {
        let found = weighted(&cohort, &reference_plan(of)).expect("estimates");
        let what = format!("{} {} {} {}", of["estimand"], of["propensity"], of["prior_sd"], of["truncate"]);
        check_points(&found, of, &what);
        for g in 0..3 {
            near(found.shares[g], of["shares"][g].as_f64().expect("a share"), 1e-8, &what);
        }
        for (p, population) in [Some(0), Some(1), Some(2), None].into_iter().enumerate() {
            for b in found.design.balance_of(population) {
                let at = |key: &str| of["balance"][key][b.term][p].as_f64().expect("a number");
                for (value, key) in [
                    (b.before.mean_difference, "mean_difference_before"),
                    (b.after.mean_difference, "mean_difference_after"),
                    (b.before.variance_ratio, "variance_ratio_before"),
                    (b.after.variance_ratio, "variance_ratio_after"),
                ] {
                    near(
                        value.expect("it varies"),
                        at(key),
                        1e-8,
                        &format!("{what}: {key} of {} in {p}", b.term),
                    );
                }
            }
        }
        for (g, subgroup) in found.design.subgroups.iter().enumerate() {
            for (arm, own) in subgroup.arms.iter().enumerate() {
                let expected = of["effective_size"][g][arm].as_f64().expect("a size");
                near(own.effective, expected, 1e-8, &format!("{what}: effective size {g} {arm}"));
            }
        }
    }
}

/// What one draw of the bootstrap gives, without chance: patients count by other numbers than 1.
#[test]
fn one_set_of_weights_of_the_patients_agrees_with_an_independent_program() {
    let file = reference();
    let rows = reference_rows(&file);
    let cohort = cohort(3, &rows, |i| 0.5 + f64::from((7 * i as u32) % 11) / 10.0, None);
    for of in file["fixed_weights"].as_array().expect("configurations") {
        let found = weighted(&cohort, &reference_plan(of)).expect("estimates");
        check_points(&found, of, &format!("{} {}", of["estimand"], of["propensity"]));
    }
}

#[test]
fn the_bootstraps_spread_agrees_with_an_independent_program_within_chance() {
    let file = reference();
    let cohort = cohort(3, &reference_rows(&file), |_| 1.0, None);
    let mut worst: f64 = 0.0;
    for of in file["bootstrap"].as_array().expect("configurations") {
        let draws = of["draws"].as_u64().expect("a number") as usize;
        let plan = Plan { replicates: draws / 2, ..reference_plan(of) };
        let found = weighted(&cohort, &plan).expect("estimates");
        for (k, name) in NAMES.into_iter().enumerate() {
            let at = |key: &str, g: usize| of[name][key][g].as_f64().expect("a number");
            let mut held = |value: f64, sd: &str, g: usize| {
                // The program's draws are half as many as the reference's.
                let error = 3f64.sqrt() * at(&format!("{sd}_mcse"), g);
                worst = worst.max(((value - at(sd, g)) / error).abs());
            };
            for g in 0..3 {
                held(found.spread[k].covariance[4 * g].sqrt(), "log_odds_ratio_sd", g);
                held(found.spread[k].risk_difference[g], "risk_difference_sd", g);
            }
            held(found.spread[k].overall[0], "log_odds_ratio_sd", 3);
            held(found.spread[k].risk_difference[3], "risk_difference_sd", 3);
        }
    }
    // Some 130 comparisons.
    assert!(worst < 4.0, "|z| up to {worst}");
}

#[test]
fn the_replay_agrees_with_an_independent_program_within_chance() {
    let file = reference();
    let cohort = cohort(3, &reference_rows(&file), |_| 1.0, None);
    for (key, estimand) in [("overlap", Estimand::Overlap), ("all", Estimand::All)] {
        let of = &file["replay"]["estimands"][key];
        let plan = Plan { replays: 1_000, ..plan(Method::InverseProbability, estimand) };
        let replay = weighted(&cohort, &plan).expect("estimates").replay.expect("a replay");
        assert_eq!((replay.studies, replay.drawn_again), (1_000, 0));
        for (k, name) in NAMES.into_iter().enumerate() {
            for g in 0..4 {
                let (own, at) =
                    (replay.estimators[k][g], |key: &str| of[name][key][g].as_f64().expect("a number"));
                let truth = of["truth"]["log_odds_ratio"][g].as_f64().expect("a number");
                near(own.truth, truth, 1e-8, &format!("{key} {name} {g}: truth"));
                let z = (own.ratio - at("factor")) / own.ratio_se.hypot(at("factor_mcse"));
                assert!(z.abs() < 4.0, "{key} {name} {g}: ratio {} and {}, z {z}", own.ratio, at("factor"));
                // Where spreads differ little from study to study both say the same, but for chance.
                assert!((own.factor / own.ratio - 1.0).abs() < 0.2, "{} {}", own.factor, own.ratio);
                let z = (own.bias - at("bias")) / (own.sd / 1_000f64.sqrt()).hypot(at("bias_mcse"));
                assert!(z.abs() < 4.0, "{key} {name} {g}: bias {} and {}, z {z}", own.bias, at("bias"));
            }
        }
    }
}

/// Whatever the data: with a flat prior and coefficients by subgroup the propensity's score is 0 there.
#[test]
fn overlap_weights_balance_exactly_within_every_subgroup() {
    let rows = rows_of(&patients(600, 7));
    let found = design(&cohort(3, &rows, |_| 1.0, None), &plan(Method::Overlap, Estimand::Overlap))
        .expect("a design");
    assert!(found.separated.is_empty());
    let mut largest: f64 = 0.0;
    for b in &found.balance {
        let after = b.after.mean_difference.expect("it varies");
        if b.subgroup.is_some() {
            largest = largest.max(after.abs());
        }
    }
    assert!(largest < 1e-8, "{largest}");
    assert!(found.balance.iter().any(|b| b.before.mean_difference.is_some_and(|d| d.abs() > 1.0)));
}

fn rows_of(patients: &[Patient]) -> Vec<Row> {
    let row = |p: &Patient| {
        (p.etiology as u32, p.stented, p.good, vec![p.age, p.nihss, f64::from(u8::from(p.failed))])
    };
    patients.iter().map(row).collect()
}

/// Treatment that does not depend on covariates: weights are constant within an arm.
#[test]
fn with_a_constant_propensity_the_weighted_answer_is_the_crude_one() {
    // Every profile has one treated patient of three.
    let mut rows: Vec<Row> = Vec::new();
    for i in 0..120u32 {
        let x = vec![f64::from(i % 7), f64::from((i * i) % 11)];
        for k in 0..3 {
            rows.push((i % 2, k == 0, (i * i + 3 * k + i / 2) % 3 == 0, x.clone()));
        }
    }
    for estimand in [Estimand::All, Estimand::Treated, Estimand::Overlap] {
        let found = weighted(&cohort(2, &rows, |_| 1.0, None), &plan(Method::InverseProbability, estimand))
            .expect("estimates");
        for g in 0..3 {
            for arm in 0..2 {
                near(found.risks[2][g].by_arm[arm], found.risks[0][g].by_arm[arm], 1e-12, "risk");
            }
        }
    }
}

/// A covariate that has to do with neither treatment nor outcome moves an estimate by much less than its error.
#[test]
fn a_covariate_without_effect_changes_nothing_beyond_error() {
    let mut rows = rows_of(&patients(3_000, 11));
    let plan = Plan { replicates: 200, ..plan(Method::Overlap, Estimand::Overlap) };
    let without = weighted(&cohort(3, &rows, |_| 1.0, None), &plan).expect("estimates");
    for (i, row) in rows.iter_mut().enumerate() {
        row.3.push(((i as f64 * 0.754_877_666) % 1.0) - 0.5);
    }
    let with = weighted(&cohort(3, &rows, |_| 1.0, None), &plan).expect("estimates");
    for g in 0..3 {
        let se = without.spread[2].covariance[4 * g].sqrt();
        for (k, estimator) in ESTIMATORS.iter().enumerate().skip(1) {
            let moved = (with.risks[k][g].log_odds_ratio(1) - without.risks[k][g].log_odds_ratio(1)).abs();
            assert!(moved < 0.3 * se, "{} {g}: moved by {moved}, error {se}", estimator.in_words());
        }
    }
}

/// Arms exchanged: effects change their sign, and nothing else does. Of patients who all differ the draws are the same.
#[test]
fn arms_exchanged_mirror_everything() {
    let mut rows = rows_of(&patients(500, 3));
    rows.iter_mut().enumerate().for_each(|(i, row)| row.3[0] += 1e-4 * i as f64);
    let turned: Vec<Row> = rows.iter().map(|(g, a, y, x)| (*g, !a, *y, x.clone())).collect();
    for (estimand, method) in [(Estimand::Overlap, Method::Overlap), (Estimand::All, Method::Augmented)] {
        let plan = Plan { replicates: 200, ..plan(method, estimand) };
        let [one, other] =
            [&rows, &turned].map(|rows| weighted(&cohort(3, rows, |_| 1.0, None), &plan).expect("estimates"));
        for k in 0..4 {
            for g in 0..4 {
                let (a, b) = (&one.risks[k][g].by_arm, &other.risks[k][g].by_arm);
                near(a[0], b[1], 1e-9, "risk");
                near(a[1], b[0], 1e-9, "risk");
            }
            for (a, b) in one.spread[k].covariance.iter().zip(&other.spread[k].covariance) {
                near(*a, *b, 1e-9, "covariance");
            }
        }
    }
}

/// Nothing depends on the order of rows, nor of threads.
#[test]
fn the_order_of_rows_and_the_number_of_threads_change_no_bit() {
    let rows = rows_of(&patients(300, 5));
    let turned: Vec<Row> = rows.iter().rev().cloned().collect();
    let plan = Plan { replicates: 120, replays: 60, ..plan(Method::Overlap, Estimand::Overlap) };
    // Columns are standardised by the caller, whose sums may differ in the last bit.
    let whole = |rows: &[Row]| {
        let raw: Vec<Row> =
            rows.iter().map(|(g, a, y, x)| (*g, *a, *y, x.iter().map(|x| x.round()).collect())).collect();
        cohort(3, &raw, |_| 1.0, None)
    };
    let a = whole(&rows);
    let b = Cohort { x: a.x.clone(), ..whole(&turned) };
    let with = |threads: usize, cohort: &Cohort| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| weighted(cohort, &plan).expect("estimates"))
    };
    let found = with(1, &a);
    assert_eq!(found, with(3, &a));
    assert_eq!(found, with(2, &b));
}

/// Weights computed elsewhere: those of the program's own propensity give its own answer.
#[test]
fn weights_computed_elsewhere_are_taken_as_they_are() {
    let file = reference();
    let rows = reference_rows(&file);
    let e: Vec<f64> = file["propensity"][0]["e"]
        .as_array()
        .expect("propensities")
        .iter()
        .map(|e| e.as_f64().expect("a number"))
        .collect();
    let weights: Vec<f64> =
        rows.iter().zip(&e).map(|(r, e)| if r.1 { 1.0 / e } else { 1.0 / (1.0 - e) }).collect();
    let own = weighted(&cohort(3, &rows, |_| 1.0, None), &plan(Method::InverseProbability, Estimand::All))
        .expect("own");
    let given = weighted(
        &cohort(3, &rows, |_| 1.0, Some(&weights)),
        &plan(Method::InverseProbability, Estimand::All),
    )
    .expect("given");
    for g in 0..3 {
        for arm in 0..2 {
            near(given.risks[2][g].by_arm[arm], own.risks[2][g].by_arm[arm], 1e-8, "risk");
        }
    }
    // A regression has no weights: for all patients, and for the treated, its population is known without them.
    for estimand in [Estimand::All, Estimand::Treated] {
        let plan = plan(Method::InverseProbability, estimand);
        let [own, given] = [None, Some(&weights[..])]
            .map(|given| weighted(&cohort(3, &rows, |_| 1.0, given), &plan).expect("estimates"));
        if estimand == Estimand::All {
            for (a, b) in own.risks[1].iter().zip(&given.risks[1]) {
                a.by_arm.iter().zip(&b.by_arm).for_each(|(a, b)| near(*a, *b, 1e-12, "regression"));
            }
        }
        let counted = |g: u32| {
            let own = || rows.iter().filter(|r| r.0 == g && (r.1 || estimand == Estimand::All));
            own().count() as f64
        };
        let all: f64 = (0..3).map(counted).sum();
        (0..3).for_each(|g| near(given.shares[g as usize], counted(g) / all, 1e-12, "share"));
    }
    assert!(given.replay.is_none());
    // Whatever they were stabilised by: the weights of one subgroup's arm on another scale change nothing.
    let scaled: Vec<f64> =
        rows.iter().zip(&weights).map(|(r, w)| if r.0 == 2 && r.1 { 1e200 * w } else { *w }).collect();
    let other =
        weighted(&cohort(3, &rows, |_| 1.0, Some(&scaled)), &plan(Method::InverseProbability, Estimand::All))
            .expect("given");
    for k in 0..4 {
        for g in 0..4 {
            for arm in 0..2 {
                near(other.risks[k][g].by_arm[arm], given.risks[k][g].by_arm[arm], 1e-9, "scale");
            }
        }
    }
    let nobody: Vec<f64> = rows.iter().map(|r| if r.0 == 1 && r.1 { 0.0 } else { 1.0 }).collect();
    let lack =
        weighted(&cohort(3, &rows, |_| 1.0, Some(&nobody)), &plan(Method::InverseProbability, Estimand::All));
    assert_eq!(lack.map_err(|e| (e.subgroup, e.arm, e.lack)).err(), Some((1, 1, Lack::Weight)));
}

/// A covariate that tells who was treated: the fallback prior has a maximum, and it is said.
#[test]
fn a_propensity_that_separates_is_fitted_under_its_prior() {
    let mut rows = rows_of(&patients(400, 9));
    for row in rows.iter_mut().filter(|r| r.0 == 2) {
        row.3[1] = if row.1 { 30.0 + row.3[1] / 100.0 } else { 5.0 + row.3[1] / 100.0 };
    }
    let found = design(&cohort(3, &rows, |_| 1.0, None), &plan(Method::Overlap, Estimand::Overlap))
        .expect("a design");
    assert_eq!(found.separated, [2]);
    let worth: Vec<f64> = found.subgroups.iter().map(|g| g.arms[1].effective).collect();
    assert!(worth.iter().all(|n| n.is_finite() && *n > 0.0), "{worth:?}");
}

/// The truth of a registry's overlap population, or of all patients, by etiology: log odds ratios of averaged risks.
fn truth(estimand: Estimand) -> Vec<f64> {
    let many = patients(400_000, 77);
    let of = |g: usize| {
        let mut sums = [0.0; 3];
        for p in many.iter().filter(|p| p.etiology == g) {
            let e = p.chance_of_stent();
            let tilt = match estimand {
                Estimand::All => 1.0,
                Estimand::Treated => e,
                Estimand::Overlap => e * (1.0 - e),
            };
            sums = [sums[0] + tilt, sums[1] + tilt * p.risks[0], sums[2] + tilt * p.risks[1]];
        }
        let log_odds = |p: f64| (p / (1.0 - p)).ln();
        log_odds(sums[2] / sums[0]) - log_odds(sums[1] / sums[0])
    };
    (0..ETIOLOGIES.len()).map(of).collect()
}

/// How often 95 % intervals held the truth over registries, by estimator and etiology: as the bootstrap gives them, and
/// calibrated; and the mean error.
fn coverage(registries: u64, plan: &Plan, n: usize) -> Vec<Vec<[f64; 3]>> {
    let truth = truth(plan.estimand);
    let one = |seed: u64| {
        let found = weighted(&cohort(3, &rows_of(&patients(n, 1_000 + seed)), |_| 1.0, None), plan).ok()?;
        let of = |k: usize, g: usize| {
            let error = found.risks[k][g].log_odds_ratio(1) - truth[g];
            let se = found.spread[k].covariance[4 * g].sqrt();
            let factor = found.factors(k)[g];
            let holds = |by: f64| f64::from(u8::from(error.abs() <= 1.959_964 * by * se));
            [holds(1.0), holds(factor), error]
        };
        Some((0..4).map(|k| (0..3).map(|g| of(k, g)).collect()).collect::<Vec<Vec<[f64; 3]>>>())
    };
    use rayon::prelude::*;
    let all: Vec<_> = (0..registries).into_par_iter().filter_map(one).collect();
    let mean = |k: usize, g: usize, i: usize| all.iter().map(|r| r[k][g][i]).sum::<f64>() / all.len() as f64;
    (0..4).map(|k| (0..3).map(|g| std::array::from_fn(|i| mean(k, g, i))).collect()).collect()
}

fn place(estimator: Estimator) -> usize {
    ESTIMATORS.iter().position(|e| *e == estimator).expect("it is one of them")
}

/// Few registries: what a gross fault would show. The ignored test has the figures of the book.
#[test]
fn calibrated_intervals_hold_the_truth_of_registries() {
    let plan = Plan { replicates: 150, replays: 50, ..plan(Method::Overlap, Estimand::Overlap) };
    let found = coverage(200, &plan, 300);
    for estimator in [Estimator::Weighted, Estimator::DoublyRobust] {
        for (g, [_, calibrated, error]) in found[place(estimator)].iter().enumerate() {
            // Three standard errors of a share of 0.95 in 200, and the noise of few replays.
            assert!((0.90..=0.99).contains(calibrated), "{} {g}: {calibrated}", estimator.in_words());
            assert!(error.abs() < 0.15, "{} {g}: {error}", estimator.in_words());
        }
    }
    // Confounded by indication, crude intervals hold next to nothing.
    let crude: f64 = found[place(Estimator::Crude)].iter().map(|c| c[0]).sum::<f64>() / 3.0;
    assert!(crude < 0.75, "{crude}");
}

/// `cargo test --release --test suite registries_in_full -- --ignored --nocapture` prints the table of the book.
#[test]
#[ignore = "half an hour of processor time"]
fn calibrated_intervals_hold_the_truth_of_registries_in_full() {
    for (estimand, method) in
        [(Estimand::Overlap, Method::Overlap), (Estimand::All, Method::InverseProbability)]
    {
        let plan = Plan { replicates: 400, replays: 200, ..plan(method, estimand) };
        for n in [221, 400] {
            let found = coverage(1_000, &plan, n);
            for (k, by_etiology) in found.iter().enumerate() {
                for (g, [raw, calibrated, error]) in by_etiology.iter().enumerate() {
                    println!(
                        "{estimand:?} {n} {:<14} {:<16} raw {raw:.3} calibrated {calibrated:.3} mean error {error:+.3}",
                        ESTIMATORS[k].in_words(),
                        ETIOLOGIES[g].name
                    );
                }
            }
        }
    }
}
