//! What both regimes share: a brain over a journal, and the operator's words.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::Instant;

use hippocampus::ExperienceEncoder;
use journal::index::{DEFAULT_ENTRIES_A_PART, Follower, IndexOptions, spawn_follower};
use journal::{Hash, Journal, Marker, Opening, Position};
use market::Instruments;
use market::order::ClientId;
use prefrontal::OrderState;
use synapse::{Command, CommandKind, LatchCause, NoticeKind};

use super::Options;
use super::camera::Camera;
use super::faults::Faults;
use super::publish::Publisher;
use super::watch::Watch;
use crate::assemble::actors;
use crate::blueprint::{Blueprint, now_ns};
use crate::brain::{Advance, Credits, Engine, Stream, Wake};
use crate::config::Config;
use crate::control::{Answer, Ask, Word};
use crate::failure::Failure;
use crate::latency::Latencies;
use crate::recorder::Recorder;
use crate::venue::Speed;

/// What came of a daemon's run.
#[derive(Debug)]
pub struct Outcome {
    /// The run's name.
    pub run: String,
    /// Inputs on the tape.
    pub inputs: u64,
    /// Decisions on the tape.
    pub decisions: u64,
    /// Fills.
    pub fills: u64,
    /// The chain over all decisions.
    pub digest: String,
    /// Profit and loss after fees, as text.
    pub pnl_net: String,
    /// Why the latch is set, if it is.
    pub latch: Option<String>,
    /// The last block.
    pub head: Position,
    /// Whether the end of the feeds was reached.
    pub ended: bool,
    /// What was wrong with feeds.
    pub faults: Vec<String>,
}

/// Whether the loop goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    /// It does.
    On,
    /// It drains and ends.
    Stop,
}

/// An answer that waits until the tape is durable so far.
struct Owed {
    sequence: u64,
    to: SyncSender<Answer>,
    answer: Answer,
}

/// Sends a cancel to a venue; whether there is a connection that took it.
pub(super) type Reflex = Box<dyn Fn(ClientId) -> bool>;

/// A brain over a journal.
pub(super) struct Core<S: Stream> {
    pub dir: PathBuf,
    pub speed: Speed,
    pub blueprint: Blueprint,
    pub opening: Option<Opening>,
    pub engine: Engine<S>,
    pub recorder: Recorder,
    pub camera: Camera,
    pub faults: Faults,
    pub latencies: Latencies,
    pub publisher: Publisher,
    pub began: Instant,
    /// Sends a cancel to a venue outside, past everything (G6).
    pub reflex: Option<Reflex>,
    index: Option<Follower>,
    owed: Vec<Owed>,
    /// Whether an order has reached the exchange in the program since the last input: the tape knows no
    /// such state, so no snapshot is taken of it.
    is_between: bool,
}

impl<S: Stream> Core<S> {
    pub fn new(
        options: &Options,
        blueprint: Blueprint,
        (opening, from): (Option<Opening>, Option<Marker>),
        engine: Engine<S>,
        recorder: Recorder,
    ) -> Result<Self, Failure> {
        let (dir, speed) = (options.dir.clone(), options.speed);
        let params = &blueprint.config.daemon;
        let camera = Camera::start(dir.clone(), params, from, engine.door().sequence())?;
        let faults = Faults::new(params);
        let (run, gauges) = (blueprint.manifest.run.clone(), Arc::clone(engine.gauges()));
        let publisher = Publisher::start(run, params, options.http, gauges)?;
        let began = Instant::now();
        let index = follow(&dir, &blueprint.config, engine.line().brainstem.instruments());
        Ok(Self {
            dir,
            speed,
            blueprint,
            opening,
            engine,
            recorder,
            camera,
            faults,
            latencies: Latencies::default(),
            publisher,
            began,
            reflex: None,
            index,
            owed: Vec::new(),
            is_between: false,
        })
    }

    pub const fn journal(&self) -> &Journal {
        self.recorder.journal()
    }

    /// From here on the regions run as actors; `wake` is told when there is something to hear of them.
    pub fn host(&mut self, wake: Option<Wake>) -> Result<(), Failure> {
        let config = &self.blueprint.config;
        let credits = Credits::Fixed(config.brain.credits as usize);
        self.engine.host(actors(config, wake)?, credits);
        Ok(())
    }

    /// Engine, and who looks on.
    pub fn split(&mut self) -> (&mut Engine<S>, Watch<'_>) {
        let Self { engine, recorder, latencies, publisher, .. } = self;
        (engine, Watch { recorder, latencies, publisher })
    }

    /// Admits one input, where one can be. A region that fails is healed.
    pub fn step(&mut self) -> Result<Advance, Failure> {
        // one that was heard of while something was waited for
        self.protect_if_tripped()?;
        let before = self.engine.door().sequence();
        let (engine, mut watch) = self.split();
        let advance = match engine.advance(&mut watch) {
            Ok(advance) => advance,
            Err(error) => {
                self.heal(&error)?;
                Advance::Moved
            }
        };
        if advance == Advance::Night {
            self.night()?;
            return Ok(Advance::Moved);
        }
        if advance == Advance::Moved {
            let sequence = self.engine.door().sequence();
            self.is_between = sequence == before;
            if !self.is_between {
                self.publisher.admitted(sequence);
            }
        }
        self.watch_latch();
        self.protect_if_tripped()?;
        if self.camera.is_due(self.engine.door().sequence()) {
            self.snapshot()?;
        }
        Ok(advance)
    }

    fn protect_if_tripped(&mut self) -> Result<(), Failure> {
        self.engine.take_trip().map_or(Ok(()), |trip| self.protect(trip))
    }

    /// The same, where it waits for the regions if it must; false where nothing is to be done.
    pub fn step_on(&mut self) -> Result<bool, Failure> {
        let advance = self.step()?;
        if advance == Advance::Waits {
            self.catch_up()?;
        }
        Ok(advance != Advance::Idle)
    }

    /// Waits for the oldest input under way.
    pub fn catch_up(&mut self) -> Result<(), Failure> {
        let (engine, mut watch) = self.split();
        match engine.catch_up(&mut watch) {
            Ok(()) => Ok(()),
            Err(error) => self.heal(&error),
        }
    }

    /// Waits until everything admitted is thought through.
    pub fn think_through(&mut self) -> Result<(), Failure> {
        while self.engine.under_way() > 0 {
            self.catch_up()?;
        }
        Ok(())
    }

    /// Waits until everything admitted is thought through, and the regions are at home to be looked at.
    pub fn home(&mut self) -> Result<(), Failure> {
        loop {
            let (engine, mut watch) = self.split();
            match engine.settle(&mut watch) {
                Ok(()) => return Ok(()),
                Err(error) => self.heal(&error)?,
            }
        }
    }

    /// Lets in what is due before anything that comes now.
    pub fn let_in(&mut self) -> Result<(), Failure> {
        while self.engine.stream().passed() > self.engine.door().now() && self.step_on()? {}
        Ok(())
    }

    /// Admits something at once, behind what is due before it; its number.
    pub fn admit(&mut self, notice: NoticeKind) -> Result<u64, Failure> {
        self.let_in()?;
        self.admit_next(notice)
    }

    /// Admits something as the next input, whatever is due.
    pub fn admit_next(&mut self, notice: NoticeKind) -> Result<u64, Failure> {
        // what fails before it is healed before it: an error below is its own
        self.think_through()?;
        let (engine, mut watch) = self.split();
        if let Err(error) = engine.admit_now(notice, &mut watch) {
            self.heal(&error)?;
        }
        self.watch_latch();
        Ok(self.engine.door().sequence())
    }

    /// Notes when the event that was just admitted was sent, where its sender said so.
    pub fn note_sent(&mut self, sent_ns: Option<i64>) {
        if let Some(sent_ns) = sent_ns {
            self.latencies.sent(self.engine.door().sequence(), sent_ns);
        }
    }

    /// Lets go what is durable; what waited longer than `ttl_ns` lapses (G4).
    pub fn release(&mut self, durable: u64, ttl_ns: i64) {
        let (engine, mut watch) = self.split();
        engine.release(durable, ttl_ns, &mut watch);
    }

    /// The end of all feeds: what works expires, and nothing more is to come.
    pub fn end(&mut self) -> Result<(), Failure> {
        while !self.engine.spine().has_ended() {
            let (engine, mut watch) = self.split();
            if let Err(error) = engine.end(&mut watch) {
                self.heal(&error)?;
            }
        }
        self.is_between = false;
        Ok(())
    }

    /// Cancels everything at a venue outside, past regions and tape: they may be at work for ever (G6).
    pub fn cancel_past_all(&self) {
        let Some(reflex) = &self.reflex else { return };
        let sent = self.engine.gate().released().filter(|id| reflex(*id)).count();
        tracing::warn!(orders = sent, "cancels are sent past the regions, which are at work");
    }

    /// Whether an order is ours to cancel and no cancel of it is on its way.
    pub fn awaits_no_cancel(&mut self, id: ClientId) -> Result<bool, Failure> {
        self.home()?;
        let order = self.engine.line().prefrontal.orders().of(id.instrument).find(|(at, _)| *at == id);
        Ok(order.is_some_and(|(_, order)| order.state != OrderState::CancelSent))
    }

    /// Stops where the journal can no longer be written (S4).
    pub fn check_journal(&self) -> Result<(), Failure> {
        match self.journal().failed() {
            None => Ok(()),
            Some(error) => Err(Failure::Environment(format!(
                "the journal failed, so nothing more is decided or sent: {error}"
            ))),
        }
    }

    /// Takes a snapshot behind the last input.
    pub fn snapshot(&mut self) -> Result<(), Failure> {
        self.home()?;
        let (sequence, time) = (self.engine.door().sequence(), self.engine.door().now());
        self.camera.look();
        if let Some(block) = self.camera.keep_from(self.journal().durable()) {
            self.journal().keep_from(block);
        }
        if sequence == 0
            || self.is_between
            || self.camera.last().is_some_and(|marker| marker.sequence == sequence)
        {
            return Ok(());
        }
        let marker = Marker { sequence, time, state: Hash::default() };
        let block = self.journal().standing().head.block;
        if let Some(marker) = self.camera.take(marker, self.engine.cut().to_bytes(), block) {
            self.recorder.marker(&marker);
        }
        self.latencies.snapshot(sequence, now_ns());
        Ok(())
    }

    /// What is to be said of refused rows, where they are more than a run bears.
    pub fn too_many_refused(&self, rows: u64, refused: u64) -> Option<String> {
        let bound = self.blueprint.config.run.max_refused;
        (refused as f64 / rows.max(1) as f64 > bound).then(|| {
            format!("{refused} of {rows} rows were refused, more than run.max_refused = {bound} allows; correct the feed or raise the limit")
        })
    }

    /// Gives the answers whose input is durable by now.
    pub fn settle(&mut self) {
        if self.owed.is_empty() {
            return;
        }
        let durable = self.journal().durable();
        for owed in self.owed.extract_if(.., |owed| owed.sequence <= durable) {
            // whoever asked and went away needs no answer
            let _ = owed.to.try_send(owed.answer);
        }
    }

    /// Refuses to look at regions that may never answer, and tells so.
    pub fn refuses(&self, word: &Word) -> bool {
        let looks =
            matches!(word.ask, Ask::Status | Ask::Ask { .. } | Ask::Activate { .. } | Ask::Apply { .. });
        let Some((gauge, busy)) = self.engine.gauges().slowest().filter(|_| looks && self.engine.is_slow())
        else {
            return false;
        };
        let (region, ms) = (gauge.name, busy.as_millis());
        let text = format!("the {region} has been at input {} for {ms} ms; ask again", gauge.sequence());
        // whoever asked and went away needs no answer
        let _ = word.answer.try_send(Answer::refused(70, text));
        true
    }

    /// Does what an operator asks; [`Ask::Status`] is the shell's own.
    pub fn hear(&mut self, word: Word) -> Result<Flow, Failure> {
        let Word { ask, answer } = word;
        let flow = if ask == Ask::Stop { Flow::Stop } else { Flow::On };
        let said = match ask {
            Ask::Halt { by, reason } => self.command(CommandKind::Halt, by, reason)?,
            Ask::Arm { by, reason } => self.command(CommandKind::Arm, by, reason)?,
            Ask::Flatten { by, reason } => self.command(CommandKind::Flatten, by, reason)?,
            Ask::Stop => Answer::Done { sequence: None, text: "draining".to_owned() },
            Ask::Ask { instrument } => self.ponder(&instrument)?,
            Ask::Activate { hash, by, reason } => self.activate(hash, by, reason)?,
            Ask::Sleep { by, reason } => {
                let (said, sequence) = self.sleep_now(by, reason)?;
                self.tell(answer, said, sequence);
                return Ok(flow);
            }
            Ask::Apply { config, by, reason } => self.apply(&config, by, reason)?,
            Ask::Status => Answer::refused(70, "status is answered elsewhere"),
        };
        let sequence = if let Answer::Done { sequence, .. } = &said { *sequence } else { None };
        self.tell(answer, said, sequence);
        Ok(flow)
    }

    /// Answers; where an input is named, once that is durable.
    pub fn tell(&mut self, to: SyncSender<Answer>, answer: Answer, sequence: Option<u64>) {
        match sequence {
            Some(sequence) => self.owed.push(Owed { sequence, to, answer }),
            // whoever asked and went away needs no answer
            None => _ = to.try_send(answer),
        }
    }

    fn command(&mut self, kind: CommandKind, by: String, reason: String) -> Result<Answer, Failure> {
        let text = match kind {
            CommandKind::Halt => "halted: latched, everything that works is being cancelled",
            CommandKind::Arm => "armed",
            CommandKind::Flatten => {
                "flattening: latched, what works is being cancelled, every position closed"
            }
        };
        let is_held = |cause: &LatchCause| kind == CommandKind::Arm && !matches!(cause, LatchCause::Operator);
        tracing::warn!(?kind, by, reason, "an operator commands");
        if kind != CommandKind::Arm && self.engine.under_way() > 0 {
            self.cancel_past_all();
        }
        let sequence = self.admit(NoticeKind::Command(Command { kind, by, reason }))?;
        let latch = self.engine.latch().filter(is_held);
        let but = latch.map_or(String::new(), |cause| format!(", but still latched by {cause}"));
        Ok(Answer::Done { sequence: Some(sequence), text: format!("{text}{but}") })
    }

    /// Ends in order: what is admitted is durable, the tape is closed.
    pub fn finish(mut self, ended: bool, faults: Vec<String>) -> Result<Outcome, Failure> {
        if ended && self.engine.spine().has_ended() && self.blueprint.config.sleep.at_end {
            self.journal().wait()?;
            self.sleep_now("sleep".to_owned(), "the session has ended".to_owned())?;
        }
        self.publisher.stop();
        self.snapshot()?;
        self.camera.finish();
        let line = self.engine.line();
        let ledger = line.brainstem.ledger();
        let (net, latch) = (ledger.realised() + ledger.unrealised() - ledger.fees(), line.prefrontal.latch());
        let totals = self.engine.totals();
        let (decisions, fills, inputs) = (totals.decisions(), totals.fills, self.engine.door().sequence());
        let digest = self.engine.digest().to_hex();
        self.journal().wait()?;
        self.settle();
        let head = self.recorder.into_journal().close()?;
        // with the tape closed it takes in the last of it
        drop(self.index.take());
        Ok(Outcome {
            run: self.blueprint.manifest.run,
            inputs,
            decisions,
            fills,
            digest,
            pnl_net: net.to_string(),
            latch: latch.map(|cause| cause.to_string()),
            head,
            ended,
            faults,
        })
    }
}

/// Keeps the index just behind the tape. Without it the daemon runs as well: it is healed when it is next
/// opened.
fn follow(dir: &Path, config: &Config, instruments: &Instruments) -> Option<Follower> {
    let (horizon, instruments) = (config.hippocampus.horizon, instruments.clone());
    let options = IndexOptions {
        encoder: Box::new(move || ExperienceEncoder::new(horizon, &instruments)),
        progress: Box::new(|_, _| {}),
        entries_a_part: DEFAULT_ENTRIES_A_PART,
    };
    let spawned = spawn_follower(dir, options);
    spawned.inspect_err(|error| tracing::warn!(%error, "no thread for the index")).ok()
}

/// A flag that SIGTERM and SIGINT set.
pub(super) fn signals() -> Result<Arc<AtomicBool>, Failure> {
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
        signal_hook::flag::register(signal, Arc::clone(&flag))
            .map_err(|e| Failure::Environment(format!("signals cannot be caught: {e}")))?;
    }
    Ok(flag)
}

/// Whether a signal came.
pub(super) fn is_set(flag: &AtomicBool) -> bool {
    flag.load(Ordering::Relaxed)
}
