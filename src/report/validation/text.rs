//! Sentences of a validation.

use super::super::numbers::{grouped, plain};
use super::super::observations;
use super::super::passage::Passage;
use super::super::text::{Length, push, push_passage, push_title, push_warning, warning, wrapped};
use super::super::words::{all_priors, listed, size_in_words};
use super::{Validated, faults_in_words, label, table};
use crate::calibrate::{Checked, DRAWS, FALSE_ALARM, Fitter, Quantity};

/// Quantities that a verdict names; of more it says how many.
const NAMED: usize = 3;

/// The answer in a sentence.
pub fn verdict(told: &Validated<'_>) -> String {
    let v = told.validation;
    let name = &told.study.name;
    let quantities = v.checked.len();
    let studies = match v.replications {
        1 => "1 simulated study".to_string(),
        _ => format!("{} simulated studies", told.replications()),
    };
    let by = format!("fitted {}", told.by());
    let together = (100.0 * (1.0 - FALSE_ALARM)).round();
    let band = format!("the band that uniform ranks of all {quantities} stay in with {together} %");
    if v.is_calibrated() {
        return format!("{name}: calibrated. In {studies} {by} no quantity's ranks leave {band}.");
    }
    let departing: Vec<&Checked> = told.departing().collect();
    if departing.is_empty() {
        return format!("{name}: not known. In {studies} {by} some quantities have no proven answer.");
    }
    let one =
        |c: &&Checked| format!("{} ({})", label(told.study, &told.names, c.quantity), faults_in_words(c));
    let mut all: Vec<String> = departing.iter().take(NAMED).map(one).collect();
    if departing.len() > NAMED {
        all.push(format!("{} more", departing.len() - NAMED));
    }
    let ranks = if departing.len() == 1 { "ranks of 1 quantity leave" } else { "ranks leave" };
    format!("{name}: NOT calibrated. In {studies} {by} {ranks} {band}: {}.", listed(&all, "and"))
}

/// What else a reader of the numbers should know.
fn notes(told: &Validated<'_>) -> Vec<String> {
    let v = told.validation;
    let mut all = Vec::new();
    if told.is_interrupted() {
        all.push(format!(
            "Interrupted: {} of {} studies were simulated, and the numbers are of these.",
            told.replications(),
            grouped(told.asked)
        ));
    }
    if v.unanswered > 0 {
        all.push(format!(
            "In {} fits a number was not proven, and has no rank. Which fits these are depends on the data alone, so that the other ranks must be uniform all the same.",
            grouped(v.unanswered as u64)
        ));
    }
    if v.diverged > 0 {
        all.push(format!("In {} fits transitions of the sampler diverged.", grouped(v.diverged as u64)));
    }
    all
}

/// What is simulated and how it is judged.
fn about(told: &Validated<'_>) -> Passage {
    let (study, v) = (told.study, told.validation);
    let mut out = Passage::default();
    let size = size_in_words(study, study.patients_counted().map(|n| format!("{} patients", grouped(n))));
    out.item(format!("Model: {}. {}", study.title, observations::likelihood(study)));
    out.item(format!(
        "Drawn: parameters from the priors ({}), then data of this study's size ({size}).",
        all_priors(study)
    ));
    out.item(match v.fitter {
        Fitter::Exact => format!(
            "Fitted by the program's numerical integration, as `equipoise fit` does; the probability below the true value is its rank, in {} equal cells.",
            DRAWS + 1
        ),
        Fitter::Sampler => format!(
            "Fitted by the program's sampler, as `equipoise fit` does, in one chain each; the rank of the true value is the number of draws below it among {DRAWS}."
        ),
    });
    out.item(format!(
        "Judged: ranks of a right fit are uniform, whatever the priors and the size. p is the exact probability that uniform ranks are anywhere as far out at once (Säilynoja, Bürkner & Vehtari 2022); at {} or below a quantity departs, so that of a right fit any of the {} departs with probability {} % at most.",
        two_digits(v.limit),
        v.checked.len(),
        100.0 * FALSE_ALARM
    ));
    out
}

/// Two digits, however small the number.
fn two_digits(x: f64) -> String {
    let decimals = (1.0 - libm::floor(libm::log10(x))).clamp(0.0, 12.0) as usize;
    format!("{x:.decimals$}")
}

/// What a passed validation does not say.
fn blind_spots(told: &Validated<'_>) -> Passage {
    let v = told.validation;
    let mut out = Passage::default();
    out.item("A fault that data and fit share: data are drawn by the likelihood that is fitted, so that a wrong one is wrong in both.");
    out.item("Whether model and priors are right for the real data: none of them is in it but their size.");
    let width = v.checked.iter().flat_map(|c| {
        let n = c.ranks as f64;
        let cells = (DRAWS + 1) as f64;
        c.band.iter().zip(1..).map(move |([_, most], k)| *most as f64 / n - f64::from(k) / cells)
    });
    let width = width.fold(0.0, f64::max);
    if width > 0.0 {
        out.item(format!(
            "Small faults: a distribution function of ranks that is off by less than about {} stays within the band; more --replications narrow it.",
            plain(width)
        ));
    }
    if v.fitter == Fitter::Exact {
        out.item("Ranks of parameters alone can't tell a posterior from the prior. The joint log likelihood, which could, has no distribution in the exact engine; in its place stand effects counted in the direction of their own data (“towards data”), whose ranks depart where the data are ignored or counted twice. `--engine sampler` ranks the log likelihood.");
    }
    let subgroups = told.names.subgroups.len();
    let ranked = v.checked.iter().filter(|c| matches!(c.quantity, Quantity::TowardsData(_))).count();
    if ranked > 0 && ranked < subgroups {
        out.item(format!(
            "Quantities that are not ranked: of {subgroups} {} {ranked}, evenly spaced, are.",
            told.study.subgroups()
        ));
    }
    out
}

/// The result, what was done, and what it does not say: the sections of a page, and of the text in full.
pub fn passages(told: &Validated<'_>) -> Vec<Passage> {
    let mut result = Passage::default();
    result.title(format!("{} {}", told.study.name, told.by()));
    result.say(verdict(told));
    notes(told).into_iter().for_each(|note| result.say(note));
    let quantities = table(told);
    result.wide_table(quantities.header, quantities.rows, quantities.heading_width);
    let mut how = Passage::default();
    how.title(format!("How {} was tested", told.study.name));
    how.blocks.extend(about(told).blocks);
    let mut not = Passage::default();
    not.title("What this does not see");
    not.blocks.extend(blind_spots(told).blocks);
    vec![result, how, not]
}

/// Verdicts first, a line a model; then every model's quantities.
pub fn validate_text(all: &[Validated<'_>], length: Length) -> String {
    let mut out = String::new();
    for told in all {
        let sentence = verdict(told);
        if told.validation.is_calibrated() {
            push(&mut out, &sentence, 2);
        } else {
            for line in wrapped(&sentence, 2) {
                out.push_str(&warning(&line));
                out.push('\n');
            }
        }
    }
    for told in all {
        out.push('\n');
        let [mut result, how, not] = <[Passage; 3]>::try_from(passages(told)).unwrap_or_default();
        // Its title is the study's here, and the verdict stands above.
        result.blocks.drain(..2);
        push_title(&mut out, &format!("{} {}: {}", told.study.name, told.by(), told.study.title));
        for statement in told.study.statements() {
            push_warning(&mut out, &statement);
        }
        push_passage(&mut out, &result);
        if length == Length::Full {
            for more in [how, not] {
                out.push('\n');
                push_passage(&mut out, &more);
            }
        }
    }
    if length == Length::Short {
        out.push('\n');
        push(
            &mut out,
            "A fault that data and fit share is not seen: `--full` says what was done and what this can't see, `--out page.html` makes a report of it.",
            0,
        );
    }
    out
}
