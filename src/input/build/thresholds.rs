//! Thresholds as written.

use super::super::model_file::ThresholdsSection;
use super::super::nearest::nearest;
use super::super::source::Source;
use super::places::listed;
use crate::error::{Error, ErrorKind, Result};
use crate::study::StudyBuilder;
use crate::study::rules::{Reported, THRESHOLD_MEASURES};

/// Adds what the section asks about.
pub fn asked(
    source: &Source,
    section: &ThresholdsSection,
    mut builder: StudyBuilder,
    reported: Reported,
) -> Result<StudyBuilder> {
    for measure in THRESHOLD_MEASURES {
        if let Some(list) = listed(section, measure) {
            builder = builder.thresholds(measure, list.iter().map(|value| value.get_ref().0));
        }
    }
    let Some(primary) = &section.primary else { return Ok(builder) };
    let mut entries = primary.get_ref().iter();
    let (Some((name, value)), None) = (entries.next(), entries.next()) else {
        return Err(Error::of(ErrorKind::Rule, "`primary` names one threshold")
            .at(source.place(primary.span()))
            .help("write primary = { risk_difference = 0.05 }"));
    };
    match THRESHOLD_MEASURES.into_iter().find(|measure| measure.key() == name) {
        Some(measure) => Ok(builder.primary(measure, value.get_ref().0)),
        None => {
            let error = Error::of(ErrorKind::Unknown, format!("unknown measure `{name}`"))
                .at(source.place(primary.span()))
                .help(reported.available());
            Err(match nearest(name, THRESHOLD_MEASURES.into_iter().map(|measure| measure.key())) {
                Some(near) => error.label(format!("did you mean `{near}`?")),
                None => error,
            })
        }
    }
}
