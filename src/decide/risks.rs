//! Both risks of one outcome in one population: what a decision asks of them.

use super::Population;
use crate::exact::{Distribution, ExactPosterior, RiskMeasure};
use crate::numeric::logit;
use crate::posterior::{Empirical, Fit, NormalScores, Risks as Drawn, SampledPosterior, Scope};
use crate::study::{DecisionOutcome, Scale, Worth, active_risk};

/// The risks' joint posterior, by whichever way it is known.
pub enum Risks<'a> {
    /// Subgroup `g` of an exact posterior.
    Exact { posterior: &'a ExactPosterior, g: usize },
    /// The control risk is given; the effect has a distribution.
    Given { control: f64, scale: Scale, theta: Box<dyn Distribution + 'a> },
    /// Draws of the two, and of ordered levels those of lying above every cut.
    Sampled { control: Vec<f64>, active: Vec<f64>, above: Vec<Drawn> },
}

/// Mean risks of both arms, control first.
#[derive(Debug, Clone, PartialEq)]
pub struct MeanRisks {
    /// Of an event, at an ordinal outcome's primary cut.
    pub of_event: [f64; 2],
    /// Of lying above every cut, lowest first; empty where outcomes have no levels, or these are not known.
    pub above: Vec<[f64; 2]>,
}

impl MeanRisks {
    /// The expected utility of both arms; none where levels have values and their probabilities are not known.
    pub fn utilities(&self, worth: &Worth) -> Option<[f64; 2]> {
        match worth {
            Worth::Event(v) => Some(self.of_event.map(|risk| v.no_event + v.gap() * risk)),
            Worth::Levels(u) if u.values.len() == self.above.len() + 1 => Some([0, 1].map(|arm| {
                let steps = u.values.windows(2).zip(&self.above);
                u.values[0] + steps.map(|(w, above)| (w[1] - w[0]) * above[arm]).sum::<f64>()
            })),
            Worth::Levels(_) => None,
        }
    }

    /// The active arm's expected utility above the control's.
    pub fn gain(&self, worth: &Worth) -> Option<f64> {
        match worth {
            Worth::Event(v) => Some(v.gap() * (self.of_event[1] - self.of_event[0])),
            Worth::Levels(_) => self.utilities(worth).map(|[control, active]| active - control),
        }
    }
}

/// Which of the two arms' shares is held against which: see [`RiskMeasure::Shares`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shares {
    pub control_event: bool,
    pub active_event: bool,
}

impl<'a> Risks<'a> {
    /// The risks of an outcome in a population by its fit; none where it is not reported there.
    pub fn of(fit: &'a Fit, outcome: &DecisionOutcome, population: &Population) -> Option<Risks<'a>> {
        let names = outcome.study.data.names();
        let g = population.subgroup.as_ref().and_then(|s| names.iter().position(|n| n == s));
        let counts = outcome.study.data.has_risks();
        let given = |theta| {
            let control = outcome.baseline_risk?;
            Some(Risks::Given { control, scale: outcome.study.outcome.scale, theta })
        };
        let draws = fit.report().and_then(|r| r.sampled.as_ref());
        let drawn = |column: &Vec<f64>| -> Box<dyn Distribution + 'a> { Box::new(Empirical::of(column)) };
        match (g, fit.exact(), counts) {
            (Some(g), Some(posterior), true) => Some(Risks::Exact { posterior, g }),
            (Some(g), None, true) => draws.and_then(|d| Risks::sampled(d, g)),
            (Some(g), Some(posterior), false) => given(posterior.theta(g)),
            (Some(g), None, false) => draws.and_then(|d| given(drawn(&d.theta[g]))),
            (None, Some(posterior), _) if population.scope == Scope::New => {
                posterior.theta_new().and_then(given)
            }
            (None, None, _) if population.scope == Scope::New => {
                draws.and_then(|d| d.theta_new.as_ref()).and_then(|c| given(drawn(c)))
            }
            _ => None,
        }
    }
    /// Draws of subgroup `g`; none for estimates.
    pub fn sampled(draws: &SampledPosterior, g: usize) -> Option<Risks<'a>> {
        let risks = draws.risks(g)?;
        let above = draws.above(g).unwrap_or_default();
        Some(Risks::Sampled { control: risks.control, active: risks.active, above })
    }

    pub fn is_sampled(&self) -> bool {
        matches!(self, Risks::Sampled { .. })
    }

    /// Active minus control.
    pub fn difference(&self) -> Box<dyn Distribution + '_> {
        match self {
            Risks::Exact { posterior, g } => there(posterior.risk(*g, RiskMeasure::Difference)),
            Risks::Given { control, scale, theta } => Box::new(OfEffect {
                theta: &**theta,
                scale: *scale,
                control: *control,
                function: Function::Difference,
            }),
            Risks::Sampled { control, active, .. } => {
                let differences: Vec<f64> = control.iter().zip(active).map(|(p0, p1)| p1 - p0).collect();
                Box::new(Empirical::of(&differences))
            }
        }
    }

    /// The median of the control risk.
    pub fn median_control(&self) -> f64 {
        match self {
            Risks::Exact { posterior, g } => there(posterior.risk(*g, RiskMeasure::Control)).quantile(0.5),
            Risks::Given { control, .. } => *control,
            Risks::Sampled { control, .. } => Empirical::of(control).quantile(0.5),
        }
    }

    /// Means of the control and of the active risk.
    pub fn means(&self) -> [f64; 2] {
        let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
        match self {
            Risks::Exact { posterior, g } => [RiskMeasure::Control, RiskMeasure::Active]
                .map(|m| posterior.risk(*g, m).and_then(|d| d.mean()).unwrap_or(f64::NAN)),
            Risks::Given { control, .. } => {
                let active = self.tabulated().map_or(f64::NAN, |d| control + d.expect(|x| x));
                [*control, active]
            }
            Risks::Sampled { control, active, .. } => [mean(control), mean(active)],
        }
    }

    /// Means of all that utilities may stand on.
    pub fn mean_risks(&self) -> MeanRisks {
        let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
        let above = match self {
            Risks::Sampled { above, .. } => {
                above.iter().map(|cut| [mean(&cut.control), mean(&cut.active)]).collect()
            }
            _ => Vec::new(),
        };
        MeanRisks { of_event: self.means(), above }
    }

    /// The active arm's utility above the control's, tabulated; none where it has no spread, and where levels have values and
    /// their probabilities are not known.
    pub fn gain(&self, worth: &Worth) -> Option<NormalScores> {
        match (worth, self) {
            (Worth::Event(v), _) => self.tabulated().and_then(|s| s.scaled(v.gap(), 0.0)),
            (Worth::Levels(u), Risks::Sampled { above, .. }) if u.values.len() == above.len() + 1 => {
                let mut gain = vec![0.0; above[0].control.len()];
                for (w, cut) in u.values.windows(2).zip(above) {
                    let step = w[1] - w[0];
                    let both = cut.control.iter().zip(&cut.active);
                    gain.iter_mut().zip(both).for_each(|(sum, (p0, p1))| *sum += step * (p1 - p0));
                }
                NormalScores::of(&Empirical::of(&gain), self.beyond())
            }
            (Worth::Levels(_), _) => None,
        }
    }

    /// Draws have no information on tails that hardly any of them reach.
    fn beyond(&self) -> f64 {
        match self {
            Risks::Sampled { control, .. } => 10.0 / control.len().max(100) as f64,
            _ => 1e-8,
        }
    }

    /// The risk difference tabulated; none where it has no spread.
    pub fn tabulated(&self) -> Option<NormalScores> {
        NormalScores::of(&*self.difference(), self.beyond())
    }

    /// One arm's share of patients with (or without) the event over the other's.
    pub fn shares(&self, s: Shares) -> Box<dyn Distribution + '_> {
        let share = |event: bool, p: f64| if event { p } else { 1.0 - p };
        match self {
            Risks::Exact { posterior, g } => {
                let Shares { control_event, active_event } = s;
                let measure = RiskMeasure::Shares { control_event, active_event };
                there(posterior.risk(*g, measure))
            }
            Risks::Given { control, scale, theta } => Box::new(OfEffect {
                theta: &**theta,
                scale: *scale,
                control: *control,
                function: Function::Shares(s),
            }),
            Risks::Sampled { control, active, .. } => {
                let ratios: Vec<f64> = control
                    .iter()
                    .zip(active)
                    .map(|(p0, p1)| share(s.control_event, *p0) / share(s.active_event, *p1))
                    .collect();
                Box::new(Empirical::of(&ratios))
            }
        }
    }
}

/// What is asked of counts is always there.
fn there<'a>(found: Option<Box<dyn Distribution + 'a>>) -> Box<dyn Distribution + 'a> {
    found.unwrap_or_else(|| Box::new(Empirical::of(&[])))
}

/// An increasing or decreasing function of the effect, the control risk being given.
struct OfEffect<'a> {
    theta: &'a dyn Distribution,
    scale: Scale,
    control: f64,
    function: Function,
}

#[derive(Debug, Clone, Copy)]
enum Function {
    Difference,
    Shares(Shares),
}

impl OfEffect<'_> {
    fn rises(&self) -> bool {
        match self.function {
            Function::Difference => true,
            Function::Shares(s) => !s.active_event,
        }
    }

    fn at(&self, theta: f64) -> f64 {
        let active = active_risk(self.scale, self.control, theta);
        match self.function {
            Function::Difference if self.scale == Scale::Difference => theta,
            Function::Difference => active - self.control,
            Function::Shares(s) => {
                let control = if s.control_event { self.control } else { 1.0 - self.control };
                control / if s.active_event { active } else { 1.0 - active }
            }
        }
    }

    /// The effect at which the active risk has this value.
    fn effect_at(&self, active: f64) -> f64 {
        match self.scale {
            Scale::Difference => active - self.control,
            _ if active <= 0.0 => f64::NEG_INFINITY,
            Scale::LogRiskRatio => libm::log(active / self.control),
            _ if active >= 1.0 => f64::INFINITY,
            Scale::LogOddsRatio => logit(active) - logit(self.control),
            Scale::LogHazardRatio => libm::log(libm::log1p(-active) / libm::log1p(-self.control)),
        }
    }
}

impl Distribution for OfEffect<'_> {
    fn cdf(&self, x: f64) -> f64 {
        let below = |active: f64| {
            // A risk ratio that would lead beyond 1 leads to 1.
            if active >= 1.0 && self.scale != Scale::Difference {
                return 1.0;
            }
            match self.effect_at(active) {
                f64::INFINITY => 1.0,
                f64::NEG_INFINITY => 0.0,
                theta => self.theta.cdf(theta),
            }
        };
        match self.function {
            Function::Difference => below(self.control + x),
            Function::Shares(_) if x <= 0.0 => 0.0,
            Function::Shares(s) => {
                let control = if s.control_event { self.control } else { 1.0 - self.control };
                let share = control / x;
                if s.active_event { 1.0 - below(share) } else { below(1.0 - share) }
            }
        }
    }

    fn quantile(&self, p: f64) -> f64 {
        self.at(self.theta.quantile(if self.rises() { p } else { 1.0 - p }))
    }

    fn mean(&self) -> Option<f64> {
        None
    }

    fn sd(&self) -> Option<f64> {
        None
    }
}
