//! How a thought ends: with intents, or with the reason why there are none.

use market::Quantity;
use market::order::{ClientId, Request};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::bytes::short_list;
use crate::cause::LatchCause;
use crate::code::Code;
use crate::reason::{Measured, Reason};

/// One rule against one candidate: what decides, and beside it how true it is in both logics (10–15, 46).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RuleTruth {
    /// Which rule.
    pub rule: Code,
    /// Whether it is hard: only a hard rule refuses.
    pub is_hard: bool,
    /// The value of the comparison that decided.
    pub value: Measured,
    /// What it was compared with.
    pub bound: Measured,
    /// The unit of both.
    pub unit: Code,
    /// Whether it passed: whether the rule is definitely true.
    pub passed: bool,
    /// Its truth in product logic, in [0, 1]; it never decides.
    pub product: f64,
    /// Its truth in Łukasiewicz' logic, in [0, 1]; it never decides.
    pub lukasiewicz: f64,
}

/// The order that a request is a child of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    /// Its name: that of its first child.
    pub id: ClientId,
    /// How much it is in all, unsigned.
    pub total: Quantity,
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
    /// The order that the requests are children of; none where they are an order by themselves.
    pub parent: Option<Parent>,
    /// Every rule that was tested, in order; empty where nothing came so far.
    pub rules: Vec<RuleTruth>,
    /// The satisfaction of the soft rules, 1 − (19), by the audit's logic; 1 where none was tested.
    pub satisfaction: f64,
    /// The latch after this sample.
    pub latch: Option<LatchCause>,
    /// Whether the amygdala's trip set it now: the gate closes and cancels (G7).
    pub tripped: bool,
}

impl Verdict {
    /// A verdict on what no rule was tested against, with the latch open.
    pub fn untested(outcome: Outcome) -> Self {
        Self { outcome, parent: None, rules: Vec::new(), satisfaction: 1.0, latch: None, tripped: false }
    }

    /// The requests, if any.
    pub fn requests(&self) -> &[Request] {
        match &self.outcome {
            Outcome::Act(requests) => requests,
            Outcome::Rest(_) => &[],
        }
    }
}
