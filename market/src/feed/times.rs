//! Reading times: numbers since the epoch in a unit, ISO text, or a pattern.

use crate::feed::digits::unsigned;
use crate::feed::fields::shown;
use crate::feed::pattern::{Item, match_pattern, pattern, pattern_text};
use crate::time::{SECOND_NS, Timestamp};

/// 1990-01-01 and 2100-01-01: a number outside is taken for one in another unit.
const EARLIEST_NS: i64 = 631_152_000 * SECOND_NS;
const LATEST_NS: i64 = 4_102_444_800 * SECOND_NS;

/// The patterns that are tried on the first value of a column.
const GUESSES: [&str; 8] = [
    "%m/%d/%Y",
    "%m/%d/%Y %H:%M:%S%.f",
    "%m/%d/%Y %H:%M",
    "%Y/%m/%d",
    "%Y/%m/%d %H:%M:%S%.f",
    "%Y/%m/%d %H:%M",
    "%Y%m%d",
    "%Y%m%d %H:%M:%S%.f",
];

/// What `time_format` may be.
pub(crate) const TIME_FORMATS: &str = "auto, s, ms, us, ns, iso, or a pattern of %Y %m %d %H %M %S %.f %z";

/// The unit of a number since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Seconds,
    Milliseconds,
    Microseconds,
    Nanoseconds,
}

impl Unit {
    const ALL: [Self; 4] = [Self::Seconds, Self::Milliseconds, Self::Microseconds, Self::Nanoseconds];

    const fn ns(self) -> i64 {
        match self {
            Self::Seconds => SECOND_NS,
            Self::Milliseconds => 1_000_000,
            Self::Microseconds => 1_000,
            Self::Nanoseconds => 1,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Seconds => "s",
            Self::Milliseconds => "ms",
            Self::Microseconds => "us",
            Self::Nanoseconds => "ns",
        }
    }

    /// The moment, if it lies from 1990 to 2100.
    fn moment(self, whole: i64, fraction: &[u8]) -> Option<Timestamp> {
        let mut ns = whole.checked_mul(self.ns())?;
        let mut step = self.ns();
        for digit in fraction {
            step /= 10;
            ns = ns.checked_add(step * i64::from(digit - b'0'))?;
        }
        (EARLIEST_NS..=LATEST_NS).contains(&ns).then(|| Timestamp::from_ns(ns))
    }

    /// The unit in which a number is a time from 1990 to 2100.
    fn of(whole: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| unit.moment(whole, b"").is_some())
    }
}

/// How times are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TimeFormat {
    /// By the first value.
    Auto,
    Epoch(Unit),
    Iso,
    Pattern(Vec<Item>),
}

impl TimeFormat {
    /// The format of that name, or the pattern; `None` where it is neither.
    pub(crate) fn named(text: &str) -> Option<Self> {
        match text {
            "auto" | "" => Some(Self::Auto),
            "iso" => Some(Self::Iso),
            _ => Unit::ALL
                .into_iter()
                .find(|unit| unit.name() == text)
                .map(Self::Epoch)
                .or_else(|| pattern(text).map(Self::Pattern)),
        }
    }

    /// The unit that a column's name ends in, as `timestamp_ms`.
    pub(crate) fn of_column(name: &str) -> Option<Self> {
        let (_, unit) = name.rsplit_once('_')?;
        Unit::ALL.into_iter().find(|u| u.name().eq_ignore_ascii_case(unit)).map(Self::Epoch)
    }

    /// The format of a value, from the value.
    fn of_value(text: &[u8]) -> Option<Self> {
        if let Some((whole, _)) = whole_and_fraction(text)
            && let Some(unit) = Unit::of(whole)
        {
            return Some(Self::Epoch(unit));
        }
        let guess = GUESSES
            .iter()
            .filter_map(|guess| pattern(guess))
            .find(|items| match_pattern(items, text, 0).is_some());
        match guess {
            Some(items) => Some(Self::Pattern(items)),
            None => civil(text, 0).map(|_| Self::Iso),
        }
    }
}

/// Why a time was not read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum TimeFault {
    /// The row is to be refused.
    Row(String),
    /// The first time of the stream is in another unit.
    Unit { what: String, unit: &'static str, fits: &'static str },
}

/// Reads the times of one column.
pub(crate) struct TimeReader {
    column: String,
    format: TimeFormat,
    /// How far the file's clock is ahead of UTC.
    offset_ns: i64,
    /// Whether a time has been read, so that the unit is not in question any more.
    confirmed: bool,
}

impl TimeReader {
    pub(crate) fn new(column: &str, format: TimeFormat, offset_ns: i64) -> Self {
        Self { column: column.to_owned(), format, offset_ns, confirmed: false }
    }

    /// Reads one.
    pub(crate) fn read(&mut self, text: &[u8]) -> Result<Timestamp, TimeFault> {
        if self.format == TimeFormat::Auto {
            self.format = TimeFormat::of_value(text).ok_or_else(|| self.no_time(text))?;
        }
        let time = match &self.format {
            TimeFormat::Epoch(unit) => self.epoch(*unit, text)?,
            TimeFormat::Pattern(items) => {
                match_pattern(items, text, self.offset_ns).ok_or_else(|| self.no_time(text))?
            }
            TimeFormat::Iso | TimeFormat::Auto => {
                civil(text, self.offset_ns).ok_or_else(|| self.no_time(text))?
            }
        };
        self.confirmed = true;
        Ok(time)
    }

    fn epoch(&self, unit: Unit, text: &[u8]) -> Result<Timestamp, TimeFault> {
        let (whole, fraction) = whole_and_fraction(text).ok_or_else(|| self.no_time(text))?;
        match unit.moment(whole, fraction) {
            Some(time) => Ok(time.plus(-self.offset_ns)),
            None => Err(self.out_of_range(unit, whole, text)),
        }
    }

    #[cold]
    fn out_of_range(&self, unit: Unit, whole: i64, text: &[u8]) -> TimeFault {
        let what = format!("{} `{}`", self.column, shown(text));
        match Unit::of(whole) {
            Some(fits) if !self.confirmed => TimeFault::Unit { what, unit: unit.name(), fits: fits.name() },
            _ => TimeFault::Row(format!(
                "{what} is no time from 1990 to 2100 in {}; correct or leave out the row",
                unit.name()
            )),
        }
    }

    #[cold]
    fn no_time(&self, text: &[u8]) -> TimeFault {
        let wanted = match &self.format {
            TimeFormat::Epoch(unit) => format!("a number of {} since 1970", unit.name()),
            TimeFormat::Pattern(items) => format!("written like {}", pattern_text(items)),
            TimeFormat::Iso => "written like 2026-05-02 02:36:20.521".to_owned(),
            TimeFormat::Auto => format!("of a form that can be told; set it: {TIME_FORMATS}"),
        };
        TimeFault::Row(format!("{} `{}` is no time; it must be {wanted}", self.column, shown(text)))
    }
}

/// Reads a column of times in whatever form its first value is: a number since the epoch, ISO text, or a
/// common pattern.
pub struct TimeColumn(TimeReader);

impl TimeColumn {
    /// A column, by the name that messages give it.
    pub fn new(name: &str) -> Self {
        Self(TimeReader::new(name, TimeFormat::Auto, 0))
    }

    /// Reads one: the moment, in UTC where nothing else is said, and whether the text tells the day alone.
    ///
    /// # Errors
    /// What is wrong with it, and what it must be.
    pub fn read(&mut self, text: &str) -> Result<(Timestamp, bool), String> {
        let time = self.0.read(text.as_bytes()).map_err(|fault| match fault {
            TimeFault::Row(what) | TimeFault::Unit { what, .. } => what,
        })?;
        let tells_clock = |clock: &str| clock.starts_with(|first: char| first.is_ascii_digit());
        let is_day = match &self.0.format {
            TimeFormat::Epoch(_) => false,
            TimeFormat::Pattern(items) => !items.contains(&Item::Hour),
            TimeFormat::Iso | TimeFormat::Auto => {
                !text.split_once([' ', 'T']).is_some_and(|(_, clock)| tells_clock(clock))
            }
        };
        Ok((time, is_day))
    }
}

/// `1777689380521` or `1777689380.521`, with at most nine decimals.
fn whole_and_fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    if let Some(whole) = unsigned(text) {
        return i64::try_from(whole).ok().map(|whole| (whole, &b""[..]));
    }
    let mut whole = 0_i64;
    for (at, &byte) in text.iter().enumerate() {
        match byte {
            b'0'..=b'9' => {
                whole = whole.checked_mul(10)?.checked_add(i64::from(byte - b'0'))?;
            }
            b'.' if at > 0 => {
                let fraction = &text[at + 1..];
                let digits = fraction.len() <= 9 && fraction.iter().all(u8::is_ascii_digit);
                return digits.then_some((whole, fraction));
            }
            _ => return None,
        }
    }
    (!text.is_empty()).then_some((whole, b""))
}

/// ISO text; one with an offset of its own is not moved by the file's.
fn civil(text: &[u8], offset_ns: i64) -> Option<Timestamp> {
    let text = std::str::from_utf8(text).ok()?;
    let own_offset = text.get(10..).is_some_and(|clock| clock.ends_with('Z') || clock.contains(['+', '-']));
    let time = Timestamp::parse_civil(text)?;
    Some(if own_offset { time } else { time.plus(-offset_ns) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(format: &str, text: &str) -> Result<String, TimeFault> {
        let format = TimeFormat::named(format).expect("a format");
        TimeReader::new("time", format, 0).read(text.as_bytes()).map(|t| t.to_string())
    }

    #[test]
    fn every_form_is_read() {
        for (format, text, want) in [
            ("s", "1777689380", "2026-05-02T02:36:20Z"),
            ("s", "1777689380.521", "2026-05-02T02:36:20.521Z"),
            ("ms", "1777689380521", "2026-05-02T02:36:20.521Z"),
            ("us", "1777689380521000", "2026-05-02T02:36:20.521Z"),
            ("ns", "1777689380521000001", "2026-05-02T02:36:20.521000001Z"),
            ("iso", "2026-05-02T04:36:20.521+02:00", "2026-05-02T02:36:20.521Z"),
            ("%m/%d/%Y", "1/4/1999", "1999-01-04T00:00:00Z"),
            ("%Y-%m-%d %H:%M:%S%.f", "2013-09-01 17:00:00.083", "2013-09-01T17:00:00.083Z"),
            ("%Y-%m-%d %H:%M:%S%.f", "2013-09-01 17:00:00", "2013-09-01T17:00:00Z"),
            ("%d.%m.%Y %H:%M %z", "02.05.2026 04:36 +0200", "2026-05-02T02:36:00Z"),
        ] {
            assert_eq!(read(format, text).as_deref(), Ok(want), "{format} {text}");
        }
    }

    #[test]
    fn the_form_is_told_from_the_first_value() {
        for (text, want) in [
            ("1777689380", "2026-05-02T02:36:20Z"),
            ("1777689380521", "2026-05-02T02:36:20.521Z"),
            ("1777689380521000", "2026-05-02T02:36:20.521Z"),
            ("1777689380521000000", "2026-05-02T02:36:20.521Z"),
            ("1/4/1999", "1999-01-04T00:00:00Z"),
            ("12/31/1999 23:59", "1999-12-31T23:59:00Z"),
            ("1986/01/02", "1986-01-02T00:00:00Z"),
            ("19990104", "1999-01-04T00:00:00Z"),
            ("1990-01-02", "1990-01-02T00:00:00Z"),
            ("2012-02-01 00:01:00+00:00", "2012-02-01T00:01:00Z"),
        ] {
            assert_eq!(read("auto", text).as_deref(), Ok(want), "{text}");
        }
        assert!(matches!(read("auto", "soon"), Err(TimeFault::Row(_))));
    }

    #[test]
    fn a_wrong_unit_names_the_one_that_fits_until_a_time_was_read() {
        let mut ms = TimeReader::new("time", TimeFormat::Epoch(Unit::Milliseconds), 0);
        assert_eq!(
            ms.read(b"1777689380521000"),
            Err(TimeFault::Unit { what: "time `1777689380521000`".to_owned(), unit: "ms", fits: "us" })
        );
        ms.read(b"1777689380521").expect("a time");
        assert_eq!(
            ms.read(b"1777689380521000"),
            Err(TimeFault::Row(
                "time `1777689380521000` is no time from 1990 to 2100 in ms; correct or leave out the row"
                    .to_owned()
            ))
        );
        assert!(matches!(read("ms", "7"), Err(TimeFault::Row(_))));
    }

    #[test]
    fn a_file_may_run_ahead_of_utc_unless_the_text_says_its_own() {
        let hour = 3600 * SECOND_NS;
        for (text, want) in [
            ("2026-05-02 02:00:00", "2026-05-02T01:00:00Z"),
            ("2026-05-02 02:00:00Z", "2026-05-02T02:00:00Z"),
            ("2026-05-02 02:00:00-01:00", "2026-05-02T03:00:00Z"),
            ("5/2/2026", "2026-05-01T23:00:00Z"),
        ] {
            let mut reader = TimeReader::new("time", TimeFormat::Auto, hour);
            assert_eq!(reader.read(text.as_bytes()).map(|t| t.to_string()).as_deref(), Ok(want), "{text}");
        }
    }

    #[test]
    fn what_is_no_format_is_none() {
        for text in ["minutes", "%q", "%Y-%m", "%Y-%m-%d %"] {
            assert_eq!(TimeFormat::named(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in ".{0,40}", format in prop_oneof![Just("auto"), Just("iso"), Just("ms"), Just("%m/%d/%Y %H:%M:%S%.f%z")]) {
            let _ = read(format, &text);
        }
    }
}
