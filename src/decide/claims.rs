//! What a decision discussion says in sentences.

use super::{Discussion, Population};
use crate::posterior::{
    About, Claim, Direction, Dissenter, Measure, Method, Rate, STATED, Says, Scope, Topic, Verdict, Verdicts,
    Whose,
};
use crate::study::Decision;

/// Two directions of two outcomes that are not the likelier ones are reported from this probability on.
const WORTH_SAYING: f64 = 0.05;

struct Context<'a> {
    decision: &'a Decision,
    discussion: &'a Discussion,
}

/// In the order in which they are read. `first` is what the first outcome's own report says.
pub fn claims(decision: &Decision, discussion: &Discussion, first: &[Claim]) -> Vec<Claim> {
    let c = Context { decision, discussion };
    let mut all = c.actions();
    // Where there is no choice, at least which way the first outcome leans.
    let decided: Vec<Option<String>> = all.iter().map(|claim| claim.subgroup.clone()).collect();
    let leans = |claim: &&Claim| matches!(claim.says, Says::Leaning(_)) && !decided.contains(&claim.subgroup);
    all.extend(first.iter().filter(leans).cloned());
    all.extend(c.verdicts());
    all.extend(c.rules());
    all.extend(c.joint());
    all.extend(c.layers());
    all.extend(c.priors());
    all.extend(c.panel());
    all.extend(c.interaction());
    all
}

impl Context<'_> {
    /// A claim about one population under the stated priors, and about all outcomes unless changed.
    fn of(&self, population: &Population, estimand: Topic, says: Says) -> Claim {
        let first = self.decision.first();
        let method = self.method(population);
        Claim {
            says,
            estimand,
            scope: population.scope,
            subgroup: population.subgroup.clone(),
            direction: None,
            threshold: None,
            probability: None,
            resolution: (method == Method::Sampled).then_some(self.discussion.mcse),
            prior: STATED.to_string(),
            method,
            about: About { assignment: self.decision.assignment(), ..About::study(first) },
        }
    }

    fn method(&self, population: &Population) -> Method {
        let mut here = self.discussion.effects.iter().filter(|e| e.population == *population);
        if here.any(|e| e.sampled) { Method::Sampled } else { Method::Exact }
    }

    fn actions(&self) -> Vec<Claim> {
        let mut all = Vec::new();
        for chosen in self.discussion.actions.iter().filter(|a| a.chosen == Some(true)) {
            let other = self
                .discussion
                .actions
                .iter()
                .find(|a| a.population == chosen.population && a.action != chosen.action);
            let gain =
                other.and_then(|o| chosen.expected_utility.zip(o.expected_utility)).map(|(a, b)| a - b);
            let (Some(gain), Some(best), Some(expected_loss)) = (gain, chosen.best, chosen.expected_loss)
            else {
                continue;
            };
            let says = Says::Action { action: chosen.action.clone(), gain, best, expected_loss };
            let claim = self.of(&chosen.population, Topic::Utility, says);
            all.push(Claim { probability: Some(best.independent), ..claim });
        }
        all
    }

    /// For whom each rule says what.
    fn verdicts(&self) -> Vec<Claim> {
        let mut all: Vec<Verdicts> = Vec::new();
        for r in &self.discussion.rules {
            let place = all.iter().position(|v| v.rule == r.name).unwrap_or_else(|| {
                let rule = r.name.clone();
                all.push(Verdicts { rule, yes: Vec::new(), no: Vec::new(), undecided: Vec::new() });
                all.len() - 1
            });
            let whose = match r.verdict {
                Verdict::Yes => &mut all[place].yes,
                Verdict::No => &mut all[place].no,
                Verdict::Undecided => &mut all[place].undecided,
            };
            whose.push(Whose { scope: r.population.scope, subgroup: r.population.subgroup.clone() });
        }
        let whole = Population { scope: Scope::Overall, subgroup: None };
        let effect = Topic::Effect(Measure::RiskDifference);
        all.into_iter().map(|verdicts| self.of(&whole, effect, Says::Verdicts(verdicts))).collect()
    }

    fn rules(&self) -> Vec<Claim> {
        let one = |r: &super::RuleRow| {
            let says = Says::Rule { rule: r.name.clone(), verdict: r.verdict, criteria: r.criteria.clone() };
            self.of(&r.population, Topic::Effect(Measure::RiskDifference), says)
        };
        self.discussion.rules.iter().map(one).collect()
    }

    /// The way that two outcomes lean, and every other way that is not improbable.
    fn joint(&self) -> Vec<Claim> {
        let in_words = |name: &str| {
            let found = self.decision.outcomes.iter().find(|o| o.name == name);
            found.map_or_else(String::new, |o| o.study.outcome.name.clone())
        };
        let leans = |population: &Population, outcome: &str| {
            let found = self.discussion.effects.iter();
            let mut found = found.filter(|e| e.population == *population && e.outcome == outcome);
            let benefit = found.next().map_or(0.5, |e| e.benefit);
            if benefit >= 0.5 { Direction::Benefit } else { Direction::Harm }
        };
        let mut all = Vec::new();
        for j in &self.discussion.joint {
            let leaning = leans(&j.population, &j.outcome) == j.direction
                && leans(&j.population, &j.outcome_b) == j.direction_b;
            if !leaning && j.probability.high < WORTH_SAYING {
                continue;
            }
            let claim = self.of(
                &j.population,
                Topic::Effect(Measure::RiskDifference),
                Says::Both {
                    outcome_b: in_words(&j.outcome_b),
                    direction_b: j.direction_b,
                    rates: j.rates,
                    both: j.probability,
                },
            );
            let about = About { outcome: in_words(&j.outcome), ..claim.about.clone() };
            all.push(Claim {
                direction: Some(j.direction),
                probability: Some(j.probability.independent),
                about,
                ..claim
            });
        }
        all
    }

    fn layers(&self) -> Vec<Claim> {
        let (Some(layers), Some(found)) = (&self.decision.layers, &self.discussion.layers) else {
            return Vec::new();
        };
        let about = About::study(&layers.inner);
        let outer = layers.outer.treatment.active().to_string();
        let whole = Population { scope: Scope::Overall, subgroup: None };
        let mut all: Vec<Claim> = found
            .subgroups
            .iter()
            .map(|row| {
                let says = Says::Layers {
                    outer: outer.clone(),
                    outer_assignment: layers.outer.assignment,
                    rates: row.rates,
                    outer_probability: found.outer_benefit,
                    inner_probability: row.inner_harm,
                    both: row.both,
                };
                let population = Population { scope: Scope::Subgroup, subgroup: Some(row.subgroup.clone()) };
                Claim {
                    direction: Some(Direction::Harm),
                    probability: Some(row.both.independent),
                    about: about.clone(),
                    ..self.of(&population, Topic::Effect(Measure::RiskDifference), says)
                }
            })
            .collect();
        if let Some(implied) = &found.implied {
            let direction = if implied.benefit >= 0.5 { Direction::Benefit } else { Direction::Harm };
            let probability = if direction == Direction::Benefit { implied.benefit } else { implied.harm };
            let says = Says::WithoutLayer {
                outer,
                rate: Rate::of(&layers.outer, direction),
                with: found.outer_risk_difference,
                without: implied.risk_difference,
                errors: implied.errors,
            };
            all.push(Claim {
                direction: Some(direction),
                probability: Some(probability),
                method: Method::Sampled,
                resolution: Some(self.discussion.mcse),
                about,
                ..self.of(&whole, Topic::Effect(Measure::RiskDifference), says)
            });
        }
        all
    }

    fn priors(&self) -> Vec<Claim> {
        let mut all = Vec::new();
        for population in &self.discussion.populations {
            let here: Vec<_> =
                self.discussion.by_prior.iter().filter(|r| r.population == *population).collect();
            let known: Vec<_> = here.iter().filter_map(|r| r.flips.map(|f| (r, f))).collect();
            let Some(action) = self.chosen(population) else { continue };
            if known.is_empty() {
                continue;
            }
            let priors = known.iter().filter(|(_, flips)| *flips).map(|(r, _)| r.prior.clone()).collect();
            all.push(self.of(
                population,
                Topic::Utility,
                Says::PriorsFlip { other: self.other(&action), action, priors, of: known.len() },
            ));
        }
        all
    }

    fn chosen(&self, population: &Population) -> Option<String> {
        let chosen = |a: &&super::ActionRow| a.population == *population && a.chosen == Some(true);
        self.discussion.actions.iter().find(chosen).map(|a| a.action.clone())
    }

    fn other(&self, action: &str) -> String {
        let other = self.decision.actions.iter().find(|a| a.name != action);
        other.map_or_else(String::new, |a| a.name.clone())
    }

    fn panel(&self) -> Vec<Claim> {
        let Some(panel) = &self.discussion.panel else { return Vec::new() };
        let mut all = Vec::new();
        for population in &self.discussion.populations {
            let Some(action) = self.chosen(population) else { continue };
            let here: Vec<_> =
                panel.members.iter().filter(|m| m.population == *population && m.differs.is_some()).collect();
            if here.is_empty() {
                continue;
            }
            let members =
                here.iter().filter_map(|m| Some(Dissenter { member: m.member.clone(), by: m.by? })).collect();
            all.push(self.of(
                population,
                Topic::Utility,
                Says::Dissent { other: self.other(&action), action, members, of: here.len() },
            ));
        }
        all
    }

    fn interaction(&self) -> Vec<Claim> {
        let Some(c) = &self.discussion.credibility else { return Vec::new() };
        let population = Population { scope: Scope::Overall, subgroup: None };
        let effect = Topic::Effect(Measure::of(self.decision.first().outcome.scale));
        let of = |method, says| Claim {
            method,
            resolution: (method == Method::Sampled).then_some(self.discussion.mcse),
            about: About::study(self.decision.first()),
            ..self.of(&population, effect, says)
        };
        let opposite = c.qualitative_interaction.map(|probability| {
            let says = Says::QualitativeInteraction { prior_probability: c.qualitative_interaction_prior };
            Claim { probability: Some(probability), ..of(c.method, says) }
        });
        let shrinkage = c.shrinkage_of_spread.map(|share| of(Method::Exact, Says::Shrinkage { share }));
        opposite.into_iter().chain(shrinkage).collect()
    }
}
