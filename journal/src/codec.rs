//! What a payload is made of, by format. A format that was once written stays readable (J8).

use serde::de::DeserializeOwned;
use synapse::DecisionRecord;
use synapse::bytes::{decode, encode_into};
use zstd::bulk::{Compressor, decompress};

use crate::header::{FORMAT, Header, Kind};
use crate::record::{Decision, Entry, Record};
use crate::{format1, format2, format3};

/// The most that the frames of one block may be.
pub const MAX_RAW_BYTES: usize = 32 << 20;
/// The most that one frame's body may be.
pub const MAX_FRAME_BYTES: usize = 4 << 20;
/// The most that a payload may be: frames that do not compress grow a little.
pub(crate) const MAX_PAYLOAD_BYTES: usize = MAX_RAW_BYTES + (1 << 20);

/// How hard frames are compressed: the least that does anything, as a commit waits for it.
const LEVEL: i32 = 1;

/// What a frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameKind {
    /// An input.
    Input = 1,
    /// A decision.
    Decision = 2,
    /// A decision that was recomputed after a crash.
    LateDecision = 3,
    /// A release.
    Released = 4,
    /// A cut.
    Marker = 5,
    /// A note.
    Note = 6,
}

impl FrameKind {
    const ALL: [Self; 6] =
        [Self::Input, Self::Decision, Self::LateDecision, Self::Released, Self::Marker, Self::Note];

    fn of(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == byte)
    }
}

/// One thing in a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What it holds.
    pub kind: FrameKind,
    /// Its bytes.
    pub body: &'a [u8],
}

/// The codec of a format; none where this build does not know it.
pub fn codec(version: u16) -> Option<&'static Codec> {
    CODECS.iter().find(|codec| codec.version == version)
}

/// Hands over the records of a block in order, each with its frame; none of the first of a run. It fails
/// with what is wrong with the payload, or with what `each` says.
pub(crate) fn each_record(
    header: &Header,
    payload: &[u8],
    mut each: impl FnMut(Frame<'_>, Record) -> Result<(), String>,
) -> Result<(), String> {
    if header.kind == Kind::Genesis {
        return Ok(());
    }
    let codec = codec(header.version).ok_or_else(|| format!("format {} is not known", header.version))?;
    let raw = codec.unpack(payload, header.raw_bytes)?;
    let frames = codec.frames(&raw)?;
    if frames.len() != header.records as usize {
        return Err(format!("it has {} records and its header says {}", frames.len(), header.records));
    }
    frames.into_iter().try_for_each(|frame| each(frame, codec.record(frame)?))
}

/// The records of a block.
pub(crate) fn records(header: &Header, payload: &[u8]) -> Result<Vec<Record>, String> {
    let mut records = Vec::new();
    each_record(header, payload, |_, record| {
        records.push(record);
        Ok(())
    })?;
    Ok(records)
}

/// Appends one entry to the frames of a block, in the format that is written.
pub fn frame(entry: Entry<'_>, into: &mut Vec<u8>) {
    match entry {
        Entry::Input(input) => push(FrameKind::Input, into, |into| encode_into(input, into)),
        Entry::Decision { late, bytes } => {
            let kind = if late { FrameKind::LateDecision } else { FrameKind::Decision };
            push(kind, into, |into| into.extend_from_slice(bytes));
        }
        Entry::Released(released) => push(FrameKind::Released, into, |into| encode_into(released, into)),
        Entry::Marker(marker) => push(FrameKind::Marker, into, |into| encode_into(marker, into)),
        Entry::Note(note) => push(FrameKind::Note, into, |into| encode_into(note, into)),
    }
}

/// The time of the first input among frames, in the format that is written, nanoseconds.
pub(crate) fn first_time_ns(raw: &[u8]) -> Option<i64> {
    let input = frames(raw).map_while(Result::ok).find(|frame| frame.kind == FrameKind::Input)?;
    input.body.get(8..16)?.try_into().ok().map(i64::from_le_bytes)
}

/// What makes payloads of frames, in the format that is written; kept, as making it costs more than
/// using it.
pub(crate) fn packer() -> std::io::Result<Compressor<'static>> {
    Compressor::new(LEVEL)
}

/// One format of payloads: frames of length (4 bytes, little-endian, of the body), kind (1 byte) and body,
/// compressed together by zstd. A body is the canonical bytes of its value; formats differ in the record
/// of a decision.
#[derive(Debug)]
pub struct Codec {
    version: u16,
    decision: fn(&[u8]) -> Result<DecisionRecord, String>,
}

/// Every format that was ever written.
const CODECS: [Codec; 4] = [
    Codec { version: 1, decision: |bytes| body::<format1::DecisionRecord>(bytes).map(Into::into) },
    Codec { version: 2, decision: |bytes| body::<format2::DecisionRecord>(bytes).map(Into::into) },
    Codec { version: 3, decision: |bytes| body::<format3::DecisionRecord>(bytes).map(Into::into) },
    Codec { version: FORMAT, decision: body },
];

const FRAME_HEAD_BYTES: usize = 5;

fn push(kind: FrameKind, into: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    let at = into.len();
    into.extend_from_slice(&[0, 0, 0, 0, kind as u8]);
    body(into);
    let length = (into.len() - at - FRAME_HEAD_BYTES) as u32;
    into[at..at + 4].copy_from_slice(&length.to_le_bytes());
}

/// The frames among some bytes; after an error there is nothing to go on with.
fn frames(mut raw: &[u8]) -> impl Iterator<Item = Result<Frame<'_>, String>> {
    std::iter::from_fn(move || (!raw.is_empty()).then(|| split(&mut raw)))
}

/// The first frame, which is taken off.
fn split<'a>(raw: &mut &'a [u8]) -> Result<Frame<'a>, String> {
    let (head, rest) = raw.split_first_chunk::<FRAME_HEAD_BYTES>().ok_or("the last frame is cut off")?;
    let length = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
    if length > MAX_FRAME_BYTES || length > rest.len() {
        return Err(format!("a frame of {length} bytes stands where {} are left", rest.len()));
    }
    let kind = FrameKind::of(head[4]).ok_or_else(|| format!("frame kind {} is not known", head[4]))?;
    let (body, rest) = rest.split_at(length);
    *raw = rest;
    Ok(Frame { kind, body })
}

fn body<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    decode(bytes).map_err(|error| format!("a record does not decode: {error}"))
}

impl Codec {
    /// The frames that a payload was made of, `raw_bytes` of them.
    ///
    /// # Errors
    /// What is wrong with the payload.
    pub fn unpack(&self, payload: &[u8], raw_bytes: u32) -> Result<Vec<u8>, String> {
        let raw_bytes = raw_bytes as usize;
        if raw_bytes > MAX_RAW_BYTES {
            return Err(format!("its {raw_bytes} bytes of frames are beyond the {MAX_RAW_BYTES} of a block"));
        }
        let raw = decompress(payload, raw_bytes)
            .map_err(|error| format!("its payload does not unpack to {raw_bytes} bytes: {error}"))?;
        if raw.len() != raw_bytes {
            return Err(format!("its payload unpacks to {} bytes, not {raw_bytes}", raw.len()));
        }
        Ok(raw)
    }

    /// Takes frames apart.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn frames<'a>(&self, raw: &'a [u8]) -> Result<Vec<Frame<'a>>, String> {
        frames(raw).collect()
    }

    /// What a frame says.
    ///
    /// # Errors
    /// What is wrong with its body.
    pub fn record(&self, frame: Frame<'_>) -> Result<Record, String> {
        let decision = |late| {
            let record = (self.decision)(frame.body)?;
            Ok(Record::Decision(Box::new(Decision { late, record })))
        };
        match frame.kind {
            FrameKind::Input => body(frame.body).map(Record::Input),
            FrameKind::Decision => decision(false),
            FrameKind::LateDecision => decision(true),
            FrameKind::Released => body(frame.body).map(Record::Released),
            FrameKind::Marker => body(frame.body).map(Record::Marker),
            FrameKind::Note => body(frame.body).map(Record::Note),
        }
    }
}

#[cfg(test)]
mod tests {
    use market::Timestamp;
    use proptest::prelude::*;
    use synapse::{Input, InputKind, Tick};

    use super::*;
    use crate::record::{Hash, Marker, Note};

    fn input(time_ns: i64) -> Input {
        Input { sequence: 9, time: Timestamp::from_ns(time_ns), kind: InputKind::Tick(Tick::default()) }
    }

    #[test]
    fn frames_come_back_through_a_payload_and_tell_their_first_time() {
        let marker = Marker { sequence: 9, time: Timestamp::from_ns(4), state: Hash([7; 32]) };
        let note = Note::Closed { wall_ns: 12 };
        let mut raw = Vec::new();
        assert_eq!(first_time_ns(&raw), None);
        for entry in [Entry::Note(&note), Entry::Input(&input(-4)), Entry::Marker(&marker)] {
            frame(entry, &mut raw);
        }
        assert_eq!(first_time_ns(&raw), Some(-4));
        let payload = packer().and_then(|mut packer| packer.compress(&raw)).expect("it was just written");
        let codec = newest();
        assert_eq!(codec.unpack(&payload, raw.len() as u32).expect("it was just written"), raw);
        assert!(codec.unpack(&payload, raw.len() as u32 + 1).is_err());
        assert!(codec.unpack(&payload, raw.len() as u32 - 1).is_err());
        assert!(codec.unpack(&payload, u32::MAX).is_err(), "more than a block may hold");
        let records: Vec<Record> = codec
            .frames(&raw)
            .expect("it was just written")
            .into_iter()
            .map(|frame| codec.record(frame).expect("it was just written"))
            .collect();
        assert_eq!(records, [Record::Note(note), Record::Input(input(-4)), Record::Marker(marker)]);
    }

    #[test]
    fn a_frame_that_is_longer_than_what_is_left_is_refused() {
        let mut raw = Vec::new();
        frame(Entry::Input(&input(1)), &mut raw);
        for length in [raw.len() as u32, u32::MAX] {
            let mut wrong = raw.clone();
            wrong[..4].copy_from_slice(&length.to_le_bytes());
            assert!(newest().frames(&wrong).is_err());
        }
        raw[4] = 0;
        assert!(newest().frames(&raw).is_err(), "no such kind");
    }

    fn newest() -> &'static Codec {
        codec(FORMAT).expect("it is the one written")
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken_apart_without_a_panic(kind in 0u8..8, bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut raw = Vec::new();
            raw.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
            raw.push(kind);
            raw.extend_from_slice(&bytes);
            let known = FrameKind::of(kind).is_some();
            let frames = newest().frames(&raw);
            prop_assert_eq!(frames.is_ok(), known);
            for frame in frames.unwrap_or_default() {
                let _ = newest().record(frame);
            }
            let _ = newest().unpack(&bytes, 1000);
        }
    }
}
