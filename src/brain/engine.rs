//! The plain loop (L6): door, line, gate, exchange and experience encoder in one thread.

use hippocampus::ExperienceEncoder;
use market::exchange::Exchange;
use market::{MarketEvent, Timestamp};
use synapse::{DecisionRecord, Digest, Fault, Input, InputKind, Notice, NoticeKind, Outcome, Sensed};

use super::door::{Door, Next, Outside};
use super::gate::{Effect, Gate};
use super::line::{Line, Workbench};
use super::observer::Observer;
use super::totals::Totals;

/// Where market events come from, merged and in order of time.
pub trait Stream {
    /// The time of the next event; none at the end.
    fn peek_time(&mut self) -> Option<Timestamp>;
    /// The next event.
    fn next_event(&mut self) -> Option<MarketEvent>;
}

/// Why the engine stopped.
#[derive(Debug, thiserror::Error)]
#[error("at input {sequence}, {time}: {fault}")]
pub struct EngineError {
    /// The sequence number of the input.
    pub sequence: u64,
    /// Its time.
    pub time: Timestamp,
    /// The region's fault.
    pub fault: Fault,
}

/// The plain loop.
pub struct Engine<S> {
    stream: S,
    door: Door,
    line: Line,
    gate: Gate,
    exchange: Exchange,
    encoder: ExperienceEncoder,
    /// The smallest entry latency of any instrument: ε of L5.
    epsilon_ns: i64,
    digest: Digest,
    totals: Totals,
    bench: Workbench,
    samples: Vec<Sensed>,
    effects: Vec<Effect>,
}

impl<S: Stream> Engine<S> {
    /// A loop over a stream.
    pub fn new(stream: S, door: Door, line: Line, exchange: Exchange, encoder: ExperienceEncoder) -> Self {
        let epsilon_ns = exchange.entry_latency_min_ns();
        Self {
            stream,
            door,
            line,
            gate: Gate::default(),
            exchange,
            encoder,
            epsilon_ns,
            digest: Digest::default(),
            totals: Totals::default(),
            bench: Workbench::default(),
            samples: Vec::new(),
            effects: Vec::new(),
        }
    }

    /// The regions.
    pub const fn line(&self) -> &Line {
        &self.line
    }

    /// The door.
    pub const fn door(&self) -> &Door {
        &self.door
    }

    /// The exchange.
    pub const fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    /// The gate.
    pub const fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Experiences without a valid end, or cut off by a restart or the end.
    pub fn experiences_void(&self) -> u64 {
        self.encoder.void()
    }

    /// The stream.
    pub const fn stream(&self) -> &S {
        &self.stream
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

    /// Runs to the end of all feeds, and works off what is then under way.
    ///
    /// # Errors
    /// [`EngineError`] where a region faults.
    pub fn run(&mut self, observer: &mut impl Observer) -> Result<(), EngineError> {
        while self.advance(observer)? {}
        self.exchange.expire(self.door.now());
        while self.advance(observer)? {}
        let (sequence, time) = self.door.end();
        self.fold(sequence, time, InputKind::Notice(NoticeKind::EndOfStream), observer)
    }

    /// Admits one input, or lets one order arrive at the venue; false where nothing is left.
    ///
    /// # Errors
    /// [`EngineError`] where a region faults.
    pub fn advance(&mut self, observer: &mut impl Observer) -> Result<bool, EngineError> {
        let outside = Outside { feed: self.stream.peek_time(), report: self.exchange.next_report() };
        // an order that arrives at T is matched when the first input later than T is to be admitted
        match (self.door.peek(outside), self.exchange.next_arrival()) {
            (None, None) => return Ok(false),
            (None, Some(_)) => {
                self.exchange.run_arrival();
                return Ok(true);
            }
            (Some(next), Some(arrival)) if arrival < next => {
                self.exchange.run_arrival();
                return Ok(true);
            }
            _ => {}
        }
        let Some((sequence, time, next)) = self.door.admit(outside) else { return Ok(true) };
        let kind = match next {
            Next::Feed => match self.stream.next_event() {
                Some(event) => {
                    self.door.heard(event.instrument, event.time);
                    self.exchange.on_event(&event);
                    InputKind::Market(event)
                }
                None => return Ok(true),
            },
            Next::Report => match self.exchange.pop_report() {
                Some((_, report)) => {
                    observer.reported(time, &report);
                    self.totals.reported(&report, self.line.brainstem.notional(&report));
                    InputKind::Notice(NoticeKind::Report(report))
                }
                None => return Ok(true),
            },
            Next::Tick(tick) => InputKind::Tick(tick),
            Next::Notice(notice) => InputKind::Notice(notice),
        };
        self.fold(sequence, time, kind, observer)?;
        Ok(true)
    }

    /// Lets an input pass the line, and carries out what comes of it.
    fn fold(
        &mut self,
        sequence: u64,
        time: Timestamp,
        kind: InputKind,
        observer: &mut impl Observer,
    ) -> Result<(), EngineError> {
        let failed = |fault| EngineError { sequence, time, fault };
        self.totals.inputs += 1;
        let input = Input { sequence, time, kind };
        let mut samples = std::mem::take(&mut self.samples);
        let sensed = match &input.kind {
            InputKind::Tick(_) => self.bench.time(0, || self.line.brainstem.sense(&input, &mut samples)),
            _ => self.line.brainstem.sense(&input, &mut samples),
        };
        sensed.map_err(failed)?;
        if let InputKind::Market(event) = &input.kind {
            let applied = self.line.brainstem.applied();
            observer.sensed(event, applied);
            self.totals.sensed(applied);
        }
        for sample in samples.drain(..) {
            self.decide(sample, observer).map_err(failed)?;
        }
        self.samples = samples;
        if let InputKind::Notice(kind) = input.kind {
            // behind the startles of the instant before, so that none of them opens what it closes
            self.gate.noticed(&kind, &mut self.effects);
            let notice = Notice { sequence, time, kind };
            self.line.notice(&notice).map_err(failed)?;
            self.encoder.noticed(&notice);
        }
        self.carry_out(time);
        Ok(())
    }

    fn decide(&mut self, sample: Sensed, observer: &mut impl Observer) -> Result<(), Fault> {
        let judged = self.line.think(sample, &mut self.bench)?;
        self.gate.judged(&judged, &mut self.effects);
        let time = judged.sensed().time;
        self.carry_out(time);
        let record = DecisionRecord::of(&judged);
        tell(&record);
        self.digest.push(&record);
        self.totals.decided(&record);
        if let Some(experience) = self.encoder.decided(&record) {
            self.totals.experienced(&experience);
        }
        observer.decided(&record);
        Ok(())
    }

    /// Sends what the gate released at `time`, and gives back to the door what it returned.
    fn carry_out(&mut self, time: Timestamp) {
        for effect in self.effects.drain(..) {
            match effect {
                Effect::Send(request) => self.exchange.submit(time, request),
                Effect::Return(notice) => self.door.take_back(time.plus(self.epsilon_ns), notice),
            }
        }
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
