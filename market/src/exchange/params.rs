//! What the paper exchange assumes, as configuration and in words.

use crate::num::{Quantity, SCALE};

crate::params! {
    /// What the paper exchange assumes.
    pub struct ExchangeParams in "exchange" {
        /// From a decision to its order's arrival at the venue.
        entry_latency_ns: i64 = 2_000_000, "ns", 1.0, 60e9;
        /// From what happens at the venue to its report at the door.
        response_latency_ns: i64 = 2_000_000, "ns", 1.0, 60e9;
        /// A new order is rejected when the last event of its book is older than this
        /// on arrival: what is shown then may be long gone.
        stale_after_ns: i64 = 10_000_000_000, "ns", 1.0, 9e18;
        /// What a market order pays beyond the open of a bar or the price of a trade,
        /// where there is no book.
        half_spread_bp: Quantity = Quantity::from_units(SCALE), "bp", 0.0, 1000.0;
        /// The most of a bar's or a trade's volume that own orders take together,
        /// where there is no book.
        volume_share: Quantity = Quantity::from_units(SCALE / 10), "1", 0.000000001, 1.0;
    }
}

impl ExchangeParams {
    /// The entry latency, at least 1 ns.
    pub fn entry_ns(&self) -> i64 {
        self.entry_latency_ns.max(1)
    }

    /// The response latency, at least 1 ns.
    pub(super) fn response_ns(&self) -> i64 {
        self.response_latency_ns.max(1)
    }

    /// The assumptions in plain sentences, for every report to print.
    pub fn assumptions(&self) -> Vec<String> {
        vec![
            format!(
                "an order reaches the exchange {} ns after its decision, a report the door {} ns after the fact, both in event time",
                self.entry_ns(),
                self.response_ns()
            ),
            "an order is matched after all feed events of the instant in which it arrives".into(),
            "with an order-by-order book the queue position is exact: a resting order fills when the orders ahead of it are gone and a trade comes, or when an order that crosses it appears".into(),
            "with a book of level totals the queue position is conservative: cancels ahead count pro rata, trades from the front; with best quotes only, an order behind the best waits behind the whole level".into(),
            "a resting order fills at its own price, an arriving one at the prices of the orders it meets; what was taken stays taken".into(),
            format!(
                "a new order is rejected in a halt, while the book is unknown, and when its last event is more than {} ns old; after a gap a resting order loses its place",
                self.stale_after_ns
            ),
            format!(
                "without a book a market order fills at the next open or trade, {} bp of it worse; a limit only where price trades strictly through it; never more than {} of the volume",
                self.half_spread_bp, self.volume_share
            ),
            "own orders have no other impact on the market".into(),
            "maker and taker fees are those of the instrument, on each fill's notional".into(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::{Section, Value};

    #[test]
    fn the_assumptions_carry_the_configured_numbers() {
        let mut params = ExchangeParams::default();
        for (name, value) in [
            ("entry_latency_ns", Value::Int(17)),
            ("response_latency_ns", Value::Int(19)),
            ("stale_after_ns", Value::Int(23)),
            ("half_spread_bp", Value::Text("2.9".into())),
            ("volume_share", Value::Text("0.31".into())),
        ] {
            params.set(name, &value).expect("in bounds");
        }
        let text = params.assumptions().join("\n");
        for number in ["17 ns", "19 ns", "23 ns", "2.9 bp", "0.31 of"] {
            assert!(text.contains(number), "{number} in {text}");
        }
    }

    #[test]
    fn no_latency_is_below_a_nanosecond() {
        let mut params = ExchangeParams::default();
        assert!(params.set("entry_latency_ns", &Value::Int(0)).is_err());
        params.entry_latency_ns = -5;
        params.response_latency_ns = 0;
        assert_eq!((params.entry_ns(), params.response_ns()), (1, 1));
    }
}
