//! The network that ships, in the live line: one digest on the loop, on actors, when thought again, and on
//! every instruction set; and what takes effect in the middle sees what it would have seen.

use std::collections::BTreeSet;
use std::sync::Arc;

use janus::assemble::{self, Orders, Parts};
use janus::brain::{Actors, BrainParams, Credits, Engine, Rethink};
use janus::config::Config;
use janus::policy::{Backend, Minds, Policy, Trained};
use janus::stream::Range;
use journal::Record;
use market::InstrumentId;
use market::feed::Format;
use networks::{Isa, Network, files};
use synapse::{Modality, Region, SampleKind};

use crate::config;
use crate::news::{recorded, stream};

fn shipped() -> Network {
    files::read(&support::root().join("models/next-move")).expect("the network that ships")
}

fn minds(network: Network, isa: Isa, config: &Config) -> Minds {
    let policy = Policy::Network(Arc::new(Trained::new(network)));
    Minds::open(&policy, &Backend { isa, ..Backend::default() }, config).expect("it fits")
}

fn orders(isa: Isa, config: &Config) -> Orders {
    Orders {
        policy: Some(minds(shipped(), isa, config)),
        formats: vec![Format::Bitstamp; 2],
        ..Orders::default()
    }
}

fn engine(isa: Isa, config: &Config) -> Engine<Range> {
    assemble::engine(config, stream(config, None), orders(isa, config)).expect("an engine").0
}

fn settings() -> Config {
    config(include_str!("../../config/demo.toml"))
}

#[test]
fn one_digest_on_loop_actors_replay_and_every_instruction_set() {
    let config = settings();
    let (plain, tape) = recorded(engine(Isa::detect(), &config));
    let sees = |record: &&Record| match record {
        Record::Decision(decision) => !decision.record.state.absent.contains(&Modality::Vision),
        _ => false,
    };
    assert!(tape.iter().filter(sees).count() > 3000, "it sees");
    let mut again = {
        let Parts { door, mind, broker, .. } =
            assemble::parts(&config, orders(Isa::Baseline, &config)).expect("a brain");
        Rethink::new(door, mind, broker, BTreeSet::new())
    };
    tape.iter().for_each(|record| again.follow(record).expect("the same"));
    assert_eq!(again.mind().spine().digest(), plain.digest());
    for workers in [1, 2] {
        let params = BrainParams { workers, ..BrainParams::default() };
        let actors = Actors::new(&params, None).expect("threads").yielding(5);
        let (line, same) = recorded(engine(Isa::detect(), &config).on(actors, Credits::Fixed(64)));
        assert!(same == tape && line.digest() == plain.digest(), "{workers} workers");
    }
    let sets = Isa::available();
    println!("instruction sets: {sets:?}");
    assert!(sets.contains(&Isa::Baseline));
    for isa in sets {
        assert_eq!(recorded(engine(isa, &config)).0.digest(), plain.digest(), "{isa:?}");
    }
}

#[test]
fn a_frame_is_read_once_a_sample_from_the_first_window_on() {
    let config = settings();
    let (engine, tape) = recorded(engine(Isa::detect(), &config));
    let window = config.visual_cortex.window as u64;
    let (mut frames, mut span) = (0, 0);
    for record in &tape {
        match record {
            Record::Decision(decision) if decision.record.kind == SampleKind::Regular => {
                span += u64::from(visual_cortex::seen::look(&decision.record.features).is_some());
            }
            Record::Input(input) if format!("{:?}", input.kind).contains("Restarted") => {
                frames += u64::saturating_sub(span, window - 1);
                span = 0;
            }
            _ => {}
        }
    }
    frames += u64::saturating_sub(span, window - 1);
    assert!(frames > 3000);
    assert_eq!(engine.line().visual_cortex.frames_encoded(), frames);
    assert_eq!(engine.line().visual_cortex.frames_reencoded(), 0);
}

#[test]
fn one_flipped_bit_of_a_weight_makes_another_network_and_other_decisions() {
    let config = settings();
    let network = shipped();
    let mut tensors = std::collections::BTreeMap::new();
    let shape = network.card.shape.clone();
    let weights = network.weights().expect("weights of ours");
    for (name, _) in shape.tensors() {
        tensors.insert(name.clone(), weights.get(&name).to_vec());
    }
    let bias = &mut tensors.get_mut("heads.go.bias").expect("a tensor")[2];
    *bias = f32::from_bits(bias.to_bits() ^ (1 << 20));
    let other = networks::Weights::new(&shape, tensors).expect("finite");
    let other = Network::new(network.card.clone(), other).expect("a network");
    assert_ne!(other.hash(), network.hash());
    let mut bytes = network.to_bytes();
    let last = bytes.len() - 2;
    bytes[last] ^= 1;
    assert_ne!(*blake3_of(&bytes), network.hash(), "its name tells");
    let (_, tape) = recorded(engine(Isa::detect(), &config));
    let orders = Orders {
        policy: Some(minds(other, Isa::detect(), &config)),
        formats: vec![Format::Bitstamp; 2],
        ..Orders::default()
    };
    let Parts { door, mind, broker, .. } = assemble::parts(&config, orders).expect("a brain");
    let mut again = Rethink::new(door, mind, broker, BTreeSet::new());
    let stray = tape.iter().find_map(|record| again.follow(record).err()).expect("it is found out");
    let told = format!("{stray:?}");
    assert!(told.contains("basal_ganglia") && told.contains("proposal"), "{told}");
}

fn blake3_of(bytes: &[u8]) -> Box<[u8; 32]> {
    Box::new(journal::Hash::of(bytes).0)
}

#[test]
fn another_network_that_takes_effect_reads_again_what_was_seen() {
    let config = settings();
    let (engine, _) = recorded(engine(Isa::detect(), &config));
    let cortex = &engine.line().visual_cortex;
    let shape = shipped().card.shape;
    let other = Network::new(shipped().card, networks::Weights::random(&shape, 3)).expect("a network");
    let minds = minds(other, Isa::detect(), &config);
    let mut next =
        visual_cortex::VisualCortex::new(config.visual_cortex.clone(), 1, minds.eyes).expect("eyes that fit");
    next.set_state(cortex.state().clone());
    let id = InstrumentId(0);
    let lag = ((shape.frames - 1) * shape.stride + 1) as u64;
    assert_eq!(next.frames_reencoded(), lag);
    assert_ne!(next.see_whole(id).expect("a percept"), cortex.see_whole(id).expect("a percept"));
}
