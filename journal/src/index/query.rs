//! What the index is asked. A question that finds damage has the index rebuilt and is asked again; it
//! fails where the tape cannot be read for that.

use std::ops::{Range, RangeInclusive};

use hippocampus::Experience;
use market::order::ClientId;
use market::{InstrumentId, Timestamp};
use sled::IVec;
use synapse::bytes::decode;

use super::Index;
use super::keys::{Kind, OrderStep, field_of, fields, key, time_of};
use super::store::broken;
use crate::{Hash, JournalError};

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

impl Index {
    /// What happened to an order, each with the sequence number of the decision or input that says so.
    pub fn order(&mut self, id: &ClientId) -> Result<Vec<(u64, OrderStep)>, JournalError> {
        self.read(under(key(Kind::Order, id)), usize::MAX, |key, _| {
            let (_, sequence, step): (ClientId, u64, OrderStep) = fields(key)?;
            Some((sequence, step))
        })
    }

    /// The decisions with `from` ≤ time < `to`, in the order of time.
    pub fn decisions_between(
        &mut self,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<DecisionAt>, JournalError> {
        let key = |time| key(Kind::ByTime, field_of(time));
        self.read(key(from)..key(to), usize::MAX, |key, _| {
            let (time, sequence, instrument) = fields(key)?;
            Some(DecisionAt { time: time_of(time), sequence, instrument })
        })
    }

    /// The decisions on an instrument by sequence number, and the name of the reason where one rested.
    pub fn decisions_of(
        &mut self,
        instrument: InstrumentId,
        sequences: RangeInclusive<u64>,
    ) -> Result<Vec<(u64, Option<String>)>, JournalError> {
        let from = key(Kind::ByInstrument, (instrument, sequences.start()));
        // one byte more than the last key is just behind it
        let to = key(Kind::ByInstrument, (instrument, sequences.end(), 0u8));
        self.read(from..to, usize::MAX, |key, value| {
            let (_, sequence): (InstrumentId, u64) = fields(key)?;
            let reason = std::str::from_utf8(value).ok()?;
            Some((sequence, (!reason.is_empty()).then(|| reason.to_owned())))
        })
    }

    /// The number of the block that holds a decision.
    pub fn block_of(&mut self, sequence: u64, instrument: InstrumentId) -> Result<Option<u64>, JournalError> {
        let key = key(Kind::Decision, (sequence, instrument));
        let next = [key.as_slice(), &[0]].concat();
        let found = self.read(key..next, 1, |_, block| decode(block).ok())?;
        Ok(found.first().copied())
    }

    /// At most `limit` experiences in the order of (instrument, sequence they closed at), beginning with
    /// that key.
    pub fn experiences(
        &mut self,
        from: (InstrumentId, u64),
        limit: usize,
    ) -> Result<Vec<Experience>, JournalError> {
        let keys = key(Kind::Experience, from)..vec![Kind::Experience as u8 + 1];
        self.read(keys, limit, |_, value| decode(value).ok())
    }

    /// The snapshots taken: the last input in each, and its hash.
    pub fn snapshots(&mut self) -> Result<Vec<(u64, Hash)>, JournalError> {
        self.hashes(Kind::Snapshot)
    }

    /// The artefacts that took effect: at which input, and the hash.
    pub fn activated(&mut self) -> Result<Vec<(u64, Hash)>, JournalError> {
        self.hashes(Kind::Activated)
    }

    fn hashes(&mut self, kind: Kind) -> Result<Vec<(u64, Hash)>, JournalError> {
        self.read(under(vec![kind as u8]), usize::MAX, |key, value| {
            let sequence = u64::from_be_bytes(*key.get(1..)?.first_chunk()?);
            Some((sequence, Hash(value.try_into().ok()?)))
        })
    }

    /// The entries of so many of these keys.
    fn read<T>(
        &mut self,
        keys: Range<Vec<u8>>,
        limit: usize,
        entry: impl Fn(&[u8], &[u8]) -> Option<T>,
    ) -> Result<Vec<T>, JournalError> {
        let of = |(key, value): (IVec, IVec)| {
            entry(&key, &value).ok_or_else(|| broken(format!("the entry of {key:?} cannot be read")))
        };
        self.ask(|parts| {
            let mut found = Vec::new();
            for (store, _) in parts.all()? {
                found.extend(store.scan(&keys.start, &keys.end, limit)?);
            }
            // each part is in order, and they are not: the keys begin with what was asked for
            found.sort();
            found.truncate(limit);
            found.into_iter().map(of).collect()
        })
    }
}

/// The keys that begin with `prefix`, which does not end in the largest byte.
fn under(prefix: Vec<u8>) -> Range<Vec<u8>> {
    let behind = [prefix.as_slice(), &[u8::MAX; 32]].concat();
    prefix..behind
}
