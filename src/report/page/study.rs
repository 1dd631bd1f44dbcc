//! The page of one study.

use serde::Serialize;
use serde_json::json;

use super::super::baseline_conflict::{baseline_conflict_line, conflict_line};
use super::super::figure::{self, Figure};
use super::super::json::statements;
use super::super::model_checks;
use super::super::numbers::{interval, probability};
use super::super::observations;
use super::super::passage::{Passage, Table};
use super::super::sentences::sentence;
use super::super::text::{
    audit_table, counts_by_level, crude_row, cut_table, effect_table, prior_note, probability_table,
};
use super::super::weighting;
use super::super::words::{capitalised, is_of_fit, named, prior_statement};
use super::document::{Format, Frame, render};
use super::{flat, on_page, sheets, words};
use crate::compare::bias::ShiftPoint;
use crate::compare::{Glance, STATED, held};
use crate::error::Result;
use crate::figure::{Gallery, Portrait, ThresholdCurves, beliefs_by_prior};
use crate::posterior::{Claim, Fit, Measure, Report, Says};
use crate::study::Study;

/// All that a page shows of one study; a run that failed its checks has reasons and no numbers.
pub struct Presentation<'a> {
    /// The study that the page is of.
    pub study: &'a Study,
    /// Its numbers, or why there are none: the reasons why its checks failed.
    pub shown: std::result::Result<Shown<'a>, &'a [String]>,
    /// The command that makes the page again, where there is one.
    pub command: Option<&'a str>,
}

/// The numbers that a page shows of a study whose checks passed.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    /// What both engines made of the study.
    pub fit: &'a Fit,
    /// The fit's report.
    pub report: &'a Report,
    /// The numbers of the figures that need the fit alone.
    pub gallery: &'a Gallery,
    /// What other priors make of the study.
    pub others: &'a Glance,
    /// Probabilities over a bias; empty where it was not asked about.
    pub shifts: &'a [ShiftPoint],
}

impl<'a> Shown<'a> {
    /// None where the fit has no report.
    pub fn of(portrait: &'a Portrait) -> Option<Shown<'a>> {
        let Portrait { fit, gallery, others, shifts } = portrait;
        Some(Shown { fit, report: fit.report()?, gallery, others, shifts })
    }
}

#[derive(Serialize)]
struct Headline {
    claim: String,
    frequencies: Option<String>,
}

#[derive(Serialize)]
struct PriorOnPage {
    name: String,
    statement: String,
    table: Table,
}

/// What the template is filled from.
#[derive(Serialize)]
struct Context<'a> {
    #[serde(flatten)]
    frame: Frame<'a>,
    kind_of_subgroup: String,
    headlines: Option<Vec<Headline>>,
    table_of_effects: Option<Table>,
    table_note: String,
    table_of_cuts: Option<Table>,
    cut_notes: Vec<String>,
    /// What each estimator of weighted effects comes to, and who was treated.
    weighting: Vec<Passage>,
    sliders: Option<Sliders<'a>>,
    /// How what was observed compares with what the model predicts of it.
    predicted: Vec<String>,
    priors: Option<Vec<PriorOnPage>>,
    prior_claims: Option<Vec<String>>,
    audit: Table,
    audit_of_levels: Option<Table>,
    audit_lines: Vec<String>,
    checks: Vec<String>,
    methods: Vec<String>,
}

/// Balance and overlap of weighted patients, in which no outcome is; none of other studies.
pub fn design_figures(study: &Study) -> Vec<Figure> {
    [figure::balance(study), figure::overlap(study)].into_iter().flatten().collect()
}

/// All figures of a study, in the page's order.
pub fn figures(study: &Study, shown: Shown<'_>) -> Vec<Figure> {
    let g = shown.gallery;
    let mut all: Vec<Figure> = g.forests.iter().map(|f| figure::forest(study, f)).collect();
    all.extend(design_figures(study));
    all.extend(figure::levels(study, &g.levels));
    all.extend(figure::cuts(study, &g.cuts));
    all.extend(figure::thresholds(
        study,
        "thresholds",
        g.thresholds.measure,
        &figure::size_curves(&g.thresholds),
    ));
    all.extend(figure::beliefs(study, &g.beliefs));
    all.extend(figure::beliefs_by_prior(study, &beliefs_by_prior(study, shown.others, &g.beliefs)));
    all.extend(figure::shrinkage(study, &g.shrinkage, g.mean));
    all.extend(figure::predictive(study, &g.predictive));
    all.extend(figure::heterogeneity(study, shown.others));
    all.extend(figure::departure(study, shown.others.departures.as_ref()));
    all.extend(figure::prior_grid(study, shown.others));
    all.extend(figure::bias_surface(study, shown.shifts));
    all.extend(figure::chains(study, &g.chains));
    all.extend(g.energies.as_ref().map(|e| figure::energy(study, e)));
    all
}

/// The page of a study; everything in it that comes from a file is escaped. An error where a template fails.
pub fn page(p: &Presentation<'_>, figures: &[Figure], format: Format) -> Result<String> {
    let study = p.study;
    let shown = p.shown.as_ref().ok();
    let (header, rows, mut audit_lines) = audit_table(study);
    audit_lines.extend(baseline_conflict_line(study));
    let audit = Table { header: header.into_iter().map(flat).collect(), rows, ..Table::default() };
    let said = shown.map_or_else(|| study.statements(), |s| page_statements(study, s));
    let frame = Frame {
        title: &study.title,
        lead: words::design(study),
        statements: said,
        notices: &study.notices,
        failed: p.shown.as_ref().err().copied(),
        figures: on_page(figures),
        sheets: sheets::of_study(study, shown),
        provenance: words::provenance(study),
        command: p.command,
        files: vec![["The model file", &study.text]],
    };
    let (table_of_cuts, cut_notes) = shown
        .and_then(|s| cut_table(study, s.report))
        .map_or_else(Default::default, |(cells, notes)| (Some(flat_table(cells)), notes));
    let context = Context {
        frame,
        kind_of_subgroup: capitalised(&study.subgroup_name),
        headlines: shown.map(|s| headlines(study, s)),
        table_of_effects: shown.map(|s| table(study, s.report)),
        table_note: shown.map_or_else(String::new, |s| note(study, s.report)),
        table_of_cuts,
        cut_notes,
        weighting: weighted_passages(study, shown),
        sliders: shown.and_then(|s| sliders(study, &s.gallery.thresholds)),
        predicted: shown.map_or_else(Vec::new, |s| model_checks::paragraphs(study, s.report)),
        priors: shown.map(|s| priors(study, s.others)),
        prior_claims: shown
            .map(|s| s.others.claims.iter().filter(|claim| !is_of_fit(study, &claim.prior)))
            .map(|claims| claims.map(|claim| of_prior(study, claim)).collect::<Vec<_>>()),
        audit,
        audit_of_levels: counts_by_level(study).map(flat_table),
        audit_lines,
        checks: words::checks(p),
        methods: words::methods(study, shown.map(|s| s.report)),
    };
    render("study", &context, format)
}

fn weighted_passages(study: &Study, shown: Option<&Shown<'_>>) -> Vec<Passage> {
    let of_fit = shown.map(|s| weighting::side_by_side(study, s.report));
    let mut all: Vec<Passage> = of_fit.into_iter().chain(weighting::design(study).by_title()).collect();
    all.retain(|passage| !passage.is_empty());
    all
}

/// What must stand beside all numbers of the page.
fn page_statements(study: &Study, shown: &Shown<'_>) -> Vec<String> {
    let mut all = statements(study, shown.report);
    all.extend(shown.others.about_sources.iter().cloned());
    let stated = |name: &str| {
        let row = shown.others.rows.iter().find(|r| r.prior == STATED && r.subgroup == name);
        row.and_then(|r| Some((r.benefit?, r.mcse)))
    };
    if let Some(held) = held(study, shown.report, stated) {
        all.push(format!(
            "Under another prior, and under biases, covariates' coefficients and centres' intercepts are held where the data have them. {held}"
        ));
    }
    all
}

fn headlines(study: &Study, shown: &Shown<'_>) -> Vec<Headline> {
    let leaning = shown.report.claims.iter().filter(|c| matches!(c.says, Says::Leaning(_)));
    let one = |claim: &Claim| Headline {
        claim: sentence(claim),
        frequencies: shown.report.frequencies(study, claim).as_ref().map(sentence),
    };
    let at_odds = shown.report.prior_at_odds(study);
    let at_odds = at_odds.map(|claim| Headline { claim: sentence(&claim), frequencies: None });
    leaning.map(one).chain(at_odds).chain(baselines_at_odds(study, shown.report)).collect()
}

/// That arms lie far out under the priors of their baselines.
fn baselines_at_odds(study: &Study, report: &Report) -> Option<Headline> {
    let claim = conflict_line(study, report.baseline_conflicts(study))?;
    Some(Headline { claim, frequencies: None })
}

/// Effects and probabilities in one table, row by row of the same label, with crude effects below each subgroup's.
fn table(study: &Study, report: &Report) -> Table {
    let (mut header, effects) = effect_table(study, report);
    let (more, probabilities) = probability_table(study, report);
    header.extend(more.into_iter().skip(1));
    let width = header.len();
    let rows = effects
        .into_iter()
        .enumerate()
        .flat_map(|(k, mut row)| {
            let alone = study.weighting.as_ref().map_or("crude", |w| w.own_in_words()).to_lowercase();
            let crude = row.first().and_then(|name| crude_row(study, k, &format!("{name}, {alone}")));
            if let Some(found) = probabilities.iter().find(|p| p.first() == row.first()) {
                row.extend(found.iter().skip(1).cloned());
            }
            std::iter::once(row).chain(crude)
        })
        .map(|mut row| {
            row.resize(width, String::new());
            row
        })
        .collect();
    Table { header: header.into_iter().map(flat).collect(), rows, ..Table::default() }
}

/// A table whose headings are on one line.
fn flat_table((header, rows): (Vec<String>, Vec<Vec<String>>)) -> Table {
    Table { header: header.into_iter().map(flat).collect(), rows, ..Table::default() }
}

/// What the table shows.
fn note(study: &Study, report: &Report) -> String {
    let prior = prior_note(report)
        .unwrap_or_else(|| "Probabilities with their value under the prior alone in brackets.".to_string());
    let crude =
        if study.data.has_risks() { format!(" {}", observations::crude_note(study)) } else { String::new() };
    format!("{prior} Medians and central 95 % intervals.{crude}")
}

/// What is said under a prior, which is called stated only where it is.
fn of_prior(study: &Study, claim: &Claim) -> String {
    sentence(&Claim { prior: named(study, &claim.prior).to_string(), ..claim.clone() })
}

#[derive(Serialize)]
struct Sliders<'a> {
    last: usize,
    start: usize,
    names: Vec<&'a str>,
    note: String,
    json: String,
}

/// The curves that the sliders read off, to six decimals.
fn sliders<'a>(study: &Study, t: &'a ThresholdCurves) -> Option<Sliders<'a>> {
    let told: Vec<_> = t.curves.iter().filter(|c| !c.benefit.is_empty()).collect();
    if told.is_empty() {
        return None;
    }
    let percent = t.measure == Measure::RiskDifference;
    let label = |size: &f64| {
        if percent {
            format!("{:.1} points", 100.0 * size)
        } else if study.outcome.scale.is_ratio() {
            format!("ratio {size:.2}")
        } else {
            format!("{size:.3}")
        }
    };
    let six = |values: &[f64]| values.iter().map(|p| (p * 1e6).round() / 1e6).collect::<Vec<f64>>();
    let subgroups: Vec<_> = told
        .iter()
        .map(|c| {
            json!({
                "name": c.subgroup,
                "benefit": six(&c.benefit),
                "harm": six(&c.harm),
                "equivalent": six(&c.equivalent),
            })
        })
        .collect();
    let labels: Vec<String> = t.sizes.iter().map(label).collect();
    let start = crate::posterior::primary(study).1.unwrap_or(t.sizes[0]);
    let nearest = (0..t.sizes.len())
        .min_by(|a, b| (t.sizes[*a] - start).abs().total_cmp(&(t.sizes[*b] - start).abs()))
        .unwrap_or(0);
    // Within a script element a closing tag would end it.
    let json = json!({ "labels": labels, "sizes": t.sizes, "subgroups": subgroups })
        .to_string()
        .replace('<', "\\u003c");
    Some(Sliders {
        last: t.sizes.len() - 1,
        start: nearest,
        names: told.iter().map(|c| c.subgroup.as_str()).collect(),
        note: format!(
            "Posterior probabilities of the {} beyond that size, or within it either way; the same numbers as `equipoise fit` gives.",
            t.measure.in_words()
        ),
        json,
    })
}

/// Each prior that was fitted under the stated pooling, with what it makes of every subgroup.
fn priors(study: &Study, c: &Glance) -> Vec<PriorOnPage> {
    let effect = Measure::of(study.outcome.scale);
    let of = |name: &str| {
        let mine = c.rows.iter().filter(|r| r.prior == name);
        mine.map(|r| {
            let told = r.effect.as_ref().map_or_else(|| "–".to_string(), |q| interval(effect, q));
            vec![r.subgroup.clone(), probability(r.benefit), probability(r.harm), told]
        })
        .collect::<Vec<_>>()
    };
    let of_effect = format!("{} (95 %)", capitalised(effect.in_words()));
    let header =
        vec![capitalised(&study.subgroup_name), "P(better)".to_string(), "P(worse)".to_string(), of_effect];
    c.priors
        .iter()
        .filter(|p| !is_of_fit(study, &p.name))
        .map(|p| PriorOnPage {
            name: named(study, &p.name).to_string(),
            statement: prior_statement(study, p),
            table: Table { header: header.clone(), rows: of(&p.name), ..Table::default() },
        })
        .collect()
}
