pub mod cli;
pub mod error;
pub mod exact;
pub mod model;
pub mod numeric;
pub mod posterior;
pub mod report;
pub mod study;
