//! The desk at which a venue process is dealt with: what goes out, what comes in, and whether both
//! sides agree. Nothing new goes out before they do.

use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use journal::{Finding, Note};
use market::Timestamp;
use market::order::Request;
use synapse::NoticeKind;

use super::core::Core;
use super::reflex::Reflex;
use crate::brain::Stream;
use crate::control::VenueStatus;
use crate::failure::Failure;
use crate::recovery::{Admission, Intake, Ours, reconcile};
use crate::venue::{Client, FromVenue, StateAnswer};

/// How long to wait before asking again while both sides differ; twice as long each time they still do.
const AGAIN: Duration = Duration::from_millis(100);
/// A question that is not answered within this is asked on another connection.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// How much a venue may have said that the loop has not heard.
const HEARD: usize = 1024;

/// How far both sides are.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stage {
    Away(String),
    Asked { moves: u64 },
    Differs,
    Agreed,
}

/// The desk.
pub(super) struct VenueDesk {
    client: Arc<Client>,
    reflex: Arc<Reflex>,
    intake: Intake,
    stage: Stage,
    asked_at: Instant,
    every: Duration,
    again: Duration,
    agreed_at: Option<Timestamp>,
    /// What differed when it was last written down.
    noted: Vec<Finding>,
}

impl VenueDesk {
    /// Connects to a venue's order socket; what it says goes to `sink`.
    ///
    /// Of the requests that the gate let go of before a restart nothing tells whether they were sent: they
    /// are taken for sent, and the venue is asked. So are its cancels.
    pub fn start<S: Stream>(
        socket: &Path,
        core: &mut Core<S>,
        sink: impl Fn(FromVenue) -> bool + Send + 'static,
    ) -> Result<Self, Failure> {
        let (run, names) = (core.blueprint.manifest.run.clone(), core.blueprint.manifest.instruments.clone());
        let (send, said) = sync_channel(HEARD);
        let forward = move || {
            for said in said {
                if !sink(said) {
                    return;
                }
            }
        };
        let failed = |e: std::io::Error| Failure::Environment(format!("no thread for the venue: {e}"));
        std::thread::Builder::new().name("venue".into()).spawn(forward).map_err(failed)?;
        let client = Arc::new(Client::start(socket.to_owned(), run, names, send).map_err(failed)?);
        let reflex = Arc::new(Reflex::new(Arc::clone(&client), core.engine.gate()));
        let past_all = Arc::clone(&reflex);
        core.reflex = Some(Box::new(move |id| past_all.cancel(id)));
        let line = core.engine.line();
        let table = line.prefrontal.orders();
        let orders = line.brainstem.instruments().iter().flat_map(|(id, _)| table.of(id));
        let (executions, behind) =
            (line.brainstem.ledger().executions().clone(), core.engine.door().sequence());
        let mut intake = Intake::from_orders(orders, executions, behind);
        core.engine.gate().cancelling().for_each(|id| intake.released(&Request::Cancel(id)));
        while let Some(request) = core.engine.broker_mut().next_request() {
            intake.released(&request);
        }
        let every = Duration::from_secs(u64::from(core.blueprint.config.daemon.reconcile_every_s));
        let stage = Stage::Away("not connected yet".to_owned());
        let asked_at = Instant::now();
        let (again, agreed_at, noted) = (AGAIN, None, Vec::new());
        Ok(Self { client, reflex, intake, stage, asked_at, every, again, agreed_at, noted })
    }

    /// Why nothing new may go out, if so.
    pub fn closed(&self) -> Option<String> {
        match &self.stage {
            Stage::Agreed => None,
            // a routine question does not stop what was agreed
            Stage::Asked { .. } if self.agreed_at.is_some() => None,
            Stage::Away(why) => Some(format!("the venue is away: {why}")),
            Stage::Asked { .. } => Some("the venue is asked how everything stands".to_owned()),
            Stage::Differs => Some("our state and the venue's differ".to_owned()),
        }
    }

    /// How it stands.
    pub fn status<S: Stream>(&self, core: &Core<S>) -> VenueStatus {
        let (line, pending) = (core.engine.line(), |order: &prefrontal::Order| order.is_unanswered());
        let (table, instruments) = (line.prefrontal.orders(), line.brainstem.instruments());
        let orders = instruments.iter().flat_map(|(id, _)| table.of(id));
        VenueStatus {
            state: self.closed().unwrap_or_else(|| "reconciled".to_owned()),
            pending: orders.filter(|(_, order)| pending(order)).count() as u64,
            // before the first event there is no time to tell
            last_reconciled: self.agreed_at.map(|time| time.max(Timestamp::from_ns(0)).to_string()),
        }
    }

    /// What cancels past the loop, while there is this desk.
    pub fn reflex(&self) -> Weak<Reflex> {
        Arc::downgrade(&self.reflex)
    }

    /// Sends what the gate let go.
    pub fn send<S: Stream>(&mut self, core: &mut Core<S>) {
        while let Some(request) = core.engine.broker_mut().next_request() {
            self.intake.released(&request);
            if !self.reflex.send(&request) {
                tracing::warn!(order = %request.id(), "not sent, the venue is away: it is asked about it");
            }
        }
        self.reflex.forget(core.engine.gate());
    }

    /// Asks how everything stands, where it is time to.
    pub fn ask_when_due(&mut self) {
        let since = self.asked_at.elapsed();
        match self.stage {
            Stage::Agreed if since >= self.every => self.ask(),
            Stage::Differs if since >= self.again => {
                self.again = (self.again * 2).min(self.every.max(AGAIN));
                self.ask();
            }
            Stage::Asked { .. } if since >= ANSWER_WITHIN => {
                self.give_up("it does not say how everything stands")
            }
            _ => {}
        }
    }

    /// Another connection is tried, on which no late answer of this one is heard.
    fn give_up(&mut self, why: &str) {
        tracing::warn!(why, "the connection to the venue is given up");
        self.agreed_at = None;
        self.stage = Stage::Away(why.to_owned());
        self.client.reset();
    }

    fn ask(&mut self) {
        self.asked_at = Instant::now();
        let moves = self.intake.moves();
        if self.client.query(self.intake.executions().contiguous()) {
            self.stage = Stage::Asked { moves };
        }
    }

    /// Takes what the venue says.
    pub fn hear<S: Stream>(&mut self, core: &mut Core<S>, said: FromVenue) -> Result<(), Failure> {
        match said {
            FromVenue::Connected => {
                self.agreed_at = None;
                self.ask();
            }
            FromVenue::Lost(why) => {
                tracing::warn!(why, "the venue is lost: nothing new goes out before both sides agree again");
                self.agreed_at = None;
                self.stage = Stage::Away(why);
            }
            FromVenue::Error(what) => {
                tracing::error!(what, "the venue did not understand, or was not understood");
                if matches!(self.stage, Stage::Asked { .. }) {
                    self.give_up("its answer is not understood");
                }
            }
            FromVenue::Report(report, _) => self.receive(core, &report)?,
            FromVenue::State(state) => self.compare(core, &state)?,
        }
        Ok(())
    }

    fn receive<S: Stream>(
        &mut self,
        core: &mut Core<S>,
        report: &market::order::Report,
    ) -> Result<(), Failure> {
        match self.intake.receive(report) {
            Admission::Admit { report, then } => {
                let broker = core.engine.broker_mut();
                broker.deliver(report);
                then.into_iter().for_each(|then| broker.deliver(then));
                while core.engine.broker().has_reports() && core.step_on()? {}
            }
            Admission::Wait => {}
            Admission::Drop(reason) => {
                tracing::debug!(order = %report.id, ?reason, "a report is dropped");
            }
            Admission::Lapse(id) => _ = core.admit(NoticeKind::Lapsed(id))?,
            Admission::Latch { cause, why } => {
                tracing::error!(%cause, why, "the venue contradicts itself or us: latched");
                core.admit(NoticeKind::Latch(cause))?;
            }
        }
        Ok(())
    }

    /// Compares both sides, and does what follows.
    fn compare<S: Stream>(&mut self, core: &mut Core<S>, state: &StateAnswer) -> Result<(), Failure> {
        let Stage::Asked { moves } = self.stage else { return Ok(()) };
        core.home()?;
        let brainstem = &core.engine.line().brainstem;
        let ours = Ours {
            intake: &self.intake,
            ledger: brainstem.ledger(),
            instruments: brainstem.instruments(),
            asked: moves,
        };
        let outcome = reconcile(&ours, state);
        for report in &outcome.reports {
            self.receive(core, report)?;
        }
        for id in outcome.lapses {
            self.intake.fold_input(&NoticeKind::Lapsed(id));
            core.admit(NoticeKind::Lapsed(id))?;
        }
        for id in outcome.cancels {
            if outcome.doubted.contains(&id) {
                self.intake.doubt(id);
            } else {
                self.intake.fold_input(&NoticeKind::CancelSent(id));
            }
            if core.awaits_no_cancel(id)? {
                core.admit(NoticeKind::CancelSent(id))?;
            }
            self.client.send(&Request::Cancel(id));
        }
        if let Some(cause) = outcome.latch.filter(|cause| core.engine.latch() != Some(*cause)) {
            core.admit(NoticeKind::Latch(cause))?;
        }
        let is_news = outcome.findings != self.noted && !outcome.findings.is_empty();
        if is_news || (outcome.agreed && self.agreed_at.is_none()) {
            for finding in &outcome.findings {
                let order = finding.order.map(|id| id.to_string());
                tracing::warn!(
                    rule = finding.rule,
                    order,
                    ours = finding.ours,
                    theirs = finding.theirs,
                    action = finding.action,
                    "reconciled"
                );
            }
            let findings = outcome.findings.clone();
            core.recorder.note(&Note::Reconciled { agreed: outcome.agreed, findings });
            self.noted = outcome.findings;
        }
        if outcome.agreed {
            self.again = AGAIN;
            self.agreed_at = Some(core.engine.door().now());
            self.stage = Stage::Agreed;
        } else {
            if outcome.latch.is_some() {
                self.agreed_at = None;
            }
            self.stage = Stage::Differs;
        }
        Ok(())
    }
}
