//! The baseline prior varied, all else as stated: half and double its scale, on the other place between the arms, and shared
//! among the subgroups (exchangeable) instead of independent. Of ordered levels the prior of their probabilities, that of the
//! shifts of shared cut points, and whose cut points are whose.

use serde::Serialize;

use super::priors::STATED;
use super::refit::{MANY, is_exchangeable, needs_sampling};
use super::steps::Steps;
use super::table::{Fit, TableRow, fitted, known_under, rows};
use crate::model::{BaselineOf, BaselinePrior, HeterogeneityPrior, LocationPrior, NormalComponent};
use crate::parallel;
use crate::posterior::{Engine, Options, Scope};
use crate::study::{Cutpoints, LevelPriors, Priors, Study, Written, four_decimals};

/// How the baseline prior departs from the stated one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Variant {
    /// The baseline prior that the study states.
    Stated,
    /// The stated prior half as wide, about the same centre.
    HalfScale,
    /// The stated prior twice as wide, about the same centre.
    DoubleScale,
    /// The stated prior on the other place: on the control arm's log odds where the study states it of the mean of the
    /// arms', and the reverse.
    OtherArms,
    /// Baselines exchangeable among the subgroups, α_g ~ N(m, s²), with the stated prior on m and half-normal(1) on s.
    Exchangeable,
    /// Independent baselines with prior N(0, 2.5²), where the study states exchangeable ones.
    Independent,
    /// Of ordered levels, all concentrations of the Dirichlet prior 1: every distribution over the levels is as probable.
    DirichletOne,
    /// Of ordered levels, all concentrations as rmsb takes them, 1/(0.8 + 0.35·max(K, 3)) for K levels.
    DirichletRmsb,
    /// Of ordered levels, all concentrations one half (Jeffreys).
    DirichletHalf,
    /// Of ordered levels with shared cut points, the prior of their shifts' sd half as wide.
    HalfShift,
    /// Of ordered levels with shared cut points, the prior of their shifts' sd twice as wide.
    DoubleShift,
    /// Of ordered levels, cut points by subgroup where the study shares them, and the reverse.
    OtherCutpoints,
}

/// One statement under one baseline prior.
#[derive(Debug, Clone, Serialize)]
pub struct BaselineRow {
    /// How the baseline prior departs from the stated one.
    pub variant: Variant,
    /// The baseline prior in words.
    pub baseline_prior: String,
    /// Whether the prior is on the mean of the arms' log odds or on the control arm's.
    pub baseline_of: BaselineOf,
    /// The statement and its probability; without a number, and with the reason why, where the variant is not fitted.
    #[serde(flatten)]
    pub row: TableRow,
}

/// Spread of exchangeable baselines where the study states none.
const SPREAD: f64 = 1.0;

/// Independent baselines where the study states exchangeable ones: the model file's own default.
const INDEPENDENT: f64 = 2.5;

/// Every statement about subgroups and what they share, under every variant; or why there are none.
pub fn baselines(
    study: &Study,
    (options, known): (Options, &[Fit]),
    steps: &Steps,
) -> Result<Vec<BaselineRow>, String> {
    let stated = study.priors.baseline.as_ref().ok_or(match study.weighting {
        Some(_) => "baselines of weighted patients have no prior",
        None => "published estimates have no baseline",
    })?;
    let all = all_variants(study, stated);
    // Whether the other cut points need sampling is another question.
    let is_needless = options.engine == Engine::Sampler && !needs_sampling(study);
    let of_levels = study.priors.levels.is_some() && !is_needless;
    let options = if of_levels { Options { engine: Engine::Exact, ..options } } else { options };
    let fit = |(variant, priors): (Variant, Priors)| {
        let of = priors.baseline_of;
        let words = priors.baseline.as_ref().map(|b| b.words.clone()).unwrap_or_default();
        let other = Study { priors, ..study.clone() };
        let found = match not_fitted(study, variant) {
            Some(why) => Err(why),
            None => Ok(match known_under(known, study.pooling) {
                Some(report) if variant == Variant::Stated => report.clone(),
                _ => fitted(&other, options, &()),
            }),
        };
        steps.did(1);
        (variant, words, of, found)
    };
    let found = parallel::map_taken(all, fit);
    let mut out: Vec<BaselineRow> = Vec::new();
    for (variant, words, baseline_of, report) in found {
        let own = match report {
            Ok(report) => {
                let fit = Fit { prior: STATED.to_string(), pooling: study.pooling, report };
                rows(study, std::slice::from_ref(&fit)).0
            }
            // The same rows as under the stated prior, without numbers.
            Err(why) => without_numbers(&out, &why),
        };
        let told = own.into_iter().filter(|r| match r.scope {
            Scope::Mean | Scope::New => !study.undivided,
            scope => scope == Scope::Subgroup,
        });
        out.extend(told.map(|row| BaselineRow { variant, baseline_prior: words.clone(), baseline_of, row }));
    }
    Ok(out)
}

/// How many fits [`baselines`] makes.
pub fn planned(study: &Study) -> usize {
    study.priors.baseline.as_ref().map_or(0, |stated| all_variants(study, stated).len())
}

fn without_numbers(before: &[BaselineRow], why: &str) -> Vec<TableRow> {
    let stated = before.iter().filter(|r| r.variant == Variant::Stated);
    stated
        .map(|r| TableRow {
            probability: None,
            mcse: None,
            exact: None,
            prior_probability: None,
            unadjusted: None,
            unavailable: Some(why.to_string()),
            ..r.row.clone()
        })
        .collect()
}

/// Why a variant is not fitted, where it is not.
fn not_fitted(study: &Study, variant: Variant) -> Option<String> {
    let subgroups = study.data.names().len();
    let labels = study.bias.as_ref().is_some_and(|b| b.misclassification.is_some());
    match variant {
        Variant::Exchangeable if subgroups < 2 => {
            Some("one subgroup shares its baseline with no other".to_string())
        }
        Variant::Exchangeable if study.adjustment.is_some() => Some(
            "exchangeable baselines are sampled with all rows, which takes long: name them in a prior of their own"
                .to_string(),
        ),
        Variant::Exchangeable if study.pooling.is_integrated_alone() => Some(
            "effects that are not normal around their mean are integrated, and exchangeable baselines are not"
                .to_string(),
        ),
        Variant::Exchangeable if labels => {
            Some("where labels may be wrong baselines are independent".to_string())
        }
        Variant::Exchangeable if subgroups > MANY => Some(format!(
            "exchangeable baselines are sampled, which for more than {MANY} subgroups takes long: name them in a prior of their own"
        )),
        _ => None,
    }
}

/// The study's priors with every variant of the baselines', the stated one first.
fn all_variants(study: &Study, stated: &Written<BaselinePrior>) -> Vec<(Variant, Priors)> {
    if let (Some(scale), Some(levels)) = (&study.outcome.levels, &study.priors.levels) {
        let with = |levels: LevelPriors| Priors {
            baseline: Some(levels.baseline(scale.primary)),
            levels: Some(levels),
            ..study.priors.clone()
        };
        let subgroups = study.data.names().len();
        return level_variants(levels, scale.levels(), subgroups)
            .into_iter()
            .map(|(v, l)| (v, with(l)))
            .collect();
    }
    let with = |(variant, baseline, baseline_of)| {
        (variant, Priors { baseline: Some(baseline), baseline_of, ..study.priors.clone() })
    };
    // Where there are no subgroups none can be exchangeable.
    let asked =
        variants(study, stated).into_iter().filter(|v| !(study.undivided && v.0 == Variant::Exchangeable));
    asked.map(with).collect()
}

/// Other concentrations of the levels' prior, other scales of the shifts, and other cut points, as far as they differ from what is
/// stated.
fn level_variants(stated: &LevelPriors, levels: usize, subgroups: usize) -> Vec<(Variant, LevelPriors)> {
    let mut all = vec![(Variant::Stated, stated.clone())];
    let rmsb = LevelPriors::rmsb(levels);
    for (variant, concentration, words) in [
        (Variant::DirichletOne, 1.0, "dirichlet(1)"),
        (Variant::DirichletRmsb, rmsb, "rmsb"),
        (Variant::DirichletHalf, 0.5, "dirichlet(0.5)"),
    ] {
        let distribution = vec![concentration; levels];
        if distribution != stated.concentrations.distribution {
            let concentrations = Written { distribution, words: words.to_string() };
            all.push((variant, LevelPriors { concentrations, ..stated.clone() }));
        }
    }
    if subgroups < 2 {
        return all;
    }
    if let Some(shift) = &stated.shift {
        for (variant, factor) in [(Variant::HalfShift, 0.5), (Variant::DoubleShift, 2.0)] {
            let distribution = shift.distribution.scaled(factor);
            let shift = Written { words: distribution.in_short(), distribution };
            all.push((variant, LevelPriors { shift: Some(shift), ..stated.clone() }));
        }
    }
    let (cutpoints, shift) = match stated.cutpoints {
        Cutpoints::Shared => (Cutpoints::BySubgroup, None),
        Cutpoints::BySubgroup => {
            let distribution = HeterogeneityPrior::HalfNormal { scale: SPREAD };
            (Cutpoints::Shared, Some(Written { words: distribution.in_short(), distribution }))
        }
    };
    all.push((Variant::OtherCutpoints, LevelPriors { cutpoints, shift, ..stated.clone() }));
    all
}

/// The stated prior first.
fn variants(
    study: &Study,
    stated: &Written<BaselinePrior>,
) -> Vec<(Variant, Written<BaselinePrior>, BaselineOf)> {
    let of = study.priors.baseline_of;
    let other = match of {
        BaselineOf::Arms => BaselineOf::Control,
        BaselineOf::Control => BaselineOf::Arms,
    };
    let scaled = |factor: f64| in_words(scaled(&stated.distribution, factor));
    let (variant, shared) = match &stated.distribution {
        BaselinePrior::Independent(mean) => {
            let sd = HeterogeneityPrior::HalfNormal { scale: SPREAD };
            (Variant::Exchangeable, BaselinePrior::Exchangeable { mean: mean.clone(), sd })
        }
        BaselinePrior::Exchangeable { .. } => {
            (Variant::Independent, BaselinePrior::Independent(LocationPrior::normal(0.0, INDEPENDENT)))
        }
    };
    let shared = match (&stated.distribution, variant) {
        // In the words in which the study states it.
        (_, Variant::Exchangeable) => Written {
            words: format!("mean {}, sd half-normal({})", stated.words, four_decimals(SPREAD)),
            distribution: shared,
        },
        _ => in_words(shared),
    };
    debug_assert_eq!(variant == Variant::Independent, is_exchangeable(study));
    vec![
        (Variant::Stated, stated.clone(), of),
        (Variant::HalfScale, scaled(0.5), of),
        (Variant::DoubleScale, scaled(2.0), of),
        (Variant::OtherArms, stated.clone(), other),
        (variant, shared, of),
    ]
}

fn in_words(distribution: BaselinePrior) -> Written<BaselinePrior> {
    let words = match &distribution {
        BaselinePrior::Independent(prior) => prior.in_short(),
        BaselinePrior::Exchangeable { mean, sd } => format!("mean {}, sd {}", mean.in_short(), sd.in_short()),
    };
    Written { distribution, words }
}

/// A baseline prior with all its scales times `factor`.
fn scaled(prior: &BaselinePrior, factor: f64) -> BaselinePrior {
    match prior {
        BaselinePrior::Independent(prior) => BaselinePrior::Independent(scaled_location(prior, factor)),
        BaselinePrior::Exchangeable { mean, sd } => {
            BaselinePrior::Exchangeable { mean: scaled_location(mean, factor), sd: sd.scaled(factor) }
        }
    }
}

/// The same distribution about its centre, `factor` times as wide: a mixture about its mean; a risk's beta with
/// 1/`factor`² times the patients, which on the log odds is nearly that.
pub fn scaled_location(prior: &LocationPrior, factor: f64) -> LocationPrior {
    match prior {
        LocationPrior::Normals(normals) => {
            let centre = match normals.as_slice() {
                [one] => one.mean,
                several => several.iter().map(|n| n.weight * n.mean).sum(),
            };
            let part = |n: &NormalComponent| NormalComponent {
                weight: n.weight,
                mean: centre + factor * (n.mean - centre),
                sd: factor * n.sd,
            };
            LocationPrior::Normals(normals.iter().map(part).collect())
        }
        LocationPrior::StudentT { df, location, scale } => {
            LocationPrior::StudentT { df: *df, location: *location, scale: factor * scale }
        }
        LocationPrior::LogitBeta { a, b } => {
            LocationPrior::LogitBeta { a: a / (factor * factor), b: b / (factor * factor) }
        }
        LocationPrior::Flat => LocationPrior::Flat,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scaled_prior_keeps_its_centre_and_its_family() {
        let normal = scaled_location(&LocationPrior::normal(-1.0, 2.5), 0.5);
        assert_eq!(normal, LocationPrior::normal(-1.0, 1.25));
        assert_eq!(normal.in_short(), "normal(-1, 1.25)");
        let part = |weight, mean, sd| NormalComponent { weight, mean, sd };
        let mixture = LocationPrior::Normals(vec![part(0.25, -3.0, 1.0), part(0.75, 1.0, 2.0)]);
        let LocationPrior::Normals(wide) = scaled_location(&mixture, 2.0) else { panic!("normals stay") };
        let mean: f64 = wide.iter().map(|n| n.weight * n.mean).sum();
        assert!(mean.abs() < 1e-15, "{mean}");
        assert_eq!((wide[0].mean, wide[0].sd, wide[1].sd), (-6.0, 2.0, 4.0));
        let beta = LocationPrior::LogitBeta { a: 2.0, b: 6.0 };
        assert_eq!(scaled_location(&beta, 0.5), LocationPrior::LogitBeta { a: 8.0, b: 24.0 });
    }
}
