//! The region: modalities in, fused state out.

use market::{InstrumentId, Instruments, Timestamp};
use serde::{Deserialize, Serialize};
use synapse::random::seed_for;
use synapse::{Fault, Fused, FusedState, Modality, Notice, NoticeKind, Perceived, Recall, Region};

use crate::NAME;
use crate::fuser::{Fuser, Given, write_memory};
use crate::layout::Layout;
use crate::price::{self, PRICE};
use crate::projection::Projection;
use crate::window::Window;

market::params! {
    /// How large the fused state is, and how long news is news.
    pub struct ThalamusParams in "thalamus" {
        /// Numbers in the fused state of the untrained projection; never fewer than go in.
        width: usize = 128, "numbers", 1.0, 4096.0;
        /// Age beyond which the latest news of an instrument is not fused.
        news_stale_s: u32 = 3600, "s", 1.0, 31_622_400.0;
    }
}

impl ThalamusParams {
    /// The age beyond which a headline is stale, in nanoseconds.
    #[must_use]
    pub fn news_stale_ns(&self) -> i64 {
        i64::from(self.news_stale_s) * market::time::SECOND_NS
    }
}

/// The latest headline about an instrument.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Headline {
    time: Timestamp,
    embedding: Box<[f32]>,
}

/// What the thalamus remembers of one instrument.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Sense {
    past: Window,
    news: Option<Headline>,
}

/// What the thalamus remembers, in rank order of the instruments; nothing where fusion is not trained.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    senses: Vec<Sense>,
}

/// What one fusion needs room for.
#[derive(Debug, Default)]
struct Room {
    row: [f32; PRICE.len()],
    input: Vec<f32>,
    output: Vec<f32>,
}

/// The thalamus.
#[derive(Debug)]
pub struct Thalamus {
    layout: Layout,
    projection: Projection,
    instruments: Instruments,
    fuser: Option<Fuser>,
    news_stale_ns: i64,
    room: Room,
    state: State,
}

impl Thalamus {
    /// A relay that fuses by `fuser`, or else lays the modalities end to end and turns them by a
    /// projection drawn from the seed of the run.
    ///
    /// # Panics
    /// If the layout is not one of [`Layout::new`], or the sizes of the fuser contradict each other.
    #[must_use]
    pub fn new(
        params: ThalamusParams,
        layout: Layout,
        run_seed: u64,
        instruments: Instruments,
        fuser: Option<Fuser>,
    ) -> Self {
        assert_eq!(layout, Layout::new(layout.vision), "a layout of other modalities");
        fuser.iter().for_each(Fuser::check);
        let width = params.width.max(layout.width());
        let projection = Projection::seeded(seed_for(run_seed, NAME), layout.width(), width);
        let news_stale_ns = params.news_stale_ns();
        let (room, state) = (Room::default(), State::default());
        let mut thalamus = Self { layout, projection, instruments, fuser, news_stale_ns, room, state };
        thalamus.set_state(State::default());
        thalamus
    }

    /// Numbers in the fused state.
    #[must_use]
    pub fn width(&self) -> usize {
        self.fuser.as_ref().map_or(self.projection.outputs(), |fuser| fuser.width)
    }

    /// The weights w on the untrained fused state of a rule over the concatenation, one number a place
    /// of the [`Layout`]: w · h = rule · [v; t; s; m].
    ///
    /// # Panics
    /// If the rule is of another width.
    #[must_use]
    pub fn embed(&self, rule: &[f32]) -> Vec<f32> {
        let mut w = vec![0.0; self.projection.outputs()];
        self.projection.project(rule, &mut w);
        w
    }

    fn fuse(&self, perceived: &Perceived, room: &mut Room) -> Result<FusedState, Fault> {
        let instrument = self.instruments.get(perceived.sensed().instrument);
        price::write(perceived.sensed(), instrument, &mut room.row);
        let state = match &self.fuser {
            Some(fuser) => self.by_network(fuser, perceived, room)?,
            None => self.end_to_end(perceived, room)?,
        };
        match state.h.iter().chain(&state.gate).position(|number| !number.is_finite()) {
            Some(at) if at < state.h.len() => {
                Err(Fault::new(NAME, format!("number {at} of the fused state is {}", state.h[at])))
            }
            Some(at) => {
                let at = at - state.h.len();
                Err(Fault::new(NAME, format!("number {at} of the gate is {}", state.gate[at])))
            }
            None => Ok(state),
        }
    }

    /// Fuses by the network (20, 21).
    fn by_network(&self, fuser: &Fuser, perceived: &Perceived, room: &mut Room) -> Result<FusedState, Fault> {
        let sensed = perceived.sensed();
        let Sense { past, news } = &self.state.senses[sensed.instrument.index()];
        let trained = |modality| fuser.trained.contains(modality);
        let fresh = |news: &&Headline| sensed.time.since(news.time) <= self.news_stale_ns;
        let given = Given {
            v: if trained(Modality::Vision) { seen(perceived, fuser.vision)? } else { None },
            past,
            row: &room.row[..fuser.price_numbers],
            s: news.as_ref().filter(fresh).map(|news| &*news.embedding),
            m: Some(&perceived.recalled.recall)
                .filter(|recall| trained(Modality::Memory) && recall.iter().any(Recall::is_known)),
        };
        room.input.resize(fuser.inputs(), 0.0);
        room.output.resize(2 * fuser.width, 0.0);
        let absent = fuser.write(&given, &mut room.input);
        fuser.model.infer(&room.input, &mut room.output)?;
        let (h, gate) = room.output.split_at(fuser.width);
        Ok(FusedState { h: h.into(), gate: gate.into(), absent })
    }

    /// Lays the modalities end to end and turns them.
    fn end_to_end(&self, perceived: &Perceived, room: &mut Room) -> Result<FusedState, Fault> {
        let x = &mut room.input;
        x.clear();
        x.resize(self.layout.width(), 0.0);
        let mut absent = Vec::new();
        match seen(perceived, self.layout.vision)? {
            Some(v) => x[self.layout.range(Modality::Vision)].copy_from_slice(v),
            None => absent.push(Modality::Vision),
        }
        x[self.layout.range(Modality::Price)].copy_from_slice(&room.row);
        absent.push(Modality::Text);
        if !perceived.recalled.recall.iter().any(Recall::is_known) {
            absent.push(Modality::Memory);
        } else {
            write_memory(&perceived.recalled.recall, &mut x[self.layout.range(Modality::Memory)]);
        }
        Ok(FusedState { h: self.embed(x).into_boxed_slice(), gate: Box::default(), absent })
    }

    /// Remembers a headline.
    fn read(&mut self, time: Timestamp, about: &[InstrumentId], embedding: &[f32]) -> Result<(), Fault> {
        let Some(fuser) = self.fuser.as_ref().filter(|fuser| fuser.trained.contains(Modality::Text)) else {
            return Ok(());
        };
        if embedding.len() != fuser.text || !embedding.iter().all(|number| number.is_finite()) {
            let (has, needs) = (embedding.len(), fuser.text);
            let what = format!("an embedding of {has} numbers, which must be {needs} and finite");
            return Err(Fault::new(NAME, what));
        }
        for id in about {
            let sense = self.state.senses.get_mut(id.index());
            let sense = sense.ok_or_else(|| Fault::new(NAME, format!("news of instrument {}", id.0)))?;
            sense.news = Some(Headline { time, embedding: embedding.into() });
        }
        Ok(())
    }
}

/// The percept, which is of `len` numbers; none where nothing is seen.
fn seen(perceived: &Perceived, len: usize) -> Result<Option<&[f32]>, Fault> {
    match &*perceived.percept.v {
        [] => Ok(None),
        v if v.len() == len => Ok(Some(v)),
        v => Err(Fault::new(NAME, format!("a percept of {} numbers, not {len}", v.len()))),
    }
}

impl Region for Thalamus {
    type In = Perceived;
    type Out = Fused;
    type State = State;
    const NAME: &'static str = NAME;

    fn step(&mut self, perceived: Perceived) -> Result<Fused, Fault> {
        let mut room = std::mem::take(&mut self.room);
        let fused = self.fuse(&perceived, &mut room);
        if let Some(fuser) = &self.fuser
            && perceived.sensed().is_regular()
        {
            let sense = &mut self.state.senses[perceived.sensed().instrument.index()];
            sense.past.push(&room.row[..fuser.price_numbers], fuser.price_window);
        }
        self.room = room;
        Ok(Fused { state: fused?, perceived: Box::new(perceived) })
    }

    fn notice(&mut self, notice: &Notice) -> Result<(), Fault> {
        match &notice.kind {
            NoticeKind::Restarted => self.state.senses.iter_mut().for_each(|sense| sense.past.clear()),
            NoticeKind::News { instruments, embedding, .. } => {
                self.read(notice.time, instruments, embedding)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn peek(&self, perceived: Perceived) -> Result<Fused, Fault> {
        let state = self.fuse(&perceived, &mut Room::default())?;
        Ok(Fused { perceived: Box::new(perceived), state })
    }

    fn state(&self) -> &State {
        &self.state
    }

    /// A window or a headline that this fusion cannot read, as it was made for another one, is forgotten.
    fn set_state(&mut self, state: State) {
        let Some(fuser) = &self.fuser else {
            self.state = State::default();
            return;
        };
        let (numbers, rows) = (fuser.price_numbers, fuser.price_window);
        let is_read = fuser.trained.contains(Modality::Text);
        let mut senses = state.senses;
        let none = || Sense { past: Window::new(numbers, rows), news: None };
        senses.resize_with(self.instruments.len(), none);
        for sense in &mut senses {
            if !sense.past.fits(numbers, rows) {
                sense.past = Window::new(numbers, rows);
            }
            sense.news = sense.news.take().filter(|news| is_read && news.embedding.len() == fuser.text);
        }
        self.state = State { senses };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::price::PRICE;
    use market::features::Feature;
    use proptest::prelude::*;
    use scenes::{instrument, instruments, sensed};
    use synapse::{SampleKind, SchemaMatch, Sensed, Startle};

    const VISION: usize = 5;

    fn thalamus(run_seed: u64) -> Thalamus {
        untrained(ThalamusParams::default(), Layout::new(VISION), run_seed)
    }

    fn untrained(params: ThalamusParams, layout: Layout, run_seed: u64) -> Thalamus {
        Thalamus::new(params, layout, run_seed, instruments(1, &instrument()), None)
    }

    /// A sample with this percept, and as many schemas that are recalled for buying.
    fn perceived(sensed: Sensed, v: Vec<f32>, recall: [Recall; 3], schemas: u32) -> Perceived {
        let mut perceived = scenes::perceived(sensed);
        perceived.percept.v = v.into();
        perceived.recalled.recall = recall;
        perceived.recalled.recall[0].nearest =
            (0..schemas).map(|schema| SchemaMatch { schema, cosine: 0.5 }).collect();
        perceived.recalled.schemas = schemas;
        perceived
    }

    fn dot(a: &[f32], b: &[f32]) -> f64 {
        a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
    }

    /// The weighted number of one place of the concatenation, read off the fused state.
    fn read(thalamus: &Thalamus, fused: &Fused, place: usize) -> f64 {
        let mut rule = vec![0.0; thalamus.layout.width()];
        rule[place] = 1.0;
        dot(&thalamus.embed(&rule), &fused.state.h)
    }

    #[test]
    fn a_narrow_state_is_as_wide_as_what_goes_in() {
        let layout = Layout::new(300);
        let narrow = untrained(ThalamusParams { width: 1, ..ThalamusParams::default() }, layout, 1);
        assert_eq!(narrow.width(), layout.width());
        assert_eq!(thalamus(1).width(), 128);
    }

    #[test]
    fn what_is_absent_is_told() {
        let mut thalamus = thalamus(1);
        let mut absent = |v: usize, schemas| {
            let message = perceived(sensed(), vec![0.5; v], Default::default(), schemas);
            thalamus.step(message).map(|fused| fused.state.absent)
        };
        assert_eq!(absent(0, 0), Ok(vec![Modality::Vision, Modality::Text, Modality::Memory]));
        assert_eq!(absent(VISION, 0), Ok(vec![Modality::Text, Modality::Memory]));
        assert_eq!(absent(VISION, 3), Ok(vec![Modality::Text]));
    }

    #[test]
    fn every_modality_reaches_the_state() {
        let mut thalamus = thalamus(7);
        let mut sample = sensed();
        sample.features[Feature::Imbalance1] = Some(0.75);
        let mut recall: [Recall; 3] = Default::default();
        recall[1] = Recall { reward_bp: Some(-2.0), confidence: 0.5, ..Recall::default() };
        let v = vec![0.1, 0.2, 0.3, 0.4, 0.5];
        let fused = thalamus.step(perceived(sample, v, recall, 9)).expect("a state");
        let layout = thalamus.layout;
        let imbalance = layout.price_index("imbalance_1").expect("a price number");
        let memory = layout.range(Modality::Memory).start;
        for (place, want) in
            [(3, 0.4), (imbalance, 0.75), (memory + 3, -2.0), (memory + 5, 0.5), (memory, 0.0)]
        {
            let got = read(&thalamus, &fused, place);
            assert!((got - want).abs() < 1e-4, "place {place}: {got} against {want}");
        }
    }

    #[test]
    fn what_breaks_the_state_is_a_fault() {
        let mut thalamus = thalamus(1);
        let mut fault = |v: Vec<f32>, recall| thalamus.step(perceived(sensed(), v, recall, 1)).err();
        assert!(fault(vec![0.0; VISION + 1], Default::default()).is_some());
        assert!(fault(vec![f32::NAN; VISION], Default::default()).is_some());
        let certain = Recall { reward_bp: Some(f32::INFINITY), ..Recall::default() };
        assert!(fault(vec![0.0; VISION], [certain, Recall::default(), Recall::default()]).is_some());
        assert!(fault(vec![0.0; VISION], Default::default()).is_none());
    }

    #[test]
    fn a_snapshot_restores() {
        let mut thalamus = thalamus(1);
        let bytes = thalamus.snapshot();
        assert_eq!(thalamus.restore(&bytes), Ok(()));
        assert!(thalamus.restore(&[1]).is_err());
    }

    proptest! {
        #[test]
        fn peeking_is_stepping_and_nothing_is_remembered(
            seed: u64,
            v in prop::collection::vec(-1.0f32..1.0, VISION),
            features in prop::collection::vec(prop::option::of(any::<f32>()), 14),
            startled: bool,
        ) {
            let mut thalamus = thalamus(seed);
            let mut sample = sensed();
            sample.features.0.copy_from_slice(&features);
            if startled {
                sample.kind = SampleKind::Startle(Startle::Gap);
            }
            let message = perceived(sample, v, Default::default(), 0);
            let before = thalamus.digest();
            let peeked = thalamus.peek(message.clone());
            let stepped = thalamus.step(message);
            prop_assert!(stepped.is_ok());
            prop_assert_eq!(peeked, stepped);
            prop_assert_eq!(thalamus.digest(), before);
        }

        #[test]
        fn a_rule_reads_the_same_from_the_state(
            seed: u64,
            rule in prop::collection::vec(-3.0f32..3.0, VISION + PRICE.len() + 9),
            v in prop::collection::vec(-1.0f32..1.0, VISION),
            imbalance in -1.0f32..1.0,
        ) {
            let mut thalamus = thalamus(seed);
            let mut sample = sensed();
            sample.features[Feature::Imbalance1] = Some(imbalance);
            let mut x = v.clone();
            x.resize(thalamus.layout.width(), 0.0);
            price::write(&sample, &instrument(), &mut x[VISION..VISION + PRICE.len()]);
            let fused = thalamus.step(perceived(sample, v, Default::default(), 0)).expect("a state");
            let size = dot(&rule, &rule).sqrt() * dot(&x, &x).sqrt();
            let read = dot(&thalamus.embed(&rule), &fused.state.h);
            prop_assert!((read - dot(&rule, &x)).abs() <= 2e-6 * size);
        }
    }
}
