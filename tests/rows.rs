//! Rows with covariates and centres: the kernel is the formula, whatever the instructions; the density's gradient is its
//! derivative; standardised risks are averages.

use crate::common;
use crate::common::rows;

use common::{close, counts_model, pair};
use equipoise::density::LogDensity;
use equipoise::model::{
    BaselineOf, BaselinePrior, HeterogeneityPrior, Hierarchy, Instructions, LevelRows, Levels, LocationPrior,
    Model, Nuisance, Pooling, Rows, SubgroupBias,
};
use equipoise::numeric::logistic;
use equipoise::sampler::{Purpose, Settings, extend, start, stream};
use equipoise::study::{Adjustment, Patterns, Population};
use rand_distr::{Distribution, StandardNormal};
use rows::{Sizes, adjustment, of_rows, with_rows};
use std::sync::Arc;

const HALF_NORMAL: HeterogeneityPrior = HeterogeneityPrior::HalfNormal { scale: 0.7 };
const SIZES: Sizes = Sizes { subgroups: 3, patterns: 700, terms: 4, centres: 9 };

fn normals(n: usize, seed: u64, sd: f64) -> Vec<f64> {
    let mut rng = stream(seed, 7, Purpose::Simulation);
    (0..n).map(|_| -> f64 { StandardNormal.sample(&mut rng) }).map(|z| sd * z).collect()
}

/// Log likelihood and slopes of cells, coefficients and centres, each row by itself with the platform's mathematics.
fn formula(a: &Adjustment, cells: &[f64], gamma: &[f64], centres: &[f64]) -> (f64, [Vec<f64>; 3]) {
    let p = &a.patterns;
    let mut slopes = [vec![0.0; cells.len()], vec![0.0; gamma.len()], vec![0.0; centres.len()]];
    let mut value = 0.0;
    for i in 0..p.len() {
        let cell = p.subgroup[i] as usize + if p.is_active(i) { cells.len() / 2 } else { 0 };
        let x: Vec<f64> = p.columns.iter().map(|c| c[i]).collect();
        let mut eta = cells[cell] + x.iter().zip(gamma).map(|(x, g)| x * g).sum::<f64>();
        if let Some(&c) = p.centre.get(i) {
            eta += centres[c as usize];
        }
        value += p.events[i] * eta - p.totals[i] * (eta.max(0.0) + (-eta.abs()).exp().ln_1p());
        let residual = p.events[i] - p.totals[i] / (1.0 + (-eta).exp());
        slopes[0][cell] += residual;
        slopes[1].iter_mut().zip(&x).for_each(|(s, x)| *s += residual * x);
        if let Some(&c) = p.centre.get(i) {
            slopes[2][c as usize] += residual;
        }
    }
    (value, slopes)
}

fn evaluated(rows: &Rows, cells: &[f64], gamma: &[f64], centres: &[f64]) -> (f64, [Vec<f64>; 3]) {
    let mut slopes = [vec![1.0; cells.len()], vec![1.0; gamma.len()], vec![1.0; centres.len()]];
    let [a, b, c] = &mut slopes;
    (rows.log_likelihood(cells, (gamma, centres), (a, b, c), &mut rows.sums()), slopes)
}

#[test]
fn the_kernel_is_the_formula() {
    // Sizes around the lanes and the blocks, with and without centres and covariates.
    let sizes =
        [(1, 1, 0, 0), (5, 2, 1, 0), (40, 1, 0, 3), (700, 3, 4, 9), (5_000, 2, 7, 0), (3_000, 10, 6, 40)];
    for (patterns, subgroups, terms, centres) in sizes {
        let sizes = Sizes { subgroups, patterns, terms, centres };
        let a = adjustment(sizes, HALF_NORMAL, Population::All, 3);
        let rows = Rows::new(&a, subgroups);
        for sd in [0.5, 3.0] {
            let (cells, gamma) = (normals(2 * subgroups, 1, sd), normals(terms, 2, sd));
            let intercepts = normals(centres, 3, sd);
            let (value, slopes) = evaluated(&rows, &cells, &gamma, &intercepts);
            let (expected, expected_slopes) = formula(&a, &cells, &gamma, &intercepts);
            close("log likelihood", value, expected, 1e-11 * expected.abs().max(10.0));
            for (found, expected) in slopes.iter().flatten().zip(expected_slopes.iter().flatten()) {
                close("slope", *found, *expected, 1e-10 * patterns as f64);
            }
        }
    }
}

/// Patients on five levels in two subgroups, and the same as binary rows by cut, written out one by one.
fn of_levels(patterns: usize, terms: usize, centres: usize, alike: bool) -> (LevelRows, Adjustment) {
    const CUTS: usize = 4;
    let sizes = Sizes { subgroups: 2, patterns, terms, centres };
    let mut of = adjustment(sizes, HALF_NORMAL, Population::All, 4);
    let mut levels = Levels {
        counts: vec![[vec![0.0; CUTS + 1], vec![0.0; CUTS + 1]]; 2],
        primary: 1,
        shared: true,
        concentrations: vec![1.0; CUTS + 1],
        departure: None,
    };
    if alike {
        of.patterns.columns.iter_mut().flatten().for_each(|x| *x = x.signum());
        of.patterns.subgroup.sort_unstable();
        of.patterns.arm.fill(0);
    }
    let mut by_cut = Adjustment {
        patterns: Patterns { columns: vec![Vec::new(); terms], ..Patterns::default() },
        ..of.clone()
    };
    let to = &mut by_cut.patterns;
    for i in 0..patterns {
        let (level, n) = ((7 * i + i / 5) % (CUTS + 1), of.patterns.totals[i]);
        of.patterns.level.push(level as u32);
        of.patterns.events[i] = if level > 1 { n } else { 0.0 };
        let (g, arm) = (of.patterns.subgroup[i], of.patterns.arm[i]);
        levels.counts[g as usize][usize::from(arm)][level] += n;
        let cuts = [(level.checked_sub(1), n), ((level < CUTS).then_some(level), 0.0)];
        for (cut, events) in cuts.into_iter().filter_map(|(cut, events)| Some((cut?, events))) {
            to.subgroup.push(g * CUTS as u32 + cut as u32);
            to.arm.push(arm);
            to.centre.extend(of.patterns.centre.get(i));
            to.events.push(events);
            to.totals.push(n);
            to.columns.iter_mut().zip(&of.patterns.columns).for_each(|(to, from)| to.push(from[i]));
        }
    }
    (LevelRows::new(Arc::new(of), &levels), by_cut)
}

#[test]
fn rows_between_two_cuts_are_the_formula_with_the_same_bits_by_all_instructions() {
    // Few rows that name their cells, sections, patients alike but for the level; log odds far out too.
    let sizes =
        [(1, 1, 0, false), (90, 3, 4, false), (2_500, 5, 0, false), (2_500, 2, 7, false), (900, 1, 0, true)];
    for (patterns, terms, centres, alike) in sizes {
        let (rows, by_cut) = of_levels(patterns, terms, centres, alike);
        for sd in [0.5, 4.0, 60.0] {
            let (cells, gamma) = (normals(16, 1, sd), normals(terms, 2, sd.min(4.0)));
            let intercepts = normals(centres, 3, 0.5);
            let (value, slopes) = evaluated(&rows.by_cut, &cells, &gamma, &intercepts);
            let (expected, expected_slopes) = formula(&by_cut, &cells, &gamma, &intercepts);
            close("log likelihood", value, expected, 1e-11 * expected.abs().max(10.0));
            for (found, expected) in slopes.iter().flatten().zip(expected_slopes.iter().flatten()) {
                close("slope", *found, *expected, 1e-10 * patterns as f64);
            }
            let arms: Vec<[f64; 2]> = cells[..8].iter().zip(&cells[8..]).map(|(a, b)| [*a, *b]).collect();
            let by = |instructions| {
                let (value, slopes) = evaluated(&rows.by_cut.by(instructions), &cells, &gamma, &intercepts);
                let mut risks = vec![[0.0; 2]; 8];
                let terms = (&*gamma, &*intercepts);
                rows.patients.by(instructions).standardised_by_cut(&arms, terms, &mut risks);
                let numbers = [value].into_iter().chain(slopes.concat()).chain(risks.into_flattened());
                numbers.map(f64::to_bits).collect::<Vec<u64>>()
            };
            let portable = by(Instructions::PORTABLE);
            for instructions in Instructions::available() {
                assert_eq!(by(instructions), portable, "{instructions:?}");
            }
        }
    }
}

#[test]
fn risks_above_every_cut_are_those_of_each_cut_by_itself() {
    let (rows, _) = of_levels(400, 3, 4, false);
    for sd in [1.0, 200.0] {
        let (cells, gamma, intercepts) = (normals(16, 5, sd), normals(3, 6, 0.5), normals(4, 7, 0.5));
        let arms: Vec<[f64; 2]> = cells.chunks(2).map(|x| [x[0], x[1]]).collect();
        let mut found = vec![[0.0; 2]; 8];
        rows.patients.standardised_by_cut(&arms, (&gamma, &intercepts), &mut found);
        for cut in 0..4 {
            let (control, active): (Vec<f64>, Vec<f64>) =
                [arms[cut], arms[4 + cut]].map(|[a, b]| (a, b - a)).into_iter().unzip();
            let mut alone = [[0.0; 2]; 2];
            rows.patients.standardised((&control, &active), (&gamma, &intercepts), &mut alone);
            for (g, alone) in alone.iter().enumerate() {
                for arm in 0..2 {
                    close("risk", found[4 * g + cut][arm], alone[arm], 1e-12);
                }
            }
        }
    }
}

#[test]
fn log_odds_far_out_are_finite_and_right() {
    let a = adjustment(
        Sizes { subgroups: 1, patterns: 600, terms: 2, centres: 0 },
        HALF_NORMAL,
        Population::All,
        5,
    );
    let rows = Rows::new(&a, 1);
    for far in [-800.0, -300.0, 300.0, 800.0] {
        let (value, slopes) = evaluated(&rows, &[far, far], &[0.1, 20.0], &[]);
        let (expected, expected_slopes) = formula(&a, &[far, far], &[0.1, 20.0], &[]);
        close("log likelihood", value, expected, 1e-11 * expected.abs());
        close("slope", slopes[1][0], expected_slopes[1][0], 1e-8);
    }
}

#[test]
fn every_set_of_instructions_gives_the_same_bits() {
    let all = Instructions::available();
    for (patterns, terms, centres) in [(33, 0, 0), (4_000, 6, 0), (4_000, 3, 25), (10_000, 20, 0)] {
        let sizes = Sizes { subgroups: 4, patterns, terms, centres };
        let a = adjustment(sizes, HALF_NORMAL, Population::All, 11);
        let rows = Rows::new(&a, 4);
        for seed in 0..5 {
            let (cells, gamma, intercepts) =
                (normals(8, seed, 1.0), normals(terms, seed, 0.7), normals(centres, seed, 0.5));
            let by = |instructions| {
                let rows = rows.by(instructions);
                let (value, slopes) = evaluated(&rows, &cells, &gamma, &intercepts);
                let mut risks = vec![[0.0; 2]; 4];
                rows.standardised((&cells[..4], &cells[4..]), (&gamma, &intercepts), &mut risks);
                let numbers = [value].into_iter().chain(slopes.concat()).chain(risks.into_flattened());
                numbers.map(f64::to_bits).collect::<Vec<u64>>()
            };
            let portable = by(Instructions::PORTABLE);
            for &instructions in &all {
                assert_eq!(by(instructions), portable, "{instructions:?}");
            }
        }
    }
}

#[test]
fn rows_shared_out_among_threads_give_the_same_bits() {
    let sizes = Sizes { subgroups: 2, patterns: 90_000, terms: 3, centres: 5 };
    let a = adjustment(sizes, HALF_NORMAL, Population::All, 12);
    let model = of_rows(counts_model(vec![pair((0, 0), (0, 0)); 2]), &a, 2);
    let bits = |hierarchy: Hierarchy| {
        let mut gradient = vec![0.0; hierarchy.dim()];
        let value = hierarchy.evaluate(&hierarchy.middle(), &mut gradient, &mut hierarchy.scratch());
        [value].into_iter().chain(gradient).map(f64::to_bits).collect::<Vec<u64>>()
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(4).build().expect("threads");
    let alone = bits(Hierarchy::new(&model));
    assert_eq!(pool.install(|| bits(Hierarchy::new(&model).beside_chains(1))), alone);
    assert_eq!(pool.install(|| bits(Hierarchy::new(&model).beside_chains(4))), alone);
}

/// Largest error of the gradient against central differences of fourth order, relative to the gradient's size.
fn gradient_error(model: &Model, seed: u64) -> f64 {
    let hierarchy = Hierarchy::new(model);
    let d = hierarchy.dim();
    let mut scratch = hierarchy.scratch();
    let mut q = hierarchy.middle();
    q.iter_mut().zip(normals(d, seed, 0.3)).for_each(|(q, z)| *q += z);
    let (mut gradient, mut other) = (vec![f64::NAN; d], vec![0.0; d]);
    let value = hierarchy.evaluate(&q, &mut gradient, &mut scratch);
    assert!(value.is_finite() && gradient.iter().all(|g| g.is_finite()), "{gradient:?}");
    let size = gradient.iter().fold(1.0_f64, |m, g| m.max(g.abs()));
    let mut worst: f64 = 0.0;
    for i in 0..d {
        let mut at = |step: f64| {
            let mut moved = q.clone();
            moved[i] += step;
            hierarchy.evaluate(&moved, &mut other, &mut scratch)
        };
        let h = 1e-3;
        let slope = (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h);
        worst = worst.max((slope - gradient[i]).abs() / size);
    }
    worst
}

#[test]
fn the_gradient_is_the_derivative_under_every_pooling_baseline_and_prior_of_the_centres() {
    let exchangeable =
        BaselinePrior::Exchangeable { mean: LocationPrior::normal(-0.2, 1.0), sd: HALF_NORMAL };
    let independent = BaselinePrior::Independent(LocationPrior::normal(0.0, 1.5));
    let fixed = HeterogeneityPrior::Fixed { value: 0.4 };
    let none = Sizes { centres: 0, ..SIZES };
    for pooling in [Pooling::Partial(HALF_NORMAL), Pooling::Separate(HALF_NORMAL), Pooling::Complete] {
        for baseline in [&independent, &exchangeable] {
            for (sizes, sd) in [(SIZES, HALF_NORMAL), (SIZES, fixed), (none, fixed)] {
                let a = adjustment(sizes, sd, Population::All, 2);
                let usual = counts_model(vec![pair((0, 0), (0, 0)); 3]);
                let usual = usual.with_baseline(baseline.clone());
                let model = of_rows(Model { pooling: pooling.clone(), ..usual }, &a, 3);
                let shift = Some(Nuisance::Location(LocationPrior::normal(0.2, 0.3)));
                let bias = SubgroupBias { shift, ..SubgroupBias::default() };
                let biased = model.observing(model.observation.clone().through(&vec![bias; 3]));
                for model in [model, biased] {
                    for baseline_of in [BaselineOf::Control, BaselineOf::Arms] {
                        let error = gradient_error(&model.with_baseline_of(baseline_of), 1);
                        assert!(
                            error < 1e-9,
                            "{pooling:?}, {baseline:?}, {sd:?}, {baseline_of:?}: {error:e}"
                        );
                    }
                }
            }
        }
    }
}

/// p₀ and p₁ of one subgroup averaged by hand.
fn by_hand(a: &Adjustment, g: usize, (alpha, theta): (f64, f64), gamma: &[f64], treated: bool) -> [f64; 2] {
    let p = &a.patterns;
    let (mut sums, mut all) = ([0.0; 2], 0.0);
    for i in (0..p.len()).filter(|&i| p.subgroup[i] as usize == g && (p.is_active(i) || !treated)) {
        let x: f64 = p.columns.iter().zip(gamma).map(|(c, gamma)| c[i] * gamma).sum();
        sums[0] += p.totals[i] * logistic(alpha + x);
        sums[1] += p.totals[i] * logistic(alpha + theta + x);
        all += p.totals[i];
    }
    sums.map(|s| s / all)
}

#[test]
fn standardised_risks_are_averages_over_the_declared_patients() {
    let sizes = Sizes { centres: 0, ..SIZES };
    let (alpha, theta, gamma) = (normals(3, 4, 1.0), normals(3, 5, 1.0), normals(4, 6, 0.8));
    for (population, treated) in [(Population::All, false), (Population::Treated, true)] {
        let a = adjustment(sizes, HALF_NORMAL, population, 8);
        let mut risks = [[0.0; 2]; 3];
        Rows::new(&a, 3).standardised((&alpha, &theta), (&gamma, &[]), &mut risks);
        for g in 0..3 {
            let expected = by_hand(&a, g, (alpha[g], theta[g]), &gamma, treated);
            close("control", risks[g][0], expected[0], 1e-14);
            close("active", risks[g][1], expected[1], 1e-14);
        }
    }
    let a = adjustment(sizes, HALF_NORMAL, Population::BaselineRisk(0.3), 8);
    let mut risks = [[0.0; 2]; 3];
    Rows::new(&a, 3).standardised((&alpha, &theta), (&gamma, &[]), &mut risks);
    for g in 0..3 {
        // Odds of 3/7 times the odds ratio.
        let odds = 3.0 / 7.0 * theta[g].exp();
        close("control", risks[g][0], 0.3, 1e-15);
        close("active", risks[g][1], odds / (1.0 + odds), 1e-15);
    }
}

#[test]
fn two_patients_by_hand() {
    // Subgroup of two patients with covariates −1 and 1, α = 0, θ = log 2, γ = log 3: odds without treatment 1/3 and 3,
    // with it 2/3 and 6; risks 1/4 and 3/4, 2/5 and 6/7.
    let sizes = Sizes { subgroups: 1, patterns: 2, terms: 1, centres: 0 };
    let mut a = adjustment(sizes, HALF_NORMAL, Population::All, 1);
    a.patterns.totals = vec![1.0, 1.0];
    a.patterns.columns = vec![vec![-1.0, 1.0]];
    let mut risks = [[0.0; 2]];
    let (theta, gamma) = (2.0_f64.ln(), 3.0_f64.ln());
    Rows::new(&a, 1).standardised((&[0.0], &[theta]), (&[gamma], &[]), &mut risks);
    close("control", risks[0][0], 0.5, 1e-15);
    close("active", risks[0][1], 22.0 / 35.0, 1e-15);
}

#[test]
fn coefficients_and_intercepts_are_found_again() {
    let sizes = Sizes { subgroups: 2, patterns: 6_000, terms: 3, centres: 30 };
    let a = adjustment(sizes, HALF_NORMAL, Population::All, 21);
    let model = of_rows(counts_model(vec![pair((0, 0), (0, 0)); 2]), &a, 2);
    let (alpha, theta) = ([-0.5, 0.3], [0.6, -0.4]);
    let (gamma, centres) = ([0.8, -0.5, 0.1], normals(30, 3, 0.6));
    let cells = [alpha[0], alpha[1], alpha[0] + theta[0], alpha[1] + theta[1]];
    let rows = model.observation.rows().expect("rows");
    let rows = rows.with_drawn_outcomes(&cells, (&gamma, &centres), &mut stream(5, 0, Purpose::Simulation));
    let model = with_rows(&model, rows);
    let hierarchy = Hierarchy::new(&model);
    let settings = Settings { seed: 3, chains: 1, ..Settings::default() };
    let mut chains = start(&hierarchy, hierarchy.middle(), &settings, &()).expect("a start");
    extend(&mut chains, 1_000, &());
    let mut scratch = hierarchy.scratch();
    let mut all: Vec<Vec<f64>> = Vec::new();
    for q in chains[0].draws.chunks(hierarchy.dim()) {
        let p = hierarchy.parameters(q, &[], &mut scratch);
        all.push(p.theta.iter().chain(p.gamma).chain(p.centres).copied().collect());
    }
    let truth: Vec<f64> = theta.iter().chain(&gamma).chain(&centres).copied().collect();
    let mut inside = 0;
    for (k, truth) in truth.iter().enumerate() {
        let n = all.len() as f64;
        let mean = all.iter().map(|row| row[k]).sum::<f64>() / n;
        let sd = (all.iter().map(|row| (row[k] - mean) * (row[k] - mean)).sum::<f64>() / n).sqrt();
        assert!((mean - truth).abs() < 4.0 * sd, "{k}: {mean} ± {sd}, truth {truth}");
        inside += usize::from((mean - truth).abs() < 1.96 * sd);
    }
    assert!(inside >= 28, "{inside} of {} within 95 %", truth.len());
}
