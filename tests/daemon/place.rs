//! A folder for daemons to live and die in: a feed, a configuration, and the processes that run there.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc::sync_channel;

use janus::assemble::open_options;
use janus::config::{Loader, name_of};
use janus::venue::{Client, FromVenue, StateAnswer};
use journal::Reader;
use market::MarketEvent;
use market::feed::{Merge, write_ndjson};
use tempfile::TempDir;

use super::common::{PATIENCE, Process, janus, until, until_status};

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
        Self::urgent(rows, "0.02")
    }

    /// The same, for a brain that waits at a price whatever comes.
    pub fn patient(rows: usize) -> Self {
        Self::urgent(rows, "0.999")
    }

    fn urgent(rows: usize, urgency: &str) -> Self {
        let place = Self::new(rows);
        let other = CONFIG.replace("market_urgency = 0.75", &format!("market_urgency = {urgency}"));
        let other = other.replace("inside_urgency = 0.4", &format!("inside_urgency = {urgency}"));
        fs::write(place.path("config.toml"), other).expect("written");
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

    /// So many rows of the bundled session as the market of each of so many instruments, one row after the other.
    pub fn several(rows: usize, instruments: usize) -> Self {
        let (brain, facts) = CONFIG.split_once("[instrument.BTCUSD]").expect("an instrument");
        let names: Vec<String> = (0..instruments).map(|at| format!("BTCUSD{at}")).collect();
        let of = |name: &String| format!("[instrument.BTCUSD]{facts}").replace("BTCUSD", name);
        let config = names.iter().fold(brain.to_owned(), |config, name| config + &of(name));
        let lines = Self::new(rows).lines();
        let each = |line: &String| names.iter().map(|name| line.replace("BTCUSD", name)).collect::<String>();
        Self::of(&config, &lines.iter().map(each).collect::<String>())
    }

    /// With this configuration and this feed, in our own schema.
    pub fn of(config: &str, feed: &str) -> Self {
        let place = Self::empty(config);
        fs::write(place.path("feed"), feed).expect("written");
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

    fn config(&self) -> String {
        self.path("config.toml").display().to_string()
    }

    /// The feed in our own schema, one event a line.
    pub fn lines(&self) -> Vec<String> {
        let config = Loader::new().file(&self.path("config.toml")).and_then(Loader::finish).expect("sound");
        let instruments = config.known(&config.instrument_names()).expect("facts");
        let merge = Merge::open([(self.feed().as_str(), open_options(&config, &instruments, None))]);
        let line = |event: MarketEvent| {
            let mut line = String::new();
            write_ndjson(&event, name_of(&instruments, event.instrument), &mut line);
            line
        };
        merge.map(line).collect()
    }

    /// Where a venue's market is, as a feed is named.
    pub fn market(&self) -> String {
        format!("unix:{}", self.path("v/market.sock").display())
    }

    /// `janus run` on a journal, with these arguments and the configuration.
    pub fn daemon(&self, journal: &Path, args: &[&str]) -> Process {
        self.daemon_again(journal, &[&["--config", &self.config()], args].concat())
    }

    /// The same with the configuration that the journal has.
    pub fn daemon_again(&self, journal: &Path, args: &[&str]) -> Process {
        Process::start(&mut running(journal, args), self.dir.path())
    }

    /// `janus run` with the configuration, fed by hand on standard input.
    pub fn daemon_fed(&self, journal: &Path, args: &[&str]) -> (Process, ChildStdin) {
        let mut command = running(journal, &[&["--config", &self.config(), "-"], args].concat());
        let mut process = Process::start(command.stdin(Stdio::piped()), self.dir.path());
        let input = process.child.stdin.take().expect("a pipe");
        (process, input)
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
        command.args(["--config", &self.config()]).arg("--dir").arg(self.path("v")).args(args);
        let venue = Process::start(&mut command, self.dir.path());
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
                // where a planted fault cuts the line right here, it is connected again
                FromVenue::Connected => _ = client.query(0),
                FromVenue::State(state) => return state,
                _ => {}
            }
        }
    }
}

/// `janus run` on a journal.
fn running(journal: &Path, args: &[&str]) -> Command {
    let mut command = janus(&["run", "--json", "--journal"]);
    command.arg(journal).args(args);
    command
}
