//! Averages over simulated studies, with their Monte Carlo errors.

use serde::Serialize;

/// An average and its standard error over replications.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Mean {
    /// The average.
    pub value: f64,
    /// Its Monte Carlo standard error.
    pub mcse: f64,
}

impl Mean {
    /// The average of independent values.
    pub fn of(values: impl Iterator<Item = f64> + Clone) -> Mean {
        let n = values.clone().count().max(1) as f64;
        let value = values.clone().sum::<f64>() / n;
        let variance = values.map(|x| (x - value) * (x - value)).sum::<f64>() / (n - 1.0).max(1.0);
        Mean { value, mcse: libm::sqrt(variance / n) }
    }

    /// The share of cases in which something holds. Where it holds always or never the error is that of one case more on the
    /// other side.
    pub fn share(cases: impl Iterator<Item = bool>) -> Mean {
        let (mut yes, mut all) = (0.0, 0.0);
        for case in cases {
            yes += f64::from(u8::from(case));
            all += 1.0;
        }
        if all == 0.0 {
            return Mean { value: f64::NAN, mcse: f64::NAN };
        }
        let value = yes / all;
        let for_error = if yes == 0.0 || yes == all { (yes + 1.0) / (all + 2.0) } else { value };
        Mean { value, mcse: libm::sqrt(for_error * (1.0 - for_error) / all) }
    }

    /// The mean of y where the mean of x, drawn beside it, is known: what the two have in common is taken out.
    pub fn controlled(pairs: &[(f64, f64)], known: f64) -> Mean {
        let n = pairs.len().max(1) as f64;
        let mean = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / n;
        let (my, mx) = (mean(|p| p.0), mean(|p| p.1));
        let (mut xx, mut xy) = (0.0, 0.0);
        for (y, x) in pairs {
            xx += (x - mx) * (x - mx);
            xy += (x - mx) * (y - my);
        }
        let slope = if xx > 0.0 { xy / xx } else { 0.0 };
        let residual = |(y, x): &(f64, f64)| {
            let r = (y - my) - slope * (x - mx);
            r * r
        };
        let variance = pairs.iter().map(residual).sum::<f64>() / (n - 2.0).max(1.0);
        Mean { value: my - slope * (mx - known), mcse: libm::sqrt(variance / n) }
    }
}

#[cfg(test)]
mod tests {
    use super::Mean;

    #[test]
    fn what_is_a_line_of_the_control_has_no_error() {
        let pairs: Vec<(f64, f64)> = (0..50).map(|i| (3.0 - 2.0 * f64::from(i), f64::from(i))).collect();
        let mean = Mean::controlled(&pairs, 20.0);
        assert!((mean.value + 37.0).abs() < 1e-12 && mean.mcse < 1e-12, "{mean:?}");
    }

    #[test]
    fn a_share_has_the_error_of_a_binomial() {
        let share = Mean::share((0..400).map(|i| i % 4 == 0));
        assert!((share.value - 0.25).abs() < 1e-15);
        assert!((share.mcse - (0.25_f64 * 0.75 / 400.0).sqrt()).abs() < 1e-15);
        assert!(Mean::share((0..100).map(|_| false)).mcse > 0.0);
    }
}
