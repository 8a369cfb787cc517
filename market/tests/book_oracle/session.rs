//! The bundled session: its known figures, and each row against the slow book.

use std::collections::BTreeMap;

use market::{
    Applied, Book, BookState, EventKind, L3Book, Level, MarketEvent, OrderView, Price, Quantity, Side, Top,
};
use support::golden;

use super::random::{answer, counts};
use super::session_data::{LAST_LIVE_ROW, LAST_OPENING_ROW, all_orders, orders, trades};
use super::slow_book::{Answer, Mistake, SlowBook, SlowOrder};

/// What an order row says to the slow book.
fn tell(slow: &mut SlowBook, event: &MarketEvent) -> Answer {
    slow.advance(event.time);
    match event.kind {
        EventKind::Add { id, side, price, quantity } => {
            slow.add(SlowOrder { id, side, price, quantity: quantity.units(), arrival: 0 }, event.time)
        }
        EventKind::Change { id, quantity } => slow.change(id, quantity),
        EventKind::Delete { id } => slow.delete(id),
        _ => panic!("no row of an order"),
    }
}

/// The best levels of the slow book, with their first orders.
fn slow_levels(slow: &SlowBook, side: Side, depth: usize) -> Vec<(Level, u64)> {
    let level = |(price, queue): (Price, &std::collections::VecDeque<SlowOrder>)| {
        let units = queue.iter().map(|order| order.quantity).sum();
        (Level { price, quantity: Quantity::from_units(units) }, queue[0].id)
    };
    slow.queues(side).take(depth).map(level).collect()
}

fn held(book: &Book) -> usize {
    book.l3().map_or(0, L3Book::held_count)
}

fn compare_whole(book: &Book, slow: &SlowBook, row: u64) {
    let l3 = book.l3().expect("orders");
    for side in [Side::Buy, Side::Sell] {
        let ours = l3.best_orders(side).map(|o| (o.id, o.price, o.quantity.units(), o.arrival));
        let theirs = slow.queues(side).flat_map(|(_, q)| q).map(|o| (o.id, o.price, o.quantity, o.arrival));
        assert!(ours.eq(theirs), "row {row}, {side}");
    }
}

#[test]
fn each_row_leaves_the_book_that_the_slow_one_has() {
    for hold_ms in [0, 60_000] {
        let hold_ns = hold_ms * 1_000_000;
        let (mut book, mut slow) = (Book::new(hold_ns), SlowBook::new(Some(hold_ns), Mistake::None));
        let mut best = [Level::default(); 5];
        for event in orders() {
            let row = event.position;
            assert_eq!(answer(book.apply(event)), tell(&mut slow, event), "row {row}");
            let l3 = book.l3().expect("orders");
            assert_eq!(l3.held_count(), slow.held.len(), "row {row}");
            for side in [Side::Buy, Side::Sell] {
                let expected = slow_levels(&slow, side, best.len());
                let count = book.levels(side, &mut best);
                let ours = best[..count].iter().zip(expected.iter().map(|(level, _)| level));
                assert!(count == expected.len() && ours.clone().all(|(a, b)| a == b), "row {row}, {side}");
                let front = l3.best_orders(side).next().map(|order| order.id);
                assert_eq!(front, expected.first().map(|(_, id)| *id), "row {row}, {side}");
            }
            if row % 5_000 == 0 || row == LAST_LIVE_ROW {
                compare_whole(&book, &slow, row);
            }
        }
        assert_eq!(counts(book.stats().hold), slow.counts);
        assert_eq!(book.stats().hold.evicted, 2, "held for {hold_ms} ms");
    }
}

/// Sums over the states after the rows from the last of the opening on, modulo 2^64.
#[derive(Debug, Default, PartialEq, Eq)]
struct Checksums {
    bid: u64,
    ask: u64,
    size: u64,
}

impl Checksums {
    fn add(&mut self, top: Top) {
        self.bid = self.bid.wrapping_add(top.bid.price.units() as u64);
        self.ask = self.ask.wrapping_add(top.ask.price.units() as u64);
        for level in [top.bid, top.ask] {
            self.size = self.size.wrapping_add(level.quantity.units() as u64);
        }
    }
}

#[test]
fn the_known_figures_come_out() {
    let mut book = Book::new(0);
    let mut sums = Checksums::default();
    let (mut refused, mut unknown_changes, mut unknown_deletes) = (vec![], vec![], 0);
    let (mut moves, mut price_moves, mut not_ok) = (0, 0, 0);
    for event in orders() {
        let before = book.top();
        match (book.apply(event), &event.kind) {
            (Applied::Done, _) => {}
            (Applied::Refused(_), _) => refused.push(event.position),
            (Applied::Ignored(_), EventKind::Change { .. }) => unknown_changes.push(event.position),
            (Applied::Ignored(_), _) => unknown_deletes += 1,
        }
        assert!(held(&book) <= 1, "row {}", event.position);
        if event.position < LAST_OPENING_ROW {
            continue;
        }
        let after = book.top().expect("two sides");
        sums.add(after);
        not_ok += u64::from(book.state() != BookState::Ok);
        if let Some(before) = before.filter(|_| event.position > LAST_OPENING_ROW) {
            let price = |top: Top| (top.bid.price, top.ask.price);
            moves += u32::from(before != after);
            price_moves += u32::from(price(before) != price(after));
        }
    }
    assert_eq!(refused, [180_892, 180_893, 304_032]);
    assert_eq!((unknown_changes, unknown_deletes), (vec![304_033], 15));
    let hold = book.stats().hold;
    assert_eq!((hold.held(), hold.locking, hold.crossing), (100_688, 45_549, 55_139));
    assert_eq!((hold.deleted_while_held, hold.released, hold.evicted), (100_650, 38, 2));
    assert_eq!((book.stats().crossed_rows, book.stats().locked_rows, not_ok), (0, 0, 0));
    let expected = Checksums {
        bid: 5_147_934_954_290_448_384,
        ask: 5_148_274_797_290_448_384,
        size: 237_635_485_609_150,
    };
    assert_eq!(sums, expected);
    assert_eq!((moves, price_moves), (25_096, 1_414));
    let l3 = book.l3().expect("orders");
    assert_eq!(Side::BOTH.map(|side| l3.best_orders(side).count()), [2_760, 3_756]);
    assert_eq!(held(&book), 0);
}

#[test]
fn two_stale_orders_are_evicted() {
    let expected = [
        (2_002_347_646_152_704, "78333", "0.2414848", 35_103, 1_777_689_534_584),
        (2_002_347_642_003_458, "78374", "0.03368756", 59_265, 1_777_689_629_256),
    ];
    for hold_ms in [0, 10, 1000] {
        let mut book = Book::new(hold_ms * 1_000_000);
        let mut evicted = Vec::new();
        for event in orders() {
            let stood = expected.map(|(id, ..)| book.l3().and_then(|l3| l3.order(id)));
            book.apply(event);
            let count = book.stats().hold.evicted as usize;
            if count > evicted.len() {
                evicted.push((event.position, event.time.ns() / 1_000_000));
                let OrderView { id, side, price, quantity, .. } = stood[count - 1].expect("it stood");
                let (expected_id, at, size, ..) = expected[count - 1];
                assert_eq!((id, side), (expected_id, Side::Sell));
                assert_eq!((price.to_string(), quantity.to_string()), (at.into(), size.into()));
            }
        }
        assert_eq!(book.l3().expect("orders").evicted().collect::<Vec<_>>(), expected.map(|e| e.0));
        if hold_ms == 0 {
            assert_eq!(evicted, expected.map(|(.., row, time)| (row, time)));
        }
    }
}

#[test]
fn an_order_is_held_for_a_moment_only() {
    let mut book = Book::new(0);
    let mut hold: Option<(u64, i64)> = None;
    let (mut longest_rows, mut long_ms) = (0, vec![]);
    for event in orders() {
        let (row, ms) = (event.position, event.time.ns() / 1_000_000);
        book.apply(event);
        // never more than one is held, so a hold ends where none is or a new one came
        let came = matches!(event.kind, EventKind::Add { id, .. } if book.l3().is_some_and(|l3| l3.order(id).is_none()));
        let (is_held, is_new) = (held(&book) == 1, came && held(&book) == 1);
        if let Some((since_row, since_ms)) = hold
            && (!is_held || is_new)
        {
            longest_rows = longest_rows.max(row - since_row);
            if ms > since_ms {
                long_ms.push(ms - since_ms);
            }
            hold = None;
        }
        if is_new {
            hold = Some((row, ms));
        }
    }
    assert_eq!((longest_rows, long_ms), (35, vec![1, 1]));
}

#[test]
fn without_hold_out_the_book_is_crossed_nearly_always() {
    let (mut book, mut slow) = (Book::raw(), SlowBook::new(None, Mistake::None));
    let (mut crossed, mut locked) = (0, 0);
    for event in all_orders() {
        book.apply(event);
        tell(&mut slow, event);
        if let (Some(bid), Some(ask)) = (slow.best(Side::Buy), slow.best(Side::Sell)) {
            crossed += u64::from(bid > ask);
            locked += u64::from(bid == ask);
        }
    }
    assert_eq!((crossed, locked), (284_015, 2_317));
    assert_eq!((book.stats().crossed_rows, book.stats().locked_rows), (crossed, locked));
    compare_whole(&book, &slow, all_orders().len() as u64);
}

/// What the queues are worth: the order that a trade names as maker stood at the best price, first.
#[test]
fn makers_stand_at_the_front_of_the_best_queue() {
    let mut fills: BTreeMap<(u64, i64), u32> = BTreeMap::new();
    for trade in trades() {
        *fills.entry((trade.maker, trade.time.ns())).or_default() += 1;
    }
    let mut book = Book::new(0);
    let (mut at_best, mut first) = (0, 0);
    for event in orders() {
        if let EventKind::Change { id, .. } | EventKind::Delete { id } = event.kind
            && let Some(left) = fills.get_mut(&(id, event.time.ns())).filter(|left| **left > 0)
        {
            *left -= 1;
            let l3 = book.l3().expect("orders");
            let maker = l3.order(id).expect("a maker is visible");
            at_best += u32::from(l3.best(maker.side).map(|level| level.price) == Some(maker.price));
            first += u32::from(l3.front_arrival(maker.side, maker.price) == Some(maker.arrival));
        }
        book.apply(event);
    }
    assert_eq!((at_best, first), (284, 283));
}

#[test]
fn golden_19_the_book_row_by_row() {
    let cases = golden::cases("19_");
    let mut at: BTreeMap<u64, Vec<&golden::Case>> = BTreeMap::new();
    for case in &cases {
        at.entry(case.inputs["row"].as_u64().expect("a row")).or_default().push(case);
    }
    let mut book = Book::new(0);
    for event in orders() {
        book.apply(event);
        for case in at.remove(&event.position).unwrap_or_default() {
            check_row(case, event, &book);
        }
    }
    assert!(at.is_empty(), "rows that are not in the session: {:?}", at.keys());
}

fn check_row(case: &golden::Case, event: &MarketEvent, book: &Book) {
    let expected =
        |key: &str, got: serde_json::Value| assert_eq!(case.expected[key], got, "{}: {key}", case.name);
    let (id, action) = match event.kind {
        EventKind::Add { id, .. } => (id, "created"),
        EventKind::Change { id, .. } => (id, "changed"),
        EventKind::Delete { id } => (id, "deleted"),
        _ => panic!("no row of an order"),
    };
    assert_eq!(case.expected["id"].to_string().trim_matches('"'), id.to_string(), "{}", case.name);
    expected("action", action.into());
    expected("held", held(book).into());
    for (side, name) in [(Side::Buy, "bid"), (Side::Sell, "ask")] {
        let key = |suffix: &str| format!("{name}{suffix}");
        let depth = case.expected[key("_prices5")].as_array().map_or(5, Vec::len);
        let mut levels = vec![Level::default(); depth];
        let count = book.levels(side, &mut levels);
        levels.truncate(count);
        let l3 = book.l3().expect("orders");
        let orders: Vec<OrderView> = l3.best_orders(side).collect();
        let queues: Vec<usize> = orders.chunk_by(|a, b| a.price == b.price).map(<[_]>::len).collect();
        let prices: Vec<String> = levels.iter().map(|level| level.price.to_string()).collect();
        let sizes: Vec<String> = levels.iter().map(|level| level.quantity.to_string()).collect();
        expected(name, prices[0].clone().into());
        expected(&key("_size"), sizes[0].clone().into());
        expected(&key("_prices5"), prices.into());
        expected(&key("_sizes5"), sizes.into());
        expected(&key("_orders5"), queues[..count].into());
        expected(&key("_orders"), orders.len().into());
        expected(&key("_levels"), queues.len().into());
    }
}
