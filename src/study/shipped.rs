//! The models inside the program.

/// A model file that travels with the program.
#[derive(Debug, Clone, Copy)]
pub struct Shipped {
    pub name: &'static str,
    pub text: &'static str,
}

macro_rules! models {
    ($($name:literal),+ $(,)?) => {
        &[$(Shipped { name: $name, text: include_str!(concat!("../../models/", $name, ".toml")) }),+]
    };
}

/// All of them, the default first.
pub fn shipped() -> &'static [Shipped] {
    models![
        "ras-basilar-function",
        "ras-basilar-death",
        "ras-basilar-sich",
        "attention-evt",
        "attention-ras-etiology",
        "ras-basilar-confounded",
        "attention-ras-misjudged",
        "ist-aspirin-subtype",
        "blocker",
        "eight-schools",
        "solvd",
    ]
}
