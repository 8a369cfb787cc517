//! The paper exchange (W4): every instrument of a run, fed with history, filling our orders in it.
//!
//! It implements the seam of a real venue: requests go in, reports come out, both late by a
//! configured latency of at least 1 ns of event time. The caller drives it: feed events in the
//! door's order through [`Exchange::on_event`], and [`Exchange::run_arrival`] once the next input is
//! later than [`Exchange::next_arrival`], so that an arriving order is matched after all feed events
//! of its instant.
//!
//! Each instrument has its own copy of the historical book, in which what we took stays taken, and
//! beside it our resting orders. While a book is unknown, or trading halted, nothing fills: resting
//! orders stay, and after a gap they stand at the tails of their levels.

mod desk;
mod l2;
mod l3;
mod matching;
mod own;
mod params;
mod plain;
mod schedule;
mod venue;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::event::MarketEvent;
use crate::instrument::{InstrumentId, Instruments};
use crate::order::{ClientId, RejectReason, Report, ReportKind, Request};
use crate::time::Timestamp;
use desk::{Desk, Outbox};
use schedule::Schedule;
use venue::Venue;

pub use params::ExchangeParams;

/// A request on its way to the exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Arrival {
    decided: Timestamp,
    request: Request,
}

/// The paper exchange.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exchange {
    instruments: Instruments,
    params: ExchangeParams,
    /// By instrument.
    venues: Vec<Venue>,
    arrivals: Schedule<Arrival>,
    outbox: Outbox,
    /// Every order id there ever was: the one thing here that grows with the run, 16 bytes an
    /// order.
    seen: BTreeSet<ClientId>,
}

impl Exchange {
    /// An exchange for these instruments, whose L3 books hold a crossing order for at most
    /// `hold_ns`.
    pub fn new(instruments: &Instruments, params: ExchangeParams, hold_ns: i64) -> Self {
        Self {
            instruments: instruments.clone(),
            venues: vec![Venue::new(hold_ns); instruments.len()],
            arrivals: Schedule::default(),
            outbox: Outbox::new(params.response_ns()),
            seen: BTreeSet::new(),
            params,
        }
    }

    /// The smallest entry latency of any instrument: ε of the simulated regime (L5).
    pub fn entry_latency_min_ns(&self) -> i64 {
        self.params.entry_ns()
    }

    /// What every report prints: the assumptions, with the configured numbers.
    pub fn assumptions(&self) -> Vec<String> {
        self.params.assumptions()
    }

    /// Takes what a feed says; resting orders that it reaches are filled at its time.
    pub fn on_event(&mut self, event: &MarketEvent) {
        if let Some((venue, mut desk)) = self.at(event.instrument, event.time) {
            venue.on_event(event, &mut desk);
        }
    }

    /// Sends a request that was decided at `decided` on its way.
    pub fn submit(&mut self, decided: Timestamp, request: Request) {
        let due = decided.plus(self.params.entry_ns());
        self.arrivals.put(due, Arrival { decided, request });
    }

    /// When the earliest request arrives.
    pub fn next_arrival(&self) -> Option<Timestamp> {
        self.arrivals.next_due()
    }

    /// Lets the earliest request arrive, at its time; of several the first submitted.
    pub fn run_arrival(&mut self) {
        let Some((time, Arrival { decided, request })) = self.arrivals.pop() else {
            return;
        };
        let id = request.id();
        if matches!(request, Request::Place(_)) && !self.seen.insert(id) {
            let reason = RejectReason::DuplicateId;
            self.outbox.tell(time, id, ReportKind::Rejected(reason));
            return;
        }
        match self.at(id.instrument, time) {
            Some((venue, mut desk)) => venue.on_request(&request, decided, &mut desk),
            None => self.outbox.tell(time, id, refusal(&request)),
        }
    }

    /// When the earliest report is due at the door.
    pub fn next_report(&self) -> Option<Timestamp> {
        self.outbox.reports.next_due()
    }

    /// Takes out the earliest report with the time it is due; of several the first made.
    pub fn pop_report(&mut self) -> Option<(Timestamp, Report)> {
        self.outbox.reports.pop()
    }

    /// Ends all working orders at `time`, the end of all feeds: instrument by instrument, buys from
    /// the best price, then sells.
    pub fn expire(&mut self, time: Timestamp) {
        for at in 0..self.venues.len() {
            if let Some((venue, mut desk)) = self.at(InstrumentId(at as u16), time) {
                venue.expire(&mut desk);
            }
        }
    }

    /// An instrument's venue, and its desk at a time.
    fn at(&mut self, id: InstrumentId, time: Timestamp) -> Option<(&mut Venue, Desk<'_>)> {
        let venue = self.venues.get_mut(id.index())?;
        let desk =
            Desk { facts: self.instruments.get(id), params: &self.params, time, outbox: &mut self.outbox };
        Some((venue, desk))
    }
}

/// What is said of a request for an instrument that is not traded here.
fn refusal(request: &Request) -> ReportKind {
    match request {
        Request::Place(_) => ReportKind::Rejected(RejectReason::NoMarket),
        Request::Cancel(_) => ReportKind::CancelRejected(RejectReason::UnknownOrder),
        Request::Replace { .. } => ReportKind::ReplaceRejected(RejectReason::UnknownOrder),
    }
}

#[cfg(test)]
mod tests;
