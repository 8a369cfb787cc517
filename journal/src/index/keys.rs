//! What is filed under which key: one keyspace, a byte for the kind of entry, then big-endian fields,
//! so that the order of the bytes is the order of the numbers.

use bincode::Options;
use market::Timestamp;
use market::order::{ReportKind, Request};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The kinds of entries, by the first byte of their keys; the byte 0 is the index' own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// (time, sequence, instrument): a decision.
    ByTime = 1,
    /// (instrument, sequence) → the name of the reason to rest; nothing where it acted.
    ByInstrument,
    /// (sequence, instrument) → the number of its block.
    Decision,
    /// (client id, sequence, step): what happened to an order.
    Order,
    /// (instrument, sequence it closed at) → the experience.
    Experience,
    /// (sequence) → the hash of the artefact that took effect.
    Activated,
    /// (sequence, number of its block) → the hash of the snapshot.
    Snapshot,
}

/// Their names.
pub const KINDS: [&str; 7] =
    ["by time", "by instrument", "decisions", "order steps", "experiences", "activated", "snapshots"];

fn layout() -> impl Options {
    bincode::DefaultOptions::new().with_fixint_encoding().with_big_endian()
}

/// A key, or the beginning of those whose first fields are these.
pub fn key(kind: Kind, fields: impl Serialize) -> Vec<u8> {
    let mut key = vec![kind as u8];
    let written = layout().serialize_into(&mut key, &fields);
    debug_assert!(written.is_ok(), "numbers fit into memory");
    key
}

/// The fields of a key; none where it was not made of such.
pub fn fields<T: DeserializeOwned>(key: &[u8]) -> Option<T> {
    layout().deserialize(key.get(1..)?).ok()
}

/// A time as a field. The sign is turned over, so that times before 1970 come before those after.
pub fn field_of(time: Timestamp) -> u64 {
    time.ns() as u64 ^ (1 << 63)
}

/// The time of a field.
pub fn time_of(field: u64) -> Timestamp {
    Timestamp::from_ns((field ^ (1 << 63)) as i64)
}

/// What happens to an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OrderStep {
    /// A decision asked for it.
    Placed,
    /// A decision asked to cancel it.
    CancelAsked,
    /// A decision asked to replace it.
    ReplaceAsked,
    /// The gate cancelled it of its own accord.
    CancelSent,
    /// The gate dropped it before it left.
    Lapsed,
    /// It is at the venue.
    Accepted,
    /// The venue refused it.
    Rejected,
    /// A part traded.
    PartlyFilled,
    /// All of it has traded.
    Filled,
    /// What remained was cancelled.
    Cancelled,
    /// The session ended.
    Expired,
    /// It has a new price and quantity.
    Replaced,
    /// A cancel was refused.
    CancelRejected,
    /// A replacement was refused.
    ReplaceRejected,
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
    use market::InstrumentId;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn keys_are_in_the_order_of_their_fields(
            a in any::<(i64, u64, u16)>(),
            b in any::<(i64, u64, u16)>(),
        ) {
            let key = |(time, sequence, instrument): (i64, u64, u16)| {
                key(Kind::ByTime, (field_of(Timestamp::from_ns(time)), sequence, InstrumentId(instrument)))
            };
            prop_assert_eq!(key(a).cmp(&key(b)), a.cmp(&b));
            let back: Option<(u64, u64, u16)> = fields(&key(a));
            let (time, sequence, instrument) = back.expect("it was just made");
            prop_assert_eq!((time_of(time).ns(), sequence, instrument), a);
            prop_assert_eq!(fields::<(u64, u64)>(&key(a)), None, "something is behind it");
            prop_assert!(key(a).starts_with(&super::key(Kind::ByTime, (time, sequence))));
        }
    }
}
