//! What the loop tells those who watch it: metrics and health, and whoever is to know of a latch.

use std::net::SocketAddr;
use std::sync::Arc;

use market::Timestamp;
use synapse::{DecisionRecord, LatchCause};

use super::core::Core;
use crate::brain::{Gauges, Stream};
use crate::config::DaemonParams;
use crate::control::FeedStatus;
use crate::failure::Failure;
use crate::http::Http;
use crate::metrics::{Snapshot, Standing, Stopwatch};
use crate::notify::{Event, LatchWatch, Notifier, What};
use crate::terminal::tell;

/// What tells them.
pub(super) struct Publisher {
    run: String,
    standing: Arc<Standing>,
    stopwatch: Stopwatch,
    notifier: Notifier,
    latch: LatchWatch,
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

    fn tell(&self, event: What, cause: String, sequence: u64, time: Timestamp) {
        self.notifier.tell(Event { event, cause, run: self.run.clone(), sequence, time: time.to_string() });
    }
}

impl<S: Stream> Core<S> {
    /// The loop turned; whether it is time to publish how it stands.
    pub fn is_publishing(&self) -> bool {
        self.publisher.standing.turn()
    }

    /// Publishes how it stands; `closed` is why nothing is released although the latch is not set.
    pub fn publish(&mut self, feeds: Vec<FeedStatus>, closed: Option<String>) {
        let (totals, disk, latch) = (self.engine.totals(), self.journal().standing(), self.engine.latch());
        let snapshot = Snapshot {
            inputs: self.engine.door().sequence(),
            durable: self.journal().durable(),
            decisions: totals.decisions(),
            orders: totals.placed,
            fills: totals.fills,
            refusals: totals.refusals.clone(),
            trips: totals.trips,
            is_latched: latch.is_some(),
            closed: latch.map(|cause| format!("latched, {cause}")).or(closed),
            feeds,
            disk_used_bytes: disk.used_bytes,
            disk_budget_bytes: disk.budget_bytes,
            faults: self.faults.count(),
            quarantined: self.engine.spine().absent().len() as u64,
            told: self.publisher.notifier.told(),
        };
        self.publisher.standing.publish(snapshot);
        self.renew_notifier();
    }

    /// Lets a command that a configuration changed take effect.
    fn renew_notifier(&mut self) {
        let command = &self.blueprint.config.daemon.notify;
        if command != self.publisher.notifier.command() {
            match Notifier::start(command) {
                Ok(notifier) => self.publisher.notifier = notifier,
                Err(error) => tracing::error!(%error, "daemon.notify stays as it was"),
            }
        }
    }

    /// Tells of a latch that was not set before.
    pub fn watch_latch(&mut self) {
        let latch: Option<LatchCause> = self.engine.latch();
        if let Some(cause) = self.publisher.latch.look(latch) {
            let door = self.engine.door();
            self.publisher.tell(What::Latch, cause.to_string(), door.sequence(), door.now());
        }
    }

    /// Tells of an input that is folded as absent from here on.
    pub fn tell_quarantine(&self, input: u64, instrument: Option<market::InstrumentId>) {
        let facts =
            self.blueprint.manifest.instruments.get(instrument.map_or(usize::MAX, |id| usize::from(id.0)));
        let cause = facts.map_or("an input of all instruments".to_owned(), Clone::clone);
        self.publisher.tell(What::Quarantine, cause, input, self.engine.door().now());
    }
}
