//! The way to no position at all: reductions inside the collar, judged like every order.

use market::num::SCALE;
use market::order::{ClientId, NewOrder, OrderKind};
use market::{Instrument, Price, Quantity};
use synapse::{Forecast, Outcome, Reason, Sensed};

use super::act::farthest;
use super::{Conclusion, Prefrontal, side_of};
use crate::limits::Limits;
use crate::orders::{Order, OrderState};

impl Prefrontal {
    /// Whether an operator wants every position closed.
    pub const fn is_flattening(&self) -> bool {
        self.state.flattening
    }

    /// Whether this sample is of a position that is to be closed.
    pub(super) const fn flattens(&self, sensed: &Sensed) -> bool {
        self.state.flattening && !sensed.account.position.is_zero()
    }

    /// The next order on the way to no position. It goes alone: whatever was outstanding is over by then,
    /// so it cannot cross zero whatever fills.
    pub(super) fn flatten(&mut self, forecast: &Forecast) -> Conclusion {
        let sensed = forecast.sensed();
        let (instrument, position) = (sensed.instrument, sensed.account.position);
        // what was sent to be filled at once ends by itself
        let is_over_soon =
            |order: &Order| order.kind == OrderKind::ImmediateOrCancel && order.state == OrderState::Sent;
        let cancels = self.cancels(instrument, |order| !is_over_soon(order));
        if !cancels.is_empty() {
            return Outcome::Act(cancels).into();
        }
        let unanswered = self.state.orders.of(instrument).count() as u32;
        if unanswered > 0 {
            return Outcome::Rest(Reason::AwaitingVenue { unanswered }).into();
        }
        let (Some(side), Some(mark2)) = (side_of(position.units().saturating_neg()), sensed.mark2) else {
            return Outcome::Rest(Reason::StaleBook { book: sensed.book }).into();
        };
        let (facts, limits) = (self.instruments.get(instrument), &self.limits[instrument.index()]);
        let price = farthest(side, mark2, limits.collar, facts.tick);
        if position.abs() < facts.lot {
            let reason = Reason::BelowMinimumSize { size: position.abs(), lot: facts.lot };
            return Outcome::Rest(reason).into();
        }
        let quantity = slice(position.abs(), limits, facts, price);
        let id = ClientId { sequence: sensed.sequence, instrument, k: 0 };
        let kind = OrderKind::ImmediateOrCancel;
        self.propose(forecast, NewOrder { id, side, kind, price, quantity }, None)
    }
}

/// What one order takes off what is held, at least a lot: in whole lots, and no more than one order may be,
/// or every one would be refused.
fn slice(held: Quantity, limits: &Limits, facts: &Instrument, price: Price) -> Quantity {
    let one = Quantity::from_units(SCALE);
    let payable = match facts.notional(price, one).units() {
        each @ 1.. => limits.notional.units().saturating_mul(i128::from(SCALE)) / each,
        _ => i128::MAX,
    };
    let payable = Quantity::from_units(i64::try_from(payable).unwrap_or(i64::MAX));
    held.min(limits.order_size).min(payable).floor_to(facts.lot).max(facts.lot)
}
