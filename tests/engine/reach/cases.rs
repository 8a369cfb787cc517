//! One made-up market for each thing that can be reached.

use super::*;

/// What happens on a tape.
type Change = fn(Tape) -> Tape;

/// A market, and what comes of it.
struct Case {
    /// What is reached, by kind and name.
    reaches: &'static str,
    /// The keys that differ.
    sets: &'static [&'static str],
    /// The events.
    tape: Change,
}

const fn case(reaches: &'static str, sets: &'static [&'static str], tape: Change) -> Case {
    Case { reaches, sets, tape }
}

/// Armed, and then eager to buy.
fn eager(tape: Tape) -> Tape {
    tape.book(5, EVEN).book(5, BID)
}

/// A book of which a sample is far from normal in nothing but what is feared.
const SENSITIVE: &[&str] = &["amygdala.imbalance_floor=0.01"];

/// A volatility that counts, among distances that do not.
const WILD: &[&str] =
    &["amygdala.imbalance_floor=0.001", "amygdala.volatility_floor_bp=0.3", "amygdala.volatility_warm_up=2"];

const CASES: &[Case] = &[
    case("reason warming_up", &["amygdala.warm_up=240"], eager),
    case("reason hold", &[], |tape| tape.book(8, EVEN)),
    case("reason hold_by_margin", &[], |tape| tape.book(5, EVEN).book(3, [100.0, 65.0, 101.0, 35.0])),
    case("reason at_target", &[], |tape| tape.book(5, EVEN).book(5, [100.0, 950.0, 101.0, 50.0])),
    case("reason awaiting_venue", &["exchange.response_latency_ns=250000000"], eager),
    case("reason already_working", &["cerebellum.market_urgency=1", "cerebellum.inside_urgency=1"], eager),
    case("reason no_edge", &["cerebellum.edge_filter=true", "instrument.X.taker_fee=100"], eager),
    case("reason pacing", &["cerebellum.algorithm=twap", "cerebellum.slice_from_lots=2"], eager),
    case("reason below_minimum_size", &[], |tape| tape.book(5, EVEN).book(5, [100.0, 190.0, 101.0, 8.5])),
    case("reason frightened", &[], |tape| tape.book(5, EVEN).book(1, [90.0, 95.0, 111.0, 5.0]).book(3, EVEN)),
    case("reason stale_book", &[], |tape| eager(tape).then(EventKind::Gap).wait(500).then(EventKind::Gap)),
    case("reason halted", &[], |tape| eager(tape).then(EventKind::Halt).book(3, BID)),
    case("reason outside_session", &["instrument.X.session=03:00-04:00"], eager),
    case("limit order_size", &["limits.X.order_size=4"], eager),
    case("limit position", &["limits.X.position=4"], eager),
    case("limit notional", &["limits.X.notional=400"], eager),
    case("limit capital", &["limits.X.capital=400"], eager),
    case("limit collar", &["limits.X.collar=1"], eager),
    case("limit rate", &["limits.X.rate=1"], eager),
    case("limit duplicate", &["limits.X.duplicate=500"], |tape| {
        // the offer is gone when the order arrives, and back for the next sample
        let gone = [100.0, 95.0, 105.0, 5.0];
        tape.book(5, EVEN)
            .book(1, BID)
            .wait(-49)
            .push(EventKind::Snapshot(levels(gone).into()))
            .wait(49)
            .book(3, BID)
    }),
    case("signal anomaly", SENSITIVE, |tape| tape.book(9, EVEN).book(9, BID)),
    case("signal volatility", WILD, |tape| {
        // what is far from normal while it is counted is not far afterwards
        let tape = tape.book(2, EVEN).book(1, BID).book(5, EVEN);
        [105.0, 99.0, 106.0, 98.0, 107.0]
            .iter()
            .fold(tape, |tape, bid| tape.book(1, [*bid, 50.0, bid + 1.0, 50.0]))
    }),
    case("signal drawdown", &["amygdala.drawdown_max=0.000001", "instrument.X.taker_fee=100"], eager),
    case("signal spread", &[], |tape| tape.book(5, EVEN).book(9, [90.0, 50.0, 111.0, 50.0])),
    case("startle Halt", &[], |tape| tape.book(5, EVEN).then(EventKind::Halt).book(3, EVEN)),
    case("startle Gap", &[], |tape| tape.book(5, EVEN).then(EventKind::Gap).book(3, EVEN)),
    case("startle LostBook", &[], |tape| {
        tape.book(5, EVEN).then(EventKind::Snapshot(levels(EVEN)[..1].into())).book(3, EVEN)
    }),
    case("startle Spread", &["amygdala.spread_multiple=1000"], |tape| {
        tape.book(5, EVEN).book(3, [70.0, 50.0, 131.0, 50.0])
    }),
    case("startle Stale", &[], |tape| tape.book(5, EVEN).wait(5000).book(3, EVEN)),
    case("latch stale feed", &["prefrontal.stale_feed_latches=true"], |tape| {
        eager(tape).wait(5000).book(5, BID)
    }),
];

fn decisions(case: &Case) -> Vec<DecisionRecord> {
    play(case.sets, (case.tape)(Tape::default()), Vec::new()).1.decisions
}

/// Everything that the cases reach.
pub fn all() -> BTreeSet<String> {
    CASES.iter().flat_map(|case| reached(&decisions(case))).collect()
}

#[test]
fn each_case_reaches_what_it_is_there_for() {
    for case in CASES {
        let reached = reached(&decisions(case));
        assert!(reached.contains(case.reaches), "{}: {reached:?}", case.reaches);
        let refuses_all =
            case.reaches.starts_with("limit") && !["limit rate", "limit duplicate"].contains(&case.reaches);
        assert!(!(refuses_all && reached.contains("acts")), "{}: {reached:?}", case.reaches);
    }
}

#[test]
fn a_shock_cancels_what_rests() {
    let resting = ["cerebellum.market_urgency=1", "cerebellum.inside_urgency=1"];
    let shocks: [(Startle, Change); 5] = [
        (Startle::Halt, |tape| tape.then(EventKind::Halt)),
        (Startle::Gap, |tape| tape.then(EventKind::Gap)),
        (Startle::LostBook, |tape| tape.then(EventKind::Snapshot(levels(EVEN)[..1].into()))),
        (Startle::Spread, |tape| tape.book(1, [70.0, 50.0, 131.0, 50.0])),
        (Startle::Stale, |tape| tape.wait(5000)),
    ];
    for (startle, shock) in shocks {
        let tape = shock(Tape::default().book(5, EVEN).book(2, BID)).book(1, EVEN);
        let (_, kept) = play(&resting, tape, Vec::new());
        let startled = kept.decisions.iter().find(|d| d.kind == SampleKind::Startle(startle));
        let startled = startled.unwrap_or_else(|| panic!("no {startle:?}"));
        let requests = startled.verdict.requests();
        assert!(matches!(requests, [Request::Cancel(_)]), "{startle:?}: {:?}", startled.verdict.outcome);
    }
}

#[test]
fn markets_at_the_edge_of_fixed_point_are_answered() {
    let highest = 4.6e9;
    let lowest = 1e-9;
    for best in [
        [highest, 9.2e9, highest + 1e-3, 9.2e9],
        [highest, 9.2e9, highest + 1e-3, lowest],
        [lowest, 9.2e9, highest, lowest],
        [lowest, 9.2e9, 2.0 * lowest, 9.2e9],
        [lowest, lowest, 2.0 * lowest, lowest],
        [lowest, 1.0, lowest, 1.0],
        [highest, 1.0, lowest, 1.0],
    ] {
        for notional in ["1", "1e15"] {
            let sets = [&format!("instrument.X.reference_notional={notional}"), "instrument.X.tick=1e-9"];
            for (first, second) in [(EVEN, best), (best, EVEN), (best, best)] {
                let trade = EventKind::Trade {
                    price: Price::from_units(units(best[2])),
                    quantity: Quantity::MAX,
                    aggressor: Some(Side::Buy),
                    maker: None,
                };
                let tape = Tape::default().book(5, first).book(5, second).then(trade).book(5, second);
                play(&sets, tape, vec![command(900, CommandKind::Halt), command(1200, CommandKind::Arm)]);
            }
        }
    }
}

#[test]
fn a_target_beyond_fixed_point_is_refused() {
    let (_, kept) = play(&["instrument.X.reference_notional=1e15"], eager(Tape::default()), Vec::new());
    let reached = reached(&kept.decisions);
    assert!(reached.contains("limit order_size") && !reached.contains("acts"), "{reached:?}");
}
