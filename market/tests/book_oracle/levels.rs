//! The book of level totals against two maps.

use std::collections::BTreeMap;

use market::{L2Book, LevelChange, Price, Quantity, Side};
use proptest::prelude::*;

/// Announced total and what was taken of it, by side and price, in units of 1e-9.
type Slow = BTreeMap<(Side, i64), (i64, i64)>;

#[derive(Debug, Clone)]
enum Step {
    Update(Vec<(Side, i64, i64)>),
    Snapshot(Vec<(Side, i64, i64)>),
    Take(Side, i64, i64),
}

fn change() -> impl Strategy<Value = (Side, i64, i64)> {
    let price = prop_oneof![40 => 1_i64..12, 1 => Just(0), 1 => Just(i64::MAX)];
    let quantity = prop_oneof![20 => 0_i64..6, 1 => Just(-1), 1 => Just(i64::MAX)];
    (prop_oneof![Just(Side::Buy), Just(Side::Sell)], price, quantity)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => proptest::collection::vec(change(), 0..4).prop_map(Step::Update),
        1 => proptest::collection::vec(change(), 0..9).prop_map(Step::Snapshot),
        3 => change().prop_map(|(side, price, by)| Step::Take(side, price, by)),
    ]
}

fn apply(slow: &mut Slow, step: &Step) -> (bool, i64) {
    let good = |changes: &[(Side, i64, i64)]| {
        changes.iter().all(|&(_, price, total)| price > 0 && price <= i64::MAX / 2 && total >= 0)
    };
    match step {
        Step::Take(side, price, by) => {
            let Some((total, taken)) = slow.get_mut(&(*side, *price)) else { return (true, 0) };
            let more = (*by).max(0).min(*total - *taken);
            *taken += more;
            (true, more)
        }
        Step::Update(changes) | Step::Snapshot(changes) if !good(changes) => (false, 0),
        Step::Update(changes) => {
            for &(side, price, total) in changes {
                let taken = slow.remove(&(side, price)).map_or(0, |(_, taken)| taken);
                if total > 0 {
                    slow.insert((side, price), (total, taken.min(total)));
                }
            }
            (true, 0)
        }
        Step::Snapshot(changes) => {
            let old = std::mem::take(slow);
            for &(side, price, total) in changes {
                let taken = old.get(&(side, price)).map_or(0, |(_, taken)| *taken);
                slow.insert((side, price), (total, taken.min(total)));
            }
            slow.retain(|_, (total, _)| *total > 0);
            (true, 0)
        }
    }
}

fn changes(of: &[(Side, i64, i64)]) -> Vec<LevelChange> {
    let change = |&(side, price, quantity): &(Side, i64, i64)| LevelChange {
        side,
        price: Price::from_units(price),
        quantity: Quantity::from_units(quantity),
    };
    of.iter().map(change).collect()
}

proptest! {
    #[test]
    fn the_level_book_does_what_two_maps_do(steps in proptest::collection::vec(step(), 1..80)) {
        let (mut book, mut slow) = (L2Book::new(), Slow::new());
        for step in &steps {
            let got = match step {
                Step::Update(of) => (book.update(&changes(of)).is_done(), 0),
                Step::Snapshot(of) => (book.snapshot(&changes(of)).is_done(), 0),
                Step::Take(side, price, by) => {
                    let taken = book.take(*side, Price::from_units(*price), Quantity::from_units(*by));
                    (true, taken.units())
                }
            };
            prop_assert_eq!(got, apply(&mut slow, step));
            for side in [Side::Buy, Side::Sell] {
                let mut expected: Vec<(i64, i64)> = slow
                    .iter()
                    .filter(|((s, _), (total, taken))| *s == side && total > taken)
                    .map(|((_, price), (total, taken))| (*price, total - taken))
                    .collect();
                if side == Side::Buy {
                    expected.reverse();
                }
                let ours: Vec<(i64, i64)> =
                    book.iter(side).map(|l| (l.price.units(), l.quantity.units())).collect();
                prop_assert_eq!(book.best(side).map(|l| l.price.units()), expected.first().map(|l| l.0));
                prop_assert_eq!(ours, expected);
            }
        }
        let text = serde_json::to_string(&book).expect("written");
        prop_assert_eq!(serde_json::from_str::<L2Book>(&text).expect("read"), book);
    }
}
