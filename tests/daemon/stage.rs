//! What puts a daemon into a situation on purpose: a venue, and a line to it that can be held or cut.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use janus::venue::{Answer, How, OrderName, StateAnswer, ToVenue};
use journal::Record;
use market::Price;
use market::order::{ClientId, ReportKind};
use serde_json::Value;

use super::common::{Process, until_status};
use super::place::Place;
use super::tape::{Books, proved};

/// A venue, a line to it, and the journal of a run.
pub struct Stage {
    pub place: Place,
    pub venue: Process,
    pub relay: Arc<Relay>,
    pub journal: PathBuf,
}

impl Stage {
    /// With the venue's arguments.
    pub fn of(place: Place, args: &[&str]) -> Self {
        let venue = place.venue(args);
        let relay = Relay::start(&place);
        let journal = place.journal();
        Self { place, venue, relay, journal }
    }

    /// A daemon that trades over the line.
    pub fn start(&self, journal: &Path) -> Process {
        self.place.trader_at(RELAY, journal, &[])
    }

    /// A venue that knows nothing takes the place of the one there was.
    pub fn forget(&mut self) {
        self.venue.child.kill().expect("killed");
        self.venue.ended();
        self.venue = self.place.venue(&["--speed", "4"]);
    }

    /// How everything stands at the venue.
    pub fn state(&self) -> StateAnswer {
        self.place.at_venue(&self.journal)
    }

    /// Lets a daemon trade to the end of the market; both sides agree then, and no order was sent twice.
    pub fn finish(&self, daemon: Process) -> (Vec<Record>, StateAnswer) {
        let state = self.place.settled(&self.journal);
        let _ = daemon.stop().json();
        let records = proved(&self.journal);
        assert_eq!(Books::of(&records), Books::at(&state), "ours and theirs");
        assert_ids(&self.relay, &state);
        (records, state)
    }
}

/// Waits until both sides agree and nothing is on its way.
pub fn agreed(journal: &Path) -> Value {
    until_status(journal, "an agreement with the venue", |status| {
        status["venue"]["state"] == "reconciled" && status["venue"]["pending"] == 0
    })
}

/// How an order ended at the venue.
pub fn ends(state: &StateAnswer, id: ClientId) -> Vec<How> {
    state.finished.iter().filter(|end| end.id.id == id).map(|end| end.how).collect()
}

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
    /// Whether each fill is told once more, at another price.
    pub false_fills: AtomicBool,
    open: Mutex<Vec<UnixStream>>,
    /// How many cancels have come from the daemons, those too that were lost.
    pub cancels: AtomicU64,
    /// When the first cancel of each order came.
    cancelled: Mutex<BTreeMap<String, Instant>>,
    /// How often the daemons have sent each order.
    placed: Mutex<BTreeMap<String, u64>>,
    /// The first order that was lost on its way.
    lost: Mutex<Option<OrderName>>,
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
            let again = if to_venue { None } else { self.falsified(&line) };
            if again.is_some_and(|again| to.write_all(&again).is_err()) {
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
        if let (Some(ToVenue::Place { id, .. }), true) = (&said, self.deaf.load(Ordering::SeqCst)) {
            self.lost.lock().expect("no panic").get_or_insert_with(|| id.clone());
        }
        let is_cancel = matches!(said, Some(ToVenue::Cancel { .. }));
        self.cancels.fetch_add(u64::from(is_cancel), Ordering::SeqCst);
        if let Some(ToVenue::Cancel { id }) = &said {
            self.cancelled.lock().expect("no panic").entry(id.to_string()).or_insert_with(Instant::now);
        }
        self.deaf.load(Ordering::SeqCst) || (is_cancel && self.stubborn.load(Ordering::SeqCst))
    }

    /// The same fill at another price, where that is wished for.
    fn falsified(&self, line: &[u8]) -> Option<Vec<u8>> {
        let is_wished = self.false_fills.load(Ordering::SeqCst);
        let Answer::Report(mut told) = serde_json::from_slice(line).ok().filter(|_| is_wished)? else {
            return None;
        };
        let ReportKind::Filled(fill) = &mut told.kind else { return None };
        fill.price = Price::from_units(2 * fill.price.units());
        let mut again = serde_json::to_vec(&Answer::Report(told)).expect("JSON");
        again.push(b'\n');
        Some(again)
    }

    /// The first order that was lost on its way.
    pub fn lost(&self) -> Option<OrderName> {
        self.lost.lock().expect("no panic").clone()
    }

    /// How many orders a cancel has come of, and when the last of these first cancels came.
    pub fn cancelled(&self) -> (usize, Option<Instant>) {
        let cancelled = self.cancelled.lock().expect("no panic");
        (cancelled.len(), cancelled.values().max().copied())
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
fn assert_ids(relay: &Relay, state: &StateAnswer) {
    let sent = relay.assert_once();
    let (stones, ended): (Vec<_>, Vec<_>) = state.finished.iter().partition(|end| end.how == How::Tombstone);
    let known: Vec<_> = state.orders.iter().map(|it| &it.id).chain(ended.iter().map(|it| &it.id)).collect();
    assert!(!known.is_empty() && known.len() <= sent, "{} at the venue, {sent} sent", known.len());
    let stood = |id: &OrderName| known.contains(&id) || state.fills.iter().any(|fill| fill.id == *id);
    assert!(!stones.iter().any(|stone| stood(&stone.id)), "placed behind its tombstone");
}
