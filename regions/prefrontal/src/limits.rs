//! Limits (G2, G8), and what one order would do to them. The rules compare the two; each value is exact, and
//! what is unknown is absent, which no rule lets pass (R5).

use market::order::{NewOrder, OrderKind};
use market::{Instrument, Money, Price, Quantity};

market::params! {
    /// The limits of one instrument. None has a default: without all of them nothing trades.
    pub struct Limits in "limits" {
        /// The largest quantity of one order.
        order_size: Quantity = Quantity::ZERO, "quantity", 1e-9, 9.2e9;
        /// The largest position, long or short, if everything outstanding fills.
        position: Quantity = Quantity::ZERO, "quantity", 1e-9, 9.2e9;
        /// The largest notional of one order.
        notional: Money = Money::ZERO, "currency", 1e-9, 1e15;
        /// The largest notional of all positions of the account if everything outstanding fills; what only
        /// reduces a position passes.
        capital: Money = Money::ZERO, "currency", 1e-9, 1e15;
        /// The farthest an order's price may be from the mid.
        collar: f64 = 0.0, "bp", 0.001, 10_000.0;
        /// The most orders and replacements in any second.
        rate: u32 = 0, "1/s", 1.0, 100_000.0;
        /// The shortest time between two orders of the same side, price and quantity.
        duplicate: u32 = 0, "ms", 1.0, 86_400_000.0;
    }
}

/// What an order is judged in the light of.
#[derive(Debug, Clone, Copy)]
pub struct Exposure {
    /// The position by fills, signed.
    pub position: Quantity,
    /// What else is outstanding on the order's side.
    pub reserved: Quantity,
    /// The notional of everything else the account holds or may come to hold; absent where that has no price.
    pub elsewhere: Option<Money>,
    /// What is outstanding on the other side.
    pub reserved_opposite: Quantity,
    /// Twice the mid; absent where there is none.
    pub mark2: Option<i64>,
}

impl Exposure {
    /// The position on the order's side if everything outstanding there fills, in units; the sides never net.
    fn reach(&self, order: &NewOrder) -> i128 {
        let held = i128::from(self.position.units()) * i128::from(order.side.sign());
        held + i128::from(self.reserved.units()) + i128::from(order.quantity.units())
    }

    /// The signed position if everything outstanding on the order's side fills; absent beyond fixed point.
    pub fn position_after(&self, order: &NewOrder) -> Option<Quantity> {
        i64::try_from(self.reach(order)).ok().map(|reach| order.side.signed(Quantity::from_units(reach)))
    }

    /// Whether an order cannot cross zero, whatever fills (G2).
    pub fn is_reduction(&self, order: &NewOrder) -> bool {
        self.position.units().signum() == -order.side.sign() && self.reach(order) <= 0
    }

    /// Twice the mark, where it is a price.
    pub fn reference2(&self) -> Option<i64> {
        self.mark2.filter(|twice| *twice > 0)
    }

    fn mark(&self) -> Option<Price> {
        self.reference2().map(middle)
    }

    /// What an order is worth: at its own price, or at the mark where it names none.
    pub fn notional(&self, instrument: &Instrument, order: &NewOrder) -> Option<Money> {
        let price = match order.kind {
            OrderKind::Market => self.mark(),
            _ => Some(order.price).filter(|price| price.is_positive()),
        };
        price.map(|price| instrument.notional(price, order.quantity).abs())
    }

    /// The account's notional if everything outstanding fills to the worse side.
    pub fn capital_after(&self, instrument: &Instrument, order: &NewOrder) -> Option<Money> {
        let opposite = i128::from(self.reserved_opposite.units())
            - i128::from(self.position.units()) * i128::from(order.side.sign());
        let worse = i64::try_from(self.reach(order).max(opposite)).unwrap_or(i64::MAX);
        Some(instrument.notional(self.mark()?, Quantity::from_units(worse)).abs() + self.elsewhere?)
    }
}

/// Half of a price, rounded so that what is held at it is worth no less.
pub(crate) const fn middle(twice: i64) -> Price {
    Price::from_units(twice / 2 + twice % 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use market::order::ClientId;
    use market::{InstrumentId, Side};
    use scenes::instrument;

    fn order(price: i64, quantity: i64) -> NewOrder {
        let id = ClientId { sequence: 1, instrument: InstrumentId(0), k: 0 };
        let price = Price::from_whole(price).expect("small");
        NewOrder { id, side: Side::Buy, kind: OrderKind::Limit, price, quantity: whole(quantity) }
    }

    fn whole(quantity: i64) -> Quantity {
        Quantity::from_whole(quantity).expect("in range")
    }

    #[test]
    fn what_has_no_price_is_worth_nothing_that_is_known() {
        let (zero, elsewhere) = (Quantity::ZERO, Some(Money::ZERO));
        let flat =
            Exposure { position: zero, reserved: zero, elsewhere, reserved_opposite: zero, mark2: None };
        for mark2 in [None, Some(0), Some(-5)] {
            let blind = Exposure { mark2, ..flat };
            assert_eq!(
                (blind.capital_after(&instrument(), &order(100, 1)), blind.reference2()),
                (None, None)
            );
            let market = NewOrder { kind: OrderKind::Market, ..order(100, 1) };
            assert_eq!(blind.notional(&instrument(), &market), None);
        }
        for price in [0, -1] {
            assert_eq!(flat.notional(&instrument(), &order(price, 1)), None);
        }
        let much = Exposure { position: whole(9_000_000_000), ..flat };
        assert_eq!(much.position_after(&order(1, 9_000_000_000)), None, "beyond fixed point");
    }
}
