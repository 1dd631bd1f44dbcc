//! Studies with several subgroup factors.

mod claims;
mod draws;
mod rows;

pub use draws::FactorDraws;
pub use rows::pooled;

use super::analysis::Report;
use super::block::Block;
use super::fitting::Observer;
use super::linear::{self, From, Keeps, Kept, Question};
use super::options::Options;
use super::parameter::Parameter;
use super::sampled::Column;
use crate::model::FactorsModel;
use crate::study::{Factors, Interactions, Study};
use draws::Keeping;

/// Rows over which risks are averaged before the data: a few hundred a level say what the prior says.
const PRIOR_ROWS: usize = 2_000;

/// What is asked of several factors.
struct Asked<'s> {
    study: &'s Study,
    factors: &'s Factors,
    keeping: Keeping<'s>,
}

impl<'s> Question for Asked<'s> {
    type Keeping = Keeping<'s>;
    type Draws = FactorDraws;

    fn study(&self) -> &Study {
        self.study
    }

    fn keeping(&self) -> &Keeping<'s> {
        &self.keeping
    }

    fn not_exact(&self) -> &'static str {
        "the exact engine has subgroups of one kind, and this study has several factors"
    }

    /// A horseshoe's global and local scales are known by their products: along those the posterior bends away from any normal, and
    /// weights do not tell what its draws miss.
    fn has_second_opinion(&self) -> bool {
        let assumed = self.study.priors.factors.as_ref();
        assumed.is_none_or(|f| !matches!(f.interactions, Interactions::Horseshoe(_)))
    }

    fn of_prior(&self, seed: u64, draws: usize) -> Option<Kept> {
        let thinned = self.keeping.model.thinned(PRIOR_ROWS);
        Kept::of_prior(&Keeping::of(&thinned, self.factors), seed, draws)
    }

    fn told(&self, kept: Kept) -> FactorDraws {
        FactorDraws::new(&self.keeping, kept)
    }

    fn columns(&self, drawn: &FactorDraws) -> Vec<Column> {
        drawn.columns(self.study)
    }

    fn rows(&self, drawn: &FactorDraws, from: From) -> Vec<Block> {
        rows::rows(self.study, self.factors, drawn, from)
    }
}

/// The parameters of a model, and what keeps them: its first columns are theirs.
pub(crate) fn keeping_of_factors<'m>(
    model: &'m FactorsModel,
    factors: &Factors,
) -> (Vec<Parameter>, Box<dyn Keeps + 'm>) {
    let keeping = Keeping::of(model, factors);
    (keeping.parameters.clone(), Box::new(keeping))
}

/// The results of a study with several factors; none of any other.
pub fn analyse(study: &Study, options: Options, observer: &dyn Observer) -> Option<Report> {
    let factors = study.factors.as_deref()?;
    let model = FactorsModel::of(study)?;
    let asked = Asked { study, factors, keeping: Keeping::of(&model, factors) };
    let (mut report, drawn) = linear::analyse(&asked, options, observer);
    if drawn.is_some() {
        report.factors = drawn;
        report.claims = claims::claims(study, factors, &report);
    }
    if !report.checks.ok && !options.show_unreliable {
        report.withhold();
    }
    Some(report)
}

/// The results under the priors alone; none of a study without several factors.
pub fn prior_report(study: &Study, options: Options) -> Option<Report> {
    let factors = study.factors.as_deref()?;
    let model = FactorsModel::of(study)?;
    linear::prior_report(&Asked { study, factors, keeping: Keeping::of(&model, factors) }, options)
}
