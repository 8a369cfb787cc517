//! Several feeds as one, by time, then source rank, then position (L5).

use crate::error::MarketError;
use crate::event::{EventKind, MarketEvent, SourceId};
use crate::feed::Feed;
use crate::feed::open::{OpenOptions, open};
use crate::feed::stats::FeedStats;
use crate::instrument::InstrumentId;
use crate::time::Timestamp;

/// A merge of feeds: an iterator that also tells the time of its next event.
///
/// A stream fault ends its feed and is kept; the others go on. What the feed spoke of ends with a gap,
/// for what would have come is not known. The next feed is found by looking at
/// all of them, which for the few feeds of a run is cheaper than a heap.
pub struct Merge {
    feeds: Vec<Box<dyn Feed>>,
    /// The next event of each; `None` after its end.
    heads: Vec<Option<MarketEvent>>,
    /// The feed whose head comes next.
    earliest: Option<usize>,
    faults: Vec<MarketError>,
    /// The newest event of each feed and instrument: what ends with a fault ends with a gap.
    newest: Vec<Vec<Newest>>,
    /// The gaps of a feed that has ended with a fault.
    gaps: Vec<Vec<MarketEvent>>,
    has_started: bool,
}

/// Where the newest event of an instrument stood in its feed.
#[derive(Clone, Copy)]
struct Newest {
    instrument: InstrumentId,
    time: Timestamp,
    position: u64,
}

impl Merge {
    /// A merge of these feeds; nothing is read before the first event is asked for.
    pub fn new(feeds: Vec<Box<dyn Feed>>) -> Self {
        Self {
            heads: feeds.iter().map(|_| None).collect(),
            newest: feeds.iter().map(|_| Vec::new()).collect(),
            gaps: feeds.iter().map(|_| Vec::new()).collect(),
            feeds,
            earliest: None,
            faults: Vec::new(),
            has_started: false,
        }
    }

    /// Opens files, folders or standard input in this order, which is that of their ranks.
    ///
    /// One that cannot be opened is a fault like any other.
    pub fn open<'a>(files: impl IntoIterator<Item = (&'a str, OpenOptions)>) -> Self {
        let (mut feeds, mut faults) = (Vec::new(), Vec::new());
        for (path, mut options) in files {
            options.source = SourceId((feeds.len() + faults.len()) as u16);
            for opened in open(path, &options) {
                match opened {
                    Ok(feed) => feeds.push(feed),
                    Err(fault) => faults.push(fault),
                }
            }
        }
        Self { faults, ..Self::new(feeds) }
    }

    /// The next event, which stays; `None` at the end of all feeds.
    pub fn peek(&mut self) -> Option<&MarketEvent> {
        self.start();
        self.heads[self.earliest?].as_ref()
    }

    /// The time of the next event; `None` at the end of all feeds.
    pub fn peek_time(&mut self) -> Option<Timestamp> {
        self.peek().map(|event| event.time)
    }

    /// The stream faults so far; each names its file.
    pub fn faults(&self) -> &[MarketError] {
        &self.faults
    }

    /// The feeds.
    pub fn feeds(&self) -> impl Iterator<Item = &dyn Feed> {
        self.feeds.iter().map(AsRef::as_ref)
    }

    /// What all feeds have read so far, added up; up to one event of each waits to be given.
    pub fn stats(&self) -> FeedStats {
        let mut sum = FeedStats::default();
        for feed in self.feeds() {
            sum.add(feed.stats());
        }
        sum
    }

    fn start(&mut self) {
        if !self.has_started {
            self.has_started = true;
            (0..self.feeds.len()).for_each(|at| self.pull(at));
            self.earliest = self.find_earliest();
        }
    }

    /// Fetches the next event of a feed.
    fn pull(&mut self, at: usize) {
        let next = self.feeds[at].next().unwrap_or_else(|fault| {
            self.faults.push(fault);
            self.gaps[at] = self.gaps_of(at);
            None
        });
        if let Some(event) = &next {
            let newest = Newest { instrument: event.instrument, time: event.time, position: event.position };
            self.note(at, newest);
        }
        self.heads[at] = next.or_else(|| self.gaps[at].pop());
    }

    fn note(&mut self, at: usize, event: Newest) {
        match self.newest[at].iter_mut().find(|newest| newest.instrument == event.instrument) {
            Some(newest) => *newest = event,
            None => self.newest[at].push(event),
        }
    }

    /// A gap for each instrument that a feed spoke of, at the time of its last event.
    fn gaps_of(&self, at: usize) -> Vec<MarketEvent> {
        let (newest, source) = (&self.newest[at], self.feeds[at].source());
        let time = newest.iter().map(|event| event.time).max();
        let gap = |event: &Newest| MarketEvent {
            instrument: event.instrument,
            time: time.unwrap_or(event.time),
            source,
            position: event.position,
            kind: EventKind::Gap,
        };
        newest.iter().map(gap).collect()
    }

    fn find_earliest(&self) -> Option<usize> {
        let keys = self.heads.iter().enumerate();
        keys.filter_map(|(at, head)| head.as_ref().map(|event| (event.time, event.source, at)))
            .min()
            .map(|(_, _, at)| at)
    }
}

impl Iterator for Merge {
    type Item = MarketEvent;

    fn next(&mut self) -> Option<MarketEvent> {
        self.start();
        let at = self.earliest?;
        let event = self.heads[at].take();
        self.pull(at);
        self.earliest = self.find_earliest();
        event
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::feed::Format;
    use crate::feed::names::Names;

    /// A feed of given times that may end with a fault.
    struct Given {
        times: std::vec::IntoIter<i64>,
        source: SourceId,
        position: u64,
        fault: Option<MarketError>,
        stats: FeedStats,
        names: Names,
    }

    impl Feed for Given {
        fn next(&mut self) -> Result<Option<MarketEvent>, MarketError> {
            let Some(time) = self.times.next() else {
                return self.fault.take().map_or(Ok(None), Err);
            };
            self.position += 1;
            self.stats.accepted += 1;
            Ok(Some(MarketEvent {
                instrument: InstrumentId(0),
                time: Timestamp::from_ns(time),
                source: self.source,
                position: self.position,
                kind: EventKind::Clear,
            }))
        }
        fn name(&self) -> &str {
            "given"
        }
        fn format(&self) -> Format {
            Format::Ndjson
        }
        fn source(&self) -> SourceId {
            self.source
        }
        fn names(&self) -> &Names {
            &self.names
        }
        fn stats(&self) -> &FeedStats {
            &self.stats
        }
    }

    fn given(source: u16, times: Vec<i64>, fault: Option<MarketError>) -> Box<dyn Feed> {
        Box::new(Given {
            times: times.into_iter(),
            source: SourceId(source),
            position: 0,
            fault,
            stats: FeedStats::default(),
            names: Names::any(),
        })
    }

    #[test]
    fn a_fault_ends_one_feed_and_no_other() {
        let fault = MarketError::Empty { file: "b".to_owned() };
        let mut merge =
            Merge::new(vec![given(0, vec![1, 4], None), given(1, vec![1, 2], Some(fault.clone()))]);
        assert_eq!(merge.peek_time(), Some(Timestamp::from_ns(1)));
        let order: Vec<(i64, u16, bool)> =
            merge.by_ref().map(|e| (e.time.ns(), e.source.0, e.kind == EventKind::Gap)).collect();
        let gap = (2, 1, true);
        assert_eq!(order, [(1, 0, false), (1, 1, false), (2, 1, false), gap, (4, 0, false)]);
        assert_eq!(merge.faults(), [fault]);
        assert_eq!(merge.peek_time(), None);
        assert_eq!(merge.stats().accepted, 4);
    }

    #[test]
    fn what_cannot_be_opened_is_a_fault() {
        let mut merge = Merge::open([("no/such/file", OpenOptions::default())]);
        assert!(merge.next().is_none());
        let fault = merge.faults()[0].to_string();
        assert!(fault.starts_with("no/such/file: cannot be read:"), "{fault}");
    }

    proptest! {
        #[test]
        fn the_order_is_that_of_time_rank_and_position(feeds in proptest::collection::vec(proptest::collection::vec(0_i64..20, 0..20), 0..6)) {
            let mut want = Vec::new();
            let mut boxed = Vec::new();
            for (source, mut times) in feeds.into_iter().enumerate() {
                times.sort_unstable();
                want.extend(times.iter().zip(1_u64..).map(|(t, p)| (*t, source as u16, p)));
                boxed.push(given(source as u16, times, None));
            }
            want.sort_unstable();
            let got: Vec<_> = Merge::new(boxed).map(|e| (e.time.ns(), e.source.0, e.position)).collect();
            prop_assert_eq!(got, want);
        }
    }
}
