//! The price stream t: the last state of an instrument as a list of well-scaled numbers.
//!
//! The market's features already say what is known; the price itself has no scale that a rule could
//! use, and flows have heavy tails, so they are compressed. What is absent or not finite is 0 here:
//! that a value of the market is not finite is the amygdala's affair (R5).

use market::Instrument;
use market::features::Feature;
use synapse::Sensed;

/// The magnitude to which every number is clamped: far beyond any market, so that whatever a feed
/// says, the fused state is finite.
const LARGEST: f64 = 1e6;

/// One number of the price stream.
#[derive(Debug, Clone, Copy)]
pub struct PriceNumber {
    /// Its name.
    pub name: &'static str,
    /// Whether it changes its sign when buyers and sellers change places.
    pub is_odd: bool,
    of: fn(&Sensed, &Instrument) -> Option<f64>,
}

const fn odd(name: &'static str, of: fn(&Sensed, &Instrument) -> Option<f64>) -> PriceNumber {
    PriceNumber { name, is_odd: true, of }
}

const fn even(name: &'static str, of: fn(&Sensed, &Instrument) -> Option<f64>) -> PriceNumber {
    PriceNumber { name, is_odd: false, of }
}

/// The price stream, in order.
pub const PRICE: [PriceNumber; 12] = [
    odd("return_mid", |sensed, _| feature(sensed, Feature::ReturnMid)),
    odd("return_micro", |sensed, _| feature(sensed, Feature::ReturnMicro)),
    // from the top of the book, whose prices have more digits than the features
    odd("micro_edge_bp", |sensed, _| sensed.top?.micro_edge_bp()),
    even("spread_bp", |sensed, _| feature(sensed, Feature::SpreadBp)),
    odd("imbalance_1", |sensed, _| feature(sensed, Feature::Imbalance1)),
    odd("imbalance_5", |sensed, _| feature(sensed, Feature::Imbalance5)),
    odd("imbalance_10", |sensed, _| feature(sensed, Feature::Imbalance10)),
    odd("order_flow_imbalance", |sensed, _| feature(sensed, Feature::OrderFlowImbalance).map(signed_log)),
    odd("trade_flow", |sensed, _| feature(sensed, Feature::TradeFlow).map(signed_log)),
    even("realised_vol", |sensed, _| feature(sensed, Feature::RealisedVol)),
    even("volume", |sensed, _| feature(sensed, Feature::Volume).map(signed_log)),
    odd("inventory_share", inventory_share),
];

/// The names of the first `count` of [`PRICE`].
#[must_use]
pub fn names(count: usize) -> Vec<String> {
    PRICE.iter().take(count).map(|number| number.name.to_owned()).collect()
}

/// Writes the price stream of a sample, one number each of [`PRICE`].
///
/// # Panics
/// If `t` is shorter or longer.
pub fn write(sensed: &Sensed, instrument: &Instrument, t: &mut [f32]) {
    assert_eq!(t.len(), PRICE.len(), "one number each");
    for (t, number) in t.iter_mut().zip(&PRICE) {
        let known = (number.of)(sensed, instrument).filter(|value| !value.is_nan());
        *t = known.map_or(0.0, |value| value.clamp(-LARGEST, LARGEST) as f32);
    }
}

fn feature(sensed: &Sensed, feature: Feature) -> Option<f64> {
    sensed.features[feature].filter(|value| value.is_finite()).map(f64::from)
}

/// sign(x)·ln(1 + |x|).
fn signed_log(x: f64) -> f64 {
    libm::log1p(x.abs()).copysign(x)
}

/// The position at the mark, as a share of the reference notional.
fn inventory_share(sensed: &Sensed, instrument: &Instrument) -> Option<f64> {
    let worth = sensed.account.position.to_f64() * sensed.mark()? * instrument.multiplier.to_f64();
    Some(worth / instrument.reference_notional.to_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use market::Quantity;
    use market::features::FeatureVector;
    use scenes::{instrument, sensed};

    fn written(sensed: &Sensed) -> [f32; PRICE.len()] {
        let mut t = [9.0; PRICE.len()];
        write(sensed, &instrument(), &mut t);
        t
    }

    fn number(sensed: &Sensed, name: &str) -> f32 {
        let place = PRICE.iter().position(|n| n.name == name).expect("a price number of this name");
        written(sensed)[place]
    }

    #[test]
    fn names_are_unique() {
        for (at, number) in PRICE.iter().enumerate() {
            assert!(PRICE[..at].iter().all(|other| other.name != number.name));
        }
    }

    #[test]
    fn each_number_is_its_formula() {
        let mut sensed = sensed();
        for (feature, value) in [
            (Feature::ReturnMid, -1.5),
            (Feature::SpreadBp, 2.0),
            (Feature::Imbalance1, 0.25),
            (Feature::OrderFlowImbalance, -(std::f32::consts::E - 1.0)),
            (Feature::Volume, std::f32::consts::E - 1.0),
        ] {
            sensed.features[feature] = Some(value);
        }
        let near = |name, want: f32| {
            let got = number(&sensed, name);
            assert!((got - want).abs() < 1e-6, "{name}: {got} against {want}");
        };
        near("return_mid", -1.5);
        near("spread_bp", 2.0);
        near("imbalance_1", 0.25);
        near("order_flow_imbalance", -1.0);
        near("volume", 1.0);
        near("trade_flow", 0.0);
        // a bid of 99 for 3 and an ask of 101 for 1: the microprice is 100.5
        near("micro_edge_bp", 50.0);
        // 2 held at 100, of a reference notional of 1000
        near("inventory_share", 0.2);
    }

    #[test]
    fn in_the_mirror_odd_numbers_change_their_sign_and_the_others_stay() {
        let mut plain = sensed();
        plain.features = FeatureVector([Some(2.0); 14]);
        let mut mirror = plain.clone();
        for spec in market::features::FEATURES.iter().filter(|spec| spec.feature.is_odd()) {
            mirror.features[spec.feature] = Some(-2.0);
        }
        mirror.account.position = -plain.account.position;
        let top = mirror.top.as_mut().expect("a book");
        std::mem::swap(&mut top.bid.quantity, &mut top.ask.quantity);
        for ((number, a), b) in PRICE.iter().zip(written(&plain)).zip(written(&mirror)) {
            assert!(a != 0.0, "{}: nothing would show", number.name);
            assert_eq!(b, if number.is_odd { -a } else { a }, "{}", number.name);
        }
    }

    #[test]
    fn without_a_book_its_numbers_are_nothing() {
        let mut sensed = sensed();
        sensed.features = FeatureVector::default();
        (sensed.top, sensed.mark2) = (None, None);
        assert_eq!(written(&sensed), [0.0; PRICE.len()]);
    }

    #[test]
    fn every_number_is_finite_whatever_the_market_says() {
        let mut sensed = sensed();
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN] {
            for feature in &mut sensed.features.0 {
                *feature = Some(value);
            }
            sensed.account.position = Quantity::MAX;
            sensed.mark2 = Some(i64::MAX);
            assert!(written(&sensed).iter().all(|t| t.abs() <= LARGEST as f32), "{value}");
        }
    }
}
