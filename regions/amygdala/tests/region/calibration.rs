//! Warm-up, calibration, trading, and the rate of false alarms that was asked for (R6).

use amygdala::AmygdalaParams;
use amygdala::quantile::chi_square_threshold;
use market::{Feature, InstrumentId};
use synapse::{Phase, Signal, ThreatLevel};

use crate::market::{Law, Market, appraise, blind, fresh, quick, set_spread};

#[test]
fn a_calm_market_is_known_after_warm_up_and_calibration() {
    let (mut amygdala, mut market) = (fresh(AmygdalaParams::default(), 1), Market::new(1, Law::Book));
    for at in 0..2_000_u32 {
        let threat = appraise(&mut amygdala, market.next());
        let phase = match at {
            0..240 => Phase::WarmingUp { left: 240 - at },
            240..1_239 => Phase::Calibrating { left: 1_239 - at },
            _ => Phase::Armed,
        };
        assert_eq!(threat.phase, phase, "sample {at}");
        let anomaly = threat.reading(Signal::Anomaly);
        assert_eq!(anomaly.value.is_some(), at > 0);
        assert_eq!(anomaly.limit.is_some(), phase == Phase::Armed);
        if let Some(tau) = anomaly.limit {
            assert!(tau >= chi_square_threshold(7, 0.001).expect("a threshold"));
        }
    }
}

#[test]
fn only_calm_samples_with_a_valid_book_calibrate() {
    let (mut amygdala, mut market) = (fresh(quick(), 1), Market::new(2, Law::Book));
    for _ in 0..60 {
        appraise(&mut amygdala, market.next());
    }
    let left = |phase| match phase {
        Phase::Calibrating { left } => left,
        other => panic!("{other:?}"),
    };
    let now = left(appraise(&mut amygdala, market.next()).phase);
    let mut wide = market.next();
    set_spread(&mut wide, 11.0);
    for unfit in [blind(market.next()), wide] {
        assert_eq!(left(appraise(&mut amygdala, unfit).phase), now - 1);
    }
    let mut incomplete = market.next();
    incomplete.features[Feature::ReturnMid] = None;
    assert_eq!(left(appraise(&mut amygdala, incomplete).phase), now - 1);
    // far from normal, but calm: the distance plays no part in it
    let mut odd = market.next();
    odd.features[Feature::Volume] = Some(1e4);
    assert_eq!(left(appraise(&mut amygdala, odd).phase), now - 1);
    assert_eq!(left(appraise(&mut amygdala, market.next()).phase), now - 2);
}

/// Of what share of 8 samples in a row at least 3 exceed, where each does so at rate p.
fn three_of_eight(p: f64) -> f64 {
    let (q, mut choose, mut below) = (1.0 - p, 1.0, 0.0);
    for k in 0..3 {
        below += choose * p.powi(k) * q.powi(8 - k);
        choose *= f64::from(8 - k) / f64::from(k + 1);
    }
    1.0 - below
}

/// The lower end of the 99 % interval of a share that was counted.
fn lower_99(count: u32, of: u32) -> f64 {
    let (n, share) = (f64::from(of), f64::from(count) / f64::from(of));
    let z = 2.576;
    let centre = share + z * z / (2.0 * n);
    let half = z * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
    (centre - half) / (1.0 + z * z / n)
}

#[test]
fn fresh_calm_samples_alarm_at_no_more_than_the_rate_asked_for() {
    for law in [Law::Gauss, Law::StudentT] {
        let params = AmygdalaParams {
            p: 0.02,
            calibration: 499,
            // only the distance is on trial
            volatility_multiple: 1e6,
            ..AmygdalaParams::default()
        };
        let (p, lives, samples) = (params.p, 60, 2_000);
        let mut amygdala = fresh(params, lives);
        let (mut alarms, mut trips, mut armed) = (0, 0, 0);
        for life in 0..lives {
            let mut market = Market::new(100 + life as u64, law);
            market.instrument = InstrumentId(life as u16);
            for _ in 0..739 {
                appraise(&mut amygdala, market.next());
            }
            for _ in 0..samples {
                let threat = appraise(&mut amygdala, market.next());
                assert_eq!(threat.phase, Phase::Armed);
                armed += 1;
                alarms += u32::from(threat.reading(Signal::Anomaly).exceeded);
                trips += u32::from(threat.trip_begins);
            }
        }
        println!("{alarms} {trips} {armed} {}", three_of_eight(p) * f64::from(armed));
        let rate = f64::from(alarms) / f64::from(armed);
        assert!(lower_99(alarms, armed) <= p, "{alarms} alarms of {armed}");
        assert!(lower_99(trips, armed) <= three_of_eight(p), "{trips} trips of {armed}");
        assert!(rate > 0.5 * p, "an alarm that never rings proves nothing: {alarms} of {armed}");
    }
}

#[test]
fn a_calm_order_book_does_not_trip() {
    let (mut amygdala, mut market) = (fresh(AmygdalaParams::default(), 1), Market::new(3, Law::Book));
    let (mut trips, mut calm) = (0, 0);
    for _ in 0..20_000 {
        let threat = appraise(&mut amygdala, market.next());
        trips += u32::from(threat.trip_begins);
        calm += u32::from(threat.level == ThreatLevel::Calm);
    }
    assert_eq!(trips, 0);
    assert!(calm > 19_900, "calm {calm} of 20,000");
}
