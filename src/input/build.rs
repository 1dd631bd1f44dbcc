//! From the model file as written to a study: every rule that the types alone can't hold.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;

use super::model_file::{
    CountsEntry, DataSection, EstimateEntry, Kind, LocationEntry, ModelFile, OutcomeSection, PriorSection,
    Rows, ThresholdsSection,
};
use super::number::Real;
use super::patients::Measured;
use super::source::{Source, sha256};
use super::{bias_words, design, prior_words, table};
use crate::error::{Error, Place, Result};
use crate::study::estimates::{Figure, Printed, estimate};
use crate::study::names;
use crate::study::{
    ArmCounts, Axis, BaselineOf, BaselinePrior, Data, HeterogeneityPrior, LocationPrior, MOST_SUBGROUPS,
    Measure, Outcome, PatientFile, Pooling, Priors, Scale, Study, SubgroupCounts, SubgroupEstimate,
    Thresholds, Treatment, Written,
};

/// The default for a baseline's log odds: central 95 % of the risk from 0.7 % to 99.3 %.
const DEFAULT_BASELINE: &str = "normal(0, 2.5)";

/// Thresholds of a measure at most.
const MOST_THRESHOLDS: usize = 100;

/// Checks everything and puts the study together, without its named priors.
pub fn study(source: &Source, file: ModelFile) -> Result<Study> {
    let fault = |span: Range<usize>, message: String| Error::new(message).at(source.place(span));
    if file.title.trim().is_empty() {
        return Err(fault(0..0, "`title` is empty".to_string()));
    }
    check_labels(source, &file)?;
    let scale = scale(source, &file.outcome)?;
    let mut notices = Vec::new();
    let held = data(source, &file, scale, &mut notices)?;
    let (data, data_sha256, patients) = (held.data, held.sha256, held.patients);
    let data_span = data_span(&file.data);
    check_names(source, &data, &file.data, data_span.clone())?;
    if let Data::Counts(rows) = &data {
        notices.extend(rows.iter().filter_map(empty_arm));
    }
    let priors = priors(source, &file.prior, file.model.pooling, scale, &file.outcome)?;
    if !priors.effect.distribution.is_proper() {
        check_flat(source, (file.model.pooling, priors.baseline_of), file.prior.effect.span(), &data)?;
        notices.push(
            "The effect prior is flat: a reference, not a belief. It has no prior probabilities.".to_string(),
        );
    }
    let adjustment = match held.measured {
        Some(measured) => {
            let names = data.names();
            let found =
                design::adjustment(source, (&file.model, &file.prior), measured, &names, &mut notices)?;
            if let Some(section) = &file.bias {
                bias_words::check_adjusted(source, section)?;
            }
            notices.push(format!(
                "Effects are adjusted for {}: odds ratios are for patients alike in these. Risks are averages over {}.",
                found.in_words(),
                found.population.in_words()
            ));
            Some(found)
        }
        None => {
            check_unadjusted(source, &file)?;
            None
        }
    };
    let thresholds = match &file.thresholds {
        Some(section) => thresholds(source, section, scale, file.outcome.kind)?,
        None => Thresholds::default(),
    };
    let expected_odds_ratio = match &file.library {
        Some(library) => Some(expected_odds_ratio(source, &library.expected_odds_ratio, scale)?),
        None => None,
    };
    let bias = match &file.bias {
        Some(section) => {
            let context = bias_words::Context {
                source,
                data: &data,
                scale,
                assignment: file.study.assignment,
                baseline: priors.baseline.as_ref().map(|b| &b.distribution),
                adjusted: adjustment.is_some(),
            };
            Some(bias_words::bias(&context, section, &mut notices)?)
        }
        None => {
            notices.extend(bias_words::left_out(&data, &[false; 2], adjustment.is_some()));
            None
        }
    };
    let model_sha256 = sha256(source.text.as_bytes());
    Ok(Study {
        name: source.name.clone(),
        title: file.title.trim().to_string(),
        citation: file.citation,
        illustrative: file.illustrative,
        note: file.note,
        assignment: file.study.assignment,
        eligibility: file.study.eligibility,
        time_zero: file.study.time_zero,
        outcome: Outcome {
            name: file.outcome.name,
            higher_is: file.outcome.higher_is,
            scale,
            event: file.outcome.event.map_or_else(|| "events".to_string(), Spanned::into_inner),
        },
        treatment: Treatment {
            name: file.treatment.name,
            control: file.treatment.control,
            active: file.treatment.active,
        },
        subgroup_name: file.subgroup.name,
        data,
        pooling: file.model.pooling,
        priors,
        named: Vec::new(),
        expected_odds_ratio,
        thresholds,
        bias,
        patients,
        adjustment: adjustment.map(Arc::new),
        notices,
        files: source.read.so_far(),
        text: source.text.to_string(),
        data_sha256: data_sha256.unwrap_or_else(|| model_sha256.clone()),
        model_sha256,
    })
}

/// Every label, sentence and column is made from these.
fn check_labels(source: &Source, file: &ModelFile) -> Result<()> {
    let treatment = &file.treatment;
    let labels = [
        ("outcome.name", &file.outcome.name),
        ("treatment.name", &treatment.name),
        ("treatment.control", &treatment.control),
        ("treatment.active", &treatment.active),
        ("subgroup.name", &file.subgroup.name),
    ];
    let here = || Place::File(source.file.clone());
    if let Some((key, _)) = labels.iter().find(|(_, l)| l.trim().is_empty()) {
        return Err(Error::new(format!("`{key}` is empty"))
            .at(here())
            .help("labels, sentences and columns are made from it"));
    }
    let unfit = |key: &str, unfit: names::Unfit| {
        Error::new(format!("`{key}` {}", unfit.in_words())).at(here()).help(unfit.help())
    };
    names::title(&file.title).map_err(|e| unfit("title", e))?;
    let event = file.outcome.event.as_ref().map(|event| ("outcome.event", event.get_ref()));
    for (key, label) in labels.into_iter().chain(event) {
        names::name(label).map_err(|e| unfit(key, e))?;
    }
    if treatment.control.trim() == treatment.active.trim() {
        return Err(Error::new(format!("both arms are called `{}`", treatment.control))
            .at(here())
            .help("name what the control arm had and what the active arm had"));
    }
    Ok(())
}

fn scale(source: &Source, outcome: &OutcomeSection) -> Result<Scale> {
    match (outcome.kind, &outcome.scale) {
        (Kind::Binary, None) => Ok(Scale::LogOddsRatio),
        (Kind::Binary, Some(scale)) => Err(Error::new("`scale` is for kind = \"estimate\"")
            .at(source.place(scale.span()))
            .help("counts are modelled on the log odds ratio; leave `scale` out")),
        (Kind::Estimate, Some(scale)) => match &outcome.event {
            Some(event) => Err(Error::new("`event` is for kind = \"binary\"").at(source.place(event.span()))),
            None => Ok(*scale.get_ref()),
        },
        (Kind::Estimate, None) => Err(Error::new("`scale` is missing from [outcome]")
            .at(Place::File(source.file.clone()))
            .help("write scale = \"log_odds_ratio\", \"log_risk_ratio\", \"log_hazard_ratio\" or \"difference\"")),
    }
}

fn data_span(data: &Spanned<DataSection>) -> Range<usize> {
    let section = data.get_ref();
    if let Some(counts) = &section.counts {
        counts.span()
    } else if let Some(estimates) = &section.estimates {
        estimates.span()
    } else {
        section.file.as_ref().map_or_else(|| data.span(), Spanned::span)
    }
}

/// The observations, with what a file of them tells besides.
struct Observed {
    data: Data,
    sha256: Option<String>,
    patients: Option<PatientFile>,
    measured: Option<Measured>,
}

impl Observed {
    fn of(data: Data) -> Observed {
        Observed { data, sha256: None, patients: None, measured: None }
    }
}

/// What belongs to covariates and centres has no place without them.
fn check_unadjusted(source: &Source, file: &ModelFile) -> Result<()> {
    let of_file = "covariates stand in the columns of a data file: file = \"trial.csv\" with rows = \"patients\" or rows = \"counts\"";
    let wrong = |message: &str, span: Range<usize>, help: &str| {
        Err(Error::new(message).at(source.place(span)).help(help))
    };
    if let Some(entry) = file.model.adjust.first() {
        return wrong("there are no covariates to adjust for", entry.span(), of_file);
    }
    if let Some(population) = &file.model.population {
        let help = "it is for models with covariates or centres: without them all patients of a subgroup and arm are alike";
        return wrong("`population` without `adjust`", population.span(), help);
    }
    if let Some(prior) = &file.prior.centre {
        let help = "name the column of the centres: columns = { …, centre = \"…\" }";
        return wrong("a prior for centres, and there are none", prior.span(), help);
    }
    Ok(())
}

/// From the model file or a data file.
fn data(source: &Source, file: &ModelFile, scale: Scale, notices: &mut Vec<String>) -> Result<Observed> {
    let (spanned, outcome) = (&file.data, &file.outcome);
    let section = spanned.get_ref();
    let given = [
        section.counts.as_ref().map(|c| ("counts", c.span())),
        section.estimates.as_ref().map(|e| ("estimates", e.span())),
        section.file.as_ref().map(|f| ("file", f.span())),
    ];
    let mut given = given.into_iter().flatten();
    let expected = match outcome.kind {
        Kind::Binary => "counts",
        Kind::Estimate => "estimates",
    };
    let Some((what, span)) = given.next() else {
        return Err(Error::new("[data] holds no data").at(source.place(spanned.span())).help(format!(
            "give `{expected} = [ … ]`, or `file = \"data.csv\"` with rows = \"{expected}\" and its columns"
        )));
    };
    if let Some((other, span)) = given.next() {
        return Err(Error::new(format!("[data] has both `{what}` and `{other}`"))
            .at(source.place(span))
            .help("give one of them"));
    }
    let wrong_kind = |found: &str, span: Range<usize>| {
        Error::new(format!(
            "the data are {found}, but kind = \"{}\"",
            match outcome.kind {
                Kind::Binary => "binary",
                Kind::Estimate => "estimate",
            }
        ))
        .at(source.place(span))
        .help(format!(
            "kind = \"binary\" goes with counts, kind = \"estimate\" with estimates; expected {expected}"
        ))
    };
    if what != "file"
        && let Some((key, span)) = [
            section.columns.keys().next().map(|k| ("columns", k.span())),
            section.levels.as_ref().map(|l| ("levels", l.span())),
            section.keep.keys().next().map(|k| ("where", k.span())),
            section.rows.map(|_| ("rows", spanned.span())),
            section.missing.map(|_| ("missing", spanned.span())),
        ]
        .into_iter()
        .flatten()
        .next()
    {
        return Err(Error::new(format!("`{key}` is for a data file, and the data stand in `{what}`"))
            .at(source.place(span)));
    }
    match (&section.counts, &section.estimates) {
        (Some(_), _) if outcome.kind != Kind::Binary => Err(wrong_kind("counts", span)),
        (_, Some(_)) if outcome.kind != Kind::Estimate => Err(wrong_kind("estimates", span)),
        (Some(entries), _) => Ok(Observed::of(Data::Counts(counts(source, entries.get_ref())?))),
        (_, Some(entries)) => {
            Ok(Observed::of(Data::Estimates(estimates(source, entries.get_ref(), scale, notices)?)))
        }
        _ => {
            let matches = matches!(
                (section.rows, outcome.kind),
                (Some(Rows::Counts | Rows::Patients), Kind::Binary) | (Some(Rows::Estimates), Kind::Estimate)
            );
            if section.rows.is_none() {
                return Err(Error::new("`rows` is missing: what is a row of the file?")
                    .at(source.place(span))
                    .help(format!("write rows = \"{expected}\"")));
            }
            if !matches {
                return Err(wrong_kind("of the other kind", span));
            }
            let found = table::read(source, section, &file.model.adjust, scale)?;
            notices.extend(found.notices);
            Ok(Observed {
                data: found.data,
                sha256: Some(found.sha256),
                patients: found.patients,
                measured: found.measured,
            })
        }
    }
}

fn counts(source: &Source, entries: &[Spanned<CountsEntry>]) -> Result<Vec<SubgroupCounts>> {
    few_enough(source, entries)?;
    entries
        .iter()
        .map(|entry| {
            let row = entry.get_ref();
            let name = row.subgroup.get_ref();
            let arm = |arm: &Option<super::model_file::ArmEntry>, which: &str| -> Result<ArmCounts> {
                let Some(arm) = arm else {
                    return Err(Error::new(format!("subgroup `{name}` has no `{which}` arm"))
                        .at(source.place(entry.span()))
                        .help(format!(
                            "an arm without patients is written {which} = {{ events = 0, total = 0 }}"
                        )));
                };
                let (events, total) = (arm.events.get_ref().0, arm.total.get_ref().0);
                if events > total {
                    return Err(Error::new(format!(
                        "subgroup `{name}`, {which} arm: {events} events among {total} patients"
                    ))
                    .at(source.place(arm.events.span()))
                    .label("more than the total")
                    .help("`events` counts patients with the event, `total` all patients of the arm"));
                }
                Ok(ArmCounts {
                    events,
                    total,
                    missing: arm.missing.as_ref().map_or(0, |m| m.get_ref().0),
                    source: arm.source.clone(),
                })
            };
            Ok(SubgroupCounts {
                name: name.clone(),
                control: arm(&row.control, "control")?,
                active: arm(&row.active, "active")?,
                citation: row.citation.clone(),
            })
        })
        .collect()
}

fn estimates(
    source: &Source,
    entries: &[Spanned<EstimateEntry>],
    scale: Scale,
    notices: &mut Vec<String>,
) -> Result<Vec<SubgroupEstimate>> {
    few_enough(source, entries)?;
    let mut rows = Vec::with_capacity(entries.len());
    for entry in entries {
        let row = entry.get_ref();
        let ci = match &row.ci {
            None => None,
            Some(ends) => match ends.get_ref().as_slice() {
                [low, high] => Some((low.0, high.0)),
                found => {
                    return Err(Error::new(format!("`ci` has {} numbers", found.len()))
                        .at(source.place(ends.span()))
                        .help("an interval is written ci = [lower, upper]"));
                }
            },
        };
        let printed = Printed {
            subgroup: row.subgroup.get_ref().clone(),
            ratio: row.ratio.as_ref().map(|x| x.get_ref().0),
            estimate: row.estimate.as_ref().map(|x| x.get_ref().0),
            ci,
            se: row.se.as_ref().map(|x| x.get_ref().0),
            source: row.source.clone(),
            citation: row.citation.clone(),
        };
        let (estimate, notice) = estimate(&printed, scale).map_err(|f| {
            let span = match f.figure {
                Figure::Whole => None,
                Figure::Ratio => row.ratio.as_ref().map(Spanned::span),
                Figure::Interval => row.ci.as_ref().map(Spanned::span),
                Figure::StandardError => row.se.as_ref().map(Spanned::span),
            };
            Error::new(f.message).at(source.place(span.unwrap_or_else(|| entry.span()))).help(f.help)
        })?;
        notices.extend(notice);
        rows.push(estimate);
    }
    Ok(rows)
}

/// No more rows than subgroups may be, before any is looked at.
fn few_enough<T>(source: &Source, entries: &[Spanned<T>]) -> Result<()> {
    match entries.get(MOST_SUBGROUPS) {
        Some(entry) => Err(Error::new(format!("{} subgroups", entries.len()))
            .at(source.place(entry.span()))
            .help(format!("the program takes at most {MOST_SUBGROUPS}"))),
        None => Ok(()),
    }
}

/// Names are there, different, and not too many.
fn check_names(
    source: &Source,
    data: &Data,
    section: &Spanned<DataSection>,
    span: Range<usize>,
) -> Result<()> {
    let names = data.names();
    let spans: Vec<Range<usize>> = match (&section.get_ref().counts, &section.get_ref().estimates) {
        (Some(entries), _) => entries.get_ref().iter().map(|e| e.get_ref().subgroup.span()).collect(),
        (_, Some(entries)) => entries.get_ref().iter().map(|e| e.get_ref().subgroup.span()).collect(),
        _ => Vec::new(),
    };
    let at = |i: usize| source.place(spans.get(i).cloned().unwrap_or_else(|| span.clone()));
    if names.is_empty() {
        return Err(Error::new("there are no subgroups").at(source.place(span)).help("give at least one"));
    }
    if names.len() > MOST_SUBGROUPS {
        return Err(Error::new(format!("{} subgroups", names.len()))
            .at(source.place(span))
            .help(format!("the program takes at most {MOST_SUBGROUPS}")));
    }
    let mut seen = BTreeMap::new();

    for (i, name) in names.iter().enumerate() {
        if name.trim().is_empty() {
            return Err(Error::new(format!("subgroup {} has no name", i + 1)).at(at(i)).help("name it"));
        }
        names::name(name).map_err(|unfit| {
            Error::new(format!("the name of subgroup {} {}", i + 1, unfit.in_words()))
                .at(at(i))
                .help(unfit.help())
        })?;
        if name.trim() != *name {
            return Err(Error::new(format!("the name of subgroup {} starts or ends with a space", i + 1))
                .at(at(i))
                .help(format!("write \"{}\"", name.trim())));
        }
        if let Some(first) = seen.insert(*name, i) {
            return Err(Error::new(format!(
                "subgroup `{name}` stands twice, in places {} and {}",
                first + 1,
                i + 1
            ))
            .at(at(i))
            .help("each subgroup has one row; if they are two, give them two names"));
        }
    }
    Ok(())
}

/// A notice for a subgroup whose data can't speak.
fn empty_arm(row: &SubgroupCounts) -> Option<String> {
    let what = match (row.control.total, row.active.total) {
        (0, 0) => "both arms are empty: the prior and the other subgroups alone speak there",
        (_, 0) => {
            "the active arm is empty: the prior and the other subgroups alone speak about the effect there"
        }
        (0, _) => "the control arm is empty: the effect there rests on the prior of the baseline",
        _ => return None,
    };
    Some(format!("{}: {what}.", row.name))
}

fn priors(
    source: &Source,
    section: &PriorSection,
    pooling: Pooling,
    scale: Scale,
    outcome: &OutcomeSection,
) -> Result<Priors> {
    let effect = effect_prior(source, &section.effect, scale)?;
    let heterogeneity = match (&section.heterogeneity, pooling) {
        (None, Pooling::Complete) => None,
        (None, _) => {
            return Err(Error::new("`heterogeneity` is missing")
                .at(source.place(section.effect.span()))
                .label("beside this one")
                .help("it matters too much for a silent default: write heterogeneity = \"half-normal(0.5)\", or half-normal(0.25) … half-normal(1) on log ratios")
                .help("or set pooling = \"complete\" in [model], which needs none"));
        }
        (Some(text), Pooling::Complete) => {
            return Err(Error::new("a heterogeneity prior under complete pooling")
                .at(source.place(text.span()))
                .help("complete pooling has one effect for all: leave the prior out, or set pooling = \"partial\""));
        }
        (Some(text), _) => Some(heterogeneity_prior(source, text, scale)?),
    };
    let baseline = match (&section.baseline, outcome.kind) {
        (Some(entry), _) => Some(baseline_prior(source, entry, outcome)?),
        (None, Kind::Estimate) => None,
        (None, Kind::Binary) => {
            let default = LocationEntry::Text(DEFAULT_BASELINE.to_string());
            let span = section.effect.span();
            Some(prior_words::baseline(&default).map_err(|f| at_fault(source, span, f))?)
        }
    };
    let baseline_of = baseline_of(source, section.baseline_of.as_ref(), outcome)?.unwrap_or_default();
    Ok(Priors { effect, heterogeneity, baseline, baseline_of })
}

fn at_fault(source: &Source, span: Range<usize>, f: prior_words::Fault) -> Error {
    Error::new(f.message).at(source.place(f.span.unwrap_or(span))).help(f.help)
}

/// An effect prior where it stands.
pub fn effect_prior(
    source: &Source,
    entry: &Spanned<LocationEntry>,
    scale: Scale,
) -> Result<Written<LocationPrior>> {
    prior_words::effect(entry.get_ref(), scale).map_err(|f| at_fault(source, entry.span(), f))
}

/// A heterogeneity prior where it stands.
pub fn heterogeneity_prior(
    source: &Source,
    text: &Spanned<String>,
    scale: Scale,
) -> Result<Written<HeterogeneityPrior>> {
    Ok(Written {
        distribution: prior_words::heterogeneity_on(text.get_ref(), scale)
            .map_err(|f| at_fault(source, text.span(), f))?,
        words: text.get_ref().trim().to_string(),
    })
}

/// A baseline prior where it stands; only counts have one.
pub fn baseline_prior(
    source: &Source,
    entry: &Spanned<LocationEntry>,
    outcome: &OutcomeSection,
) -> Result<Written<BaselinePrior>> {
    if outcome.kind == Kind::Estimate {
        return Err(Error::new("a baseline prior for published estimates")
            .at(source.place(entry.span()))
            .help("estimates have no baseline: leave it out"));
    }
    prior_words::baseline(entry.get_ref()).map_err(|f| at_fault(source, entry.span(), f))
}

/// What a baseline is of, where that is said; only counts have one.
pub fn baseline_of(
    source: &Source,
    said: Option<&Spanned<BaselineOf>>,
    outcome: &OutcomeSection,
) -> Result<Option<BaselineOf>> {
    match said {
        Some(said) if outcome.kind == Kind::Estimate => {
            Err(Error::new("`baseline_of` for published estimates")
                .at(source.place(said.span()))
                .help("estimates have no baseline: leave it out"))
        }
        said => Ok(said.map(|of| *of.get_ref())),
    }
}

/// A flat effect prior gives a posterior only where the data bound the effect.
pub fn check_flat(
    source: &Source,
    (pooling, baseline_of): (Pooling, BaselineOf),
    span: Range<usize>,
    data: &Data,
) -> Result<()> {
    let Data::Counts(rows) = data else { return Ok(()) };
    let both = |arm: &ArmCounts| arm.events > 0 && arm.events < arm.total;
    // An arm that has both outcomes bounds its log odds; where the effect moves it, the baseline's prior bounds the rest.
    let bounded =
        |row: &SubgroupCounts| both(&row.active) || baseline_of.control_share() > 0.0 && both(&row.control);
    let enough = match pooling {
        Pooling::None => rows.iter().all(bounded),
        Pooling::Partial | Pooling::Complete => rows.iter().any(bounded),
    };
    if enough {
        return Ok(());
    }
    Err(Error::new("with a flat effect prior these data give no posterior")
        .at(source.place(span))
        .help(match baseline_of {
            BaselineOf::Control => {
                "an active arm without events, or with nothing else, leaves the effect unbounded; write a proper prior"
            }
            BaselineOf::Arms => {
                "arms without events, or with nothing else, leave the effect unbounded; write a proper prior"
            }
        }))
}

fn expected_odds_ratio(source: &Source, value: &Spanned<Real>, scale: Scale) -> Result<f64> {
    let expected = value.get_ref().0;
    if scale != Scale::LogOddsRatio {
        return Err(Error::new(format!(
            "the library's priors are on odds ratios, the model's effect is a {}",
            scale.measure_in_words()
        ))
        .at(source.place(value.span()))
        .help("leave [library] out"));
    }
    if expected > 1.0 {
        return Ok(expected);
    }
    Err(Error::new(format!("expected_odds_ratio is {expected}")).at(source.place(value.span())).help(
        "it is a magnitude, above 1 and toward benefit; the program derives the direction from `higher_is`",
    ))
}

fn thresholds(source: &Source, section: &ThresholdsSection, scale: Scale, kind: Kind) -> Result<Thresholds> {
    let binary = kind == Kind::Binary;
    let lists = [
        (Measure::RiskDifference, &section.risk_difference, binary),
        (Measure::OddsRatio, &section.odds_ratio, scale == Scale::LogOddsRatio),
        (Measure::RiskRatio, &section.risk_ratio, binary || scale == Scale::LogRiskRatio),
        (Measure::HazardRatio, &section.hazard_ratio, scale == Scale::LogHazardRatio),
        (Measure::Difference, &section.difference, scale == Scale::Difference),
    ];
    let available = || {
        let names: Vec<&str> = lists.iter().filter(|l| l.2).map(|l| l.0.key()).collect();
        format!("this model reports {}", names.join(", "))
    };
    let check = |measure: Measure, fits: bool, value: &Spanned<Real>| -> Result<f64> {
        let t = value.get_ref().0;
        let fault = |message: String, help: String| {
            Err(Error::new(message).at(source.place(value.span())).help(help))
        };
        if !fits {
            return fault(format!("a threshold on the {}", measure.in_words()), available());
        }
        if measure.axis() == Axis::Ratio {
            if t <= 0.0 {
                return fault(format!("a {} of {t}", measure.in_words()), "ratios are above 0".to_string());
            }
            if t < 1.0 {
                return fault(
                    format!("a threshold of {t} on the {}", measure.in_words()),
                    format!(
                        "thresholds are magnitudes, asked in both directions: write {}",
                        rounded(1.0 / t)
                    ),
                );
            }
        } else if t < 0.0 {
            return fault(
                format!("a threshold of {t}"),
                format!("thresholds are magnitudes, asked in both directions: write {}", -t),
            );
        } else if measure == Measure::RiskDifference && t >= 1.0 {
            return fault(
                format!("a risk difference of {t}"),
                "risk differences are proportions below 1: 5 percentage points are 0.05".to_string(),
            );
        }
        Ok(t)
    };
    let mut found = Thresholds::default();
    for (measure, list, fits) in lists {
        if let Some(value) = list.as_ref().and_then(|list| list.get(MOST_THRESHOLDS)) {
            let found = list.as_ref().map_or(0, Vec::len);
            return Err(Error::new(format!("{found} thresholds on the {}", measure.in_words()))
                .at(source.place(value.span()))
                .help(format!(
                    "at most {MOST_THRESHOLDS} are asked of a measure: every one is a row of each subgroup"
                )));
        }
        let mut values = Vec::new();
        for value in list.iter().flat_map(|l| l.iter()) {
            let t = check(measure, fits, value)?;
            if values.contains(&t) {
                return Err(
                    Error::new(format!("the threshold {t} stands twice")).at(source.place(value.span()))
                );
            }
            values.push(t);
        }
        found.set(measure, values);
    }
    if let Some(primary) = &section.primary {
        let mut entries = primary.get_ref().iter();
        let (Some((name, value)), None) = (entries.next(), entries.next()) else {
            return Err(Error::new("`primary` names one threshold")
                .at(source.place(primary.span()))
                .help("write primary = { risk_difference = 0.05 }"));
        };
        let Some(&(measure, list, fits)) = lists.iter().find(|l| l.0.key() == name) else {
            let error = Error::new(format!("unknown measure `{name}`"))
                .at(source.place(primary.span()))
                .help(available());
            return Err(match super::nearest::nearest(name, lists.iter().map(|l| l.0.key())) {
                Some(near) => error.label(format!("did you mean `{near}`?")),
                None => error,
            });
        };
        let t = check(measure, fits, value)?;
        if list.is_some() && !found.of(measure).contains(&t) {
            return Err(Error::new(format!(
                "the primary threshold {t} is not among those listed for {}",
                measure.in_words()
            ))
            .at(source.place(value.span()))
            .help("list it too, or choose one that is listed"));
        }
        if list.is_none() {
            found.set(measure, vec![t]);
        }
        found.primary = Some((measure, t));
    }
    found.drop_nulls();
    Ok(found)
}

fn rounded(x: f64) -> f64 {
    libm::round(x * 1000.0) / 1000.0
}
