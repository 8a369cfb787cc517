//! The ways to put an order to the market, each with its price and what it is expected to cost.

use market::book::Top;
use market::{Instrument, Price, Side};
use synapse::{Style, StyleForecast};

/// What an order meets.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// The facts of the instrument.
    pub instrument: &'a Instrument,
    /// The side of the order.
    pub side: Side,
    /// Where it trades.
    pub venue: Venue,
    /// What taking all of the order at once moves the price by (42), bp; absent where that is not
    /// known.
    pub impact_bp: Option<f64>,
    /// How many ticks beyond the opposite best a taking order may go.
    pub reach_ticks: u32,
}

/// Where an order trades.
#[derive(Debug, Clone, Copy)]
pub enum Venue {
    /// In a book with both sides.
    Book(Top),
    /// Around a mark, where there is no book: only bars or trades.
    Mark {
        /// Twice the mark.
        mark2: i64,
        /// What a market order pays beyond the mark, bp.
        half_spread_bp: f64,
    },
}

impl Venue {
    /// The mid, or the mark; none where it is not a price.
    pub(crate) fn mid(&self) -> Option<f64> {
        let mid2 = match self {
            Self::Book(top) => top.mid2(),
            Self::Mark { mark2, .. } => *mark2,
        };
        (mid2 > 0).then_some(mid2 as f64 / 2e9)
    }

    /// Half the spread, that of a tick at least.
    pub(crate) fn half_spread(&self, tick: Price) -> f64 {
        let half_spread = match self {
            Self::Book(top) => 0.5 * top.spread().to_f64(),
            Self::Mark { half_spread_bp, .. } => self.mid().unwrap_or(0.0) * half_spread_bp / 1e4,
        };
        half_spread.max(0.5 * tick.to_f64())
    }
}

/// The styles possible now, the most aggressive first.
///
/// *Market* takes from the opposite best on, a few ticks deep, for the best may be less than is
/// wanted, or gone on arrival: half the spread, the impact, the taker's fee. Without a forecast of
/// impact it is not offered. *Inside* rests one tick better than the own best, strictly
/// between both, and *at touch* on the own best: what they gain on the mid is a negative slippage,
/// they move nothing, and pay the maker's fee. Neither is offered where it would trade at once.
/// Without a book a market order names no price, and *at touch* is a limit at the mark.
///
/// Every price is a whole number of ticks: where a best is not, the price of a resting order is
/// rounded away from the market, that of a taking one towards it.
#[must_use]
pub fn styles(scene: &Scene<'_>) -> Vec<StyleForecast> {
    match scene.venue {
        Venue::Book(top) => in_book(scene, top),
        Venue::Mark { mark2, half_spread_bp } => around_mark(scene, mark2, half_spread_bp),
    }
}

fn in_book(scene: &Scene<'_>, top: Top) -> Vec<StyleForecast> {
    let (side, mid2, tick) = (scene.side, top.mid2(), scene.instrument.tick);
    if mid2 <= 0 || top.spread() < Price::ZERO {
        return Vec::new();
    }
    let (own, opposite) = (top.side(side).price, top.side(side.opposite()).price);
    let market = rounded(opposite, tick, side)
        .and_then(|best| beyond(best, tick, side, scene.reach_ticks))
        .and_then(|limit| scene.taking(limit, distance_bp(side, opposite, mid2)));
    let rests = |price: &Price| !side.reaches(*price, opposite);
    let touch = rounded(own, tick, side.opposite()).filter(rests);
    let inside = touch
        .and_then(|price| beyond(price, tick, side, 1))
        .filter(|price| rests(price) && side.better(*price, own));
    let resting = |style, price| scene.resting(style, price, distance_bp(side, price, mid2));
    market
        .into_iter()
        .chain(inside.map(|price| resting(Style::Inside, price)))
        .chain(touch.map(|price| resting(Style::AtTouch, price)))
        .collect()
}

fn around_mark(scene: &Scene<'_>, mark2: i64, half_spread_bp: f64) -> Vec<StyleForecast> {
    if mark2 <= 0 {
        return Vec::new();
    }
    let side = scene.side;
    let market = scene.taking(Price::ZERO, half_spread_bp);
    let touch = rounded(Price::from_units(mark2 / 2), scene.instrument.tick, side.opposite());
    let resting = |price| scene.resting(Style::AtTouch, price, distance_bp(side, price, mark2));
    market.into_iter().chain(touch.map(resting)).collect()
}

impl Scene<'_> {
    fn taking(&self, price: Price, slippage_bp: f64) -> Option<StyleForecast> {
        let fee_bp = self.instrument.taker_fee_bp.to_f64();
        self.impact_bp.map(|impact_bp| StyleForecast {
            style: Style::Market,
            price,
            slippage_bp,
            impact_bp,
            correction_bp: 0.0,
            fee_bp,
        })
    }

    fn resting(&self, style: Style, price: Price, slippage_bp: f64) -> StyleForecast {
        let fee_bp = self.instrument.maker_fee_bp.to_f64();
        StyleForecast { style, price, slippage_bp, impact_bp: 0.0, correction_bp: 0.0, fee_bp }
    }
}

/// What a fill at `price` is worse than the mid, bp; negative where it is better.
fn distance_bp(side: Side, price: Price, mid2: i64) -> f64 {
    let beyond = 2 * i128::from(price.units()) - i128::from(mid2);
    1e4 * (i128::from(side.sign()) * beyond) as f64 / mid2 as f64
}

/// The price in whole ticks, rounded the way a more aggressive order of `towards` goes: up for a
/// buy, down for a sell. None where there is no positive one.
fn rounded(price: Price, tick: Price, towards: Side) -> Option<Price> {
    let below = price.floor_to(tick);
    let whole = match towards {
        Side::Buy if below < price => below.checked_add(tick)?,
        _ => below,
    };
    whole.is_positive().then_some(whole)
}

/// The price so many ticks more aggressive; none where there is no positive one.
fn beyond(price: Price, tick: Price, side: Side, ticks: u32) -> Option<Price> {
    let by = Price::from_units(tick.units().checked_mul(i64::from(ticks))?);
    match side {
        Side::Buy => price.checked_add(by),
        Side::Sell => price.checked_sub(by),
    }
    .filter(|price| price.is_positive())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use scenes::{instrument, top};

    fn scene(instrument: &Instrument, side: Side, top: Top) -> Scene<'_> {
        Scene { instrument, side, venue: Venue::Book(top), impact_bp: Some(2.0), reach_ticks: 0 }
    }

    /// Style, price and slippage in bp of the styles in a book.
    fn told(side: Side, bid: i64, ask: i64) -> Vec<(Style, String, f64)> {
        let instrument = instrument();
        let styles = styles(&scene(&instrument, side, top(bid, ask)));
        styles.iter().map(|s| (s.style, s.price.to_string(), s.slippage_bp)).collect()
    }

    #[test]
    fn each_style_has_its_price() {
        // a mid of 100, ticks of 0.01: a bp of it is one tick
        assert_eq!(
            told(Side::Buy, 99_980_000_000, 100_020_000_000),
            [
                (Style::Market, "100.02".into(), 2.0),
                (Style::Inside, "99.99".into(), -1.0),
                (Style::AtTouch, "99.98".into(), -2.0),
            ]
        );
        assert_eq!(
            told(Side::Sell, 99_980_000_000, 100_020_000_000),
            [
                (Style::Market, "99.98".into(), 2.0),
                (Style::Inside, "100.01".into(), -1.0),
                (Style::AtTouch, "100.02".into(), -2.0),
            ]
        );
    }

    #[test]
    fn a_spread_of_one_tick_has_no_inside() {
        let styles = told(Side::Buy, 99_990_000_000, 100_000_000_000);
        assert_eq!(styles.iter().map(|s| s.0).collect::<Vec<_>>(), [Style::Market, Style::AtTouch]);
    }

    #[test]
    fn a_locked_book_can_only_be_taken_and_a_crossed_one_not_even_that() {
        assert_eq!(told(Side::Sell, 100_000_000_000, 100_000_000_000), [(Style::Market, "100".into(), 0.0)]);
        assert_eq!(told(Side::Buy, 100_010_000_000, 100_000_000_000), []);
    }

    #[test]
    fn fees_and_impact_are_those_of_taker_and_maker() {
        let instrument = instrument();
        let styles = styles(&scene(&instrument, Side::Buy, top(99_980_000_000, 100_020_000_000)));
        assert_eq!((styles[0].impact_bp, styles[0].fee_bp), (2.0, 3.0));
        assert!(styles[1..].iter().all(|s| (s.impact_bp, s.fee_bp) == (0.0, -0.5)));
        assert_eq!(styles[0].cost_bp(), 7.0);
    }

    #[test]
    fn an_unknown_impact_is_not_taken() {
        let instrument = instrument();
        let scene =
            Scene { impact_bp: None, ..scene(&instrument, Side::Buy, top(99_980_000_000, 100_020_000_000)) };
        assert!(styles(&scene).iter().all(|s| s.style != Style::Market));
    }

    #[test]
    fn a_taking_order_may_reach_beyond_the_best() {
        let instrument = instrument();
        for (side, price) in [(Side::Buy, "100.04"), (Side::Sell, "99.96")] {
            let scene =
                Scene { reach_ticks: 2, ..scene(&instrument, side, top(99_980_000_000, 100_020_000_000)) };
            let market = styles(&scene)[0];
            assert_eq!((market.style, market.price.to_string().as_str()), (Style::Market, price));
            assert!((market.slippage_bp - 2.0).abs() < 1e-9, "the best is what it expects to pay");
        }
    }

    #[test]
    fn without_a_book_the_mark_is_the_market() {
        let instrument = instrument();
        let around = |side, mark2| {
            let venue = Venue::Mark { mark2, half_spread_bp: 1.5 };
            let scene = Scene { instrument: &instrument, side, venue, impact_bp: Some(2.0), reach_ticks: 2 };
            styles(&scene).iter().map(|s| (s.style, s.price.to_string(), s.slippage_bp)).collect::<Vec<_>>()
        };
        let market = (Style::Market, "0".to_owned(), 1.5);
        assert_eq!(around(Side::Buy, 200_010_000_000)[0], market);
        assert_eq!(around(Side::Buy, 200_010_000_000)[1].1, "100");
        assert_eq!(around(Side::Sell, 200_010_000_000)[1].1, "100.01");
        assert!(around(Side::Sell, 200_010_000_000)[1].2 < 0.0);
        assert_eq!(around(Side::Buy, 2), [market], "a mark below the tick has no limit to buy at");
        assert_eq!(around(Side::Buy, 0), []);
    }

    proptest! {
        #[test]
        fn prices_are_whole_ticks_and_resting_ones_rest(
            bid in 1i64..i64::MAX / 2,
            spread in prop_oneof![0i64..50_000_000, any::<i64>()],
            buy: bool,
        ) {
            let (instrument, side) = (instrument(), if buy { Side::Buy } else { Side::Sell });
            let top = top(bid, bid.saturating_add(spread));
            let opposite = top.side(side.opposite()).price;
            let styles = styles(&scene(&instrument, side, top));
            for s in &styles {
                prop_assert!(s.price.is_positive());
                prop_assert_eq!(s.price.units() % instrument.tick.units(), 0);
                prop_assert!(s.cost_bp().is_finite());
                prop_assert_eq!(side.reaches(s.price, opposite), s.style == Style::Market);
            }
            let prices: Vec<i64> = styles.iter().map(|s| s.price.units() * side.sign()).collect();
            prop_assert!(prices.is_sorted_by(|a, b| a > b), "the most aggressive stands first");
        }
    }
}
