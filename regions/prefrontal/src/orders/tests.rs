use super::*;
use market::order::{Liquidity, RejectReason};
use market::{Money, Timestamp};

const INSTRUMENT: InstrumentId = InstrumentId(0);

fn q(whole: i64) -> Quantity {
    Quantity::from_whole(whole).expect("small")
}

fn id(sequence: u64) -> ClientId {
    ClientId { sequence, instrument: INSTRUMENT, k: 0 }
}

fn place(table: &mut OrderTable, sequence: u64, side: Side, quantity: i64) {
    let price = Price::from_whole(100).expect("small");
    table.approve(&Request::Place(NewOrder {
        id: id(sequence),
        side,
        kind: OrderKind::Limit,
        price,
        quantity: q(quantity),
    }));
}

fn report(table: &mut OrderTable, sequence: u64, kind: ReportKind) -> Result<(), Fault> {
    table.report(&Report { id: id(sequence), time: Timestamp::from_ns(1), kind })
}

fn filled(side: Side, quantity: i64, remaining: i64) -> ReportKind {
    let price = Price::from_whole(100).expect("small");
    ReportKind::Filled(Fill {
        execution: 1,
        side,
        price,
        quantity: q(quantity),
        fee: Money::ZERO,
        liquidity: Liquidity::Maker,
        remaining: q(remaining),
    })
}

#[test]
fn a_partial_fill_reaches_the_position() {
    let mut table = OrderTable::default();
    place(&mut table, 1, Side::Sell, 5);
    report(&mut table, 1, ReportKind::Accepted).expect("known");
    report(&mut table, 1, filled(Side::Sell, 2, 3)).expect("known");
    assert_eq!((table.position(INSTRUMENT), table.reserved(INSTRUMENT, Side::Sell, None)), (q(-2), q(3)));
    report(&mut table, 1, filled(Side::Sell, 3, 0)).expect("known");
    assert_eq!(table.position(INSTRUMENT), q(-5));
    assert!(table.is_empty());
}

#[test]
fn a_cancel_or_replace_in_flight_frees_nothing() {
    let mut table = OrderTable::default();
    place(&mut table, 1, Side::Buy, 5);
    report(&mut table, 1, ReportKind::Accepted).expect("known");
    table.approve(&Request::Replace { id: id(1), price: Price::from_units(1), total: q(2) });
    assert_eq!(table.reserved(INSTRUMENT, Side::Buy, None), q(5));
    report(&mut table, 1, ReportKind::ReplaceRejected(RejectReason::WouldTrade)).expect("known");
    table.approve(&Request::Replace { id: id(1), price: Price::from_units(1), total: q(9) });
    assert_eq!(table.reserved(INSTRUMENT, Side::Buy, None), q(9));
    table.cancel_sent(id(1));
    assert_eq!(table.reserved(INSTRUMENT, Side::Buy, None), q(9));
    report(&mut table, 1, ReportKind::Cancelled { filled: Quantity::ZERO }).expect("known");
    assert!(table.is_empty());
}

#[test]
fn a_fill_on_the_way_of_a_replace_counts_towards_its_total() {
    let mut table = OrderTable::default();
    place(&mut table, 1, Side::Buy, 5);
    report(&mut table, 1, ReportKind::Accepted).expect("known");
    table.approve(&Request::Replace { id: id(1), price: Price::from_units(1), total: q(5) });
    report(&mut table, 1, filled(Side::Buy, 4, 1)).expect("known");
    let reach =
        |table: &OrderTable| add(table.position(INSTRUMENT), table.reserved(INSTRUMENT, Side::Buy, None));
    assert_eq!(reach(&table), q(5));
    let replaced = ReportKind::Replaced { price: Price::from_units(1), quantity: q(1) };
    report(&mut table, 1, replaced).expect("known");
    assert_eq!(reach(&table), q(5));
}

#[test]
fn a_refused_cancel_does_not_revive_what_is_over() {
    let mut table = OrderTable::default();
    place(&mut table, 1, Side::Buy, 5);
    table.cancel_sent(id(1));
    report(&mut table, 1, ReportKind::Cancelled { filled: q(3) }).expect("known");
    report(&mut table, 1, ReportKind::CancelRejected(RejectReason::UnknownOrder)).expect("known");
    report(&mut table, 1, filled(Side::Buy, 3, 2)).expect("known");
    assert!(table.is_empty());
}

#[test]
fn what_a_terminal_report_states_beyond_the_fills_stays_reserved() {
    let mut table = OrderTable::default();
    place(&mut table, 1, Side::Buy, 5);
    report(&mut table, 1, ReportKind::Cancelled { filled: q(3) }).expect("known");
    assert_eq!(table.reserved(INSTRUMENT, Side::Buy, None), q(3));
    report(&mut table, 1, filled(Side::Buy, 3, 2)).expect("known");
    assert_eq!(table.position(INSTRUMENT), q(3));
    assert!(table.is_empty());
}

#[test]
fn what_no_venue_may_say_is_a_fault() {
    let mut table = OrderTable::default();
    assert!(report(&mut table, 7, ReportKind::Accepted).is_err());
    assert!(report(&mut table, 7, ReportKind::CancelRejected(RejectReason::UnknownOrder)).is_ok());
    place(&mut table, 1, Side::Buy, 5);
    let replaced = |quantity| ReportKind::Replaced { price: Price::from_units(1), quantity };
    for kind in [
        filled(Side::Buy, 6, 0),
        filled(Side::Sell, 1, 4),
        filled(Side::Buy, 0, 5),
        filled(Side::Buy, -1, 6),
        replaced(q(6)),
        replaced(q(-1)),
        ReportKind::Cancelled { filled: q(6) },
        ReportKind::Expired { filled: q(-1) },
    ] {
        let before = table.clone();
        assert!(report(&mut table, 1, kind).is_err(), "{kind:?}");
        assert_eq!(table, before, "{kind:?}");
    }
}

#[test]
fn a_fill_that_is_told_behind_the_replacement_is_still_to_come() {
    let mut table = OrderTable::default();
    place(&mut table, 1, Side::Buy, 10);
    report(&mut table, 1, ReportKind::Accepted).expect("known");
    table.approve(&Request::Replace { id: id(1), price: Price::from_units(1), total: q(9) });
    // 4 were filled at the venue by then, so that 5 rest there
    let replaced = ReportKind::Replaced { price: Price::from_units(1), quantity: q(5) };
    report(&mut table, 1, replaced).expect("known");
    assert_eq!(table.reserved(INSTRUMENT, Side::Buy, None), q(9));
    report(&mut table, 1, filled(Side::Buy, 4, 6)).expect("known");
    assert_eq!((table.position(INSTRUMENT), table.reserved(INSTRUMENT, Side::Buy, None)), (q(4), q(5)));
}
