//! The region: gap = target − position − outstanding, turned into requests or a reason.

mod act;
mod flatten;
mod memory;
mod obstacle;
mod trial;
mod witness;

use std::collections::{BTreeMap, BTreeSet};

use market::order::ReportKind;
use market::tax::WashBook;
use market::{InstrumentId, Instruments, Price, Side};
use serde::{Deserialize, Serialize};
use synapse::{
    Action, Fault, Forecast, Judged, LatchCause, Notice, NoticeKind, Outcome, Parent, Reason, Region, Verdict,
};

use crate::NAME;
use crate::breakers::Breakers;
use crate::court::{Court, Law, Ruling};
use crate::latch::Latch;
use crate::limits::Limits;
use crate::look_back::LookBack;
use crate::orders::OrderTable;
use crate::parent::ParentOrder;
use witness::Witnesses;

pub use witness::{Statement, Testimony};

market::params! {
    /// How the latch and the judge behave.
    pub struct PrefrontalParams in "prefrontal" {
        /// Calm after which an amygdala's latch clears itself; 0 leaves that to an operator.
        rearm_after_s: u32 = 0, "s", 0.0, 86_400.0;
        /// Whether a feed that falls silent with a position open sets the latch.
        stale_feed_latches: bool = false, "", 0.0, 0.0;
        /// The rules that orders are held to: `compliance` and `luld` (those that ship) and paths of rule files, with commas between them; all of them are one set.
        rules: String = "compliance".to_owned(), "", 0.0, 0.0;
        /// The instrument that stands for the whole market, for rules of market-wide breakers; empty: none.
        index: String = String::new(), "", 0.0, 0.0;
        /// Its close of the day before the run, until the exchange's next day; 0: not known.
        index_close: Price = Price::ZERO, "currency", 0.0, 9.2e9;
    }
}

/// What the prefrontal cortex remembers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The one order table.
    pub orders: OrderTable,
    /// The latch.
    pub latch: Latch,
    look_back: LookBack,
    /// Twice the last price that each instrument was known to have.
    marks: BTreeMap<InstrumentId, i64>,
    parents: BTreeMap<InstrumentId, ParentOrder>,
    /// What a sale or a purchase would wash.
    wash: WashBook,
    breakers: Breakers,
    /// Instruments latched by themselves, until an operator arms (S2).
    quarantined: BTreeSet<InstrumentId>,
    /// Every position is being reduced to nothing, until an operator arms.
    flattening: bool,
}

/// The prefrontal cortex: the one judge (G2).
#[derive(Debug, Clone)]
pub struct Prefrontal {
    params: PrefrontalParams,
    instruments: Instruments,
    limits: Vec<Limits>,
    /// What stands for the whole market.
    index: Option<InstrumentId>,
    court: Court,
    state: State,
    witnesses: Witnesses,
}

/// What a thought comes to before it is written down.
struct Conclusion {
    outcome: Outcome,
    ruling: Ruling,
    parent: Option<ParentOrder>,
}

impl From<Outcome> for Conclusion {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, ruling: Ruling::default(), parent: None }
    }
}

impl Prefrontal {
    /// A judge with the limits of each instrument, in rank order, and the rules that hold orders to them.
    ///
    /// # Panics
    /// If an instrument has no limits.
    pub fn new(params: PrefrontalParams, instruments: Instruments, limits: Vec<Limits>, law: Law) -> Self {
        assert_eq!(instruments.len(), limits.len(), "every instrument has limits");
        let state = State { wash: WashBook::new(&instruments, &law.wash), ..State::default() };
        let court = Court::new(law, instruments.clone(), &limits);
        let index = instruments.iter().find(|(_, facts)| facts.name == params.index).map(|(id, _)| id);
        Self { params, instruments, limits, index, court, state, witnesses: Witnesses::default() }
    }

    /// The order table.
    pub const fn orders(&self) -> &OrderTable {
        &self.state.orders
    }

    /// Why the latch is set, if it is.
    pub const fn latch(&self) -> Option<LatchCause> {
        self.state.latch.cause()
    }

    /// Why an instrument is latched, with all others or by itself.
    fn latch_of(&self, instrument: InstrumentId) -> Option<LatchCause> {
        let alone = self.state.quarantined.contains(&instrument).then_some(LatchCause::Quarantine);
        self.latch().or(alone)
    }

    fn judge(&mut self, forecast: &Forecast) -> Conclusion {
        let sensed = forecast.sensed();
        let reason = match self.obstacle(forecast) {
            None if self.flattens(sensed) => return self.flatten(forecast),
            None => hold(forecast),
            obstacle => obstacle,
        };
        let Some(reason) = reason else { return self.act(forecast) };
        // nobody wants what is left of a parent; by the time that somebody does, all of it could be due
        self.state.parents.remove(&sensed.instrument);
        self.rest(sensed.instrument, reason).into()
    }

    fn conclude(&self, forecast: Forecast, conclusion: Conclusion, tripped: bool) -> Judged {
        let Conclusion { outcome, ruling, parent } = conclusion;
        let verdict = Verdict {
            outcome,
            parent: parent.map(|ParentOrder { id, total, .. }| Parent { id, total }),
            rules: ruling.rules,
            satisfaction: ruling.satisfaction,
            latch: self.state.latch.cause(),
            tripped,
        };
        Judged { forecast, verdict }
    }
}

/// Why nothing is wanted.
fn hold(forecast: &Forecast) -> Option<Reason> {
    let proposal = forecast.proposal();
    let (margin, needed) = (proposal.margin, proposal.margin_needed);
    match proposal.action {
        // an action that did not stand out has become a hold
        _ if margin < needed => Some(Reason::HoldByMargin { margin, needed }),
        Action::Hold => Some(Reason::Hold { position: forecast.sensed().account.position }),
        _ => None,
    }
}

fn side_of(gap: i64) -> Option<Side> {
    match gap.signum() {
        1 => Some(Side::Buy),
        -1 => Some(Side::Sell),
        _ => None,
    }
}

impl Region for Prefrontal {
    type In = Forecast;
    type Out = Judged;
    type State = State;
    const NAME: &'static str = NAME;

    fn step(&mut self, forecast: Forecast) -> Result<Judged, Fault> {
        let tripped = self.prepare(&forecast)?;
        let conclusion = self.judge(&forecast);
        let sensed = forecast.sensed();
        self.approve(sensed.time, sensed.instrument, &conclusion);
        if let Some(rule) = conclusion.ruling.latching {
            self.latched(LatchCause::Rule(rule));
        }
        Ok(self.conclude(forecast, conclusion, tripped))
    }

    fn notice(&mut self, notice: &Notice) -> Result<(), Fault> {
        match &notice.kind {
            NoticeKind::Report(report) => {
                self.state.orders.report(report)?;
                if let ReportKind::Filled(fill) = &report.kind {
                    self.filled(notice.time, report.id, fill);
                }
            }
            NoticeKind::Command(command) => self.commanded(command.kind),
            NoticeKind::Latch(cause) => self.latched(*cause),
            NoticeKind::Quarantine { instrument: Some(instrument), .. } => {
                self.state.parents.remove(instrument);
                self.state.quarantined.insert(*instrument);
            }
            NoticeKind::Quarantine { instrument: None, .. } => self.latched(LatchCause::Faults),
            NoticeKind::Restarted => {
                self.state.parents.clear();
                self.state.latch.restarted();
            }
            NoticeKind::Lapsed(id) => self.state.orders.lapsed(*id),
            NoticeKind::CancelSent(id) => self.state.orders.cancel_sent(*id),
            NoticeKind::EndOfStream
            | NoticeKind::Activate { .. }
            | NoticeKind::Slept { .. }
            | NoticeKind::News { .. } => {}
        }
        Ok(())
    }

    fn peek(&self, forecast: Forecast) -> Result<Judged, Fault> {
        let mut copy = self.clone();
        copy.step(forecast)
    }

    fn state(&self) -> &State {
        &self.state
    }

    fn set_state(&mut self, state: State) {
        self.state = state;
    }
}
