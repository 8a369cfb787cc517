//! A raw capture of Binance's WebSocket streams, spot or USD-M futures: a message a line, before it
//! the capture's own clock in nanoseconds, which is not used.
//!
//! Read are changes of depth, the whole depth as the REST interface gives it, best quotes and trades.
//! The clock is the venue's: T, and E for the depth of spot. A message without either (the best
//! quotes of spot) has no time to stand at, and is bookkeeping like every other stream. Streams reach
//! a capture a little out of order; a message that is late takes the time of the one before it.

use crate::event::EventKind;
use crate::feed::Format;
use crate::feed::binance_message::{Message, MessageKind};
use crate::feed::depth::{Depth, Snapshot, Step, Update};
use crate::feed::fields::{price, quantity, quantity_or_zero};
use crate::feed::names::Names;
use crate::feed::rows::{At, Bad, Parsed, RowParser};
use crate::feed::stats::FeedStats;
use crate::feed::times::{TimeFormat, TimeReader, Unit};
use crate::instrument::InstrumentId;
use crate::time::{SECOND_NS, Timestamp};

const UNIT_REMEDY: &str = "capture times in milliseconds, the venue's default";
/// How late a message may be; a later one is refused.
const LATEST_NS: i64 = 5 * SECOND_NS;

/// Reads a capture.
pub(crate) struct Binance {
    names: Names,
    clock: TimeReader,
    /// The time of the last event.
    last: Timestamp,
    /// By the index of the instrument.
    depths: Vec<Option<Depth>>,
    /// The only instrument so far.
    only: Option<InstrumentId>,
    instruments: usize,
    /// A snapshot that came before any symbol.
    early: Option<Snapshot>,
}

impl Binance {
    pub(crate) fn new(names: Names) -> Self {
        let format = TimeFormat::Epoch(Unit::Milliseconds);
        Self {
            names,
            clock: TimeReader::new("time", format, 0),
            last: Timestamp::MIN,
            depths: Vec::new(),
            only: None,
            instruments: 0,
            early: None,
        }
    }

    /// The instrument of a message.
    fn instrument(&mut self, message: &Message<'_>) -> Result<InstrumentId, String> {
        let symbol =
            message.symbol().ok_or_else(|| "s is missing; complete or leave out the row".to_owned())?;
        let id = self.names.resolve(symbol)?;
        self.depth(id);
        Ok(id)
    }

    /// The depth of an instrument; of one that is new it begins.
    fn depth(&mut self, id: InstrumentId) -> &mut Depth {
        if self.depths.len() <= id.index() {
            self.depths.resize_with(id.index() + 1, || None);
        }
        let (instruments, early) = (&mut self.instruments, &mut self.early);
        let only = &mut self.only;
        self.depths[id.index()].get_or_insert_with(|| {
            *instruments += 1;
            *only = Some(id).filter(|_| *instruments == 1);
            let mut depth = Depth::default();
            if let Some(snapshot) = early.take() {
                depth.snapshot(snapshot);
            }
            depth
        })
    }

    fn time(&mut self, text: &[u8], at: At<'_>) -> Result<Timestamp, Bad> {
        let time = self.clock.read(text).map_err(|fault| Bad::time(fault, at, UNIT_REMEDY))?;
        if self.last.since(time) > LATEST_NS {
            return Err(Bad::Row(too_late(time, self.last)));
        }
        Ok(time)
    }

    /// The event, not before the one before.
    fn event(&mut self, id: InstrumentId, time: Timestamp, stats: &mut FeedStats) -> Parsed {
        stats.reordered += u64::from(time < self.last);
        self.last = self.last.max(time);
        Parsed::Event(id, self.last)
    }

    /// What a step of a depth comes to.
    fn depth_event(
        &mut self,
        id: InstrumentId,
        time: Timestamp,
        step: Step,
        stats: &mut FeedStats,
        slot: &mut EventKind,
    ) -> Parsed {
        match step {
            Step::Levels(changes) => {
                *slot = EventKind::Levels(changes.into());
                self.event(id, time, stats)
            }
            Step::Snapshot { levels, rows_before, time } => {
                // they were counted when they came to nothing
                stats.ignored -= rows_before;
                stats.accepted += rows_before;
                *slot = EventKind::Snapshot(levels.into());
                self.event(id, time, stats)
            }
            Step::Gap => {
                self.last = self.last.max(time);
                Parsed::Gap(id, self.last)
            }
            Step::Nothing => Parsed::Ignored,
        }
    }

    fn update(
        &mut self,
        message: &Message<'_>,
        at: At<'_>,
        stats: &mut FeedStats,
        slot: &mut EventKind,
    ) -> Result<Parsed, Bad> {
        let id = self.instrument(message)?;
        let text = message.time().ok_or("E is missing; complete or leave out the row")?;
        let time = self.time(text, at)?;
        let (first, last, previous) = message.update_ids()?;
        let update = Update { first, last, previous, time, changes: message.changes()? };
        let step = self.depth(id).update(update);
        Ok(self.depth_event(id, time, step, stats, slot))
    }

    fn snapshot(
        &mut self,
        message: &Message<'_>,
        stats: &mut FeedStats,
        slot: &mut EventKind,
    ) -> Result<Parsed, Bad> {
        let snapshot = Snapshot { last: message.last_update_id()?, levels: message.levels()? };
        let id = match (message.symbol(), self.only, self.instruments) {
            (Some(symbol), _, _) => self.names.resolve(symbol)?,
            (None, Some(only), _) => only,
            (None, None, 0) => {
                self.early = Some(snapshot);
                return Ok(Parsed::Ignored);
            }
            (None, None, _) => {
                return Err(Bad::Row(
                    "a snapshot does not say its symbol, and the capture has several; keep one symbol a file"
                        .to_owned(),
                ));
            }
        };
        let step = self.depth(id).snapshot(snapshot);
        Ok(self.depth_event(id, self.last, step, stats, slot))
    }

    fn quote(
        &mut self,
        message: &Message<'_>,
        at: At<'_>,
        stats: &mut FeedStats,
        slot: &mut EventKind,
    ) -> Result<Parsed, Bad> {
        let id = self.instrument(message)?;
        let Some(text) = message.time() else {
            return Ok(Parsed::Bookkeeping);
        };
        let time = self.time(text, at)?;
        let [bid, bid_quantity, ask, ask_quantity] = message.quote()?;
        *slot = EventKind::Quote {
            bid: (price("b", bid)?, quantity_or_zero("B", bid_quantity)?),
            ask: (price("a", ask)?, quantity_or_zero("A", ask_quantity)?),
        };
        Ok(self.event(id, time, stats))
    }

    fn trade(
        &mut self,
        message: &Message<'_>,
        at: At<'_>,
        stats: &mut FeedStats,
        slot: &mut EventKind,
    ) -> Result<Parsed, Bad> {
        let id = self.instrument(message)?;
        if !message.is_market() {
            return Ok(Parsed::Bookkeeping);
        }
        let text = message.time().ok_or("T is missing; complete or leave out the row")?;
        let time = self.time(text, at)?;
        let (at_price, amount, taker) = message.trade()?;
        *slot = EventKind::Trade {
            price: price("p", at_price)?,
            quantity: quantity("q", amount)?,
            aggressor: Some(taker),
            maker: None,
        };
        Ok(self.event(id, time, stats))
    }
}

#[cold]
fn too_late(time: Timestamp, last: Timestamp) -> String {
    format!(
        "time goes back from {last} to {time}, more than {} s; sort the rows by time",
        LATEST_NS / SECOND_NS
    )
}

impl RowParser for Binance {
    const FORMAT: Format = Format::Binance;

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
        let message = Message::read(row)?;
        match message.kind() {
            MessageKind::Depth => self.update(&message, at, stats, slot),
            MessageKind::Snapshot => self.snapshot(&message, stats, slot),
            MessageKind::Quote => self.quote(&message, at, stats, slot),
            MessageKind::Trade => self.trade(&message, at, stats, slot),
            MessageKind::Other => Ok(Parsed::Bookkeeping),
        }
    }
}
