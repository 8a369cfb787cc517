//! The region: features in, percept out.

use market::InstrumentId;
use serde::{Deserialize, Serialize};
use synapse::{Fault, Notice, NoticeKind, Perceived, Recalled, Region};

use crate::encoder::{Easel, Encoder, statistics_len};
use crate::eyes::Eyes;
use crate::normalisation::INITIAL_SCALE;
use crate::picture::{SeenFrame, pictures};
use crate::seen::SEEN_COUNT;
use crate::sight::Sight;
use crate::video::{Shape, Video};
use crate::{NAME, VisionError};

market::params! {
    /// What a picture is made of.
    pub struct VisualCortexParams in "visual_cortex" {
        /// Samples in a window, W: the side of a picture.
        window: usize = 16, "samples", 2.0, 128.0;
        /// Samples from one window to the next, S; more than a window leaves gaps.
        stride: usize = 4, "samples", 1.0, 128.0;
        /// Frames of the video, N.
        frames: usize = 8, "frames", 1.0, 64.0;
        /// Weight of the newest sample in the mean and variance by which a feature is normalised.
        gain: f64 = 0.01, "1", 1e-6, 1.0;
        /// Standard deviations of a feature to angles: the factor γ before the tanh (1). Trained eyes
        /// have their own.
        scale: f32 = INITIAL_SCALE, "1", 0.01, 10.0;
    }
}

impl VisualCortexParams {
    fn shape(&self) -> Shape {
        let &Self { window, stride, frames, .. } = self;
        Shape { features: SEEN_COUNT, window, stride, frames }
    }
}

/// What the visual cortex remembers, in rank order of the instruments.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The eyes that read the frames; none where they are told by statistics.
    eyes: Option<[u8; 32]>,
    sights: Vec<Sight>,
}

/// The visual cortex.
#[derive(Debug)]
pub struct VisualCortex {
    encoder: Encoder,
    easel: Easel,
    /// The videos of the instruments, which follow from the state and the eyes.
    videos: Vec<Video>,
    state: State,
    /// Why the last state could not be taken over.
    refused: Option<Fault>,
}

impl VisualCortex {
    /// A visual cortex for so many instruments; without eyes its percept is plain statistics.
    ///
    /// # Errors
    /// A [`VisionError`] where the eyes are not of the sizes the parameters tell.
    ///
    /// # Panics
    /// If a parameter is outside its bounds.
    pub fn new(
        params: VisualCortexParams,
        instruments: usize,
        eyes: Option<Eyes>,
    ) -> Result<Self, VisionError> {
        let encoder = Encoder::new(params.shape(), params.scale, eyes)?;
        let sights = (0..instruments).map(|_| Sight::new(params.gain, &encoder)).collect();
        Ok(Self {
            easel: encoder.easel(),
            videos: vec![Video::new(encoder.shape); instruments],
            state: State { eyes: encoder.id(), sights },
            refused: None,
            encoder,
        })
    }

    /// The length of a percept v with these parameters and without eyes: the statistics of the newest
    /// frame, then, where the video has more than one, how much each changed since the oldest. With
    /// eyes it is [`Eyes::percept_len`].
    #[must_use]
    pub fn percept_len(params: &VisualCortexParams) -> usize {
        statistics_len(params.shape())
    }

    /// Frames of all instruments that eyes read as they came: with an instrument's samples n that are
    /// regular and lack nothing, max(0, n − (W − 1)) between two restarts. 0 without eyes.
    #[must_use]
    pub fn frames_encoded(&self) -> u64 {
        self.state.sights.iter().map(|sight| sight.frames_encoded).sum()
    }

    /// Frames of all instruments that were read once more because the eyes had changed.
    #[must_use]
    pub fn frames_reencoded(&self) -> u64 {
        self.state.sights.iter().map(|sight| sight.frames_reencoded).sum()
    }

    /// The percept v of an instrument from its whole video, every angle, frame and token worked out
    /// anew: what [`Region::step`] answers from what it kept. Empty where nothing is seen.
    ///
    /// # Errors
    /// A [`Fault`] of the eyes, or where there is no such instrument.
    pub fn see_whole(&self, instrument: InstrumentId) -> Result<Box<[f32]>, Fault> {
        let sight = self.state.sights.get(instrument.index());
        let sight = sight.ok_or_else(|| Fault::new(NAME, format!("there is no {instrument:?}")))?;
        self.encoder.whole(&sight.scores)
    }

    /// The frames of an instrument's video as they stand now, the oldest first; none before there is one.
    #[must_use]
    pub fn frames(&self, instrument: InstrumentId) -> Option<Vec<SeenFrame>> {
        let pictures = pictures(self.videos.get(instrument.index())?);
        (!pictures.is_empty()).then_some(pictures)
    }

    fn ready(&self) -> Result<(), Fault> {
        self.refused.clone().map_or(Ok(()), Err)
    }

    /// Takes a state over: the videos are drawn from what it holds, and read anew where other eyes, or
    /// none, read them. After a fault everything is as before.
    fn adopt(&mut self, mut state: State) -> Result<(), Fault> {
        let (scores, tokens) = (self.encoder.scores(), self.encoder.tokens());
        let stale = state.eyes != self.encoder.id();
        let fits = |sight: &&Sight| sight.scores.fits(&scores) && (stale || sight.tokens.fits(&tokens));
        let known = state.sights.iter().filter(fits).count();
        if (known, state.sights.len()) != (self.videos.len(), self.videos.len()) {
            let (held, needs) = (state.sights.len(), self.videos.len());
            let what = format!(
                "the state holds the videos of {held} instruments, {known} of them with the configured \
                 window, stride and frames, and {needs} are needed: use the one made with this configuration"
            );
            return Err(Fault::new(NAME, what));
        }
        let videos: Vec<Video> = state.sights.iter().map(|s| self.encoder.video(&s.scores)).collect();
        if stale {
            for (sight, video) in state.sights.iter_mut().zip(&videos) {
                sight.read_again(video, &self.encoder, &mut self.easel)?;
            }
            state.eyes = self.encoder.id();
        }
        (self.state, self.videos, self.refused) = (state, videos, None);
        Ok(())
    }
}

impl Region for VisualCortex {
    type In = Recalled;
    type Out = Perceived;
    type State = State;
    const NAME: &'static str = NAME;

    fn step(&mut self, recalled: Recalled) -> Result<Perceived, Fault> {
        self.ready()?;
        let sensed = recalled.sensed();
        let at = sensed.instrument.index();
        let (sight, video) = (&mut self.state.sights[at], &mut self.videos[at]);
        let percept = sight.see(sensed, video, &self.encoder, &mut self.easel)?;
        Ok(Perceived { recalled, percept })
    }

    fn notice(&mut self, notice: &Notice) -> Result<(), Fault> {
        if notice.kind == NoticeKind::Restarted {
            self.state.sights.iter_mut().for_each(Sight::clear);
            self.videos.iter_mut().for_each(Video::clear);
        }
        Ok(())
    }

    fn peek(&self, recalled: Recalled) -> Result<Perceived, Fault> {
        self.ready()?;
        let sensed = recalled.sensed();
        let at = sensed.instrument.index();
        let (mut sight, mut video) = (self.state.sights[at].clone(), self.videos[at].clone());
        let percept = sight.see(sensed, &mut video, &self.encoder, &mut self.encoder.easel())?;
        Ok(Perceived { recalled, percept })
    }

    fn state(&self) -> &State {
        &self.state
    }

    /// Puts back what it remembered; frames that other eyes read, or none, are read anew. What cannot
    /// be taken over is the fault of every later step.
    fn set_state(&mut self, state: State) {
        self.refused = self.adopt(state).err();
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let state = synapse::bytes::decode(bytes);
        self.adopt(state.map_err(|e| Fault::new(NAME, format!("the snapshot does not decode: {e}")))?)
    }
}

#[cfg(test)]
mod tests;
