//! Trades as a file or a journal tells them.

use crate::error::Place;
use crate::instrument::Side;
use crate::num::{Money, Price, Quantity, SCALE};
use crate::tax::date::TradeDate;
use crate::time::Timestamp;

/// The account of a trade that names none.
pub const MAIN_ACCOUNT: &str = "main";

/// A purchase or a sale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trade {
    /// When, which orders the trades of a day.
    pub time: Timestamp,
    /// On which day.
    pub date: TradeDate,
    /// What.
    pub symbol: String,
    /// Bought or sold.
    pub side: Side,
    /// How much, greater than 0.
    pub quantity: Quantity,
    /// The price of one, 0 or more.
    pub price: Price,
    /// Units of currency in one point of price and one of quantity.
    pub multiplier: Quantity,
    /// The fee, negative where it is a rebate.
    pub fee: Money,
    /// In which account.
    pub account: String,
    /// The name of the lot a purchase opens, or the lots a sale takes; empty where nothing is said.
    pub lots: Vec<String>,
    /// The order it executed: executions of one order are one purchase. Else each is its own.
    pub order: Option<String>,
    /// Where it stands.
    pub place: Place,
}

impl Trade {
    /// A trade in the main account, without a fee.
    pub fn new(time: Timestamp, symbol: &str, side: Side, quantity: Quantity, price: Price) -> Self {
        Self {
            time,
            date: TradeDate::of(time, 0),
            symbol: symbol.to_owned(),
            side,
            quantity,
            price,
            multiplier: Quantity::from_units(SCALE),
            fee: Money::ZERO,
            account: MAIN_ACCOUNT.to_owned(),
            lots: Vec::new(),
            order: None,
            place: Place { file: "trades".to_owned(), line: 0 },
        }
    }

    /// Price × quantity, before fees.
    pub fn amount(&self) -> Money {
        Money::notional(self.price, self.quantity, self.multiplier)
    }
}

/// Whether an account of that name is an individual retirement account: one of its words is IRA or Roth.
pub fn is_ira_name(account: &str) -> bool {
    let is_word = |word: &str| {
        let word = word.trim_end_matches(|letter: char| letter.is_ascii_digit());
        ["ira", "roth", "rothira", "sepira"].iter().any(|ira| word.eq_ignore_ascii_case(ira))
    };
    account.split(|letter: char| !letter.is_alphanumeric()).any(is_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ira_is_known_by_its_name() {
        for name in ["ira", "IRA", "Roth IRA", "ira-2", "IRA2", "my_ira", "sep-ira", "Roth"] {
            assert!(is_ira_name(name), "{name}");
        }
        for name in ["main", "moira", "iran fund", "Elvira", "spouse", "", "firas"] {
            assert!(!is_ira_name(name), "{name}");
        }
    }
}
