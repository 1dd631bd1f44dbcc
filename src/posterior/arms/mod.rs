//! Studies with several active arms.

mod claims;
mod draws;
mod rows;

pub use draws::{ArmDraws, OfArms};
pub use rows::pairs as arm_pairs;

use super::analysis::Report;
use super::block::Block;
use super::fitting::Observer;
use super::linear::{self, From, Keeps, Kept, Question};
use super::options::Options;
use super::parameter::Parameter;
use super::result::Probability;
use super::sampled::Column;
use crate::model::ArmsModel;
use crate::study::Study;
use draws::Keeping;

/// What is asked of several arms.
struct Asked<'s> {
    study: &'s Study,
    keeping: Keeping<'s>,
}

impl<'s> Question for Asked<'s> {
    type Keeping = Keeping<'s>;
    type Draws = ArmDraws;

    fn study(&self) -> &Study {
        self.study
    }

    fn keeping(&self) -> &Keeping<'s> {
        &self.keeping
    }

    fn not_exact(&self) -> &'static str {
        "the exact engine has two arms, and this study has several active ones"
    }

    fn told(&self, kept: Kept) -> ArmDraws {
        ArmDraws::new(&self.keeping, kept)
    }

    fn columns(&self, drawn: &ArmDraws) -> Vec<Column> {
        drawn.columns(self.study)
    }

    fn rows(&self, drawn: &ArmDraws, from: From) -> Vec<Block> {
        rows::rows(self.study, drawn, from)
    }
}

/// The parameters of a model, and what keeps them: its first columns are theirs.
pub(crate) fn keeping_of_arms(model: &ArmsModel) -> (Vec<Parameter>, Box<dyn Keeps + '_>) {
    let keeping = Keeping::of(model);
    (keeping.parameters.clone(), Box::new(keeping))
}

/// The results of a study with several active arms; none of any other.
pub fn analyse(study: &Study, options: Options, observer: &dyn Observer) -> Option<Report> {
    let model = ArmsModel::of(study)?;
    let asked = Asked { study, keeping: Keeping::of(&model) };
    let (mut report, drawn) = linear::analyse(&asked, options, observer);
    if drawn.is_some() {
        report.arms = drawn;
        report.claims = claims::claims(study, &report);
    }
    if !report.checks.ok && !options.show_unreliable {
        report.withhold();
    }
    Some(report)
}

/// The results under the priors alone; none under a flat effect prior, and where there is one active arm.
pub fn prior_report(study: &Study, options: Options) -> Option<Report> {
    let model = ArmsModel::of(study)?;
    linear::prior_report(&Asked { study, keeping: Keeping::of(&model) }, options)
}

/// Draws from the priors; none where one of them is flat, and where there is one active arm.
pub fn prior_draws(study: &Study, seed: u64, draws: usize) -> Option<ArmDraws> {
    let model = ArmsModel::of(study)?;
    let asked = Asked { study, keeping: Keeping::of(&model) };
    asked.of_prior(seed, draws).map(|kept| asked.told(kept))
}

impl Report {
    /// The probability of each arm of several to be the best in subgroup `g`, control first; empty where there is one active
    /// arm, and where numbers are withheld.
    pub fn best_arms(&self, g: usize) -> Vec<f64> {
        use super::estimand::{Arms, Estimand, Measure, Statement, Whom};
        let of = |a: usize| Estimand::new(Whom::Subgroup(g), Measure::Rank).of_arms(Arms::One(a));
        let best = |a| self.probability(of(a), Statement::Best, 1.0).and_then(Probability::best);
        (0..self.names.arms.len()).map_while(best).collect()
    }
}
