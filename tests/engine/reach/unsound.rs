//! Values that are not finite, absent, zero, negative or huge: a refusal or a trip, never a pass, never
//! a panic.
//!
//! From outside nothing that is not finite can come: prices and quantities are fixed point, and the
//! configuration refuses it. So the line is given what a fault of the market's arithmetic would give.

use janus::brain::{Line, Workbench};
use market::features::{FEATURES, Feature};
use market::{Money, Sampler, SamplerKind};
use synapse::{Input, InputKind, Judged, Region, Sensed, Tick};

use super::*;

/// A line that is armed, and the sample at which it would buy.
fn eager() -> (Line, Sensed) {
    let sampler = Sampler::new(SamplerKind::Grid { period_ns: STEP_MS * MS_NS });
    let (mut line, _) = assemble::line(&changed(&[]), vec![sampler], None, None, false).expect("a line");
    let tape = Tape::default().book(6, EVEN).book(1, BID);
    let count = tape.events.len();
    let (mut sequence, mut samples) = (0, Vec::new());
    for (k, event) in tape.events.into_iter().enumerate() {
        let mut tick = Tick::default();
        tick.fresh.push(InstrumentId(0));
        for (time, kind) in
            [(event.time, InputKind::Market(event)), (at(100 * (k as i64 + 1)), InputKind::Tick(tick))]
        {
            sequence += 1;
            let sensed = line.brainstem.step(Input { sequence, time, kind }).expect("no fault");
            samples.extend(sensed);
        }
        if k + 1 < count {
            think(&mut line, samples.pop().expect("a sample")).expect("no fault");
        }
    }
    (line, samples.pop().expect("a sample"))
}

fn think(line: &mut Line, sensed: Sensed) -> Result<Judged, synapse::Fault> {
    line.think(sensed, std::time::Duration::ZERO, &Workbench::default())
}

/// What an eager line makes of a sample that was tampered with; a fault of a region is one answer.
fn judged(tamper: impl Fn(&mut Sensed)) -> Option<DecisionRecord> {
    let (mut line, mut sensed) = eager();
    tamper(&mut sensed);
    let record = DecisionRecord::of(&think(&mut line, sensed).ok()?);
    never_a_pass(&record);
    Some(record)
}

fn places(record: &DecisionRecord) -> bool {
    !record.verdict.requests().is_empty()
}

/// What is done to a sample.
type Tamper = fn(&mut Sensed);

const NOT_FINITE: [f32; 3] = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY];

/// Each feature and each number of the surroundings, once not finite.
pub fn not_finite() -> Vec<DecisionRecord> {
    let features = FEATURES.iter().map(|spec| spec.feature);
    let mut records = Vec::new();
    for bad in NOT_FINITE {
        records.extend(features.clone().map(|feature| judged(|s| s.features[feature] = Some(bad))));
        records.push(judged(|s| s.context.volatility_bp = Some(bad)));
        records.push(judged(|s| s.context.spread_bp = Some(bad)));
        records.push(judged(|s| s.context.volume = Some(bad)));
    }
    records.into_iter().map(|record| record.expect("no fault")).collect()
}

#[test]
fn the_sample_would_trade_as_it_is() {
    assert!(places(&judged(|_| {}).expect("no fault")));
}

#[test]
fn what_is_not_finite_trips_at_once() {
    let records = not_finite();
    assert_eq!(records.len(), 3 * (FEATURES.len() + 3));
    for record in records {
        assert_eq!(record.verdict.outcome, Outcome::Rest(Reason::NotFinite {}));
        assert_eq!(record.verdict.latch, Some(LatchCause::Amygdala(Signal::NotFinite)));
        assert!(record.threat.trip_begins && record.verdict.tripped);
    }
}

#[test]
fn what_is_absent_of_a_valid_book_is_no_price_to_act_on() {
    use Feature::{Imbalance1, OrderFlowImbalance, RealisedVol, ReturnMid, Spread};
    for feature in [Imbalance1, OrderFlowImbalance, RealisedVol, ReturnMid, Spread] {
        let record = judged(|s| s.features[feature] = None).expect("no fault");
        assert!(matches!(record.verdict.outcome, Outcome::Rest(Reason::StaleBook { .. })), "{feature:?}");
        assert_eq!(record.threat.level, ThreatLevel::Wary);
    }
    for feature in FEATURES.iter().map(|spec| spec.feature) {
        judged(|s| s.features[feature] = None);
    }
    let nothing = judged(|s| s.features = Default::default()).expect("no fault");
    assert!(matches!(nothing.verdict.outcome, Outcome::Rest(Reason::StaleBook { .. })));
}

#[test]
fn huge_zero_and_negative_features_are_answered() {
    for feature in FEATURES.iter().map(|spec| spec.feature) {
        for value in [f32::MAX, f32::MIN, 0.0, -1.0, f32::MIN_POSITIVE] {
            judged(|s| s.features[feature] = Some(value));
        }
    }
    for (feature, values) in [
        (Feature::Imbalance1, [f32::MAX, f32::MIN, -1.5]),
        (Feature::RealisedVol, [f32::MAX, f32::MIN, -1.0]),
        (Feature::Spread, [f32::MAX, f32::MIN, -1.0]),
        (Feature::Volume, [f32::MAX, f32::MIN, -1.0]),
    ] {
        for value in values {
            let record = judged(|s| s.features[feature] = Some(value)).expect("no fault");
            assert!(
                !places(&record),
                "{feature:?} of {value} is nothing to trade on: {:?}",
                record.verdict.outcome
            );
        }
    }
}

#[test]
fn a_book_or_mark_that_cannot_be_is_no_price_to_act_on() {
    use market::book::BookState;
    let tampers: [(&str, Tamper); 12] = [
        ("no mark", |s| s.mark2 = None),
        ("a mark of 0", |s| s.mark2 = Some(0)),
        ("a negative mark", |s| s.mark2 = Some(-1)),
        ("the lowest mark", |s| s.mark2 = Some(i64::MIN)),
        ("the highest mark", |s| s.mark2 = Some(i64::MAX)),
        ("no best prices", |s| s.top = None),
        ("an unknown book", |s| s.book = BookState::Unknown),
        ("a one-sided book", |s| s.book = BookState::OneSided),
        ("a crossed book", |s| s.book = BookState::Crossed),
        ("a halt", |s| s.halted = true),
        ("best prices of 0", |s| {
            s.top.iter_mut().for_each(|top| (top.bid.price, top.ask.price) = (Price::ZERO, Price::ZERO));
        }),
        ("an offer at the highest price", |s| s.top.iter_mut().for_each(|top| top.ask.price = Price::MAX)),
    ];
    for (what, tamper) in tampers {
        if let Some(record) = judged(tamper) {
            assert!(!places(&record), "{what}: {:?}", record.verdict.outcome);
        }
    }
}

#[test]
fn an_account_that_cannot_be_is_a_refusal_or_a_fault() {
    let equity = |units: i128| judged(|s| s.account.equity = Money::from_units(units));
    for units in [i128::MIN, -1, 0] {
        let record = equity(units).expect("no fault");
        assert!(!places(&record), "an equity of {units}: {:?}", record.verdict.outcome);
    }
    equity(i128::MAX);
    for position in [Quantity::MAX, Quantity::from_units(i64::MIN), Quantity::from_units(1)] {
        assert_eq!(judged(|s| s.account.position = position), None, "it is not the sum of the fills");
    }
}
