//! Fusion by a network: what it is given, what is remembered for it, and what is a fault.

use market::features::Feature;
use market::{InstrumentId, Timestamp};
use proptest::prelude::*;
use scenes::{instrument, instruments, sensed};
use synapse::{
    Fault, Fused, Modality, Model, ModelCard, Notice, NoticeKind, Perceived, Recall, Region, SampleKind,
    SchemaMatch, Sensed, Startle,
};
use thalamus::{Fuser, Layout, Modalities, Thalamus, ThalamusParams};

const VISION: usize = 2;
const NUMBERS: usize = 5;
const ROWS: usize = 3;
const TEXT: usize = 2;
const MEMORY: usize = 9;
const INPUTS: usize = VISION + ROWS * NUMBERS + TEXT + MEMORY + 4;
/// Where the fifth number of a price row stands, `imbalance_1`.
const IMBALANCE: usize = 4;

/// A network whose state is what goes in, and whose gate is a quarter of it.
struct Echo(ModelCard);

impl Model for Echo {
    fn card(&self) -> &ModelCard {
        &self.0
    }
    fn inputs(&self) -> usize {
        INPUTS
    }
    fn outputs(&self) -> usize {
        2 * INPUTS
    }
    fn infer(&self, input: &[f32], output: &mut [f32]) -> Result<(), Fault> {
        let (h, gate) = output.split_at_mut(INPUTS);
        h.copy_from_slice(input);
        gate.iter_mut().zip(input).for_each(|(gate, x)| *gate = x / 4.0);
        Ok(())
    }
}

fn trained_with(trained: &[Modality]) -> Thalamus {
    let card = ModelCard { name: "echo".into(), trained: true, about: "gives what it gets".into() };
    let fuser = Fuser {
        model: Box::new(Echo(card)),
        price_numbers: NUMBERS,
        price_window: ROWS,
        width: INPUTS,
        vision: VISION,
        text: TEXT,
        trained: trained.iter().copied().collect::<Modalities>(),
    };
    let (params, layout) = (ThalamusParams { news_stale_s: 10, ..Default::default() }, Layout::new(VISION));
    Thalamus::new(params, layout, 1, instruments(2, &instrument()), Some(fuser))
}

fn trained() -> Thalamus {
    trained_with(&Modality::ALL)
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_ns(seconds * 1_000_000_000)
}

/// A sample at a second whose imbalance tells it from others.
fn sample(seconds: i64, imbalance: f32) -> Sensed {
    let mut sensed = Sensed { time: at(seconds), ..sensed() };
    sensed.features[Feature::Imbalance1] = Some(imbalance);
    sensed
}

fn startled(seconds: i64, imbalance: f32) -> Sensed {
    Sensed { kind: SampleKind::Startle(Startle::Gap), ..sample(seconds, imbalance) }
}

/// With a percept, and as many schemas that are recalled for selling.
fn perceived(sensed: Sensed, v: &[f32], schemas: u32) -> Perceived {
    let mut perceived = scenes::perceived(sensed);
    perceived.percept.v = v.into();
    perceived.recalled.schemas = schemas;
    perceived.recalled.recall[1] = Recall {
        nearest: (0..schemas).map(|schema| SchemaMatch { schema, cosine: 0.5 }).collect(),
        reward_bp: Some(-2.0),
        reward_std_bp: None,
        confidence: 0.5,
    };
    perceived
}

fn step(thalamus: &mut Thalamus, sensed: Sensed) -> Fused {
    thalamus.step(perceived(sensed, &[], 0)).expect("a state")
}

/// The imbalances in the window that the network was given, oldest first.
fn window(fused: &Fused) -> Vec<f32> {
    fused.state.h[VISION..VISION + ROWS * NUMBERS].chunks(NUMBERS).map(|row| row[IMBALANCE]).collect()
}

fn mask(fused: &Fused) -> [f32; 4] {
    fused.state.h[INPUTS - 4..].try_into().expect("four places")
}

fn text(fused: &Fused) -> &[f32] {
    &fused.state.h[VISION + ROWS * NUMBERS..][..TEXT]
}

fn notice(thalamus: &mut Thalamus, seconds: i64, kind: NoticeKind) -> Result<(), Fault> {
    thalamus.notice(&Notice { sequence: 1, time: at(seconds), kind })
}

fn news(about: &[u16], embedding: &[f32]) -> NoticeKind {
    let instruments = about.iter().map(|id| InstrumentId(*id)).collect();
    NoticeKind::News { instruments, embedding: embedding.into(), model: [7; 32] }
}

#[test]
fn the_window_is_of_regular_samples_and_the_present_one() {
    let mut thalamus = trained();
    assert_eq!(window(&step(&mut thalamus, startled(1, 0.5))), [0.5; 3], "nothing is known yet");
    assert_eq!(window(&step(&mut thalamus, sample(2, 0.1))), [0.1; 3], "the startle left nothing");
    assert_eq!(window(&step(&mut thalamus, sample(3, 0.2))), [0.1, 0.1, 0.2]);
    assert_eq!(window(&step(&mut thalamus, sample(4, 0.3))), [0.1, 0.2, 0.3]);
    assert_eq!(window(&step(&mut thalamus, startled(5, 0.9))), [0.2, 0.3, 0.9]);
    assert_eq!(window(&step(&mut thalamus, sample(6, 0.4))), [0.2, 0.3, 0.4]);
    let other = Sensed { instrument: InstrumentId(1), ..sample(7, 0.7) };
    assert_eq!(window(&step(&mut thalamus, other)), [0.7; 3], "each instrument has its own");
    notice(&mut thalamus, 8, NoticeKind::Restarted).expect("it is cleared");
    assert_eq!(window(&step(&mut thalamus, sample(9, 0.5))), [0.5; 3], "cleared");
}

#[test]
fn every_modality_stands_in_its_place_and_the_gate_beside() {
    let mut thalamus = trained();
    notice(&mut thalamus, 1, news(&[0], &[0.25, -0.75])).expect("it is read");
    let fused = thalamus.step(perceived(sample(2, 0.5), &[0.5, -0.5], 3)).expect("a state");
    let mut row = [0.0; 12];
    thalamus::price::write(fused.sensed(), &instrument(), &mut row);
    let recall = [0.0, 0.0, 0.0, -2.0, 0.0, 0.5, 0.0, 0.0, 0.0];
    let rows = row[..NUMBERS].repeat(ROWS);
    let want = [&[0.5, -0.5][..], &rows, &[0.25, -0.75], &recall, &[1.0; 4]].concat();
    assert_eq!(*fused.state.h, *want);
    assert!(fused.state.gate.iter().zip(&want).all(|(gate, x)| *gate == x / 4.0));
    assert_eq!((fused.state.absent, thalamus.width()), (vec![], INPUTS));
}

#[test]
fn what_is_absent_or_untrained_is_masked_and_nothing() {
    let all = [Modality::Vision, Modality::Text, Modality::Memory];
    let nothing = step(&mut trained(), sample(1, 0.5));
    assert_eq!((mask(&nothing), nothing.state.absent), ([0.0, 1.0, 0.0, 0.0], all.to_vec()));
    let mut thalamus = trained_with(&[Modality::Price]);
    notice(&mut thalamus, 1, news(&[0], &[0.25, -0.75])).expect("it is left unread");
    let masked = thalamus.step(perceived(sample(1, 0.5), &[0.5, -0.5], 3)).expect("a state");
    assert_eq!((masked.state.h, masked.state.absent), (nothing.state.h, all.to_vec()));
}

#[test]
fn the_latest_news_counts_until_it_is_stale() {
    let mut thalamus = trained();
    notice(&mut thalamus, 1, news(&[0], &[1.0, 2.0])).expect("it is read");
    notice(&mut thalamus, 5, news(&[0, 1], &[3.0, 4.0])).expect("it is read");
    let fused = step(&mut thalamus, sample(15, 0.5));
    assert_eq!((text(&fused), mask(&fused)), (&[3.0, 4.0][..], [0.0, 1.0, 1.0, 0.0]));
    notice(&mut thalamus, 15, NoticeKind::Restarted).expect("it is cleared");
    assert_eq!(text(&step(&mut thalamus, sample(15, 0.5))), [3.0, 4.0], "news outlives a restart");
    let late = Sensed { time: at(15).plus(1), ..sample(0, 0.5) };
    let fused = step(&mut thalamus, late);
    assert_eq!((text(&fused), mask(&fused)), (&[0.0, 0.0][..], [0.0, 1.0, 0.0, 0.0]));
}

#[test]
fn what_cannot_be_fused_is_a_fault() {
    let mut thalamus = trained();
    for (about, embedding) in [(0, &[1.0][..]), (0, &[1.0, f32::NAN]), (2, &[1.0, 2.0])] {
        assert!(notice(&mut thalamus, 1, news(&[about], embedding)).is_err(), "{embedding:?}");
    }
    for v in [&[0.5][..], &[0.5, f32::INFINITY]] {
        assert!(thalamus.step(perceived(sample(1, 0.5), v, 0)).is_err(), "{v:?}");
    }
}

#[test]
fn a_snapshot_restores_what_another_fusion_can_read() {
    let mut thalamus = trained();
    notice(&mut thalamus, 1, news(&[0], &[1.0, 2.0])).expect("it is read");
    let _ = step(&mut thalamus, sample(2, 0.1));
    let _ = step(&mut thalamus, sample(3, 0.2));
    let bytes = thalamus.snapshot();
    let mut same = trained();
    same.restore(&bytes).expect("it is a snapshot");
    assert_eq!(same.snapshot(), bytes);
    assert_eq!(step(&mut same, sample(4, 0.3)), step(&mut thalamus, sample(4, 0.3)));
    let mut blind = trained_with(&[Modality::Price, Modality::Vision]);
    blind.restore(&bytes).expect("it is a snapshot");
    let fused = step(&mut blind, sample(4, 0.3));
    assert_eq!((window(&fused), text(&fused)), (vec![0.1, 0.2, 0.3], &[0.0, 0.0][..]));
    let untrained = |fuser| {
        Thalamus::new(ThalamusParams::default(), Layout::new(VISION), 1, instruments(2, &instrument()), fuser)
    };
    let mut none = untrained(None);
    let empty = none.snapshot();
    none.restore(&bytes).expect("it is a snapshot");
    assert_eq!(none.snapshot(), empty);
    thalamus.restore(&empty).expect("it is a snapshot");
    assert_eq!(window(&step(&mut thalamus, sample(5, 0.4))), [0.4; 3], "it begins anew");
    assert!(thalamus.restore(&[1]).is_err());
}

proptest! {
    #[test]
    fn peeking_is_stepping_without_a_trace(
        samples in prop::collection::vec((-1.0f32..1.0, any::<bool>(), any::<bool>(), 0u32..2), 1..9),
    ) {
        let mut thalamus = trained();
        for (seconds, (imbalance, is_startled, is_seen, schemas)) in (0..).zip(samples) {
            let sensed = if is_startled { startled(seconds, imbalance) } else { sample(seconds, imbalance) };
            let message = perceived(sensed, if is_seen { &[0.5, 0.25] } else { &[] }, schemas);
            let before = thalamus.digest();
            let peeked = thalamus.peek(message.clone());
            prop_assert_eq!(thalamus.digest(), before);
            let stepped = thalamus.step(message);
            prop_assert!(stepped.is_ok());
            prop_assert_eq!(peeked, stepped);
            prop_assert!(!is_startled || thalamus.digest() == before);
        }
    }
}
