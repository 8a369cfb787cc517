//! Sleep: what was lived through, read from the tape, becomes schemas (26, 30, 34, 35, 54).
//!
//! A night is a function of the tape up to an input, the configuration and the run's seed: done again it
//! gives the same artefact. It reads the tape alone, as the index belongs to the process that writes it.

mod actor;
mod memory;
#[cfg(test)]
mod tests;

use std::path::Path;

use journal::{Hash, Reader, Record, artefacts};
use market::Instruments;
use neocortex::kmeans::Search;
use neocortex::learn::{SchemaBook, consolidate};
use synapse::random::seed_for;
use synapse::{InputKind, Notice};

use crate::brain::Bedtime;
use crate::config::Config;
use crate::failure::Failure;
use memory::Memory;

pub use actor::{Dream, Sleeper, Woken};

/// The kind of an artefact that is a book of schemas.
pub const SCHEMAS: &str = "schemas";

const DAY_MIN: i64 = 1440;

/// Blocks that are read from the end of a tape at first.
const BLOCKS_FIRST: usize = 256;

market::params! {
    /// When and how it learns from its experiences.
    pub struct SleepParams in "sleep" {
        /// When a night is due, `hh:mm` in UTC by the time of events; empty: never by itself.
        at: String = String::new(), "", 0.0, 0.0;
        /// From one due night to the next; a part of a day, as 1440, 60 or 5.
        every_min: u32 = 1440, "min", 1.0, 1440.0;
        /// Whether a night follows the end of the feeds.
        at_end: bool = false, "", 0.0, 0.0;
        /// Nothing is learned from fewer experiences.
        experiences_min: u32 = 32, "experiences", 1.0, 1e6;
        /// The newest that are learned from.
        experiences_max: u32 = 20_000, "experiences", 1.0, 1e6;
        /// Schemas at most; there are fewer where there are not eight experiences for each.
        schemas: u32 = 16, "", 1.0, 4096.0;
        /// Starts of the search for schemas, of which the best counts.
        restarts: u32 = 4, "", 1.0, 1000.0;
        /// Steps of the search from each start at most.
        iterations_max: u32 = 50, "", 1.0, 10_000.0;
    }
}

impl SleepParams {
    /// When nights are due; none where no hour is set.
    ///
    /// # Errors
    /// The key, and what is wrong with it.
    pub fn bedtime(&self) -> Result<Option<Bedtime>, (&'static str, String)> {
        let every_min = i64::from(self.every_min);
        if DAY_MIN % every_min != 0 {
            return Err((
                "sleep.every_min",
                format!("is {every_min}, which is no part of a day, {DAY_MIN} min"),
            ));
        }
        if self.at.is_empty() {
            return Ok(None);
        }
        let two = |text: &str, limit: i64| {
            let is_two = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse::<i64>().ok().filter(|value| is_two && *value < limit)
        };
        let parsed = self.at.split_once(':').and_then(|(hour, minute)| two(hour, 24).zip(two(minute, 60)));
        let wrong = || ("sleep.at", format!("is `{}`; write hh:mm in UTC, or nothing", self.at));
        let (hour, minute) = parsed.ok_or_else(wrong)?;
        Ok(Some(Bedtime { minute: hour * 60 + minute, every_min }))
    }
}

/// What came of a night.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Night {
    /// The schemas, kept among the journal's artefacts; none where nothing was learned.
    pub artefact: Option<Hash>,
    /// Why nothing was learned, or what was.
    pub reason: String,
    /// The experiences it was learned from.
    pub experiences: usize,
    /// The schemas.
    pub schemas: usize,
}

/// What the nights of a run draw from.
pub fn seed(config: &Config) -> u64 {
    seed_for(config.run.seed, "sleep")
}

/// Sleeps a night over the tape of `dir` up to an input: learns schemas and keeps them as an artefact.
///
/// # Errors
/// [`Failure`] where the tape or the disk fails, or the configuration is not of this run.
pub fn night(dir: &Path, until: u64, config: &Config) -> Result<Night, Failure> {
    let reader = Reader::open(dir)?;
    let instruments = config.known(&reader.manifest().instruments)?;
    let experiences = remember(&reader, until, config, &instruments)?.into_experiences();
    let (params, count) = (&config.sleep, experiences.len());
    let needed = params.experiences_min as usize;
    if count < needed {
        let reason = format!("{count} experiences with a code, and sleep.experiences_min is {needed}");
        return Ok(Night { artefact: None, reason, experiences: count, schemas: 0 });
    }
    let search = Search {
        k: params.schemas as usize,
        restarts: params.restarts,
        iterations_max: params.iterations_max,
    };
    match consolidate(&experiences, &search, seed(config)) {
        Ok(book) => {
            let artefact = Some(artefacts::put(dir, SCHEMAS, &book.to_bytes())?);
            let schemas = book.schemas().schemas().len();
            Ok(Night { artefact, reason: book.card().about.clone(), experiences: count, schemas })
        }
        Err(why) => Ok(Night { artefact: None, reason: why.to_string(), experiences: count, schemas: 0 }),
    }
}

/// The book of schemas of that name, to recall from with a configuration.
///
/// # Errors
/// [`Failure::Input`] where it is missing, damaged or of other codes.
pub fn read_book(dir: &Path, hash: &Hash, config: &Config) -> Result<SchemaBook, Failure> {
    let (book, codes) = (stored_book(dir, hash)?, config.hippocampus.codes as usize);
    match book.schemas().dimension() {
        Some(found) if found != codes => Err(Failure::Input(format!(
            "schemas {hash}: they have {found} numbers, and hippocampus.codes is {codes}; sleep to make others"
        ))),
        _ => Ok(book),
    }
}

/// The book that was active at an input, to tell of it; none where nothing was learned before it or before the run.
///
/// # Errors
/// [`Failure`] where the tape is damaged, or the book missing or damaged.
pub fn book_at(dir: &Path, reader: &Reader, sequence: u64) -> Result<Option<SchemaBook>, Failure> {
    let known = artefacts::list(dir)?.into_iter().filter(|artefact| artefact.kind == SCHEMAS);
    let known: Vec<Hash> = known.map(|artefact| artefact.hash).collect();
    let last = reader.block_of(sequence).filter(|_| !known.is_empty());
    for block in (0..last.map_or(0, |at| at + 1)).rev() {
        for record in reader.block(block)?.into_iter().rev() {
            if let Record::Input(input) = record
                && input.sequence <= sequence
                && let InputKind::Notice(kind) = &input.kind
                && let Some(hash) = kind.activates()
                && known.contains(&Hash(hash))
            {
                return stored_book(dir, &Hash(hash)).map(Some);
            }
        }
    }
    reader.manifest().schemas.as_ref().map(|hash| stored_book(dir, hash)).transpose()
}

fn stored_book(dir: &Path, hash: &Hash) -> Result<SchemaBook, Failure> {
    decode_book(hash, &artefacts::get(dir, SCHEMAS, hash)?)
}

/// The book of these bytes, which are called `hash`.
///
/// # Errors
/// [`Failure::Input`] where they are damaged.
pub fn decode_book(hash: &Hash, bytes: &[u8]) -> Result<SchemaBook, Failure> {
    SchemaBook::from_bytes(bytes).map_err(|why| Failure::Input(format!("schemas {hash}: {why}")))
}

/// Folds as much of the end of a tape as it takes. Twice the experiences that are kept, so that those do
/// not depend on where reading began, which depends on how the tape came to be cut into blocks.
fn remember(
    reader: &Reader,
    until: u64,
    config: &Config,
    instruments: &Instruments,
) -> Result<Memory, Failure> {
    let end = reader.block_of(until).map_or(reader.headers().len(), |at| at + 1);
    let enough = 2 * config.sleep.experiences_max as usize;
    let mut blocks = BLOCKS_FIRST;
    loop {
        let from = end.saturating_sub(blocks);
        let memory = fold(reader, from, until, Memory::new(config, instruments))?;
        if from == 0 || memory.count() >= enough {
            return Ok(memory);
        }
        blocks = blocks.saturating_mul(4);
    }
}

fn fold(reader: &Reader, from: usize, until: u64, mut memory: Memory) -> Result<Memory, Failure> {
    for record in reader.records_from(from) {
        match record? {
            Record::Input(input) if input.sequence <= until => {
                if let InputKind::Notice(kind) = input.kind {
                    memory.noticed(&Notice { sequence: input.sequence, time: input.time, kind });
                }
            }
            Record::Decision(decision) if decision.record.sequence > until => break,
            Record::Decision(decision) => {
                let folded = memory.decided(&decision.record);
                folded.map_err(|fault| {
                    Failure::Check(format!("decision {} has no code: {fault}", decision.record.sequence))
                })?;
            }
            _ => {}
        }
    }
    Ok(memory)
}
