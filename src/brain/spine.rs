//! What follows from a thought: gate, experience encoder, the digest and the counts. It is the same wherever
//! the regions run.

use std::collections::BTreeSet;

use hippocampus::ExperienceEncoder;
use market::Timestamp;
use serde::{Deserialize, Serialize};
use synapse::{DecisionRecord, Digest, Input, InputKind, Judged, LatchCause, Notice, NoticeKind, Outcome};

use super::gate::{Effect, Gate};
use super::line::{LineState, Thought};
use super::observer::Observer;
use super::totals::Totals;

/// Effects, each with the event time it has.
pub type Effects = Vec<(Timestamp, Effect)>;

/// What a mind remembers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MindState {
    pub(super) line: LineState,
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

/// What follows from thoughts.
#[derive(Debug)]
pub struct Spine {
    gate: Gate,
    encoder: ExperienceEncoder,
    digest: Digest,
    activated: Vec<[u8; 32]>,
    has_ended: bool,
    latch: Option<LatchCause>,
    /// Inputs that every region folds as absent (S2).
    absent: BTreeSet<u64>,
    totals: Totals,
    /// The input of the last trip that nobody has asked about yet.
    tripped: Option<u64>,
    released: Vec<Effect>,
    /// Whether it tells the log what it decides: one that thinks again does not.
    is_loud: bool,
}

impl Spine {
    /// One that has seen nothing.
    pub(super) fn new(gate: Gate, encoder: ExperienceEncoder) -> Self {
        Self {
            gate,
            encoder,
            digest: Digest::default(),
            activated: Vec::new(),
            has_ended: false,
            latch: None,
            absent: BTreeSet::new(),
            totals: Totals::default(),
            tripped: None,
            released: Vec::new(),
            is_loud: false,
        }
    }

    /// From here on tells the log what it decides.
    pub(super) const fn speak(&mut self) {
        self.is_loud = true;
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

    /// The chain over all decisions so far (D4).
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// Why the latch is set behind the last input.
    pub const fn latch(&self) -> Option<LatchCause> {
        self.latch
    }

    /// Whether the end of the stream was folded: nothing more is to come.
    pub const fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// The input at which the amygdala has tripped since [`Spine::take_trip`].
    pub(super) const fn trip(&self) -> Option<u64> {
        self.tripped
    }

    /// The input at which the amygdala has tripped since this was asked last.
    pub(super) const fn take_trip(&mut self) -> Option<u64> {
        self.tripped.take()
    }

    /// Experiences without a valid end, or cut off by a restart or the end.
    pub fn experiences_void(&self) -> u64 {
        self.encoder.void()
    }

    /// The inputs that are folded as absent.
    pub const fn absent(&self) -> &BTreeSet<u64> {
        &self.absent
    }

    /// Folds these inputs as absent.
    pub(super) fn set_absent(&mut self, absent: BTreeSet<u64>) {
        self.absent = absent;
    }

    /// What it remembers, with what the regions do.
    pub(super) fn state(&self, line: LineState) -> MindState {
        MindState {
            line,
            gate: self.gate.clone(),
            encoder: self.encoder.clone(),
            digest: self.digest,
            totals: self.totals.clone(),
            activated: self.activated.clone(),
            has_ended: self.has_ended,
        }
    }

    /// Puts back what it remembered; the latch is the regions'.
    pub(super) fn restore(&mut self, state: MindState, latch: Option<LatchCause>) {
        self.gate = state.gate;
        self.encoder = state.encoder;
        self.digest = state.digest;
        self.totals = state.totals;
        self.activated = state.activated;
        self.has_ended = state.has_ended;
        self.latch = latch;
    }

    /// An input that the regions fold as absent: the gate is no region, and what it released is over all
    /// the same.
    pub(super) fn skip(&mut self, input: &Input, effects: &mut Effects) {
        self.totals.inputs += 1;
        if let InputKind::Notice(kind) = &input.kind {
            self.gate.noticed(kind, &mut self.released);
        }
        self.pass_on(input.time, effects);
    }

    /// Takes what the regions made of an input; what comes of it is added to `effects`.
    pub(super) fn conclude(
        &mut self,
        input: &Input,
        thought: &Thought,
        effects: &mut Effects,
        observer: &mut impl Observer,
    ) {
        self.totals.inputs += 1;
        match &input.kind {
            InputKind::Market(event) => {
                if let Some(applied) = thought.applied {
                    observer.sensed(event, applied);
                    self.totals.sensed(applied);
                }
            }
            InputKind::Notice(NoticeKind::Report(report)) => {
                observer.reported(input.time, report);
                self.totals.reported(report, thought.notional);
            }
            InputKind::Tick(_) | InputKind::Notice(_) => {}
        }
        for judged in &thought.judged {
            self.decide(judged, effects, observer);
        }
        if let InputKind::Notice(kind) = &input.kind {
            self.noticed(input, kind);
        }
        self.latch = thought.latch;
        self.pass_on(input.time, effects);
    }

    /// Behind the startles of the instant before, so that none of them opens what it closes.
    fn noticed(&mut self, input: &Input, kind: &NoticeKind) {
        self.gate.noticed(kind, &mut self.released);
        let notice = Notice { sequence: input.sequence, time: input.time, kind: kind.clone() };
        self.encoder.noticed(&notice);
        self.activated.extend(kind.activates());
        self.has_ended |= *kind == NoticeKind::EndOfStream;
    }

    fn decide(&mut self, judged: &Judged, effects: &mut Effects, observer: &mut impl Observer) {
        self.gate.judged(judged, &mut self.released);
        self.pass_on(judged.sensed().time, effects);
        let record = DecisionRecord::of(judged);
        if self.is_loud {
            tell(&record);
        }
        if record.verdict.tripped {
            self.tripped = Some(record.sequence);
        }
        let bytes = record.to_bytes();
        self.digest.push(&bytes);
        self.totals.decided(&record);
        if let Some(experience) = self.encoder.decided(&record) {
            self.totals.experienced(&experience);
        }
        observer.decided(&record, &bytes, self.digest);
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
