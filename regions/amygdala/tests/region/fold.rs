//! The amygdala is a fold: peeking, startles and snapshots leave no trace.

use amygdala::{Amygdala, State};
use market::Feature;
use proptest::prelude::*;
use synapse::{Notice, NoticeKind, Region, Sensed};

use crate::market::{Law, Market, blind, fresh, quick, set_spread, startled};

/// Things that happen to a sample.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Calm,
    Wide,
    Blind,
    Startled,
    Unsound,
    Incomplete,
}

fn fates() -> impl Strategy<Value = Vec<Fate>> {
    let fate = prop_oneof![
        8 => Just(Fate::Calm),
        3 => Just(Fate::Wide),
        1 => Just(Fate::Blind),
        1 => Just(Fate::Startled),
        1 => Just(Fate::Unsound),
        1 => Just(Fate::Incomplete),
    ];
    prop::collection::vec(fate, 1..60)
}

fn meet(market: &mut Market, fate: Fate) -> Sensed {
    let mut sensed = market.next();
    match fate {
        Fate::Calm => {}
        Fate::Wide => set_spread(&mut sensed, 12.0),
        Fate::Blind => sensed = blind(sensed),
        Fate::Startled => {
            set_spread(&mut sensed, 30.0);
            sensed = startled(sensed);
        }
        Fate::Unsound => sensed.features[Feature::Volume] = Some(f32::INFINITY),
        Fate::Incomplete => sensed.features[Feature::OrderFlowImbalance] = None,
    }
    sensed
}

fn raised(seed: u64, samples: usize) -> (Amygdala, Market) {
    let (mut amygdala, mut market) = (fresh(quick(), 1), Market::new(seed, Law::Book));
    for _ in 0..samples {
        amygdala.step(market.next()).expect("no fault");
    }
    (amygdala, market)
}

proptest! {
    #[test]
    fn a_peek_is_the_step_without_its_trace(fates in fates(), seed in 0..50u64, age in 0usize..220) {
        let (mut amygdala, mut market) = raised(seed, age);
        for fate in fates {
            let sensed = meet(&mut market, fate);
            let before = amygdala.digest();
            let peeked = amygdala.peek(sensed.clone());
            prop_assert_eq!(amygdala.digest(), before);
            let stepped = amygdala.step(sensed);
            let threats = (peeked.expect("no fault").threat, stepped.expect("no fault").threat);
            prop_assert_eq!(threats.0, threats.1);
            if matches!(fate, Fate::Startled | Fate::Blind) {
                prop_assert_eq!(amygdala.digest(), before);
            }
        }
    }

    #[test]
    fn a_restored_amygdala_goes_on_as_the_first(fates in fates(), seed in 0..50u64, age in 0usize..220) {
        let (mut first, mut market) = raised(seed, age);
        let mut second = fresh(quick(), 1);
        second.restore(&first.snapshot()).expect("a snapshot");
        for fate in fates {
            let sensed = meet(&mut market, fate);
            let (a, b) = (first.step(sensed.clone()), second.step(sensed));
            prop_assert_eq!(a.expect("no fault").threat, b.expect("no fault").threat);
        }
        prop_assert_eq!(first.state(), second.state());
    }

    #[test]
    fn its_memory_is_bounded(seed in 0..10u64) {
        let (mut amygdala, mut market) = raised(seed, 600);
        let size = amygdala.snapshot().len();
        for _ in 0..400 {
            amygdala.step(market.next()).expect("no fault");
        }
        prop_assert_eq!(amygdala.snapshot().len(), size);
    }
}

#[test]
fn a_snapshot_cut_short_is_refused_and_changes_nothing() {
    let (mut amygdala, _) = raised(1, 100);
    let (before, snapshot): (State, _) = (amygdala.state().clone(), amygdala.snapshot());
    assert!(amygdala.restore(&snapshot[..snapshot.len() - 1]).is_err());
    assert_eq!(amygdala.state(), &before);
}

#[test]
fn a_protective_restart_leaves_what_is_normal() {
    let (mut amygdala, _) = raised(1, 100);
    let before = amygdala.digest();
    let time = market::Timestamp::from_ns(0);
    amygdala.notice(&Notice { sequence: 1, time, kind: NoticeKind::Restarted }).expect("no fault");
    assert_eq!(amygdala.digest(), before);
}
