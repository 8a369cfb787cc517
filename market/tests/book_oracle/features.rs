//! Each feature on the bundled session by a second, slow formula, and the samples themselves.

use std::collections::VecDeque;

use market::book::Level;
use market::features::FEATURE_COUNT;
use market::{Book, EventKind, Feature, FeatureState, FeatureVector, Quantity, Side, Timestamp, Top};

use super::session_data::events;

const PERIOD_NS: i64 = 250_000_000;

/// All that a slow formula may look at: the world between two samples and at the second.
struct Moment {
    /// What the subject says.
    features: FeatureVector,
    peeked: FeatureVector,
    /// Ten levels a side, best first, as floats.
    bids: Vec<(f64, f64)>,
    asks: Vec<(f64, f64)>,
    /// Each top since the sample before, the one at that sample first.
    tops: Vec<Top>,
    /// Signed quantities traded since the sample before.
    traded: Vec<f64>,
    /// Trades before the interval.
    traded_before: usize,
}

fn levels(book: &Book, side: Side) -> Vec<(f64, f64)> {
    let mut levels = [Level::default(); 10];
    let count = book.levels(side, &mut levels);
    levels[..count].iter().map(|level| (level.price.to_f64(), level.quantity.to_f64())).collect()
}

/// The session, cut at each multiple of the period.
fn moments() -> Vec<Moment> {
    let inventory = Quantity::from_units(-250_000_000);
    let events = events();
    let (mut book, mut state) = (Book::new(0), FeatureState::default());
    let (mut tops, mut traded, mut all_trades) = (vec![], vec![], 0);
    let mut next = events[0].time.next_multiple(PERIOD_NS);
    let mut moments = Vec::new();
    for event in &events {
        while next <= event.time {
            let peeked = state.peek(&book, inventory);
            let features = state.sample(&book, inventory);
            let top = book.top().expect("two sides");
            let before = all_trades - traded.len();
            moments.push(Moment {
                features,
                peeked,
                bids: levels(&book, Side::Buy),
                asks: levels(&book, Side::Sell),
                tops: std::mem::replace(&mut tops, vec![top]),
                traded: std::mem::take(&mut traded),
                traded_before: before,
            });
            next = next.plus(PERIOD_NS);
        }
        let applied = book.apply(event);
        state.on_event(&book, event, applied);
        tops.extend(book.top());
        if let EventKind::Trade { quantity, aggressor, .. } = event.kind {
            let sign = if aggressor == Some(Side::Buy) { 1.0 } else { -1.0 };
            traded.push(sign * quantity.to_f64());
            all_trades += 1;
        }
    }
    moments
}

fn near(name: &str, k: usize, got: Option<f32>, expected: Option<f64>) {
    match (got, expected) {
        (None, None) => {}
        (Some(got), Some(expected)) => {
            let error = (f64::from(got) - expected).abs();
            assert!(error <= 1e-7 + 1e-6 * expected.abs(), "{name} at sample {k}: {got}, and not {expected}");
        }
        _ => panic!("{name} at sample {k}: {got:?}, and not {expected:?}"),
    }
}

fn price(level: Level) -> f64 {
    level.price.to_f64()
}

fn size(level: Level) -> f64 {
    level.quantity.to_f64()
}

fn mid(moment: &Moment) -> f64 {
    (moment.bids[0].0 + moment.asks[0].0) / 2.0
}

fn microprice(moment: &Moment) -> f64 {
    let ((bid, bid_size), (ask, ask_size)) = (moment.bids[0], moment.asks[0]);
    (bid * ask_size + ask * bid_size) / (bid_size + ask_size)
}

fn imbalance(moment: &Moment, depth: usize) -> f64 {
    let sum = |levels: &[(f64, f64)]| levels[..depth].iter().map(|level| level.1).sum::<f64>();
    let (bids, asks) = (sum(&moment.bids), sum(&moment.asks));
    2.0 * bids / (bids + asks) - 1.0
}

/// Order flow as a change of what rests: by cases, a side at a time.
fn order_flow(moment: &Moment) -> f64 {
    let mut flow = 0.0;
    for pair in moment.tops.windows(2) {
        let (old, new) = (pair[0], pair[1]);
        flow += match (price(new.bid), price(old.bid)) {
            (now, then) if now > then => size(new.bid),
            (now, then) if now < then => -size(old.bid),
            _ => size(new.bid) - size(old.bid),
        };
        flow -= match (price(new.ask), price(old.ask)) {
            (now, then) if now < then => size(new.ask),
            (now, then) if now > then => -size(old.ask),
            _ => size(new.ask) - size(old.ask),
        };
    }
    flow
}

fn bp_return(now: f64, before: f64) -> f64 {
    (now.ln() - before.ln()) * 1e4
}

#[test]
fn each_feature_is_what_a_slow_formula_says() {
    let moments = moments();
    let mut seen = [0_u32; FEATURE_COUNT];
    let mut different = [const { Vec::new() }; FEATURE_COUNT];
    let mut recent: VecDeque<f64> = VecDeque::new();
    for (k, moment) in moments.iter().enumerate() {
        let before = k.checked_sub(1).map(|k| &moments[k]);
        let return_mid = before.map(|before| bp_return(mid(moment), mid(before)));
        let return_micro = before.map(|before| bp_return(microprice(moment), microprice(before)));
        recent.extend(return_mid);
        if recent.len() > 240 {
            recent.pop_front();
        }
        let variance = recent.iter().map(|r| r * r).sum::<f64>() / recent.len() as f64;
        let traded = (moment.traded_before + moment.traded.len() > 0).then_some(&moment.traded);
        let spread = moment.asks[0].0 - moment.bids[0].0;
        for (feature, expected) in [
            (Feature::Mid, Some(mid(moment))),
            (Feature::Microprice, Some(microprice(moment))),
            (Feature::Spread, Some(spread)),
            (Feature::SpreadBp, Some(spread / mid(moment) * 1e4)),
            (Feature::Imbalance1, Some(imbalance(moment, 1))),
            (Feature::Imbalance5, Some(imbalance(moment, 5))),
            (Feature::Imbalance10, Some(imbalance(moment, 10))),
            (Feature::OrderFlowImbalance, Some(order_flow(moment))),
            (Feature::TradeFlow, traded.map(|traded| traded.iter().sum())),
            (Feature::ReturnMid, return_mid),
            (Feature::ReturnMicro, return_micro),
            (Feature::RealisedVol, return_mid.map(|_| variance.sqrt())),
            (Feature::Volume, traded.map(|traded| traded.iter().map(|q| q.abs()).sum())),
            (Feature::Inventory, Some(-0.25)),
        ] {
            let got = moment.features[feature];
            near(feature.spec().name, k, got, expected);
            assert!(got.is_none_or(f32::is_finite));
            seen[feature as usize] += u32::from(got.is_some());
            different[feature as usize].extend(got.map(f32::to_bits));
        }
        assert_eq!(moment.peeked, moment.features, "sample {k}: a look tells what the sample does");
    }
    for spec in &market::features::FEATURES {
        let at = spec.feature as usize;
        assert!(seen[at] > 7_000, "{} was there {} times", spec.name, seen[at]);
        different[at].sort_unstable();
        different[at].dedup();
        let constant = spec.feature == Feature::Inventory;
        assert_eq!(different[at].len() < 5, constant, "{} says different things", spec.name);
    }
}

#[test]
fn the_grid_makes_the_known_samples() {
    let events = events();
    let mut book = Book::new(0);
    let mut samples: Vec<(Timestamp, i64)> = Vec::new();
    let mut next = events[0].time.next_multiple(PERIOD_NS);
    for event in &events {
        while next <= event.time {
            samples.push((next, book.top().expect("two sides").mid2()));
            next = next.plus(PERIOD_NS);
        }
        book.apply(event);
    }
    assert_eq!(samples.len(), 7_199);
    assert_eq!(samples[0].0.ns(), 1_777_689_380_750 * 1_000_000);
    assert_eq!(samples[7_198].0.ns(), 1_777_691_180_250 * 1_000_000);
    assert_eq!(samples.iter().map(|(_, mid2)| mid2).sum::<i64>(), 1_128_526_377_000_000_000);
    for (k, mid) in [
        (0, 78_318.5),
        (600, 78_332.5),
        (1200, 78_387.5),
        (1800, 78_383.5),
        (2400, 78_390.5),
        (3000, 78_368.5),
        (3600, 78_424.5),
        (4200, 78_432.5),
        (4800, 78_407.5),
        (5400, 78_370.5),
        (6600, 78_359.5),
        (7198, 78_350.5),
    ] {
        assert_eq!(samples[k].1, (2.0 * mid * 1e9) as i64, "sample {k}");
    }
    let moves = samples.windows(2).filter(|pair| pair[0].1 != pair[1].1).count();
    assert_eq!(moves, 216);
}
