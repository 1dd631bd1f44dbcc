//! Cells of CSV files, which spreadsheet programs open and calculate.

use std::borrow::Cow;

/// The rows of a CSV text in the making.
pub struct Rows(csv::Writer<Vec<u8>>);

impl Rows {
    pub fn new() -> Rows {
        // Rows of another length are a table of their own below the first, no error.
        Rows(csv::WriterBuilder::new().flexible(true).from_writer(Vec::new()))
    }

    /// Adds a row, each of whose cells is a number or a text.
    pub fn put<C: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = C>) {
        for cell in cells {
            // Writing to memory does not fail.
            let _ = self.0.write_field(inert(cell.as_ref()).as_bytes());
        }
        let _ = self.0.write_record(None::<&[u8]>);
    }

    pub fn text(self) -> String {
        self.0.into_inner().ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

/// A cell that no spreadsheet takes for a formula: texts that begin like one begin with an apostrophe, numbers are as they
/// are.
fn inert(cell: &str) -> Cow<'_, str> {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) && cell.parse::<f64>().is_err() {
        Cow::Owned(format!("'{cell}"))
    } else {
        Cow::Borrowed(cell)
    }
}

#[cfg(test)]
mod tests {
    use super::Rows;

    #[test]
    fn texts_are_no_formulas_and_numbers_are_as_they_are() {
        let mut rows = Rows::new();
        rows.put(["=1+1", "+a", "-a", "@a", "\ta", "\ra", "a=1", "'a", ""]);
        rows.put(["-1", "+1", "-2.5e-7", "0.5"]);
        assert_eq!(rows.text(), "'=1+1,'+a,'-a,'@a,'\ta,\"'\ra\",a=1,'a,\n-1,+1,-2.5e-7,0.5\n");
    }
}
