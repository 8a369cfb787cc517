//! What is filed under which key: one keyspace, a byte for the kind of entry, then big-endian fields,
//! so that the order of the bytes is the order of the numbers.

use market::order::{ClientId, ReportKind, Request};
use market::{InstrumentId, Timestamp};
use synapse::reason::Spec;
use synapse::{Outcome, Reason};

macro_rules! kinds {
    ($($(#[doc = $meaning:literal])+ $variant:ident $name:literal;)*) => {
        /// The kinds of entries. None is ever changed once it is written.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Kind { $($(#[doc = $meaning])+ $variant,)* }

        impl Kind {
            /// Their names.
            pub const NAMES: [&'static str; [$($name),*].len()] = [$($name),*];
        }
    };
}

kinds! {
    /// (time, sequence, instrument): a decision.
    ByTime "by time";
    /// (instrument, sequence) → how it ended.
    ByInstrument "by instrument";
    /// (sequence, instrument) → the number of its block.
    Decision "decisions";
    /// (client id, sequence, step): what happened to an order.
    Order "order steps";
    /// (instrument, sequence it closed at) → the experience.
    Experience "experiences";
    /// (sequence) → the hash of the artefact that took effect.
    Activated "activated";
    /// (sequence, number of its block) → the hash of the snapshot.
    Snapshot "snapshots";
}

/// A key as it is written.
pub struct Key(Vec<u8>);

impl Key {
    /// The beginning of all keys of a kind. The byte 0 is the index' own.
    pub fn of(kind: Kind) -> Self {
        Self(vec![kind as u8 + 1])
    }

    /// The kind that a key says to be of, as an index into [`Kind::NAMES`].
    pub fn kind(key: &[u8]) -> Option<usize> {
        let at = usize::from(*key.first()?).checked_sub(1)?;
        (at < Kind::NAMES.len()).then_some(at)
    }

    pub fn number(mut self, number: u64) -> Self {
        self.0.extend(number.to_be_bytes());
        self
    }

    pub fn short(mut self, number: u16) -> Self {
        self.0.extend(number.to_be_bytes());
        self
    }

    pub fn byte(mut self, byte: u8) -> Self {
        self.0.push(byte);
        self
    }

    /// The sign is turned over, so that times before 1970 come before those after.
    pub fn time(self, time: Timestamp) -> Self {
        self.number(time.ns() as u64 ^ (1 << 63))
    }

    pub fn instrument(self, instrument: InstrumentId) -> Self {
        self.short(instrument.0)
    }

    pub fn client(self, id: &ClientId) -> Self {
        self.number(id.sequence).instrument(id.instrument).short(id.k)
    }

    pub fn bytes(self) -> Vec<u8> {
        self.0
    }
}

/// A key as it is read, field after field behind its kind.
pub struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub fn of(key: &'a [u8]) -> Self {
        Self(key.get(1..).unwrap_or_default())
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*field)
    }

    pub fn number(&mut self) -> Option<u64> {
        self.take().map(u64::from_be_bytes)
    }

    pub fn short(&mut self) -> Option<u16> {
        self.take().map(u16::from_be_bytes)
    }

    pub fn byte(&mut self) -> Option<u8> {
        self.take().map(u8::from_be_bytes)
    }

    pub fn time(&mut self) -> Option<Timestamp> {
        Some(Timestamp::from_ns((self.number()? ^ (1 << 63)) as i64))
    }

    pub fn instrument(&mut self) -> Option<InstrumentId> {
        self.short().map(InstrumentId)
    }
}

/// How a decision ended, in a byte: 0 for requests, else one more than the place of the reason.
pub fn outcome_byte(outcome: &Outcome) -> u8 {
    match outcome {
        Outcome::Act(_) => 0,
        Outcome::Rest(reason) => {
            let place = Reason::ALL.iter().position(|spec| spec.name == reason.name());
            place.map_or(u8::MAX, |at| at as u8 + 1)
        }
    }
}

/// How a decision ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// With requests.
    Acted,
    /// Without, for the reason of that name.
    Rested(&'static str),
}

impl Ended {
    pub(super) fn read(byte: u8) -> Option<Self> {
        let reason = |at: u8| Reason::ALL.get(usize::from(at)).map(|spec: &Spec| Self::Rested(spec.name));
        byte.checked_sub(1).map_or(Some(Self::Acted), reason)
    }
}

macro_rules! steps {
    ($($(#[doc = $meaning:literal])+ $variant:ident;)*) => {
        /// What happens to an order. The bytes on disk are the places in this list: append only.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum OrderStep { $($(#[doc = $meaning])+ $variant,)* }

        impl OrderStep {
            const ALL: &'static [Self] = &[$(Self::$variant,)*];
        }
    };
}

steps! {
    /// A decision asked for it.
    Placed;
    /// A decision asked to cancel it.
    CancelAsked;
    /// A decision asked to replace it.
    ReplaceAsked;
    /// The gate cancelled it of its own accord.
    CancelSent;
    /// The gate dropped it before it left.
    Lapsed;
    /// It is at the venue.
    Accepted;
    /// The venue refused it.
    Rejected;
    /// A part traded.
    PartlyFilled;
    /// All of it has traded.
    Filled;
    /// What remained was cancelled.
    Cancelled;
    /// The session ended.
    Expired;
    /// It has a new price and quantity.
    Replaced;
    /// A cancel was refused.
    CancelRejected;
    /// A replacement was refused.
    ReplaceRejected;
}

impl OrderStep {
    pub(super) fn read(byte: u8) -> Option<Self> {
        Self::ALL.get(usize::from(byte)).copied()
    }

    /// Whether it says where the order stands; the others are questions, and answers that change nothing.
    pub const fn is_state(self) -> bool {
        !matches!(
            self,
            Self::CancelAsked
                | Self::ReplaceAsked
                | Self::CancelSent
                | Self::Replaced
                | Self::CancelRejected
                | Self::ReplaceRejected
        )
    }

    /// Whether an input tells of it, and not a decision.
    pub const fn is_told(self) -> bool {
        !matches!(self, Self::Placed | Self::CancelAsked | Self::ReplaceAsked)
    }

    /// Whether nothing more can happen to the order.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Lapsed | Self::Rejected | Self::Filled | Self::Cancelled | Self::Expired)
    }
}

impl From<&Request> for OrderStep {
    fn from(request: &Request) -> Self {
        match request {
            Request::Place(_) => Self::Placed,
            Request::Cancel(_) => Self::CancelAsked,
            Request::Replace { .. } => Self::ReplaceAsked,
        }
    }
}

impl From<&ReportKind> for OrderStep {
    fn from(kind: &ReportKind) -> Self {
        match kind {
            ReportKind::Accepted => Self::Accepted,
            ReportKind::Rejected(_) => Self::Rejected,
            ReportKind::Filled(_) if kind.is_terminal() => Self::Filled,
            ReportKind::Filled(_) => Self::PartlyFilled,
            ReportKind::Cancelled { .. } => Self::Cancelled,
            ReportKind::Expired { .. } => Self::Expired,
            ReportKind::Replaced { .. } => Self::Replaced,
            ReportKind::CancelRejected(_) => Self::CancelRejected,
            ReportKind::ReplaceRejected(_) => Self::ReplaceRejected,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_step_and_every_reason_is_its_byte() {
        for (byte, step) in (0..).zip(OrderStep::ALL) {
            assert_eq!((*step as u8, OrderStep::read(byte)), (byte, Some(*step)));
        }
        assert_eq!(OrderStep::read(OrderStep::ALL.len() as u8), None);
        let halted = Outcome::Rest(Reason::Halted {});
        assert_eq!(Ended::read(outcome_byte(&halted)), Some(Ended::Rested("halted")));
        let names = (1..).map_while(Ended::read).filter_map(|ended| match ended {
            Ended::Rested(name) => Some(name),
            Ended::Acted => None,
        });
        assert!(names.eq(Reason::ALL.iter().map(|spec| spec.name)));
        assert!(Reason::ALL.len() < usize::from(u8::MAX));
    }

    proptest! {
        #[test]
        fn keys_are_in_the_order_of_their_fields(
            a in any::<(i64, u64, u16)>(),
            b in any::<(i64, u64, u16)>(),
        ) {
            let key = |(time, sequence, instrument): (i64, u64, u16)| {
                let key = Key::of(Kind::ByTime).time(Timestamp::from_ns(time)).number(sequence);
                key.instrument(InstrumentId(instrument)).bytes()
            };
            prop_assert_eq!(key(a).cmp(&key(b)), a.cmp(&b));
            let bytes = key(a);
            let mut fields = Fields::of(&bytes);
            let back = (fields.time(), fields.number(), fields.instrument(), fields.byte());
            let want = (Some(Timestamp::from_ns(a.0)), Some(a.1), Some(InstrumentId(a.2)), None);
            prop_assert_eq!(back, want);
            prop_assert_eq!(Key::kind(&bytes), Some(Kind::ByTime as usize));
        }
    }
}
