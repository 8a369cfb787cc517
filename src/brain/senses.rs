//! The senses alone: feeds through door and brainstem, as a brain that does nothing would sense them.

use brainstem::{Brainstem, Samples};
use synapse::{Fault, Input, InputKind, Sensed};

use super::door::{Door, Next, Outside};
use super::engine::Stream;

/// Tells `look` of every sample of a stream.
///
/// # Errors
/// A [`Fault`] of the brainstem.
pub fn sense(
    mut door: Door,
    mut brainstem: Brainstem,
    mut stream: impl Stream,
    look: &mut dyn FnMut(&Sensed),
) -> Result<(), Fault> {
    let mut samples = Samples::new();
    while let Some((sequence, time, next)) =
        door.admit(Outside { feed: stream.peek_time(), ..Outside::default() })
    {
        let kind = match next {
            Next::Feed => match stream.next_event() {
                Some(event) => {
                    door.heard(&event);
                    InputKind::Market(event)
                }
                None => continue,
            },
            Next::Tick(tick) => InputKind::Tick(tick),
            // nobody commands, and nothing is sent
            Next::Notice(_) | Next::Report | Next::News | Next::Night => continue,
        };
        brainstem.sense(&Input { sequence, time, kind }, &mut samples)?;
        samples.iter().for_each(&mut *look);
    }
    Ok(())
}
