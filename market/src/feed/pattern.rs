//! Times by a pattern, as `%m/%d/%Y %H:%M`.

use crate::time::{SECOND_NS, Timestamp};

/// A piece of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Item {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    Fraction,
    Offset,
    Literal(u8),
}

const DIRECTIVES: [(&str, Item); 8] = [
    ("%Y", Item::Year),
    ("%m", Item::Month),
    ("%d", Item::Day),
    ("%H", Item::Hour),
    ("%M", Item::Minute),
    ("%S", Item::Second),
    ("%.f", Item::Fraction),
    ("%z", Item::Offset),
];

/// The pieces of a pattern; `None` where a directive is unknown or no date can come of it.
pub(crate) fn pattern(text: &str) -> Option<Vec<Item>> {
    let mut items = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.bytes().next() {
        let known = DIRECTIVES.iter().find(|(name, _)| rest.starts_with(name));
        match known {
            Some((name, item)) => {
                items.push(*item);
                rest = &rest[name.len()..];
            }
            None if first == b'%' || !first.is_ascii() => return None,
            None => {
                items.push(Item::Literal(first));
                rest = &rest[1..];
            }
        }
    }
    let dated = [Item::Year, Item::Month, Item::Day];
    dated.iter().all(|d| items.contains(d)).then_some(items)
}

/// The pattern as it was written.
pub(crate) fn pattern_text(items: &[Item]) -> String {
    let name = |item: &Item| match item {
        Item::Literal(byte) => char::from(*byte).to_string(),
        other => DIRECTIVES
            .iter()
            .find(|(_, i)| i == other)
            .map_or_else(String::new, |(name, _)| (*name).to_owned()),
    };
    items.iter().map(name).collect()
}

/// Reads a text by a pattern; all of it, or nothing.
pub(crate) fn match_pattern(items: &[Item], text: &[u8], offset_ns: i64) -> Option<Timestamp> {
    let (mut year, mut month, mut day) = (0, 0, 0);
    let (mut seconds, mut fraction_ns, mut offset_ns) = (0, 0, offset_ns);
    let mut rest = text;
    for item in items {
        match item {
            Item::Year => year = digits(&mut rest, 4, 4)?,
            Item::Month => month = digits(&mut rest, 1, 2)?,
            Item::Day => day = digits(&mut rest, 1, 2)?,
            Item::Hour => seconds += 3600 * digits(&mut rest, 1, 2).filter(|h| *h < 24)?,
            Item::Minute => seconds += 60 * digits(&mut rest, 1, 2).filter(|m| *m < 60)?,
            Item::Second => seconds += digits(&mut rest, 1, 2).filter(|s| *s < 60)?,
            Item::Fraction => fraction_ns = fraction(&mut rest)?,
            Item::Offset => offset_ns = offset(&mut rest)?,
            Item::Literal(byte) => rest = rest.strip_prefix(&[*byte])?,
        }
    }
    if !rest.is_empty() {
        return None;
    }
    let clock_ns = seconds * SECOND_NS + fraction_ns;
    Timestamp::from_civil(year, month as u32, day as u32, clock_ns).map(|t| t.plus(-offset_ns))
}

fn digits(rest: &mut &[u8], least: usize, most: usize) -> Option<i64> {
    let count = rest.iter().take(most).take_while(|b| b.is_ascii_digit()).count();
    let (number, after) = rest.split_at(count);
    *rest = after;
    (count >= least).then(|| number.iter().fold(0, |value, b| value * 10 + i64::from(b - b'0')))
}

/// `.` and up to nine digits, or nothing.
fn fraction(rest: &mut &[u8]) -> Option<i64> {
    let Some(after) = rest.strip_prefix(b".") else {
        return Some(0);
    };
    *rest = after;
    let before = rest.len();
    let value = digits(rest, 1, 9)?;
    let count = before - rest.len();
    Some(value * 10_i64.pow(9 - count as u32))
}

/// `Z`, `+hh:mm` or `+hhmm`.
fn offset(rest: &mut &[u8]) -> Option<i64> {
    if let Some(after) = rest.strip_prefix(b"Z") {
        *rest = after;
        return Some(0);
    }
    let (sign, after) = match rest {
        [b'+', after @ ..] => (1, after),
        [b'-', after @ ..] => (-1, after),
        _ => return None,
    };
    *rest = after;
    let hours = digits(rest, 2, 2)?;
    *rest = rest.strip_prefix(b":").unwrap_or(rest);
    let minutes = digits(rest, 2, 2)?;
    Some(sign * (hours * 60 + minutes) * 60 * SECOND_NS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_read_and_written() {
        let text = "%d.%m.%Y %H:%M:%S%.f%z";
        let items = pattern(text).expect("a pattern");
        assert_eq!(pattern_text(&items), text);
        let read = |text: &str| match_pattern(&items, text.as_bytes(), 0).map(|t| t.to_string());
        assert_eq!(read("2.5.2026 04:36:20.5+02:00").as_deref(), Some("2026-05-02T02:36:20.500Z"));
        for text in [
            "30.2.2026 00:00:00Z",
            "2.5.2026 24:00:00Z",
            "2.5.2026 00:00:00",
            "2.5.2026 00:00:00Z ",
            "2.5.26 00:00:00Z",
            "2.5.2026 00:00:00.Z",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn without_separators_two_digits_are_taken() {
        let items = pattern("%Y%m%d").expect("a pattern");
        let time = match_pattern(&items, b"19990104", 0).map(|t| t.to_string());
        assert_eq!(time.as_deref(), Some("1999-01-04T00:00:00Z"));
    }
}
