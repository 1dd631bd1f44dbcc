//! Statements about priors that are made from other studies.

use super::{Assignment, NamedPriors};

/// The warnings that must accompany numbers under priors made from other studies: made-up data and treatment that was
/// not randomised. Only priors for whose names `used` is true count.
pub fn about_sources(named: &[NamedPriors], used: impl Fn(&str) -> bool) -> Vec<String> {
    let mut said: Vec<String> = Vec::new();
    let used = named.iter().filter(|p| used(&p.name));
    let external = used.filter_map(|p| p.external.as_ref()).filter(|e| e.weight > 0.0);
    for source in external.flat_map(|e| &e.sources) {
        let mut add = |text: String| {
            if !said.contains(&text) {
                said.push(text);
            }
        };
        if source.illustrative {
            add(format!(
                "ILLUSTRATIVE: the numbers of `{}`, from which a prior is made, are made up.",
                source.name
            ));
        }
        if source.assignment == Assignment::Observational {
            add(format!(
                "The prior from `{}` rests on associations: treatment was not randomised there.",
                source.name
            ));
        }
    }
    said
}
