//! The gate (G4, G6, G7): nothing but it sends an order.
//!
//! It releases an approved request once, keeps its own list of released, unfinished orders, and can
//! cancel them all without anybody's judgement. Its `closed` flag may run ahead of the latch, never
//! behind it. In the real regime a patient gate holds what is approved until the journal says that
//! the decision is durable, and lets nothing go late.

use std::collections::{BTreeMap, VecDeque};

use journal::Released;
use market::order::{ClientId, Report, ReportKind, Request};
use market::{InstrumentId, Quantity, Side, Timestamp};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use synapse::{CommandKind, Judged, LatchCause, NoticeKind, Parent};

/// What the gate wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Send this to the venue.
    Send(Request),
    /// Give this back to the door.
    Return(NoticeKind),
}

/// A released order that is not finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Working {
    side: Side,
    remaining: Quantity,
    filled: Quantity,
    cancelling: bool,
    parent: Option<ClientId>,
}

/// The parent order of an instrument, as its children leave and fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Family {
    parent: Parent,
    filled: Quantity,
}

/// What a decision approved, until the decision is durable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Held {
    sequence: u64,
    instrument: InstrumentId,
    time: Timestamp,
    parent: Option<Parent>,
    requests: SmallVec<[Request; 2]>,
}

/// The gate.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// Whether it waits for durability: the real regime.
    patient: bool,
    held: VecDeque<Held>,
    released: BTreeMap<ClientId, Working>,
    positions: BTreeMap<InstrumentId, i64>,
    families: BTreeMap<InstrumentId, Family>,
    closed: bool,
    restart_pending: bool,
    orders: u64,
}

impl Gate {
    /// A gate that lets a request go only when its decision is durable.
    pub fn patient() -> Self {
        Self { patient: true, ..Self::default() }
    }

    /// Whether it waits for durability.
    pub const fn is_patient(&self) -> bool {
        self.patient
    }

    /// The release at `now` of the oldest decision that is held, where it is not beyond `durable`. What
    /// has waited longer than `ttl_ns` is late.
    pub fn due(&self, durable: u64, now: Timestamp, ttl_ns: i64) -> Option<Released> {
        let held = self.held.front().filter(|held| held.sequence <= durable)?;
        let late = now.since(held.time) > ttl_ns;
        Some(Released { sequence: held.sequence, instrument: held.instrument, time: now, late })
    }

    /// Lets go what one decision approved. Where that is late, what was to be placed lapses instead, a
    /// replacement becomes a cancel; a cancel is never too late.
    pub fn let_go(&mut self, released: &Released, effects: &mut Vec<Effect>) {
        let is_it =
            |held: &Held| (held.sequence, held.instrument) == (released.sequence, released.instrument);
        let Some(held) = self.held.iter().position(is_it).and_then(|at| self.held.remove(at)) else { return };
        for request in held.requests {
            match request {
                Request::Place(order) if released.late => {
                    effects.push(Effect::Return(NoticeKind::Lapsed(order.id)));
                }
                Request::Replace { id, .. } if released.late => self.cancel(id, effects),
                request => self.release(request, held.parent, effects),
            }
        }
    }

    /// The released, unfinished orders whose cancel is on its way.
    pub fn cancelling(&self) -> impl Iterator<Item = ClientId> {
        self.released.iter().filter(|(_, order)| order.cancelling).map(|(id, _)| *id)
    }

    /// The released, unfinished orders.
    pub fn released(&self) -> impl Iterator<Item = ClientId> {
        self.released.keys().copied()
    }

    /// Whether only cancels and reductions pass.
    pub const fn is_closed(&self) -> bool {
        self.closed
    }

    /// Orders released so far.
    pub const fn orders(&self) -> u64 {
        self.orders
    }

    /// Released orders that are not finished.
    pub fn working(&self) -> usize {
        self.released.len()
    }

    /// Takes a verdict: releases its requests, and closes and cancels where it tells of a trip.
    pub fn judged(&mut self, judged: &Judged, effects: &mut Vec<Effect>) {
        let verdict = &judged.verdict;
        if verdict.tripped {
            self.restart_pending = true;
            effects.push(Effect::Return(NoticeKind::Restarted));
        }
        let closed = verdict.latch.is_some() || self.restart_pending;
        if verdict.tripped || (closed && !self.closed) {
            self.cancel_all(effects);
        }
        self.closed = closed;
        if !self.patient {
            for request in verdict.requests() {
                self.release(*request, verdict.parent, effects);
            }
        } else if !verdict.requests().is_empty() {
            let sensed = judged.sensed();
            let (sequence, instrument, time) = (sensed.sequence, sensed.instrument, sensed.time);
            let (parent, requests) = (verdict.parent, verdict.requests().into());
            self.held.push_back(Held { sequence, instrument, time, parent, requests });
        }
    }

    fn release(&mut self, request: Request, parent: Option<Parent>, effects: &mut Vec<Effect>) {
        let id = request.id();
        match request {
            Request::Place(order) => {
                if parent.is_some_and(|parent| self.would_outgrow(id, parent, order.quantity)) {
                    return self.stop_family(id, effects);
                }
                if self.closed && !self.is_reduction(id, order.side, order.quantity) {
                    effects.push(Effect::Return(NoticeKind::Lapsed(id)));
                    return;
                }
                let (side, remaining) = (order.side, order.quantity);
                let parent = parent.map(|parent| parent.id);
                let released = Working { side, remaining, filled: Quantity::ZERO, cancelling: false, parent };
                let before = self.released.insert(id, released);
                assert!(before.is_none(), "order {id} is released once");
                self.orders += 1;
            }
            Request::Cancel(_) => match self.released.get_mut(&id) {
                Some(released) => released.cancelling = true,
                None => return,
            },
            Request::Replace { total, .. } => {
                let Some(released) = self.released.get(&id).copied() else { return };
                let rest = Quantity::from_units(total.units().saturating_sub(released.filled.units()));
                if parent.is_some_and(|parent| self.would_outgrow(id, parent, rest)) {
                    return self.stop_family(id, effects);
                }
                if self.closed && !self.is_reduction(id, released.side, rest) {
                    self.cancel(id, effects);
                    return;
                }
                let remaining = released.remaining.max(rest);
                self.released.insert(id, Working { remaining, ..released });
            }
        }
        effects.push(Effect::Send(request));
    }

    /// Whether what has filled and what may still fill of a parent's children would be more than the parent, with
    /// so much of this one. It counts what left, whoever made it leave: nothing that decides is asked.
    fn would_outgrow(&mut self, id: ClientId, parent: Parent, quantity: Quantity) -> bool {
        let family = self.families.entry(id.instrument).or_insert(Family { parent, filled: Quantity::ZERO });
        if family.parent.id != parent.id {
            *family = Family { parent, filled: Quantity::ZERO };
        }
        let Family { parent: Parent { id: of, total }, filled } = *family;
        let beside = |(at, r): &(&ClientId, &Working)| **at != id && r.parent == Some(of);
        let outstanding: i128 =
            self.released.iter().filter(beside).map(|(_, r)| i128::from(r.remaining.units())).sum();
        outstanding + i128::from(filled.units()) + i128::from(quantity.units()) > i128::from(total.units())
    }

    /// More was about to leave than was ever meant to: it does not, and nothing else does until a human arms.
    fn stop_family(&mut self, id: ClientId, effects: &mut Vec<Effect>) {
        self.closed = true;
        if self.released.contains_key(&id) {
            self.cancel(id, effects);
        } else {
            effects.push(Effect::Return(NoticeKind::Lapsed(id)));
        }
        effects.push(Effect::Return(NoticeKind::Latch(LatchCause::Oversent)));
        self.cancel_all(effects);
    }

    /// Whether an order of that quantity, all others of its side aside, cannot cross zero (G2).
    fn is_reduction(&self, id: ClientId, side: Side, quantity: Quantity) -> bool {
        let position = self.positions.get(&id.instrument).copied().unwrap_or(0);
        let beside =
            |(at, r): &(&ClientId, &Working)| **at != id && at.instrument == id.instrument && r.side == side;
        let reserved: i128 =
            self.released.iter().filter(beside).map(|(_, r)| i128::from(r.remaining.units())).sum();
        position.signum() == -side.sign()
            && i128::from(quantity.units()) + reserved <= i128::from(position.unsigned_abs())
    }

    /// Cancels everything released and unfinished, of its own accord (G6).
    fn cancel_all(&mut self, effects: &mut Vec<Effect>) {
        self.cancel_where(|_| true, effects);
    }

    fn cancel_where(&mut self, which: impl Fn(&ClientId) -> bool, effects: &mut Vec<Effect>) {
        let open = self.released.iter().filter(|(id, r)| !r.cancelling && which(id));
        let open: Vec<ClientId> = open.map(|(id, _)| *id).collect();
        for id in open {
            self.cancel(id, effects);
        }
    }

    fn cancel(&mut self, id: ClientId, effects: &mut Vec<Effect>) {
        if let Some(released) = self.released.get_mut(&id) {
            released.cancelling = true;
            effects.push(Effect::Send(Request::Cancel(id)));
            effects.push(Effect::Return(NoticeKind::CancelSent(id)));
        }
    }

    /// Sees what was admitted at the door, when the line has.
    pub fn noticed(&mut self, notice: &NoticeKind, effects: &mut Vec<Effect>) {
        match notice {
            NoticeKind::Report(report) => self.reported(report),
            NoticeKind::Command(command) if command.kind != CommandKind::Arm => {
                self.closed = true;
                self.cancel_all(effects);
            }
            NoticeKind::Latch(_) | NoticeKind::Quarantine { instrument: None, .. } => {
                self.closed = true;
                self.cancel_all(effects);
            }
            NoticeKind::Quarantine { instrument: Some(instrument), .. } => {
                self.cancel_where(|id| id.instrument == *instrument, effects);
            }
            NoticeKind::Restarted => self.restart_pending = false,
            NoticeKind::Lapsed(id) => {
                self.released.remove(id);
                let places = |request: &Request| matches!(request, Request::Place(o) if o.id == *id);
                self.held.retain(|held| !held.requests.iter().any(places));
            }
            // the latch's clearing opens it, with the next verdict
            NoticeKind::Command(_)
            | NoticeKind::CancelSent(_)
            | NoticeKind::Activate { .. }
            | NoticeKind::Slept { .. }
            | NoticeKind::News { .. }
            | NoticeKind::EndOfStream => {}
        }
    }

    fn reported(&mut self, report: &Report) {
        if let ReportKind::Filled(fill) = &report.kind {
            let position = self.positions.entry(report.id.instrument).or_default();
            *position = position.saturating_add(fill.side.signed(fill.quantity).units());
            let parent = self.released.get(&report.id).and_then(|released| released.parent);
            if let Some(family) = self.families.get_mut(&report.id.instrument)
                && parent == Some(family.parent.id)
            {
                let filled = family.filled.units().saturating_add(fill.quantity.units());
                family.filled = Quantity::from_units(filled);
            }
        }
        if report.kind.is_terminal() {
            self.released.remove(&report.id);
            return;
        }
        let Some(released) = self.released.get_mut(&report.id) else { return };
        match &report.kind {
            ReportKind::Filled(fill) => {
                released.remaining = fill.remaining;
                released.filled = Quantity::from_units(released.filled.units() + fill.quantity.units());
            }
            ReportKind::Replaced { quantity, .. } => released.remaining = *quantity,
            ReportKind::CancelRejected(_) => released.cancelling = false,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
