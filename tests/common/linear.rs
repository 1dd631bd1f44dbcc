//! Linear models: slopes against differences, and ranks of what data were made from.

use super::calibration::{DRAWS, THINNING, uniform_below};
use equipoise::density::LogDensity;
use equipoise::model::{At, Linear, LinearDensity};
use equipoise::sampler::{Purpose, Settings, extend, start, stream};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardUniform};
use rayon::prelude::*;

pub fn uniform(rng: &mut ChaCha8Rng) -> f64 {
    StandardUniform.sample(rng)
}

/// Every slope of the density is the difference of its values, at points all over.
pub fn slopes_are_differences(model: &Linear, title: &str) {
    let density = LinearDensity::new(model);
    let d = density.dim();
    let mut scratch = density.scratch();
    let mut gradient = vec![0.0; d];
    for trial in 0..5 {
        let mut rng = stream(trial, 0, Purpose::Start);
        let q: Vec<f64> = (0..d).map(|_| 3.0 * uniform(&mut rng) - 1.5).collect();
        let value = density.evaluate(&q, &mut gradient, &mut scratch);
        assert!(value.is_finite());
        let analytic = gradient.clone();
        for i in 0..d {
            let mut at = |by: f64| {
                let mut q = q.clone();
                q[i] += by;
                density.evaluate(&q, &mut gradient, &mut scratch)
            };
            let h = 1e-4;
            let difference = (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h);
            // A density of thousands is known to fewer digits after the point.
            let error = (difference - analytic[i]).abs() / (1.0 + analytic[i].abs() + 1e-3 * value.abs());
            assert!(error < 1e-7, "{title}, coordinate {i}: {difference} {}", analytic[i]);
        }
    }
}

/// Ranks of standard deviations, coefficients, log odds and the log likelihood among draws of the posterior.
pub fn ranks(model: &Linear, replications: usize, target_acceptance: f64) -> Vec<Vec<usize>> {
    let of_one = |replication: usize| {
        let seed = 0x5bc1_0000_0000 + replication as u64;
        let mut rng = stream(seed, 0, Purpose::Prior);
        let mut scales = vec![0.0; model.scales.len()];
        let mut coefficients = vec![0.0; model.coefficients.len()];
        let mut predictors = vec![0.0; model.cells.len()];
        assert!(model.draw_prior((&mut rng, 1.0), (&mut scales, &mut coefficients)));
        model.predictors(&coefficients, &mut predictors);
        let mut rng = stream(seed, 0, Purpose::Simulation);
        let at = At { coefficients: &coefficients, scales: &scales, predictors: &predictors };
        let observed = model.with_drawn_data(at, &mut rng);
        let density = LinearDensity::new(&observed);
        let settings = Settings { seed, chains: 1, warmup: 150, target_acceptance, ..Settings::default() };
        let mut chains = start(&density, density.middle(), &settings, &()).expect("a start");
        extend(&mut chains, DRAWS * THINNING, &());
        let quantities = |at: At<'_>| -> Vec<f64> {
            let each = at.scales.iter().chain(at.coefficients).chain(at.predictors).copied();
            each.chain([observed.log_likelihood(at)]).collect()
        };
        let truth = quantities(at);
        let mut scratch = density.scratch();
        let mut below = vec![0; truth.len()];
        let mut ties = vec![0; truth.len()];
        for q in chains[0].draws.chunks(density.dim()).skip(THINNING - 1).step_by(THINNING) {
            let at = density.at(q, &mut scratch);
            for (k, x) in quantities(at).into_iter().enumerate() {
                below[k] += usize::from(x < truth[k]);
                ties[k] += usize::from(x == truth[k]);
            }
        }
        let mut rng = stream(seed, 1, Purpose::Simulation);
        below.into_iter().zip(ties).map(|(b, t)| b + uniform_below(t + 1, &mut rng)).collect::<Vec<usize>>()
    };
    (0..replications).into_par_iter().map(of_one).collect()
}
