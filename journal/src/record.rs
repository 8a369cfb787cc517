//! What stands on a tape.

use std::fmt;
use std::str::FromStr;

use market::order::ClientId;
use market::{InstrumentId, Timestamp};
use serde::{Deserialize, Serialize};
use synapse::{DecisionRecord, Digest, Input};

/// A BLAKE3 hash, written in hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// The hash of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Hash {
    type Err = blake3::HexError;
    fn from_str(text: &str) -> Result<Self, blake3::HexError> {
        Ok(Self(*blake3::Hash::from_hex(text)?.as_bytes()))
    }
}

impl Serialize for Hash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
        } else {
            <[u8; 32]>::deserialize(deserializer).map(Self)
        }
    }
}

/// A decision as it stands on the tape.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// Whether it was recomputed after a crash, so that nothing of it was sent.
    pub late: bool,
    /// The decision.
    pub record: DecisionRecord,
}

/// The real regime: the gate released the requests of one decision, at a time of the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Released {
    /// The sequence number of the decision.
    pub sequence: u64,
    /// Its instrument.
    pub instrument: InstrumentId,
    /// When.
    pub time: Timestamp,
    /// Whether they had waited too long: what was to be placed lapsed instead.
    pub late: bool,
}

/// A cut through door, exchange, gate and line, behind an input (J6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// The sequence number of the last input in it.
    pub sequence: u64,
    /// The time of that input.
    pub time: Timestamp,
    /// The hash of the state, which is the name of the snapshot.
    pub state: Hash,
}

/// What a comparison with the venue found in one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Which rule.
    pub rule: String,
    /// Of which order.
    pub order: Option<ClientId>,
    /// Of which instrument.
    pub instrument: Option<InstrumentId>,
    /// What we had.
    pub ours: String,
    /// What the venue has.
    pub theirs: String,
    /// What was done.
    pub action: String,
}

/// What happened to the journal or around it: it changes no brain and takes no number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Note {
    /// A process began to write.
    Opened {
        /// How many did before.
        epoch: u32,
        /// Its version.
        build: String,
        /// When, by the clock of the machine.
        wall_ns: i64,
        /// Whether the one before left without closing.
        after_crash: bool,
    },
    /// A torn last block was set aside (J4).
    SetAside {
        /// The file that keeps it.
        file: String,
        /// The number it would have had.
        block: u64,
        /// How much it was.
        bytes: u64,
    },
    /// Retention dropped the oldest segments (J10).
    Dropped {
        /// How many segments.
        segments: u32,
        /// The last block dropped.
        block: u64,
        /// Its hash, which the chain now starts from.
        hash: Hash,
    },
    /// Our state and the venue's were compared.
    Reconciled {
        /// Whether they agree now.
        agreed: bool,
        /// What differed.
        findings: Vec<Finding>,
    },
    /// The process ended in order.
    Closed {
        /// When, by the clock of the machine.
        wall_ns: i64,
    },
    /// A step of the protective restart after a trip (G7).
    Restart {
        /// The input that tripped.
        trip: u64,
        /// How far it is.
        step: RestartStep,
    },
}

/// The steps of a protective restart, in their order; `Restarted`, an input, is the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RestartStep {
    /// The gate closed, and so many orders were being cancelled.
    Closed {
        /// How many.
        cancels: u64,
    },
    /// The latch is durable, and everything admitted was thought through.
    Durable,
    /// The actors were stopped.
    Stopped,
    /// The regions were rebuilt from the tape, and so many decisions were the same.
    Proved {
        /// How many.
        decisions: u64,
    },
}

/// One thing on a tape.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// Something that changed the brain.
    Input(Input),
    /// What it decided.
    Decision(Box<Decision>),
    /// What the gate let go.
    Released(Released),
    /// Where a snapshot was taken.
    Marker(Marker),
    /// What else happened.
    Note(Note),
}

/// One thing to be written, borrowed.
#[derive(Debug, Clone, Copy)]
pub enum Entry<'a> {
    /// An input.
    Input(&'a Input),
    /// A decision, as its canonical bytes (`synapse::encode` of its [`DecisionRecord`]).
    Decision {
        /// Whether it was recomputed after a crash.
        late: bool,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// A release.
    Released(&'a Released),
    /// A cut.
    Marker(&'a Marker),
    /// A note.
    Note(&'a Note),
}

/// How far the brain is behind an entry: what the header of its block will tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Head {
    /// The last input's number; 0 where there was none.
    pub sequence: u64,
    /// The last input's time, nanoseconds.
    pub time_ns: i64,
    /// Whether the latch is set.
    pub latched: bool,
    /// The chain over all decisions so far (D4).
    pub digest: Digest,
}
