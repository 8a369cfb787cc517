//! What is learned from: the newest experiences of a tape, each with the code it began in.

use std::collections::{BTreeMap, VecDeque};

use hippocampus::{ExperienceEncoder, Hippocampus, TapeEncoder};
use market::{InstrumentId, Instruments};
use neocortex::learn::Coded;
use synapse::{DecisionRecord, Fault, Notice, SampleKind};

use crate::config::Config;

/// A fold over the records of a tape.
#[derive(Debug)]
pub struct Memory {
    hippocampus: Hippocampus,
    encoder: TapeEncoder,
    horizon: usize,
    /// Moments whose outcome is not known yet, by instrument, oldest first, never more than the horizon.
    open: BTreeMap<InstrumentId, VecDeque<Coded>>,
    /// The newest, oldest first.
    closed: VecDeque<Coded>,
    capacity: usize,
    count: usize,
}

impl Memory {
    /// A memory that has seen nothing, with the projection of the run: the codes are those the line had.
    pub fn new(config: &Config, instruments: &Instruments) -> Self {
        let horizon = config.hippocampus.horizon;
        Self {
            hippocampus: Hippocampus::new(config.hippocampus.clone(), config.run.seed),
            encoder: TapeEncoder::new(ExperienceEncoder::new(horizon, instruments)),
            horizon: horizon.max(1) as usize,
            open: BTreeMap::new(),
            closed: VecDeque::new(),
            capacity: config.sleep.experiences_max as usize,
            count: 0,
        }
    }

    /// Folds a notice.
    pub fn noticed(&mut self, notice: &Notice) {
        self.encoder.noticed(notice);
    }

    /// Folds a decision.
    ///
    /// # Errors
    /// As [`Hippocampus::code`].
    pub fn decided(&mut self, record: &DecisionRecord) -> Result<(), Fault> {
        let closed = self.encoder.decided(record);
        let open = self.open.entry(record.instrument).or_default();
        if let Some(experience) = closed {
            while let Some(moment) = open.pop_front_if(|moment| moment.sequence <= experience.sequence) {
                if moment.sequence == experience.sequence {
                    self.count += 1;
                    self.closed.push_back(Coded { reward_bp: experience.reward_bp, ..moment });
                }
            }
        }
        if self.closed.len() > self.capacity {
            self.closed.pop_front();
        }
        if record.kind == SampleKind::Regular
            && let Some(code) = self.hippocampus.code(&record.into(), record.proposal.action)?
        {
            // those that stayed without an outcome
            while open.len() >= self.horizon {
                open.pop_front();
            }
            let (sequence, features) = (record.sequence, record.features);
            open.push_back(Coded { sequence, code, reward_bp: 0.0, features });
        }
        Ok(())
    }

    /// How many experiences had a code, those that are no longer kept too.
    pub const fn count(&self) -> usize {
        self.count
    }

    /// The newest, oldest first.
    pub fn into_experiences(self) -> Vec<Coded> {
        self.closed.into()
    }
}
