//! The real regime: things are taken as they come, nothing leaves before its decision is durable (L5,
//! G4).

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use market::{SourceId, Timestamp};

use super::core::{Core, Flow, Outcome, is_set, signals};
use super::desk::VenueDesk;
use super::reflex::{Pending, watched};
use super::standing::{Shell, status};
use super::start::Ready;
use super::{NAP, Options};
use crate::assemble;
use crate::brain::{Advance, Bedtime};
use crate::config::Config;
use crate::control::{Answer, Ask, Server, Word};
use crate::failure::Failure;
use crate::inbox::{Arrival, Inbox, Sources};
use crate::news::News;
use crate::sleep::{Sleeper, Woken};
use crate::stream::Live;
use crate::venue::FromVenue;

/// How much may wait for the loop; while it is full, files and sockets are not read (L7).
const QUEUE: usize = 4096;

/// How many events may wait for the regions before nothing more is heard.
const BACKLOG: usize = 1 << 16;
/// How much is taken together before the brain is looked after again.
const TOGETHER: usize = 64;

/// What reaches the loop.
enum Event {
    Arrival(Arrival),
    /// What somebody asks; a halt is pending until it is carried out.
    Word(Word, Option<Pending>),
    Venue(FromVenue),
    /// A night is over, that somebody asked for.
    Woken(Woken, Option<Word>),
    /// More is durable, the journal failed, or the regions have said something.
    Wake,
}

/// What the loop holds beside the brain.
struct Room {
    inbox: Inbox,
    desk: Option<VenueDesk>,
    /// Which sources have not ended.
    open: Vec<bool>,
    faults: Vec<String>,
    once: bool,
    sleeper: Sleeper,
    bedtime: Option<Bedtime>,
    /// When the next night is due.
    night: Option<Timestamp>,
    tell: SyncSender<Event>,
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
    let news = ready.news(&options)?;
    let mut core = ready.over(Live::new(now, grace).with_news(news), &options)?;
    if is_again {
        settle_restart(&mut core)?;
    }
    let (send, events) = sync_channel::<Event>(QUEUE);
    // neither the journal's thread nor an actor may wait for the loop, which may wait for them
    let wake = send.clone();
    core.journal().subscribe(Box::new(move |_| _ = wake.try_send(Event::Wake)));
    let wake = send.clone();
    core.host(Some(Arc::new(move || _ = wake.try_send(Event::Wake))))?;
    let desk = options.venue.as_ref().map(|socket| desk(socket, &mut core, &send)).transpose()?;
    let words = send.clone();
    let reflex = desk.as_ref().map(VenueDesk::reflex);
    let server = Server::start(&options.dir, move |word| {
        let halts = matches!(word.ask, Ask::Halt { .. } | Ask::Flatten { .. });
        let say = |pending| words.send(Event::Word(word, pending)).is_ok();
        match reflex.as_ref().filter(|_| halts) {
            Some(reflex) => watched(reflex, |pending| say(Some(pending))),
            None => say(None),
        }
    })?;
    let tell = send.clone();
    let inbox = sources.start(&taken, move |arrival| send.send(Event::Arrival(arrival)).is_ok())?;
    let open = vec![true; inbox.status().len()];
    let mut room = Room {
        inbox,
        desk,
        open,
        faults: Vec::new(),
        once: options.once,
        sleeper: Sleeper::start()?,
        bedtime: bedtime(&core)?,
        night: None,
        tell,
        turned: Instant::now(),
    };
    let ended = turn(&mut core, &mut room, &events, &|| is_set(&signal))?;
    // a row that is refused is told and ends nothing
    room.inbox.faults().iter().for_each(|fault| tracing::warn!(fault, "a row was refused"));
    let headlines = core.engine.stream().news();
    let heard = headlines.map_or((0, 0), |news| (news.stats().rows, news.stats().refused));
    let (rows, refused) = room
        .inbox
        .status()
        .iter()
        .fold(heard, |(rows, refused), feed| (rows + feed.events + feed.refused, refused + feed.refused));
    let mut faults = std::mem::take(&mut room.faults);
    faults.extend(headlines.and_then(News::fault).map(str::to_owned));
    faults.extend(core.too_many_refused(rows, refused));
    drop(room);
    let outcome = core.finish(ended, faults);
    drop(server);
    outcome
}

fn bedtime(core: &Core<Live>) -> Result<Option<Bedtime>, Failure> {
    let bedtime = core.blueprint.config.sleep.bedtime();
    bedtime.map_err(|(key, what)| Failure::Input(format!("{key} {what}")))
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
    core.release(u64::MAX, ttl_ns);
    while core.step_on()? {}
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
        if core.is_publishing() {
            let closed = room.desk.as_ref().and_then(VenueDesk::closed);
            core.publish(room.inbox.status(), closed);
        }
        room.release(core);
        room.sleep_when_due(core);
        if is_signalled() {
            return Ok(core.engine.spine().has_ended());
        }
        let advance = core.step()?;
        if advance == Advance::Moved {
            let sent_ns = core.engine.stream_mut().take_sent_ns();
            core.note_sent(sent_ns);
            continue;
        }
        core.recorder.complete();
        if advance == Advance::Idle && room.is_over() && room.once && !core.engine.spine().has_ended() {
            // what was decided is let go before the end, and what is left over lapses behind it
            core.journal().wait()?;
            room.release(core);
            if core.step_on()? {
                continue;
            }
            core.end()?;
            core.release(u64::MAX, -1);
            while core.step_on()? {}
        }
        if core.engine.spine().has_ended() && room.once {
            return Ok(true);
        }
        if core.engine.stream().backlog() >= BACKLOG {
            core.catch_up()?;
            continue;
        }
        if room.listen(core, events)? == Flow::Stop {
            return Ok(core.engine.spine().has_ended());
        }
    }
}

impl Room {
    /// Waits for what is next, and takes what else there is by then.
    fn listen(&mut self, core: &mut Core<Live>, events: &Receiver<Event>) -> Result<Flow, Failure> {
        let mut next = match events.recv_timeout(NAP) {
            Ok(event) => Some(event),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Failure::Internal("every thread around the loop ended".to_owned()));
            }
        };
        let mut left = TOGETHER;
        while let Some(event) = next {
            if self.take(core, event)? == Flow::Stop {
                return Ok(Flow::Stop);
            }
            left -= 1;
            next = if left > 0 { events.try_recv().ok() } else { None };
        }
        Ok(Flow::On)
    }

    /// Lets go what is durable; while the venue is away or differs, nothing new.
    fn release(&mut self, core: &mut Core<Live>) {
        let is_open = self.desk.as_ref().is_none_or(|desk| desk.closed().is_none());
        let ttl = Duration::from_millis(u64::from(core.blueprint.config.daemon.intent_ttl_ms));
        // event time stands still while the process does
        let was_away = std::mem::replace(&mut self.turned, Instant::now()).elapsed() > ttl;
        let durable = core.journal().durable();
        let ttl_ns = if is_open && !was_away { ttl.as_nanos() as i64 } else { -1 };
        core.release(durable, ttl_ns);
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
            Event::Wake => {}
            Event::Word(word, _) if core.refuses(&word) => {}
            Event::Word(word, _) if word.ask == Ask::Status => {
                core.home()?;
                let shell = Shell {
                    feeds: self.inbox.status(),
                    venue: self.desk.as_ref().map(|desk| desk.status(core)),
                    gate_closed: self.desk.as_ref().and_then(VenueDesk::closed),
                };
                // whoever asked and went away needs no answer
                let _ = word.answer.try_send(status(core, shell));
            }
            Event::Word(word, _) if matches!(word.ask, Ask::Sleep { .. }) => {
                self.fall_asleep(core, Some(word))
            }
            Event::Woken(woken, word) => {
                core.latencies.set_asleep(false);
                let (by, reason) = match word.as_ref().map(|word| &word.ask) {
                    Some(Ask::Sleep { by, reason }) => (by.clone(), reason.clone()),
                    _ => ("sleep".to_owned(), "a night was due".to_owned()),
                };
                let (answer, sequence) = core.wake_up(woken, by, reason)?;
                if let Some(word) = word {
                    core.tell(word.answer, answer, sequence);
                }
            }
            Event::Word(word, _pending) => {
                let flow = core.hear(word)?;
                // what it cancels leaves before anything else is heard
                if let Some(desk) = &mut self.desk {
                    desk.send(core);
                }
                return Ok(flow);
            }
            Event::Venue(said) => {
                if let Some(desk) = &mut self.desk {
                    desk.hear(core, said)?;
                }
            }
            Event::Arrival(arrival) => self.arrive(core, arrival),
        }
        Ok(Flow::On)
    }

    /// Begins a night beside the brain, unless one is under way.
    fn fall_asleep(&mut self, core: &mut Core<Live>, word: Option<Word>) {
        let (done, asked) = (self.tell.clone(), word.as_ref().map(|word| word.answer.clone()));
        let begun = self.sleeper.begin(core.dream(), move |woken| {
            // the loop that has ended needs no word
            let _ = done.send(Event::Woken(woken, word));
        });
        if begun {
            core.latencies.set_asleep(true);
        } else if let Some(answer) = asked {
            // whoever asked and went away needs no answer
            let _ = answer.try_send(Answer::refused(3, "a night is under way; ask again when it is over"));
        }
    }

    /// Begins the night that is due, by the time of events (the real regime goes on meanwhile).
    fn sleep_when_due(&mut self, core: &mut Core<Live>) {
        let (Some(bedtime), now) = (self.bedtime, core.engine.door().now()) else { return };
        if now == Timestamp::MIN {
            return;
        }
        let due = *self.night.get_or_insert(bedtime.due_after(now));
        if now >= due {
            self.night = Some(bedtime.due_after(now));
            self.fall_asleep(core, None);
        }
    }

    fn arrive(&mut self, core: &mut Core<Live>, arrival: Arrival) {
        match arrival {
            Arrival::Event { event, read_at, sent_ns } => {
                self.inbox.taken(event.source, read_at);
                let now: Timestamp = core.engine.door().now();
                core.engine.stream_mut().offer(event, now, sent_ns);
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
