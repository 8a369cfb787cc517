//! The plain loop, driven through the library.

mod busy;
mod line;
mod news;
mod nights;
mod random;
mod reach;
mod regressions;
mod rethink;
mod sight;

use janus::brain::{Engine, Observer, Stream};
use janus::config::{Config, Loader};
use market::order::Report;
use market::{MarketEvent, Timestamp};
use synapse::{DecisionRecord, Digest};

/// What a run left behind.
#[derive(Default)]
struct Kept {
    decisions: Vec<DecisionRecord>,
    reports: Vec<(Timestamp, Report)>,
}

impl Observer for Kept {
    fn decided(&mut self, record: &DecisionRecord, _bytes: &[u8], _digest: Digest) {
        self.decisions.push(record.clone());
    }

    fn reported(&mut self, time: Timestamp, report: &Report) {
        self.reports.push((time, *report));
    }
}

type Events = std::iter::Peekable<std::vec::IntoIter<MarketEvent>>;

fn config(text: &str) -> Config {
    Loader::new().text(text, "test").and_then(Loader::finish).expect("a configuration")
}

fn run<S: Stream>(mut engine: Engine<S>) -> (Engine<S>, Kept) {
    let mut kept = Kept::default();
    engine.run(&mut kept).expect("no region faults");
    (engine, kept)
}
