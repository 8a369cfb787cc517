//! The region: features in, percept out.

use serde::{Deserialize, Serialize};
use synapse::{Fault, Notice, NoticeKind, Perceived, Percept, Recalled, Region, Sensed};

use crate::NAME;
use crate::normalisation::{Angle, INITIAL_SCALE, Normaliser};
use crate::past::Past;
use crate::percept::{percept, percept_len};
use crate::seen::{self, SEEN, SEEN_COUNT};
use crate::video::{Alignment, Shape, Video};

market::params! {
    /// What a picture is made of.
    pub struct VisualCortexParams in "visual_cortex" {
        /// Samples in a window, W: the side of a picture.
        window: usize = 32, "samples", 2.0, 128.0;
        /// Samples from one window to the next, S; more than a window leaves gaps.
        stride: usize = 4, "samples", 1.0, 128.0;
        /// Frames of the video, N.
        frames: usize = 8, "frames", 1.0, 64.0;
        /// Weight of the newest sample in the mean and variance by which a feature is normalised.
        gain: f64 = 0.01, "1", 1e-6, 1.0;
        /// Standard deviations of a feature to angles: the factor γ before the tanh (1).
        scale: f32 = INITIAL_SCALE, "1", 0.01, 10.0;
    }
}

impl VisualCortexParams {
    fn shape(&self) -> Shape {
        let &Self { window, stride, frames, .. } = self;
        Shape { features: SEEN_COUNT, window, stride, frames }
    }
}

/// What the visual cortex remembers of one instrument.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Sight {
    normalisers: Vec<Normaliser>,
    video: Video,
    past: Past,
}

/// What the visual cortex remembers, in rank order of the instruments.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    sights: Vec<Sight>,
}

/// The visual cortex.
#[derive(Debug, Clone)]
pub struct VisualCortex {
    shape: Shape,
    /// Room for one frame, `[2F][W][W]`.
    canvas: Vec<f32>,
    state: State,
}

impl VisualCortex {
    /// Eyes for so many instruments.
    ///
    /// # Panics
    /// If a parameter is outside its bounds.
    #[must_use]
    pub fn new(params: VisualCortexParams, instruments: usize) -> Self {
        let shape = params.shape();
        let normaliser =
            |seen: &seen::Seen| Normaliser::new(params.gain, seen.unit).with_affine(params.scale, 0.0);
        let sight = || Sight {
            normalisers: SEEN.iter().map(normaliser).collect(),
            video: Video::new(shape),
            past: past(shape),
        };
        let sights = (0..instruments).map(|_| sight()).collect();
        Self { shape, canvas: vec![0.0; shape.frame_len()], state: State { sights } }
    }

    /// The length of a percept v with these parameters: the statistics of the newest frame, then,
    /// where the video has more than one, how much each changed since the oldest.
    #[must_use]
    pub fn percept_len(params: &VisualCortexParams) -> usize {
        v_len(params.shape())
    }
}

fn v_len(shape: Shape) -> usize {
    let parts = if shape.frames > 1 { 2 } else { 1 };
    parts * percept_len(shape.features)
}

/// Room for what was seen, back to the oldest frame of the video.
fn past(shape: Shape) -> Past {
    Past::new(percept_len(shape.features), (shape.frames - 1) * shape.stride)
}

impl Sight {
    /// Takes a sample in and tells what is seen. A shock between samples teaches nothing: it is
    /// answered with what was seen last. Where a feature is missing nothing is seen.
    fn see(&mut self, sensed: &Sensed, canvas: &mut [f32]) -> Result<Percept, Fault> {
        let mut v = Box::default();
        if let Some(values) = seen::look(&sensed.features) {
            if sensed.is_regular() {
                self.take(values, canvas);
            }
            v = self.describe();
        }
        if let Some(at) = v.iter().position(|x| !x.is_finite()) {
            return Err(Fault::new(NAME, format!("number {at} of the percept is {}", v[at])));
        }
        let frames = self.video.ages(Alignment::Right).count() as u32;
        Ok(Percept { v, frames })
    }

    fn take(&mut self, values: [f32; SEEN_COUNT], canvas: &mut [f32]) {
        let mut angles = [Angle::of(0.0); SEEN_COUNT];
        for ((angle, normaliser), value) in angles.iter_mut().zip(&mut self.normalisers).zip(values) {
            *angle = normaliser.normalise(value);
        }
        self.video.push(&angles);
        if self.video.draw(0, canvas) {
            percept(canvas, self.video.shape().window, self.past.push());
        }
    }

    /// The percept v: what was seen last, and how much it changed since the oldest frame.
    fn describe(&self) -> Box<[f32]> {
        let Some(newest) = self.past.newest() else { return Box::default() };
        let mut v = vec![0.0; v_len(self.video.shape())].into_boxed_slice();
        let (now, change) = v.split_at_mut(newest.len());
        now.copy_from_slice(newest);
        if let Some(oldest) = self.past.oldest() {
            for ((change, now), old) in change.iter_mut().zip(newest).zip(oldest) {
                *change = now - old;
            }
        }
        v
    }

    /// Forgets the frames; how the market usually looks is kept.
    fn clear(&mut self) {
        self.video.clear();
        self.past.clear();
    }
}

impl Region for VisualCortex {
    type In = Recalled;
    type Out = Perceived;
    type State = State;
    const NAME: &'static str = NAME;

    fn step(&mut self, recalled: Recalled) -> Result<Perceived, Fault> {
        let sensed = recalled.sensed();
        let percept = self.state.sights[sensed.instrument.index()].see(sensed, &mut self.canvas)?;
        Ok(Perceived { recalled, percept })
    }

    fn notice(&mut self, notice: &Notice) -> Result<(), Fault> {
        if notice.kind == NoticeKind::Restarted {
            self.state.sights.iter_mut().for_each(Sight::clear);
        }
        Ok(())
    }

    fn peek(&self, recalled: Recalled) -> Result<Perceived, Fault> {
        let sensed = recalled.sensed();
        let mut copy = self.state.sights[sensed.instrument.index()].clone();
        let percept = copy.see(sensed, &mut vec![0.0; self.shape.frame_len()])?;
        Ok(Perceived { recalled, percept })
    }

    fn state(&self) -> &State {
        &self.state
    }

    fn set_state(&mut self, state: State) {
        self.state = state;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::recalled;
    use market::Timestamp;
    use market::features::FeatureVector;
    use proptest::prelude::*;
    use synapse::{SampleKind, Startle};

    fn params(window: usize, stride: usize, frames: usize) -> VisualCortexParams {
        VisualCortexParams { window, stride, frames, ..VisualCortexParams::default() }
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
        let mut cortex = VisualCortex::new(params, 1);
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
        let mut cortex = VisualCortex::new(params(5, 2, 3), 1);
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
        let percepts = watch(&mut VisualCortex::new(params, 1), 0..9);
        assert_eq!(percepts[8].v.len(), percept_len(SEEN_COUNT));
    }

    #[test]
    fn what_is_missing_or_not_finite_leaves_no_trace() {
        let mut cortex = VisualCortex::new(params(3, 1, 2), 1);
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
        let mut cortex = VisualCortex::new(params(3, 1, 2), 1);
        let last = watch(&mut cortex, 0..9).pop().expect("percepts");
        let before = cortex.digest();
        let startle = recalled(0, SampleKind::Startle(Startle::Spread), features(moving(99)));
        assert_eq!(cortex.step(startle).expect("an answer").percept, last);
        assert_eq!(cortex.digest(), before);
    }

    #[test]
    fn a_restart_clears_the_frames_and_keeps_the_normalisation() {
        let mut cortex = VisualCortex::new(params(3, 1, 2), 2);
        watch(&mut cortex, 0..9);
        let kept: Vec<_> = cortex.state.sights.iter().map(|sight| sight.normalisers.clone()).collect();
        cortex.notice(&restarted()).expect("no fault");
        for (sight, kept) in cortex.state.sights.iter().zip(&kept) {
            assert_eq!((&sight.video, &sight.past), (&Video::new(cortex.shape), &past(cortex.shape)));
            assert_eq!(&sight.normalisers, kept);
        }
        let seen = watch(&mut cortex, 9..12);
        assert!(seen[1].v.is_empty() && !seen[2].v.is_empty());
    }

    #[test]
    fn other_notices_and_instruments_change_nothing() {
        let mut cortex = VisualCortex::new(params(3, 1, 2), 2);
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
        let mut cortex = VisualCortex::new(params(4, 2, 3), 1);
        watch(&mut cortex, 0..13);
        let bytes = cortex.snapshot();
        let mut other = VisualCortex::new(params(4, 2, 3), 1);
        assert!(other.restore(&bytes[1..]).is_err());
        other.restore(&bytes).expect("a snapshot");
        assert_eq!(other.digest(), cortex.digest());
        assert_eq!(watch(&mut other, 13..30), watch(&mut cortex, 13..30));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn peeking_is_stepping_without_a_trace(
            samples in prop::collection::vec(
                (prop::array::uniform6(prop::option::weighted(0.9, any::<f32>())), prop::bool::weighted(0.2)),
                1..30,
            ),
        ) {
            let mut cortex = VisualCortex::new(params(3, 2, 2), 1);
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
    }
}
