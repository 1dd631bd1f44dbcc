//! Every text of a study that is not a label.

use super::super::problem::{Part, PriorPart};
use super::StudyBuilder;

impl StudyBuilder {
    /// The part that a text belongs to, what it is, and the text.
    pub(super) fn texts(&self) -> Vec<(Part, &'static str, &str)> {
        let mut all = vec![(Part::Description, "name", self.name.as_str())];
        let own = [
            ("note", &self.note),
            ("eligibility", &self.eligibility),
            ("time_zero", &self.time_zero),
            ("adjusted_for", &self.adjusted_for),
        ];
        all.extend(
            own.into_iter().filter_map(|(what, text)| Some((Part::Description, what, text.as_deref()?))),
        );
        all.extend(self.citation.iter().map(|text| (Part::Description, "citation", text.as_str())));
        for (group, row) in self.counts.iter().enumerate() {
            for (arm, counts) in [row.control(), row.active()].into_iter().enumerate() {
                all.extend(
                    counts.source.iter().map(|text| (Part::Cell { group, arm }, "source", text.as_str())),
                );
            }
            all.extend(row.citation.iter().map(|text| (Part::Group(group), "citation", text.as_str())));
        }
        for (group, row) in self.printed.iter().enumerate() {
            let own =
                [("source", &row.source), ("citation", &row.citation), ("adjusted_for", &row.adjusted_for)];
            all.extend(
                own.into_iter().filter_map(|(what, text)| Some((Part::Group(group), what, text.as_deref()?))),
            );
        }
        let words = [
            (PriorPart::Effect, self.priors.as_ref().map(|p| &p.effect.words)),
            (
                PriorPart::Heterogeneity,
                self.priors.as_ref().and_then(|p| Some(&p.heterogeneity.as_ref()?.words)),
            ),
            (PriorPart::Baseline, self.baseline.as_ref().map(|b| &b.words)),
        ];
        all.extend(
            words.into_iter().filter_map(|(part, words)| Some((Part::Prior(part), "prior", words?.as_str()))),
        );
        for (name, changes) in &self.named {
            let words = [
                (PriorPart::Effect, changes.effect.as_ref().map(|p| &p.words)),
                (PriorPart::Heterogeneity, changes.heterogeneity.as_ref().map(|p| &p.words)),
                (PriorPart::Baseline, changes.baseline.as_ref().map(|p| &p.words)),
            ];
            let part = |part| Part::Named { name: name.clone(), part };
            all.extend(
                words.into_iter().filter_map(|(which, words)| Some((part(which), "prior", words?.as_str()))),
            );
        }
        all
    }
}
