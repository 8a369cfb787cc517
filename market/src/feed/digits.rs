//! Digits, eight at a time: most of what a feed holds is digits.

const ZEROS: u64 = 0x3030_3030_3030_3030;
const HIGH_NIBBLES: u64 = 0xf0f0_f0f0_f0f0_f0f0;
const SIXES: u64 = 0x0606_0606_0606_0606;
/// So many digits always fit.
const MOST_DIGITS: usize = 19;

/// A whole number of one to nineteen digits; `None` for anything else.
pub(crate) fn unsigned(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > MOST_DIGITS {
        return None;
    }
    let (eights, rest) = text.as_chunks::<8>();
    let mut value = 0;
    for eight in eights {
        value = value * 100_000_000 + eight_digits(*eight)?;
    }
    for byte in rest {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + u64::from(digit);
    }
    Some(value)
}

/// Eight digits, added up in pairs, then fours, then all.
fn eight_digits(text: [u8; 8]) -> Option<u64> {
    let word = u64::from_le_bytes(text);
    let all_digits = word & HIGH_NIBBLES == ZEROS && word.wrapping_add(SIXES) & HIGH_NIBBLES == ZEROS;
    if !all_digits {
        return None;
    }
    let ones = word - ZEROS;
    let pairs = (ones * 10 + (ones >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs * 100 + (pairs >> 16)) & 0x0000_ffff_0000_ffff;
    Some((fours * 10_000 + (fours >> 32)) & 0xffff_ffff)
}

/// A decimal number without sign or exponent, of at most eighteen bytes and nine decimals, in units of
/// 1e-9; `None` where it is not that simple.
pub(crate) fn simple_units(text: &[u8]) -> Option<i64> {
    const DECIMALS: usize = 9;
    const TENS: [u64; DECIMALS + 1] =
        [1_000_000_000, 100_000_000, 10_000_000, 1_000_000, 100_000, 10_000, 1_000, 100, 10, 1];
    if text.len() > MOST_DIGITS - 1 {
        return None;
    }
    let (mut value, mut point) = (0_u64, None);
    for (at, byte) in text.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit <= 9 {
            value = value * 10 + u64::from(digit);
        } else if *byte == b'.' && point.is_none() {
            point = Some(at);
        } else {
            return None;
        }
    }
    let decimals = point.map_or(0, |at| text.len() - 1 - at);
    let digits = text.len() - usize::from(point.is_some());
    if digits == 0 {
        return None;
    }
    let units = value.checked_mul(*TENS.get(decimals)?)?;
    i64::try_from(units).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::num::parse_units;

    #[test]
    fn only_digits_are_read() {
        assert_eq!(unsigned(b"9999999999999999999"), Some(9_999_999_999_999_999_999));
        for text in ["", "1.5", "-1", "12345678/", "1234567:", "12345678901234567890"] {
            assert_eq!(unsigned(text.as_bytes()), None, "{text}");
        }
        assert_eq!(simple_units(b"."), None);
        assert_eq!(simple_units(b""), None);
    }

    proptest! {
        #[test]
        fn digits_are_those_of_the_plain_way(value in any::<u64>(), text in "[0-9/:. ]{0,20}") {
            let all = value.to_string();
            if all.len() <= MOST_DIGITS {
                prop_assert_eq!(unsigned(all.as_bytes()), Some(value));
            }
            let plain = text.parse::<u64>().ok().filter(|_| text.len() <= MOST_DIGITS);
            prop_assert_eq!(unsigned(text.as_bytes()), plain);
        }

        #[test]
        fn what_is_simple_is_read_alike(text in "[0-9]{0,11}[.]?[0-9]{0,10}|[-+0-9.e]{0,12}") {
            if let Some(units) = simple_units(text.as_bytes()) {
                prop_assert_eq!(parse_units(text.as_bytes()), Ok(units));
            }
        }
    }
}
