//! Samples for the tests of this crate.

use market::book::{BookState, Level, Top};
use market::features::FeatureVector;
use market::{Instrument, InstrumentId, Instruments, Money, Price, Quantity, Session, Timestamp};
use synapse::{
    Account, Appraised, Context, Encoded, Perceived, Percept, Phase, Recall, Recalled, SampleKind, Sensed,
    Signal, SignalReading, Threat, ThreatLevel,
};

const ONE: i64 = 1_000_000_000;

/// An instrument with a reference notional of 1000.
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

/// A regular sample: a bid of 99 for 3, an ask of 101 for 1, 2 held, no feature.
pub(crate) fn sensed() -> Sensed {
    let level = |price, quantity| Level {
        price: Price::from_units(price * ONE),
        quantity: Quantity::from_units(quantity * ONE),
    };
    Sensed {
        sequence: 1,
        instrument: InstrumentId(0),
        time: Timestamp::from_ns(0),
        kind: SampleKind::Regular,
        book: BookState::Ok,
        halted: false,
        top: Some(Top { bid: level(99, 3), ask: level(101, 1) }),
        mark2: Some(200 * ONE),
        features: FeatureVector::default(),
        context: Context::default(),
        account: Account { position: Quantity::from_units(2 * ONE), ..Account::default() },
    }
}

/// A sample with this percept, and as many schemas to recall from.
pub(crate) fn perceived(sensed: Sensed, v: Vec<f32>, recall: [Recall; 3], schemas: u32) -> Perceived {
    let reading = |signal| SignalReading { signal, value: None, limit: None, exceeded: false, count: 0 };
    let threat = Threat {
        level: ThreatLevel::Calm,
        phase: Phase::Armed,
        signals: Signal::ALL.map(reading),
        tripped_by: None,
        trip_begins: false,
    };
    let encoded = Encoded { appraised: Appraised { sensed, threat }, codes: Default::default() };
    Perceived {
        recalled: Recalled { encoded, recall, schemas },
        percept: Percept { v: v.into_boxed_slice(), frames: 0 },
    }
}
