//! Where state, action and outcome meet (R1): the encoder of experiences.

use std::collections::VecDeque;

use market::{InstrumentId, Instruments, Money, Timestamp};
use serde::{Deserialize, Serialize};
use synapse::{Action, Context, DecisionRecord, Notice, NoticeKind, SampleKind};

const BP: f64 = 10_000.0;

/// What was done in a state, and what came of it (25).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Experience {
    /// The sequence number of the decision it begins with.
    pub sequence: u64,
    /// Of which instrument.
    pub instrument: InstrumentId,
    /// When it began.
    pub time: Timestamp,
    /// The sequence number of the decision it ends with, whose state is the next one.
    pub closed_sequence: u64,
    /// When it ended.
    pub closed_time: Timestamp,
    /// The fused state h it began in.
    pub state: Box<[f32]>,
    /// The surroundings c.
    pub context: Context,
    /// The action that was chosen; the decision's record tells whether it was carried out.
    pub action: Action,
    /// What the instrument earned meanwhile, net of fees, in bp of its reference notional.
    pub reward_bp: f32,
    /// The log return of its mark meanwhile, whatever the action.
    pub markout_bp: f32,
}

/// An experience whose outcome is not known yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Open {
    sequence: u64,
    time: Timestamp,
    state: Box<[f32]>,
    context: Context,
    action: Action,
    mark2: Option<i64>,
    earned: Money,
}

/// The encoder of experiences: one opens at each regular sample and closes so many regular samples
/// of its instrument later.
///
/// It folds the stream of decision records and notices alone, so every host of it that sees the
/// same stream gets the same experiences.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExperienceEncoder {
    horizon: usize,
    /// The notional rewards are measured against, by instrument.
    references: Vec<Money>,
    /// By instrument, oldest first, never more than the horizon.
    open: Vec<VecDeque<Open>>,
    closed: u64,
    void: u64,
}

impl ExperienceEncoder {
    /// An encoder that closes an experience `horizon` regular samples after it opened, at least one.
    pub fn new(horizon: u32, instruments: &Instruments) -> Self {
        Self {
            horizon: horizon.max(1) as usize,
            references: instruments.iter().map(|(_, facts)| facts.reference_notional).collect(),
            open: instruments.iter().map(|_| VecDeque::new()).collect(),
            closed: 0,
            void: 0,
        }
    }

    /// Folds a decision: opens an experience, and gives the one that it closes. Startles are none.
    pub fn decided(&mut self, record: &DecisionRecord) -> Option<Experience> {
        if record.kind != SampleKind::Regular {
            return None;
        }
        let open = self.open.get_mut(record.instrument.index())?;
        let reference = *self.references.get(record.instrument.index())?;
        let due = if open.len() >= self.horizon { open.pop_front() } else { None };
        open.push_back(Open::of(record));
        let experience = due?.close(record, reference);
        match experience {
            Some(_) => self.closed += 1,
            None => self.void += 1,
        }
        experience
    }

    /// Folds a notice: what was going on when working memory was cleared, an input was quarantined, or
    /// the stream ended, has no outcome.
    pub fn noticed(&mut self, notice: &Notice) {
        if ends(&notice.kind) {
            self.void += self.open() as u64;
            self.open.iter_mut().for_each(VecDeque::clear);
        }
    }

    /// How many are open.
    pub fn open(&self) -> usize {
        self.open.iter().map(VecDeque::len).sum()
    }

    /// How many were closed.
    pub const fn closed(&self) -> u64 {
        self.closed
    }

    /// How many were void: no valid mark at either end, or a restart or the end in between.
    pub const fn void(&self) -> u64 {
        self.void
    }
}

/// The encoder over a tape. There an input can stand before decisions of earlier inputs (those that were
/// recomputed after a crash do), so a notice waits for the first decision behind it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TapeEncoder {
    encoder: ExperienceEncoder,
    waiting: VecDeque<Notice>,
}

impl TapeEncoder {
    /// At the beginning of a tape.
    pub const fn new(encoder: ExperienceEncoder) -> Self {
        Self { encoder, waiting: VecDeque::new() }
    }

    /// Folds a notice, once a decision of a later input comes.
    pub fn noticed(&mut self, notice: &Notice) {
        if ends(&notice.kind) {
            self.waiting.push_back(notice.clone());
        }
    }

    /// Folds a decision, and gives the experience that it closes.
    pub fn decided(&mut self, record: &DecisionRecord) -> Option<Experience> {
        while let Some(notice) = self.waiting.pop_front_if(|notice| notice.sequence < record.sequence) {
            self.encoder.noticed(&notice);
        }
        self.encoder.decided(record)
    }
}

/// Whether what was going on has no outcome then.
const fn ends(notice: &NoticeKind) -> bool {
    matches!(notice, NoticeKind::Restarted | NoticeKind::Quarantine { .. } | NoticeKind::EndOfStream)
}

impl Open {
    fn of(record: &DecisionRecord) -> Self {
        Self {
            sequence: record.sequence,
            time: record.time,
            state: record.state.h.clone(),
            context: record.context,
            action: record.proposal.action,
            mark2: valid_mark2(record),
            earned: record.account.earned,
        }
    }

    /// The outcome; `None` where the instrument had no valid mark at one of the ends.
    fn close(self, end: &DecisionRecord, reference: Money) -> Option<Experience> {
        let (before, after) = (self.mark2?, valid_mark2(end)?);
        let earned = (end.account.earned - self.earned).to_f64();
        let reward_bp = (BP * earned / reference.to_f64()) as f32;
        let markout_bp = (BP * libm::log(after as f64 / before as f64)) as f32;
        (reward_bp.is_finite() && markout_bp.is_finite()).then_some(Experience {
            sequence: self.sequence,
            instrument: end.instrument,
            time: self.time,
            closed_sequence: end.sequence,
            closed_time: end.time,
            state: self.state,
            context: self.context,
            action: self.action,
            reward_bp,
            markout_bp,
        })
    }
}

fn valid_mark2(record: &DecisionRecord) -> Option<i64> {
    record.mark2.filter(|mark2| record.account.mark_valid && *mark2 > 0)
}
