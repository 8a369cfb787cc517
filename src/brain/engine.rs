//! Door, spine and broker in one thread, over regions that run in it too (the plain loop, L6), or as
//! actors.

use market::order::Request;
use market::{InstrumentId, MarketEvent, Timestamp};
use synapse::{Digest, Fault, Input, InputKind, LatchCause, NoticeKind};

use super::broker::Broker;
use super::cut::Cut;
use super::door::{Door, Next, Outside};
use super::gate::{Effect, Gate};
use super::hosts::{Actors, Credits, Halted, Regions, SharedGauges, instrument_of};
use super::line::{Line, Thought};
use super::mind::Mind;
use super::observer::Observer;
use super::spine::{Effects, Spine};
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
    /// The time of the next headline; none at the end, while it is not embedded, or while time is not known.
    fn peek_news(&mut self) -> Option<Timestamp> {
        None
    }
    /// The headline that was peeked at.
    fn next_news(&mut self) -> Option<NoticeKind> {
        None
    }
    /// How many numbers the embedding of a headline has; none where there are no headlines.
    fn text_numbers(&self) -> Option<usize> {
        None
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
    /// It did not fail but does not return (S3).
    pub hangs: bool,
}

/// What came of an attempt to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advance {
    /// An input was admitted, or an order arrived at the venue.
    Moved,
    /// Something could be admitted when the regions have come further.
    Waits,
    /// There is nothing to admit.
    Idle,
    /// A night is due: see [`Engine::slept`].
    Night,
}

/// The engine.
pub struct Engine<S> {
    stream: S,
    door: Door,
    regions: Regions,
    spine: Spine,
    broker: Broker,
    /// The smallest entry latency of any instrument: ε of L5.
    epsilon_ns: i64,
    effects: Effects,
}

impl<S: Stream> Engine<S> {
    /// A loop over a stream.
    pub fn new(stream: S, door: Door, mind: Mind, broker: Broker) -> Self {
        let Mind { mut regions, mut spine } = mind;
        regions.speak();
        spine.speak();
        let epsilon_ns = broker.entry_latency_min_ns();
        Self { stream, door, regions, spine, broker, epsilon_ns, effects: Effects::new() }
    }

    /// From here on the regions run as actors, with so many inputs on their way at most.
    #[must_use]
    pub fn on(mut self, actors: Actors, credits: Credits) -> Self {
        self.host(actors, credits);
        self
    }

    /// The regions.
    ///
    /// # Panics
    /// If they are out as actors: see [`Engine::settle`].
    pub fn line(&self) -> &Line {
        self.regions.line()
    }

    /// The door.
    pub const fn door(&self) -> &Door {
        &self.door
    }

    /// What follows from thoughts: gate, digest and counts.
    pub const fn spine(&self) -> &Spine {
        &self.spine
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
        self.spine.gate()
    }

    /// What happened so far.
    pub const fn totals(&self) -> &Totals {
        self.spine.totals()
    }

    /// The chain over all decisions so far (D4).
    pub const fn digest(&self) -> Digest {
        self.spine.digest()
    }

    /// Why the latch is set behind the last input that was thought through.
    pub const fn latch(&self) -> Option<LatchCause> {
        self.spine.latch()
    }

    /// The stream.
    pub const fn stream(&self) -> &S {
        &self.stream
    }

    /// The stream, for the shell that fills it.
    pub const fn stream_mut(&mut self) -> &mut S {
        &mut self.stream
    }

    /// What can be read off the regions at work.
    pub const fn gauges(&self) -> &SharedGauges {
        self.regions.bench().gauges()
    }

    /// Puts other regions in the place of these, which keep what these remember (R2).
    ///
    /// # Errors
    /// A [`Fault`] where a region cannot take over what its predecessor remembers.
    ///
    /// # Panics
    /// If the regions are out: see [`Engine::settle`].
    pub fn set_line(&mut self, line: Line) -> Result<(), Fault> {
        self.regions.replace(line)
    }

    /// The input at which the amygdala has tripped since this was asked last.
    pub const fn take_trip(&mut self) -> Option<u64> {
        self.spine.take_trip()
    }

    /// The whole state behind the last input (J6).
    ///
    /// # Panics
    /// If the regions are out: see [`Engine::settle`].
    pub fn cut(&self) -> Cut {
        let mind = self.spine.state(self.line().state());
        Cut { door: self.door.clone(), mind, broker: self.broker.clone() }
    }

    /// Runs to the end of all feeds, and works off what is then under way.
    ///
    /// # Errors
    /// [`EngineError`] where a region faults.
    pub fn run(&mut self, observer: &mut impl Observer) -> Result<(), EngineError> {
        self.work_off(observer)?;
        self.end(observer)
    }

    /// The end of all feeds: what works expires, what is under way is worked off.
    ///
    /// # Errors
    /// [`EngineError`] where a region faults.
    pub fn end(&mut self, observer: &mut impl Observer) -> Result<(), EngineError> {
        self.settle(observer)?;
        self.broker.expire(self.door.now());
        self.work_off(observer)?;
        self.admit_now(NoticeKind::EndOfStream, observer)?;
        self.settle(observer)
    }

    /// Admits what there is, until nothing is left.
    fn work_off(&mut self, observer: &mut impl Observer) -> Result<(), EngineError> {
        loop {
            match self.advance(observer)? {
                Advance::Moved => {}
                Advance::Waits => self.catch_up(observer)?,
                Advance::Idle => return Ok(()),
                Advance::Night => {
                    let reason = "a back-test does not sleep".to_owned();
                    self.slept(NoticeKind::Slept { artefact: None, activated: false, reason }, observer)?;
                }
            }
        }
    }

    /// Waits for the oldest input under way.
    ///
    /// # Errors
    /// [`EngineError`] where a region faults or hangs.
    pub fn catch_up(&mut self, observer: &mut impl Observer) -> Result<(), EngineError> {
        let next = self.regions.wait();
        if let Some((input, thought)) = self.check(next)? {
            self.conclude(&input, &thought, observer);
        }
        Ok(())
    }

    /// Waits for everything under way.
    ///
    /// # Errors
    /// As [`Engine::catch_up`].
    pub fn think_through(&mut self, observer: &mut impl Observer) -> Result<(), EngineError> {
        while self.regions.under_way() > 0 {
            self.catch_up(observer)?;
        }
        Ok(())
    }

    /// Waits for everything under way, and brings the regions home.
    ///
    /// # Errors
    /// [`EngineError`] where a region faults, or does not return.
    pub fn settle(&mut self, observer: &mut impl Observer) -> Result<(), EngineError> {
        self.think_through(observer)?;
        let home = self.regions.bring_home();
        self.check(home)
    }

    /// Whether the regions take so long that waiting for them may be for ever.
    pub fn is_slow(&self) -> bool {
        self.regions.is_slow()
    }

    /// Inputs that were admitted and are not thought through.
    pub fn under_way(&self) -> usize {
        self.regions.under_way()
    }

    /// Takes the inputs that were admitted and are not thought through, and with them the actors, which
    /// stop: what they were about is done again elsewhere.
    pub(crate) fn abandon(&mut self) -> (Vec<Input>, Option<(Actors, Credits)>) {
        let mut hosted = self.regions.unhost();
        if let Some((actors, _)) = &mut hosted {
            actors.stop();
        }
        (self.regions.take_under_way(), hosted)
    }

    /// Where the regions stopped.
    fn check<T>(&self, result: Result<T, Halted>) -> Result<T, EngineError> {
        result.map_err(|Halted { sequence, instrument, fault, hangs }| {
            let input = self.regions.inputs().find(|input| input.sequence == sequence);
            EngineError {
                sequence,
                time: input.map_or(self.door.now(), |input| input.time),
                instrument: instrument.or_else(|| input.and_then(instrument_of)),
                fault,
                hangs,
            }
        })
    }

    /// What waits outside. Time passes in silence only where everything heard was thought through.
    fn outside(&mut self) -> Outside {
        let feed = self.stream.peek_time();
        let silent_until = if self.regions.under_way() == 0 {
            self.stream.silent_until()
        } else {
            Some(self.stream.passed()).filter(|passed| feed.is_none() && *passed > Timestamp::MIN)
        };
        let now = self.door.now();
        // one that comes late is as late as it is
        let news = self.stream.peek_news().map(|time| time.max(now));
        Outside { feed, silent_until, report: self.broker.next_report(now), news }
    }

    /// The time of the next input, as far as it can be told.
    pub fn next_time(&mut self) -> Option<Timestamp> {
        let outside = self.outside();
        self.door.peek(outside)
    }

    /// Whether everything that could change what is admitted at `time` is known: every input at or before
    /// τ − ε has been thought through (L5).
    fn may_admit(&self, time: Timestamp) -> bool {
        let is_early = |oldest: Timestamp| time.since(oldest) >= self.epsilon_ns;
        self.regions.has_credit(self.door.sequence()) && !self.regions.oldest().is_some_and(is_early)
    }

    /// Takes what the regions have thought through, and admits one input, or lets one order arrive at the
    /// venue.
    ///
    /// # Errors
    /// [`EngineError`] where a region faults.
    pub fn advance(&mut self, observer: &mut impl Observer) -> Result<Advance, EngineError> {
        let tripped = self.spine.trip();
        self.hear(observer)?;
        if self.spine.trip() != tripped {
            // whoever restarts for it does so before `Restarted`, which may be the next input (G7)
            return Ok(Advance::Moved);
        }
        let outside = self.outside();
        let next = self.door.peek(outside);
        let Some(reached) = next.or(outside.silent_until).filter(|time| self.may_admit(*time)) else {
            return self.rest(None);
        };
        // an order that arrives at T is matched when the first input later than T is to be admitted
        if self.broker.next_arrival().is_some_and(|arrival| arrival < reached) {
            self.broker.run_arrival();
            return Ok(Advance::Moved);
        }
        let Some((sequence, time, next)) = self.door.admit(outside) else {
            return self.rest(outside.silent_until);
        };
        let kind = match next {
            Next::Feed => match self.stream.next_event() {
                Some(event) => {
                    self.door.heard(&event);
                    self.broker.on_event(&event);
                    InputKind::Market(event)
                }
                None => return Ok(Advance::Moved),
            },
            Next::Report => match self.broker.pop_report() {
                Some(report) => InputKind::Notice(NoticeKind::Report(report)),
                None => return Ok(Advance::Moved),
            },
            Next::News => match self.stream.next_news() {
                Some(notice) => InputKind::Notice(notice),
                None => return Ok(Advance::Moved),
            },
            Next::Tick(tick) => InputKind::Tick(tick),
            Next::Notice(notice) => InputKind::Notice(notice),
            Next::Night => {
                self.flush()?;
                return Ok(if self.regions.under_way() > 0 { Advance::Waits } else { Advance::Night });
            }
        };
        self.regions.offer(Input { sequence, time, kind });
        self.hear(observer)?;
        Ok(Advance::Moved)
    }

    /// Nothing can be admitted now. Where nothing is under way and nothing to come either, the next order
    /// arrives; time has come to `silent_until`.
    fn rest(&mut self, silent_until: Option<Timestamp>) -> Result<Advance, EngineError> {
        self.flush()?;
        if self.regions.under_way() > 0 {
            return Ok(Advance::Waits);
        }
        if silent_until.is_some() || self.broker.next_arrival().is_none() {
            return Ok(Advance::Idle);
        }
        self.broker.run_arrival();
        Ok(Advance::Moved)
    }

    /// Sends on their way what was admitted, and looks whether a region hangs.
    fn flush(&mut self) -> Result<(), EngineError> {
        let sent = self.regions.flush().and_then(|()| self.regions.check_hang());
        self.check(sent)
    }

    /// Admits something at once, at the time of the last input, or later where silence has told more.
    /// Everything before it is thought through first.
    ///
    /// # Errors
    /// [`EngineError`] where a region faults.
    pub fn admit_now(&mut self, notice: NoticeKind, observer: &mut impl Observer) -> Result<(), EngineError> {
        self.think_through(observer)?;
        let (sequence, time) = self.door.admit_now(self.stream.passed());
        self.regions.offer(Input { sequence, time, kind: InputKind::Notice(notice) });
        self.think_through(observer)
    }

    /// The night that is due is over, and this came of it.
    ///
    /// # Errors
    /// [`EngineError`] where a region faults.
    pub fn slept(&mut self, notice: NoticeKind, observer: &mut impl Observer) -> Result<(), EngineError> {
        if let Some((sequence, time)) = self.door.admit_night() {
            self.regions.offer(Input { sequence, time, kind: InputKind::Notice(notice) });
        }
        self.think_through(observer)
    }

    /// Takes what the regions have thought through.
    ///
    /// # Errors
    /// [`EngineError`] where a region faults or hangs.
    fn hear(&mut self, observer: &mut impl Observer) -> Result<(), EngineError> {
        loop {
            let next = self.regions.poll();
            let Some((input, thought)) = self.check(next)? else { return Ok(()) };
            self.conclude(&input, &thought, observer);
        }
    }

    /// Carries out what follows from a thought.
    fn conclude(&mut self, input: &Input, thought: &Thought, observer: &mut impl Observer) {
        observer.admitted(input);
        self.spine.conclude(input, thought, &mut self.effects, observer);
        self.carry_out();
        observer.folded(input, self.spine.latch().is_some());
    }

    /// Lets go what the gate holds of decisions up to `durable`; what waited longer than `ttl_ns`
    /// lapses (G4).
    pub fn release(&mut self, durable: u64, ttl_ns: i64, observer: &mut impl Observer) {
        let time = self.door.now();
        let mut effects = Vec::new();
        while let Some(released) = self.spine.gate().due(durable, time, ttl_ns) {
            observer.released(&released);
            self.spine.gate_mut().let_go(&released, &mut effects);
        }
        self.effects.extend(effects.into_iter().map(|effect| (time, effect)));
        self.carry_out();
    }

    /// Takes the place of this brain with one that was rebuilt. The stream stays, and so does what lies
    /// between us and a venue outside, which no tape knows; `unsent` is what the inputs that were lost had
    /// to say to it.
    pub(super) fn replace(&mut self, door: Door, mind: Mind, broker: Broker, unsent: Vec<Request>) {
        let Mind { regions, mut spine } = mind;
        spine.speak();
        (self.door, self.spine) = (door, spine);
        self.regions.take_place(regions);
        self.effects.clear();
        if self.broker.paper().is_some() {
            self.broker = broker;
        }
        let time = self.door.now();
        unsent.into_iter().for_each(|request| self.broker.submit(time, request));
    }

    /// From here on the regions run as actors, with so many inputs on their way at most.
    pub fn host(&mut self, mut actors: Actors, credits: Credits) {
        actors.set_bench(self.regions.bench().clone());
        self.regions.host(actors, credits);
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
