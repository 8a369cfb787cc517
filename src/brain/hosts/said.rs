//! What is heard of the actors.

use std::sync::Arc;
use std::sync::mpsc::Sender;

use market::InstrumentId;
use synapse::Fault;

use crate::brain::line::Thought;

/// Why the regions stopped: the inputs on their way are lost to them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at input {sequence}: {fault}")]
pub struct Halted {
    /// The sequence number of the input.
    pub sequence: u64,
    /// Whose sample failed; none where it was nobody's alone.
    pub instrument: Option<InstrumentId>,
    /// What the region said.
    pub fault: Fault,
    /// It did not fail but does not return (S3).
    pub hangs: bool,
}

/// What is heard from the actors.
#[derive(Debug)]
pub enum Said {
    /// Inputs that have passed all regions, in order.
    Thoughts(Vec<Thought>),
    /// A region failed, and all stopped.
    Failed(Halted),
}

/// Told when there is something to hear.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// Where actors say what is heard of them.
#[derive(Clone)]
pub struct Outlet {
    pub(super) said: Sender<Said>,
    pub(super) wake: Option<Wake>,
}

impl Outlet {
    pub(in crate::brain) fn say(&self, said: Said) {
        // whoever has raised others in their place has no use for it
        if self.said.send(said).is_ok()
            && let Some(wake) = &self.wake
        {
            wake();
        }
    }
}

/// A panic as a fault.
pub(in crate::brain) fn panicked(region: &'static str, panic: &(dyn std::any::Any + Send)) -> Fault {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    Fault::new(region, format!("a region panicked: {}", text.unwrap_or("without a word")))
}
