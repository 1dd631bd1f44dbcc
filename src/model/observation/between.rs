//! A bias in the sampler's coordinates: what is not known of it has coordinates of its own.

use super::{BinomialPair, NormalEstimate, Side};
use crate::model::bias::{confounded, confounded_estimate, confounded_value, unmix};
use crate::model::prior_slope::LocationSlope;
use crate::numeric::{logistic, logit, softplus};
use crate::study::{Nuisance, SubgroupBias};

/// Every subgroup's bias.
#[derive(Debug, Clone, PartialEq)]
pub struct Between {
    subgroups: Vec<SubgroupSlots>,
}

/// One subgroup's unknowns.
#[derive(Debug, Clone, PartialEq, Default)]
struct SubgroupSlots {
    /// Control and active prevalence, log odds ratio.
    confounder: Option<[Slot; 3]>,
    shift: Option<Shift>,
    /// Log odds of the share that is missing, and the shift among them.
    missing: [Option<(f64, Slot)>; 2],
}

/// A number that is known, or stands at a coordinate: value = centre + unit · q.
#[derive(Debug, Clone, PartialEq)]
pub enum Slot {
    Known(f64),
    Free { at: usize, prior: NuisanceSlope, centre: f64, unit: f64 },
}

/// The bias that is added to the log odds ratio. Given everything else the data know it well: it is placed where they say,
/// `b = fixed − k x + unit · q`, x the active arm's log odds before it is added.
#[derive(Debug, Clone, PartialEq)]
enum Shift {
    Known(f64),
    Free { at: usize, prior: NuisanceSlope, fixed: f64, k: f64, unit: f64 },
}

/// A prior's log density up to a constant, and its slope.
#[derive(Debug, Clone, PartialEq)]
pub enum NuisanceSlope {
    Location(LocationSlope),
    LogitBeta { a: f64, b: f64 },
}

impl NuisanceSlope {
    #[inline]
    fn at(&self, x: f64) -> (f64, f64) {
        match self {
            NuisanceSlope::Location(prior) => prior.at(x),
            NuisanceSlope::LogitBeta { a, b } => {
                (a * x - (a + b) * softplus(x), a * logistic(-x) - b * logistic(x))
            }
        }
    }
}

/// What one subgroup's forward pass leaves for the way back.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tape {
    /// Slopes of the confounder's map: by x, both prevalences and the ratio.
    confounder: [f64; 4],
    /// Slopes of what is seen by the whole's log odds and by the shift among the missing, both arms.
    missing: [(f64, f64); 2],
    /// Prior slopes: confounder's three, the added bias, both shifts.
    priors: [f64; 6],
}

impl Slot {
    pub fn new(nuisance: &Nuisance, next: &mut usize) -> Slot {
        let Some(prior) = nuisance.slope() else {
            return Slot::Known(nuisance.known().unwrap_or(f64::NAN));
        };
        let (centre, variance) = nuisance.rough();
        let at = *next;
        *next += 1;
        Slot::Free { at, prior, centre, unit: variance.sqrt() }
    }

    #[inline]
    pub fn value(&self, q: &[f64]) -> f64 {
        match self {
            Slot::Known(x) => *x,
            Slot::Free { at, centre, unit, .. } => centre + unit * q[*at],
        }
    }

    /// The value; the prior's log density is added to `log_density`, its slope kept.
    #[inline]
    pub fn forward(&self, q: &[f64], log_density: &mut f64, slope: &mut f64) -> f64 {
        let value = self.value(q);
        if let Slot::Free { prior, .. } = self {
            let (own, by_value) = prior.at(value);
            *log_density += own;
            *slope = by_value;
        }
        value
    }

    /// Writes the gradient by the coordinate.
    #[inline]
    pub fn back(&self, by_value: f64, gradient: &mut [f64]) {
        if let Slot::Free { at, unit, .. } = self {
            gradient[*at] = unit * by_value;
        }
    }
}

impl Nuisance {
    /// None where it is known.
    fn slope(&self) -> Option<NuisanceSlope> {
        match self {
            Nuisance::Known(_) => None,
            Nuisance::Location(prior) => Some(NuisanceSlope::Location(LocationSlope::of(prior))),
            Nuisance::LogitBeta { a, b } => Some(NuisanceSlope::LogitBeta { a: *a, b: *b }),
        }
    }
}

impl Shift {
    /// `seen` is what the data say of the log odds after it is added: estimate and information.
    fn new(nuisance: &Nuisance, (seen, information): (f64, f64), next: &mut usize) -> Shift {
        let Some(prior) = nuisance.slope() else {
            return Shift::Known(nuisance.known().unwrap_or(f64::NAN));
        };
        let (centre, variance) = nuisance.rough();
        let precision = 1.0 / variance;
        let v = 1.0 / (precision + information);
        let k = v * information;
        let at = *next;
        *next += 1;
        Shift::Free { at, prior, fixed: v * precision * centre + k * seen, k, unit: v.sqrt() }
    }

    #[inline]
    fn forward(&self, x: f64, q: &[f64], log_density: &mut f64, slope: &mut f64) -> f64 {
        match self {
            Shift::Known(b) => *b,
            Shift::Free { at, prior, fixed, k, unit } => {
                let b = fixed - k * x + unit * q[*at];
                let (own, by_value) = prior.at(b);
                *log_density += own;
                *slope = by_value;
                b
            }
        }
    }

    /// From the slope by the sum of x and b: that by x.
    #[inline]
    fn back(&self, by_sum: f64, prior_slope: f64, gradient: &mut [f64]) -> f64 {
        match self {
            Shift::Known(_) => by_sum,
            Shift::Free { at, k, unit, .. } => {
                let by_b = by_sum + prior_slope;
                gradient[*at] = unit * by_b;
                by_sum - k * by_b
            }
        }
    }
}

impl Between {
    /// At the next coordinates; none where nothing stands between effects and counts.
    pub fn of_pairs(pairs: &[BinomialPair], dim: &mut usize) -> Option<Between> {
        let slots = |c: &BinomialPair| {
            c.bias().map_or_else(SubgroupSlots::default, |bias| {
                // Before the bias is added stand the missing.
                let rest = SubgroupBias { confounder: None, shift: None, ..bias.clone() };
                let seen = BinomialPair::new(c.control, c.active).through(&rest);
                SubgroupSlots::new(bias, seen.hint(Side::Active), dim)
            })
        };
        Between::of(pairs.iter().map(slots).collect())
    }

    /// The same of published estimates.
    pub fn of_estimates(estimates: &[NormalEstimate], dim: &mut usize) -> Option<Between> {
        let slots = |e: &NormalEstimate| {
            e.bias().map_or_else(SubgroupSlots::default, |bias| SubgroupSlots::new(bias, (0.0, 0.0), dim))
        };
        Between::of(estimates.iter().map(slots).collect())
    }

    fn of(subgroups: Vec<SubgroupSlots>) -> Option<Between> {
        let any = subgroups.iter().any(|s| *s != SubgroupSlots::default());
        any.then_some(Between { subgroups })
    }

    /// The log odds at which both arms of subgroup `g` are seen, from those that are asked for; prior densities are added.
    #[inline]
    pub fn forward(
        &self,
        g: usize,
        x: [f64; 2],
        q: &[f64],
        tape: &mut Tape,
        log_density: &mut f64,
    ) -> [f64; 2] {
        let slots = &self.subgroups[g];
        let [control, mut active] = x;
        if let Some([p0, p1, ratio]) = &slots.confounder {
            let prevalence = [
                p0.forward(q, log_density, &mut tape.priors[0]),
                p1.forward(q, log_density, &mut tape.priors[1]),
            ];
            let ratio = ratio.forward(q, log_density, &mut tape.priors[2]);
            (active, tape.confounder) = confounded(active, prevalence, ratio);
        }
        if let Some(shift) = &slots.shift {
            active += shift.forward(active, q, log_density, &mut tape.priors[3]);
        }
        let mut seen = [control, active];
        for (arm, missing) in slots.missing.iter().enumerate() {
            if let Some((share, shift)) = missing {
                let shift = shift.forward(q, log_density, &mut tape.priors[4 + arm]);
                let rest = unmix(seen[arm], *share, shift);
                seen[arm] = rest.value;
                tape.missing[arm] = (rest.by_x, rest.by_shift);
            }
        }
        seen
    }

    /// From the slopes by what is seen those by what is asked for; writes the gradient by the subgroup's own coordinates.
    #[inline]
    pub fn back(&self, g: usize, by_seen: [f64; 2], tape: &Tape, gradient: &mut [f64]) -> [f64; 2] {
        let slots = &self.subgroups[g];
        let mut by = by_seen;
        for (arm, missing) in slots.missing.iter().enumerate() {
            if let Some((_, shift)) = missing {
                let (by_x, by_shift) = tape.missing[arm];
                shift.back(by[arm] * by_shift + tape.priors[4 + arm], gradient);
                by[arm] *= by_x;
            }
        }
        if let Some(shift) = &slots.shift {
            by[1] = shift.back(by[1], tape.priors[3], gradient);
        }
        if let Some(confounder) = &slots.confounder {
            for (i, slot) in confounder.iter().enumerate() {
                slot.back(by[1] * tape.confounder[i + 1] + tape.priors[i], gradient);
            }
            by[1] *= tape.confounder[0];
        }
        by
    }

    /// By how much the bias of subgroup `g` moves the active arm's log odds, missing outcomes left aside; none without one.
    pub fn shift_of(&self, g: usize, x: f64, q: &[f64]) -> Option<f64> {
        let slots = &self.subgroups[g];
        let mut unused = (0.0, 0.0);
        let mut seen = x;
        if let Some([p0, p1, ratio]) = &slots.confounder {
            seen = confounded_value(x, [p0.value(q), p1.value(q)], ratio.value(q));
        }
        if let Some(shift) = &slots.shift {
            seen += shift.forward(seen, q, &mut unused.0, &mut unused.1);
        }
        (slots.confounder.is_some() || slots.shift.is_some()).then_some(seen - x)
    }

    /// The bias of subgroup `g`'s published estimate; prior densities are added.
    #[inline]
    pub fn of_estimate(&self, g: usize, q: &[f64], tape: &mut Tape, log_density: &mut f64) -> f64 {
        let slots = &self.subgroups[g];
        let mut bias = 0.0;
        if let Some([p0, p1, ratio]) = &slots.confounder {
            let prevalence = [
                p0.forward(q, log_density, &mut tape.priors[0]),
                p1.forward(q, log_density, &mut tape.priors[1]),
            ];
            let ratio = ratio.forward(q, log_density, &mut tape.priors[2]);
            let (of_confounder, slopes) = confounded_estimate(prevalence, ratio);
            bias += of_confounder;
            tape.confounder[1..].copy_from_slice(&slopes);
        }
        if let Some(shift) = &slots.shift {
            bias += shift.forward(0.0, q, log_density, &mut tape.priors[3]);
        }
        bias
    }

    /// Writes the gradient by the subgroup's own coordinates, from the slope by its bias.
    #[inline]
    pub fn back_from_estimate(&self, g: usize, by_bias: f64, tape: &Tape, gradient: &mut [f64]) {
        let slots = &self.subgroups[g];
        if let Some(shift) = &slots.shift {
            shift.back(by_bias, tape.priors[3], gradient);
        }
        for (i, slot) in slots.confounder.iter().flatten().enumerate() {
            slot.back(by_bias * tape.confounder[i + 1] + tape.priors[i], gradient);
        }
    }
}

impl SubgroupSlots {
    fn new(bias: &SubgroupBias, seen: (f64, f64), next: &mut usize) -> SubgroupSlots {
        let confounder = bias.confounder.as_ref().map(|c| {
            let [p0, p1] = c.prevalence.each_ref().map(|p| Slot::new(p, next));
            [p0, p1, Slot::new(&c.log_odds_ratio, next)]
        });
        let shift = bias.shift.as_ref().map(|shift| Shift::new(shift, seen, next));
        let missing =
            bias.missing.each_ref().map(|m| m.as_ref().map(|m| (logit(m.share), Slot::new(&m.shift, next))));
        SubgroupSlots { confounder, shift, missing }
    }
}
