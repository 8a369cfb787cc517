//! What is held of one instrument: FIFO tax lots and what they cost.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::LedgerError;
use crate::num::{Money, Price, Quantity, SCALE};
use crate::order::Fill;

/// No sum of the ledger grows beyond this, in units of 1e-9, so that none can overflow.
const LARGEST: i128 = 10_i128.pow(35);
/// No single notional or value grows beyond this, in units of 1e-9; below what saturates.
const LARGEST_NOTIONAL: i128 = 10_i128.pow(29);

/// The still open part of one fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lot {
    /// The execution that opened it.
    pub execution: u64,
    /// The price it was opened at.
    pub price: Price,
    /// How much is open; negative when short.
    pub quantity: Quantity,
    /// What was paid for it, in the account's currency; negative when short.
    pub cost: Money,
}

/// Everything the ledger knows of one instrument.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Holding {
    pub(crate) lots: VecDeque<Lot>,
    pub(crate) position: Quantity,
    /// Σ of the lots' costs.
    pub(crate) cost: Money,
    pub(crate) realised: Money,
    pub(crate) fees: Money,
    multiplier: Quantity,
    /// Twice the last mark price, in units of 1e-9.
    mark2: Option<i64>,
    /// The position at the mark, or at cost where there is none yet.
    pub(crate) value: Money,
}

/// What a fill will do to a holding: worked out first, so that a refused fill changes nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change {
    /// What the fill costs, fee aside; negative for a sale.
    pub(crate) paid: Money,
    position: Quantity,
    /// The closed quantity, unsigned.
    closed: i64,
    /// What the closed quantity had cost.
    cost_closed: Money,
    realised: Money,
    fees: Money,
    /// What opens, as a lot; its quantity is 0 where the fill only closes.
    opens: Lot,
}

impl Holding {
    /// What `fill` would do, with the instrument's `multiplier`.
    pub(crate) fn plan(&self, fill: &Fill, multiplier: Quantity) -> Result<Change, LedgerError> {
        let signed = fill.side.signed(fill.quantity);
        let position = self
            .position
            .checked_add(signed)
            .filter(|p| p.units() != i64::MIN)
            .ok_or(LedgerError::TooLarge(fill.execution))?;
        let paid = Money::notional(fill.price, signed, multiplier);
        let turns = self.position.units().signum() == -signed.units().signum();
        let closed =
            if turns { fill.quantity.units().min(self.position.units().saturating_abs()) } else { 0 };
        let paid_closing = part(paid, closed, fill.quantity.units());
        let cost_closed = self.cost_of(closed);
        let opened = fill.quantity.units() - closed;
        let change = Change {
            paid,
            position,
            closed,
            cost_closed,
            realised: self.realised - paid_closing - cost_closed,
            fees: self.fees + fill.fee,
            opens: Lot {
                execution: fill.execution,
                price: fill.price,
                quantity: fill.side.signed(Quantity::from_units(opened)),
                cost: paid - paid_closing,
            },
        };
        let bounded = |money: Money| money.units().saturating_abs() <= LARGEST_NOTIONAL;
        let sums = [self.cost + paid, change.realised, change.fees];
        if bounded(paid) && bounded(fill.fee) && sums.into_iter().all(fits) {
            Ok(change)
        } else {
            Err(LedgerError::TooLarge(fill.execution))
        }
    }

    /// What the oldest `closed` units cost.
    fn cost_of(&self, mut closed: i64) -> Money {
        let mut cost = Money::ZERO;
        for lot in &self.lots {
            let held = lot.quantity.units().saturating_abs();
            if closed < held {
                return cost + part(lot.cost, closed, held);
            }
            cost += lot.cost;
            closed -= held;
        }
        cost
    }

    /// Carries a planned change out.
    pub(crate) fn commit(&mut self, change: Change, multiplier: Quantity) {
        self.close(change.closed);
        if !change.opens.quantity.is_zero() {
            self.lots.push_back(change.opens);
        }
        self.cost = self.cost - change.cost_closed + change.opens.cost;
        self.position = change.position;
        self.realised = change.realised;
        self.fees = change.fees;
        self.multiplier = multiplier;
        self.revalue();
        debug_assert_eq!(
            self.lots.iter().map(|l| i128::from(l.quantity.units())).sum::<i128>(),
            i128::from(self.position.units()),
            "lots sum to the position"
        );
    }

    /// Takes the oldest `closed` units away; a split lot keeps what remains of its cost.
    fn close(&mut self, mut closed: i64) {
        while closed > 0 {
            let Some(lot) = self.lots.front_mut() else {
                return;
            };
            let held = lot.quantity.units().saturating_abs();
            if closed >= held {
                closed -= held;
                self.lots.pop_front();
                continue;
            }
            lot.cost = lot.cost - part(lot.cost, closed, held);
            let sign = lot.quantity.units().signum();
            lot.quantity = Quantity::from_units(sign * (held - closed));
            return;
        }
    }

    /// Marks at half of `twice_mid`.
    pub(crate) fn mark(&mut self, twice_mid: i64) {
        self.mark2 = Some(twice_mid);
        self.revalue();
    }

    fn revalue(&mut self) {
        self.value = match self.mark2 {
            None => self.cost,
            Some(_) if self.position.is_zero() => Money::ZERO,
            Some(mark2) => self.value_at(mark2),
        };
    }

    fn value_at(&self, mark2: i64) -> Money {
        let twice = i128::from(mark2) * i128::from(self.position.units());
        let plain = Money::from_units(twice).fraction(1, 2 * i128::from(SCALE));
        let value = if self.multiplier.units() == SCALE {
            plain
        } else {
            plain.fraction(i128::from(self.multiplier.units()), i128::from(SCALE))
        };
        Money::from_units(value.units().clamp(-LARGEST_NOTIONAL, LARGEST_NOTIONAL))
    }

    /// The value beyond what was paid for it.
    pub(crate) fn unrealised(&self) -> Money {
        self.value - self.cost
    }
}

/// Whether a sum is small enough to be added to without a thought.
pub(crate) fn fits(sum: Money) -> bool {
    sum.units().saturating_abs() <= LARGEST
}

/// `money × numerator / denominator` for 0 ≤ numerator ≤ denominator, towards zero, without
/// overflow.
fn part(money: Money, numerator: i64, denominator: i64) -> Money {
    if denominator <= 0 {
        return Money::ZERO;
    }
    let (numerator, denominator) = (i128::from(numerator), i128::from(denominator));
    let (whole, rest) = (money.units() / denominator, money.units() % denominator);
    Money::from_units(whole * numerator + rest * numerator / denominator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_never_overflows() {
        let huge = Money::from_units(LARGEST);
        assert_eq!(part(huge, i64::MAX, i64::MAX), huge);
        assert_eq!(part(huge, 0, i64::MAX), Money::ZERO);
        assert_eq!(part(Money::from_units(-10), 1, 3), Money::from_units(-3), "towards zero");
        assert_eq!(part(huge, 1, 0), Money::ZERO);
    }
}
