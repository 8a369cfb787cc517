//! Samples for the tests of this crate.

use market::book::{BookState, Level, Top};
use market::features::FeatureVector;
use market::{Instrument, InstrumentId, Instruments, Money, Price, Quantity, Session, Timestamp};
use synapse::{
    Account, Action, Appraised, Context, Encoded, Fused, FusedState, Perceived, Percept, Phase, Proposal,
    Proposed, Recalled, SampleKind, Sensed, Signal, SignalReading, Threat, ThreatLevel,
};

const ONE: i64 = 1_000_000_000;

/// An instrument with ticks of 0.01, a maker's fee of −0.5 bp and a taker's of 3 bp.
pub(crate) fn instrument() -> Instrument {
    Instrument {
        name: "TEST".into(),
        tick: Price::from_units(ONE / 100),
        lot: Quantity::from_units(ONE / 1000),
        multiplier: Quantity::from_units(ONE),
        currency: "USD".into(),
        maker_fee_bp: Quantity::from_units(-ONE / 2),
        taker_fee_bp: Quantity::from_units(3 * ONE),
        session: Session::Always,
        reference_notional: Money::from_units(1000 * i128::from(ONE)),
    }
}

/// The only instrument.
pub(crate) fn instruments() -> Instruments {
    Instruments::new(vec![instrument()])
}

/// A book with 3 at the bid and 1 at the ask, prices in units.
pub(crate) fn top(bid: i64, ask: i64) -> Top {
    let level =
        |price, quantity| Level { price: Price::from_units(price), quantity: Quantity::from_units(quantity) };
    Top { bid: level(bid, 3 * ONE), ask: level(ask, ONE) }
}

/// A regular sample without a position: 99.98 to 100.02, a volatility of 1 bp a sample.
pub(crate) fn sensed() -> Sensed {
    Sensed {
        sequence: 1,
        instrument: InstrumentId(0),
        time: Timestamp::from_ns(0),
        kind: SampleKind::Regular,
        book: BookState::Ok,
        halted: false,
        top: Some(top(99_980_000_000, 100_020_000_000)),
        mark2: Some(200 * ONE),
        features: FeatureVector::default(),
        context: Context { volatility_bp: Some(1.0), ..Context::default() },
        account: Account::default(),
    }
}

/// The sample with a proposal.
pub(crate) fn proposed(sensed: Sensed, action: Action, target: Quantity, urgency: f32) -> Proposed {
    let reading = |signal| SignalReading { signal, value: None, limit: None, exceeded: false, count: 0 };
    let threat = Threat {
        level: ThreatLevel::Calm,
        phase: Phase::Armed,
        signals: Signal::ALL.map(reading),
        tripped_by: None,
        trip_begins: false,
    };
    let encoded = Encoded { appraised: Appraised { sensed, threat }, codes: Default::default() };
    let recalled = Recalled { encoded, recall: Default::default(), schemas: 0 };
    let perceived = Perceived { recalled, percept: Percept::default() };
    let fused = Fused { perceived, state: FusedState { h: Box::default(), absent: Vec::new() } };
    let proposal = Proposal {
        go: [0.0; 3],
        no_go: [0.0; 3],
        policy: [0.0; 3],
        action,
        margin: 1.0,
        margin_needed: 0.0,
        target,
        urgency,
    };
    Proposed { fused, proposal }
}
