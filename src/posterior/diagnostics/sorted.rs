//! Draws in increasing order with their places, and quantiles.

/// A value and its place among the draws.
#[derive(Debug, Clone, Copy, Default)]
pub struct Entry {
    pub value: f64,
    pub index: usize,
}

/// The buffers of the sort.
#[derive(Debug, Clone, Default)]
pub struct Sorter {
    entries: Vec<Entry>,
    /// Positions in the bulk above, indices below.
    keys: Vec<u64>,
    half_sorted: Vec<u64>,
}

/// Positions in the bulk have two digits of so many bits: ten thousand draws then seldom share one.
const DIGIT: u32 = 11;
const DIGITS: usize = 1 << DIGIT;
/// Draws looked at to find the bulk.
const SAMPLED: usize = 64;
/// The sample's order statistics taken for its core: about its 5 % and 95 % quantiles.
const CORE: (usize, usize) = (3, 60);
/// The bulk reaches this many widths of the core beyond it on either side: four sd of a normal.
const REACH: f64 = 0.75;

impl Sorter {
    /// The draws in increasing order (`−0 < 0`; NaN at the ends by its sign).
    ///
    /// Comparisons of random draws are branches that can't be foreseen. So a radix sort orders them by their
    /// position in the bulk first; only draws that share a position, as ties and those outside do, are left to
    /// comparisons.
    pub fn sort(&mut self, values: &[f64]) -> &[Entry] {
        self.entries.clear();
        match bulk(values) {
            Some((low, width)) if u32::try_from(values.len()).is_ok() => {
                let per_width = 1.0 / width;
                let position = |value: f64| position((value - low) * per_width);
                self.sort_by_position(values, position);
                let same = |a: &Entry, b: &Entry| position(a.value) == position(b.value);
                self.entries.chunk_by_mut(same).for_each(sort_by_value);
            }
            _ => {
                self.entries.extend(values.iter().enumerate().map(|(index, &value)| Entry { value, index }));
                sort_by_value(&mut self.entries);
            }
        }
        &self.entries
    }

    /// A radix sort by two digits, the lower first.
    fn sort_by_position(&mut self, values: &[f64], position: impl Fn(f64) -> u32) {
        let mut starts = [[0; DIGITS]; 2];
        self.keys.clear();
        self.keys.extend((0..).zip(values).map(|(index, &value)| (u64::from(position(value)) << 32) | index));
        for key in &self.keys {
            starts[0][digit(*key, 0)] += 1;
            starts[1][digit(*key, 1)] += 1;
        }
        starts.iter_mut().for_each(accumulate);
        self.half_sorted.resize(values.len(), 0);
        for &key in &self.keys {
            let start = &mut starts[0][digit(key, 0)];
            self.half_sorted[*start] = key;
            *start += 1;
        }
        self.entries.resize(values.len(), Entry::default());
        for &key in &self.half_sorted {
            let start = &mut starts[1][digit(key, 1)];
            let index = key as u32 as usize;
            self.entries[*start] = Entry { value: values[index], index };
            *start += 1;
        }
    }

    /// The entries last sorted.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Leaves out the entries of some places.
    pub fn drop_places(&mut self, dropped: impl Fn(usize) -> bool) {
        self.entries.retain(|entry| !dropped(entry.index));
    }
}

/// A digit of a key's position.
#[inline]
fn digit(key: u64, place: u32) -> usize {
    (key >> (32 + place * DIGIT)) as usize % DIGITS
}

/// Counts to the sums of those before.
fn accumulate(counts: &mut [usize; DIGITS]) {
    let mut below = 0;
    for count in counts {
        below += std::mem::replace(count, below);
    }
}

/// Where a draw lies in the bulk, as a number of two digits; rounding never reverses the order of two draws.
#[inline]
fn position(share: f64) -> u32 {
    /// 2⁵²: added to a smaller number, its nearest whole number is in the low bits.
    const ROUNDER: f64 = 4_503_599_627_370_496.0;
    const LAST: f64 = (DIGITS * DIGITS - 1) as f64;
    let scaled = share * LAST;
    let scaled = if scaled > 0.0 { scaled } else { 0.0 };
    let scaled = if scaled < LAST { scaled } else { LAST };
    (scaled + ROUNDER).to_bits() as u32
}

/// Where the bulk of the draws begins and how wide it is, from a sample; none for few, for discrete draws or
/// for draws that are not finite.
fn bulk(values: &[f64]) -> Option<(f64, f64)> {
    // Without a branch for each value, so that the check is vectorised.
    let finite = values.iter().fold(true, |finite, value| finite & value.is_finite());
    if values.len() < 4 * SAMPLED || !finite {
        return None;
    }
    let step = values.len() / SAMPLED;
    let mut sample: [f64; SAMPLED] = std::array::from_fn(|i| values[i * step]);
    sample.sort_unstable_by(f64::total_cmp);
    let core = sample[CORE.1] - sample[CORE.0];
    let (low, width) = (sample[CORE.0] - REACH * core, (1.0 + 2.0 * REACH) * core);
    (low.is_finite() && width.is_finite() && width > 1e-300).then_some((low, width))
}

#[inline]
fn sort_by_value(entries: &mut [Entry]) {
    if entries.len() > 1 {
        entries.sort_unstable_by(|a, b| a.value.total_cmp(&b.value));
    }
}

/// The quantile of type 7 (R's default): linear between the order statistics around `1 + (S − 1) p`.
///
/// NaN for no draws, and wherever a NaN is among them.
pub fn quantile(sorted: &[Entry], p: f64) -> f64 {
    let (Some(first), Some(last)) = (sorted.first(), sorted.last()) else {
        return f64::NAN;
    };
    if first.value.is_nan() || last.value.is_nan() {
        return f64::NAN;
    }
    let position = 1.0 + (sorted.len() - 1) as f64 * p;
    let floor = libm::floor(position);
    let fraction = position - floor;
    let below = sorted[(floor as usize).clamp(1, sorted.len()) - 1].value;
    let above = sorted[(floor as usize).min(sorted.len() - 1)].value;
    // Equal values must stay equal, and infinite ones infinite.
    if fraction > 0.0 && above != below { (1.0 - fraction) * below + fraction * above } else { below }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pseudo_random(n: usize, f: impl Fn(f64) -> f64) -> Vec<f64> {
        (0..n).map(|i| f(((i * 7_919 + 13) % 10_007) as f64 / 10_007.0)).collect()
    }

    #[test]
    fn draws_with_heavy_tails_ties_and_odd_values_come_out_in_order() {
        let mut odd = pseudo_random(3_000, |u| libm::log(u / (1.0 - u)));
        odd[5] = f64::INFINITY;
        odd[77] = f64::NAN;
        odd[78] = -0.0;
        odd[1_500] = f64::NEG_INFINITY;
        let cases = [
            pseudo_random(5_000, |u| libm::tan(3.1 * (u - 0.5))),
            pseudo_random(5_000, |u| libm::floor(4.0 * u)),
            pseudo_random(5_000, |u| if u < 0.99 { 1.0 } else { u }),
            pseudo_random(5_000, |u| 1e-310 * u),
            pseudo_random(5_000, |u| 1.7e308 * (2.0 * u - 1.0)),
            pseudo_random(100, |u| u),
            odd,
        ];
        let mut sorter = Sorter::default();
        for values in cases {
            let sorted = sorter.sort(&values);
            assert!(sorted.windows(2).all(|w| w[0].value.total_cmp(&w[1].value).is_le()));
            let mut seen: Vec<usize> = sorted.iter().map(|e| e.index).collect();
            assert!(sorted.iter().all(|e| e.value.to_bits() == values[e.index].to_bits()));
            seen.sort_unstable();
            assert!(seen.into_iter().eq(0..values.len()));
        }
    }

    #[test]
    fn quantiles_lie_on_the_line_between_order_statistics() {
        let mut sorter = Sorter::default();
        let sorted = sorter.sort(&[4.0, 1.0, 3.0, 2.0]);
        assert_eq!(quantile(sorted, 0.0), 1.0);
        assert_eq!(quantile(sorted, 0.5), 2.5);
        assert_eq!(quantile(sorted, 0.25), 1.75);
        assert_eq!(quantile(sorted, 1.0), 4.0);
        assert!(quantile(&[], 0.5).is_nan());
        assert!(quantile(sorter.sort(&[1.0, f64::NAN]), 0.5).is_nan());
        assert_eq!(quantile(sorter.sort(&[1.0, f64::INFINITY, f64::INFINITY]), 0.75), f64::INFINITY);
    }
}
