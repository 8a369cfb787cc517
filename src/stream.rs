//! Where an engine's events come from: merged files, a list, or what has just come in.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use market::event::EventKind;
use market::feed::Merge;
use market::{MarketEvent, Timestamp};
use synapse::NoticeKind;

use crate::brain::Stream;
use crate::news::News;

impl Stream for Merge {
    fn peek_time(&mut self) -> Option<Timestamp> {
        Self::peek_time(self)
    }

    fn next_event(&mut self) -> Option<MarketEvent> {
        self.next()
    }
}

impl Stream for std::iter::Peekable<std::vec::IntoIter<MarketEvent>> {
    fn peek_time(&mut self) -> Option<Timestamp> {
        self.peek().map(|event| event.time)
    }

    fn next_event(&mut self) -> Option<MarketEvent> {
        self.next()
    }
}

/// Merged feeds, cut to a range of time, and headlines beside them.
pub struct Range {
    merge: Merge,
    news: Option<News>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
}

impl Range {
    /// Nothing that trades before `from` is seen, and nothing after `to`.
    pub const fn new(merge: Merge, from: Option<Timestamp>, to: Option<Timestamp>) -> Self {
        Self { merge, news: None, from, to }
    }

    /// With headlines.
    #[must_use]
    pub fn with_news(mut self, news: Option<News>) -> Self {
        self.news = news;
        self
    }

    /// The headlines.
    pub const fn news(&self) -> Option<&News> {
        self.news.as_ref()
    }

    /// The feeds.
    pub const fn merge(&self) -> &Merge {
        &self.merge
    }

    /// Reads over events and headlines that were taken before.
    pub fn skip(&mut self, events: u64, headlines: u64) {
        if let (Some(first), Some(news)) = (self.peek_time(), &mut self.news) {
            news.begin(first, headlines);
        }
        for _ in 0..events {
            if self.next_event().is_none() {
                break;
            }
        }
    }
}

impl Stream for Range {
    /// What comes before the range builds the books; what trades there is not seen.
    fn peek_time(&mut self) -> Option<Timestamp> {
        let (from, to) = (self.from, self.to);
        let trades = |event: &MarketEvent| matches!(event.kind, EventKind::Trade { .. } | EventKind::Bar(_));
        let is_unseen = |event: &MarketEvent| from.is_some_and(|from| event.time < from) && trades(event);
        while self.merge.peek().is_some_and(is_unseen) {
            self.merge.next();
        }
        self.merge.peek_time().filter(|time| to.is_none_or(|to| *time <= to))
    }

    fn next_event(&mut self) -> Option<MarketEvent> {
        self.peek_time()?;
        self.merge.next()
    }

    fn peek_news(&mut self) -> Option<Timestamp> {
        self.news.as_ref()?;
        let now = self.peek_time()?;
        self.news.as_mut()?.peek(now)
    }

    fn next_news(&mut self) -> Option<NoticeKind> {
        self.news.as_mut()?.take()
    }

    fn text_numbers(&self) -> Option<usize> {
        self.news.as_ref()?.numbers()
    }
}

/// What has come in, and how far time has come since (W6).
pub struct Live {
    news: Option<News>,
    /// Each event, and when its sender says to have sent it.
    waiting: VecDeque<(MarketEvent, Option<i64>)>,
    /// When the event that was taken last was sent.
    sent_ns: Option<i64>,
    /// The time of the newest event, and when it came.
    heard: (Timestamp, Instant),
    /// The latest time that silence has told: orders have arrived and ticks were made up to there.
    passed: Timestamp,
    grace: Duration,
    has_ended: bool,
}

impl Live {
    /// Time stands at `now` until something comes; silence passes for time after a `grace`.
    pub fn new(now: Timestamp, grace: Duration) -> Self {
        Self {
            news: None,
            waiting: VecDeque::new(),
            sent_ns: None,
            heard: (now, Instant::now()),
            passed: now,
            grace,
            has_ended: false,
        }
    }

    /// With headlines, each of which comes when its time has passed. Those up to now are of an earlier life.
    #[must_use]
    pub fn with_news(mut self, mut news: Option<News>) -> Self {
        if let Some(news) = news.as_mut().filter(|_| self.heard.0 > Timestamp::MIN) {
            news.begin_behind(self.heard.0);
        }
        self.news = news;
        self
    }

    /// The headlines.
    pub const fn news(&self) -> Option<&News> {
        self.news.as_ref()
    }

    /// Takes what came in. Its time is never earlier than `now`, the door's, nor than what was heard before
    /// or silence has told: what comes late is as late as it is.
    pub fn offer(&mut self, mut event: MarketEvent, now: Timestamp, sent_ns: Option<i64>) {
        let before = if self.waiting.is_empty() { now } else { self.heard.0 };
        event.time = event.time.max(before).max(self.passed);
        self.heard = (event.time, Instant::now());
        self.waiting.push_back((event, sent_ns));
    }

    /// How many events wait.
    pub fn backlog(&self) -> usize {
        self.waiting.len()
    }

    /// When the event that was taken last was sent, where that was said and not asked before.
    pub const fn take_sent_ns(&mut self) -> Option<i64> {
        self.sent_ns.take()
    }

    /// Nothing more will come.
    pub const fn end(&mut self) {
        self.has_ended = true;
    }
}

impl Stream for Live {
    fn peek_time(&mut self) -> Option<Timestamp> {
        self.waiting.front().map(|(event, _)| event.time)
    }

    fn next_event(&mut self) -> Option<MarketEvent> {
        let (event, sent_ns) = self.waiting.pop_front()?;
        self.sent_ns = sent_ns;
        Some(event)
    }

    fn silent_until(&mut self) -> Option<Timestamp> {
        if !self.waiting.is_empty() || self.has_ended {
            return None;
        }
        let (time, at) = self.heard;
        // before anything was ever heard there is no time that could pass
        let since =
            if time == Timestamp::MIN { Duration::ZERO } else { at.elapsed().saturating_sub(self.grace) };
        self.passed = self.passed.max(time.plus(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)));
        Some(self.passed)
    }

    fn passed(&self) -> Timestamp {
        self.passed
    }

    fn peek_news(&mut self) -> Option<Timestamp> {
        let now = self.peek_time().unwrap_or(self.heard.0).max(self.passed);
        self.news.as_mut().filter(|_| now > Timestamp::MIN)?.peek_now(now)
    }

    fn next_news(&mut self) -> Option<NoticeKind> {
        self.news.as_mut()?.take()
    }

    fn text_numbers(&self) -> Option<usize> {
        self.news.as_ref()?.numbers()
    }
}
