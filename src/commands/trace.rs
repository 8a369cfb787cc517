//! `janus trace`: the way of a sample through the line, read from a log.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};

use super::terminal::report;
use crate::brain::{REGIONS, TRACE_TARGET};
use crate::failure::Failure;

/// No line of a log is longer.
const LINE_BYTES: u64 = 1 << 20;

const TRACE_ALL: &str = "with `--log-filter info,janus::trace=debug` every sample is";

/// Arguments of `janus trace`.
#[derive(Debug, Args)]
pub struct Trace {
    /// A decision, `SEQUENCE` or `SEQUENCE:INSTRUMENT`, the instrument by its number.
    id: String,
    /// One JSON object on the last line of standard output.
    #[arg(long)]
    json: bool,
}

/// What stands at the head of each line.
#[derive(Deserialize)]
struct Head {
    target: String,
}

/// A line that a sample left.
#[derive(Debug, Deserialize)]
struct Line {
    sequence: u64,
    instrument: u16,
    region: Option<String>,
    elapsed_ns: u64,
    #[serde(flatten)]
    verdict: Option<Verdict>,
}

#[derive(Debug, Deserialize)]
struct Verdict {
    verdict: String,
    requests: Option<String>,
    reason: Option<String>,
    why: Option<String>,
    tripped: bool,
    time: String,
    kind: String,
}

/// What a log tells of one sample.
#[derive(Debug, Default)]
struct Thought {
    region_ns: [Option<u64>; REGIONS.len()],
    /// The verdict, and the time from the sample to it.
    end: Option<(Verdict, u64)>,
}

/// What a log tells of one sequence number.
#[derive(Debug, Default)]
struct Found {
    /// By instrument.
    thoughts: BTreeMap<u16, Thought>,
    /// The sequence numbers that are traced.
    traced: BTreeSet<u64>,
    /// The first line that is none of a log, and what is wrong with it.
    stray: Option<(u64, String)>,
    lines: u64,
}

impl Trace {
    /// Reads the log and tells what it has of the sample.
    ///
    /// # Errors
    /// [`Failure::Input`] where the log cannot be read or has nothing of it.
    pub fn run(self, log: Option<&Path>) -> Result<(), Failure> {
        let (sequence, instrument) = parse_id(&self.id)?;
        let log = log.ok_or_else(|| {
            Failure::Input("no log is named; give the file that was written: --log FILE".to_owned())
        })?;
        let unreadable = |error| Failure::Input(format!("{}: {error}; give a log to read", log.display()));
        let file = File::open(log).map_err(unreadable)?;
        let mut found = Found::read(&mut BufReader::new(file), sequence).map_err(unreadable)?;
        if found.thoughts.is_empty() {
            return Err(Failure::Input(format!("{}{}", log.display(), found.nothing(sequence))));
        }
        if let Some(wanted) = instrument {
            let ids: Vec<_> = found.thoughts.keys().map(|at| format!("{sequence}:{at}")).collect();
            found.thoughts.retain(|at, _| *at == wanted);
            if found.thoughts.is_empty() {
                let (log, id, ids) = (log.display(), self.id, ids.join(", "));
                return Err(Failure::Input(format!("{log}: {id} is not traced; choose one of {ids}")));
            }
        }
        let thoughts = &found.thoughts;
        let text: String = thoughts.iter().map(|(at, thought)| thought.tree(sequence, *at)).collect();
        let samples: Vec<Value> = thoughts.iter().map(|(at, thought)| thought.json(sequence, *at)).collect();
        report(self.json, &text, &json!({ "samples": samples }))
    }
}

fn parse_id(id: &str) -> Result<(u64, Option<u16>), Failure> {
    let (sequence, instrument) = id.split_once(':').map_or((id, None), |(n, at)| (n, Some(at)));
    let instrument = instrument.map(str::parse).transpose();
    sequence.parse().ok().zip(instrument.ok()).ok_or_else(|| {
        Failure::Input(format!(
            "`{id}` is no sample; write SEQUENCE or SEQUENCE:INSTRUMENT, the instrument by its number"
        ))
    })
}

impl Found {
    fn read(log: &mut impl BufRead, sequence: u64) -> std::io::Result<Self> {
        let mut found = Self::default();
        let mut bytes = Vec::new();
        while log.by_ref().take(LINE_BYTES).read_until(b'\n', &mut bytes)? > 0 {
            found.lines += 1;
            if let Err(error) = found.line(&bytes, sequence) {
                found.stray.get_or_insert((found.lines, error.to_string()));
            }
            bytes.clear();
        }
        Ok(found)
    }

    fn line(&mut self, bytes: &[u8], sequence: u64) -> Result<(), serde_json::Error> {
        let head: Head = serde_json::from_slice(bytes)?;
        if head.target != TRACE_TARGET {
            return Ok(());
        }
        let line: Line = serde_json::from_slice(bytes)?;
        self.traced.insert(line.sequence);
        if line.sequence == sequence {
            self.thoughts.entry(line.instrument).or_default().take(line);
        }
        Ok(())
    }

    /// Why there is nothing of a sequence number, to be put behind the name of the log.
    fn nothing(&self, sequence: u64) -> String {
        let next = self.traced.range(sequence..).next();
        let nearest: Vec<_> =
            self.traced.range(..sequence).next_back().into_iter().chain(next).map(u64::to_string).collect();
        match &self.stray {
            _ if !nearest.is_empty() => format!(
                ": input {sequence} is not traced, the nearest are {}; at `info` only inputs whose number is a \
                 multiple of `brain.trace_every` are, {TRACE_ALL}; or it made no sample",
                nearest.join(" and ")
            ),
            Some((at, error)) => {
                format!(
                    ":{at}: is no line of a log ({error}); give a file that was written with `--log FILE`"
                )
            }
            None => format!(
                ": no sample is traced in its {} lines; at `info` each input whose number is a multiple of \
                 `brain.trace_every` is, {TRACE_ALL}",
                self.lines
            ),
        }
    }
}

impl Thought {
    fn take(&mut self, line: Line) {
        if let Some(verdict) = line.verdict {
            self.end = Some((verdict, line.elapsed_ns));
            return;
        }
        let Some(at) = REGIONS.iter().position(|name| Some(*name) == line.region.as_deref()) else { return };
        if self.region_ns[at].is_some() {
            // the newest counts: it was thought again after a crash, or in another run
            *self = Self::default();
        }
        self.region_ns[at] = Some(line.elapsed_ns);
    }

    fn regions_ns(&self) -> u64 {
        self.region_ns.iter().flatten().sum()
    }

    fn tree(&self, sequence: u64, instrument: u16) -> String {
        let mut text = format!("sample {sequence}:{instrument}");
        if let Some((verdict, _)) = &self.end {
            _ = write!(text, ", {}, at {}", verdict.kind.to_lowercase(), verdict.time);
        }
        text.push('\n');
        for (name, ns) in REGIONS.iter().zip(self.region_ns) {
            let took = ns.map_or("     not in the log".to_owned(), micros);
            _ = writeln!(text, "├─ {name:<15}{took}");
        }
        _ = writeln!(text, "├─ {:<15}{}", "all regions", micros(self.regions_ns()));
        let Some((verdict, elapsed_ns)) = &self.end else {
            return text + "└─ no verdict in the log: a region failed, or the log ends before\n";
        };
        _ = writeln!(text, "├─ {:<15}{}", "to the verdict", micros(*elapsed_ns));
        let Verdict { verdict, requests, reason, why, tripped, .. } = verdict;
        let what = requests.as_deref().or(why.as_deref()).or(reason.as_deref()).unwrap_or("without a word");
        let trip = if *tripped { "; the amygdala tripped" } else { "" };
        _ = writeln!(text, "└─ {verdict}: {what}{trip}");
        text
    }

    fn json(&self, sequence: u64, instrument: u16) -> Value {
        let regions: Vec<_> = REGIONS
            .iter()
            .zip(self.region_ns)
            .map(|(region, elapsed_ns)| json!({ "region": region, "elapsed_ns": elapsed_ns }))
            .collect();
        let end = self.end.as_ref();
        let verdict = end.map(|(verdict, _)| verdict);
        json!({
            "id": format!("{sequence}:{instrument}"),
            "sequence": sequence,
            "instrument": instrument,
            "time": verdict.map(|it| &it.time),
            "kind": verdict.map(|it| it.kind.to_lowercase()),
            "regions": regions,
            "regions_ns": self.regions_ns(),
            "elapsed_ns": end.map(|(_, elapsed_ns)| elapsed_ns),
            "verdict": verdict.map(|it| &it.verdict),
            "requests": verdict.and_then(|it| it.requests.as_ref()),
            "reason": verdict.and_then(|it| it.reason.as_ref()),
            "why": verdict.and_then(|it| it.why.as_ref()),
            "tripped": verdict.map(|it| it.tripped),
        })
    }
}

fn micros(ns: u64) -> String {
    format!("{:>10.1} µs", ns as f64 / 1000.0)
}
