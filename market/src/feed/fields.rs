//! Values of a row, and what is said of one that is wrong.

use crate::event::Bar;
use crate::feed::digits::{simple_units, unsigned};
use crate::num::{NumberError, Price, Quantity, parse_units};

/// How much of a value a message repeats.
const SHOWN_CHARS: usize = 48;

/// A value as a message shows it: shortened, on one line.
pub(crate) fn shown(bytes: &[u8]) -> String {
    let head = &bytes[..bytes.len().min(4 * SHOWN_CHARS)];
    let text = String::from_utf8_lossy(head);
    let mut out: String =
        text.chars().take(SHOWN_CHARS).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().count() > SHOWN_CHARS || head.len() < bytes.len() {
        out.push('…');
    }
    out
}

/// A decimal number in units of 1e-9.
pub(crate) fn decimal(column: &str, text: &[u8]) -> Result<i64, String> {
    match simple_units(text) {
        Some(units) => Ok(units),
        None => parse_units(text).map_err(|error| bad_number(column, text, error)),
    }
}

/// A price of at least 0.
pub(crate) fn price_or_zero(column: &str, text: &[u8]) -> Result<Price, String> {
    match decimal(column, text)? {
        units if units >= 0 => Ok(Price::from_units(units)),
        _ => Err(negative(column, text)),
    }
}

/// A price greater than 0.
pub(crate) fn price(column: &str, text: &[u8]) -> Result<Price, String> {
    match decimal(column, text)? {
        units if units > 0 => Ok(Price::from_units(units)),
        _ => Err(not_positive(column, text)),
    }
}

/// A quantity of at least 0.
pub(crate) fn quantity_or_zero(column: &str, text: &[u8]) -> Result<Quantity, String> {
    match decimal(column, text)? {
        units if units >= 0 => Ok(Quantity::from_units(units)),
        _ => Err(negative(column, text)),
    }
}

/// A quantity greater than 0.
pub(crate) fn quantity(column: &str, text: &[u8]) -> Result<Quantity, String> {
    match decimal(column, text)? {
        units if units > 0 => Ok(Quantity::from_units(units)),
        _ => Err(not_positive(column, text)),
    }
}

/// A whole number, such as an order's.
pub(crate) fn whole(column: &str, text: &[u8]) -> Result<u64, String> {
    unsigned(text)
        .or_else(|| std::str::from_utf8(text).ok()?.parse().ok())
        .ok_or_else(|| bad_whole(column, text))
}

#[cold]
fn bad_number(column: &str, text: &[u8], error: NumberError) -> String {
    let remedy = match error {
        NumberError::Malformed => "write it like 1234.5",
        NumberError::TooFine => "round it to nine",
        NumberError::TooLarge => "check the column and its unit",
    };
    format!("{column} `{}` {error}; {remedy}", shown(text))
}

#[cold]
fn negative(column: &str, text: &[u8]) -> String {
    format!("{column} `{}` is negative; it must be 0 or more", shown(text))
}

#[cold]
fn not_positive(column: &str, text: &[u8]) -> String {
    format!("{column} `{}` is not positive; it must be greater than 0", shown(text))
}

#[cold]
fn bad_whole(column: &str, text: &[u8]) -> String {
    format!("{column} `{}` is not a whole number; it must be 0 to {}", shown(text), u64::MAX)
}

/// Refuses a bar whose prices or times contradict each other.
pub(crate) fn check_bar(bar: &Bar) -> Result<(), String> {
    let range = bar.low..=bar.high;
    if bar.low > bar.high {
        Err(format!("high {} is below low {}; correct or leave out the bar", bar.high, bar.low))
    } else if !range.contains(&bar.open) || !range.contains(&bar.close) {
        Err(format!(
            "open {} or close {} is outside low {} to high {}; correct or leave out the bar",
            bar.open, bar.close, bar.low, bar.high
        ))
    } else {
        Ok(())
    }
}

/// What is said of a word that is none of those known.
#[cold]
pub(crate) fn unknown_word(what: &str, text: &[u8], known: &[&str]) -> String {
    let text = shown(text);
    let hint = nearest(&text, known.iter().copied())
        .map_or_else(String::new, |word| format!("did you mean `{word}`? "));
    format!("{what} `{text}` is unknown; {hint}known are {}", known.join(", "))
}

/// The known word nearest to one that is not known.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: String = word.chars().take(SHOWN_CHARS).collect::<String>();
    let word = word.to_lowercase();
    known.into_iter().min_by_key(|k| strsim::damerau_levenshtein(&word, &k.to_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_numbers_are_named_with_a_remedy() {
        for (text, want) in [
            ("NaN", "volume `NaN` is not a decimal number; write it like 1234.5"),
            ("1e400", "volume `1e400` is beyond ±9223372036.854775807; check the column and its unit"),
            ("0.0000000001", "volume `0.0000000001` has more than nine decimals; round it to nine"),
            ("0", "volume `0` is not positive; it must be greater than 0"),
            ("-1", "volume `-1` is not positive; it must be greater than 0"),
        ] {
            assert_eq!(quantity("volume", text.as_bytes()), Err(want.to_owned()));
        }
        assert_eq!(
            price_or_zero("price", b"-0.5"),
            Err("price `-0.5` is negative; it must be 0 or more".to_owned())
        );
        for text in ["", "-1", "1.5", " 1", "18446744073709551616"] {
            assert!(whole("id", text.as_bytes()).is_err(), "{text}");
        }
        assert_eq!(whole("id", b"18446744073709551615"), Ok(u64::MAX));
    }

    #[test]
    fn a_message_stays_short_and_on_one_line() {
        let text = shown(&[b"a\nb".to_vec(), vec![b'x'; 1 << 20]].concat());
        assert_eq!(text.chars().count(), SHOWN_CHARS + 1);
        assert!(text.starts_with("a\u{fffd}bx") && text.ends_with('…'));
    }

    #[test]
    fn the_nearest_word_is_offered() {
        assert_eq!(
            unknown_word("action", b"createdd", &["created", "changed", "deleted"]),
            "action `createdd` is unknown; did you mean `created`? known are created, changed, deleted"
        );
    }
}
