//! One-dimensional posterior distributions.

use crate::numeric::{LogInterpolant, LogTable, Peak, invert_increasing};

/// The posterior or prior distribution of one quantity.
pub trait Distribution: Sync {
    /// The probability below `x`.
    fn cdf(&self, x: f64) -> f64;
    /// The value below which lies probability `p`, 0 < p < 1.
    fn quantile(&self, p: f64) -> f64;
    /// The mean; none where it does not exist or is not computed.
    fn mean(&self) -> Option<f64>;
    /// The standard deviation; none where it does not exist or is not computed.
    fn sd(&self) -> Option<f64>;
    /// Whether the grids behind the distribution hold the probability mass that they must. If not, none of its
    /// numbers can be relied on.
    fn is_settled(&self) -> bool {
        true
    }
    /// The logarithm of the density at each of these values; none where it has none that is computed.
    fn log_densities(&self, _x: &[f64]) -> Option<Vec<f64>> {
        None
    }
}

impl<T: Distribution + ?Sized> Distribution for &T {
    fn cdf(&self, x: f64) -> f64 {
        (**self).cdf(x)
    }

    fn quantile(&self, p: f64) -> f64 {
        (**self).quantile(p)
    }

    fn mean(&self) -> Option<f64> {
        (**self).mean()
    }

    fn sd(&self) -> Option<f64> {
        (**self).sd()
    }

    fn is_settled(&self) -> bool {
        (**self).is_settled()
    }

    fn log_densities(&self, x: &[f64]) -> Option<Vec<f64>> {
        (**self).log_densities(x)
    }
}

/// A quantity that is known: all probability on one value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PointMass(pub f64);

impl Distribution for PointMass {
    fn cdf(&self, x: f64) -> f64 {
        if x >= self.0 { 1.0 } else { 0.0 }
    }

    fn quantile(&self, _: f64) -> f64 {
        self.0
    }

    fn mean(&self) -> Option<f64> {
        Some(self.0)
    }

    fn sd(&self) -> Option<f64> {
        Some(0.0)
    }
}

/// What could not be integrated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost;

impl Distribution for Lost {
    fn cdf(&self, _: f64) -> f64 {
        f64::NAN
    }

    fn quantile(&self, _: f64) -> f64 {
        f64::NAN
    }

    fn mean(&self) -> Option<f64> {
        None
    }

    fn sd(&self) -> Option<f64> {
        None
    }

    fn is_settled(&self) -> bool {
        false
    }
}

/// The negative of a quantity with a continuous distribution.
#[derive(Debug, Clone, Copy)]
pub struct Negated<D>(pub D);

impl<D: Distribution> Distribution for Negated<D> {
    fn cdf(&self, x: f64) -> f64 {
        1.0 - self.0.cdf(-x)
    }

    fn quantile(&self, p: f64) -> f64 {
        -self.0.quantile(1.0 - p)
    }

    fn mean(&self) -> Option<f64> {
        self.0.mean().map(|m| -m)
    }

    fn sd(&self) -> Option<f64> {
        self.0.sd()
    }

    fn is_settled(&self) -> bool {
        self.0.is_settled()
    }
}

/// A tabulated density, with the number of moments that are known to exist.
#[derive(Debug, Clone)]
pub struct Tabulated {
    pub table: LogTable,
    /// Moments of order below this exist.
    pub moment_limit: f64,
    /// Mean and sd from elsewhere, for tails that the table cuts.
    pub moments: Option<(f64, f64)>,
    /// The table holds the mass that it must.
    pub settled: bool,
}

/// The part of a mass that a table may miss, and the part of a standard deviation by which its moments may be off.
const MISSED: f64 = 1e-5;
const MOVED: f64 = 1e-4;

/// Leaving out every other node may change the mass by so much: what nodes do not resolve, no sum over them does.
const UNRESOLVED: f64 = 3e-5;

impl Tabulated {
    /// Of a table that must hold `log_total`, and have the moments known from elsewhere if all of them exist.
    pub fn proven(
        table: LogTable,
        moment_limit: f64,
        moments: Option<(f64, f64)>,
        log_total: f64,
    ) -> Tabulated {
        let held = (table.log_mass - log_total).abs() < MISSED && table.halving_change < UNRESOLVED;
        let same = moments.filter(|_| moment_limit == f64::INFINITY).is_none_or(|(mean, sd)| {
            (table.mean() - mean).abs() < MOVED * sd && (table.sd() / sd - 1.0).abs() < MOVED
        });
        Tabulated { table, moment_limit, moments, settled: held && same }
    }
}

impl Distribution for Tabulated {
    fn cdf(&self, x: f64) -> f64 {
        self.table.cdf(x)
    }

    fn quantile(&self, p: f64) -> f64 {
        let x = &self.table.grid.x;
        let mass = &self.table.mass;
        // The ripples of the cumulative weights stay within two nodes of the plain sum.
        let mut below = 0.0;
        let crossing = mass
            .iter()
            .position(|&m| {
                below += m;
                below >= p
            })
            .unwrap_or(mass.len() - 1);
        let low = x[crossing.saturating_sub(3)];
        let high = x[(crossing + 3).min(x.len() - 1)];
        invert_increasing(low, high, p, |x| self.table.cdf(x))
    }

    fn mean(&self) -> Option<f64> {
        (self.moment_limit > 1.0).then(|| self.moments.map_or_else(|| self.table.mean(), |m| m.0))
    }

    fn sd(&self) -> Option<f64> {
        (self.moment_limit > 2.0).then(|| self.moments.map_or_else(|| self.table.sd(), |m| m.1))
    }

    fn is_settled(&self) -> bool {
        self.settled
    }

    fn log_densities(&self, x: &[f64]) -> Option<Vec<f64>> {
        let density = LogInterpolant::new(&self.table.grid, &self.table.log_density);
        Some(x.iter().map(|x| density.at(*x) - self.table.log_mass).collect())
    }
}

/// Where the bulk of a tabulated density lies. The moments of a heavy-tailed one can be far wider: then its quartiles tell.
pub fn bulk(table: &LogTable) -> Peak {
    let (sd, rough) = (table.sd(), table.rough_peak());
    if sd.is_finite() && sd < WIDER * rough.sd {
        Peak { centre: table.mean(), sd }
    } else {
        Peak { centre: rough.centre, sd: WIDE * rough.sd }
    }
}

/// A spread beyond so many times that of the normal with the same quartiles is the tails' alone; and the one taken instead.
const WIDER: f64 = 16.0;
const WIDE: f64 = 4.0;
