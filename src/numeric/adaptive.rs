//! Adaptive integration over an interval.

/// Nodes of the 15-point Kronrod rule on (−1, 1), outermost first, and its weights (Kronrod 1965; values as in Piessens et al.,
/// "QUADPACK", 1983). Every second node, from the second on, is a node of the 7-point Gauss rule.
const NODES: [f64; 8] = [
    0.991_455_371_120_812_6,
    0.949_107_912_342_758_5,
    0.864_864_423_359_769_1,
    0.741_531_185_599_394_4,
    0.586_087_235_467_691_1,
    0.405_845_151_377_397_2,
    0.207_784_955_007_898_47,
    0.0,
];
const KRONROD: [f64; 8] = [
    0.022_935_322_010_529_224,
    0.063_092_092_629_978_55,
    0.104_790_010_322_250_18,
    0.140_653_259_715_525_92,
    0.169_004_726_639_267_9,
    0.190_350_578_064_785_4,
    0.204_432_940_075_298_9,
    0.209_482_141_084_727_82,
];
const GAUSS: [f64; 4] =
    [0.129_484_966_168_869_7, 0.279_705_391_489_276_64, 0.381_830_050_505_118_9, 0.417_959_183_673_469_4];

/// Two integrals over one interval, and how far they may be off.
#[derive(Debug, Clone, Copy)]
struct Panel {
    low: f64,
    high: f64,
    value: f64,
    error: f64,
}

impl Panel {
    fn new(
        low: f64,
        high: f64,
        f: &mut impl FnMut(f64) -> [f64; 2],
        witness: &impl Fn(f64, f64) -> f64,
    ) -> Panel {
        let (middle, half) = (0.5 * (low + high), 0.5 * (high - low));
        let centre = f(middle);
        let (mut kronrod, mut gauss) = (centre.map(|c| KRONROD[7] * c), GAUSS[3] * centre[0]);
        for i in 0..7 {
            let (left, right) = (f(middle - half * NODES[i]), f(middle + half * NODES[i]));
            for (sum, (a, b)) in kronrod.iter_mut().zip(left.into_iter().zip(right)) {
                *sum += KRONROD[i] * (a + b);
            }
            if i % 2 == 1 {
                gauss += GAUSS[i / 2] * (left[0] + right[0]);
            }
        }
        // That of the Gauss rule: the Kronrod rule is nearer, how much nearer depends on how smooth `f` is.
        let of_rule = half * (kronrod[0] - gauss).abs();
        // What the nodes have not seen neither rule tells.
        let unseen = (half * kronrod[1] - witness(low, high)).abs();
        let error = if unseen > UNSEEN { of_rule + unseen } else { of_rule };
        let error = if error.is_nan() { f64::INFINITY } else { error };
        Panel { low, high, value: half * kronrod[0], error }
    }
}

/// A panel whose witness is off by less is taken to have seen all: a distribution function that is interpolated between nodes
/// knows no better.
const UNSEEN: f64 = 2e-6;

/// An integral, and whether it is as near as was asked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Integral {
    /// The integral, as far as it was found.
    pub value: f64,
    /// Whether the estimated error is within the tolerance.
    pub settled: bool,
}

/// `∫ f₀` over the panels between neighbouring `edges`, of a function whose integral is of the order of 1: the worst panel is
/// halved until what is left of all errors is below `tolerance`, or `most` panels have been made.
///
/// `f` gives `f₀` and beside it a bound of it, f₁, whose integral from one place to another `witness` knows: a hill between
/// the nodes shows in that.
pub fn integrate(
    edges: &[f64],
    tolerance: f64,
    most: usize,
    mut f: impl FnMut(f64) -> [f64; 2],
    witness: impl Fn(f64, f64) -> f64,
) -> Integral {
    let mut panels: Vec<Panel> =
        edges.windows(2).filter(|w| w[0] < w[1]).map(|w| Panel::new(w[0], w[1], &mut f, &witness)).collect();
    let mut made = panels.len();
    let settled = loop {
        let left: f64 = panels.iter().map(|p| p.error).sum();
        if left <= tolerance {
            break true;
        }
        let Some((worst, panel)) =
            panels.iter().copied().enumerate().max_by(|a, b| a.1.error.total_cmp(&b.1.error))
        else {
            break true;
        };
        let middle = 0.5 * (panel.low + panel.high);
        if made >= most || middle <= panel.low || middle >= panel.high {
            break false;
        }
        panels[worst] = Panel::new(panel.low, middle, &mut f, &witness);
        panels.insert(worst + 1, Panel::new(middle, panel.high, &mut f, &witness));
        made += 2;
    };
    Integral { value: panels.iter().map(|p| p.value).sum(), settled }
}

#[cfg(test)]
mod tests {
    use super::super::{normal_cdf, normal_log_density};
    use super::*;

    #[test]
    fn the_rules_are_exact_for_the_polynomials_they_are_made_for() {
        for degree in 0..=22 {
            let power = |x: f64| libm::pow(x, f64::from(degree));
            let known = |_: f64, _: f64| 1.0 / f64::from(degree + 1);
            let found = Panel::new(0.0, 1.0, &mut |x| [power(x); 2], &known);
            assert!((found.value - 1.0 / f64::from(degree + 1)).abs() < 1e-15, "degree {degree}");
            if degree <= 13 {
                assert!(found.error < 1e-14, "degree {degree}");
            }
        }
    }

    #[test]
    fn a_step_inside_a_normal_and_a_root_at_an_end_are_integrated() {
        let normal = |x: f64| libm::exp(normal_log_density(x, 0.0, 1.0));
        let mass = |a: f64, b: f64| normal_cdf(b) - normal_cdf(a);
        let steep = |x: f64| [normal(x) * normal_cdf((x - 0.3) / 1e-3), normal(x)];
        let steep = integrate(&[-8.0, 8.0], 1e-10, 400, steep, mass);
        // The sum of two normals: P(X − 0.001 Z > 0.3).
        let expected = 1.0 - normal_cdf(0.3 / libm::sqrt(1.0 + 1e-6));
        assert!(steep.settled && (steep.value - expected).abs() < 1e-9, "{steep:?}");
        let root = integrate(&[0.0, 1.0], 1e-10, 400, |x| [libm::sqrt(x), 1.0], |a, b| b - a);
        assert!(root.settled && (root.value - 2.0 / 3.0).abs() < 1e-9, "{root:?}");
    }

    #[test]
    fn a_function_that_does_not_settle_says_so() {
        let length = |a: f64, b: f64| b - a;
        let step = |x: f64| [if x < 0.371 { 1.0 } else { 0.0 }, 1.0];
        assert!(!integrate(&[0.0, 1.0], 1e-12, 20, step, length).settled);
        assert!(!integrate(&[0.0, 1.0], 1e-12, 20, |_| [f64::NAN, 1.0], length).settled);
    }

    #[test]
    fn a_hill_that_no_node_meets_is_found_by_its_witness_or_not_settled() {
        let (place, width) = (371.0, 0.01);
        let normal = |x: f64| libm::exp(normal_log_density(x, place, width));
        let mass = |a: f64, b: f64| normal_cdf((b - place) / width) - normal_cdf((a - place) / width);
        let found = integrate(&[-1e4, 1e4], 1e-7, 200, |x| [0.5 * normal(x), normal(x)], mass);
        assert!(found.settled && (found.value - 0.5).abs() < 1e-7, "{found:?}");
        assert!(!integrate(&[-1e4, 1e4], 1e-7, 20, |x| [0.5 * normal(x), normal(x)], mass).settled);
    }
}
