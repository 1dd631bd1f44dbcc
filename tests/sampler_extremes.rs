//! The sampler on data at the edge, its randomness, and when it stops.

use crate::common;

use common::shipped::analysed;
use common::{counts_model, draws, estimates_model, pair, sampler, study_of};
use equipoise::input::{open, shipped};
use equipoise::model::{BaselinePrior, BinomialPair, HeterogeneityPrior, LocationPrior, Model, Pooling};
use equipoise::posterior::{
    Engine, LEAST_ESS, Options, Report, SampledPosterior, SamplerSettings, Sampling, Stopped, analyse,
};
use equipoise::study::Study;

fn settings(report: &Report) -> &SamplerSettings {
    report.settings.sampler.as_ref().expect("sampled")
}

fn of(report: Report) -> SampledPosterior {
    report.sampled.expect("draws")
}

fn columns(drawn: &SampledPosterior) -> Vec<&Vec<f64>> {
    let shared = [&drawn.mu, &drawn.tau, &drawn.baseline_mean, &drawn.baseline_sd, &drawn.theta_new];
    shared.into_iter().flatten().chain(&drawn.theta).chain(&drawn.alpha).collect()
}

/// Every draw of every parameter, as bits.
fn bits(drawn: &SampledPosterior) -> Vec<Vec<u64>> {
    columns(drawn).into_iter().map(|c| c.iter().map(|x| x.to_bits()).collect()).collect()
}

// ---- Data at the edge ----

fn half_cauchy(scale: f64) -> HeterogeneityPrior {
    HeterogeneityPrior::HalfStudentT { df: 1.0, scale }
}

fn exchangeable() -> BaselinePrior {
    let mean = LocationPrior::normal(0.0, 1.5);
    BaselinePrior::Exchangeable { mean, sd: HeterogeneityPrior::HalfNormal { scale: 1.0 } }
}

/// At the defaults every check passes, the answer is sure, and every number that is there is finite.
#[track_caller]
fn holds(what: &str, model: &Model) {
    let report = analyse(&study_of(model), Options { show_unreliable: true, ..Options::default() });
    let checks = &report.checks;
    let drawn = report.sampled.as_ref().expect("draws");
    assert!(columns(drawn).into_iter().flatten().all(|x| x.is_finite()), "{what}: not finite");
    for row in &report.probabilities {
        let p = row.probability.expect("a number");
        assert!((0.0..=1.0).contains(&p), "{what}: {row:?}");
    }
    for p in &report.parameters {
        let row = &p.reported;
        let all = [row.mean, row.sd, row.median, row.q2_5, row.q97_5];
        assert!(all.iter().all(|x| x.is_some_and(f64::is_finite)), "{what}: {:?} {row:?}", p.parameter);
    }
    assert!(checks.ok, "{what}: {:?}", checks.reasons);
    assert_eq!(settings(&report).stopped, Stopped::Sure, "{what}");
}

/// Under independent baselines, compared with the exact engine, and under exchangeable ones.
#[track_caller]
fn holds_for_both_baselines(what: &str, counts: &[BinomialPair]) {
    holds(what, &counts_model(counts.to_vec()));
    holds(&format!("{what}, exchangeable"), &counts_model(counts.to_vec()).with_baseline(exchangeable()));
}

#[test]
fn no_events_anywhere_pass_every_check() {
    holds_for_both_baselines(
        "0/n",
        &[pair((0, 12), (0, 15)), pair((0, 40), (0, 35)), pair((0, 400), (0, 3))],
    );
}

#[test]
fn events_in_everyone_pass_every_check() {
    holds_for_both_baselines(
        "n/n",
        &[pair((12, 12), (15, 15)), pair((40, 40), (35, 35)), pair((400, 400), (3, 3))],
    );
}

#[test]
fn arms_all_of_one_kind_against_arms_all_of_the_other_pass_every_check() {
    holds_for_both_baselines("0/n against n/n", &[pair((0, 30), (30, 30)), pair((25, 25), (0, 28))]);
}

#[test]
fn a_million_patients_in_each_arm_pass_every_check() {
    let million = 1_000_000;
    holds_for_both_baselines(
        "10^6",
        &[
            pair((300_000, million), (301_000, million)),
            pair((120_000, million), (119_500, million)),
            pair((7, million), (11, million)),
        ],
    );
}

#[test]
fn two_hundred_subgroups_pass_every_check() {
    // Risks and effects that vary from subgroup to subgroup in a way that repeats after 7·11·13.
    let subgroup = |g: u32| {
        let n = 20 + 7 * (g % 11);
        pair((n * (2 + g % 7) / 12, n), ((n + 1) * (2 + (3 * g) % 13) / 18, n + 1))
    };
    let counts: Vec<BinomialPair> = (0..200).map(subgroup).collect();
    holds_for_both_baselines("200 subgroups", &counts);
}

#[test]
#[ignore = "some twenty seconds"]
fn two_hundred_subgroups_without_pooling_pass_every_check() {
    let counts = (0..200).map(|g| pair((g % 9, 20), (g % 11, 21))).collect();
    let pooling = Pooling::Separate(HeterogeneityPrior::HalfNormal { scale: 0.5 });
    holds("200 subgroups, no pooling", &Model { pooling, ..counts_model(counts) });
}

#[test]
fn heterogeneity_priors_without_a_mean_pass_every_check() {
    let counts = vec![pair((10, 54), (29, 65)), pair((12, 64), (29, 82))];
    for (what, pooling) in
        [("partial", Pooling::Partial(half_cauchy(2.0))), ("none", Pooling::Separate(half_cauchy(2.0)))]
    {
        holds(
            &format!("half-cauchy(2), {what}"),
            &Model { pooling: pooling.clone(), ..counts_model(counts.clone()) },
        );
        let rows = [(0.6, 0.42), (-0.55, 0.5)];
        holds(
            &format!("half-cauchy(2), {what}, estimates"),
            &estimates_model(&rows, pooling, LocationPrior::normal(0.0, 0.355)),
        );
    }
}

#[test]
fn a_single_subgroup_passes_every_check() {
    holds_for_both_baselines("one subgroup", &[pair((26, 114), (104, 226))]);
    let pooling = Pooling::Partial(half_cauchy(2.0));
    holds("one subgroup, half-cauchy(2)", &Model { pooling, ..counts_model(vec![pair((3, 9), (5, 8))]) });
    let pooling = Pooling::Partial(half_cauchy(2.0));
    holds(
        "one estimate, half-cauchy(2)",
        &estimates_model(&[(0.6, 0.4)], pooling, LocationPrior::normal(0.0, 0.355)),
    );
}

#[test]
fn empty_active_arms_pass_every_check() {
    holds_for_both_baselines(
        "empty active arms",
        &[pair((10, 54), (0, 0)), pair((0, 12), (0, 0)), pair((12, 64), (0, 0))],
    );
}

#[test]
fn nobody_at_all_passes_every_check() {
    holds_for_both_baselines("nobody", &[pair((0, 0), (0, 0)), pair((0, 0), (0, 0))]);
}

#[test]
fn subgroups_of_hugely_unequal_size_pass_every_check_or_are_refused() {
    let counts = vec![
        pair((300_000, 1_000_000), (250_000, 900_000)),
        pair((0, 1), (1, 1)),
        pair((3, 10), (40_000, 100_000)),
    ];
    holds("unequal", &counts_model(counts.clone()));
    // With exchangeable baselines the third subgroup's effect is known as well as the baselines agree: a funnel
    // that the coordinates do not remove. Trajectories diverge there, and nothing is reported.
    let report = analyse(&study_of(&counts_model(counts).with_baseline(exchangeable())), Options::default());
    assert!(!report.checks.ok && report.withheld, "{:?}", report.checks);
    assert!(report.probabilities.iter().all(|p| p.probability.is_none()));
    let rows = [(0.31, 1e-3), (-2.0, 3.0), (0.2, 0.5)];
    let pooling = Pooling::Partial(HeterogeneityPrior::HalfNormal { scale: 0.5 });
    holds("unequal estimates", &estimates_model(&rows, pooling, LocationPrior::normal(0.0, 0.355)));
}

// ---- Randomness ----

/// Both kinds of data and both kinds of baselines.
fn examples() -> [Study; 3] {
    let counts = open("attention-ras-etiology").expect("shipped");
    let mut exchangeable_counts = counts.clone();
    exchangeable_counts.priors.baseline.as_mut().expect("counts").distribution = exchangeable();
    [counts, exchangeable_counts, open("eight-schools").expect("shipped")]
}

fn with(study: &Study, sampling: Sampling) -> SampledPosterior {
    of(analyse(study, Options { sampling, show_unreliable: true, ..sampler() }))
}

#[test]
fn one_two_and_four_threads_draw_the_same_bits() {
    for study in examples() {
        let of_threads = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            pool.install(|| bits(&of(analyse(&study, Options::default()))))
        };
        let one = of_threads(1);
        assert!(one == of_threads(2) && one == of_threads(4), "{}", study.name);
    }
}

#[test]
fn the_same_seed_repeats_every_bit_and_another_shares_none_of_the_chains() {
    for study in examples() {
        let seeded = |seed: u64| with(&study, Sampling { seed, ..draws(100) });
        let (first, again, other) = (seeded(7), seeded(7), seeded(8));
        assert_eq!(bits(&first), bits(&again));
        for (a, b) in columns(&first).into_iter().zip(columns(&other)) {
            assert!(a.iter().zip(b).all(|(x, y)| x != y), "{}", study.name);
        }
        // Nor do two chains of one run.
        for column in columns(&first) {
            assert!(column[..100].iter().zip(&column[100..200]).all(|(x, y)| x != y), "{}", study.name);
        }
    }
}

#[test]
fn more_draws_begin_with_the_same_ones() {
    const FEWER: usize = 150;
    for study in examples() {
        let (few, many) = (with(&study, draws(FEWER)), with(&study, draws(400)));
        for (few, many) in columns(&few).into_iter().zip(columns(&many)) {
            for (a, b) in few.chunks(FEWER).zip(many.chunks(400)) {
                assert_eq!(a, &b[..FEWER], "{}", study.name);
            }
        }
        // And so do those of a run that chose its own number.
        let own = with(&study, Sampling::default());
        for (few, own_column) in columns(&few).into_iter().zip(columns(&own)) {
            for (a, b) in few.chunks(FEWER).zip(own_column.chunks(own.draws)) {
                assert_eq!(a, &b[..FEWER], "{}", study.name);
            }
        }
    }
}

#[test]
fn an_additional_chain_leaves_the_others_as_they_were() {
    for study in examples() {
        let of_chains = |chains: usize| with(&study, Sampling { chains, ..draws(100) });
        let (four, five) = (of_chains(4), of_chains(5));
        assert_eq!((four.chains, five.chains), (4, 5));
        for (a, b) in columns(&four).into_iter().zip(columns(&five)) {
            assert_eq!(a, &b[..400], "{}", study.name);
        }
    }
}

// ---- When it stops ----

#[test]
fn at_the_defaults_every_answer_is_as_sure_as_promised() {
    for model in shipped() {
        let (study, usual) = &*analysed(model.name);
        assert_eq!(usual.options.engine, Engine::Both);
        for report in [&usual.report, &analyse(study, sampler())] {
            assert_eq!(settings(report).stopped, Stopped::Sure, "{}", model.name);
            assert_eq!(settings(report).mcse, Some(0.005));
            for row in &report.probabilities {
                assert!(row.mcse.is_none_or(|e| e <= 0.005), "{}: {row:?}", model.name);
            }
            let parameters = report.parameters.iter().map(|p| &p.reported);
            let mut rows = 0;
            for row in parameters.chain(report.estimates.iter().map(|e| &e.reported)) {
                for ess in [row.ess_bulk, row.ess_tail].into_iter().flatten() {
                    assert!(ess >= LEAST_ESS, "{}: {row:?}", model.name);
                    rows += 1;
                }
            }
            assert!(rows >= 10, "{}: {rows}", model.name);
        }
    }
}

#[test]
fn a_smaller_error_takes_more_draws() {
    let study = open("attention-evt").expect("shipped");
    let run = |mcse: f64| {
        analyse(&study, Options { sampling: Sampling { mcse, ..Sampling::default() }, ..sampler() })
    };
    let reports: Vec<Report> = [0.02, 0.005, 0.002, 0.001].into_iter().map(run).collect();
    for pair in reports.windows(2) {
        assert!(settings(&pair[0]).draws < settings(&pair[1]).draws);
    }
    for (report, mcse) in reports.iter().zip([0.02, 0.005, 0.002, 0.001]) {
        assert!(report.checks.max_mcse.expect("sampled") <= mcse);
        assert_eq!(settings(report).stopped, Stopped::Sure);
    }
}

#[test]
fn an_error_that_is_out_of_reach_stops_at_the_limit_and_says_so() {
    let effect = LocationPrior::normal(0.0, 1.0);
    let study = study_of(&estimates_model(&[(0.1, 0.4)], Pooling::Complete, effect));
    let sampling = Sampling { mcse: 1e-5, ..Sampling::default() };
    let report = analyse(&study, Options { sampling, ..sampler() });
    assert_eq!(settings(&report).stopped, Stopped::Limit);
    assert_eq!(settings(&report).draws, 100_000);
    assert!(report.checks.max_mcse.expect("sampled") > 1e-5);
}

#[test]
fn a_fixed_number_of_draws_is_drawn_exactly() {
    for n in [1, 6, 500, 1234] {
        let study = open("ras-basilar-function").expect("shipped");
        let report = analyse(&study, Options { sampling: draws(n), ..sampler() });
        assert_eq!((settings(&report).draws, settings(&report).stopped), (n, Stopped::Fixed));
        assert_eq!(settings(&report).mcse, None);
        let drawn = of(report);
        assert!(columns(&drawn).into_iter().all(|c| c.len() == 4 * n));
    }
}

#[test]
fn too_few_draws_fail_and_are_withheld_unless_they_are_asked_for() {
    let study = open("attention-ras-etiology").expect("shipped");
    for engine in [Engine::Sampler, Engine::Both] {
        for n in [1, 30] {
            let options = Options { engine, sampling: draws(n), ..Options::default() };
            let withheld = analyse(&study, options);
            let shown = analyse(&study, Options { show_unreliable: true, ..options });
            for report in [&withheld, &shown] {
                assert!(!report.checks.ok);
                let reasons = &report.checks.reasons;
                assert!(reasons.iter().any(|r| r.contains("effective sample size")), "{reasons:?}");
            }
            for row in &withheld.probabilities {
                assert_eq!((row.probability, row.exact, row.sampled, row.mcse), (None, None, None, None));
                assert!(row.unavailable.is_some());
            }
            for row in &withheld.estimates {
                assert_eq!((row.reported.median, row.exact, row.reported.mean), (None, None, None));
                assert!(row.unavailable.is_some() && row.nnt.is_none());
            }
            assert!(withheld.parameters.iter().all(|p| p.reported.median.is_none() && p.exact.is_none()));
            assert!(withheld.claims.is_empty() && withheld.heterogeneity_learned.is_none());
            assert!(shown.probabilities.iter().all(|p| p.probability.is_some()));
            assert!(!shown.claims.is_empty());
        }
    }
}
