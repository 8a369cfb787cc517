//! What puts a daemon into a situation on purpose: a line to the venue that can be held or cut, and
//! tapes that end where they are wanted to.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::Shutdown;
use std::os::unix::fs::FileExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use janus::venue::{How, OrderName, StateAnswer, ToVenue};
use journal::{BlockAt, Entry, Head, Journal, Options, Reader, Record};
use synapse::Outcome;

use super::common::Place;

/// Where a [`Relay`] listens, beside the venue.
pub const RELAY: &str = "relay.sock";

/// A line to a venue's order socket, in which words may be lost on the way.
#[derive(Default)]
pub struct Relay {
    /// Whether what the daemon says is lost.
    pub deaf: AtomicBool,
    /// Whether its cancels are.
    pub stubborn: AtomicBool,
    /// Whether what the venue says is lost.
    pub dumb: AtomicBool,
    /// Whether no connection is made.
    pub down: AtomicBool,
    open: Mutex<Vec<UnixStream>>,
    /// How often the daemons have sent each order.
    placed: Mutex<BTreeMap<String, u64>>,
}

impl Relay {
    /// Listens beside a venue.
    pub fn start(place: &Place) -> Arc<Self> {
        let relay = Arc::<Self>::default();
        let listener = UnixListener::bind(place.path(RELAY)).expect("a socket");
        let (venue, own) = (place.path("v/orders.sock"), Arc::clone(&relay));
        thread::spawn(move || listener.incoming().flatten().for_each(|client| own.join(client, &venue)));
        relay
    }

    fn join(self: &Arc<Self>, client: UnixStream, venue: &Path) {
        let (false, Ok(venue)) = (self.down.load(Ordering::SeqCst), UnixStream::connect(venue)) else {
            return;
        };
        let copy = |stream: &UnixStream| stream.try_clone().expect("a copy");
        self.open.lock().expect("no panic").extend([copy(&client), copy(&venue)]);
        for (from, to, to_venue) in [(copy(&client), copy(&venue), true), (venue, client, false)] {
            let relay = Arc::clone(self);
            thread::spawn(move || relay.carry(from, to, to_venue));
        }
    }

    fn carry(&self, from: UnixStream, mut to: UnixStream, to_venue: bool) {
        let (mut reader, mut line) = (BufReader::new(&from), Vec::new());
        while let Ok(1..) = reader.read_until(b'\n', &mut line) {
            let is_lost = if to_venue { self.loses(&line) } else { self.dumb.load(Ordering::SeqCst) };
            if !is_lost && to.write_all(&line).is_err() {
                break;
            }
            line.clear();
        }
        for end in [&from, &to] {
            // the other direction may have closed it already
            let _ = end.shutdown(Shutdown::Both);
        }
    }

    /// Notes what the daemon says; whether that is lost.
    fn loses(&self, line: &[u8]) -> bool {
        let said = serde_json::from_slice(line).ok();
        if let Some(ToVenue::Place { id, .. }) = &said {
            *self.placed.lock().expect("no panic").entry(id.to_string()).or_default() += 1;
        }
        let is_cancel = matches!(said, Some(ToVenue::Cancel { .. }));
        self.deaf.load(Ordering::SeqCst) || (is_cancel && self.stubborn.load(Ordering::SeqCst))
    }

    /// Asserts that no order was sent twice; how many were sent.
    pub fn assert_once(&self) -> usize {
        let placed = self.placed.lock().expect("no panic");
        let twice: Vec<_> = placed.iter().filter(|(_, times)| **times > 1).collect();
        assert!(twice.is_empty(), "orders that were sent more than once: {twice:?}");
        placed.len()
    }

    /// Cuts every connection.
    pub fn cut(&self) {
        for stream in self.open.lock().expect("no panic").drain(..) {
            // it may be closed already
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Lets every word pass, and connections be made.
    pub fn mend(&self) {
        for fault in [&self.deaf, &self.stubborn, &self.dumb, &self.down] {
            fault.store(false, Ordering::SeqCst);
        }
    }
}

/// Asserts that no client id was sent twice, that what stands at the venue was sent, and that nothing
/// stands there of an id with a tombstone.
pub fn assert_ids(relay: &Relay, state: &StateAnswer) {
    let sent = relay.assert_once();
    let (stones, ended): (Vec<_>, Vec<_>) = state.finished.iter().partition(|end| end.how == How::Tombstone);
    let known: Vec<_> = state.orders.iter().map(|it| &it.id).chain(ended.iter().map(|it| &it.id)).collect();
    assert!(!known.is_empty() && known.len() <= sent, "{} at the venue, {sent} sent", known.len());
    let stood = |id: &OrderName| known.contains(&id) || state.fills.iter().any(|fill| fill.id == *id);
    assert!(!stones.iter().any(|stone| stood(&stone.id)), "placed behind its tombstone");
}

/// A journal of the same run that a crash has left behind the first `records` of its records, the
/// `last` of which stand in a block of their own. Snapshots stay behind.
pub fn cut(from: &Path, to: &Path, records: usize, last: usize) -> PathBuf {
    let reader = Reader::open(from).expect("a tape");
    fs::create_dir_all(to.join("artefacts")).expect("a folder");
    for artefact in fs::read_dir(from.join("artefacts")).expect("a folder") {
        let artefact = artefact.expect("a file");
        fs::copy(artefact.path(), to.join("artefacts").join(artefact.file_name())).expect("copied");
    }
    let journal = Journal::create(to, reader.manifest(), &Options::default()).expect("a journal");
    let mut head = Head::default();
    for (at, record) in reader.records().take(records).enumerate() {
        if at + last == records {
            journal.wait().expect("written");
        }
        match record.expect("whole") {
            Record::Input(input) => {
                (head.sequence, head.time_ns) = (input.sequence, input.time.ns());
                journal.append(Entry::Input(&input), head);
            }
            Record::Decision(decision) => {
                let bytes = decision.record.to_bytes();
                head.digest.push(&bytes);
                head.latched = decision.record.verdict.latch.is_some();
                journal.append(Entry::Decision { late: decision.late, bytes: &bytes }, head);
            }
            Record::Released(released) => journal.append(Entry::Released(&released), head),
            Record::Marker(marker) => journal.append(Entry::Marker(&marker), head),
            // whoever writes says himself when he began and ended
            Record::Note(_) => {}
        }
    }
    journal.wait().expect("written");
    to.to_owned()
}

/// Where the first record stands that is as wanted.
pub fn place_of(records: &[Record], what: &str, is_it: impl Fn(&Record) -> bool) -> usize {
    records.iter().position(is_it).unwrap_or_else(|| panic!("no {what} on the tape"))
}

/// Whether a record is a decision to ask something of the venue.
pub fn acts(record: &Record) -> bool {
    matches!(record, Record::Decision(decision) if matches!(decision.record.verdict.outcome, Outcome::Act(_)))
}

/// Writes over a block, from a byte of it on.
pub fn overwrite(journal: &Path, block: &BlockAt, from: u64, bytes: &[u8]) {
    let file =
        fs::OpenOptions::new().write(true).open(journal.join("tape").join(block.file())).expect("a file");
    file.write_all_at(bytes, block.offset + from).expect("written");
}
