//! Moments and decisions to test with.

use market::book::{BookState, Level, Top};
use market::features::FEATURES;
use market::{
    Feature, FeatureVector, Instrument, InstrumentId, Instruments, Money, Price, Quantity, Session, Timestamp,
};
use synapse::random::normal;
use synapse::{
    Account, Action, Appraised, Context, DecisionRecord, ExecutionForecast, FusedState, Outcome, Phase,
    Proposal, Reason, SampleKind, Sensed, Signal, SignalReading, Threat, ThreatLevel, Verdict,
};

/// What rewards are measured against.
pub const REFERENCE: i64 = 10_000;

pub fn money(whole: i64) -> Money {
    Money::from_units(i128::from(whole) * 1_000_000_000)
}

pub fn instruments(count: usize) -> Instruments {
    let instrument = |at| Instrument {
        name: format!("I{at}"),
        tick: Price::from_units(1_000_000_000),
        lot: Quantity::from_units(1),
        multiplier: Quantity::from_units(1_000_000_000),
        currency: "USD".into(),
        maker_fee_bp: Quantity::ZERO,
        taker_fee_bp: Quantity::ZERO,
        session: Session::Always,
        reference_notional: money(REFERENCE),
    };
    Instruments::new((0..count).map(instrument).collect())
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
    let level =
        |price| Level { price: Price::from_units(price), quantity: Quantity::from_units(700_000_000) };
    Sensed {
        sequence: seed,
        instrument: InstrumentId(0),
        time: Timestamp::from_ns(seed as i64),
        kind: SampleKind::Regular,
        book: BookState::Ok,
        halted: false,
        top: Some(Top { bid: level(80_000_000_000_000), ask: level(80_001_000_000_000) }),
        mark2: Some(160_001_000_000_000),
        features,
        context: Context {
            volatility_bp: features[Feature::RealisedVol],
            spread_bp: features[Feature::SpreadBp],
            volume: features[Feature::Volume],
        },
        account: Account { mark_valid: true, ..Account::default() },
    }
}

pub fn threat() -> Threat {
    Threat {
        level: ThreatLevel::Calm,
        phase: Phase::Armed,
        signals: Signal::ALL.map(|signal| SignalReading {
            signal,
            value: None,
            limit: None,
            exceeded: false,
            count: 0,
        }),
        tripped_by: None,
        trip_begins: false,
    }
}

pub fn appraised(sensed: Sensed) -> Appraised {
    Appraised { sensed, threat: threat() }
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
        threat: threat(),
        recall: Default::default(),
        percept: [0; 32],
        state: FusedState { h: Box::from([sequence as f32, -1.0]), absent: Vec::new() },
        proposal: Proposal {
            go: [0.0; 3],
            no_go: [0.0; 3],
            policy: [1.0, 0.0, 0.0],
            action: Action::Buy,
            margin: 1.0,
            margin_needed: 0.0,
            target: Quantity::ZERO,
            urgency: 0.0,
        },
        execution: ExecutionForecast { styles: Vec::new(), chosen: None, edge_bp: None, filtered: false },
        verdict: Verdict {
            outcome: Outcome::Rest(Reason::Halted {}),
            rules: Default::default(),
            satisfaction: 1.0,
            latch: None,
            tripped: false,
        },
    }
}
