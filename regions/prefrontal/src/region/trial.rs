//! A candidate order before the court: what it would do to the position, the account and the tax books.

use market::order::{ClientId, NewOrder};
use market::tax::TradeDate;
use market::{InstrumentId, Money, Quantity, Side};
use synapse::{Forecast, Sensed};

use super::Prefrontal;
use crate::court::{Candidate, Memory, Ruling, Wash};
use crate::limits::{Exposure, middle};
use crate::orders::add;
use crate::parent::ParentOrder;

impl Prefrontal {
    /// Tests an order; one that replaces another reserves the larger of old rest and new quantity.
    pub(super) fn test(
        &mut self,
        forecast: &Forecast,
        order: &NewOrder,
        replaced: Option<ClientId>,
        parent: Option<&ParentOrder>,
        wash: Wash,
    ) -> Ruling {
        let sensed = forecast.sensed();
        let (instrument, orders) = (sensed.instrument, &self.state.orders);
        let old_rest = orders.of(instrument).find(|(id, _)| Some(*id) == replaced).map(|(_, o)| o.reserved());
        let beyond = old_rest.unwrap_or_default().units().saturating_sub(order.quantity.units()).max(0);
        let reserved = add(orders.reserved(instrument, order.side, replaced), Quantity::from_units(beyond));
        let exposure = Exposure {
            position: orders.position(instrument),
            reserved,
            reserved_opposite: orders.reserved(instrument, order.side.opposite(), None),
            elsewhere: self.elsewhere(instrument),
            mark2: sensed.mark2,
        };
        let memory = Memory {
            orders,
            look_back: &self.state.look_back,
            is_latched: self.latch_of(instrument).is_some(),
            market: self.state.breakers.facts(self.exchange_time(sensed.time), self.params.index_close),
        };
        // what closes a position at a person's word is meant, also where it repeats
        let is_flagged = self.flattens(sensed);
        let candidate = Candidate { order, exposure, parent, wash, is_flagged };
        self.witnesses.hear(forecast, &candidate, memory);
        self.court.judge(forecast, &candidate, memory)
    }

    /// What a tax rule would make of an order (16).
    pub(super) fn wash(&self, sensed: &Sensed, order: &NewOrder) -> Wash {
        let (law, book, id) = (self.court.law(), &self.state.wash, sensed.instrument);
        let date = TradeDate::of(sensed.time, law.utc_offset_min);
        let (washed_loss, washes_loss) = match order.side {
            Side::Sell => {
                (book.sale_washed_by(id, date, order.quantity, order.price).disallowed, Money::ZERO)
            }
            Side::Buy => (Money::ZERO, book.purchase_washes(id, date, order.quantity).disallowed),
        };
        let cost = law.wash.deferral_cost(washed_loss + washes_loss);
        let notional = self.instruments.get(id).notional(order.price, order.quantity).abs();
        let deferral_cost_bp = if cost.units() == 0 { 0.0 } else { cost.to_f64() / notional.to_f64() * 1e4 };
        Wash { washed_loss, washes_loss, deferral_cost_bp }
    }

    /// The notional of all other instruments if everything outstanding fills to the worse side; none where one
    /// of them may be held and has never had a price.
    fn elsewhere(&self, instrument: InstrumentId) -> Option<Money> {
        let mut sum = Money::ZERO;
        for (id, facts) in self.instruments.iter().filter(|(id, _)| *id != instrument) {
            let (orders, position) = (&self.state.orders, self.state.orders.position(id));
            let long = add(position, orders.reserved(id, Side::Buy, None));
            let short = add(-position, orders.reserved(id, Side::Sell, None));
            let worse = long.max(short);
            if !worse.is_zero() {
                sum += facts.notional(middle(*self.state.marks.get(&id)?), worse).abs();
            }
        }
        Some(sum)
    }
}
