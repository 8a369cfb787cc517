//! What thinks: regions, gate and experience encoder, folding one input after the other. The plain
//! loop, recovery and replay all run this.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use hippocampus::ExperienceEncoder;
use market::{InstrumentId, Timestamp};
use serde::{Deserialize, Serialize};
use synapse::{DecisionRecord, Digest, Fault, Input, InputKind, Notice, NoticeKind, Outcome, Sensed};

use super::gate::{Effect, Gate};
use super::line::{Line, LineState, Workbench};
use super::observer::Observer;
use super::totals::Totals;

/// Effects, each with the event time it has.
pub type Effects = Vec<(Timestamp, Effect)>;

/// What a mind remembers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MindState {
    line: LineState,
    gate: Gate,
    encoder: ExperienceEncoder,
    digest: Digest,
    totals: Totals,
    /// The artefacts that took effect, in order.
    activated: Vec<[u8; 32]>,
    has_ended: bool,
}

impl MindState {
    /// The artefacts that took effect, in order.
    pub fn activated(&self) -> &[[u8; 32]] {
        &self.activated
    }
}

/// The mind.
#[derive(Debug)]
pub struct Mind {
    line: Line,
    gate: Gate,
    encoder: ExperienceEncoder,
    digest: Digest,
    activated: Vec<[u8; 32]>,
    has_ended: bool,
    /// Whose sample is thought through.
    thinking: Option<InstrumentId>,
    /// Inputs that every region folds as absent (S2).
    absent: BTreeSet<u64>,
    totals: Totals,
    bench: Workbench,
    samples: Vec<Sensed>,
    released: Vec<Effect>,
    /// Whether it tells the log what it decides: one that thinks again does not.
    is_loud: bool,
}

impl Mind {
    /// A mind that has seen nothing.
    pub fn new(line: Line, gate: Gate, encoder: ExperienceEncoder) -> Self {
        Self {
            line,
            gate,
            encoder,
            digest: Digest::default(),
            activated: Vec::new(),
            has_ended: false,
            thinking: None,
            absent: BTreeSet::new(),
            totals: Totals::default(),
            bench: Workbench::default(),
            samples: Vec::new(),
            released: Vec::new(),
            is_loud: false,
        }
    }

    /// From here on tells the log what it decides.
    pub(super) const fn speak(&mut self) {
        self.is_loud = true;
    }

    /// The regions.
    pub const fn line(&self) -> &Line {
        &self.line
    }

    /// The regions alone.
    pub fn into_line(self) -> Line {
        self.line
    }

    /// Puts other regions in the place of these, which keep what these remember (R2).
    ///
    /// # Errors
    /// A [`Fault`] where a region cannot take over what its predecessor remembers.
    pub fn set_line(&mut self, mut line: Line) -> Result<(), Fault> {
        line.restore(&self.line.state())?;
        self.line = line;
        Ok(())
    }

    /// The gate.
    pub const fn gate(&self) -> &Gate {
        &self.gate
    }

    /// The gate, for what durability tells it.
    pub(super) const fn gate_mut(&mut self) -> &mut Gate {
        &mut self.gate
    }

    /// What happened so far.
    pub const fn totals(&self) -> &Totals {
        &self.totals
    }

    /// What the regions' work took.
    pub const fn bench(&self) -> &Workbench {
        &self.bench
    }

    /// The chain over all decisions so far (D4).
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// Whom a failure in that input concerns: the sample that was thought through, or the event.
    pub fn concerned(&self, input: &Input) -> Option<InstrumentId> {
        let of_event = match &input.kind {
            InputKind::Market(event) => Some(event.instrument),
            InputKind::Tick(_) | InputKind::Notice(_) => None,
        };
        self.thinking.or(of_event)
    }

    /// Whether the end of the stream was folded: nothing more is to come.
    pub const fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Experiences without a valid end, or cut off by a restart or the end.
    pub fn experiences_void(&self) -> u64 {
        self.encoder.void()
    }

    /// Folds these inputs as absent.
    pub fn set_absent(&mut self, absent: BTreeSet<u64>) {
        self.absent = absent;
    }

    /// The inputs that are folded as absent.
    pub const fn absent(&self) -> &BTreeSet<u64> {
        &self.absent
    }

    /// What it remembers.
    pub fn state(&self) -> MindState {
        MindState {
            line: self.line.state(),
            gate: self.gate.clone(),
            encoder: self.encoder.clone(),
            digest: self.digest,
            totals: self.totals.clone(),
            activated: self.activated.clone(),
            has_ended: self.has_ended,
        }
    }

    /// Puts back what it remembered.
    ///
    /// # Errors
    /// A [`Fault`] where the state of a region does not decode.
    pub fn restore(&mut self, state: MindState) -> Result<(), Fault> {
        self.line.restore(&state.line)?;
        self.gate = state.gate;
        self.encoder = state.encoder;
        self.digest = state.digest;
        self.totals = state.totals;
        self.activated = state.activated;
        self.has_ended = state.has_ended;
        Ok(())
    }

    /// Lets an input pass the line; what comes of it is added to `effects`. A panic of a region is a
    /// fault like any other (S1).
    ///
    /// # Errors
    /// A region's [`Fault`]; the mind is then in no state to go on.
    pub fn fold(
        &mut self,
        input: &Input,
        effects: &mut Effects,
        observer: &mut impl Observer,
    ) -> Result<(), Fault> {
        // whoever catches the fault throws this mind away
        let folded = catch_unwind(AssertUnwindSafe(|| self.pass(input, effects, observer)));
        folded.unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(Fault::new("line", format!("a region panicked: {}", text.unwrap_or("without a word"))))
        })
    }

    fn pass(
        &mut self,
        input: &Input,
        effects: &mut Effects,
        observer: &mut impl Observer,
    ) -> Result<(), Fault> {
        self.totals.inputs += 1;
        self.thinking = None;
        if self.absent.contains(&input.sequence) {
            // the gate is no region: what it released is over all the same
            if let InputKind::Notice(kind) = &input.kind {
                self.gate.noticed(kind, &mut self.released);
            }
            self.pass_on(input.time, effects);
            return Ok(());
        }
        let mut samples = std::mem::take(&mut self.samples);
        match &input.kind {
            InputKind::Tick(_) => self.bench.time(0, || self.line.brainstem.sense(input, &mut samples)),
            _ => self.line.brainstem.sense(input, &mut samples),
        }?;
        match &input.kind {
            InputKind::Market(event) => {
                let applied = self.line.brainstem.applied();
                observer.sensed(event, applied);
                self.totals.sensed(applied);
            }
            InputKind::Notice(NoticeKind::Report(report)) => {
                observer.reported(input.time, report);
                self.totals.reported(report, self.line.brainstem.notional(report));
            }
            InputKind::Tick(_) | InputKind::Notice(_) => {}
        }
        for sample in samples.drain(..) {
            self.decide(sample, effects, observer)?;
        }
        self.samples = samples;
        self.thinking = None;
        if let InputKind::Notice(kind) = &input.kind {
            // behind the startles of the instant before, so that none of them opens what it closes
            self.gate.noticed(kind, &mut self.released);
            let notice = Notice { sequence: input.sequence, time: input.time, kind: kind.clone() };
            self.line.notice(&notice)?;
            self.encoder.noticed(&notice);
            match kind {
                NoticeKind::Activate { hash, .. } => self.activated.push(*hash),
                NoticeKind::EndOfStream => self.has_ended = true,
                _ => {}
            }
        }
        self.pass_on(input.time, effects);
        Ok(())
    }

    fn decide(
        &mut self,
        sample: Sensed,
        effects: &mut Effects,
        observer: &mut impl Observer,
    ) -> Result<(), Fault> {
        self.thinking = Some(sample.instrument);
        let judged = self.line.think(sample, &mut self.bench)?;
        self.gate.judged(&judged, &mut self.released);
        self.pass_on(judged.sensed().time, effects);
        let record = DecisionRecord::of(&judged);
        if self.is_loud {
            tell(&record);
        }
        let bytes = record.to_bytes();
        self.digest.push(&bytes);
        self.totals.decided(&record);
        if let Some(experience) = self.encoder.decided(&record) {
            self.totals.experienced(&experience);
        }
        observer.decided(&record, &bytes, self.digest);
        Ok(())
    }

    fn pass_on(&mut self, time: Timestamp, effects: &mut Effects) {
        effects.extend(self.released.drain(..).map(|effect| (time, effect)));
    }
}

/// Tells the log of a decision, and whoever watches it of a trip (G9).
fn tell(record: &DecisionRecord) {
    let (sequence, instrument, time) = (record.sequence, record.instrument.0, record.time);
    if record.verdict.tripped {
        let signal = record.threat.tripped_by;
        tracing::error!(sequence, instrument, %time, ?signal, "the amygdala tripped: latched, everything is cancelled");
    }
    match &record.verdict.outcome {
        Outcome::Act(requests) => tracing::info!(sequence, instrument, %time, ?requests, "acts"),
        Outcome::Rest(reason) => tracing::debug!(sequence, instrument, %time, %reason, "rests"),
    }
}
