//! Simulated studies that are divided among runs of the program, and put together again.
//!
//! A folder holds `plan.json`, what is simulated, and one file a shard with a line for every replication. A shard writes what it
//! has finished beside its place from time to time, and takes its name when it is whole: a run that was killed is gone on with
//! when it is started again, one that is done does nothing, and two runs of one shard leave the same bytes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::again::quoted;
use super::args::ShardArgs;
use super::whole_file::{write_first, write_whole};
use super::{Outcome, notice};
use crate::error::{Error, ErrorKind, Place, Result};
use crate::study::checksum::sha256;

const SCHEMA: &str = "equipoise/shards/1";

/// Between two times at which what is finished is written.
const PATIENCE: Duration = Duration::from_secs(5);

/// The most shards.
const MOST: usize = 100_000;

/// One part of the work: `3/40`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// From 1.
    index: usize,
    of: usize,
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Shard, String> {
        let found = text.split_once('/').and_then(|(index, of)| {
            Some(Shard { index: index.trim().parse().ok()?, of: of.trim().parse().ok()? })
        });
        match found {
            Some(s) if (1..=s.of).contains(&s.index) && s.of <= MOST => Ok(s),
            Some(s) if s.index == 0 => Err("shards are counted from 1: the first of 40 is 1/40".to_string()),
            Some(s) if s.of <= MOST => Err(format!("there is no shard {} of {}", s.index, s.of)),
            _ => Err(format!("a shard is written as 3/40, the third of 40; at most {MOST}")),
        }
    }
}

impl Shard {
    fn name(self, ending: &str) -> String {
        let digits = self.of.to_string().len().max(4);
        format!("shard-{:0digits$}-of-{:0digits$}.{ending}", self.index, self.of)
    }

    /// How many shards there are.
    pub fn count(self) -> usize {
        self.of
    }

    /// The replications of this shard, every so many of all.
    fn numbers(self, total: u64) -> Vec<u64> {
        (self.index as u64 - 1..total).step_by(self.of).collect()
    }
}

/// What is simulated, whichever shard is worked on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    schema: String,
    version: String,
    /// The command without the program's name.
    pub arguments: Vec<String>,
    /// The checksums of everything that was read.
    sha256: Vec<String>,
    shards: usize,
    /// Rows in all.
    replications: u64,
}

impl Plan {
    /// The plan of this command.
    pub fn new(arguments: Vec<String>, sha256: Vec<String>, shard: Shard, replications: u64) -> Plan {
        Plan {
            schema: SCHEMA.to_string(),
            version: env!("CARGO_PKG_VERSION").to_string(),
            arguments,
            sha256,
            shards: shard.of,
            replications,
        }
    }

    /// The plan that a folder holds.
    pub fn read(folder: &Path) -> Result<Plan> {
        let path = folder.join("plan.json");
        let here = || Place::File(path.display().to_string());
        let text = fs::read_to_string(&path).map_err(|e| {
            Error::of(ErrorKind::File, format!("no plan can be read: {e}"))
                .at(here())
                .help("name the folder that shards were written into: simulate … --shard 1/40 --into FOLDER")
        })?;
        let no_plan = |why: String| {
            Error::of(ErrorKind::Syntax, format!("this is no plan of shards: {why}"))
                .at(here())
                .help("choose another folder, or remove this one and run its shards again")
        };
        let plan: Plan = serde_json::from_str(&text).map_err(|e| no_plan(e.to_string()))?;
        if plan.schema != SCHEMA {
            return Err(no_plan(format!("its schema is {}, and {SCHEMA} is expected", plan.schema)));
        }
        if !(1..=MOST).contains(&plan.shards) {
            return Err(no_plan(format!("it has {} shards; 1 to {MOST} are expected", plan.shards)));
        }
        Ok(plan)
    }

    /// The command in words, as a shell takes it.
    pub fn command(&self) -> String {
        let words = self.arguments.iter().map(|word| quoted(word));
        std::iter::once("equipoise".to_string()).chain(words).collect::<Vec<_>>().join(" ")
    }

    fn checksum(&self) -> String {
        sha256(serde_json::to_string(self).unwrap_or_default().as_bytes())
    }

    /// The plan is the folder's, or becomes it.
    fn agree(&self, folder: &Path) -> Result<()> {
        let path = folder.join("plan.json");
        if !path.exists() {
            let text = serde_json::to_string_pretty(self).unwrap_or_default() + "\n";
            // Of several that begin at once the first one's plan stays, and all are held against it.
            write_first(&path, text.as_bytes())?;
        }
        let known = Plan::read(folder)?;
        self.same(&known, &path)
    }

    /// Whether a command, and what it reads, is that of this plan; the error says in what it is not.
    fn same(&self, known: &Plan, path: &Path) -> Result<()> {
        let what = if known.version != self.version {
            format!("they are of version {}, and this is {}", known.version, self.version)
        } else if known.shards != self.shards {
            format!("there are {} of them, and this is one of {}", known.shards, self.shards)
        } else if known.arguments != self.arguments {
            format!("their command is `{}`, and this is `{}`", known.command(), self.command())
        } else if known.replications != self.replications {
            format!(
                "there are {} replications of them, and this is one of {}",
                known.replications, self.replications
            )
        } else if known != self {
            "the model, its data or another file that is read has changed since".to_string()
        } else {
            return Ok(());
        };
        Err(Error::of(ErrorKind::Rule, format!("these shards do not match: {what}"))
            .at(Place::File(path.display().to_string()))
            .help("choose another folder with --into, or repeat the command of the plan"))
    }

    /// The first shard.
    pub fn first(&self) -> Shard {
        self.shard(1)
    }

    fn shard(&self, index: usize) -> Shard {
        Shard { index, of: self.shards }
    }
}

/// A row of a shard's file.
pub trait Numbered: Serialize + DeserializeOwned {
    /// Its number among all.
    fn number(&self) -> u64;
}

/// The first line of a shard's file: whose it is, and that nothing of it was lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    /// The checksum of the plan.
    plan: String,
    /// That of all lines below.
    rows: String,
}

/// A file with these lines below its head.
fn with_head(plan: &Plan, lines: &str) -> Result<String> {
    let head = Head { plan: plan.checksum(), rows: sha256(lines.as_bytes()) };
    let head = serde_json::to_string(&head).map_err(|e| Error::of(ErrorKind::File, e.to_string()))?;
    Ok(format!("{head}\n{lines}"))
}

/// The lines below a head of this plan; otherwise why they are not to be used.
fn below_head<'t>(plan: &Plan, text: &'t str) -> std::result::Result<&'t str, &'static str> {
    let (head, lines) = text.split_once('\n').ok_or("it has no lines")?;
    let head: Head = serde_json::from_str(head).map_err(|_| "its first line is no head of a shard")?;
    if head.plan != plan.checksum() {
        return Err("it was written under another plan");
    }
    if head.rows != sha256(lines.as_bytes()) {
        return Err("its lines are not those that were written");
    }
    Ok(lines)
}

/// Works on one shard. `make` computes rows by their numbers, in order, fewer where it was stopped.
pub fn work<R: Numbered>(
    folder: &Path,
    shard: Shard,
    plan: &Plan,
    mut make: impl FnMut(&[u64], &mut dyn FnMut(&[R]) -> Result<()>) -> Result<Vec<R>>,
) -> Result<Outcome> {
    if folder.is_file() {
        return Err(Error::of(ErrorKind::File, format!("{} is a file", folder.display()))
            .help("--into names a folder"));
    }
    fs::create_dir_all(folder).map_err(|e| {
        Error::of(ErrorKind::File, format!("can't make the folder {}: {e}", folder.display()))
            .help("name a folder that you may write to")
    })?;
    plan.agree(folder)?;
    let whole = folder.join(shard.name("jsonl"));
    let part = folder.join(shard.name("part.jsonl"));
    if whole.exists() {
        read::<R>(plan, &whole, &shard.numbers(plan.replications), &mut BTreeMap::new())?;
        notice(&format!("Shard {} of {} is done already: {}", shard.index, shard.of, whole.display()));
        return Ok(Outcome::Done);
    }
    let numbers = shard.numbers(plan.replications);
    let mut rows: Vec<R> = finished(plan, &part);
    let fits = rows.len() <= numbers.len() && rows.iter().zip(&numbers).all(|(row, n)| row.number() == *n);
    if !fits {
        rows.clear();
    }
    if !rows.is_empty() {
        notice(&format!(
            "Shard {} of {}: {} of {} replications are there already.",
            shard.index,
            shard.of,
            rows.len(),
            numbers.len()
        ));
    }
    let before = lines(&rows)?;
    let mut written = Instant::now();
    let more = make(&numbers[rows.len()..], &mut |so_far| {
        if written.elapsed() >= PATIENCE {
            write_whole(&part, with_head(plan, &(before.clone() + &lines(so_far)?))?.as_bytes())?;
            written = Instant::now();
        }
        Ok(())
    })?;
    let text = before + &lines(&more)?;
    if rows.len() + more.len() < numbers.len() {
        write_whole(&part, with_head(plan, &text)?.as_bytes())?;
        notice(&format!(
            "Interrupted: {} of {} replications of this shard are kept; the same command goes on with them.",
            rows.len() + more.len(),
            numbers.len()
        ));
        return Ok(Outcome::Interrupted);
    }
    write_whole(&whole, with_head(plan, &text)?.as_bytes())?;
    // What is whole needs no part; where that can't be removed it does no harm.
    let _ = fs::remove_file(&part);
    notice(&format!("Written to {}", whole.display()));
    Ok(Outcome::Done)
}

/// The rows of a part of this plan; none of one that is damaged.
fn finished<R: Numbered>(plan: &Plan, part: &Path) -> Vec<R> {
    let text = fs::read_to_string(part).unwrap_or_default();
    let lines = below_head(plan, &text).unwrap_or_default();
    lines.lines().map_while(|line| serde_json::from_str(line).ok()).collect()
}

fn lines<R: Numbered>(rows: &[R]) -> Result<String> {
    let mut text = String::new();
    for row in rows {
        let line = serde_json::to_string(row)
            .map_err(|e| Error::of(ErrorKind::File, format!("a row can't be written: {e}")))?;
        text.push_str(&line);
        text.push('\n');
    }
    Ok(text)
}

/// All rows of a folder, in the order of their numbers; `now` is the plan of the same command today. An error names the shards
/// that are missing.
pub fn gathered<R: Numbered>(folder: &Path, plan: &Plan, now: &Plan) -> Result<Vec<R>> {
    now.same(plan, &folder.join("plan.json"))?;
    let mut missing: Vec<String> = Vec::new();
    let mut all: BTreeMap<u64, R> = BTreeMap::new();
    for index in 1..=plan.shards {
        let shard = plan.shard(index);
        let path = folder.join(shard.name("jsonl"));
        if !path.exists() {
            let part = folder.join(shard.name("part.jsonl"));
            let so_far = finished::<R>(plan, &part).len();
            let begun = if part.exists() {
                format!(" ({so_far} replications of it are there)")
            } else {
                String::new()
            };
            missing.push(format!("{index}{begun}"));
            continue;
        }
        read(plan, &path, &shard.numbers(plan.replications), &mut all)?;
    }
    if missing.is_empty() {
        return Ok(all.into_values().collect());
    }
    const SHOWN: usize = 20;
    let more = missing.len().saturating_sub(SHOWN);
    missing.truncate(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Err(Error::of(
        ErrorKind::Missing,
        format!("of {} shards these are missing: {}{more}", plan.shards, missing.join(", ")),
    )
    .at(Place::File(folder.display().to_string()))
    .help(format!(
        "run them: {} --shard K/{} --into {}",
        plan.command(),
        plan.shards,
        quoted(&folder.display().to_string())
    )))
}

fn read<R: Numbered>(plan: &Plan, path: &Path, numbers: &[u64], all: &mut BTreeMap<u64, R>) -> Result<()> {
    let wrong = |message: String| {
        Error::of(ErrorKind::Value, message)
            .at(Place::File(path.display().to_string()))
            .help("remove this file and run its shard again")
    };
    let text = fs::read_to_string(path).map_err(|e| wrong(format!("can't be read: {e}")))?;
    let mut expected = numbers.iter();
    let lines = below_head(plan, &text).map_err(|why| wrong(format!("this shard is of no use: {why}")))?;
    for (k, line) in lines.lines().enumerate() {
        let k = k + 1;
        let row: R =
            serde_json::from_str(line).map_err(|_| wrong(format!("line {} is no replication", k + 1)))?;
        if expected.next() != Some(&row.number()) {
            return Err(wrong(format!(
                "line {} is replication {}, which is not expected there",
                k + 1,
                row.number()
            )));
        }
        all.insert(row.number(), row);
    }
    match expected.next() {
        None => Ok(()),
        Some(next) => Err(wrong(format!("it ends before replication {next}"))),
    }
}

/// The shard that is asked for and its folder; none where the work is not divided. A model that comes through standard input is
/// not there when shards are put together.
pub fn asked<'f>(args: &'f ShardArgs, models: &[PathBuf]) -> Result<Option<(Shard, &'f Path)>> {
    let Some(found) = args.shard.zip(args.into.as_deref()) else { return Ok(None) };
    if models.iter().any(|model| model == Path::new("-")) {
        return Err(Error::of(ErrorKind::Usage, "--shard beside a model from standard input")
            .help("write the model into a file: every shard, and `merge`, reads it again"));
    }
    Ok(Some(found))
}

#[cfg(test)]
mod tests {
    use super::Shard;

    #[test]
    fn a_shard_is_one_of_so_many_and_together_they_are_all() {
        let shard = |text: &str| text.parse::<Shard>();
        for text in ["0/4", "5/4", "3", "a/b", "1/0", "-1/4", "1/1000000"] {
            assert!(shard(text).is_err(), "{text}");
        }
        let mut all: Vec<u64> = (1..=7).flat_map(|k| shard(&format!("{k}/7")).unwrap().numbers(40)).collect();
        all.sort_unstable();
        assert_eq!(all, (0..40).collect::<Vec<u64>>());
        assert!(shard("7/7").unwrap().numbers(3).is_empty());
        assert_eq!(shard("3/40").unwrap().name("jsonl"), "shard-0003-of-0040.jsonl");
    }
}
