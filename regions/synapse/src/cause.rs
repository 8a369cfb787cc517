//! Why something came about that is not the rule: a sample outside the rhythm, a latch that is set.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::code::Code;
use crate::threat::Signal;

/// Why a sample was made outside the sampler's rhythm (W6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Startle {
    /// Trading was halted.
    Halt,
    /// The feed missed something.
    Gap,
    /// The book lost a side or crossed.
    LostBook,
    /// The spread is beyond a multiple of its baseline.
    Spread,
    /// The feed has been silent for too long.
    Stale,
}

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
    /// A rule that latches was broken.
    Rule(Code),
    /// More was about to leave for a parent order than the parent is.
    Oversent,
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
            Self::Rule(rule) => write!(f, "rule ({rule})"),
            Self::Oversent => f.write_str("child orders beyond their parent"),
        }
    }
}
