//! Headlines: inputs at their time, one digest over loop, line, replay and resumption, and no text model where
//! a tape is thought again.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use janus::assemble::{self, Orders, Parts};
use janus::brain::{Actors, BrainParams, Credits, Engine, Rethink, Silent};
use janus::config::Config;
use janus::news::News;
use janus::policy::{Backend, Minds, Policy, Trained};
use janus::stream::Range;
use journal::Record;
use market::Timestamp;
use market::feed::{Format, Merge};
use networks::{Card, Network, Shape, Weights};
use synapse::{Input, InputKind, Modality, NoticeKind};
use visual_cortex::seen::seen_names;

use crate::config;
use crate::rethink::Tape;

/// Random weights that read text.
fn policy() -> Policy {
    let shape = Shape::default();
    let (features, price) = (seen_names(), thalamus::price::names(shape.price_numbers));
    let card = Card { features_hash: Card::hash_of(&features), features, price, ..Card::random(&shape) };
    let network = Network::new(card, Weights::random(&shape, 7)).expect("a network");
    Policy::Network(Arc::new(Trained::new(network)))
}

fn settings(model: &str) -> Config {
    let mut config = config(include_str!("../../config/demo.toml"));
    config.news.model = model.to_owned();
    config
}

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn with_model() -> Config {
    settings(data("text-model").to_str().expect("a path of text"))
}

fn orders(config: &Config) -> Orders {
    let minds = Minds::open(&policy(), &Backend::default(), config).expect("a network that fits");
    Orders { policy: Some(minds), formats: vec![Format::Bitstamp; 2], ..Orders::default() }
}

/// A quarter of an hour of the bundled session, with headlines or without.
pub fn stream(config: &Config, news: Option<&Path>) -> Range {
    let (instruments, _) = config.traded(&config.instrument_names()).expect("limits");
    let mut options = assemble::open_options(config, &instruments, None);
    options.instrument = Some("BTCUSD".to_owned());
    let folder = support::session();
    let merge = Merge::open([(folder.to_str().expect("a path of text"), options)]);
    let news = News::open(news, config, &instruments, &policy()).expect("headlines");
    Range::new(merge, None, Timestamp::parse_civil("2026-05-02T02:50:00Z")).with_news(news)
}

fn engine(config: &Config, news: Option<&Path>) -> Engine<Range> {
    assemble::engine(config, stream(config, news), orders(config)).expect("an engine").0
}

pub fn recorded(mut engine: Engine<Range>) -> (Engine<Range>, Vec<Record>) {
    let mut tape = Tape::default();
    engine.run(&mut tape).expect("no region faults");
    (engine, tape.0)
}

fn rethink(config: &Config) -> Rethink {
    let Parts { door, mind, broker, .. } = assemble::parts(config, orders(config)).expect("a brain");
    Rethink::new(door, mind, broker, BTreeSet::new())
}

fn headlines(records: &[Record]) -> Vec<String> {
    let time = |record: &Record| match record {
        Record::Input(Input { time, kind: InputKind::Notice(NoticeKind::News { .. }), .. }) => {
            Some(time.to_string())
        }
        _ => None,
    };
    records.iter().filter_map(time).collect()
}

/// How many decisions read a text.
fn readers(records: &[Record]) -> usize {
    let reads = |record: &&Record| match record {
        Record::Decision(decision) => !decision.record.state.absent.contains(&Modality::Text),
        _ => false,
    };
    records.iter().filter(reads).count()
}

#[test]
fn headlines_are_inputs_of_their_time_and_have_one_digest() {
    let (config, file) = (with_model(), data("news.jsonl"));
    let (plain, tape) = recorded(engine(&config, Some(&file)));
    // what is stale before the feeds begin, or comes after them, is no input
    let at = ["2026-05-02T02:40:00Z", "2026-05-02T02:47:30.250Z", "2026-05-02T02:47:30.250Z"];
    let at = at.map(|text| Timestamp::parse_civil(text).expect("a time").to_string());
    assert_eq!(headlines(&tape), at);
    assert!(readers(&tape) > 1000, "{} decisions read a headline", readers(&tape));
    let workers = BrainParams { workers: 2, ..BrainParams::default() };
    let actors = Actors::new(&workers, None).expect("threads").yielding(3);
    let (line, same) = recorded(engine(&config, Some(&file)).on(actors, Credits::Fixed(64)));
    assert!(same == tape, "the same tape");
    assert_eq!(line.digest(), plain.digest());
    // the tape is enough: here is no text model, and no file
    let mut again = rethink(&settings("nowhere"));
    tape.iter().for_each(|record| again.follow(record).expect("the same"));
    assert_eq!(again.mind().spine().digest(), plain.digest());
    let (without, silent) = recorded(engine(&config, None));
    assert_ne!(without.digest(), plain.digest());
    assert_eq!((headlines(&silent).len(), readers(&silent)), (0, 0));
}

#[test]
fn a_run_that_was_cut_off_between_two_headlines_of_one_time_goes_on_to_the_same_end() {
    let (config, file) = (with_model(), data("news.jsonl"));
    let (plain, tape) = recorded(engine(&config, Some(&file)));
    let is_news = |record: &Record| !headlines(std::slice::from_ref(record)).is_empty();
    let second = tape.iter().enumerate().filter(|(_, record)| is_news(record)).nth(1).expect("three").0;
    for cut in [second, second + 1, tape.len() / 2] {
        let mut again = rethink(&config);
        tape[..cut].iter().for_each(|record| again.follow(record).expect("the same"));
        let (events, headlines) = (again.taken().values().sum(), again.news());
        let mut rest = stream(&config, Some(&file));
        rest.skip(events, headlines);
        let (mut engine, _) = again.go_on(rest);
        engine.run(&mut Silent).expect("no fault");
        assert_eq!(engine.digest(), plain.digest(), "cut at record {cut}");
    }
}
