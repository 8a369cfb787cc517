//! Moments and decisions to test with.

use market::features::FEATURES;
use market::{Feature, FeatureVector, Instrument, InstrumentId, Instruments, Money, Quantity, Timestamp};
use scenes::money;
use synapse::random::normal;
use synapse::{
    Account, Action, Context, DecisionRecord, ExecutionForecast, FusedState, Outcome, Reason, SampleKind,
    Sensed, Verdict,
};

/// What rewards are measured against.
pub const REFERENCE: i64 = 10_000;

pub fn instruments(count: usize) -> Instruments {
    let kind = Instrument { reference_notional: money(REFERENCE), ..scenes::instrument() };
    scenes::instruments(count, &kind)
}

/// A moment of a book, its numbers drawn from a seed.
pub fn moment(seed: u64) -> Sensed {
    let mut features = FeatureVector::default();
    for (at, spec) in (0..).zip(&FEATURES) {
        features[spec.feature] = Some(normal(seed, at) as f32);
    }
    for feature in [Feature::RealisedVol, Feature::Volume, Feature::SpreadBp] {
        features[feature] = features[feature].map(f32::abs);
    }
    for feature in [Feature::Imbalance1, Feature::Imbalance5, Feature::Imbalance10] {
        features[feature] = features[feature].map(libm::tanhf);
    }
    Sensed {
        sequence: seed,
        top: Some(scenes::top(80_000_000_000_000, 80_001_000_000_000)),
        mark2: Some(160_001_000_000_000),
        features,
        context: Context {
            volatility_bp: features[Feature::RealisedVol],
            spread_bp: features[Feature::SpreadBp],
            volume: features[Feature::Volume],
        },
        ..scenes::sensed()
    }
}

/// The record of a decision to buy.
pub fn decision(sequence: u64, instrument: u16, mark2: Option<i64>, earned: Money) -> DecisionRecord {
    let sensed = moment(sequence);
    DecisionRecord {
        sequence,
        instrument: InstrumentId(instrument),
        time: Timestamp::from_ns(sequence as i64),
        kind: SampleKind::Regular,
        mark2,
        account: Account { earned, mark_valid: mark2.is_some(), ..Account::default() },
        features: sensed.features,
        context: sensed.context,
        threat: scenes::threat(),
        recall: Default::default(),
        percept: [0; 32],
        state: FusedState { h: Box::from([sequence as f32, -1.0]), gate: Box::default(), absent: Vec::new() },
        proposal: scenes::proposal(Action::Buy, Quantity::ZERO),
        execution: ExecutionForecast::default(),
        verdict: Verdict::untested(Outcome::Rest(Reason::Halted {})),
        book: sensed.book,
        top: sensed.top,
    }
}
