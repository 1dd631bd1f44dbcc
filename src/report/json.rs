//! `result.json`, schema `equipoise/result/2`, and its relatives.

use std::path::Path;

use serde::Serialize;
use serde_json::{Value, json};

use super::interruption::interruption;
use super::sentences::{claims_json, told as told_claims};
use super::{weighting, wire};
use crate::posterior::{Claim, Report, baseline_conflicts, effect_conflict};
use crate::study::{
    Adjustment, Assignment, Assumption, Audit, BaselineOf, Changed, Covariate, Factor, Interactions,
    Population, RelatedArms, Spread, Study, Term, library_priors,
};

/// The name of the schema of `result.json`; its number rises when anything is renamed or removed.
pub const RESULT_SCHEMA: &str = "equipoise/result/2";
const CHECK_SCHEMA: &str = "equipoise/check/1";

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    version: &'static str,
    model: ModelHead<'a>,
    /// What must stand wherever a number stands.
    statements: Vec<String>,
    data: DataHead,
    settings: wire::Settings,
    prior: PriorHead<'a>,
    /// What is assumed of a bias; the rows then have a value without it, `unadjusted`.
    #[serde(skip_serializing_if = "Option::is_none")]
    bias: Option<BiasHead<'a>>,
    /// How effects were adjusted for who was treated; absent where they were not by weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    weighting: Option<weighting::Head<'a>>,
    checks: wire::Checks<'a>,
    parameters: Vec<wire::Parameter>,
    estimates: Vec<wire::Estimate<'a>>,
    probabilities: Vec<wire::Probability<'a>>,
    /// What was observed beside what the model predicts of it.
    model_checks: wire::ModelChecks<'a>,
    /// What is said of it in sentences.
    claims: Vec<Value>,
}

#[derive(Serialize)]
pub struct ModelHead<'a> {
    name: &'a str,
    title: &'a str,
    sha256: &'a str,
    illustrative: bool,
    assignment: Assignment,
    citation: &'a [String],
    /// Absent where there are neither covariates nor centres.
    #[serde(skip_serializing_if = "Option::is_none")]
    adjustment: Option<AdjustmentHead<'a>>,
    /// What was changed of the file for this run; absent where nothing was.
    #[serde(skip_serializing_if = "Changed::is_empty")]
    changed: &'a Changed,
}

#[derive(Serialize)]
pub struct DataHead {
    sha256: String,
    audit: Audit,
}

#[derive(Serialize)]
struct BiasHead<'a> {
    assumptions: &'a [Assumption],
    /// The checks of the run without it.
    checks_unadjusted: Option<wire::Checks<'a>>,
}

fn bias_head<'a>(study: &'a Study, report: Option<&'a Report>) -> Option<BiasHead<'a>> {
    let bias = study.bias.as_ref().filter(|b| b.assumes_anything())?;
    let unadjusted = report.and_then(|r| r.unadjusted.as_ref());
    Some(BiasHead {
        assumptions: &bias.assumptions,
        checks_unadjusted: unadjusted.map(|r| wire::Checks::of(&r.checks)),
    })
}

#[derive(Serialize)]
struct PriorHead<'a> {
    pooling: crate::study::Pooling,
    effect: &'a str,
    heterogeneity: Option<&'a str>,
    /// Absent where there is one active arm.
    #[serde(skip_serializing_if = "Option::is_none")]
    arms: Option<ArmsHead<'a>>,
    /// Absent where subgroups are of one kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    factors: Option<FactorsHead<'a>>,
    baseline: Option<&'a str>,
    /// What a baseline is; null for estimates, which have none.
    baseline_of: Option<BaselineOf>,
    /// Degrees of freedom of Student t effects; absent where effects are normal.
    #[serde(skip_serializing_if = "Option::is_none")]
    effects_df: Option<f64>,
    /// The probability that a subgroup is exchangeable with the others; absent for other poolings.
    #[serde(skip_serializing_if = "Option::is_none")]
    exchangeable: Option<f64>,
    /// Mean and sd of the effect of one that is not; absent for other poolings.
    #[serde(skip_serializing_if = "Option::is_none")]
    stand_alone: Option<[f64; 2]>,
    /// Each arm's number of events under the priors alone; empty where that can't be told.
    baseline_against_data: Vec<wire::BaselineConflict>,
    /// The mean effect under the priors alone; null where that can't be told.
    effect_against_data: Option<wire::EffectConflict>,
}

/// Several active arms.
#[derive(Serialize)]
struct ArmsHead<'a> {
    /// The control arm first.
    names: &'a [String],
    related: RelatedArms,
    between: Option<&'a str>,
    interaction: Option<&'a str>,
}

/// Several subgroup factors.
#[derive(Serialize)]
struct FactorsHead<'a> {
    factors: Vec<FactorHead<'a>>,
    /// "by factor" or "regularised horseshoe".
    interactions: &'static str,
    /// Scale and degrees of freedom of the horseshoe's slab; null by factor.
    slab: Option<[f64; 2]>,
    main_effects: Option<&'a str>,
}

#[derive(Serialize)]
struct FactorHead<'a> {
    name: &'a str,
    levels: &'a [String],
}

impl FactorHead<'_> {
    fn of(factor: &Factor) -> FactorHead<'_> {
        FactorHead { name: &factor.name, levels: &factor.levels }
    }
}

fn factors_head(study: &Study) -> Option<FactorsHead<'_>> {
    let (factors, assumed) = (study.factors.as_deref()?, study.priors.factors.as_ref()?);
    let (interactions, slab) = match assumed.interactions {
        Interactions::ByFactor => ("by factor", None),
        Interactions::Horseshoe(slab) => ("regularised horseshoe", Some([slab.scale, slab.df])),
    };
    Some(FactorsHead {
        factors: factors.all.iter().map(FactorHead::of).collect(),
        interactions,
        slab,
        main_effects: assumed.main_effects.as_ref().map(|p| p.words.as_str()),
    })
}

/// What the effects are adjusted for.
#[derive(Serialize)]
struct AdjustmentHead<'a> {
    covariates: &'a [Covariate],
    terms: &'a [Term],
    centres: Option<CentresHead<'a>>,
    population: &'a Population,
    /// Rows that differ.
    patterns: usize,
}

#[derive(Serialize)]
struct CentresHead<'a> {
    column: &'a str,
    number: usize,
    prior: &'a str,
}

impl AdjustmentHead<'_> {
    fn of(adjustment: &Adjustment) -> AdjustmentHead<'_> {
        AdjustmentHead {
            covariates: &adjustment.covariates,
            terms: &adjustment.terms,
            centres: adjustment.centres.as_ref().map(|c| CentresHead {
                column: &c.column,
                number: c.names.len(),
                prior: &c.sd.words,
            }),
            population: &adjustment.population,
            patterns: adjustment.patterns.len(),
        }
    }
}

/// Which model it is.
pub fn model_head(study: &Study) -> ModelHead<'_> {
    ModelHead {
        name: &study.name,
        title: &study.title,
        sha256: &study.model_sha256,
        illustrative: study.illustrative,
        assignment: study.assignment,
        citation: &study.citation,
        adjustment: study.adjustment.as_deref().map(AdjustmentHead::of),
        changed: &study.changed,
    }
}

/// The data's checksum and their audit.
pub fn data_head(study: &Study) -> DataHead {
    DataHead { sha256: study.data_sha256.clone(), audit: study.audit() }
}

fn prior_head<'a>(study: &'a Study, report: Option<&Report>) -> PriorHead<'a> {
    let spread = study.priors.spread(study.pooling);
    let (exchangeable, stand_alone) = match spread {
        Some(Spread::OrNot { exchangeable, mean, sd }) => (Some(exchangeable), Some([mean, sd])),
        _ => (None, None),
    };
    PriorHead {
        effects_df: match spread {
            Some(Spread::StudentT { df }) => Some(df),
            _ => None,
        },
        exchangeable,
        stand_alone,
        pooling: study.pooling,
        effect: &study.priors.effect.words,
        heterogeneity: study.priors.heterogeneity.as_ref().map(|p| p.words.as_str()),
        arms: study.priors.arms.as_ref().map(|arms| ArmsHead {
            names: &study.treatment.arms,
            related: arms.related,
            between: arms.between.as_ref().map(|p| p.words.as_str()),
            interaction: arms.interaction.as_ref().map(|p| p.words.as_str()),
        }),
        factors: factors_head(study),
        baseline: study.priors.baseline.as_ref().map(|p| p.words.as_str()),
        baseline_of: study.priors.baseline.as_ref().map(|_| study.priors.baseline_of),
        baseline_against_data: match report {
            Some(report) => wire::baseline_conflicts(report.baseline_conflicts(study)),
            None => wire::baseline_conflicts(&baseline_conflicts(study)),
        },
        effect_against_data: match report {
            Some(report) => report.effect_conflict(study).map(wire::EffectConflict::of),
            None => effect_conflict(study, &study.priors).as_ref().map(wire::EffectConflict::of),
        },
    }
}

/// What must stand wherever a number stands, in sentences: of the study, and of a run that failed its checks or was
/// interrupted.
pub fn statements(study: &Study, report: &Report) -> Vec<String> {
    study.statements().into_iter().chain(interruption(report)).chain(report.warning()).collect()
}

/// The whole result of a fit as JSON, numbers in full.
pub fn fit_json(study: &Study, report: &Report) -> String {
    pretty(&Document {
        schema: RESULT_SCHEMA,
        version: env!("CARGO_PKG_VERSION"),
        model: model_head(study),
        statements: statements(study, report),
        data: data_head(study),
        settings: wire::Settings::of(&report.settings),
        prior: prior_head(study, Some(report)),
        bias: bias_head(study, Some(report)),
        weighting: weighting::head(study, Some(report)),
        checks: wire::Checks::of(&report.checks),
        parameters: wire::parameters(report),
        estimates: wire::estimates(report),
        probabilities: wire::probabilities(report),
        model_checks: wire::model_checks(study, report),
        claims: claims_json(
            told_claims(report)
                .chain(&report.prior_at_odds(study))
                .chain(&Claim::beyond_others(study, report)),
        ),
    })
}

/// The audit of the data and what the priors imply, as JSON.
pub fn check_json(study: &Study, prior: Option<&Report>) -> String {
    let implied = prior.map(|p| {
        json!({
            "estimates": wire::estimates(p),
            "probabilities": wire::probabilities(p),
            "parameters": wire::parameters(p),
        })
    });
    let library = study.expected_odds_ratio.map(|expected| {
        library_priors(expected, study.outcome.higher_is)
            .into_iter()
            .map(|p| json!({ "belief": p.belief, "strength": p.strength, "mean": p.mean, "sd": p.sd }))
            .collect::<Vec<Value>>()
    });
    let mut document = json!({
        "schema": CHECK_SCHEMA,
        "version": env!("CARGO_PKG_VERSION"),
        "model": model_head(study),
        "statements": study.statements(),
        "data": data_head(study),
        "prior": prior_head(study, None),
        "implied_by_prior": implied,
        "library": library,
        "bias": bias_head(study, None).map(|head| json!({
            "assumptions": head.assumptions,
            "implied": crate::compare::bias::implied(study),
        })),
    });
    if let (Some(head), Some(document)) = (weighting::head(study, None), document.as_object_mut()) {
        document.insert("weighting".to_string(), json!(head));
    }
    pretty(&document)
}

/// What may differ between two equal runs, as JSON: when they ran, for how long, and on what. `folder` is where the model
/// file's paths start, null where it is not UTF-8.
pub fn run_json(started: &str, seconds: f64, threads: usize, folder: Option<&Path>) -> String {
    pretty(&json!({
        "schema": "equipoise/run/1",
        "version": env!("CARGO_PKG_VERSION"),
        "started": started,
        "seconds": seconds,
        "threads": threads,
        "folder": folder.and_then(Path::to_str),
        "system": format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
    }))
}

/// Serialising these types can't fail: no maps with other keys than strings.
pub fn pretty(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}
