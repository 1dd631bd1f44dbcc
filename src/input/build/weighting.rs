//! From `[adjustment]` and the rows of patients to weighted effects.

use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;

use super::super::adjust_section::AdjustEntry;
use super::super::adjustment_section::AdjustmentSection;
use super::super::design::{Designed, designed};
use super::super::model_file::{Kind, ModelFile, Rows};
use super::super::patients::Measured;
use super::super::prior_words;
use super::super::source::Source;
use crate::error::{Error, ErrorKind, Result};
use crate::study::{
    ArmLogOdds, Assignment, Data, Estimates, Form, LocationPrior, MOST_CORRELATED, Study, SubgroupEstimate,
    Weighting,
};
use crate::weighting::{
    Cohort, Design, Estimand, Lack, Method, NoEstimate, Plan, SlopePrior, Weighted, design, weighted,
};

/// Draws of the bootstrap and simulated studies unless the file says otherwise.
const REPLICATES: usize = 2_000;
const REPLAYS: usize = 1_000;

/// The most patients that are replayed so often unless the file says so: of more it is fewer in proportion.
const REPLAYED_PATIENTS: f64 = 10_000.0;

/// The fewest replays of a study however large, unless the file says so.
const FEWEST_REPLAYS: usize = 200;

/// What may be asked.
const FEWEST_REPLICATES: u64 = 200;
const MOST_REPLICATES: u64 = 100_000;
const MOST_REPLAYS: u64 = 20_000;

fn error(source: &Source, span: Range<usize>, kind: ErrorKind, message: impl Into<String>) -> Error {
    Error::of(kind, message.into()).at(source.place(span))
}

/// The covariates to be read of every patient, those of [model] or those of [adjustment], and at the end the column of weights.
pub fn entries(source: &Source, file: &ModelFile) -> Result<Vec<Spanned<AdjustEntry>>> {
    let Some(section) = &file.adjustment else { return Ok(file.model.adjust.clone()) };
    check(source, file, section)?;
    let section = section.get_ref();
    let mut entries = section.propensity.clone();
    if let Some(column) = &section.weights {
        entries.push(Spanned::new(
            column.span(),
            AdjustEntry { is_weight: true, ..AdjustEntry::of_column(column.get_ref()) },
        ));
    }
    Ok(entries)
}

/// What has to go with [adjustment], before any file is read.
fn check(source: &Source, file: &ModelFile, spanned: &Spanned<AdjustmentSection>) -> Result<()> {
    let section = spanned.get_ref();
    let rule = |span: Range<usize>, message: &str, help: &str| {
        Err(error(source, span, ErrorKind::Rule, message).help(help))
    };
    if file.outcome.kind != Kind::Binary {
        return rule(
            spanned.span(),
            "[adjustment] is for kind = \"binary\"",
            "of ordered levels, make the outcome binary at one cut; estimates say themselves what they are adjusted for",
        );
    }
    if file.data.get_ref().rows != Some(Rows::Patients) {
        return rule(
            spanned.span(),
            "[adjustment] needs rows of patients",
            "weights are of patients: file = \"registry.csv\" with rows = \"patients\" in [data]",
        );
    }
    if let Some(entry) = file.model.adjust.first() {
        return rule(
            entry.span(),
            "`adjust` in [model] beside [adjustment]",
            "either the model has the covariates, or they are adjusted for before it: leave one of them out; method = \"augmented\" has both weights and a regression",
        );
    }
    if let Some(factors) = file.subgroup.as_ref().and_then(|s| s.get_ref().factors.as_ref()) {
        return rule(
            factors.span(),
            "several factors beside [adjustment]",
            "weighted effects are of subgroups of one kind here: name one factor, or adjust by [model] adjust",
        );
    }
    if let Some((key, _)) = file.data.get_ref().columns.iter().find(|(key, _)| key.get_ref() == "centre") {
        return rule(
            key.span(),
            "centres beside [adjustment]",
            "intercepts of centres are for [model] adjust; a few centres can be a covariate of levels in `propensity`",
        );
    }
    if let Some(bias) = file.bias.as_ref().map(Spanned::get_ref) {
        let of_counts = [
            ("missing", bias.missing.as_ref().map(Spanned::span)),
            ("misclassification", bias.misclassification.as_ref().map(Spanned::span)),
            ("rare_outcome", bias.rare_outcome.as_ref().map(Spanned::span)),
        ];
        if let Some((key, span)) = of_counts.into_iter().find_map(|(key, span)| Some((key, span?))) {
            return rule(
                span,
                &format!("`{key}` in [bias] beside [adjustment]"),
                "of weighted effects a bias is added to the effect (log_odds_ratio) or a confounder that was not measured ([bias.confounder]): leave it out",
            );
        }
    }
    let baselines =
        [file.prior.baseline.as_ref().map(Spanned::span), file.prior.baseline_of.as_ref().map(Spanned::span)];
    let several = file.treatment.get_ref().arms.is_some();
    if let Some(span) = baselines.into_iter().flatten().next().filter(|_| !several) {
        return Err(no_baseline_beside_weights(source, span));
    }
    if let Some(population) = &file.model.population {
        return rule(
            population.span(),
            "`population` in [model] beside [adjustment]",
            "for whom effects are says `estimand` in [adjustment]: \"all\", \"treated\" or \"overlap\"",
        );
    }
    for entry in &section.propensity {
        let asked = entry.get_ref();
        for (key, span) in [
            ("prior", asked.prior.as_ref().map(Spanned::span)),
            ("per", asked.per.as_ref().map(Spanned::span)),
            ("unit", asked.unit.as_ref().map(Spanned::span)),
        ] {
            if let Some(span) = span {
                return rule(
                    span,
                    &format!("`{key}` of a covariate of the propensity"),
                    "its coefficients are not reported, and have one prior: prior = \"normal(0, 2.5)\" in [adjustment]",
                );
            }
        }
    }
    match (&section.weights, section.propensity.is_empty()) {
        (None, true) => Err(error(source, spanned.span(), ErrorKind::Missing, "`propensity` is missing from [adjustment]")
            .help("name what decided who was treated and bears on the outcome: propensity = [\"AGE\", { column = \"SEX\", reference = \"F\" }]")
            .help("or the column of weights that were computed elsewhere: weights = \"ipw\"")),
        (Some(weights), none) => given(source, section, weights, none),
        _ => Ok(()),
    }
}

/// Of weighted patients baselines have no prior.
pub fn no_baseline_beside_weights(source: &Source, span: Range<usize>) -> Error {
    error(source, span, ErrorKind::Rule, "a prior of baselines beside [adjustment]")
        .help("risks come from the weighted patients alone, and effects have the priors: leave it out")
}

/// What goes with weights that were computed elsewhere.
fn given(source: &Source, section: &AdjustmentSection, weights: &Spanned<String>, none: bool) -> Result<()> {
    let rule = |span: Range<usize>, message: String, help: &str| {
        Err(error(source, span, ErrorKind::Rule, message).help(help))
    };
    if *section.method.get_ref() == Method::Overlap {
        let help = "of weights that were computed elsewhere the program knows only what they are: method = \"inverse probability\" takes any, and `estimand` says for whom they were made";
        return rule(weights.span(), "`weights` beside method = \"overlap\"".to_string(), help);
    }
    if *section.method.get_ref() == Method::Regression {
        let help = "a regression alone has no weights: leave `weights` out, or write method = \"augmented\"";
        return rule(weights.span(), "`weights` beside method = \"regression\"".to_string(), help);
    }
    if *section.method.get_ref() == Method::Augmented && none {
        return rule(
            section.method.span(),
            "method = \"augmented\" without covariates".to_string(),
            "name in `propensity` what the regression of the outcome has",
        );
    }
    let of_model = [
        ("prior", section.prior.as_ref().map(Spanned::span)),
        ("truncate", section.truncate.as_ref().map(Spanned::span)),
        ("by_subgroup", section.by_subgroup.as_ref().map(Spanned::span)),
        ("replays", section.replays.as_ref().filter(|r| r.get_ref().0 > 0).map(Spanned::span)),
    ];
    match of_model.into_iter().find_map(|(key, span)| Some((key, span?))) {
        Some((key, span)) => rule(
            span,
            format!("`{key}` beside `weights`"),
            "it is of a propensity model, and the weights were computed elsewhere: leave it out",
        ),
        None => Ok(()),
    }
}

/// What is asked, with its bounds.
fn plan(source: &Source, section: &AdjustmentSection, (patients, arms): (f64, usize)) -> Result<Plan> {
    let method = *section.method.get_ref();
    let estimand = match (&section.estimand, method) {
        (None, Method::Overlap) => Estimand::Overlap,
        (None, _) => Estimand::All,
        (Some(estimand), Method::Overlap) if *estimand.get_ref() != Estimand::Overlap => {
            let message = "overlap weights are for the overlap population";
            return Err(error(source, estimand.span(), ErrorKind::Rule, message)
                .help("leave `estimand` out, or write method = \"inverse probability\" or \"augmented\""));
        }
        (Some(estimand), _) => *estimand.get_ref(),
    };
    let prior = match &section.prior {
        None => SlopePrior::Flat,
        Some(text) if text.get_ref().trim() == "flat" => SlopePrior::Flat,
        Some(text) => {
            let wrong = || {
                let message =
                    format!("found `{}`, expected \"flat\" or a normal prior around 0", text.get_ref());
                error(source, text.span(), ErrorKind::Value, message).help("write prior = \"normal(0, 2.5)\"")
            };
            match prior_words::coefficient(text.get_ref()) {
                Ok(LocationPrior::Normals(normals)) => match normals.as_slice() {
                    [one] if one.mean == 0.0 => SlopePrior::Normal { sd: one.sd },
                    _ => return Err(wrong()),
                },
                _ => return Err(wrong()),
            }
        }
    };
    let truncate = match &section.truncate {
        None => None,
        Some(least) if least.get_ref().0 > 0.0 && least.get_ref().0 * (arms as f64) < 1.0 => {
            Some(least.get_ref().0)
        }
        Some(least) => {
            let (most, help) = match arms {
                2 => ("0.5".to_string(), "truncate = 0.02 keeps propensities between 0.02 and 0.98"),
                n => {
                    (format!("1/{n}"), "truncate = 0.02 raises the probability of every arm to 0.02 at least")
                }
            };
            let found = least.get_ref().0;
            let message = format!("`truncate` is {found}, expected a probability above 0 and below {most}");
            return Err(error(source, least.span(), ErrorKind::Value, message).help(help));
        }
    };
    let replicates = match &section.replicates {
        None => REPLICATES,
        Some(n) if (FEWEST_REPLICATES..=MOST_REPLICATES).contains(&n.get_ref().0) => n.get_ref().0 as usize,
        Some(n) => {
            let message = format!(
                "`replicates` is {}, expected {FEWEST_REPLICATES} to {MOST_REPLICATES}",
                n.get_ref().0
            );
            return Err(error(source, n.span(), ErrorKind::Value, message)
                .help("2000, the default, leaves an error of 1.6 % in every standard error"));
        }
    };
    let usual = (REPLAYS as f64 * (REPLAYED_PATIENTS / patients).min(1.0)) as usize;
    let replays = match &section.replays {
        _ if section.weights.is_some() => 0,
        None => usual.max(FEWEST_REPLAYS),
        Some(n) if n.get_ref().0 == 0 || (50..=MOST_REPLAYS).contains(&n.get_ref().0) => {
            n.get_ref().0 as usize
        }
        Some(n) => {
            let message =
                format!("`replays` is {}, expected 50 to {MOST_REPLAYS}, or 0 for none", n.get_ref().0);
            return Err(error(source, n.span(), ErrorKind::Value, message)
                .help("1000 leaves an error of some 3 to 5 % in the factors"));
        }
    };
    Ok(Plan {
        method,
        estimand,
        by_subgroup: section.by_subgroup.as_ref().is_none_or(|b| *b.get_ref()),
        prior,
        truncate,
        replicates,
        replays,
        seed: section.seed.as_ref().map_or(1, |seed| seed.get_ref().0),
    })
}

/// Puts weighted effects in the place of the study's counts; the design alone where no outcome is to be read.
pub fn weight(source: &Source, file: &ModelFile, measured: Measured, study: &mut Study) -> Result<()> {
    let Some(spanned) = &file.adjustment else { return Ok(()) };
    let section = spanned.get_ref();
    let names: Vec<String> = study.data.names().into_iter().map(str::to_string).collect();
    let shown: Vec<&str> = names.iter().map(String::as_str).collect();
    let rows = measured.rows.clone();
    let found =
        designed(source, (&section.propensity, &file.prior), measured, &shown, section.weights.is_some())?;
    let Designed { covariates, terms, patterns, weights, first_rows, .. } = found;
    if let (Some(column), Some(weights)) = (&section.weights, &weights) {
        let wrong = weights.iter().position(|w| !(w.is_finite() && *w >= 0.0));
        if let Some(i) = wrong {
            let message = format!("the weight in row {} is {}", rows[first_rows[i] as usize], weights[i]);
            return Err(error(source, column.span(), ErrorKind::Value, message).help(
                "weights are 0 or more, and finite: correct it, or leave the row out by [data.where]",
            ));
        }
    }
    let mut cohort = Cohort::of_patterns(
        (names.len(), study.treatment.arms.len()),
        (&patterns.subgroup, &patterns.arm),
        (&patterns.events, &patterns.totals),
        &patterns.columns,
        weights.as_deref(),
    );
    let levels = covariates.iter().enumerate().filter(|(_, c)| matches!(c.form, Form::Levels { .. }));
    let of = |(i, _): (usize, _)| (0..terms.len()).filter(|&k| terms[k].covariate == i).collect();
    cohort.factors = levels.map(of).collect();
    let plan = plan(source, section, (patterns.totals.iter().sum(), cohort.arms))?;
    if cohort.is_correlated(&plan) && names.len() > MOST_CORRELATED {
        return Err(too_many(source, spanned.span(), names.len()));
    }
    let no_estimate = |lack: NoEstimate| no_estimate(source, spanned.span(), study, &shown, lack);
    let (design, weighted): (Design, Option<Weighted>) = if source.reading.design {
        (design(&cohort, &plan).map_err(no_estimate)?, None)
    } else {
        let found = weighted(&cohort, &plan).map_err(no_estimate)?;
        (found.design.clone(), Some(found))
    };
    let row = |extreme: &crate::weighting::Extreme| {
        let pattern = cohort.first_patterns[cohort.cell(extreme.profile, extreme.arm)];
        pattern.map_or(0, |i| rows[first_rows[i] as usize])
    };
    let extreme_rows = design.extremes.iter().map(row).collect();
    let given = section.weights.as_ref().map(|w| w.get_ref().clone());
    let counts = study.data.counts().unwrap_or_default().to_vec();
    let mut weighting =
        Weighting { plan, covariates, terms, given, counts, design, extreme_rows, weighted, arms: None };
    if weighting.has_several_arms() {
        weighting.arms = arms(source, spanned.span(), &weighting)?;
    } else {
        study.data = Data::Estimates(match &weighting.weighted {
            Some(found) => estimates(source, spanned.span(), (&weighting, found), &shown)?,
            // At the design stage nothing is known of any effect.
            None => shown
                .iter()
                .map(|name| SubgroupEstimate::of(name, 0.0, f64::INFINITY))
                .collect::<Vec<_>>()
                .into(),
        });
        study.priors.baseline = None;
    }
    if study.assignment == Assignment::Randomised {
        study.notices.push(format!("Effects are {}.", weighting.adjusted_for()));
    }
    study.weighting = Some(Arc::new(weighting));
    Ok(())
}

/// What weighted patients say of every arm of several; none where the design alone was read.
fn arms(source: &Source, span: Range<usize>, weighting: &Weighting) -> Result<Option<ArmLogOdds>> {
    let Some(found) = &weighting.weighted else { return Ok(None) };
    let said = weighting.log_odds(found.own()).ok_or_else(|| {
        error(source, span, ErrorKind::Data, "the weighted risks of these arms can't be told apart")
            .help("put subgroups or arms together, or write more `replicates`")
    });
    said.map(Some)
}

/// The effects of the plan's own estimator with their covariance.
fn estimates(
    source: &Source,
    span: Range<usize>,
    (weighting, found): (&Weighting, &Weighted),
    names: &[&str],
) -> Result<Estimates> {
    let made = weighting.estimates(found.own(), names).map_err(|problem| {
        error(source, span.clone(), ErrorKind::Data, problem.message)
            .help("the weighted effects of these subgroups can't be told apart: put subgroups together")
    })?;
    if let Some(estimates) = made {
        return Ok(estimates);
    }
    Err(too_many(source, span, names.len()))
}

fn too_many(source: &Source, span: Range<usize>, subgroups: usize) -> Error {
    let message = format!("{subgroups} subgroups whose weighted effects are correlated");
    error(source, span, ErrorKind::Limit, message).help(format!(
        "at most {MOST_CORRELATED}; with method = \"overlap\" or \"inverse probability\" and by_subgroup = true they share nothing"
    ))
}

/// Why a subgroup has no estimate, and what to do.
fn no_estimate(
    source: &Source,
    span: Range<usize>,
    study: &Study,
    names: &[&str],
    NoEstimate { subgroup, arm, lack }: NoEstimate,
) -> Error {
    let (name, arm) = (names[subgroup], &study.treatment.arms[arm]);
    let whom =
        if study.undivided { format!("arm `{arm}`") } else { format!("arm `{arm}` of subgroup `{name}`") };
    let several = study.treatment.has_several_arms();
    let apart = match (study.undivided, several) {
        (false, false) => {
            "put the subgroup together with another ([data.levels] subgroup), or leave it out by [data.where]"
        }
        (false, true) => {
            "put the subgroup or the arm together with another ([data.levels]), or leave it out by [data.where]"
        }
        (true, false) => "no estimate can be made without: is the column coded as [data.levels] says?",
        (true, true) => "put the arm together with another ([data.levels] arms), or leave it out of `arms`",
    };
    match lack {
        Lack::Patients => {
            let only = if several { "" } else { ": a subgroup with one arm only" };
            error(source, span, ErrorKind::Data, format!("nobody is in {whom}{only}"))
                .help("no weights make up for an arm that is not there")
                .help(apart)
        }
        Lack::Weight => {
            error(source, span, ErrorKind::Data, format!("the weights of {whom} sum to 0")).help(apart)
        }
        Lack::AllButOne => error(
            source,
            span,
            ErrorKind::Data,
            format!("one patient has more than 95 % of the weight of {whom}"),
        )
        .help("such an arm is one patient: correct the weights, truncate them where they were made, or leave the row out by [data.where]"),
        Lack::Events | Lack::Others => {
            let what = if lack == Lack::Events { "no" } else { "nothing but" };
            let told = error(
                source,
                span,
                ErrorKind::Data,
                format!("{whom} has {what} {}: its log odds ratio is infinite", study.outcome.event),
            )
            .help(apart);
            if several {
                return told;
            }
            told.help("or adjust within the model, which needs none: adjust = [ … ] in [model] in place of [adjustment]")
        }
    }
}
