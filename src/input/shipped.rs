//! The models and decisions inside the program.

/// A model or decision file that travels with the program.
#[derive(Debug, Clone, Copy)]
pub struct Shipped {
    /// As `equipoise list` shows it.
    pub name: &'static str,
    /// The whole file.
    pub text: &'static str,
}

macro_rules! files {
    ($folder:literal: $($name:literal),+ $(,)?) => {
        &[$(Shipped { name: $name, text: include_str!(concat!("../../", $folder, "/", $name, ".toml")) }),+]
    };
}

/// All models, the default first.
pub fn shipped() -> &'static [Shipped] {
    files!["models":
        "ras-basilar-function",
        "ras-basilar-death",
        "ras-basilar-sich",
        "attention-evt",
        "attention-ras-etiology",
        "attention-ras-technique",
        "attention-ras-reperfusion",
        "ras-basilar-confounded",
        "attention-ras-misjudged",
        "ist-aspirin-subtype",
        "ist-aspirin-factors",
        "ist-aspirin-shift",
        "actg175",
        "blocker",
        "eight-schools",
        "solvd",
        "solvd-factors",
    ]
}

/// All decisions.
pub fn shipped_decisions() -> &'static [Shipped] {
    files!["decisions": "rescue-stenting", "rescue-by-etiology", "aspirin-by-values", "antiretroviral-regimen"]
}
