//! What is said on the order socket: one JSON object a line, both ways (docs/venue.md).
//!
//! Prices, quantities and money are whole numbers of 1e-9, times nanoseconds, so every number is
//! exact. An order is named `run:sequence:instrument:k` (G1).

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use market::order::{ClientId, Fill, NewOrder, OrderKind, Report, ReportKind, Request};
use market::{Money, Price, Quantity, Side, Timestamp};
use serde::{Deserialize, Serialize};

/// The longest line a client may send, in bytes.
pub const LINE_LIMIT: usize = 1 << 20;
/// The longest line a venue may answer, in bytes: a state names every order there ever was.
pub const ANSWER_LIMIT: usize = 64 << 20;
/// The longest name of a run, in bytes.
const LONGEST_RUN: usize = 64;

/// The name of an order at a venue: the run that chose it, and its name there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct OrderName {
    /// The run, as its manifest names it.
    pub run: String,
    /// The order's name within it.
    pub id: ClientId,
}

/// Why a text is no name of an order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no order; write run:sequence:instrument:k, the run of 1 to 64 letters, digits, - and _")]
pub struct OrderNameError(String);

/// Whether a text may name a run.
pub(super) fn is_run(text: &str) -> bool {
    (1..=LONGEST_RUN).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

impl fmt::Display for OrderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.run, self.id)
    }
}

impl FromStr for OrderName {
    type Err = OrderNameError;
    fn from_str(text: &str) -> Result<Self, OrderNameError> {
        let parts = text.split_once(':').filter(|(run, _)| is_run(run));
        let parsed = parts.and_then(|(run, id)| Some(Self { run: run.to_owned(), id: id.parse().ok()? }));
        parsed.ok_or_else(|| OrderNameError(text.chars().take(100).collect()))
    }
}

impl From<OrderName> for String {
    fn from(name: OrderName) -> Self {
        name.to_string()
    }
}

impl TryFrom<String> for OrderName {
    type Error = OrderNameError;
    fn try_from(text: String) -> Result<Self, OrderNameError> {
        text.parse()
    }
}

/// What a client says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ToVenue {
    /// Who it is; nothing else is heard before.
    Hello {
        /// The run whose orders these are.
        run: String,
        /// Its instruments in their order, which must be the venue's: ids carry only the rank.
        instruments: Vec<String>,
    },
    /// Place an order.
    Place {
        /// Its name.
        id: OrderName,
        /// Buy or sell.
        side: Side,
        /// What kind.
        kind: OrderKind,
        /// The worst price it may trade at; 0 for a market order.
        price: Price,
        /// How much.
        quantity: Quantity,
    },
    /// Cancel one; of an order that never came, refuse it for ever.
    Cancel {
        /// Which.
        id: OrderName,
    },
    /// Give a resting one a new price and total.
    Replace {
        /// Which.
        id: OrderName,
        /// The new price.
        price: Price,
        /// The new total, what has filled included.
        total: Quantity,
    },
    /// Tell how everything stands.
    Query {
        /// Only fills of a later execution are listed.
        since_execution: u64,
    },
}

impl ToVenue {
    /// A request of a run.
    pub fn of(run: &str, request: &Request) -> Self {
        let name = |id| OrderName { run: run.to_owned(), id };
        match *request {
            Request::Place(NewOrder { id, side, kind, price, quantity }) => {
                Self::Place { id: name(id), side, kind, price, quantity }
            }
            Request::Cancel(id) => Self::Cancel { id: name(id) },
            Request::Replace { id, price, total } => Self::Replace { id: name(id), price, total },
        }
    }
}

/// What a venue says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// To a hello.
    Welcome {
        /// The run it was heard as.
        run: String,
    },
    /// Something happened to an order.
    Report(Told),
    /// How everything stands.
    State(StateAnswer),
    /// A line was not understood, or not allowed.
    Error(String),
}

/// A report of an order, numbered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Its number at this venue; a report that is told again keeps it.
    pub serial: u64,
    /// Of which order.
    pub id: OrderName,
    /// When it happened.
    pub time: Timestamp,
    /// What happened.
    pub kind: ReportKind,
}

impl Told {
    /// The report, for the run whose order it is.
    pub const fn report(&self) -> Report {
        Report { id: self.id.id, time: self.time, kind: self.kind }
    }
}

/// How everything stands at a venue for one run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateAnswer {
    /// When.
    pub time: Timestamp,
    /// The orders that are not finished, by name.
    pub orders: Vec<OrderState>,
    /// The orders that are, and the tombstones, by name.
    pub finished: Vec<Finished>,
    /// The fills since the execution asked for, oldest first.
    pub fills: Vec<VenueFill>,
    /// The position in each instrument that was ever traded.
    pub positions: BTreeMap<String, Quantity>,
    /// The change of cash since the run began, fees included.
    pub cash: Money,
    /// The highest execution.
    pub executions: u64,
}

impl StateAnswer {
    /// The same with nothing of another run.
    pub(super) fn of(mut self, run: &str) -> Self {
        self.orders.retain(|order| order.id.run == run);
        self.finished.retain(|end| end.id.run == run);
        self.fills.retain(|fill| fill.id.run == run);
        self
    }
}

/// An order that is not finished.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderState {
    /// Its name.
    pub id: OrderName,
    /// Buy or sell.
    pub side: Side,
    /// What kind.
    pub kind: OrderKind,
    /// The worst price it may trade at.
    pub price: Price,
    /// How much in all.
    pub total: Quantity,
    /// How much of that has filled.
    pub filled: Quantity,
    /// What remains.
    pub remaining: Quantity,
}

/// An order that is finished.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finished {
    /// Its name.
    pub id: OrderName,
    /// How it ended.
    pub how: How,
    /// How much had filled.
    pub filled: Quantity,
}

/// How an order ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// All of it filled.
    Filled,
    /// What remained was cancelled.
    Cancelled,
    /// The session ended.
    Expired,
    /// It was refused.
    Rejected,
    /// It never came, was cancelled all the same, and is refused from then on.
    Tombstone,
}

/// A fill, and whose it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VenueFill {
    /// The order.
    pub id: OrderName,
    /// When it happened.
    pub time: Timestamp,
    /// The fill.
    pub fill: Fill,
}

#[cfg(test)]
mod tests {
    use market::order::Liquidity;

    use super::*;
    use crate::sockets::to_line;

    #[test]
    fn the_wire_is_what_the_docs_show() {
        let id: OrderName = "r-1:5:0:2".parse().expect("a name");
        let place = r#"{"place":{"id":"r-1:5:0:2","side":"buy","kind":"post_only","price":78318000000000,"quantity":100000}}"#;
        let said: ToVenue = serde_json::from_str(place).expect("a request");
        assert_eq!(to_line(&said), format!("{place}\n"));
        let price = Price::from_units(78_318_000_000_000);
        let quantity = Quantity::from_units(100_000);
        let order = NewOrder { id: id.id, side: Side::Buy, kind: OrderKind::PostOnly, price, quantity };
        assert_eq!(said, ToVenue::of("r-1", &Request::Place(order)));
        let fill = Fill {
            execution: 9,
            side: Side::Buy,
            price,
            quantity,
            fee: Money::from_units(i128::from(i64::MAX) * 2),
            liquidity: Liquidity::Maker,
            remaining: Quantity::ZERO,
        };
        let told = Told { serial: 3, id, time: Timestamp::from_ns(4), kind: ReportKind::Filled(fill) };
        let line = to_line(&Answer::Report(told.clone()));
        assert!(line.contains(r#""fee":18446744073709551614,"#), "{line}");
        assert_eq!(serde_json::from_str::<Answer>(&line).expect("an answer"), Answer::Report(told));
    }

    #[test]
    fn names_that_are_none_are_refused() {
        for text in ["", "r", "r:1:0", ":1:0:0", "a b:1:0:0", "r:x:0:0", &format!("{}:1:0:0", "r".repeat(65))]
        {
            assert!(text.parse::<OrderName>().is_err(), "{text}");
        }
    }
}
