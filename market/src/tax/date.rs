//! Trade dates: the rule counts calendar days, never seconds.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::time::{SECOND_NS, Timestamp};

/// The window of § 1091(a) reaches so many calendar days before a sale, and as many after it.
pub const WINDOW_DAYS: i32 = 30;

const DAY_NS: i64 = 86_400 * SECOND_NS;

/// A calendar day, counted from 1970-01-01; on the wire its number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TradeDate(i32);

/// Why a text is not a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is no day of the calendar; write it like 2026-03-16")]
pub struct DateError;

impl TradeDate {
    /// The day that a clock `utc_offset_min` minutes ahead of UTC shows at a moment.
    pub fn of(time: Timestamp, utc_offset_min: i64) -> Self {
        let local = time.plus(utc_offset_min.saturating_mul(60 * SECOND_NS));
        // a 64-bit count of nanoseconds spans fewer days than an i32 holds
        Self(local.ns().div_euclid(DAY_NS) as i32)
    }

    /// The day of that number.
    pub const fn from_day(day: i32) -> Self {
        Self(day)
    }

    /// Its number.
    pub const fn day(self) -> i32 {
        self.0
    }

    /// From year, month and day; `None` where the calendar has no such day.
    pub fn from_civil(year: i64, month: u32, day: u32) -> Option<Self> {
        Timestamp::from_civil(year, month, day, 0).map(|midnight| Self::of(midnight, 0))
    }

    /// So many days later; earlier where negative.
    pub const fn plus(self, days: i32) -> Self {
        Self(self.0.saturating_add(days))
    }

    /// The days from `earlier` to here.
    pub const fn since(self, earlier: Self) -> i32 {
        self.0.saturating_sub(earlier.0)
    }

    /// Year, month and day.
    pub fn civil(self) -> (i64, u32, u32) {
        // the one place that knows the calendar is the text of a timestamp
        let midnight = Timestamp::from_ns(i64::from(self.0).saturating_mul(DAY_NS)).to_string();
        let part = |range: std::ops::Range<usize>| midnight.get(range).and_then(|text| text.parse().ok());
        let number = |range| part(range).unwrap_or(1_i64);
        (number(0..4), number(5..7) as u32, number(8..10) as u32)
    }

    /// The first day on which a sale of what is held from here on is long-term: more than a year, counted
    /// from the day after acquisition (Rev. Rul. 66-7).
    pub fn long_term_from(self) -> Self {
        let (year, month, day) = self.plus(1).civil();
        let anniversary = Self::from_civil(year + 1, month, day);
        // 29 February has its anniversary on 1 March
        anniversary.or_else(|| Self::from_civil(year + 1, 3, 1)).unwrap_or(self)
    }
}

impl fmt::Display for TradeDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.civil();
        f.pad(&format!("{year:04}-{month:02}-{day:02}"))
    }
}

impl fmt::Debug for TradeDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for TradeDate {
    type Err = DateError;
    fn from_str(text: &str) -> Result<Self, DateError> {
        let is_day = text.len() == 10 && !text.contains([' ', 'T']);
        Timestamp::parse_civil(text).filter(|_| is_day).map(|midnight| Self::of(midnight, 0)).ok_or(DateError)
    }
}

/// A tax year: the twelve months that end on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaxYear {
    /// The year it ends in.
    pub year: i64,
    /// Its first day.
    pub first: TradeDate,
    /// Its last day.
    pub last: TradeDate,
}

impl TaxYear {
    /// The year that ends in `year` on `end`, a month and a day as `12-31`.
    ///
    /// # Errors
    /// [`DateError`] where one of the two years has no such day.
    pub fn ending(year: i64, end: &str) -> Result<Self, DateError> {
        let day = |year: i64| format!("{year:04}-{end}").parse::<TradeDate>();
        Ok(Self { year, first: day(year - 1)?.plus(1), last: day(year)? })
    }

    /// Whether a day is in it.
    pub fn holds(&self, date: TradeDate) -> bool {
        (self.first..=self.last).contains(&date)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> TradeDate {
        text.parse().expect("a day")
    }

    #[test]
    fn dates_are_read_and_written() {
        for text in ["1955-01-15", "1970-01-01", "2028-02-29", "2026-12-31"] {
            assert_eq!(date(text).to_string(), text);
        }
        for text in ["2026-02-29", "2026-13-01", "26-01-01", "2026-1-1", "2026-01-01T00:00", "x", ""] {
            assert_eq!(text.parse::<TradeDate>(), Err(DateError), "{text}");
        }
        assert_eq!(date("1970-01-01").day(), 0);
    }

    #[test]
    fn the_day_is_that_of_the_local_clock() {
        let evening = Timestamp::parse_civil("2026-03-17 01:30").expect("a time");
        assert_eq!(TradeDate::of(evening, 0), date("2026-03-17"));
        assert_eq!(TradeDate::of(evening, -240), date("2026-03-16"));
        let before_the_epoch = Timestamp::parse_civil("1955-01-15 23:59").expect("a time");
        assert_eq!(TradeDate::of(before_the_epoch, 0), date("1955-01-15"));
    }

    #[test]
    fn the_window_is_in_calendar_days() {
        for (sale, first, last) in [
            ("2026-03-16", "2026-02-14", "2026-04-15"),
            ("2026-12-31", "2026-12-01", "2027-01-30"),
            ("2028-02-15", "2028-01-16", "2028-03-16"),
        ] {
            assert_eq!(date(sale).plus(-WINDOW_DAYS), date(first));
            assert_eq!(date(sale).plus(WINDOW_DAYS), date(last));
        }
    }

    #[test]
    fn long_term_is_more_than_a_year() {
        for (held_from, first) in [
            ("2025-01-01", "2026-01-02"),
            ("2024-02-29", "2025-03-01"),
            ("2024-02-28", "2025-03-01"),
            ("2023-02-28", "2024-03-01"),
            ("2025-12-31", "2027-01-01"),
        ] {
            assert_eq!(date(held_from).long_term_from(), date(first), "{held_from}");
        }
    }

    #[test]
    fn a_year_ends_where_it_is_told_to() {
        let year = TaxYear::ending(2026, "12-31").expect("a year");
        assert_eq!((year.first, year.last), (date("2026-01-01"), date("2026-12-31")));
        let year = TaxYear::ending(2026, "06-30").expect("a year");
        assert_eq!((year.first, year.last), (date("2025-07-01"), date("2026-06-30")));
        assert!(!year.holds(date("2026-07-01")) && year.holds(date("2026-06-30")));
        assert!(TaxYear::ending(2026, "02-30").is_err());
    }
}
