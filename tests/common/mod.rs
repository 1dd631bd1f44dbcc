//! Shared by the integration tests: models from inputs, one number out of a result.
#![allow(dead_code, reason = "each test program uses its own part")]

pub mod calibration;
pub mod cohort;
pub mod files;
pub mod folder;
pub mod linear;
pub mod rows;
pub mod shipped;

use equipoise::exact::{Distribution, ExactPosterior, Resolution};
use equipoise::input::open;
use equipoise::model::{
    Arm, BaselineOf, BaselinePrior, Baselines, BinomialPair, Cells, HeterogeneityPrior, LocationPrior, Model,
    NormalEstimate, Observation, Pooling, Spread,
};
use equipoise::posterior::{Engine, Options, Sampling};
use equipoise::study::{
    self, ArmCounts, Data, HigherIs, Measure, Priors, Scale, StandAlone, Study, SubgroupCounts,
    SubgroupEstimate, Thresholds, Written,
};

/// Events and totals of both arms.
pub fn pair(control: (u32, u32), active: (u32, u32)) -> BinomialPair {
    let arm = |(events, total): (u32, u32)| Arm { events: f64::from(events), total: f64::from(total) };
    BinomialPair::new(arm(control), arm(active))
}

/// Counts under the usual priors, to be changed by the test.
pub fn counts_model(counts: Vec<BinomialPair>) -> Model {
    let baselines = Baselines {
        prior: BaselinePrior::Independent(LocationPrior::normal(0.0, 1.5)),
        of: BaselineOf::Control,
    };
    Model {
        observation: Observation::Cells(Cells::new(counts, baselines)),
        pooling: Pooling::Partial(HeterogeneityPrior::HalfNormal { scale: 0.5 }),
        effect: LocationPrior::normal(0.0, 0.355),
    }
}

/// The cells of a model of counts.
#[track_caller]
pub fn cells_of(model: &Model) -> &Cells {
    model.observation.cells().expect("a model of counts")
}

/// The same model of other counts.
#[track_caller]
pub fn recounted(model: &Model, counts: Vec<BinomialPair>) -> Model {
    model.observing(Observation::Cells(cells_of(model).with_pairs(counts)))
}

/// Estimates and standard errors under a given prior.
pub fn estimates_model(rows: &[(f64, f64)], pooling: Pooling, effect: LocationPrior) -> Model {
    let estimates = rows.iter().map(|&(estimate, se)| NormalEstimate::new(estimate, se)).collect();
    Model { observation: Observation::Estimates(estimates), pooling, effect }
}

pub fn fit(model: &Model) -> ExactPosterior {
    ExactPosterior::new(model, Resolution::default()).expect("the exact engine covers this model")
}

pub fn above_zero(distribution: &dyn Distribution) -> f64 {
    1.0 - distribution.cdf(0.0)
}

/// A number that must agree with a reference.
#[track_caller]
pub fn close(what: &str, found: f64, expected: f64, tolerance: f64) {
    let error = (found - expected).abs();
    assert!(
        error <= tolerance,
        "{what}: found {found}, expected {expected}, off by {error:e} > {tolerance:e}"
    );
}

/// A worst error over many comparisons, reported together.
#[derive(Default)]
pub struct Worst {
    error: f64,
    what: String,
    compared: usize,
}

impl Worst {
    pub fn hold(&mut self, what: impl FnOnce() -> String, found: f64, expected: f64, scale: f64) {
        let error = (found - expected).abs() / scale;
        self.compared += 1;
        if error.is_nan() || error > self.error {
            self.error = if error.is_nan() { f64::INFINITY } else { error };
            self.what = format!("{}: found {found}, expected {expected}", what());
        }
    }

    /// Adds another's comparisons.
    pub fn take(&mut self, other: Worst) {
        self.compared += other.compared;
        if other.error > self.error {
            (self.error, self.what) = (other.error, other.what);
        }
    }

    #[track_caller]
    pub fn within(&self, tolerance: f64, at_least: usize) {
        assert!(self.compared >= at_least, "only {} comparisons were made", self.compared);
        assert!(self.error <= tolerance, "largest error {:e} > {tolerance:e}; {}", self.error, self.what);
    }

    pub fn report(&self) -> String {
        format!("{} comparisons, largest error {:e} ({})", self.compared, self.error, self.what)
    }
}

fn written<T>(distribution: T) -> Written<T> {
    Written { distribution, words: String::new() }
}

/// The study under the baseline prior that the independent programs have: the control arm's log odds, normal(0, 1.5). Its
/// further priors and the studies they come from too.
pub fn with_control_baselines(mut study: Study) -> Study {
    let put = |priors: &mut Priors| {
        if priors.baseline.is_some() {
            priors.baseline = Some(Written {
                distribution: BaselinePrior::Independent(LocationPrior::normal(0.0, 1.5)),
                words: "normal(0, 1.5)".to_string(),
            });
            priors.baseline_of = BaselineOf::Control;
        }
    };
    put(&mut study.priors);
    for named in &mut study.named {
        put(&mut named.priors);
        if let Some(external) = &mut named.external {
            let sources = std::mem::take(&mut external.sources);
            external.sources = sources.into_iter().map(with_control_baselines).collect();
        }
    }
    study
}

/// The model as a study on log odds ratios with subgroups "1", "2", … and a threshold for each measure.
/// Counts are whole.
pub fn study_of(model: &Model) -> Study {
    let name = |g: usize| (g + 1).to_string();
    let cells = model.observation.cells();
    let mut study = open(if cells.is_some() { "attention-ras-etiology" } else { "solvd" }).expect("shipped");
    study.data = match &model.observation {
        Observation::Cells(cells) => {
            let arm = |a: Arm| {
                let (events, total) = (a.events as u64, a.total as u64);
                ArmCounts { events, total, missing: 0, source: None }
            };
            let row = |(g, r): (usize, &BinomialPair)| {
                SubgroupCounts::of_pair(name(g), arm(r.control), arm(r.active))
            };
            Data::Counts(cells.pairs().iter().enumerate().map(row).collect())
        }
        Observation::Estimates(rows) => {
            let row = |(g, r): (usize, &NormalEstimate)| SubgroupEstimate {
                name: name(g),
                estimate: r.estimate,
                se: r.se,
                interval: None,
                source: None,
                citation: None,
                adjusted_for: None,
            };
            Data::Estimates(rows.iter().enumerate().map(row).collect::<Vec<_>>().into())
        }
        Observation::Correlated(_) => unreachable!("studies of correlated estimates are read"),
    };
    let (pooling, heterogeneity) = match model.pooling {
        Pooling::Partial(prior) => (study::Pooling::Partial, Some(written(prior))),
        Pooling::Separate(prior) => (study::Pooling::None, Some(written(prior))),
        Pooling::Complete => (study::Pooling::Complete, None),
        Pooling::Shaped(prior, Spread::StudentT { .. }) => (study::Pooling::StudentT, Some(written(prior))),
        Pooling::Shaped(prior, Spread::OrNot { .. }) => {
            (study::Pooling::ExchangeableOrNot, Some(written(prior)))
        }
    };
    study.named.clear();
    study.pooling = pooling;
    study.priors = Priors {
        effect: written(model.effect.clone()),
        heterogeneity,
        baseline: cells.map(|cells| written(cells.baselines().prior.clone())),
        baseline_of: cells.map_or(BaselineOf::Control, |cells| cells.baselines().of),
        levels: None,
        arms: None,
        factors: None,
        degrees: match model.pooling {
            Pooling::Shaped(_, Spread::StudentT { df }) => Some(df),
            _ => None,
        },
        alone: match model.pooling {
            Pooling::Shaped(_, Spread::OrNot { exchangeable, mean, sd }) => {
                Some(StandAlone { exchangeable, prior: Some(written(LocationPrior::normal(mean, sd))) })
            }
            _ => None,
        },
    };
    study.outcome.higher_is = HigherIs::Better;
    study.outcome.scale = Scale::LogOddsRatio;
    study.thresholds = Thresholds::default();
    study.thresholds.set(Measure::OddsRatio, vec![1.25]);
    if cells.is_some() {
        study.thresholds.set(Measure::RiskDifference, vec![0.05]);
    }
    study
}

/// The outcome coded the other way, every prior mirrored.
pub fn flipped_study(study: &Study) -> Study {
    let mut flipped = study.clone();
    flipped.outcome.higher_is = match study.outcome.higher_is {
        HigherIs::Better => HigherIs::Worse,
        HigherIs::Worse => HigherIs::Better,
    };
    if let Data::Counts(rows) = &mut flipped.data {
        for row in rows {
            for arm in &mut row.arms {
                arm.events = arm.total - arm.events;
            }
        }
    }
    if let Data::Estimates(rows) = &mut flipped.data {
        for row in &mut rows.rows {
            row.estimate = -row.estimate;
        }
    }
    flipped.priors.effect.distribution = study.priors.effect.distribution.mirrored();
    if let Some(baseline) = &mut flipped.priors.baseline
        && let BaselinePrior::Independent(prior) = &baseline.distribution
    {
        baseline.distribution = BaselinePrior::Independent(prior.mirrored());
    }
    flipped
}

/// The sampler alone, at its defaults.
pub fn sampler() -> Options {
    Options { engine: Engine::Sampler, ..Options::default() }
}

/// So many draws of each chain.
pub fn draws(n: usize) -> Sampling {
    Sampling { draws: Some(n), ..Sampling::default() }
}

/// Columns of a CSV table in which no row has anything.
pub fn empty_columns(csv: &str) -> Vec<String> {
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let names = reader.headers().expect("a header").clone();
    let rows: Vec<csv::StringRecord> = reader.records().map(|r| r.expect("as many cells as names")).collect();
    let is_empty = |(place, _): &(usize, &str)| rows.iter().all(|row| row[*place].is_empty());
    names.iter().enumerate().filter(is_empty).map(|(_, name)| name.to_string()).collect()
}
