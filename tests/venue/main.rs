//! The paper venue as a process of its own, over its sockets.

mod faults;
mod market;
mod orders;

use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use janus::venue::{Client, FromVenue, StateAnswer};
use serde_json::Value;
use tempfile::TempDir;

/// How long anything is waited for at most.
const PATIENCE: Duration = Duration::from_secs(60);

const CONFIG: &str = "
[instrument.X]
tick = \"1\"
lot = \"1\"
maker_fee = \"1\"
taker_fee = \"3\"
";

/// A folder with a configuration and a feed.
struct Place {
    dir: TempDir,
}

impl Place {
    fn new(feed: &str) -> Self {
        let dir = TempDir::new().expect("a folder");
        std::fs::write(dir.path().join("venue.toml"), CONFIG).expect("a file");
        std::fs::write(dir.path().join("feed.ndjson"), feed).expect("a file");
        Self { dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Starts a venue, and waits until its sockets are there.
    fn venue(&self, args: &[&str]) -> Venue {
        self.venue_of(&self.path("feed.ndjson"), &self.path("venue.toml"), args)
    }

    fn venue_of(&self, feed: &Path, config: &Path, args: &[&str]) -> Venue {
        let log = std::fs::File::create(self.path("log")).expect("a file");
        let child = Command::new(env!("CARGO_BIN_EXE_janus"))
            .args(["venue", "--json", "--feed"])
            .arg(feed)
            .arg("--config")
            .arg(config)
            .arg("--dir")
            .arg(self.path("s"))
            .args(args)
            .env_clear()
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("it starts");
        let mut venue =
            Venue { child, market: self.path("s/market.sock"), orders: self.path("s/orders.sock") };
        until("the sockets", || {
            let ended = venue.child.try_wait().expect("a child");
            let log = || std::fs::read_to_string(self.path("log"));
            assert!(ended.is_none(), "{ended:?}: {:?}", log());
            (venue.market.exists() && venue.orders.exists()).then_some(())
        });
        venue
    }
}

/// A venue's process; it does not outlive its test.
struct Venue {
    child: Child,
    market: PathBuf,
    orders: PathBuf,
}

impl Venue {
    /// A new subscriber to its market.
    fn subscribe(&self) -> BufReader<UnixStream> {
        let stream = UnixStream::connect(&self.market).expect("a market");
        stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
        BufReader::new(stream)
    }

    /// A client of the run `r`.
    fn client(&self) -> Trader {
        let (to, from) = sync_channel(64);
        let started = Client::start(self.orders.clone(), "r".into(), vec!["X".into()], to);
        Trader { client: started.expect("a thread"), from }
    }

    /// Asks it to stop, and tells what it said last.
    fn stop(mut self) -> Value {
        let id = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &id]).status().expect("it can be asked");
        assert!(asked.success());
        self.end()
    }

    /// Waits for its end, and tells what it said last.
    fn end(&mut self) -> Value {
        let status = until("the venue's end", || self.child.try_wait().expect("a child"));
        assert_eq!(status.code(), Some(0));
        let out = BufReader::new(self.child.stdout.take().expect("a pipe"));
        let last = out.lines().map_while(Result::ok).last().expect("a line");
        serde_json::from_str(&last).expect("JSON")
    }
}

impl Drop for Venue {
    fn drop(&mut self) {
        // it has ended already where the test went well
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client and what it hears.
struct Trader {
    client: Client,
    from: Receiver<FromVenue>,
}

impl Trader {
    fn next(&self) -> FromVenue {
        self.from.recv_timeout(PATIENCE).expect("something is heard")
    }

    fn connected(self) -> Self {
        assert_eq!(self.next(), FromVenue::Connected);
        self
    }

    /// Asks for the state, and waits for it; other things heard are passed over.
    fn state(&self, since_execution: u64) -> StateAnswer {
        assert!(self.client.query(since_execution), "connected");
        loop {
            match self.next() {
                FromVenue::State(state) => return state,
                FromVenue::Lost(why) => panic!("lost: {why}"),
                _ => {}
            }
        }
    }
}

/// Looks again and again until there is something.
fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "no sign of {what}");
        std::thread::park_timeout(Duration::from_millis(1));
    }
}
