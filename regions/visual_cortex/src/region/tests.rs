use super::*;
use crate::fixture::{self, FAILING, TOKEN, recalled};
use crate::percept::percept_len;
use crate::seen::SEEN;
use crate::video::Field;
use market::Timestamp;
use market::features::FeatureVector;
use proptest::prelude::*;
use synapse::{Percept, SampleKind, Startle};

fn params(window: usize, stride: usize, frames: usize) -> VisualCortexParams {
    VisualCortexParams { window, stride, frames, ..VisualCortexParams::default() }
}

/// A visual cortex without eyes.
fn blind(params: VisualCortexParams, instruments: usize) -> VisualCortex {
    VisualCortex::new(params, instruments, None).expect("nothing to refuse")
}

/// A visual cortex with the eyes of this number.
fn sighted(params: VisualCortexParams, instruments: usize, number: u8) -> VisualCortex {
    let eyes = fixture::eyes(params.shape(), number);
    VisualCortex::new(params, instruments, Some(eyes)).expect("eyes of that shape")
}

fn features(x: [f32; SEEN_COUNT]) -> FeatureVector {
    let mut features = FeatureVector::default();
    for (seen, x) in SEEN.iter().zip(x) {
        features[seen.feature] = Some(x);
    }
    features
}

fn regular(x: [f32; SEEN_COUNT]) -> Recalled {
    recalled(0, SampleKind::Regular, features(x))
}

/// Something that moves.
fn moving(i: usize) -> [f32; SEEN_COUNT] {
    std::array::from_fn(|f| ((i * 7 + f * 3) % 11) as f32 * 0.1 - 0.5)
}

fn watch(cortex: &mut VisualCortex, samples: std::ops::Range<usize>) -> Vec<Percept> {
    samples.map(|i| cortex.step(regular(moving(i))).expect("a percept").percept).collect()
}

fn restarted() -> Notice {
    Notice { sequence: 9, time: Timestamp::from_ns(0), kind: NoticeKind::Restarted }
}

#[test]
fn nothing_is_seen_until_a_frame_is_full_and_no_change_until_the_ring_is() {
    let params = params(5, 2, 3);
    let length = VisualCortex::percept_len(&params);
    let mut cortex = blind(params, 1);
    for (i, percept) in watch(&mut cortex, 0..20).iter().enumerate() {
        let samples = i + 1;
        assert_eq!(percept.v.len(), if samples < 5 { 0 } else { length });
        assert_eq!(percept.frames as usize, if samples < 5 { 0 } else { ((samples - 5) / 2 + 1).min(3) });
        let changed = percept.v.iter().skip(length / 2).any(|x| *x != 0.0);
        assert_eq!(changed, samples >= 9, "after {samples} samples");
    }
}

#[test]
fn the_change_is_that_since_the_percept_of_the_oldest_frame() {
    let mut cortex = blind(params(5, 2, 3), 1);
    let percepts = watch(&mut cortex, 0..30);
    let half = percepts[20].v.len() / 2;
    for (now, before) in percepts[20..].iter().zip(&percepts[16..]) {
        for at in 0..half {
            assert_eq!(now.v[half + at], now.v[at] - before.v[at]);
        }
    }
}

#[test]
fn a_video_of_one_frame_has_no_change() {
    let params = params(4, 3, 1);
    assert_eq!(VisualCortex::percept_len(&params), percept_len(SEEN_COUNT));
    let percepts = watch(&mut blind(params, 1), 0..9);
    assert_eq!(percepts[8].v.len(), percept_len(SEEN_COUNT));
}

#[test]
fn what_is_missing_or_not_finite_leaves_no_trace() {
    let mut cortex = blind(params(3, 1, 2), 1);
    watch(&mut cortex, 0..9);
    let before = cortex.digest();
    for x in [None, Some(f32::NAN), Some(f32::INFINITY)] {
        let mut features = features(moving(9));
        features[SEEN[4].feature] = x;
        let seen = cortex.step(recalled(0, SampleKind::Regular, features)).expect("an answer");
        assert_eq!(seen.percept, Percept { v: Box::default(), frames: 2 });
    }
    assert_eq!(cortex.digest(), before);
}

#[test]
fn a_startle_teaches_nothing_and_is_answered() {
    let mut cortex = blind(params(3, 1, 2), 1);
    let last = watch(&mut cortex, 0..9).pop().expect("percepts");
    let before = cortex.digest();
    let startle = recalled(0, SampleKind::Startle(Startle::Spread), features(moving(99)));
    assert_eq!(cortex.step(startle).expect("an answer").percept, last);
    assert_eq!(cortex.digest(), before);
}

#[test]
fn a_restart_clears_the_frames_and_keeps_the_normalisation() {
    for mut cortex in [blind(params(3, 1, 2), 2), sighted(params(3, 1, 2), 2, 1)] {
        watch(&mut cortex, 0..9);
        let kept: Vec<_> = cortex.state.sights.iter().map(|sight| sight.normalisers.clone()).collect();
        cortex.notice(&restarted()).expect("no fault");
        let (scores, tokens) = (cortex.encoder.scores(), cortex.encoder.tokens());
        for (sight, kept) in cortex.state.sights.iter().zip(&kept) {
            assert_eq!((&sight.scores, &sight.tokens, &sight.normalisers), (&scores, &tokens, kept));
        }
        assert_eq!(cortex.videos, vec![Video::new(cortex.encoder.shape); 2]);
        assert_eq!(cortex.frames(InstrumentId(0)), None);
        let first = watch(&mut cortex, 9..13).iter().position(|percept| !percept.v.is_empty());
        assert_eq!(first, Some(if cortex.state.eyes.is_some() { 3 } else { 2 }));
    }
}

#[test]
fn other_notices_and_instruments_change_nothing() {
    let mut cortex = blind(params(3, 1, 2), 2);
    watch(&mut cortex, 0..9);
    let before = cortex.state.clone();
    cortex.notice(&Notice { kind: NoticeKind::EndOfStream, ..restarted() }).expect("no fault");
    assert_eq!(cortex.state, before);
    cortex.step(recalled(1, SampleKind::Regular, features(moving(3)))).expect("a percept");
    assert_eq!(cortex.state.sights[0], before.sights[0]);
    assert_ne!(cortex.state.sights[1], before.sights[1]);
}

#[test]
fn a_snapshot_restores_what_was_seen() {
    let make: [fn() -> VisualCortex; 2] = [|| blind(params(4, 2, 3), 1), || sighted(params(4, 2, 3), 1, 1)];
    for make in make {
        for watched in [0, 3, 6, 13] {
            let mut cortex = make();
            watch(&mut cortex, 0..watched);
            let bytes = cortex.snapshot();
            let mut other = make();
            assert!(other.restore(&bytes[1..]).is_err());
            other.restore(&bytes).expect("a snapshot");
            assert_eq!(other.digest(), cortex.digest());
            assert_eq!(other.frames_reencoded(), 0);
            assert_eq!(watch(&mut other, watched..30), watch(&mut cortex, watched..30));
            assert_eq!(other.digest(), cortex.digest());
        }
    }
}

#[test]
fn a_state_of_another_shape_is_refused_by_name() {
    let mut cortex = blind(params(4, 2, 3), 1);
    watch(&mut cortex, 0..9);
    let before = cortex.digest();
    for other in [blind(params(5, 2, 3), 1), blind(params(4, 2, 3), 2)] {
        let fault = cortex.restore(&other.snapshot()).expect_err("another shape");
        assert!(fault.what.contains("window, stride and frames"), "{fault}");
        assert_eq!(cortex.digest(), before);
        watch(&mut cortex, 9..10);
        cortex.set_state(other.state.clone());
        assert_eq!(cortex.step(regular(moving(10))), Err(fault.clone()));
        assert_eq!(cortex.peek(regular(moving(10))), Err(fault));
        let own = blind(params(4, 2, 3), 1);
        cortex.set_state(own.state.clone());
        watch(&mut cortex, 0..9);
        assert_eq!(cortex.digest(), before);
    }
}

#[test]
fn eyes_of_other_sizes_are_refused_by_name() {
    let configured = params(4, 2, 3);
    for other in [params(5, 2, 3), params(4, 2, 2)] {
        let eyes = fixture::eyes(other.shape(), 1);
        let refused = VisualCortex::new(configured.clone(), 1, Some(eyes)).expect_err("other sizes");
        assert!(matches!(refused, VisionError::Length { .. }), "{refused}");
    }
    let refused = |spoil: fn(&mut Eyes)| {
        let mut eyes = fixture::eyes(configured.shape(), 1);
        spoil(&mut eyes);
        VisualCortex::new(configured.clone(), 1, Some(eyes)).expect_err("spoiled eyes").to_string()
    };
    assert!(refused(|eyes| eyes.scale.truncate(5)).contains("have 5 scales"));
    assert!(refused(|eyes| eyes.shift.push(0.0)).contains("have 7 shifts"));
    assert!(refused(|eyes| eyes.scale[2] = f32::NAN).contains("value 2 of the eyes' scale"));
    assert!(refused(|eyes| eyes.shift[0] = f32::INFINITY).contains("value 0 of the eyes' shift"));
    assert!(refused(|eyes| eyes.frame = fixture::model(eyes.frame.inputs(), 0, 1)).contains("0 outputs"));
}

#[test]
fn eyes_see_nothing_until_the_video_is_full() {
    let mut cortex = sighted(params(5, 2, 3), 1, 1);
    for (i, percept) in watch(&mut cortex, 0..20).iter().enumerate() {
        let samples = i + 1;
        assert_eq!(percept.v.len(), if samples < 9 { 0 } else { fixture::PERCEPT });
        assert_eq!(percept.frames as usize, if samples < 5 { 0 } else { ((samples - 5) / 2 + 1).min(3) });
    }
}

#[test]
fn frames_encoded_are_counted_between_restarts() {
    let mut cortex = sighted(params(5, 2, 3), 2, 1);
    let mut want = 0;
    for span in [3, 5, 17] {
        watch(&mut cortex, 0..span);
        let mut lacking = features(moving(1));
        lacking[SEEN[0].feature] = None;
        cortex.step(recalled(0, SampleKind::Regular, lacking)).expect("an answer");
        let startle = recalled(0, SampleKind::Startle(Startle::Gap), features(moving(2)));
        cortex.step(startle).expect("an answer");
        want += span.saturating_sub(4) as u64;
        assert_eq!(cortex.frames_encoded(), want);
        cortex.notice(&restarted()).expect("no fault");
    }
    for i in 0..9 {
        cortex.step(recalled(1, SampleKind::Regular, features(moving(i)))).expect("an answer");
    }
    assert_eq!((cortex.frames_encoded(), cortex.frames_reencoded()), (want + 5, 0));
    let mut cortex = blind(params(5, 2, 3), 1);
    watch(&mut cortex, 0..20);
    assert_eq!(cortex.frames_encoded(), 0);
}

#[test]
fn other_eyes_read_every_frame_again() {
    let params = params(4, 2, 3);
    let eyes = [None, Some(1), Some(2)];
    let make = |number: Option<u8>| match number {
        Some(number) => sighted(params.clone(), 1, number),
        None => blind(params.clone(), 1),
    };
    for (from, to) in eyes.iter().flat_map(|from| eyes.iter().map(move |to| (*from, *to))) {
        for watched in [0, 3, 5, 8, 23] {
            let (mut before, mut always) = (make(from), make(to));
            watch(&mut before, 0..watched);
            watch(&mut always, 0..watched);
            let mut after = make(to);
            after.set_state(before.state.clone());
            let held = watched.saturating_sub(3).min(5) as u64;
            assert_eq!(after.frames_reencoded(), if from == to || to.is_none() { 0 } else { held });
            assert_eq!(after.frames_encoded(), before.frames_encoded());
            assert_eq!(after.see_whole(InstrumentId(0)), always.see_whole(InstrumentId(0)));
            let both = [&mut after, &mut always].map(|cortex| watch(cortex, watched..watched + 9));
            assert_eq!(both[0], both[1], "from {from:?} to {to:?} after {watched}");
        }
    }
}

#[test]
fn eyes_that_fail_are_a_fault_and_their_state_is_not_taken_over() {
    let mut cortex = sighted(params(4, 2, 3), 1, FAILING);
    watch(&mut cortex, 0..3);
    assert!(cortex.step(regular(moving(3))).is_err(), "the first whole frame");
    let mut seeing = sighted(params(4, 2, 3), 1, 1);
    watch(&mut seeing, 0..9);
    let mut failing = sighted(params(4, 2, 3), 1, FAILING);
    let before = failing.digest();
    assert!(failing.restore(&seeing.snapshot()).is_err());
    assert_eq!(failing.digest(), before);
    failing.set_state(seeing.state.clone());
    assert_eq!(failing.digest(), before);
    assert!(failing.step(regular(moving(9))).is_err());
}

#[test]
fn a_percept_that_is_not_finite_is_a_fault() {
    let mut cortex = sighted(params(4, 2, 1), 1, 1);
    watch(&mut cortex, 0..5);
    let sight = &mut cortex.state.sights[0];
    sight.tokens.push().fill(f32::NAN);
    let startle = recalled(0, SampleKind::Startle(Startle::Gap), features(moving(5)));
    let fault = cortex.step(startle).expect_err("not finite");
    assert!(fault.what.contains("number 0 of the percept is NaN"), "{fault}");
}

#[test]
fn the_percept_depends_on_the_eyes_and_on_the_order_of_the_frames() {
    let percept = |number, reversed: bool| {
        let mut cortex = sighted(params(4, 4, 3), 1, number);
        let order = (0..12).map(|i| if reversed { 11 - i } else { i });
        order.map(|i| cortex.step(regular(moving(i))).expect("a percept").percept.v).last()
    };
    assert_ne!(percept(1, false), percept(2, false));
    assert_ne!(percept(1, false), percept(1, true));
}

#[test]
fn an_operator_sees_the_frames_that_the_eyes_read() {
    let mut cortex = sighted(params(4, 2, 3), 2, 1);
    watch(&mut cortex, 0..11);
    assert_eq!(cortex.frames(InstrumentId(1)), None);
    assert_eq!(cortex.frames(InstrumentId(2)), None);
    let frames = cortex.frames(InstrumentId(0)).expect("a whole video");
    assert_eq!(frames.len(), 3 * 2 * SEEN_COUNT);
    let newest: Vec<f32> =
        frames.iter().filter(|frame| frame.age_samples == 0).flat_map(|frame| frame.pixels.clone()).collect();
    let mut token = [0.0; TOKEN];
    let eyes = fixture::eyes(cortex.encoder.shape, 1);
    eyes.frame.infer(&newest, &mut token).expect("a token");
    assert_eq!(cortex.state.sights[0].tokens.back(0), Some(&token[..]));
    let first = &frames[0];
    assert_eq!((first.age_samples, first.feature, first.field), (4, SEEN[0].feature, Field::Sum));
    assert_eq!((frames[1].field, frames[2].feature), (Field::Difference, SEEN[1].feature));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn peeking_is_stepping_without_a_trace(
        samples in prop::collection::vec(
            (prop::array::uniform6(prop::option::weighted(0.9, any::<f32>())), prop::bool::weighted(0.2)),
            1..30,
        ),
        trained in any::<bool>(),
    ) {
        let params = params(3, 2, 2);
        let mut cortex = if trained { sighted(params, 1, 1) } else { blind(params, 1) };
        for (x, startled) in samples {
            let mut features = FeatureVector::default();
            SEEN.iter().zip(x).for_each(|(seen, x)| features[seen.feature] = x);
            let kind = if startled { SampleKind::Startle(Startle::Gap) } else { SampleKind::Regular };
            let before = cortex.digest();
            let peeked = cortex.peek(recalled(0, kind, features));
            prop_assert_eq!(cortex.digest(), before);
            let stepped = cortex.step(recalled(0, kind, features));
            prop_assert!(stepped.is_ok());
            prop_assert_eq!(peeked, stepped);
            prop_assert!(!startled || cortex.digest() == before);
        }
    }

    #[test]
    fn what_is_kept_agrees_with_the_whole_video(
        samples in prop::collection::vec(prop::array::uniform6(any::<f32>()), 1..40),
        window in 2usize..6,
        stride in 1usize..4,
        frames in 1usize..4,
        trained in any::<bool>(),
    ) {
        let params = params(window, stride, frames);
        let mut cortex = if trained { sighted(params, 1, 1) } else { blind(params, 1) };
        for x in samples {
            let v = cortex.step(regular(x)).expect("an answer").percept.v;
            let unseen = x.iter().any(|x| !x.is_finite());
            let whole = cortex.see_whole(InstrumentId(0)).expect("eyes without a fault");
            prop_assert_eq!(v, if unseen { Box::default() } else { whole });
        }
    }
}
