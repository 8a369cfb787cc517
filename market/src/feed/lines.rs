//! Lines of a stream, in bounded memory: whatever comes, at most two limits' worth of bytes are held.

use std::io::{ErrorKind, Read};

use memchr::{memchr, memchr_iter};

use crate::error::{MarketError, Place};

/// The longest line that is read; a snapshot of a thousand levels a side has some 60 KB.
pub const LINE_LIMIT: usize = 8 << 20;
const FIRST_BUFFER: usize = 256 << 10;

/// How a stream is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packing {
    Plain,
    Gzip,
    Zstd,
}

impl Packing {
    const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

/// Splits a stream into lines. A fault is kept until every whole line before it has been given, and
/// a line that a fault cut short is never given.
pub(crate) struct Lines {
    reader: Box<dyn Read + Send>,
    file: String,
    packing: Packing,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// The number of the line given last.
    line: u64,
    open: bool,
    fault: Option<MarketError>,
}

impl Lines {
    pub(crate) fn new(reader: Box<dyn Read + Send>, file: &str, packing: Packing) -> Self {
        Self {
            reader,
            file: file.to_owned(),
            packing,
            buffer: vec![0; FIRST_BUFFER],
            start: 0,
            end: 0,
            line: 0,
            open: true,
            fault: None,
        }
    }

    pub(crate) fn file(&self) -> &str {
        &self.file
    }

    /// The number of the line given last, from 1.
    pub(crate) const fn number(&self) -> u64 {
        self.line
    }

    /// The place of the line that comes next.
    pub(crate) fn next_place(&self) -> Place {
        self.place_after(0)
    }

    /// The next line without its end, or `None` after the last.
    pub(crate) fn next(&mut self) -> Result<Option<&[u8]>, MarketError> {
        let Some((from, to)) = self.locate(0) else {
            self.start = self.end;
            return self.fault.take().map_or(Ok(None), Err);
        };
        self.start = (to + 1).min(self.end);
        self.line += 1;
        Ok(Some(without_return(&self.buffer[from..to])))
    }

    /// The line that comes after so many others, without taking it; `None` where none can be had.
    pub(crate) fn peek(&mut self, ahead: usize) -> Option<&[u8]> {
        let mut skip = 0;
        for _ in 0..ahead {
            let (_, to) = self.locate(skip)?;
            skip = to + 1 - self.start;
            if self.start + skip > self.end {
                return None;
            }
        }
        let (from, to) = self.locate(skip)?;
        Some(without_return(&self.buffer[from..to]))
    }

    /// Leaves out so many bytes of the line that comes next.
    pub(crate) fn skip(&mut self, bytes: usize) {
        self.start = (self.start + bytes).min(self.end);
    }

    /// The bytes that wait, whole lines or not.
    pub(crate) fn waiting(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Where the line that begins `skip` bytes on begins and ends in the buffer.
    fn locate(&mut self, skip: usize) -> Option<(usize, usize)> {
        let mut scanned = skip;
        loop {
            if let Some(at) = memchr(b'\n', &self.buffer[self.start + scanned..self.end]) {
                return Some((self.start + skip, self.start + scanned + at));
            }
            scanned = self.end - self.start;
            if !self.fill(skip) {
                let last = self.fault.is_none() && scanned > skip;
                return last.then_some((self.start + skip, self.end));
            }
        }
    }

    /// Reads once; `false` at the end or at a fault. `skip` whole lines' bytes stand before the line
    /// that is being read.
    fn fill(&mut self, skip: usize) -> bool {
        if !self.open {
            return false;
        }
        if self.end - self.start - skip >= LINE_LIMIT {
            return self
                .close(Some(MarketError::LineTooLong { place: self.place_after(skip), limit: LINE_LIMIT }));
        }
        self.make_room();
        loop {
            match self.reader.read(&mut self.buffer[self.end..]) {
                Ok(0) => return self.close(None),
                Ok(n) => {
                    self.end += n;
                    return true;
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => {
                    let fault = self.read_fault(&e, skip);
                    return self.close(Some(fault));
                }
            }
        }
    }

    fn make_room(&mut self) {
        if self.start > 0 && (self.start == self.end || self.end == self.buffer.len()) {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.buffer.len() {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
    }

    fn close(&mut self, fault: Option<MarketError>) -> bool {
        self.open = false;
        self.fault = fault;
        false
    }

    /// An error of the system carries its number; one without is the decompressor's.
    fn read_fault(&self, error: &std::io::Error, skip: usize) -> MarketError {
        if self.packing != Packing::Plain && error.raw_os_error().is_none() {
            return MarketError::Compression {
                place: self.place_after(skip),
                kind: self.packing.name(),
                reason: error.to_string(),
            };
        }
        MarketError::Read { file: self.file.clone(), reason: error.to_string() }
    }

    fn place_after(&self, skip: usize) -> Place {
        let lines = memchr_iter(b'\n', &self.buffer[self.start..self.start + skip]).count();
        Place { file: self.file.clone(), line: self.line + 1 + lines as u64 }
    }
}

fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use proptest::prelude::*;

    use super::*;

    /// Gives a text in pieces of one size, then an error if there is one.
    struct Pieces {
        text: Vec<u8>,
        at: usize,
        size: usize,
        error: Option<io::Error>,
    }

    impl Read for Pieces {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let n = self.size.min(out.len()).min(self.text.len() - self.at);
            if n == 0 {
                return self.error.take().map_or(Ok(0), Err);
            }
            out[..n].copy_from_slice(&self.text[self.at..self.at + n]);
            self.at += n;
            Ok(n)
        }
    }

    fn lines(text: &[u8], size: usize, error: Option<io::Error>) -> Lines {
        let pieces = Pieces { text: text.to_vec(), at: 0, size, error };
        Lines::new(Box::new(pieces), "a.csv", Packing::Gzip)
    }

    #[test]
    fn a_fault_comes_after_all_whole_lines_and_names_the_next() {
        let cut = io::Error::new(ErrorKind::UnexpectedEof, "cut");
        let mut lines = lines(b"one\r\ntwo\nthr", 2, Some(cut));
        assert_eq!(lines.peek(1), Some(&b"two"[..]));
        assert_eq!(lines.peek(2), None);
        assert_eq!(lines.next(), Ok(Some(&b"one"[..])));
        assert_eq!(lines.next(), Ok(Some(&b"two"[..])));
        let fault = lines.next().expect_err("the stream is cut");
        assert_eq!(
            fault.to_string(),
            "a.csv:3: the gzip stream is broken here (cut); all rows before it were read; fetch the file again"
        );
        assert_eq!(lines.next(), Ok(None));
    }

    /// One line of zeros without an end, which counts the bytes that were taken of it.
    struct Endless(Arc<AtomicU64>);

    impl Read for Endless {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            if self.0.load(Ordering::Relaxed) >= 1 << 30 {
                return Ok(0);
            }
            out.fill(b'0');
            self.0.fetch_add(out.len() as u64, Ordering::Relaxed);
            Ok(out.len())
        }
    }

    #[test]
    fn a_gigabyte_of_one_line_is_left_unread() {
        let taken = Arc::new(AtomicU64::new(0));
        let reader = io::Cursor::new(b"head\n".to_vec()).chain(Endless(taken.clone()));
        let mut lines = Lines::new(Box::new(reader), "-", Packing::Plain);
        assert_eq!(lines.next(), Ok(Some(&b"head"[..])));
        let fault = lines.next().expect_err("too long");
        assert_eq!(
            fault.to_string(),
            "-:2: the line is longer than 8388608 bytes; are there line ends in the file?"
        );
        assert!(taken.load(Ordering::Relaxed) <= 2 * LINE_LIMIT as u64);
        assert!(lines.buffer.len() <= 2 * LINE_LIMIT);
        assert_eq!(lines.next(), Ok(None));
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(text in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), any::<u8>()], 0..200), size in 1_usize..20) {
            let mut cut = lines(&text, size, None);
            let mut got = Vec::new();
            while let Some(line) = cut.next().expect("no fault") {
                got.push(line.to_vec());
            }
            let mut want: Vec<Vec<u8>> = text.split(|&b| b == b'\n').map(|l| without_return(l).to_vec()).collect();
            if text.last().is_none_or(|&b| b == b'\n') {
                want.pop();
            }
            prop_assert_eq!(cut.number(), want.len() as u64);
            prop_assert_eq!(got, want);
        }
    }
}
