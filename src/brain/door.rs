//! The door (L1, L5): the one place where anything comes in, in the simulated regime of time.
//!
//! It decides what comes next by (time; a night that is due, restarted, lapsed and cancel-sent, report, command, news,
//! tick, feed), numbers it, and makes the ticks of the sampling grid (W6). It is a state machine without
//! a clock: the engine tells it when the feed and the venue have something next.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};

use market::{InstrumentId, MarketEvent, SourceId, Timestamp};
use serde::{Deserialize, Serialize};
use synapse::{Command, Input, InputKind, NoticeKind, Tick};

market::params! {
    /// How the door samples (W6).
    pub struct DoorParams in "door" {
        /// Period of the sampling grid.
        grid_ms: u32 = 250, "ms", 1.0, 86_400_000.0;
        /// An instrument whose last event is older is not sampled.
        stale_after_ms: u32 = 5_000, "ms", 1.0, 86_400_000.0;
    }
}

const MS_NS: i64 = 1_000_000;

/// What comes next.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// The feed's next event.
    Feed,
    /// The venue's next report.
    Report,
    /// A moment of the grid.
    Tick(Tick),
    /// A word of the operator, or of gate and line to the door.
    Notice(NoticeKind),
    /// The next headline.
    News,
    /// A night that is due: nothing is admitted before it is over.
    Night,
}

/// What is waiting outside, as far as the engine can see.
#[derive(Debug, Clone, Copy, Default)]
pub struct Outside {
    /// Time of the feed's next event; none at the end of all feeds, or while it is silent.
    pub feed: Option<Timestamp>,
    /// How far time has come although the feed is silent: the real regime.
    pub silent_until: Option<Timestamp>,
    /// When the venue's next report is due.
    pub report: Option<Timestamp>,
    /// Time of the next headline, no earlier than the last input.
    pub news: Option<Timestamp>,
}

/// One instrument's freshness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Freshness {
    /// Whether the grid samples it at all.
    on_grid: bool,
    last: Option<Timestamp>,
    fresh: bool,
}

/// The door.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Door {
    period_ns: i64,
    stale_after_ns: i64,
    freshness: Vec<Freshness>,
    grid: Option<Timestamp>,
    returned: VecDeque<(Timestamp, NoticeKind)>,
    commands: VecDeque<(Timestamp, Command)>,
    sequence: u64,
    now: Timestamp,
    quiet_before: Timestamp,
    skipped: u64,
    /// When it sleeps, in the simulated regime.
    bedtime: Option<Bedtime>,
    /// When the next night is due.
    night: Option<Timestamp>,
    /// How many events of each feed were admitted: where a feed that can be read again goes on.
    taken: BTreeMap<SourceId, u64>,
    /// How many headlines were admitted.
    news: u64,
}

/// The ranks of L5 at one time, behind a night that is due then.
const NIGHT: u8 = 0;
const RESTARTED: u8 = 1;
const RETURNED: u8 = 2;
const REPORT: u8 = 3;
const COMMAND: u8 = 4;
const NEWS: u8 = 5;
const TICK: u8 = 6;
const FEED: u8 = 7;

const MINUTE_NS: i64 = 60 * 1_000 * MS_NS;

/// When nights are due, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bedtime {
    /// A minute of the day at which one is due.
    pub minute: i64,
    /// Minutes from one to the next, of which a day is a multiple.
    pub every_min: i64,
}

impl Bedtime {
    /// The first night behind `time`.
    pub fn due_after(self, time: Timestamp) -> Timestamp {
        let (first_ns, every_ns) = (self.minute * MINUTE_NS, self.every_min * MINUTE_NS);
        let nights = time.ns().saturating_sub(first_ns).div_euclid(every_ns).saturating_add(1);
        Timestamp::from_ns(nights.saturating_mul(every_ns).saturating_add(first_ns))
    }
}

/// The rank of a notice that is no report and no command.
const fn rank_of(notice: &NoticeKind) -> u8 {
    match notice {
        NoticeKind::Slept { .. } => NIGHT,
        NoticeKind::Restarted => RESTARTED,
        NoticeKind::News { .. } => NEWS,
        _ => RETURNED,
    }
}

impl Door {
    /// A door for instruments of which `on_grid` are sampled by the grid, in rank order, and for
    /// commands that each have a time, in order of time.
    pub fn new(params: &DoorParams, on_grid: &[bool], commands: Vec<(Timestamp, Command)>) -> Self {
        let freshness = |on_grid: &bool| Freshness { on_grid: *on_grid, last: None, fresh: false };
        Self {
            period_ns: i64::from(params.grid_ms) * MS_NS,
            stale_after_ns: i64::from(params.stale_after_ms) * MS_NS,
            freshness: on_grid.iter().map(freshness).collect(),
            grid: None,
            returned: VecDeque::new(),
            commands: commands.into(),
            sequence: 0,
            now: Timestamp::MIN,
            quiet_before: Timestamp::MIN,
            skipped: 0,
            bedtime: None,
            night: None,
            taken: BTreeMap::new(),
            news: 0,
        }
    }

    /// Makes no tick earlier than that.
    pub const fn quiet_before(&mut self, time: Timestamp) {
        self.quiet_before = time;
    }

    /// Nights are due then.
    pub const fn sleep_at(&mut self, bedtime: Option<Bedtime>) {
        self.bedtime = bedtime;
    }

    /// The time of the last admitted input.
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// The number of the last admitted input.
    pub const fn sequence(&self) -> u64 {
        self.sequence
    }

    /// How many events of each feed were admitted.
    pub const fn taken(&self) -> &BTreeMap<SourceId, u64> {
        &self.taken
    }

    /// How many headlines were admitted.
    pub const fn news(&self) -> u64 {
        self.news
    }

    /// Instruments that ticks left out because they were not fresh.
    pub const fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Takes back what gate or line send because of an input, to be admitted at `time`.
    pub fn take_back(&mut self, time: Timestamp, notice: NoticeKind) {
        let key = (time, rank_of(&notice));
        let at = self.returned.partition_point(|(t, kind)| (*t, rank_of(kind)) <= key);
        self.returned.insert(at, (time, notice));
    }

    /// The time and rank of what comes next, without admitting it; none when nothing will.
    pub fn peek(&self, outside: Outside) -> Option<Timestamp> {
        self.choose(outside).map(|(time, _)| time)
    }

    fn choose(&self, outside: Outside) -> Option<(Timestamp, u8)> {
        let returned = self.returned.front().map(|(time, kind)| (*time, rank_of(kind)));
        let report = outside.report.map(|time| (time, REPORT));
        let command = self.commands.front().map(|(time, _)| (*time, COMMAND));
        // no ticks and no headlines after the end of all feeds
        let feed = outside.feed.or(outside.silent_until).map(|time| (time, FEED));
        let news = outside.news.filter(|_| feed.is_some()).map(|time| (time, NEWS));
        let tick = self.grid.filter(|_| feed.is_some()).map(|time| (time, TICK));
        let first = [returned, report, command, news, feed].into_iter().flatten().min()?;
        // a tick is made when the next input to be admitted has its time or a later one
        let first = tick.filter(|tick| *tick < first).unwrap_or(first);
        // silence itself is no input
        let first = Some(first).filter(|first| outside.feed.is_some() || first.1 != FEED)?;
        // no nights after the end of all feeds either
        let night = self.night.filter(|_| feed.is_some());
        Some(night.map_or(first, |night| first.min((night, NIGHT))))
    }

    /// Admits what comes next: its sequence number, its time and what it is.
    ///
    /// # Panics
    /// If time would go back, which is a bug of the caller's merge.
    pub fn admit(&mut self, outside: Outside) -> Option<(u64, Timestamp, Next)> {
        let (time, rank) = self.choose(outside)?;
        if rank == NIGHT {
            return Some((self.sequence, time, Next::Night));
        }
        self.pass(time, rank);
        let next = match rank {
            RESTARTED | RETURNED => self.returned.pop_front().map(|(_, kind)| Next::Notice(kind))?,
            COMMAND => self.commands.pop_front().map(|(_, c)| Next::Notice(NoticeKind::Command(c)))?,
            REPORT => Next::Report,
            NEWS => {
                self.news += 1;
                Next::News
            }
            TICK => Next::Tick(self.tick(time)),
            _ => Next::Feed,
        };
        assert!(time >= self.now, "time went back from {} to {time}", self.now);
        self.number(time);
        Some((self.sequence, time, next))
    }

    /// Admits the end of the night that is due, if one is.
    pub fn admit_night(&mut self) -> Option<(u64, Timestamp)> {
        let due = self.night.take()?;
        self.pass(due, NIGHT);
        self.sequence += 1;
        self.now = due;
        Some((self.sequence, due))
    }

    /// Gives the next number to what has that time, and tells when the night behind it is due.
    fn number(&mut self, time: Timestamp) {
        self.sequence += 1;
        self.now = time;
        if let (Some(bedtime), None) = (self.bedtime, self.night) {
            self.night = Some(bedtime.due_after(time));
        }
    }

    /// Admits something at once, at the time of the last input and no earlier than `passed`: an
    /// operator's word, the end.
    pub fn admit_now(&mut self, passed: Timestamp) -> (u64, Timestamp) {
        self.number(self.now.max(passed).max(Timestamp::from_ns(0)));
        (self.sequence, self.now)
    }

    /// Follows an input that was admitted before, as the tape tells it: the door is then as it was.
    ///
    /// # Panics
    /// If the input is not the next one, which is a bug of the caller or of the tape's checks.
    pub fn follow(&mut self, input: &Input) {
        assert_eq!(input.sequence, self.sequence + 1, "inputs have no gap");
        assert!(input.time >= self.now, "time went back from {} to {}", self.now, input.time);
        if matches!(input.kind, InputKind::Notice(NoticeKind::Slept { .. })) {
            self.admit_night();
            return;
        }
        self.number(input.time);
        let rank = match &input.kind {
            InputKind::Market(_) => FEED,
            InputKind::Tick(_) => TICK,
            InputKind::Notice(NoticeKind::Report(_)) => REPORT,
            InputKind::Notice(NoticeKind::Command(_)) => COMMAND,
            InputKind::Notice(notice) => rank_of(notice),
        };
        self.pass(input.time, rank);
        match &input.kind {
            InputKind::Market(event) => self.heard(event),
            InputKind::Tick(_) => {
                self.tick(input.time);
            }
            InputKind::Notice(NoticeKind::Command(command)) => {
                if self.commands.front().is_some_and(|(time, c)| *time == input.time && c == command) {
                    self.commands.pop_front();
                }
            }
            InputKind::Notice(NoticeKind::News { .. }) => self.news += 1,
            InputKind::Notice(notice) => {
                if let Some(at) =
                    self.returned.iter().position(|(t, kind)| *t == input.time && kind == notice)
                {
                    self.returned.remove(at);
                }
            }
        }
    }

    /// A moment of the grid that something passes without a tick found no feed.
    fn pass(&mut self, time: Timestamp, rank: u8) {
        if self.grid.is_some_and(|grid| (grid, TICK) < (time, rank)) {
            self.grid = None;
        }
    }

    /// Notes an event of the feed: its instrument is fresh.
    pub fn heard(&mut self, event: &MarketEvent) {
        let (instrument, time) = (event.instrument, event.time);
        *self.taken.entry(event.source).or_default() += 1;
        let freshness = &mut self.freshness[instrument.index()];
        freshness.last = Some(time);
        if freshness.on_grid {
            freshness.fresh = true;
            let earliest = time.max(self.quiet_before.plus(-1));
            self.grid.get_or_insert(earliest.next_multiple(self.period_ns));
        }
    }

    /// The tick of time g: who is fresh, who has ceased to be. With nobody fresh it is the last, until
    /// somebody is heard again.
    fn tick(&mut self, g: Timestamp) -> Tick {
        let mut tick = Tick::default();
        for (at, freshness) in self.freshness.iter_mut().enumerate().filter(|(_, f)| f.on_grid) {
            let id = InstrumentId(at as u16);
            let heard = freshness.last.is_some_and(|last| g.since(last) <= self.stale_after_ns);
            if heard {
                tick.fresh.push(id);
            } else if std::mem::replace(&mut freshness.fresh, false) {
                tick.stale.push(id);
            }
        }
        self.grid = (!tick.fresh.is_empty()).then(|| g.plus(self.period_ns));
        let on_grid = self.freshness.iter().filter(|f| f.on_grid).count();
        self.skipped += (on_grid - tick.fresh.len()) as u64;
        tick
    }
}
