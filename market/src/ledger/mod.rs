//! The ledger (W5): positions, FIFO tax lots, profit and loss, fees, cash, equity and drawdown.
//!
//! Money is exact. A fill moves its notional, rounded once, between cash and lots; a lot that is
//! closed in part keeps the remainder of its cost. So over any history, to the last digit:
//!
//! * cash + Σ cost of lots + fees − realised = start,
//! * realised + unrealised − fees = equity − start,
//! * Σ lots = position.
//!
//! One account has one currency; a fill in another is refused.

mod lots;
mod seen;

use serde::{Deserialize, Serialize};

use crate::instrument::{InstrumentId, Instruments};
use crate::num::{Money, Quantity};
use crate::order::Fill;

use lots::Holding;
pub use lots::Lot;
pub use seen::Seen;

/// Why a fill was refused; the ledger is as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// No instrument has that number.
    #[error("instrument {0} of a fill is not among the {1} of this run; declare it before it trades")]
    UnknownInstrument(u16, usize),
    /// The instrument's currency is not the account's.
    #[error(
        "{instrument} is priced in {currency}, the account is in {account}; keep it in an account of its own"
    )]
    Currency {
        /// Which instrument.
        instrument: String,
        /// Its currency.
        currency: String,
        /// The account's.
        account: String,
    },
    /// The execution was booked before.
    #[error("execution {0} was booked before; reconcile with the venue")]
    Repeated(u64),
    /// The quantity is not above 0.
    #[error("execution {0} has quantity {1}, and must have more than 0; reconcile with the venue")]
    NotPositive(u64, Quantity),
    /// A sum would leave what exact money can hold.
    #[error("execution {0} would make a position or an amount too large to book; split the account")]
    TooLarge(u64),
}

/// The books of one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    currency: String,
    start: Money,
    cash: Money,
    fees: Money,
    /// By instrument.
    holdings: Vec<Holding>,
    /// Σ of the holdings' values.
    value: Money,
    peak: Money,
    max_drawdown: Money,
    seen: Seen,
}

impl Ledger {
    /// An account in `currency` that starts with so much cash.
    pub fn new(currency: &str, start: Money) -> Self {
        Self {
            currency: currency.to_owned(),
            start,
            cash: start,
            fees: Money::ZERO,
            holdings: Vec::new(),
            value: Money::ZERO,
            peak: start,
            max_drawdown: Money::ZERO,
            seen: Seen::default(),
        }
    }

    /// Books a fill: closes the oldest lots of the other side first, and opens a lot of what is
    /// beyond them.
    ///
    /// # Errors
    /// [`LedgerError`]; the ledger is then unchanged.
    pub fn apply_fill(
        &mut self,
        instruments: &Instruments,
        id: InstrumentId,
        fill: &Fill,
    ) -> Result<(), LedgerError> {
        if id.index() >= instruments.len() {
            return Err(LedgerError::UnknownInstrument(id.0, instruments.len()));
        }
        let instrument = instruments.get(id);
        if instrument.currency != self.currency {
            return Err(LedgerError::Currency {
                instrument: instrument.name.clone(),
                currency: instrument.currency.clone(),
                account: self.currency.clone(),
            });
        }
        if !fill.quantity.is_positive() {
            return Err(LedgerError::NotPositive(fill.execution, fill.quantity));
        }
        if self.seen.contains(fill.execution) {
            return Err(LedgerError::Repeated(fill.execution));
        }
        let change = match self.holding(id) {
            Some(holding) => holding.plan(fill, instrument.multiplier)?,
            None => Holding::default().plan(fill, instrument.multiplier)?,
        };
        let (cash, fees) = (self.cash - change.paid - fill.fee, self.fees + fill.fee);
        if !lots::fits(cash) || !lots::fits(fees) {
            return Err(LedgerError::TooLarge(fill.execution));
        }
        (self.cash, self.fees) = (cash, fees);
        self.seen.insert(fill.execution);
        self.revalue(id, |holding| holding.commit(change, instrument.multiplier));
        debug_assert_eq!(
            self.realised() + self.unrealised() - self.fees,
            self.equity() - self.start,
            "profit is the change of equity"
        );
        Ok(())
    }

    /// Marks an instrument at half of `twice_mid` (units of 1e-9), and with it equity and drawdown.
    pub fn mark(&mut self, id: InstrumentId, twice_mid: i64) {
        self.revalue(id, |holding| holding.mark(twice_mid));
    }

    fn revalue(&mut self, id: InstrumentId, change: impl FnOnce(&mut Holding)) {
        let holding = self.holding_mut(id);
        let before = holding.value;
        change(holding);
        let after = holding.value;
        self.value = self.value - before + after;
        self.peak = self.peak.max(self.equity());
        self.max_drawdown = self.max_drawdown.max(self.drawdown());
    }

    fn holding_mut(&mut self, id: InstrumentId) -> &mut Holding {
        if self.holdings.len() <= id.index() {
            self.holdings.resize_with(id.index() + 1, Holding::default);
        }
        &mut self.holdings[id.index()]
    }

    fn holding(&self, id: InstrumentId) -> Option<&Holding> {
        self.holdings.get(id.index())
    }

    /// The executions booked.
    pub fn executions(&self) -> &Seen {
        &self.seen
    }

    /// The cash it started with.
    pub fn start(&self) -> Money {
        self.start
    }

    /// The position; negative when short.
    pub fn position(&self, id: InstrumentId) -> Quantity {
        self.holding(id).map_or(Quantity::ZERO, |h| h.position)
    }

    /// The open lots, oldest first.
    pub fn lots(&self, id: InstrumentId) -> impl ExactSizeIterator<Item = &Lot> {
        self.holding(id)
            .map(|h| &h.lots)
            .map_or_else(std::collections::vec_deque::Iter::default, |lots| lots.iter())
    }

    /// The realised profit of one instrument, before fees.
    pub fn realised_of(&self, id: InstrumentId) -> Money {
        self.holding(id).map_or(Money::ZERO, |h| h.realised)
    }

    /// The unrealised profit of one instrument, before fees; 0 before its first mark.
    pub fn unrealised_of(&self, id: InstrumentId) -> Money {
        self.holding(id).map_or(Money::ZERO, Holding::unrealised)
    }

    /// The fees paid on one instrument.
    pub fn fees_of(&self, id: InstrumentId) -> Money {
        self.holding(id).map_or(Money::ZERO, |h| h.fees)
    }

    /// The cash.
    pub fn cash(&self) -> Money {
        self.cash
    }

    /// The fees paid, rebates taken off.
    pub fn fees(&self) -> Money {
        self.fees
    }

    /// The realised profit, before fees.
    pub fn realised(&self) -> Money {
        self.sum(|h| h.realised)
    }

    /// The unrealised profit at the marks, before fees.
    pub fn unrealised(&self) -> Money {
        self.sum(Holding::unrealised)
    }

    fn sum(&self, of: impl Fn(&Holding) -> Money) -> Money {
        self.holdings.iter().fold(Money::ZERO, |sum, holding| sum + of(holding))
    }

    /// Cash and positions at their marks.
    pub fn equity(&self) -> Money {
        self.cash + self.value
    }

    /// How far equity is below its peak.
    pub fn drawdown(&self) -> Money {
        self.peak - self.equity()
    }

    /// The deepest drawdown so far.
    pub fn max_drawdown(&self) -> Money {
        self.max_drawdown
    }
}

#[cfg(test)]
mod tests;
