//! Samples for the tests of this crate.

use market::book::BookState;
use market::features::FeatureVector;
use market::{InstrumentId, Timestamp};
use synapse::{
    Account, Appraised, Context, Encoded, Phase, Recalled, SampleKind, Sensed, Signal, SignalReading, Threat,
    ThreatLevel,
};

/// A sample of an instrument with these features.
pub(crate) fn recalled(instrument: u16, kind: SampleKind, features: FeatureVector) -> Recalled {
    let sensed = Sensed {
        sequence: 1,
        instrument: InstrumentId(instrument),
        time: Timestamp::from_ns(0),
        kind,
        book: BookState::Ok,
        halted: false,
        top: None,
        mark2: None,
        features,
        context: Context::default(),
        account: Account::default(),
    };
    let reading = |signal| SignalReading { signal, value: None, limit: None, exceeded: false, count: 0 };
    let threat = Threat {
        level: ThreatLevel::Calm,
        phase: Phase::Armed,
        signals: Signal::ALL.map(reading),
        tripped_by: None,
        trip_begins: false,
    };
    let encoded = Encoded { appraised: Appraised { sensed, threat }, codes: Default::default() };
    Recalled { encoded, recall: Default::default(), schemas: 0 }
}
