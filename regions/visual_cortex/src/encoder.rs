//! From normalised features to a percept: by trained eyes, or by statistics where there are none.

use synapse::Fault;

use crate::VisionError;
use crate::eyes::Eyes;
use crate::normalisation::Angle;
use crate::percept::{percept, percept_len};
use crate::ring::Ring;
use crate::seen::SEEN_COUNT;
use crate::video::{Alignment, Shape, Video};

/// Room to work in, so that nothing is allocated a sample.
#[derive(Debug)]
pub(crate) struct Easel {
    /// A frame, `[2F][W][W]`: what the frame network reads.
    pub canvas: Vec<f32>,
    /// The tokens of a video, `[N][d]`: what the temporal network reads.
    sequence: Vec<f32>,
}

/// How frames are drawn and read. What it makes of a frame is called its token, with and without eyes.
#[derive(Debug)]
pub(crate) struct Encoder {
    pub shape: Shape,
    scale: Vec<f32>,
    shift: Vec<f32>,
    eyes: Option<Eyes>,
}

impl Encoder {
    /// Without eyes every feature has the same untrained scale and no shift.
    pub fn new(shape: Shape, untrained_scale: f32, eyes: Option<Eyes>) -> Result<Self, VisionError> {
        let (scale, shift) = match &eyes {
            Some(eyes) => {
                eyes.check(shape)?;
                (eyes.scale.clone(), eyes.shift.clone())
            }
            None => (vec![untrained_scale; shape.features], vec![0.0; shape.features]),
        };
        Ok(Self { shape, scale, shift, eyes })
    }

    /// Which eyes these are, if any.
    pub fn id(&self) -> Option<[u8; 32]> {
        self.eyes.as_ref().map(|eyes| eyes.id)
    }

    /// The length of the percept v.
    pub fn percept_len(&self) -> usize {
        self.eyes.as_ref().map_or_else(|| statistics_len(self.shape), Eyes::percept_len)
    }

    pub fn easel(&self) -> Easel {
        let sequence = vec![0.0; self.shape.frames * self.token_len()];
        Easel { canvas: vec![0.0; self.shape.frame_len()], sequence }
    }

    /// Room for the normalised features of every sample that the video reaches back to.
    pub fn scores(&self) -> Ring {
        Ring::new(self.shape.features, self.shape.samples())
    }

    /// Room for the tokens of the newest frame and of all up to the oldest of the video, one a sample.
    pub fn tokens(&self) -> Ring {
        Ring::new(self.token_len(), self.shape.lag() + 1)
    }

    fn token_len(&self) -> usize {
        self.eyes.as_ref().map_or_else(|| percept_len(self.shape.features), |eyes| eyes.frame.outputs())
    }

    /// Shows a sample to the video, by its normalised features.
    pub fn show(&self, scores: &[f32], video: &mut Video) {
        let mut angles = [Angle::of(0.0); SEEN_COUNT];
        let affine = self.scale.iter().zip(&self.shift);
        for ((angle, &z), (scale, shift)) in angles.iter_mut().zip(scores).zip(affine) {
            *angle = Angle::of(scale * z + shift);
        }
        video.push(&angles);
    }

    /// The video of these samples.
    pub fn video(&self, scores: &Ring) -> Video {
        let mut video = Video::new(self.shape);
        for z in (0..scores.len()).rev().filter_map(|age| scores.back(age)) {
            self.show(z, &mut video);
        }
        video
    }

    /// Draws the frame of this age and writes its token; false where there is no such frame.
    pub fn read(
        &self,
        video: &Video,
        age: usize,
        canvas: &mut [f32],
        tokens: &mut Ring,
    ) -> Result<bool, Fault> {
        let drawn = video.draw(age, canvas);
        if drawn {
            match &self.eyes {
                Some(eyes) => eyes.frame.infer(canvas, tokens.push())?,
                None => percept(canvas, self.shape.window, tokens.push()),
            }
        }
        Ok(drawn)
    }

    /// The percept of a video whose tokens stand `stride` rows apart, the newest last. Eyes read a
    /// whole video or nothing; statistics are those of the newest frame and their change since the
    /// oldest of a whole one.
    pub fn percept(&self, tokens: &Ring, stride: usize, easel: &mut Easel) -> Result<Box<[f32]>, Fault> {
        let Some(newest) = tokens.back(0) else { return Ok(Box::default()) };
        let oldest = tokens.back((self.shape.frames - 1) * stride);
        let mut v = vec![0.0; self.percept_len()].into_boxed_slice();
        match (&self.eyes, oldest) {
            (None, oldest) => compare(newest, oldest, &mut v),
            (Some(_), None) => return Ok(Box::default()),
            (Some(eyes), Some(_)) => {
                let ages = (0..self.shape.frames).rev().map(|back| back * stride);
                let rows = easel.sequence.chunks_exact_mut(newest.len());
                for (row, token) in rows.zip(ages.filter_map(|age| tokens.back(age))) {
                    row.copy_from_slice(token);
                }
                eyes.temporal.infer(&easel.sequence, &mut v)?;
            }
        }
        Ok(v)
    }

    /// The percept of these samples with nothing of what was worked out before: every angle, frame
    /// and token anew.
    pub fn whole(&self, scores: &Ring) -> Result<Box<[f32]>, Fault> {
        let mut easel = self.easel();
        let video = self.video(scores);
        let mut tokens = Ring::new(self.token_len(), self.shape.frames);
        for age in video.ages(Alignment::Right) {
            self.read(&video, age, &mut easel.canvas, &mut tokens)?;
        }
        self.percept(&tokens, 1, &mut easel)
    }
}

/// The length of a percept without eyes: the statistics of the newest frame, then, where the video has
/// more than one, how much each changed since the oldest.
pub(crate) fn statistics_len(shape: Shape) -> usize {
    let parts = if shape.frames > 1 { 2 } else { 1 };
    parts * percept_len(shape.features)
}

/// What is seen now, and how much it changed since the oldest frame, if there is one.
fn compare(newest: &[f32], oldest: Option<&[f32]>, v: &mut [f32]) {
    let (now, change) = v.split_at_mut(newest.len());
    now.copy_from_slice(newest);
    if let Some(oldest) = oldest {
        for ((change, now), old) in change.iter_mut().zip(newest).zip(oldest) {
            *change = now - old;
        }
    }
}
