//! A liquidity crisis: a spread of more than k times what is normal (9.5).

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::counter::Reading;

/// When a spread is too wide.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SpreadRule {
    /// Quotes that are looked back at.
    pub window: usize,
    /// There is no limit with fewer valid spreads than this among them.
    pub min_history: usize,
    /// How many times the normal spread is too much (10).
    pub multiple: f64,
}

/// What the two best prices say about the market.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum QuoteState {
    /// Ask above bid.
    Ok,
    /// Ask at bid.
    Locked,
    /// Ask below bid: an alarm of its own.
    Crossed,
    /// A side is missing or no number: an alarm of its own.
    OneSided,
}

/// What one quote says.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SpreadReading {
    /// The state of the quote.
    pub state: QuoteState,
    /// (ask − bid)/|mid|; `None` with a side missing or no number.
    pub relative: Option<f64>,
    /// The median of the valid spreads in the window before this quote.
    pub normal: Option<f64>,
    /// The relative spread against its limit; `None` where the quote's state is the alarm.
    pub reading: Option<Reading>,
}

/// The relative spreads of the last quotes.
///
/// Their median is the normal spread: unlike a mean, it outlives the crisis itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Oldest first; `None` for a quote whose spread is not valid.
    recent: VecDeque<Option<f64>>,
}

impl Spread {
    /// Takes the next quote in, held against the quotes before it. Only a spread above 0 is valid and
    /// enters the normal one. A price that is not finite makes a reading of NaN.
    pub fn observe(&mut self, bid: Option<f64>, ask: Option<f64>, rule: &SpreadRule) -> SpreadReading {
        let quotient = bid.zip(ask).map(|(bid, ask)| (ask - bid) / (0.5 * (bid + ask)).abs());
        let relative = quotient.filter(|spread| spread.is_finite());
        let state = match relative {
            Some(spread) if spread > 0.0 => QuoteState::Ok,
            Some(0.0) => QuoteState::Locked,
            Some(_) => QuoteState::Crossed,
            None => QuoteState::OneSided,
        };
        let normal = self.normal(rule.min_history);
        let limit = normal.map(|normal| rule.multiple * normal);
        let broken = bid.into_iter().chain(ask).any(|price| !price.is_finite());
        let value = if broken { Some(f64::NAN) } else { quotient.filter(|_| state != QuoteState::Crossed) };
        let reading = value.map(|value| Reading { value, limit });
        self.recent.push_back(relative.filter(|_| state == QuoteState::Ok));
        while self.recent.len() > rule.window {
            self.recent.pop_front();
        }
        SpreadReading { state, relative, normal, reading }
    }

    /// The median of the valid spreads, if there are at least `min_history` (and one).
    fn normal(&self, min_history: usize) -> Option<f64> {
        let mut valid: Vec<f64> = self.recent.iter().copied().flatten().collect();
        if valid.is_empty() || valid.len() < min_history {
            return None;
        }
        let half = valid.len() / 2;
        let even = valid.len().is_multiple_of(2);
        let (below, &mut middle, _) = valid.select_nth_unstable_by(half, f64::total_cmp);
        if !even {
            return Some(middle);
        }
        let lower = below.iter().copied().max_by(f64::total_cmp)?;
        Some(0.5 * (lower + middle))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use support::golden;

    fn side(price: f64) -> Option<f64> {
        (!price.is_nan()).then_some(price)
    }

    /// The states' names in the vectors, hyphens and the like left out.
    fn letters(name: &str) -> String {
        name.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_lowercase()
    }

    #[test]
    fn golden_spread() {
        for case in golden::cases("16_").iter().filter(|c| c.inputs.get("bid").is_some()) {
            let rule = SpreadRule {
                window: case.number("window") as usize,
                min_history: case.number("min_history") as usize,
                multiple: case.number("multiple"),
            };
            let mut spread = Spread::default();
            let quotes = case.input("bid").into_iter().zip(case.input("ask"));
            let got: Vec<SpreadReading> =
                quotes.map(|(bid, ask)| spread.observe(side(bid), side(ask), &rule)).collect();
            let of = |f: fn(&SpreadReading) -> f64| got.iter().map(f).collect::<Vec<_>>();
            case.check("rel_spread", &of(|r| r.relative.unwrap_or(f64::NAN)));
            case.check("normal", &of(|r| r.normal.unwrap_or(f64::NAN)));
            let trips = of(|r| f64::from(u8::from(r.reading.is_some_and(|r| r.exceeded()))));
            case.check("trip", &trips);
            let states = case.expected["state"].as_array().expect("a list of states");
            for (t, (got, want)) in got.iter().zip(states).enumerate() {
                let want = letters(want.as_str().expect("a state"));
                assert_eq!(letters(&format!("{:?}", got.state)), want, "{}[{t}]", case.name);
            }
        }
    }

    const RULE: SpreadRule = SpreadRule { window: 5, min_history: 2, multiple: 10.0 };

    #[test]
    fn a_quote_without_a_sound_spread_does_not_count_as_normal() {
        let mut spread = Spread::default();
        let locked = spread.observe(Some(100.0), Some(100.0), &RULE);
        let crossed = spread.observe(Some(101.0), Some(100.0), &RULE);
        let one_sided = spread.observe(Some(101.0), None, &RULE);
        assert_eq!(locked.state, QuoteState::Locked);
        assert!(!locked.reading.expect("a spread of 0").exceeded());
        assert_eq!((crossed.state, crossed.reading), (QuoteState::Crossed, None));
        assert_eq!((one_sided.state, one_sided.reading), (QuoteState::OneSided, None));
        assert_eq!(spread.normal(0), None);
    }

    #[test]
    fn a_price_that_is_no_number_exceeds() {
        for price in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            for other in [None, Some(100.0)] {
                let quote = Spread::default().observe(Some(price), other, &RULE);
                assert_eq!(quote.state, QuoteState::OneSided);
                assert!(quote.reading.expect("a reading").exceeded());
            }
        }
        let zero = Spread::default().observe(Some(0.0), Some(0.0), &RULE);
        assert!(zero.reading.expect("a reading").exceeded());
    }

    proptest! {
        #[test]
        fn normal_is_the_median_of_the_window_before(
            ticks in prop::collection::vec(-1..20i32, 1..60),
        ) {
            let mut spread = Spread::default();
            let mut seen = Vec::new();
            for ticks in ticks {
                let ask = 100.0 + 0.01 * f64::from(ticks);
                let quote = spread.observe(Some(100.0), Some(ask), &RULE);
                let before = seen.len().saturating_sub(RULE.window);
                let mut valid: Vec<f64> = seen[before..].iter().copied().filter(|s| *s > 0.0).collect();
                valid.sort_by(f64::total_cmp);
                let n = valid.len();
                let median = (n >= RULE.min_history)
                    .then(|| 0.5 * (valid[(n - 1) / 2] + valid[n / 2]));
                prop_assert_eq!(quote.normal, median);
                seen.push(quote.relative.expect("two sides"));
            }
        }
    }
}
