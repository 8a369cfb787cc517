//! Both exchanges, driven along a script as the door does.

use market::order::Report;
use market::{
    EventKind, Exchange, ExchangeParams, Instrument, InstrumentId, Instruments, MarketEvent, Money, Price,
    Quantity, SourceId, Timestamp, instrument::Session,
};

use crate::oracle::{Facts, Flaws, Oracle, Pit, WHOLE};
use crate::script::{Script, What};

pub const FACTS: Facts = Facts {
    tick: WHOLE,
    lot: WHOLE,
    maker_bp: -WHOLE / 2,
    taker_bp: 3 * WHOLE,
    entry: 2,
    response: 3,
    stale: 12,
    hold: 0,
    flaws: Flaws {
        queue_off_by_one: false,
        partial_lost: false,
        fee_of_taker: false,
        taken_comes_back: false,
        gap_ignored: false,
        price_of_trade: false,
        place_kept: false,
        budget_unshared: false,
    },
};

pub fn instruments(facts: &Facts) -> Instruments {
    Instruments::new(vec![Instrument {
        name: "A".into(),
        tick: Price::from_units(facts.tick),
        lot: Quantity::from_units(facts.lot),
        multiplier: Quantity::from_units(WHOLE),
        currency: "USD".into(),
        maker_fee_bp: Quantity::from_units(facts.maker_bp),
        taker_fee_bp: Quantity::from_units(facts.taker_bp),
        session: Session::Always,
        reference_notional: Money::ZERO,
    }])
}

pub fn exchange(facts: &Facts) -> Exchange {
    let params = ExchangeParams {
        entry_latency_ns: facts.entry,
        response_latency_ns: facts.response,
        stale_after_ns: facts.stale,
        ..ExchangeParams::default()
    };
    Exchange::new(&instruments(facts), params, facts.hold)
}

pub fn event(time: i64, kind: EventKind) -> MarketEvent {
    MarketEvent {
        instrument: InstrumentId(0),
        time: Timestamp::from_ns(time),
        source: SourceId(0),
        position: 0,
        kind,
    }
}

/// Lets arrive what the door would before it admits an input of that time.
pub fn arrive_before(exchange: &mut Exchange, time: i64) {
    while exchange.next_arrival().is_some_and(|due| due < Timestamp::from_ns(time)) {
        exchange.run_arrival();
    }
}

/// The reports of the real exchange on a script, with the time each is due.
pub fn run_real(script: &Script, facts: &Facts) -> Vec<(Timestamp, Report)> {
    let mut real = exchange(facts);
    for (time, what) in &script.actions {
        match what {
            What::Event(kind) => {
                arrive_before(&mut real, *time);
                real.on_event(&event(*time, kind.clone()));
            }
            What::Ask(request) => real.submit(Timestamp::from_ns(*time), *request),
        }
    }
    arrive_before(&mut real, i64::MAX);
    real.expire(Timestamp::from_ns(script.time + 100));
    std::iter::from_fn(|| real.pop_report()).collect()
}

/// The reports of the plain exchange on a script.
pub fn run_oracle<P: Pit>(script: &Script, facts: &Facts) -> Vec<(Timestamp, Report)> {
    let mut oracle = Oracle::<P>::new(*facts);
    for (time, what) in &script.actions {
        match what {
            What::Event(kind) => oracle.on_event(&event(*time, kind.clone())),
            What::Ask(request) => oracle.submit(*time, *request),
        }
    }
    oracle.finish(script.time + 100)
}
