//! The decision discussion as one long table.

use super::decide_json::{decide_statements, joint_statement};
use super::records::{Cell, Records, record};
use super::sentences::sentence;
use crate::decide::{
    ActionRow, AttributionRow, BandRow, CurveRow, Discussion, EffectRow, EvpiRow, FlipRow, GreaterRow,
    Implied, Item, JointRow, LayerRow, PanelRow, PoolRow, Population, PriorRow, RuleRow, ValueRow,
};
use crate::posterior::{Bounded, Claim, CriterionRow, Quantiles, Says, ShrinkageRow};
use crate::study::Decision;

record! {
    /// A row of any list; `row` says of which. Columns that a list does not have are empty.
    Row {
        row, outcome, outcome_b, scope, subgroup, subgroup_b, direction, direction_b, threshold,
        probability, prior_probability, band, from, to, median_risk_control, mean_risk_control, mean_risk_active,
        mean_risk_difference, median, q2_5, q97_5, benefit, harm, benefit_low, benefit_high,
        sampled, name, required, at_least, verdict, statement, low, high, independent, inner_harm,
        quantity, low_median, low_q2_5, low_q97_5, high_median, high_q2_5, high_q97_5, action,
        expected_utility, chosen, probability_best, probability_best_low, probability_best_high,
        expected_loss, evpi, evpi_high, value, stated_value, required_gain, expected_gain, below,
        above, prior, flips, member, weight, differs, by, pool, measure, alone, modelled, item,
        question, answer, kind, method, unavailable, caveat,
    }
}

/// A decision discussion as one CSV table, what must stand beside its numbers in every row.
pub fn decide_csv(decision: &Decision, d: &Discussion) -> String {
    let caveat = Cell::from(decide_statements(decision, d).join(" "));
    let mut all: Vec<Row> = Vec::new();
    let mut put = |kind: &str, rows: Vec<Row>| {
        all.extend(rows.into_iter().map(|row| Row { row: kind.into(), caveat: caveat.clone(), ..row }));
    };
    put("effect", d.effects.iter().map(effect).collect());
    put("curve", d.curve.iter().map(size).collect());
    put("threshold", d.thresholds.iter().map(size).collect());
    put("band", d.bands.iter().map(band).collect());
    put("rule", d.rules.iter().map(rule).collect());
    put("criterion", d.rules.iter().flat_map(|r| r.criteria.iter().map(|c| criterion(r, c))).collect());
    put("joint", d.joint.iter().map(|j| joint(decision, j)).collect());
    if let Some(layers) = &d.layers {
        put("layer", layers.subgroups.iter().map(layer).collect());
        put("without_layer", layers.implied.iter().map(without_layer).collect());
    }
    put("attribution", d.attribution.iter().map(attribution).collect());
    put("action", d.actions.iter().map(action).collect());
    put("evpi", d.evpi.iter().map(evpi).collect());
    put("value", d.value_map.iter().map(value).collect());
    put("flip", d.flips.iter().map(flip).collect());
    put("prior", d.by_prior.iter().map(prior).collect());
    if let Some(panel) = &d.panel {
        put("member", panel.members.iter().map(member).collect());
        put("pool", panel.pools.iter().map(pool).collect());
    }
    if let Some(c) = &d.credibility {
        put("item", c.items.iter().map(item).collect());
        put("greater_benefit", c.greater.iter().map(greater_benefit).collect());
        put("shrinkage", c.shrinkage.iter().map(shrinkage).collect());
    }
    put("claim", d.claims.iter().map(claim).collect());
    Records::of(all).csv()
}

/// For whom a row is.
fn of(population: &Population) -> Row {
    Row { scope: population.scope.into(), subgroup: population.subgroup.as_ref().into(), ..Row::default() }
}

fn three(q: &Quantiles, row: Row) -> Row {
    Row { median: q.median.into(), q2_5: q.q2_5.into(), q97_5: q.q97_5.into(), ..row }
}

fn bounds(b: &Bounded, row: Row) -> Row {
    Row { low: b.low.into(), high: b.high.into(), independent: b.independent.into(), ..row }
}

fn effect(e: &EffectRow) -> Row {
    Row {
        outcome: (&e.outcome).into(),
        median_risk_control: e.median_risk_control.into(),
        mean_risk_control: e.mean_risk_control.into(),
        mean_risk_active: e.mean_risk_active.into(),
        mean_risk_difference: e.mean_risk_difference.into(),
        benefit: e.benefit.into(),
        harm: e.harm.into(),
        sampled: e.sampled.into(),
        ..three(&e.risk_difference, of(&e.population))
    }
}

fn size(c: &CurveRow) -> Row {
    Row {
        outcome: (&c.outcome).into(),
        direction: c.direction.into(),
        threshold: c.threshold.into(),
        probability: c.probability.into(),
        ..of(&c.population)
    }
}

fn band(b: &BandRow) -> Row {
    Row {
        outcome: (&b.outcome).into(),
        direction: b.direction.into(),
        band: b.band.into(),
        from: b.from.into(),
        to: b.to.into(),
        probability: b.probability.into(),
        ..of(&b.population)
    }
}

fn rule(r: &RuleRow) -> Row {
    Row { name: (&r.name).into(), verdict: r.verdict.into(), ..of(&r.population) }
}

fn criterion(r: &RuleRow, c: &CriterionRow) -> Row {
    Row {
        outcome: (&c.outcome).into(),
        direction: c.direction.into(),
        threshold: c.threshold.into(),
        required: c.required.into(),
        at_least: c.at_least.into(),
        probability: c.probability.into(),
        verdict: c.verdict.into(),
        ..rule(r)
    }
}

fn joint(decision: &Decision, j: &JointRow) -> Row {
    Row {
        outcome: (&j.outcome).into(),
        outcome_b: (&j.outcome_b).into(),
        direction: j.direction.into(),
        direction_b: j.direction_b.into(),
        statement: joint_statement(decision, j).into(),
        ..bounds(&j.probability, of(&j.population))
    }
}

fn layer(l: &LayerRow) -> Row {
    let row = Row { subgroup: (&l.subgroup).into(), inner_harm: l.inner_harm.into(), ..Row::default() };
    bounds(&l.both, row)
}

fn without_layer(i: &Implied) -> Row {
    Row {
        mean_risk_difference: i.mean_risk_difference.into(),
        benefit: i.benefit.into(),
        harm: i.harm.into(),
        benefit_low: i.benefit_low.into(),
        benefit_high: i.benefit_high.into(),
        ..three(&i.risk_difference, Row::default())
    }
}

fn attribution(a: &AttributionRow) -> Row {
    Row {
        outcome: (&a.outcome).into(),
        quantity: a.quantity.into(),
        low_median: a.low.median.into(),
        low_q2_5: a.low.q2_5.into(),
        low_q97_5: a.low.q97_5.into(),
        high_median: a.high.median.into(),
        high_q2_5: a.high.q2_5.into(),
        high_q97_5: a.high.q97_5.into(),
        ..of(&a.population)
    }
}

fn action(a: &ActionRow) -> Row {
    Row {
        action: (&a.action).into(),
        expected_utility: a.expected_utility.into(),
        chosen: a.chosen.into(),
        probability_best: a.probability_best.into(),
        probability_best_low: a.probability_best_low.into(),
        probability_best_high: a.probability_best_high.into(),
        expected_loss: a.expected_loss.into(),
        unavailable: a.unavailable.as_ref().into(),
        ..of(&a.population)
    }
}

fn evpi(e: &EvpiRow) -> Row {
    Row { evpi: e.evpi.into(), evpi_high: e.evpi_high.into(), ..of(&e.population) }
}

fn value(v: &ValueRow) -> Row {
    Row {
        outcome: (&v.outcome).into(),
        value: v.value.into(),
        required_gain: v.required_gain.into(),
        expected_gain: v.expected_gain.into(),
        action: (&v.action).into(),
        ..of(&v.population)
    }
}

fn flip(f: &FlipRow) -> Row {
    Row {
        outcome: (&f.outcome).into(),
        stated_value: f.stated_value.into(),
        required_gain: f.required_gain.into(),
        value: f.value.into(),
        below: (&f.below).into(),
        above: (&f.above).into(),
        ..of(&f.population)
    }
}

fn prior(p: &PriorRow) -> Row {
    Row {
        prior: (&p.prior).into(),
        expected_gain: p.expected_gain.into(),
        action: p.action.as_ref().into(),
        flips: p.flips.into(),
        unavailable: p.unavailable.as_ref().into(),
        ..of(&p.population)
    }
}

fn member(m: &PanelRow) -> Row {
    Row {
        member: (&m.member).into(),
        weight: m.weight.into(),
        benefit: m.benefit.into(),
        expected_gain: m.expected_gain.into(),
        action: m.action.as_ref().into(),
        differs: m.differs.into(),
        by: m.by.into(),
        unavailable: m.unavailable.as_ref().into(),
        ..of(&m.population)
    }
}

fn pool(p: &PoolRow) -> Row {
    Row {
        pool: p.pool.into(),
        benefit: p.benefit.into(),
        expected_gain: p.expected_gain.into(),
        action: p.action.as_ref().into(),
        unavailable: p.unavailable.as_ref().into(),
        ..of(&p.population)
    }
}

fn item(i: &Item) -> Row {
    Row {
        item: i.item.into(),
        question: i.question.into(),
        answer: i.answer.as_ref().into(),
        ..Row::default()
    }
}

fn greater_benefit(g: &GreaterRow) -> Row {
    Row {
        subgroup: (&g.subgroup).into(),
        subgroup_b: (&g.subgroup_b).into(),
        probability: g.probability.into(),
        prior_probability: g.prior.into(),
        ..Row::default()
    }
}

fn shrinkage(s: &ShrinkageRow) -> Row {
    Row {
        subgroup: (&s.subgroup).into(),
        measure: s.measure.into(),
        alone: s.alone.into(),
        modelled: s.modelled.into(),
        ..Row::default()
    }
}

/// As JSON has it.
fn kind(says: &Says) -> Cell {
    let says = serde_json::to_value(says);
    says.ok().and_then(|says| says["kind"].as_str().map(Cell::from)).unwrap_or_default()
}

/// The sentence stands in `statement`.
fn claim(c: &Claim) -> Row {
    let row = Row {
        statement: sentence(c).into(),
        kind: kind(&c.says),
        outcome: (&c.about.outcome).into(),
        scope: c.scope.into(),
        subgroup: c.subgroup.as_ref().into(),
        direction: c.direction.into(),
        threshold: c.threshold.into(),
        probability: c.probability.into(),
        prior: (&c.prior).into(),
        method: c.method.into(),
        ..Row::default()
    };
    match &c.says {
        Says::Leaning(l) => {
            Row { prior_probability: l.prior_probability.into(), measure: l.measure.into(), ..row }
        }
        Says::Both { outcome_b, direction_b, .. } => {
            Row { outcome_b: outcome_b.into(), direction_b: (*direction_b).into(), ..row }
        }
        Says::Rule { verdict, .. } => Row { verdict: (*verdict).into(), ..row },
        Says::Action { action, expected_loss, .. } => {
            Row { action: action.into(), expected_loss: (*expected_loss).into(), ..row }
        }
        Says::PriorsFlip { action, .. } | Says::Dissent { action, .. } => {
            Row { action: action.into(), ..row }
        }
        Says::QualitativeInteraction { prior_probability } => {
            Row { prior_probability: (*prior_probability).into(), ..row }
        }
        _ => row,
    }
}
