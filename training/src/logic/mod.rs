//! The logic loss (19, 50): soft rules as a term that a training adds to its own loss.
//!
//! The rules are those of the rule language, read in the stable product logic: a batch is the orders that a rule ranges
//! over, and the learned predicates in it are columns of truths. Some columns are what a network under training says, such
//! as the share that a policy gives an action; others are what a predicate that is already learned says of the sample.

mod loss;
pub mod planted;
pub mod policy;
pub mod term;

pub use loss::{Graded, LogicLoss};
pub use planted::{LogicReport, Paired, PlantedRule, Spread, planted_rule};
pub use term::{CHOSEN, RulePlan, RuleReport, RuleTerm};
