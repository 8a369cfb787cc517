//! A line without an end: memory stays bounded, and what came before it is processed.

use std::io::{Read, Write};
use std::process::Stdio;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::{Desk, Told, good_orders, order, orders};
use crate::{Run, janus};

/// How much of one line is offered: a program that read all of it would hold a gigabyte.
const OFFERED: usize = 1 << 30;
const CHUNK: usize = 1 << 20;
const MANY_ROWS: usize = 256 << 20;
/// How much memory the program may take at most, bytes.
const MEMORY: u64 = 64 << 20;

/// The most memory a process has held so far, bytes; none where the system does not tell.
fn peak_memory(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib << 10)
}

/// What a run was fed and what it took.
struct Fed {
    told: Told,
    written: usize,
    peak: Option<u64>,
}

/// Runs with a text on standard input, and behind it chunk after chunk until all that is offered is
/// written, or it has had enough.
fn feed(args: &[&str], text: &str, chunk: &[u8], offered: usize) -> Fed {
    let piped = janus(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = piped.expect("it starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let (mut written, mut peak) = (0, None);
    stdin.write_all(text.as_bytes()).expect("it reads");
    while written < offered && stdin.write_all(chunk).is_ok() {
        written += chunk.len();
        peak = peak.max(peak_memory(child.id()));
    }
    drop(stdin);
    // it waits for these pipes to be read before it ends
    let mut first = [0];
    child.stdout.as_mut().expect("a pipe").read_exact(&mut first).expect("a word");
    peak = peak.max(peak_memory(child.id()));
    let mut output = child.wait_with_output().expect("it ends");
    output.stdout.insert(0, first[0]);
    Fed { told: Told::of(Run::of(output)), written, peak }
}

fn is_bounded(peak: Option<u64>) {
    match peak {
        Some(peak) => assert!(peak > 0 && peak < MEMORY, "{} MiB", peak >> 20),
        None => eprintln!("SKIPPED peak memory: the system does not tell"),
    }
}

#[test]
fn a_gigabyte_of_one_line_through_a_pipe_takes_little_memory() {
    let desk = Desk::new();
    let text = orders(&good_orders());
    for args in
        [&["data", "info", "--json", "-"][..], &["backtest", "--json", "--config", desk.config(), "-"]]
    {
        let fed = feed(args, &text, &[b'7'; CHUNK], OFFERED);
        let said =
            "standard input:8: the line is longer than 8388608 bytes; are there line ends in the file?";
        fed.told.ends(&[said], 6);
        assert!((8 << 20..OFFERED).contains(&fed.written), "it stops reading: {}", fed.written);
        is_bounded(fed.peak);
    }
    let fed = feed(&["data", "info", "--json", "-"], "", &[b'7'; CHUNK], OFFERED);
    fed.told.ends(&["standard input:1: the line is longer than 8388608 bytes"], 0);
    is_bounded(fed.peak);
}

#[test]
fn many_rows_through_a_pipe_takes_little_memory() {
    // all at one time, which no grid samples: what is measured is reading
    let row = order(1400, 9, "100", "1", "deleted", "bid") + "\n";
    let rows = row.repeat(CHUNK / row.len());
    let fed = feed(&["data", "info", "--json", "-"], &orders(&good_orders()), rows.as_bytes(), MANY_ROWS);
    assert_eq!(fed.told.run.code, 0, "{}", fed.told.run.stderr);
    assert!(fed.written >= MANY_ROWS);
    assert_eq!(fed.told.count("ignored") as usize, fed.written / row.len());
    is_bounded(fed.peak);
}

#[test]
fn a_small_gzip_of_one_huge_line_is_left_unread() {
    let desk = Desk::new();
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(orders(&good_orders()).as_bytes()).expect("in memory");
    for _ in 0..64 {
        packed.write_all(&[b'7'; CHUNK]).expect("in memory");
    }
    let packed = packed.finish().expect("in memory");
    assert!(packed.len() < CHUNK);
    let file = desk.write("orders.csv.gz", packed);
    for told in desk.both(&[&file]) {
        told.ends(&[&format!("{file}:8: the line is longer than 8388608 bytes")], 6);
    }
}
