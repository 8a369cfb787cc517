//! The inboxes of a daemon: each feed is read on a thread of its own, and its events are sent into
//! one bounded queue.
//!
//! While the queue is full a thread waits, so a file waits and a socket is no longer read (L7).

mod counters;
mod endpoint;
mod pump;
mod splice;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::thread;
use std::time::Instant;

use market::feed::{self, Format, OpenOptions, Opened};
use market::{MarketEvent, SourceId};

use crate::control::FeedStatus;
use crate::failure::Failure;
use counters::{Counters, Stage};
use endpoint::Endpoint;
use splice::Splice;

pub use endpoint::is_live;

/// What comes from a source.
#[derive(Debug)]
pub enum Arrival {
    /// It said something of the market.
    Event {
        /// What.
        event: MarketEvent,
        /// When it was read.
        read_at: Instant,
        /// When its sender meant to send it, ns since 1970, where that was said.
        sent_ns: Option<i64>,
    },
    /// It is connected, for the first time or again.
    Connected {
        /// Which.
        source: SourceId,
    },
    /// A socket is lost; it is connected again, and a gap comes before its next event.
    Lost {
        /// Which.
        source: SourceId,
        /// Why.
        why: String,
    },
    /// Nothing more will come of it.
    Ended {
        /// Which.
        source: SourceId,
        /// What ended it before its end.
        fault: Option<String>,
    },
}

/// The feeds of a run, opened where that is possible, and not yet read.
pub struct Sources {
    list: Vec<Source>,
    options: OpenOptions,
}

/// One source.
struct Source {
    name: String,
    format: Option<Format>,
    origin: Origin,
}

/// Where events come from.
enum Origin {
    /// A file, or why it cannot be read.
    File(Opened),
    Stdin,
    Socket(Endpoint),
}

impl Sources {
    /// Opens files and folders, and looks whether the other feeds are what can be one.
    ///
    /// Ranks go by place; a folder has two. A file that cannot be read is a source that ends at once.
    ///
    /// # Errors
    /// [`Failure::Input`] for an address that is not one of this machine.
    pub fn open(feeds: &[String], options: &OpenOptions) -> Result<Self, Failure> {
        let mut list: Vec<Source> = Vec::new();
        for name in feeds {
            let options = OpenOptions { source: rank(list.len()), ..options.clone() };
            let live = |format, origin| Source { name: name.clone(), format: Some(format), origin };
            if name == "-" {
                list.push(live(options.format.unwrap_or(Format::Ndjson), Origin::Stdin));
            } else if let Some(endpoint) = Endpoint::parse(name)? {
                list.push(live(Format::Ndjson, Origin::Socket(endpoint)));
            } else {
                list.extend(feed::open(name, &options).into_iter().map(|opened| Source {
                    name: opened.as_ref().map_or_else(|_| name.clone(), |feed| feed.name().to_owned()),
                    format: opened.as_ref().ok().map(|feed| feed.format()),
                    origin: Origin::File(opened),
                }));
            }
        }
        Ok(Self { list, options: options.clone() })
    }

    /// The format of each source that can be read; standard input is taken for our own schema where
    /// nothing else is said.
    pub fn formats(&self) -> impl Iterator<Item = Format> {
        self.list.iter().filter_map(|source| source.format)
    }

    /// Begins to read. `skip` tells how many events of each source, by rank, the tape already has: a
    /// file is read over them, another source numbers its events on and begins with a gap.
    ///
    /// `sink` may block, and gives `false` where nobody listens any more.
    ///
    /// # Errors
    /// [`Failure::Environment`] where the system gives no thread.
    pub fn start<F>(self, skip: &[u64], sink: F) -> Result<Inbox, Failure>
    where
        F: Fn(Arrival) -> bool + Clone + Send + 'static,
    {
        let mut inbox = Inbox { counters: Vec::new() };
        for (at, Source { name, origin, .. }) in self.list.into_iter().enumerate() {
            let counters = Arc::new(Counters::new(name.clone()));
            let seen = skip.get(at).copied().unwrap_or(0);
            let instruments = self.options.names.iter().map(|(_, id)| id).collect();
            let is_numbered = !matches!(origin, Origin::File(_));
            let mut pump = pump::Pump {
                splice: Splice::new(rank(at), instruments, is_numbered, seen),
                options: OpenOptions { source: rank(at), ..self.options.clone() },
                counters: Arc::clone(&counters),
                sink: sink.clone(),
                events: Vec::new(),
            };
            inbox.counters.push(counters);
            let body = move || {
                // whoever no longer listens needs no word of the end
                let _ = pump.run(&name, origin);
            };
            let spawned = thread::Builder::new().name(format!("feed {at}")).spawn(body);
            spawned.map_err(|e| {
                Failure::Environment(format!("no thread for feed {at}: {e}; give fewer feeds"))
            })?;
        }
        Ok(inbox)
    }
}

fn rank(at: usize) -> SourceId {
    SourceId(at as u16)
}

/// The sources that are being read. They are no longer, soon after it is dropped.
#[derive(Debug)]
pub struct Inbox {
    counters: Vec<Arc<Counters>>,
}

impl Inbox {
    /// Notes that an event of a source is being taken, which was read at that moment.
    pub fn taken(&self, source: SourceId, read_at: Instant) {
        if let Some(counters) = self.counters.get(usize::from(source.0)) {
            counters.taken(read_at);
        }
    }

    /// How it stands with each source, in rank order.
    pub fn status(&self) -> Vec<FeedStatus> {
        self.counters.iter().map(|counters| counters.status()).collect()
    }

    /// The first rows with a fault of each source, with place and remedy.
    pub fn faults(&self) -> Vec<String> {
        self.counters.iter().flat_map(|counters| counters.faults()).collect()
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.counters.iter().for_each(|counters| counters.set(Stage::Stopped));
    }
}
