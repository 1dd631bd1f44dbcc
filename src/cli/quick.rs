//! `equipoise quick 14/37 24/70`: a fit without a file.

use super::args::{Format, QuickArgs};
use super::lists::all;
use super::progress::watched;
use super::{Outcome, print, start_threads};
use crate::error::{Error, ErrorKind, Result};
use crate::posterior::{Analysis, Integrals, Options, analyse_watched};
use crate::report;
use crate::study::distributions::{half_normal, normal};
use crate::study::{Assignment, Endpoint, HigherIs, Measure, Priors, Study};

/// Events and patients of an arm, as they were given.
pub type Pair = (u64, u64);

/// Fits what the arguments hold and prints it; writes nothing.
pub fn run(args: &QuickArgs) -> Result<Outcome> {
    let study = study(args)?;
    start_threads(None)?;
    let Analysis { report, .. } =
        watched(true, |progress| analyse_watched(&study, Options::default(), Integrals::default(), progress));
    print(&match args.format {
        Format::Text => report::fit_text(&study, &report),
        Format::Json => report::fit_json(&study, &report),
        Format::Csv => report::fit_csv(&study, &report),
    })?;
    if args.format != Format::Text {
        super::fit::tell(&study, &report);
    }
    Ok(super::fit::outcome(&report))
}

/// The study that the arguments describe, under the rules of a model file.
fn study(args: &QuickArgs) -> Result<Study> {
    let (assignment, higher_is) = said(args)?;
    let subgroups = pairs_of_arms(&args.arms_of_subgroups)?;
    let names = names(args, subgroups.len())?;
    let [control, active] = match all(&args.arms).as_slice() {
        [] => ["control", "active"].map(str::to_string),
        [control, active] => [control.clone(), active.clone()],
        other => {
            return Err(Error::of(ErrorKind::Usage, format!("--arms has {} names", other.len()))
                .help("name two, control first: --arms placebo,drug"));
        }
    };
    let mut builder = Study::builder(format!("Counts as given: {active} against {control}"), assignment)
        .name("quick")
        .outcome(Endpoint::events("the outcome", higher_is))
        .arms(control, active);
    let alone = subgroups.len() == 1;
    for (name, arms) in names.iter().zip(subgroups) {
        builder = builder.group(name, arms);
    }
    let effect = normal(0.0, 0.355);
    builder = builder.priors(if alone {
        Priors::complete(effect)
    } else {
        Priors::partial(effect, half_normal(0.5))
    });
    if !args.threshold.is_empty() {
        builder = builder.thresholds(Measure::RiskDifference, args.threshold.iter().copied());
        builder = builder.primary(Measure::RiskDifference, args.threshold[0]);
    }
    let mut study = builder.build().map_err(Error::from)?;
    let (first, second) = (study.treatment.control(), study.treatment.active());
    study.notices.push(format!(
        "Of each subgroup's two counts the first is read as the control arm ({first}), the second as the active arm ({second})."
    ));
    study.notices.push(
        "The priors are those that `quick` always takes, neutral and moderate; a model file states yours."
            .to_string(),
    );
    Ok(study)
}

/// Which way is good and how patients were treated: nobody else can say it, and both are asked for at once.
fn said(args: &QuickArgs) -> Result<(Assignment, HigherIs)> {
    if let (Some(assignment), Some(higher_is)) = (args.assignment, args.higher_is) {
        return Ok((assignment.into(), higher_is.into()));
    }
    let mut missing = Vec::new();
    if args.higher_is.is_none() {
        missing.push("whether more events are better or worse");
    }
    if args.assignment.is_none() {
        missing.push("how patients came to be treated");
    }
    let mut error = Error::of(ErrorKind::Missing, format!("it has to be said {}", missing.join(", and ")));
    if args.higher_is.is_none() {
        error = error.help(
            "--higher-is worse where events are bad, such as deaths; --higher-is better where they are good, such as recoveries: every sign derives from it",
        );
    }
    if args.assignment.is_none() {
        error = error.help(
            "--assignment randomised where chance decided; --assignment observational otherwise: it decides the wording of every sentence",
        );
    }
    Err(error)
}

/// Two arms for each subgroup, control first.
fn pairs_of_arms(all: &[Pair]) -> Result<Vec<[Pair; 2]>> {
    let (pairs, rest) = all.as_chunks::<2>();
    if let [(events, total)] = rest {
        return Err(Error::of(
            ErrorKind::Usage,
            format!("{events}/{total} has no other arm beside it: {} arms are given", all.len()),
        )
        .help("give two arms a subgroup, control first: equipoise quick 14/37 24/70"));
    }
    Ok(pairs.to_vec())
}

/// What the subgroups are called.
fn names(args: &QuickArgs, subgroups: usize) -> Result<Vec<String>> {
    let named = all(&args.subgroups);
    if named.is_empty() {
        return Ok(match subgroups {
            1 => vec!["all patients".to_string()],
            n => (1..=n).map(|k| format!("subgroup {k}")).collect(),
        });
    }
    if named.len() != subgroups {
        return Err(Error::of(
            ErrorKind::Usage,
            format!("--subgroups has {} names, and counts are given of {subgroups}", named.len()),
        )
        .help("name each in the order of its counts, with commas between: --subgroups men,women"));
    }
    Ok(named)
}

/// `14/37`, read.
pub fn pair(text: &str) -> std::result::Result<Pair, String> {
    let read = text.split_once('/').and_then(|(events, total)| {
        Some((events.trim().parse::<u64>().ok()?, total.trim().parse::<u64>().ok()?))
    });
    read.ok_or_else(|| "events/patients is expected, such as 14/37".to_string())
}

#[cfg(test)]
mod tests {
    use super::pair;

    #[test]
    fn counts_are_two_whole_numbers() {
        assert_eq!(pair("14/37"), Ok((14, 37)));
        for wrong in ["14", "14/", "1.5/3", "-1/3", "14/37/2", "a/b"] {
            assert!(pair(wrong).is_err(), "{wrong}");
        }
    }
}
