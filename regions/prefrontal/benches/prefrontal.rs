//! What a judgement costs: an order that every rule in force is tested against, among one and among 64
//! instruments, and a sample that comes to no order.
//!
//! `cargo bench -p prefrontal`.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use market::tax::TaxParams;
use market::{InstrumentId, Money, Quantity, Timestamp};
use prefrontal::{Law, Limits, Prefrontal, PrefrontalParams};
use rules::RuleSet;
use synapse::{Action, ExecutionForecast, Forecast, Region, Sensed, Style, StyleForecast};

/// Samples before the first that is measured: each window of the rules is full.
const BEFORE: u64 = 2_000;

fn judge(instruments: usize) -> Prefrontal {
    let text = include_str!("../../../config/compliance.ltn");
    let rules = Arc::new(RuleSet::compile("compliance.ltn", text).expect("the rules that ship are sound"));
    let learned = vec![None; rules.learned().len()];
    let law = Law {
        rules,
        learned,
        account: "main".to_owned(),
        start_equity: scenes::money(100_000),
        wash: TaxParams::default().terms().expect("the terms are sound"),
        utc_offset_min: 0,
    };
    let limits = Limits {
        order_size: Quantity::from_units(10 * scenes::ONE),
        position: Quantity::from_units(10 * scenes::ONE),
        notional: Money::from_units(10_000 * i128::from(scenes::ONE)),
        capital: Money::from_units(10_000 * i128::from(scenes::ONE)),
        collar: 500.0,
        rate: 100,
        duplicate: 500,
    };
    let table = scenes::instruments(instruments, &scenes::instrument());
    Prefrontal::new(PrefrontalParams::default(), table, vec![limits; instruments], law)
}

/// A sample of the instruments in turn, in which more is wanted than a position may be.
fn forecast(sequence: u64, instruments: usize, action: Action) -> Forecast {
    let sensed = Sensed {
        sequence,
        instrument: InstrumentId((sequence % instruments as u64) as u16),
        time: Timestamp::from_ns(sequence as i64 * 250_000_000),
        account: synapse::Account::default(),
        ..scenes::sensed()
    };
    let price = sensed.top.expect("there is a book").bid.price;
    let target = Quantity::from_units(11 * scenes::ONE);
    let style = StyleForecast {
        style: Style::AtTouch,
        price,
        slippage_bp: 1.0,
        impact_bp: 1.0,
        correction_bp: 0.0,
        fee_bp: 1.0,
    };
    let execution =
        ExecutionForecast { styles: vec![style], chosen: Some(0), ..ExecutionForecast::default() };
    Forecast { proposed: scenes::proposed(sensed, scenes::proposal(action, target)), execution }
}

fn judgements(criterion: &mut Criterion) {
    for (name, instruments, action) in [
        ("an order among 1 instrument", 1, Action::Buy),
        ("an order among 64 instruments", 64, Action::Buy),
        ("no order among 64 instruments", 64, Action::Hold),
    ] {
        let (mut judge, mut sequence) = (judge(instruments), 0);
        let mut next = |action| {
            sequence += 1;
            forecast(sequence, instruments, action)
        };
        for _ in 0..BEFORE {
            let judged = judge.step(next(action)).expect("no fault");
            assert_eq!(judged.verdict.rules.is_empty(), action == Action::Hold);
        }
        criterion.bench_function(name, |bencher| {
            let step = |forecast| black_box(judge.step(forecast).expect("no fault"));
            bencher.iter_batched(|| next(action), step, BatchSize::SmallInput);
        });
    }
}

criterion_group!(benches, judgements);
criterion_main!(benches);
