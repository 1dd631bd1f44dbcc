//! An effect prior from other studies: what their fits predict for a further subgroup, as a mixture of normals, beside the
//! prior that would be held without them (a robust meta-analytic-predictive prior, Schmidli et al., Biometrics 2014;70:1023).

use std::collections::BTreeMap;

use crate::exact::{Distribution, Unavailable};
use crate::model::{LocationPrior, Model, NormalComponent};
use crate::numeric::normal_cdf;
use crate::posterior::{Empirical, Engine, Fitting, Integrals, Options, analyse_watched};
use crate::study::{External, Study, Written, four_decimals};

/// How a prior was made from other studies.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted {
    /// The names of the studies that the prior is made from.
    pub sources: Vec<String>,
    /// The share of the prior that they make up, 0 to 1; the rest is the prior that would be held without them.
    pub weight: f64,
    /// The largest distance between the mixture's distribution function and that of the sources' prediction, 0 to 1.
    pub distance: f64,
}

/// A mixture stands for a distribution when no probability differs by more than this.
const NEAR: f64 = 3e-4;

const MOST_COMPONENTS: usize = 5;

/// `weight` of what the sources predict, in equal parts, and the rest of `own`. The mixture's numbers have four decimals, so
/// that what is printed is what is used.
pub fn effect(
    from: &External,
    own: &Written<LocationPrior>,
    predictions: &mut Predictions<'_>,
) -> Result<(Written<LocationPrior>, Fitted), String> {
    let rest = match &own.distribution {
        LocationPrior::Normals(rest) => rest.as_slice(),
        // Wholly the stated one, or wholly the others'.
        _ if from.weight == 0.0 || from.weight == 1.0 => &[],
        _ => return Err("the rest of it must be a normal or a mixture of normals".to_string()),
    };
    let mut parts: Vec<NormalComponent> = Vec::new();
    let mut distance: f64 = 0.0;
    let share = from.weight / from.sources.len() as f64;
    for source in from.sources.iter().filter(|_| from.weight > 0.0) {
        let (found, off) = predictions.of(source)?;
        distance = distance.max(*off);
        parts.extend(found.iter().map(|n| NormalComponent { weight: share * n.weight, ..*n }));
    }
    let share = four(from.weight);
    let mut parts = rounded(&parts, share);
    if share < 1.0 {
        let own_part = |n: &NormalComponent| NormalComponent { weight: (1.0 - share) * n.weight, ..*n };
        parts.extend(rounded(&rest.iter().map(own_part).collect::<Vec<_>>(), 1.0 - share));
    }
    let sources = from.sources.iter().map(|s| s.name.clone()).collect();
    let about = Fitted { sources, weight: from.weight, distance };
    if from.weight == 0.0 {
        return Ok((own.clone(), about));
    }
    let one = |n: &NormalComponent| {
        let normal = format!("normal({}, {})", n.mean, n.sd);
        if parts.len() == 1 { normal } else { format!("{} * {normal}", four_decimals(n.weight)) }
    };
    let words = parts.iter().map(one).collect::<Vec<_>>().join(" + ");
    Ok((Written { distribution: LocationPrior::Normals(parts), words }, about))
}

const UNIT: f64 = 1e4;

/// Decimals of which the last is the fourth digit of `sd`, and at least four.
fn decimals_of(sd: f64) -> usize {
    (3.0 - libm::floor(libm::log10(sd))).clamp(4.0, 12.0) as usize
}

/// As it is printed, read again.
fn to_decimals(x: f64, decimals: usize) -> f64 {
    format!("{x:.decimals$}").parse().unwrap_or(x)
}

fn four(x: f64) -> f64 {
    libm::round(x * UNIT) / UNIT
}

/// Weights to four decimals, adding up to `total`; means and sds to four significant digits of the sd.
fn rounded(parts: &[NormalComponent], total: f64) -> Vec<NormalComponent> {
    let mut left = libm::round(total * UNIT) as i64;
    let mut out: Vec<NormalComponent> = parts
        .iter()
        .map(|n| {
            let weight = libm::round(n.weight * UNIT) as i64;
            left -= weight;
            let decimals = decimals_of(n.sd);
            let [mean, sd] = [n.mean, n.sd].map(|x| to_decimals(x, decimals));
            NormalComponent { weight: weight as f64 / UNIT, mean, sd }
        })
        .collect();
    // What rounding left over goes to the heaviest.
    if let Some(heaviest) = out.iter_mut().max_by(|a, b| a.weight.total_cmp(&b.weight)) {
        heaviest.weight = four(heaviest.weight + left as f64 / UNIT);
    }
    out.retain(|n| n.weight > 0.0);
    out
}

/// What sources predict: each is fitted once, however many priors are made from it.
pub struct Predictions<'a> {
    how: Fitting<'a>,
    integrals: Integrals,
    /// By the checksums of the source's model and data.
    known: BTreeMap<String, (Vec<NormalComponent>, f64)>,
}

impl<'a> Predictions<'a> {
    /// A source may be among what is integrated already.
    pub fn new(how: impl Into<Fitting<'a>>, integrals: Integrals) -> Predictions<'a> {
        Predictions { how: how.into(), integrals, known: BTreeMap::new() }
    }

    fn of(&mut self, source: &Study) -> Result<&(Vec<NormalComponent>, f64), String> {
        let key = format!("{} {}", source.model_sha256, source.data_sha256);
        if !self.known.contains_key(&key) {
            let found = predicted(source, self.how, &self.integrals)?;
            self.known.insert(key.clone(), found);
        }
        self.known.get(&key).ok_or_else(|| "it was not fitted".to_string())
    }
}

/// The new-subgroup distribution of a source's fit as a mixture, and how far the mixture is from it.
fn predicted(
    source: &Study,
    Fitting { sampling, observer }: Fitting<'_>,
    known: &Integrals,
) -> Result<(Vec<NormalComponent>, f64), String> {
    match known.of(&source.name, &Model::of(source), observer) {
        Ok(posterior) => match posterior.theta_new() {
            Some(new) => Ok(mixture(&*new)),
            None => Err(format!("`{}` predicts nothing for a further subgroup", source.name)),
        },
        Err(
            Unavailable::ExchangeableBaselines
            | Unavailable::WrongLabels
            | Unavailable::Covariates
            | Unavailable::SharedCutPoints
            | Unavailable::Departure,
        ) => {
            let options = Options { engine: Engine::Sampler, sampling, ..Options::default() };
            let report = analyse_watched(source, options, Integrals::default(), observer).report;
            let drawn = report.sampled.as_ref().and_then(|s| s.theta_new.as_deref());
            match drawn.filter(|_| report.checks.ok) {
                Some(draws) => Ok(mixture(&Empirical::of(draws))),
                None => Err(format!("the fit of `{}` did not pass its checks", source.name)),
            }
        }
        Err(e) => Err(format!("`{}`: {e}", source.name)),
    }
}

/// A distribution in cells: their middles, and the mass of each.
struct Cells {
    edges: Vec<f64>,
    below: Vec<f64>,
    middles: Vec<f64>,
    mass: Vec<f64>,
    mean: f64,
    sd: f64,
}

impl Cells {
    fn of(d: &dyn Distribution) -> Cells {
        // Edges at quantiles that are even on the normal scale, each interval cut in four.
        const INTERVALS: i32 = 60;
        const FARTHEST: f64 = 4.3;
        let quantile =
            |k: i32| d.quantile(normal_cdf(FARTHEST * (2.0 * f64::from(k) / f64::from(INTERVALS) - 1.0)));
        let coarse: Vec<f64> = (0..=INTERVALS).map(quantile).collect();
        let quarters = |w: &[f64]| [0.0, 0.25, 0.5, 0.75].map(|u| w[0] + u * (w[1] - w[0]));
        let mut edges: Vec<f64> = coarse.windows(2).flat_map(quarters).collect();
        edges.extend(coarse.last());
        let below: Vec<f64> = edges.iter().map(|&x| d.cdf(x)).collect();
        let middles: Vec<f64> = edges.windows(2).map(|e| 0.5 * (e[0] + e[1])).collect();
        let total = below[below.len() - 1] - below[0];
        let mass: Vec<f64> = below.windows(2).map(|b| ((b[1] - b[0]) / total).max(0.0)).collect();
        let mean: f64 = middles.iter().zip(&mass).map(|(x, m)| x * m).sum();
        let variance: f64 = middles.iter().zip(&mass).map(|(x, m)| m * (x - mean) * (x - mean)).sum();
        // A heavy tail has a wide sd; the bulk's is what the components are spread around.
        let bulk = (d.quantile(0.84) - d.quantile(0.16)) / 2.0;
        Cells { edges, below, middles, mass, mean, sd: libm::sqrt(variance).min(3.0 * bulk) }
    }

    fn distance(&self, parts: &[NormalComponent]) -> f64 {
        let cdf = |x: f64| parts.iter().map(|n| n.weight * normal_cdf((x - n.mean) / n.sd)).sum::<f64>();
        self.edges.iter().zip(&self.below).map(|(&x, b)| (cdf(x) - b).abs()).fold(0.0, f64::max)
    }
}

/// The fewest normals that stand for a distribution, by expectation and maximisation on its cells.
pub fn mixture(d: &dyn Distribution) -> (Vec<NormalComponent>, f64) {
    let cells = Cells::of(d);
    let mut best: Option<(Vec<NormalComponent>, f64)> = None;
    for components in 1..=MOST_COMPONENTS {
        let parts = rounded(&fitted(&cells, components), 1.0);
        let distance = cells.distance(&parts);
        if best.as_ref().is_none_or(|b| distance < b.1) {
            best = Some((parts, distance));
        }
        if distance < NEAR {
            break;
        }
    }
    best.unwrap_or_default()
}

fn fitted(cells: &Cells, components: usize) -> Vec<NormalComponent> {
    const ROUNDS: usize = 3000;
    const STILL: f64 = 1e-7;
    // Narrow to wide around the mean: the shape of a heavy-tailed prediction.
    let spread = |k: usize| {
        if components == 1 { 1.0 } else { 0.5 * libm::pow(4.0, k as f64 / (components - 1) as f64) }
    };
    let mut parts: Vec<NormalComponent> = (0..components)
        .map(|k| NormalComponent {
            weight: 1.0 / components as f64,
            mean: cells.mean,
            sd: spread(k) * cells.sd,
        })
        .collect();
    let mut share = vec![0.0; components];
    for _ in 0..ROUNDS {
        let mut sums = vec![[0.0; 3]; components];
        for (&x, &m) in cells.middles.iter().zip(&cells.mass) {
            for (s, n) in share.iter_mut().zip(&parts) {
                let z = (x - n.mean) / n.sd;
                *s = n.weight / n.sd * libm::exp(-0.5 * z * z);
            }
            let total: f64 = share.iter().sum();
            if total > 0.0 {
                for (sum, s) in sums.iter_mut().zip(&share) {
                    let r = m * s / total;
                    sum[0] += r;
                    sum[1] += r * x;
                    sum[2] += r * x * x;
                }
            }
        }
        let mut moved: f64 = 0.0;
        for (n, [w, wx, wxx]) in parts.iter_mut().zip(sums) {
            if w < 1e-9 {
                continue;
            }
            let mean = wx / w;
            let sd = libm::sqrt((wxx / w - mean * mean).max(1e-12 * cells.sd * cells.sd));
            moved = moved.max((n.weight - w).abs()).max((n.sd - sd).abs() / cells.sd);
            *n = NormalComponent { weight: w, mean, sd };
        }
        if moved < STILL {
            break;
        }
    }
    parts.retain(|n| n.weight > 1e-6);
    parts.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::{ExactPosterior, Resolution};
    use crate::model::{Observation, Pooling};

    fn prior(effect: LocationPrior) -> ExactPosterior {
        let model = Model { observation: Observation::nothing(1), pooling: Pooling::Complete, effect };
        ExactPosterior::new(&model, Resolution::default()).expect("closed")
    }

    #[test]
    fn a_normal_is_found_again_and_a_t_is_met_by_a_few() {
        let normal = prior(LocationPrior::normal(0.4, 0.3));
        let (parts, distance) = mixture(&*normal.mu().expect("shared"));
        assert_eq!(parts.len(), 1);
        assert!((parts[0].mean - 0.4).abs() < 1e-5 && (parts[0].sd - 0.3).abs() < 1e-4, "{parts:?}");
        assert!(distance < 1e-4);
        let t = prior(LocationPrior::StudentT { df: 4.0, location: -0.2, scale: 0.5 });
        let (parts, distance) = mixture(&*t.mu().expect("shared"));
        assert!(parts.len() > 1 && distance < 1e-3, "{parts:?} {distance}");
    }

    #[test]
    fn rounded_weights_add_up() {
        let part = |weight| NormalComponent { weight, mean: 0.123_456, sd: 0.2 };
        let total: f64 =
            rounded(&[part(1.0 / 3.0), part(1.0 / 3.0), part(1.0 / 3.0)], 1.0).iter().map(|n| n.weight).sum();
        assert!((total - 1.0).abs() < 1e-12);
    }
}
