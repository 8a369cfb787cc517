//! Where orders go: the paper exchange in this process, or a venue outside of it.

use std::collections::VecDeque;

use market::exchange::Exchange;
use market::order::{Report, Request};
use market::{MarketEvent, Timestamp};
use serde::{Deserialize, Serialize};

/// The other side of the gate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Broker {
    /// The paper exchange: part of the fold.
    Paper(Box<Exchange>),
    /// A venue process: what goes out and what came in are carried by a shell.
    Venue(Desk),
}

/// What lies between gate, door and a venue outside.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Desk {
    /// Requests on their way out; what was not sent is no part of a state.
    #[serde(skip)]
    outgoing: VecDeque<Request>,
    /// Reports that wait at the door, oldest first.
    #[serde(skip)]
    incoming: VecDeque<Report>,
    /// How long a request takes to the venue at least: ε of L5.
    entry_ns: i64,
}

impl Desk {
    /// A desk in front of a venue that is so far away.
    pub fn new(entry_ns: i64) -> Self {
        Self { entry_ns, ..Self::default() }
    }
}

impl Broker {
    /// The smallest time a request takes.
    pub fn entry_latency_min_ns(&self) -> i64 {
        match self {
            Self::Paper(exchange) => exchange.entry_latency_min_ns(),
            Self::Venue(desk) => desk.entry_ns,
        }
    }

    /// The paper exchange, where that is it.
    pub fn paper(&self) -> Option<&Exchange> {
        match self {
            Self::Paper(exchange) => Some(exchange),
            Self::Venue(_) => None,
        }
    }

    pub(super) fn on_event(&mut self, event: &MarketEvent) {
        if let Self::Paper(exchange) = self {
            exchange.on_event(event);
        }
    }

    pub(super) fn submit(&mut self, time: Timestamp, request: Request) {
        match self {
            Self::Paper(exchange) => exchange.submit(time, request),
            Self::Venue(desk) => desk.outgoing.push_back(request),
        }
    }

    pub(super) fn next_arrival(&self) -> Option<Timestamp> {
        self.paper().and_then(Exchange::next_arrival)
    }

    pub(super) fn run_arrival(&mut self) {
        if let Self::Paper(exchange) = self {
            exchange.run_arrival();
        }
    }

    /// When the next report is due; what a venue has told is due at once.
    pub(super) fn next_report(&self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Paper(exchange) => exchange.next_report(),
            Self::Venue(desk) => desk.incoming.front().map(|_| now),
        }
    }

    pub(super) fn pop_report(&mut self) -> Option<Report> {
        match self {
            Self::Paper(exchange) => exchange.pop_report().map(|(_, report)| report),
            Self::Venue(desk) => desk.incoming.pop_front(),
        }
    }

    pub(super) fn expire(&mut self, time: Timestamp) {
        if let Self::Paper(exchange) = self {
            exchange.expire(time);
        }
    }

    /// Lets a report of the venue wait at the door.
    pub fn deliver(&mut self, report: Report) {
        if let Self::Venue(desk) = self {
            desk.incoming.push_back(report);
        }
    }

    /// Whether reports of a venue wait at the door.
    pub fn has_reports(&self) -> bool {
        matches!(self, Self::Venue(desk) if !desk.incoming.is_empty())
    }

    /// The next request that is to go to the venue.
    pub fn next_request(&mut self) -> Option<Request> {
        match self {
            Self::Paper(_) => None,
            Self::Venue(desk) => desk.outgoing.pop_front(),
        }
    }
}
