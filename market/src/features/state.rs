//! Features kept up incrementally, for one instrument.

use serde::{Deserialize, Serialize};

use super::flow::{OrderFlow, TradeFlow};
use super::{Feature, FeatureVector};
use crate::book::{Applied, Book, BookState, Level, Top};
use crate::event::{EventKind, MarketEvent};
use crate::instrument::Side;
use crate::num::Quantity;

/// Over how many regular samples the realised volatility is taken: a minute at 250 ms.
pub const VOLATILITY_SAMPLES: usize = 240;
const BP: f64 = 10_000.0;
/// The deepest imbalance.
const DEPTH: usize = 10;

/// What the features of one instrument need of the past.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct FeatureState {
    order_flow: OrderFlow,
    trade_flow: TradeFlow,
    /// At the last regular sample.
    mid: Option<f64>,
    /// At the last regular sample.
    microprice: Option<f64>,
    /// Squared returns of the mid, bp², of the last regular samples; a ring once it is full.
    squares: Vec<Option<f64>>,
    /// Where the ring's oldest entry stands.
    oldest: usize,
}

impl FeatureState {
    /// Takes note of an event that the book has answered.
    pub fn on_event(&mut self, book: &Book, event: &MarketEvent, applied: Applied) {
        self.order_flow.on_top(book.top());
        if !applied.is_done() {
            return;
        }
        match &event.kind {
            EventKind::Trade { quantity, aggressor, .. } => self.trade_flow.on_trade(*quantity, *aggressor),
            EventKind::Bar(bar) => self.trade_flow.on_trade(bar.volume, None),
            EventKind::Gap => self.trade_flow.on_gap(),
            _ => {}
        }
    }

    /// The features at a regular sample, which closes the interval since the last.
    pub fn sample(&mut self, book: &Book, inventory: Quantity) -> FeatureVector {
        let now = Prices::of(book);
        let square = self.return_mid(now).map(|r| r * r);
        let features = self.peek(book, inventory);
        if self.squares.len() < VOLATILITY_SAMPLES {
            self.squares.push(square);
        } else {
            self.squares[self.oldest] = square;
            self.oldest = (self.oldest + 1) % VOLATILITY_SAMPLES;
        }
        self.mid = now.mid;
        self.microprice = now.microprice;
        self.order_flow.close();
        self.trade_flow.close();
        features
    }

    /// What [`FeatureState::sample`] would give, without a change.
    pub fn peek(&self, book: &Book, inventory: Quantity) -> FeatureVector {
        use Feature as F;
        let now = Prices::of(book);
        let return_mid = self.return_mid(now);
        let mut features = FeatureVector::default();
        let mut set = |feature, value: Option<f64>| features[feature] = value.map(|v| v as f32);
        set(F::Mid, now.mid);
        set(F::Microprice, now.microprice);
        set(F::ReturnMid, return_mid);
        set(F::ReturnMicro, log_return(now.microprice, self.microprice));
        set(F::RealisedVol, self.realised_vol(return_mid));
        set(F::OrderFlowImbalance, self.order_flow.value());
        set(F::TradeFlow, self.trade_flow.flow());
        set(F::Volume, self.trade_flow.volume());
        set(F::Inventory, Some(inventory.to_f64()));
        if let Some(top) = book.top() {
            set(F::Spread, Some(top.spread().to_f64()));
            set(F::SpreadBp, spread_bp(top));
            let [one, five, ten] = imbalances(book);
            set(F::Imbalance1, one);
            set(F::Imbalance5, five);
            set(F::Imbalance10, ten);
        }
        features
    }

    fn return_mid(&self, now: Prices) -> Option<f64> {
        log_return(now.mid, self.mid)
    }

    /// The root of the mean square return, with `newest` in the place of the oldest. Summed anew
    /// each time, so that it neither drifts nor falls below 0.
    fn realised_vol(&self, newest: Option<f64>) -> Option<f64> {
        let (recent, earlier) = self.squares.split_at(self.oldest);
        let dropped = usize::from(self.squares.len() == VOLATILITY_SAMPLES);
        let kept = earlier.iter().chain(recent).skip(dropped).copied();
        let (mut sum, mut count) = (0.0, 0_u32);
        for square in kept.chain([newest.map(|r| r * r)]).flatten() {
            sum += square;
            count += 1;
        }
        (count > 0).then(|| (sum / f64::from(count)).sqrt())
    }
}

/// The prices of which returns are taken.
#[derive(Debug, Clone, Copy)]
struct Prices {
    mid: Option<f64>,
    microprice: Option<f64>,
}

impl Prices {
    fn of(book: &Book) -> Self {
        let synthetic = || {
            let trade = book.last_trade()?;
            (book.state() == BookState::Synthetic).then(|| trade.price.to_f64())
        };
        Self {
            mid: book.top().map(|top| top.mid_f64()).or_else(synthetic),
            microprice: book.top().map(|top| top.microprice_f64()),
        }
    }
}

/// In bp; `None` where a price is absent or has no logarithm.
fn log_return(now: Option<f64>, before: Option<f64>) -> Option<f64> {
    let (now, before) = (now.filter(|p| *p > 0.0)?, before.filter(|p| *p > 0.0)?);
    Some(BP * libm::log(now / before))
}

fn spread_bp(top: Top) -> Option<f64> {
    let mid = top.mid_f64();
    (mid > 0.0).then(|| BP * top.spread().to_f64() / mid)
}

/// Over the best 1, 5 and 10 levels.
fn imbalances(book: &Book) -> [Option<f64>; 3] {
    let mut levels = [[Level::default(); DEPTH]; 2];
    for side in Side::BOTH {
        book.levels(side, &mut levels[side as usize]);
    }
    [1, 5, DEPTH].map(|depth| {
        let total = |side: Side| -> i128 {
            levels[side as usize][..depth].iter().map(|level| i128::from(level.quantity.units())).sum()
        };
        let (bids, asks) = (total(Side::Buy), total(Side::Sell));
        let both = bids + asks;
        (both > 0).then(|| (bids - asks) as f64 / both as f64)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Bar, LevelChange, SourceId};
    use crate::instrument::InstrumentId;
    use crate::num::{Price, SCALE};
    use crate::time::Timestamp;

    /// A book and its features.
    struct Desk {
        book: Book,
        state: FeatureState,
    }

    impl Desk {
        fn new() -> Self {
            Self { book: Book::new(0), state: FeatureState::default() }
        }

        fn tell(&mut self, kind: EventKind) -> &mut Self {
            let time = Timestamp::from_ns(9);
            let (instrument, source) = (InstrumentId(0), SourceId(0));
            let event = MarketEvent { instrument, time, source, position: 1, kind };
            let applied = self.book.apply(&event);
            self.state.on_event(&self.book, &event, applied);
            self
        }

        fn quote(&mut self, bid: (i64, i64), ask: (i64, i64)) -> &mut Self {
            self.tell(EventKind::Quote {
                bid: (price(bid.0), whole(bid.1)),
                ask: (price(ask.0), whole(ask.1)),
            })
        }

        fn trade(&mut self, quantity: i64, aggressor: Option<Side>) -> &mut Self {
            self.tell(EventKind::Trade {
                price: price(100),
                quantity: whole(quantity),
                aggressor,
                maker: None,
            })
        }

        fn sample(&mut self) -> FeatureVector {
            let peeked = self.state.peek(&self.book, Quantity::ZERO);
            let sampled = self.state.sample(&self.book, Quantity::ZERO);
            assert_eq!(peeked, sampled);
            assert!(sampled.0.iter().all(|value| value.is_none_or(f32::is_finite)));
            sampled
        }

        fn sampled(&mut self, feature: Feature) -> Option<f32> {
            self.sample()[feature]
        }
    }

    fn price(of: i64) -> Price {
        Price::from_units(of * SCALE)
    }

    fn whole(of: i64) -> Quantity {
        Quantity::from_units(of * SCALE)
    }

    /// A quote, and who took how much at it: bid and ask as (price, quantity).
    type Moment = ((i64, i64), (i64, i64), i64, Option<Side>);

    /// What is sampled of these moments with a position, and of their mirror images about 100 with the opposite one.
    fn with_mirror(moments: &[Moment], position: i64) -> [FeatureVector; 2] {
        let [mut plain, mut mirror] = [Desk::new(), Desk::new()];
        let turned = |(price, quantity): (i64, i64)| (200 - price, quantity);
        let mut last = [FeatureVector::default(); 2];
        for &(bid, ask, quantity, aggressor) in moments {
            plain.quote(bid, ask).trade(quantity, aggressor);
            mirror.quote(turned(ask), turned(bid)).trade(quantity, aggressor.map(Side::opposite));
            let whole = [whole(position), -whole(position)];
            last = [plain.state.sample(&plain.book, whole[0]), mirror.state.sample(&mirror.book, whole[1])];
        }
        last
    }

    #[test]
    fn in_the_mirror_odd_features_change_their_sign_and_the_others_stay() {
        let moments = [
            ((98, 3), (101, 2), 1, Some(Side::Buy)),
            ((99, 5), (101, 2), 2, Some(Side::Sell)),
            ((99, 4), (102, 7), 3, Some(Side::Buy)),
        ];
        let [plain, mirror] = with_mirror(&moments, 2);
        for spec in &crate::features::FEATURES {
            // prices themselves are mirrored about 100, and shares of the mid a little by that
            let is_price = matches!(spec.feature, Feature::Mid | Feature::Microprice);
            let (a, b) = (plain[spec.feature].expect("known"), mirror[spec.feature].expect("known"));
            let want = if is_price {
                200.0 - a
            } else if spec.feature.is_odd() {
                -a
            } else {
                a
            };
            assert!(a != 0.0, "{}: nothing would show", spec.name);
            assert!((b - want).abs() <= 0.02 * want.abs(), "{}: {b} for {a}", spec.name);
        }
    }

    #[test]
    fn nothing_known_is_absent() {
        let features = Desk::new().sample();
        let present: Vec<&str> = crate::features::FEATURES
            .iter()
            .zip(features.0)
            .filter(|(_, v)| v.is_some())
            .map(|(s, _)| s.name)
            .collect();
        assert_eq!(present, ["inventory"]);
    }

    #[test]
    fn order_flow_counts_what_comes_and_goes_at_the_best() {
        let mut desk = Desk::new();
        let flow = Feature::OrderFlowImbalance;
        desk.quote((99, 5), (101, 7));
        assert_eq!(desk.sampled(flow), Some(0.0), "the first top is no change");
        desk.quote((99, 8), (101, 7));
        assert_eq!(desk.sampled(flow), Some(3.0));
        desk.quote((100, 2), (101, 7)).quote((99, 8), (101, 7));
        assert_eq!(desk.sampled(flow), Some(0.0), "2 came at a better price and went");
        desk.quote((99, 8), (102, 4));
        assert_eq!(desk.sampled(flow), Some(7.0), "all 7 offered are gone");
        desk.quote((99, 8), (101, 3));
        assert_eq!(desk.sampled(flow), Some(-3.0));
        desk.quote((99, 8), (0, 0));
        assert_eq!(desk.sampled(flow), None);
        desk.quote((99, 8), (101, 3));
        assert_eq!(desk.sampled(flow), None, "the interval began without a top");
        assert_eq!(desk.sampled(flow), Some(0.0));
    }

    #[test]
    fn trade_flow_needs_an_aggressor_and_volume_does_not() {
        let mut desk = Desk::new();
        let told = |desk: &mut Desk| {
            let features = desk.sample();
            (features[Feature::TradeFlow], features[Feature::Volume])
        };
        desk.quote((99, 5), (101, 7));
        assert_eq!(told(&mut desk), (None, None), "no trade yet");
        desk.trade(3, Some(Side::Buy)).trade(4, Some(Side::Sell));
        assert_eq!(told(&mut desk), (Some(-1.0), Some(7.0)));
        assert_eq!(told(&mut desk), (Some(0.0), Some(0.0)));
        desk.trade(2, None).trade(1, Some(Side::Buy));
        assert_eq!(told(&mut desk), (None, Some(3.0)));
        desk.trade(0, Some(Side::Buy));
        assert_eq!(told(&mut desk), (Some(0.0), Some(0.0)), "a refused trade is none");
        desk.trade(2, Some(Side::Buy)).tell(EventKind::Gap);
        assert_eq!(told(&mut desk), (None, None), "who knows what was missed");
    }

    #[test]
    fn returns_span_regular_samples_with_a_price_at_both_ends() {
        let mut desk = Desk::new();
        desk.quote((99, 5), (101, 5));
        let first = desk.sample();
        assert_eq!((first[Feature::ReturnMid], first[Feature::RealisedVol]), (None, None));
        desk.quote((100, 5), (102, 5));
        let bp = (BP * libm::log(101.0 / 100.0)) as f32;
        assert_eq!(desk.sampled(Feature::ReturnMid), Some(bp));
        desk.tell(EventKind::Gap);
        let lost = desk.sample();
        assert_eq!((lost[Feature::Mid], lost[Feature::ReturnMid]), (None, None));
        assert_eq!(lost[Feature::RealisedVol], Some(bp), "of the returns there are");
        desk.quote((100, 5), (102, 5));
        assert_eq!(desk.sampled(Feature::ReturnMid), None);
        assert_eq!(desk.sampled(Feature::ReturnMicro), Some(0.0));
    }

    #[test]
    fn volatility_forgets_what_is_older_than_its_window() {
        let mut desk = Desk::new();
        desk.quote((99, 5), (101, 5)).sample();
        desk.quote((199, 5), (201, 5)).sample();
        for _ in 1..VOLATILITY_SAMPLES - 1 {
            assert!(desk.sampled(Feature::RealisedVol) > Some(0.0));
        }
        assert!(desk.sampled(Feature::RealisedVol) > Some(0.0));
        assert_eq!(desk.sampled(Feature::RealisedVol), Some(0.0));
    }

    #[test]
    fn imbalance_is_of_the_levels_there_are() {
        let mut desk = Desk::new();
        let level = |side, at, quantity| LevelChange { side, price: price(at), quantity: whole(quantity) };
        let mut levels = vec![level(Side::Buy, 99, 3)];
        levels.extend((101..113).map(|at| level(Side::Sell, at, 1)));
        desk.tell(EventKind::Snapshot(levels.into()));
        let features = desk.sample();
        let imbalances =
            [Feature::Imbalance1, Feature::Imbalance5, Feature::Imbalance10].map(|f| features[f]);
        assert_eq!(imbalances, [Some(0.5), Some(-0.25), Some((-7.0_f64 / 13.0) as f32)]);
        assert_eq!(features[Feature::Spread], Some(2.0));
        assert_eq!(features[Feature::SpreadBp], Some(200.0));
        assert_eq!(features[Feature::Microprice], Some(100.5));
    }

    #[test]
    fn bars_give_a_mid_and_no_spread() {
        let mut desk = Desk::new();
        for close in [100, 101] {
            let (open_time, volume) = (Timestamp::from_ns(0), whole(6));
            let (open, high, low, close) = (price(100), price(101), price(100), price(close));
            desk.sample();
            desk.tell(EventKind::Bar(Bar { open_time, open, high, low, close, volume }));
        }
        let features = desk.sample();
        assert_eq!(features[Feature::Mid], Some(101.0));
        assert_eq!(features[Feature::Volume], Some(6.0));
        assert!(features[Feature::ReturnMid] > Some(99.0));
        for absent in [Feature::Spread, Feature::Microprice, Feature::Imbalance1, Feature::TradeFlow] {
            assert_eq!(features[absent], None, "{absent:?}");
        }
        assert_eq!(features[Feature::OrderFlowImbalance], None);
    }
}
