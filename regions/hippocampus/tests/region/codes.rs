//! The code of a moment and an action.

use hippocampus::inputs::{CONTEXT, STATE};
use hippocampus::{Hippocampus, HippocampusParams};
use market::Feature;
use market::book::BookState;
use proptest::prelude::*;
use scenes::appraised;
use synapse::{Appraised, Region, SampleKind, Sensed, Startle};

use crate::moments::moment;

fn hippocampus(seed: u64) -> Hippocampus {
    Hippocampus::new(HippocampusParams::default(), seed)
}

fn codes(sensed: Sensed) -> [Box<[f32]>; 3] {
    hippocampus(1).peek(appraised(sensed)).expect("no fault").codes
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[test]
fn each_action_of_a_moment_has_its_code() {
    let codes = codes(moment(1));
    assert!(codes.iter().all(|code| code.len() == 256 && code.iter().all(|h| h.abs() <= 1.0)));
    assert!(codes[0] != codes[1] && codes[1] != codes[2] && codes[0] != codes[2]);
}

#[test]
fn similar_moments_have_similar_codes_and_others_have_not() {
    let base = codes(moment(1));
    let mut nearby = moment(1);
    nearby.features[Feature::Imbalance5] = nearby.features[Feature::Imbalance5].map(|x| x + 0.05);
    let (nearby, other) = (codes(nearby), codes(moment(2)));
    for ((base, nearby), other) in base.iter().zip(&nearby).zip(&other) {
        assert!(cosine(base, nearby) > 0.99);
        assert!(cosine(base, other) < 0.9);
    }
}

#[test]
fn the_seed_of_the_run_names_the_codes() {
    let of = |seed| hippocampus(seed).peek(appraised(moment(1))).expect("no fault").codes;
    assert_eq!(of(7), of(7));
    assert_ne!(of(7), of(8));
}

#[test]
fn a_moment_that_is_not_known_has_no_code() {
    let needed = [
        Feature::Imbalance1,
        Feature::Imbalance5,
        Feature::Imbalance10,
        Feature::OrderFlowImbalance,
        Feature::ReturnMid,
        Feature::ReturnMicro,
        Feature::RealisedVol,
    ];
    for feature in needed {
        for value in [None, Some(f32::NAN), Some(f32::INFINITY)] {
            let mut sensed = moment(3);
            sensed.features[feature] = value;
            assert_eq!(codes(sensed), <[Box<[f32]>; 3]>::default(), "{feature:?} {value:?}");
        }
    }
    let unmarked = Sensed { mark2: None, ..moment(3) };
    let topless = Sensed { top: None, ..moment(3) };
    for sensed in [unmarked, topless] {
        assert!(codes(sensed).iter().all(|code| code.is_empty()));
    }
}

#[test]
fn no_trade_told_of_is_no_trade() {
    let (mut absent, mut none) = (moment(4), moment(4));
    for (feature, value) in [(Feature::TradeFlow, 0.0), (Feature::Volume, 0.0)] {
        absent.features[feature] = None;
        none.features[feature] = Some(value);
    }
    absent.context.volume = None;
    none.context.volume = Some(0.0);
    assert_eq!(codes(absent), codes(none));
}

#[test]
fn without_a_book_the_tape_is_coded() {
    let mut sensed = Sensed { book: BookState::Synthetic, top: None, ..moment(5) };
    for feature in [
        Feature::Imbalance1,
        Feature::Imbalance5,
        Feature::Imbalance10,
        Feature::OrderFlowImbalance,
        Feature::ReturnMicro,
    ] {
        sensed.features[feature] = None;
    }
    sensed.context.spread_bp = None;
    assert!(codes(sensed).iter().all(|code| code.len() == 256));
}

#[test]
fn the_inputs_have_names_of_their_own() {
    let names: Vec<&str> = STATE.iter().chain(&CONTEXT).map(|input| input.name).collect();
    for (at, name) in names.iter().enumerate() {
        assert!(!names[..at].contains(name), "{name}");
    }
}

fn any_sample() -> impl Strategy<Value = Appraised> {
    (0..1_000_u64, prop::bool::ANY, prop::option::of(any::<f32>()), 0usize..14).prop_map(
        |(seed, startled, value, feature)| {
            let mut sensed = moment(seed);
            sensed.features.0[feature] = value;
            if startled {
                sensed.kind = SampleKind::Startle(Startle::Gap);
            }
            appraised(sensed)
        },
    )
}

proptest! {
    #[test]
    fn a_step_is_a_peek_and_whatever_comes_the_codes_are_numbers(samples in prop::collection::vec(any_sample(), 1..10)) {
        let mut hippocampus = hippocampus(2);
        let before = hippocampus.digest();
        for sample in samples {
            let peeked = hippocampus.peek(sample.clone()).expect("no fault");
            let stepped = hippocampus.step(sample).expect("no fault");
            prop_assert!(stepped.codes.iter().all(|code| code.iter().all(|h| h.is_finite())));
            prop_assert_eq!(stepped.codes, peeked.codes);
        }
        prop_assert_eq!(hippocampus.digest(), before);
    }
}

#[test]
fn a_snapshot_restores() {
    let mut hippocampus = hippocampus(3);
    let snapshot = hippocampus.snapshot();
    hippocampus.restore(&snapshot).expect("a snapshot");
    assert!(hippocampus.restore(b"more than nothing").is_err());
}
