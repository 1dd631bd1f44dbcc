//! Rows in the order in which the kernel passes over them.

use std::ops::Range;

use super::kernel::{LANES, Layout, Section};
use super::{TASK, cell};
use crate::study::Patterns;

/// Rows of a cell below which most of a section would be padding.
const FEW: usize = 2 * LANES;

impl Layout {
    /// Sections by subgroup and arm; in each, rows of one patient first, as far as they fill lanes.
    pub fn new(patterns: &Patterns, subgroups: usize, centres: bool) -> Layout {
        let cells: Vec<[u32; 2]> = (0..patterns.len())
            .map(|i| [cell(patterns.subgroup[i] as usize, patterns.is_active(i), subgroups) as u32; 2])
            .collect();
        Layout::by_section(patterns, &cells, centres)
    }

    /// The same, of cells that may be too many and too small for sections of their own.
    pub fn of_cells(patterns: &Patterns, subgroups: usize, centres: bool) -> Layout {
        Layout::of_cells_with(FEW, patterns, subgroups, centres)
    }

    /// The same, of cells of which sections of fewer than `least` rows on average are too small.
    pub fn of_cells_with(least: usize, patterns: &Patterns, subgroups: usize, centres: bool) -> Layout {
        if patterns.len() >= least * 2 * subgroups {
            return Layout::new(patterns, subgroups, centres);
        }
        let cells: Vec<[u32; 2]> = (0..patterns.len())
            .map(|i| [cell(patterns.subgroup[i] as usize, patterns.is_active(i), subgroups) as u32; 2])
            .collect();
        Layout { beside: Vec::new(), ..Layout::mixed(patterns, &cells, centres) }
    }

    /// Rows of patients with levels, each an event of the cut below its level and none of the cut above it; beyond the outermost
    /// cuts is a cell after all others.
    pub fn between(patterns: &Patterns, (subgroups, cuts): (usize, usize), centres: bool) -> Layout {
        let beyond = (2 * subgroups * cuts) as u32;
        let cells: Vec<[u32; 2]> = (0..patterns.len())
            .map(|i| {
                let level = patterns.level.get(i).map_or(0, |level| *level as usize);
                let first = patterns.subgroup[i] as usize * cuts;
                let at = |cut: usize| cell(first + cut, patterns.is_active(i), subgroups * cuts) as u32;
                [level.checked_sub(1).map_or(beyond, at), if level < cuts { at(level) } else { beyond }]
            })
            .collect();
        let many = patterns.len() >= FEW * 2 * subgroups * (cuts + 1);
        let layout = if many {
            Layout::by_section(patterns, &cells, centres)
        } else {
            Layout::mixed(patterns, &cells, centres)
        };
        Layout { between: true, ..layout }
    }

    /// Sections of rows that have both cells in common, in the cells' order.
    fn by_section(patterns: &Patterns, cells: &[[u32; 2]], centres: bool) -> Layout {
        let mut order: Vec<usize> = (0..patterns.len()).collect();
        order.sort_by_key(|&i| (cells[i], patterns.totals[i] != 1.0));
        let mut layout = Layout::without_rows(patterns);
        for rows in order.chunk_by(|&a, &b| cells[a] == cells[b]) {
            let single = rows.iter().take_while(|&&i| patterns.totals[i] == 1.0).count();
            let start = layout.totals.len();
            let single_until = start + single / LANES * LANES;
            rows.iter().for_each(|&i| layout.push(patterns, i));
            let end = layout.pad(centres);
            let [cell, beside] = cells[rows[0]].map(|c| c as usize);
            let mut from = start;
            while from < end {
                let rows = from..(from + TASK).min(end);
                from = rows.end;
                layout.sections.push(Section { cell, beside, rows, single_until });
            }
        }
        layout.share_out();
        layout
    }

    /// One section of all rows, each of which names its cells; rows of one patient first.
    fn mixed(patterns: &Patterns, cells: &[[u32; 2]], centres: bool) -> Layout {
        let (single, several): (Vec<usize>, Vec<usize>) =
            (0..patterns.len()).partition(|&i| patterns.totals[i] == 1.0);
        let single_until = single.len() / LANES * LANES;
        let mut layout = Layout::without_rows(patterns);
        for i in single.into_iter().chain(several) {
            layout.push(patterns, i);
            layout.cells.push(cells[i][0]);
            layout.beside.push(cells[i][1]);
        }
        let end = layout.pad(centres);
        layout.cells.resize(end, 0);
        layout.beside.resize(end, 0);
        let whole = (0..end).step_by(TASK).map(|from| from..(from + TASK).min(end));
        let section = |rows: Range<usize>| {
            let single_until = single_until.clamp(rows.start, rows.end);
            Section { cell: 0, beside: 0, rows, single_until }
        };
        layout.sections = whole.map(section).collect();
        layout.share_out();
        layout
    }

    fn without_rows(patterns: &Patterns) -> Layout {
        Layout { columns: vec![Vec::new(); patterns.columns.len()], ..Layout::default() }
    }

    fn push(&mut self, patterns: &Patterns, i: usize) {
        self.totals.push(patterns.totals[i]);
        self.columns.iter_mut().zip(&patterns.columns).for_each(|(to, from)| to.push(from[i]));
        self.centre.extend(patterns.centre.get(i));
    }

    /// Fills the last lanes with rows that weigh nothing; where rows end then.
    fn pad(&mut self, centres: bool) -> usize {
        let end = self.totals.len().next_multiple_of(LANES);
        self.totals.resize(end, 0.0);
        self.columns.iter_mut().for_each(|c| c.resize(end, 0.0));
        if centres {
            self.centre.resize(end, 0);
        }
        end
    }

    /// Tasks of neighbouring sections, of some [`TASK`] rows each.
    pub fn share_out(&mut self) {
        let (mut first, mut rows) = (0, 0);
        for (i, section) in self.sections.iter().enumerate() {
            rows += section.rows.len();
            if rows >= TASK || i + 1 == self.sections.len() {
                self.tasks.push(first..i + 1);
                (first, rows) = (i + 1, 0);
            }
        }
    }
}
