//! The line of regions (L2): every sample passes them in one order.

use std::time::Instant;

use amygdala::Amygdala;
use basal_ganglia::BasalGanglia;
use brainstem::Brainstem;
use cerebellum::Cerebellum;
use hippocampus::Hippocampus;
use market::{InstrumentId, Timestamp};
use neocortex::Neocortex;
use prefrontal::Prefrontal;
use serde::{Deserialize, Serialize};
use synapse::{Fault, Input, InputKind, Judged, Notice, Region, Sensed, Tick};
use thalamus::Thalamus;
use visual_cortex::VisualCortex;

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

/// What a line's work took: wall time, so no part of any decision.
#[derive(Debug, Clone, Default)]
pub struct Workbench {
    /// Nanoseconds spent in each region on samples, in the order of [`REGIONS`]; the brainstem's
    /// market events are not counted here.
    pub region_ns: [u64; REGIONS.len()],
}

impl Workbench {
    pub(super) fn time<T>(&mut self, region: usize, work: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        let result = work();
        self.region_ns[region] += began.elapsed().as_nanos() as u64;
        result
    }
}

impl Line {
    /// Thinks one sample through, from fear to judgement.
    ///
    /// # Errors
    /// A region's [`Fault`].
    pub fn think(&mut self, sensed: Sensed, bench: &mut Workbench) -> Result<Judged, Fault> {
        let appraised = bench.time(1, || self.amygdala.step(sensed))?;
        let encoded = bench.time(2, || self.hippocampus.step(appraised))?;
        let recalled = bench.time(3, || self.neocortex.step(encoded))?;
        let perceived = bench.time(4, || self.visual_cortex.step(recalled))?;
        let fused = bench.time(5, || self.thalamus.step(perceived))?;
        let proposed = bench.time(6, || self.basal_ganglia.step(fused))?;
        let forecast = bench.time(7, || self.cerebellum.step(proposed))?;
        bench.time(8, || self.prefrontal.step(forecast))
    }

    /// Lets a notice pass every region behind the brainstem.
    ///
    /// # Errors
    /// A region's [`Fault`].
    pub fn notice(&mut self, notice: &Notice) -> Result<(), Fault> {
        self.amygdala.notice(notice)?;
        self.hippocampus.notice(notice)?;
        self.neocortex.notice(notice)?;
        self.visual_cortex.notice(notice)?;
        self.thalamus.notice(notice)?;
        self.basal_ganglia.notice(notice)?;
        self.cerebellum.notice(notice)?;
        self.prefrontal.notice(notice)
    }

    /// What every region remembers.
    pub fn state(&self) -> LineState {
        LineState([
            self.brainstem.snapshot(),
            self.amygdala.snapshot(),
            self.hippocampus.snapshot(),
            self.neocortex.snapshot(),
            self.visual_cortex.snapshot(),
            self.thalamus.snapshot(),
            self.basal_ganglia.snapshot(),
            self.cerebellum.snapshot(),
            self.prefrontal.snapshot(),
        ])
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
pub struct LineState([Vec<u8>; REGIONS.len()]);
