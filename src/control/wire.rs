//! What is asked and answered, each as one line of JSON.

use std::time::Duration;

use journal::Hash;
use serde::{Deserialize, Serialize};

use super::status::Status;

/// What an operator wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Ask {
    /// To stop trading and cancel what works.
    Halt {
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// To trade again.
    Arm {
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// To know how things stand.
    Status,
    /// To drain and end.
    Stop,
    /// To know what the brain thinks of an instrument now, without changing what it will think.
    Ask {
        /// The instrument's name.
        instrument: String,
    },
    /// An artefact to take effect.
    Activate {
        /// The hash that is its name.
        hash: Hash,
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// To sleep a night over what is durable, and to let what is learned take effect.
    Sleep {
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// A configuration to take effect.
    Apply {
        /// Its text, TOML.
        config: String,
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// To stop trading, cancel what works and close every position.
    Flatten {
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
}

impl Ask {
    /// How long the daemon's loop may take to answer.
    pub const fn answer_within(&self) -> Duration {
        match self {
            Self::Sleep { .. } => Duration::from_hours(1),
            _ => Duration::from_mins(1),
        }
    }

    /// Refuses what nobody answers for.
    ///
    /// # Errors
    /// What is missing, and what to say.
    pub fn check(&self) -> Result<(), String> {
        let (by, reason) = match self {
            Self::Halt { by, reason }
            | Self::Arm { by, reason }
            | Self::Flatten { by, reason }
            | Self::Activate { by, reason, .. }
            | Self::Sleep { by, reason }
            | Self::Apply { by, reason, .. } => (by, reason),
            Self::Status | Self::Stop | Self::Ask { .. } => return Ok(()),
        };
        for (name, value) in [("by", by), ("reason", reason)] {
            if value.trim().is_empty() {
                return Err(format!("{name} may not be empty; say who commands, and why"));
            }
        }
        Ok(())
    }
}

/// What the daemon says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It is done, and durable where it has a number.
    Done {
        /// The sequence number it entered with.
        sequence: Option<u64>,
        /// What was done.
        text: String,
    },
    /// How things stand.
    Status(Box<Status>),
    /// A thought, for people and for machines.
    Thought(String, serde_json::Value),
    /// It was not done.
    Refused {
        /// The exit code that fits: 2 bad input, 3 environment, 70 internal.
        code: u8,
        /// Why, and what to do.
        message: String,
    },
}

impl Answer {
    /// A refusal.
    pub fn refused(code: u8, message: impl Into<String>) -> Self {
        Self::Refused { code, message: message.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sockets::to_line;

    #[test]
    fn a_command_has_somebody_and_a_reason() {
        let halt = |by: &str, reason: &str| Ask::Halt { by: by.into(), reason: reason.into() }.check();
        assert_eq!(halt("ann", "news"), Ok(()));
        assert_eq!(halt(" ", "news"), Err("by may not be empty; say who commands, and why".to_owned()));
        assert_eq!(halt("ann", ""), Err("reason may not be empty; say who commands, and why".to_owned()));
        assert_eq!(Ask::Status.check(), Ok(()));
        let flatten = Ask::Flatten { by: String::new(), reason: "news".into() };
        assert!(flatten.check().is_err());
    }

    #[test]
    fn the_lines_are_these() {
        let hash = Hash::of(b"x");
        for (ask, want) in [
            (Ask::Status, "\"status\"\n".to_owned()),
            (Ask::Ask { instrument: "BTCUSD".into() }, "{\"ask\":{\"instrument\":\"BTCUSD\"}}\n".to_owned()),
            (
                Ask::Activate { hash, by: "ann".into(), reason: "better".into() },
                format!("{{\"activate\":{{\"hash\":\"{hash}\",\"by\":\"ann\",\"reason\":\"better\"}}}}\n"),
            ),
        ] {
            assert_eq!(to_line(&ask), want);
            assert_eq!(serde_json::from_str::<Ask>(&want).expect("read back"), ask);
        }
        let refused = Answer::refused(2, "no");
        assert_eq!(to_line(&refused), "{\"refused\":{\"code\":2,\"message\":\"no\"}}\n");
    }
}
