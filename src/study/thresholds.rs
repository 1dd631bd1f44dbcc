//! Sizes of effect that are worth asking about.

use std::collections::BTreeMap;

use super::Measure;

/// Sizes of effect worth asking about, by measure, as magnitudes in either direction: above 1 for a ratio; between 0
/// and 1 for a risk difference, as a proportion; above 0 for a difference, in the outcome's units.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Thresholds {
    of: BTreeMap<Measure, Vec<f64>>,
    /// The threshold that matters most; none where the model file names none.
    pub primary: Option<(Measure, f64)>,
}

impl Thresholds {
    /// The thresholds of a measure, in increasing order; empty where it has none.
    pub fn of(&self, measure: Measure) -> &[f64] {
        self.of.get(&measure).map_or(&[], Vec::as_slice)
    }

    /// How many there are, of all measures.
    pub fn count(&self) -> usize {
        self.of.values().map(Vec::len).sum()
    }

    /// Replaces the thresholds of a measure; an empty list removes them.
    pub fn set(&mut self, measure: Measure, mut values: Vec<f64>) {
        values.sort_by(f64::total_cmp);
        if values.is_empty() {
            self.of.remove(&measure);
        } else {
            self.of.insert(measure, values);
        }
    }

    /// Adds a threshold to those of a measure, unless it is there already.
    pub fn include(&mut self, measure: Measure, t: f64) {
        let mut values = self.of(measure).to_vec();
        if !values.contains(&t) {
            values.push(t);
            self.set(measure, values);
        }
    }

    /// The thresholds of one measure alone.
    #[must_use]
    pub fn only(&self, measure: Measure) -> Thresholds {
        let mut kept =
            Thresholds { primary: self.primary.filter(|p| p.0 == measure), ..Thresholds::default() };
        kept.set(measure, self.of(measure).to_vec());
        kept
    }

    /// At no effect there is nothing to ask beyond benefit and harm.
    pub(crate) fn drop_nulls(&mut self) {
        for (measure, values) in &mut self.of {
            values.retain(|t| *t > measure.null());
        }
        self.of.retain(|_, values| !values.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_kept_by_measure_and_in_order() {
        let mut all = Thresholds::default();
        all.set(Measure::RiskDifference, vec![0.05, 0.02]);
        all.set(Measure::OddsRatio, vec![1.0, 1.25]);
        all.include(Measure::RiskDifference, 0.01);
        all.include(Measure::RiskDifference, 0.02);
        all.primary = Some((Measure::RiskDifference, 0.05));
        assert_eq!(all.of(Measure::RiskDifference), [0.01, 0.02, 0.05]);
        all.drop_nulls();
        assert_eq!(all.of(Measure::OddsRatio), [1.25]);
        assert_eq!(all.of(Measure::HazardRatio), [0.0; 0]);
        let ratios = all.only(Measure::OddsRatio);
        assert_eq!((ratios.of(Measure::OddsRatio), ratios.primary), (&[1.25][..], None));
        assert!(ratios.of(Measure::RiskDifference).is_empty());
    }
}
