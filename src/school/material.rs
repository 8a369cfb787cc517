//! What a network learns from: rows that were sensed, or what a brain lived through, as its tape tells it. There, what was
//! recalled and read stands beside what was sensed.

use std::path::{Path, PathBuf};

use journal::{Hash, Reader, Record, artefacts};
use market::features::FeatureVector;
use market::{InstrumentId, Timestamp};
use neocortex::learn::SchemaBook;
use synapse::{DecisionRecord, InputKind, NoticeKind, Recall, SampleKind, Sensed};
use thalamus::{MEMORY_NUMBERS, write_memory};
use training::Dataset;

use super::Rows;
use crate::assemble;
use crate::blueprint::read_config;
use crate::config::Config;
use crate::failure::Failure;
use crate::sleep::{SCHEMAS, read_book};

/// What a network learns from.
#[derive(Debug)]
pub struct Material {
    /// What it is called in a card.
    pub source: String,
    /// The configuration it was sensed with.
    pub config: Config,
    /// The rows, with what was recalled and read.
    pub dataset: Dataset,
    /// The features of each.
    pub features: Vec<FeatureVector>,
    /// Samples of which nothing is seen.
    pub blind: u64,
    /// What made the samples.
    pub sampler: String,
    /// What was learned asleep took effect then.
    nights: Vec<(Timestamp, Hash)>,
    /// The journal that keeps it.
    dir: PathBuf,
}

impl Material {
    /// What was sensed where nobody traded: nothing is recalled or read.
    pub fn of_rows(source: String, config: Config, rows: Rows, sampler: String) -> Self {
        let (rows, features, blind) = rows.into_rows();
        let dataset = Dataset { rows, ..Dataset::default() };
        let (nights, dir) = (Vec::new(), PathBuf::new());
        Self { source, config, dataset, features, blind, sampler, nights, dir }
    }

    /// What a run with one instrument lived through, as its tape tells it; a row has the first `price_numbers` of the
    /// price stream.
    ///
    /// # Errors
    /// [`Failure`] where the tape or its configuration cannot be read, or tells of several instruments.
    pub fn of_tape(dir: &Path, price_numbers: usize) -> Result<Self, Failure> {
        let reader = Reader::open(dir)?;
        let manifest = reader.manifest();
        let config = read_config(dir, &manifest.config)?;
        let instruments = config.known(&manifest.instruments)?;
        let [(id, instrument)] = instruments.iter().collect::<Vec<_>>()[..] else {
            let (dir, count) = (dir.display(), instruments.len());
            let message = format!("{dir}: it tells of {count} instruments; a network learns from one");
            return Err(Failure::Input(message));
        };
        let schemas = artefacts::list(dir)?.into_iter().filter(|artefact| artefact.kind == SCHEMAS);
        let mut fold = Fold {
            id,
            rows: Rows::new(&config.visual_cortex, instrument.clone(), price_numbers),
            stale_ns: config.thalamus.news_stale_ns(),
            schemas: schemas.map(|artefact| artefact.hash).collect(),
            nights: manifest.schemas.iter().map(|hash| (Timestamp::MIN, *hash)).collect(),
            news: None,
            headlines: Vec::new(),
        };
        for record in reader.records_from(0) {
            match record? {
                Record::Input(input) => fold.noticed(input.time, input.kind),
                Record::Decision(decision) => fold.decided(&decision.record),
                _ => {}
            }
        }
        let formats: Vec<_> = manifest.formats.iter().filter_map(|name| name.parse().ok()).collect();
        let sampler = assemble::sampler(&config, &formats).to_string();
        let source = format!("a run over {}", manifest.feeds.join(", "));
        let Fold { rows, nights, headlines, .. } = fold;
        let mut material = Self::of_rows(source, config, rows, sampler);
        material.dataset.headlines = headlines;
        Ok(Self { nights, dir: dir.to_owned(), ..material })
    }

    /// The schemas that were recalled from before `time_ns`; none where nothing was learned by then.
    ///
    /// # Errors
    /// As [`read_book`].
    pub fn book_before(&self, time_ns: i64) -> Result<Option<SchemaBook>, Failure> {
        let last = self.nights.iter().rev().find(|(time, _)| time.ns() < time_ns);
        last.map(|(_, hash)| read_book(&self.dir, hash, &self.config)).transpose()
    }
}

/// A fold over the records of a tape.
struct Fold {
    id: InstrumentId,
    rows: Rows,
    stale_ns: i64,
    /// The books that the journal keeps.
    schemas: Vec<Hash>,
    nights: Vec<(Timestamp, Hash)>,
    /// When the newest headline about the instrument came, and its place.
    news: Option<(Timestamp, u32)>,
    headlines: Vec<Vec<f32>>,
}

impl Fold {
    fn noticed(&mut self, time: Timestamp, kind: InputKind) {
        let InputKind::Notice(notice) = kind else { return };
        if let Some(hash) = notice.activates().map(Hash).filter(|hash| self.schemas.contains(hash)) {
            self.nights.push((time, hash));
        }
        if let NoticeKind::News { instruments, embedding, .. } = notice
            && instruments.contains(&self.id)
        {
            self.news = Some((time, self.headlines.len() as u32));
            self.headlines.push(embedding.into());
        }
    }

    fn decided(&mut self, record: &DecisionRecord) {
        if record.kind != SampleKind::Regular || record.instrument != self.id {
            return;
        }
        let Some(row) = self.rows.note(&sensed(record)) else { return };
        if record.recall.iter().any(Recall::is_known) {
            row.recall = vec![0.0; MEMORY_NUMBERS];
            write_memory(&record.recall, &mut row.recall);
        }
        let fresh = self.news.filter(|(time, _)| record.time.since(*time) <= self.stale_ns);
        row.headline = fresh.map(|(_, at)| at);
    }
}

/// The sample of a decision, as far as a record tells; neither picture nor price stream asks for more.
fn sensed(record: &DecisionRecord) -> Sensed {
    Sensed {
        sequence: record.sequence,
        instrument: record.instrument,
        time: record.time,
        kind: record.kind,
        book: record.book,
        halted: false,
        top: record.top,
        mark2: record.mark2,
        mark_age_ns: 0,
        features: record.features,
        context: record.context,
        account: record.account,
    }
}
