//! `equipoise simulate DECISION`.

use std::path::Path;

use super::args::{ChangesArgs, Format, SimulateArgs};
use super::progress::{reading, watched_counting};
use super::shards::{self, Numbered, Plan, Shard};
use super::{Outcome, notice, print, start_threads};
use crate::decide::Discussion;
use crate::error::{Error, ErrorKind, Result};
use crate::input::{open_decision_changed, open_design};
use crate::report;
use crate::study::{Decision, Design};
use crate::trial::simulate::{Request, Row, Simulator, Wished};

/// The seed where nobody says it, as of `fit`.
const SEED: u64 = 1;

/// A bound is calibrated on so many studies with a wrong yes at least.
const FEWEST: f64 = 10.0;

impl Numbered for Row {
    fn number(&self) -> u64 {
        self.replication as u64
    }
}

/// Simulates, and prints operating characteristics; or works on one shard and writes it.
pub fn run(args: &SimulateArgs) -> Result<Outcome> {
    let shard = shards::asked(&args.shards, std::slice::from_ref(&args.decision))?;
    start_threads(args.threads)?;
    let (decision, design) = opened(args)?;
    if let Some(error) = args.calibrate.filter(|error| error * (args.replications as f64) < FEWEST) {
        let wanted = libm::ceil(FEWEST / error);
        let message = format!("an error of {error} can't be told from {} studies", args.replications);
        return Err(Error::of(ErrorKind::Usage, message).help(format!(
            "at least {FEWEST} studies with a wrong yes are wanted: --replications {wanted}"
        )));
    }
    let simulator = Simulator::new(&decision, request(args, design))?;
    if let Some((shard, folder)) = shard {
        let plan = plan(args, &decision, &simulator, shard);
        let planned = simulator.replications() as u64;
        return watched_counting(planned.div_ceil(shard.count() as u64), |progress| {
            shards::work(folder, shard, &plan, |numbers, done| {
                let numbers: Vec<usize> = numbers.iter().map(|n| *n as usize).collect();
                simulator.rows(&numbers, progress, done)
            })
        });
    }
    let numbers: Vec<usize> = (0..simulator.replications()).collect();
    let rows = watched_counting(numbers.len() as u64, |progress| {
        simulator.rows(&numbers, progress, &mut |_| Ok(()))
    })?;
    let whole = rows.len() == numbers.len();
    if rows.is_empty() {
        notice("Interrupted: nothing was simulated.");
        return Ok(Outcome::Interrupted);
    }
    tell(args, &decision, &simulator, &rows)?;
    if !whole {
        notice("Interrupted: what is told is of the studies that were simulated.");
        return Ok(Outcome::Interrupted);
    }
    Ok(Outcome::Done)
}

/// What the shards of a folder come to.
pub fn merged(args: &SimulateArgs, folder: &Path, plan: &Plan) -> Result<Outcome> {
    let (decision, design) = opened(args)?;
    let simulator = Simulator::new(&decision, request(args, design))?;
    let now = self::plan(args, &decision, &simulator, plan.first());
    let rows: Vec<Row> = shards::gathered(folder, plan, &now)?;
    tell(args, &decision, &simulator, &rows)?;
    Ok(Outcome::Done)
}

fn opened(args: &SimulateArgs) -> Result<(Decision, Option<Design>)> {
    let decision =
        reading(|| open_decision_changed(&args.decision, (&args.reading).into(), &(&args.changes).into()))?;
    let design = args.truth.as_ref().map(|path| open_design(path, decision.first())).transpose()?;
    Ok((decision, design))
}

fn request(args: &SimulateArgs, design: Option<Design>) -> Request {
    Request {
        replications: args.replications,
        seed: args.seed.unwrap_or(SEED),
        design,
        wished: args.calibrate.map(|error| Wished { error, familywise: args.familywise }),
    }
}

fn tell(args: &SimulateArgs, decision: &Decision, simulator: &Simulator<'_>, rows: &[Row]) -> Result<()> {
    let found = simulator.summary(rows);
    let seed = args.seed.unwrap_or(SEED);
    print(&match args.format {
        Format::Text => report::simulate_text(decision, &found, seed, (&args.length).into()),
        Format::Json => report::simulate_json(decision, &found, seed),
        Format::Csv => report::simulate_csv(decision, &found),
    })?;
    if args.format != Format::Text {
        for statement in report::decide_statements(decision, &Discussion::default()) {
            notice(&statement);
        }
    }
    Ok(())
}

/// The command in one form, and what it reads.
fn plan(args: &SimulateArgs, decision: &Decision, simulator: &Simulator<'_>, shard: Shard) -> Plan {
    let mut arguments = vec!["simulate".to_string()];
    let mut option = |name: &str, value: String| arguments.extend([name.to_string(), value]);
    option("--replications", args.replications.to_string());
    option("--seed", args.seed.unwrap_or(SEED).to_string());
    if let Some(error) = args.calibrate {
        option("--calibrate", error.to_string());
    }
    if let Some(truth) = &args.truth {
        option("--truth", truth.display().to_string());
    }
    of_changes(&args.changes, args.reading.large, &mut arguments);
    if args.familywise {
        arguments.push("--familywise".to_string());
    }
    arguments.extend(["--".to_string(), args.decision.display().to_string()]);
    let mut read = vec![decision.sha256.clone()];
    read.extend(
        decision.outcomes.iter().flat_map(|o| [o.study.model_sha256.clone(), o.study.data_sha256.clone()]),
    );
    read.extend(
        args.truth
            .iter()
            .map(|path| crate::study::checksum::sha256(&std::fs::read(path).unwrap_or_default())),
    );
    Plan::new(arguments, read, shard, simulator.replications() as u64)
}

/// What is changed of a model, as options.
pub fn of_changes(changes: &ChangesArgs, large: bool, arguments: &mut Vec<String>) {
    for set in &changes.set.set {
        arguments.extend(["--set".to_string(), set.clone()]);
    }
    if let Some(prior) = &changes.prior {
        arguments.extend(["--prior".to_string(), prior.clone()]);
    }
    if large {
        arguments.push("--large".to_string());
    }
}
