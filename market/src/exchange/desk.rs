//! Where reports are written.

use serde::{Deserialize, Serialize};

use super::own::Own;
use super::params::ExchangeParams;
use super::schedule::Schedule;
use crate::instrument::Instrument;
use crate::num::{Price, Quantity};
use crate::order::{ClientId, Fill, Liquidity, Report, ReportKind};
use crate::time::Timestamp;

/// The reports under way, and the count of executions they number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Outbox {
    pub(super) reports: Schedule<Report>,
    executions: u64,
    response_ns: i64,
}

impl Outbox {
    pub(super) fn new(response_ns: i64) -> Self {
        Self { reports: Schedule::default(), executions: 0, response_ns }
    }

    /// Sends a report of what happened at `time`.
    pub(super) fn tell(&mut self, time: Timestamp, id: ClientId, kind: ReportKind) {
        let report = Report { id, time, kind };
        self.reports.put(time.plus(self.response_ns), report);
    }
}

/// An instrument's desk at a moment: the facts and assumptions that hold, and where reports go.
pub(super) struct Desk<'a> {
    pub(super) facts: &'a Instrument,
    pub(super) params: &'a ExchangeParams,
    pub(super) time: Timestamp,
    pub(super) outbox: &'a mut Outbox,
}

impl Desk<'_> {
    pub(super) fn tell(&mut self, id: ClientId, kind: ReportKind) {
        self.outbox.tell(self.time, id, kind);
    }

    pub(super) fn cancel(&mut self, own: &Own) {
        let filled = own.filled;
        self.tell(own.id, ReportKind::Cancelled { filled });
    }

    /// Fills so much of an own order, and reports it with its fee.
    pub(super) fn fill(&mut self, own: &mut Own, price: Price, quantity: Quantity, liquidity: Liquidity) {
        debug_assert!(quantity.is_positive() && quantity <= own.remaining);
        let units = quantity.units();
        own.remaining = Quantity::from_units(own.remaining.units().saturating_sub(units));
        own.filled = Quantity::from_units(own.filled.units().saturating_add(units));
        let fee_bp = match liquidity {
            Liquidity::Maker => self.facts.maker_fee_bp,
            Liquidity::Taker => self.facts.taker_fee_bp,
        };
        self.outbox.executions += 1;
        let fill = Fill {
            execution: self.outbox.executions,
            side: own.side,
            price,
            quantity,
            fee: self.facts.fee(price, quantity, fee_bp),
            liquidity,
            remaining: own.remaining,
        };
        self.tell(own.id, ReportKind::Filled(fill));
    }
}
