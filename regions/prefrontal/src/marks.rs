//! The price of each of the last seconds, for rules that look at volatility or a mean price over a window.

use std::collections::VecDeque;

use market::{Price, Timestamp};
use serde::{Deserialize, Serialize};

const SECOND_NS: i64 = 1_000_000_000;

/// The last mark in each of the last seconds of one instrument.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    /// Twice the mark at the end of each second, oldest first; the last second is not over.
    seconds: VecDeque<i64>,
    last: i64,
}

impl Marks {
    /// Notes twice the mark at a moment; as many seconds are kept.
    pub fn note(&mut self, now: Timestamp, mark2: i64, kept: usize) {
        if kept == 0 {
            return;
        }
        let second = now.ns().div_euclid(SECOND_NS);
        let passed = second.saturating_sub(self.last);
        match self.seconds.back().copied() {
            Some(before) if (1..=kept as i64).contains(&passed) => {
                // a second without a sample ends as the one before
                self.seconds.extend((1..passed).map(|_| before));
                self.seconds.push_back(mark2);
            }
            Some(_) if passed <= 0 => {
                if let Some(newest) = self.seconds.back_mut() {
                    *newest = mark2;
                }
            }
            _ => {
                self.seconds.clear();
                self.seconds.push_back(mark2);
            }
        }
        self.last = self.last.max(second);
        while self.seconds.len() > kept {
            self.seconds.pop_front();
        }
    }

    /// The marks of a window that ends now, the one before it included.
    fn window(&self, seconds: usize) -> Option<impl Iterator<Item = i64>> {
        let from = self.seconds.len().checked_sub(seconds + 1)?;
        Some(self.seconds.iter().skip(from).copied())
    }

    /// The standard deviation of a return over so many seconds, bp: the root of the sum of the squares of the
    /// seconds' returns. None before the window is full, or where a mark is not positive.
    pub fn volatility_bp(&self, seconds: usize) -> Option<f64> {
        let mut marks = self.window(seconds)?;
        let mut before = marks.next().filter(|mark2| *mark2 > 0)? as f64;
        let mut sum = 0.0;
        for mark2 in marks {
            let mark = mark2 as f64;
            let change = mark / before - 1.0;
            sum += change * change;
            before = mark;
        }
        let volatility_bp = libm::sqrt(sum) * 1e4;
        volatility_bp.is_finite().then_some(volatility_bp)
    }

    /// The mean of the marks of so many seconds, rounded down; none before the window is full.
    pub fn mean_price(&self, seconds: usize) -> Option<Price> {
        let sum: i128 = self.window(seconds)?.skip(1).map(i128::from).sum();
        let mean = sum.div_euclid(2 * seconds.max(1) as i128);
        i64::try_from(mean).ok().map(Price::from_units)
    }

    /// The lowest of the marks of so many seconds, rounded down; none before the window is full.
    pub fn lowest_price(&self, seconds: usize) -> Option<Price> {
        self.window(seconds)?.skip(1).min().map(|twice| Price::from_units(twice.div_euclid(2)))
    }

    /// The highest of them, rounded up.
    pub fn highest_price(&self, seconds: usize) -> Option<Price> {
        self.window(seconds)?.skip(1).max().map(|twice| Price::from_units(-(-twice).div_euclid(2)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_ns(ms * 1_000_000)
    }

    fn marks(kept: usize, noted: &[(i64, i64)]) -> Marks {
        let mut marks = Marks::default();
        noted.iter().for_each(|(ms, mark2)| marks.note(at(*ms), *mark2, kept));
        marks
    }

    #[test]
    fn a_window_must_be_full_first() {
        let two = marks(8, &[(0, 200), (1_000, 202)]);
        assert_eq!(two.mean_price(2), None);
        assert_eq!(two.mean_price(1), Some(Price::from_units(101)));
        assert!((two.volatility_bp(1).expect("two marks") - 100.0).abs() < 1e-9);
        assert_eq!(marks(0, &[(0, 200)]), Marks::default(), "nothing asks for it");
    }

    #[test]
    fn a_second_ends_with_its_last_mark_and_one_without_a_sample_as_the_one_before() {
        let some = marks(8, &[(0, 150), (900, 200), (3_100, 400)]);
        assert_eq!(some, marks(8, &[(0, 200), (1_500, 200), (2_000, 200), (3_000, 100), (3_999, 400)]));
        assert_eq!(some.mean_price(3), Some(Price::from_units((100 + 100 + 200) / 3)));
        assert_eq!(some.lowest_price(3), Some(Price::from_units(100)));
        assert_eq!(some.highest_price(2), Some(Price::from_units(200)));
        assert_eq!(some.highest_price(4), None);
    }

    #[test]
    fn what_is_older_than_is_kept_is_forgotten() {
        let many: Vec<(i64, i64)> = (0..50).map(|second| (second * 1_000, 200 + second)).collect();
        let kept = marks(4, &many);
        assert_eq!(kept.mean_price(3), Some(Price::from_units(248 / 2)));
        assert_eq!(kept.mean_price(4), None);
        let after_a_pause = marks(4, &[(0, 200), (60_000, 300)]);
        assert_eq!(after_a_pause, marks(4, &[(60_000, 300)]));
    }

    #[test]
    fn what_is_no_price_has_no_volatility() {
        assert_eq!(marks(4, &[(0, 0), (1_000, 200)]).volatility_bp(1), None);
    }
}
