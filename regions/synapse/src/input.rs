//! What enters at the door (L1): each input has the next sequence number and a time.

use market::order::{ClientId, Report};
use market::{InstrumentId, MarketEvent, Timestamp};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::bytes::short_list;
use crate::cause::LatchCause;

/// Something that changes the brain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// Its number, from 1, without a gap.
    pub sequence: u64,
    /// Its time; never earlier than that of the input before.
    pub time: Timestamp,
    /// What it is.
    pub kind: InputKind,
}

/// The content of an [`Input`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum InputKind {
    /// A feed said something. It ends at the brainstem.
    Market(MarketEvent),
    /// A moment of the sampling grid. It ends at the brainstem, as samples.
    Tick(Tick),
    /// Anything that later regions need too.
    Notice(NoticeKind),
}

/// A moment of the grid (W6): it stands before all events of its time.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tick {
    /// The instruments to sample, in rank order.
    #[serde(deserialize_with = "short_list")]
    pub fresh: SmallVec<[InstrumentId; 4]>,
    /// Those that have ceased to be fresh since the tick before.
    #[serde(deserialize_with = "short_list")]
    pub stale: SmallVec<[InstrumentId; 4]>,
}

/// An input that travels the whole line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// The sequence number of the input.
    pub sequence: u64,
    /// Its time.
    pub time: Timestamp,
    /// What it is.
    pub kind: NoticeKind,
}

/// The content of a [`Notice`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum NoticeKind {
    /// A venue's word on an order.
    Report(Report),
    /// An operator's word.
    Command(Command),
    /// The protective restart after a trip: working memory is cleared (G7).
    Restarted,
    /// The gate dropped an approved order before it left.
    Lapsed(ClientId),
    /// The gate sent a cancel of its own accord (G6).
    CancelSent(ClientId),
    /// Nothing more will come.
    EndOfStream,
    /// What supervisor, reconciliation or watchdog concluded (G5).
    Latch(LatchCause),
    /// An input that failed twice (S2). It acts backwards: every region folds that input as absent.
    Quarantine {
        /// The number of the input.
        input: u64,
        /// Its instrument, from here on latched by itself; none where it had none.
        instrument: Option<InstrumentId>,
    },
    /// An artefact takes effect (R2).
    Activate {
        /// The hash that is its name.
        hash: [u8; 32],
        /// By whom.
        by: String,
        /// Why.
        reason: String,
    },
    /// A night that was due in simulated time is over, whatever came of it.
    Slept {
        /// What was learned; none where nothing was.
        artefact: Option<[u8; 32]>,
        /// Whether that takes effect from here on.
        activated: bool,
        /// What was learned from how much, or why not.
        reason: String,
    },
    /// A headline that was read before the door: what decides is the embedding, so that a replay needs
    /// no text model.
    News {
        /// The instruments it is about.
        instruments: Vec<InstrumentId>,
        /// Its embedding s.
        embedding: Box<[f32]>,
        /// The hash of the model that embedded it.
        model: [u8; 32],
    },
}

impl NoticeKind {
    /// The artefact that takes effect with it.
    pub const fn activates(&self) -> Option<[u8; 32]> {
        match self {
            Self::Activate { hash, .. } => Some(*hash),
            Self::Slept { artefact, activated: true, .. } => *artefact,
            _ => None,
        }
    }
}

/// An operator's command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// What is commanded.
    pub kind: CommandKind,
    /// By whom.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// What an operator may command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CommandKind {
    /// Latch: cancel everything, place nothing new.
    Halt,
    /// Clear the latch.
    Arm,
    /// Latch as in a halt, and reduce every position to nothing.
    Flatten,
}
