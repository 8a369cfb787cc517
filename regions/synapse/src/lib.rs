//! What the regions say to each other.
//!
//! Each message owns the one before it, so an order of thought that makes no sense does not
//! compile (L3):
//!
//! ```text
//! Input ─brainstem→ Sensed ─amygdala→ Appraised ─hippocampus→ Encoded ─neocortex→ Recalled
//!   ─visual cortex→ Perceived ─thalamus→ Fused ─basal ganglia→ Proposed ─cerebellum→ Forecast
//!   ─prefrontal→ Judged
//! ```
//!
//! Regions depend on this crate and never on each other.

pub mod action;
pub mod bytes;
pub mod cause;
pub mod code;
pub mod input;
pub mod math;
pub mod message;
pub mod model;
pub mod plan;
pub mod random;
pub mod reason;
pub mod record;
pub mod region;
pub mod threat;
pub mod verdict;

pub use action::Action;
pub use cause::{LatchCause, Startle};
pub use code::Code;
pub use input::{Command, CommandKind, Input, InputKind, Notice, NoticeKind, Tick};
pub use message::{
    Account, Appraised, Context, Encoded, ExecutionForecast, Forecast, Fused, FusedState, Judged, Modality,
    Perceived, Percept, Proposal, Proposed, Recall, Recalled, SampleKind, SchemaMatch, Sensed, Style,
    StyleForecast,
};
pub use model::{Model, ModelCard};
pub use plan::Plan;
pub use reason::{Limit, Measured, Reason};
pub use record::{DecisionRecord, Digest};
pub use region::{Fault, Region};
pub use threat::{Phase, Signal, SignalReading, Threat, ThreatLevel};
pub use verdict::{Outcome, Parent, RuleTruth, Verdict};
