//! Networks that take effect one after the other while thousands of rows a second come (R2), and one that does not
//! read what the text model gives.

use std::path::Path;
use std::sync::Arc;

use janus::blueprint::Blueprint;
use janus::control::{Answer, Ask};
use janus::policy::{Backend, Minds, Policy, Trained};
use journal::{Hash, Reader, Record, artefacts};
use networks::{Card, Network, Shape, Weights, files};
use serde_json::Value;
use synapse::bytes::encode;
use synapse::{DecisionRecord, Input, InputKind, Model, Notice, NoticeKind, Region, Sensed};
use thalamus::price;
use visual_cortex::{VisualCortex, seen_names};

use crate::common::{ask, replay, tell, until, until_status};
use crate::place::Place;
use crate::tape::{activations, decisions, records};

/// 87 s of the session, which are some 4,500 rows a second of all instruments at that speed.
const ROWS: usize = 20_000;
const INSTRUMENTS: usize = 6;
const SPEED: &str = "5";
/// So many decisions are waited for between two activations.
const BETWEEN: u64 = 1_000;

fn shipped() -> Network {
    files::read(&support::root().join("models/next-move")).expect("the network that ships")
}

/// Other weights in the shape of the network that ships.
fn other() -> Network {
    let card = Card { name: "other".to_owned(), trained: false, ..shipped().card };
    let weights = Weights::random(&card.shape, 11);
    Network::new(card, weights).expect("a network")
}

fn keep(journal: &Path, network: &Network) -> Hash {
    artefacts::put(journal, "network", &network.to_bytes()).expect("kept")
}

fn count(journal: &Path) -> u64 {
    let so_far = |status: &Value| status["decisions"].as_u64();
    so_far(&until_status(journal, "a status", |status| so_far(status).is_some())).expect("a count")
}

fn wait_for_more(journal: &Path) {
    let then = count(journal);
    let is_so = |status: &Value| status["decisions"].as_u64() > Some(then + BETWEEN);
    until_status(journal, "decisions", is_so);
}

/// A network by itself: eyes that look on from the first sample, and heads.
struct Alone {
    hash: Hash,
    cortex: VisualCortex,
    heads: Box<dyn Model>,
}

impl Alone {
    fn new(network: Network, tape: &Blueprint) -> Self {
        let trained = Trained::new(network);
        let hash = trained.hash();
        let policy = Policy::Network(Arc::new(trained));
        let Minds { eyes, policy, .. } =
            Minds::open(&policy, &Backend::default(), &tape.config).expect("it fits");
        let cortex =
            VisualCortex::new(tape.config.visual_cortex.clone(), INSTRUMENTS, eyes).expect("it fits");
        Self { hash, cortex, heads: policy }
    }

    /// The hash of what it sees in a sample, and whether it sees anything.
    fn see(&mut self, record: &DecisionRecord) -> ([u8; 32], bool) {
        let DecisionRecord { sequence, instrument, time, kind, features, .. } = record.clone();
        let sensed = Sensed { sequence, instrument, time, kind, features, ..scenes::sensed() };
        let percept = self.cortex.step(scenes::recalled(sensed)).expect("no fault").percept;
        (Hash::of(&encode(&percept)).0, !percept.v.is_empty())
    }

    /// Go, No-Go and values of a state.
    fn judge(&self, h: &[f32]) -> [f32; 9] {
        let mut signals = [0.0; 9];
        self.heads.infer(h, &mut signals).expect("no fault");
        signals
    }
}

#[test]
fn networks_that_take_effect_under_load_see_and_judge_from_that_input_on() {
    let place = Place::several(ROWS, INSTRUMENTS);
    let journal = place.journal();
    let daemon = place.daemon(&journal, &["--speed", SPEED, "--once", &place.feed()]);
    wait_for_more(&journal);
    let folder = support::root().join("models/next-move").display().to_string();
    let added = tell(&["brain", "add", &folder], &journal);
    assert_eq!(
        (added.code, added.stdout.trim()),
        (Some(0), &*Hash(shipped().hash()).to_string()),
        "{added:?}"
    );
    let (first, second) = (Hash(shipped().hash()), keep(&journal, &other()));
    for hash in [first, second, first, second] {
        let word = Ask::Activate { hash, by: "ann".to_owned(), reason: "a test".to_owned() };
        until("an activation", || match ask(&journal, &word)? {
            Answer::Done { sequence, .. } => sequence,
            // the regions are at work
            Answer::Refused { code: 70, .. } => None,
            other => panic!("refused: {other:?}"),
        });
        wait_for_more(&journal);
    }
    let ended = daemon.end().json();
    assert_eq!(replay(&journal)["digest"], ended["digest"]);

    let reader = Reader::open(&journal).expect("a tape");
    let begun = Blueprint::of(&journal, reader.manifest(), Backend::default()).expect("what it began with");
    let mut alone = [shipped(), other()].map(|network| Alone::new(network, &begun));
    let mut active: Option<(Hash, u64)> = None;
    let (mut compared, mut seen, mut inputs, mut since) = (0, 0, 0, Vec::new());
    for record in records(&journal) {
        match record {
            Record::Input(Input { sequence, time, kind: InputKind::Notice(kind) }) => {
                if let NoticeKind::Activate { hash, .. } = &kind {
                    active = Some((Hash(*hash), sequence));
                    since.push(sequence);
                }
                let notice = Notice { sequence, time, kind };
                alone.iter_mut().for_each(|one| one.cortex.notice(&notice).expect("no fault"));
            }
            Record::Input(_) => inputs += 1,
            Record::Decision(decision) => {
                let record = decision.record;
                let saw = alone.each_mut().map(|one| one.see(&record));
                let Some((hash, _)) = active.filter(|(_, since)| record.sequence > *since) else {
                    // of a rule there is neither
                    assert!(record.state.gate.is_empty() && record.proposal.values.is_none());
                    continue;
                };
                assert_eq!(record.state.gate.len(), 32);
                let at = alone.iter().position(|one| one.hash == hash).expect("one of both");
                assert_eq!(record.percept, saw[at].0, "{}", record.sequence);
                assert!(!saw[at].1 || saw[1 - at].0 != record.percept, "the other sees something else");
                let proposal = &record.proposal;
                let values = proposal.values.expect("a critic");
                let told = [proposal.go, proposal.no_go, values].concat();
                assert_eq!(told, alone[at].judge(&record.state.h), "{}", record.sequence);
                assert_ne!(told, alone[1 - at].judge(&record.state.h), "{}", record.sequence);
                compared += 1;
                seen += usize::from(saw[at].1);
            }
            _ => {}
        }
    }
    println!("{compared} decisions compared, {seen} with something seen, {inputs} rows and ticks; {since:?}");
    assert_eq!(since.len(), 4);
    assert!(since.windows(2).all(|two| two[1] - two[0] > BETWEEN) && seen as u64 > 4 * BETWEEN);
    let still = decisions(&records(&journal)).filter(|it| it.sequence > since[3]).count() as u64;
    assert!(still > BETWEEN, "{still} decisions behind the last");
}

#[test]
fn a_network_that_reads_other_embeddings_than_the_text_model_gives_is_refused() {
    let place = Place::new(9_000);
    let data = support::root().join("tests/data");
    let config = std::fs::read_to_string(place.path("config.toml")).expect("a configuration");
    let config = format!("{config}[news]\nmodel = \"{}\"\n", data.join("text-model").display());
    std::fs::write(place.path("config.toml"), config).expect("written");
    let (journal, news) = (place.journal(), data.join("news.jsonl").display().to_string());
    let daemon = place.daemon(&journal, &["--speed", "2", "--once", "--news", &news, &place.feed()]);
    until_status(&journal, "decisions", |status| status["decisions"].as_u64() > Some(20));
    let reading = |text: usize| {
        let shape = Shape { text, ..Shape::default() };
        let (features, price) = (seen_names(), price::names(shape.price_numbers));
        let card = Card { features_hash: Card::hash_of(&features), features, price, ..Card::random(&shape) };
        Network::new(card, Weights::random(&shape, 5)).expect("a network")
    };
    let activate = |text| {
        let hash = keep(&journal, &reading(text)).to_string();
        tell(&["brain", "activate", &hash, "--by", "ann", "--reason", "a test"], &journal)
    };
    activate(16).fails(2, &["reads embeddings of 16 numbers", "gives 384"]);
    let told = activate(384);
    assert_eq!(told.code, Some(0), "{told:?}");
    let ended = daemon.stop().json();
    assert_eq!(activations(&records(&journal)).len(), 1);
    assert_eq!(replay(&journal)["digest"], ended["digest"]);
    tell(&["brain", "add", &place.path(".").display().to_string()], &journal).fails(2, &["card.json"]);
}
