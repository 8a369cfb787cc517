//! The region: inputs in, samples out.

use market::book::{Applied, Book, BookState, Top};
use market::features::{Feature, FeatureState, FeatureVector};
use market::ledger::Ledger;
use market::order::{Report, ReportKind};
use market::sampler::Sampler;
use market::{EventKind, InstrumentId, Instruments, MarketEvent, Money, Timestamp};
use serde::{Deserialize, Serialize};
use synapse::{
    Account, Context, Fault, Input, InputKind, NoticeKind, Region, SampleKind, Sensed, Startle, Tick,
};

use crate::NAME;
use crate::startle::{Alarm, View};

market::params! {
    /// When the brainstem is startled.
    pub struct BrainstemParams in "brainstem" {
        /// A spread beyond this many times its baseline startles.
        startle_spread_multiple: f64 = 20.0, "1", 1.0, 1e6;
        /// Weight of the newest sample in the spread's baseline.
        startle_spread_gain: f64 = 0.01, "1", 0.0, 1.0;
        /// A book whose last event is older is as good as unknown, though its trades go on.
        book_stale_after_ms: u32 = 5_000, "ms", 1.0, 86_400_000.0;
    }
}

/// The samples one input makes, startles first.
pub type Samples = Vec<Sensed>;

/// What the brainstem remembers of one instrument.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Sense {
    book: Book,
    features: FeatureState,
    sampler: Sampler,
    alarm: Alarm,
    halted: bool,
}

/// What the brainstem remembers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    senses: Vec<Sense>,
    ledger: Ledger,
    now: Timestamp,
}

/// The brainstem.
#[derive(Debug, Clone)]
pub struct Brainstem {
    params: BrainstemParams,
    instruments: Instruments,
    quiet_before: Timestamp,
    state: State,
    applied: Applied,
}

/// What can be seen of a book now: nothing of one that has fallen silent.
struct Sight {
    book: BookState,
    top: Option<Top>,
    mark2: Option<i64>,
}

impl Brainstem {
    /// Senses for each instrument, with its sampler, in rank order. `hold_ns` is how long a
    /// crossing order of an L3 feed is held before the book is repaired.
    ///
    /// # Panics
    /// If an instrument has no sampler.
    pub fn new(
        params: BrainstemParams,
        instruments: Instruments,
        samplers: Vec<Sampler>,
        hold_ns: i64,
        ledger: Ledger,
    ) -> Self {
        assert_eq!(instruments.len(), samplers.len(), "every instrument has a sampler");
        let sense = |sampler| Sense {
            book: Book::new(hold_ns),
            features: FeatureState::default(),
            sampler,
            alarm: Alarm::default(),
            halted: false,
        };
        let senses = samplers.into_iter().map(sense).collect();
        let state = State { senses, ledger, now: Timestamp::MIN };
        Self { params, instruments, quiet_before: Timestamp::MIN, state, applied: Applied::Done }
    }

    /// Makes no sample of an event earlier than that; ticks are the door's.
    #[must_use]
    pub const fn quiet_before(mut self, time: Timestamp) -> Self {
        self.quiet_before = time;
        self
    }

    /// What became of the last market event.
    pub const fn applied(&self) -> Applied {
        self.applied
    }

    /// The book of an instrument.
    pub fn book(&self, instrument: InstrumentId) -> &Book {
        &self.state.senses[instrument.index()].book
    }

    /// The instruments.
    pub const fn instruments(&self) -> &Instruments {
        &self.instruments
    }

    /// The ledger.
    pub const fn ledger(&self) -> &Ledger {
        &self.state.ledger
    }

    /// The notional of a fill.
    pub fn notional(&self, report: &Report) -> Option<Money> {
        let ReportKind::Filled(fill) = &report.kind else { return None };
        Some(self.instruments.get(report.id.instrument).notional(fill.price, fill.quantity).abs())
    }

    /// The startles of the instants before `input`, which is about to be folded.
    fn startles(&mut self, input: &Input, samples: &mut Samples) {
        if input.time <= self.state.now {
            return;
        }
        self.state.now = input.time;
        let stale_ns = self.stale_ns();
        for at in 0..self.state.senses.len() {
            let sense = &mut self.state.senses[at];
            if !sense.alarm.is_due(input.time) {
                continue;
            }
            let view = sense.view(input.time, stale_ns);
            let startle = sense.alarm.ring(input.time, &view, self.params.startle_spread_multiple);
            if let Some(startle) = startle {
                samples.push(self.startle(input, InstrumentId(at as u16), startle));
            }
        }
    }

    fn startle(&mut self, input: &Input, instrument: InstrumentId, startle: Startle) -> Sensed {
        self.revalue(instrument, input.time);
        self.glance(input, instrument, SampleKind::Startle(startle))
    }

    /// A look that teaches nothing.
    fn glance(&self, input: &Input, instrument: InstrumentId, kind: SampleKind) -> Sensed {
        let sense = &self.state.senses[instrument.index()];
        let features = sense.features.peek(&sense.book, self.state.ledger.position(instrument));
        self.look(input, instrument, kind, features)
    }

    /// A regular sample: it closes the features' interval and teaches the alarm.
    fn sample(&mut self, input: &Input, instrument: InstrumentId) -> Sensed {
        self.revalue(instrument, input.time);
        let stale_ns = self.stale_ns();
        let position = self.state.ledger.position(instrument);
        let tick_units = self.instruments.get(instrument).tick.units();
        let (gain, multiple) = (self.params.startle_spread_gain, self.params.startle_spread_multiple);
        let sense = &mut self.state.senses[instrument.index()];
        let features = sense.features.sample(&sense.book, position);
        let view = sense.view(input.time, stale_ns);
        sense.alarm.learn(&view, tick_units, gain, multiple);
        self.look(input, instrument, SampleKind::Regular, features)
    }

    /// Brings the ledger's mark of an instrument to the present.
    fn revalue(&mut self, instrument: InstrumentId, now: Timestamp) {
        if let Some(mark2) = self.sight(instrument, now).mark2 {
            self.state.ledger.mark(instrument, mark2);
        }
    }

    fn sight(&self, instrument: InstrumentId, now: Timestamp) -> Sight {
        self.state.senses[instrument.index()].sight(now, self.stale_ns())
    }

    fn stale_ns(&self) -> i64 {
        i64::from(self.params.book_stale_after_ms) * 1_000_000
    }

    fn look(
        &self,
        input: &Input,
        instrument: InstrumentId,
        kind: SampleKind,
        features: FeatureVector,
    ) -> Sensed {
        let Sight { book, top, mark2 } = self.sight(instrument, input.time);
        let mark_age_ns = input.time.since(self.book(instrument).as_of());
        // what is computed from a book that cannot be seen is absent too
        let features = if book == BookState::Unknown { FeatureVector::default() } else { features };
        let context = Context {
            volatility_bp: features[Feature::RealisedVol],
            spread_bp: features[Feature::SpreadBp],
            volume: features[Feature::Volume],
        };
        Sensed {
            sequence: input.sequence,
            instrument,
            time: input.time,
            kind,
            book,
            halted: self.state.senses[instrument.index()].halted,
            top,
            mark2,
            mark_age_ns,
            features,
            context,
            account: self.account(instrument, mark2.is_some()),
        }
    }

    fn account(&self, instrument: InstrumentId, mark_valid: bool) -> Account {
        let ledger = &self.state.ledger;
        Account {
            position: ledger.position(instrument),
            equity: ledger.equity(),
            earned: self.earned(instrument),
            mark_valid,
        }
    }

    fn earned(&self, instrument: InstrumentId) -> Money {
        let ledger = &self.state.ledger;
        ledger.realised_of(instrument) + ledger.unrealised_of(instrument) - ledger.fees_of(instrument)
    }

    fn market(&mut self, input: &Input, event: &MarketEvent, samples: &mut Samples) {
        let sense = &mut self.state.senses[event.instrument.index()];
        sense.alarm.touch(event.time, &event.kind);
        match event.kind {
            EventKind::Halt => sense.halted = true,
            EventKind::Resume => sense.halted = false,
            _ => {}
        }
        self.applied = sense.book.apply(event);
        sense.features.on_event(&sense.book, event, self.applied);
        let is_due = self.applied.is_done() && sense.sampler.on_event(event);
        if is_due && event.time >= self.quiet_before {
            samples.push(self.sample(input, event.instrument));
        }
    }

    fn tick(&mut self, input: &Input, tick: &Tick, samples: &mut Samples) {
        for instrument in &tick.stale {
            self.state.senses[instrument.index()].alarm.silence();
            samples.push(self.startle(input, *instrument, Startle::Stale));
        }
        for instrument in &tick.fresh {
            samples.push(self.sample(input, *instrument));
        }
    }

    fn noticed(&mut self, notice: &NoticeKind) -> Result<(), Fault> {
        if matches!(notice, NoticeKind::EndOfStream) {
            (0..self.instruments.len()).for_each(|at| self.revalue(InstrumentId(at as u16), self.state.now));
        }
        let NoticeKind::Report(report) = notice else { return Ok(()) };
        let ReportKind::Filled(fill) = &report.kind else { return Ok(()) };
        let instrument = report.id.instrument;
        self.state
            .ledger
            .apply_fill(&self.instruments, instrument, fill)
            .map_err(|e| Fault::new(NAME, format!("order {}: {e}", report.id)))
    }
}

impl Sense {
    fn sight(&self, now: Timestamp, stale_ns: i64) -> Sight {
        if now.since(self.book.as_of()) > stale_ns {
            return Sight { book: BookState::Unknown, top: None, mark2: None };
        }
        Sight { book: self.book.state(), top: self.book.top(), mark2: self.book.mark2() }
    }

    fn view(&self, now: Timestamp, stale_ns: i64) -> View {
        let Sight { book, top, .. } = self.sight(now, stale_ns);
        View { book, halted: self.halted, spread_units: top.map(|top| top.spread().units()) }
    }
}

impl Region for Brainstem {
    type In = Input;
    type Out = Samples;
    type State = State;
    const NAME: &'static str = NAME;

    /// Notices are inputs to it like any other: it has no use for [`Region::notice`].
    fn step(&mut self, input: Input) -> Result<Samples, Fault> {
        let mut samples = Samples::new();
        self.sense(&input, &mut samples)?;
        Ok(samples)
    }

    fn peek(&self, input: Input) -> Result<Samples, Fault> {
        let InputKind::Tick(tick) = &input.kind else { return Ok(Samples::new()) };
        Ok(tick.fresh.iter().map(|id| self.glance(&input, *id, SampleKind::Regular)).collect())
    }

    fn state(&self) -> &State {
        &self.state
    }

    fn set_state(&mut self, state: State) {
        self.state = state;
    }
}

impl Brainstem {
    /// [`Region::step`] without taking the input, which the line passes on, into a buffer that is
    /// used again for each: most inputs make no sample.
    ///
    /// # Errors
    /// A [`Fault`] where the ledger refuses a fill.
    pub fn sense(&mut self, input: &Input, samples: &mut Samples) -> Result<(), Fault> {
        samples.clear();
        self.startles(input, samples);
        self.applied = Applied::Done;
        match &input.kind {
            InputKind::Market(event) => self.market(input, event, samples),
            InputKind::Tick(tick) => self.tick(input, tick, samples),
            InputKind::Notice(notice) => self.noticed(notice)?,
        }
        Ok(())
    }
}
