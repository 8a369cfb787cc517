//! The real regime: things are taken as they come, nothing leaves before its decision is durable (L5,
//! G4).

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use market::{SourceId, Timestamp};

use super::core::{Core, Flow, Outcome, is_set, signals};
use super::desk::VenueDesk;
use super::standing::{Shell, status};
use super::start::Ready;
use super::{NAP, Options};
use crate::assemble;
use crate::config::Config;
use crate::control::{Ask, Server, Word};
use crate::failure::Failure;
use crate::inbox::{Arrival, Inbox, Sources};
use crate::stream::Live;
use crate::venue::FromVenue;

/// How much may wait for the loop; while it is full, files and sockets are not read (L7).
const QUEUE: usize = 4096;

/// What reaches the loop.
enum Event {
    Arrival(Arrival),
    Word(Word),
    Venue(FromVenue),
    /// More is durable, or the journal failed.
    Durable,
}

/// What the loop holds beside the brain.
struct Room {
    inbox: Inbox,
    desk: Option<VenueDesk>,
    /// Which sources have not ended.
    open: Vec<bool>,
    faults: Vec<String>,
    once: bool,
    /// When the gate was last looked after.
    turned: Instant,
}

/// Runs live feeds, until told to stop.
pub(super) fn run(options: Options) -> Result<Outcome, Failure> {
    let signal = signals()?;
    let open = |config: &Config| -> Result<Sources, Failure> {
        let (instruments, _) = config.traded(&config.instrument_names())?;
        Sources::open(&options.feeds, &assemble::open_options(config, &instruments, options.format))
    };
    let ready = Ready::new(&options, |config| Ok(open(config)?.formats().collect()))?;
    let sources = open(&ready.blueprint().config)?;
    let (is_again, taken) = (ready.is_again(), ready.taken());
    let grace = Duration::from_millis(u64::from(ready.blueprint().config.daemon.tick_grace_ms));
    let now = ready.now();
    let mut core = ready.over(Live::new(now, grace), &options)?;
    if is_again {
        settle_restart(&mut core)?;
    }
    let (send, events) = sync_channel::<Event>(QUEUE);
    let wake = send.clone();
    // the journal's thread may not wait for the loop, which may wait for it
    core.journal().subscribe(Box::new(move |_| _ = wake.try_send(Event::Durable)));
    let desk = options.venue.as_ref().map(|socket| desk(socket, &mut core, &send)).transpose()?;
    let words = send.clone();
    let server = Server::start(&options.dir, move |word| words.send(Event::Word(word)).is_ok())?;
    let inbox = sources.start(&taken, move |arrival| send.send(Event::Arrival(arrival)).is_ok())?;
    let open = vec![true; inbox.status().len()];
    let mut room = Room { inbox, desk, open, faults: Vec::new(), once: options.once, turned: Instant::now() };
    let ended = turn(&mut core, &mut room, &events, &|| is_set(&signal))?;
    // a row that is refused is told and ends nothing
    room.inbox.faults().iter().for_each(|fault| tracing::warn!(fault, "a row was refused"));
    let (rows, refused) =
        room.inbox.status().iter().fold((0, 0), |(rows, refused), feed| {
            (rows + feed.events + feed.refused, refused + feed.refused)
        });
    let mut faults = std::mem::take(&mut room.faults);
    faults.extend(core.too_many_refused(rows, refused));
    drop(room);
    let outcome = core.finish(ended, faults);
    drop(server);
    outcome
}

fn desk(
    socket: &std::path::Path,
    core: &mut Core<Live>,
    send: &SyncSender<Event>,
) -> Result<VenueDesk, Failure> {
    let said = send.clone();
    VenueDesk::start(socket, core, move |word| said.send(Event::Venue(word)).is_ok())
}

/// What a crash left at the gate: in the program nothing of it had reached the exchange, so it lapses; of a
/// venue nobody knows, so it is let go, for the desk to ask about.
fn settle_restart(core: &mut Core<Live>) -> Result<(), Failure> {
    let ttl_ns = if core.engine.broker().paper().is_some() { -1 } else { i64::MAX };
    core.engine.release(u64::MAX, ttl_ns, &mut core.recorder);
    while core.step()? {}
    Ok(())
}

/// The loop; whether the feeds came to their end.
fn turn(
    core: &mut Core<Live>,
    room: &mut Room,
    events: &Receiver<Event>,
    is_signalled: &dyn Fn() -> bool,
) -> Result<bool, Failure> {
    loop {
        core.check_journal()?;
        core.settle();
        room.release(core);
        if is_signalled() {
            return Ok(core.engine.mind().has_ended());
        }
        if core.step()? {
            continue;
        }
        core.recorder.complete();
        if room.is_over() && room.once && !core.engine.mind().has_ended() {
            // what was decided is let go before the end, and what is left over lapses behind it
            core.journal().wait()?;
            room.release(core);
            if core.step()? {
                continue;
            }
            core.end()?;
            core.engine.release(u64::MAX, -1, &mut core.recorder);
            while core.step()? {}
        }
        if core.engine.mind().has_ended() && room.once {
            return Ok(true);
        }
        match events.recv_timeout(NAP) {
            Ok(event) => {
                if room.take(core, event)? == Flow::Stop {
                    return Ok(core.engine.mind().has_ended());
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Failure::Internal("every thread around the loop ended".to_owned()));
            }
        }
    }
}

impl Room {
    /// Lets go what is durable; while the venue is away or differs, nothing new.
    fn release(&mut self, core: &mut Core<Live>) {
        let is_open = self.desk.as_ref().is_none_or(|desk| desk.closed().is_none());
        let ttl = Duration::from_millis(u64::from(core.blueprint.config.daemon.intent_ttl_ms));
        // event time stands still while the process does
        let was_away = std::mem::replace(&mut self.turned, Instant::now()).elapsed() > ttl;
        let durable = core.journal().durable();
        let ttl_ns = if is_open && !was_away { ttl.as_nanos() as i64 } else { -1 };
        core.engine.release(durable, ttl_ns, &mut core.recorder);
        if let Some(desk) = &mut self.desk {
            desk.send(core);
            desk.ask_when_due();
        }
    }

    fn is_over(&self) -> bool {
        !self.open.contains(&true)
    }

    fn take(&mut self, core: &mut Core<Live>, event: Event) -> Result<Flow, Failure> {
        match event {
            Event::Durable => {}
            Event::Word(word) if word.ask == Ask::Status => {
                let shell = Shell {
                    feeds: self.inbox.status(),
                    venue: self.desk.as_ref().map(|desk| desk.status(core)),
                    gate_closed: self.desk.as_ref().and_then(VenueDesk::closed),
                };
                // whoever asked and went away needs no answer
                let _ = word.answer.try_send(status(core, shell));
            }
            Event::Word(word) => return core.hear(word),
            Event::Venue(said) => {
                if let Some(desk) = &mut self.desk {
                    desk.hear(core, said)?;
                }
            }
            Event::Arrival(arrival) => self.arrive(core, arrival),
        }
        Ok(Flow::On)
    }

    fn arrive(&mut self, core: &mut Core<Live>, arrival: Arrival) {
        match arrival {
            Arrival::Event { event, read_at } => {
                self.inbox.taken(event.source, read_at);
                let now: Timestamp = core.engine.door().now();
                core.engine.stream_mut().offer(event, now);
            }
            Arrival::Connected { source } => tracing::info!(source = source.0, "a feed is connected"),
            Arrival::Lost { source, why } => tracing::warn!(source = source.0, why, "a feed is lost"),
            Arrival::Ended { source, fault } => self.ended(core, source, fault),
        }
    }

    fn ended(&mut self, core: &mut Core<Live>, source: SourceId, fault: Option<String>) {
        if let Some(fault) = fault {
            tracing::error!(source = source.0, fault, "a feed ended with a fault");
            self.faults.push(fault);
        }
        if let Some(open) = self.open.get_mut(usize::from(source.0)) {
            *open = false;
        }
        if self.is_over() {
            core.engine.stream_mut().end();
        }
    }
}
