//! What a return tells: disposals and what is left open.

use crate::error::Place;
use crate::num::{Money, Quantity};
use crate::tax::date::{TradeDate, WINDOW_DAYS};
use crate::tax::lot::{Piece, Short};

/// Shares that replace shares sold at a loss.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    /// What was bought.
    pub symbol: String,
    /// In which account.
    pub account: String,
    /// The name of the lot, where it has one.
    pub lot: Option<String>,
    /// When.
    pub acquired: TradeDate,
    /// So many of its shares.
    pub quantity: Quantity,
    /// How much of the loss is disallowed because of them.
    pub amount: Money,
    /// Whether it is lost for ever, and not in the basis of these shares.
    pub is_lost: bool,
}

/// Shares of one lot that were sold together, or a short sale that was closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disposal {
    /// What was sold.
    pub symbol: String,
    /// From which account.
    pub account: String,
    /// The name of the lot, where it has one.
    pub lot: Option<String>,
    /// When it was bought; of a short sale, when it was bought back.
    pub acquired: TradeDate,
    /// Where its holding period begins.
    pub held_from: TradeDate,
    /// When it was sold; of a short sale, when it was closed.
    pub sold: TradeDate,
    /// How much.
    pub quantity: Quantity,
    /// What came in, after fees.
    pub proceeds: Money,
    /// What it had cost, with fees and with losses that were disallowed before.
    pub basis: Money,
    /// When it had been sold short; none for a sale of what was held.
    pub short_since: Option<TradeDate>,
    /// Whether the rule was applied to it.
    pub is_judged: bool,
    /// What replaces it, in the order of acquisition.
    pub replacements: Vec<Replacement>,
    /// The trade that disposed of it.
    pub place: Place,
}

impl Disposal {
    /// Proceeds − basis.
    pub fn gain(&self) -> Money {
        self.proceeds - self.basis
    }

    /// The loss; 0 where there is none.
    pub fn loss(&self) -> Money {
        (-self.gain()).max(Money::ZERO)
    }

    /// The part of the loss that is disallowed.
    pub fn disallowed(&self) -> Money {
        self.replacements.iter().map(|it| it.amount).sum()
    }

    /// The part of the disallowed loss that is in no basis.
    pub fn lost(&self) -> Money {
        self.replacements.iter().filter(|it| it.is_lost).map(|it| it.amount).sum()
    }

    /// The part of the loss that counts.
    pub fn allowed(&self) -> Money {
        self.loss() - self.disallowed()
    }

    /// The gain that counts, or the loss where negative.
    pub fn reported(&self) -> Money {
        self.gain() + self.disallowed()
    }

    /// Shares that nothing replaces.
    pub fn unreplaced(&self) -> Quantity {
        let taken = self
            .replacements
            .iter()
            .fold(Quantity::ZERO, |sum, it| sum.checked_add(it.quantity).unwrap_or(sum));
        self.quantity.checked_sub(taken).unwrap_or(Quantity::ZERO)
    }

    /// Whether it was held for more than a year; a short sale never was.
    pub fn is_long_term(&self) -> bool {
        self.short_since.is_none() && self.sold >= self.held_from.long_term_from()
    }

    /// The code of Form 8949, column (f).
    pub fn code(&self) -> &'static str {
        if self.disallowed().units() == 0 { "" } else { "W" }
    }

    /// The last day on which a purchase can disallow more of its loss; none where none can.
    pub fn open_until(&self) -> Option<TradeDate> {
        let may_wash = self.is_judged && self.loss().units() > 0 && !self.unreplaced().is_zero();
        may_wash.then(|| self.sold.plus(WINDOW_DAYS))
    }
}

/// A lot that is held, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenLot {
    /// What is held.
    pub symbol: String,
    /// In which account.
    pub account: String,
    /// Its name, where it has one.
    pub lot: Option<String>,
    /// Quantity, basis and dates.
    pub piece: Piece,
}

/// What is short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenShort {
    /// What was sold.
    pub symbol: String,
    /// In which account.
    pub account: String,
    /// Quantity, proceeds and date.
    pub short: Short,
}
