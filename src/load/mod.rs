//! A load on a daemon, open loop: a process of its own sends rows at the times of a fixed schedule, and the
//! daemon tells how long each took, counted from the time at which it was meant to be sent.

mod daemon;
mod market;
mod report;
mod sender;
mod setting;

use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;
use synapse::{DecisionRecord, Phase};

use crate::blueprint::now_ns;
use crate::control::{self, Answer, Ask, Status};
use crate::failure::Failure;
use daemon::{Daemon, cpu_s};
use market::{Market, name};
use sender::Sender;

pub use report::Report;

/// So many snapshots fit into the time that is measured.
const SNAPSHOTS: u64 = 4;
/// The most inputs between two of them.
const SNAPSHOT_INPUTS: u64 = 200_000;
/// So many times the samples of a warm-up are sent at the most.
const WARM_UPS: u64 = 5;
/// How often it is looked whether all is decided; a look costs the daemon a moment.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How long nothing more may be decided before that is the end of it.
const SETTLED_AFTER: Duration = Duration::from_secs(5);

/// What load, and where.
#[derive(Debug)]
pub struct Options {
    /// Rows a second, each of which makes a decision.
    pub rate: u64,
    /// For how long it is measured.
    pub seconds: u64,
    /// How many instruments take turns.
    pub instruments: usize,
    /// The seed of the market.
    pub seed: u64,
    /// Where the daemon's journal is kept; none for one that is thrown away.
    pub journal: Option<PathBuf>,
    /// Keys of the daemon's configuration to override.
    pub set: Vec<String>,
    /// Whether it sleeps meanwhile.
    pub sleep: bool,
}

/// Starts a daemon, warms it up, loads it, and stops it.
///
/// # Errors
/// [`Failure`] where the daemon does not start, does not come to trade, or ends badly.
pub fn run(options: &Options) -> Result<Report, Failure> {
    let snapshot_inputs = (options.rate * options.seconds / SNAPSHOTS).clamp(1, SNAPSHOT_INPUTS);
    let config = setting::config(options.instruments, snapshot_inputs);
    let folder = std::env::temp_dir().join(format!("janus-load-{}-{}", std::process::id(), now_ns()));
    let (mut daemon, stream) = Daemon::start(folder, options.journal.clone(), &config, &options.set)?;
    let market = Market::new(options.seed, options.instruments);
    let sender = Sender::new(stream, market, options.instruments);
    let mut sender = sender.map_err(|error| Failure::Environment(format!("the feed's socket: {error}")))?;
    let mut load = Load { options, daemon: &mut daemon, sender: &mut sender };
    load.warm_up()?;
    let report = load.measure()?;
    daemon.stop()?;
    Ok(report)
}

/// Asks for a night when a quarter of the time is over, from a thread of its own.
fn fall_asleep(journal: PathBuf, seconds: u64) -> JoinHandle<Result<Answer, Failure>> {
    thread::spawn(move || {
        thread::sleep(Duration::from_secs(seconds) / 4);
        let (by, reason) = ("load".to_owned(), "a night under load".to_owned());
        control::ask(&journal, &Ask::Sleep { by, reason })
    })
}

/// A load under way.
struct Load<'a> {
    options: &'a Options,
    daemon: &'a mut Daemon,
    sender: &'a mut Sender,
}

impl Load<'_> {
    /// Sends until every instrument may trade.
    fn warm_up(&mut self) -> Result<(), Failure> {
        let instruments = self.options.instruments as u64;
        let mut rounds = setting::WARM_UP + 1;
        for _ in 0..WARM_UPS {
            let sent = self.sender.send(rounds * instruments, self.options.rate, false);
            sent.map_err(|error| self.lost(&error))?;
            self.settle(self.sender.rows, |status| status.decisions)?;
            rounds = self.samples_left()?;
            if rounds == 0 {
                return Ok(());
            }
        }
        Err(self.daemon.failed(&format!("after {} rows not every instrument may trade", self.sender.rows)))
    }

    /// How many samples the least warm instrument still needs.
    fn samples_left(&mut self) -> Result<u64, Failure> {
        let mut most = 0;
        for instrument in (0..self.options.instruments).map(name) {
            let left = match self.daemon.ask(&Ask::Ask { instrument })? {
                Answer::Thought(_, record) => {
                    match serde_json::from_value::<DecisionRecord>(record)?.threat.phase {
                        Phase::WarmingUp { left } => u64::from(left) + setting::WARM_UP,
                        Phase::Calibrating { left } => u64::from(left),
                        Phase::Armed => 0,
                    }
                }
                other => return Err(self.daemon.failed(&format!("its thought was {other:?}"))),
            };
            most = most.max(left);
        }
        Ok(most)
    }

    /// Waits until a count stands at what is wanted, or still for long; how it then is.
    fn settle(&mut self, want: u64, count: impl Fn(&Status) -> u64) -> Result<Status, Failure> {
        let (mut last, mut moved) = (0, Instant::now());
        loop {
            let status = self.daemon.status()?;
            let seen = count(&status);
            if seen != std::mem::replace(&mut last, seen) {
                moved = Instant::now();
            } else if seen >= want || moved.elapsed() > SETTLED_AFTER {
                return Ok(status);
            }
            thread::sleep(LOOK_EVERY);
        }
    }

    fn measure(&mut self) -> Result<Report, Failure> {
        let Options { rate, seconds, instruments, sleep, .. } = *self.options;
        let (sent, own) = (rate * seconds, Path::new("/proc/self"));
        let before = self.daemon.status()?;
        let (daemon_cpu_s, generator_cpu_s) = (self.daemon.cpu_s(), cpu_s(own));
        let began = Instant::now();
        let night = sleep.then(|| fall_asleep(self.daemon.journal.clone(), seconds));
        let kept = self.sender.send(sent, rate, true).map_err(|error| self.lost(&error))?;
        let generator_cpu_s = cpu_s(own) - generator_cpu_s;
        let elapsed_s = began.elapsed().as_secs_f64();
        let decided = |status: &Status| status.latency.as_ref().map_or(0, |latency| latency.decided.count);
        let after = self.settle(sent, decided)?;
        let night = night.map(|night| self.wake_up(night)).transpose()?;
        let cpu_s = self.daemon.cpu_s() - daemon_cpu_s;
        let regions = serde_json::to_value(&after)?.get("regions").cloned().unwrap_or_default();
        let none = || self.daemon.failed("no row that was measured was admitted");
        let Some(latency) = after.latency else { return Err(none()) };
        Ok(Report {
            rate,
            seconds,
            instruments,
            sent,
            latency,
            orders: after.orders - before.orders,
            peak_rss_bytes: self.daemon.peak_rss_bytes(),
            cpu_s,
            generator_cpu_s,
            elapsed_s,
            late_mean_ms: kept.late_sum_ns as f64 / sent.max(1) as f64 / 1e6,
            late_max_ms: kept.late_max_ns as f64 / 1e6,
            waiting_max_bytes: kept.waiting_max_bytes,
            regions,
            latch: after.latch,
            night,
        })
    }

    /// What came of the night; it may end behind what is measured.
    fn wake_up(&self, night: JoinHandle<Result<Answer, Failure>>) -> Result<Value, Failure> {
        match night.join() {
            Ok(Ok(Answer::Thought(_, told))) => Ok(told),
            Ok(Ok(other)) => Err(self.daemon.failed(&format!("its night was {other:?}"))),
            Ok(Err(failure)) => Err(failure),
            Err(_) => Err(Failure::Internal("the thread that asked for a night panicked".to_owned())),
        }
    }

    fn lost(&self, error: &std::io::Error) -> Failure {
        self.daemon.failed(&format!("its feed was lost: {error}"))
    }
}
