//! The plain loop (L6): door, mind and broker in one thread.

use market::order::Request;
use market::{InstrumentId, MarketEvent, Timestamp};
use serde::{Deserialize, Serialize};
use synapse::bytes::{decode, encode};
use synapse::{Digest, Fault, Input, InputKind, NoticeKind};

use super::broker::Broker;
use super::door::{Door, Next, Outside};
use super::gate::{Effect, Gate};
use super::line::{Line, Workbench};
use super::mind::{Effects, Mind, MindState};
use super::observer::Observer;
use super::totals::Totals;

/// Where market events come from, merged and in order of time.
pub trait Stream {
    /// The time of the next event; none at the end, or while nothing has come.
    fn peek_time(&mut self) -> Option<Timestamp>;
    /// The next event.
    fn next_event(&mut self) -> Option<MarketEvent>;
    /// How far time has come while nothing comes; none where nothing will come any more. What comes
    /// later is not earlier.
    fn silent_until(&mut self) -> Option<Timestamp> {
        None
    }
    /// The latest time that silence has told.
    fn passed(&self) -> Timestamp {
        Timestamp::MIN
    }
}

/// Why the engine stopped.
#[derive(Debug, thiserror::Error)]
#[error("at input {sequence}, {time}: {fault}")]
pub struct EngineError {
    /// The sequence number of the input.
    pub sequence: u64,
    /// Its time.
    pub time: Timestamp,
    /// Whose sample failed, or whose event it is; none where it is nobody's alone.
    pub instrument: Option<InstrumentId>,
    /// The region's fault.
    pub fault: Fault,
}

/// Everything that changes with an input: what a snapshot holds (J6).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cut {
    pub(super) door: Door,
    pub(super) mind: MindState,
    pub(super) broker: Broker,
}

impl Cut {
    /// Its canonical bytes: what a snapshot keeps, and what a marker's hash is of.
    pub fn to_bytes(&self) -> Vec<u8> {
        encode(self)
    }

    /// From its bytes.
    ///
    /// # Errors
    /// A [`Fault`] where they are not those of a cut of this build.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Fault> {
        decode(bytes).map_err(|e| Fault::new("snapshot", e.to_string()))
    }

    /// The artefacts that had taken effect, in order.
    pub fn activated(&self) -> &[[u8; 32]] {
        self.mind.activated()
    }
}

/// The plain loop.
pub struct Engine<S> {
    stream: S,
    pub(super) door: Door,
    pub(super) mind: Mind,
    pub(super) broker: Broker,
    /// The smallest entry latency of any instrument: ε of L5.
    epsilon_ns: i64,
    effects: Effects,
}

impl<S: Stream> Engine<S> {
    /// A loop over a stream.
    pub fn new(stream: S, door: Door, mut mind: Mind, broker: Broker) -> Self {
        mind.speak();
        let epsilon_ns = broker.entry_latency_min_ns();
        Self { stream, door, mind, broker, epsilon_ns, effects: Effects::new() }
    }

    /// The regions.
    pub const fn line(&self) -> &Line {
        self.mind.line()
    }

    /// The door.
    pub const fn door(&self) -> &Door {
        &self.door
    }

    /// What thinks.
    pub const fn mind(&self) -> &Mind {
        &self.mind
    }

    /// What thinks, to be changed between two inputs.
    pub const fn mind_mut(&mut self) -> &mut Mind {
        &mut self.mind
    }

    /// The other side of the gate.
    pub const fn broker(&self) -> &Broker {
        &self.broker
    }

    /// The other side of the gate, for the shell that carries requests and reports.
    pub const fn broker_mut(&mut self) -> &mut Broker {
        &mut self.broker
    }

    /// The gate.
    pub const fn gate(&self) -> &Gate {
        self.mind.gate()
    }

    /// The stream.
    pub const fn stream(&self) -> &S {
        &self.stream
    }

    /// The stream, for the shell that fills it.
    pub const fn stream_mut(&mut self) -> &mut S {
        &mut self.stream
    }

    /// What happened so far.
    pub const fn totals(&self) -> &Totals {
        self.mind.totals()
    }

    /// What the regions' work took.
    pub const fn bench(&self) -> &Workbench {
        self.mind.bench()
    }

    /// The chain over all decisions so far (D4).
    pub const fn digest(&self) -> Digest {
        self.mind.digest()
    }

    /// The whole state behind the last input (J6).
    pub fn cut(&self) -> Cut {
        Cut { door: self.door.clone(), mind: self.mind.state(), broker: self.broker.clone() }
    }

    /// Runs to the end of all feeds, and works off what is then under way.
    ///
    /// # Errors
    /// [`EngineError`] where a region faults.
    pub fn run(&mut self, observer: &mut impl Observer) -> Result<(), EngineError> {
        while self.advance(observer)? {}
        self.end(observer)
    }

    /// The end of all feeds: what works expires, what is under way is worked off.
    ///
    /// # Errors
    /// [`EngineError`] where a region faults.
    pub fn end(&mut self, observer: &mut impl Observer) -> Result<(), EngineError> {
        self.broker.expire(self.door.now());
        while self.advance(observer)? {}
        self.admit_now(NoticeKind::EndOfStream, observer)
    }

    /// What waits outside.
    fn outside(&mut self) -> Outside {
        Outside {
            feed: self.stream.peek_time(),
            silent_until: self.stream.silent_until(),
            report: self.broker.next_report(self.door.now()),
        }
    }

    /// The time of the next input, as far as it can be told.
    pub fn next_time(&mut self) -> Option<Timestamp> {
        let outside = self.outside();
        self.door.peek(outside)
    }

    /// Admits one input, or lets one order arrive at the venue; false where nothing is left.
    ///
    /// # Errors
    /// [`EngineError`] where a region faults.
    pub fn advance(&mut self, observer: &mut impl Observer) -> Result<bool, EngineError> {
        let outside = self.outside();
        // an order that arrives at T is matched when the first input later than T is to be admitted
        if let Some(arrival) = self.broker.next_arrival()
            && self.door.peek(outside).or(outside.silent_until).is_none_or(|next| arrival < next)
        {
            self.broker.run_arrival();
            return Ok(true);
        }
        let Some((sequence, time, next)) = self.door.admit(outside) else { return Ok(false) };
        let kind = match next {
            Next::Feed => match self.stream.next_event() {
                Some(event) => {
                    self.door.heard(&event);
                    self.broker.on_event(&event);
                    InputKind::Market(event)
                }
                None => return Ok(true),
            },
            Next::Report => match self.broker.pop_report() {
                Some(report) => InputKind::Notice(NoticeKind::Report(report)),
                None => return Ok(true),
            },
            Next::Tick(tick) => InputKind::Tick(tick),
            Next::Notice(notice) => InputKind::Notice(notice),
        };
        self.fold(Input { sequence, time, kind }, observer)?;
        Ok(true)
    }

    /// Admits something at once, at the time of the last input, or later where silence has told more.
    ///
    /// # Errors
    /// [`EngineError`] where a region faults.
    pub fn admit_now(&mut self, notice: NoticeKind, observer: &mut impl Observer) -> Result<(), EngineError> {
        let (sequence, time) = self.door.admit_now(self.stream.passed());
        self.fold(Input { sequence, time, kind: InputKind::Notice(notice) }, observer)
    }

    /// Lets an input pass the mind, and carries out what comes of it.
    fn fold(&mut self, input: Input, observer: &mut impl Observer) -> Result<(), EngineError> {
        observer.admitted(&input);
        let folded = self.mind.fold(&input, &mut self.effects, observer);
        folded.map_err(|fault| EngineError {
            sequence: input.sequence,
            time: input.time,
            instrument: self.mind.concerned(&input),
            fault,
        })?;
        self.carry_out();
        observer.folded(&input, self.mind.line().prefrontal.latch().is_some());
        Ok(())
    }

    /// Lets go what the gate holds of decisions up to `durable`; what waited longer than `ttl_ns`
    /// lapses (G4).
    pub fn release(&mut self, durable: u64, ttl_ns: i64, observer: &mut impl Observer) {
        let time = self.door.now();
        let mut effects = Vec::new();
        while let Some(released) = self.mind.gate().due(durable, time, ttl_ns) {
            observer.released(&released);
            self.mind.gate_mut().let_go(&released, &mut effects);
        }
        self.effects.extend(effects.into_iter().map(|effect| (time, effect)));
        self.carry_out();
    }

    /// Takes the place of this brain with one that was rebuilt. The stream stays, and so does what lies
    /// between us and a venue outside, which no tape knows; `unsent` is what the input that failed had to
    /// say to it.
    pub(super) fn replace(&mut self, door: Door, mut mind: Mind, broker: Broker, unsent: Vec<Request>) {
        mind.speak();
        (self.door, self.mind) = (door, mind);
        self.effects.clear();
        if self.broker.paper().is_some() {
            self.broker = broker;
        }
        let time = self.door.now();
        unsent.into_iter().for_each(|request| self.broker.submit(time, request));
    }

    /// Sends what the gate released, and gives back to the door what it returned.
    fn carry_out(&mut self) {
        for (time, effect) in self.effects.drain(..) {
            match effect {
                Effect::Send(request) => self.broker.submit(time, request),
                Effect::Return(notice) => self.door.take_back(time.plus(self.epsilon_ns), notice),
            }
        }
    }
}
