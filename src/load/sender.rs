//! The open loop: rows leave at the times of a fixed schedule, whether anybody reads them or not.

use std::io::{self, ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

use market::Timestamp;
use market::feed::{write_ndjson, write_ndjson_sent};

use super::market::{Market, name};
use crate::blueprint::now_ns;

const SECOND_NS: u64 = 1_000_000_000;
/// How soon a socket that took nothing is tried again.
const AGAIN: Duration = Duration::from_millis(1);
/// How long nothing at all may be read.
const PATIENCE: Duration = Duration::from_secs(30);
/// So much is written although the next row is due already.
const BATCH_BYTES: usize = 1 << 14;
/// From here on what is written is cleared away.
const CLEAR_BYTES: usize = 1 << 20;

/// What is sent, and what waits because the daemon does not read.
pub(super) struct Sender {
    stream: UnixStream,
    waiting: String,
    written: usize,
    market: Market,
    instruments: usize,
    /// Rows so far, which also tells whose turn it is.
    pub(super) rows: u64,
}

/// How well the schedule was kept.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Kept {
    /// How late a row was ready at the most, ns.
    pub(super) late_max_ns: i64,
    /// The sum of that, ns.
    pub(super) late_sum_ns: i64,
    /// How many bytes waited at the most.
    pub(super) waiting_max_bytes: usize,
}

impl Sender {
    pub(super) fn new(stream: UnixStream, market: Market, instruments: usize) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        let waiting = String::new();
        Ok(Self { stream, waiting, written: 0, market, instruments, rows: 0 })
    }

    /// Sends so many rows at a rate, each instrument in turn. Each carries its intended time where
    /// `is_measured`.
    ///
    /// # Errors
    /// Where the other side is gone.
    pub(super) fn send(&mut self, rows: u64, rate: u64, is_measured: bool) -> io::Result<Kept> {
        let start_ns = now_ns();
        let mut kept = Kept::default();
        for at in 0..rows {
            let due_ns = start_ns + due_after_ns(at, rate);
            let mut now = now_ns();
            while now < due_ns {
                self.flush()?;
                let left = Duration::from_nanos((due_ns - now_ns()).max(0) as u64);
                thread::sleep(if self.is_idle() { left } else { left.min(AGAIN) });
                now = now_ns();
            }
            kept.late_max_ns = kept.late_max_ns.max(now - due_ns);
            kept.late_sum_ns += now - due_ns;
            self.push(due_ns, is_measured);
            kept.waiting_max_bytes = kept.waiting_max_bytes.max(self.waiting.len() - self.written);
            if self.waiting.len() - self.written >= BATCH_BYTES {
                self.flush()?;
            }
        }
        self.drain()?;
        Ok(kept)
    }

    /// Waits until all is written.
    fn drain(&mut self) -> io::Result<()> {
        let (mut moved, mut left) = (Instant::now(), self.waiting.len() - self.written);
        while !self.is_idle() {
            self.flush()?;
            thread::sleep(AGAIN);
            if left != std::mem::replace(&mut left, self.waiting.len() - self.written) {
                moved = Instant::now();
            }
            if moved.elapsed() > PATIENCE {
                return Err(ErrorKind::TimedOut.into());
            }
        }
        Ok(())
    }

    fn push(&mut self, due_ns: i64, is_measured: bool) {
        let at = (self.rows % self.instruments as u64) as usize;
        self.rows += 1;
        let event = self.market.next(at, Timestamp::from_ns(due_ns));
        if is_measured {
            write_ndjson_sent(&event, &name(at), due_ns, &mut self.waiting);
        } else {
            write_ndjson(&event, &name(at), &mut self.waiting);
        }
    }

    const fn is_idle(&self) -> bool {
        self.written == self.waiting.len()
    }

    /// Writes what the socket takes now.
    fn flush(&mut self) -> io::Result<()> {
        while !self.is_idle() {
            match self.stream.write(&self.waiting.as_bytes()[self.written..]) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(bytes) => self.written += bytes,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if self.is_idle() || self.written >= CLEAR_BYTES {
            self.waiting.drain(..self.written);
            self.written = 0;
        }
        Ok(())
    }
}

/// When the row of that number is due, from the start. No rounding adds up.
const fn due_after_ns(at: u64, rate: u64) -> i64 {
    (at / rate * SECOND_NS + at % rate * SECOND_NS / rate) as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader};

    #[test]
    fn the_schedule_is_even_and_does_not_drift() {
        assert_eq!(
            [0, 1, 2, 3, 4, 6].map(|at| due_after_ns(at, 3)),
            [0, 333_333_333, 666_666_666, 1_000_000_000, 1_333_333_333, 2_000_000_000]
        );
        assert_eq!(due_after_ns(3_600 * 9_999, 9_999), 3_600_000_000_000);
    }

    #[test]
    fn a_schedule_goes_on_while_nobody_reads() {
        const ROWS: u64 = 20_000;
        let (ours, theirs) = UnixStream::pair().expect("a pair");
        let mut sender = Sender::new(ours, Market::new(1, 3), 3).expect("a sender");
        let reader = thread::spawn(move || {
            let lines = BufReader::new(theirs).lines().map(|line| line.expect("text"));
            lines.map(|line| serde_json::from_str::<serde_json::Value>(&line).expect("JSON")).collect()
        });
        let kept = sender.send(ROWS, 1_000_000, true).expect("sent");
        drop(sender);
        let rows: Vec<serde_json::Value> = reader.join().expect("it reads");
        assert_eq!(rows.len() as u64, ROWS);
        assert!(kept.waiting_max_bytes > 1 << 10, "{kept:?}");
        let sent = |at: usize| rows[at]["sent_ns"].as_i64().expect("a time");
        assert!((1..rows.len()).all(|at| sent(at) - sent(at - 1) == 1000), "the intended times");
        assert!(rows.iter().all(|row| row["sent_ns"] == row["time"]));
    }
}
