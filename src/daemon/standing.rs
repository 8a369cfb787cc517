//! How it stands: what `status` tells of a running brain.

use market::order::OrderKind;
use prefrontal::{Order as Outstanding, OrderState};
use synapse::DecisionRecord;

use super::core::Core;
use crate::brain::Stream;
use crate::config::name_of;
use crate::control::{Answer, Disk, FeedStatus, HeadStatus, Order, SnapshotStatus, Status, VenueStatus};
use crate::explain::{self, World};
use crate::failure::Failure;

/// What only the shell of a regime knows.
pub(super) struct Shell {
    pub feeds: Vec<FeedStatus>,
    pub venue: Option<VenueStatus>,
    /// Why nothing is released although the latch is not set.
    pub gate_closed: Option<String>,
}

/// How it stands.
pub(super) fn status<S: Stream>(core: &Core<S>, shell: Shell) -> Answer {
    let (engine, blueprint) = (&core.engine, &core.blueprint);
    let (line, door, totals) = (engine.line(), engine.door(), engine.totals());
    let (ledger, instruments) = (line.brainstem.ledger(), line.brainstem.instruments());
    let latch = line.prefrontal.latch().map(|cause| cause.to_string());
    let flattening = if line.prefrontal.is_flattening() { ", flattening" } else { "" };
    let closed = latch.as_ref().map(|cause| format!("latched, {cause}{flattening}")).or(shell.gate_closed);
    let gross = ledger.realised() + ledger.unrealised();
    let table = line.prefrontal.orders();
    let orders = instruments.iter().flat_map(|(id, _)| table.of(id));
    let working = orders.map(|(id, order)| {
        let price =
            if order.kind == OrderKind::Market { "market".to_owned() } else { order.price.to_string() };
        Order {
            id: id.to_string(),
            instrument: name_of(instruments, id.instrument).to_owned(),
            side: order.side.to_string(),
            price,
            remaining: order.reserved().to_string(),
            state: state(order).to_owned(),
        }
    });
    let held = instruments.iter().map(|(id, facts)| (facts.name.clone(), ledger.position(id)));
    let standing = core.journal().standing();
    let anchored = standing.anchored;
    Answer::Status(Box::new(Status {
        run: blueprint.manifest.run.clone(),
        regime: blueprint.manifest.regime,
        pid: std::process::id(),
        uptime_s: core.began.elapsed().as_secs(),
        epoch: core.opening.as_ref().map_or(0, |opening| opening.epoch),
        sequence: door.sequence(),
        durable: core.journal().durable(),
        head: HeadStatus {
            block: standing.head.block,
            hash: standing.head.hash,
            anchored_block: anchored.map_or(0, |at| at.block),
            anchored_sequence: anchored.map_or(0, |at| at.sequence),
        },
        time: door.now().to_string(),
        speed: core.speed.to_string(),
        decisions: totals.decisions(),
        digest: engine.digest().to_hex(),
        gate: closed.map_or("open".to_owned(), |why| format!("closed: {why}")),
        latch,
        equity: ledger.equity().to_string(),
        cash: ledger.cash().to_string(),
        pnl_gross: gross.to_string(),
        fees: ledger.fees().to_string(),
        pnl_net: (gross - ledger.fees()).to_string(),
        positions: held.filter(|(_, q)| !q.is_zero()).map(|(name, q)| (name, q.to_string())).collect(),
        working: working.collect(),
        orders: engine.gate().orders(),
        latency: core.latencies.status(),
        refused: totals.refused + shell.feeds.iter().map(|feed| feed.refused).sum::<u64>(),
        feeds: shell.feeds,
        venue: shell.venue,
        faults: core.faults.count(),
        regions: engine.gauges().regions().iter().map(Into::into).collect(),
        quarantined: engine.spine().absent().iter().copied().collect(),
        snapshots: SnapshotStatus {
            last_sequence: core.camera.last().map(|marker| marker.sequence),
            last_hash: core.camera.last().map(|marker| marker.state),
        },
        disk: Disk { used_bytes: standing.used_bytes, budget_bytes: standing.budget_bytes },
        policy: blueprint.policy.hash(),
        config: blueprint.config_hash(),
    }))
}

impl<S: Stream> Core<S> {
    /// What the brain thinks of an instrument now, by `peek`: nothing changes.
    pub fn ponder(&mut self, name: &str) -> Result<Answer, Failure> {
        self.home()?;
        let line = self.engine.line();
        let instruments = line.brainstem.instruments();
        let Some((id, _)) = instruments.iter().find(|(_, facts)| facts.name == name) else {
            let names: Vec<&str> = instruments.iter().map(|(_, facts)| facts.name.as_str()).collect();
            return Ok(Answer::refused(
                2,
                format!("there is no instrument {name}; this run trades {}", names.join(", ")),
            ));
        };
        let (door, horizon) = (self.engine.door(), self.blueprint.config.hippocampus.horizon);
        let schemas = self.blueprint.schemas.as_ref().map(|(_, book)| book.clone());
        let origin = explain::Origin { schemas, ..explain::Origin::default() };
        Ok(match line.peek(door.sequence(), door.now(), id) {
            Ok(Some(judged)) => {
                let record = DecisionRecord::of(&judged);
                let value = serde_json::to_value(&record).unwrap_or_default();
                Answer::Thought(explain::decision(&record, &origin, &World::of(instruments, horizon)), value)
            }
            Ok(None) => Answer::refused(2, format!("nothing is known of {name} yet")),
            Err(fault) => Answer::refused(70, fault.to_string()),
        })
    }
}

const fn state(order: &Outstanding) -> &'static str {
    match order.state {
        OrderState::Sent => "sent",
        OrderState::Working => "working",
        OrderState::CancelSent => "cancel sent",
        OrderState::ReplaceSent { .. } => "replace sent",
        OrderState::Owed { .. } => "over, fills owed",
    }
}
