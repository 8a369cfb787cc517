//! Writing events in the schema that the reader of newline-delimited JSON takes, so that any feed can
//! be turned into one of ours.

use std::fmt::Write;

use crate::event::{EventKind, LevelChange, MarketEvent};
use crate::instrument::Side;
use crate::num::{Price, Quantity};

/// Appends one event as one line, its end included. `name` is that of its instrument.
///
/// Source and position are not written: they are the reader's.
pub fn write_ndjson(event: &MarketEvent, name: &str, out: &mut String) {
    put_fields(event, name, out);
    out.push_str("}\n");
}

/// The same, with the moment at which it is meant to be sent, nanoseconds since 1970.
pub fn write_ndjson_sent(event: &MarketEvent, name: &str, sent_ns: i64, out: &mut String) {
    put_fields(event, name, out);
    put(out, "sent_ns", sent_ns);
    out.push_str("}\n");
}

fn put_fields(event: &MarketEvent, name: &str, out: &mut String) {
    out.push_str("{\"type\":\"");
    out.push_str(type_of(&event.kind));
    out.push_str("\",\"instrument\":");
    quote(out, name);
    put(out, "time", event.time.ns());
    match &event.kind {
        EventKind::Add { id, side, price, quantity } => {
            put(out, "id", id);
            put_text(out, "side", side);
            put_text(out, "price", price);
            put_text(out, "quantity", quantity);
        }
        EventKind::Change { id, quantity } => {
            put(out, "id", id);
            put_text(out, "quantity", quantity);
        }
        EventKind::Delete { id } => put(out, "id", id),
        EventKind::Levels(levels) | EventKind::Snapshot(levels) => put_levels(out, levels),
        EventKind::Quote { bid, ask } => {
            put_pair(out, "bid", *bid);
            put_pair(out, "ask", *ask);
        }
        EventKind::Trade { price, quantity, aggressor, maker } => {
            put_text(out, "price", price);
            put_text(out, "quantity", quantity);
            if let Some(side) = aggressor {
                put_text(out, "side", side);
            }
            if let Some(id) = maker {
                put(out, "maker", id);
            }
        }
        EventKind::Bar(bar) => {
            put(out, "open_time", bar.open_time.ns());
            put_text(out, "open", bar.open);
            put_text(out, "high", bar.high);
            put_text(out, "low", bar.low);
            put_text(out, "close", bar.close);
            put_text(out, "volume", bar.volume);
        }
        EventKind::Clear | EventKind::Halt | EventKind::Resume | EventKind::Gap => {}
    }
}

const fn type_of(kind: &EventKind) -> &'static str {
    match kind {
        EventKind::Add { .. } => "add",
        EventKind::Change { .. } => "change",
        EventKind::Delete { .. } => "delete",
        EventKind::Clear => "clear",
        EventKind::Levels(_) => "levels",
        EventKind::Snapshot(_) => "snapshot",
        EventKind::Quote { .. } => "quote",
        EventKind::Trade { .. } => "trade",
        EventKind::Bar(_) => "bar",
        EventKind::Halt => "halt",
        EventKind::Resume => "resume",
        EventKind::Gap => "gap",
    }
}

/// Text with JSON's escapes.
fn quote(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => append(out, format_args!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

fn append(out: &mut String, text: std::fmt::Arguments<'_>) {
    // writing to a string cannot fail
    let _ = out.write_fmt(text);
}

fn put(out: &mut String, name: &str, value: impl std::fmt::Display) {
    append(out, format_args!(",\"{name}\":{value}"));
}

fn put_text(out: &mut String, name: &str, value: impl std::fmt::Display) {
    append(out, format_args!(",\"{name}\":\"{value}\""));
}

fn put_pair(out: &mut String, name: &str, (price, quantity): (Price, Quantity)) {
    append(out, format_args!(",\"{name}\":[\"{price}\",\"{quantity}\"]"));
}

fn put_levels(out: &mut String, levels: &[LevelChange]) {
    for (name, side) in [("bids", Side::Buy), ("asks", Side::Sell)] {
        append(out, format_args!(",\"{name}\":["));
        let mut between = "";
        for level in levels.iter().filter(|l| l.side == side) {
            let (price, quantity) = (level.price, level.quantity);
            append(out, format_args!("{between}[\"{price}\",\"{quantity}\"]"));
            between = ",";
        }
        out.push(']');
    }
}
