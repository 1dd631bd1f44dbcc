//! Columns of a printed table: each heading beside what gives the cells below it.

use super::layout::table;

/// A heading, and rows of as many cells.
pub type Cells = (Vec<String>, Vec<Vec<String>>);

type Cell<'a, R> = Box<dyn Fn(&R) -> String + 'a>;

/// The columns of a table whose rows are about an `R` each.
pub struct Columns<'a, R> {
    columns: Vec<(String, Cell<'a, R>)>,
}

impl<'a, R> Columns<'a, R> {
    pub fn new() -> Columns<'a, R> {
        Columns { columns: Vec::new() }
    }

    /// A further column at the right.
    pub fn add(&mut self, heading: impl Into<String>, cell: impl Fn(&R) -> String + 'a) {
        self.columns.push((heading.into(), Box::new(cell)));
    }

    /// Further columns at the right.
    pub fn append(&mut self, mut others: Columns<'a, R>) {
        self.columns.append(&mut others.columns);
    }

    /// How many columns there are.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    pub fn cells(&self, rows: impl IntoIterator<Item = R>) -> Cells {
        let cells = |row: R| self.columns.iter().map(|(_, cell)| cell(&row)).collect();
        let headings = self.columns.iter().map(|(heading, _)| heading.clone());
        (headings.collect(), rows.into_iter().map(cells).collect())
    }

    /// Printed with aligned columns.
    pub fn table(&self, rows: impl IntoIterator<Item = R>) -> String {
        let (header, rows) = self.cells(rows);
        table(header, rows)
    }
}
