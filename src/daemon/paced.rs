//! The simulated regime: files, read at a speed, and the paper exchange in the program (L5).

use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, sync_channel};
use std::time::{Duration, Instant};

use market::Timestamp;
use market::feed::{Feed, Merge};

use super::core::{Core, Flow, Outcome, is_set, signals};
use super::standing::{Shell, status};
use super::start::Ready;
use super::{NAP, Options};
use crate::assemble;
use crate::brain::Stream;
use crate::config::Config;
use crate::control::{Ask, FeedStatus, Server, Word};
use crate::failure::Failure;
use crate::news::News;
use crate::stream::Range;
use crate::venue::Speed;

/// At full speed, how many inputs pass between two looks at what else happens.
const STRIDE: u32 = 256;
/// How many words of operators may wait.
const WORDS: usize = 16;

/// Runs files to their end, or until told to stop.
pub(super) fn run(options: Options) -> Result<Outcome, Failure> {
    let signal = signals()?;
    let open = |config: &Config| -> Result<Merge, Failure> {
        let (instruments, _) = config.traded(&config.instrument_names())?;
        let open = assemble::open_options(config, &instruments, options.format);
        Ok(Merge::open(options.feeds.iter().map(|path| (path.as_str(), open.clone()))))
    };
    let ready = Ready::new(&options, |config| Ok(open(config)?.feeds().map(Feed::format).collect()))?;
    let merge = open(&ready.blueprint().config)?;
    if let Some(fault) = merge.faults().first() {
        return Err(Failure::Input(fault.to_string()));
    }
    let mut range = Range::new(merge, None, None).with_news(ready.news(&options)?);
    range.skip(ready.taken().iter().sum(), ready.headlines());
    let mut core = ready.over(range, &options)?;
    core.host(None)?;
    let (send, words) = sync_channel::<Word>(WORDS);
    let server = Server::start(&options.dir, move |word| send.send(word).is_ok())?;
    let ended = turn(&mut core, &options, &words, &|| is_set(&signal))?;
    let stream = core.engine.stream();
    let (merge, mut stats) = (stream.merge(), stream.merge().stats());
    stream.news().into_iter().for_each(|news| stats.add(news.stats()));
    let mut faults: Vec<String> = merge.faults().iter().map(ToString::to_string).collect();
    faults.extend(stream.news().and_then(News::fault).map(str::to_owned));
    faults.extend(core.too_many_refused(stats.rows, stats.refused + core.engine.totals().refused));
    let outcome = core.finish(ended, faults);
    drop(server);
    outcome
}

/// The loop; whether the feeds came to their end.
fn turn(
    core: &mut Core<Range>,
    options: &Options,
    words: &Receiver<Word>,
    is_signalled: &dyn Fn() -> bool,
) -> Result<bool, Failure> {
    // headlines that are older than the feeds are not waited for
    let first = core.engine.stream_mut().peek_time().unwrap_or(Timestamp::MIN);
    let mut pace = Pace::new(core.speed, first);
    let mut is_over = core.engine.spine().has_ended();
    let mut was_over = is_over;
    loop {
        core.check_journal()?;
        core.settle();
        if core.is_publishing() {
            let feeds = feeds(core);
            core.publish(feeds, None);
        }
        if is_signalled() {
            return Ok(is_over);
        }
        if is_over && options.once {
            return Ok(true);
        }
        let wait = match core.engine.next_time() {
            _ if is_over => NAP,
            Some(next) => pace.wait(next).min(NAP),
            None => Duration::ZERO,
        };
        if !wait.is_zero() {
            core.think_through()?;
        }
        let word = match wait {
            Duration::ZERO => words.try_recv().map_err(|error| error == TryRecvError::Disconnected),
            wait => words.recv_timeout(wait).map_err(|error| error == RecvTimeoutError::Disconnected),
        };
        match word {
            Ok(word) => {
                if hear(core, word)? == Flow::Stop {
                    return Ok(is_over);
                }
                // what was asked for may have set something going
                is_over = core.engine.spine().has_ended();
            }
            Err(true) => return Err(Failure::Internal("the control socket's thread ended".to_owned())),
            Err(false) if wait.is_zero() => {
                is_over = stride(core, &mut pace, options.once)?;
                if is_over {
                    core.recorder.complete();
                }
                if is_over && !std::mem::replace(&mut was_over, true) {
                    tell_end(core);
                }
            }
            // nothing more is decided about the last input before the next one comes
            Err(false) => core.recorder.complete(),
        }
    }
}

fn tell_end(core: &Core<Range>) {
    let faults = core.engine.stream().merge().faults();
    faults.iter().for_each(|fault| tracing::error!(%fault, "a feed ended with a fault"));
    tracing::info!("the feeds have ended; what is asked is still answered");
}

/// Admits what is due; true at the end of all feeds.
fn stride(core: &mut Core<Range>, pace: &mut Pace, once: bool) -> Result<bool, Failure> {
    for _ in 0..STRIDE {
        if core.engine.next_time().is_some_and(|next| !pace.wait(next).is_zero()) {
            return Ok(false);
        }
        if core.step_on()? {
            continue;
        }
        if once {
            core.end()?;
        }
        return Ok(true);
    }
    Ok(false)
}

fn hear(core: &mut Core<Range>, word: Word) -> Result<Flow, Failure> {
    if word.ask != Ask::Status {
        return core.hear(word);
    }
    if core.refuses(&word) {
        return Ok(Flow::On);
    }
    core.home()?;
    let shell = Shell { feeds: feeds(core), venue: None, gate_closed: None };
    // whoever asked and went away needs no answer
    let _ = word.answer.try_send(status(core, shell));
    Ok(Flow::On)
}

/// How far the files are.
fn feeds(core: &mut Core<Range>) -> Vec<FeedStatus> {
    let state = if core.engine.next_time().is_some() { "open" } else { "ended" };
    let feeds = core.engine.stream().merge().feeds();
    let status = |feed: &dyn Feed| FeedStatus {
        name: feed.name().to_owned(),
        state: state.to_owned(),
        events: feed.stats().rows,
        refused: feed.stats().refused,
        lag_ms: 0,
        silent_ms: 0,
    };
    feeds.map(status).collect()
}

/// Event time against the clock of the machine.
struct Pace {
    speed: Speed,
    first: Timestamp,
    began: Option<(Timestamp, Instant)>,
}

impl Pace {
    /// What is earlier than `first` is due at once.
    const fn new(speed: Speed, first: Timestamp) -> Self {
        Self { speed, first, began: None }
    }

    /// How long until something of that time is due.
    fn wait(&mut self, next: Timestamp) -> Duration {
        let Speed::Times(times) = self.speed else { return Duration::ZERO };
        let (time, at) = *self.began.get_or_insert_with(|| (next.max(self.first), Instant::now()));
        let due = Duration::from_nanos(next.since(time).max(0) as u64).div_f64(times);
        due.saturating_sub(at.elapsed())
    }
}
