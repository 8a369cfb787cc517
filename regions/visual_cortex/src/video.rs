//! The video of section 1.2.1: a window of W samples slides by a stride S, one frame a position.
//!
//! Only angles are kept, a ring long enough for the newest N frames; a frame is drawn from them
//! when somebody looks. Left-aligned, a frame is due at sample t when t ≥ W and (t − W) mod S = 0,
//! which is the video a whole series gives offline. Right-aligned, the last window ends at the
//! newest sample, so a live decision never looks at a picture without it.

use crate::gaf;
use crate::normalisation::Angle;

/// The fields drawn of each feature: GASF, then GADF.
pub const FIELDS: usize = 2;

/// A field of a feature's window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The summation field, GASF (4).
    Sum,
    /// The difference field, GADF (5).
    Difference,
}

impl Field {
    /// All, in the order of a frame.
    pub const ALL: [Self; FIELDS] = [Self::Sum, Self::Difference];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sum => "gasf",
            Self::Difference => "gadf",
        }
    }
}

/// The sizes of a video; each at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Features F drawn side by side.
    pub features: usize,
    /// Samples W in a window.
    pub window: usize,
    /// Samples S between windows; more than a window leaves gaps.
    pub stride: usize,
    /// Frames N that are kept.
    pub frames: usize,
}

impl Shape {
    /// Pixels of a frame, `[2F][W][W]`.
    #[must_use]
    pub fn frame_len(&self) -> usize {
        FIELDS * self.features * self.window * self.window
    }

    /// Windows in a series of so many samples: ⌊(T − W)/S⌋ + 1, or 0 where T < W.
    #[must_use]
    pub fn windows(&self, samples: u64) -> u64 {
        samples.checked_sub(self.window as u64).map_or(0, |rest| rest / self.stride as u64 + 1)
    }

    /// Samples from the oldest window to the newest, (N − 1)·S.
    #[must_use]
    pub fn lag(&self) -> usize {
        (self.frames - 1) * self.stride
    }

    /// Samples in a whole video whose last window ends with its newest sample, W + (N − 1)·S.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.window + self.lag()
    }

    /// The samples that N windows need, wherever between two strides one stands.
    fn history(&self) -> usize {
        self.window + self.frames * self.stride - 1
    }
}

/// Where windows stand in a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alignment {
    /// The first window begins with the first sample; the newest samples may be in none.
    Left,
    /// The last window ends with the newest sample; the oldest samples may be in none.
    Right,
}

/// The newest samples of every feature, as angles.
#[derive(Clone, Debug, PartialEq)]
pub struct Video {
    shape: Shape,
    samples: u64,
    // [F][2 · history]: each sample stands twice, a history apart, so that every window is one
    // unbroken slice.
    cos: Vec<f32>,
    sin: Vec<f32>,
}

impl Video {
    /// An empty video.
    ///
    /// # Panics
    /// If a size is 0.
    #[must_use]
    pub fn new(shape: Shape) -> Self {
        let Shape { features, window, stride, frames } = shape;
        assert!(features.min(window).min(stride).min(frames) > 0, "a size is 0: {shape:?}");
        let angles = vec![0.0; features * 2 * shape.history()];
        Self { shape, samples: 0, cos: angles.clone(), sin: angles }
    }

    /// Its sizes.
    #[must_use]
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Samples pushed since it was empty.
    #[must_use]
    pub fn samples(&self) -> u64 {
        self.samples
    }

    /// Appends a sample, one angle a feature; true when a left-aligned frame is due.
    ///
    /// # Panics
    /// If there is not one angle a feature.
    pub fn push(&mut self, angles: &[Angle]) -> bool {
        assert_eq!(angles.len(), self.shape.features, "one angle a feature");
        let history = self.shape.history();
        let slot = (self.samples % history as u64) as usize;
        for (feature, angle) in angles.iter().enumerate() {
            for place in [slot, slot + history] {
                self.cos[feature * 2 * history + place] = angle.cos;
                self.sin[feature * 2 * history + place] = angle.sin;
            }
        }
        self.samples += 1;
        self.ages(Alignment::Left).next_back() == Some(0)
    }

    /// The ages of the windows that are kept, oldest first; a window's age is the number of samples
    /// that came after its last one.
    pub fn ages(&self, alignment: Alignment) -> impl DoubleEndedIterator<Item = usize> + use<> {
        let Shape { window, stride, frames, .. } = self.shape;
        let kept = self.shape.windows(self.samples).min(frames as u64) as usize;
        let newest = match alignment {
            Alignment::Left => (self.samples.saturating_sub(window as u64) % stride as u64) as usize,
            Alignment::Right => 0,
        };
        (0..kept).rev().map(move |back| newest + back * stride)
    }

    /// Draws the frame of the window of this age, `[2F][W][W]`: for each feature its GASF, then its
    /// GADF. False, and nothing drawn, where the window reaches beyond what is kept.
    ///
    /// # Panics
    /// If `frame` has not the length [`Shape::frame_len`].
    pub fn draw(&self, age: usize, frame: &mut [f32]) -> bool {
        assert_eq!(frame.len(), self.shape.frame_len(), "a frame is [2F][W][W]");
        let (window, history) = (self.shape.window, self.shape.history());
        let reach = (age + window) as u64;
        if reach > self.samples.min(history as u64) {
            return false;
        }
        let start = ((self.samples - reach) % history as u64) as usize;
        let pixels = window * window;
        for (feature, fields) in frame.chunks_exact_mut(FIELDS * pixels).enumerate() {
            let from = feature * 2 * history + start;
            let (cos, sin) = (&self.cos[from..from + window], &self.sin[from..from + window]);
            let (sum, difference) = fields.split_at_mut(pixels);
            gaf::gasf(cos, sin, sum);
            gaf::gadf(cos, sin, difference);
        }
        true
    }

    /// Forgets every sample.
    pub fn clear(&mut self) {
        self.samples = 0;
        self.cos.fill(0.0);
        self.sin.fill(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use support::golden::{self, Case};

    fn angle(x: f64) -> Angle {
        let (mut cos, mut sin) = ([0.0], [0.0]);
        gaf::polar(&[x], &mut cos, &mut sin).expect("a value in range");
        Angle { cos: cos[0], sin: sin[0] }
    }

    fn video(case: &Case, samples: usize) -> Video {
        let (window, stride) = (case.number("W") as usize, case.number("S") as usize);
        Video::new(Shape { features: 1, window, stride, frames: samples.max(1) })
    }

    fn golden_windows(case: &Case) {
        let samples = case.number("T") as usize;
        let mut video = video(case, samples);
        let window = video.shape().window;
        let span = |end: usize| [(end - window) as f64, end as f64];
        let mut due = Vec::new();
        for end in 1..=samples {
            if video.push(&[angle(0.0)]) {
                due.extend(span(end));
            }
        }
        case.check("N", &[video.shape().windows(samples as u64) as f64]);
        case.check("start_end", &due);
        let right: Vec<f64> = video.ages(Alignment::Right).flat_map(|age| span(samples - age)).collect();
        case.check("right_aligned_start_end", &right);
        let dropped = video.ages(Alignment::Left).next_back().unwrap_or(samples);
        case.check("dropped_tail", &[dropped as f64]);
    }

    fn golden_frames(case: &Case) {
        let x = case.input("x");
        let mut video = video(case, x.len());
        let mut frame = vec![0.0; video.shape().frame_len()];
        let (mut sums, mut differences) = (Vec::new(), Vec::new());
        for &x in &x {
            if video.push(&[angle(x)]) {
                assert!(video.draw(0, &mut frame));
                let (sum, difference) = frame.split_at(frame.len() / FIELDS);
                sums.extend(sum.iter().map(|&pixel| f64::from(pixel)));
                differences.extend(difference.iter().map(|&pixel| f64::from(pixel)));
            }
        }
        case.check("video_gasf", &sums);
        case.check("video_gadf", &differences);
    }

    #[test]
    fn golden_video() {
        for case in golden::cases("03_") {
            if case.inputs["x"].is_null() {
                golden_windows(&case);
            } else {
                golden_frames(&case.single_precision());
            }
        }
    }

    #[test]
    fn a_cleared_video_is_a_new_one() {
        let shape = Shape { features: 2, window: 3, stride: 2, frames: 2 };
        let mut video = Video::new(shape);
        for _ in 0..9 {
            video.push(&[angle(0.3), angle(-0.4)]);
        }
        video.clear();
        assert_eq!(video, Video::new(shape));
        assert!(!video.draw(0, &mut vec![0.0; shape.frame_len()]));
    }

    proptest! {
        #[test]
        fn the_ring_draws_what_the_whole_series_gives(
            x in prop::collection::vec(prop::array::uniform2(-1.0f64..=1.0), 0..60),
            window in 1usize..9,
            stride in 1usize..12,
            frames in 1usize..5,
            right in any::<bool>(),
        ) {
            let shape = Shape { features: 2, window, stride, frames };
            let mut video = Video::new(shape);
            for sample in &x {
                video.push(&sample.map(angle));
            }
            let alignment = if right { Alignment::Right } else { Alignment::Left };
            let first = if right && x.len() >= window { (x.len() - window) % stride } else { 0 };
            let starts: Vec<usize> =
                (first..x.len()).step_by(stride).filter(|s| s + window <= x.len()).collect();
            prop_assert_eq!(starts.len() as u64, shape.windows(x.len() as u64));
            let kept = &starts[starts.len().saturating_sub(frames)..];
            let ages: Vec<usize> = video.ages(alignment).collect();
            prop_assert_eq!(ages.len(), kept.len());
            for (&age, &start) in ages.iter().zip(kept) {
                prop_assert_eq!(x.len() - age, start + window);
                let mut frame = vec![0.0; shape.frame_len()];
                prop_assert!(video.draw(age, &mut frame));
                for (feature, fields) in frame.chunks(2 * window * window).enumerate() {
                    let series = &x[start..start + window];
                    let phi: Vec<f64> = series.iter().map(|s| libm::acos(s[feature])).collect();
                    for (pixel, at) in (0..window * window).map(|p| (p, (p / window, p % window))) {
                        let sum = libm::cos(phi[at.0] + phi[at.1]);
                        let difference = libm::sin(phi[at.0] - phi[at.1]);
                        prop_assert!((f64::from(fields[pixel]) - sum).abs() < 1e-6);
                        let drawn = f64::from(fields[window * window + pixel]);
                        prop_assert!((drawn - difference).abs() < 1e-6);
                    }
                }
            }
        }
    }
}
