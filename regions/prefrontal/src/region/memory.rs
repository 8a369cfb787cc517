//! What is kept of samples, approvals, fills and commands.

use market::order::{ClientId, Fill, NewOrder, Request};
use market::tax::TradeDate;
use market::time::SECOND_NS;
use market::{InstrumentId, Timestamp};
use synapse::{CommandKind, Fault, Forecast, LatchCause, Outcome, SampleKind, Sensed, Startle};

use super::{Conclusion, Prefrontal};
use crate::NAME;
use crate::orders::add;

impl Prefrontal {
    /// Folds what the sample says into latch and marks; true where a trip begins.
    pub(super) fn prepare(&mut self, forecast: &Forecast) -> Result<bool, Fault> {
        let (sensed, instrument) = (forecast.sensed(), forecast.sensed().instrument);
        let position = self.state.orders.position(instrument);
        if position != sensed.account.position {
            let ledger = sensed.account.position;
            return Err(Fault::new(
                NAME,
                format!("the position by fills is {position}, the ledger's {ledger}"),
            ));
        }
        self.remember(sensed);
        let silent = sensed.kind == SampleKind::Startle(Startle::Stale) && !position.is_zero();
        if silent && self.params.stale_feed_latches {
            self.latched(LatchCause::StaleFeed);
        }
        if !sensed.is_regular() {
            return Ok(false);
        }
        let rearm_after_ns = i64::from(self.params.rearm_after_s) * 1_000_000_000;
        let tripped = self.state.latch.appraise(forecast.threat(), sensed.time, rearm_after_ns);
        if tripped {
            self.state.parents.clear();
        }
        Ok(tripped)
    }

    /// Keeps what rules look back at.
    fn remember(&mut self, sensed: &Sensed) {
        let instrument = sensed.instrument;
        self.witnesses.sampled(sensed);
        self.state.look_back.sampled(sensed, self.court.reach());
        // what is no price makes nothing worth nothing
        if let Some(mark2) = sensed.mark2.filter(|twice| *twice > 0) {
            self.state.marks.insert(instrument, mark2);
        }
        let now = self.exchange_time(sensed.time);
        self.state.breakers.passes(now, self.index);
        if self.index == Some(instrument) && self.is_open(sensed) {
            self.state.breakers.marked(now, sensed, self.params.index_close);
        }
    }

    /// What the clock of the exchange shows, as if it were UTC.
    pub(super) fn exchange_time(&self, now: Timestamp) -> Timestamp {
        now.plus(self.court.law().utc_offset_min.saturating_mul(60 * SECOND_NS))
    }

    /// Reserves what was approved. An order by itself ends the parent that was on its way: what it fills is no
    /// part of that.
    pub(super) fn approve(&mut self, now: Timestamp, instrument: InstrumentId, conclusion: &Conclusion) {
        let Outcome::Act(requests) = &conclusion.outcome else {
            return;
        };
        if requests.iter().any(|request| !matches!(request, Request::Cancel(_))) {
            match &conclusion.parent {
                Some(parent) => _ = self.state.parents.insert(instrument, parent.clone()),
                None => _ = self.state.parents.remove(&instrument),
            }
        }
        for request in requests {
            let counted = match *request {
                Request::Place(order) => Some(order),
                Request::Replace { id, price, total } => {
                    let found = self.state.orders.of(instrument).find(|(at, _)| *at == id);
                    found.map(|(_, at)| {
                        let quantity = add(total, -at.filled);
                        NewOrder { id, side: at.side, kind: at.kind, price, quantity }
                    })
                }
                Request::Cancel(_) => None,
            };
            if let Some(order) = counted {
                let notional = self.instruments.get(instrument).notional(order.price, order.quantity).abs();
                self.state.look_back.approved(now, instrument, &order, notional);
                self.witnesses.approved(now, instrument, &order, notional);
            }
            self.state.orders.approve(request);
        }
    }

    /// Keeps what rules look back at of a fill.
    pub(super) fn filled(&mut self, now: Timestamp, id: ClientId, fill: &Fill) {
        self.state.look_back.filled(now, id.instrument);
        self.witnesses.filled(now, id.instrument);
        let date = TradeDate::of(now, self.court.law().utc_offset_min);
        // an input makes one order an instrument and k, and there are fewer inputs than that
        let order = id.sequence << 16 | u64::from(id.k);
        self.state.wash.on_fill(date, id.instrument, fill, order);
    }

    /// Folds an operator's command.
    pub(super) fn commanded(&mut self, kind: CommandKind) {
        self.state.latch.command(kind);
        match kind {
            CommandKind::Halt => self.state.parents.clear(),
            CommandKind::Flatten => {
                self.state.parents.clear();
                self.state.flattening = true;
            }
            CommandKind::Arm => {
                self.state.flattening = false;
                self.state.quarantined.clear();
            }
        }
    }

    /// Sets the latch. What was on its way in parts does not go on by itself when it opens: by then all of it
    /// would be due.
    pub(super) fn latched(&mut self, cause: LatchCause) {
        self.state.parents.clear();
        self.state.latch.set(cause);
    }
}
