//! What kinds of file need whose values have types: these as texts, and a guard around the libraries that read them.

mod guard;
#[cfg_attr(
    not(all(feature = "excel", feature = "parquet")),
    allow(dead_code, reason = "each kind of file has its values")
)]
pub mod texts;

pub use guard::guarded;
