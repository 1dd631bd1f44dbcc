//! The comparison as one long table.

use super::compare_json::compare_statements;
use super::records::{Cell, Records, record};
use super::sentences::sentence;
use super::words::prior_statement;
use crate::compare::{
    BaselineRow, Comparison, Crossing, CurvePoint, DeparturePoint, Envelope, EstimateRow, GridRow,
    HeterogeneityRow, PoolingRow, PowerRow, PriorSet, TableRow, Tipping, WhoDecided,
};
use crate::posterior::{Claim, Quantiles, Statement};
use crate::study::Study;

record! {
    /// A row of any list; `row` says of which. Columns that a list does not have are empty.
    Row {
        row, prior, heterogeneity, pooling, scope, subgroup, subgroup_b, statement, measure,
        threshold, quantity, scale, line, rising, probability, mcse, exact, prior_probability,
        unadjusted, median, q2_5, q97_5, unadjusted_median, unadjusted_q2_5, unadjusted_q97_5,
        widest, sceptical_sd, as_patients, prior_centre, prior_centre_ratio, baseline, data,
        effect_prior, heterogeneity_prior, baseline_part, low, high, prior_sensitivity,
        baseline_sensitivity, likelihood_sensitivity, diagnosis, log_marginal_likelihood, elpd,
        elpd_se, difference, difference_se, unit, units, method, max_k, trusted_k, effect,
        baseline_prior, baseline_of, variant, scale_factor, patients, note, unavailable, caveat,
    }
}

/// A comparison of priors as one CSV table, the study's statements in every row.
pub fn compare_csv(study: &Study, c: &Comparison) -> String {
    let caveat = Cell::from(compare_statements(study, c).join(" "));
    let mut all: Vec<Row> = Vec::new();
    let mut put = |kind: &str, rows: Vec<Row>| {
        all.extend(rows.into_iter().map(|row| Row { row: kind.into(), caveat: caveat.clone(), ..row }));
    };
    put("prior", c.priors.iter().map(|set| prior(study, set)).collect());
    put("table", c.table.iter().map(statement).collect());
    put("estimate", c.estimates.iter().map(estimate).collect());
    put("baseline", c.baselines.iter().flatten().map(baseline).collect());
    let scaled = c.coefficients.iter().flatten();
    put(
        "coefficient",
        scaled.map(|r| Row { scale_factor: r.scale_factor.into(), ..statement(&r.row) }).collect(),
    );
    put("tau_curve", c.tau_curve.iter().map(curve_point).collect());
    put("tau_crossing", c.crossings.iter().map(crossing).collect());
    put("departure_curve", c.departures.iter().flatten().flat_map(|d| &d.points).map(departure).collect());
    put("heterogeneity", c.heterogeneity.iter().flat_map(before_and_after).collect());
    put("grid", c.grid.iter().flatten().map(grid).collect());
    put("envelope", c.envelope.iter().map(envelope).collect());
    put("tipping", c.tipping.iter().map(tipping).collect());
    put("who_decided", c.who_decided.iter().map(who_decided).collect());
    put("power_scaling", c.power_scaling.iter().map(sensitivity).collect());
    put("pooling", c.poolings.iter().map(pooling).collect());
    put("claim", c.claims.iter().map(claim).collect());
    Records::of(all).csv()
}

/// The sentence stands in `note`.
fn claim(c: &Claim) -> Row {
    Row {
        prior: (&c.prior).into(),
        scope: c.scope.into(),
        subgroup: c.subgroup.as_ref().into(),
        quantity: c.estimand.key().into(),
        probability: c.probability.into(),
        note: sentence(c).into(),
        ..Row::default()
    }
}

/// What it says stands in `note`.
fn prior(study: &Study, set: &PriorSet) -> Row {
    let (priors, says) = (&set.priors, &set.says);
    Row {
        prior: (&set.name).into(),
        effect: (&priors.effect.words).into(),
        heterogeneity: priors.heterogeneity.as_ref().map(|h| &h.words).into(),
        baseline_prior: priors.baseline.as_ref().map(|b| &b.words).into(),
        baseline_of: priors.baseline.as_ref().map(|_| priors.baseline_of).into(),
        patients: says.patients.into(),
        prior_probability: says.benefit.into(),
        note: prior_statement(study, set).into(),
        ..Row::default()
    }
}

fn statement(r: &TableRow) -> Row {
    Row {
        prior: (&r.prior).into(),
        pooling: r.pooling.into(),
        scope: r.scope.into(),
        subgroup: r.subgroup.as_ref().into(),
        subgroup_b: r.subgroup_b.as_ref().into(),
        statement: r.statement.into(),
        measure: r.measure.into(),
        threshold: r.threshold.into(),
        probability: r.probability.into(),
        mcse: r.mcse.into(),
        exact: r.exact.into(),
        prior_probability: r.prior_probability.into(),
        unadjusted: r.unadjusted.into(),
        unavailable: r.unavailable.as_ref().into(),
        ..Row::default()
    }
}

fn estimate(r: &EstimateRow) -> Row {
    Row {
        prior: (&r.prior).into(),
        pooling: r.pooling.into(),
        scope: r.scope.into(),
        subgroup: r.subgroup.as_ref().into(),
        measure: r.measure.into(),
        median: r.median.into(),
        q2_5: r.q2_5.into(),
        q97_5: r.q97_5.into(),
        unadjusted_median: r.unadjusted.map(|q| q.median).into(),
        unadjusted_q2_5: r.unadjusted.map(|q| q.q2_5).into(),
        unadjusted_q97_5: r.unadjusted.map(|q| q.q97_5).into(),
        ..Row::default()
    }
}

fn baseline(r: &BaselineRow) -> Row {
    Row {
        variant: r.variant.into(),
        baseline_prior: (&r.baseline_prior).into(),
        baseline_of: r.baseline_of.into(),
        ..statement(&r.row)
    }
}

fn curve_point(p: &CurvePoint) -> Row {
    Row {
        prior: (&p.prior).into(),
        scale: p.scale.into(),
        subgroup: (&p.subgroup).into(),
        statement: p.statement.into(),
        measure: p.measure.into(),
        threshold: p.threshold.into(),
        probability: p.probability.into(),
        ..Row::default()
    }
}

/// The cut stands in `quantity`.
fn departure(p: &DeparturePoint) -> Row {
    Row {
        scale: p.scale.into(),
        scope: p.scope.into(),
        subgroup: p.subgroup.as_ref().into(),
        statement: Statement::Benefit.into(),
        measure: p.measure.into(),
        quantity: p.above.as_ref().map(|level| format!("above {level}")).into(),
        probability: p.benefit.into(),
        mcse: p.mcse.into(),
        median: p.median.into(),
        q2_5: p.q2_5.into(),
        q97_5: p.q97_5.into(),
        method: "sampled".into(),
        unavailable: p.unavailable.as_ref().into(),
        ..Row::default()
    }
}

fn crossing(x: &Crossing) -> Row {
    Row {
        prior: (&x.prior).into(),
        subgroup: (&x.subgroup).into(),
        statement: x.statement.into(),
        measure: x.measure.into(),
        threshold: x.threshold.into(),
        line: x.line.into(),
        scale: x.scale.into(),
        rising: x.rising.into(),
        ..Row::default()
    }
}

/// Quantiles before and after the data, a row each.
fn before_and_after(r: &HeterogeneityRow) -> [Row; 2] {
    let when = |when: &str, q: Quantiles| Row {
        quantity: format!("{} {when}", r.quantity).into(),
        subgroup: r.subgroup.as_ref().into(),
        subgroup_b: r.subgroup_b.as_ref().into(),
        median: q.median.into(),
        q2_5: q.q2_5.into(),
        q97_5: q.q97_5.into(),
        ..Row::default()
    };
    [when("prior", r.prior), when("posterior", r.posterior)]
}

fn grid(r: &GridRow) -> Row {
    Row {
        prior: (&r.prior).into(),
        heterogeneity: r.heterogeneity.as_ref().into(),
        pooling: r.pooling.into(),
        subgroup: (&r.subgroup).into(),
        statement: r.statement.into(),
        measure: r.measure.into(),
        threshold: r.threshold.into(),
        probability: r.probability.into(),
        ..Row::default()
    }
}

fn envelope(e: &Envelope) -> Row {
    Row {
        subgroup: (&e.subgroup).into(),
        statement: e.statement.into(),
        measure: e.measure.into(),
        threshold: e.threshold.into(),
        low: e.low.into(),
        high: e.high.into(),
        ..Row::default()
    }
}

fn tipping(t: &Tipping) -> Row {
    Row {
        subgroup: (&t.subgroup).into(),
        statement: t.statement.into(),
        measure: t.measure.into(),
        threshold: t.threshold.into(),
        line: t.line.into(),
        probability: t.probability.into(),
        widest: t.widest.into(),
        sceptical_sd: t.sceptical_sd.into(),
        as_patients: t.as_patients.into(),
        prior_centre: t.prior_centre.into(),
        prior_centre_ratio: t.prior_centre_ratio.into(),
        note: t.note.into(),
        ..Row::default()
    }
}

fn who_decided(w: &WhoDecided) -> Row {
    Row {
        subgroup: (&w.subgroup).into(),
        statement: w.statement.into(),
        measure: w.measure.into(),
        threshold: w.threshold.into(),
        baseline: w.baseline.into(),
        data: w.data.into(),
        effect_prior: w.effect_prior.into(),
        heterogeneity_prior: w.heterogeneity_prior.into(),
        baseline_part: w.baseline_prior.into(),
        probability: w.probability.into(),
        ..Row::default()
    }
}

fn sensitivity(r: &PowerRow) -> Row {
    Row {
        scope: r.scope.into(),
        subgroup: r.subgroup.as_ref().into(),
        measure: r.measure.into(),
        statement: r.statement.into(),
        threshold: r.threshold.into(),
        prior_sensitivity: r.prior.into(),
        baseline_sensitivity: r.baseline_prior.into(),
        likelihood_sensitivity: r.likelihood.into(),
        diagnosis: r.diagnosis.into(),
        method: r.method.into(),
        max_k: r.max_k.into(),
        ..Row::default()
    }
}

fn pooling(r: &PoolingRow) -> Row {
    Row {
        pooling: r.pooling.into(),
        log_marginal_likelihood: r.log_marginal_likelihood.into(),
        elpd: r.elpd.into(),
        elpd_se: r.elpd_se.into(),
        difference: r.difference.into(),
        difference_se: r.difference_se.into(),
        unit: r.unit.into(),
        units: r.units.into(),
        method: r.method.into(),
        max_k: r.max_k.into(),
        trusted_k: r.trusted_k.into(),
        ..Row::default()
    }
}
