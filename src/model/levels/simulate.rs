//! Cut points and departures drawn from their priors, and patients by level given them.

use rand_chacha::ChaCha8Rng;
use rand_distr::{Beta, Binomial, Distribution};

use super::Levels;
use crate::model::Drawn;
use crate::numeric::{logistic, logit};
use crate::study::{Adjustment, Nuisance, Patterns};

/// Drawn cut points and departures.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DrawnLevels {
    /// The log odds of each cut beside the primary one's, by set of cut points.
    pub offsets: Vec<Vec<f64>>,
    /// Departures by cut; empty where odds are proportional.
    pub departures: Vec<f64>,
}

/// So many times all is drawn again where departures do not fit cut points.
const TRIES: usize = 10_000;

impl Levels {
    /// Cut points given the log odds at the primary cut, one a set, and departures; none where these do not fit one another.
    pub fn draw(&self, base: &[f64], rng: &mut ChaCha8Rng) -> Option<DrawnLevels> {
        let offsets: Vec<Vec<f64>> = base.iter().map(|at| self.draw_offsets(*at, rng)).collect();
        let departures = self.draw_departures(rng);
        let fits = |set: &Vec<f64>| {
            let moved = |k: usize| set[k] + departures.get(k).copied().unwrap_or(0.0);
            (1..set.len()).all(|k| moved(k) < moved(k - 1))
        };
        offsets.iter().all(fits).then_some(DrawnLevels { offsets, departures })
    }

    /// How often a draw that does not fit is tried again, with new baselines too.
    pub const fn tries() -> usize {
        TRIES
    }

    /// Outward from the primary cut every level takes its share of what is left, beta distributed.
    fn draw_offsets(&self, base: f64, rng: &mut ChaCha8Rng) -> Vec<f64> {
        let a = &self.concentrations;
        let (p, cuts) = (self.primary, self.cuts());
        let mut x = vec![base; cuts];
        let mut share =
            |kept: f64, lost: f64| Beta::new(kept, lost).map_or(f64::NAN, |beta| beta.sample(rng));
        let mut above = logistic(base);
        for k in p + 1..cuts {
            above *= share(a[k + 1..].iter().sum(), a[k]);
            x[k] = logit(above);
        }
        let mut below = logistic(-base);
        for k in (0..p).rev() {
            below *= share(a[..=k].iter().sum(), a[k + 1]);
            x[k] = -logit(below);
        }
        x.into_iter().map(|x| x - base).collect()
    }

    fn draw_departures(&self, rng: &mut ChaCha8Rng) -> Vec<f64> {
        let Some(departure) = &self.departure else { return Vec::new() };
        let prior = Nuisance::Location(departure.prior.clone());
        match &departure.by_cut {
            Some(f) => {
                let delta = prior.draw(rng);
                f.iter().map(|f| delta * f).collect()
            }
            None => (0..self.cuts()).map(|k| if k == self.primary { 0.0 } else { prior.draw(rng) }).collect(),
        }
    }

    /// The log odds of an arm of subgroup `g` at every cut, from those at the primary one.
    pub fn log_odds(&self, g: usize, arm: usize, x: f64, drawn: &DrawnLevels) -> Vec<f64> {
        let departures = if arm == 1 { drawn.departures.as_slice() } else { &[] };
        let departure = |k: usize| departures.get(k).copied().unwrap_or(0.0);
        drawn.offsets[self.set_of(g)].iter().enumerate().map(|(k, d)| x + d + departure(k)).collect()
    }

    /// As many patients in every arm, with levels drawn at the arms' log odds.
    #[must_use]
    pub fn with_drawn(&self, arms: &[Vec<f64>; 2], drawn: &DrawnLevels, rng: &mut ChaCha8Rng) -> Levels {
        let mut counts = self.counts.clone();
        for (g, both) in counts.iter_mut().enumerate() {
            for (arm, levels) in both.iter_mut().enumerate() {
                let x = self.log_odds(g, arm, arms[arm][g], drawn);
                *levels = draw_levels(levels.iter().sum(), &x, rng);
            }
        }
        Levels { counts, ..self.clone() }
    }
}

impl Levels {
    /// The same patients with covariates, with levels drawn at the arms' log odds, coefficients and intercepts.
    pub fn with_drawn_rows(
        &self,
        of: &Adjustment,
        (arms, drawn): (&[Vec<f64>; 2], &Drawn),
        of_levels: &DrawnLevels,
        rng: &mut ChaCha8Rng,
    ) -> (Levels, Adjustment) {
        let from = &of.patterns;
        let mut patterns = Patterns { columns: vec![Vec::new(); from.columns.len()], ..Patterns::default() };
        let mut levels = self.emptied(self.counts.len());
        for i in 0..from.len() {
            let (g, arm) = (from.subgroup[i] as usize, usize::from(from.arm[i]));
            let covariates: f64 = from.columns.iter().zip(&drawn.gamma).map(|(c, gamma)| c[i] * gamma).sum();
            let centre = from.centre.get(i).map_or(0.0, |c| drawn.centres[*c as usize]);
            let x = self.log_odds(g, arm, arms[arm][g] + covariates + centre, of_levels);
            for (level, n) in draw_levels(from.totals[i], &x, rng).into_iter().enumerate() {
                if n == 0.0 {
                    continue;
                }
                levels.counts[g][arm][level] += n;
                patterns.subgroup.push(from.subgroup[i]);
                patterns.arm.push(from.arm[i]);
                patterns.centre.extend(from.centre.get(i));
                patterns.events.push(if level > self.primary { n } else { 0.0 });
                patterns.totals.push(n);
                patterns.level.push(level as u32);
                patterns.columns.iter_mut().zip(&from.columns).for_each(|(to, column)| to.push(column[i]));
            }
        }
        (levels, Adjustment { patterns, ..of.clone() })
    }
}

/// Patients one level after another, each among those that are left.
fn draw_levels(total: f64, x: &[f64], rng: &mut ChaCha8Rng) -> Vec<f64> {
    let (mut left, mut before) = (total, 1.0);
    let mut levels = Vec::with_capacity(x.len() + 1);
    for x in x {
        let above = logistic(*x);
        let stay = if before > 0.0 { (1.0 - above / before).clamp(0.0, 1.0) } else { 1.0 };
        let here = Binomial::new(left as u64, stay).map_or(0.0, |b| b.sample(rng) as f64);
        levels.push(here);
        left -= here;
        before = above;
    }
    levels.push(left);
    levels
}
