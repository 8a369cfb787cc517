//! What the index is asked. A question that finds damage has the index rebuilt and is asked again.

use std::ops::RangeInclusive;

use hippocampus::Experience;
use market::order::ClientId;
use market::{InstrumentId, Timestamp};
use sled::IVec;
use synapse::region::decode;

use super::Index;
use super::keys::{Ended, Fields, Key, Kind, OrderStep};
use super::store::{Store, broken};
use crate::{Hash, JournalError, Reader};

/// A decision, by its name and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecisionAt {
    /// When.
    pub time: Timestamp,
    /// The sequence number of its input.
    pub sequence: u64,
    /// Its instrument.
    pub instrument: InstrumentId,
}

/// What happened to an order, each with the sequence number of the decision or input that says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderLife(pub Vec<(u64, OrderStep)>);

impl OrderLife {
    /// Where the order stands: the first end it came to, else the last that was heard.
    pub fn state(&self) -> Option<OrderStep> {
        let mut states = self.0.iter().map(|(_, step)| *step).filter(|step| step.is_state());
        let last = states.clone().next_back();
        states.find(|step| step.is_terminal()).or(last)
    }

    /// The sequence number of the last input about it.
    pub fn last_report(&self) -> Option<u64> {
        self.0.iter().rev().find(|(_, step)| step.is_told()).map(|(sequence, _)| *sequence)
    }
}

impl Index {
    /// What happened to an order; `None` where nothing is known of it.
    ///
    /// # Errors
    /// Where the tape cannot be read to rebuild a damaged index; so for all questions.
    pub fn order(&mut self, id: &ClientId) -> Result<Option<OrderLife>, JournalError> {
        let prefix = Key::of(Kind::Order).client(id).bytes();
        let steps = self.ask(|store| {
            all(store, &prefix, |key, _| {
                let mut fields = Fields::of(&key[prefix.len() - 1..]);
                Some((fields.number()?, OrderStep::read(fields.byte()?)?))
            })
        })?;
        Ok((!steps.is_empty()).then_some(OrderLife(steps)))
    }

    /// The decisions with `from` ≤ time < `to`, in the order of time.
    ///
    /// # Errors
    /// As [`order`](Self::order).
    pub fn decisions_between(
        &mut self,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<DecisionAt>, JournalError> {
        let key = |time| Key::of(Kind::ByTime).time(time).bytes();
        self.ask(|store| {
            read(store, &key(from), &key(to), usize::MAX, |key, _| {
                let mut fields = Fields::of(key);
                let (time, sequence) = (fields.time()?, fields.number()?);
                Some(DecisionAt { time, sequence, instrument: fields.instrument()? })
            })
        })
    }

    /// The decisions on an instrument by sequence number, and how each ended.
    ///
    /// # Errors
    /// As [`order`](Self::order).
    pub fn decisions_of(
        &mut self,
        instrument: InstrumentId,
        sequences: RangeInclusive<u64>,
    ) -> Result<Vec<(u64, Ended)>, JournalError> {
        let key = |sequence| Key::of(Kind::ByInstrument).instrument(instrument).number(sequence);
        // one byte more than the last key is just behind it
        let (from, to) = (key(*sequences.start()).bytes(), key(*sequences.end()).byte(0).bytes());
        self.ask(|store| {
            read(store, &from, &to, usize::MAX, |key, value| {
                let mut fields = Fields::of(key);
                fields.instrument()?;
                Some((fields.number()?, Ended::read(*value.first()?)?))
            })
        })
    }

    /// The number of the block that holds a decision.
    ///
    /// # Errors
    /// As [`order`](Self::order).
    pub fn block_of(&mut self, sequence: u64, instrument: InstrumentId) -> Result<Option<u64>, JournalError> {
        let key = Key::of(Kind::Decision).number(sequence).instrument(instrument).bytes();
        let value = self.ask(|store| store.get(&key))?;
        Ok(value.and_then(|value| Some(u64::from_be_bytes(*value.first_chunk()?))))
    }

    /// At most `limit` experiences in the order of (instrument, sequence they closed at), beginning with
    /// that key.
    ///
    /// # Errors
    /// As [`order`](Self::order).
    pub fn experiences(
        &mut self,
        from: (InstrumentId, u64),
        limit: usize,
    ) -> Result<Vec<Experience>, JournalError> {
        let first = Key::of(Kind::Experience).instrument(from.0).number(from.1).bytes();
        let behind = Key::of(Kind::Activated).bytes();
        self.ask(|store| read(store, &first, &behind, limit, |_, value| decode(value).ok()))
    }

    /// The snapshots taken: the last input in each, and its hash.
    ///
    /// # Errors
    /// As [`order`](Self::order).
    pub fn snapshots(&mut self) -> Result<Vec<(u64, Hash)>, JournalError> {
        self.hashes(Kind::Snapshot)
    }

    /// The artefacts that took effect: at which input, and the hash.
    ///
    /// # Errors
    /// As [`order`](Self::order).
    pub fn activated(&mut self) -> Result<Vec<(u64, Hash)>, JournalError> {
        self.hashes(Kind::Activated)
    }

    fn hashes(&mut self, kind: Kind) -> Result<Vec<(u64, Hash)>, JournalError> {
        self.ask(|store| {
            all(store, &Key::of(kind).bytes(), |key, value| {
                Some((Fields::of(key).number()?, Hash(*value.first_chunk()?)))
            })
        })
    }

    fn ask<T>(&mut self, question: impl Fn(&Store) -> Result<T, JournalError>) -> Result<T, JournalError> {
        match question(&self.store) {
            Err(JournalError::Index(why)) => {
                self.renew(&Reader::open(&self.dir)?, why)?;
                question(&self.store)
            }
            answer => answer,
        }
    }
}

/// The entries whose keys begin with `prefix`, which does not end in the largest byte.
fn all<T>(
    store: &Store,
    prefix: &[u8],
    entry: impl Fn(&[u8], &[u8]) -> Option<T>,
) -> Result<Vec<T>, JournalError> {
    let behind = [prefix, &[u8::MAX; 32]].concat();
    read(store, prefix, &behind, usize::MAX, entry)
}

fn read<T>(
    store: &Store,
    from: &[u8],
    to: &[u8],
    limit: usize,
    entry: impl Fn(&[u8], &[u8]) -> Option<T>,
) -> Result<Vec<T>, JournalError> {
    let of = |(key, value): (IVec, IVec)| {
        entry(&key, &value).ok_or_else(|| broken(format!("the entry of {key:?} cannot be read")))
    };
    store.scan(from, to, limit)?.into_iter().map(of).collect()
}
