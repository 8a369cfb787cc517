//! What passes from one region's actor to the next, and what each makes of it.

use std::sync::Arc;

use brainstem::Brainstem;
use market::Money;
use market::book::Applied;
use prefrontal::Prefrontal;
use synapse::{Fault, Input, Judged, LatchCause, Notice, Region, Sensed};

use super::workbench::{Place, Workbench};
use crate::brain::line::{Senses, Thought, sense};

/// What passes from one region to the next, in the order of the inputs it is of.
#[derive(Debug)]
pub enum Packet<M> {
    /// A sample.
    Sample(M, Place),
    /// An input that every region folds.
    Notice(Arc<Notice>),
    /// Everything of these inputs has passed, one after the other.
    Passed(Vec<Passed>),
}

/// An input of which everything has passed.
#[derive(Debug, Clone, Copy)]
pub struct Passed {
    applied: Option<Applied>,
    notional: Option<Money>,
    latch: Option<LatchCause>,
}

/// One place in the line: what a region makes of what it receives.
pub trait Stage: Send + 'static {
    /// What it receives.
    type In: Send + 'static;
    /// What it passes on.
    type Out: Send + 'static;

    /// Takes one packet, and adds what comes of it to `out`.
    ///
    /// # Errors
    /// The region's [`Fault`].
    fn pass(&mut self, packet: Self::In, bench: &Workbench, out: &mut Vec<Self::Out>) -> Result<(), Fault>;
}

impl Stage for Brainstem {
    type In = Input;
    type Out = Packet<Sensed>;

    fn pass(&mut self, input: Input, bench: &Workbench, out: &mut Vec<Self::Out>) -> Result<(), Fault> {
        let Senses { thought, samples, notice, elapsed } = sense(self, &input, bench)?;
        for sample in samples {
            let place = bench.place(sample.sequence, sample.instrument, elapsed);
            out.push(Packet::Sample(sample, place));
        }
        out.extend(notice.map(|notice| Packet::Notice(Arc::new(notice))));
        let Thought { applied, notional, .. } = thought;
        let passed = Passed { applied, notional, latch: None };
        // most inputs end here: those that follow each other travel together
        match out.last_mut() {
            Some(Packet::Passed(list)) => list.push(passed),
            _ => out.push(Packet::Passed(vec![passed])),
        }
        Ok(())
    }
}

/// A region behind the brainstem, and its place in the line.
#[derive(Debug)]
pub struct Behind<R>(pub R, pub usize);

impl<R> Stage for Behind<R>
where
    R: Region<In: Send + 'static, Out: Send + 'static> + Latching + 'static,
{
    type In = Packet<R::In>;
    type Out = Packet<R::Out>;

    fn pass(&mut self, packet: Self::In, bench: &Workbench, out: &mut Vec<Self::Out>) -> Result<(), Fault> {
        let Self(region, at) = self;
        out.push(match packet {
            Packet::Sample(message, place) => {
                Packet::Sample(bench.step(*at, region, message, &place)?, place)
            }
            Packet::Notice(notice) => {
                bench.work(*at, notice.sequence, false, || region.notice(&notice))?;
                Packet::Notice(notice)
            }
            Packet::Passed(mut list) => {
                region.latching(&mut list);
                Packet::Passed(list)
            }
        });
        Ok(())
    }
}

/// What a region knows of the latch: only prefrontal does.
pub trait Latching {
    /// Writes it to the inputs that have passed.
    fn latching(&self, _passed: &mut [Passed]) {}
}

impl Latching for Prefrontal {
    fn latching(&self, passed: &mut [Passed]) {
        let latch = self.latch();
        passed.iter_mut().for_each(|passed| passed.latch = latch);
    }
}

impl Latching for amygdala::Amygdala {}
impl Latching for hippocampus::Hippocampus {}
impl Latching for neocortex::Neocortex {}
impl Latching for visual_cortex::VisualCortex {}
impl Latching for thalamus::Thalamus {}
impl Latching for basal_ganglia::BasalGanglia {}
impl Latching for cerebellum::Cerebellum {}

/// The thoughts that packets at the end of the line are: one an input.
#[derive(Debug, Default)]
pub struct Gathering {
    judged: Vec<Judged>,
}

impl Gathering {
    /// Takes packets, and gives the thoughts that are whole.
    pub fn gather(&mut self, packets: Vec<Packet<Judged>>, bench: &Workbench, thoughts: &mut Vec<Thought>) {
        for packet in packets {
            match packet {
                Packet::Sample(judged, place) => {
                    bench.judged(&place, &judged);
                    self.judged.push(judged);
                }
                Packet::Notice(_) => {}
                Packet::Passed(list) => thoughts.extend(list.into_iter().map(|passed| {
                    let Passed { applied, notional, latch } = passed;
                    Thought { applied, notional, judged: std::mem::take(&mut self.judged), latch }
                })),
            }
        }
    }
}
