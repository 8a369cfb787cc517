//! What surrounds a region's step wherever it runs: gauges, spans, and what tests put in the way.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use market::InstrumentId;
use synapse::{Fault, Judged, Region};

use super::gauges::Gauges;
use super::trace::{Traced, Tracer};
use crate::brain::line::REGIONS;

/// What a test lets happen before a region's step with a sample: it may change the message, panic, take its
/// time, or fail. It is told the region, the input's number and the instrument. Before the brainstem senses
/// an input there is no message, and the instrument is nobody's: the largest number.
pub type Hook = Arc<dyn Fn(&'static str, u64, InstrumentId, &mut dyn Any) -> Result<(), Fault> + Send + Sync>;

/// The instrument of an input that is no sample yet.
const NOBODYS: InstrumentId = InstrumentId(u16::MAX);

/// A sample's place in the sequence, and its way in the log.
#[derive(Debug, Clone)]
pub struct Place {
    /// The input's number.
    pub sequence: u64,
    /// The sample's instrument.
    pub instrument: InstrumentId,
    /// Its way through the line, where that is told.
    pub traced: Traced,
}

/// What surrounds the steps of the regions.
#[derive(Clone, Default)]
pub struct Workbench {
    gauges: Arc<Gauges>,
    hook: Option<Hook>,
    /// Every so many inputs one is traced, by a brain that tells of itself.
    trace_every: u64,
    tracer: Option<Tracer>,
}

impl fmt::Debug for Workbench {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workbench").field("hooked", &self.hook.is_some()).finish_non_exhaustive()
    }
}

impl Workbench {
    /// One that traces an input of so many, and lets `hook` happen before each step.
    pub fn new(trace_every: u64, hook: Option<Hook>) -> Self {
        Self { hook, trace_every, ..Self::default() }
    }

    /// From here on samples are traced in the log.
    pub(in crate::brain) const fn speak(&mut self) {
        self.tracer = Some(Tracer::new(self.trace_every));
    }

    /// The gauges.
    pub const fn gauges(&self) -> &Arc<Gauges> {
        &self.gauges
    }

    /// The place of a sample that the brainstem took so long to make.
    pub(in crate::brain) fn place(
        &self,
        sequence: u64,
        instrument: InstrumentId,
        sensing: Duration,
    ) -> Place {
        let traced = self.tracer.map_or_else(Traced::default, |tracer| tracer.sample(sequence, instrument));
        traced.took(REGIONS[0], sensing);
        Place { sequence, instrument, traced }
    }

    /// A sample was judged.
    pub(in crate::brain) fn judged(&self, place: &Place, judged: &Judged) {
        place.traced.verdict(judged);
    }

    /// A region's step with a sample; `at` is its place in [`REGIONS`].
    pub(in crate::brain) fn step<R: Region<In: 'static>>(
        &self,
        at: usize,
        region: &mut R,
        mut message: R::In,
        place: &Place,
    ) -> Result<R::Out, Fault> {
        let gauge = &self.gauges.regions()[at];
        let began = gauge.begin(place.sequence, Some(place.instrument));
        if let Some(hook) = &self.hook {
            hook(REGIONS[at], place.sequence, place.instrument, &mut message)?;
        }
        let _step = place.traced.region(REGIONS[at]);
        // whoever looks for who failed finds it at work
        let out = region.step(message)?;
        gauge.end(began, true);
        Ok(out)
    }

    /// Other work of a region on an input, and how long it took; `counts` where it is with samples.
    pub(in crate::brain) fn work(
        &self,
        at: usize,
        sequence: u64,
        counts: bool,
        work: impl FnOnce() -> Result<(), Fault>,
    ) -> Result<Duration, Fault> {
        let gauge = &self.gauges.regions()[at];
        let began = gauge.begin(sequence, None);
        // an input strikes the brainstem; behind it samples do
        if let Some(hook) = self.hook.as_ref().filter(|_| at == 0) {
            hook(REGIONS[at], sequence, NOBODYS, &mut ())?;
        }
        work()?;
        gauge.end(began, counts);
        Ok(began.elapsed())
    }
}
