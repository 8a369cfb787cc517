//! Who trades: the order connections.

use std::net::Shutdown;
use std::os::unix::net::UnixStream;

use super::outlet::{Item, Outlet, PATIENCE};
use super::wire::Answer;
use crate::sockets::to_line;

/// How many there may be.
const MOST: usize = 64;

/// The order connections, by number.
#[derive(Debug, Default)]
pub(super) struct Traders(Vec<Trader>);

/// One of them.
#[derive(Debug)]
struct Trader {
    number: u64,
    /// The run it said hello as.
    run: Option<String>,
    outlet: Outlet,
}

impl Traders {
    pub(super) fn add(&mut self, number: u64, stream: UnixStream) {
        if self.0.len() >= MOST {
            // its reader's half is still open; one that has gone already is as good
            let _ = stream.shutdown(Shutdown::Both);
        } else if let Ok(outlet) = Outlet::open(stream, PATIENCE) {
            self.0.push(Trader { number, run: None, outlet });
        }
    }

    pub(super) fn remove(&mut self, number: u64) {
        self.0.retain(|c| c.number != number);
    }

    /// Whether anybody has said hello.
    pub(super) fn is_greeted(&self) -> bool {
        self.0.iter().any(|c| c.run.is_some())
    }

    /// The run a connection has said hello as.
    pub(super) fn run(&self, number: u64) -> Option<String> {
        self.0.iter().find(|c| c.number == number)?.run.clone()
    }

    pub(super) fn greet(&mut self, number: u64, run: &str) {
        if let Some(trader) = self.0.iter_mut().find(|c| c.number == number) {
            trader.run = Some(run.to_owned());
        }
    }

    /// Answers one connection.
    pub(super) fn answer(&mut self, number: u64, answer: &Answer) {
        self.put(&Item::Lines(to_line(answer).into()), |c| c.number == number);
    }

    /// Holds up what one connection is told next.
    pub(super) fn pause(&mut self, number: u64) {
        self.put(&Item::Pause, |c| c.number == number);
    }

    /// Tells every connection of a run.
    pub(super) fn tell(&mut self, run: &str, item: &Item) {
        self.put(item, |c| c.run.as_deref() == Some(run));
    }

    /// Cuts every connection of a run.
    pub(super) fn cut(&mut self, run: &str) {
        self.0.extract_if(.., |c| c.run.as_deref() == Some(run)).for_each(|c| c.outlet.cut());
    }

    /// Ends all connections, after what waits there.
    pub(super) fn finish(&mut self) -> Vec<Outlet> {
        self.0.drain(..).map(|c| c.outlet).collect()
    }

    /// Queues something; who does not read is cut off, and may ask when it is back.
    fn put(&mut self, item: &Item, to: impl Fn(&Trader) -> bool) {
        let refused = |c: &mut Trader| to(c) && c.outlet.put(item.clone()).is_err();
        self.0.extract_if(.., refused).for_each(|c| c.outlet.cut());
    }
}
