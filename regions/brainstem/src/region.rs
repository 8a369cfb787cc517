//! The region: inputs in, samples out.

use market::book::{Applied, Book};
use market::features::{Feature, FeatureState, FeatureVector};
use market::ledger::Ledger;
use market::order::{Report, ReportKind};
use market::sampler::Sampler;
use market::{EventKind, InstrumentId, Instruments, MarketEvent, Money, Timestamp};
use serde::{Deserialize, Serialize};
use synapse::{
    Account, Context, Fault, Input, InputKind, Notice, NoticeKind, Region, SampleKind, Sensed, Startle, Tick,
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
    state: State,
    applied: Applied,
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
        Self { params, instruments, state, applied: Applied::Done }
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
        for at in 0..self.state.senses.len() {
            let sense = &mut self.state.senses[at];
            if !sense.alarm.is_due(input.time) {
                continue;
            }
            let view = sense.view();
            let startle = sense.alarm.ring(input.time, &view, self.params.startle_spread_multiple);
            if let Some(startle) = startle {
                samples.push(self.startle(input, InstrumentId(at as u16), startle));
            }
        }
    }

    fn startle(&mut self, input: &Input, instrument: InstrumentId, startle: Startle) -> Sensed {
        self.revalue(instrument);
        let sense = &self.state.senses[instrument.index()];
        let features = sense.features.peek(&sense.book, self.state.ledger.position(instrument));
        self.look(input, instrument, SampleKind::Startle(startle), features)
    }

    /// A regular sample: it closes the features' interval and teaches the alarm.
    fn sample(&mut self, input: &Input, instrument: InstrumentId) -> Sensed {
        self.revalue(instrument);
        let position = self.state.ledger.position(instrument);
        let tick_units = self.instruments.get(instrument).tick.units();
        let (gain, multiple) = (self.params.startle_spread_gain, self.params.startle_spread_multiple);
        let sense = &mut self.state.senses[instrument.index()];
        let features = sense.features.sample(&sense.book, position);
        let view = sense.view();
        sense.alarm.learn(&view, tick_units, gain, multiple);
        self.look(input, instrument, SampleKind::Regular, features)
    }

    /// Brings the ledger's mark of an instrument to the present.
    fn revalue(&mut self, instrument: InstrumentId) {
        if let Some(mark2) = self.book(instrument).mark2() {
            self.state.ledger.mark(instrument, mark2);
        }
    }

    fn look(
        &self,
        input: &Input,
        instrument: InstrumentId,
        kind: SampleKind,
        features: FeatureVector,
    ) -> Sensed {
        let sense = &self.state.senses[instrument.index()];
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
            book: sense.book.state(),
            halted: sense.halted,
            top: sense.book.top(),
            mark2: sense.book.mark2(),
            features,
            context,
            account: self.account(instrument),
        }
    }

    fn account(&self, instrument: InstrumentId) -> Account {
        let ledger = &self.state.ledger;
        Account {
            position: ledger.position(instrument),
            equity: ledger.equity(),
            earned: self.earned(instrument),
            mark_valid: self.book(instrument).mark2().is_some(),
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
        if self.applied.is_done() && sense.sampler.on_event(event) {
            samples.push(self.sample(input, event.instrument));
        }
    }

    fn tick(&mut self, input: &Input, tick: &Tick, samples: &mut Samples) {
        for instrument in &tick.stale {
            let startle = self.state.senses[instrument.index()].alarm.silence();
            if let Some(startle) = startle {
                samples.push(self.startle(input, *instrument, startle));
            }
        }
        for instrument in &tick.fresh {
            samples.push(self.sample(input, *instrument));
        }
    }

    fn noticed(&mut self, notice: &NoticeKind) -> Result<(), Fault> {
        if matches!(notice, NoticeKind::EndOfStream) {
            (0..self.instruments.len()).for_each(|at| self.revalue(InstrumentId(at as u16)));
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
    fn view(&self) -> View {
        View {
            book: self.book.state(),
            halted: self.halted,
            spread_units: self.book.top().map(|top| top.spread().units()),
        }
    }
}

impl Region for Brainstem {
    type In = Input;
    type Out = Samples;
    type State = State;
    const NAME: &'static str = NAME;

    fn step(&mut self, input: Input) -> Result<Samples, Fault> {
        let mut samples = Samples::new();
        self.sense(&input, &mut samples)?;
        Ok(samples)
    }

    /// The brainstem meets notices as inputs, in [`Region::step`].
    fn notice(&mut self, _notice: &Notice) -> Result<(), Fault> {
        Ok(())
    }

    fn peek(&self, input: Input) -> Result<Samples, Fault> {
        let mut samples = Samples::new();
        if let InputKind::Tick(tick) = &input.kind {
            for instrument in &tick.fresh {
                let sense = &self.state.senses[instrument.index()];
                let features = sense.features.peek(&sense.book, self.state.ledger.position(*instrument));
                samples.push(self.look(&input, *instrument, SampleKind::Regular, features));
            }
        }
        Ok(samples)
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
