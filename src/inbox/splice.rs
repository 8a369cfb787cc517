//! How the events of a source go on where they were cut: numbers, gaps, and what is known already.

use market::event::EventKind;
use market::{InstrumentId, MarketEvent, SourceId, Timestamp};

/// Joins the pieces of a source into one stream of events. It knows no thread and no socket.
#[derive(Debug)]
pub(super) struct Splice {
    source: SourceId,
    instruments: Vec<InstrumentId>,
    /// Whether events are numbered here; else their lines number them.
    is_numbered: bool,
    /// The number of the event given last, where they are numbered here.
    number: u64,
    /// How many events are still known already.
    skip: u64,
    /// Whether something was missed before the next event.
    is_gap_due: bool,
    /// Time and position of the event given last.
    last: Option<(Timestamp, u64)>,
}

impl Splice {
    /// A source of which so many events are known already.
    pub(super) const fn new(
        source: SourceId,
        instruments: Vec<InstrumentId>,
        is_numbered: bool,
        seen: u64,
    ) -> Self {
        Self {
            source,
            instruments,
            is_numbered,
            number: if is_numbered { seen } else { 0 },
            skip: if is_numbered { 0 } else { seen },
            is_gap_due: is_numbered && seen > 0,
            last: None,
        }
    }

    /// Something is missed from here on.
    pub(super) const fn cut(&mut self) {
        self.is_gap_due = true;
    }

    /// Appends what an event comes to: gaps where they are due, then the event.
    ///
    /// # Errors
    /// Why the event is refused: time does not go back within a source.
    pub(super) fn push(&mut self, event: MarketEvent, out: &mut Vec<MarketEvent>) -> Result<(), String> {
        if let Some((last, _)) = self.last
            && event.time < last
        {
            let time = event.time;
            return Err(format!(
                "time goes back from {last}, before the connection was lost, to {time}; send what is new"
            ));
        }
        if std::mem::take(&mut self.is_gap_due) {
            self.gaps(event.time, event.position, out);
        }
        self.give(event, out);
        Ok(())
    }

    /// Appends what the end of a source by a fault comes to: what would have come is not known.
    pub(super) fn break_off(&mut self, out: &mut Vec<MarketEvent>) {
        if let Some((time, position)) = self.last {
            self.gaps(time, position, out);
        }
    }

    fn gaps(&mut self, time: Timestamp, position: u64, out: &mut Vec<MarketEvent>) {
        for at in 0..self.instruments.len() {
            let (instrument, source) = (self.instruments[at], self.source);
            self.give(MarketEvent { instrument, time, source, position, kind: EventKind::Gap }, out);
        }
    }

    fn give(&mut self, mut event: MarketEvent, out: &mut Vec<MarketEvent>) {
        if self.is_numbered {
            self.number += 1;
            event.position = self.number;
        }
        self.last = Some((event.time, event.position));
        if self.skip > 0 {
            self.skip -= 1;
        } else {
            out.push(event);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(time: i64, line: u64) -> MarketEvent {
        MarketEvent {
            instrument: InstrumentId(0),
            time: Timestamp::from_ns(time),
            source: SourceId(3),
            position: line,
            kind: EventKind::Clear,
        }
    }

    /// What comes of events at these times; a cut is before each time that stands in `cuts`.
    fn spliced(mut splice: Splice, times: &[i64], cuts: &[i64]) -> (Vec<(i64, u64, bool)>, usize) {
        let (mut out, mut refused) = (Vec::new(), 0);
        for (time, line) in times.iter().zip(1..) {
            if cuts.contains(time) {
                splice.cut();
            }
            refused += usize::from(splice.push(event(*time, line), &mut out).is_err());
        }
        splice.break_off(&mut out);
        (out.iter().map(|e| (e.time.ns(), e.position, e.kind == EventKind::Gap)).collect(), refused)
    }

    fn splice(is_numbered: bool, seen: u64) -> Splice {
        Splice::new(SourceId(3), vec![InstrumentId(0), InstrumentId(1)], is_numbered, seen)
    }

    #[test]
    fn a_cut_is_a_gap_for_each_instrument_at_the_next_event_and_numbers_go_on() {
        let (out, refused) = spliced(splice(true, 0), &[5, 6, 4, 9], &[4]);
        let want = [
            (5, 1, false),
            (6, 2, false),
            (9, 3, true),
            (9, 4, true),
            (9, 5, false),
            (9, 6, true),
            (9, 7, true),
        ];
        assert_eq!(out, want);
        assert_eq!(refused, 1, "what is older than the cut is no event, and takes no gap with it");
    }

    #[test]
    fn what_cannot_be_read_again_begins_with_a_gap_behind_what_is_known() {
        let (out, _) = spliced(splice(true, 40), &[5], &[]);
        assert_eq!(out[..3], [(5, 41, true), (5, 42, true), (5, 43, false)]);
    }

    #[test]
    fn what_is_known_is_left_out_wherever_a_file_was_cut_off() {
        let (whole, _) = spliced(splice(false, 0), &[5, 6, 7], &[]);
        assert_eq!(whole.len(), 5, "two gaps at the end: {whole:?}");
        for seen in 0..=whole.len() {
            let (rest, _) = spliced(splice(false, seen as u64), &[5, 6, 7], &[]);
            assert_eq!(rest, whole[seen..]);
        }
    }
}
