//! Thinking again (D3): a mind that follows a tape, computes every decision anew and compares.
//!
//! Replay uses it to prove a tape, a start after a crash to rebuild what was lost: what it has become
//! at the end is a brain ready to go on.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use journal::{Decision, Hash, Head, Marker, Record, Released};
use market::order::{ReportKind, Request};
use market::{SourceId, Timestamp};
use synapse::bytes::encode;
use synapse::{DecisionRecord, Digest, Fault, Input, InputKind, NoticeKind};

use super::broker::Broker;
use super::cut::Cut;
use super::difference::{Difference, Parting, compare};
use super::door::Door;
use super::engine::{Engine, Stream};
use super::gate::Effect;
use super::hosts::Halted;
use super::mind::Mind;
use super::observer::Observer;
use super::spine::Effects;

/// Why thinking again stopped.
#[derive(Debug, thiserror::Error)]
pub enum Stray {
    /// Something came out differently.
    #[error("{difference}")]
    Differs {
        /// Where.
        difference: Box<Difference>,
        /// How far the comparison had come.
        proof: Proof,
    },
    /// A region faulted.
    #[error(transparent)]
    Fault(#[from] Halted),
}

impl Stray {
    /// A fault outside of any step.
    pub const fn of(sequence: u64, fault: Fault) -> Self {
        Self::Fault(Halted { sequence, instrument: None, fault, hangs: false })
    }
}

/// A decision that was computed and is not found on the tape yet.
#[derive(Debug, Clone)]
pub struct Late {
    /// The decision.
    pub record: DecisionRecord,
    /// Its canonical bytes.
    pub bytes: Vec<u8>,
    /// The chain behind it.
    pub digest: Digest,
}

/// How far a comparison came.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Proof {
    /// Decisions that were computed and found.
    pub decisions: u64,
    /// Inputs folded.
    pub inputs: u64,
    /// Snapshots whose state was computed and found.
    pub markers: u64,
    /// The largest difference between two numbers, where differences are let pass.
    pub largest_difference: f64,
    /// How often something differed by more than two back ends may (D5), where differences are let pass.
    pub beyond: u64,
}

/// A mind that follows a tape.
#[derive(Debug)]
pub struct Rethink {
    door: Door,
    mind: Mind,
    broker: Broker,
    epsilon_ns: i64,
    effects: Effects,
    computed: VecDeque<Late>,
    /// What the last input had to say to a venue outside.
    unsent: Vec<Request>,
    /// The chain over the decisions that were found.
    recorded: Digest,
    proof: Proof,
    /// Where it is not to stop at the first difference: the first one.
    lenient: bool,
    first: Option<Difference>,
    proves_markers: bool,
}

/// Keeps what is decided.
struct Keep<'a>(&'a mut VecDeque<Late>);

impl Observer for Keep<'_> {
    fn decided(&mut self, record: &DecisionRecord, bytes: &[u8], digest: Digest) {
        self.0.push_back(Late { record: record.clone(), bytes: bytes.to_vec(), digest });
    }
}

impl Rethink {
    /// From a brain that has seen nothing; inputs in `absent` were quarantined, and act backwards.
    pub fn new(door: Door, mut mind: Mind, broker: Broker, absent: BTreeSet<u64>) -> Self {
        let epsilon_ns = broker.entry_latency_min_ns();
        mind.spine.set_absent(absent);
        Self {
            door,
            mind,
            broker,
            epsilon_ns,
            effects: Effects::new(),
            computed: VecDeque::new(),
            unsent: Vec::new(),
            recorded: Digest::default(),
            proof: Proof::default(),
            lenient: false,
            first: None,
            proves_markers: true,
        }
    }

    /// Lets differences pass and remembers the first and the largest: for a tape of another build.
    #[must_use]
    pub const fn lenient(mut self) -> Self {
        self.lenient = true;
        self
    }

    /// Starts from a snapshot instead.
    ///
    /// # Errors
    /// A [`Fault`] where a region does not know its part.
    pub fn restore(&mut self, cut: Cut) -> Result<(), Fault> {
        self.door = cut.door;
        self.mind.restore(cut.mind)?;
        self.recorded = self.mind.spine.digest();
        self.broker = cut.broker;
        Ok(())
    }

    /// The last input's number.
    pub const fn sequence(&self) -> u64 {
        self.door.sequence()
    }

    /// The last input's time.
    pub const fn now(&self) -> Timestamp {
        self.door.now()
    }

    /// How many events of each feed were admitted.
    pub const fn taken(&self) -> &BTreeMap<SourceId, u64> {
        self.door.taken()
    }

    /// How many headlines were admitted.
    pub const fn news(&self) -> u64 {
        self.door.news()
    }

    /// The head of the tape behind what was compared so far.
    pub fn head(&self) -> Head {
        let late = self.computed.len();
        let digest = self.recorded;
        debug_assert!(late > 0 || digest == self.mind.spine.digest());
        Head {
            sequence: self.door.sequence(),
            time_ns: self.door.now().ns(),
            latched: self.mind.spine.latch().is_some(),
            digest,
        }
    }

    /// The mind, for an artefact that takes effect.
    pub const fn mind_mut(&mut self) -> &mut Mind {
        &mut self.mind
    }

    /// What thinks.
    pub const fn mind(&self) -> &Mind {
        &self.mind
    }

    /// How far the comparison came.
    pub const fn proof(&self) -> Proof {
        self.proof
    }

    /// The first difference that was let pass.
    pub const fn first_difference(&self) -> Option<&Difference> {
        self.first.as_ref()
    }

    /// Follows one record of the tape.
    ///
    /// # Errors
    /// [`Stray`] at the first difference, unless it is lenient, and where a region faults.
    pub fn follow(&mut self, record: &Record) -> Result<(), Stray> {
        match record {
            Record::Input(input) => {
                self.input(input)?;
                // what is on the tape was carried out
                self.unsent.clear();
                Ok(())
            }
            Record::Decision(decision) => self.decision(decision),
            Record::Released(released) => {
                self.released(released);
                Ok(())
            }
            Record::Marker(marker) => self.marker(marker),
            Record::Note(_) => Ok(()),
        }
    }

    fn input(&mut self, input: &Input) -> Result<(), Stray> {
        if let Some(computed) = self.computed.pop_front() {
            self.differs(missing(computed.record.sequence, "a decision", "nothing", "one"))?;
            self.computed.clear();
        }
        while self.broker.next_arrival().is_some_and(|arrival| arrival < input.time) {
            self.broker.run_arrival();
        }
        match &input.kind {
            InputKind::Market(event) => self.broker.on_event(event),
            InputKind::Notice(NoticeKind::Report(report)) if self.broker.paper().is_some() => {
                if self.broker.next_report(self.door.now()).is_none()
                    && matches!(report.kind, ReportKind::Expired { .. })
                {
                    self.work_off();
                }
                let again = self.broker.pop_report();
                if again.as_ref() != Some(report) {
                    let difference = Difference {
                        sequence: input.sequence,
                        instrument: None,
                        region: "exchange",
                        field: "report".to_owned(),
                        recorded: format!("{report:?}"),
                        recomputed: again.map_or("none".to_owned(), |again| format!("{again:?}")),
                    };
                    self.differs(difference)?;
                }
            }
            InputKind::Notice(NoticeKind::EndOfStream) => self.work_off(),
            InputKind::Tick(_) | InputKind::Notice(_) => {}
        }
        self.door.follow(input);
        self.proof.inputs += 1;
        self.mind.fold(input, &mut self.effects, &mut Keep(&mut self.computed))?;
        self.carry_out();
        Ok(())
    }

    /// Folds an input that no tape has, because what thought it failed: the decisions that come of it.
    ///
    /// # Errors
    /// As [`Rethink::follow`].
    pub fn again(&mut self, input: &Input) -> Result<Vec<Late>, Stray> {
        self.input(input)?;
        let decided: Vec<Late> = self.computed.drain(..).collect();
        self.recorded = self.mind.spine.digest();
        Ok(decided)
    }

    /// At the end of all feeds: what is under way arrives, what works expires.
    fn work_off(&mut self) {
        while self.broker.next_arrival().is_some() {
            self.broker.run_arrival();
        }
        self.broker.expire(self.door.now());
    }

    fn decision(&mut self, decision: &Decision) -> Result<(), Stray> {
        let recorded = &decision.record;
        let Some(computed) = self.computed.pop_front() else {
            return self.differs(missing(recorded.sequence, "a decision", "one", "nothing"));
        };
        self.proof.decisions += 1;
        self.recorded.push(&computed.bytes);
        if computed.bytes != encode(recorded)
            && let Some(Parting { first, largest, is_near }) = compare(recorded, &computed.record)
        {
            self.proof.largest_difference = self.proof.largest_difference.max(largest);
            return if is_near { self.differs_a_little(first) } else { self.differs(first) };
        }
        Ok(())
    }

    fn released(&mut self, released: &Released) {
        let mut effects = Vec::new();
        self.mind.spine.gate_mut().let_go(released, &mut effects);
        self.effects.extend(effects.into_iter().map(|effect| (released.time, effect)));
        self.carry_out();
        self.unsent.clear();
    }

    fn marker(&mut self, marker: &Marker) -> Result<(), Stray> {
        if !self.proves_markers || marker.sequence != self.door.sequence() {
            return Ok(());
        }
        self.mind.settle()?;
        let state = Hash::of(&self.cut().to_bytes());
        self.proof.markers += 1;
        if state == marker.state {
            return Ok(());
        }
        let mut difference = missing(marker.sequence, "the state", "", "");
        (difference.recorded, difference.recomputed) = (marker.state.to_string(), state.to_string());
        // of a hash nobody can tell by how much: the decisions tell it
        self.differs_a_little(difference)
    }

    fn differs(&mut self, difference: Difference) -> Result<(), Stray> {
        self.proof.beyond += 1;
        self.differs_a_little(difference)
    }

    /// The same by no more than two back ends may (D5).
    fn differs_a_little(&mut self, difference: Difference) -> Result<(), Stray> {
        if !self.lenient {
            return Err(Stray::Differs { difference: Box::new(difference), proof: self.proof });
        }
        self.first.get_or_insert(difference);
        Ok(())
    }

    /// The whole state behind the last input.
    pub fn cut(&self) -> Cut {
        Cut { door: self.door.clone(), mind: self.mind.state(), broker: self.broker.clone() }
    }

    fn carry_out(&mut self) {
        for (time, effect) in self.effects.drain(..) {
            match effect {
                Effect::Send(request) if self.broker.paper().is_some() => self.broker.submit(time, request),
                // it was sent then, if at all
                Effect::Send(request) => self.unsent.push(request),
                Effect::Return(notice) => self.door.take_back(time.plus(self.epsilon_ns), notice),
            }
        }
    }

    /// Ends the comparison: a brain that goes on over `stream`, and the decisions that the tape does
    /// not have because the crash came between them and their input.
    pub fn go_on<S: Stream>(mut self, stream: S) -> (Engine<S>, Vec<Late>) {
        self.mind.spine.take_trip();
        (Engine::new(stream, self.door, self.mind, self.broker), self.computed.into())
    }

    /// Ends the comparison by taking the place of the brain in `engine`, which failed.
    pub fn take_place<S: Stream>(mut self, engine: &mut Engine<S>) -> Vec<Late> {
        self.mind.spine.take_trip();
        engine.replace(self.door, self.mind, self.broker, self.unsent);
        self.computed.into()
    }
}

fn missing(sequence: u64, field: &str, recorded: &str, recomputed: &str) -> Difference {
    Difference {
        sequence,
        instrument: None,
        region: "tape",
        field: field.to_owned(),
        recorded: recorded.to_owned(),
        recomputed: recomputed.to_owned(),
    }
}
