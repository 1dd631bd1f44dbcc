//! Patients by level as shares, and effects at every cut.

use crate::posterior::{Estimand, Estimate, Measure, Observed, Quantiles, Report, Statement, Whom};
use crate::study::Study;

/// The shares of the levels in one arm.
#[derive(Debug, Clone, PartialEq)]
pub struct LevelRow {
    /// A subgroup, or all patients together.
    pub whom: Whom,
    /// The arm's place; 0 is the control arm.
    pub arm: usize,
    /// Patients whose level is known.
    pub patients: u64,
    /// Shares that were observed, lowest level first; none where the arm has no patients.
    pub observed: Option<Vec<f64>>,
    /// Posterior means of the levels' probabilities, which add up to 1; none where they were not sampled.
    pub modelled: Option<Vec<f64>>,
}

/// Every subgroup's arms, then those of all patients where there are several subgroups; empty for outcomes without levels.
pub fn level_rows(study: &Study, report: &Report) -> Vec<LevelRow> {
    let (Some(data), Some(scale)) = (study.data.levels(), &study.outcome.levels) else { return Vec::new() };
    let n = study.data.names().len();
    let summed = |arm: usize| {
        let mut all = vec![0; scale.levels()];
        for g in 0..n {
            all.iter_mut().zip(data.patients(g, arm)).for_each(|(sum, m)| *sum += m);
        }
        all
    };
    let everyone = (n > 1).then_some(Whom::Overall);
    let mut rows = Vec::new();
    for whom in (0..n).map(Whom::Subgroup).chain(everyone) {
        for arm in 0..study.treatment.arms.len() {
            let counts = match whom {
                Whom::Subgroup(g) => data.patients(g, arm).to_vec(),
                _ => summed(arm),
            };
            let patients: u64 = counts.iter().sum();
            let share = |m: &u64| *m as f64 / patients as f64;
            let observed = (patients > 0).then(|| counts.iter().map(share).collect());
            rows.push(LevelRow { whom, arm, patients, observed, modelled: modelled(report, whom, arm) });
        }
    }
    rows
}

/// Means of the probabilities above every cut, one after the other subtracted: means of what adds up to 1 add up to 1.
fn modelled(report: &Report, whom: Whom, arm: usize) -> Option<Vec<f64>> {
    let measure = if arm == 0 { Measure::CutRiskControl } else { Measure::CutRiskActive };
    let mut shares = Vec::new();
    let mut before = 1.0;
    for cut in 0..report.names.levels.len().checked_sub(1)? {
        let above = report.estimate(Estimand::new(whom, measure).at_cut(cut))?.reported.mean?;
        shares.push((before - above).max(0.0));
        before = above;
    }
    shares.push(before);
    Some(shares)
}

/// Effects at every cut, of one subgroup or of all patients together.
#[derive(Debug, Clone)]
pub struct CutRows {
    /// Whom they are about.
    pub whom: Whom,
    /// The common odds ratio of a higher level; none of all patients together, whose odds ratios are of averages.
    pub common: Option<Quantiles>,
    /// The primary cut first, then the others from the lowest on.
    pub cuts: Vec<CutRow>,
}

/// Effects at one cut.
#[derive(Debug, Clone)]
pub struct CutRow {
    /// Which cut.
    pub cut: usize,
    /// Whether it is the primary one.
    pub primary: bool,
    /// The probability of lying above it in the control arm and in the active arm.
    pub risks: [Known; 2],
    /// The odds ratio of lying above it.
    pub odds_ratio: Known,
    /// The risk difference.
    pub risk_difference: Known,
    /// P(the active treatment is better at this cut), its resolution, and its value under the prior alone.
    pub benefit: (Option<f64>, Option<f64>, Option<f64>),
    /// The odds ratio that the subgroup's patients have at this cut, with Woolf's limits; none with an empty cell.
    pub observed: Option<Observed>,
}

/// Median and interval, with their Monte Carlo errors where they are sampled.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// Median and central 95 % interval.
    pub quantiles: Quantiles,
    /// Monte Carlo errors of the three; none where they are exact.
    pub errors: Option<[f64; 3]>,
}

impl Known {
    fn of(e: &Estimate) -> Option<Known> {
        let errors = if e.exact.is_some() { None } else { e.reported.mcse_quantiles };
        Some(Known { quantiles: e.best()?, errors })
    }
}

impl CutRow {
    /// The probabilities of lying at or below the cut, by arm.
    pub fn below(&self) -> [Known; 2] {
        self.risks.map(|above| {
            let q = above.quantiles;
            let quantiles = Quantiles { median: 1.0 - q.median, q2_5: 1.0 - q.q97_5, q97_5: 1.0 - q.q2_5 };
            let errors = above.errors.map(|[median, low, high]| [median, high, low]);
            Known { quantiles, errors }
        })
    }
}

/// Effects at every cut: of every subgroup, then of all patients together where there are several subgroups. Empty for outcomes
/// without levels or with one cut, and where nothing was sampled.
pub fn cut_rows(study: &Study, report: &Report) -> Vec<CutRows> {
    let Some(scale) = study.outcome.levels.as_ref().filter(|scale| scale.cuts() > 1) else {
        return Vec::new();
    };
    let n = study.data.names().len();
    let everyone = (n > 1).then_some(Whom::Overall);
    let order = || {
        let others = (0..scale.cuts()).filter(|k| *k != scale.primary);
        std::iter::once(scale.primary).chain(others)
    };
    let of = |whom: Whom| {
        let row = |cut: usize| {
            let at = |measure| Estimand::new(whom, measure).at_cut(cut);
            let known = |measure| report.estimate(at(measure)).and_then(Known::of);
            let benefit = report.probability(at(Measure::CutRiskDifference), Statement::Benefit, 0.0);
            Some(CutRow {
                cut,
                primary: cut == scale.primary,
                risks: [known(Measure::CutRiskControl)?, known(Measure::CutRiskActive)?],
                odds_ratio: known(Measure::CutOddsRatio)?,
                risk_difference: known(Measure::CutRiskDifference)?,
                benefit: benefit.map_or((None, None, None), |p| (p.best(), p.resolution, p.prior)),
                observed: report.estimate(at(Measure::CutOddsRatio)).and_then(|e| e.observed),
            })
        };
        let cuts: Option<Vec<CutRow>> = order().map(row).collect();
        let effect = Measure::of(study.outcome.scale);
        let common = matches!(whom, Whom::Subgroup(_))
            .then(|| report.estimate(Estimand::new(whom, effect)).and_then(Estimate::best))
            .flatten();
        cuts.map(|cuts| CutRows { whom, common, cuts })
    };
    (0..n).map(Whom::Subgroup).chain(everyone).filter_map(of).collect()
}
