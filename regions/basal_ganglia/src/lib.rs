//! The basal ganglia: choosing one action among those that offer themselves.
//!
//! Two pathways read the fused state: Go speaks for an action (equations 22, 37), No-Go against it
//! (23, 38), and their difference is a policy (39). An action is taken only where the policy is
//! clearly for it; in simulation it may be drawn from the policy. How much of it, the volatility of the
//! market decides, a share of the Kelly bet limits, and fear lets only grow less. What is learned from
//! rewards, Go learns from what was better than expected and No-Go from what was worse (OpAL).

pub mod learn;
pub mod opal;
pub mod pathways;
pub mod plasticity;
mod region;
pub mod rule;
pub mod select;
pub mod sizing;

pub use pathways::GoNoGo;
pub use region::{BasalGanglia, BasalGangliaParams};
pub use rule::imbalance_rule;

/// The region's name.
pub const NAME: &str = "basal_ganglia";
