//! What a number of the rules measures: dimensions, their fixed-point scale, and the units of literals.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Units of fixed point in one base unit of every dimension but ratios.
const SCALE: i128 = 1_000_000_000;
/// Bp in a ratio of one.
const BP: i128 = 10_000;

/// What a number measures, as powers of what can be measured. Days are calendar days: they are no
/// multiple of seconds, so neither is ever compared with the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Dimension {
    /// Money, of the currency of the account.
    pub money: i8,
    /// Quantity of an instrument.
    pub quantity: i8,
    /// Seconds.
    pub seconds: i8,
    /// Calendar days.
    pub days: i8,
    /// Things that are counted: orders, fills.
    pub count: i8,
}

impl Dimension {
    /// A plain number: a ratio, in 1, % or bp.
    pub const RATIO: Self = Self { money: 0, quantity: 0, seconds: 0, days: 0, count: 0 };
    /// Money.
    pub const MONEY: Self = Self { money: 1, ..Self::RATIO };
    /// Quantity of an instrument.
    pub const QUANTITY: Self = Self { quantity: 1, ..Self::RATIO };
    /// Money for one unit of quantity.
    pub const PRICE: Self = Self { money: 1, quantity: -1, ..Self::RATIO };
    /// Seconds.
    pub const SECONDS: Self = Self { seconds: 1, ..Self::RATIO };
    /// Calendar days.
    pub const DAYS: Self = Self { days: 1, ..Self::RATIO };
    /// A count.
    pub const COUNT: Self = Self { count: 1, ..Self::RATIO };
    /// A count each second.
    pub const RATE: Self = Self { count: 1, seconds: -1, ..Self::RATIO };

    /// The dimension of a product, unless a power is beyond all sense.
    #[must_use]
    pub fn times(self, other: Self) -> Option<Self> {
        self.combine(other, i8::checked_add)
    }

    /// The dimension of a quotient, unless a power is beyond all sense.
    #[must_use]
    pub fn over(self, other: Self) -> Option<Self> {
        self.combine(other, i8::checked_sub)
    }

    fn combine(self, other: Self, power: fn(i8, i8) -> Option<i8>) -> Option<Self> {
        Some(Self {
            money: power(self.money, other.money)?,
            quantity: power(self.quantity, other.quantity)?,
            seconds: power(self.seconds, other.seconds)?,
            days: power(self.days, other.days)?,
            count: power(self.count, other.count)?,
        })
    }

    /// Units of fixed point in one: 1e9, and 1e13 of ratios, so that a bp has nine decimals too.
    #[must_use]
    pub const fn scale(self) -> i128 {
        if self.is_ratio() { SCALE * BP } else { SCALE }
    }

    /// Whether it is a plain number.
    #[must_use]
    pub const fn is_ratio(self) -> bool {
        self.money == 0 && self.quantity == 0 && self.seconds == 0 && self.days == 0 && self.count == 0
    }
}

impl fmt::Display for Dimension {
    /// As a person says it: `money`, `price`, `seconds`, or the powers of what has no name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = [
            (Self::RATIO, "a plain number"),
            (Self::MONEY, "money"),
            (Self::QUANTITY, "a quantity"),
            (Self::PRICE, "a price"),
            (Self::SECONDS, "seconds"),
            (Self::DAYS, "calendar days"),
            (Self::COUNT, "a count"),
            (Self::RATE, "a count per second"),
        ];
        if let Some((_, name)) = named.iter().find(|(dimension, _)| dimension == self) {
            return f.write_str(name);
        }
        let powers = [
            ("money", self.money),
            ("quantity", self.quantity),
            ("seconds", self.seconds),
            ("days", self.days),
            ("count", self.count),
        ];
        let mut first = true;
        for (name, power) in powers.into_iter().filter(|(_, power)| *power != 0) {
            f.write_str(if first { "" } else { "·" })?;
            f.write_str(name)?;
            if power != 1 {
                write!(f, "^{power}")?;
            }
            first = false;
        }
        Ok(())
    }
}

/// How a number of a dimension is shown: in its base unit, or a ratio in bp.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Unit {
    /// What is measured.
    pub dimension: Dimension,
    /// Whether a ratio is told in bp.
    pub bp: bool,
}

impl Unit {
    /// Basis points.
    pub const BP: Self = Self { dimension: Dimension::RATIO, bp: true };

    /// The base unit of a dimension.
    #[must_use]
    pub const fn of(dimension: Dimension) -> Self {
        Self { dimension, bp: false }
    }

    /// Units of fixed point in one of it.
    #[must_use]
    pub const fn scale(self) -> i128 {
        if self.bp { SCALE } else { self.dimension.scale() }
    }

    /// The nearest float of a number in it, for display, soft truth and records.
    #[must_use]
    pub fn to_f64(self, units: i128) -> f64 {
        let whole = if self.dimension.is_ratio() && !self.bp { 1e13 } else { 1e9 };
        // nearly all numbers fit a word, which a processor converts at once, to the same float
        i64::try_from(units).map_or(units as f64, |units| units as f64) / whole
    }

    /// Its sign in tables and messages; empty for a plain number.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self.dimension {
            _ if self.bp => "bp",
            Dimension::RATIO => "",
            Dimension::MONEY => "currency",
            Dimension::QUANTITY => "units",
            Dimension::PRICE => "currency per unit",
            Dimension::SECONDS => "s",
            Dimension::DAYS => "days",
            Dimension::COUNT => "count",
            Dimension::RATE => "count per s",
            _ => "base units",
        }
    }
}

/// A unit that a literal can bear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiteralUnit {
    /// Its name in the file.
    pub name: &'static str,
    /// What it measures, and how that is shown.
    pub unit: Unit,
    /// Units of fixed point in one of it.
    pub units: i128,
}

/// Currencies a file may count money in; one file uses one.
pub const CURRENCIES: [&str; 12] =
    ["USD", "EUR", "GBP", "JPY", "CHF", "CAD", "AUD", "BRL", "USDT", "USDC", "BTC", "ETH"];

const fn unit(name: &'static str, dimension: Dimension, units: i128) -> LiteralUnit {
    LiteralUnit { name, unit: Unit::of(dimension), units }
}

/// Every unit but the currencies.
pub const UNITS: [LiteralUnit; 23] = [
    LiteralUnit { name: "bp", unit: Unit::BP, units: SCALE },
    unit("%", Dimension::RATIO, SCALE * 100),
    unit("ns", Dimension::SECONDS, 1),
    unit("us", Dimension::SECONDS, 1_000),
    unit("ms", Dimension::SECONDS, 1_000_000),
    unit("s", Dimension::SECONDS, SCALE),
    unit("second", Dimension::SECONDS, SCALE),
    unit("seconds", Dimension::SECONDS, SCALE),
    unit("min", Dimension::SECONDS, 60 * SCALE),
    unit("h", Dimension::SECONDS, 3_600 * SCALE),
    unit("hours", Dimension::SECONDS, 3_600 * SCALE),
    unit("day", Dimension::DAYS, SCALE),
    unit("days", Dimension::DAYS, SCALE),
    unit("unit", Dimension::QUANTITY, SCALE),
    unit("units", Dimension::QUANTITY, SCALE),
    unit("share", Dimension::QUANTITY, SCALE),
    unit("shares", Dimension::QUANTITY, SCALE),
    unit("order", Dimension::COUNT, SCALE),
    unit("orders", Dimension::COUNT, SCALE),
    unit("fill", Dimension::COUNT, SCALE),
    unit("fills", Dimension::COUNT, SCALE),
    unit("time", Dimension::COUNT, SCALE),
    unit("times", Dimension::COUNT, SCALE),
];

/// The unit of that name, currencies included.
#[must_use]
pub fn find_unit(name: &str) -> Option<LiteralUnit> {
    let currency = || CURRENCIES.iter().find(|c| **c == name).map(|c| unit(c, Dimension::MONEY, SCALE));
    UNITS.iter().find(|u| u.name == name).copied().or_else(currency)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_over_quantity_is_a_price() {
        assert_eq!(Dimension::MONEY.over(Dimension::QUANTITY), Some(Dimension::PRICE));
        assert_eq!(Dimension::PRICE.times(Dimension::QUANTITY), Some(Dimension::MONEY));
        assert_eq!(Dimension::RATE.times(Dimension::SECONDS), Some(Dimension::COUNT));
    }

    #[test]
    fn a_power_beyond_all_sense_is_refused() {
        let much = Dimension { money: i8::MAX, ..Dimension::RATIO };
        assert_eq!(much.times(Dimension::MONEY), None);
    }

    #[test]
    fn what_has_no_name_is_told_by_its_powers() {
        let odd = Dimension { money: 2, seconds: -1, ..Dimension::RATIO };
        assert_eq!(odd.to_string(), "money^2·seconds^-1");
        assert_eq!(Dimension::PRICE.to_string(), "a price");
    }

    #[test]
    fn floats_are_in_the_unit() {
        for unit in [Unit::BP, Unit::of(Dimension::RATIO), Unit::of(Dimension::MONEY)] {
            for of in [0, 1, -3] {
                assert_eq!(unit.to_f64(of * unit.scale()), of as f64, "{unit:?}");
            }
        }
        let money = Unit::of(Dimension::MONEY);
        assert_eq!(money.to_f64(i128::from(i64::MAX) + 1), 9_223_372_036.854_776);
    }

    #[test]
    fn ten_thousand_bp_are_one() {
        let (bp, percent) = (find_unit("bp").expect("bp"), find_unit("%").expect("percent"));
        assert_eq!(10_000 * bp.units, Dimension::RATIO.scale());
        assert_eq!(100 * percent.units, Dimension::RATIO.scale());
        assert_eq!(find_unit("USD").map(|u| u.unit.dimension), Some(Dimension::MONEY));
        assert_eq!(find_unit("furlong"), None);
    }
}
