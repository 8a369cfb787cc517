//! What stands behind the end of a tape, before its beginning and in its anchor, judged (J4).

use crate::disk::DiskFile;
use crate::error::JournalError;
use crate::files::failed;
use crate::header::{Header, Kind};
use crate::record::{Note, Record};
use crate::sectors::{Found, PAGE_BYTES, SECTOR_BYTES, STAMP, read_block};
use crate::segments::{self, PIECE_BYTES};
use crate::survey::{BlockAt, Damage, Leftover, Look, Stop, records};

impl<F: DiskFile> Look<F> {
    /// Damage behind the last block.
    fn damage(&self, at: usize, what: String) -> Damage {
        let last = self.survey.blocks.last().map(|last| &last.header);
        Damage {
            file: segments::name(self.survey.segments[at].number),
            block: last.map_or(0, |last| last.number.saturating_add(1)),
            sequence: last.map_or(0, |last| last.sequence_last),
            what,
        }
    }

    /// Decides between torn and damage, and notes what is left over.
    pub fn judge(&mut self, stop: &Stop) -> Result<Option<Damage>, JournalError> {
        if let Some(why) = &stop.why {
            return Ok(Some(self.damage(stop.at, why.clone())));
        }
        if let Found::Bad(why) = self.block(stop.at, stop.offset)? {
            return Ok(Some(self.damage(stop.at, why)));
        }
        let Some(last) = self.survey.blocks.last().map(|last| (last.segment, last.header)) else {
            return Ok(Some(self.damage(stop.at, "the first block is not whole".into())));
        };
        for at in stop.at..self.survey.segments.len() {
            let from = if at == stop.at { stop.offset } else { 0 };
            let (to, good) = self.behind(at, from, last.1.number)?;
            if let Some(number) = good {
                let what = format!("it is not whole, and block {number} behind it is");
                return Ok(Some(self.damage(stop.at, what)));
            }
            if to > from {
                if last.1.kind == Kind::Closed && last.0 == self.survey.segments[at].number {
                    let what = "there is something behind the end of a process".into();
                    return Ok(Some(self.damage(at, what)));
                }
                self.survey.leftovers.push(Leftover { at, from, to });
            }
        }
        Ok(None)
    }

    fn block(&self, at: usize, offset: u64) -> Result<Found, JournalError> {
        let (segment, path) = self.segment(at);
        read_block(&segment.file, offset).map_err(failed(&path, "read"))
    }

    /// Where the last byte of a segment stands that is not zero, and whether there is a whole block
    /// with a number above `last` in it.
    fn behind(&self, at: usize, from: u64, last: u64) -> Result<(u64, Option<u64>), JournalError> {
        let (segment, path) = self.segment(at);
        let (mut to, mut place) = (from, from);
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            let read = segment.file.read_at(place, &mut piece).map_err(failed(&path, "read"))?;
            let Some(byte) = piece[..read].iter().rposition(|byte| *byte != 0) else {
                if read < piece.len() {
                    return Ok((to, None));
                }
                place += read as u64;
                continue;
            };
            to = place + byte as u64 + 1;
            for page in (0..=byte).step_by(PAGE_BYTES as usize) {
                if piece.get(page + SECTOR_BYTES - 1) == Some(&STAMP)
                    && let Found::Whole(header, _) = self.block(at, place + page as u64)?
                    && header.number > last
                {
                    return Ok((to, Some(header.number)));
                }
            }
            place += read as u64;
        }
    }

    /// Whether a tape that does not begin with its first block says that those before were dropped.
    pub fn beginning(&self) -> Result<Option<Damage>, JournalError> {
        let blocks = &self.survey.blocks;
        let Some(first) = blocks.first().map(|block| block.header).filter(|first| first.number > 0) else {
            return Ok(None);
        };
        for block in blocks.iter().rev().filter(|block| block.header.kind == Kind::Dropped) {
            let at = self.survey.segments.partition_point(|segment| segment.number < block.segment);
            let Found::Whole(header, payload) = self.block(at, block.offset)? else { continue };
            if records(&header, &payload)
                .is_ok_and(|records| records.iter().any(|r| says_so(r, &first, blocks)))
            {
                return Ok(None);
            }
        }
        let (file, what) = (
            segments::name(self.survey.segments[0].number),
            "no record says that the blocks before it were dropped",
        );
        let (block, sequence) = (first.number, first.sequence_first.saturating_sub(1));
        Ok(Some(Damage { file, block, sequence, what: what.into() }))
    }

    /// Whether the anchor names a block of this tape (J3).
    pub fn anchor(&self, damage: Option<String>) -> Option<Damage> {
        let last = self.survey.segments.len() - 1;
        if let Some(what) = damage {
            return Some(Damage { file: "anchor".into(), ..self.damage(last, what) });
        }
        let (anchored, first) = (self.survey.anchored?, self.survey.blocks.first()?.header.number);
        let index = usize::try_from(anchored.block.checked_sub(first)?).ok()?;
        let Some(block) = self.survey.blocks.get(index) else {
            let what = format!("the tape ends before the head that was anchored: {anchored}");
            return Some(self.damage(last, what));
        };
        let found = block.header.hash();
        (found != anchored.hash).then(|| Damage {
            file: block.file(),
            block: anchored.block,
            sequence: block.header.sequence_first.saturating_sub(1),
            what: format!("its hash is {found}, and the anchor names {}", anchored.hash),
        })
    }
}

/// Whether a record says that retention dropped what was before `first`. Segments go one by one, so a
/// crash may leave some that the record counts as gone.
fn says_so(record: &Record, first: &Header, blocks: &[BlockAt]) -> bool {
    let Record::Note(Note::Dropped { block, hash, .. }) = record else { return false };
    let Some(index) = block.checked_add(1).and_then(|next| next.checked_sub(first.number)) else {
        return false;
    };
    usize::try_from(index)
        .ok()
        .and_then(|index| blocks.get(index))
        .is_some_and(|next| next.header.previous == *hash)
}
