//! Bars as CSV, with a column mapping. The event of a bar stands at its close.

use crate::error::MarketError;
use crate::event::{Bar, EventKind};
use crate::feed::Format;
use crate::feed::columns::{Fields, Header, Splitter};
use crate::feed::fields::{check_bar, price};
use crate::feed::mapping::{Mapping, TIME_NAMES, UNIT_REMEDY, clock};
use crate::feed::names::Names;
use crate::feed::params::CsvBars;
use crate::feed::rows::{At, Bad, Parsed, RowParser};
use crate::feed::stats::FeedStats;
use crate::feed::times::TimeReader;
use crate::feed::volume::volume;
use crate::instrument::InstrumentId;
use crate::num::{Price, Quantity};
use crate::time::{SECOND_NS, Timestamp};

/// How many bars are looked at to tell their length: enough to cross a weekend of daily ones.
pub(crate) const LOOKED_AT: usize = 8;

const OPEN: [&str; 2] = ["open", "o"];
const HIGH: [&str; 2] = ["high", "h"];
const LOW: [&str; 2] = ["low", "l"];
const CLOSE: [&str; 3] = ["close", "c", "last"];
const VOLUME: [&str; 3] = ["volume", "vol", "v"];

/// Whether a header looks like that of bars.
pub(crate) fn looks_like_bars(header: &Header, params: &CsvBars) -> bool {
    let all = [(&params.open, OPEN), (&params.high, HIGH), (&params.low, LOW)];
    let spans = all.iter().all(|(name, usual)| has(header, name, usual));
    let closes_only = header.len() == 2 && params.close.is_empty();
    let is_mapped = !params.close.is_empty();
    has(header, &params.time, &TIME_NAMES)
        && (closes_only || has(header, &params.close, &CLOSE) && (spans || is_mapped))
}

fn has(header: &Header, configured: &str, usual: &[&str]) -> bool {
    match configured {
        "" => header.any_of(usual).is_some(),
        name => header.position(name).is_some(),
    }
}

/// Where the columns of a bar stand.
struct Columns {
    time: usize,
    /// Open, high and low; `None` where a file has closes only.
    spans: Option<[usize; 3]>,
    close: usize,
    volume: Option<usize>,
}

impl Columns {
    fn find(header: &Header, params: &CsvBars) -> Result<Self, MarketError> {
        let map = Mapping::new(header, "csv_bars");
        let time = map.column("time", &params.time, &TIME_NAMES)?;
        let wanted = [("open", &params.open, OPEN), ("high", &params.high, HIGH), ("low", &params.low, LOW)];
        let spanless =
            wanted.iter().all(|(_, name, usual)| name.is_empty() && header.any_of(usual).is_none());
        let spans = if spanless {
            None
        } else {
            let [open, high, low] = wanted.map(|(key, name, usual)| map.column(key, name, &usual));
            Some([open?, high?, low?])
        };
        let close = if spanless && params.close.is_empty() && header.len() == 2 {
            1 - time
        } else {
            map.column("close", &params.close, &CLOSE)?
        };
        Ok(Self { time, spans, close, volume: map.optional("volume", &params.volume, &VOLUME)? })
    }
}

/// Reads bars.
pub(crate) struct Bars {
    header: Header,
    columns: Columns,
    splitter: Splitter,
    clock: TimeReader,
    at_close: bool,
    length_ns: Option<i64>,
    volume_unit: Quantity,
    names: Names,
    instrument: InstrumentId,
    /// When the last bar ended.
    ended: Timestamp,
}

impl Bars {
    pub(crate) fn new(
        header: Header,
        delimiter: u8,
        params: &CsvBars,
        names: Names,
        instrument: InstrumentId,
    ) -> Result<Self, MarketError> {
        let columns = Columns::find(&header, params)?;
        let at_close = match params.time_is.as_str() {
            "open" => false,
            "close" => true,
            other => {
                return Err(MarketError::Mapping {
                    key: "csv_bars.time_is",
                    value: other.to_owned(),
                    expected: "open or close",
                });
            }
        };
        let clock = clock(
            header.name(columns.time),
            "csv_bars.time_format",
            &params.time_format,
            params.utc_offset_min,
        )?;
        Ok(Self {
            header,
            columns,
            splitter: Splitter::new(delimiter),
            clock,
            at_close,
            length_ns: Some(params.bar_length_s * SECOND_NS).filter(|ns| *ns > 0),
            volume_unit: params.volume_unit,
            names,
            instrument,
            ended: Timestamp::MIN,
        })
    }

    /// Whether the length of a bar is still to be told.
    pub(crate) const fn needs_length(&self) -> bool {
        self.length_ns.is_none()
    }

    /// Tells the length of a bar from the first rows: the smallest distance between two of them.
    pub(crate) fn measure(&mut self, rows: &[Vec<u8>]) {
        let mut last: Option<Timestamp> = None;
        for row in rows {
            let text = self.splitter.split(row).get(self.columns.time);
            let Ok(time) = self.clock.read(text) else {
                continue;
            };
            let step = last.map(|last| time.since(last)).filter(|ns| *ns > 0);
            self.length_ns = [self.length_ns, step].into_iter().flatten().min();
            last = Some(time);
        }
    }

    /// When a bar of this time began and ended.
    fn span(&self, time: Timestamp, at: At<'_>) -> Result<(Timestamp, Timestamp), Bad> {
        match (self.at_close, self.length_ns) {
            (true, length_ns) => {
                let open = time.plus(-length_ns.unwrap_or(0)).max(self.ended).min(time);
                Ok((open, time))
            }
            (false, None) => Err(MarketError::BarLength { place: at.place() }.into()),
            (false, Some(_)) if time < self.ended => Err(Bad::Row(inside(time, self.ended))),
            (false, Some(length_ns)) => Ok((time, time.plus(length_ns))),
        }
    }
}

#[cold]
fn inside(time: Timestamp, ended: Timestamp) -> String {
    format!(
        "bar of {time} begins before the one before it ends, {ended}; sort the rows by time, or set csv_bars.bar_length_s"
    )
}

/// Whether a cell says that there is no price: a holiday.
fn is_blank(cell: &[u8]) -> bool {
    cell.is_empty() || cell == b"."
}

fn prices(header: &Header, columns: &Columns, fields: &Fields<'_>) -> Result<[Price; 4], String> {
    let read = |column: usize| price(header.name(column), fields.get(column));
    let close = read(columns.close)?;
    match columns.spans {
        Some([open, high, low]) => Ok([read(open)?, read(high)?, read(low)?, close]),
        None => Ok([close; 4]),
    }
}

impl RowParser for Bars {
    const FORMAT: Format = Format::CsvBars;

    fn names(&self) -> &Names {
        &self.names
    }

    fn parse(
        &mut self,
        row: &[u8],
        at: At<'_>,
        stats: &mut FeedStats,
        slot: &mut EventKind,
    ) -> Result<Parsed, Bad> {
        let fields = self.splitter.split(row).counted(self.header.len())?;
        let time = self
            .clock
            .read(fields.get(self.columns.time))
            .map_err(|fault| Bad::time(fault, at, UNIT_REMEDY))?;
        if is_blank(fields.get(self.columns.close)) {
            return Ok(Parsed::Bookkeeping);
        }
        let [open, high, low, close] = prices(&self.header, &self.columns, &fields)?;
        let (volume, is_capped) = match self.columns.volume {
            Some(at) => volume(self.header.name(at), fields.get(at), self.volume_unit)?,
            None => (Quantity::ZERO, false),
        };
        let (open_time, close_time) = self.span(time, at)?;
        let bar = Bar { open_time, open, high, low, close, volume };
        check_bar(&bar)?;
        if close_time >= self.ended {
            self.ended = close_time;
            stats.capped += u64::from(is_capped);
        }
        *slot = EventKind::Bar(bar);
        Ok(Parsed::Event(self.instrument, close_time))
    }
}
