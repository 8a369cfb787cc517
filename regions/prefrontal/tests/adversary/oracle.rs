//! The oracle: by its own books, in whole numbers of 128 bits, whether what left may have left.
//!
//! It shares nothing with the region but the types of a sample and a request. It asks the venue what may still
//! fill, so that reports which are late, or never come, hide nothing from it.

use std::collections::BTreeMap;

use market::order::{ClientId, Request};
use market::{InstrumentId, Price, Quantity, Side};
use synapse::{Command, CommandKind, NoticeKind, Phase, SampleKind, Sensed, Startle, Threat, Verdict};

use crate::terms::{REPEATED, STALE_NS, Terms, VALUE_RATE};
use crate::venue::Venue;

const SECOND_NS: i64 = 1_000_000_000;

/// An order or a replacement that left.
#[derive(Debug, Clone, Copy)]
struct Sent {
    time_ns: i64,
    side: Side,
    price: Price,
    quantity: i128,
    worth: i128,
}

/// What is known of an instrument.
#[derive(Debug, Clone, Default)]
struct Book {
    sent: Vec<Sent>,
    fills_ns: Vec<i64>,
    /// Twice the last mark that was a price.
    mark2: Option<i128>,
    is_quarantined: bool,
}

/// The oracle.
#[derive(Debug)]
pub struct Oracle {
    terms: Vec<Terms>,
    books: Vec<Book>,
    families: BTreeMap<ClientId, (Side, i128)>,
    /// Whether an amygdala's latch may clear itself.
    rearms: bool,
    /// Whether a silent feed latches.
    silence_latches: bool,
    is_latched: bool,
    restart_pending: bool,
    is_flattening: bool,
}

/// An order that left, a replacement as it will be.
#[derive(Debug, Clone, Copy)]
struct Left {
    id: ClientId,
    side: Side,
    price: i128,
    quantity: i128,
    /// The most that may be held of its side, if all that is outstanding there fills.
    reach: i128,
}

impl Left {
    /// Whether it can only bring the position nearer to zero; what is over at the venue leaves it where it is.
    const fn is_reduction(&self) -> bool {
        self.reach <= 0
    }
}

/// Fails where something does not hold.
macro_rules! demand {
    ($holds:expr, $($what:tt)+) => {
        if !$holds { return Err(format!($($what)+)); }
    };
}

impl Oracle {
    pub fn new(terms: Vec<Terms>, rearms: bool, silence_latches: bool) -> Self {
        Self {
            books: vec![Book::default(); terms.len()],
            terms,
            families: BTreeMap::new(),
            rearms,
            silence_latches,
            is_latched: false,
            restart_pending: false,
            is_flattening: false,
        }
    }

    /// Something that the region was told.
    pub fn notice(&mut self, time_ns: i64, kind: &NoticeKind) {
        match kind {
            NoticeKind::Report(report) => {
                if let market::order::ReportKind::Filled(_) = report.kind {
                    self.books[report.id.instrument.index()].fills_ns.push(time_ns);
                }
            }
            NoticeKind::Command(Command { kind, .. }) => {
                self.is_latched = *kind != CommandKind::Arm;
                self.is_flattening = *kind == CommandKind::Flatten || (self.is_flattening && self.is_latched);
                if !self.is_latched {
                    self.books.iter_mut().for_each(|book| book.is_quarantined = false);
                }
            }
            NoticeKind::Latch(_) | NoticeKind::Quarantine { instrument: None, .. } => self.is_latched = true,
            NoticeKind::Quarantine { instrument: Some(id), .. } => {
                self.books[id.index()].is_quarantined = true
            }
            NoticeKind::Restarted => self.restart_pending = false,
            _ => {}
        }
    }

    /// A sample that the region is about to judge.
    pub fn sampled(&mut self, sensed: &Sensed, threat: &Threat) {
        let book = &mut self.books[sensed.instrument.index()];
        if let Some(mark2) = sensed.mark2.filter(|twice| *twice > 0) {
            book.mark2 = Some(mark2.into());
        }
        match sensed.kind {
            SampleKind::Regular if threat.trip_begins && threat.tripped_by.is_some() => {
                self.is_latched |= !self.rearms;
                self.restart_pending = true;
            }
            SampleKind::Startle(Startle::Stale) if !sensed.account.position.is_zero() => {
                self.is_latched |= self.silence_latches;
            }
            _ => {}
        }
    }

    /// Judges what left with a verdict.
    pub fn judge(
        &mut self,
        sensed: &Sensed,
        threat: &Threat,
        verdict: &Verdict,
        venue: &Venue,
    ) -> Result<(), String> {
        let is_latched =
            self.is_latched || self.restart_pending || self.books[sensed.instrument.index()].is_quarantined;
        demand!(!self.is_latched || verdict.latch.is_some(), "the latch has opened by itself");
        for request in verdict.requests() {
            let left = match *request {
                Request::Cancel(id) => {
                    demand!(venue.orders.contains_key(&id), "a cancel of {id}, which is over");
                    continue;
                }
                Request::Place(order) => {
                    self.placed(sensed, order.id, order.side, order.price, order.quantity, venue)?
                }
                Request::Replace { id, price, total } => self.replaced(sensed, id, price, total, venue)?,
            };
            let at = format!("{left:?} at twice {:?}", sensed.mark2);
            demand!(verdict.requests().len() == 1, "{at}: it did not leave alone");
            self.moment(sensed, threat, &left, is_latched).map_err(|e| format!("{at}: {e}"))?;
            self.limits(sensed, &left, venue).map_err(|e| format!("{at}: {e}"))?;
            self.history(sensed, &left).map_err(|e| format!("{at}: {e}"))?;
            self.family(&left, verdict, venue).map_err(|e| format!("{at}: {e}"))?;
        }
        let throttled =
            verdict.rules.iter().any(|rule| !rule.passed && rule.rule.as_str() == "repeated_execution");
        if throttled {
            demand!(verdict.latch.is_some(), "the throttle did not latch");
            self.is_latched = true;
        }
        Ok(())
    }

    fn placed(
        &self,
        sensed: &Sensed,
        id: ClientId,
        side: Side,
        price: Price,
        quantity: Quantity,
        venue: &Venue,
    ) -> Result<Left, String> {
        let open = venue.orders.keys().filter(|at| at.instrument == sensed.instrument).count();
        demand!(open == 0, "order {id} leaves beside {open} that are outstanding");
        demand!((id.sequence, id.instrument) == (sensed.sequence, sensed.instrument), "it is named {id}");
        let quantity = i128::from(quantity.units());
        let position = venue.position(sensed.instrument);
        let reach = position * i128::from(side.sign()) + quantity;
        Ok(Left { id, side, price: price.units().into(), quantity, reach })
    }

    fn replaced(
        &self,
        sensed: &Sensed,
        id: ClientId,
        price: Price,
        total: Quantity,
        venue: &Venue,
    ) -> Result<Left, String> {
        let Some(live) = venue.orders.get(&id) else {
            return Err(format!("a replacement of {id}, which is over"));
        };
        let open = venue.orders.keys().filter(|at| at.instrument == sensed.instrument).count();
        demand!(open == 1, "order {id} is one of {open} that are outstanding");
        demand!(live.asked.is_none(), "a replacement of {id} while another is on its way");
        let position = venue.position(sensed.instrument);
        let total = i128::from(total.units());
        let worst = live.worst().max(if live.is_over { 0 } else { total - live.filled });
        let reach = position * i128::from(live.order.side.sign()) + worst;
        let quantity = total - live.told;
        Ok(Left { id, side: live.order.side, price: price.units().into(), quantity, reach })
    }

    /// Whether anything may leave now.
    fn moment(&self, sensed: &Sensed, threat: &Threat, left: &Left, is_latched: bool) -> Result<(), String> {
        let terms = &self.terms[sensed.instrument.index()];
        demand!(matches!(sensed.kind, SampleKind::Regular), "it came of a shock");
        demand!(!sensed.halted, "trading is halted");
        demand!(terms.is_open(sensed.time.ns()), "the session is over");
        demand!(terms.name != "BANNED", "{} is on the restricted list", terms.name);
        demand!(!is_latched || left.is_reduction(), "it is no reduction, and the latch is set");
        demand!(threat.phase == Phase::Armed || self.is_flattening, "the amygdala is not armed");
        demand!(sensed.mark_age_ns >= 0 && sensed.mark_age_ns <= STALE_NS, "the reference is stale");
        let fills_ns = &self.books[sensed.instrument.index()].fills_ns;
        let fills = fills_ns.iter().filter(|at| sensed.time.ns() - **at < 60 * SECOND_NS).count();
        demand!(fills < REPEATED, "{fills} fills in a minute");
        Ok(())
    }

    /// Whether it keeps the limits of the instrument and the account.
    fn limits(&self, sensed: &Sensed, left: &Left, venue: &Venue) -> Result<(), String> {
        let terms = &self.terms[sensed.instrument.index()];
        let Left { quantity, reach, price, .. } = *left;
        demand!(quantity > 0 && quantity % i128::from(terms.lot) == 0, "the quantity is not so many lots");
        demand!(quantity <= terms.order_size, "order size {quantity}, limit {}", terms.order_size);
        demand!(reach <= terms.position || left.is_reduction(), "position {reach}, limit {}", terms.position);
        demand!(price > 0, "the price is none");
        let worth = terms.worth(2 * price, quantity);
        demand!(worth <= terms.notional, "notional {worth}, limit {}", terms.notional);
        let mark2 = i128::from(sensed.mark2.unwrap_or(0));
        demand!(mark2 > 0, "there is no reference");
        let apart = (2 * price - mark2).abs() * 10_000_000;
        let collar = i128::from(terms.collar_mbp) * mark2;
        demand!(apart <= collar, "collar {apart}, limit {collar}");
        if !left.is_reduction() {
            let held = self.capital(sensed.instrument, left, venue)?;
            demand!(held <= terms.capital, "capital {held}, limit {}", terms.capital);
        }
        Ok(())
    }

    /// What the account holds if everything outstanding fills to the worse side.
    fn capital(&self, instrument: InstrumentId, left: &Left, venue: &Venue) -> Result<i128, String> {
        let mut sum = 0;
        for (at, (terms, book)) in self.terms.iter().zip(&self.books).enumerate() {
            let id = InstrumentId(at as u16);
            let outstanding = |side| {
                let of_side =
                    venue.orders.iter().filter(|(of, it)| of.instrument == id && it.order.side == side);
                of_side.map(|(_, it)| it.worst()).sum::<i128>()
            };
            let position = venue.position(id);
            let reach = |side: Side| position * i128::from(side.sign()) + outstanding(side);
            let mut worse = reach(Side::Buy).max(reach(Side::Sell));
            if id == instrument {
                worse = left.reach.max(reach(left.side.opposite()));
            }
            if worse > 0 {
                let Some(mark2) = book.mark2 else { return Err(format!("{} has no price", terms.name)) };
                sum += terms.worth(mark2, worse);
            }
        }
        Ok(sum)
    }

    /// Whether it keeps what looks back, and notes it.
    fn history(&mut self, sensed: &Sensed, left: &Left) -> Result<(), String> {
        let (terms, now) = (&self.terms[sensed.instrument.index()], sensed.time.ns());
        let sent = &mut self.books[sensed.instrument.index()].sent;
        let this = Sent {
            time_ns: now,
            side: left.side,
            price: Price::from_units(i64::try_from(left.price).expect("it was a price")),
            quantity: left.quantity,
            worth: terms.worth(2 * left.price, left.quantity),
        };
        let within = |span_ns: i64| sent.iter().filter(move |it| now - it.time_ns < span_ns);
        let count = within(SECOND_NS).count() + 1;
        demand!(count <= terms.rate, "rate {count}, limit {}", terms.rate);
        let worth = within(10 * SECOND_NS).map(|it| it.worth).sum::<i128>() + this.worth;
        let most = VALUE_RATE * terms.capital;
        demand!(worth <= most, "value in ten seconds {worth}, limit {most}");
        let same = |it: &&Sent| (it.side, it.price, it.quantity) == (this.side, this.price, this.quantity);
        // what a person asked for may repeat
        let before = within(terms.duplicate_ns).find(same).filter(|_| !self.is_flattening);
        demand!(before.is_none(), "a duplicate of {before:?}");
        sent.push(this);
        Ok(())
    }

    /// Whether it keeps within its parent, if it has one.
    fn family(&mut self, left: &Left, verdict: &Verdict, venue: &Venue) -> Result<(), String> {
        let Some(parent) = verdict.parent else { return Ok(()) };
        let total = i128::from(parent.total.units());
        let known = *self.families.entry(parent.id).or_insert((left.side, total));
        demand!(known == (left.side, total), "the parent was {known:?}");
        let mut out = venue.family(parent.id);
        match venue.orders.get(&left.id) {
            None => out += left.quantity,
            Some(live) => {
                demand!(live.parent == Some(parent.id), "it replaces what is no child of its parent");
                out += (left.quantity + live.told - live.filled - live.worst()).max(0);
            }
        }
        demand!(out <= total, "children {out}, parent {total}");
        Ok(())
    }
}
