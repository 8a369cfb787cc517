//! Cancels that leave past everything (G6): the loop may be waiting for a region that never returns.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, Builder};
use std::time::Duration;

use market::order::{ClientId, Request};

use crate::brain::Gate;
use crate::venue::Client;

/// A halt that the loop has not carried out within this is carried out past it.
const HALT_WITHIN: Duration = Duration::from_millis(100);

/// Held by whoever is to carry out a halt, until that is done.
pub(super) type Pending = SyncSender<Infallible>;

/// What is at a venue, to be cancelled from any thread.
pub(super) struct Reflex {
    client: Arc<Client>,
    /// Orders that were sent, and no cancel behind them.
    open: Mutex<BTreeSet<ClientId>>,
}

impl Reflex {
    /// Of a connection, with what the gate let go of before.
    pub fn new(client: Arc<Client>, gate: &Gate) -> Self {
        let mut open: BTreeSet<ClientId> = gate.released().collect();
        gate.cancelling().for_each(|id| _ = open.remove(&id));
        Self { client, open: Mutex::new(open) }
    }

    /// Sends a request; whether there is a connection that took it.
    pub fn send(&self, request: &Request) -> bool {
        match request {
            Request::Place(order) => _ = self.open().insert(order.id),
            Request::Cancel(id) => _ = self.open().remove(id),
            Request::Replace { .. } => {}
        }
        self.client.send(request)
    }

    /// Forgets orders that are over.
    pub fn forget(&self, gate: &Gate) {
        let mut open = self.open();
        if open.len() > gate.working() {
            let working: BTreeSet<ClientId> = gate.released().collect();
            open.retain(|id| working.contains(id));
        }
    }

    /// Cancels an order, unless that was done; whether a connection took it.
    pub fn cancel(&self, id: ClientId) -> bool {
        let mut open = self.open();
        let is_sent = open.contains(&id) && self.client.send(&Request::Cancel(id));
        is_sent && open.remove(&id)
    }

    /// Cancels whatever was not cancelled.
    fn cancel_all(&self) {
        let all: Vec<ClientId> = self.open().iter().copied().collect();
        let sent = all.into_iter().filter(|id| self.cancel(*id)).count();
        tracing::warn!(orders = sent, "the loop does not answer: cancels are sent past it");
    }

    fn open(&self) -> MutexGuard<'_, BTreeSet<ClientId>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says something that halts, and watches whether it is carried out; false where nobody listens.
pub(super) fn watched(reflex: &Weak<Reflex>, say: impl FnOnce(Pending) -> bool) -> bool {
    let (pending, done) = sync_channel::<Infallible>(0);
    let cancel = || _ = reflex.upgrade().map(|reflex| reflex.cancel_all());
    let watch = move || {
        if done.recv_timeout(HALT_WITHIN) == Err(RecvTimeoutError::Timeout) {
            cancel();
        }
    };
    thread::scope(|scope| {
        if Builder::new().name("halt".into()).spawn_scoped(scope, watch).is_err() {
            cancel();
        }
        say(pending)
    })
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use market::order::{NewOrder, OrderKind};
    use market::{InstrumentId, Price, Quantity, Side};

    use super::*;

    fn reflex() -> Arc<Reflex> {
        let (to, _) = sync_channel(1);
        let nowhere = std::path::PathBuf::from("/nowhere/orders.sock");
        let client = Client::start(nowhere, "r".into(), Vec::new(), to).expect("a thread");
        Arc::new(Reflex::new(Arc::new(client), &Gate::patient()))
    }

    fn id(sequence: u64) -> ClientId {
        ClientId { sequence, instrument: InstrumentId(0), k: 0 }
    }

    fn place(sequence: u64) -> Request {
        let (price, quantity) = (Price::from_units(100), Quantity::from_units(1));
        Request::Place(NewOrder {
            id: id(sequence),
            side: Side::Buy,
            kind: OrderKind::Limit,
            price,
            quantity,
        })
    }

    #[test]
    fn an_order_is_kept_until_a_cancel_of_it_is_sent_or_it_is_over() {
        let reflex = reflex();
        (1..=3).for_each(|sequence| assert!(!reflex.send(&place(sequence)), "there is no venue"));
        assert!(!reflex.cancel(id(1)) && reflex.open().len() == 3, "what no connection took is not done");
        reflex.send(&Request::Cancel(id(1)));
        assert!(reflex.open().iter().copied().eq([id(2), id(3)]));
        reflex.forget(&Gate::patient());
        assert!(reflex.open().is_empty(), "the gate knows of none");
    }

    #[test]
    fn what_is_carried_out_in_time_is_not_carried_out_past_it() {
        let reflex = reflex();
        assert!(watched(&Arc::downgrade(&reflex), |pending| {
            drop(pending);
            true
        }));
        assert!(!watched(&Weak::new(), |_| false), "nobody listens");
    }
}
