//! The market as it now stands, told to whoever comes late.

use market::book::{Book, Level, MAX_LEVELS};
use market::{
    BookState, EventKind, InstrumentId, LevelChange, MarketEvent, OrderId, Side, SourceId, Timestamp,
};

/// One instrument as subscribers have been told of it.
///
/// A late subscriber's book is the same as that of one who heard everything, but for an order that
/// is held out because it would cross: its time of grace begins anew.
#[derive(Debug, Clone)]
pub struct Picture {
    book: Book,
    /// The orders that the book holds out, oldest first.
    held: Vec<(OrderId, EventKind)>,
    /// The last quote, where quotes are all there is.
    quote: Option<EventKind>,
    has_levels: bool,
    halted: bool,
    gap: bool,
}

impl Picture {
    /// Nothing is known yet; an order that would cross is held for at most `hold_ns`.
    pub const fn new(hold_ns: i64) -> Self {
        let book = Book::new(hold_ns);
        Self { book, held: Vec::new(), quote: None, has_levels: false, halted: false, gap: false }
    }

    /// Takes what subscribers are told.
    pub fn apply(&mut self, event: &MarketEvent) {
        let is_done = self.book.apply(event).is_done();
        match &event.kind {
            EventKind::Halt => self.halted = true,
            EventKind::Resume => self.halted = false,
            EventKind::Gap => self.gap = true,
            EventKind::Snapshot(_) => self.has_levels |= is_done,
            EventKind::Quote { .. } if is_done => self.quote = Some(event.kind.clone()),
            &EventKind::Add { id, .. } if is_done => self.held.push((id, event.kind.clone())),
            &EventKind::Change { id, quantity: now } if is_done => {
                if let Some((_, EventKind::Add { quantity, .. })) = self.held.iter_mut().find(|h| h.0 == id) {
                    *quantity = now;
                }
            }
            &EventKind::Delete { id } => self.held.retain(|held| held.0 != id),
            EventKind::Clear => self.held.clear(),
            _ => {}
        }
        if let Some(book) = self.book.l3()
            && self.held.len() > book.held_count()
        {
            self.held.retain(|(id, _)| book.order(*id).is_none());
        }
    }

    /// The events that give a new subscriber the book as it stands at `time`.
    pub fn events(&self, instrument: InstrumentId, time: Timestamp) -> Vec<MarketEvent> {
        let mut kinds = Vec::new();
        if self.book.state() == BookState::Unknown {
            kinds.extend(self.gap.then_some(EventKind::Gap));
        } else if let Some(book) = self.book.l3() {
            kinds.push(EventKind::Clear);
            for side in Side::BOTH {
                kinds.extend(book.best_orders(side).map(|order| EventKind::Add {
                    id: order.id,
                    side,
                    price: order.price,
                    quantity: order.quantity,
                }));
            }
            kinds.extend(self.held.iter().map(|(_, add)| add.clone()));
        } else if self.has_levels {
            // an empty book of levels cannot be written: it is unknown until the next snapshot
            let levels = self.levels();
            kinds.push(if levels.is_empty() { EventKind::Gap } else { EventKind::Snapshot(levels.into()) });
        } else {
            kinds.extend(self.quote.clone());
        }
        kinds.extend(self.halted.then_some(EventKind::Halt));
        let event = |kind| MarketEvent { instrument, time, source: SourceId(0), position: 0, kind };
        kinds.into_iter().map(event).collect()
    }

    fn levels(&self) -> Vec<LevelChange> {
        let mut all = Vec::new();
        let mut levels = vec![Level::default(); MAX_LEVELS];
        for side in Side::BOTH {
            let count = self.book.levels(side, &mut levels);
            let change = |level: &Level| LevelChange { side, price: level.price, quantity: level.quantity };
            all.extend(levels[..count].iter().map(change));
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use market::{Price, Quantity};
    use proptest::prelude::*;

    use super::*;

    const HOLD_NS: i64 = 3;

    fn event(time: i64, kind: EventKind) -> MarketEvent {
        let time = Timestamp::from_ns(time);
        MarketEvent { instrument: InstrumentId(0), time, source: SourceId(0), position: 0, kind }
    }

    fn side(is_buy: bool) -> Side {
        if is_buy { Side::Buy } else { Side::Sell }
    }

    fn orders() -> impl Strategy<Value = EventKind> {
        let add = |(id, buy, price, quantity)| EventKind::Add {
            id,
            side: side(buy),
            price: Price::from_units(price),
            quantity: Quantity::from_units(quantity),
        };
        prop_oneof![
            8 => (0_u64..30, any::<bool>(), 1_i64..8, 1_i64..5).prop_map(add),
            2 => (0_u64..30, 1_i64..5).prop_map(|(id, q)| EventKind::Change { id, quantity: Quantity::from_units(q) }),
            3 => (0_u64..30).prop_map(|id| EventKind::Delete { id }),
            1 => prop_oneof![Just(EventKind::Clear), Just(EventKind::Gap), Just(EventKind::Halt), Just(EventKind::Resume)],
        ]
    }

    fn levels() -> impl Strategy<Value = EventKind> {
        let level = (any::<bool>(), 1_i64..8, 0_i64..3).prop_map(|(buy, price, quantity)| LevelChange {
            side: side(buy),
            price: Price::from_units(price),
            quantity: Quantity::from_units(quantity),
        });
        let some = prop::collection::vec(level, 1..6);
        let whole = some.clone().prop_map(|l| l.into_iter().filter(|l| !l.quantity.is_zero()).collect());
        prop_oneof![
            1 => whole.prop_map(EventKind::Snapshot),
            5 => some.prop_map(|l| EventKind::Levels(l.into())),
            1 => Just(EventKind::Gap),
        ]
    }

    /// What a book shows: state, and both sides.
    fn shown(book: &Book) -> (BookState, [Vec<Level>; 2]) {
        let side = |side| {
            let mut levels = vec![Level::default(); 64];
            let count = book.levels(side, &mut levels);
            levels[..count].to_vec()
        };
        (book.state(), Side::BOTH.map(side))
    }

    fn queue(book: &Book) -> Vec<OrderId> {
        let side = |side| book.l3().into_iter().flat_map(move |b| b.best_orders(side).map(|o| o.id));
        Side::BOTH.into_iter().flat_map(side).collect()
    }

    proptest! {
        /// With nothing held too long, who comes late sees the book that all others see, at once and
        /// after everything that follows.
        #[test]
        fn a_late_book_is_the_book(before in prop::collection::vec(orders(), 0..60), after in prop::collection::vec(orders(), 0..30)) {
            let mut picture = Picture::new(i64::MAX);
            before.into_iter().for_each(|kind| picture.apply(&event(1, kind)));
            let mut late = Picture::new(i64::MAX);
            for told in picture.events(InstrumentId(0), Timestamp::from_ns(1)) {
                late.apply(&told);
            }
            for kind in after {
                if picture.book.l3().is_some() || picture.gap {
                    prop_assert_eq!(shown(&late.book), shown(&picture.book));
                    prop_assert_eq!(queue(&late.book), queue(&picture.book));
                    prop_assert_eq!(late.halted, picture.halted);
                }
                picture.apply(&event(2, kind.clone()));
                late.apply(&event(2, kind));
            }
        }

        #[test]
        fn a_late_book_of_levels_is_the_book(kinds in prop::collection::vec(levels(), 0..30)) {
            let mut picture = Picture::new(HOLD_NS);
            kinds.into_iter().for_each(|kind| picture.apply(&event(1, kind)));
            let mut late = Book::new(HOLD_NS);
            for told in picture.events(InstrumentId(0), Timestamp::from_ns(1)) {
                late.apply(&told);
            }
            let (state, sides) = shown(&picture.book);
            let is_empty = state == BookState::OneSided && sides.iter().all(Vec::is_empty);
            let expected = if is_empty { (BookState::Unknown, sides) } else { (state, sides) };
            prop_assert_eq!(shown(&late), expected);
        }
    }

    #[test]
    fn held_orders_are_told_until_they_are_free() {
        let add = |id, side, price| EventKind::Add {
            id,
            side,
            price: Price::from_units(price),
            quantity: Quantity::from_units(1),
        };
        let mut picture = Picture::new(HOLD_NS);
        picture.apply(&event(1, add(1, Side::Sell, 10)));
        picture.apply(&event(1, add(2, Side::Buy, 11)));
        assert_eq!(picture.held.len(), 1);
        assert_eq!(picture.events(InstrumentId(0), Timestamp::from_ns(1)).len(), 3);
        picture.apply(&event(9, add(3, Side::Buy, 1)));
        assert!(picture.held.is_empty(), "the order was proved right");
        assert_eq!(queue(&picture.book), [2, 3]);
    }
}
