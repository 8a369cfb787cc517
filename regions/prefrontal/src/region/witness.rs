//! Witnesses: courts that judge whatever the region's own court judges, by rules of their own, and decide
//! nothing.
//!
//! They are no part of what the region remembers: what their rules look back at they keep themselves.

use market::order::NewOrder;
use market::{InstrumentId, Money, Timestamp};
use rules::World;
use synapse::{Forecast, RuleTruth, Sensed};

use super::Prefrontal;
use crate::court::{Candidate, Court, Law, Memory};
use crate::look_back::LookBack;

/// What the witnesses say of a candidate order.
#[derive(Debug, Clone)]
pub struct Testimony {
    /// The input that it came of.
    pub sequence: u64,
    /// Its instrument.
    pub instrument: InstrumentId,
    /// The order; one that replaces another as it would be then.
    pub order: NewOrder,
    /// What each witness says, in the order they were called.
    pub statements: Vec<Statement>,
}

/// What one witness says of a candidate order.
#[derive(Debug, Clone)]
pub struct Statement {
    /// Every rule in force, in order.
    pub rules: Vec<RuleTruth>,
    /// What it was judged in the light of.
    pub world: World,
}

/// A court with a memory of its own.
#[derive(Debug, Clone)]
struct Witness {
    court: Court,
    look_back: LookBack,
}

/// All that were called, and what they have said.
#[derive(Debug, Clone, Default)]
pub(super) struct Witnesses {
    all: Vec<Witness>,
    said: Vec<Testimony>,
}

impl Prefrontal {
    /// Calls a witness, which from here on judges every candidate by this law too. What the region has
    /// remembered so far it remembers as well.
    pub fn watch(&mut self, law: Law) {
        let court = Court::new(law, self.instruments.clone(), &self.limits);
        self.witnesses.all.push(Witness { court, look_back: self.state.look_back.clone() });
    }

    /// Calls the witnesses of a judge that this one takes the place of, each with its law from here on and
    /// what it remembers.
    pub fn watch_on(&mut self, before: &Self, laws: impl IntoIterator<Item = Law>) {
        for (witness, law) in before.witnesses.all.iter().zip(laws) {
            let court = Court::new(law, self.instruments.clone(), &self.limits);
            self.witnesses.all.push(Witness { court, ..witness.clone() });
        }
    }

    /// What the witnesses have said since this was asked last.
    pub fn take_testimony(&mut self) -> Vec<Testimony> {
        std::mem::take(&mut self.witnesses.said)
    }
}

impl Witnesses {
    /// Lets each judge a candidate.
    pub fn hear(&mut self, forecast: &Forecast, candidate: &Candidate<'_>, memory: Memory<'_>) {
        if self.all.is_empty() {
            return;
        }
        let statements = self.all.iter_mut().map(|witness| witness.judge(forecast, candidate, memory));
        let (sequence, instrument) = (forecast.sensed().sequence, forecast.sensed().instrument);
        let statements = statements.collect();
        self.said.push(Testimony { sequence, instrument, order: *candidate.order, statements });
    }

    /// A sample: what is too old is forgotten, and the mark noted.
    pub fn sampled(&mut self, sensed: &Sensed) {
        for Witness { court, look_back } in &mut self.all {
            look_back.sampled(sensed, court.reach());
        }
    }

    /// An order that was approved, whatever a witness says of it.
    pub fn approved(&mut self, now: Timestamp, instrument: InstrumentId, order: &NewOrder, notional: Money) {
        for witness in &mut self.all {
            witness.look_back.approved(now, instrument, order, notional);
        }
    }

    /// A fill.
    pub fn filled(&mut self, now: Timestamp, instrument: InstrumentId) {
        for witness in &mut self.all {
            witness.look_back.filled(now, instrument);
        }
    }
}

impl Witness {
    fn judge(&mut self, forecast: &Forecast, candidate: &Candidate<'_>, memory: Memory<'_>) -> Statement {
        let memory = Memory { look_back: &self.look_back, ..memory };
        let rules = self.court.judge(forecast, candidate, memory).rules;
        Statement { rules, world: self.court.world().clone() }
    }
}
