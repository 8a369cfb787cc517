//! Time: nanoseconds since the Unix epoch, UTC, by the venue's clock.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Nanoseconds in a second.
pub const SECOND_NS: i64 = 1_000_000_000;
const DAY_S: i64 = 86_400;

/// A moment, in nanoseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Earlier than everything.
    pub const MIN: Self = Self(i64::MIN);

    /// From nanoseconds since the epoch.
    pub const fn from_ns(ns: i64) -> Self {
        Self(ns)
    }

    /// In nanoseconds since the epoch.
    pub const fn ns(self) -> i64 {
        self.0
    }

    /// So many nanoseconds later, or the end of time.
    pub const fn plus(self, ns: i64) -> Self {
        Self(self.0.saturating_add(ns))
    }

    /// The nanoseconds from `earlier` to here.
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The first multiple of `period_ns` since the epoch that is later.
    pub const fn next_multiple(self, period_ns: i64) -> Self {
        Self((self.0.div_euclid(period_ns) + 1).saturating_mul(period_ns))
    }

    /// From a civil date and a time of day in UTC; `None` where there is no such moment.
    pub fn from_civil(year: i64, month: u32, day: u32, second_of_day_ns: i64) -> Option<Self> {
        if !(1..=12).contains(&month)
            || day < 1
            || day > days_in_month(year, month)
            || !(1678..=2261).contains(&year)
        {
            return None;
        }
        let days = days_from_civil(year, month, day);
        days.checked_mul(DAY_S * SECOND_NS)?.checked_add(second_of_day_ns).map(Self)
    }

    /// Reads `YYYY-MM-DD`, optionally with ` ` or `T`, `hh:mm[:ss[.fraction]]` and `Z` or `±hh:mm`.
    pub fn parse_civil(text: &str) -> Option<Self> {
        let (date, time) = match text.find([' ', 'T']) {
            Some(at) => (&text[..at], &text[at + 1..]),
            None => (text, ""),
        };
        let mut parts = date.splitn(3, '-');
        let year = parts.next().filter(|y| y.len() == 4)?.parse().ok()?;
        let month = two_digits(parts.next()?)?;
        let day = two_digits(parts.next()?)?;
        let (clock, offset_ns) = split_offset(time)?;
        Self::from_civil(year, month, day, parse_clock(clock)?).map(|t| t.plus(-offset_ns))
    }
}

fn two_digits(text: &str) -> Option<u32> {
    if text.is_empty() || text.len() > 2 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// Nanoseconds of the day of `hh:mm[:ss[.fraction]]`; nothing is midnight.
pub(crate) fn parse_clock(text: &str) -> Option<i64> {
    if text.is_empty() {
        return Some(0);
    }
    let mut parts = text.splitn(3, ':');
    let hour = i64::from(two_digits(parts.next()?)?);
    let minute = i64::from(two_digits(parts.next()?)?);
    let (second, fraction) = parts.next().map_or(("0", ""), |s| s.split_once('.').unwrap_or((s, "")));
    let second = i64::from(two_digits(second)?);
    if hour > 23
        || minute > 59
        || second > 59
        || fraction.len() > 9
        || !fraction.bytes().all(|b| b.is_ascii_digit())
    {
        return None;
    }
    let fraction_ns: i64 = if fraction.is_empty() { 0 } else { format!("{fraction:0<9}").parse().ok()? };
    Some(((hour * 60 + minute) * 60 + second) * SECOND_NS + fraction_ns)
}

fn split_offset(time: &str) -> Option<(&str, i64)> {
    if let Some(clock) = time.strip_suffix('Z') {
        return Some((clock, 0));
    }
    let Some(at) = time.rfind(['+', '-']) else {
        return Some((time, 0));
    };
    let (hours, minutes) = time[at + 1..].split_once(':')?;
    let minutes = i64::from(two_digits(hours)?) * 60 + i64::from(two_digits(minutes)?);
    let sign = if time.as_bytes()[at] == b'-' { -1 } else { 1 };
    Some((&time[..at], sign * minutes * 60 * SECOND_NS))
}

/// Days from the epoch to a civil date of the proleptic Gregorian calendar.
fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month = i64::from(month);
    let day_of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * month + 2) / 5 + 1) as u32;
    let month = (if month < 10 { month + 3 } else { month - 9 }) as u32;
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

fn days_in_month(year: i64, month: u32) -> u32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.div_euclid(SECOND_NS);
        let ns = self.0.rem_euclid(SECOND_NS);
        let (year, month, day) = civil_from_days(seconds.div_euclid(DAY_S));
        let s = seconds.rem_euclid(DAY_S);
        write!(f, "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)?;
        match ns {
            0 => write!(f, "Z"),
            ns if ns % 1_000_000 == 0 => write!(f, ".{:03}Z", ns / 1_000_000),
            ns => write!(f, ".{ns:09}Z"),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dates_are_read_and_written() {
        let t = Timestamp::from_ns(1_777_689_380_521_000_000);
        assert_eq!(t.to_string(), "2026-05-02T02:36:20.521Z");
        for text in ["2026-05-02T02:36:20.521Z", "2026-05-02 02:36:20.521", "2026-05-02 04:36:20.521+02:00"] {
            assert_eq!(Timestamp::parse_civil(text), Some(t), "{text}");
        }
        for text in [
            "2026-02-29",
            "2026-13-01",
            "26-01-01",
            "2026-01-01 25:00",
            "2026-01-01 10:00:00.1234567890",
            "x",
        ] {
            assert_eq!(Timestamp::parse_civil(text), None, "{text}");
        }
    }

    #[test]
    fn a_multiple_is_later() {
        let period = 250_000_000;
        let g = Timestamp::from_ns(1_777_689_380_750_000_000);
        assert_eq!(Timestamp::from_ns(1_777_689_380_521_000_000).next_multiple(period), g);
        assert_eq!(g.next_multiple(period), g.plus(period));
    }

    proptest! {
        #[test]
        fn text_round_trips(ns in -9_000_000_000_000_000_000_i64..9_000_000_000_000_000_000) {
            let t = Timestamp::from_ns(ns);
            prop_assert_eq!(Timestamp::parse_civil(&t.to_string()), Some(t));
        }
    }
}
