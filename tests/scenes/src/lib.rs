//! Samples as they travel the line, made up for tests: each builder starts from what is sensed and
//! makes the messages up to its own, in which nothing is feared, recalled, seen or decided but what
//! it is given.

use market::book::{BookState, Level, Top};
use market::features::FeatureVector;
use market::{Instrument, InstrumentId, Instruments, Money, Price, Quantity, Session, Timestamp};
use synapse::{
    Account, Action, Appraised, Context, Encoded, Fused, FusedState, Perceived, Percept, Phase, Proposal,
    Proposed, Recalled, SampleKind, Sensed, Signal, SignalReading, Threat, ThreatLevel,
};

/// One, in units of 1e-9.
pub const ONE: i64 = 1_000_000_000;

/// So many whole units of the account's currency.
pub fn money(whole: i64) -> Money {
    Money::from_units(i128::from(whole) * i128::from(ONE))
}

/// An instrument with ticks of 0.01, lots of 0.001, a maker's fee of −0.5 bp, a taker's of 3 bp and a
/// reference notional of 1000.
pub fn instrument() -> Instrument {
    Instrument {
        name: "TEST".into(),
        tick: Price::from_units(ONE / 100),
        lot: Quantity::from_units(ONE / 1000),
        multiplier: Quantity::from_units(ONE),
        currency: "USD".into(),
        maker_fee_bp: Quantity::from_units(-ONE / 2),
        taker_fee_bp: Quantity::from_units(3 * ONE),
        session: Session::Always,
        reference_notional: money(1000),
    }
}

/// As many of one kind as are asked for, `I0` and so on.
pub fn instruments(count: usize, kind: &Instrument) -> Instruments {
    let numbered = |at| Instrument { name: format!("I{at}"), ..kind.clone() };
    Instruments::new((0..count).map(numbered).collect())
}

/// A book with 3 at the bid and 1 at the ask, prices in units of 1e-9.
pub fn top(bid: i64, ask: i64) -> Top {
    let level =
        |price, whole| Level { price: Price::from_units(price), quantity: Quantity::from_units(whole * ONE) };
    Top { bid: level(bid, 3), ask: level(ask, 1) }
}

/// A regular sample of the first instrument: a bid of 99 for 3, an ask of 101 for 1, a position of 2,
/// no feature.
pub fn sensed() -> Sensed {
    let top = top(99 * ONE, 101 * ONE);
    Sensed {
        sequence: 1,
        instrument: InstrumentId(0),
        time: Timestamp::from_ns(0),
        kind: SampleKind::Regular,
        book: BookState::Ok,
        halted: false,
        top: Some(top),
        mark2: Some(top.mid2()),
        mark_age_ns: 0,
        features: FeatureVector::default(),
        context: Context::default(),
        account: Account { position: Quantity::from_units(2 * ONE), mark_valid: true, ..Account::default() },
    }
}

/// An armed amygdala that fears nothing and has measured nothing.
pub fn threat() -> Threat {
    let reading = |signal| SignalReading { signal, value: None, limit: None, exceeded: false, count: 0 };
    Threat {
        level: ThreatLevel::Calm,
        phase: Phase::Armed,
        signals: Signal::ALL.map(reading),
        tripped_by: None,
        trip_begins: false,
    }
}

/// What is sensed, and nothing to fear in it.
pub fn appraised(sensed: Sensed) -> Appraised {
    Appraised { sensed, threat: threat() }
}

/// The same with a code for each action.
pub fn encoded(sensed: Sensed, codes: [&[f32]; Action::COUNT]) -> Encoded {
    Encoded { appraised: Box::new(appraised(sensed)), codes: codes.map(Box::from) }
}

/// The same without codes and with nothing recalled.
pub fn recalled(sensed: Sensed) -> Recalled {
    let encoded = encoded(sensed, Default::default());
    Recalled { encoded, recall: Default::default(), schemas: 0 }
}

/// The same with nothing seen.
pub fn perceived(sensed: Sensed) -> Perceived {
    Perceived { recalled: recalled(sensed), percept: Percept::default() }
}

/// The same with this fused state.
pub fn fused(sensed: Sensed, h: &[f32]) -> Fused {
    let state = FusedState { h: h.into(), gate: Box::default(), absent: Vec::new() };
    Fused { perceived: Box::new(perceived(sensed)), state }
}

/// A proposal that stands out, of no urgency.
pub fn proposal(action: Action, target: Quantity) -> Proposal {
    Proposal {
        go: [0.0; Action::COUNT],
        no_go: [0.0; Action::COUNT],
        values: None,
        policy: [0.0; Action::COUNT],
        action,
        probability: 1.0,
        margin: 1.0,
        margin_needed: 0.0,
        target,
        urgency: 0.0,
    }
}

/// What is sensed, and a proposal.
pub fn proposed(sensed: Sensed, proposal: Proposal) -> Proposed {
    Proposed { fused: fused(sensed, &[]), proposal }
}
