//! What both regimes share: a brain over a journal, and the operator's words.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::Instant;

use hippocampus::ExperienceEncoder;
use journal::index::{Follower, IndexOptions, spawn_follower};
use journal::{Hash, Journal, Marker, Opening, Position, artefacts};
use market::Instruments;
use market::order::ClientId;
use prefrontal::OrderState;
use synapse::{Command, CommandKind, DecisionRecord, LatchCause, NoticeKind};

use super::camera::Camera;
use super::faults::Faults;
use crate::blueprint::{Blueprint, CONFIG, POLICY};
use crate::brain::{Engine, Stream};
use crate::config::{Config, Loader};
use crate::control::{Answer, Ask, Word};
use crate::explain::{self, World};
use crate::failure::Failure;
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
    pub began: Instant,
    index: Option<Follower>,
    owed: Vec<Owed>,
    /// Whether an order has reached the exchange in the program since the last input: the tape knows no
    /// such state, so no snapshot is taken of it.
    is_between: bool,
}

/// What a core is put together from.
pub(super) struct Made<S: Stream> {
    pub dir: PathBuf,
    pub speed: Speed,
    pub blueprint: Blueprint,
    pub opening: Option<Opening>,
    pub engine: Engine<S>,
    pub recorder: Recorder,
    pub from: Option<Marker>,
}

impl<S: Stream> Core<S> {
    pub fn new(made: Made<S>) -> Result<Self, Failure> {
        let Made { dir, speed, blueprint, opening, engine, recorder, from } = made;
        let params = &blueprint.config.daemon;
        let camera = Camera::start(dir.clone(), params, from, engine.door().sequence())?;
        let faults = Faults::new(params);
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
            began,
            index,
            owed: Vec::new(),
            is_between: false,
        })
    }

    pub const fn journal(&self) -> &Journal {
        self.recorder.journal()
    }

    /// Admits one input; false where nothing is to be done. A region that fails is healed.
    pub fn step(&mut self) -> Result<bool, Failure> {
        let before = self.engine.door().sequence();
        let moved = match self.engine.advance(&mut self.recorder) {
            Ok(moved) => moved,
            Err(error) => {
                self.heal(&error)?;
                true
            }
        };
        if moved {
            self.is_between = self.engine.door().sequence() == before;
        }
        if self.camera.is_due(self.engine.door().sequence()) {
            self.snapshot();
        }
        Ok(moved)
    }

    /// Admits something at once; its number.
    pub fn admit(&mut self, notice: NoticeKind) -> Result<u64, Failure> {
        if let Err(error) = self.engine.admit_now(notice, &mut self.recorder) {
            self.heal(&error)?;
        }
        self.is_between = false;
        Ok(self.engine.door().sequence())
    }

    /// The end of all feeds: what works expires, and nothing more is to come.
    pub fn end(&mut self) -> Result<(), Failure> {
        while !self.engine.mind().has_ended() {
            if let Err(error) = self.engine.end(&mut self.recorder) {
                self.heal(&error)?;
            }
        }
        self.is_between = false;
        Ok(())
    }

    /// Whether an order is ours to cancel and no cancel of it is on its way.
    pub fn awaits_no_cancel(&self, id: ClientId) -> bool {
        let order = self.engine.line().prefrontal.orders().of(id.instrument).find(|(at, _)| *at == id);
        order.is_some_and(|(_, order)| order.state != OrderState::CancelSent)
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
    pub fn snapshot(&mut self) {
        let (sequence, time) = (self.engine.door().sequence(), self.engine.door().now());
        self.camera.look();
        if let Some(block) = self.camera.keep_from(self.journal().durable()) {
            self.journal().keep_from(block);
        }
        if sequence == 0
            || self.is_between
            || self.camera.last().is_some_and(|marker| marker.sequence == sequence)
        {
            return;
        }
        let marker = Marker { sequence, time, state: Hash::default() };
        let block = self.journal().standing().head.block;
        if let Some(marker) = self.camera.take(marker, self.engine.cut().to_bytes(), block) {
            self.recorder.marker(&marker);
        }
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

    /// Does what an operator asks; [`Ask::Status`] is the shell's own.
    pub fn hear(&mut self, word: Word) -> Result<Flow, Failure> {
        let Word { ask, answer } = word;
        let mut flow = Flow::On;
        let said = match ask {
            Ask::Halt { by, reason } => self.command(CommandKind::Halt, by, reason)?,
            Ask::Arm { by, reason } => self.command(CommandKind::Arm, by, reason)?,
            Ask::Stop => {
                flow = Flow::Stop;
                Answer::Done { sequence: None, text: "draining".to_owned() }
            }
            Ask::Ask { instrument } => self.ponder(&instrument),
            Ask::Activate { hash, by, reason } => self.activate(hash, by, reason)?,
            Ask::Apply { config, by, reason } => self.apply(&config, by, reason)?,
            Ask::Status => Answer::refused(70, "status is answered elsewhere"),
        };
        match &said {
            Answer::Done { sequence: Some(sequence), .. } => {
                self.owed.push(Owed { sequence: *sequence, to: answer, answer: said });
            }
            _ => _ = answer.try_send(said),
        }
        Ok(flow)
    }

    fn command(&mut self, kind: CommandKind, by: String, reason: String) -> Result<Answer, Failure> {
        let text = match kind {
            CommandKind::Halt => "halted: latched, everything that works is being cancelled",
            CommandKind::Arm => "armed",
        };
        let is_held = |cause: &LatchCause| kind == CommandKind::Arm && !matches!(cause, LatchCause::Operator);
        tracing::warn!(?kind, by, reason, "an operator commands");
        let sequence = self.admit(NoticeKind::Command(Command { kind, by, reason }))?;
        let latch = self.engine.line().prefrontal.latch().filter(is_held);
        let but = latch.map_or(String::new(), |cause| format!(", but still latched by {cause}"));
        Ok(Answer::Done { sequence: Some(sequence), text: format!("{text}{but}") })
    }

    /// What the brain thinks of an instrument now, by `peek`: nothing changes.
    fn ponder(&self, name: &str) -> Answer {
        let line = self.engine.line();
        let instruments = line.brainstem.instruments();
        let Some((id, _)) = instruments.iter().find(|(_, facts)| facts.name == name) else {
            let names: Vec<&str> = instruments.iter().map(|(_, facts)| facts.name.as_str()).collect();
            return Answer::refused(
                2,
                format!("there is no instrument {name}; this run trades {}", names.join(", ")),
            );
        };
        let (door, horizon) = (self.engine.door(), self.blueprint.config.hippocampus.horizon);
        match line.peek(door.sequence(), door.now(), id) {
            Ok(Some(judged)) => {
                let record = DecisionRecord::of(&judged);
                let value = serde_json::to_value(&record).unwrap_or_default();
                Answer::Thought(
                    explain::decision(&record, &explain::Origin::default(), &World::of(instruments, horizon)),
                    value,
                )
            }
            Ok(None) => Answer::refused(2, format!("nothing is known of {name} yet")),
            Err(fault) => Answer::refused(70, fault.to_string()),
        }
    }

    /// Both phases of an activation (R2): what fails in the first changes nothing.
    fn activate(&mut self, hash: Hash, by: String, reason: String) -> Result<Answer, Failure> {
        let prepared = self.blueprint.activate(&self.dir, &hash).and_then(|line| {
            let set = self.engine.mind_mut().set_line(line);
            set.map_err(|fault| Failure::Input(format!("{fault}; what is remembered does not fit it")))
        });
        if let Err(failure) = prepared {
            return Ok(Answer::refused(failure.number(), failure.to_string()));
        }
        let sequence = self.admit(NoticeKind::Activate { hash: hash.0, by, reason })?;
        Ok(Answer::Done {
            sequence: Some(sequence),
            text: format!("{hash} is active from input {sequence} on"),
        })
    }

    fn apply(&mut self, text: &str, by: String, reason: String) -> Result<Answer, Failure> {
        let read = Loader::new().text(text, "the configuration").and_then(Loader::finish);
        let config = match read {
            Ok(config) => config,
            Err(error) => return Ok(Answer::refused(2, error.to_string())),
        };
        let policy = match crate::assemble::policy(&config) {
            Ok(policy) => policy,
            Err(failure) => return Ok(Answer::refused(failure.number(), failure.to_string())),
        };
        let hash = artefacts::put(&self.dir, CONFIG, config.canonical().as_bytes())?;
        let answer = self.activate(hash, by, reason)?;
        if policy == self.blueprint.policy {
            return Ok(answer);
        }
        let policy = artefacts::put(&self.dir, POLICY, &synapse::bytes::encode(&policy))?;
        Ok(match answer {
            Answer::Done { sequence, text } => Answer::Done {
                sequence,
                text: format!(
                    "{text}; the policy stays as it was: the one of this configuration is {policy}, to be activated by itself"
                ),
            },
            refused => refused,
        })
    }

    /// Ends in order: what is admitted is durable, the tape is closed.
    pub fn finish(mut self, ended: bool, faults: Vec<String>) -> Result<Outcome, Failure> {
        self.snapshot();
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
