//! How fast the index is filled, and how large it gets: printed, not judged.

use std::fs;
use std::time::Instant;

use journal::Record;

use crate::story::{Dice, story};
use crate::{open, taped};

#[test]
#[ignore = "a measurement: cargo test -p journal --release --test index -- --ignored --nocapture"]
fn a_hundred_thousand_decisions() {
    let records = story(Dice::new(7).below(1000) as u64, 45_000);
    let decisions = records.iter().filter(|record| matches!(record, Record::Decision(_))).count();
    let dir = taped(&records, 200);
    let start = Instant::now();
    let index = open(dir.path());
    let seconds = start.elapsed().as_secs_f64();
    let entries: u64 = index.counts().map(|(_, count)| count).sum();
    let start = Instant::now();
    drop(index);
    let closing = start.elapsed().as_secs_f64();
    let sled = dir.path().join("index/sled");
    let size = |entry: fs::DirEntry| entry.metadata().map_or(0, |meta| meta.len());
    let bytes: u64 = fs::read_dir(&sled).expect("a folder").map(|entry| size(entry.expect("an entry"))).sum();
    let start = Instant::now();
    drop(open(dir.path()));
    let sealed = start.elapsed().as_secs_f64();
    fs::remove_file(dir.path().join("index/sled.seal")).expect("sealed");
    let start = Instant::now();
    drop(open(dir.path()));
    let checked = start.elapsed().as_secs_f64();
    println!(
        "{decisions} decisions, {entries} entries: {:.0} entries/s, {:.0} decisions/s, {} bytes a decision; \
         closed in {closing:.2} s, opened in {sealed:.2} s by its seal, in {checked:.2} s entry by entry",
        entries as f64 / seconds,
        decisions as f64 / seconds,
        bytes / decisions as u64,
    );
}
