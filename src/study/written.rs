//! A study in the words of a model file, from which the same study is read.

use std::fmt::Write as _;

use super::rules::THRESHOLD_MEASURES;
use super::{
    ArmCounts, BaselineOf, BaselinePrior, HigherIs, Interactions, NamedPriors, Pooling, Priors, RelatedArms,
    Scale, Shape, Study, Thresholds,
};

/// Text as TOML writes it in one line, between double quotes: a key can't be written otherwise, whatever it holds.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out += &format!("\\u{:04X}", u32::from(c)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A key as TOML takes it, whatever it holds.
pub(crate) fn key_in_file(key: &str) -> String {
    let is_bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if is_bare { key.to_string() } else { quoted(key) }
}

/// A list of what is written already.
fn list(each: impl Iterator<Item = String>) -> String {
    format!("[{}]", each.collect::<Vec<_>>().join(", "))
}

/// Lines of a file.
#[derive(Default)]
struct Lines(String);

impl Lines {
    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to memory does not fail.
        let _ = writeln!(self.0, "{line}");
    }

    fn section(&mut self, head: &str) {
        self.line(format_args!("\n{head}"));
    }

    fn text(&mut self, key: &str, text: &str) {
        self.line(format_args!("{key} = {}", quoted(text)));
    }

    fn maybe(&mut self, key: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(key, text);
        }
    }
}

impl Study {
    /// The text of a model file that says the same. Of priors made from other studies it gives those studies' names, and what
    /// a builder does not take, biases, covariates and centres, is not in it.
    pub(super) fn as_model_file(&self) -> String {
        let mut out = Lines::default();
        out.text("title", &self.title);
        if !self.citation.is_empty() {
            out.line(format_args!("citation = {}", list(self.citation.iter().map(|c| quoted(c)))));
        }
        if self.illustrative {
            out.line(format_args!("illustrative = true"));
        }
        out.maybe("note", self.note.as_deref());
        out.section("[study]");
        out.text("assignment", self.assignment.in_words());
        out.maybe("eligibility", self.eligibility.as_deref());
        out.maybe("time_zero", self.time_zero.as_deref());
        self.measured(&mut out);
        self.observations(&mut out);
        out.section("[model]");
        if let Some(arms) = &self.priors.arms {
            let related = match arms.related {
                RelatedArms::Exchangeable => "exchangeable",
                RelatedArms::Separate => "separate",
            };
            out.text("arms", related);
        }
        if let Some(Interactions::Horseshoe(_)) = self.priors.factors.as_ref().map(|f| f.interactions) {
            out.text("interactions", "regularised horseshoe");
        }
        match (self.pooling, self.priors.degrees) {
            (Pooling::StudentT, Some(df)) => {
                out.text("pooling", Pooling::Partial.in_words());
                out.text("effects", &format!("student-t({df:?})"));
            }
            (pooling, _) => out.text("pooling", pooling.in_words()),
        }
        if let Some(levels) = &self.priors.levels {
            out.text("cutpoints", levels.cutpoints.in_words());
            match levels.departure.as_ref().map(|d| &d.shape) {
                Some(shape @ Shape::Numbers(_)) => out.line(format_args!("departure = {}", shape.in_words())),
                Some(shape) => out.text("departure", &shape.in_words()),
                None => {}
            }
        }
        out.section("[prior]");
        priors(&mut out, &self.priors, None);
        for named in &self.named {
            out.section(&format!("[priors.{}]", quoted(&named.name)));
            priors(&mut out, &named.priors, Some(&self.priors));
            sources(&mut out, named);
        }
        if let Some(expected) = self.expected_odds_ratio {
            out.section("[library]");
            out.line(format_args!("expected_odds_ratio = {expected:?}"));
        }
        thresholds(&mut out, &self.thresholds);
        out.0
    }

    fn measured(&self, out: &mut Lines) {
        let counts = self.data.has_risks();
        out.section("[outcome]");
        out.text("name", &self.outcome.name);
        let kind = match (&self.outcome.levels, counts) {
            (Some(_), _) => "ordinal",
            (None, true) => "binary",
            (None, false) => "estimate",
        };
        out.text("kind", kind);
        if let Some(scale) = &self.outcome.levels {
            out.line(format_args!("levels = {}", list(scale.names.iter().map(|n| quoted(n)))));
            out.text("above", &scale.names[scale.primary]);
            if let Some(utilities) = &scale.utilities {
                match &utilities.set {
                    Some(set) => out.text("utilities", set),
                    None => {
                        let values = utilities.values.iter().map(|u| format!("{u:?}"));
                        out.line(format_args!("utilities = {}", list(values)));
                    }
                }
            }
        }
        if counts {
            out.text("event", &self.outcome.event);
        } else {
            let scale = match self.outcome.scale {
                Scale::LogOddsRatio => "log_odds_ratio",
                Scale::LogRiskRatio => "log_risk_ratio",
                Scale::LogHazardRatio => "log_hazard_ratio",
                Scale::Difference => "difference",
            };
            out.text("scale", scale);
        }
        let higher_is = match self.outcome.higher_is {
            HigherIs::Better => "better",
            HigherIs::Worse => "worse",
        };
        out.text("higher_is", higher_is);
        out.section("[treatment]");
        out.text("name", &self.treatment.name);
        out.text("control", self.treatment.control());
        match self.treatment.arms.as_slice() {
            [_, active] => out.text("active", active),
            arms => out.line(format_args!("arms = {}", list(arms.iter().skip(1).map(|arm| quoted(arm))))),
        }
        if !self.undivided {
            out.section("[subgroup]");
            out.text("name", &self.subgroup_name);
            out.maybe("plural", self.subgroup_plural.as_deref());
            if let Some(factors) = &self.factors {
                out.line(format_args!("factors = {}", list(factors.names().into_iter().map(quoted))));
            }
        }
        if self.exhaustive && !self.undivided {
            out.line(format_args!("exhaustive = true"));
        }
    }

    fn observations(&self, out: &mut Lines) {
        let name = |out: &mut Lines, g: usize, name: &str| match &self.factors {
            Some(factors) => {
                let each = factors.all.iter().zip(&factors.of[g]);
                let each: Vec<String> =
                    each.map(|(f, &l)| format!("{} = {}", quoted(&f.name), quoted(&f.levels[l]))).collect();
                out.line(format_args!("levels = {{ {} }}", each.join(", ")));
            }
            None if !self.undivided => out.text("subgroup", name),
            None => {}
        };
        if let Some(levels) = self.data.levels() {
            for (g, row) in levels.counts().iter().enumerate() {
                out.section("[[data.counts]]");
                name(out, g, &row.name);
                for (arm, (key, cell)) in ["control", "active"].into_iter().zip(&row.arms).enumerate() {
                    out.line(format_args!("{key} = {}", by_level(cell, levels.patients(g, arm))));
                }
                out.maybe("citation", row.citation.as_deref());
            }
            return;
        }
        for (g, row) in self.data.counts().into_iter().flatten().enumerate() {
            out.section("[[data.counts]]");
            name(out, g, &row.name);
            out.line(format_args!("control = {}", cell(row.control())));
            match row.arms.as_slice() {
                [_, active] => out.line(format_args!("active = {}", cell(active))),
                arms => {
                    let named = arms.iter().zip(&self.treatment.arms).skip(1);
                    let each: Vec<String> =
                        named.map(|(arm, name)| format!("{} = {}", quoted(name), cell(arm))).collect();
                    out.line(format_args!("arms = {{ {} }}", each.join(", ")));
                }
            }
            out.maybe("citation", row.citation.as_deref());
        }
        if let Some(covariance) = self.data.covariance() {
            let row = |row: &[f64]| list(row.iter().map(|x| format!("{x:?}")));
            out.section("[data]");
            out.line(format_args!(
                "covariance = {}",
                list(covariance.matrix().chunks(covariance.size()).map(row))
            ));
        }
        for (g, row) in self.data.published().into_iter().flatten().enumerate() {
            out.section("[[data.estimates]]");
            name(out, g, &row.name);
            if let Some(patients) = self.factors.as_ref().and_then(|f| f.patients.as_ref()?.get(g)) {
                out.line(format_args!("patients = {patients}"));
            }
            out.line(format_args!("estimate = {:?}", row.estimate));
            match row.interval {
                Some((low, high)) => out.line(format_args!("ci = [{low:?}, {high:?}]")),
                None => out.line(format_args!("se = {:?}", row.se)),
            }
            out.maybe("source", row.source.as_deref());
            out.maybe("citation", row.citation.as_deref());
            out.maybe("adjusted_for", row.adjusted_for.as_deref());
        }
    }
}

fn cell(arm: &ArmCounts) -> String {
    format!("{{ events = {}, total = {}{} }}", arm.events, arm.total, besides(arm))
}

fn by_level(arm: &ArmCounts, patients: &[u64]) -> String {
    format!("{{ levels = {}{} }}", list(patients.iter().map(u64::to_string)), besides(arm))
}

fn besides(arm: &ArmCounts) -> String {
    let missing = if arm.missing > 0 { format!(", missing = {}", arm.missing) } else { String::new() };
    let source = arm.source.as_ref().map_or_else(String::new, |s| format!(", source = {}", quoted(s)));
    missing + &source
}

/// Priors, or what they change of others.
fn priors(out: &mut Lines, priors: &Priors, others: Option<&Priors>) {
    let Priors { effect, heterogeneity, baseline, baseline_of, levels, arms, factors, degrees: _, alone } =
        priors;
    if others.is_none_or(|o| o.effect != *effect) {
        out.text("effect", &effect.distribution.in_words());
    }
    if let Some(tau) =
        heterogeneity.as_ref().filter(|tau| others.is_none_or(|o| o.heterogeneity.as_ref() != Some(*tau)))
    {
        out.text("heterogeneity", &tau.distribution.in_words());
    }
    if let (Some(arms), None) = (arms, others) {
        out.maybe("arms", arms.between.as_ref().map(|p| p.distribution.in_words()).as_deref());
        out.maybe("interaction", arms.interaction.as_ref().map(|p| p.distribution.in_words()).as_deref());
    }
    if let (Some(factors), None) = (factors, others) {
        out.maybe(
            "main_effects",
            factors.main_effects.as_ref().map(|p| p.distribution.in_words()).as_deref(),
        );
        if let Interactions::Horseshoe(slab) = factors.interactions {
            out.line(format_args!("slab = {{ scale = {:?}, df = {:?} }}", slab.scale, slab.df));
        }
    }
    if let Some(alone) = alone.as_ref().filter(|_| others.is_none()) {
        out.line(format_args!("exchangeable = {:?}", alone.exchangeable));
        out.maybe("stand_alone", alone.prior.as_ref().map(|p| p.distribution.in_words()).as_deref());
    }
    if let Some(levels) = levels {
        if others.is_none() {
            out.text("levels", &levels.concentrations.words);
            out.maybe("shift", levels.shift.as_ref().map(|s| s.distribution.in_words()).as_deref());
            out.maybe(
                "departure",
                levels.departure.as_ref().map(|d| d.prior.distribution.in_words()).as_deref(),
            );
        }
        return;
    }
    let Some(baseline) = baseline else { return };
    if others.is_some_and(|o| o.baseline.as_ref() == Some(baseline) && o.baseline_of == *baseline_of) {
        return;
    }
    match &baseline.distribution {
        BaselinePrior::Independent(prior) => out.text("baseline", &prior.in_words()),
        BaselinePrior::Exchangeable { mean, sd } => {
            let (mean, sd) = (quoted(&mean.in_words()), quoted(&sd.in_words()));
            out.line(format_args!("baseline = {{ mean = {mean}, sd = {sd} }}"));
        }
    }
    let of = match baseline_of {
        BaselineOf::Arms => "arms",
        BaselineOf::Control => "control",
    };
    out.text("baseline_of", of);
}

fn sources(out: &mut Lines, named: &NamedPriors) {
    if let Some(external) = &named.external {
        let names = external.sources.iter().map(|s| quoted(&s.name));
        out.line(format_args!("from = {}\nweight = {:?}", list(names), external.weight));
    }
}

fn thresholds(out: &mut Lines, thresholds: &Thresholds) {
    let listed = THRESHOLD_MEASURES.into_iter().filter(|m| !thresholds.of(*m).is_empty());
    let lines: Vec<String> = listed
        .map(|m| format!("{} = {}", m.key(), list(thresholds.of(m).iter().map(|t| format!("{t:?}")))))
        .collect();
    if lines.is_empty() {
        return;
    }
    out.section("[thresholds]");
    lines.iter().for_each(|line| out.line(format_args!("{line}")));
    if let Some((measure, t)) = thresholds.primary.filter(|(m, t)| thresholds.of(*m).contains(t)) {
        out.line(format_args!("primary = {{ {} = {t:?} }}", measure.key()));
    }
}
