//! From one reading to an alarm: a value against its limit, m times of n, and what stands still
//! meanwhile.

use serde::{Deserialize, Serialize};

/// A signal's value beside the limit it must not pass.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// The value, in the signal's unit.
    pub value: f64,
    /// The limit in the same unit; `None` while there is no baseline to derive it from.
    pub limit: Option<f64>,
}

impl Reading {
    /// Whether the value passes the limit. What is not finite always does: a comparison with NaN is
    /// false, and the unknown is danger.
    #[must_use]
    pub fn exceeded(&self) -> bool {
        !self.is_finite() || self.limit.is_some_and(|limit| self.value > limit || limit.is_nan())
    }

    /// Whether the value is a number at all.
    #[must_use]
    pub fn is_finite(&self) -> bool {
        self.value.is_finite()
    }
}

/// How persistent an excess must be: `m` of the last `n` readings, 1 ≤ m ≤ n ≤ 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Persistence {
    /// Readings above their limit that trip.
    pub m: u32,
    /// Readings that are looked back at.
    pub n: u32,
}

/// The excesses among the last 64 readings of one signal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExcessCounter {
    /// The newest reading is the lowest bit.
    history: u64,
}

impl ExcessCounter {
    /// Takes one reading in and tells whether the signal trips: at once where it is not finite, else
    /// when at least m of the last n readings exceeded their limit.
    ///
    /// # Panics
    /// Unless 1 ≤ m ≤ n ≤ 64.
    pub fn observe(&mut self, reading: &Reading, rule: Persistence) -> bool {
        let Persistence { m, n } = rule;
        assert!(1 <= m && m <= n && n <= u64::BITS, "{m} of {n} is no rule");
        self.history = self.history << 1 | u64::from(reading.exceeded());
        !reading.is_finite() || self.count(rule) >= m
    }

    /// How many of the last n readings exceeded their limit.
    ///
    /// # Panics
    /// Unless 1 ≤ n ≤ 64.
    #[must_use]
    pub fn count(&self, rule: Persistence) -> u32 {
        assert!(1 <= rule.n && rule.n <= u64::BITS, "the last {} are not kept", rule.n);
        (self.history & (u64::MAX >> (u64::BITS - rule.n))).count_ones()
    }
}

/// Holds a baseline still while its signal alarms, so that a crisis does not become the new normal;
/// but not for ever, or a new regime would be an alarm for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freeze {
    samples: u32,
}

impl Freeze {
    /// Whether the baseline must not learn from this sample: it alarms, and no more than `at_most`
    /// samples in a row have.
    pub fn holds(&mut self, alarmed: bool, at_most: u32) -> bool {
        self.samples = if alarmed { self.samples.saturating_add(1) } else { 0 };
        alarmed && self.samples <= at_most
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn reading(exceeds: bool) -> Reading {
        Reading { value: if exceeds { 2.0 } else { 0.0 }, limit: Some(1.0) }
    }

    #[test]
    fn what_is_not_finite_exceeds_and_trips_at_once() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            for limit in [None, Some(1.0), Some(f64::INFINITY)] {
                let unknown = Reading { value, limit };
                assert!(unknown.exceeded());
                assert!(ExcessCounter::default().observe(&unknown, Persistence { m: 3, n: 8 }));
            }
        }
        assert!(Reading { value: 0.0, limit: Some(f64::NAN) }.exceeded());
    }

    #[test]
    fn a_value_at_its_limit_or_without_one_does_not_exceed() {
        assert!(!Reading { value: 1.0, limit: Some(1.0) }.exceeded());
        assert!(!Reading { value: 1e300, limit: None }.exceeded());
    }

    #[test]
    fn an_unknown_reading_stays_in_the_history() {
        let rule = Persistence { m: 2, n: 3 };
        let mut counter = ExcessCounter::default();
        assert!(counter.observe(&Reading { value: f64::NAN, limit: None }, rule));
        assert!(!counter.observe(&reading(false), rule));
        assert!(counter.observe(&reading(true), rule));
    }

    #[test]
    #[should_panic(expected = "is no rule")]
    fn nought_of_n_is_no_rule() {
        ExcessCounter::default().observe(&reading(false), Persistence { m: 0, n: 8 });
    }

    #[test]
    fn a_freeze_ages_out_and_starts_again_after_a_calm_sample() {
        let mut freeze = Freeze::default();
        let held: Vec<bool> =
            [true, true, true, false, true].map(|alarmed| freeze.holds(alarmed, 2)).to_vec();
        assert_eq!(held, [true, true, false, false, true]);
    }

    proptest! {
        #[test]
        fn counts_like_a_list(
            excesses in prop::collection::vec(any::<bool>(), 1..200),
            n in 1u32..=64,
            m in 1u32..=64,
        ) {
            let rule = Persistence { m: m.min(n), n };
            let mut counter = ExcessCounter::default();
            for (t, &excess) in excesses.iter().enumerate() {
                let recent = &excesses[(t + 1).saturating_sub(n as usize)..=t];
                let count = recent.iter().filter(|&&e| e).count() as u32;
                prop_assert_eq!(counter.observe(&reading(excess), rule), count >= rule.m);
                prop_assert_eq!(counter.count(rule), count);
            }
        }
    }
}
