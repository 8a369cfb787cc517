//! A place for daemons to live and die in: a feed, a configuration, processes with bounded waits, and
//! what a journal and a venue then tell.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use janus::control::{self, Answer, Ask};
use janus::venue::{Client, FromVenue, StateAnswer};
use journal::{Reader, Record};
use market::Side;
use market::order::{Fill, ReportKind};
use serde_json::Value;
use synapse::{Input, InputKind, NoticeKind};
use tempfile::TempDir;

/// How long anything is waited for at most.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A small brain in a hurry: it trades within a second, and takes snapshots often.
const CONFIG: &str = r#"
[door]
grid_ms = 25
[sampler]
kind = "grid"
[amygdala]
warm_up = 50
p = 0.02
calibration = 49
m = 24
n = 32
spread_floor_ticks = 2.0
return_floor_bp = 2.0
imbalance_floor = 0.5
flow_floor = 20.0
volatility_floor_bp = 2.0
[basal_ganglia]
gain = 40.0
hold_bias = 0.0
margin = 0.05
min_share = 0.05
reference_volatility_bp = 0.02
[cerebellum]
edge_filter = false
market_urgency = 0.75
inside_urgency = 0.4
[daemon]
intent_ttl_ms = 60000
snapshot_every_s = 0
snapshot_inputs = 1500
reconcile_every_s = 1
[instrument.BTCUSD]
tick = "1"
lot = "0.0001"
maker_fee = "1"
taker_fee = "2"
[limits.BTCUSD]
order_size = "0.5"
position = "0.25"
notional = "40000"
capital = "60000"
collar = 50.0
rate = 1000
duplicate = 1
"#;

/// A folder with a feed and a configuration; journals, sockets and outputs come beside them.
pub struct Place {
    dir: TempDir,
    /// The time of the feed's last row.
    pub end_ms: i64,
}

impl Place {
    /// With so many rows of the bundled session.
    pub fn new(rows: usize) -> Self {
        let mut place = Self::empty(CONFIG);
        let packed = File::open(support::session().join("orders.csv.gz")).expect("the session");
        let lines = BufReader::new(flate2::read::GzDecoder::new(packed)).lines().take(rows + 1);
        fs::create_dir(place.path("feed")).expect("a folder");
        let mut orders = File::create(place.path("feed/orders.csv")).expect("a file");
        let mut last = String::new();
        for line in lines {
            last = line.expect("text");
            writeln!(orders, "{last}").expect("written");
        }
        let field = |line: &str| line.split(',').nth(2).and_then(|at| at.parse::<i64>().ok());
        let end = field(&last).expect("a time");
        place.end_ms = end;
        let trades = fs::read_to_string(support::session().join("trades.csv")).expect("the session");
        let kept = trades.lines().filter(|line| field(line).is_none_or(|at| at <= end));
        let kept: String = kept.map(|line| format!("{line}\n")).collect();
        fs::write(place.path("feed/trades.csv"), kept).expect("written");
        place
    }

    /// The same, for a brain that takes what is there instead of waiting at a price.
    pub fn eager(rows: usize) -> Self {
        let place = Self::new(rows);
        let eager = CONFIG.replace("market_urgency = 0.75", "market_urgency = 0.02");
        fs::write(place.path("config.toml"), eager).expect("written");
        place
    }

    /// With the instrument of the busy tape whose market shocks, so that the amygdala trips, and a brain
    /// that waits at a price.
    pub fn shock() -> Self {
        let busy =
            |name: &str| fs::read_to_string(support::root().join("tests/busy").join(name)).expect("a file");
        let (config, events) = (busy("busy.toml"), busy("events.ndjson"));
        let (brain, _) = config.split_once("[instrument.BTCUSD]").expect("instruments");
        let (_, shock) = config.split_once("[instrument.SHOCK]").expect("the instrument");
        let brain = brain.replace("market_urgency = 0.75", "market_urgency = 0.999");
        let daemon = "[daemon]\nintent_ttl_ms = 60000\nreconcile_every_s = 1\n";
        let place = Self::empty(&format!("{brain}{daemon}[instrument.SHOCK]{shock}"));
        // the moment of the trip is the last but one, and the market stays open behind it
        let (calm, _) = events.split_once("\"time\": 1777689390600000000").expect("the trip");
        let calm = calm.rsplit_once('\n').expect("a line").0;
        let later = r#"{"type":"levels","instrument":"SHOCK","time":1777699999000000000,"bids":[["998","7"]],"asks":[["999","2"]]}"#;
        fs::write(place.path("feed"), format!("{calm}\n{later}\n")).expect("written");
        place
    }

    fn empty(config: &str) -> Self {
        let place = Self { dir: TempDir::new().expect("a folder"), end_ms: 0 };
        fs::write(place.path("config.toml"), config).expect("written");
        place
    }

    /// Where something of that name stands.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The folder of the first journal.
    pub fn journal(&self) -> PathBuf {
        self.path("j")
    }

    /// The folder that holds the feed's files.
    pub fn feed(&self) -> String {
        self.path("feed").display().to_string()
    }

    /// Where a venue's market is, as a feed is named.
    pub fn market(&self) -> String {
        format!("unix:{}", self.path("v/market.sock").display())
    }

    /// `janus run` on a journal, with these arguments and the configuration.
    pub fn daemon(&self, journal: &Path, args: &[&str]) -> Process {
        self.daemon_of(&self.path("config.toml"), journal, args)
    }

    /// The same with a configuration of one's own.
    pub fn daemon_of(&self, config: &Path, journal: &Path, args: &[&str]) -> Process {
        let mut command = janus(&["run", "--json"]);
        command.arg("--config").arg(config).arg("--journal").arg(journal).args(args);
        Process::start(command, self)
    }

    /// `janus run` against the venue process of [`Place::venue`].
    pub fn trader(&self, journal: &Path, args: &[&str]) -> Process {
        self.trader_at("v/orders.sock", journal, args)
    }

    /// The same by another way to its order socket.
    pub fn trader_at(&self, socket: &str, journal: &Path, args: &[&str]) -> Process {
        let socket = self.path(socket).display().to_string();
        let market = self.market();
        let mut all = vec!["--venue", &socket];
        all.extend(args);
        all.push(&market);
        self.daemon(journal, &all)
    }

    /// `janus venue` over the feed, once its sockets are there.
    pub fn venue(&self, args: &[&str]) -> Process {
        let mut all = vec!["--wait-orders"];
        all.extend(args);
        self.market_alone(&all)
    }

    /// The same, whose market flows as soon as somebody reads it.
    pub fn market_alone(&self, args: &[&str]) -> Process {
        let mut command = janus(&["venue", "--json", "--feed", &self.feed()]);
        command.arg("--config").arg(self.path("config.toml")).arg("--dir").arg(self.path("v")).args(args);
        let venue = Process::start(command, self);
        until("the venue's sockets", || {
            ["v/market.sock", "v/orders.sock"].iter().all(|name| self.path(name).exists()).then_some(())
        });
        venue
    }

    /// Waits until the market is over, nothing is open at the venue and both sides agree; how everything
    /// stands there then.
    pub fn settled(&self, journal: &Path) -> StateAnswer {
        until("the end of the market", || {
            let state = self.at_venue(journal);
            (state.orders.is_empty() && state.time.ns() >= self.end_ms * 1_000_000).then_some(())
        });
        until_status(journal, "an agreement with the venue", |status| {
            let venue = &status["venue"];
            venue["state"] == "reconciled"
                && venue["pending"] == 0
                && status["working"].as_array().is_some_and(Vec::is_empty)
        });
        self.at_venue(journal)
    }

    /// How everything stands at the venue for the run of a journal.
    pub fn at_venue(&self, journal: &Path) -> StateAnswer {
        let manifest = Reader::open(journal).expect("a tape").manifest().clone();
        let (to, from) = sync_channel(64);
        let client = Client::start(self.path("v/orders.sock"), manifest.run, manifest.instruments, to);
        let client = client.expect("a thread");
        loop {
            match from.recv_timeout(PATIENCE).expect("the venue answers") {
                FromVenue::Connected => assert!(client.query(0), "connected"),
                FromVenue::State(state) => return state,
                _ => {}
            }
        }
    }
}

/// The program, without the variables of the caller.
pub fn janus(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_janus"));
    command.args(args).env_clear().env("NO_COLOR", "1").stdin(Stdio::null());
    command
}

/// What a process left behind.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; none where a signal killed it.
    pub code: Option<i32>,
    /// What it said.
    pub stdout: String,
    /// What it complained of.
    pub stderr: String,
}

impl Ended {
    /// The object on the last line, of a process that ended well.
    pub fn json(&self) -> Value {
        assert_eq!(self.code, Some(0), "{}{}", self.stdout, self.stderr);
        let line = self.stdout.lines().last().unwrap_or_else(|| panic!("no output; {}", self.stderr));
        serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))
    }

    /// Asserts the exit code, and that standard error holds each of these.
    pub fn fails(&self, code: i32, said: &[&str]) {
        assert_eq!(self.code, Some(code), "{}{}", self.stdout, self.stderr);
        for words in said {
            assert!(self.stderr.contains(words), "`{words}` is not in: {}", self.stderr);
        }
    }
}

/// A running process; it does not outlive its test.
pub struct Process {
    pub child: Child,
    out: TempDir,
}

impl Process {
    fn start(mut command: Command, place: &Place) -> Self {
        let out = TempDir::new_in(place.dir.path()).expect("a folder");
        let file = |name: &str| File::create(out.path().join(name)).expect("a file");
        let child = command.stdout(file("out")).stderr(file("err")).spawn().expect("it starts");
        Self { child, out }
    }

    /// Kills it with -9, and waits until it is gone.
    pub fn kill(mut self) -> Ended {
        self.child.kill().expect("it can be killed");
        self.end()
    }

    /// Asks it to drain, and waits for its end.
    pub fn stop(self) -> Ended {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().expect("it can be asked").success());
        self.end()
    }

    /// Waits for its end.
    pub fn end(mut self) -> Ended {
        self.ended()
    }

    /// The same, of one that is still needed.
    pub fn ended(&mut self) -> Ended {
        let status = until("the end of a process", || self.child.try_wait().expect("a child"));
        let read = |name: &str| {
            String::from_utf8_lossy(&fs::read(self.out.path().join(name)).expect("a file")).into_owned()
        };
        Ended { code: status.code(), stdout: read("out"), stderr: read("err") }
    }

    /// Whether it still runs.
    pub fn is_alive(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_none()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // it has ended already where the test went well
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks the daemon of a journal; none where nobody answers.
pub fn ask(journal: &Path, ask: &Ask) -> Option<Answer> {
    control::ask(journal, ask).ok()
}

/// How it stands with the daemon of a journal; none where none runs.
pub fn status(journal: &Path) -> Option<Value> {
    match ask(journal, &Ask::Status)? {
        Answer::Status(status) => Some(serde_json::to_value(status).expect("JSON")),
        other => panic!("no status: {other:?}"),
    }
}

/// Waits until the status of a daemon is as wanted.
pub fn until_status(journal: &Path, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let end = Instant::now() + PATIENCE;
    loop {
        let found = status(journal);
        match found {
            Some(found) if is_so(&found) => return found,
            found => assert!(Instant::now() < end, "no sign of {what}: {found:?}"),
        }
        std::thread::park_timeout(Duration::from_millis(2));
    }
}

/// The number that an operator's word entered with; it was durable when this is told.
pub fn acknowledged(journal: &Path, word: &Ask) -> Option<u64> {
    match ask(journal, word)? {
        Answer::Done { sequence, .. } => sequence,
        other => panic!("refused: {other:?}"),
    }
}

/// What `janus verify --json` tells of a journal.
pub fn verify(journal: &Path) -> Value {
    tell(&["verify", "--json"], journal).json()
}

/// What `janus replay --json` tells of a journal.
pub fn replay(journal: &Path) -> Value {
    tell(&["replay", "--json"], journal).json()
}

/// Runs a command on a journal to its end.
pub fn tell(args: &[&str], journal: &Path) -> Ended {
    let output = janus(args).arg("--journal").arg(journal).output().expect("it starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Every record of a tape.
pub fn records(journal: &Path) -> Vec<Record> {
    let reader = Reader::open(journal).expect("a tape");
    reader.records().map(|record| record.expect("whole")).collect()
}

/// What the fills of a tape add up to, by whole numbers of 1e-9.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Books {
    /// The executions.
    pub executions: BTreeSet<u64>,
    /// How many of them entered again.
    pub repeated: usize,
    /// What was bought, less what was sold.
    pub position: i64,
    /// The change of cash, fees included.
    pub cash: i128,
}

impl Books {
    /// Of a tape.
    pub fn of(records: &[Record]) -> Self {
        let reports = records.iter().filter_map(|record| match record {
            Record::Input(Input { kind: InputKind::Notice(NoticeKind::Report(report)), .. }) => {
                Some(report.kind)
            }
            _ => None,
        });
        let mut books = Self::default();
        for kind in reports {
            if let ReportKind::Filled(fill) = kind {
                books.repeated += usize::from(!books.executions.insert(fill.execution));
                books.book(&fill);
            }
        }
        books
    }

    /// Of a venue.
    pub fn at(state: &StateAnswer) -> Self {
        let mut books = Self { cash: state.cash.units(), ..Self::default() };
        state.fills.iter().for_each(|it| _ = books.executions.insert(it.fill.execution));
        books.position = state.positions.values().map(|quantity| quantity.units()).sum();
        books
    }

    fn book(&mut self, fill: &Fill) {
        let quantity = match fill.side {
            Side::Buy => fill.quantity.units(),
            Side::Sell => -fill.quantity.units(),
        };
        self.position += quantity;
        self.cash -= i128::from(fill.price.units()) * i128::from(quantity) / 1_000_000_000 + fill.fee.units();
    }
}

/// Asserts that the inputs of a tape are numbered from 1 on, none missing, none twice; how many.
pub fn assert_whole(records: &[Record]) -> u64 {
    let mut last = 0;
    for record in records {
        if let Record::Input(input) = record {
            assert_eq!(input.sequence, last + 1, "inputs are numbered one by one");
            last = input.sequence;
        }
    }
    last
}

/// Looks again and again until there is something.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "no sign of {what}");
        std::thread::park_timeout(Duration::from_millis(2));
    }
}
