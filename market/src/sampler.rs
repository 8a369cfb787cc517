//! When to decide on an instrument: the makers of regular samples (W6).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::event::{EventKind, MarketEvent};
use crate::num::Quantity;

/// What makes a regular sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SamplerKind {
    /// Each multiple of a period since the epoch: for books. The ticks are made at the door.
    Grid {
        /// The period, greater than 0.
        period_ns: i64,
    },
    /// Each so many events of the instrument.
    Events {
        /// How many; 0 reads as 1.
        n: u64,
    },
    /// Each so much traded: for plain trades.
    Volume {
        /// How much; with 0 or less each trade makes a sample.
        quantity: Quantity,
    },
    /// Each close of a bar.
    Bars,
}

impl fmt::Display for SamplerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Grid { period_ns } => write!(f, "grid of {} ms", period_ns / 1_000_000),
            Self::Events { n } => write!(f, "every {n} events"),
            Self::Volume { quantity } => write!(f, "every {quantity} traded"),
            Self::Bars => f.write_str("every bar"),
        }
    }
}

/// The sampler of one instrument.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sampler {
    kind: SamplerKind,
    /// Events, or units of volume, since the last sample.
    since: i128,
}

impl Sampler {
    /// A sampler of that kind, at the start of an interval.
    pub const fn new(kind: SamplerKind) -> Self {
        Self { kind, since: 0 }
    }

    /// What makes its samples.
    pub const fn kind(&self) -> SamplerKind {
        self.kind
    }

    /// Takes note of an accepted event of the instrument, and tells whether it makes a regular
    /// sample. A trade that spans several quantities makes one; what is beyond the last of them
    /// counts towards the next.
    pub fn on_event(&mut self, event: &MarketEvent) -> bool {
        match self.kind {
            SamplerKind::Grid { .. } => false,
            SamplerKind::Bars => matches!(event.kind, EventKind::Bar(_)),
            SamplerKind::Events { n } => {
                let is_market = !matches!(event.kind, EventKind::Halt | EventKind::Resume | EventKind::Gap);
                is_market && self.passes(1, i128::from(n))
            }
            SamplerKind::Volume { quantity } => {
                let traded = match &event.kind {
                    EventKind::Trade { quantity, .. } => *quantity,
                    EventKind::Bar(bar) => bar.volume,
                    _ => return false,
                };
                self.passes(i128::from(traded.units()), i128::from(quantity.units()))
            }
        }
    }

    /// Adds to what came since the last sample, and tells whether that reaches `every`.
    fn passes(&mut self, more: i128, every: i128) -> bool {
        let every = every.max(1);
        self.since += more.max(0);
        let reached = self.since >= every;
        self.since %= every;
        reached
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Bar, SourceId};
    use crate::instrument::InstrumentId;
    use crate::num::{Price, SCALE};
    use crate::time::Timestamp;

    fn event(kind: EventKind) -> MarketEvent {
        MarketEvent {
            instrument: InstrumentId(0),
            time: Timestamp::from_ns(1),
            source: SourceId(0),
            position: 1,
            kind,
        }
    }

    fn trade(whole: i64) -> MarketEvent {
        event(EventKind::Trade {
            price: Price::from_units(SCALE),
            quantity: Quantity::from_units(whole * SCALE),
            aggressor: None,
            maker: None,
        })
    }

    fn bar() -> MarketEvent {
        let price = Price::from_units(SCALE);
        event(EventKind::Bar(Bar {
            open_time: Timestamp::from_ns(0),
            open: price,
            high: price,
            low: price,
            close: price,
            volume: Quantity::from_units(3 * SCALE),
        }))
    }

    fn samples(kind: SamplerKind, events: &[MarketEvent]) -> Vec<bool> {
        let mut sampler = Sampler::new(kind);
        events.iter().map(|event| sampler.on_event(event)).collect()
    }

    #[test]
    fn the_grid_is_made_elsewhere() {
        let kind = SamplerKind::Grid { period_ns: 1 };
        assert_eq!(samples(kind, &[trade(1), bar()]), [false, false]);
    }

    #[test]
    fn each_nth_event_makes_a_sample_and_a_halt_is_none() {
        let events = [trade(1), event(EventKind::Halt), event(EventKind::Delete { id: 1 }), bar(), trade(1)];
        let kind = SamplerKind::Events { n: 2 };
        assert_eq!(samples(kind, &events), [false, false, true, false, true]);
        let kind = SamplerKind::Events { n: 0 };
        assert_eq!(samples(kind, &events), [true, false, true, true, true]);
    }

    #[test]
    fn volume_carries_over() {
        let kind = SamplerKind::Volume { quantity: Quantity::from_units(5 * SCALE) };
        // 4, 4+8 = 12 leaves 2, 2+3 = 5 leaves 0, 4
        let events = [trade(4), trade(8), bar(), trade(4)];
        assert_eq!(samples(kind, &events), [false, true, true, false]);
        let kind = SamplerKind::Volume { quantity: Quantity::ZERO };
        assert_eq!(samples(kind, &[trade(1), event(EventKind::Clear)]), [true, false]);
    }

    #[test]
    fn a_bar_makes_a_sample() {
        assert_eq!(samples(SamplerKind::Bars, &[trade(1), bar()]), [false, true]);
    }
}
