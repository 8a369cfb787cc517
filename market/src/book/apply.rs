//! What each kind of event does to the book of an instrument.

use super::answer::{self, Applied, Ignored, Refused};
use super::instrument_book::{Book, Source};
use super::l2::L2Book;
use super::l3::L3Book;
use super::view::{BookState, LastTrade, Level, Top};
use crate::event::{Bar, EventKind, LevelChange, MarketEvent};
use crate::num::{Price, Quantity};
use crate::time::Timestamp;

impl Book {
    /// Takes what a feed says of this instrument.
    pub fn apply(&mut self, event: &MarketEvent) -> Applied {
        let time = event.time;
        let applied = match &event.kind {
            &EventKind::Add { id, side, price, quantity } => {
                self.on_orders(time, |book| book.add(id, side, price, quantity, time))
            }
            &EventKind::Change { id, quantity } => self.on_orders(time, |book| book.change(id, quantity)),
            &EventKind::Delete { id } => self.on_orders(time, |book| book.delete(id)),
            EventKind::Clear => self.on_clear(),
            EventKind::Levels(levels) => self.on_levels(levels),
            EventKind::Snapshot(levels) => self.on_snapshot(levels),
            &EventKind::Quote { bid, ask } => self.on_quote(bid, ask),
            &EventKind::Trade { price, quantity, .. } => return self.on_trade(price, quantity, time),
            EventKind::Bar(bar) => return self.on_bar(bar, time),
            EventKind::Halt | EventKind::Resume => return Applied::Done,
            EventKind::Gap => {
                self.on_gap();
                return Applied::Done;
            }
        };
        let is_beside =
            matches!(event.kind, EventKind::Quote { .. }) && !matches!(self.source, Source::Quotes);
        if !is_beside {
            self.as_of = time;
        }
        self.refresh();
        match self.state {
            BookState::Crossed => self.crossed_rows += 1,
            BookState::Locked => self.locked_rows += 1,
            _ => {}
        }
        applied
    }

    fn on_orders(&mut self, time: Timestamp, act: impl FnOnce(&mut L3Book) -> Applied) -> Applied {
        if self.awaits_picture {
            return Applied::Ignored(Ignored::NoBook);
        }
        match &mut self.source {
            Source::Orders(book) => {
                book.advance(time);
                act(book)
            }
            Source::Levels(_) => Applied::Refused(Refused::MixedFeeds),
            _ => {
                let mut book = L3Book::with_hold(self.hold_ns);
                let applied = act(&mut book);
                if applied.is_done() {
                    self.source = Source::Orders(Box::new(book));
                }
                applied
            }
        }
    }

    fn on_clear(&mut self) -> Applied {
        match &mut self.source {
            Source::Orders(book) => book.clear(),
            Source::Levels(_) => return Applied::Refused(Refused::MixedFeeds),
            _ => self.source = Source::Orders(Box::new(L3Book::with_hold(self.hold_ns))),
        }
        self.awaits_picture = false;
        Applied::Done
    }

    fn on_levels(&mut self, levels: &[LevelChange]) -> Applied {
        match &mut self.source {
            Source::Orders(_) => Applied::Refused(Refused::MixedFeeds),
            Source::Levels(book) if !self.awaits_picture => book.update(levels),
            _ => Applied::Ignored(Ignored::NoBook),
        }
    }

    fn on_snapshot(&mut self, levels: &[LevelChange]) -> Applied {
        if matches!(self.source, Source::Orders(_)) {
            return Applied::Refused(Refused::MixedFeeds);
        }
        let mut book = L2Book::new();
        let applied = book.snapshot(levels);
        if applied.is_done() {
            self.source = Source::Levels(book);
            self.awaits_picture = false;
        }
        applied
    }

    fn on_quote(&mut self, bid: (Price, Quantity), ask: (Price, Quantity)) -> Applied {
        let quote = Top {
            bid: Level { price: bid.0, quantity: bid.1 },
            ask: Level { price: ask.0, quantity: ask.1 },
        };
        if !is_quotable(quote.bid) || !is_quotable(quote.ask) {
            return Applied::Refused(Refused::BadQuote { bid: bid.0, ask: ask.0 });
        }
        self.last_quote = Some(quote);
        if !matches!(self.source, Source::Orders(_) | Source::Levels(_)) {
            self.source = Source::Quotes;
            self.awaits_picture = false;
        }
        Applied::Done
    }

    fn on_trade(&mut self, price: Price, quantity: Quantity, time: Timestamp) -> Applied {
        let checked = answer::positive(quantity).and_then(|()| answer::in_range(price, 1));
        if let Err(refused) = checked {
            return Applied::Refused(refused);
        }
        self.traded(LastTrade { price, quantity, time });
        Applied::Done
    }

    fn on_bar(&mut self, bar: &Bar, time: Timestamp) -> Applied {
        let within = |price: Price| bar.low <= price && price <= bar.high;
        if let Err(refused) = answer::in_range(bar.low, 1).and(answer::in_range(bar.high, 1)) {
            return Applied::Refused(refused);
        }
        if bar.volume < Quantity::ZERO {
            return Applied::Refused(Refused::NotPositive(bar.volume));
        }
        if !within(bar.open) || !within(bar.close) || bar.open_time > time {
            return Applied::Refused(Refused::BadBar { low: bar.low, high: bar.high });
        }
        self.traded(LastTrade { price: bar.close, quantity: bar.volume, time });
        Applied::Done
    }

    fn traded(&mut self, trade: LastTrade) {
        self.last_trade = Some(trade);
        if matches!(self.source, Source::Nothing | Source::Trades) {
            self.source = Source::Trades;
            self.awaits_picture = false;
            self.as_of = trade.time;
            self.state = BookState::Synthetic;
        }
    }

    fn on_gap(&mut self) {
        self.awaits_picture = true;
        match &mut self.source {
            Source::Orders(book) => book.clear(),
            Source::Levels(book) => *book = L2Book::new(),
            _ => {}
        }
        self.refresh();
    }
}

/// Whether a quote may say so: nothing at all, or a quantity at a possible price.
fn is_quotable(level: Level) -> bool {
    level.quantity >= Quantity::ZERO && (level.quantity.is_zero() || answer::in_range(level.price, 1).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::SourceId;
    use crate::instrument::{InstrumentId, Side};
    use crate::num::SCALE;

    fn price(whole: i64) -> Price {
        Price::from_units(whole * SCALE)
    }

    fn quantity(whole: i64) -> Quantity {
        Quantity::from_units(whole * SCALE)
    }

    fn apply(book: &mut Book, kind: EventKind) -> Applied {
        let time = Timestamp::from_ns(1000);
        book.apply(&MarketEvent { instrument: InstrumentId(0), time, source: SourceId(0), position: 1, kind })
    }

    fn add(book: &mut Book, id: u64, side: Side, at: i64) -> Applied {
        apply(book, EventKind::Add { id, side, price: price(at), quantity: quantity(1) })
    }

    fn levels(levels: &[(Side, i64, i64)]) -> Box<[LevelChange]> {
        levels
            .iter()
            .map(|&(side, p, q)| LevelChange { side, price: price(p), quantity: quantity(q) })
            .collect()
    }

    fn quote(bid: (i64, i64), ask: (i64, i64)) -> EventKind {
        EventKind::Quote { bid: (price(bid.0), quantity(bid.1)), ask: (price(ask.0), quantity(ask.1)) }
    }

    fn trade(at: i64, q: i64) -> EventKind {
        EventKind::Trade { price: price(at), quantity: quantity(q), aggressor: None, maker: None }
    }

    fn bar(open: i64, high: i64, low: i64, close: i64, volume: i64) -> EventKind {
        EventKind::Bar(Bar {
            open_time: Timestamp::from_ns(0),
            open: price(open),
            high: price(high),
            low: price(low),
            close: price(close),
            volume: quantity(volume),
        })
    }

    const UNKNOWN: (BookState, Option<i64>) = (BookState::Unknown, None);

    fn told(book: &Book) -> (BookState, Option<i64>) {
        assert_eq!(
            book.top().is_some(),
            matches!(book.state(), BookState::Ok | BookState::Locked | BookState::Crossed)
        );
        (book.state(), book.mark2().map(|mark| mark / SCALE))
    }

    #[test]
    fn an_order_book_is_unknown_from_a_gap_to_the_next_picture() {
        let mut book = Book::new(0);
        assert_eq!(told(&book), UNKNOWN);
        assert!(matches!(add(&mut book, 1, Side::Buy, -1), Applied::Refused(Refused::PriceOutOfRange(_))));
        assert_eq!(told(&book), UNKNOWN, "a refused row is no book");
        assert!(add(&mut book, 1, Side::Buy, 10).is_done());
        assert_eq!(told(&book), (BookState::OneSided, None));
        assert!(add(&mut book, 2, Side::Sell, 12).is_done());
        assert_eq!(told(&book), (BookState::Ok, Some(22)));
        assert!(apply(&mut book, EventKind::Halt).is_done());
        assert_eq!(told(&book), (BookState::Ok, Some(22)));

        apply(&mut book, EventKind::Gap);
        assert_eq!(told(&book), UNKNOWN);
        assert_eq!(add(&mut book, 3, Side::Buy, 10), Applied::Ignored(Ignored::NoBook));
        apply(&mut book, trade(11, 1));
        apply(&mut book, quote((10, 1), (12, 1)));
        assert_eq!(told(&book), UNKNOWN);
        assert_eq!(book.levels(Side::Buy, &mut [Level::default(); 2]), 0);
        assert!(apply(&mut book, EventKind::Clear).is_done());
        add(&mut book, 1, Side::Buy, 20);
        add(&mut book, 2, Side::Sell, 22);
        assert_eq!(told(&book), (BookState::Ok, Some(42)));
        let snapshot = EventKind::Snapshot(levels(&[]));
        assert_eq!(apply(&mut book, snapshot), Applied::Refused(Refused::MixedFeeds));
    }

    #[test]
    fn a_level_book_is_unknown_until_a_snapshot() {
        let mut book = Book::new(0);
        let update = || EventKind::Levels(levels(&[(Side::Sell, 12, 1)]));
        let snapshot = || EventKind::Snapshot(levels(&[(Side::Buy, 10, 2), (Side::Sell, 13, 5)]));
        assert_eq!(apply(&mut book, update()), Applied::Ignored(Ignored::NoBook));
        assert_eq!(told(&book), UNKNOWN);
        assert!(apply(&mut book, snapshot()).is_done());
        assert_eq!(told(&book), (BookState::Ok, Some(23)));
        assert!(apply(&mut book, update()).is_done());
        assert_eq!(told(&book), (BookState::Ok, Some(22)));
        apply(&mut book, quote((50, 1), (51, 1)));
        assert_eq!(told(&book), (BookState::Ok, Some(22)), "a quote beside a book is only noted");
        assert_eq!(book.last_quote.map(|q| q.mid2()), Some(101 * SCALE));
        assert_eq!(add(&mut book, 1, Side::Buy, 10), Applied::Refused(Refused::MixedFeeds));
        apply(&mut book, EventKind::Gap);
        assert_eq!(apply(&mut book, update()), Applied::Ignored(Ignored::NoBook));
        assert_eq!(told(&book), UNKNOWN);
        apply(&mut book, snapshot());
        assert_eq!(told(&book), (BookState::Ok, Some(23)), "what stood before the gap is gone");
        apply(&mut book, EventKind::Levels(levels(&[(Side::Buy, 13, 1)])));
        assert_eq!(told(&book), (BookState::Locked, Some(26)));
        apply(&mut book, EventKind::Levels(levels(&[(Side::Buy, 14, 1)])));
        assert_eq!(told(&book), (BookState::Crossed, None));
        assert_eq!((book.stats().locked_rows, book.stats().crossed_rows), (1, 1));
    }

    #[test]
    fn quotes_make_a_book_of_one_level() {
        let mut book = Book::new(0);
        apply(&mut book, trade(9, 1));
        assert_eq!(told(&book), (BookState::Synthetic, Some(18)));
        apply(&mut book, quote((10, 1), (11, 3)));
        assert_eq!(told(&book), (BookState::Ok, Some(21)));
        let mut best = [Level::default(); 3];
        assert_eq!(book.levels(Side::Sell, &mut best), 1);
        assert_eq!(best[0], Level { price: price(11), quantity: quantity(3) });
        apply(&mut book, quote((10, 1), (0, 0)));
        assert_eq!(told(&book), (BookState::OneSided, None));
        assert!(matches!(
            apply(&mut book, quote((10, 1), (0, 1))),
            Applied::Refused(Refused::BadQuote { .. })
        ));
        assert!(matches!(
            apply(&mut book, quote((10, -1), (11, 1))),
            Applied::Refused(Refused::BadQuote { .. })
        ));
        apply(&mut book, EventKind::Gap);
        assert_eq!(told(&book), UNKNOWN);
        apply(&mut book, quote((12, 1), (12, 1)));
        assert_eq!(told(&book), (BookState::Locked, Some(24)));
    }

    #[test]
    fn trades_and_bars_give_a_mark_and_no_top() {
        let mut book = Book::new(0);
        assert!(apply(&mut book, bar(10, 12, 9, 11, 0)).is_done());
        assert_eq!(told(&book), (BookState::Synthetic, Some(22)));
        for bad in [
            bar(10, 12, 11, 11, 1),
            bar(10, 9, 9, 9, 1),
            bar(10, 12, 9, 13, 1),
            bar(10, 12, 0, 11, 1),
            bar(10, 12, 9, 11, -1),
            trade(0, 1),
            trade(10, 0),
        ] {
            assert!(matches!(apply(&mut book, bad), Applied::Refused(_)));
        }
        assert_eq!(told(&book), (BookState::Synthetic, Some(22)));
        apply(&mut book, EventKind::Gap);
        assert_eq!(told(&book), UNKNOWN);
        apply(&mut book, trade(13, 1));
        assert_eq!(told(&book), (BookState::Synthetic, Some(26)));
    }
}
