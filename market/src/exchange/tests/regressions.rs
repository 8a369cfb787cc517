//! Faults that paper exchanges are known for, each named.

use super::*;
use crate::ledger::Ledger;
use crate::order::Liquidity;

fn book(ledger: &mut Ledger, fills: &[Fill]) {
    let instruments = Instruments::new(vec![instrument("A")]);
    for fill in fills {
        ledger.apply_fill(&instruments, InstrumentId(0), fill).expect("booked");
    }
}

#[test]
fn a_partial_fill_that_never_reached_the_position() {
    let mut ledger = Ledger::new("USD", Money::ZERO);
    let mut bench = Bench::l3();
    bench.place(1, 1, Buy, Limit, 102, 7);
    bench.trade(5, Sell, 102, 1, None);
    bench.trade(6, Sell, 101, 1, None);
    bench.cancel(6, 1);
    let fills = bench.fills();
    book(&mut ledger, &fills);
    assert_eq!(fills.len(), 4);
    assert_eq!(ledger.position(InstrumentId(0)), quantity(5), "3 taken, 1 and 1 made");
    let rests: Vec<_> = fills.iter().map(|f| f.remaining).collect();
    assert_eq!(rests, [6, 4, 3, 2].map(quantity));
}

#[test]
fn a_fill_where_nothing_traded() {
    let mut bench = Bench::l3();
    bench.place(1, 1, Buy, Limit, 101, 1);
    bench.place(1, 2, Buy, Limit, 100, 1);
    // the queue empties by cancels, the other side comes close, time passes
    for id in [1, 2] {
        bench.delete(5, id);
    }
    bench.add(6, 7, Sell, 102, 1);
    bench.delete(7, 3);
    bench.event(500, Halt);
    bench.event(600, Resume);
    assert!(bench.fills().is_empty());
}

#[test]
fn a_fee_on_the_wrong_side_size_or_currency() {
    let mut bench = Bench::l3();
    bench.place(1, 1, Buy, Limit, 102, 4);
    bench.trade(5, Sell, 102, 1, None);
    let fills = bench.fills();
    let fee = |text: &str| {
        let units: Quantity = text.parse().expect("decimal");
        Money::from_units(i128::from(units.units()))
    };
    // taker 5 bp of 102, of 204; maker −1 bp of 102
    assert_eq!(
        fills.iter().map(|f| (f.liquidity, f.fee)).collect::<Vec<_>>(),
        [
            (Liquidity::Taker, fee("0.051")),
            (Liquidity::Taker, fee("0.102")),
            (Liquidity::Maker, fee("-0.0102")),
        ]
    );
    let foreign = Instruments::new(vec![Instrument { currency: "EUR".into(), ..instrument("A") }]);
    let mut ledger = Ledger::new("USD", Money::ZERO);
    let refused = ledger.apply_fill(&foreign, InstrumentId(0), &fills[0]);
    assert!(refused.is_err(), "a fee in euro is no fee in dollars");
    book(&mut ledger, &fills);
    assert_eq!(ledger.fees(), fee("0.1428"));
}

#[test]
fn a_fill_at_a_stale_price_after_a_silence() {
    for mut bench in [Bench::l3(), Bench::l2()] {
        bench.place(998, 1, Buy, Limit, 102, 1);
        bench.place(999, 2, Buy, Limit, 102, 1);
        bench.place(999, 3, Buy, Limit, 90, 1);
        bench.replace(999, 1, 102, 1);
        assert_eq!(
            bench.reports(),
            [
                "1000 1 accepted",
                "1000 1 taker buy 1@102 rest 0",
                "1001 2 rejected NoMarket",
                "1001 3 rejected NoMarket",
                "1001 1 replace rejected UnknownOrder",
            ],
            "1000 ns are the limit"
        );
    }
}

#[test]
fn a_fill_at_a_stale_price_after_a_gap() {
    for mut bench in [Bench::l3(), Bench::l2()] {
        bench.event(4, Gap);
        bench.place(4, 1, Buy, Market, 0, 1);
        bench.place(4, 2, Buy, Limit, 200, 1);
        assert!(bench.fills().is_empty());
    }
}

#[test]
fn a_same_bar_fill_that_looked_ahead() {
    let mut bench = Bench::new();
    bench.bar(10, 0, [100; 4], 10);
    // decided while the bar of 10 to 20 is under way, with what came before it
    bench.place(15, 1, Buy, Market, 0, 1);
    bench.place(15, 2, Buy, Limit, 95, 1);
    bench.bar(20, 10, [50, 120, 50, 120], 100);
    assert!(bench.fills().is_empty(), "its open and low were before the decision");
    bench.bar(30, 20, [121, 121, 90, 121], 100);
    let prices: Vec<_> = bench.fills().iter().map(|f| f.price.to_string()).collect();
    assert_eq!(prices, ["122.21", "95"]);
}

#[test]
fn a_limit_order_filled_at_a_price_worse_than_its_limit() {
    let mut bench = Bench::l3();
    bench.place(1, 1, Buy, Limit, 102, 5);
    bench.place(1, 2, Sell, Ioc, 100, 5);
    bench.trade(6, Sell, 99, 1, None);
    for f in bench.fills() {
        let limit = if f.side == Buy { 102 } else { 100 };
        assert!(f.side.reaches(price(limit), f.price), "{f:?}");
    }
    let mut bench = Bench::new();
    bench.bar(10, 0, [100; 4], 10);
    bench.place(10, 1, Buy, Limit, 100, 1);
    bench.place(10, 2, Buy, Ioc, 100, 1);
    bench.bar(20, 10, [99, 99, 99, 99], 100);
    let prices: Vec<_> = bench.fills().iter().map(|f| f.price.to_string()).collect();
    assert_eq!(prices, ["99.99", "99.99"]);
    bench.place(20, 3, Buy, Limit, 100, 1);
    let above = EventKind::Bar(Bar {
        open_time: Timestamp::from_ns(20),
        open: "99.5".parse().expect("decimal"),
        high: price(101),
        low: price(99),
        close: price(101),
        volume: quantity(100),
    });
    bench.event(30, above);
    let prices: Vec<_> = bench.fills().iter().map(|f| f.price.to_string()).collect();
    assert_eq!(prices, ["100"], "99.5 and its half-spread would be 100.495");
}

#[test]
fn position_and_cash_drifting_apart_after_a_replace() {
    let mut ledger = Ledger::new("USD", Money::ZERO);
    let mut bench = Bench::l3();
    bench.place(1, 1, Buy, Limit, 101, 5);
    bench.trade(5, Sell, 101, 2, None);
    bench.replace(6, 1, 102, 6);
    bench.trade(9, Sell, 101, 1, None);
    bench.cancel(9, 1);
    bench.arrive_before(i64::MAX);
    let reports: Vec<_> = std::iter::from_fn(|| bench.exchange.pop_report()).collect();
    let mut fills = Vec::new();
    let mut cancelled = None;
    for (_, report) in reports {
        match report.kind {
            ReportKind::Filled(fill) => fills.push(fill),
            ReportKind::Cancelled { filled } => cancelled = Some(filled),
            _ => {}
        }
    }
    book(&mut ledger, &fills);
    // 2 at 101, then 1 and 2 taken at 102, then the last at our 102
    assert_eq!(cancelled, None, "nothing was left to cancel");
    assert_eq!(ledger.position(InstrumentId(0)), quantity(6));
    let paid = quantity(2 * 101 + 4 * 102).units();
    assert_eq!(ledger.cash() + ledger.fees(), Money::from_units(-i128::from(paid)));
    let rests: Vec<_> = fills.iter().map(|f| f.remaining).collect();
    assert_eq!(rests, [3, 3, 1, 0].map(quantity));
}
