//! Exact numbers of the rules, and how the world's types become them.

use std::fmt;

use market::order::OrderKind;
use market::{Money, Price, Quantity, Side, Timestamp};
use serde::{Deserialize, Serialize};

use crate::exact::{self, ABSENT};
use crate::unit::{Dimension, Unit};
use crate::vocabulary::{Kind, Type};

const DAY_NS: i64 = 86_400 * market::time::SECOND_NS;

/// A type of the world that a fact can have.
pub trait FactValue: Copy {
    /// The type that the language knows it by.
    const TYPE: Type;
    /// It as a cell: fixed point, a place in a table, or 0 and 1.
    fn cell(self) -> i128;
}

/// A ratio that is told in bp, exact to 1e-9 bp.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Bp(i128);

impl Bp {
    /// From units of 1e-9 bp.
    #[must_use]
    pub const fn from_units(units: i128) -> Self {
        Self(units)
    }

    /// The nearest to a float; `None` for what is not finite.
    #[must_use]
    pub fn from_f64(bp: f64) -> Option<Self> {
        nearest(bp, Unit::BP).map(Self)
    }

    /// How far a price is from half of `mark2`, rounded up so that what is beyond a bound stays
    /// beyond it; `None` unless both are positive.
    #[must_use]
    pub fn distance(price: Price, mark2: i64) -> Option<Self> {
        if !price.is_positive() || mark2 <= 0 {
            return None;
        }
        let apart = (2 * i128::from(price.units()) - i128::from(mark2)).abs();
        let scaled = apart.checked_mul(Dimension::RATIO.scale())?;
        let mark2 = i128::from(mark2);
        Some(Self(scaled / mark2 + i128::from(scaled % mark2 != 0)))
    }

    /// In units of 1e-9 bp.
    #[must_use]
    pub const fn units(self) -> i128 {
        self.0
    }
}

/// A plain number, exact to 1e-13.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Ratio(i128);

impl Ratio {
    /// The nearest to a float; `None` for what is not finite.
    #[must_use]
    pub fn from_f64(ratio: f64) -> Option<Self> {
        nearest(ratio, Unit::of(Dimension::RATIO)).map(Self)
    }

    /// A part of a whole, to the nearest; `None` of nothing.
    #[must_use]
    pub fn of(part: i64, whole: i64) -> Option<Self> {
        let ratio = exact::divide(part.into(), whole.into(), Dimension::RATIO.scale());
        (ratio != ABSENT).then_some(Self(ratio))
    }
}

/// A span of time, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Duration(pub i64);

/// How many of something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Count(pub u64);

/// How many of something each second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Rate(pub u32);

/// A day of the calendar: days since 1 January 1970, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Date(pub i64);

impl Date {
    /// The day of a moment, UTC.
    #[must_use]
    pub const fn of(time: Timestamp) -> Self {
        Self(time.ns().div_euclid(DAY_NS))
    }

    /// Reads `YYYY-MM-DD`; `None` where there is no such day.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let whole = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        if whole { Timestamp::parse_civil(text).map(Self::of) } else { None }
    }

    /// The day of the week.
    #[must_use]
    pub const fn weekday(self) -> Weekday {
        // 1 January 1970 was a Thursday
        Weekday(self.0.wrapping_add(3).rem_euclid(7) as u8)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let midnight = self.0.saturating_mul(DAY_NS);
        f.write_str(&Timestamp::from_ns(midnight).to_string()[..10])
    }
}

/// A day of the week: 0 is Monday.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Weekday(u8);

/// The time of day of a moment, UTC, as a span since midnight.
#[must_use]
pub const fn time_of_day(time: Timestamp) -> Duration {
    Duration(time.ns().rem_euclid(DAY_NS))
}

/// How frightened the amygdala is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Threat {
    /// All signals are in their bounds.
    #[default]
    Calm,
    /// One is beyond its bound.
    Wary,
    /// It tripped.
    Tripped,
}

/// The row of an instrument in a [`crate::World`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct InstrumentRow(pub u16);

/// A name as a rule set knows it, by [`crate::RuleSet::symbol`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Symbol(pub(crate) u32);

/// An exact number of any dimension, for facts over a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Number(pub(crate) i128);

impl Number {
    /// Of a value whose type is a number.
    #[must_use]
    pub fn of(value: impl FactValue) -> Self {
        Self(value.cell())
    }

    /// In units of fixed point of its dimension.
    #[must_use]
    pub const fn units(self) -> i128 {
        self.0
    }
}

/// The cell of a fact that may be absent.
pub(crate) fn cell_of<T: FactValue>(value: Option<T>) -> i128 {
    value.map_or(ABSENT, FactValue::cell)
}

/// The nearest fixed-point number to a float in a unit.
fn nearest(value: f64, unit: Unit) -> Option<i128> {
    let scaled = libm::round(value * unit.scale() as f64);
    // beyond this nothing that rules compare is left, and the cast stays far from the absent cell
    (scaled.is_finite() && scaled.abs() < 1e37).then_some(scaled as i128)
}

macro_rules! fact_values {
    ($($type:ty => $language:expr, |$value:ident| $cell:expr;)*) => {$(
        impl FactValue for $type {
            const TYPE: Type = $language;
            fn cell(self) -> i128 {
                let $value = self;
                $cell
            }
        }
    )*};
}

fact_values! {
    Money => Type::number(Dimension::MONEY), |v| v.units();
    Price => Type::number(Dimension::PRICE), |v| i128::from(v.units());
    Quantity => Type::number(Dimension::QUANTITY), |v| i128::from(v.units());
    Bp => Type::Number(Unit::BP), |v| v.0;
    Ratio => Type::number(Dimension::RATIO), |v| v.0;
    Duration => Type::number(Dimension::SECONDS), |v| i128::from(v.0);
    Count => Type::number(Dimension::COUNT), |v| i128::from(v.0) * Dimension::COUNT.scale();
    Rate => Type::number(Dimension::RATE), |v| i128::from(v.0) * Dimension::RATE.scale();
    Date => Type::Date, |v| i128::from(v.0) * Dimension::DAYS.scale();
    bool => Type::Flag, |v| i128::from(v);
    Side => Type::Symbol(Kind::Side), |v| i128::from(v == Self::Sell);
    OrderKind => Type::Symbol(Kind::OrderKind), |v| match v {
        Self::Limit => 0,
        Self::Market => 1,
        Self::ImmediateOrCancel => 2,
        Self::PostOnly => 3,
    };
    Weekday => Type::Symbol(Kind::Weekday), |v| i128::from(v.0);
    Threat => Type::Symbol(Kind::Threat), |v| v as i128;
    Symbol => Type::Symbol(Kind::Name), |v| i128::from(v.0);
    InstrumentRow => Type::Instrument, |v| i128::from(v.0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distance_beyond_a_bound_stays_beyond_it() {
        let price = |text: &str| text.parse::<Price>().expect("a price");
        let bound = Bp::from_f64(500.0).expect("finite");
        assert_eq!(Bp::distance(price("105"), 200_000_000_000), Some(bound));
        assert!(Bp::distance(price("105.000000001"), 200_000_000_000) > Some(bound));
        // 1e-9 beyond five per cent of a price with many digits is less than 1e-9 bp beyond
        let mark2 = 2 * 1_000_000_000_000_000_000;
        assert!(Bp::distance(price("1050000000.000000001"), mark2) > Some(bound));
        assert_eq!(Bp::distance(price("0"), 200), None);
        assert_eq!(Bp::distance(price("1"), 0), None);
    }

    #[test]
    fn what_is_not_finite_is_absent() {
        assert_eq!(Bp::from_f64(f64::NAN), None);
        assert_eq!(Ratio::from_f64(f64::INFINITY), None);
        assert_eq!(Ratio::from_f64(1e300), None);
        assert_eq!(Ratio::from_f64(0.07).map(FactValue::cell), Some(700_000_000_000));
        assert_eq!(Ratio::of(6_000 - 5_580, 6_000), Ratio::from_f64(0.07));
        assert_eq!(Ratio::of(1, 0), None);
    }

    #[test]
    fn dates_are_days() {
        let day = Date::parse("2026-06-04").expect("a day");
        assert_eq!(day.to_string(), "2026-06-04");
        assert_eq!(day.weekday(), Weekday(3), "a Thursday");
        assert_eq!(Date::parse("2026-02-29"), None);
        assert_eq!(Date::parse("2026-6-4"), None);
        assert_eq!(Date::of(Timestamp::from_ns(-1)), Date(-1));
        assert_eq!(Date::of(Timestamp::from_ns(-1)).to_string(), "1969-12-31");
    }
}
