//! How much a prior tells, in patients.

use crate::model::{LocationPrior, NormalComponent};
use crate::study::{Data, SubgroupCounts};

/// Fisher's information about the log odds ratio from one patient, at the study's pooled risks and division into arms:
/// `i = [1/((1−r) p₀ q₀) + 1/(r p₁ q₁)]⁻¹`, r the active arm's share. None for estimates, and where an arm has no events
/// or nothing else. Of ordered levels it is that about the common log odds ratio: one over the variance of its estimate from all
/// patients together, and over their number, which with two levels is the same.
pub fn unit_information(data: &Data) -> Option<f64> {
    if let Some(levels) = data.levels() {
        let (_, variance) = levels.pooled_effect()?;
        return data.patients().map(|n| 1.0 / (variance * n as f64));
    }
    let rows = data.counts()?;
    let sum = |f: fn(&SubgroupCounts) -> u64| rows.iter().map(f).sum::<u64>() as f64;
    let (n0, n1) = (sum(|r| r.control().total), sum(|r| r.active().total));
    let (p0, p1) = (sum(|r| r.control().events) / n0, sum(|r| r.active().events) / n1);
    let r = n1 / (n0 + n1);
    let i = 1.0 / (1.0 / ((1.0 - r) * p0 * (1.0 - p0)) + 1.0 / (r * p1 * (1.0 - p1)));
    (i > 0.0 && i.is_finite()).then_some(i)
}

/// The patients that tell as much as a normal prior with this sd.
pub fn patients(sd: f64, unit: f64) -> f64 {
    1.0 / (sd * sd * unit)
}

/// Fisher's information of a prior for its location, `∫ f′²/f`: 1/sd² for a normal. Over the information of one patient
/// this is the expected local-information-ratio effective sample size (Neuenschwander et al., Biometrics 2020;76:578), the
/// unit being taken as the same for all effects.
pub fn location_information(prior: &LocationPrior) -> f64 {
    match prior {
        LocationPrior::Flat => 0.0,
        // E[(a(1 − p) − bp)²] under beta(a, b).
        LocationPrior::LogitBeta { a, b } => a * b / (a + b + 1.0),
        LocationPrior::StudentT { df, scale, .. } => (df + 1.0) / ((df + 3.0) * scale * scale),
        LocationPrior::Normals(normals) => match normals.as_slice() {
            [n] => 1.0 / (n.sd * n.sd),
            several => of_mixture(several),
        },
    }
}

/// By Gauss and Legendre's rule between places that lie at most one standard deviation apart for every component that is
/// there at all: as many as there are components, however narrow these are beside each other's distance.
fn of_mixture(normals: &[NormalComponent]) -> f64 {
    const REACH: i32 = 12;
    /// The positive half of ten nodes on −1 to 1, and their weights.
    const RULE: [(f64, f64); 5] = [
        (0.148_874_338_981_631_2, 0.295_524_224_714_752_9),
        (0.433_395_394_129_247_2, 0.269_266_719_309_996_3),
        (0.679_409_568_299_024_4, 0.219_086_362_515_982_1),
        (0.865_063_366_688_984_5, 0.149_451_349_150_580_6),
        (0.973_906_528_517_171_7, 0.066_671_344_308_688_1),
    ];
    let around = |n: &NormalComponent| {
        let (mean, sd) = (n.mean, n.sd);
        (-REACH..=REACH).map(move |k| mean + f64::from(k) * sd)
    };
    let mut places: Vec<f64> = normals.iter().flat_map(around).collect();
    places.sort_by(f64::total_cmp);
    let integrand = |x: f64| {
        let (mut f, mut slope) = (0.0, 0.0);
        for n in normals {
            let z = (x - n.mean) / n.sd;
            if z.abs() <= f64::from(REACH) {
                let density = n.weight / n.sd * libm::exp(-0.5 * z * z);
                f += density;
                slope -= z / n.sd * density;
            }
        }
        if f > 0.0 { slope * slope / f } else { 0.0 }
    };
    let between = |ends: &[f64]| {
        let (middle, half) = (0.5 * (ends[0] + ends[1]), 0.5 * (ends[1] - ends[0]));
        let pair = |&(x, w): &(f64, f64)| w * (integrand(middle - half * x) + integrand(middle + half * x));
        half * RULE.iter().map(pair).sum::<f64>()
    };
    places.windows(2).filter(|w| w[1] > w[0]).map(between).sum::<f64>()
        / libm::sqrt(2.0 * std::f64::consts::PI)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::ArmCounts;

    #[test]
    fn a_normal_prior_is_worth_the_patients_whose_estimate_would_have_its_sd() {
        let arm = |events, total| ArmCounts { events, total, missing: 0, source: None };
        let counts = SubgroupCounts::of_pair("all", arm(30, 100), arm(80, 200));
        let unit = unit_information(&Data::Counts(vec![counts])).expect("events and others in both arms");
        // Woolf's variance of the log odds ratio, 300 patients.
        let variance: f64 = 1.0 / 30.0 + 1.0 / 70.0 + 1.0 / 80.0 + 1.0 / 120.0;
        assert!((patients(variance.sqrt(), unit) - 300.0).abs() < 1e-9);
    }

    #[test]
    fn mixtures_tell_what_their_parts_tell() {
        let part = |weight, mean, sd| NormalComponent { weight, mean, sd };
        // The same normal twice is that normal.
        let twice = LocationPrior::Normals(vec![part(0.3, 0.2, 0.5), part(0.7, 0.2, 0.5)]);
        assert!((location_information(&twice) - 4.0).abs() < 1e-12);
        // Far apart, each keeps its own: the weighted mean of the two informations.
        let apart = LocationPrior::Normals(vec![part(0.25, -40.0, 0.5), part(0.75, 40.0, 0.2)]);
        assert!((location_information(&apart) - (0.25 * 4.0 + 0.75 * 25.0)).abs() < 1e-9);
        // Between them never more than that.
        let near = LocationPrior::Normals(vec![part(0.25, 0.0, 0.5), part(0.75, 0.0, 0.2)]);
        assert!(location_information(&near) < 19.75);
    }
}
