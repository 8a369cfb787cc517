//! What waits for the disk: frames in one stretch of bytes, cut into blocks as they come, and what
//! of it may be called complete.

use crate::codec::MAX_FRAME_BYTES;
use crate::{Entry, Head};

/// The frames that become one block.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Piece {
    /// Where it ends in the bytes; it begins where the one before ends.
    pub end: usize,
    /// How many frames.
    pub records: u32,
    /// The head behind the last of them.
    pub head: Head,
    /// The last input all of whose decisions stand in this piece or before it.
    pub complete: u64,
}

/// Frames and their cuts: what is handed to the writer at once.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    bytes: Vec<u8>,
    pieces: Vec<Piece>,
}

impl Batch {
    /// The pieces with their bytes, in order.
    pub fn pieces(&self) -> impl Iterator<Item = (Piece, &[u8])> {
        let mut begin = 0;
        self.pieces.iter().map(move |piece| {
            let bytes = &self.bytes[begin..piece.end];
            begin = piece.end;
            (*piece, bytes)
        })
    }

    /// Empties it and keeps its room, up to `bytes`.
    pub fn clear(&mut self, bytes: usize) {
        self.bytes.clear();
        self.bytes.shrink_to(bytes);
        self.pieces.clear();
    }
}

/// The buffer between those who append and the one who writes.
#[derive(Debug)]
pub(crate) struct Buffer {
    batch: Batch,
    block_bytes: usize,
    buffer_bytes: usize,
    /// The last input that lacks no decision.
    pub complete: u64,
    /// The last input that is durable with its decisions once everything handed over is.
    pub covered: u64,
    /// How many frames ever came.
    pub appended: u64,
}

impl Buffer {
    /// An empty one, behind inputs that lack no decision up to `complete`.
    pub fn new(block_bytes: usize, buffer_bytes: usize, complete: u64) -> Self {
        let batch = Batch::default();
        Self { batch, block_bytes, buffer_bytes, complete, covered: complete, appended: 0 }
    }

    /// Adds a frame, which `encode` appends to the bytes it is given; `false`, and nothing changed,
    /// where it has to wait for room. A frame larger than the whole buffer is taken alone.
    ///
    /// # Errors
    /// Where the frame is larger than any reader takes; nothing changed.
    pub fn push(
        &mut self,
        entry: Entry<'_>,
        head: Head,
        encode: impl FnOnce(Entry<'_>, &mut Vec<u8>),
    ) -> Result<bool, String> {
        let begin = self.batch.bytes.len();
        if begin >= self.buffer_bytes {
            return Ok(false);
        }
        encode(entry, &mut self.batch.bytes);
        let end = self.batch.bytes.len();
        let (bytes, fits) = (end - begin, end <= self.buffer_bytes || begin == 0);
        if bytes > MAX_FRAME_BYTES || !fits {
            self.batch.bytes.truncate(begin);
            let what = format!("a record of {bytes} bytes is beyond the {MAX_FRAME_BYTES} of a frame");
            return if bytes > MAX_FRAME_BYTES { Err(what) } else { Ok(false) };
        }
        if let Entry::Input(input) = entry {
            self.complete(input.sequence.saturating_sub(1));
        }
        self.cut(end, head);
        self.appended += 1;
        Ok(true)
    }

    /// Says that every decision of this input, and of those before it, was appended.
    pub fn complete(&mut self, sequence: u64) {
        self.complete = self.complete.max(sequence);
        match self.batch.pieces.last_mut() {
            Some(piece) => piece.complete = self.complete,
            None => self.covered = self.complete,
        }
    }

    /// Puts the frame into the open piece, or opens another where that would grow too large.
    fn cut(&mut self, end: usize, head: Head) {
        let pieces = &mut self.batch.pieces;
        let from = pieces.len().checked_sub(2).map_or(0, |before| pieces[before].end);
        match pieces.last_mut() {
            Some(open) if end - from <= self.block_bytes => {
                open.end = end;
                open.records += 1;
                open.head = head;
            }
            _ => pieces.push(Piece { end, records: 1, head, complete: self.complete }),
        }
    }

    /// Hands over what waits and takes an empty batch for it.
    pub fn swap(&mut self, batch: &mut Batch) {
        std::mem::swap(&mut self.batch, batch);
        self.covered = self.complete;
    }

    /// Whether a whole block waits, and more.
    pub fn has_a_block(&self) -> bool {
        self.batch.pieces.len() > 1
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.batch.pieces.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use market::Timestamp;
    use proptest::prelude::*;
    use synapse::{Input, InputKind, NoticeKind};

    use super::*;
    use crate::Note;

    /// What may be done to a buffer.
    #[derive(Debug, Clone)]
    enum Act {
        Input(usize),
        Other(usize),
        Complete,
        Swap,
    }

    fn acts() -> impl Strategy<Value = Vec<Act>> {
        let act = prop_oneof![
            (1_usize..40).prop_map(Act::Input),
            (1_usize..40).prop_map(Act::Other),
            Just(Act::Complete),
            Just(Act::Swap),
        ];
        prop::collection::vec(act, 1..120)
    }

    fn push(buffer: &mut Buffer, input: Option<u64>, sequence: u64, mark: u8, bytes: usize) -> bool {
        let note = Note::Closed { wall_ns: 0 };
        let kind = InputKind::Notice(NoticeKind::EndOfStream);
        let input = input.map(|sequence| Input { sequence, time: Timestamp::from_ns(0), kind });
        let entry = input.as_ref().map_or(Entry::Note(&note), Entry::Input);
        let head = Head { sequence, ..Head::default() };
        buffer.push(entry, head, |_, into| into.resize(into.len() + bytes, mark)).expect("small enough")
    }

    proptest! {
        /// Whatever is done: bytes come out once and in order, no piece is larger than a block unless
        /// it is one frame, the buffer keeps its bound, and nothing is called complete whose frames
        /// were not all handed over before.
        #[test]
        fn pieces_are_whole_and_complete_only_when_they_are(acts in acts()) {
            let mut buffer = Buffer::new(50, 100, 0);
            let mut batch = Batch::default();
            let (mut sequence, mut mark) = (0_u64, 0_u8);
            // the marks of all frames, with the input they belong to, and those handed over
            let (mut frames, mut out) = (Vec::new(), Vec::new());
            let mut last_of = std::collections::BTreeMap::new();
            let (mut completed, mut told) = (0, 0);
            for act in acts {
                match act {
                    Act::Input(bytes) if push(&mut buffer, Some(sequence + 1), sequence + 1, mark, bytes) => {
                        sequence += 1;
                        frames.push((mark, bytes));
                    }
                    Act::Other(bytes) if push(&mut buffer, None, sequence, mark, bytes) => frames.push((mark, bytes)),
                    Act::Complete => {
                        buffer.complete(sequence);
                        completed = sequence;
                    }
                    Act::Swap => {
                        batch.clear(100);
                        buffer.swap(&mut batch);
                        for (piece, bytes) in batch.pieces() {
                            prop_assert!(bytes.len() <= 50 || piece.records == 1);
                            out.extend_from_slice(bytes);
                            told = told.max(piece.complete);
                            let needed = last_of.range(..=told).map(|(_, end)| *end).max().unwrap_or(0);
                            prop_assert!(out.len() >= needed, "{told} told after {} of {needed} bytes", out.len());
                        }
                        prop_assert!(told <= buffer.covered);
                    }
                    Act::Input(_) | Act::Other(_) => continue,
                }
                mark = mark.wrapping_add(u8::from(!matches!(act, Act::Swap | Act::Complete)));
                if sequence > completed {
                    last_of.insert(sequence, frames.iter().map(|(_, bytes)| bytes).sum::<usize>());
                }
                prop_assert!(buffer.batch.bytes.len() <= 100);
            }
            batch.clear(100);
            buffer.swap(&mut batch);
            batch.pieces().for_each(|(_, bytes)| out.extend_from_slice(bytes));
            let all: Vec<u8> = frames.iter().flat_map(|(mark, bytes)| vec![*mark; *bytes]).collect();
            prop_assert_eq!(out, all);
            prop_assert_eq!(buffer.appended, frames.len() as u64);
        }
    }

    #[test]
    fn a_piece_that_ends_within_an_input_does_not_tell_it() {
        let mut buffer = Buffer::new(10, 100, 0);
        let mut batch = Batch::default();
        assert!(push(&mut buffer, Some(1), 1, 0, 6));
        assert!(push(&mut buffer, None, 1, 1, 6));
        assert!(push(&mut buffer, Some(2), 2, 2, 6));
        buffer.swap(&mut batch);
        let complete: Vec<u64> = batch.pieces().map(|(piece, _)| piece.complete).collect();
        assert_eq!(complete, [0, 1, 1]);
        buffer.complete(2);
        assert_eq!(buffer.covered, 2);
        assert!(push(&mut buffer, Some(3), 3, 3, 6));
        buffer.complete(3);
        assert_eq!(buffer.covered, 2, "3 still waits");
    }

    #[test]
    fn a_frame_larger_than_the_buffer_goes_alone() {
        let mut buffer = Buffer::new(10, 20, 0);
        assert!(push(&mut buffer, None, 0, 0, 1));
        assert!(!push(&mut buffer, None, 0, 1, 50), "not behind another");
        let mut batch = Batch::default();
        buffer.swap(&mut batch);
        assert!(push(&mut buffer, None, 0, 1, 50));
        assert!(!push(&mut buffer, None, 0, 2, 1), "the buffer is full");
    }
}
