//! Several active arms as a model file has them: their names, and what stands for each in a data file.

use toml::Spanned;

use super::model_file::{DataSection, Kind, ModelFile, TreatmentSection};
use super::nearest::nearest;
use super::source::Source;
use crate::error::{Error, ErrorKind, Result};

/// The arms of a study that has several active ones, control first, and the values of the arm column that stand for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeveralArms {
    pub names: Vec<String>,
    pub values: Vec<Vec<String>>,
}

/// What the arms are called, the control arm first.
pub fn names(source: &Source, section: &Spanned<TreatmentSection>) -> Result<Vec<String>> {
    let treatment = section.get_ref();
    let control = treatment.control.clone();
    match (&treatment.active, &treatment.arms) {
        (Some(active), None) => Ok(vec![control, active.get_ref().clone()]),
        (Some(_), Some(arms)) => Err(Error::of(ErrorKind::Rule, "[treatment] has both `active` and `arms`")
            .at(source.place(arms.span()))
            .help("give `active` for one active arm, `arms` for several")),
        (None, None) => Err(Error::of(ErrorKind::Missing, "`active` is missing from [treatment]")
            .at(source.place(section.span()))
            .help("write active = \"stent\"; or, for several active arms, arms = [\"balloon\", \"stent\"]")),
        (None, Some(arms)) if arms.get_ref().len() < 2 => {
            Err(Error::of(ErrorKind::Value, format!("`arms` has {} names", arms.get_ref().len()))
                .at(source.place(arms.span()))
                .help("it is for several active arms: one is written active = \"stent\""))
        }
        (None, Some(arms)) => {
            let active = arms.get_ref().iter().map(|arm| arm.get_ref().clone());
            Ok(std::iter::once(control).chain(active).collect())
        }
    }
}

impl SeveralArms {
    /// None where there is one active arm; keys of several have no place there.
    pub fn of(source: &Source, file: &ModelFile) -> Result<Option<SeveralArms>> {
        let levels = file.data.get_ref().levels.as_ref().map(Spanned::get_ref);
        let Some(arms) = &file.treatment.get_ref().arms else {
            return match levels.and_then(|l| l.arms.keys().next()) {
                Some(key) => {
                    Err(Error::of(ErrorKind::Rule, "values of several arms, and there is one active arm")
                        .at(source.place(key.span()))
                        .help(
                            "write active = \"…\" in [data.levels], or arms = [\"…\", \"…\"] in [treatment]",
                        ))
                }
                None => Ok(None),
            };
        };
        let names: Vec<String> = std::iter::once(file.treatment.get_ref().control.clone())
            .chain(arms.get_ref().iter().map(|arm| arm.get_ref().clone()))
            .collect();
        check(source, file)?;
        let mut values: Vec<Vec<String>> = names.iter().map(|name| vec![name.clone()]).collect();
        if let Some(levels) = levels {
            if let Some(active) = &levels.active {
                return Err(Error::of(
                    ErrorKind::Rule,
                    "`active` in [data.levels], and there are several active arms",
                )
                .at(source.place(active.span()))
                .help("say what stands for each: arms = { balloon = \"B\", stent = \"S\" }"));
            }
            if let Some(control) = &levels.control {
                values[0].clone_from(&control.get_ref().0);
            }
            for (name, of) in &levels.arms {
                values[place_of(source, &names, name)?].clone_from(&of.get_ref().0);
            }
        }
        let all: Vec<(usize, &String)> =
            values.iter().enumerate().flat_map(|(a, of)| of.iter().map(move |v| (a, v))).collect();
        let twice = all.iter().find(|(a, v)| all.iter().any(|(b, w)| a != b && v == w));
        if let Some((_, value)) = twice {
            let message = format!("`{value}` stands for two arms");
            return Err(Error::of(ErrorKind::Rule, message).at(source.place(arms.span())));
        }
        Ok(Some(SeveralArms { names, values }))
    }

    /// The arm that a value of the arm column stands for.
    pub fn arm(&self, value: &str) -> Option<usize> {
        self.values.iter().position(|of| of.iter().any(|v| v == value))
    }

    /// What is expected in the arm column.
    pub fn expected(&self) -> String {
        let each = self.names.iter().zip(&self.values).map(|(name, of)| match of.as_slice() {
            [one] if one == name => format!("`{one}`"),
            of => format!("`{}` ({name})", of.join("`, `")),
        });
        each.collect::<Vec<_>>().join(", ")
    }
}

/// The place of an active arm by its name.
pub fn place_of(source: &Source, names: &[String], name: &Spanned<String>) -> Result<usize> {
    let found = names.iter().skip(1).position(|known| known == name.get_ref());
    found.map(|place| place + 1).ok_or_else(|| {
        let known = names.iter().skip(1).map(String::as_str);
        let error = Error::of(ErrorKind::Unknown, format!("there is no active arm `{}`", name.get_ref()))
            .at(source.place(name.span()))
            .help(format!("[treatment] has {}", names[1..].join(", ")));
        match nearest(name.get_ref(), known) {
            Some(near) => error.label(format!("did you mean `{near}`?")),
            None => error,
        }
    })
}

/// What several arms can't stand beside.
fn check(source: &Source, file: &ModelFile) -> Result<()> {
    let several = "and there are several active arms";
    let at = |message: String, span, help: &str| {
        Err(Error::of(ErrorKind::Rule, message).at(source.place(span)).help(help))
    };
    let section: &DataSection = file.data.get_ref();
    if file.outcome.kind != Kind::Binary {
        let span = file.treatment.get_ref().arms.as_ref().map_or(0..0, Spanned::span);
        return at(
            format!("the outcome is no count of events, {several}"),
            span,
            "several arms go with kind = \"binary\": effects of several arms on other scales are correlated estimates, with `covariance`",
        );
    }
    if let Some(entry) = file.model.adjust.first() {
        return at(
            format!("covariates, {several}"),
            entry.span(),
            "weight patients by [adjustment], which takes several arms; or fit two of them, with `active` in place of `arms`",
        );
    }
    if let Some((key, _)) = section.columns.iter().find(|(key, _)| key.get_ref() == "centre") {
        return at(
            format!("centres, {several}"),
            key.span(),
            "fit two arms at a time, with `active` in place of `arms`, or leave `centre` out",
        );
    }
    if let Some(bias) = &file.bias {
        return at(
            format!("[bias], {several}"),
            bias.span(),
            "a bias is of two arms: fit two of them, with `active` in place of `arms`",
        );
    }
    Ok(())
}
