//! No word of a file may hold what names may not.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::source::Source;
use crate::error::{Error, Result};
use crate::study::names::text;

/// Every key and every text of a file, wherever it stands; a file that is not TOML is told elsewhere.
pub fn check_file(source: &Source, toml: &str) -> Result<()> {
    DeTable::parse(toml).map_or(Ok(()), |table| check_table(source, table.get_ref()))
}

fn check_table(source: &Source, table: &DeTable<'_>) -> Result<()> {
    for (key, value) in table {
        let what = key.get_ref();
        if let Err(unfit) = text(what) {
            return Err(Error::of(unfit.kind(), format!("a key {}", unfit.in_words()))
                .at(source.place(key.span()))
                .help(unfit.help()));
        }
        check_value(source, what, value)?;
    }
    Ok(())
}

fn check_value(source: &Source, what: &str, value: &Spanned<DeValue<'_>>) -> Result<()> {
    match value.get_ref() {
        DeValue::String(found) => text(found).map_err(|unfit| {
            Error::of(unfit.kind(), format!("`{what}` {}", unfit.in_words()))
                .at(source.place(value.span()))
                .help(unfit.help())
        }),
        DeValue::Array(list) => list.iter().try_for_each(|value| check_value(source, what, value)),
        DeValue::Table(table) => check_table(source, table),
        _ => Ok(()),
    }
}
