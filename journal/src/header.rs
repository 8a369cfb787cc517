//! The header of a block: 200 bytes, little-endian, the first thing in it. The headers chain without
//! the payloads (J1).

use serde::{Deserialize, Serialize};
use synapse::Digest;
use synapse::bytes::{decode, encode_into};

use crate::record::{Hash, Head};

/// How long a header is, in every format.
pub const HEADER_BYTES: usize = 200;
/// The newest format, which is the one written.
pub const FORMAT: u16 = 4;

const MAGIC: [u8; 8] = *b"JANUSBLK";
const DOMAIN: &[u8] = b"janus block 1";

/// What a block is for; in a header it is one byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub enum Kind {
    /// The first of a run: its payload is the manifest.
    #[default]
    Genesis,
    /// Records.
    Records,
    /// Records, among them that retention dropped what was before (J10).
    Dropped,
    /// The last of a process that ended in order.
    Closed,
}

impl From<Kind> for u8 {
    fn from(kind: Kind) -> Self {
        kind as Self
    }
}

impl TryFrom<u8> for Kind {
    type Error = String;
    fn try_from(byte: u8) -> Result<Self, String> {
        let all = [Self::Genesis, Self::Records, Self::Dropped, Self::Closed];
        all.into_iter().find(|kind| *kind as u8 == byte).ok_or_else(|| format!("kind {byte} is not known"))
    }
}

/// What stands before the payload of a block. On the disk its fields follow a magic word, in this order,
/// and a CRC32C follows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Header {
    /// The format of the block.
    pub version: u16,
    /// What it is for.
    pub kind: Kind,
    /// Whether the latch is set after it.
    pub latched: bool,
    /// How many processes wrote the tape before this one.
    pub epoch: u32,
    /// Its number, from 0, without a gap.
    pub number: u64,
    /// How many records it holds.
    pub records: u32,
    /// How long its payload is.
    pub payload_bytes: u32,
    /// How long the payload is when unpacked.
    pub raw_bytes: u32,
    /// The number after the last input before it.
    pub sequence_first: u64,
    /// The number of the last input up to its end: one less than `sequence_first` where it has none.
    pub sequence_last: u64,
    /// The time of its first input, or of the last one before, nanoseconds.
    pub time_first_ns: i64,
    /// The time of the last input up to its end, nanoseconds.
    pub time_last_ns: i64,
    /// The chain over all decisions up to its end (D4).
    pub digest: Digest,
    /// The hash of the run's manifest.
    pub root: Hash,
    /// The hash of the payload.
    pub payload: Hash,
    /// The hash of the header before; of the manifest in the first one.
    pub previous: Hash,
}

impl Header {
    /// Its bytes.
    pub fn to_bytes(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = MAGIC.to_vec();
        encode_into(self, &mut bytes);
        encode_into(&crc32c::crc32c(&bytes), &mut bytes);
        let mut fixed = [0; HEADER_BYTES];
        fixed.copy_from_slice(&bytes);
        fixed
    }

    /// Reads what [`Header::to_bytes`] wrote.
    ///
    /// # Errors
    /// What is wrong with it. A version that is not known is no error here: see [`Header::version`].
    pub fn from_bytes(bytes: &[u8; HEADER_BYTES]) -> Result<Self, String> {
        let (body, said) = bytes.split_at(HEADER_BYTES - 4);
        let Some(fields) = body.strip_prefix(&MAGIC) else {
            return Err("it does not begin as a block does".into());
        };
        let crc = crc32c::crc32c(body);
        if said != crc.to_le_bytes() {
            return Err(format!("the CRC of its header should be {crc:08x}"));
        }
        decode(fields).map_err(|error| format!("its header does not decode: {error}"))
    }

    /// Where the brain is behind it.
    pub(crate) fn head(&self) -> Head {
        let Self { sequence_last: sequence, time_last_ns: time_ns, latched, digest, .. } = *self;
        Head { sequence, time_ns, latched, digest }
    }

    /// What the next header names as the one before.
    pub fn hash(&self) -> Hash {
        Hash::of(&[DOMAIN, &self.to_bytes()].concat())
    }

    /// Whether it may stand behind `before`, whose hash is `hash`.
    ///
    /// # Errors
    /// Why not.
    pub fn follows(&self, before: &Self, hash: &Hash) -> Result<(), String> {
        if before.number.checked_add(1) != Some(self.number) {
            return Err(format!("it says that it is block {}", self.number));
        }
        if self.root != before.root {
            return Err(format!("it is of another run, whose manifest is {}", self.root));
        }
        if self.previous != *hash {
            return Err(format!("it was written behind {} and stands behind {hash}", self.previous));
        }
        let sequence = before.sequence_last;
        if self.sequence_first != sequence.wrapping_add(1) || self.sequence_last < sequence {
            let (first, last) = (self.sequence_first, self.sequence_last);
            return Err(format!("it holds the inputs {first} to {last} and stands behind {sequence}"));
        }
        if self.epoch < before.epoch {
            return Err(format!("its epoch is {} and stands behind {}", self.epoch, before.epoch));
        }
        if self.kind == Kind::Genesis {
            return Err("it is the beginning of a tape and stands in the middle".into());
        }
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn header() -> Header {
        Header {
            version: FORMAT,
            kind: Kind::Records,
            latched: true,
            epoch: 3,
            number: 7,
            records: 2,
            payload_bytes: 100,
            raw_bytes: 200,
            sequence_first: 11,
            sequence_last: 12,
            time_first_ns: -5,
            time_last_ns: 6,
            digest: Digest::default(),
            root: Hash([1; 32]),
            payload: Hash([2; 32]),
            previous: Hash([3; 32]),
        }
    }

    #[test]
    fn every_field_comes_back() {
        let mut all = vec![header()];
        all.push(Header { kind: Kind::Closed, latched: false, sequence_last: 10, ..header() });
        for header in all {
            assert_eq!(Header::from_bytes(&header.to_bytes()), Ok(header));
        }
    }

    #[test]
    fn no_flipped_bit_is_missed() {
        for bit in 0..HEADER_BYTES * 8 {
            let mut bytes = header().to_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(Header::from_bytes(&bytes).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn only_the_next_of_the_same_run_follows() {
        let before = header();
        let hash = before.hash();
        let next = Header { number: 8, sequence_first: 13, sequence_last: 12, previous: hash, ..before };
        assert_eq!(next.follows(&before, &hash), Ok(()));
        let wrong = [
            Header { number: 9, ..next },
            Header { root: Hash([9; 32]), ..next },
            Header { previous: Hash([9; 32]), ..next },
            Header { sequence_first: 14, sequence_last: 14, ..next },
            Header { sequence_last: 11, ..next },
            Header { epoch: 2, ..next },
            Header { kind: Kind::Genesis, ..next },
        ];
        for header in wrong {
            assert!(header.follows(&before, &hash).is_err(), "{header:?}");
        }
    }
}
