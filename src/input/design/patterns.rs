//! Rows that are alike become one cell.

use std::cmp::Ordering;

use crate::study::Patterns;

/// Rows as they were read; columns of one length.
pub struct Raw<'a> {
    pub subgroup: &'a [u32],
    pub arm: &'a [u8],
    /// Empty where there are no centres.
    pub centre: &'a [u32],
    pub events: &'a [u32],
    pub totals: &'a [u32],
    /// Empty for outcomes without ordered levels.
    pub level: &'a [u32],
    pub columns: &'a [Vec<f64>],
}

impl Raw<'_> {
    /// Patterns in the order of subgroup, arm, centre and values, whatever the order of rows; with the first row of each.
    pub fn merged(&self) -> (Patterns, Vec<u32>) {
        let mut order: Vec<u32> =
            (0..self.totals.len() as u32).filter(|&i| self.totals[i as usize] > 0).collect();
        order.sort_unstable_by(|&a, &b| self.compare(a as usize, b as usize).then(a.cmp(&b)));
        let mut out = Patterns { columns: vec![Vec::new(); self.columns.len()], ..Patterns::default() };
        let mut first_rows = Vec::new();
        let mut last = None;
        for i in order.into_iter().map(|i| i as usize) {
            if last.is_some_and(|l| self.compare(l, i) == Ordering::Equal)
                && let (Some(events), Some(total)) = (out.events.last_mut(), out.totals.last_mut())
            {
                *events += f64::from(self.events[i]);
                *total += f64::from(self.totals[i]);
                continue;
            }
            last = Some(i);
            first_rows.push(i as u32);
            out.subgroup.push(self.subgroup[i]);
            out.arm.push(self.arm[i]);
            out.centre.extend(self.centre.get(i));
            out.level.extend(self.level.get(i));
            out.events.push(f64::from(self.events[i]));
            out.totals.push(f64::from(self.totals[i]));
            out.columns.iter_mut().zip(self.columns).for_each(|(to, from)| to.push(from[i]));
        }
        (out, first_rows)
    }

    fn compare(&self, a: usize, b: usize) -> Ordering {
        let whole = |i: usize| (self.subgroup[i], self.arm[i], self.centre.get(i));
        let values = || self.columns.iter().map(|c| c[a].total_cmp(&c[b])).find(|o| o.is_ne());
        let levels = || self.level.get(a).cmp(&self.level.get(b));
        whole(a).cmp(&whole(b)).then_with(|| values().unwrap_or(Ordering::Equal)).then_with(levels)
    }
}

impl Patterns {
    /// Centres column `k` by its mean over the patients and divides it by their standard deviation (with n − 1); both. A
    /// column that does not vary is only centred.
    pub(super) fn standardise(&mut self, k: usize) -> (f64, f64) {
        let column = &mut self.columns[k];
        let all: f64 = self.totals.iter().sum();
        // From the first value on, so that a constant column has no variance at all.
        let origin = column.first().copied().unwrap_or(0.0);
        let mean = origin + column.iter().zip(&self.totals).map(|(x, n)| n * (x - origin)).sum::<f64>() / all;
        let squares: f64 = column.iter().zip(&self.totals).map(|(x, n)| n * (x - mean) * (x - mean)).sum();
        let sd = (squares / (all - 1.0)).sqrt();
        let unit = if sd > 0.0 { sd } else { 1.0 };
        column.iter_mut().for_each(|x| *x = (*x - mean) / unit);
        (mean, sd)
    }
}
