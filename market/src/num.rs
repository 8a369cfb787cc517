//! Fixed-point numbers (W1): price and quantity in units of 1e-9, money likewise but wider.
//!
//! Text round-trips exactly, arithmetic is checked, and nothing here is a float: a ledger that adds
//! up does so to the last digit.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Units in one whole: nine decimals.
pub const SCALE: i64 = 1_000_000_000;
const DECIMALS: usize = 9;

/// Why a text is not a fixed-point number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// No digits, or a character that has no place in a number.
    #[error("is not a decimal number")]
    Malformed,
    /// Digits beyond the ninth decimal that are not zero.
    #[error("has more than nine decimals")]
    TooFine,
    /// Larger than fixed point can hold.
    #[error("is beyond ±9223372036.854775807")]
    TooLarge,
}

/// Reads a decimal number, exponent allowed, into units of 1e-9.
///
/// # Errors
/// [`NumberError`] for text that is not a number, too fine or too large.
pub fn parse_units(text: &[u8]) -> Result<i64, NumberError> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let mut value: i64 = 0;
    let mut seen = false;
    let mut decimals: Option<usize> = None;
    for &byte in digits {
        match byte {
            b'0'..=b'9' => {
                seen = true;
                if decimals == Some(DECIMALS) {
                    if byte != b'0' {
                        return parse_slowly(text);
                    }
                    continue;
                }
                match value.checked_mul(10).and_then(|v| v.checked_add(i64::from(byte - b'0'))) {
                    Some(v) => value = v,
                    None => return parse_slowly(text),
                }
                decimals = decimals.map(|n| n + 1);
            }
            b'.' if decimals.is_none() => decimals = Some(0),
            b'e' | b'E' => return parse_slowly(text),
            _ => return Err(NumberError::Malformed),
        }
    }
    if !seen {
        return Err(NumberError::Malformed);
    }
    let missing = DECIMALS - decimals.unwrap_or(0);
    let value = value.checked_mul(10_i64.pow(missing as u32)).ok_or(NumberError::TooLarge)?;
    Ok(if negative { -value } else { value })
}

/// The slow path: any number of digits and an exponent, exactly.
fn parse_slowly(text: &[u8]) -> Result<i64, NumberError> {
    let units = parse_wide(text, i128::from(i64::MAX))?;
    i64::try_from(units).map_err(|_| NumberError::TooLarge)
}

/// [`parse_slowly`] for numbers of up to so many units.
fn parse_wide(text: &[u8], most: i128) -> Result<i128, NumberError> {
    let text = std::str::from_utf8(text).map_err(|_| NumberError::Malformed)?;
    let split = text.find(['e', 'E']);
    let (mantissa, exponent) = match split {
        Some(at) => (&text[..at], text[at + 1..].parse::<i32>().map_err(|_| NumberError::Malformed)?),
        None => (text, 0),
    };
    let (negative, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(NumberError::Malformed);
    }
    // the power of ten of the last digit, in units of 1e-9
    let mut power = i64::from(exponent) - fraction.len() as i64 + DECIMALS as i64;
    let mut value: i128 = 0;
    let significant = digits.iter().rposition(|&d| d != b'0').map_or(0, |at| at + 1);
    power += (digits.len() - significant) as i64;
    for &digit in &digits[..significant] {
        value = value
            .checked_mul(10)
            .and_then(|v| v.checked_add(i128::from(digit - b'0')))
            .ok_or(NumberError::TooLarge)?;
    }
    if value == 0 {
        return Ok(0);
    }
    if power < 0 {
        return Err(NumberError::TooFine);
    }
    let scaled = (0..power).try_fold(value, |v, _| v.checked_mul(10).filter(|v| *v <= most));
    let units = scaled.filter(|v| *v <= most).ok_or(NumberError::TooLarge)?;
    Ok(if negative { -units } else { units })
}

/// Writes units of 1e-9 as a decimal, without trailing zeros.
fn write_units(f: &mut fmt::Formatter<'_>, units: i128) -> fmt::Result {
    let magnitude = units.unsigned_abs();
    let (whole, fraction) = (magnitude / SCALE as u128, magnitude % SCALE as u128);
    let sign = if units < 0 { "-" } else { "" };
    if fraction == 0 {
        return f.pad_integral(units >= 0, "", &whole.to_string());
    }
    let fraction = format!("{fraction:09}");
    f.pad(&format!("{sign}{whole}.{}", fraction.trim_end_matches('0')))
}

macro_rules! fixed {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(i64);

        impl $name {
            /// Nothing.
            pub const ZERO: Self = Self(0);
            /// The largest value there is.
            pub const MAX: Self = Self(i64::MAX);

            /// From units of 1e-9.
            pub const fn from_units(units: i64) -> Self {
                Self(units)
            }

            /// From whole numbers; `None` where fixed point cannot hold it.
            pub const fn from_whole(whole: i64) -> Option<Self> {
                match whole.checked_mul(SCALE) {
                    Some(units) => Some(Self(units)),
                    None => None,
                }
            }

            /// In units of 1e-9.
            pub const fn units(self) -> i64 {
                self.0
            }

            /// Reads decimal text.
            ///
            /// # Errors
            /// [`NumberError`] for text that is not a number, too fine or too large.
            pub fn parse(text: &[u8]) -> Result<Self, NumberError> {
                parse_units(text).map(Self)
            }

            /// The nearest float, for features and displays; never for a ledger.
            pub fn to_f64(self) -> f64 {
                self.0 as f64 / SCALE as f64
            }

            /// The sum, unless it overflows.
            pub fn checked_add(self, other: Self) -> Option<Self> {
                self.0.checked_add(other.0).map(Self)
            }

            /// The difference, unless it overflows.
            pub fn checked_sub(self, other: Self) -> Option<Self> {
                self.0.checked_sub(other.0).map(Self)
            }

            /// The magnitude.
            pub const fn abs(self) -> Self {
                Self(self.0.saturating_abs())
            }

            /// Whether it is greater than zero.
            pub const fn is_positive(self) -> bool {
                self.0 > 0
            }

            /// Whether it is zero.
            pub const fn is_zero(self) -> bool {
                self.0 == 0
            }

            /// The largest multiple of `step` that is not above it (towards zero for quantities).
            pub fn floor_to(self, step: Self) -> Self {
                if step.0 <= 0 { self } else { Self(self.0 - self.0 % step.0) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_units(f, i128::from(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{self}")
            }
        }

        impl FromStr for $name {
            type Err = NumberError;
            fn from_str(text: &str) -> Result<Self, NumberError> {
                Self::parse(text.as_bytes())
            }
        }
    };
}

fixed!(
    /// A price of one unit of an instrument, in its currency.
    Price
);
fixed!(
    /// An amount of an instrument; signed where it is a position.
    Quantity
);

impl std::ops::Neg for Quantity {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

/// An amount of a currency, in units of 1e-9, wide enough for any sum of notionals.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Money(i128);

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// From units of 1e-9.
    pub const fn from_units(units: i128) -> Self {
        Self(units)
    }

    /// In units of 1e-9.
    pub const fn units(self) -> i128 {
        self.0
    }

    /// Price × quantity × multiplier, rounded to the nearest unit (half away from zero).
    ///
    /// The sign is the quantity's.
    pub fn notional(price: Price, quantity: Quantity, multiplier: Quantity) -> Self {
        let product = i128::from(price.units()) * i128::from(quantity.units());
        let plain = round_div(product, i128::from(SCALE));
        if multiplier.units() == SCALE {
            return Self(plain);
        }
        Self(round_div(plain.saturating_mul(i128::from(multiplier.units())), i128::from(SCALE)))
    }

    /// The part `numerator / denominator` of it, rounded half away from zero.
    pub fn fraction(self, numerator: i128, denominator: i128) -> Self {
        Self(round_div(self.0.saturating_mul(numerator), denominator))
    }

    /// The magnitude.
    pub const fn abs(self) -> Self {
        Self(self.0.saturating_abs())
    }

    /// The nearest float, for ratios and displays; never for a ledger.
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / SCALE as f64
    }

    /// Rounded to so many decimals for people, half away from zero.
    pub fn rounded(self, decimals: u32) -> Self {
        let step = i128::from(SCALE) / 10_i128.pow(decimals.min(9));
        Self(round_div(self.0, step) * step)
    }
}

fn round_div(numerator: i128, denominator: i128) -> i128 {
    debug_assert!(denominator > 0, "a denominator is positive");
    let half = denominator / 2;
    if numerator >= 0 {
        numerator.saturating_add(half) / denominator
    } else {
        numerator.saturating_sub(half) / denominator
    }
}

impl std::ops::Add for Money {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl std::ops::Sub for Money {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl std::ops::AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl std::ops::SubAssign for Money {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl std::ops::Neg for Money {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

impl std::iter::Sum for Money {
    fn sum<I: Iterator<Item = Self>>(items: I) -> Self {
        items.fold(Self::ZERO, |a, b| a + b)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_units(f, self.0)
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for Money {
    type Err = NumberError;
    /// Reads decimal text, of up to a billion times what a price holds.
    fn from_str(text: &str) -> Result<Self, NumberError> {
        parse_wide(text.as_bytes(), i128::from(i64::MAX) * i128::from(SCALE)).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_is_read_exactly() {
        for (text, units) in [
            ("78318.0", 78_318_000_000_000),
            ("-0.000000001", -1),
            ("+1.5", 1_500_000_000),
            ("1.153e-05", 11_530),
            ("999999999", 999_999_999_000_000_000),
            ("1.50000000000000", 1_500_000_000),
            ("25e2", 2_500_000_000_000),
            ("0e400", 0),
            (".5", 500_000_000),
        ] {
            assert_eq!(parse_units(text.as_bytes()), Ok(units), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        use NumberError::{Malformed, TooFine, TooLarge};
        for (text, error) in [
            ("", Malformed),
            (".", Malformed),
            ("-", Malformed),
            ("NaN", Malformed),
            ("inf", Malformed),
            ("1.2.3", Malformed),
            ("1e", Malformed),
            ("1e400", TooLarge),
            ("9223372036.9", TooLarge),
            ("99999999999999999999999", TooLarge),
            ("0.0000000001", TooFine),
            ("1e-10", TooFine),
        ] {
            assert_eq!(parse_units(text.as_bytes()), Err(error), "{text}");
        }
    }

    #[test]
    fn a_notional_keeps_the_sign_of_the_quantity() {
        let price = Price::from_units(78_318_500_000_000);
        let one = Quantity::from_units(SCALE);
        assert_eq!(Money::notional(price, -one, one).to_string(), "-78318.5");
        let fifty = Quantity::from_units(50 * SCALE);
        assert_eq!(Money::notional(price, one, fifty).to_string(), "3915925");
    }

    proptest! {
        #[test]
        fn text_round_trips(units in any::<i64>()) {
            prop_assume!(units != i64::MIN);
            let price = Price::from_units(units);
            prop_assert_eq!(price.to_string().parse(), Ok(price));
        }

        #[test]
        fn money_round_trips_beyond_a_price(units in any::<i64>(), more in 0_i64..SCALE) {
            let money = Money::from_units(i128::from(units) * i128::from(more));
            prop_assert_eq!(money.to_string().parse(), Ok(money));
            prop_assert_eq!("1e30".parse::<Money>(), Err(NumberError::TooLarge));
        }

        #[test]
        fn any_text_is_answered_without_panic(text in ".{0,40}") {
            let _ = parse_units(text.as_bytes());
        }

        #[test]
        fn fractions_of_money_leave_no_rest(units in -1_000_000_000_000_i64..1_000_000_000_000, part in 0_i64..1000) {
            let whole = Money::from_units(i128::from(units));
            let taken = whole.fraction(i128::from(part), 1000);
            prop_assert_eq!(taken + (whole - taken), whole);
            prop_assert!(taken.abs() <= whole.abs());
        }
    }
}
