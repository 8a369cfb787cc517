//! What stands behind the end of a tape, before its beginning and in its anchor, judged (J4).

use crate::anchor::Position;
use crate::codec::records;
use crate::disk::DiskFile;
use crate::error::{Damage, JournalError};
use crate::header::{Header, Kind};
use crate::record::{Note, Record};
use crate::sectors::{Found, PAGE_BYTES, SECTOR_BYTES, STAMP, read_block};
use crate::segments;
use crate::survey::{BlockAt, Leftover, Stop, Survey};

impl<F: DiskFile> Survey<F> {
    /// Damage behind the last block.
    fn damaged(&self, at: usize, why: impl Into<String>) -> Option<Damage> {
        let next = |last: &BlockAt| (last.header.number.saturating_add(1), last.header.sequence_last);
        let (block, sequence) = self.blocks.last().map_or((0, 0), next);
        Some(Damage { block, sequence, segment: segments::name(self.segments[at].number), why: why.into() })
    }

    /// Decides between torn and damage, and notes what is left over.
    pub fn judge(&mut self, stop: &Stop) -> Result<Option<Damage>, JournalError> {
        if let Some(why) = &stop.why {
            return Ok(self.damaged(stop.at, why));
        }
        if let Found::Bad(why) = read_block(&self.segments[stop.at].file, stop.offset)? {
            return Ok(self.damaged(stop.at, why));
        }
        let Some(last) = self.blocks.last().cloned() else {
            return Ok(self.damaged(stop.at, "the first block is not whole"));
        };
        for at in stop.at..self.segments.len() {
            let from = if at == stop.at { stop.offset } else { 0 };
            let (to, good) = self.behind(at, from, last.header.number)?;
            if let Some(number) = good {
                return Ok(self.damaged(stop.at, format!("it is not whole, and block {number} behind it is")));
            }
            if to > from {
                if last.header.kind == Kind::Closed && last.segment == self.segments[at].number {
                    return Ok(self.damaged(at, "there is something behind the end of a process"));
                }
                self.leftovers.push(Leftover { at, from, to });
            }
        }
        Ok(None)
    }

    /// Where the last byte of a segment stands that is not zero, and whether there is a whole block
    /// with a number above `last` in it.
    fn behind(&self, at: usize, from: u64, last: u64) -> Result<(u64, Option<u64>), JournalError> {
        let file = &self.segments[at].file;
        let mut to = from;
        while let Some((place, piece)) = file.written(to.next_multiple_of(PAGE_BYTES))? {
            to = place + piece.len() as u64;
            for page in (0..piece.len()).step_by(PAGE_BYTES as usize) {
                if piece.get(page + SECTOR_BYTES - 1) == Some(&STAMP)
                    && let Found::Whole(header, _) = read_block(file, place + page as u64)?
                    && header.number > last
                {
                    return Ok((to, Some(header.number)));
                }
            }
        }
        Ok((to, None))
    }

    /// Whether a tape that does not begin with its first block says that those before were dropped.
    pub fn beginning(&self) -> Result<Option<Damage>, JournalError> {
        let Some(first) = self.blocks.first().filter(|first| first.header.number > 0) else {
            return Ok(None);
        };
        for block in self.blocks.iter().rev().filter(|block| block.header.kind == Kind::Dropped) {
            let Found::Whole(header, payload) = self.read(block)? else { continue };
            let records = records(&header, &payload).unwrap_or_default();
            if records.iter().any(|record| says_so(record, &first.header, &self.blocks)) {
                return Ok(None);
            }
        }
        Ok(Some(first.damaged("no record says that the blocks before it were dropped")))
    }

    /// Whether the anchor names a block of this tape (J3).
    pub fn anchor(&self, damage: Option<String>) -> Option<Damage> {
        let last = self.segments.len() - 1;
        if let Some(why) = damage {
            return self.damaged(last, why).map(|damage| Damage { segment: "anchor".into(), ..damage });
        }
        let (anchored, first) = (self.anchored?, self.blocks.first()?.header.number);
        let index = usize::try_from(anchored.block.checked_sub(first)?).ok()?;
        let Some(block) = self.blocks.get(index) else {
            return self
                .damaged(last, format!("the tape ends before the head that was anchored: {anchored}"));
        };
        block.is_not(&anchored)
    }
}

impl BlockAt {
    /// That the anchor names another block in the place of this one.
    pub(crate) fn is_not(&self, anchored: &Position) -> Option<Damage> {
        let found = self.header.hash();
        let why = || format!("its hash is {found}, and the anchor names {}", anchored.hash);
        (found != anchored.hash).then(|| self.damaged(why()))
    }
}

/// Whether a record says that retention dropped what was before `first`. Segments go one by one, so a
/// crash may leave some that the record counts as gone.
fn says_so(record: &Record, first: &Header, blocks: &[BlockAt]) -> bool {
    let Record::Note(Note::Dropped { block, hash, .. }) = record else { return false };
    let index = block.checked_add(1).and_then(|next| next.checked_sub(first.number));
    let next = index.and_then(|index| blocks.get(usize::try_from(index).ok()?));
    next.is_some_and(|next| next.header.previous == *hash)
}
