//! `janus journal ls`: what is in a journal's folder.

use std::fmt::Write;

use journal::{Position, artefacts, snapshots};
use serde::Serialize;

use super::{LookArgs, Tape, or_none, times};
use crate::commands::terminal::report;
use crate::failure::Failure;
use crate::summary::grouped;

/// Lists what is there.
pub(super) fn run(args: &LookArgs) -> Result<(), Failure> {
    let listing = list(&args.journal.open()?)?;
    report(args.json, &text(&listing), &listing)
}

#[derive(Debug, Serialize)]
struct Listing {
    run: String,
    build: String,
    regime: journal::Regime,
    instruments: Vec<String>,
    segments: Vec<Segment>,
    snapshots: Vec<File>,
    artefacts: Vec<File>,
    head: Option<Position>,
    anchored: Option<Position>,
}

#[derive(Debug, Serialize)]
struct Segment {
    file: String,
    blocks: u64,
    sequence_first: u64,
    sequence_last: u64,
    /// Event time of its first and last input; none where it has no input.
    time_first: Option<String>,
    time_last: Option<String>,
    bytes: Option<u64>,
}

/// A file named by its hash.
#[derive(Debug, Serialize)]
struct File {
    hash: String,
    what: String,
    bytes: u64,
}

fn list(tape: &Tape) -> Result<Listing, Failure> {
    let manifest = tape.reader.manifest();
    let snapshots = snapshots::list_snapshots(&tape.dir)?.into_iter().map(|it| File {
        hash: it.hash.to_string(),
        what: format!("behind input {}", it.sequence),
        bytes: it.bytes,
    });
    let artefacts = artefacts::list(&tape.dir)?.into_iter();
    let artefacts = artefacts.map(|it| File { hash: it.hash.to_string(), what: it.kind, bytes: it.bytes });
    Ok(Listing {
        run: manifest.run.clone(),
        build: manifest.build.clone(),
        regime: manifest.regime,
        instruments: manifest.instruments.clone(),
        segments: segments(tape),
        snapshots: snapshots.collect(),
        artefacts: artefacts.collect(),
        head: tape.reader.head(),
        anchored: tape.reader.anchored(),
    })
}

/// The size of a file; none where it went meanwhile.
fn size(tape: &Tape, name: &str) -> Option<u64> {
    std::fs::metadata(tape.dir.join(name)).ok().map(|facts| facts.len())
}

fn segments(tape: &Tape) -> Vec<Segment> {
    let of_segment = tape.reader.headers().chunk_by(|a, b| a.segment == b.segment);
    let segment = |blocks: &[journal::BlockAt]| {
        let (first, last) = (blocks.first()?, blocks.last()?);
        let [time_first, time_last] = times(blocks);
        Some(Segment {
            file: first.file(),
            blocks: blocks.len() as u64,
            sequence_first: first.header.sequence_first,
            sequence_last: last.header.sequence_last,
            time_first,
            time_last,
            bytes: size(tape, &format!("tape/{}", first.file())),
        })
    };
    of_segment.filter_map(segment).collect()
}

fn text(listing: &Listing) -> String {
    let mut text = String::new();
    let regime = format!("{:?}", listing.regime).to_lowercase();
    _ = writeln!(
        text,
        "run {} of build {}, {regime} time, instruments {}\n",
        listing.run,
        listing.build,
        listing.instruments.join(", ")
    );
    _ = writeln!(text, "{:<14} {:>8} {:>19} {:>13}  event time", "segment", "blocks", "sequence", "bytes");
    for it in &listing.segments {
        let is_empty = it.time_first.is_none();
        let sequence =
            if is_empty { "-".to_owned() } else { format!("{}..{}", it.sequence_first, it.sequence_last) };
        let bytes = it.bytes.map_or("gone".to_owned(), grouped);
        let time = match (&it.time_first, &it.time_last) {
            (Some(first), Some(last)) => format!("{first} to {last}"),
            _ => "no input".to_owned(),
        };
        _ = writeln!(text, "{:<14} {:>8} {sequence:>19} {bytes:>13}  {time}", it.file, it.blocks);
    }
    for (title, files) in [("snapshots", &listing.snapshots), ("artefacts", &listing.artefacts)] {
        _ = writeln!(text, "\n{title}:{}", if files.is_empty() { " none" } else { "" });
        for it in files {
            _ = writeln!(text, "  {}  {:>11} bytes  {}", it.hash, grouped(it.bytes), it.what);
        }
    }
    _ = writeln!(text, "\nhead:   {}\nanchor: {}", or_none(listing.head), or_none(listing.anchored));
    text
}
