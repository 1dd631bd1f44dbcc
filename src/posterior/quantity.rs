//! A quantity of a posterior, as a distribution or as draws, and the numbers that are reported of it.

use std::borrow::Cow;
use std::cell::RefCell;

use super::diagnostics::{
    Diagnosed, Draws, Proportion, Workspace, diagnose, diagnose_monotone, diagnose_with_quantile_errors,
    proportion,
};
use super::direction::{mass_within, probability_of, region};
use super::estimand::{Axis, Measure, Statement};
use super::result::{Quantiles, Reported, Summary};
use super::reweighted::Weighed;
use crate::exact::Distribution;

/// One quantity.
pub enum Quantity<'a> {
    Exact(Box<dyn Distribution + 'a>),
    Sampled {
        values: Cow<'a, [f64]>,
        chains: usize,
        /// No exact number stands beside it: it is printed itself, with as many digits as it deserves.
        alone: bool,
    },
    /// Independent draws, from a prior: no diagnostics are needed.
    Simulated(Cow<'a, [f64]>),
    /// Draws of other fits with weights.
    Reweighted(Weighed<'a>),
}

/// How a quantity is reported.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    pub measure: Measure,
    /// The quantity is the logarithm of what is reported.
    pub logarithm: bool,
}

/// The numbers of a row: sampled, exact, both, or neither.
#[derive(Debug, Clone, Copy, Default)]
pub struct Found {
    pub reported: Reported,
    pub exact: Option<Summary>,
    /// The exact engine's integral did not prove itself, and its number is left out.
    pub unsettled: bool,
}

impl Found {
    pub fn is_nothing(&self) -> bool {
        self.exact.is_none() && self.reported.median.is_none()
    }
}

/// A probability: sampled, exact, both, or neither.
#[derive(Debug, Clone, Copy, Default)]
pub struct Chance {
    pub sampled: Option<Proportion>,
    pub exact: Option<f64>,
    /// As [`Found::unsettled`].
    pub unsettled: bool,
}

/// How far the probability below a quantile may be off.
const NEAR: f64 = 1e-6;

/// The exact summary; none where a grid behind it missed mass, or a quantile does not have the probability that it must.
fn proven(d: &dyn Distribution) -> Option<Summary> {
    let (mean, sd) = (d.mean(), d.sd());
    let at = [0.5, 0.025, 0.975];
    let q = at.map(|p| d.quantile(p));
    // All probability on one value.
    let known = sd == Some(0.0);
    let near = |(&p, &x): (&f64, &f64)| (d.cdf(x) - p).abs() < NEAR;
    let sound = q.iter().all(|x| x.is_finite()) && (known || at.iter().zip(&q).all(near));
    let quantiles = Quantiles { median: q[0], q2_5: q[1], q97_5: q[2] };
    (sound && d.is_settled()).then_some(Summary { mean, sd, quantiles })
}

impl Chance {
    /// None where the integral behind it did not prove itself.
    pub fn of_exact(p: f64, settled: bool) -> Chance {
        let sound = settled && p.is_finite();
        Chance { exact: sound.then_some(p), sampled: None, unsettled: !sound }
    }
}

impl Quantity<'_> {
    /// The summary on the quantity's own scale.
    pub fn summary(&self, workspace: &mut Workspace) -> Found {
        match self {
            Quantity::Exact(d) => {
                let exact = proven(&**d);
                Found { exact, unsettled: exact.is_none(), ..Found::default() }
            }
            Quantity::Sampled { values, chains, alone } => {
                let draws = Draws { values, chains: *chains };
                let (found, errors) = if *alone {
                    diagnose_with_quantile_errors(draws, workspace)
                } else {
                    (diagnose(draws, workspace), None)
                };
                Found { reported: reported(&found, errors), ..Found::default() }
            }
            Quantity::Simulated(values) => {
                let found = simulated(values);
                Found { reported: found, ..Found::default() }
            }
            Quantity::Reweighted(draws) => Found { reported: draws.reported(), ..Found::default() },
        }
    }

    /// The summary where this quantity is an increasing function of one whose summary is known: its ranks are the same, so
    /// draws need not be sorted again.
    pub fn summary_as_function(
        &self,
        of: &Found,
        function: impl Fn(f64) -> f64,
        workspace: &mut Workspace,
    ) -> Found {
        let (Quantity::Sampled { values, chains, alone: false }, r) = (self, &of.reported) else {
            return self.summary(workspace);
        };
        let at = |q: Option<f64>| q.map_or(f64::NAN, &function);
        let same = Diagnosed {
            mean: f64::NAN,
            sd: f64::NAN,
            median: at(r.median),
            q2_5: at(r.q2_5),
            q97_5: at(r.q97_5),
            mcse_mean: None,
            ess_bulk: r.ess_bulk,
            ess_tail: r.ess_tail,
            rhat: r.rhat,
        };
        let draws = Draws { values, chains: *chains };
        Found { reported: reported(&diagnose_monotone(same, draws, workspace), None), ..Found::default() }
    }

    /// The share of draws in an open interval, or the mass of the distribution there.
    fn chance_within(&self, (low, high): (f64, f64), workspace: &mut Workspace) -> Chance {
        let inside = |x: f64| low < x && x < high;
        match self {
            Quantity::Exact(d) => Chance::of_exact(mass_within((low, high), &|x| d.cdf(x)), d.is_settled()),
            Quantity::Sampled { values, chains, .. } => {
                let draws = Draws { values, chains: *chains };
                Chance { sampled: Some(proportion(draws, inside, workspace)), ..Chance::default() }
            }
            Quantity::Simulated(values) => {
                let held = values.iter().filter(|x| inside(**x)).count();
                let probability = held as f64 / values.len() as f64;
                let sampled = Some(Proportion { probability, ess: None, mcse: None });
                Chance { sampled, ..Chance::default() }
            }
            Quantity::Reweighted(draws) => {
                Chance { sampled: Some(draws.chance(inside)), ..Chance::default() }
            }
        }
    }

    /// P(quantity > 0).
    pub fn above_zero(&self, workspace: &mut Workspace) -> Chance {
        self.chance_within((0.0, f64::INFINITY), workspace)
    }
}

/// A quantity with the scale it is reported on.
#[derive(Clone, Copy)]
pub struct Reporting<'a> {
    pub quantity: &'a Quantity<'a>,
    pub scale: Scale,
}

impl Reporting<'_> {
    /// From the summary on the quantity's own scale. The mean of a ratio need not exist; its median and interval do.
    pub fn rescaled(&self, own: Found) -> Found {
        let out = |x: f64| if self.scale.logarithm { libm::exp(x) } else { x };
        let ratio = self.scale.measure.axis() == Axis::Ratio;
        let mut found = own;
        if let Some(summary) = &mut found.exact {
            let q = summary.quantiles;
            summary.quantiles = Quantiles { median: out(q.median), q2_5: out(q.q2_5), q97_5: out(q.q97_5) };
            if ratio {
                (summary.mean, summary.sd) = (None, None);
            }
        }
        let r = &mut found.reported;
        if self.scale.logarithm {
            // An error in the logarithm is a share of the ratio.
            let of = [r.median, r.q2_5, r.q97_5].map(|q| q.map_or(1.0, libm::exp));
            r.mcse_quantiles = r.mcse_quantiles.map(|e| [e[0] * of[0], e[1] * of[1], e[2] * of[2]]);
        }
        (r.median, r.q2_5, r.q97_5) = (r.median.map(out), r.q2_5.map(out), r.q97_5.map(out));
        if ratio {
            (r.mean, r.sd, r.mcse_mean) = (None, None, None);
        }
        found
    }

    /// The probabilities of several statements.
    pub fn chances(
        &self,
        statements: &[(Statement, f64)],
        sign: f64,
        workspace: &mut Workspace,
    ) -> Vec<Chance> {
        let axis = self.scale.measure.axis();
        let inward = |x: f64| if self.scale.logarithm { libm::log(x) } else { x };
        if let Quantity::Exact(d) = self.quantity {
            // The same few values are asked for again and again: benefit and harm share one, equivalence asks for two.
            let known = RefCell::new(Vec::<(f64, f64)>::new());
            let below = |x: f64| {
                let found = known.borrow().iter().find(|k| k.0 == x).map(|k| k.1);
                found.unwrap_or_else(|| {
                    let p = d.cdf(inward(x));
                    known.borrow_mut().push((x, p));
                    p
                })
            };
            let exact = |&(statement, t): &(Statement, f64)| probability_of(statement, t, axis, sign, &below);
            return statements.iter().map(|s| Chance::of_exact(exact(s), d.is_settled())).collect();
        }
        statements
            .iter()
            .map(|&(statement, t)| {
                let (low, high) = region(statement, t, axis, sign);
                let end = |x: f64| if x.is_finite() { inward(x) } else { x };
                self.quantity.chance_within((end(low), end(high)), workspace)
            })
            .collect()
    }
}

fn reported(d: &Diagnosed, mcse_quantiles: Option<[f64; 3]>) -> Reported {
    Reported {
        mean: Some(d.mean),
        sd: Some(d.sd),
        median: Some(d.median),
        q2_5: Some(d.q2_5),
        q97_5: Some(d.q97_5),
        mcse_mean: d.mcse_mean,
        ess_bulk: d.ess_bulk,
        ess_tail: d.ess_tail,
        rhat: d.rhat,
        mcse_quantiles,
    }
}

/// Median and interval of independent draws.
fn simulated(values: &[f64]) -> Reported {
    let mut values = values.to_vec();
    let last = values.len().max(1) - 1;
    let [low, middle, high] = [0.025, 0.5, 0.975].map(|p| (p * last as f64) as usize);
    // On either side of the median only what is there is looked through.
    let (below, median, above) = values.select_nth_unstable_by(middle, f64::total_cmp);
    let median = *median;
    let at = |side: &mut [f64], place: usize| {
        if place < side.len() { *side.select_nth_unstable_by(place, f64::total_cmp).1 } else { median }
    };
    let q2_5 = at(below, low);
    // At the median itself where there are but few draws.
    let q97_5 = if high > middle { at(above, high - middle - 1) } else { median };
    Reported { median: Some(median), q2_5: Some(q2_5), q97_5: Some(q97_5), ..Reported::default() }
}
