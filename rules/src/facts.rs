//! The vocabulary: every fact a rule can name, declared once with type, range and meaning.
//!
//! Ranges are in the unit of the type; the checker computes with them what can never be true. A fact
//! over a window is asked for with a constant span, `volatility(i, 5 min)`.

use market::order::OrderKind;
use market::{Money, Price, Quantity, Side};

use crate::number::{
    Bp, Count, Date, Duration, FactValue, InstrumentRow, Rate, Ratio, Symbol, Threat, Weekday,
};
use crate::vocabulary::{FactInfo, Sort, facts};

facts! {
    /// The facts of one order.
    pub struct OrderFacts of Order {
        /// Buy or sell.
        side: Side;
        /// How it trades.
        kind: OrderKind;
        /// How much it asks for.
        quantity: Quantity = -9.3e9 .. 9.3e9;
        /// The worst price it may trade at; a market order has none and its price is absent.
        price: Price = -9.3e9 .. 9.3e9;
        /// What it trades.
        instrument: InstrumentRow;
        /// The signed position if everything outstanding on its side fills, the order included.
        position_after: Quantity = -2.8e10 .. 2.8e10;
        /// What it is worth at its price, or at the reference where it names none.
        notional: Money = 0.0 .. 1e20;
        /// The account's notional if everything outstanding fills to the worse side.
        capital_after: Money = 0.0 .. 1e20;
        /// How far its price is from the reference; nothing for a market order.
        price_distance: Bp = 0.0 .. 1e16;
        /// Whether there is a reference price, finite and positive.
        reference_known: bool;
        /// How old the reference price is.
        reference_age: Duration = 0.0 .. 9.3e9;
        /// How long ago the last order of the same side, price and quantity was approved; absent where there is none.
        same_order_age: Duration = 0.0 .. 9.3e9;
        /// Whether it can only bring the position nearer to zero, whatever fills.
        is_reduction: bool;
        /// Whether a person marked it as meant, so that it is no duplicate.
        is_flagged: bool;
        /// Whether it takes or rests: a new order or a replacement, not a cancel.
        execute: bool;
        /// Whether it is part of a parent order.
        is_child: bool;
        /// What its parent has left to send.
        parent_left: Quantity = 0.0 .. 9.3e9;
        /// The slippage that the cerebellum forecasts.
        forecast_slippage: Bp = -1e6 .. 1e6;
        /// The whole cost that the cerebellum forecasts, fees included.
        forecast_cost: Bp = -1e6 .. 1e6;
        /// What a washed loss would cost by being deferred.
        deferral_cost: Bp = 0.0 .. 1e6;
        /// The loss of this sale that purchases already made would wash.
        washed_loss: Money = 0.0 .. 1e20;
        /// The past losses that this purchase would wash.
        washes_loss: Money = 0.0 .. 1e20;
    }
}

facts! {
    /// The facts of one instrument.
    pub struct InstrumentFacts of Instrument {
        /// Its name.
        name: Symbol;
        /// The position by fills, signed.
        position: Quantity = -9.3e9 .. 9.3e9;
        /// What is outstanding to buy.
        reserved_buys: Quantity = 0.0 .. 9.3e9;
        /// What is outstanding to sell.
        reserved_sells: Quantity = 0.0 .. 9.3e9;
        /// The largest position, long or short.
        limit: Quantity = 1e-9 .. 9.3e9;
        /// The largest quantity of one order.
        order_size_limit: Quantity = 1e-9 .. 9.3e9;
        /// The largest notional of one order.
        notional_limit: Money = 1e-9 .. 1e15;
        /// The largest notional of the whole account.
        capital_limit: Money = 1e-9 .. 1e15;
        /// The farthest a price may be from the reference.
        collar: Bp = 0.001 .. 10000.0;
        /// The most orders and replacements in any second.
        rate_limit: Rate = 1.0 .. 100000.0;
        /// The shortest time between two orders that are the same.
        duplicate_window: Duration = 0.001 .. 86400.0;
        /// Whether its venue has halted it.
        halted: bool;
        /// How long ago its last halt began; absent where there was none.
        halt_age: Duration = 0.0 .. 9.3e9;
        /// The spread of its book.
        spread: Bp = 0.0 .. 20000.0;
        /// The middle of its book, or the last price where there is no book.
        mid: Price = 0.0 .. 9.3e9;
        /// The price that collars are measured from.
        reference: Price = 0.0 .. 9.3e9;
        /// Whether it is a security in the sense of 26 USC 1091.
        is_security: bool;
        /// Whether a sale at a loss that would be washed is forbidden.
        wash_policy_forbids: bool;
    }
}

facts! {
    /// The facts of the account.
    pub struct AccountFacts of Account {
        /// Its name.
        account: Symbol;
        /// What it is worth.
        equity: Money = -1e20 .. 1e20;
        /// What it was worth at the start.
        start_equity: Money = 0.0 .. 1e20;
        /// How far its worth is below its highest, as a share of that.
        drawdown: Ratio = 0.0 .. 1e6;
    }
}

facts! {
    /// The facts of the moment.
    pub struct CalendarFacts of Calendar {
        /// The day, UTC.
        date: Date;
        /// The day of the week, UTC.
        weekday: Weekday;
        /// The time since midnight, UTC.
        time_of_day: Duration = 0.0 .. 86400.0;
    }
}

facts! {
    /// What the brain makes of the moment.
    pub struct PerceptFacts of Percept {
        /// How frightened the amygdala is.
        threat: Threat;
        /// Whether the latch is set.
        latched: bool;
        /// How far the best action stands out from the next.
        margin: Ratio = 0.0 .. 1.0;
        /// How sure recall is of what to expect.
        confidence: Ratio = 0.0 .. 1.0;
    }
}

facts! {
    /// The facts of the market as a whole, for breakers that stop all of it.
    pub struct MarketFacts of Market {
        /// How far the index is below its last close, as a share of that.
        market_drop: Ratio = -1e6 .. 1.0;
        /// How old the index's last price is; absent where it had none today.
        index_age: Duration = 0.0 .. 9.3e9;
        /// The time of day at the exchange.
        exchange_time: Duration = 0.0 .. 86400.0;
        /// When the first breaker was first crossed today, time of day at the exchange; absent where it was not.
        level_1_at: Duration = 0.0 .. 86400.0;
        /// When the second was.
        level_2_at: Duration = 0.0 .. 86400.0;
        /// When the third was.
        level_3_at: Duration = 0.0 .. 86400.0;
    }
}

/// A fact of an instrument over a window of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WindowFact {
    /// How much its price varies over such a span.
    Volatility,
    /// Its mean price.
    MeanPrice,
    /// Its lowest price.
    LowestPrice,
    /// Its highest price.
    HighestPrice,
    /// How many orders and replacements were approved.
    OrdersIn,
    /// What they were worth.
    NotionalIn,
    /// How many fills there were.
    FillsIn,
}

impl WindowFact {
    /// All there are.
    pub const ALL: [Self; 7] = [
        Self::Volatility,
        Self::MeanPrice,
        Self::LowestPrice,
        Self::HighestPrice,
        Self::OrdersIn,
        Self::NotionalIn,
        Self::FillsIn,
    ];

    /// Its declaration.
    #[must_use]
    pub const fn info(self) -> FactInfo {
        let (name, kind, max, meaning) = match self {
            Self::Volatility => {
                ("volatility", Bp::TYPE, 1e6, "The standard deviation of its return over such a span.")
            }
            Self::MeanPrice => ("mean_price", Price::TYPE, 9.3e9, "The mean of its price over the window."),
            Self::LowestPrice => (
                "lowest_price",
                Price::TYPE,
                9.3e9,
                "The lowest price that a second of the window ended with.",
            ),
            Self::HighestPrice => ("highest_price", Price::TYPE, 9.3e9, "The highest of them."),
            Self::OrdersIn => (
                "orders_in",
                Count::TYPE,
                1e9,
                "How many orders and replacements were approved in the window, this one left out.",
            ),
            Self::NotionalIn => {
                ("notional_in", Money::TYPE, 1e20, "What those orders were worth, this one left out.")
            }
            Self::FillsIn => ("fills_in", Count::TYPE, 1e9, "How many fills came in the window."),
        };
        FactInfo { name, sort: Sort::Instrument, kind, min: 0.0, max, meaning }
    }
}

/// The facts of a sort, in the order of their cells; those over windows apart.
#[must_use]
pub const fn facts_of(sort: Sort) -> &'static [FactInfo] {
    match sort {
        Sort::Order => OrderFacts::FACTS,
        Sort::Instrument => InstrumentFacts::FACTS,
        Sort::Account => AccountFacts::FACTS,
        Sort::Calendar => CalendarFacts::FACTS,
        Sort::Percept => PerceptFacts::FACTS,
        Sort::Market => MarketFacts::FACTS,
    }
}

/// A fact that a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// One in a column of its sort.
    Plain(Sort, usize),
    /// One over a window.
    Window(WindowFact),
}

/// The fact of that name; names are unique over all sorts.
pub(crate) fn find(name: &str) -> Option<Found> {
    let column = |sort: Sort| facts_of(sort).iter().position(|f| f.name == name);
    let plain = Sort::ALL.iter().find_map(|sort| column(*sort).map(|at| Found::Plain(*sort, at)));
    let window = || WindowFact::ALL.into_iter().find(|w| w.info().name == name).map(Found::Window);
    plain.or_else(window)
}

/// The names of all facts, for suggestions.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    let plain = Sort::ALL.iter().flat_map(|sort| facts_of(*sort)).map(|f| f.name);
    plain.chain(WindowFact::ALL.into_iter().map(|w| w.info().name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fact_has_a_name_of_its_own_a_range_and_a_sentence() {
        let mut seen: Vec<&str> = names().collect();
        let all = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), all, "a name stands for two facts");
        for info in Sort::ALL.iter().flat_map(|sort| facts_of(*sort)) {
            assert!(info.min < info.max, "{}", info.name);
            assert!(info.meaning.ends_with('.'), "{}: {}", info.name, info.meaning);
        }
    }

    #[test]
    fn a_fact_writes_the_cell_of_its_column() {
        let facts = OrderFacts { quantity: Quantity::from_whole(2), ..OrderFacts::default() };
        let mut cells = vec![0; OrderFacts::FACTS.len()];
        facts.write(&mut cells);
        let Some(Found::Plain(Sort::Order, column)) = find("quantity") else {
            panic!("the quantity is a fact of an order");
        };
        assert_eq!(cells[column], 2_000_000_000);
        assert_eq!(cells.iter().filter(|c| **c != crate::exact::ABSENT).count(), 1);
    }
}
