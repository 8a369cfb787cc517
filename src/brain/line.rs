//! The line of regions (L2): every sample passes them in one order.

use std::time::Duration;

use amygdala::Amygdala;
use basal_ganglia::BasalGanglia;
use brainstem::{Brainstem, Samples};
use cerebellum::Cerebellum;
use hippocampus::Hippocampus;
use market::book::Applied;
use market::{InstrumentId, Money, Timestamp};
use neocortex::Neocortex;
use prefrontal::Prefrontal;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use synapse::{Fault, Input, InputKind, Judged, LatchCause, Notice, NoticeKind, Region, Sensed, Tick};
use thalamus::Thalamus;
use visual_cortex::VisualCortex;

use super::hosts::Workbench;

/// The regions' names, in the order of the line.
pub const REGIONS: [&str; 9] = [
    Brainstem::NAME,
    Amygdala::NAME,
    Hippocampus::NAME,
    Neocortex::NAME,
    VisualCortex::NAME,
    Thalamus::NAME,
    BasalGanglia::NAME,
    Cerebellum::NAME,
    Prefrontal::NAME,
];

/// The regions.
#[derive(Debug)]
pub struct Line {
    /// The senses.
    pub brainstem: Brainstem,
    /// Fear.
    pub amygdala: Amygdala,
    /// Separation.
    pub hippocampus: Hippocampus,
    /// Recall.
    pub neocortex: Neocortex,
    /// Sight.
    pub visual_cortex: VisualCortex,
    /// Fusion.
    pub thalamus: Thalamus,
    /// Choice.
    pub basal_ganglia: BasalGanglia,
    /// Foresight.
    pub cerebellum: Cerebellum,
    /// Judgement.
    pub prefrontal: Prefrontal,
}

/// What the brainstem makes of an input.
pub(super) struct Senses {
    /// What is known of the input itself.
    pub thought: Thought,
    /// Its samples.
    pub samples: Samples,
    /// What later regions need of it.
    pub notice: Option<Notice>,
    /// How long it took.
    pub elapsed: Duration,
}

/// Lets an input pass the brainstem.
pub(super) fn sense(brainstem: &mut Brainstem, input: &Input, bench: &Workbench) -> Result<Senses, Fault> {
    let mut samples = Samples::new();
    let counts = matches!(input.kind, InputKind::Tick(_));
    let elapsed = bench.work(0, input.sequence, counts, || brainstem.sense(input, &mut samples))?;
    let mut thought = Thought::default();
    let mut notice = None;
    match &input.kind {
        InputKind::Market(_) => thought.applied = Some(brainstem.applied()),
        InputKind::Tick(_) => {}
        InputKind::Notice(kind) => {
            if let NoticeKind::Report(report) = kind {
                thought.notional = brainstem.notional(report);
            }
            notice = Some(Notice { sequence: input.sequence, time: input.time, kind: kind.clone() });
        }
    }
    Ok(Senses { thought, samples, notice, elapsed })
}

/// What the regions made of one input.
#[derive(Debug, Default)]
pub struct Thought {
    /// What the book made of a market event.
    pub applied: Option<Applied>,
    /// The notional of a fill.
    pub notional: Option<Money>,
    /// Its samples, thought through, in order.
    pub judged: Vec<Judged>,
    /// Why the latch is set behind it.
    pub latch: Option<LatchCause>,
}

impl Line {
    /// Lets an input pass all regions.
    ///
    /// # Errors
    /// A region's [`Fault`]; the regions are then in no state to go on.
    pub fn fold(&mut self, input: &Input, bench: &Workbench) -> Result<Thought, Fault> {
        let Senses { mut thought, samples, notice, elapsed } = sense(&mut self.brainstem, input, bench)?;
        for sample in samples {
            thought.judged.push(self.think(sample, elapsed, bench)?);
        }
        if let Some(notice) = notice {
            self.notice(&notice, bench)?;
        }
        thought.latch = self.prefrontal.latch();
        Ok(thought)
    }

    /// Thinks one sample, which it took so long to sense, through from fear to judgement.
    ///
    /// # Errors
    /// A region's [`Fault`].
    pub fn think(&mut self, sensed: Sensed, sensing: Duration, bench: &Workbench) -> Result<Judged, Fault> {
        let place = &bench.place(sensed.sequence, sensed.instrument, sensing);
        let appraised = bench.step(1, &mut self.amygdala, sensed, place)?;
        let encoded = bench.step(2, &mut self.hippocampus, appraised, place)?;
        let recalled = bench.step(3, &mut self.neocortex, encoded, place)?;
        let perceived = bench.step(4, &mut self.visual_cortex, recalled, place)?;
        let fused = bench.step(5, &mut self.thalamus, perceived, place)?;
        let proposed = bench.step(6, &mut self.basal_ganglia, fused, place)?;
        let forecast = bench.step(7, &mut self.cerebellum, proposed, place)?;
        let judged = bench.step(8, &mut self.prefrontal, forecast, place)?;
        bench.judged(place, &judged);
        Ok(judged)
    }

    /// Lets a notice pass every region behind the brainstem.
    ///
    /// # Errors
    /// A region's [`Fault`].
    fn notice(&mut self, notice: &Notice, bench: &Workbench) -> Result<(), Fault> {
        let work = |at, region: &mut dyn FnMut(&Notice) -> Result<(), Fault>| {
            bench.work(at, notice.sequence, false, || region(notice)).map(drop)
        };
        work(1, &mut |notice| self.amygdala.notice(notice))?;
        work(2, &mut |notice| self.hippocampus.notice(notice))?;
        work(3, &mut |notice| self.neocortex.notice(notice))?;
        work(4, &mut |notice| self.visual_cortex.notice(notice))?;
        work(5, &mut |notice| self.thalamus.notice(notice))?;
        work(6, &mut |notice| self.basal_ganglia.notice(notice))?;
        work(7, &mut |notice| self.cerebellum.notice(notice))?;
        work(8, &mut |notice| self.prefrontal.notice(notice))
    }

    /// What every region remembers.
    pub fn state(&self) -> LineState {
        let states = [
            self.brainstem.snapshot(),
            self.amygdala.snapshot(),
            self.hippocampus.snapshot(),
            self.neocortex.snapshot(),
            self.visual_cortex.snapshot(),
            self.thalamus.snapshot(),
            self.basal_ganglia.snapshot(),
            self.cerebellum.snapshot(),
            self.prefrontal.snapshot(),
        ];
        LineState(states.map(ByteBuf::from))
    }

    /// Puts back what every region remembered.
    ///
    /// # Errors
    /// A [`Fault`] where a region does not know the bytes for its own.
    pub fn restore(&mut self, state: &LineState) -> Result<(), Fault> {
        let LineState([senses, fear, code, schemas, sight, fusion, choice, foresight, judgement]) = state;
        self.brainstem.restore(senses)?;
        self.amygdala.restore(fear)?;
        self.hippocampus.restore(code)?;
        self.neocortex.restore(schemas)?;
        self.visual_cortex.restore(sight)?;
        self.thalamus.restore(fusion)?;
        self.basal_ganglia.restore(choice)?;
        self.cerebellum.restore(foresight)?;
        self.prefrontal.restore(judgement)
    }

    /// Looks at an instrument at `time` and thinks it through, without a change of anything (L4).
    ///
    /// # Errors
    /// A region's [`Fault`].
    pub fn peek(
        &self,
        sequence: u64,
        time: Timestamp,
        instrument: InstrumentId,
    ) -> Result<Option<Judged>, Fault> {
        let tick = Tick { fresh: smallvec::smallvec![instrument], ..Tick::default() };
        let input = Input { sequence, time, kind: InputKind::Tick(tick) };
        let Some(sensed) = self.brainstem.peek(input)?.pop() else { return Ok(None) };
        let appraised = self.amygdala.peek(sensed)?;
        let encoded = self.hippocampus.peek(appraised)?;
        let recalled = self.neocortex.peek(encoded)?;
        let perceived = self.visual_cortex.peek(recalled)?;
        let fused = self.thalamus.peek(perceived)?;
        let proposed = self.basal_ganglia.peek(fused)?;
        let forecast = self.cerebellum.peek(proposed)?;
        self.prefrontal.peek(forecast).map(Some)
    }
}

/// What the regions remember, in the order of [`REGIONS`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineState([ByteBuf; REGIONS.len()]);
