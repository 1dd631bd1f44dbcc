//! The conclusion as a curve over the scale of the prior of departures from proportional odds: how much it leans on them.

use serde::Serialize;

use super::answer::LINE;
use super::refit::has_many_subgroups;
use super::steps::Steps;
use crate::parallel;
use crate::posterior::{
    Claim, Detail, Direction, Engine, Estimand, Integrals, Measure, Method, MovesWithoutProportionalOdds,
    Observer, Options, Report, Says, Scope, Statement, Topic, Whom, WithoutProportionalOdds, analyse_watched,
};
use crate::study::{Departure, LevelPriors, LocationPrior, Shape, Study, Written, four_decimals};

/// Standard deviations of the prior of δ that are asked about beside the stated one, on the log odds ratio; at 0 odds are
/// proportional.
const SCALES: [f64; 5] = [0.0, 0.1, 0.3, 0.6, 1.0];

/// The scale at which the conclusion without proportional odds is told where the study states none: that of the model file's
/// default prior.
const USUAL: f64 = 0.3;

/// How conclusions depend on proportional odds.
#[derive(Debug, Clone)]
pub struct DepartureCurve {
    /// Which cuts depart, as model files have it.
    pub shape: String,
    /// The prior of δ that the study states, in words; none where it takes odds as proportional, so that the shape is not its own.
    pub stated: Option<String>,
    /// The scale at which the conclusion without proportional odds is told: the stated prior's where that is a normal around 0.
    pub scale: f64,
    /// The study's own scale: 0 where it takes odds as proportional, none where its prior is no normal around 0.
    pub own: Option<f64>,
    /// All numbers, by scale.
    pub points: Vec<DeparturePoint>,
}

/// One effect at one scale of the prior of departures.
#[derive(Debug, Clone, Serialize)]
pub struct DeparturePoint {
    /// The sd of the prior of δ, a normal around 0 on the log odds ratio; 0 for proportional odds.
    pub scale: f64,
    /// Whom it is about: a subgroup, all patients, or the mean of all subgroups.
    pub scope: Scope,
    /// The subgroup's name; none for the others.
    pub subgroup: Option<String>,
    /// The odds ratio at one cut, the win probability, or of the mean the odds ratio e^μ.
    pub measure: Measure,
    /// The level above which the cut lies; none where the measure is not of one cut.
    pub above: Option<String>,
    /// Whether that is the primary cut.
    pub primary: bool,
    /// P(benefit) in this measure; none where the fit did not pass its checks.
    pub benefit: Option<f64>,
    /// The Monte Carlo error of `benefit`.
    pub mcse: Option<f64>,
    /// The effect's median, on the measure's own scale.
    pub median: Option<f64>,
    /// The lower end of the effect's central 95 % interval.
    pub q2_5: Option<f64>,
    /// The upper end of the effect's central 95 % interval.
    pub q97_5: Option<f64>,
    /// Why there are no numbers; none where there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unavailable: Option<String>,
}

/// What is departed from, and how.
struct Asked<'a> {
    levels: &'a LevelPriors,
    shape: Shape,
    stated: Option<&'a Written<LocationPrior>>,
    scales: Vec<f64>,
    own: Option<f64>,
}

/// What is asked; the reason why nothing is, where there are levels and it is not.
fn asked(study: &Study) -> Result<Asked<'_>, &'static str> {
    let (Some(scale), Some(levels)) = (&study.outcome.levels, &study.priors.levels) else {
        return Err("outcomes have no levels");
    };
    if scale.cuts() < 2 {
        return Err("with two levels there is one cut, and nothing to depart from");
    }
    if has_many_subgroups(study) {
        return Err("every scale would be a sampled fit of many subgroups");
    }
    let stated = levels.departure.as_ref().map(|d| &d.prior);
    let own = stated.and_then(|prior| match &prior.distribution {
        LocationPrior::Normals(normals) => match normals.as_slice() {
            [one] if one.mean == 0.0 => Some(one.sd),
            _ => None,
        },
        _ => None,
    });
    let mut scales = SCALES.to_vec();
    if let Some(own) = own.filter(|own| !scales.contains(own)) {
        scales.push(own);
        scales.sort_by(f64::total_cmp);
    }
    let shape = levels.departure.as_ref().map_or(Shape::Unconstrained, |d| d.shape.clone());
    Ok(Asked { levels, shape, stated, scales, own })
}

/// How many fits [`curve`] makes.
pub fn planned(study: &Study) -> usize {
    asked(study).map_or(0, |asked| asked.scales.len())
}

/// Every effect at every scale, each of a sampled fit of which `observer` hears; the reason why there are none, where there are
/// none. None at all where outcomes have no levels.
pub fn curve(
    study: &Study,
    options: Options,
    steps: &Steps,
    observer: &dyn Observer,
) -> Option<Result<DepartureCurve, String>> {
    study.data.levels()?;
    let asked = match asked(study) {
        Ok(asked) => asked,
        Err(why) => return Some(Err(why.to_string())),
    };
    let options = Options { engine: Engine::Sampler, detail: Detail::Cuts, adjusted_only: true, ..options };
    let points = parallel::map(&asked.scales, |&scale| {
        let other = under(study, &asked, scale);
        let report = analyse_watched(&other, options, Integrals::default(), observer).report;
        steps.did(1);
        points(study, scale, &report)
    });
    Some(Ok(DepartureCurve {
        shape: asked.shape.in_words(),
        stated: asked.stated.map(|prior| prior.words.clone()),
        scale: asked.own.unwrap_or(USUAL),
        own: if asked.stated.is_some() { asked.own } else { Some(0.0) },
        points: points.concat(),
    }))
}

/// The study with this prior of δ.
fn under(study: &Study, asked: &Asked<'_>, scale: f64) -> Study {
    let departure = (scale > 0.0).then(|| Departure {
        shape: asked.shape.clone(),
        prior: Written {
            distribution: LocationPrior::normal(0.0, scale),
            words: format!("normal(0, {})", four_decimals(scale)),
        },
    });
    let mut other = study.clone();
    other.priors.levels = Some(LevelPriors { departure, ..asked.levels.clone() });
    other
}

/// The rows of one fit: of every subgroup and of all patients the odds ratio at every cut and the win probability; the mean.
fn points(study: &Study, scale: f64, report: &Report) -> Vec<DeparturePoint> {
    let Some(levels) = &study.outcome.levels else { return Vec::new() };
    let names = study.data.names();
    let whom = (0..names.len()).map(Whom::Subgroup).chain([Whom::Overall]);
    let cuts = (0..levels.cuts()).map(|k| (Measure::CutOddsRatio, Some(k)));
    let measures: Vec<_> = cuts.chain([(Measure::WinProbability, None)]).collect();
    let mut all: Vec<(Estimand, Option<usize>)> = Vec::new();
    for whom in whom {
        all.extend(measures.iter().map(|&(measure, cut)| {
            let estimand = Estimand::new(whom, measure);
            (cut.map_or(estimand, |k| estimand.at_cut(k)), cut)
        }));
    }
    if study.pooling != crate::study::Pooling::None {
        all.push((Estimand::new(Whom::Mean, Measure::of(study.outcome.scale)), None));
    }
    let failed = (!report.checks.ok).then(|| report.checks.reasons.join("; "));
    let row = |(estimand, cut): (Estimand, Option<usize>)| {
        let Estimand { whom, measure, .. } = estimand;
        let p = report.probability(estimand, Statement::Benefit, measure.null()).filter(|_| failed.is_none());
        let q = report.estimate(estimand).and_then(|e| e.best()).filter(|_| failed.is_none());
        DeparturePoint {
            scale,
            scope: whom.scope(),
            subgroup: whom.subgroup().map(|g| names[g].to_string()),
            measure,
            above: cut.map(|k| levels.names[k].clone()),
            primary: cut == Some(levels.primary),
            benefit: p.and_then(|p| p.probability),
            mcse: p.and_then(|p| p.mcse),
            median: q.map(|q| q.median),
            q2_5: q.map(|q| q.q2_5),
            q97_5: q.map(|q| q.q97_5),
            unavailable: failed.clone(),
        }
    };
    all.into_iter().map(row).collect()
}

impl DepartureCurve {
    /// One subgroup's conclusion at the primary cut, at this scale: P(benefit) and its Monte Carlo error.
    pub fn conclusion(&self, subgroup: &str, scale: f64) -> Option<(f64, f64)> {
        let of =
            |p: &&DeparturePoint| p.scale == scale && p.primary && p.subgroup.as_deref() == Some(subgroup);
        let point = self.points.iter().find(of)?;
        Some((point.benefit?, point.mcse.unwrap_or(0.0)))
    }
}

/// How far each subgroup's conclusion moves where odds need not be proportional; none where nothing is known of either.
pub fn claim(study: &Study, curve: &DepartureCurve, resolution: f64) -> Option<Claim> {
    let of = |name: &str| {
        let (with, error) = curve.conclusion(name, 0.0)?;
        let (without, other) = curve.conclusion(name, curve.scale)?;
        let leans = with >= 0.5;
        let turned = |p: f64| if leans { p } else { 1.0 - p };
        let (with, without) = (turned(with), turned(without));
        // What chance alone may move across a line is no change of a verdict.
        let moved = (with - without).abs() > 2.0 * libm::hypot(error, other);
        Some(MovesWithoutProportionalOdds {
            subgroup: name.to_string(),
            direction: if leans { Direction::Benefit } else { Direction::Harm },
            with,
            without,
            changes: moved && (with > LINE) != (without > LINE),
        })
    };
    let moves: Vec<_> = study.data.names().into_iter().filter_map(of).collect();
    if moves.is_empty() {
        return None;
    }
    let says = Says::WithoutProportionalOdds(WithoutProportionalOdds {
        line: LINE,
        shape: curve.shape.clone(),
        scale: curve.scale,
        stated: curve.stated.is_some(),
        moves,
    });
    let topic = Topic::Effect(Measure::CutOddsRatio);
    Some(Claim { resolution: Some(resolution), ..Claim::of_all(study, topic, Method::Sampled, says) })
}
