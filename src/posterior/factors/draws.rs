//! Draws of a study with several factors as columns.

use crate::model::{At, FactorSpread, FactorsModel, Linear};
use crate::numeric::{logistic, logit};
use crate::posterior::estimand::{Estimand, Measure, Whom};
use crate::posterior::linear::{Keeps, Kept, ToldDraws, minus};
use crate::posterior::parameter::Parameter;
use crate::posterior::sampled::Column;
use crate::study::{Factors, Scale, Study};

/// Draws of the parameters, and of what is standardised: of all patients and of each level both arms' risks, averaged over the
/// patients of the level whatever their other levels; of estimates the effect, averaged in the same way. Every column has length
/// `chains` · `draws`.
#[derive(Debug, Clone, Default)]
pub struct FactorDraws {
    /// Which parameters the first columns are; then come those of `whose`, one or two each.
    parameters: Vec<Parameter>,
    whose: Vec<Whom>,
    has_risks: bool,
    kept: Kept,
}

/// An average over groups of patients.
struct Average {
    whom: Whom,
    /// Groups with their shares.
    of: Vec<(usize, f64)>,
}

/// What is kept of a draw of a model.
pub(super) struct Keeping<'m> {
    pub model: &'m FactorsModel,
    pub parameters: Vec<Parameter>,
    averages: Vec<Average>,
}

impl<'m> Keeping<'m> {
    pub fn of(model: &'m FactorsModel, factors: &Factors) -> Keeping<'m> {
        let average = |whom, groups: Vec<usize>| {
            let all: f64 = groups.iter().map(|&g| model.sizes[g]).sum();
            let equal = 1.0 / groups.len() as f64;
            let share = |&g: &usize| (g, if all > 0.0 { model.sizes[g] / all } else { equal });
            Average { whom, of: groups.iter().map(share).collect() }
        };
        let mut averages = vec![average(Whom::Overall, (0..model.groups).collect())];
        averages.extend(
            factors.levels().map(|(f, l)| average(Whom::Level(f, l), factors.groups((f, l)).collect())),
        );
        Keeping { model, parameters: parameters(model), averages }
    }

    fn value(&self, parameter: Parameter, at: &At<'_>) -> f64 {
        let model = self.model;
        let coefficient = |place: Option<usize>| place.map_or(f64::NAN, |j| at.coefficients[j]);
        let of = |all: &[Vec<usize>], f: usize, l: usize| all.get(f).and_then(|own| own.get(l)).copied();
        match parameter {
            Parameter::Mu => coefficient(Some(model.mean)),
            Parameter::Intercept => coefficient(model.baseline),
            Parameter::Shift(f, l) => coefficient(of(&model.shifts, f, l)),
            Parameter::MainEffect(f, l) => coefficient(of(&model.main_effects, f, l)),
            Parameter::Gamma(j) => coefficient(model.linear.rows.as_ref().map(|of| of.gamma.start + j)),
            spread => {
                let place = model.spreads.iter().find(|(of, _)| named(*of) == spread);
                place.map_or(f64::NAN, |(_, place)| at.scales[*place])
            }
        }
    }

    /// Both arms' risks by group.
    fn risks(&self, at: &At<'_>) -> Vec<[f64; 2]> {
        let (control, active) = at.predictors.split_at(self.model.groups);
        match &self.model.linear.rows {
            None => control.iter().zip(active).map(|(c, a)| [logistic(*c), logistic(*a)]).collect(),
            Some(of) => {
                let theta: Vec<f64> = active.iter().zip(control).map(|(a, c)| a - c).collect();
                let gamma = &at.coefficients[of.gamma.clone()];
                let mut risks = vec![[0.0; 2]; self.model.groups];
                of.by_cell.standardised((control, &theta), (gamma, &[]), &mut risks);
                risks
            }
        }
    }
}

impl Keeps for Keeping<'_> {
    fn linear(&self) -> &Linear {
        &self.model.linear
    }

    fn width(&self) -> usize {
        let each = if self.model.has_risks() { 2 } else { 1 };
        self.parameters.len() + each * self.averages.len()
    }

    fn keep(&self, at: At<'_>, columns: &mut [Column]) {
        let (own, averages) = columns.split_at_mut(self.parameters.len());
        for (&parameter, column) in self.parameters.iter().zip(own) {
            column.push(self.value(parameter, &at));
        }
        if self.model.has_risks() {
            let risks = self.risks(&at);
            for (average, columns) in self.averages.iter().zip(averages.chunks_exact_mut(2)) {
                let mut sums = [0.0; 2];
                for &(g, share) in average.of.iter().filter(|(_, share)| *share > 0.0) {
                    sums = [sums[0] + share * risks[g][0], sums[1] + share * risks[g][1]];
                }
                columns.iter_mut().zip(sums).for_each(|(column, sum)| column.push(sum));
            }
        } else {
            for (average, column) in self.averages.iter().zip(averages) {
                column.push(average.of.iter().map(|&(g, share)| share * at.predictors[g]).sum());
            }
        }
    }
}

/// What one standardised comparison is made from.
pub(super) enum Standardised<'d> {
    /// Both arms' risks, control first.
    Risks(&'d Column, &'d Column),
    /// The effect on the scale of the model.
    Effect(&'d Column),
}

impl FactorDraws {
    pub(super) fn new(keeping: &Keeping<'_>, kept: Kept) -> FactorDraws {
        FactorDraws {
            parameters: keeping.parameters.clone(),
            whose: keeping.averages.iter().map(|average| average.whom).collect(),
            has_risks: keeping.model.has_risks(),
            kept,
        }
    }

    /// Every parameter with its draws.
    pub(super) fn own(&self) -> impl Iterator<Item = (Parameter, &Column)> {
        self.parameters.iter().copied().zip(&self.kept.columns)
    }

    /// All patients, then every level.
    pub(super) fn whose(&self) -> &[Whom] {
        &self.whose
    }

    pub(super) fn of(&self, whom: Whom) -> Option<Standardised<'_>> {
        let place = self.whose.iter().position(|known| *known == whom)?;
        let columns = self.kept.columns.get(self.parameters.len()..)?;
        Some(match self.has_risks {
            true => Standardised::Risks(columns.get(2 * place)?, columns.get(2 * place + 1)?),
            false => Standardised::Effect(columns.get(place)?),
        })
    }

    /// Both arms' risks, control first, of all patients or of the patients of a level, standardised over their other levels; none
    /// of anyone else, and of estimates.
    pub fn risks(&self, whom: Whom) -> Option<[&[f64]; 2]> {
        match self.of(whom)? {
            Standardised::Risks(control, active) => Some([control, active]),
            Standardised::Effect(_) => None,
        }
    }

    pub(super) fn columns(&self, study: &Study) -> Vec<Column> {
        let parameters = self.own().map(|(_, column)| column.clone());
        parameters.chain(self.estimands(study).into_iter().map(|(_, column)| column)).collect()
    }
}

impl ToldDraws for FactorDraws {
    fn kept(&self) -> &Kept {
        &self.kept
    }

    fn parameters(&self) -> Vec<(Parameter, &[f64])> {
        self.own().map(|(key, column)| (key, column.as_slice())).collect()
    }

    fn estimands(&self, study: &Study) -> Vec<(Estimand, Vec<f64>)> {
        let mut all = Vec::new();
        for &whom in &self.whose {
            let of = |measure| Estimand::new(whom, measure);
            match self.of(whom) {
                Some(Standardised::Risks(control, active)) => {
                    let log_odds = log_odds_ratio(control, active);
                    all.push((of(Measure::OddsRatio), log_odds.into_iter().map(libm::exp).collect()));
                    all.push((of(Measure::RiskDifference), minus(active, control)));
                    all.push((of(Measure::RiskRatio), ratio(active, control)));
                    all.push((of(Measure::RiskControl), control.clone()));
                    all.push((of(Measure::RiskActive), active.clone()));
                }
                Some(Standardised::Effect(effect)) => {
                    let out = |&x: &f64| match study.outcome.scale {
                        Scale::Difference => x,
                        _ => libm::exp(x),
                    };
                    all.push((of(Measure::of(study.outcome.scale)), effect.iter().map(out).collect()));
                }
                None => {}
            }
        }
        all
    }
}

/// Of the averaged risks: what a patient of whom nothing else is known has.
pub(super) fn log_odds_ratio(control: &Column, active: &Column) -> Column {
    active.iter().zip(control).map(|(a, c)| logit(*a) - logit(*c)).collect()
}

pub(super) fn ratio(a: &Column, b: &Column) -> Column {
    a.iter().zip(b).map(|(a, b)| a / b).collect()
}

/// What a spread is called among parameters.
fn named(spread: FactorSpread) -> Parameter {
    match spread {
        FactorSpread::Of(f) => Parameter::TauOf(f),
        FactorSpread::Global => Parameter::Tau,
        FactorSpread::Slab => Parameter::Slab,
    }
}

/// The parameters of a model, in the order in which they are reported.
fn parameters(model: &FactorsModel) -> Vec<Parameter> {
    let sampled = model.spreads.iter().filter(|(_, place)| model.linear.samples_scale(*place));
    let mut all: Vec<Parameter> =
        std::iter::once(Parameter::Mu).chain(sampled.map(|(of, _)| named(*of))).collect();
    let by_level = |all: &[Vec<usize>], key: fn(usize, usize) -> Parameter| -> Vec<Parameter> {
        all.iter().enumerate().flat_map(|(f, own)| (0..own.len()).map(move |l| key(f, l))).collect()
    };
    all.extend(by_level(&model.shifts, Parameter::Shift));
    all.extend(model.baseline.map(|_| Parameter::Intercept));
    all.extend(by_level(&model.main_effects, Parameter::MainEffect));
    let terms = model.linear.rows.as_ref().map_or(0, |of| of.gamma.len());
    all.extend((0..terms).map(Parameter::Gamma));
    all
}
