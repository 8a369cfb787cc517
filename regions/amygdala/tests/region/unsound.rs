//! What must never be, for every feature: a trip or wariness, never a pass and never a panic (R5).

use market::book::BookState;
use market::features::FEATURES;
use market::{Feature, Money};
use synapse::{Phase, Region, Sensed, Signal, ThreatLevel};

use crate::market::{Law, Market, appraise, armed, blind, fresh, quick, startled};

/// Those that the state of an instrument with a book is made of.
fn is_scored(feature: Feature) -> bool {
    amygdala::senses::WITH_BOOK.iter().any(|entry| entry.name == feature.spec().name)
}

fn features() -> impl Iterator<Item = Feature> {
    FEATURES.iter().map(|spec| spec.feature)
}

fn with(mut sensed: Sensed, feature: Feature, value: Option<f32>) -> Sensed {
    sensed.features[feature] = value;
    sensed
}

#[test]
fn any_value_that_is_no_number_trips_in_every_phase_and_without_a_book() {
    let (ready, mut market) = armed(quick(), 1);
    let blank = fresh(quick(), 1);
    for feature in features() {
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for amygdala in [&ready, &blank] {
                for sensed in [market.next(), blind(market.next())] {
                    let threat = appraise(&mut amygdala.clone(), with(sensed, feature, Some(value)));
                    assert_eq!(threat.level, ThreatLevel::Tripped, "{feature:?} {value}");
                    assert!(threat.trip_begins && threat.tripped_by == Some(Signal::NotFinite));
                }
            }
        }
    }
}

#[test]
fn so_does_a_context_that_is_no_number() {
    let (mut amygdala, mut market) = armed(quick(), 1);
    let mut sensed = market.next();
    sensed.context.volume = Some(f32::NAN);
    assert!(appraise(&mut amygdala, sensed).trip_begins);
}

#[test]
fn a_huge_value_of_the_state_is_never_calm() {
    let (amygdala, mut market) = armed(quick(), 2);
    for feature in features().filter(|&feature| is_scored(feature)) {
        for value in [1e9, 1e30, f32::MAX, -1e9, f32::MIN] {
            let mut amygdala = amygdala.clone();
            let mut trips = false;
            for _ in 0..3 {
                let threat = appraise(&mut amygdala, with(market.next(), feature, Some(value)));
                assert_ne!(threat.level, ThreatLevel::Calm, "{feature:?} {value}");
                trips |= threat.trip_begins;
            }
            let threat = appraise(&mut amygdala, market.next());
            let known = value > 0.0 && feature != Feature::Imbalance1;
            assert!(!known || trips, "{feature:?} {value}");
            assert!(threat.reading(Signal::Anomaly).value.is_some_and(|d| d < 100.0), "it is not folded in");
        }
    }
}

#[test]
fn a_value_that_cannot_be_is_not_calm() {
    let (mut amygdala, mut market) = armed(quick(), 3);
    for (feature, value) in [
        (Feature::Spread, -1.0),
        (Feature::Volume, -1e-3),
        (Feature::RealisedVol, -1.0),
        (Feature::Imbalance1, 1.001),
        (Feature::Imbalance1, -1.001),
    ] {
        let threat = appraise(&mut amygdala, with(market.next(), feature, Some(value)));
        assert_eq!(threat.level, ThreatLevel::Wary, "{feature:?}");
        assert_eq!(threat.reading(Signal::Anomaly).value, None);
    }
}

#[test]
fn an_absent_value_of_the_state_is_not_scored_nor_folded_nor_calm() {
    let (amygdala, mut market) = armed(quick(), 4);
    for feature in features().filter(|&feature| is_scored(feature)) {
        let mut amygdala = amygdala.clone();
        let threat = appraise(&mut amygdala, with(market.next(), feature, None));
        if [Feature::TradeFlow, Feature::Volume].contains(&feature) {
            assert_eq!(threat.level, ThreatLevel::Calm, "no trade told of is no trade");
        } else {
            assert_eq!(threat.level, ThreatLevel::Wary, "{feature:?}");
            assert_eq!(threat.reading(Signal::Anomaly).value, None);
            assert_eq!(threat.reading(Signal::Anomaly).count, 0);
        }
    }
}

#[test]
fn zero_and_negative_values_never_panic() {
    let (amygdala, mut market) = armed(quick(), 5);
    for feature in features() {
        for value in [0.0, -0.0, -1.0, f32::MIN_POSITIVE, -f32::MIN_POSITIVE] {
            appraise(&mut amygdala.clone(), with(market.next(), feature, Some(value)));
        }
    }
}

#[test]
fn any_state_of_the_book_without_a_price_is_wary() {
    let (amygdala, mut market) = armed(quick(), 6);
    let mut contradiction = market.next();
    contradiction.top = None;
    let mut crossed = market.next();
    crossed.top = crossed.top.map(|top| market::Top { bid: top.ask, ask: top.bid });
    let mut unmarked = market.next();
    unmarked.mark2 = None;
    let mut unseen = vec![contradiction, crossed, unmarked];
    for book in [BookState::Unknown, BookState::OneSided, BookState::Crossed] {
        unseen.push(Sensed { book, ..market.next() });
    }
    for sensed in unseen {
        let threat = appraise(&mut amygdala.clone(), sensed);
        assert_eq!(threat.level, ThreatLevel::Wary);
        assert!(threat.signals.iter().all(|reading| reading.value.is_none()));
    }
}

#[test]
fn equity_that_has_no_drawdown_trips() {
    for equity in [0, -1, i128::MIN] {
        let (mut amygdala, mut market) = (fresh(quick(), 1), Market::new(7, Law::Book));
        let mut sensed = market.next();
        sensed.account.equity = Money::from_units(equity);
        let threat = appraise(&mut amygdala, sensed);
        assert_eq!(threat.tripped_by, Some(Signal::NotFinite), "{equity}");
        assert_eq!(threat.reading(Signal::Drawdown).value, None);
    }
    let (mut amygdala, mut market) = armed(quick(), 7);
    for equity in [i128::MIN, -1, 0] {
        let mut sensed = market.next();
        sensed.account.equity = Money::from_units(equity);
        assert!(appraise(&mut amygdala, sensed).reading(Signal::Drawdown).exceeded);
    }
}

#[test]
fn a_book_of_price_zero_trips() {
    let (mut amygdala, mut market) = armed(quick(), 8);
    let mut sensed = market.next();
    let nothing = market::Level { price: market::Price::ZERO, quantity: market::Quantity::ZERO };
    sensed.top = Some(market::Top { bid: nothing, ask: nothing });
    assert!(appraise(&mut amygdala, sensed).trip_begins);
}

#[test]
fn a_startle_answers_but_begins_no_trip() {
    let (mut amygdala, mut market) = armed(quick(), 9);
    let before = amygdala.digest();
    let threat = appraise(&mut amygdala, startled(with(market.next(), Feature::Mid, Some(f32::NAN))));
    assert!(threat.reading(Signal::NotFinite).exceeded);
    assert_eq!((threat.level, threat.trip_begins), (ThreatLevel::Wary, false));
    assert_eq!(amygdala.digest(), before);
}

#[test]
fn an_unknown_instrument_is_a_fault() {
    let (mut amygdala, mut market) = (fresh(quick(), 1), Market::new(10, Law::Book));
    market.instrument = market::InstrumentId(1);
    assert!(amygdala.step(market.next()).is_err());
    assert!(amygdala.peek(market.next()).is_err());
}

#[test]
fn an_instrument_without_a_book_has_its_own_state() {
    let (mut amygdala, mut market) = (fresh(quick(), 1), Market::new(11, Law::Book));
    let tape = |mut sensed: Sensed| {
        sensed.book = BookState::Synthetic;
        sensed.top = None;
        for feature in [Feature::Spread, Feature::Imbalance1, Feature::OrderFlowImbalance] {
            sensed.features[feature] = None;
        }
        sensed
    };
    for _ in 0..159 {
        let threat = appraise(&mut amygdala, tape(market.next()));
        assert_eq!(threat.level, ThreatLevel::Calm);
        assert_eq!(threat.reading(Signal::Spread).value, None);
    }
    let threat = appraise(&mut amygdala, tape(market.next()));
    assert_eq!(threat.phase, Phase::Armed);
    let threat = appraise(&mut amygdala, market.next());
    assert_eq!(threat.phase, Phase::WarmingUp { left: 60 }, "what was normal of the tape is no book's");
}
