//! The next trial as one long table.

use crate::decide::Discussion;
use crate::report::decide_json::decide_statements;
use crate::report::records::{Cell, Records, record};
use crate::study::Decision;
use crate::trial::Mean;
use crate::trial::next::Next;

record! {
    /// A row of any list; `row` says of which. Columns that a list does not have are empty.
    Row {
        row, patients, subgroup, known, rule, member, division, share, today, value, mcse, caveat,
    }
}

/// The next trial as CSV, what must stand beside its numbers in every row.
pub fn next_csv(decision: &Decision, next: &Next) -> String {
    let caveat = Cell::from(decide_statements(decision, &Discussion::default()).join(" "));
    let mut all: Vec<Row> = Vec::new();
    let mut put = |kind: &str, mean: Option<Mean>, row: Row| {
        all.push(Row {
            row: kind.into(),
            value: mean.map(|m| m.value).into(),
            mcse: mean.map(|m| m.mcse).into(),
            caveat: caveat.clone(),
            ..row
        });
    };
    let exact = |value: Option<f64>| value.map(|value| Mean { value, mcse: 0.0 });
    let names: Vec<Option<&String>> = next.populations.iter().map(|p| p.subgroup.as_ref()).collect();
    for e in &next.evpi {
        put("evpi", exact(e.evpi), Row { subgroup: e.population.subgroup.as_ref().into(), ..Row::default() });
    }
    put("evpi", exact(next.evpi_all), Row::default());
    for e in &next.evppi {
        for (name, value) in names.iter().zip(&e.by_subgroup) {
            let row = Row { known: (&e.known).into(), subgroup: (*name).into(), ..Row::default() };
            put("evppi", *value, row);
        }
        put("evppi", e.all, Row { known: (&e.known).into(), ..Row::default() });
    }
    for s in &next.sizes {
        let patients = || Cell::from(s.patients as f64);
        for w in &s.worth {
            let of = || Row { patients: patients(), subgroup: w.subgroup.as_ref().into(), ..Row::default() };
            put("evsi", w.evsi, of());
            put("changes", w.changes, of());
        }
        if s.net_benefit.is_some() {
            put("net_benefit", s.net_benefit, Row { patients: patients(), ..Row::default() });
        }
    }
    for a in &next.assurance {
        let of = || Row {
            patients: (a.patients as f64).into(),
            rule: (&a.rule).into(),
            subgroup: a.subgroup.as_ref().into(),
            today: a.today.into(),
            ..Row::default()
        };
        put("assurance_together", Some(a.together), of());
        put("assurance_alone", Some(a.alone), of());
    }
    for a in &next.agreement {
        let patients = || Cell::from(a.patients as f64);
        for (name, value) in names.iter().zip(&a.alike) {
            put("alike", *value, Row { patients: patients(), subgroup: (*name).into(), ..Row::default() });
        }
        put("alike", a.all, Row { patients: patients(), ..Row::default() });
        for m in &a.members {
            for (name, value) in names.iter().zip(&m.changes) {
                let member = Cell::from(&m.member);
                let row = Row { patients: patients(), subgroup: (*name).into(), member, ..Row::default() };
                put("member_changes", *value, row);
            }
        }
    }
    for division in next.allocation.iter().flat_map(|a| &a.rows) {
        put("division", Some(division.evsi), Row { division: (&division.name).into(), ..Row::default() });
        for (name, share) in names.iter().zip(&division.shares) {
            let row = Row {
                division: (&division.name).into(),
                subgroup: (*name).into(),
                share: (*share).into(),
                ..Row::default()
            };
            put("division_share", None, row);
        }
    }
    Records::of(all).csv()
}
