//! Each rule of hold-out and repair by itself.

use super::*;

const BUY: Side = Side::Buy;
const SELL: Side = Side::Sell;

/// A book and its clock, in whole nanoseconds and units of 1e-9.
struct Desk {
    book: L3Book,
    time: i64,
}

impl Desk {
    fn new(hold_ns: i64) -> Self {
        Self { book: L3Book::new(hold_ns), time: 0 }
    }

    fn at(&mut self, time: i64) -> &mut Self {
        self.time = time;
        self.book.advance(Timestamp::from_ns(time));
        self
    }

    fn add(&mut self, id: OrderId, side: Side, price: i64, quantity: i64) -> &mut Self {
        assert!(self.try_add(id, side, price, quantity).is_done());
        self
    }

    fn try_add(&mut self, id: OrderId, side: Side, price: i64, quantity: i64) -> Applied {
        let time = Timestamp::from_ns(self.time);
        self.book.add(id, side, Price::from_units(price), Quantity::from_units(quantity), time)
    }

    fn change(&mut self, id: OrderId, quantity: i64) -> Applied {
        self.book.change(id, Quantity::from_units(quantity))
    }

    fn delete(&mut self, id: OrderId) -> &mut Self {
        assert!(self.book.delete(id).is_done());
        self
    }

    /// Price and quantity of the visible orders of a side, in their order, with their ids.
    fn orders(&self, side: Side) -> Vec<(OrderId, i64, i64)> {
        self.book.best_orders(side).map(|o| (o.id, o.price.units(), o.quantity.units())).collect()
    }

    fn ids(&self, side: Side) -> Vec<OrderId> {
        self.book.best_orders(side).map(|o| o.id).collect()
    }

    /// The best price of a side and its total.
    fn best(&self, side: Side) -> Option<(i64, i64)> {
        self.book.best(side).map(|level| (level.price.units(), level.quantity.units()))
    }
}

fn price(units: i64) -> Price {
    Price::from_units(units)
}

#[test]
fn orders_queue_by_price_then_time() {
    let mut desk = Desk::new(0);
    desk.add(1, BUY, 10, 5).add(2, BUY, 11, 1).add(3, BUY, 10, 2).add(4, SELL, 12, 3);
    assert_eq!(desk.orders(BUY), [(2, 11, 1), (1, 10, 5), (3, 10, 2)]);
    assert_eq!((desk.best(BUY), desk.best(SELL)), (Some((11, 1)), Some((12, 3))));
    let mut levels = [Level::default(); 3];
    assert_eq!(desk.book.levels(BUY, &mut levels), 2);
    assert_eq!((levels[1].price, levels[1].quantity.units()), (price(10), 7));
    assert_eq!(desk.orders(SELL), [(4, 12, 3)]);
}

#[test]
fn a_change_sets_what_remains_and_keeps_the_place() {
    let mut desk = Desk::new(0);
    desk.add(1, BUY, 10, 5).add(2, BUY, 10, 1);
    assert!(desk.change(1, 9).is_done());
    assert_eq!(desk.orders(BUY), [(1, 10, 9), (2, 10, 1)]);
    assert_eq!(desk.best(BUY), Some((10, 10)));
}

#[test]
fn what_cannot_be_is_refused_and_changes_nothing() {
    let mut desk = Desk::new(0);
    desk.add(1, BUY, 10, 5).add(2, SELL, 9, 5);
    let before = desk.book.clone();
    for (id, at, quantity, refused) in [
        (3, 10, 0, Refused::NotPositive(Quantity::ZERO)),
        (3, 10, -1, Refused::NotPositive(Quantity::from_units(-1))),
        (3, -1, 1, Refused::PriceOutOfRange(price(-1))),
        (3, i64::MAX, 1, Refused::PriceOutOfRange(Price::MAX)),
        (1, 10, 1, Refused::DuplicateId(1)),
        (2, 10, 1, Refused::DuplicateId(2)),
    ] {
        assert_eq!(desk.try_add(id, BUY, at, quantity), Applied::Refused(refused));
        assert!(refused.to_string().contains(';'), "it says what to do: {refused}");
    }
    assert_eq!(desk.change(1, 0), Applied::Refused(Refused::NotPositive(Quantity::ZERO)));
    assert_eq!(desk.change(7, 1), Applied::Ignored(Ignored::UnknownId));
    assert_eq!(desk.book.delete(7), Applied::Ignored(Ignored::UnknownId));
    assert_eq!(desk.book, before);
    assert!(desk.try_add(3, BUY, 0, i64::MAX).is_done(), "price 0 and any quantity are accepted");
}

#[test]
fn totals_of_a_level_do_not_overflow() {
    let mut desk = Desk::new(0);
    desk.add(1, BUY, 10, i64::MAX).add(2, BUY, 10, i64::MAX);
    assert_eq!(desk.best(BUY), Some((10, i64::MAX)));
    desk.delete(1);
    assert!(desk.change(2, 3).is_done());
    assert_eq!(desk.best(BUY), Some((10, 3)));
}

#[test]
fn an_order_that_locks_or_crosses_is_held() {
    let mut desk = Desk::new(0);
    desk.add(1, SELL, 10, 1).add(2, BUY, 10, 1).add(3, BUY, 11, 1).add(4, BUY, 9, 1);
    assert_eq!(desk.ids(BUY), [4]);
    assert_eq!((desk.book.stats().locking, desk.book.stats().crossing), (1, 1));
    assert_eq!(desk.book.held_count(), 2);
    assert_eq!(desk.book.order(2), None);
    assert!(desk.change(2, 7).is_done());
    desk.delete(2).delete(3);
    assert_eq!((desk.book.stats().deleted_while_held, desk.book.held_count()), (2, 0));
    assert_eq!(desk.ids(SELL), [1]);
}

#[test]
fn held_orders_are_released_oldest_first_to_the_back_of_their_level() {
    let mut desk = Desk::new(0);
    desk.add(1, SELL, 10, 1).add(2, BUY, 11, 1).add(3, BUY, 10, 1).add(4, BUY, 11, 1);
    assert!(desk.change(3, 6).is_done());
    desk.add(5, SELL, 11, 1);
    desk.delete(1);
    assert_eq!(desk.orders(BUY), [(3, 10, 6)], "11 still meets the ask at 11");
    desk.delete(5);
    assert_eq!(desk.ids(BUY), [2, 4, 3]);
    assert_eq!(desk.book.stats().released, 3);
}

#[test]
fn a_release_may_keep_another_held() {
    let mut desk = Desk::new(0);
    desk.add(1, SELL, 20, 1).add(2, BUY, 5, 1).add(3, BUY, 20, 1).add(4, SELL, 5, 1);
    // both sides free up at once for the older, whose release holds the younger
    desk.delete(1);
    assert_eq!((desk.ids(BUY), desk.ids(SELL)), (vec![3, 2], vec![]));
    assert_eq!(desk.book.held_count(), 1);
    desk.delete(3).delete(2);
    assert_eq!(desk.ids(SELL), [4]);
}

#[test]
fn repair_evicts_what_an_old_order_would_have_met() {
    let mut desk = Desk::new(0);
    desk.add(1, SELL, 10, 1).add(2, SELL, 10, 2).add(3, SELL, 11, 1).add(4, SELL, 12, 1);
    desk.add(5, BUY, 11, 1);
    desk.at(0);
    assert_eq!(desk.ids(SELL), [1, 2, 3, 4], "no time has passed");
    desk.at(1);
    assert_eq!((desk.ids(BUY), desk.ids(SELL)), (vec![5], vec![4]));
    assert_eq!((desk.book.stats().evicted, desk.book.stats().released), (3, 1));
    assert_eq!(desk.book.evicted().collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(desk.book.delete(1), Applied::Ignored(Ignored::EvictedId));
    assert_eq!(desk.book.delete(1), Applied::Ignored(Ignored::EvictedId));
    assert_eq!(desk.change(2, 1), Applied::Ignored(Ignored::EvictedId));
    assert_eq!(desk.try_add(3, BUY, 1, 1), Applied::Refused(Refused::DuplicateId(3)));
}

#[test]
fn repair_waits_for_more_than_the_hold() {
    let mut desk = Desk::new(10);
    desk.at(5).add(1, SELL, 10, 1).add(2, BUY, 10, 1);
    desk.at(15);
    assert_eq!(desk.book.held_count(), 1);
    desk.at(12);
    assert_eq!(desk.book.held_count(), 1, "time that goes back proves nothing");
    desk.at(16);
    assert_eq!((desk.ids(BUY), desk.ids(SELL)), (vec![2], vec![]));
}

#[test]
fn too_many_held_prove_the_oldest_right() {
    let mut desk = Desk::new(0);
    desk.add(1, SELL, 10, 1);
    for id in 0..=MAX_HELD as OrderId {
        desk.add(100 + id, BUY, 10, 1);
        assert!(desk.book.held_count() <= MAX_HELD);
    }
    assert_eq!((desk.ids(SELL), desk.book.held_count()), (vec![], 0));
    assert_eq!(desk.ids(BUY).len(), MAX_HELD + 1);
    assert_eq!(desk.ids(BUY)[..2], [100, 101]);
}

#[test]
fn a_raw_book_holds_nothing() {
    let mut desk = Desk { book: L3Book::raw(), time: 0 };
    desk.add(1, SELL, 10, 1).add(2, BUY, 11, 1);
    desk.at(9);
    assert_eq!((desk.ids(BUY), desk.ids(SELL)), (vec![2], vec![1]));
}

#[test]
fn an_own_order_has_a_place_among_stamps() {
    let mut desk = Desk::new(0);
    desk.add(1, BUY, 10, 1);
    let own = desk.book.next_arrival();
    desk.add(2, BUY, 10, 1);
    assert!(desk.book.front_arrival(BUY, price(10)) < Some(own));
    desk.delete(1);
    assert!(desk.book.front_arrival(BUY, price(10)) > Some(own));
    assert_eq!(desk.book.front_arrival(BUY, price(11)), None);
}

#[test]
fn a_cleared_book_is_empty_and_its_stamps_go_on() {
    let mut desk = Desk::new(0);
    desk.add(1, SELL, 10, 1).add(2, BUY, 10, 1).at(1).add(3, SELL, 9, 1);
    let stamp = desk.book.next_arrival();
    desk.book.clear();
    assert_eq!((desk.ids(BUY), desk.ids(SELL), desk.book.held_count()), (vec![], vec![], 0));
    assert_eq!(desk.book.evicted().count(), 0);
    desk.add(1, SELL, 10, 1);
    assert_eq!(desk.book.order(1).map(|o| o.arrival), Some(stamp + 1));
    assert_eq!(desk.book.stats().evicted, 1);
}

#[test]
fn a_book_that_was_written_and_read_goes_on_alike() {
    let mut desk = Desk::new(0);
    desk.add(1, SELL, 10, 1).add(2, BUY, 10, 1).at(1).add(3, SELL, 12, 4).add(4, SELL, 12, 5);
    desk.delete(2).add(5, BUY, 12, 1).add(6, BUY, 8, 3).add(7, SELL, 13, 1);
    let text = serde_json::to_string(&desk.book).expect("written");
    let mut copy = Desk { book: serde_json::from_str(&text).expect("read"), time: 1 };
    for desk in [&mut desk, &mut copy] {
        assert_eq!(desk.book.evicted().collect::<Vec<_>>(), [1]);
        assert!(desk.change(3, 9).is_done());
        desk.at(2).add(8, SELL, 13, 1);
    }
    assert_eq!(copy.book, desk.book);
    assert_eq!(copy.orders(SELL), [(7, 13, 1), (8, 13, 1)]);

    for (whole, broken) in [("\"id\":7", "\"id\":6"), ("\"quantity\":4", "\"quantity\":0")] {
        let broken = text.replacen(whole, broken, 1);
        assert_ne!(broken, text);
        assert!(serde_json::from_str::<L3Book>(&broken).is_err(), "{broken}");
    }
}

#[test]
fn a_full_book_refuses_and_lives_on() {
    let mut desk = Desk::new(0);
    for id in 0..MAX_LEVELS as OrderId {
        desk.add(id, SELL, 1 + id as i64, 1);
    }
    let next = MAX_LEVELS as OrderId;
    assert_eq!(desk.try_add(next, SELL, 9, 1), Applied::Refused(Refused::TooManyLevels));
    desk.delete(0).add(next, SELL, 2, 1).delete(next).delete(1);
    for id in next + 1..=MAX_ORDERS as OrderId + 2 {
        desk.add(id, SELL, 9, 1);
    }
    assert_eq!(desk.ids(SELL).len(), MAX_ORDERS);
    assert_eq!(desk.try_add(0, SELL, 9, 1), Applied::Refused(Refused::TooManyOrders));
    desk.delete(7).add(0, SELL, 9, 1);
}
