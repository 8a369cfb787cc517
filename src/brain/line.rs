//! The line of regions (L2): every sample passes them in one order.

use std::time::Instant;

use amygdala::Amygdala;
use basal_ganglia::BasalGanglia;
use brainstem::Brainstem;
use cerebellum::Cerebellum;
use hippocampus::Hippocampus;
use neocortex::Neocortex;
use prefrontal::Prefrontal;
use synapse::{Fault, Judged, Notice, Region, Sensed};
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

    /// The hash over every region's state.
    pub fn digest(&self) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new();
        let digests = [
            self.brainstem.digest(),
            self.amygdala.digest(),
            self.hippocampus.digest(),
            self.neocortex.digest(),
            self.visual_cortex.digest(),
            self.thalamus.digest(),
            self.basal_ganglia.digest(),
            self.cerebellum.digest(),
            self.prefrontal.digest(),
        ];
        for digest in digests {
            hasher.update(digest.as_bytes());
        }
        hasher.finalize()
    }
}
