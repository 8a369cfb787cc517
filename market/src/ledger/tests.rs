use proptest::prelude::*;

use super::*;
use crate::instrument::{Instrument, Side};
use crate::num::{Price, SCALE};
use crate::order::Liquidity;

const A: InstrumentId = InstrumentId(0);
const B: InstrumentId = InstrumentId(1);

fn instruments() -> Instruments {
    let one = |name: &str, multiplier: &str, currency: &str| Instrument {
        name: name.into(),
        tick: Price::from_units(1),
        lot: Quantity::from_units(1),
        multiplier: multiplier.parse().expect("decimal"),
        currency: currency.into(),
        maker_fee_bp: Quantity::ZERO,
        taker_fee_bp: Quantity::ZERO,
        session: crate::instrument::Session::Always,
        reference_notional: Money::ZERO,
    };
    Instruments::new(vec![one("A", "1", "USD"), one("B", "0.333333333", "USD"), one("C", "1", "EUR")])
}

fn fill(execution: u64, side: Side, price: &str, quantity: &str, fee: i128) -> Fill {
    Fill {
        execution,
        side,
        price: price.parse().expect("decimal"),
        quantity: quantity.parse().expect("decimal"),
        fee: Money::from_units(fee),
        liquidity: Liquidity::Taker,
        remaining: Quantity::ZERO,
    }
}

fn money(text: &str) -> Money {
    let units: Quantity = text.parse().expect("decimal");
    Money::from_units(i128::from(units.units()))
}

fn quantity(text: &str) -> Quantity {
    text.parse().expect("decimal")
}

fn twice(text: &str) -> i64 {
    2 * quantity(text).units()
}

#[test]
fn the_oldest_lot_is_closed_first() {
    let all = instruments();
    let mut ledger = Ledger::new("USD", money("1000"));
    for f in [
        fill(1, Side::Buy, "10", "2", 0),
        fill(2, Side::Buy, "20", "2", 0),
        fill(3, Side::Sell, "30", "3", 1_000_000_000),
    ] {
        ledger.apply_fill(&all, A, &f).expect("booked");
    }
    assert_eq!(ledger.position(A), quantity("1"));
    assert_eq!(ledger.realised(), money("50"), "2 × 20 and 1 × 10");
    assert_eq!(ledger.cash(), money("1029"));
    let lots: Vec<_> = ledger.lots(A).copied().collect();
    assert_eq!(
        lots,
        [Lot {
            execution: 2,
            price: "20".parse().expect("decimal"),
            quantity: quantity("1"),
            cost: money("20"),
        }]
    );
    assert_eq!(ledger.unrealised(), Money::ZERO, "unmarked is at cost");
    ledger.mark(A, twice("25"));
    assert_eq!(ledger.unrealised(), money("5"));
    assert_eq!(ledger.equity(), money("1054"));
}

#[test]
fn crossing_zero_closes_and_then_opens() {
    let all = instruments();
    let mut ledger = Ledger::new("USD", Money::ZERO);
    for f in [fill(1, Side::Sell, "10", "1", 0), fill(2, Side::Buy, "8", "3", 0)] {
        ledger.apply_fill(&all, A, &f).expect("booked");
    }
    assert_eq!(ledger.position(A), quantity("2"));
    assert_eq!(ledger.realised_of(A), money("2"));
    assert_eq!(ledger.lots(A).len(), 1);
    assert_eq!(ledger.lots(A).next().expect("one").cost, money("16"));
    assert_eq!(ledger.cash(), money("-14"));
    assert_eq!(ledger.lots(B).len(), 0);
}

#[test]
fn a_lot_closed_in_parts_loses_nothing_to_rounding() {
    let all = instruments();
    let mut ledger = Ledger::new("USD", Money::ZERO);
    let parts = [
        fill(1, Side::Buy, "0.000000005", "0.7", 0),
        fill(2, Side::Sell, "0.000000005", "0.3", 0),
        fill(3, Side::Sell, "0.000000005", "0.3", 0),
        fill(4, Side::Sell, "0.000000005", "0.1", 0),
    ];
    for f in &parts {
        ledger.apply_fill(&all, A, f).expect("booked");
    }
    assert_eq!(ledger.position(A), Quantity::ZERO);
    assert_eq!(ledger.lots(A).len(), 0);
    assert_eq!(ledger.realised(), ledger.cash(), "all of it is realised");
}

#[test]
fn drawdown_is_measured_from_the_peak() {
    let all = instruments();
    let mut ledger = Ledger::new("USD", money("100"));
    ledger.apply_fill(&all, A, &fill(1, Side::Buy, "10", "10", 0)).expect("booked");
    ledger.mark(A, twice("12"));
    ledger.mark(A, twice("9"));
    ledger.mark(A, twice("11"));
    assert_eq!(ledger.drawdown(), money("10"));
    assert_eq!(ledger.max_drawdown(), money("30"));
}

#[test]
fn a_refused_fill_changes_nothing() {
    let all = instruments();
    let mut ledger = Ledger::new("USD", money("1"));
    ledger.apply_fill(&all, A, &fill(7, Side::Buy, "10", "1", 5)).expect("booked");
    let before = ledger.clone();
    let mut huge = fill(9, Side::Buy, "1", "1", 0);
    huge.quantity = Quantity::MAX;
    let mut dear = fill(10, Side::Buy, "1", "1", 0);
    dear.fee = Money::from_units(i128::MAX);
    let refusals = [
        (A, fill(7, Side::Buy, "10", "1", 5), LedgerError::Repeated(7)),
        (A, fill(8, Side::Buy, "10", "0", 5), LedgerError::NotPositive(8, Quantity::ZERO)),
        (A, huge, LedgerError::TooLarge(9)),
        (A, dear, LedgerError::TooLarge(10)),
        (InstrumentId(3), fill(11, Side::Buy, "1", "1", 0), LedgerError::UnknownInstrument(3, 3)),
    ];
    for (id, f, error) in refusals {
        assert_eq!(ledger.apply_fill(&all, id, &f), Err(error));
        assert_eq!(ledger, before);
    }
}

#[test]
fn a_fill_in_another_currency_is_refused() {
    let mut ledger = Ledger::new("USD", Money::ZERO);
    let error = ledger
        .apply_fill(&instruments(), InstrumentId(2), &fill(1, Side::Buy, "1", "1", 0))
        .expect_err("another currency");
    assert_eq!(
        error.to_string(),
        "C is priced in EUR, the account is in USD; keep it in an account of its own"
    );
}

#[test]
fn state_survives_serialisation() {
    let all = instruments();
    let mut ledger = Ledger::new("USD", money("100"));
    ledger.apply_fill(&all, B, &fill(3, Side::Sell, "7", "1.5", 12)).expect("booked");
    ledger.mark(B, twice("7.1"));
    let text = serde_json::to_string(&ledger).expect("plain data");
    assert_eq!(serde_json::from_str::<Ledger>(&text).expect("plain data"), ledger);
}

/// A step of a random history: a fill of A or B, or a mark.
fn step() -> impl Strategy<Value = (bool, bool, i64, i64, i128)> {
    (
        any::<bool>(),
        any::<bool>(),
        -3_000_000_000_i64..90_000_000_000,
        1_i64..5_000_000_000,
        -1_000_000_i128..1_000_000,
    )
}

proptest! {
    /// Cash, lots, fees and profit conserve exactly over any history.
    #[test]
    fn nothing_is_made_or_lost(steps in prop::collection::vec(step(), 1..120)) {
        let all = instruments();
        let start = money("12345.678901234");
        let mut ledger = Ledger::new("USD", start);
        let (mut paid, mut fees) = (Money::ZERO, Money::ZERO);
        let mut positions = [0_i64; 2];
        let mut deepest = Money::ZERO;
        for (n, (second, buys, price, units, fee)) in steps.into_iter().enumerate() {
            let id = if second { B } else { A };
            let side = if buys { Side::Buy } else { Side::Sell };
            if n % 3 == 2 {
                ledger.mark(id, 2 * price + 1);
            } else {
                let f = Fill {
                    execution: n as u64,
                    side,
                    price: Price::from_units(price),
                    quantity: Quantity::from_units(units),
                    fee: Money::from_units(fee),
                    liquidity: Liquidity::Maker,
                    remaining: Quantity::ZERO,
                };
                ledger.apply_fill(&all, id, &f).expect("booked");
                let signed = side.signed(f.quantity);
                positions[id.index()] += signed.units();
                paid += Money::notional(f.price, signed, all.get(id).multiplier);
                fees += f.fee;
            }
            let mut costs = Money::ZERO;
            for id in [A, B] {
                let lots: Vec<_> = ledger.lots(id).collect();
                let held: i64 = lots.iter().map(|l| l.quantity.units()).sum();
                prop_assert_eq!(held, positions[id.index()]);
                prop_assert_eq!(ledger.position(id).units(), held);
                let one_sided = lots
                    .iter()
                    .all(|l| l.quantity.units().signum() == held.signum());
                prop_assert!(one_sided, "lots of both signs");
                costs = lots.iter().fold(costs, |sum, l| sum + l.cost);
            }
            prop_assert_eq!(ledger.fees(), fees);
            prop_assert_eq!(ledger.cash(), start - paid - fees);
            prop_assert_eq!(ledger.cash() + costs + ledger.fees() - ledger.realised(), start);
            prop_assert_eq!(
                ledger.realised() + ledger.unrealised() - ledger.fees(),
                ledger.equity() - start
            );
            prop_assert_eq!(ledger.fees_of(A) + ledger.fees_of(B), fees);
            prop_assert_eq!(ledger.realised_of(A) + ledger.realised_of(B), ledger.realised());
            deepest = deepest.max(ledger.drawdown());
            prop_assert_eq!(ledger.max_drawdown(), deepest);
        }
    }

    /// The value at a mark is within a unit of the exact product.
    #[test]
    fn the_mark_values_the_position(mark2 in 0_i64..200_000_000_000, units in 1_i64..9_000_000_000) {
        let all = instruments();
        let mut ledger = Ledger::new("USD", Money::ZERO);
        let mut f = fill(1, Side::Buy, "0", "1", 0);
        f.quantity = Quantity::from_units(units);
        ledger.apply_fill(&all, A, &f).expect("booked");
        ledger.mark(A, mark2);
        let twice = ledger.equity().units() * 2 * i128::from(SCALE);
        let exact = i128::from(mark2) * i128::from(units);
        prop_assert!((twice - exact).abs() <= i128::from(SCALE));
    }

    /// Any fill is booked or refused, and never panics.
    #[test]
    fn no_fill_panics(
        fills in prop::collection::vec((any::<bool>(), any::<i64>(), any::<i64>(), any::<i128>(), 0_u64..6), 1..40),
        marks in prop::collection::vec(any::<i64>(), 40),
    ) {
        let all = instruments();
        let mut ledger = Ledger::new("USD", Money::ZERO);
        for ((buys, price, units, fee, execution), mark2) in fills.into_iter().zip(marks) {
            let f = Fill {
                execution,
                side: if buys { Side::Buy } else { Side::Sell },
                price: Price::from_units(price),
                quantity: Quantity::from_units(units),
                fee: Money::from_units(fee),
                liquidity: Liquidity::Maker,
                remaining: Quantity::ZERO,
            };
            let _ = ledger.apply_fill(&all, B, &f);
            ledger.mark(B, mark2);
        }
    }
}
