//! The supervisor: it links the regions' actors, and tells whoever runs them when one fails. What is done
//! about it is decided where the tape is (S1, S2).

use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};
use synapse::Fault;

use super::said::{Halted, Outlet, Said};

/// The supervisor.
pub struct Supervisor;

/// It is never spoken to.
pub enum Never {}

impl Actor for Supervisor {
    type Msg = Never;
    type State = Outlet;
    type Arguments = Outlet;

    async fn pre_start(&self, _: ActorRef<Never>, outlet: Outlet) -> Result<Outlet, ActorProcessingErr> {
        Ok(outlet)
    }

    /// One that fails takes the whole line down, and not the supervisor.
    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<Never>,
        event: SupervisionEvent,
        outlet: &mut Outlet,
    ) -> Result<(), ActorProcessingErr> {
        if let SupervisionEvent::ActorFailed(_, error) = event {
            let halted = error.downcast::<Halted>().map_or_else(
                |error| Halted {
                    sequence: 0,
                    instrument: None,
                    fault: Fault::new("line", error.to_string()),
                    hangs: false,
                },
                |halted| *halted,
            );
            outlet.say(Said::Failed(halted));
            myself.stop_children(None);
        }
        Ok(())
    }
}
