//! Why nothing new may be done, and what is done then: what is outstanding is cancelled.

use market::InstrumentId;
use market::book::BookState;
use market::order::Request;
use smallvec::SmallVec;
use synapse::{Forecast, Outcome, Phase, Reason, SampleKind, Sensed, Signal, ThreatLevel};

use super::{Prefrontal, side_of};
use crate::orders::{Order, OrderState};

impl Prefrontal {
    /// Why nothing new may be done, whatever is proposed.
    pub(super) fn obstacle(&self, forecast: &Forecast) -> Option<Reason> {
        let (sensed, threat, proposal) = (forecast.sensed(), forecast.threat(), forecast.proposal());
        if let SampleKind::Startle(startle) = sensed.kind {
            return Some(Reason::Startled { startle });
        }
        let is_finite = proposal.margin.is_finite() && proposal.margin_needed.is_finite();
        if threat.reading(Signal::NotFinite).exceeded || !is_finite {
            return Some(Reason::NotFinite {});
        }
        if let Some(cause) = self.latch_of(sensed.instrument)
            && !self.flattens(sensed)
            && !self.is_reduction(forecast)
        {
            return Some(Reason::Latched { cause });
        }
        if sensed.halted {
            return Some(Reason::Halted {});
        }
        if sensed.mark2.is_none() || is_blind(sensed.book) {
            return Some(Reason::StaleBook { book: sensed.book });
        }
        if !self.is_open(sensed) {
            return Some(Reason::OutsideSession {});
        }
        // what is held is not held on to because it frightens
        if self.flattens(sensed) {
            return None;
        }
        match threat.phase {
            Phase::WarmingUp { left } | Phase::Calibrating { left } => {
                return Some(Reason::WarmingUp { left });
            }
            Phase::Armed => {}
        }
        // fear lets pass what the latch does: only what brings the position nearer to zero
        if threat.level == ThreatLevel::Calm || self.is_reduction(forecast) {
            return None;
        }
        let feared = threat.exceeded().or_else(|| threat.tripped_by.map(|signal| threat.reading(signal)));
        // wary of nothing in particular: something that belongs to a valid book is absent
        Some(feared.map_or(Reason::StaleBook { book: sensed.book }, |reading| Reason::Frightened {
            signal: reading.signal,
            value: reading.value.unwrap_or(f64::NAN),
            limit: reading.limit.unwrap_or(f64::NAN),
        }))
    }

    /// Whether a sample falls into the hours of its instrument.
    pub(super) fn is_open(&self, sensed: &Sensed) -> bool {
        self.instruments.get(sensed.instrument).session.contains(sensed.time)
    }

    /// Whether what is proposed can only bring the position nearer to zero, whatever fills (G2).
    fn is_reduction(&self, forecast: &Forecast) -> bool {
        let (sensed, proposal) = (forecast.sensed(), forecast.proposal());
        let position = sensed.account.position;
        let wanted = proposal.target.units().saturating_sub(position.units());
        let Some(side) = side_of(wanted) else {
            return false;
        };
        // the order that works already is kept or replaced, not added to; until then all of it may fill
        let working = self.state.orders.of(sensed.instrument).next();
        let resting =
            working.filter(|(_, order)| order.side == side).map_or(0, |(_, order)| order.reserved().units());
        let reserved = self.state.orders.reserved(sensed.instrument, side, working.map(|(id, _)| id));
        let free = position.units().unsigned_abs().saturating_sub(reserved.units().unsigned_abs());
        let most = wanted.unsigned_abs().max(resting.unsigned_abs());
        wanted.signum() == -position.units().signum() && most <= free
    }

    /// Nothing new: what is outstanding is cancelled, or the reason is given.
    pub(super) fn rest(&self, instrument: InstrumentId, reason: Reason) -> Outcome {
        let cancels: SmallVec<[Request; 2]> = self.cancels(instrument, |_| true);
        if cancels.is_empty() { Outcome::Rest(reason) } else { Outcome::Act(cancels) }
    }

    /// Cancels of those of our orders that may still be cancelled.
    pub(super) fn cancels(
        &self,
        instrument: InstrumentId,
        which: impl Fn(&Order) -> bool,
    ) -> SmallVec<[Request; 2]> {
        let open = |order: &Order| !matches!(order.state, OrderState::CancelSent | OrderState::Owed { .. });
        let orders = self.state.orders.of(instrument).filter(|(_, order)| open(order) && which(order));
        orders.map(|(id, _)| Request::Cancel(id)).collect()
    }
}

/// Whether a book gives no price to act on.
fn is_blind(book: BookState) -> bool {
    matches!(book, BookState::Unknown | BookState::OneSided | BookState::Crossed)
}
