//! What tells those who watch the loop: metrics and health, and whoever is to know of a latch.

use std::net::SocketAddr;
use std::sync::Arc;

use market::Timestamp;
use synapse::DecisionRecord;

use crate::brain::Gauges;
use crate::config::DaemonParams;
use crate::failure::Failure;
use crate::http::Http;
use crate::metrics::{Standing, Stopwatch};
use crate::notify::{Event, LatchWatch, Notifier, What};
use crate::terminal::tell;

/// What tells them.
pub(super) struct Publisher {
    run: String,
    pub standing: Arc<Standing>,
    stopwatch: Stopwatch,
    pub notifier: Notifier,
    pub latch: LatchWatch,
    /// Held for as long as it is to answer.
    _http: Option<Http>,
}

impl Publisher {
    /// Starts what there is to be: the command of `daemon.notify`, and HTTP where an address is given.
    pub fn start(
        run: String,
        params: &DaemonParams,
        http: Option<SocketAddr>,
        gauges: Arc<Gauges>,
    ) -> Result<Self, Failure> {
        let standing = Arc::new(Standing::new(gauges));
        let http = http.map(|address| Http::start(address, Arc::clone(&standing))).transpose()?;
        if let Some(http) = &http {
            tell(&format!("janus: health and metrics at http://{}\n", http.address()));
        }
        let (notifier, latch) = (Notifier::start(&params.notify)?, LatchWatch::default());
        Ok(Self { run, standing, stopwatch: Stopwatch::default(), notifier, latch, _http: http })
    }

    /// An input is admitted.
    pub fn admitted(&mut self, sequence: u64) {
        self.stopwatch.begin(sequence);
    }

    /// A decision is taken.
    pub fn decided(&self, record: &DecisionRecord) {
        self.standing.judged(record);
        if let Some(latency) = self.stopwatch.since(record.sequence) {
            self.standing.decided_in(latency);
        }
    }

    /// What an input's decision approved is let go.
    pub fn released(&self, sequence: u64) {
        if let Some(latency) = self.stopwatch.since(sequence) {
            self.standing.released_in(latency);
        }
    }

    /// The daemon ends.
    pub fn stop(&self) {
        self.standing.stop();
    }

    /// Tells whoever `daemon.notify` names.
    pub fn tell(&self, event: What, cause: String, sequence: u64, time: Timestamp) {
        self.notifier.tell(Event { event, cause, run: self.run.clone(), sequence, time: time.to_string() });
    }
}
