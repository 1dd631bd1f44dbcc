//! The levels of the effects: where μ and τ stand among the coordinates, and which level a subgroup's effect belongs to.

use super::level::{Adjoint, Child, Level, Located};
use super::observation::{effect_hints, effect_precision};
use super::{HeterogeneityPrior, Model, Pooling};

/// A level and where its coordinates stand.
#[derive(Debug, Clone)]
pub struct Placed {
    pub level: Level,
    location: usize,
    /// None for a fixed scale.
    scale: Option<usize>,
}

impl Placed {
    /// At the next coordinates.
    pub fn new(level: Level, dim: &mut usize) -> Placed {
        let location = *dim;
        let scale = level.samples_scale().then_some(*dim + 1);
        *dim += 1 + usize::from(scale.is_some());
        Placed { level, location, scale }
    }

    /// Its location and scale at `q`.
    pub fn locate(&self, q: &[f64]) -> Located {
        self.level.locate(q[self.location], self.scale.map_or(0.0, |scale| q[scale]))
    }

    /// Puts the middle of its scale's prior into `q`.
    pub fn place_middle(&self, q: &mut [f64]) {
        if let Some(scale) = self.scale {
            q[scale] = self.level.typical_scale_coordinate();
        }
    }

    /// Whether its scale has a coordinate.
    pub fn samples_scale(&self) -> bool {
        self.scale.is_some()
    }

    /// Writes the gradient by its coordinates.
    pub fn store(&self, (by_location, by_scale): (f64, f64), gradient: &mut [f64]) {
        gradient[self.location] = by_location;
        if let Some(scale) = self.scale {
            gradient[scale] = by_scale;
        }
    }
}

/// The levels of a model's effects. θ_g stands below one of them: a single one under partial and complete pooling, one for
/// each subgroup without pooling.
#[derive(Debug, Clone)]
pub struct Effects {
    levels: Vec<Placed>,
    /// The level of every subgroup.
    of: Vec<usize>,
    shared: bool,
    /// The rough precision of one effect before its own data.
    pub precision: f64,
}

impl Effects {
    /// At the next coordinates.
    pub fn new(model: &Model, dim: &mut usize) -> Effects {
        let subgroups = model.subgroups();
        let (scale, separate) = match model.pooling {
            // Effects that are not normal are not sampled: in these coordinates they would be.
            Pooling::Partial(prior) | Pooling::Shaped(prior, _) => (prior, false),
            Pooling::Separate(prior) => (prior, true),
            Pooling::Complete => (HeterogeneityPrior::Fixed { value: 0.0 }, false),
        };
        let hints = effect_hints(&model.observation);
        let groups: Vec<Vec<usize>> =
            if separate { (0..subgroups).map(|g| vec![g]).collect() } else { vec![(0..subgroups).collect()] };
        let level = |group: &Vec<usize>| Level::new(&model.effect, scale, hints.of(group));
        let levels = groups.iter().map(|group| Placed::new(level(group), dim)).collect();
        let of = (0..subgroups).map(|g| if separate { g } else { 0 }).collect();
        Effects { levels, of, shared: !separate, precision: effect_precision(&model.effect, &scale) }
    }

    pub fn subgroups(&self) -> usize {
        self.of.len()
    }

    pub fn levels(&self) -> &[Placed] {
        &self.levels
    }

    /// The level of subgroup `g`.
    #[inline]
    pub fn level_of(&self, g: usize) -> usize {
        self.of[g]
    }

    /// Whether one level holds all subgroups; without pooling each has its own.
    pub fn are_shared(&self) -> bool {
        self.shared
    }

    /// Whether effects vary within their level, and have coordinates.
    pub fn have_children(&self) -> bool {
        self.levels[0].level.has_children()
    }

    /// θ of subgroup `g` at its coordinate `z`, its level being at `at`.
    #[inline]
    pub fn place(&self, g: usize, at: &Located, z: f64) -> Child {
        let hints = self.levels[self.of[g]].level.hints();
        let within = if self.levels.len() == 1 { g } else { 0 };
        let (estimate, information, open) =
            (hints.estimates[within], hints.information[within], hints.open[within]);
        if open == 0.0 {
            Child::place(at, estimate, information, z)
        } else {
            Child::place_open(at, estimate, information, open, z)
        }
    }

    /// Adds the levels' own log densities, and writes the gradient by their coordinates from what is below them.
    pub fn add_density(
        &self,
        mut log_density: f64,
        at: &[Located],
        below: &[Adjoint],
        gradient: &mut [f64],
    ) -> f64 {
        for (level, placed) in self.levels.iter().enumerate() {
            log_density += at[level].log_density;
            placed.store(at[level].gradient(below[level]), gradient);
        }
        log_density
    }
}
