//! The market as a whole, for rules of market-wide breakers: how far its index has fallen, and when it first fell so
//! far on this day of the exchange.

use market::tax::TradeDate;
use market::{InstrumentId, Price, Timestamp};
use rules::facts::MarketFacts;
use rules::{Duration, Ratio, time_of_day};
use serde::{Deserialize, Serialize};
use synapse::Sensed;

/// How far the index has to fall for each level, in percent of its last close (NYSE Rule 7.12).
const LEVELS: [i64; 3] = [7, 13, 20];

/// What is known of a day of the exchange. Moments are those of its clock.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breakers {
    /// What of, as another index has fallen otherwise.
    index: Option<InstrumentId>,
    day: TradeDate,
    /// Twice the index's last mark of the day before; none before the first day is over.
    close2: Option<i64>,
    /// Twice its last mark of this day, and when it had that.
    last: Option<(i64, Timestamp)>,
    /// When each level was crossed first.
    crossed: [Option<Timestamp>; 3],
}

impl Breakers {
    /// Time passes; on the next day the last mark is the close before it.
    pub fn passes(&mut self, now: Timestamp, index: Option<InstrumentId>) {
        let day = TradeDate::of(now, 0);
        if index != self.index {
            *self = Self { index, day, ..Self::default() };
        } else if day != self.day {
            let close2 = self.last.map(|(mark2, _)| mark2).or(self.close2);
            *self = Self { index, day, close2, ..Self::default() };
        }
    }

    /// A sample of the index. What is no price, or comes from the future, tells nothing.
    pub fn marked(&mut self, now: Timestamp, sensed: &Sensed, first_close: Price) {
        let Some(mark2) = sensed.mark2.filter(|twice| *twice > 0 && sensed.mark_age_ns >= 0) else { return };
        self.last = Some((mark2, now.plus(-sensed.mark_age_ns)));
        let drop = self.drop(first_close);
        for (crossed, percent) in self.crossed.iter_mut().zip(LEVELS) {
            if crossed.is_none() && drop >= Ratio::of(percent, 100) {
                *crossed = Some(now);
            }
        }
    }

    /// What rules may know; before the first mark of a day, and without a close, there is no fall to tell.
    pub fn facts(&self, now: Timestamp, first_close: Price) -> MarketFacts {
        let [level_1_at, level_2_at, level_3_at] = self.crossed.map(|at| at.map(time_of_day));
        MarketFacts {
            market_drop: self.drop(first_close),
            index_age: self.last.map(|(_, at)| Duration(now.since(at))),
            exchange_time: Some(time_of_day(now)),
            level_1_at,
            level_2_at,
            level_3_at,
        }
    }

    fn drop(&self, first_close: Price) -> Option<Ratio> {
        let first2 = first_close.units().checked_mul(2).filter(|twice| *twice > 0);
        let (mark2, close2) = (self.last?.0, self.close2.or(first2)?);
        Ratio::of(close2.saturating_sub(mark2), close2)
    }
}
