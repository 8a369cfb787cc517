//! A bad connection: what is heard is garbled, what is stays true.

use std::collections::BTreeSet;

use janus::venue::{FromVenue, How, StateAnswer};
use market::Side;
use market::order::{ReportKind, Request};

use super::orders::{feed, id, limit};
use super::{Place, Trader};

const ORDERS: u64 = 600;
const SEED: &str = "11";

/// What a client has heard so far.
#[derive(Default)]
struct Ear {
    is_connected: bool,
    lost: u64,
    serials: BTreeSet<u64>,
    repeated: u64,
    rejected: BTreeSet<u64>,
    executions: BTreeSet<u64>,
}

impl Ear {
    fn hear(&mut self, heard: FromVenue) {
        match heard {
            FromVenue::Connected => self.is_connected = true,
            FromVenue::Lost(_) => {
                self.is_connected = false;
                self.lost += 1;
            }
            FromVenue::Report(report, serial) => {
                self.repeated += u64::from(!self.serials.insert(serial));
                match report.kind {
                    ReportKind::Filled(fill) => drop(self.executions.insert(fill.execution)),
                    ReportKind::Rejected(_) => drop(self.rejected.insert(report.id.sequence)),
                    _ => {}
                }
            }
            FromVenue::State(_) | FromVenue::Error(_) => {}
        }
    }
}

/// Asks for the state until it is told: an answer may be cut off with its connection.
fn state(trader: &Trader, ear: &mut Ear) -> StateAnswer {
    super::until("a state", || {
        let was_lost = ear.lost;
        let asked = trader.client.query(0);
        while asked && ear.lost == was_lost {
            match trader.next() {
                FromVenue::State(state) => return Some(state),
                heard => ear.hear(heard),
            }
        }
        None
    })
}

#[test]
fn faults_are_counted_and_the_state_is_the_truth() {
    let place = Place::new(&feed());
    let venue = place.venue(&["--speed", "10000", "--faults", SEED]);
    let _market = venue.subscribe();
    let trader = venue.client().connected();
    let mut ear = Ear { is_connected: true, ..Ear::default() };
    for order in 1..=ORDERS {
        let request = match order % 3 {
            0 => Request::Cancel(id(order - 1)),
            1 => limit(order, Side::Buy, 111, 1),
            _ => limit(order, Side::Buy, 98, 1),
        };
        // one that is not handed over is as good as lost: only the state tells
        trader.client.send(&request);
        while let Ok(heard) = trader.from.try_recv() {
            ear.hear(heard);
        }
        while !ear.is_connected {
            ear.hear(trader.next());
        }
        if order % 10 == 0 {
            state(&trader, &mut ear);
        }
    }
    let asked = state(&trader, &mut ear).time;
    let later = |state: &StateAnswer| state.time.since(asked) > 1_000_000_000;
    let state = super::until("the last order", || Some(state(&trader, &mut ear)).filter(later));
    let known: BTreeSet<u64> = state
        .orders
        .iter()
        .map(|o| o.id.id.sequence)
        .chain(state.finished.iter().map(|f| f.id.id.sequence))
        .collect();
    assert_eq!(known.len(), state.orders.len() + state.finished.len(), "no name twice");
    for sequence in ear.rejected {
        let end = state.finished.iter().find(|f| f.id.id.sequence == sequence).map(|f| f.how);
        assert!(matches!(end, Some(How::Rejected | How::Tombstone)), "seed {SEED}: {sequence} is {end:?}");
    }
    assert!(!ear.executions.is_empty() && ear.executions.iter().all(|e| *e <= state.executions));
    let bought: i64 = state.fills.iter().map(|f| f.fill.quantity.units()).sum();
    assert_eq!(state.positions["X"].units(), bought, "seed {SEED}: every order buys");
    let served = venue.stop();
    let count = |name: &str| served["faults"][name].as_u64().unwrap_or_else(|| panic!("{name}: {served}"));
    for fault in ["rejected", "lost", "late", "doubled", "reordered", "disconnected", "slow"] {
        assert!(count(fault) > 0, "seed {SEED}: no {fault} in {served}");
    }
    assert!(ear.repeated > 0 && ear.lost > 0, "seed {SEED}: {} told twice, {} lost", ear.repeated, ear.lost);
}
