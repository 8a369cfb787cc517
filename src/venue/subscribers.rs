//! Who listens to the market.

use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::mpsc::TrySendError;

use super::outlet::{Item, Outlet, PATIENCE, QUEUE};

/// How many there may be.
const MOST: usize = 64;

/// The subscribers to the market.
#[derive(Debug, Default)]
pub(super) struct Subscribers {
    list: Vec<Subscriber>,
    /// How many there were.
    pub(super) count: u64,
    /// How many were cut off because they read too slowly.
    pub(super) too_slow: u64,
}

/// One of them, and what did not fit into its queue.
#[derive(Debug)]
struct Subscriber {
    outlet: Outlet,
    stuck: Option<Item>,
}

impl Subscriber {
    fn put(&mut self, item: Item) {
        if let Err(TrySendError::Full(item)) = self.outlet.put(item) {
            self.stuck = Some(item);
        }
    }
}

impl Subscribers {
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether somebody has not taken what was published last.
    pub(super) fn is_stuck(&self) -> bool {
        self.list.iter().any(|s| s.stuck.is_some())
    }

    /// Lets one in, who is told first how things stand.
    pub(super) fn add(&mut self, stream: UnixStream, picture: Arc<str>) {
        // who cannot be served sees the connection close
        if self.list.len() < MOST
            && let Ok(outlet) = Outlet::open(stream, PATIENCE)
        {
            self.count += 1;
            let mut subscriber = Subscriber { outlet, stuck: None };
            subscriber.put(Item::Lines(picture));
            self.list.push(subscriber);
        }
    }

    /// Tells everybody something new.
    pub(super) fn publish(&mut self, lines: &Arc<str>) {
        self.list.iter_mut().for_each(|s| s.put(Item::Lines(Arc::clone(lines))));
    }

    /// Gives everybody what did not fit before, and forgets who is gone.
    pub(super) fn retry(&mut self) {
        for subscriber in &mut self.list {
            if let Some(item) = subscriber.stuck.take() {
                subscriber.put(item);
            }
        }
        self.list.retain(|s| !s.outlet.is_gone());
    }

    /// Cuts off who has not taken what was published last.
    pub(super) fn cut_slow(&mut self) {
        for slow in self.list.extract_if(.., |s| s.stuck.is_some()) {
            tracing::warn!(queue = QUEUE, "a subscriber reads too slowly and is cut off");
            self.too_slow += 1;
            slow.outlet.cut();
        }
    }

    /// Ends all connections, after what waits there.
    pub(super) fn finish(&mut self) -> Vec<Outlet> {
        self.list.drain(..).map(|s| s.outlet).collect()
    }
}
