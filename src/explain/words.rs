//! Small words: names, numbers and columns.

use std::fmt::{Debug, Display, Write};

use market::order::{OrderKind, Request};
use market::{InstrumentId, Instruments};

/// What a reader of records knows of the world they speak of.
#[derive(Debug, Clone, Default)]
pub struct World {
    /// The names of the instruments, by number.
    pub names: Vec<String>,
    /// Their facts, where the configuration is at hand.
    pub facts: Option<Instruments>,
    /// Regular samples from the opening of an experience to its closing.
    pub horizon: u32,
}

impl World {
    /// With all facts.
    pub fn of(instruments: &Instruments, horizon: u32) -> Self {
        let names = instruments.iter().map(|(_, facts)| facts.name.clone()).collect();
        Self { names, facts: Some(instruments.clone()), horizon }
    }

    /// The name of an instrument; its number where it has none.
    pub fn name(&self, id: InstrumentId) -> String {
        self.names.get(id.index()).cloned().unwrap_or_else(|| format!("instrument {}", id.0))
    }

    /// The instrument of a name or number.
    pub fn find(&self, text: &str) -> Option<InstrumentId> {
        let named = self.names.iter().position(|name| name == text);
        let at = named.or_else(|| text.parse().ok().filter(|at| *at < self.names.len()))?;
        u16::try_from(at).ok().map(InstrumentId)
    }

    /// The currency of an instrument with a space before it; nothing where it is not known.
    pub(super) fn currency(&self, id: InstrumentId) -> String {
        let known = self.facts.as_ref().filter(|facts| id.index() < facts.len());
        known.map_or(String::new(), |facts| format!(" {}", facts.get(id).currency))
    }
}

/// Text in two columns: who, and what.
#[derive(Debug, Default)]
pub(super) struct Columns(pub String);

impl Columns {
    /// A line of the second column; the first stays empty where it goes on.
    pub fn row(&mut self, who: &str, what: impl Display) {
        _ = writeln!(self.0, "{who:<14} {what}");
    }

    /// Several lines of one part.
    pub fn rows(&mut self, who: &str, lines: impl IntoIterator<Item = String>) {
        for (at, line) in lines.into_iter().enumerate() {
            self.row(if at == 0 { who } else { "" }, line);
        }
    }

    /// A line of its own.
    pub fn line(&mut self, text: impl Display) {
        _ = writeln!(self.0, "{text}");
    }
}

/// A number for people: four decimals at most, three digits where it is small.
pub(super) fn number(value: impl Into<f64>) -> String {
    let value = value.into();
    match value.abs() {
        size if !size.is_finite() => "not a number".to_owned(),
        size => {
            let places = if (1e-6..1e-3).contains(&size) { 2 - size.log10().floor() as i32 } else { 4 };
            let text = format!("{value:.*}", places.unsigned_abs() as usize);
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
    }
}

/// The same, or a dash where there is none.
pub(super) fn number_or(value: Option<impl Into<f64>>) -> String {
    value.map_or("-".to_owned(), number)
}

/// The name of a variant in small words: `WouldTrade` is `would trade`.
pub fn words(variant: impl Debug) -> String {
    let mut text = String::new();
    for letter in format!("{variant:?}").chars() {
        if letter.is_uppercase() && !text.is_empty() && !text.ends_with([' ', '(']) {
            text.push(' ');
        }
        text.extend(letter.to_lowercase());
    }
    text
}

/// All of a list; where nothing is in it, that.
pub(super) fn joined(list: &[String], separator: &str, nothing: &str) -> String {
    if list.is_empty() { nothing.to_owned() } else { list.join(separator) }
}

/// A span of time.
pub(super) fn span(ns: i64) -> String {
    match ns.unsigned_abs() {
        0..1_000_000 => format!("{} µs", number(ns as f64 / 1e3)),
        1_000_000..1_000_000_000 => format!("{} ms", number(ns as f64 / 1e6)),
        _ => format!("{} s", number(ns as f64 / 1e9)),
    }
}

/// All that is asked of a venue.
pub(super) fn requests(all: &[Request]) -> String {
    all.iter().map(request).collect::<Vec<_>>().join("; ")
}

/// What is asked of a venue.
pub(super) fn request(request: &Request) -> String {
    match request {
        Request::Place(order) if order.kind == OrderKind::Market => {
            format!("{} {} at any price (order {})", order.side, order.quantity, order.id)
        }
        Request::Place(order) => {
            let (side, quantity, price) = (order.side, order.quantity, order.price);
            format!("{side} {quantity} at {price}, {} (order {})", words(order.kind), order.id)
        }
        Request::Cancel(id) => format!("cancel order {id}"),
        Request::Replace { id, price, total } => format!("move order {id} to {price}, {total} in all"),
    }
}
