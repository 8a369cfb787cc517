//! The paper exchange against a second, slow one, on random streams and on the bundled session.

mod garbage;
mod oracle;
mod plain;
mod properties;
mod script;
mod session;
mod steps;
mod streams;

use std::cell::Cell;

use market::order::ReportKind;
use oracle::l2::Levels;
use oracle::l3::Orders;
use oracle::{Facts, Flaws, Pit};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use script::Script;
use steps::{Step, l2_steps, l3_steps};
use streams::{FACTS, run_oracle, run_real};

/// How many streams are compared.
const CASES: u32 = 4_000;

fn runner(cases: u32) -> TestRunner {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(
        config,
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    )
}

/// Compares both exchanges, and tells how many fills were compared and how many left a rest.
fn compare<P: Pit>(steps: impl Strategy<Value = Vec<Step>>, by_order: bool, facts: &Facts) -> (usize, usize) {
    let (fills, partial) = (Cell::new(0), Cell::new(0));
    let result = runner(CASES).run(&steps, |steps| {
        let script = Script::new(&steps, by_order);
        let real = run_real(&script, facts);
        prop_assert_eq!(&real, &run_oracle::<P>(&script, facts));
        for (_, report) in &real {
            if let ReportKind::Filled(fill) = report.kind {
                fills.set(fills.get() + 1);
                partial.set(partial.get() + usize::from(fill.remaining.is_positive()));
            }
        }
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    (fills.get(), partial.get())
}

/// On how many of some streams the comparison sees a planted fault.
fn caught<P: Pit>(steps: impl Strategy<Value = Vec<Step>>, by_order: bool, flaws: Flaws) -> usize {
    let facts = Facts { flaws, ..FACTS };
    let caught = Cell::new(0);
    runner(400)
        .run(&steps, |steps| {
            let script = Script::new(&steps, by_order);
            let differs = run_real(&script, &FACTS) != run_oracle::<P>(&script, &facts);
            caught.set(caught.get() + usize::from(differs));
            Ok(())
        })
        .expect("nothing is asserted");
    caught.get()
}

#[test]
fn orders_agree_with_the_plain_exchange() {
    for hold in [0, 4] {
        let facts = Facts { hold, ..FACTS };
        let (fills, partial) = compare::<Orders>(l3_steps(), true, &facts);
        assert!(fills > 3_000 && partial > 1_000, "{fills} fills, {partial} partial");
    }
}

#[test]
fn levels_agree_with_the_plain_exchange() {
    let (fills, partial) = compare::<Levels>(l2_steps(), false, &FACTS);
    assert!(fills > 3_000 && partial > 1_000, "{fills} fills, {partial} partial");
}

#[test]
fn planted_faults_are_caught() {
    let none = Flaws::default();
    let faults = [
        Flaws { queue_off_by_one: true, ..none },
        Flaws { partial_lost: true, ..none },
        Flaws { fee_of_taker: true, ..none },
        Flaws { taken_comes_back: true, ..none },
        Flaws { gap_ignored: true, ..none },
        Flaws { price_of_trade: true, ..none },
        Flaws { place_kept: true, ..none },
        Flaws { budget_unshared: true, ..none },
    ];
    for flaws in faults {
        let orders = caught::<Orders>(l3_steps(), true, flaws);
        let levels = caught::<Levels>(l2_steps(), false, flaws);
        eprintln!("{flaws:?}: {orders} and {levels} of 400");
        assert!(orders > 0 && levels > 0, "{flaws:?} was not seen");
    }
    assert_eq!(caught::<Orders>(l3_steps(), true, none), 0);
    assert_eq!(caught::<Levels>(l2_steps(), false, none), 0);
}
