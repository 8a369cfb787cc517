//! Lots and their parts, and how money is divided over them.
//!
//! Money is divided in proportion to quantity, each part rounded towards zero to 1e-9, and the last part
//! takes what is left: the parts of a sum are the sum.

use serde::{Deserialize, Serialize};

use crate::num::{Money, Quantity};
use crate::tax::date::TradeDate;

/// The open rest of a purchase, or a part of it: all its shares have one basis and one history.
///
/// A purchase that partly replaced shares sold at a loss is several pieces of one number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// The number of the acquisition: the order of § 1.1091-1(c) and (d).
    pub number: u64,
    /// What it was bought with: executions of one order are one purchase, no part of which replaces another
    /// (Rev. Rul. 56-602).
    pub purchase: u64,
    /// The trade date of the purchase.
    pub acquired: TradeDate,
    /// Where its holding period begins: earlier than `acquired` where that of shares sold at a loss was added
    /// (§ 1223(3)).
    pub held_from: TradeDate,
    /// How much of it is open, greater than 0.
    pub quantity: Quantity,
    /// Its cost with fees, and with losses that were disallowed because of it.
    pub basis: Money,
    /// Whether it has replaced shares that were sold at a loss: no share does twice (§ 1.1091-1(e)).
    pub replaces: bool,
}

impl Piece {
    /// Takes so much off the front, at most all of it.
    pub fn split(&mut self, quantity: Quantity) -> Self {
        let quantity = quantity.min(self.quantity);
        let basis = part(self.basis, quantity, self.quantity);
        self.basis -= basis;
        self.quantity = less(self.quantity, quantity);
        Self { quantity, basis, ..self.clone() }
    }
}

/// What was sold short and is not bought back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Short {
    /// The trade date of the sale.
    pub opened: TradeDate,
    /// How much is short, greater than 0.
    pub quantity: Quantity,
    /// What came in for it, after fees.
    pub proceeds: Money,
}

/// The share of `quantity` in a sum that belongs to `of`, towards zero, without overflow; all of it where it is
/// all.
pub(crate) fn part(sum: Money, quantity: Quantity, of: Quantity) -> Money {
    if of.units() <= 0 {
        return Money::ZERO;
    }
    let (numerator, denominator) = (i128::from(quantity.units()), i128::from(of.units()));
    let (whole, rest) = (sum.units() / denominator, sum.units() % denominator);
    Money::from_units(whole.saturating_mul(numerator).saturating_add(rest * numerator / denominator))
}

/// What is left of a quantity; 0 where more is taken.
pub(crate) fn less(quantity: Quantity, taken: Quantity) -> Quantity {
    Quantity::from_units(quantity.units().saturating_sub(taken.units()).max(0))
}

/// Divides a sum over quantities that follow one another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Divided {
    sum: Money,
    over: Quantity,
}

impl Divided {
    pub const fn new(sum: Money, over: Quantity) -> Self {
        Self { sum, over }
    }

    /// The part of the next so much.
    pub fn next(&mut self, quantity: Quantity) -> Money {
        let next = part(self.sum, quantity, self.over);
        self.sum -= next;
        self.over = less(self.over, quantity);
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_the_sum() {
        let mut thirds = Divided::new(Money::from_units(100), Quantity::from_units(3));
        let parts: Vec<i128> = (0..3).map(|_| thirds.next(Quantity::from_units(1)).units()).collect();
        assert_eq!(parts, [33, 33, 34]);
        let mut negative = Divided::new(Money::from_units(-100), Quantity::from_units(3));
        let parts: Vec<i128> = (0..3).map(|_| negative.next(Quantity::from_units(1)).units()).collect();
        assert_eq!(parts, [-33, -33, -34]);
    }

    #[test]
    fn the_largest_sums_do_not_overflow() {
        let huge = Money::from_units(10_i128.pow(35));
        assert_eq!(part(huge, Quantity::MAX, Quantity::MAX), huge);
        assert_eq!(part(huge, Quantity::from_units(1), Quantity::ZERO), Money::ZERO);
    }
}
