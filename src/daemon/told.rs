//! What the loop tells those who watch it: how it stands, a latch, an input that is left out.

use synapse::LatchCause;

use super::core::Core;
use crate::brain::Stream;
use crate::control::FeedStatus;
use crate::metrics::Snapshot;
use crate::notify::{Notifier, What};

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
