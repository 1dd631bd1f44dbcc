//! Golden values, and the definitions written out plainly.

use serde_json::Value;

use super::*;
use crate::numeric::normal_quantile;

/// The generator described in the reference file.
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = self.0;
        let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn noise(&mut self) -> f64 {
        (0..12).map(|_| (self.next() >> 11) as f64 / 9_007_199_254_740_992.0).sum::<f64>() - 6.0
    }
}

/// Four chains of the reference file.
fn autoregressive(phi: f64, shift: f64, length: usize) -> Vec<f64> {
    let mut random = SplitMix64(20_240_601);
    let mut draws = Vec::new();
    for chain in 0..4 {
        let mut x = 0.0;
        for _ in 0..length {
            x = phi * x + random.noise();
            draws.push(x + shift * f64::from(chain));
        }
    }
    draws
}

/// The definitions, written for clarity: chains as vectors, ranks by search, no shared work.
mod textbook {
    use super::normal_quantile;

    pub type Chains = Vec<Vec<f64>>;

    pub fn chains(values: &[f64], chains: usize) -> Chains {
        values.chunks_exact(values.len() / chains).map(<[f64]>::to_vec).collect()
    }

    pub fn split(chains: &Chains) -> Chains {
        let halves = |c: &Vec<f64>| [c[..c.len() / 2].to_vec(), c[c.len().div_ceil(2)..].to_vec()];
        chains.iter().flat_map(halves).collect()
    }

    pub fn map(chains: &Chains, f: impl Fn(f64) -> f64) -> Chains {
        chains.iter().map(|c| c.iter().map(|&x| f(x)).collect()).collect()
    }

    pub fn mean(x: &[f64]) -> f64 {
        x.iter().sum::<f64>() / x.len() as f64
    }

    pub fn variance(x: &[f64]) -> f64 {
        let m = mean(x);
        x.iter().map(|v| (v - m) * (v - m)).sum::<f64>() / (x.len() as f64 - 1.0)
    }

    pub fn quantile(chains: &Chains, p: f64) -> f64 {
        let mut all = chains.concat();
        all.sort_by(f64::total_cmp);
        let position = (all.len() - 1) as f64 * p;
        let below = position.floor() as usize;
        let above = (below + 1).min(all.len() - 1);
        let fraction = position - below as f64;
        // In this form the median is rounded once; whether its neighbours' distances tie depends on the last
        // bit.
        (1.0 - fraction) * all[below] + fraction * all[above]
    }

    pub fn scores(chains: &Chains) -> Chains {
        let mut all = chains.concat();
        all.sort_by(f64::total_cmp);
        map(chains, |x| {
            let below = all.partition_point(|&v| v < x) as f64;
            let equal = all.partition_point(|&v| v <= x) as f64 - below;
            normal_quantile((below + (equal + 1.0) / 2.0 - 0.375) / (all.len() as f64 + 0.25))
        })
    }

    fn split_rhat(chains: &Chains) -> f64 {
        let n = chains[0].len() as f64;
        let between = n * variance(&chains.iter().map(|c| mean(c)).collect::<Vec<_>>());
        let within = mean(&chains.iter().map(|c| variance(c)).collect::<Vec<_>>());
        ((between / within + n - 1.0) / n).sqrt()
    }

    fn is_constant(chains: &Chains) -> bool {
        chains.concat().iter().all(|&x| x == chains[0][0])
    }

    pub fn rhat(chains: &Chains) -> f64 {
        let median = quantile(chains, 0.5);
        let folded = map(chains, |x| (x - median).abs());
        if is_constant(&split(chains)) || is_constant(&split(&folded)) {
            return f64::NAN;
        }
        split_rhat(&scores(&split(chains))).max(split_rhat(&scores(&split(&folded))))
    }

    fn autocovariance(x: &[f64], lag: usize) -> f64 {
        let m = mean(x);
        (0..x.len() - lag).map(|i| (x[i] - m) * (x[i + lag] - m)).sum::<f64>() / x.len() as f64
    }

    /// As posterior's `.ess`, line by line, of chains already split; its vectors begin at 1.
    pub fn ess(chains: &Chains) -> f64 {
        let (m, n) = (chains.len(), chains[0].len());
        if n < 3 || is_constant(chains) {
            return f64::NAN;
        }
        let acov = |t| mean(&chains.iter().map(|c| autocovariance(c, t)).collect::<Vec<_>>());
        let mean_var = acov(0) * n as f64 / (n as f64 - 1.0);
        let var_plus = acov(0) + variance(&chains.iter().map(|c| mean(c)).collect::<Vec<_>>());
        let mut rho = vec![0.0; n + 2];
        let mut t = 0;
        let (mut even, mut odd) = (1.0, 1.0 - (mean_var - acov(1)) / var_plus);
        (rho[1], rho[2]) = (even, odd);
        while (t as i64) < n as i64 - 5 && even + odd > 0.0 {
            t += 2;
            even = 1.0 - (mean_var - acov(t)) / var_plus;
            odd = 1.0 - (mean_var - acov(t + 1)) / var_plus;
            if even + odd >= 0.0 {
                (rho[t + 1], rho[t + 2]) = (even, odd);
            }
        }
        let max_t = t;
        if even > 0.0 {
            rho[max_t + 1] = even;
        }
        t = 0;
        while t as i64 <= max_t as i64 - 4 {
            t += 2;
            if rho[t + 1] + rho[t + 2] > rho[t - 1] + rho[t] {
                rho[t + 1] = (rho[t - 1] + rho[t]) / 2.0;
                rho[t + 2] = rho[t + 1];
            }
        }
        let total = (m * n) as f64;
        // R's 1:0 is c(1, 0), and element 0 is none.
        let sum: f64 = rho[1..=max_t.max(1)].iter().sum();
        let tau = -1.0 + 2.0 * sum + rho[max_t + 1];
        total / tau.max(1.0 / total.log10())
    }

    pub fn ess_quantile(chains: &Chains, p: f64) -> f64 {
        let threshold = quantile(chains, p);
        ess(&split(&map(chains, |x| f64::from(u8::from(x <= threshold)))))
    }
}

#[track_caller]
fn assert_close(found: f64, expected: f64, tolerance: f64, what: &str) {
    let error = (found / expected - 1.0).abs();
    assert!(error <= tolerance, "{what}: found {found}, expected {expected}, relative error {error:e}");
}

#[test]
fn the_golden_values_of_the_package_posterior_are_met() {
    let reference: Value =
        serde_json::from_str(include_str!("../../../tests/reference/diagnostics.json")).unwrap();
    let cases = reference["cases"].as_object().unwrap();
    assert_eq!(cases.len(), 4);
    let workspace = &mut Workspace::default();
    for (name, case) in cases {
        let golden = |key: &str| case[key].as_f64().unwrap();
        let values = autoregressive(golden("phi"), golden("shift"), 500);
        assert_close(values[0], golden("first"), 1e-14, name);
        assert_close(values[1_999], golden("last"), 1e-14, name);
        let draws = Draws { values: &values, chains: 4 };
        let all = diagnose(draws, workspace);
        let positive = proportion(draws, |x| x > 0.0, workspace);
        for (key, found) in [
            ("rhat", all.rhat),
            ("ess_bulk", all.ess_bulk),
            ("ess_tail", all.ess_tail),
            ("mcse_mean", all.mcse_mean),
            ("rhat", rhat(draws, workspace)),
            ("ess_bulk", ess_bulk(draws, workspace)),
            ("ess_tail", ess_tail(draws, workspace)),
            ("ess_mean", ess_mean(draws, workspace)),
            ("mcse_mean", mcse_mean(draws, workspace)),
            ("mcse_sd", mcse_sd(draws, workspace)),
            ("mcse_q05", mcse_quantile(draws, 0.05, workspace)),
            ("mcse_q50", mcse_quantile(draws, 0.5, workspace)),
            ("mcse_q95", mcse_quantile(draws, 0.95, workspace)),
            ("nested_rhat_raw", nested_rhat(draws, &[0, 0, 1, 1])),
            ("p_gt_0", Some(positive.probability)),
            ("p_ess", positive.ess),
            ("p_mcse", positive.mcse),
        ] {
            assert_close(found.unwrap(), golden(key), 1e-8, &format!("{name}, {key}"));
        }
    }
}

#[test]
fn one_sort_gives_what_the_plain_definitions_give_with_ties_and_odd_lengths_too() {
    let workspace = &mut Workspace::default();
    let roundings: [fn(f64) -> f64; 3] = [|x| x, |x| (2.0 * x).round() / 2.0, |x| x.max(-0.5).round()];
    for (phi, shift) in [(0.0, 0.0), (0.9, 0.0), (-0.8, 0.3), (0.99, 0.0), (-0.99, 0.0), (0.2, 3.0)] {
        for (length, round) in (6..40).chain([101, 150, 257]).flat_map(|n| roundings.map(|f| (n, f))) {
            let values: Vec<f64> = autoregressive(phi, shift, length).into_iter().map(round).collect();
            for chains in [1, 4] {
                compare(&values, chains, workspace);
            }
        }
    }
}

fn compare(values: &[f64], chains: usize, workspace: &mut Workspace) {
    let draws = Draws { values, chains };
    let plain = textbook::chains(values, chains);
    let found = diagnose(draws, workspace);
    let what = format!("{chains} chains, {} draws", values.len());
    let close = |found: Option<f64>, expected: f64| {
        // The plain definitions give NaN, or rounding noise over zero, where there is nothing to tell.
        assert_eq!(found.is_some(), expected.is_finite(), "{what}: {found:?}, {expected}");
        assert_close(found.unwrap_or(1.0), if expected.is_finite() { expected } else { 1.0 }, 1e-9, &what);
    };
    let sd = textbook::variance(values).sqrt();
    close(found.rhat, textbook::rhat(&plain));
    close(found.ess_bulk, textbook::ess(&textbook::scores(&textbook::split(&plain))));
    let tails = [0.05, 0.95].map(|p| textbook::ess_quantile(&plain, p));
    close(found.ess_tail, if tails.iter().any(|t| t.is_nan()) { f64::NAN } else { tails[0].min(tails[1]) });
    close(found.mcse_mean, sd / textbook::ess(&textbook::split(&plain)).sqrt());
    close(Some(found.sd), sd);
    assert!((found.mean - textbook::mean(values)).abs() < 1e-13);
    for (found, p) in [(found.q2_5, 0.025), (found.median, 0.5), (found.q97_5, 0.975)] {
        assert!((found - textbook::quantile(&plain, p)).abs() < 1e-13);
    }
}

#[test]
fn a_proportion_is_the_mean_of_its_indicator_and_has_its_effective_size() {
    let workspace = &mut Workspace::default();
    for (phi, length) in [(0.0, 500), (0.95, 501), (-0.7, 77), (0.5, 128), (0.3, 6)] {
        let values = autoregressive(phi, 0.1, length);
        let indicator: Vec<f64> = values.iter().map(|&x| f64::from(u8::from(x > 0.4))).collect();
        let found = proportion(Draws { values: &values, chains: 4 }, |x| x > 0.4, workspace);
        let p = textbook::mean(&indicator);
        let ess = ess_mean(Draws { values: &indicator, chains: 4 }, workspace).unwrap();
        assert_close(found.probability, p, 1e-15, "probability");
        assert_close(found.ess.unwrap(), ess, 1e-11, "ess");
        assert_close(found.mcse.unwrap(), (p * (1.0 - p) / ess).sqrt(), 1e-11, "mcse");
    }
}

#[test]
fn an_event_on_which_all_draws_agree_has_a_probability_and_no_error() {
    let values = autoregressive(0.0, 0.0, 100);
    let draws = Draws { values: &values, chains: 4 };
    let workspace = &mut Workspace::default();
    let sure = proportion(draws, |x| x < 7.0, workspace);
    assert_eq!(sure, Proportion { probability: 1.0, ess: None, mcse: None });
    let never = proportion(draws, |x| x > 7.0, workspace);
    assert_eq!(never, Proportion { probability: 0.0, ess: None, mcse: None });
}

#[test]
fn constant_draws_have_a_summary_and_no_diagnostics() {
    let values = [0.1; 4 * 25];
    let draws = Draws { values: &values, chains: 4 };
    let workspace = &mut Workspace::default();
    let found = diagnose(draws, workspace);
    assert_eq!([found.mean, found.sd, found.median, found.q2_5, found.q97_5], [0.1, 0.0, 0.1, 0.1, 0.1]);
    assert_eq!([found.rhat, found.ess_bulk, found.ess_tail, found.mcse_mean], [None; 4]);
    assert_eq!(ess_mean(draws, workspace), None);
    assert_eq!(mcse_sd(draws, workspace), None);
    assert_eq!(mcse_quantile(draws, 0.5, workspace), None);
    assert_eq!(nested_rhat(draws, &[0, 0, 1, 1]), None);
    assert_eq!(ebfmi(&values), None);
}

#[test]
fn chains_that_are_constant_each_at_its_own_value_have_a_huge_rhat_and_few_effective_draws() {
    let values: Vec<f64> = (0..400).map(|i| f64::from(i / 100)).collect();
    let found = diagnose(Draws { values: &values, chains: 4 }, &mut Workspace::default());
    assert!(found.rhat.unwrap() > 1e6);
    assert!(found.ess_bulk.unwrap() < 5.0);
}

#[test]
fn draws_that_are_not_finite_too_few_or_none_are_not_diagnosed_and_never_panic() {
    let workspace = &mut Workspace::default();
    for bad in [f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut values = autoregressive(0.0, 0.0, 100);
        values[17] = bad;
        let draws = Draws { values: &values, chains: 4 };
        let found = diagnose(draws, workspace);
        assert_eq!([found.rhat, found.ess_bulk, found.ess_tail, found.mcse_mean], [None; 4]);
        assert_eq!(found.median.is_nan(), bad.is_nan());
        assert_eq!([mcse_mean(draws, workspace), mcse_sd(draws, workspace), ebfmi(&values)], [None; 3]);
    }
    let values = autoregressive(0.0, 0.0, 100);
    for (n, chains) in [(0, 0), (0, 4), (3, 0), (1, 1), (3, 1), (3, 4), (12, 4), (15, 4)] {
        let draws = Draws { values: &values[..n], chains };
        let found = diagnose(draws, workspace);
        assert_eq!([found.rhat, found.ess_bulk, found.ess_tail, found.mcse_mean], [None; 4]);
        assert_eq!(found.mean.is_nan(), n < chains || chains == 0 || n == 0);
        assert_eq!(proportion(draws, |x| x > 0.0, workspace).ess, None);
        assert_eq!(mcse_quantile(draws, 0.5, workspace), None);
        assert_eq!(nested_rhat(draws, &vec![0; chains]), None);
    }
}

#[test]
fn the_largest_and_smallest_numbers_do_no_harm() {
    let workspace = &mut Workspace::default();
    for scale in [1e307, 1e-320, 1e-300] {
        let values: Vec<f64> = autoregressive(0.0, 0.0, 200).into_iter().map(|x| x * scale).collect();
        let draws = Draws { values: &values, chains: 4 };
        let found = diagnose(draws, workspace);
        assert!(found.ess_bulk.unwrap() > 100.0 && found.rhat.unwrap() < 1.1);
        mcse_sd(draws, workspace);
        nested_rhat(draws, &[0, 1, 0, 1]);
    }
}

#[test]
fn a_workspace_forgets_the_quantity_before() {
    let shared = &mut Workspace::default();
    for length in [500, 11, 2_500, 40, 41, 500] {
        let values = autoregressive(0.4, 0.0, length);
        let draws = Draws { values: &values, chains: 4 };
        assert_eq!(diagnose(draws, shared), diagnose(draws, &mut Workspace::default()));
    }
}

#[test]
fn nested_rhat_needs_several_superchains_of_equal_size() {
    let values = autoregressive(0.0, 0.0, 50);
    let draws = Draws { values: &values, chains: 4 };
    assert!(nested_rhat(draws, &[7, 7, 3, 3]).is_some());
    assert_eq!(nested_rhat(draws, &[7, 7, 3, 3]), nested_rhat(draws, &[0, 0, 1, 1]));
    assert_eq!(nested_rhat(draws, &[0, 0, 0, 0]), None);
    assert_eq!(nested_rhat(draws, &[0, 0, 0, 1]), None);
    assert_eq!(nested_rhat(draws, &[0, 1]), None);
}

#[test]
fn ebfmi_is_two_for_independent_energies_and_small_for_a_slow_walk() {
    assert!((ebfmi(&autoregressive(0.0, 0.0, 500)).unwrap() - 2.0).abs() < 0.2);
    assert!(ebfmi(&autoregressive(0.95, 0.0, 500)).unwrap() < 0.3);
    // Σ of squared steps 1 + 1 + 1, Σ of squared deviations 2.25 + 0.25 + 0.25 + 2.25.
    assert_eq!(ebfmi(&[1.0, 2.0, 3.0, 4.0]), Some(3.0 / 5.0));
}
