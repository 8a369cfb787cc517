//! The volume of a bar: a measure, and no number of a ledger.

use crate::feed::fields::{decimal, shown};
use crate::num::{Quantity, SCALE};

/// How many digits a volume beyond fixed point may have: more would be a fault, not a large market.
const MOST_DIGITS: usize = 18;

/// Reads a volume in units of `unit`, and whether it had to be capped.
///
/// Whole markets trade more than 9.2e9 shares a day. Their bars are good all the same, and a volume
/// that is too small is the careful one: it only ever allows less to be traded.
pub(crate) fn volume(column: &str, text: &[u8], unit: Quantity) -> Result<(Quantity, bool), String> {
    let units = match large(text) {
        Some(whole) => whole.saturating_mul(i128::from(SCALE)),
        None => i128::from(decimal(column, text)?),
    };
    if units < 0 {
        return Err(format!("{column} `{}` is negative; it must be 0 or more", shown(text)));
    }
    let scaled = units.saturating_mul(i128::from(unit.units())) / i128::from(SCALE);
    Ok(match i64::try_from(scaled) {
        Ok(units) => (Quantity::from_units(units), false),
        Err(_) => (Quantity::MAX, true),
    })
}

/// A whole number of ten to eighteen digits, perhaps with `.0` behind it.
fn large(text: &[u8]) -> Option<i128> {
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let rest = &text[digits..];
    let is_whole = rest.is_empty() || rest[0] == b'.' && rest[1..].iter().all(|b| *b == b'0');
    ((10..=MOST_DIGITS).contains(&digits) && is_whole)
        .then(|| text[..digits].iter().fold(0, |value, b| value * 10 + i128::from(b - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, unit: &str) -> Result<(String, bool), String> {
        let unit = unit.parse().expect("a unit");
        volume("volume", text.as_bytes(), unit).map(|(v, capped)| (v.to_string(), capped))
    }

    #[test]
    fn a_volume_is_scaled_and_capped() {
        let most = "9223372036.854775807";
        for (text, unit, want) in [
            ("12.5", "1", ("12.5", false)),
            ("251", "100", ("25100", false)),
            ("11456230000", "1", (most, true)),
            ("11456230000.0", "0.001", ("11456230", false)),
            ("9223372036", "1", ("9223372036", false)),
            ("0", "1", ("0", false)),
        ] {
            assert_eq!(read(text, unit), Ok((want.0.to_owned(), want.1)), "{text} × {unit}");
        }
    }

    #[test]
    fn what_is_no_volume_is_refused() {
        for text in ["-1", "NaN", "", "1e400", "1234567890123456789", "0.0000000001"] {
            assert!(read(text, "1").is_err(), "{text}");
        }
    }
}
