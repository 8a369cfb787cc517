//! The commands that read a tape for people, on a tape of the bundled session's first rows.

mod reading;
mod why;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

/// A finished run.
struct Run {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Run {
    fn succeeds(self) -> Self {
        assert_eq!(self.code, 0, "{}", self.stderr);
        self
    }

    fn fails(&self, code: i32, said: &[&str]) {
        assert_eq!(self.code, code, "{}{}", self.stdout, self.stderr);
        for words in said {
            assert!(self.stderr.contains(words), "`{words}` is not in: {}", self.stderr);
        }
    }

    /// The object on the last line of standard output.
    fn json(&self) -> Value {
        let line = self.stdout.lines().last().unwrap_or_else(|| panic!("no output; {}", self.stderr));
        serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))
    }

    /// The objects on its lines.
    fn objects(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }
}

/// The program, on a journal.
fn janus_on(journal: &Path, args: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_janus"));
    command.args(args).args(["--journal", &journal.display().to_string()]);
    let output = command.env_clear().env("NO_COLOR", "1").output().expect("it starts");
    Run {
        code: output.status.code().expect("ended by itself"),
        stdout: String::from_utf8(output.stdout).expect("text"),
        stderr: String::from_utf8(output.stderr).expect("text"),
    }
}

fn janus(args: &[&str]) -> Run {
    janus_on(journal(), args)
}

const ROWS: usize = 12_000;
/// A small brain in a hurry, so that much happens in few rows.
const HURRY: [&str; 20] = [
    "door.grid_ms=25",
    "amygdala.warm_up=50",
    "amygdala.p=0.02",
    "amygdala.calibration=49",
    "amygdala.m=24",
    "amygdala.n=32",
    "amygdala.spread_floor_ticks=2",
    "amygdala.return_floor_bp=2",
    "amygdala.imbalance_floor=0.5",
    "amygdala.flow_floor=20",
    "amygdala.volatility_floor_bp=2",
    "basal_ganglia.gain=8",
    "basal_ganglia.hold_bias=0.5",
    "basal_ganglia.margin=0.05",
    "basal_ganglia.min_share=0.05",
    "basal_ganglia.reference_volatility_bp=0.02",
    "cerebellum.market_urgency=0.75",
    "cerebellum.inside_urgency=0.4",
    "limits.BTCUSD.rate=2",
    "limits.BTCUSD.collar=0.33",
];

/// The journal of a back-test, made once.
fn journal() -> &'static Path {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(|| {
        // nothing is dropped at the end of a test binary, so it is made where the next run finds it
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("journal");
        let _ = std::fs::remove_dir_all(&folder);
        let feed = folder.join("feed");
        std::fs::create_dir_all(&feed).expect("a folder");
        let packed = std::fs::File::open(support::session().join("orders.csv.gz")).expect("the session");
        let rows = BufReader::new(flate2::read::GzDecoder::new(packed)).lines().take(ROWS);
        let mut orders = std::fs::File::create(feed.join("orders.csv")).expect("a file");
        for row in rows {
            writeln!(orders, "{}", row.expect("text")).expect("written");
        }
        std::fs::copy(support::session().join("trades.csv"), feed.join("trades.csv")).expect("copied");
        let journal = folder.join("journal");
        let config = support::root().join("config/demo.toml").display().to_string();
        let feed = feed.display().to_string();
        let mut args = vec!["backtest", "--json", "--config", &config, &feed, "--to", "2026-05-02T02:38:00Z"];
        args.extend(HURRY.iter().flat_map(|set| ["--set", set]));
        janus_on(&journal, &args).succeeds();
        journal
    })
}

/// Every record of it, exported once.
fn records() -> &'static [Value] {
    static EXPORTED: OnceLock<Vec<Value>> = OnceLock::new();
    EXPORTED.get_or_init(|| janus(&["journal", "export", "-"]).succeeds().objects())
}

fn is_input(record: &Value) -> bool {
    ["market", "tick", "report", "command", "notice"].iter().any(|kind| record["kind"] == *kind)
}

/// How many there are of each.
fn counted<'a>(names: impl Iterator<Item = &'a str>) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    names.for_each(|name| *counts.entry(name.to_owned()).or_default() += 1);
    counts
}

/// The reason of a decision, or `act`.
fn outcome(decision: &Value) -> String {
    let outcome = &decision["content"]["verdict"]["outcome"];
    match &outcome["Rest"] {
        Value::Null => "act".to_owned(),
        Value::String(name) => name.clone(),
        reason => reason.as_object().and_then(|it| it.keys().next()).expect("a reason").clone(),
    }
}
