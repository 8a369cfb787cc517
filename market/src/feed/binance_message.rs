//! A message of Binance's streams: its fields by name, each read only when it is asked for.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::event::LevelChange;
use crate::feed::fields::{price, quantity_or_zero, shown, whole};
use crate::feed::json::{bare, pairs, token};
use crate::instrument::Side;

/// The fields that are used of any message, as they are written.
#[derive(Deserialize)]
pub(crate) struct Message<'a> {
    /// The message inside that of a combined stream.
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    /// The kind of event.
    e: Option<&'a RawValue>,
    /// When it was sent.
    #[serde(rename = "E")]
    sent: Option<&'a RawValue>,
    /// When it happened.
    #[serde(rename = "T")]
    happened: Option<&'a RawValue>,
    /// The symbol.
    s: Option<&'a RawValue>,
    #[serde(rename = "U")]
    first: Option<&'a RawValue>,
    u: Option<&'a RawValue>,
    pu: Option<&'a RawValue>,
    b: Option<&'a RawValue>,
    a: Option<&'a RawValue>,
    #[serde(rename = "B")]
    bid_quantity: Option<&'a RawValue>,
    #[serde(rename = "A")]
    ask_quantity: Option<&'a RawValue>,
    p: Option<&'a RawValue>,
    q: Option<&'a RawValue>,
    m: Option<&'a RawValue>,
    #[serde(rename = "X")]
    order_kind: Option<&'a RawValue>,
    #[serde(rename = "lastUpdateId")]
    last_update_id: Option<&'a RawValue>,
    bids: Option<&'a RawValue>,
    asks: Option<&'a RawValue>,
}

/// What kind of message it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MessageKind {
    Depth,
    Snapshot,
    Quote,
    Trade,
    Other,
}

impl<'a> Message<'a> {
    /// Reads a line: perhaps the capture's own clock, then the message, perhaps wrapped with the
    /// name of its stream.
    pub(crate) fn read(row: &'a [u8]) -> Result<Self, String> {
        let start = row.iter().position(|b| *b == b'{').unwrap_or(row.len());
        let is_clock = |b: &u8| b.is_ascii_digit() || *b == b' ' || *b == b'\t';
        if start == row.len() || !row[..start].iter().all(is_clock) {
            return Err("is no message; it must be the local time in ns and a JSON object".to_owned());
        }
        let outer: Self = serde_json::from_slice(&row[start..]).map_err(|e| no_json(&e))?;
        match outer.data {
            Some(inner) => serde_json::from_str(inner.get()).map_err(|e| no_json(&e)),
            None => Ok(outer),
        }
    }

    pub(crate) fn kind(&self) -> MessageKind {
        match self.e.map(token) {
            Some(b"depthUpdate") => MessageKind::Depth,
            Some(b"bookTicker") => MessageKind::Quote,
            Some(b"trade") => MessageKind::Trade,
            Some(_) => MessageKind::Other,
            None if self.last_update_id.is_some() => MessageKind::Snapshot,
            // spot does not say what it is
            None if self.bid_quantity.is_some() && self.ask_quantity.is_some() => MessageKind::Quote,
            None => MessageKind::Other,
        }
    }

    pub(crate) fn symbol(&self) -> Option<&'a str> {
        self.s.map(bare)
    }

    /// The venue's time: when it happened, or else when it was sent.
    pub(crate) fn time(&self) -> Option<&'a [u8]> {
        self.happened.or(self.sent).map(token)
    }

    /// U, u and pu.
    pub(crate) fn update_ids(&self) -> Result<(u64, u64, Option<u64>), String> {
        Ok((
            whole("U", given("U", self.first)?)?,
            whole("u", given("u", self.u)?)?,
            self.pu.map(|raw| whole("pu", token(raw))).transpose()?,
        ))
    }

    pub(crate) fn last_update_id(&self) -> Result<u64, String> {
        whole("lastUpdateId", given("lastUpdateId", self.last_update_id)?)
    }

    /// The changed levels of an update.
    pub(crate) fn changes(&self) -> Result<Vec<LevelChange>, String> {
        both_sides(("b", self.b), ("a", self.a))
    }

    /// The levels of a snapshot.
    pub(crate) fn levels(&self) -> Result<Vec<LevelChange>, String> {
        both_sides(("bids", self.bids), ("asks", self.asks))
    }

    /// Best bid, its quantity, best ask, its quantity.
    pub(crate) fn quote(&self) -> Result<[&'a [u8]; 4], String> {
        Ok([
            given("b", self.b)?,
            given("B", self.bid_quantity)?,
            given("a", self.a)?,
            given("A", self.ask_quantity)?,
        ])
    }

    /// Price and quantity of a trade, and the side that took.
    pub(crate) fn trade(&self) -> Result<(&'a [u8], &'a [u8], Side), String> {
        let taker = match given("m", self.m)? {
            b"true" => Side::Sell,
            b"false" => Side::Buy,
            other => {
                return Err(format!(
                    "m `{}` is neither true nor false; correct or leave out the row",
                    shown(other)
                ));
            }
        };
        Ok((given("p", self.p)?, given("q", self.q)?, taker))
    }

    /// Whether a trade was made in the market, and not by the venue's insurance fund or the like.
    pub(crate) fn is_market(&self) -> bool {
        self.order_kind.is_none_or(|raw| token(raw) == b"MARKET")
    }
}

fn given<'a>(name: &str, raw: Option<&'a RawValue>) -> Result<&'a [u8], String> {
    raw.map(token).ok_or_else(|| missing(name))
}

fn both_sides(
    bids: (&str, Option<&RawValue>),
    asks: (&str, Option<&RawValue>),
) -> Result<Vec<LevelChange>, String> {
    let mut changes = Vec::new();
    for (side, (name, raw)) in [(Side::Buy, bids), (Side::Sell, asks)] {
        let raw = raw.ok_or_else(|| missing(name))?;
        for [at_price, at_quantity] in pairs(name, raw)? {
            changes.push(LevelChange {
                side,
                price: price(name, at_price)?,
                quantity: quantity_or_zero(name, at_quantity)?,
            });
        }
    }
    Ok(changes)
}

#[cold]
fn missing(name: &str) -> String {
    format!("{name} is missing; complete or leave out the row")
}

#[cold]
fn no_json(error: &serde_json::Error) -> String {
    format!("is no JSON message ({error}); correct or leave out the row")
}
