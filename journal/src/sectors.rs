//! How a block lies on the disk (J4): it begins at a multiple of 4096 and takes whole pages. Of every
//! sector of 512 bytes the last is a stamp; header, payload and zeros up to the end lie around the
//! stamps. All sectors are written, so one without a stamp never reached the disk.

use crate::JournalError;
use crate::codec;
use crate::disk::DiskFile;
use crate::files::Named;
use crate::header::{HEADER_BYTES, Header};
use crate::record::Hash;

/// Where a block may begin.
pub const PAGE_BYTES: u64 = 4096;
/// What a disk writes whole or not at all.
pub const SECTOR_BYTES: usize = 512;
/// The last byte of a written sector: no single flipped bit makes it zero, or zero it.
pub const STAMP: u8 = 0xA5;

const CONTENT_BYTES: usize = SECTOR_BYTES - 1;
const PAGE_CONTENT_BYTES: u64 = PAGE_BYTES / SECTOR_BYTES as u64 * CONTENT_BYTES as u64;

/// How many bytes of a segment a block takes.
pub fn span(payload_bytes: usize) -> u64 {
    ((HEADER_BYTES + payload_bytes) as u64).div_ceil(PAGE_CONTENT_BYTES) * PAGE_BYTES
}

/// Lays a block out.
pub(crate) fn lay(header: &Header, payload: &[u8], into: &mut Vec<u8>) {
    into.clear();
    into.resize(span(payload.len()) as usize, 0);
    let head = header.to_bytes();
    let (beside, rest) = payload.split_at(payload.len().min(CONTENT_BYTES - HEADER_BYTES));
    let mut sectors = into.chunks_exact_mut(SECTOR_BYTES);
    if let Some(first) = sectors.next() {
        first[..HEADER_BYTES].copy_from_slice(&head);
        first[HEADER_BYTES..HEADER_BYTES + beside.len()].copy_from_slice(beside);
        first[CONTENT_BYTES] = STAMP;
    }
    let mut rest = rest.chunks(CONTENT_BYTES);
    for sector in sectors {
        let content = rest.next().unwrap_or_default();
        sector[..content.len()].copy_from_slice(content);
        sector[CONTENT_BYTES] = STAMP;
    }
}

/// What the first sector of a place where a block may begin tells.
#[derive(Debug, PartialEq)]
pub(crate) enum First {
    /// It was never written, or the file ends before it does.
    Unwritten,
    /// It was written, and is no header.
    Bad(String),
    /// A header whose CRC is right.
    Header(Header),
}

/// Reads a first sector.
pub(crate) fn read_first(file: &Named<impl DiskFile>, offset: u64) -> Result<First, JournalError> {
    let sector = file.part(offset, SECTOR_BYTES as u64)?;
    let Some((head, _)) = sector.split_first_chunk::<HEADER_BYTES>() else { return Ok(First::Unwritten) };
    Ok(match sector.get(CONTENT_BYTES) {
        None | Some(0) => First::Unwritten,
        Some(&STAMP) => match Header::from_bytes(head) {
            Err(why) => First::Bad(why),
            Ok(header) if header.payload_bytes as usize > codec::MAX_PAYLOAD_BYTES => {
                First::Bad(format!("its payload of {} bytes is beyond the limit", header.payload_bytes))
            }
            Ok(header) => First::Header(header),
        },
        Some(other) => First::Bad(bad_stamp(0, *other)),
    })
}

fn bad_stamp(sector: usize, found: u8) -> String {
    format!("the stamp of its sector {sector} is {found:02x} and should be {STAMP:02x}")
}

/// What stands where a block may begin.
#[derive(Debug, PartialEq)]
pub(crate) enum Found {
    /// Part of it was never written, or it is cut off; nothing where not even its header was.
    Torn,
    /// It was written, and is not right.
    Bad(String),
    /// A block that is right in itself, with its payload.
    Whole(Header, Vec<u8>),
}

/// Reads a block.
pub(crate) fn read_block(file: &Named<impl DiskFile>, offset: u64) -> Result<Found, JournalError> {
    let header = match read_first(file, offset)? {
        First::Unwritten => return Ok(Found::Torn),
        First::Bad(why) => return Ok(Found::Bad(why)),
        First::Header(header) => header,
    };
    let span = span(header.payload_bytes as usize);
    let bytes = file.part(offset, span)?;
    Ok(if bytes.len() as u64 == span { judge(header, &bytes) } else { Found::Torn })
}

/// Judges a block by its bytes.
fn judge(header: Header, bytes: &[u8]) -> Found {
    let stamps = || bytes.chunks_exact(SECTOR_BYTES).map(|sector| sector[CONTENT_BYTES]).enumerate();
    if stamps().any(|(_, stamp)| stamp == 0) {
        return Found::Torn;
    }
    if let Some((sector, stamp)) = stamps().find(|(_, stamp)| *stamp != STAMP) {
        return Found::Bad(bad_stamp(sector, stamp));
    }
    let mut content = Vec::with_capacity(bytes.len());
    bytes.chunks_exact(SECTOR_BYTES).for_each(|sector| content.extend_from_slice(&sector[..CONTENT_BYTES]));
    content.drain(..HEADER_BYTES);
    let padding = content.split_off(header.payload_bytes as usize);
    if padding.iter().any(|byte| *byte != 0) {
        return Found::Bad("there is something behind its payload".into());
    }
    if Hash::of(&content) != header.payload {
        return Found::Bad("its payload is not the one its header names".into());
    }
    Found::Whole(header, content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::tests::header;

    fn block(payload: &[u8]) -> (Header, Vec<u8>) {
        let payload_bytes = payload.len() as u32;
        let header = Header { payload_bytes, payload: Hash::of(payload), ..header() };
        let mut bytes = Vec::new();
        lay(&header, payload, &mut bytes);
        (header, bytes)
    }

    #[test]
    fn a_payload_of_any_length_comes_back() {
        for length in [0, 1, 310, 311, 312, 821, 822, 823, 3887, 3888, 3889, 20_000] {
            let payload: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            let (header, bytes) = block(&payload);
            assert_eq!(bytes.len() as u64 % PAGE_BYTES, 0);
            assert_eq!(bytes.len() as u64, if length <= 3888 { 4096 } else { span(length) });
            assert_eq!(judge(header, &bytes), Found::Whole(header, payload), "{length}");
        }
    }

    #[test]
    fn a_lost_sector_is_torn_and_a_changed_one_is_bad_even_where_the_payload_is_zeros() {
        let (header, bytes) = block(&[0; 2000]);
        for sector in 0..8 {
            let mut lost = bytes.clone();
            lost[sector * SECTOR_BYTES..][..SECTOR_BYTES].fill(0);
            assert_eq!(judge(header, &lost), Found::Torn, "{sector}");
        }
        for bit in HEADER_BYTES * 8..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(judge(header, &flipped), Found::Bad(_)), "bit {bit}");
        }
    }
}
