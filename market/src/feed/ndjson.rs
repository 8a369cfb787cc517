//! Newline-delimited JSON of our own event schema (docs/feeds.md), so that any program in any
//! language can be a feed. Numbers are read through their text, so no digit is lost.

use crate::event::{Bar, EventKind, LevelChange};
use crate::feed::Format;
use crate::feed::fields::{check_bar, price, price_or_zero, quantity, quantity_or_zero, unknown_word, whole};
use crate::feed::json::{Object, pair, pairs};
use crate::feed::names::Names;
use crate::feed::rows::{At, Bad, Parsed, RowParser};
use crate::feed::stats::FeedStats;
use crate::feed::times::{TimeFormat, TimeReader, Unit};
use crate::instrument::Side;
use crate::num::{Price, Quantity};
use crate::time::Timestamp;

const UNIT_REMEDY: &str = "write times in nanoseconds, or as ISO text";

/// What stands in every row, or may: `sent_ns` is for the one who measures.
const COMMON: [&str; 4] = ["type", "instrument", "time", "sent_ns"];

/// Each type of event, with the fields that belong to it beside those.
const TYPES: [(&str, &[&str]); 12] = [
    ("add", &["id", "side", "price", "quantity"]),
    ("change", &["id", "quantity"]),
    ("delete", &["id"]),
    ("clear", &[]),
    ("levels", &["bids", "asks"]),
    ("snapshot", &["bids", "asks"]),
    ("quote", &["bid", "ask"]),
    ("trade", &["price", "quantity", "side", "maker"]),
    ("bar", &["open_time", "open", "high", "low", "close", "volume"]),
    ("halt", &[]),
    ("resume", &[]),
    ("gap", &[]),
];

/// Reads events.
pub(crate) struct Ndjson {
    names: Names,
    number_clock: TimeReader,
    text_clock: TimeReader,
    sent_ns: Option<i64>,
}

impl Ndjson {
    pub(crate) fn new(names: Names) -> Self {
        let number = TimeFormat::Epoch(Unit::Nanoseconds);
        Self {
            names,
            number_clock: TimeReader::new("time", number, 0),
            text_clock: TimeReader::new("time", TimeFormat::Iso, 0),
            sent_ns: None,
        }
    }

    /// A time: a number of nanoseconds, or ISO text.
    fn time(&mut self, text: &[u8], at: At<'_>) -> Result<Timestamp, Bad> {
        let is_number = text.iter().all(u8::is_ascii_digit);
        let clock = if is_number { &mut self.number_clock } else { &mut self.text_clock };
        clock.read(text).map_err(|fault| Bad::time(fault, at, UNIT_REMEDY))
    }
}

/// Refuses a type that there is not, and fields that do not belong to the type.
fn check_fields<'a>(kind: &str, fields: impl Iterator<Item = &'a str>) -> Result<(), String> {
    let Some((_, own)) = TYPES.iter().find(|(name, _)| *name == kind) else {
        return Err(unknown_word("type", kind.as_bytes(), &TYPES.map(|t| t.0)));
    };
    for field in fields {
        if !COMMON.contains(&field) && !own.contains(&field) {
            let known: Vec<&str> = COMMON.iter().chain(*own).copied().collect();
            let what = format!("field of `{kind}`");
            return Err(unknown_word(&what, field.as_bytes(), &known));
        }
    }
    Ok(())
}

/// The fields of a row that numbers are read from.
struct Fields<'o, 'a>(&'o Object<'a>);

impl Fields<'_, '_> {
    fn id(&self, name: &str) -> Result<u64, String> {
        whole(name, self.0.token(name)?)
    }

    fn sent_ns(&self) -> Result<Option<i64>, String> {
        let Some(sent) = self.0.get("sent_ns").map(|_| self.id("sent_ns")).transpose()? else {
            return Ok(None);
        };
        let beyond = |_| format!("sent_ns {sent} is beyond any clock; give whole nanoseconds since 1970");
        i64::try_from(sent).map(Some).map_err(beyond)
    }

    fn price(&self, name: &str) -> Result<Price, String> {
        price(name, self.0.token(name)?)
    }

    fn quantity(&self, name: &str) -> Result<Quantity, String> {
        quantity(name, self.0.token(name)?)
    }

    fn side(&self) -> Result<Side, String> {
        match self.0.token("side")? {
            b"buy" => Ok(Side::Buy),
            b"sell" => Ok(Side::Sell),
            other => Err(unknown_word("side", other, &["buy", "sell"])),
        }
    }

    /// The levels of both sides, of which one may be left out.
    fn levels(&self, may_be_zero: bool) -> Result<Box<[LevelChange]>, String> {
        let mut levels = Vec::new();
        for (side, name) in [(Side::Buy, "bids"), (Side::Sell, "asks")] {
            let Some(raw) = self.0.get(name) else {
                continue;
            };
            for [at_price, amount] in pairs(name, raw)? {
                levels.push(LevelChange {
                    side,
                    price: price(name, at_price)?,
                    quantity: if may_be_zero {
                        quantity_or_zero(name, amount)?
                    } else {
                        quantity(name, amount)?
                    },
                });
            }
        }
        if levels.is_empty() {
            return Err("has neither bids nor asks; give [[price, quantity], …]".to_owned());
        }
        Ok(levels.into())
    }

    fn best(&self, name: &str) -> Result<(Price, Quantity), String> {
        let [at_price, amount] = pair(name, self.0.need(name)?)?;
        Ok((price(name, at_price)?, quantity_or_zero(name, amount)?))
    }
}

fn bar(fields: &Fields<'_, '_>, open_time: Timestamp, close_time: Timestamp) -> Result<Bar, String> {
    if open_time > close_time {
        return Err(format!(
            "open_time {open_time} is after time {close_time}, which is the close; correct or leave out the bar"
        ));
    }
    let bar = Bar {
        open_time,
        open: fields.price("open")?,
        high: fields.price("high")?,
        low: fields.price("low")?,
        close: fields.price("close")?,
        volume: quantity_or_zero("volume", fields.0.token("volume")?)?,
    };
    check_bar(&bar)?;
    Ok(bar)
}

impl RowParser for Ndjson {
    const FORMAT: Format = Format::Ndjson;

    fn names(&self) -> &Names {
        &self.names
    }

    fn sent_ns(&self) -> Option<i64> {
        self.sent_ns
    }

    fn parse(
        &mut self,
        row: &[u8],
        at: At<'_>,
        _: &mut FeedStats,
        slot: &mut EventKind,
    ) -> Result<Parsed, Bad> {
        let object = Object::read(row)?;
        let kind = object.text("type")?;
        check_fields(&kind, object.names())?;
        let time = self.time(object.token("time")?, at)?;
        let fields = Fields(&object);
        self.sent_ns = fields.sent_ns()?;
        *slot = match kind.as_ref() {
            "add" => EventKind::Add {
                id: fields.id("id")?,
                side: fields.side()?,
                price: price_or_zero("price", object.token("price")?)?,
                quantity: fields.quantity("quantity")?,
            },
            "change" => EventKind::Change { id: fields.id("id")?, quantity: fields.quantity("quantity")? },
            "delete" => EventKind::Delete { id: fields.id("id")? },
            "clear" => EventKind::Clear,
            "levels" => EventKind::Levels(fields.levels(true)?),
            "snapshot" => EventKind::Snapshot(fields.levels(false)?),
            "quote" => EventKind::Quote { bid: fields.best("bid")?, ask: fields.best("ask")? },
            "trade" => EventKind::Trade {
                price: fields.price("price")?,
                quantity: fields.quantity("quantity")?,
                aggressor: object.get("side").map(|_| fields.side()).transpose()?,
                maker: object.get("maker").map(|_| fields.id("maker")).transpose()?,
            },
            "bar" => {
                let open_time = self.time(object.token("open_time")?, at)?;
                EventKind::Bar(bar(&fields, open_time, time)?)
            }
            "halt" => EventKind::Halt,
            "resume" => EventKind::Resume,
            _ => EventKind::Gap,
        };
        // last, so that a refused row makes no instrument known
        let instrument = self.names.resolve(&object.text("instrument")?)?;
        Ok(Parsed::Event(instrument, time))
    }
}
