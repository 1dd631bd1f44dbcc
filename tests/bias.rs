//! Biases that stand between effects and data: the engines agree with each other, with an independent program, and with
//! the model without any where there is nothing in the way.

use crate::common;

use common::{Worst, above_zero, close, counts_model, draws, estimates_model, fit, flipped_study, pair};
use equipoise::compare::bias::{Varied, compare_bias};
use equipoise::density::LogDensity;
use equipoise::exact::{ExactPosterior, RiskMeasure};
use equipoise::input::open;
use equipoise::model::{
    BaselineOf, BinomialPair, Confounder, HeterogeneityPrior, Hierarchy, LocationPrior, Misclassification,
    Missing, Model, NormalComponent, Nuisance, Pooling, Side, SubgroupBias,
};
use equipoise::numeric::normal_quantile;
use equipoise::posterior::{Estimand, Measure, Options, Report, Sampling, Statement, analyse};
use equipoise::study::{self, Bias, Data, Study};

fn etiology() -> Vec<BinomialPair> {
    vec![pair((22, 46), (33, 70)), pair((37, 71), (8, 34))]
}

fn normal(mean: f64, sd: f64) -> Nuisance {
    Nuisance::Location(LocationPrior::normal(mean, sd))
}

fn shifted(shift: Nuisance) -> SubgroupBias {
    SubgroupBias { shift: Some(shift), ..SubgroupBias::default() }
}

fn logit(p: f64) -> f64 {
    (p / (1.0 - p)).ln()
}

fn confounder(control: Nuisance, active: Nuisance, log_odds_ratio: Nuisance) -> SubgroupBias {
    let confounder = Confounder { prevalence: [control, active], log_odds_ratio };
    SubgroupBias { confounder: Some(confounder), ..SubgroupBias::default() }
}

/// The confounder whose numbers all have priors.
fn uncertain() -> SubgroupBias {
    let beta = |a, b| Nuisance::LogitBeta { a, b };
    confounder(beta(6.0, 14.0), beta(10.0, 10.0), normal(2.5_f64.ln(), 0.25))
}

fn missing(share: f64, shift: Nuisance) -> Option<Missing> {
    Some(Missing { share, shift })
}

fn through(pairs: Vec<BinomialPair>, biases: &[SubgroupBias]) -> Model {
    counts_model(pairs.into_iter().zip(biases).map(|(p, b)| p.through(b)).collect())
}

#[test]
fn gradients_are_derivatives() {
    let heavy = Nuisance::Location(LocationPrior::StudentT { df: 4.0, location: 0.1, scale: 0.3 });
    let parts = vec![
        NormalComponent { weight: 0.7, mean: 0.0, sd: 0.1 },
        NormalComponent { weight: 0.3, mean: 0.5, sd: 0.3 },
    ];
    let mixture = Nuisance::Location(LocationPrior::Normals(parts));
    let all = SubgroupBias {
        shift: Some(heavy.clone()),
        missing: [missing(0.1, normal(0.0, 0.4)), missing(0.2, normal(0.5, 0.6))],
        ..uncertain()
    };
    let mut models = vec![
        through(etiology(), &[all.clone(), shifted(mixture.clone())]),
        through(etiology(), &[shifted(normal(0.1, 0.3)), SubgroupBias::default()]),
        through(etiology(), &[uncertain(), shifted(Nuisance::Known(0.3))]),
    ];
    for pooling in [Pooling::Complete, Pooling::Separate(HeterogeneityPrior::Exponential { mean: 0.4 })] {
        models.push(Model { pooling, ..models[0].clone() });
    }
    let estimates =
        estimates_model(&[(0.6, 0.42), (-0.55, 0.5)], models[0].pooling.clone(), models[0].effect.clone());
    let with = SubgroupBias { missing: [None, None], ..all.clone() };
    models.push(estimates.observing(estimates.observation.clone().through(&vec![with; 2])));
    models.push(counts_model(etiology()).labelled(&judged(0.9, 0.8)));
    let between = models.iter().map(|m| m.with_baseline_of(BaselineOf::Arms));
    models.extend(between.collect::<Vec<_>>());
    let mut worst = Worst::default();
    for model in &models {
        let hierarchy = Hierarchy::new(model);
        let mut scratch = hierarchy.scratch();
        for k in 0..6 {
            let q: Vec<f64> = (0..hierarchy.dim())
                .map(|i| hierarchy.middle()[i] + 1.5 * f64::sin((7 * k + 3 * i) as f64))
                .collect();
            let mut gradient = vec![f64::NAN; hierarchy.dim()];
            hierarchy.evaluate(&q, &mut gradient, &mut scratch);
            let mut unused = gradient.clone();
            for i in 0..hierarchy.dim() {
                let h = 1e-3;
                let mut at = |d: f64| {
                    let mut q = q.clone();
                    q[i] += d;
                    hierarchy.evaluate(&q, &mut unused, &mut scratch)
                };
                let slope = (at(-2.0 * h) - at(2.0 * h) + 8.0 * (at(h) - at(-h))) / (12.0 * h);
                worst.hold(|| format!("coordinate {i}"), gradient[i], slope, 1.0 + slope.abs());
            }
        }
    }
    worst.within(1e-7, 300);
}

/// What is integrated out, one number after another, is the integral over all of them at once.
#[test]
fn curves_are_integrals_over_what_is_not_known() {
    // Plain sums over even nodes of standard normal coordinates.
    let nodes = |n: usize| (0..n).map(move |i| -8.0 + 16.0 * (i as f64 + 0.5) / n as f64);
    let weight = |z: f64| (-0.5 * z * z).exp();
    let one = pair((22, 46), (33, 70));
    let seen =
        one.clone().through(&confounder(normal(logit(0.3), 0.4), normal(logit(0.5), 0.3), normal(0.9, 0.25)));
    let mut worst = Worst::default();
    for x in [-2.3, -0.4, 0.1, 0.37, 1.9] {
        let (mut sum, mut total) = (0.0, 0.0);
        for a in nodes(48) {
            for b in nodes(48) {
                for c in nodes(48) {
                    let w = weight(a) * weight(b) * weight(c);
                    let prevalence = [logit(0.3) + 0.4 * a, logit(0.5) + 0.3 * b];
                    let (z, _) = equipoise::model::confounded(x, prevalence, 0.9 + 0.25 * c);
                    sum += w * one.active.log_likelihood(z).exp();
                    total += w;
                }
            }
        }
        worst.hold(|| format!("x = {x}"), seen.log_likelihood(Side::Active, x), (sum / total).ln(), 1.0);
        assert_eq!(seen.log_likelihood(Side::Control, x), one.control.log_likelihood(x));
    }
    eprintln!("{}", worst.report());
    worst.within(1e-7, 5);
}

/// Everything that is reported of a run: rows and draws, to the last bit.
fn bytes(report: &Report) -> String {
    let draws =
        report.sampled.as_ref().map(|s| (s.theta.clone(), s.alpha.clone(), s.mu.clone(), s.tau.clone()));
    let strip = |mut report: Report| {
        report.parameters.iter_mut().for_each(|r| r.unadjusted = None);
        report.estimates.iter_mut().for_each(|r| r.unadjusted = None);
        report.probabilities.iter_mut().for_each(|r| r.unadjusted = None);
        format!("{:?} {:?} {:?}", report.parameters, report.estimates, report.probabilities)
    };
    format!("{} {draws:?}", strip(report.clone()))
}

/// The study with these biases.
fn allowing(
    study: &Study,
    subgroups: Vec<SubgroupBias>,
    misclassification: Option<Misclassification>,
) -> Study {
    Study { bias: Some(Bias { subgroups, misclassification, ..Bias::default() }), ..study.clone() }
}

fn judged(sensitivity: f64, specificity: f64) -> Misclassification {
    let known = |p: f64| [Nuisance::Known(logit(p)), Nuisance::Known(logit(p))];
    let uniform = Nuisance::LogitBeta { a: 1.0, b: 1.0 };
    Misclassification {
        positive: 0,
        sensitivity: known(sensitivity),
        specificity: known(specificity),
        sensitivity_shared: true,
        specificity_shared: true,
        share: [uniform.clone(), uniform],
    }
}

#[test]
fn what_changes_nothing_changes_no_byte() {
    let mut study = open("attention-ras-etiology").expect("shipped");
    if let Data::Counts(rows) = &mut study.data {
        rows[0].arms[1].missing = 7;
    }
    let nothing = |bias: SubgroupBias| vec![bias.clone(), bias];
    let idle = [
        allowing(&study, nothing(shifted(Nuisance::Known(0.0))), None),
        allowing(
            &study,
            nothing(confounder(Nuisance::Known(0.4), Nuisance::Known(0.4), normal(0.9, 0.3))),
            None,
        ),
        allowing(&study, nothing(confounder(normal(0.4, 1.0), normal(0.0, 1.0), Nuisance::Known(0.0))), None),
        allowing(
            &study,
            nothing(SubgroupBias {
                missing: [missing(0.0, normal(1.0, 1.0)), missing(0.2, Nuisance::Known(0.0))],
                ..Default::default()
            }),
            None,
        ),
        allowing(&study, nothing(SubgroupBias::default()), Some(judged(1.0, 1.0))),
    ];
    let options = Options { sampling: draws(600), ..Options::default() };
    let base = analyse(&study, options);
    assert!(base.sampled.is_some());
    for study in &idle {
        let with = analyse(study, options);
        assert!(bytes(&with) == bytes(&base));
        // And what stands beside it is the same again.
        let beside = with.probabilities.iter().all(|p| p.unadjusted == p.best());
        assert!(beside && with.unadjusted.is_some());
    }
}

/// As biases shrink to nothing the exact numbers become those without, whatever path they take.
#[test]
fn what_changes_almost_nothing_changes_almost_nothing() {
    let base = fit(&counts_model(etiology()));
    let tiny = 1e-11;
    let known = [
        shifted(Nuisance::Known(tiny)),
        confounder(Nuisance::Known(0.4), Nuisance::Known(0.4 + tiny), Nuisance::Known(1.2)),
        confounder(Nuisance::Known(-1.0), Nuisance::Known(0.4), Nuisance::Known(tiny)),
        SubgroupBias {
            missing: [missing(0.1, Nuisance::Known(tiny)), missing(tiny, Nuisance::Known(1.0))],
            ..Default::default()
        },
    ];
    let mut worst = Worst::default();
    for bias in &known {
        let with = fit(&through(etiology(), &[bias.clone(), bias.clone()]));
        hold_alike(&mut worst, &with, &base);
    }
    worst.within(1e-9, 40);
    // A prior that is all but a point; its curves are interpolated.
    let mut worst = Worst::default();
    let with = fit(&through(etiology(), &[shifted(normal(0.0, 1e-4)), shifted(normal(0.0, 1e-4))]));
    hold_alike(&mut worst, &with, &base);
    worst.within(1e-6, 10);
}

fn hold_alike(worst: &mut Worst, found: &ExactPosterior, expected: &ExactPosterior) {
    for g in 0..2 {
        let (a, b) = (found.theta(g), expected.theta(g));
        worst.hold(|| format!("P(theta {g} > 0)"), above_zero(&*a), above_zero(&*b), 1.0);
        worst.hold(|| format!("median of theta {g}"), a.quantile(0.5), b.quantile(0.5), 1.0);
        for measure in [RiskMeasure::Difference, RiskMeasure::Active, RiskMeasure::Control] {
            let (a, b) =
                (found.risk(g, measure).expect("counts"), expected.risk(g, measure).expect("counts"));
            worst.hold(|| format!("{measure:?} {g}"), a.cdf(0.2), b.cdf(0.2), 1.0);
        }
    }
    let (a, b) = (found.pair(0, 1), expected.pair(0, 1));
    worst.hold(|| "pair".to_string(), a.first_above_second_below, b.first_above_second_below, 1.0);
}

/// Biases of every kind in one study, which both engines know.
fn everything() -> Vec<SubgroupBias> {
    let heavy = Nuisance::Location(LocationPrior::StudentT { df: 4.0, location: 0.1, scale: 0.3 });
    let all = SubgroupBias {
        shift: Some(normal(0.1, 0.3)),
        missing: [missing(0.1, normal(0.0, 0.4)), missing(0.2, normal(0.5, 0.6))],
        ..uncertain()
    };
    vec![all, SubgroupBias { shift: Some(heavy), ..SubgroupBias::default() }]
}

#[test]
fn both_engines_agree_under_every_bias() {
    let study = open("attention-ras-etiology").expect("shipped");
    let parts = vec![
        NormalComponent { weight: 0.7, mean: 0.0, sd: 0.1 },
        NormalComponent { weight: 0.3, mean: 0.5, sd: 0.3 },
    ];
    let mixture = shifted(Nuisance::Location(LocationPrior::Normals(parts)));
    let estimates = open("solvd").expect("shipped");
    let of_estimates = SubgroupBias { missing: [None, None], ..everything()[0].clone() };
    let n = estimates.data.names().len();
    let studies = [
        allowing(&study, everything(), None),
        allowing(&study, vec![mixture.clone(), uncertain()], None),
        Study { pooling: study::Pooling::None, ..allowing(&study, vec![mixture, uncertain()], None) },
        allowing(&estimates, vec![of_estimates; n], None),
    ];
    for study in &studies {
        let report = analyse(study, Options { all_pairs: n < 4, ..Options::default() });
        let exact = &report.checks.exact;
        assert!(report.checks.ok, "{:?}", report.checks.reasons);
        assert!(exact.available && exact.comparisons > 20, "{exact:?}");
        assert!(report.sampled.as_ref().is_some_and(|s| !s.bias.is_empty()));
    }
}

/// The outcome coded the other way, every prior and every bias mirrored: no conclusion moves.
#[test]
fn flipping_the_outcome_changes_no_conclusion_under_a_bias() {
    let study = open("attention-ras-etiology").expect("shipped");
    let study = allowing(&study, everything(), None);
    let mut flipped = flipped_study(&study);
    let mirrored = everything().iter().map(SubgroupBias::mirrored).collect();
    flipped.bias = Some(Bias { subgroups: mirrored, ..Bias::default() });
    let (a, b) = (analyse(&study, Options::exact()), analyse(&flipped, Options::exact()));
    let mut worst = Worst::default();
    for (x, y) in a.probabilities.iter().zip(&b.probabilities).filter(|(x, _)| x.exact.is_some()) {
        if x.estimand.measure == Measure::RiskDifference || x.estimand.measure == Measure::OddsRatio {
            worst.hold(|| format!("{x:?}"), y.exact.expect("as the other"), x.exact.expect("filtered"), 1.0);
        }
    }
    worst.within(1e-9, 20);
    let of_missing = |study: &Study| {
        let mut study = study.clone();
        let Data::Counts(rows) = &mut study.data else { unreachable!("counts") };
        (rows[0].arms[0].missing, rows[0].arms[1].missing, rows[1].arms[1].missing) = (4, 9, 3);
        compare_bias(&study, Sampling::default())
    };
    let (c, d) = (of_missing(&study), of_missing(&flipped));
    // All who are missing fared well: as events, or as others.
    let mut worst = Worst::default();
    for (x, y) in c.missing.iter().zip(&d.missing) {
        assert_eq!((x.case, &x.subgroup, x.statement), (y.case, &y.subgroup, y.statement));
        let (x, y) = (x.probability.expect("settled"), y.probability.expect("settled"));
        worst.hold(|| "missing".to_string(), y, x, 1.0);
    }
    worst.within(1e-9, 12);
    let (mut worst, mut of_missing) = (Worst::default(), Worst::default());
    for (x, y) in c.tipping.iter().zip(&d.tipping) {
        assert_eq!((&x.subgroup, x.statement, x.line), (&y.subgroup, y.statement, y.line));
        match x.varied {
            Varied::Bias => {
                let (x, y) = (x.bias.expect("within the search"), y.bias.expect("within the search"));
                worst.hold(|| "tipping".to_string(), -y, x, 1.0);
            }
            Varied::MissingShift => {
                assert_eq!(x.bias.is_some(), y.bias.is_some(), "{x:?} {y:?}");
                if let (Some(x), Some(y)) = (x.bias, y.bias) {
                    of_missing.hold(|| "shift of the missing".to_string(), -y, x, 1.0);
                }
            }
        }
    }
    worst.within(1e-7, 16);
    // Searched to 1e-6.
    of_missing.within(2e-6, 2);
}

#[test]
fn permuting_subgroups_permutes_what_is_said_of_their_bias() {
    let [a, b] = <[SubgroupBias; 2]>::try_from(everything()).expect("two");
    let one = fit(&through(etiology(), &[a.clone(), b.clone()]));
    let mut turned = etiology();
    turned.reverse();
    let other = fit(&through(turned, &[b, a]));
    for g in 0..2 {
        close("P(theta > 0)", above_zero(&*other.theta(1 - g)), above_zero(&*one.theta(g)), 1e-9);
    }
    close("pair", other.pair(1, 0).first_above_second_below, one.pair(0, 1).first_above_second_below, 1e-9);
}

/// One normal estimate with a normal bias: everything is closed.
#[test]
fn a_normal_bias_of_one_estimate_is_closed() {
    let (y, se, m, s, sd) = (0.6, 0.42, 0.1, 0.3, 0.355);
    let mut model = estimates_model(&[(y, se)], Pooling::Complete, LocationPrior::normal(0.0, sd));
    model.observation = model.observation.through(&[shifted(normal(m, s))]);
    let precision = 1.0 / (sd * sd) + 1.0 / (se * se + s * s);
    let mean = (y - m) / (se * se + s * s) / precision;
    let theta = fit(&model).theta(0).quantile(0.5);
    close("posterior mean", theta, mean, 1e-10);
}

/// The bias at which one estimate's conclusion tips is closed too.
#[test]
fn tipping_biases_of_one_estimate_are_closed() {
    let mut study = open("solvd").expect("shipped");
    let Data::Estimates(rows) = &mut study.data else { unreachable!("estimates") };
    rows.rows.truncate(1);
    let (y, se) = (rows[0].estimate, rows[0].se);
    study.pooling = study::Pooling::Complete;
    study.priors.heterogeneity = None;
    let LocationPrior::Normals(prior) = &study.priors.effect.distribution else { unreachable!("normal") };
    let (mean, sd) = (prior[0].mean, prior[0].sd);
    let found = compare_bias(&study, Sampling::default());
    let sign = study.outcome.higher_is.sign();
    let precision = 1.0 / (sd * sd) + 1.0 / (se * se);
    let mut compared = 0;
    for t in &found.tipping {
        let line = if t.statement == Statement::Benefit { t.line } else { 1.0 - t.line };
        // s·m/√v = z with m = (μ₀/σ² + (y − b)/se²)v.
        let z = sign * normal_quantile(line) * precision.sqrt();
        let b = y - se * se * (z - mean / (sd * sd));
        close("tipping bias", t.bias.expect("found"), b, 1e-7);
        compared += 1;
    }
    assert_eq!(compared, 8);
}

/// An own generator of random numbers, for simulations that share nothing with the crate.
struct Lcg(u64);

impl Lcg {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    fn chance(&mut self, p: f64) -> bool {
        self.uniform() < p
    }
}

fn expit(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Patients one after another with a confounder that nobody recorded: the effect among patients like the controls is found
/// again where the confounder is known, and missed where it is not.
#[test]
fn a_simulated_confounder_is_seen_through() {
    let (prevalence, gamma, base, effect) = ([0.2, 0.6], 3.0_f64.ln(), -1.0, 0.5);
    let mut rng = Lcg(20_261_125);
    let patients = 400_000;
    let mut arms = [(0_u32, 0_u32); 2];
    for (a, arm) in arms.iter_mut().enumerate() {
        for _ in 0..patients {
            let has = rng.chance(prevalence[a]);
            let x = base + effect * a as f64 + if has { gamma } else { 0.0 };
            arm.0 += u32::from(rng.chance(expit(x)));
            arm.1 += 1;
        }
    }
    // What patients like the controls would have had under both treatments.
    let risk = |treated: f64| {
        let x = base + effect * treated;
        (1.0 - prevalence[0]) * expit(x) + prevalence[0] * expit(x + gamma)
    };
    let truth = logit(risk(1.0)) - logit(risk(0.0));
    let counts = vec![pair(arms[0], arms[1])];
    let wide = |counts: Vec<BinomialPair>| Model {
        pooling: Pooling::Complete,
        effect: LocationPrior::normal(0.0, 5.0),
        ..counts_model(counts)
    };
    let known = prevalence.map(|p| Nuisance::Known(logit(p)));
    let bias = confounder(known[0].clone(), known[1].clone(), Nuisance::Known(gamma));
    let crude = fit(&wide(counts.clone())).theta(0).quantile(0.5);
    let adjusted = fit(&wide(counts.into_iter().map(|c| c.through(&bias)).collect()));
    let theta = adjusted.theta(0);
    let sd = theta.sd().expect("light tails");
    assert!(sd < 0.006 && (theta.quantile(0.5) - truth).abs() < 4.0 * sd);
    assert!((crude - truth).abs() > 0.25, "{crude} {truth}");
    // Its risks are those of patients like the controls.
    let p1 = adjusted.risk(0, RiskMeasure::Active).expect("counts");
    close("risk under treatment", p1.quantile(0.5), risk(1.0), 0.005);
}

#[test]
fn simulated_missing_outcomes_are_seen_through() {
    let (x, shift, share) = (-0.4, 1.2, 0.3);
    let mut rng = Lcg(7);
    let mut seen = (0_u32, 0_u32);
    let mut all = (0.0, 0.0);
    for _ in 0..400_000 {
        let lost = rng.chance(share);
        let event = rng.chance(expit(if lost { x + shift } else { x }));
        all = (all.0 + f64::from(u8::from(event)), all.1 + 1.0);
        if !lost {
            seen = (seen.0 + u32::from(event), seen.1 + 1);
        }
    }
    let bias =
        SubgroupBias { missing: [missing(share, Nuisance::Known(shift)), None], ..SubgroupBias::default() };
    let model = through(vec![pair(seen, (0, 0))], &[bias]);
    let posterior = fit(&model);
    let p0 = posterior.risk(0, RiskMeasure::Control).expect("counts");
    close("risk of all", p0.quantile(0.5), all.0 / all.1, 0.004);
}

/// The exact engine integrates over an accuracy that is not known, where one is.
#[test]
fn both_engines_agree_under_wrong_labels() {
    let mut study = open("attention-ras-etiology").expect("shipped");
    if let Data::Counts(rows) = &mut study.data {
        for (row, [y0, n0, y1, n1]) in rows.iter_mut().zip([[4, 9, 6, 14], [7, 15, 2, 8]]) {
            (row.arms[0].events, row.arms[0].total, row.arms[1].events, row.arms[1].total) = (y0, n0, y1, n1);
        }
    }
    let beta = |a, b| [Nuisance::LogitBeta { a, b }, Nuisance::LogitBeta { a, b }];
    let known = allowing(&study, Vec::new(), Some(judged(0.85, 0.9)));
    let unknown = Misclassification { sensitivity: beta(17.0, 3.0), ..judged(0.85, 0.9) };
    let by_arm = Misclassification { sensitivity_shared: false, positive: 1, ..unknown.clone() };
    for (study, what) in [
        (known, "known"),
        (allowing(&study, Vec::new(), Some(unknown)), "unknown"),
        (allowing(&study, Vec::new(), Some(by_arm)), "by arm"),
    ] {
        let report = analyse(&study, Options::default());
        let exact = &report.checks.exact;
        assert!(report.checks.ok, "{what}: {:?}", report.checks.reasons);
        assert!(exact.available && exact.comparisons > 20, "{what}: {exact:?}");
        // Risks are sampled, and say why.
        let risk = report.estimate(Estimand::of_subgroup(0, Measure::RiskDifference)).expect("a row");
        assert!(
            risk.exact.is_none() && risk.exact_unavailable.as_ref().is_some_and(|r| !r.is_empty()),
            "{risk:?}"
        );
    }
}

/// Perfect labels, by the path for wrong ones: the same as without.
#[test]
fn labels_that_are_all_but_right_change_all_but_nothing() {
    let base = fit(&counts_model(etiology()));
    let model = counts_model(etiology()).labelled(&judged(1.0 - 1e-9, 1.0 - 1e-9));
    let found = fit(&model);
    let mut worst = Worst::default();
    for g in 0..2 {
        let (a, b) = (found.theta(g), base.theta(g));
        worst.hold(|| format!("P(theta {g} > 0)"), above_zero(&*a), above_zero(&*b), 1.0);
        for p in [0.025, 0.5, 0.975] {
            worst.hold(|| format!("quantile {p} of theta {g}"), a.quantile(p), b.quantile(p), 10.0);
        }
    }
    let of = |p: &ExactPosterior, a, b| {
        let pair = p.pair(a, b);
        [pair.difference.cdf(0.3), pair.first_above_second_below, pair.first_below_second_above]
    };
    for (a, b) in [(0, 1), (1, 0)] {
        for (x, y) in of(&found, a, b).into_iter().zip(of(&base, a, b)) {
            worst.hold(|| format!("pair {a} {b}"), x, y, 1.0);
        }
    }
    let both = |f: fn(&ExactPosterior) -> Vec<f64>| f(&found).into_iter().zip(f(&base)).collect::<Vec<_>>();
    let shared = |p: &ExactPosterior| {
        let (mu, tau, new) =
            (p.mu().expect("shared"), p.tau().expect("estimated"), p.theta_new().expect("shared"));
        let at =
            [mu.cdf(-0.2), tau.cdf(0.4), new.cdf(0.1), new.quantile(0.975) / 10.0, mu.quantile(0.1) / 10.0];
        at.to_vec()
    };
    for (x, y) in both(shared) {
        worst.hold(|| "what is shared".to_string(), x, y, 1.0);
    }
    // The labels' own part of the evidence: any number of an arm's patients is as probable.
    let labels: f64 = [46.0 + 71.0, 70.0 + 34.0_f64].iter().map(|n: &f64| -(n + 1.0).ln()).sum();
    let evidence = [&found, &base].map(|p| p.log_marginal_likelihood().expect("shared"));
    worst.hold(|| "evidence".to_string(), evidence[0], evidence[1] + labels, 10.0);
    worst.within(1e-7, 18);
}

/// The two subgroups exchanged, and what is said of their labels.
#[test]
fn permuting_subgroups_changes_nothing_under_wrong_labels() {
    let one = counts_model(etiology()).labelled(&judged(0.8, 0.95));
    let mut turned = etiology();
    turned.reverse();
    let m = Misclassification { positive: 1, ..judged(0.8, 0.95) };
    let other = counts_model(turned).labelled(&m);
    let (one, other) = (fit(&one), fit(&other));
    for g in 0..2 {
        close("P(theta > 0)", above_zero(&*other.theta(1 - g)), above_zero(&*one.theta(g)), 1e-9);
    }
    let (a, b) = (one.pair(0, 1), other.pair(1, 0));
    close("pair", a.first_above_second_below, b.first_above_second_below, 1e-9);
    close("difference", a.difference.quantile(0.9), b.difference.quantile(0.9), 1e-8);
}

/// Patients one after another, some put into the wrong subgroup: the contrast is found again where it is known how often.
#[test]
fn simulated_wrong_labels_are_seen_through() {
    let (base, effect, share, accuracy) = ([-0.8, 0.3], [0.2, -0.9], [0.5, 0.6], [0.8, 0.9]);
    let mut rng = Lcg(42);
    let mut cells = [[(0_u32, 0_u32); 2]; 2];
    for a in 0..2 {
        for _ in 0..3_000 {
            let truly = usize::from(!rng.chance(share[a]));
            let event = rng.chance(expit(base[truly] + effect[truly] * a as f64));
            let right = rng.chance(accuracy[truly]);
            let label = if right { truly } else { 1 - truly };
            cells[label][a].0 += u32::from(event);
            cells[label][a].1 += 1;
        }
    }
    let counts = vec![pair(cells[0][0], cells[0][1]), pair(cells[1][0], cells[1][1])];
    let wide = Model {
        effect: LocationPrior::normal(0.0, 2.0),
        pooling: Pooling::Partial(HeterogeneityPrior::HalfNormal { scale: 1.0 }),
        ..counts_model(counts)
    };
    let crude = fit(&wide).pair(0, 1).difference.quantile(0.5);
    let posterior = fit(&wide.labelled(&judged(accuracy[0], accuracy[1])));
    let difference = posterior.pair(0, 1).difference;
    let (truth, sd) = (effect[0] - effect[1], difference.sd().expect("light tails"));
    assert!((difference.quantile(0.5) - truth).abs() < 3.0 * sd && sd < 0.2);
    // Wrong labels make the two subgroups look more alike than they are.
    assert!(crude < truth - 0.1, "{crude}");
}
