//! A study built in code, under the rules of a model file.

mod build;
mod endpoint;
mod priors;
mod texts;

pub use endpoint::Endpoint;
pub use priors::{PooledPriors, PriorChanges};

use super::estimates::Printed;
use super::level_priors::{Cutpoints, Departure, Shape};
use super::rules::{Asked, NamedChanges, StatedArms, StatedFactors, StatedInteractions};
use super::{
    ArmCounts, ArmLevels, Assignment, BaselineOf, BaselinePrior, HeterogeneityPrior, Interactions,
    LocationPrior, Measure, RelatedArms, Study, SubgroupCounts, SubgroupEstimate, SubgroupLevels, Together,
    Written,
};

/// Collects a study piece by piece; [`StudyBuilder::build`] checks it whole. What is not said is as in a model file that does
/// not say it. Covariates, centres and biases are for model files.
#[derive(Debug, Clone)]
#[must_use = "a study comes of it by `build`"]
pub struct StudyBuilder {
    name: String,
    title: String,
    citation: Vec<String>,
    illustrative: bool,
    note: Option<String>,
    assignment: Assignment,
    eligibility: Option<String>,
    time_zero: Option<String>,
    outcome: Option<Endpoint>,
    treatment: Option<String>,
    arms: Option<Vec<String>>,
    arm_priors: StatedArms,
    subgroup_name: String,
    subgroup_plural: Option<String>,
    factors: Option<StatedFactors>,
    interactions: StatedInteractions,
    exhaustive: bool,
    adjusted_for: Option<String>,
    counts: Vec<SubgroupCounts>,
    levels: Vec<SubgroupLevels>,
    printed: Vec<Printed>,
    together: Option<Together>,
    undivided: bool,
    /// In place of both, what was read from a file, with notices.
    read: Option<(Read, Vec<String>)>,
    priors: Option<PooledPriors>,
    baseline: Option<Written<BaselinePrior>>,
    baseline_of: Option<BaselineOf>,
    assumed: Assumed,
    named: Vec<(String, NamedChanges)>,
    expected_odds_ratio: Option<f64>,
    thresholds: Asked,
}

impl Study {
    /// Begins a study with its title, which heads every output, and how patients came to be treated, which decides the wording
    /// of every sentence.
    ///
    /// ```
    /// use equipoise::study::distributions::{half_normal, normal};
    /// use equipoise::study::{Assignment, Endpoint, HigherIs, Measure, Priors, Study};
    ///
    /// let study = Study::builder("A trial of ours", Assignment::Randomised)
    ///     .outcome(Endpoint::events("death at 90 days", HigherIs::Worse).called("deaths"))
    ///     .arms("placebo", "drug")
    ///     .group("men", [(30, 120), (19, 118)])
    ///     .group("women", [(22, 95), (21, 99)])
    ///     .priors(Priors::partial(normal(0.0, 0.355), half_normal(0.5)))
    ///     .thresholds(Measure::RiskDifference, [0.02, 0.05])
    ///     .primary(Measure::RiskDifference, 0.05)
    ///     .build()?;
    /// assert_eq!(study.data.names(), ["men", "women"]);
    /// # Ok::<(), equipoise::study::Problem>(())
    /// ```
    ///
    /// What a study may not be is a [`Problem`](super::Problem) that says which part it is in:
    ///
    /// ```
    /// # use equipoise::study::distributions::{half_normal, normal};
    /// # use equipoise::study::{Assignment, Endpoint, HigherIs, Part, Priors, Study};
    /// let problem = Study::builder("A trial of ours", Assignment::Randomised)
    ///     .outcome(Endpoint::events("death at 90 days", HigherIs::Worse))
    ///     .arms("placebo", "drug")
    ///     .group("men", [(30, 120), (119, 118)])
    ///     .priors(Priors::partial(normal(0.0, 0.355), half_normal(0.5)))
    ///     .build()
    ///     .unwrap_err();
    /// assert_eq!(problem.part, Part::Cell { group: 0, arm: 1 });
    /// assert_eq!(problem.message, "subgroup `men`, active arm: 119 events among 118 patients");
    /// ```
    pub fn builder(title: impl Into<String>, assignment: Assignment) -> StudyBuilder {
        StudyBuilder {
            name: "study".to_string(),
            title: title.into(),
            citation: Vec::new(),
            illustrative: false,
            note: None,
            assignment,
            eligibility: None,
            time_zero: None,
            outcome: None,
            treatment: None,
            arms: None,
            arm_priors: StatedArms::default(),
            subgroup_name: "subgroup".to_string(),
            subgroup_plural: None,
            factors: None,
            interactions: StatedInteractions::default(),
            exhaustive: false,
            adjusted_for: None,
            counts: Vec::new(),
            levels: Vec::new(),
            printed: Vec::new(),
            together: None,
            undivided: false,
            read: None,
            priors: None,
            baseline: None,
            baseline_of: None,
            assumed: Assumed::default(),
            named: Vec::new(),
            expected_odds_ratio: None,
            thresholds: Asked::default(),
        }
    }
}

/// Observations as a file of them has them.
#[derive(Debug, Clone)]
pub(crate) enum Read {
    Counts(Vec<SubgroupCounts>),
    Levels(Vec<SubgroupLevels>),
    Estimates(Vec<SubgroupEstimate>),
}

/// What is said of levels.
#[derive(Debug, Clone, Default)]
struct Assumed {
    cutpoints: Cutpoints,
    concentrations: Option<Written<Vec<f64>>>,
    shift: Option<Written<HeterogeneityPrior>>,
    departure: Option<Departure>,
}

impl From<Vec<f64>> for Written<Vec<f64>> {
    /// Of a Dirichlet distribution.
    fn from(distribution: Vec<f64>) -> Written<Vec<f64>> {
        let each: Vec<String> = distribution.iter().map(|a| format!("{a}")).collect();
        Written { words: format!("dirichlet({})", each.join(", ")), distribution }
    }
}

impl StudyBuilder {
    /// The name by which results and pages know the study, as models are known by their files' names. "study" unless this is
    /// said.
    pub fn name(mut self, name: impl Into<String>) -> StudyBuilder {
        self.name = name.into();
        self
    }

    /// Adds a place where figures come from.
    pub fn citation(mut self, citation: impl Into<String>) -> StudyBuilder {
        self.citation.push(citation.into());
        self
    }

    /// Says that the numbers are made up: every output carries a banner.
    pub fn illustrative(mut self) -> StudyBuilder {
        self.illustrative = true;
        self
    }

    /// A remark on the data, shown in the audit.
    pub fn note(mut self, note: impl Into<String>) -> StudyBuilder {
        self.note = Some(note.into());
        self
    }

    /// Who was eligible, in words.
    pub fn eligibility(mut self, eligibility: impl Into<String>) -> StudyBuilder {
        self.eligibility = Some(eligibility.into());
        self
    }

    /// When follow-up starts, in words.
    pub fn time_zero(mut self, time_zero: impl Into<String>) -> StudyBuilder {
        self.time_zero = Some(time_zero.into());
        self
    }

    /// What was measured, and which way is good. Required.
    pub fn outcome(mut self, outcome: Endpoint) -> StudyBuilder {
        self.outcome = Some(outcome);
        self
    }

    /// What the treatment is called; as its arm, unless this is said.
    pub fn treatment(mut self, name: impl Into<String>) -> StudyBuilder {
        self.treatment = Some(name.into());
        self
    }

    /// What the control arm had and what the active arm had. Required.
    pub fn arms(mut self, control: impl Into<String>, active: impl Into<String>) -> StudyBuilder {
        self.arms = Some(vec![control.into(), active.into()]);
        self
    }

    /// What the control arm had and what each of several active arms had, in place of [`StudyBuilder::arms`].
    ///
    /// ```
    /// use equipoise::posterior::{Options, analyse};
    /// use equipoise::study::distributions::{half_normal, normal};
    /// use equipoise::study::{Assignment, Endpoint, HigherIs, Priors, Study};
    ///
    /// let study = Study::builder("Three doses", Assignment::Randomised)
    ///     .outcome(Endpoint::events("relapse", HigherIs::Worse))
    ///     .several_arms("placebo", ["low", "high"])
    ///     .group_of_arms("men", [(30, 120), (19, 118), (17, 121)])
    ///     .group_of_arms("women", [(22, 95), (21, 99), (12, 97)])
    ///     .priors(Priors::partial(normal(0.0, 0.355), half_normal(0.5)))
    ///     .build()?;
    /// let best = analyse(&study, Options::default()).best_arms(0);
    /// assert!(best[2] > best[0]);
    /// # Ok::<(), equipoise::study::Problem>(())
    /// ```
    pub fn several_arms<A: Into<String>>(
        mut self,
        control: impl Into<String>,
        active: impl IntoIterator<Item = A>,
    ) -> StudyBuilder {
        self.arms = Some(std::iter::once(control.into()).chain(active.into_iter().map(Into::into)).collect());
        self
    }

    /// How the effects of several active arms are related. Exchangeable unless this is said.
    pub fn related_arms(mut self, related: RelatedArms) -> StudyBuilder {
        self.arm_priors.related = Some(related);
        self
    }

    /// Of exchangeable arms: the prior of the standard deviation of their mean effects. The heterogeneity prior unless this is
    /// said.
    pub fn between_arms(mut self, prior: impl Into<Written<HeterogeneityPrior>>) -> StudyBuilder {
        self.arm_priors.between = Some(prior.into());
        self
    }

    /// Of several active arms: the prior of the standard deviation of what is left of an effect after its arm's and its
    /// subgroup's share. The heterogeneity prior unless this is said.
    pub fn interaction(mut self, prior: impl Into<Written<HeterogeneityPrior>>) -> StudyBuilder {
        self.arm_priors.interaction = Some(prior.into());
        self
    }

    /// What the subgroups are: "cohort", "trial". "subgroup" unless this is said.
    pub fn subgroup_name(mut self, name: impl Into<String>) -> StudyBuilder {
        self.subgroup_name = name.into();
        self
    }

    /// What several subgroups are called: "cohorts", "stenoses". "subgroups" unless this is said.
    pub fn subgroup_plural(mut self, plural: impl Into<String>) -> StudyBuilder {
        self.subgroup_plural = Some(plural.into());
        self
    }

    /// Says that the subgroups are crossed levels of several factors: their names, and by subgroup, in the order in which
    /// these are given, the level of each.
    ///
    /// ```
    /// use equipoise::posterior::{Options, analyse};
    /// use equipoise::study::distributions::{half_normal, normal};
    /// use equipoise::study::{Assignment, Endpoint, HigherIs, Priors, Study};
    ///
    /// let study = Study::builder("Two factors", Assignment::Randomised)
    ///     .outcome(Endpoint::events("relapse", HigherIs::Worse))
    ///     .arms("placebo", "drug")
    ///     .group("men, young", [(30, 120), (19, 118)])
    ///     .group("men, old", [(41, 103), (40, 109)])
    ///     .group("women, young", [(22, 95), (12, 99)])
    ///     .factors(["sex", "age"], [["man", "young"], ["man", "old"], ["woman", "young"]])
    ///     .priors(Priors::partial(normal(0.0, 0.355), half_normal(0.5)))
    ///     .build()?;
    /// let report = analyse(&study, Options::default());
    /// assert!(report.checks.ok);
    /// # Ok::<(), equipoise::study::Problem>(())
    /// ```
    pub fn factors<N: Into<String>, L: IntoIterator<Item = N>>(
        mut self,
        names: impl IntoIterator<Item = N>,
        levels: impl IntoIterator<Item = L>,
    ) -> StudyBuilder {
        self.factors = Some(StatedFactors {
            names: names.into_iter().map(Into::into).collect(),
            of: levels.into_iter().map(|own| own.into_iter().map(Into::into).collect()).collect(),
            ..StatedFactors::default()
        });
        self
    }

    /// The same as it was read, with the order of levels.
    pub(crate) fn crossed(mut self, stated: StatedFactors) -> StudyBuilder {
        self.factors = Some(stated);
        self
    }

    /// Of several factors: how the effect's dependence on levels is drawn together. By factor unless this is said.
    pub fn interactions(mut self, how: Interactions) -> StudyBuilder {
        self.interactions.interactions = Some(how);
        self
    }

    /// Of several factors: the prior of every level's share of the log odds of both arms, normal(0, 1.77) unless this is said.
    pub fn main_effects(mut self, prior: impl Into<Written<LocationPrior>>) -> StudyBuilder {
        self.interactions.main_effects = Some(prior.into());
        self
    }

    /// Says that there are no further subgroups of the kind, as with the two sexes: nothing is reported of a further one.
    pub fn exhaustive(mut self) -> StudyBuilder {
        self.exhaustive = true;
        self
    }

    /// What the published estimates are adjusted for, where they do not say it themselves: "age, sex", or "nothing".
    pub fn adjusted_for(mut self, what: impl Into<String>) -> StudyBuilder {
        self.adjusted_for = Some(what.into());
        self
    }

    /// Adds a subgroup's counts, control arm first: events and patients, or [`ArmCounts`] that tell more.
    pub fn group<A: Into<ArmCounts>>(self, name: impl Into<String>, arms: [A; 2]) -> StudyBuilder {
        let [control, active] = arms.map(Into::into);
        self.counts(SubgroupCounts::of_pair(name, control, active))
    }

    /// Adds a subgroup's counts by arm where there are several, control arm first.
    pub fn group_of_arms<A: Into<ArmCounts>>(
        self,
        name: impl Into<String>,
        arms: impl IntoIterator<Item = A>,
    ) -> StudyBuilder {
        let arms = arms.into_iter().map(Into::into).collect();
        self.counts(SubgroupCounts { name: name.into(), arms, citation: None })
    }

    /// Adds a subgroup's counts with where they come from.
    pub fn counts(mut self, row: SubgroupCounts) -> StudyBuilder {
        self.counts.push(row);
        self
    }

    /// Adds a subgroup's patients by level, lowest first, control arm first.
    pub fn group_by_level(self, name: impl Into<String>, arms: [Vec<u64>; 2]) -> StudyBuilder {
        let arms = arms.map(|levels| ArmLevels { levels, ..ArmLevels::default() }).into();
        self.levels(SubgroupLevels { name: name.into(), arms, citation: None })
    }

    /// Adds a subgroup's patients by level with where they come from.
    pub fn levels(mut self, row: SubgroupLevels) -> StudyBuilder {
        self.levels.push(row);
        self
    }

    /// Of an ordinal outcome: whose cut points are whose. Shared unless this is said.
    pub fn cutpoints(mut self, cutpoints: Cutpoints) -> StudyBuilder {
        self.assumed.cutpoints = cutpoints;
        self
    }

    /// Of an ordinal outcome: the Dirichlet concentrations of the control arm's levels, one a level or one for all. 1 unless this
    /// is said.
    pub fn concentrations(mut self, prior: impl Into<Written<Vec<f64>>>) -> StudyBuilder {
        self.assumed.concentrations = Some(prior.into());
        self
    }

    /// Of shared cut points: the prior of the standard deviation of the subgroups' shifts, half-normal(1) on the log odds unless
    /// this is said.
    pub fn shift(mut self, prior: impl Into<Written<HeterogeneityPrior>>) -> StudyBuilder {
        self.assumed.shift = Some(prior.into());
        self
    }

    /// Of an ordinal outcome: how far effects may differ from cut to cut, and the prior of that.
    pub fn departure(mut self, shape: Shape, prior: impl Into<Written<LocationPrior>>) -> StudyBuilder {
        self.assumed.departure = Some(Departure { shape, prior: prior.into() });
        self
    }

    /// Adds a subgroup's published estimate and its standard error, both on the outcome's scale: of the logarithm, for ratios.
    pub fn estimate(self, name: impl Into<String>, estimate: f64, se: f64) -> StudyBuilder {
        let (subgroup, estimate, se) = (name.into(), Some(estimate), Some(se));
        self.printed(Printed { subgroup, estimate, se, ..Printed::default() })
    }

    /// Adds a subgroup's published estimate with where it comes from.
    pub fn published(self, row: SubgroupEstimate) -> StudyBuilder {
        let SubgroupEstimate { name: subgroup, estimate, se, interval: ci, source, citation, adjusted_for } =
            row;
        let (estimate, se) = (Some(estimate), ci.is_none().then_some(se));
        self.printed(Printed { subgroup, ratio: None, estimate, ci, se, source, citation, adjusted_for })
    }

    /// Adds a subgroup's odds, risk or hazard ratio as printed, with its 95 % interval.
    pub fn ratio(self, name: impl Into<String>, ratio: f64, interval: (f64, f64)) -> StudyBuilder {
        let (subgroup, ratio, ci) = (name.into(), Some(ratio), Some(interval));
        self.printed(Printed { subgroup, ratio, ci, ..Printed::default() })
    }

    /// How the errors of the published estimates belong together, in the order in which they are added: where they come from one
    /// fit. Of a covariance the standard errors are its own, and those given beside it have to agree.
    pub fn together(mut self, together: Together) -> StudyBuilder {
        self.together = Some(together);
        self
    }

    /// Says that the one group there is stands for all patients: there are no subgroups, and pooling is complete.
    pub fn undivided(mut self) -> StudyBuilder {
        self.undivided = true;
        self
    }

    pub(crate) fn printed(mut self, row: Printed) -> StudyBuilder {
        self.printed.push(row);
        self
    }

    /// Observations as they were read from a file of them, with what a reader should know.
    pub(crate) fn read(mut self, data: Read, notices: Vec<String>) -> StudyBuilder {
        self.read = Some((data, notices));
        self
    }

    /// The priors of effects, and how subgroups are pooled. Required.
    pub fn priors(mut self, priors: PooledPriors) -> StudyBuilder {
        self.priors = Some(priors);
        self
    }

    /// The prior of a subgroup's baseline, for counts: normal(0, 2.5) on the log odds unless this is said.
    pub fn baseline(mut self, prior: impl Into<Written<BaselinePrior>>) -> StudyBuilder {
        self.baseline = Some(prior.into());
        self
    }

    /// What a baseline is: the mean of the arms' log odds unless this is said.
    pub fn baseline_of(mut self, of: BaselineOf) -> StudyBuilder {
        self.baseline_of = Some(of);
        self
    }

    /// Adds further priors by name, for comparisons.
    pub fn named(mut self, name: impl Into<String>, changes: PriorChanges) -> StudyBuilder {
        self.named.push((name.into(), changes.0));
        self
    }

    /// The effect that was expected, for the reanalysis library of priors: a magnitude above 1 and toward benefit.
    pub fn expected_odds_ratio(mut self, expected: f64) -> StudyBuilder {
        self.expected_odds_ratio = Some(expected);
        self
    }

    /// Adds sizes of effect to ask about, as magnitudes: ratios above 1, differences above 0.
    pub fn thresholds(mut self, measure: Measure, values: impl IntoIterator<Item = f64>) -> StudyBuilder {
        match self.thresholds.lists.iter_mut().find(|(m, _)| *m == measure) {
            Some((_, list)) => list.extend(values),
            None => self.thresholds.lists.push((measure, values.into_iter().collect())),
        }
        self
    }

    /// The size of effect that matters most: one of the thresholds of its measure, where there are any.
    pub fn primary(mut self, measure: Measure, value: f64) -> StudyBuilder {
        self.thresholds.primary = Some((measure, value));
        self
    }
}

impl From<(u64, u64)> for ArmCounts {
    /// Events and patients, all of whose outcomes are known.
    fn from((events, total): (u64, u64)) -> ArmCounts {
        ArmCounts { events, total, ..ArmCounts::default() }
    }
}
