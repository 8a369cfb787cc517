//! Each signal reached alone, and how a trip begins, holds still and ends.

use amygdala::{Amygdala, AmygdalaParams};
use market::{Feature, InstrumentId};
use scenes::money;
use synapse::{Phase, Sensed, Signal, Threat, ThreatLevel};

use crate::market::{EQUITY, Law, Market, appraise, armed, blind, fresh, quick, set_spread};

/// The signals beyond their limits.
fn exceeded(threat: &Threat) -> Vec<Signal> {
    threat.signals.iter().filter(|reading| reading.exceeded).map(|reading| reading.signal).collect()
}

/// Shocks `count` samples, and gives what was said of each.
fn shock(
    amygdala: &mut Amygdala,
    market: &mut Market,
    count: usize,
    hit: impl Fn(&mut Sensed),
) -> Vec<Threat> {
    let shocked = |_| {
        let mut sensed = market.next();
        hit(&mut sensed);
        appraise(amygdala, sensed)
    };
    (0..count).map(shocked).collect()
}

fn begins(threats: &[Threat]) -> Vec<usize> {
    (0..threats.len()).filter(|&at| threats[at].trip_begins).collect()
}

#[test]
fn a_planted_shock_of_the_spread_trips() {
    for seed in 0..20 {
        let (mut amygdala, mut market) = armed(AmygdalaParams::default(), seed);
        let threats = shock(&mut amygdala, &mut market, 8, |sensed| set_spread(sensed, 10.0));
        assert_eq!(begins(&threats), [2], "seed {seed}");
        assert_eq!(threats[1].level, ThreatLevel::Wary);
        assert_eq!(threats[2].tripped_by, Some(Signal::Anomaly));
        assert!(threats[2..].iter().all(|threat| threat.level == ThreatLevel::Tripped));
    }
}

#[test]
fn the_anomaly_trips_alone() {
    let (mut amygdala, mut market) = armed(AmygdalaParams::default(), 1);
    let threats = shock(&mut amygdala, &mut market, 3, |sensed| set_spread(sensed, 9.5));
    for (at, threat) in threats.iter().enumerate() {
        assert_eq!(exceeded(threat), [Signal::Anomaly]);
        assert_eq!(threat.reading(Signal::Anomaly).count, at as u32 + 1);
    }
    assert_eq!(begins(&threats), [2]);
}

/// Before τ stands an anomaly cannot trip, so what trips then does so by its own limit.
#[test]
fn each_plain_signal_trips_alone_already_in_the_warm_up() {
    let wide: fn(&mut Sensed) = |sensed| set_spread(sensed, 11.0);
    let wild: fn(&mut Sensed) = |sensed| sensed.features[Feature::ReturnMid] = Some(5.0);
    let poor: fn(&mut Sensed) = |sensed| sensed.account.equity = money(EQUITY * 94 / 100);
    for (signal, hit) in [(Signal::Spread, wide), (Signal::Volatility, wild), (Signal::Drawdown, poor)] {
        let (mut amygdala, mut market) = (fresh(AmygdalaParams::default(), 1), Market::new(2, Law::Book));
        let calm = shock(&mut amygdala, &mut market, 30, |_| {});
        assert!(calm.iter().all(|threat| threat.level == ThreatLevel::Calm));
        let threats = shock(&mut amygdala, &mut market, 4, hit);
        assert!(matches!(threats[3].phase, Phase::WarmingUp { .. }));
        assert!(threats.iter().all(|threat| exceeded(threat) == [signal]), "{signal}");
        assert_eq!((begins(&threats), threats[3].tripped_by), (vec![2], Some(signal)));
    }
}

#[test]
fn what_is_not_finite_trips_at_once() {
    let (mut amygdala, mut market) = (fresh(quick(), 1), Market::new(3, Law::Book));
    let nan: fn(&mut Sensed) = |sensed| sensed.features[Feature::Imbalance10] = Some(f32::NAN);
    let threats = shock(&mut amygdala, &mut market, 2, nan);
    assert_eq!(exceeded(&threats[0]), [Signal::NotFinite]);
    assert_eq!((begins(&threats), threats[1].tripped_by), (vec![0], Some(Signal::NotFinite)));
    let reading = threats[0].reading(Signal::NotFinite);
    assert_eq!((reading.value, reading.limit), (Some(1.0), Some(0.0)));
}

#[test]
fn fewer_than_m_of_n_do_not_trip() {
    let (mut amygdala, mut market) = armed(AmygdalaParams::default(), 4);
    for _ in 0..20 {
        let wide = shock(&mut amygdala, &mut market, 2, |sensed| set_spread(sensed, 12.0));
        assert!(wide.iter().all(|threat| threat.level == ThreatLevel::Wary));
        let calm = shock(&mut amygdala, &mut market, 6, |_| {});
        assert!(begins(&wide).is_empty() && begins(&calm).is_empty());
    }
    let spaced = shock(&mut amygdala, &mut market, 1, |sensed| set_spread(sensed, 12.0));
    shock(&mut amygdala, &mut market, 1, |_| {});
    let again = shock(&mut amygdala, &mut market, 2, |sensed| set_spread(sensed, 12.0));
    assert!(begins(&spaced).is_empty());
    assert_eq!(begins(&again), [1]);
}

#[test]
fn a_trip_ends_after_n_calm_samples_in_a_row() {
    let (mut amygdala, mut market) = armed(AmygdalaParams::default(), 5);
    let wide: fn(&mut Sensed) = |sensed| set_spread(sensed, 12.0);
    shock(&mut amygdala, &mut market, 4, wide);
    let almost = shock(&mut amygdala, &mut market, 7, |_| {});
    assert!(almost.iter().all(|threat| threat.level == ThreatLevel::Tripped && !threat.trip_begins));
    assert!(!shock(&mut amygdala, &mut market, 1, wide)[0].trip_begins);
    let rest = shock(&mut amygdala, &mut market, 9, |_| {});
    assert!(rest[..7].iter().all(|threat| threat.level == ThreatLevel::Tripped));
    assert!(rest[7..].iter().all(|threat| threat.level == ThreatLevel::Calm && threat.tripped_by.is_none()));
    assert_eq!(begins(&shock(&mut amygdala, &mut market, 4, wide)), [2], "and may begin anew");
}

/// Not exceeded, but not below 0.8 τ either: the trip neither deepens nor ends.
#[test]
fn a_distance_near_the_threshold_does_not_end_a_trip() {
    let (mut amygdala, mut market) = armed(AmygdalaParams::default(), 6);
    shock(&mut amygdala, &mut market, 4, |sensed| set_spread(sensed, 10.0));
    let tau = {
        let threat = &shock(&mut amygdala, &mut market, 1, |sensed| set_spread(sensed, 10.0))[0];
        threat.reading(Signal::Anomaly).limit.expect("armed")
    };
    // All of the distance is in the spread, and one tick counts as one deviation.
    let quiet = |share: f64| {
        move |sensed: &mut Sensed| {
            set_spread(sensed, 1.0 + share * tau);
            for feature in
                [Feature::ReturnMid, Feature::OrderFlowImbalance, Feature::TradeFlow, Feature::Volume]
            {
                sensed.features[feature] = Some(0.0);
            }
            sensed.features[Feature::Imbalance1] = Some(0.0);
        }
    };
    let near = shock(&mut amygdala, &mut market, 40, quiet(0.9));
    assert!(near.iter().all(|threat| exceeded(threat).is_empty() && threat.level == ThreatLevel::Tripped));
    let far = shock(&mut amygdala, &mut market, 10, quiet(0.5));
    assert_eq!(far[7].level, ThreatLevel::Calm);
}

#[test]
fn what_is_normal_stands_still_in_a_trip_and_ages_out() {
    let run = |freeze_max: u32| {
        let params = AmygdalaParams { freeze_max, ..AmygdalaParams::default() };
        let (mut amygdala, mut market) = armed(params, 7);
        let threats = shock(&mut amygdala, &mut market, 1_000, |sensed| set_spread(sensed, 9.5));
        threats
            .iter()
            .map(|threat| threat.reading(Signal::Anomaly).value.expect("scored"))
            .collect::<Vec<_>>()
    };
    let frozen = run(1_000_000);
    assert!(frozen.iter().all(|&distance| distance > 8.0), "it never learns");
    let aged = run(240);
    assert!(aged[..=240].iter().all(|&distance| distance > 8.0), "it does not learn for 240 samples");
    assert!(aged[300] < aged[240] && aged[999] < 2.0, "then a new regime becomes normal");
}

#[test]
fn a_new_regime_ends_its_own_trip() {
    let (mut amygdala, mut market) = armed(AmygdalaParams::default(), 7);
    let threats = shock(&mut amygdala, &mut market, 2_000, |sensed| set_spread(sensed, 9.5));
    assert_eq!(threats[240].level, ThreatLevel::Tripped);
    assert_eq!(threats[1_999].level, ThreatLevel::Calm);
}

#[test]
fn without_a_valid_book_nothing_is_scored_or_changed() {
    let (mut amygdala, mut market) = armed(AmygdalaParams::default(), 8);
    let before = amygdala.clone();
    let threat = appraise(&mut amygdala, blind(market.next()));
    assert_eq!((threat.level, threat.phase), (ThreatLevel::Wary, Phase::Armed));
    assert!(threat.signals.iter().all(|reading| reading.value.is_none() && !reading.exceeded));
    assert_eq!(format!("{amygdala:?}"), format!("{before:?}"));
    shock(&mut amygdala, &mut market, 3, |sensed| set_spread(sensed, 12.0));
    assert_eq!(appraise(&mut amygdala, blind(market.next())).level, ThreatLevel::Tripped);
}

#[test]
fn instruments_know_nothing_of_each_other() {
    let (mut alone, mut both) = (fresh(quick(), 2), fresh(quick(), 2));
    let (mut market, mut other) = (Market::new(9, Law::Book), Market::new(10, Law::Book));
    other.instrument = InstrumentId(1);
    let mut trips_of_other = 0;
    for at in 0..600 {
        let sensed = market.next();
        let mut disturbance = other.next();
        if at % 100 > 90 {
            set_spread(&mut disturbance, 15.0);
        }
        trips_of_other += u32::from(appraise(&mut both, disturbance).trip_begins);
        assert_eq!(appraise(&mut both, sensed.clone()), appraise(&mut alone, sensed));
    }
    assert!(trips_of_other > 0);
}
