//! How a thought ends: with intents, or with the reason why there are none.

use std::fmt;

use market::order::Request;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::bytes::short_list;
use crate::reason::{Limit, Reason};
use crate::threat::Signal;

/// Why the latch is set (G5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LatchCause {
    /// The amygdala tripped on this signal.
    Amygdala(Signal),
    /// An operator said so.
    Operator,
    /// A feed fell silent with a position open.
    StaleFeed,
    /// Our state and the venue's differ in a way that no report explains.
    Reconciliation,
    /// The venue told one execution twice, with different content.
    RepeatedExecution,
    /// Regions failed too often.
    Faults,
    /// An input of this instrument failed twice: it alone is latched.
    Quarantine,
}

impl fmt::Display for LatchCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Amygdala(signal) => write!(f, "amygdala ({signal})"),
            Self::Operator => f.write_str("operator"),
            Self::StaleFeed => f.write_str("stale feed"),
            Self::Reconciliation => f.write_str("reconciliation"),
            Self::RepeatedExecution => f.write_str("repeated execution"),
            Self::Faults => f.write_str("faults"),
            Self::Quarantine => f.write_str("quarantine"),
        }
    }
}

/// One limit against one order: what decides, and beside it how true it is (46).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RuleTruth {
    /// Which limit.
    pub limit: Limit,
    /// The value that was tested.
    pub value: f64,
    /// What it may be, inclusive.
    pub bound: f64,
    /// Whether it passed. Only this decides.
    pub passed: bool,
    /// The soft truth P in [0, 1]; it never decides.
    pub truth: f64,
}

/// What is done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// These requests go to the gate.
    Act(#[serde(deserialize_with = "short_list")] SmallVec<[Request; 2]>),
    /// Nothing, for this reason.
    Rest(Reason),
}

/// The prefrontal cortex' answer to a sample.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// What is done.
    pub outcome: Outcome,
    /// Every limit that was tested, in order.
    #[serde(deserialize_with = "short_list")]
    pub rules: SmallVec<[RuleTruth; 7]>,
    /// The weighted satisfaction of the soft rules, 1 − (50); 1 where none was tested.
    pub satisfaction: f64,
    /// The latch after this sample.
    pub latch: Option<LatchCause>,
    /// Whether the amygdala's trip set it now: the gate closes and cancels (G7).
    pub tripped: bool,
}

impl Verdict {
    /// The requests, if any.
    pub fn requests(&self) -> &[Request] {
        match &self.outcome {
            Outcome::Act(requests) => requests,
            Outcome::Rest(_) => &[],
        }
    }
}
