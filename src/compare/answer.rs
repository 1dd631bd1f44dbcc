//! The answer of a comparison of priors: under how many of them a conclusion stands, what drove it, and what one would have
//! to believe for it to fall.

use super::tipping::{Absence, Tipping};
use super::who_decided::WhoDecided;
use super::{Comparison, STATED, TableRow};
use crate::posterior::{
    Belief, Claim, Direction, Drive, Measure, Method, Says, Scope, Stands, StandsWhere, Statement, Topic,
    UnderPrior,
};
use crate::study::{Pooling, Study};

/// The probability above which a conclusion stands: the least line that is worth an upset.
pub const LINE: f64 = 0.8;

/// Claims in the order in which they are read; those of single subgroups first.
pub fn claims(study: &Study, c: &Comparison) -> Vec<Claim> {
    let conclusions: Vec<Conclusion<'_>> = study
        .data
        .names()
        .into_iter()
        .filter_map(|name| Conclusion::of(study, c, (Scope::Subgroup, Some(name))))
        .collect();
    let of_all = |says| Claim::of_all(study, topic(study), method(c), says);
    let mut all: Vec<Claim> = conclusions.iter().map(|found| found.claim(study, c)).collect();
    all.extend(
        shared(study)
            .iter()
            .filter_map(|scope| Some(Conclusion::of(study, c, (*scope, None))?.claim(study, c))),
    );
    if conclusions.len() > 1
        && let Some(found) = everywhere(&conclusions)
    {
        all.push(of_all(Says::StandsWhere(found)));
    }
    let shifts: Vec<Drive> = conclusions.iter().filter_map(|found| found.drive(&c.who_decided)).collect();
    if !shifts.is_empty() {
        all.push(of_all(Says::Drove { shifts, priors: c.priors.len() }));
    }
    let beliefs: Vec<Belief> = conclusions.iter().filter_map(|found| found.belief(&c.tipping)).collect();
    if !beliefs.is_empty() {
        let is_rough = c.resolution().is_some() || c.is_coarse;
        all.push(of_all(Says::Overturns { line: LINE, beliefs, is_rough }));
    }
    all
}

fn topic(study: &Study) -> Topic {
    Topic::Effect(Measure::of(study.outcome.scale))
}

fn method(c: &Comparison) -> Method {
    if c.resolution().is_some() { Method::Sampled } else { Method::Exact }
}

/// The average and a further subgroup, where the model has them beside the subgroups.
fn shared(study: &Study) -> &'static [Scope] {
    let has_none = matches!(study.pooling, Pooling::None | Pooling::Complete);
    if study.data.names().len() < 2 || has_none {
        &[]
    } else if study.exhaustive {
        &[Scope::Mean]
    } else {
        &[Scope::Mean, Scope::New]
    }
}

/// The way in which a subgroup, or what is shared, leans under the stated priors, and how probable that is under each.
struct Conclusion<'a> {
    scope: Scope,
    /// The subgroup's name; none of what is shared.
    subgroup: Option<&'a str>,
    direction: Direction,
    stated: f64,
    under: Vec<(&'a str, f64)>,
}

impl<'a> Conclusion<'a> {
    fn of(
        study: &Study,
        c: &'a Comparison,
        (scope, subgroup): (Scope, Option<&'a str>),
    ) -> Option<Conclusion<'a>> {
        let under = |statement: Statement| {
            let of = move |r: &&TableRow| {
                r.scope == scope
                    && r.subgroup.as_deref() == subgroup
                    && r.statement == statement
                    && r.pooling == study.pooling
            };
            let known = |r: &'a TableRow| Some((r.prior.as_str(), r.exact.or(r.probability)?));
            c.table.iter().filter(of).filter_map(known).collect::<Vec<_>>()
        };
        let stated = |under: &[(&str, f64)]| under.iter().find(|(prior, _)| *prior == STATED).map(|f| f.1);
        let [better, worse] = [Statement::Benefit, Statement::Harm].map(under);
        let (p, q) = (stated(&better)?, stated(&worse)?);
        let (direction, stated, under) =
            if p >= q { (Direction::Benefit, p, better) } else { (Direction::Harm, q, worse) };
        Some(Conclusion { scope, subgroup, direction, stated, under })
    }

    fn count(&self) -> usize {
        self.under.iter().filter(|(_, p)| *p > LINE).count()
    }

    fn claim(&self, study: &Study, c: &Comparison) -> Claim {
        let stated = (STATED, self.stated);
        let end = |pick: fn(f64, f64) -> bool| {
            let found =
                self.under.iter().fold(stated, |end, one| if pick(one.1, end.1) { *one } else { end });
            UnderPrior { prior: found.0.to_string(), probability: found.1 }
        };
        let says = Says::Stands(Stands {
            line: LINE,
            under: self.count(),
            of: self.under.len(),
            lowest: end(|a, b| a < b),
            highest: end(|a, b| a > b),
        });
        Claim {
            scope: self.scope,
            subgroup: self.subgroup.map(str::to_string),
            direction: Some(self.direction),
            probability: Some(self.stated),
            resolution: c.resolution(),
            ..Claim::of_all(study, topic(study), method(c), says)
        }
    }

    fn is(&self, statement: Statement) -> bool {
        match self.direction {
            Direction::Benefit => statement == Statement::Benefit,
            Direction::Harm => statement == Statement::Harm,
        }
    }

    fn drive(&self, all: &[WhoDecided]) -> Option<Drive> {
        let row = all.iter().find(|w| Some(w.subgroup.as_str()) == self.subgroup && self.is(w.statement))?;
        Some(Drive {
            subgroup: row.subgroup.clone(),
            direction: self.direction,
            reference: row.baseline?,
            data: row.data?,
            effect_prior: row.effect_prior?,
            heterogeneity_prior: row.heterogeneity_prior?,
            baseline_prior: row.baseline_prior,
        })
    }

    /// Nothing of a conclusion that does not stand, and where nothing was searched for.
    fn belief(&self, all: &[Tipping]) -> Option<Belief> {
        let of = |t: &&Tipping| {
            Some(t.subgroup.as_str()) == self.subgroup && self.is(t.statement) && t.line == LINE
        };
        let row = all.iter().find(of).filter(|_| self.stated > LINE)?;
        let known = |note: Option<Absence>| !matches!(note, Some(Absence::NotSearched | Absence::Unknown));
        (known(row.note) && known(row.centre_note)).then(|| Belief {
            subgroup: row.subgroup.clone(),
            direction: self.direction,
            sceptical_sd: row.sceptical_sd,
            patients: row.as_patients,
            centre: row.prior_centre_ratio.or(row.prior_centre),
            widest_is_enough: row.note == Some(Absence::NeverAbove),
        })
    }
}

fn everywhere(conclusions: &[Conclusion<'_>]) -> Option<StandsWhere> {
    let of = conclusions.iter().map(|found| found.under.len()).max()?;
    let mut all = StandsWhere {
        line: LINE,
        of,
        better_under_all: Vec::new(),
        worse_under_all: Vec::new(),
        under_some: Vec::new(),
        under_none: Vec::new(),
    };
    for found in conclusions {
        let place = match (found.count(), found.direction) {
            (0, _) => &mut all.under_none,
            (n, _) if n < found.under.len() => &mut all.under_some,
            (_, Direction::Benefit) => &mut all.better_under_all,
            (_, Direction::Harm) => &mut all.worse_under_all,
        };
        place.push(found.subgroup.unwrap_or_default().to_string());
    }
    Some(all)
}
