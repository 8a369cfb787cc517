//! What makes a startle: a shock, once on entry, re-armed by one calm regular sample (W6).

use market::book::BookState;
use market::{EventKind, Timestamp};
use serde::{Deserialize, Serialize};
use synapse::Startle;

/// What an alarm looks at.
#[derive(Debug, Clone, Copy)]
pub struct View {
    /// What the book says of itself.
    pub book: BookState,
    /// Whether trading is halted.
    pub halted: bool,
    /// The spread, in price units of 1e-9.
    pub spread_units: Option<i64>,
}

/// One instrument's alarm.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Alarm {
    armed: bool,
    gap: bool,
    touched: Option<Timestamp>,
    spread_base_units: Option<f64>,
}

impl Alarm {
    /// Notes that an event of this instrument came, to be looked at when its instant is over.
    pub fn touch(&mut self, time: Timestamp, kind: &EventKind) {
        self.touched = Some(time);
        if matches!(kind, EventKind::Gap) {
            self.gap = true;
        }
    }

    /// Whether an instant with events of this instrument is over.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.touched.is_some_and(|touched| touched < now)
    }

    /// The startle of an instant that is over, if there is one: asked when the first input of a
    /// later time is admitted.
    pub fn ring(&mut self, now: Timestamp, view: &View, spread_multiple: f64) -> Option<Startle> {
        if !self.is_due(now) {
            return None;
        }
        self.touched = None;
        let gap = std::mem::take(&mut self.gap);
        let shock = if gap { Some(Startle::Gap) } else { self.shock(view, spread_multiple) };
        shock.filter(|_| std::mem::replace(&mut self.armed, false))
    }

    /// Notes that the feed has fallen silent, which the door tells once: nothing else startles until
    /// a calm sample.
    pub const fn silence(&mut self) {
        self.armed = false;
    }

    /// Learns from a regular sample: re-arms where it is calm, and moves the spread's baseline.
    pub fn learn(&mut self, view: &View, tick_units: i64, gain: f64, spread_multiple: f64) {
        self.armed = self.shock(view, spread_multiple).is_none() && view.book != BookState::Unknown;
        if let Some(units) = view.spread_units.filter(|units| *units > 0) {
            let spread = units.max(tick_units) as f64;
            let base = self.spread_base_units.get_or_insert(spread);
            *base += gain * (spread - *base);
        }
    }

    fn shock(&self, view: &View, spread_multiple: f64) -> Option<Startle> {
        let wide = |(spread, base): (i64, f64)| spread as f64 > spread_multiple * base;
        if view.halted {
            Some(Startle::Halt)
        } else if matches!(view.book, BookState::Unknown | BookState::OneSided | BookState::Crossed) {
            Some(Startle::LostBook)
        } else if view.spread_units.zip(self.spread_base_units).is_some_and(wide) {
            Some(Startle::Spread)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MULTIPLE: f64 = 10.0;

    fn at(ns: i64) -> Timestamp {
        Timestamp::from_ns(ns)
    }

    fn view(book: BookState, spread: i64) -> View {
        View { book, halted: false, spread_units: Some(spread) }
    }

    fn armed() -> Alarm {
        let mut alarm = Alarm::default();
        alarm.learn(&view(BookState::Ok, 5), 5, 0.01, MULTIPLE);
        alarm
    }

    #[test]
    fn it_rings_once_on_entry_and_when_the_instant_is_over() {
        let mut alarm = armed();
        alarm.touch(at(10), &EventKind::Halt);
        let halted = View { halted: true, ..view(BookState::Ok, 5) };
        assert_eq!(alarm.ring(at(10), &halted, MULTIPLE), None, "the instant is not over");
        assert_eq!(alarm.ring(at(11), &halted, MULTIPLE), Some(Startle::Halt));
        alarm.touch(at(12), &EventKind::Resume);
        assert_eq!(alarm.ring(at(13), &halted, MULTIPLE), None, "not re-armed");
        alarm.learn(&view(BookState::Ok, 5), 5, 0.01, MULTIPLE);
        alarm.touch(at(14), &EventKind::Halt);
        assert_eq!(alarm.ring(at(15), &halted, MULTIPLE), Some(Startle::Halt));
    }

    #[test]
    fn each_shock_has_its_name() {
        for (kind, seen, startle) in [
            (EventKind::Gap, view(BookState::Unknown, 5), Some(Startle::Gap)),
            (EventKind::Clear, view(BookState::OneSided, 5), Some(Startle::LostBook)),
            (EventKind::Clear, view(BookState::Ok, 51), Some(Startle::Spread)),
            (EventKind::Clear, view(BookState::Ok, 50), None),
        ] {
            let mut alarm = armed();
            alarm.touch(at(1), &kind);
            assert_eq!(alarm.ring(at(2), &seen, MULTIPLE), startle);
        }
    }

    #[test]
    fn it_is_not_armed_before_the_first_calm_sample() {
        let mut alarm = Alarm::default();
        alarm.touch(at(1), &EventKind::Gap);
        assert_eq!(alarm.ring(at(2), &view(BookState::Unknown, 5), MULTIPLE), None);
    }
}
