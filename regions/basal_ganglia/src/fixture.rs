//! Samples for the tests of this crate.

use market::book::BookState;
use market::features::FeatureVector;
use market::{Instrument, InstrumentId, Instruments, Money, Price, Quantity, Session, Timestamp};
use synapse::{
    Account, Appraised, Context, Encoded, Fused, FusedState, Perceived, Percept, Phase, Recalled, SampleKind,
    Sensed, Signal, SignalReading, Threat, ThreatLevel,
};

const ONE: i64 = 1_000_000_000;

/// An instrument with a reference notional of 1000 and lots of 0.001.
pub(crate) fn instrument() -> Instrument {
    Instrument {
        name: "TEST".into(),
        tick: Price::from_units(ONE / 100),
        lot: Quantity::from_units(ONE / 1000),
        multiplier: Quantity::from_units(ONE),
        currency: "USD".into(),
        maker_fee_bp: Quantity::ZERO,
        taker_fee_bp: Quantity::ZERO,
        session: Session::Always,
        reference_notional: Money::from_units(1000 * i128::from(ONE)),
    }
}

/// The only instrument.
pub(crate) fn instruments() -> Instruments {
    Instruments::new(vec![instrument()])
}

/// A regular sample with a mark of 100 and 2 held.
pub(crate) fn sensed() -> Sensed {
    Sensed {
        sequence: 1,
        instrument: InstrumentId(0),
        time: Timestamp::from_ns(0),
        kind: SampleKind::Regular,
        book: BookState::Ok,
        halted: false,
        top: None,
        mark2: Some(200 * ONE),
        features: FeatureVector::default(),
        context: Context::default(),
        account: Account { position: Quantity::from_units(2 * ONE), ..Account::default() },
    }
}

/// The sample with this fused state.
pub(crate) fn fused(sensed: Sensed, h: Vec<f32>) -> Fused {
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
    Fused { perceived, state: FusedState { h: h.into_boxed_slice(), absent: Vec::new() } }
}
